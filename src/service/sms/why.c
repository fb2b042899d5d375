/* Would this run get its keys, or why did it not? The decision of the release without evidence and
 * without writing. Who asks may sign the question, as an owner's message of the kind "why", object
 * zero, body the canonical JSON of the question: the requester then reads sentences, the owner all
 * that concerns her data, anyone else codes. */
#include "base/clock.h"
#include "poco/orders.h"
#include "service/sms/internal.h"

struct why {
  ia_sms *s;
  ia_sms_facts *x;
  ia_release_plan *plan;
  ia_ruling *ruling;
  bool has_signer;
  ia_sms_asker asker;
  ia_ruling_reader reader;
  json_t *past; /* decisions that were made about the task */
};

static bool add_past(struct why *w, ia_db *db, const ia_addr *object, bool owner, ia_err *e)
{
  bool row = false, ok = true;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db,
                  "SELECT at, digest FROM audit WHERE task = $1 AND object = $2 ORDER BY at"
                  " LIMIT 32",
                  e))
    return false;
  ia_bind_h256(st, 1, &w->x->f.task_id);
  ia_bind_addr(st, 2, object);
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row) {
    json_t *line = NULL;

    ok = ia_sms_audit_head(db, ia_col_u64(st, 0), ia_col_bytes(st, 1), &line, e);
    if (ok && !owner)
      (void)json_object_del(line, "message");
    ok = ok &&
         (json_array_append_new(w->past, line) == 0 || ia_fail(e, IA_E_MEMORY, "sms: no memory"));
  }
  ia_stmt_reset(st);
  return ok;
}

/* The object whose log holds the decisions about the task as a whole. */
static const ia_addr *object_of(const struct why *w)
{
  const ia_match *m = &w->x->f.match;

  return ia_addr_zero(&m->dataset.dataset) ? &m->app.app : &m->dataset.dataset;
}

static bool owns_item(const struct why *w, const ia_slice_item *it)
{
  return w->has_signer && it->code != IA_E_OWNER_UNPROVEN && !ia_addr_zero(&it->owner) &&
         ia_addr_eq(&it->owner, &w->asker.signer);
}

/* Messages of the past go to the owner of the object that they are about, codes to the requester
 * too. */
static bool all_past(struct why *w, ia_db *db, ia_err *e)
{
  bool requester = w->has_signer && w->x->f.has_match &&
                   ia_addr_eq(&w->asker.signer, &w->x->f.match.request.requester);
  bool owner = w->reader == IA_READER_OWNER;

  if (w->x->f.planned || !w->x->f.has_match)
    return true;
  if ((owner || requester) && !add_past(w, db, object_of(w), owner, e))
    return false;
  for (size_t i = 0; i < w->plan->n_slice; i++) {
    const ia_slice_item *it = &w->plan->slice[i];

    if (owns_item(w, it) && !add_past(w, db, &it->dataset, true, e))
      return false;
  }
  return true;
}

static bool unit_why(void *ctx, ia_db *db, ia_err *e)
{
  struct why *w = ctx;
  ia_sms_memory mem = {db, w->s, w->x->f.now = ia_now()};
  ia_release_memory view = ia_sms_memory_view(&mem);

  if (!w->ruling->refused && ia_release_admit(w->plan, w->ruling, &w->x->f, &view))
    (void)!ia_release_secrets(w->plan, w->ruling, &w->x->f, &view);
  return all_past(w, db, e);
}

/* After the facts are there: as whom the signer reads. */
static void find_reader(struct why *w)
{
  ia_sms_owned owned;

  w->reader = IA_READER_ANYONE;
  if (!w->has_signer || !w->x->f.has_match)
    return;
  if (ia_addr_eq(&w->asker.signer, &w->x->f.match.request.requester)) {
    w->reader = IA_READER_REQUESTER;
    if (w->x->f.planned)
      return; /* of `iapp run`, which does not wait for more of the ledger */
  }
  /* proven now: what the plan holds may be the owner of whom the proof broke off */
  if (!w->plan->bulk && !ia_addr_eq(object_of(w), &w->asker.signer) &&
      ia_sms_object_owner(w->s, object_of(w), &w->asker.signer, &owned, NULL) &&
      ia_addr_eq(&owned.owner, &w->asker.signer))
    w->reader = IA_READER_OWNER;
}

static bool gather(struct why *w, ia_err *e)
{
  ia_release_facts *f = &w->x->f;
  ia_sms_ledger *l = NULL;
  ia_sms_block head;
  bool ok;

  if (!ia_sms_take_ledger(w->s, &l, e))
    return false;
  ok = ia_sms_catch_up(w->s, l, e);
  if (ok && f->planned) {
    ok = l->head(l->ctx, &head, e);
    f->head = head.number;
    f->ledger_time = head.time;
  } else if (ok) {
    ok = ia_sms_facts_task(w->x, l, &w->s->pins, &f->task_id, f->now, e);
  }
  ok = ok && ia_sms_facts_orders(w->x, l, w->s->store, e);
  f->ledger = &l->view;
  if (ok)
    (void)!ia_release_prove(w->plan, w->ruling, f);
  f->ledger = NULL;
  ok = ok && ia_sms_in_time(l, e);
  ia_sms_give_ledger(w->s, l, !ok);
  return ok;
}

