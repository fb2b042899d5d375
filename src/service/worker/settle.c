/* What follows a run: authorisation by the pool, contributeAndFinalize, reports. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "eth/address.h"
#include "eth/tx.h"
#include "service/worker/inside.h"

enum { REPORT_CAP = 4 << 20, TRIES = 5 };

/* What contributeAndFinalize carries. */
typedef struct settlement {
  ia_h256 digest;
  ia_addr enclave;
  ia_buf enclave_sign, authorization, callback, results;
} settlement;

static void settlement_free(settlement *s)
{
  ia_buf_free(&s->enclave_sign);
  ia_buf_free(&s->authorization);
  ia_buf_free(&s->callback);
  ia_buf_free(&s->results);
}
IA_DEFINE_AUTO_VALUE(settlement, settlement_free)

static bool authorize(worker_task *t, settlement *s, ia_err *e)
{
  json_t *certificate = json_object_get(t->release, "certificate");
  IA_AUTO_JSON *body = json_pack("{s:s, s:I, s:O}", "taskId", ia_h256_text(&t->task_id).s,
                                 "fencing", (json_int_t)t->fencing, "certificate", certificate);
  IA_AUTO_JSON *answer = NULL;
  ia_link_call call = {.path = "/worker/v1/authorize", .body = body, .cancel = &t->stopped};

  if (!certificate)
    return ia_fail(e, IA_E_INVALID, "the guest ended without a release");
  unsigned tries = 0;
  while (!ia_link_post(t->w->link, t->slot->http, &answer, &call, e)) {
    if (!worker_again(t, &tries, e))
      return false;
  }
  return answer && ia_json_get_hex(answer, "authorization", &s->authorization, e);
}

static bool open_chain(worker_task *t, ia_err *e)
{
  ia_chain_options o = {.url = t->w->rpc,
                        .hub = t->w->hub,
                        .chain_id = t->w->chain_id,
                        .cancel = &t->w->closing,
                        .sending = t->w->sending};

  return t->slot->chain || ia_chain_open(&t->slot->chain, &o, e);
}

static bool callback_text(settlement *s, worker_task *t, const json_t *run, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_deal deal;
  ia_h256 id;

  if (!ia_json_get_hex(run, "callbackData", &s->callback, e) ||
      !ia_json_get_h256(t->hints, "dealId", &id, e) || !open_chain(t, e) ||
      !ia_chain_deal(t->slot->chain, &deal, &store, &id, e))
    return false;
  ia_buf_printf(&s->results, "{ \"storage\": \"ethereum\", \"location\": \"%s\" }",
                ia_addr_text(&deal.callback).s);
  return ia_buf_ok(&s->results, e);
}

/* The text on the ledger, spaces and all, as clients parse it. */
static bool results_text(settlement *s, worker_task *t, const json_t *run, ia_err *e)
{
  const json_t *result = json_object_get(run, "result");
  const char *callback = json_string_value(json_object_get(run, "callbackData"));
  const char *cid;

  if (callback && strcmp(callback, "0x") != 0)
    return callback_text(s, t, run, e);
  if (!json_is_object(result) || !ia_json_get_str(result, "cid", &cid, e))
    return ia_fail(e, IA_E_PARSE, "guest: RUN without a result");
  ia_buf_printf(&s->results, "{ \"storage\": \"ipfs\", \"location\": \"/ipfs/%s\" }", cid);
  return ia_buf_ok(&s->results, e);
}

/* -- reports -- */
static json_t *timeline(const worker_task *t)
{
  const struct {
    const char *name;
    uint64_t ms;
  } rows[] = {{"leasedMs", t->times.leased},     {"guestMs", t->times.guest},
              {"releasedMs", t->times.released}, {"startedMs", t->times.started},
              {"exitedMs", t->times.exited},     {"resultMs", t->times.result},
              {"settledMs", t->times.settled}};
  json_t *v = json_object();

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    if (rows[i].ms > 0)
      (void)json_object_set_new(v, rows[i].name, json_integer((json_int_t)rows[i].ms));
  }
  return v;
}

static bool journal_path(ia_path *p, const ia_worker *w, const char *name, ia_err *e)
{
  return ia_path_join(p, e, "%s/%s", w->done.s, name);
}

/* True when the scheduler has it, or will never take it. */
static bool deliver(ia_worker *w, ia_http *h, const json_t *body, ia_err *e)
{
  ia_link_call call = {.path = "/worker/v1/done", .body = body, .cancel = &w->closing};

  for (int i = 0; i < TRIES; i++) {
    ia_err why = {0};

    if (ia_link_post(w->link, h, NULL, &call, &why))
      return true;
    *e = why;
    int status = ia_code_http(why.code);
    if (status == 404 || status == 409 || status == 400 || status == 403)
      return true; /* fenced off or settled by another: there is nobody to tell */
    if (w->closing)
      break;
    usleep(100000u << i);
  }
  return false;
}

