#include "policy/policy.h"

#include <stdio.h>

#include "policy/internal.h"

enum { DAY_MINUTES = 1440, ALL_DAYS = 0x7f };

void ia_policy_free(ia_policy *p)
{
  if (!p)
    return;
  ia_purposes_free(p->purposes, p->n_purposes);
  free(p->requesters);
  *p = (ia_policy){0};
}

ia_policy ia_policy_none(void)
{
  return (ia_policy){.plain_result = true, .callback = true, .by_ledger = true};
}

static bool unknown(ia_err *e, const char *clause, const char *why)
{
  return ia_fail(e, IA_E_POLICY_UNKNOWN, "policy: %s: %s", clause, why);
}

static bool get_time(uint64_t *out, const json_t *v, const char *clause, ia_err *e)
{
  if (!json_is_integer(v) || json_integer_value(v) <= 0)
    return unknown(e, clause, "wants a time in Unix seconds");
  *out = (uint64_t)json_integer_value(v);
  return true;
}

static bool get_flag(bool *out, const json_t *v, const char *clause, ia_err *e)
{
  if (!json_is_boolean(v))
    return unknown(e, clause, "wants true or false");
  *out = json_is_true(v);
  return true;
}

static bool p_version(ia_policy *p, const json_t *v, ia_err *e)
{
  (void)p;
  return (json_is_integer(v) && json_integer_value(v) == 1) || unknown(e, "v", "is not 1");
}

static bool p_not_before(ia_policy *p, const json_t *v, ia_err *e)
{
  return get_time(&p->not_before, v, "notBefore", e);
}

static bool p_expires(ia_policy *p, const json_t *v, ia_err *e)
{
  return get_time(&p->expires, v, "expires", e);
}

/* "HH:MM", to 24:00. */
static bool get_minute(uint16_t *out, const json_t *v)
{
  const char *s = json_string_value(v);
  unsigned h, m;

  if (!s || strlen(s) != 5 || s[2] != ':')
    return false;
  for (int i = 0; i < 5; i++)
    if (i != 2 && (s[i] < '0' || s[i] > '9'))
      return false;
  h = (unsigned)(s[0] - '0') * 10 + (unsigned)(s[1] - '0');
  m = (unsigned)(s[3] - '0') * 10 + (unsigned)(s[4] - '0');
  *out = (uint16_t)(h * 60 + m);
  return m < 60 && *out <= DAY_MINUTES;
}

static bool get_days(uint8_t *out, const json_t *v, ia_err *e)
{
  size_t i;
  json_t *d;

  *out = v ? 0 : ALL_DAYS;
  if (!v)
    return true;
  if (!json_is_array(v) || json_array_size(v) == 0)
    return unknown(e, "hours.days", "wants a list of 1 (Monday) to 7");
  json_array_foreach (v, i, d) {
    json_int_t n = json_is_integer(d) ? json_integer_value(d) : 0;

    if (n < 1 || n > 7)
      return unknown(e, "hours.days", "wants a list of 1 (Monday) to 7");
    *out = (uint8_t)(*out | (1u << (n - 1)));
  }
  return true;
}

static bool p_hours(ia_policy *p, const json_t *v, ia_err *e)
{
  static const char *const keys[] = {"from", "to", "days", NULL};

  if (!json_is_object(v) || !ia_json_only(v, keys, NULL))
    return unknown(e, "hours", "wants {\"from\",\"to\",\"days\"}");
  if (!get_minute(&p->from_minute, json_object_get(v, "from")) ||
      !get_minute(&p->to_minute, json_object_get(v, "to")) || p->from_minute == p->to_minute ||
      p->from_minute == DAY_MINUTES)
    return unknown(e, "hours", "wants two different times as HH:MM (UTC)");
  p->has_hours = true;
  return get_days(&p->days, json_object_get(v, "days"), e);
}

static bool p_requesters(ia_policy *p, const json_t *v, ia_err *e)
{
  size_t n = json_array_size(v);

  if (!json_is_array(v) || n > IA_POLICY_LIST_MAX)
    return unknown(e, "requesters", "wants a list of at most 256 addresses");
  p->has_requesters = true;
  p->requesters = calloc(n ? n : 1, sizeof(*p->requesters));
  if (!p->requesters)
    return ia_fail(e, IA_E_MEMORY, "policy: no memory");
  for (size_t i = 0; i < n; i++) {
    const char *s = json_string_value(json_array_get(v, i));

    if (!s || strlen(s) != 42 || strncmp(s, "0x", 2) != 0 ||
        !ia_unhex(p->requesters[i].b, 20, ia_span_str(s)))
      return unknown(e, "requesters", "holds something that is not an address");
    p->n_requesters++;
  }
  return true;
}

