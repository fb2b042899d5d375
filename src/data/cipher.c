/* AES-256-CBC with the IV in front, streaming. */
#include "data/cipher.h"

#include "base/hex.h"
#include "base/random.h"
#include "crypto/cbc.h"
#include "crypto/sha.h"

struct ia_data_writer {
  ia_sink to;
  ia_cbc *cbc;
  ia_sha *sha;
  ia_buf out;
  uint64_t size;
};

bool ia_data_key_parse(ia_secret *key, ia_span base64, ia_err *e)
{
  IA_AUTOV(ia_buf) raw = {.secret = true, .cap = 1024};

  if (!ia_unbase64(&raw, base64) || raw.len != IA_DATA_KEY)
    return ia_fail(e, IA_E_BAD_KEY,
                   "not a valid encryption key (must be base64 encoded 256 bits key)");
  return ia_secret_copy(key, ia_buf_view(&raw), e);
}

/* Ciphertext on its way: hashed, counted, passed on. */
static bool pass(ia_data_writer *w, ia_span data, ia_err *e)
{
  ia_sha_update(w->sha, data);
  w->size += data.len;
  return ia_sink_write(w->to, data, e);
}

bool ia_data_writer_new(ia_data_writer **out, ia_sink to, const ia_secret *key, const uint8_t *iv,
                        ia_err *e)
{
  IA_AUTO(ia_data_writer) *w = calloc(1, sizeof(*w));
  uint8_t fresh[IA_DATA_IV];

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "no memory to encrypt");
  w->to = to;
  if (!iv && !ia_random(fresh, sizeof(fresh), e))
    return false;
  if (!iv)
    iv = fresh;
  if (!ia_cbc_new(&w->cbc, IA_CBC_ENCRYPT, ia_secret_view(key), iv, e) ||
      !ia_sha_new(&w->sha, IA_SHA256, e) || !pass(w, ia_span_of(iv, IA_DATA_IV), e))
    return false;
  *out = ia_steal(&w);
  return true;
}

void ia_data_writer_free(ia_data_writer *w)
{
  if (!w)
    return;
  ia_cbc_free(w->cbc);
  ia_sha_free(w->sha);
  ia_buf_free(&w->out);
  free(w);
}

static bool writer_write(void *ctx, ia_span data, ia_err *e)
{
  ia_data_writer *w = ctx;

  while (data.len > 0) {
    ia_span part;

    if (!ia_span_take(&data, data.len < IA_CHUNK ? data.len : IA_CHUNK, &part))
      return false;
    ia_buf_clear(&w->out);
    if (!ia_cbc_update(w->cbc, &w->out, part, e) || !pass(w, ia_buf_view(&w->out), e))
      return false;
  }
  return true;
}

ia_sink ia_data_writer_sink(ia_data_writer *w)
{
  return (ia_sink){writer_write, w};
}

bool ia_data_writer_end(ia_data_writer *w, ia_h256 *checksum, uint64_t *size, ia_err *e)
{
  ia_h256 sum;

  ia_buf_clear(&w->out);
  if (!ia_cbc_final(w->cbc, &w->out, e) || !pass(w, ia_buf_view(&w->out), e) ||
      !ia_sha_final(w->sha, sum.b, e))
    return false;
  if (checksum)
    *checksum = sum;
  if (size)
    *size = w->size;
  return true;
}

static bool sha_write(void *ctx, ia_span data, ia_err *e IA_UNUSED)
{
  ia_sha_update(ctx, data);
  return true;
}

bool ia_blob_sha256(ia_h256 *out, const ia_blob *b, ia_err *e)
{
  IA_AUTO(ia_sha) *sha = NULL;

  return ia_sha_new(&sha, IA_SHA256, e) && ia_blob_copy(b, (ia_sink){sha_write, sha}, e) &&
         ia_sha_final(sha, out->b, e);
}

static bool decrypt_from(ia_sink to, const ia_blob *sealed, ia_cbc *cbc, ia_err *e)
{
  IA_AUTOV(ia_buf) plain = {.secret = true};
  ia_autofree uint8_t *chunk = malloc(IA_CHUNK);

  if (!chunk)
    return ia_fail(e, IA_E_MEMORY, "no memory to decrypt");
  for (uint64_t at = IA_DATA_IV; at < sealed->size;) {
    size_t n = sealed->size - at < IA_CHUNK ? (size_t)(sealed->size - at) : IA_CHUNK;

    ia_buf_clear(&plain);
    if (!ia_blob_read(sealed, at, chunk, n, e) ||
        !ia_cbc_update(cbc, &plain, ia_span_of(chunk, n), e) ||
        !ia_sink_write(to, ia_buf_view(&plain), e))
      return false;
    at += n;
  }
  ia_buf_clear(&plain);
  return ia_cbc_final(cbc, &plain, e) && ia_sink_write(to, ia_buf_view(&plain), e);
}

bool ia_data_sealed_check(const ia_blob *sealed, const ia_h256 *checksum, ia_err *e)
{
  ia_h256 sum;

  if (checksum) {
    if (!ia_blob_sha256(&sum, sealed, e))
      return false;
    if (!ia_h256_eq(&sum, checksum))
      return ia_fail(e, IA_E_BAD_CHECKSUM, "the checksum is %s", ia_h256_text(&sum).s);
  }
  if (sealed->size < IA_DATA_IV + 16 || sealed->size % 16 != 0)
    return ia_fail(e, IA_E_BAD_LENGTH, "%llu bytes are not an IV and whole blocks",
                   (unsigned long long)sealed->size);
  return true;
}

bool ia_data_decrypt(ia_sink to, const ia_blob *sealed, const ia_secret *key,
                     const ia_h256 *checksum, ia_err *e)
{
  IA_AUTO(ia_cbc) *cbc = NULL;
  uint8_t iv[IA_DATA_IV];

  return ia_data_sealed_check(sealed, checksum, e) && ia_blob_read(sealed, 0, iv, sizeof(iv), e) &&
         ia_cbc_new(&cbc, IA_CBC_DECRYPT, ia_secret_view(key), iv, e) &&
         decrypt_from(to, sealed, cbc, e);
}
