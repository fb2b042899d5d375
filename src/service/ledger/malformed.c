/* Orders that are no clean ABI encoding. The contracts look at a field of an order when they come
 * to it, so what is wrong with it shows only then, and what is never looked at does not matter. */
#include "poco/orders.h"
#include "service/ledger/vm.h"

/* The check at which a field is looked at first; uint256 and bytes32 cannot be malformed. */
static const struct use {
  size_t offset; /* in ia_match */
  ia_revert_id first;
} uses[] = {
    {offsetof(ia_match, app.app), IA_REVERT_MATCH_10},
    {offsetof(ia_match, request.app), IA_REVERT_MATCH_10},
    {offsetof(ia_match, dataset.dataset), IA_REVERT_MATCH_11},
    {offsetof(ia_match, request.dataset), IA_REVERT_MATCH_11},
    {offsetof(ia_match, workerpool.workerpool), IA_REVERT_MATCH_12},
    {offsetof(ia_match, request.workerpool), IA_REVERT_MATCH_12},
    {offsetof(ia_match, app.datasetrestrict), IA_REVERT_MATCH_13},
    {offsetof(ia_match, app.workerpoolrestrict), IA_REVERT_MATCH_14},
    {offsetof(ia_match, app.requesterrestrict), IA_REVERT_MATCH_15},
    {offsetof(ia_match, request.requester), IA_REVERT_MATCH_15},
    {offsetof(ia_match, dataset.apprestrict), IA_REVERT_MATCH_16},
    {offsetof(ia_match, dataset.workerpoolrestrict), IA_REVERT_MATCH_17},
    {offsetof(ia_match, dataset.requesterrestrict), IA_REVERT_MATCH_18},
    {offsetof(ia_match, workerpool.apprestrict), IA_REVERT_MATCH_19},
    {offsetof(ia_match, workerpool.datasetrestrict), IA_REVERT_MATCH_1A},
    {offsetof(ia_match, workerpool.requesterrestrict), IA_REVERT_MATCH_1B},
    /* the rest when the order is hashed */
    {offsetof(ia_match, app.sign), IA_REVERT_NO_OWNER},
    {offsetof(ia_match, dataset.sign), IA_REVERT_MATCH_30},
    {offsetof(ia_match, workerpool.sign), IA_REVERT_MATCH_40},
    {offsetof(ia_match, request.beneficiary), IA_REVERT_MATCH_50},
    {offsetof(ia_match, request.callback), IA_REVERT_MATCH_50},
    {offsetof(ia_match, request.params), IA_REVERT_MATCH_50},
    {offsetof(ia_match, request.sign), IA_REVERT_MATCH_50},
};

static bool refuse(ia_frame *f, const ia_shape_bad *bad, size_t i)
{
  return ia_no(f, bad->endless[i] ? IA_REVERT_CALLDATA_LENGTH : IA_REVERT_CALLDATA);
}

/* The earliest look at a bad field, and which; NONE when none is ever looked at. */
static ia_revert_id first_look(size_t *which, const ia_shape_bad *bad, const ia_match *m,
                               ia_call_id id)
{
  ia_revert_id first = IA_REVERT_NONE;

  for (size_t i = 0; i < bad->n; i++) {
    size_t offset = (size_t)((const uint8_t *)bad->field[i] - (const uint8_t *)m);
    ia_revert_id at = IA_REVERT_NONE;

    for (size_t k = 0; k < IA_COUNT(uses); k++)
      if (uses[k].offset == offset)
        at = uses[k].first;
    if (offset == offsetof(ia_match, request.requester) && id == IA_CALL_MATCH_ORDERS)
      at = IA_REVERT_MATCH_00; /* who pays */
    if (offset == offsetof(ia_match, dataset.sign) && ia_addr_zero(&m->dataset.dataset))
      continue;
    if (first == IA_REVERT_NONE || at < first) {
      first = at;
      *which = i;
    }
  }
  return first;
}

