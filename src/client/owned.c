/* Datasets of an owner: every entry is a token whose id is its address. */
#include "client/owned.h"

#include "chain/poco.h"

enum { SPAN = 10000, OWNED_MAX = 10000 };

typedef struct set {
  ia_addr *v;
  size_t n;
} set;

static ia_addr entry_of(const ia_u256 *id)
{
  uint8_t be[32];
  ia_addr a;

  ia_u256_to_be(be, id);
  memcpy(a.b, be + 12, sizeof(a.b));
  return a;
}

static void drop(set *s, const ia_addr *a)
{
  for (size_t i = 0; i < s->n; i++)
    if (ia_addr_eq(&s->v[i], a)) {
      memmove(&s->v[i], &s->v[i + 1], (s->n - i - 1) * sizeof(*s->v));
      s->n--;
      return;
    }
}

static bool add(set *s, const ia_addr *a, ia_err *e)
{
  if (s->n == OWNED_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "more than %d datasets", OWNED_MAX);
  s->v[s->n++] = *a;
  return true;
}

static bool take(set *s, const ia_chain_logs *logs, const ia_addr *owner, ia_err *e)
{
  for (size_t i = 0; i < logs->n; i++) {
    ia_event ev = {0};

    if (!ia_event_decode(&ev, IA_EV_NFT_TRANSFER, &logs->v[i].entry, NULL))
      continue;
    ia_addr entry = entry_of(&ev.value[0]);
    drop(s, &entry);
    if (ia_addr_eq(&ev.addr[1], owner) && !add(s, &entry, e))
      return false;
  }
  return true;
}

bool ia_owned_datasets(const ia_net *net, ia_addr **out, size_t *n, const ia_addr *owner, ia_err *e)
{
  const ia_chain_options o = {.url = net->rpc, .hub = net->hub, .chain_id = net->chain_id};
  static const ia_event_id transfer = IA_EV_NFT_TRANSFER;
  IA_AUTO(ia_chain) *chain = NULL;
  ia_autofree ia_addr *all = calloc(OWNED_MAX, sizeof(*all));
  set s = {all, 0};
  ia_chain_info info;
  ia_block head;

  if (!all)
    return ia_fail(e, IA_E_MEMORY, "no memory for datasets");
  if (!ia_chain_open(&chain, &o, e) || !ia_chain_info_get(chain, &info, e) ||
      !ia_chain_head(chain, &head, e))
    return false;
  for (uint64_t from = 0, end; from <= head.number; from = end + 1) {
    IA_AUTOV(ia_chain_logs) logs = {0};
    ia_chain_filter f = {.from = from,
                         .to = from + SPAN - 1 < head.number ? from + SPAN - 1 : head.number,
                         .addresses = &info.registry[IA_ASSET_DATASET],
                         .n_addresses = 1,
                         .events = &transfer,
                         .n_events = 1};

    if (!ia_chain_logs_part(chain, &logs, &f, e) || !take(&s, &logs, owner, e))
      return false;
    end = f.to;
  }
  *n = s.n;
  *out = ia_steal(&all);
  return true;
}
