/* Fields of input types, and values of enumerations: filters have one field for every test that a
 * field of their entity allows. */
#include <stdio.h>
#include <string.h>

#include "service/graph/types.h"

#define K(kind) (1U << (kind))
#define NUMBERS (K(GRAPH_INT) | K(GRAPH_NUMBER) | K(GRAPH_BIG) | K(GRAPH_RLC))
#define NAMES   (K(GRAPH_ID) | K(GRAPH_STRING) | K(GRAPH_ONE))
#define TEXTS   (NAMES | K(GRAPH_BYTES))
#define LISTS   K(GRAPH_LIST)
#define OTHERS  (K(GRAPH_ONE) | K(GRAPH_BACK) | K(GRAPH_MANY) | K(GRAPH_LIST) | K(GRAPH_LISTED))

static const struct {
  const char *ending;
  graph_op op;
  unsigned kinds; /* that have this test */
  bool list;      /* the value is a list */
} tests[] = {
    {"", GRAPH_IS, TEXTS | NUMBERS | K(GRAPH_ENUM) | LISTS, false},
    {"_not", GRAPH_IS_NOT, TEXTS | NUMBERS | K(GRAPH_ENUM) | LISTS, false},
    {"_gt", GRAPH_GT, TEXTS | NUMBERS, false},
    {"_lt", GRAPH_LT, TEXTS | NUMBERS, false},
    {"_gte", GRAPH_GTE, TEXTS | NUMBERS, false},
    {"_lte", GRAPH_LTE, TEXTS | NUMBERS, false},
    {"_in", GRAPH_IN, TEXTS | NUMBERS | K(GRAPH_ENUM), true},
    {"_not_in", GRAPH_NOT_IN, TEXTS | NUMBERS | K(GRAPH_ENUM), true},
    {"_contains", GRAPH_CONTAINS, TEXTS | LISTS, false},
    {"_contains_nocase", GRAPH_CONTAINS_NOCASE, NAMES | LISTS, false},
    {"_not_contains", GRAPH_NOT_CONTAINS, TEXTS | LISTS, false},
    {"_not_contains_nocase", GRAPH_NOT_CONTAINS_NOCASE, NAMES | LISTS, false},
    {"_starts_with", GRAPH_STARTS, NAMES, false},
    {"_starts_with_nocase", GRAPH_STARTS_NOCASE, NAMES, false},
    {"_not_starts_with", GRAPH_NOT_STARTS, NAMES, false},
    {"_not_starts_with_nocase", GRAPH_NOT_STARTS_NOCASE, NAMES, false},
    {"_ends_with", GRAPH_ENDS, NAMES, false},
    {"_ends_with_nocase", GRAPH_ENDS_NOCASE, NAMES, false},
    {"_not_ends_with", GRAPH_NOT_ENDS, NAMES, false},
    {"_not_ends_with_nocase", GRAPH_NOT_ENDS_NOCASE, NAMES, false},
    {"_", GRAPH_NESTED, OTHERS, false},
};

static const struct {
  const char *type, *name, *of;
} plain[] = {
    {"Block_height", "hash", "Bytes"},
    {"Block_height", "number", "Int"},
    {"Block_height", "number_gte", "Int"},
    {"BlockChangedFilter", "number_gte", "Int!"},
};

static const char *value_type(const graph_field *f)
{
  switch (f->kind) {
  case GRAPH_ID: return "ID";
  case GRAPH_BYTES: return "Bytes";
  case GRAPH_INT: return "Int";
  case GRAPH_NUMBER:
  case GRAPH_BIG: return "BigInt";
  case GRAPH_RLC: return "BigDecimal";
  case GRAPH_ENUM: return f->of;
  default: return "String"; /* others are tested by their id */
  }
}

static bool field_inputs(const graph_field *f, graph_input_fn *fn, void *ctx)
{
  for (size_t i = 0; i < IA_COUNT(tests); i++) {
    graph_input in = {.op = tests[i].op, .field = f};

    if (!(tests[i].kinds & K(f->kind)))
      continue;
    (void)snprintf(in.name.s, sizeof(in.name.s), "%s%s", f->name, tests[i].ending);
    if (in.op == GRAPH_NESTED)
      (void)snprintf(in.type.s, sizeof(in.type.s), "%s_filter", f->of);
    else if (tests[i].list || f->kind == GRAPH_LIST)
      (void)snprintf(in.type.s, sizeof(in.type.s), "[%s!]", value_type(f));
    else
      (void)snprintf(in.type.s, sizeof(in.type.s), "%s", value_type(f));
    if (!fn(ctx, &in))
      return false;
  }
  return true;
}