static bool malformed_match(ia_frame *f, ia_call_id id, ia_match *m)
{
  ia_span data = ia_span_of(f->input.ptr + 4, f->input.len - 4);
  ia_match_facts facts;
  ia_shape_bad bad = {0};
  ia_revert why;

  if (!ia_shape_decode_fields(m, &ia_call_of(id)->in, data, &bad))
    return ia_no(f, IA_REVERT_CALLDATA);
  size_t which = 0;
  ia_revert_id first = first_look(&which, &bad, m, id);
  if (first == IA_REVERT_NONE)
    return true;
  /* a bad field reads as zero, which only what comes after its first look can tell */
  bool fits =
      ia_match_check(&facts, f->poco.rules, &f->poco.separator, f->poco.view, m, &why, NULL);
  if (!fits && why.id == IA_REVERT_FAULT)
    return ia_ruled(f, false);
  if (fits || why.id >= first)
    return refuse(f, &bad, which);
  f->vm->why = why;
  return false;
}

/* The owner who sends it herself needs no signature of the operation: nothing looks at it. */
static bool malformed_operation(ia_frame *f, ia_call_id id, ia_order_op *op)
{
  ia_span data = ia_span_of(f->input.ptr + 4, f->input.len - 4);
  ia_order_kind kind = (ia_order_kind)(id - IA_CALL_MANAGE_APP_ORDER);
  bool has = true, registered;
  ia_shape_bad bad = {0};
  ia_addr owner;

  if (!ia_shape_decode_fields(op, &ia_call_of(id)->in, data, &bad))
    return ia_no(f, IA_REVERT_CALLDATA);
  const ia_addr *signer = ia_order_signer_of(kind, &op->order.app);
  if (kind == IA_ORDER_REQUEST)
    owner = *signer;
  else if (!f->poco.view->owner(f->poco.view->ctx, (ia_asset_kind)kind, signer, &has, &owner,
                                &registered, NULL))
    return ia_no(f, IA_REVERT_FAULT);
  if (!has)
    return ia_no(f, IA_REVERT_NO_OWNER);
  if (bad.n > 0 && bad.field[0] != &op->sign)
    return refuse(f, &bad, 0);
  return ia_addr_eq(&owner, &f->sender) || ia_no(f, IA_REVERT_CALLDATA);
}

/* Orders that are hashed before anything else. */
static bool malformed_order(ia_frame *f, ia_call_id id, ia_call_value *in)
{
  ia_span data = ia_span_of(f->input.ptr + 4, f->input.len - 4);
  ia_shape_bad bad = {0};

  if (!ia_shape_decode_fields(in, &ia_call_of(id)->in, data, &bad) || bad.n == 0)
    return ia_no(f, IA_REVERT_CALLDATA);
  return refuse(f, &bad, 0);
}

/* The elements are looked at one by one, by the call. */
static bool malformed_list(ia_frame *f, ia_call_id id, ia_args *a)
{
  ia_span data = ia_span_of(f->input.ptr + 4, f->input.len - 4);
  ia_shape_bad bad = {0};

  return (ia_shape_decode_fields(a, &ia_call_of(id)->in, data, &bad) && bad.n == 0) ||
         ia_no(f, IA_REVERT_CALLDATA);
}

bool ia_malformed(ia_frame *f, ia_call_id id, ia_call_value *in)
{
  memset(in, 0, sizeof(*in));
  if (id == IA_CALL_MATCH_ORDERS || id == IA_CALL_SPONSOR_MATCH_ORDERS)
    return malformed_match(f, id, &in->match);
  if (id >= IA_CALL_MANAGE_APP_ORDER && id <= IA_CALL_MANAGE_REQUEST_ORDER)
    return malformed_operation(f, id, &in->op);
  if (id == IA_CALL_COMPUTE_DEAL_VOLUME || id == IA_CALL_ASSERT_DATASET_DEAL_COMPATIBILITY)
    return malformed_order(f, id, in);
  if (id == IA_CALL_DEPOSIT_FOR_ARRAY)
    return malformed_list(f, id, &in->a);
  return ia_no(f, IA_REVERT_CALLDATA);
}
