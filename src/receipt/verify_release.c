/* What the SMS signed: record, sealed release, certificate; and the evidence that it judged. */
#include <stddef.h>

#include "base/hex.h"
#include "base/json.h"
#include "crypto/sha.h"
#include "poco/ids.h"
#include "receipt/fields.h"
#include "receipt/verify.h"
#include "tee/eventlog.h"
#include "tee/hw.h"
#include "tee/release.h"
#include "tee/sim.h"

/* The members of the part beside the record's text. */
struct sealed {
  uint8_t record_sig[64], sig[64];
  ia_h256 enc, items;
};

static const ia_field sealed_fields[] = {
    {"recordSig", IA_FIELD_SIG64, offsetof(struct sealed, record_sig), 0},
    {"sig", IA_FIELD_SIG64, offsetof(struct sealed, sig), 0},
    {"enc", IA_FIELD_H256, offsetof(struct sealed, enc), 0},
    {"itemsHash", IA_FIELD_H256, offsetof(struct sealed, items), 0},
    {"record", IA_FIELD_OTHER, 0, 0},
    {"certificate", IA_FIELD_OTHER, 0, 0},
};

static const ia_field cert_fields[] = {
    {"tee", IA_FIELD_TEXT, offsetof(ia_enclave_cert, tee), sizeof(((ia_enclave_cert *)0)->tee)},
    {"taskId", IA_FIELD_H256, offsetof(ia_enclave_cert, task_id), 0},
    {"worker", IA_FIELD_ADDR, offsetof(ia_enclave_cert, worker), 0},
    {"enclaveAddress", IA_FIELD_ADDR, offsetof(ia_enclave_cert, enclave), 0},
    {"evidenceHash", IA_FIELD_H256, offsetof(ia_enclave_cert, evidence_hash), 0},
    {"expires", IA_FIELD_U64, offsetof(ia_enclave_cert, expires), 0},
    {"sig", IA_FIELD_SIG64, offsetof(ia_enclave_cert, sig), 0},
};

static bool verify_record(ia_case *c, struct sealed *s)
{
  const char *text = "";
  ia_err e = {0};
  bool ok = ia_fields_read(s, sealed_fields, IA_COUNT(sealed_fields), c->release, &e) &&
            ia_json_get_str(c->release, "record", &text, &e) &&
            ia_record_parse(&c->record, ia_span_str(text), &e) &&
            ia_text_verify(c->sms->domain, IA_RECORD_LABEL, ia_span_str(text), s->record_sig,
                           &c->sms->key, &e);

  return ia_case_check(c, "release-record", ok, e.code,
                       ok ? "The release record is signed by that service.%s"
                          : "The release record does not stand: %.180s.",
                       ok ? "" : e.msg);
}

/* One record, one run: the values that both sides state must be the same. */
static bool verify_bond(ia_case *c)
{
  const ia_record *r = &c->record;
  const ia_run *s = &c->stated;
  bool ok = r->domain == s->desc.domain && strcmp(r->tee, s->tee) == 0 &&
            ia_h256_eq(&r->task_id, &s->desc.task_id) && ia_h256_eq(&r->nonce, &s->nonce) &&
            ia_addr_eq(&r->enclave, &c->enclave) && ia_h256_eq(&r->task_hash, &s->task_hash);

  return ia_case_check(c, "release-run", ok, IA_E_TASK_MISMATCH,
                       ok ? "Keys were released to that enclave, for that task and nonce."
                          : "The release was made to another enclave, task or nonce.");
}

static void verify_sealed(ia_case *c, const struct sealed *s)
{
  const ia_record *r = &c->record;
  ia_release_bind bind = {.domain = r->domain,
                          .tee = r->tee,
                          .stage = c->stated.stage,
                          .nonce = r->nonce,
                          .report_data = r->report_data,
                          .evidence_hash = r->evidence_hash,
                          .task_id = r->task_id};
  bool ok = ia_release_sig_verify(&bind, &s->enc, &s->items, s->sig, &c->sms->key, NULL);

  ia_case_check(c, "release-signature", ok, IA_E_SMS_SIGNATURE,
                ok ? "The sealed secrets were signed by that service."
                   : "The signature over the sealed secrets does not fit.");
}

static void verify_certificate(ia_case *c)
{
  const ia_record *r = &c->record;
  ia_enclave_cert cert = {.domain = r->domain};
  bool ok = ia_fields_read(&cert, cert_fields, IA_COUNT(cert_fields),
                           json_object_get(c->release, "certificate"), NULL) &&
            ia_enclave_cert_verify(&cert, &c->sms->key, NULL) && strcmp(cert.tee, r->tee) == 0 &&
            ia_h256_eq(&cert.task_id, &r->task_id) && ia_addr_eq(&cert.worker, &r->worker) &&
            ia_addr_eq(&cert.enclave, &r->enclave) &&
            ia_h256_eq(&cert.evidence_hash, &r->evidence_hash);

  ia_case_check(c, "certificate", ok, IA_E_SMS_SIGNATURE,
                ok ? "That service certified the enclave key for the worker %s."
                   : "The enclave's certificate does not fit (worker %s).",
                ia_addr_lower(&r->worker).s);
}

bool ia_verify_release(ia_case *c)
{
  struct sealed s;

  if (!verify_record(c, &s) || !verify_bond(c))
    return false;
  verify_sealed(c, &s);
  verify_certificate(c);
  return true;
}

