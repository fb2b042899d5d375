/* Answering a plan: entry points, then what is below, place by place. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "service/graph/rows.h"

typedef struct run {
  graph_query *q;
  ia_db *db;
  const graph_head *head;
  uint64_t block;
  uint64_t objects, bytes; /* of the answer so far */
} run;

/* Counts what has found its place at the top of the answer. */
static bool count(run *r, uint64_t objects, uint64_t bytes, ia_err *e)
{
  r->objects += objects;
  r->bytes += bytes;
  if (r->objects > GRAPH_OBJECTS_MAX)
    return ia_fail(e, IA_E_INVALID, "an answer of more than %d objects", GRAPH_OBJECTS_MAX);
  if (r->bytes <= GRAPH_ANSWER_MAX)
    return true;
  ia_fail(e, IA_E_TOO_LARGE, "an answer of more than %d MiB", GRAPH_ANSWER_MAX >> 20);
  return ia_hint(e, "ask for fewer rows or fields at a time");
}

static bool place_fault(run *r, const graph_node *n)
{
  if (!r->q->placed)
    r->q->at = n->at;
  r->q->placed = true;
  return false;
}

static graph_name key_of(const graph_node *n)
{
  graph_name k;

  (void)snprintf(k.s, sizeof(k.s), "%.*s", (int)n->key.len, (const char *)n->key.ptr);
  return k;
}

/* -- stored objects -- */
static bool below(run *r, const graph_plan *p, graph_rows *rows, ia_err *e);

static bool load(run *r, const graph_plan *p, const graph_want *w, graph_rows *out, ia_err *e)
{
  return graph_rows_read(r->q, r->db, p, w, out, e) && below(r, p, out, e);
}

/* The ids that rows of this type hand to a node, each once. */
static json_t *keys_of(const graph_rows *rows, size_t type, const graph_node *n)
{
  IA_AUTO_JSON *seen = json_object();
  json_t *keys = json_array();
  graph_name key = key_of(n);

  for (size_t i = 0; i < rows->n; i++) {
    const char *id = n->out.field->kind == GRAPH_ONE
                         ? json_string_value(json_object_get(rows->v[i].cells, key.s))
                         : rows->v[i].id;

    if (rows->v[i].type != type || !id || json_object_get(seen, id))
      continue;
    if (json_object_set_new(seen, id, json_true()) != 0 ||
        json_array_append_new(keys, json_string(id)) != 0) {
      json_decref(keys);
      return NULL;
    }
  }
  return keys;
}

/* What was found, by whom it belongs to, and how much that is. */
typedef struct joined {
  json_t *objects; /* {"key": object or array} */
  json_t *weights, *bytes;
} joined;

static void joined_free(joined *j)
{
  json_decref(j->objects);
  json_decref(j->weights);
  json_decref(j->bytes);
}
IA_DEFINE_AUTO_VALUE(joined, joined_free)

static bool add_number(json_t *numbers, const char *key, uint64_t n)
{
  json_int_t before = json_integer_value(json_object_get(numbers, key));

  return json_object_set_new(numbers, key, json_integer(before + (json_int_t)n)) == 0;
}

static uint64_t number_of(const json_t *numbers, const char *key)
{
  return key ? (uint64_t)json_integer_value(json_object_get(numbers, key)) : 0;
}

