#include "tee/eventlog.h"

int ia_fuzz_eventlog(const uint8_t *data, size_t size);

int ia_fuzz_eventlog(const uint8_t *data, size_t size)
{
  ia_span log = ia_span_of(data, size);
  ia_h384 rtmr = {{0}};
  ia_tee_event ev;

  (void)!ia_eventlog_verify(log, IA_DOMAIN_SIM, ia_span_str("d"), ia_span_str("r"), &rtmr, NULL);
  while (ia_event_next(&ev, &log, IA_DOMAIN_SIM, NULL))
    continue;
  return 0;
}
