/* Connections: accepting, reading, the order of states. Everything on the loop's thread. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/server_int.h"

enum { ACCEPT_AT_ONCE = 64 };

static void on_event(void *ctx, unsigned events)
{
  (void)events;
  ia_conn_run(ctx);
}

void ia_conn_wants(ia_conn *c, unsigned events)
{
  if (c->events != events)
    ia_watch_set(c->watch, events);
  c->events = events;
}

void ia_conn_state(ia_conn *c, conn_state st)
{
  c->st = st;
  c->since_ms = c->last_ms = c->mark_ms = ia_mono_ms();
  c->moved = c->mark_moved = 0;
  c->pace = UINT64_MAX;
}

/* --- beginning and end --- */

static void read_peer(ia_conn *c, const struct sockaddr_storage *any)
{
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;

  (void)snprintf(c->peer, sizeof(c->peer), "unix");
  c->local = c->server->unix_path != NULL;
  if (c->local)
    return;
  if (any->ss_family == AF_INET) {
    memcpy(&v4, any, sizeof(v4));
    (void)inet_ntop(AF_INET, &v4.sin_addr, c->peer, sizeof(c->peer));
    c->local = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
  } else if (any->ss_family == AF_INET6) {
    memcpy(&v6, any, sizeof(v6));
    (void)inet_ntop(AF_INET6, &v6.sin6_addr, c->peer, sizeof(c->peer));
    c->local = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  }
}

static void not_ready(ia_conn *c)
{
  if (!c->ready_link)
    return;
  *c->ready_link = c->ready_next;
  if (c->ready_next)
    c->ready_next->ready_link = c->ready_link;
  else
    c->server->ready_end = c->ready_link;
  c->ready_link = NULL;
}

static void conn_free(ia_conn *c)
{
  ia_server *s = c->server;

  *c->link = c->next;
  if (c->next)
    c->next->link = c->link;
  not_ready(c);
  s->n_conns--;
  if (c->rq)
    ia_request_left(c->rq);
  ia_conn_send_free(c);
  ia_watch_free(c->watch);
  ia_tls_end(c);
  close(c->fd);
  if (c->in)
    explicit_bzero(c->in, INPUT);
  free(c->in);
  free(c);
  if (s->full && !s->closing) {
    s->full = false;
    ia_watch_set(s->watch, IA_WATCH_READ);
  }
}

void ia_conn_kill(ia_conn *c)
{
  c->st = CONN_DEAD;
  if (!c->running)
    conn_free(c);
}

/* Takes fd. */
static void conn_new(ia_server *s, int fd, const struct sockaddr_storage *from)
{
  ia_conn *c = calloc(1, sizeof(*c));
  int one = 1;

  if (!c) {
    close(fd);
    return;
  }
  c->server = s;
  c->fd = fd;
  c->events = IA_WATCH_READ;
  read_peer(c, from);
  c->next = s->conns;
  c->link = &s->conns;
  if (c->next)
    c->next->link = &c->next;
  s->conns = c;
  s->n_conns++;
  if (!s->unix_path)
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  ia_conn_state(c, s->tls ? CONN_TLS : CONN_HEAD);
  if ((s->tls && !ia_tls_start(c)) ||
      !ia_watch_new(&c->watch, s->loop, fd, IA_WATCH_READ, on_event, c, NULL))
    ia_conn_kill(c);
  else
    ia_conn_run(c); /* most clients have sent already */
}

static unsigned of_peer(const ia_server *s, const char *peer)
{
  unsigned n = 0;

  for (const ia_conn *c = s->conns; c; c = c->next)
    n += strcmp(c->peer, peer) == 0;
  return n;
}

/* Everybody's place is kept by somebody who does something with it. */
static bool room_for(ia_server *s, const struct sockaddr_storage *from)
{
  ia_conn probe = {.server = s};

  if (s->n_conns >= s->max && !ia_limits_evict(s, NULL))
    return false;
  if (s->per_ip == 0)
    return true;
  read_peer(&probe, from);
  return of_peer(s, probe.peer) < s->per_ip || ia_limits_evict(s, probe.peer);
}

static bool out_of_room(int err)
{
  return err == EMFILE || err == ENFILE || err == ENOMEM || err == ENOBUFS;
}

/* False: somebody waits outside and nobody gives way. */
static bool accept_some(ia_server *s)
{
  for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
    struct sockaddr_storage from = {0};
    socklen_t len = sizeof(from);

    if (s->n_conns >= s->max && !ia_limits_evict(s, NULL))
      return false;
    int fd = accept4(s->listen_fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0 && !out_of_room(errno))
      return true;
    if (fd < 0 && !ia_limits_evict(s, NULL))
      return false;
    if (fd < 0)
      continue;
    if (room_for(s, &from))
      conn_new(s, fd, &from);
    else
      close(fd);
  }
  return s->n_conns < s->max;
}

/* While nobody gives way the socket is not watched, as it would be ready all the time: it is tried
 * again by the clock, and when a connection ends. */
