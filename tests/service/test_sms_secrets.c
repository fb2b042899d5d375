/* Secrets as iExec clients push them: who may, in which order the checks come, what is answered. */
#include "crypto/rsa.h"
#include "sms_lab.h"
#include "sms_owner.h"

static int push_web2(struct lab *b, const char *method, int who, int owner, const char *name,
                     ia_span value)
{
  char path[256], auth[140];
  ia_h256 h;

  ia_secret_auth_named(&h, &b->w->who[owner].addr, ia_span_str(name), value);
  (void)!snprintf(path, sizeof(path), "/secrets/web2?ownerAddress=%s&secretName=%s",
                  ia_addr_lower(&b->w->who[owner].addr).s, name);
  return lab_raw(b, method, path, lab_auth(b, auth, who, &h), value);
}

static int head_web2(struct lab *b, int owner, const char *name)
{
  char path[256];

  (void)!snprintf(path, sizeof(path), "/secrets/web2?ownerAddress=%s&secretName=%s",
                  ia_addr_lower(&b->w->who[owner].addr).s, name);
  return lab_raw(b, "HEAD", path, NULL, ia_span_of(NULL, 0));
}

static void test_web3(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  char path[128];

  (void)state;
  (void)!snprintf(path, sizeof(path), "/secrets/web3?secretAddress=%s",
                  ia_addr_lower(&b->w->dataset).s);
  assert_int_equal(lab_raw(b, "HEAD", path, NULL, ia_span_of(NULL, 0)), 404);
  assert_int_equal(lab_raw(b, "POST", path, NULL, ia_span_str("x")), 401);
  assert_int_equal(lab_raw(b, "POST", path, "0x1234", ia_span_str("x")), 401);
  assert_int_equal(lab_push_key(b, W_USER), 401);
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  assert_int_equal(lab_push_key(b, W_DATA), 409);
  assert_int_equal(lab_raw(b, "HEAD", path, NULL, ia_span_of(NULL, 0)), 204);
  assert_int_equal(lab_raw(b, "GET", path, NULL, ia_span_of(NULL, 0)), 405);
  assert_int_equal(lab_raw(b, "DELETE", path, NULL, ia_span_of(NULL, 0)), 405);
  lab_close(b);
}

/* A ledger that names another owner gets nowhere: the address proves who the first one was. */
static void test_the_ledger_cannot_name_an_owner(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);

  (void)state;
  b->w->f.asset[IA_ASSET_DATASET].first_owner = b->w->who[W_USER].addr;
  assert_int_equal(lab_push_key(b, W_USER), 401);
  lab_close(b);
}

static void test_web2(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  ia_span v = ia_span_str("value");

  (void)state;
  assert_int_equal(head_web2(b, W_USER, "Some-Name"), 404);
  assert_int_equal(push_web2(b, "PUT", W_USER, W_USER, "Some-Name", v), 404);
  assert_int_equal(push_web2(b, "POST", W_DATA, W_USER, "Some-Name", v), 401);
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, "Some-Name", v), 204);
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, "Some-Name", v), 409);
  assert_int_equal(push_web2(b, "PUT", W_USER, W_USER, "Some-Name", v), 204);
  assert_int_equal(head_web2(b, W_USER, "some-name"), 204); /* names are kept in lower case */
  assert_int_equal(head_web2(b, W_DATA, "some-name"), 404);
  lab_close(b);
}

static int push_named(struct lab *b, int who, const char *path, const ia_addr *of, const char *name,
                      ia_span value)
{
  char auth[140];
  ia_h256 h;

  ia_secret_auth_named(&h, of, ia_span_str(name), value);
  return lab_raw(b, "POST", path, lab_auth(b, auth, who, &h), value);
}

