/* The ipfs service over real sockets: uploads as kubo-rpc-client sends them, gateway, ranges. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../http/fixture.h"
#include "base/file.h"
#include "service/ipfs/ipfs.h"

#define BOUNDARY "-----------------------------0123456789abcdefghijk"
#define HELLO    "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o" /* of "hello world\n" */

typedef struct world {
  fixture f;
  ia_ipfs *ipfs;
  char dir[40];
} world;

static int setup(void **state)
{
  world *w = calloc(1, sizeof(*w));
  ia_err e = {0};

  if (!w)
    return -1;
  *state = w;
  (void)snprintf(w->dir, sizeof(w->dir), "/tmp/ia-ipfs-XXXXXX");
  if (!mkdtemp(w->dir) ||
      !ia_ipfs_open(&w->ipfs, &(ia_ipfs_config){.dir = w->dir, .blob_max = 3 << 20}, NULL, &e) ||
      !fixture_start(&w->f, NULL, &e) || !ia_ipfs_mount(w->ipfs, w->f.server, &e) ||
      !fixture_run_on(&w->f))
    return -1;
  return 0;
}

static int teardown(void **state)
{
  world *w = *state;

  fixture_close(&w->f);
  ia_ipfs_close(w->ipfs);
  bool ok = ia_remove_tree(w->dir, NULL);
  free(w);
  return ok ? 0 : -1;
}

/* A multipart body of n bytes 'a' (or of text), given in pieces, chunked. */
typedef struct upload {
  const char *head, *tail;
  const char *text;
  size_t n, at;
} upload;

static bool give(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  upload *u = ctx;
  size_t head = strlen(u->head), tail = strlen(u->tail);

  (void)e;
  for (*n = 0; *n < cap && u->at < head + u->n + tail; ++*n, u->at++)
    buf[*n] = (uint8_t)(u->at < head          ? u->head[u->at]
                        : u->at < head + u->n ? (u->text ? u->text[u->at - head] : 'a')
                                              : u->tail[u->at - head - u->n]);
  return true;
}

/* disposition: of the part, after form-data */
static void add_as(world *w, ia_http_answer *a, const char *query, const char *disposition,
                   const char *type, const char *text, size_t n)
{
  const char *const headers[] = {"Content-Type: multipart/form-data; boundary=" BOUNDARY, NULL};
  char head[800];
  upload u = {head, "\r\n--" BOUNDARY "--\r\n", text, n, 0};
  char path[128];
  ia_err e = {0};

  (void)snprintf(head, sizeof(head),
                 "--" BOUNDARY "\r\nContent-Disposition: form-data; %s\r\n"
                 "Content-Type: %s\r\n\r\n",
                 disposition, type);
  (void)snprintf(path, sizeof(path), "/api/v0/add?%s", query);
  ia_http_call c = {.method = "POST",
                    .url = fixture_url(&w->f, path),
                    .headers = headers,
                    .source = give,
                    .source_ctx = &u,
                    .source_size = UINT64_MAX};
  if (!ia_http_do(w->f.http, a, &c, &e))
    fail_msg("%s", e.msg);
}

static void add(world *w, ia_http_answer *a, const char *query, const char *text, size_t n)
{
  add_as(w, a, query, "name=\"file\"; filename=\"\"", "application/octet-stream", text, n);
}

static void get(world *w, ia_http_answer *a, const char *method, const char *cid,
                const char *header)
{
  const char *const headers[] = {header, NULL};
  char path[128];
  ia_err e = {0};

  (void)snprintf(path, sizeof(path), "/ipfs/%s", cid);
  ia_http_call c = {.method = method, .url = fixture_url(&w->f, path), .headers = headers};
  assert_true(ia_http_do(w->f.http, a, &c, &e));
}

