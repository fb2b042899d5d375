/* A block of the ledger: one transaction (or none, when a test mines) and what it did. The bytes of
 * the record are what the log keeps and what the block hash covers; chained by the parent's hash.
 */
#ifndef IA_SERVICE_LEDGER_BLOCK_H
#define IA_SERVICE_LEDGER_BLOCK_H

#include "base/buf.h"
#include "poco/abi.h"

enum { IA_BLOOM_SIZE = 256, IA_BLOCK_GAS_LIMIT = 30000000 };
/* Events of one transaction, and entries of one eth_getLogs: who follows by single blocks always
 * gets them. */
enum { IA_LOGS_MAX = 10000 };

typedef struct ia_block {
  uint64_t number;
  ia_h256 parent;
  uint64_t timestamp;
  bool has_tx;
  ia_h256 tx_hash;
  ia_span raw; /* the signed transaction; of block 0 the genesis text */
  ia_addr sender;
  bool ok; /* false = the call reverted */
  uint64_t gas_used;
  ia_h256 writes; /* keccak256 over LP(key) || LP(value) of every change of state */
  uint32_t n_logs;
  ia_span logs; /* n_logs entries as ia_block_put_log writes them */
} ia_block;

void ia_block_put_log(ia_buf *out, const ia_log_entry *log);
/* Takes one entry off the front; data borrows. */
IA_MUST bool ia_block_take_log(ia_span *in, ia_log_entry *log, ia_err *e);

void ia_block_encode(ia_buf *out, const ia_block *b);
/* Strict; spans borrow from the record. */
IA_MUST bool ia_block_decode(ia_block *b, ia_span record, ia_err *e);
/* keccak256(LP("iapp-block/v1") || LP(record)) */
void ia_block_hash(ia_h256 *out, ia_span record);

/* The 2048-bit filter of addresses and topics (Ethereum yellow paper, 4.3.1). */
void ia_bloom_add(uint8_t bloom[IA_BLOOM_SIZE], const ia_log_entry *log);

/* Index terms: a number for "emitted by this address" and for "has this topic at this place". */
uint64_t ia_term_address(const ia_addr *a);
uint64_t ia_term_topic(size_t place, const ia_h256 *topic);

#endif
