/* Opening and closing; blocks by number and hash. */
#include "service/ledger/ledger.h"

#include "base/clock.h"
#include "base/hex.h"
#include "service/ledger/ledger_int.h"

enum { CACHE_DEFAULT = 16 << 20, RECENT_KEPT = 64 };

static bool load_state(void *ctx, ia_span key, ia_buf *value, ia_err *e)
{
  return ia_disk_get_state(ctx, key, value, e);
}

/* --- recent blocks
 * ----------------------------------------------------------------------------------- */

static ia_recent *slot(const ia_ledger *l, uint64_t number)
{
  return &l->recent[number & (l->n_recent - 1)];
}

static bool widen(ia_ledger *l, ia_err *e)
{
  size_t n = l->n_recent ? l->n_recent * 2 : 2 * RECENT_KEPT;
  ia_recent *wide = calloc(n, sizeof(*wide));

  if (!wide)
    return ia_fail(e, IA_E_MEMORY, "no memory for blocks");
  for (uint64_t i = l->first_recent; l->n_recent && i <= l->head; i++)
    wide[i & (n - 1)] = *slot(l, i);
  free(l->recent);
  l->recent = wide;
  l->n_recent = n;
  return true;
}

void ia_ledger_forget(ia_ledger *l)
{
  uint64_t durable = ia_disk_durable(l->disk);

  while (l->n_recent && durable != UINT64_MAX && l->first_recent <= durable &&
         l->first_recent + RECENT_KEPT < l->head) {
    ia_buf_free(&slot(l, l->first_recent)->record);
    l->first_recent++;
  }
}

bool ia_ledger_remember(ia_ledger *l, const ia_h256 *tx_hash, ia_span record, ia_err *e)
{
  uint64_t number = l->n_recent ? l->head + 1 : l->first_recent;

  ia_ledger_forget(l);
  if ((l->n_recent == 0 || number - l->first_recent >= l->n_recent) && !widen(l, e))
    return false;
  ia_recent *r = slot(l, number);
  ia_buf_free(&r->record);
  ia_block_hash(&r->hash, record);
  r->tx_hash = *tx_hash;
  ia_buf_span(&r->record, record);
  return ia_buf_ok(&r->record, e);
}

static bool is_recent(const ia_ledger *l, uint64_t number)
{
  return l->n_recent && number >= l->first_recent && number <= l->head;
}

bool ia_ledger_record(ia_ledger *l, uint64_t number, ia_buf *room, bool *found, ia_err *e)
{
  *found = false;
  if (number > l->head)
    return true;
  if (!is_recent(l, number))
    return ia_disk_get_block(l->disk, number, room, found, e);
  ia_buf_span(room, ia_buf_view(&slot(l, number)->record));
  *found = true;
  return ia_buf_ok(room, e);
}

bool ia_ledger_find_hash(ia_ledger *l, const ia_h256 *hash, bool of_tx, uint64_t *number,
                         bool *found, ia_err *e)
{
  for (uint64_t i = l->n_recent ? l->first_recent : l->head + 1; i <= l->head; i++) {
    const ia_recent *r = slot(l, i);

    *number = i;
    *found = ia_h256_eq(hash, of_tx ? &r->tx_hash : &r->hash) && !ia_h256_zero(hash);
    if (*found)
      return true;
  }
  *found = false;
  return ia_h256_zero(hash) || ia_disk_get_ref(l->disk, hash, number, found, e);
}

/* --- opening
 * ----------------------------------------------------------------------------------------- */

static bool read_block(ia_ledger *l, uint64_t number, ia_buf *room, ia_block *b, ia_h256 *hash,
                       ia_err *e)
{
  bool found;

  if (!ia_disk_get_block(l->disk, number, room, &found, e))
    return false;
  if (!found)
    return ia_fail(e, IA_E_CORRUPT, "ledger: block %llu is missing", (unsigned long long)number);
  ia_block_hash(hash, ia_buf_view(room));
  return ia_block_decode(b, ia_buf_view(room), e);
}

