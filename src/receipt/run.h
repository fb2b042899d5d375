/* The run statement (docs/release.md 9): what the guest says, under the key that its evidence
 * binds, about what it ran, on which data, with what result. An in-toto v1 statement, canonical
 * JSON. */
#ifndef IA_RECEIPT_RUN_H
#define IA_RECEIPT_RUN_H

#include "receipt/dsse.h"
#include "tee/descriptor.h"

#define IA_RUN_PREDICATE "https://iapp.dev/run/v2"
/* Of results whose digests were not blinded; refused by name (UNSUPPORTED). */
#define IA_RUN_PREDICATE_V1 "https://iapp.dev/run/v1"

enum { IA_RUN_INPUTS_MAX = 256, IA_RUN_EGRESS_MAX = 64, IA_CID_TEXT = 96 };

/* Bytes that the guest uploaded. */
typedef struct ia_run_object {
  bool there;
  ia_h256 sha256; /* of the uploaded bytes */
  char cid[IA_CID_TEXT];
  uint64_t size;
  bool encrypted;
} ia_run_object;

/* One input as the guest received it: the encrypted bytes of a dataset, or a file by URL. */
typedef struct ia_run_input {
  bool is_file;
  ia_addr dataset; /* of a dataset */
  char *uri;       /* of a file; owned */
  ia_h256 sha256;
} ia_run_input;

/* A dataset of a slice whose key was released and which the enclave could not use all the same: it
 * was left out, and the app was told. */
typedef struct ia_run_failed {
  uint64_t index; /* in the slice, from 1 */
  ia_addr dataset;
  char code[24]; /* of base/codes.def */
} ia_run_failed;

typedef struct ia_run_egress {
  char *host; /* owned */
  uint64_t sent, received;
} ia_run_egress;

typedef struct ia_run {
  ia_descriptor desc; /* stage and tee point into `texts` after parsing */
  uint64_t bot_first; /* of the deal: dealId = keccak256(requestHash || botFirst) */
  ia_h256 nonce;
  ia_h256 pk_guest; /* X25519 */
  ia_h256 sms_key;
  ia_h256 task_hash;     /* SHA-256 of the item `task` */
  bool has_result;       /* the next two are meant */
  ia_h256 result_digest; /* as settled: PoCo's, blinded where the result is encrypted */
  ia_h256 manifest_hash; /* blinded there too, and where callback data are the result */
  ia_run_object result;  /* absent for callbacks and failures */
  ia_run_object logs;
  ia_run_input *inputs; /* owned */
  size_t n_inputs;
  ia_run_failed *failed; /* owned; by index */
  size_t n_failed;
  ia_run_egress *egress; /* owned */
  size_t n_egress;
  int exit_code;           /* 0 or 1 where the app's logs are not in clear: they say which */
  char cause[48];          /* "" when all is well, else a name of docs/protocol.md */
  uint64_t started, ended; /* the guest's claim; Unix seconds */
  char stage[8], tee[8];   /* what desc points at after ia_run_parse */
} ia_run;

void ia_run_free(ia_run *r);
IA_DEFINE_AUTO_VALUE(ia_run, ia_run_free)

/* Canonical text of the statement. */
IA_MUST bool ia_run_text(ia_buf *out, const ia_run *r, ia_err *e);
/* Strict: every member, no other. PARSE, RECEIPT_FIELD, UNSUPPORTED (a statement of version 1). */
IA_MUST bool ia_run_parse(ia_run *out, ia_span text, ia_err *e);
/* Signed envelope, in the guest. */
IA_MUST bool ia_run_sign(json_t **envelope, const ia_run *r, const ia_secp *secp,
                         const ia_secret *enclave_key, ia_err *e);
/* Parses the envelope; signer = the enclave's address. */
IA_MUST bool ia_run_open(ia_run *out, ia_addr *signer, const json_t *envelope, ia_err *e);

#endif
