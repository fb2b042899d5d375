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
                                      "assets", "evidence", NULL};

static ia_check *next_check(ia_case *c, const char *name)
{
  ia_verdict *v = c->out;

  /* the list is fixed and fits; a flood of datasets ends in the last place */
  ia_check *k = &v->check[v->n < IA_COUNT(v->check) ? v->n++ : IA_COUNT(v->check) - 1];
  *k = (ia_check){.name = name};
  return k;
}

bool ia_case_check(ia_case *c, const char *name, bool ok, ia_code code, const char *fmt, ...)
{
  ia_check *k = next_check(c, name);
  va_list ap;

  va_start(ap, fmt);
  (void)vsnprintf(k->text, sizeof(k->text), fmt, ap);
  va_end(ap);
  k->state = ok ? IA_CHECK_PASS : IA_CHECK_FAIL;
  k->code = ok ? IA_OK : code;
  if (!ok && c->out->ok) {
    c->out->ok = false;
    c->out->code = code;
  }
  return ok;
}

void ia_case_note(ia_case *c, const char *name, const char *fmt, ...)
{
  ia_check *k = next_check(c, name);
  va_list ap;

  va_start(ap, fmt);
  (void)vsnprintf(k->text, sizeof(k->text), fmt, ap);
  va_end(ap);
  k->state = IA_CHECK_NOTE;
}

void ia_case_unproven(ia_case *c, const char *fmt, ...)
{
  ia_verdict *v = c->out;
  va_list ap;

  if (v->n_unproven == IA_COUNT(v->unproven)) {
    (void)snprintf(v->unproven[IA_COUNT(v->unproven) - 1], sizeof(v->unproven[0]),
                   "And more than this list holds.");
    return;
  }
  va_start(ap, fmt);
  (void)vsnprintf(v->unproven[v->n_unproven], sizeof(v->unproven[0]), fmt, ap);
  va_end(ap);
  v->n_unproven++;
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

/* The statement, and whether the SMS that it names is one of the user's own. */
static bool verify_run(ia_case *c, const ia_trust *trust)
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
  c->out->simulated = r->desc.domain == IA_DOMAIN_SIM;
  c->sms = ia_trust_find(trust, &r->sms_key);
  if (!ia_case_check(c, "sms-known", c->sms != NULL, IA_E_UNKNOWN_SMS,
                     c->sms ? "The key release service %s is in your trust file."
                            : "The key release service %s is not in your trust file.",
                     ia_h256_text(&r->sms_key).s))
    return false;
  bool same = c->sms->domain == r->desc.domain && c->sms->chain_id == r->desc.chain_id &&
              ia_addr_eq(&c->sms->hub, &r->desc.hub);
  return ia_case_check(c, "sms-chain", same, IA_E_DOMAIN_MISMATCH,
                       same ? "The run is of the domain, chain and hub of that service."
                            : "The run names another domain, chain or hub than that service's.");
}

static void verify_result(ia_case *c, const ia_blob *result)
{
  const ia_run *r = &c->stated;
  ia_h256 sum = {0};

  if (!r->result.there) {
    if (result)
      ia_case_check(c, "result-file", false, IA_E_RESULT_MISMATCH,
                    "The run stated no result file, yet one was given.");
    return;
  }
  c->out->result_sha256 = r->result.sha256;
  (void)snprintf(c->out->result_cid, sizeof(c->out->result_cid), "%s", r->result.cid);
  if (r->result.encrypted)
    ia_case_note(c, "result-key", "The result is sealed to the key with SHA-256 %s.",
                 ia_h256_text(&c->record.result_key_hash).s);
  else
    ia_case_note(c, "result-plain",
                 "The result was not encrypted: whoever fetched it could read it.");
  if (!result) {
    ia_case_unproven(c, "That any file you hold is the result: give it with --result.");
    return;
  }
  bool ok = result->size == r->result.size && ia_blob_sha256(&sum, result, NULL) &&
            ia_h256_eq(&sum, &r->result.sha256);
  ia_case_check(c, "result-file", ok, IA_E_RESULT_MISMATCH,
                ok ? "The file is byte for byte what the enclave uploaded."
                   : "The file is not what the enclave uploaded.");
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
  for (size_t i = 0; i < r->n_by_ledger; i++)
    ia_case_unproven(c, "Taken on the ledger's word: %s.", r->by_ledger[i]);
  if (r->attempt > 1)
    ia_case_note(c, "attempt",
                 "This was attempt %llu: a worker may run a task thrice and keep the result it "
                 "likes.",
                 (unsigned long long)r->attempt);
  if (c->stated.cause[0])
    ia_case_note(c, "run-cause", "The run failed: %s (exit code %d).", c->stated.cause,
                 c->stated.exit_code);
}

