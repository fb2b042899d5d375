/* Running calls: contracts at addresses are tables of methods over the state. Every contract is one
 * file; an interpreter for bytecode would be one more. */
#ifndef IA_SERVICE_LEDGER_VM_H
#define IA_SERVICE_LEDGER_VM_H

#include "poco/state.h"
#include "service/ledger/kv.h"

enum { IA_WORLD_POOLS = 2, IA_WORLD_GROUPS = 2 };

/* What genesis fixes; constant while the ledger runs. */
typedef struct ia_world {
  unsigned version;     /* of genesis: 2, or 1 of older ledgers */
  const char *metadata; /* URL below which the metadata of entries are served; NULL = nowhere */
  uint64_t chain_id;
  const ia_poco_rules *rules;
  ia_h256 seed;
  ia_h256 separator;
  ia_addr hub;
  ia_addr token;
  ia_addr registry[IA_ASSET_KINDS];
  ia_addr master[IA_ASSET_KINDS]; /* what registries answer to master() */
  ia_addr dataprotector;
  ia_addr group_factory;
  ia_addr wallet_factory;
  ia_addr pool_owner;
  ia_addr pool[IA_WORLD_POOLS]; /* built into the packages: [0] dataprotector, [1] web3mail */
  size_t n_pools;
  ia_addr group[IA_WORLD_GROUPS]; /* [0] web3mail, [1] web3telegram */
  size_t n_groups;
  ia_h256 proxy_code_hash;
  bool dev_accounts; /* hold coins from the start */
} ia_world;

typedef struct ia_lvm {
  const ia_world *world;
  ia_kv *kv;
  uint64_t now;    /* of the block */
  uint64_t number; /* of the block */
  ia_revert why;   /* after a call that returned false */
  ia_buf logs;     /* as ia_block_put_log writes them */
  uint32_t n_logs;
  ia_buf scratch;      /* bytes that a result is made of, until the next reset */
  ia_poco_store store; /* the same state, for the rules of PoCo */
  ia_poco_view view;
} ia_lvm;

/* One call that runs. */
typedef struct ia_frame {
  ia_lvm *vm;
  ia_addr self;
  ia_addr sender;
  ia_span input; /* call data with its selector */
  ia_poco poco;  /* of the hub's frames */
} ia_frame;

/* in: decoded arguments; out: zeroed, to be filled with the result. False after ia_no. */
typedef bool ia_method_fn(ia_frame *f, const ia_call_value *in, ia_call_value *out);

typedef struct ia_method {
  ia_call_id id;
  ia_method_fn *run;
} ia_method;

typedef struct ia_methods {
  const ia_method *rows;
  size_t n;
} ia_methods;

typedef struct ia_contract {
  const char *name;
  const ia_methods *const *parts; /* several tables, so that a big contract may be several files */
  size_t n_parts;
  ia_revert_id unknown; /* a selector that no table has */
  ia_span code;         /* what eth_getCode answers: never empty */
  bool old_decoder;     /* under 6.1 its arguments are read by Solidity's first ABI decoder */
} ia_contract;

extern const ia_contract ia_contract_hub, ia_contract_token, ia_contract_dataprotector,
    ia_contract_group, ia_contract_group_factory, ia_contract_wallet, ia_contract_wallet_factory,
    ia_contract_registry[IA_ASSET_KINDS], ia_contract_entry[IA_ASSET_KINDS],
    ia_contract_master[IA_ASSET_KINDS];
/* Arguments that are no clean ABI encoding. True: no field that is looked at is bad, `in` holds the
 * others; else the refusal of the check that comes before the first look, or CALLDATA. */
IA_MUST bool ia_malformed(ia_frame *f, ia_call_id id, ia_call_value *in);
extern const ia_methods ia_methods_hub_poco, ia_methods_hub_views, ia_methods_hub_legacy,
    ia_methods_hub_escrow, ia_methods_hub_admin, ia_methods_nft;

