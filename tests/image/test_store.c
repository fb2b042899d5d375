/* The image store: imports of both archive forms, exports, what is refused and what then stays. */
#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "image/private.h"
#include "image/tarwrite.h"
#include "tars.h"

typedef struct box {
  char dir[64];
  ia_images *s;
} box;

static int setup(void **state)
{
  box *b = calloc(1, sizeof(*b));
  ia_path p;
  ia_err e;

  (void)snprintf(b->dir, sizeof(b->dir), "/tmp/ia-store-XXXXXX");
  *state = b;
  return mkdtemp(b->dir) && ia_path_join(&p, &e, "%s/images", b->dir) &&
                 ia_images_open(&b->s, p.s, &e)
             ? 0
             : -1;
}

static int teardown(void **state)
{
  box *b = *state;
  ia_err e;

  ia_images_close(b->s);
  bool ok = ia_remove_tree(b->dir, &e);
  free(b);
  return ok ? 0 : -1;
}

static unsigned count(const char *dir, const char *sub)
{
  ia_path p;
  ia_err e;
  unsigned n = 0;

  assert_true(ia_path_join(&p, &e, "%s/%s", dir, sub));
  DIR *d = opendir(p.s);
  assert_non_null(d);
  for (struct dirent *en; (en = readdir(d));)
    n += en->d_name[0] != '.';
  closedir(d);
  return n;
}

typedef struct image {
  ia_buf layer, config, manifest;
  ia_h256 layer_id, config_id, id;
} image;

static void image_free(image *m)
{
  ia_buf_free(&m->layer);
  ia_buf_free(&m->config);
  ia_buf_free(&m->manifest);
}
IA_DEFINE_AUTO_VALUE(image, image_free)

static void config_of(ia_buf *out, const ia_h256 *diff_id)
{
  ia_buf_printf(out,
                "{\"architecture\":\"amd64\",\"os\":\"linux\",\"config\":{\"Cmd\":[\"/f\"]},"
                "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"%s\"]}}",
                ia_oci_digest_format(diff_id).s);
}

static void image_make(image *m)
{
  tar_program(&m->layer, "f");
  tar_end(&m->layer);
  ia_sha256(&m->layer_id, ia_buf_view(&m->layer));
  config_of(&m->config, &m->layer_id);
  ia_sha256(&m->config_id, ia_buf_view(&m->config));
  ia_buf_printf(
      &m->manifest,
      "{\"schemaVersion\":2,\"config\":{\"mediaType\":\"application/vnd.oci.image.config.v1+json\","
      "\"digest\":\"%s\",\"size\":%zu},\"layers\":[{\"mediaType\":"
      "\"application/vnd.oci.image.layer.v1.tar\",\"digest\":\"%s\",\"size\":%zu}]}",
      ia_oci_digest_format(&m->config_id).s, m->config.len, ia_oci_digest_format(&m->layer_id).s,
      m->layer.len);
  ia_sha256(&m->id, ia_buf_view(&m->manifest));
}

static void blob_entry(ia_buf *tar, const ia_h256 *digest, const ia_buf *bytes)
{
  char name[100];

  (void)snprintf(name, sizeof(name), "./blobs/sha256/%s", ia_oci_digest_format(digest).s + 7);
  tar_entry(tar, '0', name, "", 0644, ia_buf_view(bytes));
}

static void layout_of(ia_buf *tar, const image *m)
{
  IA_AUTOV(ia_buf) index = {0};

  ia_buf_printf(&index,
                "{\"schemaVersion\":2,\"manifests\":[{\"mediaType\":"
                "\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"%s\",\"size\":%zu}]}",
                ia_oci_digest_format(&m->id).s, m->manifest.len);
  tar_file(tar, "oci-layout", "{\"imageLayoutVersion\":\"1.0.0\"}");
  tar_entry(tar, '0', "index.json", "", 0644, ia_buf_view(&index));
  blob_entry(tar, &m->id, &m->manifest);
  blob_entry(tar, &m->config_id, &m->config);
  blob_entry(tar, &m->layer_id, &m->layer);
  tar_end(tar);
}

