/* From selections to a plan: fields are looked up, fragments spread, equal response keys merged
 * (October 2021, sections 5.3, 5.5, 6.3.2). */
#include <stdio.h>
#include <string.h>

#include "service/graph/query.h"

/* Fragments that are being spread, innermost first. */
typedef struct spreading {
  ia_span name;
  const struct spreading *up;
} spreading;

/* Where selections go. */
typedef struct place {
  graph_plan *plan;
  size_t at;     /* plan->v[at]: the type that they are gathered for */
  ia_span scope; /* the type that they are written for */
  const spreading *inside;
} place;

#define SHOWN(s) ia_gql_shown(s), (const char *)(s).ptr

static void nodes_free(graph_node *n)
{
  while (n) {
    graph_node *next = n->next;

    graph_plan_free(n->plan);
    json_decref(n->args);
    free(n->sets);
    free(n);
    n = next;
  }
}

void graph_plan_free(graph_plan *p)
{
  if (!p)
    return;
  for (size_t i = 0; i < p->n; i++)
    nodes_free(p->v[i].first);
  free(p);
}

static void add_type(graph_plan *p, ia_span type, const graph_entity *entity)
{
  if (p->n == IA_COUNT(p->v))
    return;
  p->v[p->n].type = type;
  p->v[p->n].entity = entity;
  p->v[p->n].last = &p->v[p->n].first;
  p->n++;
}

static graph_plan *plan_of(const graph_query *q, ia_span type)
{
  const graph_schema *s = q->schema;
  const graph_entity *t = graph_entity_named(s, type);
  graph_plan *p = calloc(1, sizeof(*p));

  if (!p)
    return NULL;
  p->type = t ? ia_span_str(t->name) : type;
  if (!t || !t->interface)
    add_type(p, p->type, t);
  for (size_t i = 0; t && t->interface && i < s->n; i++)
    if (s->entities[i].implements && strcmp(s->entities[i].implements, t->name) == 0)
      add_type(p, ia_span_str(s->entities[i].name), &s->entities[i]);
  return p;
}

/* -- directives -- */
static bool directive(graph_query *q, const ia_gql_directive *d, bool *live, ia_err *e)
{
  static const graph_arg if_arg = {"if", "Boolean!", NULL};
  static const graph_args args = {&if_arg, 1};
  IA_AUTO_JSON *values = NULL;
  bool skip = ia_span_is(d->name, "skip");

  if (!skip && !ia_span_is(d->name, "include"))
    return graph_refuse(q, d->at, e, "directive \"@%.*s\" is not known", SHOWN(d->name));
  if (!graph_arguments(q, &values, &args, NULL, d->arguments, d->at, skip ? "@skip" : "@include",
                       e))
    return false;
  if (json_is_true(json_object_get(values, "if")) == skip)
    *live = false;
  return true;
}

static bool directives(graph_query *q, const ia_gql_directive *first, bool *live, ia_err *e)
{
  for (const ia_gql_directive *d = first; d; d = d->next) {
    for (const ia_gql_directive *o = first; o != d; o = o->next)
      if (ia_span_eq(o->name, d->name))
        return graph_refuse(q, d->at, e, "directive \"@%.*s\" stands twice", SHOWN(d->name));
    if (!directive(q, d, live, e))
      return false;
  }
  return true;
}

/* -- fields -- */
static graph_node *node_of(const place *p, ia_span key)
{
  graph_node *n = p->plan->v[p->at].first;

  while (n && !ia_span_eq(n->key, key))
    n = n->next;
  return n;
}

static bool add_set(graph_node *n, const ia_gql_selection *set, ia_err *e)
{
  if (!set)
    return true;
  const ia_gql_selection **sets = realloc(n->sets, (n->n_sets + 1) * sizeof(*sets));
  if (!sets)
    return ia_fail(e, IA_E_MEMORY, "no memory for a plan");
  n->sets = sets;
  n->sets[n->n_sets++] = set;
  return true;
}

static bool same(const graph_node *n, const graph_output *o, const json_t *args)
{
  return strcmp(n->out.name, o->name) == 0 && json_equal(n->args, args);
}

