/* An SMS on a real socket over a ledger that a test holds in its hand, and a guest that asks it for
 * keys with simulated evidence. */
#ifndef IA_TESTS_SERVICE_SMS_LAB_H
#define IA_TESTS_SERVICE_SMS_LAB_H

#include "../http/fixture.h"
#include "../policy/world.h"
#include "base/clock.h"
#include "base/file.h"
#include "client/secret_auth.h"
#include "crypto/x25519.h"
#include "service/sms/internal.h"
#include "tee/eventlog.h"

#define LAB_PASSPHRASE "a long passphrase"

enum { LAB_MOVES = 8 };

struct lab {
  struct world *w;
  fixture f;
  ia_sms *sms;
  ia_sms_config c;
  ia_secret pass;
  char dir[64];
  ia_simpki *pki;
  ia_h256 root;
  ia_h384 guest;
  /* the ledger */
  ia_sms_block head;
  ia_buf calldata;
  ia_sms_event events[8];
  size_t n_events;
  bool past_changed;
  uint64_t lies_from;         /* past_changed: blocks from here on are others */
  ia_buf transfer[LAB_MOVES]; /* raw transactions that moved the dataset */
  struct {
    ia_addr from, to;
  } moved[LAB_MOVES];
  size_t n_moved;
  unsigned slow_ms; /* before it tells of a match; also of a task or dataset when slow_task */
  bool slow_task;
  uint64_t told; /* until when it may be asked */
  ia_buf raw;    /* the one raw transaction that the ledger gives for any hash */
  ia_order_box *market[IA_ORDER_KINDS];
  /* the guest */
  ia_secret sk;
  ia_h256 pk;
  ia_addr enclave;
  char error[64]; /* code of the last refusal */
  char message[256];
};

/* -- the ledger -- */
static inline void lb_wait(const struct lab *b)
{
  (void)usleep(b->slow_ms * 1000);
}

static inline void lb_until(void *ctx, uint64_t mono_ms)
{
  ((struct lab *)ctx)->told = mono_ms;
}

static inline bool lb_head(void *ctx, ia_sms_block *out, ia_err *e)
{
  (void)e;
  *out = ((struct lab *)ctx)->head;
  return true;
}

static inline bool lb_block(void *ctx, uint64_t number, bool *has, ia_sms_block *out, ia_err *e)
{
  const struct lab *b = ctx;

  (void)e;
  *has = number <= b->head.number;
  *out = (ia_sms_block){.number = number, .time = b->head.time};
  memset(out->hash.b, (int)number + (b->past_changed && number >= b->lies_from ? 100 : 0), 32);
  return true;
}

static inline bool lb_task(void *ctx, const ia_h256 *id, ia_task *out, ia_buf *store, ia_err *e)
{
  const struct lab *b = ctx;

  (void)store, (void)e;
  if (b->slow_task)
    lb_wait(b);
  *out = (ia_task){0};
  for (uint64_t i = 0; i < 4; i++) { /* the tasks of the deal; a world that lies has one alone */
    ia_u256 idx = ia_u256_of(i);
    ia_h256 of;

    ia_task_id(&of, &b->w->f.task.dealid, &idx);
    if (!ia_h256_eq(id, &of) && !ia_h256_eq(id, &b->w->f.task_id))
      continue;
    *out = b->w->f.task;
    if (ia_h256_eq(id, &of))
      out->idx = idx;
  }
  return true;
}

static inline bool lb_deal(void *ctx, const ia_h256 *id, bool *has, ia_deal *out, ia_buf *store,
                           ia_err *e)
{
  const struct lab *b = ctx;

  (void)store, (void)e, (void)id;
  *has = b->w->f.has_deal;
  *out = b->w->f.deal;
  return true;
}

static inline bool lb_match(void *ctx, const ia_h256 *deal, uint64_t start, bool *has,
                            ia_sms_match *out, ia_err *e)
{
  struct lab *b = ctx;
  const ia_match *m = &b->w->f.match;
  const void *order[IA_ORDER_KINDS] = {&m->app, &m->dataset, &m->workerpool, &m->request};

  (void)deal, (void)start;
  lb_wait(b);
  *has = b->w->f.has_match;
  out->block = b->w->f.match_block;
  for (int k = 0; k < IA_ORDER_KINDS; k++)
    ia_order_hash(&out->order[k], &b->w->separator, (ia_order_kind)k, order[k]);
  ia_buf_span(&out->calldata, ia_buf_view(&b->calldata));
  return ia_buf_ok(&out->calldata, e);
}

/* The market: it has what the test put there, whatever the hash. */
static inline bool lb_order(void *ctx, ia_order_kind kind, const ia_h256 *hash, bool *has,
                            ia_order_box *out, ia_err *e)
{
  struct lab *b = ctx;
  IA_AUTO_JSON *v = NULL;

  (void)hash;
  *has = b->market[kind] != NULL;
  if (!*has)
    return true;
  v = ia_order_json(kind, &b->market[kind]->order.app, 0, e);
  return v && ia_order_parse(out, kind, v, e);
}

