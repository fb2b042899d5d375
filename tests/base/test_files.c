/* Whole-file writing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"

static void write_then_read(void **state)
{
  const char *dir = *state;
  IA_AUTOV(ia_buf) b = {0};
  ia_path p;
  ia_err e;
  struct stat st;

  assert_true(ia_path_join(&p, &e, "%s/a/b", dir) && ia_mkdirs(p.s, 0700, &e));
  assert_true(ia_path_join(&p, &e, "%s/a/b/f", dir));
  assert_true(ia_file_write(p.s, ia_span_str("one"), 0600, &e));
  assert_true(ia_file_write(p.s, ia_span_str("two"), 0600, &e));
  assert_false(ia_file_create(p.s, ia_span_str("three"), 0600, &e));
  assert_int_equal(e.code, IA_E_EXISTS);
  assert_true(ia_file_read(&b, p.s, 3, &e));
  assert_true(ia_span_is(ia_buf_view(&b), "two"));
  assert_int_equal(stat(p.s, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_false(ia_file_read(&b, p.s, 2, &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
  assert_false(ia_file_read(&b, dir, 100, &e));
}

static void no_temporary_stays(void **state)
{
  const char *dir = *state;
  ia_path p;
  ia_err e;

  /* the target is a folder: rename fails, and the temporary file must go */
  assert_true(ia_path_join(&p, &e, "%s/c/d", dir) && ia_mkdirs(p.s, 0700, &e));
  assert_true(ia_path_join(&p, &e, "%s/c", dir));
  assert_false(ia_file_write(p.s, ia_span_str("x"), 0600, &e));
  assert_true(ia_path_join(&p, &e, "test -z \"$(find %s -name '*.tmp')\"", dir));
  assert_int_equal(system(p.s), 0);
}

static int setup(void **state)
{
  static char dir[] = "/tmp/ia-files-XXXXXX";

  *state = mkdtemp(dir);
  return *state ? 0 : -1;
}

static int teardown(void **state)
{
  ia_err e;

  return ia_remove_tree(*state, &e) && ia_remove_tree(*state, &e) ? 0 : -1;
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(write_then_read),
      cmocka_unit_test(no_temporary_stays),
  };

  return cmocka_run_group_tests(tests, setup, teardown);
}
