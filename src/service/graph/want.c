/* The statement that reads the rows of one place for all the objects above it at once: lists are
 * cut for each of them by a window function, so no object costs a statement of its own. */
#include <stdio.h>
#include <string.h>

#include "service/graph/rows.h"

enum { SORTED_CHARS = 256 };

typedef struct columns {
  const graph_field *v[GRAPH_COLUMNS_MAX];
  size_t n;
} columns;

static bool is_stored(const graph_node *n)
{
  return n->out.field && (graph_is_leaf(n->out.field) || n->out.field->kind == GRAPH_ONE);
}

/* Types that share a table share what is read of it. */
static bool column_of(columns *c, graph_node *n, ia_err *e)
{
  for (n->column = 0; n->column < c->n; n->column++) {
    const graph_field *have = c->v[n->column], *want = n->out.field;

    if (strcmp(have->sql, want->sql) == 0 && have->kind == want->kind)
      return true;
  }
  if (c->n == GRAPH_COLUMNS_MAX)
    return ia_fail(e, IA_E_INTERNAL, "more than %d columns", GRAPH_COLUMNS_MAX);
  c->v[c->n++] = n->out.field;
  return true;
}

static bool choose(columns *c, const graph_plan *p, ia_err *e)
{
  for (size_t i = 0; i < p->n; i++)
    for (graph_node *n = p->v[i].first; n; n = n->next)
      if (is_stored(n) && !column_of(c, n, e))
        return false;
  return true;
}

/* Where rows come from; row t1, link t2. */
static void put_from(graph_sql *s, const graph_want *w)
{
  const graph_field *f = w->field;

  s->aliases = 2;
  ia_buf_printf(&s->text, " FROM %s t1", w->of->table);
  if (f && f->kind == GRAPH_LIST)
    ia_buf_printf(&s->text, " JOIN link t2 ON t2.target = t1.id AND t2.list = '%s'", f->sql);
  if (f && f->kind == GRAPH_LISTED)
    ia_buf_printf(&s->text, " JOIN link t2 ON t2.owner = t1.id AND t2.list = '%s'", f->sql);
}

static void put_key(graph_sql *s, const graph_want *w)
{
  const graph_field *f = w->field;

  if (!f || f->kind == GRAPH_ONE)
    ia_buf_str(&s->text, "t1.id");
  else if (f->kind == GRAPH_LIST)
    ia_buf_str(&s->text, "t2.owner");
  else if (f->kind == GRAPH_LISTED)
    ia_buf_str(&s->text, "t2.target");
  else
    ia_buf_printf(&s->text, "t1.%s", f->sql);
}

static bool put_where(graph_sql *s, const graph_want *w, ia_err *e)
{
  ia_buf_str(&s->text, " WHERE ");
  graph_sql_alive(s, 1);
  graph_sql_kind(s, w->of, 1);
  if (w->field) {
    ia_buf_str(&s->text, " AND ");
    put_key(s, w);
    ia_buf_str(&s->text, " IN (SELECT value FROM json_each(");
    graph_sql_param(s, json_incref(w->keys));
    ia_buf_str(&s->text, "))");
  }
  return graph_filter(s, w->of, 1, json_object_get(w->args, "where"), e);
}

/* A sorter holds the keys of all rows: of long texts their beginning decides. */
static void put_sort_key(graph_sql *s, const graph_field *f, unsigned alias)
{
  bool text = f->kind == GRAPH_STRING || f->kind == GRAPH_BYTES;

  ia_buf_str(&s->text, text ? "substr(" : "");
  graph_sql_field(s, f, alias);
  if (text)
    ia_buf_printf(&s->text, ", 1, %d)", SORTED_CHARS);
}

/* By a field of the row, or of another object that the row names: owner__id. */
static void put_expression(graph_sql *s, const graph_want *w, ia_span by)
{
  const graph_field *f = graph_field_named(w->of, by);
  size_t n = 0;

  if (f) {
    put_sort_key(s, f, 1);
    return;
  }
  while (n + 2 < by.len && memcmp(by.ptr + n, "__", 2) != 0)
    n++;
  f = graph_field_named(w->of, ia_span_of(by.ptr, n));
  const graph_entity *of = f ? graph_of(s->schema, f) : NULL;
  const graph_field *inner =
      of ? graph_field_named(of, ia_span_of(by.ptr + n + 2, by.len - n - 2)) : NULL;
  unsigned a = ++s->aliases;
  if (!inner) {
    s->text.bad = true;
    return;
  }
  ia_buf_str(&s->text, "(SELECT ");
  put_sort_key(s, inner, a);
  ia_buf_printf(&s->text, " FROM %s t%u WHERE t%u.id = t1.%s AND ", of->table, a, a, f->sql);
  graph_sql_alive(s, a);
  ia_buf_u8(&s->text, ')');
}

