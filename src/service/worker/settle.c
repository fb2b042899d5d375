/* What follows a run: the result is kept on disk, authorised by the pool, settled on the ledger and
 * reported. Trouble on that way is waited out until the task's deadline, over restarts of this
 * process: nothing here is a reason to run the app again. */
#include <string.h>

#include "base/causes.h"
#include "base/clock.h"
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "chain/about.h"
#include "eth/address.h"
#include "eth/tx.h"
#include "service/worker/kept.h"

/* A refusal of the ledger is believed when it comes so often in a row: a node may be behind. */
enum { REFUSALS = 3, PAUSE_MIN_MS = 200, PAUSE_MAX_MS = 5000 };

/* What contributeAndFinalize carries. */
typedef struct settlement {
  ia_h256 digest;
  ia_addr enclave;
  ia_buf enclave_sign, authorization, callback, results;
} settlement;

typedef struct settling {
  worker_task *t;
  char name[WORKER_KEPT_NAME];
  json_t *v; /* what is kept, as it is on disk when `saved` */
  bool saved;
  settlement s;
  unsigned refusals;
  ia_err last; /* trouble of the last round */
  const char *cause;
} settling;

typedef enum outcome {
  AGAIN,   /* after a pause */
  SETTLED, /* by a transaction of ours */
  ENDED,   /* there is nothing left to settle */
  REFUSED, /* for good */
} outcome;

static void settling_free(settling *x)
{
  json_decref(x->v);
  ia_buf_free(&x->s.enclave_sign);
  ia_buf_free(&x->s.authorization);
  ia_buf_free(&x->s.callback);
  ia_buf_free(&x->s.results);
}
IA_DEFINE_AUTO_VALUE(settling, settling_free)

static outcome trouble(settling *x, outcome o, const char *cause, const ia_err *why)
{
  x->cause = cause;
  x->last = *why;
  return o;
}

static bool open_chain(worker_task *t, ia_err *e)
{
  ia_chain_options o = {.url = t->w->rpc,
                        .hub = t->w->hub,
                        .chain_id = t->w->chain_id,
                        .cancel = &t->w->closing,
                        .sending = t->w->sending};

  if (!t->slot->chain && !ia_chain_open(&t->slot->chain, &o, e))
    return false;
  atomic_store(&t->w->is_final, ia_chain_is_local(t->slot->chain));
  return true;
}

/* -- what is kept -- */

static bool save(settling *x, ia_err *e)
{
  x->saved = worker_kept_save(x->t->w, x->name, x->v, e);
  if (x->saved)
    ia_crash_point("worker-done-written");
  return x->saved;
}

static bool keep_member(settling *x, const char *name, json_t *value, ia_err *e)
{
  IA_AUTO_JSON *now = NULL;

  /* the main thread may have added a form */
  if (worker_kept_load(&now, x->t->w, x->name, NULL) && json_object_get(now, "forms"))
    (void)json_object_set(x->v, "forms", json_object_get(now, "forms"));
  return ia_json_set(x->v, name, value, e) && save(x, e);
}

/* ia_chain_sent.before: what is signed is on disk before it leaves. */
static bool keep_form(void *ctx, ia_span raw, ia_err *e)
{
  settling *x = ctx;

  return worker_kept_form(x->t->w, x->name, raw, e);
}

/* -- parts -- */

/* The text on the ledger, spaces and all, as clients parse it. */
static bool results_text(settling *x, const json_t *run, ia_err *e)
{
  const json_t *result = json_object_get(run, "result");
  const char *callback = json_string_value(json_object_get(run, "callbackData"));
  const char *cid;

  if (callback && strcmp(callback, "0x") != 0) /* its address is asked of the ledger */
    return ia_json_get_hex(run, "callbackData", &x->s.callback, e);
  if (!json_is_object(result) || !ia_json_get_str(result, "cid", &cid, e))
    return ia_fail(e, IA_E_PARSE, "RUN without a result");
  ia_buf_printf(&x->s.results, "{ \"storage\": \"ipfs\", \"location\": \"/ipfs/%s\" }", cid);
  return ia_buf_ok(&x->s.results, e);
}

