/* iapp why: would this run get its keys; why did this task not? The SMS answers with the decision
 * of the release itself. */
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "cli/clauses.h"
#include "cli/net.h"
#include "cli/run_want.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/to_sms.h"

static void say_past(ia_cli *c, const json_t *past)
{
  const json_t *one;
  size_t i;

  json_array_foreach (past, i, one) {
    const char *message = json_string_value(json_object_get(one, "message"));
    json_int_t time = json_integer_value(json_object_get(one, "time"));

    ia_cli_out(c, "%s  %s %s %s", ia_rfc3339(time > 0 ? (uint64_t)time : 0).s,
               json_string_value(json_object_get(one, "verdict")),
               json_string_value(json_object_get(one, "code")), message ? message : "");
  }
}

static void say_refused(ia_cli *c, const json_t *refused)
{
  const json_t *one;
  size_t i;

  json_array_foreach (refused, i, one)
    ia_cli_out(c, "NO   data %" JSON_INTEGER_FORMAT " %s: %s [%s]",
               json_integer_value(json_object_get(one, "index")),
               json_string_value(json_object_get(one, "dataset")),
               json_string_value(json_object_get(one, "message")),
               json_string_value(json_object_get(one, "code")));
}

static bool report(ia_cli *c, const json_t *answer, ia_err *e)
{
  const char *verdict;

  if (!ia_json_get_str(answer, "verdict", &verdict, e))
    return ia_wrap(e, "SMS");
  bool release = strcmp(verdict, "release") == 0;
  ia_cli_clauses_say(c, answer);
  say_refused(c, json_object_get(answer, "refused"));
  if (json_array_size(json_object_get(answer, "past")) > 0) {
    ia_cli_out(c, "Decided before:");
    say_past(c, json_object_get(answer, "past"));
  }
  ia_cli_out(c, release ? "The keys would be released to a genuine enclave."
                        : "The keys would not be released.");
  if (!release)
    ia_cli_exit_status(c, 1);
  return ia_cli_json(c, json_incref((json_t *)(uintptr_t)answer), e);
}

/* `iapp run` makes a result key before it asks for anything: that none is there yet refuses
 * nothing. */
static bool expect_key(json_t *answer, ia_err *e)
{
  json_t *one;
  bool refused = false;
  size_t i;

  json_array_foreach (json_object_get(answer, "clauses"), i, one) {
    const char *code = json_string_value(json_object_get(one, "code"));

    if (code && strcmp(code, ia_code_name(IA_E_RESULT_KEY_MISSING)) == 0 &&
        (!ia_json_set(one, "ok", json_true(), e) || !ia_json_set(one, "code", json_string(""), e) ||
         !ia_json_set(one, "message", json_string("`iapp run` makes a result key first"), e)))
      return false;
    refused |= json_is_false(json_object_get(one, "ok"));
  }
  return refused || ia_json_set(answer, "verdict", json_string("release"), e);
}

/* Without a wallet the question goes unsigned. */
static bool why_task(ia_cli *c, const ia_h256 *task, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  IA_AUTO_JSON *question = json_pack("{s:o}", "taskId", ia_json_h256(task)), *answer = NULL;
  ia_err none = {0};

  if (!ia_cli_net(c, &net, e))
    return false;
  if (!ia_cli_wallet(c, &w, &none)) {
    if (none.code != IA_E_NOT_FOUND || ia_cli_opt(c, "wallet")) {
      *e = none;
      return false;
    }
    ia_cli_warn(c, "asked without a wallet: only its requester and the owner of its data learn more"
                   " than codes");
  }
  return (!w || ia_cli_trust_sms(c, &net, e)) && ia_to_sms_why(&net, w, question, &answer, e) &&
         report(c, answer, e);
}

static bool ask_slice(ia_run_ask *a, uint64_t i, json_t **answer, ia_err *e)
{
  IA_AUTO_JSON *orders = ia_run_orders_json(&a->orders, e), *question = NULL;

  question = orders ? json_pack("{s:O, s:I}", "orders", orders, "index", (json_int_t)i) : NULL;
  return question && ia_to_sms_why(&a->net, a->w, question, answer, e) &&
         (!a->encrypt || expect_key(*answer, e));
}

/* The first clause that refuses; NULL: none does. */
static const char *refusing(const json_t *answer)
{
  const json_t *one;
  size_t i;

  json_array_foreach (json_object_get(answer, "clauses"), i, one)
    if (json_is_false(json_object_get(one, "ok")))
      return json_string_value(json_object_get(one, "clause"));
  return NULL;
}

/* As `iapp run` chooses: where a rule of one grant refuses, the next grant that fits; when none of
 * them admits the run, the answer about the first. */
static bool ask_grants(ia_run_ask *a, ia_cli *c, json_t **answer, ia_err *e)
{
  bool more = true;

  while (more) {
    IA_AUTO_JSON *one = NULL;

    if (!ask_slice(a, 0, &one, e))
      return false;
    const char *clause = refusing(one);
    if (!*answer || !clause) {
      json_decref(*answer);
      *answer = json_incref(one);
    }
    if (!clause || !ia_run_is_of_grant(clause))
      return true;
    if (!ia_run_ask_next(a, c, &more, e))
      return false;
  }
  return true;
}

static bool why_run(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_run_ask) a = {0};
  IA_AUTO_JSON *lone = NULL;

  if (ia_cli_given(c, "requester-secret"))
    return ia_fail(e, IA_E_USAGE, "`iapp why` pushes no secret: leave --requester-secret out");
  if (!ia_run_ask_open(&a, c, e) || !ia_run_ask_orders(&a, c, e) || !ia_cli_trust_sms(c, &a.net, e))
    return false;
  if (a.bulk.n == 0)
    return ask_grants(&a, c, &lone, e) && report(c, lone, e);
  /* many data: one answer a slice */
  for (uint64_t i = 0; i < a.want.tasks; i++) {
    IA_AUTO_JSON *answer = NULL;

    if (!ask_slice(&a, i, &answer, e) || !report(c, answer, e))
      return false;
  }
  return true;
}

static bool why(ia_cli *c, ia_err *e)
{
  ia_h256 task;

  return ia_h256_parse(&task, ia_span_str(ia_cli_arg(c, 0))) ? why_task(c, &task, e)
                                                             : why_run(c, e);
}

static const ia_option options[] = {
    IA_RUN_OPTIONS("why"),
    IA_OLDER_OPTIONS("why 0xApp"),
    {0},
};

const ia_verb ia_verb_why = {
    .name = "why",
    .args = "TASK | APP",
    .min_args = 1,
    .max_args = 1,
    .brief = "would this run get its keys? why did this task not? clause by clause",
    .example = "why 0xApp --data 0xData",
    .options = options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = why,
};
