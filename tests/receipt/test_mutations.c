/* Every field and part of every kind of receipt: changed, the check that the table of covers names
 * fails; removed, emptied or doubled, nothing is proven. The same of every member of the texts that
 * are signed inside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hex.h"
#include "base/json.h"
#include "sample.h"

#define DOUBLE "@@double" /* a name that becomes that of another member */

/* What is walked: the receipt, or a text of one of its parts. */
typedef struct tour {
  const sample *s;
  json_t *receipt;
  json_t *part; /* of the receipt, holds the text; NULL: the receipt itself is walked */
  const char *member;
  bool base64;
  const char *check; /* that must fail when a member of the text is changed */
  json_t *root;      /* under change */
  unsigned fields, mutations;
} tour;

/* The text of a tree in which the marked member takes the name `twin`. */
static char *text_of(const json_t *v, const char *twin)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_autofree char *text = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
  const char *mark = strstr(text, "\"" DOUBLE "\"");

  assert_non_null(text);
  if (mark) {
    ia_buf_put(&out, text, (size_t)(mark - text));
    ia_buf_printf(&out, "\"%s\"%s", twin, mark + strlen("\"" DOUBLE "\""));
  } else {
    ia_buf_str(&out, text);
  }
  ia_buf_u8(&out, 0);
  assert_true(ia_buf_ok(&out, NULL));
  return strdup((const char *)out.ptr);
}

static void verify(ia_verdict *v, tour *t, const char *twin)
{
  ia_autofree char *inner = t->part ? text_of(t->root, twin) : NULL;

  if (inner) {
    ia_span text = ia_span_str(inner);
    json_t *held = t->base64 ? ia_json_base64(text) : ia_json_bytes(text);

    assert_int_equal(json_object_set_new(t->part, t->member, held), 0);
  }
  ia_autofree char *text = text_of(t->receipt, twin);
  assert_true(ia_receipt_verify(v, ia_span_str(text), NULL, t->s->trust, NULL));
}

static bool fails(const ia_verdict *v, const char *check)
{
  for (size_t i = 0; i < v->n; i++)
    if (v->check[i].state == IA_CHECK_FAIL && strcmp(v->check[i].name, check) == 0)
      return true;
  return false;
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
  if (json_is_boolean(v))
    return json_boolean(!json_is_true(v));
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

/* A place in the tree: a member of an object, or an element of a list. */
typedef struct place {
  json_t *parent;
  const char *key;
  size_t i;
  const char *path;
} place;

static json_t *at(const place *p)
{
  return p->key ? json_object_get(p->parent, p->key) : json_array_get(p->parent, p->i);
}

/* Takes v over. */
static void put(const place *p, json_t *v)
{
  assert_int_equal(p->key ? json_object_set_new(p->parent, p->key, v)
                          : json_array_set_new(p->parent, p->i, v),
                   0);
}

static void drop(const place *p)
{
  assert_int_equal(p->key ? json_object_del(p->parent, p->key) : json_array_remove(p->parent, p->i),
                   0);
}

static void assert_not_proven(tour *t, const place *p, const char *what)
{
  ia_verdict v;

  verify(&v, t, p->key);
  if (v.outcome == IA_PROVEN || v.completed)
    fail_msg("%s %s is neutral", p->path, what);
  t->mutations++;
}

/* A change of the value is found by who covers it. */
static void try_changed(tour *t, const place *p)
{
  json_t *old = json_incref(at(p));
  const ia_cover *cover = t->part ? NULL : cover_of(p->path);
  const char *check = t->part ? t->check : cover ? cover->check : "no cover";
  ia_verdict v;

  put(p, changed(old));
  verify(&v, t, NULL);
  /* a text that is no settlement any more has no signer to compare */
  bool seen = fails(&v, check) || (t->part && fails(&v, "settlement-signature"));
  if (!seen || v.outcome != IA_REFUSED)
    fail_msg("%s: %s does not fail: %s", p->path, check, ia_code_name(v.code));
  put(p, old);
  t->fields++;
}

static void try_removed(tour *t, const place *p)
{
  json_t *old = json_incref(at(p));

  drop(p);
  assert_not_proven(t, p, "removed");
  if (p->key)
    put(p, old);
  else
    assert_int_equal(json_array_insert_new(p->parent, p->i, old), 0);
}

/* null, and what is empty of its own kind. */
static void try_emptied(tour *t, const place *p)
{
  json_t *old = json_incref(at(p));
  json_t *empty[3] = {json_null()};
  size_t n = 1;

  if (json_is_string(old)) {
    empty[n++] = json_string("");
    empty[n++] = json_string("0x");
  } else {
    empty[n++] = json_is_object(old)    ? json_object()
                 : json_is_array(old)   ? json_array()
                 : json_is_integer(old) ? json_integer(0)
                                        : json_false();
  }
  for (size_t i = 0; i < n; i++) {
    if (json_equal(empty[i], old)) {
      json_decref(empty[i]);
      continue;
    }
    put(p, empty[i]);
    assert_not_proven(t, p, "emptied");
  }
  put(p, old);
}

/* A second member of the same name, a second element of the list. */
static void try_doubled(tour *t, const place *p)
{
  json_t *twin = json_deep_copy(at(p));

  if (p->key) {
    assert_int_equal(json_object_set_new(p->parent, DOUBLE, twin), 0);
    assert_not_proven(t, p, "doubled");
    assert_int_equal(json_object_del(p->parent, DOUBLE), 0);
    return;
  }
  assert_int_equal(json_array_insert_new(p->parent, p->i, twin), 0);
  assert_not_proven(t, p, "doubled");
  assert_int_equal(json_array_remove(p->parent, p->i), 0);
}

static void try_added(tour *t, json_t *obj, const char *path)
{
  const place p = {.parent = obj, .key = "extra", .path = path};

  assert_int_equal(json_object_set_new(obj, "extra", json_string("uncovered")), 0);
  assert_not_proven(t, &p, "with a member more");
  assert_int_equal(json_object_del(obj, "extra"), 0);
}

static void walk(tour *t, json_t *v, const char *path);

static void visit(tour *t, const place *p)
{
  bool leaf = !json_is_object(at(p)) && !json_is_array(at(p));

  if (leaf)
    try_changed(t, p);
  try_removed(t, p);
  try_emptied(t, p);
  try_doubled(t, p);
  if (!leaf)
    walk(t, at(p), p->path);
}

static void walk(tour *t, json_t *v, const char *path)
{
  IA_AUTO_JSON *names = json_is_object(v) ? json_copy(v) : NULL;
  char sub[256];
  const char *key;
  json_t *child;

  if (names)
    try_added(t, v, path);
  json_object_foreach (names, key, child) {
    (void)snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "." : "", key);
    visit(t, &(place){.parent = v, .key = key, .path = sub});
  }
  (void)snprintf(sub, sizeof(sub), "%s[]", path);
  for (size_t i = 0; i < json_array_size(v); i++)
    visit(t, &(place){.parent = v, .i = i, .path = sub});
}

