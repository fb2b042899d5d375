/* iapp policy show, set, clear, test: limits of protected data as a whole, for every grant of it.
 * The SMS keeps them; this home keeps no copy. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/hex.h"
#include "cli/clauses.h"
#include "cli/grant_notes.h"
#include "cli/net.h"
#include "cli/parse.h"
#include "cli/policy_options.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/limits.h"
#include "client/to_market.h"
#include "eth/address.h"

enum { TRIES = 4, LIST_MAX = 10000 };

struct asking {
  ia_cli *c;
  ia_net net;
  ia_wallet *w;
  ia_addr data;
  json_t *limits; /* of the SMS */
};

static void asking_free(struct asking *a)
{
  json_decref(a->limits);
  ia_wallet_free(a->w);
  ia_net_close(&a->net);
}

static bool begin(struct asking *a, ia_cli *c, ia_err *e)
{
  a->c = c;
  return ia_cli_addr(&a->data, ia_cli_arg(c, 0), "DATA", e) && ia_cli_net(c, &a->net, e) &&
         ia_cli_wallet(c, &a->w, e) && ia_cli_trust_sms(c, &a->net, e);
}

/* Asks the SMS what is in force; *policy: a copy, {"v":1} where there is none. */
static bool in_force(struct asking *a, json_t **policy, uint64_t *version, ia_err *e)
{
  const json_t *there;

  json_decref(a->limits);
  a->limits = NULL;
  if (!ia_to_sms_limits(&a->net, a->w, &a->data, &a->limits, e) ||
      !ia_json_get_u64(a->limits, "policyVersion", version, e))
    return false;
  there = json_object_get(a->limits, "policy");
  *policy = json_is_object(there) ? json_deep_copy(there) : json_pack("{s:i}", "v", 1);
  return *policy || ia_fail(e, IA_E_MEMORY, "out of memory");
}

static bool has_clauses(const json_t *policy)
{
  return json_object_size(policy) > 1; /* beside "v" */
}

static bool report(struct asking *a, const json_t *policy, uint64_t version, bool changed,
                   ia_err *e)
{
  json_t *runs = json_object_get(a->limits, "runs");

  if (!has_clauses(policy))
    ia_cli_out(a->c, "no policy: only orders and the terms of each grant limit this data");
  return ia_cli_policy_say(a->c, policy, runs, e) &&
         ia_cli_json(a->c,
                     json_pack("{s:s, s:O, s:I, s:O, s:b}", "dataset", ia_addr_text(&a->data).s,
                               "policy", policy, "version", (json_int_t)version, "runs", runs,
                               "changed", changed),
                     e);
}

/* What the document says now and would keep everybody out is refused, or said. */
static bool check(struct asking *a, const json_t *policy, ia_err *e)
{
  uint64_t begins, expires;

  if (!ia_limits_policy_check(policy, &begins, &expires, e))
    return false;
  if (expires > 0 && begins >= expires)
    return ia_fail(e, IA_E_USAGE, "the policy would begin on %s and expire on %s: it admits nobody",
                   ia_rfc3339(begins).s, ia_rfc3339(expires).s);
  if (expires == 0 || expires > ia_now())
    return true;
  if (ia_cli_opt(a->c, "file"))
    return ia_fail(e, IA_E_USAGE, "--file: the policy expired on %s, which is in the past",
                   ia_rfc3339(expires).s);
  ia_cli_warn(a->c,
              "the policy expired on %s: no key is released until you set another --until, "
              "or `iapp policy clear %s expires`",
              ia_rfc3339(expires).s, ia_addr_text(&a->data).s);
  return true;
}

/* Reads what is in force, changes it, sends it under the next version; again when somebody else was
 * faster, so that no change is lost. */
static bool change(struct asking *a, bool (*edit)(struct asking *a, json_t *policy, ia_err *e),
                   ia_err *e)
{
  for (int i = 1;; i++) {
    IA_AUTO_JSON *policy = NULL, *before = NULL;
    ia_err why = {0};
    uint64_t version;

    if (!in_force(a, &policy, &version, e) || !(before = json_deep_copy(policy)) ||
        !edit(a, policy, e) || !check(a, policy, e))
      return false;
    if (json_equal(before, policy)) {
      ia_cli_say(a->c, "this policy is in force already: nothing was sent");
      return report(a, policy, version, false, e);
    }
    if (ia_to_sms_owner_message_at(&a->net, a->w, "policy", &a->data, version + 1, policy, &why)) {
      ia_cli_say(a->c, "the policy holds from now on for every grant of %s, earlier ones too",
                 ia_addr_text(&a->data).s);
      return report(a, policy, version + 1, true, e);
    }
    if (why.code != IA_E_POLICY_ROLLBACK || i == TRIES) {
      *e = why;
      return false;
    }
  }
}

