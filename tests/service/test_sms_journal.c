/* Whoever can write in the SMS's database, and knows no key: every table and column changed, rows
 * taken away, put in, put back, and things planted; while the service is stopped and while it runs.
 * Each is noticed or decides nothing. */
#include "sms_lab.h"
#include "sms_owner.h"

static void path_in(struct lab *b, ia_path *p, const char *name)
{
  assert_true(ia_path_join(p, NULL, "%s/%s", b->dir, name));
}

/* What the editor does. */
static void edit(struct lab *b, const char *sql)
{
  IA_AUTO(ia_db) *db = NULL;
  ia_path url;
  ia_err e = {0};

  assert_true(ia_path_join(&url, NULL, "sqlite:%s/sms.db", b->dir));
  assert_true(ia_db_open_again(&db, url.s, NULL));
  if (!ia_db_exec(db, sql, &e))
    fail_msg("%s: %s", sql, e.msg);
}

static uint64_t number(struct lab *b, const char *sql)
{
  IA_AUTO(ia_db) *db = NULL;
  bool row = false;
  uint64_t v;
  ia_path url;
  ia_stmt *st;

  assert_true(ia_path_join(&url, NULL, "sqlite:%s/sms.db", b->dir));
  assert_true(ia_db_open_again(&db, url.s, NULL));
  assert_true(ia_db_stmt(&st, db, sql, NULL) && ia_stmt_step(st, &row, NULL));
  v = ia_col_u64(st, 0);
  ia_stmt_reset(st);
  return v;
}

/* -- the stopped store -- */
static void keep(struct lab *b, ia_buf *db)
{
  ia_path p;

  path_in(b, &p, "sms.db");
  ia_buf_clear(db);
  assert_true(ia_file_read(db, p.s, 16 << 20, NULL));
}

static void put_back(struct lab *b, const ia_buf *db)
{
  static const char *const beside[] = {"sms.db-wal", "sms.db-shm"};
  ia_path p;

  for (size_t i = 0; i < IA_COUNT(beside); i++) {
    path_in(b, &p, beside[i]);
    (void)!unlink(p.s);
  }
  path_in(b, &p, "sms.db");
  assert_true(ia_file_write(p.s, ia_buf_view(db), 0600, NULL));
}

/* IA_OK: it opens. */
static ia_code opens(struct lab *b, ia_err *e)
{
  ia_sms *s = NULL;

  *e = (ia_err){0};
  if (!ia_sms_open_over(&s, &b->c, lb_make, b, e))
    return e->code;
  ia_sms_close(s);
  return IA_OK;
}

/* A store with every kind of entry that one task can bring, stopped. */
static struct lab *full(void)
{
  struct lab *b = lab_of(2, 2);
  ia_h256 hash = {{7}};

  lab_message(b, W_DATA, "policy", &b->w->dataset, 1, "{\"v\":1}");
  lab_message(b, W_DATA, "lock", &b->w->who[W_DATA].addr, 1, "{}");
  lab_message(
      b, W_APP, "revoke", &b->w->app, 1,
      "{\"orders\":[\"0x1111111111111111111111111111111111111111111111111111111111111111\"]}");
  for (ia_sms_event_kind k = IA_SMS_MATCHED; k <= IA_SMS_PRESIGNED; k++) {
    b->events[b->n_events++] = (ia_sms_event){.kind = k, .id = hash, .block = 10};
    hash.b[0]++;
  }
  lab_head(b, 10);
  assert_string_equal(lab_outcome(b), "OK");
  lab_message(b, W_DATA, "policy", &b->w->dataset, 2, "{\"requesters\":[],\"v\":1}");
  assert_string_equal(lab_outcome(b), "POLICY_REQUESTER");
  lab_stop(b);
  return b;
}

/* @: the entry, #: how many there are. */
static void fill(char *out, size_t size, const char *text, unsigned long long seq,
                 unsigned long long n)
{
  size_t len = 0;

  for (; *text; text++) {
    if (*text == '@' || *text == '#')
      len += (size_t)snprintf(out + len, size - len, "%llu", *text == '@' ? seq : n);
    else
      out[len++] = *text;
    assert_true(len + 24 < size);
  }
  out[len] = 0;
}

