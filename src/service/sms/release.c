/* The attested release (docs/release.md 1 to 4): challenge, and the request that lets keys go. What
 * is decided, recorded and signed happens in one unit of the store; the answer follows when that is
 * durable. */
#include <stdio.h>

#include "base/clock.h"
#include "base/crash.h"
#include "client/secret_auth.h"
#include "crypto/sha.h"
#include "eth/address.h"
#include "receipt/record.h"
#include "service/sms/internal.h"

struct release {
  ia_sms *s;
  const ia_sms_request *r;
  ia_sms_facts *x;
  ia_release_plan *plan;
  ia_ruling *ruling;
  ia_descriptor desc;
  ia_h256 desc_hash;
  ia_release_bind bind;
  ia_err evidence; /* why step 11 refused; IA_OK = it did not */
  uint64_t nonce_expires;
  uint64_t now; /* of the request's begin; in the unit, that of the decision */
  /* made in the unit */
  bool refused;
  uint64_t seq;
  ia_buf task; /* text of the item */
  ia_buf record;
  uint8_t record_sig[64];
  ia_secret *secret; /* plaintexts of the items but the last */
  ia_release_item *item;
  size_t n;
};

static void release_free(struct release *w)
{
  for (size_t i = 0; w->secret && i < w->n; i++)
    ia_secret_free(&w->secret[i]);
  free(w->secret);
  free(w->item);
  ia_buf_free(&w->task);
  ia_buf_free(&w->record);
}

/* -- items -- */
static bool add_secret(struct release *w, ia_db *db, const ia_sms_secret_id *id, const char *name,
                       ia_err *e)
{
  ia_release_item *it = &w->item[w->n];
  ia_addr pusher;
  bool has = false;

  if (!ia_vault_get(db, &w->s->keys, id, w->now, &has, &w->secret[w->n], &pusher, e))
    return false;
  if (!has)
    return ia_fail(e, IA_E_SECRET_MISSING, "%s is not here any more", name);
  (void)!snprintf(it->name, sizeof(it->name), "%s", name);
  it->plain = ia_secret_view(&w->secret[w->n]);
  w->n++;
  return true;
}

static bool add_requester_secrets(struct release *w, ia_db *db, ia_err *e)
{
  ia_sms_secret_id id = {.kind = IA_SECRET_REQUESTER, .address = w->x->f.match.request.requester};
  const char *index;
  json_t *name;

  json_object_foreach ((json_t *)w->plan->params.secrets, index, name) {
    char label[IA_RELEASE_NAME_MAX];

    id.name = json_string_value(name);
    if (snprintf(label, sizeof(label), "requester-secret/%s", index) >= (int)sizeof(label))
      return ia_fail(e, IA_E_PARAMS_INVALID, "iexec_secrets: an index is too long");
    if (!add_secret(w, db, &id, label, e))
      return false;
  }
  return true;
}

static bool add_key(struct release *w, ia_db *db, const ia_addr *dataset, ia_err *e)
{
  ia_sms_secret_id id = {.kind = IA_SECRET_DATASET, .address = *dataset, .name = ""};
  char label[IA_RELEASE_NAME_MAX];

  (void)!snprintf(label, sizeof(label), "dataset-key/%s", ia_addr_lower(dataset).s);
  return add_secret(w, db, &id, label, e);
}

static bool add_keys(struct release *w, ia_db *db, ia_err *e)
{
  for (size_t i = 0; i < w->plan->n_slice; i++)
    if (w->plan->slice[i].code == IA_OK && !add_key(w, db, &w->plan->slice[i].dataset, e))
      return false;
  return !w->plan->has_dataset || add_key(w, db, &w->x->f.match.dataset.dataset, e);
}

/* For what is sealed, and for the files behind a callback, which go nowhere. */
static bool add_blind(struct release *w, ia_err *e)
{
  ia_release_item *it = &w->item[w->n];

  if (!w->plan->encrypt && ia_addr_zero(&w->x->f.match.request.callback))
    return true;
  if (!ia_sms_result_blind(&w->secret[w->n], &w->s->keys, &w->r->task, e))
    return false;
  (void)!snprintf(it->name, sizeof(it->name), IA_RELEASE_BLIND);
  it->plain = ia_secret_view(&w->secret[w->n]);
  w->n++;
  return true;
}

