/* The blob store: round trips, ranges, damage on disk, interrupted writers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/blob.h"

static int setup(void **state)
{
  char *dir = strdup("/tmp/ia-blob-XXXXXX");

  *state = dir ? mkdtemp(dir) : NULL;
  return *state ? 0 : -1;
}

static int teardown(void **state)
{
  bool ok = ia_remove_tree(*state, NULL);

  free(*state);
  return ok ? 0 : -1;
}

static uint8_t *pattern(size_t n)
{
  uint8_t *p = malloc(n ? n : 1);

  assert_non_null(p);
  for (size_t i = 0; i < n; i++)
    p[i] = (uint8_t)(i * 7 + (i >> 8) + (i >> 16));
  return p;
}

static ia_cid add(ia_blobs *b, const ia_dag_options *o, const uint8_t *p, size_t n)
{
  IA_AUTO(ia_blob_writer) *w = NULL;
  uint64_t size;
  ia_cid cid;
  ia_err e = {0};

  assert_true(ia_blob_begin(&w, b, o, 0, &e));
  for (size_t at = 0; at < n; at += 99991)
    assert_true(ia_blob_write(w, ia_span_of(p + at, n - at < 99991 ? n - at : 99991), &e));
  assert_true(ia_blob_commit(&w, &cid, &size, NULL, &e));
  assert_int_equal(size, n);
  return cid;
}

static void what_goes_in_comes_out(void **state)
{
  static const size_t sizes[] = {0, 1, 262144, 262145, 1048577};
  static const ia_dag_options forms[] = {{0, false}, {1, false}, {1, true}};
  IA_AUTO(ia_blobs) *b = NULL;
  ia_err e = {0};

  assert_true(ia_blobs_open(&b, *state, &e));
  for (size_t i = 0; i < IA_COUNT(sizes); i++)
    for (size_t k = 0; k < IA_COUNT(forms); k++) {
      ia_autofree uint8_t *p = pattern(sizes[i]);
      IA_AUTOV(ia_buf) out = {0};
      ia_cid cid = add(b, &forms[k], p, sizes[i]), again = add(b, &forms[k], p, sizes[i]);

      assert_true(ia_h256_eq(&cid.hash, &again.hash));
      cid.version = 1; /* another name of the same block */
      assert_true(ia_blob_load(&out, b, &cid, 1 << 21, &e));
      assert_true(ia_span_eq(ia_buf_view(&out), ia_span_of(p, sizes[i])));
    }
}

static void ranges_cross_chunks(void **state)
{
  IA_AUTO(ia_blobs) *b = NULL;
  IA_AUTO(ia_blob) *blob = NULL;
  ia_autofree uint8_t *p = pattern(600000);
  uint8_t buf[5000];
  size_t n;
  ia_err e = {0};

  assert_true(ia_blobs_open(&b, *state, &e));
  ia_cid cid = add(b, NULL, p, 600000);
  assert_true(ia_blob_open(&blob, b, &cid, &e));
  for (uint64_t from = 261000; from < 600000; from += n) {
    assert_true(ia_blob_read_at(blob, from, buf, sizeof(buf), &n, &e) && n > 0);
    assert_memory_equal(buf, p + from, n);
  }
  assert_true(ia_blob_read_at(blob, 600000, buf, sizeof(buf), &n, &e) && n == 0);
}

/* Writes one byte at the end of every file of that name pattern. */
static void damage(const char *dir, const char *find)
{
  ia_path cmd;

  assert_true(ia_path_join(&cmd, NULL,
                           "for f in $(find %s -type f %s); do printf X | dd of=$f bs=1 seek=99999 "
                           "conv=notrunc 2>/dev/null; done",
                           dir, find));
  assert_int_equal(system(cmd.s), 0);
}

