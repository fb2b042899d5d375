/* Shared by the files of the JSON-RPC surface; not for others. */
#ifndef IA_SERVICE_LEDGER_RPC_INT_H
#define IA_SERVICE_LEDGER_RPC_INT_H

#include "service/ledger/ledger_int.h"

/* Error codes of JSON-RPC 2.0 and of Ethereum nodes. */
enum {
  IA_RPC_PARSE = -32700,
  IA_RPC_REQUEST = -32600,
  IA_RPC_METHOD = -32601,
  IA_RPC_PARAMS = -32602,
  IA_RPC_INTERNAL = -32603,
  IA_RPC_SERVER = -32000,
  IA_RPC_REJECTED = -32003, /* the transaction */
  IA_RPC_LIMIT = -32005,
  IA_RPC_REVERTED = 3
};

typedef struct ia_rpc {
  ia_ledger *l;
  const json_t *params; /* array or NULL */
  bool batch;
  ia_ledger_reply *reply;
  json_t *result; /* of a method that returned true; NULL = null */
  int code;       /* of one that returned false */
  char message[256];
  char detail[256]; /* for a person, beside the message; may be empty */
  bool has_data;
  ia_buf data; /* revert data */
} ia_rpc;

typedef bool ia_rpc_fn(ia_rpc *r);
ia_rpc_fn ia_rpc_block_number, ia_rpc_block_by_number, ia_rpc_block_by_hash, ia_rpc_tx_by_hash,
    ia_rpc_raw_tx_by_hash, ia_rpc_receipt, ia_rpc_block_receipts, ia_rpc_logs, ia_rpc_call,
    ia_rpc_estimate, ia_rpc_send, ia_rpc_code, ia_rpc_balance, ia_rpc_nonce, ia_rpc_increase_time,
    ia_rpc_mine, ia_rpc_next_timestamp, ia_rpc_fee_history;

/* Always false. */
bool ia_rpc_fail(ia_rpc *r, int code, const char *fmt, ...) IA_PRINTF(3, 4);
/* An error of ours: MEMORY, IO.. become INTERNAL. Always false. */
bool ia_rpc_failed(ia_rpc *r, const ia_err *e);
/* False with INTERNAL when the value is NULL. */
IA_MUST bool ia_rpc_result(ia_rpc *r, json_t *value);

/* -- parameters by place; false after ia_rpc_fail -- */
const json_t *ia_rpc_param(const ia_rpc *r, size_t i); /* NULL when absent */
IA_MUST bool ia_rpc_quantity(ia_rpc *r, const json_t *v, const char *what, uint64_t *out);
IA_MUST bool ia_rpc_hash(ia_rpc *r, const json_t *v, const char *what, ia_h256 *out);
IA_MUST bool ia_rpc_address(ia_rpc *r, const json_t *v, const char *what, ia_addr *out);
/* "latest", "pending", "safe", "finalized" (the head), "earliest" (0), or a quantity; NULL = head.
 * Also {"blockNumber":..} and {"blockHash":..} (EIP-1898). */
IA_MUST bool ia_rpc_block_tag(ia_rpc *r, const json_t *v, uint64_t *number);
/* The tag must mean the head: the state of older blocks is not kept. */
IA_MUST bool ia_rpc_head_only(ia_rpc *r, const json_t *v);

/* -- values -- */
json_t *ia_rpc_hex(uint64_t v);
json_t *ia_rpc_hex256(const ia_u256 *v);
/* One log entry as JSON. */
json_t *ia_rpc_log(const ia_block *b, const ia_h256 *block_hash, const ia_log_entry *log,
                   uint64_t index);

#endif
