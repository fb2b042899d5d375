/* Secrets pushed in our own form: sealed to one SMS, bound to their place and version; and what
 * iExec's form, which binds neither, may still do. */
#include "client/to_sms.h"
#include "sms_lab.h"
#include "sms_owner.h"
#include "tee/push.h"

#define KEY       "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s="
#define OTHER_KEY "TExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTEw="

/* A client of the lab's SMS. */
struct person_net {
  ia_net net;
  ia_wallet *w;
};

static struct person_net client(struct lab *b, int who)
{
  struct person_net p = {.net = {.sms = ia_server_url(b->f.server),
                                 .chain_id = b->w->pins.chain_id,
                                 .hub = b->w->pins.hub,
                                 .sms_key = b->w->pins.sms_key,
                                 .sms_domain = b->w->pins.domain}};

  assert_true(ia_net_open(&p.net, NULL));
  assert_true(ia_wallet_of_key(&p.w, &b->w->who[who].key, NULL));
  return p;
}

static void client_free(struct person_net *p)
{
  ia_net_close(&p->net);
  ia_wallet_free(p->w);
}

/* IA_OK or the code of the refusal. */
static ia_code push_key(struct lab *b, int who, const char *value)
{
  struct person_net p = client(b, who);
  ia_err e = {0};

  (void)!ia_to_sms_push_dataset_key(&p.net, p.w, &b->w->dataset, ia_span_str(value), &e);
  client_free(&p);
  return e.code;
}

static void test_a_pushed_key_is_released(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);

  (void)state;
  assert_int_equal(push_key(b, W_USER, KEY), IA_E_UNAUTHORIZED);
  assert_int_equal(push_key(b, W_DATA, "no key"), IA_E_BAD_KEY);
  assert_int_equal(push_key(b, W_DATA, KEY), IA_OK);
  assert_int_equal(push_key(b, W_DATA, KEY), IA_OK); /* the same again */
  assert_int_equal(push_key(b, W_DATA, OTHER_KEY), IA_E_EXISTS);
  assert_int_equal(lab_push_key(b, W_DATA), 409);
  assert_string_equal(lab_outcome(b), "OK");
  lab_close(b);
}

/* The client's side, over answers that somebody recorded or made. */
static void test_what_the_client_believes(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  ia_push_challenge c = {.domain = IA_DOMAIN_SIM,
                         .chain_id = b->w->pins.chain_id,
                         .hub = b->w->pins.hub,
                         .sms_key = b->w->pins.sms_key,
                         .at = {"dataset", b->w->dataset, ""}};
  ia_push_challenge other;
  IA_AUTO_JSON *text = NULL;
  ia_err e = {0};

  (void)state;
  c.client_nonce.b[0] = 7;
  IA_AUTO_JSON *answer = lab_post(b, "/push/v1/challenge",
                                  json_pack("{s:s, s:o, s:s, s:o}", "kind", "dataset", "object",
                                            ia_json_addr(&b->w->dataset), "name", "", "clientNonce",
                                            ia_json_h256(&c.client_nonce)));
  assert_non_null(answer);
  assert_true(ia_push_challenge_open(&c, &text, answer, &e));
  for (int i = 0; i < 6; i++) {
    IA_AUTO_JSON *again = NULL;

    other = c;
    other.client_nonce.b[0] ^= i == 0;
    other.at.object.b[0] ^= i == 1;
    other.chain_id += i == 2;
    other.hub.b[0] ^= i == 3;
    other.sms_key.b[0] ^= i == 4;
    other.at.kind = i == 5 ? "app" : "dataset";
    assert_false(ia_push_challenge_open(&other, &again, answer, &e));
    assert_int_equal(e.code, IA_E_SMS_SIGNATURE);
  }
  /* a key of somebody's own in the text, and a description of the SMS in its place */
  assert_int_equal(json_object_set_new(answer, "text", json_string("{}")), 0);
  assert_false(ia_push_challenge_open(&other, &text, answer, &e));
  lab_close(b);
}

