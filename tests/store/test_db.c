/* Records: migrations, parameters, transactions, error classes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "store/db.h"

static const ia_migration steps[] = {
    {1, "CREATE TABLE t (id INTEGER PRIMARY KEY, who BLOB NOT NULL UNIQUE, note TEXT) STRICT"},
    {2, "ALTER TABLE t ADD COLUMN more INTEGER NOT NULL DEFAULT 5 CHECK (more >= 0)"},
};

typedef struct place {
  char dir[32], url[64];
} place;

static int setup(void **state)
{
  place *p = calloc(1, sizeof(*p));

  if (!p)
    return -1;
  (void)snprintf(p->dir, sizeof(p->dir), "/tmp/ia-db-XXXXXX");
  *state = p;
  if (!mkdtemp(p->dir))
    return -1;
  (void)snprintf(p->url, sizeof(p->url), "sqlite:%s/x.db", p->dir);
  return 0;
}

static int teardown(void **state)
{
  place *p = *state;
  bool ok = ia_remove_tree(p->dir, NULL);

  free(p);
  return ok ? 0 : -1;
}

static bool insert(ia_db *db, uint8_t who, const char *note, ia_err *e)
{
  ia_addr a = {{who}};
  ia_stmt *s;

  /* $2 stands before $1 on purpose */
  if (!ia_db_stmt(&s, db, "INSERT INTO t (note, who) VALUES ($2, $1)", e))
    return false;
  ia_bind_addr(s, 1, &a);
  ia_bind_text(s, 2, note);
  return ia_stmt_run(s, e);
}

static int64_t count(ia_db *db)
{
  ia_stmt *s;
  bool row;

  assert_true(ia_db_stmt(&s, db, "SELECT count(*) FROM t", NULL));
  assert_true(ia_stmt_step(s, &row, NULL) && row);
  int64_t n = ia_col_i64(s, 0);
  ia_stmt_reset(s);
  return n;
}

static void rows_come_back(void **state)
{
  place *p = *state;
  IA_AUTO(ia_db) *db = NULL;
  ia_addr who, want = {{7}};
  struct stat st;
  ia_stmt *s;
  ia_err e = {0};
  bool row;

  assert_true(ia_db_open(&db, p->url, steps, 2, &e));
  assert_int_equal(stat(p->url + 7, &st), 0);
  assert_int_equal(st.st_mode & 0777, 0600);
  assert_true(insert(db, 7, "seven", &e) && insert(db, 8, NULL, &e));
  assert_true(ia_db_stmt(&s, db, "SELECT who, note, more FROM t WHERE who = $who", &e));
  ia_bind_addr(s, ia_bind_name(s, "$who"), &want);
  assert_true(ia_stmt_step(s, &row, &e) && row);
  assert_true(ia_col_addr(s, 0, &who, &e) && ia_addr_eq(&who, &want));
  assert_string_equal(ia_col_text(s, 1), "seven");
  assert_int_equal(ia_col_u64(s, 2), 5);
  assert_false(ia_col_addr(s, 1, &who, &e)); /* no address */
  assert_int_equal(e.code, IA_E_CORRUPT);
  assert_true(ia_stmt_step(s, &row, &e) && !row);
}

static void failures_have_their_class(void **state)
{
  place *p = *state;
  IA_AUTO(ia_db) *db = NULL;
  ia_stmt *s;
  ia_err e = {0};

  assert_true(ia_db_open(&db, p->url, steps, 2, &e));
  assert_true(insert(db, 1, "a", &e));
  assert_false(insert(db, 1, "b", &e));
  assert_int_equal(e.code, IA_E_EXISTS);
  assert_false(ia_db_exec(db, "UPDATE t SET more = -1", &e));
  assert_int_equal(e.code, IA_E_INVALID);
  assert_false(ia_db_exec(db, "UPDATE t SET more = 'text'", &e)); /* STRICT */
  assert_true(ia_db_stmt(&s, db, "SELECT * FROM t WHERE id = $1", &e));
  ia_bind_u64(s, 1, UINT64_MAX);
  assert_false(ia_stmt_run(s, &e));
  assert_int_equal(e.code, IA_E_TOO_LARGE);
  assert_true(ia_db_stmt(&s, db, "SELECT * FROM t WHERE id = $1", &e));
  ia_bind_u64(s, 2, 0);
  assert_false(ia_stmt_run(s, &e));
  assert_false(ia_db_stmt(&s, db, "SELECT 1; SELECT 2", &e));
  assert_false(ia_db_open(&db, "postgres://h/db", steps, 2, &e));
  assert_int_equal(e.code, IA_E_UNSUPPORTED);
}

static void transactions_are_whole(void **state)
{
  place *p = *state;
  IA_AUTO(ia_db) *db = NULL;
  IA_AUTO(ia_db) *other = NULL;
  ia_err e = {0};

  assert_true(ia_db_open(&db, p->url, steps, 2, &e) && ia_db_open_again(&other, p->url, &e));
  {
    IA_AUTO(ia_tx) *tx = NULL;

    assert_true(ia_tx_begin(&tx, db, &e) && insert(db, 1, "a", &e));
    assert_int_equal(count(db), 1);
    assert_int_equal(count(other), 0);
  } /* rolled back by scope */
  assert_int_equal(count(db), 0);
  IA_AUTO(ia_tx) *tx = NULL;
  assert_true(ia_tx_begin(&tx, db, &e) && insert(db, 1, "a", &e) && ia_tx_commit(&tx, &e));
  assert_null(tx);
  assert_int_equal(count(other), 1);
}

