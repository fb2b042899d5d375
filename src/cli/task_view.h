/* A task as its scheduler tells it (docs/protocol.md 3): waiting for its end, and showing it. */
#ifndef IA_CLI_TASK_VIEW_H
#define IA_CLI_TASK_VIEW_H

#include "cli/cli.h"
#include "client/net.h"

/* State of an answer of GET /tasks/<id>: RECEIVED, INITIALIZED, RUNNING, COMPLETED, .. */
const char *ia_task_state(const json_t *task);
/* Nothing more will happen but the return of the money. */
bool ia_task_is_over(const json_t *task);
/* A member of the answer's "iapp" as text; "" when it is not there. */
const char *ia_task_text(const json_t *task, const char *key);
/* COMPLETED, or FAILED: what the states of a task that is over mean to people. */
const char *ia_task_ending(const json_t *task);

/* Waits until the task is over and tells every state as a step. *out: the last answer, a new
 * reference. A scheduler that is away is waited for, a minute long; then UNAVAILABLE. */
IA_MUST bool ia_cli_task_wait(ia_cli *c, const ia_net *net, const ia_h256 *task, json_t **out,
                              ia_err *e);
/* State, cause, meaning, fix, attempts and time line. */
void ia_cli_task_say(ia_cli *c, const json_t *task);
/* "seen 3 ms, leased 5 ms, ..": each step's distance from the first. */
IA_MUST bool ia_task_timeline(ia_buf *out, const json_t *timeline, ia_err *e);

#endif
