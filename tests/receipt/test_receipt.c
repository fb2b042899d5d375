/* Receipts: a sound one verifies; every field, changed, is noticed by the check that the table of
 * covers names; parts of another task, service, guest or pool are refused by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/json.h"
#include "sample.h"

static const char result_bytes[] = "sealed result";

static int setup(void **state)
{
  sample *s = calloc(1, sizeof(*s));

  if (!s)
    return -1;
  sample_make(s, ia_span_str(result_bytes));
  *state = s;
  return 0;
}

static int teardown(void **state)
{
  sample_free(*state);
  free(*state);
  return 0;
}

static void verify(ia_verdict *v, const sample *s, const json_t *receipt, const char *result)
{
  ia_autofree char *text = json_dumps(receipt, JSON_COMPACT);
  ia_blob blob = ia_blob_mem(ia_span_str(result ? result : ""));
  ia_err e = {0};

  if (!ia_receipt_verify(v, ia_span_str(text), result ? &blob : NULL, s->trust, &e)) {
    *v = (ia_verdict){.code = e.code, .n = 1};
    v->check[0] = (ia_check){.state = IA_CHECK_FAIL, .code = e.code, .name = "form"};
  }
}

static json_t *receipt_of(const sample *s)
{
  IA_AUTOV(ia_buf) text = {0};

  sample_receipt(&text, s);
  json_t *v = ia_json_parse(ia_buf_view(&text), 0, NULL);
  assert_non_null(v);
  return v;
}

static bool fails(const ia_verdict *v, const char *check)
{
  for (size_t i = 0; i < v->n; i++)
    if (v->check[i].state == IA_CHECK_FAIL && strcmp(v->check[i].name, check) == 0)
      return true;
  return false;
}

static void a_sound_receipt_verifies(void **state)
{
  const sample *s = *state;
  IA_AUTO_JSON *r = receipt_of(s);
  ia_verdict v;

  verify(&v, s, r, result_bytes);
  for (size_t i = 0; i < v.n; i++)
    if (v.check[i].state == IA_CHECK_FAIL)
      print_error("%s: %s\n", v.check[i].name, v.check[i].text);
  assert_true(v.ok);
  assert_true(v.completed);
  assert_true(v.simulated);
  assert_true(v.n_unproven >= 3);
  assert_true(ia_h256_eq(&v.task_id, &s->stated.desc.task_id));
  verify(&v, s, r, "another file");
  assert_true(fails(&v, "result-file"));
  assert_int_equal(v.code, IA_E_RESULT_MISMATCH);
}

static void a_receipt_is_small(void **state)
{
  IA_AUTOV(ia_buf) text = {0};

  sample_receipt(&text, *state);
  assert_in_range(text.len, 1000, IA_RECEIPT_MAX);
}

/* "orders.app.volume" fits "orders.app.*"; the first row that fits is the one. */
static const ia_cover *cover_of(const char *path)
{
  for (size_t i = 0; i < ia_receipt_n_covers; i++) {
    const ia_cover *c = &ia_receipt_covers[i];
    size_t n = strlen(c->path);
    bool any = n > 0 && c->path[n - 1] == '*';

    if (any ? strncmp(path, c->path, n - 1) == 0 : strcmp(path, c->path) == 0)
      return c;
  }
  return NULL;
}

/* Another value of the same form: one digit of hex, one letter of text, one more. */
static json_t *changed(const json_t *v)
{
  if (json_is_integer(v))
    return json_integer(json_integer_value(v) + 1);
  if (json_is_null(v))
    return json_string("0x00");
  ia_autofree char *text = strdup(json_string_value(v));
  size_t n = strlen(text);
  if (n == 0 || strcmp(text, "0x") == 0)
    return json_string(n == 0 ? "AAAA" : "0x01");
  /* a digit at or after the middle, so that texts of JSON, hex and base64 keep their form */
  size_t at = n / 2;
  while (at < n && (text[at] < '0' || text[at] > '9'))
    at++;
  if (at < n)
    text[at] = text[at] == '1' ? '2' : '1';
  else
    text[n / 2] = text[n / 2] == 'a' ? 'b' : 'a';
  return json_string(text);
}

