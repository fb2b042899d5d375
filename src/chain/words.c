/* Words of geth, anvil, Nethermind, Erigon, Besu and Arbitrum's node. */
#include "chain/words.h"

#include <string.h>

/* The first that is found counts: what is special stands before what is general. */
static const struct {
  const char *words;
  ia_code code;
} table[] = {
    {"already known", IA_E_TX_KNOWN},
    {"already imported", IA_E_TX_KNOWN},
    {"alreadyknown", IA_E_TX_KNOWN},
    {"already_exists", IA_E_TX_KNOWN},
    {"known transaction", IA_E_TX_KNOWN},
    {"replacement transaction", IA_E_TX_UNDERPRICED},
    {"replacementnotallowed", IA_E_TX_UNDERPRICED},
    {"could not replace", IA_E_TX_UNDERPRICED},
    {"insufficient funds", IA_E_INSUFFICIENT_FUNDS},
    {"insufficientfunds", IA_E_INSUFFICIENT_FUNDS},
    {"upfront cost exceeds", IA_E_INSUFFICIENT_FUNDS},
    {"insufficient balance", IA_E_INSUFFICIENT_FUNDS},
    {"nonce too low", IA_E_NONCE_LOW},
    {"oldnonce", IA_E_NONCE_LOW},
    {"nonce is too low", IA_E_NONCE_LOW},
    {"nonce below", IA_E_NONCE_LOW},
    {"nonce has already been used", IA_E_NONCE_LOW},
    {"underpriced", IA_E_FEE_REFUSED},
    {"feetoolow", IA_E_FEE_REFUSED},
    {"fee too low", IA_E_FEE_REFUSED},
    {"fee per gas", IA_E_FEE_REFUSED},
    {"fee cap", IA_E_FEE_REFUSED},
    {"gas tip", IA_E_FEE_REFUSED},
    {"gas price", IA_E_FEE_REFUSED},
    {"block gas limit", IA_E_TOO_LARGE},
    {"gaslimitexceeded", IA_E_TOO_LARGE},
    {"chain id", IA_E_CHAIN_ID},
    {"chainid", IA_E_CHAIN_ID},
};

ia_code ia_send_refusal(const char *message, ia_code otherwise)
{
  for (size_t i = 0; i < IA_COUNT(table); i++)
    if (strcasestr(message, table[i].words))
      return table[i].code;
  return otherwise;
}
