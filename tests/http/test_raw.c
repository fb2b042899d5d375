/* Requests as raw bytes: what one reader could take for another request than the next reader does
 * is refused before any handler, once, and the connection ends. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"

typedef struct world {
  fixture f;
  atomic_int calls; /* of handlers */
} world;

static bool seen(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_span body = ia_request_body(rq), path = ia_request_path(rq);

  (void)e;
  atomic_fetch_add(&((world *)ctx)->calls, 1);
  ia_buf_printf(ia_reply_body(rp), "<%.*s:%.*s>", (int)path.len, (const char *)path.ptr,
                (int)body.len, (const char *)body.ptr);
  return true;
}

static bool drain(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  char buf[4096];
  size_t n, all = 0;

  do {
    if (!ia_request_read(rq, buf, sizeof(buf), &n, e))
      return false;
    all += n;
  } while (n > 0);
  atomic_fetch_add(&((world *)ctx)->calls, 1);
  ia_buf_printf(ia_reply_body(rp), "<%zu>", all);
  return true;
}

static const ia_route rows[] = {
    {"GET", "/a", IA_ROUTE_INLINE, 0, false, seen, IA_MARK_PUBLIC},
    {"GET", "/victim", IA_ROUTE_INLINE, 0, false, seen, IA_MARK_PUBLIC},
    {"POST", "/a", IA_ROUTE_INLINE, 100, false, seen, IA_MARK_PUBLIC},
    {"POST", "/stream", IA_ROUTE_JOB, 1 << 20, true, drain, IA_MARK_PUBLIC},
};

static int setup(void **state)
{
  static ia_routes table;
  const ia_routes *tables[] = {&table, NULL};
  world *w = calloc(1, sizeof(*w));
  ia_err e;

  if (!w)
    return -1;
  table = (ia_routes){rows, IA_COUNT(rows), w, NULL, true};
  *state = w;
  return fixture_open(&w->f, NULL, tables, &e) ? 0 : -1;
}

static int teardown(void **state)
{
  world *w = *state;

  fixture_close(&w->f);
  free(w);
  return 0;
}

static int dial(world *w)
{
  struct sockaddr_in a = {.sin_family = AF_INET,
                          .sin_port = htons(ia_server_port(w->f.server)),
                          .sin_addr = {htonl(INADDR_LOOPBACK)}};
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct timeval limit = {20, 0};

  assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
  assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
  return fd;
}

/* "@" in what is sent stands for the Host field of this server. */
static void send_text(world *w, int fd, ia_span text)
{
  IA_AUTOV(ia_buf) out = {0};

  for (size_t i = 0; i < text.len; i++)
    if (text.ptr[i] == '@')
      ia_buf_printf(&out, "Host: 127.0.0.1:%u\r\n", ia_server_port(w->f.server));
    else
      ia_buf_u8(&out, text.ptr[i]);
  assert_int_equal(send(fd, out.ptr, out.len, MSG_NOSIGNAL), out.len);
}

/* Everything that comes until the other side closes; false: it stays open. */
static bool until_closed(int fd, char *out, size_t size)
{
  size_t n = 0;
  ssize_t got = 1;

  while (n + 1 < size && (got = recv(fd, out + n, size - 1 - n, 0)) > 0)
    n += (size_t)got;
  out[n] = '\0';
  return got == 0;
}

static size_t count(const char *text, const char *word)
{
  size_t n = 0;

  for (; (text = strstr(text, word)); text++)
    n++;
  return n;
}

typedef struct sample {
  const char *text;
  size_t len;
} sample;
#define RAW(text)                                                                                  \
  {                                                                                                \
    text, sizeof(text) - 1                                                                         \
  }
/* what would be served, were it a request of its own */
#define CHUNKED "POST /a HTTP/1.1\r\n@Transfer-Encoding: chunked\r\n"
#define STREAM  "POST /stream HTTP/1.1\r\n@Transfer-Encoding: chunked\r\n"
#define HIDDEN  "GET /victim HTTP/1.1\r\n@\r\n"

