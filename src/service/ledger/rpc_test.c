/* JSON-RPC: time for tests. Present only on a ledger opened for tests. */
#include "service/ledger/rpc_int.h"

/* Beyond this no deadline could be computed. */
#define TIME_MAX (1ull << 40)

bool ia_lrpc_increase_time(ia_lrpc *r)
{
  uint64_t seconds;

  if (!ia_lrpc_quantity(r, ia_lrpc_param(r, 0), "seconds", &seconds))
    return false;
  if (seconds > TIME_MAX - r->l->offset_s)
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "seconds: too many");
  r->l->offset_s += seconds;
  ia_hold_time_set(r->l);
  return ia_lrpc_result(r, json_integer((json_int_t)r->l->offset_s));
}

bool ia_lrpc_next_timestamp(ia_lrpc *r)
{
  uint64_t time;

  if (!ia_lrpc_quantity(r, ia_lrpc_param(r, 0), "timestamp", &time))
    return false;
  if (time < r->l->head_time || time > TIME_MAX)
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "timestamp: want at least that of the last block, %llu",
                        (unsigned long long)r->l->head_time);
  r->l->next_time = time;
  ia_hold_time_set(r->l);
  return true;
}

bool ia_lrpc_mine(ia_lrpc *r)
{
  ia_err e;

  if (ia_lrpc_param(r, 0) && !ia_lrpc_next_timestamp(r))
    return false;
  if (!ia_ledger_apply_empty(r->l, ia_ledger_next_time(r->l), &e))
    return ia_lrpc_failed(r, &e);
  return ia_lrpc_result(r, json_string("0x0"));
}
