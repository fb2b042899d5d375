/* Unpacking of layers: the rules that hold for hostile ones. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>
#include <zlib.h>
#include <zstd.h>

#include "base/file.h"
#include "tars.h"

typedef struct box {
  char dir[64];
  int root;
} box;

static int setup(void **state)
{
  box *b = calloc(1, sizeof(*b));

  (void)snprintf(b->dir, sizeof(b->dir), "/tmp/ia-unpack-XXXXXX");
  if (!mkdtemp(b->dir))
    return -1;
  char root[80];
  (void)snprintf(root, sizeof(root), "%s/root", b->dir);
  if (mkdir(root, 0755) != 0)
    return -1;
  b->root = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  *state = b;
  return b->root >= 0 ? 0 : -1;
}

static int teardown(void **state)
{
  box *b = *state;
  ia_err e;

  close(b->root);
  bool ok = ia_remove_tree(b->dir, &e);
  free(b);
  return ok ? 0 : -1;
}

static void want_file(int root, const char *path, const char *text)
{
  char buf[256];
  int fd = openat(root, path, O_RDONLY | O_NOFOLLOW);

  assert_true(fd >= 0);
  ssize_t n = read(fd, buf, sizeof(buf) - 1);
  close(fd);
  assert_true(n >= 0);
  buf[n] = '\0';
  assert_string_equal(buf, text);
}

static bool absent(int root, const char *path)
{
  struct stat st;

  return fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW) != 0;
}

static void must_apply(int root, ia_buf *tar)
{
  ia_err e = {0};

  tar_end(tar);
  if (!apply(root, ia_buf_view(tar), NULL, &e))
    fail_msg("%s", e.msg);
  ia_buf_free(tar);
}

static void must_refuse(int root, ia_buf *tar, const char *word)
{
  ia_err e = {0};

  tar_end(tar);
  assert_false(apply(root, ia_buf_view(tar), NULL, &e));
  assert_int_equal(e.code, IA_E_IMAGE_REFUSED);
  if (!strstr(e.msg, word))
    fail_msg("\"%s\" lacks \"%s\"", e.msg, word);
  ia_buf_free(tar);
}

static void plain_tree(void **state)
{
  int root = ((box *)*state)->root;
  ia_buf t = {0};
  struct stat st;

  tar_entry(&t, '5', "./bin/", "", 0700, ia_span_str(""));
  tar_entry(&t, '0', "/bin//app", "", 06710, ia_span_str("run"));
  tar_file(&t, "etc/secret", "s");
  tar_entry(&t, '1', "bin/app2", "bin/app", 0, ia_span_str(""));
  tar_entry(&t, '2', "bin/link", "/etc/secret", 0777, ia_span_str(""));
  must_apply(root, &t);
  want_file(root, "bin/app", "run");
  want_file(root, "bin/app2", "run");
  assert_int_equal(fstatat(root, "bin/app", &st, 0), 0);
  assert_int_equal(st.st_mode & 07777, 0755); /* no setuid, readable, executable */
  assert_int_equal(st.st_nlink, 2);
  assert_int_equal(st.st_mtime, 1000);
  assert_int_equal(fstatat(root, "etc/secret", &st, 0), 0);
  assert_int_equal(st.st_mode & 07777, 0644);
  assert_int_equal(fstatat(root, "bin", &st, 0), 0);
  assert_int_equal(st.st_mode & 07777, 0755);
  assert_int_equal(fstatat(root, "bin/link", &st, AT_SYMLINK_NOFOLLOW), 0);
  assert_true(S_ISLNK(st.st_mode));
}

static void links_stay_inside(void **state)
{
  const box *b = *state;
  ia_buf t = {0};
  char outside[100];

  /* up and abs lead out of the root for a careless writer; both must land inside */
  tar_entry(&t, '2', "up", "../..", 0777, ia_span_str(""));
  tar_entry(&t, '2', "abs", b->dir, 0777, ia_span_str(""));
  tar_file(&t, "up/one", "1");
  tar_file(&t, "abs/two", "2");
  must_apply(b->root, &t);
  want_file(b->root, "one", "1");
  (void)snprintf(outside, sizeof(outside), "%s/one", b->dir);
  assert_int_not_equal(access(outside, F_OK), 0);
  (void)snprintf(outside, sizeof(outside), "%s/two", b->dir);
  assert_int_not_equal(access(outside, F_OK), 0);
}

