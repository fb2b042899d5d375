/* What a receipt can prove: bytes that strangers registered or signed are shown there whole, so
 * they have a length, and a file that is to be fetched has an address that can be written down.
 * Beyond that no key leaves. */
#include "crypto/cid.h"
#include "policy/internal.h"

static bool fits(const char *whose, const char *what, ia_span s, size_t most, ia_err *e)
{
  return s.len <= most ||
         ia_fail(e, IA_E_UNPROVABLE, "%s: its %s has %zu bytes; a receipt can prove at most %zu",
                 whose, what, s.len, most);
}

bool ia_asset_provable(ia_asset_kind kind, const ia_asset_facts *f, ia_err *e)
{
  enum { MOST = IA_PROVABLE_TEXT_MAX };
  ia_cid cid;

  if (kind == IA_ASSET_APP)
    return fits("app", "name", f->app.name, MOST, e) && fits("app", "type", f->app.type, MOST, e) &&
           fits("app", "multiaddr", f->app.multiaddr, MOST, e) &&
           fits("app", "mrenclave", f->app.mrenclave, MOST, e);
  if (!fits("dataset", "name", f->dataset.name, MOST, e) ||
      !fits("dataset", "multiaddr", f->dataset.multiaddr, MOST, e))
    return false;
  return ia_text_is_plain(f->dataset.multiaddr) ||
         ia_cid_from_multiaddr(&cid, f->dataset.multiaddr, NULL) ||
         ia_fail(e, IA_E_UNPROVABLE, "dataset: its multiaddr is neither a CID nor plain text");
}

bool ia_order_provable(ia_order_kind kind, ia_span sign, ia_err *e)
{
  static const char *const names[IA_ORDER_KINDS] = {"app order", "dataset order",
                                                    "workerpool order", "request order"};

  return fits(names[kind], "signature", sign, IA_PROVABLE_SIGN_MAX, e);
}
