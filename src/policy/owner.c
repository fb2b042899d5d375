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

/* How the owners of an asset follow one another. */
struct line {
  const ia_release_pins *pins;
  const ia_addr *registry, *asset;
  const ia_asset_facts *f;
  struct {
    bool by_tx;
    uint64_t nonce;
  } step[IA_TRANSFERS_MAX];
  bool used[IA_TRANSFERS_MAX]; /* messages: each is good for one step */
};

/* A transaction moves an asset once: the nonces of one sender go up. */
static bool is_newer(const struct line *l, size_t i, const ia_addr *sender, uint64_t nonce)
{
  for (size_t k = 0; k < i; k++)
    if (l->step[k].by_tx && ia_addr_eq(&l->f->transfers[k].from, sender) &&
        nonce <= l->step[k].nonce)
      return false;
  return true;
}

/* Step i is a transfer that its owner of then signed herself. */
static bool by_transaction(struct line *l, size_t i)
{
  static const ia_call_id calls[] = {IA_CALL_TRANSFER_FROM, IA_CALL_SAFE_TRANSFER_FROM,
                                     IA_CALL_SAFE_TRANSFER_FROM_DATA};
  const ia_transfer_fact *t = &l->f->transfers[i];
  ia_addr sender;
  ia_tx tx;

  if (!ia_tx_decode(&tx, t->raw, NULL) || tx.chain_id != l->pins->chain_id || tx.creates ||
      !ia_addr_eq(&tx.to, l->registry) || !ia_tx_sender(&sender, &tx, NULL) ||
      !ia_addr_eq(&sender, &t->from) || !is_newer(l, i, &sender, tx.nonce))
    return false;
  for (size_t k = 0; k < IA_COUNT(calls); k++) {
    ia_args a = {0};

    if (!ia_call_decode(&a, calls[k], tx.data, NULL) || !is_token(&a.value[0], l->asset) ||
        !ia_addr_eq(&a.addr[0], &t->from) || !ia_addr_eq(&a.addr[1], &t->to))
      continue;
    l->step[i].by_tx = true;
    l->step[i].nonce = tx.nonce;
    return true;
  }
  return false;
}

static bool signed_by(const struct line *l, const ia_transfer_message *m, const ia_addr *owner)
{
  ia_owner_message msg = {.domain = l->pins->domain,
                          .kind = "transfer",
                          .chain_id = l->pins->chain_id,
                          .hub = l->pins->hub,
                          .sms_key = l->pins->sms_key,
                          .object = *l->asset,
                          .version = m->version,
                          .body = m->body};
  ia_addr signer;
  ia_h256 h;

  return ia_owner_message_hash(&h, &msg, NULL) &&
         ia_eip191_recover(&signer, IA_SPAN_ARR(h.b), IA_SPAN_ARR(m->sig), NULL) &&
         ia_addr_eq(&signer, owner);
}

/* Step i is one that its owner of then agreed to in a message. One that was taken before she came
 * to own the asset is of an earlier time and says nothing. */
static bool by_message(struct line *l, size_t i)
{
  const ia_transfer_fact *t = &l->f->transfers[i];

  for (size_t k = 0; k < l->f->n_messages; k++) {
    const ia_transfer_message *m = &l->f->messages[k];

    if (!l->used[k] && m->moves >= i && ia_addr_eq(&m->to, &t->to) && signed_by(l, m, &t->from)) {
      l->used[k] = true;
      return true;
    }
  }
  return false;
}

/* The ledger's transfers, each proven. */
static bool follow_ledger(struct line *l, ia_addr *owner, ia_err *e)
{
  const ia_asset_facts *f = l->f;

  for (size_t i = 0; i < f->n_transfers; i++) {
    const ia_transfer_fact *t = &f->transfers[i];

    if (!ia_addr_eq(&t->from, owner) || ia_addr_zero(&t->to) ||
        (!by_transaction(l, i) && !by_message(l, i)))
      return ia_fail(e, IA_E_OWNER_UNPROVEN,
                     "the transfer of %s to %s is not signed by its owner of then, %s",
                     ia_addr_text(l->asset).s, ia_addr_text(&t->to).s, ia_addr_text(owner).s);
    *owner = t->to;
  }
  return ia_addr_eq(owner, &f->ledger_owner) ||
         ia_fail(e, IA_E_OWNER_UNPROVEN,
                 "the ledger shows %s as the owner of %s, and its transfers lead to %s",
                 ia_addr_text(&f->ledger_owner).s, ia_addr_text(l->asset).s, ia_addr_text(owner).s);
}

/* One order of events: the ledger's transfers as the ledger orders them, and each message at the
 * place at which it was taken. A message moves an asset until the ledger does, which has the last
 * word; whoever is behind the present owner in this order owns nothing. */
bool ia_asset_prove(ia_addr *owner, const ia_release_pins *pins, ia_asset_kind kind,
                    const ia_addr *address, const ia_asset_facts *f, ia_err *e)
{
  struct line l = {.pins = pins, .registry = &pins->registry[kind], .asset = address, .f = f};

  *owner = (ia_addr){{0}};
  if (!check_address(pins, kind, address, f, e))
    return false;
  *owner = f->first_owner;
  if (f->n_transfers > IA_TRANSFERS_MAX || f->n_messages > IA_TRANSFERS_MAX)
    return ia_fail(e, IA_E_OWNER_UNPROVEN, "%s changed hands too often to follow",
                   ia_addr_text(address).s);
  if (!follow_ledger(&l, owner, e))
    return false;
  for (size_t k = 0; k < f->n_messages; k++) {
    const ia_transfer_message *m = &f->messages[k];

    if (!l.used[k] && m->moves >= f->n_transfers && signed_by(&l, m, owner))
      *owner = m->to;
  }
  return true;
}
