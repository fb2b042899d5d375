/* Versions of rows. */
#include "service/graph/store.h"

#include <string.h>

#include "base/hex.h"

enum { TEXTS = 512 };
/* End of a version that is alive. */
#define ALIVE "9223372036854775807"

struct graph_store {
  ia_db *db;
  /* Statements are kept by the address of their text, so every text is made once. */
  char *texts[TEXTS];
  size_t n_texts;
};

bool graph_store_open(graph_store **out, const char *url, ia_err *e)
{
  IA_AUTO(graph_store) *s = calloc(1, sizeof(*s));

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "no memory for the index");
  if (!ia_db_open(&s->db, url, graph_tables, graph_tables_steps, e))
    return false;
  *out = ia_steal(&s);
  return true;
}

void graph_store_close(graph_store *s)
{
  if (!s)
    return;
  ia_db_close(s->db);
  for (size_t i = 0; i < s->n_texts; i++)
    free(s->texts[i]);
  free(s);
}

ia_db *graph_store_db(graph_store *s)
{
  return s->db;
}

/* The statement of a text that was made of constants. */
static bool stmt(graph_store *s, ia_stmt **out, ia_buf *sql, ia_err *e)
{
  ia_autofree char *text = ia_buf_text(sql);

  if (!text)
    return ia_fail(e, IA_E_MEMORY, "no memory for a statement");
  for (size_t i = 0; i < s->n_texts; i++)
    if (strcmp(s->texts[i], text) == 0)
      return ia_db_stmt(out, s->db, s->texts[i], e);
  if (s->n_texts == TEXTS)
    return ia_fail(e, IA_E_INTERNAL, "more than %d statements", TEXTS);
  s->texts[s->n_texts] = ia_steal(&text);
  return ia_db_stmt(out, s->db, s->texts[s->n_texts++], e);
}

/* One statement without rows over a table; $1 is a text, $2 a block when `numbered`. */
static bool change(graph_store *s, const char *before, const char *table, const char *after,
                   const char *id, const uint64_t *block, ia_err *e)
{
  IA_AUTOV(ia_buf) sql = {0};
  ia_stmt *st;

  ia_buf_printf(&sql, "%s %s %s", before, table, after);
  if (!stmt(s, &st, &sql, e))
    return false;
  ia_bind_text(st, 1, id);
  if (block)
    ia_bind_u64(st, 2, *block);
  return ia_stmt_run(st, e);
}

static bool bind_value(ia_stmt *st, int at, const graph_value *v, ia_err *e)
{
  IA_AUTOV(ia_buf) hex = {0};

  switch (v->is) {
  case GRAPH_IS_TEXT: ia_bind_text(st, at, v->text); break;
  case GRAPH_IS_NUMBER: ia_bind_u64(st, at, v->number > INT64_MAX ? INT64_MAX : v->number); break;
  case GRAPH_IS_NULL: ia_bind_null(st, at); break;
  case GRAPH_IS_BYTES:
    ia_buf_hex0x(&hex, v->bytes);
    ia_bind_textn(st, at, ia_buf_view(&hex));
    break;
  }
  return ia_buf_ok(&hex, e);
}

static bool run_bound(ia_stmt *st, const char *id, uint64_t block, const graph_value *v, size_t n,
                      ia_err *e)
{
  ia_bind_text(st, 1, id);
  ia_bind_u64(st, 2, block);
  for (size_t i = 0; i < n; i++)
    if (!bind_value(st, (int)i + 3, &v[i], e))
      return false;
  return ia_stmt_run(st, e);
}

static bool insert(graph_store *s, const char *table, const char *id, uint64_t block,
                   const graph_value *v, size_t n, ia_err *e)
{
  IA_AUTOV(ia_buf) sql = {0};
  ia_stmt *st;

  ia_buf_printf(&sql, "INSERT INTO %s (id, since, until", table);
  for (size_t i = 0; i < n; i++)
    ia_buf_printf(&sql, ", %s", v[i].column);
  ia_buf_str(&sql, ") VALUES ($1, $2, " ALIVE);
  for (size_t i = 0; i < n; i++)
    ia_buf_printf(&sql, ", $%zu", i + 3);
  ia_buf_u8(&sql, ')');
  return stmt(s, &st, &sql, e) && run_bound(st, id, block, v, n, e);
}

static bool update(graph_store *s, const char *table, const char *id, uint64_t block,
                   const graph_value *v, size_t n, ia_err *e)
{
  IA_AUTOV(ia_buf) sql = {0};
  ia_stmt *st;

  ia_buf_printf(&sql, "UPDATE %s SET since = $2", table);
  for (size_t i = 0; i < n; i++)
    ia_buf_printf(&sql, ", %s = $%zu", v[i].column, i + 3);
  ia_buf_str(&sql, " WHERE id = $1 AND until = " ALIVE);
  return stmt(s, &st, &sql, e) && run_bound(st, id, block, v, n, e);
}

