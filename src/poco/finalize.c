/* The two ways to settle a task, and who is paid. */
#include "crypto/keccak.h"
#include "poco/ids.h"
#include "poco/task_internal.h"

static bool no(ia_poco *p, ia_revert_id id)
{
  return ia_revert_set(&p->why, id);
}

/* (no callback and no callback data) or keccak256(data) == digest */
static bool callback_fits(ia_poco *p, const ia_deal *d, ia_span data, const ia_h256 *digest)
{
  ia_h256 h;

  if (ia_addr_zero(&d->callback) && data.len == 0)
    return true;
  ia_keccak256(&h, data);
  return ia_h256_eq(&h, digest) || no(p, IA_REVERT_CALLBACK_DIGEST);
}

/* The workers' part of an amount: amount * (100 - ratio) / 100. */
static bool workers_part(ia_poco *p, ia_u256 *out, const ia_deal *d, const ia_u256 *amount)
{
  ia_u256 hundred = ia_u256_of(100), ratio;

  return ia_poco_difference(p, &ratio, &hundred, &d->scheduler_reward_ratio) &&
         ia_poco_percent(p, out, amount, &ratio);
}

static bool emit_finalize(ia_poco *p, const ia_h256 *taskid, ia_span results)
{
  ia_event ev = {.id = {*taskid}, .bytes = {results}};

  return ia_poco_emit(p, IA_EV_TASK_FINALIZE, &ev);
}

/* --- one shot
 * -------------------------------------------------------------------------------------- */

static bool pay_fast(ia_poco *p, const ia_deal *d, const ia_h256 *taskid)
{
  ia_u256 worker, scheduler;

  return workers_part(p, &worker, d, &d->workerpool.price) &&
         ia_poco_difference(p, &scheduler, &d->workerpool.price, &worker) &&
         ia_poco_reward(p, &p->sender, &worker, taskid) &&
         ia_poco_reward(p, &d->workerpool.owner, &scheduler, taskid);
}

static bool one_shot_allowed(ia_poco *p, const ia_task *t, const ia_deal *d, const ia_args *a)
{
  ia_u256 one = ia_u256_of(1);

  if (t->contributors.n != 0)
    return no(p, IA_REVERT_CONTRIBUTORS);
  if (!ia_u256_eq(&d->trust, &one))
    return no(p, IA_REVERT_TRUST);
  return callback_fits(p, d, a->bytes[1], &a->id[1]);
}

bool ia_poco_contribute_and_finalize(ia_poco *p, const ia_args *a, ia_addr *callback)
{
  const ia_h256 *taskid = &a->id[0], *digest = &a->id[1];
  ia_proof proof = {.taskid = *taskid,
                    .enclave = a->addr[0],
                    .enclave_sign = a->bytes[2],
                    .authorization_sign = a->bytes[3]};
  ia_contribution c = {.status = IA_CONTRIBUTION_PROVED};
  IA_AUTOV(ia_buf) room = {0};
  ia_deal d;
  ia_task t;

  if (!ia_poco_open_task(p, &t, &d, taskid) || !one_shot_allowed(p, &t, &d, a))
    return false;
  ia_result_hash(&proof.result_hash, taskid, digest);
  ia_result_seal(&proof.result_seal, &p->sender, taskid, digest);
  if (!ia_poco_proofs(p, &d, &proof) || !ia_poco_reveal_deadline(p, &t) ||
      !ia_poco_add_contributor(p, &t, &room, &p->sender))
    return false;
  c.result_hash = proof.result_hash;
  c.result_seal = proof.result_seal;
  c.enclave_challenge = proof.enclave;
  t.status = IA_TASK_COMPLETED;
  t.consensus_value = proof.result_hash;
  t.reveal_counter = t.winner_counter = ia_u256_of(1);
  t.result_digest = *digest;
  t.results = a->bytes[0];
  t.results_callback = a->bytes[1];
  *callback = d.callback;
  return ia_poco_put_contribution(p, taskid, &p->sender, &c) && ia_poco_put_task(p, taskid, &t) &&
         ia_poco_success(p, &d, taskid) && pay_fast(p, &d, taskid) &&
         ia_poco_task_event(p, IA_EV_TASK_CONTRIBUTE, taskid, &proof.result_hash) &&
         ia_poco_task_event(p, IA_EV_TASK_CONSENSUS, taskid, &proof.result_hash) &&
         ia_poco_task_event(p, IA_EV_TASK_REVEAL, taskid, digest) &&
         emit_finalize(p, taskid, a->bytes[0]);
}

/* --- after reveals
 * --------------------------------------------------------------------------------- */

static bool score_event(ia_poco *p, ia_event_id id, const ia_addr *worker, const ia_h256 *taskid)
{
  ia_event ev = {.addr = {*worker}, .id = {*taskid}};

  return ia_poco_emit(p, id, &ev);
}

