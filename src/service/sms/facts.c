#include "service/sms/facts.h"

#include "poco/orders.h"

void ia_sms_asset_free(ia_sms_asset *a)
{
  ia_buf_free(&a->store);
  ia_sms_transfers_free(&a->transfers);
  for (size_t i = 0; a->bodies && i < a->n_messages; i++)
    ia_buf_free(&a->bodies[i]);
  free(a->bodies);
  free(a->messages);
  *a = (ia_sms_asset){0};
}

void ia_sms_facts_free(ia_sms_facts *x)
{
  if (!x)
    return;
  ia_buf_free(&x->task_store);
  ia_buf_free(&x->deal_store);
  ia_buf_free(&x->pool_store);
  ia_sms_match_free(&x->made);
  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    ia_buf_free(&x->presign[k]);
    ia_order_box_free(&x->order[k]);
  }
  for (int k = 0; k < IA_ASSET_KINDS; k++)
    ia_sms_asset_free(&x->asset[k]);
  ia_sms_slice_free(x->slice);
  x->slice = NULL;
}

bool ia_sms_facts_task(ia_sms_facts *x, const ia_sms_ledger *l, const ia_release_pins *pins,
                       const ia_h256 *task, uint64_t now, ia_err *e)
{
  ia_release_facts *f = &x->f;
  ia_sms_block head;

  f->pins = pins;
  f->now = now;
  f->task_id = *task;
  f->ledger = &l->view;
  if (!l->head(l->ctx, &head, e) || !l->task(l->ctx, task, &f->task, &x->task_store, e))
    return false;
  f->head = head.number;
  f->ledger_time = head.time;
  f->has_task = f->task.status != IA_TASK_UNSET;
  if (!f->has_task)
    return true;
  if (!l->deal(l->ctx, &f->task.dealid, &f->has_deal, &f->deal, &x->deal_store, e))
    return false;
  if (f->has_deal)
    f->pool_owner = f->deal.workerpool.owner;
  return true;
}

/* -- what the store knows of an asset: transfer messages of its owners -- */
struct messages {
  const ia_addr *object;
  ia_sms_asset *a;
};

static bool room(ia_sms_asset *a, ia_err *e)
{
  size_t n = a->n_messages + 1;
  ia_transfer_message *m = reallocarray(a->messages, n, sizeof(*m));
  ia_buf *b;

  if (!m)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  a->messages = m;
  b = reallocarray(a->bodies, n, sizeof(*b));
  if (!b)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  a->bodies = b;
  a->messages[n - 1] = (ia_transfer_message){0};
  a->bodies[n - 1] = (ia_buf){0};
  a->n_messages = n;
  return true;
}

static bool read_to(ia_addr *to, ia_span body, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(body, 0, e);

  return v && ia_json_get_addr(v, "to", to, e);
}

static bool take_message(ia_sms_asset *a, ia_stmt *st, ia_err *e)
{
  ia_transfer_message *m;
  ia_span sig = ia_col_bytes(st, 2);

  if (!room(a, e))
    return false;
  m = &a->messages[a->n_messages - 1];
  m->version = ia_col_u64(st, 0);
  m->moves = ia_col_u64(st, 3);
  ia_buf_span(&a->bodies[a->n_messages - 1], ia_col_bytes(st, 1));
  return ia_span_copy(&sig, m->sig, sizeof(m->sig)) && sig.len == 0 &&
         ia_buf_ok(&a->bodies[a->n_messages - 1], e) && read_to(&m->to, ia_col_bytes(st, 1), e);
}

static bool read_messages(void *ctx, ia_db *db, ia_err *e)
{
  struct messages *m = ctx;
  ia_stmt *st;
  bool row = false, ok = true;

  if (!ia_db_stmt(&st, db,
                  "SELECT version, body, sig, moves FROM message"
                  " WHERE object = $1 AND kind = 'transfer' ORDER BY at",
                  e))
    return false;
  ia_bind_addr(st, 1, m->object);
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row)
    ok = take_message(m->a, st, e);
  ia_stmt_reset(st);
  for (size_t i = 0; i < m->a->n_messages; i++)
    m->a->messages[i].body = ia_buf_view(&m->a->bodies[i]);
  return ok;
}

bool ia_sms_facts_asset(ia_sms_asset *a, ia_asset_facts *out, const ia_sms_ledger *l,
                        const ia_release_pins *pins, ia_sms_store *store, ia_asset_kind kind,
                        const ia_addr *at, ia_err *e)
{
  struct messages m = {.object = at, .a = a};
  bool owned = false;

  if (kind == IA_ASSET_APP ? !l->app(l->ctx, at, &out->has, &out->app, &a->store, e)
                           : !l->dataset(l->ctx, at, &out->has, &out->dataset, &a->store, e))
    return false;
  if (!out->has)
    return true;
  if (!l->transfers(l->ctx, &pins->registry[kind], at, &a->transfers, e) ||
      !l->owner(l->ctx, at, &owned, &out->ledger_owner, e) ||
      !ia_sms_store_run(store, read_messages, &m, e))
    return false;
  if (!owned)
    out->ledger_owner = (ia_addr){{0}};
  out->first_owner = a->transfers.first_owner;
  out->transfers = a->transfers.view;
  out->n_transfers = a->transfers.n;
  out->messages = a->messages;
  out->n_messages = a->n_messages;
  return true;
}

