/* Shared by task.c, consensus.c and finalize.c. */
#ifndef IA_POCO_TASK_INTERNAL_H
#define IA_POCO_TASK_INTERNAL_H

#include "eth/eip191.h"
#include "poco/internal.h"

/* What a worker brings: the enclave's and the pool's signatures over a result. */
typedef struct ia_proof {
  ia_h256 taskid;
  ia_h256 result_hash;
  ia_h256 result_seal;
  ia_addr enclave;
  ia_span enclave_sign;
  ia_span authorization_sign;
} ia_proof;

/* ACTIVE and before the contribution deadline. */
IA_MUST bool ia_poco_open_task(ia_poco *p, ia_task *t, ia_deal *d, const ia_h256 *taskid);
IA_MUST bool ia_poco_proofs(ia_poco *p, const ia_deal *d, const ia_proof *proof);
/* The pool owner's task, REVEALING and before the final deadline. */
IA_MUST bool ia_poco_scheduler_task(ia_poco *p, ia_task *t, ia_deal *d, const ia_h256 *taskid);
/* revealDeadline = now + 2T */
IA_MUST bool ia_poco_reveal_deadline(ia_poco *p, ia_task *t);
/* Appends to the list; `room` keeps its bytes. */
IA_MUST bool ia_poco_add_contributor(ia_poco *p, ia_task *t, ia_buf *room, const ia_addr *who);
ia_addr ia_poco_contributor(const ia_task *t, size_t i);
/* An event of (task, sender, value) fields; value may be NULL. */
IA_MUST bool ia_poco_task_event(ia_poco *p, ia_event_id id, const ia_h256 *taskid,
                                const ia_h256 *value);

#endif
