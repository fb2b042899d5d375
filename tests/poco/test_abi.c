/* Call and event tables: selectors and topics against their signatures and against the public
 * contracts' values; coding there and back; hostile input. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hex.h"
#include "crypto/keccak.h"
#include "poco/abi.h"
#include "poco/tag.h"

static ia_h256 signature_hash(const char *name, const ia_shape *shape)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_h256 h;

  ia_buf_str(&text, name);
  ia_shape_types(&text, shape);
  assert_true(ia_buf_ok(&text, NULL));
  ia_keccak256(&h, ia_buf_view(&text));
  return h;
}

static void selectors_are_hashes_of_signatures(void **state)
{
  (void)state;
  for (int i = 0; i < IA_CALLS; i++) {
    const ia_call_row *c = ia_call_of((ia_call_id)i);
    ia_h256 h = signature_hash(c->name, &c->in);
    uint32_t want = 0;

    assert_true(ia_call_selector(&want, IA_SPAN_ARR(h.b)));
    if (c->selector != want)
      fail_msg("%s: 0x%08x, want 0x%08x", c->name, c->selector, want);
  }
}

static void topics_are_hashes_of_signatures(void **state)
{
  (void)state;
  for (int i = 0; i < IA_EVENTS; i++) {
    const ia_event_row *ev = ia_event_of((ia_event_id)i);
    ia_h256 h = signature_hash(ev->name, &ev->fields);

    if (!ia_h256_eq(&h, &ev->topic0))
      fail_msg("%s: %s, want %s", ev->name, ia_h256_text(&ev->topic0).s, ia_h256_text(&h).s);
  }
}

/* As seen on the public contracts. */
static const struct {
  ia_call_id id;
  uint32_t selector;
} poco_selectors[] = {
    {IA_CALL_MATCH_ORDERS, 0x156194d4},
    {IA_CALL_SPONSOR_MATCH_ORDERS, 0x2f391533},
    {IA_CALL_ASSERT_DATASET_DEAL_COMPATIBILITY, 0x80f03425},
    {IA_CALL_INITIALIZE, 0x5b36c66b},
    {IA_CALL_CONTRIBUTE, 0x34623484},
    {IA_CALL_CONTRIBUTE_AND_FINALIZE, 0x5facd761},
    {IA_CALL_REVEAL, 0xfc334e8c},
    {IA_CALL_FINALIZE, 0x8fc375e5},
    {IA_CALL_REOPEN, 0xf6c68e10},
    {IA_CALL_CLAIM, 0xbd66528a},
    {IA_CALL_VIEW_DEAL, 0xb74861b2},
    {IA_CALL_VIEW_TASK, 0xadccf0d5},
    {IA_CALL_VIEW_CONSUMED, 0x4b2bec8c},
    {IA_CALL_VIEW_DATASET, 0x1e143ef7},
    {IA_CALL_VIEW_APP, 0xe1523fb4},
    {IA_CALL_VIEW_CATEGORY, 0x4f5f44ec},
    {IA_CALL_VIEW_ACCOUNT, 0x6b55f4a5},
    {IA_CALL_VIEW_CONTRIBUTION, 0xe741363b},
    {IA_CALL_OWNER, 0x8da5cb5b},
    {IA_CALL_DOMAIN, 0xc2fb26a6},
    {IA_CALL_VERIFY_SIGNATURE, 0x01751998},
    {IA_CALL_MANAGE_DATASET_ORDER, 0x4b747106},
    {IA_CALL_RECEIVE_RESULT, 0x5dd80855},
    {IA_CALL_KEY_HAS_PURPOSE, 0xd202158d},
    {IA_CALL_CALLBACK_GAS, 0xe63ec07d},
    {IA_CALL_CONTRIBUTION_DEADLINE_RATIO, 0x74ed5244},
    {IA_CALL_FINAL_DEADLINE_RATIO, 0xdb8aaa26},
    {IA_CALL_APP_MULTIADDR, 0x39e75d45},
    {IA_CALL_APP_MRENCLAVE, 0xe30d26a8},
    {IA_CALL_APP_CHECKSUM, 0x84aaf12e},
    {IA_CALL_DATASET_MULTIADDR, 0xa61ca6c5},
    {IA_CALL_DATASET_CHECKSUM, 0x1ba99d7e},
};

static void selectors_are_those_of_poco(void **state)
{
  (void)state;
  for (size_t i = 0; i < IA_COUNT(poco_selectors); i++)
    assert_int_equal(ia_call_of(poco_selectors[i].id)->selector, poco_selectors[i].selector);
}

static void fill(ia_deal *d)
{
  memset(d, 0, sizeof(*d));
  memset(d->app.pointer.b, 0x11, 20);
  memset(d->requester.b, 0x22, 20);
  d->app.price = ia_u256_of(7);
  d->params = ia_span_str("{\"iexec_args\":\"thirty-three bytes and more of text\"}");
  d->start_time = 1700000000;
  d->bot_size = ia_u256_of(3);
  memset(d->sponsor.b, 0x33, 20);
}

