/* Owners who change: by messages, by transactions, by neither; what a former owner said. */
#include "sms_lab.h"
#include "sms_owner.h"

static void test_an_owner_moves_her_data_by_message(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_descriptor d;
  char body[80];

  (void)state;
  lab_descriptor(b, &d);
  (void)!snprintf(body, sizeof(body), "{\"to\":\"%s\"}",
                  ia_addr_lower(&b->w->who[W_WORKER].addr).s);
  lab_message(b, W_DATA, "policy", &b->w->dataset, 3, "{\"requesters\":[],\"v\":1}");
  assert_string_equal(b->error, "");
  lab_message(b, W_WORKER, "transfer", &b->w->dataset, 1, body);
  assert_string_equal(b->error, "UNAUTHORIZED");
  lab_message(b, W_DATA, "transfer", &b->w->dataset, 1,
              "{\"to\":\"0x0000000000000000000000000000000000000000\"}");
  assert_string_equal(b->error, "INVALID");
  lab_message(b, W_DATA, "transfer", &b->w->dataset, 1, body);
  assert_string_equal(b->error, "");
  assert_string_equal(outcome_of(b, &d), "ORDER_SIGNATURE"); /* the old owner's order */
  lab_message(b, W_DATA, "policy", &b->w->dataset, 4, "{\"v\":1}");
  assert_string_equal(b->error, "UNAUTHORIZED");
  lab_message(b, W_DATA, "transfer", &b->w->dataset, 2, body);
  assert_string_equal(b->error, "UNAUTHORIZED");
  resign(b, W_WORKER);
  assert_string_equal(outcome_of(b, &d), "OK"); /* what the old owner wanted binds nobody */
  lab_message(b, W_WORKER, "policy", &b->w->dataset, 1, "{\"requesters\":[],\"v\":1}");
  assert_string_equal(b->error, "");
  restart(b);
  assert_string_equal(outcome_of(b, &d), "POLICY_REQUESTER");
  lab_close(b);
}

/* The ledger shows one more transfer, in a transaction that `by` signed. */
static void moved_by(struct lab *b, int by, int from, int to)
{
  struct world *w = b->w;
  ia_args args = {.addr = {w->who[from].addr, w->who[to].addr}};
  IA_AUTOV(ia_buf) data = {0};
  uint8_t word[32] = {0};
  ia_tx tx = {.type = 2, .chain_id = w->pins.chain_id, .gas = 100000, .nonce = b->n_moved};

  assert_true(b->n_moved < LAB_MOVES);
  tx.to = w->pins.registry[IA_ASSET_DATASET];
  memcpy(word + 12, w->dataset.b, 20);
  args.value[0] = ia_u256_from_be(word);
  ia_call_encode(&data, IA_CALL_TRANSFER_FROM, &args);
  tx.data = ia_buf_view(&data);
  ia_buf_clear(&b->transfer[b->n_moved]);
  b->moved[b->n_moved].from = w->who[from].addr;
  b->moved[b->n_moved].to = w->who[to].addr;
  assert_true(ia_tx_sign(&b->transfer[b->n_moved++], &tx, w->secp, &w->who[by].key, NULL));
}

static void moved(struct lab *b, int from, int to)
{
  moved_by(b, from, from, to);
}

/* Status of the owner's log as this one asks for it. */
static int log_of(struct lab *b, int who)
{
  IA_AUTO_JSON *asked = json_pack("{s:i}", "after", 0);
  struct lab_question q = {0};
  char path[128];
  int status;

  lab_ask(b, &q, who, "audit", &b->w->dataset, asked, ia_now_ms());
  (void)!snprintf(path, sizeof(path), "/owner/v1/log?object=%s", ia_addr_lower(&b->w->dataset).s);
  status = lab_raw(b, "GET", path, q.auth, ia_span_of(NULL, 0));
  ia_secret_free(&q.secret);
  return status;
}

#define SAYS(b, who, kind, version, body, code)                                                    \
  do {                                                                                             \
    lab_message(b, who, kind, &(b)->w->dataset, version, body);                                    \
    assert_string_equal((b)->error, code);                                                         \
  } while (0)

static void test_an_owner_moves_her_data_by_transaction(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_descriptor d;

  (void)state;
  lab_descriptor(b, &d);
  moved_by(b, W_USER, W_DATA, W_WORKER); /* by somebody else */
  assert_string_equal(outcome_of(b, &d), "OWNER_UNPROVEN");
  assert_int_equal(lab_push_key(b, W_DATA), 401);
  b->n_moved = 0;
  moved(b, W_DATA, W_WORKER);
  assert_string_equal(outcome_of(b, &d), "ORDER_SIGNATURE");
  SAYS(b, W_DATA, "revoke", 1, "{\"all\":true}", "UNAUTHORIZED");
  resign(b, W_WORKER);
  assert_string_equal(outcome_of(b, &d), "OK");
  lab_close(b);
}

static const char *to_whom(struct lab *b, char body[80], int who)
{
  (void)!snprintf(body, 80, "{\"to\":\"%s\"}", ia_addr_lower(&b->w->who[who].addr).s);
  return body;
}