static void uploads_are_served_at_once(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};

  get(w, &a, "GET", HELLO, NULL);
  assert_int_equal(a.status, 404);
  add(w, &a, "stream-channels=true&progress=false", "hello world\n", 12);
  assert_int_equal(a.status, 200);
  assert_true(ia_span_is(ia_buf_view(&a.body),
                         "{\"Name\":\"" HELLO "\",\"Hash\":\"" HELLO "\",\"Size\":\"20\"}\n"));
  get(w, &a, "GET", HELLO, NULL);
  assert_int_equal(a.status, 200);
  assert_true(ia_span_is(ia_buf_view(&a.body), "hello world\n"));
  assert_true(ia_span_is(ia_http_field(&a, "content-type"), "application/octet-stream"));
  assert_true(
      ia_span_is(ia_http_field(&a, "content-security-policy"), "sandbox; default-src 'none'"));
  assert_true(ia_span_is(ia_http_field(&a, "x-content-type-options"), "nosniff"));
  assert_true(ia_span_is(ia_http_field(&a, "content-disposition"), "attachment"));
  assert_int_equal(ia_http_field(&a, "access-control-allow-origin").len, 0);
  /* the same block by its CIDv1 */
  get(w, &a, "GET", "bafybeicg2rebjoofv4kbyovkw7af3rpiitvnl6i7ckcywaq6xjcxnc2mby", NULL);
  assert_int_equal(a.status, 200);
  get(w, &a, "HEAD", HELLO, NULL);
  assert_int_equal(a.status, 200);
  assert_int_equal(a.body.len, 0);
  assert_true(ia_span_is(ia_http_field(&a, "content-length"), "12"));
}

static void ranges(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};

  add(w, &a, "", "hello world\n", 12);
  get(w, &a, "GET", HELLO, "Range: bytes=6-10");
  assert_int_equal(a.status, 206);
  assert_true(ia_span_is(ia_buf_view(&a.body), "world"));
  assert_true(ia_span_is(ia_http_field(&a, "content-range"), "bytes 6-10/12"));
  get(w, &a, "GET", HELLO, "Range: bytes=12-");
  assert_int_equal(a.status, 416);
  assert_true(ia_span_is(ia_http_field(&a, "content-range"), "bytes */12"));
  get(w, &a, "GET", HELLO, "If-None-Match: \"" HELLO "\"");
  assert_int_equal(a.status, 304);
  ia_err e;
  ia_http_call c = {.method = "POST",
                    .url = fixture_url(&w->f, "/api/v0/cat?arg=" HELLO "&offset=6&length=5")};
  assert_true(ia_http_do(w->f.http, &a, &c, &e));
  assert_true(ia_span_is(ia_buf_view(&a.body), "world"));
}

/* RFC 9110 14.1: what a range may look like, and what is no range and gives the whole. */
static void every_form_of_a_range(void **state)
{
  static const struct {
    const char *range;
    int status;
    const char *body; /* NULL = any */
    const char *content_range;
  } rows[] = {
      {"Range: bytes=0-0", 206, "h", "bytes 0-0/12"},
      {"Range: bytes=6-", 206, "world\n", "bytes 6-11/12"},
      {"Range: bytes=-6", 206, "world\n", "bytes 6-11/12"},
      {"Range: bytes=-100", 206, "hello world\n", "bytes 0-11/12"},
      {"Range: bytes=6-100", 206, "world\n", "bytes 6-11/12"},
      {"Range: bytes=11-11", 206, "\n", "bytes 11-11/12"},
      {"Range: bytes=12-13", 416, NULL, "bytes */12"},
      {"Range: bytes=-0", 416, NULL, "bytes */12"},
      {"Range: bytes=99999999999-", 416, NULL, "bytes */12"},
      {"Range: bytes=5-4", 200, "hello world\n", ""},
      {"Range: bytes=a-b", 200, "hello world\n", ""},
      {"Range: lines=0-1", 200, "hello world\n", ""},
      {"Range: bytes=0-1,4-5", 200, "hello world\n", ""},
  };
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};

  add(w, &a, "", "hello world\n", 12);
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    get(w, &a, "GET", HELLO, rows[i].range);
    if (a.status != rows[i].status)
      fail_msg("%s: %d", rows[i].range, a.status);
    if (rows[i].body && !ia_span_is(ia_buf_view(&a.body), rows[i].body))
      fail_msg("%s: %.*s", rows[i].range, (int)a.body.len, (const char *)a.body.ptr);
    if (!ia_span_is(ia_http_field(&a, "content-range"), rows[i].content_range))
      fail_msg("%s: other Content-Range", rows[i].range);
  }
  get(w, &a, "HEAD", HELLO, "Range: bytes=6-10");
  assert_int_equal(a.status, 206);
  assert_int_equal(a.body.len, 0);
  assert_true(ia_span_is(ia_http_field(&a, "content-length"), "5"));
}

