/* Verification of a receipt: its form, the run statement, the result file, and the last word. */
#include "receipt/verify.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/json.h"
#include "data/cipher.h"
#include "eth/tx.h"

static const char *const members[] = {"run",    "release",  "settlement", "orders",
                                      "assets", "evidence", "workerpool", NULL};

bool ia_case_check(ia_case *c, const char *name, bool ok, ia_code code, const char *fmt, ...)
{
  char text[sizeof(((ia_check *)0)->text)];
  va_list ap;

  va_start(ap, fmt);
  (void)vsnprintf(text, sizeof(text), fmt, ap);
  va_end(ap);
  ia_verdict_add(c->out, name, ok ? IA_CHECK_PASS : IA_CHECK_FAIL, code, "%s", text);
  return ok;
}

static void case_free(ia_case *c)
{
  ia_run_free(&c->stated);
  ia_record_free(&c->record);
  ia_settlement_free(&c->settled);
  ia_buf_free(&c->quote);
  ia_buf_free(&c->event_log);
  ia_buf_free(&c->aux);
  ia_buf_free(&c->collateral);
  for (int k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&c->order[k]);
}

/* What the trust file, and nothing in the receipt, says of the world that the task ran in. */
static void take_entry(ia_case *c, const ia_trust_sms *sms)
{
  c->sms = sms;
  c->out->domain_known = sms != NULL;
  c->out->simulated = !sms || sms->domain != IA_DOMAIN_HW;
}

/* The statement, and whether the SMS that it names is one of the user's own. */
static bool verify_run(ia_case *c)
{
  ia_err e = {0};
  bool ok = ia_run_open(&c->stated, &c->enclave, c->run, &e);

  ia_case_check(c, "run-signature", ok, e.code,
                ok ? "The run statement is signed by the enclave key %s."
                   : "The run statement does not stand: %.180s.",
                ok ? ia_addr_lower(&c->enclave).s : e.msg);
  if (!ok)
    return false;
  const ia_run *r = &c->stated;
  c->out->task_id = r->desc.task_id;
  take_entry(c, ia_trust_find(c->trust, &r->sms_key));
  if (!c->sms) {
    ia_case_missing(c, "sms-known", IA_E_UNKNOWN_SMS,
                    "The key release service %s is not in your trust file.",
                    ia_h256_text(&r->sms_key).s);
    return false;
  }
  ia_case_check(c, "sms-known", true, IA_OK, "The key release service %s is in your trust file.",
                ia_h256_text(&r->sms_key).s);
  bool same = c->sms->domain == r->desc.domain && c->sms->chain_id == r->desc.chain_id &&
              ia_addr_eq(&c->sms->hub, &r->desc.hub);
  return ia_case_check(c, "sms-chain", same, IA_E_DOMAIN_MISMATCH,
                       same ? "The run is of the domain, chain and hub of that service."
                            : "The run names another domain, chain or hub than that service's.");
}

/* Nothing but a run statement says what a result is. */
static void verify_file(ia_case *c, const ia_blob *result)
{
  const ia_run *r = &c->stated;
  ia_h256 sum = {0};

  if (!result) {
    if (r->result.there)
      ia_case_unproven(c, "That any file you hold is the result: give it with --result.");
    return;
  }
  if (!r->result.there) {
    ia_case_check(c, "result-file", false, IA_E_RESULT_MISMATCH,
                  c->run ? "The run stated no result file, yet one was given."
                         : "No run of an enclave states a result, yet a file was given.");
    return;
  }
  bool ok = result->size == r->result.size && ia_blob_sha256(&sum, result, NULL) &&
            ia_h256_eq(&sum, &r->result.sha256);
  ia_case_check(c, "result-file", ok, IA_E_RESULT_MISMATCH,
                ok ? "The file is byte for byte what the enclave uploaded."
                   : "The file is not what the enclave uploaded.");
}

static void describe_result(ia_case *c)
{
  const ia_run *r = &c->stated;

  if (!r->result.there)
    return;
  c->out->result_sha256 = r->result.sha256;
  (void)snprintf(c->out->result_cid, sizeof(c->out->result_cid), "%s", r->result.cid);
  if (r->result.encrypted)
    ia_case_note(c, "result-key", "The result is sealed to the key with SHA-256 %s.",
                 ia_h256_text(&c->record.result_key_hash).s);
  else
    ia_case_note(c, "result-plain",
                 "The result was not encrypted: whoever fetched it could read it.");
}

/* Under which of the owner's own words each key left, by the record. */
static void describe_terms(ia_case *c)
{
  for (size_t i = 0; i < c->record.n_datasets; i++) {
    const ia_record_dataset *d = &c->record.datasets[i];
    char policy[120] = "no policy of its owner", terms[120] = "no terms of the grant";

    if (d->epoch > 0)
      (void)snprintf(policy, sizeof(policy), "its owner's policy version %llu (SHA-256 %s)",
                     (unsigned long long)d->epoch, ia_h256_text(&d->policy_hash).s);
    if (d->terms_version > 0)
      (void)snprintf(terms, sizeof(terms), "the grant's terms version %llu (SHA-256 %s)",
                     (unsigned long long)d->terms_version, ia_h256_text(&d->terms_hash).s);
    ia_case_note(c, "terms", "%s was released under %s and %s.", ia_addr_lower(&d->address).s,
                 policy, terms);
  }
}

