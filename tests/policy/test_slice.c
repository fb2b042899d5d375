/* Bulk: every dataset of a slice is judged by itself, by every rule; one lie at a time. */
#include "world.h"

#define BULK              "{\"bulk_cid\":\"QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnHfHG\"}"
#define VOLUME            9007199254740991u
#define ORDER             "\"order\":\"0x1111111111111111111111111111111111111111111111111111111111111111\""
#define TERMS(more)       "{" ORDER more ",\"v\":1}"
#define TERMS_UNTIL(when) "{\"expires\":" when "," ORDER ",\"v\":1}"
enum { N = 3 };

struct bulk {
  struct world *w;
  ia_slice_facts slice[N];
  ia_order_box box[N];
  char name[N][16];
  ia_release_plan plan;
  ia_ruling v;
};

static void sign(struct bulk *b, size_t i, int who)
{
  assert_true(ia_order_sign(&b->box[i], b->w->secp, &b->w->separator, &b->w->who[who].key, NULL));
  b->slice[i].order = b->box[i].order.dataset;
}

/* Datasets that differ in their names, of one owner; a request without a dataset of its own. */
static void setup(struct bulk *b)
{
  struct world *w = w_open(BULK);
  ia_u256 zero = ia_u256_of(0);

  *b = (struct bulk){.w = w};
  w->order[IA_ORDER_REQUEST].order.request.dataset = (ia_addr){{0}};
  w_sign(w, IA_ORDER_REQUEST, W_USER);
  w->order[IA_ORDER_DATASET].order.dataset = (ia_dataset_order){0};
  w_deal(w);
  w->f.deal.dataset = (ia_resource){.price = zero};
  w_lease(w);
  for (size_t i = 0; i < N; i++) {
    ia_slice_facts *s = &b->slice[i];
    ia_dataset_order *o = &b->box[i].order.dataset;

    s->asset = w->f.asset[IA_ASSET_DATASET];
    (void)!snprintf(b->name[i], sizeof(b->name[i]), "data %zu", i);
    s->asset.dataset.name = ia_span_str(b->name[i]);
    b->box[i].order.kind = IA_ORDER_DATASET;
    *o = (ia_dataset_order){.volume = ia_u256_of(VOLUME), .tag = ia_tag_of(IA_TAG_TEE)};
    ia_dataset_address(&o->dataset, &w->pins.registry[IA_ASSET_DATASET], &w->pins.proxy_code_hash,
                       &s->asset.dataset);
    sign(b, i, W_DATA);
  }
  w->f.slice = b->slice;
  w->f.n_slice = N;
}

static void teardown(struct bulk *b)
{
  ia_release_plan_free(&b->plan);
  for (size_t i = 0; i < N; i++)
    ia_order_box_free(&b->box[i]);
  w_close(b->w);
}

static ia_code decide_bulk(struct bulk *b)
{
  ia_release_plan_free(&b->plan);
  b->v = (ia_ruling){0};
  ia_release_memory m = w_memory(b->w);

  return ia_release_decide(&b->plan, &b->v, &b->w->f, &m) ? IA_OK : b->v.line[b->v.first].code;
}

/* Entry 1 is refused with the code; the two beside it pass. */
static void only_the_second(struct bulk *b, ia_code code)
{
  assert_string_equal(ia_code_name(decide_bulk(b)), "OK");
  assert_int_equal(b->plan.n_slice, N);
  assert_string_equal(ia_code_name(b->plan.slice[1].code), ia_code_name(code));
  assert_int_equal(b->plan.slice[0].code, IA_OK);
  assert_int_equal(b->plan.slice[2].code, IA_OK);
  assert_true(code == IA_OK || b->plan.slice[1].reason[0] != 0);
}

#define SECOND(want, change)                                                                       \
  do {                                                                                             \
    struct bulk b_, *b = &b_;                                                                      \
    ia_dataset_order *o = &b->box[1].order.dataset;                                                \
                                                                                                   \
    setup(b);                                                                                      \
    (void)o;                                                                                       \
    change;                                                                                        \
    only_the_second(b, want);                                                                      \
    teardown(b);                                                                                   \
  } while (0)

