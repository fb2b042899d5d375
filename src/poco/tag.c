/* Tag bits. */
#include "poco/tag.h"

static const struct tag_name {
  const char *name;
  uint32_t bit;
} names[] = {
    {"tee", IA_TAG_TEE}, {"scone", IA_TAG_SCONE}, {"gramine", IA_TAG_GRAMINE},
    {"tdx", IA_TAG_TDX}, {"gpu", IA_TAG_GPU},
};

ia_h256 ia_tag_of(uint32_t low_bits)
{
  ia_h256 tag = {{0}};

  for (int i = 0; i < 4; i++)
    tag.b[31 - i] = (uint8_t)(low_bits >> (8 * i));
  return tag;
}

bool ia_tag_has(const ia_h256 *tag, uint32_t low_bits)
{
  ia_h256 need = ia_tag_of(low_bits);

  return ia_tag_within(&need, tag);
}

bool ia_tag_one_framework(const ia_h256 *tag)
{
  uint32_t low = ia_tag_low(tag), framework = low & IA_TAG_FRAMEWORKS;

  return (low & IA_TAG_TEE) && framework != 0 && (framework & (framework - 1)) == 0;
}

bool ia_tag_parse(ia_h256 *tag, ia_span text, ia_err *e)
{
  uint32_t bits = 0;
  size_t at = 0;

  if (text.len == 0 || ia_span_is(text, "none")) {
    *tag = ia_tag_of(0);
    return true;
  }
  while (at <= text.len) {
    size_t end = at, i;

    while (end < text.len && text.ptr[end] != ',')
      end++;
    for (i = 0; i < IA_COUNT(names); i++)
      if (ia_span_is(ia_span_of(text.ptr + at, end - at), names[i].name))
        break;
    if (i == IA_COUNT(names))
      return ia_fail(e, IA_E_PARSE, "tag: want tee, scone, gramine, tdx or gpu, by commas");
    bits |= names[i].bit;
    at = end + 1;
  }
  *tag = ia_tag_of(bits);
  return true;
}

void ia_tag_names(const ia_h256 *tag, char out[64])
{
  uint32_t low = ia_tag_low(tag);
  size_t at = 0;

  out[0] = '\0';
  for (size_t i = 0; i < IA_COUNT(names); i++) {
    size_t n = strlen(names[i].name);

    if (!(low & names[i].bit))
      continue;
    if (at > 0)
      out[at++] = ',';
    memcpy(out + at, names[i].name, n + 1);
    at += n;
  }
}

ia_h256 ia_tag_or(const ia_h256 *a, const ia_h256 *b)
{
  ia_h256 r;

  for (int i = 0; i < 32; i++)
    r.b[i] = a->b[i] | b->b[i];
  return r;
}

bool ia_tag_within(const ia_h256 *need, const ia_h256 *have)
{
  for (int i = 0; i < 32; i++)
    if (need->b[i] & ~have->b[i])
      return false;
  return true;
}
