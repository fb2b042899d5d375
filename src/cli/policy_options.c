#include "cli/policy_options.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/hex.h"
#include "cli/grant_terms.h"
#include "cli/net.h"
#include "cli/parse.h"
#include "eth/address.h"

enum { FILE_CAP = 64 << 10 };

const ia_option ia_policy_options[] = {
    {"from", "TIME", false, "no key before that: 2026-12-01, a time",
     "policy set 0xData --from 2026-12-01"},
    {"until", "TIME", false, "no key from then on: 30d, 2026-12-31, a time",
     "policy set 0xData --until 30d"},
    {"hours", "FROM-TO", false, "only between these times of the day (UTC)",
     "policy set 0xData --hours 22:00-06:00"},
    {"days", "LIST", false, "days on which the hours begin, 1 = Monday: 1-5 or 1,3",
     "policy set 0xData --hours 08:00-18:00 --days 1-5"},
    {"requester", "USER", true, "only for these users", "policy set 0xData --requester 0xUser"},
    {"purpose", "TEXT", true, "only for runs that state one of these purposes",
     "policy set 0xData --purpose research"},
    {"runs", "N", false, "runs on this data by everyone together, ever",
     "policy set 0xData --runs 100"},
    {"daily", "N", false, "runs on this data by everyone together, a day (UTC)",
     "policy set 0xData --daily 5"},
    {"logs", "HOW", false, "may the app's logs be read without a key: sealed or clear",
     "policy set 0xData --logs clear"},
    {"plain-result", "YES|NO", false, "may results leave without encryption",
     "policy set 0xData --plain-result no"},
    {"callback", "YES|NO", false, "may callback data leave", "policy set 0xData --callback no"},
    {"by-ledger", "YES|NO", false, "may facts stand on the ledger's word alone",
     "policy set 0xData --by-ledger no"},
    {"file", "FILE", false, "a whole policy document (JSON) in place of the one in force",
     "policy set 0xData --file policy.json"},
    {0},
};

/* Sets a clause from its option; the option is given. */
static bool set_time(ia_cli *c, json_t *p, const char *option, const char *clause, ia_err *e)
{
  uint64_t at;

  return (ia_parse_until(&at, ia_cli_opt(c, option), ia_now(), e) || ia_wrap(e, "--%s", option)) &&
         ia_json_set(p, clause, json_integer((json_int_t)at), e);
}

static bool set_count(ia_cli *c, json_t *p, const char *option, const char *clause, ia_err *e)
{
  json_t *runs = json_object_get(p, "runs");
  uint64_t n;

  if (!ia_cli_opt_u64(c, option, 0, &n, e))
    return false;
  if (n > INT64_MAX)
    return ia_fail(e, IA_E_USAGE, "--%s: the number is too large", option);
  if (!runs && !ia_json_set(p, "runs", runs = json_object(), e))
    return false;
  return ia_json_set(runs, clause, json_integer((json_int_t)n), e);
}

static bool set_flag(ia_cli *c, json_t *p, const char *option, const char *clause, ia_err *e)
{
  const char *text = ia_cli_opt(c, option);

  if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
    return ia_fail(e, IA_E_USAGE, "--%s: wants yes or no", option);
  return ia_json_set(p, clause, json_boolean(strcmp(text, "yes") == 0), e);
}

static bool set_logs(ia_cli *c, json_t *p, const char *option, const char *clause, ia_err *e)
{
  const char *text = ia_cli_opt(c, option);

  if (strcmp(text, "sealed") != 0 && strcmp(text, "clear") != 0)
    return ia_fail(e, IA_E_USAGE, "--logs: wants sealed or clear");
  return ia_json_set(p, clause, json_string(text), e);
}

static bool set_requesters(ia_cli *c, json_t *p, const char *option, const char *clause, ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  const char *text;
  ia_addr who;

  for (unsigned i = 0; (text = ia_cli_opt_at(c, option, i)); i++)
    if (!ia_cli_addr(&who, text, "--requester", e) ||
        json_array_append_new(list, ia_json_addr(&who)) != 0)
      return false;
  return ia_json_set(p, clause, json_incref(list), e);
}

