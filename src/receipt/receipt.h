/* Receipts (docs/receipts.md): one JSON file {run, release, settlement, orders, assets, evidence},
 * or {settlement, workerpool?}, whose parts prove themselves. Built by the scheduler, verified by
 * anyone, offline. */
#ifndef IA_RECEIPT_RECEIPT_H
#define IA_RECEIPT_RECEIPT_H

#include <jansson.h>

#include "data/stream.h"
#include "receipt/trust.h"

enum { IA_RECEIPT_MAX = 4 << 20 };

/* Borrowed parts; NULL where a task never got that far (then settlement is there, and workerpool
 * where the address of the pool is derived from its fields).
 *  run       DSSE envelope (run.h)
 *  release   {"record":text,"recordSig","enc","itemsHash","sig","certificate":{"tee","taskId",
 *            "worker","enclaveAddress","evidenceHash","expires","sig"}}; other members are dropped
 *  settlement {"text","sig"} (settlement.h)
 *  orders    {"app":{..,"sign"},"dataset":{..}|null,"workerpool":{..},"request":{..}}; of a bulk
 *            task also "slice":[{..,"sign"}|null]: null where the record says refused
 *  assets    {"app":{"owner","name","type","multiaddr","checksum","mrenclave"},
 *            "datasets":[{"address","owner","name","multiaddr","checksum"}]}; owner = first owner,
 *            multiaddr and mrenclave 0x hex; of a refused one of a slice {"address","checksum"}
 * alone evidence  {"quote","eventLog","aux","collateral"} base64
 *  workerpool {"address","owner","description"}; owner = first owner, description 0x hex */
typedef struct ia_receipt_parts {
  const json_t *run, *release, *settlement, *orders, *assets, *evidence, *workerpool;
} ia_receipt_parts;

/* Appends the JSON text. TOO_LARGE beyond IA_RECEIPT_MAX. */
IA_MUST bool ia_receipt_build(ia_buf *out, const ia_receipt_parts *parts, ia_err *e);

typedef enum ia_check_state {
  IA_CHECK_PASS,
  IA_CHECK_FAIL,    /* something contradicts, or is not signed as it must be */
  IA_CHECK_MISSING, /* nothing contradicts, but no anchor of the user's own proves it */
  IA_CHECK_NOTE,    /* said, and neither proven nor wrong */
} ia_check_state;

typedef struct ia_check {
  ia_check_state state;
  ia_code code;     /* of what failed or is missing */
  const char *name; /* "release-record", from a fixed list */
  char text[256];   /* a sentence */
} ia_check;

typedef enum ia_outcome {
  IA_REFUSED,    /* some check failed */
  IA_NOT_PROVEN, /* none failed, but an anchor is missing */
  IA_PROVEN,
} ia_outcome;

typedef struct ia_verdict {
  ia_check check[176]; /* room for a slice */
  size_t n;
  char unproven[176][256]; /* sentences: what this receipt does not prove */
  size_t n_unproven;
  ia_outcome outcome;
  ia_code code;      /* of the first failure, else of the first thing that is missing */
  bool simulated;    /* to be said to people: no trust entry says that this is hardware */
  bool domain_known; /* a trust entry says that it is simulated, or not */
  /* what was verified, for programs; valid where PROVEN */
  ia_h256 task_id;
  ia_h256 result_sha256; /* zero: none */
  char result_cid[96];
  bool result_encrypted;
  bool has_ledger; /* the next two, from the trust file: where the receipt claims to be settled */
  uint64_t chain_id;
  ia_addr hub;
  ia_addr pool; /* of a settlement alone: its workerpool; zero: not known */
  ia_h256 tx;   /* hash of the settling transaction; zero: nothing was settled */
  uint64_t block_number;
  ia_h256 block_hash;
  ia_h256 result_digest; /* PoCo; of a sealed result blinded (data/result.h) */
  ia_h256 manifest_hash;
  char cause[48]; /* of a failure, as the pool gives it */
  bool completed; /* PROVEN, and not a receipt of a failure */
  bool alone;     /* a settlement without a run */
} ia_verdict;

/* result: the file as downloaded, or NULL. Always fills the verdict, also of what is no receipt at
 * all; false only when memory runs out. Pure: no I/O but reading the result blob. */
IA_MUST bool ia_receipt_verify(ia_verdict *out, ia_span receipt, const ia_blob *result,
                               const ia_trust *trust, ia_err *e);

/* Adds a check, and what follows from it for the outcome. */
void ia_verdict_add(ia_verdict *v, const char *name, ia_check_state state, ia_code code,
                    const char *fmt, ...) IA_PRINTF(5, 6);
/* Adds a sentence to what the receipt does not prove. */
void ia_verdict_unproven(ia_verdict *v, const char *fmt, ...) IA_PRINTF(2, 3);
/* The check that decided a verdict that is not PROVEN; NULL: none. */
const ia_check *ia_verdict_reason(const ia_verdict *v);
/* "proven", "not proven", "refused". */
const char *ia_outcome_name(ia_outcome o);

/* {"verdict":"proven"|"not proven"|"refused","code"?,"simulated","completed","taskId",
 * "checks":[{"name","ok","text","code"?,"missing"?,"note"?}],"notProven":[text]}; new reference. */
json_t *ia_verdict_json(const ia_verdict *v, ia_err *e);

/* Every field of a receipt and what covers it; `name` is the check that fails when it is changed.
 */
typedef struct ia_cover {
  const char *path; /* "release.record.nonce"; [] for members of lists */
  const char *check;
  const char *how;
} ia_cover;
extern const ia_cover ia_receipt_covers[];
extern const size_t ia_receipt_n_covers;

#endif
