/* What is at rest, and the barriers between the simulated world and the real one: each is shown to
 * hold alone, with others looked away from. */
#include "crypto/sha.h"
#include "sms_lab.h"

static void file_of(struct lab *b, ia_path *p, const char *name)
{
  assert_true(ia_path_join(p, NULL, "%s/%s", b->dir, name));
}

static void test_nothing_readable_lies_on_disk(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  static const char *const files[] = {"sms.db", "root", "head"};

  (void)state;
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  lab_stop(b);
  for (size_t i = 0; i < IA_COUNT(files); i++) {
    IA_AUTOV(ia_buf) bytes = {0};
    ia_path p;

    file_of(b, &p, files[i]);
    assert_true(ia_file_read(&bytes, p.s, 16 << 20, NULL));
    assert_null(memmem(bytes.ptr, bytes.len, "S0tLS0tLS0tLS0tL", 16));
    assert_null(memmem(bytes.ptr, bytes.len, "KKKKKKKKKKKKKKKK", 16));
  }
  lab_close(b);
}

/* The whole database of yesterday: the head file is ahead of it. */
static void test_an_older_copy_is_noticed(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  IA_AUTOV(ia_buf) old = {0};
  ia_err e = {0};
  ia_path p, wal;

  (void)state;
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  lab_stop(b);
  file_of(b, &p, "sms.db");
  file_of(b, &wal, "sms.db-wal");
  assert_true(ia_file_read(&old, p.s, 16 << 20, NULL));
  assert_true(lab_start(b, NULL));
  assert_string_equal(lab_outcome(b), "OK");
  lab_stop(b);
  (void)!unlink(wal.s);
  assert_true(ia_file_write(p.s, ia_buf_view(&old), 0600, NULL));
  assert_false(lab_start(b, &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
  file_of(b, &p, "head");
  assert_int_equal(unlink(p.s), 0);
  assert_false(lab_start(b, &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
  lab_close(b);
}

static void test_wrong_passphrase(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  IA_AUTOV(ia_secret) other = {0};
  ia_err e = {0};

  (void)state;
  lab_stop(b);
  assert_true(ia_secret_copy(&other, ia_span_str("another"), NULL));
  b->c.passphrase = &other;
  assert_false(lab_start(b, &e));
  assert_int_equal(e.code, IA_E_BAD_KEY);
  lab_close(b);
}

/* Barrier 1: the domain is written once. Barriers 3 and 4 hold when it is looked away from. */
static void test_a_store_keeps_its_domain(void **state)
{
  static const unsigned all = IA_SMS_SKIP_KEK | IA_SMS_SKIP_CHAIN_GATE | IA_SMS_SKIP_LOOPBACK |
                              IA_SMS_SKIP_HEAD; /* but the one that is shown */
  struct lab *b = lab_open("", IA_DOMAIN_HW);
  ia_err e = {0};

  (void)state;
  b->w->pins.domain = IA_DOMAIN_HW;
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  lab_stop(b);
  lab_config(b, IA_DOMAIN_SIM);
  assert_false(lab_start(b, &e));
  assert_int_equal(e.code, IA_E_DOMAIN_MISMATCH);
  b->c.skip = all;
  assert_false(lab_start(b, &e));
  assert_int_equal(e.code, IA_E_DOMAIN_MISMATCH);
  lab_close(b);
}

static void reopen_as_sim(unsigned skip, const char *code)
{
  struct lab *b = lab_open("", IA_DOMAIN_HW);
  ia_err e = {0};

  assert_int_equal(lab_push_key(b, W_DATA), 204);
  lab_stop(b);
  lab_config(b, IA_DOMAIN_SIM);
  b->c.skip = skip;
  if (!lab_start(b, &e))
    fail_msg("%s", e.msg);
  b->w->pins.domain = IA_DOMAIN_SIM;
  w_lease_sign(b->w, W_POOL);
  assert_string_equal(lab_outcome(b), code);
  lab_close(b);
}

static void test_storage_keys_and_aad_hold_without_the_domain_check(void **state)
{
  (void)state;
  /* other storage keys */
  reopen_as_sim(IA_SMS_SKIP_DOMAIN | IA_SMS_SKIP_HEAD, "CORRUPT");
  /* the right storage keys: the domain in the AAD still refuses */
  reopen_as_sim(IA_SMS_SKIP_DOMAIN | IA_SMS_SKIP_HEAD | IA_SMS_SKIP_KEK, "CORRUPT");
}

/* Barrier 2: the two kinds of evidence are two types, and no function takes both. */
static void test_evidence_types_are_apart(void **state)
{
  (void)state;
  assert_false(__builtin_types_compatible_p(sim_evidence, hw_evidence));
  assert_false(
      __builtin_types_compatible_p(__typeof__(&ia_sms_judge_sim), __typeof__(&ia_sms_judge_hw)));
}

/* Barriers 4 and 5: an instance of the hardware domain releases nothing for a simulated quote, and
 * in this version nothing at all; it says so. */
static void test_a_hardware_instance_releases_nothing(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_HW);
  struct evidence ev = {0};
  ia_descriptor d;

  (void)state;
  b->w->pins.domain = IA_DOMAIN_HW;
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  assert_true(lab_challenge(b, &ev.nonce));
  lab_descriptor(b, &d);
  lab_evidence(b, &d, &ev);
  json_decref(lab_post(b, "/attest/v1/release", lab_request(b, &ev)));
  assert_string_equal(b->error, "NONCE_INVALID"); /* the nonce was for tee tdx */
  assert_true(lab_challenge(b, &ev.nonce));
  json_t *asks = lab_request(b, &ev);
  assert_int_equal(json_object_set_new(asks, "tee", json_string("tdx")), 0);
  json_decref(lab_post(b, "/attest/v1/release", asks));
  assert_string_equal(b->error, "QE_VENDOR");
  evidence_free(&ev);
  lab_close(b);
}

/* Quotes of real hardware, to an instance of its domain: each is refused by a name, the sound ones
 * because this version does not judge collateral. */
static void test_real_quotes_release_nothing_yet(void **state)
{
  static const struct {
    const char *file, *code;
  } rows[] = {{"tdx4-moe-f8f82dc7", "UNSUPPORTED"}, {"sgx3-intelqvl-8cc428aa", "HARDWARE_CLASS"}};
  struct lab *b = lab_open("", IA_DOMAIN_HW);

  (void)state;
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    struct evidence ev = {0};
    ia_path p;

    assert_true(
        ia_path_join(&p, NULL, "%s/vectors/dcap/quotes/%s.bin", getenv("IA_TESTS"), rows[i].file));
    assert_true(ia_file_read(&ev.quote, p.s, 64 << 10, NULL));
    assert_true(lab_challenge(b, &ev.nonce));
    json_t *asks = lab_request(b, &ev);
    assert_int_equal(json_object_set_new(asks, "tee", json_string("tdx")), 0);
    json_decref(lab_post(b, "/attest/v1/release", asks));
    assert_string_equal(b->error, rows[i].code);
    evidence_free(&ev);
  }
  /* it did keep the secret, and no release is on record */
  assert_int_equal(lab_push_key(b, W_DATA), 409);
  lab_close(b);
}

/* Barrier 6, with 7 looked away from, and 7 with 6. */
static void test_a_simulated_instance_serves_no_public_hub(void **state)
{
  static const char *const hubs[] = {"098bfcb1e50ebca0baa92c12ea0c3f045a1ad9f0",
                                     "b2157bf2fab286b2a4170e3491ac39770111da3e",
                                     "3eca1b216a7df1c7689aeb259ffb83adfb894e7f"};
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  ia_err e = {0};

  (void)state;
  lab_stop(b);
  b->c.skip = IA_SMS_SKIP_LOOPBACK | IA_SMS_SKIP_DOMAIN | IA_SMS_SKIP_KEK | IA_SMS_SKIP_HEAD;
  for (size_t i = 0; i < IA_COUNT(hubs); i++) {
    assert_true(ia_unhex(b->c.hub.b, 20, ia_span_str(hubs[i])));
    assert_false(lab_start(b, &e));
    assert_int_equal(e.code, IA_E_HUB_FORBIDDEN);
  }
  lab_close(b);
}

static void test_a_simulated_instance_stays_on_loopback(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  IA_AUTOV(ia_http_answer) a = {0};
  ia_err e = {0};

  (void)state;
  lab_stop(b);
  b->c.skip = IA_SMS_SKIP_CHAIN_GATE | IA_SMS_SKIP_DOMAIN | IA_SMS_SKIP_KEK | IA_SMS_SKIP_HEAD;
  b->c.host = "0.0.0.0";
  assert_false(lab_start(b, &e));
  assert_int_equal(e.code, IA_E_FORBIDDEN);
  b->c.allow_remote_simulation = true;
  assert_true(lab_start(b, &e));
  assert_true(fixture_get(&b->f, &a, "GET", "/up", NULL));
  assert_non_null(memmem(a.body.ptr, a.body.len, "\"remoteSimulation\":true", 23));
  lab_close(b);
}

static void test_the_info_document_is_signed(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  IA_AUTOV(ia_http_answer) a = {0};
  IA_AUTOV(ia_buf) sig = {0};
  const char *text;

  (void)state;
  assert_true(fixture_get(&b->f, &a, "GET", "/info", NULL));
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&a.body), 0, NULL);
  assert_true(ia_json_get_str(v, "text", &text, NULL));
  assert_true(ia_json_get_hex(v, "sig", &sig, NULL));
  assert_true(ia_text_verify(IA_DOMAIN_SIM, "sms-info", ia_span_str(text), sig.ptr,
                             &b->w->pins.sms_key, NULL));
  assert_non_null(strstr(text, "\"domain\":\"sim\""));
  assert_non_null(strstr(text, ia_h256_text(&b->root).s));
  lab_close(b);
}

