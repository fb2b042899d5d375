/* Replies: bytes, file ranges, streams, errors. */
#include <stdio.h>
#include <string.h>

#include "http/server_int.h"

void ia_reply_free(ia_reply *rp)
{
  ia_buf_free(&rp->headers);
  ia_buf_free(&rp->body);
  if (rp->fd >= 0)
    close(rp->fd);
  rp->fd = -1;
  if (rp->kind == REPLY_STREAM && rp->done)
    rp->done(rp->stream_ctx);
  rp->kind = REPLY_BYTES;
}

void ia_reply_status(ia_reply *rp, int status)
{
  rp->status = status;
}

static bool value_ok(const char *v)
{
  for (; *v; v++)
    if (((unsigned char)*v < 0x20 && *v != '\t') || *v == 0x7f)
      return false;
  return true;
}

/* Next pair of a header list; false at its end. */
static bool next_header(ia_span *in, const char **name, const char **value)
{
  if (in->len == 0)
    return false;
  *name = (const char *)in->ptr;
  *value = *name + strlen(*name) + 1;
  size_t n = strlen(*name) + strlen(*value) + 2;
  in->ptr += n;
  in->len -= n;
  return true;
}

void ia_reply_header(ia_reply *rp, const char *name, const char *value)
{
  ia_buf left = {0};
  ia_span in = ia_buf_view(&rp->headers);
  const char *n, *v;

  while (next_header(&in, &n, &v))
    if (!ia_span_is_nocase(ia_span_str(n), name)) {
      ia_buf_put(&left, n, strlen(n) + 1);
      ia_buf_put(&left, v, strlen(v) + 1);
    }
  ia_buf_put(&left, name, strlen(name) + 1);
  ia_buf_put(&left, value, strlen(value) + 1);
  ia_buf_free(&rp->headers);
  rp->headers = left;
  rp->bad = rp->bad || left.bad || !value_ok(name) || !value_ok(value);
}

ia_buf *ia_reply_body(ia_reply *rp)
{
  return &rp->body;
}

void ia_reply_type(ia_reply *rp, const char *content_type)
{
  ia_reply_header(rp, "Content-Type", content_type);
}

bool ia_reply_json(ia_reply *rp, int status, const json_t *v, ia_err *e)
{
  rp->status = status;
  ia_reply_type(rp, "application/json");
  ia_buf_clear(&rp->body);
  return ia_json_write(&rp->body, v, e);
}

void ia_reply_file(ia_reply *rp, int fd, uint64_t from, uint64_t n)
{
  rp->kind = REPLY_FILE;
  rp->fd = fd;
  rp->from = from;
  rp->size = n;
}

void ia_reply_stream(ia_reply *rp, uint64_t size, ia_body_fill *fill, ia_loop_fn *done, void *ctx)
{
  rp->kind = REPLY_STREAM;
  rp->size = size;
  rp->fill = fill;
  rp->done = done;
  rp->stream_ctx = ctx;
}

void ia_reply_error(ia_reply *rp, const ia_err *err)
{
  IA_AUTO_JSON *v = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", ia_code_name(err->code),
                              "message", err->msg, "hint", err->hint);

  if (!v || !ia_json_write(&rp->body, v, NULL))
    ia_buf_str(&rp->body, "{\"error\":{\"code\":\"INTERNAL\",\"message\":\"\",\"hint\":\"\"}}");
}

void ia_reply_refuse(ia_request *rq, const ia_err *err)
{
  ia_reply *rp = &rq->reply;
  ia_err none = {.code = IA_E_INTERNAL, .msg = "failed without a reason"};
  char allow[80] = "";
  ia_span in = ia_buf_view(&rp->headers);
  const char *name, *value;

  while (next_header(&in, &name, &value))
    if (strcmp(name, "Allow") == 0)
      (void)snprintf(allow, sizeof(allow), "%s", value);
  ia_reply_free(rp);
  *rp = (ia_reply){.fd = -1};
  err = err && err->code != IA_OK ? err : &none;
  rp->status = ia_code_http(err->code);
  ia_reply_type(rp, "application/json");
  if (allow[0])
    ia_reply_header(rp, "Allow", allow);
  (rq->table && rq->table->error ? rq->table->error : ia_reply_error)(rp, err);
}

/* A streamed reply. The connection sleeps while a job fills the buffer. */
typedef struct streamer {
  ia_request *rq;
  ia_body_fill *fill;
  ia_loop_fn *done;
  void *ctx;
  uint64_t left; /* IA_SIZE_UNKNOWN: until the end */
  uint8_t *buf;
  size_t cap, at, len;
  bool ended, failed;
} streamer;

