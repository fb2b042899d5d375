/* Shared by the files of this layer; not for others. */
#ifndef IA_CHAIN_INTERNAL_H
#define IA_CHAIN_INTERNAL_H

#include "chain/endpoints.h"
#include "chain/poco.h"
#include "http/client.h"

struct ia_rpc {
  ia_http *http;
  ia_endpoints ends;
  size_t agree;
  uint64_t chain_id; /* 0: any */
  uint32_t timeout_ms;
  const volatile bool *cancel;
  uint64_t next_id;
  size_t batch_most;    /* requests that the node takes in one batch; 0 = not learned yet */
  uint64_t compared_ms; /* when the heads of all were last asked */
  ia_buf revert;
};

/* One question to one node. params: borrowed. */
IA_MUST bool ia_rpc_ask(ia_rpc *r, size_t at, json_t **result, const char *method, json_t *params,
                        uint32_t timeout_ms, ia_err *e);
/* -- rpc_all.c: one question to all of them. params: borrowed -- */
IA_MUST bool ia_rpc_ask_all(ia_rpc *r, json_t **result, const char *method, json_t *params,
                            ia_err *e);

struct ia_chain {
  ia_rpc *rpc;
  uint64_t chain_id;
  ia_addr hub;
  ia_h256 separator;
  bool local;
  uint64_t lag;
  bool pinned; /* reads are of the state after this block */
  ia_block pin;
  uint32_t timeout_ms;
  const volatile bool *cancel;
  ia_chain_sending sending; /* texts are owned */
  size_t at_once;           /* addresses that the node takes in one filter; 0 = not learned yet */
};

/* Sleeps ms, or less when cancelled; false with CANCELLED then. */
IA_MUST bool ia_chain_pause(const ia_chain *c, uint32_t ms, ia_err *e);
/* {"to","data"} for eth_call and eth_estimateGas */
json_t *ia_chain_call_object(const ia_addr *to, ia_span data);
/* An answer of eth_getBlockBy..; NOT_FOUND when it is null. */
IA_MUST bool ia_chain_block_parse(ia_block *out, const json_t *b, ia_err *e);
/* The parameter of eth_getLogs. */
json_t *ia_chain_filter_json(const ia_chain_filter *f);
/* The logs of a receipt or of eth_getLogs. */
IA_MUST bool ia_chain_logs_parse(ia_chain_logs *out, const json_t *array, ia_err *e);

#endif
