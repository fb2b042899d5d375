/* Protecting data, in steps that a crash may part: encrypt, upload, register, hand over the key. A
 * journal (DIR/<id>.json, 0600) with the ciphertext beside it (DIR/<id>.enc) carries what is done;
 * the data key stands in it sealed under the owner's wallet. Done work is found again, never
 * repeated. */
#ifndef IA_CLIENT_PROTECT_H
#define IA_CLIENT_PROTECT_H

#include "client/net.h"
#include "client/wallet.h"
#include "crypto/cid.h"
#include "data/node.h"

typedef struct ia_protect ia_protect;

typedef struct ia_protected {
  ia_addr address;
  ia_addr owner;
  ia_h256 checksum;
  ia_h256 tx; /* zero when the dataset was found registered already */
  ia_cid_text cid;
} ia_protected;

typedef struct ia_protect_config {
  const ia_net *net;
  const ia_wallet *wallet;
  ia_addr contract;                           /* DataProtector */
  void (*step)(void *ctx, const char *title); /* progress; may be NULL */
  void *ctx;
} ia_protect_config;

/* Zips and encrypts under a fresh key and writes the journal: from here on the work can be resumed.
 * dir is made when missing (0700). */
IA_MUST bool ia_protect_begin(ia_protect **out, const char *dir, const char *name,
                              const ia_node *value, const ia_wallet *w, ia_err *e);
/* The journals in dir, oldest first: how many, and the i-th opened. */
IA_MUST bool ia_protect_count(size_t *n, const char *dir, ia_err *e);
IA_MUST bool ia_protect_open(ia_protect **out, const char *dir, size_t i, ia_err *e);
void ia_protect_free(ia_protect *p); /* leaves the journal where it is */
IA_DEFINE_AUTO(ia_protect, ia_protect_free)

const char *ia_protect_name(const ia_protect *p);
const char *ia_protect_schema(const ia_protect *p);
const char *ia_protect_journal(const ia_protect *p); /* its path */
uint64_t ia_protect_size(const ia_protect *p); /* bytes of the encrypted file; 0 = not known */

/* Every step that is not done. The wallet is the one that began (FORBIDDEN otherwise). At the end
 * the journal and the ciphertext are removed. */
IA_MUST bool ia_protect_run(ia_protect *p, ia_protected *out, const ia_protect_config *cfg,
                            ia_err *e);

#endif
