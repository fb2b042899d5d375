/* A small world for tests: five people, an app, a dataset, four signed orders, a deal and a task,
 * with every fact that a release is decided on. Tests then lie in one place at a time. */
#ifndef IA_TESTS_POLICY_WORLD_H
#define IA_TESTS_POLICY_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "eth/eip191.h"
#include "eth/tx.h"
#include "poco/abi.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/tag.h"
#include "policy/release.h"

enum { W_NOW = 1780000000, W_APP = 0, W_DATA, W_POOL, W_USER, W_WORKER, W_PEOPLE };

struct person {
  ia_secret key;
  ia_addr addr;
};

struct world {
  ia_secp *secp;
  struct person who[W_PEOPLE];
  ia_release_pins pins;
  ia_h256 separator;
  ia_order_box order[IA_ORDER_KINDS];
  ia_release_facts f;
  ia_addr app, dataset, pool;
  /* memory's answers */
  bool fenced, rolled_back, closed, revoked, revoked_data, has_policy, no_dataset_key,
      no_requester_secret;
  bool no_result_key;
  ia_release_past releases;
  uint64_t fence, order_tasks, total, today;
  ia_addr fence_worker, app_pusher;
  bool has_app_secret;
  const char *policy;
  const char *terms; /* of any order; "order" in it is not looked at */
  ia_addr terms_of;  /* zero: of every dataset */
  ia_addr policy_of; /* zero: of every dataset */
  ia_addr no_key_of; /* the dataset whose key is missing */
  ia_u256 consumed;  /* what the ledger says of every order */
  const char *result_key;
  /* the ledger's word */
  ia_poco_view ledger;
  bool member, is_contract, contract_says_yes;
  ia_addr known_key; /* who has signed here by key */
};

static inline void w_person(struct world *w, int i)
{
  assert_true(ia_secret_new(&w->who[i].key, 32, NULL));
  memset(w->who[i].key.ptr, 0x11 * (i + 1), 32);
  assert_true(ia_secp_address(w->secp, &w->who[i].addr, &w->who[i].key, NULL));
}

static inline void w_pins(struct world *w, ia_domain d)
{
  w->pins = (ia_release_pins){
      .domain = d, .chain_id = 421614, .rules = ia_poco_rules_named(ia_span_str("6.2"))};
  memset(w->pins.hub.b, 0x22, 20);
  memset(w->pins.registry[IA_ASSET_APP].b, 0xa1, 20);
  memset(w->pins.registry[IA_ASSET_DATASET].b, 0xa2, 20);
  memset(w->pins.registry[IA_ASSET_WORKERPOOL].b, 0xa3, 20);
  memset(w->pins.proxy_code_hash.b, 0xc0, 32);
  memset(w->pins.sms_key.b, 0x5e, 32);
  ia_order_separator(&w->separator, w->pins.chain_id, &w->pins.hub);
}

/* Asset fields, and the addresses that they give. */
static inline void w_assets(struct world *w)
{
  ia_asset_facts *a = &w->f.asset[IA_ASSET_APP], *d = &w->f.asset[IA_ASSET_DATASET];

  a->has = d->has = true;
  a->app.name = ia_span_str("analysis");
  a->app.type = ia_span_str("DOCKER");
  a->app.multiaddr = ia_span_str("/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnHfHG");
  memset(a->app.checksum.b, 0x55, 32);
  a->ledger_owner = a->first_owner = a->app.owner = w->who[W_APP].addr;
  ia_app_address(&w->app, &w->pins.registry[IA_ASSET_APP], &w->pins.proxy_code_hash, &a->app);
  d->dataset.name = ia_span_str("blood values");
  d->dataset.multiaddr = ia_span_str("/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnHfHG");
  memset(d->dataset.checksum.b, 0x99, 32);
  d->ledger_owner = d->first_owner = d->dataset.owner = w->who[W_DATA].addr;
  ia_dataset_address(&w->dataset, &w->pins.registry[IA_ASSET_DATASET], &w->pins.proxy_code_hash,
                     &d->dataset);
  w->f.has_pool = true;
  w->f.pool.description = ia_span_str("a pool");
  ia_workerpool_address(&w->pool, &w->pins.registry[IA_ASSET_WORKERPOOL], &w->pins.proxy_code_hash,
                        &w->who[W_POOL].addr, w->f.pool.description);
}