static void test_each_entry_stands_in_its_place(void **state)
{
  static const char *const edits[] = {
      "UPDATE journal SET body = cast(substr(body, 1, length(body) - 1) || x'7f' AS BLOB)"
      " WHERE seq = @",
      "UPDATE journal SET mac = zeroblob(32) WHERE seq = @",
      "UPDATE journal SET mac = x'' WHERE seq = @",
      "UPDATE journal SET seq = seq + 100000 WHERE seq = @",
      "UPDATE journal SET seq = -1 WHERE seq = @",
      "DELETE FROM journal WHERE seq = @",
      "DELETE FROM journal WHERE seq >= @",
      /* once more at the end, and in the place of another */
      "INSERT INTO journal SELECT (SELECT max(seq) + 1 FROM journal), body, mac FROM journal"
      " WHERE seq = @",
      "UPDATE journal SET body = (SELECT body FROM journal WHERE seq = 1 + @ % #),"
      " mac = (SELECT mac FROM journal WHERE seq = 1 + @ % #) WHERE seq = @",
      "INSERT INTO journal SELECT -@, body, mac FROM journal WHERE seq = @",
  };
  struct lab *b = full();
  IA_AUTOV(ia_buf) db = {0};
  unsigned long long n = number(b, "SELECT count(*) FROM journal");
  ia_err e;

  (void)state;
  keep(b, &db);
  assert_true(n > 12);
  for (size_t i = 0; i < IA_COUNT(edits); i++)
    for (unsigned long long seq = 1; seq <= n; seq++) {
      char sql[512];

      fill(sql, sizeof(sql), edits[i], seq, n);
      edit(b, sql);
      /* the first entry names the domain, which is looked at before anything else */
      if (opens(b, &e) != IA_E_CORRUPT && (seq > 1 || e.code != IA_E_DOMAIN_MISMATCH))
        fail_msg("%s: %s", sql, e.msg);
      put_back(b, &db);
    }
  assert_int_equal(opens(b, &e), IA_OK);
  lab_close(b);
}

/* What is sealed beside the journal: each byte and its place. */
static void test_what_is_sealed_is_what_was_put_there(void **state)
{
  static const char *const edits[] = {
      "UPDATE sealed SET bytes = cast(x'00' || substr(bytes, 2) AS BLOB)",
      "UPDATE sealed SET bytes = x''",
      "UPDATE sealed SET seq = seq + 1",
      "DELETE FROM sealed",
  };

  (void)state;
  for (int running = 0; running < 2; running++)
    for (size_t i = 0; i < IA_COUNT(edits); i++) {
      struct lab *b = lab_of(1, 1);

      if (!running)
        lab_stop(b);
      edit(b, edits[i]);
      if (!running)
        assert_true(lab_start(b, NULL));
      assert_string_equal(lab_outcome(b), "CORRUPT");
      lab_close(b);
    }
  struct lab *b = lab_of(1, 1); /* one more row is nobody's secret */
  edit(b, "INSERT INTO sealed SELECT seq + 1, bytes FROM sealed");
  assert_string_equal(lab_outcome(b), "OK");
  lab_close(b);
}

struct secrets {
  struct lab *b;
  uint64_t until;
  ia_err err;
  bool has;
};

static bool unit_rotate(void *ctx, ia_db *db, ia_err *e)
{
  struct secrets *k = ctx;
  const ia_sms_secret_id id = {.kind = IA_SECRET_WEB2, .address = k->b->enclave, .name = "note"};
  const ia_sms_keys *keys = &k->b->sms->keys;

  const ia_vault_push first = {
      .value = ia_span_str("older"), .pusher = id.address, .now = 1000, .replace = false};
  const ia_vault_push second = {
      .value = ia_span_str("newer"), .pusher = id.address, .now = 2000, .replace = true};
  ia_vault_outcome outcome;

  return ia_vault_put(db, keys, &id, &first, &outcome, e) &&
         ia_vault_put(db, keys, &id, &second, &outcome, e);
}

static bool unit_read(void *ctx, ia_db *db, ia_err *e)
{
  struct secrets *k = ctx;
  const ia_sms_secret_id id = {.kind = IA_SECRET_WEB2, .address = k->b->enclave, .name = "note"};
  IA_AUTOV(ia_secret) value = {0};
  ia_addr pusher;

  (void)e;
  if (!ia_vault_get(db, &k->b->sms->keys, &id, k->until, &k->has, &value, &pusher, &k->err))
    return true;
  assert_true(ia_span_is(ia_secret_view(&value), "newer"));
  return true;
}

/* An older value of a secret does not come back in the place of the newer one. */
static void test_an_older_value_stays_older(void **state)
{
  struct lab *b = lab_of(1, 1);
  struct secrets k = {.b = b, .until = 3000};

  (void)state;
  assert_true(ia_sms_store_run(b->sms->store, unit_rotate, &k, NULL));
  assert_true(ia_sms_store_run(b->sms->store, unit_read, &k, NULL));
  assert_true(k.has && k.err.code == IA_OK);
  edit(b, "UPDATE sealed SET bytes = (SELECT bytes FROM sealed WHERE seq ="
          " (SELECT max(seq) - 1 FROM sealed)) WHERE seq = (SELECT max(seq) FROM sealed)");
  assert_true(ia_sms_store_run(b->sms->store, unit_read, &k, NULL));
  assert_int_equal(k.err.code, IA_E_CORRUPT);
  lab_close(b);
}

