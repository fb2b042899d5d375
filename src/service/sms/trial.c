/* What the owner of a dataset asks beforehand: would a run on this grant of hers get the key? The
 * rules of a release, over her words and the counts of now; nothing is written. */
#include "base/clock.h"
#include "eth/address.h"
#include "poco/orders.h"
#include "service/sms/internal.h"

struct trial {
  ia_sms *s;
  ia_release_facts f;
  ia_release_plan plan;
  ia_ruling ruling;
  ia_slice_facts grant;
  ia_order_box box;
  ia_sms_asset asset;
  ia_buf presign;
};

static void trial_free(struct trial *t)
{
  ia_release_plan_free(&t->plan);
  ia_order_box_free(&t->box);
  ia_sms_asset_free(&t->asset);
  ia_buf_free(&t->presign);
}

static bool read_flag(bool *out, const json_t *v, const char *key, ia_err *e)
{
  const json_t *flag = json_object_get(v, key);

  *out = json_is_true(flag);
  return !flag || json_is_boolean(flag) || ia_fail(e, IA_E_INVALID, "%s: wants true or false", key);
}

static bool read_order(struct trial *t, const json_t *v, ia_err *e)
{
  const json_t *order = json_object_get(v, "order");

  if (!order || json_is_null(order))
    return true;
  if (!ia_order_parse(&t->box, IA_ORDER_DATASET, order, e))
    return ia_wrap(e, "order");
  t->grant.order = t->box.order.dataset;
  t->f.slice = &t->grant;
  t->f.n_slice = 1;
  return ia_addr_eq(&t->grant.order.dataset, &t->f.match.dataset.dataset) ||
         ia_fail(e, IA_E_INVALID, "the order is of another dataset");
}

static bool read_question(struct trial *t, const json_t *v, ia_err *e)
{
  static const char *const keys[] = {"dataset", "app",      "requester", "purpose", "at",
                                     "encrypt", "callback", "order",     NULL};

  t->plan.purpose = "";
  return ia_json_only(v, keys, e) &&
         ia_json_get_addr(v, "dataset", &t->f.match.dataset.dataset, e) &&
         ia_json_get_addr(v, "app", &t->f.match.app.app, e) &&
         ia_json_get_addr(v, "requester", &t->f.match.request.requester, e) &&
         (!json_object_get(v, "purpose") || ia_json_get_str(v, "purpose", &t->plan.purpose, e)) &&
         (!json_object_get(v, "at") || ia_json_get_u64(v, "at", &t->f.now, e)) &&
         read_flag(&t->plan.encrypt, v, "encrypt", e) &&
         read_flag(&t->plan.callback, v, "callback", e) && read_order(t, v, e);
}

static bool gather(struct trial *t, const ia_sms_ledger *l, ia_err *e)
{
  ia_release_facts *f = &t->f;
  ia_sms *s = t->s;

  f->ledger = &l->view;
  f->signed_here = ia_sms_signed_here;
  f->signed_ctx = s->store;
  if (!ia_sms_catch_up(s, l, e) ||
      !ia_sms_facts_asset(&t->asset, &f->asset[IA_ASSET_DATASET], l, &s->pins, s->store,
                          IA_ASSET_DATASET, &f->match.dataset.dataset, e))
    return false;
  if (f->n_slice > 0) {
    t->grant.asset = f->asset[IA_ASSET_DATASET];
    if (!ia_sms_facts_presign(&t->presign, l, &s->pins, s->store, IA_ORDER_DATASET, &t->grant.order,
                              e))
      return false;
    t->grant.presign = ia_buf_view(&t->presign);
  }
  return ia_trial_prove(&t->plan, &t->ruling, f, e) && ia_sms_in_time(l, e);
}

static bool unit_trial(void *ctx, ia_db *db, ia_err *e)
{
  struct trial *t = ctx;
  ia_sms_memory mem = {db, t->s, ia_now()};
  ia_release_memory view = ia_sms_memory_view(&mem);

  return ia_trial_admit(&t->plan, &t->ruling, &t->f, &view, e);
}

static bool decide(struct trial *t, const ia_sms_asker *asker, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  ia_sms_ledger *l = NULL;
  bool ok;

  if (!ia_sms_take_ledger(t->s, &l, e))
    return false;
  ok = gather(t, l, e);
  t->f.ledger = NULL;
  ia_sms_give_ledger(t->s, l, !ok);
  if (!ok)
    return false;
  if (!ia_addr_eq(&asker->signer, &t->plan.owner[IA_ASSET_DATASET]))
    return ia_fail(e, IA_E_UNAUTHORIZED, "not signed by the proven owner of this dataset");
  if (!ia_sms_store_run(t->s->store, unit_trial, t, e))
    return false;
  answer = ia_ruling_json(&t->ruling, IA_READER_OWNER);
  return answer ? ia_sms_reply_sealed(t->s, asker, answer, rp, e)
                : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

bool ia_sms_h_test(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms *s = ctx;
  IA_AUTO_JSON *v = ia_request_json(rq, e);
  struct trial t = {.s = s, .f = {.pins = &s->pins, .planned = true, .now = ia_now()}};
  ia_sms_asker asker;
  bool ok = v && read_question(&t, v, e) &&
            ia_sms_asker_read(s, rq, "audit", &t.f.match.dataset.dataset, v, &asker, e) &&
            decide(&t, &asker, rp, e);

  trial_free(&t);
  return ok;
}
