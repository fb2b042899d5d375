/* The tree of names that an import keeps is the tree that a guest unpacks: layers made at random
 * from few names, so that links, folders, files and whiteouts meet each other in every way. */
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "image/model.h"
#include "tars.h"

enum { ROUNDS = 400, LAYERS = 3, ENTRIES = 7 };

static uint64_t state;

static unsigned pick(unsigned n)
{
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (unsigned)(state >> 33) % n;
}

static void random_path(char out[64], bool link)
{
  static const char *const names[] = {"a", "b", "c"};
  unsigned n = 1 + pick(3);

  out[0] = '\0';
  if (link && pick(2))
    strcat(out, pick(2) ? "/" : "../");
  for (unsigned i = 0; i < n; i++) {
    if (i > 0)
      strcat(out, "/");
    strcat(out, names[pick(3)]);
  }
}

static void random_layer(ia_buf *tar)
{
  unsigned n = 1 + pick(ENTRIES);
  char path[64], link[64], whiteout[80];

  for (unsigned i = 0; i < n; i++) {
    random_path(path, false);
    switch (pick(7)) {
    case 0:
    case 1:
    case 5: tar_entry(tar, '0', path, "", pick(2) ? 0755 : 0644, ia_span_str("x")); break;
    case 2: tar_entry(tar, '5', path, "", 0755, ia_span_str("")); break;
    case 3:
      random_path(link, true);
      tar_entry(tar, '2', path, link, 0777, ia_span_str(""));
      break;
    case 4:
      random_path(link, false);
      tar_entry(tar, '1', path, link, 0644, ia_span_str(""));
      break;
    default: {
      char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

      (void)snprintf(whiteout, sizeof(whiteout), "%.*s.wh.%s", (int)(name - path), path,
                     pick(3) ? name : ".wh..opq");
      tar_entry(tar, '0', whiteout, "", 0644, ia_span_str(""));
    }
    }
  }
  tar_end(tar);
}

static bool survey(ia_model *m, ia_span bytes, ia_err *e)
{
  ia_oci_desc d = {.kind = IA_OCI_LAYER, .size = bytes.len};
  ia_oci_limits l = ia_oci_limits_default();
  span_source s = {bytes};
  ia_oci_usage u = {0};

  ia_sha256(&d.digest, bytes);
  ia_model_layer(m);
  return ia_oci_layer_survey(ia_model_entry, m, &d, NULL, span_read, &s, &l, &u, e);
}

static const ia_model *seen_model;
static size_t seen_files, root_len;

/* Each thing of the folder is in the model, of the same kind. */
static int compare(const char *path, const struct stat *st, int type IA_UNUSED,
                   struct FTW *at IA_UNUSED)
{
  char link[IA_TAR_PATH + 1] = "", real[IA_TAR_PATH + 1] = "";
  const char *inside = path + root_len + (path[root_len] == '/');
  ia_at got = ia_model_look((void *)(uintptr_t)seen_model, inside, link);
  ia_at want = S_ISDIR(st->st_mode)   ? IA_AT_FOLDER
               : S_ISLNK(st->st_mode) ? IA_AT_LINK
               : (st->st_mode & 0111) ? IA_AT_PROGRAM
                                      : IA_AT_FILE;

  if (want == IA_AT_LINK)
    (void)!readlink(path, real, sizeof(real) - 1);
  seen_files += want != IA_AT_FOLDER;
  return got != want || strcmp(link, real) != 0;
}

static bool count(void *arg, const char *path IA_UNUSED, bool program IA_UNUSED)
{
  ++*(size_t *)arg;
  return true;
}

static void check_same(const ia_model *m, const char *dir, unsigned round)
{
  size_t files = 0;

  seen_model = m;
  seen_files = 0;
  root_len = strlen(dir);
  if (nftw(dir, compare, 16, FTW_PHYS) != 0)
    fail_msg("round %u: the model differs from the folder", round);
  assert_true(ia_model_each(m, count, &files));
  if (files != seen_files)
    fail_msg("round %u: %zu files in the model, %zu in the folder", round, files, seen_files);
}

static void the_model_is_what_is_unpacked(void **unused IA_UNUSED)
{
  char dir[] = "/tmp/ia-model-XXXXXX";
  unsigned accepted = 0, refused = 0;
  ia_path root;
  ia_err e = {0};

  assert_non_null(mkdtemp(dir));
  assert_true(ia_path_join(&root, &e, "%s/root", dir));
  for (unsigned round = 0; round < ROUNDS; round++) {
    IA_AUTO(ia_model) *m = NULL;
    bool ok = true;

    state = round;
    assert_true(ia_mkdirs(root.s, 0755, &e) && ia_model_new(&m, &e));
    int fd = open(root.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (unsigned i = 0; ok && i < LAYERS; i++) {
      IA_AUTOV(ia_buf) tar = {0};

      random_layer(&tar);
      ok = survey(m, ia_buf_view(&tar), &e);
      bool unpacked = apply(fd, ia_buf_view(&tar), NULL, &e);
      if (ok && !unpacked) /* what the import accepts, the guest unpacks */
        fail_msg("round %u, layer %u: the guest refuses: %s", round, i, e.msg);
    }
    if (ok)
      check_same(m, root.s, round);
    accepted += ok;
    refused += !ok;
    close(fd);
    assert_true(ia_remove_tree(root.s, &e));
  }
  assert_true(ia_remove_tree(dir, &e));
  assert_true(accepted > ROUNDS / 20 && refused > ROUNDS / 20);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(the_model_is_what_is_unpacked)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
