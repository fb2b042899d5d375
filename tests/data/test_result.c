/* Results: manifest and PoCo digest, computed.json, archives, sealing; trees that attack. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hex.h"
#include "crypto/keccak.h"
#include "crypto/sha.h"
#include "data/result.h"
#include "data/zip.h"

typedef struct dir {
  char path[64];
  int fd;
} dir;

static int setup(void **state)
{
  dir *d = calloc(1, sizeof(*d));

  if (!d)
    return -1;
  (void)snprintf(d->path, sizeof(d->path), "/tmp/ia-result-XXXXXX");
  if (!mkdtemp(d->path))
    return -1;
  d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  *state = d;
  return d->fd < 0 ? -1 : 0;
}

static int teardown(void **state)
{
  dir *d = *state;

  close(d->fd);
  bool ok = ia_remove_tree(d->path, NULL);
  free(d);
  return ok ? 0 : -1;
}

static void put(const dir *d, const char *name, const char *text)
{
  ia_autoclose int fd = openat(d->fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

  assert_true(fd >= 0);
  assert_true(ia_fd_write_all(fd, ia_span_str(text), NULL));
}

static void assert_hash(const ia_h256 *h, const char *want)
{
  assert_string_equal(ia_h256_text(h).s + 2, want);
}

/* docs/release.md 11 */
static void manifest_vector(void **state)
{
  const dir *d = *state;
  IA_AUTO(ia_tree) *t = NULL;
  ia_h256 h, sim;

  put(d, "computed.json", "{}");
  put(d, "result.txt", "");
  assert_int_equal(mkdirat(d->fd, "sub", 0700), 0);
  put(d, "sub/a.txt", "hello");
  assert_true(ia_tree_open(&t, d->fd, NULL, NULL));
  assert_int_equal(t->n, 3);
  assert_string_equal(t->file[2].path, "sub/a.txt");
  assert_true(ia_manifest_hash(&h, t, false, NULL));
  assert_hash(&h, "fc907783b21a500267f3f1529a2856b6c56e98133905145ecb5b32c13ed1a032");
  assert_true(ia_manifest_hash(&sim, t, true, NULL));
  assert_false(ia_h256_eq(&h, &sim));
}

static void poco_digest(void **state)
{
  const dir *d = *state;
  IA_AUTOV(ia_computed) c = {0};
  ia_h256 h, want, parts[2];
  ia_err e = {0};

  put(d, "b.txt", "two");
  put(d, "computed.json", "{\"deterministic-output-path\":\"/iexec_out\"}");
  put(d, "empty", "");
  assert_int_equal(mkdirat(d->fd, "nested", 0700), 0);
  put(d, "nested/x", "not covered by PoCo");
  assert_true(ia_computed_read(&c, d->fd, "/iexec_out", &e));
  assert_string_equal(c.path, "");
  assert_true(ia_result_digest(&h, d->fd, &c, &e));
  ia_sha256(&parts[0], ia_span_str("two"));
  ia_sha256(&parts[1], ia_span_str("{\"deterministic-output-path\":\"/iexec_out\"}"));
  ia_keccak256(&want, ia_span_of(parts, sizeof(parts)));
  assert_true(ia_h256_eq(&h, &want));
}

static void computed_file_and_callback(void **state)
{
  const dir *d = *state;
  IA_AUTOV(ia_computed) file = {0}, call = {0};
  ia_h256 h, want;
  ia_err e = {0};

  put(d, "r.txt", "text");
  assert_true(ia_computed_parse(&file,
                                ia_span_str("{\"deterministic-output-path\":\"/iexec_out/r.txt\"}"),
                                "/iexec_out", &e));
  assert_true(ia_result_digest(&h, d->fd, &file, &e));
  ia_sha256(&want, ia_span_str("text"));
  assert_true(ia_h256_eq(&h, &want));
  assert_true(
      ia_computed_parse(&call, ia_span_str("{\"callback-data\":\"0x0102\"}"), "/iexec_out", &e));
  assert_true(ia_result_digest(&h, d->fd, &call, &e));
  ia_keccak256(&want, ia_span_of("\x01\x02", 2));
  assert_true(ia_h256_eq(&h, &want));
}

static void computed_refusals(void **state)
{
  const dir *d = *state;
  static const char *const bad[] = {
      "",
      "[]",
      "{}",
      "{\"deterministic-output-path\":\"/etc/passwd\"}",
      "{\"deterministic-output-path\":\"/iexec_outside\"}",
      "{\"deterministic-output-path\":\"/iexec_out/../etc\"}",
      "{\"deterministic-output-path\":\"result\"}",
      "{\"deterministic-output-path\":7}",
      "{\"callback-data\":\"0x0\"}",
      "{\"callback-data\":7}",
  };
  IA_AUTOV(ia_computed) link = {0};
  ia_err e = {0};
  ia_h256 h;

  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    IA_AUTOV(ia_computed) c = {0};

    assert_false(ia_computed_parse(&c, ia_span_str(bad[i]), "/iexec_out", &e));
    assert_int_equal(e.code, IA_E_BAD_OUTPUT);
  }
  assert_int_equal(symlinkat("/etc/passwd", d->fd, "way-out"), 0);
  assert_true(ia_computed_parse(
      &link, ia_span_str("{\"deterministic-output-path\":\"/iexec_out/way-out\"}"), "/iexec_out",
      &e));
  assert_false(ia_result_digest(&h, d->fd, &link, &e));
  assert_int_equal(e.code, IA_E_BAD_OUTPUT);
}

