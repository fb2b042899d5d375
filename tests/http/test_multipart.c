/* The multipart reader, fed in pieces of every size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "http/multipart.h"

static bool begin(void *ctx, const ia_part *p, ia_err *e)
{
  ia_buf_printf(ctx, "[%s|%s|%s:", p->name, p->filename, p->type);
  return ia_buf_ok(ctx, e);
}

static bool data(void *ctx, ia_span bytes, ia_err *e)
{
  ia_buf_span(ctx, bytes);
  return ia_buf_ok(ctx, e);
}

static bool end(void *ctx, ia_err *e)
{
  ia_buf_str(ctx, "]");
  return ia_buf_ok(ctx, e);
}

/* What the callbacks saw, or NULL with the error. */
static bool read_in(ia_buf *out, const char *type, ia_span body, size_t piece, ia_err *e)
{
  IA_AUTO(ia_multipart) *m = NULL;
  ia_multipart_sink sink = {begin, data, end, out};

  if (!ia_multipart_new(&m, ia_span_str(type), 3, &sink, e))
    return false;
  while (body.len > 0) {
    ia_span part;

    if (!ia_span_take(&body, body.len < piece ? body.len : piece, &part) ||
        !ia_multipart_feed(m, part, e))
      return false;
  }
  return ia_multipart_finish(m, e);
}

#define HEAD "Content-Disposition: form-data; name=\"file\"; filename=\"\"\r\n"
#define DASH "-----------------------------abc"
#define TYPE "multipart/form-data; boundary=" DASH

static const struct {
  const char *body, *want; /* want NULL: refused */
} rows[] = {
    /* as kubo-rpc-client sends it */
    {"--" DASH "\r\n" HEAD "Content-Type: application/octet-stream\r\n\r\nbytes\r\n--" DASH
     "--\r\n",
     "[file||application/octet-stream:bytes]"},
    {"--" DASH "\r\n" HEAD "\r\n\r\n--" DASH "--", "[file||:]"},
    {"--" DASH "\r\n\r\nno header\r\n--" DASH "--", "[||:no header]"},
    {"--" DASH "\r\n" HEAD "\r\n\r\n\r\n--\r\n---\r\n" DASH "\r\n--" DASH "--",
     "[file||:\r\n\r\n--\r\n---\r\n" DASH "]"},
    {"--" DASH "\r\n" HEAD "\r\na\r\n--" DASH
     "\r\nContent-Disposition: form-data; name=b; filename=\"x%20y\"\r\n\r\nb\r\n--" DASH
     "--\r\nepilogue",
     "[file||:a][b|x y|:b]"},
    {"\r\n--" DASH "\r\n\r\na\r\n--" DASH "--", NULL},
    {"preamble\r\n--" DASH "\r\n\r\na\r\n--" DASH "--", NULL},
    {"--" DASH "\r\n\r\na\r\n--" DASH, NULL},
    {"--" DASH "\r\n\r\na", NULL},
    {"--" DASH " \r\n\r\na\r\n--" DASH "--", NULL},
    {"--" DASH "\r\nno colon\r\n\r\na\r\n--" DASH "--", NULL},
    {"--" DASH "\r\nContent-Disposition: attachment\r\n\r\na\r\n--" DASH "--", NULL},
    {"--" DASH "\r\nContent-Disposition: form-data; name=\"a\r\n\r\na\r\n--" DASH "--", NULL},
    {"--" DASH "\r\n\r\n\r\n--" DASH "\r\n\r\n\r\n--" DASH "\r\n\r\n\r\n--" DASH
     "\r\n\r\n\r\n--" DASH "--",
     NULL}, /* a fourth part */
    {"", NULL},
};

static void pieces_of_every_size_read_the_same(void **state)
{
  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    size_t len = strlen(rows[i].body);

    for (size_t piece = 1; piece <= len + 1; piece++) {
      IA_AUTOV(ia_buf) out = {0};
      /* an exact heap copy, so that the sanitizer sees every byte read beyond */
      ia_autofree char *copy = malloc(len + 1);
      ia_err e = {0};

      memcpy(copy, rows[i].body, len);
      bool ok = read_in(&out, TYPE, ia_span_of(copy, len), piece, &e);
      assert_int_equal(ok, rows[i].want != NULL);
      if (ok)
        assert_true(ia_span_is(ia_buf_view(&out), rows[i].want));
    }
  }
}

static void boundaries(void **state)
{
  static const char *const bad[] = {
      "text/plain",
      "multipart/form-data",
      "multipart/form-data; boundary=",
      "multipart/form-data; boundary=\"a",
      "multipart/form-data; boundary=a\x01",
      ("multipart/form-data; boundary="
       "01234567890123456789012345678901234567890123456789012345678901234567890"),
  };
  IA_AUTOV(ia_buf) out = {0};
  ia_err e;

  (void)state;
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    assert_false(read_in(&out, bad[i], ia_span_str(""), 1, &e));
    assert_int_equal(e.code, IA_E_INVALID);
  }
  assert_true(read_in(&out, "Multipart/Form-Data;charset=utf-8; boundary=\"q q\"",
                      ia_span_str("--q\r\n\r\nx\r\n--q--"), 4, &e) == false);
  assert_true(read_in(&out, "Multipart/Form-Data;charset=utf-8; boundary=\"qq\"",
                      ia_span_str("--qq\r\n\r\nx\r\n--qq--"), 4, &e));
}

static void endless_header_is_refused(void **state)
{
  IA_AUTOV(ia_buf) out = {0};
  IA_AUTOV(ia_buf) body = {0};
  ia_err e;

  (void)state;
  ia_buf_str(&body, "--q\r\nX: ");
  for (int i = 0; i < 5000; i++)
    ia_buf_u8(&body, 'a');
  for (size_t piece = 1; piece < 8192; piece = piece * 3 + 1) {
    assert_false(read_in(&out, "multipart/form-data; boundary=q", ia_buf_view(&body), piece, &e));
    assert_int_equal(e.code, IA_E_TOO_LARGE);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pieces_of_every_size_read_the_same),
      cmocka_unit_test(boundaries),
      cmocka_unit_test(endless_header_is_refused),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
