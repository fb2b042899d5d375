/* Inside of the simulation's certificates, for sim.c and tests. */
#ifndef IA_TEE_SIMPKI_H
#define IA_TEE_SIMPKI_H

#include "crypto/p256.h"
#include "tee/chain.h"
#include "tee/sim.h"

struct ia_simpki {
  ia_p256 *leaf;
  ia_buf certs; /* PEM: leaf, CA, root */
};

#endif
