/* May these four orders make a deal? Every check of matchOrders in its order, and the check of one
 * dataset order against a deal (bulk). Pure: what must be looked up comes through ia_poco_view. */
#ifndef IA_POCO_MATCH_H
#define IA_POCO_MATCH_H

#include "poco/revert.h"
#include "poco/rules.h"
#include "poco/types.h"

/* What the rules must look up, given by ledger, chain client or test. False = the fact cannot be
 * had (e says why); then there is no verdict. NULL has_purpose: no address is a group. NULL
 * erc1271: no address has code. */
typedef struct ia_poco_view {
  void *ctx;
  /* has = false: the address answers no owner(). registered: by the registry of that kind. */
  bool (*owner)(void *ctx, ia_asset_kind kind, const ia_addr *asset, bool *has, ia_addr *owner,
                bool *registered, ia_err *e);
  /* Zero address when the hash is not presigned. */
  bool (*presigned)(void *ctx, const ia_h256 *order_hash, ia_addr *signer, ia_err *e);
  bool (*consumed)(void *ctx, const ia_h256 *order_hash, ia_u256 *volume, ia_err *e);
  /* Does `group`, if it is a contract, say that `account` has purpose 4 (ERC-734)? */
  bool (*has_purpose)(void *ctx, const ia_addr *group, const ia_addr *account, bool *member,
                      ia_err *e);
  /* Is `account` a contract, and if so, does it accept the signature (ERC-1271)? */
  bool (*erc1271)(void *ctx, const ia_addr *account, const ia_h256 *hash, ia_span sign,
                  bool *is_contract, bool *valid, ia_err *e);
  bool (*categories)(void *ctx, ia_u256 *count, ia_err *e);
} ia_poco_view;

typedef struct ia_match_facts {
  ia_h256 hash[IA_ORDER_KINDS]; /* of the orders; zero for a missing dataset */
  ia_addr owner[IA_ASSET_KINDS];
  ia_u256 consumed[IA_ORDER_KINDS]; /* before the match; of the request: the deal's first task */
  bool has_dataset;
  ia_h256 tag; /* of the deal */
  ia_u256 volume;
  ia_h256 dealid;
} ia_match_facts;

/* False: why->id names the first check that fails (e says it in words), or is FAULT when a look-up
 * failed (e is that of the look-up). e may be NULL. Money is not looked at. */
IA_MUST bool ia_match_check(ia_match_facts *out, const ia_poco_rules *rules,
                            const ia_h256 *separator, const ia_poco_view *view, const ia_match *m,
                            ia_revert *why, ia_err *e);
/* The smallest of volume - consumed; OVERCONSUMED where that is below zero. */
IA_MUST bool ia_match_volume(ia_u256 *out, const ia_h256 *separator, const ia_poco_view *view,
                             const ia_match *m, ia_revert *why, ia_err *e);
/* assertDatasetDealCompatibility. deal->requester zero = there is no such deal. The caller, not
 * PoCo, must demand price 0. */
IA_MUST bool ia_bulk_assert(const ia_poco_rules *rules, const ia_h256 *separator,
                            const ia_poco_view *view, const ia_dataset_order *order,
                            const ia_deal *deal, ia_revert *why, ia_err *e);

/* restriction is zero, or is the account, or is a group that has it. */
IA_MUST bool ia_restriction_admits(bool *admits, const ia_poco_view *view,
                                   const ia_addr *restriction, const ia_addr *account, ia_err *e);
/* The signature rule: a contract by ERC-1271, else 65 (r, s, v with v 27 or 28) or 64 bytes
 * (EIP-2098). False with SIGNATURE_FORMAT for other lengths. A signature that recovers to nothing
 * recovers to the zero address, as the EVM has it. */
IA_MUST bool ia_signature_check(bool *valid, const ia_poco_view *view, const ia_addr *account,
                                const ia_h256 *hash, ia_span sign, ia_revert *why, ia_err *e);
/* The key's address as the EVM recovers it; zero when it recovers to nothing. */
void ia_signature_signer(ia_addr *out, const ia_h256 *hash, ia_span sign);
IA_MUST bool ia_signed_or_presigned(bool *valid, const ia_poco_view *view, const ia_addr *account,
                                    const ia_h256 *hash, ia_span sign, ia_revert *why, ia_err *e);

#endif
