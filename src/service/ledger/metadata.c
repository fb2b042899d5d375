/* Where the registries say that the metadata of their entries are, and these metadata: the JSON of
 * ERC-721, made of what the entry holds. */
#include "base/hex.h"
#include "eth/address.h"
#include "service/ledger/ledger_int.h"

static const char *const kinds[IA_ASSET_KINDS] = {"app", "dataset", "workerpool"};

/* A text that was set stands behind this byte: the empty one too is something that was set. */
enum { WAS_SET = 1 };

bool ia_registry_base(ia_frame *f, ia_buf *out)
{
  const ia_world *w = f->vm->world;
  ia_asset_kind kind = ia_registry_kind(f);
  ia_span v;

  if (!ia_lvm_get(f->vm, &v, IA_WKEY_BASE_URI, IA_SPAN_ARR(f->self.b), IA_NO_SPAN))
    return false;
  if (w->version < 2)
    ia_buf_span(out, v);
  else if (v.len > 0 && v.ptr[0] == WAS_SET)
    ia_buf_put(out, v.ptr + 1, v.len - 1);
  else if (w->metadata && kind < IA_ASSET_KINDS)
    ia_buf_printf(out, "%s/%s/%llu/", w->metadata, kinds[kind], (unsigned long long)w->chain_id);
  return ia_buf_ok(out, NULL) || ia_no(f, IA_REVERT_FAULT);
}

bool ia_registry_set_base(ia_frame *f, ia_span text)
{
  IA_AUTOV(ia_buf) v = {0};

  if (f->vm->world->version >= 2)
    ia_buf_u8(&v, WAS_SET);
  ia_buf_span(&v, text);
  return (ia_buf_ok(&v, NULL) || ia_no(f, IA_REVERT_FAULT)) &&
         ia_lvm_put(f->vm, IA_WKEY_BASE_URI, IA_SPAN_ARR(f->self.b), IA_NO_SPAN, ia_buf_view(&v));
}

/* -- the metadata -- */

static bool add(json_t *list, const char *name, json_t *value)
{
  return value && json_array_append_new(
                      list, json_pack("{s:s, s:o}", "trait_type", name, "value", value)) == 0;
}

static bool traits(json_t *list, ia_asset_kind kind, const ia_args *a, const ia_addr *owner)
{
  bool ok = add(list, "owner", json_string(ia_addr_text(owner).s));

  if (kind == IA_ASSET_APP)
    return ok && add(list, "type", ia_json_lossy(a->bytes[1])) &&
           add(list, "multiaddr", ia_json_lossy(a->bytes[2])) &&
           add(list, "checksum", ia_json_h256(&a->id[0])) &&
           add(list, "mrenclave", ia_json_lossy(a->bytes[3]));
  if (kind == IA_ASSET_DATASET)
    return ok && add(list, "multiaddr", ia_json_lossy(a->bytes[1])) &&
           add(list, "checksum", ia_json_h256(&a->id[0]));
  return ok;
}

static json_t *describe(ia_asset_kind kind, const ia_addr *entry, const ia_args *a,
                        const ia_addr *owner, ia_err *e)
{
  static const char *const words[IA_ASSET_KINDS] = {"App", "Protected data", "Workerpool"};
  IA_AUTO_JSON *list = json_array();
  char text[96];
  json_t *v;

  (void)snprintf(text, sizeof(text), "%s %s", words[kind], ia_addr_text(entry).s);
  if (!list || !traits(list, kind, a, owner) ||
      !(v = json_pack("{s:o, s:s, s:O}", "name", ia_json_lossy(a->bytes[0]), "description", text,
                      "attributes", list))) {
    (void)ia_fail(e, IA_E_MEMORY, "no memory for the metadata of an entry");
    return NULL;
  }
  return v;
}

static bool address_of(ia_addr *out, ia_span decimal)
{
  uint8_t word[32];
  ia_u256 token;

  for (size_t i = 0; i < decimal.len; i++)
    if (decimal.ptr[i] < '0' || decimal.ptr[i] > '9')
      return false;
  if (!ia_u256_parse(&token, decimal, NULL) || ia_u256_bits(&token) > 160)
    return false;
  ia_u256_to_be(word, &token);
  memcpy(out->b, word + 12, 20);
  return true;
}

json_t *ia_ledger_metadata(ia_ledger *l, ia_span kind, ia_span chain, ia_span token, ia_err *e)
{
  ia_asset_kind want = IA_ASSET_KINDS, is;
  ia_addr entry, owner;
  ia_args fields;
  char id[24];
  bool has;

  for (int k = 0; k < IA_ASSET_KINDS; k++)
    if (ia_span_is(kind, kinds[k]))
      want = (ia_asset_kind)k;
  (void)snprintf(id, sizeof(id), "%llu", (unsigned long long)l->world.chain_id);
  if (want == IA_ASSET_KINDS || !ia_span_is(chain, id) || !address_of(&entry, token)) {
    (void)ia_fail(e, IA_E_NOT_FOUND, "no such registry, chain or token");
    return NULL;
  }
  ia_lvm_reset(&l->vm, ia_ledger_next_time(l), l->head + 1);
  if (!ia_entry_owner(&l->vm, &entry, &has, &owner, &is) ||
      (has && is == want && !ia_entry_fields(&l->vm, &fields, &entry, is))) {
    (void)ia_fail(e, IA_E_INTERNAL, "the ledger's state is damaged");
    return NULL;
  }
  if (!has || is != want) {
    (void)ia_fail(e, IA_E_NOT_FOUND, "%s is not registered", ia_addr_text(&entry).s);
    return NULL;
  }
  return describe(want, &entry, &fields, &owner, e);
}
