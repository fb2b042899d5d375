/* Keystore files, version 3. */
#include "eth/keystore.h"

#include <stdio.h>
#include <strings.h>

#include <openssl/evp.h>

#include "base/hex.h"
#include "base/json.h"
#include "base/random.h"
#include "crypto/keccak.h"

enum {
  KS_JSON_MAX = 65536,
  KS_MEMORY_MAX = 512 << 20,
  KS_WORK_MAX = 1 << 24,
  KS_PBKDF2_MAX = 10000000,
  KS_SALT_MAX = 256,
  KS_DKLEN_MAX = 1024,
  KS_NAME_MAX = 64, /* of a member */
  KS_KEY = 32,
  KS_IV = 16,
};

typedef struct kdf_params {
  bool scrypt;
  uint64_t n, r, p; /* scrypt */
  uint64_t c;       /* pbkdf2 */
  bool sha512;      /* pbkdf2: its hash, else SHA-256 */
  uint8_t salt[KS_SALT_MAX];
  size_t salt_len;
} kdf_params;

typedef EVP_CIPHER_CTX ctr_ctx;
IA_DEFINE_AUTO(ctr_ctx, EVP_CIPHER_CTX_free)

static bool hex_field(const json_t *obj, const char *key, uint8_t *out, size_t room, size_t *len,
                      ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};
  const char *text;

  if (!ia_json_get_str(obj, key, &text, e))
    return false;
  if (!ia_unhex_buf(&b, ia_span_str(text)) || b.len > room)
    return ia_fail(e, IA_E_PARSE, "keystore: `%s` is not hex of at most %zu bytes", key, room);
  memcpy(out, b.ptr ? b.ptr : (const uint8_t *)"", b.len);
  *len = b.len;
  return true;
}

static bool is(const char *text, const char *name)
{
  return strcasecmp(text, name) == 0;
}

static bool scrypt_limits(const kdf_params *k, ia_err *e)
{
  if (k->n < 2 || (k->n & (k->n - 1)) != 0 || k->r == 0 || k->p == 0)
    return ia_fail(e, IA_E_PARSE, "keystore: impossible scrypt parameters");
  if (k->n > KS_WORK_MAX || k->r > 1024 || k->p > 1024 || 128 * k->n * k->r > KS_MEMORY_MAX ||
      k->n * k->r * k->p > KS_WORK_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "keystore: scrypt parameters ask for too much");
  return true;
}

static bool read_kdf(kdf_params *k, const json_t *crypto, ia_err *e)
{
  json_t *params = NULL;
  const char *name, *prf;
  uint64_t dklen;

  if (!ia_json_get_str(crypto, "kdf", &name, e) ||
      !ia_json_get_obj(crypto, "kdfparams", &params, e) ||
      !ia_json_get_u64(params, "dklen", &dklen, e) ||
      !hex_field(params, "salt", k->salt, sizeof(k->salt), &k->salt_len, e))
    return false;
  /* both functions give the same first bytes whatever their length */
  if (dklen < KS_KEY || dklen > KS_DKLEN_MAX)
    return ia_fail(e, IA_E_UNSUPPORTED, "keystore: dklen is not 32 to %d", KS_DKLEN_MAX);
  k->scrypt = is(name, "scrypt");
  if (k->scrypt)
    return ia_json_get_u64(params, "n", &k->n, e) && ia_json_get_u64(params, "r", &k->r, e) &&
           ia_json_get_u64(params, "p", &k->p, e) && scrypt_limits(k, e);
  if (!is(name, "pbkdf2"))
    return ia_fail(e, IA_E_UNSUPPORTED, "keystore: kdf is neither scrypt nor pbkdf2");
  if (!ia_json_get_u64(params, "c", &k->c, e) || !ia_json_get_str(params, "prf", &prf, e))
    return false;
  k->sha512 = is(prf, "hmac-sha512");
  if (!k->sha512 && !is(prf, "hmac-sha256"))
    return ia_fail(e, IA_E_UNSUPPORTED, "keystore: prf is neither hmac-sha256 nor hmac-sha512");
  if (k->c == 0 || k->c > KS_PBKDF2_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "keystore: pbkdf2 rounds out of range");
  return true;
}

