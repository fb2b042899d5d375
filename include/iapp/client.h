/* A client of one installation: protect data, grant, run, fetch receipts. Blocking. */
#ifndef IAPP_CLIENT_H
#define IAPP_CLIENT_H

#include "iapp/error.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the services are, as `iapp config sdk --json` prints it; texts are copied. */
typedef struct iapp_services {
  const char *rpc;    /* ledger */
  const char *market; /* the rest may be NULL where it is not used */
  const char *sms;
  const char *ipfs;
  const char *scheduler;
  uint64_t chain_id;
  const char *hub;
  const char *data_protector;
  const char
      *sms_key; /* "0x" and 64 digits: the one SMS that is given a key. From your trust file */
} iapp_services;

typedef struct iapp_client iapp_client;

/* folder: journals of unfinished protections (made, 0700). key: the wallet's 32 bytes of secp256k1,
 * copied into locked memory. USAGE, CRYPTO. */
IAPP_MUST bool iapp_client_open(iapp_client **out, const iapp_services *services,
                                const char *folder, const unsigned char key[32], iapp_error *e);
void iapp_client_close(iapp_client *c); /* wipes; NULL is fine */
/* Address of the wallet, checksummed; borrowed. */
const char *iapp_client_address(const iapp_client *c);

/* Encrypts, uploads, registers, hands the key to the SMS. values_json as in iapp/data.h. *out
 * (iapp_free): {"address","checksum","cid","schema","transactionHash"|null}. A failure leaves a
 * journal, which the next call of iapp_client_resume finishes. UNKNOWN_SMS when the SMS that
 * answers is not the one of iapp_services, UNAVAILABLE, REVERT, .. */
IAPP_MUST bool iapp_client_protect(iapp_client *c, char **out, const char *name,
                                   const char *values_json, iapp_error *e);
/* *n: how many protections were finished. */
IAPP_MUST bool iapp_client_resume(iapp_client *c, size_t *n, iapp_error *e);
/* Signs and publishes a dataset order. user: an address, or NULL for anyone. price in nRLC a run.
 * hash: of the order. FORBIDDEN when the data are not the wallet's, SECRET_MISSING, NOT_FOUND. */
IAPP_MUST bool iapp_client_grant(iapp_client *c, char hash[67], const char *dataset,
                                 const char *app, const char *user, uint64_t price_nrlc,
                                 uint64_t runs, iapp_error *e);
/* Finds the cheapest orders, signs a request with these params (JSON of iexec_args and so on; NULL:
 * none), and matches. dataset may be NULL. *out (iapp_free): {"dealId","taskIds":[..],
 * "transactionHash"}. Costs at most max_nrlc, which the stake must hold (INVALID otherwise).
 * GRANT_MISSING, NO_RESOURCES, REVERT. */
IAPP_MUST bool iapp_client_run(iapp_client *c, char **out, const char *app, const char *dataset,
                               const char *params_json, uint64_t max_nrlc, iapp_error *e);
/* The task as its scheduler tells it (docs/protocol.md 3), JSON (iapp_free). known_state: waits up
 * to 25 s for another state; NULL: answers at once. NOT_FOUND. */
IAPP_MUST bool iapp_client_task(iapp_client *c, char **out, const char *task,
                                const char *known_state, iapp_error *e);
/* The receipt's text, unverified (iapp_free): iapp/receipt.h. NOT_FOUND before the task's end. */
IAPP_MUST bool iapp_client_receipt(iapp_client *c, char **out, const char *task, iapp_error *e);

#ifdef __cplusplus
}
#endif

#endif