static bool import_bytes(const box *b, ia_span bytes, const ia_h256 *want, ia_h256 *id, ia_err *e)
{
  ia_import what = {.want = want, .limits = ia_oci_limits_default()};
  ia_path p;

  if (!ia_path_join(&p, e, "%s/archive", b->dir) || !ia_file_write(p.s, bytes, 0600, e))
    return false;
  what.path = p.s;
  bool ok = ia_images_import(b->s, id, &what, e);
  (void)unlink(p.s);
  assert_int_equal(count(ia_images_dir(b->s), "tmp"), 0);
  return ok;
}

static void layout_round_trip(void **state)
{
  const box *b = *state;
  IA_AUTOV(image) m = {0};
  IA_AUTOV(ia_buf) tar = {0}, out1 = {0}, out2 = {0};
  IA_AUTO(ia_oci_config) *c = NULL;
  ia_h256 id;
  ia_path p;
  ia_err e = {0};

  image_make(&m);
  layout_of(&tar, &m);
  if (!import_bytes(b, ia_buf_view(&tar), NULL, &id, &e))
    fail_msg("%s", e.msg);
  assert_true(ia_h256_eq(&id, &m.id)); /* the identity is the digest of the bytes received */
  assert_true(ia_images_get(b->s, &c, &id, &e));
  assert_string_equal(c->cmd.v[0], "/f");
  assert_true(ia_path_join(&p, &e, "%s/out", b->dir));
  for (int i = 0; i < 2; i++) {
    int fd = open(p.s, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_true(ia_images_export(b->s, &id, "name", fd, &e));
    close(fd);
    assert_true(ia_file_read(i ? &out2 : &out1, p.s, 1 << 20, &e));
  }
  assert_true(ia_span_eq(ia_buf_view(&out1), ia_buf_view(&out2)));
  assert_true(import_bytes(b, ia_buf_view(&out1), &m.id, &id, &e));
}

static void layout_folder(void **state)
{
  const box *b = *state;
  IA_AUTOV(image) m = {0};
  IA_AUTOV(ia_buf) tar = {0};
  ia_import what = {.limits = ia_oci_limits_default()};
  ia_path p, cmd;
  ia_h256 id;
  ia_err e = {0};

  image_make(&m);
  layout_of(&tar, &m);
  assert_true(ia_path_join(&p, &e, "%s/t.tar", b->dir));
  assert_true(ia_file_write(p.s, ia_buf_view(&tar), 0600, &e));
  assert_true(ia_path_join(&cmd, &e, "mkdir %s/l && tar -C %s/l -xf %s", b->dir, b->dir, p.s));
  assert_int_equal(system(cmd.s), 0);
  assert_true(ia_path_join(&p, &e, "%s/l", b->dir));
  what.path = p.s;
  assert_true(ia_images_import(b->s, &id, &what, &e));
  assert_true(ia_h256_eq(&id, &m.id));
  /* a link in the layout is not followed */
  assert_true(ia_path_join(&cmd, &e, "cd %s/l && mv index.json i && ln -s i index.json", b->dir));
  assert_int_equal(system(cmd.s), 0);
  assert_false(ia_images_import(b->s, &id, &what, &e));
}

static void docker_archive(void **state)
{
  const box *b = *state;
  IA_AUTOV(image) m = {0};
  IA_AUTOV(ia_buf) tar = {0};
  ia_h256 id, again;
  ia_err e = {0};

  image_make(&m);
  tar_entry(&tar, '0', "one/layer.tar", "", 0644, ia_buf_view(&m.layer));
  tar_entry(&tar, '2', "two/layer.tar", "../one/layer.tar", 0644, ia_span_str(""));
  tar_entry(&tar, '0', "c.json", "", 0644, ia_buf_view(&m.config));
  tar_file(&tar, "manifest.json",
           "[{\"Config\":\"c.json\",\"RepoTags\":[\"a:b\"],\"Layers\":[\"two/layer.tar\"]}]");
  tar_end(&tar);
  if (!import_bytes(b, ia_buf_view(&tar), NULL, &id, &e))
    fail_msg("%s", e.msg);
  assert_true(import_bytes(b, ia_buf_view(&tar), &id, &again, &e));
  assert_true(ia_images_get(b->s, NULL, &id, &e));
  assert_false(import_bytes(b, ia_buf_view(&tar), &m.id, &again, &e));
  assert_int_equal(e.code, IA_E_IMAGE_REFUSED);
}

static void refused_leaves_no_image(void **state)
{
  const box *b = *state;

  for (int i = 0; i < 5; i++) {
    IA_AUTOV(image) m = {0};
    IA_AUTOV(ia_buf) tar = {0};
    ia_h256 id, wrong = {{7}};
    ia_err e = {0};

    image_make(&m);
    ia_buf *victims[] = {&m.layer, &m.config, &m.manifest};
    if (i < 3)
      victims[i]->ptr[victims[i]->len / 2] ^= 1;
    layout_of(&tar, &m);
    ia_span bytes = ia_buf_view(&tar);
    if (i == 3)
      bytes.len -= 3000; /* cut: the layer is missing */
    assert_false(import_bytes(b, bytes, i == 4 ? &wrong : NULL, &id, &e));
    assert_true(e.code == IA_E_IMAGE_REFUSED || e.code == IA_E_NOT_FOUND);
    assert_false(ia_images_get(b->s, NULL, &m.id, &e));
  }
}

static void diff_id_lies(void **state)
{
  const box *b = *state;
  IA_AUTOV(image) m = {0};
  IA_AUTOV(ia_buf) tar = {0};
  ia_h256 id, wrong = {{9}};
  ia_err e = {0};

  image_make(&m);
  ia_buf_clear(&m.config);
  config_of(&m.config, &wrong);
  tar_entry(&tar, '0', "l.tar", "", 0644, ia_buf_view(&m.layer));
  tar_entry(&tar, '0', "c.json", "", 0644, ia_buf_view(&m.config));
  tar_file(&tar, "manifest.json", "[{\"Config\":\"c.json\",\"Layers\":[\"l.tar\"]}]");
  tar_end(&tar);
  assert_false(import_bytes(b, ia_buf_view(&tar), NULL, &id, &e));
  assert_non_null(strstr(e.msg, "diff_id"));
}

static void archive_names(void **state)
{
  static const char *const rows[][2] = {
      {"../x", NULL}, {"a/../../x", NULL}, {"l", "../../etc/passwd"}};
  const box *b = *state;

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_buf) tar = {0};
    ia_h256 id;
    ia_err e = {0};

    tar_entry(&tar, rows[i][1] ? '2' : '0', rows[i][0], rows[i][1] ? rows[i][1] : "", 0,
              ia_span_str(""));
    tar_end(&tar);
    assert_false(import_bytes(b, ia_buf_view(&tar), NULL, &id, &e));
    assert_int_equal(e.code, IA_E_IMAGE_REFUSED);
    assert_non_null(strstr(e.msg, "leads out"));
  }
}

