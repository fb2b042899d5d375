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

static bool parse(graph_query *q, ia_gql_document **d, const json_t *request, ia_err *e)
{
  const json_t *text = json_object_get(request, "query");

  if (!json_is_string(text))
    return ia_fail(e, IA_E_INVALID, "\"query\" is wanted: the text of a GraphQL document");
  q->text = ia_span_of(json_string_value(text), json_string_length(text));
  if (!ia_gql_parse(d, q->text, &q->at, e)) {
    q->placed = e->code == IA_E_PARSE || e->code == IA_E_UNSUPPORTED;
    return false;
  }
  q->document = *d;
  return true;
}

static bool answer(graph_query *q, const json_t *request, ia_db *db, const graph_head *head,
                   json_t **data, ia_err *e)
{
  IA_AUTO(ia_gql_document) *d = NULL;
  IA_AUTO(graph_plan) *p = NULL;

  if (!parse(q, &d, request, e) || !names_differ(q, e) ||
      !choose_operation(q, json_object_get(request, "operationName"), e) ||
      !graph_variables(q, json_object_get(request, "variables"), e) || !graph_plan_make(q, &p, e))
    return false;
  /* one state of the index for all statements of the request */
  if (!ia_db_exec(db, "BEGIN", e))
    return false;
  ia_db_budget(db, STEPS_MAX);
  bool ok = graph_run(q, p, db, head, data, e);
  ia_db_budget(db, 0);
  ia_db_rollback(db);
  return ok;
}

json_t *graph_answer(const graph_schema *s, ia_db *db, const graph_head *head,
                     const json_t *request, graph_share *share)
{
  graph_query q = {.schema = s, .share = share};
  json_t *data = NULL, *out;
  ia_err e = {0};

  out = answer(&q, request, db, head, &data, &e) ? json_pack("{s:o}", "data", data)
                                                 : graph_error(&e, &q);
  json_decref(q.variables);
  return out;
}
