/* Head and tail of an output. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "sandbox/logcap.h"

/* Every total around the caps, in pieces of every size, against plain slicing. */
static void test_head_and_tail(void **state IA_UNUSED)
{
  enum { CAP = 7, MOST = 40 };
  uint8_t stream[MOST];

  for (size_t i = 0; i < MOST; i++)
    stream[i] = (uint8_t)('a' + i);
  for (size_t total = 0; total <= MOST; total++)
    for (size_t piece = 1; piece <= MOST; piece++) {
      ia_sandbox_log log = {0};

      for (size_t at = 0; at < total; at += piece)
        ia_logcap_add(&log, ia_span_of(stream + at, total - at < piece ? total - at : piece), CAP);
      ia_logcap_end(&log, CAP);
      size_t head = total < CAP ? total : CAP;
      size_t rest = total - head;
      size_t tail = rest < CAP ? rest : CAP;
      assert_int_equal(log.total, total);
      assert_true(ia_span_eq(ia_buf_view(&log.head), ia_span_of(stream, head)));
      assert_true(ia_span_eq(ia_buf_view(&log.tail), ia_span_of(stream + total - tail, tail)));
      ia_logcap_free(&log);
    }
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_head_and_tail)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
