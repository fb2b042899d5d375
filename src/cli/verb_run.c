/* iapp run: an app on granted data, from the orders to the decrypted result and its receipt. */
#include <inttypes.h>
#include <string.h>

#include "base/causes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "cli/log_view.h"
#include "cli/parse.h"
#include "cli/pool_limits.h"
#include "cli/pool_room.h"
#include "cli/result_open.h"
#include "cli/run_want.h"
#include "cli/task_result.h"
#include "cli/task_view.h"
#include "cli/trust_file.h"
#include "client/money.h"
#include "client/to_scheduler.h"
#include "client/to_sms.h"
#include "eth/address.h"
#include "poco/ids.h"
#include "receipt/receipt.h"

/* The orders to the SMS beforehand: what it would refuse is said before anything is paid. */
static bool ask_about(const ia_run_ask *a, ia_cli *c, const json_t *orders, uint64_t index,
                      bool *of_grant, ia_err *e)
{
  IA_AUTO_JSON *question = json_pack("{s:O, s:I}", "orders", orders, "index", (json_int_t)index);
  IA_AUTO_JSON *answer = NULL;
  const json_t *clauses, *one;
  size_t i;

  if (!ia_to_sms_why(&a->net, a->w, question, &answer, e))
    return false;
  json_array_foreach (json_object_get(answer, "refused"), i, one)
    ia_cli_warn(c, "%s would be left out of task %llu: %s, %s",
                json_string_value(json_object_get(one, "dataset")), (unsigned long long)index,
                json_string_value(json_object_get(one, "code")),
                json_string_value(json_object_get(one, "message")));
  clauses = json_object_get(answer, "clauses");
  json_array_foreach (clauses, i, one) {
    const char *code = json_string_value(json_object_get(one, "code"));
    const char *clause = json_string_value(json_object_get(one, "clause"));
    const char *message = json_string_value(json_object_get(one, "message"));

    if (!json_is_false(json_object_get(one, "ok")) || !code || !clause)
      continue;
    *of_grant = ia_run_is_of_grant(clause);
    ia_fail(e, ia_code_from_name(code), "the SMS would refuse, clause %.40s: %.140s", clause,
            message ? message : code);
    return e->hint[0] ? false : ia_hint(e, "iapp why with the same options shows every clause");
  }
  return true;
}

static bool ask_all(ia_run_ask *a, ia_cli *c, bool *of_grant, ia_err *e)
{
  IA_AUTO_JSON *orders = ia_run_orders_json(&a->orders, e);

  *of_grant = false;
  if (!orders)
    return false;
  for (uint64_t i = 0; i == 0 || (a->bulk.n > 0 && i < a->want.tasks); i++)
    if (!ask_about(a, c, orders, i, of_grant, e))
      return false;
  return true;
}

/* Where a rule of one grant refuses, another one for the same app and user may admit the run. */
static bool ask_before(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  bool of_grant, more = true;
  ia_err first = {0};

  if (ia_cli_flag(c, "no-check"))
    return true;
  if (!ia_cli_trust_sms(c, &a->net, e))
    return false;
  ia_cli_step(c, "ask the SMS whether it would release the keys");
  while (more) {
    ia_err why = {0};

    if (ask_all(a, c, &of_grant, &why))
      return true;
    if (first.code == IA_OK)
      first = why;
    if (!of_grant || !ia_run_ask_next(a, c, &more, &why)) {
      *e = of_grant ? why : first;
      return false;
    }
  }
  *e = first;
  return false;
}

