/* Random bytes of the kernel. */
#include "base/random.h"

#include <errno.h>
#include <sys/random.h>

bool ia_random(void *p, size_t n, ia_err *e)
{
  unsigned char *at = p;

  while (n > 0) {
    ssize_t got = getrandom(at, n, 0);

    if (got < 0 && errno == EINTR)
      continue;
    if (got <= 0)
      return ia_fail_errno(e, "getrandom");
    at += got;
    n -= (size_t)got;
  }
  return true;
}
