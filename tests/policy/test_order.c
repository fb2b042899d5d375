/* The order of the checks of a release: the first that fails names the cause. */
#include "world.h"

static void l_lease(struct world *w)
{
  w_lease_sign(w, W_USER);
}

static void l_task(struct world *w)
{
  w->f.task.status = IA_TASK_COMPLETED;
}

static void l_deadline(struct world *w)
{
  w->f.task.contribution_deadline = w->f.ledger_time;
}

static void l_depth(struct world *w)
{
  w->pins.depth = 3;
}

static void l_tag(struct world *w)
{
  w->f.deal.tag = ia_tag_of(IA_TAG_TEE);
}

static void l_orders(struct world *w)
{
  w->f.has_match = false;
}

static void l_asset(struct world *w)
{
  w->f.asset[IA_ASSET_APP].app.checksum.b[0] ^= 1;
}

static void l_owner(struct world *w)
{
  static const ia_transfer_fact unreadable[1];

  w->f.asset[IA_ASSET_DATASET].transfers = unreadable;
  w->f.asset[IA_ASSET_DATASET].n_transfers = 1;
}

static void l_signature(struct world *w)
{
  w->f.match.request.sign = w->f.match.app.sign;
}

static void l_deal(struct world *w)
{
  w->f.deal.beneficiary = w->pool;
}

static void l_params(struct world *w)
{
  w->order[IA_ORDER_REQUEST].order.request.params = ia_span_str("{\"iexec_args\":");
  w_sign(w, IA_ORDER_REQUEST, W_USER);
  w_deal(w);
  w_lease(w);
}

static void l_rollback(struct world *w)
{
  w->rolled_back = true;
}

static void l_volume(struct world *w)
{
  w->order_tasks = 10;
}

static void l_revoked(struct world *w)
{
  w->revoked_data = true;
}

static void l_releases(struct world *w)
{
  w->releases = (ia_release_past){.n = 3, .failed = 3};
}

static void l_policy(struct world *w)
{
  w->policy = "{\"requesters\":[],\"v\":1}";
}

static void l_key(struct world *w)
{
  w->no_dataset_key = true;
}

static void l_storage(struct world *w)
{
  w->order[IA_ORDER_REQUEST].order.request.params = ia_span_str(
      "{\"iexec_result_storage_provider\":\"dropbox\",\"iexec_result_encryption\":true}");
  w_sign(w, IA_ORDER_REQUEST, W_USER);
  w_deal(w);
  w_lease(w);
}

/* Docs/release.md 4: told from the last check to the first, each lie takes the name of the refusal
 * over from those behind it. An owner is proven before her signature is: it is by the proven one.
 */
static void test_the_first_failure_names_the_cause(void **state)
{
  static const struct {
    ia_code code;
    void (*lie)(struct world *w);
  } steps[] = {
      {IA_E_STORAGE_UNSUPPORTED, l_storage},
      {IA_E_SECRET_MISSING, l_key},
      {IA_E_POLICY_REQUESTER, l_policy},
      {IA_E_RELEASE_LIMIT, l_releases},
      {IA_E_REVOKED, l_revoked},
      {IA_E_VOLUME_SPENT, l_volume},
      {IA_E_LEDGER_ROLLBACK, l_rollback},
      {IA_E_PARAMS_INVALID, l_params},
      {IA_E_DEAL_MISMATCH, l_deal},
      {IA_E_ORDER_SIGNATURE, l_signature},
      {IA_E_OWNER_UNPROVEN, l_owner},
      {IA_E_ASSET_MISMATCH, l_asset},
      {IA_E_ORDERS_NOT_FOUND, l_orders},
      {IA_E_TAG_FRAMEWORK, l_tag},
      {IA_E_DEPTH, l_depth},
      {IA_E_DEADLINE_PASSED, l_deadline},
      {IA_E_TASK_NOT_ACTIVE, l_task},
      {IA_E_LEASE_INVALID, l_lease},
  };
  struct world *w = w_open("");

  (void)state;
  for (size_t i = 0; i < IA_COUNT(steps); i++) {
    steps[i].lie(w);
    expect(w, steps[i].code);
  }
  w_close(w);
}

/* Three at once, then one every thirty seconds, however the clock goes. */
static void test_pace(void **state)
{
  uint64_t used = 0, got = 0;

  (void)state;
  for (uint64_t now = 1000; now < 1000 + 600; now++) {
    while (ia_release_pace_wait(used, now) == 0) {
      used = ia_release_pace_add(used, now);
      got++;
    }
    assert_int_equal(got, 3 + (now - 1000) / 30);
  }
  /* idle for an hour: three again, not a hundred */
  for (got = 0; ia_release_pace_wait(used, 5200) == 0; got++)
    used = ia_release_pace_add(used, 5200);
  assert_int_equal(got, 3);
  assert_int_equal(ia_release_pace_wait(used, 5200), 30);
  /* a clock that was set back gives nothing away */
  assert_int_equal(ia_release_pace_wait(used, 5100), 130);
  assert_true(ia_release_pace_add(used, 5100) > used);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_the_first_failure_names_the_cause),
      cmocka_unit_test(test_pace),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