static bool derive(uint8_t out[KS_KEY], const kdf_params *k, ia_span passphrase, ia_err *e)
{
  const char *pass = passphrase.len ? (const char *)passphrase.ptr : "";
  int ok;

  if (passphrase.len > 4096)
    return ia_fail(e, IA_E_TOO_LARGE, "keystore: the passphrase is too long");
  if (k->scrypt)
    ok = EVP_PBE_scrypt(pass, passphrase.len, k->salt, k->salt_len, k->n, k->r, k->p,
                        (uint64_t)KS_MEMORY_MAX + (64 << 20), out, KS_KEY);
  else
    ok = PKCS5_PBKDF2_HMAC(pass, (int)passphrase.len, k->salt, (int)k->salt_len, (int)k->c,
                           k->sha512 ? EVP_sha512() : EVP_sha256(), KS_KEY, out);
  return ok == 1 || ia_fail(e, IA_E_CRYPTO, "keystore: key derivation failed");
}

/* AES-128-CTR, both ways */
static bool ctr(uint8_t *out, const uint8_t *in, size_t n, const uint8_t key[16],
                const uint8_t iv[16], ia_err *e)
{
  IA_AUTO(ctr_ctx) *c = EVP_CIPHER_CTX_new();
  int done = 0;

  if (!c || EVP_EncryptInit_ex(c, EVP_aes_128_ctr(), NULL, key, iv) != 1 ||
      EVP_EncryptUpdate(c, out, &done, in, (int)n) != 1 || (size_t)done != n)
    return ia_fail(e, IA_E_CRYPTO, "keystore: cipher failed");
  return true;
}

static void mac_of(ia_h256 *out, const uint8_t derived[KS_KEY], ia_span cipher)
{
  ia_keccak k;

  ia_keccak_init(&k);
  ia_keccak_update(&k, ia_span_of(derived + 16, 16));
  ia_keccak_update(&k, cipher);
  ia_keccak_final(&k, out);
}

/* The names of members in lower case, down to what a keystore holds: tools write crypto, Crypto,
 * kdfParams, and read each. Two that differ in case only are refused. */
static bool lower_names(json_t **out, const json_t *object, int depth, ia_err *e)
{
  IA_AUTO_JSON *lower = json_object();
  char name[KS_NAME_MAX];
  const char *key;
  json_t *v;

  json_object_foreach ((json_t *)object, key, v) {
    IA_AUTO_JSON *below = NULL;
    size_t n = strlen(key);

    if (n >= sizeof(name))
      continue;
    for (size_t i = 0; i <= n; i++)
      name[i] = (char)(key[i] >= 'A' && key[i] <= 'Z' ? key[i] + ('a' - 'A') : key[i]);
    if (json_object_get(lower, name))
      return ia_fail(e, IA_E_PARSE, "keystore: `%s` is given twice", name);
    if (depth > 0 && json_is_object(v) && !lower_names(&below, v, depth - 1, e))
      return false;
    if (!ia_json_set(lower, name, below ? ia_steal(&below) : json_incref(v), e))
      return false;
  }
  *out = ia_steal(&lower);
  return true;
}

static json_t *parse_file(ia_span json, ia_err *e)
{
  IA_AUTO_JSON *given = NULL;
  IA_AUTO_JSON *root = NULL;
  uint64_t version;

  if (json.len > KS_JSON_MAX) {
    ia_fail(e, IA_E_TOO_LARGE, "keystore: file too large");
    return NULL;
  }
  given = ia_json_parse(json, 0, e);
  if (!given || !lower_names(&root, given, 2, e) || !ia_json_get_u64(root, "version", &version, e))
    return NULL;
  if (version != 3) {
    ia_fail(e, IA_E_UNSUPPORTED, "keystore: version is not 3");
    return NULL;
  }
  return ia_steal(&root);
}

