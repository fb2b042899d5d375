/* The datasets of a bulk task: the slice that its request names, and what the ledger shows of each
 * entry. An entry that cannot be read refuses itself alone; a slice that cannot, the task. */
#include "poco/bulk.h"
#include "poco/params.h"
#include "service/sms/facts.h"

struct entry {
  ia_order_box box;
  ia_sms_asset asset;
  ia_buf presign;
};

struct ia_sms_slice {
  ia_slice_facts *facts; /* what the decision sees of entry */
  struct entry *entry;
  size_t n;
};

void ia_sms_slice_free(struct ia_sms_slice *s)
{
  if (!s)
    return;
  for (size_t i = 0; s->entry && i < s->n; i++) {
    ia_order_box_free(&s->entry[i].box);
    ia_sms_asset_free(&s->entry[i].asset);
    ia_buf_free(&s->entry[i].presign);
  }
  free(s->entry);
  free(s->facts);
  free(s);
}

static struct ia_sms_slice *make(size_t n, ia_err *e)
{
  struct ia_sms_slice *s = calloc(1, sizeof(*s));

  if (s) {
    s->n = n;
    s->entry = calloc(n, sizeof(*s->entry));
    s->facts = calloc(n, sizeof(*s->facts));
  }
  if (s && s->entry && s->facts)
    return s;
  ia_sms_slice_free(s);
  (void)ia_fail(e, IA_E_MEMORY, "sms: no memory");
  return NULL;
}

static bool gather_entry(ia_slice_facts *out, struct entry *in, const json_t *v,
                         const ia_sms_ledger *l, const ia_release_pins *pins, ia_sms_store *store,
                         ia_err *e)
{
  const ia_dataset_order *o = &in->box.order.dataset;
  ia_err why = {0};

  if (!ia_order_parse(&in->box, IA_ORDER_DATASET, v, NULL) || ia_addr_zero(&o->dataset)) {
    out->broken = IA_E_PARSE;
    return true;
  }
  out->order = *o;
  if (!ia_sms_facts_asset(&in->asset, &out->asset, l, pins, store, IA_ASSET_DATASET, &o->dataset,
                          &why)) {
    out->broken = why.code;
    if (why.code == IA_E_OWNER_UNPROVEN)
      return true;
    *e = why;
    return false;
  }
  if (!ia_sms_facts_presign(&in->presign, l, pins, store, IA_ORDER_DATASET, o, e))
    return false;
  out->presign = ia_buf_view(&in->presign);
  return true;
}

static uint64_t index_of(const ia_release_facts *f)
{
  uint64_t idx;

  if (f->planned)
    return f->slice_index;
  return ia_u256_u64(&idx, &f->task.idx) ? idx : UINT64_MAX;
}

bool ia_sms_facts_slice(ia_sms_facts *x, const ia_sms_ledger *l, ia_sms_store *store, ia_err *e)
{
  ia_release_facts *f = &x->f;
  IA_AUTOV(ia_params) params = {0};
  IA_AUTO_JSON *list = NULL;

  /* params that do not parse are refused in their place */
  if (!ia_params_parse(&params, f->match.request.params, NULL) || !*params.bulk_cid)
    return true;
  if (!l->slice(l->ctx, params.bulk_cid, index_of(f), &list, e) || !ia_bulk_slice_check(list, e))
    return false;
  x->slice = make(json_array_size(list), e);
  if (!x->slice)
    return false;
  for (size_t i = 0; i < x->slice->n; i++)
    if (!gather_entry(&x->slice->facts[i], &x->slice->entry[i], json_array_get(list, i), l, f->pins,
                      store, e))
      return false;
  f->slice = x->slice->facts;
  f->n_slice = x->slice->n;
  return true;
}