static inline void w_sign(struct world *w, ia_order_kind k, int who)
{
  assert_true(ia_order_sign(&w->order[k], w->secp, &w->separator, &w->who[who].key, NULL));
}

/* Orders that fit; params may be changed before. */
static inline void w_orders(struct world *w, const char *params)
{
  ia_app_order *a = &w->order[IA_ORDER_APP].order.app;
  ia_dataset_order *d = &w->order[IA_ORDER_DATASET].order.dataset;
  ia_workerpool_order *p = &w->order[IA_ORDER_WORKERPOOL].order.workerpool;
  ia_request_order *r = &w->order[IA_ORDER_REQUEST].order.request;
  ia_h256 tag = ia_tag_of(IA_TAG_TEE | IA_TAG_TDX);

  for (int k = 0; k < IA_ORDER_KINDS; k++)
    w->order[k].order.kind = (ia_order_kind)k;
  *a = (ia_app_order){.app = w->app, .volume = ia_u256_of(100), .tag = tag};
  *d = (ia_dataset_order){
      .dataset = w->dataset, .volume = ia_u256_of(10), .tag = tag, .apprestrict = w->app};
  *p = (ia_workerpool_order){.workerpool = w->pool, .volume = ia_u256_of(100), .tag = tag};
  *r = (ia_request_order){.app = w->app,
                          .dataset = w->dataset,
                          .workerpool = w->pool,
                          .requester = w->who[W_USER].addr,
                          .volume = ia_u256_of(1),
                          .tag = tag,
                          .params = ia_span_str(params)};
  w_sign(w, IA_ORDER_APP, W_APP);
  w_sign(w, IA_ORDER_DATASET, W_DATA);
  w_sign(w, IA_ORDER_WORKERPOOL, W_POOL);
  w_sign(w, IA_ORDER_REQUEST, W_USER);
}

/* Deal and task as an honest ledger makes them of the orders. */
static inline void w_deal(struct world *w)
{
  const ia_request_order *r = &w->order[IA_ORDER_REQUEST].order.request;
  ia_release_facts *f = &w->f;
  ia_u256 zero = ia_u256_of(0);
  ia_h256 hash;

  f->match = (ia_match){w->order[IA_ORDER_APP].order.app, w->order[IA_ORDER_DATASET].order.dataset,
                        w->order[IA_ORDER_WORKERPOOL].order.workerpool, *r};
  ia_order_hash(&hash, &w->separator, IA_ORDER_REQUEST, r);
  f->has_match = f->has_deal = f->has_task = true;
  f->deal = (ia_deal){.app = {w->app, w->who[W_APP].addr, zero},
                      .dataset = {r->dataset, w->who[W_DATA].addr, zero},
                      .workerpool = {w->pool, w->who[W_POOL].addr, zero},
                      .trust = ia_u256_of(1),
                      .tag = r->tag,
                      .requester = r->requester,
                      .beneficiary = r->beneficiary,
                      .callback = r->callback,
                      .params = r->params,
                      .start_time = W_NOW - 10,
                      .bot_size = ia_u256_of(1)};
  f->task =
      (ia_task){.status = IA_TASK_ACTIVE, .timeref = 300, .contribution_deadline = W_NOW + 2100};
  ia_deal_id(&f->task.dealid, &hash, &zero);
  ia_task_id(&f->task_id, &f->task.dealid, &f->task.idx);
  f->pool_owner = w->who[W_POOL].addr;
}

static inline void w_lease_sign(struct world *w, int who)
{
  ia_sig sig;
  ia_h256 h;

  assert_true(ia_lease_hash(&h, w->pins.domain, &w->f.lease, NULL));
  assert_true(ia_eip191_sign(w->secp, &sig, IA_SPAN_ARR(h.b), &w->who[who].key, NULL));
  memcpy(w->f.lease.sig, sig.b, 65);
}

