/* May this task get its keys? Every check of docs/release.md 4 but nonce and evidence, in its
 * order, as a pure function over gathered facts: the SMS runs it before a release, `iapp why` runs
 * it for people. What the ledger says is used only where a signature or an address proves it; the
 * rest is listed in by_ledger. */
#ifndef IA_POLICY_RELEASE_H
#define IA_POLICY_RELEASE_H

#include "poco/bulk.h"
#include "poco/match.h"
#include "poco/orders.h"
#include "poco/params.h"
#include "policy/policy.h"
#include "tee/descriptor.h"
#include "tee/release.h"

enum {
  /* Releases of one task: it ends after so many runs in which the app failed by its own fault, as
   * its enclave stated. Whatever the reason, so many at once, and then one more every so many
   * seconds: who hides such a statement gains no more. */
  IA_RELEASE_FAILURES_MAX = 3,
  IA_RELEASE_BURST = 3,
  IA_RELEASE_REFILL_S = 30,
  IA_TRANSFERS_MAX = 1024, /* of an asset */
  /* bytes that a receipt can prove: of each text of an asset, of each signature */
  IA_PROVABLE_TEXT_MAX = 2048,
  IA_PROVABLE_SIGN_MAX = 1024,
};

/* What the SMS was configured with: never taken from the ledger. */
typedef struct ia_release_pins {
  ia_domain domain;
  uint64_t chain_id;
  ia_addr hub;
  ia_addr registry[IA_ASSET_KINDS];
  ia_h256 proxy_code_hash;
  ia_h256 sms_key;
  const ia_poco_rules *rules;
  uint64_t depth; /* blocks that must lie above the match */
} ia_release_pins;

/* A transfer of an asset as the ledger shows it. Borrowed. */
typedef struct ia_transfer_fact {
  ia_addr from, to; /* the ledger's word */
  ia_span raw;      /* the signed transaction; empty = the ledger does not give it */
} ia_transfer_fact;

/* A "transfer" message of an owner to the SMS: {"to":"0x.."}. */
typedef struct ia_transfer_message {
  uint64_t version;
  uint64_t moves; /* transfers that the ledger showed when it was taken */
  ia_addr to;
  ia_span body;
  uint8_t sig[65];
} ia_transfer_message;

/* An app or a dataset. Spans and lists are borrowed. */
typedef struct ia_asset_facts {
  bool has;
  ia_app_info app;                   /* app; owner is ignored */
  ia_dataset_info dataset;           /* dataset; owner is ignored */
  ia_addr first_owner;               /* as claimed: the address proves it */
  ia_addr ledger_owner;              /* of now, by the ledger's word: it can but refuse */
  const ia_transfer_fact *transfers; /* oldest first */
  size_t n_transfers;
  const ia_transfer_message *messages; /* in the order in which they were taken */
  size_t n_messages;
} ia_asset_facts;

/* One entry of the slice of a bulk task. Borrowed. */
typedef struct ia_slice_facts {
  ia_code broken;         /* why it cannot be judged: no order (PARSE), or one that ends nowhere */
  ia_dataset_order order; /* zeroed when there is none */
  ia_asset_facts asset;
  ia_span presign; /* as below */
} ia_slice_facts;

/* Everything that was looked up. What is missing has a flag. */
typedef struct ia_release_facts {
  const ia_release_pins *pins;
  uint64_t now; /* the SMS's clock, Unix seconds */
  bool planned; /* no deal yet: would these orders get the keys? Skips lease, task and deal */
  bool has_lease;
  ia_lease lease;
  ia_h256 task_id;
  bool has_task;
  ia_task task;
  bool has_deal;
  ia_deal deal;
  uint64_t ledger_time; /* of the head */
  uint64_t head;        /* block numbers */
  uint64_t match_block;
  bool has_match;
  ia_match match;
  ia_asset_facts asset[IA_ASSET_KINDS]; /* workerpool: not used */
  ia_addr pool_owner;                   /* the ledger's word; no key depends on it */
  bool has_pool;                        /* the ledger shows the next */
  ia_workerpool_info pool;              /* owner is ignored */
  const ia_slice_facts *slice;          /* of a bulk request: NULL = it is not here */
  size_t n_slice;
  uint64_t slice_index;            /* when planned: of which task; else the task says */
  ia_span presign[IA_ORDER_KINDS]; /* raw signed manage*Order transactions; empty = none */
  const ia_poco_view *ledger;      /* has_purpose, erc1271, categories: its word. consumed:
                                      only when planned, and to refuse bulk */
  /* Has this account signed something for this SMS by key? Then it is no contract, whatever the
   * ledger says. NULL: of nobody is anything known. */
  bool (*signed_here)(void *ctx, const ia_addr *account, bool *yes, ia_err *e);
  void *signed_ctx;
} ia_release_facts;

