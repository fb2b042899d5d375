/* Makes the sample in the order in which a task happens. */
#include "sample.h"

#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"
#include "crypto/ed25519.h"
#include "crypto/keccak.h"
#include "crypto/sha.h"
#include "eth/eip191.h"
#include "eth/tx.h"
#include "poco/abi.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "tee/eventlog.h"
#include "tee/release.h"

enum { CHAIN = 421614 };

static void must(bool ok)
{
  if (!ok) {
    (void)fputs("the sample could not be made\n", stderr);
    abort();
  }
}

static ia_addr addr_of(uint8_t v)
{
  ia_addr a;

  memset(a.b, v, sizeof(a.b));
  return a;
}

static ia_h256 hash_of(uint8_t v)
{
  ia_h256 h;

  memset(h.b, v, sizeof(h.b));
  return h;
}

static void key(const sample *s, ia_secret *out, ia_addr *address, uint8_t v)
{
  must(ia_secret_new(out, 32, NULL));
  memset(out->ptr, v, 32);
  if (address)
    must(ia_secp_address(s->secp, address, out, NULL));
}

static void make_keys(sample *s)
{
  must(ia_secp_new(&s->secp, NULL) && ia_simpki_new(&s->pki, SAMPLE_NOW, NULL));
  key(s, &s->owner, &s->owner_a, 4);
  key(s, &s->requester, &s->requester_a, 5);
  key(s, &s->pool, &s->pool_a, 2);
  key(s, &s->worker, &s->worker_a, 1);
  key(s, &s->enclave, &s->enclave_a, 3);
  key(s, &s->sms, NULL, 0x41);
  must(ia_ed25519_public(s->sms_key.b, &s->sms, NULL));
}

/* The user's trust file, as an SMS's info document would fill it. */
static void make_trust(sample *s)
{
  ia_trust_sms *t;

  must(ia_trust_new(&s->trust, NULL));
  t = &s->trust->sms[s->trust->n++];
  *t = (ia_trust_sms){.key = s->sms_key,
                      .domain = IA_DOMAIN_SIM,
                      .chain_id = CHAIN,
                      .hub = addr_of(0x22),
                      .app_registry = addr_of(0xa1),
                      .dataset_registry = addr_of(0xa2),
                      .workerpool_registry = addr_of(0xa3),
                      .proxy_code_hash = hash_of(0xcc),
                      .guests = calloc(1, sizeof(ia_h384)),
                      .n_guests = 1,
                      .sim_roots = calloc(1, sizeof(ia_h256)),
                      .n_sim_roots = 1};
  t->pools = calloc(1, sizeof(ia_addr));
  t->n_pools = 1;
  must(t->guests && t->sim_roots && t->pools);
  ia_workerpool_address(&s->pool_at, &t->workerpool_registry, &t->proxy_code_hash, &s->pool_a,
                        ia_span_str("sample pool"));
  t->pools[0] = s->pool_at;
  memset(t->guests[0].b, 0x77, 48);
  must(ia_simpki_root_digest(&t->sim_roots[0], s->pki, NULL));
  ia_order_separator(&s->separator, CHAIN, &t->hub);
}

static void make_assets(sample *s)
{
  static const char multiaddr[] = "/ipfs/QmSample";
  const ia_trust_sms *t = &s->trust->sms[0];
  ia_descriptor *d = &s->stated.desc;
  ia_app_info app = {.owner = s->owner_a,
                     .name = s->name,
                     .type = ia_span_str("DOCKER"),
                     .multiaddr = ia_span_str(multiaddr),
                     .checksum = hash_of(0x55)};
  ia_dataset_info data = {.owner = s->owner_a,
                          .name = s->name,
                          .multiaddr = ia_span_str(multiaddr),
                          .checksum = s->checksum};

  ia_app_address(&d->app, &t->app_registry, &t->proxy_code_hash, &app);
  ia_dataset_address(&d->dataset, &t->dataset_registry, &t->proxy_code_hash, &data);
  d->app_digest = app.checksum;
  s->assets = json_pack("{s:{s:o,s:o,s:s,s:o,s:o,s:s},s:[{s:o,s:o,s:o,s:o,s:o}]}", "app", "owner",
                        ia_json_addr(&s->owner_a), "name", ia_json_foreign(s->name), "type",
                        "DOCKER", "multiaddr", ia_json_hex(ia_span_str(multiaddr)), "checksum",
                        ia_json_h256(&app.checksum), "mrenclave", "0x", "datasets", "address",
                        ia_json_addr(&d->dataset), "owner", ia_json_addr(&s->owner_a), "name",
                        ia_json_foreign(s->name), "multiaddr", ia_json_hex(ia_span_str(multiaddr)),
                        "checksum", ia_json_h256(&s->checksum));
  must(s->assets != NULL);
  s->data = d->dataset;
  if (!s->bulk)
    return;
  ia_addr refused = addr_of(0xdd);
  ia_h256 checksum = hash_of(0x98);
  d->dataset = addr_of(0);
  must(json_array_append_new(json_object_get(s->assets, "datasets"),
                             json_pack("{s:o,s:o}", "address", ia_json_addr(&refused), "checksum",
                                       ia_json_h256(&checksum))) == 0);
}

