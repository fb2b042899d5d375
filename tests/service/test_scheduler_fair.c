/* Requesters take turns, and what one of them does to her own deals stops nobody else's. */
#include "sched_lab.h"
#include "store/db.h"

enum { TEE_TDX = IA_TAG_TEE | IA_TAG_TDX, LAB_CROWD = 8, LAB_LONE = 9 };

static ia_h256 leased(lab *b)
{
  IA_AUTO_JSON *v = lab_poll(b, LAB_WORKER);
  ia_h256 id = {{0}};

  assert_non_null(v);
  MUST(ia_json_get_h256(json_object_get(v, "lease"), "taskId", &id, &e));
  return id;
}

static uint64_t count(lab *b, const char *sql)
{
  IA_AUTO(ia_db) *db = NULL;
  ia_stmt *s;
  bool row;

  MUST(ia_db_open_again(&db, b->db, &e));
  MUST(ia_db_stmt(&s, db, sql, &e) && ia_stmt_step(s, &row, &e));
  uint64_t n = ia_col_u64(s, 0);
  ia_stmt_reset(s);
  return n;
}

/* Thousands of tasks of one requester wait, for free; a single one of another gets one of the next
 * two leases, again and again. Only few of the thousands are rows. */
static void a_crowd_makes_nobody_wait(void **state)
{
  lab *b = *state;
  ia_h256 crowd = lab_match_as(b, LAB_CROWD, 5000, TEE_TDX, ia_span_str("{}"));
  ia_h256 first = lab_task(&crowd, 0);

  MUST(lab_hello(b, LAB_WORKER, "one", &e));
  json_decref(lab_wait(b, &first, "INITIALIZED"));
  for (int i = 0; i < 3; i++)
    (void)leased(b);
  assert_true(count(b, "SELECT count(*) FROM tasks") <= 300);
  for (int i = 0; i < 3; i++) {
    ia_h256 deal = lab_match_as(b, LAB_LONE, 1, TEE_TDX, ia_span_str("{}"));
    ia_h256 task = lab_task(&deal, 0), one, two;

    json_decref(lab_wait(b, &task, "INITIALIZED"));
    one = leased(b);
    two = leased(b);
    assert_true(ia_h256_eq(&one, &task) || ia_h256_eq(&two, &task));
  }
}

/* The same requester's deals share her window: the rows do not grow with the number of deals. */
static void rows_are_bounded_by_requester(void **state)
{
  lab *b = *state;

  for (int i = 0; i < 4; i++)
    (void)lab_match_as(b, LAB_CROWD, 1000, TEE_TDX, ia_span_str("{}"));
  ia_h256 deal = lab_match_as(b, LAB_LONE, 1, TEE_TDX, ia_span_str("{}"));
  ia_h256 task = lab_task(&deal, 0);
  json_decref(lab_wait(b, &task, "INITIALIZED"));
  assert_true(count(b, "SELECT count(*) FROM tasks") <= 300);
}

/* A request of 2^256 - 1 tasks, half of which went to the requester's own pool: the rest begins at
 * a number that no row can hold. That deal is left out by name, and the next one runs. */
static void a_deal_beyond_all_numbers_is_left_out(void **state)
{
  lab *b = *state;
  IA_AUTOV(ia_offers) offers = {0};
  IA_AUTOV(ia_chain_sent) made = {0};
  ia_match m = lab_orders(b, LAB_LONE, &offers, 1, TEE_TDX, ia_span_str("{}"));
  const ia_workerpool_order theirs = m.workerpool;
  ia_args pool = {.addr = {b->who[LAB_LONE]}, .bytes = {ia_span_str("mine")}};
  ia_u256 most = {{UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX}};
  ia_chain_info info;
  ia_event ev;
  ia_sig sig;
  uint8_t be[32];

  MUST(ia_chain_info_get(b->chain, &info, &e));
  MUST(lab_send(b, LAB_LONE, &info.registry[IA_ASSET_WORKERPOOL], IA_CALL_CREATE_WORKERPOOL, &pool,
                &made, &e));
  MUST(ia_event_decode(&ev, IA_EV_NFT_TRANSFER, &made.receipt.logs.v[0].entry, &e));
  ia_u256_to_be(be, &ev.value[0]);
  memcpy(m.workerpool.workerpool.b, be + 12, 20);
  m.request.workerpool = (ia_addr){{0}};
  m.app.volume = m.dataset.volume = m.request.volume = most;
  m.workerpool.volume = (ia_u256){{0, 0, 0, 1ull << 63}};
  lab_sign(b, LAB_LONE, IA_ORDER_WORKERPOOL, &m.workerpool, &sig, &m.workerpool.sign);
  (void)lab_match_orders(b, LAB_LONE, &m);
  m.workerpool = theirs;
  (void)lab_match_orders(b, LAB_LONE, &m);
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  json_decref(lab_wait(b, &task, "INITIALIZED"));
}

/* The blob store does not answer for what a bulk deal names: its task waits, the next deal runs. */
static void a_list_that_cannot_be_read_stops_nobody(void **state)
{
  static const char cid[] = "{\"bulk_cid\":\"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG\"}";
  lab *b = *state;
  IA_AUTOV(ia_offers) offers = {0};
  ia_match m;

  lab_pool_down(b);
  b->config.ipfs = "http://127.0.0.1:9"; /* nobody is there */
  lab_pool_up(b);
  m = lab_orders(b, LAB_LONE, &offers, 2, TEE_TDX, ia_span_str(cid));
  m.dataset = (ia_dataset_order){0};
  m.request.dataset = (ia_addr){{0}};
  ia_h256 bulk = lab_match_orders(b, LAB_LONE, &m), waits = lab_task(&bulk, 0);
  ia_h256 deal = lab_match(b, 1, TEE_TDX), task = lab_task(&deal, 0);
  json_decref(lab_wait(b, &task, "INITIALIZED"));
  MUST(lab_hello(b, LAB_WORKER, "two", &e));
  ia_h256 got = leased(b);
  assert_true(ia_h256_eq(&got, &task));
  json_decref(lab_wait(b, &waits, "INITIALIZED"));
  assert_int_equal(count(b, "SELECT count(*) FROM deals WHERE pending = 1"), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, lab_open, lab_close)

int main(void)
{
  const struct CMUnitTest tests[] = {
      T(a_crowd_makes_nobody_wait),
      T(rows_are_bounded_by_requester),
      T(a_deal_beyond_all_numbers_is_left_out),
      T(a_list_that_cannot_be_read_stops_nobody),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
