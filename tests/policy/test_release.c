/* Every refusal of a key release by its name, each from a world in which one thing is a lie. */
#include "world.h"

/* Makes a world, tells one lie, and looks at the name of the refusal. */
#define REFUSED(code, ...)                                                                         \
  do {                                                                                             \
    struct world *w = w_open("");                                                                  \
    __VA_ARGS__;                                                                                   \
    expect(w, code);                                                                               \
    w_close(w);                                                                                    \
  } while (0)

static void test_an_honest_world_is_released(void **state)
{
  struct world *w = w_open("{\"iexec_args\":\"a b\",\"iapp_purpose\":\"research\"}");
  IA_AUTOV(ia_release_plan) plan = {0};
  ia_descriptor d;

  (void)state;
  assert_int_equal(decide(w, &plan), IA_OK);
  assert_true(ia_h256_eq(&plan.deal_id, &w->f.task.dealid));
  assert_true(ia_addr_eq(&plan.owner[IA_ASSET_DATASET], &w->who[W_DATA].addr));
  assert_true(ia_addr_eq(&plan.beneficiary, &w->who[W_USER].addr));
  assert_string_equal(plan.purpose, "research");
  assert_int_equal(plan.attempt, 1);
  assert_int_equal(plan.n_by_ledger, 0);
  assert_true(ia_release_descriptor(&d, &plan, &w->f, IA_TEE_SIM, NULL));
  assert_true(ia_addr_eq(&d.dataset, &w->dataset));
  for (int k = 0; k < IA_ORDER_KINDS; k++)
    assert_int_equal(plan.signing[k], IA_SIGNING_KEY);
  w_close(w);
}

/* Who owns the pool is proven by its address, or is the ledger's word; no key depends on it. */
static void test_a_pools_address_proves_its_owner(void **state)
{
  for (int lie = 0; lie < 3; lie++) {
    struct world *w = w_open("");
    IA_AUTOV(ia_release_plan) plan = {0};

    (void)state;
    if (lie == 1)
      w->f.pool.description = ia_span_str("another pool");
    if (lie == 2)
      w->f.has_pool = false;
    assert_int_equal(decide(w, &plan), IA_OK);
    assert_true(ia_addr_eq(&plan.owner[IA_ASSET_WORKERPOOL], &w->who[W_POOL].addr));
    assert_int_equal(plan.pool_proven, lie == 0);
    w_close(w);
  }
}

static void test_lease(void **state)
{
  (void)state;
  REFUSED(IA_E_LEASE_INVALID, w->f.lease.expires++);
  REFUSED(IA_E_LEASE_INVALID, w_lease_sign(w, W_USER));
  REFUSED(IA_E_LEASE_INVALID, w->f.lease.expires = W_NOW; w_lease_sign(w, W_POOL));
  REFUSED(IA_E_LEASE_INVALID, w->f.lease.expires = W_NOW + 301; w_lease_sign(w, W_POOL));
  REFUSED(IA_E_LEASE_INVALID, w->f.lease.task_id.b[0] ^= 1; w_lease_sign(w, W_POOL));
  REFUSED(IA_E_LEASE_INVALID, w->f.pool_owner = w->who[W_USER].addr);
  REFUSED(IA_E_LEASE_INVALID, w->pins.domain = IA_DOMAIN_HW);
  REFUSED(IA_E_LEASE_FENCED, w->fenced = true; w->fence = 3);
  REFUSED(IA_E_LEASE_FENCED, w->fenced = true; w->fence = 2);
  REFUSED(IA_OK, w->fenced = true; w->fence = 2; w->fence_worker = w->who[W_WORKER].addr);
}

static void test_task(void **state)
{
  (void)state;
  REFUSED(IA_E_TASK_NOT_ACTIVE, w->f.has_task = false);
  REFUSED(IA_E_TASK_NOT_ACTIVE, w->f.task.status = IA_TASK_COMPLETED);
  REFUSED(IA_E_TASK_NOT_ACTIVE, w->f.task.status = IA_TASK_FAILED);
  REFUSED(IA_E_DEADLINE_PASSED, w->f.ledger_time = w->f.task.contribution_deadline);
  REFUSED(IA_E_DEPTH, w->pins.depth = 3);
  REFUSED(IA_E_TAG_FRAMEWORK, w->f.deal.tag = ia_tag_of(IA_TAG_TEE));
  REFUSED(IA_E_TAG_FRAMEWORK, w->f.deal.tag = ia_tag_of(IA_TAG_TEE | IA_TAG_TDX | IA_TAG_SCONE));
  REFUSED(IA_E_TAG_FRAMEWORK, w->f.deal.tag = ia_tag_of(IA_TAG_TDX));
}

