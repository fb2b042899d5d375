/* Every row of docs/ledger-reverts.md by JSON-RPC, under both rule sets: row, message, data. */
#include "reverts_lab.h"

enum { T = 300, DEPOSIT = 1000000 };

/* -- matchOrders: one field of matching orders changed -- */

typedef struct change {
  ia_revert_id id;
  size_t offset;
  uint8_t value;
} change;

#define FIELD(f) offsetof(ia_match, f)

static const change changes[] = {
    {IA_REVERT_MATCH_00, FIELD(request.category.w[0]), 1},
    {IA_REVERT_MATCH_02, FIELD(request.trust.w[0]), 1},
    {IA_REVERT_MATCH_03, FIELD(app.appprice.w[1]), 1},
    {IA_REVERT_MATCH_04, FIELD(dataset.datasetprice.w[0]), 9},
    {IA_REVERT_MATCH_05, FIELD(workerpool.workerpoolprice.w[0]), 101},
    {IA_REVERT_MATCH_06, FIELD(request.tag.b[30]), 1},
    {IA_REVERT_MATCH_07, FIELD(app.tag.b[31]), 8},
    {IA_REVERT_MATCH_10, FIELD(request.app.b[0]), 0x77},
    {IA_REVERT_MATCH_11, FIELD(request.dataset.b[0]), 0x77},
    {IA_REVERT_MATCH_12, FIELD(request.workerpool.b[0]), 0x77},
    {IA_REVERT_MATCH_13, FIELD(app.datasetrestrict.b[0]), 0x77},
    {IA_REVERT_MATCH_14, FIELD(app.workerpoolrestrict.b[0]), 0x77},
    {IA_REVERT_MATCH_15, FIELD(app.requesterrestrict.b[0]), 0x77},
    {IA_REVERT_MATCH_16, FIELD(dataset.apprestrict.b[0]), 0x77},
    {IA_REVERT_MATCH_17, FIELD(dataset.workerpoolrestrict.b[0]), 0x77},
    {IA_REVERT_MATCH_18, FIELD(dataset.requesterrestrict.b[0]), 0x77},
    {IA_REVERT_MATCH_19, FIELD(workerpool.apprestrict.b[0]), 0x77},
    {IA_REVERT_MATCH_1A, FIELD(workerpool.datasetrestrict.b[0]), 0x77},
    {IA_REVERT_MATCH_1B, FIELD(workerpool.requesterrestrict.b[0]), 0x77},
    {IA_REVERT_NO_OWNER, FIELD(workerpool.workerpool.b[0]), 0x77},
    {IA_REVERT_MATCH_21, FIELD(app.salt.b[0]), 1},
    {IA_REVERT_MATCH_31, FIELD(dataset.salt.b[0]), 1},
    {IA_REVERT_MATCH_41, FIELD(workerpool.salt.b[0]), 1},
    {IA_REVERT_MATCH_50, FIELD(request.salt.b[0]), 1},
};
enum { CHANGES = IA_COUNT(changes) };

static ia_match changed(const ia_match *good, const change *c)
{
  ia_match m = *good;

  *((uint8_t *)&m + c->offset) = c->value;
  return m;
}

/* The checks stand in this order: of two faults the earlier one answers. */
static void order_of_checks(world *w, const ia_match *good)
{
  for (size_t i = 0; i < CHANGES; i++) {
    ia_match m = changed(good, &changes[i]);

    no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, changes[i].id);
    /* signatures and owners answer last; the pool's owner is asked after the app and the data */
    if (i + 1 == CHANGES || changes[i].id >= IA_REVERT_NO_OWNER)
      continue;
    m = changed(&m, &changes[i + 1]);
    no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, changes[i].id);
  }
}

