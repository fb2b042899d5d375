/* Sending where blocks take their time: nonces, forgetting nodes, fees that grow, and nonces that
 * somebody else took. */
#include "chain/flight.h"

#include "base/clock.h"
#include "base/crash.h"
#include "base/log.h"

enum { NONCE_TRIES = 5, STUCK_BLOCKS = 2, STUCK_MS = 30000, RESEND_MS = 2000 };

bool ia_flight_open(ia_flight *f, ia_chain *c, const ia_chain_account_key *k, ia_err *e)
{
  *f = (ia_flight){.c = c, .key = k, .box = {.lock = -1}};
  return ia_secp_address(k->secp, &f->from, k->key, e) &&
         ia_outbox_open(&f->box, c->sending.outbox, c->chain_id, &f->from, e);
}

/* -- starting -- */

static bool same_call(const ia_outgoing *t, const ia_tx *want)
{
  ia_tx tx;

  return ia_outgoing_tx(t, &tx, NULL) && ia_addr_eq(&tx.to, &want->to) &&
         ia_span_eq(tx.data, want->data);
}

/* *next: the first nonce that neither the chain nor we have used; *joined: the call is under way
 * already, in *out. */
static bool look(ia_flight *f, ia_outgoing *out, const ia_tx *tx, const ia_chain_sent *sent,
                 uint64_t *next, bool *joined, ia_err *e)
{
  uint64_t list[IA_OUTBOX_MAX];
  size_t n;

  *joined = false;
  if (!ia_send_nonce(f->c, next, &f->from, e) ||
      !ia_outbox_list(&f->box, list, IA_OUTBOX_MAX, &n, e))
    return false;
  if (n == IA_OUTBOX_MAX)
    return ia_fail(e, IA_E_BUSY, "%d transactions of this account wait for blocks", IA_OUTBOX_MAX);
  if (n > 0 && list[n - 1] >= *next)
    *next = list[n - 1] + 1;
  for (size_t i = 0; i < n && sent->join; i++) {
    if (!ia_outbox_load(&f->box, out, list[i], e))
      return false;
    if (same_call(out, tx)) {
      *joined = true;
      return true;
    }
  }
  ia_outgoing_free(out);
  return true;
}

/* On disk before it leaves. The owner's own note comes first: who sends what the owner knows
 * nothing of loses what belongs to it. */
static bool sign(ia_flight *f, ia_outgoing *t, ia_tx *tx, uint64_t block, ia_chain_sent *sent,
                 ia_err *e)
{
  IA_AUTOV(ia_buf) raw = {0};

  if (!ia_tx_sign(&raw, tx, f->key->secp, f->key->key, e) ||
      (sent && sent->before && !sent->before(sent->ctx, ia_buf_view(&raw), e)))
    return false;
  ia_crash_point("chain-signed");
  if (!ia_outgoing_add(t, ia_buf_view(&raw), block, e) || !ia_outbox_save(&f->box, t, e))
    return false;
  ia_crash_point("chain-kept");
  return true;
}

/* The node did not say no: it has it, or it will be sent again. */
static bool may_arrive(const ia_err *why)
{
  return why->code == IA_E_TX_KNOWN || why->code == IA_E_UNAVAILABLE || why->code == IA_E_TIMEOUT ||
         why->code == IA_E_CANCELLED || why->code == IA_E_BUSY;
}

static bool start(ia_flight *f, ia_outgoing *out, ia_tx *tx, uint64_t block, ia_chain_sent *sent,
                  ia_err *e)
{
  uint64_t least = 0;
  bool joined;

  for (int i = 0; i < NONCE_TRIES; i++) {
    ia_err why = {0};

    if (!look(f, out, tx, sent, &tx->nonce, &joined, e) || joined)
      return joined;
    if (tx->nonce < least)
      tx->nonce = least;
    out->nonce = tx->nonce;
    if (!sign(f, out, tx, block, sent, e))
      return false;
    if (ia_send_submit(f->c, ia_buf_view(&out->raw[0]), &why) || may_arrive(&why))
      return true;
    ia_outbox_drop(&f->box, tx->nonce);
    ia_outgoing_free(out);
    if (why.code == IA_E_INSUFFICIENT_FUNDS)
      return ia_fees_missing(f->c, &f->from, tx, e);
    if (why.code != IA_E_NONCE_LOW && why.code != IA_E_TX_UNDERPRICED)
      return e && (*e = why, false);
    /* a stranger's transaction waits under that number */
    least = why.code == IA_E_TX_UNDERPRICED ? tx->nonce + 1 : 0;
  }
  return ia_fail(e, IA_E_NONCE_LOW, "other programs use up this account's nonces");
}

