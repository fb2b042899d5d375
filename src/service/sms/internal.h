/* Inside of the SMS. */
#ifndef IA_SERVICE_SMS_INTERNAL_H
#define IA_SERVICE_SMS_INTERNAL_H

#include <pthread.h>

#include "service/sms/facts.h"
#include "service/sms/head.h"
#include "service/sms/keys.h"
#include "service/sms/ledger.h"
#include "service/sms/push.h"
#include "service/sms/sms.h"
#include "service/sms/store.h"
#include "service/sms/vault.h"
#include "tee/answer.h"
#include "tee/hw.h"
#include "tee/sim.h"

enum {
  IA_SMS_LEDGERS = 16,        /* idle connections kept */
  IA_SMS_GATHER_MS = 10000,   /* for all that one decision asks of ledger, market and blobs */
  IA_SMS_NONCES_MAX = 16384,  /* used ones that have not expired */
  IA_SMS_BODY_MAX = 256 << 10 /* of a release request */
};

typedef struct ia_sms_nonce {
  ia_h256 nonce;
  uint64_t expires; /* Unix seconds */
  struct ia_sms_nonce *next;
} ia_sms_nonce;

/* Makes a ledger object; replaced in tests. */
typedef bool ia_sms_ledger_maker(void *ctx, ia_sms_ledger *out, const ia_release_pins *pins,
                                 ia_err *e);

struct ia_sms {
  ia_domain domain;
  ia_release_pins pins;
  ia_sms_keys keys;
  ia_sms_head head;
  ia_sms_store *store;
  ia_routes tables[4];
  ia_h384 *guests;
  size_t n_guests;
  ia_h256 *sim_roots; /* of the configuration */
  size_t n_sim_roots;
  bool remote_simulation;
  char *rpc_url, *market_url, *ipfs_url; /* NULL: none is asked */
  ia_sms_ledger_maker *make_ledger;
  void *make_ctx;
  uint64_t first_block;
  uint64_t reorg_depth;
  size_t agree; /* nodes; 0 = there is one */
  uint64_t gather_ms;
  ia_sms_push *push;

  uint8_t nonce_key[32];

  pthread_mutex_t lock; /* of what follows */
  ia_sms_ledger *idle[IA_SMS_LEDGERS];
  size_t n_idle;
  ia_sms_nonce *nonces; /* used */
  size_t n_nonces;

  pthread_mutex_t follow_lock; /* one thread follows at a time */
  bool cursor_read;
  ia_sms_block cursor; /* last block that must never change; its events are in the store */
  ia_sms_block recent; /* the one up to which events are in the store, if it still stands */
  bool recent_any;
  ia_sms_block kept; /* the one that the store remembers */
  bool kept_any;
};

/* -- sms.c -- */
/* Reads and verifies a store that was opened: the journal, and that it is the one of the head file,
 * which it opens and which follows each commit from then on. skip: looks at neither (tests). */
IA_MUST bool ia_sms_store_verified(ia_sms_store *store, ia_sms_head *head, const char *dir,
                                   const ia_sms_keys *k, bool skip, ia_err *e);
/* The same as ia_sms_open over another ledger; make NULL = JSON-RPC at the URL. */
IA_MUST bool ia_sms_open_over(ia_sms **out, const ia_sms_config *c, ia_sms_ledger_maker *make,
                              void *make_ctx, ia_err *e);
/* What is asked over it takes at most IA_SMS_GATHER_MS from here on. */
IA_MUST bool ia_sms_take_ledger(ia_sms *s, ia_sms_ledger **out, ia_err *e);
/* TIMEOUT when that time is over. */
IA_MUST bool ia_sms_in_time(const ia_sms_ledger *l, ia_err *e);
/* broken: the connection is closed, not kept. */
void ia_sms_give_ledger(ia_sms *s, ia_sms_ledger *l, bool broken);
/* Enrolled roots of the configuration and the store; the caller frees. */
IA_MUST bool ia_sms_all_roots(ia_sms *s, ia_h256 **out, size_t *n, ia_err *e);

/* -- follow.c -- */
/* Remembers what the ledger shows up to its final head; sets the stop when its past changed. */
IA_MUST bool ia_sms_catch_up(ia_sms *s, const ia_sms_ledger *l, ia_err *e);

/* -- memory.c: the SMS's memory as the decision asks it, inside a unit -- */
typedef struct ia_sms_memory {
  ia_db *db;
  const ia_sms *sms;
  uint64_t now;
} ia_sms_memory;
ia_release_memory ia_sms_memory_view(ia_sms_memory *m);
IA_MUST bool ia_sms_deal_seen(ia_db *db, const ia_h256 *deal, uint64_t now, ia_err *e);

/* -- nonce.c -- */
IA_MUST bool ia_sms_nonces_open(ia_sms *s, ia_err *e);
void ia_sms_nonces_close(ia_sms *s);
/* pool: whose lease was shown. */
IA_MUST bool ia_sms_nonce_new(ia_sms *s, ia_h256 *out, const ia_addr *pool, const ia_h256 *task,
                              const char *tee, const char *stage, uint64_t now, ia_err *e);
/* Uses it up whatever follows: NONCE_INVALID unless it is ours, in time, not used, and of this
 * task, stage, tee; NONCE_LIMIT when its pool has used more than its share. *expires: until when
 * (Unix seconds) it serves. */
IA_MUST bool ia_sms_nonce_use(ia_sms *s, const ia_h256 *nonce, const ia_h256 *task, const char *tee,
                              const char *stage, uint64_t now, uint64_t *expires, ia_err *e);

