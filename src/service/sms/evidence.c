/* Requests of guests, and step 11 of a release: is this evidence of a genuine guest that was given
 * this very task? */
#include "service/sms/internal.h"
#include "tee/eventlog.h"

void ia_sms_request_free(ia_sms_request *r)
{
  ia_buf_free(&r->quote);
  ia_buf_free(&r->event_log);
  ia_buf_free(&r->aux);
}

bool ia_sms_lease_parse(ia_lease *l, const json_t *v, ia_err *e)
{
  static const char *const keys[] = {"taskId", "worker", "fencing", "expires", "sig", NULL};
  IA_AUTOV(ia_buf) sig = {.cap = 128};

  if (!ia_json_only(v, keys, e) || !ia_json_get_h256(v, "taskId", &l->task_id, e) ||
      !ia_json_get_addr(v, "worker", &l->worker, e) ||
      !ia_json_get_u64(v, "fencing", &l->fencing, e) ||
      !ia_json_get_u64(v, "expires", &l->expires, e) || !ia_json_get_hex(v, "sig", &sig, e))
    return ia_wrap(e, "lease");
  if (sig.len != sizeof(l->sig) || l->fencing > INT64_MAX)
    return ia_fail(e, IA_E_LEASE_INVALID, "lease: a signature of %zu bytes", sig.len);
  memcpy(l->sig, sig.ptr, sizeof(l->sig));
  return true;
}

static bool get_pk(ia_h256 *out, const json_t *v, ia_err *e)
{
  return ia_json_get_h256(v, "pk", out, e);
}

bool ia_sms_request_parse(ia_sms_request *r, const json_t *v, ia_err *e)
{
  static const char *const keys[] = {"nonce",          "taskId", "stage",    "tee", "lease", "pk",
                                     "enclaveAddress", "quote",  "eventLog", "aux", NULL};
  json_t *lease;

  *r = (ia_sms_request){.quote = {.cap = IA_QUOTE_MAX},
                        .event_log = {.cap = IA_EVENTLOG_MAX},
                        .aux = {.cap = IA_QUOTE_MAX}};
  return ia_json_only(v, keys, e) && ia_json_get_h256(v, "nonce", &r->nonce, e) &&
         ia_json_get_h256(v, "taskId", &r->task, e) && ia_json_get_str(v, "stage", &r->stage, e) &&
         ia_json_get_str(v, "tee", &r->tee, e) && ia_json_get_obj(v, "lease", &lease, e) &&
         ia_sms_lease_parse(&r->lease, lease, e) && get_pk(&r->pk, v, e) &&
         ia_json_get_addr(v, "enclaveAddress", &r->enclave, e) &&
         ia_json_get_base64(v, "quote", &r->quote, e) &&
         ia_json_get_base64(v, "eventLog", &r->event_log, e) &&
         ia_json_get_base64(v, "aux", &r->aux, e);
}

/* The report data that a guest of ours makes for this request. */
static bool expected_report(ia_h512 *out, const ia_sms *s, const ia_sms_request *r,
                            const ia_descriptor *d, ia_err *e)
{
  ia_transcript t = {.domain = s->domain,
                     .tee = d->tee,
                     .stage = d->stage,
                     .nonce = r->nonce,
                     .sms_key = s->keys.sms_key,
                     .event_log = ia_buf_view(&r->event_log),
                     .pk_guest = r->pk,
                     .enclave = r->enclave};

  return ia_descriptor_hash(&t.desc_hash, d, e) && ia_report_data(out, &t, e);
}

static bool check_report(const ia_h512 *got, const ia_sms *s, const ia_sms_request *r,
                         const ia_descriptor *d, ia_err *e)
{
  ia_h512 want;

  if (!expected_report(&want, s, r, d, e))
    return false;
  return ia_ct_eq(want.b, got->b, sizeof(want.b)) ||
         ia_fail(
             e, IA_E_REPORT_DATA,
             "the quote's report data is not of this task, this SMS, this nonce and these keys");
}

static bool check_events(const ia_h384 *rtmr3, const ia_sms *s, const ia_sms_request *r,
                         const ia_descriptor *d, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  ia_descriptor_put(&text, d);
  return ia_buf_ok(&text, e) &&
         ia_eventlog_verify(ia_buf_view(&r->event_log), s->domain, ia_buf_view(&text),
                            IA_SPAN_ARR(d->app_digest.b), rtmr3, e);
}

bool ia_sms_judge_sim(sim_evidence *out, ia_sms *s, const ia_sms_request *r, const ia_descriptor *d,
                      uint64_t now, ia_err *e)
{
  ia_sim_trust trust = {.guests = s->guests, .n_guests = s->n_guests, .now = now};
  ia_h256 *roots = NULL;
  bool ok;

  if (s->domain != IA_DOMAIN_SIM || strcmp(r->tee, IA_TEE_SIM) != 0)
    return ia_fail(e, IA_E_DOMAIN_MISMATCH, "a simulated SMS takes simulated evidence alone");
  if (!ia_sms_all_roots(s, &roots, &trust.n_roots, e))
    return false;
  trust.roots = roots;
  ok = ia_sim_verify(out, ia_buf_view(&r->quote), &trust, e);
  free(roots);
  return ok && check_report(&out->sim_report_data, s, r, d, e) &&
         check_events(&out->sim_rtmr3, s, r, d, e);
}

bool ia_sms_judge_hw(hw_evidence *out, ia_sms *s, const ia_sms_request *r, const ia_descriptor *d,
                     ia_err *e)
{
  if (s->domain != IA_DOMAIN_HW || !ia_tee_in_domain(r->tee, IA_DOMAIN_HW))
    return ia_fail(e, IA_E_DOMAIN_MISMATCH, "no evidence of kind \"%.16s\" is taken here", r->tee);
  if (strcmp(r->tee, IA_TEE_TDX) != 0)
    return ia_fail(e, IA_E_HARDWARE_CLASS, "no evidence of kind \"%.16s\" is taken here", r->tee);
  return ia_hw_verify(out, ia_buf_view(&r->quote), e) &&
         check_report(&out->hw_report_data, s, r, d, e) &&
         check_events(&out->hw_rtmr[3], s, r, d, e);
}
