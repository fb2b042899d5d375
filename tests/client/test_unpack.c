/* Results on the requester's disk: names that hide something are written, listed and found under a
 * form that shows it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "client/results.h"
#include "data/zip.h"

static const char *const names[][2] = {
    {"gpj.\xe2\x80\xaetxt", "gpj.\\u202etxt"},
    {"a\xe2\x80\x8b/b\xe2\x81\xa6.txt", "a\\u200b/b\\u2066.txt"},
    {"a/b.txt", "a/b.txt"},
    {"tag\xf3\xa0\x81\x81", "tag\\U000e0041"},
    {"\xc2\x9b"
     "31m",
     "\\u009b31m"},
    {"\xc3\xa4 \xe2\x82\xac \xd7\xa9", "\xc3\xa4 \xe2\x82\xac \xd7\xa9"},
};

static void names_are_written_as_they_are_shown(void **state)
{
  char top[] = "/tmp/ia-unpack-XXXXXX", dir[64];
  int fd = memfd_create("zip", MFD_CLOEXEC), one = memfd_create("one", MFD_CLOEXEC);
  IA_AUTO(ia_zip_writer) *w = NULL;
  IA_AUTO(ia_zip) *zip = NULL;
  ia_blob blob;

  (void)state;
  assert_true(fd >= 0 && one >= 0 && write(one, "one", 3) == 3 && mkdtemp(top));
  assert_true(ia_blob_fd(&blob, one, NULL) && ia_zip_writer_new(&w, ia_sink_fd(&fd), NULL));
  for (size_t i = 0; i < IA_COUNT(names); i++)
    assert_true(ia_zip_add_stored(w, names[i][0], blob, NULL));
  assert_true(ia_zip_finish(w, NULL));
  ia_blob file;
  assert_true(ia_blob_fd(&file, fd, NULL) && ia_zip_open(&zip, file, 0, NULL));
  (void)snprintf(dir, sizeof(dir), "%s/out", top);
  assert_true(ia_result_unpack(dir, zip, NULL));
  for (size_t i = 0; i < IA_COUNT(names); i++) {
    IA_AUTOV(ia_buf) shown = {0}, text = {0};
    ia_path path;

    assert_true(ia_zip_shown_name(&shown, ia_zip_at(zip, i), NULL));
    assert_string_equal((const char *)shown.ptr, names[i][1]);
    assert_true(ia_path_join(&path, NULL, "%s/%s", dir, names[i][1]));
    assert_true(ia_file_read(&text, path.s, 16, NULL) && ia_span_is(ia_buf_view(&text), "one"));
    assert_ptr_equal(ia_zip_find_shown(zip, names[i][0]), ia_zip_at(zip, i));
    assert_ptr_equal(ia_zip_find_shown(zip, names[i][1]), ia_zip_at(zip, i));
  }
  assert_null(ia_zip_find_shown(zip, "gpj.txt"));
  assert_true(ia_remove_tree(top, NULL));
  close(fd);
  close(one);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(names_are_written_as_they_are_shown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
