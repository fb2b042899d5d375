#include "tee/sim.h"

#include "crypto/p256.h"
#include "crypto/sha.h"
#include "tee/chain.h"
#include "tee/simpki.h"

enum { AK_P256 = 2, CERT_QE = 6, CERT_PEM = 5, QE_AUTH = 32, TD_DEBUG = 1 };

static void seam(ia_h384 *out)
{
  ia_sha384(out->b, ia_span_str(IA_SIM_SEAM_TEXT));
}

/* Header and TD report. */
static void put_signed(ia_buf *b, const ia_sim_claims *c)
{
  ia_h384 mr_seam;

  seam(&mr_seam);
  ia_buf_u16le(b, 4);
  ia_buf_u16le(b, AK_P256);
  ia_buf_u32le(b, IA_QUOTE_TEE_TDX);
  ia_buf_u32le(b, 0);
  ia_buf_str(b, IA_SIM_VENDOR);
  ia_buf_zero(b, 20); /* user data */
  ia_buf_zero(b, 16); /* TEE_TCB_SVN */
  ia_buf_span(b, IA_SPAN_ARR(mr_seam.b));
  ia_buf_zero(b, 48 + 8); /* MRSIGNERSEAM, SEAMATTRIBUTES */
  ia_buf_u64le(b, TD_DEBUG);
  ia_buf_u64le(b, 3); /* XFAM: x87 and SSE, the least */
  ia_buf_span(b, IA_SPAN_ARR(c->mr_td.b));
  ia_buf_zero(b, 3 * 48); /* MRCONFIGID, MROWNER, MROWNERCONFIG */
  ia_buf_zero(b, 3 * 48); /* RTMR0-2 */
  ia_buf_span(b, IA_SPAN_ARR(c->rtmr3.b));
  ia_buf_span(b, IA_SPAN_ARR(c->report_data.b));
}

/* The QE report binds the attestation key: REPORTDATA = SHA-256(key || auth) || 32 zero bytes. */
static void qe_binding(ia_h256 *out, ia_span key, ia_span auth)
{
  uint8_t both[64 + IA_QUOTE_QE_AUTH_MAX];

  memcpy(both, key.ptr, 64);
  memcpy(both + 64, auth.ptr, auth.len);
  ia_sha256(out, ia_span_of(both, 64 + auth.len));
}

static bool put_qe(ia_buf *b, const ia_simpki *p, const uint8_t key[64], ia_err *e)
{
  static const uint8_t auth[QE_AUTH] = IA_SIM_VENDOR;
  IA_AUTOV(ia_buf) report = {0};
  ia_h256 bound;
  uint8_t sig[64];

  qe_binding(&bound, ia_span_of(key, 64), IA_SPAN_ARR(auth));
  ia_buf_zero(&report, 320);
  ia_buf_span(&report, IA_SPAN_ARR(bound.b));
  ia_buf_zero(&report, 32);
  if (!ia_buf_ok(&report, e) || !ia_p256_sign(sig, p->leaf, ia_buf_view(&report), e))
    return false;
  ia_buf_span(b, ia_buf_view(&report));
  ia_buf_span(b, IA_SPAN_ARR(sig));
  ia_buf_u16le(b, QE_AUTH);
  ia_buf_span(b, IA_SPAN_ARR(auth));
  ia_buf_u16le(b, CERT_PEM);
  ia_buf_u32le(b, (uint32_t)p->certs.len);
  ia_buf_span(b, ia_buf_view(&p->certs));
  return true;
}

bool ia_sim_quote(ia_buf *out, const ia_simpki *p, const ia_sim_claims *claims, ia_err *e)
{
  IA_AUTOV(ia_buf) body = {.cap = IA_QUOTE_MAX}, qe = {.cap = IA_QUOTE_AUTH_MAX};
  IA_AUTO(ia_p256) *ak = NULL;
  uint8_t key[64], sig[64];

  put_signed(&body, claims);
  if (!ia_buf_ok(&body, e) || !ia_p256_generate(&ak, e) || !ia_p256_public(key, ak, e) ||
      !ia_p256_sign(sig, ak, ia_buf_view(&body), e) || !put_qe(&qe, p, key, e) ||
      !ia_buf_ok(&qe, e))
    return false;
  ia_buf_span(out, ia_buf_view(&body));
  ia_buf_u32le(out, (uint32_t)(64 + 64 + 6 + qe.len));
  ia_buf_span(out, IA_SPAN_ARR(sig));
  ia_buf_span(out, IA_SPAN_ARR(key));
  ia_buf_u16le(out, CERT_QE);
  ia_buf_u32le(out, (uint32_t)qe.len);
  ia_buf_span(out, ia_buf_view(&qe));
  return ia_buf_ok(out, e);
}