static void links_across_layers(void **state)
{
  const box *b = *state;
  ia_buf t = {0};

  tar_entry(&t, '5', "usr/lib", "", 0755, ia_span_str(""));
  tar_entry(&t, '2', "lib", "usr/lib", 0777, ia_span_str(""));
  tar_entry(&t, '2', "victim", "/etc/passwd", 0777, ia_span_str(""));
  must_apply(b->root, &t);
  tar_file(&t, "lib/x", "x");
  tar_file(&t, "victim", "mine"); /* replaces the link, does not follow it */
  must_apply(b->root, &t);
  want_file(b->root, "usr/lib/x", "x");
  want_file(b->root, "victim", "mine");
}

static void hostile_paths(void **state)
{
  int root = ((box *)*state)->root;
  ia_buf t = {0};
  char deep[300] = "";

  tar_file(&t, "a/../../x", "");
  must_refuse(root, &t, "..");
  tar_entry(&t, '1', "x", "../../etc/passwd", 0, ia_span_str(""));
  must_refuse(root, &t, "..");
  tar_entry(&t, '1', "x", "etc/passwd", 0, ia_span_str(""));
  must_refuse(root, &t, "hardlink");
  tar_entry(&t, '5', "folder", "", 0755, ia_span_str(""));
  tar_entry(&t, '1', "x", "folder", 0, ia_span_str(""));
  must_refuse(root, &t, "hardlink");
  for (int i = 0; i < 65; i++)
    memcpy(deep + 2 * i, "a/", 3);
  IA_AUTOV(ia_buf) pax = {0};
  ia_buf_printf(&pax, "%zu path=%sf\n", strlen(deep) + 11, deep);
  tar_entry(&t, 'x', "pax", "", 0, ia_buf_view(&pax));
  tar_file(&t, "f", "");
  must_refuse(root, &t, "deeper");
}

/* A hardlink to a symbolic link is the same link again, and follows nothing. */
static void hardlink_to_a_link(void **state)
{
  int root = ((box *)*state)->root;
  char text[64] = "";
  ia_buf t = {0};

  tar_entry(&t, '2', "l", "/etc/passwd", 0777, ia_span_str(""));
  tar_entry(&t, '1', "same", "l", 0, ia_span_str(""));
  must_apply(root, &t);
  tar_entry(&t, '1', "above", "l", 0, ia_span_str(""));
  tar_file(&t, ".wh.l", "");
  must_apply(root, &t);
  assert_true(absent(root, "l"));
  assert_int_equal(readlinkat(root, "same", text, sizeof(text)), 11);
  assert_int_equal(readlinkat(root, "above", text, sizeof(text)), 11);
  assert_string_equal(text, "/etc/passwd");
}

static void devices(void **state)
{
  int root = ((box *)*state)->root;
  ia_buf t = {0};

  tar_entry(&t, '6', "fifo", "", 0600, ia_span_str(""));
  tar_entry(&t, '4', "disk", "", 0600, ia_span_str(""));
  tar_file(&t, "after", "a");
  must_apply(root, &t);
  assert_true(absent(root, "fifo") && absent(root, "disk"));
  want_file(root, "after", "a");
  tar_entry(&t, '3', "null", "", 0600, ia_span_str(""));
  must_refuse(root, &t, "0/0");
}

static void whiteouts(void **state)
{
  int root = ((box *)*state)->root;
  ia_buf t = {0};

  tar_file(&t, "d/old", "1");
  tar_file(&t, "d/sub/old", "1");
  tar_file(&t, "gone/deep/x", "1");
  tar_file(&t, "file", "1");
  must_apply(root, &t);
  tar_file(&t, "d/new", "2");
  tar_file(&t, "d/sub/new", "2");
  tar_file(&t, "d/.wh..wh..opq", "");
  tar_file(&t, ".wh.gone", "");
  tar_file(&t, ".wh.file", "");
  tar_file(&t, ".wh..wh.plnk", "");
  must_apply(root, &t);
  assert_true(absent(root, "d/old") && absent(root, "d/sub/old") && absent(root, "gone"));
  assert_true(absent(root, "file") && absent(root, ".wh..wh.plnk"));
  want_file(root, "d/new", "2");
  want_file(root, "d/sub/new", "2");
}

static void lower_hardlink_is_copied(void **state)
{
  int root = ((box *)*state)->root;
  ia_buf t = {0};

  tar_file(&t, "a", "text");
  must_apply(root, &t);
  tar_entry(&t, '1', "b", "a", 0, ia_span_str(""));
  tar_file(&t, ".wh.a", "");
  must_apply(root, &t);
  assert_true(absent(root, "a"));
  want_file(root, "b", "text");
}

static void duplicates_last_wins(void **state)
{
  int root = ((box *)*state)->root;
  ia_buf t = {0};

  tar_file(&t, "f", "first");
  tar_entry(&t, '5', "f", "", 0755, ia_span_str(""));
  tar_file(&t, "f/in", "x");
  tar_file(&t, "f", "last");
  must_apply(root, &t);
  want_file(root, "f", "last");
}