static void test_orders(void **state)
{
  (void)state;
  REFUSED(IA_E_ORDERS_NOT_FOUND, w->f.has_match = false);
  REFUSED(IA_E_ORDER_SIGNATURE, w_sign(w, IA_ORDER_DATASET, W_USER); w_deal(w));
  REFUSED(IA_E_ORDER_SIGNATURE, w_sign(w, IA_ORDER_APP, W_USER); w_deal(w));
  REFUSED(IA_E_ORDER_SIGNATURE, w_sign(w, IA_ORDER_REQUEST, W_DATA); w_deal(w));
  REFUSED(IA_E_ORDER_SIGNATURE, w_sign(w, IA_ORDER_WORKERPOOL, W_USER); w_deal(w));
  /* one field changed after signing */
  REFUSED(IA_E_ORDER_SIGNATURE, w->f.match.dataset.volume = ia_u256_of(1000000));
  REFUSED(IA_E_ORDER_SIGNATURE, w->f.match.app.salt.b[0] ^= 1);
  REFUSED(IA_E_DEAL_MISMATCH, w->f.match.dataset.apprestrict = w->pool);
  REFUSED(IA_E_ORDER_SIGNATURE, w->pins.chain_id++);
  REFUSED(IA_E_ORDER_SIGNATURE, w->f.match.request.params = ia_span_str("{\"x\":1}");
          w->f.deal.params = w->f.match.request.params);
}

static void test_deal(void **state)
{
  (void)state;
  REFUSED(IA_E_DEAL_MISMATCH, w->f.has_deal = false);
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.requester = w->who[W_WORKER].addr);
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.beneficiary = w->who[W_WORKER].addr);
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.callback = w->who[W_WORKER].addr);
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.app.pointer = w->pool);
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.dataset.pointer = w->pool);
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.workerpool.pointer = w->app);
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.dataset.price = ia_u256_of(1));
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.params = ia_span_str("{}"));
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.trust = ia_u256_of(2));
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.category = ia_u256_of(1));
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.tag = ia_tag_of(IA_TAG_TEE | IA_TAG_SCONE));
  REFUSED(IA_E_DEAL_MISMATCH, w->f.task.dealid.b[0] ^= 1);
  REFUSED(IA_E_DEAL_MISMATCH, w->f.task_id.b[0] ^= 1; w_lease(w));
  REFUSED(IA_E_DEAL_MISMATCH, w->f.task.idx = ia_u256_of(1));
  REFUSED(IA_E_DEAL_MISMATCH, w->f.deal.bot_size = ia_u256_of(2));
  REFUSED(IA_E_VOLUME_SPENT, w->f.deal.bot_first = ia_u256_of(1));
}

static void test_assets(void **state)
{
  ia_asset_facts *a;

  (void)state;
#define APP  (a = &w->f.asset[IA_ASSET_APP])
#define DATA (a = &w->f.asset[IA_ASSET_DATASET])
  REFUSED(IA_E_ASSET_MISMATCH, APP->has = false);
  REFUSED(IA_E_ASSET_MISMATCH, DATA->has = false);
  REFUSED(IA_E_ASSET_MISMATCH, APP->app.checksum.b[0] ^= 1);
  REFUSED(IA_E_ASSET_MISMATCH, APP->app.multiaddr = ia_span_str("/ipfs/other"));
  REFUSED(IA_E_ASSET_MISMATCH, APP->app.name = ia_span_str("other"));
  REFUSED(IA_E_ASSET_MISMATCH, APP->app.type = ia_span_str("other"));
  REFUSED(IA_E_ASSET_MISMATCH, APP->app.mrenclave = ia_span_str("x"));
  REFUSED(IA_E_ASSET_MISMATCH, APP->first_owner = w->who[W_USER].addr);
  REFUSED(IA_E_ASSET_MISMATCH, DATA->dataset.checksum.b[0] ^= 1);
  REFUSED(IA_E_ASSET_MISMATCH, DATA->dataset.multiaddr = ia_span_str("/ipfs/other"));
  REFUSED(IA_E_ASSET_MISMATCH, DATA->first_owner = w->who[W_USER].addr);
  REFUSED(IA_E_ASSET_MISMATCH, w->pins.proxy_code_hash.b[0] ^= 1);
  REFUSED(IA_E_ASSET_MISMATCH, w->pins.registry[IA_ASSET_DATASET].b[0] ^= 1);
#undef APP
#undef DATA
}

