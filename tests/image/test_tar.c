/* Tar reading: the forms that real writers make, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "tars.h"

/* "type path link size\n" of every entry, content checked to be as long as said */
static bool list(ia_buf *out, ia_span tar, ia_err *e)
{
  IA_AUTO(ia_tar) *t = NULL;
  span_source s = {tar};
  static ia_tar_entry en;
  bool end;

  if (!ia_tar_open(&t, span_read, &s, e))
    return false;
  for (;;) {
    uint8_t buf[100];
    size_t n = 1;

    if (!ia_tar_next(t, &en, &end, e))
      return false;
    if (end)
      return true;
    ia_buf_printf(out, "%d %s %s %llu\n", en.type, en.path, en.link, (unsigned long long)en.size);
    if (en.size < 50)
      continue; /* unread content is skipped */
    while (n > 0) {
      if (!ia_tar_read(t, buf, sizeof(buf), &n, e))
        return false;
    }
  }
}

static void want(ia_buf *tar, const char *text)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_err e = {0};

  if (!list(&out, ia_buf_view(tar), &e))
    fail_msg("%s", e.msg);
  ia_autofree char *have = ia_buf_text(&out);
  assert_string_equal(have ? have : "", text);
  ia_buf_free(tar);
}

static void refuse(ia_buf *tar, ia_code code, const char *word)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_err e = {0};

  assert_false(list(&out, ia_buf_view(tar), &e));
  assert_int_equal(e.code, code);
  if (!strstr(e.msg, word))
    fail_msg("\"%s\" lacks \"%s\"", e.msg, word);
  ia_buf_free(tar);
}

static void ustar(void **state IA_UNUSED)
{
  ia_buf t = {0};

  tar_file(&t, "a", "hello");
  tar_entry(&t, '0', "long", "", 0,
            ia_span_str("0123456789012345678901234567890123456789012345678901"));
  tar_entry(&t, '0', "old-folder/", "", 0, ia_span_str(""));
  tar_entry(&t, '2', "s", "a b", 0, ia_span_str(""));
  tar_end(&t);
  want(&t, "0 a  5\n0 long  52\n1 old-folder/  0\n2 s a b 0\n");
  want(&t, ""); /* no bytes: an empty archive */
}

static void extensions(void **state IA_UNUSED)
{
  ia_buf t = {0};

  tar_entry(&t, 'x', "p", "", 0, ia_span_str("15 path=p/ath1\n20 linkpath=target1\n"));
  tar_entry(&t, '2', "short", "short", 0, ia_span_str(""));
  tar_entry(&t, 'L', "././@LongLink", "", 0, ia_span_of("gnu/name", 9));
  tar_entry(&t, 'K', "././@LongLink", "", 0, ia_span_of("gnu/link", 9));
  tar_entry(&t, '1', "short", "short", 0, ia_span_str(""));
  tar_entry(&t, 'g', "g", "", 0, ia_span_str("14 comment=no\n"));
  tar_file(&t, "plain", "");
  tar_end(&t);
  want(&t, "2 p/ath1 target1 0\n3 gnu/name gnu/link 0\n0 plain  0\n");
}

static void bad_extensions(void **state IA_UNUSED)
{
  static const struct {
    char type;
    const char *text;
    ia_code code;
    const char *word;
  } rows[] = {
      {'x', "15 path=short\n", IA_E_PARSE, "pax record"},
      {'x', "99 path=p\n", IA_E_PARSE, "pax record"},
      {'x', "path=p\n", IA_E_PARSE, "pax record"},
      {'x', "6 path\n", IA_E_PARSE, "pax record"},
      {'x', "3 \n", IA_E_PARSE, "pax record"},
      {'x', "1 x=y\n", IA_E_PARSE, "pax record"},
      {'x', "11 size=1x\n", IA_E_PARSE, "size"},
      {'x', "22 GNU.sparse.major=1\n", IA_E_UNSUPPORTED, "sparse"},
      {'g', "10 path=x\n", IA_E_UNSUPPORTED, "global"},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_buf t = {0};

    tar_entry(&t, rows[i].type, "x", "", 0, ia_span_str(rows[i].text));
    tar_file(&t, "f", "");
    tar_end(&t);
    refuse(&t, rows[i].code, rows[i].word);
  }
}

static void broken(void **state IA_UNUSED)
{
  ia_buf t = {0};

  tar_file(&t, "a", "hello");
  t.len -= 200;
  refuse(&t, IA_E_PARSE, "cut short");
  tar_file(&t, "a", "hello");
  t.ptr[0] ^= 1; /* checksum */
  refuse(&t, IA_E_PARSE, "header");
  tar_file(&t, "a", "hello");
  tar_end(&t);
  tar_file(&t, "hidden", "x");
  refuse(&t, IA_E_PARSE, "after the end");
  tar_entry(&t, 'S', "sparse", "", 0, ia_span_str(""));
  refuse(&t, IA_E_UNSUPPORTED, "type");
  tar_entry(&t, '5', "dir", "", 0, ia_span_str("content"));
  refuse(&t, IA_E_PARSE, "content");
  tar_entry(&t, 'x', "x", "", 0, ia_span_str("10 path=x\n"));
  tar_end(&t);
  refuse(&t, IA_E_PARSE, "without an entry");
}

/* GNU tar itself, in the formats that it makes by itself or for POSIX, with a path longer than a
 * header holds */
static void gnu_tar(void **state IA_UNUSED)
{
  static const char *const formats[] = {"gnu", "pax"};

  for (size_t i = 0; i < IA_COUNT(formats); i++) {
    IA_AUTOV(ia_buf) tar = {0}, out = {0};
    char cmd[900], dir[121], line[300];
    ia_err e = {0};

    memset(dir, 'd', 120);
    dir[120] = '\0';
    (void)snprintf(cmd, sizeof(cmd),
                   "d=$(mktemp -d) && mkdir $d/%s && echo hi >$d/%s/f && ln -s %s $d/%s/l && "
                   "tar --format=%s --sort=name -C $d -c %s; rm -rf $d",
                   dir, dir, dir, dir, formats[i], dir);
    FILE *p = popen(cmd, "re");
    assert_non_null(p);
    assert_true(ia_fd_read_all(&tar, fileno(p), 1 << 20, &e));
    assert_int_equal(pclose(p), 0);
    if (!list(&out, ia_buf_view(&tar), &e))
      fail_msg("%s: %s", formats[i], e.msg);
    ia_autofree char *have = ia_buf_text(&out);
    (void)snprintf(line, sizeof(line), "0 %s/f  3\n", dir);
    assert_non_null(strstr(have, line));
    (void)snprintf(line, sizeof(line), "2 %s/l %s 0\n", dir, dir);
    assert_non_null(strstr(have, line));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ustar),  cmocka_unit_test(extensions), cmocka_unit_test(bad_extensions),
      cmocka_unit_test(broken), cmocka_unit_test(gnu_tar),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