void ia_lvm_init(ia_lvm *vm, const ia_world *world, ia_kv *kv);
void ia_lvm_free(ia_lvm *vm);
/* Forgets events and refusal of the last call. */
void ia_lvm_reset(ia_lvm *vm, uint64_t now, uint64_t number);
/* NULL when no contract is there. False when the state cannot be read. */
IA_MUST bool ia_lvm_contract_at(ia_lvm *vm, const ia_contract **out, const ia_addr *at);
/* Runs call data; an address without contract accepts anything and answers nothing. The result is
 * appended to `out`. False: vm->why; nothing is undone. */
IA_MUST bool ia_lvm_call(ia_lvm *vm, const ia_addr *to, const ia_addr *from, ia_span data,
                         ia_buf *out);

/* Whether the contract has the function that the call data asks for. */
bool ia_contract_has(const ia_contract *c, ia_span data);

/* -- for contracts -- */
bool ia_no(ia_frame *f, ia_revert_id id);                              /* always false */
IA_MUST bool ia_emit(ia_frame *f, ia_event_id id, const ia_event *ev); /* by f->self */
/* A call to another contract as f->self. */
IA_MUST bool ia_call_as_self(ia_frame *f, const ia_addr *to, ia_call_id id, const void *args,
                             void *result);
/* Copies bytes to where a result may borrow them; once in a call. */
IA_MUST bool ia_lvm_scratch(ia_lvm *vm, ia_span bytes, ia_span *kept);
/* Result of a PoCo rule: hands its refusal on. */
IA_MUST bool ia_ruled(ia_frame *f, bool ok);

/* First byte of the keys that are not PoCo's (poco/state.h). */
typedef enum ia_world_key {
  IA_WKEY_NONCE = 'n',          /* address: u256 */
  IA_WKEY_COINS = 'c',          /* address: u256 wei */
  IA_WKEY_ENTRY = 'e',          /* address: u8 kind, ABI of the initialiser's arguments */
  IA_WKEY_POLICY = 'y',         /* pool address: two u256 */
  IA_WKEY_OWNED = 'o',          /* registry entry: owner's address */
  IA_WKEY_OWNED_AT = 'i',       /* registry, owner, index: entry */
  IA_WKEY_OWNED_INDEX = 'j',    /* entry: its index in the owner's list */
  IA_WKEY_OWNED_COUNT = 'N',    /* registry, owner: how many */
  IA_WKEY_ALL_AT = 'I',         /* registry, index: entry */
  IA_WKEY_ALL_COUNT = 'J',      /* registry: how many */
  IA_WKEY_APPROVED = 'a',       /* entry: address */
  IA_WKEY_OPERATOR = 'p',       /* registry, owner, operator: 1 */
  IA_WKEY_BASE_URI = 'u',       /* registry: text */
  IA_WKEY_CONTRACT_OWNER = 'O', /* hub, registry, group or wallet: address */
  IA_WKEY_CALLBACK_GAS = 'q',
  IA_WKEY_RLC = 'R',           /* address: u256 */
  IA_WKEY_RLC_ALLOWANCE = 'r', /* owner, spender: u256 */
  IA_WKEY_RLC_SUPPLY = 's',
  IA_WKEY_GROUP = 'w',      /* group, key, purpose: type */
  IA_WKEY_GROUP_MADE = 'm', /* group that the factory made: 1 */
  IA_WKEY_WALLET = 'x',     /* wallet that the factory made: 1 */
  IA_WKEY_CALLBACK = 'v'    /* target, task id: what receiveResult was given */
} ia_world_key;