/* -- owners -- */
static void make_call(struct world *w, ia_buf *raw, int from, int to, const ia_addr *registry,
                      ia_call_id call, const ia_addr *token)
{
  ia_args args = {.addr = {w->who[from].addr, w->who[to].addr}};
  IA_AUTOV(ia_buf) data = {0};
  uint8_t word[32] = {0};
  ia_tx tx = {.type = 2, .chain_id = w->pins.chain_id, .gas = 100000, .to = *registry};

  memcpy(word + 12, token->b, 20);
  args.value[0] = ia_u256_from_be(word);
  ia_call_encode(&data, call, &args);
  tx.data = ia_buf_view(&data);
  assert_true(ia_tx_sign(raw, &tx, w->secp, &w->who[from].key, NULL));
}

static void make_transfer(struct world *w, ia_buf *raw, int from, int to, const ia_addr *registry)
{
  make_call(w, raw, from, to, registry, IA_CALL_TRANSFER_FROM, &w->dataset);
}

static ia_transfer_fact step(struct world *w, int from, int to, const ia_buf *raw)
{
  return (ia_transfer_fact){w->who[from].addr, w->who[to].addr,
                            raw ? ia_buf_view(raw) : ia_span_of(NULL, 0)};
}

/* The ledger shows these transfers of the dataset, the last one to `owner`. */
static void show(struct world *w, const ia_transfer_fact *list, size_t n)
{
  ia_asset_facts *d = &w->f.asset[IA_ASSET_DATASET];

  d->transfers = list;
  d->n_transfers = n;
  d->ledger_owner = n > 0 ? list[n - 1].to : d->first_owner;
}

/* The dataset order is signed by this one. */
static void granted_by(struct world *w, int who)
{
  w_sign(w, IA_ORDER_DATASET, who);
  w_deal(w);
}

/* Sold on and on, by each of the three calls; every link is needed, in its order. */
static void test_owner_by_a_chain(void **state)
{
  struct world *w = w_open("");
  const ia_addr *r = &w->pins.registry[IA_ASSET_DATASET];
  IA_AUTOV(ia_buf) first = {0}, second = {0}, third = {0}, other = {0};

  (void)state;
  make_call(w, &first, W_DATA, W_USER, r, IA_CALL_SAFE_TRANSFER_FROM, &w->dataset);
  make_call(w, &second, W_USER, W_APP, r, IA_CALL_SAFE_TRANSFER_FROM_DATA, &w->dataset);
  make_call(w, &third, W_APP, W_WORKER, r, IA_CALL_TRANSFER_FROM, &w->dataset);
  make_call(w, &other, W_APP, W_WORKER, r, IA_CALL_TRANSFER_FROM, &w->app);
  ia_transfer_fact list[] = {step(w, W_DATA, W_USER, &first), step(w, W_USER, W_APP, &second),
                             step(w, W_APP, W_WORKER, &third)};
  show(w, list, 3);
  granted_by(w, W_WORKER);
  expect(w, IA_OK);
  list[2].raw = ia_buf_view(&other); /* of another token */
  expect(w, IA_E_OWNER_UNPROVEN);
  list[2].raw = ia_buf_view(&second);
  list[1].raw = ia_buf_view(&third);
  expect(w, IA_E_OWNER_UNPROVEN);
  list[1] = step(w, W_USER, W_APP, &second);
  list[2] = step(w, W_APP, W_USER, &third); /* not whom the transaction names */
  show(w, list, 3);
  expect(w, IA_E_OWNER_UNPROVEN);
  show(w, list, 1); /* a part of the chain: not this owner */
  expect(w, IA_E_ORDER_SIGNATURE);
  w->f.asset[IA_ASSET_DATASET].ledger_owner = w->who[W_WORKER].addr; /* and the ledger says so */
  expect(w, IA_E_OWNER_UNPROVEN);
  w_close(w);
}

