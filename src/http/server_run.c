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
  if (!rq->in.made)
    rq->server->bodies -= rq->body.len;
  ia_timer_free(rq->hold_timer);
  ia_reply_free(&rq->reply);
  ia_ring_free(&rq->in);
  ia_buf_free(&rq->body);
  ia_buf_free(&rq->memory);
  free(rq);
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

/* A thread is free for the next that waits, of an address that has not its share already: whose
 * body is whole goes first, as it keeps the thread for no client. */
static void next_in_turn(ia_server *s, bool stream)
{
  ia_request *oldest = NULL;

  for (ia_request *rq = s->requests; rq; rq = rq->next)
    if (rq->queued && rq->route->stream_body == stream && ia_limits_may_run(rq) &&
        (!oldest || rq->in.eof >= oldest->in.eof))
      oldest = rq; /* the list begins with the newest */
  if (!oldest)
    return;
  start_job(oldest);
  if (oldest->conn)
    ia_conn_wake(oldest->conn);
}

static void job_done(void *ctx, bool ran)
{
  ia_request *rq = ctx;
  bool stream = rq->route->stream_body;
  ia_server *s = rq->server;

  s->busy--;
  s->streams -= stream;
  rq->job_running = false;
  if (!ran)
    (void)ia_fail(&rq->err, IA_E_UNAVAILABLE, "the service is stopping");
  if (rq->broken)
    (void)ia_fail(&rq->err, IA_E_INVALID, "the request's body is broken");
  if (!rq->conn) {
    ia_request_free(rq);
  } else {
    settle(rq, ran && rq->handler_ok && !rq->broken);
    ia_conn_wake(rq->conn);
  }
  if (!s->closing)
    next_in_turn(s, stream);
}

static void start_job(ia_request *rq)
{
  bool stream = rq->route->stream_body;

  rq->unstarted = rq->queued = false;
  rq->ph = PH_RUNNING;
  if (!ia_loop_job(rq->server->loop, stream ? IA_POOL_STREAMS : IA_POOL_JOBS, job_work, job_done,
                   rq, &rq->err)) {
    settle(rq, false);
    return;
  }
  rq->job_running = true;
  rq->server->busy++;
  rq->server->streams += stream;
}

/* No handler begins once the server closes: those that hold requests have been told already that
 * it does, and nobody would tell this one. */
static bool refuse_late(ia_request *rq)
{
  if (!rq->server->closing)
    return false;
  rq->queued = false;
  (void)ia_fail(&rq->err, IA_E_UNAVAILABLE, "the service is stopping");
  settle(rq, false);
  return true;
}

/* Now, or when it is its turn. */
static void enqueue(ia_request *rq)
{
  if (refuse_late(rq))
    return;
  if (ia_limits_may_run(rq)) {
    start_job(rq);
    return;
  }
  rq->queued = true;
  if (rq->route->stream_body)
    ia_limits_streams(rq->server);
}

static void run_inline(ia_request *rq)
{
  if (refuse_late(rq))
    return;
  rq->ph = PH_RUNNING;
  rq->in_handler = true;
  bool ok = rq->route->handler(rq->table->ctx, rq, &rq->reply, &rq->err);
  rq->in_handler = false;
  if (rq->held && !ok)
    ia_request_finish(rq, &rq->err);
  else if (!rq->held && rq->ph == PH_RUNNING)
    settle(rq, ok);
}

/* The body is whole: call the handler, or wait for the one that reads it. */
void ia_request_whole(ia_request *rq)
{
  if (rq->in.made)
    ia_ring_end(&rq->in, false);
  if (rq->unstarted) {
    if (!rq->queued)
      enqueue(rq);
    if (rq->queued)
      rq->ph = PH_RUNNING; /* its job starts in turn */
  } else if (rq->ph == PH_BODY && rq->route->kind == IA_ROUTE_JOB) {
    rq->ph = PH_RUNNING;
    enqueue(rq);
  } else if (rq->ph == PH_BODY) {
    run_inline(rq);
  }
}

/* A browser asks before a request that pages may not send as they like. */
static bool preflight(ia_request *rq, ia_err *e)
{
  ia_span wanted = ia_head_field(&rq->head, "access-control-request-method");
  ia_span method = rq->head.method;
  char allow[80];

  if (wanted.len > 0) {
    rq->head.method = wanted;
    if (ia_request_route(rq, allow, sizeof(allow), NULL))
      rq->nearest = rq->route;
    rq->head.method = method;
    rq->route = NULL;
  }
  if (rq->nearest && !ia_gate_route(rq, rq->nearest, e))
    return false;
  rq->reply.status = 204;
  ia_reply_header(&rq->reply, "Access-Control-Allow-Methods", "GET, HEAD, POST, PUT");
  ia_reply_header(&rq->reply, "Access-Control-Allow-Headers",
                  "authorization, content-type, accept");
  ia_reply_header(&rq->reply, "Access-Control-Max-Age", "86400");
  rq->ph = PH_READY;
  return true;
}

