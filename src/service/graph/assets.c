/* Apps, datasets, workerpools: tokens of their registries (ERC-721), so their owners follow
 * transfers; protected data with their schemas. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "service/graph/graph_int.h"

static const char *const tables[] = {"app", "dataset", "workerpool"};
static const char *const transfers[] = {"AppTransfer", "DatasetTransfer", "WorkerpoolTransfer"};

enum { POOLS_MAX = 1000 };

static bool put_app(graph_writer *w, const ia_addr *asset, const ia_addr *owner, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_app_info i;

  if (!ia_chain_app(w->chain, &i, &store, asset, e))
    return false;
  ia_autofree char *name = graph_text(i.name), *type = graph_text(i.type);
  return graph_know_account(w, owner ? owner : &i.owner, e) &&
         GRAPH_PUT(w, "app", ia_addr_lower(asset).s, e,
                   GRAPH_TEXT("owner", ia_addr_lower(owner ? owner : &i.owner).s),
                   GRAPH_TEXT("name", name), GRAPH_TEXT("type", type),
                   GRAPH_HEX("multiaddr", i.multiaddr),
                   GRAPH_HEX("checksum", IA_SPAN_ARR(i.checksum.b)),
                   GRAPH_HEX("mrenclave", i.mrenclave), GRAPH_TIME("timestamp", w->timestamp));
}

static bool put_dataset(graph_writer *w, const ia_addr *asset, const ia_addr *owner, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_dataset_info i;

  if (!ia_chain_dataset(w->chain, &i, &store, asset, e))
    return false;
  ia_autofree char *name = graph_text(i.name);
  return graph_know_account(w, owner ? owner : &i.owner, e) &&
         GRAPH_PUT(w, "dataset", ia_addr_lower(asset).s, e,
                   GRAPH_TEXT("owner", ia_addr_lower(owner ? owner : &i.owner).s),
                   GRAPH_TEXT("name", name), GRAPH_HEX("multiaddr", i.multiaddr),
                   GRAPH_HEX("checksum", IA_SPAN_ARR(i.checksum.b)),
                   GRAPH_TIME("timestamp", w->timestamp));
}

static bool put_pool(graph_writer *w, const ia_addr *asset, const ia_addr *owner, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_workerpool_info i;

  if (!ia_chain_workerpool(w->chain, &i, &store, asset, e))
    return false;
  ia_autofree char *text = graph_text(i.description);
  return graph_know_account(w, owner ? owner : &i.owner, e) &&
         GRAPH_PUT(w, "workerpool", ia_addr_lower(asset).s, e,
                   GRAPH_TEXT("owner", ia_addr_lower(owner ? owner : &i.owner).s),
                   GRAPH_TEXT("description", text),
                   GRAPH_TEXT("stake_ratio", graph_big_of(&i.worker_stake_ratio).s),
                   GRAPH_TEXT("reward_ratio", graph_big_of(&i.scheduler_reward_ratio).s),
                   GRAPH_TIME("timestamp", w->timestamp));
}

/* owner NULL: as the ledger says now. */
static bool put_asset(graph_writer *w, ia_asset_kind kind, const ia_addr *asset,
                      const ia_addr *owner, ia_err *e)
{
  switch (kind) {
  case IA_ASSET_APP: return put_app(w, asset, owner, e);
  case IA_ASSET_DATASET: return put_dataset(w, asset, owner, e);
  case IA_ASSET_WORKERPOOL:
  case IA_ASSET_KINDS: break;
  }
  return put_pool(w, asset, owner, e);
}

static bool known(graph_writer *w, const char *table, const ia_addr *asset, bool *yes, ia_err *e)
{
  IA_AUTOV(ia_buf) had = {0};

  return graph_get(w->s, table, ia_addr_lower(asset).s, "owner", &had, yes, e);
}

bool graph_know_asset(graph_writer *w, ia_asset_kind kind, const ia_addr *asset, ia_err *e)
{
  bool yes;

  if (ia_addr_zero(asset))
    return true;
  if (!known(w, tables[kind], asset, &yes, e))
    return false;
  if (yes)
    return true;
  if (!ia_chain_registered(w->chain, &yes, &w->g->watched[1 + kind], asset, e))
    return false;
  return !yes || put_asset(w, kind, asset, NULL, e);
}

