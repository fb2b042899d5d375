/* A worker under test: a scheduler and an SMS that the test plays, the real blob service, the real
 * guest. One assignment is given out; what the worker reports is kept. */
#ifndef IA_TESTS_SERVICE_WORKER_LAB_H
#define IA_TESTS_SERVICE_WORKER_LAB_H

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "../http/fixture.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/hex.h"
#include "eth/eip191.h"
#include "image/build.h"
#include "service/ipfs/ipfs.h"
#include "service/worker/link.h"
#include "service/worker/worker.h"

#define LAB_TASK "0x1111111111111111111111111111111111111111111111111111111111111111"
#define LAB_HASH "0x2222222222222222222222222222222222222222222222222222222222222222"
#define LAB_ADDR "0x3333333333333333333333333333333333333333"

typedef struct lab {
  fixture f;
  ia_ipfs *ipfs;
  ia_worker *worker;
  ia_secp *secp;
  ia_secret key;
  ia_addr address, pool;
  char dir[64];
  ia_h256 image;
  char multiaddr[96];
  char guest[IA_PATH_MAX]; /* the one to start; "": that of the build */
  /* behaviour */
  const char *sms_code; /* the SMS answers 403 with this */
  unsigned sms_delay_ms;
  bool stop;     /* heartbeats say that the task is another's */
  json_t *reads; /* of the assignment; NULL: it has none */
  uint64_t room; /* of the worker; 0 = its own */
  bool local_inputs;
  /* observed */
  pthread_mutex_t mutex;
  pthread_cond_t told;
  bool given;
  unsigned n_bad_signatures, n_beats, n_sms, n_files;
  uint64_t counter;
  json_t *report; /* body of /worker/v1/failed or /done */
  char report_path[32];
  json_t *hello;
  json_t *returned; /* body of /worker/v1/return */
  json_t *rest;     /* body of the last poll that asked for nothing */
} lab;

static inline bool lab_signed(lab *l, ia_request *rq)
{
  IA_AUTOV(ia_buf) sig = {0};
  ia_span c = ia_request_header(rq, "X-Iapp-Counter");
  uint64_t counter = 0;
  ia_addr who;
  ia_h256 h;
  char path[64];

  for (size_t i = 0; i < c.len; i++)
    counter = counter * 10 + (uint64_t)(c.ptr[i] - '0');
  ia_span target = ia_request_target(rq);
  (void)snprintf(path, sizeof(path), "%.*s", (int)target.len, (const char *)target.ptr);
  return ia_unhex_buf(&sig, ia_request_header(rq, "X-Iapp-Signature")) &&
         ia_link_hash(&h, "POST", path, ia_request_body(rq), counter, &l->pool, NULL) &&
         ia_eip191_recover(&who, IA_SPAN_ARR(h.b), ia_buf_view(&sig), NULL) &&
         ia_addr_eq(&who, &l->address);
}

static inline json_t *lab_lease(const lab *l, uint64_t fencing)
{
  return json_pack("{s:s, s:o, s:I, s:I, s:s}", "taskId", LAB_TASK, "worker",
                   ia_json_addr(&l->address), "fencing", (json_int_t)fencing, "expires",
                   (json_int_t)(ia_now() + 60), "sig", "0x00");
}

static inline json_t *lab_assignment(const lab *l)
{
  IA_AUTO_JSON *hints =
      json_pack("{s:i, s:s, s:s, s:s, s:i, s:s, s:s, s:i, s:s, s:s, s:o, s:s, s:s, s:s, s:s, s:s}",
                "v", 1, "tee", "sim", "domain", "sim", "stage", "app", "chainId", 421614, "hub",
                LAB_ADDR, "dealId", LAB_HASH, "taskIndex", 0, "taskId", LAB_TASK, "app", LAB_ADDR,
                "appDigest", ia_json_h256(&l->image), "dataset", LAB_ADDR, "requester", LAB_ADDR,
                "requestHash", LAB_HASH, "inputsHash", LAB_HASH, "rulesHash", LAB_HASH);

  return json_pack("{s:o, s:O, s:{s:s, s:s, s:o}, s:i, s:I, s:i, s:O*}", "lease", lab_lease(l, 1),
                   "hints", hints, "image", "type", "DOCKER", "multiaddr", l->multiaddr, "checksum",
                   ia_json_h256(&l->image), "timeLimit", 30, "deadline",
                   (json_int_t)(ia_now() + 300), "attempt", 1, "reads", l->reads);
}

