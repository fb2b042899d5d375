/* Logs of many addresses: lists that strangers can lengthen, over nodes that take only so much at
 * once. */
#include <stdlib.h>

#include "base/log.h"
#include "chain/internal.h"

/* Of one question. Our own ledger takes 100; nodes of others differ, and are learned. */
enum { ADDRESSES_AT_ONCE = 50 };

static int by_place(const void *pa, const void *pb)
{
  const ia_chain_log *a = pa, *b = pb;

  if (a->block != b->block)
    return a->block < b->block ? -1 : 1;
  return a->index < b->index ? -1 : a->index > b->index;
}

/* Data point into the store: as places while it grows. */
static void to_places(ia_chain_logs *l, size_t *place, size_t base)
{
  for (size_t i = 0; i < l->n; i++)
    place[i] =
        base + (l->v[i].entry.data.len ? (size_t)(l->v[i].entry.data.ptr - l->store.ptr) : 0);
}

bool ia_chain_logs_merge(ia_chain_logs *into, ia_chain_logs *more, ia_err *e)
{
  size_t n = into->n + more->n;
  ia_autofree size_t *place = calloc(n + 1, sizeof(*place));
  ia_chain_log *v;

  if (more->n == 0) {
    ia_chain_logs_free(more);
    return true;
  }
  v = place ? reallocarray(into->v, n, sizeof(*v)) : NULL;
  if (!v)
    return ia_fail(e, IA_E_MEMORY, "logs: out of memory");
  into->v = v;
  to_places(into, place, 0);
  to_places(more, place + into->n, into->store.len);
  memcpy(v + into->n, more->v, more->n * sizeof(*v));
  ia_buf_span(&into->store, ia_buf_view(&more->store));
  into->n = n;
  ia_chain_logs_free(more);
  if (!ia_buf_ok(&into->store, e))
    return false;
  for (size_t i = 0; i < n; i++)
    if (v[i].entry.data.len > 0)
      v[i].entry.data.ptr = into->store.ptr + place[i];
  qsort(v, n, sizeof(*v), by_place);
  return true;
}

static bool ask(ia_chain *c, ia_chain_logs *out, const ia_chain_filter *f, ia_err *e)
{
  IA_AUTO_JSON *logs = NULL;

  return ia_rpc_call(c->rpc, &logs, "eth_getLogs", json_pack("[o]", ia_chain_filter_json(f)), e) &&
         ia_chain_logs_parse(out, logs, e);
}

static size_t at_once(const ia_chain *c)
{
  return c->at_once ? c->at_once : ADDRESSES_AT_ONCE;
}

/* Fewer addresses may help: the parameters were refused, or the range cannot be narrowed. */
static bool fewer_helps(const ia_chain_filter *f, const ia_err *why)
{
  return f->n_addresses > 1 &&
         (why->code == IA_E_INVALID || (why->code == IA_E_TOO_LARGE && f->to <= f->from));
}

/* The filter's addresses from `at` on, as many as are taken at once; *at moves on. */
static bool ask_next(ia_chain *c, ia_chain_logs *out, const ia_chain_filter *f, size_t *at,
                     ia_err *e)
{
  ia_chain_filter part = *f;
  ia_err why = {0};

  part.addresses = f->addresses + *at;
  part.n_addresses = f->n_addresses - *at < at_once(c) ? f->n_addresses - *at : at_once(c);
  while (!ask(c, out, &part, &why)) {
    if (!fewer_helps(&part, &why)) {
      if (e)
        *e = why;
      return false;
    }
    part.n_addresses = (part.n_addresses + 1) / 2;
    /* a refusal of parameters is the node's rule, a large block is that block's */
    if (why.code == IA_E_INVALID)
      c->at_once = part.n_addresses;
  }
  *at += part.n_addresses;
  return true;
}

bool ia_chain_logs_get(ia_chain *c, ia_chain_logs *out, const ia_chain_filter *f, ia_err *e)
{
  size_t at = 0;

  if (f->n_addresses <= 1)
    return ask(c, out, f, e);
  ia_chain_logs_free(out);
  while (at < f->n_addresses) {
    IA_AUTOV(ia_chain_logs) part = {0};

    if (!ask_next(c, &part, f, &at, e) || !ia_chain_logs_merge(out, &part, e))
      return false;
  }
  return true;
}

bool ia_chain_logs_part(ia_chain *c, ia_chain_logs *out, ia_chain_filter *f, ia_err *e)
{
  ia_err why = {0};

  while (!ia_chain_logs_get(c, out, f, &why)) {
    if (why.code != IA_E_TOO_LARGE || f->to <= f->from) {
      if (e)
        *e = why;
      return false;
    }
    f->to = f->from + (f->to - f->from) / 2;
  }
  return true;
}

