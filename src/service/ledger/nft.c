/* ERC-721 with enumeration: the face that the three registries share. A token is an entry: its
 * number is the entry's address. */
#include "base/hex.h"
#include "service/ledger/vm.h"

#define SELF IA_SPAN_ARR(f->self.b)

typedef struct pair {
  uint8_t b[64];
  size_t len;
} pair;

static pair pair_of(ia_span a, ia_span b)
{
  pair p = {.len = a.len + b.len};

  memcpy(p.b, a.ptr, a.len);
  memcpy(p.b + a.len, b.ptr, b.len);
  return p;
}

/* owner || index: a place in the owner's list */
static pair owned_at(const ia_addr *owner, const ia_u256 *index)
{
  uint8_t word[32];

  ia_u256_to_be(word, index);
  return pair_of(IA_SPAN_ARR(owner->b), IA_SPAN_ARR(word));
}

/* --- lists
 * ------------------------------------------------------------------------------------------- */

static bool append_owned(ia_frame *f, const ia_addr *owner, const ia_addr *entry)
{
  ia_u256 one = ia_u256_of(1), n;

  if (!ia_lvm_get_u256(f->vm, &n, IA_WKEY_OWNED_COUNT, SELF, IA_SPAN_ARR(owner->b)))
    return false;
  pair at = owned_at(owner, &n);
  if (!ia_lvm_put_addr(f->vm, IA_WKEY_OWNED_AT, SELF, ia_span_of(at.b, at.len), entry) ||
      !ia_lvm_put_u256(f->vm, IA_WKEY_OWNED_INDEX, IA_SPAN_ARR(entry->b), IA_NO_SPAN, &n) ||
      !ia_u256_add(&n, &n, &one))
    return false;
  return ia_lvm_put_u256(f->vm, IA_WKEY_OWNED_COUNT, SELF, IA_SPAN_ARR(owner->b), &n);
}

/* The last of the list takes the removed one's place, as in OpenZeppelin's enumeration. */
static bool remove_owned(ia_frame *f, const ia_addr *owner, const ia_addr *entry)
{
  static const ia_addr nobody;
  ia_u256 one = ia_u256_of(1), n, index;
  ia_addr last;

  if (!ia_lvm_get_u256(f->vm, &n, IA_WKEY_OWNED_COUNT, SELF, IA_SPAN_ARR(owner->b)) ||
      !ia_lvm_get_u256(f->vm, &index, IA_WKEY_OWNED_INDEX, IA_SPAN_ARR(entry->b), IA_NO_SPAN) ||
      !ia_u256_sub(&n, &n, &one))
    return false;
  pair end = owned_at(owner, &n), at = owned_at(owner, &index);
  return ia_lvm_get_addr(f->vm, &last, IA_WKEY_OWNED_AT, SELF, ia_span_of(end.b, end.len)) &&
         ia_lvm_put_addr(f->vm, IA_WKEY_OWNED_AT, SELF, ia_span_of(at.b, at.len), &last) &&
         ia_lvm_put_u256(f->vm, IA_WKEY_OWNED_INDEX, IA_SPAN_ARR(last.b), IA_NO_SPAN, &index) &&
         ia_lvm_put_addr(f->vm, IA_WKEY_OWNED_AT, SELF, ia_span_of(end.b, end.len), &nobody) &&
         ia_lvm_put_u256(f->vm, IA_WKEY_OWNED_COUNT, SELF, IA_SPAN_ARR(owner->b), &n);
}

static bool append_all(ia_frame *f, const ia_addr *entry)
{
  ia_u256 one = ia_u256_of(1), n;
  uint8_t word[32];

  if (!ia_lvm_get_u256(f->vm, &n, IA_WKEY_ALL_COUNT, SELF, IA_NO_SPAN))
    return false;
  ia_u256_to_be(word, &n);
  return ia_lvm_put_addr(f->vm, IA_WKEY_ALL_AT, SELF, IA_SPAN_ARR(word), entry) &&
         ia_u256_add(&n, &n, &one) &&
         ia_lvm_put_u256(f->vm, IA_WKEY_ALL_COUNT, SELF, IA_NO_SPAN, &n);
}

static ia_u256 token_of(const ia_addr *entry)
{
  uint8_t word[32] = {0};

  memcpy(word + 12, entry->b, 20);
  return ia_u256_from_be(word);
}

