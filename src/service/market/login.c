/* The login of the iExec gateway: a challenge in EIP-712 typed data, good for one request. */
#include "base/clock.h"
#include "base/hex.h"
#include "base/random.h"
#include "crypto/secp.h"
#include "eth/address.h"
#include "eth/eip712.h"
#include "service/market/market_int.h"

static const char intro[] = "Sign this message to log into iExec Gateway: ";

static bool hash_of(const ia_market *m, ia_h256 *out, const char *text, ia_err *e)
{
  ia_eip712_domain d = {.name = "iExec Gateway", .version = "1", .chain_id = m->chain_id};
  ia_abi_val v = ia_abi_str(text);

  return ia_eip712_hash(out, &d, "Challenge(string challenge)", &v, 1, e);
}

/* A wallet may have several in flight; its oldest gives way, then the oldest of all. */
static void remember(ia_market *m, const ia_addr *who, const ia_h256 *hash)
{
  uint64_t now = ia_now();
  size_t own = 0, oldest = m->next_challenge % CHALLENGES_MAX;
  challenge *place = NULL;

  pthread_mutex_lock(&m->lock);
  for (size_t i = 0; i < CHALLENGES_MAX; i++) {
    challenge *c = &m->challenges[(oldest + i) % CHALLENGES_MAX];

    if (c->expires > now && ia_addr_eq(&c->who, who) && own++ == 0)
      place = c;
  }
  if (own < CHALLENGES_EACH)
    place = &m->challenges[m->next_challenge++ % CHALLENGES_MAX];
  *place = (challenge){*who, *hash, now + CHALLENGE_S};
  pthread_mutex_unlock(&m->lock);
}

static bool take(ia_market *m, const ia_addr *who, const ia_h256 *hash)
{
  bool found = false;

  pthread_mutex_lock(&m->lock);
  for (size_t i = 0; i < CHALLENGES_MAX && !found; i++) {
    challenge *c = &m->challenges[i];

    found = c->expires > ia_now() && ia_addr_eq(&c->who, who) && ia_h256_eq(&c->hash, hash);
    if (found)
      c->expires = 0;
  }
  pthread_mutex_unlock(&m->lock);
  return found;
}

bool ia_market_get_challenge(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_market *m = ctx;
  uint8_t random[16];
  char text[sizeof(intro) + 32];
  bool given;
  ia_addr who;
  ia_h256 hash;

  if (!ia_market_admit(m, rq, e) || !ia_market_query_addr(rq, "address", &who, &given, e))
    return false;
  if (!given)
    return ia_market_required("address", e);
  if (!ia_random(random, sizeof(random), e))
    return false;
  memcpy(text, intro, sizeof(intro) - 1);
  ia_hex(text + sizeof(intro) - 1, random, sizeof(random));
  if (!hash_of(m, &hash, text, e))
    return false;
  remember(m, &who, &hash);
  IA_AUTO_JSON *v = json_pack(
      "{s:b,s:{s:{s:[{s:s,s:s},{s:s,s:s},{s:s,s:s}],s:[{s:s,s:s}]},s:s,s:{s:s,s:s,s:I},s:{s:s}}}",
      "ok", 1, "data", "types", "EIP712Domain", "name", "name", "type", "string", "name", "version",
      "type", "string", "name", "chainId", "type", "uint256", "Challenge", "name", "challenge",
      "type", "string", "primaryType", "Challenge", "domain", "name", "iExec Gateway", "version",
      "1", "chainId", (json_int_t)m->chain_id, "message", "challenge", text);
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
      !ia_addr_parse(who, addr_text, NULL) || !take(m, who, &hash) ||
      !ia_sig_verify(who, &hash, ia_buf_view(&sig), NULL))
    return ia_fail(e, IA_E_FORBIDDEN, "invalid authorization");
  return true;
}
