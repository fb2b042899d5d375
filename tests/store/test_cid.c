/* CIDs and the DAG of a file against vectors of another implementation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "crypto/sha.h"
#include "crypto/unixfs.h"

static json_t *vectors(void)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path p;
  ia_err e = {0};

  assert_true(ia_path_join(&p, &e, "%s/vectors/unixfs/files.json", getenv("IA_TESTS")));
  assert_true(ia_file_read(&text, p.s, 1 << 20, &e));
  json_t *v = ia_json_parse(ia_buf_view(&text), 0, &e);
  assert_non_null(v);
  return v;
}

/* The pattern of the vectors, in pieces that do not fit the chunks. */
static bool feed(ia_dag *d, uint64_t size, ia_err *e)
{
  static uint8_t piece[100003];

  for (uint64_t at = 0; at < size;) {
    size_t n = size - at < sizeof(piece) ? (size_t)(size - at) : sizeof(piece);

    for (size_t i = 0; i < n; i++) {
      uint64_t x = at + i;
      piece[i] = (uint8_t)(x * 7 + (x >> 8) + (x >> 16));
    }
    if (!ia_dag_add(d, ia_span_of(piece, n), e))
      return false;
    at += n;
  }
  return true;
}

static void files_have_the_cids_of_kubo(void **state)
{
  IA_AUTO_JSON *v = vectors();
  json_t *row;
  size_t i;

  (void)state;
  json_array_foreach (json_object_get(v, "files"), i, row) {
    IA_AUTO(ia_dag) *d = NULL;
    ia_dag_options o = {.version = (unsigned)json_integer_value(json_object_get(row, "version")),
                        .raw_leaves = json_is_true(json_object_get(row, "rawLeaves"))};
    uint64_t want = (uint64_t)json_integer_value(json_object_get(row, "size")), size, dag_size;
    ia_err e = {0};
    ia_cid cid;

    assert_true(ia_dag_new(&d, &o, &e) && feed(d, want, &e));
    assert_true(ia_dag_finish(d, &cid, &size, &dag_size, &e));
    assert_string_equal(ia_cid_format(&cid).s, json_string_value(json_object_get(row, "cid")));
    assert_int_equal(size, want);
    assert_int_equal(dag_size, json_integer_value(json_object_get(row, "dagSize")));
  }
  assert_int_equal(i, 33);
}

static void short_texts(void **state)
{
  IA_AUTO_JSON *v = vectors();
  json_t *row;
  size_t i;

  (void)state;
  json_array_foreach (json_object_get(v, "text"), i, row) {
    ia_err e;
    ia_cid cid;

    assert_true(
        ia_cid_of(&cid, ia_span_str(json_string_value(json_object_get(row, "text"))), NULL, &e));
    assert_string_equal(ia_cid_format(&cid).s, json_string_value(json_object_get(row, "cid")));
  }
}

static void text_forms_of_one_cid(void **state)
{
  static const char *const same[] = {
      "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
      "BAFKREIHDWDCEFGH4DQKJV67UZCMW7OJEE6XEDZDETOJUZJEVTENXQUVYKU",
      "f01551220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "F01551220E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855",
      "zb2rhmy65F3REf8SZp7De11gxtECBGgUKaLdiDj7MCGCHxbDW",
      "k2cwueebp9wws0fnm29jatrrbqocjaivp132efhd99cd5phw2odywbit",
      "K2CWUEEBP9WWS0FNM29JATRRBQOCJAIVP132EFHD99CD5PHW2ODYWBIT",
  };
  ia_cid first, c;
  ia_err e;

  (void)state;
  assert_true(ia_cid_parse(&first, ia_span_str(same[0]), &e));
  assert_int_equal(first.codec, IA_CODEC_RAW);
  for (size_t i = 1; i < IA_COUNT(same); i++) {
    assert_true(ia_cid_parse(&c, ia_span_str(same[i]), &e));
    assert_true(ia_h256_eq(&c.hash, &first.hash) && c.version == 1 && c.codec == first.codec);
  }
}