bool ia_flight_start(ia_flight *f, ia_outgoing *out, ia_tx *tx, ia_chain_sent *sent, ia_err *e)
{
  ia_block head;

  if (!ia_chain_head(f->c, &head, e) || !ia_fees_set(f->c, tx, &head, e) ||
      !ia_outbox_lock(&f->box, e))
    return false;
  bool ok = start(f, out, tx, head.number, sent, e);
  ia_outbox_unlock(&f->box);
  ia_crash_point("chain-sent");
  return ok;
}

/* -- looking -- */

enum { TAKEN_MS = 5000, TAKEN_PAUSE_MS = 100 };

typedef struct look_result {
  ia_block head;
  uint64_t nonce_now; /* transactions of the account in the newest block */
  bool mined;
  uint64_t block;
  ia_h256 hash; /* of the form that is mined */
} look_result;

static json_t *count_params(const ia_addr *who, json_t *at)
{
  return json_pack("[o, o]", ia_json_addr(who), at);
}

static bool read_forms(look_result *r, const ia_outgoing *t, const ia_rpc_item *forms, ia_err *e)
{
  for (size_t i = 0; i < t->n; i++) {
    if (!forms[i].ok)
      return e && (*e = forms[i].err, false);
    if (json_is_null(forms[i].result))
      continue;
    if (!ia_rpc_get_u64(forms[i].result, "blockNumber", &r->block, e))
      return false;
    r->mined = true;
    ia_tx_hash(&r->hash, ia_buf_view(&t->raw[i]));
  }
  return true;
}

/* The count comes first: when it says that the nonce is used, a receipt of ours would be there by
 * the time it is asked for. */
static bool ask(ia_flight *f, const ia_outgoing *t, look_result *r, ia_err *e)
{
  ia_rpc_item q[2 + IA_OUTGOING_FORMS] = {
      {.method = "eth_getTransactionCount",
       .params = count_params(&f->from, json_string("latest"))},
      {.method = "eth_getBlockByNumber", .params = json_pack("[s, b]", "latest", 0)}};

  *r = (look_result){0};
  for (size_t i = 0; i < t->n; i++) {
    ia_h256 hash;

    ia_tx_hash(&hash, ia_buf_view(&t->raw[i]));
    q[2 + i] = (ia_rpc_item){.method = "eth_getTransactionReceipt",
                             .params = json_pack("[o]", ia_json_h256(&hash))};
  }
  if (!ia_rpc_batch(f->c->rpc, q, 2 + t->n, e))
    return false;
  for (int i = 0; i < 2; i++)
    if (!q[i].ok && e)
      *e = q[i].err;
  bool ok = q[0].ok && q[1].ok && ia_rpc_u64(&r->nonce_now, q[0].result, e) &&
            ia_chain_block_parse(&r->head, q[1].result, e) && read_forms(r, t, &q[2], e);
  ia_rpc_items_free(q, 2 + t->n);
  return ok;
}

/* Is the nonce used in a block that is as deep as we ask of our own? */
static bool used_deep(ia_flight *f, uint64_t nonce, const ia_block *head, bool *used, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  uint64_t over = f->c->sending.confirmations, count;
  uint64_t at = over > 1 && head->number >= over - 1 ? head->number - (over - 1) : head->number;

  if (!ia_rpc_call(f->c->rpc, &v, "eth_getTransactionCount",
                   count_params(&f->from, ia_rpc_quantity(at)), e) ||
      !ia_rpc_u64(&count, v, e))
    return false;
  *used = count > nonce;
  return true;
}

/* -- what is due -- */

static bool known(ia_flight *f, const ia_outgoing *t, bool *yes, ia_err *e)
{
  IA_AUTOV(ia_chain_tx) tx = {0};
  ia_err why = {0};
  ia_h256 hash;

  ia_tx_hash(&hash, ia_buf_view(&t->raw[t->n - 1]));
  *yes = ia_chain_tx_get(f->c, &tx, &hash, &why);
  return *yes || why.code == IA_E_NOT_FOUND || (e && (*e = why, false));
}