static void test_owner_by_transactions(void **state)
{
  struct world *w = w_open("");
  IA_AUTOV(ia_buf) sold = {0}, forged = {0}, elsewhere = {0};
  ia_transfer_fact list[] = {step(w, W_DATA, W_WORKER, NULL)};

  (void)state;
  make_transfer(w, &sold, W_DATA, W_WORKER, &w->pins.registry[IA_ASSET_DATASET]);
  make_transfer(w, &forged, W_USER, W_WORKER, &w->pins.registry[IA_ASSET_DATASET]);
  make_transfer(w, &elsewhere, W_DATA, W_WORKER, &w->pins.registry[IA_ASSET_APP]);
  show(w, list, 1);
  list[0].raw = ia_buf_view(&forged);
  expect(w, IA_E_OWNER_UNPROVEN);
  list[0].raw = ia_buf_view(&elsewhere);
  expect(w, IA_E_OWNER_UNPROVEN);
  list[0].raw = ia_span_of(NULL, 0);
  expect(w, IA_E_OWNER_UNPROVEN);
  /* really sold: the old owner's order opens nothing, the new one's does */
  list[0].raw = ia_buf_view(&sold);
  expect(w, IA_E_ORDER_SIGNATURE);
  granted_by(w, W_WORKER);
  expect(w, IA_OK);
  w_close(w);
}

static ia_transfer_message consent(struct world *w, int from, int to, uint64_t version,
                                   uint64_t moves)
{
  ia_transfer_message m = {
      .version = version, .moves = moves, .to = w->who[to].addr, .body = ia_span_str("{}")};
  ia_owner_message msg = {.domain = w->pins.domain,
                          .kind = "transfer",
                          .chain_id = w->pins.chain_id,
                          .hub = w->pins.hub,
                          .sms_key = w->pins.sms_key,
                          .object = w->dataset,
                          .version = version,
                          .body = m.body};
  ia_sig sig;
  ia_h256 h;

  assert_true(ia_owner_message_hash(&h, &msg, NULL));
  assert_true(ia_eip191_sign(w->secp, &sig, IA_SPAN_ARR(h.b), &w->who[from].key, NULL));
  memcpy(m.sig, sig.b, 65);
  return m;
}

static void test_owner_by_message(void **state)
{
  struct world *w = w_open("");
  ia_asset_facts *d = &w->f.asset[IA_ASSET_DATASET];
  ia_transfer_message m = consent(w, W_DATA, W_WORKER, 5, 0);

  (void)state;
  d->messages = &m;
  d->n_messages = 1;
  expect(w, IA_E_ORDER_SIGNATURE);
  granted_by(w, W_WORKER);
  expect(w, IA_OK);
  m.version++;
  expect(w, IA_E_ORDER_SIGNATURE);
  w_close(w);
}

/* Transfers of the ledger and messages have one order: who gave the data away is not its owner
 * because of something that she, or somebody before her, once signed. */
static void test_owners_have_one_order(void **state)
{
  struct world *w = w_open("");
  ia_asset_facts *d = &w->f.asset[IA_ASSET_DATASET];
  const ia_addr *r = &w->pins.registry[IA_ASSET_DATASET];
  IA_AUTOV(ia_buf) sold = {0}, back = {0};
  ia_transfer_message m[2] = {consent(w, W_DATA, W_WORKER, 5, 0)};

  (void)state;
  make_transfer(w, &sold, W_DATA, W_WORKER, r);
  make_transfer(w, &back, W_WORKER, W_DATA, r);
  d->messages = m;
  d->n_messages = 1;
  ia_transfer_fact list[] = {step(w, W_DATA, W_WORKER, &sold), step(w, W_WORKER, W_DATA, &back),
                             step(w, W_DATA, W_WORKER, &sold)};
  granted_by(w, W_WORKER);
  show(w, list, 1);
  expect(w, IA_OK);
  show(w, list, 2); /* bought back: the message was of the time before */
  expect(w, IA_E_ORDER_SIGNATURE);
  granted_by(w, W_DATA);
  expect(w, IA_OK);
  granted_by(w, W_WORKER);
  show(w, list, 3); /* the same transaction moves nothing twice */
  expect(w, IA_E_OWNER_UNPROVEN);
  list[2].raw = ia_span_of(NULL, 0); /* nor does the old message prove another transfer */
  expect(w, IA_E_OWNER_UNPROVEN);
  m[1] = consent(w, W_DATA, W_WORKER, 6, 2);
  d->n_messages = 2;
  expect(w, IA_OK);
  list[2].to = w->who[W_USER].addr; /* to somebody else than she agreed to */
  show(w, list, 3);
  expect(w, IA_E_OWNER_UNPROVEN);
  w_close(w);
}