static void test_enrolled_roots(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  const ia_sms_operator o = {b->dir, &b->pass, true};
  IA_AUTOV(ia_buf) certs = {0}, keys = {0};
  ia_h256 digest;

  (void)state;
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  lab_stop(b);
  b->c.n_sim_roots = 0;
  assert_true(lab_start(b, NULL));
  assert_string_equal(lab_outcome(b), "SIM_ROOT");
  assert_true(ia_simpki_export(b->pki, &certs, &keys, NULL));
  assert_true(ia_sms_trust_sim(&o, ia_buf_view(&certs), &digest, NULL));
  assert_true(ia_h256_eq(&digest, &b->root));
  assert_string_equal(lab_outcome(b), "OK");
  lab_stop(b);
  assert_true(lab_start(b, NULL)); /* what the other process wrote is part of the same chain */
  assert_string_equal(lab_outcome(b), "OK");
  lab_close(b);
}

/* Many at once: one commit serves several, and none is lost. */
struct runner {
  struct lab *b;
  bool ok;
};

static bool count_up(void *ctx, ia_db *db, ia_err *e)
{
  uint64_t n;
  bool has;

  (void)ctx;
  return ia_sms_meta_u64(db, "test", &n, &has, e) && ia_sms_meta_set_u64(db, "test", n + 1, e);
}

