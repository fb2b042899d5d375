/* iapp grant: access to protected data, with terms of its own. In this order: the order is signed
 * and noted in this home, its terms go to the SMS, then it is published; wherever that breaks off,
 * the same command goes on with the same order. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "cli/grant_notes.h"
#include "cli/grant_terms.h"
#include "cli/net.h"
#include "cli/parse.h"
#include "cli/pool_room.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/grant.h"
#include "client/limits.h"
#include "eth/address.h"

enum { LIST_MAX = 10000 };
static const uint64_t bulk_volume = 9007199254740991; /* what the packages take for "any number" */

struct granting {
  ia_cli *c;
  ia_net net;
  ia_wallet *w;
  ia_grant g;
  ia_h256 separator;
  json_t *asked;  /* terms as typed; NULL = none */
  json_t *notes;  /* of this home */
  json_t *limits; /* what the SMS has of the data; NULL until it is asked */
  ia_offers open; /* on the market */
  json_t *note;   /* borrowed of notes: of the order that is being granted */
  json_t *terms;  /* body of its message; NULL = none */
  ia_order_box box;
  ia_h256 hash;
  uint64_t version; /* of the terms' message; 0 = none was sent */
};

static void granting_free(struct granting *x)
{
  json_decref(x->asked);
  json_decref(x->notes);
  json_decref(x->limits);
  json_decref(x->terms);
  ia_offers_free(&x->open);
  ia_order_box_free(&x->box);
  ia_wallet_free(x->w);
  ia_net_close(&x->net);
}

/* Orders of the dataset on the market, whatever they are restricted to. */
static bool list_open(struct granting *x, ia_err *e)
{
  char query[160];

  if (snprintf(query, sizeof(query), "dataset=%s&app=any&workerpool=any&requester=any",
               ia_addr_text(&x->g.dataset).s) < 0)
    return ia_fail(e, IA_E_INTERNAL, "query");
  return ia_to_market_list(&x->net, &x->open, IA_ORDER_DATASET, query, LIST_MAX, e);
}

static bool read_terms(ia_cli *c, ia_grant *g, ia_err *e)
{
  const char *user = ia_cli_arg(c, 2), *price = ia_cli_opt(c, "price");
  bool me = ia_cli_flag(c, "me");

  if (!ia_cli_addr(&g->dataset, ia_cli_arg(c, 0), "DATA", e) ||
      !ia_cli_addr(&g->app, ia_cli_arg(c, 1), "APP", e) ||
      !ia_cli_addr_or_any(&g->requester, user, "USER", e) ||
      !ia_parse_amount(&g->price_nrlc, price ? price : "0", e) ||
      !ia_cli_opt_u64(c, "times", 1, &g->volume, e))
    return false;
  if (me == (user != NULL))
    return ia_fail(e, IA_E_USAGE, "say who: an address, any, or --me");
  if (ia_cli_flag(c, "add") && !ia_cli_opt_u64(c, "add", 1, &g->volume, e))
    return false;
  if (ia_cli_flag(c, "bulk") && g->price_nrlc > 0)
    return ia_fail(e, IA_E_USAGE, "--bulk: the price must be 0");
  if (ia_cli_flag(c, "bulk"))
    g->volume = bulk_volume;
  return g->volume > 0 || ia_fail(e, IA_E_USAGE, "--times: at least 1");
}

/* The same app, user, price and number of runs. */
static bool is_like(const ia_grant *g, const ia_dataset_order *o)
{
  ia_u256 price = ia_u256_of(g->price_nrlc), volume = ia_u256_of(g->volume);

  return ia_addr_eq(&o->apprestrict, &g->app) && ia_addr_eq(&o->requesterrestrict, &g->requester) &&
         ia_addr_eq(&o->workerpoolrestrict, &g->workerpool) &&
         ia_u256_cmp(&o->datasetprice, &price) == 0 && ia_u256_cmp(&o->volume, &volume) == 0;
}