static bool by_key(joined *j, const graph_rows *found, bool many, ia_err *e)
{
  for (size_t i = 0; i < found->n; i++) {
    const graph_row *r = &found->v[i];

    json_t *list = json_object_get(j->objects, r->key);
    if (many && !list && json_object_set_new(j->objects, r->key, list = json_array()) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
    if ((many ? json_array_append(list, r->object)
              : json_object_set(j->objects, r->key, r->object)) ||
        !add_number(j->weights, r->key, r->weight) || !add_number(j->bytes, r->key, r->bytes))
      return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
  }
  return true;
}

static bool join(run *r, graph_row *row, const graph_node *n, const joined *j, ia_err *e)
{
  graph_name key = key_of(n);
  bool many = graph_is_many(n->out.field);
  const char *id = n->out.field->kind == GRAPH_ONE
                       ? json_string_value(json_object_get(row->cells, key.s))
                       : row->id;
  run with = *r;

  row->weight += number_of(j->weights, id);
  row->bytes += number_of(j->bytes, id) + n->key.len + 6;
  if (!count(&with, row->weight, row->bytes, e))
    return false;
  json_t *v = id ? json_incref(json_object_get(j->objects, id)) : NULL;
  return ia_json_set(row->object, key.s, v ? v : many ? json_array() : json_null(), e);
}

static bool node_below(run *r, size_t type, const graph_node *n, graph_rows *rows, ia_err *e)
{
  IA_AUTO_JSON *keys = keys_of(rows, type, n);
  IA_AUTOV(joined) j = {json_object(), json_object(), json_object()};
  IA_AUTOV(graph_rows) found = {0};
  graph_want w = {n->out.of, n->out.field, keys, n->args, r->block};

  if (!keys || !j.objects || !j.weights || !j.bytes)
    return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
  if (json_array_size(keys) > 0 &&
      (!load(r, n->plan, &w, &found, e) || !by_key(&j, &found, graph_is_many(n->out.field), e)))
    return place_fault(r, n);
  for (size_t i = 0; i < rows->n; i++)
    if (rows->v[i].type == type && !join(r, &rows->v[i], n, &j, e))
      return place_fault(r, n);
  return true;
}

static bool below(run *r, const graph_plan *p, graph_rows *rows, ia_err *e)
{
  for (size_t i = 0; i < p->n; i++)
    for (const graph_node *n = p->v[i].first; n; n = n->next)
      if (n->plan && !node_below(r, i, n, rows, e))
        return false;
  return true;
}

/* -- blocks -- */
static bool block_by_hash(run *r, const char *hash, ia_err *e)
{
  ia_text67 head = ia_h256_text(&r->head->hash);
  ia_stmt *s;
  bool row;

  if (strcmp(head.s, hash) == 0) {
    r->block = GRAPH_HEAD;
    return true;
  }
  if (!ia_db_stmt(&s, r->db, "SELECT number FROM block WHERE hash = $1", e))
    return false;
  ia_bind_text(s, 1, hash);
  if (!ia_stmt_step(s, &row, e))
    return false;
  r->block = row ? ia_col_u64(s, 0) : 0;
  ia_stmt_reset(s);
  return row || ia_fail(e, IA_E_INVALID, "block: no block with this hash holds anything");
}

static bool choose_block(run *r, const json_t *args, ia_err *e)
{
  const json_t *block = json_object_get(args, "block");
  const json_t *number = json_object_get(block, "number");
  const json_t *least = json_object_get(block, "number_gte");
  const char *hash = json_string_value(json_object_get(block, "hash"));
  const json_t *want = json_is_integer(number) ? number : least;

  r->block = GRAPH_HEAD;
  if (hash)
    return block_by_hash(r, hash, e);
  if (!json_is_integer(want))
    return true;
  if (json_integer_value(want) < 0 || (uint64_t)json_integer_value(want) > r->head->number)
    return ia_fail(e, IA_E_INVALID, "block: the ledger is at block %llu",
                   (unsigned long long)r->head->number);
  if (want == number)
    r->block = (uint64_t)json_integer_value(number);
  return true;
}

/* -- what is not stored -- */
enum { OBJECT_COST = 400 };

static bool walk(run *r, const graph_plan *p, json_t *source, json_t **out, ia_err *e);

static bool walk_list(run *r, const graph_plan *p, json_t *source, json_t **out, ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  json_t *item;
  size_t i;

  json_array_foreach (source, i, item) {
    json_t *v = NULL;

    if (!walk(r, p, item, &v, e))
      return false;
    if (json_array_append_new(list, v) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
  }
  *out = json_incref(list);
  return true;
}

static bool walk(run *r, const graph_plan *p, json_t *source, json_t **out, ia_err *e)
{
  IA_AUTO_JSON *object = json_object();
  IA_AUTO_JSON *type = NULL;
  char name[64];

  if (json_is_null(source) || !source) {
    *out = json_null();
    return true;
  }
  if (json_is_array(source))
    return walk_list(r, p, source, out, e);
  if (json_is_string(source)) /* a type by its text */
    source = type = graph_introspect_type(r->q->schema, ia_span_str(json_string_value(source)), p);
  if (!source || !object)
    return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
  if (!count(r, 1, 0, e) || !graph_hold(r->q->share, OBJECT_COST, e))
    return false;
  (void)snprintf(name, sizeof(name), "%.*s", (int)p->type.len, (const char *)p->type.ptr);
  for (const graph_node *n = p->v[0].first; n; n = n->next) {
    json_t *v = n->typename ? json_string(name) : json_object_get(source, n->out.name);

    if (!n->typename && !n->plan)
      v = v ? json_incref(v) : json_null();
    if (n->plan && !walk(r, n->plan, v, &v, e))
      return place_fault(r, n);
    if (!ia_json_set(object, key_of(n).s, v, e))
      return false;
  }
  *out = json_incref(object);
  return true;
}

static json_t *meta_of(run *r, ia_err *e)
{
  bool at_head = r->block == GRAPH_HEAD;
  uint64_t number = at_head ? r->head->number : r->block;
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, r->db, "SELECT hash, parent, timestamp FROM block WHERE number = $1", e))
    return NULL;
  ia_bind_u64(s, 1, number);
  if (!ia_stmt_step(s, &row, e))
    return NULL;
  json_t *block = json_pack("{s:I}", "number", (json_int_t)number);
  if (at_head)
    (void)json_object_set_new(block, "hash", ia_json_h256(&r->head->hash));
  if (row) {
    (void)json_object_set_new(block, "hash", json_string(ia_col_text(s, 0)));
    (void)json_object_set_new(block, "parentHash", json_string(ia_col_text(s, 1)));
    (void)json_object_set_new(block, "timestamp", json_integer(ia_col_i64(s, 2)));
  }
  ia_stmt_reset(s);
  return json_pack("{s:o,s:s,s:b}", "block", block, "deployment", "iapp " IA_VERSION,
                   "hasIndexingErrors", 0);
}

