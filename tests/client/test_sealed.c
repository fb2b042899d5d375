/* What a wallet keeps on disk: sealed values, result keys, journals of protections. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/hex.h"
#include "client/protect.h"
#include "client/result_keys.h"
#include "client/sealed.h"
#include "crypto/sha.h"
#include "data/result.h"
#include "data/zip.h"

typedef struct desk {
  char dir[32];
  ia_wallet *alice, *bob;
} desk;

static ia_wallet *wallet(uint8_t v)
{
  IA_AUTOV(ia_secret) key = {0};
  ia_wallet *w = NULL;

  assert_true(ia_secret_new(&key, 32, NULL));
  memset(key.ptr, v, 32);
  assert_true(ia_wallet_of_key(&w, &key, NULL));
  return w;
}

static int setup(void **state)
{
  desk *d = calloc(1, sizeof(*d));

  if (!d)
    return -1;
  (void)snprintf(d->dir, sizeof(d->dir), "/tmp/ia-desk-XXXXXX");
  d->alice = wallet(7);
  d->bob = wallet(8);
  *state = d;
  return mkdtemp(d->dir) ? 0 : -1;
}

static int teardown(void **state)
{
  desk *d = *state;
  bool ok = ia_remove_tree(d->dir, NULL);

  ia_wallet_free(d->alice);
  ia_wallet_free(d->bob);
  free(d);
  return ok ? 0 : -1;
}

static void seals_open_for_wallet_and_label_only(void **state)
{
  const desk *d = *state;
  IA_AUTOV(ia_buf) box = {0}, plain = {0}, none = {0};
  ia_err e = {0};

  assert_true(ia_wallet_seal(&box, d->alice, "a", ia_span_str("secret"), &e));
  assert_null(memmem(box.ptr, box.len, "secret", 6));
  assert_true(ia_wallet_unseal(&plain, d->alice, "a", ia_buf_view(&box), &e));
  assert_true(ia_span_is(ia_buf_view(&plain), "secret"));
  assert_false(ia_wallet_unseal(&none, d->alice, "b", ia_buf_view(&box), &e));
  assert_false(ia_wallet_unseal(&none, d->bob, "a", ia_buf_view(&box), &e));
  box.ptr[box.len - 1] ^= 1;
  assert_false(ia_wallet_unseal(&none, d->alice, "a", ia_buf_view(&box), &e));
  assert_false(ia_wallet_unseal(&none, d->alice, "a", ia_span_of("x", 1), &e));
  assert_int_equal(none.len, 0);
}

/* A sealed archive for the public key in `pem`. */
static void seal_result(ia_buf *out, const ia_buf *pem)
{
  IA_AUTO(ia_rsa) *key = NULL;
  IA_AUTO(ia_tree) *tree = NULL;
  IA_AUTOV(ia_secret) blind = {0};
  char dir[] = "/tmp/ia-sealed-XXXXXX";
  ia_path path;

  assert_non_null(mkdtemp(dir));
  assert_true(ia_path_join(&path, NULL, "%s/r.txt", dir) &&
              ia_file_write(path.s, ia_span_str("result"), 0600, NULL));
  ia_autoclose int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true(ia_tree_open(&tree, fd, NULL, NULL));
  assert_true(ia_rsa_public_pem(&key, ia_buf_view(pem), NULL));
  assert_true(ia_secret_random(&blind, IA_BLIND_BYTES, NULL));
  assert_true(ia_result_seal_tree(key, tree, &blind, ia_sink_buf(out), NULL));
  assert_true(ia_remove_tree(dir, NULL));
}

static void old_results_stay_readable(void **state)
{
  const desk *d = *state;
  IA_AUTOV(ia_buf) first = {0}, second = {0}, newest = {0}, sealed = {0};
  IA_AUTO(ia_zip) *zip = NULL;
  ia_err e = {0};
  ia_blob plain;
  ia_autoclose int fd = memfd_create("plain", MFD_CLOEXEC);

  assert_false(ia_result_key_newest(&newest, d->dir, &d->alice->address, &e));
  assert_int_equal(e.code, IA_E_NOT_FOUND);
  assert_true(ia_result_key_make(&first, d->dir, d->alice, &e));
  usleep(2000); /* names hold milliseconds */
  assert_true(ia_result_key_make(&second, d->dir, d->alice, &e));
  assert_true(ia_result_key_newest(&newest, d->dir, &d->alice->address, &e));
  assert_true(ia_span_eq(ia_buf_view(&newest), ia_buf_view(&second)));
  seal_result(&sealed, &first);
  ia_blob s = ia_blob_mem(ia_buf_view(&sealed));
  assert_true(ia_result_keys_open(fd, &s, IA_SEALED_ARCHIVE, d->dir, d->alice, &e));
  assert_true(ia_blob_fd(&plain, fd, &e) && ia_zip_open(&zip, plain, 0, &e));
  assert_non_null(ia_zip_find(zip, "r.txt"));
  assert_false(ia_result_keys_open(fd, &s, IA_SEALED_ARCHIVE, d->dir, d->bob, &e));
}

static void folder_holds(const char *dir, const char *needle, size_t len, bool want)
{
  char command[128];
  IA_AUTOV(ia_buf) all = {.cap = 1 << 24};
  (void)snprintf(command, sizeof(command), "cat %s/*", dir);
  FILE *f = popen(command, "re");

  assert_non_null(f);
  assert_true(ia_fd_read_all(&all, fileno(f), 1 << 24, NULL));
  assert_int_equal(pclose(f), 0);
  assert_true((memmem(all.ptr, all.len, needle, len) != NULL) == want);
}

static void a_begun_protection_is_found_again(void **state)
{
  const desk *d = *state;
  IA_AUTO(ia_node) *top = NULL;
  IA_AUTO(ia_protect) *p = NULL;
  IA_AUTO(ia_protect) *q = NULL;
  ia_protect_config cfg = {.wallet = d->bob};
  ia_protected out;
  ia_err e = {0};
  size_t n;

  assert_true(ia_node_from_json(&top, ia_span_str("{\"email\":\"marker@example.com\"}"), &e));
  assert_true(ia_protect_begin(&p, d->dir, "mail", top, d->alice, &e));
  folder_holds(d->dir, "marker@example.com", 18, false);
  folder_holds(d->dir, "sealedKey", 9, true);
  assert_true(ia_protect_count(&n, d->dir, &e));
  assert_int_equal(n, 1);
  assert_true(ia_protect_open(&q, d->dir, 0, &e));
  assert_string_equal(ia_protect_name(q), "mail");
  assert_string_equal(ia_protect_schema(q), "{\"email\":\"string\"}");
  assert_string_equal(ia_protect_journal(q), ia_protect_journal(p));
  assert_false(ia_protect_run(q, &out, &cfg, &e));
  assert_int_equal(e.code, IA_E_FORBIDDEN);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  static const struct CMUnitTest tests[] = {
      TEST(seals_open_for_wallet_and_label_only),
      TEST(old_results_stay_readable),
      TEST(a_begun_protection_is_found_again),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
