/* A host and an SMS for tests of the guest. */
#include "host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "base/hex.h"
#include "crypto/ed25519.h"
#include "crypto/sha.h"
#include "crypto/unixfs.h"
#include "data/cipher.h"
#include "data/result.h"
#include "data/zip.h"
#include "fixture.h"
#include "poco/appenv.h"
#include "poco/ids.h"
#include "receipt/run.h"

static void send_frame(fake_host *h, uint8_t type, uint32_t stream, ia_span payload)
{
  (void)!ia_frame_write(h->fd, type, stream, payload, NULL);
}

static void send_json(fake_host *h, uint8_t type, uint32_t stream, const json_t *v)
{
  IA_AUTOV(ia_buf) b = {0};

  assert_true(ia_json_write(&b, v, NULL));
  send_frame(h, type, stream, ia_buf_view(&b));
}

/* -- truth about the task -- */
static void fill_truth(fake_host *h)
{
  ia_descriptor *d = &h->truth;
  ia_u256 first = ia_u256_of(0), index = ia_u256_of(0);
  ia_task_input in[2] = {{.checksum = h->checksum}};
  size_t n = h->plan->no_dataset ? 0 : h->plan->bulk ? 2 : 1;

  *d = (ia_descriptor){.domain = IA_DOMAIN_SIM,
                       .chain_id = 421614,
                       .stage = IA_STAGE_APP,
                       .tee = IA_TEE_SIM,
                       .app_digest = h->image};
  memset(d->hub.b, 0x22, 20);
  memset(d->app.b, 0x44, 20);
  memset(d->requester.b, 0x77, 20);
  memset(d->request_hash.b, 0x88, 32);
  memset(in[0].dataset.b, 0x66, 20);
  memset(in[0].order_hash.b, 0xaa, 32);
  in[1] = in[0];
  in[1].dataset.b[0] = 1;
  fixture_second(h);
  in[1].checksum = h->second_checksum;
  h->slice[0] = in[0].dataset;
  h->slice[1] = in[1].dataset;
  if (n == 1)
    d->dataset = in[0].dataset;
  ia_deal_id(&d->deal_id, &d->request_hash, &first);
  ia_task_id(&d->task_id, &d->deal_id, &index);
  assert_true(ia_inputs_hash(&d->inputs_hash, in, n, NULL));
  ia_sha256(&d->rules_hash, ia_span_str(IA_RULES_NONE));
}

static json_t *hints(const fake_host *h)
{
  const ia_descriptor *d = &h->truth;
  ia_addr worker = {{0x99}};

  return json_pack(
      "{s:i,s:s,s:s,s:s,s:I,s:s,s:s,s:i,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:{s:s,s:s,"
      "s:i,s:i,s:s}}",
      "v", 1, "tee", "sim", "domain", "sim", "stage", "app", "chainId", (json_int_t)d->chain_id,
      "hub", ia_addr_lower(&d->hub).s, "dealId", ia_h256_text(&d->deal_id).s, "taskIndex", 0,
      "taskId", ia_h256_text(&d->task_id).s, "app", ia_addr_lower(&d->app).s, "appDigest",
      ia_h256_text(&d->app_digest).s, "dataset", ia_addr_lower(&d->dataset).s, "requester",
      ia_addr_lower(&d->requester).s, "requestHash", ia_h256_text(&d->request_hash).s, "inputsHash",
      ia_h256_text(&d->inputs_hash).s, "rulesHash", ia_h256_text(&d->rules_hash).s, "smsKey",
      ia_h256_text(&h->sms_key).s, "lease", "taskId", ia_h256_text(&d->task_id).s, "worker",
      ia_addr_lower(&worker).s, "fencing", 1, "expires", 2000000000, "sig", "0x00");
}

static json_t *task_env(const fake_host *h, const json_t *files)
{
  const ia_appenv_item slice[] = {{h->slice[0], NULL},
                                  {h->slice[1], h->plan->second == BAD_NOTHING ? "REVOKED" : NULL}};
  ia_appenv in = {.deal_id = h->truth.deal_id,
                  .task_id = h->truth.task_id,
                  .bot_size = 1,
                  .dataset = h->truth.dataset,
                  .bulk = h->plan->bulk,
                  .slice = slice,
                  .n_slice = 2,
                  .files = files};
  json_t *env;

  assert_true(ia_appenv_build(&env, &in, NULL));
  return env;
}