static void schemas_only_grow(void **state)
{
  place *p = *state;
  ia_migration changed[] = {steps[0], steps[1]};
  ia_migration broken[] = {steps[0], steps[1], {3, "CREATE TABLE u (x INTEGER) STRICT; NONSENSE"}};
  ia_db *db = NULL;
  ia_err e = {0};

  assert_true(ia_db_open(&db, p->url, steps, 1, &e));
  ia_db_close(db);
  assert_true(ia_db_open(&db, p->url, steps, 2, &e));
  ia_db_close(db);
  assert_false(ia_db_open(&db, p->url, steps, 1, &e)); /* an older program */
  assert_int_equal(e.code, IA_E_INVALID);
  changed[0].sqlite = "CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT";
  assert_false(ia_db_open(&db, p->url, changed, 2, &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
  assert_false(ia_db_open(&db, p->url, broken, 3, &e));
  assert_true(ia_db_open(&db, p->url, steps, 2, &e)); /* step 3 left nothing */
  assert_false(ia_db_exec(db, "SELECT * FROM u", &e));
  ia_db_close(db);
}

/* What `sqlite3 FILE` or a back-up does: another process opens the store, reads and closes. */
static int64_t read_from_outside(const place *p)
{
  int status = 0;
  pid_t pid = fork();

  assert_true(pid >= 0);
  if (pid == 0) {
    execl("/proc/self/exe", "test_db", "count", p->url, (char *)NULL);
    _exit(255);
  }
  assert_int_equal(waitpid(pid, &status, 0), pid);
  assert_true(WIFEXITED(status));
  return WEXITSTATUS(status);
}

static int count_for_parent(const char *url)
{
  IA_AUTO(ia_db) *db = NULL;

  return ia_db_open(&db, url, steps, 2, NULL) ? (int)count(db) : 255;
}

static ino_t log_of(const place *p)
{
  struct stat st;
  ia_path wal;

  assert_true(ia_path_join(&wal, NULL, "%s-wal", p->url + 7));
  return stat(wal.s, &st) == 0 ? st.st_ino : 0;
}

/* Were our locks gone, the reader would take itself for the last connection and delete the log. */
static void an_outside_reader_leaves_the_log(void **state)
{
  place *p = *state;
  IA_AUTO(ia_db) *db = NULL;
  IA_AUTO(ia_db) *other = NULL;
  ia_err e = {0};

  assert_true(ia_db_open(&db, p->url, steps, 2, &e) && insert(db, 1, "a", &e));
  ino_t log = log_of(p);
  assert_int_not_equal(log, 0);
  assert_int_equal(read_from_outside(p), 1);
  assert_int_equal(log_of(p), log);
  for (int i = 0; i < 3; i++) {
    assert_true(ia_db_open_again(&other, p->url, &e));
    if (i > 0)
      assert_int_equal(count(other), i + 1); /* another connection that reads; and closes */
    assert_int_equal(read_from_outside(p), i + 1);
    assert_int_equal(log_of(p), log);
    ia_db_close(ia_steal(&other));
    assert_int_equal(read_from_outside(p), i + 1);
    assert_int_equal(log_of(p), log);
    assert_true(insert(db, (uint8_t)(i + 2), "b", &e));
    assert_int_equal(read_from_outside(p), i + 2);
  }
}

static void only_regular_files_are_opened(void **state)
{
  place *p = *state;
  ia_db *db = NULL;
  ia_path real;
  ia_err e = {0};

  assert_true(ia_path_join(&real, &e, "%s/real.db", p->dir));
  assert_int_equal(symlink(real.s, p->url + 7), 0);
  assert_false(ia_db_open(&db, p->url, steps, 2, &e));
  assert_int_equal(e.code, IA_E_INVALID);
  assert_int_not_equal(access(real.s, F_OK), 0);
  assert_int_equal(unlink(p->url + 7), 0);
  assert_int_equal(mkfifo(p->url + 7, 0600), 0);
  assert_false(ia_db_open(&db, p->url, steps, 2, &e));
  assert_int_equal(e.code, IA_E_INVALID);
}

int main(int argc, char **argv)
{
  if (argc == 3)
    return count_for_parent(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(rows_come_back, setup, teardown),
      cmocka_unit_test_setup_teardown(failures_have_their_class, setup, teardown),
      cmocka_unit_test_setup_teardown(transactions_are_whole, setup, teardown),
      cmocka_unit_test_setup_teardown(schemas_only_grow, setup, teardown),
      cmocka_unit_test_setup_teardown(an_outside_reader_leaves_the_log, setup, teardown),
      cmocka_unit_test_setup_teardown(only_regular_files_are_opened, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
