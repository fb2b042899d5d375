/* JSON input of `iapp protect`: what is accepted makes an archive that the strict reader opens. */
#include "data/node.h"
#include "data/zip.h"

int ia_fuzz_protect_json(const uint8_t *data, size_t size);

int ia_fuzz_protect_json(const uint8_t *data, size_t size)
{
  IA_AUTO(ia_node) *top = NULL;
  IA_AUTO(ia_zip) *zip = NULL;
  IA_AUTOV(ia_buf) schema = {0}, bytes = {0};
  ia_err e = {0};

  if (!ia_node_from_json(&top, ia_span_of(data, size), &e))
    return 0;
  if (!ia_node_schema(&schema, top, &e) || !ia_node_zip(top, ia_sink_buf(&bytes), &e))
    return 0;
  if (!ia_zip_open(&zip, ia_blob_mem(ia_buf_view(&bytes)), IA_ZIP_PROTECTED, &e))
    abort();
  return 0;
}
