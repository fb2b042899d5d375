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
  assert_true(ia_manifest_hash(&h, t, NULL, false, NULL));
  assert_hash(&h, "fc907783b21a500267f3f1529a2856b6c56e98133905145ecb5b32c13ed1a032");
  assert_true(ia_manifest_hash(&sim, t, NULL, true, NULL));
  assert_false(ia_h256_eq(&h, &sim));
}

/* 00 01 .. 1f */
static ia_secret some_blind(void)
{
  uint8_t bytes[IA_BLIND_BYTES];
  ia_secret blind;

  for (size_t i = 0; i < sizeof(bytes); i++)
    bytes[i] = (uint8_t)i;
  assert_true(ia_secret_copy(&blind, IA_SPAN_ARR(bytes), NULL));
  return blind;
}

/* docs/release.md 11; both made by hand with Python's hashlib. */
static void blinded_vectors(void **state)
{
  const dir *d = *state;
  IA_AUTO(ia_tree) *t = NULL;
  IA_AUTOV(ia_secret) blind = some_blind();
  ia_h256 h, poco;

  put(d, "computed.json", "{}");
  put(d, "result.txt", "");
  assert_int_equal(mkdirat(d->fd, "sub", 0700), 0);
  put(d, "sub/a.txt", "hello");
  assert_true(ia_tree_open(&t, d->fd, NULL, NULL));
  assert_true(ia_manifest_hash(&h, t, &blind, false, NULL));
  assert_hash(&h, "5193b52a776fe0d1ab55c761b022d626668d1f3a3febade90e0335e20d7836ec");
  assert_true(ia_manifest_hash(&h, t, &blind, true, NULL));
  assert_hash(&h, "2c3643740acf9425004a1c96aa6fc12575d3836405b25ee69482e19e8746a486");
  ia_sha256(&poco, ia_span_str("text"));
  assert_true(ia_blinded_digest(&h, &poco, &blind, false, NULL));
  assert_hash(&h, "13326eb29441531f6ef39be4eb4bac78ddd01e6ed56e839463c1035ec8e0faf0");
  assert_true(ia_blinded_digest(&h, &poco, &blind, true, NULL));
  assert_hash(&h, "ae8cb7670a3f9eca6a3d48b6420c9b5bb0efe124bf1c2636e228a398207ecdec");
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

/* 4 KiB to 1 MiB by powers of two, whole MiB beyond. */
static void sizes_are_rounded(void **state)
{
  static const uint64_t rows[][2] = {
      {0, 4096},
      {1, 4096},
      {4096, 4096},
      {4097, 8192},
      {8192, 8192},
      {70000, 131072},
      {1048575, 1048576},
      {1048576, 1048576},
      {1048577, 2 << 20},
      {2 << 20, 2 << 20},
      {(2 << 20) + 1, 3 << 20},
      {(uint64_t)50 << 20, (uint64_t)50 << 20},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++)
    assert_int_equal(ia_sealed_size(rows[i][0]), rows[i][1]);
}

static size_t sealed_length(const ia_rsa *key, size_t n)
{
  IA_AUTOV(ia_buf) text = {0}, sealed = {0};

  for (size_t i = 0; i < n; i++)
    ia_buf_u8(&text, 'x');
  assert_true(ia_result_seal_json(key, ia_buf_view(&text), ia_sink_buf(&sealed), NULL));
  return sealed.len;
}

/* Every sealed object has one of the sizes, at every edge and for every length of a key; what is in
 * it is what was put there, and blanks. */
static void sealed_objects_have_rounded_sizes(void **state)
{
  static const unsigned bits[] = {2048, 3072};

  (void)state;
  for (size_t k = 0; k < IA_COUNT(bits); k++) {
    IA_AUTO(ia_rsa) *key = NULL;

    assert_true(ia_rsa_generate(&key, bits[k], NULL));
    for (size_t n = 3000; n < 3600; n += 7)
      assert_true(sealed_length(key, n) == 4096 || sealed_length(key, n) == 8192);
    assert_int_equal(sealed_length(key, 0), 4096);
    assert_int_equal(sealed_length(key, 1040000), 1 << 20);
    assert_int_equal(sealed_length(key, 1048576), 2 << 20);
  }
}

static void same_size_whatever_is_in_it(void **state)
{
  const dir *d = *state;
  static const char *const texts[] = {"a", "positive",
                                      "a longer diagnosis, by sixty more bytes .. "};
  IA_AUTO(ia_rsa) *key = NULL;
  IA_AUTOV(ia_secret) blind = some_blind();

  assert_true(ia_rsa_generate(&key, 2048, NULL));
  put(d, "computed.json", "{\"deterministic-output-path\":\"/iexec_out\"}");
  for (size_t i = 0; i < IA_COUNT(texts); i++) {
    IA_AUTO(ia_tree) *t = NULL;
    IA_AUTOV(ia_buf) sealed = {0};

    put(d, "r.txt", texts[i]);
    assert_true(ia_tree_open(&t, d->fd, NULL, NULL));
    assert_true(ia_result_seal_tree(key, t, &blind, ia_sink_buf(&sealed), NULL));
    assert_int_equal(sealed.len, 4096);
  }
}

/* One that has the output that PoCo's rule is about, nested folders and odd names. */
static void put_result(const dir *d, const char *path)
{
  IA_AUTOV(ia_buf) text = {0};

  ia_buf_printf(&text, "{\"deterministic-output-path\":\"/iexec_out%s\"}", path);
  ia_buf_u8(&text, 0);
  put(d, "computed.json", (const char *)text.ptr);
  put(d, "b.txt", "two");
  put(d, "a\xff", "odd");
  put(d, "empty", "");
  (void)mkdirat(d->fd, "nested", 0700);
  put(d, "nested/x", "inner");
  put(d, "nested/y", "more");
}

struct made {
  ia_rsa *key;
  ia_secret blind;
  ia_h256 digest, manifest;
  ia_buf plain;
};

static void made_free(struct made *m)
{
  ia_rsa_free(m->key);
  ia_secret_free(&m->blind);
  ia_buf_free(&m->plain);
}

/* What the guest makes of the folder, opened again up to the plain archive. */
static void make(struct made *m, const dir *d, bool simulated)
{
  IA_AUTOV(ia_computed) c = {0};
  IA_AUTO(ia_tree) *t = NULL;
  IA_AUTOV(ia_buf) sealed = {0};

  *m = (struct made){.blind = some_blind()};
  assert_true(ia_rsa_generate(&m->key, 2048, NULL));
  assert_true(ia_computed_read(&c, d->fd, "/iexec_out", NULL));
  assert_true(ia_result_digest(&m->digest, d->fd, &c, NULL));
  assert_true(ia_blinded_digest(&m->digest, &m->digest, &m->blind, simulated, NULL));
  assert_true(ia_tree_open(&t, d->fd, NULL, NULL));
  assert_true(ia_manifest_hash(&m->manifest, t, &m->blind, simulated, NULL));
  assert_true(ia_result_seal_tree(m->key, t, &m->blind, ia_sink_buf(&sealed), NULL));
  ia_blob file = ia_blob_mem(ia_buf_view(&sealed));
  assert_true(ia_result_decrypt(ia_sink_buf(&m->plain), &file, m->key, NULL));
}

/* The blind is found, both hashes come out of the archive again, and nobody sees the file. */
static void blinded_results_open(void **state)
{
  const dir *d = *state;
  static const char *const paths[] = {"", "/", "/b.txt", "/nested", "/nested/x", "//nested//./y"};

  for (size_t i = 0; i < IA_COUNT(paths); i++) {
    IA_AUTO(ia_zip) *z = NULL;
    struct made m;
    ia_err e = {0};

    put_result(d, paths[i]);
    make(&m, d, i % 2 == 0);
    const ia_result_claim claim = {true, true, &m.digest, &m.manifest};
    if (!ia_result_open(&z, ia_blob_mem(ia_buf_view(&m.plain)), &claim, &e))
      fail_msg("%s: %s", paths[i], e.msg);
    assert_null(ia_zip_find(z, IA_BLIND_FILE));
    assert_int_equal(ia_zip_count(z), 6);
    assert_non_null(ia_zip_find(z, "nested/x"));
    made_free(&m);
  }
}

static void refused(const struct made *m, ia_result_claim claim)
{
  IA_AUTO(ia_zip) *z = NULL;
  ia_err e = {0};

  assert_false(ia_result_open(&z, ia_blob_mem(ia_buf_view(&m->plain)), &claim, &e));
  assert_int_equal(e.code, IA_E_RESULT_MISMATCH);
}

static void other_claims_are_refused(void **state)
{
  const dir *d = *state;
  IA_AUTO(ia_zip) *z = NULL;
  struct made m;
  ia_h256 other;

  put_result(d, "/b.txt");
  make(&m, d, true);
  ia_sha256(&other, ia_span_str("two")); /* what PoCo's own rule would have settled */
  refused(&m, (ia_result_claim){true, true, &other, &m.manifest});
  refused(&m, (ia_result_claim){true, true, &m.digest, &other});
  refused(&m, (ia_result_claim){true, false, &other, NULL});
  refused(&m, (ia_result_claim){false, true, &m.digest, &m.manifest});
  /* nothing known but the file: its form is checked */
  assert_true(ia_result_open(&z, ia_blob_mem(ia_buf_view(&m.plain)),
                             &(ia_result_claim){.sealed = true}, NULL));
  made_free(&m);
}

/* A zip with one file and, where it is not NULL, a file of the blind's name. */
static void zip_with(ia_buf *out, const char *blind, size_t n)
{
  IA_AUTO(ia_zip_writer) *w = NULL;

  assert_true(ia_zip_writer_new(&w, ia_sink_buf(out), NULL));
  assert_true(ia_zip_add_deflated(w, "computed.json", ia_blob_mem(ia_span_str("{}")), NULL));
  if (blind)
    assert_true(ia_zip_add_stored(w, IA_BLIND_FILE, ia_blob_mem(ia_span_of(blind, n)), NULL));
  assert_true(ia_zip_finish(w, NULL));
}

static void a_blind_has_its_form(void **state)
{
  static const char zeroes[40], dirty[40] = {[39] = 1};
  static const struct {
    const char *blind;
    size_t n;
    bool stated, opens;
    size_t shown;
  } rows[] = {
      {NULL, 0, true, false, 1}, /* a statement of ours vouches for a blind */
      {NULL, 0, false, true, 1}, /* iExec's own workers make none */
      {zeroes, 31, false, false, 2}, {zeroes, 32, false, true, 1},
      {zeroes, 40, false, true, 1},  {dirty, 40, false, false, 2},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTO(ia_zip) *z = NULL;
    IA_AUTO(ia_zip) *looked = NULL;
    IA_AUTOV(ia_buf) zip = {0};
    const ia_result_claim claim = {.sealed = true, .stated = rows[i].stated};
    ia_err e = {0};

    zip_with(&zip, rows[i].blind, rows[i].n);
    assert_int_equal(ia_result_open(&z, ia_blob_mem(ia_buf_view(&zip)), &claim, &e), rows[i].opens);
    assert_int_equal(e.code, rows[i].opens ? IA_OK : IA_E_RESULT_MISMATCH);
    assert_true(ia_zip_open(&looked, ia_blob_mem(ia_buf_view(&zip)), 0, NULL));
    ia_result_hide_blind(looked);
    assert_int_equal(ia_zip_count(looked), rows[i].shown);
  }
}

static void the_name_is_reserved(void **state)
{
  const dir *d = *state;
  IA_AUTO(ia_rsa) *key = NULL;
  IA_AUTO(ia_tree) *t = NULL;
  IA_AUTOV(ia_secret) blind = some_blind();
  IA_AUTOV(ia_buf) sealed = {0};
  ia_err e = {0};

  put(d, IA_BLIND_FILE, "mine");
  assert_true(ia_rsa_generate(&key, 2048, NULL));
  assert_true(ia_tree_open(&t, d->fd, NULL, NULL));
  assert_false(ia_result_seal_tree(key, t, &blind, ia_sink_buf(&sealed), &e));
  assert_int_equal(e.code, IA_E_BAD_OUTPUT);
  assert_true(ia_result_reserved(IA_BLIND_FILE) && ia_result_reserved(IA_BLIND_FILE "/x"));
  assert_false(ia_result_reserved("sub/" IA_BLIND_FILE) || ia_result_reserved(IA_BLIND_FILE "2"));
}

static void sealed_results_open_with_their_key_only(void **state)
{
  const dir *d = *state;
  IA_AUTO(ia_rsa) *key = NULL;
  IA_AUTO(ia_rsa) *other = NULL;
  IA_AUTO(ia_tree) *t = NULL;
  IA_AUTOV(ia_buf) zip = {0}, sealed = {0}, plain = {0}, none = {0};
  IA_AUTOV(ia_secret) blind = some_blind();
  ia_err e = {0};

  put(d, "computed.json", "{\"deterministic-output-path\":\"/iexec_out\"}");
  assert_true(ia_rsa_generate(&key, 2048, &e) && ia_rsa_generate(&other, 2048, &e));
  assert_true(ia_tree_open(&t, d->fd, NULL, &e));
  assert_true(ia_result_zip(t, ia_sink_buf(&zip), &e));
  ia_blob z = ia_blob_mem(ia_buf_view(&zip));
  assert_true(ia_result_seal_tree(key, t, &blind, ia_sink_buf(&sealed), &e));
  ia_blob s = ia_blob_mem(ia_buf_view(&sealed));
  assert_true(ia_result_is_encrypted(&s));
  assert_false(ia_result_is_encrypted(&z));
  assert_true(ia_result_decrypt(ia_sink_buf(&plain), &s, key, &e));
  ia_blob opened = ia_blob_mem(ia_buf_view(&plain));
  IA_AUTO(ia_zip) *files = NULL;
  assert_true(ia_zip_open(&files, opened, 0, &e));
  assert_int_equal(ia_zip_count(files), 2);
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
      TEST(blinded_vectors),
      TEST(sizes_are_rounded),
      TEST(sealed_objects_have_rounded_sizes),
      TEST(same_size_whatever_is_in_it),
      TEST(blinded_results_open),
      TEST(other_claims_are_refused),
      TEST(a_blind_has_its_form),
      TEST(the_name_is_reserved),
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