static void a_deal_survives_coding(void **state)
{
  IA_AUTOV(ia_buf) out = {0};
  IA_AUTOV(ia_buf) again = {0};
  ia_deal d, back;

  (void)state;
  fill(&d);
  ia_result_encode(&out, IA_CALL_VIEW_DEAL, &d);
  assert_true(ia_buf_ok(&out, NULL));
  /* offset, 24 head words, length, two words of text */
  assert_int_equal(out.len % 32, 0);
  assert_int_equal(out.ptr[31], 32);
  assert_true(ia_result_decode(&back, IA_CALL_VIEW_DEAL, ia_buf_view(&out), NULL));
  assert_true(ia_span_eq(back.params, d.params));
  assert_int_equal(back.start_time, d.start_time);
  ia_result_encode(&again, IA_CALL_VIEW_DEAL, &back);
  assert_true(ia_span_eq(ia_buf_view(&out), ia_buf_view(&again)));
}

static void short_or_wild_input_is_refused(void **state)
{
  IA_AUTOV(ia_buf) out = {0};
  ia_deal d, back;

  (void)state;
  fill(&d);
  ia_result_encode(&out, IA_CALL_VIEW_DEAL, &d);
  for (size_t n = 0; n < out.len - 32; n += 7)
    assert_false(ia_result_decode(&back, IA_CALL_VIEW_DEAL, ia_span_of(out.ptr, n), NULL));
  out.ptr[0] = 1; /* offset beyond any input */
  assert_false(ia_result_decode(&back, IA_CALL_VIEW_DEAL, ia_buf_view(&out), NULL));
  out.ptr[0] = 0;
  out.ptr[32] = 1; /* dirty high byte of an address */
  assert_false(ia_result_decode(&back, IA_CALL_VIEW_DEAL, ia_buf_view(&out), NULL));
}

static void arrays_are_bounded(void **state)
{
  static const uint8_t ids[64] = {1};
  IA_AUTOV(ia_buf) out = {0};
  ia_args a = {0}, back = {0};

  (void)state;
  a.list[0] = (ia_words){ids, 2};
  ia_call_encode(&out, IA_CALL_CLAIM_ARRAY, &a);
  assert_true(ia_call_decode(&back, IA_CALL_CLAIM_ARRAY, ia_buf_view(&out), NULL));
  assert_int_equal(back.list[0].n, 2);
  assert_memory_equal(back.list[0].ptr, ids, 64);
  out.ptr[4 + 32 + 31] = 3; /* one more than there is */
  assert_false(ia_call_decode(&back, IA_CALL_CLAIM_ARRAY, ia_buf_view(&out), NULL));
  out.ptr[4 + 32] = 0xff; /* length times 32 overflows */
  assert_false(ia_call_decode(&back, IA_CALL_CLAIM_ARRAY, ia_buf_view(&out), NULL));
}

static void events_survive_coding(void **state)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_log_entry log = {0};
  ia_event ev = {0}, back = {0};

  (void)state;
  ev.id[0] = ia_tag_of(7);
  memset(ev.addr[0].b, 0x44, 20);
  ev.id[1] = ia_tag_of(9);
  ia_event_encode(&log, &store, IA_EV_TASK_CONTRIBUTE, &ev);
  assert_int_equal(log.n_topics, 3);
  assert_int_equal(log.data.len, 32);
  assert_true(ia_event_decode(&back, IA_EV_TASK_CONTRIBUTE, &log, NULL));
  assert_memory_equal(&back.addr[0], &ev.addr[0], 20);
  assert_memory_equal(&back.id[1], &ev.id[1], 32);
  assert_false(ia_event_decode(&back, IA_EV_TASK_REVEAL, &log, NULL));
  log.n_topics = 2;
  assert_false(ia_event_decode(&back, IA_EV_TASK_CONTRIBUTE, &log, NULL));
}

static void tags_have_names(void **state)
{
  ia_h256 tag;
  char text[64];

  (void)state;
  assert_true(ia_tag_parse(&tag, ia_span_str("tee,tdx"), NULL));
  assert_int_equal(ia_tag_low(&tag), 9);
  assert_true(ia_tag_one_framework(&tag));
  ia_tag_names(&tag, text);
  assert_string_equal(text, "tee,tdx");
  tag = ia_tag_of(1);
  assert_false(ia_tag_one_framework(&tag));
  tag = ia_tag_of(0xb);
  assert_false(ia_tag_one_framework(&tag));
  tag = ia_tag_of(8);
  assert_false(ia_tag_one_framework(&tag));
  assert_false(ia_tag_parse(&tag, ia_span_str("tee,,tdx"), NULL));
  assert_false(ia_tag_parse(&tag, ia_span_str("sgx"), NULL));
}

int main(void)
{
  static const struct CMUnitTest tests[] = {
      cmocka_unit_test(selectors_are_hashes_of_signatures),
      cmocka_unit_test(topics_are_hashes_of_signatures),
      cmocka_unit_test(selectors_are_those_of_poco),
      cmocka_unit_test(a_deal_survives_coding),
      cmocka_unit_test(short_or_wild_input_is_refused),
      cmocka_unit_test(arrays_are_bounded),
      cmocka_unit_test(events_survive_coding),
      cmocka_unit_test(tags_have_names),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
