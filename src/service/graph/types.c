/* Named types, arguments, and the fields of outputs. */
#include "service/graph/types.h"

#include <stdio.h>
#include <string.h>

static const char *const scalars[] = {"Int", "Float", "String", "Boolean",
                                      "ID",  "Bytes", "BigInt", "BigDecimal"};
/* What is in every schema beside its entities. */
static const struct {
  const char *name;
  graph_sort sort;
} fixed[] = {
    {"Query", GRAPH_OBJECT},
    {"_Meta_", GRAPH_OBJECT},
    {"_Block_", GRAPH_OBJECT},
    {"Block_height", GRAPH_INPUT},
    {"BlockChangedFilter", GRAPH_INPUT},
    {"OrderDirection", GRAPH_ENUMERATION},
    {"_SubgraphErrorPolicy_", GRAPH_ENUMERATION},
    {"__Schema", GRAPH_OBJECT},
    {"__Type", GRAPH_OBJECT},
    {"__Field", GRAPH_OBJECT},
    {"__InputValue", GRAPH_OBJECT},
    {"__EnumValue", GRAPH_OBJECT},
    {"__Directive", GRAPH_OBJECT},
    {"__TypeKind", GRAPH_ENUMERATION},
    {"__DirectiveLocation", GRAPH_ENUMERATION},
};

static bool is_scalar(ia_span name)
{
  for (size_t i = 0; i < IA_COUNT(scalars); i++)
    if (ia_span_is(name, scalars[i]))
      return true;
  return false;
}

static const graph_entity *before(const graph_schema *s, ia_span type, const char *ending)
{
  size_t n = strlen(ending);

  if (type.len <= n || memcmp(type.ptr + type.len - n, ending, n) != 0)
    return NULL;
  return graph_entity_named(s, ia_span_of(type.ptr, type.len - n));
}

const graph_entity *graph_entity_of_input(const graph_schema *s, ia_span type)
{
  const graph_entity *t = before(s, type, "_filter");

  return t ? t : before(s, type, "_orderBy");
}

graph_sort graph_type_sort(const graph_schema *s, ia_span name)
{
  const graph_entity *t = graph_entity_named(s, name);

  if (t)
    return t->interface ? GRAPH_INTERFACE : GRAPH_OBJECT;
  if (is_scalar(name))
    return GRAPH_SCALAR;
  for (size_t i = 0; i < IA_COUNT(fixed); i++)
    if (ia_span_is(name, fixed[i].name))
      return fixed[i].sort;
  if (graph_enum_named(s, name) || before(s, name, "_orderBy"))
    return GRAPH_ENUMERATION;
  return before(s, name, "_filter") ? GRAPH_INPUT : GRAPH_NO_TYPE;
}

bool graph_type_strict(ia_span *type)
{
  if (type->len == 0 || type->ptr[type->len - 1] != '!')
    return false;
  type->len--;
  return true;
}

bool graph_type_list(ia_span *type)
{
  if (type->len < 2 || type->ptr[0] != '[')
    return false;
  *type = ia_span_of(type->ptr + 1, type->len - 2);
  return true;
}

ia_span graph_type_core(ia_span type)
{
  while (graph_type_strict(&type) || graph_type_list(&type))
    ;
  return type;
}

void graph_type_names(const graph_schema *s, graph_name_fn *fn, void *ctx)
{
  graph_name n;

  for (size_t i = 0; i < IA_COUNT(scalars); i++)
    if (!fn(ctx, scalars[i]))
      return;
  for (size_t i = 0; i < IA_COUNT(fixed); i++)
    if (!fn(ctx, fixed[i].name))
      return;
  for (size_t i = 0; i < s->n_enums; i++)
    if (!fn(ctx, s->enums[i].name))
      return;
  for (size_t i = 0; i < s->n; i++) {
    if (!fn(ctx, s->entities[i].name))
      return;
    (void)snprintf(n.s, sizeof(n.s), "%s_filter", s->entities[i].name);
    if (!fn(ctx, n.s))
      return;
    (void)snprintf(n.s, sizeof(n.s), "%s_orderBy", s->entities[i].name);
    if (!fn(ctx, n.s))
      return;
  }
}