static bool fails(void *ctx, ia_db *db, ia_err *e)
{
  return count_up(ctx, db, e) && ia_fail(e, IA_E_INVALID, "on purpose");
}

static void *many(void *arg)
{
  struct runner *r = arg;

  r->ok = true;
  for (int i = 0; i < 50; i++) {
    r->ok &= ia_sms_store_run(r->b->sms->store, count_up, NULL, NULL);
    r->ok &= !ia_sms_store_run(r->b->sms->store, fails, NULL, NULL);
  }
  return NULL;
}

static bool read_count(void *ctx, ia_db *db, ia_err *e)
{
  return ia_sms_meta_u64(db, "test", ctx, NULL, e);
}

static void test_units_are_whole_and_grouped(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  struct runner r[4];
  pthread_t t[4];
  uint64_t n = 0, before = b->sms->head.tip.seq;

  (void)state;
  for (int i = 0; i < 4; i++) {
    r[i].b = b;
    assert_int_equal(pthread_create(&t[i], NULL, many, &r[i]), 0);
  }
  for (int i = 0; i < 4; i++) {
    pthread_join(t[i], NULL);
    assert_true(r[i].ok);
  }
  assert_true(ia_sms_store_run(b->sms->store, read_count, &n, NULL));
  assert_int_equal(n, 200);                             /* the failed units left nothing */
  assert_int_equal(b->sms->head.tip.seq - before, 200); /* one entry each, and the head tells */
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_nothing_readable_lies_on_disk),
      cmocka_unit_test(test_an_older_copy_is_noticed),
      cmocka_unit_test(test_wrong_passphrase),
      cmocka_unit_test(test_a_store_keeps_its_domain),
      cmocka_unit_test(test_storage_keys_and_aad_hold_without_the_domain_check),
      cmocka_unit_test(test_evidence_types_are_apart),
      cmocka_unit_test(test_a_hardware_instance_releases_nothing),
      cmocka_unit_test(test_real_quotes_release_nothing_yet),
      cmocka_unit_test(test_a_simulated_instance_serves_no_public_hub),
      cmocka_unit_test(test_a_simulated_instance_stays_on_loopback),
      cmocka_unit_test(test_the_info_document_is_signed),
      cmocka_unit_test(test_enrolled_roots),
      cmocka_unit_test(test_units_are_whole_and_grouped),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
