/* Shared by the files of the ledger; not for others. */
#ifndef IA_SERVICE_LEDGER_LEDGER_INT_H
#define IA_SERVICE_LEDGER_LEDGER_INT_H

#include "service/ledger/block.h"
#include "service/ledger/disk.h"
#include "service/ledger/kv.h"
#include "service/ledger/ledger.h"
#include "service/ledger/vm.h"

/* A block that is held in memory: all that are not yet durable, and some more. */
typedef struct ia_recent {
  ia_h256 hash;
  ia_h256 tx_hash;
  ia_buf record;
} ia_recent;

/* What rpc_hold.c remembers: rings. */
enum { IA_HOLD_ASKED = 64, IA_HOLD_EXPECTED = 1024, IA_HOLD_ENDED = 256 };

typedef struct ia_hold_asked {
  ia_addr who;
  uint64_t at_ms;
} ia_hold_asked;

typedef struct ia_hold_expected {
  ia_h256 task;
  uint64_t until; /* the ledger's time */
} ia_hold_expected;

typedef struct ia_hold {
  ia_hold_asked asked[IA_HOLD_ASKED]; /* nonces that clients asked for to send a transaction */
  size_t n_asked;
  ia_hold_expected expected[IA_HOLD_EXPECTED]; /* tasks of new deals */
  size_t n_expected;
  ia_h256 ended[IA_HOLD_ENDED]; /* tasks, since ia_ledger_take_ended */
  size_t n_ended;               /* more than there is room for: any task may have ended */
  uint64_t reverts;             /* ia_ledger_reverts at that time */
} ia_hold;

typedef struct ia_snapshots ia_snapshots;

struct ia_ledger {
  ia_disk *disk;
  ia_kv *kv;
  ia_world world;
  ia_lvm vm;
  bool test, faucet, allow_fees;
  uint64_t (*now)(void);
  uint64_t head; /* last block executed */
  uint64_t head_time;
  ia_h256 head_hash;
  ia_h256 genesis_hash;
  uint64_t offset_s;  /* evm_increaseTime */
  uint64_t next_time; /* evm_setNextBlockTimestamp; 0 = not set */
  ia_recent *recent;  /* ring: block n at n & (n_recent - 1) */
  size_t n_recent;
  uint64_t first_recent;
  ia_addr last_sender; /* of the last transaction */
  ia_hold hold;
  ia_snapshots *snapshots; /* NULL: none was ever made */
};

/* A ledger without blocks in memory yet: store and state opened, nothing else. */
IA_MUST bool ia_ledger_new(ia_ledger **out, const char *path, unsigned disk_flags, size_t cache,
                           ia_err *e);

/* -- genesis -- */
/* Canonical text of record 0. */
IA_MUST bool ia_genesis_text(ia_buf *out, const ia_genesis *g, uint64_t now, ia_err *e);
/* Addresses and rules from the text. */
IA_MUST bool ia_genesis_world(ia_world *w, ia_span text, uint64_t *timestamp, ia_err *e);
/* Fills the empty state. */
IA_MUST bool ia_genesis_apply(ia_lvm *vm, ia_span text, ia_err *e);

/* -- executing -- */
typedef struct ia_executed {
  bool ok;
  uint64_t gas;
  ia_buf out;      /* result, or revert data */
  char reason[96]; /* of a revert with text */
} ia_executed;
static inline void ia_executed_free(ia_executed *x)
{
  ia_buf_free(&x->out);
}
IA_DEFINE_AUTO_VALUE(ia_executed, ia_executed_free)

typedef struct ia_message {
  ia_addr from;
  ia_addr to;
  bool creates;
  ia_u256 value;
  ia_span data;
} ia_message;

/* The time of the next block, were it made now. */
uint64_t ia_ledger_next_time(const ia_ledger *l);
/* Runs a message on the state as it is, and takes everything back. */
IA_MUST bool ia_ledger_dry_run(ia_ledger *l, const ia_message *m, ia_executed *x, ia_err *e);
/* Genesis as block 0. */
IA_MUST bool ia_ledger_make_genesis(ia_ledger *l, ia_span text, uint64_t time, ia_err *e);
/* A block with this transaction at that time. INVALID, NONCE_LOW, CHAIN_ID.. when it cannot be in a
 * block at all; a revert is a block like any other. */
IA_MUST bool ia_ledger_apply(ia_ledger *l, ia_span raw, uint64_t time, ia_err *e);
IA_MUST bool ia_ledger_apply_empty(ia_ledger *l, uint64_t time, ia_err *e);
IA_MUST bool ia_ledger_nonce(ia_ledger *l, const ia_addr *who, uint64_t *nonce, ia_err *e);
IA_MUST bool ia_ledger_coins(ia_ledger *l, const ia_addr *who, ia_u256 *wei, ia_err *e);

/* -- snapshots -- */
void ia_snapshots_free(ia_snapshots *s); /* NULL is fine */
/* Keeps what the changes of the block that is being made replace. */
IA_MUST bool ia_snapshots_keep(ia_ledger *l, ia_err *e);

/* -- blocks -- */
void ia_ledger_forget(ia_ledger *l); /* recent blocks that are durable */
IA_MUST bool ia_ledger_remember(ia_ledger *l, const ia_h256 *tx_hash, ia_span record, ia_err *e);
/* The record of a block, copied into `room`; *found false when there is none. */
IA_MUST bool ia_ledger_record(ia_ledger *l, uint64_t number, ia_buf *room, bool *found, ia_err *e);
/* Number of the block that has this hash, or holds this transaction. */
IA_MUST bool ia_ledger_find_hash(ia_ledger *l, const ia_h256 *hash, bool of_tx, uint64_t *number,
                                 bool *found, ia_err *e);

#endif