static bool show(ia_cli *c, ia_err *e)
{
  struct asking a = {0};
  IA_AUTO_JSON *policy = NULL;
  uint64_t version;
  bool ok = begin(&a, c, e) && in_force(&a, &policy, &version, e) &&
            report(&a, policy, version, false, e);

  asking_free(&a);
  return ok;
}

static bool edit_set(struct asking *a, json_t *policy, ia_err *e)
{
  return ia_cli_policy_change(a->c, policy, e);
}

static bool set(ia_cli *c, ia_err *e)
{
  IA_AUTO_JSON *trial = json_pack("{s:i, s:{}}", "v", 1, "hours");
  struct asking a = {0};
  /* options are judged before anything is asked */
  bool ok = ia_cli_policy_change(c, trial, e) && begin(&a, c, e) && change(&a, edit_set, e);

  asking_free(&a);
  return ok;
}

static bool edit_clear(struct asking *a, json_t *policy, ia_err *e)
{
  const char *clause;

  if (!ia_cli_arg(a->c, 1))
    return (json_object_clear(policy) == 0 &&
            json_object_set_new(policy, "v", json_integer(1)) == 0) ||
           ia_fail(e, IA_E_MEMORY, "out of memory");
  for (unsigned i = 1; (clause = ia_cli_arg(a->c, i)); i++)
    if (!ia_cli_policy_drop(policy, clause, e))
      return false;
  return true;
}

static bool clear(ia_cli *c, ia_err *e)
{
  struct asking a = {0};
  bool ok = begin(&a, c, e) && change(&a, edit_clear, e);

  asking_free(&a);
  return ok;
}

/* -- test -- */
struct trying {
  struct asking a;
  ia_addr app, user;
  json_t *what; /* the question, without the order */
  json_t *best; /* answer that is shown */
  ia_h256 order;
  bool has_order;
};

static bool read_trial(struct trying *t, ia_err *e)
{
  ia_cli *c = t->a.c;
  const char *app = ia_cli_opt(c, "app"), *user = ia_cli_opt(c, "user"),
             *purpose = ia_cli_opt(c, "purpose"), *at = ia_cli_opt(c, "at");
  bool plain = ia_cli_flag(c, "plain"), callback = ia_cli_flag(c, "callback");
  uint64_t when = ia_now();

  if (!app || !user)
    return ia_fail(e, IA_E_USAGE, "missing option --%s", app ? "user" : "app");
  if (!ia_cli_addr(&t->app, app, "--app", e) || !ia_cli_addr(&t->user, user, "--user", e) ||
      (at && !ia_parse_until(&when, at, ia_now(), e)))
    return false;
  if (!ia_cli_addr(&t->a.data, ia_cli_arg(c, 0), "DATA", e))
    return false;
  t->what = json_pack("{s:o, s:o, s:o, s:s, s:b, s:b}", "dataset", ia_json_addr(&t->a.data), "app",
                      ia_json_addr(&t->app), "requester", ia_json_addr(&t->user), "purpose",
                      purpose ? purpose : "", "encrypt", !plain && !callback, "callback", callback);
  return t->what && (!at || ia_json_set(t->what, "at", json_integer((json_int_t)when), e));
}

/* Asks with this order (NULL: none fits); the first answer that releases is the one that is shown,
 * else the first. */
static bool try_one(struct trying *t, const json_t *order, const ia_h256 *hash, bool *done,
                    ia_err *e)
{
  IA_AUTO_JSON *what = json_copy(t->what), *answer = NULL;
  const char *verdict;

  if (!ia_json_set(what, "order", order ? json_incref((json_t *)(uintptr_t)order) : json_null(),
                   e) ||
      !ia_to_sms_try(&t->a.net, t->a.w, &t->a.data, what, &answer, e) ||
      !ia_json_get_str(answer, "verdict", &verdict, e))
    return false;
  *done = strcmp(verdict, "release") == 0;
  if (t->best && !*done)
    return true;
  json_decref(t->best);
  t->best = json_incref(answer);
  t->has_order = order != NULL;
  if (hash)
    t->order = *hash;
  return true;
}

