/* Steps 8, 10 and 12 of docs/release.md 4: what the SMS remembers, what the owner wants, and
 * whether the secrets are there. */
#include <stdio.h>

#include "crypto/rsa.h"
#include "crypto/sha.h"
#include "eth/address.h"
#include "poco/orders.h"
#include "policy/internal.h"

static bool a_fencing(struct admitting *a, ia_ruling *v)
{
  ia_err e = {0};

  if (a->f->has_lease && !ia_lease_fencing(&a->f->lease, a->m, &e))
    return ia_ruling_err(v, "lease", &e);
  return true;
}

static bool a_rollback(struct admitting *a, ia_ruling *v)
{
  ia_err e = {0};
  bool stop = true;

  if (!a->m->rolled_back(a->m->ctx, &stop, &e))
    return ia_ruling_err(v, "ledger", &e);
  if (stop)
    return ia_ruling_no(v, "ledger", IA_E_LEDGER_ROLLBACK,
                        "the ledger shows another past than before; the operator must confirm");
  ia_ruling_ok(v, "ledger", "its final blocks are those remembered");
  return true;
}

static bool a_volume(struct admitting *a, ia_ruling *v)
{
  const ia_h256 *order = &a->plan->order_hash[IA_ORDER_DATASET];
  ia_err e = {0};
  uint64_t n = 0;
  ia_u256 used;

  if (!a->m->order_tasks(a->m->ctx, order, &a->f->task_id, &n, &e))
    return ia_ruling_err(v, "volume", &e);
  used = ia_u256_of(n);
  if (ia_u256_cmp(&used, &a->f->match.dataset.volume) >= 0)
    return ia_ruling_no(v, "volume", IA_E_VOLUME_SPENT, "the grant's %s runs are used up",
                        ia_u256_dec(&a->f->match.dataset.volume).s);
  ia_ruling_ok(v, "volume", "%llu of %s runs of the grant are used", (unsigned long long)n,
               ia_u256_dec(&a->f->match.dataset.volume).s);
  return true;
}

static bool a_closed(struct admitting *a, ia_order_kind kind, const ia_addr *object, ia_ruling *v)
{
  const ia_addr *owner = kind == IA_ORDER_REQUEST ? object : &a->plan->owner[kind];
  const ia_h256 *order = &a->plan->order_hash[kind];
  bool closed = true, revoked = true;
  ia_err e = {0};

  if (!a->m->closed(a->m->ctx, order, &a->plan->deal_id, &closed, &e) ||
      !a->m->revoked(a->m->ctx, object, owner, order, &revoked, &e))
    return ia_ruling_err(v, "grant", &e);
  if (closed)
    return ia_ruling_no(v, "grant", IA_E_ORDER_CLOSED,
                        "the %s order was closed before this deal was seen",
                        ia_order_kind_name(kind));
  if (revoked)
    return ia_ruling_no(v, "grant", IA_E_REVOKED, "the %s order was revoked",
                        ia_order_kind_name(kind));
  return true;
}

static bool a_grants(struct admitting *a, ia_ruling *v)
{
  if (!a_closed(a, IA_ORDER_APP, &a->f->match.app.app, v))
    return false;
  if (a->plan->has_dataset &&
      (!a_volume(a, v) || !a_closed(a, IA_ORDER_DATASET, &a->f->match.dataset.dataset, v)))
    return false;
  if (!a_closed(a, IA_ORDER_WORKERPOOL, &a->f->match.workerpool.workerpool, v) ||
      !a_closed(a, IA_ORDER_REQUEST, &a->f->match.request.requester, v))
    return false;
  ia_ruling_ok(v, "grant", "no order is closed or revoked");
  return true;
}

/* A clock that goes back refills nothing. */
uint64_t ia_release_pace_add(uint64_t used, uint64_t time)
{
  return (used > time ? used : time) + IA_RELEASE_REFILL_S;
}

uint64_t ia_release_pace_wait(uint64_t used, uint64_t now)
{
  uint64_t until = now + (uint64_t)(IA_RELEASE_BURST - 1) * IA_RELEASE_REFILL_S;

  return used > until ? used - until : 0;
}

