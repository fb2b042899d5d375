/* CID texts, binary CIDs, multiaddrs and dag-pb blocks. */
#include <stdint.h>

#include "crypto/unixfs.h"

int ia_fuzz_cid(const uint8_t *p, size_t n);

int ia_fuzz_cid(const uint8_t *p, size_t n)
{
  ia_dag_link links[IA_DAG_LINKS];
  ia_span in = ia_span_of(p, n), data;
  IA_AUTOV(ia_buf) again = {0};
  size_t n_links;
  ia_cid c;
  ia_err e;

  if (ia_cid_parse(&c, in, &e)) {
    /* what was read must be written and read again to the same */
    ia_cid_text t = ia_cid_format(&c);
    ia_cid d;

    if (!ia_cid_parse(&d, ia_span_str(t.s), &e) || !ia_h256_eq(&c.hash, &d.hash))
      abort();
  }
  if (ia_cid_from_bytes(&c, in, &e)) {
    ia_cid_bytes(&again, &c);
    if (!ia_span_eq(ia_buf_view(&again), in))
      abort();
  }
  (void)!ia_cid_from_multiaddr(&c, in, &e);
  (void)!ia_dag_parse(in, &data, links, &n_links, &e);
  return 0;
}