bool graph_is_kind_of(const graph_schema *s, ia_span type, const graph_entity *concrete)
{
  (void)s;
  return ia_span_is(type, concrete->name) ||
         (concrete->implements && ia_span_is(type, concrete->implements));
}

/* -- arguments -- */
#define PAGED                                                                                      \
  {"skip", "Int", "0"}, {"first", "Int", "100"}, {"orderBy", "*_orderBy", NULL},                   \
      {"orderDirection", "OrderDirection", NULL},                                                  \
  {                                                                                                \
    "where", "*_filter", NULL                                                                      \
  }
#define AT_BLOCK                                                                                   \
  {"block", "Block_height", NULL},                                                                 \
  {                                                                                                \
    "subgraphError", "_SubgraphErrorPolicy_!", "deny"                                              \
  }

static const graph_arg list_args[] = {PAGED, AT_BLOCK};
static const graph_arg nested_args[] = {PAGED};
static const graph_arg one_args[] = {{"id", "ID!", NULL}, AT_BLOCK};
static const graph_arg meta_args[] = {{"block", "Block_height", NULL}};
static const graph_arg name_args[] = {{"name", "String!", NULL}};
static const graph_arg old_args[] = {{"includeDeprecated", "Boolean", "false"}};

#define ARGS(v)                                                                                    \
  {                                                                                                \
    v, IA_COUNT(v)                                                                                 \
  }
#define NO_ARGS                                                                                    \
  {                                                                                                \
    NULL, 0                                                                                        \
  }

graph_name graph_arg_type(const graph_arg *a, const graph_entity *of)
{
  graph_name out;

  if (a->type[0] == '*')
    (void)snprintf(out.s, sizeof(out.s), "%s%s", of->name, a->type + 1);
  else
    (void)snprintf(out.s, sizeof(out.s), "%s", a->type);
  return out;
}

/* -- types that are not stored -- */
static const struct {
  const char *type, *name, *of;
  graph_args args;
} outputs[] = {
    {"Query", "_meta", "_Meta_", ARGS(meta_args)},
    {"Query", "__schema", "__Schema!", NO_ARGS},
    {"Query", "__type", "__Type", ARGS(name_args)},
    {"_Meta_", "block", "_Block_!", NO_ARGS},
    {"_Meta_", "deployment", "String!", NO_ARGS},
    {"_Meta_", "hasIndexingErrors", "Boolean!", NO_ARGS},
    {"_Block_", "hash", "Bytes", NO_ARGS},
    {"_Block_", "number", "Int!", NO_ARGS},
    {"_Block_", "timestamp", "Int", NO_ARGS},
    {"_Block_", "parentHash", "Bytes", NO_ARGS},
    {"__Schema", "description", "String", NO_ARGS},
    {"__Schema", "types", "[__Type!]!", NO_ARGS},
    {"__Schema", "queryType", "__Type!", NO_ARGS},
    {"__Schema", "mutationType", "__Type", NO_ARGS},
    {"__Schema", "subscriptionType", "__Type", NO_ARGS},
    {"__Schema", "directives", "[__Directive!]!", NO_ARGS},
    {"__Type", "kind", "__TypeKind!", NO_ARGS},
    {"__Type", "name", "String", NO_ARGS},
    {"__Type", "description", "String", NO_ARGS},
    {"__Type", "specifiedByURL", "String", NO_ARGS},
    {"__Type", "fields", "[__Field!]", ARGS(old_args)},
    {"__Type", "interfaces", "[__Type!]", NO_ARGS},
    {"__Type", "possibleTypes", "[__Type!]", NO_ARGS},
    {"__Type", "enumValues", "[__EnumValue!]", ARGS(old_args)},
    {"__Type", "inputFields", "[__InputValue!]", ARGS(old_args)},
    {"__Type", "ofType", "__Type", NO_ARGS},
    {"__Field", "name", "String!", NO_ARGS},
    {"__Field", "description", "String", NO_ARGS},
    {"__Field", "args", "[__InputValue!]!", ARGS(old_args)},
    {"__Field", "type", "__Type!", NO_ARGS},
    {"__Field", "isDeprecated", "Boolean!", NO_ARGS},
    {"__Field", "deprecationReason", "String", NO_ARGS},
    {"__InputValue", "name", "String!", NO_ARGS},
    {"__InputValue", "description", "String", NO_ARGS},
    {"__InputValue", "type", "__Type!", NO_ARGS},
    {"__InputValue", "defaultValue", "String", NO_ARGS},
    {"__InputValue", "isDeprecated", "Boolean!", NO_ARGS},
    {"__InputValue", "deprecationReason", "String", NO_ARGS},
    {"__EnumValue", "name", "String!", NO_ARGS},
    {"__EnumValue", "description", "String", NO_ARGS},
    {"__EnumValue", "isDeprecated", "Boolean!", NO_ARGS},
    {"__EnumValue", "deprecationReason", "String", NO_ARGS},
    {"__Directive", "name", "String!", NO_ARGS},
    {"__Directive", "description", "String", NO_ARGS},
    {"__Directive", "isRepeatable", "Boolean!", NO_ARGS},
    {"__Directive", "locations", "[__DirectiveLocation!]!", NO_ARGS},
    {"__Directive", "args", "[__InputValue!]!", ARGS(old_args)},
};

