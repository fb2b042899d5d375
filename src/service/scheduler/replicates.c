/* Attempts in the words of iExec's scheduler, whose clients call them replicates. */
#include "base/clock.h"
#include "base/hex.h"
#include "eth/address.h"
#include "service/scheduler/internal.h"

/* How far a worker says it is, and what iExec calls that. */
static const char *const words[][2] = {
    {"LEASED", "CREATED"},
    {"IMAGE", "APP_DOWNLOADING"},
    {"ATTEST", "APP_DOWNLOADED"},
    {"INPUTS", "DATA_DOWNLOADING"},
    {"RUNNING", "COMPUTING"},
    {"RESULT", "COMPUTED"},
    {"SETTLE", "CONTRIBUTE_AND_FINALIZE_ONGOING"},
    {"DONE", "COMPLETED"},
};

static const char *word_of(const char *state)
{
  for (size_t i = 0; i < IA_COUNT(words); i++)
    if (strcmp(words[i][0], state) == 0)
      return words[i][1];
  return state;
}

static json_t *update(uint64_t ms, const char *status)
{
  return json_pack("{s:s, s:s}", "date", ia_rfc3339_ms(ms).s, "status", status);
}

json_t *sch_replicate_json(const sch_replicate *r, json_t *exit_code)
{
  bool failed = r->ended_ms != 0 && r->cause[0] != '\0';
  const char *status = failed ? "FAILED" : word_of(r->state);
  json_t *updates = json_pack("[o]", update(r->started_ms, "CREATED"));

  if (updates && r->ended_ms != 0)
    json_array_append_new(updates, update(r->ended_ms, status));
  return json_pack("{s:o, s:o?, s:s, s:o}", "walletAddress", ia_json_addr(&r->worker),
                   "appExitCode", exit_code, "currentStatus", status, "statusUpdateList", updates);
}

bool sch_replicate_worker(ia_request *rq, ia_addr *worker, ia_err *e)
{
  return ia_addr_parse(worker, ia_request_param(rq, "worker"), NULL) ||
         ia_fail(e, IA_E_INVALID, "replicates: want a worker's address");
}

/* The last attempt of that worker. */
bool sch_replicate_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  SCH_LOCKED *s = ctx;
  IA_AUTO_JSON *task = NULL;
  const json_t *one, *found = NULL;
  ia_addr worker, has;
  ia_h256 id;
  size_t i;

  sch_lock(s);
  if (!sch_task_of(rq, &id, e) || !sch_replicate_worker(rq, &worker, e) ||
      !(task = sch_task_json(s, &id, e)))
    return false;
  json_array_foreach (json_object_get(task, "replicates"), i, one)
    if (ia_json_get_addr(one, "walletAddress", &has, NULL) && ia_addr_eq(&has, &worker))
      found = one;
  return found ? ia_reply_json(rp, 200, found, e)
               : ia_fail(e, IA_E_NOT_FOUND, "that worker has no replicate of this task");
}

bool sch_version_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx;
  (void)rq;
  ia_reply_type(rp, "text/plain"); /* as iExec's */
  ia_buf_str(ia_reply_body(rp), IA_VERSION);
  return ia_buf_ok(ia_reply_body(rp), e);
}
