#include "service/sms/ledger.h"

#include "chain/poco.h"
#include "client/bulk.h"
#include "client/to_market.h"

/* Matches are looked for by the deal's start time; see chain/poco.h. */
enum { EVENTS_SPAN = 1000, RAW_AT_ONCE = 100 };

typedef struct rpc_ledger {
  ia_chain *chain;
  ia_addr hub;
  uint64_t until;
  ia_net net; /* of market and blobs; opened at the first look-up */
  bool net_open;
} rpc_ledger;

void ia_sms_match_free(ia_sms_match *m)
{
  if (m)
    ia_buf_free(&m->calldata);
}

void ia_sms_transfers_free(ia_sms_transfers *t)
{
  if (!t)
    return;
  for (size_t i = 0; t->raw && i < t->n; i++)
    ia_buf_free(&t->raw[i]);
  free(t->raw);
  free(t->view);
  *t = (ia_sms_transfers){0};
}

/* A look-up that finds nothing is an answer, not a failure; so is a node that refuses the call. */
static bool absent(const ia_err *err)
{
  return err->code == IA_E_NOT_FOUND || err->code == IA_E_REVERT || err->code == IA_E_PARSE;
}

static bool found(bool ok, bool *has, const ia_err *err, ia_err *e)
{
  *has = ok;
  if (ok || absent(err))
    return true;
  if (e)
    *e = *err;
  return false;
}

static void l_until(void *ctx, uint64_t mono_ms)
{
  rpc_ledger *l = ctx;

  l->until = mono_ms;
  ia_rpc_until(ia_chain_rpc(l->chain), mono_ms);
}

static bool l_begin(void *ctx, ia_err *e)
{
  const rpc_ledger *l = ctx;

  return ia_chain_pin(l->chain, e);
}

static bool l_head(void *ctx, ia_sms_block *out, ia_err *e)
{
  const rpc_ledger *l = ctx;
  ia_block b;

  if (!ia_chain_head(l->chain, &b, e))
    return false;
  *out = (ia_sms_block){b.number, b.hash, b.timestamp};
  return true;
}

static bool l_block(void *ctx, uint64_t number, bool *has, ia_sms_block *out, ia_err *e)
{
  const rpc_ledger *l = ctx;
  ia_block b = {0};
  ia_err err = {0};
  bool ok = ia_chain_block(l->chain, &b, number, &err);

  *out = (ia_sms_block){b.number, b.hash, b.timestamp};
  return found(ok, has, &err, e);
}

static bool l_task(void *ctx, const ia_h256 *id, ia_task *out, ia_buf *store, ia_err *e)
{
  const rpc_ledger *l = ctx;

  return ia_chain_task(l->chain, out, store, id, e);
}

static bool l_deal(void *ctx, const ia_h256 *id, bool *has, ia_deal *out, ia_buf *store, ia_err *e)
{
  const rpc_ledger *l = ctx;
  ia_err err = {0};

  return found(ia_chain_deal(l->chain, out, store, id, &err), has, &err, e);
}

static bool l_match(void *ctx, const ia_h256 *deal, uint64_t start_time, bool *has,
                    ia_sms_match *out, ia_err *e)
{
  const rpc_ledger *l = ctx;
  IA_AUTOV(ia_chain_tx) tx = {0};
  ia_event ev = {0};
  ia_err err = {0};
  bool ok = ia_chain_find_match(l->chain, &tx, &ev, deal, start_time, &err);

  out->block = tx.block;
  out->order[IA_ORDER_APP] = ev.id[1];
  out->order[IA_ORDER_DATASET] = ev.id[2];
  out->order[IA_ORDER_WORKERPOOL] = ev.more[0];
  out->order[IA_ORDER_REQUEST] = ev.more[1];
  ia_buf_span(&out->calldata, ia_buf_view(&tx.input));
  return found(ok, has, &err, e) && ia_buf_ok(&out->calldata, e);
}

static bool opened(rpc_ledger *l, ia_err *e)
{
  if (!l->net_open && !ia_net_open(&l->net, e))
    return false;
  l->net_open = true;
  ia_http_until(l->net.http, l->until);
  ia_http_until(l->net.secure, l->until);
  return true;
}

static bool l_slice(void *ctx, const char *bulk_cid, uint64_t index, json_t **out, ia_err *e)
{
  rpc_ledger *l = ctx;
  IA_AUTO_JSON *root = NULL;

  if (!l->net.ipfs)
    return ia_fail(e, IA_E_UNSUPPORTED, "this SMS has no blob gateway to read bulk requests from");
  return opened(l, e) && ia_bulk_root_get(&l->net, &root, bulk_cid, e) &&
         ia_bulk_slice_get(&l->net, out, root, index, e);
}

