/* Types of GraphQL as a schema makes them. A type is named by its text: "[Deal!]!". */
#ifndef IA_SERVICE_GRAPH_TYPES_H
#define IA_SERVICE_GRAPH_TYPES_H

#include "base/buf.h"
#include "service/graph/schema.h"

typedef struct graph_name {
  char s[96];
} graph_name;

typedef enum graph_sort {
  GRAPH_NO_TYPE,
  GRAPH_SCALAR,
  GRAPH_ENUMERATION,
  GRAPH_INPUT,
  GRAPH_OBJECT,
  GRAPH_INTERFACE
} graph_sort;
/* Of a named type. */
graph_sort graph_type_sort(const graph_schema *s, ia_span name);
/* What is inside of all lists and exclamation marks. */
ia_span graph_type_core(ia_span type);
/* "[T!]!" -> "[T!]", true. */
bool graph_type_strict(ia_span *type);
/* "[T!]" -> "T!", true. */
bool graph_type_list(ia_span *type);

/* -- arguments -- */
typedef struct graph_arg {
  const char *name;
  const char *type;     /* * stands for the entity that is asked for */
  const char *standard; /* default, as text; NULL: none */
} graph_arg;
typedef struct graph_args {
  const graph_arg *v;
  size_t n;
} graph_args;
graph_name graph_arg_type(const graph_arg *a, const graph_entity *of);

/* -- fields of objects and interfaces -- */
typedef struct graph_output {
  const char *name;
  graph_name type;
  graph_args args;
  const graph_entity *of;   /* what is asked for, where it is an entity */
  const graph_field *field; /* of an entity; NULL at the top and in types that are not stored */
} graph_output;
typedef bool graph_output_fn(void *ctx, const graph_output *o); /* false: enough */
/* Every field of the type, in order. */
void graph_outputs(const graph_schema *s, ia_span type, graph_output_fn *fn, void *ctx);
bool graph_output_find(const graph_schema *s, ia_span type, ia_span name, graph_output *out);

/* -- fields of inputs -- */
typedef enum graph_op {
  GRAPH_IS,
  GRAPH_IS_NOT,
  GRAPH_GT,
  GRAPH_LT,
  GRAPH_GTE,
  GRAPH_LTE,
  GRAPH_IN,
  GRAPH_NOT_IN,
  GRAPH_CONTAINS,
  GRAPH_CONTAINS_NOCASE,
  GRAPH_NOT_CONTAINS,
  GRAPH_NOT_CONTAINS_NOCASE,
  GRAPH_STARTS,
  GRAPH_STARTS_NOCASE,
  GRAPH_NOT_STARTS,
  GRAPH_NOT_STARTS_NOCASE,
  GRAPH_ENDS,
  GRAPH_ENDS_NOCASE,
  GRAPH_NOT_ENDS,
  GRAPH_NOT_ENDS_NOCASE,
  GRAPH_NESTED,  /* field_: {..} */
  GRAPH_CHANGED, /* _change_block */
  GRAPH_AND,
  GRAPH_OR,
  GRAPH_PLAIN /* of inputs that are no filters */
} graph_op;
typedef struct graph_input {
  graph_name name, type;
  graph_op op;
  const graph_field *field;
} graph_input;
typedef bool graph_input_fn(void *ctx, const graph_input *i);
void graph_inputs(const graph_schema *s, ia_span type, graph_input_fn *fn, void *ctx);
bool graph_input_find(const graph_schema *s, ia_span type, ia_span name, graph_input *out);
/* The entity of "Deal_filter", "Deal_orderBy"; NULL for other names. */
const graph_entity *graph_entity_of_input(const graph_schema *s, ia_span type);

/* -- values of enumerations -- */
typedef bool graph_enum_fn(void *ctx, const char *value);
void graph_enum_values(const graph_schema *s, ia_span type, graph_enum_fn *fn, void *ctx);
bool graph_enum_has(const graph_schema *s, ia_span type, ia_span value);

/* -- all names -- */
typedef bool graph_name_fn(void *ctx, const char *name);
void graph_type_names(const graph_schema *s, graph_name_fn *fn, void *ctx);
/* Entities that are this one, or implement it. */
bool graph_is_kind_of(const graph_schema *s, ia_span type, const graph_entity *concrete);

#endif
