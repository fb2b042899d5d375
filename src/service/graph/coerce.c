/* Values: literals and variables become JSON of the type that is wanted (October 2021, section
 * 3 "Input Coercion"). Text scalars stand for one another, as the clients of subgraphs expect:
 * what a value must be is judged where it is used. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "service/graph/query.h"

/* A scalar as it came, from a document or from JSON. */
typedef struct raw {
  ia_gql_kind kind;
  ia_span text;
  bool boolean;
  bool json; /* enumerations are strings there */
  size_t at;
} raw;

bool graph_refuse(graph_query *q, size_t at, ia_err *e, const char *fmt, ...)
{
  char what[180];
  va_list ap;

  va_start(ap, fmt);
  if (vsnprintf(what, sizeof(what), fmt, ap) < 0)
    what[0] = '\0';
  va_end(ap);
  q->at = at;
  q->placed = true;
  return ia_fail(e, IA_E_INVALID, "%s", what);
}

bool graph_count_work(graph_query *q, size_t at, ia_err *e)
{
  return ++q->spent->work <= GRAPH_WORK_MAX ||
         graph_refuse(q, at, e, "a query of more than %d selections and values", GRAPH_WORK_MAX);
}

#define SHOWN(s) ia_gql_shown(s), (const char *)(s).ptr

static bool wrong(graph_query *q, const raw *v, ia_span type, ia_err *e)
{
  return graph_refuse(q, v->at, e, "%.*s is wanted, not %s%.*s", SHOWN(type),
                      v->kind == IA_GQL_NULL ? "null" : "", SHOWN(v->text));
}

static bool integer(const raw *v, int64_t *out)
{
  bool minus = v->text.len > 0 && v->text.ptr[0] == '-';
  int64_t n = 0;

  for (size_t i = minus; i < v->text.len; i++)
    if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, v->text.ptr[i] - '0', &n))
      return false;
  *out = minus ? -n : n;
  return *out >= INT32_MIN && *out <= INT32_MAX;
}

/* Digits with a sign; a point where `point`. */
static bool is_decimal(ia_span s, bool point)
{
  size_t digits = 0;

  for (size_t i = 0; i < s.len; i++) {
    bool digit = s.ptr[i] >= '0' && s.ptr[i] <= '9';

    digits += digit;
    if (!digit && !(i == 0 && s.ptr[i] == '-') && !(point && s.ptr[i] == '.'))
      return false;
  }
  return digits > 0 && digits <= 78;
}

static json_t *bytes_value(ia_span s)
{
  IA_AUTOV(ia_buf) b = {0};
  bool prefix = s.len >= 2 && s.ptr[0] == '0' && (s.ptr[1] == 'x' || s.ptr[1] == 'X');

  ia_buf_str(&b, prefix ? "0x" : "");
  for (size_t i = prefix ? 2 : 0; i < s.len; i++) {
    uint8_t c = s.ptr[i] >= 'A' && s.ptr[i] <= 'F' ? (uint8_t)(s.ptr[i] | 0x20) : s.ptr[i];

    if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
      return NULL;
    ia_buf_u8(&b, c);
  }
  return b.bad ? NULL : ia_json_bytes(ia_buf_view(&b));
}

static json_t *scalar(const raw *v, ia_span type)
{
  bool text = v->kind == IA_GQL_STRING, whole = v->kind == IA_GQL_INT;
  int64_t n;

  if (ia_span_is(type, "Boolean"))
    return v->kind == IA_GQL_BOOLEAN ? json_boolean(v->boolean) : NULL;
  if (ia_span_is(type, "String"))
    return text ? ia_json_bytes(v->text) : NULL;
  if (ia_span_is(type, "ID"))
    return text || whole ? ia_json_bytes(v->text) : NULL;
  if (ia_span_is(type, "Bytes"))
    return text ? bytes_value(v->text) : NULL;
  if (ia_span_is(type, "Int"))
    return whole && integer(v, &n) ? json_integer(n) : NULL;
  if (ia_span_is(type, "BigInt"))
    return (text || whole) && is_decimal(v->text, false) ? ia_json_bytes(v->text) : NULL;
  return (text || whole || v->kind == IA_GQL_FLOAT) && is_decimal(v->text, true)
             ? ia_json_bytes(v->text)
             : NULL;
}

