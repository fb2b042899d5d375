/* iapp debug: why a task failed and what its app wrote, opened with the requester's result key. */
#include <string.h>

#include "base/causes.h"
#include "base/hex.h"
#include "cli/log_view.h"
#include "cli/net.h"
#include "cli/result_open.h"
#include "cli/task_view.h"
#include "cli/trust_file.h"
#include "client/results.h"
#include "client/to_scheduler.h"

/* *texts stays NULL where there is nothing to read; why says why not. */
static bool logs_of(ia_cli *c, const ia_net *net, json_t **texts, const ia_h256 *task, ia_err *why)
{
  ia_autofree ia_verdict *v = calloc(1, sizeof(*v));
  IA_AUTO(ia_trust) *trust = NULL;
  IA_AUTOV(ia_buf) receipt = {0};

  if (!v)
    return ia_fail(why, IA_E_MEMORY, "no memory for a verdict");
  return ia_cli_trust(c, &trust, NULL, why) &&
         ia_receipt_fetch(net, v, &receipt, task, trust, why) &&
         ia_cli_logs_open(c, net, NULL, texts, ia_buf_view(&receipt), ia_cli_opt(c, "key"), why);
}

static json_t *member(const json_t *texts, const char *name)
{
  json_t *v = json_object_get(texts, name);

  return v ? json_incref(v) : json_null();
}

static bool debug(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO_JSON *seen = NULL, *texts = NULL;
  ia_err why = {0};
  ia_h256 task;

  if (!ia_cli_h256(&task, ia_cli_arg(c, 0), "Invalid task ID", e))
    return false;
  if (!ia_cli_net(c, &net, e) || !ia_to_scheduler_task(&net, &seen, &task, e))
    return false;
  const char *cause = ia_task_text(seen, "cause");
  bool readable = logs_of(c, &net, &texts, &task, &why);
  /* who may read the logs is told more than the network */
  const char *inner = json_string_value(json_object_get(texts, "cause"));
  const ia_cause *known =
      cause[0] ? ia_cause_of(inner && ia_cause_is_known(inner) ? inner : cause) : NULL;

  ia_cli_out(c, "task %s", ia_h256_text(&task).s);
  ia_cli_task_say(c, seen);
  if (readable)
    ia_log_say(c, texts);
  else
    ia_cli_say(c, "No output: %s", why.msg);
  if (known && inner && strcmp(inner, cause) != 0)
    ia_cli_say(c, "fix: %s", known->fix);
  if (readable)
    ia_cli_say(c, "Task logs retrieved successfully.");
  return ia_cli_json(
      c,
      json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:s, s:s, s:s, s:o}", "taskId",
                ia_json_h256(&task), "status", ia_task_ending(seen), "stdout",
                member(texts, "stdout"), "stderr", member(texts, "stderr"), "exitCode",
                member(texts, "exitCode"), "ending", member(texts, "ending"), "cause", cause,
                "message", ia_task_text(seen, "message"), "meaning", known ? known->meaning : "",
                "fix", known ? known->fix : "", "hints", member(texts, "hints")),
      e);
}

static const ia_option options[] = {
    {"key", "PEM", false, "private key that the logs are sealed to (else those in HOME/keys)",
     "debug 0x1f.. --key ./private.pem"},
    {0},
};

const ia_verb ia_verb_debug = {
    .name = "debug",
    .args = "TASK",
    .min_args = 1,
    .max_args = 1,
    .brief = "why a task failed, what that means, what to do, and what its app wrote",
    .example = "debug 0x1f2e..",
    .options = options,
    .uses = IA_USES_WALLET | IA_USES_NET | IA_USES_PROJECT,
    .run = debug,
};
