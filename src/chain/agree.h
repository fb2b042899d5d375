/* When several nodes are asked the same: what of their answers counts, and which answer enough of
 * them give. No I/O. */
#ifndef IA_CHAIN_AGREE_H
#define IA_CHAIN_AGREE_H

#include "base/json.h"
#include "chain/endpoints.h"

/* How many of n must agree where nobody said: more than half. */
size_t ia_agree_default(size_t n);
/* How many of the nodes of "URL,URL" must agree, `want` or the default; 0: there is one, and no
 * agreement. USAGE when more are wanted than there are. */
IA_MUST bool ia_agree_of(size_t *out, const char *urls, uint64_t want, ia_err *e);

/* The part of a result that callers read, in one spelling: nodes of different make add fields of
 * their own. New reference. */
json_t *ia_agree_view(const char *method, const json_t *result);

/* The answer of one node; view NULL: none came. */
typedef struct ia_agree_answer {
  const json_t *view;
} ia_agree_answer;

typedef struct ia_agreement {
  bool found;
  size_t which;    /* an answer that enough have given */
  size_t votes;    /* for the answer that most have given */
  uint32_t differ; /* bits of those that answered otherwise than most */
  uint32_t silent; /* bits of those that did not answer */
} ia_agreement;
ia_agreement ia_agree(const ia_agree_answer *a, size_t n, size_t k);

/* The highest block that k of the nodes have reached; heads[i] UINT64_MAX: no answer. */
bool ia_agree_head(uint64_t *out, const uint64_t *heads, size_t n, size_t k);

/* Fails with the names of those that stood apart: LEDGER_DISAGREES; UNAVAILABLE when only silence
 * was in the way. Always false. */
bool ia_agree_refuse(const ia_agreement *a, const ia_endpoints *s, size_t k, const char *method,
                     ia_err *e);

#endif
