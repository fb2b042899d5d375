/* The chain object, blocks, typed reads. */
#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/hex.h"
#include "chain/coin.h"
#include "chain/internal.h"
#include "poco/orders.h"
#include "poco/rules.h"

enum { CHAIN_TIMEOUT_MS = 30000, WAIT_MAX_MS = 25000, LAG_BLOCKS = 8 };

bool ia_chain_pause(const ia_chain *c, uint32_t ms, ia_err *e)
{
  while (ms > 0) {
    uint32_t step = ms < 100 ? ms : 100;
    struct timespec t = {.tv_nsec = (long)step * 1000000};

    if (c->cancel && *c->cancel)
      return ia_fail(e, IA_E_CANCELLED, "ledger: stopped");
    (void)nanosleep(&t, NULL);
    ms -= step;
  }
  return true;
}

/* Our ledger says what it is; others have no such method. */
static bool ask_info(ia_chain *c, ia_err *e)
{
  IA_AUTO_JSON *info = NULL;
  ia_addr hub;
  ia_err why = {0};

  if (c->rpc->agree > 0)
    return !ia_addr_zero(&c->hub) ||
           ia_fail(e, IA_E_USAGE, "the hub's address is needed for this chain");
  c->local = ia_rpc_call(c->rpc, &info, "iapp_info", NULL, &why);
  if (!c->local && why.code != IA_E_UNSUPPORTED && why.code != IA_E_INVALID) {
    if (e)
      *e = why;
    return false;
  }
  if (!ia_addr_zero(&c->hub))
    return true;
  if (!c->local)
    return ia_fail(e, IA_E_USAGE, "the hub's address is needed for this chain");
  if (!ia_json_get_addr(info, "hub", &hub, e))
    return false;
  c->hub = hub;
  return true;
}

static bool copy_sending(ia_chain *c, const ia_chain_sending *s, ia_err *e)
{
  ia_u256 unused;

  c->sending = *s;
  c->sending.confirmations = s->confirmations ? s->confirmations : 1;
  c->sending.outbox = s->outbox ? strdup(s->outbox) : NULL;
  c->sending.max_fee = s->max_fee ? strdup(s->max_fee) : NULL;
  if ((s->outbox && !c->sending.outbox) || (s->max_fee && !c->sending.max_fee))
    return ia_fail(e, IA_E_MEMORY, "ledger: out of memory");
  return !s->max_fee || ia_gwei_parse(&unused, s->max_fee) ||
         ia_fail(e, IA_E_USAGE, "\"%.40s\" is no number of gwei", s->max_fee);
}

bool ia_chain_open(ia_chain **out, const ia_chain_options *o, ia_err *e)
{
  IA_AUTO(ia_chain) *c = calloc(1, sizeof(*c));
  IA_AUTO_JSON *id = NULL;
  const ia_rpc_options rpc = {.url = o->url,
                              .unix_socket = o->unix_socket,
                              .timeout_ms = o->timeout_ms,
                              .agree = o->agree,
                              .cancel = o->cancel,
                              .until = o->until};

  if (!c)
    return ia_fail(e, IA_E_MEMORY, "ledger: out of memory");
  if (!copy_sending(c, &o->sending, e))
    return false;
  c->hub = o->hub;
  c->cancel = o->cancel;
  c->lag = o->lag ? o->lag : LAG_BLOCKS;
  c->timeout_ms = o->timeout_ms ? o->timeout_ms : CHAIN_TIMEOUT_MS;
  if (!ia_rpc_new(&c->rpc, &rpc, e) || !ia_rpc_call(c->rpc, &id, "eth_chainId", NULL, e) ||
      !ia_rpc_u64(&c->chain_id, id, e))
    return false;
  if (o->chain_id != 0 && o->chain_id != c->chain_id)
    return ia_fail(e, IA_E_CHAIN_ID, "the ledger is chain %llu, want %llu",
                   (unsigned long long)c->chain_id, (unsigned long long)o->chain_id);
  ia_rpc_want_chain(c->rpc, c->chain_id);
  if (!ask_info(c, e))
    return false;
  ia_order_separator(&c->separator, c->chain_id, &c->hub);
  *out = ia_steal(&c);
  return true;
}

void ia_chain_close(ia_chain *c)
{
  if (!c)
    return;
  ia_rpc_free(c->rpc);
  free((char *)(uintptr_t)c->sending.outbox);
  free((char *)(uintptr_t)c->sending.max_fee);
  free(c);
}

uint64_t ia_chain_id(const ia_chain *c)
{
  return c->chain_id;
}

