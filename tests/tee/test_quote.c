/* The quote parser against 41 real quotes, and its limits one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "tee/hw.h"
#include "tee/quote.h"

static void load(ia_buf *out, const char *name)
{
  ia_path p;
  ia_err e = {0};

  assert_true(ia_path_join(&p, &e, "%s/vectors/dcap/%s", getenv("IA_TESTS"), name));
  if (!ia_file_read(out, p.s, 1 << 20, &e))
    fail_msg("%s", e.msg);
}

static json_t *expectations(void)
{
  IA_AUTOV(ia_buf) b = {0};
  json_t *v;

  load(&b, "quotes.json");
  v = ia_json_parse(ia_buf_view(&b), 0, NULL);
  assert_non_null(v);
  return v;
}

static void load_quote(ia_buf *out, const char *name)
{
  char file[128];

  assert_true(snprintf(file, sizeof(file), "quotes/%s.bin", name) < (int)sizeof(file));
  load(out, file);
}

struct field {
  const char *name;
  size_t off, len;
};
#define TD(n, m)                                                                                   \
  {                                                                                                \
    n, offsetof(ia_td_report, m), sizeof(((ia_td_report *)0)->m)                                   \
  }
#define SGX(n, m)                                                                                  \
  {                                                                                                \
    n, offsetof(ia_sgx_report, m), sizeof(((ia_sgx_report *)0)->m)                                 \
  }

static const struct field td_fields[] = {
    TD("tee_tcb_svn", tcb_svn),
    TD("mrseam", mr_seam),
    TD("mrsignerseam", mr_signer_seam),
    TD("seamattributes", seam_attributes),
    TD("tdattributes", td_attributes),
    TD("xfam", xfam),
    TD("mrtd", mr_td),
    TD("mrconfigid", mr_config_id),
    TD("mrowner", mr_owner),
    TD("mrownerconfig", mr_owner_config),
    TD("rtmr0", rtmr[0]),
    TD("rtmr1", rtmr[1]),
    TD("rtmr2", rtmr[2]),
    TD("rtmr3", rtmr[3]),
    TD("report_data", report_data),
    TD("tee_tcb_svn2", tcb_svn2),
    TD("mrservicetd", mr_service_td),
};
static const struct field sgx_fields[] = {
    SGX("cpusvn", cpu_svn),       SGX("miscselect", misc_select), SGX("attributes", attributes),
    SGX("mrenclave", mr_enclave), SGX("mrsigner", mr_signer),     SGX("report_data", report_data),
};

/* Every field of the vector is one of the table and equal. Integers are compared as the host's
 * little-endian memory. */
static size_t compare(const json_t *want, const struct field *f, size_t n, const void *report)
{
  size_t seen = 0;

  for (size_t i = 0; i < n; i++) {
    const char *hex = json_string_value(json_object_get(want, f[i].name));
    char got[2 * 64 + 1];

    if (!hex)
      continue;
    ia_hex(got, (const uint8_t *)report + f[i].off, f[i].len);
    assert_string_equal(got, hex);
    seen++;
  }
  return seen;
}

static void compare_quote(const json_t *v, const ia_quote *q)
{
  const json_t *f = json_object_get(v, "fields");
  size_t seen;

  assert_int_equal(q->version, json_integer_value(json_object_get(v, "version")));
  assert_int_equal(q->tee_type, json_integer_value(json_object_get(v, "tee_type")));
  assert_int_equal(q->cert_type, json_integer_value(json_object_get(v, "cert_data_type")));
  if (q->version == 3)
    assert_int_equal(q->qe_svn, json_integer_value(json_object_get(v, "qe_svn")));
  char user[41];
  ia_hex(user, q->user_data, sizeof(q->user_data));
  assert_string_equal(user, json_string_value(json_object_get(v, "user_data")));
  if (q->body_type == IA_QUOTE_BODY_SGX) {
    seen = compare(f, sgx_fields, IA_COUNT(sgx_fields), &q->sgx) + 2;
    assert_int_equal(q->sgx.isv_prod_id, json_integer_value(json_object_get(f, "isvprodid")));
    assert_int_equal(q->sgx.isv_svn, json_integer_value(json_object_get(f, "isvsvn")));
  } else {
    seen = compare(f, td_fields, IA_COUNT(td_fields), &q->td);
  }
  assert_int_equal(seen, json_object_size(f));
}

