/* The orders of a run: found on the market, joined by the requester's own, matched into a deal. */
#ifndef IA_CLIENT_RUN_ORDERS_H
#define IA_CLIENT_RUN_ORDERS_H

#include "client/to_market.h"
#include "poco/match.h"

enum { IA_RUN_ANY_CATEGORY = -1, IA_RUN_SKIP_MAX = 20 };

typedef struct ia_run_want {
  ia_addr app;
  ia_addr dataset;    /* zero = none */
  ia_addr workerpool; /* zero = any */
  ia_addr requester;
  ia_addr beneficiary; /* zero = the requester */
  ia_addr callback;    /* zero = none */
  int64_t category;    /* IA_RUN_ANY_CATEGORY = that of the cheapest pool order */
  uint64_t tasks;
  const char *params;            /* JSON text of the request (poco/params.h) */
  ia_h256 skip[IA_RUN_SKIP_MAX]; /* dataset orders that are not to be taken */
  size_t n_skip;
} ia_run_want;

/* Four orders that fit together; the dataset's is empty when there is none. Zeroed = empty. */
typedef struct ia_run_orders {
  ia_order_box box[IA_ORDER_KINDS];
  ia_h256 hash[IA_ORDER_KINDS];
  bool has[IA_ORDER_KINDS];
} ia_run_orders;
void ia_run_orders_free(ia_run_orders *r); /* NULL is fine */
IA_DEFINE_AUTO_VALUE(ia_run_orders, ia_run_orders_free)

/* The cheapest orders on the market that this requester may use. An order that is there already
 * (has[kind], made by the caller) is kept. GRANT_MISSING, naming what there is instead, when the
 * data or the app are not open to her; NO_RESOURCES when no pool offers enough. */
IA_MUST bool ia_run_pick(const ia_net *net, ia_run_orders *r, const ia_run_want *want, ia_err *e);
/* Price of one task in nRLC. */
IA_MUST bool ia_run_price(uint64_t *out, const ia_run_orders *r, ia_err *e);
/* Makes and signs the request order for the three others, at just their prices. */
IA_MUST bool ia_run_request(const ia_net *net, const ia_wallet *w, ia_run_orders *r,
                            const ia_run_want *want, ia_err *e);
/* {"app","dataset"|null,"workerpool","request"}, as /why/v1 takes them; new reference. */
json_t *ia_run_orders_json(const ia_run_orders *r, ia_err *e);

typedef struct ia_run_deal {
  ia_h256 id;
  ia_h256 tx;
  uint64_t first, tasks; /* indices of the tasks */
} ia_run_deal;
/* matchOrders by the wallet. REVERT with PoCo's reason. */
IA_MUST bool ia_run_match(ia_net *net, const ia_wallet *w, const ia_run_orders *r, ia_run_deal *out,
                          ia_err *e);

#endif