static bool p_purposes(ia_policy *p, const json_t *v, ia_err *e)
{
  p->has_purposes = true;
  return ia_purposes_read(&p->purposes, &p->n_purposes, v, "policy", e);
}

static bool get_count(bool *has, uint64_t *out, const json_t *v, const char *clause, ia_err *e)
{
  *has = v != NULL;
  if (!v)
    return true;
  if (!json_is_integer(v) || json_integer_value(v) < 0)
    return unknown(e, clause, "wants a number of runs");
  *out = (uint64_t)json_integer_value(v);
  return true;
}

static bool p_runs(ia_policy *p, const json_t *v, ia_err *e)
{
  static const char *const keys[] = {"total", "daily", NULL};

  if (!json_is_object(v) || !ia_json_only(v, keys, NULL) || json_object_size(v) == 0)
    return unknown(e, "runs", "wants {\"total\",\"daily\"}");
  return get_count(&p->has_total, &p->total_runs, json_object_get(v, "total"), "runs.total", e) &&
         get_count(&p->has_daily, &p->daily_runs, json_object_get(v, "daily"), "runs.daily", e);
}

static bool p_logs(ia_policy *p, const json_t *v, ia_err *e)
{
  const char *s = json_string_value(v);

  if (!s || (strcmp(s, "clear") != 0 && strcmp(s, "sealed") != 0))
    return unknown(e, "logs", "wants \"sealed\" or \"clear\"");
  p->logs_clear = strcmp(s, "clear") == 0;
  return true;
}

static bool p_plain(ia_policy *p, const json_t *v, ia_err *e)
{
  return get_flag(&p->plain_result, v, "plainResult", e);
}

static bool p_callback(ia_policy *p, const json_t *v, ia_err *e)
{
  return get_flag(&p->callback, v, "callback", e);
}

static bool p_by_ledger(ia_policy *p, const json_t *v, ia_err *e)
{
  return get_flag(&p->by_ledger, v, "byLedger", e);
}

static const struct {
  const char *key;
  bool (*set)(ia_policy *p, const json_t *v, ia_err *e);
} clauses[] = {
    {"v", p_version},
    {"notBefore", p_not_before},
    {"expires", p_expires},
    {"hours", p_hours},
    {"requesters", p_requesters},
    {"purposes", p_purposes},
    {"runs", p_runs},
    {"logs", p_logs},
    {"plainResult", p_plain},
    {"callback", p_callback},
    {"byLedger", p_by_ledger},
};

static bool set_clause(ia_policy *p, const char *key, const json_t *v, ia_err *e)
{
  for (size_t i = 0; i < IA_COUNT(clauses); i++)
    if (strcmp(key, clauses[i].key) == 0)
      return clauses[i].set(p, v, e);
  return unknown(e, key, "is no clause that this SMS enforces");
}

bool ia_policy_parse(ia_policy *out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  const char *key;
  json_t *member;

  *out = ia_policy_none();
  if (text.len > IA_POLICY_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "policy: %zu bytes", text.len);
  v = ia_json_parse(text, 0, e);
  if (!v || !ia_body_is_canonical(v, text, e))
    return ia_wrap(e, "policy");
  if (!json_is_object(v) || !json_object_get(v, "v"))
    return unknown(e, "v", "is missing");
  json_object_foreach (v, key, member)
    if (!set_clause(out, key, member, e)) {
      ia_policy_free(out);
      return false;
    }
  return true;
}

void ia_revocation_free(ia_revocation *r)
{
  if (!r)
    return;
  free(r->orders);
  *r = (ia_revocation){0};
}

bool ia_revocation_parse(ia_revocation *out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  json_t *all, *orders;

  *out = (ia_revocation){0};
  if (text.len > IA_POLICY_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "revoke: %zu bytes", text.len);
  v = ia_json_parse(text, 0, e);
  if (!v || !ia_body_is_canonical(v, text, e))
    return ia_wrap(e, "revoke");
  all = json_object_get(v, "all");
  orders = json_object_get(v, "orders");
  out->all = json_is_true(all);
  if (json_object_size(v) != 1 || (!out->all && json_array_size(orders) == 0))
    return ia_fail(e, IA_E_INVALID, "revoke: wants {\"all\":true} or {\"orders\":[..]}");
  out->orders = calloc(json_array_size(orders) + 1, sizeof(*out->orders));
  if (!out->orders)
    return ia_fail(e, IA_E_MEMORY, "revoke: no memory");
  for (out->n = 0; out->n < json_array_size(orders); out->n++) {
    const char *s = json_string_value(json_array_get(orders, out->n));

    if (!s || !ia_h256_parse(&out->orders[out->n], ia_span_str(s))) {
      ia_revocation_free(out);
      return ia_fail(e, IA_E_INVALID, "revoke: an order hash is not 32 bytes");
    }
  }
  return true;
}
