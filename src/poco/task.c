/* Life of a task: initialize, contribute, reveal, reopen, claim (IexecPoco2Facet). */
#include "poco/ids.h"
#include "poco/internal.h"
#include "poco/tag.h"
#include "poco/task_internal.h"

static bool no(ia_poco *p, ia_revert_id id)
{
  return ia_revert_set(&p->why, id);
}

static bool time_after(ia_poco *p, uint64_t *out, uint64_t start, uint64_t timeref, uint64_t ratio)
{
  uint64_t span;

  if (__builtin_mul_overflow(timeref, ratio, &span) || __builtin_add_overflow(start, span, out))
    return no(p, IA_REVERT_ARITHMETIC);
  return true;
}

bool ia_poco_reveal_deadline(ia_poco *p, ia_task *t)
{
  return time_after(p, &t->reveal_deadline, p->now, t->timeref, IA_REVEAL_DEADLINE_RATIO);
}

static bool in_deal(ia_poco *p, const ia_deal *d, const ia_u256 *idx)
{
  ia_u256 end;

  if (!ia_poco_sum(p, &end, &d->bot_first, &d->bot_size))
    return false;
  if (ia_u256_cmp(idx, &d->bot_first) < 0 || ia_u256_cmp(idx, &end) >= 0)
    return no(p, IA_REVERT_INIT_INDEX);
  return true;
}

bool ia_poco_initialize(ia_poco *p, ia_h256 *taskid, const ia_h256 *dealid, const ia_u256 *idx)
{
  ia_u256 one = ia_u256_of(1);
  ia_category category;
  ia_event ev = {0};
  ia_deal d;
  ia_task t;
  bool there;

  if (!ia_poco_deal(p, &d, dealid) || !in_deal(p, &d, idx))
    return false;
  ia_task_id(taskid, dealid, idx);
  if (!ia_poco_task(p, &t, taskid))
    return false;
  if (t.status != IA_TASK_UNSET)
    return no(p, IA_REVERT_INIT_STATUS);
  if (!ia_poco_category(p, &category, &d.category, &there))
    return false;
  t.status = IA_TASK_ACTIVE;
  t.dealid = *dealid;
  t.idx = *idx;
  t.timeref = category.work_clock_time_ref;
  if (!time_after(p, &t.contribution_deadline, d.start_time, t.timeref,
                  IA_CONTRIBUTION_DEADLINE_RATIO) ||
      !time_after(p, &t.final_deadline, d.start_time, t.timeref, IA_FINAL_DEADLINE_RATIO))
    return false;
  ev.id[0] = *taskid;
  ev.addr[0] = d.workerpool.pointer;
  return ia_poco_put_task(p, taskid, &t) &&
         ia_poco_put_u256(p, IA_KEY_TOTAL, IA_SPAN_ARR(taskid->b), IA_NOTHING, &one) &&
         ia_poco_emit(p, IA_EV_TASK_INITIALIZE, &ev);
}

/* --- what contribute and contributeAndFinalize share
 * ----------------------------------------------- */

bool ia_poco_open_task(ia_poco *p, ia_task *t, ia_deal *d, const ia_h256 *taskid)
{
  if (!ia_poco_task(p, t, taskid))
    return false;
  if (t->status != IA_TASK_ACTIVE)
    return no(p, IA_REVERT_NOT_ACTIVE);
  if (t->contribution_deadline <= p->now)
    return no(p, IA_REVERT_CONTRIBUTION_LATE);
  return ia_poco_deal(p, d, &t->dealid);
}

/* EIP-191 over a 32-byte hash: "\x19Ethereum Signed Message:\n32" || hash */
static bool signed_by(ia_poco *p, const ia_addr *who, const ia_h256 *message, ia_span sign,
                      ia_revert_id id)
{
  ia_h256 digest;
  bool valid;

  ia_eip191_hash(&digest, IA_SPAN_ARR(message->b));
  if (!ia_signature_check(&valid, p->view, who, &digest, sign, &p->why, NULL))
    return false;
  return valid || no(p, id);
}

