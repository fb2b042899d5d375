/* The table of causes: whole, without doubt, and what others build on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/causes.h"

enum { CAUSE_ROOM = 48 }; /* of the run statement and of what workers report */

static void rows_are_whole(void **state)
{
  unsigned n = 0;

  (void)state;
  for (const ia_cause *c; (c = ia_cause_at(n)); n++) {
    size_t len = strlen(c->name);

    if (len == 0 || len >= CAUSE_ROOM || !c->meaning[0] || !c->fix[0] || c->code == IA_OK)
      fail_msg("row %u: %s", n, c->name);
    assert_int_equal(strspn(c->name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_1"), len);
    assert_true(ia_fault_name(c->fault)[0] && ia_again_name(c->again)[0]);
    for (unsigned i = 0; i < n; i++)
      if (strcmp(ia_cause_at(i)->name, c->name) == 0)
        fail_msg("%s is there twice", c->name);
  }
  assert_true(n > 30);
}

static void only_whole_names_are_known(void **state)
{
  (void)state;
  assert_true(ia_cause_is_known("APP_COMPUTE_FAILED"));
  assert_true(ia_cause_is_known("TEE_SESSION_GENERATION_GRANT_MISSING"));
  assert_false(ia_cause_is_known(""));
  assert_false(ia_cause_is_known("APP_COMPUTE_FAILED_"));
  assert_false(ia_cause_is_known("APP_COMPUTE"));
  assert_false(ia_cause_is_known("TEE_SESSION_GENERATION_"));
  assert_false(ia_cause_is_known("TEE_SESSION_GENERATION_NO_SUCH_CODE"));
  assert_true(ia_cause_check("", NULL));
  assert_false(ia_cause_check("NOT_A_CAUSE", NULL));
}

static void expect(const char *name, ia_code code, ia_fault fault, ia_again again)
{
  if (ia_cause_class(name) != code || ia_cause_fault(name) != fault ||
      ia_cause_again(name) != again)
    fail_msg("%s: %s, %s, %s", name, ia_code_name(ia_cause_class(name)),
             ia_fault_name(ia_cause_fault(name)), ia_again_name(ia_cause_again(name)));
  assert_int_equal(ia_cause_is_final(name), again == IA_AGAIN_NEVER);
}

/* Words in a message decide nothing: that an app ran out of memory is a cause. */
static void fault_and_chance(void **state)
{
  (void)state;
  expect("APP_COMPUTE_FAILED", IA_E_APP_FAILED, IA_FAULT_APP, IA_AGAIN_NEVER);
  expect("APP_COMPUTE_OUT_OF_MEMORY", IA_E_NO_RESOURCES, IA_FAULT_APP, IA_AGAIN_NEVER);
  expect("APP_IMAGE_TOO_LARGE", IA_E_NO_RESOURCES, IA_FAULT_APP, IA_AGAIN_ELSEWHERE);
  expect("PRE_COMPUTE_DATASET_TOO_LARGE", IA_E_NO_RESOURCES, IA_FAULT_OWNER, IA_AGAIN_ELSEWHERE);
  expect("PRE_COMPUTE_DATASET_DOWNLOAD_FAILED", IA_E_UNAVAILABLE, IA_FAULT_NETWORK, IA_AGAIN_LATER);
  expect("PRE_COMPUTE_INPUT_FILE_URL_REFUSED", IA_E_UNSUPPORTED, IA_FAULT_REQUESTER,
         IA_AGAIN_NEVER);
  expect("WORKER_OUT_OF_RESOURCES", IA_E_NO_RESOURCES, IA_FAULT_WORKER, IA_AGAIN_LATER);
  expect("FEE_REFUSED", IA_E_FEE_REFUSED, IA_FAULT_NETWORK, IA_AGAIN_LATER);
  expect("INSUFFICIENT_FUNDS", IA_E_INSUFFICIENT_FUNDS, IA_FAULT_WORKER, IA_AGAIN_LATER);
  expect("NOT_A_CAUSE", IA_E_INVALID, IA_FAULT_WORKER, IA_AGAIN_LATER);
}

/* A refusal by a rule is final, a service that is down is none, and a lease ends with its worker.
 */
static void refusals_of_the_sms(void **state)
{
  (void)state;
  expect("TEE_SESSION_GENERATION_GRANT_MISSING", IA_E_GRANT_MISSING, IA_FAULT_OWNER,
         IA_AGAIN_NEVER);
  expect("TEE_SESSION_GENERATION_POLICY_PURPOSE", IA_E_POLICY_PURPOSE, IA_FAULT_REQUESTER,
         IA_AGAIN_NEVER);
  expect("TEE_SESSION_GENERATION_RELEASE_LIMIT", IA_E_RELEASE_LIMIT, IA_FAULT_SMS, IA_AGAIN_NEVER);
  expect("TEE_SESSION_GENERATION_LEASE_INVALID", IA_E_LEASE_INVALID, IA_FAULT_WORKER,
         IA_AGAIN_LATER);
  expect("TEE_SESSION_GENERATION_DEPTH", IA_E_DEPTH, IA_FAULT_NETWORK, IA_AGAIN_LATER);
  expect("TEE_SESSION_GENERATION_UNAVAILABLE", IA_E_UNAVAILABLE, IA_FAULT_SMS, IA_AGAIN_LATER);
  expect("TEE_SESSION_GENERATION_SIM_ROOT", IA_E_SIM_ROOT, IA_FAULT_WORKER, IA_AGAIN_ELSEWHERE);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rows_are_whole),
      cmocka_unit_test(only_whole_names_are_known),
      cmocka_unit_test(fault_and_chance),
      cmocka_unit_test(refusals_of_the_sms),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
