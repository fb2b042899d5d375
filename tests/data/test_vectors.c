/* The 91 cases of tests/vectors/data: written as npm writes, read strictly, refused by class. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "crypto/sha.h"
#include "data/cipher.h"
#include "data/node.h"
#include "data/reader.h"

static json_t *cases;

static int load(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path path;
  ia_err e = {0};

  if (!ia_path_join(&path, &e, "%s/vectors/data/cases.json", getenv("IA_TESTS")) ||
      !ia_file_read(&text, path.s, 64 << 20, &e))
    return -1;
  cases = ia_json_parse(ia_buf_view(&text), IA_JSON_ALLOW_NUL, &e);
  return cases && json_array_size(cases) == 91 ? 0 : -1;
}

static int unload(void **state IA_UNUSED)
{
  json_decref(cases);
  return 0;
}

static const char *str(const json_t *obj, const char *key)
{
  return json_string_value(json_object_get(obj, key));
}

static void file_of(ia_buf *out, const json_t *c, const char *member)
{
  ia_path path;
  ia_err e = {0};

  assert_true(ia_path_join(&path, &e, "%s/vectors/data/%s", getenv("IA_TESTS"), str(c, member)));
  assert_true(ia_file_read(out, path.s, 64 << 20, &e));
}

static bool is_kind(const json_t *c, const char *kind)
{
  return strcmp(str(c, "kind"), kind) == 0;
}

/* The class that the case names, or one of its `also`. */
static void assert_class(const json_t *c, const char *want, const ia_err *e)
{
  const json_t *also = json_object_get(c, "also");
  const char *got = ia_code_name(e->code);
  json_t *v;
  size_t i;

  json_array_foreach (also, i, v)
    if (strcmp(json_string_value(v), got) == 0)
      return;
  if (strcmp(want, got) != 0)
    print_error("%s: %s (%s)\n", str(c, "name"), got, e->msg);
  assert_string_equal(got, want);
}

static char *repeat(const char *unit, size_t times)
{
  size_t n = strlen(unit);
  char *text = calloc(times, n + 1);

  assert_non_null(text);
  for (size_t i = 0; i < times; i++)
    memcpy(text + i * n, unit, n);
  return text;
}

/* 1 MiB: SHA-512 of "0", "1", .. "16383". */
static json_t *one_mib(void)
{
  IA_AUTOV(ia_buf) all = {0};
  char text[8];
  uint8_t hash[64];

  for (int i = 0; i < 16384; i++) {
    int n = snprintf(text, sizeof(text), "%d", i);

    ia_sha512(hash, ia_span_of(text, (size_t)n));
    ia_buf_put(&all, hash, sizeof(hash));
  }
  char *hex = malloc(2 * all.len + 1);
  assert_non_null(hex);
  ia_hex(hex, all.ptr, all.len);
  json_t *v = json_pack("{s:{s:s}}", "blob", "$hex", hex);
  free(hex);
  return v;
}

/* Inputs that the file gives by recipe only. */
static json_t *input_of(const json_t *c)
{
  const char *name = str(c, "name");

  if (strcmp(name, "bin-1MiB") == 0)
    return one_mib();
  if (strstr(name, "long-string")) {
    bool very = strstr(name, "very") != NULL;
    ia_autofree char *text = repeat(very ? "a" : "abc", very ? 300000 : 30000);

    return json_pack("{s:s}", "s", text);
  }
  return json_incref(json_object_get(c, "input"));
}

static void node_of(ia_node **out, const json_t *c, ia_err *e, bool *ok)
{
  IA_AUTO_JSON *input = input_of(c);
  IA_AUTOV(ia_buf) text = {0};

  if (json_is_string(input))
    ia_buf_str(&text, json_string_value(input));
  else
    assert_true(ia_json_write(&text, input, NULL));
  *ok = ia_node_from_json(out, ia_buf_view(&text), e);
}

static bool collect(void *ctx, const char *name, ia_err *e IA_UNUSED)
{
  return json_array_append_new(ctx, json_string(name)) == 0;
}

