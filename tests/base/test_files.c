/* Whole-file writing. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

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

static size_t names_in(const char *dir)
{
  DIR *d = opendir(dir);
  size_t n = 0;

  assert_non_null(d);
  for (struct dirent *en; (en = readdir(d));)
    n += en->d_name[0] != '.';
  closedir(d);
  return n;
}

static void a_draft_has_no_name_until_it_is_placed(void **state)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_draft d, other;
  ia_path dir, p;
  ia_err e;

  assert_true(ia_path_join(&dir, &e, "%s/drafts", (const char *)*state) &&
              ia_mkdirs(dir.s, 0700, &e) && ia_path_join(&p, &e, "%s/f", dir.s));
  assert_true(ia_draft_open(&d, dir.s, 0640, &e));
  assert_true(ia_fd_write_all(d.fd, ia_span_str("whole"), &e));
  assert_int_equal(names_in(dir.s), 0);
  assert_true(ia_draft_place(&d, p.s, false, &e));
  ia_draft_close(&d);
  assert_int_equal(names_in(dir.s), 1);

  assert_true(ia_draft_open(&other, dir.s, 0640, &e));
  assert_true(ia_fd_write_all(other.fd, ia_span_str("newer"), &e));
  assert_false(ia_draft_place(&other, p.s, false, &e));
  assert_int_equal(e.code, IA_E_EXISTS);
  assert_true(ia_draft_place(&other, p.s, true, &e));
  ia_draft_close(&other);
  assert_int_equal(names_in(dir.s), 1);
  assert_true(ia_file_read(&b, p.s, 100, &e));
  assert_true(ia_span_is(ia_buf_view(&b), "newer"));

  int fd;
  assert_true(ia_file_unnamed(&fd, dir.s, &e));
  assert_int_equal(names_in(dir.s), 1);
  close(fd);
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
      cmocka_unit_test(a_draft_has_no_name_until_it_is_placed),
  };

  return cmocka_run_group_tests(tests, setup, teardown);
}