static bool set_purposes(ia_cli *c, json_t *p, const char *option, const char *clause, ia_err *e)
{
  json_t *list = NULL;

  (void)option;
  return ia_cli_purposes(c, &list, e) && ia_json_set(p, clause, list, e);
}

/* HH:MM-HH:MM; what a time of the day is, the check of the whole document says. */
static bool set_hours(ia_cli *c, json_t *p, const char *option, const char *clause, ia_err *e)
{
  const char *text = ia_cli_opt(c, option);
  json_t *hours = json_object_get(p, clause);

  if (strlen(text) != 11 || text[5] != '-')
    return ia_fail(e, IA_E_USAGE, "--hours: wants two times of the day (UTC), like 22:00-06:00");
  if (!hours && !ia_json_set(p, clause, hours = json_object(), e))
    return false;
  return ia_json_set(hours, "from", json_stringn(text, 5), e) &&
         ia_json_set(hours, "to", json_string(text + 6), e);
}

static bool add_days(json_t *list, const char **at)
{
  char first = **at, last = first;

  if (first < '1' || first > '7')
    return false;
  ++*at;
  if (**at == '-') {
    last = *++*at;
    if (last < first || last > '7')
      return false;
    ++*at;
  }
  for (char d = first; d <= last; d++)
    if (json_array_append_new(list, json_integer(d - '0')) != 0)
      return false;
  return true;
}

static bool set_days(ia_cli *c, json_t *p, const char *option, const char *clause, ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  json_t *hours = json_object_get(p, clause);
  const char *at = ia_cli_opt(c, option);
  bool ok = add_days(list, &at);

  while (ok && *at == ',') {
    at++;
    ok = add_days(list, &at);
  }
  if (!ok || *at)
    return ia_fail(e, IA_E_USAGE, "--days: wants days from 1 (Monday) to 7, like 1-5 or 1,3");
  if (!hours)
    return ia_fail(e, IA_E_USAGE, "--days: the policy has no hours; give --hours as well");
  return ia_json_set(hours, "days", json_incref(list), e);
}

static const struct {
  const char *option, *clause;
  bool (*set)(ia_cli *c, json_t *p, const char *option, const char *clause, ia_err *e);
} setters[] = {
    {"from", "notBefore", set_time},
    {"until", "expires", set_time},
    {"hours", "hours", set_hours},
    {"days", "hours", set_days},
    {"requester", "requesters", set_requesters},
    {"purpose", "purposes", set_purposes},
    {"runs", "total", set_count},
    {"daily", "daily", set_count},
    {"logs", "logs", set_logs},
    {"plain-result", "plainResult", set_flag},
    {"callback", "callback", set_flag},
    {"by-ledger", "byLedger", set_flag},
};

static bool replace_by_file(json_t *policy, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = NULL;

  if (!ia_file_read(&text, path, FILE_CAP, e) || !(v = ia_json_parse(ia_buf_view(&text), 0, e)))
    return ia_wrap(e, "%s", path);
  if (!json_is_object(v))
    return ia_fail(e, IA_E_USAGE, "%s: not a policy document (a JSON object)", path);
  return (json_object_clear(policy) == 0 && json_object_update(policy, v) == 0) ||
         ia_fail(e, IA_E_MEMORY, "out of memory");
}