static bool route_of(ia_request *rq, ia_err *e)
{
  char allow[80];

  if (ia_request_route(rq, allow, sizeof(allow), e))
    return ia_gate_route(rq, rq->route, e);
  if (e->code == IA_E_METHOD && rq->table->cors && ia_span_is(rq->head.method, "OPTIONS"))
    return preflight(rq, e);
  if (e->code == IA_E_METHOD)
    ia_reply_header(&rq->reply, "Allow", allow);
  return false;
}

/* How its body comes, and whether another request may follow. */
static void framing(ia_request *rq, uint64_t *length)
{
  ia_conn *c = rq->conn;
  ia_span text = ia_head_field(&rq->head, "content-length");

  *length = 0;
  for (size_t i = 0; i < text.len; i++)
    *length =
        *length * 10 + (uint64_t)(text.ptr[i] - '0'); /* the front check left 1 to 19 digits */
  c->keep = rq->head.minor == 1 && !ia_head_lists(&rq->head, "connection", "close");
  c->chunked = ia_head_field(&rq->head, "transfer-encoding").len > 0;
  c->chunks = (ia_chunks){0};
  c->left = *length;
  c->whole = !c->chunked && *length == 0;
}

static bool head_of(ia_request *rq, ia_span head, ia_err *e)
{
  uint64_t length;

  if (rq->server->closing)
    return ia_fail(e, IA_E_UNAVAILABLE, "the service is stopping");
  if (!ia_request_begin(rq, head, e))
    return false;
  framing(rq, &length);
  if (!ia_gate_host(rq, e)) {
    rq->barred = true;
    rq->conn->keep = false;
    return false;
  }
  if (!route_of(rq, e))
    return false;
  if (rq->ph == PH_READY)
    return true;
  if (length > rq->route->body_cap)
    return ia_fail(e, IA_E_TOO_LARGE, "body above %zu bytes", rq->route->body_cap);
  rq->body.cap = rq->route->body_cap + 1;
  rq->unstarted = rq->route->stream_body;
  return !rq->unstarted || ia_ring_init(&rq->in) || ia_fail(e, IA_E_MEMORY, "no memory for a body");
}

void ia_request_start(ia_request *rq, ia_span head)
{
  static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
  ia_conn *c = rq->conn;
  unsigned events;

  if (!head_of(rq, head, &rq->err)) {
    settle(rq, false);
    return;
  }
  if (rq->ph == PH_READY || c->whole || c->at < c->len || rq->head.minor == 0 ||
      !ia_head_lists(&rq->head, "expect", "100-continue"))
    return;
  if (c->tls)
    (void)ia_tls_write(c, go_on, sizeof(go_on) - 1, &events);
  else
    (void)send(c->fd, go_on, sizeof(go_on) - 1, MSG_NOSIGNAL);
}

size_t ia_request_room(ia_request *rq)
{
  if (!rq->in.made)
    return SCRATCH;
  if (rq->broken || rq->in.over || !(rq->unstarted || rq->job_running))
    return 0;
  return ia_ring_room(&rq->in);
}

static void take_streamed(ia_request *rq, ia_span piece)
{
  if (rq->in.total + piece.len > rq->route->body_cap) {
    pthread_mutex_lock(&rq->in.lock);
    rq->in.over = true;
    pthread_cond_signal(&rq->in.more);
    pthread_mutex_unlock(&rq->in.lock);
    if (!rq->job_running) {
      (void)ia_fail(&rq->err, IA_E_TOO_LARGE, "body above %zu bytes", rq->route->body_cap);
      rq->queued = false;
      settle(rq, false);
    }
    return;
  }
  ia_ring_push(&rq->in, piece);
  if (rq->unstarted && !rq->queued && rq->in.total >= STREAM_START)
    enqueue(rq);
}

void ia_request_take(ia_request *rq, ia_span piece)
{
  if (rq->in.made) {
    take_streamed(rq, piece);
    return;
  }
  if (rq->body.len + piece.len > rq->route->body_cap) {
    (void)ia_fail(&rq->err, IA_E_TOO_LARGE, "body above %zu bytes", rq->route->body_cap);
    settle(rq, false);
    return;
  }
  ia_buf_put(&rq->body, piece.ptr, piece.len);
  if (rq->body.bad) {
    (void)ia_fail(&rq->err, IA_E_MEMORY, "no memory for a body");
    settle(rq, false);
    return;
  }
  rq->server->bodies += piece.len;
  if (rq->server->bodies > BODIES_MAX)
    ia_limits_bodies(rq->server);
}

void ia_request_break(ia_request *rq, const char *why)
{
  rq->broken = true;
  rq->queued = false;
  if (rq->job_running) {
    ia_ring_end(&rq->in, true);
    return;
  }
  (void)ia_fail(&rq->err, IA_E_INVALID, "%s", why);
  settle(rq, false);
}

void ia_request_left(ia_request *rq)
{
  rq->conn = NULL;
  if (!rq->job_running)
    ia_request_free(rq);
  else if (rq->in.made)
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
  if (rq->conn && !rq->in_handler)
    ia_conn_wake(rq->conn);
}
