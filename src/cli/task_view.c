/* A task as its scheduler tells it. */
#include "cli/task_view.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/causes.h"
#include "base/clock.h"
#include "client/to_scheduler.h"

enum { AWAY_MS = 60000, PAUSE_MIN_MS = 10, PAUSE_MAX_MS = 1000 };

const char *ia_task_state(const json_t *task)
{
  const char *state = json_string_value(json_object_get(task, "currentStatus"));

  return state ? state : "";
}

const char *ia_task_text(const json_t *task, const char *key)
{
  const char *text = json_string_value(json_object_get(json_object_get(task, "iapp"), key));

  return text ? text : "";
}

bool ia_task_is_over(const json_t *task)
{
  static const char *const over[] = {"COMPLETED", "RUNNING_FAILED", "CONTRIBUTION_TIMEOUT",
                                     "FAILED"};

  for (unsigned i = 0; i < IA_COUNT(over); i++)
    if (strcmp(ia_task_state(task), over[i]) == 0)
      return true;
  return false;
}

const char *ia_task_ending(const json_t *task)
{
  if (!ia_task_is_over(task))
    return ia_task_state(task);
  return strcmp(ia_task_state(task), "COMPLETED") == 0 ? "COMPLETED" : "FAILED";
}

/* The scheduler's sentence about why nobody works on it; NULL when somebody does. */
static const char *waits_text(const json_t *task)
{
  return json_string_value(
      json_object_get(json_object_get(json_object_get(task, "iapp"), "waitsFor"), "text"));
}

static size_t n_attempts(const json_t *task)
{
  return json_array_size(json_object_get(json_object_get(task, "iapp"), "attempts"));
}

static void tell(ia_cli *c, const json_t *task)
{
  static const struct {
    const char *state, *text;
  } words[] = {{"RECEIVED", "the scheduler has seen the deal"},
               {"INITIALIZED", "waiting for a worker"},
               {"RUNNING", "running in an enclave (SIMULATED where the pool says so)"}};
  size_t attempts = n_attempts(task);
  const char *waits = waits_text(task);

  if (waits) {
    ia_cli_step(c, "%s", waits);
    return;
  }
  for (unsigned i = 0; i < IA_COUNT(words); i++) {
    if (strcmp(words[i].state, ia_task_state(task)) != 0)
      continue;
    if (attempts > 1)
      ia_cli_step(c, "%s, attempt %zu", words[i].text, attempts);
    else
      ia_cli_step(c, "%s", words[i].text);
  }
}

/* A scheduler that does not know the task yet, or is away, is asked again. */
static bool is_passing(const ia_err *e)
{
  return e->code == IA_E_NOT_FOUND || e->code == IA_E_UNAVAILABLE || e->code == IA_E_TIMEOUT ||
         e->code == IA_E_BUSY;
}

bool ia_cli_task_wait(ia_cli *c, const ia_net *net, const ia_h256 *task, json_t **out, ia_err *e)
{
  uint64_t away = ia_mono_ms() + AWAY_MS;
  unsigned pause = PAUSE_MIN_MS;
  size_t attempts = SIZE_MAX;
  char state[48] = "";

  for (;;) {
    IA_AUTO_JSON *answer = NULL;
    ia_err why = {0};

    if (ia_to_scheduler_wait(net, &answer, task, state, attempts, &why)) {
      away = ia_mono_ms() + AWAY_MS;
      pause = PAUSE_MIN_MS;
      (void)snprintf(state, sizeof(state), "%s", ia_task_state(answer));
      attempts = n_attempts(answer);
      tell(c, answer);
      if (ia_task_is_over(answer)) {
        *out = json_incref(answer);
        return true;
      }
      continue;
    }
    if (!is_passing(&why) || ia_mono_ms() > away) {
      *e = why;
      return ia_hint(e, "the deal stands; look again: iapp task TASK --follow");
    }
    (void)usleep(pause * 1000);
    pause = pause * 2 < PAUSE_MAX_MS ? pause * 2 : PAUSE_MAX_MS;
  }
}

/* Milestones in their order; docs/protocol.md 6. */
static const char *const milestones[][2] = {
    {"matchedMs", "matched"},        {"seenMs", "seen"},
    {"leasedMs", "leased"},          {"guestMs", "guest ready"},
    {"releasedMs", "keys released"}, {"startedMs", "app started"},
    {"exitedMs", "app ended"},       {"resultMs", "result stored"},
    {"settledMs", "settled"},
};

bool ia_task_timeline(ia_buf *out, const json_t *timeline, ia_err *e)
{
  json_int_t first = 0;

  for (unsigned i = 0; i < IA_COUNT(milestones); i++) {
    json_int_t at = json_integer_value(json_object_get(timeline, milestones[i][0]));

    if (at == 0)
      continue;
    if (first == 0)
      first = at;
    ia_buf_printf(out, "%s%s +%" JSON_INTEGER_FORMAT " ms", out->len > 0 ? ", " : "",
                  milestones[i][1], at - first);
  }
  return ia_buf_ok(out, e);
}

