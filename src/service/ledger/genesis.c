/* Record 0: what a ledger is born with. Nothing signed for one ledger means anything on another,
 * since every address but those that the packages have built in comes from its seed. */
#include "base/hex.h"
#include "base/random.h"
#include "crypto/keccak.h"
#include "eth/address.h"
#include "poco/orders.h"
#include "service/ledger/ledger_int.h"

/* 1: categories with the description "{}", registries whose base URI is empty until it is set */
enum { DEFAULT_CHAIN = 421614, BALANCES_MAX = 1000, VERSION = 2 };

/* Addresses that the npm packages have built in: default pools and whitelists. */
static const struct builtin {
  uint64_t chain_id;
  const char *pool[IA_WORLD_POOLS];
  const char *group[IA_WORLD_GROUPS];
} builtins[] = {
    {421614,
     {"0xB967057a21dc6A66A29721d96b8Aa7454B7c383F", "0x2956f0cb779904795a5f30d3b3ea88b714c3123f"},
     {"0x8d46d40840f1Aa2264F96184Ffadf04e5D573B9B", "0x7291ff96100DA6CF97933C225B86124ef95aEc9b"}},
    {42161,
     {"0x2C06263943180Cc024dAFfeEe15612DB6e5fD248", "0x8ef2ec3ef9535d4b4349bfec7d8b31a580e60244"},
     {"0xD5054a18565c4a9E5c1aa3cEB53258bd59d4c78C", NULL}},
};

/* The ten accounts whose keys everybody knows ("test test .. junk"). */
static const char *const dev_accounts[] = {
    "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266", "0x70997970C51812dc3A010C7d01b50e0d17dc79C8",
    "0x3C44CdDdB6a900fa2b585dd299e03d12FA4293BC", "0x90F79bf6EB2c4f870365E785982E1f101E93b906",
    "0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65", "0x9965507D1a55bcC2695C58ba16FB37d819B0A4dc",
    "0x976EA74026E726554dB657fA54763abd0C3a0aa9", "0x14dC79964da2C08b23698B3D3cc7Ca32193d9955",
    "0x23618e81E3f5cdF7f54C3d65f7FBc0aBf5B21E8f", "0xa0Ee7A142d267C1f36714E4a8F75612F20a79720"};

/* 10,000 coins of 10^18, and as many RLC in nRLC */
static const char dev_coins[] = "10000000000000000000000";
static const char dev_nrlc[] = "10000000000000";

static ia_addr address(const char *text)
{
  ia_addr a = {{0}};

  if (text && !ia_unhex(a.b, 20, ia_span_str(text)))
    memset(&a, 0, sizeof(a));
  return a;
}

static bool is_dev_account(const ia_addr *a)
{
  for (size_t i = 0; i < IA_COUNT(dev_accounts); i++) {
    ia_addr dev = address(dev_accounts[i]);

    if (ia_addr_eq(a, &dev))
      return true;
  }
  return false;
}

/* --- the text
 * --------------------------------------------------------------------------------------- */

static json_t *balances_json(const ia_genesis *g)
{
  json_t *all = json_array();

  for (size_t i = 0; all && i < g->n_balances; i++)
    if (json_array_append_new(all, json_pack("[s,s]", ia_addr_lower(&g->balances[i].who).s,
                                             ia_u256_dec(&g->balances[i].nrlc).s)) != 0) {
      json_decref(all);
      return NULL;
    }
  for (size_t i = 0; all && g->dev_accounts && i < IA_COUNT(dev_accounts); i++) {
    ia_addr who = address(dev_accounts[i]);

    if (json_array_append_new(all, json_pack("[s,s]", ia_addr_lower(&who).s, dev_nrlc)) != 0) {
      json_decref(all);
      return NULL;
    }
  }
  return all;
}

