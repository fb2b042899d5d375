/* The owner's view of what happened to her data: every decision about it, released or refused. */
#include "base/clock.h"
#include "eth/address.h"
#include "eth/eip191.h"
#include "service/sms/internal.h"

enum { PAGE = 200, FRESH_SECONDS = 300 };

bool ia_sms_audit_put(ia_db *db, const ia_sms_entry *x, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "INSERT INTO audit (object, time, verdict, code, message, task, deal, app,"
                  " requester, purpose, order_hash, release)"
                  " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
                  e))
    return false;
  ia_bind_addr(st, 1, &x->object);
  ia_bind_u64(st, 2, x->time);
  ia_bind_text(st, 3, x->released ? "release" : "refuse");
  ia_bind_text(st, 4, ia_code_name(x->code));
  ia_bind_text(st, 5, x->message);
  ia_bind_h256(st, 6, &x->task);
  ia_bind_h256(st, 7, &x->deal);
  ia_bind_addr(st, 8, &x->app);
  ia_bind_addr(st, 9, &x->requester);
  ia_bind_text(st, 10, x->purpose);
  ia_bind_h256(st, 11, &x->order_hash);
  if (x->release)
    ia_bind_u64(st, 12, x->release);
  else
    ia_bind_null(st, 12);
  return ia_stmt_run(st, e);
}

struct page {
  ia_addr object;
  uint64_t after;
  json_t *entries; /* owned by the handler */
  uint64_t last;
  bool more;
};

/* Column i as JSON. */
static json_t *hex_of(ia_stmt *st, int i)
{
  return ia_json_hex(ia_col_bytes(st, i));
}

static bool add_entry(struct page *p, ia_stmt *st, ia_err *e)
{
  json_t *v =
      json_pack("{s:I, s:I, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:s, s:o}", "seq",
                (json_int_t)ia_col_i64(st, 0), "time", (json_int_t)ia_col_i64(st, 1), "verdict",
                ia_col_text(st, 2), "code", ia_col_text(st, 3), "message", ia_col_text(st, 4),
                "taskId", hex_of(st, 5), "dealId", hex_of(st, 6), "app", hex_of(st, 7), "requester",
                hex_of(st, 8), "purpose", ia_col_text(st, 9), "orderHash", hex_of(st, 10));

  if (!v || json_array_append_new(p->entries, v) != 0)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  p->last = ia_col_u64(st, 0);
  return ia_col_null(st, 11) || (ia_json_set(v, "record", ia_json_bytes(ia_col_bytes(st, 11)), e) &&
                                 ia_json_set(v, "recordSig", ia_json_hex(ia_col_bytes(st, 12)), e));
}

static bool unit_page(void *ctx, ia_db *db, ia_err *e)
{
  struct page *p = ctx;
  bool row = false, ok = true;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "SELECT a.seq, a.time, a.verdict, a.code, a.message, a.task, a.deal, a.app,"
                  " a.requester, a.purpose, a.order_hash, r.record, r.sig"
                  " FROM audit a LEFT JOIN release r ON r.seq = a.release"
                  " WHERE a.object = $1 AND a.seq > $2 ORDER BY a.seq LIMIT $3",
                  e))
    return false;
  ia_bind_addr(st, 1, &p->object);
  ia_bind_u64(st, 2, p->after);
  ia_bind_u64(st, 3, PAGE + 1);
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row) {
    if (json_array_size(p->entries) == PAGE) {
      p->more = true;
      break;
    }
    ok = add_entry(p, st, e);
  }
  ia_stmt_reset(st);
  return ok;
}

static bool decimal(uint64_t *out, ia_span text)
{
  *out = 0;
  for (size_t i = 0; i < text.len; i++)
    if (text.ptr[i] < '0' || text.ptr[i] > '9' || __builtin_mul_overflow(*out, 10u, out) ||
        __builtin_add_overflow(*out, (uint64_t)(text.ptr[i] - '0'), out))
      return false;
  return text.len > 0;
}

/* "<version>_<signature>": an owner's message of kind audit, body {}, not older than 300 s. */
bool ia_sms_reader(ia_sms *s, const ia_request *rq, const ia_addr *object, ia_addr *out, ia_err *e)
{
  ia_owner_message m = {.domain = s->domain,
                        .kind = "audit",
                        .chain_id = s->pins.chain_id,
                        .hub = s->pins.hub,
                        .sms_key = s->keys.sms_key,
                        .object = *object,
                        .body = ia_span_str("{}")};
  ia_span text = ia_request_header(rq, "Authorization");
  const uint8_t *cut = text.len > 0 ? memchr(text.ptr, '_', text.len) : NULL;
  uint64_t now = ia_now();
  uint8_t sig[65];
  ia_h256 h;

  if (!cut || !decimal(&m.version, ia_span_of(text.ptr, (size_t)(cut - text.ptr))) ||
      !ia_unhex(sig, 65, ia_span_of(cut + 1, (size_t)(text.ptr + text.len - cut - 1))))
    return ia_fail(e, IA_E_UNAUTHORIZED, "the Authorization header is not <version>_<signature>");
  if (m.version / 1000 + FRESH_SECONDS < now || m.version / 1000 > now + FRESH_SECONDS)
    return ia_fail(e, IA_E_UNAUTHORIZED, "the signature is too old");
  if (!ia_owner_message_hash(&h, &m, e))
    return false;
  return ia_eip191_recover(out, IA_SPAN_ARR(h.b), IA_SPAN_ARR(sig), NULL) ||
         ia_fail(e, IA_E_UNAUTHORIZED, "the signature does not fit");
}

bool ia_sms_h_log(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms *s = ctx;
  IA_AUTO_JSON *entries = json_array(), *answer = NULL;
  struct page p = {.entries = entries};
  ia_sms_owned owned;
  ia_addr signer;
  ia_span text;

  if (!ia_request_query(rq, "object", &text) || !ia_addr_parse(&p.object, text, NULL))
    return ia_fail(e, IA_E_INVALID, "object is missing");
  if (ia_request_query(rq, "after", &text) && !decimal(&p.after, text))
    return ia_fail(e, IA_E_INVALID, "after is no number");
  if (!ia_sms_reader(s, rq, &p.object, &signer, e) ||
      !ia_sms_object_owner(s, &p.object, &signer, &owned, e))
    return false;
  if (!ia_addr_eq(&signer, &owned.owner))
    return ia_fail(e, IA_E_UNAUTHORIZED, "not signed by the owner, %s",
                   ia_addr_text(&owned.owner).s);
  if (!ia_sms_store_run(s->store, false, unit_page, &p, e))
    return false;
  answer = json_pack("{s:O}", "entries", entries);
  return answer && (!p.more || ia_json_set(answer, "next", json_integer((json_int_t)p.last), e)) &&
         ia_reply_json(rp, 200, answer, e);
}
