/* Rule sets and constants. */
#include "poco/rules.h"

#include "poco/tag.h"

const ia_poco_rules ia_poco_v6_1 = {
    .name = "6.1",
    .dataset_tag_ignored = 0,
    .callback_gas = 100000,
    .approve_and_call_matches = false,
    .old_texts = true,
};

const ia_poco_rules ia_poco_v6_2 = {
    .name = "6.2",
    .dataset_tag_ignored = IA_TAG_FRAMEWORKS,
    .callback_gas = 200000,
    .approve_and_call_matches = true,
    .old_texts = false,
};

/* the literal of FacetBase: 0x99c2268479b93fDe36232351229815DF80837e23 */
const ia_addr ia_kitty_address = {{0x99, 0xc2, 0x26, 0x84, 0x79, 0xb9, 0x3f, 0xde, 0x36, 0x23,
                                   0x23, 0x51, 0x22, 0x98, 0x15, 0xdf, 0x80, 0x83, 0x7e, 0x23}};

const ia_poco_rules *ia_poco_rules_named(ia_span name)
{
  static const ia_poco_rules *const all[] = {&ia_poco_v6_1, &ia_poco_v6_2};

  for (size_t i = 0; i < IA_COUNT(all); i++)
    if (ia_span_is(name, all[i]->name))
      return all[i];
  return NULL;
}

#define TEXT(s)                                                                                    \
  {                                                                                                \
    (const uint8_t *)(s), sizeof(s) - 1                                                            \
  }

const ia_category *ia_genesis_category(size_t i)
{
  static const ia_category all[IA_GENESIS_CATEGORIES] = {
      {TEXT("XS"), TEXT(""), 300},  {TEXT("S"), TEXT(""), 1200},   {TEXT("M"), TEXT(""), 3600},
      {TEXT("L"), TEXT(""), 10800}, {TEXT("XL"), TEXT(""), 36000},
  };

  return &all[i];
}
