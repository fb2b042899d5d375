/* The login of iExec's market and scheduler. */
#include "client/login.h"

#include <string.h>

#include "base/hex.h"
#include "eth/address.h"
#include "eth/eip712.h"

/* Text and types as iExec's gateway has them. */
static const char login_text[] = "Sign this message to log into iExec Gateway: ";

static bool check_challenge(const json_t *typed, uint64_t chain_id, const char **challenge,
                            ia_err *e)
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
  if (strcmp(primary, "Challenge") != 0 || strcmp(name, "iExec Gateway") != 0 ||
      strcmp(version, "1") != 0 || id != chain_id || json_object_get(domain, "verifyingContract") ||
      strncmp(*challenge, login_text, sizeof(login_text) - 1) != 0)
    return ia_fail(e, IA_E_INVALID, "what the service asks to be signed is not its login");
  return true;
}

bool ia_login(ia_buf *out, const ia_net *net, const ia_wallet *w, const char *url, ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  const char *challenge;
  ia_eip712_domain domain = {.name = "iExec Gateway", .version = "1", .chain_id = net->chain_id};
  ia_h256 digest;
  ia_sig sig;

  if (!ia_http_json(net->http, &answer, "GET", url, NULL, e))
    return false;
  const json_t *data = json_object_get(answer, "data");
  if (!check_challenge(data ? data : answer, net->chain_id, &challenge, e))
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
