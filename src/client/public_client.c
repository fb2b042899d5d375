/* iapp/client.h: a client of one installation. */
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "client/grant.h"
#include "client/money.h"
#include "client/protect.h"
#include "client/public.h"
#include "client/run_orders.h"
#include "client/to_scheduler.h"
#include "crypto/ed25519.h"
#include "eth/address.h"
#include "iapp/client.h"
#include "poco/ids.h"

struct iapp_client {
  ia_net net;
  ia_wallet *w;
  char *urls[5]; /* what net borrows */
  ia_path folder;
  ia_addr contract; /* zero = not known */
  ia_h256 sms_key;  /* zero = no SMS is trusted */
  char address[43];
};

IA_PUBLIC void iapp_client_close(iapp_client *c)
{
  if (!c)
    return;
  ia_net_close(&c->net);
  ia_wallet_free(c->w);
  for (size_t i = 0; i < IA_COUNT(c->urls); i++)
    free(c->urls[i]);
  free(c);
}

static bool keep_url(iapp_client *c, size_t i, const char *url, const char **out, ia_err *e)
{
  if (!url)
    return true;
  c->urls[i] = strdup(url);
  *out = c->urls[i];
  return c->urls[i] || ia_fail(e, IA_E_MEMORY, "out of memory");
}

static bool read_services(iapp_client *c, const iapp_services *s, ia_err *e)
{
  if (!s->rpc || !s->hub)
    return ia_fail(e, IA_E_USAGE, "services: rpc and hub are needed");
  c->net.chain_id = s->chain_id;
  if (!ia_addr_parse(&c->net.hub, ia_span_str(s->hub), e) ||
      (s->data_protector && !ia_addr_parse(&c->contract, ia_span_str(s->data_protector), e)))
    return false;
  if (s->sms_key && !ia_h256_parse(&c->sms_key, ia_span_str(s->sms_key)))
    return ia_fail(e, IA_E_USAGE, "services: sms_key is 0x and 64 hex digits");
  if (s->sms_key && !ia_ed25519_key_check(c->sms_key.b, e))
    return ia_wrap(e, "services: sms_key");
  return keep_url(c, 0, s->rpc, &c->net.rpc, e) && keep_url(c, 1, s->market, &c->net.market, e) &&
         keep_url(c, 2, s->sms, &c->net.sms, e) && keep_url(c, 3, s->ipfs, &c->net.ipfs, e) &&
         keep_url(c, 4, s->scheduler, &c->net.scheduler, e);
}

static bool open_client(iapp_client *c, const iapp_services *s, const char *folder,
                        const unsigned char key[32], ia_err *e)
{
  IA_AUTOV(ia_secret) secret = {0};

  if (!read_services(c, s, e) || !ia_path_join(&c->folder, e, "%s", folder) ||
      !ia_secret_copy(&secret, ia_span_of(key, 32), e) || !ia_wallet_of_key(&c->w, &secret, e) ||
      !ia_net_open(&c->net, e))
    return false;
  memcpy(c->address, ia_addr_text(&c->w->address).s, sizeof(c->address));
  return true;
}

IA_PUBLIC bool iapp_client_open(iapp_client **out, const iapp_services *services,
                                const char *folder, const unsigned char key[32], iapp_error *e)
{
  iapp_client *c = calloc(1, sizeof(*c));
  ia_err why = {0};

  if (!c) {
    ia_fail(&why, IA_E_MEMORY, "out of memory");
    return ia_public(false, &why, e);
  }
  if (!open_client(c, services, folder, key, &why)) {
    iapp_client_close(c);
    return ia_public(false, &why, e);
  }
  *out = c;
  return true;
}

IA_PUBLIC const char *iapp_client_address(const iapp_client *c)
{
  return c->address;
}