const ia_addr *ia_chain_hub(const ia_chain *c)
{
  return &c->hub;
}

const ia_h256 *ia_chain_separator(const ia_chain *c)
{
  return &c->separator;
}

ia_rpc *ia_chain_rpc(ia_chain *c)
{
  return c->rpc;
}

bool ia_chain_is_local(const ia_chain *c)
{
  return c->local;
}

/* -- reads -- */

/* Of which block. */
static json_t *state_of(const ia_chain *c)
{
  return c->pinned ? json_pack("{s:o}", "blockHash", ia_json_h256(&c->pin.hash))
                   : json_string("latest");
}

json_t *ia_chain_call_object(const ia_addr *to, ia_span data)
{
  return json_pack("{s:o, s:o}", "to", ia_json_addr(to), "data", ia_json_hex(data));
}

static json_t *read_params(ia_chain *c, const ia_addr *to, ia_call_id id, const void *args)
{
  static const ia_args none;
  IA_AUTOV(ia_buf) data = {0};

  ia_call_encode(&data, id, args ? args : &none);
  if (!ia_buf_ok(&data, NULL))
    return NULL;
  return json_pack("[o, o]", ia_chain_call_object(to ? to : &c->hub, ia_buf_view(&data)),
                   state_of(c));
}

/* eth_call's answer into the struct. "0x" comes from an address without code. */
static bool read_result(void *result, ia_buf *store, ia_call_id id, const json_t *answer, ia_err *e)
{
  const char *hex = json_string_value(answer);

  ia_buf_clear(store);
  if (!hex || hex[0] != '0' || hex[1] != 'x' || !ia_unhex_buf(store, ia_span_str(hex)))
    return ia_fail(e, IA_E_PARSE, "%s: the answer is no hex", ia_call_of(id)->name);
  if (store->len == 0 && ia_call_of(id)->out.n_fields > 0)
    return ia_fail(e, IA_E_NOT_FOUND, "%s: no contract there", ia_call_of(id)->name);
  return ia_result_decode(result, id, ia_buf_view(store), e) ||
         ia_wrap(e, "%s", ia_call_of(id)->name);
}

bool ia_chain_read(ia_chain *c, void *result, ia_buf *store, const ia_addr *to, ia_call_id id,
                   const void *args, ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  json_t *params = read_params(c, to, id, args);

  if (!params)
    return ia_fail(e, IA_E_MEMORY, "ledger: out of memory");
  if (!ia_rpc_call(c->rpc, &answer, "eth_call", params, e))
    return ia_wrap(e, "%s", ia_call_of(id)->name);
  return read_result(result, store, id, answer, e);
}

bool ia_chain_read_many(ia_chain *c, ia_chain_query *q, size_t n, ia_err *e)
{
  ia_rpc_item items[IA_RPC_BATCH_MAX];
  bool ok;

  if (n > IA_RPC_BATCH_MAX)
    return ia_fail(e, IA_E_INVALID, "ledger: too many reads at once");
  for (size_t i = 0; i < n; i++)
    items[i] =
        (ia_rpc_item){.method = "eth_call", .params = read_params(c, q[i].to, q[i].id, q[i].args)};
  ok = ia_rpc_batch(c->rpc, items, n, e);
  for (size_t i = 0; ok && i < n; i++) {
    q[i].err = items[i].err;
    q[i].ok =
        items[i].ok && read_result(q[i].result, q[i].store, q[i].id, items[i].result, &q[i].err);
  }
  ia_rpc_items_free(items, n);
  return ok;
}

bool ia_chain_deal(ia_chain *c, ia_deal *out, ia_buf *store, const ia_h256 *dealid, ia_err *e)
{
  const ia_args args = {.id = {*dealid}};

  if (!ia_chain_read(c, out, store, NULL, IA_CALL_VIEW_DEAL, &args, e))
    return false;
  return !ia_addr_zero(&out->requester) || ia_fail(e, IA_E_NOT_FOUND, "no such deal");
}

bool ia_chain_task(ia_chain *c, ia_task *out, ia_buf *store, const ia_h256 *taskid, ia_err *e)
{
  const ia_args args = {.id = {*taskid}};

  return ia_chain_read(c, out, store, NULL, IA_CALL_VIEW_TASK, &args, e);
}

bool ia_chain_account(ia_chain *c, ia_account *out, const ia_addr *who, ia_err *e)
{
  const ia_args args = {.addr = {*who}};
  IA_AUTOV(ia_buf) store = {0};

  return ia_chain_read(c, out, &store, NULL, IA_CALL_VIEW_ACCOUNT, &args, e);
}