static bool same_genesis(const ia_ledger *l, const ia_genesis *g, ia_err *e)
{
  const ia_world *w = &l->world;

  if (g->chain_id && g->chain_id != w->chain_id)
    return ia_fail(e, IA_E_INVALID, "this ledger has chain id %llu, not %llu",
                   (unsigned long long)w->chain_id, (unsigned long long)g->chain_id);
  if (g->rules && strcmp(g->rules, w->rules->name) != 0)
    return ia_fail(e, IA_E_INVALID, "this ledger has PoCo rules %s, not %s", w->rules->name,
                   g->rules);
  if (!ia_addr_zero(&g->pool_owner) && !ia_addr_eq(&g->pool_owner, &w->pool_owner))
    return ia_fail(e, IA_E_INVALID, "this ledger's pools belong to another wallet, %s",
                   ia_addr_lower(&w->pool_owner).s);
  return true;
}

/* What only tests may do, said of new and of stored ledgers alike: an option given when the store
 * was made does not hold for ever. */
static bool allowed(const ia_ledger *l, const ia_ledger_config *c, ia_err *e)
{
  uint64_t id = l->world.chain_id;

  if (c->test)
    return true;
  if (id == 1 || id == 134 || id == 42161) {
    ia_fail(e, IA_E_CHAIN_ID, "%llu is a public network's chain id", (unsigned long long)id);
    return ia_hint(e, "--test, or a new ledger without --chain-id");
  }
  if (l->world.dev_accounts && !c->loopback) {
    ia_fail(e, IA_E_INVALID,
            "development accounts, whose keys everybody knows, hold coins here: "
            "only with --test or on loopback");
    return ia_hint(e, "a new --home, begun with the --host that it shall have");
  }
  return true;
}

static bool resume(ia_ledger *l, const ia_ledger_config *c, ia_err *e)
{
  IA_AUTOV(ia_buf) first = {0};
  IA_AUTOV(ia_buf) last = {0};
  uint64_t ignored;
  ia_block b;

  l->head = ia_disk_durable(l->disk);
  if (!read_block(l, 0, &first, &b, &l->genesis_hash, e) ||
      !ia_genesis_world(&l->world, b.raw, &ignored, e) || !same_genesis(l, &c->genesis, e) ||
      !allowed(l, c, e) || !read_block(l, l->head, &last, &b, &l->head_hash, e))
    return false;
  l->head_time = b.timestamp;
  /* time that was put on by hand goes on from there: it would stand still until the clock is there
   */
  if (l->test && l->head_time > l->now())
    l->offset_s = l->head_time - l->now();
  l->first_recent = l->head + 1;
  return true;
}

static bool begin(ia_ledger *l, const ia_ledger_config *c, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  uint64_t time;

  return ia_genesis_text(&text, &c->genesis, l->now(), e) &&
         ia_genesis_world(&l->world, ia_buf_view(&text), &time, e) && allowed(l, c, e) &&
         ia_ledger_make_genesis(l, ia_buf_view(&text), time, e) && ia_disk_wait(l->disk, 0, e);
}

bool ia_ledger_new(ia_ledger **out, const char *path, unsigned disk_flags, size_t cache, ia_err *e)
{
  IA_AUTO(ia_ledger) *l = calloc(1, sizeof(*l));

  if (!l)
    return ia_fail(e, IA_E_MEMORY, "no memory for the ledger");
  l->now = ia_now;
  if (!ia_disk_open(&l->disk, path, disk_flags, e) ||
      !ia_kv_new(&l->kv, cache ? cache : CACHE_DEFAULT, load_state, l->disk, e))
    return false;
  ia_lvm_init(&l->vm, &l->world, l->kv);
  *out = ia_steal(&l);
  return true;
}

bool ia_ledger_open(ia_ledger **out, const ia_ledger_config *c, ia_err *e)
{
  IA_AUTO(ia_ledger) *l = NULL;

  if (!ia_ledger_new(&l, c->path, 0, c->cache, e))
    return false;
  l->test = c->test;
  l->faucet = c->test || c->loopback;
  l->allow_fees = c->allow_fees;
  if (c->now)
    l->now = c->now;
  if (ia_disk_durable(l->disk) == UINT64_MAX ? !begin(l, c, e) : !resume(l, c, e))
    return false;
  l->world.metadata = c->metadata;
  /* time that a test moved on goes on from there */
  if (c->test && l->head_time > l->now())
    l->offset_s = l->head_time - l->now();
  *out = ia_steal(&l);
  return true;
}

