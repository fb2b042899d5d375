/* What an owner says beyond her orders (docs/policy.md): the policy of a dataset as a whole, the
 * terms of one grant, and revocations. Each is the body of an owner's message. The same pure
 * functions judge them for the SMS, `iapp why`, `iapp policy test` and the tests. */
#ifndef IA_POLICY_POLICY_H
#define IA_POLICY_POLICY_H

#include "base/hex.h"
#include "base/json.h"
#include "policy/ruling.h"

enum {
  IA_POLICY_MAX = 64 << 10, /* bytes of a document */
  IA_POLICY_LIST_MAX = 256, /* requesters, purposes; of the terms of a grant too */
  IA_PURPOSE_MAX = 128,     /* bytes of a purpose */
};

typedef struct ia_policy {
  uint64_t not_before; /* Unix seconds; 0 = no bound */
  uint64_t expires;    /* Unix seconds, refused from then on; 0 = never */
  bool has_hours;
  uint16_t from_minute, to_minute; /* of the UTC day: [from, to); over midnight when from > to */
  uint8_t days;                    /* bit 0 = Monday; the day on which the hours begin */
  bool has_requesters;
  ia_addr *requesters;
  size_t n_requesters;
  bool has_purposes;
  char **purposes;
  size_t n_purposes;
  bool has_total, has_daily;
  uint64_t total_runs; /* distinct tasks ever */
  uint64_t daily_runs; /* distinct tasks in a UTC day */
  bool logs_clear;     /* default sealed */
  bool plain_result;   /* may the result leave without encryption? default yes */
  bool callback;       /* may callback data leave? default yes */
  bool by_ledger;      /* may facts stand on the ledger's word alone? default yes */
} ia_policy;

void ia_policy_free(ia_policy *p); /* NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_policy, ia_policy_free)
/* The policy of a dataset without one: allows what the orders allow. */
ia_policy ia_policy_none(void);
/* Reads canonical JSON. POLICY_UNKNOWN names a clause or form that this version cannot enforce;
 * nothing is ever ignored. */
IA_MUST bool ia_policy_parse(ia_policy *out, ia_span text, ia_err *e);

/* The terms of one grant: of one dataset order, whatever those of other grants are. The body of an
 * owner's message of kind "grant". */
typedef struct ia_terms {
  ia_h256 order;    /* the grant: EIP-712 hash of the dataset order */
  uint64_t expires; /* Unix seconds, refused from then on; 0 = never */
  bool has_purposes;
  char **purposes;
  size_t n_purposes;
  bool has_runs;
  uint64_t runs; /* distinct tasks that get the key on this order, ever */
} ia_terms;
void ia_terms_free(ia_terms *t); /* NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_terms, ia_terms_free)
/* {"v":1,"order":"0x..","expires"?,"purposes"?,"runs"?}, canonical JSON; POLICY_UNKNOWN as of a
 * policy. */
IA_MUST bool ia_terms_parse(ia_terms *out, ia_span text, ia_err *e);

/* What a revoke message bars. */
typedef struct ia_revocation {
  bool all;
  ia_h256 *orders;
  size_t n;
} ia_revocation;
void ia_revocation_free(ia_revocation *r);
IA_DEFINE_AUTO_VALUE(ia_revocation, ia_revocation_free)
/* {"all":true} or {"orders":["0x.."]}. */
IA_MUST bool ia_revocation_parse(ia_revocation *out, ia_span text, ia_err *e);

typedef struct ia_policy_facts {
  uint64_t now; /* Unix seconds, the SMS's clock */
  ia_addr requester;
  const char *purpose;              /* stated in the signed request; "" = none */
  uint64_t runs_before, runs_today; /* other tasks that got the key so far */
  uint64_t order_runs;              /* other tasks that got it on this order */
  bool encrypt;                     /* the result will be encrypted */
  bool callback;                    /* callback data will leave */
  size_t n_by_ledger;               /* facts that stand on the ledger's word */
} ia_policy_facts;

/* Appends one line for each clause of the policy: POLICY_EXPIRED, POLICY_REQUESTER, POLICY_PURPOSE,
 * POLICY_BUDGET, BY_LEDGER_REFUSED, POLICY_RESULT. False when one is refused. */
bool ia_policy_decide(ia_ruling *v, const ia_policy *p, const ia_policy_facts *f);
/* The same of the terms of a grant: grant.expires, grant.purposes, grant.runs. */
bool ia_terms_decide(ia_ruling *v, const ia_terms *t, const ia_policy_facts *f);

#endif
