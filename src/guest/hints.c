/* Clear hints of a task. */
#include "guest/hints.h"

static const char *const keys[] = {
    "v",          "tee",       "domain", "stage",     "chainId", "hub",       "dealId",
    "taskIndex",  "taskId",    "app",    "appDigest", "dataset", "requester", "requestHash",
    "inputsHash", "rulesHash", "smsKey", "lease",     NULL,
};

static bool get_domain(ia_descriptor *d, const json_t *doc, ia_err *e)
{
  const char *domain;

  if (!ia_json_get_str(doc, "domain", &domain, e) || !ia_json_get_str(doc, "tee", &d->tee, e) ||
      !ia_json_get_str(doc, "stage", &d->stage, e))
    return false;
  if (!ia_domain_parse(&d->domain, domain) || !ia_tee_in_domain(d->tee, d->domain))
    return ia_fail(e, IA_E_PARSE, "task: tee and domain do not fit");
  if (strcmp(d->stage, IA_STAGE_APP) != 0)
    return ia_fail(e, IA_E_PARSE, "task: unknown stage");
  return true;
}

static bool get_ids(ia_descriptor *d, const json_t *doc, ia_err *e)
{
  uint64_t index;

  if (!ia_json_get_u64(doc, "chainId", &d->chain_id, e) ||
      !ia_json_get_u64(doc, "taskIndex", &index, e))
    return false;
  if (index > UINT32_MAX)
    return ia_fail(e, IA_E_PARSE, "task: taskIndex");
  d->task_index = (uint32_t)index;
  return ia_json_get_addr(doc, "hub", &d->hub, e) && ia_json_get_addr(doc, "app", &d->app, e) &&
         ia_json_get_addr(doc, "dataset", &d->dataset, e) &&
         ia_json_get_addr(doc, "requester", &d->requester, e) &&
         ia_json_get_h256(doc, "dealId", &d->deal_id, e) &&
         ia_json_get_h256(doc, "taskId", &d->task_id, e) &&
         ia_json_get_h256(doc, "appDigest", &d->app_digest, e) &&
         ia_json_get_h256(doc, "requestHash", &d->request_hash, e) &&
         ia_json_get_h256(doc, "inputsHash", &d->inputs_hash, e) &&
         ia_json_get_h256(doc, "rulesHash", &d->rules_hash, e);
}

bool ia_hints_parse(ia_hints *out, const json_t *doc, ia_err *e)
{
  json_t *lease;
  uint64_t v;

  *out = (ia_hints){.doc = json_deep_copy(doc)};
  if (!out->doc)
    return ia_fail(e, IA_E_MEMORY, "task");
  if (!ia_json_only(out->doc, keys, e) || !ia_json_get_u64(out->doc, "v", &v, e))
    return false;
  if (v != 1)
    return ia_fail(e, IA_E_UNSUPPORTED, "task: version %llu", (unsigned long long)v);
  if (!get_domain(&out->desc, out->doc, e) || !get_ids(&out->desc, out->doc, e) ||
      !ia_json_get_h256(out->doc, "smsKey", &out->sms_key, e) ||
      !ia_json_get_obj(out->doc, "lease", &lease, e) ||
      !ia_json_get_addr(lease, "worker", &out->worker, e))
    return false;
  out->lease = lease;
  return true;
}

void ia_hints_free(ia_hints *h)
{
  json_decref(h->doc);
  *h = (ia_hints){0};
}
