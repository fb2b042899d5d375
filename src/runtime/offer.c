/* Memory of this machine, shared among guests. */
#include "runtime/offer.h"

#include <sys/sysinfo.h>

#include "base/size.h"
#include "runtime/guest.h"
#include "sandbox/cgroup.h"

enum { STEP = 256 << 20 };

uint64_t ia_memory_offer_of(uint64_t bytes, unsigned slots)
{
  uint64_t each = bytes / 4 * 3 / (slots ? slots : 1);

  each = each > IA_GUEST_ROOM ? each - IA_GUEST_ROOM : 0;
  each -= each % STEP;
  if (each > IA_APP_MEMORY_MAX)
    return IA_APP_MEMORY_MAX;
  return each > IA_APP_MEMORY ? each : IA_APP_MEMORY;
}

uint64_t ia_memory_offer(unsigned slots)
{
  uint64_t own = ia_cgroup_own_memory();
  struct sysinfo s;
  uint64_t all = sysinfo(&s) == 0 ? (uint64_t)s.totalram * s.mem_unit : 0;

  return ia_memory_offer_of(own < all ? own : all, slots);
}