static bool l_order(void *ctx, ia_order_kind kind, const ia_h256 *hash, bool *has,
                    ia_order_box *out, ia_err *e)
{
  rpc_ledger *l = ctx;
  ia_offer offer = {0};
  ia_err err = {0};

  *has = false;
  if (!l->net.market)
    return true;
  if (!opened(l, e))
    return false;
  bool ok = ia_to_market_fetch(&l->net, &offer, kind, hash, &err);
  *out = offer.box;             /* empty unless it was found */
  if (err.code == IA_E_INVALID) /* another order than the one asked for: it has none */
    err.code = IA_E_NOT_FOUND;
  return found(ok, has, &err, e);
}

static bool l_app(void *ctx, const ia_addr *at, bool *has, ia_app_info *out, ia_buf *store,
                  ia_err *e)
{
  const rpc_ledger *l = ctx;
  ia_err err = {0};

  return found(ia_chain_app(l->chain, out, store, at, &err), has, &err, e);
}

static bool l_dataset(void *ctx, const ia_addr *at, bool *has, ia_dataset_info *out, ia_buf *store,
                      ia_err *e)
{
  const rpc_ledger *l = ctx;
  ia_err err = {0};

  return found(ia_chain_dataset(l->chain, out, store, at, &err), has, &err, e);
}

static bool l_workerpool(void *ctx, const ia_addr *at, bool *has, ia_workerpool_info *out,
                         ia_buf *store, ia_err *e)
{
  const rpc_ledger *l = ctx;
  ia_err err = {0};

  return found(ia_chain_workerpool(l->chain, out, store, at, &err), has, &err, e);
}

static bool l_owner(void *ctx, const ia_addr *asset, bool *has, ia_addr *out, ia_err *e)
{
  const rpc_ledger *l = ctx;
  ia_err err = {0};

  return found(ia_chain_owner(l->chain, out, asset, &err), has, &err, e);
}

static bool l_raw_tx(void *ctx, const ia_h256 *tx, bool *has, ia_buf *out, ia_err *e)
{
  const rpc_ledger *l = ctx;
  IA_AUTO_JSON *answer = NULL;
  const char *hex;

  *has = false;
  if (!ia_rpc_call(ia_chain_rpc(l->chain), &answer, "eth_getRawTransactionByHash",
                   json_pack("[o]", ia_json_h256(tx)), e))
    return false;
  hex = json_string_value(answer);
  *has = hex && ia_unhex_buf(out, ia_span_str(hex)) && out->len > 0;
  return ia_buf_ok(out, e);
}

/* -- transfers of one token: its mint, then the transactions -- */

static bool room(ia_sms_transfers *out, ia_err *e)
{
  ia_buf *raw = reallocarray(out->raw, out->n + 1, sizeof(*raw));
  ia_transfer_fact *view;

  if (!raw)
    return ia_fail(e, IA_E_MEMORY, "ledger: no memory");
  out->raw = raw;
  raw[out->n] = (ia_buf){0};
  view = reallocarray(out->view, out->n + 1, sizeof(*view));
  if (!view)
    return ia_fail(e, IA_E_MEMORY, "ledger: no memory");
  out->view = view;
  return true;
}

static bool add_transfer(ia_sms_transfers *out, const ia_event *ev, ia_err *e)
{
  if (!room(out, e))
    return false;
  out->view[out->n++] = (ia_transfer_fact){.from = ev->addr[0], .to = ev->addr[1]};
  return true;
}

/* The signed transactions of the transfers from `at` on, in one request. One that the ledger does
 * not give stays as empty bytes: the chain of owners then breaks. */
static bool fetch_raw(rpc_ledger *l, ia_sms_transfers *out, size_t at, const ia_h256 *tx, size_t n,
                      ia_err *e)
{
  ia_rpc_item items[RAW_AT_ONCE];
  bool ok;

  for (size_t i = 0; i < n; i++)
    items[i] = (ia_rpc_item){.method = "eth_getRawTransactionByHash",
                             .params = json_pack("[o]", ia_json_h256(&tx[i]))};
  ok = ia_rpc_batch(ia_chain_rpc(l->chain), items, n, e);
  for (size_t i = 0; ok && i < n; i++) {
    const char *hex = json_string_value(items[i].result);
    ia_buf *raw = &out->raw[at + i];

    if (!items[i].ok)
      ok = ia_fail(e, items[i].err.code, "%s", items[i].err.msg);
    else if (hex && !ia_unhex_buf(raw, ia_span_str(hex)))
      ia_buf_clear(raw);
    ok = ok && ia_buf_ok(raw, e);
    out->view[at + i].raw = ia_buf_view(raw);
  }
  ia_rpc_items_free(items, n);
  return ok;
}

