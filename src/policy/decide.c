/* Judges a policy document over facts. */
#include "base/date.h"
#include "policy/internal.h"

enum { DAY = 86400, MINUTE = 60, DAY_MINUTES = 1440 };

static bool d_time(ia_ruling *v, const ia_policy *p, const ia_policy_facts *f)
{
  bool ok = true;

  if (p->not_before) {
    if (f->now < p->not_before)
      ok = ia_ruling_no(v, "policy.notBefore", IA_E_POLICY_EXPIRED,
                        "the owner's policy begins on %s", ia_rfc3339(p->not_before).s);
    else
      ia_ruling_ok(v, "policy.notBefore", "in force since %s", ia_rfc3339(p->not_before).s);
  }
  if (p->expires) {
    if (f->now >= p->expires)
      ok = ia_ruling_no(v, "policy.expires", IA_E_POLICY_EXPIRED,
                        "the owner's policy expired on %s", ia_rfc3339(p->expires).s);
    else
      ia_ruling_ok(v, "policy.expires", "in force until %s", ia_rfc3339(p->expires).s);
  }
  return ok;
}

/* 1970-01-01 was a Thursday; bit 0 = Monday. */
static bool day_admitted(const ia_policy *p, uint64_t day)
{
  return (p->days >> ((day + 3) % 7) & 1) != 0;
}

static bool in_hours(const ia_policy *p, uint64_t now)
{
  uint64_t day = now / DAY, minute = now % DAY / MINUTE;

  if (p->from_minute < p->to_minute)
    return day_admitted(p, day) && minute >= p->from_minute && minute < p->to_minute;
  return (day_admitted(p, day) && minute >= p->from_minute) ||
         (day > 0 && day_admitted(p, day - 1) && minute < p->to_minute);
}

static bool d_hours(ia_ruling *v, const ia_policy *p, const ia_policy_facts *f)
{
  if (!p->has_hours)
    return true;
  if (!in_hours(p, f->now))
    return ia_ruling_no(v, "policy.hours", IA_E_POLICY_EXPIRED,
                        "outside the hours of the owner: %02u:%02u to %02u:%02u UTC",
                        p->from_minute / 60u, p->from_minute % 60u, p->to_minute / 60u,
                        p->to_minute % 60u);
  ia_ruling_ok(v, "policy.hours", "within the owner's hours");
  return true;
}

static bool d_requester(ia_ruling *v, const ia_policy *p, const ia_policy_facts *f)
{
  if (!p->has_requesters)
    return true;
  for (size_t i = 0; i < p->n_requesters; i++)
    if (ia_addr_eq(&p->requesters[i], &f->requester)) {
      ia_ruling_ok(v, "policy.requesters", "requester %s is admitted",
                   ia_addr_lower(&f->requester).s);
      return true;
    }
  return ia_ruling_no(v, "policy.requesters", IA_E_POLICY_REQUESTER,
                      "the owner does not admit the requester %s", ia_addr_lower(&f->requester).s);
}

static bool d_purpose(ia_ruling *v, const ia_policy *p, const ia_policy_facts *f)
{
  if (!p->has_purposes)
    return true;
  if (ia_purpose_admitted(p->purposes, p->n_purposes, f->purpose)) {
    ia_ruling_ok(v, "policy.purposes", "purpose \"%.100s\" is admitted", f->purpose);
    return true;
  }
  if (!*f->purpose)
    return ia_ruling_no(v, "policy.purposes", IA_E_POLICY_PURPOSE,
                        "the owner wants a purpose and the request states none");
  return ia_ruling_no(v, "policy.purposes", IA_E_POLICY_PURPOSE,
                      "the owner does not admit the purpose \"%.100s\"", f->purpose);
}

static bool d_budget(ia_ruling *v, const char *clause, uint64_t used, uint64_t most,
                     const char *what)
{
  if (used >= most)
    return ia_ruling_no(v, clause, IA_E_POLICY_BUDGET, "%llu of %llu runs %s are used",
                        (unsigned long long)used, (unsigned long long)most, what);
  ia_ruling_ok(v, clause, "%llu of %llu runs %s are used", (unsigned long long)used,
               (unsigned long long)most, what);
  return true;
}

static bool d_runs(ia_ruling *v, const ia_policy *p, const ia_policy_facts *f)
{
  bool ok = true;

  if (p->has_total)
    ok &= d_budget(v, "policy.runs.total", f->runs_before, p->total_runs, "in all");
  if (p->has_daily)
    ok &= d_budget(v, "policy.runs.daily", f->runs_today, p->daily_runs, "of the day (UTC)");
  return ok;
}

static bool d_outputs(ia_ruling *v, const ia_policy *p, const ia_policy_facts *f)
{
  bool ok = true;

  if (!p->plain_result && !f->encrypt && !f->callback)
    ok = ia_ruling_no(v, "policy.plainResult", IA_E_POLICY_RESULT,
                      "the owner wants results encrypted and the request asks for a plain one");
  if (!p->callback && f->callback)
    ok = ia_ruling_no(v, "policy.callback", IA_E_POLICY_RESULT,
                      "the owner lets no callback data out");
  if (!p->by_ledger && f->n_by_ledger > 0)
    ok = ia_ruling_no(v, "policy.byLedger", IA_E_BY_LEDGER_REFUSED,
                      "%zu facts stand on the ledger's word alone, which the owner refuses",
                      f->n_by_ledger);
  return ok;
}

bool ia_policy_decide(ia_ruling *v, const ia_policy *p, const ia_policy_facts *f)
{
  bool ok = true;

  ok &= d_time(v, p, f);
  ok &= d_hours(v, p, f);
  ok &= d_requester(v, p, f);
  ok &= d_purpose(v, p, f);
  ok &= d_runs(v, p, f);
  ok &= d_outputs(v, p, f);
  return ok;
}