static void add_order(sample *s, ia_order_kind kind, const char *name, const void *order,
                      const ia_secret *signer)
{
  IA_AUTOV(ia_order_box) box = {0};

  must(ia_order_copy(&box, kind, order, NULL));
  if (s->kind != SAMPLE_PRESIGNED)
    must(ia_order_sign(&box, s->secp, &s->separator, signer, NULL));
  ia_order_hash(&s->order_hash[kind], &s->separator, kind, &box.order.app);
  must(json_object_set_new(s->orders, name, ia_order_json(kind, &box.order.app, 0, NULL)) == 0);
}

static void make_orders(sample *s)
{
  const ia_descriptor *d = &s->stated.desc;
  ia_app_order app = {.app = d->app, .volume = ia_u256_of(10), .salt = hash_of(1)};
  ia_dataset_order data = {.dataset = s->data, .volume = ia_u256_of(3), .salt = hash_of(2)};
  ia_workerpool_order pool = {
      .workerpool = s->pool_at, .volume = ia_u256_of(5), .salt = hash_of(3)};
  ia_request_order req = {.app = d->app,
                          .dataset = d->dataset,
                          .requester = s->requester_a,
                          .volume = ia_u256_of(2),
                          .beneficiary = s->requester_a,
                          .params = ia_span_str("{\"iexec_args\":\"1 2\"}"),
                          .salt = hash_of(4)};

  s->orders = json_object();
  add_order(s, IA_ORDER_APP, "app", &app, &s->owner);
  add_order(s, IA_ORDER_DATASET, "dataset", &data, &s->owner);
  add_order(s, IA_ORDER_WORKERPOOL, "workerpool", &pool, &s->pool);
  add_order(s, IA_ORDER_REQUEST, "request", &req, &s->requester);
  s->data_hash = s->order_hash[IA_ORDER_DATASET];
  if (!s->bulk)
    return;
  s->order_hash[IA_ORDER_DATASET] = hash_of(0);
  must(json_object_set_new(s->orders, "slice",
                           json_pack("[O,n]", json_object_get(s->orders, "dataset"))) == 0 &&
       json_object_set_new(s->orders, "dataset", json_null()) == 0);
}

/* Deal, task, descriptor, events, report data, quote. */
static void make_evidence(sample *s)
{
  ia_run *r = &s->stated;
  ia_descriptor *d = &r->desc;
  ia_u256 first = ia_u256_of(r->bot_first), index = ia_u256_of(d->task_index);
  ia_task_input in[] = {{s->data, s->checksum, s->data_hash},
                        {addr_of(0xdd), hash_of(0x98), hash_of(0xde)}};
  IA_AUTOV(ia_buf) bytes = {0};
  ia_sim_claims claims = {.mr_td = s->trust->sms[0].guests[0]};

  d->request_hash = s->order_hash[IA_ORDER_REQUEST];
  ia_deal_id(&d->deal_id, &d->request_hash, &first);
  ia_task_id(&d->task_id, &d->deal_id, &index);
  ia_sha256(&d->rules_hash, ia_span_str(IA_RULES_NONE));
  must(ia_inputs_hash(&d->inputs_hash, in, s->bulk ? 2 : 1, NULL));
  ia_descriptor_put(&bytes, d);
  must(ia_event_append(&s->log, &s->rtmr3, d->domain, IA_EVENT_DESCRIPTOR, ia_buf_view(&bytes),
                       NULL) &&
       ia_event_append(&s->log, &s->rtmr3, d->domain, IA_EVENT_ROOTFS, IA_SPAN_ARR(d->app_digest.b),
                       NULL));
  ia_transcript t = {.domain = d->domain,
                     .tee = d->tee,
                     .stage = d->stage,
                     .nonce = r->nonce,
                     .sms_key = s->sms_key,
                     .event_log = ia_buf_view(&s->log),
                     .pk_guest = r->pk_guest,
                     .enclave = s->enclave_a};
  must(ia_descriptor_hash(&t.desc_hash, d, NULL) && ia_report_data(&claims.report_data, &t, NULL));
  claims.rtmr3 = s->rtmr3;
  must(ia_sim_quote(&s->quote, s->pki, &claims, NULL));
  s->record.desc_hash = t.desc_hash;
  s->record.report_data = claims.report_data;
  s->evidence = json_pack("{s:o,s:o,s:s}", "quote", ia_json_base64(ia_buf_view(&s->quote)),
                          "eventLog", ia_json_base64(ia_buf_view(&s->log)), "aux", "");
  must(s->evidence != NULL);
}

