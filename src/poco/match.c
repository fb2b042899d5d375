/* The checks of matchOrders (IexecPoco1Facet), in its order. */
#include "poco/match.h"

#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/tag.h"

typedef struct check {
  ia_match_facts *f;
  const ia_poco_rules *rules;
  const ia_h256 *separator;
  const ia_poco_view *view;
  const ia_match *m;
  ia_revert *why;
  ia_err *e;
} check;

static bool fault(ia_revert *why)
{
  return ia_revert_set(why, IA_REVERT_FAULT);
}

bool ia_restriction_admits(bool *admits, const ia_poco_view *view, const ia_addr *restriction,
                           const ia_addr *account, ia_err *e)
{
  *admits = ia_addr_zero(restriction) || ia_addr_eq(restriction, account);
  if (*admits || !view->has_purpose)
    return true;
  return view->has_purpose(view->ctx, restriction, account, admits, e);
}

void ia_signature_signer(ia_addr *out, const ia_h256 *hash, ia_span sign)
{
  ia_sig sig;

  memset(out, 0, sizeof(*out));
  /* the EVM takes v 27 or 28 only */
  if (sign.len == 65 && sign.ptr[64] != 27 && sign.ptr[64] != 28)
    return;
  if (!ia_sig_parse(&sig, sign, NULL) || !ia_secp_recover(out, hash, &sig, NULL))
    memset(out, 0, sizeof(*out));
}

bool ia_signature_check(bool *valid, const ia_poco_view *view, const ia_addr *account,
                        const ia_h256 *hash, ia_span sign, ia_revert *why, ia_err *e)
{
  bool is_contract = false;
  ia_addr signer;

  *valid = false;
  if (view->erc1271 && !view->erc1271(view->ctx, account, hash, sign, &is_contract, valid, e))
    return fault(why);
  if (is_contract)
    return true;
  if (sign.len != 64 && sign.len != 65) {
    (void)ia_revert_set(why, IA_REVERT_SIGNATURE_FORMAT);
    return ia_revert_error(&ia_poco_v6_2, why, e);
  }
  ia_signature_signer(&signer, hash, sign);
  *valid = ia_addr_eq(&signer, account);
  return true;
}

bool ia_signed_or_presigned(bool *valid, const ia_poco_view *view, const ia_addr *account,
                            const ia_h256 *hash, ia_span sign, ia_revert *why, ia_err *e)
{
  ia_addr signer;

  if (!view->presigned(view->ctx, hash, &signer, e))
    return fault(why);
  *valid = !ia_addr_zero(account) && ia_addr_eq(&signer, account);
  return *valid || ia_signature_check(valid, view, account, hash, sign, why, e);
}

/* --- categories, prices, tags, addresses
 * ---------------------------------------------------------- */

static bool no(check *c, ia_revert_id id)
{
  (void)ia_revert_set(c->why, id);
  return ia_revert_error(c->rules, c->why, c->e);
}

static bool le(const ia_u256 *a, const ia_u256 *b)
{
  return ia_u256_cmp(a, b) <= 0;
}

static bool terms(check *c)
{
  const ia_match *m = c->m;
  ia_u256 categories;

  if (!ia_u256_eq(&m->request.category, &m->workerpool.category))
    return no(c, IA_REVERT_MATCH_00);
  if (!c->view->categories(c->view->ctx, &categories, c->e))
    return fault(c->why);
  if (le(&categories, &m->request.category))
    return no(c, IA_REVERT_MATCH_01);
  if (!le(&m->request.trust, &m->workerpool.trust))
    return no(c, IA_REVERT_MATCH_02);
  if (!le(&m->app.appprice, &m->request.appmaxprice))
    return no(c, IA_REVERT_MATCH_03);
  if (!le(&m->dataset.datasetprice, &m->request.datasetmaxprice))
    return no(c, IA_REVERT_MATCH_04);
  if (!le(&m->workerpool.workerpoolprice, &m->request.workerpoolmaxprice))
    return no(c, IA_REVERT_MATCH_05);
  return true;
}

/* A dataset order's tag without the framework bits that the rule set ignores. */
static ia_h256 dataset_tag(const ia_poco_rules *rules, const ia_h256 *tag)
{
  ia_h256 ignored = ia_tag_of(rules->dataset_tag_ignored), out = *tag;

  for (int i = 0; i < 32; i++)
    out.b[i] = (uint8_t)(out.b[i] & ~ignored.b[i]);
  return out;
}

static bool tags(check *c)
{
  const ia_match *m = c->m;
  ia_h256 of_dataset = dataset_tag(c->rules, &m->dataset.tag);
  ia_h256 tag = ia_tag_or(&m->app.tag, &of_dataset);

  c->f->tag = ia_tag_or(&tag, &m->request.tag);
  if (!ia_tag_within(&c->f->tag, &m->workerpool.tag))
    return no(c, IA_REVERT_MATCH_06);
  if ((c->f->tag.b[31] ^ m->app.tag.b[31]) & IA_TAG_TEE)
    return no(c, IA_REVERT_MATCH_07);
  return true;
}

