/* Writing the index: versions of rows, lists, rollback. */
#ifndef IA_SERVICE_GRAPH_STORE_H
#define IA_SERVICE_GRAPH_STORE_H

#include "eth/u256.h"
#include "store/db.h"

extern const ia_migration graph_tables[];
extern const size_t graph_tables_steps;
extern const char *const graph_versioned[]; /* tables whose rows are versions */
extern const size_t graph_n_versioned;

/* Numbers of 256 bits as text that sorts by value: the count of digits in two digits, then the
 * digits. */
typedef struct graph_big {
  char s[83];
} graph_big;
graph_big graph_big_of(const ia_u256 *v);
/* Decimal digits, a sign; what is below zero becomes a text that is less than every other. `scale`
 * digits after the point become part of the number. PARSE. */
IA_MUST bool graph_big_parse(graph_big *out, ia_span text, unsigned scale, ia_err *e);
IA_MUST bool graph_big_read(ia_u256 *out, const char *coded, ia_err *e);
/* As people read them: "12", and with a scale "0.5". */
void graph_big_show(ia_buf *out, const char *coded, unsigned scale);

typedef struct graph_value {
  const char *column;
  enum { GRAPH_IS_TEXT, GRAPH_IS_BYTES, GRAPH_IS_NUMBER, GRAPH_IS_NULL } is;
  const char *text;
  ia_span bytes; /* written as "0x.." */
  uint64_t number;
} graph_value;

#define GRAPH_TEXT(name, value)                                                                    \
  {                                                                                                \
    .column = (name), .is = GRAPH_IS_TEXT, .text = (value)                                         \
  }
#define GRAPH_HEX(name, value)                                                                     \
  {                                                                                                \
    .column = (name), .is = GRAPH_IS_BYTES, .bytes = (value)                                       \
  }
#define GRAPH_TIME(name, value)                                                                    \
  {                                                                                                \
    .column = (name), .is = GRAPH_IS_NUMBER, .number = (value)                                     \
  }
#define GRAPH_NONE(name)                                                                           \
  {                                                                                                \
    .column = (name), .is = GRAPH_IS_NULL                                                          \
  }

/* One thread's handle with the statements that it made. */
typedef struct graph_store graph_store;
IA_MUST bool graph_store_open(graph_store **out, const char *url, ia_err *e);
void graph_store_close(graph_store *s); /* NULL is fine */
IA_DEFINE_AUTO(graph_store, graph_store_close)
ia_db *graph_store_db(graph_store *s);

/* Sets these columns of the row from `block` on; a row that is not there is made. */
IA_MUST bool graph_put(graph_store *s, const char *table, const char *id, uint64_t block,
                       const graph_value *v, size_t n, ia_err *e);
/* The value of a column of the living row; *found false when there is none. */
IA_MUST bool graph_get(graph_store *s, const char *table, const char *id, const char *column,
                       ia_buf *out, bool *found, ia_err *e);
/* Makes the living row begin here: what was known of it without its own event goes. */
IA_MUST bool graph_forget(graph_store *s, const char *table, const char *id, ia_err *e);
IA_MUST bool graph_link(graph_store *s, const char *list, const char *owner, uint64_t place,
                        const char *target, uint64_t block, ia_err *e);
/* Nothing of blocks above `block` is left. */
IA_MUST bool graph_rollback(graph_store *s, uint64_t block, ia_err *e);
/* Nothing is left at all. */
IA_MUST bool graph_empty(graph_store *s, ia_err *e);

#endif
