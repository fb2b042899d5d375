/* libiapp as a program of others sees it: the public headers, and the library alone. */
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "iapp/client.h"
#include "iapp/data.h"
#include "iapp/order.h"
#include "iapp/receipt.h"

#define HUB "0x3eca1B216A7DF1C7689aEb259fFB83ADFB894E7f"

static char folder[64];

static void in_folder(char out[128], const char *name)
{
  assert_true(snprintf(out, 128, "%s/%s", folder, name) < 128);
}

/* The text of a member of a flat JSON object, for these tests' own answers. */
static void member(char *out, size_t n, const char *json, const char *key)
{
  char mark[64];

  assert_true(snprintf(mark, sizeof(mark), "\"%s\":\"", key) > 0);
  const char *at = strstr(json, mark);
  assert_non_null(at);
  at += strlen(mark);
  size_t len = strcspn(at, "\"");
  assert_true(len < n);
  memcpy(out, at, len);
  out[len] = '\0';
}

static void test_data_go_in_and_come_out(void **state)
{
  char sealed[128], archive[128], key[64], checksum[80], *answer = NULL, *value = NULL;
  iapp_error e;

  (void)state;
  in_folder(sealed, "sealed");
  in_folder(archive, "plain.zip");
  assert_true(
      iapp_data_seal(&answer, "{\"who\":{\"name\":\"Ada\"},\"n\":{\"$i128\":\"7\"}}", sealed, &e));
  member(key, sizeof(key), answer, "key");
  member(checksum, sizeof(checksum), answer, "checksum");
  assert_true(iapp_data_open(sealed, archive, key, checksum, &e));
  assert_true(iapp_data_value(&value, archive, "who.name", NULL, &e));
  assert_string_equal(value, "\"Ada\"");
  iapp_free(value);
  assert_true(iapp_data_value(&value, archive, "n", "i128", &e));
  assert_string_equal(value, "{\"$i128\":\"7\"}");
  iapp_free(value);
  iapp_free(answer);
}

static void test_errors_have_names(void **state)
{
  char path[128], sealed[128], *answer = NULL;
  iapp_error e;

  (void)state;
  in_folder(path, "never");
  in_folder(sealed, "sealed");
  assert_false(iapp_data_seal(&answer, "{\"a b\":1}", path, &e));
  assert_string_equal(e.code, "BAD_INPUT_KEY");
  assert_int_equal(access(path, F_OK), -1);
  assert_false(iapp_data_seal(&answer, "{\"a\":true}", sealed, &e));
  assert_string_equal(e.code, "EXISTS");
  assert_false(iapp_data_open(sealed, path, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
                              "0x1111111111111111111111111111111111111111111111111111111111111111",
                              &e));
  assert_string_equal(e.code, "BAD_CHECKSUM");
  assert_int_equal(access(path, F_OK), -1);
}

static void test_orders_are_hashed_and_signed(void **state)
{
  static const char order[] =
      "{\"app\":\"0x1111111111111111111111111111111111111111\",\"appprice\":\"5\",\"volume\":\"2\","
      "\"tag\":\"0x0000000000000000000000000000000000000000000000000000000000000009\","
      "\"datasetrestrict\":\"0x0000000000000000000000000000000000000000\","
      "\"workerpoolrestrict\":\"0x0000000000000000000000000000000000000000\","
      "\"requesterrestrict\":\"0x0000000000000000000000000000000000000000\","
      "\"salt\":\"0x2222222222222222222222222222222222222222222222222222222222222222\"}";
  unsigned char key[32];
  char hash[67], again[67], signer[43], *signed_order = NULL;
  iapp_error e;

  (void)state;
  memset(key, 4, sizeof(key));
  assert_true(iapp_order_hash(hash, "apporder", order, 134, HUB, &e));
  assert_true(iapp_order_sign(&signed_order, "apporder", order, 134, HUB, key, &e));
  assert_true(iapp_order_hash(again, "apporder", signed_order, 134, HUB, &e));
  assert_string_equal(hash, again);
  assert_true(iapp_order_signer(signer, "apporder", signed_order, 134, HUB, &e));
  assert_string_equal(signer, "0xc48B812bB43401392c037381AcA934F4069C0517");
  assert_true(iapp_order_hash(again, "apporder", order, 421614, HUB, &e));
  assert_string_not_equal(hash, again);
  assert_false(iapp_order_hash(hash, "order", order, 134, HUB, &e));
  assert_string_equal(e.code, "USAGE");
  iapp_free(signed_order);
}