static void names_and_garbage(void **state)
{
  const box *b = *state;
  IA_AUTOV(image) m = {0};
  IA_AUTOV(ia_buf) tar = {0};
  ia_h256 id, other;
  ia_err e = {0};

  image_make(&m);
  layout_of(&tar, &m);
  assert_true(import_bytes(b, ia_buf_view(&tar), NULL, &id, &e));
  assert_true(ia_images_put(b->s, &other, ia_span_str("unused"), &e));
  assert_true(ia_images_tag(b->s, "mine", &id, &e));
  assert_false(ia_images_tag(b->s, "../up", &id, &e));
  assert_true(ia_images_find(b->s, "mine", &other, &e) && ia_h256_eq(&id, &other));
  assert_int_equal(count(ia_images_dir(b->s), "blobs/sha256"), 4);
  assert_true(ia_images_gc(b->s, NULL, 0, &e));
  assert_int_equal(count(ia_images_dir(b->s), "blobs/sha256"), 3);
  assert_true(ia_images_get(b->s, NULL, &id, &e));
}

static bool into_buf(void *arg, const void *buf, size_t n, ia_err *e)
{
  ia_buf_put(arg, buf, n);
  return ia_buf_ok(arg, e);
}

/* A daemon's umask hides nothing from the guests, which read under other uids. */
/* A deploy that is killed while it writes its image leaves nothing. */
static void a_blob_has_no_name_until_it_is_whole(void **state)
{
  box *b = *state;
  ia_images_writer *w;
  ia_h256 digest;
  uint64_t size;
  ia_err e;

  assert_true(ia_images_begin(&w, b->s, &e) && ia_images_write(w, "half", 4, &e));
  assert_int_equal(count(b->dir, "images/tmp"), 0);
  assert_int_equal(count(b->dir, "images/blobs/sha256"), 0);
  assert_true(ia_images_commit(&w, &digest, &size, &e));
  assert_int_equal(size, 4);
  assert_true(ia_images_has_blob(b->s, &digest));
  assert_true(ia_images_begin(&w, b->s, &e) && ia_images_write(w, "half", 4, &e));
  assert_true(ia_images_commit(&w, &digest, &size, &e));
  assert_int_equal(count(b->dir, "images/tmp"), 0);
  assert_int_equal(count(b->dir, "images/blobs/sha256"), 1);
}

