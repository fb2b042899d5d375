/* The guest of sms_lab.h: leases, evidence, requests. */
#ifndef IA_TESTS_SERVICE_SMS_LAB_GUEST_H
#define IA_TESTS_SERVICE_SMS_LAB_GUEST_H

#include "sms_lab.h"

/* -- the guest -- */
static inline json_t *lab_lease(struct lab *b)
{
  const ia_lease *l = &b->w->f.lease;

  return json_pack("{s:o, s:o, s:I, s:I, s:o}", "taskId", ia_json_h256(&l->task_id), "worker",
                   ia_json_addr(&l->worker), "fencing", (json_int_t)l->fencing, "expires",
                   (json_int_t)l->expires, "sig", ia_json_hex(IA_SPAN_ARR(l->sig)));
}

static inline bool lab_challenge(struct lab *b, ia_h256 *nonce)
{
  IA_AUTO_JSON *v = lab_post(
      b, "/attest/v1/challenge",
      json_pack("{s:o, s:s, s:s, s:o}", "taskId", ia_json_h256(&b->w->f.task_id), "stage", "app",
                "tee", b->w->pins.domain == IA_DOMAIN_SIM ? "sim" : "tdx", "lease", lab_lease(b)));

  return v && ia_json_get_h256(v, "nonce", nonce, NULL);
}

/* D of the world's task. */
static inline void lab_descriptor(struct lab *b, ia_descriptor *d)
{
  IA_AUTOV(ia_release_plan) plan = {0};
  ia_ruling v = {0};

  if (!ia_release_prove(&plan, &v, &b->w->f))
    fail_msg("%s", v.line[v.first].message);
  assert_true(ia_release_descriptor(d, &plan, &b->w->f, IA_TEE_SIM, NULL));
}

struct evidence {
  ia_h256 nonce;
  ia_buf log, quote;
  ia_h512 report_data;
  ia_h256 hash;
};

static inline void evidence_free(struct evidence *ev)
{
  ia_buf_free(&ev->log);
  ia_buf_free(&ev->quote);
}

static inline void lab_evidence(struct lab *b, const ia_descriptor *d, struct evidence *ev)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_sim_claims claims = {.mr_td = b->guest};
  ia_transcript t = {.domain = d->domain,
                     .tee = d->tee,
                     .stage = d->stage,
                     .nonce = ev->nonce,
                     .sms_key = b->w->pins.sms_key,
                     .pk_guest = b->pk,
                     .enclave = b->enclave};

  ia_descriptor_put(&text, d);
  assert_true(ia_event_append(&ev->log, &claims.rtmr3, d->domain, IA_EVENT_DESCRIPTOR,
                              ia_buf_view(&text), NULL));
  assert_true(ia_event_append(&ev->log, &claims.rtmr3, d->domain, IA_EVENT_ROOTFS,
                              IA_SPAN_ARR(d->app_digest.b), NULL));
  t.event_log = ia_buf_view(&ev->log);
  assert_true(ia_descriptor_hash(&t.desc_hash, d, NULL));
  assert_true(ia_report_data(&ev->report_data, &t, NULL));
  claims.report_data = ev->report_data;
  assert_true(ia_sim_quote(&ev->quote, b->pki, &claims, NULL));
  assert_true(ia_evidence_hash(&ev->hash, ia_buf_view(&ev->quote), ia_buf_view(&ev->log),
                               ia_span_of(NULL, 0), NULL));
}

static inline json_t *lab_request(struct lab *b, const struct evidence *ev)
{
  return json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:s}", "nonce",
                   ia_json_h256(&ev->nonce), "taskId", ia_json_h256(&b->w->f.task_id), "stage",
                   "app", "tee", "sim", "lease", lab_lease(b), "pk", ia_json_h256(&b->pk),
                   "enclaveAddress", ia_json_addr(&b->enclave), "quote",
                   ia_json_base64(ia_buf_view(&ev->quote)), "eventLog",
                   ia_json_base64(ia_buf_view(&ev->log)), "aux", "");
}

/* Challenge and release; NULL with b->error. ev may be NULL. */
static inline json_t *lab_release(struct lab *b, struct evidence *keep)
{
  struct evidence ev = {0};
  ia_descriptor d;
  json_t *out = NULL;

  if (!lab_challenge(b, &ev.nonce))
    return NULL;
  lab_descriptor(b, &d);
  lab_evidence(b, &d, &ev);
  out = lab_post(b, "/attest/v1/release", lab_request(b, &ev));
  if (keep)
    *keep = ev;
  else
    evidence_free(&ev);
  return out;
}

/* The whole thing again: "OK" or the code of the refusal. */
static inline const char *lab_outcome(struct lab *b)
{
  IA_AUTO_JSON *v = lab_release(b, NULL);

  return v ? "OK" : b->error;
}

/* Task i of the world's deal. */
static inline void nth(struct lab *b, uint64_t i)
{
  struct world *w = b->w;

  w->f.task.idx = ia_u256_of(i);
  ia_task_id(&w->f.task_id, &w->f.task.dealid, &w->f.task.idx);
  w_lease(w);
}

/* A deal of that many tasks on a grant of that many runs; the key is here. */
static inline struct lab *lab_of(uint64_t tasks, uint64_t volume)
{
  struct lab *b = lab_open("", IA_DOMAIN_SIM);
  struct world *w = b->w;

  w->order[IA_ORDER_DATASET].order.dataset.volume = ia_u256_of(volume);
  w->order[IA_ORDER_REQUEST].order.request.volume = ia_u256_of(tasks);
  w_sign(w, IA_ORDER_DATASET, W_DATA);
  w_sign(w, IA_ORDER_REQUEST, W_USER);
  w_deal(w);
  w->f.deal.bot_size = ia_u256_of(tasks);
  w->f.task.contribution_deadline = w->f.now + 2100;
  lab_calldata(b);
  nth(b, 0);
  assert_int_equal(lab_push_key(b, W_DATA), 204);
  return b;
}

static inline void restart(struct lab *b)
{
  ia_err e = {0};

  lab_stop(b);
  if (!lab_start(b, &e))
    fail_msg("%s", e.msg);
}

/* As lab_outcome, of a descriptor that was made while the world could still prove its owner. */
static inline const char *outcome_of(struct lab *b, const ia_descriptor *d)
{
  struct evidence ev = {0};
  IA_AUTO_JSON *v = NULL;

  if (!lab_challenge(b, &ev.nonce))
    return b->error;
  lab_evidence(b, d, &ev);
  v = lab_post(b, "/attest/v1/release", lab_request(b, &ev));
  evidence_free(&ev);
  return v ? "OK" : b->error;
}

/* The order's hash does not hang on who signed it, so the descriptor stays. */
static inline void resign(struct lab *b, int who)
{
  w_sign(b->w, IA_ORDER_DATASET, who);
  b->w->f.match.dataset = b->w->order[IA_ORDER_DATASET].order.dataset;
  lab_calldata(b);
}

#endif