void ia_conn_accept(void *server, unsigned events)
{
  ia_server *s = server;
  bool full;

  (void)events;
  full = !accept_some(s);
  if (full == s->full)
    return;
  s->full = full;
  ia_watch_set(s->watch, full ? 0 : IA_WATCH_READ);
}

/* --- reading --- */

/* 0: it waits for the socket; -1: the client has gone. */
ssize_t ia_conn_read(ia_conn *c, void *buf, size_t cap)
{
  unsigned events = IA_WATCH_READ;
  ssize_t n;

  do
    n = c->tls ? ia_tls_read(c, buf, cap, &events) : recv(c->fd, buf, cap, 0);
  while (n < 0 && !c->tls && errno == EINTR);
  if (n > 0) {
    c->moved += (uint64_t)n;
    c->last_ms = ia_mono_ms();
    return n;
  }
  if (c->tls ? n == 0 : n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    ia_conn_wants(c, events);
    return 0;
  }
  return -1;
}

static bool tls_step(ia_conn *c)
{
  unsigned events = 0;
  int rc = ia_tls_handshake(c, &events);

  if (rc == 0)
    ia_conn_wants(c, events);
  else if (rc < 0)
    c->st = CONN_DEAD;
  else
    c->st = CONN_HEAD; /* within the time of the handshake */
  return rc != 0;
}

static bool more_input(ia_conn *c)
{
  if (!c->in && !(c->in = malloc(INPUT))) {
    c->st = CONN_DEAD;
    return true;
  }
  if (c->at > 0) {
    memmove(c->in, c->in + c->at, c->len - c->at);
    c->len -= c->at;
    c->at = 0;
  }
  bool first = c->len == 0;
  ssize_t n = ia_conn_read(c, c->in + c->len, INPUT - c->len);
  if (n == 0)
    return false;
  if (n < 0) {
    c->st = CONN_DEAD;
    return true;
  }
  c->len += (size_t)n;
  if (first && c->served > 0) /* it was idle until now */
    c->since_ms = c->last_ms;
  return true;
}

/* A new request of the head that has come, or of bytes that are none. */
static void start(ia_conn *c, ia_span head)
{
  c->keep = false;
  c->whole = true;
  c->rq = ia_request_new(c, head);
  if (!c->rq) {
    c->st = CONN_DEAD;
    return;
  }
  ia_conn_state(c, CONN_BODY);
  ia_request_start(c->rq, head);
}

static bool head_step(ia_conn *c)
{
  ia_span bytes = ia_span_of(c->in ? c->in + c->at : NULL, c->len - c->at);
  ia_scan got = ia_head_scan(bytes, &c->scanned);

  if (got == IA_SCAN_MORE)
    return more_input(c);
  size_t n = c->scanned;
  c->scanned = 0;
  c->at += got == IA_SCAN_END ? n : bytes.len;
  start(c, got == IA_SCAN_END ? ia_span_of(bytes.ptr, n) : ia_span_of(NULL, 0));
  return true;
}

/* Something has happened to its request. */
static bool busy_step(ia_conn *c)
{
  if (c->filling)
    return false;
  if (c->fill) {
    ia_conn_state(c, CONN_SEND);
    return true;
  }
  if (c->rq->ph == PH_READY) {
    ia_conn_answer(c);
    return true;
  }
  if (c->whole || (c->rq->in.made && ia_request_room(c->rq) == 0))
    return false;
  ia_conn_state(c, CONN_BODY);
  return true;
}

static bool step(ia_conn *c)
{
  switch (c->st) {
  case CONN_TLS: return tls_step(c);
  case CONN_HEAD: return head_step(c);
  case CONN_BODY: return ia_conn_body(c);
  case CONN_BUSY: return busy_step(c);
  case CONN_SEND: return ia_conn_send(c);
  case CONN_LINGER: return ia_conn_linger(c);
  case CONN_DEAD: break;
  }
  return false;
}

void ia_conn_run(ia_conn *c)
{
  int n = 0;

  if (c->running)
    return;
  c->running = true;
  while (n < STEPS && step(c))
    n++;
  c->running = false;
  if (c->st == CONN_DEAD) {
    conn_free(c);
    return;
  }
  if (c->st == CONN_BUSY)
    ia_conn_wants(c, 0);
  if (n == STEPS)
    ia_conn_wake(c);
}

void ia_conn_wake(ia_conn *c)
{
  ia_server *s = c->server;

  if (!c->ready_link) {
    c->ready_next = NULL;
    c->ready_link = s->ready_end;
    *s->ready_end = c;
    s->ready_end = &c->ready_next;
  }
  ia_server_kick(s);
}

void ia_conn_run_ready(ia_server *s)
{
  /* those who are woken meanwhile have their turn after other events */
  for (unsigned n = s->n_conns; s->ready && n > 0; n--) {
    ia_conn *c = s->ready;

    not_ready(c);
    ia_conn_run(c);
  }
  if (s->ready)
    ia_server_kick(s);
}
