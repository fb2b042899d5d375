/* Tag bits of orders and deals (bytes32, bit 0 = least significant bit of byte 31). */
#ifndef IA_POCO_TAG_H
#define IA_POCO_TAG_H

#include "base/err.h"
#include "base/span.h"
#include "base/types.h"

enum {
  IA_TAG_TEE = 1 << 0,
  IA_TAG_SCONE = 1 << 1,
  IA_TAG_GRAMINE = 1 << 2,
  IA_TAG_TDX = 1 << 3,
  IA_TAG_FRAMEWORKS = IA_TAG_SCONE | IA_TAG_GRAMINE | IA_TAG_TDX,
  IA_TAG_GPU = 1 << 8
};

/* The low 16 bits hold every bit that has a name today. */
static inline uint32_t ia_tag_low(const ia_h256 *tag)
{
  return (uint32_t)tag->b[31] | (uint32_t)tag->b[30] << 8;
}

ia_h256 ia_tag_of(uint32_t low_bits);
bool ia_tag_has(const ia_h256 *tag, uint32_t low_bits);
/* tee with exactly one of scone, gramine, tdx: the only tags for which a key is ever released. */
bool ia_tag_one_framework(const ia_h256 *tag);
/* "tee,tdx" -> tag; names are tee, scone, gramine, tdx, gpu; "" or "none" = zero. */
IA_MUST bool ia_tag_parse(ia_h256 *tag, ia_span names, ia_err *e);
/* Writes the names of the set bits, comma-separated, into out (>= 64 bytes). */
void ia_tag_names(const ia_h256 *tag, char out[64]);
/* a | b, and whether every bit of `need` is in `have`. */
ia_h256 ia_tag_or(const ia_h256 *a, const ia_h256 *b);
bool ia_tag_within(const ia_h256 *need, const ia_h256 *have);

#endif
