/* Accounts: deposits, what is locked of them, scores. */
#include <stdio.h>

#include "base/hex.h"
#include "service/graph/graph_int.h"

bool graph_know_account(graph_writer *w, const ia_addr *who, ia_err *e)
{
  IA_AUTOV(ia_buf) had = {0};
  ia_u256 zero = {{0}};
  bool found;

  if (!graph_get(w->s, "account", ia_addr_lower(who).s, "score", &had, &found, e))
    return false;
  return found || GRAPH_PUT(w, "account", ia_addr_lower(who).s, e,
                            GRAPH_TEXT("balance", graph_big_of(&zero).s),
                            GRAPH_TEXT("frozen", graph_big_of(&zero).s),
                            GRAPH_TEXT("score", graph_big_of(&zero).s));
}

/* Adds to a number of a row, or takes away, not below zero. */
static bool change(graph_writer *w, const char *table, const char *id, const char *column,
                   const ia_u256 *by, bool more, ia_err *e)
{
  IA_AUTOV(ia_buf) had = {0};
  ia_u256 v = {{0}};
  bool found;

  if (!graph_get(w->s, table, id, column, &had, &found, e) ||
      (found && !graph_big_read(&v, (const char *)had.ptr, e)))
    return false;
  if (more ? !ia_u256_add(&v, &v, by) : !ia_u256_sub(&v, &v, by))
    v = ia_u256_of(0);
  return GRAPH_PUT(w, table, id, e, GRAPH_TEXT(column, graph_big_of(&v).s));
}

static bool of_account(graph_writer *w, const ia_addr *who, const char *column, const ia_u256 *by,
                       bool more, ia_err *e)
{
  return graph_know_account(w, who, e) &&
         change(w, "account", ia_addr_lower(who).s, column, by, more, e);
}

bool graph_on_transfer(graph_writer *w, const ia_event *ev, ia_err *e)
{
  const ia_addr *from = &ev->addr[0], *to = &ev->addr[1];
  bool made = ia_addr_zero(from), gone = ia_addr_zero(to);

  if (!graph_know_account(w, from, e) || !graph_know_account(w, to, e) ||
      (!made && !of_account(w, from, "balance", &ev->value[0], false, e)) ||
      (!gone && !of_account(w, to, "balance", &ev->value[0], true, e)) ||
      (made != gone && !change(w, "protocol", "iExec", "tvl", &ev->value[0], made, e)))
    return false;
  return graph_put_tx(w, e) && GRAPH_PUT(w, "transfer", graph_event_id(w).s, e,
                                         GRAPH_HEX("tx", IA_SPAN_ARR(w->log->tx.b)),
                                         GRAPH_TIME("timestamp", w->timestamp),
                                         GRAPH_TEXT("from_", ia_addr_lower(from).s),
                                         GRAPH_TEXT("to_", ia_addr_lower(to).s),
                                         GRAPH_TEXT("value", graph_big_of(&ev->value[0]).s));
}

bool graph_on_stake(graph_writer *w, ia_event_id id, const ia_event *ev, ia_err *e)
{
  bool paid = id == IA_EV_REWARD || id == IA_EV_SEIZE;
  const char *type = ia_event_of(id)->name;
  const ia_addr *who = &ev->addr[0];

  if (id == IA_EV_REWARD ? !graph_know_account(w, who, e)
                         : !of_account(w, who, "frozen", &ev->value[0], id == IA_EV_LOCK, e))
    return false;
  if (!paid)
    return GRAPH_EVENT(w, type, e, GRAPH_TEXT("account", ia_addr_lower(who).s),
                       GRAPH_TEXT("value", graph_big_of(&ev->value[0]).s));
  return GRAPH_EVENT(w, type, e, GRAPH_TEXT("account", ia_addr_lower(who).s),
                     GRAPH_TEXT("value", graph_big_of(&ev->value[0]).s),
                     GRAPH_HEX("task", IA_SPAN_ARR(ev->id[0].b)));
}

bool graph_on_judged(graph_writer *w, ia_event_id id, const ia_event *ev, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  const ia_addr *who = &ev->addr[0];
  ia_args in = {.addr = {*who}}, out = {0};
  graph_id contribution;

  if (!graph_know_account(w, who, e) ||
      !ia_chain_read(w->chain, &out, &store, NULL, IA_CALL_VIEW_SCORE, &in, e))
    return false;
  graph_big score = graph_big_of(&out.value[0]);
  (void)snprintf(contribution.s, sizeof(contribution.s), "%s-%s", ia_h256_text(&ev->id[0]).s,
                 ia_addr_lower(who).s);
  return GRAPH_PUT(w, "account", ia_addr_lower(who).s, e, GRAPH_TEXT("score", score.s)) &&
         GRAPH_EVENT(w, ia_event_of(id)->name, e, GRAPH_TEXT("account", ia_addr_lower(who).s),
                     GRAPH_TEXT("contribution", contribution.s), GRAPH_TEXT("score", score.s));
}
