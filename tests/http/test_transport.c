/* Where servers listen and where clients send secrets. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "http/client.h"
#include "http/server.h"

static void beyond_loopback_needs_tls(void **state)
{
  IA_AUTO(ia_loop) *l = NULL;
  ia_server *s = NULL;
  ia_err e;

  (void)state;
  assert_true(ia_loop_new(&l, &e));
  assert_false(ia_server_open(&s, l, &(ia_listen){.host = "0.0.0.0"}, &e));
  assert_int_equal(e.code, IA_E_INVALID);
  assert_false(ia_server_open(&s, l, &(ia_listen){.host = "::"}, &e));
  assert_false(ia_server_open(&s, l, &(ia_listen){.host = "example.org"}, &e));
  assert_false(ia_server_open(&s, l, &(ia_listen){.tls_cert = "x"}, &e));
  assert_true(ia_server_open(&s, l, &(ia_listen){.host = "0.0.0.0", .behind_tls_proxy = true}, &e));
  ia_server_close(s);
}

static void secrets_stay_off_plain_http(void **state)
{
  static const struct {
    const char *url;
    bool ok;
  } urls[] = {
      {"https://example.org/x", true},
      {"http://127.0.0.1:7401/", true},
      {"http://127.3.2.1/", true},
      {"http://[::1]:9/", true},
      {"http://localhost:1/", true},
      {"http://example.org/", false},
      {"http://127.0.0.1.example.org/", false},
      {"http://10.0.0.1/", false},
      {"http://127.0.0.1@example.org/", false},
      {"ftp://127.0.0.1/", false},
      {"http://[::2]/", false},
      {"nonsense", false},
  };
  IA_AUTO(ia_http) *h = NULL;
  IA_AUTOV(ia_http_answer) a = {0};
  ia_err e;

  (void)state;
  for (size_t i = 0; i < IA_COUNT(urls); i++)
    assert_int_equal(ia_http_secure_url(urls[i].url), urls[i].ok);
  assert_true(ia_http_new(&h, &(ia_http_options){.only_secure = true}, &e));
  assert_false(ia_http_do(h, &a, &(ia_http_call){.url = "http://10.0.0.1/x?token"}, &e));
  assert_int_equal(e.code, IA_E_FORBIDDEN);
  assert_null(strstr(e.msg, "token"));
}

static void nobody_listens(void **state)
{
  IA_AUTO(ia_http) *h = NULL;
  IA_AUTOV(ia_http_answer) a = {0};
  ia_err e;

  (void)state;
  assert_true(ia_http_new(&h, NULL, &e));
  assert_false(ia_http_do(h, &a, &(ia_http_call){.url = "http://127.0.0.1:1/"}, &e));
  assert_int_equal(e.code, IA_E_UNAVAILABLE);
  assert_false(ia_http_do(h, &a, &(ia_http_call){.url = "file:///etc/passwd"}, &e));
  assert_int_equal(e.code, IA_E_INVALID);
}

/* All calls together have an end, whatever each of them may take. */
static void the_end_of_all_calls(void **state)
{
  IA_AUTO(ia_http) *h = NULL;
  IA_AUTOV(ia_http_answer) a = {0};
  ia_http_call c = {.url = "http://127.0.0.1:1/", .total_ms = 60000};
  ia_err e = {0};

  (void)state;
  assert_true(ia_http_new(&h, NULL, NULL));
  ia_http_until(h, 1); /* long ago */
  assert_false(ia_http_do(h, &a, &c, &e));
  assert_int_equal(e.code, IA_E_TIMEOUT);
  ia_http_until(h, 0);
  assert_false(ia_http_do(h, &a, &c, &e));
  assert_int_equal(e.code, IA_E_UNAVAILABLE);
}

typedef struct liar {
  int fd;
  const char *text;
  size_t len;
} liar;

static void *lie(void *ctx)
{
  const liar *l = ctx;
  char head[4096];
  ia_autoclose int c = accept(l->fd, NULL, NULL);

  if (c >= 0 && recv(c, head, sizeof(head), 0) > 0)
    (void)send(c, l->text, l->len, MSG_NOSIGNAL);
  return NULL;
}

/* Whether one answer of those bytes is taken. */
static bool taken(const char *text, size_t len)
{
  struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof(a);
  ia_autoclose int fd = socket(AF_INET, SOCK_STREAM, 0);
  liar l = {fd, text, len};
  IA_AUTO(ia_http) *h = NULL;
  IA_AUTOV(ia_http_answer) answer = {0};
  char url[64];
  pthread_t t;
  ia_err e;

  assert_int_equal(bind(fd, (struct sockaddr *)&a, size), 0);
  assert_int_equal(listen(fd, 1), 0);
  assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &size), 0);
  assert_int_equal(pthread_create(&t, NULL, lie, &l), 0);
  (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/", ntohs(a.sin_port));
  assert_true(ia_http_new(&h, NULL, &e));
  bool ok = ia_http_do(h, &answer, &(ia_http_call){.url = url}, &e);
  pthread_join(t, NULL);
  return ok;
}

static void answers_that_could_be_others(void **state)
{
#define OK          "HTTP/1.1 200 OK\r\n"
#define TAKEN(text) taken(text, sizeof(text) - 1)
  (void)state;
  assert_true(TAKEN(OK "X: y\r\nContent-Length: 2\r\n\r\nhi"));
  assert_false(TAKEN(OK "X: y\r\n Content-Length: 2\r\n\r\nhi"));
  assert_false(TAKEN(OK "X: y\r\n\tz\r\nContent-Length: 2\r\n\r\nhi"));
  assert_false(TAKEN(OK "X: a\0b\r\nContent-Length: 2\r\n\r\nhi"));
  assert_false(TAKEN(OK "X: a\x01\r\nContent-Length: 2\r\n\r\nhi"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(beyond_loopback_needs_tls),
      cmocka_unit_test(secrets_stay_off_plain_http),
      cmocka_unit_test(nobody_listens),
      cmocka_unit_test(answers_that_could_be_others),
      cmocka_unit_test(the_end_of_all_calls),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