static inline bool lab_hello(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  lab *l = ctx;
  const char *url = ia_server_url(l->f.server);
  IA_AUTO_JSON *v =
      json_pack("{s:o, s:i, s:s, s:s, s:s, s:s, s:s, s:i}", "pool", ia_json_addr(&l->pool),
                "chainId", 421614, "hub", LAB_ADDR, "rpcUrl", url, "smsUrl", url, "smsKey",
                LAB_HASH, "ipfsUrl", url, "leaseSeconds", 3);

  pthread_mutex_lock(&l->mutex);
  l->n_bad_signatures += !lab_signed(l, rq);
  json_decref(l->hello);
  l->hello = ia_request_json(rq, e);
  pthread_mutex_unlock(&l->mutex);
  return ia_reply_json(rp, 200, v, e);
}

/* 0: it only says how it is. */
static inline bool lab_asks_nothing(lab *l, ia_request *rq)
{
  IA_AUTO_JSON *body = ia_request_json(rq, NULL);

  if (!json_is_integer(json_object_get(body, "free")) ||
      json_integer_value(json_object_get(body, "free")) != 0)
    return false;
  pthread_mutex_lock(&l->mutex);
  json_decref(l->rest);
  l->rest = json_incref(body);
  pthread_cond_broadcast(&l->told);
  pthread_mutex_unlock(&l->mutex);
  return true;
}

static inline bool lab_poll(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  lab *l = ctx;

  if (lab_asks_nothing(l, rq)) {
    ia_reply_status(rp, 204);
    return true;
  }
  pthread_mutex_lock(&l->mutex);
  bool first = !l->given;
  l->given = true;
  l->n_bad_signatures += !lab_signed(l, rq);
  pthread_mutex_unlock(&l->mutex);
  if (first) {
    IA_AUTO_JSON *v = lab_assignment(l);
    return ia_reply_json(rp, 200, v, e);
  }
  usleep(200000); /* a job may wait */
  ia_reply_status(rp, 204);
  return true;
}

static inline bool lab_beat(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  lab *l = ctx;
  IA_AUTO_JSON *v = json_pack("{s:o, s:b}", "lease", lab_lease(l, 1), "stop", l->stop);

  pthread_mutex_lock(&l->mutex);
  l->n_bad_signatures += !lab_signed(l, rq);
  l->n_beats++;
  pthread_cond_broadcast(&l->told);
  pthread_mutex_unlock(&l->mutex);
  return ia_reply_json(rp, 200, v, e);
}

static inline bool lab_report(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  lab *l = ctx;
  IA_AUTO_JSON *v = json_object();
  ia_span path = ia_request_path(rq);

  pthread_mutex_lock(&l->mutex);
  l->n_bad_signatures += !lab_signed(l, rq);
  json_decref(l->report);
  l->report = ia_request_json(rq, e);
  (void)snprintf(l->report_path, sizeof(l->report_path), "%.*s", (int)path.len,
                 (const char *)path.ptr);
  pthread_cond_broadcast(&l->told);
  pthread_mutex_unlock(&l->mutex);
  return ia_reply_json(rp, 200, v, e);
}

static inline bool lab_return(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  lab *l = ctx;
  IA_AUTO_JSON *v = json_object();

  pthread_mutex_lock(&l->mutex);
  l->n_bad_signatures += !lab_signed(l, rq);
  json_decref(l->returned);
  l->returned = ia_request_json(rq, e);
  pthread_mutex_unlock(&l->mutex);
  return ia_reply_json(rp, 200, v, e);
}

static inline bool lab_sms(void *ctx, ia_request *rq IA_UNUSED, ia_reply *rp IA_UNUSED, ia_err *e)
{
  lab *l = ctx;

  l->n_sms++;
  usleep(l->sms_delay_ms * 1000);
  return ia_fail(e, ia_code_from_name(l->sms_code), "the test's SMS says no");
}

/* A server of input files: /files/STATUS answers with it. */
static inline bool lab_file(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e IA_UNUSED)
{
  lab *l = ctx;
  ia_span text = ia_request_param(rq, "status");
  int status = 0;

  for (size_t i = 0; i < text.len; i++)
    status = status * 10 + (text.ptr[i] - '0');

  l->n_files++;
  ia_reply_status(rp, status);
  ia_buf_str(ia_reply_body(rp), "content of a file");
  return true;
}

static const ia_route lab_rows[] = {
    {"POST", "/worker/v1/hello", IA_ROUTE_JOB, 65536, false, lab_hello, IA_MARK_PUBLIC},
    {"POST", "/worker/v1/poll", IA_ROUTE_JOB, 65536, false, lab_poll, IA_MARK_PUBLIC},
    {"POST", "/worker/v1/heartbeat", IA_ROUTE_JOB, 65536, false, lab_beat, IA_MARK_PUBLIC},
    {"POST", "/worker/v1/failed", IA_ROUTE_JOB, 1 << 20, false, lab_report, IA_MARK_PUBLIC},
    {"POST", "/worker/v1/return", IA_ROUTE_JOB, 65536, false, lab_return, IA_MARK_PUBLIC},
    {"POST", "/worker/v1/done", IA_ROUTE_JOB, 1 << 20, false, lab_report, IA_MARK_PUBLIC},
    {"GET", "/files/:status", IA_ROUTE_JOB, 0, false, lab_file, IA_MARK_PUBLIC},
    {"POST", "/attest/v1/challenge", IA_ROUTE_JOB, 65536, false, lab_sms, IA_MARK_PUBLIC},
};

