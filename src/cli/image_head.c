/* Documents at the head of an archive. */
#include "cli/image_head.h"

#include "client/to_blobs.h"
#include "crypto/sha.h"
#include "image/tar.h"

enum { HEAD_MAX = 512 << 10, DOCUMENTS = 8 };

typedef struct head {
  ia_span left;
  ia_buf documents[DOCUMENTS];
  size_t n;
} head;

static void head_free(head *h)
{
  for (size_t i = 0; i < h->n; i++)
    ia_buf_free(&h->documents[i]);
}
IA_DEFINE_AUTO_VALUE(head, head_free)

static bool read_head(void *arg, void *buf, size_t room, size_t *n, ia_err *e IA_UNUSED)
{
  head *h = arg;

  *n = h->left.len < room ? h->left.len : room;
  if (*n > 0)
    memcpy(buf, h->left.ptr, *n);
  h->left = ia_span_of(h->left.ptr + *n, h->left.len - *n);
  return true;
}

/* One whole member; false where the head ends inside it. */
static bool read_member(ia_buf *out, ia_tar *t, uint64_t size)
{
  uint8_t piece[4096];
  size_t n = 1;

  while (n > 0) {
    if (!ia_tar_read(t, piece, sizeof(piece), &n, NULL))
      return false;
    ia_buf_put(out, piece, n);
  }
  return ia_buf_ok(out, NULL) && out->len == size;
}

/* The files before the first that is too large to be a document. */
static void read_documents(head *h)
{
  IA_AUTO(ia_tar) *t = NULL;
  ia_autofree ia_tar_entry *en = calloc(1, sizeof(*en));
  bool end = false;

  if (!en || !ia_tar_open(&t, read_head, h, NULL))
    return;
  while (h->n < DOCUMENTS && ia_tar_next(t, en, &end, NULL) && !end) {
    if (en->type != IA_TAR_FILE)
      continue;
    h->documents[h->n] = (ia_buf){.cap = HEAD_MAX};
    if (!read_member(&h->documents[h->n++], t, en->size))
      return;
  }
}

static bool find(ia_span *out, const head *h, const ia_h256 *digest, ia_err *e)
{
  for (size_t i = 0; i < h->n; i++) {
    ia_h256 have;

    *out = ia_buf_view(&h->documents[i]);
    ia_sha256(&have, *out);
    if (ia_h256_eq(&have, digest))
      return true;
  }
  return ia_fail(e, IA_E_NOT_FOUND, "the image's archive does not begin with its documents");
}

bool ia_image_head(ia_oci_config **out, const ia_net *net, const ia_h256 *digest,
                   const char *multiaddr, ia_err *e)
{
  ia_autofree ia_oci_manifest *m = calloc(1, sizeof(*m));
  IA_AUTOV(ia_buf) bytes = {.cap = HEAD_MAX};
  IA_AUTOV(head) h = {0};
  ia_span text;
  bool index;
  ia_oci_desc at = {.digest = *digest};

  if (!m)
    return ia_fail(e, IA_E_MEMORY, "image");
  if (!ia_to_blobs_head(net, &bytes, multiaddr, HEAD_MAX, e))
    return false;
  h.left = ia_buf_view(&bytes);
  read_documents(&h);
  for (unsigned depth = 0;; depth++) {
    if (!find(&text, &h, &at.digest, e) || !ia_oci_is_index(&index, text, e))
      return false;
    if (!index)
      break;
    if (depth == IA_OCI_INDEX_DEPTH)
      return ia_fail(e, IA_E_IMAGE_REFUSED, "an index of too many indexes");
    if (!ia_oci_index_pick(&at, text, NULL, e))
      return false;
  }
  return ia_oci_manifest_parse(m, text, e) && find(&text, &h, &m->config.digest, e) &&
         ia_oci_config_parse(out, text, e);
}
