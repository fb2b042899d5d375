/* Text of doubles: shortest that reads back (ECMA-262 Number::toString), strict reading. */
#include <math.h>
#include <stdio.h>

#include "data/borsh.h"

enum { DIGITS_MAX = 17 };

struct decimal {
  char digits[DIGITS_MAX + 1]; /* no trailing zeros */
  int n;                       /* how many */
  int point;                   /* value = 0.digits * 10^point */
};

/* Fewest significant digits that read back as the same positive finite double. */
static void shortest(struct decimal *d, double v)
{
  char text[40];

  for (int precision = 1; precision <= DIGITS_MAX; precision++) {
    (void)snprintf(text, sizeof(text), "%.*e", precision - 1, v);
    if (strtod(text, NULL) == v)
      break;
  }
  d->n = 0;
  const char *p = text;
  for (; *p && *p != 'e'; p++)
    if (*p != '.' && d->n < DIGITS_MAX)
      d->digits[d->n++] = *p;
  d->point = *p == 'e' ? (int)strtol(p + 1, NULL, 10) + 1 : 1;
  while (d->n > 1 && d->digits[d->n - 1] == '0')
    d->n--;
  d->digits[d->n] = '\0';
}

static void layout(ia_text48 *t, const struct decimal *d, const char *sign)
{
  static const char zeros[] = "000000000000000000000";
  int n = d->n, at = d->point;
  const char *s = d->digits;

  if (n <= at && at <= 21)
    (void)snprintf(t->s, sizeof(t->s), "%s%s%.*s", sign, s, at - n, zeros);
  else if (0 < at && at <= 21)
    (void)snprintf(t->s, sizeof(t->s), "%s%.*s.%s", sign, at, s, s + at);
  else if (-6 < at && at <= 0)
    (void)snprintf(t->s, sizeof(t->s), "%s0.%.*s%s", sign, -at, zeros, s);
  else
    (void)snprintf(t->s, sizeof(t->s), "%s%c%s%se%+d", sign, s[0], n > 1 ? "." : "", s + 1, at - 1);
}

ia_text48 ia_f64_text(double v)
{
  ia_text48 t = {"0"};
  struct decimal d;

  if (isnan(v))
    return (ia_text48){"NaN"};
  if (isinf(v))
    return v > 0 ? (ia_text48){"Infinity"} : (ia_text48){"-Infinity"};
  if (v == 0)
    return signbit(v) ? (ia_text48){"-0"} : t;
  shortest(&d, fabs(v));
  layout(&t, &d, v < 0 ? "-" : "");
  return t;
}

static size_t digits(const char *s)
{
  size_t n = 0;

  while (s[n] >= '0' && s[n] <= '9')
    n++;
  return n;
}

bool ia_f64_parse(double *out, ia_span text)
{
  char s[512];

  if (text.len == 0 || text.len >= sizeof(s))
    return false;
  memcpy(s, text.ptr, text.len);
  s[text.len] = '\0';
  const char *p = s + (s[0] == '-');
  size_t whole = digits(p);
  if (whole == 0)
    return false;
  p += whole;
  if (*p == '.') {
    size_t fraction = digits(p + 1);

    if (fraction == 0)
      return false;
    p += 1 + fraction;
  }
  if (*p == 'e' || *p == 'E') {
    p += 1 + (p[1] == '+' || p[1] == '-');
    if (digits(p) == 0)
      return false;
    p += digits(p);
  }
  if (p != s + text.len)
    return false;
  *out = strtod(s, NULL);
  return isfinite(*out);
}