/* A transfer that somebody made for the owner is proven by her message, given before or after. */
static void test_consent_proves_one_transfer(void **state)
{
  struct world *w = w_open("");
  ia_asset_facts *d = &w->f.asset[IA_ASSET_DATASET];
  IA_AUTOV(ia_buf) back = {0};
  ia_transfer_message m[] = {consent(w, W_DATA, W_WORKER, 5, 0)};

  (void)state;
  make_transfer(w, &back, W_USER, W_DATA, &w->pins.registry[IA_ASSET_DATASET]);
  ia_transfer_fact list[] = {step(w, W_DATA, W_USER, NULL), step(w, W_USER, W_DATA, &back),
                             step(w, W_DATA, W_USER, NULL)};
  d->messages = m;
  d->n_messages = 1;
  show(w, list, 1);
  granted_by(w, W_WORKER);
  expect(w, IA_E_OWNER_UNPROVEN); /* she agreed to another buyer */
  granted_by(w, W_USER);
  expect(w, IA_E_OWNER_UNPROVEN);
  for (uint64_t moves = 0; moves <= 1; moves++) {
    m[0] = consent(w, W_DATA, W_USER, 6, moves);
    expect(w, IA_OK);
  }
  show(w, list, 3);
  m[0] = consent(w, W_DATA, W_USER, 6, 3);
  expect(w, IA_E_OWNER_UNPROVEN); /* once */
  w_close(w);
}

/* -- what no signature on the order proves -- */
static void presign_kind(struct world *w, ia_buf *raw, ia_order_kind kind, int by,
                         ia_order_operation op)
{
  static const ia_call_id calls[] = {IA_CALL_MANAGE_APP_ORDER, IA_CALL_MANAGE_DATASET_ORDER,
                                     IA_CALL_MANAGE_WORKERPOOL_ORDER, IA_CALL_MANAGE_REQUEST_ORDER};
  ia_order_op what = {.order = w->order[kind].order, .operation = (uint8_t)op};
  IA_AUTOV(ia_buf) data = {0};
  ia_tx tx = {.type = 2, .chain_id = w->pins.chain_id, .gas = 100000, .to = w->pins.hub};

  ia_call_encode(&data, calls[kind], &what);
  tx.data = ia_buf_view(&data);
  ia_buf_clear(raw);
  assert_true(ia_tx_sign(raw, &tx, w->secp, &w->who[by].key, NULL));
  w->f.presign[kind] = ia_buf_view(raw);
}

static void presign(struct world *w, ia_buf *raw, int by, ia_order_operation op)
{
  presign_kind(w, raw, IA_ORDER_DATASET, by, op);
}

/* Of each kind, the pool's too: nothing is presigned because the ledger says so. */
static void test_every_kind_is_presigned_by_its_owner_alone(void **state)
{
  static const int owner[] = {W_APP, W_DATA, W_POOL, W_USER};

  (void)state;
  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    struct world *w = w_open("");
    IA_AUTOV(ia_buf) raw = {0};
    ia_match *m = &w->f.match;
    ia_span *sign[] = {&m->app.sign, &m->dataset.sign, &m->workerpool.sign, &m->request.sign};

    *sign[k] = ia_span_of(NULL, 0);
    expect(w, IA_E_ORDER_SIGNATURE);
    presign_kind(w, &raw, (ia_order_kind)k, W_WORKER, IA_ORDER_SIGN);
    expect(w, IA_E_ORDER_SIGNATURE);
    presign_kind(w, &raw, (ia_order_kind)k, owner[k], IA_ORDER_CLOSE);
    expect(w, IA_E_ORDER_SIGNATURE);
    presign_kind(w, &raw, (ia_order_kind)k, owner[k], IA_ORDER_SIGN);
    expect(w, IA_OK);
    w_close(w);
  }
}

