/* Transactions: decoding, and the sender of what decodes. */
#include <stdint.h>

#include "eth/tx.h"

int ia_fuzz_tx(const uint8_t *p, size_t n);

int ia_fuzz_tx(const uint8_t *p, size_t n)
{
  ia_addr sender;
  ia_tx tx;
  ia_err e;

  if (ia_tx_decode(&tx, ia_span_of(p, n), &e))
    (void)!ia_tx_sender(&sender, &tx, &e);
  return 0;
}
