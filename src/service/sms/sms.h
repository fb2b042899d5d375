/* The secret management service: keeps data keys and other secrets, and lets them go to one
 * attested enclave a task (docs/release.md). One instance has one domain, one ledger and one hub,
 * written when its store is made. */
#ifndef IA_SERVICE_SMS_H
#define IA_SERVICE_SMS_H

#include "base/loop.h"
#include "base/secret.h"
#include "http/server.h"
#include "tee/domain.h"

typedef struct ia_sms ia_sms;

typedef struct ia_sms_config {
  const char *dir;             /* HOME/sms, made 0700: sms.db, root, head */
  const ia_secret *passphrase; /* of `root` */
  bool random_passphrase;      /* 256 random bits: no slow derivation is needed */
  ia_domain domain;
  const char *host;             /* where it will listen; NULL = loopback */
  bool allow_remote_simulation; /* a simulated instance beyond loopback */
  const char *rpc_url;          /* of one node, or of several with commas between */
  size_t agree;                 /* so many of several must say the same; 0 = more than half */
  const char *market_url; /* for orders of deals that another contract matched; NULL = nowhere */
  const char *ipfs_url;   /* for the slices of bulk requests; NULL = bulk is not offered */
  /* the pinned ledger: from the operator, never from the ledger itself at run time */
  uint64_t chain_id;
  ia_addr hub;
  ia_addr app_registry, dataset_registry, workerpool_registry;
  ia_h256 proxy_code_hash;
  const char *rules;     /* "6.1", "6.2" */
  uint64_t depth;        /* blocks that must lie above a match; 0 where a block is final at once */
  uint64_t reorg_depth;  /* blocks of the ledger's end that may be rewritten; a rewrite that goes
                            deeper stops every release. 0: our own ledger, which rewrites none */
  uint64_t first_block;  /* where following begins on a new store */
  const ia_h384 *guests; /* accepted guest builds: SHA-384 of their files */
  size_t n_guests;
  const ia_h256 *sim_roots; /* enrolled besides those of the store: SHA-256 of DER */
  size_t n_sim_roots;
#ifdef IA_TEST_HOOKS
  unsigned skip; /* ia_sms_skip bits: barriers looked away from, to show that the others hold */
  uint64_t gather_ms; /* in place of IA_SMS_GATHER_MS; 0 = that */
#endif
} ia_sms_config;

#ifdef IA_TEST_HOOKS
enum ia_sms_skip {
  IA_SMS_SKIP_DOMAIN = 1,     /* take a store of the other domain */
  IA_SMS_SKIP_KEK = 2,        /* derive storage keys of the other domain */
  IA_SMS_SKIP_CHAIN_GATE = 4, /* a simulated instance on a public hub */
  IA_SMS_SKIP_LOOPBACK = 8,
  IA_SMS_SKIP_HEAD = 16, /* do not look whether the store is an older copy */
};
#endif

/* Makes the store at the first start. INVALID for another chain, hub or registries than the
 * store's, DOMAIN_MISMATCH, HUB_FORBIDDEN (simulation on a public hub), BAD_KEY (passphrase),
 * CORRUPT (store damaged or an older copy). Nothing is asked of the ledger before the first
 * request. */
IA_MUST bool ia_sms_open(ia_sms **out, const ia_sms_config *c, ia_loop *l, ia_err *e);
/* After the server that mounts it is closed. NULL is fine. */
void ia_sms_close(ia_sms *s);
IA_DEFINE_AUTO(ia_sms, ia_sms_close)
IA_MUST bool ia_sms_mount(ia_sms *s, ia_server *server, ia_err *e);
/* Ed25519 public key that signs releases, records and the info document. */
ia_h256 ia_sms_key(const ia_sms *s);

/* -- for the operator, while the service is stopped or running -- */
typedef struct ia_sms_operator {
  const char *dir;
  const ia_secret *passphrase; /* of `root` */
  bool random_passphrase;
} ia_sms_operator;
/* The ledger's past may differ from what was remembered: forget the remembered block. */
IA_MUST bool ia_sms_confirm_ledger(const ia_sms_operator *o, ia_err *e);
/* Enrols the root of a PEM file; *digest says which. */
IA_MUST bool ia_sms_trust_sim(const ia_sms_operator *o, ia_span pem, ia_h256 *digest, ia_err *e);

#endif
