#include "tee/chain.h"

#include <limits.h>
#include <time.h>

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "crypto/sha.h"
#include "tee/quote.h"

enum { LEAF, CA, ROOT };

struct ia_chain3 {
  X509 *cert[IA_QUOTE_CERTS];
};

static const char *const place[] = {"leaf", "CA", "root"};

void ia_chain3_free(ia_chain3 *c)
{
  if (!c)
    return;
  for (int i = 0; i < IA_QUOTE_CERTS; i++)
    X509_free(c->cert[i]);
  free(c);
}

static bool blank(ia_span s)
{
  for (size_t i = 0; i < s.len; i++)
    if (s.ptr[i] != '\n' && s.ptr[i] != '\r' && s.ptr[i] != ' ' && s.ptr[i] != '\t')
      return false;
  return true;
}

/* Cuts the next "-----BEGIN CERTIFICATE-----" .. "-----END CERTIFICATE-----" off. */
static bool next_block(ia_span *pem, ia_span *block)
{
  static const char begin[] = "-----BEGIN CERTIFICATE-----", end[] = "-----END CERTIFICATE-----";
  const uint8_t *b = memmem(pem->ptr, pem->len, begin, sizeof(begin) - 1);
  const uint8_t *z = memmem(pem->ptr, pem->len, end, sizeof(end) - 1);
  size_t used;

  if (!b || !z || z < b || !blank(ia_span_of(pem->ptr, (size_t)(b - pem->ptr))))
    return false;
  z += sizeof(end) - 1;
  *block = ia_span_of(b, (size_t)(z - b));
  used = (size_t)(z - pem->ptr);
  *pem = ia_span_of(pem->ptr + used, pem->len - used);
  return true;
}

static bool read_cert(X509 **out, ia_span block, ia_err *e)
{
  BIO *bio = BIO_new_mem_buf(block.ptr, (int)block.len);
  int n;

  if (!bio)
    return ia_fail(e, IA_E_MEMORY, "certificate: no memory");
  *out = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  if (!*out)
    return ia_fail(e, IA_E_CHAIN, "certificate: not readable");
  n = i2d_X509(*out, NULL);
  if (n <= 0 || n > IA_QUOTE_CERT_MAX)
    return ia_fail(e, IA_E_QUOTE_SIZE, "certificate: %d bytes", n);
  return true;
}

bool ia_chain3_read(ia_chain3 **out, ia_span pem, ia_err *e)
{
  IA_AUTO(ia_chain3) *c = calloc(1, sizeof(*c));

  if (!c)
    return ia_fail(e, IA_E_MEMORY, "certificate chain: no memory");
  if (pem.len > IA_QUOTE_PEM_MAX)
    return ia_fail(e, IA_E_QUOTE_SIZE, "certificate chain: %zu bytes", pem.len);
  for (int i = 0; i < IA_QUOTE_CERTS; i++) {
    ia_span block;

    if (!next_block(&pem, &block))
      return ia_fail(e, IA_E_CHAIN, "certificate chain: %d certificates, want 3", i);
    if (!read_cert(&c->cert[i], block, e))
      return ia_wrap(e, "%s", place[i]);
  }
  if (!blank(pem))
    return ia_fail(e, IA_E_CHAIN, "certificate chain: more than 3 certificates");
  *out = ia_steal(&c);
  return true;
}

bool ia_chain3_root_digest(ia_h256 *out, const ia_chain3 *c, ia_err *e)
{
  uint8_t *der = NULL;
  int n = i2d_X509(c->cert[ROOT], &der);

  if (n <= 0)
    return ia_fail(e, IA_E_CHAIN, "root certificate: cannot be encoded");
  ia_sha256(out, ia_span_of(der, (size_t)n));
  OPENSSL_free(der);
  return true;
}

static bool is_p256(X509 *x)
{
  EVP_PKEY *k = X509_get0_pubkey(x);
  char group[32] = {0};

  return k && EVP_PKEY_is_a(k, "EC") && EVP_PKEY_get_group_name(k, group, sizeof(group), NULL) &&
         strcmp(group, "prime256v1") == 0 && X509_get_signature_nid(x) == NID_ecdsa_with_SHA256;
}

