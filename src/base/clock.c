/* Clocks and their text. */
#include "base/clock.h"

#include <stdio.h>
#include <time.h>

static uint64_t read_ns(clockid_t id)
{
  struct timespec t = {0};

  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000U + (uint64_t)t.tv_nsec;
}

uint64_t ia_now(void)
{
  return read_ns(CLOCK_REALTIME) / 1000000000U;
}

uint64_t ia_now_ms(void)
{
  return read_ns(CLOCK_REALTIME) / 1000000U;
}

uint64_t ia_mono_ms(void)
{
  return read_ns(CLOCK_BOOTTIME) / 1000000U;
}

uint64_t ia_mono_us(void)
{
  return read_ns(CLOCK_BOOTTIME) / 1000U;
}

ia_text32 ia_rfc3339(uint64_t unix_seconds)
{
  ia_text32 text = {.s = ""};
  struct tm tm;
  /* the year 9999: later instants have no RFC 3339 text */
  time_t at = (time_t)(unix_seconds > 253402300799U ? 253402300799U : unix_seconds);

  if (gmtime_r(&at, &tm))
    (void)strftime(text.s, sizeof(text.s), "%Y-%m-%dT%H:%M:%SZ", &tm);
  return text;
}

ia_text32 ia_rfc3339_ms(uint64_t unix_ms)
{
  ia_text32 text = ia_rfc3339(unix_ms / 1000);
  size_t n = strlen(text.s);

  if (n > 0)
    (void)snprintf(text.s + n - 1, sizeof(text.s) - n + 1, ".%03uZ", (unsigned)(unix_ms % 1000));
  return text;
}

static bool digits(const uint8_t *p, size_t n, int *v)
{
  *v = 0;
  for (size_t i = 0; i < n; i++) {
    if (p[i] < '0' || p[i] > '9')
      return false;
    *v = *v * 10 + (p[i] - '0');
  }
  return true;
}

bool ia_rfc3339_parse(uint64_t *unix_seconds, ia_span text)
{
  struct tm tm = {0};
  const uint8_t *p = text.ptr;

  if (text.len != 20 || p[4] != '-' || p[7] != '-' || p[10] != 'T' || p[13] != ':' ||
      p[16] != ':' || p[19] != 'Z')
    return false;
  if (!digits(p, 4, &tm.tm_year) || !digits(p + 5, 2, &tm.tm_mon) ||
      !digits(p + 8, 2, &tm.tm_mday) || !digits(p + 11, 2, &tm.tm_hour) ||
      !digits(p + 14, 2, &tm.tm_min) || !digits(p + 17, 2, &tm.tm_sec))
    return false;
  tm.tm_year -= 1900;
  tm.tm_mon -= 1;
  struct tm given = tm;
  time_t at = timegm(&tm);
  /* timegm accepts the 31st of February; what it changed was no date */
  if (at < 0 || tm.tm_mon != given.tm_mon || tm.tm_mday != given.tm_mday ||
      tm.tm_hour != given.tm_hour || tm.tm_min != given.tm_min || tm.tm_sec != given.tm_sec)
    return false;
  *unix_seconds = (uint64_t)at;
  return true;
}