static void the_order(void **state)
{
  (void)state;
  SECOND(IA_OK, (void)0);
  SECOND(IA_E_DEAL_MISMATCH, o->datasetprice = ia_u256_of(1); sign(b, 1, W_DATA));
  SECOND(IA_E_DEAL_MISMATCH, o->volume = ia_u256_of(VOLUME - 2); sign(b, 1, W_DATA));
  SECOND(IA_OK, o->volume = ia_u256_of(VOLUME - 1); sign(b, 1, W_DATA));
  SECOND(IA_E_ORDER_SIGNATURE, sign(b, 1, W_USER));
  SECOND(IA_E_ORDER_SIGNATURE, b->slice[1].order.salt.b[0] ^= 1);
  SECOND(IA_E_DEAL_MISMATCH, o->apprestrict = b->w->pool; sign(b, 1, W_DATA));
  SECOND(IA_OK, o->apprestrict = b->w->app; sign(b, 1, W_DATA));
  SECOND(IA_E_DEAL_MISMATCH, o->workerpoolrestrict = b->w->app; sign(b, 1, W_DATA));
  SECOND(IA_OK, o->workerpoolrestrict = b->w->pool; sign(b, 1, W_DATA));
  SECOND(IA_E_DEAL_MISMATCH, o->requesterrestrict = b->w->pool; sign(b, 1, W_DATA));
  SECOND(IA_OK, o->requesterrestrict = b->w->who[W_USER].addr; sign(b, 1, W_DATA));
  SECOND(IA_E_DEAL_MISMATCH, o->tag.b[30] = 1; sign(b, 1, W_DATA));
  SECOND(IA_E_PARSE, b->slice[1] = (ia_slice_facts){.broken = IA_E_PARSE});
}

static void the_asset(void **state)
{
  (void)state;
  SECOND(IA_E_ASSET_MISMATCH, b->slice[1].asset.dataset.checksum.b[0] ^= 1);
  SECOND(IA_E_ASSET_MISMATCH, b->slice[1].asset = (ia_asset_facts){0});
  SECOND(IA_E_OWNER_UNPROVEN, b->slice[1].broken = IA_E_OWNER_UNPROVEN);
  /* a former owner's order is nobody's */
  SECOND(IA_E_OWNER_UNPROVEN, ia_transfer_fact none = {0}; b->slice[1].asset.transfers = &none;
         b->slice[1].asset.n_transfers = 1);
}

/* What a receipt could not prove, or no worker could fetch, refuses itself alone, before its key
 * leaves. */
static void the_provable(void **state)
{
  static const uint8_t many[4096] = {1};

  (void)state;
  SECOND(IA_E_UNPROVABLE, b->slice[1].asset.dataset.name = ia_span_of(many, 2049));
  SECOND(IA_E_UNPROVABLE, b->slice[1].asset.dataset.multiaddr = ia_span_of(many, 2049));
  SECOND(IA_E_UNPROVABLE, b->slice[1].asset.dataset.multiaddr = ia_span_of("a\0b", 3));
  SECOND(IA_E_UNPROVABLE, b->slice[1].asset.dataset.multiaddr = ia_span_of("a\xff", 2));
  SECOND(IA_E_UNPROVABLE, b->slice[1].order.sign = ia_span_of(many, 1025));
}

