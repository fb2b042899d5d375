/* What all handlers write: transactions, events, texts. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "service/graph/graph_int.h"

graph_id graph_event_id(const graph_writer *w)
{
  graph_id id;

  (void)snprintf(id.s, sizeof(id.s), "%llu-%llu", (unsigned long long)w->block,
                 (unsigned long long)w->log->index);
  return id;
}

bool graph_put_tx(graph_writer *w, ia_err *e)
{
  ia_chain_tx *t = w->call;

  if (ia_h256_eq(&w->tx, &w->log->tx))
    return true;
  if (!ia_chain_tx_get(w->chain, t, &w->log->tx, e) || !graph_know_account(w, &t->from, e) ||
      !graph_know_account(w, &t->to, e) ||
      !GRAPH_PUT(w, "tx", ia_h256_text(&w->log->tx).s, e,
                 GRAPH_TEXT("from_", ia_addr_lower(&t->from).s),
                 GRAPH_TEXT("to_", ia_addr_lower(&t->to).s), GRAPH_TIME("timestamp", w->timestamp),
                 GRAPH_TIME("block", w->block)))
    return false;
  w->tx = w->log->tx;
  return true;
}

bool graph_put_event(graph_writer *w, const char *type, const graph_value *v, size_t n, ia_err *e)
{
  enum { OWN = 3, MAX = 12 };
  graph_value all[MAX] = {GRAPH_TEXT("type", type), GRAPH_HEX("tx", IA_SPAN_ARR(w->log->tx.b)),
                          GRAPH_TIME("timestamp", w->timestamp)};

  if (n > MAX - OWN)
    return ia_fail(e, IA_E_INTERNAL, "an event of %zu columns", n);
  memcpy(all + OWN, v, n * sizeof(*v));
  return graph_put_tx(w, e) &&
         graph_put(w->s, "event", graph_event_id(w).s, w->block, all, OWN + n, e);
}

/* What is no UTF-8 is replaced by U+FFFD, and NUL is left out. */
char *graph_text(ia_span s)
{
  IA_AUTOV(ia_buf) b = {0};
  size_t kept = 0;

  ia_buf_lossy(&b, s);
  for (size_t i = 0; i < b.len; i++)
    if (b.ptr[i] != 0)
      b.ptr[kept++] = b.ptr[i];
  b.len = kept;
  return ia_buf_text(&b);
}
