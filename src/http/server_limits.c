/* Who waits too long, and who gives way. A client that sends or takes its bytes at MIN_RATE is
 * never cut while there is room; where there is none, those give way first that do least. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "http/server_int.h"

enum {
  HEAD_MS = 10000,   /* a handshake or a head, from its first byte on; a first one from the start */
  BODY_MS = 10000,   /* a body's first bytes, and every pause in it */
  SEND_MS = 30000,   /* a pause in taking a reply */
  LINGER_MS = 2000,  /* a pause of a client whose body nobody wants */
  MIN_RATE = 1024,   /* bytes a second of a body, after BODY_MS, and of a reply after SEND_MS */
  WINDOW_MS = 5000,  /* over which a rate is taken */
  YOUNG_MS = 1000,   /* nobody gives way before */
  SLOW_RATE = 65536, /* bytes a second: slower senders give their thread to those who wait */
  AT_ONCE = 64,      /* that give way when nobody comes in */
};

static uint64_t age(const ia_conn *c, uint64_t now)
{
  return now > c->since_ms ? now - c->since_ms : 0;
}

static uint64_t pause_of(const ia_conn *c, uint64_t now)
{
  return now > c->last_ms ? now - c->last_ms : 0;
}

/* Bytes a second in the window, or in the last one while this is too short to tell. */
static uint64_t rate(const ia_conn *c, uint64_t now)
{
  uint64_t ms = now > c->mark_ms ? now - c->mark_ms : 0;

  return ms < YOUNG_MS ? c->pace : (c->moved - c->mark_moved) * 1000 / ms;
}

static void next_window(ia_conn *c, uint64_t now)
{
  if (now < c->mark_ms + WINDOW_MS)
    return;
  c->pace = rate(c, now);
  c->mark_ms = now;
  c->mark_moved = c->moved;
}

static bool too_long(const ia_conn *c, uint64_t now)
{
  switch (c->st) {
  case CONN_TLS: return age(c, now) > HEAD_MS;
  case CONN_HEAD:
    return age(c, now) > (c->served > 0 && c->len == c->at ? c->server->idle_s * 1000ull : HEAD_MS);
  case CONN_BODY:
    return pause_of(c, now) > BODY_MS || (age(c, now) > BODY_MS && c->pace < MIN_RATE);
  case CONN_SEND:
    return pause_of(c, now) > SEND_MS || (age(c, now) > SEND_MS && c->pace < MIN_RATE);
  case CONN_LINGER: return pause_of(c, now) > LINGER_MS;
  case CONN_BUSY:
  case CONN_DEAD: break;
  }
  return false;
}

/* The lower, the sooner it gives way; 0: it does not. */
static unsigned worth(const ia_conn *c, uint64_t now)
{
  switch (c->st) {
  case CONN_LINGER: return 1;
  case CONN_TLS: return age(c, now) > YOUNG_MS ? 2 : 8;
  case CONN_HEAD:
    if (age(c, now) <= YOUNG_MS && c->served == 0)
      return 8; /* most send at once */
    return c->served == 0 ? 2 : c->len > c->at ? 3 : 5;
  case CONN_BODY: return age(c, now) > YOUNG_MS && rate(c, now) < MIN_RATE ? 4 : 7;
  case CONN_BUSY: return c->rq && c->rq->held && age(c, now) > YOUNG_MS ? 6 : 0;
  case CONN_SEND: return pause_of(c, now) > YOUNG_MS ? 9 : 0;
  case CONN_DEAD: break;
  }
  return 0;
}

bool ia_limits_evict(ia_server *s, const char *peer)
{
  uint64_t now = ia_mono_ms();
  ia_conn *victim = NULL;
  unsigned least = 0;

  for (ia_conn *c = s->conns; c; c = c->next) {
    unsigned w = c->running || (peer && strcmp(c->peer, peer) != 0) ? 0 : worth(c, now);

    if (w > 0 && (!victim || w < least || (w == least && c->since_ms <= victim->since_ms))) {
      victim = c;
      least = w;
    }
  }
  if (!victim)
    return false;
  ia_log(IA_LOG_DEBUG, "http.evict", "peer=%s state=%d", victim->peer, (int)victim->st);
  if (victim->st == CONN_BUSY) { /* it is answered, as if its time were over */
    victim->keep = false;
    ia_request_end_hold(victim->rq);
    return false;
  }
  ia_conn_kill(victim);
  return true;
}

/* Held requests whose clients have gone: nobody reads of it while they wait. */
static void end_deserted(ia_server *s)
{
  char byte;

  for (ia_conn *c = s->conns; c; c = c->next)
    if (c->st == CONN_BUSY && c->rq && c->rq->held &&
        recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0) {
      c->keep = false;
      ia_request_end_hold(c->rq);
    }
}

/* Nobody comes in: many go at once, as those who wait outside may be many. */
static void make_room(ia_server *s)
{
  end_deserted(s);
  for (int i = 0; i < AT_ONCE; i++)
    (void)ia_limits_evict(s, NULL);
}

static ia_conn *slowest(ia_server *s, bool stream, uint64_t now)
{
  ia_conn *victim = NULL;

  for (ia_conn *c = s->conns; c; c = c->next) {
    bool body = c->rq && !c->whole && (c->st == CONN_BODY || stream);

    if (!body || c->rq->in.made != stream ||
        (stream && (!c->rq->job_running || c->st != CONN_BODY)))
      continue;
    if (!victim || rate(c, now) < rate(victim, now))
      victim = c;
  }
  return victim;
}

void ia_limits_bodies(ia_server *s)
{
  ia_conn *victim = slowest(s, false, ia_mono_ms());

  if (victim)
    ia_conn_kill(victim);
}

static bool give_thread(ia_server *s)
{
  uint64_t now = ia_mono_ms();
  ia_conn *victim = slowest(s, true, now);

  if (!victim || age(victim, now) <= YOUNG_MS || rate(victim, now) >= SLOW_RATE)
    return false;
  ia_conn_kill(victim);
  return true;
}

void ia_limits_streams(ia_server *s)
{
  (void)give_thread(s);
}

bool ia_limits_may_run(const ia_request *rq)
{
  bool stream = rq->route->stream_body;
  unsigned same = 0;

  if (stream && rq->server->streams >= STREAMS_MAX)
    return false;
  if (rq->local)
    return true;
  for (const ia_request *o = rq->server->requests; o; o = o->next)
    same += o->job_running && o->route->stream_body == stream && strcmp(o->peer, rq->peer) == 0;
  return same < (stream ? STREAMS_EACH : JOBS_EACH);
}

void ia_limits_tick(void *server)
{
  ia_server *s = server;
  uint64_t now = ia_mono_ms();
  unsigned waiting = 0;

  for (ia_conn *c = s->conns, *next; c; c = next) {
    next = c->next;
    next_window(c, now);
    if (!too_long(c, now))
      continue;
    if (c->st != CONN_LINGER && (c->st != CONN_HEAD || c->len > c->at))
      ia_log(IA_LOG_INFO, "http.slow", "peer=%s state=%d bytes=%llu", c->peer, (int)c->st,
             (unsigned long long)c->moved);
    ia_conn_kill(c);
  }
  if (s->full) {
    make_room(s);
    ia_conn_accept(s, 0);
  } else if (s->n_conns > s->max / 2) {
    end_deserted(s);
  }
  for (const ia_request *rq = s->requests; rq; rq = rq->next)
    waiting += rq->queued && rq->route->stream_body;
  while (waiting-- > 0 && give_thread(s))
    continue;
}
