/* Certificates of the simulation: made with libcrypto, never signed by anything that another
 * installation trusts. */
#include "tee/simpki.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/random.h"
#include "crypto/p256.h"
#include "crypto/sha.h"
#include "tee/sim.h"

enum { DAY = 86400, YEARS_20 = 20 * 365 * DAY };

void ia_simpki_free(ia_simpki *p)
{
  if (!p)
    return;
  ia_p256_free(p->leaf);
  ia_buf_free(&p->certs);
  free(p);
}

/* value: DER of the extension. */
static bool add_ext(X509 *x, const char *oid, bool critical, const uint8_t *value, int n)
{
  ASN1_OBJECT *obj = OBJ_txt2obj(oid, 1);
  ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
  X509_EXTENSION *ext = NULL;
  bool ok;

  ok = obj && data && ASN1_OCTET_STRING_set(data, value, n) &&
       (ext = X509_EXTENSION_create_by_OBJ(NULL, obj, critical, data)) && X509_add_ext(x, ext, -1);
  X509_EXTENSION_free(ext);
  ASN1_OCTET_STRING_free(data);
  ASN1_OBJECT_free(obj);
  return ok;
}

static bool set_serial(X509 *x)
{
  uint8_t raw[16];
  BIGNUM *n;
  bool ok;

  if (!ia_random(raw, sizeof(raw), NULL))
    return false;
  raw[0] &= 0x7f;
  n = BN_bin2bn(raw, sizeof(raw), NULL);
  ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(x));
  BN_free(n);
  return ok;
}

static bool fill(X509 *x, const char *cn, EVP_PKEY *key, bool ca, uint64_t now)
{
  static const uint8_t null_der[] = {0x05, 0x00};
  static const uint8_t ca_true[] = {0x30, 0x03, 0x01, 0x01, 0xff}, ca_false[] = {0x30, 0x00};
  static const uint8_t sign_certs[] = {0x03, 0x02, 0x01, 0x06}, sign[] = {0x03, 0x02, 0x07, 0x80};
  X509_NAME *name = X509_get_subject_name(x);
  time_t t = (time_t)now - DAY;

  return X509_set_version(x, 2) && set_serial(x) &&
         X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)cn, -1, -1, 0) &&
         X509_time_adj_ex(X509_getm_notBefore(x), 0, 0, &t) &&
         X509_time_adj_ex(X509_getm_notAfter(x), 0, (long)YEARS_20, &t) &&
         X509_set_pubkey(x, key) &&
         add_ext(x, "2.5.29.19", true, ca ? ca_true : ca_false,
                 ca ? (int)sizeof(ca_true) : (int)sizeof(ca_false)) &&
         add_ext(x, "2.5.29.15", true, ca ? sign_certs : sign, 4) &&
         add_ext(x, IA_SIM_EXTENSION_OID, true, null_der, sizeof(null_der));
}

static bool put_pem(ia_buf *out, X509 *x)
{
  BIO *bio = BIO_new(BIO_s_mem());
  char *text = NULL;
  bool ok = bio && PEM_write_bio_X509(bio, x);
  long n = ok ? BIO_get_mem_data(bio, &text) : 0;

  ia_buf_put(out, text, (size_t)n);
  BIO_free(bio);
  return ok && n > 0;
}

/* certs holds leaf, CA, root in this order. */
static bool make_chain(ia_buf *out, EVP_PKEY *const keys[3], uint64_t now, ia_err *e)
{
  static const char *const names[] = {"iApp Simulation Leaf (NO SECURITY)",
                                      "iApp Simulation CA (NO SECURITY)",
                                      "iApp Simulation Root (NO SECURITY)"};
  X509 *certs[3] = {X509_new(), X509_new(), X509_new()};
  bool ok = certs[0] && certs[1] && certs[2];

  for (int i = 0; ok && i < 3; i++)
    ok = fill(certs[i], names[i], keys[i], i > 0, now);
  for (int i = 0; ok && i < 3; i++) {
    int by = i == 2 ? 2 : i + 1;

    ok = X509_set_issuer_name(certs[i], X509_get_subject_name(certs[by])) &&
         X509_sign(certs[i], keys[by], EVP_sha256()) > 0 && put_pem(out, certs[i]);
  }
  for (int i = 0; i < 3; i++)
    X509_free(certs[i]);
  return ok ? ia_buf_ok(out, e) : ia_fail(e, IA_E_CRYPTO, "simulation certificates: not made");
}

