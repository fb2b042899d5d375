/* How a released task ended, by the word of its enclave. A run in which the app failed by its own
 * fault counts against the task's limit; nothing else that anybody says of a run does. */
#include "base/causes.h"
#include "receipt/record.h"
#include "receipt/run.h"
#include "service/sms/internal.h"

enum { RECORD_FIELD = 5 }; /* of IA_J_RELEASE */

struct ended {
  const ia_run *run;
  ia_addr signer;
  bool counted;
};

/* Is this the record of the release that the statement's enclave got? */
static bool is_of(const struct ended *w, ia_span text)
{
  IA_AUTOV(ia_record) r = {0};

  return ia_record_parse(&r, text, NULL) && ia_addr_eq(&r.enclave, &w->signer) &&
         ia_h256_eq(&r.nonce, &w->run->nonce) && ia_h256_eq(&r.task_id, &w->run->desc.task_id);
}

/* The release after number *seq, and its entry; *row false: there is none. */
static bool next_release(const struct ended *w, ia_db *db, uint64_t *seq, ia_buf *body,
                         ia_fields *f, bool *row, ia_err *e)
{
  uint8_t digest[32];
  uint64_t at;
  ia_span raw;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "SELECT seq, at, digest FROM release WHERE task = $1 AND seq > $2"
                  " ORDER BY seq LIMIT 1",
                  e))
    return false;
  ia_bind_h256(st, 1, &w->run->desc.task_id);
  ia_bind_u64(st, 2, *seq);
  if (!ia_stmt_step(st, row, e) || !*row)
    return !*row;
  *seq = ia_col_u64(st, 0);
  at = ia_col_u64(st, 1);
  raw = ia_col_bytes(st, 2);
  bool ok = ia_span_copy(&raw, digest, sizeof(digest));
  ia_stmt_reset(st);
  return (ok || ia_fail(e, IA_E_CORRUPT, "sms: a release without its hash")) &&
         ia_journal_read(db, at, IA_SPAN_ARR(digest), body, f, e);
}

static bool find_release(const struct ended *w, ia_db *db, uint64_t *seq, ia_err *e)
{
  *seq = 0;
  for (;;) {
    IA_AUTOV(ia_buf) body = {0};
    ia_fields f = {0};
    bool row = false;

    if (!next_release(w, db, seq, &body, &f, &row, e))
      return false;
    if (!row)
      return ia_fail(e, IA_E_FORBIDDEN, "no keys were released to the enclave of this statement");
    if (f.n > RECORD_FIELD && is_of(w, f.f[RECORD_FIELD].bytes))
      return true;
  }
}

static bool is_known(ia_db *db, uint64_t seq, bool *known, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "SELECT 1 FROM ended WHERE seq = $1", e))
    return false;
  ia_bind_u64(st, 1, seq);
  if (!ia_stmt_step(st, known, e))
    return false;
  if (*known)
    ia_stmt_reset(st);
  return true;
}

static bool unit_ended(void *ctx, ia_db *db, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};
  struct ended *w = ctx;
  uint64_t seq;
  bool known;

  if (!find_release(w, db, &seq, e) || !is_known(db, seq, &known, e))
    return false;
  w->counted = true;
  if (known)
    return true;
  ia_entry_begin(&x, IA_J_ENDED);
  ia_entry_u64(&x, seq);
  ia_entry_h256(&x, &w->run->desc.task_id);
  ia_entry_text(&x, ia_span_str(w->run->cause));
  return ia_journal_put(db, &x, NULL, e);
}

bool ia_sms_h_ended(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  static const char *const keys[] = {"run", NULL};
  ia_sms *s = ctx;
  IA_AUTO_JSON *v = ia_request_json(rq, e), *answer = NULL;
  IA_AUTOV(ia_run) run = {0};
  struct ended w = {.run = &run};
  json_t *envelope;

  if (!v || !ia_json_only(v, keys, e) || !ia_json_get_obj(v, "run", &envelope, e) ||
      !ia_run_open(&run, &w.signer, envelope, e))
    return false;
  if (run.cause[0] != '\0' && ia_cause_fault(run.cause) == IA_FAULT_APP &&
      !ia_sms_store_run(s->store, unit_ended, &w, e))
    return false;
  answer = json_pack("{s:b}", "counted", w.counted);
  return answer ? ia_reply_json(rp, 200, answer, e) : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}
