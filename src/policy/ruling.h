/* The outcome of a decision, one line a clause, in the order of the checks. Pure data: made by the
 * SMS and by `iapp why` with the same code, shown to people and sent as JSON. */
#ifndef IA_POLICY_RULING_H
#define IA_POLICY_RULING_H

#include "base/json.h"

enum { IA_RULING_LINES = 64 };

typedef struct ia_clause {
  const char *clause; /* "lease", "deal", "policy.expires", ..: a literal */
  bool ok;
  ia_code code; /* IA_OK, or why not */
  char message[192];
} ia_clause;

typedef struct ia_ruling {
  size_t n;
  ia_clause line[IA_RULING_LINES]; /* what does not fit is counted as refused, never dropped */
  bool refused;                    /* some line is not ok */
  size_t first;                    /* index of the first line that is not ok, when refused */
} ia_ruling;

void ia_ruling_ok(ia_ruling *v, const char *clause, const char *fmt, ...) IA_PRINTF(3, 4);
/* Always false. */
bool ia_ruling_no(ia_ruling *v, const char *clause, ia_code code, const char *fmt, ...)
    IA_PRINTF(4, 5);
/* A line from an error: its code and message. Always false. */
bool ia_ruling_err(ia_ruling *v, const char *clause, const ia_err *err);
/* What strangers are told of a refusal by an owner's own rule (a clause of her policy or of the
 * terms of a grant); NULL: the clause is not one of these. */
const char *ia_refusal_of_owner(const char *clause);
/* The first refusal as an error; true when nothing is refused. */
IA_MUST bool ia_ruling_check(const ia_ruling *v, ia_err *e);
/* For whom a ruling is written down. What an owner's policy says is hers: the requester learns that
 * it refuses her and by which rule, without the owner's numbers and times; others learn codes. */
typedef enum ia_ruling_reader {
  IA_READER_ANYONE,
  IA_READER_REQUESTER,
  IA_READER_OWNER,
} ia_ruling_reader;
/* {"verdict":"release"|"refuse","clauses":[{"clause","ok","code","message"?}]}, message for the
 * requester and the owner; new reference. */
json_t *ia_ruling_json(const ia_ruling *v, ia_ruling_reader reader);

#endif
