/* Reading rows. */
#include "service/graph/rows.h"

#include <stdio.h>
#include <string.h>

#include "service/graph/store.h"

/* Columns before the fields: key, id, type. What a row and a value hold beside their text. */
enum { FIELDS_FROM = 3, ROW_COST = 400, VALUE_COST = 160 };

void graph_rows_free(graph_rows *r)
{
  for (size_t i = 0; i < r->n; i++) {
    json_decref(r->v[i].object);
    json_decref(r->v[i].cells);
    free(r->v[i].key);
    free(r->v[i].id);
  }
  free(r->v);
}

static void bind(ia_stmt *s, int at, const json_t *v, ia_buf *scratch)
{
  if (json_is_string(v)) {
    ia_bind_textn(s, at, ia_span_of(json_string_value(v), json_string_length(v)));
  } else if (json_is_integer(v)) {
    ia_bind_i64(s, at, json_integer_value(v));
  } else if (json_is_array(v)) {
    ia_buf_clear(scratch);
    if (!ia_json_write(scratch, v, NULL))
      scratch->bad = true;
    ia_bind_textn(s, at, ia_buf_view(scratch));
  } else {
    ia_bind_null(s, at);
  }
}

/* A leaf as clients see it. */
static json_t *shown(const graph_field *f, ia_stmt *s, int at)
{
  IA_AUTOV(ia_buf) text = {0};

  if (ia_col_null(s, at))
    return json_null();
  switch (f->kind) {
  case GRAPH_INT: return json_integer(ia_col_i64(s, at));
  case GRAPH_NUMBER: ia_buf_printf(&text, "%lld", (long long)ia_col_i64(s, at)); break;
  case GRAPH_BIG:
  case GRAPH_RLC: graph_big_show(&text, ia_col_text(s, at), f->kind == GRAPH_RLC ? 9 : 0); break;
  default: return ia_json_bytes(ia_col_bytes(s, at));
  }
  return text.bad ? NULL : ia_json_bytes(ia_buf_view(&text));
}

/* Bytes of a leaf in an answer. */
static uint64_t written(const json_t *v)
{
  const char *text = json_string_value(v);
  uint64_t n = text ? 2 : 20;

  for (size_t i = 0, len = json_string_length(v); i < len; i++)
    n += (uint8_t)text[i] < 0x20 ? 6 : text[i] == '"' || text[i] == '\\' ? 2 : 1;
  return n;
}

/* Before the row is made: the columns say how much it will hold. */
static bool hold(graph_query *q, const graph_plan *p, ia_stmt *s, size_t type, ia_err *e)
{
  uint64_t bytes = ROW_COST + 2 * ia_col_bytes(s, 0).len + ia_col_bytes(s, 1).len;

  for (const graph_node *n = p->v[type].first; n; n = n->next) {
    bytes += VALUE_COST + n->key.len;
    if (!n->typename && (graph_is_leaf(n->out.field) || n->out.field->kind == GRAPH_ONE))
      bytes += ia_col_bytes(s, (int)n->column + FIELDS_FROM).len;
  }
  return graph_hold(q->share, bytes, e);
}

static bool fill(graph_row *r, const graph_node *n, const char *type, ia_stmt *s, ia_err *e)
{
  int at = (int)n->column + FIELDS_FROM;
  char key[256];
  json_t *v;

  (void)snprintf(key, sizeof(key), "%.*s", (int)n->key.len, (const char *)n->key.ptr);
  if (n->typename)
    v = json_string(type);
  else if (!graph_is_leaf(n->out.field))
    v = json_null(); /* holds the place of what is below */
  else
    v = shown(n->out.field, s, at);
  if (!n->typename && n->out.field->kind == GRAPH_ONE && !ia_col_null(s, at) &&
      json_object_set_new(r->cells, key, ia_json_bytes(ia_col_bytes(s, at))) != 0)
    return ia_fail(e, IA_E_MEMORY, "no memory for a row");
  r->bytes += n->key.len + 4 + written(v);
  return ia_json_set(r->object, key, v, e);
}

/* Which of the plan's types the row is. */
static size_t type_of(const graph_plan *p, const char *type)
{
  for (size_t i = 0; p->n > 1 && i < p->n; i++)
    if (ia_span_is(p->v[i].type, type))
      return i;
  return 0;
}

static bool add(graph_query *q, graph_rows *rows, const graph_plan *p, ia_stmt *s, ia_err *e)
{
  size_t which = type_of(p, ia_col_text(s, 2));

  if (!hold(q, p, s, which, e))
    return false;
  if (rows->n == rows->room) {
    size_t room = rows->room ? rows->room * 2 : 64;
    graph_row *v = realloc(rows->v, room * sizeof(*v));

    if (!v)
      return ia_fail(e, IA_E_MEMORY, "no memory for rows");
    rows->v = v;
    rows->room = room;
  }
  graph_row *r = &rows->v[rows->n++];
  *r = (graph_row){.object = json_object(),
                   .cells = json_object(),
                   .key = strdup(ia_col_text(s, 0)),
                   .id = strdup(ia_col_text(s, 1)),
                   .type = which,
                   .weight = 1,
                   .bytes = 3};
  if (!r->object || !r->cells || !r->key || !r->id)
    return ia_fail(e, IA_E_MEMORY, "no memory for rows");
  char type[64];
  (void)snprintf(type, sizeof(type), "%.*s", (int)p->v[r->type].type.len,
                 (const char *)p->v[r->type].type.ptr);
  for (const graph_node *n = p->v[r->type].first; n; n = n->next)
    if (!fill(r, n, type, s, e))
      return false;
  return rows->n <= GRAPH_OBJECTS_MAX ||
         ia_fail(e, IA_E_INVALID, "an answer of more than %d objects", GRAPH_OBJECTS_MAX);
}

bool graph_rows_read(graph_query *q, ia_db *db, const graph_plan *p, const graph_want *w,
                     graph_rows *out, ia_err *e)
{
  IA_AUTOV(graph_sql) sql = {0};
  IA_AUTOV(ia_buf) scratch = {0};
  IA_AUTO(ia_stmt) *s = NULL;
  bool row = true;
  json_t *v;
  size_t i;

  if (!graph_want_sql(q, &sql, p, w, e))
    return false;
  ia_autofree char *text = ia_buf_text(&sql.text);
  if (!text || !ia_stmt_once(&s, db, text, e))
    return text ? false : ia_fail(e, IA_E_MEMORY, "no memory for a query");
  json_array_foreach (sql.params, i, v)
    bind(s, (int)i + 1, v, &scratch);
  if (!ia_buf_ok(&scratch, e))
    return false;
  for (;;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      return true;
    if (!add(q, out, p, s, e))
      return false;
  }
}
