/* iapp/receipt.h: receipts and evidence. */
#include <fcntl.h>
#include <string.h>

#include "base/file.h"
#include "client/public.h"
#include "iapp/receipt.h"
#include "receipt/receipt.h"
#include "tee/quote.h"
#include "tee/sim.h"

static bool verify(char **out, ia_span receipt, const char *result_path, ia_span anchors, ia_err *e)
{
  ia_autofree ia_verdict *v = calloc(1, sizeof(*v));
  IA_AUTO(ia_trust) *trust = NULL;
  ia_blob result;

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  ia_autoclose int fd = result_path ? open(result_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
  if (result_path && fd < 0)
    return ia_fail_errno(e, "%s", result_path);
  if (!ia_trust_parse(&trust, anchors, e) || (result_path && !ia_blob_fd(&result, fd, e)) ||
      !ia_receipt_verify(v, receipt, result_path ? &result : NULL, trust, e))
    return false;
  IA_AUTO_JSON *json = ia_verdict_json(v, e);
  return json && ia_public_json(out, json, e);
}

IA_PUBLIC bool iapp_receipt_verify(char **out, const char *receipt, size_t receipt_len,
                                   const char *result_path, const char *trust, size_t trust_len,
                                   iapp_error *e)
{
  ia_err why = {0};

  return ia_public(verify(out, ia_span_of(receipt, receipt_len), result_path,
                          ia_span_of(trust, trust_len), &why),
                   &why, e);
}

static json_t *hex(const void *bytes, size_t n)
{
  return ia_json_hex(ia_span_of(bytes, n));
}

static json_t *td_json(const ia_td_report *td)
{
  json_t *rtmr = json_array();

  for (int i = 0; i < 4; i++)
    (void)json_array_append_new(rtmr, hex(td->rtmr[i].b, sizeof(td->rtmr[i].b)));
  return json_pack("{s:s, s:b, s:o, s:o, s:o, s:o, s:o}", "tee", "tdx", "debug",
                   (td->td_attributes & IA_TD_DEBUG_BITS) != 0, "measurement",
                   hex(td->mr_td.b, sizeof(td->mr_td.b)), "rtmr", rtmr, "reportData",
                   hex(td->report_data, sizeof(td->report_data)), "mrConfigId",
                   hex(td->mr_config_id.b, sizeof(td->mr_config_id.b)), "mrOwner",
                   hex(td->mr_owner.b, sizeof(td->mr_owner.b)));
}

static json_t *sgx_json(const ia_sgx_report *r)
{
  return json_pack("{s:s, s:b, s:o, s:[], s:o, s:s, s:o}", "tee", "sgx", "debug",
                   (r->attributes[0] & 2) != 0, "measurement",
                   hex(r->mr_enclave, sizeof(r->mr_enclave)), "rtmr", "reportData",
                   hex(r->report_data, sizeof(r->report_data)), "mrConfigId", "0x", "mrOwner",
                   hex(r->mr_signer, sizeof(r->mr_signer)));
}

static bool read_quote(char **out, ia_span bytes, ia_err *e)
{
  ia_quote q;

  if (!ia_quote_parse(&q, bytes, e))
    return false;
  IA_AUTO_JSON *v = q.body_type == IA_QUOTE_BODY_SGX ? sgx_json(&q.sgx) : td_json(&q.td);
  bool simulated = memcmp(q.qe_vendor, IA_SIM_VENDOR, sizeof(q.qe_vendor)) == 0;
  return ia_json_set(v, "version", json_integer(q.version), e) &&
         ia_json_set(v, "simulated", json_boolean(simulated), e) && ia_public_json(out, v, e);
}

IA_PUBLIC bool iapp_quote_read(char **out, const unsigned char *quote, size_t len, iapp_error *e)
{
  ia_err why = {0};

  return ia_public(read_quote(out, ia_span_of(quote, len), &why), &why, e);
}