/* *named false: the file has none, or an empty one. */
static bool address_of(ia_addr *out, bool *named, const json_t *root, ia_err *e)
{
  const json_t *v = json_object_get(root, "address");
  const char *text = json_string_value(v);

  *named = v && !json_is_null(v) && !(text && !*text);
  return !*named || (text && ia_unhex(out->b, sizeof(out->b), ia_span_str(text))) ||
         ia_fail(e, IA_E_PARSE, "keystore: `address` is not 20 bytes of hex");
}

bool ia_keystore_address(ia_addr *out, bool *named, ia_span json, ia_err *e)
{
  IA_AUTO_JSON *root = parse_file(json, e);
  json_t *crypto;

  return root && ia_json_get_obj(root, "crypto", &crypto, e) && address_of(out, named, root, e);
}

/* What is sealed, and how. */
typedef struct ks_sealed {
  uint8_t text[KS_KEY], iv[KS_IV], mac[32];
  size_t n_text, n_iv;
} ks_sealed;

/* Keys were written as numbers, without the zeros that they began with, and so were counters: what
 * is too short is filled up in front. */
static bool read_sealed(ks_sealed *s, const json_t *crypto, ia_err *e)
{
  json_t *params = NULL;
  const char *cipher;
  uint8_t iv[KS_IV];
  size_t n_mac;

  if (!ia_json_get_str(crypto, "cipher", &cipher, e) ||
      !ia_json_get_obj(crypto, "cipherparams", &params, e) ||
      !hex_field(params, "iv", iv, sizeof(iv), &s->n_iv, e) ||
      !hex_field(crypto, "ciphertext", s->text, sizeof(s->text), &s->n_text, e) ||
      !hex_field(crypto, "mac", s->mac, sizeof(s->mac), &n_mac, e))
    return false;
  if (!is(cipher, "aes-128-ctr") || s->n_text == 0 || s->n_iv == 0 || n_mac != sizeof(s->mac))
    return ia_fail(e, IA_E_UNSUPPORTED,
                   "keystore: only aes-128-ctr over a key of at most 32 bytes can be opened");
  memset(s->iv, 0, sizeof(s->iv));
  memcpy(s->iv + sizeof(s->iv) - s->n_iv, iv, s->n_iv);
  return true;
}

static bool decrypt(ia_secret *key, const ks_sealed *sealed, const kdf_params *kdf,
                    ia_span passphrase, ia_err *e)
{
  IA_WIPED(32) uint8_t derived[KS_KEY];
  ia_h256 want;

  if (!derive(derived, kdf, passphrase, e))
    return false;
  mac_of(&want, derived, ia_span_of(sealed->text, sealed->n_text));
  if (!ia_ct_eq(want.b, sealed->mac, 32)) {
    ia_fail(e, IA_E_BAD_KEY, "keystore: wrong passphrase");
    return ia_hint(e, "try again; a lost passphrase cannot be recovered");
  }
  if (!ia_secret_new(key, KS_KEY, e))
    return false;
  memset(key->ptr, 0, KS_KEY);
  return ctr(key->ptr + KS_KEY - sealed->n_text, sealed->text, sealed->n_text, derived, sealed->iv,
             e);
}