/* Whoever owned an asset may have moved it to and fro as often as she liked: that many are neither
 * fetched nor judged. */
static bool read_transfers(rpc_ledger *l, ia_sms_transfers *out, const ia_chain_logs *logs,
                           ia_err *e)
{
  size_t before = out->n, n = 0;
  ia_autofree ia_h256 *tx = calloc(logs->n + 1, sizeof(*tx));
  ia_event ev;

  if (!tx)
    return ia_fail(e, IA_E_MEMORY, "ledger: no memory");
  if (before + logs->n > IA_TRANSFERS_MAX + 1) /* and the mint */
    return ia_fail(e, IA_E_OWNER_UNPROVEN, "an asset changed hands too often to follow");
  for (size_t i = 0; i < logs->n; i++) {
    const ia_chain_log *log = &logs->v[i];

    if (!ia_event_decode(&ev, IA_EV_NFT_TRANSFER, &log->entry, NULL))
      return ia_fail(e, IA_E_PARSE, "ledger: a Transfer event is malformed");
    if (ia_addr_zero(&ev.addr[0])) {
      out->first_owner = ev.addr[1];
      continue;
    }
    if (!add_transfer(out, &ev, e))
      return false;
    tx[n++] = log->tx;
  }
  for (size_t at = 0; at < n; at += RAW_AT_ONCE)
    if (!fetch_raw(l, out, before + at, tx + at, n - at < RAW_AT_ONCE ? n - at : RAW_AT_ONCE, e))
      return false;
  return true;
}

static bool l_transfers(void *ctx, const ia_addr *registry, const ia_addr *asset,
                        ia_sms_transfers *out, ia_err *e)
{
  static const ia_event_id transfer = IA_EV_NFT_TRANSFER;
  rpc_ledger *l = ctx;
  ia_h256 token = {{0}};
  ia_chain_filter f = {.addresses = registry,
                       .n_addresses = 1,
                       .events = &transfer,
                       .n_events = 1,
                       .topics = {NULL, NULL, &token}};
  ia_block head = {.number = IA_CHAIN_LATEST};

  *out = (ia_sms_transfers){0};
  memcpy(token.b + 12, asset->b, 20);
  if (!ia_chain_is_local(l->chain) && !ia_chain_head(l->chain, &head, e))
    return false;
  for (uint64_t at = 0; at <= head.number; at = f.to + 1) {
    IA_AUTOV(ia_chain_logs) logs = {0};

    f.from = at;
    f.to = head.number;
    if (!ia_chain_logs_part(l->chain, &logs, &f, e) || !read_transfers(l, out, &logs, e))
      return false;
    if (f.to == head.number)
      break;
  }
  return true;
}

/* -- events to remember -- */
static bool event_of(const ia_chain_log *log, ia_sms_event *out)
{
  static const struct {
    ia_event_id id;
    ia_sms_event_kind kind;
  } kinds[] = {
      {IA_EV_ORDERS_MATCHED, IA_SMS_MATCHED},
      {IA_EV_CLOSED_APP_ORDER, IA_SMS_CLOSED},
      {IA_EV_CLOSED_DATASET_ORDER, IA_SMS_CLOSED},
      {IA_EV_CLOSED_WORKERPOOL_ORDER, IA_SMS_CLOSED},
      {IA_EV_CLOSED_REQUEST_ORDER, IA_SMS_CLOSED},
      {IA_EV_SIGNED_APP_ORDER, IA_SMS_PRESIGNED},
      {IA_EV_SIGNED_DATASET_ORDER, IA_SMS_PRESIGNED},
      {IA_EV_SIGNED_WORKERPOOL_ORDER, IA_SMS_PRESIGNED},
      {IA_EV_SIGNED_REQUEST_ORDER, IA_SMS_PRESIGNED},
  };

  for (size_t i = 0; i < IA_COUNT(kinds); i++) {
    ia_event ev;

    if (ia_event_is(&log->entry, kinds[i].id) &&
        ia_event_decode(&ev, kinds[i].id, &log->entry, NULL)) {
      *out = (ia_sms_event){kinds[i].kind, ev.id[0], log->tx, log->block};
      return true;
    }
  }
  return false;
}