/* -- things that are not ours -- */
static const struct {
  const char *sql, *name;
} planted[] = {
    {"CREATE TRIGGER quiet AFTER INSERT ON journal BEGIN DELETE FROM journal; END", "quiet"},
    {"CREATE TRIGGER loud BEFORE INSERT ON sealed BEGIN SELECT raise(IGNORE); END", "loud"},
    {"CREATE VIEW secret AS SELECT * FROM sealed", "secret"},
    {"CREATE INDEX fast ON journal (mac)", "fast"},
    {"CREATE UNIQUE INDEX once ON sealed (bytes)", "once"},
    {"CREATE TABLE sim_root (digest BLOB PRIMARY KEY) STRICT; INSERT INTO sim_root VALUES"
     " (zeroblob(32))",
     "sim_root"},
    {"CREATE TABLE release_log (a)", "release_log"},
    {"CREATE VIRTUAL TABLE words USING fts5(a)", "words"},
    {"ALTER TABLE journal ADD COLUMN more INTEGER", "journal"},
    {"ALTER TABLE sealed RENAME COLUMN bytes TO other", "sealed"},
    {"ALTER TABLE sealed RENAME TO kept", "kept"},
    {"DROP TABLE sealed", "missing"},
    {"DROP TABLE sealed; CREATE TABLE sealed (seq INTEGER PRIMARY KEY, bytes BLOB)", "sealed"},
};

static void test_unknown_things_refuse_the_start(void **state)
{
  struct lab *b = full();
  IA_AUTOV(ia_buf) db = {0};
  ia_err e;

  (void)state;
  keep(b, &db);
  for (size_t i = 0; i < IA_COUNT(planted); i++) {
    edit(b, planted[i].sql);
    if (opens(b, &e) != IA_E_CORRUPT || !strstr(e.msg, planted[i].name))
      fail_msg("%s: %s", planted[i].sql, e.msg);
    put_back(b, &db);
  }
  assert_int_equal(opens(b, &e), IA_OK);
  lab_close(b);
}

/* The same under a running service: from then on it decides nothing. */
static void test_unknown_things_stop_a_running_service(void **state)
{
  (void)state;
  for (size_t i = 0; i < IA_COUNT(planted); i++) {
    struct lab *b = lab_of(1, 1);

    edit(b, planted[i].sql);
    if (strcmp(lab_outcome(b), "CORRUPT") != 0)
      fail_msg("%s: %s", planted[i].sql, b->error);
    lab_close(b);
  }
}

static void test_a_running_service_keeps_its_own_memory(void **state)
{
  static const char *const last[] = {
      "DELETE FROM journal WHERE seq = (SELECT max(seq) FROM journal)",
      "UPDATE journal SET mac = zeroblob(32) WHERE seq = (SELECT max(seq) FROM journal)",
      "INSERT INTO journal SELECT max(seq) + 1, body, mac FROM journal",
      "INSERT INTO journal SELECT max(seq) + 9, body, mac FROM journal", "DELETE FROM journal"};
  ia_err e;

  (void)state;
  for (size_t i = 0; i < IA_COUNT(last); i++) {
    struct lab *b = lab_of(1, 1);

    edit(b, last[i]);
    if (strcmp(lab_outcome(b), "CORRUPT") != 0)
      fail_msg("%s: %s", last[i], b->error);
    lab_close(b);
  }
  /* in the middle: nothing is decided by it, and the next start refuses */
  struct lab *b = lab_of(1, 1);
  lab_message(b, W_DATA, "policy", &b->w->dataset, 1, "{\"requesters\":[],\"v\":1}");
  lab_message(b, W_DATA, "revoke", &b->w->dataset, 1, "{\"all\":true}");
  lab_message(b, W_DATA, "lock", &b->w->who[W_DATA].addr, 1, "{}");
  edit(b, "DELETE FROM journal WHERE seq < (SELECT max(seq) FROM journal)");
  assert_string_equal(lab_outcome(b), "REVOKED");
  lab_stop(b);
  assert_int_equal(opens(b, &e), IA_E_CORRUPT);
  lab_close(b);
}

