/* Reading sealed data anywhere without holding it: CBC opens at any block, given the one before. */
#include "base/hex.h"
#include "crypto/cbc.h"
#include "data/cipher.h"

enum { BLOCK = 16 };

struct ia_data_view {
  uint8_t raw[BLOCK + IA_CHUNK + BLOCK]; /* ciphertext being opened */
  ia_blob sealed;
  ia_secret key;
  uint64_t size; /* of the plain bytes */
  ia_buf chunk;  /* plain bytes from `at` */
  uint64_t at;
  bool filled;
};

/* Plain bytes of whole blocks from offset `at` on, n of ciphertext; the last of all are unpadded.
 * The block before them stands at `at` in the file, since the IV stands in front. */
static bool decrypt(ia_data_view *v, ia_buf *out, uint64_t at, size_t n, ia_err *e)
{
  IA_AUTO(ia_cbc) *cbc = NULL;
  bool last = at + BLOCK + n == v->sealed.size;
  /* the cipher keeps the last block back, which may be the padding: one more makes it give all */
  size_t all = BLOCK + n + (last ? 0 : BLOCK);

  return ia_blob_read(&v->sealed, at, v->raw, all, e) &&
         ia_cbc_new(&cbc, IA_CBC_DECRYPT, ia_secret_view(&v->key), v->raw, e) &&
         ia_cbc_update(cbc, out, ia_span_of(v->raw + BLOCK, all - BLOCK), e) &&
         (!last || ia_cbc_final(cbc, out, e)) && ia_buf_ok(out, e);
}

static bool fill(ia_data_view *v, uint64_t at, ia_err *e)
{
  uint64_t left = v->sealed.size - BLOCK - at;

  v->filled = false;
  ia_buf_clear(&v->chunk);
  if (!decrypt(v, &v->chunk, at, left < IA_CHUNK ? (size_t)left : IA_CHUNK, e))
    return false;
  v->at = at;
  v->filled = true;
  return true;
}

static bool read_at(void *ctx, uint64_t at, void *out, size_t n, ia_err *e)
{
  ia_data_view *v = ctx;

  for (uint8_t *to = out; n > 0;) {
    uint64_t start = at - at % IA_CHUNK;

    if ((!v->filled || v->at != start) && !fill(v, start, e))
      return false;
    size_t skip = (size_t)(at - start);
    if (skip >= v->chunk.len)
      return ia_fail(e, IA_E_CORRUPT, "the file changed while it was read");
    size_t take = v->chunk.len - skip < n ? v->chunk.len - skip : n;
    memcpy(to, v->chunk.ptr + skip, take);
    to += take;
    at += take;
    n -= take;
  }
  return true;
}

/* The last block says how long the plain bytes are. */
static bool measure(ia_data_view *v, ia_err *e)
{
  IA_AUTOV(ia_buf) end = {.secret = true};
  uint64_t before = v->sealed.size - 2 * BLOCK; /* plain bytes in the blocks before the last */

  if (!decrypt(v, &end, before, BLOCK, e))
    return false;
  v->size = before + end.len;
  return true;
}

bool ia_data_view_open(ia_data_view **out, const ia_blob *sealed, const ia_secret *key,
                       const ia_h256 *checksum, ia_err *e)
{
  IA_AUTO(ia_data_view) *v = calloc(1, sizeof(*v));

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "no memory to decrypt");
  v->sealed = *sealed;
  v->chunk.secret = true;
  if (!ia_data_sealed_check(sealed, checksum, e) ||
      !ia_secret_copy(&v->key, ia_secret_view(key), e) || !measure(v, e))
    return false;
  *out = ia_steal(&v);
  return true;
}

void ia_data_view_free(ia_data_view *v)
{
  if (!v)
    return;
  ia_secret_free(&v->key);
  ia_buf_free(&v->chunk);
  free(v);
}

ia_blob ia_data_view_blob(ia_data_view *v)
{
  return (ia_blob){read_at, v, v->size};
}