static bool zero384(const ia_h384 *m)
{
  static const ia_h384 zero;

  return memcmp(m->b, zero.b, sizeof(zero.b)) == 0;
}

/* What a simulated quote must say of itself. */
static bool is_simulated(const ia_quote *q, ia_err *e)
{
  const ia_td_report *t = &q->td;
  ia_h384 mr_seam;

  seam(&mr_seam);
  if (q->version != 4 || q->body_type != IA_QUOTE_BODY_TD10)
    return ia_fail(e, IA_E_SIM_QUOTE, "simulated quote: not of version 4 with a TD report");
  if (memcmp(q->qe_vendor, IA_SIM_VENDOR, sizeof(q->qe_vendor)) != 0)
    return ia_fail(e, IA_E_SIM_QUOTE, "simulated quote: another vendor id");
  if (t->td_attributes != TD_DEBUG)
    return ia_fail(e, IA_E_SIM_QUOTE, "simulated quote: attributes are not DEBUG alone");
  if (memcmp(t->mr_seam.b, mr_seam.b, sizeof(mr_seam.b)) != 0)
    return ia_fail(e, IA_E_SIM_QUOTE, "simulated quote: another MRSEAM");
  if (!zero384(&t->mr_config_id) || !zero384(&t->mr_owner) || !zero384(&t->mr_owner_config) ||
      !zero384(&t->rtmr[0]) || !zero384(&t->rtmr[1]) || !zero384(&t->rtmr[2]))
    return ia_fail(e, IA_E_SIM_QUOTE, "simulated quote: a register that must be zero is not");
  return true;
}

static bool enrolled(const ia_h256 *root, const ia_sim_trust *trust)
{
  for (size_t i = 0; i < trust->n_roots; i++)
    if (ia_h256_eq(root, &trust->roots[i]))
      return true;
  return false;
}

static bool guest_known(const ia_h384 *mr_td, const ia_sim_trust *trust)
{
  for (size_t i = 0; i < trust->n_guests; i++)
    if (memcmp(mr_td->b, trust->guests[i].b, sizeof(mr_td->b)) == 0)
      return true;
  return false;
}

static bool signatures_hold(const ia_quote *q, const ia_chain3 *chain, ia_err *e)
{
  uint8_t leaf[64];
  ia_h256 bound;

  if (!ia_chain3_leaf_key(leaf, chain, e))
    return false;
  if (!ia_p256_verify(leaf, q->qe_bytes, q->qe_signature.ptr, NULL))
    return ia_fail(e, IA_E_QUOTE_SIG, "simulated quote: QE report not signed by the leaf");
  qe_binding(&bound, q->attest_key, q->qe_auth);
  if (memcmp(q->qe.report_data, bound.b, 32) != 0)
    return ia_fail(e, IA_E_QUOTE_SIG, "simulated quote: attestation key not bound");
  for (int i = 32; i < 64; i++)
    if (q->qe.report_data[i] != 0)
      return ia_fail(e, IA_E_QUOTE_SIG, "simulated quote: QE report data has a tail");
  if (!ia_p256_verify(q->attest_key.ptr, q->signed_bytes, q->signature.ptr, NULL))
    return ia_fail(e, IA_E_QUOTE_SIG, "simulated quote: signature does not fit");
  return true;
}

bool ia_sim_verify(sim_evidence *out, ia_span quote, const ia_sim_trust *trust, ia_err *e)
{
  IA_AUTO(ia_chain3) *chain = NULL;
  ia_quote q;
  ia_span pem;
  ia_h256 root;

  *out = (sim_evidence){0};
  if (!ia_quote_parse(&q, quote, e) || !is_simulated(&q, e) || !ia_quote_chain(&pem, &q, e) ||
      !ia_chain3_read(&chain, pem, e) || !ia_chain3_root_digest(&root, chain, e))
    return false;
  if (!enrolled(&root, trust))
    return ia_fail(e, IA_E_SIM_ROOT, "simulated quote: its root is not enrolled here");
  if (!ia_chain3_verify(chain, trust->now, e) ||
      !ia_chain3_critical_known(chain, IA_SIM_EXTENSION_OID, e) ||
      !ia_chain3_all_have(chain, IA_SIM_EXTENSION_OID, true, e) || !signatures_hold(&q, chain, e))
    return false;
  if (!guest_known(&q.td.mr_td, trust))
    return ia_fail(e, IA_E_GUEST_UNKNOWN, "the guest's measurement is not on this SMS's list");
  out->sim_mr_td = q.td.mr_td;
  out->sim_rtmr3 = q.td.rtmr[3];
  memcpy(out->sim_report_data.b, q.td.report_data, sizeof(q.td.report_data));
  out->sim_root = root;
  return true;
}
