/* Tasks and contributions. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "service/graph/graph_int.h"

static bool begun(graph_writer *w, const char *id, const ia_event *ev, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  IA_AUTOV(ia_buf) requester = {0};
  bool found;
  ia_task t;

  if (!ia_chain_task(w->chain, &t, &store, &ev->id[0], e) ||
      !graph_get(w->s, "deal", ia_h256_text(&t.dealid).s, "requester", &requester, &found, e))
    return false;
  return GRAPH_PUT(w, "task", id, e, GRAPH_TEXT("status", "ACTIVE"),
                   GRAPH_HEX("deal", IA_SPAN_ARR(t.dealid.b)),
                   GRAPH_TEXT("idx", graph_big_of(&t.idx).s),
                   GRAPH_TEXT("requester", (const char *)requester.ptr),
                   GRAPH_TIME("contribution_deadline", t.contribution_deadline),
                   GRAPH_TIME("final_deadline", t.final_deadline),
                   GRAPH_TIME("timestamp", w->timestamp)) &&
         GRAPH_EVENT(w, "TaskInitialize", e, GRAPH_TEXT("task", id),
                     GRAPH_TEXT("workerpool", ia_addr_lower(&ev->addr[0]).s));
}

static graph_id contribution_id(const ia_event *ev)
{
  graph_id id;

  (void)snprintf(id.s, sizeof(id.s), "%s-%s", ia_h256_text(&ev->id[0]).s,
                 ia_addr_lower(&ev->addr[0]).s);
  return id;
}

static bool contributed(graph_writer *w, const char *id, const ia_event *ev, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args in = {.id = {ev->id[0]}, .addr = {ev->addr[0]}};
  ia_text43 worker = ia_addr_lower(&ev->addr[0]);
  ia_contribution c;

  return ia_chain_read(w->chain, &c, &store, NULL, IA_CALL_VIEW_CONTRIBUTION, &in, e) &&
         graph_know_account(w, &ev->addr[0], e) &&
         GRAPH_PUT(w, "contribution", contribution_id(ev).s, e, GRAPH_TEXT("status", "CONTRIBUTED"),
                   GRAPH_TIME("timestamp", w->timestamp), GRAPH_TEXT("task", id),
                   GRAPH_TEXT("worker", worker.s), GRAPH_HEX("hash", IA_SPAN_ARR(c.result_hash.b)),
                   GRAPH_HEX("seal", IA_SPAN_ARR(c.result_seal.b)),
                   GRAPH_TEXT("challenge", ia_addr_lower(&c.enclave_challenge).s)) &&
         GRAPH_PUT(w, "task", id, e, GRAPH_TIME("timestamp", w->timestamp)) &&
         GRAPH_EVENT(w, "TaskContribute", e, GRAPH_TEXT("task", id), GRAPH_TEXT("worker", worker.s),
                     GRAPH_HEX("hash", IA_SPAN_ARR(ev->id[1].b)));
}

static bool agreed(graph_writer *w, const char *id, const ia_event *ev, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_task t;

  return ia_chain_task(w->chain, &t, &store, &ev->id[0], e) &&
         GRAPH_PUT(w, "task", id, e, GRAPH_TEXT("status", "REVEALING"),
                   GRAPH_HEX("consensus", IA_SPAN_ARR(ev->id[1].b)),
                   GRAPH_TIME("reveal_deadline", t.reveal_deadline),
                   GRAPH_TIME("timestamp", w->timestamp)) &&
         GRAPH_EVENT(w, "TaskConsensus", e, GRAPH_TEXT("task", id),
                     GRAPH_HEX("hash", IA_SPAN_ARR(ev->id[1].b)));
}

static bool revealed(graph_writer *w, const char *id, const ia_event *ev, ia_err *e)
{
  return GRAPH_PUT(w, "task", id, e, GRAPH_TEXT("status", "REVEALING"),
                   GRAPH_HEX("result_digest", IA_SPAN_ARR(ev->id[1].b)),
                   GRAPH_TIME("timestamp", w->timestamp)) &&
         GRAPH_PUT(w, "contribution", contribution_id(ev).s, e, GRAPH_TEXT("status", "PROVED")) &&
         GRAPH_EVENT(w, "TaskReveal", e, GRAPH_TEXT("task", id),
                     GRAPH_TEXT("worker", ia_addr_lower(&ev->addr[0]).s),
                     GRAPH_HEX("hash", IA_SPAN_ARR(ev->id[1].b)));
}

/* Those that agreed and were not revealed are out. */
static bool reject(graph_writer *w, const char *task, ia_err *e)
{
  IA_AUTO_JSON *ids = json_array();
  ia_stmt *s;
  json_t *id;
  size_t i;

  if (!ia_db_stmt(&s, graph_store_db(w->s),
                  "SELECT c.id FROM contribution c JOIN task t ON t.id = c.task"
                  " AND t.until = c.until WHERE c.task = $1 AND c.until = 9223372036854775807"
                  " AND c.hash = t.consensus AND c.status = 'CONTRIBUTED'",
                  e))
    return false;
  ia_bind_text(s, 1, task);
  for (bool row = true; row;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (row && json_array_append_new(ids, json_string(ia_col_text(s, 0))) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for a task");
  }
  json_array_foreach (ids, i, id)
    if (!GRAPH_PUT(w, "contribution", json_string_value(id), e, GRAPH_TEXT("status", "REJECTED")))
      return false;
  return true;
}

static bool reopened(graph_writer *w, const char *id, const ia_event *ev, ia_err *e)
{
  (void)ev;
  return reject(w, id, e) &&
         GRAPH_PUT(w, "task", id, e, GRAPH_TEXT("status", "ACTIVE"), GRAPH_NONE("consensus"),
                   GRAPH_NONE("reveal_deadline"), GRAPH_TIME("timestamp", w->timestamp)) &&
         GRAPH_EVENT(w, "TaskReopen", e, GRAPH_TEXT("task", id));
}

static bool finalized(graph_writer *w, const char *id, const ia_event *ev, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_task t;

  return ia_chain_task(w->chain, &t, &store, &ev->id[0], e) &&
         GRAPH_PUT(w, "task", id, e, GRAPH_TEXT("status", "COMPLETED"),
                   GRAPH_HEX("results", ev->bytes[0]),
                   GRAPH_HEX("results_callback", t.results_callback),
                   GRAPH_TIME("timestamp", w->timestamp)) &&
         GRAPH_EVENT(w, "TaskFinalize", e, GRAPH_TEXT("task", id),
                     GRAPH_HEX("results", ev->bytes[0]));
}

static bool claimed(graph_writer *w, const char *id, const ia_event *ev, ia_err *e)
{
  (void)ev;
  /* the status has the spelling of the subgraph's clients */
  return GRAPH_PUT(w, "task", id, e, GRAPH_TEXT("status", "FAILLED"),
                   GRAPH_TIME("timestamp", w->timestamp)) &&
         GRAPH_EVENT(w, "TaskClaimed", e, GRAPH_TEXT("task", id));
}

bool graph_on_task(graph_writer *w, ia_event_id id, const ia_event *ev, ia_err *e)
{
  static const struct {
    ia_event_id id;
    bool (*handle)(graph_writer *w, const char *id, const ia_event *ev, ia_err *e);
  } rows[] = {
      {IA_EV_TASK_INITIALIZE, begun}, {IA_EV_TASK_CONTRIBUTE, contributed},
      {IA_EV_TASK_CONSENSUS, agreed}, {IA_EV_TASK_REVEAL, revealed},
      {IA_EV_TASK_REOPEN, reopened},  {IA_EV_TASK_FINALIZE, finalized},
      {IA_EV_TASK_CLAIMED, claimed},
  };

  for (size_t i = 0; i < IA_COUNT(rows); i++)
    if (rows[i].id == id)
      return rows[i].handle(w, ia_h256_text(&ev->id[0]).s, ev, e);
  return ia_fail(e, IA_E_INTERNAL, "no event of a task");
}
