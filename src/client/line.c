#include "client/line.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/random.h"
#include "eth/address.h"

/* GROUPMEMBER_PURPOSE of the hub; key type 1: an address. */
static const ia_u256 purpose = {{4, 0, 0, 0}}, key_type = {{1, 0, 0, 0}};

static bool factory_of(ia_chain *chain, ia_addr *out, ia_err *e)
{
  IA_AUTO_JSON *info = NULL;

  if (ia_chain_is_local(chain) &&
      ia_rpc_call(ia_chain_rpc(chain), &info, "iapp_info", NULL, NULL) &&
      ia_json_get_addr(info, "groupFactory", out, NULL))
    return true;
  ia_fail(e, IA_E_UNSUPPORTED, "this ledger makes no groups by a call");
  return ia_hint(e, "deploy an ERC-734 whitelist contract there; `iapp app line add` edits it");
}

bool ia_line_make(ia_net *net, const ia_wallet *w, ia_addr *line, ia_h256 *tx, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_addr factory;
  ia_chain *chain;
  ia_args args = {0};

  if (!ia_net_chain(net, &chain, e) || !factory_of(chain, &factory, e) ||
      !ia_random(args.id[0].b, sizeof(args.id[0].b), e) ||
      !ia_net_call(net, w, &factory, IA_CALL_CREATE_GROUP, &args, &sent, e))
    return ia_wrap(e, "createGroup");
  *tx = sent.receipt.tx;
  if (sent.receipt.logs.n == 0)
    return ia_fail(e, IA_E_INVALID, "the ledger reported no new group");
  *line = sent.receipt.logs.v[0].entry.address;
  return true;
}

static bool check_line(ia_chain *chain, const ia_addr *line, ia_addr *owner, ia_err *e)
{
  bool group;

  if (!ia_chain_is_group(chain, &group, line, e))
    return false;
  if (!group)
    return ia_fail(e, IA_E_NOT_FOUND, "%s is no line of apps", ia_addr_text(line).s);
  return ia_chain_owner(chain, owner, line, e) || ia_wrap(e, "owner of the line");
}

static bool check_app(ia_chain *chain, const ia_addr *app, ia_err *e)
{
  ia_chain_info info;
  bool there;

  if (!ia_chain_info_get(chain, &info, e) ||
      !ia_chain_registered(chain, &there, &info.registry[IA_ASSET_APP], app, e))
    return false;
  return there || ia_fail(e, IA_E_NOT_FOUND, "No iApp found at the specified address. (%s)",
                          ia_addr_text(app).s);
}

bool ia_line_put(ia_net *net, const ia_wallet *w, const ia_addr *line, const ia_addr *app,
                 bool member, ia_h256 *tx, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  ia_args args = {.value = {purpose, key_type}};
  ia_chain *chain;
  ia_addr owner;
  bool is;

  if (!ia_net_chain(net, &chain, e) || !check_line(chain, line, &owner, e) ||
      (member && !check_app(chain, app, e)) || !ia_chain_has_purpose(chain, &is, line, app, e))
    return false;
  if (!ia_addr_eq(&owner, &w->address))
    return ia_fail(e, IA_E_FORBIDDEN, "the line belongs to %s", ia_addr_text(&owner).s);
  if (is == member)
    return ia_fail(e, member ? IA_E_EXISTS : IA_E_NOT_FOUND,
                   member ? "%s is in the line already" : "%s is not in the line",
                   ia_addr_text(app).s);
  memcpy(args.id[0].b + 12, app->b, 20);
  if (!ia_net_call(net, w, line, member ? IA_CALL_ADD_KEY : IA_CALL_REMOVE_KEY, &args, &sent, e))
    return false;
  *tx = sent.receipt.tx;
  return true;
}

/* -- members -- */
static void forget(ia_addr *list, size_t *n, const ia_addr *who)
{
  for (size_t i = 0; i < *n; i++)
    if (ia_addr_eq(&list[i], who)) {
      memmove(&list[i], &list[i + 1], (*n - i - 1) * sizeof(*list));
      --*n;
      return;
    }
}

static void take(ia_addr *list, size_t *n, const ia_addr *line, const ia_log_entry *log)
{
  static const ia_event_id ids[] = {IA_EV_KEY_ADDED, IA_EV_KEY_REMOVED};
  ia_event ev;
  ia_addr who;

  for (size_t i = 0; i < IA_COUNT(ids); i++) {
    if (!ia_event_is(log, ids[i]) || !ia_event_decode(&ev, ids[i], log, NULL) ||
        !ia_u256_eq(&ev.value[0], &purpose))
      continue;
    memcpy(who.b, ev.id[0].b + 12, 20);
    forget(list, n, &who);
    if (i == 0 && !ia_addr_eq(&who, line))
      list[(*n)++] = who;
  }
}

bool ia_line_get(ia_net *net, const ia_addr *line, ia_addr *owner, ia_addr **apps, size_t *n,
                 ia_err *e)
{
  static const ia_event_id ids[] = {IA_EV_KEY_ADDED, IA_EV_KEY_REMOVED};
  ia_chain_filter f = {
      .addresses = line, .n_addresses = 1, .events = ids, .n_events = IA_COUNT(ids)};
  IA_AUTOV(ia_chain_logs) logs = {0};
  ia_chain *chain;
  ia_block head;

  *apps = NULL;
  *n = 0;
  if (!ia_net_chain(net, &chain, e) || !check_line(chain, line, owner, e) ||
      !ia_chain_head(chain, &head, e))
    return false;
  f.to = head.number;
  if (!ia_chain_logs_get(chain, &logs, &f, e))
    return false;
  *apps = calloc(logs.n + 1, sizeof(**apps));
  if (!*apps)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  for (size_t i = 0; i < logs.n; i++)
    take(*apps, n, line, &logs.v[i].entry);
  return true;
}