static void assert_same_json(const json_t *c, const json_t *a, const json_t *b)
{
  if (!json_equal(a, b)) {
    ia_autofree char *x = json_dumps(a, JSON_ENCODE_ANY), *y = json_dumps(b, JSON_ENCODE_ANY);

    print_error("%s: %.300s != %.300s\n", str(c, "name"), x, y);
  }
  assert_true(json_equal(a, b));
}

static void assert_sha256(const char *want, ia_span bytes)
{
  ia_h256 h;

  ia_sha256(&h, bytes);
  assert_string_equal(ia_h256_text(&h).s + 2, want);
}

/* {"$hex_sha256"|"$str_sha256", len} stand for long values. */
static void assert_value(const json_t *c, const json_t *want, const ia_value *v)
{
  const char *hash = str(want, "$hex_sha256");
  IA_AUTO_JSON *got = NULL;
  ia_err e = {0};

  if (!hash)
    hash = str(want, "$str_sha256");
  if (hash) {
    assert_sha256(hash, ia_buf_view(&v->bytes));
    return;
  }
  assert_true(ia_value_json(&got, v, &e));
  assert_same_json(c, got, want);
}

static ia_zip *open_zip(const json_t *c, ia_span bytes, unsigned flags)
{
  ia_zip *zip = NULL;
  ia_err e = {0};

  if (!ia_zip_open(&zip, ia_blob_mem(bytes), ia_read_zip_flags(flags), &e))
    print_error("%s: %s %s\n", str(c, "name"), ia_code_name(e.code), e.msg);
  assert_non_null(zip);
  return zip;
}

static void assert_raw(const json_t *want, const ia_zip *zip, const char *path)
{
  ia_autofree char *name = strdup(path);
  IA_AUTOV(ia_buf) raw = {0};
  ia_err e = {0};

  for (char *p = name; *p; p++)
    if (*p == '.')
      *p = '/';
  assert_true(ia_zip_read(zip, ia_zip_find(zip, name), &raw, &e));
  if (str(want, "raw_sha256")) {
    assert_sha256(str(want, "raw_sha256"), ia_buf_view(&raw));
    return;
  }
  ia_autofree char *hex = malloc(2 * raw.len + 1);
  ia_hex(hex, raw.ptr, raw.len);
  assert_string_equal(hex, str(want, "raw"));
}

static void assert_values(const json_t *c, ia_span bytes, unsigned flags)
{
  IA_AUTO(ia_zip) *zip = open_zip(c, bytes, flags);
  IA_AUTO_JSON *names = json_array();
  const char *path;
  json_t *want;

  for (size_t i = 0; i < ia_zip_count(zip); i++)
    assert_true(collect(names, ia_zip_at(zip, i)->name, NULL));
  assert_same_json(c, names, json_object_get(c, "entries"));
  json_object_foreach (json_object_get(c, "values"), path, want) {
    IA_AUTOV(ia_value) v = {0};
    ia_err e = {0};

    if (!ia_read_value(&v, zip, path, str(want, "type"), flags, &e))
      print_error("%s %s: %s %s\n", str(c, "name"), path, ia_code_name(e.code), e.msg);
    assert_int_equal(e.code, IA_OK);
    assert_value(c, json_object_get(want, "value"), &v);
    assert_raw(want, zip, path);
  }
}

static void writes_what_npm_writes(void **state IA_UNUSED)
{
  json_t *c;
  size_t i;

  json_array_foreach (cases, i, c) {
    IA_AUTO(ia_node) *top = NULL;
    IA_AUTOV(ia_buf) schema = {0}, zip = {0};
    IA_AUTO_JSON *names = json_array();
    ia_err e = {0};
    bool ok;

    if (!is_kind(c, "valid"))
      continue;
    node_of(&top, c, &e, &ok);
    assert_true(ok);
    assert_true(ia_node_schema(&schema, top, &e));
    assert_true(ia_span_is(ia_buf_view(&schema), str(c, "schema")));
    assert_true(ia_node_entries(top, collect, names, &e));
    assert_same_json(c, names, json_object_get(c, "entries"));
    assert_true(ia_node_zip(top, ia_sink_buf(&zip), &e));
    assert_values(c, ia_buf_view(&zip), 0);
  }
}