static inline bool lab_path(ia_path *p, const lab *l, const char *name)
{
  return ia_path_join(p, NULL, "%s/%s", l->dir, name);
}

/* An image of a C program, archived in the blob service. */
static inline bool lab_image(lab *l, ia_err *e)
{
  static const char app[] = "int main(void)\n{\n  return 0;\n}\n";
  IA_AUTO(ia_images) *s = NULL;
  IA_AUTOV(ia_buf) archive = {0};
  ia_build b = {.lang = IA_LANG_C};
  ia_path p, src, tar;
  ia_cid cid;

  if (!lab_path(&src, l, "src") || !ia_mkdirs(src.s, 0755, e) || !lab_path(&src, l, "src/app.c") ||
      !ia_file_write(src.s, ia_span_str(app), 0644, e) || !lab_path(&p, l, "bases") ||
      !ia_images_open(&s, p.s, e) || !lab_path(&tar, l, "tar"))
    return false;
  b.project = l->dir;
  b.cache = p.s;
  ia_autoclose int fd = open(tar.s, O_RDWR | O_CREAT, 0600);
  if (!ia_build_image(s, &l->image, &b, e) || !ia_images_export(s, &l->image, NULL, fd, e) ||
      !ia_file_read(&archive, tar.s, 16 << 20, e) ||
      !ia_blob_put(&cid, ia_ipfs_blobs(l->ipfs), ia_buf_view(&archive), e))
    return false;
  (void)snprintf(l->multiaddr, sizeof(l->multiaddr), "/ipfs/%s", ia_cid_format(&cid).s);
  return true;
}

static inline bool lab_open(lab *l, ia_err *e)
{
  static ia_routes table;
  ia_path p;

  pthread_mutex_init(&l->mutex, NULL);
  pthread_cond_init(&l->told, NULL);
  (void)snprintf(l->dir, sizeof(l->dir), "/tmp/ia-worker-XXXXXX");
  l->pool.b[0] = 7;
  l->sms_code = "REVOKED";
  table = (ia_routes){.rows = lab_rows, .n = IA_COUNT(lab_rows), .ctx = l};
  if (!mkdtemp(l->dir) || !lab_path(&p, l, "blobs") ||
      !ia_ipfs_open(&l->ipfs, &(ia_ipfs_config){.dir = p.s}, NULL, e) ||
      !ia_secp_new(&l->secp, e) || !ia_secp_key_new(&l->key, e) ||
      !ia_secp_address(l->secp, &l->address, &l->key, e))
    return false;
  return lab_image(l, e) && fixture_start(&l->f, NULL, e) &&
         ia_ipfs_mount(l->ipfs, l->f.server, e) && ia_server_mount(l->f.server, &table, e) &&
         fixture_run_on(&l->f);
}

static inline bool lab_start(lab *l, unsigned warm, ia_err *e)
{
  ia_path p;
  ia_worker_config c = {.guest = l->guest[0] ? l->guest : getenv("IA_GUEST"),
                        .scheduler = ia_server_url(l->f.server),
                        .pool = l->pool,
                        .key = &l->key,
                        .slots = 1,
                        .room = l->room,
                        .local_inputs = l->local_inputs,
                        .warm = warm};

  if (!lab_path(&p, l, "worker"))
    return false;
  c.dir = p.s;
  return ia_worker_open(&l->worker, &c, e);
}

static inline bool lab_close(lab *l)
{
  ia_worker_close(l->worker);
  fixture_close(&l->f);
  ia_ipfs_close(l->ipfs);
  ia_secp_free(l->secp);
  ia_secret_free(&l->key);
  json_decref(l->report);
  json_decref(l->hello);
  json_decref(l->returned);
  json_decref(l->rest);
  json_decref(l->reads);
  pthread_mutex_destroy(&l->mutex);
  pthread_cond_destroy(&l->told);
  return ia_remove_tree(l->dir, NULL);
}

/* Waits for a report (or beats when n > 0); false after 20 s. */
static inline bool lab_wait(lab *l, unsigned beats)
{
  struct timespec until;
  int rc = 0;

  clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += 20;
  pthread_mutex_lock(&l->mutex);
  while (rc == 0 && (beats ? l->n_beats < beats : !l->report))
    rc = pthread_cond_timedwait(&l->told, &l->mutex, &until);
  pthread_mutex_unlock(&l->mutex);
  return rc == 0;
}

#endif