static void test_apps_and_requesters(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  ia_span v = ia_span_str("value");
  char app[128], req[160], bad[160];
  const ia_addr *user = &b->w->who[W_USER].addr;

  (void)state;
  (void)!snprintf(app, sizeof(app), "/apps/%s/secrets", ia_addr_lower(&b->w->app).s);
  (void)!snprintf(req, sizeof(req), "/requesters/%s/secrets/my-key", ia_addr_lower(user).s);
  (void)!snprintf(bad, sizeof(bad), "/requesters/%s/secrets/my.key", ia_addr_lower(user).s);
  assert_int_equal(lab_raw(b, "HEAD", app, NULL, ia_span_of(NULL, 0)), 404);
  assert_int_equal(push_named(b, W_DATA, app, &b->w->app, "1", v), 401);
  assert_int_equal(push_named(b, W_APP, app, &b->w->app, "1", v), 204);
  assert_int_equal(push_named(b, W_APP, app, &b->w->app, "1", v), 409);
  assert_int_equal(lab_raw(b, "HEAD", app, NULL, ia_span_of(NULL, 0)), 204);
  assert_int_equal(push_named(b, W_DATA, req, user, "my-key", v), 401);
  assert_int_equal(push_named(b, W_USER, req, user, "my-key", v), 204);
  assert_int_equal(push_named(b, W_USER, req, user, "my-key", v), 409);
  assert_int_equal(lab_raw(b, "HEAD", bad, NULL, ia_span_of(NULL, 0)), 400);
  lab_close(b);
}

/* Signature first, then the name, then the size, then whether it exists. */
static void test_order_of_checks(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  static char big[4097];
  char req[160], bad[160];
  const ia_addr *user = &b->w->who[W_USER].addr;

  (void)state;
  memset(big, 'x', sizeof(big));
  (void)!snprintf(req, sizeof(req), "/requesters/%s/secrets/k", ia_addr_lower(user).s);
  (void)!snprintf(bad, sizeof(bad), "/requesters/%s/secrets/a.b", ia_addr_lower(user).s);
  assert_int_equal(push_named(b, W_DATA, bad, user, "a.b", IA_SPAN_ARR(big)), 401);
  assert_int_equal(push_named(b, W_USER, bad, user, "a.b", IA_SPAN_ARR(big)), 400);
  assert_int_equal(push_web2(b, "POST", W_DATA, W_USER, "n", IA_SPAN_ARR(big)), 401);
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, "n", IA_SPAN_ARR(big)), 413);
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, "n", ia_span_of(big, 4096)), 204);
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, "n", IA_SPAN_ARR(big)), 413);
  lab_close(b);
}

/* What hands out keys without attestation is not there. */
static void test_routes_that_do_not_exist(void **state)
{
  static const char *const paths[] = {"/tee/challenges/0x11", "/tee/sessions", "/admin/backup",
                                      "/admin/1/replicate-backup"};
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  IA_AUTOV(ia_http_answer) a = {0};

  (void)state;
  for (size_t i = 0; i < IA_COUNT(paths); i++)
    assert_int_equal(lab_raw(b, "POST", paths[i], NULL, ia_span_str("{}")), 404);
  assert_true(fixture_get(&b->f, &a, "GET", "/tee/framework", NULL));
  assert_true(ia_span_is(ia_buf_view(&a.body), "\"TDX\""));
  assert_int_equal(lab_raw(b, "GET", "/version", NULL, ia_span_of(NULL, 0)), 200);
  assert_int_equal(lab_raw(b, "GET", "/metrics", NULL, ia_span_of(NULL, 0)), 200);
  assert_int_equal(lab_raw(b, "GET", "/actuator/health", NULL, ia_span_of(NULL, 0)), 200);
  assert_int_equal(lab_raw(b, "GET", "/tee/properties/SCONE/v1", NULL, ia_span_of(NULL, 0)), 409);
  assert_int_equal(lab_raw(b, "GET", "/tee/properties/TDX/v0", NULL, ia_span_of(NULL, 0)), 404);
  assert_int_equal(lab_raw(b, "GET", "/tee/properties/TDX/v" IA_VERSION, NULL, ia_span_of(NULL, 0)),
                   200);
  lab_close(b);
}

static void test_browsers_may_push_secrets(void **state)
{
  static const char *const headers[] = {"Origin: http://localhost:5173",
                                        "Access-Control-Request-Method: POST", NULL};
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  IA_AUTOV(ia_http_answer) a = {0};

  (void)state;
  assert_true(ia_http_do(b->f.http, &a,
                         &(ia_http_call){.method = "OPTIONS",
                                         .url = fixture_url(&b->f, "/secrets/web3"),
                                         .headers = headers},
                         NULL));
  assert_int_equal(a.status, 204);
  assert_true(
      ia_span_is(ia_http_field(&a, "access-control-allow-origin"), "http://localhost:5173"));
  lab_close(b);
}