static inline bool lb_app(void *ctx, const ia_addr *at, bool *has, ia_app_info *out, ia_buf *store,
                          ia_err *e)
{
  const struct lab *b = ctx;

  (void)store, (void)e;
  *has = ia_addr_eq(at, &b->w->app);
  *out = b->w->f.asset[IA_ASSET_APP].app;
  return true;
}

static inline bool lb_dataset(void *ctx, const ia_addr *at, bool *has, ia_dataset_info *out,
                              ia_buf *store, ia_err *e)
{
  const struct lab *b = ctx;

  (void)store, (void)e;
  if (b->slow_task)
    lb_wait(b);
  *has = ia_addr_eq(at, &b->w->dataset);
  *out = b->w->f.asset[IA_ASSET_DATASET].dataset;
  return true;
}

static inline bool lb_workerpool(void *ctx, const ia_addr *at, bool *has, ia_workerpool_info *out,
                                 ia_buf *store, ia_err *e)
{
  const struct lab *b = ctx;

  (void)store, (void)e;
  *has = ia_addr_eq(at, &b->w->pool);
  *out = b->w->f.pool;
  return true;
}

static inline bool lb_owner(void *ctx, const ia_addr *asset, bool *has, ia_addr *out, ia_err *e)
{
  const struct lab *b = ctx;
  const ia_release_facts *f = &b->w->f;
  bool app = ia_addr_eq(asset, &b->w->app), data = ia_addr_eq(asset, &b->w->dataset);

  (void)e;
  *has = true;
  *out = app    ? f->asset[IA_ASSET_APP].first_owner
         : data ? f->asset[IA_ASSET_DATASET].first_owner
                : f->pool_owner;
  if (data && b->n_moved > 0)
    *out = b->moved[b->n_moved - 1].to;
  return true;
}

static inline bool lb_transfers(void *ctx, const ia_addr *registry, const ia_addr *asset,
                                ia_sms_transfers *out, ia_err *e)
{
  const struct lab *b = ctx;
  bool app = ia_addr_eq(asset, &b->w->app);

  (void)registry;
  *out = (ia_sms_transfers){.raw = calloc(LAB_MOVES, sizeof(*out->raw)),
                            .view = calloc(LAB_MOVES, sizeof(*out->view))};
  out->first_owner = b->w->f.asset[app ? 0 : 1].first_owner;
  for (size_t i = 0; !app && i < b->n_moved; i++) {
    ia_buf_span(&out->raw[i], ia_buf_view(&b->transfer[i]));
    out->view[i] = (ia_transfer_fact){b->moved[i].from, b->moved[i].to, ia_buf_view(&out->raw[i])};
    out->n++;
    if (!ia_buf_ok(&out->raw[i], e))
      return false;
  }
  return true;
}

static inline bool lb_raw(void *ctx, const ia_h256 *tx, bool *has, ia_buf *out, ia_err *e)
{
  const struct lab *b = ctx;

  (void)tx;
  *has = b->raw.len > 0;
  ia_buf_span(out, ia_buf_view(&b->raw));
  return ia_buf_ok(out, e);
}

static inline bool lb_events(void *ctx, uint64_t from, uint64_t to,
                             bool (*sink)(void *, const ia_sms_event *, ia_err *), void *sink_ctx,
                             ia_err *e)
{
  const struct lab *b = ctx;

  for (size_t i = 0; i < b->n_events; i++)
    if (b->events[i].block >= from && b->events[i].block <= to && !sink(sink_ctx, &b->events[i], e))
      return false;
  return true;
}

static inline void lb_close(void *ctx)
{
  (void)ctx;
}

static inline bool lb_make(void *ctx, ia_sms_ledger *out, const ia_release_pins *pins, ia_err *e)
{
  struct lab *b = ctx;

  (void)pins, (void)e;
  *out = (ia_sms_ledger){.ctx = b,
                         .until = lb_until,
                         .head = lb_head,
                         .block = lb_block,
                         .task = lb_task,
                         .deal = lb_deal,
                         .match = lb_match,
                         .order = lb_order,
                         .app = lb_app,
                         .dataset = lb_dataset,
                         .workerpool = lb_workerpool,
                         .owner = lb_owner,
                         .transfers = lb_transfers,
                         .raw_tx = lb_raw,
                         .events = lb_events,
                         .view = b->w->ledger,
                         .close = lb_close};
  return true;
}

static inline void lab_head(struct lab *b, uint64_t number)
{
  b->head = (ia_sms_block){.number = number, .time = ia_now()};
  memset(b->head.hash.b, (int)number + (b->past_changed && number >= b->lies_from ? 100 : 0), 32);
}

/* -- life -- */
static inline void lab_config(struct lab *b, ia_domain d)
{
  const ia_release_pins *p = &b->w->pins;

  b->c = (ia_sms_config){.dir = b->dir,
                         .passphrase = &b->pass,
                         .random_passphrase = true,
                         .domain = d,
                         .rpc_url = "",
                         .chain_id = p->chain_id,
                         .hub = p->hub,
                         .app_registry = p->registry[IA_ASSET_APP],
                         .dataset_registry = p->registry[IA_ASSET_DATASET],
                         .workerpool_registry = p->registry[IA_ASSET_WORKERPOOL],
                         .proxy_code_hash = p->proxy_code_hash,
                         .rules = "6.2",
                         .guests = &b->guest,
                         .n_guests = 1,
                         .sim_roots = &b->root,
                         .n_sim_roots = 1};
}

