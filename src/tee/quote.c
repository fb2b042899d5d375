#include "tee/quote.h"

enum {
  HEADER = 48,
  SGX_BODY = 384,
  TD10_BODY = 584,
  TD15_BODY = 648,
  CERT_PEM = 5,
  CERT_QE_REPORT = 6,
  CERT_LAST = 7,
  AK_P256 = 2,
};

static bool read_header(ia_quote *q, ia_span *in, ia_err *e)
{
  uint16_t ak = 0;

  if (in->len < HEADER)
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: %zu bytes are less than a header", in->len);
  (void)!ia_span_u16le(in, &q->version);
  (void)!ia_span_u16le(in, &ak);
  (void)!ia_span_u32le(in, &q->tee_type);
  (void)!ia_span_u16le(in, &q->qe_svn);
  (void)!ia_span_u16le(in, &q->pce_svn);
  (void)!ia_span_copy(in, q->qe_vendor, sizeof(q->qe_vendor));
  (void)!ia_span_copy(in, q->user_data, sizeof(q->user_data));
  if (q->version < 3 || q->version > 5)
    return ia_fail(e, IA_E_QUOTE_VERSION, "quote: version %u is not 3, 4 or 5", q->version);
  if (ak != AK_P256)
    return ia_fail(e, IA_E_QUOTE_AK_TYPE, "quote: attestation key type %u is not ECDSA P-256", ak);
  if (q->tee_type != IA_QUOTE_TEE_SGX && (q->tee_type != IA_QUOTE_TEE_TDX || q->version == 3))
    return ia_fail(e, IA_E_QUOTE_TEE_TYPE, "quote: TEE type 0x%x in version %u", q->tee_type,
                   q->version);
  return true;
}

/* Body type and size. Version 5 states both; they must agree with each other and the TEE type. */
static bool read_body_kind(ia_quote *q, size_t *size, ia_span *in, ia_err *e)
{
  bool sgx = q->tee_type == IA_QUOTE_TEE_SGX;
  uint32_t n = 0;

  q->body_type = sgx ? IA_QUOTE_BODY_SGX : IA_QUOTE_BODY_TD10;
  *size = sgx ? SGX_BODY : TD10_BODY;
  if (q->version < 5)
    return true;
  if (!ia_span_u16le(in, &q->body_type) || !ia_span_u32le(in, &n))
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: ends before its body");
  *size = q->body_type == IA_QUOTE_BODY_SGX    ? SGX_BODY
          : q->body_type == IA_QUOTE_BODY_TD10 ? TD10_BODY
          : q->body_type == IA_QUOTE_BODY_TD15 ? TD15_BODY
                                               : 0;
  if (*size == 0 || n != *size || (q->body_type == IA_QUOTE_BODY_SGX) != sgx)
    return ia_fail(e, IA_E_QUOTE_BODY_TYPE, "quote: body type %u of %u bytes", q->body_type, n);
  return true;
}

/* in holds exactly 384 bytes. */
static void read_sgx(ia_sgx_report *r, ia_span in)
{
  ia_span skip;

  (void)!ia_span_copy(&in, r->cpu_svn, 16);
  (void)!ia_span_copy(&in, r->misc_select, 4);
  (void)!ia_span_take(&in, 28, &skip);
  (void)!ia_span_copy(&in, r->attributes, 16);
  (void)!ia_span_copy(&in, r->mr_enclave, 32);
  (void)!ia_span_take(&in, 32, &skip);
  (void)!ia_span_copy(&in, r->mr_signer, 32);
  (void)!ia_span_take(&in, 96, &skip);
  (void)!ia_span_u16le(&in, &r->isv_prod_id);
  (void)!ia_span_u16le(&in, &r->isv_svn);
  (void)!ia_span_take(&in, 60, &skip);
  (void)!ia_span_copy(&in, r->report_data, 64);
}

/* in holds exactly 584 or 648 bytes. */
static void read_td(ia_td_report *t, ia_span in)
{
  (void)!ia_span_copy(&in, t->tcb_svn, 16);
  (void)!ia_span_copy(&in, t->mr_seam.b, 48);
  (void)!ia_span_copy(&in, t->mr_signer_seam.b, 48);
  (void)!ia_span_u64le(&in, &t->seam_attributes);
  (void)!ia_span_u64le(&in, &t->td_attributes);
  (void)!ia_span_u64le(&in, &t->xfam);
  (void)!ia_span_copy(&in, t->mr_td.b, 48);
  (void)!ia_span_copy(&in, t->mr_config_id.b, 48);
  (void)!ia_span_copy(&in, t->mr_owner.b, 48);
  (void)!ia_span_copy(&in, t->mr_owner_config.b, 48);
  for (int i = 0; i < 4; i++)
    (void)!ia_span_copy(&in, t->rtmr[i].b, 48);
  (void)!ia_span_copy(&in, t->report_data, 64);
  if (in.len > 0) {
    (void)!ia_span_copy(&in, t->tcb_svn2, 16);
    (void)!ia_span_copy(&in, t->mr_service_td.b, 48);
  }
}

