/* Contract wallets: accounts for which a contract says whether a signature is good (ERC-1271). On
 * an EVM everybody deploys their own; here no bytecode runs, so a factory makes them of the only
 * kind there is: the owner's signature is the wallet's, and the owner calls through it. */
#include "service/ledger/vm.h"

enum { SIGNATURE_SIZE = 65 };

bool ia_wallet_made(ia_lvm *vm, const ia_addr *at, bool *made)
{
  ia_span v;

  if (!ia_lvm_get(vm, &v, IA_WKEY_WALLET, IA_SPAN_ARR(at->b), IA_NO_SPAN))
    return false;
  *made = v.len > 0;
  return true;
}

bool ia_wallet_accepts(ia_lvm *vm, const ia_addr *wallet, const ia_h256 *hash, ia_span sign,
                       bool *accepts)
{
  ia_frame f = ia_frame_of(vm, wallet, wallet);
  ia_addr owner, by;

  *accepts = false;
  if (sign.len != SIGNATURE_SIZE)
    return true;
  if (!ia_contract_owner(&f, &owner))
    return false;
  ia_signature_signer(&by, hash, sign);
  *accepts = !ia_addr_zero(&by) && ia_addr_eq(&by, &owner);
  return true;
}

static bool is_valid_signature(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  static const uint8_t yes[4] = {0x16, 0x26, 0xba, 0x7e}, no[4] = {0xff, 0xff, 0xff, 0xff};
  bool accepts;

  if (!ia_wallet_accepts(f->vm, &f->self, &in->a.id[0], in->a.bytes[0], &accepts))
    return false;
  memcpy(out->a.b4, accepts ? yes : no, sizeof(yes));
  return true;
}

static bool on_erc721_received(ia_frame *f IA_UNUSED, const ia_call_value *in IA_UNUSED,
                               ia_call_value *out)
{
  static const uint8_t taken[4] = {0x15, 0x0b, 0x7a, 0x02};

  memcpy(out->a.b4, taken, sizeof(taken));
  return true;
}

/* Wallets that call each other could go as deep as somebody likes: they may not. */
static bool execute(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  IA_AUTOV(ia_buf) answer = {0};
  bool wallet;

  if (!ia_only_owner(f, IA_REVERT_NOT_WALLET_OWNER) ||
      !ia_wallet_made(f->vm, &in->a.addr[0], &wallet))
    return false;
  if (wallet)
    return ia_no(f, IA_REVERT_WALLET_TO_WALLET);
  return ia_lvm_call(f->vm, &in->a.addr[0], &f->self, in->a.bytes[0], &answer) &&
         ia_lvm_scratch(f->vm, ia_buf_view(&answer), &out->a.bytes[0]);
}

static const ia_method rows[] = {
    {IA_CALL_IS_VALID_SIGNATURE, is_valid_signature},
    {IA_CALL_ON_ERC721_RECEIVED, on_erc721_received},
    {IA_CALL_EXECUTE, execute},
    {IA_CALL_OWNER, ia_method_owner},
};
static const ia_methods methods = {rows, IA_COUNT(rows)};
static const ia_methods *const parts[] = {&methods};
static const uint8_t code[] = "\xfeiapp wallet";

const ia_contract ia_contract_wallet = {
    .name = "wallet",
    .parts = parts,
    .n_parts = IA_COUNT(parts),
    .unknown = IA_REVERT_NO_FUNCTION,
    .code = {code, sizeof(code) - 1},
};

static bool create_wallet(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_addr at = ia_factory_address(f, &in->a.id[0], ia_contract_wallet.code);
  static const uint8_t yes[] = {1};
  bool made;

  if (!ia_wallet_made(f->vm, &at, &made))
    return false;
  if (made)
    return ia_no(f, IA_REVERT_WALLET_EXISTS);
  out->a.addr[0] = at;
  return ia_lvm_put(f->vm, IA_WKEY_WALLET, IA_SPAN_ARR(at.b), IA_NO_SPAN, IA_SPAN_ARR(yes)) &&
         ia_lvm_put_addr(f->vm, IA_WKEY_CONTRACT_OWNER, IA_SPAN_ARR(at.b), IA_NO_SPAN, &f->sender);
}

static const ia_method factory_rows[] = {{IA_CALL_CREATE_WALLET, create_wallet}};
static const ia_methods factory_methods = {factory_rows, IA_COUNT(factory_rows)};
static const ia_methods *const factory_parts[] = {&factory_methods};
static const uint8_t factory_code[] = "\xfeiapp wallet factory";

const ia_contract ia_contract_wallet_factory = {
    .name = "wallet factory",
    .parts = factory_parts,
    .n_parts = IA_COUNT(factory_parts),
    .unknown = IA_REVERT_NO_FUNCTION,
    .code = {factory_code, sizeof(factory_code) - 1},
};
