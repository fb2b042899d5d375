#include "tee/hw.h"

#include "tee/chain.h"

/* Intel's quoting enclave (DCAP quote header). */
static const uint8_t intel_qe[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
                                     0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};
/* SHA-256 of the DER of "Intel SGX Root CA". */
static const ia_h256 intel_root = {{0x44, 0xa0, 0x19, 0x6b, 0x2b, 0x99, 0xf8, 0x89,
                                    0xb8, 0xe1, 0x49, 0xe9, 0x5b, 0x80, 0x7a, 0x35,
                                    0x0e, 0x74, 0x24, 0x96, 0x43, 0x99, 0xe8, 0x85,
                                    0xa7, 0xcb, 0xb8, 0xcc, 0xfa, 0xb6, 0x74, 0xd3}};

/* The PCK leaf's extension with FMSPC and TCB. */
#define SGX_EXTENSION_OID "1.2.840.113741.1.13.1"

bool ia_hw_check_vendor(const ia_quote *q, ia_err *e)
{
  if (memcmp(q->qe_vendor, intel_qe, sizeof(intel_qe)) != 0)
    return ia_fail(e, IA_E_QE_VENDOR, "quote: not by Intel's quoting enclave");
  return true;
}

bool ia_hw_check_debug(const ia_quote *q, ia_err *e)
{
  if (q->body_type == IA_QUOTE_BODY_SGX)
    return ia_fail(e, IA_E_HARDWARE_CLASS, "quote: of an SGX enclave, not of a TD");
  if ((q->td.td_attributes & IA_TD_DEBUG_BITS) != 0)
    return ia_fail(e, IA_E_TD_DEBUG, "quote: the TD can be debugged");
  return true;
}

static bool read_chain(ia_chain3 **out, const ia_quote *q, ia_err *e)
{
  ia_span pem;

  return ia_quote_chain(&pem, q, e) && ia_chain3_read(out, pem, e);
}

bool ia_hw_check_extensions(const ia_quote *q, ia_err *e)
{
  IA_AUTO(ia_chain3) *c = NULL;

  return read_chain(&c, q, e) && ia_chain3_critical_known(c, NULL, e) &&
         ia_chain3_leaf_has(c, SGX_EXTENSION_OID, e);
}

bool ia_hw_check_root(const ia_quote *q, ia_err *e)
{
  IA_AUTO(ia_chain3) *c = NULL;
  ia_h256 root;

  if (!read_chain(&c, q, e) || !ia_chain3_root_digest(&root, c, e))
    return false;
  if (!ia_h256_eq(&root, &intel_root))
    return ia_fail(e, IA_E_CHAIN_ROOT, "quote: its root is not Intel's");
  return true;
}

bool ia_hw_verify(hw_evidence *out, ia_span quote, ia_err *e)
{
  ia_quote q;

  *out = (hw_evidence){0};
  if (!ia_quote_parse(&q, quote, e) || !ia_hw_check_vendor(&q, e) || !ia_hw_check_debug(&q, e) ||
      !ia_hw_check_extensions(&q, e) || !ia_hw_check_root(&q, e))
    return false;
  return ia_fail(e, IA_E_UNSUPPORTED,
                 "hardware evidence is not verified by this version: nothing is released");
}