static void fill_work(void *ctx)
{
  streamer *st = ctx;
  size_t want = st->left < st->cap ? (size_t)st->left : st->cap;
  ia_err e;

  st->at = 0;
  st->len = 0;
  /* made here, so that a HEAD needs none */
  st->buf = st->buf ? st->buf : malloc(st->cap);
  st->failed = !st->buf || !st->fill(st->ctx, st->buf, want, &st->len, &e);
  st->ended = !st->failed && st->len == 0;
  if (!st->failed && st->left != IA_SIZE_UNKNOWN)
    st->left -= st->len;
}

static void fill_done(void *ctx, bool ran)
{
  streamer *st = ctx;

  st->rq->server->busy--;
  if (!ran)
    st->failed = true;
  ia_request_resume(st->rq);
}

static ssize_t on_read(void *cls, uint64_t pos, char *out, size_t max)
{
  streamer *st = cls;
  ia_server *s = st->rq->server;

  (void)pos;
  if (st->at < st->len) {
    size_t n = st->len - st->at < max ? st->len - st->at : max;

    memcpy(out, st->buf + st->at, n);
    st->at += n;
    return (ssize_t)n;
  }
  if (st->failed || s->closing || (st->ended && st->left != IA_SIZE_UNKNOWN && st->left > 0))
    return MHD_CONTENT_READER_END_WITH_ERROR;
  if (st->ended || st->left == 0)
    return MHD_CONTENT_READER_END_OF_STREAM;
  if (!ia_loop_job(s->loop, IA_POOL_JOBS, fill_work, fill_done, st, NULL))
    return MHD_CONTENT_READER_END_WITH_ERROR;
  s->busy++;
  ia_request_suspend(st->rq);
  return 0;
}

static void on_stream_free(void *cls)
{
  streamer *st = cls;

  if (st->done)
    st->done(st->ctx);
  free(st->buf);
  free(st);
}

static struct MHD_Response *stream_response(ia_request *rq)
{
  ia_reply *rp = &rq->reply;
  streamer *st = calloc(1, sizeof(*st));

  if (!st)
    return NULL;
  *st =
      (streamer){rq, rp->fill, rp->done, rp->stream_ctx, rp->size, NULL, FILL, 0, 0, false, false};
  if (rp->size < st->cap)
    st->cap = rp->size > 0 ? (size_t)rp->size : 1;
  struct MHD_Response *r =
      MHD_create_response_from_callback(rp->size == IA_SIZE_UNKNOWN ? MHD_SIZE_UNKNOWN : rp->size,
                                        64 << 10, on_read, st, on_stream_free);
  if (!r) {
    free(st);
    return NULL;
  }
  rp->kind = REPLY_BYTES; /* ctx is the response's now */
  return r;
}

static struct MHD_Response *make_response(ia_request *rq)
{
  ia_reply *rp = &rq->reply;
  struct MHD_Response *r;

  if (rp->kind == REPLY_STREAM)
    return stream_response(rq);
  if (rp->kind == REPLY_FILE) {
    r = MHD_create_response_from_fd_at_offset64(rp->size, rp->fd, rp->from);
    if (r)
      rp->fd = -1;
    return r;
  }
  if (rp->body.len == 0)
    return MHD_create_response_from_buffer(0, NULL, MHD_RESPMEM_PERSISTENT);
  r = MHD_create_response_from_buffer(rp->body.len, rp->body.ptr, MHD_RESPMEM_MUST_FREE);
  if (r)
    rp->body = (ia_buf){0};
  return r;
}

enum MHD_Result ia_reply_queue(ia_request *rq)
{
  ia_reply *rp = &rq->reply;
  const char *name, *value;
  ia_err e;

  if (rp->bad || rp->body.bad || rp->status < 200 || rp->status > 599) {
    (void)ia_fail(&e, IA_E_INTERNAL, "an answer that cannot be sent");
    ia_reply_refuse(rq, &e);
  }
  rq->ph = PH_SENT;
  struct MHD_Response *r = make_response(rq);
  if (!r)
    return MHD_NO;
  bool ok = true;
  ia_span in = ia_buf_view(&rp->headers);
  while (ok && next_header(&in, &name, &value))
    ok = MHD_add_response_header(r, name, value) == MHD_YES;
  /* a path that no table knows is answered in the way of the server's tables */
  if (ok && (rq->table ? rq->table->cors : rq->server->cors))
    ok = MHD_add_response_header(r, "Access-Control-Allow-Origin", "*") == MHD_YES;
  enum MHD_Result queued = ok ? MHD_queue_response(rq->conn, (unsigned)rp->status, r) : MHD_NO;
  MHD_destroy_response(r);
  return queued;
}
