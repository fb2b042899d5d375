/* Sizes with units. */
#include "base/size.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DECIMALS = 3, UNITS = 5 };

static const char letters[UNITS] = {'\0', 'K', 'M', 'G', 'T'};

/* "", "B", "K", "KB", "KiB", "M", ..: the power of 1024. */
static bool read_unit(unsigned *power, const char *text)
{
  static const char *const endings[] = {"", "B", "iB"};

  *power = 0;
  if (text[0] == '\0' || strcasecmp(text, "B") == 0 || strcasecmp(text, "bytes") == 0)
    return true;
  for (unsigned i = 1; i < UNITS; i++)
    for (unsigned k = 0; k < IA_COUNT(endings); k++)
      if (strncasecmp(text, &letters[i], 1) == 0 && strcasecmp(text + 1, endings[k]) == 0) {
        *power = i;
        return true;
      }
  return false;
}

/* Thousandths of the number at the start of text; *end: what follows. */
static bool read_number(uint64_t *thousandths, const char *text, const char **end)
{
  uint64_t n = 0;
  unsigned decimals = 0;
  bool point = false;
  const char *p = text;

  for (; (*p >= '0' && *p <= '9') || (*p == '.' && !point && p > text); p++) {
    if (*p == '.') {
      point = true;
      continue;
    }
    decimals += point;
    if (decimals > DECIMALS || __builtin_mul_overflow(n, (uint64_t)10, &n) ||
        __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n))
      return false;
  }
  if (p == text || p[-1] == '.')
    return false;
  for (; decimals < DECIMALS; decimals++)
    if (__builtin_mul_overflow(n, (uint64_t)10, &n))
      return false;
  *thousandths = n;
  *end = p;
  return true;
}

bool ia_size_parse(uint64_t *bytes, const char *text, ia_err *e)
{
  const char *unit;
  uint64_t n;
  unsigned power;

  if (!read_number(&n, text, &unit))
    return ia_fail(e, IA_E_INVALID, "\"%.40s\" is not a size: write 512M or 2G", text);
  unit += strspn(unit, " ");
  if (!read_unit(&power, unit))
    return ia_fail(e, IA_E_INVALID, "\"%.40s\" is not a size: the units are K, M, G and T", text);
  if (__builtin_mul_overflow(n, (uint64_t)1 << (10 * power), &n))
    return ia_fail(e, IA_E_INVALID, "\"%.40s\" is too large a size", text);
  *bytes = n / 1000;
  return true;
}

bool ia_app_memory_check(uint64_t bytes, ia_err *e)
{
  if (bytes >= IA_APP_MEMORY_MIN && bytes <= IA_APP_MEMORY_MAX)
    return true;
  return ia_fail(e, IA_E_INVALID, "an app's memory is from %s to %s, not %s",
                 ia_size_show(IA_APP_MEMORY_MIN).s, ia_size_show(IA_APP_MEMORY_MAX).s,
                 ia_size_show(bytes).s);
}

bool ia_app_memory_parse(uint64_t *bytes, const char *text, ia_err *e)
{
  return ia_size_parse(bytes, text, e) && ia_app_memory_check(*bytes, e);
}

ia_size_text ia_size_show(uint64_t bytes)
{
  ia_size_text out;
  unsigned power = 0;

  while (power + 1 < UNITS && bytes > 0 && bytes % 1024 == 0) {
    bytes /= 1024;
    power++;
  }
  if (power == 0)
    (void)snprintf(out.s, sizeof(out.s), "%llu bytes", (unsigned long long)bytes);
  else
    (void)snprintf(out.s, sizeof(out.s), "%llu %ciB", (unsigned long long)bytes, letters[power]);
  return out;
}