bool ia_chain3_leaf_key(uint8_t out[64], const ia_chain3 *c, ia_err *e)
{
  EVP_PKEY *k = X509_get0_pubkey(c->cert[LEAF]);
  uint8_t point[65];
  size_t n = 0;

  if (!is_p256(c->cert[LEAF]) ||
      !EVP_PKEY_get_octet_string_param(k, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof(point), &n) ||
      n != sizeof(point) || point[0] != 4)
    return ia_fail(e, IA_E_CHAIN, "leaf certificate: not a P-256 key");
  memcpy(out, point + 1, 64);
  return true;
}

static bool in_force(const X509 *x, uint64_t now)
{
  time_t t = (time_t)now;

  return now <= INT64_MAX && X509_cmp_time(X509_get0_notBefore(x), &t) < 0 &&
         X509_cmp_time(X509_get0_notAfter(x), &t) > 0;
}

bool ia_chain3_verify(const ia_chain3 *c, uint64_t now, ia_err *e)
{
  for (int i = 0; i < IA_QUOTE_CERTS; i++) {
    X509 *x = c->cert[i], *by = c->cert[i == ROOT ? ROOT : i + 1];

    if (!is_p256(x))
      return ia_fail(e, IA_E_CHAIN, "%s certificate: not ECDSA P-256 with SHA-256", place[i]);
    if (!in_force(x, now))
      return ia_fail(e, IA_E_CHAIN, "%s certificate: not in force", place[i]);
    if (X509_NAME_cmp(X509_get_issuer_name(x), X509_get_subject_name(by)) != 0 ||
        X509_verify(x, X509_get0_pubkey(by)) != 1)
      return ia_fail(e, IA_E_CHAIN, "%s certificate: not signed by the next", place[i]);
    if ((i != LEAF) != (X509_check_ca(x) == 1))
      return ia_fail(e, IA_E_CHAIN, "%s certificate: CA bit is wrong", place[i]);
  }
  return true;
}

static bool is_oid(X509_EXTENSION *x, const char *oid)
{
  char text[80] = {0};

  return oid && OBJ_obj2txt(text, sizeof(text), X509_EXTENSION_get_object(x), 1) > 0 &&
         strcmp(text, oid) == 0;
}

static bool critical_known(const X509 *x, const char *allowed)
{
  for (int k = 0; k < X509_get_ext_count(x); k++) {
    X509_EXTENSION *ext = X509_get_ext(x, k);
    int nid = OBJ_obj2nid(X509_EXTENSION_get_object(ext));

    if (X509_EXTENSION_get_critical(ext) && nid != NID_basic_constraints && nid != NID_key_usage &&
        !is_oid(ext, allowed))
      return false;
  }
  return true;
}

bool ia_chain3_critical_known(const ia_chain3 *c, const char *allowed, ia_err *e)
{
  for (int i = 0; i < IA_QUOTE_CERTS; i++)
    if (!critical_known(c->cert[i], allowed))
      return ia_fail(e, IA_E_CHAIN, "%s certificate: unknown critical extension", place[i]);
  return true;
}

static bool has(const X509 *x, const char *oid, int critical)
{
  for (int k = 0; k < X509_get_ext_count(x); k++) {
    X509_EXTENSION *ext = X509_get_ext(x, k);

    if (is_oid(ext, oid))
      return critical < 0 || X509_EXTENSION_get_critical(ext) == critical;
  }
  return false;
}

bool ia_chain3_all_have(const ia_chain3 *c, const char *oid, bool critical, ia_err *e)
{
  for (int i = 0; i < IA_QUOTE_CERTS; i++)
    if (!has(c->cert[i], oid, critical ? 1 : 0))
      return ia_fail(e, IA_E_CHAIN, "%s certificate: no extension %s", place[i], oid);
  return true;
}

bool ia_chain3_leaf_has(const ia_chain3 *c, const char *oid, ia_err *e)
{
  if (!has(c->cert[LEAF], oid, -1))
    return ia_fail(e, IA_E_CHAIN, "leaf certificate: no extension %s", oid);
  return true;
}
