/* Result archives: manifest, plain zip, sealed zip. */
#include "data/result.h"

#include <sys/mman.h>

#include "base/random.h"
#include "crypto/sha.h"
#include "data/cipher.h"
#include "data/result_internal.h"
#include "data/zip_internal.h"

#define KEY_NAME  "aes-key.rsa"
#define BODY_NAME "iexec_out.zip.aes"

enum {
  KEY_MAX = 1024, /* an RSA block of 8192 bits */
  SIZE_LEAST = 4 << 10,
  SIZE_STEP = 1 << 20, /* doubled up to here, multiples of it beyond */
};

static bool manifest_file(ia_sha *sha, const ia_tree *t, size_t i, ia_err *e)
{
  ia_autoclose int fd = -1;
  ia_blob blob;
  ia_h256 h;

  if (!ia_tree_file_open(&fd, &blob, t, i, e) || !ia_blob_sha256(&h, &blob, e))
    return false;
  return ia_manifest_add(sha, ia_span_str(t->file[i].path), t->file[i].size, &h, e);
}

bool ia_manifest_hash(ia_h256 *out, const ia_tree *t, const ia_secret *blind, bool simulated,
                      ia_err *e)
{
  IA_AUTO(ia_sha) *sha = NULL;

  if (!ia_sha_new(&sha, IA_SHA256, e) || !ia_manifest_begin(sha, blind, simulated, e))
    return false;
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

static bool zip_files(ia_zip_writer *w, const ia_tree *t, ia_err *e)
{
  for (size_t i = 0; i < t->n; i++)
    if (!zip_file(w, t, i, e))
      return false;
  return true;
}

bool ia_result_zip(const ia_tree *t, ia_sink to, ia_err *e)
{
  IA_AUTO(ia_zip_writer) *w = NULL;

  return ia_zip_writer_new(&w, to, e) && zip_files(w, t, e) && ia_zip_finish(w, e);
}

/* -- sealing -- */
uint64_t ia_sealed_size(uint64_t n)
{
  uint64_t size = SIZE_LEAST;

  while (size < n && size < SIZE_STEP)
    size *= 2;
  return size >= n ? size : (n + SIZE_STEP - 1) / SIZE_STEP * SIZE_STEP;
}

/* Where the bytes of a sealed object go. */
typedef struct layout {
  uint64_t total; /* of the object */
  uint64_t plain; /* bytes to encrypt: the most that this total holds */
  uint16_t extra; /* of the extra field; 0, or at least its own header of 4 */
} layout;

/* For at least `least` plain bytes. body = IV || CBC with PKCS#7: 16 + 16 * (plain / 16 + 1). */
static layout layout_of(const ia_rsa *receiver, uint64_t least)
{
  uint64_t fixed = 2 * (IA_ZIP_LOCAL_SIZE + IA_ZIP_CENTRAL_SIZE) + IA_ZIP_END_SIZE +
                   2 * (sizeof(KEY_NAME) - 1 + sizeof(BODY_NAME) - 1) + ia_rsa_bytes(receiver);
  uint16_t extra = (uint16_t)((16 - fixed % 16) % 16);

  if (extra > 0 && extra < 4)
    extra += 16;
  fixed += extra;
  uint64_t total = ia_sealed_size(fixed + 16 + 16 * (least / 16 + 1));
  return (layout){.total = total, .plain = total - fixed - 17, .extra = extra};
}

/* produce writes exactly layout_of(..).plain bytes. */
static bool seal(const ia_rsa *receiver, bool (*produce)(void *ctx, ia_sink to, ia_err *e),
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
  if (!ia_secret_random(&key, IA_DATA_KEY, e) ||
      !ia_rsa_encrypt(&sealed_key, receiver, ia_secret_view(&key), e) ||
      !ia_data_writer_new(&cipher, ia_sink_fd(&fd), &key, NULL, e) ||
      !produce(ctx, ia_data_writer_sink(cipher), e) || !ia_data_writer_end(cipher, NULL, NULL, e) ||
      !ia_blob_fd(&body, fd, e))
    return false;
  const layout l = layout_of(receiver, body.size - 17);
  if (body.size != l.plain + 17)
    return ia_fail(e, IA_E_INTERNAL, "a result of %llu bytes is not padded",
                   (unsigned long long)body.size);
  return ia_zip_writer_new(&zip, to, e) &&
         ia_zip_add_stored(zip, KEY_NAME, ia_blob_mem(ia_buf_view(&sealed_key)), e) &&
         ia_zip_add_stored_extra(zip, BODY_NAME, body, l.extra, e) && ia_zip_finish(zip, e);
}

/* The blind, then zeroes. */
static bool read_blind(void *ctx, uint64_t at, void *out, size_t n, ia_err *e IA_UNUSED)
{
  const ia_secret *blind = ctx;

  memset(out, 0, n);
  if (at < blind->len)
    memcpy(out, blind->ptr + at, n < blind->len - at ? n : blind->len - (size_t)at);
  return true;
}

struct archive {
  const ia_rsa *receiver;
  const ia_tree *tree;
  const ia_secret *blind;
};

static bool write_archive(void *ctx, ia_sink to, ia_err *e)
{
  const struct archive *a = ctx;
  ia_secret view = *a->blind; /* borrowed: the blob's context is not const */
  ia_blob blind = {.read_at = read_blind, .ctx = &view};
  IA_AUTO(ia_zip_writer) *w = NULL;

  if (!ia_zip_writer_new(&w, to, e) || !zip_files(w, a->tree, e))
    return false;
  uint64_t rest = ia_zip_size_with(w, IA_BLIND_FILE);
  blind.size = layout_of(a->receiver, rest + IA_BLIND_BYTES).plain - rest;
  return ia_zip_add_stored(w, IA_BLIND_FILE, blind, e) && ia_zip_finish(w, e);
}

bool ia_result_seal_tree(const ia_rsa *receiver, const ia_tree *t, const ia_secret *blind,
                         ia_sink to, ia_err *e)
{
  struct archive a = {receiver, t, blind};

  if (blind->len != IA_BLIND_BYTES)
    return ia_fail(e, IA_E_INTERNAL, "a blind has %d bytes", IA_BLIND_BYTES);
  for (size_t i = 0; i < t->n; i++)
    if (ia_result_reserved(t->file[i].path))
      return ia_fail(e, IA_E_BAD_OUTPUT, "the name %s is reserved", IA_BLIND_FILE);
  return seal(receiver, write_archive, &a, to, e);
}

struct text {
  const ia_rsa *receiver;
  ia_span text;
};

static bool write_text(void *ctx, ia_sink to, ia_err *e)
{
  static const char blanks[] = "                                                                ";
  const struct text *t = ctx;
  uint64_t left = layout_of(t->receiver, t->text.len).plain - t->text.len;

  if (!ia_sink_write(to, t->text, e))
    return false;
  while (left > 0) {
    size_t n = left < sizeof(blanks) - 1 ? (size_t)left : sizeof(blanks) - 1;

    if (!ia_sink_write(to, ia_span_of(blanks, n), e))
      return false;
    left -= n;
  }
  return true;
}

bool ia_result_seal_json(const ia_rsa *receiver, ia_span text, ia_sink to, ia_err *e)
{
  struct text t = {receiver, text};

  return seal(receiver, write_text, &t, to, e);
}

/* -- opening -- */
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
