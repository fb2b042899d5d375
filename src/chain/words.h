/* What nodes of different make say when they refuse a transaction. */
#ifndef IA_CHAIN_WORDS_H
#define IA_CHAIN_WORDS_H

#include "base/err.h"

/* NONCE_LOW, TX_KNOWN, TX_UNDERPRICED (another with this nonce waits there), FEE_REFUSED,
 * INSUFFICIENT_FUNDS, CHAIN_ID, TOO_LARGE; `otherwise` when the words say nothing that we know. */
ia_code ia_send_refusal(const char *message, ia_code otherwise);

#endif
