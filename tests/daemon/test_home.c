/* The home of an installation: lock, ports, keys of the roles; the options of iappd. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "daemon/home.h"
#include "daemon/stores.h"

static int setup(void **state)
{
  char *dir = strdup("/tmp/ia-home-XXXXXX");

  *state = dir;
  return dir && mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
  bool ok = ia_remove_tree(*state, NULL);

  free(*state);
  return ok ? 0 : -1;
}

static unsigned mode_of(const char *dir, const char *name)
{
  struct stat st;
  ia_path p;

  assert_true(ia_path_join(&p, NULL, "%s/%s", dir, name));
  assert_int_equal(stat(p.s, &st), 0);
  return st.st_mode & 0777;
}

static void test_one_daemon_a_home(void **state)
{
  ia_home a, b;
  ia_err e = {0};

  assert_true(ia_home_find(&a, *state, &e) && ia_home_find(&b, *state, &e));
  assert_true(ia_home_open(&a, IA_ROLE_ALL, &e));
  assert_false(ia_home_open(&b, IA_ROLE_ALL, &e));
  assert_int_equal(e.code, IA_E_BUSY);
  assert_int_equal(mode_of(*state, "sms"), 0700);
  assert_int_equal(mode_of(*state, "lock"), 0600);
  ia_home_close(&a);
  assert_true(ia_home_open(&b, IA_ROLE_ALL, &e));
  ia_home_close(&b);
}

static void test_ports_are_kept_and_never_bad(void **state)
{
  ia_ports p, q;
  ia_home h;
  ia_err e = {0};

  assert_true(ia_home_find(&h, *state, &e));
  assert_true(ia_home_ports(&p, &h, NULL, &e));
  assert_int_equal(p.front, 7400);
  assert_true(ia_home_ports(&p, &h, "0", &e));
  assert_true(p.front != p.sms && p.sms != p.scheduler && p.front != p.scheduler);
  assert_false(ia_port_is_bad(p.front) || ia_port_is_bad(p.sms) || ia_port_is_bad(p.scheduler));
  assert_true(ia_home_ports(&q, &h, "0", &e) && ia_home_ports(&q, &h, NULL, &e));
  assert_memory_equal(&p, &q, sizeof(p));
  assert_false(ia_home_ports(&q, &h, "6664", &e)); /* its second would be 6665 */
  assert_false(ia_home_ports(&q, &h, "80", &e));
  assert_false(ia_home_ports(&q, &h, "7400x", &e));
  assert_false(ia_home_ports(&q, &h, "65535", &e));
  assert_true(ia_port_is_bad(10080) && ia_port_is_bad(6000) && !ia_port_is_bad(7400));
}

static void test_keys_of_roles_are_made_once(void **state)
{
  IA_AUTOV(ia_secret) passphrase = {0};
  IA_AUTOV(ia_secret) again = {0};
  ia_addr a, b;
  ia_h256 root, same;
  bool random;
  ia_home h;
  ia_err e = {0};

  assert_true(ia_home_find(&h, *state, &e) && ia_home_open(&h, IA_ROLE_ALL, &e));
  assert_true(ia_home_passphrase(&passphrase, &random, &h, NULL, &e) && random);
  assert_true(ia_home_passphrase(&again, &random, &h, NULL, &e) && random);
  assert_int_equal(passphrase.len, again.len);
  assert_memory_equal(passphrase.ptr, again.ptr, again.len);
  assert_int_equal(mode_of(*state, "passphrase"), 0600);
  assert_true(ia_home_wallet(&a, &h, "worker", &passphrase, random, &e));
  assert_true(ia_home_wallet(&b, &h, "worker", &passphrase, random, &e));
  assert_true(ia_addr_eq(&a, &b));
  assert_true(ia_home_wallet(&b, &h, "scheduler", &passphrase, random, &e));
  assert_false(ia_addr_eq(&a, &b));
  assert_int_equal(mode_of(*state, "worker/wallet.json"), 0600);
  assert_true(ia_home_sim_root(&root, &h, &e) && ia_home_sim_root(&same, &h, &e));
  assert_true(ia_h256_eq(&root, &same));
  assert_int_equal(mode_of(*state, "worker/sim-root.key"), 0600);
  ia_home_close(&h);
}

