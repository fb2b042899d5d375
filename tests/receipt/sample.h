/* A whole task made up in memory: keys, orders, evidence, release, run, settlement; and its
 * receipt. */
#ifndef IA_TESTS_RECEIPT_SAMPLE_H
#define IA_TESTS_RECEIPT_SAMPLE_H

#include "receipt/receipt.h"
#include "receipt/record.h"
#include "receipt/run.h"
#include "receipt/settlement.h"
#include "tee/sim.h"

enum { SAMPLE_NOW = 1780272000 };

typedef enum sample_kind {
  SAMPLE_COMPLETED,
  SAMPLE_BULK,      /* a slice of two, of which the second was refused */
  SAMPLE_FAILED,    /* the app failed: a run without a result, nothing settled */
  SAMPLE_ATTEMPTS,  /* completed at the second attempt */
  SAMPLE_PRESIGNED, /* no order bears a signature, and the record says so */
  SAMPLE_ALONE,     /* no enclave was reached: a settlement and the pool's fields */
  SAMPLE_KINDS
} sample_kind;

typedef struct sample {
  ia_span name; /* of app and dataset */
  ia_secp *secp;
  ia_simpki *pki;
  ia_secret owner, requester, pool, worker, enclave, sms;
  ia_addr owner_a, requester_a, pool_a, worker_a, enclave_a;
  ia_h256 sms_key, separator;
  ia_trust *trust;
  json_t *orders, *assets, *evidence, *release, *run, *settlement, *workerpool;
  sample_kind kind;
  ia_addr pool_at; /* the workerpool's address */
  ia_h256 order_hash[4];
  bool bulk;         /* kind SAMPLE_BULK */
  ia_addr data;      /* the dataset that was released */
  ia_h256 data_hash; /* of its order */
  ia_run stated;
  ia_record record;
  ia_h256 checksum; /* of the dataset */
  ia_h384 rtmr3;
  ia_buf quote, log;
} sample;

/* Everything for a completed task whose uploaded result is `result`. Ends the test on any failure.
 */
void sample_make(sample *s, ia_span result);
/* With this name of app and dataset. */
void sample_make_named(sample *s, ia_span name, ia_span result);
void sample_make_bulk(sample *s, ia_span result);
void sample_make_kind(sample *s, sample_kind kind, ia_span result);
/* The settlement part anew, signed by this key. */
void sample_settle(sample *s, const ia_secret *key);
/* The release part anew, of s->record as it is now. */
void sample_release(sample *s);
void sample_free(sample *s);
/* A trust file that knows the sample's SMS, as `iapp up` writes one. */
void sample_trust_file(ia_buf *out, const sample *s);
void sample_receipt(ia_buf *out, const sample *s);

#endif
