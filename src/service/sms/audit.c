/* The owner's view of what happened to her data: every decision about it, released or refused, and
 * every message of an owner about it. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "eth/address.h"
#include "service/sms/internal.h"

enum { PAGE = 200, PAGE_BYTES = 4 << 20, BODY_SHOWN = 2048 /* of a message, in a line */ };

/* Fields of a line in the journal. */
enum { OBJECT, VERDICT, TASK, TIME, CODE, MESSAGE, DEAL, APP, REQUESTER, PURPOSE, ORDER, RELEASE };

/* What VERDICT holds. */
enum { RELEASED, REFUSED, MESSAGE_TAKEN };

static const char *const verdicts[] = {"release", "refuse", "message"};

static const char *verdict_of(const ia_fields *v)
{
  uint64_t i = v->f[VERDICT].number;

  return i < IA_COUNT(verdicts) ? verdicts[i] : "?";
}

bool ia_sms_audit_put(ia_db *db, const ia_sms_entry *x, ia_err *e)
{
  IA_AUTOV(ia_entry) line = {0};

  ia_entry_begin(&line, IA_J_AUDIT);
  ia_entry_addr(&line, &x->object);
  ia_entry_u64(&line, x->released ? RELEASED : REFUSED);
  ia_entry_h256(&line, &x->task);
  ia_entry_u64(&line, x->time);
  ia_entry_text(&line, ia_span_str(ia_code_name(x->code)));
  ia_entry_text(&line, ia_span_str(x->message));
  ia_entry_h256(&line, &x->deal);
  ia_entry_addr(&line, &x->app);
  ia_entry_addr(&line, &x->requester);
  ia_entry_text(&line, ia_span_str(x->purpose));
  ia_entry_h256(&line, &x->order_hash);
  ia_entry_u64(&line, x->release);
  return ia_journal_put(db, &line, NULL, e);
}

/* Every owner of a slice finds her own line; when the task as a whole was refused, that is why. */
static bool put_slice(ia_db *db, const ia_release_plan *plan, const ia_sms_entry *whole, ia_err *e)
{
  for (size_t i = 0; i < plan->n_slice; i++) {
    const ia_slice_item *it = &plan->slice[i];
    ia_sms_entry x = *whole;

    if (ia_addr_zero(&it->dataset))
      continue;
    x.object = it->dataset;
    x.order_hash = it->order_hash;
    if (it->code != IA_OK) {
      x.released = false;
      x.release = 0;
      x.code = it->code;
      x.message = it->detail[0] ? it->detail : it->reason;
    }
    if (!ia_sms_audit_put(db, &x, e))
      return false;
  }
  return true;
}

/* The owner's log names the rule of hers that refused. */
static const char *reason_of(const ia_clause *why, char out[256])
{
  if (!ia_refusal_of_owner(why->clause))
    return why->message;
  (void)!snprintf(out, 256, "%s: %s", why->clause, why->message);
  return out;
}

bool ia_sms_audit_release(ia_db *db, const ia_release_plan *plan, const ia_ruling *ruling,
                          const ia_release_facts *f, uint64_t now, uint64_t seq, ia_err *e)
{
  const ia_clause *why = ruling->refused ? &ruling->line[ruling->first] : NULL;
  char reason[256];
  ia_sms_entry x = {.object = plan->has_dataset ? f->match.dataset.dataset : f->match.app.app,
                    .time = now,
                    .released = !why,
                    .code = why ? why->code : IA_OK,
                    .message = why ? reason_of(why, reason) : "",
                    .task = f->task_id,
                    .deal = plan->deal_id,
                    .order_hash =
                        plan->order_hash[plan->has_dataset ? IA_ORDER_DATASET : IA_ORDER_APP],
                    .app = f->match.app.app,
                    .requester = f->match.request.requester,
                    .purpose = plan->purpose,
                    .release = why ? 0 : seq};

  return ia_sms_audit_put(db, &x, e) && put_slice(db, plan, &x, e);
}

bool ia_sms_audit_message(ia_db *db, const ia_addr *object, const ia_addr *signer, const char *kind,
                          uint64_t version, ia_span body, ia_err *e)
{
  static const ia_h256 none;
  static const ia_addr nobody;
  IA_AUTOV(ia_entry) line = {0};
  IA_AUTOV(ia_buf) text = {0};
  bool whole = body.len <= BODY_SHOWN;

  ia_buf_printf(&text, "version %" PRIu64 ": ", version);
  ia_buf_span(&text, ia_span_of(body.ptr, whole ? body.len : 0));
  if (!whole)
    ia_buf_printf(&text, "%zu bytes", body.len);
  ia_entry_begin(&line, IA_J_AUDIT);
  ia_entry_addr(&line, object);
  ia_entry_u64(&line, MESSAGE_TAKEN);
  ia_entry_h256(&line, &none);
  ia_entry_u64(&line, ia_now());
  ia_entry_text(&line, ia_span_str(kind));
  ia_entry_text(&line, ia_buf_view(&text));
  ia_entry_h256(&line, &none);
  ia_entry_addr(&line, &nobody);
  ia_entry_addr(&line, signer);
  ia_entry_text(&line, ia_span_str(""));
  ia_entry_h256(&line, &none);
  ia_entry_u64(&line, 0);
  return ia_buf_ok(&text, e) && ia_journal_put(db, &line, NULL, e);
}

