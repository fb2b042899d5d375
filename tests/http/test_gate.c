/* Which names are ours, and what a page of elsewhere gets of each kind of route. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fixture.h"
#include "http/origin.h"

static bool yes(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx;
  (void)e;
  ia_buf_str(ia_reply_body(rp), ia_request_from_page(rq) ? "page" : "ours");
  return true;
}

static const ia_route rows[] = {
    {"GET", "/public", IA_ROUTE_INLINE, 0, false, yes, IA_MARK_PUBLIC},
    {"POST", "/public", IA_ROUTE_INLINE, 100, false, yes, IA_MARK_PUBLIC},
    {"GET", "/private", IA_ROUTE_INLINE, 0, false, yes, IA_MARK_PRIVATE},
    {"POST", "/costly", IA_ROUTE_JOB, 100, false, yes, IA_MARK_COSTLY},
    {"GET", "/test", IA_ROUTE_INLINE, 0, false, yes, IA_MARK_TEST},
};
static const ia_routes table = {rows, IA_COUNT(rows), NULL, NULL, true};

static int setup(void **state)
{
  static const ia_listen at = {.names = "iapp.example,other.example:8443",
                               .origins = "https://listed.example,chrome-extension://abcdef"};
  const ia_routes *tables[] = {&table, NULL};
  fixture *f = calloc(1, sizeof(*f));
  ia_err e;

  *state = f;
  return f && fixture_open(f, &at, tables, &e) ? 0 : -1;
}

static int teardown(void **state)
{
  fixture_close(*state);
  free(*state);
  return 0;
}

/* Status of an exchange; allowed: what Access-Control-Allow-Origin says. */
static int ask(fixture *f, const char *method, const char *path, const char *const *headers,
               char allowed[128])
{
  IA_AUTOV(ia_http_answer) a = {0};
  ia_http_call c = {
      .method = method, .url = fixture_url(f, path), .headers = headers, .body = ia_span_str("{}")};
  ia_err e = {0};

  if (!ia_http_do(f->http, &a, &c, &e))
    fail_msg("%s", e.msg);
  ia_span v = ia_http_field(&a, "access-control-allow-origin");
  (void)snprintf(allowed, 128, "%.*s", (int)v.len, v.len ? (const char *)v.ptr : "");
  return a.status;
}

static const struct {
  int status;
  const char *host; /* @ = the port */
} hosts[] = {
    {200, "127.0.0.1:@"},
    {200, "localhost:@"},
    {200, "LocalHost:@"},
    {200, "127.9.8.7:@"},
    {200, "[::1]:@"},
    {200, "iapp.example"},
    {200, "IAPP.example:12"},
    {200, "other.example:8443"},
    {403, "other.example"},
    {403, "other.example:8444"},
    {403, "rebound.example:@"},
    {403, "rebound.example"},
    {200, "localhost"},
    {200, "localhost:1"},
    {200, "127.0.0.1"},
    {403, "localhost.rebound.example:@"},
    {403, "127.0.0.1.rebound.example:@"},
    {403, "iapp.example.rebound.example"},
    {403, "x.localhost:@"},
    {403, "localhost.:@"},
    {403, "0.0.0.0:@"},
    {403, "127.1:@"},
    {403, "2130706433:@"},
    {403, "0x7f.0.0.1:@"},
    {403, "[::]:@"},
    {403, "[::ffff:127.0.0.1]:@"},
    {400, "user@@localhost:@"},
    {400, "localhost:@/x"},
    {400, "localhost:0"},
    {400, "localhost:99999"},
    {400, "localhost:"},
    {400, "local host:@"},
    {400, "[::1:@"},
};

static void names_of_ours(void **state)
{
  fixture *f = *state;

  for (size_t i = 0; i < IA_COUNT(hosts); i++) {
    char host[128], allowed[128], port[8];
    const char *const headers[] = {host, NULL};
    size_t n = (size_t)snprintf(host, sizeof(host), "Host: ");

    (void)snprintf(port, sizeof(port), "%u", ia_server_port(f->server));
    for (const char *c = hosts[i].host; *c; c++) {
      bool is_port = *c == '@' && c[1] != '@' && (c == hosts[i].host || c[-1] != '@');

      if (*c == '@' && c[1] == '@')
        continue;
      n += (size_t)snprintf(host + n, sizeof(host) - n, "%s", is_port ? port : (char[]){*c, 0});
    }
    int status = ask(f, "GET", "/public", headers, allowed);
    if (status != hosts[i].status)
      fail_msg("%s: %d", host, status);
  }
}

