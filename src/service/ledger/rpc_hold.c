/* Which answers are better given later. Clients poll a task every few seconds, so an answer that
 * waits for its end saves them the rest of a period; and they keep what they read for a quarter of
 * a second, so that on a ledger that mines at once their next transaction would bear the nonce of
 * the last one. */
#include "base/clock.h"
#include "poco/ids.h"
#include "service/ledger/rpc_int.h"

/* Tasks of a new deal are about to be initialised; beyond so many of one deal, and after so long,
 * they are not waited for. */
enum { EXPECTED_S = 30, EXPECTED_A_DEAL = 64, ASKED_MS = 2000 };

void ia_hold_nonce_asked(ia_ledger *l, const ia_addr *who)
{
  l->hold.asked[l->hold.n_asked++ % IA_HOLD_ASKED] = (ia_hold_asked){*who, ia_mono_ms()};
}

bool ia_hold_was_asked(const ia_ledger *l, const ia_addr *who)
{
  uint64_t now = ia_mono_ms();

  for (size_t i = 0; i < IA_HOLD_ASKED && i < l->hold.n_asked; i++)
    if (ia_addr_eq(&l->hold.asked[i].who, who) && now - l->hold.asked[i].at_ms < ASKED_MS)
      return true;
  return false;
}

static void expect_tasks(ia_ledger *l, const ia_h256 *dealid)
{
  ia_frame f = ia_frame_of(&l->vm, &l->world.hub, &l->world.hub);
  uint64_t size;
  ia_deal deal;

  if (!ia_poco_deal(&f.poco, &deal, dealid) || !ia_u256_u64(&size, &deal.bot_size))
    return;
  ia_u256 one = ia_u256_of(1), idx = deal.bot_first;
  for (uint64_t i = 0; i < size && i < EXPECTED_A_DEAL; i++) {
    ia_hold_expected *slot = &l->hold.expected[l->hold.n_expected++ % IA_HOLD_EXPECTED];

    ia_task_id(&slot->task, dealid, &idx);
    slot->until = deal.start_time + EXPECTED_S;
    if (!ia_u256_add(&idx, &idx, &one))
      return;
  }
}

static void task_ended(ia_ledger *l, const ia_h256 *task)
{
  if (l->hold.n_ended < IA_HOLD_ENDED)
    l->hold.ended[l->hold.n_ended] = *task;
  if (l->hold.n_ended <= IA_HOLD_ENDED)
    l->hold.n_ended++;
}

static void look_at_log(ia_ledger *l, const ia_log_entry *log)
{
  static const ia_event_id ends[] = {IA_EV_TASK_FINALIZE, IA_EV_TASK_CLAIMED};
  ia_event ev;

  if (ia_event_is(log, IA_EV_ORDERS_MATCHED) &&
      ia_event_decode(&ev, IA_EV_ORDERS_MATCHED, log, NULL))
    expect_tasks(l, &ev.id[0]);
  for (size_t i = 0; i < IA_COUNT(ends); i++)
    if (ia_event_is(log, ends[i]) && ia_event_decode(&ev, ends[i], log, NULL))
      task_ended(l, &ev.id[0]);
}

void ia_hold_look_at_logs(ia_ledger *l)
{
  ia_span logs = ia_buf_view(&l->vm.logs);
  ia_log_entry log;

  for (uint32_t i = 0; i < l->vm.n_logs && ia_block_take_log(&logs, &log, NULL); i++)
    if (ia_addr_eq(&log.address, &l->world.hub))
      look_at_log(l, &log);
  ia_kv_end(l->kv, 0);
}

void ia_hold_time_set(ia_ledger *l)
{
  l->hold.n_ended = IA_HOLD_ENDED + 1;
}

size_t ia_ledger_take_ended(ia_ledger *l, const ia_h256 **tasks, bool *any)
{
  uint64_t reverts = ia_ledger_reverts(l);
  size_t n = l->hold.n_ended;

  *any = n > IA_HOLD_ENDED || reverts != l->hold.reverts;
  *tasks = l->hold.ended;
  l->hold.n_ended = 0;
  l->hold.reverts = reverts;
  return *any ? 0 : n;
}

static bool expected(const ia_ledger *l, const ia_h256 *task)
{
  for (size_t i = 0; i < IA_HOLD_EXPECTED && i < l->hold.n_expected; i++)
    if (ia_h256_eq(&l->hold.expected[i].task, task))
      return ia_ledger_next_time(l) < l->hold.expected[i].until;
  return false;
}

bool ia_ledger_task_runs(ia_ledger *l, const ia_h256 *task)
{
  ia_frame f = ia_frame_of(&l->vm, &l->world.hub, &l->world.hub);
  ia_task t;
  bool runs = ia_poco_task(&f.poco, &t, task);

  if (runs && t.status == IA_TASK_UNSET)
    runs = expected(l, task);
  else if (runs)
    runs = t.status < IA_TASK_COMPLETED && ia_ledger_next_time(l) < t.final_deadline;
  ia_kv_end(l->kv, 0);
  return runs;
}

void ia_hold_look_at_call(ia_lrpc *r, const ia_message *m)
{
  ia_args in = {0};

  if (r->reply->watches || !ia_addr_eq(&m->to, &r->l->world.hub) ||
      !ia_call_decode(&in, IA_CALL_VIEW_TASK, m->data, NULL))
    return;
  r->reply->watches = ia_ledger_task_runs(r->l, &in.id[0]);
  r->reply->task = in.id[0];
}