bool ia_poco_proofs(ia_poco *p, const ia_deal *d, const ia_proof *proof)
{
  bool enclave = !ia_addr_zero(&proof->enclave);
  ia_addr broker, authority = d->workerpool.owner;
  ia_h256 message;

  if (!enclave && (d->tag.b[31] & IA_TAG_TEE))
    return no(p, IA_REVERT_ENCLAVE_MISSING);
  if (!ia_poco_get_addr(p, &broker, IA_KEY_TEE_BROKER, IA_NOTHING))
    return false;
  if (enclave && !ia_addr_zero(&broker))
    authority = broker;
  ia_authorization_message(&message, &p->sender, &proof->taskid, &proof->enclave);
  if (!signed_by(p, &authority, &message, proof->authorization_sign, IA_REVERT_AUTHORIZATION))
    return false;
  if (!enclave)
    return true;
  ia_enclave_message(&message, &proof->result_hash, &proof->result_seal);
  return signed_by(p, &proof->enclave, &message, proof->enclave_sign, IA_REVERT_ENCLAVE_SIGNATURE);
}

bool ia_poco_add_contributor(ia_poco *p, ia_task *t, ia_buf *room, const ia_addr *who)
{
  ia_buf_put(room, t->contributors.ptr, t->contributors.n * 32);
  ia_buf_zero(room, 12);
  ia_buf_put(room, who->b, 20);
  if (!ia_buf_ok(room, NULL))
    return no(p, IA_REVERT_FAULT);
  t->contributors = (ia_words){room->ptr, t->contributors.n + 1};
  return true;
}

ia_addr ia_poco_contributor(const ia_task *t, size_t i)
{
  ia_addr a;

  memcpy(a.b, t->contributors.ptr + i * 32 + 12, 20);
  return a;
}

bool ia_poco_task_event(ia_poco *p, ia_event_id id, const ia_h256 *taskid, const ia_h256 *value)
{
  ia_event ev = {.addr = {p->sender}, .id = {*taskid}};

  if (value)
    ev.id[1] = *value;
  return ia_poco_emit(p, id, &ev);
}

/* --- reveal, reopen, claim
 * ------------------------------------------------------------------------- */

bool ia_poco_reveal(ia_poco *p, const ia_h256 *taskid, const ia_h256 *digest)
{
  ia_u256 one = ia_u256_of(1);
  ia_contribution c;
  ia_h256 h;
  ia_task t;

  if (!ia_poco_task(p, &t, taskid) || !ia_poco_contribution(p, &c, taskid, &p->sender))
    return false;
  if (t.status != IA_TASK_REVEALING)
    return no(p, IA_REVERT_NOT_REVEALING);
  if (t.reveal_deadline <= p->now)
    return no(p, IA_REVERT_REVEAL_LATE);
  if (c.status != IA_CONTRIBUTION_CONTRIBUTED)
    return no(p, IA_REVERT_REVEAL_STATUS);
  if (!ia_h256_eq(&c.result_hash, &t.consensus_value))
    return no(p, IA_REVERT_REVEAL_CONSENSUS);
  ia_result_hash(&h, taskid, digest);
  if (!ia_h256_eq(&h, &c.result_hash))
    return no(p, IA_REVERT_REVEAL_HASH);
  ia_result_seal(&h, &p->sender, taskid, digest);
  if (!ia_h256_eq(&h, &c.result_seal))
    return no(p, IA_REVERT_REVEAL_SEAL);
  c.status = IA_CONTRIBUTION_PROVED;
  t.result_digest = *digest;
  return ia_poco_sum(p, &t.reveal_counter, &t.reveal_counter, &one) &&
         ia_poco_put_contribution(p, taskid, &p->sender, &c) && ia_poco_put_task(p, taskid, &t) &&
         ia_poco_task_event(p, IA_EV_TASK_REVEAL, taskid, digest);
}