static void matching(world *w)
{
  static const uint8_t zeros[65];
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match good, m;

  world_orders(w, &good, 1);
  world_sign(w, &good, sigs);
  order_of_checks(w, &good);
  m = good;
  m.request.category = m.workerpool.category = ia_u256_of(5);
  no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, IA_REVERT_MATCH_01);
  m = good;
  m.app.app = m.request.app = w->dataset;
  no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, IA_REVERT_MATCH_20);
  m = good;
  m.dataset.dataset = m.request.dataset = w->app;
  no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, IA_REVERT_MATCH_30);
  m = good;
  m.workerpool.workerpool = w->hub;
  no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, IA_REVERT_MATCH_40);
  m = good;
  m.request.sign.len = 3;
  no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, IA_REVERT_SIGNATURE_FORMAT);
  m = good;
  m.request.requester = nobody; /* what recovers to nothing recovers to the zero address */
  m.request.sign = IA_SPAN_ARR(zeros);
  no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, IA_REVERT_ESCROW_FROM);
  no(w, STRANGER, &w->hub, IA_CALL_SPONSOR_MATCH_ORDERS, &good, IA_REVERT_ESCROW_BALANCE);
  m = good;
  m.app.appprice = m.request.appmaxprice = most();
  world_sign(w, &m, sigs);
  no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, IA_REVERT_ARITHMETIC);
}

static void managing(world *w)
{
  ia_sig sigs[IA_ORDER_KINDS];
  ia_order_op op = {.order.kind = IA_ORDER_APP, .operation = IA_ORDER_CLOSE};
  IA_AUTOV(ia_buf) data = {0};
  ia_match m;

  world_orders(w, &m, 1);
  world_sign(w, &m, sigs);
  op.order.app = m.app;
  op.sign = IA_SPAN_ARR(sigs[IA_ORDER_DATASET].b);
  no(w, STRANGER, &w->hub, IA_CALL_MANAGE_APP_ORDER, &op, IA_REVERT_MANAGE_SENDER);
  op.operation = 2;
  no(w, APP_OWNER, &w->hub, IA_CALL_MANAGE_APP_ORDER, &op, IA_REVERT_MANAGE_OPERATION);
  op.operation = IA_ORDER_CLOSE;
  yes(w, APP_OWNER, &w->hub, IA_CALL_MANAGE_APP_ORDER, &op);
  no(w, STRANGER, &w->hub, IA_CALL_MATCH_ORDERS, &m, IA_REVERT_MATCH_60);
  ia_call_encode(&data, IA_CALL_MATCH_ORDERS, &m);
  no_raw(w, STRANGER, &w->hub, ia_span_of(data.ptr, data.len / 2), "0x0", IA_REVERT_CALLDATA);
}

/* A signature that says to be endless, in an order that is hashed. */
static void endless(world *w)
{
  enum { LENGTH_AT = 4 + 13 * 32 }; /* behind the operation (4 words) and the order (9) */
  IA_AUTOV(ia_buf) data = {0};
  ia_order_op op = {.operation = IA_ORDER_SIGN};

  op.order.app.app = w->app;
  ia_call_encode(&data, IA_CALL_MANAGE_APP_ORDER, &op);
  data.ptr[LENGTH_AT] = 1;
  no_raw(w, APP_OWNER, &w->hub, ia_buf_view(&data), "0x0", IA_REVERT_CALLDATA_LENGTH);
}

/* -- bulk -- */

static void bulk_sign(world *w, ia_bulk_check *b, ia_sig *sig)
{
  ia_h256 hash;

  b->order.sign = IA_SPAN_ARR(sig->b);
  ia_order_hash(&hash, &w->separator, IA_ORDER_DATASET, &b->order);
  assert_true(ia_secp_sign(w->secp, sig, &hash, &w->key[DATA_OWNER], NULL));
}

static void bulk(world *w, const ia_h256 *without_data, const ia_h256 *with_data)
{
  static const struct {
    ia_revert_id id;
    size_t offset;
    uint8_t value;
  } rows[] = {
      {IA_REVERT_BULK_CONSUMED, offsetof(ia_dataset_order, volume), 0},
      {IA_REVERT_BULK_APP, offsetof(ia_dataset_order, apprestrict), 0x77},
      {IA_REVERT_BULK_WORKERPOOL, offsetof(ia_dataset_order, workerpoolrestrict), 0x77},
      {IA_REVERT_BULK_REQUESTER, offsetof(ia_dataset_order, requesterrestrict), 0x77},
      {IA_REVERT_BULK_TAG, offsetof(ia_dataset_order, tag.b[30]), 1},
  };
  const ia_call_id call = IA_CALL_ASSERT_DATASET_DEAL_COMPATIBILITY;
  ia_bulk_check good = {.dealid = *without_data}, b;
  ia_match m;
  ia_sig sig;

  world_orders(w, &m, 7);
  good.order = m.dataset;
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    b = good;
    *((uint8_t *)&b.order + rows[i].offset) = rows[i].value;
    bulk_sign(w, &b, &sig);
    no(w, STRANGER, &w->hub, call, &b, rows[i].id);
  }
  b = good;
  bulk_sign(w, &b, &sig);
  b.order.salt.b[5] ^= 1;
  no(w, STRANGER, &w->hub, call, &b, IA_REVERT_BULK_SIGNATURE);
  bulk_sign(w, &b, &sig);
  b.dealid.b[0] ^= 1;
  no(w, STRANGER, &w->hub, call, &b, IA_REVERT_BULK_DEAL);
  b.dealid = *with_data;
  no(w, STRANGER, &w->hub, call, &b, IA_REVERT_BULK_DATASET);
}