static void refuse_second(ia_record *r)
{
  r->refused = calloc(1, sizeof(*r->refused));
  must(r->refused != NULL);
  r->n_refused = 1;
  r->refused[0] = (ia_record_refused){.index = 2,
                                      .address = addr_of(0xdd),
                                      .order_hash = hash_of(0xde),
                                      .code = "REVOKED",
                                      .reason = "the order was revoked"};
}

static void fill_record(sample *s)
{
  ia_record *r = &s->record;
  const ia_run *run = &s->stated;

  (void)snprintf(r->tee, sizeof(r->tee), "sim");
  r->domain = IA_DOMAIN_SIM;
  r->time = SAMPLE_NOW;
  r->seq = 7;
  r->nonce = run->nonce;
  must(ia_evidence_hash(&r->evidence_hash, ia_buf_view(&s->quote), ia_buf_view(&s->log),
                        ia_span_of("", 0), NULL));
  ia_sha256(&r->collateral_hash, ia_span_of("", 0));
  r->task_id = run->desc.task_id;
  r->worker = s->worker_a;
  r->fencing = 1;
  r->attempt = s->kind == SAMPLE_ATTEMPTS ? 2 : 1;
  r->enclave = s->enclave_a;
  memcpy(r->order_hash, s->order_hash, sizeof(r->order_hash));
  r->datasets = calloc(1, sizeof(*r->datasets));
  must(r->datasets != NULL);
  r->n_datasets = 1;
  r->datasets[0] =
      (ia_record_dataset){.address = s->data, .owner = s->owner_a, .order_hash = s->data_hash};
  if (s->kind != SAMPLE_PRESIGNED) { /* there the owner states nothing */
    ia_sha256(&r->datasets[0].policy_hash, ia_span_str("{\"v\":1}"));
    ia_sha256(&r->datasets[0].terms_hash, ia_span_str("the terms"));
    r->datasets[0].epoch = 1;
    r->datasets[0].terms_version = 3;
  }
  r->datasets[0].signing = s->kind == SAMPLE_PRESIGNED ? IA_SIGNING_TX : IA_SIGNING_KEY;
  for (int k = 0; k < IA_ORDER_KINDS; k++)
    r->signing[k] = r->datasets[0].signing;
  r->pool_owner = s->pool_a;
  r->pool_proven = true;
  if (s->bulk)
    refuse_second(r);
  r->app_owner = s->owner_a;
  ia_sha256(&r->result_key_hash, ia_span_str("a key"));
  r->task_hash = run->task_hash;
}

void sample_release(sample *s)
{
  IA_AUTOV(ia_buf) text = {0};
  const ia_record *r = &s->record;
  ia_release_bind bind = {.domain = r->domain,
                          .tee = r->tee,
                          .stage = "app",
                          .nonce = r->nonce,
                          .report_data = r->report_data,
                          .evidence_hash = r->evidence_hash,
                          .task_id = r->task_id};
  ia_release_item item = {"task", ia_span_str("{}")};
  IA_AUTOV(ia_sealed_release) sealed = {0};
  ia_enclave_cert cert = {.domain = r->domain,
                          .tee = "sim",
                          .task_id = r->task_id,
                          .worker = r->worker,
                          .enclave = r->enclave,
                          .evidence_hash = r->evidence_hash,
                          .expires = SAMPLE_NOW + 300};
  ia_h256 items;
  uint8_t sig[64];

  must(ia_record_text(&text, r, NULL));
  must(ia_text_sign(sig, r->domain, IA_RECORD_LABEL, ia_buf_view(&text), &s->sms, NULL));
  must(ia_release_seal(&sealed, &bind, &s->stated.pk_guest, &item, 1, &s->sms, NULL, NULL, NULL));
  must(ia_release_cts_hash(&items, &sealed, NULL));
  must(ia_enclave_cert_sign(&cert, &s->sms, NULL));
  json_decref(s->release);
  s->release =
      json_pack("{s:o,s:o,s:o,s:o,s:o,s:{s:s,s:o,s:o,s:o,s:o,s:I,s:o}}", "record",
                ia_json_bytes(ia_buf_view(&text)), "recordSig", ia_json_hex(IA_SPAN_ARR(sig)),
                "enc", ia_json_h256(&sealed.enc), "itemsHash", ia_json_h256(&items), "sig",
                ia_json_hex(IA_SPAN_ARR(sealed.sig)), "certificate", "tee", cert.tee, "taskId",
                ia_json_h256(&cert.task_id), "worker", ia_json_addr(&cert.worker), "enclaveAddress",
                ia_json_addr(&cert.enclave), "evidenceHash", ia_json_h256(&cert.evidence_hash),
                "expires", (json_int_t)cert.expires, "sig", ia_json_hex(IA_SPAN_ARR(cert.sig)));
  must(s->release != NULL);
}