typedef struct tour {
  const sample *s;
  json_t *receipt;
  unsigned fields;
} tour;

static void assert_covered(tour *t, const char *path, json_t *parent, const char *key, size_t i)
{
  json_t *old = json_is_array(parent) ? json_array_get(parent, i) : json_object_get(parent, key);
  const ia_cover *cover = cover_of(path);
  ia_verdict v;

  json_incref(old);
  json_t *other = changed(old);
  if (json_is_array(parent))
    assert_int_equal(json_array_set_new(parent, i, other), 0);
  else
    assert_int_equal(json_object_set_new(parent, key, other), 0);
  verify(&v, t->s, t->receipt, NULL);
  if (!cover || v.ok || !fails(&v, cover->check))
    print_error("%s: %s, fails with %s %s\n", path, cover ? cover->check : "no cover",
                ia_code_name(v.code), v.ok ? "NOTHING" : "");
  assert_non_null(cover);
  assert_true(fails(&v, cover->check));
  if (json_is_array(parent))
    assert_int_equal(json_array_set_new(parent, i, old), 0);
  else
    assert_int_equal(json_object_set_new(parent, key, old), 0);
  t->fields++;
}

static void walk(tour *t, json_t *v, const char *path)
{
  char sub[256];
  const char *key;
  json_t *child;
  size_t i;
  void *next;

  json_object_foreach_safe(v, next, key, child)
  {
    (void)snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "." : "", key);
    if (json_is_object(child) || json_is_array(child))
      walk(t, child, sub);
    else
      assert_covered(t, sub, v, key, 0);
  }
  (void)snprintf(sub, sizeof(sub), "%s[]", path);
  json_array_foreach (v, i, child) {
    if (json_is_object(child))
      walk(t, child, sub);
    else
      assert_covered(t, sub, v, NULL, i);
  }
}

static void every_changed_field_is_noticed(void **state)
{
  IA_AUTO_JSON *r = receipt_of(*state);
  tour t = {*state, r, 0};

  walk(&t, r, "");
  assert_in_range(t.fields, 60, 200);
}

/* A member more anywhere, or one less. */
static void added_and_removed_fields_are_noticed(void **state)
{
  const sample *s = *state;
  static const char *const parts[] = {"",       "run",    "release", "settlement",
                                      "orders", "assets", "evidence"};
  ia_verdict v;

  for (size_t i = 0; i < IA_COUNT(parts); i++) {
    IA_AUTO_JSON *r = receipt_of(s);
    json_t *at = *parts[i] ? json_object_get(r, parts[i]) : r;

    assert_int_equal(json_object_set_new(at, "extra", json_string("uncovered")), 0);
    verify(&v, s, r, NULL);
    assert_false(v.ok);
    assert_int_equal(json_object_del(at, "extra"), 0);
    if (!*parts[i])
      continue;
    assert_int_equal(json_object_del(r, parts[i]), 0);
    verify(&v, s, r, NULL);
    assert_false(v.ok);
  }
}

/* Members of the texts that are signed as a whole: the record's, resigned by nobody. */
static void signed_texts_are_whole(void **state)
{
  const sample *s = *state;
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *record = NULL;
  const char *key;
  json_t *old;
  void *next;

  assert_true(ia_record_text(&text, &s->record, NULL));
  record = ia_json_parse(ia_buf_view(&text), 0, NULL);
  json_object_foreach_safe(record, next, key, old)
  {
    IA_AUTO_JSON *r = receipt_of(s);
    IA_AUTO_JSON *copy = json_deep_copy(record);
    IA_AUTOV(ia_buf) other = {0};
    ia_verdict v;

    if (!json_is_string(old) && !json_is_integer(old))
      continue;
    assert_int_equal(json_object_set_new(copy, key, changed(old)), 0);
    assert_true(ia_json_canonical(&other, copy, NULL));
    assert_int_equal(json_object_set_new(json_object_get(r, "release"), "record",
                                         ia_json_bytes(ia_buf_view(&other))),
                     0);
    verify(&v, s, r, NULL);
    assert_true(fails(&v, "release-record"));
  }
}

