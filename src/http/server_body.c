/* Taking a body, by length or in chunks, and dropping what nobody wants. */
#include "base/clock.h"
#include "http/server_int.h"

/* A piece of body in what has come already; false: it ended, or broke. */
static bool piece_of(ia_conn *c, ia_span *raw, ia_span *piece)
{
  if (!c->chunked) {
    size_t n = c->left < raw->len ? (size_t)c->left : raw->len;

    c->left -= n;
    if (!ia_span_take(raw, n, piece))
      return false;
    c->whole = c->left == 0;
    return true;
  }
  ia_scan got = ia_chunks_take(&c->chunks, raw, piece);
  if (got == IA_SCAN_BAD)
    ia_request_break(c->rq, "a broken chunk");
  c->whole = got == IA_SCAN_END && piece->len == 0;
  return got != IA_SCAN_BAD;
}

/* *raw goes behind what was taken: bytes after a body are the next request's. */
static void feed(ia_conn *c, ia_span *raw)
{
  ia_span piece;

  while (raw->len > 0 && !c->whole && c->rq->ph != PH_READY && piece_of(c, raw, &piece))
    if (piece.len > 0)
      ia_request_take(c->rq, piece);
}

/* What came with the head, or what a chunked body brings. */
static bool from_input(ia_conn *c, size_t room)
{
  ia_span raw = ia_span_of(c->in + c->at, c->len - c->at);

  raw.len = raw.len < room ? raw.len : room;
  feed(c, &raw);
  c->at = (size_t)(raw.ptr - c->in);
  return true;
}

static bool lost(ia_conn *c)
{
  c->st = CONN_DEAD;
  return true;
}

static bool more(ia_conn *c, size_t room)
{
  if (c->chunked) {
    c->at = c->len = 0;
    ssize_t n = ia_conn_read(c, c->in, room < INPUT ? room : INPUT);
    c->len = n > 0 ? (size_t)n : 0;
    return n < 0 ? lost(c) : n > 0;
  }
  size_t want = room < SCRATCH ? room : SCRATCH;
  want = c->left < want ? (size_t)c->left : want;
  ssize_t n = ia_conn_read(c, c->server->scratch, want);
  if (n < 0)
    return lost(c);
  if (n == 0)
    return false;
  ia_span raw = ia_span_of(c->server->scratch, (size_t)n);
  feed(c, &raw);
  if (!c->rq->in.made) /* secrets are pushed as bodies */
    explicit_bzero(c->server->scratch, (size_t)n);
  return true;
}

bool ia_conn_body(ia_conn *c)
{
  ia_request *rq = c->rq;

  if (rq->ph == PH_READY || rq->broken) {
    if (rq->ph == PH_READY)
      ia_conn_answer(c);
    else
      ia_conn_state(c, CONN_BUSY);
    return true;
  }
  if (c->whole) {
    ia_conn_state(c, CONN_BUSY);
    ia_request_whole(rq);
    return true;
  }
  size_t room = ia_request_room(rq);
  if (room == 0) {
    ia_conn_state(c, CONN_BUSY);
    return false;
  }
  return c->at < c->len ? from_input(c, room) : more(c, room);
}

/* The client may not read the answer before it has sent what it began to send; and closing with
 * bytes unread would take the answer away from it. */
bool ia_conn_linger(ia_conn *c)
{
  if (c->moved == 0) {
    ia_tls_say_end(c);
    (void)shutdown(c->fd, SHUT_WR);
  }
  ssize_t n = ia_conn_read(c, c->server->scratch, SCRATCH);
  if (n == 0)
    return false;
  if (n < 0 || c->moved > DISCARD_MAX)
    c->st = CONN_DEAD;
  return true;
}
