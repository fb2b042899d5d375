#include "tee/descriptor.h"

#include "crypto/sha.h"

bool ia_inputs_hash(ia_h256 *out, const ia_task_input *inputs, size_t n, ia_err *e)
{
  IA_AUTO(ia_sha) *h = NULL;

  if (!ia_sha_new(&h, IA_SHA256, e))
    return false;
  for (size_t i = 0; i < n; i++) {
    ia_sha_update(h, IA_SPAN_ARR(inputs[i].dataset.b));
    ia_sha_update(h, IA_SPAN_ARR(inputs[i].checksum.b));
    ia_sha_update(h, IA_SPAN_ARR(inputs[i].order_hash.b));
  }
  return ia_sha_final(h, out->b, e);
}

void ia_descriptor_put(ia_buf *b, const ia_descriptor *d)
{
  ia_buf_label(b, d->domain, "descriptor");
  ia_buf_u64be(b, d->chain_id);
  ia_buf_span(b, IA_SPAN_ARR(d->hub.b));
  ia_buf_span(b, IA_SPAN_ARR(d->deal_id.b));
  ia_buf_u32be(b, d->task_index);
  ia_buf_span(b, IA_SPAN_ARR(d->task_id.b));
  ia_buf_span(b, IA_SPAN_ARR(d->app.b));
  ia_buf_span(b, IA_SPAN_ARR(d->app_digest.b));
  ia_buf_span(b, IA_SPAN_ARR(d->dataset.b));
  ia_buf_span(b, IA_SPAN_ARR(d->requester.b));
  ia_buf_span(b, IA_SPAN_ARR(d->request_hash.b));
  ia_buf_span(b, IA_SPAN_ARR(d->inputs_hash.b));
  ia_buf_span(b, IA_SPAN_ARR(d->rules_hash.b));
  ia_buf_lp_str(b, d->stage);
  ia_buf_lp_str(b, d->tee);
  ia_buf_u8(b, (uint8_t)d->domain);
}

bool ia_descriptor_hash(ia_h256 *out, const ia_descriptor *d, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_descriptor_put(&b, d);
  if (!ia_buf_ok(&b, e))
    return false;
  ia_sha256(out, ia_buf_view(&b));
  return true;
}

void ia_transcript_put(ia_buf *b, const ia_transcript *t)
{
  ia_h256 log;

  ia_sha256(&log, t->event_log);
  ia_buf_label(b, t->domain, "attest");
  ia_buf_lp_str(b, t->tee);
  ia_buf_lp_str(b, t->stage);
  ia_buf_lp(b, IA_SPAN_ARR(t->nonce.b));
  ia_buf_lp(b, IA_SPAN_ARR(t->sms_key.b));
  ia_buf_lp(b, IA_SPAN_ARR(t->desc_hash.b));
  ia_buf_lp(b, IA_SPAN_ARR(log.b));
  ia_buf_lp(b, IA_SPAN_ARR(t->pk_guest.b));
  ia_buf_lp(b, IA_SPAN_ARR(t->enclave.b));
}

bool ia_report_data(ia_h512 *out, const ia_transcript *t, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_transcript_put(&b, t);
  if (!ia_buf_ok(&b, e))
    return false;
  ia_sha512(out->b, ia_buf_view(&b));
  return true;
}

bool ia_tee_in_domain(const char *tee, ia_domain d)
{
  bool sim = strcmp(tee, IA_TEE_SIM) == 0;
  bool hw = strcmp(tee, IA_TEE_TDX) == 0 || strcmp(tee, IA_TEE_SNP) == 0;

  return d == IA_DOMAIN_SIM ? sim : d == IA_DOMAIN_HW && hw;
}