/* QE report, its signature, QE auth data, certification data: these fill `in` exactly. */
static bool read_qe(ia_quote *q, ia_span in, ia_err *e)
{
  uint16_t n = 0;
  uint32_t size = 0;

  if (!ia_span_take(&in, SGX_BODY, &q->qe_bytes) || !ia_span_take(&in, 64, &q->qe_signature) ||
      !ia_span_u16le(&in, &n))
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: ends within the QE report");
  read_sgx(&q->qe, q->qe_bytes);
  if (n > IA_QUOTE_QE_AUTH_MAX)
    return ia_fail(e, IA_E_QUOTE_SIZE, "quote: QE auth data of %u bytes", n);
  if (!ia_span_take(&in, n, &q->qe_auth) || !ia_span_u16le(&in, &q->cert_type) ||
      !ia_span_u32le(&in, &size))
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: ends within the QE auth data");
  if (q->cert_type == 0 || q->cert_type == CERT_QE_REPORT || q->cert_type > CERT_LAST)
    return ia_fail(e, IA_E_QUOTE_CERT_TYPE, "quote: certification data type %u", q->cert_type);
  if (q->cert_type == CERT_PEM && size > IA_QUOTE_PEM_MAX)
    return ia_fail(e, IA_E_QUOTE_SIZE, "quote: certificate chain of %u bytes", size);
  if (!ia_span_take(&in, size, &q->cert_data) || in.len > 0)
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: certification data of %u bytes does not fit", size);
  while (q->cert_type == CERT_PEM && q->cert_data.len > 0 &&
         q->cert_data.ptr[q->cert_data.len - 1] == 0)
    q->cert_data.len--;
  return true;
}

static bool read_auth(ia_quote *q, ia_span in, ia_err *e)
{
  uint16_t type = 0;
  uint32_t size = 0;

  if (!ia_span_take(&in, 64, &q->signature) || !ia_span_take(&in, 64, &q->attest_key))
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: ends within the signature");
  if (q->version == 3)
    return read_qe(q, in, e);
  if (!ia_span_u16le(&in, &type) || !ia_span_u32le(&in, &size))
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: ends before the QE report");
  if (type != CERT_QE_REPORT)
    return ia_fail(e, IA_E_QUOTE_CERT_TYPE, "quote: outer certification data type %u", type);
  if (size != in.len)
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: certification data of %u bytes in %zu", size,
                   in.len);
  return read_qe(q, in, e);
}

bool ia_quote_parse(ia_quote *q, ia_span bytes, ia_err *e)
{
  ia_span in = bytes, body, auth;
  uint32_t auth_len = 0;
  size_t size = 0;

  *q = (ia_quote){0};
  if (bytes.len > IA_QUOTE_MAX)
    return ia_fail(e, IA_E_QUOTE_SIZE, "quote: %zu bytes", bytes.len);
  if (!read_header(q, &in, e) || !read_body_kind(q, &size, &in, e))
    return false;
  if (!ia_span_take(&in, size, &body) || !ia_span_u32le(&in, &auth_len))
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: ends within the body");
  q->signed_bytes = ia_span_of(bytes.ptr, (size_t)(body.ptr + body.len - bytes.ptr));
  if (q->body_type == IA_QUOTE_BODY_SGX)
    read_sgx(&q->sgx, body);
  else
    read_td(&q->td, body);
  if (auth_len > IA_QUOTE_AUTH_MAX)
    return ia_fail(e, IA_E_QUOTE_SIZE, "quote: auth data of %u bytes", auth_len);
  if (!ia_span_take(&in, auth_len, &auth))
    return ia_fail(e, IA_E_QUOTE_PARSE, "quote: auth data of %u bytes in %zu", auth_len, in.len);
  if (!read_auth(q, auth, e))
    return false;
  for (size_t i = 0; i < in.len; i++)
    if (in.ptr[i] != 0)
      return ia_fail(e, IA_E_QUOTE_TRAILING, "quote: bytes after the auth data");
  return true;
}

bool ia_quote_chain(ia_span *pem, const ia_quote *q, ia_err *e)
{
  if (q->cert_type != CERT_PEM)
    return ia_fail(e, IA_E_NO_PCK_CHAIN, "quote: certification data type %u holds no chain",
                   q->cert_type);
  *pem = q->cert_data;
  return true;
}
