/* Frames: coding, limits, reading from a stream that arrives in pieces. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/frame.h"

static void test_round_trip(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_frame f;
  bool whole;

  ia_frame_put(&b, IA_FRAME_POST, 7, ia_span_str("abc"));
  static const uint8_t want[] = {0, 0, 0, 3, 4, 0, 0, 0, 7, 'a', 'b', 'c'};
  assert_true(ia_span_eq(ia_buf_view(&b), IA_SPAN_ARR(want)));
  for (size_t n = 0; n < b.len; n++) {
    ia_span part = ia_span_of(b.ptr, n);

    assert_true(ia_frame_take(&part, &f, &whole, NULL));
    assert_false(whole);
    assert_int_equal(part.len, n);
  }
  ia_span in = ia_buf_view(&b);
  assert_true(ia_frame_take(&in, &f, &whole, NULL));
  assert_true(whole);
  assert_int_equal(in.len, 0);
  assert_int_equal(f.type, IA_FRAME_POST);
  assert_int_equal(f.stream, 7);
  assert_true(ia_span_is(f.payload, "abc"));
}

static void test_limits(void **state IA_UNUSED)
{
  static const uint8_t large[] = {0, 0x10, 0, 1, 1, 0, 0, 0, 0};
  static const uint8_t type0[] = {0, 0, 0, 0, 0, 0, 0, 0, 0};
  static const uint8_t type14[] = {0, 0, 0, 0, 14, 0, 0, 0, 0};
  ia_span bad[] = {IA_SPAN_ARR(large), IA_SPAN_ARR(type0), IA_SPAN_ARR(type14)};

  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    ia_frame f;
    bool whole;
    ia_err e = {0};

    assert_false(ia_frame_take(&bad[i], &f, &whole, &e));
    assert_int_equal(e.code, IA_E_PARSE);
  }
  IA_AUTOV(ia_buf) b = {0};
  ia_autofree uint8_t *much = calloc(1, IA_FRAME_MAX + 1);
  ia_frame_put(&b, IA_FRAME_PUT, 1, ia_span_of(much, IA_FRAME_MAX + 1));
  assert_false(ia_buf_ok(&b, NULL));
}

static void test_stream(void **state IA_UNUSED)
{
  int sv[2];
  ia_frame_reader r;
  ia_frame f;
  ia_err e = {0};

  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sv), 0);
  ia_frame_reader_init(&r, sv[1]);
  assert_false(ia_frame_read(&r, &f, 1, &e));
  assert_int_equal(e.code, IA_E_TIMEOUT);
  assert_true(ia_frame_write2(sv[0], IA_FRAME_FETCH, 1, ia_span_str("x"), ia_span_str("yz"), &e));
  assert_true(ia_frame_write(sv[0], IA_FRAME_END, 2, (ia_span){0}, &e));
  assert_int_equal(write(sv[0], "\0\0", 2), 2);
  assert_true(ia_frame_read(&r, &f, 1000, &e));
  assert_true(f.type == IA_FRAME_FETCH && f.stream == 1 && ia_span_is(f.payload, "xyz"));
  assert_true(ia_frame_read(&r, &f, 1000, &e));
  assert_true(f.type == IA_FRAME_END && f.stream == 2 && f.payload.len == 0);
  close(sv[0]);
  assert_false(ia_frame_read(&r, &f, 1000, &e));
  assert_int_equal(e.code, IA_E_UNAVAILABLE);
  assert_false(ia_frame_write(sv[1], IA_FRAME_END, 2, (ia_span){0}, &e));
  assert_int_equal(e.code, IA_E_UNAVAILABLE);
  ia_frame_reader_free(&r);
  close(sv[1]);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_round_trip),
      cmocka_unit_test(test_limits),
      cmocka_unit_test(test_stream),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