static const char *leaf_type(const graph_field *f)
{
  switch (f->kind) {
  case GRAPH_ID: return "ID";
  case GRAPH_STRING: return "String";
  case GRAPH_BYTES: return "Bytes";
  case GRAPH_INT: return "Int";
  case GRAPH_NUMBER:
  case GRAPH_BIG: return "BigInt";
  case GRAPH_RLC: return "BigDecimal";
  default: return f->of;
  }
}

static graph_output output_of(const graph_schema *s, const graph_field *f)
{
  graph_output o = {.name = f->name, .field = f, .of = graph_of(s, f)};

  if (graph_is_many(f)) {
    (void)snprintf(o.type.s, sizeof(o.type.s), "[%s!]!", f->of);
    o.args = (graph_args)ARGS(nested_args);
  } else {
    (void)snprintf(o.type.s, sizeof(o.type.s), "%s%s", leaf_type(f), f->nullable ? "" : "!");
  }
  return o;
}

static bool entry_points(const graph_schema *s, graph_output_fn *fn, void *ctx)
{
  for (size_t i = 0; i < s->n; i++) {
    graph_output o = {.name = s->entities[i].one, .of = &s->entities[i], .args = ARGS(one_args)};

    (void)snprintf(o.type.s, sizeof(o.type.s), "%s", o.of->name);
    if (!fn(ctx, &o))
      return false;
    o.name = o.of->many;
    o.args = (graph_args)ARGS(list_args);
    (void)snprintf(o.type.s, sizeof(o.type.s), "[%s!]!", o.of->name);
    if (!fn(ctx, &o))
      return false;
  }
  return true;
}

void graph_outputs(const graph_schema *s, ia_span type, graph_output_fn *fn, void *ctx)
{
  const graph_entity *t = graph_entity_named(s, type);

  for (size_t i = 0; t && i < t->n; i++) {
    graph_output o = output_of(s, &t->fields[i]);

    if (!fn(ctx, &o))
      return;
  }
  if (t || (ia_span_is(type, "Query") && !entry_points(s, fn, ctx)))
    return;
  for (size_t i = 0; i < IA_COUNT(outputs); i++) {
    graph_output o = {.name = outputs[i].name, .args = outputs[i].args};

    (void)snprintf(o.type.s, sizeof(o.type.s), "%s", outputs[i].of);
    if (ia_span_is(type, outputs[i].type) && !fn(ctx, &o))
      return;
  }
}

typedef struct sought {
  ia_span name;
  graph_output *out;
  bool found;
} sought;

static bool is_it(void *ctx, const graph_output *o)
{
  sought *x = ctx;

  x->found = ia_span_is(x->name, o->name);
  if (x->found)
    *x->out = *o;
  return !x->found;
}

bool graph_output_find(const graph_schema *s, ia_span type, ia_span name, graph_output *out)
{
  sought x = {name, out, false};

  graph_outputs(s, type, is_it, &x);
  return x.found;
}
