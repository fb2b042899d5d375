/* Trust anchors of this home. */
#include "cli/trust_file.h"

#include <string.h>

#include "base/hex.h"
#include "base/owned.h"
#include "client/to_sms.h"

enum { TRUST_CAP = 1 << 20 };

/* *there: a file that is there and empty is a broken one. */
static bool read_default(ia_cli *c, ia_buf *out, ia_path *path, bool *there, ia_err *e)
{
  if (!ia_path_join(path, e, "%s/trust.json", ia_cli_home(c)))
    return false;
  *there = access(path->s, F_OK) == 0;
  return !*there || ia_file_read_trusted(out, path->s, TRUST_CAP, e);
}

static bool parse(ia_trust **out, ia_span text, const char *path, ia_err *e)
{
  return ia_trust_parse(out, text, e) || ia_wrap(e, "%s", path);
}

bool ia_cli_trust(ia_cli *c, ia_trust **out, const char *file, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  bool there;
  ia_path path;

  if (file)
    return ia_file_read_trusted(&text, file, TRUST_CAP, e) &&
           parse(out, ia_buf_view(&text), file, e);
  if (!read_default(c, &text, &path, &there, e))
    return false;
  return there ? parse(out, ia_buf_view(&text), path.s, e) : ia_trust_new(out, e);
}

static bool keep(ia_cli *c, const json_t *info, ia_err *e)
{
  IA_AUTOV(ia_buf) old = {0}, text = {0};
  ia_path path;
  bool there;

  return read_default(c, &old, &path, &there, e) &&
         ia_trust_add(&text, ia_buf_view(&old), info, NULL, e) &&
         ia_file_write(path.s, ia_buf_view(&text), 0600, e);
}

void ia_cli_warn_simulated(ia_cli *c, const ia_net *net)
{
  IA_AUTOV(ia_sms_info) info = {0};
  ia_err e = {0};

  if (net->sms && ia_to_sms_info(net, &info, &e) && info.simulated)
    ia_cli_warn(c, "SIMULATED: no hardware protects what runs on this data; put no real personal "
                   "data here");
}

bool ia_cli_trust_sms(ia_cli *c, ia_net *net, ia_err *e)
{
  IA_AUTOV(ia_sms_info) info = {0};
  IA_AUTO(ia_trust) *trust = NULL;
  uint64_t chain;
  ia_addr hub;

  if (net->sms_domain != IA_DOMAIN_NONE)
    return true;
  if (!ia_to_sms_info(net, &info, e) || !ia_json_get_u64(info.text, "chainId", &chain, e) ||
      !ia_json_get_addr(info.text, "hub", &hub, e))
    return false;
  if (chain != net->chain_id || !ia_addr_eq(&hub, &net->hub))
    return ia_fail(e, IA_E_DOMAIN_MISMATCH, "the SMS serves another ledger than this one");
  if (info.simulated)
    ia_cli_warn(c, "SIMULATED: this key service releases keys to simulated enclaves; put no real "
                   "personal data here");
  if (!ia_cli_trust(c, &trust, NULL, e))
    return false;
  const ia_trust_sms *known = ia_trust_find(trust, &info.sms_key);
  if (!known && (!ia_cli_confirm(c, e,
                                 "The key service at %s (key %s) is not in your trust file."
                                 " Trust it?",
                                 net->sms, ia_h256_text(&info.sms_key).s) ||
                 !keep(c, info.text, e)))
    return false;
  net->sms_key = info.sms_key;
  net->sms_domain = known ? known->domain : info.simulated ? IA_DOMAIN_SIM : IA_DOMAIN_HW;
  return true;
}