static void reads_what_npm_wrote(void **state IA_UNUSED)
{
  json_t *c;
  size_t i;

  json_array_foreach (cases, i, c) {
    IA_AUTOV(ia_buf) zip = {0};

    if (!is_kind(c, "valid") && !is_kind(c, "legacy"))
      continue;
    file_of(&zip, c, "file");
    assert_values(c, ia_buf_view(&zip), is_kind(c, "legacy") ? IA_READ_LEGACY : 0);
    /* the first format is recognised but where its bytes could be Borsh */
    if (strcmp(str(c, "name"), "legacy-ambiguous") != 0)
      assert_values(c, ia_buf_view(&zip), 0);
  }
}

/* The view gives the same bytes from anywhere, in any order. */
static void assert_view(const ia_blob *sealed, const ia_secret *key, const ia_h256 *checksum,
                        ia_span plain)
{
  static const size_t lengths[] = {1, 15, 16, 17, 65535, 65536, 70000, 200000};
  IA_AUTO(ia_data_view) *v = NULL;
  ia_autofree uint8_t *out = malloc(200000);
  ia_err e = {0};

  assert_non_null(out);
  assert_true(ia_data_view_open(&v, sealed, key, checksum, &e));
  ia_blob blob = ia_data_view_blob(v);
  assert_int_equal(blob.size, plain.len);
  for (size_t k = 0; k < 40; k++) {
    size_t at = k % 5 == 0 ? 0 : plain.len * ((7 * k) % 41) / 41, n = lengths[k % 8];

    n = plain.len - at < n ? plain.len - at : n;
    assert_true(ia_blob_read(&blob, at, out, n, &e));
    assert_memory_equal(out, plain.ptr + at, n);
  }
}

static void decrypts_and_encrypts_alike(void **state IA_UNUSED)
{
  json_t *c;
  size_t i;

  json_array_foreach (cases, i, c) {
    IA_AUTOV(ia_buf) sealed = {0}, plain = {0}, again = {0};
    IA_AUTOV(ia_secret) key = {0};
    IA_AUTO(ia_data_writer) *w = NULL;
    ia_h256 checksum, mine;
    uint64_t size;
    uint8_t iv[16];
    ia_err e = {0};

    if (!str(c, "encrypted") || is_kind(c, "cipher"))
      continue;
    file_of(&sealed, c, "encrypted");
    assert_true(ia_data_key_parse(&key, ia_span_str(str(c, "key")), &e));
    assert_true(ia_h256_parse(&checksum, ia_span_str(str(c, "checksum"))));
    ia_blob blob = ia_blob_mem(ia_buf_view(&sealed));
    assert_true(ia_data_decrypt(ia_sink_buf(&plain), &blob, &key, &checksum, &e));
    assert_sha256(str(c, "plain_sha256"), ia_buf_view(&plain));
    assert_view(&blob, &key, &checksum, ia_buf_view(&plain));
    assert_true(ia_unhex(iv, sizeof(iv), ia_span_str(str(c, "iv"))));
    assert_true(ia_data_writer_new(&w, ia_sink_buf(&again), &key, iv, &e));
    assert_true(ia_sink_write(ia_data_writer_sink(w), ia_buf_view(&plain), &e));
    assert_true(ia_data_writer_end(w, &mine, &size, &e));
    assert_true(ia_h256_eq(&mine, &checksum));
    assert_true(ia_span_eq(ia_buf_view(&again), ia_buf_view(&sealed)));
    assert_int_equal(size, sealed.len);
  }
}

static void refuses_inputs_by_class(void **state IA_UNUSED)
{
  unsigned n = 0;
  json_t *c;
  size_t i;

  json_array_foreach (cases, i, c) {
    IA_AUTO(ia_node) *top = NULL;
    ia_err e = {0};
    bool ok;

    if (!is_kind(c, "refuse"))
      continue;
    node_of(&top, c, &e, &ok);
    assert_false(ok);
    assert_class(c, str(c, "error"), &e);
    n++;
  }
  assert_int_equal(n, 15);
}

