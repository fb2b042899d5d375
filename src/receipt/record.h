/* The release record: what the SMS writes durably and signs before it lets a key go. Canonical JSON
 * text, Ed25519 by smsKey over LP("iapp-release-record/v3") || LP(text) (tee/release.h:
 * ia_text_sign with IA_RECORD_LABEL). */
#ifndef IA_RECEIPT_RECORD_H
#define IA_RECEIPT_RECORD_H

#include "base/buf.h"
#include "base/types.h"
#include "poco/orders.h"
#include "tee/domain.h"

#define IA_RECORD_LABEL "release-record/v3"

enum { IA_RECORD_VERSION = 3 }; /* the member "v" of the text; version 1 had none */
enum { IA_RECORD_DATASETS_MAX = 128, IA_RECORD_BY_LEDGER_MAX = 512, IA_RECORD_WORD = 64 };

typedef struct ia_record_dataset {
  ia_addr address;
  ia_addr owner; /* proven by the SMS; signed the order */
  ia_h256 order_hash;
  ia_order_signing signing;
  ia_h256 policy_hash; /* zero: no policy document */
  uint64_t epoch;      /* version of that document; 0 = none */
  ia_h256 terms_hash;  /* terms of the grant; zero: none are stated for this order */
  uint64_t terms_version;
} ia_record_dataset;

/* A dataset of a slice whose key stayed where it was. */
typedef struct ia_record_refused {
  uint64_t index;     /* in the slice, from 1 */
  ia_addr address;    /* zero: the slice holds no order there */
  ia_h256 order_hash; /* zero likewise */
  char code[24];
  char reason[128];
} ia_record_refused;

typedef struct ia_record {
  char tee[8];
  ia_domain domain;
  bool remote_simulation; /* the SMS takes simulated evidence from other machines */
  uint64_t time;          /* Unix seconds, the SMS's clock */
  uint64_t seq;
  ia_h256 nonce;
  ia_h512 report_data;
  ia_h256 evidence_hash;
  ia_h256 collateral_hash; /* SHA-256 of the collateral; of "" in the simulated domain */
  ia_h256 task_id;
  ia_addr worker;
  uint64_t fencing;
  uint64_t attempt; /* 1, 2, 3 */
  ia_addr enclave;
  ia_h256 desc_hash;
  ia_addr app_owner;           /* proven by the SMS; signed the app order */
  ia_addr pool_owner;          /* signed the workerpool order and the lease */
  bool pool_proven;            /* by the pool's address; else the ledger said who owns it */
  ia_h256 order_hash[4];       /* app, dataset (zero: none or bulk), workerpool, request */
  ia_order_signing signing[4]; /* likewise; of the dataset it stands in `datasets` */
  ia_record_dataset *datasets; /* whose keys left, in slice order; owned */
  size_t n_datasets;
  ia_record_refused *refused; /* by index; owned. The member is there when there are any */
  size_t n_refused;
  ia_h256 task_hash;                 /* SHA-256 of the item `task` */
  ia_h256 result_key_hash;           /* SHA-256 of its resultKey (PEM text); zero: none */
  char (*by_ledger)[IA_RECORD_WORD]; /* what was taken on the ledger's word; owned */
  size_t n_by_ledger;
} ia_record;

void ia_record_free(ia_record *r);
IA_DEFINE_AUTO_VALUE(ia_record, ia_record_free)

/* Appends the canonical text. */
IA_MUST bool ia_record_text(ia_buf *out, const ia_record *r, ia_err *e);
/* Strict: every member, no other, and the text is canonical. */
IA_MUST bool ia_record_parse(ia_record *out, ia_span text, ia_err *e);

#endif
