/* Challenges without a table: good once, for their wallet, in time, whatever others ask for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "eth/challenge.h"
#include "eth/eip712.h"

enum { CHAIN = 421614, SECONDS = 300, NOW = 1000000 };
static const ia_addr victim = {{0xaa, 1}}, other = {{0xaa, 2}};

static ia_h256 ask(ia_challenges *c, const ia_addr *who, uint64_t now, uint64_t chain)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_eip712_domain d = {.name = "iExec Gateway", .version = "1", .chain_id = chain};
  ia_h256 out;
  ia_err e;

  assert_true(ia_challenge_make(c, &text, who, now, &e));
  ia_buf_u8(&text, 0);
  assert_memory_equal(text.ptr, "Sign: ", 6);
  assert_int_equal(text.len, 6 + 32 + 1);
  ia_abi_val v = ia_abi_str((const char *)text.ptr);
  assert_true(ia_eip712_hash(&out, &d, "Challenge(string challenge)", &v, 1, &e));
  return out;
}

static int setup(void **state)
{
  ia_err e;

  return ia_challenges_new((ia_challenges **)state, "iExec Gateway", "Sign: ", SECONDS, &e) ? 0
                                                                                            : -1;
}

static int teardown(void **state)
{
  ia_challenges_free(*state);
  return 0;
}

static void good_once_in_time_for_one(void **state)
{
  ia_challenges *c = *state;
  ia_h256 h = ask(c, &victim, NOW, CHAIN), second = ask(c, &victim, NOW, CHAIN), wrong = h;
  ia_err e = {0};

  wrong.b[0] ^= 1;
  assert_false(ia_h256_eq(&h, &second)); /* two in flight */
  assert_false(ia_challenge_take(c, CHAIN, &other, &h, NOW, &e));
  assert_false(ia_challenge_take(c, CHAIN + 1, &victim, &h, NOW, &e));
  assert_false(ia_challenge_take(c, CHAIN, &victim, &wrong, NOW, &e));
  assert_false(ia_challenge_take(c, CHAIN, &victim, &h, NOW + SECONDS + 20, &e));
  assert_false(ia_challenge_take(c, CHAIN, &victim, &h, NOW - 20, &e));
  assert_true(ia_challenge_take(c, CHAIN, &victim, &h, NOW + SECONDS - 1, &e));
  assert_false(ia_challenge_take(c, CHAIN, &victim, &h, NOW + SECONDS - 1, &e));
  assert_int_equal(e.code, IA_E_FORBIDDEN);
  assert_true(ia_challenge_take(c, CHAIN, &victim, &second, NOW, &e));
}

static void asking_takes_nothing_away(void **state)
{
  ia_challenges *c = *state;
  ia_h256 h = ask(c, &victim, NOW, CHAIN);
  ia_err e;

  for (unsigned i = 0; i < 20000; i++) {
    IA_AUTOV(ia_buf) text = {0};
    ia_addr who = {{(uint8_t)i, (uint8_t)(i >> 8)}};

    assert_true(ia_challenge_make(c, &text, i % 2 ? &victim : &who, NOW + i % 200, &e));
  }
  assert_true(ia_challenge_take(c, CHAIN, &victim, &h, NOW + 200, &e));
}

/* What was used is forgotten once nobody could use it again, and never before. */
static void many_that_are_used(void **state)
{
  ia_challenges *c = *state;
  ia_h256 h[600];
  ia_err e;

  for (uint64_t now = NOW; now < NOW + 3 * SECONDS; now += SECONDS) {
    for (uint32_t i = 0; i < IA_COUNT(h); i++) {
      ia_addr who = {{9, (uint8_t)i, (uint8_t)(i >> 8)}};

      h[i] = ask(c, &who, now, CHAIN);
      assert_true(ia_challenge_take(c, CHAIN, &who, &h[i], now, &e));
    }
    for (uint32_t i = 0; i < IA_COUNT(h); i += 60) {
      ia_addr who = {{9, (uint8_t)i, (uint8_t)(i >> 8)}};

      assert_false(ia_challenge_take(c, CHAIN, &who, &h[i], now + SECONDS / 2, &e));
    }
  }
}

static void another_process_knows_none(void **state)
{
  ia_challenges *second = NULL;
  ia_h256 h = ask(*state, &victim, NOW, CHAIN);
  ia_err e;

  assert_true(ia_challenges_new(&second, "iExec Gateway", "Sign: ", SECONDS, &e));
  assert_false(ia_challenge_take(second, CHAIN, &victim, &h, NOW, &e));
  ia_challenges_free(second);
}

#define WITH(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
  const struct CMUnitTest tests[] = {
      WITH(good_once_in_time_for_one),
      WITH(asking_takes_nothing_away),
      WITH(many_that_are_used),
      WITH(another_process_knows_none),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
