#include "client/secret_auth.h"

#include "crypto/keccak.h"

static void put_hash(ia_keccak *k, ia_span of)
{
  ia_h256 h;

  ia_keccak256(&h, of);
  ia_keccak_update(k, IA_SPAN_ARR(h.b));
}

static void start(ia_keccak *k, const ia_addr *address)
{
  ia_keccak_init(k);
  put_hash(k, ia_span_str("IEXEC_SMS_DOMAIN"));
  ia_keccak_update(k, IA_SPAN_ARR(address->b));
}

void ia_secret_auth_web3(ia_h256 *out, const ia_addr *address, ia_span value)
{
  ia_keccak k;

  start(&k, address);
  put_hash(&k, value);
  ia_keccak_final(&k, out);
}

void ia_secret_auth_named(ia_h256 *out, const ia_addr *address, ia_span name, ia_span value)
{
  ia_keccak k;

  start(&k, address);
  put_hash(&k, name);
  put_hash(&k, value);
  ia_keccak_final(&k, out);
}