static json_t *task_datasets(const fake_host *h)
{
  size_t n = h->plan->no_dataset ? 0 : h->plan->bulk ? 2 : 1;
  json_t *list = json_array();
  ia_h256 order;

  memset(order.b, 0xaa, 32);
  for (size_t i = 0; i < n; i++) {
    json_t *d = json_pack("{s:s,s:s,s:s,s:s,s:s,s:n,s:i}", "address", ia_addr_lower(&h->slice[i]).s,
                          "checksum", ia_h256_text(i == 1 ? &h->second_checksum : &h->checksum).s,
                          "multiaddr", i == 1 ? "/p2p/QmSecond" : "/p2p/QmData", "filename",
                          ia_dataset_file_name(&h->slice[i], h->plan->bulk).s, "orderHash",
                          ia_h256_text(&order).s, "policyHash", "epoch", 0);

    if (i == 1 && !h->plan->silent && h->plan->second == BAD_NOTHING)
      json_object_set_new(d, "refused", json_string("REVOKED"));
    if (h->plan->local || h->plan->local_task)
      json_object_set_new(d, "plain", json_true());
    json_array_append_new(list, d);
  }
  return list;
}

static json_t *task_item(const fake_host *h)
{
  const ia_descriptor *d = &h->truth;
  IA_AUTO_JSON *files = h->plan->file ? json_pack("[s]", "https://example.org/f") : json_array();
  ia_addr worker = {{0x99}}, callback = {{0}};
  ia_h256 desc;
  const char *zero = "0x0000000000000000000000000000000000000000";

  memset(callback.b, h->plan->callback ? 0x55 : 0, 20);
  assert_true(ia_descriptor_hash(&desc, d, NULL));
  return json_pack(
      "{s:i,s:s,s:s,s:i,s:i,s:i,s:I,s:s,s:s,s:s,s:o,s:o,s:o,s:O,s:s,s:s,s:o,s:b,s:s,s:s,s:[],s:{},"
      "s:n,s:s,s:s,s:i,s:i,s:i,s:i,s:s}",
      "v", 1, "dealId", ia_h256_text(&d->deal_id).s, "taskId", ia_h256_text(&d->task_id).s,
      "taskIndex", 0, "botFirst", 0, "botSize", 1, "chainId", (json_int_t)d->chain_id, "hub",
      ia_addr_lower(&d->hub).s, "app", ia_addr_lower(&d->app).s, "appDigest",
      ia_h256_text(&d->app_digest).s, "argv",
      h->plan->argv ? json_pack("[s]", h->plan->argv) : json_array(), "env", task_env(h, files),
      "datasets", task_datasets(h), "inputFiles", files, "requester",
      ia_addr_lower(&d->requester).s, "beneficiary", zero, "resultKey",
      h->plan->encrypt ? json_string(h->result_pem) : json_null(), "encrypt", h->plan->encrypt,
      "callback", ia_addr_lower(&callback).s, "logs", h->plan->logs ? h->plan->logs : "sealed",
      "egress", "limits", "gate", "purpose", "", "worker", ia_addr_lower(&worker).s, "fencing", 1,
      "attempt", 1, "timeLimit", 20, "memory", 0, "descHash", ia_h256_text(&desc).s);
}

/* -- the SMS -- */
static void answer_post(fake_host *h, uint32_t stream, unsigned status, const json_t *v)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_u16be(&b, (uint16_t)status);
  assert_true(ia_json_write(&b, v, NULL));
  send_frame(h, IA_FRAME_POST, stream, ia_buf_view(&b));
}

static ia_h256 nonce_of(const fake_host *h)
{
  ia_h256 n;

  (void)h;
  memset(n.b, 0xa0, 32);
  return n;
}

static void on_challenge(fake_host *h, uint32_t stream)
{
  ia_h256 nonce = nonce_of(h);
  IA_AUTO_JSON *v = json_pack("{s:s,s:i,s:s}", "nonce", ia_h256_text(&nonce).s, "expires",
                              2000000000, "smsKey", ia_h256_text(&h->sms_key).s);

  answer_post(h, stream, 200, v);
}