typedef enum ia_secret_kind {
  IA_SECRET_DATASET,   /* key of a dataset ("web3"), base64 text */
  IA_SECRET_APP,       /* of an app's developer, index "1" */
  IA_SECRET_REQUESTER, /* by name */
  IA_SECRET_WEB2,      /* by name: result keys */
} ia_secret_kind;

/* The SMS's own memory, asked in the transaction that writes the release. False = cannot be told.
 */
/* What became of the releases of a task so far. */
typedef struct ia_release_past {
  uint64_t n;
  uint64_t failed; /* of those: runs in which the app failed by its own fault */
  uint64_t used;   /* ia_release_pace_add of each, in their order; 0 = none */
} ia_release_past;
/* The limit that time refills, as one number: until when it is used up. */
uint64_t ia_release_pace_add(uint64_t used, uint64_t time);
/* Seconds until the next release; 0 = now. */
uint64_t ia_release_pace_wait(uint64_t used, uint64_t now);

typedef struct ia_release_memory {
  void *ctx;
  /* highest fencing number seen for the task and whose it was */
  bool (*fencing)(void *ctx, const ia_h256 *task, bool *has, uint64_t *highest, ia_addr *worker,
                  ia_err *e);
  bool (*rolled_back)(void *ctx, bool *stop, ia_err *e);
  bool (*releases)(void *ctx, const ia_h256 *task, ia_release_past *past, ia_err *e);
  /* other tasks that got a key on this order */
  bool (*order_tasks)(void *ctx, const ia_h256 *order, const ia_h256 *task, uint64_t *n, ia_err *e);
  /* a final CLOSE was seen before the deal was */
  bool (*closed)(void *ctx, const ia_h256 *order, const ia_h256 *deal, bool *barred, ia_err *e);
  /* by this owner: what others said of the object binds nobody */
  bool (*revoked)(void *ctx, const ia_addr *object, const ia_addr *owner, const ia_h256 *order,
                  bool *barred, ia_err *e);
  /* of this owner; has = false: she stated none. hash: SHA-256 of the text. */
  bool (*policy)(void *ctx, const ia_addr *dataset, const ia_addr *owner, bool *has, ia_policy *p,
                 ia_h256 *hash, uint64_t *epoch, ia_err *e);
  /* of this owner, about this very order; has = false: she stated none. hash: SHA-256 of the text.
   */
  bool (*terms)(void *ctx, const ia_addr *dataset, const ia_addr *owner, const ia_h256 *order,
                bool *has, ia_terms *t, ia_h256 *hash, uint64_t *version, ia_err *e);
  bool (*dataset_tasks)(void *ctx, const ia_addr *dataset, const ia_h256 *task, uint64_t now,
                        uint64_t *total, uint64_t *today, ia_err *e);
  bool (*secret)(void *ctx, ia_secret_kind kind, const ia_addr *of, const char *name, bool *has,
                 ia_addr *pusher, ia_err *e);
  /* the result key in force when this deal was first seen: RESULT_KEY_INVALID is for the caller */
  bool (*result_key)(void *ctx, const ia_addr *of, const ia_h256 *deal, bool *has, ia_buf *pem,
                     ia_err *e);
} ia_release_memory;

enum { IA_BY_LEDGER_MAX = 512 };

/* Which of an owner's messages apply to a release of her data: what the record states. Hashes are
 * SHA-256 of the bodies, zero where there is none. */
typedef struct ia_applied {
  bool has_policy; /* of the dataset as a whole */
  ia_h256 policy_hash;
  uint64_t policy_epoch; /* version of the message */
  bool has_terms;        /* of the grant */
  ia_h256 terms_hash;
  uint64_t terms_version;
} ia_applied;

/* What became of one dataset of a slice. */
typedef struct ia_slice_item {
  ia_addr dataset;  /* zero: the slice holds no order here */
  ia_h256 checksum; /* as the ledger shows it; proven when code is IA_OK */
  ia_h256 order_hash;
  ia_addr owner;
  ia_order_signing signing; /* of the order; when code is IA_OK */
  ia_span multiaddr;
  size_t n_by_ledger; /* facts about this run of it that are the ledger's word */
  ia_applied applied;
  ia_code code; /* IA_OK: its key leaves */
  char reason[128];
  char detail[128]; /* for its owner's log, where that may say more; "" = reason */
} ia_slice_item;