static bool replace(ia_flight *f, ia_outgoing *t, const ia_block *head, ia_chain_sent *sent,
                    ia_err *e)
{
  ia_err why = {0};
  bool changed;
  ia_tx tx;

  if (t->n == IA_OUTGOING_FORMS || !ia_outgoing_tx(t, &tx, e) ||
      !ia_fees_raise(f->c, &tx, head, &changed, e))
    return t->n == IA_OUTGOING_FORMS;
  if (!changed)
    return true;
  if (!sign(f, t, &tx, head->number, sent, e))
    return false;
  ia_log(IA_LOG_INFO, "chain.replaced", "nonce=%llu form=%zu max_fee=%s",
         (unsigned long long)t->nonce, t->n, ia_u256_dec(&tx.max_fee).s);
  /* refused, the next look raises it again */
  if (!ia_send_submit(f->c, ia_buf_view(&t->raw[t->n - 1]), &why))
    ia_log(IA_LOG_INFO, "chain.replaced", "nonce=%llu code=%s", (unsigned long long)t->nonce,
           ia_code_name(why.code));
  return true;
}

static uint64_t stuck_ms(const ia_chain *c)
{
  return c->sending.stuck_ms ? c->sending.stuck_ms : STUCK_MS;
}

/* In no block. */
static bool help(ia_flight *f, ia_outgoing *t, const ia_block *head, ia_chain_sent *sent, ia_err *e)
{
  uint64_t age = ia_now_ms() - t->ms;
  bool there = true;
  ia_err why = {0};

  if (age < RESEND_MS && age < stuck_ms(f->c))
    return true;
  if (!known(f, t, &there, e))
    return false;
  if (!there && !ia_send_submit(f->c, ia_buf_view(&t->raw[t->n - 1]), &why)) {
    if (why.code == IA_E_FEE_REFUSED || why.code == IA_E_TX_UNDERPRICED)
      return replace(f, t, head, sent, e);
    return true; /* the next look says more */
  }
  /* where no blocks come, a higher fee brings none */
  if (age < stuck_ms(f->c) || head->number < t->block + STUCK_BLOCKS)
    return true;
  /* whoever waits for it himself comes first */
  return (f->orphans && age < stuck_ms(f->c) * 3 / 2) || replace(f, t, head, sent, e);
}

/* The nonce is used, and no form of ours has a receipt. Nodes count a transaction a moment before
 * they show its receipt, and of several behind one address one may be behind: what is believed too
 * early is done twice. So the nonce is another's only when receipts stay away. */
static bool taken(ia_flight *f, const ia_outgoing *t, const look_result *r, ia_flight_state *state,
                  ia_err *e)
{
  uint64_t end = ia_mono_ms() + TAKEN_MS;
  look_result again = {0};
  bool used;

  if (!used_deep(f, t->nonce, &r->head, &used, e))
    return false;
  if (!used)
    return true;
  while (!again.mined && ia_mono_ms() < end)
    if (!ia_chain_pause(f->c, TAKEN_PAUSE_MS, e) || !ask(f, t, &again, e))
      return false;
  if (!again.mined)
    *state = IA_FLIGHT_TAKEN;
  return true;
}

static bool settled(ia_flight *f, ia_outgoing *t, const look_result *r, ia_chain_sent *sent,
                    ia_flight_state *state, ia_err *e)
{
  ia_err why = {0};

  if (!r->mined)
    return taken(f, t, r, state, e);
  if (r->head.number + 1 < r->block + f->c->sending.confirmations)
    return true;
  if (!f->orphans && !ia_chain_receipt_get(f->c, &sent->receipt, &r->hash, &why))
    return why.code == IA_E_NOT_FOUND || (e && (*e = why, false)); /* its block is gone */
  *state = IA_FLIGHT_FINAL;
  return true;
}

static bool step(ia_flight *f, ia_outgoing *t, ia_chain_sent *sent, ia_flight_state *state,
                 ia_err *e)
{
  ia_err why = {0};
  look_result r;

  /* another may have replaced it, or seen it final */
  if (!ia_outbox_load(&f->box, t, t->nonce, &why) && why.code != IA_E_NOT_FOUND)
    return e && (*e = why, false);
  if (!ask(f, t, &r, e))
    return false;
  if (!r.mined && r.nonce_now <= t->nonce)
    return help(f, t, &r.head, sent, e);
  if (!settled(f, t, &r, sent, state, e))
    return false;
  if (*state != IA_FLIGHT_WAITS)
    ia_outbox_drop(&f->box, t->nonce);
  return true;
}

bool ia_flight_step(ia_flight *f, ia_outgoing *t, ia_chain_sent *sent, ia_flight_state *state,
                    ia_err *e)
{
  *state = IA_FLIGHT_WAITS;
  if (!ia_outbox_lock(&f->box, e))
    return false;
  bool ok = step(f, t, sent, state, e);
  ia_outbox_unlock(&f->box);
  return ok;
}