/* What no signature says, and what a reader may overlook. */
static void last_words(ia_case *c)
{
  const ia_record *r = &c->record;

  if (c->out->simulated)
    ia_case_unproven(c, "SIMULATED: no hardware stands behind this run; its keys and data were in "
                        "reach of whoever ran the worker.");
  if (r->remote_simulation)
    ia_case_unproven(c, "SIMULATED, and from other machines too: that service believes any worker "
                        "whose root it enrolled.");
  ia_case_unproven(c, "The time of the release, %s, is the service's own word.",
                   ia_rfc3339(r->time).s);
  if (c->settled.tx.len > 0)
    ia_case_unproven(c, "That the ledger holds the settlement: ask a node with --rpc.");
  else
    ia_case_unproven(c, "That nothing was settled is the pool's word: ask a node with --rpc.");
  if (!r->pool_proven)
    ia_case_unproven(c, "That %s owns the pool: the service took it from the ledger.",
                     ia_addr_lower(&r->pool_owner).s);
  for (size_t i = 0; i < r->n_by_ledger; i++)
    ia_case_unproven(c, "Taken on the ledger's word: %s.", r->by_ledger[i]);
  describe_terms(c);
  if (r->attempt > 1)
    ia_case_note(c, "attempt",
                 "This was attempt %llu: a worker can run a task several times and choose "
                 "which result to report.",
                 (unsigned long long)r->attempt);
  if (c->stated.cause[0])
    ia_case_note(c, "run-cause", "The run failed: %s (exit code %d).", c->stated.cause,
                 c->stated.exit_code);
}

static void verify_run_parts(ia_case *c, const ia_blob *result)
{
  bool parts = c->run && c->release && c->orders && c->assets && c->evidence && !c->workerpool;

  if (!ia_case_check(c, "parts", parts, IA_E_RECEIPT_FIELD,
                     parts ? "The six parts of the receipt of a run are here."
                           : "A receipt of a run has its six parts and no other."))
    return;
  if (!verify_run(c)) {
    verify_file(c, result);
    return;
  }
  if (!ia_verify_release(c))
    return;
  ia_verify_evidence(c);
  ia_verify_orders(c);
  ia_verify_assets(c);
  ia_verify_settlement(c);
  describe_result(c);
  verify_file(c, result);
  last_words(c);
  c->whole = true;
}

static void verify_all(ia_case *c, const ia_blob *result)
{
  ia_err e = {0};
  bool ok = ia_settlement_open(&c->settled, &c->settler, c->settlement, &e);

  ia_case_check(c, "settlement-signature", ok, e.code,
                ok ? "The end of the task is signed by %s."
                   : "The settlement does not stand: %.180s.",
                ok ? ia_addr_lower(&c->settler).s : e.msg);
  if (!ok)
    return;
  if (c->run || c->release || c->orders || c->assets || c->evidence) {
    verify_run_parts(c, result);
    return;
  }
  c->out->alone = true;
  ia_verify_alone(c);
  take_entry(c, c->sms);
  verify_file(c, result);
  c->whole = true;
}

/* What programs go on with. */
static void facts_of(ia_case *c)
{
  const ia_settlement *s = &c->settled;
  ia_verdict *v = c->out;

  /* where to ask about the end of the task stands in the trust file */
  const ia_trust_sms *at =
      c->sms ? c->sms : ia_trust_ledger(c->trust, s->chain_id, &s->hub, NULL, IA_DOMAIN_NONE);
  if (at) {
    v->has_ledger = true;
    v->chain_id = at->chain_id;
    v->hub = at->hub;
  }
  v->block_number = s->block_number;
  v->block_hash = s->block_hash;
  v->result_digest = c->stated.result_digest;
  v->manifest_hash = c->stated.manifest_hash;
  v->result_encrypted = c->stated.result.encrypted;
  memcpy(v->cause, s->cause, sizeof(v->cause));
  if (s->tx.len > 0)
    ia_tx_hash(&v->tx, ia_buf_view(&s->tx));
}

/* The parts by name; what is no receipt at all fails its first check. */
static bool take_parts(ia_case *c, const json_t *v, const ia_err *why)
{
  bool ok = json_is_object(v) && ia_json_only(v, members, NULL) && json_object_get(v, "settlement");

  if (!v)
    return ia_case_check(c, "form", false, why->code, "This is not a receipt: %.200s.", why->msg);
  if (!ok)
    return ia_case_check(c, "form", false, IA_E_RECEIPT_FIELD,
                         "This is not a receipt, or it has a member that nothing covers.");
  c->run = json_object_get(v, "run");
  c->release = json_object_get(v, "release");
  c->settlement = json_object_get(v, "settlement");
  c->orders = json_object_get(v, "orders");
  c->assets = json_object_get(v, "assets");
  c->evidence = json_object_get(v, "evidence");
  c->workerpool = json_object_get(v, "workerpool");
  return true;
}

bool ia_receipt_verify(ia_verdict *out, ia_span receipt, const ia_blob *result,
                       const ia_trust *trust, ia_err *e)
{
  ia_case c = {.out = out, .trust = trust};
  IA_AUTO_JSON *v = NULL;
  ia_err why = {0};

  *out = (ia_verdict){.outcome = IA_PROVEN, .simulated = true};
  if (receipt.len <= IA_RECEIPT_MAX)
    v = ia_json_parse(receipt, 0, &why);
  else
    (void)ia_fail(&why, IA_E_TOO_LARGE, "it has %zu bytes; the limit is %d", receipt.len,
                  IA_RECEIPT_MAX);
  if (why.code == IA_E_MEMORY)
    return ia_fail(e, IA_E_MEMORY, "%s", why.msg);
  if (take_parts(&c, v, &why)) {
    verify_all(&c, result);
    facts_of(&c);
  }
  if (!c.whole && out->outcome == IA_PROVEN)
    ia_case_missing(&c, "whole", IA_E_INTERNAL, "The verification did not reach its end.");
  out->completed = out->outcome == IA_PROVEN && c.settled.tx.len > 0;
  case_free(&c);
  return true;
}