static bool put_owner(graph_writer *w, const char *table, const ia_addr *asset,
                      const ia_addr *owner, bool timed, ia_err *e)
{
  bool yes;

  if (!known(w, table, asset, &yes, e))
    return false;
  if (!yes)
    return true;
  if (!timed)
    return GRAPH_PUT(w, table, ia_addr_lower(asset).s, e,
                     GRAPH_TEXT("owner", ia_addr_lower(owner).s));
  return GRAPH_PUT(w, table, ia_addr_lower(asset).s, e, GRAPH_TEXT("owner", ia_addr_lower(owner).s),
                   GRAPH_TIME("timestamp", w->timestamp));
}

bool graph_on_moved(graph_writer *w, ia_asset_kind kind, const ia_event *ev, ia_err *e)
{
  const ia_addr *from = &ev->addr[0], *to = &ev->addr[1];
  bool made = ia_addr_zero(from), yes;
  uint8_t be[32];
  ia_addr asset;

  ia_u256_to_be(be, &ev->value[0]);
  memcpy(asset.b, be + 12, sizeof(asset.b));
  if (!graph_know_account(w, from, e) || !graph_know_account(w, to, e) ||
      !known(w, tables[kind], &asset, &yes, e))
    return false;
  /* an asset begins with its own event, whatever was known of it before */
  if (made && yes && !graph_forget(w->s, tables[kind], ia_addr_lower(&asset).s, e))
    return false;
  if (made || !yes ? !put_asset(w, kind, &asset, to, e)
                   : !put_owner(w, tables[kind], &asset, to, true, e))
    return false;
  if (kind == IA_ASSET_DATASET && !put_owner(w, "protected_data", &asset, to, false, e))
    return false;
  return GRAPH_EVENT(w, transfers[kind], e, GRAPH_TEXT(tables[kind], ia_addr_lower(&asset).s),
                     GRAPH_TEXT("from_", ia_addr_lower(from).s),
                     GRAPH_TEXT("to_", ia_addr_lower(to).s));
}

/* -- protected data -- */
typedef struct schema_walk {
  graph_writer *w;
  const char *owner;
  uint64_t place;
  ia_buf path;
  unsigned depth;
} schema_walk;

static bool put_entry(schema_walk *k, const char *type, ia_err *e)
{
  IA_AUTOV(ia_buf) id = {0};
  IA_AUTOV(ia_buf) path = {0};
  IA_AUTOV(ia_buf) had = {0};
  bool found;

  ia_buf_span(&path, ia_buf_view(&k->path));
  ia_buf_u8(&path, 0);
  ia_buf_printf(&id, "%.*s:%s", (int)k->path.len, (const char *)k->path.ptr, type);
  ia_buf_u8(&id, 0);
  if (!ia_buf_ok(&id, e) || !ia_buf_ok(&path, e) ||
      !graph_get(k->w->s, "schema_entry", (const char *)id.ptr, "path", &had, &found, e))
    return false;
  if (!found && !GRAPH_PUT(k->w, "schema_entry", (const char *)id.ptr, e,
                           GRAPH_TEXT("path", (const char *)path.ptr), GRAPH_TEXT("type", type)))
    return false;
  return graph_link(k->w->s, "schema", k->owner, k->place++, (const char *)id.ptr, k->w->block, e);
}

/* {"a":{"b":"string"}} -> a.b:string; what is neither object nor text is no part of a schema. */
static bool walk(schema_walk *k, const json_t *v, ia_err *e)
{
  size_t had = k->path.len;
  const char *key;
  json_t *inner;

  json_object_foreach ((json_t *)v, key, inner) {
    ia_buf_printf(&k->path, "%s%s", had ? "." : "", key);
    if (json_is_string(inner) && !put_entry(k, json_string_value(inner), e))
      return false;
    if (json_is_object(inner) && !walk(k, inner, e))
      return false;
    k->path.len = had;
  }
  return true;
}

/* What the registry's own event, which came first, said of it is the dataset's row by now. */
static bool put_protected(graph_writer *w, const char *id, const char *schema, ia_err *e)
{
  static const char *const columns[] = {"owner", "name", "multiaddr", "checksum"};
  ia_buf had[IA_COUNT(columns)] = {{0}};
  bool ok = true, yes;

  for (size_t i = 0; ok && i < IA_COUNT(columns); i++)
    ok = graph_get(w->s, "dataset", id, columns[i], &had[i], &yes, e);
  ok = ok && GRAPH_PUT(w, "protected_data", id, e, GRAPH_TEXT("json_schema", schema),
                       GRAPH_TEXT("owner", (const char *)had[0].ptr),
                       GRAPH_TEXT("name", (const char *)had[1].ptr),
                       GRAPH_TEXT("multiaddr", (const char *)had[2].ptr),
                       GRAPH_TEXT("checksum", (const char *)had[3].ptr),
                       GRAPH_TIME("timestamp", w->timestamp),
                       GRAPH_HEX("tx", IA_SPAN_ARR(w->log->tx.b)), GRAPH_TIME("block", w->block));
  for (size_t i = 0; i < IA_COUNT(columns); i++)
    ia_buf_free(&had[i]);
  return ok;
}