/* What follows from the facts once they are proven. */
typedef struct ia_release_plan {
  ia_h256 order_hash[IA_ORDER_KINDS];
  ia_h256 deal_id; /* zero when planned */
  uint32_t task_index;
  uint64_t bot_first, bot_size;
  ia_addr owner[IA_ASSET_KINDS];            /* proven; of the pool: the ledger's word */
  bool pool_proven;                         /* but the pool's address proves it too */
  ia_order_signing signing[IA_ORDER_KINDS]; /* how each owner stands behind her order */
  bool has_dataset;
  ia_params params;
  const char *purpose; /* in params */
  bool callback;
  bool encrypt;
  ia_addr beneficiary; /* the requester when the order names none */
  bool app_secret;     /* it is there and its owner signed the app order */
  bool has_result_key;
  ia_buf result_key;                    /* PEM */
  bool logs_clear;                      /* every dataset's owner lets logs out in clear */
  ia_applied applied;                   /* to the dataset */
  uint64_t attempt;                     /* from 1 */
  char by_ledger[IA_BY_LEDGER_MAX][64]; /* "erc1271:0x<account>", "whitelist:0x<group>" */
  size_t n_by_ledger;
  bool bulk;            /* the data are those of slice; has_dataset is false then */
  ia_slice_item *slice; /* owned */
  size_t n_slice;
} ia_release_plan;

void ia_release_plan_free(ia_release_plan *p);
IA_DEFINE_AUTO_VALUE(ia_release_plan, ia_release_plan_free)

/* Steps 1 to 7 and 9: what the facts prove. False with refusing lines in v. */
bool ia_release_prove(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f);
/* What of steps 1 and 3 hangs on time, again: f->now and f->ledger_time are those of the moment in
 * which the decision is written down. */
bool ia_release_in_time(ia_ruling *v, const ia_release_facts *f);
/* The fencing of step 1, 8 and 10 over the SMS's memory, after ia_release_prove on the same facts.
 */
bool ia_release_admit(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                      const ia_release_memory *m);
/* Step 12, after evidence was judged. */
bool ia_release_secrets(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                        const ia_release_memory *m);
/* The three, for who wants to know without evidence. */
bool ia_release_decide(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                       const ia_release_memory *m);

/* What an owner asks beforehand (`iapp policy test`): would a run of this app by this user on this
 * grant of hers get the key? f: pins, ledger, planned, now (the time that is asked about),
 * match.app.app, match.request.requester, match.dataset.dataset, asset[IA_ASSET_DATASET], and
 * slice: the one grant, or nothing where none fits. plan: purpose, encrypt, callback. Nothing is
 * used up. A line for each rule; false: an error of a look-up stands in e. */
IA_MUST bool ia_trial_prove(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                            ia_err *e);
/* Over the SMS's memory, after ia_trial_prove. */
IA_MUST bool ia_trial_admit(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                            const ia_release_memory *m, ia_err *e);

/* The lease alone (step 1), for the challenge: signed by the pool's owner, in force, for the task;
 * LEASE_INVALID. Then the fencing rule over memory; LEASE_FENCED. */
IA_MUST bool ia_lease_check(const ia_lease *l, ia_domain d, const ia_h256 *task,
                            const ia_addr *pool_owner, uint64_t now, ia_err *e);
/* Whether it is in force: LEASE_INVALID. */
IA_MUST bool ia_lease_in_time(const ia_lease *l, uint64_t now, ia_err *e);
IA_MUST bool ia_lease_fencing(const ia_lease *l, const ia_release_memory *m, ia_err *e);

/* Inputs of the proven task in their order, for inputsHash; `in` has room for
 * IA_BULK_DATASETS_MAX. Of a slice all of them, the refused ones too. */
size_t ia_release_inputs(ia_task_input *in, const ia_release_plan *plan, const ia_release_facts *f);

/* D of the proven task. */
IA_MUST bool ia_release_descriptor(ia_descriptor *d, const ia_release_plan *plan,
                                   const ia_release_facts *f, const char *tee, ia_err *e);

/* The proven owner of an asset: OWNER_UNPROVEN when the chain from its first owner breaks, or does
 * not end at the owner whom the ledger shows; *owner is then the last one that is proven. The
 * address is proven before: ASSET_MISMATCH, and *owner is zero. */
IA_MUST bool ia_asset_prove(ia_addr *owner, const ia_release_pins *pins, ia_asset_kind kind,
                            const ia_addr *address, const ia_asset_facts *f, ia_err *e);

#endif
