/* Frames: what is taken encodes back to the same bytes. */
#include "base/frame.h"

int ia_fuzz_frame(const uint8_t *data, size_t size);

int ia_fuzz_frame(const uint8_t *data, size_t size)
{
  ia_span in = ia_span_of(data, size);
  IA_AUTOV(ia_buf) b = {0};
  ia_frame f;
  bool whole = true;

  while (whole) {
    ia_span before = in;

    if (!ia_frame_take(&in, &f, &whole, NULL) || !whole)
      return 0;
    ia_buf_clear(&b);
    ia_frame_put(&b, f.type, f.stream, f.payload);
    if (!ia_span_eq(ia_buf_view(&b), ia_span_of(before.ptr, before.len - in.len)))
      abort();
  }
  return 0;
}