static bool moved(ia_frame *f, const ia_addr *from, const ia_addr *to, const ia_addr *entry)
{
  ia_event ev = {.addr = {*from, *to}, .value = {token_of(entry)}};

  return ia_lvm_put_addr(f->vm, IA_WKEY_OWNED, IA_SPAN_ARR(entry->b), IA_NO_SPAN, to) &&
         append_owned(f, to, entry) && ia_emit(f, IA_EV_NFT_TRANSFER, &ev);
}

bool ia_nft_mint(ia_frame *f, const ia_addr *to, const ia_addr *entry)
{
  static const ia_addr nobody;

  if (ia_addr_zero(to)) {
    (void)ia_no(f, IA_REVERT_MINT_ZERO);
    return ia_revert_addr(&f->vm->why, to);
  }
  return append_all(f, entry) && moved(f, &nobody, to, entry);
}

/* --- tokens
 * ------------------------------------------------------------------------------------------ */

static bool no_token(ia_frame *f, ia_revert_id id, const ia_u256 *token)
{
  (void)ia_no(f, id);
  return ia_revert_u256(&f->vm->why, token);
}

/* Owner of a token of this registry; false with `missing` when there is none. */
static bool token_owner(ia_frame *f, const ia_u256 *token, ia_addr *entry, ia_addr *owner,
                        ia_revert_id missing)
{
  uint8_t word[32];
  ia_asset_kind kind;
  bool has;

  ia_u256_to_be(word, token);
  memcpy(entry->b, word + 12, 20);
  if (ia_u256_bits(token) > 160)
    return no_token(f, missing, token);
  if (!ia_entry_owner(f->vm, entry, &has, owner, &kind))
    return false;
  return (has && kind == ia_registry_kind(f)) || no_token(f, missing, token);
}

static bool operator_of(ia_frame *f, const ia_addr *owner, const ia_addr *who, bool *yes)
{
  pair p = pair_of(IA_SPAN_ARR(owner->b), IA_SPAN_ARR(who->b));
  ia_span v;

  if (!ia_lvm_get(f->vm, &v, IA_WKEY_OPERATOR, SELF, ia_span_of(p.b, p.len)))
    return false;
  *yes = v.len > 0;
  return true;
}

static bool may_move(ia_frame *f, const ia_addr *owner, const ia_addr *entry, bool *yes)
{
  ia_addr approved;

  if (!operator_of(f, owner, &f->sender, yes) ||
      !ia_lvm_get_addr(f->vm, &approved, IA_WKEY_APPROVED, IA_SPAN_ARR(entry->b), IA_NO_SPAN))
    return false;
  *yes |= ia_addr_eq(owner, &f->sender) || ia_addr_eq(&approved, &f->sender);
  return true;
}

static bool not_approved(ia_frame *f, const ia_u256 *token)
{
  (void)ia_no(f, IA_REVERT_NFT_NOT_APPROVED);
  (void)ia_revert_addr(&f->vm->why, &f->sender);
  return ia_revert_u256(&f->vm->why, token);
}

static bool wrong_owner(ia_frame *f, const ia_addr *from, const ia_u256 *token,
                        const ia_addr *owner)
{
  (void)ia_no(f, IA_REVERT_NFT_WRONG_OWNER);
  (void)ia_revert_addr(&f->vm->why, from);
  (void)ia_revert_u256(&f->vm->why, token);
  return ia_revert_addr(&f->vm->why, owner);
}

/* 6.2 (OpenZeppelin 5) looks at the receiver first, 6.1 (3) at the sender's right, and says that
 * the approval is gone. */
static bool move_token(ia_frame *f, const ia_addr *from, const ia_addr *to, const ia_u256 *token)
{
  static const ia_addr nobody;
  bool to_nobody = ia_addr_zero(to), old = f->poco.rules->old_texts, may;
  ia_addr entry, owner;

  if (to_nobody && !old) {
    (void)ia_no(f, IA_REVERT_NFT_TO_ZERO);
    return ia_revert_addr(&f->vm->why, to);
  }
  if (!token_owner(f, token, &entry, &owner, IA_REVERT_NFT_NONE_MOVED) ||
      !may_move(f, &owner, &entry, &may))
    return false;
  if (!may)
    return not_approved(f, token);
  if (!ia_addr_eq(from, &owner))
    return wrong_owner(f, from, token, &owner);
  if (to_nobody)
    return ia_no(f, IA_REVERT_NFT_TO_ZERO);
  ia_event cleared = {.addr = {owner}, .value = {*token}};
  return ia_lvm_put_addr(f->vm, IA_WKEY_APPROVED, IA_SPAN_ARR(entry.b), IA_NO_SPAN, &nobody) &&
         (!old || ia_emit(f, IA_EV_NFT_APPROVAL, &cleared)) && remove_owned(f, &owner, &entry) &&
         moved(f, &owner, to, &entry);
}

