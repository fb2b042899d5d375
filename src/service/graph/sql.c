/* Statements under construction: text from the schema's constants alone, every value a parameter.
 */
#include <stdio.h>
#include <string.h>

#include "service/graph/query.h"

bool graph_sql_begin(graph_sql *s, const graph_schema *schema, uint64_t block, ia_err *e)
{
  s->schema = schema;
  s->block = block;
  s->params = json_array();
  return (s->params && (block == GRAPH_HEAD ||
                        json_array_append_new(s->params, json_integer((json_int_t)block)) == 0)) ||
         ia_fail(e, IA_E_MEMORY, "no memory for a query");
}

void graph_sql_free(graph_sql *s)
{
  ia_buf_free(&s->text);
  json_decref(s->params);
}

void graph_sql_param(graph_sql *s, json_t *value)
{
  if (!value || json_array_append_new(s->params, value) != 0)
    s->text.bad = true;
  ia_buf_printf(&s->text, "$%zu", json_array_size(s->params));
}

/* `row` is a letter or empty, `alias` a number. */
static void alive(graph_sql *s, char row, unsigned alias)
{
  char name[16];

  if (row)
    (void)snprintf(name, sizeof(name), "%c", row);
  else
    (void)snprintf(name, sizeof(name), "t%u", alias);
  if (s->block == GRAPH_HEAD)
    ia_buf_printf(&s->text, "%s.until = 9223372036854775807", name);
  else
    ia_buf_printf(&s->text, "%s.since <= $1 AND %s.until > $1", name, name);
}

void graph_sql_alive(graph_sql *s, unsigned alias)
{
  alive(s, 0, alias);
}

void graph_sql_expression(graph_sql *s, const char *expression, unsigned alias)
{
  for (const char *c = expression; *c; c++) {
    if (*c == '@')
      ia_buf_printf(&s->text, "t%u", alias);
    else if (*c == '#' && c[1])
      alive(s, *++c, 0);
    else
      ia_buf_u8(&s->text, (uint8_t)*c);
  }
}

void graph_sql_field(graph_sql *s, const graph_field *f, unsigned alias)
{
  if (graph_is_leaf(f))
    graph_sql_expression(s, f->sql, alias);
  else
    ia_buf_printf(&s->text, "t%u.%s", alias, f->kind == GRAPH_ONE ? f->sql : "id");
}

void graph_sql_kind(graph_sql *s, const graph_entity *t, unsigned alias)
{
  const char *before = "";

  if (t->implements)
    ia_buf_printf(&s->text, " AND t%u.type = '%s'", alias, t->name);
  if (!t->interface)
    return;
  ia_buf_printf(&s->text, " AND t%u.type IN (", alias);
  for (size_t i = 0; i < s->schema->n; i++) {
    const graph_entity *o = &s->schema->entities[i];

    if (o->implements && strcmp(o->implements, t->name) == 0) {
      ia_buf_printf(&s->text, "%s'%s'", before, o->name);
      before = ", ";
    }
  }
  ia_buf_u8(&s->text, ')');
}