/* Opening and, where that is fine, one read. */
static void one_read(const json_t *c, const json_t *r, ia_span bytes)
{
  IA_AUTO(ia_zip) *zip = NULL;
  IA_AUTOV(ia_value) v = {0};
  ia_err e = {0};
  bool ok = ia_zip_open(&zip, ia_blob_mem(bytes), IA_ZIP_PROTECTED, &e) &&
            (!r || ia_read_value(&v, zip, str(r, "path"), str(r, "type"), 0, &e));
  const char *want = str(r ? r : c, "error");

  if (ok && want)
    print_error("%s: no error\n", str(c, "name"));
  assert_true(ok == !want);
  if (!ok)
    assert_class(c, want, &e);
  else if (r)
    assert_value(c, json_object_get(r, "want"), &v);
}

static void refuses_archives_by_class(void **state IA_UNUSED)
{
  json_t *c, *r;
  size_t i, k;

  json_array_foreach (cases, i, c) {
    IA_AUTOV(ia_buf) zip = {0};
    const json_t *reads = json_object_get(c, "reads");

    if (!is_kind(c, "malformed"))
      continue;
    file_of(&zip, c, "file");
    json_array_foreach (reads, k, r)
      one_read(c, r, ia_buf_view(&zip));
    if (json_array_size(reads) == 0)
      one_read(c, NULL, ia_buf_view(&zip));
  }
}

/* --lenient gives the value, or an error, where the npm deserializer does. */
static void lenient_reads_what_npm_reads(void **state IA_UNUSED)
{
  json_t *c, *r;
  size_t i, k;

  json_array_foreach (cases, i, c) {
    IA_AUTOV(ia_buf) bytes = {0};

    if (!is_kind(c, "malformed"))
      continue;
    file_of(&bytes, c, "file");
    json_array_foreach (json_object_get(c, "reads"), k, r) {
      IA_AUTO(ia_zip) *zip = NULL;
      IA_AUTOV(ia_value) v = {0};
      ia_err e = {0};
      const json_t *npm = json_object_get(json_object_get(r, "reference"), "optimistic");
      bool ok = ia_zip_open(&zip, ia_blob_mem(ia_buf_view(&bytes)),
                            ia_read_zip_flags(IA_READ_LENIENT), &e) &&
                ia_read_value(&v, zip, str(r, "path"), str(r, "type"), IA_READ_LENIENT, &e);

      if (ok != (json_object_get(npm, "value") != NULL))
        print_error("%s %s: %s\n", str(c, "name"), str(r, "path"), ok ? "read" : e.msg);
      assert_true(ok == (json_object_get(npm, "value") != NULL));
      if (ok)
        assert_value(c, json_object_get(npm, "value"), &v);
    }
  }
}

static void refuses_ciphers_by_class(void **state IA_UNUSED)
{
  json_t *c;
  size_t i;

  json_array_foreach (cases, i, c) {
    IA_AUTOV(ia_buf) sealed = {0}, plain = {0};
    IA_AUTOV(ia_secret) key = {0};
    IA_AUTO(ia_zip) *zip = NULL;
    ia_h256 checksum;
    ia_err e = {0};

    if (!is_kind(c, "cipher"))
      continue;
    file_of(&sealed, c, "encrypted");
    assert_true(ia_h256_parse(&checksum, ia_span_str(str(c, "checksum"))));
    ia_blob blob = ia_blob_mem(ia_buf_view(&sealed));
    bool ok = ia_data_key_parse(&key, ia_span_str(str(c, "key")), &e) &&
              ia_data_decrypt(ia_sink_buf(&plain), &blob, &key, &checksum, &e) &&
              ia_zip_open(&zip, ia_blob_mem(ia_buf_view(&plain)), IA_ZIP_PROTECTED, &e);
    assert_false(ok);
    assert_class(c, str(c, "error"), &e);
  }
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(writes_what_npm_writes),      cmocka_unit_test(reads_what_npm_wrote),
      cmocka_unit_test(decrypts_and_encrypts_alike), cmocka_unit_test(refuses_inputs_by_class),
      cmocka_unit_test(refuses_archives_by_class),   cmocka_unit_test(lenient_reads_what_npm_reads),
      cmocka_unit_test(refuses_ciphers_by_class),
  };

  return cmocka_run_group_tests(tests, load, unload);
}