/* -- tasks -- */

/* A deal of that trust without enclaves, without data when that is wanted. */
static ia_h256 deal_of(world *w, uint64_t trust, bool data, bool tee, const ia_addr *callback)
{
  static uint8_t salt;
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;

  world_orders(w, &m, 3);
  if (!tee)
    m.app.tag = m.dataset.tag = m.workerpool.tag = m.request.tag = ia_tag_of(0);
  if (!data) {
    memset(&m.dataset, 0, sizeof(m.dataset));
    m.request.dataset = nobody;
  }
  m.request.callback = *callback;
  m.request.trust = m.workerpool.trust = ia_u256_of(trust);
  m.app.salt.b[1] = m.dataset.salt.b[1] = m.workerpool.salt.b[1] = m.request.salt.b[1] = ++salt;
  world_sign(w, &m, sigs);
  return world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
}

/* Arguments of contribute without an enclave; the seal may be another worker's. */
static void given(world *w, ia_args *a, ia_sig *sig, person who, person sealed_by,
                  const ia_h256 *task, uint8_t result)
{
  ia_h256 message, digest;

  memset(digest.b, result, 32);
  *a = (ia_args){.id = {*task}};
  ia_result_hash(&a->id[1], task, &digest);
  ia_result_seal(&a->id[2], &w->who[sealed_by], task, &digest);
  ia_authorization_message(&message, &w->who[who], task, &nobody);
  assert_true(ia_eip191_sign(w->secp, sig, IA_SPAN_ARR(message.b), &w->key[POOL_OWNER], NULL));
  a->bytes[1] = IA_SPAN_ARR(sig->b);
}

static void contribute(world *w, person who, person sealed_by, const ia_h256 *task, uint8_t result)
{
  ia_args a;
  ia_sig sig;

  given(w, &a, &sig, who, sealed_by, task, result);
  yes(w, who, &w->hub, IA_CALL_CONTRIBUTE, &a);
}

static void one_shot(world *w, const ia_h256 *task, ia_revert_id id)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args a;

  world_proofs(w, &a, task, "r", NULL, &store);
  no(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, id);
}

static void one_worker(world *w, const ia_h256 *task)
{
  ia_args a;
  ia_sig sig;

  given(w, &a, &sig, WORKER, WORKER, task, 0xaa);
  no(w, STRANGER, &w->hub, IA_CALL_CONTRIBUTE, &a, IA_REVERT_AUTHORIZATION);
  no(w, STRANGER, &w->hub, IA_CALL_RESULT_FOR, &a, IA_REVERT_TASK_PENDING);
  no(w, STRANGER, &w->hub, IA_CALL_CLAIM, &a, IA_REVERT_CLAIM_EARLY);
  at(w, 7 * T);
  no(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE, &a, IA_REVERT_CONTRIBUTION_LATE);
  at(w, 0);
  contribute(w, WORKER, STRANGER, task, 0xaa);
  a.id[0] = *task;
  no(w, WORKER, &w->hub, IA_CALL_REOPEN, &a, IA_REVERT_NOT_SCHEDULER);
  no(w, POOL_OWNER, &w->hub, IA_CALL_REOPEN, &a, IA_REVERT_REOPEN_EARLY);
  no(w, POOL_OWNER, &w->hub, IA_CALL_FINALIZE, &a, IA_REVERT_FINALIZE_EARLY);
  a.id[1].b[0] ^= 1;
  no(w, WORKER, &w->hub, IA_CALL_REVEAL, &a, IA_REVERT_REVEAL_HASH);
  memset(a.id[1].b, 0xaa, 32);
  no(w, WORKER, &w->hub, IA_CALL_REVEAL, &a, IA_REVERT_REVEAL_SEAL);
  no(w, STRANGER, &w->hub, IA_CALL_REVEAL, &a, IA_REVERT_REVEAL_STATUS);
  at(w, 2 * T);
  no(w, WORKER, &w->hub, IA_CALL_REVEAL, &a, IA_REVERT_REVEAL_LATE);
  at(w, 10 * T);
  no(w, POOL_OWNER, &w->hub, IA_CALL_REOPEN, &a, IA_REVERT_FINAL_LATE);
  at(w, 0);
}