static void test_presigned_orders_are_proven_by_their_transaction(void **state)
{
  struct world *w = w_open("");
  IA_AUTOV(ia_release_plan) plan = {0};
  IA_AUTOV(ia_buf) raw = {0};

  (void)state;
  w->f.match.dataset.sign = ia_span_of(NULL, 0);
  expect(w, IA_E_ORDER_SIGNATURE);
  presign(w, &raw, W_USER, IA_ORDER_SIGN);
  expect(w, IA_E_ORDER_SIGNATURE);
  presign(w, &raw, W_DATA, IA_ORDER_CLOSE);
  expect(w, IA_E_ORDER_SIGNATURE);
  presign(w, &raw, W_DATA, IA_ORDER_SIGN);
  expect(w, IA_OK);
  assert_int_equal(decide(w, &plan), IA_OK);
  assert_int_equal(plan.signing[IA_ORDER_DATASET], IA_SIGNING_TX);
  assert_int_equal(plan.signing[IA_ORDER_APP], IA_SIGNING_KEY);
  w->f.match.dataset.volume = ia_u256_of(11);
  expect(w, IA_E_ORDER_SIGNATURE);
  w_close(w);
}

static void test_the_ledgers_word_is_listed_and_can_be_refused(void **state)
{
  struct world *w = w_open("");
  IA_AUTOV(ia_release_plan) plan = {0};

  (void)state;
  w->order[IA_ORDER_DATASET].order.dataset.requesterrestrict = w->pool;
  w_sign(w, IA_ORDER_DATASET, W_DATA);
  w_deal(w);
  expect(w, IA_E_DEAL_MISMATCH);
  w->member = true;
  assert_int_equal(decide(w, &plan), IA_OK);
  assert_int_equal(plan.n_by_ledger, 1);
  assert_memory_equal(plan.by_ledger[0], "whitelist:0x", 12);
  assert_string_equal(plan.by_ledger[0] + 10, ia_addr_lower(&w->pool).s);
  w->policy = "{\"byLedger\":false,\"v\":1}";
  expect(w, IA_E_BY_LEDGER_REFUSED);
  w_close(w);
}

static void test_a_key_owner_is_no_contract(void **state)
{
  struct world *w = w_open("");
  IA_AUTOV(ia_release_plan) plan = {0};

  (void)state;
  w_sign(w, IA_ORDER_DATASET, W_USER);
  w_deal(w);
  w->is_contract = w->contract_says_yes = true;
  assert_int_equal(decide(w, &plan), IA_OK);
  assert_memory_equal(plan.by_ledger[0], "erc1271:0x", 10);
  assert_int_equal(plan.signing[IA_ORDER_DATASET], IA_SIGNING_CONTRACT);
  /* she pushed the key with a signature of her own: whatever the ledger says, she is a key */
  w->known_key = w->who[W_DATA].addr;
  expect(w, IA_E_ORDER_SIGNATURE);
  /* nor is a requester who keeps secrets here: nobody runs in her name by the ledger's word */
  w_sign(w, IA_ORDER_DATASET, W_DATA);
  w_sign(w, IA_ORDER_REQUEST, W_WORKER);
  w_deal(w);
  expect(w, IA_OK);
  w->known_key = w->who[W_USER].addr;
  expect(w, IA_E_ORDER_SIGNATURE);
  w_close(w);
}

static void test_memory(void **state)
{
  (void)state;
  REFUSED(IA_E_LEDGER_ROLLBACK, w->rolled_back = true);
  REFUSED(IA_E_VOLUME_SPENT, w->order_tasks = 10);
  REFUSED(IA_OK, w->order_tasks = 9);
  REFUSED(IA_E_ORDER_CLOSED, w->closed = true);
  REFUSED(IA_E_REVOKED, w->revoked = true);
  REFUSED(IA_E_REVOKED, w->revoked_data = true);
  REFUSED(IA_E_RELEASE_LIMIT, w->releases.failed = 3);
  REFUSED(IA_OK, w->releases.failed = 2);
  REFUSED(IA_OK, w->releases.n = 1000);
  REFUSED(IA_E_RELEASE_PACE, w->releases.used = w->f.now + 61);
  REFUSED(IA_OK, w->releases.used = w->f.now + 60);
}

