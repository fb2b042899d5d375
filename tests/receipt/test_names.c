/* Names are whatever bytes somebody registered: a receipt proves them all, in one form alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "receipt/verify.h"
#include "sample.h"

static const char result[] = "PK file";

static ia_code verdict_of(const sample *s, ia_span receipt)
{
  ia_blob blob = ia_blob_mem(ia_span_str(result));
  ia_verdict v = {0};
  ia_err e = {0};

  if (!ia_receipt_verify(&v, receipt, &blob, s->trust, &e))
    return e.code;
  return v.outcome == IA_PROVEN ? IA_OK : v.code;
}

static void assert_proven(ia_span name)
{
  sample *s = calloc(1, sizeof(*s));
  IA_AUTOV(ia_buf) text = {0};

  assert_non_null(s);
  sample_make_named(s, name, ia_span_str(result));
  sample_receipt(&text, s);
  assert_int_equal(verdict_of(s, ia_buf_view(&text)), IA_OK);
  sample_free(s);
  free(s);
}

#define BYTES(t)                                                                                   \
  {                                                                                                \
    (const uint8_t *)(t), sizeof(t) - 1                                                            \
  }

static void every_kind_of_byte_is_proven(void **state IA_UNUSED)
{
  static const ia_span kinds[] = {
      BYTES(""),         BYTES("\0a"),        BYTES("a\0b"),         BYTES("a\0"),
      BYTES("\x80"),     BYTES("\xc0\x80"),   BYTES("\xed\xa0\x80"), BYTES("\xf4\x90\x80\x80"),
      BYTES("\xe2\x82"), BYTES("\xff\xfe"),   BYTES("\xef\xbf\xbf"), BYTES("\xe2\x80\xae"),
      BYTES("a\nb"),     BYTES("\x1b]0;x\a"), BYTES("\x7f"),         BYTES("\"\\"),
      BYTES("0x41"),
  };

  for (size_t i = 0; i < IA_COUNT(kinds); i++)
    assert_proven(kinds[i]);
}

static void every_length_is_proven(void **state IA_UNUSED)
{
  static const size_t lengths[] = {511, 512, 513, 2048, 100000};
  char *bytes = malloc(100000);

  assert_non_null(bytes);
  for (size_t i = 0; i < IA_COUNT(lengths); i++) {
    memset(bytes, 'n', lengths[i]);
    assert_proven(ia_span_of(bytes, lengths[i]));
    memset(bytes, 0, lengths[i]);
    assert_proven(ia_span_of(bytes, lengths[i]));
  }
  free(bytes);
}

/* The same bytes in the other form prove nothing. */
static void one_form_alone(void **state IA_UNUSED)
{
  sample *s = calloc(1, sizeof(*s));
  IA_AUTOV(ia_buf) text = {0};

  assert_non_null(s);
  sample_make_named(s, ia_span_str("A"), ia_span_str(result));
  assert_int_equal(json_object_set_new(json_object_get(s->assets, "app"), "name",
                                       json_pack("{s:s}", "hex", "0x41")),
                   0);
  sample_receipt(&text, s);
  assert_int_not_equal(verdict_of(s, ia_buf_view(&text)), IA_OK);
  sample_free(s);
  free(s);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_kind_of_byte_is_proven),
      cmocka_unit_test(every_length_is_proven),
      cmocka_unit_test(one_form_alone),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
