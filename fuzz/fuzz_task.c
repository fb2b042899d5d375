/* What a guest reads about its task: the item `task` (of the network and local) and the hints. */
#include "guest/hints.h"
#include "guest/task.h"

int ia_fuzz_task(const uint8_t *data, size_t size);

int ia_fuzz_task(const uint8_t *data, size_t size)
{
  ia_span in = ia_span_of(data, size);
  IA_AUTO_JSON *doc = ia_json_parse(in, 0, NULL);

  for (int local = 0; local < 2; local++) {
    IA_AUTOV(ia_agent_task) t = {0};

    if (ia_agent_task_parse(&t, in, local != 0, NULL)) {
      ia_descriptor d = {.stage = IA_STAGE_APP, .tee = IA_TEE_SIM, .domain = IA_DOMAIN_SIM};
      ia_h256 zero = {{0}};
      ia_addr none = {{0}};

      /* no task fits an empty descriptor */
      if (ia_agent_task_match(&t, &d, &zero, &none, NULL))
        abort();
    }
  }
  if (json_is_object(doc)) {
    IA_AUTOV(ia_hints) h = {0};

    (void)!ia_hints_parse(&h, doc, NULL);
  }
  return 0;
}