static void computed_must_be_a_small_regular_file(void **state)
{
  const dir *d = *state;
  IA_AUTOV(ia_computed) c = {0};
  ia_err e = {0};

  assert_false(ia_computed_read(&c, d->fd, "/iexec_out", &e));
  assert_int_equal(symlinkat("/etc/passwd", d->fd, "computed.json"), 0);
  assert_false(ia_computed_read(&c, d->fd, "/iexec_out", &e));
  assert_int_equal(unlinkat(d->fd, "computed.json", 0), 0);
  put(d, "computed.json", "{");
  ia_autoclose int fd = openat(d->fd, "computed.json", O_WRONLY | O_CLOEXEC);
  assert_int_equal(ftruncate(fd, (off_t)1 << 40), 0);
  assert_false(ia_computed_read(&c, d->fd, "/iexec_out", &e));
  assert_int_equal(e.code, IA_E_BAD_OUTPUT);
}

static void trees_that_attack(void **state)
{
  const dir *d = *state;
  IA_AUTO(ia_tree) *t = NULL;
  IA_AUTO(ia_tree) *none = NULL;
  const ia_tree_limits tiny = {.bytes = 3};
  ia_err e = {0};

  put(d, "ok", "four");
  assert_int_equal(symlinkat("/etc/shadow", d->fd, "link"), 0);
  assert_int_equal(symlinkat("/", d->fd, "rootlink"), 0);
  assert_int_equal(mkfifoat(d->fd, "pipe", 0600), 0);
  assert_true(ia_tree_open(&t, d->fd, NULL, &e));
  assert_int_equal(t->n, 1);
  assert_int_equal(t->n_skipped, 3);
  assert_false(ia_tree_open(&none, d->fd, &tiny, &e));
  assert_int_equal(e.code, IA_E_BAD_OUTPUT);
  /* swapped for a link after the walk */
  ia_autoclose int fd = -1;
  ia_blob blob;
  assert_int_equal(unlinkat(d->fd, "ok", 0), 0);
  assert_int_equal(symlinkat("/etc/passwd", d->fd, "ok"), 0);
  assert_false(ia_tree_file_open(&fd, &blob, t, 0, &e));
}

static void deep_trees_end(void **state)
{
  const dir *d = *state;
  IA_AUTO(ia_tree) *t = NULL;
  ia_err e = {0};
  int at = dup(d->fd);

  for (int i = 0; i < IA_TREE_DEPTH_MAX + 1; i++) {
    assert_int_equal(mkdirat(at, "d", 0700), 0);
    int next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(at);
    at = next;
  }
  close(at);
  assert_false(ia_tree_open(&t, d->fd, NULL, &e));
  assert_int_equal(e.code, IA_E_BAD_OUTPUT);
}

static void odd_names_stay_apart(void **state)
{
  const dir *d = *state;
  IA_AUTO(ia_tree) *t = NULL;
  IA_AUTO(ia_zip) *z = NULL;
  IA_AUTOV(ia_buf) zip = {0};
  ia_err e = {0};

  put(d, "a\xff", "1");
  put(d, "a%FF", "2");
  put(d, "esc\x1b\n", "3");
  put(d, "h\xc3\xa9", "4");
  assert_true(ia_tree_open(&t, d->fd, NULL, &e));
  assert_true(ia_result_zip(t, ia_sink_buf(&zip), &e));
  assert_true(ia_zip_open(&z, ia_blob_mem(ia_buf_view(&zip)), 0, &e));
  assert_int_equal(ia_zip_count(z), 4);
  assert_non_null(ia_zip_find(z, "a%FF"));
  assert_non_null(ia_zip_find(z, "a%25FF"));
  assert_non_null(ia_zip_find(z, "esc%1B%0A"));
  assert_non_null(ia_zip_find(z, "h\xc3\xa9"));
}

static void sealed_results_open_with_their_key_only(void **state)
{
  const dir *d = *state;
  IA_AUTO(ia_rsa) *key = NULL;
  IA_AUTO(ia_rsa) *other = NULL;
  IA_AUTO(ia_tree) *t = NULL;
  IA_AUTOV(ia_buf) zip = {0}, sealed = {0}, plain = {0}, none = {0};
  ia_err e = {0};

  put(d, "computed.json", "{\"deterministic-output-path\":\"/iexec_out\"}");
  assert_true(ia_rsa_generate(&key, 2048, &e) && ia_rsa_generate(&other, 2048, &e));
  assert_true(ia_tree_open(&t, d->fd, NULL, &e));
  assert_true(ia_result_zip(t, ia_sink_buf(&zip), &e));
  ia_blob z = ia_blob_mem(ia_buf_view(&zip));
  assert_true(ia_result_encrypt_blob(key, &z, ia_sink_buf(&sealed), &e));
  ia_blob s = ia_blob_mem(ia_buf_view(&sealed));
  assert_true(ia_result_is_encrypted(&s));
  assert_false(ia_result_is_encrypted(&z));
  assert_true(ia_result_decrypt(ia_sink_buf(&plain), &s, key, &e));
  assert_true(ia_span_eq(ia_buf_view(&plain), ia_buf_view(&zip)));
  assert_false(ia_result_decrypt(ia_sink_buf(&none), &s, other, &e));
  assert_int_equal(e.code, IA_E_RESULT_UNREADABLE);
  assert_false(ia_result_decrypt(ia_sink_buf(&none), &z, key, &e));
  assert_int_equal(e.code, IA_E_RESULT_UNREADABLE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  static const struct CMUnitTest tests[] = {
      TEST(manifest_vector),
      TEST(poco_digest),
      TEST(computed_file_and_callback),
      TEST(computed_refusals),
      TEST(computed_must_be_a_small_regular_file),
      TEST(trees_that_attack),
      TEST(deep_trees_end),
      TEST(odd_names_stay_apart),
      TEST(sealed_results_open_with_their_key_only),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