static const sample refused[] = {
    /* folded: after the length, after others, first of all */
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 38\r\n X: y\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length:\r\n 38\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@X: y\r\n Content-Length: 38\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@X: y\r\n\tContent-Length: 38\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@\tContent-Length: 38\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n Content-Length: 38\r\n@\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n\tX: y\r\n@\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@ \r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" HIDDEN),
    RAW(CHUNKED " X: y\r\n\r\n0\r\n\r\n" HIDDEN),
    /* NUL and other control bytes: name, value, target, query, method, version */
    RAW("GET /a HTTP/1.1\r\n@X\0Y: z\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X: y\0z\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X: y\0\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X: y\0\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@Authorization: y\0z\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 3\0008\r\n\r\n" HIDDEN),
    RAW("GET /a\0b HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET /a?x=\0y HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET\0 /a HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\0\r\n@\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X: a\x01\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X: a\x7f\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X: a\x0b b\r\n\r\n" HIDDEN),
    RAW("GET /a\t HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET /\xc3\xa9 HTTP/1.1\r\n@\r\n" HIDDEN),
    /* line ends */
    RAW("GET /a HTTP/1.1\r\n@X: y\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\n@\n"),
    RAW("GET /a HTTP/1.1\r\n@X: y\rZ: z\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X: y\r\n\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X: y\r\r\n\r\n" HIDDEN),
    RAW("\r\nGET /a HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("\nGET /a HTTP/1.1\r\n@\r\n" HIDDEN),
    /* names */
    RAW("POST /a HTTP/1.1\r\n@Content-Length : 38\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length\t: 38\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@: y\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@X\xc3: y\r\n\r\n" HIDDEN),
    /* lengths */
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 3\r\nContent-Length: 38\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 38\r\nContent-Length: 38\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 38, 38\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: +5\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: -5\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 0x5\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 5 5\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 5.0\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 3abc\r\n\r\nabc" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length:\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 18446744073709551621\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 99999999999999999999999999\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@Content-Length: -1\r\n\r\n" HIDDEN),
    /* two framings, and encodings that are none of ours */
    RAW("POST /a HTTP/1.1\r\n@Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
        "0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "Content-Length: 3\r\n\r\n0\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Transfer-Encoding: gzip\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.1\r\n@Transfer-Encoding:\r\n\r\n" HIDDEN),
    RAW("POST /a HTTP/1.0\r\n@Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" HIDDEN),
    /* chunks */
    RAW(CHUNKED "\r\n3\nabc\r\n0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "\r\n3\r\nabcX0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "\r\n3;x=y\r\nabc\r\n0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "\r\n 3\r\nabc\r\n0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "\r\n0x3\r\nabc\r\n0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "\r\n-3\r\nabc\r\n0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "\r\n\r\n0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "\r\n10000000000000003\r\nabc\r\n0\r\n\r\n" HIDDEN),
    RAW(CHUNKED "\r\n0\r\nX: y\r\n\r\n" HIDDEN),
    RAW(CHUNKED "\r\n0\r\nContent-Length: 9\r\n\r\n" HIDDEN),
    RAW(STREAM "\r\n3;x\r\nabc\r\n0\r\n\r\n" HIDDEN),
    RAW(STREAM "\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" HIDDEN),
    /* request lines, and fields that stand once */
    RAW("GET  /a HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET /a  HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1 \r\n@\r\n" HIDDEN),
    RAW("GET /a HTTP/2.0\r\n@\r\n" HIDDEN),
    RAW("GET /a http/1.1\r\n@\r\n" HIDDEN),
    RAW("GET /a\r\n@\r\n" HIDDEN),
    RAW("get /a HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET a HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET http://127.0.0.1/a HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET /a#b HTTP/1.1\r\n@\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@@\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@Authorization: x\r\nAuthorization: y\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n@Origin: http://a\r\nOrigin: http://b\r\n\r\n" HIDDEN),
    RAW("GET /a HTTP/1.1\r\n\r\n"),
    RAW("GET /a HTTP/1.0\r\n\r\n"),
    RAW("\x16\x03\x01\x02\x01\x01\x01\xfc\x03\x03"),
};

static void each_is_refused_once_and_the_connection_ends(void **state)
{
  static char answer[8192];
  world *w = *state;

  for (size_t i = 0; i < IA_COUNT(refused); i++) {
    ia_autoclose int fd = dial(w);

    send_text(w, fd, ia_span_of(refused[i].text, refused[i].len));
    bool ended = until_closed(fd, answer, sizeof(answer));
    if (!ended || strncmp(answer, "HTTP/1.1 400 ", 13) != 0 || count(answer, "HTTP/1.1 ") != 1 ||
        !strstr(answer, "Connection: close"))
      fail_msg("%zu: %s\n%s", i, refused[i].text, answer);
  }
  assert_int_equal(atomic_load(&w->calls), 0);
}

/* The same in pieces of one byte: where a piece ends changes nothing. */
static void also_byte_by_byte(void **state)
{
  static const sample some[] = {
      RAW("POST /a HTTP/1.1\r\n@X: y\r\n Content-Length: 38\r\n\r\n"),
      RAW("GET /a HTTP/1.1\r\n@X: y\0z\r\n\r\n"),
      RAW("GET /a HTTP/1.1\r\n@X: y\n\r\n"),
  };
  static char answer[8192];
  world *w = *state;

  for (size_t i = 0; i < IA_COUNT(some); i++) {
    ia_autoclose int fd = dial(w);

    for (size_t k = 0; k < some[i].len; k++) {
      IA_AUTOV(ia_buf) one = {0};

      ia_buf_u8(&one, (uint8_t)some[i].text[k]);
      if (some[i].text[k] == '@') {
        send_text(w, fd, ia_buf_view(&one));
      } else if (send(fd, one.ptr, 1, MSG_NOSIGNAL) != 1) {
        break; /* refused already */
      }
      usleep(300);
    }
    (void)until_closed(fd, answer, sizeof(answer));
    assert_true(strncmp(answer, "HTTP/1.1 400 ", 13) == 0 || answer[0] == '\0');
  }
  assert_int_equal(atomic_load(&w->calls), 0);
}

/* What is well formed is served, each request once and in order. */
static void requests_behind_one_another(void **state)
{
  static const char text[] = "GET /a HTTP/1.1\r\n@\r\n"
                             "POST /a HTTP/1.1\r\n@Content-Length: \t5 \r\n\r\nhello"
                             "POST /a HTTP/1.1\r\n@Transfer-Encoding: Chunked\r\n\r\n"
                             "3\r\nabc\r\n00A\r\n0123456789\r\n0\r\n\r\n"
                             "POST /stream HTTP/1.1\r\n@Transfer-Encoding: chunked\r\n\r\n"
                             "4\r\nabcd\r\n0\r\n\r\n"
                             "POST /stream HTTP/1.1\r\n@Content-Length: 3\r\n\r\nabc"
                             "GET /none HTTP/1.1\r\n@\r\n"
                             "HEAD /a HTTP/1.1\r\n@X:\r\n\r\n"
                             "GET /victim HTTP/1.1\r\n@Connection: close\r\n\r\n"
                             "GET /a HTTP/1.1\r\n@\r\n";
  static char answer[16384];
  static const char *const order[] = {"</a:>", "</a:hello>", "</a:abc0123456789>",
                                      "<4>",   "<3>",        "</victim:>"};
  world *w = *state;
  ia_autoclose int fd = dial(w);
  const char *at = answer;

  send_text(w, fd, ia_span_of(text, sizeof(text) - 1));
  assert_true(until_closed(fd, answer, sizeof(answer)));
  for (size_t i = 0; i < IA_COUNT(order); i++) {
    at = strstr(at, order[i]);
    if (!at)
      fail_msg("%s in %s", order[i], answer);
  }
  assert_int_equal(count(answer, "HTTP/1.1 200 "), 7);
  assert_int_equal(count(answer, "HTTP/1.1 404 "), 1);
  assert_int_equal(count(answer, "HTTP/1.1 "), 8); /* nothing after close */
}

static void heads_have_an_end(void **state)
{
  static char big[20000], answer[8192];
  world *w = *state;
  ia_autoclose int fd = dial(w);
  int n = snprintf(big, sizeof(big), "GET /a HTTP/1.1\r\nX: ");

  memset(big + n, 'a', sizeof(big) - (size_t)n);
  assert_int_equal(send(fd, big, sizeof(big), MSG_NOSIGNAL), sizeof(big));
  (void)until_closed(fd, answer, sizeof(answer));
  assert_memory_equal(answer, "HTTP/1.1 400 ", 13);
}

#define WITH_WORLD(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      WITH_WORLD(each_is_refused_once_and_the_connection_ends),
      WITH_WORLD(also_byte_by_byte),
      WITH_WORLD(requests_behind_one_another),
      WITH_WORLD(heads_have_an_end),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