static void say_failure(ia_cli *c, const json_t *task)
{
  const char *cause = ia_task_text(task, "cause"), *message = ia_task_text(task, "message");
  const ia_cause *known = ia_cause_of(cause);

  ia_cli_out(c, "  cause    %s: %s", cause[0] ? cause : "unknown", known->meaning);
  if (message[0])
    ia_cli_out(c, "  said     %s", message);
  ia_cli_out(c, "  fix      %s", known->fix);
}

/* Data of a slice that the SMS left out. */
static void say_refused(ia_cli *c, const json_t *list)
{
  const json_t *one;
  size_t i;

  json_array_foreach (list, i, one)
    ia_cli_out(c, "  refused  data %" JSON_INTEGER_FORMAT " of the slice, %s: %s, %s",
               json_integer_value(json_object_get(one, "index")),
               json_string_value(json_object_get(one, "address")),
               json_string_value(json_object_get(one, "code")),
               json_string_value(json_object_get(one, "reason")));
}

/* Data of a slice that the enclave could not use. */
static void say_failed(ia_cli *c, const json_t *list)
{
  const json_t *one;
  size_t i;

  json_array_foreach (list, i, one)
    ia_cli_out(c, "  failed   data %" JSON_INTEGER_FORMAT " of the slice, %s: %s",
               json_integer_value(json_object_get(one, "index")),
               json_string_value(json_object_get(one, "dataset")),
               json_string_value(json_object_get(one, "code")));
}

/* A result that is finished and not settled yet. */
static void say_settling(ia_cli *c, const json_t *ours)
{
  const json_t *attempts = json_object_get(ours, "attempts");
  const json_t *last = json_array_get(attempts, json_array_size(attempts) - 1);
  const char *state = json_string_value(json_object_get(last, "state"));
  const char *cause = json_string_value(json_object_get(ours, "cause"));

  if (state && strcmp(state, "SETTLE") == 0 && cause && cause[0])
    ia_cli_out(c, "  now      the result is finished; its settlement waits: %s [%s]",
               json_string_value(json_object_get(ours, "message")), cause);
}

static void say_waiting(ia_cli *c, const json_t *task)
{
  const char *waits = waits_text(task);

  if (waits)
    ia_cli_out(c, "  now      %s", waits);
  if (strcmp(ia_task_text(task, "cause"), "DEAL_REORGANISED") == 0)
    ia_cli_out(c, "  waits    for its deal: %s", ia_task_text(task, "message"));
}

/* With the worker's own sentence. */
static void say_attempt(ia_cli *c, size_t n, const json_t *attempt)
{
  const char *message = json_string_value(json_object_get(attempt, "message"));
  bool any = message && message[0];

  ia_cli_out(c, "  attempt  %zu by worker %s: %s %s%s%s", n,
             json_string_value(json_object_get(attempt, "worker")),
             json_string_value(json_object_get(attempt, "state")),
             json_string_value(json_object_get(attempt, "cause")), any ? ": " : "",
             any ? message : "");
}

/* When what was paid for a task that nobody will settle can be had back. */
static void say_money(ia_cli *c, const json_t *task)
{
  const json_t *ours = json_object_get(task, "iapp");
  json_int_t final = json_integer_value(json_object_get(ours, "finalDeadline"));

  if (json_is_true(json_object_get(ours, "claimable")))
    ia_cli_out(c, "  money    can be claimed back now: iapp task TASK --claim");
  else if (final > 0 && (strcmp(ia_task_state(task), "RUNNING_FAILED") == 0 ||
                         strcmp(ia_task_state(task), "CONTRIBUTION_TIMEOUT") == 0))
    ia_cli_out(c, "  money    can be claimed back from %s on: iapp task TASK --claim",
               ia_rfc3339((uint64_t) final).s);
}

void ia_cli_task_say(ia_cli *c, const json_t *task)
{
  const json_t *ours = json_object_get(task, "iapp"), *attempt;
  const json_t *attempts = json_object_get(ours, "attempts");
  IA_AUTOV(ia_buf) line = {0};
  size_t i;

  ia_cli_out(c, "  state    %s", ia_task_state(task));
  say_waiting(c, task);
  if (strcmp(ia_task_state(task), "RUNNING") == 0)
    say_settling(c, ours);
  if (ia_task_is_over(task) && strcmp(ia_task_ending(task), "FAILED") == 0)
    say_failure(c, task);
  json_array_foreach (attempts, i, attempt)
    say_attempt(c, i + 1, attempt);
  say_refused(c, json_object_get(ours, "refused"));
  say_failed(c, json_object_get(ours, "failed"));
  if (ia_task_timeline(&line, json_object_get(ours, "timeline"), NULL) && line.len > 0)
    ia_cli_out(c, "  times    %.*s", (int)line.len, (const char *)line.ptr);
  say_money(c, task);
}
