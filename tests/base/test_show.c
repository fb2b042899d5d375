/* Foreign text before people's eyes: nothing in it acts, nothing in it is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/log.h"
#include "base/show.h"

static ia_span view(const ia_buf *b)
{
  assert_false(b->bad);
  return ia_buf_view(b);
}

static void is(const ia_buf *b, const char *want)
{
  ia_span got = view(b);

  if (!ia_span_is(got, want))
    fail_msg("got <%.*s>, want <%s>", (int)got.len, (const char *)got.ptr, want);
}

static const struct {
  const char *raw, *value, *text;
} cases[] = {
    {"plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80", "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80",
     "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"a\nb\r\tc", "a\\nb\\r\\tc", "a\nb\\r\tc"},
    {"\x1b[2J\a\b\x7f", "\\x1b[2J\\x07\\x08\\x7f", "\\x1b[2J\\x07\\x08\\x7f"},
    {"\xc2\x9b"
     "31m\xc2\x85",
     "\\u009b31m\\u0085", "\\u009b31m\\u0085"},
    {"\xe2\x80\xaetxt.exe", "\\u202etxt.exe", "\\u202etxt.exe"},
    {"\xe2\x81\xa6x\xe2\x81\xa9\xe2\x80\x8e\xe2\x80\x8f\xd8\x9c",
     "\\u2066x\\u2069\\u200e\\u200f\\u061c", "\\u2066x\\u2069\\u200e\\u200f\\u061c"},
    {"\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\x8b\xef\xbb\xbf", "\\u2028\\u2029\\u200b\\ufeff",
     "\\u2028\\u2029\\u200b\\ufeff"},
    {"\xf3\xa0\x81\x81\xef\xbf\xbf", "\\U000e0041\\uffff", "\\U000e0041\\uffff"},
    {"\xff\xc0\x80\xed\xa0\x80\xe2\x82", "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xe2\\x82",
     "\\xff\\xc0\\x80\\xed\\xa0\\x80\\xe2\\x82"},
    {"c:\\n", "c:\\\\n", "c:\\n"},
    {"a   b\xe3\x80\x80\xe3\x80\x80", "a \\x20\\x20b\xe3\x80\x80\\u3000",
     "a   b\xe3\x80\x80\xe3\x80\x80"},
};

static void escapes(void **state IA_UNUSED)
{
  for (size_t i = 0; i < IA_COUNT(cases); i++) {
    IA_AUTOV(ia_buf) value = {0}, text = {0};

    ia_show_value(&value, ia_span_str(cases[i].raw));
    is(&value, cases[i].value);
    ia_show_text(&text, ia_span_str(cases[i].raw));
    is(&text, cases[i].text);
  }
}

/* One escape at `at`; returns its bytes. */
static size_t unescape(ia_buf *out, ia_span at)
{
  static const struct {
    char letter;
    size_t digits;
  } hex[] = {{'x', 2}, {'u', 4}, {'U', 8}};
  char digits[9] = "";

  assert_true(at.len >= 2);
  for (size_t i = 0; i < IA_COUNT(hex); i++) {
    if (at.ptr[1] != (uint8_t)hex[i].letter)
      continue;
    assert_true(at.len >= 2 + hex[i].digits);
    memcpy(digits, at.ptr + 2, hex[i].digits);
    uint32_t c = (uint32_t)strtoul(digits, NULL, 16);
    if (hex[i].digits == 2)
      ia_buf_u8(out, (uint8_t)c);
    else
      ia_buf_utf8(out, c);
    return 2 + hex[i].digits;
  }
  const char *letter = strchr("nrt\\", at.ptr[1]);
  assert_non_null(letter);
  ia_buf_u8(out, (uint8_t) "\n\r\t\\"[letter - "nrt\\"]);
  return 2;
}

/* Random bytes come back exactly, and what is shown is plain. */
static void values_are_plain_and_come_back(void **state IA_UNUSED)
{
  uint64_t seed = 12;

  for (int round = 0; round < 2000; round++) {
    IA_AUTOV(ia_buf) raw = {0}, shown = {0}, back = {0};

    for (int i = 0; i < 24; i++) {
      seed = seed * 6364136223846793005U + 1442695040888963407U;
      uint32_t r = (uint32_t)(seed >> 40);
      if (r % 3 == 0)
        ia_buf_u8(&raw, (uint8_t)(r >> 8));
      else
        ia_buf_utf8(&raw, r % 3 == 1 ? 0x2000 + (r >> 8) % 0x80 : (r >> 4) % 0x110000);
    }
    ia_show_value(&shown, view(&raw));
    assert_true(ia_is_plain_text(view(&shown)));
    for (ia_span at = view(&shown); at.len > 0;) {
      size_t n = 1;

      if (at.ptr[0] == '\\')
        n = unescape(&back, at);
      else
        ia_buf_u8(&back, at.ptr[0]);
      at = ia_span_of(at.ptr + n, at.len - n);
    }
    assert_true(ia_span_eq(view(&back), view(&raw)));
  }
}

