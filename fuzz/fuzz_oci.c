/* Image JSON: every decoder takes the same bytes. */
#include "image/oci.h"

int ia_fuzz_oci(const uint8_t *data, size_t size);

int ia_fuzz_oci(const uint8_t *data, size_t size)
{
  ia_span in = ia_span_of(data, size);
  IA_AUTO(ia_oci_config) *config = NULL;
  IA_AUTOV(ia_oci_docker) docker = {0};
  static ia_oci_manifest manifest;
  ia_oci_desc desc;
  ia_err e;
  bool index;

  (void)!ia_oci_layout_check(in, &e);
  (void)!ia_oci_index_pick(&desc, in, NULL, &e);
  (void)!ia_oci_index_pick(&desc, in, "a", &e);
  (void)!ia_oci_is_index(&index, in, &e);
  (void)!ia_oci_manifest_parse(&manifest, in, &e);
  (void)!ia_oci_config_parse(&config, in, &e);
  (void)!ia_oci_docker_parse(&docker, in, NULL, &e);
  return 0;
}
