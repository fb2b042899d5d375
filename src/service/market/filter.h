/* What a list of orders is narrowed to. */
#ifndef IA_SERVICE_MARKET_FILTER_H
#define IA_SERVICE_MARKET_FILTER_H

#include "service/market/market_int.h"

/* A column that must be one of two addresses, or a group with this member, or anything. */
typedef struct ia_market_pick {
  bool free;
  bool groups; /* those that b is a member of, too */
  ia_addr a, b;
} ia_market_pick;

typedef struct ia_market_filter {
  ia_order_kind kind;
  ia_market_pick asset, signer, app, dataset, workerpool, requester, beneficiary;
  uint64_t category, min_trust, max_trust, min_volume;
  bool any_category, bulk;
  ia_h256 min_tag, max_tag;
} ia_market_filter;

/* The request's query; INVALID names the filter that is wrong, unknown, or given twice. */
IA_MUST bool ia_market_filter_read(ia_request *rq, ia_order_kind kind, ia_market_filter *f,
                                   ia_err *e);
/* Appends " FROM orders WHERE ..."; its values are bound by ia_market_filter_bind. */
void ia_market_filter_where(ia_buf *out, const ia_market_filter *f);
void ia_market_filter_bind(ia_stmt *s, const ia_market_filter *f);

/* Is it narrowed to one value of a column that has an index? */
bool ia_market_filter_selects(const ia_market_filter *f);

#endif
