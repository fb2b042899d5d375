/* The scheduler of the workerpool, as requesters reach it (docs/protocol.md 3). */
#ifndef IA_CLIENT_TO_SCHEDULER_H
#define IA_CLIENT_TO_SCHEDULER_H

#include "client/net.h"

/* GET /tasks/<id>; new reference. */
IA_MUST bool ia_to_scheduler_task(const ia_net *net, json_t **out, const ia_h256 *task, ia_err *e);
/* Answers when the task's state differs from `state` or its attempts are not so many (SIZE_MAX:
 * they do not matter), or after 25 s; the same object. */
IA_MUST bool ia_to_scheduler_wait(const ia_net *net, json_t **out, const ia_h256 *task,
                                  const char *state, size_t attempts, ia_err *e);
/* GET /workers; new reference. */
IA_MUST bool ia_to_scheduler_workers(const ia_net *net, json_t **out, ia_err *e);
/* GET /pool; new reference. */
IA_MUST bool ia_to_scheduler_pool(const ia_net *net, json_t **out, ia_err *e);
/* The receipt's bytes. NOT_FOUND before there is one. */
IA_MUST bool ia_to_scheduler_receipt(const ia_net *net, ia_buf *out, const ia_h256 *task,
                                     ia_err *e);
/* Signs the login and fetches the logs; new reference: {"computeLogsList":[..]}. */
IA_MUST bool ia_to_scheduler_logs(const ia_net *net, const ia_wallet *w, json_t **out,
                                  const ia_h256 *task, ia_err *e);

#endif
