/* Bytes a day per address. */
#include "base/clock.h"
#include "service/ipfs/ipfs_int.h"

/* The row of an address; else a free one, or one of an earlier day; NULL when all are taken today.
 */
static quota_row *row_of(ia_ipfs *s, const char *peer, uint64_t day)
{
  quota_row *spare = NULL;

  for (size_t i = 0; i < QUOTA_ROWS; i++) {
    quota_row *r = &s->quotas[i];

    if (r->day == day && strcmp(r->peer, peer) == 0)
      return r;
    if (r->day != day && !spare)
      spare = r;
  }
  if (spare) {
    *spare = (quota_row){.day = day};
    memcpy(spare->peer, peer, strnlen(peer, sizeof(spare->peer) - 1));
  }
  return spare;
}

bool ia_ipfs_charge(ia_ipfs *s, ia_request *rq, uint64_t bytes, ia_err *e)
{
  bool local = ia_request_local(rq);
  const char *peer = local ? "loopback" : ia_request_peer(rq);
  uint64_t quota = local ? s->local_quota : s->day_quota;

  pthread_mutex_lock(&s->lock);
  quota_row *r = row_of(s, peer, ia_now() / 86400 + 1);
  bool ok = r && bytes <= quota - r->bytes;
  if (ok)
    r->bytes += bytes;
  pthread_mutex_unlock(&s->lock);
  if (ok)
    return true;
  (void)ia_fail(e, IA_E_BUSY, "this address has added its %llu bytes of today",
                (unsigned long long)quota);
  return ia_hint(e, "try again tomorrow, or ask the operator for more");
}