static bool evidence_fits(const fake_host *h, const json_t *body, ia_span log)
{
  ia_transcript t = {.domain = h->truth.domain,
                     .tee = h->truth.tee,
                     .stage = h->truth.stage,
                     .nonce = nonce_of(h),
                     .sms_key = h->sms_key,
                     .event_log = log};
  ia_h512 want;

  return ia_descriptor_hash(&t.desc_hash, &h->truth, NULL) &&
         ia_json_get_h256(body, "pk", &t.pk_guest, NULL) &&
         ia_json_get_addr(body, "enclaveAddress", &t.enclave, NULL) &&
         ia_report_data(&want, &t, NULL) && memcmp(want.b, h->report_data.b, 64) == 0;
}

static json_t *sealed_json(const ia_sealed_release *r)
{
  json_t *items = json_array();

  for (size_t i = 0; i < r->n; i++)
    json_array_append_new(items, json_pack("{s:s,s:o}", "name", r->items[i].name, "ct",
                                           ia_json_base64(ia_buf_view(&r->items[i].ct))));
  return json_pack("{s:s,s:o,s:o,s:s,s:s,s:{}}", "enc", ia_h256_text(&r->enc).s, "items", items,
                   "sig", ia_json_hex(ia_span_of(r->sig, 64)), "record", "{}", "recordSig", "0x00",
                   "certificate");
}

static const char *secret_of(const fake_host *h)
{
  return h->plan->secret ? h->plan->secret : "s3cret-of-req";
}

static ia_release_item key_item(const ia_addr *dataset, ia_span key)
{
  ia_release_item item = {.plain = key};

  (void)snprintf(item.name, sizeof(item.name), "dataset-key/%s", ia_addr_lower(dataset).s);
  return item;
}

static json_t *seal(fake_host *h, const json_t *body, ia_span log)
{
  IA_AUTO_JSON *task = task_item(h);
  IA_AUTOV(ia_buf) text = {0}, key = {0}, quote = {0}, second = {0};
  IA_AUTOV(ia_sealed_release) sealed = {0};
  ia_release_bind bind = {.domain = h->truth.domain,
                          .tee = "sim",
                          .stage = "app",
                          .nonce = nonce_of(h),
                          .report_data = h->report_data,
                          .task_id = h->truth.task_id};
  ia_release_item items[6] = {{.name = "app-secret", .plain = ia_span_str("s3cret-of-app")},
                              {.name = "requester-secret/1", .plain = ia_span_str(secret_of(h))}};
  size_t n = 2;
  ia_h256 pk;

  if (h->plan->task)
    h->plan->task(task);
  assert_true(ia_json_canonical(&text, task, NULL));
  ia_buf_base64(&key, ia_secret_view(h->plan->wrong_data_key ? &h->other_seed : &h->data_key));
  if (!h->plan->no_dataset)
    items[n++] = key_item(&h->slice[0], ia_buf_view(&key));
  if (h->plan->second != BAD_NOTHING)
    items[n++] = key_item(&h->slice[1], fixture_second_key(h, &second, ia_buf_view(&key)));
  if ((h->plan->encrypt || h->plan->callback) && h->plan->blind != SIZE_MAX)
    items[n++] = (ia_release_item){
        .name = IA_RELEASE_BLIND,
        .plain = ia_span_of(h->blind.ptr, h->plan->blind ? h->plan->blind : h->blind.len)};
  items[n++] = (ia_release_item){.name = "task", .plain = ia_buf_view(&text)};
  assert_true(ia_json_get_base64(body, "quote", &quote, NULL));
  assert_true(ia_json_get_h256(body, "pk", &pk, NULL));
  assert_true(
      ia_evidence_hash(&bind.evidence_hash, ia_buf_view(&quote), log, ia_span_str("aux"), NULL));
  assert_true(ia_release_seal(&sealed, &bind, &pk, items, n,
                              h->plan->other_sms ? &h->other_seed : &h->sms_seed, NULL, NULL,
                              NULL));
  return sealed_json(&sealed);
}

