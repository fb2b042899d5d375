#include "policy/policy.h"

int ia_fuzz_policy(const uint8_t *data, size_t size);

int ia_fuzz_policy(const uint8_t *data, size_t size)
{
  IA_AUTOV(ia_policy) p = {0};
  IA_AUTOV(ia_revocation) r = {0};
  IA_AUTOV(ia_terms) t = {0};
  ia_policy_facts f = {.now = 1780000000, .purpose = "research"};
  ia_ruling v = {0}, own = {0};

  if (ia_policy_parse(&p, ia_span_of(data, size), NULL))
    (void)!ia_policy_decide(&v, &p, &f);
  if (ia_terms_parse(&t, ia_span_of(data, size), NULL))
    (void)!ia_terms_decide(&own, &t, &f);
  (void)!ia_revocation_parse(&r, ia_span_of(data, size), NULL);
  return 0;
}
