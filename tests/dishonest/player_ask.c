/* Challenge, evidence, release. */
#include "base/clock.h"
#include "crypto/sha.h"
#include "eth/eip191.h"
#include "player.h"
#include "tee/eventlog.h"

/* -- the task, as the ledger tells it -- */
static bool order_hashes(player *p, ia_h256 *dataset, ia_h256 *request, const ia_h256 *deal,
                         uint64_t start, ia_err *e)
{
  IA_AUTOV(ia_chain_tx) tx = {0};
  ia_event matched;

  if (!ia_chain_find_match(p->chain, &tx, &matched, deal, start, e))
    return false;
  *dataset = matched.id[2];
  *request = matched.more[1];
  return true;
}

static bool describe(player *p, ia_descriptor *d, const ia_h256 *task_id, ia_err *e)
{
  IA_AUTOV(ia_buf) s1 = {0};
  IA_AUTOV(ia_buf) s2 = {0};
  IA_AUTOV(ia_buf) s3 = {0};
  IA_AUTOV(ia_buf) s4 = {0};
  ia_task task;
  ia_deal deal;
  ia_app_info app;
  ia_dataset_info data = {0};
  ia_task_input in = {0};

  if (!ia_chain_task(p->chain, &task, &s1, task_id, e) ||
      !ia_chain_deal(p->chain, &deal, &s2, &task.dealid, e) ||
      !ia_chain_app(p->chain, &app, &s3, &deal.app.pointer, e) ||
      !ia_chain_dataset(p->chain, &data, &s4, &deal.dataset.pointer, e))
    return false;
  *d = (ia_descriptor){.domain = IA_DOMAIN_SIM,
                       .chain_id = ia_chain_id(p->chain),
                       .hub = *ia_chain_hub(p->chain),
                       .deal_id = task.dealid,
                       .task_index = (uint32_t)task.idx.w[0],
                       .task_id = *task_id,
                       .app = deal.app.pointer,
                       .app_digest = app.checksum,
                       .dataset = deal.dataset.pointer,
                       .requester = deal.requester,
                       .stage = IA_STAGE_APP,
                       .tee = IA_TEE_SIM};
  in = (ia_task_input){.dataset = d->dataset, .checksum = data.checksum};
  ia_sha256(&d->rules_hash, ia_span_str(IA_RULES_NONE));
  return order_hashes(p, &in.order_hash, &d->request_hash, &task.dealid, deal.start_time, e) &&
         ia_inputs_hash(&d->inputs_hash, &in, 1, e);
}

/* -- lease -- */
static json_t *lease_json(player *p, const json_t *command, const ia_h256 *task, ia_err *e)
{
  const char *signer = json_string_value(json_object_get(command, "signer"));
  json_int_t seconds = json_integer_value(json_object_get(command, "seconds"));
  ia_lease l = {.task_id = *task, .expires = ia_now() + (uint64_t)(seconds ? seconds : 60)};
  ia_sig sig;
  ia_h256 h;

  if (!ia_json_get_addr(command, "worker", &l.worker, e) ||
      !ia_json_get_u64(command, "fencing", &l.fencing, e) ||
      !ia_lease_hash(&h, IA_DOMAIN_SIM, &l, e) ||
      !ia_eip191_sign(p->secp, &sig, IA_SPAN_ARR(h.b), signer ? &p->own : &p->pool, e))
    return NULL;
  return json_pack("{s:o, s:o, s:I, s:I, s:o}", "taskId", ia_json_h256(task), "worker",
                   ia_json_addr(&l.worker), "fencing", (json_int_t)l.fencing, "expires",
                   (json_int_t)l.expires, "sig", ia_json_hex(IA_SPAN_ARR(sig.b)));
}

static bool post(player *p, json_t **out, const json_t *command, const char *path,
                 const json_t *body, ia_err *e)
{
  const char *sms;
  char url[256];

  if (!ia_json_get_str(command, "sms", &sms, e))
    return false;
  (void)snprintf(url, sizeof(url), "%s%s", sms, path);
  return ia_http_json(p->http, out, "POST", url, body, e);
}

/* -- evidence -- */
typedef struct evidence {
  ia_release_bind bind;
  ia_h256 sms_key;
  ia_buf log, quote;
} evidence;

static void evidence_free(evidence *v)
{
  ia_buf_free(&v->log);
  ia_buf_free(&v->quote);
}
IA_DEFINE_AUTO_VALUE(evidence, evidence_free)

static bool make_evidence(player *p, evidence *v, const ia_descriptor *d, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_h384 rtmr3 = {{0}};
  ia_transcript t = {.domain = d->domain,
                     .tee = d->tee,
                     .stage = d->stage,
                     .nonce = v->bind.nonce,
                     .sms_key = v->sms_key,
                     .pk_guest = p->pk,
                     .enclave = p->enclave};

  ia_descriptor_put(&text, d);
  if (!ia_event_append(&v->log, &rtmr3, d->domain, IA_EVENT_DESCRIPTOR, ia_buf_view(&text), e) ||
      !ia_event_append(&v->log, &rtmr3, d->domain, IA_EVENT_ROOTFS, IA_SPAN_ARR(d->app_digest.b),
                       e))
    return false;
  t.event_log = ia_buf_view(&v->log);
  return ia_descriptor_hash(&t.desc_hash, d, e) && ia_report_data(&v->bind.report_data, &t, e) &&
         ia_quoting_quote(p->quoting, &v->quote, &p->guest, &rtmr3,
                          IA_SPAN_ARR(v->bind.report_data.b), e) &&
         ia_evidence_hash(&v->bind.evidence_hash, ia_buf_view(&v->quote), t.event_log,
                          ia_span_of(NULL, 0), e);
}

