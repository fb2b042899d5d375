/* Insides of the database handle; included by store/db.c and store/stmt.c alone. */
#ifndef IA_STORE_DB_INT_H
#define IA_STORE_DB_INT_H

#include <sqlite3.h>

#include "store/db.h"

enum { PARAMS_MAX = 2000 };

struct ia_stmt {
  ia_stmt *next;
  ia_db *db;
  const char *sql; /* the literal itself: compared by address; NULL: used once */
  sqlite3_stmt *s;
  int *at; /* SQLite's index of $1, $2, ..; SQLite counts by first appearance */
  int n_params;
  ia_err bind_err; /* of a binding, reported by the next step */
};

struct ia_db {
  sqlite3 *sqlite;
  ia_stmt *stmts;
  uint64_t budget; /* what is left of it, in units of BUDGET_UNIT */
};

/* Steps of SQLite's machine between two looks at the budget. */
enum { BUDGET_UNIT = 1000 };

void ia_stmts_free(ia_db *db);
void ia_stmts_reset(ia_db *db);
/* Fills e from the handle's last failure; always false. */
bool ia_db_failed(ia_db *db, const char *what, ia_err *e);

#endif