/* -- the head file -- */
static void test_the_head_names_an_entry(void **state)
{
  struct lab *b = full(), *other = full();
  IA_AUTOV(ia_buf) db = {0}, head = {0}, older = {0};
  ia_path p, q;
  ia_err e;

  (void)state;
  path_in(b, &p, "head");
  path_in(other, &q, "head");
  keep(b, &db);
  assert_true(ia_file_read(&older, p.s, 4096, NULL));
  /* the database may be ahead: it died before the head was written */
  assert_true(lab_start(b, NULL));
  lab_message(b, W_DATA, "policy", &b->w->dataset, 3, "{\"v\":1}");
  lab_stop(b);
  assert_true(ia_file_read(&head, p.s, 4096, NULL));
  assert_true(ia_file_write(p.s, ia_buf_view(&older), 0600, NULL));
  assert_int_equal(opens(b, &e), IA_OK);
  /* never behind */
  assert_true(ia_file_write(p.s, ia_buf_view(&head), 0600, NULL));
  put_back(b, &db);
  assert_int_equal(opens(b, &e), IA_E_CORRUPT);
  assert_non_null(strstr(e.msg, "older copy"));
  /* nor without one, nor with that of another instance */
  assert_int_equal(unlink(p.s), 0);
  assert_int_equal(opens(b, &e), IA_E_CORRUPT);
  ia_buf_clear(&head);
  assert_true(ia_file_read(&head, q.s, 4096, NULL));
  assert_true(ia_file_write(p.s, ia_buf_view(&head), 0600, NULL));
  assert_int_equal(opens(b, &e), IA_E_CORRUPT);
  /* nor does an empty database beside it begin anew */
  assert_true(ia_file_write(p.s, ia_buf_view(&older), 0600, NULL));
  ia_buf_clear(&db);
  put_back(b, &db);
  assert_int_equal(opens(b, &e), IA_E_CORRUPT);
  lab_close(b);
  lab_close(other);
}

/* A start that was killed after the first entries and before their head. */
static void test_a_first_start_that_was_killed(void **state)
{
  static const uint8_t nothing[512] = {0};
  struct lab *b = lab_open("{}", IA_DOMAIN_SIM);
  IA_AUTOV(ia_buf) head = {0};
  ia_path p;
  ia_err e;

  (void)state;
  lab_stop(b);
  path_in(b, &p, "head");
  assert_true(ia_file_read(&head, p.s, 4096, NULL));
  /* of its two slots the newer one */
  ia_buf_put(&head, nothing, sizeof(nothing));
  bool second = memcmp(head.ptr + 512, head.ptr, 8) > 0;
  memset(head.ptr + (second ? 512 : 0), 0, 512);
  assert_true(ia_file_write(p.s, ia_span_of(head.ptr, 1024), 0600, NULL));
  assert_int_equal(opens(b, &e), IA_OK);
  /* it follows at once: without it nobody can tell any more */
  assert_int_equal(unlink(p.s), 0);
  assert_int_equal(opens(b, &e), IA_E_CORRUPT);
  lab_close(b);
}

/* The journal of another instance, whole, beside its head. */
static void test_another_instances_journal(void **state)
{
  struct lab *b = full(), *other = full();
  IA_AUTOV(ia_buf) db = {0}, head = {0};
  ia_path p, q;
  ia_err e;

  (void)state;
  path_in(b, &p, "head");
  path_in(other, &q, "head");
  keep(other, &db);
  assert_true(ia_file_read(&head, q.s, 4096, NULL));
  put_back(b, &db);
  assert_true(ia_file_write(p.s, ia_buf_view(&head), 0600, NULL));
  assert_int_equal(opens(b, &e), IA_E_CORRUPT);
  lab_close(b);
  lab_close(other);
}

static void test_a_store_of_an_older_version(void **state)
{
  struct lab *b = full();
  ia_path p;
  ia_err e;

  (void)state;
  path_in(b, &p, "sms.db");
  assert_int_equal(unlink(p.s), 0);
  edit(b, "CREATE TABLE schema_step (number INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;"
          "CREATE TABLE meta (key TEXT PRIMARY KEY, number INTEGER, bytes BLOB) STRICT");
  assert_int_equal(opens(b, &e), IA_E_INVALID);
  assert_non_null(strstr(e.msg, "older version"));
  lab_close(b);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_each_entry_stands_in_its_place),
      cmocka_unit_test(test_what_is_sealed_is_what_was_put_there),
      cmocka_unit_test(test_an_older_value_stays_older),
      cmocka_unit_test(test_unknown_things_refuse_the_start),
      cmocka_unit_test(test_unknown_things_stop_a_running_service),
      cmocka_unit_test(test_a_running_service_keeps_its_own_memory),
      cmocka_unit_test(test_the_head_names_an_entry),
      cmocka_unit_test(test_a_first_start_that_was_killed),
      cmocka_unit_test(test_another_instances_journal),
      cmocka_unit_test(test_a_store_of_an_older_version),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
