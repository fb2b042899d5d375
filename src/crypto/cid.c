/* CID text and bytes. */
#include "crypto/cid.h"

#include "base/hex.h"

static const char alphabet58[] = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
static const char alphabet36[] = "0123456789abcdefghijklmnopqrstuvwxyz";
static const char alphabet32[] = "abcdefghijklmnopqrstuvwxyz234567";

enum { BASE_MAX = 128, SHA2_256 = 0x12, P2P_CODE = 0x1a5 };

void ia_base58(ia_buf *out, ia_span in)
{
  uint8_t digits[BASE_MAX * 2] = {0};
  size_t zeros = 0, n = 0;

  if (in.len > BASE_MAX) {
    out->bad = true;
    return;
  }
  while (zeros < in.len && in.ptr[zeros] == 0)
    zeros++;
  for (size_t i = zeros; i < in.len; i++) {
    unsigned carry = in.ptr[i];

    for (size_t j = 0; j < n; j++) {
      carry += (unsigned)digits[j] << 8;
      digits[j] = (uint8_t)(carry % 58);
      carry /= 58;
    }
    for (; carry > 0; carry /= 58)
      digits[n++] = (uint8_t)(carry % 58);
  }
  for (size_t i = 0; i < zeros; i++)
    ia_buf_u8(out, '1');
  for (size_t i = n; i > 0; i--)
    ia_buf_u8(out, (uint8_t)alphabet58[digits[i - 1]]);
}

static int value_in(const char *alphabet, uint8_t c)
{
  const char *at = c ? strchr(alphabet, c) : NULL;

  return at ? (int)(at - alphabet) : -1;
}

/* A number in digits of that alphabet, with a zero byte for each leading zero digit. */
static bool undigits(ia_buf *out, ia_span text, const char *alphabet)
{
  unsigned base = (unsigned)strlen(alphabet);
  uint8_t bytes[BASE_MAX] = {0};
  size_t zeros = 0, n = 0;

  if (text.len > BASE_MAX)
    return false;
  while (zeros < text.len && text.ptr[zeros] == (uint8_t)alphabet[0])
    zeros++;
  for (size_t i = zeros; i < text.len; i++) {
    int v = value_in(alphabet, text.ptr[i]);

    if (v < 0)
      return false;
    unsigned carry = (unsigned)v;
    for (size_t j = 0; j < n; j++) {
      carry += (unsigned)bytes[j] * base;
      bytes[j] = (uint8_t)carry;
      carry >>= 8;
    }
    if (carry > 0)
      bytes[n++] = (uint8_t)carry;
  }
  ia_buf_zero(out, zeros);
  for (size_t i = n; i > 0; i--)
    ia_buf_u8(out, bytes[i - 1]);
  return !out->bad;
}

bool ia_unbase58(ia_buf *out, ia_span text)
{
  return undigits(out, text, alphabet58);
}

/* Multibase "k", or "K" in upper case. */
static bool unbase36(ia_buf *out, ia_span text, bool upper)
{
  uint8_t lower[BASE_MAX];

  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.ptr[i];

    if (upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z')
      return false;
    lower[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
  }
  return undigits(out, ia_span_of(lower, text.len), alphabet36);
}

/* RFC 4648 6 in lower case without padding. */
static void base32(ia_buf *out, ia_span in)
{
  unsigned acc = 0, bits = 0;

  for (size_t i = 0; i < in.len; i++) {
    acc = acc << 8 | in.ptr[i];
    for (bits += 8; bits >= 5; bits -= 5)
      ia_buf_u8(out, (uint8_t)alphabet32[acc >> (bits - 5) & 31]);
    acc &= (1U << bits) - 1;
  }
  if (bits > 0)
    ia_buf_u8(out, (uint8_t)alphabet32[acc << (5 - bits) & 31]);
}

static bool unbase32(ia_buf *out, ia_span text, bool upper)
{
  unsigned acc = 0, bits = 0;

  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.ptr[i];

    if (upper && c >= 'A' && c <= 'Z')
      c = (uint8_t)(c + 32);
    else if (upper && c >= 'a' && c <= 'z')
      return false;
    int v = value_in(alphabet32, c);
    if (v < 0)
      return false;
    acc = acc << 5 | (unsigned)v;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      ia_buf_u8(out, (uint8_t)(acc >> bits));
      acc &= (1U << bits) - 1;
    }
  }
  return bits < 5 && acc == 0 && !out->bad;
}

void ia_cid_bytes(ia_buf *out, const ia_cid *c)
{
  if (c->version == 1) {
    ia_buf_u8(out, 1);
    ia_buf_u8(out, (uint8_t)c->codec);
  }
  ia_buf_u8(out, SHA2_256);
  ia_buf_u8(out, sizeof(c->hash.b));
  ia_buf_put(out, c->hash.b, sizeof(c->hash.b));
}

