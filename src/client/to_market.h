/* The market: orders published, listed, fetched and taken back (iExec's routes). What it answers is
 * checked: hash, signature and kind of every order are our own computation. */
#ifndef IA_CLIENT_TO_MARKET_H
#define IA_CLIENT_TO_MARKET_H

#include "client/net.h"
#include "poco/orders.h"

typedef struct ia_offer {
  ia_order_box box;
  ia_h256 hash;       /* ours */
  uint64_t remaining; /* by the market's word */
  ia_addr signer;     /* recovered from the signature; zero when it is not a plain one */
} ia_offer;

typedef struct ia_offers {
  ia_offer *list;
  size_t n;
} ia_offers;
void ia_offers_free(ia_offers *o); /* NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_offers, ia_offers_free)

/* Signs the market's login for our wallet and posts the order. EXISTS is an error here too. */
IA_MUST bool ia_to_market_publish(const ia_net *net, const ia_wallet *w, const ia_order *order,
                                  ia_h256 *hash, ia_err *e);
IA_MUST bool ia_to_market_unpublish(const ia_net *net, const ia_wallet *w, ia_order_kind kind,
                                    const ia_h256 *hash, ia_err *e);
/* query: the market's filters, "dataset=0x..&app=any", without chainId and paging; up to `most`
 * orders, cheapest first. Orders that do not hold (hash, form) are left out. */
IA_MUST bool ia_to_market_list(const ia_net *net, ia_offers *out, ia_order_kind kind,
                               const char *query, size_t most, ia_err *e);
/* NOT_FOUND; INVALID when the answer is another order. */
IA_MUST bool ia_to_market_fetch(const ia_net *net, ia_offer *out, ia_order_kind kind,
                                const ia_h256 *hash, ia_err *e);

#endif
