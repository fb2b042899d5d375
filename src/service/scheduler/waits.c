/* Why a task that nobody works on waits: "waitsFor" of a task, with a sentence for people. */
#include "base/causes.h"
#include "base/clock.h"
#include "service/scheduler/internal.h"

/* How the last attempt ended. */
typedef struct last_attempt {
  uint64_t n; /* attempts so far */
  char cause[SCH_CAUSE], code[SCH_CAUSE], message[SCH_MESSAGE];
} last_attempt;

static bool last_get(ia_scheduler *s, last_attempt *a, const ia_h256 *id, ia_err *e)
{
  ia_stmt *st;
  bool row;

  *a = (last_attempt){0};
  if (!ia_db_stmt(&st, s->db,
                  "SELECT cause, code, message, (SELECT count(*) FROM attempts WHERE task_id = $1)"
                  " FROM attempts WHERE task_id = $1 ORDER BY fencing DESC LIMIT 1",
                  e))
    return false;
  ia_bind_h256(st, 1, id);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return true;
  sch_copy(a->cause, sizeof(a->cause), ia_col_text(st, 0));
  sch_copy(a->code, sizeof(a->code), ia_col_text(st, 1));
  sch_copy(a->message, sizeof(a->message), ia_col_text(st, 2));
  a->n = ia_col_u64(st, 3);
  ia_stmt_reset(st);
  return true;
}

/* The list of a bulk deal's data is not there yet (load.c); *in: seconds until it is asked for. */
static bool is_pending(ia_scheduler *s, const ia_h256 *deal, bool *pending, uint64_t *in, ia_err *e)
{
  uint64_t now = ia_now();
  ia_stmt *st;

  if (!ia_db_stmt(&st, s->db, "SELECT next_load FROM deals WHERE deal_id = $1 AND pending = 1", e))
    return false;
  ia_bind_h256(st, 1, deal);
  if (!ia_stmt_step(st, pending, e))
    return false;
  if (!*pending)
    return true;
  *in = ia_col_u64(st, 0) > now ? ia_col_u64(st, 0) - now : 0;
  ia_stmt_reset(st);
  return true;
}

static json_t *with_text(const char *why, const ia_buf *text)
{
  return json_pack("{s:s, s:s%}", "why", why, "text", (const char *)text->ptr, text->len);
}

static json_t *blocks_json(ia_scheduler *s, uint64_t have)
{
  IA_AUTOV(ia_buf) text = {0};
  json_t *v;

  ia_buf_printf(&text, "waiting for blocks above its deal: %llu of %llu", (unsigned long long)have,
                (unsigned long long)s->confirmations);
  v = with_text("CONFIRMATIONS", &text);
  if (v) {
    json_object_set_new(v, "confirmations", json_integer((json_int_t)s->confirmations));
    json_object_set_new(v, "have", json_integer((json_int_t)have));
  }
  return v;
}

static json_t *data_json(uint64_t in)
{
  IA_AUTOV(ia_buf) text = {0};

  ia_buf_printf(&text, "waiting for the list of its data, which the blob store does not have; ");
  ia_buf_printf(&text, "next try in %llu s", (unsigned long long)in);
  return with_text("DATA", &text);
}

/* After an attempt that left no result. */
static json_t *retry_json(ia_scheduler *s, const sch_task *t, const last_attempt *a)
{
  uint64_t now = ia_now(), in = t->next_try > now ? t->next_try - now : 0;
  bool returned = strcmp(a->cause, SCH_RETURNED) == 0;
  IA_AUTO_JSON *rest = json_array();
  IA_AUTOV(ia_buf) text = {0};
  json_t *v;

  ia_buf_printf(&text, "attempt %llu %s: %s; ", (unsigned long long)a->n,
                returned ? "was handed back" : "failed",
                a->message[0] ? a->message : ia_cause_of(a->cause)->meaning);
  if (!sch_nobody_takes_tasks(s, &text, rest)) {
    ia_buf_printf(&text, "next ");
    if (in > 0)
      ia_buf_printf(&text, "in %llu s", (unsigned long long)in);
    else
      ia_buf_printf(&text, "as soon as a worker is free");
  }
  v = with_text("RETRY", &text);
  if (v && json_array_size(rest) > 0)
    json_object_set(v, "workers", rest);
  if (v)
    (void)json_object_update_new(
        v, json_pack("{s:I, s:s, s:s, s:s, s:I}", "attempt", (json_int_t)a->n, "cause", a->cause,
                     "code", a->code, "message", a->message, "nextInSeconds", (json_int_t)in));
  return v;
}

/* The pool was given away (ownership.c). */
static bool pool_json(ia_scheduler *s, json_t **out, const ia_h256 *id, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_stmt *st;
  bool row;

  if (!ia_db_stmt(&st, s->db, "SELECT message FROM tasks WHERE task_id = $1", e))
    return false;
  ia_bind_h256(st, 1, id);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (row) {
    ia_buf_str(&text, ia_col_text(st, 0));
    ia_stmt_reset(st);
  }
  *out = with_text("POOL", &text);
  return ia_buf_ok(&text, e);
}

static json_t *worker_json(ia_scheduler *s)
{
  IA_AUTO_JSON *rest = json_array();
  IA_AUTOV(ia_buf) text = {0};
  json_t *v;

  if (!sch_nobody_takes_tasks(s, &text, rest))
    ia_buf_printf(&text, "waiting for a free worker");
  v = with_text("WORKER", &text);
  if (v && json_array_size(rest) > 0)
    json_object_set(v, "workers", rest);
  return v;
}

bool sch_waits_json(ia_scheduler *s, const sch_task *t, json_t *iapp, ia_err *e)
{
  bool pending = false;
  uint64_t have, in = 0;
  last_attempt last;

  if (t->state > SCH_INITIALIZED || strcmp(t->cause, SCH_GONE) == 0)
    return true;
  if (strcmp(t->cause, SCH_MOVED) == 0) {
    json_t *pool = NULL;

    return pool_json(s, &pool, &t->id, e) && ia_json_set(iapp, "waitsFor", pool, e);
  }
  if (!sch_confirmations(s, &t->deal, &have, e) || !is_pending(s, &t->deal, &pending, &in, e) ||
      !last_get(s, &last, &t->id, e))
    return false;
  if (s->confirmations != 0 && have < s->confirmations)
    return ia_json_set(iapp, "waitsFor", blocks_json(s, have), e);
  if (pending)
    return ia_json_set(iapp, "waitsFor", data_json(in), e);
  if (t->state != SCH_INITIALIZED)
    return true;
  return ia_json_set(iapp, "waitsFor",
                     last.n > 0 && last.cause[0] ? retry_json(s, t, &last) : worker_json(s), e);
}