bool ia_poco_scheduler_task(ia_poco *p, ia_task *t, ia_deal *d, const ia_h256 *taskid)
{
  if (!ia_poco_task(p, t, taskid) || !ia_poco_deal(p, d, &t->dealid))
    return false;
  if (!ia_addr_eq(&p->sender, &d->workerpool.owner))
    return no(p, IA_REVERT_NOT_SCHEDULER);
  if (t->status != IA_TASK_REVEALING)
    return no(p, IA_REVERT_NOT_REVEALING);
  if (t->final_deadline <= p->now)
    return no(p, IA_REVERT_FINAL_LATE);
  return true;
}

/* Contributions of the consensus that nobody revealed are rejected. */
static bool reject_winners(ia_poco *p, const ia_task *t, const ia_h256 *taskid)
{
  for (size_t i = 0; i < t->contributors.n; i++) {
    ia_addr worker = ia_poco_contributor(t, i);
    ia_contribution c;

    if (!ia_poco_contribution(p, &c, taskid, &worker))
      return false;
    if (!ia_h256_eq(&c.result_hash, &t->consensus_value))
      continue;
    c.status = IA_CONTRIBUTION_REJECTED;
    if (!ia_poco_put_contribution(p, taskid, &worker, &c))
      return false;
  }
  return true;
}

static bool forget_group(ia_poco *p, const ia_h256 *taskid, const ia_h256 *hash)
{
  ia_u256 total, group, zero = ia_u256_of(0);
  ia_span task = IA_SPAN_ARR(taskid->b), value = IA_SPAN_ARR(hash->b);

  return ia_poco_get_u256(p, &total, IA_KEY_TOTAL, task, IA_NOTHING) &&
         ia_poco_get_u256(p, &group, IA_KEY_GROUP, task, value) &&
         ia_poco_difference(p, &total, &total, &group) &&
         ia_poco_put_u256(p, IA_KEY_TOTAL, task, IA_NOTHING, &total) &&
         ia_poco_put_u256(p, IA_KEY_GROUP, task, value, &zero);
}

bool ia_poco_reopen(ia_poco *p, const ia_h256 *taskid)
{
  ia_deal d;
  ia_task t;

  if (!ia_poco_scheduler_task(p, &t, &d, taskid))
    return false;
  if (t.reveal_deadline > p->now || !ia_u256_zero(&t.reveal_counter))
    return no(p, IA_REVERT_REOPEN_EARLY);
  if (!reject_winners(p, &t, taskid) || !forget_group(p, taskid, &t.consensus_value))
    return false;
  t.status = IA_TASK_ACTIVE;
  memset(&t.consensus_value, 0, sizeof(t.consensus_value));
  t.reveal_deadline = 0;
  t.winner_counter = ia_u256_of(0);
  return ia_poco_put_task(p, taskid, &t) && ia_poco_task_event(p, IA_EV_TASK_REOPEN, taskid, NULL);
}

bool ia_poco_claim(ia_poco *p, const ia_h256 *taskid)
{
  ia_deal d;
  ia_task t;

  if (!ia_poco_task(p, &t, taskid))
    return false;
  if (t.status != IA_TASK_ACTIVE && t.status != IA_TASK_REVEALING)
    return no(p, IA_REVERT_CLAIM_STATUS);
  if (t.final_deadline > p->now)
    return no(p, IA_REVERT_CLAIM_EARLY);
  t.status = IA_TASK_FAILED;
  if (!ia_poco_deal(p, &d, &t.dealid) || !ia_poco_put_task(p, taskid, &t) ||
      !ia_poco_failure(p, &d, taskid))
    return false;
  for (size_t i = 0; i < t.contributors.n; i++) {
    ia_addr worker = ia_poco_contributor(&t, i);

    if (!ia_poco_unlock(p, &worker, &d.worker_stake))
      return false;
  }
  return ia_poco_task_event(p, IA_EV_TASK_CLAIMED, taskid, NULL);
}
