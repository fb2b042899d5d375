/* Server and client against each other over loopback and unix sockets. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fixture.h"

typedef struct world {
  fixture f;
  ia_request *waiting; /* held by /wait until /wake */
  atomic_uint fills, freed;
} world;

static bool echo(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_span q = {0};

  (void)ctx;
  (void)e;
  (void)ia_request_query(rq, "q", &q);
  ia_reply_type(rp, "text/plain");
  ia_buf_span(ia_reply_body(rp), ia_request_method(rq));
  ia_buf_printf(ia_reply_body(rp),
                " id=%.*s q=%.*s x=%.*s local=%d body=", (int)ia_request_param(rq, "id").len,
                ia_request_param(rq, "id").ptr, (int)q.len, q.ptr,
                (int)ia_request_header(rq, "x-test").len, ia_request_header(rq, "x-test").ptr,
                ia_request_local(rq));
  ia_buf_span(ia_reply_body(rp), ia_request_body(rq));
  return true;
}

static bool refuse(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx;
  (void)rq;
  ia_buf_str(ia_reply_body(rp), "half an answer");
  return ia_fail(e, IA_E_REVOKED, "the owner \"took it back\"");
}

static bool count_body(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  uint64_t total = 0, sum = 0;
  uint8_t buf[7001];
  size_t n;

  (void)ctx;
  do {
    if (!ia_request_read(rq, buf, sizeof(buf), &n, e))
      return false;
    total += n;
    for (size_t i = 0; i < n; i++)
      sum += buf[i];
  } while (n > 0);
  ia_buf_printf(ia_reply_body(rp), "%llu %llu", (unsigned long long)total, (unsigned long long)sum);
  return true;
}

static bool ignore_body(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx;
  (void)rq;
  (void)rp;
  return ia_fail(e, IA_E_DISK_FULL, "no room");
}

static void give_up(void *ctx, ia_request *rq)
{
  world *w = ctx;

  w->waiting = NULL;
  ia_reply_status(ia_request_reply(rq), 204);
  ia_request_finish(rq, NULL);
}

static bool wait_for_wake(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  world *w = ctx;
  ia_span ms;

  (void)rp;
  w->waiting = rq;
  return ia_request_hold(rq, ia_request_query(rq, "short", &ms) ? 50 : 20000, give_up, w, e);
}

static bool wake(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  world *w = ctx;

  (void)rq;
  (void)e;
  ia_reply_status(rp, w->waiting ? 200 : 404);
  if (w->waiting) {
    ia_buf_str(ia_reply_body(ia_request_reply(w->waiting)), "woken");
    ia_request_finish(w->waiting, NULL);
    w->waiting = NULL;
  }
  return true;
}

static bool fill(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  world *w = ctx;

  if (atomic_fetch_add(&w->fills, 1) >= 4) {
    *n = 0;
    return true;
  }
  (void)e;
  memset(buf, 'z', cap);
  *n = cap;
  return true;
}

static void filled(void *ctx)
{
  atomic_fetch_add(&((world *)ctx)->freed, 1);
}

static bool stream(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_span cut;

  (void)e;
  atomic_store(&((world *)ctx)->fills, 0);
  ia_reply_stream(rp, ia_request_query(rq, "cut", &cut) ? 100 << 20 : IA_SIZE_UNKNOWN, fill, filled,
                  ctx);
  return true;
}

static bool part_of_file(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  FILE *f = tmpfile();

  (void)ctx;
  (void)rq;
  if (!f || fputs("0123456789", f) < 0 || fflush(f) != 0)
    return ia_fail(e, IA_E_IO, "tmpfile");
  ia_reply_file(rp, dup(fileno(f)), 3, 4);
  fclose(f);
  return true;
}

static bool bad_header(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx;
  (void)rq;
  (void)e;
  ia_reply_header(rp, "X-Split", "a\r\nSet-Cookie: b");
  return true;
}