static void unknown_anchors_are_named(void **state)
{
  sample *s = *state;
  IA_AUTO_JSON *r = receipt_of(s);
  ia_trust_sms *t = &s->trust->sms[0];
  ia_verdict v;

  t->sim_roots[0].b[0] ^= 1;
  verify(&v, s, r, NULL);
  assert_int_equal(v.code, IA_E_SIM_ROOT);
  t->sim_roots[0].b[0] ^= 1;
  t->guests[0].b[0] ^= 1;
  verify(&v, s, r, NULL);
  assert_int_equal(v.code, IA_E_UNKNOWN_GUEST);
  t->guests[0].b[0] ^= 1;
  t->app_registry.b[0] ^= 1;
  verify(&v, s, r, NULL);
  assert_int_equal(v.code, IA_E_ASSET_MISMATCH);
  t->app_registry.b[0] ^= 1;
  t->hub.b[0] ^= 1;
  verify(&v, s, r, NULL);
  assert_int_equal(v.code, IA_E_DOMAIN_MISMATCH);
  t->hub.b[0] ^= 1;
  t->key.b[0] ^= 1;
  verify(&v, s, r, NULL);
  assert_int_equal(v.code, IA_E_UNKNOWN_SMS);
  t->key.b[0] ^= 1;
  verify(&v, s, r, NULL);
  assert_true(v.ok);
}

/* The pool settles with an enclave key of its own making. */
static void a_pools_own_key_is_no_enclave(void **state)
{
  sample *s = *state;
  ia_verdict v;
  json_t *forged;

  assert_true(ia_run_sign(&forged, &s->stated, s->secp, &s->pool, NULL));
  json_decref(s->run);
  s->run = forged;
  IA_AUTO_JSON *r = receipt_of(s);
  verify(&v, s, r, NULL);
  assert_true(fails(&v, "release-run"));
  assert_false(v.completed);
}

static void a_task_without_an_enclave(void **state)
{
  sample *s = *state;
  ia_settlement st = {.domain = IA_DOMAIN_SIM, .chain_id = 1, .cause = "REGISTRY_UNREACHABLE"};
  IA_AUTOV(ia_buf) text = {0};
  json_t *part;
  ia_verdict v;

  assert_true(ia_settlement_sign(&part, &st, s->secp, &s->pool, NULL));
  ia_receipt_parts p = {.settlement = part};
  assert_true(ia_receipt_build(&text, &p, NULL));
  assert_true(ia_receipt_verify(&v, ia_buf_view(&text), NULL, s->trust, NULL));
  assert_true(v.ok);
  assert_false(v.completed);
  json_decref(part);
  /* the same of a task that did run: its other parts were cut off */
  IA_AUTO_JSON *r = receipt_of(s);
  IA_AUTO_JSON *cut = json_pack("{s:O}", "settlement", json_object_get(r, "settlement"));
  verify(&v, s, cut, NULL);
  assert_false(v.ok);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  static const struct CMUnitTest tests[] = {
      TEST(a_sound_receipt_verifies),       TEST(a_receipt_is_small),
      TEST(every_changed_field_is_noticed), TEST(added_and_removed_fields_are_noticed),
      TEST(signed_texts_are_whole),         TEST(unknown_anchors_are_named),
      TEST(a_pools_own_key_is_no_enclave),  TEST(a_task_without_an_enclave),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
