/* Shared by the files of this layer; not for others. */
#ifndef IA_CHAIN_INTERNAL_H
#define IA_CHAIN_INTERNAL_H

#include "chain/endpoints.h"
#include "chain/poco.h"
#include "http/client_many.h"

struct ia_rpc {
  ia_http_many *http; /* a place for each node */
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

/* -- rpc.c -- */
/* {"jsonrpc","id","method","params"} under the next id. params: taken over. */
json_t *ia_rpc_request(ia_rpc *r, const char *method, json_t *params);
/* One answer object into a result (new reference), or the node's error as one of ours. */
IA_MUST bool ia_rpc_settle(ia_rpc *r, json_t **result, const char *method, const json_t *answer,
                           ia_err *e);
/* The answer to the request with this id: as ia_rpc_settle; PARSE when it is another's. */
IA_MUST bool ia_rpc_settle_one(ia_rpc *r, json_t **result, const char *method, json_int_t id,
                               const json_t *answer, ia_err *e);
/* Might another node answer where one failed so? */
bool ia_rpc_of_node(ia_code code);

/* -- rpc_nodes.c: which nodes are asked, and when the next -- */
typedef enum ia_hearing {
  IA_HEARD_ENOUGH, /* nobody else is needed */
  IA_HEARD_WAIT,   /* those who are being asked may do */
  IA_HEARD_MORE,   /* one more is asked, one that rests if need be */
  IA_HEARD_AWAKE,  /* one more is asked if one is left that does not rest */
} ia_hearing;

typedef struct ia_asking {
  const json_t *body;  /* one request, or an array of them: the same for all nodes */
  uint32_t timeout_ms; /* of each node; 0 = that of the object */
  uint32_t
      patience_ms; /* so long those who are asked have for themselves; then one more is asked */
  size_t at_once;  /* nodes to ask at first: those that do not rest, and at least so many; 0 =
                      one */
  /* What a node said; NULL: nothing, for that reason. running: how many are still being asked. */
  ia_hearing (*heard)(void *ctx, size_t at, const json_t *answer, const ia_err *why,
                      size_t running);
  /* Is what was heard enough, now that the others are slow? */
  bool (*content)(void *ctx);
  void *ctx;
} ia_asking;
/* Asks until enough is heard or nobody is left; who has not answered by then rests. False when it
 * could not be asked at all: MEMORY, CANCELLED. */
IA_MUST bool ia_rpc_ask_nodes(ia_rpc *r, const ia_asking *q, ia_err *e);

/* -- rpc_batch.c -- */
/* One question; whichever node answers is believed. params: borrowed. */
IA_MUST bool ia_rpc_ask_any(ia_rpc *r, json_t **result, const char *method, json_t *params,
                            uint32_t timeout_ms, ia_err *e);

/* -- rpc_all.c -- */
/* One question that enough nodes must answer alike. params: borrowed. */
IA_MUST bool ia_rpc_ask_all(ia_rpc *r, json_t **result, const char *method, json_t *params,
                            ia_err *e);
/* Does null mean here that this node does not know? */
bool ia_rpc_null_is_ignorance(const char *method);

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
