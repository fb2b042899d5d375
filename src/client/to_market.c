/* Orders on the market. */
#include "client/to_market.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/hex.h"
#include "client/login.h"
#include "eth/address.h"

enum { PAGE = 1000 };

void ia_offers_free(ia_offers *o)
{
  if (!o)
    return;
  for (size_t i = 0; i < o->n; i++)
    ia_order_box_free(&o->list[i].box);
  free(o->list);
  *o = (ia_offers){0};
}

/* Every member of the union begins where the union does. */
static const void *body_of(const ia_order *o)
{
  return &o->app;
}

/* rest: "?..&" or "/HASH?", before the chain id. */
static bool collection(ia_buf *url, const ia_net *net, ia_order_kind kind, const char *rest,
                       ia_err *e)
{
  return ia_net_url(url, net->market, "market", e, "/%ss%schainId=%" PRIu64,
                    ia_order_kind_name(kind), rest, net->chain_id);
}

/* Posts or puts with the login of the wallet. */
static bool with_login(const ia_net *net, const ia_wallet *w, const char *method,
                       ia_order_kind kind, const json_t *body, json_t **out, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTOV(ia_buf) login = {0};
  IA_AUTOV(ia_buf) header = {0};

  if (!body)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!ia_net_url(&url, net->market, "market", e, "/challenge?chainId=%" PRIu64 "&address=%s",
                  net->chain_id, ia_addr_text(&w->address).s) ||
      !ia_login(&login, net, w, IA_LOGIN_MARKET, (const char *)url.ptr, e))
    return ia_wrap(e, "market");
  ia_buf_printf(&header, "Authorization: %s", (const char *)login.ptr);
  ia_buf_u8(&header, 0);
  const char *headers[] = {(const char *)header.ptr, NULL};
  if (!ia_buf_ok(&header, e) || !collection(&url, net, kind, "?", e))
    return false;
  ia_http_call call = {.method = method, .url = (const char *)url.ptr, .headers = headers};
  return ia_http_json_call(net->http, out, &call, body, e) || ia_wrap(e, "market");
}

/* Whether the market may have taken what it did not answer. */
static bool is_unanswered(ia_code code)
{
  return code == IA_E_UNAVAILABLE || code == IA_E_IO || code == IA_E_TIMEOUT;
}

/* Posts an order again where an answer was lost. *answer stays NULL where the market has the order
 * by an earlier try of this call. */
static bool post_order(const ia_net *net, const ia_wallet *w, ia_order_kind kind,
                       const json_t *body, json_t **answer, ia_err *e)
{
  enum { TRIES = 4 };

  for (int i = 1;; i++) {
    const struct timespec pause = {.tv_nsec = 250000000};
    ia_err why = {0};

    if (with_login(net, w, "POST", kind, body, answer, &why) || (i > 1 && why.code == IA_E_EXISTS))
      return true;
    if (!is_unanswered(why.code) || i == TRIES) {
      if (e)
        *e = why;
      return false;
    }
    (void)nanosleep(&pause, NULL);
  }
}

bool ia_to_market_publish(const ia_net *net, const ia_wallet *w, const ia_order *order,
                          ia_h256 *hash, ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  json_t *published, *json = ia_order_json(order->kind, body_of(order), IA_ORDER_DECIMAL, e);
  IA_AUTO_JSON *body = json ? json_pack("{s:o}", "order", json) : NULL;
  ia_h256 separator, said;

  if (!json)
    return false;
  ia_order_separator(&separator, net->chain_id, &net->hub);
  ia_order_hash(hash, &separator, order->kind, body_of(order));
  if (!post_order(net, w, order->kind, body, &answer, e))
    return false;
  if (!answer)
    return true;
  if (!ia_json_get_obj(answer, "published", &published, e) ||
      !ia_json_get_h256(published, "orderHash", &said, e))
    return ia_wrap(e, "market");
  if (!ia_h256_eq(&said, hash))
    return ia_fail(e, IA_E_INVALID, "the market published another order than ours");
  return true;
}