static const ia_route rows[] = {
    {"GET", "/echo/:id", IA_ROUTE_INLINE, 0, false, echo, IA_MARK_PUBLIC},
    {"POST", "/echo/:id", IA_ROUTE_JOB, 1000, false, echo, IA_MARK_PUBLIC},
    {"GET", "/tail/*id", IA_ROUTE_INLINE, 0, false, echo, IA_MARK_PUBLIC},
    {"GET", "/refuse", IA_ROUTE_JOB, 0, false, refuse, IA_MARK_PUBLIC},
    {"POST", "/count", IA_ROUTE_JOB, 64 << 20, true, count_body, IA_MARK_PUBLIC},
    {"POST", "/ignore", IA_ROUTE_JOB, 64 << 20, true, ignore_body, IA_MARK_PUBLIC},
    {"POST", "/small", IA_ROUTE_JOB, 5000, true, count_body, IA_MARK_PUBLIC},
    {"GET", "/wait", IA_ROUTE_INLINE, 0, false, wait_for_wake, IA_MARK_PUBLIC},
    {"POST", "/wake", IA_ROUTE_INLINE, 0, false, wake, IA_MARK_PUBLIC},
    {"GET", "/stream", IA_ROUTE_INLINE, 0, false, stream, IA_MARK_PUBLIC},
    {"GET", "/file", IA_ROUTE_JOB, 0, false, part_of_file, IA_MARK_PUBLIC},
    {"GET", "/bad-header", IA_ROUTE_INLINE, 0, false, bad_header, IA_MARK_PUBLIC},
};

static void market_error(ia_reply *rp, const ia_err *err)
{
  ia_buf_printf(ia_reply_body(rp), "{\"ok\":false,\"error\":\"%s\"}", err->msg);
}

static const ia_route other_rows[] = {
    {"GET", "/other", IA_ROUTE_INLINE, 0, false, refuse, IA_MARK_PUBLIC}};
static const ia_routes other = {other_rows, IA_COUNT(other_rows), NULL, market_error, false};

static world *world_new(const ia_listen *at)
{
  static ia_routes table; /* a new ctx for each world; worlds do not overlap */
  const ia_routes *tables[] = {&table, &other, NULL};
  world *w = calloc(1, sizeof(*w));
  ia_err e;

  if (!w)
    return NULL;
  table = (ia_routes){rows, IA_COUNT(rows), w, NULL, true};
  return fixture_open(&w->f, at, tables, &e) ? w : NULL;
}

static int setup(void **state)
{
  *state = world_new(NULL);
  return *state ? 0 : -1;
}

static int teardown(void **state)
{
  world *w = *state;

  fixture_close(&w->f);
  free(w);
  return 0;
}

static void expect(world *w, const char *method, const char *path, int status, const char *body)
{
  IA_AUTOV(ia_http_answer) a = {0};
  ia_err e = {0};

  if (!fixture_get(&w->f, &a, method, path, &e))
    fail_msg("%s %s: %s", method, path, e.msg);
  assert_int_equal(a.status, status);
  if (body && !ia_span_is(ia_buf_view(&a.body), body))
    fail_msg("%s %s: %.*s", method, path, (int)a.body.len, (const char *)a.body.ptr);
}

static void routes_and_parameters(void **state)
{
  world *w = *state;

  expect(w, "GET", "/echo/7?q=a+b%21", 200, "GET id=7 q=a b! x= local=1 body=");
  expect(w, "GET", "/echo/a%2Fb", 200, "GET id=a/b q= x= local=1 body=");
  expect(w, "GET", "/tail/a/b%20c", 200, "GET id=a/b c q= x= local=1 body=");
  expect(w, "HEAD", "/echo/7", 200, "");
  expect(w, "GET", "/echo", 404, NULL);
  expect(w, "GET", "/echo/", 404, NULL);
  expect(w, "GET", "/echo/7/8", 404, NULL);
  expect(w, "GET", "//echo/7", 404, NULL);
  expect(w, "GET", "/echo/%zz", 400, NULL);
  expect(w, "GET", "/echo/%00", 400, NULL);
  expect(w, "PUT", "/echo/7", 405, NULL);
  expect(w, "GET", "/file", 200, "3456");
  expect(w, "GET", "/bad-header", 500, NULL);
}

static void errors_are_json(void **state)
{
  world *w = *state;
  ia_err e = {0};

  expect(w, "GET", "/refuse", 403,
         "{\"error\":{\"code\":\"REVOKED\",\"message\":\"the owner \\\"took it back\\\"\","
         "\"hint\":\"ask the owner for a new grant\"}}");
  assert_false(ia_http_json(w->f.http, NULL, "GET", fixture_url(&w->f, "/refuse"), NULL, &e));
  assert_int_equal(e.code, IA_E_REVOKED);
  assert_string_equal(e.msg, "GET /refuse: the owner \"took it back\"");
  assert_string_equal(e.hint, "ask the owner for a new grant");
  assert_false(ia_http_json(w->f.http, NULL, "GET", fixture_url(&w->f, "/none"), NULL, &e));
  assert_int_equal(e.code, IA_E_NOT_FOUND);
}