static bool a_releases(struct admitting *a, ia_ruling *v)
{
  ia_release_past past = {0};
  ia_err e = {0};

  if (a->f->planned)
    return true;
  if (!a->m->releases(a->m->ctx, &a->f->task_id, &past, &e))
    return ia_ruling_err(v, "attempts", &e);
  if (past.failed >= IA_RELEASE_FAILURES_MAX)
    return ia_ruling_no(
        v, "attempts", IA_E_RELEASE_LIMIT,
        "the app failed by its own fault in %llu runs of this task; the limit is %d",
        (unsigned long long)past.failed, IA_RELEASE_FAILURES_MAX);
  uint64_t wait = ia_release_pace_wait(past.used, a->f->now);
  if (wait > 0)
    return ia_ruling_no(v, "attempts", IA_E_RELEASE_PACE,
                        "the keys of this task were released %llu times; the limit is %d, and one "
                        "more every %d s: the next release is possible in %llu s",
                        (unsigned long long)past.n, IA_RELEASE_BURST, IA_RELEASE_REFILL_S,
                        (unsigned long long)wait);
  a->plan->attempt = past.n + 1;
  ia_ruling_ok(v, "attempts", "attempt %llu", (unsigned long long)past.n + 1);
  return true;
}

static bool a_policy(struct admitting *a, ia_ruling *v)
{
  struct limits l = {.dataset = &a->f->match.dataset.dataset,
                     .owner = &a->plan->owner[IA_ASSET_DATASET],
                     .order = &a->plan->order_hash[IA_ORDER_DATASET],
                     .n_by_ledger = a->plan->n_by_ledger};
  ia_err e = {0};

  a->plan->logs_clear = true;
  if (!a->plan->has_dataset)
    return true;
  if (!ia_limits_judge(a, &l, v, &e))
    return ia_ruling_err(v, "policy", &e);
  a->plan->applied = l.applied;
  a->plan->logs_clear = l.logs_clear;
  if (!l.applied.has_policy && !l.applied.has_terms)
    ia_ruling_ok(v, "policy", "the owner states nothing beyond the order");
  return !v->refused;
}

static bool a_dataset_key(struct admitting *a, ia_ruling *v)
{
  const ia_addr *dataset = &a->f->match.dataset.dataset;
  ia_err e = {0};
  ia_addr pusher;
  bool has = false;

  if (!a->plan->has_dataset)
    return true;
  if (!a->m->secret(a->m->ctx, IA_SECRET_DATASET, dataset, "", &has, &pusher, &e))
    return ia_ruling_err(v, "secrets", &e);
  if (!has)
    return ia_ruling_no(v, "secrets", IA_E_SECRET_MISSING, "no key of the dataset %s is here",
                        ia_addr_text(dataset).s);
  ia_ruling_ok(v, "secrets", "the key of the dataset is here");
  return true;
}

/* An app's secret leaves only for an app order of who pushed it; that of a former owner stays. */
static bool a_app_secret(struct admitting *a, ia_ruling *v)
{
  ia_err e = {0};
  ia_addr pusher;
  bool has = false;

  if (!a->m->secret(a->m->ctx, IA_SECRET_APP, &a->f->match.app.app, "1", &has, &pusher, &e))
    return ia_ruling_err(v, "secrets", &e);
  a->plan->app_secret = has && ia_addr_eq(&pusher, &a->plan->owner[IA_ASSET_APP]);
  if (has && !a->plan->app_secret)
    ia_ruling_ok(v, "secrets", "the app's secret is a former owner's and stays here");
  return true;
}

static bool a_requester_secrets(struct admitting *a, ia_ruling *v)
{
  const json_t *wanted = a->plan->params.secrets;
  const char *index;
  json_t *name;

  if (!wanted)
    return true;
  json_object_foreach ((json_t *)wanted, index, name) {
    ia_err e = {0};
    ia_addr pusher;
    bool has = false;

    if (!json_is_string(name))
      return ia_ruling_no(v, "secrets", IA_E_PARAMS_INVALID,
                          "iexec_secrets names something that is not a text");
    if (!a->m->secret(a->m->ctx, IA_SECRET_REQUESTER, &a->f->match.request.requester,
                      json_string_value(name), &has, &pusher, &e))
      return ia_ruling_err(v, "secrets", &e);
    if (!has)
      return ia_ruling_no(v, "secrets", IA_E_SECRET_MISSING,
                          "the requester's secret \"%.64s\" is not here", json_string_value(name));
  }
  return true;
}

