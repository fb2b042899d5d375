/* Looking things up by name. */
#include "service/graph/schema.h"

const graph_entity *graph_entity_named(const graph_schema *s, ia_span name)
{
  for (size_t i = 0; i < s->n; i++)
    if (ia_span_is(name, s->entities[i].name))
      return &s->entities[i];
  return NULL;
}

const graph_enum *graph_enum_named(const graph_schema *s, ia_span name)
{
  for (size_t i = 0; i < s->n_enums; i++)
    if (ia_span_is(name, s->enums[i].name))
      return &s->enums[i];
  return NULL;
}

const graph_field *graph_field_named(const graph_entity *t, ia_span name)
{
  for (size_t i = 0; i < t->n; i++)
    if (ia_span_is(name, t->fields[i].name))
      return &t->fields[i];
  return NULL;
}
