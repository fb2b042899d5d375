#include "crew.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"

typedef struct hand {
  const crew *c;
  crew_work *work;
  void *ctx;
  size_t from, n;
  pthread_t thread;
} hand;

void crew_check(bool ok, const ia_err *e)
{
  if (ok)
    return;
  (void)fprintf(stderr, "%s: %s\n", ia_code_name(e->code), e->msg);
  exit(1);
}

void crew_open(crew *c)
{
  ia_net net = {.rpc = c->rpc, .hub = c->hub};
  ia_chain *chain;
  ia_err e = {0};

  if (c->threads < 1 || c->threads > CREW_MAX)
    c->threads = 1;
  crew_check(ia_net_open(&net, &e) && ia_net_chain(&net, &chain, &e) &&
                 ia_chain_info_get(chain, &c->info, &e),
             &e);
  c->chain_id = ia_chain_id(chain);
  c->hub = *ia_chain_hub(chain);
  ia_net_close(&net);
}

static void *run(void *ctx)
{
  hand *h = ctx;
  ia_net net = {
      .rpc = h->c->rpc, .market = h->c->market, .chain_id = h->c->chain_id, .hub = h->c->hub};
  ia_err e = {0};

  crew_check(ia_net_open(&net, &e), &e);
  for (size_t i = h->from; i < h->n; i += h->c->threads)
    h->work(h->c, &net, h->ctx, i);
  ia_net_close(&net);
  return NULL;
}

double crew_run(const crew *c, crew_work *work, void *ctx, size_t n)
{
  uint64_t start = ia_mono_us();
  hand hands[CREW_MAX];

  for (size_t i = 0; i < c->threads; i++) {
    hands[i] = (hand){.c = c, .work = work, .ctx = ctx, .from = i, .n = n};
    if (pthread_create(&hands[i].thread, NULL, run, &hands[i]) != 0)
      exit(1);
  }
  for (size_t i = 0; i < c->threads; i++)
    (void)pthread_join(hands[i].thread, NULL);
  return (double)(ia_mono_us() - start) / 1e6;
}

ia_wallet *crew_wallet(void)
{
  IA_AUTOV(ia_secret) key = {0};
  ia_wallet *w = NULL;
  ia_err e = {0};

  crew_check(ia_secp_key_new(&key, &e) && ia_wallet_of_key(&w, &key, &e), &e);
  return w;
}