/* -- addresses that strangers chose -- */

typedef struct each {
  ia_chain *chain;
  ia_chain_logs *out;
  size_t most;
  ia_chain_skip *skip;
  void *ctx;
} each;

/* Such an error is this address' own; others are the node's. */
static bool is_its_own(const ia_err *why)
{
  return why->code == IA_E_TOO_LARGE || why->code == IA_E_INVALID || why->code == IA_E_PARSE;
}

/* One address, by narrower ranges where there is much. */
static bool read_one(each *x, const ia_chain_filter *f, ia_err *e)
{
  IA_AUTOV(ia_chain_logs) all = {0};
  ia_chain_filter part = *f;
  ia_err why = {0};

  for (; part.from <= f->to; part.from = part.to + 1, part.to = f->to) {
    IA_AUTOV(ia_chain_logs) logs = {0};

    if (!ia_chain_logs_part(x->chain, &logs, &part, &why))
      break;
    if (all.n + logs.n > x->most) {
      (void)ia_fail(&why, IA_E_TOO_LARGE, "more than %zu events", x->most);
      break;
    }
    if (!ia_chain_logs_merge(&all, &logs, e))
      return false;
    if (part.to == f->to)
      return ia_chain_logs_merge(x->out, &all, e);
  }
  if (why.code == IA_OK)
    return true;
  if (is_its_own(&why))
    return x->skip(x->ctx, f->addresses, &why, e);
  if (e)
    *e = why;
  return false;
}

/* At most at_once addresses. What is refused together is asked for by halves, so that it is found
 * whose fault it is: at most n questions more. */
static bool read_some(each *x, const ia_chain_filter *f, ia_err *e)
{
  IA_AUTOV(ia_chain_logs) logs = {0};
  ia_chain_filter low = *f, high = *f;
  ia_err why = {0};

  if (f->n_addresses == 0)
    return true;
  if (f->n_addresses == 1)
    return read_one(x, f, e);
  if (ask(x->chain, &logs, f, &why))
    return ia_chain_logs_merge(x->out, &logs, e);
  if (!is_its_own(&why)) {
    if (e)
      *e = why;
    return false;
  }
  low.n_addresses = f->n_addresses / 2;
  if (why.code == IA_E_INVALID)
    x->chain->at_once = low.n_addresses;
  high.addresses += low.n_addresses;
  high.n_addresses -= low.n_addresses;
  return read_some(x, &low, e) && read_some(x, &high, e);
}

static int by_bytes(const void *a, const void *b)
{
  return memcmp(a, b, sizeof(ia_addr));
}

/* Of many addresses: everybody's events of these kinds are mostly fewer than the questions would
 * be. False with nothing done where a node does not answer that. */
static bool read_all(each *x, const ia_chain_filter *f, ia_err *e)
{
  ia_autofree ia_addr *sorted = calloc(f->n_addresses, sizeof(*sorted));
  IA_AUTOV(ia_chain_logs) logs = {0};
  ia_chain_filter any = *f;
  size_t kept = 0;

  any.n_addresses = 0;
  if (!sorted || f->n_events == 0 || !ask(x->chain, &logs, &any, e))
    return false;
  memcpy(sorted, f->addresses, f->n_addresses * sizeof(*sorted));
  qsort(sorted, f->n_addresses, sizeof(*sorted), by_bytes);
  for (size_t i = 0; i < logs.n; i++)
    if (bsearch(&logs.v[i].entry.address, sorted, f->n_addresses, sizeof(*sorted), by_bytes))
      logs.v[kept++] = logs.v[i];
  logs.n = kept;
  return kept <= x->most && ia_chain_logs_merge(x->out, &logs, e);
}

bool ia_chain_logs_each(ia_chain *c, ia_chain_logs *out, const ia_chain_filter *f, size_t most,
                        ia_chain_skip *skip, void *ctx, ia_err *e)
{
  each x = {c, out, most, skip, ctx};
  ia_err why = {0};

  ia_chain_logs_free(out);
  if (f->n_addresses > ADDRESSES_AT_ONCE) {
    if (read_all(&x, f, &why))
      return true;
    if (why.code != IA_OK && !is_its_own(&why) && why.code != IA_E_UNSUPPORTED) {
      if (e)
        *e = why;
      return false;
    }
    ia_chain_logs_free(out);
  }
  for (size_t at = 0; at < f->n_addresses;) {
    ia_chain_filter part = *f;

    part.addresses = f->addresses + at;
    part.n_addresses = f->n_addresses - at < at_once(c) ? f->n_addresses - at : at_once(c);
    at += part.n_addresses;
    if (!read_some(&x, &part, e))
      return false;
  }
  return true;
}