static void beginning(world *w)
{
  const ia_addr callback = {{0x5f}};
  ia_h256 deal = deal_of(w, 1, true, false, &nobody), called = deal_of(w, 1, true, true, &callback);
  ia_h256 trusted = deal_of(w, 2, true, true, &nobody), task = world_initialize(w, &deal, 0);
  ia_h256 other = world_initialize(w, &trusted, 0), third = world_initialize(w, &called, 0);
  ia_args a = {.id = {deal}, .value = {ia_u256_of(3)}};
  ia_sig sig;

  no(w, STRANGER, &w->hub, IA_CALL_INITIALIZE, &a, IA_REVERT_INIT_INDEX);
  a.value[0] = ia_u256_of(0);
  no(w, STRANGER, &w->hub, IA_CALL_INITIALIZE, &a, IA_REVERT_INIT_STATUS);
  a.list[0] = (ia_words){deal.b, 1};
  no(w, STRANGER, &w->hub, IA_CALL_INITIALIZE_ARRAY, &a, IA_REVERT_ARRAY_LENGTHS);
  one_shot(w, &deal, IA_REVERT_NOT_ACTIVE); /* no task has this id */
  one_shot(w, &other, IA_REVERT_TRUST);
  one_shot(w, &third, IA_REVERT_CALLBACK_DIGEST);
  given(w, &a, &sig, WORKER, WORKER, &other, 0xaa);
  no(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE, &a, IA_REVERT_ENCLAVE_MISSING);
  one_worker(w, &task);
}

static void agreeing(world *w)
{
  ia_h256 deal = deal_of(w, 3, true, false, &nobody), task = world_initialize(w, &deal, 0);
  ia_h256 enclaved = deal_of(w, 1, true, true, &nobody), second = world_initialize(w, &enclaved, 0);
  IA_AUTOV(ia_buf) store = {0};
  ia_args a;
  ia_sig sig;

  contribute(w, WORKER, WORKER, &task, 0xbb);
  one_shot(w, &task, IA_REVERT_CONTRIBUTORS);
  given(w, &a, &sig, WORKER, WORKER, &task, 0xaa);
  no(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE, &a, IA_REVERT_CONTRIBUTED);
  a.id[1] = a.id[2];
  no(w, WORKER, &w->hub, IA_CALL_REVEAL, &a, IA_REVERT_NOT_REVEALING);
  contribute(w, POOL_OWNER, POOL_OWNER, &task, 0xaa);
  contribute(w, REQUESTER, REQUESTER, &task, 0xaa);
  contribute(w, STRANGER, STRANGER, &task, 0xaa);
  memset(a.id[1].b, 0xbb, 32);
  no(w, WORKER, &w->hub, IA_CALL_REVEAL, &a, IA_REVERT_REVEAL_CONSENSUS);
  world_proofs(w, &a, &second, "r", NULL, &store);
  a.bytes[2] = a.bytes[3];
  no(w, WORKER, &w->hub, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, IA_REVERT_ENCLAVE_SIGNATURE);
  at(w, 10 * T);
  yes(w, STRANGER, &w->hub, IA_CALL_CLAIM, &a);
  no(w, STRANGER, &w->hub, IA_CALL_CLAIM, &a, IA_REVERT_CLAIM_STATUS);
  a.value[0] = ia_u256_of(5);
  no(w, STRANGER, &w->hub, IA_CALL_VIEW_CATEGORY, &a, IA_REVERT_NO_CATEGORY);
  no(w, STRANGER, &w->hub, IA_CALL_VIEW_CATEGORY_LEGACY, &a, IA_REVERT_NO_CATEGORY_LEGACY);
}

