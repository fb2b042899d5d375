/* Assets by their address, and their owners by signatures (docs/release.md 4.6, 4.7). */
#include "crypto/keccak.h"
#include "eth/address.h"
#include "eth/eip191.h"
#include "eth/tx.h"
#include "poco/abi.h"
#include "poco/ids.h"
#include "policy/release.h"

static bool check_address(const ia_release_pins *pins, ia_asset_kind kind, const ia_addr *address,
                          const ia_asset_facts *f, ia_err *e)
{
  const char *what = kind == IA_ASSET_APP ? "app" : "dataset";
  ia_addr made;

  if (!f->has)
    return ia_fail(e, IA_E_ASSET_MISMATCH, "the ledger shows no fields of the %s %s", what,
                   ia_addr_text(address).s);
  if (kind == IA_ASSET_APP) {
    ia_app_info info = f->app;

    info.owner = f->first_owner;
    ia_app_address(&made, &pins->registry[kind], &pins->proxy_code_hash, &info);
  } else {
    ia_dataset_info info = f->dataset;

    info.owner = f->first_owner;
    ia_dataset_address(&made, &pins->registry[kind], &pins->proxy_code_hash, &info);
  }
  if (!ia_addr_eq(&made, address))
    return ia_fail(e, IA_E_ASSET_MISMATCH,
                   "the fields that the ledger shows of the %s %s do not give its address", what,
                   ia_addr_text(address).s);
  return true;
}

/* uint256 token id of an asset: its address. */
static bool is_token(const ia_u256 *id, const ia_addr *asset)
{
  uint8_t word[32];

  ia_u256_to_be(word, id);
  for (int i = 0; i < 12; i++)
    if (word[i] != 0)
      return false;
  return memcmp(word + 12, asset->b, 20) == 0;
}

/* A transfer of the asset by `owner` herself; to = the next owner. */
static bool read_transfer(ia_addr *to, const ia_release_pins *pins, const ia_addr *registry,
                          const ia_addr *asset, const ia_addr *owner, ia_span raw)
{
  static const ia_call_id calls[] = {IA_CALL_TRANSFER_FROM, IA_CALL_SAFE_TRANSFER_FROM,
                                     IA_CALL_SAFE_TRANSFER_FROM_DATA};
  ia_addr sender;
  ia_tx tx;

  if (!ia_tx_decode(&tx, raw, NULL) || tx.chain_id != pins->chain_id || tx.creates ||
      !ia_addr_eq(&tx.to, registry) || !ia_tx_sender(&sender, &tx, NULL) ||
      !ia_addr_eq(&sender, owner))
    return false;
  for (size_t i = 0; i < IA_COUNT(calls); i++) {
    ia_args a = {0};

    if (ia_call_decode(&a, calls[i], tx.data, NULL) && is_token(&a.value[0], asset) &&
        ia_addr_eq(&a.addr[0], owner)) {
      *to = a.addr[1];
      return true;
    }
  }
  return false;
}

static bool read_message(const ia_release_pins *pins, const ia_addr *asset, const ia_addr *owner,
                         const ia_transfer_message *m)
{
  ia_owner_message msg = {.domain = pins->domain,
                          .kind = "transfer",
                          .chain_id = pins->chain_id,
                          .hub = pins->hub,
                          .sms_key = pins->sms_key,
                          .object = *asset,
                          .version = m->version,
                          .body = m->body};
  ia_addr signer;
  ia_h256 h;

  return ia_owner_message_hash(&h, &msg, NULL) &&
         ia_eip191_recover(&signer, IA_SPAN_ARR(h.b), IA_SPAN_ARR(m->sig), NULL) &&
         ia_addr_eq(&signer, owner);
}

/* Follows what the owners signed, each step once and in order: transactions, then messages. */
bool ia_asset_prove(ia_addr *owner, const ia_release_pins *pins, ia_asset_kind kind,
                    const ia_addr *address, const ia_asset_facts *f, ia_err *e)
{
  size_t unread = 0;

  if (!check_address(pins, kind, address, f, e))
    return false;
  *owner = f->first_owner;
  if (f->n_transfers > IA_TRANSFERS_MAX || f->n_messages > IA_TRANSFERS_MAX)
    return ia_fail(e, IA_E_OWNER_UNPROVEN, "%s changed hands too often to follow",
                   ia_addr_text(address).s);
  for (size_t i = 0; i < f->n_transfers; i++) {
    ia_addr to;

    if (read_transfer(&to, pins, &pins->registry[kind], address, owner, f->transfers[i]))
      *owner = to;
    else
      unread++;
  }
  for (size_t i = 0; i < f->n_messages; i++)
    if (read_message(pins, address, owner, &f->messages[i])) {
      *owner = f->messages[i].to;
      unread = 0;
    }
  if (unread > 0)
    return ia_fail(e, IA_E_OWNER_UNPROVEN,
                   "%zu transfers of %s are not signed by its owner of then", unread,
                   ia_addr_text(address).s);
  return true;
}
