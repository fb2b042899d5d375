#include "tee/chain.h"
#include "tee/quote.h"

int ia_fuzz_quote(const uint8_t *data, size_t size);

int ia_fuzz_quote(const uint8_t *data, size_t size)
{
  IA_AUTO(ia_chain3) *c = NULL;
  ia_quote q;
  ia_span pem;

  if (ia_quote_parse(&q, ia_span_of(data, size), NULL) && ia_quote_chain(&pem, &q, NULL))
    (void)!ia_chain3_read(&c, pem, NULL);
  return 0;
}