/* Too much at once, and not too much, but with too many events. */
static void much(world *w)
{
  enum { MOST = 10001, EVENTS = 1500 };
  ia_autofree uint8_t *deals = calloc(MOST, 32), *indexes = calloc(MOST, 32);
  ia_sig sigs[IA_ORDER_KINDS];
  ia_args a = {.list = {{deals, MOST}, {indexes, MOST}}};
  ia_match m;

  assert_true(deals && indexes);
  no(w, STRANGER, &w->hub, IA_CALL_INITIALIZE_ARRAY, &a, IA_REVERT_TOO_MUCH);
  no(w, STRANGER, &w->hub, IA_CALL_CLAIM_ARRAY, &a, IA_REVERT_TOO_MUCH);
  world_orders(w, &m, EVENTS);
  m.request.salt.b[3] = 1;
  world_sign(w, &m, sigs);
  ia_h256 deal = world_match(w, &m, STRANGER, IA_CALL_MATCH_ORDERS);
  for (size_t i = 0; i < EVENTS; i++) {
    memcpy(deals + 32 * i, deal.b, 32);
    indexes[32 * i + 30] = (uint8_t)(i >> 8);
    indexes[32 * i + 31] = (uint8_t)i;
  }
  at(w, 20 * T);
  a.list[0].n = a.list[1].n = EVENTS; /* seven each */
  no(w, STRANGER, &w->hub, IA_CALL_INITIALIZE_AND_CLAIM_ARRAY, &a, IA_REVERT_TOO_MUCH);
  a.list[0].n = a.list[1].n = EVENTS - 100;
  IA_AUTO_JSON *receipt =
      world_send(w, STRANGER, &w->hub, IA_CALL_INITIALIZE_AND_CLAIM_ARRAY, &a, true);
  IA_AUTO_JSON *logs = world_ask(w, "eth_getLogs", "[{\"fromBlock\":\"latest\"}]");
  assert_int_equal(json_array_size(logs), json_array_size(json_object_get(receipt, "logs")));
}

/* -- money -- */

static void hub_money(world *w)
{
  static const uint8_t word[32] = {0};
  ia_args to_none = {.value = {ia_u256_of(0)}}, much = {.value = {most(), most()}};
  ia_args from_none = {.addr = {nobody, w->hub}}, arrays = {.list = {{word, 1}, {word, 0}}};

  much.addr[0] = w->who[WORKER];
  no(w, STRANGER, &w->hub, IA_CALL_TRANSFER_FROM, &from_none, IA_REVERT_HUB_FROM_ZERO);
  no(w, STRANGER, &w->hub, IA_CALL_TRANSFER, &to_none, IA_REVERT_HUB_TO_ZERO);
  no(w, STRANGER, &w->hub, IA_CALL_DEPOSIT_FOR, &to_none, IA_REVERT_HUB_MINT_ZERO);
  no(w, STRANGER, &w->hub, IA_CALL_APPROVE, &to_none, IA_REVERT_HUB_APPROVE_ZERO);
  no(w, STRANGER, &w->hub, IA_CALL_WITHDRAW, &much, IA_REVERT_HUB_BALANCE);
  no(w, STRANGER, &w->hub, IA_CALL_DECREASE_ALLOWANCE, &much, IA_REVERT_HUB_ALLOWANCE);
  no(w, STRANGER, &w->hub, IA_CALL_DEPOSIT_FOR_ARRAY, &arrays, IA_REVERT_DEPOSIT_ARRAYS);
  ia_args other = {.addr = {w->who[STRANGER], w->hub}};
  no(w, STRANGER, &w->hub, IA_CALL_RECEIVE_APPROVAL, &other, IA_REVERT_WRONG_TOKEN);
}