/* One push as JSON, to be changed and repeated. */
static json_t *a_push(struct lab *b, int who, ia_push_challenge *c, uint64_t version,
                      const char *value)
{
  IA_AUTOV(ia_push_sealed) sealed = {0};
  ia_push p = {.challenge = c, .pusher = b->w->who[who].addr, .version = version};
  char sig[140];
  ia_h256 h;

  assert_true(ia_push_seal(&sealed, &p, ia_span_str(value), NULL, NULL));
  assert_true(ia_push_hash(&h, &p, &sealed, NULL));
  return json_pack("{s:s, s:o, s:s, s:o, s:o, s:I, s:o, s:s, s:o, s:o}", "kind", c->at.kind,
                   "object", ia_json_addr(&c->at.object), "name", c->at.name, "clientNonce",
                   ia_json_h256(&c->client_nonce), "nonce", ia_json_h256(&c->nonce), "version",
                   (json_int_t)version, "pusher", ia_json_addr(&p.pusher), "sig",
                   lab_auth(b, sig, who, &h), "enc", ia_json_h256(&sealed.enc), "ct",
                   ia_json_base64(ia_buf_view(&sealed.ct)));
}

static json_t *ask(struct lab *b, ia_push_challenge *c, const char *kind, const ia_addr *object,
                   const char *name)
{
  json_t *text = NULL;
  IA_AUTO_JSON *answer = NULL;

  *c = (ia_push_challenge){.domain = b->w->pins.domain,
                           .chain_id = b->w->pins.chain_id,
                           .hub = b->w->pins.hub,
                           .sms_key = b->w->pins.sms_key,
                           .at = {kind, *object, name}};
  answer = lab_post(b, "/push/v1/challenge",
                    json_pack("{s:s, s:o, s:s, s:o}", "kind", kind, "object", ia_json_addr(object),
                              "name", name, "clientNonce", ia_json_h256(&c->client_nonce)));
  assert_non_null(answer);
  assert_true(ia_push_challenge_open(c, &text, answer, NULL));
  return text;
}

static const char *post(struct lab *b, const json_t *push)
{
  json_decref(lab_post(b, "/push/v1/secret", json_deep_copy(push)));
  return b->error;
}

static void test_a_push_fits_one_place(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  const ia_addr *user = &b->w->who[W_USER].addr;
  ia_push_challenge c;
  static const struct {
    const char *member, *value;
  } changes[] = {
      {"kind", "requester"},
      {"name", "another"},
      {"object", "0x1111111111111111111111111111111111111111"},
      {"pusher", "0x1111111111111111111111111111111111111111"},
      {"nonce", "0x1111111111111111111111111111111111111111111111111111111111111111"},
      {"clientNonce", "0x1111111111111111111111111111111111111111111111111111111111111111"},
      {"enc", "0x1111111111111111111111111111111111111111111111111111111111111111"},
  };

  (void)state;
  IA_AUTO_JSON *text = ask(b, &c, "web2", user, "a-name");
  (void)text; /* c points into it */
  IA_AUTO_JSON *push = a_push(b, W_USER, &c, 5, "value");
  for (size_t i = 0; i < IA_COUNT(changes); i++) {
    IA_AUTO_JSON *bad = json_deep_copy(push);

    json_object_set_new(bad, changes[i].member, json_string(changes[i].value));
    assert_string_not_equal(post(b, bad), "");
  }
  IA_AUTO_JSON *later = json_deep_copy(push);
  json_object_set_new(later, "version", json_integer(6));
  assert_string_equal(post(b, later), "UNAUTHORIZED");
  assert_string_equal(post(b, push), "");
  assert_string_equal(post(b, push), "NONCE_INVALID");
  lab_stop(b); /* the key to which it was sealed ends with the process */
  assert_true(lab_start(b, NULL));
  assert_string_equal(post(b, push), "NONCE_INVALID");
  lab_close(b);
}

/* Signed for another installation: chain, hub and SMS are part of what is signed and sealed. */
static void test_a_push_fits_one_installation(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  const ia_addr *user = &b->w->who[W_USER].addr;

  (void)state;
  for (int i = 0; i < 4; i++) {
    ia_push_challenge c;
    IA_AUTO_JSON *text = ask(b, &c, "web2", user, "a-name");
    (void)text; /* c points into it */

    c.chain_id += i == 0;
    c.hub.b[3] ^= i == 1;
    c.sms_key.b[3] ^= i == 2;
    if (i == 3)
      c.domain = IA_DOMAIN_HW;
    IA_AUTO_JSON *push = a_push(b, W_USER, &c, 1, "value");
    assert_string_equal(post(b, push), "UNAUTHORIZED");
  }
  lab_close(b);
}

