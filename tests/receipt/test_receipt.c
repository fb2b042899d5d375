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
#include "poco/orders.h"
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

static int setup_bulk(void **state)
{
  sample *s = calloc(1, sizeof(*s));

  if (!s)
    return -1;
  sample_make_bulk(s, ia_span_str(result_bytes));
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

/* -- the texts inside, each signed as a whole: no member of them can be changed -- */
typedef struct inside {
  const sample *s;
  json_t *receipt;
  json_t *part;       /* of the receipt, holds the text */
  const char *member; /* of the part */
  bool base64;
  json_t *text;      /* parsed, under change */
  const char *check; /* what must fail */
  unsigned fields;
} inside;

static void put_text(const inside *in)
{
  IA_AUTOV(ia_buf) text = {0};

  assert_true(ia_json_canonical(&text, in->text, NULL));
  json_t *v = in->base64 ? ia_json_base64(ia_buf_view(&text)) : ia_json_bytes(ia_buf_view(&text));
  assert_int_equal(json_object_set_new(in->part, in->member, v), 0);
}

static void assert_signed(inside *in, json_t *parent, const char *key, size_t i)
{
  json_t *old = json_is_array(parent) ? json_array_get(parent, i) : json_object_get(parent, key);
  json_t *other = json_is_boolean(old) ? json_boolean(!json_is_true(old)) : NULL;
  ia_verdict v;

  json_incref(old);
  if (!other)
    other = changed(old);
  assert_int_equal(json_is_array(parent) ? json_array_set_new(parent, i, other)
                                         : json_object_set_new(parent, key, other),
                   0);
  put_text(in);
  verify(&v, in->s, in->receipt, NULL);
  /* a text that is no settlement any more has no signer to compare */
  bool seen = fails(&v, in->check) || fails(&v, "settlement-signature");
  if (!seen)
    print_error("%s of %s: want %s\n", key ? key : "item", in->member, in->check);
  assert_true(seen);
  assert_int_equal(json_is_array(parent) ? json_array_set_new(parent, i, old)
                                         : json_object_set_new(parent, key, old),
                   0);
  in->fields++;
}

static void walk_inside(inside *in, json_t *v)
{
  const char *key;
  json_t *child;
  size_t i;
  void *next;

  json_object_foreach_safe(v, next, key, child)
  {
    if (json_is_object(child) || json_is_array(child))
      walk_inside(in, child);
    else
      assert_signed(in, v, key, 0);
  }
  json_array_foreach (v, i, child) {
    if (json_is_object(child) || json_is_array(child))
      walk_inside(in, child);
    else
      assert_signed(in, v, NULL, i);
  }
}

static void signed_texts_are_whole(void **state)
{
  static const struct {
    const char *part, *member, *check;
    bool base64;
    unsigned least;
  } texts[] = {{"run", "payload", "run-signature", true, 30},
               {"release", "record", "release-record", false, 24},
               {"settlement", "text", "sign-workerpool", false, 9}};

  for (size_t i = 0; i < IA_COUNT(texts); i++) {
    IA_AUTO_JSON *r = receipt_of(*state);
    IA_AUTOV(ia_buf) raw = {0};
    inside in = {.s = *state,
                 .receipt = r,
                 .part = json_object_get(r, texts[i].part),
                 .member = texts[i].member,
                 .base64 = texts[i].base64,
                 .check = texts[i].check};
    json_t *held = json_object_get(in.part, in.member);
    ia_verdict v;

    if (in.base64)
      assert_true(ia_json_get_base64(in.part, in.member, &raw, NULL));
    else
      ia_buf_str(&raw, json_string_value(held));
    in.text = ia_json_parse(ia_buf_view(&raw), 0, NULL);
    assert_non_null(in.text);
    walk_inside(&in, in.text);
    assert_in_range(in.fields, texts[i].least, 200);
    put_text(&in);
    verify(&v, in.s, r, NULL);
    assert_true(v.ok); /* as it was */
    json_decref(in.text);
  }
}

static bool not_proven(const ia_verdict *v, const char *words)
{
  for (size_t i = 0; i < v->n_unproven; i++)
    if (strstr(v->unproven[i], words))
      return true;
  return false;
}

/* An order by a later owner: proven as hers where the service found her, and said to be its
 * finding.
 */
static void assets_may_have_been_handed_on(void **state)
{
  sample *s = *state;
  ia_verdict v;
  ia_sig sig;

  assert_true(ia_secp_sign(s->secp, &sig, &s->order_hash[IA_ORDER_APP], &s->requester, NULL));
  assert_int_equal(json_object_set_new(json_object_get(s->orders, "app"), "sign",
                                       ia_json_hex(IA_SPAN_ARR(sig.b))),
                   0);
  IA_AUTO_JSON *stranger = receipt_of(s);
  verify(&v, s, stranger, NULL);
  assert_true(fails(&v, "sign-app"));
  s->record.app_owner = s->requester_a;
  sample_release(s);
  IA_AUTO_JSON *sold = receipt_of(s);
  verify(&v, s, sold, NULL);
  assert_true(v.ok);
  assert_true(not_proven(&v, "handed it on"));
}

/* A service that listens to simulations elsewhere says so in every record. */
static void simulation_from_elsewhere_is_said(void **state)
{
  sample *s = *state;
  ia_verdict v;

  s->record.remote_simulation = true;
  sample_release(s);
  IA_AUTO_JSON *r = receipt_of(s);
  verify(&v, s, r, NULL);
  assert_true(v.ok);
  assert_true(not_proven(&v, "from other machines"));
}

/* Everything on the ledger's word is said, however much it is. */
static void every_word_of_the_ledger_is_said(void **state)
{
  sample *s = *state;
  char words[16][IA_RECORD_WORD];
  ia_verdict v;

  for (size_t i = 0; i < IA_COUNT(words); i++)
    (void)snprintf(words[i], sizeof(words[i]), "whitelist:0x%040zu", i);
  s->record.by_ledger = words;
  s->record.n_by_ledger = IA_COUNT(words);
  sample_release(s);
  s->record.by_ledger = NULL;
  s->record.n_by_ledger = 0;
  IA_AUTO_JSON *r = receipt_of(s);
  verify(&v, s, r, NULL);
  assert_true(v.ok);
  for (size_t i = 0; i < IA_COUNT(words); i++)
    assert_true(not_proven(&v, words[i]));
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
  ia_settlement st = {.domain = IA_DOMAIN_SIM, .chain_id = 1, .cause = "CHAIN_UNREACHABLE"};
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

/* The list of a bulk task: as long as the record says, each at its place, the refused ones bare. */
static void a_slice_is_whole(void **state)
{
  sample *s = *state;
  ia_verdict v;

  for (int change = 0; change < 5; change++) {
    IA_AUTO_JSON *r = receipt_of(s);
    json_t *slice = json_object_get(json_object_get(r, "orders"), "slice");
    json_t *data = json_object_get(json_object_get(r, "assets"), "datasets");

    if (change == 1) /* the refused one is left out */
      assert_int_equal(json_array_remove(slice, 1), 0);
    if (change == 2)
      assert_int_equal(json_array_remove(data, 1), 0);
    if (change == 3) /* it is shown as if it had been released */
      assert_int_equal(json_array_set(slice, 1, json_array_get(slice, 0)), 0);
    if (change == 4) /* with more than the hash of the inputs covers */
      assert_int_equal(
          json_object_set_new(json_array_get(data, 1), "owner", ia_json_addr(&s->owner_a)), 0);
    verify(&v, s, r, result_bytes);
    assert_int_equal(v.ok, change == 0);
    assert_true(change == 0 || fails(&v, change % 2 == 1 ? "orders-slice" : "asset-datasets"));
  }
  IA_AUTO_JSON *sound = receipt_of(s);
  verify(&v, s, sound, NULL);
  bool said = false;
  for (size_t i = 0; i < v.n; i++)
    said = said || (strcmp(v.check[i].name, "refused") == 0 && strstr(v.check[i].text, "REVOKED"));
  assert_true(said);
}

#define BULK(f) cmocka_unit_test_setup_teardown(f, setup_bulk, teardown)
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  static const struct CMUnitTest tests[] = {
      TEST(a_sound_receipt_verifies),
      TEST(a_receipt_is_small),
      TEST(every_changed_field_is_noticed),
      TEST(added_and_removed_fields_are_noticed),
      TEST(signed_texts_are_whole),
      TEST(unknown_anchors_are_named),
      TEST(a_pools_own_key_is_no_enclave),
      TEST(a_task_without_an_enclave),
      TEST(assets_may_have_been_handed_on),
      TEST(every_word_of_the_ledger_is_said),
      TEST(simulation_from_elsewhere_is_said),
      BULK(a_sound_receipt_verifies),
      BULK(every_changed_field_is_noticed),
      BULK(added_and_removed_fields_are_noticed),
      BULK(signed_texts_are_whole),
      BULK(a_slice_is_whole),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