static ia_buf rsa_pem(unsigned bits)
{
  IA_AUTO(ia_rsa) *rsa = NULL;
  ia_buf pem = {0};

  assert_true(ia_rsa_generate(&rsa, bits, NULL) && ia_rsa_write_public(&pem, rsa, NULL));
  return pem;
}

static int push_dataset_key(struct lab *b, const char *value)
{
  char path[128], auth[140];
  ia_h256 h;

  ia_secret_auth_web3(&h, &b->w->dataset, ia_span_str(value));
  (void)!snprintf(path, sizeof(path), "/secrets/web3?secretAddress=%s",
                  ia_addr_lower(&b->w->dataset).s);
  return lab_raw(b, "POST", path, lab_auth(b, auth, W_DATA, &h), ia_span_str(value));
}

/* What no enclave could decrypt with is refused when it is pushed, not when keys of others have
 * left. */
static void test_a_key_of_a_dataset_has_its_form(void **state)
{
  static const char *const bad[] = {
      "",
      "secret",
      "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLSw==",   /* 31 bytes */
      "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tL",   /* 33 bytes */
      "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s",    /* no padding */
      "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s=\n", /* a newline behind it */
      " S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s=",  /* a space before it */
      "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0-=",   /* another alphabet */
      "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0t=",   /* bits behind the last byte */
      "4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b", /* hex */
  };
  struct lab *b = lab_open("", IA_DOMAIN_SIM);

  (void)state;
  for (size_t i = 0; i < IA_COUNT(bad); i++)
    if (push_dataset_key(b, bad[i]) != 400)
      fail_msg("accepted as a key: \"%s\"", bad[i]);
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  lab_close(b);
}

/* The siblings: a result key that nothing can be encrypted for, a secret that no environment
 * variable can hold. Secrets of other names have no form. */
static void test_other_secrets_have_their_form(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  const ia_addr *user = &b->w->who[W_USER].addr;
  IA_AUTOV(ia_buf) pem = rsa_pem(2048), base64 = {0};
  ia_span nul = ia_span_of("a\0b", 3);
  char app[128], req[160];

  (void)state;
  ia_buf_base64(&base64, ia_buf_view(&pem));
  assert_int_equal(
      push_web2(b, "POST", W_USER, W_USER, IA_RESULT_KEY_SECRET, ia_span_str("not a key")), 403);
  assert_int_equal(
      push_web2(b, "POST", W_USER, W_USER, IA_RESULT_KEY_SECRET, ia_span_of(pem.ptr, pem.len / 2)),
      403);
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, IA_RESULT_KEY_SECRET, ia_buf_view(&base64)),
                   204);
  assert_int_equal(
      push_web2(b, "PUT", W_USER, W_USER, "IEXEC-result-encryption-public-key", ia_span_str("x")),
      403);
  assert_int_equal(push_web2(b, "PUT", W_USER, W_USER, IA_RESULT_KEY_SECRET, ia_buf_view(&pem)),
                   204);
  lab_message(b, W_USER, "rotate", user, 1, "{\"value\":\"not a key\"}");
  assert_string_equal(b->error, "RESULT_KEY_INVALID");
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, "token", ia_span_str("any")), 204);

  (void)!snprintf(app, sizeof(app), "/apps/%s/secrets", ia_addr_lower(&b->w->app).s);
  (void)!snprintf(req, sizeof(req), "/requesters/%s/secrets/k", ia_addr_lower(user).s);
  assert_int_equal(push_named(b, W_APP, app, &b->w->app, "1", nul), 400);
  assert_int_equal(push_named(b, W_USER, req, user, "k", nul), 400);
  lab_close(b);
}

/* {"value":PEM} as a message's body: the PEM's lines are escaped. */
static void rotate(struct lab *b, ia_span pem, uint64_t version)
{
  IA_AUTO_JSON *v = json_pack("{s:o}", "value", ia_json_bytes(pem));
  IA_AUTOV(ia_buf) body = {0};

  assert_true(ia_json_canonical(&body, v, NULL));
  ia_buf_u8(&body, 0);
  lab_message(b, W_USER, "rotate", &b->w->who[W_USER].addr, version, (const char *)body.ptr);
}