static json_t *receipt_of(const sample *s)
{
  IA_AUTOV(ia_buf) text = {0};

  sample_receipt(&text, s);
  json_t *v = ia_json_parse(ia_buf_view(&text), 0, NULL);
  assert_non_null(v);
  return v;
}

static void assert_sound(tour *t)
{
  ia_verdict v;

  verify(&v, t, NULL);
  if (v.outcome != IA_PROVEN)
    fail_msg("%s", ia_verdict_reason(&v)->text);
}

static void mutate_receipt(const sample *s)
{
  IA_AUTO_JSON *r = receipt_of(s);
  tour t = {.s = s, .receipt = r, .root = r};

  assert_sound(&t);
  walk(&t, r, "");
  assert_sound(&t);
  assert_in_range(t.fields, s->kind == SAMPLE_ALONE ? 5 : 60, 200);
  assert_true(t.mutations > 4 * t.fields);
}

/* The texts inside are signed whole: no member of them can be changed, removed or doubled. */
static void mutate_text(const sample *s, const char *part, const char *member, const char *check,
                        unsigned least)
{
  IA_AUTO_JSON *r = receipt_of(s), *root = NULL;
  IA_AUTOV(ia_buf) raw = {0};
  tour t = {.s = s,
            .receipt = r,
            .part = json_object_get(r, part),
            .member = member,
            .base64 = strcmp(part, "run") == 0,
            .check = check};

  if (!t.part)
    return;
  if (t.base64)
    assert_true(ia_json_get_base64(t.part, member, &raw, NULL));
  else
    ia_buf_str(&raw, json_string_value(json_object_get(t.part, member)));
  t.root = root = ia_json_parse(ia_buf_view(&raw), 0, NULL);
  assert_non_null(root);
  assert_sound(&t);
  walk(&t, root, part);
  assert_sound(&t);
  assert_in_range(t.fields, least, 200);
}

static void mutations(sample_kind kind)
{
  sample *s = calloc(1, sizeof(*s));

  assert_non_null(s);
  sample_make_kind(s, kind, ia_span_str("sealed result"));
  mutate_receipt(s);
  mutate_text(s, "run", "payload", "run-signature", 30);
  mutate_text(s, "release", "record", "release-record", 28);
  mutate_text(s, "settlement", "text", "settlement-pool", 9);
  sample_free(s);
  free(s);
}

#define MUTATIONS(name, kind)                                                                      \
  static void name(void **state)                                                                   \
  {                                                                                                \
    (void)state;                                                                                   \
    mutations(kind);                                                                               \
  }
MUTATIONS(of_a_completed_task, SAMPLE_COMPLETED)
MUTATIONS(of_a_bulk_task, SAMPLE_BULK)
MUTATIONS(of_a_failed_task, SAMPLE_FAILED)
MUTATIONS(of_a_second_attempt, SAMPLE_ATTEMPTS)
MUTATIONS(of_presigned_orders, SAMPLE_PRESIGNED)
MUTATIONS(of_a_settlement_alone, SAMPLE_ALONE)

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(of_a_completed_task), cmocka_unit_test(of_a_bulk_task),
      cmocka_unit_test(of_a_failed_task),    cmocka_unit_test(of_a_second_attempt),
      cmocka_unit_test(of_presigned_orders), cmocka_unit_test(of_a_settlement_alone),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
