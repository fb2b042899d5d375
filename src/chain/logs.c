/* Logs, receipts, transactions by hash, and the match of a deal. */
#include "base/hex.h"
#include "chain/internal.h"

enum { MATCH_SPAN = 256, MATCH_NEWEST = 32 };

void ia_chain_logs_free(ia_chain_logs *l)
{
  if (!l)
    return;
  free(l->v);
  ia_buf_free(&l->store);
  *l = (ia_chain_logs){0};
}

static bool topics_parse(ia_log_entry *out, const json_t *topics, ia_err *e)
{
  size_t n = json_array_size(topics);

  if (!json_is_array(topics) || n > IA_TOPICS_MAX)
    return ia_fail(e, IA_E_PARSE, "log: bad topics");
  for (size_t i = 0; i < n; i++) {
    const char *text = json_string_value(json_array_get(topics, i));

    if (!text || !ia_h256_parse(&out->topics[i], ia_span_str(text)))
      return ia_fail(e, IA_E_PARSE, "log: bad topic");
  }
  out->n_topics = n;
  return true;
}

/* data: offset into the store for now, because the store still grows. */
static bool log_parse(ia_chain_log *out, ia_buf *store, const json_t *v, ia_err *e)
{
  IA_AUTOV(ia_buf) data = {0};

  *out = (ia_chain_log){0};
  if (!ia_json_get_addr(v, "address", &out->entry.address, e) ||
      !topics_parse(&out->entry, json_object_get(v, "topics"), e) ||
      !ia_rpc_get_u64(v, "blockNumber", &out->block, e) ||
      !ia_json_get_h256(v, "blockHash", &out->block_hash, e) ||
      !ia_json_get_h256(v, "transactionHash", &out->tx, e) ||
      !ia_rpc_get_u64(v, "logIndex", &out->index, e) || !ia_json_get_hex(v, "data", &data, e))
    return false;
  out->entry.data.len = data.len;
  ia_buf_span(store, ia_buf_view(&data));
  return ia_buf_ok(store, e);
}

bool ia_chain_logs_parse(ia_chain_logs *out, const json_t *array, ia_err *e)
{
  size_t n = json_array_size(array), at = 0;

  ia_chain_logs_free(out);
  if (!json_is_array(array))
    return ia_fail(e, IA_E_PARSE, "logs: not an array");
  out->v = calloc(n ? n : 1, sizeof(*out->v));
  if (!out->v)
    return ia_fail(e, IA_E_MEMORY, "logs: out of memory");
  for (size_t i = 0; i < n; i++) {
    if (!log_parse(&out->v[i], &out->store, json_array_get(array, i), e))
      return false;
  }
  for (size_t i = 0; i < n; i++) {
    out->v[i].entry.data.ptr = out->store.ptr + at;
    at += out->v[i].entry.data.len;
  }
  out->n = n;
  return true;
}

json_t *ia_chain_filter_json(const ia_chain_filter *f)
{
  IA_AUTO_JSON *addresses = json_array();
  IA_AUTO_JSON *events = json_array();
  json_t *o = json_pack("{s:o, s:o}", "fromBlock", ia_rpc_quantity(f->from), "toBlock",
                        f->to == IA_CHAIN_LATEST ? json_string("latest") : ia_rpc_quantity(f->to));
  json_t *topics;

  for (size_t i = 0; i < f->n_addresses; i++)
    json_array_append_new(addresses, ia_json_addr(&f->addresses[i]));
  for (size_t i = 0; i < f->n_events; i++)
    json_array_append_new(events, ia_json_h256(&ia_event_of(f->events[i])->topic0));
  if (f->n_addresses > 0)
    json_object_set(o, "address", addresses);
  if (f->n_events == 0)
    return o;
  topics = json_pack("[O]", events);
  for (size_t i = 0; i < 3; i++)
    json_array_append_new(topics, f->topics[i] ? ia_json_h256(f->topics[i]) : json_null());
  while (json_is_null(json_array_get(topics, json_array_size(topics) - 1)))
    json_array_remove(topics, json_array_size(topics) - 1);
  json_object_set_new(o, "topics", topics);
  return o;
}

const ia_chain_log *ia_chain_find_log(const ia_chain_logs *l, ia_event_id id, const ia_addr *at)
{
  for (size_t i = 0; i < l->n; i++) {
    if (ia_event_is(&l->v[i].entry, id) && (!at || ia_addr_eq(at, &l->v[i].entry.address)))
      return &l->v[i];
  }
  return NULL;
}

void ia_chain_receipt_free(ia_chain_receipt *r)
{
  if (r)
    ia_chain_logs_free(&r->logs);
}