static void damage_on_disk_is_seen(void **state)
{
  IA_AUTO(ia_blobs) *b = NULL;
  IA_AUTOV(ia_buf) out = {0};
  ia_autofree uint8_t *p = pattern(600000);
  ia_err e = {0};

  assert_true(ia_blobs_open(&b, *state, &e));
  ia_cid small = add(b, NULL, p, 200000), big = add(b, NULL, p, 600000);
  damage(*state, "-not -name '*.leaves'");
  assert_false(ia_blob_load(&out, b, &small, 1 << 20, &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
  assert_false(ia_blob_load(&out, b, &big, 1 << 20, &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
}

static void a_foreign_leaf_list_is_refused(void **state)
{
  IA_AUTO(ia_blobs) *b = NULL;
  IA_AUTOV(ia_buf) out = {0};
  ia_autofree uint8_t *p = pattern(600000);
  ia_err e = {0};

  assert_true(ia_blobs_open(&b, *state, &e));
  ia_cid big = add(b, NULL, p, 600000);
  damage(*state, "-name '*.leaves'");
  assert_false(ia_blob_load(&out, b, &big, 1 << 20, &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
}

/* A raw block whose bytes are the node of somebody's file has the hash of that file. */
static void a_raw_block_takes_no_files_place(void **state)
{
  static const ia_dag_options as_raw = {1, true};
  /* UnixFS node of "hello world\n" */
  static const uint8_t node[] = {0x0a, 0x12, 0x08, 0x02, 0x12, 0x0c, 'h', 'e', 'l',  'l',
                                 'o',  ' ',  'w',  'o',  'r',  'l',  'd', 10,  0x18, 0x0c};
  IA_AUTO(ia_blobs) *b = NULL;
  IA_AUTOV(ia_buf) first = {0}, file = {0}, raw = {0};
  ia_err e = {0};

  assert_true(ia_blobs_open(&b, *state, &e));
  ia_cid early = add(b, &as_raw, node, sizeof(node)), by_hash = {.hash = early.hash};
  by_hash.codec = IA_CODEC_DAG_PB; /* what a multiaddr leaves of it */
  assert_true(ia_blob_load(&first, b, &by_hash, 100, &e));
  assert_true(ia_span_eq(ia_buf_view(&first), IA_SPAN_ARR(node)));
  ia_cid late = add(b, NULL, (const uint8_t *)"hello world\n", 12);
  assert_true(ia_h256_eq(&early.hash, &late.hash));
  assert_true(ia_blob_load(&file, b, &late, 100, &e));
  assert_true(ia_span_is(ia_buf_view(&file), "hello world\n"));
  assert_true(ia_blob_load(&raw, b, &early, 100, &e));
  assert_true(ia_span_eq(ia_buf_view(&raw), IA_SPAN_ARR(node)));
}

static void adding_again_mends(void **state)
{
  static const size_t sizes[] = {200000, 600000};
  IA_AUTO(ia_blobs) *b = NULL;
  ia_autofree uint8_t *p = pattern(600000);
  ia_err e = {0};

  assert_true(ia_blobs_open(&b, *state, &e));
  for (size_t i = 0; i < IA_COUNT(sizes); i++) {
    IA_AUTOV(ia_buf) out = {0};
    ia_cid cid = add(b, NULL, p, sizes[i]);

    damage(*state, "");
    assert_false(ia_blob_load(&out, b, &cid, 1 << 20, &e));
    (void)add(b, NULL, p, sizes[i]);
    ia_buf_clear(&out);
    assert_true(ia_blob_load(&out, b, &cid, 1 << 20, &e));
    assert_true(ia_span_eq(ia_buf_view(&out), ia_span_of(p, sizes[i])));
  }
}

static void interrupted_writers_leave_nothing(void **state)
{
  ia_blobs *b = NULL;
  ia_blob_writer *w = NULL;
  ia_path cmd;
  ia_err e = {0};

  assert_true(ia_blobs_open(&b, *state, &e));
  assert_true(ia_blob_begin(&w, b, NULL, 10, &e));
  assert_true(ia_blob_write(w, ia_span_str("0123456789"), &e));
  assert_false(ia_blob_write(w, ia_span_str("x"), &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
  ia_blob_abort(w);
  assert_true(ia_path_join(&cmd, &e, "test -z \"$(find %s -type f)\"", (char *)*state));
  assert_int_equal(system(cmd.s), 0);
  /* as after kill -9: the file of a writer that never ended */
  ia_path p;
  assert_true(ia_path_join(&p, &e, "%s/tmp/left", (char *)*state));
  assert_true(ia_file_write(p.s, ia_span_str("half"), 0600, &e));
  ia_blobs_close(b);
  assert_true(ia_blobs_open(&b, *state, &e));
  assert_int_equal(system(cmd.s), 0);
  ia_blobs_close(b);
}

static void unknown_cid(void **state)
{
  IA_AUTO(ia_blobs) *b = NULL;
  ia_blob *blob = NULL;
  ia_err e = {0};
  ia_cid cid;

  assert_true(ia_blobs_open(&b, *state, &e));
  assert_true(ia_cid_of(&cid, ia_span_str("never added"), NULL, &e));
  assert_false(ia_blob_open(&blob, b, &cid, &e));
  assert_int_equal(e.code, IA_E_NOT_FOUND);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_goes_in_comes_out, setup, teardown),
      cmocka_unit_test_setup_teardown(ranges_cross_chunks, setup, teardown),
      cmocka_unit_test_setup_teardown(damage_on_disk_is_seen, setup, teardown),
      cmocka_unit_test_setup_teardown(a_foreign_leaf_list_is_refused, setup, teardown),
      cmocka_unit_test_setup_teardown(a_raw_block_takes_no_files_place, setup, teardown),
      cmocka_unit_test_setup_teardown(adding_again_mends, setup, teardown),
      cmocka_unit_test_setup_teardown(interrupted_writers_leave_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(unknown_cid, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