static bool collect_items(struct release *w, ia_db *db, ia_err *e)
{
  size_t most = 4 + w->plan->n_slice + json_object_size(w->plan->params.secrets);
  ia_sms_secret_id app = {
      .kind = IA_SECRET_APP, .address = w->x->f.match.app.app, .name = IA_APP_SECRET_INDEX};

  if (most > IA_RELEASE_ITEMS_MAX)
    return ia_fail(e, IA_E_PARAMS_INVALID, "iexec_secrets names too many secrets");
  w->secret = calloc(most, sizeof(*w->secret));
  w->item = calloc(most, sizeof(*w->item));
  if (!w->secret || !w->item)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  return add_keys(w, db, e) && (!w->plan->app_secret || add_secret(w, db, &app, "app-secret", e)) &&
         add_requester_secrets(w, db, e) && add_blind(w, e);
}

/* -- the record -- */
static void record_data(const struct release *w, ia_record *rec)
{
  const ia_release_plan *p = w->plan;

  if (p->has_dataset)
    rec->datasets[rec->n_datasets++] =
        (ia_record_dataset){.address = w->x->f.match.dataset.dataset,
                            .owner = p->owner[IA_ASSET_DATASET],
                            .order_hash = p->order_hash[IA_ORDER_DATASET],
                            .signing = p->signing[IA_ORDER_DATASET],
                            .policy_hash = p->applied.policy_hash,
                            .epoch = p->applied.policy_epoch,
                            .terms_hash = p->applied.terms_hash,
                            .terms_version = p->applied.terms_version};
  for (size_t i = 0; i < p->n_slice; i++) {
    const ia_slice_item *it = &p->slice[i];

    if (it->code == IA_OK) {
      rec->datasets[rec->n_datasets++] = (ia_record_dataset){it->dataset,
                                                             it->owner,
                                                             it->order_hash,
                                                             it->signing,
                                                             it->applied.policy_hash,
                                                             it->applied.policy_epoch,
                                                             it->applied.terms_hash,
                                                             it->applied.terms_version};
      continue;
    }
    ia_record_refused *r = &rec->refused[rec->n_refused++];

    *r = (ia_record_refused){.index = i + 1, .address = it->dataset, .order_hash = it->order_hash};
    (void)!snprintf(r->code, sizeof(r->code), "%s", ia_code_name(it->code));
    (void)!snprintf(r->reason, sizeof(r->reason), "%s", it->reason);
  }
}

static bool make_record(struct release *w, ia_err *e)
{
  ia_record_dataset data[IA_BULK_DATASETS_MAX];
  ia_record_refused refused[IA_BULK_DATASETS_MAX];
  char by_ledger[IA_BY_LEDGER_MAX][IA_RECORD_WORD];
  ia_record rec = {.domain = w->s->domain,
                   .remote_simulation = w->s->remote_simulation,
                   .time = w->now,
                   .seq = w->seq,
                   .nonce = w->r->nonce,
                   .report_data = w->bind.report_data,
                   .evidence_hash = w->bind.evidence_hash,
                   .task_id = w->r->task,
                   .worker = w->r->lease.worker,
                   .fencing = w->r->lease.fencing,
                   .attempt = w->plan->attempt,
                   .enclave = w->r->enclave,
                   .desc_hash = w->desc_hash,
                   .app_owner = w->plan->owner[IA_ASSET_APP],
                   .pool_owner = w->plan->owner[IA_ASSET_WORKERPOOL],
                   .pool_proven = w->plan->pool_proven,
                   .datasets = data,
                   .refused = refused,
                   .by_ledger = by_ledger,
                   .n_by_ledger = w->plan->n_by_ledger};

  record_data(w, &rec);
  (void)!snprintf(rec.tee, sizeof(rec.tee), "%s", w->desc.tee);
  memcpy(rec.order_hash, w->plan->order_hash, sizeof(rec.order_hash));
  memcpy(rec.signing, w->plan->signing, sizeof(rec.signing));
  memcpy(by_ledger, w->plan->by_ledger, sizeof(by_ledger));
  ia_sha256(&rec.collateral_hash, ia_span_of(NULL, 0));
  ia_sha256(&rec.task_hash, ia_buf_view(&w->task));
  if (w->plan->has_result_key)
    ia_sha256(&rec.result_key_hash, ia_buf_view(&w->plan->result_key));
  return ia_record_text(&w->record, &rec, e) &&
         ia_text_sign(w->record_sig, w->s->domain, IA_RECORD_LABEL, ia_buf_view(&w->record),
                      &w->s->keys.seed, e);
}

