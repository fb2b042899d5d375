/* Holding back the order to end. */
#include "base/ending.h"

#include <signal.h>

static sigset_t both(void)
{
  sigset_t set;

  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

void ia_ending_hold(void)
{
  const sigset_t set = both();

  (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

bool ia_ending_pending(void)
{
  sigset_t set;

  return sigpending(&set) == 0 &&
         (sigismember(&set, SIGTERM) == 1 || sigismember(&set, SIGINT) == 1);
}

void ia_ending_let(void)
{
  const sigset_t set = both();

  (void)pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
