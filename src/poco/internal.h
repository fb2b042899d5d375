/* Shared by the files of the state machine; not for other layers. */
#ifndef IA_POCO_INTERNAL_H
#define IA_POCO_INTERNAL_H

#include "poco/state.h"

#define IA_NOTHING ia_span_of(NULL, 0)

/* One value by its key; put with an empty value removes it. */
IA_MUST bool ia_poco_get(ia_poco *p, ia_span *out, ia_poco_key tag, ia_span a, ia_span b);
IA_MUST bool ia_poco_put(ia_poco *p, ia_poco_key tag, ia_span a, ia_span b, ia_span value);

IA_MUST bool ia_poco_put_deal(ia_poco *p, const ia_h256 *dealid, const ia_deal *d);
IA_MUST bool ia_poco_put_task(ia_poco *p, const ia_h256 *taskid, const ia_task *t);
IA_MUST bool ia_poco_put_contribution(ia_poco *p, const ia_h256 *taskid, const ia_addr *worker,
                                      const ia_contribution *c);

/* Checked arithmetic (Solidity 0.8): ARITHMETIC when 256 bits do not hold the result. */
IA_MUST bool ia_poco_sum(ia_poco *p, ia_u256 *out, const ia_u256 *a, const ia_u256 *b);
IA_MUST bool ia_poco_difference(ia_poco *p, ia_u256 *out, const ia_u256 *a, const ia_u256 *b);
IA_MUST bool ia_poco_product(ia_poco *p, ia_u256 *out, const ia_u256 *a, const ia_u256 *b);
/* floor(amount * percent / 100) */
IA_MUST bool ia_poco_percent(ia_poco *p, ia_u256 *out, const ia_u256 *amount,
                             const ia_u256 *percent);

IA_MUST bool ia_poco_emit(ia_poco *p, ia_event_id id, const ia_event *ev);

/* Payments of a finished task (successWork, failedWork). */
IA_MUST bool ia_poco_success(ia_poco *p, const ia_deal *d, const ia_h256 *taskid);
IA_MUST bool ia_poco_failure(ia_poco *p, const ia_deal *d, const ia_h256 *taskid);

#endif