static bool restrictions(check *c)
{
  const ia_match *m = c->m;
  const struct {
    const ia_addr *restriction;
    const ia_addr *account;
    ia_revert_id id;
  } all[] = {
      {&m->request.workerpool, &m->workerpool.workerpool, IA_REVERT_MATCH_12},
      {&m->app.datasetrestrict, &m->dataset.dataset, IA_REVERT_MATCH_13},
      {&m->app.workerpoolrestrict, &m->workerpool.workerpool, IA_REVERT_MATCH_14},
      {&m->app.requesterrestrict, &m->request.requester, IA_REVERT_MATCH_15},
      {&m->dataset.apprestrict, &m->app.app, IA_REVERT_MATCH_16},
      {&m->dataset.workerpoolrestrict, &m->workerpool.workerpool, IA_REVERT_MATCH_17},
      {&m->dataset.requesterrestrict, &m->request.requester, IA_REVERT_MATCH_18},
      {&m->workerpool.apprestrict, &m->app.app, IA_REVERT_MATCH_19},
      {&m->workerpool.datasetrestrict, &m->dataset.dataset, IA_REVERT_MATCH_1A},
      {&m->workerpool.requesterrestrict, &m->request.requester, IA_REVERT_MATCH_1B},
  };

  if (!ia_addr_eq(&m->request.app, &m->app.app))
    return no(c, IA_REVERT_MATCH_10);
  if (!ia_addr_eq(&m->request.dataset, &m->dataset.dataset))
    return no(c, IA_REVERT_MATCH_11);
  for (size_t i = 0; i < IA_COUNT(all); i++) {
    bool admits;

    if (!ia_restriction_admits(&admits, c->view, all[i].restriction, all[i].account, c->e))
      return fault(c->why);
    if (!admits)
      return no(c, all[i].id);
  }
  return true;
}

/* --- owners and signatures
 * ------------------------------------------------------------------------ */

static const ia_revert_id unregistered[IA_ASSET_KINDS] = {IA_REVERT_MATCH_20, IA_REVERT_MATCH_30,
                                                          IA_REVERT_MATCH_40};
static const ia_revert_id unsigned_[IA_ORDER_KINDS] = {IA_REVERT_MATCH_21, IA_REVERT_MATCH_31,
                                                       IA_REVERT_MATCH_41, IA_REVERT_MATCH_50};

static bool signature(check *c, ia_order_kind kind, const void *order, const ia_addr *signer)
{
  bool valid;

  if (!ia_signed_or_presigned(&valid, c->view, signer, &c->f->hash[kind],
                              *ia_order_signature(kind, order), c->why, c->e))
    return false;
  return valid || no(c, unsigned_[kind]);
}

/* The first three order kinds are those of the assets. */
static bool asset(check *c, ia_order_kind kind, const void *order)
{
  ia_asset_kind asset_kind = (ia_asset_kind)kind;
  bool has, registered;

  ia_order_hash(&c->f->hash[kind], c->separator, kind, order);
  if (!c->view->owner(c->view->ctx, asset_kind, ia_order_signer_of(kind, order), &has,
                      &c->f->owner[asset_kind], &registered, c->e))
    return fault(c->why);
  if (!has)
    return no(c, IA_REVERT_NO_OWNER);
  if (!registered)
    return no(c, unregistered[asset_kind]);
  return signature(c, kind, order, &c->f->owner[asset_kind]);
}

static bool authenticity(check *c)
{
  const ia_match *m = c->m;

  c->f->has_dataset = !ia_addr_zero(&m->dataset.dataset);
  if (!asset(c, IA_ORDER_APP, &m->app))
    return false;
  if (c->f->has_dataset && !asset(c, IA_ORDER_DATASET, &m->dataset))
    return false;
  if (!asset(c, IA_ORDER_WORKERPOOL, &m->workerpool))
    return false;
  ia_order_hash(&c->f->hash[IA_ORDER_REQUEST], c->separator, IA_ORDER_REQUEST, &m->request);
  return signature(c, IA_ORDER_REQUEST, &m->request, &m->request.requester);
}

/* --- volume --------------------------------------------------------------------------------------
 */