static void large_files_stream(void **state)
{
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};
  char cid[64] = "";

  add(w, &a, "cid-version=1", NULL, 2500000);
  assert_int_equal(a.status, 200);
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&a.body), 0, NULL);
  (void)snprintf(cid, sizeof(cid), "%s", json_string_value(json_object_get(v, "Hash")));
  assert_int_equal(cid[0], 'b');
  get(w, &a, "GET", cid, NULL);
  assert_int_equal(a.body.len, 2500000);
  get(w, &a, "GET", cid, "Range: bytes=262143-262145");
  assert_true(ia_span_is(ia_buf_view(&a.body), "aaa"));
  add(w, &a, "", NULL, (3 << 20) + 1);
  assert_int_equal(a.status, 413);
  assert_non_null(memmem(a.body.ptr, a.body.len, "\"Message\"", 9));
}

static void what_is_refused(void **state)
{
  static const char *const queries[] = {
      "cid-version=2",   "chunker=rabin", "wrap-with-directory=true",
      "hash=blake3",     "trickle",       "to-files=/x",
      "mode=0644",       "mtime=5",       "preserve-mode",
      "max-file-links=3"};
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};
  ia_err e;

  for (size_t i = 0; i < IA_COUNT(queries); i++) {
    add(w, &a, queries[i], "x", 1);
    assert_true(a.status == 400 || a.status == 501);
  }
  get(w, &a, "GET", "nonsense", NULL);
  assert_int_equal(a.status, 400);
  get(w, &a, "GET", "..%2f..%2fetc%2fpasswd", NULL);
  assert_int_equal(a.status, 400);
  get(w, &a, "GET", HELLO "/x", NULL);
  assert_int_equal(a.status, 404);
  ia_http_call c = {.method = "POST", .url = fixture_url(&w->f, "/api/v0/add")};
  assert_true(ia_http_do(w->f.http, &a, &c, &e));
  assert_int_equal(a.status, 400);
}

/* Nothing of what a name asks for is left out in silence. */
static void folders_links_and_times_are_refused_by_name(void **state)
{
  static const struct {
    const char *disposition, *type, *says;
  } rows[] = {
      {"name=\"file\"; filename=\"dir%2Fa.txt\"", "text/plain", "folders are not offered"},
      {"name=\"file\"; filename=\"dir/a.txt\"", "text/plain", "dir/a.txt"},
      {"name=\"file\"; filename=\"/a.txt\"", "text/plain", "folders are not offered"},
      {"name=\"file\"; filename=\"dir\"", "application/x-directory", "folders are not offered"},
      {"name=\"file\"; filename=\"dir\"", "application/x-directory; a=b", "folders are"},
      {"name=\"file\"; filename=\"link\"", "application/symlink", "links are not offered"},
      {"name=\"file-0?mode=0755\"; filename=\"a\"", "text/plain", "modes and times"},
      {"name=\"file-0?mtime=5&mtime-nsecs=1\"; filename=\"a\"", "text/plain", "modes and times"},
      {"name=\"file\"; filename=\"a%00b\"", "text/plain", "not text"},
  };
  world *w = *state;
  IA_AUTOV(ia_http_answer) a = {0};
  char named[400];

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    add_as(w, &a, "", rows[i].disposition, rows[i].type, "x", 1);
    assert_true(a.status == 501 || a.status == 400);
    if (!memmem(a.body.ptr, a.body.len, rows[i].says, strlen(rows[i].says)))
      fail_msg("%s: %.*s", rows[i].disposition, (int)a.body.len, (char *)a.body.ptr);
  }
  (void)snprintf(named, sizeof(named), "name=\"file\"; filename=\"%0300d\"", 0);
  add_as(w, &a, "", named, "text/plain", "x", 1);
  assert_int_equal(a.status, 413);
  add_as(w, &a, "", "name=\"file\"; filename=\"a.txt\"", "text/plain", "x", 1);
  assert_int_equal(a.status, 200);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(uploads_are_served_at_once, setup, teardown),
      cmocka_unit_test_setup_teardown(ranges, setup, teardown),
      cmocka_unit_test_setup_teardown(every_form_of_a_range, setup, teardown),
      cmocka_unit_test_setup_teardown(large_files_stream, setup, teardown),
      cmocka_unit_test_setup_teardown(what_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(folders_links_and_times_are_refused_by_name, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