static void test_real_quotes_parse_to_their_fields(void **state)
{
  IA_AUTO_JSON *all = expectations();
  size_t i;
  json_t *v;

  (void)state;
  assert_int_equal(json_array_size(all), 41);
  json_array_foreach (all, i, v) {
    IA_AUTOV(ia_buf) b = {0};
    ia_quote q;
    ia_err e = {0};

    load_quote(&b, json_string_value(json_object_get(v, "name")));
    if (!ia_quote_parse(&q, ia_buf_view(&b), &e))
      fail_msg("%s: %s", json_string_value(json_object_get(v, "name")), e.msg);
    compare_quote(v, &q);
  }
}

/* A cut at every byte before the end of the auth data is an error, never a shorter quote. */
static void test_truncated_quotes_fail(void **state)
{
  static const char *const names[] = {"sgx3-phala-f8b81014", "tdx4-moe-f8f82dc7",
                                      "tdx5-phala-4c453ea4"};

  (void)state;
  for (size_t i = 0; i < IA_COUNT(names); i++) {
    IA_AUTOV(ia_buf) b = {0};
    ia_quote q;
    size_t end;

    load_quote(&b, names[i]);
    assert_true(ia_quote_parse(&q, ia_buf_view(&b), NULL));
    end = (size_t)(q.cert_data.ptr + q.cert_data.len - b.ptr);
    for (size_t n = 0; n < end; n++)
      assert_false(ia_quote_parse(&q, ia_span_of(b.ptr, n), NULL));
  }
}

static void expect(ia_buf *b, size_t off, uint8_t value, ia_code code)
{
  uint8_t was = b->ptr[off];
  ia_err e = {0};
  ia_quote q;

  b->ptr[off] = value;
  assert_false(ia_quote_parse(&q, ia_buf_view(b), &e));
  assert_string_equal(ia_code_name(e.code), ia_code_name(code));
  b->ptr[off] = was;
}

static void test_each_rule_of_the_layout_has_its_error(void **state)
{
  IA_AUTOV(ia_buf) v3 = {0}, v4 = {0}, v5 = {0};

  (void)state;
  load_quote(&v3, "sgx3-phala-f8b81014");
  load_quote(&v4, "tdx4-moe-f8f82dc7");
  load_quote(&v5, "tdx5-phala-4c453ea4");
  expect(&v4, 0, 2, IA_E_QUOTE_VERSION);
  expect(&v4, 0, 6, IA_E_QUOTE_VERSION);
  expect(&v4, 2, 3, IA_E_QUOTE_AK_TYPE);
  expect(&v4, 4, 0x80, IA_E_QUOTE_TEE_TYPE);
  expect(&v3, 4, 0x81, IA_E_QUOTE_TEE_TYPE);
  expect(&v5, 48, 1, IA_E_QUOTE_BODY_TYPE);
  expect(&v5, 48, 2, IA_E_QUOTE_BODY_TYPE);
  expect(&v5, 48, 4, IA_E_QUOTE_BODY_TYPE);
  expect(&v5, 50, 0x89, IA_E_QUOTE_BODY_TYPE);
  expect(&v4, 632 + 1, 0xff, IA_E_QUOTE_SIZE);                  /* auth data > 32 KiB */
  expect(&v4, 636 + 128, 5, IA_E_QUOTE_CERT_TYPE);              /* outer type */
  expect(&v4, 636 + 130, 1, IA_E_QUOTE_PARSE);                  /* outer size */
  expect(&v4, 636 + 134 + 384 + 64 + 1, 0xff, IA_E_QUOTE_SIZE); /* QE auth data */
  expect(&v4, 636 + 134 + 384 + 64 + 2 + 32, 6, IA_E_QUOTE_CERT_TYPE);
  expect(&v4, 636 + 134 + 384 + 64 + 2 + 32, 0, IA_E_QUOTE_CERT_TYPE);
  expect(&v4, 636 + 134 + 384 + 64 + 2 + 32, 8, IA_E_QUOTE_CERT_TYPE);
  expect(&v4, 636 + 134 + 384 + 64 + 2 + 32 + 3, 0xff, IA_E_QUOTE_SIZE); /* PEM > 16 KiB */
}

