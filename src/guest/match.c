/* Is the released task the one that our evidence was made for? */
#include "crypto/sha.h"
#include "guest/task.h"
#include "poco/ids.h"

static bool mismatch(ia_err *e, const char *field)
{
  return ia_fail(e, IA_E_TASK_MISMATCH, "the released task is another one: %s", field);
}

static bool match_ids(const ia_agent_task *t, const ia_descriptor *d, ia_err *e)
{
  ia_u256 first = ia_u256_of(t->bot_first), index = ia_u256_of(t->task_index);
  ia_h256 deal, task;

  if (t->chain_id != d->chain_id)
    return mismatch(e, "chainId");
  if (!ia_addr_eq(&t->hub, &d->hub))
    return mismatch(e, "hub");
  if (!ia_h256_eq(&t->deal_id, &d->deal_id))
    return mismatch(e, "dealId");
  if (t->task_index != d->task_index)
    return mismatch(e, "taskIndex");
  if (!ia_h256_eq(&t->task_id, &d->task_id))
    return mismatch(e, "taskId");
  if (!ia_addr_eq(&t->app, &d->app))
    return mismatch(e, "app");
  if (!ia_h256_eq(&t->app_digest, &d->app_digest))
    return mismatch(e, "appDigest");
  if (!ia_addr_eq(&t->requester, &d->requester))
    return mismatch(e, "requester");
  ia_deal_id(&deal, &d->request_hash, &first);
  if (!ia_h256_eq(&deal, &t->deal_id))
    return mismatch(e, "botFirst");
  ia_task_id(&task, &t->deal_id, &index);
  if (!ia_h256_eq(&task, &t->task_id))
    return mismatch(e, "taskId of the deal");
  if (t->task_index < t->bot_first || t->task_index - t->bot_first >= t->bot_size)
    return mismatch(e, "botSize");
  return true;
}

static bool match_inputs(const ia_agent_task *t, const ia_descriptor *d, ia_err *e)
{
  ia_task_input inputs[IA_TASK_DATASETS_MAX];
  ia_h256 hash;

  for (size_t i = 0; i < t->n_datasets; i++)
    inputs[i] =
        (ia_task_input){t->datasets[i].address, t->datasets[i].checksum, t->datasets[i].order_hash};
  if (!ia_inputs_hash(&hash, inputs, t->n_datasets, e))
    return false;
  if (!ia_h256_eq(&hash, &d->inputs_hash))
    return mismatch(e, "datasets");
  if (!ia_addr_zero(&d->dataset) &&
      (t->bulk || t->n_datasets != 1 || !ia_addr_eq(&t->datasets[0].address, &d->dataset)))
    return mismatch(e, "dataset");
  if (ia_addr_zero(&d->dataset) && !t->bulk && t->n_datasets != 0)
    return mismatch(e, "dataset");
  return true;
}

static bool match_rules(const ia_agent_task *t, const ia_descriptor *d, ia_err *e)
{
  IA_AUTO_JSON *rules = json_pack("{s:O,s:O}", "egress", t->egress, "limits", t->limits);
  IA_AUTOV(ia_buf) text = {0};
  ia_h256 hash;

  if (!rules)
    return ia_fail(e, IA_E_MEMORY, "rules");
  if (!ia_json_canonical(&text, rules, e))
    return false;
  ia_sha256(&hash, ia_buf_view(&text));
  return ia_h256_eq(&hash, &d->rules_hash) || mismatch(e, "rules");
}

bool ia_agent_task_match(const ia_agent_task *t, const ia_descriptor *d, const ia_h256 *desc_hash,
                         const ia_addr *worker, ia_err *e)
{
  if (!ia_h256_eq(&t->desc_hash, desc_hash))
    return mismatch(e, "descHash");
  if (!ia_addr_eq(&t->worker, worker))
    return mismatch(e, "worker");
  return match_ids(t, d, e) && match_inputs(t, d, e) && match_rules(t, d, e);
}
