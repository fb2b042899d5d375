/* Authorisations, and what workers report at the end of a lease. */
#include "base/causes.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "crypto/keccak.h"
#include "eth/eip191.h"
#include "eth/tx.h"
#include "poco/ids.h"
#include "receipt/run.h"
#include "service/scheduler/internal.h"

static bool sig_get(const json_t *obj, uint8_t *out, size_t n, ia_err *e)
{
  IA_AUTOV(ia_buf) raw = {.cap = 128};

  if (!ia_json_get_hex(obj, "sig", &raw, e))
    return false;
  if (raw.len != n)
    return ia_fail(e, IA_E_PARSE, "\"sig\": want %zu bytes", n);
  memcpy(out, raw.ptr, n);
  return true;
}

static bool cert_parse(ia_scheduler *s, ia_enclave_cert *out, const json_t *c, ia_err *e)
{
  const char *tee;

  *out = (ia_enclave_cert){.domain = s->domain};
  if (!json_is_object(c))
    return ia_fail(e, IA_E_PARSE, "\"certificate\" is missing");
  if (!ia_json_get_str(c, "tee", &tee, e) || !ia_json_get_h256(c, "taskId", &out->task_id, e) ||
      !ia_json_get_addr(c, "worker", &out->worker, e) ||
      !ia_json_get_addr(c, "enclaveAddress", &out->enclave, e) ||
      !ia_json_get_h256(c, "evidenceHash", &out->evidence_hash, e) ||
      !ia_json_get_u64(c, "expires", &out->expires, e) || !sig_get(c, out->sig, 64, e))
    return false;
  if (strlen(tee) >= sizeof(out->tee))
    return ia_fail(e, IA_E_PARSE, "\"tee\" is too long");
  memcpy(out->tee, tee, strlen(tee) + 1);
  return true;
}

/* docs/release.md 3: tee, task, worker, address and expiry, and the signature of our SMS. */
static bool cert_in_time(const ia_enclave_cert *c, ia_err *e)
{
  return c->expires > ia_now() || ia_fail(e, IA_E_FORBIDDEN, "certificate: expired");
}

static bool cert_check(ia_scheduler *s, const ia_enclave_cert *c, const ia_h256 *task,
                       const ia_addr *worker, ia_err *e)
{
  if (!s->has_sms)
    return ia_fail(e, IA_E_UNAVAILABLE, "the scheduler waits for its SMS");
  if (strcmp(c->tee, s->tee) != 0)
    return ia_fail(e, IA_E_FORBIDDEN, "certificate: of another kind of TEE");
  if (!ia_h256_eq(&c->task_id, task))
    return ia_fail(e, IA_E_FORBIDDEN, "certificate: of another task");
  if (!ia_addr_eq(&c->worker, worker))
    return ia_fail(e, IA_E_FORBIDDEN, "certificate: of another worker");
  if (ia_addr_zero(&c->enclave))
    return ia_fail(e, IA_E_FORBIDDEN, "certificate: no enclave");
  return cert_in_time(c, e) && ia_enclave_cert_verify(c, &s->sms_key, e);
}

/* The lease of the request is the one in force. */
static bool in_force(const sch_task *t, uint64_t fencing, const ia_addr *worker, ia_err *e)
{
  if (t->state != SCH_RUNNING)
    return ia_fail(e, IA_E_LEASE_FENCED, "the task is not leased: %s", sch_state_name(t->state));
  if (t->fencing != fencing || !ia_addr_eq(&t->worker, worker))
    return ia_fail(e, IA_E_LEASE_FENCED, "the task was leased anew");
  if (t->lease_expires <= ia_now())
    return ia_fail(e, IA_E_LEASE_INVALID, "the lease has expired");
  return true;
}

/* One enclave a lease: a second address under the same number is refused. */
static bool enclave_keep(ia_scheduler *s, const sch_task *t, const ia_addr *enclave, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "UPDATE attempts SET enclave = $3 WHERE task_id = $1 AND fencing = $2"
                  " AND (enclave IS NULL OR enclave = $3)",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->id);
  ia_bind_u64(st, 2, t->fencing);
  ia_bind_addr(st, 3, enclave);
  if (!ia_stmt_run(st, e))
    return false;
  return ia_db_changes(s->db) == 1 ||
         ia_fail(e, IA_E_FORBIDDEN, "another enclave was authorised under this lease");
}

