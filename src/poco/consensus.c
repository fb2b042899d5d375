/* contribute and its consensus: weights by score, groups by result (k = 3). */
#include "poco/ids.h"
#include "poco/task_internal.h"

static bool no(ia_poco *p, ia_revert_id id)
{
  return ia_revert_set(&p->why, id);
}

/* max(score / 3, 3) - 1 */
static bool weight_of(ia_poco *p, ia_u256 *weight)
{
  ia_u256 three = ia_u256_of(3), one = ia_u256_of(1), score;

  if (!ia_poco_get_u256(p, &score, IA_KEY_SCORE, IA_SPAN_ARR(p->sender.b), IA_NOTHING) ||
      !ia_u256_div(weight, NULL, &score, &three))
    return false;
  if (ia_u256_cmp(weight, &three) < 0)
    *weight = three;
  return ia_poco_difference(p, weight, weight, &one);
}

/* group' = max(group, 1) * weight; total grows by the difference. */
static bool join_group(ia_poco *p, const ia_h256 *taskid, const ia_h256 *hash, ia_contribution *c,
                       ia_u256 *group, ia_u256 *total)
{
  ia_u256 one = ia_u256_of(1), weight, grown, delta;
  ia_span task = IA_SPAN_ARR(taskid->b), value = IA_SPAN_ARR(hash->b);

  if (!weight_of(p, &weight) || !ia_poco_get_u256(p, group, IA_KEY_GROUP, task, value) ||
      !ia_poco_get_u256(p, total, IA_KEY_TOTAL, task, IA_NOTHING) ||
      !ia_poco_product(p, &grown, ia_u256_zero(group) ? &one : group, &weight) ||
      !ia_poco_difference(p, &delta, &grown, group) || !ia_poco_sum(p, total, total, &delta))
    return false;
  *group = grown;
  c->weight = ia_u256_of(ia_u256_bits(&weight) - 1); /* floor(log2); weight >= 2 */
  return ia_poco_put_u256(p, IA_KEY_GROUP, task, value, group) &&
         ia_poco_put_u256(p, IA_KEY_TOTAL, task, IA_NOTHING, total);
}

static bool winners(ia_poco *p, uint64_t *n, const ia_task *t, const ia_h256 *taskid,
                    const ia_h256 *hash)
{
  *n = 0;
  for (size_t i = 0; i < t->contributors.n; i++) {
    ia_addr worker = ia_poco_contributor(t, i);
    ia_contribution c;

    if (!ia_poco_contribution(p, &c, taskid, &worker))
      return false;
    *n += ia_h256_eq(&c.result_hash, hash) && c.status == IA_CONTRIBUTION_CONTRIBUTED;
  }
  return true;
}

/* group * trust > total * (trust - 1) */
static bool agreed(ia_poco *p, bool *yes, const ia_deal *d, const ia_u256 *group,
                   const ia_u256 *total)
{
  ia_u256 one = ia_u256_of(1), left, right, below;

  if (!ia_poco_product(p, &left, group, &d->trust) ||
      !ia_poco_difference(p, &below, &d->trust, &one) || !ia_poco_product(p, &right, total, &below))
    return false;
  *yes = ia_u256_cmp(&left, &right) > 0;
  return true;
}

static bool consensus(ia_poco *p, ia_task *t, const ia_deal *d, const ia_h256 *taskid,
                      const ia_h256 *hash, const ia_u256 *group, const ia_u256 *total)
{
  uint64_t n;
  bool yes;

  if (!agreed(p, &yes, d, group, total))
    return false;
  if (!yes)
    return ia_poco_put_task(p, taskid, t);
  if (!winners(p, &n, t, taskid, hash) || !ia_poco_reveal_deadline(p, t))
    return false;
  t->status = IA_TASK_REVEALING;
  t->consensus_value = *hash;
  t->reveal_counter = ia_u256_of(0);
  t->winner_counter = ia_u256_of(n);
  return ia_poco_put_task(p, taskid, t) &&
         ia_poco_task_event(p, IA_EV_TASK_CONSENSUS, taskid, hash);
}

bool ia_poco_contribute(ia_poco *p, const ia_args *a)
{
  const ia_h256 *taskid = &a->id[0], *hash = &a->id[1];
  ia_proof proof = {*taskid, *hash, a->id[2], a->addr[0], a->bytes[0], a->bytes[1]};
  IA_AUTOV(ia_buf) room = {0};
  ia_u256 group, total;
  ia_contribution c;
  ia_deal d;
  ia_task t;

  if (!ia_poco_open_task(p, &t, &d, taskid) || !ia_poco_contribution(p, &c, taskid, &p->sender))
    return false;
  if (c.status != IA_CONTRIBUTION_UNSET)
    return no(p, IA_REVERT_CONTRIBUTED);
  if (!ia_poco_proofs(p, &d, &proof))
    return false;
  c.status = IA_CONTRIBUTION_CONTRIBUTED;
  c.result_hash = *hash;
  c.result_seal = a->id[2];
  c.enclave_challenge = a->addr[0];
  return ia_poco_add_contributor(p, &t, &room, &p->sender) &&
         ia_poco_lock(p, &p->sender, &d.worker_stake) &&
         ia_poco_task_event(p, IA_EV_TASK_CONTRIBUTE, taskid, hash) &&
         join_group(p, taskid, hash, &c, &group, &total) &&
         ia_poco_put_contribution(p, taskid, &p->sender, &c) &&
         consensus(p, &t, &d, taskid, hash, &group, &total);
}