bool ia_keystore_open(ia_secret *key, const ia_secp *s, ia_span json, ia_span passphrase, ia_err *e)
{
  IA_AUTO_JSON *root = parse_file(json, e);
  IA_AUTOV(ia_secret) k = {0};
  kdf_params kdf = {0};
  ks_sealed sealed;
  json_t *crypto;
  ia_addr in_file, own;
  bool named;

  if (!root || !ia_json_get_obj(root, "crypto", &crypto, e) ||
      !address_of(&in_file, &named, root, e) || !read_sealed(&sealed, crypto, e) ||
      !read_kdf(&kdf, crypto, e))
    return false;
  /* the MAC says nothing of the counter */
  if (sealed.n_iv < KS_IV && !named)
    return ia_fail(e, IA_E_UNSUPPORTED,
                   "keystore: its iv has %zu bytes instead of %d, and no address tells whether the "
                   "key is right",
                   sealed.n_iv, KS_IV);
  if (!decrypt(&k, &sealed, &kdf, passphrase, e) || !ia_secp_address(s, &own, &k, e))
    return false;
  if (named && !ia_addr_eq(&in_file, &own))
    return ia_fail(e, IA_E_CORRUPT, "keystore: the key is not that of the address in the file");
  *key = k;
  k = (ia_secret){0};
  return true;
}

typedef struct ks_text {
  char s[2 * KS_KEY + 1];
} ks_text;

static ks_text hex_of(const uint8_t *p, size_t n)
{
  ks_text t;

  ia_hex(t.s, p, n);
  return t;
}

static bool write_json(ia_buf *out, const ia_addr *own, const kdf_params *k,
                       const uint8_t sealed[KS_KEY], const uint8_t iv[16], const ia_h256 *mac,
                       ia_err *e)
{
  IA_AUTO_JSON *root = NULL;
  uint8_t id[16];
  char uuid[40];
  ks_text hex;

  if (!ia_random(id, sizeof(id), e))
    return false;
  id[6] = (uint8_t)((id[6] & 0x0f) | 0x40); /* RFC 4122 version 4 */
  id[8] = (uint8_t)((id[8] & 0x3f) | 0x80);
  hex = hex_of(id, sizeof(id));
  if (snprintf(uuid, sizeof(uuid), "%.8s-%.4s-%.4s-%.4s-%.12s", hex.s, hex.s + 8, hex.s + 12,
               hex.s + 16, hex.s + 20) != 36)
    return ia_fail(e, IA_E_INTERNAL, "keystore: id");
  root = json_pack("{s:s, s:i, s:s, s:{s:s, s:{s:s}, s:s, s:s, s:{s:i, s:I, s:I, s:I, s:s}, s:s}}",
                   "address", ia_addr_lower(own).s + 2, "version", 3, "id", uuid, "crypto",
                   "cipher", "aes-128-ctr", "cipherparams", "iv", hex_of(iv, 16).s, "ciphertext",
                   hex_of(sealed, KS_KEY).s, "kdf", "scrypt", "kdfparams", "dklen", KS_KEY, "n",
                   (json_int_t)k->n, "r", (json_int_t)k->r, "p", (json_int_t)k->p, "salt",
                   hex_of(k->salt, k->salt_len).s, "mac", hex_of(mac->b, 32).s);
  if (!root)
    return ia_fail(e, IA_E_MEMORY, "keystore: out of memory");
  return ia_json_write(out, root, e);
}

bool ia_keystore_write(ia_buf *out, const ia_secp *s, const ia_secret *key, ia_span passphrase,
                       uint64_t n, ia_err *e)
{
  kdf_params kdf = {.scrypt = true, .n = n, .r = 8, .p = 1, .salt_len = 32};
  IA_WIPED(32) uint8_t derived[KS_KEY];
  uint8_t sealed[KS_KEY], iv[16];
  ia_addr own;
  ia_h256 mac;

  if (n < IA_KEYSTORE_N_LIGHT && n != IA_KEYSTORE_N_RANDOM)
    return ia_fail(e, IA_E_INVALID, "keystore: N is too small");
  if (!scrypt_limits(&kdf, e) || !ia_secp_address(s, &own, key, e) ||
      !ia_random(kdf.salt, kdf.salt_len, e) || !ia_random(iv, sizeof(iv), e) ||
      !derive(derived, &kdf, passphrase, e) || !ctr(sealed, key->ptr, KS_KEY, derived, iv, e))
    return false;
  mac_of(&mac, derived, ia_span_of(sealed, sizeof(sealed)));
  return write_json(out, &own, &kdf, sealed, iv, &mac, e);
}