bool ia_cli_policy_change(ia_cli *c, json_t *policy, ia_err *e)
{
  const char *file = ia_cli_opt(c, "file");
  bool any = false;

  for (size_t i = 0; i < IA_COUNT(setters); i++)
    any |= ia_cli_flag(c, setters[i].option);
  if (file && any)
    return ia_fail(e, IA_E_USAGE, "--file: the document is whole; it takes no other option");
  if (file)
    return replace_by_file(policy, file, e);
  if (!any) {
    ia_fail(e, IA_E_USAGE, "nothing to set");
    return ia_hint(e, "iapp policy set --help lists the limits");
  }
  for (size_t i = 0; i < IA_COUNT(setters); i++)
    if (ia_cli_flag(c, setters[i].option) &&
        !setters[i].set(c, policy, setters[i].option, setters[i].clause, e))
      return false;
  return true;
}

/* -- clauses by name -- */
static const char *const clauses[] = {"notBefore", "expires", "hours", "requesters",
                                      "purposes",  "runs",    "logs",  "plainResult",
                                      "callback",  "byLedger"};

bool ia_cli_policy_drop(json_t *policy, const char *clause, ia_err *e)
{
  char all[160] = "";
  size_t n = 0;

  for (size_t i = 0; i < IA_COUNT(clauses); i++) {
    if (strcmp(clause, clauses[i]) == 0) {
      (void)json_object_del(policy, clause);
      return true;
    }
    n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s", n ? ", " : "", clauses[i]);
  }
  ia_fail(e, IA_E_USAGE, "\"%.40s\" is not a clause of a policy", clause);
  return ia_hint(e, "clauses: %s", all);
}

static void say_list(ia_buf *out, const json_t *list)
{
  const json_t *one;
  size_t i;

  if (json_array_size(list) == 0)
    ia_buf_str(out, "nobody");
  json_array_foreach (list, i, one)
    ia_buf_printf(out, "%s%s", i ? ", " : "",
                  json_string_value(one) ? json_string_value(one) : "?");
}

static void say_hours(ia_buf *out, const json_t *hours)
{
  const json_t *days = json_object_get(hours, "days"), *one;
  size_t i;

  ia_buf_printf(out, "%s to %s UTC", json_string_value(json_object_get(hours, "from")),
                json_string_value(json_object_get(hours, "to")));
  json_array_foreach (days, i, one)
    ia_buf_printf(out, "%s%d", i ? "," : ", days ", (int)json_integer_value(one));
}

static void say_runs(ia_buf *out, const json_t *limit, const json_t *used)
{
  static const struct {
    const char *key, *used, *what;
  } rows[] = {{"total", "total", "in all"}, {"daily", "today", "of the day (UTC)"}};
  bool any = false;

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    const json_t *most = json_object_get(limit, rows[i].key);

    if (!most)
      continue;
    ia_buf_printf(out, "%s%lld of %lld used %s", any ? ", " : "",
                  (long long)json_integer_value(json_object_get(used, rows[i].used)),
                  (long long)json_integer_value(most), rows[i].what);
    any = true;
  }
}

static void say_clause(ia_buf *out, const char *key, const json_t *v, const json_t *runs)
{
  if (json_is_array(v))
    say_list(out, v);
  else if (strcmp(key, "hours") == 0)
    say_hours(out, v);
  else if (strcmp(key, "runs") == 0)
    say_runs(out, v, runs);
  else if (json_is_integer(v))
    ia_buf_str(out, ia_rfc3339((uint64_t)json_integer_value(v)).s);
  else if (json_is_boolean(v))
    ia_buf_str(out, json_is_true(v) ? "yes" : "no");
  else if (json_is_string(v))
    ia_buf_str(out, json_string_value(v));
}

bool ia_cli_policy_say(ia_cli *c, const json_t *policy, const json_t *runs, ia_err *e)
{
  for (size_t i = 0; i < IA_COUNT(clauses); i++) {
    const json_t *v = json_object_get(policy, clauses[i]);
    IA_AUTOV(ia_buf) text = {0};

    if (!v)
      continue;
    say_clause(&text, clauses[i], v, runs);
    ia_buf_u8(&text, 0);
    if (!ia_buf_ok(&text, e))
      return false;
    ia_cli_out(c, "%-12s %s", clauses[i], (const char *)text.ptr);
  }
  return true;
}