static void readable_whatever_the_umask(void **state)
{
  static const char *const names[] = {"", "/blobs", "/blobs/sha256"};
  const box *b = *state;
  IA_AUTO(ia_images) *s = NULL;
  ia_path dir, p;
  struct stat st;
  ia_h256 id;
  ia_err e = {0};

  mode_t old = umask(077);
  assert_true(ia_path_join(&dir, &e, "%s/private", b->dir));
  assert_true(ia_images_open(&s, dir.s, &e) && ia_images_put(s, &id, ia_span_str("x"), &e));
  (void)umask(old);
  for (size_t i = 0; i < IA_COUNT(names); i++) {
    assert_true(ia_path_join(&p, &e, "%s%s", dir.s, names[i]) && stat(p.s, &st) == 0);
    assert_int_equal(st.st_mode & 0777, 0755);
  }
  assert_true(ia_path_join(&p, &e, "%s/blobs/sha256/%s", dir.s, ia_oci_digest_format(&id).s + 7));
  assert_true(stat(p.s, &st) == 0);
  assert_int_equal(st.st_mode & 0777, 0444);
}

static void long_names_are_written(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) tar = {0};
  IA_AUTO(ia_tar) *t = NULL;
  static ia_tar_entry in, out;
  ia_err e = {0};
  bool end;

  memset(in.path, 'p', 300);
  memset(in.link, 'l', 250);
  in.type = IA_TAR_SYMLINK;
  in.mode = 0777;
  ia_tar_writer w = {.write = into_buf, .arg = &tar};
  assert_true(ia_tar_write_entry(&w, &in, &e) && ia_tar_write_end(&w, &e));
  span_source s = {ia_buf_view(&tar)};
  assert_true(ia_tar_open(&t, span_read, &s, &e) && ia_tar_next(t, &out, &end, &e));
  assert_string_equal(out.path, in.path);
  assert_string_equal(out.link, in.link);
  assert_true(ia_tar_next(t, &out, &end, &e) && end);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {
      T(layout_round_trip),
      T(layout_folder),
      T(docker_archive),
      T(refused_leaves_no_image),
      T(diff_id_lies),
      T(archive_names),
      T(names_and_garbage),
      T(long_names_are_written),
      T(readable_whatever_the_umask),
      T(a_blob_has_no_name_until_it_is_whole),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