static bool write_slice(const struct release *w, ia_db *db, ia_err *e)
{
  for (size_t i = 0; i < w->plan->n_slice; i++) {
    const ia_slice_item *it = &w->plan->slice[i];
    IA_AUTOV(ia_entry) x = {0};

    if (it->code != IA_OK)
      continue;
    ia_entry_begin(&x, IA_J_SLICE);
    ia_entry_u64(&x, w->seq);
    ia_entry_h256(&x, &w->r->task);
    ia_entry_addr(&x, &it->dataset);
    ia_entry_h256(&x, &it->order_hash);
    ia_entry_u64(&x, w->now);
    if (!ia_journal_put(db, &x, NULL, e))
      return false;
  }
  return true;
}

static bool write_release(const struct release *w, ia_db *db, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};

  ia_entry_begin(&x, IA_J_RELEASE);
  ia_entry_u64(&x, w->seq);
  ia_entry_h256(&x, &w->r->task);
  ia_entry_addr(&x, &w->x->f.match.dataset.dataset);
  ia_entry_h256(&x, &w->plan->order_hash[IA_ORDER_DATASET]);
  ia_entry_u64(&x, w->now);
  ia_entry_text(&x, ia_buf_view(&w->record));
  ia_entry_bytes(&x, IA_SPAN_ARR(w->record_sig));
  return ia_journal_put(db, &x, NULL, e) && write_slice(w, db, e);
}

/* Releases are numbered from 1. */
static bool next_number(ia_db *db, uint64_t *out, ia_err *e)
{
  bool row = false;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "SELECT 1 + coalesce(max(seq), 0) FROM release", e) ||
      !ia_stmt_step(st, &row, e))
    return false;
  *out = ia_col_u64(st, 0);
  ia_stmt_reset(st);
  return true;
}

/* The highest fencing number is remembered from the challenge on. */
static bool write_fence(const ia_lease *lease, ia_db *db, const ia_release_memory *m, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};
  ia_addr worker = {{0}};
  uint64_t highest = 0;
  bool has = false;

  if (!m->fencing(m->ctx, &lease->task_id, &has, &highest, &worker, e))
    return false;
  if (has && highest == lease->fencing && ia_addr_eq(&worker, &lease->worker))
    return true;
  ia_entry_begin(&x, IA_J_FENCE);
  ia_entry_h256(&x, &lease->task_id);
  ia_entry_u64(&x, lease->fencing);
  ia_entry_addr(&x, &lease->worker);
  return ia_journal_put(db, &x, NULL, e);
}

static bool write_audit(const struct release *w, ia_db *db, ia_err *e)
{
  return ia_sms_audit_release(db, w->plan, w->ruling, &w->x->f, w->now, w->seq, e);
}

/* The clock moved while facts were gathered: what hangs on time is judged by that of the record. */
static bool still_in_time(struct release *w)
{
  ia_release_facts *f = &w->x->f;
  ia_err late = {0};

  w->now = ia_now();
  f->ledger_time += w->now > f->now ? w->now - f->now : 0;
  f->now = w->now;
  if (!ia_release_in_time(w->ruling, f))
    return false;
  if (w->nonce_expires > w->now)
    return true;
  (void)ia_fail(&late, IA_E_NONCE_INVALID, "the nonce has expired");
  return ia_ruling_err(w->ruling, "nonce", &late);
}

/* Steps 8 and 10, the evidence that was judged before, step 12, then the record. A refusal is
 * written down as well: the owner reads it. */
