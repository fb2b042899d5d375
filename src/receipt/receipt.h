/* Receipts (docs/receipts.md): one JSON file {run, release, settlement, orders, assets, evidence}
 * whose parts prove themselves. Built by the scheduler, verified by anyone, offline. */
#ifndef IA_RECEIPT_RECEIPT_H
#define IA_RECEIPT_RECEIPT_H

#include <jansson.h>

#include "data/stream.h"
#include "receipt/trust.h"

enum { IA_RECEIPT_MAX = 4 << 20 };

/* Borrowed parts; NULL where a task never got that far (then only settlement is there).
 *  run       DSSE envelope (run.h)
 *  release   {"record":text,"recordSig","enc","itemsHash","sig","certificate":{"tee","taskId",
 *            "worker","enclaveAddress","evidenceHash","expires","sig"}}; other members are dropped
 *  settlement {"text","sig"} (settlement.h)
 *  orders    {"app":{..,"sign"},"dataset":{..}|null,"workerpool":{..},"request":{..}}; of a bulk
 *            task also "slice":[{..,"sign"}|null]: null where the record says refused
 *  assets    {"app":{"owner","name","type","multiaddr","checksum","mrenclave"},
 *            "datasets":[{"address","owner","name","multiaddr","checksum"}]}; owner = first owner,
 *            multiaddr and mrenclave 0x hex; of a refused one of a slice {"address","checksum"}
 * alone evidence  {"quote","eventLog","aux","collateral"} base64 */
typedef struct ia_receipt_parts {
  const json_t *run, *release, *settlement, *orders, *assets, *evidence;
} ia_receipt_parts;

/* Appends the JSON text. TOO_LARGE beyond IA_RECEIPT_MAX. */
IA_MUST bool ia_receipt_build(ia_buf *out, const ia_receipt_parts *parts, ia_err *e);

typedef enum ia_check_state { IA_CHECK_PASS, IA_CHECK_FAIL, IA_CHECK_NOTE } ia_check_state;

typedef struct ia_check {
  ia_check_state state; /* NOTE: said, and neither proven nor wrong */
  ia_code code;         /* of a failure */
  const char *name;     /* "release-record", from a fixed list */
  char text[256];       /* a sentence */
} ia_check;

typedef struct ia_verdict {
  ia_check check[176]; /* room for a slice */
  size_t n;
  char unproven[176][256]; /* sentences: what this receipt does not prove */
  size_t n_unproven;
  bool ok;        /* no check failed */
  ia_code code;   /* the first failure */
  bool simulated; /* to be said to people */
  /* what was verified, for programs; valid where ok */
  ia_h256 task_id;
  ia_h256 result_sha256; /* zero: none */
  char result_cid[96];
  bool result_encrypted;
  uint64_t chain_id;
  ia_addr hub;
  ia_h256 tx; /* hash of the settling transaction; zero: nothing was settled */
  uint64_t block_number;
  ia_h256 block_hash;
  ia_h256 result_digest; /* PoCo; of a sealed result blinded (data/result.h) */
  ia_h256 manifest_hash;
  char cause[48]; /* of a failure, as the pool gives it */
  bool completed; /* false: a receipt of a failure */
} ia_verdict;

/* result: the file as downloaded, or NULL. Always fills the verdict; false only when the file is no
 * receipt at all (PARSE, RECEIPT_FIELD). Pure: no I/O but reading the result blob. */
IA_MUST bool ia_receipt_verify(ia_verdict *out, ia_span receipt, const ia_blob *result,
                               const ia_trust *trust, ia_err *e);

/* {"verdict":"proven"|"not proven","code"?,"simulated","completed","taskId","checks":[{"name","ok",
 * "text","note"?}],"notProven":[text]}; new reference. */
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