/* Says the price and brings the stake up to it. */
static bool pay(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  const char *most = ia_cli_opt(c, "max");
  uint64_t one, sum, limit;
  ia_money money;

  if (!ia_run_price(&one, &a->orders, e))
    return false;
  if (__builtin_mul_overflow(one, a->want.tasks, &sum))
    return ia_fail(e, IA_E_TOO_LARGE, "the price is beyond all money");
  if (sum == 0)
    return true;
  if (most && !ia_parse_amount(&limit, most, e))
    return false;
  if (most && sum > limit) {
    ia_fail(e, IA_E_INVALID, "the run costs %s, more than --max %s", ia_amount(sum).s, most);
    return ia_hint(e, "--max %" PRIu64 "nRLC", sum);
  }
  if (!most &&
      !ia_cli_confirm(c, e, "You will spend %s to run your iApp. Would you like to continue?",
                      ia_amount(sum).s))
    return false;
  if (!ia_money_of(&a->net, &money, &a->w->address, e))
    return false;
  if (money.stake >= sum)
    return true;
  uint64_t missing = sum - money.stake;
  if (money.wallet < missing) {
    ia_fail(e, IA_E_INVALID, "Balance is insufficient: %s are missing (stake %s, wallet %s)",
            ia_amount(missing - money.wallet).s, ia_amount(money.stake).s,
            ia_amount(money.wallet).s);
    return ia_hint(e, "iapp balance --faucet %" PRIu64 "nRLC (local ledger), or buy RLC",
                   missing - money.wallet);
  }
  ia_cli_say(c, "%s go from the wallet to the stake", ia_amount(missing).s);
  return ia_money_deposit(&a->net, a->w, missing, e);
}

/* Where the results of one of the tasks go. */
static bool folder(ia_path *out, const char *dir, uint64_t tasks, uint64_t index, ia_err *e)
{
  return tasks == 1 ? ia_path_join(out, e, "%s", dir)
                    : ia_path_join(out, e, "%s/%" PRIu64, dir, index);
}

/* A request of our own is new, so its tasks count from 0. */
static bool room(const ia_run_ask *a, ia_cli *c, ia_err *e)
{
  const char *dir = ia_cli_opt(c, "out");
  ia_path at;

  for (uint64_t i = 0; dir && !ia_cli_flag(c, "no-wait") && i < a->want.tasks; i++)
    if (!folder(&at, dir, a->want.tasks, i, e) || !ia_cli_task_room(at.s, e))
      return false;
  return true;
}

static bool folder_of(ia_path *out, ia_cli *c, const ia_run_deal *deal, const ia_h256 *task,
                      uint64_t i, ia_err *e)
{
  const char *dir = ia_cli_opt(c, "out");

  return dir ? folder(out, dir, deal->tasks, deal->first + i, e)
             : ia_path_join(out, e, "result-%.18s", ia_h256_text(task).s);
}

static json_t *row_of(const ia_h256 *task, json_t *seen, const ia_task_files *files,
                      uint64_t matched_ms, ia_err *e)
{
  json_t *timeline = json_object_get(json_object_get(seen, "iapp"), "timeline");

  if (!ia_json_set(timeline, "matchedMs", json_integer((json_int_t)matched_ms), e))
    return NULL;
  return json_pack("{s:o, s:s, s:s, s:s, s:s, s:o, s:o, s:b, s:O}", "taskId", ia_json_h256(task),
                   "status", ia_task_ending(seen), "cause", ia_task_text(seen, "cause"), "code",
                   ia_task_text(seen, "code"), "message", ia_task_text(seen, "message"),
                   "resultPath", files->result.s[0] ? json_string(files->result.s) : json_null(),
                   "receiptPath", files->receipt.s[0] ? json_string(files->receipt.s) : json_null(),
                   "simulated", files->simulated, "timeline", timeline);
}

static void say_end(ia_cli *c, const ia_h256 *task, const json_t *seen, const ia_task_files *files)
{
  bool done = strcmp(ia_task_ending(seen), "COMPLETED") == 0;

  ia_cli_say(c, "%s %s%s", done ? "Task finalized" : "Task failed", ia_h256_text(task).s,
             files->simulated ? " (SIMULATED enclave)" : "");
  ia_cli_task_say(c, seen);
  if (files->result.s[0]) {
    ia_cli_say(c, "Result downloaded to %s", files->result.s);
    ia_cli_task_preview(c, files->result.s);
  }
  if (files->receipt.s[0])
    ia_cli_say(c, "receipt %s; check it offline: iapp verify %s", files->receipt.s,
               files->receipt.s);
}