static bool unit_release(void *ctx, ia_db *db, ia_err *e)
{
  struct release *w = ctx;
  bool in_time = still_in_time(w);
  ia_sms_memory mem = {db, w->s, w->now};
  ia_release_memory view = ia_sms_memory_view(&mem);

  if (!ia_sms_deal_seen(db, &w->plan->deal_id, w->now, e))
    return false;
  if (!in_time || !ia_release_admit(w->plan, w->ruling, &w->x->f, &view) ||
      (w->evidence.code != IA_OK && !ia_ruling_err(w->ruling, "evidence", &w->evidence)) ||
      !ia_release_secrets(w->plan, w->ruling, &w->x->f, &view)) {
    w->refused = true;
    return write_audit(w, db, e);
  }
  return collect_items(w, db, e) &&
         ia_sms_task_text(&w->task, w->plan, &w->x->f, &w->desc_hash, e) &&
         next_number(db, &w->seq, e) && make_record(w, e) && write_release(w, db, e) &&
         write_fence(&w->r->lease, db, &view, e) && write_audit(w, db, e);
}

/* -- the answer -- */
static bool put_items(json_t *answer, const ia_sealed_release *sealed, ia_err *e)
{
  json_t *items = json_array();

  for (size_t i = 0; i < sealed->n; i++)
    if (json_array_append_new(items,
                              json_pack("{s:s, s:o}", "name", sealed->items[i].name, "ct",
                                        ia_json_base64(ia_buf_view(&sealed->items[i].ct)))) != 0) {
      json_decref(items);
      return ia_fail(e, IA_E_MEMORY, "sms: no memory");
    }
  return ia_json_set(answer, "items", items, e);
}

static json_t *certificate(const struct release *w, ia_err *e)
{
  ia_enclave_cert c = {.domain = w->s->domain,
                       .task_id = w->r->task,
                       .worker = w->r->lease.worker,
                       .enclave = w->r->enclave,
                       .evidence_hash = w->bind.evidence_hash,
                       .expires = w->x->f.task.contribution_deadline};

  (void)!snprintf(c.tee, sizeof(c.tee), "%s", w->desc.tee);
  if (!ia_enclave_cert_sign(&c, &w->s->keys.seed, e))
    return NULL;
  return json_pack("{s:s, s:o, s:o, s:o, s:o, s:I, s:o}", "tee", c.tee, "taskId",
                   ia_json_h256(&c.task_id), "worker", ia_json_addr(&c.worker), "enclaveAddress",
                   ia_json_addr(&c.enclave), "evidenceHash", ia_json_h256(&c.evidence_hash),
                   "expires", (json_int_t)c.expires, "sig", ia_json_hex(IA_SPAN_ARR(c.sig)));
}

static bool seal_answer(struct release *w, ia_reply *rp, ia_err *e)
{
  IA_AUTOV(ia_sealed_release) sealed = {0};
  IA_AUTO_JSON *answer = json_object();
  ia_release_item *last = &w->item[w->n];

  (void)!snprintf(last->name, sizeof(last->name), "task");
  last->plain = ia_buf_view(&w->task);
  return ia_release_seal(&sealed, &w->bind, &w->r->pk, w->item, w->n + 1, &w->s->keys.seed, NULL,
                         NULL, e) &&
         ia_json_set(answer, "enc", ia_json_h256(&sealed.enc), e) &&
         put_items(answer, &sealed, e) &&
         ia_json_set(answer, "sig", ia_json_hex(IA_SPAN_ARR(sealed.sig)), e) &&
         ia_json_set(answer, "record", ia_json_bytes(ia_buf_view(&w->record)), e) &&
         ia_json_set(answer, "recordSig", ia_json_hex(IA_SPAN_ARR(w->record_sig)), e) &&
         ia_json_set(answer, "certificate", certificate(w, e), e) &&
         ia_reply_json(rp, 200, answer, e);
}

/* -- one way out a domain: only evidence of its own type opens it -- */
static bool release_sim(struct release *w, const sim_evidence *ev, ia_err *e)
{
  w->bind.report_data = ev->sim_report_data;
  return ia_sms_store_run(w->s->store, unit_release, w, e);
}

static bool release_hw(struct release *w, const hw_evidence *ev, ia_err *e)
{
  w->bind.report_data = ev->hw_report_data;
  return ia_sms_store_run(w->s->store, unit_release, w, e);
}

