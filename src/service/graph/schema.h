/* What can be asked: entities, their fields, and where they lie in the store. Constant tables;
 * types, filters, introspection and SQL are all made from them. */
#ifndef IA_SERVICE_GRAPH_SCHEMA_H
#define IA_SERVICE_GRAPH_SCHEMA_H

#include "base/span.h"

typedef enum graph_kind {
  GRAPH_ID,
  GRAPH_STRING,
  GRAPH_BYTES,
  GRAPH_ENUM,   /* of: its name */
  GRAPH_INT,    /* Int, an SQL integer */
  GRAPH_NUMBER, /* BigInt, an SQL integer */
  GRAPH_BIG,    /* BigInt, as graph_big_put writes it */
  GRAPH_RLC,    /* BigDecimal: nRLC as graph_big_put writes them, shown in RLC */
  GRAPH_ONE,    /* sql: the column with the id of an `of` */
  GRAPH_BACK,   /* the one `of` whose column `sql` names us */
  GRAPH_MANY,   /* every `of` whose column `sql` names us */
  GRAPH_LIST,   /* sql: name of the list in `link` whose targets are `of` */
  GRAPH_LISTED  /* every `of` whose list `sql` holds us */
} graph_kind;

typedef struct graph_field {
  const char *name;
  graph_kind kind;
  bool nullable;
  const char *of; /* entity or enum */
  /* A column, or an expression in which @ is the row and #x the condition that row x is alive. */
  const char *sql;
} graph_field;

typedef struct graph_entity {
  const char *name, *one, *many; /* "Deal", "deal", "deals" */
  const char *table;
  const char *implements; /* an interface, whose table is the same; NULL */
  bool interface;         /* column `type` names the entity of a row */
  const graph_field *fields;
  size_t n;
} graph_entity;

typedef struct graph_enum {
  const char *name;
  const char *const *values; /* NULL-terminated */
} graph_enum;

typedef struct graph_schema {
  const graph_entity *entities;
  size_t n;
  const graph_enum *enums;
  size_t n_enums;
} graph_schema;

extern const graph_schema graph_dataprotector, graph_poco;

const graph_entity *graph_entity_named(const graph_schema *s, ia_span name); /* NULL: none */
const graph_enum *graph_enum_named(const graph_schema *s, ia_span name);
const graph_field *graph_field_named(const graph_entity *t, ia_span name);
static inline const graph_entity *graph_of(const graph_schema *s, const graph_field *f)
{
  return f->of ? graph_entity_named(s, ia_span_str(f->of)) : NULL;
}
static inline bool graph_is_leaf(const graph_field *f)
{
  return f->kind < GRAPH_ONE;
}
/* Lists of rows, which take first, skip, orderBy, orderDirection and where. */
static inline bool graph_is_many(const graph_field *f)
{
  return f->kind >= GRAPH_MANY;
}

#endif
