/* Slices of bulk requests from a blob store that may be anybody's: bytes are those of their CID, no
 * more than a slice needs, and what they say is a list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../http/fixture.h"
#include "client/bulk.h"
#include "crypto/unixfs.h"

/* What the store answers whatever it is asked for. */
static ia_buf served;
static fixture f;
static ia_net net;

static bool give(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx, (void)rq;
  ia_buf_span(ia_reply_body(rp), ia_buf_view(&served));
  return ia_buf_ok(ia_reply_body(rp), e);
}

static const ia_route rows[] = {
    {"GET", "/ipfs/*rest", IA_ROUTE_INLINE, 0, false, give, IA_MARK_PUBLIC}};
static ia_routes table = {rows, 1, NULL, NULL, false};

static int setup(void **state)
{
  ia_err e = {0};

  (void)state;
  if (!fixture_start(&f, NULL, &e) || !ia_server_mount(f.server, &table, &e) || !fixture_run_on(&f))
    return -1;
  net = (ia_net){.http = f.http, .ipfs = ia_server_url(f.server)};
  return 0;
}

static int teardown(void **state)
{
  (void)state;
  fixture_close(&f);
  ia_buf_free(&served);
  return 0;
}

static ia_cid_text cid_of(ia_span bytes)
{
  IA_AUTO(ia_dag) *dag = NULL;
  ia_cid cid;

  assert_true(ia_dag_new(&dag, NULL, NULL) && ia_dag_add(dag, bytes, NULL) &&
              ia_dag_finish(dag, &cid, NULL, NULL, NULL));
  return ia_cid_format(&cid);
}

/* Serves the text and names it by its own CID. */
static ia_cid_text serve(const char *text)
{
  ia_buf_clear(&served);
  ia_buf_str(&served, text);
  return cid_of(ia_buf_view(&served));
}

static void root_fails(const char *cid, ia_code code)
{
  json_t *v = NULL;
  ia_err e = {0};

  assert_false(ia_bulk_root_get(&net, &v, cid, &e));
  assert_null(v);
  assert_string_equal(ia_code_name(e.code), ia_code_name(code));
}

static void roots(void **state)
{
  IA_AUTO_JSON *v = NULL;
  const char *cid;

  (void)state;
  assert_true(ia_bulk_root_get(&net, &v, serve("[\"QmA\",\"QmB\"]").s, NULL));
  assert_true(ia_bulk_slice_of(&cid, v, 1, NULL));
  assert_string_equal(cid, "QmB");
  assert_false(ia_bulk_slice_of(&cid, v, 2, NULL));
  root_fails(serve("{\"a\":1}").s, IA_E_PARAMS_INVALID);
  root_fails(serve("[]").s, IA_E_PARAMS_INVALID);
  root_fails(serve("[1]").s, IA_E_PARAMS_INVALID);
  root_fails(serve("[\"QmA\"").s, IA_E_PARAMS_INVALID);
  root_fails("no cid", IA_E_PARAMS_INVALID);
}

static void bytes_are_those_of_the_cid(void **state)
{
  (void)state;
  ia_cid_text other = serve("[\"QmOther\"]");
  (void)serve("[\"QmA\"]");
  root_fails(other.s, IA_E_CORRUPT);
}

/* The store is heard no longer than the largest slice may be. */
static void more_than_a_slice_is_not_read(void **state)
{
  (void)state;
  ia_buf_clear(&served);
  for (size_t i = 0; i < IA_BULK_BYTES_MAX / 64 + 1; i++)
    ia_buf_str(&served, "                                                                ");
  root_fails(cid_of(ia_buf_view(&served)).s, IA_E_PARAMS_INVALID);
}

static void slices(void **state)
{
  static const size_t sizes[] = {0, 1, IA_BULK_DATASETS_MAX, IA_BULK_DATASETS_MAX + 1};
  json_t *v = NULL;
  ia_err e = {0};

  (void)state;
  for (size_t k = 0; k < IA_COUNT(sizes); k++) {
    size_t n = sizes[k];
    IA_AUTO_JSON *list = json_array();
    IA_AUTO_JSON *root = NULL;

    for (size_t i = 0; i < n; i++)
      json_array_append_new(list, json_integer(7)); /* judged later, each by itself */
    ia_autofree char *text = json_dumps(list, JSON_COMPACT);
    root = json_pack("[s]", serve(text).s);
    bool fits = n > 0 && n <= IA_BULK_DATASETS_MAX;
    assert_int_equal(ia_bulk_slice_get(&net, &v, root, 0, &e), fits);
    assert_true(fits || e.code == IA_E_PARAMS_INVALID);
    assert_int_equal(json_array_size(v), fits ? n : 0);
    json_decref(v);
    v = NULL;
  }
}

static void grants_for_bulk_are_free_and_endless(void **state)
{
  ia_dataset_order o = {.volume = ia_u256_of(IA_BULK_VOLUME)};

  (void)state;
  assert_true(ia_bulk_is_grant(&o));
  o.volume = ia_u256_of(IA_BULK_VOLUME - 1);
  assert_true(ia_bulk_is_grant(&o));
  o.volume = ia_u256_of(IA_BULK_VOLUME - 2);
  assert_false(ia_bulk_is_grant(&o));
  o.volume = ia_u256_of(IA_BULK_VOLUME);
  o.datasetprice = ia_u256_of(1);
  assert_false(ia_bulk_is_grant(&o));
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(roots),
      cmocka_unit_test(bytes_are_those_of_the_cid),
      cmocka_unit_test(more_than_a_slice_is_not_read),
      cmocka_unit_test(slices),
      cmocka_unit_test(grants_for_bulk_are_free_and_endless),
  };

  return cmocka_run_group_tests(tests, setup, teardown);
}
