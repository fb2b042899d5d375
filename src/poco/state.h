/* The hub's state machine: matching with its money, life cycle of tasks, deposits (PoCo1, PoCo2 and
 * escrow facets). It keeps nothing: state is a map of keys to bytes that the caller gives, events
 * go to the caller, time is the caller's. A call that returns false has changed the map halfway:
 * the caller undoes it. */
#ifndef IA_POCO_STATE_H
#define IA_POCO_STATE_H

#include "poco/abi.h"
#include "poco/match.h"

/* get: empty when the key has no value; the bytes live until the caller ends the transaction.
 * put: an empty value removes the key. False = the store failed. */
typedef struct ia_poco_store {
  void *ctx;
  bool (*get)(void *ctx, ia_span key, ia_span *value);
  bool (*put)(void *ctx, ia_span key, ia_span value);
  bool (*emit)(void *ctx, ia_event_id id, const ia_event *ev);
} ia_poco_store;

typedef struct ia_poco {
  const ia_poco_rules *rules;
  const ia_poco_view *view;
  const ia_poco_store *store;
  ia_h256 separator; /* EIP-712 domain of the hub */
  ia_addr hub;
  ia_addr sender;
  uint64_t now;  /* of the block */
  ia_revert why; /* set when a function returns false */
} ia_poco;

/* First byte of every key: what it holds. The rest are addresses (20 bytes) and hashes (32).
 * Numbers are 32 bytes big-endian, structs their ABI encoding. */
typedef enum ia_poco_key {
  IA_KEY_BALANCE = 'B',   /* address: deposit, free */
  IA_KEY_FROZEN = 'F',    /* address: deposit, locked */
  IA_KEY_ALLOWANCE = 'A', /* owner, spender */
  IA_KEY_SUPPLY = 'S',
  IA_KEY_DEAL = 'D',         /* deal id */
  IA_KEY_TASK = 'T',         /* task id */
  IA_KEY_CONTRIBUTION = 'X', /* task id, worker */
  IA_KEY_GROUP = 'G',        /* task id, result hash */
  IA_KEY_TOTAL = 'g',        /* task id */
  IA_KEY_SCORE = 'W',        /* worker */
  IA_KEY_PRESIGNED = 'P',    /* order hash: address */
  IA_KEY_CONSUMED = 'C',     /* order hash */
  IA_KEY_CATEGORY = 'K',     /* u256 index */
  IA_KEY_CATEGORIES = 'k',   /* how many */
  IA_KEY_TEE_BROKER = 'b',   /* address */
} ia_poco_key;

enum { IA_POCO_KEY_MAX = 1 + 32 + 32 };

/* -- matching -- */
/* Sponsor pays: the requester in matchOrders, the sender in sponsorMatchOrders. ratios: of the
 * pool, per cent. */
IA_MUST bool ia_poco_match(ia_poco *p, ia_h256 *dealid, const ia_match *m, const ia_addr *sponsor,
                           const ia_u256 *stake_ratio, const ia_u256 *reward_ratio);
IA_MUST bool ia_poco_manage(ia_poco *p, ia_order_kind kind, const ia_order_op *op);

/* -- tasks -- */
IA_MUST bool ia_poco_initialize(ia_poco *p, ia_h256 *taskid, const ia_h256 *dealid,
                                const ia_u256 *idx);
IA_MUST bool ia_poco_contribute(ia_poco *p, const ia_args *a);
/* callback: the deal's callback address (zero = none), to be called by the caller afterwards. */
IA_MUST bool ia_poco_contribute_and_finalize(ia_poco *p, const ia_args *a, ia_addr *callback);
IA_MUST bool ia_poco_reveal(ia_poco *p, const ia_h256 *taskid, const ia_h256 *digest);
IA_MUST bool ia_poco_reopen(ia_poco *p, const ia_h256 *taskid);
IA_MUST bool ia_poco_finalize(ia_poco *p, const ia_args *a, ia_addr *callback);
IA_MUST bool ia_poco_claim(ia_poco *p, const ia_h256 *taskid);

/* -- structs; what does not exist is zeroed -- */
IA_MUST bool ia_poco_deal(ia_poco *p, ia_deal *out, const ia_h256 *dealid);
IA_MUST bool ia_poco_task(ia_poco *p, ia_task *out, const ia_h256 *taskid);
IA_MUST bool ia_poco_contribution(ia_poco *p, ia_contribution *out, const ia_h256 *taskid,
                                  const ia_addr *worker);
IA_MUST bool ia_poco_category(ia_poco *p, ia_category *out, const ia_u256 *index, bool *there);
IA_MUST bool ia_poco_category_add(ia_poco *p, const ia_category *c, ia_u256 *index);

/* -- money -- */
IA_MUST bool ia_poco_account(ia_poco *p, ia_account *out, const ia_addr *who);
IA_MUST bool ia_poco_lock(ia_poco *p, const ia_addr *who, const ia_u256 *amount);
IA_MUST bool ia_poco_unlock(ia_poco *p, const ia_addr *who, const ia_u256 *amount);
IA_MUST bool ia_poco_reward(ia_poco *p, const ia_addr *who, const ia_u256 *amount,
                            const ia_h256 *ref);
IA_MUST bool ia_poco_seize(ia_poco *p, const ia_addr *who, const ia_u256 *amount,
                           const ia_h256 *ref);
IA_MUST bool ia_poco_mint(ia_poco *p, const ia_addr *who, const ia_u256 *amount);
IA_MUST bool ia_poco_burn(ia_poco *p, const ia_addr *who, const ia_u256 *amount);
/* ERC-20 of the deposits; the sender is p->sender unless named. */
IA_MUST bool ia_poco_transfer(ia_poco *p, const ia_addr *from, const ia_addr *to,
                              const ia_u256 *amount);
IA_MUST bool ia_poco_transfer_from(ia_poco *p, const ia_addr *from, const ia_addr *to,
                                   const ia_u256 *amount);
IA_MUST bool ia_poco_approve(ia_poco *p, const ia_addr *spender, const ia_u256 *amount);
/* up: add to the allowance, else take from it. */
IA_MUST bool ia_poco_change_allowance(ia_poco *p, const ia_addr *spender, const ia_u256 *amount,
                                      bool up);

/* -- numbers and addresses under a key (missing = zero) -- */
IA_MUST bool ia_poco_get_u256(ia_poco *p, ia_u256 *out, ia_poco_key tag, ia_span a, ia_span b);
IA_MUST bool ia_poco_put_u256(ia_poco *p, ia_poco_key tag, ia_span a, ia_span b, const ia_u256 *v);
IA_MUST bool ia_poco_get_addr(ia_poco *p, ia_addr *out, ia_poco_key tag, ia_span a);
IA_MUST bool ia_poco_put_addr(ia_poco *p, ia_poco_key tag, ia_span a, const ia_addr *v);

#endif
