/* The life of a request: head, body, handler, reply. All of it on the loop's thread but the
 * handlers of jobs. */
#include <string.h>

#include "base/log.h"
#include "http/server_int.h"

void ia_request_free(ia_request *rq)
{
  if (!rq)
    return;
  *rq->link = rq->next;
  if (rq->next)
    rq->next->link = rq->link;
  ia_timer_free(rq->hold_timer);
  ia_reply_free(&rq->reply);
  ia_ring_free(&rq->in);
  ia_buf_free(&rq->body);
  ia_buf_free(&rq->memory);
  free(rq);
}

void ia_request_suspend(ia_request *rq)
{
  if (rq->suspended)
    return;
  rq->suspended = true;
  MHD_suspend_connection(rq->conn);
}

void ia_request_resume(ia_request *rq)
{
  if (!rq->suspended || !rq->conn)
    return;
  rq->suspended = false;
  MHD_resume_connection(rq->conn);
  ia_server_kick(rq->server);
}

/* A handler has ended on the loop's thread. */
static void settle(ia_request *rq, bool ok)
{
  rq->ph = PH_READY;
  if (!ok)
    ia_reply_refuse(rq, &rq->err);
}

static void job_work(void *ctx)
{
  ia_request *rq = ctx;

  rq->err = (ia_err){0};
  rq->handler_ok = rq->route->handler(rq->table->ctx, rq, &rq->reply, &rq->err);
}

static void start_job(ia_request *rq);

/* A thread is free for the next body that waits. */
static void stream_ended(ia_server *s)
{
  ia_request *oldest = NULL;

  s->streams--;
  for (ia_request *rq = s->requests; rq; rq = rq->next)
    if (rq->queued)
      oldest = rq; /* the list begins with the newest */
  if (!oldest)
    return;
  start_job(oldest);
  ia_request_resume(oldest);
}

static void job_done(void *ctx, bool ran)
{
  ia_request *rq = ctx;

  rq->server->busy--;
  rq->job_running = false;
  if (rq->route->stream_body)
    stream_ended(rq->server);
  if (!rq->conn) {
    ia_request_free(rq);
    return;
  }
  if (!ran)
    (void)ia_fail(&rq->err, IA_E_UNAVAILABLE, "the service is stopping");
  settle(rq, ran && rq->handler_ok);
  ia_request_resume(rq);
}

static void start_job(ia_request *rq)
{
  rq->unstarted = rq->queued = false;
  rq->ph = PH_RUNNING;
  if (!ia_loop_job(rq->server->loop, IA_POOL_JOBS, job_work, job_done, rq, &rq->err)) {
    settle(rq, false);
    return;
  }
  rq->job_running = true;
  rq->server->busy++;
  rq->server->streams += rq->route->stream_body;
}

/* The reader of a streamed body, now or when one of the others has ended. */
static void start_reader(ia_request *rq)
{
  if (rq->server->streams < STREAMS_MAX)
    start_job(rq);
  else
    rq->queued = true;
}

/* The body is whole: call the handler, or wait for the one that reads it. */
static enum MHD_Result dispatch(ia_request *rq)
{
  if (rq->unstarted) {
    start_reader(rq);
    if (rq->queued)
      rq->ph = PH_RUNNING; /* its job starts in turn */
  } else if (rq->ph == PH_BODY && rq->route->kind == IA_ROUTE_JOB) {
    start_job(rq);
  } else if (rq->ph == PH_BODY) {
    rq->ph = PH_RUNNING;
    rq->in_handler = true;
    bool ok = rq->route->handler(rq->table->ctx, rq, &rq->reply, &rq->err);
    rq->in_handler = false;
    if (rq->held && !ok)
      ia_request_finish(rq, &rq->err);
    else if (!rq->held && rq->ph == PH_RUNNING)
      settle(rq, ok);
  }
  if (rq->ph == PH_READY)
    return ia_reply_queue(rq);
  ia_request_suspend(rq);
  return MHD_YES;
}