static void test_policy_clauses(void **state)
{
  (void)state;
  REFUSED(IA_E_POLICY_EXPIRED, w->policy = "{\"expires\":1780000000,\"v\":1}");
  REFUSED(IA_OK, w->policy = "{\"expires\":1780000001,\"v\":1}");
  REFUSED(IA_E_POLICY_EXPIRED, w->policy = "{\"notBefore\":1780000001,\"v\":1}");
  REFUSED(IA_E_POLICY_REQUESTER, w->policy = "{\"requesters\":[],\"v\":1}");
  REFUSED(IA_E_POLICY_PURPOSE, w->policy = "{\"purposes\":[\"research\"],\"v\":1}");
  REFUSED(IA_E_POLICY_BUDGET, w->policy = "{\"runs\":{\"total\":2},\"v\":1}"; w->total = 2);
  REFUSED(IA_E_POLICY_BUDGET, w->policy = "{\"runs\":{\"daily\":2},\"v\":1}"; w->today = 2);
  REFUSED(IA_OK, w->policy = "{\"runs\":{\"daily\":2,\"total\":9},\"v\":1}"; w->today = 1);
  REFUSED(IA_E_POLICY_RESULT, w->policy = "{\"plainResult\":false,\"v\":1}");
  REFUSED(IA_E_POLICY_UNKNOWN, w->policy = "{\"minimumTcb\":\"UpToDate\",\"v\":1}");
}

static void expect_params(const char *params, ia_code code, bool secret, const char *key)
{
  struct world *w = w_open(params);

  w->no_requester_secret = !secret;
  w->result_key = key;
  expect(w, code);
  w_close(w);
}

static void test_secrets_and_result(void **state)
{
  (void)state;
  REFUSED(IA_E_SECRET_MISSING, w->no_dataset_key = true);
  expect_params("{\"iexec_secrets\":{\"1\":\"my-key\"}}", IA_E_SECRET_MISSING, false, NULL);
  expect_params("{\"iexec_secrets\":{\"1\":\"my-key\"}}", IA_OK, true, NULL);
  expect_params("{\"iexec_result_encryption\":true}", IA_E_RESULT_KEY_MISSING, true, NULL);
  expect_params("{\"iexec_result_encryption\":true}", IA_E_RESULT_KEY_INVALID, true, "no key");
  expect_params("{\"iexec_result_storage_provider\":\"dropbox\"}", IA_E_STORAGE_UNSUPPORTED, true,
                NULL);
  expect_params("{\"iexec_args\":", IA_E_PARAMS_INVALID, true, NULL);
  expect_params("{\"bulk_cid\":\"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnHfHG\"}",
                IA_E_DEAL_MISMATCH, true, NULL);
}

/* An app's secret leaves for an order of who pushed it, and for no other owner's. */
static void test_a_former_owners_app_secret_stays(void **state)
{
  struct world *w = w_open("");
  IA_AUTOV(ia_release_plan) mine = {0}, other = {0};

  (void)state;
  w->has_app_secret = true;
  w->app_pusher = w->who[W_APP].addr;
  assert_int_equal(decide(w, &mine), IA_OK);
  assert_true(mine.app_secret);
  w->app_pusher = w->who[W_USER].addr;
  assert_int_equal(decide(w, &other), IA_OK);
  assert_false(other.app_secret);
  w_close(w);
}

/* `iapp why` before a deal: the same decision without lease, task and deal. */
static void test_planned_orders(void **state)
{
  struct world *w = w_open("");

  (void)state;
  w->f.planned = true;
  w->f.has_lease = w->f.has_task = w->f.has_deal = false;
  expect(w, IA_OK);
  w->revoked = true;
  expect(w, IA_E_REVOKED);
  w_close(w);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_honest_world_is_released),
      cmocka_unit_test(test_a_pools_address_proves_its_owner),
      cmocka_unit_test(test_lease),
      cmocka_unit_test(test_task),
      cmocka_unit_test(test_orders),
      cmocka_unit_test(test_deal),
      cmocka_unit_test(test_assets),
      cmocka_unit_test(test_owner_by_transactions),
      cmocka_unit_test(test_owner_by_a_chain),
      cmocka_unit_test(test_owner_by_message),
      cmocka_unit_test(test_owners_have_one_order),
      cmocka_unit_test(test_consent_proves_one_transfer),
      cmocka_unit_test(test_presigned_orders_are_proven_by_their_transaction),
      cmocka_unit_test(test_every_kind_is_presigned_by_its_owner_alone),
      cmocka_unit_test(test_the_ledgers_word_is_listed_and_can_be_refused),
      cmocka_unit_test(test_a_key_owner_is_no_contract),
      cmocka_unit_test(test_memory),

      cmocka_unit_test(test_policy_clauses),
      cmocka_unit_test(test_secrets_and_result),
      cmocka_unit_test(test_a_former_owners_app_secret_stays),
      cmocka_unit_test(test_planned_orders),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
