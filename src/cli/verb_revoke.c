/* iapp revoke: ends grants, at the SMS at once and on the ledger for good. */
#include <string.h>

#include "base/hex.h"
#include "cli/grant_notes.h"
#include "cli/net.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/grant.h"
#include "client/limits.h"
#include "eth/address.h"

enum { LIST_MAX = 10000 };

/* What is to be revoked, each order once. */
typedef struct found {
  ia_order_box *box;
  ia_h256 *hash;
  size_t n;
  json_t *notes; /* of this home */
} found;

static void found_free(found *f)
{
  for (size_t i = 0; i < f->n; i++)
    ia_order_box_free(&f->box[i]);
  free(f->box);
  free(f->hash);
  json_decref(f->notes);
}
IA_DEFINE_AUTO_VALUE(found, found_free)

typedef struct which {
  ia_addr dataset, app, user;
  bool has_app, has_user;
} which;

/* Takes the order when it is meant and new. */
static bool take(found *f, const ia_net *net, const which *w, const ia_dataset_order *o, ia_err *e)
{
  ia_h256 separator, hash;

  if (!ia_addr_eq(&o->dataset, &w->dataset) ||
      (w->has_app && !ia_addr_eq(&o->apprestrict, &w->app)) ||
      (w->has_user && !ia_addr_eq(&o->requesterrestrict, &w->user)))
    return true;
  ia_order_separator(&separator, net->chain_id, &net->hub);
  ia_order_hash(&hash, &separator, IA_ORDER_DATASET, o);
  for (size_t i = 0; i < f->n; i++)
    if (ia_h256_eq(&f->hash[i], &hash))
      return true;
  ia_order_box *box = reallocarray(f->box, f->n + 1, sizeof(*box));
  if (box)
    f->box = box;
  ia_h256 *hashes = reallocarray(f->hash, f->n + 1, sizeof(*hashes));
  if (hashes)
    f->hash = hashes;
  if (!box || !hashes)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  f->box[f->n] = (ia_order_box){0};
  if (!ia_order_copy(&f->box[f->n], IA_ORDER_DATASET, o, e))
    return false;
  f->hash[f->n++] = hash;
  return true;
}

/* Orders that the market lists, and those that this home signed. */
static bool find(ia_cli *c, found *f, const ia_net *net, const which *w, ia_err *e)
{
  IA_AUTOV(ia_offers) listed = {0};
  const json_t *item;
  char query[160];
  size_t i;

  f->notes = ia_cli_grant_notes(c, &w->dataset, e);
  if (!f->notes ||
      snprintf(query, sizeof(query), "dataset=%s&app=any&workerpool=any&requester=any",
               ia_addr_text(&w->dataset).s) < 0 ||
      !ia_to_market_list(net, &listed, IA_ORDER_DATASET, query, LIST_MAX, e))
    return false;
  for (i = 0; i < listed.n; i++)
    if (!take(f, net, w, &listed.list[i].box.order.dataset, e))
      return false;
  json_array_foreach (f->notes, i, item) {
    IA_AUTOV(ia_order_box) box = {0};

    if (!ia_order_parse(&box, IA_ORDER_DATASET, json_object_get(item, "order"), e) ||
        !take(f, net, w, &box.order.dataset, e))
      return ia_wrap(e, "grants of this home");
  }
  return true;
}

/* -- what is left to do for each -- */
typedef struct todo {
  bool *sms, *ledger; /* by their places in `found` */
  size_t n_sms, n_ledger;
} todo;

static void todo_free(todo *t)
{
  free(t->sms);
  free(t->ledger);
}
IA_DEFINE_AUTO_VALUE(todo, todo_free)

/* The SMS says what it holds as revoked, the ledger what is closed or used up. */
static bool plan(todo *t, const found *f, ia_net *net, const ia_wallet *w, const ia_addr *dataset,
                 ia_err *e)
{
  IA_AUTO_JSON *limits = NULL;
  ia_chain *chain;
  bool all;

  t->sms = calloc(f->n, sizeof(*t->sms));
  t->ledger = calloc(f->n, sizeof(*t->ledger));
  if (!t->sms || !t->ledger)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!ia_to_sms_limits(net, w, dataset, &limits, e) || !ia_net_chain(net, &chain, e))
    return false;
  all = json_is_true(json_object_get(limits, "revokedAll"));
  for (size_t i = 0; i < f->n; i++) {
    const ia_u256 *volume = ia_order_volume(IA_ORDER_DATASET, &f->box[i].order.dataset);
    const json_t *known = ia_limits_of_order(limits, &f->hash[i]);
    ia_u256 used;

    if (!ia_chain_consumed(chain, &used, &f->hash[i], e))
      return false;
    t->sms[i] = !all && !json_is_true(json_object_get(known, "revoked"));
    t->ledger[i] = ia_u256_cmp(&used, volume) < 0;
    t->n_sms += t->sms[i];
    t->n_ledger += t->ledger[i];
  }
  return true;
}