static bool is_asked(const struct granting *x, const json_t *note)
{
  const json_t *asked = json_object_get(note, "asked");

  return x->asked ? json_equal(asked, x->asked) : !asked || json_is_null(asked);
}

static const ia_offer *offer_of(const struct granting *x, const ia_h256 *hash)
{
  for (size_t i = 0; i < x->open.n; i++)
    if (ia_h256_eq(&x->open.list[i].hash, hash))
      return &x->open.list[i];
  return NULL;
}

/* -- a grant that is there already -- */
static bool ask_limits(struct granting *x, ia_err *e)
{
  return x->limits || (ia_cli_trust_sms(x->c, &x->net, e) &&
                       ia_to_sms_limits(&x->net, x->w, &x->g.dataset, &x->limits, e));
}

/* Where another home made it, the SMS knows its terms. */
static bool has_terms(struct granting *x, const ia_offer *o, bool *same, ia_err *e)
{
  const json_t *note = ia_cli_grant_note_of(x->notes, &x->separator, &o->hash);
  IA_AUTO_JSON *want = NULL;

  *same = note && is_asked(x, note);
  if (note)
    return true;
  if (!ask_limits(x, e) || !ia_cli_terms_body(&want, x->asked, &o->hash, e))
    return false;
  const json_t *there = json_object_get(ia_limits_of_order(x->limits, &o->hash), "terms");
  *same = want ? json_equal(want, there) : !there || json_is_null(there);
  return true;
}

/* A second order for the same app and user is likely a mistake; of the same terms it would be
 * nothing new. *found: that one. */
static bool check_double(struct granting *x, const ia_offer **found, ia_err *e)
{
  const ia_offer *other = NULL;

  *found = NULL;
  for (size_t i = 0; i < x->open.n && !*found; i++) {
    const ia_offer *o = &x->open.list[i];
    const ia_dataset_order *order = &o->box.order.dataset;
    bool same = false;

    if (!ia_addr_eq(&order->apprestrict, &x->g.app) ||
        !ia_addr_eq(&order->requesterrestrict, &x->g.requester))
      continue;
    other = o;
    if (is_like(&x->g, order) && !has_terms(x, o, &same, e))
      return false;
    if (same)
      *found = o;
  }
  if (*found || !other)
    return true;
  ia_fail(e, IA_E_EXISTS, "granted already, on other terms: %" PRIu64 " runs are left (order %s)",
          other->remaining, ia_h256_text(&other->hash).s);
  return ia_hint(e,
                 "--add N signs a second order beside it; iapp revoke ends the first; iapp grants "
                 "%s shows both",
                 ia_addr_text(&x->g.dataset).s);
}

/* -- the order -- */
/* An earlier try of this very command that did not come to its end. */
static bool find_unfinished(struct granting *x, ia_err *e)
{
  json_t *note;
  size_t i;

  json_array_foreach (x->notes, i, note) {
    json_int_t expires =
        json_integer_value(json_object_get(json_object_get(note, "terms"), "expires"));
    IA_AUTOV(ia_order_box) box = {0};

    if (!json_is_false(json_object_get(note, "published")) ||
        json_is_true(json_object_get(note, "revoked")) || !is_asked(x, note) ||
        (expires > 0 && (uint64_t)expires <= ia_now()))
      continue;
    if (!ia_order_parse(&box, IA_ORDER_DATASET, json_object_get(note, "order"), e))
      return ia_wrap(e, "grants of this home");
    if (!is_like(&x->g, &box.order.dataset))
      continue;
    x->note = note;
    x->box = box;
    box = (ia_order_box){0};
    ia_order_hash(&x->hash, &x->separator, IA_ORDER_DATASET, &x->box.order.dataset);
    x->terms = json_incref(json_object_get(note, "terms"));
    if (json_is_null(x->terms))
      x->terms = NULL;
    return true;
  }
  return true;
}

