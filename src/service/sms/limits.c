/* What the owner of a dataset has said of it, and what was used of it: her policy, the terms of her
 * grants, what she revoked, and how many tasks got the key. For her alone. */
#include "base/clock.h"
#include "eth/address.h"
#include "service/sms/internal.h"

enum { PAGE = 200, PAGE_BYTES = 4 << 20 };

struct limits {
  const ia_sms *s;
  ia_addr object, signer;
  ia_h256 after; /* order hash of the last page's end; zero: from the beginning */
  json_t *answer;
};

/* Text that is canonical JSON, as it was taken. */
static json_t *parsed(ia_span text, ia_err *e)
{
  return text.len > 0 ? ia_json_parse(text, 0, e) : json_null();
}

static bool put_policy(struct limits *q, ia_db *db, ia_err *e)
{
  bool row = false, ok = true;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "SELECT version, body FROM message"
                  " WHERE object = $1 AND kind = 'policy' AND signer = $2",
                  e))
    return false;
  ia_bind_addr(st, 1, &q->object);
  ia_bind_addr(st, 2, &q->signer);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (row)
    ok = ia_json_set(q->answer, "policy", parsed(ia_col_bytes(st, 1), e), e) &&
         ia_json_set(q->answer, "policyVersion", json_integer((json_int_t)ia_col_u64(st, 0)), e);
  else
    ok = ia_json_set(q->answer, "policy", json_null(), e) &&
         ia_json_set(q->answer, "policyVersion", json_integer(0), e);
  ia_stmt_reset(st);
  return ok;
}

/* Distinct tasks that got the key of this dataset, ever and in the UTC day. */
static bool put_runs(struct limits *q, ia_db *db, ia_err *e)
{
  static const ia_h256 no_task;
  ia_sms_memory mem = {db, q->s, ia_now()};
  ia_release_memory m = ia_sms_memory_view(&mem);
  uint64_t total = 0, today = 0;

  return m.dataset_tasks(m.ctx, &q->object, &no_task, mem.now, &total, &today, e) &&
         ia_json_set(
             q->answer, "runs",
             json_pack("{s:I, s:I}", "total", (json_int_t)total, "today", (json_int_t)today), e);
}

/* Orders that something is known of, by their hashes, from `after` on. */
static const char orders[] =
    "SELECT k.order_hash, t.version, t.body,"
    " (SELECT count(*) FROM revoked r WHERE r.object = $1 AND r.signer = $2 AND"
    "   r.order_hash = k.order_hash) FROM"
    " (SELECT order_hash FROM terms WHERE object = $1 AND signer = $2 UNION"
    "  SELECT order_hash FROM revoked WHERE object = $1 AND signer = $2 UNION"
    "  SELECT order_hash FROM release WHERE dataset = $1 UNION"
    "  SELECT order_hash FROM release_slice WHERE dataset = $1) k"
    " LEFT JOIN terms t ON t.object = $1 AND t.signer = $2 AND t.order_hash = k.order_hash"
    " WHERE k.order_hash > $3 ORDER BY k.order_hash LIMIT $4";

static bool put_grant(struct limits *q, ia_db *db, json_t *list, ia_stmt *st, ia_err *e)
{
  static const ia_h256 no_task;
  ia_sms_memory mem = {db, q->s, ia_now()};
  ia_release_memory m = ia_sms_memory_view(&mem);
  json_t *terms = NULL, *row;
  uint64_t runs = 0;
  ia_h256 order;

  if (!ia_col_h256(st, 0, &order, e) || !m.order_tasks(m.ctx, &order, &no_task, &runs, e) ||
      !(terms = parsed(ia_col_bytes(st, 2), e)))
    return false;
  row = json_pack("{s:o, s:I, s:o, s:I, s:b}", "orderHash", ia_json_h256(&order), "version",
                  (json_int_t)ia_col_u64(st, 1), "terms", terms, "runs", (json_int_t)runs,
                  "revoked", ia_col_u64(st, 3) > 0);
  return json_array_append_new(list, row) == 0 || ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

static bool put_grants(struct limits *q, ia_db *db, ia_err *e)
{
  json_t *list = json_array();
  bool row = false, ok = true;
  size_t bytes = 0;
  ia_stmt *st;

  if (!ia_json_set(q->answer, "grants", list, e) || !ia_db_stmt(&st, db, orders, e))
    return false;
  ia_bind_addr(st, 1, &q->object);
  ia_bind_addr(st, 2, &q->signer);
  ia_bind_h256(st, 3, &q->after);
  ia_bind_u64(st, 4, PAGE + 1);
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row) {
    if (json_array_size(list) == PAGE || bytes > PAGE_BYTES) {
      const json_t *last = json_array_get(list, json_array_size(list) - 1);

      ok = ia_json_set(q->answer, "next", json_incref(json_object_get(last, "orderHash")), e);
      break;
    }
    bytes += ia_col_bytes(st, 2).len;
    ok = put_grant(q, db, list, st, e);
  }
  ia_stmt_reset(st);
  return ok;
}

static bool unit_limits(void *ctx, ia_db *db, ia_err *e)
{
  struct limits *q = ctx;
  static const ia_h256 all;
  ia_sms_memory mem = {db, q->s, ia_now()};
  ia_release_memory m = ia_sms_memory_view(&mem);
  bool revoked = true;

  /* of "all", which the zero hash stands for */
  return m.revoked(m.ctx, &q->object, &q->signer, &all, &revoked, e) &&
         ia_json_set(q->answer, "revokedAll", json_boolean(revoked), e) && put_policy(q, db, e) &&
         put_runs(q, db, e) && put_grants(q, db, e);
}

bool ia_sms_h_limits(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms *s = ctx;
  IA_AUTO_JSON *asked = NULL, *answer = json_object();
  struct limits q = {.s = s, .answer = answer};
  ia_sms_owned owned;
  ia_sms_asker asker;
  ia_span text;

  if (!ia_request_query(rq, "object", &text) || !ia_addr_parse(&q.object, text, NULL))
    return ia_fail(e, IA_E_INVALID, "object is missing");
  if (ia_request_query(rq, "after", &text) && !ia_h256_parse(&q.after, text))
    return ia_fail(e, IA_E_INVALID, "after is not the hash of an order");
  asked = json_pack("{s:o}", "limitsAfter", ia_json_h256(&q.after));
  if (!asked || !answer)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  if (!ia_sms_asker_read(s, rq, "audit", &q.object, asked, &asker, e) ||
      !ia_sms_object_owner(s, &q.object, &asker.signer, &owned, e))
    return false;
  if (!ia_addr_eq(&asker.signer, &owned.owner))
    return ia_fail(e, IA_E_UNAUTHORIZED, "not signed by the proven owner of this object");
  q.signer = asker.signer;
  return ia_sms_store_run(s->store, unit_limits, &q, e) &&
         ia_sms_reply_sealed(s, &asker, answer, rp, e);
}