/* JSON means the same afterwards, and holds nothing hidden. */
static void json_stays_the_same(void **state IA_UNUSED)
{
  static const char raw[] =
      "{\"a\xe2\x80\xae\":\"\xc2\x9b\x7f\xf3\xa0\x81\x81\xe2\x80\xa8 \xc3\xa4\"}";
  IA_AUTOV(ia_buf) shown = {0};

  ia_show_json(&shown, ia_span_str(raw));
  is(&shown, "{\"a\\u202e\":\"\\u009b\\u007f\\udb40\\udc41\\u2028 \xc3\xa4\"}");
  IA_AUTO_JSON *before = ia_json_parse(ia_span_str(raw), 0, NULL);
  IA_AUTO_JSON *after = ia_json_parse(view(&shown), 0, NULL);
  assert_non_null(before);
  assert_true(json_equal(before, after));
}

#define SAME(...)                                                                                  \
  do {                                                                                             \
    char want_[512];                                                                               \
    IA_AUTOV(ia_buf) got_ = {0};                                                                   \
    (void)snprintf(want_, sizeof(want_), __VA_ARGS__);                                             \
    ia_show_printf(&got_, __VA_ARGS__);                                                            \
    is(&got_, want_);                                                                              \
  } while (0)

static void formats_are_those_of_printf(void **state IA_UNUSED)
{
  SAME("nothing\n");
  SAME("%d %i %u %x %X %o %%", -1, 2, 3U, 0xabU, 0xCDU, 8U);
  SAME("%ld %lu %lld %llu %zu %jd %td", -1L, 2UL, -3LL, 4ULL, (size_t)5, (intmax_t)-6,
       (ptrdiff_t)7);
  SAME("%hhu %hu", (unsigned char)200, (unsigned short)60000);
  SAME("%5d|%-5d|%05d|%+d|% d|%#x|%.3d|%*d|%-*d", 1, 2, 3, 4, 5, 6U, 7, 6, 8, 6, 9);
  SAME("%.3f %g %e %8.2f", 1.0, 2.5, 3e9, 4.0);
  SAME("%s|%8s|%-8s|%.2s|%.*s|%-8.3s|%*s", "abc", "abc", "abc", "abc", 2, "abc", "abcdef", 5, "x");
  SAME("%c%c", 'o', 'k');
}

static void formats_escape_their_strings(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) b = {0};
  static const char open_end[] = {'a', '\x1b', 'b'}; /* no NUL behind it */
  const char *volatile none = NULL;

  ia_show_printf(&b, "a\n%s\n%8s|\"%s\"|%.*s|%s", "x\nPROVEN", "\xc3\xa4", "q\"\n", 3, open_end,
                 none);
  is(&b, "a\nx\\nPROVEN\n       \xc3\xa4|\"q\\\"\\n\"|a\\x1bb|-");
  ia_buf_clear(&b);
  ia_show_printf(&b, "%.4s|%c", "abc\xe2\x82\xac", '\n');
  is(&b, "abc|\\n");
}

IA_PRINTF(2, 3) static void pairs(ia_buf *b, const char *fmt, ...)
{
  va_list ap;

  va_start(ap, fmt);
  ia_show_vpairs(b, fmt, ap);
  va_end(ap);
}

static void pairs_are_quoted(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) b = {0};
  char longer[IA_SHOW_PAIR_MAX + 10];

  pairs(&b, "a=%s b=%s c=%s d=%d e=\"%s\" url=http://%s/x", "plain-1.2:/x", "two words", "", 5,
        "in \"quotes\"", "h o\"st");
  is(&b,
     "a=plain-1.2:/x b=\"two words\" c=\"\" d=5 e=\"in \\\"quotes\\\"\" url=http://h\\x20o\\\"st/x");
  ia_buf_clear(&b);
  pairs(&b, "a=%s b=%s c=%s", "x level=error", "x\ny\xe2\x80\xae", "a\\b\"");
  is(&b, "a=\"x level=error\" b=\"x\\ny\\u202e\" c=\"a\\\\b\\\"\"");
  ia_buf_clear(&b);
  memset(longer, 'a', sizeof(longer));
  longer[sizeof(longer) - 1] = '\0';
  pairs(&b, "a=%s b=%d", longer, 1);
  assert_int_equal(b.len, 2 + IA_SHOW_PAIR_MAX + 2 + 4);
}

/* A log line is one line, whatever fills it. */
static void a_log_line_is_one_line(void **state IA_UNUSED)
{
  char text[4096] = "";
  FILE *file = tmpfile();
  int kept = dup(STDERR_FILENO);

  assert_non_null(file);
  assert_true(kept >= 0 && dup2(fileno(file), STDERR_FILENO) >= 0);
  ia_log_init("test", IA_LOG_INFO);
  ia_log(IA_LOG_INFO, "task.failed", "cause=%s message=%s",
         "X\n2026-01-01T00:00:00.000Z error role=sms event=forged", "a\x1b[2J\r");
  assert_true(dup2(kept, STDERR_FILENO) >= 0);
  close(kept);
  rewind(file);
  size_t n = fread(text, 1, sizeof(text) - 1, file);
  assert_int_equal(fclose(file), 0);
  assert_ptr_equal(strchr(text, '\n'), text + n - 1);
  assert_non_null(strstr(text,
                         " cause=\"X\\n2026-01-01T00:00:00.000Z error role=sms event=forged\" "
                         "message=\"a\\x1b[2J\\r\"\n"));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(escapes),
      cmocka_unit_test(values_are_plain_and_come_back),
      cmocka_unit_test(json_stays_the_same),
      cmocka_unit_test(formats_are_those_of_printf),
      cmocka_unit_test(formats_escape_their_strings),
      cmocka_unit_test(pairs_are_quoted),
      cmocka_unit_test(a_log_line_is_one_line),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
