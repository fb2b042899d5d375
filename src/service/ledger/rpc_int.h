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

typedef struct ia_lrpc {
  ia_ledger *l;
  const json_t *params; /* array or NULL */
  bool batch;
  ia_ledger_reply *reply;
  json_t *result; /* of a method that returned true; NULL = null */
  int code;       /* of one that returned false */
  char message[256];
  char detail[256]; /* for a person, beside the message; may be empty */
  uint64_t bytes;   /* of the logs of an answer */
  bool has_data;
  ia_buf data; /* revert data */
} ia_lrpc;

typedef bool ia_lrpc_fn(ia_lrpc *r);
ia_lrpc_fn ia_lrpc_block_number, ia_lrpc_block_by_number, ia_lrpc_block_by_hash, ia_lrpc_tx_by_hash,
    ia_lrpc_raw_tx_by_hash, ia_lrpc_receipt, ia_lrpc_block_receipts, ia_lrpc_logs, ia_lrpc_call,
    ia_lrpc_estimate, ia_lrpc_send, ia_lrpc_code, ia_lrpc_balance, ia_lrpc_nonce,
    ia_lrpc_increase_time, ia_lrpc_mine, ia_lrpc_next_timestamp, ia_lrpc_fee_history,
    ia_lrpc_snapshot, ia_lrpc_revert;

/* -- rpc.c -- */
/* One request, its reply behind what is in out. */
IA_MUST bool ia_lrpc_one(ia_ledger *l, const json_t *request, bool batch, ia_ledger_reply *out,
                         ia_err *e);
IA_MUST bool ia_lrpc_put_error(ia_buf *out, const json_t *id, int code, const char *message,
                               ia_err *e);

/* -- rpc_id.c -- */
/* A request in which ids from 2^63 to 2^64 - 1 stand so that the parser holds them; false when
 * there are none. */
IA_MUST bool ia_lrpc_set_ids_aside(ia_buf *out, ia_span request);
/* A text, a number or null, one that was set aside too; NULL is none. */
bool ia_lrpc_is_id(const json_t *id);
/* As it came; NULL: null. */
IA_MUST bool ia_lrpc_put_id(ia_buf *out, const json_t *id, ia_err *e);

/* Always false. */
bool ia_lrpc_fail(ia_lrpc *r, int code, const char *fmt, ...) IA_PRINTF(3, 4);
/* An error of ours: MEMORY, IO.. become INTERNAL. Always false. */
bool ia_lrpc_failed(ia_lrpc *r, const ia_err *e);
/* False with INTERNAL when the value is NULL. */
IA_MUST bool ia_lrpc_result(ia_lrpc *r, json_t *value);

/* -- parameters by place; false after ia_lrpc_fail -- */
const json_t *ia_lrpc_param(const ia_lrpc *r, size_t i); /* NULL when absent */
IA_MUST bool ia_lrpc_quantity(ia_lrpc *r, const json_t *v, const char *what, uint64_t *out);
IA_MUST bool ia_lrpc_hash(ia_lrpc *r, const json_t *v, const char *what, ia_h256 *out);
IA_MUST bool ia_lrpc_address(ia_lrpc *r, const json_t *v, const char *what, ia_addr *out);
/* "latest", "pending", "safe", "finalized" (the head), "earliest" (0), or a quantity; NULL = head.
 * Also {"blockNumber":..} and {"blockHash":..} (EIP-1898). */
IA_MUST bool ia_lrpc_block_tag(ia_lrpc *r, const json_t *v, uint64_t *number);
/* The tag must mean the head: the state of older blocks is not kept. */
IA_MUST bool ia_lrpc_head_only(ia_lrpc *r, const json_t *v);

/* -- rpc_hold.c -- */
/* A client asked for the nonce of its next transaction. */
void ia_hold_nonce_asked(ia_ledger *l, const ia_addr *who);
bool ia_hold_was_asked(const ia_ledger *l, const ia_addr *who);
/* After a transaction: its deals' tasks will be asked for, and who waits for its tasks has to know.
 */
void ia_hold_look_at_logs(ia_ledger *l);
/* The ledger's time was set: any task may have come to its end. */
void ia_hold_time_set(ia_ledger *l);
/* After a call: the reply watches its task when that runs. */
void ia_hold_look_at_call(ia_lrpc *r, const ia_message *m);

/* -- values -- */
json_t *ia_lrpc_hex(uint64_t v);
json_t *ia_lrpc_hex256(const ia_u256 *v);
/* One log entry as JSON. */
json_t *ia_lrpc_log(const ia_block *b, const ia_h256 *block_hash, const ia_log_entry *log,
                    uint64_t index);

#endif