bool sch_authorize(ia_scheduler *s, const ia_addr *worker, const json_t *body, json_t **answer,
                   ia_err *e)
{
  SCH_LOCKED *held = s;
  ia_enclave_cert cert;
  uint64_t fencing;
  ia_h256 id, h;
  sch_task t;
  ia_sig sig;

  sch_lock(s);
  if (!ia_json_get_h256(body, "taskId", &id, e) || !ia_json_get_u64(body, "fencing", &fencing, e) ||
      !cert_parse(s, &cert, json_object_get(body, "certificate"), e) ||
      !sch_task_get(s, &t, &id, e) || !in_force(&t, fencing, worker, e) ||
      !cert_check(s, &cert, &id, worker, e) || !enclave_keep(s, &t, &cert.enclave, e))
    return false;
  (void)held;
  ia_crash_point("scheduler-authorized");
  /* the write above may have waited: what is signed is signed in time */
  if (!in_force(&t, fencing, worker, e) || !cert_in_time(&cert, e))
    return false;
  ia_authorization_message(&h, worker, &id, &cert.enclave);
  if (!ia_eip191_sign(s->wallet->secp, &sig, IA_SPAN_ARR(h.b), &s->wallet->key, e))
    return false;
  ia_log(IA_LOG_INFO, "task.authorized", "task=%s enclave=%s", ia_h256_text(&id).s,
         ia_addr_lower(&cert.enclave).s);
  *answer = json_pack("{s:o}", "authorization", ia_json_hex(IA_SPAN_ARR(sig.b)));
  return *answer || ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
}

/* -- reports -- */

/* Members worth keeping, as text. */
static bool parts_text(ia_buf *out, const json_t *body, ia_err *e)
{
  static const char *const names[] = {"run", "release", "evidence", "tx", "timeline"};
  IA_AUTO_JSON *parts = json_object();

  for (size_t i = 0; i < IA_COUNT(names); i++) {
    json_t *v = json_object_get(body, names[i]);

    if (v && !json_is_null(v))
      json_object_set(parts, names[i], v);
  }
  return ia_json_write(out, parts, e);
}

