/* Fills a ledger with protected data, as owners would register it: of OWNERS owners, with schemas
 * that differ. No bytes are stored anywhere and no key is kept: this is for the index.
 *
 * datasets RPC CONTRACT N THREADS: one JSON line: {"registered","seconds","perSecond"}. Dataset i
 * is of the owner with address 1 + i % OWNERS as a number, and has schema i % SCHEMAS. */
#include <stdio.h>
#include <stdlib.h>

#include "crew.h"
#include "eth/address.h"

enum { OWNERS = 1000 };

static const char *const schemas[] = {
    "{\"email\":\"string\"}",
    "{\"telegram_chatId\":\"string\"}",
    "{\"file\":\"application/pdf\"}",
    "{\"person\":{\"name\":\"string\",\"age\":\"f64\",\"married\":\"bool\"}}",
    "{\"email\":\"string\",\"person\":{\"address\":{\"zip\":\"i128\"}}}",
};

typedef struct bench {
  ia_addr contract;
  ia_wallet *wallets[CREW_MAX];
} bench;

static void register_one(const crew *c, ia_net *net, void *ctx, size_t index)
{
  const bench *b = ctx;
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_args args = {0};
  char name[32];
  ia_err e = {0};

  (void)snprintf(name, sizeof(name), "dataset %zu", index);
  args.addr[0].b[18] = (uint8_t)((1 + index % OWNERS) >> 8);
  args.addr[0].b[19] = (uint8_t)(1 + index % OWNERS);
  args.bytes[0] = ia_span_str(name);
  args.bytes[1] = ia_span_str(schemas[index % IA_COUNT(schemas)]);
  args.bytes[2] = ia_span_str("/ipfs/QmTz3oc4gdpRMKP2sdGUPZTAGRngqjsi99BPoztyP53JMM");
  crew_check(ia_net_call(net, b->wallets[index % c->threads], &b->contract,
                         IA_CALL_CREATE_DATASET_WITH_SCHEMA, &args, &sent, &e),
             &e);
}

int main(int argc, char **argv)
{
  crew c = {.rpc = argv[1]};
  bench b = {0};
  ia_err e = {0};

  if (argc != 5) {
    (void)fputs("usage: datasets RPC CONTRACT N THREADS\n", stderr);
    return 2;
  }
  size_t n = strtoul(argv[3], NULL, 10);
  c.threads = strtoul(argv[4], NULL, 10);
  crew_check(ia_addr_parse(&b.contract, ia_span_str(argv[2]), &e), &e);
  crew_open(&c);
  for (size_t i = 0; i < c.threads; i++)
    b.wallets[i] = crew_wallet();
  double seconds = crew_run(&c, register_one, &b, n);
  (void)printf("{\"registered\":%zu,\"seconds\":%.1f,\"perSecond\":%.0f}\n", n, seconds,
               (double)n / seconds);
  for (size_t i = 0; i < c.threads; i++)
    ia_wallet_free(b.wallets[i]);
  return 0;
}