bool ia_sms_audit_head(ia_db *db, uint64_t at, ia_span digest, json_t **out, ia_err *e)
{
  IA_AUTOV(ia_buf) body = {0};
  ia_fields v;

  if (!ia_journal_read(db, at, digest, &body, &v, e))
    return false;
  *out = json_pack("{s:I, s:s, s:o, s:o}", "time", (json_int_t)v.f[TIME].number, "verdict",
                   verdict_of(&v), "code", ia_json_bytes(v.f[CODE].bytes), "message",
                   ia_json_bytes(v.f[MESSAGE].bytes));
  return *out || ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

struct page {
  ia_addr object;
  uint64_t after;
  json_t *entries; /* owned by the handler */
  uint64_t last;
  size_t bytes; /* of the records */
  bool more;
};

/* The record of a release and its signature. */
static bool add_record(struct page *p, json_t *line, ia_db *db, uint64_t number, ia_err *e)
{
  IA_AUTOV(ia_buf) body = {0};
  bool row = false, ok = true;
  ia_fields v;
  ia_stmt *st;

  if (number == 0)
    return true;
  if (!ia_db_stmt(&st, db, "SELECT at, digest FROM release WHERE seq = $1", e))
    return false;
  ia_bind_u64(st, 1, number);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (row)
    ok = ia_journal_read(db, ia_col_u64(st, 0), ia_col_bytes(st, 1), &body, &v, e) &&
         ia_json_set(line, "record", ia_json_bytes(v.f[5].bytes), e) &&
         ia_json_set(line, "recordSig", ia_json_hex(v.f[6].bytes), e);
  p->bytes += body.len;
  ia_stmt_reset(st);
  return ok;
}

static bool add_entry(struct page *p, ia_db *db, uint64_t at, ia_span digest, ia_err *e)
{
  IA_AUTOV(ia_buf) body = {0};
  ia_fields v;
  json_t *line;

  if (!ia_journal_read(db, at, digest, &body, &v, e))
    return false;
  line = json_pack("{s:I, s:I, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "seq", (json_int_t)at,
                   "time", (json_int_t)v.f[TIME].number, "verdict", verdict_of(&v), "code",
                   ia_json_bytes(v.f[CODE].bytes), "message", ia_json_bytes(v.f[MESSAGE].bytes),
                   "taskId", ia_json_hex(v.f[TASK].bytes), "dealId", ia_json_hex(v.f[DEAL].bytes),
                   "app", ia_json_hex(v.f[APP].bytes), "requester",
                   ia_json_hex(v.f[REQUESTER].bytes), "purpose", ia_json_bytes(v.f[PURPOSE].bytes),
                   "orderHash", ia_json_hex(v.f[ORDER].bytes));
  if (!line || json_array_append_new(p->entries, line) != 0)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  p->last = at;
  return add_record(p, line, db, v.f[RELEASE].number, e);
}

static bool unit_page(void *ctx, ia_db *db, ia_err *e)
{
  struct page *p = ctx;
  bool row = false, ok = true;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "SELECT at, digest FROM audit WHERE object = $1 AND at > $2 ORDER BY at LIMIT $3",
                  e))
    return false;
  ia_bind_addr(st, 1, &p->object);
  ia_bind_u64(st, 2, p->after);
  ia_bind_u64(st, 3, PAGE + 1);
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row) {
    if (json_array_size(p->entries) == PAGE || p->bytes > PAGE_BYTES) {
      p->more = true;
      break;
    }
    ok = add_entry(p, db, ia_col_u64(st, 0), ia_col_bytes(st, 1), e);
  }
  ia_stmt_reset(st);
  return ok;
}

bool ia_sms_h_log(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms *s = ctx;
  IA_AUTO_JSON *entries = json_array(), *asked = NULL, *answer = NULL;
  struct page p = {.entries = entries};
  ia_sms_owned owned;
  ia_sms_asker asker;
  ia_span text;

  if (!ia_request_query(rq, "object", &text) || !ia_addr_parse(&p.object, text, NULL))
    return ia_fail(e, IA_E_INVALID, "object is missing");
  if (ia_request_query(rq, "after", &text) && !ia_sms_decimal(&p.after, text))
    return ia_fail(e, IA_E_INVALID, "after is no number");
  if (p.after > INT64_MAX)
    return ia_fail(e, IA_E_INVALID, "after is no number");
  asked = json_pack("{s:I}", "after", (json_int_t)p.after);
  if (!asked)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  if (!ia_sms_asker_read(s, rq, "audit", &p.object, asked, &asker, e) ||
      !ia_sms_object_owner(s, &p.object, &asker.signer, &owned, e))
    return false;
  if (!ia_addr_eq(&asker.signer, &owned.owner))
    return ia_fail(e, IA_E_UNAUTHORIZED, "not signed by the proven owner of this object");
  if (!ia_sms_store_run(s->store, unit_page, &p, e))
    return false;
  answer = json_pack("{s:O}", "entries", entries);
  return answer && (!p.more || ia_json_set(answer, "next", json_integer((json_int_t)p.last), e)) &&
         ia_sms_reply_sealed(s, &asker, answer, rp, e);
}