bool ia_genesis_text(ia_buf *out, const ia_genesis *g, uint64_t now, ia_err *e)
{
  const char *rules = g->rules ? g->rules : ia_poco_v6_2.name;
  ia_h256 seed = g->seed;

  if (!ia_poco_rules_named(ia_span_str(rules)))
    return ia_fail(e, IA_E_INVALID, "rules: want 6.1 or 6.2, got %s", rules);
  if (ia_addr_zero(&g->pool_owner))
    return ia_fail(e, IA_E_INVALID, "genesis: the pool's owner is missing");
  if (is_dev_account(&g->pool_owner))
    return ia_fail(e, IA_E_INVALID, "genesis: the pool's owner is a public development account");
  if (g->n_balances > BALANCES_MAX)
    return ia_fail(e, IA_E_INVALID, "genesis: more than %d balances", BALANCES_MAX);
  if (ia_h256_zero(&seed) && !ia_random(seed.b, sizeof(seed.b), e))
    return false;
  IA_AUTO_JSON *v =
      json_pack("{s:i,s:I,s:s,s:s,s:s,s:I,s:o,s:b}", "v", VERSION, "chainId",
                (json_int_t)(g->chain_id ? g->chain_id : DEFAULT_CHAIN), "rules", rules, "seed",
                ia_h256_text(&seed).s, "poolOwner", ia_addr_lower(&g->pool_owner).s, "time",
                (json_int_t)(g->timestamp ? g->timestamp : now), "balances", balances_json(g),
                "devAccounts", (int)g->dev_accounts);
  if (!v)
    return ia_fail(e, IA_E_MEMORY, "no memory for genesis");
  return ia_json_canonical(out, v, e);
}

/* --- the world
 * -------------------------------------------------------------------------------------- */

/* Last 20 bytes of keccak256(LP("iapp-genesis/v1") || LP(seed) || LP(name)). */
static ia_addr derived(const ia_h256 *seed, const char *name)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_h256 h;
  ia_addr a;

  ia_buf_lp_str(&text, "iapp-genesis/v1");
  ia_buf_lp(&text, IA_SPAN_ARR(seed->b));
  ia_buf_lp_str(&text, name);
  ia_keccak256(&h, ia_buf_view(&text));
  memcpy(a.b, h.b + 12, 20);
  return a;
}

static void add_builtins(ia_world *w)
{
  for (size_t i = 0; i < IA_COUNT(builtins); i++) {
    if (builtins[i].chain_id != w->chain_id)
      continue;
    for (size_t k = 0; k < IA_WORLD_POOLS && builtins[i].pool[k]; k++)
      w->pool[w->n_pools++] = address(builtins[i].pool[k]);
    for (size_t k = 0; k < IA_WORLD_GROUPS && builtins[i].group[k]; k++)
      w->group[w->n_groups++] = address(builtins[i].group[k]);
  }
  if (w->n_pools == 0)
    w->pool[w->n_pools++] = derived(&w->seed, "workerpool");
  if (w->n_groups == 0)
    w->group[w->n_groups++] = derived(&w->seed, "whitelist");
}

static void add_derived(ia_world *w)
{
  static const char *const registries[] = {"app-registry", "dataset-registry",
                                           "workerpool-registry"};
  static const char *const masters[] = {"app-master", "dataset-master", "workerpool-master"};

  w->hub = derived(&w->seed, "hub");
  w->token = derived(&w->seed, "token");
  w->dataprotector = derived(&w->seed, "dataprotector");
  w->group_factory = derived(&w->seed, "group-factory");
  w->wallet_factory = derived(&w->seed, "wallet-factory");
  for (int i = 0; i < IA_ASSET_KINDS; i++) {
    w->registry[i] = derived(&w->seed, registries[i]);
    w->master[i] = derived(&w->seed, masters[i]);
  }
}

bool ia_genesis_world(ia_world *w, ia_span text, uint64_t *timestamp, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(text, 0, e);
  const char *rules;
  uint64_t version;

  memset(w, 0, sizeof(*w));
  if (!v || !ia_json_get_u64(v, "v", &version, e) ||
      !ia_json_get_u64(v, "chainId", &w->chain_id, e) || !ia_json_get_str(v, "rules", &rules, e) ||
      !ia_json_get_h256(v, "seed", &w->seed, e) ||
      !ia_json_get_addr(v, "poolOwner", &w->pool_owner, e) ||
      !ia_json_get_u64(v, "time", timestamp, e) ||
      !ia_json_get_bool(v, "devAccounts", &w->dev_accounts, e))
    return ia_wrap(e, "genesis");
  w->rules = ia_poco_rules_named(ia_span_str(rules));
  w->version = (unsigned)version;
  if (version < 1 || version > VERSION || !w->rules)
    return ia_fail(e, IA_E_CORRUPT, "genesis: version %llu, rules %s: not known",
                   (unsigned long long)version, rules);
  add_derived(w);
  add_builtins(w);
  ia_order_separator(&w->separator, w->chain_id, &w->hub);
  ia_keccak256(&w->proxy_code_hash, ia_proxy_code);
  return true;
}

/* --- the first state
 * -------------------------------------------------------------------------------- */

static bool own(ia_lvm *vm, const ia_addr *contract)
{
  ia_frame f = ia_frame_of(vm, contract, contract);

  return ia_set_contract_owner(&f, &vm->world->pool_owner);
}