/* *cause: what a statement without these parts is called. */
static bool parse(settling *x, const char **cause, ia_err *e)
{
  const json_t *run = json_object_get(x->v, "run");

  *cause = "ENCLAVE_SIGNATURE_NOT_FOUND";
  if (!ia_json_get_h256(run, "resultDigest", &x->s.digest, e) ||
      !ia_json_get_addr(run, "enclaveAddress", &x->s.enclave, e) ||
      !ia_json_get_hex(run, "enclaveSign", &x->s.enclave_sign, e))
    return ia_wrap(e, "guest: RUN");
  *cause = "RESULT_LINK_MISSING";
  if (!results_text(x, run, e))
    return ia_wrap(e, "guest: RUN");
  *cause = "WORKERPOOL_AUTHORIZATION_NOT_FOUND";
  return json_object_get(json_object_get(x->v, "release"), "certificate") ||
         ia_fail(e, IA_E_INVALID, "the guest ended without a release");
}

static bool callback_text(settling *x, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_deal deal;
  ia_h256 id;

  if (x->s.results.len > 0)
    return true;
  if (!ia_json_get_h256(x->v, "dealId", &id, e) ||
      !ia_chain_deal(x->t->slot->chain, &deal, &store, &id, e))
    return false;
  ia_buf_printf(&x->s.results, "{ \"storage\": \"ethereum\", \"location\": \"%s\" }",
                ia_addr_text(&deal.callback).s);
  return ia_buf_ok(&x->s.results, e);
}

static bool ask_authorization(settling *x, ia_err *e)
{
  worker_task *t = x->t;
  IA_AUTO_JSON *answer = NULL;
  IA_AUTO_JSON *body = json_pack("{s:s, s:I, s:O}", "taskId", ia_h256_text(&t->task_id).s,
                                 "fencing", (json_int_t)t->fencing, "certificate",
                                 json_object_get(json_object_get(x->v, "release"), "certificate"));
  ia_link_call call = {.path = "/worker/v1/authorize", .body = body, .cancel = &t->w->closing};

  return ia_link_post(t->w->link, t->slot->http, &answer, &call, e) &&
         (answer || ia_fail(e, IA_E_PARSE, "scheduler: no answer")) &&
         ia_json_get_hex(answer, "authorization", &x->s.authorization, e) &&
         keep_member(x, "authorization", ia_json_hex(ia_buf_view(&x->s.authorization)), e);
}

/* The scheduler has judged what it was given, and would again. */
static bool is_no(ia_code code)
{
  int status = ia_code_http(code);

  switch (code) {
  case IA_E_SMS_SIGNATURE: return true; /* of the certificate that is kept */
  case IA_E_LEASE_INVALID:
  case IA_E_LEASE_FENCED: /* a lease that ended may be renewed; who has it is told by heartbeats */
  case IA_E_BUSY:
  case IA_E_CANCELLED: return false;
  default: return status >= 400 && status < 500;
  }
}

/* A scheduler that waits for its ledger says no for a while, too. */
static outcome authorize(settling *x)
{
  static const char cause[] = "WORKERPOOL_AUTHORIZATION_NOT_FOUND";
  ia_err why = {0};

  if (x->s.authorization.len > 0)
    return SETTLED;
  if (ia_json_get_hex(x->v, "authorization", &x->s.authorization, NULL) &&
      x->s.authorization.len > 0)
    return SETTLED;
  ia_buf_clear(&x->s.authorization);
  if (ask_authorization(x, &why)) {
    ia_crash_point("worker-authorized");
    return SETTLED;
  }
  ia_buf_clear(&x->s.authorization);
  (void)ia_wrap(&why, "authorisation");
  if (x->t->fenced)
    return trouble(x, ENDED, cause, &why);
  x->refusals = is_no(why.code) ? x->refusals + 1 : 0;
  return trouble(x, x->refusals >= REFUSALS ? REFUSED : AGAIN, cause, &why);
}