static bool read_evidence(ia_case *c, ia_err *e)
{
  static const char *const members[] = {"quote", "eventLog", "aux", "collateral", NULL};

  if (!json_is_object(c->evidence) || !ia_json_only(c->evidence, members, NULL))
    return ia_fail(e, IA_E_RECEIPT_FIELD, "a member that nothing covers");
  return ia_json_get_base64(c->evidence, "quote", &c->quote, e) &&
         ia_json_get_base64(c->evidence, "eventLog", &c->event_log, e) &&
         ia_json_get_base64(c->evidence, "aux", &c->aux, e) &&
         ia_json_get_base64(c->evidence, "collateral", &c->collateral, e);
}

static bool verify_evidence_hash(ia_case *c)
{
  ia_h256 h, collateral;
  ia_err e = {0};
  bool ok = read_evidence(c, &e) &&
            ia_evidence_hash(&h, ia_buf_view(&c->quote), ia_buf_view(&c->event_log),
                             ia_buf_view(&c->aux), &e);

  if (ok) {
    ia_sha256(&collateral, ia_buf_view(&c->collateral));
    ok = ia_h256_eq(&h, &c->record.evidence_hash) &&
         ia_h256_eq(&collateral, &c->record.collateral_hash);
  }
  return ia_case_check(c, "evidence-hash", ok, e.code ? e.code : IA_E_RECEIPT_FIELD,
                       ok ? "The evidence here is what the service judged."
                          : "The evidence here is not what the service judged.");
}

/* Task and deal by their hashes; the descriptor by its hash; all of it in the report data. */
static bool verify_descriptor(ia_case *c)
{
  const ia_run *r = &c->stated;
  ia_u256 first = ia_u256_of(r->bot_first), index = ia_u256_of(r->desc.task_index);
  ia_transcript t = {.domain = r->desc.domain,
                     .tee = r->tee,
                     .stage = r->stage,
                     .nonce = r->nonce,
                     .sms_key = r->sms_key,
                     .desc_hash = c->record.desc_hash,
                     .event_log = ia_buf_view(&c->event_log),
                     .pk_guest = r->pk_guest,
                     .enclave = c->enclave};
  ia_h256 deal, task, desc;
  ia_h512 report;

  ia_deal_id(&deal, &r->desc.request_hash, &first);
  ia_task_id(&task, &r->desc.deal_id, &index);
  bool ok = ia_h256_eq(&deal, &r->desc.deal_id) && ia_h256_eq(&task, &r->desc.task_id) &&
            ia_descriptor_hash(&desc, &r->desc, NULL) && ia_h256_eq(&desc, &c->record.desc_hash);
  ok = ia_case_check(c, "descriptor", ok, IA_E_TASK_MISMATCH,
                     ok ? "Task, deal, app, data, requester and rules are those the enclave "
                          "committed to."
                        : "The run speaks of another task than the enclave committed to.");
  if (!ok)
    return false;
  ok = ia_report_data(&report, &t, NULL) &&
       memcmp(report.b, c->record.report_data.b, sizeof(report.b)) == 0;
  return ia_case_check(c, "report-data", ok, IA_E_REPORT_DATA,
                       ok ? "The enclave's keys, the nonce and the task are in its report data."
                          : "The report data is of other keys, nonce or task.");
}

static void verify_sim(ia_case *c)
{
  const ia_run *r = &c->stated;
  ia_sim_trust trust = {.roots = c->sms->sim_roots,
                        .n_roots = c->sms->n_sim_roots,
                        .guests = c->sms->guests,
                        .n_guests = c->sms->n_guests,
                        .now = c->record.time};
  IA_AUTOV(ia_buf) d = {0};
  sim_evidence ev;
  ia_err e = {0};
  bool ok = ia_sim_verify(&ev, ia_buf_view(&c->quote), &trust, &e);

  if (!ok && (e.code == IA_E_GUEST_UNKNOWN || e.code == IA_E_SIM_ROOT)) {
    ia_case_missing(c, "quote", e.code == IA_E_SIM_ROOT ? e.code : IA_E_UNKNOWN_GUEST,
                    "SIMULATED: your trust file does not lead to the quote: %.160s.", e.msg);
    return;
  }
  if (!ia_case_check(c, "quote", ok, e.code,
                     ok ? "SIMULATED: the quote is signed under a simulation root of your trust "
                          "file, of a guest listed there.%s"
                        : "SIMULATED: the quote does not stand: %.160s.",
                     ok ? "" : e.msg))
    return;
  ia_descriptor_put(&d, &r->desc);
  ok = memcmp(ev.sim_report_data.b, c->record.report_data.b, 64) == 0 &&
       ia_eventlog_verify(ia_buf_view(&c->event_log), r->desc.domain, ia_buf_view(&d),
                          IA_SPAN_ARR(r->desc.app_digest.b), &ev.sim_rtmr3, NULL);
  ia_case_check(c, "event-log", ok, IA_E_EVENTLOG,
                ok ? "The measured events are this task and this image, and nothing more."
                   : "The measured events are not those of this task and image.");
}

void ia_verify_evidence(ia_case *c)
{
  hw_evidence ev;
  ia_err e = {0};

  if (!verify_evidence_hash(c) || !verify_descriptor(c))
    return;
  if (c->stated.desc.domain == IA_DOMAIN_SIM) {
    verify_sim(c);
    return;
  }
  bool ok = ia_hw_verify(&ev, ia_buf_view(&c->quote), &e);

  if (!ok && e.code == IA_E_UNSUPPORTED) {
    ia_case_missing(c, "quote", e.code, "This iapp judges no hardware evidence: %.180s.", e.msg);
    return;
  }
  ia_case_check(c, "quote", ok, e.code,
                ok ? "The quote is of genuine hardware.%s" : "The quote does not stand: %.180s.",
                ok ? "" : e.msg);
}
