/* iapp/order.h: orders as JSON. */
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "client/public.h"
#include "eth/address.h"
#include "iapp/order.h"
#include "poco/orders.h"

typedef struct parsed {
  ia_order_box box;
  ia_order_kind kind;
  ia_h256 separator, hash;
} parsed;

static void parsed_free(parsed *p)
{
  ia_order_box_free(&p->box);
}
IA_DEFINE_AUTO_VALUE(parsed, parsed_free)

static bool parse(parsed *p, const char *kind, const char *json, uint64_t chain_id, const char *hub,
                  ia_err *e)
{
  ia_addr at;
  int k = 0;

  while (k < IA_ORDER_KINDS && strcmp(ia_order_kind_name((ia_order_kind)k), kind) != 0)
    k++;
  if (k == IA_ORDER_KINDS)
    return ia_fail(e, IA_E_USAGE, "no kind of order \"%.40s\"", kind);
  p->kind = (ia_order_kind)k;
  if (!ia_addr_parse(&at, ia_span_str(hub), e) ||
      !ia_order_parse_text(&p->box, p->kind, ia_span_str(json), e))
    return false;
  ia_order_separator(&p->separator, chain_id, &at);
  ia_order_hash(&p->hash, &p->separator, p->kind, &p->box.order.app);
  return true;
}

IA_PUBLIC bool iapp_order_hash(char hash[67], const char *kind, const char *order_json,
                               uint64_t chain_id, const char *hub, iapp_error *e)
{
  IA_AUTOV(parsed) p = {0};
  ia_err why = {0};

  if (!ia_public(parse(&p, kind, order_json, chain_id, hub, &why), &why, e))
    return false;
  memcpy(hash, ia_h256_text(&p.hash).s, 67);
  return true;
}

static bool sign(char **out, parsed *p, const unsigned char key[32], ia_err *e)
{
  IA_AUTO(ia_secp) *secp = NULL;
  IA_AUTOV(ia_secret) secret = {0};

  if (!ia_secp_new(&secp, e) || !ia_secret_copy(&secret, ia_span_of(key, 32), e) ||
      !ia_order_sign(&p->box, secp, &p->separator, &secret, e))
    return false;
  IA_AUTO_JSON *v = ia_order_json(p->kind, &p->box.order.app, IA_ORDER_DECIMAL, e);
  return v && ia_public_json(out, v, e);
}

IA_PUBLIC bool iapp_order_sign(char **out, const char *kind, const char *order_json,
                               uint64_t chain_id, const char *hub, const unsigned char key[32],
                               iapp_error *e)
{
  IA_AUTOV(parsed) p = {0};
  ia_err why = {0};

  return ia_public(parse(&p, kind, order_json, chain_id, hub, &why) && sign(out, &p, key, &why),
                   &why, e);
}

IA_PUBLIC bool iapp_order_signer(char address[43], const char *kind, const char *order_json,
                                 uint64_t chain_id, const char *hub, iapp_error *e)
{
  IA_AUTOV(parsed) p = {0};
  ia_err why = {0};
  ia_addr signer;
  ia_sig sig;

  if (!ia_public(parse(&p, kind, order_json, chain_id, hub, &why) &&
                     ia_sig_parse(&sig, *ia_order_signature(p.kind, &p.box.order.app), &why) &&
                     ia_secp_recover(&signer, &p.hash, &sig, &why),
                 &why, e))
    return false;
  memcpy(address, ia_addr_text(&signer).s, 43);
  return true;
}