IA_MUST bool ia_lvm_get(ia_lvm *vm, ia_span *out, ia_world_key tag, ia_span a, ia_span b);
IA_MUST bool ia_lvm_put(ia_lvm *vm, ia_world_key tag, ia_span a, ia_span b, ia_span value);
IA_MUST bool ia_lvm_get_u256(ia_lvm *vm, ia_u256 *out, ia_world_key tag, ia_span a, ia_span b);
IA_MUST bool ia_lvm_put_u256(ia_lvm *vm, ia_world_key tag, ia_span a, ia_span b, const ia_u256 *v);
IA_MUST bool ia_lvm_get_addr(ia_lvm *vm, ia_addr *out, ia_world_key tag, ia_span a, ia_span b);
IA_MUST bool ia_lvm_put_addr(ia_lvm *vm, ia_world_key tag, ia_span a, ia_span b, const ia_addr *v);
#define IA_NO_SPAN ia_span_of(NULL, 0)

/* Owner of a contract by the key IA_WKEY_CONTRACT_OWNER; the three methods of ERC-173. */
IA_MUST bool ia_contract_owner(ia_frame *f, ia_addr *owner);
IA_MUST bool ia_only_owner(ia_frame *f, ia_revert_id id);
/* metadata.c; of the registry that f runs */
IA_MUST bool ia_registry_base(ia_frame *f, ia_buf *out);
IA_MUST bool ia_registry_set_base(ia_frame *f, ia_span text);

ia_method_fn ia_method_owner, ia_method_transfer_ownership, ia_method_renounce_ownership;
IA_MUST bool ia_set_contract_owner(ia_frame *f, const ia_addr *owner);

/* -- registries and entries, used by the hub and by genesis -- */
/* Owner of an entry; has false when it is none. */
IA_MUST bool ia_entry_owner(ia_lvm *vm, const ia_addr *entry, bool *has, ia_addr *owner,
                            ia_asset_kind *kind);
/* Fields of an entry of that kind (the initialiser's arguments); false with NO_OWNER when there is
 * no such entry. */
IA_MUST bool ia_entry_fields(ia_lvm *vm, ia_args *out, const ia_addr *entry, ia_asset_kind kind);
IA_MUST bool ia_pool_policy(ia_lvm *vm, const ia_addr *pool, ia_u256 *stake, ia_u256 *reward);
/* Makes an entry at that address and emits the registry's Transfer. */
IA_MUST bool ia_entry_create(ia_frame *registry, ia_asset_kind kind, const ia_addr *at,
                             const ia_addr *owner, ia_span fields);
IA_MUST bool ia_nft_mint(ia_frame *registry, const ia_addr *to, const ia_addr *entry);
ia_asset_kind ia_registry_kind(const ia_frame *f);
/* Credits RLC and emits Transfer from zero. */
IA_MUST bool ia_token_mint(ia_frame *token, const ia_addr *to, const ia_u256 *nrlc);
IA_MUST bool ia_group_has(ia_lvm *vm, const ia_addr *group, const ia_h256 *key,
                          const ia_u256 *purpose, bool *has);
IA_MUST bool ia_group_add(ia_frame *group, const ia_h256 *key, const ia_u256 *purpose,
                          const ia_u256 *type);
/* Did the factory make a group there? */
IA_MUST bool ia_group_made(ia_lvm *vm, const ia_addr *at, bool *made);
IA_MUST bool ia_wallet_made(ia_lvm *vm, const ia_addr *at, bool *made);
/* ERC-1271, of a wallet that is there. */
IA_MUST bool ia_wallet_accepts(ia_lvm *vm, const ia_addr *wallet, const ia_h256 *hash, ia_span sign,
                               bool *accepts);
/* Where a factory makes a contract of that code: CREATE2 with the sender in the salt, so that
 * nobody takes another's address. */
ia_addr ia_factory_address(const ia_frame *f, const ia_h256 *salt, ia_span code);
/* A frame of that contract for genesis. */
ia_frame ia_frame_of(ia_lvm *vm, const ia_addr *self, const ia_addr *sender);

/* The creation code of every registry entry: not runnable anywhere, fixed for ever. */
extern const ia_span ia_proxy_code;

#endif