static void on_release(fake_host *h, uint32_t stream, const json_t *body)
{
  IA_AUTOV(ia_buf) log = {0};
  IA_AUTO_JSON *v = NULL;

  assert_true(ia_json_get_base64(body, "eventLog", &log, NULL));
  if (!h->plan->gullible && !evidence_fits(h, body, ia_buf_view(&log))) {
    v = json_pack("{s:{s:s,s:s}}", "error", "code", "REPORT_DATA", "message", "report data");
    answer_post(h, stream, 403, v);
    return;
  }
  v = h->plan->replay ? json_deep_copy(h->plan->replay) : seal(h, body, ia_buf_view(&log));
  if (h->plan->release)
    h->plan->release(v);
  json_decref(h->last_release);
  h->last_release = json_incref(v);
  answer_post(h, stream, 200, v);
}

static void on_post(fake_host *h, const ia_frame *f)
{
  ia_span in = f->payload, path;
  IA_AUTO_JSON *body = NULL;

  assert_true(ia_span_lp(&in, &path));
  body = ia_json_parse(in, 0, NULL);
  assert_non_null(body);
  if (ia_span_is(path, "/attest/v1/challenge"))
    on_challenge(h, f->stream);
  else
    on_release(h, f->stream, body);
}

/* -- the host -- */
static void on_quote(fake_host *h, const ia_frame *f)
{
  IA_AUTOV(ia_buf) b = {0};

  assert_int_equal(f->payload.len, 64);
  memcpy(h->report_data.b, f->payload.ptr, 64);
  ia_buf_lp_str(&b, "a quote");
  ia_buf_lp_str(&b, "aux");
  send_frame(h, IA_FRAME_QUOTE, f->stream, ia_buf_view(&b));
}

static void send_part(fake_host *h, uint32_t stream, uint8_t part, ia_span data)
{
  (void)!ia_frame_write2(h->fd, IA_FRAME_FETCH, stream, ia_span_of(&part, 1), data, NULL);
}

static void on_fetch(fake_host *h, const ia_frame *f)
{
  IA_AUTO_JSON *v = ia_json_parse(f->payload, 0, NULL);
  IA_AUTOV(ia_buf) bytes = {0};
  uint32_t stream = f->stream;
  const char *kind, *uri;

  assert_true(ia_json_get_str(v, "kind", &kind, NULL) && ia_json_get_str(v, "uri", &uri, NULL));
  bool second = strcmp(uri, "/p2p/QmSecond") == 0;
  h->fetches++;
  if (!fixture_file(&bytes, h, kind, second,
                    (uint64_t)json_integer_value(json_object_get(v, "max")))) {
    send_part(h, stream, IA_PART_ERROR, ia_buf_view(&bytes));
    return;
  }
  ia_span all = ia_buf_view(&bytes), piece;
  while (all.len > 0) {
    assert_true(ia_span_take(&all, all.len < 1000 ? all.len : 1000, &piece));
    send_part(h, stream, IA_PART_CHUNK, piece);
  }
  send_part(h, stream, IA_PART_END, (ia_span){0});
}

typedef struct upload {
  ia_buf *into;
  uint64_t size;
  uint32_t stream;
} upload;

static void on_put(fake_host *h, upload *u, const ia_frame *f)
{
  ia_span in = f->payload;
  uint8_t part;
  ia_cid cid;

  if (!u->into) {
    IA_AUTO_JSON *v = ia_json_parse(in, 0, NULL);
    const char *name;

    assert_true(ia_json_get_str(v, "name", &name, NULL));
    assert_true(ia_json_get_u64(v, "size", &u->size, NULL));
    u->into = strcmp(name, "result") == 0 ? &h->result : &h->logs;
    u->stream = f->stream;
    return;
  }
  assert_int_equal(f->stream, u->stream);
  assert_true(ia_span_u8(&in, &part));
  if (part == IA_PART_CHUNK) {
    ia_buf_span(u->into, in);
    return;
  }
  assert_int_equal(u->into->len, u->size);
  assert_true(
      ia_cid_of(&cid, h->plan->bad_cid ? ia_span_str("x") : ia_buf_view(u->into), NULL, NULL));
  IA_AUTO_JSON *answer = json_pack("{s:s}", "cid", ia_cid_format(&cid).s);
  h->puts++;
  send_json(h, IA_FRAME_PUT, u->stream, answer);
  u->into = NULL;
}