/* Only 6.2 looks at the data of approveAndCall. */
static void matching_deposits(world *w)
{
  ia_args a = {.addr = {w->hub}, .bytes = {ia_span_str("\xde\xad\xbe\xef")}};
  IA_AUTOV(ia_buf) data = {0};
  ia_sig sigs[IA_ORDER_KINDS];
  ia_match m;

  no(w, STRANGER, &w->token, IA_CALL_APPROVE_AND_CALL, &a, IA_REVERT_UNSUPPORTED_OPERATION);
  world_orders(w, &m, 1);
  m.workerpool.workerpool.b[0] ^= 0x77;
  world_sign(w, &m, sigs);
  ia_call_encode(&data, IA_CALL_MATCH_ORDERS, &m);
  a.bytes[0] = ia_buf_view(&data);
  no(w, STRANGER, &w->token, IA_CALL_APPROVE_AND_CALL, &a, IA_REVERT_NOT_THE_REQUESTER);
  no(w, REQUESTER, &w->token, IA_CALL_APPROVE_AND_CALL, &a, IA_REVERT_OPERATION_FAILED);
}

static void administration(world *w)
{
  ia_args a = {.addr = {w->hub, w->hub, w->hub}, .value = {most()}};

  no(w, STRANGER, &w->hub, IA_CALL_CREATE_CATEGORY, &a, IA_REVERT_NOT_HUB_OWNER);
  no(w, POOL_OWNER, &w->hub, IA_CALL_CREATE_CATEGORY, &a, IA_REVERT_CATEGORY_TIME);
  no(w, POOL_OWNER, &w->hub, IA_CALL_CONFIGURE, &a, IA_REVERT_CONFIGURED);
  no(w, POOL_OWNER, &w->hub, IA_CALL_IMPORT_SCORE, &a, IA_REVERT_IMPORT_SCORE);
  no(w, POOL_OWNER, &w->hub, IA_CALL_CHANGE_REGISTRIES, &a, IA_REVERT_REGISTRIES_FIXED);
  a.addr[0] = nobody;
  no(w, POOL_OWNER, &w->registry[0], IA_CALL_TRANSFER_OWNERSHIP, &a, IA_REVERT_NEW_OWNER_ZERO);
  no_raw(w, STRANGER, &w->hub, ia_span_str("\xde\xad\xbe\xef"), "0x0", IA_REVERT_NO_FUNCTION_HUB);
  no_raw(w, STRANGER, &w->token, ia_span_str("\xde\xad\xbe\xef"), "0x0", IA_REVERT_NO_FUNCTION);
  no_raw(w, STRANGER, &w->hub, ia_span_of(NULL, 0), "0x1", IA_REVERT_NO_FUNCTION_HUB);
  no_raw(w, STRANGER, &w->hub, ia_span_str("\xfc\x0c\x54\x6a"), "0x1", IA_REVERT_NOT_PAYABLE);
  no(w, STRANGER, &w->hub, IA_CALL_TRANSFER_OWNERSHIP, &a, IA_REVERT_NOT_DIAMOND_OWNER);
  no_raw(w, STRANGER, NULL, ia_span_str("\x60"), "0x0", IA_REVERT_NO_CREATE);
}

/* -- registries, entries, groups -- */

static ia_u256 token_id(const ia_addr *entry)
{
  uint8_t be[32] = {0};

  memcpy(be + 12, entry->b, 20);
  return ia_u256_from_be(be);
}

static void missing_entries(world *w)
{
  const ia_addr *r = &w->registry[IA_ASSET_APP];
  ia_args a = {.value = {ia_u256_of(77)}}, index = {.addr = {w->who[APP_OWNER]}};

  index.value[0] = ia_u256_of(9);
  no(w, STRANGER, r, IA_CALL_OWNER_OF, &a, IA_REVERT_NFT_NONE);
  a.addr[1] = w->hub;
  no(w, STRANGER, r, IA_CALL_NFT_TRANSFER_FROM, &a, IA_REVERT_NFT_NONE_MOVED);
  no(w, STRANGER, r, IA_CALL_GET_APPROVED, &a, IA_REVERT_NFT_NONE_APPROVED);
  no(w, STRANGER, r, IA_CALL_TOKEN_URI, &a, IA_REVERT_NFT_NONE_URI);
  no(w, STRANGER, r, IA_CALL_BALANCE_OF, &a, IA_REVERT_NFT_BALANCE_ZERO);
  no(w, STRANGER, r, IA_CALL_TOKEN_OF_OWNER_BY_INDEX, &index, IA_REVERT_NFT_OWNER_INDEX);
  no(w, STRANGER, r, IA_CALL_TOKEN_BY_INDEX, &a, IA_REVERT_NFT_INDEX);
  ia_args app = {.addr = {w->who[APP_OWNER]},
                 .bytes = {ia_span_str("app"), ia_span_str("DOCKER"), ia_span_str("/ipfs/Qm")}};
  memset(app.id[0].b, 0xa1, 32);
  no(w, STRANGER, r, IA_CALL_CREATE_APP, &app, IA_REVERT_CREATE_TWICE);
  app.addr[0] = nobody;
  no(w, STRANGER, r, IA_CALL_CREATE_APP, &app, IA_REVERT_MINT_ZERO);
}