static bool owners(ia_lvm *vm)
{
  const ia_world *w = vm->world;
  bool ok = own(vm, &w->hub);

  for (int i = 0; i < IA_ASSET_KINDS; i++)
    ok = ok && own(vm, &w->registry[i]);
  for (size_t i = 0; i < w->n_groups; i++)
    ok = ok && own(vm, &w->group[i]);
  return ok;
}

static bool hub_settings(ia_lvm *vm)
{
  ia_frame f = ia_frame_of(vm, &vm->world->hub, &vm->world->pool_owner);
  ia_u256 gas = ia_u256_of(vm->world->rules->callback_gas), index;

  for (size_t i = 0; i < IA_GENESIS_CATEGORIES; i++) {
    ia_category c = *ia_genesis_category(i);

    if (vm->world->version < 2)
      c.description = ia_span_str("{}");
    if (!ia_ruled(&f, ia_poco_category_add(&f.poco, &c, &index)))
      return false;
  }
  return ia_lvm_put_u256(vm, IA_WKEY_CALLBACK_GAS, IA_NO_SPAN, IA_NO_SPAN, &gas);
}

static bool pools(ia_lvm *vm)
{
  static const char *const names[IA_WORLD_POOLS] = {"iapp pool", "iapp pool (web3mail)"};
  const ia_world *w = vm->world;

  for (size_t i = 0; i < w->n_pools; i++) {
    ia_frame f = ia_frame_of(vm, &w->registry[IA_ASSET_WORKERPOOL], &w->pool_owner);
    ia_args a = {.bytes = {ia_span_str(names[i])}};
    IA_AUTOV(ia_buf) fields = {0};

    ia_shape_encode(&fields, &ia_call_of(IA_CALL_INIT_WORKERPOOL)->in, &a);
    if (!ia_entry_create(&f, IA_ASSET_WORKERPOOL, &w->pool[i], &w->pool_owner,
                         ia_buf_view(&fields)))
      return false;
  }
  return true;
}

/* A package asks a whitelist whether it holds itself, so it does. */
static bool groups(ia_lvm *vm)
{
  ia_u256 purpose = ia_u256_of(IA_GROUPMEMBER_PURPOSE), type = ia_u256_of(1);
  const ia_world *w = vm->world;

  for (size_t i = 0; i < w->n_groups; i++) {
    ia_frame f = ia_frame_of(vm, &w->group[i], &w->pool_owner);
    ia_h256 key = {{0}};

    memcpy(key.b + 12, w->group[i].b, 20);
    if (!ia_group_add(&f, &key, &purpose, &type))
      return false;
  }
  return true;
}

static bool balances(ia_lvm *vm, const json_t *v, ia_err *e)
{
  ia_frame f = ia_frame_of(vm, &vm->world->token, &vm->world->pool_owner);
  json_t *all, *pair;
  size_t i;

  if (!ia_json_get_arr(v, "balances", &all, e))
    return false;
  json_array_foreach (all, i, pair) {
    const char *who = json_string_value(json_array_get(pair, 0));
    const char *much = json_string_value(json_array_get(pair, 1));
    ia_u256 nrlc;
    ia_addr to;

    if (!who || !much || !ia_addr_parse(&to, ia_span_str(who), e) ||
        !ia_u256_parse(&nrlc, ia_span_str(much), e))
      return ia_fail(e, IA_E_CORRUPT, "genesis: balance %zu", i);
    if (!ia_token_mint(&f, &to, &nrlc))
      return ia_fail(e, IA_E_INVALID, "genesis: the balances are more than 256 bits hold");
  }
  return true;
}

static bool coins(ia_lvm *vm, const json_t *v, ia_err *e)
{
  ia_u256 wei;
  bool wanted;

  if (!ia_json_get_bool(v, "devAccounts", &wanted, e) ||
      !ia_u256_parse(&wei, ia_span_str(dev_coins), e))
    return false;
  for (size_t i = 0; wanted && i < IA_COUNT(dev_accounts); i++) {
    ia_addr who = address(dev_accounts[i]);

    if (!ia_lvm_put_u256(vm, IA_WKEY_COINS, IA_SPAN_ARR(who.b), IA_NO_SPAN, &wei))
      return ia_fail(e, IA_E_INTERNAL, "genesis: coins");
  }
  return true;
}

bool ia_genesis_apply(ia_lvm *vm, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(text, 0, e);

  if (!v)
    return false;
  if (!owners(vm) || !hub_settings(vm) || !pools(vm) || !groups(vm))
    return ia_fail(e, IA_E_INTERNAL, "genesis: the first state cannot be made");
  return balances(vm, v, e) && coins(vm, v, e);
}