static void on_end(fake_host *h, const ia_frame *f)
{
  IA_AUTO_JSON *v = ia_json_parse(f->payload, 0, NULL);
  const char *cause, *message;

  assert_true(ia_json_get_str(v, "cause", &cause, NULL));
  assert_true(ia_json_get_str(v, "message", &message, NULL));
  (void)snprintf(h->cause, sizeof(h->cause), "%s", cause);
  (void)snprintf(h->message, sizeof(h->message), "%s", message);
  h->over = true;
}

static void on_frame(fake_host *h, upload *u, const ia_frame *f)
{
  switch (f->type) {
  case IA_FRAME_QUOTE: on_quote(h, f); break;
  case IA_FRAME_EXTEND: send_frame(h, IA_FRAME_EXTEND, f->stream, (ia_span){0}); break;
  case IA_FRAME_POST: on_post(h, f); break;
  case IA_FRAME_FETCH: on_fetch(h, f); break;
  case IA_FRAME_PUT: on_put(h, u, f); break;
  case IA_FRAME_USAGE: h->usage = ia_json_parse(f->payload, 0, NULL); break;
  case IA_FRAME_RUN: h->run = ia_json_parse(f->payload, 0, NULL); break;
  case IA_FRAME_END: on_end(h, f); break;
  case IA_FRAME_STARTED:
    h->started++;
    if (h->plan->late_end)
      send_frame(h, IA_FRAME_END, 0, ia_span_str("{\"cause\":\"\",\"message\":\"\"}"));
    break;
  default: break;
  }
}

static void reset(fake_host *h)
{
  json_decref(h->run);
  json_decref(h->usage);
  h->run = h->usage = NULL;
  ia_buf_free(&h->seen);
  ia_buf_free(&h->result);
  ia_buf_free(&h->logs);
  h->cause[0] = h->message[0] = '\0';
  h->fetches = h->puts = h->started = 0;
  h->over = false;
}

static void announce(fake_host *h)
{
  IA_AUTO_JSON *v = json_pack("{s:s}", "appDigest", ia_h256_text(&h->image).s);

  send_json(h, IA_FRAME_PREPARE, 0, v);
}

static void converse(fake_host *h, uint8_t type, ia_span payload, bool local)
{
  const char *argv[] = {"iapp-guest", local ? "--local" : NULL, NULL};
  const ia_sandbox_bind image = {.source = ia_images_dir(h->images), .target = "/image"};
  IA_AUTO(ia_guestbox) *box = NULL;
  ia_frame_reader in;
  upload u = {0};
  int pair[2];
  ia_err e = {0};
  ia_frame f;

  assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const ia_guestbox_spec s = {.name = "test",
                              .exe = h->guest,
                              .argv = argv,
                              .binds = &image,
                              .n_binds = 1,
                              .memory_bytes = (uint64_t)2 << 30,
                              .data_bytes = h->plan->room ? h->plan->room : 256 << 20,
                              .stream_fd = pair[1],
                              .stderr_fd = 2,
                              .allow_swap = true};
  if (!ia_guestbox_start(&box, &s, &e))
    fail_msg("%s", e.msg);
  close(pair[1]);
  h->fd = pair[0];
  ia_frame_reader_init(&in, h->fd);
  bool ok = ia_frame_read(&in, &f, 20000, &e) && f.type == IA_FRAME_HELLO;
  assert_true(ok);
  if (h->plan->prepare)
    announce(h);
  send_frame(h, type, 0, payload);
  while (!h->over && ia_frame_read(&in, &f, 60000, &e)) {
    if (f.type != IA_FRAME_PUT) /* ciphertext is looked at by the tests themselves */
      ia_buf_span(&h->seen, f.payload);
    on_frame(h, &u, &f);
  }
  ia_frame_reader_free(&in);
  close(h->fd);
  assert_true(ia_guestbox_wait(box, 20000, &h->status));
}

void fake_raw(fake_host *h, uint8_t type, ia_span payload)
{
  static const fake_plan none;

  reset(h);
  h->plan = &none;
  fill_truth(h);
  converse(h, type, payload, false);
}

