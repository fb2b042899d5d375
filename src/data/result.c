/* Result archives: manifest, plain zip, sealed zip. */
#include "data/result.h"

#include <sys/mman.h>

#include "base/random.h"
#include "crypto/sha.h"
#include "data/cipher.h"
#include "data/zip.h"

#define KEY_NAME  "aes-key.rsa"
#define BODY_NAME "iexec_out.zip.aes"

enum { KEY_MAX = 1024 }; /* an RSA block of 8192 bits */

static bool manifest_file(ia_sha *sha, const ia_tree *t, size_t i, ia_err *e)
{
  ia_autoclose int fd = -1;
  IA_AUTOV(ia_buf) b = {0};
  ia_blob blob;
  ia_h256 h;

  if (!ia_tree_file_open(&fd, &blob, t, i, e) || !ia_blob_sha256(&h, &blob, e))
    return false;
  ia_buf_lp_str(&b, t->file[i].path);
  ia_buf_u64be(&b, t->file[i].size);
  ia_buf_put(&b, h.b, sizeof(h.b));
  ia_sha_update(sha, ia_buf_view(&b));
  return ia_buf_ok(&b, e);
}

bool ia_manifest_hash(ia_h256 *out, const ia_tree *t, bool simulated, ia_err *e)
{
  IA_AUTO(ia_sha) *sha = NULL;
  IA_AUTOV(ia_buf) label = {0};

  ia_buf_lp_str(&label, simulated ? "iapp-manifest-SIM/v1" : "iapp-manifest/v1");
  if (!ia_buf_ok(&label, e) || !ia_sha_new(&sha, IA_SHA256, e))
    return false;
  ia_sha_update(sha, ia_buf_view(&label));
  for (size_t i = 0; i < t->n; i++)
    if (!manifest_file(sha, t, i, e))
      return false;
  return ia_sha_final(sha, out->b, e);
}

static bool hex_digit(char c)
{
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f');
}

void ia_result_entry_name(ia_buf *out, const char *path)
{
  bool utf8 = ia_utf8_valid(ia_span_str(path));

  for (const char *p = path; *p; p++) {
    unsigned char c = (unsigned char)*p;
    bool escape = c < 0x20 || c == 0x7f || c == '\\' || (c >= 0x80 && !utf8) ||
                  (c == '%' && hex_digit(p[1]) && hex_digit(p[2]));

    if (escape)
      ia_buf_printf(out, "%%%02X", c);
    else
      ia_buf_u8(out, c);
  }
}

static bool zip_file(ia_zip_writer *w, const ia_tree *t, size_t i, ia_err *e)
{
  ia_autoclose int fd = -1;
  IA_AUTOV(ia_buf) name = {.cap = UINT16_MAX};
  ia_blob blob;

  ia_result_entry_name(&name, t->file[i].path);
  ia_buf_u8(&name, 0);
  return ia_buf_ok(&name, e) && ia_tree_file_open(&fd, &blob, t, i, e) &&
         ia_zip_add_deflated(w, (const char *)name.ptr, blob, e);
}

bool ia_result_zip(const ia_tree *t, ia_sink to, ia_err *e)
{
  IA_AUTO(ia_zip_writer) *w = NULL;

  if (!ia_zip_writer_new(&w, to, e))
    return false;
  for (size_t i = 0; i < t->n; i++)
    if (!zip_file(w, t, i, e))
      return false;
  return ia_zip_finish(w, e);
}

bool ia_result_encrypt(const ia_rsa *receiver, bool (*produce)(void *ctx, ia_sink to, ia_err *e),
                       void *ctx, ia_sink to, ia_err *e)
{
  IA_AUTOV(ia_secret) key = {0};
  IA_AUTOV(ia_buf) sealed_key = {0};
  IA_AUTO(ia_data_writer) *cipher = NULL;
  IA_AUTO(ia_zip_writer) *zip = NULL;
  ia_blob body;
  ia_autoclose int fd = memfd_create("result", MFD_CLOEXEC);

  if (fd < 0)
    return ia_fail_errno(e, "memory for the result");
  return ia_secret_random(&key, IA_DATA_KEY, e) &&
         ia_rsa_encrypt(&sealed_key, receiver, ia_secret_view(&key), e) &&
         ia_data_writer_new(&cipher, ia_sink_fd(&fd), &key, NULL, e) &&
         produce(ctx, ia_data_writer_sink(cipher), e) &&
         ia_data_writer_end(cipher, NULL, NULL, e) && ia_blob_fd(&body, fd, e) &&
         ia_zip_writer_new(&zip, to, e) &&
         ia_zip_add_stored(zip, KEY_NAME, ia_blob_mem(ia_buf_view(&sealed_key)), e) &&
         ia_zip_add_stored(zip, BODY_NAME, body, e) && ia_zip_finish(zip, e);
}

static bool copy_blob(void *ctx, ia_sink to, ia_err *e)
{
  return ia_blob_copy(ctx, to, e);
}

bool ia_result_encrypt_blob(const ia_rsa *receiver, const ia_blob *plain, ia_sink to, ia_err *e)
{
  ia_blob copy = *plain;

  return ia_result_encrypt(receiver, copy_blob, &copy, to, e);
}

static const ia_zip_entry *part(const ia_zip *z, const char *name)
{
  const ia_zip_entry *t = ia_zip_count(z) == 2 ? ia_zip_find(z, name) : NULL;

  return t && !t->folder ? t : NULL;
}

bool ia_result_is_encrypted(const ia_blob *file)
{
  IA_AUTO(ia_zip) *z = NULL;

  return ia_zip_open(&z, *file, 0, NULL) && part(z, KEY_NAME) && part(z, BODY_NAME);
}

/* Feeds a zip entry through the cipher: the IV comes first, and the rest in any pieces. A deflated
 * body is written to memory first, since decryption reads anywhere. */
static bool unseal(ia_sink to, const ia_blob *file, const ia_rsa *key)
{
  IA_AUTO(ia_zip) *z = NULL;
  IA_AUTOV(ia_buf) sealed_key = {.cap = KEY_MAX};
  IA_AUTOV(ia_secret) aes = {0};
  ia_blob body;
  ia_autoclose int fd = memfd_create("result", MFD_CLOEXEC);

  if (fd < 0 || !ia_zip_open(&z, *file, 0, NULL))
    return false;
  const ia_zip_entry *k = part(z, KEY_NAME), *b = part(z, BODY_NAME);
  return k && b && ia_zip_read(z, k, &sealed_key, NULL) &&
         ia_rsa_decrypt(&aes, key, ia_buf_view(&sealed_key), NULL) && aes.len == IA_DATA_KEY &&
         ia_zip_extract(z, b, ia_sink_fd(&fd), NULL) && ia_blob_fd(&body, fd, NULL) &&
         ia_data_decrypt(to, &body, &aes, NULL, NULL);
}

bool ia_result_decrypt(ia_sink to, const ia_blob *file, const ia_rsa *key, ia_err *e)
{
  return unseal(to, file, key) ||
         ia_fail(e, IA_E_RESULT_UNREADABLE, "the result cannot be opened with this key");
}