static bool l_events(void *ctx, uint64_t from, uint64_t to,
                     bool (*sink)(void *, const ia_sms_event *, ia_err *), void *sink_ctx,
                     ia_err *e)
{
  static const ia_event_id ids[] = {
      IA_EV_ORDERS_MATCHED,          IA_EV_CLOSED_APP_ORDER,        IA_EV_CLOSED_DATASET_ORDER,
      IA_EV_CLOSED_WORKERPOOL_ORDER, IA_EV_CLOSED_REQUEST_ORDER,    IA_EV_SIGNED_APP_ORDER,
      IA_EV_SIGNED_DATASET_ORDER,    IA_EV_SIGNED_WORKERPOOL_ORDER, IA_EV_SIGNED_REQUEST_ORDER};
  rpc_ledger *l = ctx;

  for (uint64_t at = from, end; at <= to; at = end + 1) {
    IA_AUTOV(ia_chain_logs) logs = {0};
    ia_chain_filter f = {.from = at,
                         .to = at + EVENTS_SPAN - 1 < to ? at + EVENTS_SPAN - 1 : to,
                         .addresses = &l->hub,
                         .n_addresses = 1,
                         .events = ids,
                         .n_events = IA_COUNT(ids)};
    ia_sms_event ev;

    if (!ia_chain_logs_part(l->chain, &logs, &f, e))
      return false;
    end = f.to;
    for (size_t i = 0; i < logs.n; i++)
      if (event_of(&logs.v[i], &ev) && !sink(sink_ctx, &ev, e))
        return false;
  }
  return true;
}

/* -- its word -- */
static bool v_consumed(void *ctx, const ia_h256 *hash, ia_u256 *volume, ia_err *e)
{
  rpc_ledger *l = ctx;

  return ia_chain_consumed(l->chain, volume, hash, e);
}

static bool v_has_purpose(void *ctx, const ia_addr *group, const ia_addr *account, bool *member,
                          ia_err *e)
{
  rpc_ledger *l = ctx;

  return ia_chain_has_purpose(l->chain, member, group, account, e);
}

static bool v_erc1271(void *ctx, const ia_addr *account, const ia_h256 *hash, ia_span sign,
                      bool *is_contract, bool *valid, ia_err *e)
{
  rpc_ledger *l = ctx;

  *valid = false;
  return ia_chain_has_code(l->chain, is_contract, account, e) &&
         (!*is_contract || ia_chain_verify_signature(l->chain, valid, account, hash, sign, e));
}

static bool v_categories(void *ctx, ia_u256 *count, ia_err *e)
{
  rpc_ledger *l = ctx;
  IA_AUTOV(ia_buf) store = {0};
  ia_args out = {0};

  if (!ia_chain_read(l->chain, &out, &store, NULL, IA_CALL_COUNT_CATEGORY, NULL, e))
    return false;
  *count = out.value[0];
  return true;
}

static void l_close(void *ctx)
{
  rpc_ledger *l = ctx;

  ia_chain_close(l->chain);
  if (l->net_open)
    ia_net_close(&l->net);
  free(l);
}

bool ia_sms_ledger_open(ia_sms_ledger *out, const ia_sms_urls *urls, const ia_release_pins *pins,
                        ia_err *e)
{
  ia_chain_options o = {.url = urls->rpc,
                        .agree = urls->agree,
                        .hub = pins->hub,
                        .chain_id = pins->chain_id,
                        .timeout_ms = 10000,
                        .until = urls->until};
  rpc_ledger *l = calloc(1, sizeof(*l));

  if (!l)
    return ia_fail(e, IA_E_MEMORY, "ledger: no memory");
  l->hub = pins->hub;
  l->until = urls->until;
  l->net = (ia_net){
      .market = urls->market, .ipfs = urls->ipfs, .chain_id = pins->chain_id, .hub = pins->hub};
  if (!ia_chain_open(&l->chain, &o, e)) {
    free(l);
    return false;
  }
  *out = (ia_sms_ledger){.ctx = l,
                         .begin = l_begin,
                         .until = l_until,
                         .head = l_head,
                         .block = l_block,
                         .task = l_task,
                         .deal = l_deal,
                         .match = l_match,
                         .order = l_order,
                         .slice = l_slice,
                         .app = l_app,
                         .dataset = l_dataset,
                         .workerpool = l_workerpool,
                         .owner = l_owner,
                         .transfers = l_transfers,
                         .raw_tx = l_raw_tx,
                         .events = l_events,
                         .close = l_close};
  out->view = (ia_poco_view){.ctx = l,
                             .consumed = v_consumed,
                             .has_purpose = v_has_purpose,
                             .erc1271 = v_erc1271,
                             .categories = v_categories};
  return true;
}
