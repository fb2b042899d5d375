/* What others may read, own or replace is refused by name; what is written honours the umask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/owned.h"

typedef bool reader(ia_buf *out, const char *path, size_t cap, ia_err *e);

static char top[32];

static int setup(void **state)
{
  (void)state;
  (void)snprintf(top, sizeof(top), "/tmp/ia-owned-XXXXXX");
  return mkdtemp(top) ? 0 : -1;
}

static int teardown(void **state)
{
  (void)state;
  return ia_remove_tree(top, NULL) ? 0 : -1;
}

static ia_path put(const char *name, mode_t mode)
{
  ia_path p;

  assert_true(ia_path_join(&p, NULL, "%s/%s", top, name));
  assert_true(ia_file_write_exact(p.s, ia_span_str("x"), mode, NULL));
  return p;
}

static void refuses(reader *r, const char *path, const char *hint)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_err e = {0};
  ia_path want;

  assert_false(r(&out, path, 10, &e));
  assert_int_equal(e.code, IA_E_FORBIDDEN);
  assert_non_null(strstr(e.msg, path));
  assert_true(ia_path_join(&want, NULL, "%s %s", hint, path));
  assert_string_equal(e.hint, want.s);
  assert_int_equal(out.len, 0);
}

static void takes(reader *r, const char *path)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_err e = {0};

  if (!r(&out, path, 10, &e))
    fail_msg("%s", e.msg);
  assert_int_equal(out.len, 1);
}

static void modes_of_files(void **state)
{
  static const struct {
    mode_t mode;
    bool private, group, trusted;
  } rows[] = {{0600, true, true, true},   {0400, true, true, true},    {0640, false, true, true},
              {0440, false, true, true},  {0660, false, false, false}, {0644, false, false, true},
              {0604, false, false, true}, {0602, false, false, false}, {0620, false, false, false},
              {0601, false, false, true}, {0666, false, false, false}};

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    ia_path p = put("f", rows[i].mode);

    if (rows[i].private)
      takes(ia_file_read_private, p.s);
    else
      refuses(ia_file_read_private, p.s, "chmod 600");
    if (rows[i].group)
      takes(ia_file_read_of_group, p.s);
    else
      refuses(ia_file_read_of_group, p.s, "chmod 640");
    if (rows[i].trusted)
      takes(ia_file_read_trusted, p.s);
    else
      refuses(ia_file_read_trusted, p.s, "chmod go-w");
  }
}

static void modes_of_folders(void **state)
{
  static const mode_t open_modes[] = {0755, 0750, 0710, 0701, 0777, 01777};
  ia_err e = {0};

  (void)state;
  assert_true(ia_owned_folder(top, &e));
  for (size_t i = 0; i < IA_COUNT(open_modes); i++) {
    assert_int_equal(chmod(top, open_modes[i]), 0);
    assert_false(ia_owned_folder(top, &e));
    assert_int_equal(e.code, IA_E_FORBIDDEN);
  }
  ia_path p = put("f", 0600);
  assert_int_equal(chmod(top, 0777), 0);
  assert_false(ia_owned_place(p.s, &e));
  assert_int_equal(chmod(top, 01777), 0);
  assert_true(ia_owned_place(p.s, &e));
  assert_int_equal(chmod(top, 0755), 0);
  assert_true(ia_owned_place(p.s, &e));
}

static void owners_count(void **state)
{
  ia_path p = put("f", 0600), link;
  ia_err e = {0};

  (void)state;
  if (geteuid() != 0)
    skip();
  assert_int_equal(chown(p.s, 12345, 0), 0);
  refuses(ia_file_read_private, p.s, "chown 0");
  assert_int_equal(chown(p.s, 0, 0), 0);
  assert_true(ia_path_join(&link, NULL, "%s/link", top));
  assert_int_equal(symlink(p.s, link.s), 0);
  takes(ia_file_read_private, link.s);
  assert_int_equal(lchown(link.s, 12345, 0), 0);
  refuses(ia_file_read_private, link.s, "chown 0");
  assert_int_equal(chown(top, 12345, 0), 0);
  assert_false(ia_owned_place(p.s, &e));
  assert_int_equal(chown(top, 0, 0), 0);
  /* a link of ours into a folder of another */
  assert_int_equal(unlink(link.s), 0);
  ia_path theirs, inside;
  assert_true(ia_path_join(&theirs, NULL, "%s/theirs", top) && ia_mkdirs(theirs.s, 0755, &e));
  assert_true(ia_path_join(&inside, NULL, "%s/f", theirs.s));
  assert_true(ia_file_write(inside.s, ia_span_str("x"), 0600, &e));
  assert_int_equal(chown(theirs.s, 12345, 0), 0);
  assert_int_equal(symlink(inside.s, link.s), 0);
  IA_AUTOV(ia_buf) out = {0};
  assert_false(ia_file_read_private(&out, link.s, 10, &e));
  assert_int_equal(e.code, IA_E_FORBIDDEN);
  assert_non_null(strstr(e.msg, theirs.s));
}

static mode_t mode_of(const char *path)
{
  struct stat st;

  assert_int_equal(stat(path, &st), 0);
  return st.st_mode & 0777;
}

static void the_umask_holds(void **state)
{
  mode_t old = umask(077);
  ia_path p;

  (void)state;
  assert_true(ia_path_join(&p, NULL, "%s/w", top));
  assert_true(ia_file_write(p.s, ia_span_str("x"), 0644, NULL));
  assert_int_equal(mode_of(p.s), 0600);
  assert_true(ia_file_write_exact(p.s, ia_span_str("x"), 0644, NULL));
  assert_int_equal(mode_of(p.s), 0644);
  assert_true(ia_file_write(p.s, ia_span_str("x"), 0600, NULL));
  assert_int_equal(mode_of(p.s), 0600);
  (void)umask(old);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(modes_of_files, setup, teardown),
      cmocka_unit_test_setup_teardown(modes_of_folders, setup, teardown),
      cmocka_unit_test_setup_teardown(owners_count, setup, teardown),
      cmocka_unit_test_setup_teardown(the_umask_holds, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
