/* The login of iExec's market and scheduler. */
#include "client/login.h"

#include <string.h>

#include "base/hex.h"
#include "eth/address.h"
#include "eth/eip712.h"

/* Name of the domain and beginning of the text, as iExec's gateway and scheduler have them. */
static const struct login {
  const char *name, *text;
} logins[] = {
    [IA_LOGIN_MARKET] = {"iExec Gateway", "Sign this message to log into iExec Gateway: "},
    [IA_LOGIN_SCHEDULER] = {"iExec Core", "Sign this message to log into iExec Core: "},
};

static bool check_challenge(const json_t *typed, const struct login *login, uint64_t chain_id,
                            const char **challenge, ia_eip712_domain *out, ia_err *e)
{
  const char *primary, *name, *version;
  json_t *domain, *message;
  uint64_t id;

  if (!ia_json_get_str(typed, "primaryType", &primary, e) ||
      !ia_json_get_obj(typed, "domain", &domain, e) ||
      !ia_json_get_obj(typed, "message", &message, e) ||
      !ia_json_get_str(domain, "name", &name, e) ||
      !ia_json_get_str(domain, "version", &version, e) ||
      !ia_json_get_u64(domain, "chainId", &id, e) ||
      !ia_json_get_str(message, "challenge", challenge, e))
    return ia_wrap(e, "login challenge");
  if (strcmp(primary, "Challenge") != 0 || strcmp(name, login->name) != 0 ||
      strcmp(version, "1") != 0 || id != chain_id || json_object_get(domain, "verifyingContract") ||
      strncmp(*challenge, login->text, strlen(login->text)) != 0)
    return ia_fail(e, IA_E_INVALID, "what the service asks to be signed is not its login");
  *out = (ia_eip712_domain){.name = login->name, .version = "1", .chain_id = chain_id};
  return true;
}

bool ia_login(ia_buf *out, const ia_net *net, const ia_wallet *w, ia_login_at at, const char *url,
              ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  const char *challenge;
  ia_eip712_domain domain;
  ia_h256 digest;
  ia_sig sig;

  if (!ia_http_json(net->http, &answer, "GET", url, NULL, e))
    return false;
  const json_t *data = json_object_get(answer, "data");
  if (!check_challenge(data ? data : answer, &logins[at], net->chain_id, &challenge, &domain, e))
    return false;
  ia_abi_val text = ia_abi_str(challenge);
  if (!ia_eip712_hash(&digest, &domain, "Challenge(string challenge)", &text, 1, e) ||
      !ia_secp_sign(w->secp, &sig, &digest, &w->key, e))
    return false;
  ia_buf_clear(out);
  ia_buf_str(out, ia_h256_text(&digest).s);
  ia_buf_str(out, "_");
  ia_buf_hex0x(out, IA_SPAN_ARR(sig.b));
  ia_buf_str(out, "_");
  ia_buf_str(out, ia_addr_text(&w->address).s);
  ia_buf_u8(out, 0);
  return ia_buf_ok(out, e);
}