bool ia_chain_consumed(ia_chain *c, ia_u256 *out, const ia_h256 *order_hash, ia_err *e)
{
  const ia_args args = {.id = {*order_hash}};
  IA_AUTOV(ia_buf) store = {0};
  ia_args r = {0};

  if (!ia_chain_read(c, &r, &store, NULL, IA_CALL_VIEW_CONSUMED, &args, e))
    return false;
  *out = r.value[0];
  return true;
}

bool ia_chain_category(ia_chain *c, ia_category *out, ia_buf *store, const ia_u256 *index,
                       ia_err *e)
{
  const ia_args args = {.value = {*index}};

  return ia_chain_read(c, out, store, NULL, IA_CALL_VIEW_CATEGORY, &args, e);
}

static bool read_addr(ia_chain *c, ia_addr *out, const ia_addr *to, ia_call_id id, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args r = {0};

  if (!ia_chain_read(c, &r, &store, to, id, NULL, e))
    return false;
  *out = r.addr[0];
  return true;
}

static bool read_flag(ia_chain *c, bool *out, const ia_addr *to, ia_call_id id, const ia_args *args,
                      ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args r = {0};

  if (!ia_chain_read(c, &r, &store, to, id, args, e))
    return false;
  *out = r.flag;
  return true;
}

bool ia_chain_owner(ia_chain *c, ia_addr *out, const ia_addr *asset, ia_err *e)
{
  return read_addr(c, out, asset, IA_CALL_OWNER, e);
}

bool ia_chain_app(ia_chain *c, ia_app_info *out, ia_buf *store, const ia_addr *app, ia_err *e)
{
  const ia_args args = {.addr = {*app}};

  return ia_chain_read(c, out, store, NULL, IA_CALL_VIEW_APP, &args, e);
}

bool ia_chain_dataset(ia_chain *c, ia_dataset_info *out, ia_buf *store, const ia_addr *dataset,
                      ia_err *e)
{
  const ia_args args = {.addr = {*dataset}};

  return ia_chain_read(c, out, store, NULL, IA_CALL_VIEW_DATASET, &args, e);
}

bool ia_chain_workerpool(ia_chain *c, ia_workerpool_info *out, ia_buf *store, const ia_addr *pool,
                         ia_err *e)
{
  const ia_args args = {.addr = {*pool}};

  return ia_chain_read(c, out, store, NULL, IA_CALL_VIEW_WORKERPOOL, &args, e);
}

bool ia_chain_registered(ia_chain *c, bool *out, const ia_addr *registry, const ia_addr *asset,
                         ia_err *e)
{
  const ia_args args = {.addr = {*asset}};

  return read_flag(c, out, registry, IA_CALL_IS_REGISTERED, &args, e);
}

bool ia_chain_verify_signature(ia_chain *c, bool *out, const ia_addr *who, const ia_h256 *hash,
                               ia_span sign, ia_err *e)
{
  const ia_args args = {.addr = {*who}, .id = {*hash}, .bytes = {sign}};

  return read_flag(c, out, NULL, IA_CALL_VERIFY_SIGNATURE, &args, e);
}

bool ia_chain_has_purpose(ia_chain *c, bool *out, const ia_addr *group, const ia_addr *account,
                          ia_err *e)
{
  ia_args args = {.value = {ia_u256_of(IA_GROUPMEMBER_PURPOSE)}};
  ia_err why = {0};

  memcpy(args.id[0].b + 12, account->b, 20);
  if (read_flag(c, out, group, IA_CALL_KEY_HAS_PURPOSE, &args, &why))
    return true;
  *out = false;
  if (why.code == IA_E_NOT_FOUND || why.code == IA_E_REVERT || why.code == IA_E_PARSE)
    return true; /* no contract, or not a group */
  if (e)
    *e = why;
  return false;
}

static bool code_at(ia_chain *c, json_t **code, const ia_addr *at, ia_err *e)
{
  json_t *params = json_pack("[o, o]", ia_json_addr(at), state_of(c));

  if (!ia_rpc_call(c->rpc, code, "eth_getCode", params, e))
    return false;
  return json_is_string(*code) || ia_fail(e, IA_E_PARSE, "eth_getCode: the answer is no text");
}

bool ia_chain_has_code(ia_chain *c, bool *out, const ia_addr *at, ia_err *e)
{
  IA_AUTO_JSON *code = NULL;

  if (!code_at(c, &code, at, e))
    return false;
  *out = json_string_length(code) > 2;
  return true;
}