/* What is kept until the scheduler has it: the receipt needs it, and nobody could make it again. It
 * is on disk before the transaction leaves, or a kill between the two would lose it. */
typedef struct report {
  worker_task *t;
  const json_t *run;
  json_t *body;
  ia_path path;
  bool kept;
} report;

static bool report_body(report *r, ia_span raw, ia_err *e)
{
  worker_task *t = r->t;

  json_decref(r->body);
  r->body = json_pack("{s:s, s:I, s:O, s:O, s:O, s:o, s:o}", "taskId", ia_h256_text(&t->task_id).s,
                      "fencing", (json_int_t)t->fencing, "run", r->run, "release", t->release,
                      "evidence", t->evidence, "tx", ia_json_hex(raw), "timeline", timeline(t));
  return r->body || ia_fail(e, IA_E_MEMORY, "report");
}

/* ia_chain_sent.before */
static bool keep_report(void *ctx, ia_span raw, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  report *r = ctx;
  char name[96];

  (void)snprintf(name, sizeof(name), "%s-%llu.json", ia_h256_text(&r->t->task_id).s,
                 (unsigned long long)r->t->fencing);
  if (!report_body(r, raw, e) || !ia_json_write(&text, r->body, e) ||
      !journal_path(&r->path, r->t->w, name, e) ||
      !ia_file_write(r->path.s, ia_buf_view(&text), 0600, e))
    return false;
  r->kept = true;
  ia_crash_point("worker-done-written");
  return true;
}

static void drop_report(report *r)
{
  if (r->kept)
    (void)unlink(r->path.s);
  r->kept = false;
}

static bool report_done(report *r, ia_span raw, ia_err *e)
{
  if (!report_body(r, raw, e) || !deliver(r->t->w, r->t->slot->http, r->body, e))
    return false;
  ia_crash_point("worker-done-reported");
  drop_report(r);
  return true;
}

static void resend_one(ia_worker *w, ia_http *h, const char *name)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_err e = {0};
  ia_path p;

  if (!journal_path(&p, w, name, &e) || !ia_file_read(&text, p.s, REPORT_CAP, &e)) {
    ia_log(IA_LOG_WARN, "worker.report", "file=%s message=%s", name, e.msg);
    return;
  }
  IA_AUTO_JSON *body = ia_json_parse(ia_buf_view(&text), 0, &e);
  if (body && !deliver(w, h, body, &e)) {
    ia_log(IA_LOG_WARN, "worker.report", "file=%s message=%s", name, e.msg);
    return;
  }
  (void)unlink(p.s);
}

void worker_resend(ia_worker *w, ia_http *h)
{
  DIR *d = opendir(w->done.s);

  if (!d)
    return;
  for (struct dirent *en; !w->closing && (en = readdir(d));) {
    size_t n = strlen(en->d_name);

    if (n > 5 && strcmp(en->d_name + n - 5, ".json") == 0)
      resend_one(w, h, en->d_name);
  }
  closedir(d);
}

/* -- transactions that a former process left -- */

/* The journal's report of the task that `raw` settles. */
static bool report_of(const ia_worker *w, ia_span raw, ia_path *p, json_t **body)
{
  ia_args args;
  ia_tx tx;
  DIR *d;

  *body = NULL;
  if (!ia_tx_decode(&tx, raw, NULL) ||
      !ia_call_decode(&args, IA_CALL_CONTRIBUTE_AND_FINALIZE, tx.data, NULL) ||
      !(d = opendir(w->done.s)))
    return false;
  const ia_text67 task = ia_h256_text(&args.id[0]);
  for (struct dirent *en; !*body && (en = readdir(d));) {
    IA_AUTOV(ia_buf) text = {0};

    if (strncmp(en->d_name, task.s, strlen(task.s)) == 0 && journal_path(p, w, en->d_name, NULL) &&
        ia_file_read(&text, p->s, REPORT_CAP, NULL))
      *body = ia_json_parse(ia_buf_view(&text), 0, NULL);
  }
  closedir(d);
  return *body != NULL;
}

/* ia_chain_sent.before: the report must name the form that will be in the block. */
static bool amend_report(void *ctx, ia_span raw, ia_err *e)
{
  IA_AUTO_JSON *body = NULL;
  IA_AUTOV(ia_buf) text = {0};
  ia_path p;

  if (!report_of(ctx, raw, &p, &body))
    return true; /* the scheduler has it, or will never need it */
  return ia_json_set(body, "tx", ia_json_hex(raw), e) && ia_json_write(&text, body, e) &&
         ia_file_write(p.s, ia_buf_view(&text), 0600, e);
}

void worker_tend(ia_worker *w)
{
  const ia_chain_options o = {.url = w->rpc,
                              .hub = w->hub,
                              .chain_id = w->chain_id,
                              .cancel = &w->closing,
                              .sending = w->sending};
  const ia_chain_sent like = {.before = amend_report, .ctx = w};
  ia_err why = {0};

  if ((w->chain || ia_chain_open(&w->chain, &o, &why)) &&
      ia_chain_tend(w->chain, &(ia_chain_account_key){w->secp, &w->key}, &like, &why))
    return;
  ia_log(IA_LOG_INFO, "worker.tend", "code=%s message=%s", ia_code_name(why.code), why.msg);
}