static void test_versions_grow_in_small_steps(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  const ia_addr *user = &b->w->who[W_USER].addr;
  static const struct {
    uint64_t version;
    const char *value, *error, *outcome;
  } steps[] = {
      {65537, "a", "INVALID", NULL}, {65536, "a", "", "stored"}, {65536, "a", "", "same"},
      {65540, "a", "", "same"},      {65536, "b", "", "newer"},  {65000, "b", "", "newer"},
      {65537, "b", "", "stored"},    {65536, "a", "", "newer"},
  };

  (void)state;
  for (size_t i = 0; i < IA_COUNT(steps); i++) {
    ia_push_challenge c;
    IA_AUTO_JSON *text = ask(b, &c, "web2", user, "a-name");
    (void)text; /* c points into it */
    IA_AUTO_JSON *push = a_push(b, W_USER, &c, steps[i].version, steps[i].value);
    IA_AUTO_JSON *answer = lab_post(b, "/push/v1/secret", json_incref(push));
    const char *said = json_string_value(json_object_get(answer, "text"));

    assert_string_equal(b->error, steps[i].error);
    assert_true(!steps[i].outcome || (said && strstr(said, steps[i].outcome)));
  }
  lab_close(b);
}

static void test_a_forgotten_secret_stays_so(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  ia_push_challenge before, c;
  char path[128];

  (void)state;
  (void)!snprintf(path, sizeof(path), "/secrets/web3?secretAddress=%s",
                  ia_addr_lower(&b->w->dataset).s);
  IA_AUTO_JSON *t1 = ask(b, &before, "dataset", &b->w->dataset, "");
  (void)t1; /* c points into it */
  IA_AUTO_JSON *old = a_push(b, W_DATA, &before, 1, KEY);
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  lab_message(b, W_DATA, "forget", &b->w->dataset, 1, "{}");
  assert_string_equal(b->error, "");
  assert_string_equal(lab_outcome(b), "SECRET_MISSING");
  assert_int_equal(lab_raw(b, "HEAD", path, NULL, ia_span_of(NULL, 0)), 404);
  assert_int_equal(lab_push_key(b, W_DATA), 403); /* what was signed once is signed for good */
  IA_AUTO_JSON *answer = lab_post(b, "/push/v1/secret", json_incref(old));
  assert_non_null(strstr(json_string_value(json_object_get(answer, "text")), "newer"));
  assert_string_equal(lab_outcome(b), "SECRET_MISSING");
  IA_AUTO_JSON *t2 = ask(b, &c, "dataset", &b->w->dataset, "");
  (void)t2; /* c points into it */
  assert_string_equal(c.state, "forgotten");
  assert_int_equal(c.version, 2);
  lab_stop(b); /* the mark is in the store */
  assert_true(lab_start(b, NULL));
  assert_int_equal(lab_push_key(b, W_DATA), 403);
  assert_int_equal(push_key(b, W_DATA, KEY), IA_OK);
  assert_string_equal(lab_outcome(b), "OK");
  lab_close(b);
}

static int web2(struct lab *b, const char *method, const char *name, const char *value)
{
  const ia_addr *user = &b->w->who[W_USER].addr;
  char path[256], auth[140];
  ia_h256 h;

  ia_secret_auth_named(&h, user, ia_span_str(name), ia_span_str(value));
  (void)!snprintf(path, sizeof(path), "/secrets/web2?ownerAddress=%s&secretName=%s",
                  ia_addr_lower(user).s, name);
  return lab_raw(b, method, path, lab_auth(b, auth, W_USER, &h), ia_span_str(value));
}

static int requester(struct lab *b, const char *name, const char *value)
{
  const ia_addr *user = &b->w->who[W_USER].addr;
  char path[256], auth[140];
  ia_h256 h;

  ia_secret_auth_named(&h, user, ia_span_str(name), ia_span_str(value));
  (void)!snprintf(path, sizeof(path), "/requesters/%s/secrets/%s", ia_addr_lower(user).s, name);
  return lab_raw(b, "POST", path, lab_auth(b, auth, W_USER, &h), ia_span_str(value));
}