bool ia_chain_is_group(ia_chain *c, bool *out, const ia_addr *at, ia_err *e)
{
  IA_AUTO_JSON *code = NULL;
  char selector[12];

  if (!code_at(c, &code, at, e))
    return false;
  (void)snprintf(selector, sizeof(selector), "%08x",
                 (unsigned)ia_call_of(IA_CALL_KEY_HAS_PURPOSE)->selector);
  *out = strcasestr(json_string_value(code), selector) != NULL;
  return true;
}

bool ia_chain_info_get(ia_chain *c, ia_chain_info *out, ia_err *e)
{
  static const ia_call_id ids[] = {IA_CALL_TOKEN, IA_CALL_APP_REGISTRY, IA_CALL_DATASET_REGISTRY,
                                   IA_CALL_WORKERPOOL_REGISTRY};
  ia_addr *const to[] = {&out->token, &out->registry[IA_ASSET_APP],
                         &out->registry[IA_ASSET_DATASET], &out->registry[IA_ASSET_WORKERPOOL]};
  ia_args answer[IA_COUNT(ids)] = {0}, r = {0};
  ia_chain_query q[IA_COUNT(ids)];
  IA_AUTOV(ia_buf) store = {0};

  *out = (ia_chain_info){0};
  for (size_t i = 0; i < IA_COUNT(ids); i++)
    q[i] = (ia_chain_query){.id = ids[i], .result = &answer[i], .store = &store};
  if (!ia_chain_read_many(c, q, IA_COUNT(ids), e))
    return false;
  for (size_t i = 0; i < IA_COUNT(ids); i++) {
    if (!q[i].ok) {
      if (e)
        *e = q[i].err;
      return false;
    }
    *to[i] = answer[i].addr[0]; /* a value: the store may be shared */
  }
  if (ia_chain_read(c, &r, &store, &out->registry[IA_ASSET_APP], IA_CALL_PROXY_CODE_HASH, NULL,
                    NULL))
    out->proxy_code_hash = r.id[0];
  return true;
}

/* -- blocks -- */

bool ia_chain_block_parse(ia_block *out, const json_t *b, ia_err *e)
{
  const json_t *fee = json_object_get(b, "baseFeePerGas");

  *out = (ia_block){0};
  if (json_is_null(b))
    return ia_fail(e, IA_E_NOT_FOUND, "no such block");
  out->has_base_fee = fee && !json_is_null(fee);
  return ia_rpc_get_u64(b, "number", &out->number, e) &&
         ia_json_get_h256(b, "hash", &out->hash, e) &&
         ia_json_get_h256(b, "parentHash", &out->parent, e) &&
         ia_rpc_get_u64(b, "timestamp", &out->timestamp, e) &&
         (!out->has_base_fee || ia_rpc_u256(&out->base_fee, fee, e));
}

static bool block_get(ia_chain *c, ia_block *out, json_t *which, ia_err *e)
{
  IA_AUTO_JSON *b = NULL;

  return ia_rpc_call(c->rpc, &b, "eth_getBlockByNumber", json_pack("[o, b]", which, 0), e) &&
         ia_chain_block_parse(out, b, e);
}

bool ia_chain_head(ia_chain *c, ia_block *out, ia_err *e)
{
  if (c->pinned) {
    *out = c->pin;
    return true;
  }
  if (!c->local)
    ia_rpc_leave_laggard(c->rpc, c->lag);
  return block_get(c, out, json_string("latest"), e);
}

bool ia_chain_pin(ia_chain *c, ia_err *e)
{
  uint64_t number;

  c->pinned = false;
  if (c->rpc->agree == 0)
    return true;
  if (!ia_rpc_agreed_head(c->rpc, &number, e) || !block_get(c, &c->pin, ia_rpc_quantity(number), e))
    return ia_wrap(e, "head");
  c->pinned = true;
  return true;
}

bool ia_chain_block(ia_chain *c, ia_block *out, uint64_t number, ia_err *e)
{
  return block_get(c, out, ia_rpc_quantity(number), e);
}

bool ia_chain_wait_block(ia_chain *c, ia_block *out, uint64_t number, uint32_t ms, ia_err *e)
{
  uint32_t most = ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
  IA_AUTO_JSON *head = NULL;
  json_t *params = json_pack("[I, I]", (json_int_t)number, (json_int_t)most);

  *out = (ia_block){0};
  return ia_rpc_call_within(c->rpc, &head, "iapp_waitBlock", params, most + CHAIN_TIMEOUT_MS, e) &&
         ia_rpc_get_u64(head, "number", &out->number, e) &&
         ia_json_get_h256(head, "hash", &out->hash, e);
}
