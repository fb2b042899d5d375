/* A server that closes while requests come, and one that may open no more files. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

typedef struct world {
  ia_loop *loop;
  unsigned calls, stop_at; /* of the inline handler: the one that stops the loop */
  unsigned held, ended;
  bool closing;
  unsigned late; /* handlers that began after the server was told to close */
} world;

static void on_end(void *ctx, ia_request *rq)
{
  ((world *)ctx)->ended++;
  ia_request_finish(rq, NULL);
}

static bool hold(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  world *w = ctx;

  (void)rp;
  w->late += w->closing;
  w->held++;
  return ia_request_hold(rq, 0, on_end, w, e);
}

static bool say(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  world *w = ctx;

  (void)rq;
  w->late += w->closing;
  if (++w->calls == w->stop_at)
    ia_loop_stop(w->loop);
  ia_buf_str(ia_reply_body(rp), "said");
  return ia_buf_ok(ia_reply_body(rp), e);
}

static const ia_route rows[] = {
    {"POST", "/say", IA_ROUTE_INLINE, 100, false, say, IA_MARK_PUBLIC},
    {"POST", "/hold", IA_ROUTE_INLINE, 100, false, hold, IA_MARK_PUBLIC},
};

static int dial(const ia_server *s)
{
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_port = htons(ia_server_port(s)),
                          .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval limit = {60, 0};

  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
  return fd;
}

/* `before` requests on one connection, of which the first `empty` have no body, then one that is
 * held: all sent before the loop runs, so that the steps of the connection are always the same. */
static void send_line(int fd, unsigned empty, unsigned before)
{
  IA_AUTOV(ia_buf) out = {0};

  for (unsigned i = 0; i <= before; i++)
    ia_buf_printf(&out, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: %d\r\n\r\n%s",
                  i < before ? "/say" : "/hold", i < empty ? 0 : 3, i < empty ? "" : "abc");
  assert_int_equal(send(fd, out.ptr, out.len, MSG_NOSIGNAL), out.len);
}

static void close_after(unsigned stop_at, unsigned empty, unsigned before)
{
  world w = {.stop_at = stop_at};
  ia_routes table = {rows, IA_COUNT(rows), &w, NULL, false};
  fixture f;
  ia_err e;

  assert_true(fixture_start(&f, NULL, &e));
  assert_true(ia_server_mount(f.server, &table, &e));
  w.loop = f.loop;
  int fd = dial(f.server);
  send_line(fd, empty, before);
  ia_loop_run(f.loop);
  w.closing = true;
  ia_server_close(f.server);
  assert_int_equal(w.late, 0);
  assert_int_equal(w.held, w.ended);
  ia_loop_free(f.loop);
  ia_http_free(f.http);
  close(fd);
}

/* A connection has its turn for a number of steps; a request whose body has come and that waits for
 * its next turn when the server closes is refused, not begun: its holder would never be told. */
static void no_handler_begins_while_it_closes(void **state)
{
  (void)state;
  for (unsigned empty = 0; empty < 6; empty++)
    for (unsigned more = 0; more < 12; more++)
      for (unsigned stop_at = 1; stop_at < 6; stop_at++)
        close_after(stop_at, empty, stop_at + more);
}

/* -- no more files -- */
enum { FILES = 64, WATCHED_MS = 1500, SPIN_MS = WATCHED_MS / 3 };

static uint64_t ms_of(clockid_t clock)
{
  struct timespec t;

  assert_int_equal(clock_gettime(clock, &t), 0);
  return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static size_t take_all_files(int *fds, size_t room)
{
  size_t n = 0;

  while (n < room && (fds[n] = dup(0)) >= 0)
    n++;
  assert_true(n < room);
  return n;
}

/* The loop's thread waits for a file that is given back; it does not run in a circle meanwhile, and
 * whoever waited outside is served. */
static void without_files_it_waits(void **state)
{
  static const char ask[] = "POST /say HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n";
  world w = {0};
  ia_routes table = {rows, IA_COUNT(rows), &w, NULL, false};
  const ia_routes *tables[] = {&table, NULL};
  struct rlimit before, few;
  char said[512] = "";
  int fds[FILES];
  clockid_t clock;
  fixture f;
  ia_err e;

  (void)state;
  assert_true(fixture_open(&f, NULL, tables, &e));
  assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
  few = (struct rlimit){FILES, before.rlim_max};
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  size_t n = take_all_files(fds, FILES);
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_port = htons(ia_server_port(f.server)),
                          .sin_addr = {htonl(INADDR_LOOPBACK)}};
  assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
  assert_int_equal(send(fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL), sizeof(ask) - 1);
  assert_int_equal(pthread_getcpuclockid(f.thread, &clock), 0);
  uint64_t used = ms_of(clock);
  usleep(WATCHED_MS * 1000);
  used = ms_of(clock) - used;
  assert_true(used < SPIN_MS);
  assert_int_equal(w.calls, 0);
  while (n > 0)
    close(fds[--n]);
  assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
  assert_true(recv(fd, said, sizeof(said) - 1, 0) > 0);
  assert_non_null(strstr(said, "200 OK"));
  close(fd);
  fixture_close(&f);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_handler_begins_while_it_closes),
      cmocka_unit_test(without_files_it_waits),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