/* As the run's own choice would go: the market's orders that admit this app and user. */
static bool try_market(struct trying *t, bool *done, ia_err *e)
{
  IA_AUTOV(ia_offers) offers = {0};
  char query[320];

  if (snprintf(query, sizeof(query), "dataset=%s&app=%s&workerpool=any&requester=%s",
               ia_addr_text(&t->a.data).s, ia_addr_text(&t->app).s, ia_addr_text(&t->user).s) < 0)
    return ia_fail(e, IA_E_INTERNAL, "query");
  if (!ia_to_market_list(&t->a.net, &offers, IA_ORDER_DATASET, query, LIST_MAX, e))
    return false;
  for (size_t i = 0; i < offers.n && !*done; i++) {
    IA_AUTO_JSON *order =
        ia_order_json(IA_ORDER_DATASET, &offers.list[i].box.order.dataset, IA_ORDER_DECIMAL, e);

    if (!order || !try_one(t, order, &offers.list[i].hash, done, e))
      return false;
  }
  return true;
}

static bool try_all(struct trying *t, ia_err *e)
{
  bool done = false;

  if (!try_market(t, &done, e) || (!t->best && !try_one(t, NULL, NULL, &done, e)))
    return false;
  if (t->has_order)
    ia_cli_out(t->a.c, "grant %s", ia_h256_text(&t->order).s);
  ia_cli_clauses_say(t->a.c, t->best);
  ia_cli_out(t->a.c, done ? "The key would be released to a genuine enclave."
                          : "The key would not be released.");
  if (!done)
    ia_cli_exit_status(t->a.c, 1);
  return ia_json_set(t->best, "orderHash",
                     t->has_order ? json_string(ia_h256_text(&t->order).s) : json_null(), e) &&
         ia_cli_json(t->a.c, json_incref(t->best), e);
}

static bool test(ia_cli *c, ia_err *e)
{
  struct trying t = {.a.c = c};
  bool ok = read_trial(&t, e) && begin(&t.a, c, e) && try_all(&t, e);

  json_decref(t.what);
  json_decref(t.best);
  asking_free(&t.a);
  return ok;
}

static const ia_option test_options[] = {
    {"app", "APP", false, "the app that would run", "policy test 0xData --app 0xApp --user 0xUser"},
    {"user", "USER", false, "the user who would run it",
     "policy test 0xData --app 0xApp --user 0xUser"},
    {"purpose", "TEXT", false, "what she would state (nothing)",
     "policy test 0xData --app 0xApp --user 0xUser --purpose research"},
    {"at", "TIME", false, "when it would run (now): 12h, 2026-12-31, a time",
     "policy test 0xData --app 0xApp --user 0xUser --at 30d"},
    {"plain", NULL, false, "she would ask for a result without encryption",
     "policy test 0xData --app 0xApp --user 0xUser --plain"},
    {"callback", NULL, false, "she would ask for callback data",
     "policy test 0xData --app 0xApp --user 0xUser --callback"},
    {0},
};

const ia_verb ia_verb_policy_show = {
    .name = "policy show",
    .args = "DATA",
    .min_args = 1,
    .max_args = 1,
    .brief = "the limits of your data as a whole, and how much is used",
    .example = "policy show 0xData",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = show,
};

const ia_verb ia_verb_policy_set = {
    .name = "policy set",
    .args = "DATA",
    .min_args = 1,
    .max_args = 1,
    .brief = "limit your data as a whole: every grant of it, earlier ones too",
    .example = "policy set 0xData --daily 5 --hours 08:00-18:00",
    .options = ia_policy_options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = set,
};

const ia_verb ia_verb_policy_clear = {
    .name = "policy clear",
    .args = "DATA [CLAUSE ..]",
    .min_args = 1,
    .max_args = 16,
    .brief = "lift the limits of your data as a whole, or some of them; grants keep their terms",
    .example = "policy clear 0xData expires",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = clear,
};

const ia_verb ia_verb_policy_test = {
    .name = "policy test",
    .args = "DATA",
    .min_args = 1,
    .max_args = 1,
    .brief = "would this app get your data's key for this user? uses nothing up",
    .example = "policy test 0xData --app 0xApp --user 0xUser --purpose research",
    .options = test_options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = test,
};