/* -- the ledger -- */

/* The form of ours that is in a block. */
static bool find_mined(settling *x, ia_buf *raw)
{
  IA_AUTO_JSON *now = NULL;
  const json_t *v;
  size_t i;

  if (!worker_kept_load(&now, x->t->w, x->name, NULL))
    return false;
  json_array_foreach (json_object_get(now, "forms"), i, v) {
    IA_AUTOV(ia_chain_receipt) receipt = {0};
    const char *text = json_string_value(v);
    ia_h256 hash;

    ia_buf_clear(raw);
    if (!text || !ia_unhex_buf(raw, ia_span_str(text)))
      continue;
    ia_tx_hash(&hash, ia_buf_view(raw));
    if (ia_chain_receipt_get(x->t->slot->chain, &receipt, &hash, NULL) && receipt.ok)
      return true;
  }
  ia_buf_clear(raw);
  return false;
}

/* The ledger refused: what does it say of the task? */
static outcome judge(settling *x, ia_chain_sent *sent, const ia_chain_account_key *k,
                     const ia_err *refusal)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_err why = {0};
  ia_task task;

  if (!ia_chain_task(x->t->slot->chain, &task, &store, &x->t->task_id, &why))
    return trouble(x, AGAIN, "CHAIN_UNREACHABLE", &why);
  if (task.status == IA_TASK_UNSET) {
    x->refusals = 0;
    (void)ia_fail(&why, IA_E_NOT_FOUND,
                  "a reorganisation took the task out of the ledger: the result is kept");
    return trouble(x, AGAIN, "DEAL_REORGANISED", &why);
  }
  if (task.status == IA_TASK_COMPLETED) {
    if (!find_mined(x, &sent->raw))
      return trouble(x, ++x->refusals >= REFUSALS ? ENDED : AGAIN, "CHAIN_RECEIPT_NOT_VALID",
                     refusal);
    if (ia_chain_resume(x->t->slot->chain, sent, k, &why))
      return SETTLED;
    return trouble(x, AGAIN, "CHAIN_UNREACHABLE", &why);
  }
  if (task.status == IA_TASK_FAILED)
    return trouble(x, ENDED, "CHAIN_RECEIPT_NOT_VALID", refusal);
  return trouble(x, ++x->refusals >= REFUSALS ? REFUSED : AGAIN, "CHAIN_RECEIPT_NOT_VALID",
                 refusal);
}

static const char *cause_of(ia_code code)
{
  switch (code) {
  case IA_E_FEE_REFUSED: return "FEE_REFUSED";
  case IA_E_INSUFFICIENT_FUNDS: return "INSUFFICIENT_FUNDS";
  case IA_E_IO:
  case IA_E_DISK_FULL: return "WORKER_OUT_OF_RESOURCES";
  default: return "CHAIN_UNREACHABLE";
  }
}

static outcome send(settling *x, ia_chain_sent *sent)
{
  worker_task *t = x->t;
  const settlement *s = &x->s;
  const ia_chain_account_key k = {t->w->secp, &t->w->key};
  ia_err why = {0};

  if (!open_chain(t, &why))
    return trouble(x, AGAIN, "CHAIN_UNREACHABLE", &why);
  if (!callback_text(x, &why))
    return trouble(x, AGAIN, why.code == IA_E_NOT_FOUND ? "DEAL_REORGANISED" : "CHAIN_UNREACHABLE",
                   &why);
  ia_args a = {.id = {t->task_id, s->digest},
               .bytes = {ia_buf_view(&s->results), ia_buf_view(&s->callback),
                         ia_buf_view(&s->enclave_sign), ia_buf_view(&s->authorization)},
               .addr = {s->enclave}};
  if (ia_chain_call(t->slot->chain, sent, &k, NULL, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, &why))
    return SETTLED;
  if (why.code == IA_E_REVERT || why.code == IA_E_TOO_LARGE)
    return judge(x, sent, &k, &why);
  x->refusals = 0;
  return trouble(x, AGAIN, cause_of(why.code), &why);
}