static bool sign_new(struct granting *x, ia_err *e)
{
  IA_AUTO_JSON *order = NULL;

  if (!ia_grant_sign(&x->net, x->w, &x->g, &x->box, &x->hash, e) ||
      !(order = ia_order_json(IA_ORDER_DATASET, &x->box.order.dataset, IA_ORDER_DECIMAL, e)) ||
      !ia_cli_terms_body(&x->terms, x->asked, &x->hash, e) ||
      !ia_cli_grant_note_add(x->notes, order, x->asked, x->terms, false, e) ||
      !ia_cli_grant_notes_save(x->c, &x->g.dataset, x->notes, e))
    return false;
  x->note = json_array_get(x->notes, json_array_size(x->notes) - 1);
  return true;
}

static bool set_published(struct granting *x, ia_err *e)
{
  return ia_json_set(x->note, "published", json_true(), e) &&
         ia_cli_grant_notes_save(x->c, &x->g.dataset, x->notes, e);
}

/* Terms first: an order that is out before them could be used without them. */
static bool put_out(struct granting *x, ia_err *e)
{
  if (x->terms) {
    ia_cli_step(x->c, "sending the terms of the grant to the SMS");
    if (!ia_cli_trust_sms(x->c, &x->net, e) ||
        !ia_limits_send_terms(&x->net, x->w, &x->g.dataset, x->terms, &x->version, e))
      return ia_wrap(e, "nothing is granted: the terms did not reach the SMS");
  }
  ia_cli_step(x->c, "publishing the order");
  if (ia_to_market_publish(&x->net, x->w, &x->box.order, &x->hash, e))
    return set_published(x, e);
  ia_wrap(e, "the order is signed but not published");
  return e->hint[0] ? false : ia_hint(e, "run the same command again: it publishes this order");
}

/* -- saying -- */
static json_t *as_json(const struct granting *x, bool already, ia_err *e)
{
  const ia_grant *g = &x->g;
  json_t *o = json_object();

  if (ia_json_set(o, "orderHash", json_string(ia_h256_text(&x->hash).s), e) &&
      ia_json_set(o, "dataset", json_string(ia_addr_text(&g->dataset).s), e) &&
      ia_json_set(o, "app", json_string(ia_addr_text(&g->app).s), e) &&
      ia_json_set(o, "requester", json_string(ia_addr_text(&g->requester).s), e) &&
      ia_json_set(o, "price", json_integer((json_int_t)g->price_nrlc), e) &&
      ia_json_set(o, "volume", json_integer((json_int_t)g->volume), e) &&
      ia_json_set(o, "already", json_boolean(already), e) &&
      (!x->terms || ia_json_set(o, "terms", json_incref(x->terms), e)) &&
      (x->version == 0 || ia_json_set(o, "termsVersion", json_integer((json_int_t)x->version), e)))
    return o;
  json_decref(o);
  return NULL;
}

static bool say(struct granting *x, const char *already, ia_err *e)
{
  bool anyone = ia_addr_zero(&x->g.requester);
  IA_AUTOV(ia_buf) terms = {0};

  ia_cli_terms_text(&terms, x->terms, -1);
  ia_buf_u8(&terms, 0);
  if (!ia_buf_ok(&terms, e))
    return false;
  if (already)
    ia_cli_say(x->c, "%s", already);
  ia_cli_say(x->c, "%s may run %s on %s, %" PRIu64 " times, for %s each%s",
             anyone ? "anyone" : ia_addr_text(&x->g.requester).s, ia_addr_text(&x->g.app).s,
             ia_addr_text(&x->g.dataset).s, x->g.volume, ia_amount(x->g.price_nrlc).s,
             (const char *)terms.ptr);
  ia_cli_out(x->c, "%s", ia_h256_text(&x->hash).s);
  return ia_cli_json(x->c, as_json(x, already != NULL, e), e);
}