/* A key goes to the one SMS that the caller named. */
static bool check_sms(iapp_client *c, ia_err *e)
{
  IA_AUTOV(ia_sms_info) info = {0};

  if (!ia_to_sms_info(&c->net, &info, e))
    return false;
  if (!ia_h256_eq(&info.sms_key, &c->sms_key))
    return ia_fail(e, IA_E_UNKNOWN_SMS, "the SMS that answers has the key %s",
                   ia_h256_text(&info.sms_key).s);
  c->net.sms_key = c->sms_key;
  c->net.sms_domain = info.simulated ? IA_DOMAIN_SIM : IA_DOMAIN_HW;
  return true;
}

static bool finish(iapp_client *c, ia_protect *p, ia_protected *d, ia_err *e)
{
  ia_protect_config cfg = {.net = &c->net, .wallet = c->w, .contract = c->contract};

  if (ia_addr_zero(&c->contract))
    return ia_fail(e, IA_E_USAGE, "services: data_protector is needed");
  return check_sms(c, e) && ia_protect_run(p, d, &cfg, e);
}

static bool protect(iapp_client *c, char **out, const char *name, const char *values, ia_err *e)
{
  IA_AUTO(ia_node) *top = NULL;
  IA_AUTO(ia_protect) *p = NULL;
  ia_protected d;

  if (!ia_node_from_json(&top, ia_span_str(values), e) ||
      !ia_protect_begin(&p, c->folder.s, name ? name : "", top, c->w, e) || !finish(c, p, &d, e))
    return false;
  IA_AUTO_JSON *v =
      json_pack("{s:s, s:o, s:s, s:s, s:o}", "address", ia_addr_text(&d.address).s, "checksum",
                ia_json_h256(&d.checksum), "cid", d.cid.s, "schema", ia_protect_schema(p),
                "transactionHash", ia_h256_zero(&d.tx) ? json_null() : ia_json_h256(&d.tx));
  return ia_public_json(out, v, e);
}

IA_PUBLIC bool iapp_client_protect(iapp_client *c, char **out, const char *name,
                                   const char *values_json, iapp_error *e)
{
  ia_err why = {0};

  return ia_public(protect(c, out, name, values_json, &why), &why, e);
}

static bool resume(iapp_client *c, size_t *n, ia_err *e)
{
  size_t left;

  *n = 0;
  if (!ia_protect_count(&left, c->folder.s, e))
    return false;
  /* a finished one is gone from the folder, so the first is always the next */
  for (; *n < left; ++*n) {
    IA_AUTO(ia_protect) *p = NULL;
    ia_protected d;

    if (!ia_protect_open(&p, c->folder.s, 0, e) || !finish(c, p, &d, e))
      return false;
  }
  return true;
}

IA_PUBLIC bool iapp_client_resume(iapp_client *c, size_t *n, iapp_error *e)
{
  ia_err why = {0};

  return ia_public(resume(c, n, &why), &why, e);
}

static bool addr(ia_addr *out, const char *text, ia_err *e)
{
  *out = (ia_addr){0};
  return !text || ia_addr_parse(out, ia_span_str(text), e);
}

static bool grant(iapp_client *c, ia_h256 *hash, ia_grant *g, ia_err *e)
{
  IA_AUTOV(ia_order_box) box = {0};

  return ia_grant_check(&c->net, c->w, g, e) && ia_grant_sign(&c->net, c->w, g, &box, hash, e) &&
         ia_to_market_publish(&c->net, c->w, &box.order, hash, e);
}

IA_PUBLIC bool iapp_client_grant(iapp_client *c, char hash[67], const char *dataset,
                                 const char *app, const char *user, uint64_t price_nrlc,
                                 uint64_t runs, iapp_error *e)
{
  ia_grant g = {.price_nrlc = price_nrlc, .volume = runs};
  ia_err why = {0};
  ia_h256 h;

  if (!ia_public(addr(&g.dataset, dataset, &why) && addr(&g.app, app, &why) &&
                     addr(&g.requester, user, &why) && grant(c, &h, &g, &why),
                 &why, e))
    return false;
  memcpy(hash, ia_h256_text(&h).s, 67);
  return true;
}