static bool judge_and_release(struct release *w, ia_err *e)
{
  if (w->s->domain == IA_DOMAIN_HW) {
    hw_evidence ev = {0};

    if (!ia_sms_judge_hw(&ev, w->s, w->r, &w->desc, &w->evidence))
      w->evidence.code = w->evidence.code == IA_OK ? IA_E_INTERNAL : w->evidence.code;
    return release_hw(w, &ev, e);
  }
  sim_evidence ev = {0};

  if (!ia_sms_judge_sim(&ev, w->s, w->r, &w->desc, ia_now(), &w->evidence))
    w->evidence.code = w->evidence.code == IA_OK ? IA_E_INTERNAL : w->evidence.code;
  return release_sim(w, &ev, e);
}

struct fencing {
  ia_sms *s;
  const ia_lease *lease;
  uint64_t now; /* of the unit */
};

static bool unit_fenced(void *ctx, ia_db *db, ia_err *e)
{
  struct fencing *f = ctx;
  ia_sms_memory mem = {db, f->s, f->now = ia_now()};
  ia_release_memory view = ia_sms_memory_view(&mem);

  return ia_lease_in_time(f->lease, f->now, e) && ia_lease_fencing(f->lease, &view, e);
}

/* Our own ledger shows a task before anybody is told of it. A node of a chain may be behind. */
static bool task_shown(const ia_sms *s, const ia_sms_facts *x, ia_err *e)
{
  return x->f.has_task || s->reorg_depth == 0 ||
         ia_fail(e, IA_E_UNAVAILABLE, "the ledger does not show the task yet");
}

/* Lease first, then the nonce, which is used up whatever the lease says. Fencing is looked at here
 * for its place in the order, and again in the unit that writes. */
static bool admit_request(struct release *w, const ia_sms_ledger *l, ia_err *e)
{
  const ia_sms_request *r = w->r;
  ia_sms_facts *x = w->x;
  ia_sms *s = w->s;
  ia_err nonce = {0};
  bool fresh =
      ia_sms_nonce_use(s, &r->nonce, &r->task, r->tee, r->stage, w->now, &w->nonce_expires, &nonce);

  if (!ia_sms_catch_up(s, l, e) || !ia_sms_facts_task(x, l, &s->pins, &r->task, w->now, e) ||
      !task_shown(s, x, e) ||
      !ia_lease_check(&r->lease, s->domain, &r->task, &x->f.pool_owner, ia_now(), e) ||
      !ia_sms_store_run(s->store, unit_fenced, &(struct fencing){s, &r->lease, 0}, e))
    return false;
  if (!fresh && e)
    *e = nonce;
  x->f.has_lease = true;
  x->f.lease = r->lease;
  return fresh && ia_sms_facts_orders(x, l, s->store, e);
}

/* Steps 1 to 7 and 9. */
static bool gather(struct release *w, ia_err *e)
{
  ia_sms_ledger *l = NULL;
  bool ok;

  if (!ia_sms_take_ledger(w->s, &l, e))
    return false;
  ok = admit_request(w, l, e);
  w->x->f.ledger = &l->view;
  if (ok && !ia_release_prove(w->plan, w->ruling, &w->x->f))
    ok = ia_ruling_check(w->ruling, e);
  ok = ok && ia_sms_in_time(l, e);
  w->x->f.ledger = NULL; /* its connection is another thread's from here */
  ia_sms_give_ledger(w->s, l, !ok);
  return ok;
}

/* What the owner's own rules say is for her log alone: who holds a lease learns that they refused.
 */
static bool answer_refusal(const ia_ruling *v, ia_err *e)
{
  const ia_clause *why = &v->line[v->first];
  const char *told = v->refused ? ia_refusal_of_owner(why->clause) : NULL;

  return told ? ia_fail(e, why->code, "%s", told) : ia_ruling_check(v, e);
}