static void moving_entries(world *w)
{
  const ia_addr *r = &w->registry[IA_ASSET_APP];
  ia_args a = {.addr = {w->who[APP_OWNER], nobody}, .value = {token_id(&w->app)}};

  no(w, APP_OWNER, r, IA_CALL_NFT_TRANSFER_FROM, &a, IA_REVERT_NFT_TO_ZERO);
  a.addr[1] = w->who[STRANGER];
  no(w, STRANGER, r, IA_CALL_NFT_TRANSFER_FROM, &a, IA_REVERT_NFT_NOT_APPROVED);
  a.addr[0] = w->who[WORKER];
  no(w, APP_OWNER, r, IA_CALL_NFT_TRANSFER_FROM, &a, IA_REVERT_NFT_WRONG_OWNER);
  a.addr[0] = w->who[APP_OWNER];
  a.addr[1] = w->hub;
  no(w, APP_OWNER, r, IA_CALL_SAFE_TRANSFER_FROM, &a, IA_REVERT_NO_FUNCTION_HUB);
  a.addr[1] = w->token;
  no(w, APP_OWNER, r, IA_CALL_SAFE_TRANSFER_FROM, &a, IA_REVERT_NFT_RECEIVER);
  if (rules == &ia_poco_v6_1)
    no(w, APP_OWNER, r, IA_CALL_NFT_APPROVE, &a, IA_REVERT_NFT_APPROVE_OWNER);
  a.addr[0] = w->hub;
  no(w, STRANGER, r, IA_CALL_NFT_APPROVE, &a, IA_REVERT_NFT_APPROVER);
  a.addr[0] = rules == &ia_poco_v6_1 ? w->who[STRANGER] : nobody;
  a.flag = true;
  no(w, STRANGER, r, IA_CALL_SET_APPROVAL_FOR_ALL, &a, IA_REVERT_NFT_OPERATOR);
  no(w, STRANGER, r, IA_CALL_SET_BASE_URI, &a, IA_REVERT_NOT_REGISTRY_OWNER);
  no(w, POOL_OWNER, r, IA_CALL_INITIALIZE_REGISTRY, &a, IA_REVERT_REGISTRY_READY);
}

static void entries_groups_wallets(world *w)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args a = {.value = {ia_u256_of(1), ia_u256_of(101)}}, key = {.value = {ia_u256_of(4)}};

  no(w, STRANGER, &w->pool, IA_CALL_CHANGE_POLICY, &a, IA_REVERT_NOT_ENTRY_OWNER);
  no(w, POOL_OWNER, &w->pool, IA_CALL_CHANGE_POLICY, &a, IA_REVERT_POLICY_RATIO);
  no(w, POOL_OWNER, &w->pool, IA_CALL_SET_NAME, &a, IA_REVERT_NAMES_OFF);
  no(w, POOL_OWNER, &w->pool, IA_CALL_INIT_WORKERPOOL, &a, IA_REVERT_ENTRY_READY);
  no(w, STRANGER, &w->group, IA_CALL_ADD_KEY, &key, IA_REVERT_NOT_GROUP_OWNER);
  no(w, POOL_OWNER, &w->group, IA_CALL_REMOVE_KEY, &key, IA_REVERT_GROUP_NO_KEY);
  memcpy(key.id[0].b + 12, w->group.b, 20);
  no(w, POOL_OWNER, &w->group, IA_CALL_ADD_KEY, &key, IA_REVERT_GROUP_HAS_KEY);
  yes(w, STRANGER, &w->group_factory, IA_CALL_CREATE_GROUP, &key);
  no(w, STRANGER, &w->group_factory, IA_CALL_CREATE_GROUP, &key, IA_REVERT_GROUP_EXISTS);
  world_view(w, &w->wallet_factory, IA_CALL_CREATE_WALLET, &key, &a, &store);
  yes(w, STRANGER, &w->wallet_factory, IA_CALL_CREATE_WALLET, &key);
  no(w, STRANGER, &w->wallet_factory, IA_CALL_CREATE_WALLET, &key, IA_REVERT_WALLET_EXISTS);
  no(w, POOL_OWNER, &a.addr[0], IA_CALL_EXECUTE, &a, IA_REVERT_NOT_WALLET_OWNER);
  no(w, STRANGER, &a.addr[0], IA_CALL_EXECUTE, &a, IA_REVERT_WALLET_TO_WALLET);
}

