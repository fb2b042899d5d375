/* The way of one request from its JSON to the JSON of its answer. */
#include <string.h>

#include "service/graph/query.h"

/* Steps of SQLite's machine for one request: a second or two of a core. */
#define STEPS_MAX 50000000ULL

json_t *graph_error(const ia_err *why, const graph_query *q)
{
  ia_span said = ia_span_str(why->msg);

  /* a message that was cut may end within a character */
  while (said.len > 0 && !ia_utf8_valid(said))
    said.len--;
  json_t *error = json_pack("{s:o}", "message", ia_json_bytes(said));
  unsigned line, column;

  if (error && q && q->placed) {
    ia_gql_place(q->text, q->at, &line, &column);
    (void)json_object_set_new(error, "locations",
                              json_pack("[{s:i,s:i}]", "line", (int)line, "column", (int)column));
  }
  if (error && q && q->code)
    (void)json_object_set_new(error, "extensions", json_pack("{s:s}", "code", q->code));
  return json_pack("{s:[o]}", "errors", error);
}

/* Names of operations and of fragments stand once; an operation without a name stands alone. */
static bool names_differ(graph_query *q, ia_err *e)
{
  size_t operations = 0, nameless = 0;

  for (const ia_gql_definition *d = ia_gql_definitions(q->document); d; d = d->next) {
    bool fragment = d->operation == IA_GQL_FRAGMENT;

    operations += !fragment;
    nameless += d->name.len == 0;
    if (nameless > 0 && operations > 1)
      return graph_refuse(q, d->at, e, "an operation without a name stands alone");
    for (const ia_gql_definition *o = ia_gql_definitions(q->document); o != d; o = o->next)
      if ((o->operation == IA_GQL_FRAGMENT) == fragment && ia_span_eq(o->name, d->name))
        return graph_refuse(q, d->at, e, "the name \"%.*s\" stands twice", ia_gql_shown(d->name),
                            (const char *)d->name.ptr);
  }
  return true;
}

static bool choose_operation(graph_query *q, const json_t *name, ia_err *e)
{
  const char *want = json_string_value(name);
  const ia_gql_definition *chosen = NULL;
  size_t n = 0;

  if (name && !json_is_string(name) && !json_is_null(name))
    return ia_fail(e, IA_E_INVALID, "\"operationName\" is a text");
  for (const ia_gql_definition *d = ia_gql_definitions(q->document); d; d = d->next) {
    if (d->operation == IA_GQL_FRAGMENT || (want && !ia_span_is(d->name, want)))
      continue;
    chosen = d;
    n++;
  }
  if (n > 1)
    return ia_fail(e, IA_E_INVALID, "several operations: \"operationName\" says which");
  if (!chosen)
    return want ? ia_fail(e, IA_E_INVALID, "there is no operation \"%.60s\"", want)
                : ia_fail(e, IA_E_INVALID, "the document holds no operation");
  if (chosen->operation != IA_GQL_QUERY)
    return graph_refuse(q, chosen->at, e, "a %s is not taken: the index is written by the ledger",
                        chosen->operation == IA_GQL_MUTATION ? "mutation" : "subscription");
  q->operation = chosen;
  return true;
}

static bool parse(graph_query *q, ia_gql_document **d, const json_t *text, ia_err *e)
{
  if (!json_is_string(text))
    return ia_fail(e, IA_E_INVALID, "\"query\" is wanted: the text of a GraphQL document");
  q->text = ia_span_of(json_string_value(text), json_string_length(text));
  q->spent->text += q->text.len;
  if (q->spent->text > IA_GQL_MAX && q->spent->text > q->text.len) {
    ia_fail(e, IA_E_TOO_LARGE, "documents of more than %d KiB in one batch", IA_GQL_MAX >> 10);
    return ia_hint(e, "ask for fewer of them at a time");
  }
  if (!ia_gql_parse(d, q->text, &q->at, e)) {
    q->placed = e->code == IA_E_PARSE || e->code == IA_E_UNSUPPORTED;
    return false;
  }
  q->document = *d;
  return true;
}

static bool run(graph_query *q, const graph_ask *a, const json_t *request, json_t **data, ia_err *e)
{
  IA_AUTO(ia_gql_document) *d = NULL;
  IA_AUTO(graph_plan) *p = NULL;
  IA_AUTO_JSON *text = NULL;
  bool by_hash;

  if (!json_is_object(request))
    return ia_fail(e, IA_E_INVALID, "an operation is an object with \"query\"");
  if (!graph_persisted_find(a->persisted, q, request, &text, &by_hash, e) ||
      !parse(q, &d, text, e) || !names_differ(q, e) ||
      !choose_operation(q, json_object_get(request, "operationName"), e) ||
      !graph_variables(q, json_object_get(request, "variables"), e) || !graph_plan_make(q, &p, e) ||
      !graph_run(q, p, a->db, a->head, data, e))
    return false;
  if (by_hash)
    graph_persisted_keep(a->persisted, q->text);
  return true;
}

static json_t *one(const graph_ask *a, const json_t *request, graph_spent *spent)
{
  graph_query q = {.schema = a->schema, .share = a->share, .spent = spent};
  json_t *data = NULL, *out;
  ia_err e = {0};

  out = run(&q, a, request, &data, &e) ? json_pack("{s:o}", "data", data) : graph_error(&e, &q);
  json_decref(q.variables);
  return out;
}

static json_t *batch(const graph_ask *a, const json_t *requests, graph_spent *spent)
{
  size_t n = json_array_size(requests);
  ia_err e;

  if (n == 0 || n > GRAPH_BATCH_MAX) {
    ia_fail(&e, IA_E_INVALID, "a batch has 1 to %d operations; this one has %zu", GRAPH_BATCH_MAX,
            n);
    return graph_error(&e, NULL);
  }
  json_t *out = json_array();
  for (size_t i = 0; out && i < n; i++)
    if (json_array_append_new(out, one(a, json_array_get(requests, i), spent)) != 0) {
      json_decref(out);
      out = NULL;
    }
  return out;
}

json_t *graph_answer(const graph_ask *a, const json_t *request)
{
  graph_spent spent = {0};
  ia_err e;

  /* one state of the index for all statements of the request */
  if (!ia_db_exec(a->db, "BEGIN", &e))
    return graph_error(&e, NULL);
  ia_db_budget(a->db, STEPS_MAX);
  json_t *out = json_is_array(request) ? batch(a, request, &spent) : one(a, request, &spent);
  ia_db_budget(a->db, 0);
  ia_db_rollback(a->db);
  return out;
}