/* A value of a named type that is no input object. */
static bool leaf(graph_query *q, json_t **out, ia_span type, const raw *v, ia_err *e)
{
  graph_sort sort = graph_type_sort(q->schema, type);

  if (v->kind == IA_GQL_NULL) {
    *out = json_null();
    return true;
  }
  if (sort == GRAPH_ENUMERATION && v->kind == (v->json ? IA_GQL_STRING : IA_GQL_ENUM)) {
    if (!graph_enum_has(q->schema, type, v->text))
      return graph_refuse(q, v->at, e, "%.*s is no value of %.*s", SHOWN(v->text), SHOWN(type));
    *out = ia_json_bytes(v->text);
  } else {
    *out = sort == GRAPH_SCALAR ? scalar(v, type) : NULL;
  }
  return *out || wrong(q, v, type, e);
}

static bool set_item(json_t *list, json_t *item, ia_err *e)
{
  return json_array_append_new(list, item ? item : json_null()) == 0 ||
         ia_fail(e, IA_E_MEMORY, "no memory for a value");
}

/* -- JSON -- */
static bool from_json(graph_query *q, json_t **out, ia_span type, const json_t *v, size_t at,
                      ia_err *e);

static bool json_fields(graph_query *q, json_t *into, ia_span type, const json_t *v, size_t at,
                        ia_err *e)
{
  json_t *item;
  const char *key;

  json_object_foreach ((json_t *)v, key, item) {
    graph_input in;
    json_t *value = NULL;

    if (!graph_input_find(q->schema, type, ia_span_str(key), &in))
      return graph_refuse(q, at, e, "%.*s has no field \"%.40s\"", SHOWN(type), key);
    if (!from_json(q, &value, ia_span_str(in.type.s), item, at, e) ||
        !ia_json_set(into, key, value, e))
      return false;
  }
  return true;
}

static bool json_list(graph_query *q, json_t **out, ia_span type, const json_t *v, size_t at,
                      ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  size_t n = json_is_array(v) ? json_array_size(v) : 1;

  for (size_t i = 0; i < n; i++) {
    json_t *item = NULL;

    if (!from_json(q, &item, type, json_is_array(v) ? json_array_get(v, i) : v, at, e) ||
        !set_item(list, item, e))
      return false;
  }
  *out = json_incref(list);
  return true;
}