/* Which datasets of the slice would be left out. */
static bool put_refused(const struct why *w, json_t *answer, ia_err *e)
{
  const ia_release_plan *p = w->plan;
  json_t *list = json_array();

  if (!p->bulk || !ia_json_set(answer, "refused", list, e)) {
    if (!p->bulk)
      json_decref(list);
    return !p->bulk;
  }
  for (size_t i = 0; i < p->n_slice; i++) {
    const ia_slice_item *it = &p->slice[i];
    const char *message = owns_item(w, it) ? (it->detail[0] ? it->detail : it->reason)
                          : w->reader != IA_READER_ANYONE ? it->reason
                                                          : NULL;

    if (it->code == IA_OK)
      continue;
    json_t *v = json_pack("{s:I, s:o, s:o, s:s}", "index", (json_int_t)i + 1, "dataset",
                          ia_json_addr(&it->dataset), "orderHash", ia_json_h256(&it->order_hash),
                          "code", ia_code_name(it->code));
    if (v && message)
      (void)json_object_set_new(v, "message", json_string(message));
    if (json_array_append_new(list, v) != 0)
      return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  }
  return true;
}

static bool read_orders(ia_sms_facts *x, ia_order_box box[IA_ORDER_KINDS], const json_t *orders,
                        ia_err *e)
{
  static const char *const names[] = {"app", "dataset", "workerpool", "request"};
  ia_match *m = &x->f.match;

  for (int k = 0; k < IA_ORDER_KINDS; k++) {
    const json_t *v = json_object_get(orders, names[k]);

    if (k == IA_ORDER_DATASET && (!v || json_is_null(v)))
      continue;
    if (!v)
      return ia_fail(e, IA_E_PARSE, "orders: %s is missing", names[k]);
    if (!ia_order_parse(&box[k], (ia_order_kind)k, v, e))
      return ia_wrap(e, "orders: %s", names[k]);
  }
  m->app = box[IA_ORDER_APP].order.app;
  m->dataset = box[IA_ORDER_DATASET].order.dataset;
  m->workerpool = box[IA_ORDER_WORKERPOOL].order.workerpool;
  m->request = box[IA_ORDER_REQUEST].order.request;
  x->f.planned = x->f.has_match = true;
  return true;
}

static bool decide(struct why *w, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *past = json_array(), *answer = NULL;

  w->past = past;
  if (!gather(w, e))
    return false;
  find_reader(w);
  if (!ia_sms_store_run(w->s->store, unit_why, w, e))
    return false;
  answer = ia_ruling_json(w->ruling, w->reader);
  if (!answer || !put_refused(w, answer, e) ||
      (!w->x->f.planned && w->has_signer && json_object_set(answer, "past", past) != 0))
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  return w->has_signer ? ia_sms_reply_sealed(w->s, &w->asker, answer, rp, e)
                       : ia_reply_json(rp, 200, answer, e);
}

static bool read_signer(struct why *w, const ia_request *rq, const json_t *question, ia_err *e)
{
  static const ia_addr none;

  w->has_signer = ia_request_header(rq, "Authorization").len > 0;
  return !w->has_signer || ia_sms_asker_read(w->s, rq, "why", &none, question, &w->asker, e);
}

bool ia_sms_h_why(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  static const char *const keys[] = {"taskId", "orders", "index", NULL};
  ia_sms *s = ctx;
  IA_AUTO_JSON *v = ia_request_json(rq, e);
  IA_AUTOV(ia_sms_facts) x = {0};
  IA_AUTOV(ia_release_plan) plan = {0};
  ia_order_box box[IA_ORDER_KINDS] = {0};
  ia_ruling ruling = {0};
  struct why w = {.s = s, .x = &x, .plan = &plan, .ruling = &ruling};
  json_t *orders;
  bool ok;

  if (!v || !ia_json_only(v, keys, e) || !read_signer(&w, rq, v, e))
    return false;
  x.f.pins = &s->pins;
  x.f.now = ia_now();
  orders = json_object_get(v, "orders");
  ok = !json_object_get(v, "index") || ia_json_get_u64(v, "index", &x.f.slice_index, e);
  ok = ok &&
       (orders ? read_orders(&x, box, orders, e) : ia_json_get_h256(v, "taskId", &x.f.task_id, e));
  ok = ok && decide(&w, rp, e);
  for (int k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_box_free(&box[k]);
  return ok;
}
