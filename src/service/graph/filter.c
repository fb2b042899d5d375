/* Filters as SQL. A filter is an object of tests that all must hold. */
#include <stdio.h>
#include <string.h>

#include "service/graph/query.h"
#include "service/graph/store.h"

static bool conditions(graph_sql *s, const graph_entity *t, unsigned alias, const json_t *filter,
                       ia_err *e);

/* A value as it lies in the store: ids in lower case, numbers coded. */
static bool stored(const graph_field *f, const json_t *v, json_t **out, ia_err *e)
{
  ia_span text = ia_span_of(json_string_value(v), json_string_length(v));
  graph_big big;

  if (!json_is_string(v)) {
    *out = json_deep_copy(v);
    return true;
  }
  switch (f->kind) {
  case GRAPH_BIG:
  case GRAPH_RLC:
    if (!graph_big_parse(&big, text, f->kind == GRAPH_RLC ? 9 : 0, e))
      return false;
    *out = json_string(big.s);
    return true;
  case GRAPH_NUMBER:
    /* times and blocks: beyond 63 bits is above all, or below */
    *out = json_integer(text.len > 18 ? (text.ptr[0] == '-' ? INT64_MIN : INT64_MAX)
                                      : strtoll(json_string_value(v), NULL, 10));
    return true;
  case GRAPH_STRING: *out = json_incref((json_t *)v); return true;
  default: break;
  }
  /* ids are hex in lower case, but for names, which have a colon */
  *out = json_deep_copy(v);
  if (text.len > 2 && text.ptr[0] == '0' && (text.ptr[1] | 0x20) == 'x' &&
      !memchr(text.ptr, ':', text.len)) {
    ia_autofree char *lower = strdup(json_string_value(v));

    for (char *c = lower; c && *c; c++)
      *c = *c >= 'A' && *c <= 'Z' ? (char)(*c | 0x20) : *c;
    if (lower && json_string_set(*out, lower) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for a filter");
  }
  return true;
}

static bool operand(graph_sql *s, const graph_field *f, const json_t *v, ia_err *e)
{
  json_t *value = NULL;

  if (!stored(f, v, &value, e))
    return false;
  graph_sql_param(s, value);
  return true;
}

/* One row of a list for each wanted value: json_each of one parameter. */
static bool members(graph_sql *s, const graph_field *f, const json_t *list, ia_err *e)
{
  json_t *values = json_array(), *item, *value = NULL;
  size_t i;

  json_array_foreach ((json_t *)list, i, item) {
    if (!stored(f, item, &value, e) || json_array_append_new(values, value) != 0) {
      json_decref(values);
      return false;
    }
  }
  ia_buf_str(&s->text, "(SELECT value FROM json_each(");
  graph_sql_param(s, values);
  ia_buf_str(&s->text, "))");
  return true;
}

static bool compare(graph_sql *s, const graph_input *in, unsigned alias, const json_t *v, ia_err *e)
{
  static const char *const signs[] = {
      [GRAPH_IS] = " IS ", [GRAPH_IS_NOT] = " IS NOT ", [GRAPH_GT] = " > ",
      [GRAPH_LT] = " < ",  [GRAPH_GTE] = " >= ",        [GRAPH_LTE] = " <= ",
      [GRAPH_IN] = " IN ", [GRAPH_NOT_IN] = " NOT IN "};

  graph_sql_field(s, in->field, alias);
  /* "=" and not "IS": only that one uses indexes well */
  ia_buf_str(&s->text, in->op == GRAPH_IS && !json_is_null(v) ? " = " : signs[in->op]);
  if (in->op < GRAPH_IN)
    return operand(s, in->field, v, e);
  if (json_is_null(v))
    return ia_fail(e, IA_E_INVALID, "%s: a list is wanted, not null", in->name.s);
  return members(s, in->field, v, e);
}

/* contains, starts, ends: ops come in fours: plain, nocase, not, not nocase */
static bool part(graph_sql *s, const graph_input *in, unsigned alias, const json_t *v, ia_err *e)
{
  unsigned k = (unsigned)(in->op - GRAPH_CONTAINS);
  bool nocase = k % 2 == 1, negated = k % 4 >= 2;
  const char *fold = nocase ? "lower(" : "(";
  json_t *value = NULL;

  if (json_is_null(v))
    return ia_fail(e, IA_E_INVALID, "%s: a text is wanted, not null", in->name.s);
  if (!stored(in->field, v, &value, e))
    return false;
  const char *text = json_string_value(value);
  size_t n = 0; /* characters */
  for (const char *c = text; c && *c; c++)
    n += (*c & 0xc0) != 0x80;
  ia_buf_str(&s->text, negated ? "NOT " : "");
  if (k >= 4 && n == 0) { /* every text begins and ends with nothing */
    json_decref(value);
    ia_buf_u8(&s->text, '1');
    return true;
  }
  if (k < 4) {
    /* part of a hex text wherever it stands: without its 0x */
    if (in->field->kind == GRAPH_BYTES && text && strncmp(text, "0x", 2) == 0) {
      json_t *bare = json_string(text + 2);

      json_decref(value);
      value = bare;
    }
    ia_buf_printf(&s->text, "instr(%s", fold);
    graph_sql_field(s, in->field, alias);
    ia_buf_printf(&s->text, "), %s", fold);
    graph_sql_param(s, value);
    ia_buf_str(&s->text, ")) > 0");
    return true;
  }
  ia_buf_printf(&s->text, "substr(%s", fold);
  graph_sql_field(s, in->field, alias);
  if (k < 8)
    ia_buf_printf(&s->text, "), 1, %zu) = %s", n, fold);
  else
    ia_buf_printf(&s->text, "), -%zu) = %s", n, fold);
  graph_sql_param(s, value);
  ia_buf_u8(&s->text, ')');
  return true;
}

/* "EXISTS (SELECT 1 FROM link ..": some member of the list */
static unsigned list_open(graph_sql *s, const graph_field *f, unsigned alias)
{
  unsigned l = ++s->aliases;

  ia_buf_printf(&s->text,
                "EXISTS (SELECT 1 FROM link t%u WHERE t%u.list = '%s' AND t%u.owner = t%u.id"
                " AND ",
                l, l, f->sql, l, alias);
  return l;
}

static bool list_equals(graph_sql *s, const graph_input *in, unsigned alias, const json_t *v,
                        ia_err *e)
{
  IA_AUTOV(ia_buf) all = {0};
  json_t *item;
  size_t i;

  if (json_is_null(v))
    return ia_fail(e, IA_E_INVALID, "%s: a list is wanted, not null", in->name.s);
  json_array_foreach ((json_t *)v, i, item)
    ia_buf_printf(&all, "%s%s", i ? "\n" : "", json_string_value(item));
  if (!ia_buf_ok(&all, e))
    return false;
  ia_buf_printf(&s->text,
                "coalesce((SELECT group_concat(target, char(10)) FROM (SELECT target FROM link"
                " WHERE list = '%s' AND owner = t%u.id ORDER BY place)), '') %s ",
                in->field->sql, alias, in->op == GRAPH_IS ? "=" : "<>");
  graph_sql_param(s, all.len ? ia_json_bytes(ia_buf_view(&all)) : json_string(""));
  return true;
}

/* All of them are in the list (contains), or not all of them. */
static bool list_contains(graph_sql *s, const graph_input *in, unsigned alias, const json_t *v,
                          ia_err *e)
{
  bool nocase = in->op == GRAPH_CONTAINS_NOCASE || in->op == GRAPH_NOT_CONTAINS_NOCASE;
  bool negated = in->op == GRAPH_NOT_CONTAINS || in->op == GRAPH_NOT_CONTAINS_NOCASE;
  json_t *item, *value = NULL;
  size_t i;

  ia_buf_str(&s->text, negated ? "NOT (1" : "(1");
  json_array_foreach ((json_t *)v, i, item) {
    if (++s->tests > GRAPH_TESTS_MAX)
      return ia_fail(e, IA_E_INVALID, "more than %d tests in filters", GRAPH_TESTS_MAX);
    const graph_field id = {.kind = GRAPH_ONE};
    if (!stored(&id, item, &value, e))
      return false;
    ia_buf_str(&s->text, " AND ");
    unsigned l = list_open(s, in->field, alias);
    ia_buf_printf(&s->text, nocase ? "lower(t%u.target) = lower(" : "t%u.target = (", l);
    graph_sql_param(s, value);
    ia_buf_str(&s->text, "))");
  }
  ia_buf_u8(&s->text, ')');
  return true;
}

/* field_: {..}: the other object, or one of them, passes a filter of its own. */
static bool nested(graph_sql *s, const graph_input *in, unsigned alias, const json_t *v, ia_err *e)
{
  const graph_field *f = in->field;
  const graph_entity *of = graph_of(s->schema, f);
  bool listed = f->kind == GRAPH_LIST || f->kind == GRAPH_LISTED;
  unsigned a = ++s->aliases, l = listed ? ++s->aliases : 0;

  if (json_is_null(v))
    return ia_fail(e, IA_E_INVALID, "%s: an object is wanted, not null", in->name.s);
  ia_buf_printf(&s->text, "EXISTS (SELECT 1 FROM %s t%u", of->table, a);
  if (f->kind == GRAPH_LIST)
    ia_buf_printf(&s->text,
                  " JOIN link t%u ON t%u.target = t%u.id WHERE t%u.list = '%s' AND t%u.owner ="
                  " t%u.id",
                  l, l, a, l, f->sql, l, alias);
  else if (f->kind == GRAPH_LISTED)
    ia_buf_printf(&s->text,
                  " JOIN link t%u ON t%u.owner = t%u.id WHERE t%u.list = '%s' AND t%u.target ="
                  " t%u.id",
                  l, l, a, l, f->sql, l, alias);
  else if (f->kind == GRAPH_ONE)
    ia_buf_printf(&s->text, " WHERE t%u.id = t%u.%s", a, alias, f->sql);
  else
    ia_buf_printf(&s->text, " WHERE t%u.%s = t%u.id", a, f->sql, alias);
  ia_buf_str(&s->text, " AND ");
  graph_sql_alive(s, a);
  graph_sql_kind(s, of, a);
  if (!graph_filter(s, of, a, v, e))
    return false;
  ia_buf_u8(&s->text, ')');
  return true;
}

static bool either(graph_sql *s, const graph_entity *t, unsigned alias, const graph_input *in,
                   const json_t *v, ia_err *e)
{
  json_t *item;
  size_t i;

  if (!json_is_array(v) || json_array_size(v) == 0) {
    ia_buf_u8(&s->text, '1'); /* an empty list asks for nothing */
    return true;
  }
  ia_buf_u8(&s->text, '(');
  json_array_foreach ((json_t *)v, i, item) {
    ia_buf_str(&s->text, i == 0 ? "(" : in->op == GRAPH_OR ? " OR (" : " AND (");
    if (!conditions(s, t, alias, item, e))
      return false;
    ia_buf_u8(&s->text, ')');
  }
  ia_buf_u8(&s->text, ')');
  return true;
}

static bool test(graph_sql *s, const graph_entity *t, unsigned alias, const graph_input *in,
                 const json_t *v, ia_err *e)
{
  switch (in->op) {
  case GRAPH_AND:
  case GRAPH_OR: return either(s, t, alias, in, v, e);
  case GRAPH_NESTED: return nested(s, in, alias, v, e);
  case GRAPH_CHANGED:
    ia_buf_printf(&s->text, "t%u.since >= ", alias);
    graph_sql_param(s, json_deep_copy(json_object_get(v, "number_gte")));
    return true;
  default: break;
  }
  if (in->field->kind == GRAPH_LIST)
    return in->op < GRAPH_CONTAINS ? list_equals(s, in, alias, v, e)
                                   : list_contains(s, in, alias, v, e);
  return in->op < GRAPH_CONTAINS ? compare(s, in, alias, v, e) : part(s, in, alias, v, e);
}

static bool conditions(graph_sql *s, const graph_entity *t, unsigned alias, const json_t *filter,
                       ia_err *e)
{
  graph_name type;
  const char *key;
  json_t *v;

  (void)snprintf(type.s, sizeof(type.s), "%s_filter", t->name);
  ia_buf_u8(&s->text, '1');
  json_object_foreach ((json_t *)filter, key, v) {
    graph_input in;

    if (++s->tests > GRAPH_TESTS_MAX)
      return ia_fail(e, IA_E_INVALID, "more than %d tests in filters", GRAPH_TESTS_MAX);
    if (!graph_input_find(s->schema, ia_span_str(type.s), ia_span_str(key), &in))
      return ia_fail(e, IA_E_INTERNAL, "%s has no %.40s", type.s, key);
    ia_buf_str(&s->text, " AND ");
    if (!test(s, t, alias, &in, v, e))
      return false;
  }
  return true;
}

bool graph_filter(graph_sql *s, const graph_entity *t, unsigned alias, const json_t *filter,
                  ia_err *e)
{
  ia_buf_str(&s->text, " AND (");
  if (json_is_object(filter) && !conditions(s, t, alias, filter, e))
    return false;
  ia_buf_str(&s->text, json_is_object(filter) ? ")" : "1)");
  return ia_buf_ok(&s->text, e);
}