/* A task that reached no enclave: there is the pool's word, and nothing more. */
static void settlement_alone(ia_case *c)
{
  bool none =
      ia_h256_zero(&c->settled.run_hash) && c->settled.tx.len == 0 && c->settled.cause[0] != '\0';

  c->out->task_id = c->settled.task_id;
  c->out->simulated = c->settled.domain == IA_DOMAIN_SIM;
  ia_case_check(c, "settlement-run", none, IA_E_RECEIPT_FIELD,
                none ? "The task reached no enclave."
                     : "The settlement speaks of a run that this receipt leaves out.");
  ia_case_note(c, "settlement-cause", "The task ended with: %s.", c->settled.cause);
  ia_case_unproven(c, "That %s is the pool of this task, and that it says the truth.",
                   ia_addr_lower(&c->pool).s);
}

static void verify_all(ia_case *c, const ia_blob *result, const ia_trust *trust)
{
  ia_err e = {0};
  bool ok = ia_settlement_open(&c->settled, &c->pool, c->settlement, &e);

  ia_case_check(c, "settlement-signature", ok, e.code,
                ok ? "The end of the task is signed by %s."
                   : "The settlement does not stand: %.180s.",
                ok ? ia_addr_lower(&c->pool).s : e.msg);
  if (!ok)
    return;
  if (!c->run && !c->release && !c->orders && !c->assets && !c->evidence) {
    settlement_alone(c);
    return;
  }
  if (!ia_case_check(c, "parts", c->run && c->release && c->orders && c->assets && c->evidence,
                     IA_E_RECEIPT_FIELD, "A receipt of a run has all of its six parts."))
    return;
  if (!verify_run(c, trust) || !ia_verify_release(c))
    return;
  ia_verify_evidence(c);
  ia_verify_orders(c);
  ia_verify_assets(c);
  ia_verify_settlement(c);
  verify_result(c, result);
  last_words(c);
}

/* What programs go on with. */
static void facts_of(ia_case *c)
{
  const ia_settlement *s = &c->settled;
  ia_verdict *v = c->out;

  v->chain_id = s->chain_id;
  v->hub = s->hub;
  v->block_number = s->block_number;
  v->block_hash = s->block_hash;
  v->result_digest = c->stated.result_digest;
  v->manifest_hash = c->stated.manifest_hash;
  v->result_encrypted = c->stated.result.encrypted;
  memcpy(v->cause, s->cause, sizeof(v->cause));
  if (s->tx.len > 0)
    ia_tx_hash(&v->tx, ia_buf_view(&s->tx));
}

bool ia_receipt_verify(ia_verdict *out, ia_span receipt, const ia_blob *result,
                       const ia_trust *trust, ia_err *e)
{
  ia_case c = {.out = out};

  *out = (ia_verdict){.ok = true};
  if (receipt.len > IA_RECEIPT_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "a receipt has at most %d bytes", IA_RECEIPT_MAX);
  IA_AUTO_JSON *v = ia_json_parse(receipt, 0, e);
  if (!v)
    return ia_wrap(e, "receipt");
  if (!json_is_object(v) || !ia_json_only(v, members, NULL) || !json_object_get(v, "settlement"))
    return ia_fail(e, IA_E_RECEIPT_FIELD, "not a receipt, or with a member that nothing covers");
  c.run = json_object_get(v, "run");
  c.release = json_object_get(v, "release");
  c.settlement = json_object_get(v, "settlement");
  c.orders = json_object_get(v, "orders");
  c.assets = json_object_get(v, "assets");
  c.evidence = json_object_get(v, "evidence");
  verify_all(&c, result, trust);
  facts_of(&c);
  out->completed = out->ok && c.settled.tx.len > 0;
  case_free(&c);
  return true;
}
