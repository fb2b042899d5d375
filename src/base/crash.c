/* Crash points of test builds. */
#include "base/crash.h"

#ifdef IA_TEST_HOOKS

#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { POINTS_MAX = 64 };

/* Passages per name in this process. Guarded by __atomic operations: points are met on threads. */
static struct passage {
  const char *name;
  unsigned count;
} passages[POINTS_MAX];

static unsigned pass(const char *name)
{
  for (size_t i = 0; i < POINTS_MAX; i++) {
    const char *none = NULL;

    if (__atomic_compare_exchange_n(&passages[i].name, &none, name, 0, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST) ||
        strcmp(none, name) == 0)
      return __atomic_add_fetch(&passages[i].count, 1, __ATOMIC_SEQ_CST);
  }
  return 0;
}

static unsigned turn_of(const char *seed, const char *name)
{
  uint32_t h = 2166136261U; /* FNV-1a */

  for (const char *p = seed; *p; p++)
    h = (h ^ (unsigned char)*p) * 16777619U;
  for (const char *p = name; *p; p++)
    h = (h ^ (unsigned char)*p) * 16777619U;
  return 1 + (h >> 16) % 4;
}

/* Whether name is one of the words between commas. */
static bool listed(const char *list, const char *name)
{
  size_t n = strlen(name);

  for (const char *at = list; at; at = strchr(at, ',')) {
    at += *at == ',';
    if (strncmp(at, name, n) == 0 && (at[n] == ',' || at[n] == '\0'))
      return true;
  }
  return false;
}

void ia_crash_point(const char *name)
{
  const char *dir = getenv("IAPP_CRASH_DIR"), *seed = getenv("IAPP_CRASH_SEED");
  const char *only = getenv("IAPP_CRASH_ONLY");
  char path[4096];

  if (!dir || (only && !listed(only, name)) || (!only && !seed))
    return;
  if (pass(name) != (seed ? turn_of(seed, name) : 1))
    return;
  int n = snprintf(path, sizeof(path), "%s/%s", dir, name);
  if (n < 0 || (size_t)n >= sizeof(path))
    return;
  int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return; /* it has fired in this run */
  close(fd);
  if (getenv("IAPP_CRASH_TERM"))
    kill(getppid(), SIGTERM);
  else
    kill(getpid(), SIGKILL);
}

#endif