static void fill_run(sample *s, ia_span result)
{
  ia_run *r = &s->stated;

  r->desc = (ia_descriptor){.domain = IA_DOMAIN_SIM,
                            .chain_id = CHAIN,
                            .hub = addr_of(0x22),
                            .task_index = 1,
                            .requester = s->requester_a,
                            .stage = "app",
                            .tee = "sim"};
  r->bot_first = 1;
  r->nonce = hash_of(0xa0);
  /* a point of X25519: any 32 bytes that are not of small order */
  r->pk_guest = hash_of(9);
  r->sms_key = s->sms_key;
  r->task_hash = hash_of(0xf0);
  r->has_result = true;
  r->result_digest = hash_of(0x44);
  r->manifest_hash = hash_of(0x45);
  r->result = (ia_run_object){.there = true, .cid = "QmResult", .size = result.len};
  ia_sha256(&r->result.sha256, result);
  r->result.encrypted = true;
  r->logs = (ia_run_object){.there = true, .sha256 = hash_of(0x46), .cid = "QmLogs", .size = 9};
  r->started = SAMPLE_NOW;
  r->ended = SAMPLE_NOW + 1;
  if (s->kind != SAMPLE_FAILED)
    return;
  r->has_result = false;
  r->result = (ia_run_object){0};
  r->exit_code = 9;
  (void)snprintf(r->cause, sizeof(r->cause), "APP_COMPUTE_FAILED");
}

static void make_run(sample *s)
{
  ia_run *r = &s->stated;

  r->inputs = calloc(1, sizeof(*r->inputs));
  must(r->inputs != NULL);
  r->n_inputs = 1;
  r->inputs[0] = (ia_run_input){.dataset = s->data, .sha256 = s->checksum};
  must(ia_run_sign(&s->run, r, s->secp, &s->enclave, NULL));
}

static void sign(const sample *s, ia_sig *out, const ia_h256 *message, const ia_secret *k)
{
  must(ia_eip191_sign(s->secp, out, IA_SPAN_ARR(message->b), k, NULL));
}

static void make_tx(sample *s, ia_buf *raw)
{
  static const char link[] = "{ \"storage\": \"ipfs\", \"location\": \"/ipfs/QmResult\" }";
  const ia_run *r = &s->stated;
  const ia_h256 *task = &r->desc.task_id;
  IA_AUTOV(ia_buf) data = {0};
  ia_h256 hash, seal, message, authorization;
  ia_sig enclave, pool;

  ia_result_hash(&hash, task, &r->result_digest);
  ia_result_seal(&seal, &s->worker_a, task, &r->result_digest);
  ia_enclave_message(&message, &hash, &seal);
  ia_authorization_message(&authorization, &s->worker_a, task, &s->enclave_a);
  sign(s, &enclave, &message, &s->enclave);
  sign(s, &pool, &authorization, &s->pool);
  ia_args a = {
      .id = {*task, r->result_digest},
      .addr = {s->enclave_a},
      .bytes = {ia_span_str(link), {NULL, 0}, IA_SPAN_ARR(enclave.b), IA_SPAN_ARR(pool.b)}};
  ia_call_encode(&data, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a);
  ia_tx tx = {
      .type = 0, .chain_id = CHAIN, .gas = 1000000, .to = r->desc.hub, .data = ia_buf_view(&data)};
  must(ia_tx_sign(raw, &tx, s->secp, &s->worker, NULL));
}