static bool transfer_from(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  return move_token(f, &in->a.addr[0], &in->a.addr[1], &in->a.value[0]);
}

/* Of the contracts of this ledger wallets alone have onERC721Received. */
static bool safe_transfer_from(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  const ia_contract *c;

  if (!move_token(f, &in->a.addr[0], &in->a.addr[1], &in->a.value[0]) ||
      !ia_lvm_contract_at(f->vm, &c, &in->a.addr[1]))
    return false;
  if (!c || c == &ia_contract_wallet)
    return true;
  if (c == &ia_contract_hub) /* says in its own way that it has no such function */
    return ia_no(f, IA_REVERT_NO_FUNCTION_HUB);
  (void)ia_no(f, IA_REVERT_NFT_RECEIVER);
  return ia_revert_addr(&f->vm->why, &in->a.addr[1]);
}

/* --- views
 * ------------------------------------------------------------------------------------------- */

static bool owner_of(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_addr entry;

  return token_owner(f, &in->a.value[0], &entry, &out->a.addr[0], IA_REVERT_NFT_NONE);
}

static bool balance_of(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  if (ia_addr_zero(&in->a.addr[0])) {
    (void)ia_no(f, IA_REVERT_NFT_BALANCE_ZERO);
    return ia_revert_addr(&f->vm->why, &in->a.addr[0]);
  }
  return ia_lvm_get_u256(f->vm, &out->a.value[0], IA_WKEY_OWNED_COUNT, SELF,
                         IA_SPAN_ARR(in->a.addr[0].b));
}

static bool out_of_bounds(ia_frame *f, ia_revert_id id, const ia_addr *owner, const ia_u256 *index)
{
  (void)ia_no(f, id);
  (void)ia_revert_addr(&f->vm->why, owner);
  return ia_revert_u256(&f->vm->why, index);
}

static bool token_of_owner_by_index(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  const ia_addr *owner = &in->a.addr[0];
  pair at = owned_at(owner, &in->a.value[0]);
  ia_addr entry;

  if (!ia_lvm_get_addr(f->vm, &entry, IA_WKEY_OWNED_AT, SELF, ia_span_of(at.b, at.len)))
    return false;
  if (ia_addr_zero(&entry))
    return out_of_bounds(f, IA_REVERT_NFT_OWNER_INDEX, owner, &in->a.value[0]);
  out->a.value[0] = token_of(&entry);
  return true;
}

static bool token_by_index(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  static const ia_addr nobody;
  uint8_t word[32];
  ia_addr entry;

  ia_u256_to_be(word, &in->a.value[0]);
  if (!ia_lvm_get_addr(f->vm, &entry, IA_WKEY_ALL_AT, SELF, IA_SPAN_ARR(word)))
    return false;
  if (ia_addr_zero(&entry))
    return out_of_bounds(f, IA_REVERT_NFT_INDEX, &nobody, &in->a.value[0]);
  out->a.value[0] = token_of(&entry);
  return true;
}

static bool total_supply(ia_frame *f, const ia_call_value *in IA_UNUSED, ia_call_value *out)
{
  return ia_lvm_get_u256(f->vm, &out->a.value[0], IA_WKEY_ALL_COUNT, SELF, IA_NO_SPAN);
}

/* baseURI || decimal number of the token, "" without base. */
static bool token_uri(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_addr entry, owner;

  if (!token_owner(f, &in->a.value[0], &entry, &owner, IA_REVERT_NFT_NONE_URI) ||
      !ia_registry_base(f, &text))
    return false;
  if (text.len == 0)
    return true;
  ia_buf_str(&text, ia_u256_dec(&in->a.value[0]).s);
  return ia_lvm_scratch(f->vm, ia_buf_view(&text), &out->a.bytes[0]);
}

/* --- approvals
 * --------------------------------------------------------------------------------------- */