static void what_is_remembered(void **state)
{
  struct bulk all;

  (void)state;
  SECOND(IA_E_POLICY_REQUESTER, b->w->policy = "{\"requesters\":[],\"v\":1}";
         b->w->policy_of = o->dataset);
  SECOND(IA_E_POLICY_RESULT, b->w->policy = "{\"plainResult\":false,\"v\":1}";
         b->w->policy_of = o->dataset);
  SECOND(IA_E_POLICY_PURPOSE, b->w->terms = TERMS(",\"purposes\":[\"research\"]");
         b->w->terms_of = o->dataset);
  SECOND(IA_E_POLICY_EXPIRED, b->w->terms = TERMS_UNTIL("5"); b->w->terms_of = o->dataset);
  SECOND(IA_E_POLICY_BUDGET, b->w->terms = TERMS(",\"runs\":0"); b->w->terms_of = o->dataset);
  SECOND(IA_OK, b->w->terms = TERMS(",\"runs\":1"); b->w->terms_of = o->dataset);
  SECOND(IA_E_SECRET_MISSING, b->w->no_key_of = o->dataset);
  SECOND(IA_E_REVOKED, b->w->revoked_data = true; b->w->dataset = o->dataset);
  /* on all of them: then the task has nothing to do, and its first refusal is the task's */
  setup(&all);
  all.w->policy = "{\"runs\":{\"total\":2},\"v\":1}";
  all.w->total = 2;
  assert_string_equal(ia_code_name(decide_bulk(&all)), "POLICY_BUDGET");
  assert_null(strstr(all.v.line[all.v.first].message, "2 of 2"));
  all.w->total = 1;
  assert_int_equal(decide_bulk(&all), IA_OK);
  all.w->consumed = ia_u256_of(VOLUME);
  assert_string_equal(ia_code_name(decide_bulk(&all)), "VOLUME_SPENT");
  teardown(&all);
}

/* What stands on the ledger's word counts for the dataset that needs it, not for its neighbours. */
static void words_of_the_ledger(void **state)
{
  struct bulk b;

  (void)state;
  setup(&b);
  b.w->member = true;
  b.box[1].order.dataset.requesterrestrict = b.w->pool;
  sign(&b, 1, W_DATA);
  only_the_second(&b, IA_OK);
  assert_int_equal(b.plan.slice[1].signing, IA_SIGNING_KEY);
  assert_int_equal(b.plan.n_by_ledger, 1);
  b.w->policy = "{\"byLedger\":false,\"v\":1}";
  only_the_second(&b, IA_E_BY_LEDGER_REFUSED);
  teardown(&b);
}

static void the_slice(void **state)
{
  struct bulk all;

  (void)state;
  SECOND(IA_E_EXISTS, b->slice[1] = b->slice[0]);
  setup(&all);
  all.w->f.n_slice = 0;
  assert_string_equal(ia_code_name(decide_bulk(&all)), "PARAMS_INVALID");
  all.w->f.n_slice = 101;
  assert_string_equal(ia_code_name(decide_bulk(&all)), "PARAMS_INVALID");
  teardown(&all);
}

/* Each entry, refused or not, stands in the inputs that the enclave commits to. */
static void the_descriptor_names_all(void **state)
{
  struct bulk b;
  ia_task_input in[IA_BULK_DATASETS_MAX];
  ia_descriptor d;
  ia_h256 want;

  (void)state;
  setup(&b);
  b.w->no_key_of = b.box[1].order.dataset.dataset;
  only_the_second(&b, IA_E_SECRET_MISSING);
  assert_int_equal(ia_release_inputs(in, &b.plan, &b.w->f), N);
  for (size_t i = 0; i < N; i++) {
    assert_memory_equal(in[i].dataset.b, b.box[i].order.dataset.dataset.b, 20);
    assert_memory_equal(in[i].checksum.b, b.slice[i].asset.dataset.checksum.b, 32);
  }
  assert_true(ia_inputs_hash(&want, in, N, NULL));
  assert_true(ia_release_descriptor(&d, &b.plan, &b.w->f, IA_TEE_SIM, NULL));
  assert_memory_equal(d.inputs_hash.b, want.b, 32);
  assert_true(ia_addr_zero(&d.dataset));
  teardown(&b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_order),
      cmocka_unit_test(the_asset),
      cmocka_unit_test(the_provable),
      cmocka_unit_test(what_is_remembered),
      cmocka_unit_test(words_of_the_ledger),
      cmocka_unit_test(the_slice),
      cmocka_unit_test(the_descriptor_names_all),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
