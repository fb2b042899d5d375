/* Serving one guest: evidence, messages to the SMS, files. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/hex.h"
#include "base/log.h"
#include "crypto/sha.h"
#include "service/worker/inside.h"

enum { PUT_MAX = 256 << 20, MARGIN_S = 120, POST_MS = 60000 };

static bool on_quote(void *ctx, ia_span report_data, ia_buf *quote, ia_buf *aux IA_UNUSED,
                     ia_err *e)
{
  worker_task *t = ctx;

  worker_state(t, "ATTEST");
  return ia_quoting_quote(t->w->quoting, quote, &t->w->mr_td, &t->rtmr3, report_data, e);
}

static bool on_extend(void *ctx, ia_span digest, ia_err *e)
{
  worker_task *t = ctx;

  return ia_quoting_extend(&t->rtmr3, digest, e);
}

/* SHA-256(LP(ct_0) || LP(ct_1) ..) of the sealed items. */
static bool items_hash(ia_h256 *out, const json_t *items, ia_err *e)
{
  IA_AUTOV(ia_buf) all = {0};
  const json_t *v;
  size_t i;

  json_array_foreach (items, i, v) {
    IA_AUTOV(ia_buf) ct = {0};

    if (!ia_json_get_base64(v, "ct", &ct, e))
      return false;
    ia_buf_lp(&all, ia_buf_view(&ct));
  }
  if (!ia_buf_ok(&all, e))
    return false;
  ia_sha256(out, ia_buf_view(&all));
  return true;
}

/* What the receipt needs of a release; it is public, the items stay sealed. */
static bool keep_release(worker_task *t, ia_span request, ia_span answer, ia_err *e)
{
  IA_AUTO_JSON *rq = ia_json_parse(request, 0, e), *v = rq ? ia_json_parse(answer, 0, e) : NULL;
  const char *record;
  json_t *items, *certificate;
  ia_h256 hash;

  if (!v || !ia_json_get_arr(v, "items", &items, e) || !items_hash(&hash, items, e) ||
      !ia_json_get_str(v, "record", &record, e) ||
      !ia_json_get_obj(v, "certificate", &certificate, e))
    return false;
  json_decref(t->release);
  json_decref(t->evidence);
  t->release =
      json_pack("{s:O*, s:s, s:O*, s:s, s:O*, s:O}", "enc", json_object_get(v, "enc"), "itemsHash",
                ia_h256_text(&hash).s, "sig", json_object_get(v, "sig"), "record", record,
                "recordSig", json_object_get(v, "recordSig"), "certificate", certificate);
  t->evidence = json_pack("{s:O*, s:O*, s:O*}", "quote", json_object_get(rq, "quote"), "eventLog",
                          json_object_get(rq, "eventLog"), "aux", json_object_get(rq, "aux"));
  return (t->release && t->evidence) || ia_fail(e, IA_E_MEMORY, "release");
}

static bool on_post(void *ctx, const char *path, ia_span body, int *status, ia_buf *answer,
                    ia_err *e)
{
  static const char *const headers[] = {"Content-Type: application/json", NULL};
  IA_AUTOV(ia_http_answer) a = {0};
  IA_AUTOV(ia_buf) url = {0};
  worker_task *t = ctx;
  bool release = strcmp(path, "/attest/v1/release") == 0;

  ia_buf_printf(&url, "%s%s", t->w->sms, path);
  ia_buf_u8(&url, 0);
  if (!ia_buf_ok(&url, e))
    return false;
  ia_http_call call = {.method = "POST",
                       .url = (const char *)url.ptr,
                       .headers = headers,
                       .body = body,
                       .total_ms = POST_MS,
                       .cancel = &t->stopped};
  if (!ia_http_do(t->slot->http, &a, &call, e)) {
    t->refusal = *e;
    return false;
  }
  *status = a.status;
  ia_buf_span(answer, ia_buf_view(&a.body));
  if (a.status / 100 != 2) {
    (void)ia_http_refused(&a, "sms", &t->refusal);
    ia_log(IA_LOG_WARN, "task.refused", "task=%s code=%s message=%s", ia_h256_text(&t->task_id).s,
           ia_code_name(t->refusal.code), t->refusal.msg);
    return true;
  }
  if (release) {
    t->times.released = ia_now_ms();
    worker_state(t, "RUNNING");
    if (!keep_release(t, body, ia_buf_view(&a.body), e))
      return false;
    ia_crash_point("worker-release-relayed");
  }
  return true;
}

static void on_started(void *ctx)
{
  worker_task *t = ctx;

  t->times.started = ia_now_ms();
  worker_state(t, "RUNNING");
}

static json_t *task_payload(worker_task *t)
{
  json_t *task = json_copy(t->hints);

  pthread_mutex_lock(&t->mutex);
  json_t *lease = json_incref(t->lease);
  pthread_mutex_unlock(&t->mutex);
  if (!task || json_object_set_new(task, "lease", lease) != 0 ||
      json_object_set_new(task, "smsKey", ia_json_h256(&t->w->sms_key)) != 0 ||
      json_object_set_new(task, "v", json_integer(1)) != 0) {
    json_decref(task);
    return NULL;
  }
  return task;
}

static bool take_guest(worker_task *t, ia_err *e)
{
  ia_guest *g = NULL;

  if (!ia_warm_take(t->w->warm, &g, &t->app_digest, e))
    return false;
  pthread_mutex_lock(&t->mutex);
  t->guest = g;
  bool stopped = t->stopped;
  pthread_mutex_unlock(&t->mutex);
  t->times.guest = ia_now_ms();
  return !stopped || ia_fail(e, IA_E_CANCELLED, "the lease was taken away");
}

bool worker_relay(worker_task *t, ia_guest_outcome *out, ia_err *e)
{
  const ia_guest_calls calls = {
      .ctx = t,
      .quote = on_quote,
      .extend = on_extend,
      .post = on_post,
      .fetch = worker_fetch,
      .put = worker_put,
      .started = on_started,
  };

  *out = (ia_guest_outcome){0};
  if (!take_guest(t, e))
    return false;
  IA_AUTO_JSON *task = task_payload(t);
  if (!task)
    return ia_fail(e, IA_E_MEMORY, "task");
  ia_guest_run_options o = {.task = task,
                            .tmp = t->w->tmp.s,
                            .put_max = PUT_MAX,
                            .wall_ms = (t->time_limit + MARGIN_S) * 1000};
  bool ok = ia_guest_run(t->guest, out, &o, &calls, e);
  if (t->times.exited == 0)
    t->times.exited = ia_now_ms();
  t->times.result = ia_now_ms();
  return ok;
}