static void browsers_are_answered_where_the_table_says(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};
  ia_err e;

  assert_true(fixture_get(&w->f, &a, "OPTIONS", "/echo/7", &e));
  assert_int_equal(a.status, 204);
  assert_true(ia_span_is(ia_http_field(&a, "access-control-allow-origin"), "*"));
  assert_true(
      ia_span_is(ia_http_field(&a, "access-control-allow-methods"), "GET, HEAD, POST, PUT"));
  assert_true(fixture_get(&w->f, &a, "GET", "/refuse", &e));
  assert_true(ia_span_is(ia_http_field(&a, "access-control-allow-origin"), "*"));
  assert_true(ia_span_is(ia_http_field(&a, "content-type"), "application/json"));
  assert_true(fixture_get(&w->f, &a, "OPTIONS", "/other", &e));
  assert_int_equal(a.status, 405);
  assert_true(ia_span_is(ia_http_field(&a, "access-control-allow-origin"), ""));
}

static bool post(world *w, ia_http_answer *a, const char *path, ia_span body, ia_err *e)
{
  const char *const headers[] = {"X-Test: yes", "Content-Type: text/plain", NULL};
  ia_http_call c = {
      .method = "POST", .url = fixture_url(&w->f, path), .headers = headers, .body = body};

  return ia_http_do(w->f.http, a, &c, e);
}

static void bodies_and_their_cap(void **state)
{
  static uint8_t big[1001];
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};
  ia_err e;

  assert_true(post(w, &a, "/echo/1", ia_span_str("some text"), &e));
  assert_true(ia_span_is(ia_buf_view(&a.body), "POST id=1 q= x=yes local=1 body=some text"));
  assert_true(post(w, &a, "/echo/1", ia_span_of(big, 1000), &e));
  assert_int_equal(a.status, 200);
  assert_true(post(w, &a, "/echo/1", IA_SPAN_ARR(big), &e));
  assert_int_equal(a.status, 413);
}

typedef struct source {
  uint64_t left;
} source;

static bool give(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  source *s = ctx;

  (void)e;
  *n = s->left < cap ? (size_t)s->left : cap;
  memset(buf, 3, *n);
  s->left -= *n;
  return true;
}

static int upload(world *w, ia_http_answer *a, const char *path, uint64_t size, bool chunked)
{
  source s = {size};
  ia_http_call c = {.method = "POST",
                    .url = fixture_url(&w->f, path),
                    .source = give,
                    .source_ctx = &s,
                    .source_size = chunked ? UINT64_MAX : size};
  ia_err e = {0};

  return ia_http_do(w->f.http, a, &c, &e) ? a->status : -(int)e.code;
}

static void streamed_bodies(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};

  for (int chunked = 0; chunked < 2; chunked++) {
    assert_int_equal(upload(w, &a, "/count", 20000003, chunked), 200);
    assert_true(ia_span_is(ia_buf_view(&a.body), "20000003 60000009"));
    assert_int_equal(upload(w, &a, "/count", 0, chunked), 200);
    assert_true(ia_span_is(ia_buf_view(&a.body), "0 0"));
    /* a handler that does not read still gets its answer to the client */
    assert_int_equal(upload(w, &a, "/ignore", 3000000, chunked), 507);
  }
  assert_int_equal(upload(w, &a, "/small", 6000000, true), 413);
  assert_int_equal(upload(w, &a, "/small", 5000, true), 200);
}

static void *upload_thread(void *ctx)
{
  world *w = ctx;
  IA_AUTO(ia_http) *h = NULL;
  IA_AUTOV(ia_http_answer) a = {0};
  source s = {5000003};
  char url[128];
  ia_err e;

  (void)snprintf(url, sizeof(url), "%s/count", ia_server_url(w->f.server));
  ia_http_call c = {
      .method = "POST", .url = url, .source = give, .source_ctx = &s, .source_size = UINT64_MAX};
  return ia_http_new(&h, NULL, &e) && ia_http_do(h, &a, &c, &e) &&
                 ia_span_is(ia_buf_view(&a.body), "5000003 15000009")
             ? w
             : NULL;
}

static void more_uploads_than_threads(void **state)
{
  pthread_t t[20];

  for (size_t i = 0; i < IA_COUNT(t); i++)
    assert_int_equal(pthread_create(&t[i], NULL, upload_thread, *state), 0);
  for (size_t i = 0; i < IA_COUNT(t); i++) {
    void *ok = NULL;

    pthread_join(t[i], &ok);
    assert_non_null(ok);
  }
}