ia_cid_text ia_cid_format(const ia_cid *c)
{
  IA_AUTOV(ia_buf) raw = {0};
  IA_AUTOV(ia_buf) text = {0};
  ia_cid_text t = {""};

  ia_cid_bytes(&raw, c);
  if (c->version == 0) {
    ia_base58(&text, ia_buf_view(&raw));
  } else {
    ia_buf_u8(&text, 'b');
    base32(&text, ia_buf_view(&raw));
  }
  if (!raw.bad && !text.bad && text.len < sizeof(t.s))
    memcpy(t.s, text.ptr, text.len);
  return t;
}

/* Multiformats unsigned varint in its shortest form, at most 9 bytes; here below 2^28. */
static bool varint(ia_span *in, uint32_t *v)
{
  uint32_t r = 0;

  for (unsigned shift = 0; shift < 28; shift += 7) {
    uint8_t b;

    if (!ia_span_u8(in, &b))
      return false;
    r |= (uint32_t)(b & 0x7f) << shift;
    if (!(b & 0x80)) {
      *v = r;
      return b != 0 || shift == 0;
    }
  }
  return false;
}

bool ia_cid_from_bytes(ia_cid *c, ia_span in, ia_err *e)
{
  uint32_t version, codec, hash, len;

  *c = (ia_cid){.version = 0, .codec = IA_CODEC_DAG_PB};
  if (in.len == 34 && in.ptr[0] == SHA2_256 && in.ptr[1] == 32) {
    memcpy(c->hash.b, in.ptr + 2, 32);
    return true;
  }
  if (!varint(&in, &version) || !varint(&in, &codec) || !varint(&in, &hash) || !varint(&in, &len) ||
      in.len != len || version == 0)
    return ia_fail(e, IA_E_PARSE, "not a CID");
  if (version != 1 || hash != SHA2_256 || len != 32 ||
      (codec != IA_CODEC_RAW && codec != IA_CODEC_DAG_PB))
    return ia_fail(e, IA_E_UNSUPPORTED, "CID of version %u, codec 0x%x, hash 0x%x is not offered",
                   version, codec, hash);
  c->version = 1;
  c->codec = (ia_codec)codec;
  memcpy(c->hash.b, in.ptr, 32);
  return true;
}

static bool unhex_strict(ia_buf *out, ia_span text)
{
  /* no "0x" inside a multibase text */
  return !(text.len >= 2 && (text.ptr[1] == 'x' || text.ptr[1] == 'X')) && ia_unhex_buf(out, text);
}

bool ia_cid_parse(ia_cid *c, ia_span text, ia_err *e)
{
  IA_AUTOV(ia_buf) raw = {0};
  bool ok = false;

  if (text.len < 2 || text.len > BASE_MAX)
    return ia_fail(e, IA_E_PARSE, "not a CID");
  ia_span rest = ia_span_of(text.ptr + 1, text.len - 1);
  if (text.len == 46 && text.ptr[0] == 'Q' && text.ptr[1] == 'm')
    ok = ia_unbase58(&raw, text) && raw.len == 34;
  else if (text.ptr[0] == 'z')
    ok = ia_unbase58(&raw, rest);
  else if (text.ptr[0] == 'b' || text.ptr[0] == 'B')
    ok = unbase32(&raw, rest, text.ptr[0] == 'B');
  else if (text.ptr[0] == 'k' || text.ptr[0] == 'K')
    ok = unbase36(&raw, rest, text.ptr[0] == 'K');
  else if (text.ptr[0] == 'f' || text.ptr[0] == 'F')
    ok = unhex_strict(&raw, rest);
  if (!ok || (text.ptr[0] != 'Q' && raw.len == 34 && raw.ptr[0] == SHA2_256))
    return ia_fail(e, IA_E_PARSE, "not a CID");
  return ia_cid_from_bytes(c, ia_buf_view(&raw), e);
}

void ia_cid_multiaddr(ia_buf *out, const ia_cid *c)
{
  ia_buf_u8(out, (P2P_CODE & 0x7f) | 0x80);
  ia_buf_u8(out, P2P_CODE >> 7);
  ia_buf_u8(out, c->version == 0 ? 34 : 36);
  ia_cid_bytes(out, c);
}

bool ia_cid_from_multiaddr(ia_cid *c, ia_span in, ia_err *e)
{
  static const char *const prefixes[] = {"/ipfs/", "/p2p/"};
  uint32_t code, len;

  for (size_t i = 0; i < IA_COUNT(prefixes); i++) {
    size_t n = strlen(prefixes[i]);

    if (in.len > n && memcmp(in.ptr, prefixes[i], n) == 0)
      return ia_cid_parse(c, ia_span_of(in.ptr + n, in.len - n), e);
  }
  if (!varint(&in, &code) || code != P2P_CODE || !varint(&in, &len) || len != in.len)
    return ia_fail(e, IA_E_PARSE, "not a multiaddr of a CID");
  return ia_cid_from_bytes(c, in, e);
}