static void put_order(graph_sql *s, const graph_want *w)
{
  const char *by = json_string_value(json_object_get(w->args, "orderBy"));
  const char *way = json_string_value(json_object_get(w->args, "orderDirection"));
  const char *to = way && strcmp(way, "desc") == 0 ? " DESC" : "";

  ia_buf_str(&s->text, " ORDER BY ");
  if (by)
    put_expression(s, w, ia_span_str(by));
  else if (w->field && w->field->kind == GRAPH_LIST)
    ia_buf_str(&s->text, "t2.place");
  else
    ia_buf_str(&s->text, "t1.id");
  ia_buf_printf(&s->text, "%s, t1.id%s", to, to);
}

static bool range(const graph_want *w, int64_t *first, int64_t *skip, ia_err *e)
{
  json_t *n = json_object_get(w->args, "first"), *s = json_object_get(w->args, "skip");

  *first = json_is_integer(n) ? json_integer_value(n) : 100;
  *skip = json_is_integer(s) ? json_integer_value(s) : 0;
  if (*first < 0 || *first > GRAPH_FIRST_MAX)
    return ia_fail(e, IA_E_INVALID, "first: from 0 to %d, not %lld", GRAPH_FIRST_MAX,
                   (long long)*first);
  return *skip >= 0 || ia_fail(e, IA_E_INVALID, "skip: not below 0");
}

/* key: what the row belongs to, NULL = as the link says. */
static void put_rows(graph_sql *s, const columns *c, const graph_want *w, const char *key)
{
  if (key)
    ia_buf_str(&s->text, key);
  else
    put_key(s, w);
  ia_buf_printf(&s->text, " AS k, t1.id AS id, %s AS type", w->of->interface ? "t1.type" : "''");
  for (size_t i = 0; i < c->n; i++) {
    ia_buf_str(&s->text, ", ");
    graph_sql_field(s, c->v[i], 1);
    ia_buf_printf(&s->text, " AS c%zu", i);
  }
}

/* The keys and ids of a list, in its order. */
static bool put_ids(graph_sql *s, const graph_want *w, int64_t first, int64_t skip, ia_err *e)
{
  bool each = w->field && json_array_size(w->keys) > 1;

  ia_buf_str(&s->text, each ? "SELECT k, id FROM (SELECT " : "SELECT ");
  put_key(s, w);
  ia_buf_str(&s->text, " AS k, t1.id AS id");
  if (each) {
    ia_buf_str(&s->text, ", row_number() OVER (PARTITION BY ");
    put_key(s, w);
    put_order(s, w);
    ia_buf_str(&s->text, ") AS n");
  }
  put_from(s, w);
  if (!put_where(s, w, e))
    return false;
  if (each) {
    ia_buf_printf(&s->text, ") WHERE n > %lld AND n <= %lld ORDER BY k, n LIMIT -1",
                  (long long)skip, (long long)(skip + first));
  } else {
    put_order(s, w);
    ia_buf_printf(&s->text, " LIMIT %lld OFFSET %lld", (long long)first, (long long)skip);
  }
  return true;
}

/* A list: its ids are found and sorted first, and then its rows are read one by one, so that no
 * sorter holds what their columns hold. CROSS JOIN keeps the order of the ids; a LIMIT, also one
 * that limits nothing, keeps them sorted. */
static bool put_list(graph_sql *s, const columns *c, const graph_want *w, int64_t first,
                     int64_t skip, ia_err *e)
{
  ia_buf_str(&s->text, "SELECT ");
  put_rows(s, c, w, "p.k");
  ia_buf_str(&s->text, " FROM (");
  if (!put_ids(s, w, first, skip, e))
    return false;
  ia_buf_printf(&s->text, ") p CROSS JOIN %s t1 WHERE t1.id = p.id AND ", w->of->table);
  graph_sql_alive(s, 1);
  return ia_buf_ok(&s->text, e);
}

bool graph_want_sql(graph_query *q, graph_sql *s, const graph_plan *p, const graph_want *w,
                    ia_err *e)
{
  columns c = {0};
  int64_t first, skip;

  if (!graph_sql_begin(s, q->schema, w->block, e) || !choose(&c, p, e) ||
      !range(w, &first, &skip, e))
    return false;
  if (w->field ? graph_is_many(w->field) : w->args != NULL)
    return put_list(s, &c, w, first, skip, e);
  ia_buf_str(&s->text, "SELECT ");
  put_rows(s, &c, w, NULL);
  put_from(s, w);
  return put_where(s, w, e) && ia_buf_ok(&s->text, e);
}
