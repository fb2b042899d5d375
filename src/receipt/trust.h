/* Trust anchors: the user's own file, never part of a receipt. One entry an SMS, with the members
 * of that SMS's info document (docs/protocol.md 2), so that adding one is copying what it signed;
 * and beside them `pools`, the workerpools that the user trusts, which no info document may name.
 */
#ifndef IA_RECEIPT_TRUST_H
#define IA_RECEIPT_TRUST_H

#include <jansson.h>

#include "base/buf.h"
#include "base/types.h"
#include "tee/domain.h"

enum { IA_TRUST_SMS_MAX = 32, IA_TRUST_LIST_MAX = 64 };

typedef struct ia_trust_sms {
  ia_h256 key; /* Ed25519 */
  ia_domain domain;
  uint64_t chain_id;
  ia_addr hub;
  ia_addr app_registry, dataset_registry, workerpool_registry;
  ia_h256 proxy_code_hash;
  ia_h384 *guests; /* MRTD; owned */
  size_t n_guests;
  ia_h256 *sim_roots; /* SHA-256 of DER; owned */
  size_t n_sim_roots;
  bool remote_simulation;
  ia_addr *pools; /* of that hub; owned. Only in trust files */
  size_t n_pools;
} ia_trust_sms;

typedef struct ia_trust {
  ia_trust_sms sms[IA_TRUST_SMS_MAX];
  size_t n;
} ia_trust;

void ia_trust_free(ia_trust *t); /* NULL is fine */
IA_DEFINE_AUTO(ia_trust, ia_trust_free)

/* {"v":1,"sms":[{info text's members, "pools"?:[address]}]} */
IA_MUST bool ia_trust_parse(ia_trust **out, ia_span text, ia_err *e);
/* An empty one. */
IA_MUST bool ia_trust_new(ia_trust **out, ia_err *e);
/* NULL when the key is not listed. */
const ia_trust_sms *ia_trust_find(const ia_trust *t, const ia_h256 *sms_key);
/* The first entry of this chain and hub which lists the pool (NULL: any) and is of this domain
 * (IA_DOMAIN_NONE: any). NULL when there is none. */
const ia_trust_sms *ia_trust_ledger(const ia_trust *t, uint64_t chain_id, const ia_addr *hub,
                                    const ia_addr *pool, ia_domain domain);

/* Checks an SMS's answer to GET /info ({"text","sig"}) against its own key and gives its members.
 */
IA_MUST bool ia_info_open(ia_trust_sms *out, json_t **members, const json_t *answer, ia_err *e);
void ia_trust_sms_free(ia_trust_sms *s);
IA_DEFINE_AUTO_VALUE(ia_trust_sms, ia_trust_sms_free)
/* The text of a trust file with this info document in it (an older entry of the same key goes, its
 * pools stay). old: the present text, may be empty. pool: one of the user's own that the entry
 * shall list; may be NULL. */
IA_MUST bool ia_trust_add(ia_buf *out, ia_span old, const json_t *info_members, const ia_addr *pool,
                          ia_err *e);

#endif
