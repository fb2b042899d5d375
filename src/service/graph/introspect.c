/* Introspection (October 2021, section 4): objects whose types are texts, which the answering of a
 * plan turns into objects where they are asked for. */
#include <string.h>

#include "service/graph/query.h"

static const char *kind_of(graph_sort sort)
{
  switch (sort) {
  case GRAPH_SCALAR: return "SCALAR";
  case GRAPH_ENUMERATION: return "ENUM";
  case GRAPH_INPUT: return "INPUT_OBJECT";
  case GRAPH_INTERFACE: return "INTERFACE";
  default: return "OBJECT";
  }
}

static bool add(json_t *list, json_t *item)
{
  return json_array_append_new(list, item) == 0;
}

static json_t *input_value(const char *name, const char *type, const char *standard)
{
  return json_pack("{s:s,s:s,s:s?,s:b}", "name", name, "type", type, "defaultValue", standard,
                   "isDeprecated", 0);
}

static json_t *args_of(const graph_args *args, const graph_entity *of)
{
  json_t *list = json_array();

  for (size_t i = 0; i < args->n; i++) {
    graph_name type = graph_arg_type(&args->v[i], of);

    (void)add(list, input_value(args->v[i].name, type.s, args->v[i].standard));
  }
  return list;
}

static bool one_field(void *ctx, const graph_output *o)
{
  /* __schema and __type stand in no list */
  return strncmp(o->name, "__", 2) == 0 ||
         add(ctx, json_pack("{s:s,s:o,s:s,s:b}", "name", o->name, "args", args_of(&o->args, o->of),
                            "type", o->type.s, "isDeprecated", 0));
}

static bool one_input(void *ctx, const graph_input *i)
{
  return add(ctx, input_value(i->name.s, i->type.s, NULL));
}

static bool one_value(void *ctx, const char *value)
{
  return add(ctx, json_pack("{s:s,s:b}", "name", value, "isDeprecated", 0));
}

static bool one_name(void *ctx, const char *name)
{
  return add(ctx, json_string(name));
}

static json_t *directive(const char *name, const char *description)
{
  json_t *args = json_pack("[o]", input_value("if", "Boolean!", NULL));

  return json_pack("{s:s,s:s,s:b,s:[s,s,s],s:o}", "name", name, "description", description,
                   "isRepeatable", 0, "locations", "FIELD", "FRAGMENT_SPREAD", "INLINE_FRAGMENT",
                   "args", args);
}

json_t *graph_introspect_schema(const graph_schema *s)
{
  json_t *types = json_array();

  graph_type_names(s, one_name, types);
  return json_pack("{s:o,s:s,s:n,s:n,s:[o,o]}", "types", types, "queryType", "Query",
                   "mutationType", "subscriptionType", "directives",
                   directive("include", "only when the argument is true"),
                   directive("skip", "only when the argument is false"));
}

/* A wrapping type. */
static json_t *around(const char *kind, ia_span inner)
{
  return json_pack("{s:s,s:o}", "kind", kind, "ofType", ia_json_bytes(inner));
}

static bool is_asked(const graph_plan *asked, const char *name)
{
  for (const graph_node *n = asked->v[0].first; n; n = n->next)
    if (strcmp(n->out.name, name) == 0)
      return true;
  return false;
}

static json_t *interfaces_of(const graph_entity *t)
{
  json_t *list = json_array();

  if (t && t->implements)
    (void)add(list, json_string(t->implements));
  return list;
}

static json_t *possible(const graph_schema *s, ia_span name)
{
  json_t *list = json_array();

  for (size_t i = 0; i < s->n; i++)
    if (s->entities[i].implements && ia_span_is(name, s->entities[i].implements))
      (void)add(list, json_string(s->entities[i].name));
  return list;
}

static void members(const graph_schema *s, json_t *v, graph_sort sort, ia_span name,
                    const graph_plan *asked)
{
  const char *what = sort == GRAPH_INPUT         ? "inputFields"
                     : sort == GRAPH_ENUMERATION ? "enumValues"
                                                 : "fields";
  json_t *list;

  if (sort == GRAPH_OBJECT || sort == GRAPH_INTERFACE)
    (void)json_object_set_new(v, "interfaces", interfaces_of(graph_entity_named(s, name)));
  if (sort == GRAPH_INTERFACE)
    (void)json_object_set_new(v, "possibleTypes", possible(s, name));
  if (sort == GRAPH_SCALAR || !is_asked(asked, what))
    return;
  list = json_array();
  if (sort == GRAPH_INPUT)
    graph_inputs(s, name, one_input, list);
  else if (sort == GRAPH_ENUMERATION)
    graph_enum_values(s, name, one_value, list);
  else
    graph_outputs(s, name, one_field, list);
  (void)json_object_set_new(v, what, list);
}

json_t *graph_introspect_type(const graph_schema *s, ia_span type, const graph_plan *asked)
{
  graph_sort sort;
  ia_span inner = type;

  if (graph_type_strict(&inner))
    return around("NON_NULL", inner);
  if (graph_type_list(&inner))
    return around("LIST", inner);
  sort = graph_type_sort(s, type);
  if (sort == GRAPH_NO_TYPE)
    return json_null();
  json_t *v = json_pack("{s:s,s:o}", "kind", kind_of(sort), "name", ia_json_bytes(type));
  members(s, v, sort, type, asked);
  return v;
}