static void test_padding_is_zero_and_bounded(void **state)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_quote q;
  ia_err e = {0};

  (void)state;
  load_quote(&b, "tdx4-moe-f8f82dc7");
  ia_buf_zero(&b, 100);
  assert_true(ia_quote_parse(&q, ia_buf_view(&b), &e));
  ia_buf_u8(&b, 1);
  assert_false(ia_quote_parse(&q, ia_buf_view(&b), &e));
  assert_int_equal(e.code, IA_E_QUOTE_TRAILING);
  b.ptr[b.len - 1] = 0;
  ia_buf_zero(&b, IA_QUOTE_MAX);
  assert_false(ia_quote_parse(&q, ia_buf_view(&b), &e));
  assert_int_equal(e.code, IA_E_QUOTE_SIZE);
}

static void test_ids_hold_no_chain(void **state)
{
  IA_AUTO_JSON *all = expectations();
  size_t i, without = 0, with_pem = 0;
  json_t *v;

  (void)state;
  json_array_foreach (all, i, v) {
    IA_AUTOV(ia_buf) b = {0};
    ia_quote q;
    ia_span pem;
    ia_err e = {0};

    load_quote(&b, json_string_value(json_object_get(v, "name")));
    assert_true(ia_quote_parse(&q, ia_buf_view(&b), NULL));
    if (ia_quote_chain(&pem, &q, &e)) {
      with_pem += memcmp(pem.ptr, "-----BEGIN", 10) == 0;
      continue;
    }
    assert_int_equal(e.code, IA_E_NO_PCK_CHAIN);
    without++;
  }
  assert_int_equal(without, 2);
  assert_int_equal(with_pem, 38); /* one has DER in their place */
}

/* Real production quotes pass each check that a simulated one fails, and still release nothing. */
static void test_real_quotes_pass_the_single_hardware_checks(void **state)
{
  IA_AUTO_JSON *all = expectations();
  size_t i, passed = 0;
  json_t *v;

  (void)state;
  json_array_foreach (all, i, v) {
    IA_AUTOV(ia_buf) b = {0};
    ia_quote q;
    hw_evidence hw;
    ia_err e = {0};

    load_quote(&b, json_string_value(json_object_get(v, "name")));
    assert_true(ia_quote_parse(&q, ia_buf_view(&b), NULL));
    assert_false(ia_hw_verify(&hw, ia_buf_view(&b), &e));
    if (!json_is_true(json_object_get(v, "chain_to_intel_root")) || q.tee_type == 0)
      continue;
    assert_true(ia_hw_check_vendor(&q, NULL) && ia_hw_check_root(&q, NULL));
    assert_true(ia_hw_check_extensions(&q, NULL));
    if (ia_hw_check_debug(&q, NULL)) {
      assert_int_equal(e.code, IA_E_UNSUPPORTED);
      passed++;
    }
  }
  assert_true(passed >= 20);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_real_quotes_parse_to_their_fields),
      cmocka_unit_test(test_truncated_quotes_fail),
      cmocka_unit_test(test_each_rule_of_the_layout_has_its_error),
      cmocka_unit_test(test_padding_is_zero_and_bounded),
      cmocka_unit_test(test_ids_hold_no_chain),
      cmocka_unit_test(test_real_quotes_pass_the_single_hardware_checks),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
