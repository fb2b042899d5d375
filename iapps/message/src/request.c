/* Secrets and content, all of them hostile. */
#define OPENSSL_API_COMPAT 0x10100000L /* AES alone, without the machinery of providers */
#include "request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <openssl/aes.h>
#include <openssl/crypto.h>

#include "text.h"

enum { SECRET_BYTES = 8192, SUBJECT_UNITS = 78, SENDER_LEAST = 3, SENDER_UNITS = 20 };

#define DEFAULT_SENDER "message@iapp.invalid" /* RFC 2606: nobody's */

static bool because(char why[WHY], const char *text)
{
  (void)snprintf(why, WHY, "%s", text);
  return false;
}

static bool bad_member(char why[WHY], const char *name, const char *what)
{
  (void)snprintf(why, WHY, "Requester secret error: \"%s\" %s", name, what);
  return false;
}

/* One line of text: a control character in it would begin a header of the sender's choice. */
static bool one_line(const char *s)
{
  for (; *s; s++)
    if ((unsigned char)*s < 0x20 || *s == 0x7f)
      return false;
  return true;
}

/* Absent members leave "". */
static bool member(char out[REQUEST_TEXT], const json_t *v, const char *name, size_t least,
                   size_t most, char why[WHY])
{
  const json_t *text = json_object_get(v, name);
  const char *s = json_string_value(text);

  out[0] = '\0';
  if (!text)
    return true;
  if (!s)
    return bad_member(why, name, "must be a string");
  size_t n = json_string_length(text), units = text_utf16_units(s, n);
  if (strlen(s) != n || !one_line(s))
    return bad_member(why, name, "must not hold control characters");
  if (units < least || units > most || n >= REQUEST_TEXT)
    return bad_member(why, name, "has not the right length");
  memcpy(out, s, n + 1);
  return true;
}

static bool content_type(bool *html, const json_t *v, char why[WHY])
{
  const json_t *text = json_object_get(v, "contentType");
  const char *s = json_string_value(text);

  *html = s && strcmp(s, "text/html") == 0;
  return !text || *html || (s && strcmp(s, "text/plain") == 0) ||
         bad_member(why, "contentType", "must be one of [text/plain, text/html]");
}

static bool address(request *r, const json_t *v, char why[WHY])
{
  if (!member(r->address, v, "emailContentMultiAddr", 1, 128, why))
    return false;
  return strncmp(r->address, "/ipfs/", 6) == 0 || strncmp(r->address, "/p2p/", 5) == 0 ||
         bad_member(why, "emailContentMultiAddr", "must be a multiAddr");
}

static bool key(request *r, const json_t *v, char why[WHY])
{
  const char *s = json_string_value(json_object_get(v, "emailContentEncryptionKey"));

  return (s && text_get_base64(r->key, REQUEST_KEY, s)) ||
         bad_member(why, "emailContentEncryptionKey", "must be 32 bytes in base64");
}

bool request_parse(request *r, const char *secret, char why[WHY])
{
  memset(r, 0, sizeof(*r));
  if (!secret || strlen(secret) > SECRET_BYTES)
    return because(why, "Failed to parse requester secret");
  json_t *v = json_loads(secret, JSON_REJECT_DUPLICATES, NULL);
  if (!json_is_object(v)) {
    json_decref(v);
    return because(why, "Failed to parse requester secret");
  }
  r->callback = json_is_true(json_object_get(v, "useCallback"));
  bool ok = member(r->subject, v, "emailSubject", 1, SUBJECT_UNITS, why) &&
            (r->subject[0] || bad_member(why, "emailSubject", "is required")) &&
            address(r, v, why) &&
            member(r->sender, v, "senderName", SENDER_LEAST, SENDER_UNITS, why) &&
            content_type(&r->html, v, why) && key(r, v, why);
  json_decref(v);
  return ok;
}