bool ia_simpki_new(ia_simpki **out, uint64_t now, ia_err *e)
{
  IA_AUTO(ia_simpki) *p = calloc(1, sizeof(*p));
  IA_AUTO(ia_p256) *ca = NULL;
  IA_AUTO(ia_p256) *root = NULL;

  if (!p)
    return ia_fail(e, IA_E_MEMORY, "simulation certificates: no memory");
  if (now > INT64_MAX / 2)
    return ia_fail(e, IA_E_INVALID, "simulation certificates: time out of range");
  if (!ia_p256_generate(&p->leaf, e) || !ia_p256_generate(&ca, e) || !ia_p256_generate(&root, e))
    return false;
  EVP_PKEY *const keys[3] = {ia_p256_evp(p->leaf), ia_p256_evp(ca), ia_p256_evp(root)};
  if (!make_chain(&p->certs, keys, now, e))
    return false;
  *out = ia_steal(&p);
  return true;
}

bool ia_simpki_export(const ia_simpki *p, ia_buf *certs, ia_buf *keys, ia_err *e)
{
  keys->secret = true;
  ia_buf_span(certs, ia_buf_view(&p->certs));
  return ia_buf_ok(certs, e) && ia_p256_write_pem(keys, p->leaf, e);
}

bool ia_simpki_import(ia_simpki **out, ia_span certs, ia_span keys, ia_err *e)
{
  IA_AUTO(ia_simpki) *p = calloc(1, sizeof(*p));
  IA_AUTO(ia_chain3) *chain = NULL;
  uint8_t in_cert[64], of_key[64];

  if (!p)
    return ia_fail(e, IA_E_MEMORY, "simulation certificates: no memory");
  if (!ia_chain3_read(&chain, certs, e) || !ia_chain3_leaf_key(in_cert, chain, e) ||
      !ia_p256_read_pem(&p->leaf, keys, e) || !ia_p256_public(of_key, p->leaf, e))
    return false;
  if (memcmp(in_cert, of_key, sizeof(of_key)) != 0)
    return ia_fail(e, IA_E_CORRUPT, "simulation certificates: the key is not that of the leaf");
  ia_buf_span(&p->certs, certs);
  if (!ia_buf_ok(&p->certs, e))
    return false;
  *out = ia_steal(&p);
  return true;
}

bool ia_simpki_root_digest(ia_h256 *out, const ia_simpki *p, ia_err *e)
{
  IA_AUTO(ia_chain3) *chain = NULL;

  return ia_chain3_read(&chain, ia_buf_view(&p->certs), e) && ia_chain3_root_digest(out, chain, e);
}

static bool digest_of(ia_h256 *out, X509 *x, ia_err *e)
{
  uint8_t *der = NULL;
  int n = i2d_X509(x, &der);

  if (n <= 0)
    return ia_fail(e, IA_E_CHAIN, "root certificate: cannot be encoded");
  ia_sha256(out, ia_span_of(der, (size_t)n));
  OPENSSL_free(der);
  return true;
}

bool ia_sim_root_digest_pem(ia_h256 *out, ia_span pem, ia_err *e)
{
  BIO *bio;
  bool found = false, ok = false;

  if (pem.len > IA_QUOTE_PEM_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "root certificate: %zu bytes", pem.len);
  bio = BIO_new_mem_buf(pem.ptr, (int)pem.len);
  if (!bio)
    return ia_fail(e, IA_E_MEMORY, "root certificate: no memory");
  for (X509 *x; !found && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)); X509_free(x)) {
    found = X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(x)) == 0;
    ok = found && digest_of(out, x, e);
  }
  BIO_free(bio);
  return found ? ok : ia_fail(e, IA_E_PARSE, "no self-signed certificate in this PEM file");
}