static bool because(const char **cause, const char *text)
{
  *cause = text;
  return false;
}

/* A ledger that does not answer may have taken it all the same: what was signed is sent again. */
static bool insist(worker_task *t, ia_chain_sent *sent, const ia_chain_account_key *k,
                   const ia_args *a, ia_err *e)
{
  for (unsigned tries = 0; worker_again(t, &tries, e);) {
    if (sent->raw.len > 0
            ? ia_chain_resume(t->slot->chain, sent, k, e)
            : ia_chain_call(t->slot->chain, sent, k, NULL, IA_CALL_CONTRIBUTE_AND_FINALIZE, a, e))
      return true;
  }
  return false;
}

static bool send(worker_task *t, const settlement *s, ia_chain_sent *sent, ia_err *e)
{
  ia_args a = {.id = {t->task_id, s->digest},
               .bytes = {ia_buf_view(&s->results), ia_buf_view(&s->callback),
                         ia_buf_view(&s->enclave_sign), ia_buf_view(&s->authorization)},
               .addr = {s->enclave}};
  ia_chain_account_key k = {t->w->secp, &t->w->key};

  if (!open_chain(t, e))
    return false;
  return ia_chain_call(t->slot->chain, sent, &k, NULL, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, e) ||
         insist(t, sent, &k, &a, e);
}

bool worker_settle(worker_task *t, const ia_guest_outcome *out, const char **cause, ia_err *e)
{
  IA_AUTOV(settlement) s = {0};
  report r = {.t = t, .run = out->run};
  IA_AUTOV(ia_chain_sent) sent = {.before = keep_report, .ctx = &r};

  worker_state(t, "SETTLE");
  if (!ia_json_get_h256(out->run, "resultDigest", &s.digest, e) ||
      !ia_json_get_addr(out->run, "enclaveAddress", &s.enclave, e) ||
      !ia_json_get_hex(out->run, "enclaveSign", &s.enclave_sign, e))
    return ia_wrap(e, "guest: RUN") || because(cause, "ENCLAVE_SIGNATURE_NOT_FOUND");
  if (!results_text(&s, t, out->run, e))
    return ia_wrap(e, "guest: RUN") || because(cause, "RESULT_LINK_MISSING");
  if (!authorize(t, &s, e))
    return ia_wrap(e, "authorisation") || because(cause, "WORKERPOOL_AUTHORIZATION_NOT_FOUND");
  ia_crash_point("worker-authorized");
  if (!send(t, &s, &sent, e)) {
    bool refused = e->code == IA_E_REVERT;

    if (refused)
      drop_report(&r); /* it will never be true */
    json_decref(r.body);
    return ia_wrap(e, "contributeAndFinalize") ||
           because(cause, refused ? "CHAIN_RECEIPT_NOT_VALID" : "CHAIN_UNREACHABLE");
  }
  t->times.settled = ia_now_ms();
  ia_crash_point("worker-settled");
  ia_err late = {0};
  if (!report_done(&r, ia_buf_view(&sent.raw), &late)) /* settled all the same; sent again later */
    ia_log(IA_LOG_WARN, "task.report", "task=%s message=%s", ia_h256_text(&t->task_id).s, late.msg);
  json_decref(r.body);
  ia_log(IA_LOG_INFO, "task.settled", "task=%s", ia_h256_text(&t->task_id).s);
  return true;
}

void worker_failed(worker_task *t, const char *cause, const ia_err *why, bool retry,
                   const json_t *run)
{
  IA_AUTO_JSON *body =
      json_pack("{s:s, s:I, s:s, s:s, s:s, s:b, s:O*, s:O*, s:O*}", "taskId",
                ia_h256_text(&t->task_id).s, "fencing", (json_int_t)t->fencing, "cause", cause,
                "code", ia_code_name(why->code), "message", why->msg, "retry", retry, "run", run,
                "release", run ? t->release : NULL, "evidence", run ? t->evidence : NULL);
  ia_link_call call = {.path = "/worker/v1/failed", .body = body, .cancel = &t->w->closing};

  ia_log(IA_LOG_WARN, "task.failed", "task=%s cause=%s code=%s retry=%d message=%s",
         ia_h256_text(&t->task_id).s, cause, ia_code_name(why->code), retry, why->msg);
  for (int i = 0; i < TRIES && body && !t->w->closing; i++) {
    ia_err e = {0};

    if (ia_link_post(t->w->link, t->slot->http, NULL, &call, &e))
      return;
    int status = ia_code_http(e.code);
    if (status >= 400 && status < 500 && status != 429)
      return; /* the lease is no longer ours */
    usleep(100000u << i);
  }
}
