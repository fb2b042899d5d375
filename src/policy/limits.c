/* Step 10 of docs/release.md 4 for one dataset: the owner's policy for it, and the terms of the
 * grant under which its key is asked for. */
#include "policy/internal.h"

bool ia_limits_judge(const struct admitting *a, struct limits *l, ia_ruling *v, ia_err *e)
{
  const ia_release_memory *m = a->m;
  ia_policy_facts pf = {.now = a->f->now,
                        .requester = a->f->match.request.requester,
                        .purpose = a->plan->purpose,
                        .encrypt = a->plan->encrypt,
                        .callback = a->plan->callback,
                        .n_by_ledger = l->n_by_ledger};
  IA_AUTOV(ia_policy) p = ia_policy_none();
  IA_AUTOV(ia_terms) t = {0};
  ia_applied *to = &l->applied;

  if (!m->policy(m->ctx, l->dataset, l->owner, &to->has_policy, &p, &to->policy_hash,
                 &to->policy_epoch, e) ||
      !m->terms(m->ctx, l->dataset, l->owner, l->order, &to->has_terms, &t, &to->terms_hash,
                &to->terms_version, e) ||
      !m->dataset_tasks(m->ctx, l->dataset, &a->f->task_id, pf.now, &pf.runs_before, &pf.runs_today,
                        e) ||
      !m->order_tasks(m->ctx, l->order, &a->f->task_id, &pf.order_runs, e))
    return false;
  l->logs_clear = p.logs_clear;
  if (to->has_policy)
    (void)ia_policy_decide(v, &p, &pf);
  if (to->has_terms)
    (void)ia_terms_decide(v, &t, &pf);
  return true;
}