/* Who sold the data reads no log, deletes no key and states no terms, whatever she said before. */
static void test_a_former_owner_owns_nothing(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_descriptor d;
  char body[80];

  (void)state;
  lab_descriptor(b, &d);
  SAYS(b, W_DATA, "transfer", 1, to_whom(b, body, W_WORKER), "");
  moved(b, W_DATA, W_WORKER);
  moved(b, W_WORKER, W_DATA); /* bought back */
  assert_int_equal(log_of(b, W_DATA), 200);
  assert_int_equal(log_of(b, W_WORKER), 401);
  SAYS(b, W_WORKER, "forget", 1, "{}", "UNAUTHORIZED");
  SAYS(b, W_WORKER, "policy", 1, "{\"v\":1}", "UNAUTHORIZED");
  assert_string_equal(outcome_of(b, &d), "OK");
  /* moved on the ledger by one whom the owner let do it: nobody is proven until she says so */
  moved_by(b, W_POOL, W_DATA, W_USER);
  for (int who = 0; who < W_PEOPLE; who++)
    assert_int_equal(log_of(b, who), 403);
  SAYS(b, W_DATA, "forget", 1, "{}", "OWNER_UNPROVEN");
  SAYS(b, W_USER, "forget", 1, "{}", "OWNER_UNPROVEN");
  assert_string_equal(outcome_of(b, &d), "OWNER_UNPROVEN");
  SAYS(b, W_WORKER, "transfer", 1, to_whom(b, body, W_USER), "UNAUTHORIZED");
  SAYS(b, W_DATA, "transfer", 2, to_whom(b, body, W_USER), "");
  assert_int_equal(log_of(b, W_DATA), 401);
  assert_int_equal(log_of(b, W_USER), 200);
  SAYS(b, W_DATA, "forget", 1, "{}", "UNAUTHORIZED");
  SAYS(b, W_USER, "forget", 1, "{}", "");
  lab_close(b);
}

/* The ledger names an owner to whom none of its transfers leads. */
static void test_an_owner_without_a_transfer_is_unproven(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_descriptor d;

  (void)state;
  lab_descriptor(b, &d);
  moved(b, W_DATA, W_WORKER);
  b->moved[0].to = b->w->who[W_USER].addr;
  assert_string_equal(outcome_of(b, &d), "OWNER_UNPROVEN");
  lab_close(b);
}

/* Versions are each owner's own, and small steps; what a seller said does not bind the buyer. */
static void test_a_seller_cannot_freeze_the_buyer_out(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_descriptor d;
  char body[80];

  (void)state;
  lab_descriptor(b, &d);
  SAYS(b, W_DATA, "policy", INT64_MAX, "{\"requesters\":[],\"v\":1}", "INVALID");
  SAYS(b, W_DATA, "policy", 65537, "{\"requesters\":[],\"v\":1}", "INVALID");
  SAYS(b, W_DATA, "policy", 65536, "{\"requesters\":[],\"v\":1}", "");
  SAYS(b, W_DATA, "policy", 131073, "{\"requesters\":[],\"v\":1}", "INVALID");
  SAYS(b, W_DATA, "policy", 131072, "{\"requesters\":[],\"v\":1}", "");
  SAYS(b, W_DATA, "policy", 131072, "{\"requesters\":[],\"v\":1}", ""); /* the very same */
  SAYS(b, W_DATA, "policy", 131072, "{\"v\":1}", "POLICY_ROLLBACK");
  SAYS(b, W_DATA, "revoke", 1, "{\"all\":true}", "");
  SAYS(b, W_DATA, "transfer", 65536, to_whom(b, body, W_APP), "");
  assert_string_equal(outcome_of(b, &d), "ORDER_SIGNATURE");
  moved(b, W_DATA, W_WORKER); /* the ledger has the last word */
  resign(b, W_WORKER);
  assert_string_equal(outcome_of(b, &d), "OK");
  SAYS(b, W_WORKER, "policy", 1, "{\"requesters\":[],\"v\":1}", "");
  assert_string_equal(outcome_of(b, &d), "POLICY_REQUESTER");
  SAYS(b, W_WORKER, "policy", 2, "{\"v\":1}", "");
  SAYS(b, W_WORKER, "transfer", 1, to_whom(b, body, W_DATA), "");
  moved(b, W_WORKER, W_DATA);
  resign(b, W_DATA); /* hers again: so are her terms */
  assert_string_equal(outcome_of(b, &d), "REVOKED");
  lab_close(b);
}

/* The seller's consent to what her transaction proves is acknowledged and changes nothing: so her
 * client knows that the SMS follows. To anybody else's, or to another buyer, it says no. */
static void test_a_proven_transfer_is_acknowledged(void **state)
{
  struct lab *b = lab_of(1, 1);
  ia_descriptor d;
  char body[80];

  (void)state;
  lab_descriptor(b, &d);
  moved(b, W_DATA, W_WORKER);
  SAYS(b, W_DATA, "transfer", 1, to_whom(b, body, W_USER), "UNAUTHORIZED");
  SAYS(b, W_USER, "transfer", 1, to_whom(b, body, W_WORKER), "UNAUTHORIZED");
  SAYS(b, W_DATA, "transfer", 1, to_whom(b, body, W_WORKER), "");
  SAYS(b, W_DATA, "transfer", 1, to_whom(b, body, W_WORKER), "");
  assert_int_equal(log_of(b, W_DATA), 401);
  assert_int_equal(log_of(b, W_WORKER), 200);
  /* nothing was kept that could move it later */
  moved(b, W_WORKER, W_DATA);
  resign(b, W_DATA);
  assert_string_equal(outcome_of(b, &d), "OK");
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_an_owner_moves_her_data_by_message),
      cmocka_unit_test(test_an_owner_moves_her_data_by_transaction),
      cmocka_unit_test(test_a_former_owner_owns_nothing),
      cmocka_unit_test(test_an_owner_without_a_transfer_is_unproven),
      cmocka_unit_test(test_a_seller_cannot_freeze_the_buyer_out),
      cmocka_unit_test(test_a_proven_transfer_is_acknowledged),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