/* -- rounds -- */

static outcome round_once(settling *x, ia_chain_sent *sent)
{
  ia_err why = {0};
  outcome o;

  if (!x->saved && !save(x, &why))
    return trouble(x, AGAIN, "WORKER_OUT_OF_RESOURCES", &why);
  if (!worker_kept_is_there(x->t->w, x->name)) {
    (void)ia_fail(&why, IA_E_LEASE_FENCED, "it is settled under a newer lease of this worker");
    x->t->fenced = true;
    return trouble(x, ENDED, "ABORTED_BY_WORKER", &why);
  }
  o = authorize(x);
  return o == SETTLED ? send(x, sent) : o;
}

/* By the ledger's clock, where it tells it. */
static bool is_late(worker_task *t)
{
  uint64_t now = ia_now(), time;
  ia_block head;

  if (t->slot->chain && ia_chain_head(t->slot->chain, &head, NULL)) {
    if (!ia_chain_is_local(t->slot->chain) && ia_chain_time(t->slot->chain, &head, &time, NULL))
      now = time;
    else if (head.timestamp > now)
      now = head.timestamp;
  }
  return t->deadline != 0 && now >= worker_deadline(t);
}

static void pause_between(settling *x, uint32_t *ms)
{
  worker_waits(x->t, x->cause, &x->last);
  for (uint32_t i = 0; i < *ms && !x->t->w->closing; i += 50)
    usleep(50000);
  *ms = *ms * 2 < PAUSE_MAX_MS ? *ms * 2 : PAUSE_MAX_MS;
}

/* AGAIN: the worker stops, and its next process goes on. */
static outcome settle_rounds(settling *x, ia_chain_sent *sent)
{
  uint32_t pause = PAUSE_MIN_MS;

  for (;;) {
    outcome o = round_once(x, sent);

    if (o != AGAIN || x->t->w->closing)
      return o;
    if (is_late(x->t))
      return REFUSED;
    pause_between(x, &pause);
    if (x->t->w->closing)
      return AGAIN;
  }
}

static void report_settled(settling *x, ia_span raw)
{
  worker_task *t = x->t;
  json_t *timeline = json_object_get(x->v, "timeline");
  ia_err late = {0};

  ia_crash_point("worker-settled");
  (void)json_object_set_new(timeline, "settledMs", json_integer((json_int_t)ia_now_ms()));
  ia_log(IA_LOG_INFO, "task.settled", "task=%s", ia_h256_text(&t->task_id).s);
  /* settled all the same; told again later */
  if (!ia_json_set(x->v, "tx", ia_json_hex(raw), &late) ||
      !keep_member(x, "settled", json_true(), &late) ||
      !worker_report(t->w, t->slot->http, x->name, x->v, &late))
    ia_log(IA_LOG_WARN, "task.report", "task=%s message=%s", ia_h256_text(&t->task_id).s, late.msg);
}

static void settle(settling *x)
{
  IA_AUTOV(ia_chain_sent) sent = {.before = keep_form, .ctx = x, .join = true};
  const json_t *run = json_object_get(x->v, "run");
  const char *cause = "UNKNOWN";
  ia_err why = {0};

  worker_state(x->t, "SETTLE");
  if (!parse(x, &cause, &why)) {
    worker_kept_drop(x->t->w, x->name);
    worker_failed(x->t, cause, &why, true, run);
    return;
  }
  outcome o = settle_rounds(x, &sent);
  if (o == SETTLED) {
    report_settled(x, ia_buf_view(&sent.raw));
  } else if (o == ENDED || o == REFUSED) {
    ia_log(IA_LOG_WARN, "task.unsettled", "task=%s cause=%s code=%s message=%s",
           ia_h256_text(&x->t->task_id).s, x->cause, ia_code_name(x->last.code), x->last.msg);
    worker_kept_drop(x->t->w, x->name);
    if (o == REFUSED && !x->t->fenced)
      worker_failed(x->t, x->cause, &x->last, ia_cause_again(x->cause) == IA_AGAIN_LATER, run);
  }
}

