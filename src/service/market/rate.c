/* Requests a minute of one address; all of loopback is one, with room for its many programs. */
#include <string.h>

#include "base/clock.h"
#include "service/market/market_int.h"

/* The row of an address; else a free one, or one whose minute is over; NULL when all are taken. */
static rate_row *row_of(ia_market *m, const char *peer, uint64_t now)
{
  rate_row *spare = NULL;

  for (size_t i = 0; i < RATE_ROWS; i++) {
    rate_row *r = &m->rates[i];
    bool over = now - r->since >= RATE_S;

    if (!over && strcmp(r->peer, peer) == 0)
      return r;
    if (over && !spare)
      spare = r;
  }
  if (spare) {
    *spare = (rate_row){.since = now};
    memcpy(spare->peer, peer, strnlen(peer, sizeof(spare->peer) - 1));
  }
  return spare;
}

bool ia_market_admit(ia_market *m, ia_request *rq, ia_err *e)
{
  bool local = ia_request_local(rq);
  unsigned most = local && !m->rate_loopback ? RATE_LOCAL : m->rate_max;

  pthread_mutex_lock(&m->lock);
  rate_row *r = row_of(m, local ? "loopback" : ia_request_peer(rq), ia_now());
  /* a thousand addresses at once: nobody is shut out because of the others */
  bool ok = !r || r->n++ < most;
  pthread_mutex_unlock(&m->lock);
  if (ok)
    return ia_market_chain(m, rq, e);
  (void)ia_fail(e, IA_E_BUSY, "Rate limit exceeded");
  return ia_hint(e, "%u requests in %d s are taken from one address", most, RATE_S);
}