static inline void w_lease(struct world *w)
{
  w->f.lease = (ia_lease){.task_id = w->f.task_id,
                          .worker = w->who[W_WORKER].addr,
                          .fencing = 2,
                          .expires = w->f.now + 60};
  w->f.has_lease = true;
  w_lease_sign(w, W_POOL);
}

/* -- the ledger's word -- */
static inline bool wl_consumed(void *ctx, const ia_h256 *h, ia_u256 *v, ia_err *e)
{
  (void)h, (void)e;
  *v = ((const struct world *)ctx)->consumed;
  return true;
}

static inline bool wl_purpose(void *ctx, const ia_addr *g, const ia_addr *a, bool *yes, ia_err *e)
{
  (void)g, (void)a, (void)e;
  *yes = ((struct world *)ctx)->member;
  return true;
}

static inline bool wl_1271(void *ctx, const ia_addr *a, const ia_h256 *h, ia_span s, bool *is,
                           bool *yes, ia_err *e)
{
  (void)a, (void)h, (void)s, (void)e;
  *is = ((struct world *)ctx)->is_contract;
  *yes = ((struct world *)ctx)->contract_says_yes;
  return true;
}

static inline bool wl_signed(void *ctx, const ia_addr *account, bool *yes, ia_err *e)
{
  (void)e;
  *yes = ia_addr_eq(account, &((struct world *)ctx)->known_key);
  return true;
}

static inline bool wl_categories(void *ctx, ia_u256 *n, ia_err *e)
{
  (void)ctx, (void)e;
  *n = ia_u256_of(5);
  return true;
}

/* -- memory -- */
static inline bool wm_fencing(void *ctx, const ia_h256 *t, bool *has, uint64_t *n, ia_addr *a,
                              ia_err *e)
{
  const struct world *w = ctx;

  (void)t, (void)e;
  *has = w->fenced;
  *n = w->fence;
  *a = w->fence_worker;
  return true;
}

static inline bool wm_rolled(void *ctx, bool *stop, ia_err *e)
{
  (void)e;
  *stop = ((const struct world *)ctx)->rolled_back;
  return true;
}

static inline bool wm_releases(void *ctx, const ia_h256 *t, ia_release_past *past, ia_err *e)
{
  (void)t, (void)e;
  *past = ((const struct world *)ctx)->releases;
  return true;
}

static inline bool wm_order(void *ctx, const ia_h256 *o, const ia_h256 *t, uint64_t *n, ia_err *e)
{
  (void)o, (void)t, (void)e;
  *n = ((const struct world *)ctx)->order_tasks;
  return true;
}

static inline bool wm_closed(void *ctx, const ia_h256 *o, const ia_h256 *d, bool *y, ia_err *e)
{
  (void)o, (void)d, (void)e;
  *y = ((const struct world *)ctx)->closed;
  return true;
}

static inline bool wm_revoked(void *ctx, const ia_addr *a, const ia_addr *owner, const ia_h256 *o,
                              bool *y, ia_err *e)
{
  const struct world *w = ctx;

  (void)o, (void)e, (void)owner;
  *y = w->revoked || (w->revoked_data && ia_addr_eq(a, &w->dataset));
  return true;
}

static inline bool wm_policy(void *ctx, const ia_addr *d, const ia_addr *owner, bool *has,
                             ia_policy *p, ia_h256 *h, uint64_t *epoch, ia_err *e)
{
  const struct world *w = ctx;

  (void)owner;
  *has = w->policy && (ia_addr_zero(&w->policy_of) || ia_addr_eq(&w->policy_of, d));
  memset(h->b, 0x0b, 32);
  *epoch = 1;
  return !*has || ia_policy_parse(p, ia_span_str(w->policy), e);
}