void ia_ledger_close(ia_ledger *l)
{
  if (!l)
    return;
  ia_disk_close(l->disk);
  ia_lvm_free(&l->vm);
  ia_kv_free(l->kv);
  for (size_t i = 0; i < l->n_recent; i++)
    ia_buf_free(&l->recent[i].record);
  free(l->recent);
  ia_snapshots_free(l->snapshots);
  free(l);
}

/* --- what callers ask
 * -------------------------------------------------------------------------------- */

uint64_t ia_ledger_head(const ia_ledger *l)
{
  return l->head;
}

uint64_t ia_ledger_durable(const ia_ledger *l)
{
  return ia_disk_durable(l->disk);
}

bool ia_ledger_healthy(ia_ledger *l, ia_err *e)
{
  return ia_disk_healthy(l->disk, e);
}

bool ia_ledger_wait(ia_ledger *l, uint64_t number, ia_err *e)
{
  return ia_disk_wait(l->disk, number, e);
}

void ia_ledger_on_durable(ia_ledger *l, ia_ledger_notify *fn, void *ctx)
{
  ia_disk_on_commit(l->disk, fn, ctx);
}

void ia_ledger_trim(ia_ledger *l)
{
  ia_ledger_forget(l);
  ia_kv_trim(l->kv, ia_disk_durable(l->disk));
}

ia_addr ia_ledger_hub(const ia_ledger *l)
{
  return l->world.hub;
}

uint64_t ia_ledger_chain_id(const ia_ledger *l)
{
  return l->world.chain_id;
}

ia_addr ia_ledger_pool(const ia_ledger *l)
{
  return l->world.pool[0];
}

static json_t *pools(const ia_world *w)
{
  json_t *all = json_array();

  for (size_t i = 0; i < w->n_pools; i++)
    if (json_array_append_new(all, ia_json_addr(&w->pool[i])) != 0) {
      json_decref(all);
      return NULL;
    }
  return all;
}

static json_t *whitelists(const ia_world *w)
{
  static const char *const names[IA_WORLD_GROUPS] = {"web3mail", "web3telegram"};
  json_t *all = json_object();

  for (size_t i = 0; i < w->n_groups; i++)
    if (json_object_set_new(all, names[i], ia_json_addr(&w->group[i])) != 0) {
      json_decref(all);
      return NULL;
    }
  return all;
}

json_t *ia_ledger_info(const ia_ledger *l, ia_err *e)
{
  const ia_world *w = &l->world;
  json_t *registries = json_pack("{s:o,s:o,s:o}", "app", ia_json_addr(&w->registry[IA_ASSET_APP]),
                                 "dataset", ia_json_addr(&w->registry[IA_ASSET_DATASET]),
                                 "workerpool", ia_json_addr(&w->registry[IA_ASSET_WORKERPOOL]));
  json_t *v = json_pack(
      "{s:s,s:I,s:o,s:s,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b}", "what",
      "local ledger, PoCo rules, one operator, not a blockchain", "chainId",
      (json_int_t)w->chain_id, "genesisHash", ia_json_h256(&l->genesis_hash), "rules",
      w->rules->name, "hub", ia_json_addr(&w->hub), "token", ia_json_addr(&w->token), "registries",
      registries, "proxyCodeHash", ia_json_h256(&w->proxy_code_hash), "dataProtector",
      ia_json_addr(&w->dataprotector), "whitelist", whitelists(w), "groupFactory",
      ia_json_addr(&w->group_factory), "walletFactory", ia_json_addr(&w->wallet_factory), "pool",
      ia_json_addr(&w->pool[0]), "pools", pools(w), "test", (int)l->test);

  if (!v)
    (void)ia_fail(e, IA_E_MEMORY, "no memory for the ledger's description");
  return v;
}