void sample_settle(sample *s, const ia_secret *key)
{
  ia_settlement st = {.domain = IA_DOMAIN_SIM,
                      .chain_id = CHAIN,
                      .hub = s->stated.desc.hub,
                      .task_id = s->stated.desc.task_id};

  if (s->kind != SAMPLE_ALONE)
    must(ia_dsse_hash(&st.run_hash, s->run, NULL));
  if (s->kind == SAMPLE_ALONE || s->kind == SAMPLE_FAILED) {
    (void)snprintf(st.cause, sizeof(st.cause), "APP_COMPUTE_FAILED");
  } else {
    st.block_number = 12;
    st.block_hash = hash_of(0xbb);
    make_tx(s, &st.tx);
  }
  json_decref(s->settlement);
  must(ia_settlement_sign(&s->settlement, &st, s->secp, key, NULL));
  ia_settlement_free(&st);
}

static void make_pool(sample *s)
{
  s->workerpool =
      json_pack("{s:o,s:o,s:o}", "address", ia_json_addr(&s->pool_at), "owner",
                ia_json_addr(&s->pool_a), "description", ia_json_hex(ia_span_str("sample pool")));
  must(s->workerpool != NULL);
}

static void make(sample *s, sample_kind kind, ia_span name, ia_span result)
{
  *s = (sample){.name = name, .checksum = hash_of(0x99), .kind = kind, .bulk = kind == SAMPLE_BULK};
  make_keys(s);
  make_trust(s);
  fill_run(s, result);
  make_assets(s);
  make_orders(s);
  make_evidence(s);
  fill_record(s);
  sample_release(s);
  make_run(s);
  make_pool(s);
  sample_settle(s, &s->pool);
}

void sample_make_kind(sample *s, sample_kind kind, ia_span result)
{
  make(s, kind, ia_span_str("sample"), result);
}

void sample_make(sample *s, ia_span result)
{
  sample_make_kind(s, SAMPLE_COMPLETED, result);
}

void sample_make_named(sample *s, ia_span name, ia_span result)
{
  make(s, SAMPLE_COMPLETED, name, result);
}

void sample_make_bulk(sample *s, ia_span result)
{
  sample_make_kind(s, SAMPLE_BULK, result);
}

void sample_free(sample *s)
{
  ia_secret *keys[] = {&s->owner, &s->requester, &s->pool, &s->worker, &s->enclave, &s->sms};
  json_t *parts[] = {s->orders, s->assets,     s->evidence,  s->release,
                     s->run,    s->settlement, s->workerpool};

  for (size_t i = 0; i < IA_COUNT(keys); i++)
    ia_secret_free(keys[i]);
  for (size_t i = 0; i < IA_COUNT(parts); i++)
    json_decref(parts[i]);
  ia_run_free(&s->stated);
  ia_record_free(&s->record);
  ia_buf_free(&s->quote);
  ia_buf_free(&s->log);
  ia_trust_free(s->trust);
  ia_simpki_free(s->pki);
  ia_secp_free(s->secp);
}

void sample_trust_file(ia_buf *out, const sample *s)
{
  const ia_trust_sms *t = &s->trust->sms[0];
  IA_AUTO_JSON *info = json_pack(
      "{s:i,s:s,s:o,s:I,s:o,s:{s:o,s:o,s:o},s:o,s:[o],s:[o],s:b}", "v", 1, "domain", "sim",
      "smsKey", ia_json_h256(&t->key), "chainId", (json_int_t)t->chain_id, "hub",
      ia_json_addr(&t->hub), "registries", "app", ia_json_addr(&t->app_registry), "dataset",
      ia_json_addr(&t->dataset_registry), "workerpool", ia_json_addr(&t->workerpool_registry),
      "proxyCodeHash", ia_json_h256(&t->proxy_code_hash), "guests",
      ia_json_hex(IA_SPAN_ARR(t->guests[0].b)), "simRoots", ia_json_h256(&t->sim_roots[0]),
      "remoteSimulation", false);

  must(info && ia_trust_add(out, ia_span_of("", 0), info, &s->pool_at, NULL));
}

void sample_receipt(ia_buf *out, const sample *s)
{
  ia_receipt_parts p = {.run = s->run,
                        .release = s->release,
                        .settlement = s->settlement,
                        .orders = s->orders,
                        .assets = s->assets,
                        .evidence = s->evidence};

  if (s->kind == SAMPLE_ALONE)
    p = (ia_receipt_parts){.settlement = s->settlement, .workerpool = s->workerpool};
  must(ia_receipt_build(out, &p, NULL));
}
