/* Dataset orders of a bulk task: one for each key that left, null for each that did not. */
#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"
#include "receipt/verify.h"

/* The entry of the slice with this order hash; false: none. */
static bool order_at(ia_order_box *box, const ia_case *c, const json_t *v, const ia_h256 *want)
{
  ia_h256 separator, hash;

  /* a signature that is not there is said to be empty, never left out */
  if (!json_is_string(json_object_get(v, "sign")) ||
      !ia_order_parse(box, IA_ORDER_DATASET, v, NULL))
    return false;
  ia_order_separator(&separator, c->sms->chain_id, &c->sms->hub);
  ia_order_hash(&hash, &separator, IA_ORDER_DATASET, &box->order.dataset);
  return ia_h256_eq(&hash, want);
}

bool ia_verify_is_slice(ia_case *c)
{
  const json_t *list = json_object_get(c->orders, "slice");
  const ia_record *r = &c->record;
  size_t total = r->n_datasets + r->n_refused, refused = 0, released = 0;
  bool ok = json_is_array(list) && json_array_size(list) == total && total > 0;

  for (size_t i = 0; ok && i < total; i++) {
    const json_t *v = json_array_get(list, i);
    IA_AUTOV(ia_order_box) box = {0};

    if (refused < r->n_refused && r->refused[refused].index == i + 1) {
      refused++;
      ok = json_is_null(v);
      continue;
    }
    if (released == r->n_datasets)
      return false;
    const ia_record_dataset *d = &r->datasets[released++];
    ok =
        order_at(&box, c, v, &d->order_hash) && ia_addr_eq(&box.order.dataset.dataset, &d->address);
  }
  return ok;
}

static const json_t *order_of(const ia_case *c, const ia_record_dataset *d, ia_order_box *box)
{
  const json_t *list = json_object_get(c->orders, "slice");

  for (size_t i = 0; i < json_array_size(list); i++) {
    const json_t *v = json_array_get(list, i);

    ia_order_box_free(box);
    *box = (ia_order_box){0};
    if (json_is_object(v) && order_at(box, c, v, &d->order_hash))
      return v;
  }
  return NULL;
}

void ia_verify_slice_owner(ia_case *c, const ia_record_dataset *d, const ia_addr *first)
{
  IA_AUTOV(ia_order_box) box = {0};
  ia_text43 data = ia_addr_lower(&d->address), owner = ia_addr_lower(&d->owner);
  char what[80];

  if (!order_of(c, d, &box)) {
    ia_case_check(c, "sign-slice", false, IA_E_RECEIPT_FIELD, "The order of %s is not here.",
                  data.s);
    return;
  }
  (void)snprintf(what, sizeof(what), "order of %s", data.s);
  ia_verify_signing(c, "sign-slice", what, d->signing, box.order.dataset.sign, &d->order_hash,
                    &d->owner, "its owner");
  if (!ia_addr_eq(first, &d->owner))
    ia_case_unproven(c,
                     "That the owner %s of %s handed it on to %s: the service followed the "
                     "transfers.",
                     ia_addr_lower(first).s, data.s, owner.s);
}