bool ia_to_market_unpublish(const ia_net *net, const ia_wallet *w, ia_order_kind kind,
                            const ia_h256 *hash, ia_err *e)
{
  IA_AUTO_JSON *body =
      json_pack("{s:s, s:s}", "target", "unpublish_orderHash", "orderHash", ia_h256_text(hash).s);
  IA_AUTO_JSON *answer = NULL;

  return with_login(net, w, "PUT", kind, body, &answer, e);
}

/* One item of a list, or the answer of a fetch. False when it does not hold. */
static bool read_offer(const ia_net *net, ia_offer *out, ia_order_kind kind, const json_t *item,
                       ia_err *e)
{
  IA_AUTOV(ia_order_box) box = {0};
  ia_h256 separator, said;
  json_t *order;

  if (!ia_json_get_obj(item, "order", &order, e) ||
      !ia_json_get_h256(item, "orderHash", &said, e) ||
      !ia_json_get_u64(item, "remaining", &out->remaining, e) ||
      !ia_order_parse(&box, kind, order, e))
    return false;
  const void *body = body_of(&box.order);
  ia_order_separator(&separator, net->chain_id, &net->hub);
  ia_order_hash(&out->hash, &separator, kind, body);
  if (!ia_h256_eq(&said, &out->hash))
    return ia_fail(e, IA_E_INVALID, "the order's hash is not what the market says");
  ia_sig sig;
  if (!ia_sig_parse(&sig, *ia_order_signature(kind, body), NULL) ||
      !ia_secp_recover(&out->signer, &out->hash, &sig, NULL))
    out->signer = (ia_addr){0}; /* presigned, or of a contract wallet */
  out->box = box;
  box = (ia_order_box){0};
  return true;
}

static bool add_items(const ia_net *net, ia_offers *out, ia_order_kind kind, const json_t *orders,
                      size_t most, ia_err *e)
{
  const json_t *item;
  size_t i;

  json_array_foreach (orders, i, item) {
    ia_offer offer = {0};

    if (out->n == most)
      return true;
    if (!read_offer(net, &offer, kind, item, NULL))
      continue;
    ia_offer *more = reallocarray(out->list, out->n + 1, sizeof(*more));
    if (!more) {
      ia_order_box_free(&offer.box);
      return ia_fail(e, IA_E_MEMORY, "out of memory");
    }
    out->list = more;
    out->list[out->n++] = offer;
  }
  return true;
}

bool ia_to_market_list(const ia_net *net, ia_offers *out, ia_order_kind kind, const char *query,
                       size_t most, ia_err *e)
{
  *out = (ia_offers){0};
  for (unsigned page = 0; out->n < most; page++) {
    IA_AUTO_JSON *answer = NULL;
    IA_AUTOV(ia_buf) rest = {0};
    IA_AUTOV(ia_buf) url = {0};
    json_t *orders;

    ia_buf_printf(&rest, "?%s%spageIndex=%u&pageSize=%d&", query, query[0] ? "&" : "", page, PAGE);
    ia_buf_u8(&rest, 0);
    if (!ia_buf_ok(&rest, e) || !collection(&url, net, kind, (const char *)rest.ptr, e) ||
        !ia_http_json(net->http, &answer, "GET", (const char *)url.ptr, NULL, e) ||
        !ia_json_get_arr(answer, "orders", &orders, e) ||
        !add_items(net, out, kind, orders, most, e)) {
      ia_offers_free(out);
      return ia_wrap(e, "market");
    }
    if (json_array_size(orders) == 0 || !json_object_get(answer, "nextPage"))
      break;
  }
  return true;
}

bool ia_to_market_fetch(const ia_net *net, ia_offer *out, ia_order_kind kind, const ia_h256 *hash,
                        ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  IA_AUTOV(ia_buf) url = {0};
  char rest[80];

  *out = (ia_offer){0};
  if (snprintf(rest, sizeof(rest), "/%s?", ia_h256_text(hash).s) < 0 ||
      !collection(&url, net, kind, rest, e) ||
      !ia_http_json(net->http, &answer, "GET", (const char *)url.ptr, NULL, e) ||
      !read_offer(net, out, kind, answer, e))
    return ia_wrap(e, "market");
  if (ia_h256_eq(&out->hash, hash))
    return true;
  ia_order_box_free(&out->box);
  return ia_fail(e, IA_E_INVALID, "the market answered with another order");
}
