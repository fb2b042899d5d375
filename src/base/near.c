#include "base/near.h"

#include <string.h>

enum { LONGEST = 63 };

static unsigned least(unsigned a, unsigned b)
{
  return a < b ? a : b;
}

/* Edits from a to b (optimal string alignment); n letters of a are compared. */
static unsigned distance(const char *a, size_t m, const char *b, size_t n)
{
  unsigned rows[3][LONGEST + 1];

  for (unsigned j = 0; j <= n; j++)
    rows[0][j] = j;
  for (unsigned i = 1; i <= m; i++) {
    unsigned *now = rows[i % 3], *last = rows[(i - 1) % 3], *older = rows[(i + 1) % 3];

    now[0] = i;
    for (unsigned j = 1; j <= n; j++) {
      now[j] = least(least(last[j] + 1, now[j - 1] + 1), last[j - 1] + (a[i - 1] != b[j - 1]));
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        now[j] = least(now[j], older[j - 2] + 1);
    }
  }
  return rows[m % 3][n];
}

void ia_near_try(ia_near *n, const char *candidate)
{
  size_t m = strlen(n->word), len = strlen(candidate);

  if (m == 0 || m > LONGEST || len > LONGEST)
    return;
  unsigned d = distance(n->word, m, candidate, len);
  unsigned limit = len < 3 ? 0 : least((unsigned)(len + 1) / 3, 4);
  if (d > limit || (n->best && d >= n->distance))
    return;
  n->best = candidate;
  n->distance = d;
}