bool ia_sms_h_release(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms *s = ctx;
  IA_AUTO_JSON *v = ia_request_json(rq, e);
  IA_AUTOV(ia_sms_request) r = {0};
  IA_AUTOV(ia_sms_facts) x = {0};
  IA_AUTOV(ia_release_plan) plan = {0};
  ia_ruling ruling = {0};
  struct release w = {.s = s, .r = &r, .x = &x, .plan = &plan, .ruling = &ruling, .now = ia_now()};
  bool ok;

  if (!v || !ia_sms_request_parse(&r, v, e) || !gather(&w, e))
    return false;
  w.bind = (ia_release_bind){.domain = s->domain, .nonce = r.nonce, .task_id = r.task};
  ok = ia_release_descriptor(&w.desc, &plan, &x.f,
                             s->domain == IA_DOMAIN_SIM ? IA_TEE_SIM : IA_TEE_TDX, e) &&
       ia_descriptor_hash(&w.desc_hash, &w.desc, e) &&
       ia_evidence_hash(&w.bind.evidence_hash, ia_buf_view(&r.quote), ia_buf_view(&r.event_log),
                        ia_buf_view(&r.aux), e);
  w.bind.tee = w.desc.tee;
  w.bind.stage = w.desc.stage;
  ok = ok && judge_and_release(&w, e);
  if (ok && w.refused)
    ok = answer_refusal(&ruling, e);
  ia_crash_point("sms.release.written");
  ok = ok && seal_answer(&w, rp, e);
  ia_crash_point("sms.release.reply");
  release_free(&w);
  return ok;
}

/* -- challenge -- */
static bool unit_fencing(void *ctx, ia_db *db, ia_err *e)
{
  const struct fencing *f = ctx;
  ia_sms_memory mem = {db, f->s, 0};
  ia_release_memory view = ia_sms_memory_view(&mem);

  return unit_fenced(ctx, db, e) && write_fence(f->lease, db, &view, e);
}

/* *now: when that was so; *pool: who signed the lease. */
static bool lease_holds(ia_sms *s, const ia_lease *lease, const ia_h256 *task, ia_addr *pool,
                        uint64_t *now, ia_err *e)
{
  struct fencing f = {s, lease, 0};

  IA_AUTOV(ia_sms_facts) x = {0};
  ia_sms_ledger *l = NULL;
  bool ok;

  if (!ia_sms_take_ledger(s, &l, e))
    return false;
  ok = ia_sms_catch_up(s, l, e) && ia_sms_facts_task(&x, l, &s->pins, task, ia_now(), e) &&
       ia_sms_in_time(l, e);
  ia_sms_give_ledger(s, l, !ok);
  ok = ok && task_shown(s, &x, e) &&
       ia_lease_check(lease, s->domain, task, &x.f.pool_owner, ia_now(), e) &&
       ia_sms_store_run(s->store, unit_fencing, &f, e);
  *now = f.now;
  *pool = x.f.pool_owner;
  return ok;
}

bool ia_sms_h_challenge(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  static const char *const keys[] = {"taskId", "stage", "tee", "lease", NULL};
  ia_sms *s = ctx;
  IA_AUTO_JSON *v = ia_request_json(rq, e), *answer = NULL;
  const char *stage, *tee;
  uint64_t now;
  ia_h256 task, nonce;
  ia_lease lease;
  ia_addr pool;
  json_t *lj;

  if (!v || !ia_json_only(v, keys, e) || !ia_json_get_h256(v, "taskId", &task, e) ||
      !ia_json_get_str(v, "stage", &stage, e) || !ia_json_get_str(v, "tee", &tee, e) ||
      !ia_json_get_obj(v, "lease", &lj, e) || !ia_sms_lease_parse(&lease, lj, e))
    return false;
  if (!lease_holds(s, &lease, &task, &pool, &now, e))
    return false;
  if (strcmp(stage, IA_STAGE_APP) != 0)
    return ia_fail(e, IA_E_NONCE_INVALID, "there is no stage \"%.16s\"", stage);
  if (!ia_tee_in_domain(tee, s->domain))
    return ia_fail(e, IA_E_DOMAIN_MISMATCH, "no evidence of kind \"%.16s\" is taken here", tee);
  if (!ia_sms_nonce_new(s, &nonce, &pool, &task, tee, stage, now, e))
    return false;
  ia_crash_point("sms.challenge.reply");
  answer =
      json_pack("{s:o, s:I, s:o}", "nonce", ia_json_h256(&nonce), "expires",
                (json_int_t)(now + IA_NONCE_SECONDS), "smsKey", ia_json_h256(&s->keys.sms_key));
  return answer ? ia_reply_json(rp, 200, answer, e) : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}
