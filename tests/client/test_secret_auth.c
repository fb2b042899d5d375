/* Challenges of the iExec SMS, values verified against its own clients. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/hex.h"
#include "client/secret_auth.h"

static void expect(const ia_h256 *h, const char *hex)
{
  assert_string_equal(ia_h256_text(h).s, hex);
}

static void test_challenges(void **state)
{
  ia_span value = ia_span_str("s3cret");
  ia_addr some, owner;
  ia_h256 h;

  (void)state;
  memset(some.b, 0xab, 20);
  assert_true(ia_unhex(owner.b, 20, ia_span_str("1a642f0e3c3af545e7acbd38b07251b3990914f1")));
  ia_secret_auth_web3(&h, &some, value);
  expect(&h, "0x712140babd0d6d34096af4b0391d7b7ae082d4184f5a516fa95d3f75f1b0a7ea");
  ia_secret_auth_named(&h, &owner, ia_span_str(IA_RESULT_KEY_SECRET), value);
  expect(&h, "0x93a61566e8bdb55f73ae38e66794c3e110734aa09f879ccab230c7048e2217fb");
  ia_secret_auth_named(&h, &some, ia_span_str(IA_APP_SECRET_INDEX), value);
  expect(&h, "0x6b3462e4ee1c7c3b53f460f4a77d425a0797689d55a4f0a24dfa1d4a9d1dfec9");
  ia_secret_auth_named(&h, &owner, ia_span_str("my-key"), value);
  expect(&h, "0x03684f0984598c23474154bbc580eb7dd8fae1c3589ec7bb283d9f2d4f67b451");
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_challenges)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