static void test_options(void **state)
{
  char *argv[] = {(char *)"iappd",
                  (char *)"ledger",
                  (char *)"--home",
                  (char *)"/h",
                  (char *)"verify",
                  (char *)"--json",
                  NULL};
  char *bad[] = {(char *)"iappd", (char *)"run", (char *)"--prot", (char *)"1", NULL};
  char **words;
  ia_daemon_options o;
  unsigned roles;
  ia_err e = {0};
  int n;

  (void)state;
  assert_true(ia_daemon_options_read(&o, 6, argv, &n, &words, &e));
  assert_int_equal(n, 2);
  assert_string_equal(words[1], "verify");
  assert_string_equal(o.home, "/h");
  assert_true(o.json && !o.test);
  assert_false(ia_daemon_options_read(&o, 4, bad, &n, &words, &e));
  assert_true(ia_roles_parse(&roles, "sms,worker", &e));
  assert_int_equal(roles, IA_ROLE_SMS | IA_ROLE_WORKER);
  assert_false(ia_roles_parse(&roles, "sms,web2", &e));
  assert_false(ia_roles_parse(&roles, "", &e));
}

static void test_a_thought_of_passphrase_gets_the_slow_derivation(void **state)
{
  ia_home h = {.lock = -1};
  IA_AUTOV(ia_secret) passphrase = {0};
  bool random = true;
  ia_path p;
  ia_err e;

  assert_true(ia_home_find(&h, *state, &e) && ia_mkdirs(h.dir.s, 0700, &e));
  assert_true(ia_path_join(&p, &e, "%s/passphrase", h.dir.s));
  assert_true(ia_file_write(p.s, ia_span_str("correct horse battery staple\n"), 0600, &e));
  assert_true(ia_home_passphrase(&passphrase, &random, &h, NULL, &e));
  assert_false(random);
}

static void put(const ia_home *h, const char *name, const char *text)
{
  ia_path p;
  ia_err e;

  assert_true(ia_path_join(&p, &e, "%s/%s", h->dir.s, name));
  assert_true(ia_file_write(p.s, ia_span_str(text), 0600, &e));
}

static void drop(const ia_home *h, const char *name)
{
  ia_path p;

  assert_true(ia_path_join(&p, NULL, "%s/%s", h->dir.s, name));
  assert_int_equal(unlink(p.s), 0);
}

/* What was made once is never made a second time in silence. */
static void test_what_was_made_must_be_there(void **state)
{
  enum { ROLES = IA_ROLE_LEDGER | IA_ROLE_MARKET | IA_ROLE_GRAPH };
  ia_err e = {0};
  ia_home h;

  assert_true(ia_home_find(&h, *state, &e) && ia_home_open(&h, ROLES, &e));
  assert_true(ia_stores_check(&h, ROLES, true, true, &e)); /* new: nothing is there */
  put(&h, "front/ledger.db", "");
  assert_true(ia_stores_check(&h, ROLES, true, true, &e)); /* a first start that was cut short */
  put(&h, "front/market.db", "m");
  assert_false(ia_stores_check(&h, ROLES, true, true, &e)); /* a home without marks */
  assert_non_null(strstr(e.msg, "front/ledger.db is empty"));
  put(&h, "front/ledger.db", "l");
  put(&h, "front/graph.db", "g");
  put(&h, "passphrase", "p");
  put(&h, "scheduler.wallet", "w");
  assert_true(ia_stores_keep(&h, ROLES, &e));
  assert_true(ia_stores_check(&h, ROLES, true, true, &e));
  drop(&h, "front/graph.db");
  assert_true(ia_stores_check(&h, ROLES, true, true, &e)); /* said, and read again */
  drop(&h, "front/market.db");
  assert_false(ia_stores_check(&h, ROLES, true, true, &e));
  assert_int_equal(e.code, IA_E_CORRUPT);
  assert_non_null(strstr(e.msg, "front/market.db is missing"));
  assert_true(ia_stores_check(&h, IA_ROLE_LEDGER, true, true, &e)); /* not needed by these */
  drop(&h, "made/front.market.db");
  assert_true(ia_stores_check(&h, ROLES, true, true, &e));
  drop(&h, "passphrase");
  assert_true(ia_stores_check(&h, ROLES, true, false, &e)); /* another one was given */
  assert_false(ia_stores_check(&h, ROLES, true, true, &e));
  put(&h, "passphrase", "p");
  drop(&h, "front/ledger.db");
  assert_true(ia_stores_check(&h, ROLES, false, true, &e)); /* the ledger is elsewhere */
  assert_false(ia_stores_check(&h, ROLES, true, true, &e));
  ia_home_close(&h);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_one_daemon_a_home, setup, teardown),
      cmocka_unit_test_setup_teardown(test_ports_are_kept_and_never_bad, setup, teardown),
      cmocka_unit_test_setup_teardown(test_keys_of_roles_are_made_once, setup, teardown),
      cmocka_unit_test_setup_teardown(test_a_thought_of_passphrase_gets_the_slow_derivation, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(test_what_was_made_must_be_there, setup, teardown),
      cmocka_unit_test(test_options),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