/* -- accounts that are keys -- */
struct by_key {
  const ia_addr *account;
  bool yes;
};

static bool read_by_key(void *ctx, ia_db *db, ia_err *e)
{
  struct by_key *k = ctx;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "SELECT 1 FROM secret WHERE pusher = $1 UNION ALL"
                  " SELECT 1 FROM message WHERE signer = $1 LIMIT 1",
                  e))
    return false;
  ia_bind_addr(st, 1, k->account);
  if (!ia_stmt_step(st, &k->yes, e))
    return false;
  ia_stmt_reset(st);
  return true;
}

bool ia_sms_signed_here(void *ctx, const ia_addr *account, bool *yes, ia_err *e)
{
  struct by_key k = {.account = account};
  bool ok = ia_sms_store_run(ctx, read_by_key, &k, e);

  *yes = k.yes;
  return ok;
}

/* -- presignatures: the transactions that the follower saw -- */
struct presigned {
  const ia_h256 *order;
  bool has;
  ia_h256 tx;
};

static bool read_presigned(void *ctx, ia_db *db, ia_err *e)
{
  struct presigned *p = ctx;
  ia_stmt *st;
  bool ok;

  if (!ia_db_stmt(&st, db, "SELECT tx FROM presigned WHERE order_hash = $1", e))
    return false;
  ia_bind_h256(st, 1, p->order);
  if (!ia_stmt_step(st, &p->has, e))
    return false;
  ok = !p->has || ia_col_h256(st, 0, &p->tx, e);
  ia_stmt_reset(st);
  return ok;
}

bool ia_sms_facts_presign(ia_buf *raw, const ia_sms_ledger *l, const ia_release_pins *pins,
                          ia_sms_store *store, ia_order_kind kind, const void *order, ia_err *e)
{
  struct presigned p = {0};
  ia_h256 separator, hash;
  bool has;

  if (ia_order_signature(kind, order)->len > 0)
    return true;
  ia_order_separator(&separator, pins->chain_id, &pins->hub);
  ia_order_hash(&hash, &separator, kind, order);
  p.order = &hash;
  return ia_sms_store_run(store, read_presigned, &p, e) &&
         (!p.has || l->raw_tx(l->ctx, &p.tx, &has, raw, e));
}

/* A match by another contract: the orders by the hashes that the event names. Neither the event nor
 * the market is believed: hashes, signatures and the deal's id are recomputed from what they give.
 */
static bool match_of_market(ia_sms_facts *x, const ia_sms_ledger *l, ia_err *e)
{
  ia_release_facts *f = &x->f;
  bool has = true;

  for (int k = 0; has && k < IA_ORDER_KINDS; k++)
    if ((k != IA_ORDER_DATASET || !ia_addr_zero(&f->deal.dataset.pointer)) &&
        !l->order(l->ctx, (ia_order_kind)k, &x->made.order[k], &has, &x->order[k], e))
      return false;
  f->has_match = has;
  f->match = (ia_match){.app = x->order[IA_ORDER_APP].order.app,
                        .dataset = x->order[IA_ORDER_DATASET].order.dataset,
                        .workerpool = x->order[IA_ORDER_WORKERPOOL].order.workerpool,
                        .request = x->order[IA_ORDER_REQUEST].order.request};
  return true;
}

static bool gather_match(ia_sms_facts *x, const ia_sms_ledger *l, ia_err *e)
{
  ia_release_facts *f = &x->f;
  bool has = false;

  if (f->planned)
    return true;
  if (!l->match(l->ctx, &f->task.dealid, f->deal.start_time, &has, &x->made, e))
    return false;
  f->match_block = x->made.block;
  f->has_match = has && ia_match_of_calldata(&f->match, ia_buf_view(&x->made.calldata), NULL);
  return f->has_match || !has || match_of_market(x, l, e);
}

bool ia_sms_facts_orders(ia_sms_facts *x, const ia_sms_ledger *l, ia_sms_store *store, ia_err *e)
{
  ia_release_facts *f = &x->f;
  const ia_addr *at[] = {&f->match.app.app, &f->match.dataset.dataset};
  const void *order[] = {&f->match.app, &f->match.dataset, &f->match.workerpool, &f->match.request};
  bool has;

  f->signed_here = ia_sms_signed_here;
  f->signed_ctx = store;
  if (!f->planned && !f->has_deal)
    return true;
  if (!gather_match(x, l, e))
    return false;
  if (!f->has_match)
    return true;
  if (f->planned && !l->owner(l->ctx, &f->match.workerpool.workerpool, &has, &f->pool_owner, e))
    return false;
  if (!l->workerpool(l->ctx, &f->match.workerpool.workerpool, &f->has_pool, &f->pool,
                     &x->pool_store, e))
    return false;
  for (int k = 0; k <= IA_ASSET_DATASET; k++)
    if (!ia_addr_zero(at[k]) && !ia_sms_facts_asset(&x->asset[k], &f->asset[k], l, f->pins, store,
                                                    (ia_asset_kind)k, at[k], e))
      return false;
  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    if (!ia_sms_facts_presign(&x->presign[k], l, f->pins, store, (ia_order_kind)k, order[k], e))
      return false;
    f->presign[k] = ia_buf_view(&x->presign[k]);
  }
  return ia_sms_facts_slice(x, l, store, e);
}