static inline bool wm_terms(void *ctx, const ia_addr *d, const ia_addr *owner, const ia_h256 *o,
                            bool *has, ia_terms *t, ia_h256 *h, uint64_t *version, ia_err *e)
{
  const struct world *w = ctx;

  (void)owner, (void)o;
  *has = w->terms && (ia_addr_zero(&w->terms_of) || ia_addr_eq(&w->terms_of, d));
  memset(h->b, *has ? 0x7e : 0, 32);
  *version = *has ? 4 : 0;
  return !*has || ia_terms_parse(t, ia_span_str(w->terms), e);
}

static inline bool wm_tasks(void *ctx, const ia_addr *d, const ia_h256 *t, uint64_t now,
                            uint64_t *total, uint64_t *today, ia_err *e)
{
  const struct world *w = ctx;

  (void)d, (void)t, (void)now, (void)e;
  *total = w->total;
  *today = w->today;
  return true;
}

static inline bool wm_secret(void *ctx, ia_secret_kind kind, const ia_addr *of, const char *name,
                             bool *has, ia_addr *pusher, ia_err *e)
{
  const struct world *w = ctx;

  (void)name, (void)e;
  *pusher = w->app_pusher;
  *has = kind == IA_SECRET_DATASET ? !w->no_dataset_key && !ia_addr_eq(of, &w->no_key_of)
         : kind == IA_SECRET_APP   ? w->has_app_secret
                                   : !w->no_requester_secret;
  return true;
}

static inline bool wm_key(void *ctx, const ia_addr *of, const ia_h256 *deal, bool *has, ia_buf *pem,
                          ia_err *e)
{
  const struct world *w = ctx;

  (void)of, (void)deal;
  *has = w->result_key != NULL;
  if (*has)
    ia_buf_str(pem, w->result_key);
  return ia_buf_ok(pem, e);
}

static inline ia_release_memory w_memory(struct world *w)
{
  return (ia_release_memory){w,          wm_fencing, wm_rolled, wm_releases, wm_order,  wm_closed,
                             wm_revoked, wm_policy,  wm_terms,  wm_tasks,    wm_secret, wm_key};
}

static inline void w_close(struct world *w)
{
  for (int k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&w->order[k]);
  for (int i = 0; i < W_PEOPLE; i++)
    ia_secret_free(&w->who[i].key);
  ia_secp_free(w->secp);
  free(w);
}

static inline struct world *w_open_with(const char *params, ia_domain d, uint64_t now)
{
  struct world *w = calloc(1, sizeof(*w));

  assert_non_null(w);
  assert_true(ia_secp_new(&w->secp, NULL));
  for (int i = 0; i < W_PEOPLE; i++)
    w_person(w, i);
  w_pins(w, d);
  w->ledger = (ia_poco_view){.ctx = w,
                             .consumed = wl_consumed,
                             .has_purpose = wl_purpose,
                             .erc1271 = wl_1271,
                             .categories = wl_categories};
  w->f = (ia_release_facts){.pins = &w->pins,
                            .now = now,
                            .ledger_time = now,
                            .head = 9,
                            .match_block = 7,
                            .ledger = &w->ledger,
                            .signed_here = wl_signed,
                            .signed_ctx = w};
  w_assets(w);
  w_orders(w, params);
  w_deal(w);
  w->f.task.contribution_deadline = now + 2100;
  w_lease(w);
  return w;
}

static inline struct world *w_open(const char *params)
{
  return w_open_with(params, IA_DOMAIN_SIM, W_NOW);
}

/* IA_OK or the code of the first refusal. */
static inline ia_code decide(struct world *w, ia_release_plan *plan)
{
  ia_release_memory m = w_memory(w);
  ia_ruling v = {0};
  bool ok = ia_release_decide(plan, &v, &w->f, &m);

  assert_int_equal(ok, !v.refused);
  return ok ? IA_OK : v.line[v.first].code;
}

static inline void expect(struct world *w, ia_code code)
{
  IA_AUTOV(ia_release_plan) plan = {0};

  assert_string_equal(ia_code_name(decide(w, &plan)), ia_code_name(code));
}

#endif