static inline bool lab_start(struct lab *b, ia_err *e)
{
  if (!ia_sms_open_over(&b->sms, &b->c, lb_make, b, e))
    return false;
  b->w->pins.sms_key = ia_sms_key(b->sms);
  assert_true(fixture_start(&b->f, NULL, NULL));
  assert_true(ia_sms_mount(b->sms, b->f.server, NULL));
  assert_true(fixture_run_on(&b->f));
  return true;
}

static inline void lab_stop(struct lab *b)
{
  if (!b->sms)
    return;
  fixture_close(&b->f);
  ia_sms_close(b->sms);
  b->sms = NULL;
}

static inline void lab_calldata(struct lab *b)
{
  ia_buf_clear(&b->calldata);
  ia_call_encode(&b->calldata, IA_CALL_MATCH_ORDERS, &b->w->f.match);
}

static inline struct lab *lab_open(const char *params, ia_domain d)
{
  struct lab *b = calloc(1, sizeof(*b));
  ia_err e = {0};

  assert_non_null(b);
  b->w = w_open_with(params, d, ia_now());
  lab_calldata(b);
  lab_head(b, 9);
  assert_true(ia_secret_copy(&b->pass, ia_span_str(LAB_PASSPHRASE), NULL));
  (void)!snprintf(b->dir, sizeof(b->dir), "/tmp/ia-sms-XXXXXX");
  assert_non_null(mkdtemp(b->dir));
  assert_true(ia_simpki_new(&b->pki, ia_now(), NULL));
  assert_true(ia_simpki_root_digest(&b->root, b->pki, NULL));
  memset(b->guest.b, 0x6d, 48);
  assert_true(ia_secret_new(&b->sk, 32, NULL));
  memset(b->sk.ptr, 0x31, 32);
  assert_true(ia_x25519_public(b->pk.b, &b->sk, NULL));
  memset(b->enclave.b, 0xec, 20);
  lab_config(b, d);
  if (!lab_start(b, &e))
    fail_msg("%s", e.msg);
  return b;
}

static inline void lab_close(struct lab *b)
{
  lab_stop(b);
  (void)!ia_remove_tree(b->dir, NULL);
  w_close(b->w);
  ia_simpki_free(b->pki);
  ia_secret_free(&b->pass);
  ia_secret_free(&b->sk);
  ia_buf_free(&b->calldata);
  for (size_t i = 0; i < LAB_MOVES; i++)
    ia_buf_free(&b->transfer[i]);
  ia_buf_free(&b->raw);
  free(b);
}

/* -- talking -- */
static inline json_t *lab_post(struct lab *b, const char *path, json_t *body)
{
  json_t *out = NULL;
  ia_err e = {0};

  b->error[0] = b->message[0] = 0;
  if (!ia_http_json(b->f.http, &out, "POST", fixture_url(&b->f, path), body, &e)) {
    (void)!snprintf(b->error, sizeof(b->error), "%s", ia_code_name(e.code));
    (void)!snprintf(b->message, sizeof(b->message), "%s", e.msg);
  }
  json_decref(body);
  return out;
}

/* Status of a raw request with an Authorization header. */
static inline int lab_raw(struct lab *b, const char *method, const char *path, const char *auth,
                          ia_span body)
{
  IA_AUTOV(ia_http_answer) a = {0};
  char header[300];
  const char *headers[] = {header, NULL};
  ia_http_call c = {.method = method,
                    .url = fixture_url(&b->f, path),
                    .body = body,
                    .headers = auth ? headers : NULL};

  (void)!snprintf(header, sizeof(header), "Authorization: %s", auth ? auth : "");
  assert_true(ia_http_do(b->f.http, &a, &c, NULL));
  return a.status;
}

static inline const char *lab_auth(struct lab *b, char out[140], int who, const ia_h256 *challenge)
{
  ia_sig sig;

  assert_true(
      ia_eip191_sign(b->w->secp, &sig, IA_SPAN_ARR(challenge->b), &b->w->who[who].key, NULL));
  memcpy(out, "0x", 2);
  ia_hex(out + 2, sig.b, 65);
  return out;
}

static inline int lab_push_key(struct lab *b, int who)
{
  static const char key[] = "S0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0tLS0s=";
  char path[128], auth[140];
  ia_h256 h;

  ia_secret_auth_web3(&h, &b->w->dataset, ia_span_str(key));
  (void)!snprintf(path, sizeof(path), "/secrets/web3?secretAddress=%s",
                  ia_addr_lower(&b->w->dataset).s);
  return lab_raw(b, "POST", path, lab_auth(b, auth, who, &h), ia_span_str(key));
}

#include "sms_lab_guest.h"

#endif