static bool give(graph_input_fn *fn, void *ctx, graph_op op, const char *name, const char *before,
                 const char *type, const char *after)
{
  graph_input in = {.op = op};

  (void)snprintf(in.name.s, sizeof(in.name.s), "%s", name);
  (void)snprintf(in.type.s, sizeof(in.type.s), "%s%s%s", before, type, after);
  return fn(ctx, &in);
}

void graph_inputs(const graph_schema *s, ia_span type, graph_input_fn *fn, void *ctx)
{
  const graph_entity *t = graph_entity_of_input(s, type);

  for (size_t i = 0; i < IA_COUNT(plain); i++)
    if (ia_span_is(type, plain[i].type) &&
        !give(fn, ctx, GRAPH_PLAIN, plain[i].name, "", plain[i].of, ""))
      return;
  if (!t)
    return;
  for (size_t i = 0; i < t->n; i++)
    if (!field_inputs(&t->fields[i], fn, ctx))
      return;
  (void)(give(fn, ctx, GRAPH_CHANGED, "_change_block", "", "BlockChangedFilter", "") &&
         give(fn, ctx, GRAPH_AND, "and", "[", t->name, "_filter]") &&
         give(fn, ctx, GRAPH_OR, "or", "[", t->name, "_filter]"));
}

typedef struct sought {
  ia_span name;
  graph_input *out;
  bool found;
} sought;

static bool is_it(void *ctx, const graph_input *in)
{
  sought *x = ctx;

  x->found = ia_span_is(x->name, in->name.s);
  if (x->found)
    *x->out = *in;
  return !x->found;
}

bool graph_input_find(const graph_schema *s, ia_span type, ia_span name, graph_input *out)
{
  sought x = {name, out, false};

  graph_inputs(s, type, is_it, &x);
  return x.found;
}

/* -- enumerations -- */
static const char *const directions[] = {"asc", "desc", NULL};
static const char *const policies[] = {"allow", "deny", NULL};
static const char *const kinds[] = {"SCALAR",       "OBJECT", "INTERFACE", "UNION", "ENUM",
                                    "INPUT_OBJECT", "LIST",   "NON_NULL",  NULL};
static const char *const locations[] = {"QUERY",
                                        "MUTATION",
                                        "SUBSCRIPTION",
                                        "FIELD",
                                        "FRAGMENT_DEFINITION",
                                        "FRAGMENT_SPREAD",
                                        "INLINE_FRAGMENT",
                                        "VARIABLE_DEFINITION",
                                        "SCHEMA",
                                        "SCALAR",
                                        "OBJECT",
                                        "FIELD_DEFINITION",
                                        "ARGUMENT_DEFINITION",
                                        "INTERFACE",
                                        "UNION",
                                        "ENUM",
                                        "ENUM_VALUE",
                                        "INPUT_OBJECT",
                                        "INPUT_FIELD_DEFINITION",
                                        NULL};
static const graph_enum standard[] = {
    {"OrderDirection", directions},
    {"_SubgraphErrorPolicy_", policies},
    {"__TypeKind", kinds},
    {"__DirectiveLocation", locations},
};

/* Fields to order by, those of one other object too: owner__id. */
static void orders(const graph_schema *s, const graph_entity *t, graph_enum_fn *fn, void *ctx)
{
  graph_name n;

  for (size_t i = 0; i < t->n; i++) {
    const graph_field *f = &t->fields[i];
    const graph_entity *of = graph_of(s, f);

    if ((graph_is_leaf(f) || f->kind == GRAPH_ONE) && !fn(ctx, f->name))
      return;
    for (size_t k = 0; f->kind == GRAPH_ONE && of && k < of->n; k++) {
      (void)snprintf(n.s, sizeof(n.s), "%s__%s", f->name, of->fields[k].name);
      if (graph_is_leaf(&of->fields[k]) && !fn(ctx, n.s))
        return;
    }
  }
}

void graph_enum_values(const graph_schema *s, ia_span type, graph_enum_fn *fn, void *ctx)
{
  const graph_enum *e = graph_enum_named(s, type);
  const graph_entity *t = graph_entity_of_input(s, type);

  for (size_t i = 0; !e && i < IA_COUNT(standard); i++)
    if (ia_span_is(type, standard[i].name))
      e = &standard[i];
  for (size_t i = 0; e && e->values[i]; i++)
    if (!fn(ctx, e->values[i]))
      return;
  if (!e && t)
    orders(s, t, fn, ctx);
}

typedef struct value_sought {
  ia_span value;
  bool found;
} value_sought;

static bool is_value(void *ctx, const char *value)
{
  value_sought *x = ctx;

  x->found = ia_span_is(x->value, value);
  return !x->found;
}

bool graph_enum_has(const graph_schema *s, ia_span type, ia_span value)
{
  value_sought x = {value, false};

  graph_enum_values(s, type, is_value, &x);
  return x.found;
}