static bool known_field(graph_query *q, const place *p, const ia_gql_selection *f, graph_output *o,
                        ia_err *e)
{
  static const graph_output typename = {.name = "__typename", .type = {"String!"}};

  *o = typename;
  if (ia_span_is(f->name, "__typename") || graph_output_find(q->schema, p->scope, f->name, o))
    return true;
  return graph_refuse(q, f->at, e, "type %.*s has no field \"%.*s\"", SHOWN(p->scope),
                      SHOWN(f->name));
}

/* Exactly composite types have selections. */
static bool selections_fit(graph_query *q, const ia_gql_selection *f, const graph_output *o,
                           ia_err *e)
{
  graph_sort sort = graph_type_sort(q->schema, graph_type_core(ia_span_str(o->type.s)));
  bool composite = sort == GRAPH_OBJECT || sort == GRAPH_INTERFACE;

  if (composite && !f->selections)
    return graph_refuse(q, f->at, e, "field \"%s\" is a %s: say which of its fields, { .. }",
                        o->name, o->type.s);
  return composite || !f->selections ||
         graph_refuse(q, f->at, e, "field \"%s\" is a %s and has no fields", o->name, o->type.s);
}

static bool field(graph_query *q, const place *p, const ia_gql_selection *f, ia_err *e)
{
  ia_span key = f->alias.len ? f->alias : f->name;
  IA_AUTO_JSON *args = NULL;
  graph_output o;
  char whose[64];

  if (key.len >= sizeof(graph_name))
    return graph_refuse(q, f->at, e, "a name of more than %zu bytes", sizeof(graph_name) - 1);
  if (!known_field(q, p, f, &o, e) || !selections_fit(q, f, &o, e))
    return false;
  (void)snprintf(whose, sizeof(whose), "field \"%.40s\"", o.name);
  if (!graph_arguments(q, &args, &o.args, o.of, f->arguments, f->at, whose, e))
    return false;
  graph_node *n = node_of(p, key);
  if (n && !same(n, &o, args))
    return graph_refuse(q, f->at, e, "\"%.*s\" is asked for twice, with different meanings",
                        SHOWN(key));
  if (!n) {
    n = calloc(1, sizeof(*n));
    if (!n)
      return ia_fail(e, IA_E_MEMORY, "no memory for a plan");
    *n = (graph_node){.key = key, .out = o, .at = f->at, .args = json_incref(args)};
    n->typename = ia_span_is(f->name, "__typename");
    *p->plan->v[p->at].last = n;
    p->plan->v[p->at].last = &n->next;
  }
  return add_set(n, f->selections, e);
}

/* -- sets -- */
static bool gather(graph_query *q, const place *p, const ia_gql_selection *set, ia_err *e);
static bool complete(graph_query *q, graph_plan *p, unsigned depth, ia_err *e);

/* What is left out is judged all the same. */
static bool judge(graph_query *q, const place *p, const ia_gql_selection *s, ia_err *e)
{
  IA_AUTO(graph_plan) *scratch = plan_of(q, p->plan->v[p->at].type);
  ia_gql_selection one = *s;
  place there = *p;

  if (!scratch)
    return ia_fail(e, IA_E_MEMORY, "no memory for a plan");
  one.directives = NULL;
  one.next = NULL;
  there.plan = scratch;
  there.at = 0;
  return gather(q, &there, &one, e) && complete(q, scratch, 1, e);
}

static const ia_gql_definition *fragment_named(const graph_query *q, ia_span name)
{
  const ia_gql_definition *d = ia_gql_definitions(q->document);

  while (d && !(d->operation == IA_GQL_FRAGMENT && ia_span_eq(d->name, name)))
    d = d->next;
  return d;
}

/* Can anything be of both types? */
static bool overlap(const graph_query *q, ia_span a, ia_span b)
{
  for (size_t i = 0; i < q->schema->n; i++) {
    const graph_entity *t = &q->schema->entities[i];

    if (!t->interface && graph_is_kind_of(q->schema, a, t) && graph_is_kind_of(q->schema, b, t))
      return true;
  }
  return ia_span_eq(a, b);
}