/* A ledger that is neither for tests nor on loopback. */
static void faucet_off(world *w)
{
  ia_ledger_config c = {.genesis.pool_owner = w->who[POOL_OWNER]};
  ia_ledger *other = NULL, *mine = w->l;
  ia_args a = {.value = {ia_u256_of(1)}};
  IA_AUTO_JSON *info = NULL;
  ia_addr token;
  ia_err e;

  c.genesis.rules = rules->name;
  assert_true(ia_ledger_open(&other, &c, &e));
  info = ia_ledger_info(other, &e);
  assert_true(ia_json_get_addr(info, "token", &token, &e));
  w->l = other;
  no(w, STRANGER, &token, IA_CALL_FAUCET, &a, IA_REVERT_FAUCET_OFF);
  w->l = mine;
  ia_ledger_close(other);
}

static void deposits(world *w)
{
  ia_args a = {.addr = {w->hub}, .value = {ia_u256_of(DEPOSIT)}};

  yes(w, STRANGER, &w->token, IA_CALL_FAUCET, &a);
  yes(w, STRANGER, &w->token, IA_CALL_APPROVE_AND_CALL, &a);
}

/* What no call on this ledger can bring about: consumed never passes the volume (the rule is asked
 * in tests/poco), nothing is owned by the zero address, and every contract takes approvals or
 * reverts.
 */
static bool out_of_reach(int id)
{
  bool by_data = id == IA_REVERT_UNSUPPORTED_OPERATION || id == IA_REVERT_NOT_THE_REQUESTER ||
                 id == IA_REVERT_OPERATION_FAILED;

  return id == IA_REVERT_OVERCONSUMED ||
         (id == IA_REVERT_NFT_APPROVE_OWNER && rules != &ia_poco_v6_1) ||
         id == IA_REVERT_ESCROW_TO || id == IA_REVERT_APPROVAL_REFUSED ||
         (by_data && rules == &ia_poco_v6_1);
}

static void every_row_answers(const char *name)
{
  world w;
  ia_h256 with_data, without_data;

  rules = ia_poco_rules_named(ia_span_str(name));
  memset(seen, 0, sizeof(seen));
  world_set_clock(START);
  world_open(&w, false, name);
  world_settle_in(&w);
  matching(&w);
  managing(&w);
  endless(&w);
  deposits(&w);
  with_data = deal_of(&w, 1, true, true, &nobody);
  without_data = deal_of(&w, 1, false, true, &nobody);
  bulk(&w, &without_data, &with_data);
  beginning(&w);
  agreeing(&w);
  much(&w);
  hub_money(&w);
  token_money(&w);
  money_of_nobody(&w);
  if (rules == &ia_poco_v6_2)
    matching_deposits(&w);
  administration(&w);
  missing_entries(&w);
  moving_entries(&w);
  entries_groups_wallets(&w);
  faucet_off(&w);
  for (int id = IA_REVERT_NONE + 1; id < IA_REVERT_FAULT; id++)
    if (!seen[id] && !out_of_reach(id))
      fail_msg("no call was refused with %s", ia_revert_row_of((ia_revert_id)id)->id);
  world_close(&w);
}

static void every_row_of_6_2(void **state IA_UNUSED)
{
  every_row_answers("6.2");
}

static void every_row_of_6_1(void **state IA_UNUSED)
{
  every_row_answers("6.1");
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_row_of_6_2),
      cmocka_unit_test(every_row_of_6_1),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
