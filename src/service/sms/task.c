/* The item `task` of a release (docs/protocol.md 2): everything that the guest decides by. */
#include "crypto/cid.h"
#include "poco/appenv.h"
#include "service/sms/internal.h"

/* As the host is asked for it: "/ipfs/<cid>" for a CID in either form, else the text itself.
 * Nothing for what no receipt can prove: it stands here only as an entry of a slice that is
 * refused. */
static json_t *multiaddr_text(ia_span multiaddr)
{
  ia_cid cid;

  if (ia_cid_from_multiaddr(&cid, multiaddr, NULL))
    return json_sprintf("/ipfs/%s", ia_cid_format(&cid).s);
  return multiaddr.len <= IA_PROVABLE_TEXT_MAX && ia_text_is_plain(multiaddr)
             ? ia_json_bytes(multiaddr)
             : json_string("");
}

static json_t *dataset(const ia_slice_item *d, bool bulk)
{
  json_t *v =
      json_pack("{s:o, s:o, s:o, s:s, s:o, s:o, s:I}", "address", ia_json_addr(&d->dataset),
                "checksum", ia_json_h256(&d->checksum), "multiaddr", multiaddr_text(d->multiaddr),
                "filename", ia_dataset_file_name(&d->dataset, bulk).s, "orderHash",
                ia_json_h256(&d->order_hash), "policyHash", ia_json_h256(&d->applied.policy_hash),
                "epoch", (json_int_t)d->applied.policy_epoch);

  if (d->code != IA_OK)
    json_object_set_new(v, "refused", json_string(ia_code_name(d->code)));
  return v;
}

static json_t *datasets(const ia_release_plan *p, const ia_release_facts *f)
{
  const ia_dataset_info *info = &f->asset[IA_ASSET_DATASET].dataset;
  const ia_slice_item one = {.dataset = f->match.dataset.dataset,
                             .checksum = info->checksum,
                             .order_hash = p->order_hash[IA_ORDER_DATASET],
                             .multiaddr = info->multiaddr,
                             .applied = p->applied};
  json_t *list = json_array();

  if (p->has_dataset)
    json_array_append_new(list, dataset(&one, false));
  for (size_t i = 0; i < p->n_slice; i++)
    json_array_append_new(list, dataset(&p->slice[i], true));
  return list;
}

/* Logs follow the result; in clear only where there is nothing to protect or its owner says so. */
static const char *logs_word(const ia_release_plan *p)
{
  bool secrets = p->app_secret || json_object_size(p->params.secrets) > 0;

  if (!secrets && p->logs_clear)
    return "clear";
  return p->has_result_key ? "sealed" : "none";
}

/* The category's time, cut at the contribution deadline as the ledger counts. */
static uint64_t time_limit(const ia_release_facts *f)
{
  uint64_t left = f->task.contribution_deadline - f->ledger_time;

  return f->task.timeref < left ? f->task.timeref : left;
}

static bool words(json_t *v, const ia_release_plan *p, const ia_release_facts *f, ia_err *e)
{
  ia_appenv_item slice[IA_BULK_DATASETS_MAX];
  ia_appenv env = {.deal_id = p->deal_id,
                   .task_id = f->task_id,
                   .task_index = p->task_index,
                   .bot_first = p->bot_first,
                   .bot_size = p->bot_size,
                   .dataset = f->match.dataset.dataset,
                   .bulk = p->bulk,
                   .slice = slice,
                   .n_slice = p->n_slice,
                   .files = p->params.files};
  json_t *argv = NULL, *vars = NULL;

  for (size_t i = 0; i < p->n_slice; i++)
    slice[i] = (ia_appenv_item){p->slice[i].dataset,
                                p->slice[i].code == IA_OK ? NULL : ia_code_name(p->slice[i].code)};

  return ia_args_split(&argv, ia_span_str(p->params.args), e) && ia_json_set(v, "argv", argv, e) &&
         ia_appenv_build(&vars, &env, e) && ia_json_set(v, "env", vars, e) &&
         ia_json_set(v, "inputFiles",
                     p->params.files ? json_deep_copy(p->params.files) : json_array(), e);
}

static bool identity(json_t *v, const ia_release_plan *p, const ia_release_facts *f, ia_err *e)
{
  const struct {
    const char *key;
    uint64_t value;
  } numbers[] = {{"v", 1},
                 {"taskIndex", p->task_index},
                 {"botFirst", p->bot_first},
                 {"botSize", p->bot_size},
                 {"chainId", f->pins->chain_id},
                 {"fencing", f->lease.fencing},
                 {"attempt", p->attempt},
                 {"timeLimit", time_limit(f)},
                 {"memory", p->params.memory}};
  const struct {
    const char *key;
    const ia_addr *value;
  } addresses[] = {{"hub", &f->pins->hub},
                   {"app", &f->match.app.app},
                   {"requester", &f->match.request.requester},
                   {"beneficiary", &p->beneficiary},
                   {"callback", &f->match.request.callback},
                   {"worker", &f->lease.worker}};

  for (size_t i = 0; i < IA_COUNT(numbers); i++)
    if (numbers[i].value > INT64_MAX ||
        !ia_json_set(v, numbers[i].key, json_integer((json_int_t)numbers[i].value), e))
      return numbers[i].value <= INT64_MAX ||
             ia_fail(e, IA_E_DEAL_MISMATCH, "%s is out of range", numbers[i].key);
  for (size_t i = 0; i < IA_COUNT(addresses); i++)
    if (!ia_json_set(v, addresses[i].key, ia_json_addr(addresses[i].value), e))
      return false;
  return ia_json_set(v, "dealId", ia_json_h256(&p->deal_id), e) &&
         ia_json_set(v, "taskId", ia_json_h256(&f->task_id), e) &&
         ia_json_set(v, "appDigest", ia_json_h256(&f->asset[IA_ASSET_APP].app.checksum), e);
}

bool ia_sms_task_text(ia_buf *out, const ia_release_plan *p, const ia_release_facts *f,
                      const ia_h256 *desc_hash, ia_err *e)
{
  IA_AUTO_JSON *v = json_object();

  return identity(v, p, f, e) && words(v, p, f, e) &&
         ia_json_set(v, "datasets", datasets(p, f), e) &&
         ia_json_set(v, "resultKey",
                     p->has_result_key ? ia_json_bytes(ia_buf_view(&p->result_key)) : json_null(),
                     e) &&
         ia_json_set(v, "encrypt", json_boolean(p->encrypt), e) &&
         ia_json_set(v, "logs", json_string(logs_word(p)), e) &&
         ia_json_set(v, "egress", json_array(), e) && ia_json_set(v, "limits", json_object(), e) &&
         ia_json_set(v, "gate", json_null(), e) &&
         ia_json_set(v, "purpose", json_string(p->purpose), e) &&
         ia_json_set(v, "descHash", ia_json_h256(desc_hash), e) && ia_json_canonical(out, v, e);
}