void fake_run(fake_host *h, const fake_plan *plan)
{
  IA_AUTO_JSON *v = NULL;
  IA_AUTOV(ia_buf) text = {0};

  reset(h);
  h->plan = plan;
  fill_truth(h);
  if (plan->local || plan->local_task) {
    json_t *task = task_item(h);

    json_object_set_new(
        task, "secrets",
        json_pack("{s:s,s:{s:s}}", "app", "s3cret-of-app", "requester", "1", secret_of(h)));
    v = json_pack("{s:i,s:b,s:o}", "v", 1, "local", 1, "task", task);
  } else {
    v = hints(h);
  }
  if (plan->hints)
    plan->hints(v);
  assert_true(ia_json_write(&text, v, NULL));
  converse(h, IA_FRAME_TASK, ia_buf_view(&text), plan->local);
}

static bool open_checked(const fake_host *h, ia_zip **z, ia_blob plain)
{
  IA_AUTOV(ia_run) run = {0};
  ia_addr signer;

  if (h->plan->local)
    return ia_zip_open(z, plain, 0, NULL);
  assert_true(ia_run_open(&run, &signer, json_object_get(h->run, "run"), NULL));
  const ia_result_claim claim = {h->plan->encrypt, true, &run.result_digest, &run.manifest_hash};
  return ia_result_open(z, plain, &claim, NULL);
}

char *fake_result(fake_host *h, const char *name)
{
  IA_AUTOV(ia_buf) zip = {0}, out = {0};
  ia_blob blob = ia_blob_mem(ia_buf_view(&h->result));
  IA_AUTO(ia_zip) *z = NULL;

  if (h->plan->encrypt) {
    if (!ia_result_decrypt(ia_sink_buf(&zip), &blob, h->result_key, NULL))
      return NULL;
    blob = ia_blob_mem(ia_buf_view(&zip));
  }
  if (!open_checked(h, &z, blob))
    return NULL;
  const ia_zip_entry *entry = ia_zip_find(z, name);
  if (!entry || !ia_zip_read(z, entry, &out, NULL))
    return NULL;
  ia_buf_str(&out, "");
  return ia_buf_text(&out);
}

json_t *fake_logs(fake_host *h)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_blob blob = ia_blob_mem(ia_buf_view(&h->logs));

  if (!ia_result_is_encrypted(&blob))
    return ia_json_parse(ia_buf_view(&h->logs), 0, NULL);
  if (!ia_result_decrypt(ia_sink_buf(&text), &blob, h->result_key, NULL))
    return NULL;
  return ia_json_parse(ia_buf_view(&text), 0, NULL);
}

void fake_open(fake_host *h, int argc, char **argv)
{
  IA_AUTOV(ia_buf) pem = {0};
  ia_err e = {0};

  *h = (fake_host){0};
  if (argc < 3)
    exit(2);
  h->guest = argv[1];
  (void)snprintf(h->dir.s, sizeof(h->dir.s), "/tmp/iapp-guest-XXXXXX");
  if (!mkdtemp(h->dir.s) || !fixture_image(&h->images, &h->image, h->dir.s, argv[2], &e) ||
      !fixture_dataset(h, &e)) {
    fprintf(stderr, "%s\n", e.msg);
    exit(1);
  }
  assert_true(ia_secret_random(&h->sms_seed, 32, &e) && ia_secret_random(&h->blind, 32, &e) &&
              ia_secret_random(&h->other_seed, 32, &e));
  assert_true(ia_ed25519_public(h->sms_key.b, &h->sms_seed, &e));
  assert_true(ia_rsa_generate(&h->result_key, 2048, &e));
  assert_true(ia_rsa_write_public(&pem, h->result_key, &e));
  ia_buf_str(&pem, "");
  h->result_pem = ia_buf_text(&pem);
}

void fake_close(fake_host *h)
{
  reset(h);
  json_decref(h->last_release);
  ia_images_close(h->images);
  ia_secret_free(&h->sms_seed);
  ia_secret_free(&h->other_seed);
  ia_secret_free(&h->data_key);
  ia_secret_free(&h->blind);
  ia_rsa_free(h->result_key);
  free(h->result_pem);
  ia_buf_free(&h->plain);
  ia_buf_free(&h->sealed);
  ia_buf_free(&h->second);
  (void)!ia_remove_tree(h->dir.s, NULL);
}