static bool pay_good(ia_poco *p, const ia_task *t, const ia_deal *d, const ia_h256 *taskid,
                     const ia_addr *worker, const ia_u256 *reward)
{
  ia_u256 one = ia_u256_of(1), score;
  ia_span who = IA_SPAN_ARR(worker->b);

  if (!ia_poco_unlock(p, worker, &d->worker_stake) || !ia_poco_reward(p, worker, reward, taskid))
    return false;
  if (t->contributors.n <= 1)
    return true;
  return ia_poco_get_u256(p, &score, IA_KEY_SCORE, who, IA_NOTHING) &&
         ia_poco_sum(p, &score, &score, &one) &&
         ia_poco_put_u256(p, IA_KEY_SCORE, who, IA_NOTHING, &score) &&
         score_event(p, IA_EV_ACCURATE_CONTRIBUTION, worker, taskid);
}

/* The stake is lost, the score falls to two thirds. */
static bool punish(ia_poco *p, const ia_deal *d, const ia_h256 *taskid, const ia_addr *worker)
{
  ia_u256 two = ia_u256_of(2), three = ia_u256_of(3), score;
  ia_span who = IA_SPAN_ARR(worker->b);

  return ia_poco_seize(p, worker, &d->worker_stake, taskid) &&
         ia_poco_get_u256(p, &score, IA_KEY_SCORE, who, IA_NOTHING) &&
         ia_poco_product(p, &score, &score, &two) && ia_u256_div(&score, NULL, &score, &three) &&
         ia_poco_put_u256(p, IA_KEY_SCORE, who, IA_NOTHING, &score) &&
         score_event(p, IA_EV_FAULTY_CONTRIBUTION, worker, taskid);
}

/* The pot: the pool's price and the stakes of those who did not prove; weights of those who did. */
static bool pot(ia_poco *p, ia_u256 *total, ia_u256 *weights, const ia_task *t, const ia_deal *d,
                const ia_h256 *taskid)
{
  *total = d->workerpool.price;
  *weights = ia_u256_of(0);
  for (size_t i = 0; i < t->contributors.n; i++) {
    ia_addr worker = ia_poco_contributor(t, i);
    ia_contribution c;

    if (!ia_poco_contribution(p, &c, taskid, &worker))
      return false;
    if (c.status == IA_CONTRIBUTION_PROVED ? !ia_poco_sum(p, weights, weights, &c.weight)
                                           : !ia_poco_sum(p, total, total, &d->worker_stake))
      return false;
  }
  return true;
}

static bool share_of(ia_poco *p, ia_u256 *share, const ia_u256 *all, const ia_u256 *weight,
                     const ia_u256 *weights)
{
  return ia_poco_product(p, share, all, weight) &&
         (ia_u256_div(share, NULL, share, weights) || no(p, IA_REVERT_ARITHMETIC));
}

static bool pay_all(ia_poco *p, const ia_task *t, const ia_deal *d, const ia_h256 *taskid)
{
  ia_u256 total, weights, workers, share;

  if (!pot(p, &total, &weights, t, d, taskid) || !workers_part(p, &workers, d, &total))
    return false;
  for (size_t i = 0; i < t->contributors.n; i++) {
    ia_addr worker = ia_poco_contributor(t, i);
    ia_contribution c;

    if (!ia_poco_contribution(p, &c, taskid, &worker))
      return false;
    if (c.status != IA_CONTRIBUTION_PROVED) {
      if (!punish(p, d, taskid, &worker))
        return false;
      continue;
    }
    if (!share_of(p, &share, &workers, &c.weight, &weights) ||
        !ia_poco_difference(p, &total, &total, &share) ||
        !pay_good(p, t, d, taskid, &worker, &share))
      return false;
  }
  return ia_poco_reward(p, &d->workerpool.owner, &total, taskid);
}

bool ia_poco_finalize(ia_poco *p, const ia_args *a, ia_addr *callback)
{
  const ia_h256 *taskid = &a->id[0];
  ia_deal d;
  ia_task t;

  if (!ia_poco_scheduler_task(p, &t, &d, taskid))
    return false;
  if (!ia_u256_eq(&t.reveal_counter, &t.winner_counter) &&
      (ia_u256_zero(&t.reveal_counter) || t.reveal_deadline > p->now))
    return no(p, IA_REVERT_FINALIZE_EARLY);
  if (!callback_fits(p, &d, a->bytes[1], &t.result_digest))
    return false;
  t.status = IA_TASK_COMPLETED;
  t.results = a->bytes[0];
  t.results_callback = a->bytes[1];
  *callback = d.callback;
  return ia_poco_put_task(p, taskid, &t) && ia_poco_success(p, &d, taskid) &&
         pay_all(p, &t, &d, taskid) && emit_finalize(p, taskid, a->bytes[0]);
}
