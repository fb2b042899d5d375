/* Orders of owners: grants (dataset orders) and app orders are signed, published, found and closed.
 * What users meet as "access". */
#ifndef IA_CLIENT_GRANT_H
#define IA_CLIENT_GRANT_H

#include "client/to_market.h"
#include "client/to_sms.h"

/* Tag bits of every order of ours: tee and tdx (the one framework that the packages accept; which
 * TEE really ran stands in the receipt). */
#define IA_ORDER_TAG (IA_TAG_TEE | IA_TAG_TDX)

typedef struct ia_grant {
  ia_addr dataset;
  ia_addr app;        /* or a group contract */
  ia_addr requester;  /* zero = anyone */
  ia_addr workerpool; /* zero = any */
  uint64_t price_nrlc;
  uint64_t volume; /* runs */
} ia_grant;

/* Checks what would make the grant useless: the dataset is the wallet's (FORBIDDEN), the app (or
 * line of apps) exists (NOT_FOUND), the SMS has the key (SECRET_MISSING). */
IA_MUST bool ia_grant_check(ia_net *net, const ia_wallet *w, const ia_grant *g, ia_err *e);
/* Signs the dataset order, with a random salt; *hash is its EIP-712 hash. */
IA_MUST bool ia_grant_sign(const ia_net *net, const ia_wallet *w, const ia_grant *g,
                           ia_order_box *out, ia_h256 *hash, ia_err *e);

typedef struct ia_app_terms {
  ia_addr app;
  ia_addr dataset, workerpool, requester; /* restrictions; zero = any */
  uint64_t price_nrlc;
  uint64_t volume;
} ia_app_terms;
IA_MUST bool ia_app_order_sign(const ia_net *net, const ia_wallet *w, const ia_app_terms *t,
                               ia_order_box *out, ia_h256 *hash, ia_err *e);

/* Closes an order on the ledger: from then on it matches nothing. */
IA_MUST bool ia_order_close(ia_net *net, const ia_wallet *w, const ia_order *order, ia_h256 *tx,
                            ia_err *e);
/* Tells the SMS that these orders are revoked (at once, final). */
IA_MUST bool ia_grant_revoke_sms(const ia_net *net, const ia_wallet *w, const ia_addr *dataset,
                                 const ia_h256 *orders, size_t n, ia_err *e);

#endif
