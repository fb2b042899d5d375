/* iapp transfer: gives an app, protected data or a workerpool to another owner: on the ledger, and
 * at the SMS, which follows a transfer that its seller signed or agreed to (docs/release.md 4.7).
 */
#include "base/hex.h"
#include "cli/net.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/limits.h"
#include "eth/address.h"

static const struct {
  const char *name, *what, *after;
} kinds[IA_ASSET_KINDS] = {
    [IA_ASSET_APP] =
        {"app", "app",
         "your app orders no longer hold; an app secret that you pushed stays with you"},
    [IA_ASSET_DATASET] = {"data", "protected data",
                          "your grants and your policy no longer apply; the new owner makes hers"},
    [IA_ASSET_WORKERPOOL] = {"workerpool", "workerpool",
                             "your scheduler must not serve it any more"},
};

struct move {
  ia_cli *c;
  ia_net net;
  ia_wallet *w;
  ia_addr asset, to;
  ia_asset_kind kind;
  ia_addr owner; /* by the ledger, before */
};

static bool read_move(struct move *m, ia_err *e)
{
  ia_cli *c = m->c;

  if (!ia_cli_addr(&m->asset, ia_cli_arg(c, 0), "ASSET", e) ||
      !ia_cli_addr(&m->to, ia_cli_arg(c, 1), "OWNER", e) || !ia_cli_net(c, &m->net, e) ||
      !ia_transfer_find(&m->net, &m->asset, &m->kind, &m->owner, e))
    return false;
  if (ia_addr_eq(&m->asset, &m->to))
    return ia_fail(e, IA_E_USAGE, "OWNER: %s cannot own itself", ia_addr_text(&m->to).s);
  return ia_cli_wallet(c, &m->w, e);
}

/* The seller's consent, which proves the transfer where her transaction cannot be shown; the SMS
 * acknowledges it in any case. A wallet that never owned the asset has nothing to say. */
static bool tell_sms(struct move *m, bool already, ia_err *e)
{
  IA_AUTO_JSON *body = json_pack("{s:o}", "to", ia_json_addr(&m->to));
  ia_err why = {0};

  if (!body)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (ia_to_sms_owner_message(&m->net, m->w, "transfer", &m->asset, body, NULL, &why))
    return true;
  if (already && why.code == IA_E_UNAUTHORIZED)
    return true;
  *e = why;
  ia_wrap(e, "%s belongs to %s on the ledger, but the SMS has not acknowledged it",
          ia_addr_text(&m->asset).s, ia_addr_text(&m->to).s);
  return e->hint[0] ? false : ia_hint(e, "run the same command again");
}

static bool report(struct move *m, const ia_transfer_done *done, ia_err *e)
{
  if (done->already)
    ia_cli_say(m->c, "%s belongs to %s already: nothing was sent to the ledger",
               ia_addr_text(&m->asset).s, ia_addr_text(&m->to).s);
  else
    ia_cli_say(m->c, "%s now belongs to %s; %s", ia_addr_text(&m->asset).s, ia_addr_text(&m->to).s,
               kinds[m->kind].after);
  if (!done->already)
    ia_cli_out(m->c, "%s", ia_h256_text(&done->tx).s);
  return ia_cli_json(
      m->c,
      json_pack("{s:s, s:s, s:s, s:o, s:b}", "asset", ia_addr_text(&m->asset).s, "kind",
                kinds[m->kind].name, "owner", ia_addr_text(&m->to).s, "transactionHash",
                done->already ? json_null() : ia_json_h256(&done->tx), "already", done->already),
      e);
}

static bool move(struct move *m, ia_err *e)
{
  bool at_sms = m->kind != IA_ASSET_WORKERPOOL; /* no key depends on who owns a pool */
  ia_transfer_done done;

  if (!ia_addr_eq(&m->owner, &m->to) && ia_addr_eq(&m->owner, &m->w->address) &&
      !ia_cli_confirm(m->c, e, "Give the %s %s to %s? Only the new owner can give it back.",
                      kinds[m->kind].what, ia_addr_text(&m->asset).s, ia_addr_text(&m->to).s))
    return false;
  /* whoever is to be told afterwards is known before anything is sent */
  if (at_sms && !ia_cli_trust_sms(m->c, &m->net, e))
    return false;
  ia_cli_step(m->c, "transferring on the ledger");
  return ia_transfer_asset(&m->net, m->w, &m->asset, &m->to, &done, e) &&
         (!at_sms || tell_sms(m, done.already, e)) && report(m, &done, e);
}

static bool transfer(ia_cli *c, ia_err *e)
{
  struct move m = {.c = c};
  bool ok = read_move(&m, e) && move(&m, e);

  ia_wallet_free(m.w);
  ia_net_close(&m.net);
  return ok;
}

const ia_verb ia_verb_transfer = {
    .name = "transfer",
    .args = "DATA|APP|POOL OWNER",
    .min_args = 2,
    .max_args = 2,
    .brief = "give protected data, an app or a workerpool to another owner",
    .example = "transfer 0xData 0xNewOwner",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = transfer,
};
