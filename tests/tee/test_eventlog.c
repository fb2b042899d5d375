/* The two measured events: building, replaying, and every way in which a log can lie. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "crypto/sha.h"
#include "tee/eventlog.h"

static const char d_payload[] = "the descriptor", r_payload[] = "the image digest";

static void build(ia_buf *log, ia_h384 *rtmr, ia_domain d)
{
  *rtmr = (ia_h384){0};
  assert_true(ia_event_append(log, rtmr, d, IA_EVENT_DESCRIPTOR, ia_span_str(d_payload), NULL));
  assert_true(ia_event_append(log, rtmr, d, IA_EVENT_ROOTFS, ia_span_str(r_payload), NULL));
}

static bool verify(const ia_buf *log, const ia_h384 *rtmr, ia_domain d)
{
  ia_err e = {0};
  bool ok = ia_eventlog_verify(ia_buf_view(log), d, ia_span_str(d_payload), ia_span_str(r_payload),
                               rtmr, &e);

  if (!ok)
    assert_int_equal(e.code, IA_E_EVENTLOG);
  return ok;
}

static void test_replay_gives_the_register(void **state)
{
  IA_AUTOV(ia_buf) log = {0}, one = {0};
  ia_h384 rtmr, digest;
  uint8_t both[96] = {0};

  (void)state;
  build(&log, &rtmr, IA_DOMAIN_SIM);
  assert_true(verify(&log, &rtmr, IA_DOMAIN_SIM));
  /* the first record, by hand */
  ia_buf_lp_str(&one, "iapp-event-SIM/v1");
  ia_buf_lp_str(&one, IA_EVENT_DESCRIPTOR);
  ia_buf_lp_str(&one, d_payload);
  ia_sha384(digest.b, ia_buf_view(&one));
  assert_memory_equal(log.ptr, "\x04\0\0\0\x99\x1a\0\x08\x01\0\0\0\x0c\0", 14);
  assert_memory_equal(log.ptr + 14, digest.b, 48);
  memcpy(both + 48, digest.b, 48);
  ia_sha384(digest.b, IA_SPAN_ARR(both));
  ia_h384 first = {{0}};
  ia_buf_clear(&one);
  assert_true(ia_event_append(&one, &first, IA_DOMAIN_SIM, IA_EVENT_DESCRIPTOR,
                              ia_span_str(d_payload), NULL));
  assert_memory_equal(first.b, digest.b, 48);
}

static void test_every_changed_byte_is_noticed(void **state)
{
  IA_AUTOV(ia_buf) log = {0};
  ia_h384 rtmr;

  (void)state;
  build(&log, &rtmr, IA_DOMAIN_HW);
  for (size_t i = 0; i < log.len; i++) {
    log.ptr[i] ^= 1;
    assert_false(verify(&log, &rtmr, IA_DOMAIN_HW));
    log.ptr[i] ^= 1;
  }
  for (size_t n = log.len; log.len > 0; log.len--)
    assert_true(log.len == n || !verify(&log, &rtmr, IA_DOMAIN_HW));
}

static void test_no_other_event_is_accepted(void **state)
{
  IA_AUTOV(ia_buf) log = {0}, swapped = {0};
  ia_h384 rtmr, other = {{0}};

  (void)state;
  build(&log, &rtmr, IA_DOMAIN_HW);
  assert_true(ia_event_append(&log, &rtmr, IA_DOMAIN_HW, "more", ia_span_str("x"), NULL));
  assert_false(verify(&log, &rtmr, IA_DOMAIN_HW));
  assert_true(ia_event_append(&swapped, &other, IA_DOMAIN_HW, IA_EVENT_ROOTFS,
                              ia_span_str(r_payload), NULL));
  assert_true(ia_event_append(&swapped, &other, IA_DOMAIN_HW, IA_EVENT_DESCRIPTOR,
                              ia_span_str(d_payload), NULL));
  assert_false(verify(&swapped, &other, IA_DOMAIN_HW));
}

static void test_domains_do_not_mix(void **state)
{
  IA_AUTOV(ia_buf) log = {0};
  ia_h384 rtmr;

  (void)state;
  build(&log, &rtmr, IA_DOMAIN_SIM);
  assert_false(verify(&log, &rtmr, IA_DOMAIN_HW));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_replay_gives_the_register),
      cmocka_unit_test(test_every_changed_byte_is_noticed),
      cmocka_unit_test(test_no_other_event_is_accepted),
      cmocka_unit_test(test_domains_do_not_mix),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