bool graph_on_schema(graph_writer *w, const ia_event *ev, ia_err *e)
{
  ia_autofree char *text = graph_text(ev->bytes[0]);
  ia_text43 id = ia_addr_lower(&ev->addr[0]);
  schema_walk k = {.w = w, .owner = id.s};
  bool yes;

  /* only what the registry knows is data */
  if (!graph_know_asset(w, IA_ASSET_DATASET, &ev->addr[0], e) ||
      !known(w, "dataset", &ev->addr[0], &yes, e))
    return false;
  if (!yes)
    return true;
  if (!put_protected(w, id.s, text, e))
    return false;
  IA_AUTO_JSON *schema = ia_json_parse(ia_span_str(text ? text : ""), 0, NULL);
  bool ok = walk(&k, schema, e);
  ia_buf_free(&k.path);
  return ok;
}

/* -- pools -- */
bool graph_on_policy(graph_writer *w, const ia_event *ev, ia_err *e)
{
  const ia_addr *pool = &w->log->entry.address;
  ia_text43 id = ia_addr_lower(pool);
  bool yes;

  /* anybody can emit an event of that name */
  if (!known(w, "workerpool", pool, &yes, e))
    return false;
  return !yes || (GRAPH_PUT(w, "workerpool", id.s, e,
                            GRAPH_TEXT("stake_ratio", graph_big_of(&ev->value[1]).s),
                            GRAPH_TEXT("reward_ratio", graph_big_of(&ev->value[3]).s)) &&
                  GRAPH_EVENT(w, "PolicyUpdate", e, GRAPH_TEXT("workerpool", id.s),
                              GRAPH_TEXT("old_stake", graph_big_of(&ev->value[0]).s),
                              GRAPH_TEXT("new_stake", graph_big_of(&ev->value[1]).s),
                              GRAPH_TEXT("old_reward", graph_big_of(&ev->value[2]).s),
                              GRAPH_TEXT("new_reward", graph_big_of(&ev->value[3]).s)));
}

/* Pools that a ledger has from its first block emitted no event. */
static bool first_pools(graph_writer *w, ia_err *e)
{
  const ia_addr *registry = &w->g->watched[1 + IA_ASSET_WORKERPOOL];
  IA_AUTOV(ia_buf) store = {0};
  ia_args in = {0}, out = {0};
  uint64_t n;

  if (!ia_chain_read(w->chain, &out, &store, registry, IA_CALL_TOTAL_SUPPLY, &in, e))
    return false;
  if (!ia_u256_u64(&n, &out.value[0]) || n > POOLS_MAX)
    return true;
  for (uint64_t i = 0; i < n; i++) {
    uint8_t be[32];
    ia_addr pool;

    in.value[0] = ia_u256_of(i);
    if (!ia_chain_read(w->chain, &out, &store, registry, IA_CALL_TOKEN_BY_INDEX, &in, e))
      return false;
    ia_u256_to_be(be, &out.value[0]);
    memcpy(pool.b, be + 12, sizeof(pool.b));
    if (!graph_know_asset(w, IA_ASSET_WORKERPOOL, &pool, e))
      return false;
  }
  return true;
}

static bool first_categories(graph_writer *w, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args out = {0};
  uint64_t n;

  if (!ia_chain_read(w->chain, &out, &store, NULL, IA_CALL_COUNT_CATEGORY, NULL, e))
    return false;
  if (!ia_u256_u64(&n, &out.value[0]) || n > POOLS_MAX)
    return true;
  for (uint64_t i = 0; i < n; i++) {
    ia_u256 index = ia_u256_of(i);
    ia_category c;

    if (!ia_chain_category(w->chain, &c, &store, &index, e))
      return false;
    ia_event ev = {.value = {index, ia_u256_of(c.work_clock_time_ref)},
                   .bytes = {c.name, c.description}};
    if (!graph_on_category(w, &ev, e))
      return false;
  }
  return true;
}

bool graph_on_beginning(graph_writer *w, ia_err *e)
{
  ia_u256 zero = {{0}};

  return GRAPH_PUT(w, "protocol", "iExec", e, GRAPH_TEXT("tvl", graph_big_of(&zero).s)) &&
         first_categories(w, e) && first_pools(w, e);
}