static bool can_pay(iapp_client *c, const ia_run_orders *orders, uint64_t most, ia_err *e)
{
  ia_money money;
  uint64_t price;

  if (!ia_run_price(&price, orders, e))
    return false;
  if (price > most)
    return ia_fail(e, IA_E_INVALID, "the run costs %llu nRLC, more than %llu",
                   (unsigned long long)price, (unsigned long long)most);
  if (price == 0)
    return true;
  if (!ia_money_of(&c->net, &money, &c->w->address, e))
    return false;
  return money.stake >= price ||
         ia_fail(e, IA_E_INVALID, "Balance is insufficient: stake %llu of %llu nRLC",
                 (unsigned long long)money.stake, (unsigned long long)price);
}

static bool run(iapp_client *c, char **out, ia_run_want *want, uint64_t most, ia_err *e)
{
  IA_AUTOV(ia_run_orders) orders = {0};
  ia_run_deal deal;

  if (!ia_run_pick(&c->net, &orders, want, e) || !can_pay(c, &orders, most, e) ||
      !ia_run_request(&c->net, c->w, &orders, want, e) ||
      !ia_run_match(&c->net, c->w, &orders, &deal, e))
    return false;
  IA_AUTO_JSON *ids = json_array();
  for (uint64_t i = 0; i < deal.tasks; i++) {
    ia_u256 index = ia_u256_of(deal.first + i);
    ia_h256 task;

    ia_task_id(&task, &deal.id, &index);
    if (json_array_append_new(ids, ia_json_h256(&task)) != 0)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  IA_AUTO_JSON *v = json_pack("{s:o, s:O, s:o}", "dealId", ia_json_h256(&deal.id), "taskIds", ids,
                              "transactionHash", ia_json_h256(&deal.tx));
  return ia_public_json(out, v, e);
}

IA_PUBLIC bool iapp_client_run(iapp_client *c, char **out, const char *app, const char *dataset,
                               const char *params_json, uint64_t max_nrlc, iapp_error *e)
{
  ia_run_want want = {.requester = c->w->address,
                      .category = IA_RUN_ANY_CATEGORY,
                      .tasks = 1,
                      .params = params_json ? params_json : "{}"};
  ia_err why = {0};

  return ia_public(addr(&want.app, app, &why) && addr(&want.dataset, dataset, &why) &&
                       run(c, out, &want, max_nrlc, &why),
                   &why, e);
}

static bool task_id(ia_h256 *out, const char *text, ia_err *e)
{
  return ia_h256_parse(out, ia_span_str(text)) ||
         ia_fail(e, IA_E_USAGE, "a task is 0x and 64 hex digits");
}

static bool task(iapp_client *c, char **out, const char *text, const char *known, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  ia_h256 id;

  return task_id(&id, text, e) &&
         (known ? ia_to_scheduler_wait(&c->net, &v, &id, known, SIZE_MAX, e)
                : ia_to_scheduler_task(&c->net, &v, &id, e)) &&
         ia_public_json(out, v, e);
}

IA_PUBLIC bool iapp_client_task(iapp_client *c, char **out, const char *task_text,
                                const char *known_state, iapp_error *e)
{
  ia_err why = {0};

  return ia_public(task(c, out, task_text, known_state, &why), &why, e);
}

static bool receipt(iapp_client *c, char **out, const char *text, ia_err *e)
{
  IA_AUTOV(ia_buf) got = {0};
  ia_h256 id;

  return task_id(&id, text, e) && ia_to_scheduler_receipt(&c->net, &got, &id, e) &&
         ia_public_text(out, ia_buf_view(&got), e);
}

IA_PUBLIC bool iapp_client_receipt(iapp_client *c, char **out, const char *task_text, iapp_error *e)
{
  ia_err why = {0};

  return ia_public(receipt(c, out, task_text, &why), &why, e);
}
