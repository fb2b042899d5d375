/* One request: its document judged against a schema, planned, and answered. */
#ifndef IA_SERVICE_GRAPH_QUERY_H
#define IA_SERVICE_GRAPH_QUERY_H

#include "base/json.h"
#include "service/graph/budget.h"
#include "service/graph/gql.h"
#include "service/graph/types.h"
#include "store/db.h"

enum {
  GRAPH_WORK_MAX = 20000,     /* selections and values of a query, fragments spread */
  GRAPH_DEPTH_MAX = 24,       /* levels of selections */
  GRAPH_TESTS_MAX = 400,      /* of all filters together */
  GRAPH_FIRST_MAX = 1000,     /* rows of one list */
  GRAPH_OBJECTS_MAX = 200000, /* of an answer, counted as often as they stand there */
  GRAPH_BATCH_MAX = 100       /* operations of one request */
};

/* What all operations of one request have used of its limits. */
typedef struct graph_spent {
  size_t text; /* bytes of documents */
  unsigned work;
  uint64_t objects, bytes; /* of the answer */
} graph_spent;

typedef struct graph_query {
  const graph_schema *schema;
  ia_span text;
  const ia_gql_document *document;
  const ia_gql_definition *operation;
  json_t *variables; /* values by name, of the declared types; absent: not given */
  size_t at;         /* where the fault is */
  bool placed;       /* `at` says something */
  graph_spent *spent;
  graph_share *share; /* what its rows hold */
  const char *code;   /* of the error, for clients that look for it; NULL: none */
} graph_query;

/* Fills e and notes the place; always false. */
bool graph_refuse(graph_query *q, size_t at, ia_err *e, const char *fmt, ...) IA_PRINTF(4, 5);
/* INVALID beyond GRAPH_WORK_MAX. */
IA_MUST bool graph_count_work(graph_query *q, size_t at, ia_err *e);

/* -- coerce.c -- */
/* `given`: the request's "variables" (NULL, null or an object). */
IA_MUST bool graph_variables(graph_query *q, const json_t *given, ia_err *e);
/* A literal as a value of `type`: *out is NULL when it is a variable that was not given. Big
 * numbers become texts of digits, bytes lower case. */
IA_MUST bool graph_coerce(graph_query *q, json_t **out, ia_span type, const ia_gql_value *v,
                          ia_err *e);
/* The arguments of a field or directive as an object; those not given are absent unless they have a
 * default. */
IA_MUST bool graph_arguments(graph_query *q, json_t **out, const graph_args *args,
                             const graph_entity *of, const ia_gql_value *given, size_t at,
                             const char *whose, ia_err *e);

/* -- plan.c -- */
typedef struct graph_plan graph_plan;
typedef struct graph_node {
  ia_span key;   /* in the answer */
  bool typename; /* __typename */
  graph_output out;
  json_t *args;
  graph_plan *plan; /* NULL: a leaf */
  size_t column;    /* of the rows, for stored fields */
  size_t at;
  const ia_gql_selection **sets; /* selections below, merged */
  size_t n_sets;
  struct graph_node *next;
} graph_node;

/* What is asked of one place, by the types that can stand there: one, but for interfaces. */
struct graph_plan {
  ia_span type;
  size_t n;
  struct {
    ia_span type;
    const graph_entity *entity; /* NULL: not stored */
    graph_node *first, **last;
  } v[16];
};

/* Judges all of the document that the operation reaches and plans it; @skip and @include are
 * applied. */
IA_MUST bool graph_plan_make(graph_query *q, graph_plan **out, ia_err *e);
void graph_plan_free(graph_plan *p); /* NULL is fine */
IA_DEFINE_AUTO(graph_plan, graph_plan_free)

/* -- sql.c -- */
/* A statement under construction. Of a past block, $1 is its number. */
typedef struct graph_sql {
  const graph_schema *schema;
  ia_buf text;
  json_t *params; /* $1, $2, .. */
  uint64_t block; /* GRAPH_HEAD: what is alive */
  unsigned aliases, tests;
} graph_sql;
#define GRAPH_HEAD UINT64_MAX

IA_MUST bool graph_sql_begin(graph_sql *s, const graph_schema *schema, uint64_t block, ia_err *e);
void graph_sql_free(graph_sql *s);
IA_DEFINE_AUTO_VALUE(graph_sql, graph_sql_free)
/* Appends a place for the value, which is taken over: text, integer, null; an array is bound as its
 * JSON. */
void graph_sql_param(graph_sql *s, json_t *value);
/* Appends an expression of the schema for the row of that alias. */
void graph_sql_expression(graph_sql *s, const char *expression, unsigned alias);
/* Appends the condition that the row is alive. */
void graph_sql_alive(graph_sql *s, unsigned alias);
/* Appends, for entities that share their table, the condition that the row is of this one. */
void graph_sql_kind(graph_sql *s, const graph_entity *t, unsigned alias);
/* Appends the value of a leaf or the id of a reference. */
void graph_sql_field(graph_sql *s, const graph_field *f, unsigned alias);

/* -- filter.c: appends " AND (..)" for a filter of the entity. -- */
IA_MUST bool graph_filter(graph_sql *s, const graph_entity *t, unsigned alias, const json_t *filter,
                          ia_err *e);

/* -- run.c -- */
typedef struct graph_head {
  uint64_t number;
  ia_h256 hash;
} graph_head;
/* Answers the plan from the rows of `db` as they were at the blocks that it names. */
IA_MUST bool graph_run(graph_query *q, const graph_plan *p, ia_db *db, const graph_head *head,
                       json_t **out, ia_err *e);

/* -- introspect.c: objects of __Schema and __Type, whose types are texts -- */
json_t *graph_introspect_schema(const graph_schema *s);
/* With what `asked` needs of it; JSON null when there is no such type. */
json_t *graph_introspect_type(const graph_schema *s, ia_span type, const graph_plan *asked);

/* -- persisted.c: texts of queries that were asked, for clients that next time send their SHA-256
 * alone. A few are kept, in memory, those that were asked last. From any thread. -- */
typedef struct graph_persisted graph_persisted;
IA_MUST bool graph_persisted_new(graph_persisted **out, ia_err *e);
void graph_persisted_free(graph_persisted *p); /* NULL is fine */
/* The text of the request's query, or NULL where it has none; *by_hash: the request names the
 * hash, so the text is worth keeping. False with q->code where the protocol has an answer after
 * which clients send the text. */
IA_MUST bool graph_persisted_find(graph_persisted *p, graph_query *q, const json_t *request,
                                  json_t **text, bool *by_hash, ia_err *e);
/* Keeps the text, unless it is long. */
void graph_persisted_keep(graph_persisted *p, ia_span text);

/* -- answer.c: the whole way of one request: an object, or an array of them, whose answers come in
 * one state of the index and share all limits. Each answer is {"data"} or {"errors"}. What it holds
 * stands in `share`, which outlives it. -- */
typedef struct graph_ask {
  const graph_schema *schema;
  ia_db *db;
  const graph_head *head;
  graph_share *share;
  graph_persisted *persisted;
} graph_ask;
json_t *graph_answer(const graph_ask *a, const json_t *request);
json_t *graph_error(const ia_err *why, const graph_query *q);

#endif
