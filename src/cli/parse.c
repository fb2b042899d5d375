/* Amounts and times as people write them. */
#include "cli/parse.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/date.h"

enum { DECIMALS = 9 };
static const uint64_t nrlc_per_rlc = 1000000000;

static bool digit(uint64_t *v, char c)
{
  return c >= '0' && c <= '9' && !__builtin_mul_overflow(*v, (uint64_t)10, v) &&
         !__builtin_add_overflow(*v, (uint64_t)(c - '0'), v);
}

/* Digits with at most one point; *frac counts those behind it. */
static bool number(const char **text, uint64_t *v, unsigned *frac)
{
  const char *p = *text;
  bool point = false, any = false;

  *v = 0;
  *frac = 0;
  for (; (*p >= '0' && *p <= '9') || (*p == '.' && !point); p++) {
    if (*p == '.') {
      point = true;
      continue;
    }
    any = true;
    *frac += point;
    if (*frac > DECIMALS || !digit(v, *p))
      return false;
  }
  *text = p;
  return any && (!point || *frac > 0);
}

bool ia_parse_amount(uint64_t *nrlc, const char *text, ia_err *e)
{
  const char *p = text;
  unsigned frac;
  bool ok = number(&p, nrlc, &frac);

  p += *p == ' ';
  if (ok && strcasecmp(p, "RLC") == 0) {
    for (; frac < DECIMALS && ok; frac++)
      ok = !__builtin_mul_overflow(*nrlc, (uint64_t)10, nrlc);
  } else {
    ok = ok && frac == 0 && (*p == '\0' || strcasecmp(p, "nRLC") == 0);
  }
  if (ok && *nrlc <= INT64_MAX)
    return true;
  ia_fail(e, IA_E_USAGE, "\"%s\" is not an amount", text);
  return ia_hint(e, "for example 0.5RLC, or 500000000nRLC");
}

static uint64_t unit_seconds(const char *unit)
{
  static const struct {
    char name;
    uint64_t seconds;
  } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 7 * 86400}};

  for (unsigned i = 0; i < IA_COUNT(units); i++)
    if (unit[0] == units[i].name && unit[1] == '\0')
      return units[i].seconds;
  return 0;
}

static bool read_time(uint64_t *unix_seconds, const char *text, uint64_t now)
{
  const char *p = text;
  char day[32];
  uint64_t v, unit;
  unsigned frac;

  if (strlen(text) == 10 && text[4] == '-' &&
      snprintf(day, sizeof(day), "%sT23:59:59Z", text) > 0 &&
      ia_rfc3339_parse(unix_seconds, ia_span_str(day)))
    return true;
  if (ia_rfc3339_parse(unix_seconds, ia_span_str(text)))
    return true;
  if (!number(&p, &v, &frac) || frac != 0)
    return false;
  *unix_seconds = v;
  if (*p == '\0')
    return v >= 1000000000 && v <= INT64_MAX;
  unit = unit_seconds(p);
  return unit > 0 && !__builtin_mul_overflow(v, unit, &v) &&
         !__builtin_add_overflow(now, v, unix_seconds) && *unix_seconds <= INT64_MAX;
}

bool ia_parse_until(uint64_t *unix_seconds, const char *text, uint64_t now, ia_err *e)
{
  if (!read_time(unix_seconds, text, now)) {
    ia_fail(e, IA_E_USAGE, "\"%s\" is not a time", text);
    return ia_hint(e, "for example 30d, 2026-12-31 or 2026-12-31T12:00:00Z");
  }
  if (*unix_seconds > now)
    return true;
  ia_fail(e, IA_E_USAGE, "\"%s\" is in the past: %s", text, ia_rfc3339(*unix_seconds).s);
  return ia_hint(e, "give a later time, for example 30d; it is %s", ia_rfc3339(now).s);
}

ia_amount_text ia_amount(uint64_t nrlc)
{
  ia_amount_text t;
  int n = snprintf(t.s, sizeof(t.s), "%llu.%09llu", (unsigned long long)(nrlc / nrlc_per_rlc),
                   (unsigned long long)(nrlc % nrlc_per_rlc));

  while (n > 0 && t.s[n - 1] == '0')
    n--;
  n -= n > 0 && t.s[n - 1] == '.';
  if (n >= 0 && snprintf(t.s + n, sizeof(t.s) - (size_t)n, " RLC") < 0)
    t.s[0] = '\0';
  return t;
}