static void test_a_quote_is_read(void **state)
{
  const char *tests = getenv("IA_TESTS");
  static unsigned char quote[65536];
  char path[512], *answer = NULL;
  iapp_error e;

  (void)state;
  assert_true(snprintf(path, sizeof(path), "%s/../fuzz/corpus/quote/tdx4-moe-f8f82dc7.bin", tests) <
              (int)sizeof(path));
  FILE *f = fopen(path, "rb");
  assert_non_null(f);
  size_t n = fread(quote, 1, sizeof(quote), f);
  fclose(f);
  assert_true(iapp_quote_read(&answer, quote, n, &e));
  assert_non_null(strstr(answer, "\"tee\":\"tdx\""));
  assert_non_null(strstr(answer, "\"simulated\":false"));
  iapp_free(answer);
  assert_false(iapp_quote_read(&answer, quote, 10, &e));
}

static void test_what_is_no_receipt_is_refused(void **state)
{
  char *answer = NULL;
  iapp_error e;

  (void)state;
  assert_true(iapp_receipt_verify(&answer, "{}", 2, NULL, "{\"v\":1,\"sms\":[]}", 16, &e));
  assert_non_null(strstr(answer, "\"verdict\":\"refused\""));
  assert_non_null(strstr(answer, "\"code\":\"RECEIPT_FIELD\""));
  iapp_free(answer);
  assert_false(iapp_receipt_verify(&answer, "{}", 2, NULL, "{\"v\":1,\"v\":1,\"sms\":[]}", 22, &e));
  assert_true(e.message[0] != '\0');
}

static void test_a_client_that_reaches_nobody_says_so(void **state)
{
  iapp_services s = {.rpc = "http://127.0.0.1:9", .chain_id = 134, .hub = HUB};
  unsigned char key[32];
  iapp_client *c = NULL;
  char *answer = NULL;
  iapp_error e;

  (void)state;
  memset(key, 4, sizeof(key));
  assert_true(iapp_client_open(&c, &s, folder, key, &e));
  assert_string_equal(iapp_client_address(c), "0xc48B812bB43401392c037381AcA934F4069C0517");
  assert_false(iapp_client_run(c, &answer, HUB, NULL, NULL, 0, &e));
  assert_string_equal(e.code, "UNAVAILABLE");
  assert_false(iapp_client_protect(c, &answer, "x", "{\"a\":true}", &e));
  assert_string_equal(e.code, "USAGE");
  iapp_client_close(c);
}

static int make_folder(void **state)
{
  (void)state;
  (void)snprintf(folder, sizeof(folder), "/tmp/iapp-public-XXXXXX");
  return mkdtemp(folder) ? 0 : -1;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
  (void)st;
  (void)kind;
  (void)at;
  return remove(path);
}

static int drop_folder(void **state)
{
  (void)state;
  return nftw(folder, drop, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_data_go_in_and_come_out),
      cmocka_unit_test(test_errors_have_names),
      cmocka_unit_test(test_orders_are_hashed_and_signed),
      cmocka_unit_test(test_a_quote_is_read),
      cmocka_unit_test(test_what_is_no_receipt_is_refused),
      cmocka_unit_test(test_a_client_that_reaches_nobody_says_so),
  };

  return cmocka_run_group_tests(tests, make_folder, drop_folder);
}