static void gzip_of(ia_buf *out, ia_span in)
{
  z_stream z = {0};

  assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 31, 9, Z_DEFAULT_STRATEGY), Z_OK);
  size_t bound = deflateBound(&z, in.len);
  uint8_t *p = ia_buf_reserve(out, bound);
  z.next_in = (Bytef *)(uintptr_t)in.ptr;
  z.avail_in = (uInt)in.len;
  z.next_out = p;
  z.avail_out = (uInt)bound;
  assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
  out->len += bound - z.avail_out;
  (void)deflateEnd(&z);
}

static void zstd_of(ia_buf *out, ia_span in)
{
  uint8_t *p = ia_buf_reserve(out, ZSTD_compressBound(in.len));

  out->len += ZSTD_compress(p, ZSTD_compressBound(in.len), in.ptr, in.len, 3);
}

static void members_and_frames(void **state)
{
  static void (*const packers[])(ia_buf *, ia_span) = {gzip_of, zstd_of};
  int root = ((box *)*state)->root;

  for (size_t i = 0; i < IA_COUNT(packers); i++) {
    IA_AUTOV(ia_buf) t = {0}, packed = {0};
    ia_err e = {0};

    tar_file(&t, "f", i ? "zstd" : "gzip");
    tar_end(&t);
    packers[i](&packed, ia_span_of(t.ptr, 700));
    packers[i](&packed, ia_span_of(t.ptr + 700, t.len - 700));
    if (!apply(root, ia_buf_view(&packed), NULL, &e))
      fail_msg("%s", e.msg);
    want_file(root, "f", i ? "zstd" : "gzip");
    /* a cut stream and rubbish behind it are no layer */
    assert_false(apply(root, ia_span_of(packed.ptr, packed.len - 9), NULL, &e));
    assert_int_equal(e.code, IA_E_IMAGE_REFUSED);
    ia_buf_str(&packed, "rubbish");
    assert_false(apply(root, ia_buf_view(&packed), NULL, &e));
    assert_int_equal(e.code, IA_E_IMAGE_REFUSED);
  }
}

static void bomb(void **state)
{
  int root = ((box *)*state)->root;
  IA_AUTOV(ia_buf) t = {.cap = 256 << 20}, packed = {.cap = 256 << 20};
  ia_err e = {0};

  uint8_t *zeros = calloc(1, 96 << 20);
  assert_non_null(zeros);
  tar_entry(&t, '0', "zeros", "", 0644, ia_span_of(zeros, 96 << 20));
  free(zeros);
  tar_end(&t);
  zstd_of(&packed, ia_buf_view(&t));
  assert_false(apply(root, ia_buf_view(&packed), NULL, &e));
  assert_int_equal(e.code, IA_E_IMAGE_REFUSED);
  assert_non_null(strstr(e.msg, "times its size"));
}

static void limits_hold(void **state)
{
  int root = ((box *)*state)->root;
  IA_AUTOV(ia_buf) t = {0};
  ia_err e = {0};

  tar_file(&t, "a", "12345");
  tar_file(&t, "b", "12345");
  tar_end(&t);
  for (int i = 0; i < 4; i++) {
    ia_oci_limits l = ia_oci_limits_default();

    *(uint64_t *[]){&l.entries, &l.file, &l.unpacked, &l.packed}[i] = (uint64_t[]){1, 4, 9, 99}[i];
    assert_false(apply(root, ia_buf_view(&t), &l, &e));
    assert_int_equal(e.code, IA_E_IMAGE_REFUSED);
  }
}

static void digests_are_checked(void **state)
{
  int root = ((box *)*state)->root;
  IA_AUTOV(ia_buf) t = {0};
  ia_oci_limits l = ia_oci_limits_default();
  ia_h256 right, wrong = {{1}};
  ia_err e = {0};

  tar_file(&t, "a", "1");
  tar_end(&t);
  ia_sha256(&right, ia_buf_view(&t));
  for (int i = 0; i < 4; i++) {
    ia_oci_desc d = {IA_OCI_LAYER, i == 1 ? wrong : right, t.len + (i == 2)};
    span_source s = {ia_buf_view(&t)};
    ia_oci_usage u = {0};

    assert_int_equal(
        ia_oci_layer_apply(root, &d, i == 3 ? &wrong : &right, span_read, &s, &l, &u, NULL, &e),
        i == 0);
  }
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(plain_tree),
      T(links_stay_inside),
      T(links_across_layers),
      T(hostile_paths),
      T(hardlink_to_a_link),
      T(devices),
      T(whiteouts),
      T(lower_hardlink_is_copied),
      T(bomb),
      T(duplicates_last_wins),
      T(members_and_frames),
      T(limits_hold),
      T(digests_are_checked),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
