/* Rows of the store as objects of an answer. */
#ifndef IA_SERVICE_GRAPH_ROWS_H
#define IA_SERVICE_GRAPH_ROWS_H

#include "service/graph/query.h"

typedef struct graph_row {
  json_t *object; /* of the answer */
  json_t *cells;  /* values of the columns */
  char *key;      /* whom the row belongs to; its own id where nobody asked */
  char *id;
  size_t type;     /* index in the plan */
  uint64_t weight; /* objects in the answer: itself and what is below */
  uint64_t bytes;  /* the same, in bytes of the answer */
} graph_row;
typedef struct graph_rows {
  graph_row *v;
  size_t n, room;
} graph_rows;
void graph_rows_free(graph_rows *r);
IA_DEFINE_AUTO_VALUE(graph_rows, graph_rows_free)

/* Which rows. */
typedef struct graph_want {
  const graph_entity *of;
  const graph_field *field; /* through which, from the objects `keys`; NULL: at the top */
  json_t *keys;             /* texts; borrowed */
  const json_t *args;       /* first, skip, orderBy, orderDirection, where; NULL: none */
  uint64_t block;
} graph_want;

enum { GRAPH_COLUMNS_MAX = 96 };
/* The statement that reads them; sets the column of every node. Its columns are key, id, type, then
 * the fields. */
IA_MUST bool graph_want_sql(graph_query *q, graph_sql *s, const graph_plan *p, const graph_want *w,
                            ia_err *e);
/* Reads them, without what is below. */
IA_MUST bool graph_rows_read(graph_query *q, ia_db *db, const graph_plan *p, const graph_want *w,
                             graph_rows *out, ia_err *e);

#endif