static bool parts_put(ia_scheduler *s, const ia_h256 *id, uint64_t fencing, const ia_addr *worker,
                      const json_t *body, const char *state, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_stmt *st;

  if (!parts_text(&text, body, e) ||
      !ia_db_stmt(&st, s->db,
                  "UPDATE attempts SET parts = $4, state = $5"
                  " WHERE task_id = $1 AND fencing = $2 AND worker = $3",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  ia_bind_u64(st, 2, fencing);
  ia_bind_addr(st, 3, worker);
  ia_bind_textn(st, 4, ia_buf_view(&text));
  ia_bind_text(st, 5, state);
  if (!ia_stmt_run(st, e))
    return false;
  return ia_db_changes(s->db) == 1 || ia_fail(e, IA_E_LEASE_FENCED, "no such lease of this worker");
}

/* The settling transaction is this worker's, for this task, on this hub. */
static bool tx_check(ia_scheduler *s, const json_t *body, const ia_h256 *id, const ia_addr *worker,
                     ia_err *e)
{
  IA_AUTOV(ia_buf) raw = {.cap = 1 << 20};
  ia_args args;
  ia_addr sender;
  ia_tx tx;

  if (!ia_json_get_hex(body, "tx", &raw, e) || !ia_tx_decode(&tx, ia_buf_view(&raw), e) ||
      !ia_tx_sender(&sender, &tx, e) ||
      !ia_call_decode(&args, IA_CALL_CONTRIBUTE_AND_FINALIZE, tx.data, e))
    return ia_wrap(e, "\"tx\"");
  if (tx.chain_id != s->chain_id || !ia_addr_eq(&tx.to, &s->hub) || !ia_addr_eq(&sender, worker) ||
      !ia_h256_eq(&args.id[0], id))
    return ia_fail(e, IA_E_INVALID, "\"tx\" settles something else");
  return true;
}

bool sch_done(ia_scheduler *s, const ia_addr *worker, const json_t *body, ia_err *e)
{
  SCH_LOCKED *held = s;
  IA_AUTO(ia_tx) *tx = NULL;
  uint64_t fencing;
  json_t *run;
  sch_task t;
  ia_h256 id;

  sch_lock(s);
  (void)held;
  if (!ia_json_get_h256(body, "taskId", &id, e) || !ia_json_get_u64(body, "fencing", &fencing, e) ||
      !ia_json_get_obj(body, "run", &run, e) || !tx_check(s, body, &id, worker, e) ||
      !sch_task_get(s, &t, &id, e))
    return false;
  if (!ia_tx_begin(&tx, s->db, e) || !parts_put(s, &id, fencing, worker, body, "DONE", e) ||
      !sch_attempt_end(s, &id, fencing, "", "", "", e) || !sch_auth_keep(s, worker, e) ||
      (t.state == SCH_COMPLETED && !sch_receipt_make(s, &id, e)) || !ia_tx_commit(&tx, e))
    return false;
  ia_crash_point("scheduler-done");
  ia_log(IA_LOG_INFO, "task.done", "task=%s worker=%s", ia_h256_text(&id).s,
         ia_addr_lower(worker).s);
  sch_wake(s);
  sch_changed(s, &id);
  return true;
}

void sch_clean(char *out, size_t size, const char *text)
{
  size_t n = 0;

  for (; n < size - 4 && text[n]; n++)
    out[n] = (unsigned char)text[n] < 0x20 || text[n] == 0x7f ? ' ' : text[n];
  while (n > 0 && !ia_utf8_valid(ia_span_of(out, n)))
    n--; /* a character that was cut */
  out[n] = '\0';
}

/* The enclave itself says how this task ended. */
static bool stated_by_enclave(const json_t *body, const ia_h256 *id)
{
  const json_t *envelope = json_object_get(json_object_get(body, "run"), "run");
  IA_AUTOV(ia_run) run = {0};
  ia_addr signer;

  return json_is_object(envelope) && ia_run_open(&run, &signer, envelope, NULL) &&
         ia_h256_eq(&run.desc.task_id, id) && run.cause[0] != '\0';
}

typedef struct failure {
  ia_h256 id;
  uint64_t fencing;
  char cause[48], code[48];
  char message[SCH_MESSAGE];
  bool retry;
} failure;

static bool failure_parse(failure *f, const json_t *body, ia_err *e)
{
  const char *cause, *code, *message;

  if (!ia_json_get_h256(body, "taskId", &f->id, e) ||
      !ia_json_get_u64(body, "fencing", &f->fencing, e) ||
      !ia_json_get_str(body, "cause", &cause, e) || !ia_json_get_str(body, "code", &code, e) ||
      !ia_json_get_str(body, "message", &message, e) ||
      !ia_json_get_bool(body, "retry", &f->retry, e))
    return false;
  if (!ia_cause_is_known(cause))
    return ia_fail(e, IA_E_INVALID, "unknown cause \"%.60s\"", cause);
  if (code[0] && strcmp(code, ia_code_name(ia_code_from_name(code))) != 0)
    return ia_fail(e, IA_E_INVALID, "unknown code \"%.60s\"", code);
  sch_copy(f->cause, sizeof(f->cause), cause);
  sch_copy(f->code, sizeof(f->code), code[0] ? code : "UNKNOWN");
  sch_clean(f->message, sizeof(f->message), message);
  return true;
}

static bool failed_rows(ia_scheduler *s, const failure *f, const sch_task *t, const json_t *body,
                        ia_err *e)
{
  /* that a task had all its attempts is no news: why they failed is */
  bool spent = t->cause[0] && (strcmp(f->code, ia_code_name(IA_E_RELEASE_LIMIT)) == 0 ||
                               strcmp(f->code, ia_code_name(IA_E_RELEASE_PACE)) == 0);
  bool over = false, gone, moved;

  if (!sch_deal_moved(s, t, &gone, &moved, e))
    return false;
  /* what a reorganisation did is nobody's fault */
  sch_again again = gone || moved ? SCH_AGAIN_NOW : sch_again_of(f->cause);
  if ((!spent && !gone && !sch_task_set_cause(s, &f->id, f->cause, f->code, f->message, e)) ||
      !sch_task_retry(s, t, again, stated_by_enclave(body, &f->id), &over, e))
    return false;
  return !over || sch_receipt_make(s, &f->id, e);
}

bool sch_failed(ia_scheduler *s, const ia_addr *worker, const json_t *body, ia_err *e)
{
  SCH_LOCKED *held = s;
  IA_AUTO(ia_tx) *tx = NULL;
  failure f;
  sch_task t;

  sch_lock(s);
  (void)held;
  if (!failure_parse(&f, body, e) || !sch_task_get(s, &t, &f.id, e) ||
      !ia_tx_begin(&tx, s->db, e) || !parts_put(s, &f.id, f.fencing, worker, body, "FAILED", e) ||
      !sch_attempt_end(s, &f.id, f.fencing, f.cause, f.code, f.message, e) ||
      !sch_auth_keep(s, worker, e))
    return false;
  /* a lease that was replaced has no say in what becomes of the task */
  if (t.state == SCH_RUNNING && t.fencing == f.fencing && !failed_rows(s, &f, &t, body, e))
    return false;
  if (!ia_tx_commit(&tx, e))
    return false;
  ia_crash_point("scheduler-failed");
  ia_log(IA_LOG_INFO, "task.failed", "task=%s worker=%s cause=%s code=%s retry=%d",
         ia_h256_text(&f.id).s, ia_addr_lower(worker).s, f.cause, f.code, f.retry);
  sch_changed(s, &f.id);
  return true;
}