static bool head_of(ia_request *rq, const char *method, ia_err *e)
{
  char allow[80];

  if (rq->server->closing)
    return ia_fail(e, IA_E_UNAVAILABLE, "the service is stopping");
  if (!ia_request_begin(rq, method, e))
    return false;
  if (!ia_request_route(rq, allow, sizeof(allow), e)) {
    if (e->code == IA_E_METHOD && rq->table->cors && ia_span_is(rq->method, "OPTIONS")) {
      rq->reply.status = 204;
      ia_reply_header(&rq->reply, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT");
      ia_reply_header(&rq->reply, "Access-Control-Allow-Headers",
                      "authorization, content-type, accept");
      ia_reply_header(&rq->reply, "Access-Control-Max-Age", "86400");
      rq->ph = PH_READY;
      return true;
    }
    if (e->code == IA_E_METHOD)
      ia_reply_header(&rq->reply, "Allow", allow);
    return false;
  }
  ia_span length = ia_request_header(rq, "content-length");
  uint64_t n = 0;
  for (size_t i = 0; i < length.len; i++)
    n = n * 10 + (uint64_t)(length.ptr[i] - '0'); /* the front check left 1 to 19 digits */
  if (n > rq->route->body_cap)
    return ia_fail(e, IA_E_TOO_LARGE, "body above %zu bytes", rq->route->body_cap);
  rq->body.cap = rq->route->body_cap + 1;
  return true;
}

static enum MHD_Result begin(ia_request *rq, const char *method)
{
  ia_err e = {0};

  if (!head_of(rq, method, &e)) {
    ia_reply_refuse(rq, &e);
    rq->ph = PH_READY;
  }
  if (rq->ph == PH_READY)
    return ia_reply_queue(rq);
  rq->ph = PH_BODY;
  if (!rq->route->stream_body)
    return MHD_YES;
  if (!ia_ring_init(&rq->in)) {
    (void)ia_fail(&e, IA_E_MEMORY, "no memory for a body");
    ia_reply_refuse(rq, &e);
    return ia_reply_queue(rq);
  }
  rq->unstarted = true;
  return MHD_YES;
}

/* More than the route takes, or a body that nobody reads any more: it is dropped to its end, so
 * that the client gets the answer, but not for ever. */
static enum MHD_Result drop(ia_request *rq, size_t *n)
{
  rq->discarded += *n;
  *n = 0;
  return rq->discarded > DISCARD_MAX ? MHD_NO : MHD_YES;
}

static enum MHD_Result take_streamed(ia_request *rq, const char *data, size_t *n)
{
  if (rq->server->closing)
    return MHD_NO;
  if (!rq->job_running && !rq->unstarted)
    return drop(rq, n);
  if (rq->in.total + *n > rq->route->body_cap) {
    pthread_mutex_lock(&rq->in.lock);
    rq->in.over = true;
    pthread_cond_signal(&rq->in.more);
    pthread_mutex_unlock(&rq->in.lock);
    return drop(rq, n);
  }
  size_t took = ia_ring_push(&rq->in, ia_span_of(data, *n));
  rq->in.total += took;
  *n -= took;
  if (rq->unstarted && !rq->queued && rq->in.total >= STREAM_START)
    start_reader(rq);
  if (*n > 0 && (rq->job_running || rq->queued))
    ia_request_suspend(rq);
  return MHD_YES;
}

static enum MHD_Result take_body(ia_request *rq, const char *data, size_t *n)
{
  if (rq->in.made)
    return take_streamed(rq, data, n);
  if (rq->ph == PH_BODY && rq->body.len + *n > rq->route->body_cap) {
    (void)ia_fail(&rq->err, IA_E_TOO_LARGE, "body above %zu bytes", rq->route->body_cap);
    settle(rq, false);
  }
  if (rq->ph != PH_BODY)
    return drop(rq, n);
  ia_buf_put(&rq->body, data, *n);
  *n = 0;
  if (rq->body.bad) {
    (void)ia_fail(&rq->err, IA_E_MEMORY, "no memory for a body");
    settle(rq, false);
  }
  return MHD_YES;
}

enum MHD_Result ia_server_access(void *cls, struct MHD_Connection *conn, const char *url,
                                 const char *method, const char *version, const char *data,
                                 size_t *data_size, void **con_cls)
{
  ia_request *rq = *con_cls;

  (void)cls;
  (void)url;
  (void)version;
  if (!rq)
    return MHD_NO;
  if (rq->ph == PH_NEW) {
    rq->conn = conn;
    return begin(rq, method);
  }
  if (*data_size > 0)
    return take_body(rq, data, data_size);
  if (rq->in.made)
    ia_ring_end(&rq->in, false);
  return dispatch(rq);
}

void ia_server_completed(void *cls, struct MHD_Connection *conn, void **con_cls,
                         enum MHD_RequestTerminationCode toe)
{
  ia_request *rq = *con_cls;

  (void)cls;
  (void)conn;
  (void)toe;
  *con_cls = NULL;
  if (!rq)
    return;
  rq->conn = NULL;
  if (!rq->job_running) {
    ia_request_free(rq);
    return;
  }
  if (rq->in.made)
    ia_ring_end(&rq->in, true);
}

static void on_hold_end(void *ctx)
{
  ia_request_end_hold(ctx);
}

bool ia_request_hold(ia_request *rq, uint64_t ms, ia_hold_fn *on_end, void *ctx, ia_err *e)
{
  if (!rq->in_handler || rq->held)
    return ia_fail(e, IA_E_INTERNAL, "only an inline handler can hold a request, once");
  if (ms > 0) {
    if (!ia_timer_new(&rq->hold_timer, rq->server->loop, on_hold_end, rq, e))
      return false;
    ia_timer_start(rq->hold_timer, ms, 0);
  }
  rq->held = true;
  rq->on_end = on_end;
  rq->on_end_ctx = ctx;
  return true;
}

void ia_request_end_hold(ia_request *rq)
{
  ia_hold_fn *on_end = rq->on_end;
  ia_err e;

  rq->on_end = NULL;
  if (on_end) {
    on_end(rq->on_end_ctx, rq);
  } else if (rq->held) {
    (void)ia_fail(&e, IA_E_TIMEOUT, "no answer in time");
    ia_request_finish(rq, &e);
  }
}

ia_reply *ia_request_reply(ia_request *rq)
{
  return &rq->reply;
}

void ia_request_finish(ia_request *rq, const ia_err *err)
{
  if (!rq->held)
    return;
  rq->held = false;
  rq->on_end = NULL;
  ia_timer_free(rq->hold_timer);
  rq->hold_timer = NULL;
  rq->ph = PH_READY;
  if (err)
    ia_reply_refuse(rq, err);
  ia_request_resume(rq);
}