typedef struct caller {
  const char *fields[4]; /* of the request */
  ia_caller is;
} caller;

static const caller callers[] = {
    {{NULL}, IA_CALLER_PROGRAM},
    {{"Sec-Fetch-Site: none"}, IA_CALLER_PROGRAM},
    {{"Sec-Fetch-Site: same-origin"}, IA_CALLER_PROGRAM},
    {{"Origin: http://localhost:5173", "Sec-Fetch-Site: cross-site"}, IA_CALLER_LOCAL},
    {{"Origin: http://127.0.0.1:3000"}, IA_CALLER_LOCAL},
    {{"Origin: https://127.0.0.1"}, IA_CALLER_LOCAL},
    {{"Origin: http://[::1]:3000"}, IA_CALLER_LOCAL},
    {{"Origin: http://app.localhost:3000"}, IA_CALLER_LOCAL},
    {{"Referer: http://localhost:5173/a/b?c", "Sec-Fetch-Site: cross-site"}, IA_CALLER_LOCAL},
    {{"Origin: https://listed.example", "Sec-Fetch-Site: cross-site"}, IA_CALLER_LISTED},
    {{"Referer: https://listed.example/x", "Sec-Fetch-Site: cross-site"}, IA_CALLER_LISTED},
    {{"Origin: chrome-extension://abcdef"}, IA_CALLER_LISTED},
    {{"Origin: https://page.example"}, IA_CALLER_FOREIGN},
    {{"Origin: http://listed.example"}, IA_CALLER_FOREIGN},
    {{"Origin: https://listed.example:444"}, IA_CALLER_FOREIGN},
    {{"Origin: https://listed.example.evil"}, IA_CALLER_FOREIGN},
    {{"Origin: https://localhost.evil"}, IA_CALLER_FOREIGN},
    {{"Origin: http://localhost@evil"}, IA_CALLER_FOREIGN},
    {{"Origin: http://127.0.0.1.evil"}, IA_CALLER_FOREIGN},
    {{"Origin: http://127.0.0.1 evil"}, IA_CALLER_FOREIGN},
    {{"Origin: file://"}, IA_CALLER_FOREIGN},
    {{"Origin: null"}, IA_CALLER_FOREIGN},
    {{"Origin: null", "Sec-Fetch-Site: same-origin"}, IA_CALLER_FOREIGN},
    {{"Origin: *"}, IA_CALLER_FOREIGN},
    {{"Sec-Fetch-Site: cross-site"}, IA_CALLER_FOREIGN},
    {{"Sec-Fetch-Site: same-site"}, IA_CALLER_FOREIGN},
    {{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors"}, IA_CALLER_FOREIGN},
    {{"Sec-Fetch-Site: odd"}, IA_CALLER_FOREIGN},
    {{"Referer: https://page.example/x"}, IA_CALLER_FOREIGN},
};

static const struct {
  const char *method, *path;
  ia_caller most;
} places[] = {{"GET", "/public", IA_CALLER_FOREIGN}, {"HEAD", "/public", IA_CALLER_FOREIGN},
              {"GET", "/private", IA_CALLER_LISTED}, {"HEAD", "/private", IA_CALLER_LISTED},
              {"POST", "/costly", IA_CALLER_LISTED}, {"GET", "/test", IA_CALLER_LOCAL}};

static void check_place(fixture *f, const caller *c, size_t k)
{
  const char *headers[5] = {NULL};
  char allowed[128], want[128] = "";
  bool served = c->is <= places[k].most, is_public = places[k].most == IA_CALLER_FOREIGN;

  for (size_t i = 0; c->fields[i]; i++)
    headers[i] = c->fields[i];
  if (is_public)
    (void)snprintf(want, sizeof(want), "*");
  else if (served && c->fields[0] && strncmp(c->fields[0], "Origin: ", 8) == 0)
    (void)snprintf(want, sizeof(want), "%s", c->fields[0] + 8);
  int status = ask(f, places[k].method, places[k].path, headers, allowed);
  if (status != (served ? 200 : 403) || strcmp(allowed, want) != 0)
    fail_msg("%s of %s: %d, %s", places[k].path, c->fields[0], status, allowed);
}

static void each_route_and_each_caller(void **state)
{
  for (size_t i = 0; i < IA_COUNT(callers); i++)
    for (size_t k = 0; k < IA_COUNT(places); k++)
      check_place(*state, &callers[i], k);
}

/* Types that a page may send anywhere without asking are no JSON. */
static void simple_requests_of_pages(void **state)
{
  static const struct {
    int status;
    const char *origin, *type;
  } samples[] = {
      {200, "Origin: https://page.example", "Content-Type: application/json"},
      {200, "Origin: https://page.example", "Content-Type: Application/JSON; charset=utf-8"},
      {403, "Origin: https://page.example", "Content-Type: text/plain"},
      {403, "Origin: https://page.example", "Content-Type: text/plain; application/json"},
      {403, "Origin: https://page.example", "Content-Type: application/jsonx"},
      {403, "Origin: https://page.example", "Content-Type: multipart/form-data; boundary=x"},
      {403, "Origin: https://page.example", "Content-Type: application/x-www-form-urlencoded"},
      {403, "Origin: https://page.example", "Content-Type:"},
      {403, "Origin: null", "Content-Type: text/plain"},
      {403, "Sec-Fetch-Site: cross-site", "Content-Type: text/plain"},
      {200, "Origin: http://localhost:5173", "Content-Type: text/plain"},
      {200, "X: no page", "Content-Type: text/plain"},
  };

  for (size_t i = 0; i < IA_COUNT(samples); i++) {
    const char *const headers[] = {samples[i].origin, samples[i].type, NULL};
    char allowed[128];

    if (ask(*state, "POST", "/public", headers, allowed) != samples[i].status)
      fail_msg("%s %s", samples[i].origin, samples[i].type);
  }
}

static void preflights(void **state)
{
  static const struct {
    int status;
    const char *path, *origin, *method, *allowed;
  } samples[] = {
      {204, "/public", "https://page.example", "POST", "*"},
      {204, "/private", "https://listed.example", "GET", "https://listed.example"},
      {204, "/costly", "http://localhost:1", "POST", "http://localhost:1"},
      {204, "/test", "http://localhost:1", "GET", "http://localhost:1"},
      {403, "/private", "https://page.example", "GET", ""},
      {403, "/costly", "https://page.example", "POST", ""},
      {403, "/costly", "https://page.example", "DELETE", ""},
      {403, "/costly", "null", "POST", ""},
      {403, "/test", "https://listed.example", "GET", ""},
  };

  for (size_t i = 0; i < IA_COUNT(samples); i++) {
    char origin[128], method[128], allowed[128];
    const char *const headers[] = {origin, method, NULL};

    (void)snprintf(origin, sizeof(origin), "Origin: %s", samples[i].origin);
    (void)snprintf(method, sizeof(method), "Access-Control-Request-Method: %s", samples[i].method);
    int status = ask(*state, "OPTIONS", samples[i].path, headers, allowed);
    if (status != samples[i].status || strcmp(allowed, samples[i].allowed) != 0)
      fail_msg("%s %s: %d, %s", samples[i].path, samples[i].origin, status, allowed);
  }
}

static void a_table_without_marks_is_not_mounted(void **state)
{
  static const ia_route bare[] = {{"GET", "/x", IA_ROUTE_INLINE, 0, false, yes, IA_MARK_NONE}};
  static const ia_routes bad = {bare, 1, NULL, NULL, true};
  fixture *f = *state;
  ia_err e;

  assert_false(ia_server_mount(f->server, &bad, &e));
  assert_int_equal(e.code, IA_E_INTERNAL);
}

static void origins_that_are_none(void **state)
{
  static const char *const bad[] = {"page.example", "https://a/b",        "https://",
                                    "null",         "https://a,nonsense", "https://a b"};
  IA_AUTO(ia_loop) *l = NULL;
  ia_server *s = NULL;
  ia_err e;

  (void)state;
  assert_true(ia_loop_new(&l, &e));
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    assert_false(ia_server_open(&s, l, &(ia_listen){.origins = bad[i]}, &e));
    assert_int_equal(e.code, IA_E_INVALID);
  }
}

#define WITH_FIXTURE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      WITH_FIXTURE(names_of_ours),
      WITH_FIXTURE(each_route_and_each_caller),
      WITH_FIXTURE(simple_requests_of_pages),
      WITH_FIXTURE(preflights),
      WITH_FIXTURE(a_table_without_marks_is_not_mounted),
      cmocka_unit_test(origins_that_are_none),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
