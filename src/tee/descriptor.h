/* What an enclave commits to (docs/release.md 2): the task descriptor D and the transcript T, whose
 * SHA-512 is the report data of the quote. The SMS builds D from proven facts alone; the guest
 * builds it from hints and finds out in the released task whether they were true. */
#ifndef IA_TEE_DESCRIPTOR_H
#define IA_TEE_DESCRIPTOR_H

#include "base/types.h"
#include "tee/domain.h"

#define IA_STAGE_APP "app"
#define IA_TEE_SIM   "sim"
#define IA_TEE_TDX   "tdx"
#define IA_TEE_SNP   "snp"

/* The text whose SHA-256 is rulesHash when there is neither egress nor a limit of the owner's. */
#define IA_RULES_NONE "{\"egress\":[],\"limits\":{}}"

typedef struct ia_descriptor {
  ia_domain domain;
  uint64_t chain_id;
  ia_addr hub;
  ia_h256 deal_id;
  uint32_t task_index;
  ia_h256 task_id;
  ia_addr app;
  ia_h256 app_digest; /* the app's checksum on the ledger */
  ia_addr dataset;    /* zero: none, or bulk */
  ia_addr requester;
  ia_h256 request_hash; /* EIP-712 hash of the request order */
  ia_h256 inputs_hash;
  ia_h256 rules_hash;
  const char *stage; /* IA_STAGE_APP; borrowed */
  const char *tee;   /* IA_TEE_*; borrowed */
} ia_descriptor;

/* One protected input of a task, in slice order. */
typedef struct ia_task_input {
  ia_addr dataset;
  ia_h256 checksum;
  ia_h256 order_hash;
} ia_task_input;

IA_MUST bool ia_inputs_hash(ia_h256 *out, const ia_task_input *inputs, size_t n, ia_err *e);
/* D, and SHA-256(D). */
void ia_descriptor_put(ia_buf *out, const ia_descriptor *d);
IA_MUST bool ia_descriptor_hash(ia_h256 *out, const ia_descriptor *d, ia_err *e);

typedef struct ia_transcript {
  ia_domain domain;
  const char *tee;   /* borrowed */
  const char *stage; /* borrowed */
  ia_h256 nonce;
  ia_h256 sms_key; /* Ed25519 public key of the SMS */
  ia_h256 desc_hash;
  ia_span event_log;
  ia_h256 pk_guest; /* X25519 public key of the guest */
  ia_addr enclave;  /* address of the task's secp256k1 key: the PoCo enclave challenge */
} ia_transcript;

/* T, and SHA-512(T) = report data. */
void ia_transcript_put(ia_buf *out, const ia_transcript *t);
IA_MUST bool ia_report_data(ia_h512 *out, const ia_transcript *t, ia_err *e);

/* "tdx" and "snp" belong to hw, "sim" to sim; false for another pair. */
bool ia_tee_in_domain(const char *tee, ia_domain d);

#endif
