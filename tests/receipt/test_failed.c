/* Data of a slice that the enclave left out: what the statement says of it, and what a verification
 * takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/json.h"
#include "sample.h"

static int setup(void **state)
{
  sample *s = calloc(1, sizeof(*s));

  sample_make(s, ia_span_str("result"));
  *state = s;
  return 0;
}

static int setup_bulk(void **state)
{
  sample *s = calloc(1, sizeof(*s));

  sample_make_bulk(s, ia_span_str("result"));
  *state = s;
  return 0;
}

static int teardown(void **state)
{
  sample_free(*state);
  free(*state);
  return 0;
}

/* The state of a check after the run was stated anew; -1: there is no such check. */
static int state_of(sample *s, const char *name, const char *text)
{
  ia_autofree ia_verdict *v = calloc(1, sizeof(*v));
  IA_AUTOV(ia_buf) receipt = {0};

  json_decref(s->run);
  assert_true(ia_run_sign(&s->run, &s->stated, s->secp, &s->enclave, NULL));
  sample_receipt(&receipt, s);
  assert_true(ia_receipt_verify(v, ia_buf_view(&receipt), NULL, s->trust, NULL));
  for (size_t i = 0; i < v->n; i++)
    if (strcmp(v->check[i].name, name) == 0 && strstr(v->check[i].text, text))
      return (int)v->check[i].state;
  return -1;
}

static void fail_one(sample *s, uint64_t index, const ia_addr *dataset)
{
  free(s->stated.failed);
  s->stated.failed = calloc(1, sizeof(*s->stated.failed));
  assert_non_null(s->stated.failed);
  s->stated.n_failed = 1;
  s->stated.failed[0] = (ia_run_failed){.index = index, .dataset = *dataset, .code = "BAD_KEY"};
}

/* Named with its code, and no input: the verification says so. */
static void what_was_left_out_is_named(void **state)
{
  sample *s = *state;

  assert_int_equal(state_of(s, "inputs", ""), IA_CHECK_PASS);
  assert_int_equal(state_of(s, "failed", ""), -1);
  s->stated.n_inputs = 0;
  assert_int_equal(state_of(s, "inputs", ""), IA_CHECK_FAIL); /* gone without a word */
  fail_one(s, 1, &s->data);
  assert_int_equal(state_of(s, "inputs", "what it names"), IA_CHECK_PASS);
  assert_int_equal(state_of(s, "failed", "BAD_KEY"), IA_CHECK_NOTE);
}

/* Nothing is both received and left out, nothing refused or unknown is left out. */
static void other_claims_do_not_pass(void **state)
{
  sample *s = *state;
  ia_addr other = {{7}};
  size_t n = s->stated.n_inputs;

  fail_one(s, 1, &s->data);
  assert_int_equal(state_of(s, "inputs", ""), IA_CHECK_FAIL); /* it was received */
  s->stated.n_inputs = 0;
  fail_one(s, 1, &other);
  assert_int_equal(state_of(s, "inputs", ""), IA_CHECK_FAIL);
  s->stated.n_inputs = n;
  fail_one(s, 2, &s->data); /* the service refused that one */
  assert_int_equal(state_of(s, "inputs", ""), IA_CHECK_FAIL);
  fail_one(s, 9, &other);
  assert_int_equal(state_of(s, "inputs", ""), IA_CHECK_FAIL);
}

/* A task without a slice fails as a whole. */
static void only_slices_leave_out(void **state)
{
  sample *s = *state;

  s->stated.n_inputs = 0;
  fail_one(s, 1, &s->data);
  assert_int_equal(state_of(s, "inputs", ""), IA_CHECK_FAIL);
}

/* Both ways, in order, each once, with a code that there is. */
static void the_list_has_its_form(void **state)
{
  sample *s = *state;
  static const char *const bad[] = {"[1]", "{}", "[{\"index\":1,\"code\":\"BAD_KEY\"}]",
                                    "[{\"index\":1,\"code\":\"NO_SUCH_CODE\",\"dataset\":"
                                    "\"0x0000000000000000000000000000000000000000\"}]",
                                    "[{\"index\":0,\"code\":\"BAD_KEY\",\"dataset\":"
                                    "\"0x0000000000000000000000000000000000000000\"}]"};
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTOV(ia_run) back = {0};

  fail_one(s, 3, &s->data);
  assert_true(ia_run_text(&text, &s->stated, NULL));
  assert_true(ia_run_parse(&back, ia_buf_view(&text), NULL));
  assert_int_equal(back.n_failed, 1);
  assert_int_equal(back.failed[0].index, 3);
  assert_string_equal(back.failed[0].code, "BAD_KEY");
  for (size_t i = 0; i <= IA_COUNT(bad); i++) {
    IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&text), 0, NULL);
    json_t *pred = json_object_get(v, "predicate");
    json_t *list = json_object_get(pred, "failed");
    IA_AUTOV(ia_buf) changed = {0};
    IA_AUTOV(ia_run) none = {0};

    if (i < IA_COUNT(bad))
      json_object_set_new(pred, "failed", ia_json_parse(ia_span_str(bad[i]), IA_JSON_ANY, NULL));
    else /* the same entry twice */
      json_array_append(list, json_array_get(list, 0));
    assert_true(ia_json_canonical(&changed, v, NULL));
    assert_false(ia_run_parse(&none, ia_buf_view(&changed), NULL));
  }
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(what_was_left_out_is_named, setup_bulk, teardown),
      cmocka_unit_test_setup_teardown(other_claims_do_not_pass, setup_bulk, teardown),
      cmocka_unit_test_setup_teardown(only_slices_leave_out, setup, teardown),
      cmocka_unit_test_setup_teardown(the_list_has_its_form, setup_bulk, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