static void what_is_no_cid_is_refused(void **state)
{
  static const struct {
    const char *text;
    ia_code code;
  } bad[] = {
      {"", IA_E_PARSE},
      {"Qm", IA_E_PARSE},
      {"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQ0", IA_E_PARSE},  /* 0 is no digit */
      {"QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQHH", IA_E_PARSE}, /* one too many */
      {"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvykv", IA_E_PARSE}, /* tail bits */
      {"bAfkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", IA_E_PARSE},
      {"f0x551220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", IA_E_PARSE},
      {"f01551220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b8", IA_E_PARSE},
      {"f01711220e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
       IA_E_UNSUPPORTED}, /* dag-cbor */
      {"f01551120e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
       IA_E_UNSUPPORTED},                                                       /* another hash */
      {"k2Cwueebp9wws0fnm29jatrrbqocjaivp132efhd99cd5phw2odywbit", IA_E_PARSE}, /* mixed case */
      {"K2cwueebp9wws0fnm29jatrrbqocjaivp132efhd99cd5phw2odywbit", IA_E_PARSE},
      {"k2cwueebp9wws0fnm29jatrrbqocjaivp132efhd99cd5phw2odywbi", IA_E_PARSE}, /* one too few */
      {"../../etc/passwd", IA_E_PARSE},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    ia_cid c;
    ia_err e = {0};

    assert_false(ia_cid_parse(&c, ia_span_str(bad[i].text), &e));
    assert_int_equal(e.code, bad[i].code);
  }
}

static void multiaddr_round_trip(void **state)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_cid c, again;
  ia_err e;

  (void)state;
  assert_true(ia_cid_parse(&c, ia_span_str("QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"), &e));
  ia_cid_multiaddr(&b, &c);
  assert_int_equal(b.len, 37);
  assert_memory_equal(b.ptr, "\xa5\x03\x22\x12\x20", 5);
  assert_true(ia_cid_from_multiaddr(&again, ia_buf_view(&b), &e));
  assert_string_equal(ia_cid_format(&again).s, "QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o");
  assert_true(ia_cid_from_multiaddr(
      &again, ia_span_str("/ipfs/QmT78zSuBmuS4z925WZfrqQ1qHaJ56DQaTfyMUF7F8ff5o"), &e));
  assert_false(ia_cid_from_multiaddr(&again, ia_span_of(b.ptr, b.len - 1), &e));
  assert_false(ia_cid_from_multiaddr(&again, ia_span_str("https://example.org/x"), &e));
}

/* One leaf block by hand. */
static void reader_takes_what_the_writer_makes(void **state)
{
  IA_AUTOV(ia_buf) block = {0};
  ia_dag_link links[IA_DAG_LINKS];
  ia_span data;
  size_t n;
  ia_err e;

  (void)state;
  ia_buf_put(&block, "\x0a\x0d\x08\x02\x12\x07ia text\x18\x07", 15);
  assert_true(ia_dag_parse(ia_buf_view(&block), &data, links, &n, &e));
  assert_int_equal(n, 0);
  assert_true(ia_span_is(data, "ia text"));
  block.ptr[14] = 8; /* filesize is not the number of bytes */
  assert_false(ia_dag_parse(ia_buf_view(&block), &data, links, &n, &e));
  block.ptr[14] = 7;
  assert_false(ia_dag_parse(ia_span_of(block.ptr, block.len - 1), &data, links, &n, &e));
  block.ptr[3] = 1; /* a folder */
  assert_false(ia_dag_parse(ia_buf_view(&block), &data, links, &n, &e));
  assert_int_equal(e.code, IA_E_UNSUPPORTED);
}

static void leaf_hashes_give_the_same_root(void **state)
{
  IA_AUTO(ia_dag) *a = NULL;
  IA_AUTO(ia_dag) *b = NULL;
  static uint8_t bytes[IA_DAG_CHUNK + 9];
  ia_h256 leaf;
  ia_cid ca, cb;
  ia_err e;

  (void)state;
  assert_true(ia_dag_new(&a, NULL, &e) && ia_dag_new(&b, NULL, &e));
  assert_true(ia_dag_add(a, IA_SPAN_ARR(bytes), &e));
  assert_true(ia_dag_finish(a, &ca, NULL, NULL, &e));
  ia_dag_leaf_hash(&leaf, ia_span_of(bytes, IA_DAG_CHUNK), false);
  assert_true(ia_dag_add_leaf(b, &leaf, IA_DAG_CHUNK, &e));
  ia_dag_leaf_hash(&leaf, ia_span_of(bytes, 9), false);
  assert_true(ia_dag_add_leaf(b, &leaf, 9, &e));
  assert_false(ia_dag_add_leaf(b, &leaf, 9, &e)); /* nothing after a short leaf */
  assert_true(ia_dag_finish(b, &cb, NULL, NULL, &e));
  assert_true(ia_h256_eq(&ca.hash, &cb.hash));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(files_have_the_cids_of_kubo),
      cmocka_unit_test(short_texts),
      cmocka_unit_test(text_forms_of_one_cid),
      cmocka_unit_test(what_is_no_cid_is_refused),
      cmocka_unit_test(multiaddr_round_trip),
      cmocka_unit_test(reader_takes_what_the_writer_makes),
      cmocka_unit_test(leaf_hashes_give_the_same_root),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