/* -- owners.c -- */
typedef struct ia_sms_owned {
  ia_addr owner;  /* when it fails as OWNER_UNPROVEN: the last one that is proven, or zero */
  uint64_t moves; /* transfers that the ledger shows */
  ia_addr seller; /* who gave it away in the last of these; zero: there is none */
} ia_sms_owned;
/* Proven owner of a dataset or app; an address that is the signer's own owns itself.
 * OWNER_UNPROVEN. */
IA_MUST bool ia_sms_object_owner(ia_sms *s, const ia_addr *object, const ia_addr *signer,
                                 ia_sms_owned *out, ia_err *e);

/* -- audit.c -- */
typedef struct ia_sms_entry {
  ia_addr object; /* zero: nobody's */
  uint64_t time;
  bool released;
  ia_code code;
  const char *message;
  ia_h256 task, deal, order_hash;
  ia_addr app, requester;
  const char *purpose;
  uint64_t release; /* seq of the record; 0 = none */
} ia_sms_entry;
IA_MUST bool ia_sms_audit_put(ia_db *db, const ia_sms_entry *x, ia_err *e);
/* The lines of a decision: of the data (or the app where there are none), and of each entry of a
 * slice. seq: number of the record when keys left. */
IA_MUST bool ia_sms_audit_release(ia_db *db, const ia_release_plan *plan, const ia_ruling *ruling,
                                  const ia_release_facts *f, uint64_t now, uint64_t seq, ia_err *e);
/* The line of an owner's message that was taken: verdict "message", its kind as the code. */
IA_MUST bool ia_sms_audit_message(ia_db *db, const ia_addr *object, const ia_addr *signer,
                                  const char *kind, uint64_t version, ia_span body, ia_err *e);
/* {"time","verdict","code","message"} of the line at this place of the journal; new reference. */
IA_MUST bool ia_sms_audit_head(ia_db *db, uint64_t at, ia_span digest, json_t **out, ia_err *e);

/* -- answer.c -- */
/* 200 with {"text","sig"}. */
IA_MUST bool ia_sms_reply_signed(const ia_sms *s, const char *label, const ia_buf *text,
                                 ia_reply *rp, ia_err *e);
/* Digits alone, within 64 bits. */
bool ia_sms_decimal(uint64_t *out, ia_span text);

/* Who signed a question, and to which key she wants the answer. */
typedef struct ia_sms_asker {
  ia_addr signer;
  ia_h256 question; /* hash of the signed message */
  ia_h256 reply_key;
} ia_sms_asker;
/* By the header `Authorization: <version>_<reply key>_<signature>`: an owner's message of this kind
 * and object, its body ia_question_body of what is asked, its version Unix milliseconds within
 * 300 s. UNAUTHORIZED. */
IA_MUST bool ia_sms_asker_read(const ia_sms *s, const ia_request *rq, const char *kind,
                               const ia_addr *object, const json_t *asked, ia_sms_asker *out,
                               ia_err *e);
/* 200 with what only the asker reads: whoever sends her question again learns nothing. */
IA_MUST bool ia_sms_reply_sealed(const ia_sms *s, const ia_sms_asker *to, const json_t *answer,
                                 ia_reply *rp, ia_err *e);

/* -- task.c -- */
/* Canonical JSON of the item `task`, and what may be said of its logs. */
IA_MUST bool ia_sms_task_text(ia_buf *out, const ia_release_plan *plan, const ia_release_facts *f,
                              const ia_h256 *desc_hash, ia_err *e);

/* -- evidence.c -- */
typedef struct ia_sms_request {
  ia_h256 nonce, task, pk;
  ia_addr enclave;
  const char *tee, *stage; /* of the JSON */
  ia_lease lease;
  ia_buf quote, event_log, aux;
} ia_sms_request;
void ia_sms_request_free(ia_sms_request *r);
IA_DEFINE_AUTO_VALUE(ia_sms_request, ia_sms_request_free)
IA_MUST bool ia_sms_request_parse(ia_sms_request *r, const json_t *v, ia_err *e);
IA_MUST bool ia_sms_lease_parse(ia_lease *l, const json_t *v, ia_err *e);

/* Step 11 for either domain: each fills its own type of evidence, and only the release of that
 * domain takes it. */
IA_MUST bool ia_sms_judge_sim(sim_evidence *out, ia_sms *s, const ia_sms_request *r,
                              const ia_descriptor *d, uint64_t now, ia_err *e);
IA_MUST bool ia_sms_judge_hw(hw_evidence *out, ia_sms *s, const ia_sms_request *r,
                             const ia_descriptor *d, ia_err *e);

/* -- routes_secrets.c; ctx is the ia_sms -- */
/* The proven owner of an app or dataset; UNAUTHORIZED where there is none. */
IA_MUST bool ia_sms_secret_owner(ia_sms *s, ia_asset_kind kind, const ia_addr *at, ia_addr *owner,
                                 ia_err *e);
/* 1 to 64 of A-Z a-z 0-9 - _ */
bool ia_sms_requester_name(ia_span key);
extern const ia_route ia_sms_secret_rows[], ia_sms_named_rows[], ia_sms_tee_rows[];
extern const size_t ia_sms_n_secret_rows, ia_sms_n_named_rows, ia_sms_n_tee_rows;

/* -- handlers -- */
ia_handler ia_sms_h_challenge, ia_sms_h_release, ia_sms_h_ended, ia_sms_h_why, ia_sms_h_message,
    ia_sms_h_log, ia_sms_h_version, ia_sms_h_limits, ia_sms_h_test;

#endif
