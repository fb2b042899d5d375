/* A bounded ring: body bytes pushed by the loop's thread, pulled by a job. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "http/server_int.h"

bool ia_ring_init(ring *r)
{
  r->bytes = malloc(RING);
  if (!r->bytes)
    return false;
  pthread_mutex_init(&r->lock, NULL);
  pthread_cond_init(&r->more, NULL);
  r->made = true;
  return true;
}

void ia_ring_free(ring *r)
{
  if (!r->made)
    return;
  pthread_mutex_destroy(&r->lock);
  pthread_cond_destroy(&r->more);
  explicit_bzero(r->bytes, RING);
  free(r->bytes);
  r->made = false;
}

size_t ia_ring_room(ring *r)
{
  pthread_mutex_lock(&r->lock);
  size_t room = RING - r->len;
  r->want_room = room == 0;
  pthread_mutex_unlock(&r->lock);
  return room;
}

void ia_ring_push(ring *r, ia_span data)
{
  pthread_mutex_lock(&r->lock);
  for (size_t done = 0; done < data.len && r->len < RING;) {
    size_t at = (r->at + r->len) % RING, k = RING - at, n = RING - r->len;

    k = k < n ? k : n;
    k = k < data.len - done ? k : data.len - done;
    memcpy(r->bytes + at, data.ptr + done, k);
    r->len += k;
    done += k;
  }
  r->total += data.len;
  pthread_cond_signal(&r->more);
  pthread_mutex_unlock(&r->lock);
}

void ia_ring_end(ring *r, bool gone)
{
  pthread_mutex_lock(&r->lock);
  if (gone)
    r->gone = !r->eof || r->gone;
  else
    r->eof = true;
  pthread_cond_signal(&r->more);
  pthread_mutex_unlock(&r->lock);
}

static void on_room(void *ctx)
{
  ia_request *rq = ctx;

  if (rq->conn) /* its job still runs, so rq is there */
    ia_conn_wake(rq->conn);
}

/* Waits for bytes, the end, or trouble. */
static bool wait_bytes(ring *r)
{
  struct timespec until;

  (void)clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += STALL_S;
  while (r->len == 0 && !r->eof && !r->gone && !r->over)
    if (pthread_cond_timedwait(&r->more, &r->lock, &until) == ETIMEDOUT)
      return false;
  return true;
}

bool ia_request_read(ia_request *rq, void *buf, size_t cap, size_t *n, ia_err *e)
{
  ring *r = &rq->in;
  bool wake = false;

  pthread_mutex_lock(&r->lock);
  bool stalled = !wait_bytes(r);
  bool gone = r->gone, over = r->over;
  size_t got = r->len < cap ? r->len : cap;
  for (size_t done = 0; done < got;) {
    size_t k = RING - r->at < got - done ? RING - r->at : got - done;

    memcpy((uint8_t *)buf + done, r->bytes + r->at, k);
    r->at = (r->at + k) % RING;
    r->len -= k;
    done += k;
  }
  if (r->want_room && r->len <= RING / 2) {
    r->want_room = false;
    wake = true;
  }
  pthread_mutex_unlock(&r->lock);
  *n = got;
  if (wake && !ia_loop_post(rq->server->loop, on_room, rq, e))
    return false;
  if (stalled)
    return ia_fail(e, IA_E_TIMEOUT, "no byte of the body for %d s", STALL_S);
  if (over)
    return ia_fail(e, IA_E_TOO_LARGE, "body above %zu bytes", rq->route->body_cap);
  if (gone)
    return ia_fail(e, IA_E_CANCELLED, "the client left");
  return true;
}
