/* iapp task: the state of a task, its causes and times; its money back when nobody settled it. */
#include <string.h>

#include "base/causes.h"
#include "base/hex.h"
#include "cli/net.h"
#include "cli/task_view.h"
#include "cli/wallet.h"
#include "client/to_scheduler.h"

/* claim() may be called by anyone; the money goes to who paid. */
static bool claim(ia_cli *c, ia_net *net, const ia_h256 *task, ia_err *e)
{
  IA_AUTO(ia_wallet) *w = NULL;
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_args args = {.id = {*task}};

  if (!ia_cli_wallet(c, &w, e))
    return false;
  if (!ia_net_call(net, w, NULL, IA_CALL_CLAIM, &args, &sent, e))
    return ia_hint(e,
                   "a task can be claimed from its final deadline on, while it is not completed");
  ia_cli_say(c, "claimed: the money is back");
  return true;
}

static const char *ledger_status(uint8_t status)
{
  static const char *const names[] = {"UNSET", "ACTIVE", "REVEALING", "COMPLETED", "FAILED"};

  return status < IA_COUNT(names) ? names[status] : "UNKNOWN";
}

/* Without a scheduler that knows the task: the ledger's word alone. */
static bool by_ledger(ia_net *net, json_t **out, const ia_h256 *task, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_chain *chain;
  ia_task t;

  if (!ia_net_chain(net, &chain, e) || !ia_chain_task(chain, &t, &store, task, e))
    return false;
  if (t.status == IA_TASK_UNSET) {
    ia_fail(e, IA_E_NOT_FOUND, "neither the scheduler nor the ledger knows task %s",
            ia_h256_text(task).s);
    return false;
  }
  *out = json_pack("{s:o, s:s}", "chainTaskId", ia_json_h256(task), "currentStatus",
                   ledger_status(t.status));
  return *out || ia_fail(e, IA_E_MEMORY, "out of memory");
}

static bool fetch(ia_cli *c, ia_net *net, json_t **out, const ia_h256 *task, ia_err *e)
{
  ia_err why = {0};

  if (ia_cli_flag(c, "follow"))
    return ia_cli_task_wait(c, net, task, out, e);
  if (net->scheduler && ia_to_scheduler_task(net, out, task, &why))
    return true;
  return by_ledger(net, out, task, e);
}

static bool task(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO_JSON *seen = NULL;
  ia_h256 id;

  if (!ia_cli_h256(&id, ia_cli_arg(c, 0), "TASK", e) || !ia_cli_net(c, &net, e) ||
      (ia_cli_flag(c, "claim") && !claim(c, &net, &id, e)) || !fetch(c, &net, &seen, &id, e))
    return false;
  ia_cli_out(c, "task %s", ia_h256_text(&id).s);
  ia_cli_task_say(c, seen);
  bool failed = ia_task_is_over(seen) && strcmp(ia_task_ending(seen), "FAILED") == 0;
  if (ia_cli_flag(c, "follow") && failed)
    ia_cli_exit_status(c, ia_code_exit(ia_cause_class(ia_task_text(seen, "cause"))));
  return ia_json_set(seen, "taskId", ia_json_h256(&id), e) &&
         ia_json_set(seen, "status", json_string(ia_task_ending(seen)), e) &&
         ia_cli_json(c, json_incref(seen), e);
}

static const ia_option options[] = {
    {"follow", NULL, false, "wait until the task has ended; a failure is the exit status",
     "task 0x1f.. --follow"},
    {"claim", NULL, false, "take the money back after the final deadline", "task 0x1f.. --claim"},
    {0},
};

const ia_verb ia_verb_task = {
    .name = "task",
    .args = "TASK",
    .min_args = 1,
    .max_args = 1,
    .brief = "state of a task: attempts, cause and fix, where the time went",
    .example = "task 0x1f2e.. --follow",
    .options = options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = task,
};
