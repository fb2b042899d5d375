/* A stored layer: decompression, tar, and the rules that need no file system. */
#include "image/unpack.h"

int ia_fuzz_layer(const uint8_t *data, size_t size);

static bool from_span(void *arg, void *buf, size_t room, size_t *n, ia_err *e)
{
  ia_span *left = arg, piece;

  *n = room < left->len ? room : left->len;
  if (!ia_span_take(left, *n, &piece))
    return ia_fail(e, IA_E_INTERNAL, "source");
  if (*n > 0)
    memcpy(buf, piece.ptr, *n);
  return true;
}

int ia_fuzz_layer(const uint8_t *data, size_t size)
{
  ia_span left = ia_span_of(data, size);
  ia_oci_desc desc = {.kind = IA_OCI_LAYER, .size = size};
  ia_oci_limits limits = ia_oci_limits_default();
  ia_oci_usage usage = {0};
  ia_h256 tar;
  ia_err e;

  limits.unpacked = 16 << 20;
  (void)!ia_oci_layer_apply(-1, &desc, NULL, from_span, &left, &limits, &usage, &tar, &e);
  return 0;
}