static bool a_result(struct admitting *a, ia_ruling *v)
{
  const char *storage = a->plan->params.storage;
  IA_AUTO(ia_rsa) *key = NULL;
  ia_err e = {0};

  if (*storage && strcmp(storage, "ipfs") != 0)
    return ia_ruling_no(v, "result", IA_E_STORAGE_UNSUPPORTED,
                        "the request wants its result on \"%.32s\"", storage);
  if (!a->m->result_key(a->m->ctx, &a->plan->beneficiary, &a->plan->deal_id,
                        &a->plan->has_result_key, &a->plan->result_key, &e))
    return ia_ruling_err(v, "result", &e);
  if (a->plan->has_result_key && !ia_rsa_public_pem(&key, ia_buf_view(&a->plan->result_key), &e)) {
    a->plan->has_result_key = false;
    if (a->plan->encrypt)
      return ia_ruling_no(v, "result", IA_E_RESULT_KEY_INVALID, "the result key of %s: %.100s",
                          ia_addr_text(&a->plan->beneficiary).s, e.msg);
  }
  if (a->plan->encrypt && !a->plan->has_result_key)
    return ia_ruling_no(v, "result", IA_E_RESULT_KEY_MISSING,
                        "%s has no result key here, and the request wants encryption",
                        ia_addr_text(&a->plan->beneficiary).s);
  ia_ruling_ok(v, "result", a->plan->encrypt ? "will be encrypted for %s" : "for %s, in clear",
               ia_addr_text(&a->plan->beneficiary).s);
  return true;
}

bool ia_release_admit(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                      const ia_release_memory *m)
{
  struct admitting a = {f, m, plan};

  return a_fencing(&a, v) && a_rollback(&a, v) && a_grants(&a, v) && a_releases(&a, v) &&
         a_policy(&a, v) && (!plan->bulk || ia_slice_admit(&a, v));
}

bool ia_release_secrets(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                        const ia_release_memory *m)
{
  struct admitting a = {f, m, plan};

  return a_dataset_key(&a, v) && a_app_secret(&a, v) && a_requester_secrets(&a, v) &&
         a_result(&a, v);
}

bool ia_release_decide(ia_release_plan *plan, ia_ruling *v, const ia_release_facts *f,
                       const ia_release_memory *m)
{
  return ia_release_prove(plan, v, f) && ia_release_admit(plan, v, f, m) &&
         ia_release_secrets(plan, v, f, m);
}

size_t ia_release_inputs(ia_task_input *in, const ia_release_plan *plan, const ia_release_facts *f)
{
  for (size_t i = 0; i < plan->n_slice; i++)
    in[i] =
        (ia_task_input){plan->slice[i].dataset, plan->slice[i].checksum, plan->slice[i].order_hash};
  if (plan->has_dataset)
    in[0] = (ia_task_input){f->match.dataset.dataset, f->asset[IA_ASSET_DATASET].dataset.checksum,
                            plan->order_hash[IA_ORDER_DATASET]};
  return plan->has_dataset ? 1 : plan->n_slice;
}

bool ia_release_descriptor(ia_descriptor *d, const ia_release_plan *plan, const ia_release_facts *f,
                           const char *tee, ia_err *e)
{
  ia_task_input in[IA_BULK_DATASETS_MAX];

  *d = (ia_descriptor){.domain = f->pins->domain,
                       .chain_id = f->pins->chain_id,
                       .hub = f->pins->hub,
                       .deal_id = plan->deal_id,
                       .task_index = plan->task_index,
                       .task_id = f->task_id,
                       .app = f->match.app.app,
                       .app_digest = f->asset[IA_ASSET_APP].app.checksum,
                       .dataset = f->match.dataset.dataset,
                       .requester = f->match.request.requester,
                       .request_hash = plan->order_hash[IA_ORDER_REQUEST],
                       .stage = IA_STAGE_APP,
                       .tee = tee};
  ia_sha256(&d->rules_hash, ia_span_str(IA_RULES_NONE));
  return ia_inputs_hash(&d->inputs_hash, in, ia_release_inputs(in, plan, f), e);
}