static bool volume(check *c)
{
  const void *const orders[IA_ORDER_KINDS] = {&c->m->app, &c->m->dataset, &c->m->workerpool,
                                              &c->m->request};
  ia_u256 left;

  memset(&c->f->volume, 0xff, sizeof(c->f->volume));
  for (int i = 0; i < IA_ORDER_KINDS; i++) {
    ia_order_kind kind = (ia_order_kind)i;

    if (kind == IA_ORDER_DATASET && !c->f->has_dataset)
      continue;
    if (!c->view->consumed(c->view->ctx, &c->f->hash[i], &c->f->consumed[i], c->e))
      return fault(c->why);
    if (!ia_u256_sub(&left, ia_order_volume(kind, orders[i]), &c->f->consumed[i]))
      return no(c, IA_REVERT_OVERCONSUMED);
    c->f->volume = *ia_u256_min(&c->f->volume, &left);
  }
  return true;
}

bool ia_match_check(ia_match_facts *out, const ia_poco_rules *rules, const ia_h256 *separator,
                    const ia_poco_view *view, const ia_match *m, ia_revert *why, ia_err *e)
{
  check c = {out, rules, separator, view, m, why, e};

  memset(out, 0, sizeof(*out));
  why->id = IA_REVERT_NONE;
  if (!terms(&c) || !tags(&c) || !restrictions(&c) || !authenticity(&c) || !volume(&c))
    return false;
  if (ia_u256_zero(&out->volume))
    return no(&c, IA_REVERT_MATCH_60);
  ia_deal_id(&out->dealid, &out->hash[IA_ORDER_REQUEST], &out->consumed[IA_ORDER_REQUEST]);
  return true;
}

bool ia_match_volume(ia_u256 *out, const ia_h256 *separator, const ia_poco_view *view,
                     const ia_match *m, ia_revert *why, ia_err *e)
{
  ia_match_facts f = {.has_dataset = !ia_addr_zero(&m->dataset.dataset)};
  check c = {&f, &ia_poco_v6_2, separator, view, m, why, e};

  why->id = IA_REVERT_NONE;
  ia_order_hash(&f.hash[IA_ORDER_APP], separator, IA_ORDER_APP, &m->app);
  ia_order_hash(&f.hash[IA_ORDER_DATASET], separator, IA_ORDER_DATASET, &m->dataset);
  ia_order_hash(&f.hash[IA_ORDER_WORKERPOOL], separator, IA_ORDER_WORKERPOOL, &m->workerpool);
  ia_order_hash(&f.hash[IA_ORDER_REQUEST], separator, IA_ORDER_REQUEST, &m->request);
  if (!volume(&c))
    return false;
  *out = f.volume;
  return true;
}

/* --- bulk ----------------------------------------------------------------------------------------
 */

static bool bulk_order(check *c, const ia_dataset_order *order)
{
  ia_u256 consumed;
  ia_addr owner;
  bool has, registered, valid;
  ia_h256 hash;

  ia_order_hash(&hash, c->separator, IA_ORDER_DATASET, order);
  if (!c->view->consumed(c->view->ctx, &hash, &consumed, c->e))
    return fault(c->why);
  if (le(&order->volume, &consumed))
    return no(c, IA_REVERT_BULK_CONSUMED);
  if (!c->view->owner(c->view->ctx, IA_ASSET_DATASET, &order->dataset, &has, &owner, &registered,
                      c->e))
    return fault(c->why);
  if (!has)
    return no(c, IA_REVERT_NO_OWNER);
  if (!ia_signed_or_presigned(&valid, c->view, &owner, &hash, order->sign, c->why, c->e))
    return false;
  return valid || no(c, IA_REVERT_BULK_SIGNATURE);
}

bool ia_bulk_assert(const ia_poco_rules *rules, const ia_h256 *separator, const ia_poco_view *view,
                    const ia_dataset_order *order, const ia_deal *deal, ia_revert *why, ia_err *e)
{
  check c = {NULL, rules, separator, view, NULL, why, e};
  const struct {
    const ia_addr *restriction;
    const ia_addr *account;
    ia_revert_id id;
  } all[] = {
      {&order->apprestrict, &deal->app.pointer, IA_REVERT_BULK_APP},
      {&order->workerpoolrestrict, &deal->workerpool.pointer, IA_REVERT_BULK_WORKERPOOL},
      {&order->requesterrestrict, &deal->requester, IA_REVERT_BULK_REQUESTER},
  };

  why->id = IA_REVERT_NONE;
  if (!bulk_order(&c, order))
    return false;
  if (ia_addr_zero(&deal->requester))
    return no(&c, IA_REVERT_BULK_DEAL);
  if (!ia_addr_zero(&deal->dataset.pointer))
    return no(&c, IA_REVERT_BULK_DATASET);
  for (size_t i = 0; i < IA_COUNT(all); i++) {
    bool admits;

    if (!ia_restriction_admits(&admits, view, all[i].restriction, all[i].account, e))
      return fault(why);
    if (!admits)
      return no(&c, all[i].id);
  }
  ia_h256 tag = dataset_tag(rules, &order->tag);
  return ia_tag_within(&tag, &deal->tag) || no(&c, IA_REVERT_BULK_TAG);
}
