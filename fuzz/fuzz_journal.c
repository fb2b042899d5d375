/* Entries of the SMS's journal. */
#include <stdint.h>

#include "service/sms/journal.h"

int ia_fuzz_journal(const uint8_t *p, size_t n);

int ia_fuzz_journal(const uint8_t *p, size_t n)
{
  IA_AUTOV(ia_entry) again = {0};
  ia_fields v;
  ia_err e;

  if (!ia_entry_read(&v, ia_span_of(p, n), &e))
    return 0;
  /* what was read is written again to the same bytes */
  ia_entry_begin(&again, v.kind);
  for (size_t i = 0; i < v.n; i++)
    switch (v.f[i].type) {
    case 'i': ia_entry_u64(&again, v.f[i].number); break;
    case 'b': ia_entry_bytes(&again, v.f[i].bytes); break;
    case 't': ia_entry_text(&again, v.f[i].bytes); break;
    default: ia_entry_null(&again); break;
    }
  if (!ia_span_eq(ia_buf_view(&again.body), ia_span_of(p, n)))
    abort();
  return 0;
}
