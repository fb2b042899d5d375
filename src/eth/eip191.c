/* EIP-191 personal messages. */
#include "eth/eip191.h"

#include <stdio.h>

#include "crypto/keccak.h"

void ia_eip191_hash(ia_h256 *out, ia_span message)
{
  char head[64];
  int n = snprintf(head, sizeof(head),
                   "\x19"
                   "Ethereum Signed Message:\n%zu",
                   message.len);
  ia_keccak k;

  ia_keccak_init(&k);
  ia_keccak_update(&k, ia_span_of(head, (size_t)n));
  ia_keccak_update(&k, message);
  ia_keccak_final(&k, out);
}

bool ia_eip191_sign(const ia_secp *s, ia_sig *out, ia_span message, const ia_secret *key, ia_err *e)
{
  ia_h256 h;

  ia_eip191_hash(&h, message);
  return ia_secp_sign(s, out, &h, key, e);
}

bool ia_eip191_recover(ia_addr *out, ia_span message, ia_span sig, ia_err *e)
{
  ia_sig parsed;
  ia_h256 h;

  ia_eip191_hash(&h, message);
  return ia_sig_parse(&parsed, sig, e) && ia_secp_recover(out, &h, &parsed, e);
}
