/* Shared by the files of this layer; not for others. */
#ifndef IA_CHAIN_INTERNAL_H
#define IA_CHAIN_INTERNAL_H

#include "chain/poco.h"

struct ia_chain {
  ia_rpc *rpc;
  uint64_t chain_id;
  ia_addr hub;
  ia_h256 separator;
  bool local;
  uint32_t timeout_ms;
  const volatile bool *cancel;
  ia_chain_sending sending; /* texts are owned */
};

/* Sleeps ms, or less when cancelled; false with CANCELLED then. */
IA_MUST bool ia_chain_pause(const ia_chain *c, uint32_t ms, ia_err *e);
/* {"to","data"} for eth_call and eth_estimateGas */
json_t *ia_chain_call_object(const ia_addr *to, ia_span data);
/* An answer of eth_getBlockBy..; NOT_FOUND when it is null. */
IA_MUST bool ia_chain_block_parse(ia_block *out, const json_t *b, ia_err *e);
/* The logs of a receipt or of eth_getLogs. */
IA_MUST bool ia_chain_logs_parse(ia_chain_logs *out, const json_t *array, ia_err *e);

#endif
