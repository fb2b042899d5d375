/* What the worker says about a task in clear (docs/protocol.md 1.1). From it the guest builds its
 * evidence; what it decides by is the released task, which must agree. */
#ifndef IA_GUEST_HINTS_H
#define IA_GUEST_HINTS_H

#include "base/json.h"
#include "tee/descriptor.h"

typedef struct ia_hints {
  json_t *doc; /* owned; desc.stage and desc.tee point into it */
  ia_descriptor desc;
  ia_h256 sms_key;
  const json_t *lease; /* borrowed from doc; relayed untouched */
  ia_addr worker;      /* of the lease */
} ia_hints;

/* PARSE: unknown, missing or malformed members; tee that is not of the domain. */
IA_MUST bool ia_hints_parse(ia_hints *out, const json_t *doc, ia_err *e);
void ia_hints_free(ia_hints *h);
IA_DEFINE_AUTO_VALUE(ia_hints, ia_hints_free)

#endif