/* Block since which the row stands as it is; false in *found when there is none. */
static bool since(graph_store *s, const char *table, const char *id, uint64_t *block, bool *found,
                  ia_err *e)
{
  IA_AUTOV(ia_buf) sql = {0};
  ia_stmt *st;

  ia_buf_printf(&sql, "SELECT since FROM %s WHERE id = $1 AND until = " ALIVE, table);
  if (!stmt(s, &st, &sql, e))
    return false;
  ia_bind_text(st, 1, id);
  if (!ia_stmt_step(st, found, e))
    return false;
  if (*found)
    *block = ia_col_u64(st, 0);
  ia_stmt_reset(st);
  return true;
}

/* A copy of the living version that ends at `block`. */
static bool keep(graph_store *s, const char *table, const char *id, uint64_t block, ia_err *e)
{
  IA_AUTOV(ia_buf) sql = {0};
  ia_stmt *st;
  bool row;

  ia_buf_printf(&sql,
                "SELECT group_concat(name, ', ') FROM pragma_table_info('%s')"
                " WHERE name NOT IN ('id', 'since', 'until')",
                table);
  if (!stmt(s, &st, &sql, e) || !ia_stmt_step(st, &row, e))
    return false;
  ia_buf_printf(&sql,
                "INSERT INTO %s (id, since, until, %s) SELECT id, since, $2, %s FROM %s"
                " WHERE id = $1 AND until = " ALIVE,
                table, ia_col_text(st, 0), ia_col_text(st, 0), table);
  ia_stmt_reset(st);
  return stmt(s, &st, &sql, e) && run_bound(st, id, block, NULL, 0, e);
}

bool graph_put(graph_store *s, const char *table, const char *id, uint64_t block,
               const graph_value *v, size_t n, ia_err *e)
{
  uint64_t from = 0;
  bool found;

  if (!since(s, table, id, &from, &found, e))
    return false;
  if (!found)
    return insert(s, table, id, block, v, n, e);
  return (from == block || keep(s, table, id, block, e)) && update(s, table, id, block, v, n, e);
}

bool graph_get(graph_store *s, const char *table, const char *id, const char *column, ia_buf *out,
               bool *found, ia_err *e)
{
  IA_AUTOV(ia_buf) sql = {0};
  ia_stmt *st;

  ia_buf_printf(&sql, "SELECT %s FROM %s WHERE id = $1 AND until = " ALIVE, column, table);
  if (!stmt(s, &st, &sql, e))
    return false;
  ia_bind_text(st, 1, id);
  if (!ia_stmt_step(st, found, e))
    return false;
  ia_buf_clear(out);
  if (*found)
    ia_buf_str(out, ia_col_text(st, 0));
  ia_buf_u8(out, 0);
  ia_stmt_reset(st);
  return ia_buf_ok(out, e);
}

bool graph_forget(graph_store *s, const char *table, const char *id, ia_err *e)
{
  return change(s, "DELETE FROM", table, "WHERE id = $1", id, NULL, e);
}

bool graph_link(graph_store *s, const char *list, const char *owner, uint64_t place,
                const char *target, uint64_t block, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db,
                  "INSERT INTO link (list, owner, place, target, since) VALUES ($1, $2, $3, $4, $5)"
                  " ON CONFLICT DO NOTHING",
                  e))
    return false;
  ia_bind_text(st, 1, list);
  ia_bind_text(st, 2, owner);
  ia_bind_u64(st, 3, place);
  ia_bind_text(st, 4, target);
  ia_bind_u64(st, 5, block);
  return ia_stmt_run(st, e);
}

static bool above(graph_store *s, const char *before, const char *table, const char *after,
                  uint64_t block, ia_err *e)
{
  IA_AUTOV(ia_buf) sql = {0};
  ia_stmt *st;

  ia_buf_printf(&sql, "%s %s %s", before, table, after);
  if (!stmt(s, &st, &sql, e))
    return false;
  ia_bind_u64(st, 1, block);
  return ia_stmt_run(st, e);
}

bool graph_rollback(graph_store *s, uint64_t block, ia_err *e)
{
  for (size_t i = 0; i < graph_n_versioned; i++)
    if (!above(s, "DELETE FROM", graph_versioned[i], "WHERE since > $1", block, e) ||
        !above(s, "UPDATE", graph_versioned[i],
               "SET until = " ALIVE " WHERE until > $1 AND until < " ALIVE, block, e))
      return false;
  return above(s, "DELETE FROM", "link", "WHERE since > $1", block, e) &&
         above(s, "DELETE FROM", "missing", "WHERE since > $1", block, e) &&
         above(s, "DELETE FROM", "block", "WHERE number > $1", block, e);
}

bool graph_empty(graph_store *s, ia_err *e)
{
  for (size_t i = 0; i < graph_n_versioned; i++)
    if (!above(s, "DELETE FROM", graph_versioned[i], "WHERE $1 = 0", 0, e))
      return false;
  return ia_db_exec(s->db, "DELETE FROM link; DELETE FROM missing; DELETE FROM block", e);
}