void worker_settle(worker_task *t, const json_t *run)
{
  IA_AUTOV(settling) x = {.t = t, .cause = "UNKNOWN"};

  worker_kept_name(x.name, &t->task_id, t->fencing);
  x.v =
      json_pack("{s:s, s:I, s:O, s:O*, s:O*, s:o, s:O*, s:I}", "taskId",
                ia_h256_text(&t->task_id).s, "fencing", (json_int_t)t->fencing, "run", run,
                "release", t->release, "evidence", t->evidence, "timeline", worker_timeline(t),
                "dealId", json_object_get(t->hints, "dealId"), "deadline", (json_int_t)t->deadline);
  if (x.v)
    settle(&x);
}

/* The lease may be another than that of the run: the report goes to the one in force. */
static bool adopt(settling *x, const char *name, json_t *v, ia_err *e)
{
  worker_task *t = x->t;

  worker_kept_name(x->name, &t->task_id, t->fencing);
  x->v = json_incref(v);
  x->saved = strcmp(name, x->name) == 0;
  json_object_del(v, "settled");
  json_object_del(v, "reported");
  t->release = json_incref(json_object_get(v, "release"));
  t->evidence = json_incref(json_object_get(v, "evidence"));
  if (x->saved)
    return true;
  if (!ia_json_set(v, "fencing", json_integer((json_int_t)t->fencing), e) ||
      !ia_json_set(v, "deadline", json_integer((json_int_t)t->deadline), e) || !save(x, e))
    return false;
  worker_kept_drop(t->w, name);
  return true;
}

void worker_settle_kept(worker_task *t, const char *name, json_t *v)
{
  IA_AUTOV(settling) x = {.t = t, .cause = "UNKNOWN"};
  ia_err e = {0};

  ia_log(IA_LOG_INFO, "task.kept", "task=%s", ia_h256_text(&t->task_id).s);
  if (adopt(&x, name, v, &e))
    settle(&x);
  else
    worker_failed(t, "WORKER_OUT_OF_RESOURCES", &e, true, NULL);
}

/* -- transactions that nobody waits for -- */

/* ia_chain_sent.before: a form that replaces another. */
static bool keep_orphan(void *ctx, ia_span raw, ia_err *e)
{
  ia_worker *w = ctx;
  IA_AUTO_JSON *v = NULL;
  char name[WORKER_KEPT_NAME];
  ia_args args;
  ia_tx tx;

  if (!ia_tx_decode(&tx, raw, NULL) ||
      !ia_call_decode(&args, IA_CALL_CONTRIBUTE_AND_FINALIZE, tx.data, NULL) ||
      !worker_kept_find(name, &v, w, &args.id[0]))
    return true; /* the scheduler has it, or will never need it */
  return worker_kept_form(w, name, raw, e);
}

void worker_tend(ia_worker *w)
{
  const ia_chain_options o = {.url = w->rpc,
                              .hub = w->hub,
                              .chain_id = w->chain_id,
                              .cancel = &w->closing,
                              .sending = w->sending};
  const ia_chain_sent like = {.before = keep_orphan, .ctx = w};
  ia_err why = {0};

  if ((w->chain || ia_chain_open(&w->chain, &o, &why)) &&
      ia_chain_tend(w->chain, &(ia_chain_account_key){w->secp, &w->key}, &like, &why))
    return;
  ia_log(IA_LOG_INFO, "worker.tend", "code=%s message=%s", ia_code_name(why.code), why.msg);
}
