/* The login of the iExec gateway: a challenge in EIP-712 typed data, good for one request. */
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "crypto/secp.h"
#include "eth/address.h"
#include "service/market/market_int.h"

static const char intro[] = "Sign this message to log into iExec Gateway: ";

bool ia_market_login_open(ia_market *m, ia_err *e)
{
  return ia_challenges_new(&m->challenges, "iExec Gateway", intro, CHALLENGE_S, e);
}

bool ia_market_get_challenge(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_market *m = ctx;
  IA_AUTOV(ia_buf) text = {0};
  char chain[24]; /* a text, as the gateway gives it back from the query */
  bool given;
  ia_addr who;

  if (!ia_market_admit(m, rq, e) || !ia_market_query_addr(rq, "address", &who, &given, e))
    return false;
  if (!given)
    return ia_market_required("address", e);
  if (!ia_challenge_make(m->challenges, &text, &who, ia_now(), e))
    return false;
  ia_buf_u8(&text, 0);
  if (!ia_buf_ok(&text, e))
    return false;
  (void)!snprintf(chain, sizeof(chain), "%llu", (unsigned long long)m->chain_id);
  IA_AUTO_JSON *v = json_pack(
      "{s:b,s:{s:{s:[{s:s,s:s},{s:s,s:s},{s:s,s:s}],s:[{s:s,s:s}]},s:s,s:{s:s,s:s,s:s},s:{s:s}}}",
      "ok", 1, "data", "types", "EIP712Domain", "name", "name", "type", "string", "name", "version",
      "type", "string", "name", "chainId", "type", "uint256", "Challenge", "name", "challenge",
      "type", "string", "primaryType", "Challenge", "domain", "name", "iExec Gateway", "version",
      "1", "chainId", chain, "message", "challenge", (const char *)text.ptr);
  return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "no memory");
}

/* Next part of "a_b_c". */
static bool part(ia_span *in, ia_span *out)
{
  const uint8_t *end = in->len > 0 ? memchr(in->ptr, '_', in->len) : NULL;
  ia_span skip;

  return ia_span_take(in, end ? (size_t)(end - in->ptr) : in->len, out) &&
         (!end || ia_span_take(in, 1, &skip));
}

bool ia_market_login(ia_market *m, ia_request *rq, ia_addr *who, ia_err *e)
{
  ia_span in = ia_request_header(rq, "authorization"), hash_text, sig_text, addr_text;
  IA_AUTOV(ia_buf) sig = {.cap = 256};
  ia_h256 hash;

  if (!part(&in, &hash_text) || !part(&in, &sig_text) || !part(&in, &addr_text) || in.len != 0 ||
      !ia_h256_parse(&hash, hash_text) || !ia_unhex_buf(&sig, sig_text) ||
      !ia_addr_parse(who, addr_text, NULL) || !ia_sig_verify(who, &hash, ia_buf_view(&sig), NULL))
    return ia_fail(e, IA_E_FORBIDDEN, "invalid authorization");
  return ia_challenge_take(m->challenges, m->chain_id, who, &hash, ia_now(), e) ||
         (e && e->code == IA_E_BUSY ? false : ia_fail(e, IA_E_FORBIDDEN, "invalid authorization"));
}
