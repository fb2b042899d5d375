/* When a task is tried again: final causes end at once, passing ones are spread over the time to
 * the deadline, on other workers first. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/causes.h"
#include "service/scheduler/internal.h"

enum { NOW = 1000000, XS = 2100, XL = 252000 }; /* contribution deadlines of two categories */

static sch_plan plan(sch_again again, uint64_t tries, uint64_t rest, unsigned untried)
{
  const sch_plan_facts f = {
      .again = again, .tries = tries, .now = NOW, .deadline = NOW + rest, .untried = untried};

  return sch_plan_next(&f);
}

static void what_the_enclave_states_ends_at_once(void **state)
{
  sch_plan_facts f = {.again = SCH_AGAIN_NEVER, .tries = 1, .now = NOW, .deadline = NOW + XS};

  (void)state;
  f.is_stated = true;
  f.untried = 5;
  assert_true(sch_plan_next(&f).is_over);
  f.again = SCH_AGAIN_LATER; /* it states a fault that passes */
  assert_false(sch_plan_next(&f).is_over);
}

static void one_workers_word_sends_it_to_the_others(void **state)
{
  static const sch_again kinds[] = {SCH_AGAIN_NEVER, SCH_AGAIN_ELSEWHERE};

  (void)state;
  for (size_t i = 0; i < IA_COUNT(kinds); i++) {
    sch_plan p = plan(kinds[i], 1, XS, 1);

    assert_false(p.is_over);
    assert_true(p.fresh_first);
    assert_int_equal(p.pause_s, 0);
    assert_true(plan(kinds[i], 2, XS, 0).is_over);
  }
}

static void others_come_first_and_at_once(void **state)
{
  (void)state;
  for (uint64_t tries = 1; tries < 40; tries++) {
    sch_plan p = plan(SCH_AGAIN_LATER, tries, XS, 1);

    assert_int_equal(p.pause_s, 0);
    assert_true(p.fresh_first && p.aside_s > 0 && !p.is_over);
    p = plan(SCH_AGAIN_LATER, tries, XS, 0);
    assert_true(p.pause_s > 0 && p.aside_s > p.pause_s);
    assert_false(p.fresh_first);
  }
}

/* Tries of a task whose every attempt fails at once on the one worker there is; *last: when the
 * last one was. */
static unsigned spread(uint64_t rest, uint64_t *last)
{
  uint64_t at = 0;
  unsigned n = 1;

  for (;; n++) {
    sch_plan p = plan(SCH_AGAIN_LATER, n, rest - at, 0);

    assert_false(p.is_over);
    assert_true(p.pause_s > 0);
    if (at + p.pause_s >= rest)
      break;
    at += p.pause_s;
  }
  *last = at;
  return n;
}

/* Not all within seconds, not given up before the deadline, and not without end. */
static void passing_faults_are_spread_to_the_deadline(void **state)
{
  static const uint64_t rests[] = {10, 60, 600, XS, 25200, XL};
  uint64_t at = 0, last;

  (void)state;
  for (uint64_t n = 1; n <= 4; n++)
    at += plan(SCH_AGAIN_LATER, n, XS, 0).pause_s;
  assert_int_equal(at, 1 + 2 + 4 + 8);
  for (size_t i = 0; i < IA_COUNT(rests); i++) {
    unsigned n = spread(rests[i], &last);

    assert_true(n >= 4 && n <= 400);
    assert_true(last * 2 >= rests[i] && last < rests[i]);
  }
}

static void pauses_have_a_most(void **state)
{
  (void)state;
  assert_int_equal(plan(SCH_AGAIN_LATER, 100, XL, 0).pause_s, 900);
  assert_int_equal(plan(SCH_AGAIN_LATER, UINT64_MAX, XL, 0).pause_s, 900);
  assert_int_equal(plan(SCH_AGAIN_LATER, 100, 800, 0).pause_s, 60);
  assert_int_equal(plan(SCH_AGAIN_LATER, 100, 40, 0).pause_s, 20);
  assert_int_equal(plan(SCH_AGAIN_LATER, 100, 0, 0).pause_s, 60); /* past: the deadline rules */
}

/* Three orderly restarts: no pause, and the pauses after a later fault are those of a first one. A
 * worker that hands back without end does not make the scheduler spin. */
static void leases_that_come_back_are_no_tries(void **state)
{
  sch_plan_facts f = {.again = SCH_AGAIN_NOW, .now = NOW, .deadline = NOW + XS};

  (void)state;
  for (f.returns = 1; f.returns <= 3; f.returns++) {
    assert_int_equal(sch_plan_next(&f).pause_s, 0);
    assert_false(sch_plan_next(&f).is_over);
  }
  f.again = SCH_AGAIN_LATER;
  f.tries = 1;
  assert_int_equal(sch_plan_next(&f).pause_s, 1);
  f.again = SCH_AGAIN_NOW;
  for (uint64_t before = 0; f.returns < 12; f.returns++) {
    uint64_t pause = sch_plan_next(&f).pause_s;

    assert_true(pause > 0 && pause >= before && !sch_plan_next(&f).is_over);
    before = pause;
  }
}

/* Of every row of the table: a final cause ends at once where the enclave states it, and no other
 * one ever ends a task that somebody may still try. */
static void every_cause_is_tried_as_its_row_says(void **state)
{
  unsigned n[3] = {0};

  (void)state;
  for (unsigned i = 0; ia_cause_at(i); i++) {
    const ia_cause *row = ia_cause_at(i);
    sch_plan_facts f = {.again = sch_again_of(row->name),
                        .is_stated = true,
                        .tries = 100,
                        .now = NOW,
                        .deadline = NOW + XS};

    if (row->name[strlen(row->name) - 1] == '_')
      continue; /* followed by a code, which has a row of its own */
    n[row->again]++;
    assert_int_equal(sch_plan_next(&f).is_over, row->again != IA_AGAIN_LATER);
    f.untried = 1;
    assert_int_equal(sch_plan_next(&f).is_over, row->again == IA_AGAIN_NEVER);
  }
  assert_true(n[IA_AGAIN_NEVER] > 10 && n[IA_AGAIN_ELSEWHERE] > 2 && n[IA_AGAIN_LATER] > 10);
  /* refusals of the SMS: a rule's are final, those of the moment pass */
  assert_int_equal(sch_again_of("TEE_SESSION_GENERATION_REVOKED"), SCH_AGAIN_NEVER);
  assert_int_equal(sch_again_of("TEE_SESSION_GENERATION_UNAVAILABLE"), SCH_AGAIN_LATER);
  assert_int_equal(sch_again_of("CHAIN_UNREACHABLE"), SCH_AGAIN_LATER);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(what_the_enclave_states_ends_at_once),
      cmocka_unit_test(one_workers_word_sends_it_to_the_others),
      cmocka_unit_test(others_come_first_and_at_once),
      cmocka_unit_test(passing_faults_are_spread_to_the_deadline),
      cmocka_unit_test(pauses_have_a_most),
      cmocka_unit_test(every_cause_is_tried_as_its_row_says),
      cmocka_unit_test(leases_that_come_back_are_no_tries),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
