/* Fills a market with open orders, as owners would: each wallet registers one asset and publishes
 * 50 orders of it, each under a login of its own. Of 20 wallets 18 grant datasets, one offers an
 * app, one a workerpool. Restrictions come from small sets, so that lists have something to find:
 * apps and requesters are the addresses 1 to APPS, 1 to REQUESTERS as numbers.
 *
 * orders RPC MARKET N THREADS: one JSON line: {"published","seconds","perSecond",
 * "dataset","app","workerpool","datasetOwner"}; the addresses are of the first wallets. Only the
 * publishing is timed. */
#include <stdio.h>
#include <stdlib.h>

#include "base/hex.h"
#include "client/to_market.h"
#include "crew.h"
#include "eth/address.h"
#include "poco/ids.h"

enum { EACH = 50, APPS = 20, REQUESTERS = 500, CYCLE = 20, LEAST_OWNERS = 3, TAG = 9 };

typedef struct owner {
  ia_wallet *wallet;
  ia_order_kind kind;
  ia_addr asset;
} owner;

static ia_addr numbered(size_t n)
{
  ia_addr a = {{0}};

  a.b[18] = (uint8_t)(n >> 8);
  a.b[19] = (uint8_t)n;
  return a;
}

static void register_asset(const crew *c, ia_net *net, void *ctx, size_t index)
{
  owner *o = (owner *)ctx + index;
  static const ia_call_id create[] = {IA_CALL_CREATE_APP, IA_CALL_CREATE_DATASET,
                                      IA_CALL_CREATE_WORKERPOOL};
  ia_app_info app = {
      .owner = o->wallet->address, .name = ia_span_str("a"), .type = ia_span_str("DOCKER")};
  ia_dataset_info data = {.owner = o->wallet->address, .name = ia_span_str("d")};
  ia_args args = {.addr = {o->wallet->address}, .bytes = {ia_span_str("w")}};
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_err e = {0};

  if (o->kind == IA_ORDER_APP) {
    args.bytes[0] = app.name;
    args.bytes[1] = app.type;
    ia_app_address(&o->asset, &c->info.registry[0], &c->info.proxy_code_hash, &app);
  } else if (o->kind == IA_ORDER_DATASET) {
    args.bytes[0] = data.name;
    ia_dataset_address(&o->asset, &c->info.registry[1], &c->info.proxy_code_hash, &data);
  } else
    ia_workerpool_address(&o->asset, &c->info.registry[2], &c->info.proxy_code_hash,
                          &o->wallet->address, args.bytes[0]);
  crew_check(
      ia_net_call(net, o->wallet, &c->info.registry[o->kind], create[o->kind], &args, &sent, &e),
      &e);
}

static void make(ia_order *out, const owner *o, size_t n, size_t salt)
{
  ia_u256 price = ia_u256_of(n % 7 * 10), volume = ia_u256_of(1 + n % 1000);
  ia_h256 tag = {{0}}, mark = {{0}};
  ia_addr requester = n % 2 ? numbered(1 + n % REQUESTERS) : numbered(0);

  tag.b[31] = TAG;
  memcpy(mark.b, &salt, sizeof(salt));
  *out = (ia_order){.kind = o->kind};
  if (o->kind == IA_ORDER_APP)
    out->app = (ia_app_order){.app = o->asset,
                              .appprice = price,
                              .volume = volume,
                              .tag = tag,
                              .requesterrestrict = requester,
                              .salt = mark};
  else if (o->kind == IA_ORDER_DATASET)
    out->dataset = (ia_dataset_order){.dataset = o->asset,
                                      .datasetprice = price,
                                      .volume = volume,
                                      .tag = tag,
                                      .apprestrict = numbered(1 + n % APPS),
                                      .requesterrestrict = requester,
                                      .salt = mark};
  else
    /* free: a price would need a stake */
    out->workerpool = (ia_workerpool_order){.workerpool = o->asset,
                                            .volume = volume,
                                            .tag = tag,
                                            .category = ia_u256_of(n % 5),
                                            .requesterrestrict = requester,
                                            .salt = mark};
}

static void publish(const crew *c, ia_net *net, void *ctx, size_t index)
{
  owner *o = (owner *)ctx + index;
  ia_h256 separator, hash;
  ia_err e = {0};

  ia_order_separator(&separator, c->chain_id, &c->hub);
  for (size_t i = 0; i < EACH; i++) {
    IA_AUTOV(ia_order_box) box = {0};

    make(&box.order, o, index + i * 7919, index * EACH + i);
    crew_check(ia_order_sign(&box, o->wallet->secp, &separator, &o->wallet->key, &e) &&
                   ia_to_market_publish(net, o->wallet, &box.order, &hash, &e),
               &e);
  }
}

int main(int argc, char **argv)
{
  crew c = {.rpc = argv[1]};

  if (argc != 5) {
    (void)fputs("usage: orders RPC MARKET N THREADS\n", stderr);
    return 2;
  }
  size_t n = (strtoul(argv[3], NULL, 10) + EACH - 1) / EACH;
  n = n < LEAST_OWNERS ? LEAST_OWNERS : n;
  owner *owners = calloc(n, sizeof(*owners));
  if (!owners)
    return 1;
  c.market = argv[2];
  c.threads = strtoul(argv[4], NULL, 10);
  crew_open(&c);
  for (size_t i = 0; i < n; i++)
    owners[i] = (owner){.wallet = crew_wallet(),
                        .kind = i % CYCLE == 1   ? IA_ORDER_APP
                                : i % CYCLE == 2 ? IA_ORDER_WORKERPOOL
                                                 : IA_ORDER_DATASET};
  (void)crew_run(&c, register_asset, owners, n);
  double seconds = crew_run(&c, publish, owners, n);
  (void)printf("{\"published\":%zu,\"seconds\":%.1f,\"perSecond\":%.0f,"
               "\"dataset\":\"%s\",\"app\":\"%s\",\"workerpool\":\"%s\",\"datasetOwner\":\"%s\"}\n",
               n * EACH, seconds, (double)(n * EACH) / seconds, ia_addr_text(&owners[0].asset).s,
               ia_addr_text(&owners[1].asset).s, ia_addr_text(&owners[2].asset).s,
               ia_addr_text(&owners[0].wallet->address).s);
  for (size_t i = 0; i < n; i++)
    ia_wallet_free(owners[i].wallet);
  free(owners);
  return 0;
}