/* -- entry points -- */
static bool stored_entry(run *r, const graph_node *n, json_t **out, ia_err *e)
{
  IA_AUTOV(graph_rows) found = {0};
  IA_AUTO_JSON *by_id = NULL;
  bool many = n->out.type.s[0] == '[';
  graph_want w = {.of = n->out.of, .args = n->args, .block = r->block};

  if (!many)
    w.args = by_id = json_pack("{s:{s:O}}", "where", "id", json_object_get(n->args, "id"));
  if (!load(r, n->plan, &w, &found, e))
    return false;
  *out = many ? json_array() : found.n ? json_incref(found.v[0].object) : json_null();
  for (size_t i = 0; i < found.n; i++) {
    if (!count(r, found.v[i].weight, found.v[i].bytes, e))
      return false;
    if (many && json_array_append(*out, found.v[i].object) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for an answer");
  }
  return true;
}

static bool entry(run *r, const graph_node *n, json_t **out, ia_err *e)
{
  IA_AUTO_JSON *source = NULL;

  if (n->typename) {
    *out = json_string("Query");
    return true;
  }
  if (!choose_block(r, n->args, e))
    return false;
  if (n->out.of)
    return stored_entry(r, n, out, e);
  if (strcmp(n->out.name, "_meta") == 0)
    source = meta_of(r, e);
  else if (strcmp(n->out.name, "__schema") == 0)
    source = graph_introspect_schema(r->q->schema);
  else
    source = graph_introspect_type(
        r->q->schema, ia_span_str(json_string_value(json_object_get(n->args, "name"))), n->plan);
  return source ? walk(r, n->plan, source, out, e)
                : ia_fail(e, IA_E_MEMORY, "no memory for an answer");
}

bool graph_run(graph_query *q, const graph_plan *p, ia_db *db, const graph_head *head, json_t **out,
               ia_err *e)
{
  run r = {.q = q, .db = db, .head = head, .objects = q->spent->objects, .bytes = q->spent->bytes};
  IA_AUTO_JSON *data = json_object();

  for (const graph_node *n = p->v[0].first; n; n = n->next) {
    json_t *v = NULL;

    if (!entry(&r, n, &v, e)) {
      json_decref(v);
      return place_fault(&r, n);
    }
    if (!ia_json_set(data, key_of(n).s, v, e))
      return false;
  }
  q->spent->objects = r.objects;
  q->spent->bytes = r.bytes;
  *out = json_incref(data);
  return true;
}