static json_t *request_json(player *p, const evidence *v, const json_t *lease)
{
  return json_pack("{s:o, s:o, s:s, s:s, s:O, s:o, s:o, s:o, s:o, s:s}", "nonce",
                   ia_json_h256(&v->bind.nonce), "taskId", ia_json_h256(&v->bind.task_id), "stage",
                   v->bind.stage, "tee", v->bind.tee, "lease", lease, "pk", ia_json_h256(&p->pk),
                   "enclaveAddress", ia_json_addr(&p->enclave), "quote",
                   ia_json_base64(ia_buf_view(&v->quote)), "eventLog",
                   ia_json_base64(ia_buf_view(&v->log)), "aux", "");
}

/* -- the answer -- */
static bool read_sealed(ia_sealed_release *r, const json_t *answer, ia_err *e)
{
  IA_AUTOV(ia_buf) sig = {0};
  json_t *items, *it;
  size_t i;

  if (!ia_json_get_arr(answer, "items", &items, e) ||
      !ia_json_get_h256(answer, "enc", &r->enc, e) || !ia_json_get_hex(answer, "sig", &sig, e) ||
      sig.len != sizeof(r->sig))
    return false;
  memcpy(r->sig, sig.ptr, sizeof(r->sig));
  r->n = json_array_size(items);
  r->items = calloc(r->n + 1, sizeof(*r->items));
  if (!r->items)
    return ia_fail(e, IA_E_MEMORY, "no memory");
  json_array_foreach (items, i, it) {
    const char *name;

    if (!ia_json_get_str(it, "name", &name, e) || !ia_json_get_base64(it, "ct", &r->items[i].ct, e))
      return false;
    (void)snprintf(r->items[i].name, sizeof(r->items[i].name), "%s", name);
  }
  return true;
}

/* The items in clear: they are a test's. */
static bool open_items(player *p, json_t *answer, const evidence *v, ia_err *e)
{
  IA_AUTOV(ia_sealed_release) r = {0};
  ia_secret plain[8] = {0};
  json_t *opened = json_object();

  if (!read_sealed(&r, answer, e) || !ia_json_set(answer, "opened", opened, e))
    return false;
  if (r.n > IA_COUNT(plain))
    return ia_fail(e, IA_E_TOO_LARGE, "more items than a test has");
  if (!ia_release_open(plain, &r, &v->bind, &v->sms_key, &p->sk, e))
    return false;
  for (size_t i = 0; i < r.n; i++) {
    ia_span text = ia_secret_view(&plain[i]);

    (void)json_object_set_new(opened, r.items[i].name,
                              ia_utf8_valid(text) ? ia_json_bytes(text) : ia_json_hex(text));
    ia_secret_free(&plain[i]);
  }
  return true;
}

static bool release(player *p, json_t **out, const json_t *command, const json_t *lease,
                    evidence *v, ia_err *e)
{
  ia_descriptor d;

  if (!describe(p, &d, &v->bind.task_id, e) || !make_evidence(p, v, &d, e))
    return false;
  json_decref(p->last);
  p->last = request_json(p, v, lease);
  return p->last && post(p, out, command, "/attest/v1/release", p->last, e) &&
         open_items(p, *out, v, e);
}

bool player_ask(player *p, json_t **out, const json_t *command, ia_err *e)
{
  IA_AUTOV(evidence)
  v = {.bind = {.domain = IA_DOMAIN_SIM, .tee = IA_TEE_SIM, .stage = IA_STAGE_APP}};
  IA_AUTO_JSON *lease = NULL, *body = NULL, *nonce = NULL;

  if (!ia_json_get_h256(command, "task", &v.bind.task_id, e))
    return false;
  lease = lease_json(p, command, &v.bind.task_id, e);
  if (!lease)
    return false;
  body = json_pack("{s:o, s:s, s:s, s:O}", "taskId", ia_json_h256(&v.bind.task_id), "stage",
                   IA_STAGE_APP, "tee", IA_TEE_SIM, "lease", lease);
  if (!post(p, &nonce, command, "/attest/v1/challenge", body, e) ||
      !ia_json_get_h256(nonce, "nonce", &v.bind.nonce, e) ||
      !ia_json_get_h256(nonce, "smsKey", &v.sms_key, e))
    return false;
  if (json_object_get(command, "until")) {
    *out = json_incref(nonce);
    return true;
  }
  return release(p, out, command, lease, &v, e);
}

bool player_again(player *p, json_t **out, const json_t *command, ia_err *e)
{
  return post(p, out, command, "/attest/v1/release", p->last, e);
}