/* How the app ended, out of its sealed logs: {"ending","cause","hints"}. The network is not told.
 * NULL where they do not say. */
static json_t *ending_of(ia_cli *c, ia_run_ask *a, const json_t *seen, const ia_task_files *files)
{
  IA_AUTOV(ia_buf) receipt = {0};
  IA_AUTO_JSON *texts = NULL;

  if (ia_cause_class(ia_task_text(seen, "cause")) != IA_E_APP_FAILED || !files->receipt.s[0] ||
      !ia_file_read(&receipt, files->receipt.s, IA_RECEIPT_MAX, NULL) ||
      !ia_cli_logs_open(c, &a->net, a->w, &texts, ia_buf_view(&receipt), NULL, NULL))
    return NULL;
  return json_object_get(texts, "ending")
             ? json_pack("{s:O, s:O*, s:O*}", "ending", json_object_get(texts, "ending"), "cause",
                         json_object_get(texts, "cause"), "hints", json_object_get(texts, "hints"))
             : NULL;
}

/* One task to its end. *worst: the class of a failure, for the exit status. */
static bool follow(ia_run_ask *a, ia_cli *c, const ia_run_deal *deal, uint64_t i,
                   uint64_t matched_ms, json_t *rows, ia_code *worst, ia_err *e)
{
  ia_u256 index = ia_u256_of(deal->first + i);
  IA_AUTO_JSON *seen = NULL;
  ia_task_files files = {0};
  ia_h256 task;
  ia_path dir;

  ia_task_id(&task, &deal->id, &index);
  if (!ia_cli_task_wait(c, &a->net, &task, &seen, e) || !folder_of(&dir, c, deal, &task, i, e))
    return false;
  bool done = strcmp(ia_task_ending(seen), "COMPLETED") == 0;
  /* a failure's receipt is worth having, but its absence changes nothing */
  if (!ia_cli_task_take(c, &a->net, a->w, &task, dir.s, &files, e) && done)
    return ia_wrap(e, "the task is done, its result");
  /* the worker's report, with its times, reaches the scheduler just after the ledger's event */
  IA_AUTO_JSON *last = NULL;
  if (ia_to_scheduler_task(&a->net, &last, &task, NULL)) {
    json_t *earlier = seen;

    seen = json_incref(last);
    json_decref(earlier);
  }
  IA_AUTO_JSON *ending = done ? NULL : ending_of(c, a, seen, &files);
  const char *inside = json_string_value(json_object_get(ending, "cause"));
  if (!done)
    *worst =
        ia_cause_class(inside && ia_cause_is_known(inside) ? inside : ia_task_text(seen, "cause"));
  say_end(c, &task, seen, &files);
  if (ending)
    ia_cli_say(c, "The app ended: %s", json_string_value(json_object_get(ending, "ending")));
  if (inside && ia_cause_is_known(inside) && strcmp(inside, ia_task_text(seen, "cause")) != 0)
    ia_cli_say(c, "fix: %s", ia_cause_of(inside)->fix);
  ia_log_say_hints(c, ending);
  json_t *row = row_of(&task, seen, &files, matched_ms, e);
  if (row && a->bulk.n > 0) {
    json_t *states = ia_run_bulk_states(&a->bulk, deal->first + i, seen);

    ia_run_bulk_say(c, ia_h256_text(&task).s, states);
    json_object_set_new(row, "data", states);
  }
  return (row && json_array_append_new(rows, row) == 0) || ia_fail(e, IA_E_MEMORY, "out of memory");
}

