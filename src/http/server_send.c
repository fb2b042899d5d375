/* Sending a reply: its head, then bytes, or what a job fills in. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "http/server_int.h"

static const char *reason(int status)
{
  static const struct {
    int status;
    const char *text;
  } rows[] = {{200, "OK"},
              {204, "No Content"},
              {206, "Partial Content"},
              {304, "Not Modified"},
              {400, "Bad Request"},
              {401, "Unauthorized"},
              {403, "Forbidden"},
              {404, "Not Found"},
              {405, "Method Not Allowed"},
              {409, "Conflict"},
              {413, "Content Too Large"},
              {416, "Range Not Satisfiable"},
              {429, "Too Many Requests"},
              {500, "Internal Server Error"},
              {503, "Service Unavailable"},
              {504, "Gateway Timeout"},
              {507, "Insufficient Storage"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++)
    if (rows[i].status == status)
      return rows[i].text;
  return status < 400 ? "Done" : "Refused";
}

static void put_date(ia_buf *out)
{
  static const char days[] = "SunMonTueWedThuFriSat",
                    months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  time_t now = (time_t)ia_now();
  struct tm t;

  if (gmtime_r(&now, &t))
    ia_buf_printf(out, "Date: %.3s, %02d %.3s %04d %02d:%02d:%02d GMT\r\n", days + 3 * t.tm_wday,
                  t.tm_mday, months + 3 * t.tm_mon, t.tm_year + 1900, t.tm_hour, t.tm_min,
                  t.tm_sec);
}

/* --- bytes that a job makes --- */

static void fill_work(void *ctx)
{
  streamer *st = ctx;
  size_t want = st->left < st->cap ? (size_t)st->left : st->cap;
  ia_err e;

  st->len = 0;
  st->buf = st->buf ? st->buf : malloc(st->cap);
  st->failed = !st->buf || !st->fill(st->ctx, st->buf, want, &st->len, &e);
  st->ended = !st->failed && st->len == 0;
  if (!st->failed && st->left != IA_SIZE_UNKNOWN)
    st->left -= st->len;
}

static void fill_done(void *ctx, bool ran)
{
  streamer *st = ctx;
  ia_conn *c = st->conn;

  c->server->busy--;
  c->filling = false;
  if (!ran)
    st->failed = true;
  if (!st->failed && st->len > 0) {
    ia_buf_clear(&c->out);
    if (c->out_chunked)
      ia_buf_printf(&c->out, "%zx\r\n", st->len);
    c->seg[0] = (struct iovec){c->out.ptr, c->out.len};
    c->seg[1] = (struct iovec){st->buf, st->len};
    c->seg[2] = (struct iovec){(char *)(uintptr_t) "\r\n", c->out_chunked ? 2 : 0};
  }
  ia_conn_wake(c);
}

/* The next bytes, or the end. */
static bool refill(ia_conn *c)
{
  streamer *st = c->fill;
  ia_server *s = c->server;

  if (st->failed || s->closing || (st->ended && st->left != IA_SIZE_UNKNOWN && st->left > 0)) {
    c->st = CONN_DEAD; /* the client sees a cut body */
    return true;
  }
  if (st->ended || st->left == 0) {
    bool chunked = c->out_chunked;

    st->done ? st->done(st->ctx) : (void)0;
    free(st->buf);
    free(st);
    c->fill = NULL;
    if (chunked)
      c->seg[0] = (struct iovec){(char *)(uintptr_t) "0\r\n\r\n", 5};
    return true;
  }
  if (!ia_loop_job(s->loop, IA_POOL_JOBS, fill_work, fill_done, st, NULL)) {
    c->st = CONN_DEAD;
    return true;
  }
  s->busy++;
  c->filling = true;
  ia_conn_state(c, CONN_BUSY);
  return true;
}

typedef struct part {
  int fd;
  uint64_t at;
} part;

static bool part_fill(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  part *p = ctx;
  ssize_t got = pread(p->fd, buf, cap, (off_t)p->at);

  if (got < 0)
    return ia_fail_errno(e, "read");
  p->at += (uint64_t)got;
  *n = (size_t)got;
  return true;
}

static void part_done(void *ctx)
{
  close(((part *)ctx)->fd);
  free(ctx);
}

static bool stream_of(ia_conn *c, ia_reply *rp)
{
  streamer *st = calloc(1, sizeof(*st));

  if (rp->kind == REPLY_FILE && st) {
    part *p = malloc(sizeof(*p));

    if (!p) {
      free(st);
      return false;
    }
    *p = (part){rp->fd, rp->from};
    rp->fd = -1;
    ia_reply_stream(rp, rp->size, part_fill, part_done, p);
  }
  if (!st)
    return false;
  *st = (streamer){.conn = c,
                   .fill = rp->fill,
                   .done = rp->done,
                   .ctx = rp->stream_ctx,
                   .left = rp->size,
                   .cap = rp->size < FILL ? (size_t)rp->size : FILL};
  rp->kind = REPLY_BYTES; /* ctx is the stream's */
  c->fill = st;
  return true;
}

