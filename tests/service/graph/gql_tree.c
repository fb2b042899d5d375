/* Documents of GraphQL on standard input ("LENGTH\n" and so many bytes, again and again); for each
 * a line of JSON: its tree without places, or {"refused": message, "schema": bool}. */
#include <stdio.h>

#include "base/json.h"
#include "service/graph/gql.h"

static json_t *text(ia_span s)
{
  return s.len ? ia_json_bytes(s) : json_null();
}

static json_t *values(const ia_gql_value *first, bool named);

static json_t *value(const ia_gql_value *v)
{
  switch (v->kind) {
  case IA_GQL_VARIABLE: return json_pack("{s:o}", "var", ia_json_bytes(v->text));
  case IA_GQL_INT: return json_pack("{s:o}", "int", ia_json_bytes(v->text));
  case IA_GQL_FLOAT: return json_pack("{s:o}", "float", ia_json_bytes(v->text));
  case IA_GQL_STRING:
    return json_pack("{s:o,s:b}", "string", ia_json_bytes(v->text), "block", v->block);
  case IA_GQL_BOOLEAN: return json_pack("{s:b}", "bool", v->boolean);
  case IA_GQL_NULL: return json_pack("{s:n}", "null");
  case IA_GQL_ENUM: return json_pack("{s:o}", "enum", ia_json_bytes(v->text));
  case IA_GQL_LIST: return json_pack("{s:o}", "list", values(v->first, false));
  case IA_GQL_OBJECT: break;
  }
  return json_pack("{s:o}", "object", values(v->first, true));
}

static json_t *values(const ia_gql_value *first, bool named)
{
  json_t *list = json_array();

  for (; first; first = first->next)
    json_array_append_new(list, named ? json_pack("[o,o]", ia_json_bytes(first->name), value(first))
                                      : value(first));
  return list;
}

static json_t *directives(const ia_gql_directive *d)
{
  json_t *list = json_array();

  for (; d; d = d->next)
    json_array_append_new(list, json_pack("{s:o,s:o}", "name", ia_json_bytes(d->name), "args",
                                          values(d->arguments, true)));
  return list;
}

static json_t *selections(const ia_gql_selection *s)
{
  json_t *list = json_array(), *v = NULL;

  for (; s; s = s->next) {
    switch (s->kind) {
    case IA_GQL_FIELD:
      v = json_pack("{s:o,s:o,s:o}", "field", ia_json_bytes(s->name), "alias", text(s->alias),
                    "args", values(s->arguments, true));
      break;
    case IA_GQL_SPREAD: v = json_pack("{s:o}", "spread", ia_json_bytes(s->name)); break;
    case IA_GQL_INLINE: v = json_pack("{s:o}", "inline", text(s->name)); break;
    }
    json_object_set_new(v, "directives", directives(s->directives));
    json_object_set_new(v, "selections", selections(s->selections));
    json_array_append_new(list, v);
  }
  return list;
}

static void type(ia_buf *out, const ia_gql_type *t)
{
  if (t->of) {
    ia_buf_u8(out, '[');
    type(out, t->of);
    ia_buf_u8(out, ']');
  } else {
    ia_buf_span(out, t->name);
  }
  if (t->non_null)
    ia_buf_u8(out, '!');
}

static json_t *variables(const ia_gql_variable *v)
{
  json_t *list = json_array();

  for (; v; v = v->next) {
    IA_AUTOV(ia_buf) of = {0};

    type(&of, v->type);
    json_array_append_new(list, json_pack("{s:o,s:o,s:o,s:o}", "name", ia_json_bytes(v->name),
                                          "type", ia_json_bytes(ia_buf_view(&of)), "default",
                                          v->value ? value(v->value) : json_null(), "directives",
                                          directives(v->directives)));
  }
  return list;
}

static json_t *tree(const ia_gql_document *d)
{
  static const char *const operations[] = {"query", "mutation", "subscription", "fragment"};
  json_t *list = json_array();

  for (const ia_gql_definition *f = ia_gql_definitions(d); f; f = f->next)
    json_array_append_new(list, json_pack("{s:s,s:o,s:o,s:o,s:o,s:o}", "operation",
                                          operations[f->operation], "name", text(f->name), "on",
                                          text(f->condition), "variables", variables(f->variables),
                                          "directives", directives(f->directives), "selections",
                                          selections(f->selections)));
  return list;
}

static bool one(ia_span document)
{
  IA_AUTO(ia_gql_document) *d = NULL;
  IA_AUTOV(ia_buf) line = {0};
  size_t at;
  ia_err e = {0};
  bool ok = ia_gql_parse(&d, document, &at, &e);
  IA_AUTO_JSON *v = ok ? tree(d)
                       : json_pack("{s:s,s:b,s:I}", "refused", e.msg, "schema",
                                   e.code == IA_E_UNSUPPORTED, "at", (json_int_t)at);

  if (!ia_json_write(&line, v, &e))
    return false;
  return printf("%.*s\n", (int)line.len, (const char *)line.ptr) > 0;
}

int main(void)
{
  size_t n;

  while (scanf("%zu", &n) == 1 && getchar() == '\n') {
    ia_autofree char *text_of = malloc(n ? n : 1);

    if (!text_of || fread(text_of, 1, n, stdin) != n || !one(ia_span_of(text_of, n)))
      return 1;
  }
  return 0;
}