static bool follow_all(ia_run_ask *a, ia_cli *c, const ia_run_deal *deal, uint64_t matched_ms,
                       json_t *answer, ia_err *e)
{
  json_t *rows = json_array(), *ids = json_array();
  ia_code worst = IA_OK;

  if (!ia_json_set(answer, "taskIds", ids, e) || !ia_json_set(answer, "tasks", rows, e))
    return false;
  for (uint64_t i = 0; i < deal->tasks; i++) {
    ia_u256 index = ia_u256_of(deal->first + i);
    ia_h256 task;

    ia_task_id(&task, &deal->id, &index);
    if (json_array_append_new(ids, ia_json_h256(&task)) != 0)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  if (ia_cli_flag(c, "no-wait"))
    return true;
  for (uint64_t i = 0; i < deal->tasks; i++)
    if (!follow(a, c, deal, i, matched_ms, rows, &worst, e))
      return false;
  if (worst != IA_OK)
    ia_cli_exit_status(c, ia_code_exit(worst));
  return true;
}

/* What the pool does not offer is refused before anything is signed. */
static bool fits_pool(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  ia_args app = {.addr = {a->want.app}};
  IA_AUTOV(ia_buf) store = {0};
  ia_app_info info = {0};
  ia_chain *chain;

  if (ia_cli_flag(c, "no-check"))
    return true;
  if (!ia_net_chain(&a->net, &chain, e))
    return false;
  /* an app that is not there is named later */
  bool known = ia_chain_read(chain, &info, &store, NULL, IA_CALL_VIEW_APP, &app, NULL);
  ia_autofree char *at =
      known ? strndup((const char *)info.multiaddr.ptr, info.multiaddr.len) : NULL;
  return ia_pool_memory_check(c, &a->net, a->memory, &info.checksum, at, e) &&
         ia_pool_room_check(c, a, e);
}

static bool run(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_run_ask) a = {0};
  IA_AUTO_JSON *answer = json_object();
  ia_run_deal deal;

  if (!ia_run_ask_open(&a, c, e) || !room(&a, c, e) || !fits_pool(&a, c, e) ||
      !ia_run_ask_secrets(&a, c, e) || !ia_run_ask_orders(&a, c, e) || !ask_before(&a, c, e) ||
      !pay(&a, c, e))
    return false;
  ia_cli_step(c, "match the orders");
  if (!ia_run_match(&a.net, a.w, &a.orders, &deal, e))
    return false;
  uint64_t matched_ms = ia_now_ms();
  ia_cli_say(c, "Deal created successfully %s", ia_h256_text(&deal.id).s);
  return ia_json_set(answer, "dealId", ia_json_h256(&deal.id), e) &&
         ia_json_set(answer, "transactionHash", ia_json_h256(&deal.tx), e) &&
         follow_all(&a, c, &deal, matched_ms, answer, e) && ia_cli_json(c, json_incref(answer), e);
}

static const ia_option options[] = {
    IA_RUN_OPTIONS("run"),
    {"max", "RLC", false, "most that the run may cost; then nothing is asked",
     "run 0xApp --max 0.1RLC"},
    {"out", "DIR", false, "where the result goes (result-TASK)", "run 0xApp --out ./mine"},
    {"no-wait", NULL, false, "end once the deal is made; then: iapp task TASK --follow",
     "run 0xApp --no-wait"},
    {"no-check", NULL, false, "ask neither the SMS nor the pool beforehand",
     "run 0xApp --no-check"},
    IA_OLDER_OPTIONS("run 0xApp"),
    {0},
};

const ia_verb ia_verb_run = {
    .name = "run",
    .args = "APP",
    .min_args = 1,
    .max_args = 1,
    .brief = "run an app, on protected data that are granted to you; fetch and decrypt the result",
    .example = "run 0xApp --data 0xData --out ./result",
    .options = options,
    .uses = IA_USES_WALLET | IA_USES_NET | IA_USES_PROJECT,
    .run = run,
};
