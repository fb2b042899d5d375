/* DSSE envelopes. */
#include "receipt/dsse.h"

#include "base/hex.h"
#include "base/json.h"
#include "crypto/sha.h"

bool ia_dsse_digest(ia_h256 *out, const char *type, ia_span payload, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_printf(&b, "DSSEv1 %zu %s %zu ", strlen(type), type, payload.len);
  ia_buf_span(&b, payload);
  if (!ia_buf_ok(&b, e))
    return false;
  ia_sha256(out, ia_buf_view(&b));
  return true;
}

bool ia_dsse_sign(json_t **out, const char *type, ia_span payload, const ia_secp *secp,
                  const ia_secret *key, ia_err *e)
{
  ia_h256 digest;
  ia_addr addr;
  ia_sig sig;

  if (!ia_dsse_digest(&digest, type, payload, e) || !ia_secp_address(secp, &addr, key, e) ||
      !ia_secp_sign(secp, &sig, &digest, key, e))
    return false;
  *out =
      json_pack("{s:o,s:s,s:[{s:o,s:o}]}", "payload", ia_json_base64(payload), "payloadType", type,
                "signatures", "keyid", ia_json_addr(&addr), "sig", ia_json_hex(IA_SPAN_ARR(sig.b)));
  return *out || ia_fail(e, IA_E_MEMORY, "no memory for an envelope");
}

/* The one signature: its signer is who the keyid names. */
static bool signature(ia_addr *signer, const json_t *s, const ia_h256 *digest, ia_err *e)
{
  static const char *const members[] = {"keyid", "sig", NULL};
  IA_AUTOV(ia_buf) raw = {.cap = 128};
  ia_addr named;
  ia_sig sig;

  if (!json_is_object(s) || !ia_json_only(s, members, NULL))
    return ia_fail(e, IA_E_RECEIPT_FIELD, "envelope: want one signature of keyid and sig");
  if (!ia_json_get_addr(s, "keyid", &named, e) || !ia_json_get_hex(s, "sig", &raw, e))
    return false;
  /* one form only, so that an envelope has one encoding */
  if (raw.len != 65 || raw.ptr[64] < 27 || !ia_sig_parse(&sig, ia_buf_view(&raw), e))
    return ia_fail(e, IA_E_PARSE, "\"sig\": want 65 bytes r, s, v");
  if (!ia_secp_recover(signer, digest, &sig, e))
    return false;
  if (!ia_addr_eq(signer, &named))
    return ia_fail(e, IA_E_INVALID, "the envelope is not signed by the key that it names");
  return true;
}

bool ia_dsse_open(ia_buf *payload, ia_addr *signer, const json_t *envelope, const char *type,
                  ia_err *e)
{
  static const char *const members[] = {"payload", "payloadType", "signatures", NULL};
  json_t *list;
  const char *t;
  ia_h256 digest;
  size_t before = payload->len;

  if (!json_is_object(envelope) || !ia_json_only(envelope, members, NULL))
    return ia_fail(e, IA_E_RECEIPT_FIELD, "envelope: a member that nothing covers");
  if (!ia_json_get_str(envelope, "payloadType", &t, e) ||
      !ia_json_get_base64(envelope, "payload", payload, e) ||
      !ia_json_get_arr(envelope, "signatures", &list, e))
    return false;
  if (strcmp(t, type) != 0)
    return ia_fail(e, IA_E_INVALID, "envelope: payload of another type");
  if (json_array_size(list) != 1)
    return ia_fail(e, IA_E_RECEIPT_FIELD, "envelope: want one signature");
  return ia_dsse_digest(&digest, type, ia_span_of(payload->ptr + before, payload->len - before),
                        e) &&
         signature(signer, json_array_get(list, 0), &digest, e);
}

bool ia_dsse_hash(ia_h256 *out, const json_t *envelope, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  if (!ia_json_canonical(&text, envelope, e))
    return false;
  ia_sha256(out, ia_buf_view(&text));
  return true;
}