bool ia_chain_receipt_get(ia_chain *c, ia_chain_receipt *out, const ia_h256 *tx, ia_err *e)
{
  IA_AUTO_JSON *r = NULL;
  uint64_t status;

  if (!ia_rpc_call(c->rpc, &r, "eth_getTransactionReceipt", json_pack("[o]", ia_json_h256(tx)), e))
    return false;
  if (json_is_null(r))
    return ia_fail(e, IA_E_NOT_FOUND, "the transaction is in no block");
  out->tx = *tx;
  if (!ia_rpc_get_u64(r, "status", &status, e) ||
      !ia_rpc_get_u64(r, "blockNumber", &out->block, e) ||
      !ia_json_get_h256(r, "blockHash", &out->block_hash, e) ||
      !ia_json_get_addr(r, "from", &out->from, e))
    return false;
  out->ok = status == 1;
  return ia_chain_logs_parse(&out->logs, json_object_get(r, "logs"), e);
}

void ia_chain_tx_free(ia_chain_tx *t)
{
  if (t)
    ia_buf_free(&t->input);
}

bool ia_chain_tx_get(ia_chain *c, ia_chain_tx *out, const ia_h256 *hash, ia_err *e)
{
  IA_AUTO_JSON *t = NULL;
  const json_t *block;

  if (!ia_rpc_call(c->rpc, &t, "eth_getTransactionByHash", json_pack("[o]", ia_json_h256(hash)), e))
    return false;
  if (json_is_null(t))
    return ia_fail(e, IA_E_NOT_FOUND, "no such transaction");
  ia_buf_clear(&out->input);
  out->hash = *hash;
  out->to = (ia_addr){{0}};
  out->block = 0;
  block = json_object_get(t, "blockNumber");
  if (block && !json_is_null(block) && !ia_rpc_u64(&out->block, block, e))
    return false;
  if (json_is_string(json_object_get(t, "to")) && !ia_json_get_addr(t, "to", &out->to, e))
    return false;
  return ia_json_get_addr(t, "from", &out->from, e) && ia_json_get_hex(t, "input", &out->input, e);
}

/* First block whose time is at least `when`, by halving [0, head]. Times never go down. */
static bool first_block_at(ia_chain *c, uint64_t *out, uint64_t head, uint64_t when, ia_err *e)
{
  uint64_t low = 0, high = head;

  while (low < high) {
    uint64_t mid = low + (high - low) / 2;
    ia_block b;

    if (!ia_chain_block(c, &b, mid, e))
      return false;
    if (b.timestamp < when)
      low = mid + 1;
    else
      high = mid;
  }
  *out = low;
  return true;
}

static bool match_in(ia_chain *c, bool *found, ia_chain_log *log, ia_event *ev,
                     const ia_h256 *dealid, uint64_t from, uint64_t to, ia_err *e)
{
  static const ia_event_id matched = IA_EV_ORDERS_MATCHED;
  IA_AUTOV(ia_chain_logs) logs = {0};
  const ia_chain_filter f = {.from = from,
                             .to = to,
                             .addresses = &c->hub,
                             .n_addresses = 1,
                             .events = &matched,
                             .n_events = 1};

  *found = false;
  if (!ia_chain_logs_get(c, &logs, &f, e))
    return false;
  for (size_t i = 0; i < logs.n && !*found; i++) {
    if (!ia_addr_eq(&logs.v[i].entry.address, &c->hub) ||
        !ia_event_decode(ev, matched, &logs.v[i].entry, NULL))
      continue;
    *found = ia_h256_eq(&ev->id[0], dealid);
    *log = logs.v[i];
  }
  return true;
}

bool ia_chain_find_match(ia_chain *c, ia_chain_tx *out, ia_event *ev, const ia_h256 *dealid,
                         uint64_t start_time, ia_err *e)
{
  ia_event own;
  ia_chain_log log;
  ia_block head, b;
  uint64_t from = 0;
  bool found = false;

  if (!ev)
    ev = &own;
  /* mostly the deal is of this moment: one look at the newest blocks saves the halving */
  if (!ia_chain_head(c, &head, e) ||
      !match_in(c, &found, &log, ev, dealid,
                head.number < MATCH_NEWEST ? 0 : head.number - MATCH_NEWEST, head.number, e) ||
      (!found && !first_block_at(c, &from, head.number, start_time, e)))
    return false;
  while (!found && from <= head.number) {
    uint64_t to = head.number - from < MATCH_SPAN ? head.number : from + MATCH_SPAN - 1;

    if (!match_in(c, &found, &log, ev, dealid, from, to, e) || !ia_chain_block(c, &b, to, e))
      return false;
    if (b.timestamp > start_time)
      break;
    from = to + 1;
  }
  if (!found)
    return ia_fail(e, IA_E_NOT_FOUND, "no OrdersMatched of this deal");
  return ia_chain_tx_get(c, out, &log.tx, e);
}