bool request_sender(char out[REQUEST_TEXT], const char *secret, char why[WHY])
{
  (void)snprintf(out, REQUEST_TEXT, "%s", DEFAULT_SENDER);
  if (!secret || !secret[0])
    return true;
  json_t *v = json_loads(secret, JSON_REJECT_DUPLICATES, NULL);
  if (!json_is_object(v)) {
    json_decref(v);
    return because(why, "Failed to parse the developer secret");
  }
  const char *s = json_string_value(json_object_get(v, "MJ_SENDER"));
  bool ok = s && request_is_email(s, true) && strlen(s) < REQUEST_TEXT;
  if (ok)
    (void)snprintf(out, REQUEST_TEXT, "%s", s);
  else
    (void)because(why, "App secret error: \"MJ_SENDER\" must be a valid email");
  json_decref(v);
  return ok;
}

/* RFC 5321 2.3.11 without quoted strings and address literals; two labels at least, as web3mail. */
static bool is_domain(const char *s)
{
  size_t labels = 0, n;

  if (strlen(s) > 255)
    return false;
  for (;; s += n + 1, labels++) {
    n = strcspn(s, ".");
    if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
      return false;
    for (size_t i = 0; i < n; i++)
      if (strchr("!#$%&'*+/=?^_`{|}~", s[i]))
        return false;
    if (!s[n])
      return labels >= 1;
  }
}

bool request_is_email(const char *text, bool ascii)
{
  const char *at = strchr(text, '@');
  size_t n = strlen(text);

  if (!at || n > 320 || !text_is_utf8(text, n))
    return false;
  for (const char *p = text; *p; p++) {
    unsigned char c = (unsigned char)*p;

    if (c <= 0x20 || c == 0x7f || (c >= 0x80 && ascii) || (p != at && strchr("@()<>[]:;,\\\"", c)))
      return false;
  }
  size_t local = (size_t)(at - text);
  if (local == 0 || local > 64 || text[0] == '.' || at[-1] == '.' || strstr(text, ".."))
    return false;
  return is_domain(at + 1);
}

/* PKCS#7: the last byte says how many bytes of it there are, all alike. */
static bool unpad(const uint8_t *p, size_t *n)
{
  uint8_t pad = p[*n - 1];

  if (pad == 0 || pad > AES_BLOCK_SIZE)
    return false;
  for (size_t i = 0; i < pad; i++)
    if (p[*n - 1 - i] != pad)
      return false;
  *n -= pad;
  return true;
}

bool request_decrypt(char **out, size_t *n, const request *r, const uint8_t *sealed, size_t len,
                     char why[WHY])
{
  uint8_t iv[AES_BLOCK_SIZE];
  AES_KEY aes;

  *out = NULL;
  if (len < 2 * AES_BLOCK_SIZE || len % AES_BLOCK_SIZE != 0 || len > CONTENT_BYTES)
    return because(why, "Failed to decrypt the content");
  *n = len - AES_BLOCK_SIZE;
  char *plain = malloc(*n + 1);
  if (!plain || AES_set_decrypt_key(r->key, 256, &aes) != 0) {
    free(plain);
    return because(why, "Failed to decrypt the content");
  }
  memcpy(iv, sealed, sizeof(iv));
  AES_cbc_encrypt(sealed + AES_BLOCK_SIZE, (uint8_t *)plain, *n, &aes, iv, AES_DECRYPT);
  OPENSSL_cleanse(&aes, sizeof(aes));
  bool ok = unpad((uint8_t *)plain, n) || because(why, "Failed to decrypt the content");
  if (ok && (memchr(plain, 0, *n) || !text_is_utf8(plain, *n)))
    ok = because(why, "The content is not text in UTF-8");
  if (ok && (*n == 0 || text_utf16_units(plain, *n) > CONTENT_UNITS))
    ok = because(why, "The content has not the right length");
  if (!ok) {
    free(plain);
    return false;
  }
  plain[*n] = '\0';
  *out = plain;
  return true;
}