static bool approve(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  ia_event ev = {.value = {in->a.value[0]}};
  ia_addr entry, owner;
  bool may;

  if (!token_owner(f, &in->a.value[0], &entry, &owner, IA_REVERT_NFT_NONE) ||
      !operator_of(f, &owner, &f->sender, &may))
    return false;
  if (f->poco.rules->old_texts && ia_addr_eq(&in->a.addr[0], &owner))
    return ia_no(f, IA_REVERT_NFT_APPROVE_OWNER);
  if (!may && !ia_addr_eq(&owner, &f->sender)) {
    (void)ia_no(f, IA_REVERT_NFT_APPROVER);
    return ia_revert_addr(&f->vm->why, &f->sender);
  }
  ev.addr[0] = owner;
  ev.addr[1] = in->a.addr[0];
  return ia_lvm_put_addr(f->vm, IA_WKEY_APPROVED, IA_SPAN_ARR(entry.b), IA_NO_SPAN,
                         &in->a.addr[0]) &&
         ia_emit(f, IA_EV_NFT_APPROVAL, &ev);
}

static bool get_approved(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  ia_addr entry, owner;

  return token_owner(f, &in->a.value[0], &entry, &owner, IA_REVERT_NFT_NONE_APPROVED) &&
         ia_lvm_get_addr(f->vm, &out->a.addr[0], IA_WKEY_APPROVED, IA_SPAN_ARR(entry.b),
                         IA_NO_SPAN);
}

static bool set_approval_for_all(ia_frame *f, const ia_call_value *in, ia_call_value *out IA_UNUSED)
{
  static const uint8_t yes[] = {1};
  const ia_addr *who = &in->a.addr[0];
  ia_event ev = {.addr = {f->sender, *who}, .flag = in->a.flag};
  pair p = pair_of(IA_SPAN_ARR(f->sender.b), IA_SPAN_ARR(who->b));

  if (f->poco.rules->old_texts ? ia_addr_eq(who, &f->sender) : ia_addr_zero(who)) {
    (void)ia_no(f, IA_REVERT_NFT_OPERATOR);
    return ia_revert_addr(&f->vm->why, who);
  }
  return ia_lvm_put(f->vm, IA_WKEY_OPERATOR, SELF, ia_span_of(p.b, p.len),
                    ia_span_of(yes, in->a.flag ? 1 : 0)) &&
         ia_emit(f, IA_EV_NFT_APPROVAL_FOR_ALL, &ev);
}

static bool is_approved_for_all(ia_frame *f, const ia_call_value *in, ia_call_value *out)
{
  return operator_of(f, &in->a.addr[0], &in->a.addr[1], &out->a.flag);
}

/* ERC-165, ERC-721, its metadata and its enumeration. */
static bool supports_interface(ia_frame *f IA_UNUSED, const ia_call_value *in, ia_call_value *out)
{
  static const uint8_t known[][4] = {{0x01, 0xff, 0xc9, 0xa7},
                                     {0x80, 0xac, 0x58, 0xcd},
                                     {0x5b, 0x5e, 0x13, 0x9f},
                                     {0x78, 0x0e, 0x9d, 0x63}};

  for (size_t i = 0; i < IA_COUNT(known); i++)
    out->a.flag |= memcmp(in->a.b4, known[i], 4) == 0;
  return true;
}

static const ia_method rows[] = {
    {IA_CALL_OWNER_OF, owner_of},
    {IA_CALL_BALANCE_OF, balance_of},
    {IA_CALL_TOKEN_OF_OWNER_BY_INDEX, token_of_owner_by_index},
    {IA_CALL_TOKEN_BY_INDEX, token_by_index},
    {IA_CALL_TOTAL_SUPPLY, total_supply},
    {IA_CALL_NFT_TRANSFER_FROM, transfer_from},
    {IA_CALL_SAFE_TRANSFER_FROM, safe_transfer_from},
    {IA_CALL_SAFE_TRANSFER_FROM_DATA, safe_transfer_from},
    {IA_CALL_NFT_APPROVE, approve},
    {IA_CALL_GET_APPROVED, get_approved},
    {IA_CALL_SET_APPROVAL_FOR_ALL, set_approval_for_all},
    {IA_CALL_IS_APPROVED_FOR_ALL, is_approved_for_all},
    {IA_CALL_SUPPORTS_INTERFACE, supports_interface},
    {IA_CALL_TOKEN_URI, token_uri},
};

const ia_methods ia_methods_nft = {rows, IA_COUNT(rows)};
