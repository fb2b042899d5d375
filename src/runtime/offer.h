/* How much memory this machine can give to one app. */
#ifndef IA_RUNTIME_OFFER_H
#define IA_RUNTIME_OFFER_H

#include <stdint.h>

/* Bytes for one app when `slots` guests run at once, each with IA_GUEST_ROOM of its own: three
 * quarters of what this process may use (memory of the machine, or the limit of our own control
 * group) by slots, in steps of 256 MiB; never below IA_APP_MEMORY, which every worker gives. */
uint64_t ia_memory_offer(unsigned slots);
/* The pure part: bytes is what may be used in all. */
uint64_t ia_memory_offer_of(uint64_t bytes, unsigned slots);

#endif
