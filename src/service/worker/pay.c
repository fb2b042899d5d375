/* Whether the worker's account can pay for another settlement. A worker that cannot takes no tasks:
 * their results would only wait. */
#include "base/clock.h"
#include "base/log.h"
#include "chain/about.h"
#include "service/worker/inside.h"

/* contributeAndFinalize needs 592,000 (docs/evm.md); a fifth more is offered. */
enum { SETTLE_GAS = 720000, LOOK_MS = 10000 };

static unsigned tasks_under_way(ia_worker *w)
{
  unsigned n = 0;

  pthread_mutex_lock(&w->mutex);
  for (unsigned i = 0; i < w->n_slots; i++)
    n += w->slots[i].used && !w->slots[i].waiting;
  pthread_mutex_unlock(&w->mutex);
  return n;
}

static bool can_pay(ia_worker *w, ia_err *e)
{
  const ia_chain_options o = {.url = w->rpc,
                              .hub = w->hub,
                              .chain_id = w->chain_id,
                              .cancel = &w->closing,
                              .sending = w->sending};

  return (w->chain || ia_chain_open(&w->chain, &o, e)) &&
         ia_chain_can_pay(w->chain, &w->address, (uint64_t)SETTLE_GAS * (tasks_under_way(w) + 1),
                          e);
}

static bool is_money(ia_code code)
{
  return code == IA_E_FEE_REFUSED || code == IA_E_INSUFFICIENT_FUNDS;
}

bool worker_can_pay(ia_worker *w)
{
  ia_code before = w->cannot_pay.code;
  ia_err why = {0};

  if (atomic_exchange(&w->look_now, false))
    w->looked_ms = 0;
  if (w->looked_ms != 0 && before == IA_OK && ia_mono_ms() - w->looked_ms < LOOK_MS)
    return true;
  if (can_pay(w, &why))
    why.code = IA_OK;
  else if (!is_money(why.code))
    return before == IA_OK; /* the ledger does not say */
  w->looked_ms = ia_mono_ms();
  pthread_mutex_lock(&w->mutex);
  w->cannot_pay = why;
  pthread_mutex_unlock(&w->mutex);
  if (why.code != before && why.code != IA_OK)
    ia_log(IA_LOG_WARN, "worker.waits", "cause=%s message=%s", ia_code_name(why.code), why.msg);
  else if (why.code != before)
    ia_log(IA_LOG_INFO, "worker.takes", "message=the account can pay again");
  return why.code == IA_OK;
}