static bool tell_sms(const todo *t, const found *f, const ia_net *net, const ia_wallet *w,
                     const ia_addr *dataset, ia_err *e)
{
  ia_autofree ia_h256 *hash = calloc(f->n, sizeof(*hash));
  size_t n = 0;

  if (!hash)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  for (size_t i = 0; i < f->n; i++)
    if (t->sms[i])
      hash[n++] = f->hash[i];
  return ia_grant_revoke_sms(net, w, dataset, hash, n, e);
}

/* So that a second time finds them, and no grant goes on with one of them. */
static bool note(ia_cli *c, const ia_net *net, found *f, const ia_addr *dataset, ia_err *e)
{
  ia_h256 separator;

  ia_order_separator(&separator, net->chain_id, &net->hub);
  for (size_t i = 0; i < f->n; i++) {
    json_t *one = ia_cli_grant_note_of(f->notes, &separator, &f->hash[i]);

    if (!one) {
      IA_AUTO_JSON *order =
          ia_order_json(IA_ORDER_DATASET, &f->box[i].order.dataset, IA_ORDER_DECIMAL, e);

      if (!order || !ia_cli_grant_note_add(f->notes, order, NULL, NULL, true, e))
        return false;
      one = json_array_get(f->notes, json_array_size(f->notes) - 1);
    }
    if (!ia_json_set(one, "revoked", json_true(), e))
      return false;
  }
  return ia_cli_grant_notes_save(c, dataset, f->notes, e);
}

static bool report(ia_cli *c, const todo *t, const found *f, ia_err *e)
{
  IA_AUTO_JSON *revoked = json_array(), *already = json_array();

  for (size_t i = 0; i < f->n; i++) {
    bool is_new = t->sms[i] || t->ledger[i];

    if (is_new)
      ia_cli_out(c, "%s", ia_h256_text(&f->hash[i]).s);
    if (json_array_append_new(is_new ? revoked : already,
                              json_string(ia_h256_text(&f->hash[i]).s)) != 0)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  if (json_array_size(revoked) == 0)
    ia_cli_say(c, "%zu grants are revoked already: nothing was sent", f->n);
  return ia_cli_json(c, json_pack("{s:O, s:O}", "revoked", revoked, "already", already), e);
}

/* The SMS first: from its answer on no key leaves, whatever the ledger does. */
static bool revoke_found(ia_cli *c, ia_net *net, const ia_wallet *w, found *f,
                         const ia_addr *dataset, ia_err *e)
{
  IA_AUTOV(todo) t = {0};
  size_t closed = 0;
  ia_h256 tx;

  if (!ia_cli_trust_sms(c, net, e) || !plan(&t, f, net, w, dataset, e))
    return false;
  if (t.n_sms + t.n_ledger == 0)
    return report(c, &t, f, e);
  if (!ia_cli_confirm(c, e, "Revoke %zu grants for good?", f->n) ||
      !tell_sms(&t, f, net, w, dataset, e) || !note(c, net, f, dataset, e))
    return false;
  for (size_t i = 0; i < f->n; i++) {
    if (!t.ledger[i])
      continue;
    ia_cli_step(c, "closing %zu of %zu on the ledger", ++closed, t.n_ledger);
    if (!ia_order_close(net, w, &f->box[i].order, &tx, e))
      return ia_wrap(e, "revoked at the SMS, still open on the ledger");
  }
  return report(c, &t, f, e);
}

static bool revoke_grants(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  IA_AUTOV(found) f = {0};
  which wanted = {.has_app = ia_cli_arg(c, 1) && strcmp(ia_cli_arg(c, 1), "any") != 0,
                  .has_user = ia_cli_arg(c, 2) != NULL};

  if (!ia_cli_addr(&wanted.dataset, ia_cli_arg(c, 0), "DATA", e) ||
      !ia_cli_addr_or_any(&wanted.app, ia_cli_arg(c, 1), "APP", e) ||
      !ia_cli_addr_or_any(&wanted.user, ia_cli_arg(c, 2), "USER", e) || !ia_cli_net(c, &net, e) ||
      !ia_cli_wallet(c, &w, e) || !find(c, &f, &net, &wanted, e))
    return false;
  if (f.n == 0) {
    ia_fail(e, IA_E_NOT_FOUND, "there is no such grant of %s", ia_addr_text(&wanted.dataset).s);
    return ia_hint(e, "iapp grants %s", ia_addr_text(&wanted.dataset).s);
  }
  return revoke_found(c, &net, w, &f, &wanted.dataset, e);
}

const ia_verb ia_verb_revoke = {
    .name = "revoke",
    .args = "DATA [APP|any] [USER|any]",
    .min_args = 1,
    .max_args = 3,
    .brief = "end grants on your data: all, those of an app, or those of a user",
    .example = "revoke 0xData 0xApp 0xUser",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = revoke_grants,
};