/* The grant that is there has its terms at the SMS; one whose store was replaced gets them again.
 */
static bool is_whole(struct granting *x, const ia_offer *same, ia_err *e)
{
  const json_t *note = ia_cli_grant_note_of(x->notes, &x->separator, &same->hash);
  const json_t *noted = json_object_get(note, "terms"), *there;

  x->hash = same->hash;
  if (note && !json_is_object(noted))
    return true;
  if (!ask_limits(x, e))
    return false;
  there = json_object_get(ia_limits_of_order(x->limits, &same->hash), "terms");
  if (json_is_object(noted ? noted : there))
    x->terms = json_deep_copy(noted ? noted : there);
  if (!noted || json_equal(noted, there))
    return true;
  ia_cli_warn(x->c, "the SMS does not have the terms of this grant: they are sent again");
  return ia_limits_send_terms(&x->net, x->w, &x->g.dataset, x->terms, &x->version, e);
}

static bool make_grant(struct granting *x, ia_err *e)
{
  const ia_offer *same = NULL;

  if (!list_open(x, e) || !find_unfinished(x, e))
    return false;
  if (x->note && offer_of(x, &x->hash))
    return set_published(x, e) && say(x, "An earlier try published this grant.", e);
  if (!x->note && !ia_cli_flag(x->c, "add") && !check_double(x, &same, e))
    return false;
  if (same)
    return is_whole(x, same, e) && say(x, "This grant is there already: nothing was signed.", e);
  return (x->note || sign_new(x, e)) && put_out(x, e) && say(x, NULL, e);
}

static bool grant(ia_cli *c, ia_err *e)
{
  struct granting x = {.c = c};
  bool ok = read_terms(c, &x.g, e) && ia_cli_terms_asked(c, &x.asked, e) &&
            ia_cli_net(c, &x.net, e) && ia_cli_wallet(c, &x.w, e) &&
            (x.notes = ia_cli_grant_notes(c, &x.g.dataset, e)) != NULL;

  if (ok && ia_cli_flag(c, "me"))
    x.g.requester = x.w->address;
  ok = ok && ia_grant_check(&x.net, x.w, &x.g, e);
  if (ok) {
    ia_order_separator(&x.separator, x.net.chain_id, &x.net.hub);
    ia_cli_warn_simulated(c, &x.net);
    ia_pool_room_warn_dataset(c, &x.net, &x.g.dataset);
    ok = make_grant(&x, e);
  }
  granting_free(&x);
  return ok;
}

static const ia_option grant_options[] = {
    {"price", "RLC", false, "price of one run (0)", "grant 0xData 0xApp 0xUser --price 0.1RLC"},
    {"times", "N", false, "how many runs (1)", "grant 0xData 0xApp 0xUser --times 10"},
    {"add", "N", false, "N more runs by a second order", "grant 0xData 0xApp 0xUser --add 10"},
    {"bulk", NULL, false, "any number of runs, also in bulk, at price 0",
     "grant 0xData 0xApp any --bulk"},
    {"me", NULL, false, "to this wallet itself", "grant 0xData 0xApp --me"},
    {"until", "TIME", false, "this grant expires then: 30d, 2026-12-31, a time",
     "grant 0xData 0xApp 0xUser --until 30d"},
    {"purpose", "TEXT", true, "this grant is only for runs that state this purpose",
     "grant 0xData 0xApp 0xUser --purpose research"},
    {"runs", "N", false, "keys are released for at most N runs of this grant",
     "grant 0xData 0xApp any --times 100 --runs 10"},
    {0},
};

const ia_verb ia_verb_grant = {
    .name = "grant",
    .args = "DATA APP|LINE [USER|any]",
    .min_args = 2,
    .max_args = 3,
    .brief = "let a user run an app on your data",
    .example = "grant 0xData 0xApp 0xUser --times 10 --until 30d",
    .options = grant_options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = grant,
};