/* A set that is written for `type`. */
static bool under(graph_query *q, const place *p, ia_span type, const ia_gql_selection *set,
                  const spreading *inside, size_t at, ia_err *e)
{
  const graph_entity *here = p->plan->v[p->at].entity;
  graph_sort sort = graph_type_sort(q->schema, type);
  place there = *p;

  if (sort != GRAPH_OBJECT && sort != GRAPH_INTERFACE)
    return graph_refuse(q, at, e, "\"%.*s\" is no type with fields", SHOWN(type));
  if (!overlap(q, type, p->scope))
    return graph_refuse(q, at, e, "a %.*s is never a %.*s", SHOWN(p->scope), SHOWN(type));
  if (here ? !graph_is_kind_of(q->schema, type, here) : !ia_span_eq(type, p->plan->v[p->at].type))
    return true; /* the plan of another type has it */
  there.scope = type;
  there.inside = inside;
  return gather(q, &there, set, e);
}

static bool spread(graph_query *q, const place *p, const ia_gql_selection *s, ia_err *e)
{
  const ia_gql_definition *d = fragment_named(q, s->name);
  spreading here = {s->name, p->inside};
  bool live = true;

  if (!d)
    return graph_refuse(q, s->at, e, "fragment \"%.*s\" is not there", SHOWN(s->name));
  for (const spreading *up = p->inside; up; up = up->up)
    if (ia_span_eq(up->name, s->name))
      return graph_refuse(q, s->at, e, "fragment \"%.*s\" holds itself", SHOWN(s->name));
  return directives(q, d->directives, &live, e) &&
         under(q, p, d->condition, d->selections, &here, s->at, e);
}

static bool gather_one(graph_query *q, const place *p, const ia_gql_selection *s, ia_err *e)
{
  bool live = true;

  if (!graph_count_work(q, s->at, e) || !directives(q, s->directives, &live, e))
    return false;
  if (!live)
    return judge(q, p, s, e);
  switch (s->kind) {
  case IA_GQL_FIELD: return field(q, p, s, e);
  case IA_GQL_SPREAD: return spread(q, p, s, e);
  case IA_GQL_INLINE: break;
  }
  return under(q, p, s->name.len ? s->name : p->scope, s->selections, p->inside, s->at, e);
}

static bool gather(graph_query *q, const place *p, const ia_gql_selection *set, ia_err *e)
{
  for (const ia_gql_selection *s = set; s; s = s->next)
    if (!gather_one(q, p, s, e))
      return false;
  return true;
}

/* The plans below. */
static bool complete_node(graph_query *q, graph_node *n, unsigned depth, ia_err *e)
{
  if (n->n_sets == 0)
    return true;
  if (depth > GRAPH_DEPTH_MAX)
    return graph_refuse(q, n->at, e, "a query deeper than %d levels", GRAPH_DEPTH_MAX);
  n->plan = plan_of(q, graph_type_core(ia_span_str(n->out.type.s)));
  if (!n->plan)
    return ia_fail(e, IA_E_MEMORY, "no memory for a plan");
  for (size_t i = 0; i < n->plan->n; i++)
    for (size_t k = 0; k < n->n_sets; k++) {
      place p = {.plan = n->plan, .at = i, .scope = n->plan->type};

      if (!gather(q, &p, n->sets[k], e))
        return false;
    }
  return complete(q, n->plan, depth + 1, e);
}

static bool complete(graph_query *q, graph_plan *p, unsigned depth, ia_err *e)
{
  for (size_t i = 0; i < p->n; i++)
    for (graph_node *n = p->v[i].first; n; n = n->next)
      if (!complete_node(q, n, depth, e))
        return false;
  return true;
}

bool graph_plan_make(graph_query *q, graph_plan **out, ia_err *e)
{
  IA_AUTO(graph_plan) *p = plan_of(q, ia_span_str("Query"));
  bool live = true;

  if (!p)
    return ia_fail(e, IA_E_MEMORY, "no memory for a plan");
  place top = {.plan = p, .scope = p->type};
  for (const ia_gql_directive *d = q->operation->directives; d; d = d->next)
    return graph_refuse(q, d->at, e, "directive \"@%.*s\" cannot stand here", SHOWN(d->name));
  if (!directives(q, NULL, &live, e) || !gather(q, &top, q->operation->selections, e) ||
      !complete(q, p, 1, e))
    return false;
  *out = ia_steal(&p);
  return true;
}