/* A modulus that is even seals nothing. It is refused in each form of a push. */
static void test_an_even_modulus(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  IA_AUTOV(ia_buf) pem = rsa_pem(2048), base64 = {0};

  (void)state;
  char *at = memmem(pem.ptr, pem.len, "IDAQAB", 6); /* the exponent; before it, the modulus ends */
  assert_non_null(at);
  at[-1] = 'g';
  ia_buf_base64(&base64, ia_buf_view(&pem));
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, IA_RESULT_KEY_SECRET, ia_buf_view(&pem)),
                   403);
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, IA_RESULT_KEY_SECRET, ia_buf_view(&base64)),
                   403);
  rotate(b, ia_buf_view(&pem), 1);
  assert_string_equal(b->error, "RESULT_KEY_INVALID");
  lab_close(b);
}

/* After "lock" an old PUT cannot be replayed: only messages with growing versions change the key.
 */
static void test_lock_and_rotate(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  const ia_addr *user = &b->w->who[W_USER].addr;
  IA_AUTOV(ia_buf) pem = rsa_pem(2048), other = rsa_pem(2048);
  ia_span key = ia_buf_view(&pem);

  (void)state;
  assert_int_equal(push_web2(b, "POST", W_USER, W_USER, IA_RESULT_KEY_SECRET, key), 204);
  lab_message(b, W_DATA, "lock", user, 1, "{}");
  assert_string_equal(b->error, "OWNER_UNPROVEN");
  lab_message(b, W_USER, "lock", user, 1, "{}");
  assert_string_equal(b->error, "");
  assert_int_equal(push_web2(b, "PUT", W_USER, W_USER, IA_RESULT_KEY_SECRET, key), 403);
  rotate(b, key, 1);
  assert_string_equal(b->error, "");
  rotate(b, ia_buf_view(&other), 1);
  assert_string_equal(b->error, "POLICY_ROLLBACK");
  lab_close(b);
}

static void test_forget(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);

  (void)state;
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  lab_message(b, W_DATA, "forget", &b->w->dataset, 1, "{}");
  assert_string_equal(b->error, "");
  assert_string_equal(lab_outcome(b), "SECRET_MISSING");
  lab_close(b);
}

/* A kind that this version does not act on is refused, not kept for later. */
static void test_unknown_kinds_are_refused(void **state)
{
  static const char *const kinds[] = {"approve", "audit", "Policy", ""};
  struct lab *b = lab_open("", IA_DOMAIN_SIM);

  (void)state;
  for (size_t i = 0; i < IA_COUNT(kinds); i++) {
    lab_message(b, W_DATA, kinds[i], &b->w->dataset, 1, "{}");
    assert_string_equal(b->error, "UNSUPPORTED");
  }
  lab_close(b);
}

/* Signed for one SMS, one ledger, one domain: the same message fits no other. */
static void test_messages_fit_one_place(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);

  (void)state;
  b->w->pins.sms_key.b[0] ^= 1;
  lab_message(b, W_DATA, "revoke", &b->w->dataset, 1, "{\"all\":true}");
  assert_string_not_equal(b->error, "");
  b->w->pins.sms_key.b[0] ^= 1;
  b->w->pins.chain_id++;
  lab_message(b, W_DATA, "revoke", &b->w->dataset, 1, "{\"all\":true}");
  assert_string_not_equal(b->error, "");
  b->w->pins.chain_id--;
  b->w->pins.domain = IA_DOMAIN_HW;
  lab_message(b, W_DATA, "revoke", &b->w->dataset, 1, "{\"all\":true}");
  assert_string_not_equal(b->error, "");
  b->w->pins.domain = IA_DOMAIN_SIM;
  lab_message(b, W_DATA, "revoke", &b->w->dataset, 1, "{\"all\":true}");
  assert_string_equal(b->error, "");
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_web3),
      cmocka_unit_test(test_the_ledger_cannot_name_an_owner),
      cmocka_unit_test(test_web2),
      cmocka_unit_test(test_apps_and_requesters),
      cmocka_unit_test(test_order_of_checks),
      cmocka_unit_test(test_routes_that_do_not_exist),
      cmocka_unit_test(test_browsers_may_push_secrets),
      cmocka_unit_test(test_a_key_of_a_dataset_has_its_form),
      cmocka_unit_test(test_other_secrets_have_their_form),
      cmocka_unit_test(test_an_even_modulus),
      cmocka_unit_test(test_lock_and_rotate),
      cmocka_unit_test(test_forget),
      cmocka_unit_test(test_unknown_kinds_are_refused),
      cmocka_unit_test(test_messages_fit_one_place),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