static bool json_leaf(graph_query *q, json_t **out, ia_span type, const json_t *v, size_t at,
                      ia_err *e)
{
  raw r = {.json = true, .at = at, .boolean = json_is_true(v)};
  char number[64] = "";

  r.text = ia_span_str(number);
  if (json_is_string(v)) {
    r.kind = IA_GQL_STRING;
    r.text = ia_span_of(json_string_value(v), json_string_length(v));
  } else if (json_is_integer(v)) {
    r.kind = IA_GQL_INT;
    (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
    r.text = ia_span_str(number);
  } else if (json_is_real(v)) {
    double d = json_real_value(v);

    /* JavaScript has no integers: 1e9 is one all the same */
    r.kind = d == floor(d) && fabs(d) < 9007199254740992.0 ? IA_GQL_INT : IA_GQL_FLOAT;
    (void)snprintf(number, sizeof(number), r.kind == IA_GQL_INT ? "%.0f" : "%.9f",
                   fabs(d) < 1e40 ? d : 0.0);
    r.text = ia_span_str(number);
  } else {
    r.kind = json_is_boolean(v) ? IA_GQL_BOOLEAN : json_is_null(v) ? IA_GQL_NULL : IA_GQL_OBJECT;
  }
  return leaf(q, out, type, &r, e);
}

static bool from_json(graph_query *q, json_t **out, ia_span type, const json_t *v, size_t at,
                      ia_err *e)
{
  ia_span inner = type;

  if (graph_type_strict(&inner) && json_is_null(v))
    return graph_refuse(q, at, e, "%.*s is wanted, not null", SHOWN(type));
  if (json_is_null(v)) {
    *out = json_null();
    return true;
  }
  if (graph_type_list(&inner))
    return json_list(q, out, inner, v, at, e);
  if (graph_type_sort(q->schema, inner) != GRAPH_INPUT)
    return json_leaf(q, out, inner, v, at, e);
  if (!json_is_object(v))
    return graph_refuse(q, at, e, "%.*s is wanted: an object", SHOWN(inner));
  IA_AUTO_JSON *object = json_object();
  if (!json_fields(q, object, inner, v, at, e))
    return false;
  *out = json_incref(object);
  return true;
}

/* -- literals -- */
static const ia_gql_variable *declared(const graph_query *q, ia_span name)
{
  const ia_gql_variable *v = q->operation->variables;

  while (v && !ia_span_eq(v->name, name))
    v = v->next;
  return v;
}

static void type_text(ia_buf *out, const ia_gql_type *t)
{
  if (t->of) {
    ia_buf_u8(out, '[');
    type_text(out, t->of);
    ia_buf_u8(out, ']');
  } else {
    ia_buf_span(out, t->name);
  }
  if (t->non_null)
    ia_buf_u8(out, '!');
}

static ia_span core_of(const ia_gql_type *t)
{
  while (t->of)
    t = t->of;
  return t->name;
}

static bool variable(graph_query *q, json_t **out, ia_span type, const ia_gql_value *v, ia_err *e)
{
  const ia_gql_variable *d = declared(q, v->text);
  ia_span want = graph_type_core(type);

  if (!d)
    return graph_refuse(q, v->at, e, "variable \"$%.*s\" is not declared", SHOWN(v->text));
  bool scalars = graph_type_sort(q->schema, want) == GRAPH_SCALAR &&
                 graph_type_sort(q->schema, core_of(d->type)) == GRAPH_SCALAR;
  if (!scalars && !ia_span_eq(want, core_of(d->type)))
    return graph_refuse(q, v->at, e, "variable \"$%.*s\" is a %.*s, where %.*s is wanted",
                        SHOWN(v->text), SHOWN(core_of(d->type)), SHOWN(want));
  char name[128];
  (void)snprintf(name, sizeof(name), "%.*s", (int)v->text.len, (const char *)v->text.ptr);
  const json_t *value = json_object_get(q->variables, name);
  *out = NULL;
  if (value)
    return from_json(q, out, type, value, v->at, e);
  return !graph_type_strict(&type) ||
         graph_refuse(q, v->at, e, "variable \"$%.*s\" must be given", SHOWN(v->text));
}

static bool literal_fields(graph_query *q, json_t *into, ia_span type, const ia_gql_value *v,
                           ia_err *e)
{
  for (const ia_gql_value *f = v->first; f; f = f->next) {
    graph_input in;
    json_t *value = NULL;

    if (!graph_input_find(q->schema, type, f->name, &in))
      return graph_refuse(q, f->at, e, "%.*s has no field \"%.*s\"", SHOWN(type), SHOWN(f->name));
    if (json_object_get(into, in.name.s))
      return graph_refuse(q, f->at, e, "field \"%s\" stands twice", in.name.s);
    if (!graph_coerce(q, &value, ia_span_str(in.type.s), f, e) ||
        (value && !ia_json_set(into, in.name.s, value, e)))
      return false;
  }
  return true;
}

static bool literal_list(graph_query *q, json_t **out, ia_span type, const ia_gql_value *v,
                         ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  json_t *item = NULL;

  for (const ia_gql_value *i = v->first; i; i = i->next) {
    item = NULL;
    if (!graph_coerce(q, &item, type, i, e) || !set_item(list, item, e))
      return false;
  }
  if (v->kind != IA_GQL_LIST && (!graph_coerce(q, &item, type, v, e) || !set_item(list, item, e)))
    return false;
  *out = json_incref(list);
  return true;
}

bool graph_coerce(graph_query *q, json_t **out, ia_span type, const ia_gql_value *v, ia_err *e)
{
  ia_span inner = type;
  raw r = {v->kind, v->text, v->boolean, false, v->at};

  if (!graph_count_work(q, v->at, e))
    return false;
  if (v->kind == IA_GQL_VARIABLE)
    return variable(q, out, type, v, e);
  if (graph_type_strict(&inner) && v->kind == IA_GQL_NULL)
    return wrong(q, &r, type, e);
  if (v->kind == IA_GQL_NULL) {
    *out = json_null();
    return true;
  }
  if (graph_type_list(&inner))
    return literal_list(q, out, inner, v, e);
  if (graph_type_sort(q->schema, inner) != GRAPH_INPUT)
    return leaf(q, out, inner, &r, e);
  if (v->kind != IA_GQL_OBJECT)
    return graph_refuse(q, v->at, e, "%.*s is wanted: an object", SHOWN(inner));
  IA_AUTO_JSON *object = json_object();
  if (!literal_fields(q, object, inner, v, e))
    return false;
  *out = json_incref(object);
  return true;
}

/* -- variables of the operation -- */
static bool one_variable(graph_query *q, const ia_gql_variable *v, const json_t *given, ia_err *e)
{
  IA_AUTOV(ia_buf) type = {0};
  graph_sort sort = graph_type_sort(q->schema, core_of(v->type));
  char name[128];
  json_t *value = NULL;

  if (v->name.len >= sizeof(name))
    return graph_refuse(q, v->at, e, "a variable's name of more than 127 bytes");
  (void)snprintf(name, sizeof(name), "%.*s", (int)v->name.len, (const char *)v->name.ptr);
  for (const ia_gql_variable *o = q->operation->variables; o != v; o = o->next)
    if (ia_span_eq(o->name, v->name))
      return graph_refuse(q, v->at, e, "variable \"$%.40s\" is declared twice", name);
  if (sort == GRAPH_NO_TYPE || sort == GRAPH_OBJECT || sort == GRAPH_INTERFACE)
    return graph_refuse(q, v->at, e, "\"%.*s\" is no type of inputs", SHOWN(core_of(v->type)));
  type_text(&type, v->type);
  if (!ia_buf_ok(&type, e))
    return false;
  const json_t *had = json_object_get(given, name);
  if (had) {
    if (!from_json(q, &value, ia_buf_view(&type), had, v->at, e))
      return ia_wrap(e, "$%.40s", name);
  } else if (v->value) {
    if (!graph_coerce(q, &value, ia_buf_view(&type), v->value, e))
      return false;
  } else if (v->type->non_null) {
    return graph_refuse(q, v->at, e, "variable \"$%.40s\" must be given", name);
  }
  return !value || ia_json_set(q->variables, name, value, e);
}

bool graph_variables(graph_query *q, const json_t *given, ia_err *e)
{
  if (given && !json_is_null(given) && !json_is_object(given))
    return ia_fail(e, IA_E_INVALID, "\"variables\" is an object");
  q->variables = json_object();
  if (!q->variables)
    return ia_fail(e, IA_E_MEMORY, "no memory for variables");
  for (const ia_gql_variable *v = q->operation->variables; v; v = v->next)
    if (!one_variable(q, v, given, e))
      return false;
  return true;
}

/* -- arguments -- */
static const ia_gql_value *argument(const ia_gql_value *given, const char *name)
{
  while (given && !ia_span_is(given->name, name))
    given = given->next;
  return given;
}

static bool known_once(graph_query *q, const graph_args *args, const ia_gql_value *given,
                       const char *whose, ia_err *e)
{
  for (const ia_gql_value *v = given; v; v = v->next) {
    bool known = false;

    for (size_t i = 0; i < args->n; i++)
      known = known || ia_span_is(v->name, args->v[i].name);
    if (!known)
      return graph_refuse(q, v->at, e, "%.60s has no argument \"%.*s\"", whose, SHOWN(v->name));
    for (const ia_gql_value *o = given; o != v; o = o->next)
      if (ia_span_eq(o->name, v->name))
        return graph_refuse(q, v->at, e, "argument \"%.*s\" stands twice", SHOWN(v->name));
  }
  return true;
}

bool graph_arguments(graph_query *q, json_t **out, const graph_args *args, const graph_entity *of,
                     const ia_gql_value *given, size_t at, const char *whose, ia_err *e)
{
  IA_AUTO_JSON *object = json_object();

  if (!known_once(q, args, given, whose, e))
    return false;
  for (size_t i = 0; i < args->n; i++) {
    const graph_arg *a = &args->v[i];
    const ia_gql_value *v = argument(given, a->name);
    graph_name type = graph_arg_type(a, of);
    ia_span bare = ia_span_str(type.s);
    json_t *value = NULL;

    if (v && !graph_coerce(q, &value, ia_span_str(type.s), v, e))
      return false;
    bool strict = graph_type_strict(&bare);
    if (!value && a->standard) {
      raw r = {.kind = a->standard[0] >= '0' && a->standard[0] <= '9' ? IA_GQL_INT
                       : ia_span_is(bare, "Boolean")                  ? IA_GQL_BOOLEAN
                                                                      : IA_GQL_ENUM,
               .text = ia_span_str(a->standard)};

      if (!leaf(q, &value, bare, &r, e))
        return false;
    }
    if (!value && strict)
      return graph_refuse(q, at, e, "%.60s: argument \"%s\" is wanted", whose, a->name);
    if (value && !ia_json_set(object, a->name, value, e))
      return false;
  }
  *out = json_incref(object);
  return true;
}