static bool count(void *ctx, ia_db *db, ia_err *e)
{
  bool row;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "SELECT count(*) FROM secret", e) || !ia_stmt_step(st, &row, e))
    return false;
  *(uint64_t *)ctx = ia_col_u64(st, 0);
  ia_stmt_reset(st);
  return true;
}

static uint64_t rows(struct lab *b)
{
  uint64_t n = 0;

  assert_true(ia_sms_store_run(b->sms->store, count, &n, NULL));
  return n;
}

static void test_a_repeated_value_changes_nothing(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);

  (void)state;
  assert_int_equal(web2(b, "POST", "token", "one"), 204);
  for (int i = 0; i < 300; i++)
    assert_int_equal(web2(b, "PUT", "token", "one"), 204);
  assert_int_equal(rows(b), 1);
  assert_int_equal(web2(b, "PUT", "token", "two"), 204);
  assert_int_equal(rows(b), 2);
  lab_close(b);
}

/* iExec signs both kinds alike. */
static void test_one_signature_is_of_one_kind(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);

  (void)state;
  assert_int_equal(web2(b, "POST", "Token", "value"), 204);
  assert_int_equal(requester(b, "Token", "value"), 403);
  assert_int_equal(requester(b, "token", "value"), 403);
  assert_int_equal(requester(b, "mine", "value"), 204);
  assert_int_equal(web2(b, "POST", "mine", "value"), 403);
  assert_int_equal(web2(b, "POST", "MINE", "value"), 403);
  assert_int_equal(requester(b, IA_RESULT_KEY_SECRET, "value"), 403);
  lab_close(b);
}

/* A store in which somebody changed a named secret many times. */
static bool fill(void *ctx, ia_db *db, ia_err *e)
{
  struct lab *b = ctx;
  ia_sms_secret_id id = {
      .kind = IA_SECRET_WEB2, .address = b->w->who[W_USER].addr, .name = "token"};

  for (int i = 0; i < IA_SMS_VERSIONS_PLAIN; i++) {
    char value[16];
    ia_vault_outcome outcome;

    (void)!snprintf(value, sizeof(value), "%d", i);
    const ia_vault_push p = {.value = ia_span_str(value),
                             .pusher = b->w->who[W_USER].addr,
                             .now = ia_now() - (i < 2 ? 40 * 86400 : 0),
                             .replace = i > 0};
    if (!ia_vault_put(db, &b->sms->keys, &id, &p, &outcome, e))
      return false;
  }
  return true;
}

static void test_versions_are_not_kept_without_end(void **state)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  const ia_addr *user = &b->w->who[W_USER].addr;
  ia_push_challenge c;

  (void)state;
  assert_true(ia_sms_store_run(b->sms->store, fill, b, NULL));
  assert_int_equal(rows(b), IA_SMS_VERSIONS_PLAIN);
  assert_int_equal(web2(b, "PUT", "token", "more"), 204); /* in the place of one of 40 days ago */
  assert_int_equal(rows(b), IA_SMS_VERSIONS_PLAIN);
  assert_int_equal(web2(b, "PUT", "token", "still more"), 413);
  assert_int_equal(web2(b, "PUT", "token", "more"), 204); /* it stands */
  IA_AUTO_JSON *text = ask(b, &c, "web2", user, "token");
  (void)text; /* c points into it */
  IA_AUTO_JSON *push = a_push(b, W_USER, &c, c.version + 1, "by version");
  assert_string_equal(post(b, push), "");
  assert_int_equal(rows(b), IA_SMS_VERSIONS_PLAIN + 1);
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_a_pushed_key_is_released),
      cmocka_unit_test(test_what_the_client_believes),
      cmocka_unit_test(test_a_push_fits_one_place),
      cmocka_unit_test(test_a_push_fits_one_installation),
      cmocka_unit_test(test_versions_grow_in_small_steps),
      cmocka_unit_test(test_a_forgotten_secret_stays_so),
      cmocka_unit_test(test_a_repeated_value_changes_nothing),
      cmocka_unit_test(test_one_signature_is_of_one_kind),
      cmocka_unit_test(test_versions_are_not_kept_without_end),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