void ia_conn_send_free(ia_conn *c)
{
  if (c->fill) {
    if (c->fill->done)
      c->fill->done(c->fill->ctx);
    free(c->fill->buf);
    free(c->fill);
    c->fill = NULL;
  }
  memset(c->seg, 0, sizeof(c->seg));
  ia_buf_free(&c->out);
  ia_buf_free(&c->body);
}

/* --- the head --- */

static void put_length(ia_conn *c, const ia_reply *rp, uint64_t size, bool no_body)
{
  c->out_chunked = false;
  if (rp->status == 204 || rp->status == 304)
    return;
  if (size != IA_SIZE_UNKNOWN) {
    ia_buf_printf(&c->out, "Content-Length: %llu\r\n", (unsigned long long)size);
  } else if (c->rq->head.minor == 1) {
    ia_buf_str(&c->out, "Transfer-Encoding: chunked\r\n");
    c->out_chunked = !no_body;
  } else {
    c->keep = false; /* the end of the connection is the end of the body */
  }
}

static void put_head(ia_conn *c, uint64_t size, bool no_body)
{
  ia_reply *rp = &c->rq->reply;
  ia_span in = ia_buf_view(&rp->headers);
  const char *name, *value;

  ia_buf_printf(&c->out, "HTTP/1.1 %d %s\r\n", rp->status, reason(rp->status));
  put_date(&c->out);
  while (ia_reply_next(&in, &name, &value))
    ia_buf_printf(&c->out, "%s: %s\r\n", name, value);
  put_length(c, rp, size, no_body);
  ia_buf_str(&c->out, c->keep ? "\r\n" : "Connection: close\r\n\r\n");
}

void ia_conn_answer(ia_conn *c)
{
  ia_request *rq = c->rq;
  ia_reply *rp = &rq->reply;
  ia_err e;

  ia_gate_answer(rq);
  if (rp->bad || rp->body.bad || rp->status < 200 || rp->status > 599) {
    (void)ia_fail(&e, IA_E_INTERNAL, "an answer that cannot be sent");
    ia_reply_refuse(rq, &e);
  }
  bool no_body = ia_span_is(rq->head.method, "HEAD") || rp->status == 204 || rp->status == 304;
  uint64_t size = rp->kind == REPLY_BYTES ? rp->body.len : rp->size;
  c->keep = c->keep && c->whole && !rq->broken && !c->server->closing;
  ia_conn_state(c, CONN_SEND);
  put_head(c, size, no_body);
  if (c->out.bad || (!no_body && rp->kind != REPLY_BYTES && !stream_of(c, rp))) {
    c->st = CONN_DEAD;
    return;
  }
  c->seg[0] = (struct iovec){c->out.ptr, c->out.len};
  if (no_body || rp->kind != REPLY_BYTES || c->fill)
    return;
  c->body = rp->body;
  rp->body = (ia_buf){0};
  c->seg[1] = (struct iovec){c->body.ptr, c->body.len};
}

/* --- sending --- */

static ssize_t put_some(ia_conn *c, unsigned *events)
{
  struct msghdr m = {.msg_iov = c->seg, .msg_iovlen = 3};
  ssize_t n;

  for (size_t i = 0; c->tls && i < 3; i++)
    if (c->seg[i].iov_len > 0)
      return ia_tls_write(c, c->seg[i].iov_base, c->seg[i].iov_len, events);
  do
    n = sendmsg(c->fd, &m, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  *events = IA_WATCH_WRITE;
  return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK) ? 0 : n < 0 ? TLS_BAD : n;
}

static bool left_to_send(const ia_conn *c)
{
  return c->seg[0].iov_len + c->seg[1].iov_len + c->seg[2].iov_len > 0;
}

static void sent(ia_conn *c, size_t n)
{
  c->moved += n;
  c->last_ms = ia_mono_ms();
  for (size_t i = 0; i < 3; i++) {
    size_t k = n < c->seg[i].iov_len ? n : c->seg[i].iov_len;

    c->seg[i].iov_base = k > 0 ? (uint8_t *)c->seg[i].iov_base + k : c->seg[i].iov_base;
    c->seg[i].iov_len -= k;
    n -= k;
  }
}

/* The whole reply has been sent. */
static void finish(ia_conn *c)
{
  ia_request *rq = c->rq;

  ia_conn_send_free(c);
  c->rq = NULL;
  ia_request_free(rq);
  c->served++;
  ia_conn_state(c, c->keep ? CONN_HEAD : CONN_LINGER);
}

bool ia_conn_send(ia_conn *c)
{
  unsigned events = 0;

  if (!left_to_send(c)) {
    if (c->fill)
      return refill(c);
    finish(c);
    return true;
  }
  ssize_t n = put_some(c, &events);
  if (n == 0)
    ia_conn_wants(c, events);
  else if (n < 0)
    c->st = CONN_DEAD;
  else
    sent(c, (size_t)n);
  return n != 0;
}