static void *wait_thread(void *ctx)
{
  world *w = ctx;
  IA_AUTO(ia_http) *h = NULL;
  IA_AUTOV(ia_http_answer) a = {0};
  char url[128];
  ia_err e;

  (void)snprintf(url, sizeof(url), "%s/wait", ia_server_url(w->f.server));
  ia_http_call c = {.url = url};
  return ia_http_new(&h, NULL, &e) && ia_http_do(h, &a, &c, &e) &&
                 ia_span_is(ia_buf_view(&a.body), "woken")
             ? w
             : NULL;
}

static void held_requests_are_woken_or_time_out(void **state)
{
  world *w = *state;
  pthread_t t;
  void *ok = NULL;
  uint64_t start;
  int status = 404;

  assert_int_equal(pthread_create(&t, NULL, wait_thread, w), 0);
  for (int i = 0; status == 404 && i < 200; i++) {
    IA_AUTOV(ia_http_answer) a = {0};
    ia_err e;

    usleep(10000);
    assert_true(post(w, &a, "/wake", ia_span_of(NULL, 0), &e));
    status = a.status;
  }
  pthread_join(t, &ok);
  assert_non_null(ok);
  start = ia_mono_ms();
  expect(w, "GET", "/wait?short=1", 204, "");
  assert_true(ia_mono_ms() - start >= 45 && ia_mono_ms() - start < 5000);
}

static void *wait_for_close(void *ctx)
{
  world *w = ctx;
  IA_AUTO(ia_http) *h = NULL;
  IA_AUTOV(ia_http_answer) a = {0};
  char url[128];
  ia_err e;

  (void)snprintf(url, sizeof(url), "%s/wait", ia_server_url(w->f.server));
  ia_http_call c = {.url = url, .total_ms = 10000};
  return ia_http_new(&h, NULL, &e) && ia_http_do(h, &a, &c, &e) && a.status == 204 ? ctx : NULL;
}

static void closing_answers_those_who_wait(void **state)
{
  world *w = world_new(NULL);
  void *ok = NULL;
  pthread_t t;

  (void)state;
  assert_non_null(w);
  assert_int_equal(pthread_create(&t, NULL, wait_for_close, w), 0);
  usleep(200000);
  fixture_close(&w->f);
  pthread_join(t, &ok);
  assert_non_null(ok);
  free(w);
}

static void streamed_answers(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};
  ia_err e = {0};

  assert_true(fixture_get(&w->f, &a, "GET", "/stream", &e));
  assert_int_equal(a.body.len, 4 * (256 << 10));
  ia_http_call c = {.url = fixture_url(&w->f, "/stream"), .cap = 1000};
  assert_false(ia_http_do(w->f.http, &a, &c, &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
  assert_false(fixture_get(&w->f, &a, "GET", "/stream?cut=1", &e)); /* fewer bytes than said */
  for (int i = 0; atomic_load(&w->freed) < 3 && i < 300; i++)
    usleep(10000);
  assert_int_equal(atomic_load(&w->freed), 3);
}

static void unix_sockets(void **state)
{
  char dir[] = "/tmp/ia-http-XXXXXX", path[64];
  struct stat st;

  (void)state;
  assert_non_null(mkdtemp(dir));
  (void)snprintf(path, sizeof(path), "%s/s", dir);
  for (int i = 0; i < 2; i++) { /* the second time over what a crash would leave */
    world *w = world_new(&(ia_listen){.unix_path = path});

    assert_non_null(w);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    expect(w, "GET", "/echo/7", 200, "GET id=7 q= x= local=1 body=");
    fixture_close(&w->f);
    free(w);
    assert_int_not_equal(stat(path, &st), 0);
  }
  (void)rmdir(dir);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      WITH_WORLD(routes_and_parameters),
      WITH_WORLD(errors_are_json),
      WITH_WORLD(browsers_are_answered_where_the_table_says),
      WITH_WORLD(bodies_and_their_cap),
      WITH_WORLD(streamed_bodies),
      WITH_WORLD(more_uploads_than_threads),
      WITH_WORLD(held_requests_are_woken_or_time_out),
      cmocka_unit_test(closing_answers_those_who_wait),
      WITH_WORLD(streamed_answers),
      cmocka_unit_test(unix_sockets),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
