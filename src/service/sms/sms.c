#include "service/sms/sms.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/owned.h"
#include "base/random.h"
#include "chain/agree.h"
#include "eth/address.h"
#include "service/sms/internal.h"

/* Hubs of the public networks (42161, 421614, 134): a simulated SMS serves none of them. */
static const ia_addr public_hubs[] = {
    {{0x09, 0x8b, 0xFC, 0xb1, 0xE5, 0x0e, 0xbc, 0xA0, 0xBa, 0xA9,
      0x2C, 0x12, 0xeA, 0x0c, 0x3F, 0x04, 0x5A, 0x1a, 0xD9, 0xf0}},
    {{0xB2, 0x15, 0x7B, 0xF2, 0xfA, 0xb2, 0x86, 0xb2, 0xA4, 0x17,
      0x0E, 0x34, 0x91, 0xAc, 0x39, 0x77, 0x01, 0x11, 0xDa, 0x3E}},
    {{0x3e, 0xca, 0x1B, 0x21, 0x6A, 0x7D, 0xF1, 0xC7, 0x68, 0x9a,
      0xEb, 0x25, 0x9f, 0xFB, 0x83, 0xAD, 0xFB, 0x89, 0x4E, 0x7f}},
};

static unsigned skipped(const ia_sms_config *c)
{
#ifdef IA_TEST_HOOKS
  return c->skip;
#else
  (void)c;
  return 0;
#endif
}

static uint64_t gather_ms(const ia_sms_config *c)
{
#ifdef IA_TEST_HOOKS
  if (c->gather_ms)
    return c->gather_ms;
#endif
  (void)c;
  return IA_SMS_GATHER_MS;
}

#ifndef IA_TEST_HOOKS
enum {
  IA_SMS_SKIP_DOMAIN = 1,
  IA_SMS_SKIP_KEK = 2,
  IA_SMS_SKIP_CHAIN_GATE = 4,
  IA_SMS_SKIP_LOOPBACK = 8,
  IA_SMS_SKIP_HEAD = 16,
};
#endif

/* -- barriers of docs/release.md 5 that are judged at the start -- */
static bool chain_gate(const ia_sms_config *c, ia_err *e)
{
  if (c->domain != IA_DOMAIN_SIM || (skipped(c) & IA_SMS_SKIP_CHAIN_GATE))
    return true;
  for (size_t i = 0; i < IA_COUNT(public_hubs); i++)
    if (ia_addr_eq(&c->hub, &public_hubs[i]))
      return ia_fail(e, IA_E_HUB_FORBIDDEN,
                     "a simulated SMS does not serve the public hub %s, whatever the chain",
                     ia_addr_text(&c->hub).s);
  return true;
}

static bool loopback_rule(const ia_sms_config *c, ia_err *e)
{
  const char *h = c->host ? c->host : "127.0.0.1";
  bool loopback = strncmp(h, "127.", 4) == 0 || strcmp(h, "::1") == 0;

  if (c->domain != IA_DOMAIN_SIM || loopback || c->allow_remote_simulation ||
      (skipped(c) & IA_SMS_SKIP_LOOPBACK))
    return true;
  return ia_fail(e, IA_E_FORBIDDEN,
                 "a simulated SMS listens on loopback alone (%s; --allow-remote-simulation)", h);
}

/* -- what is written when the store is made, and never changes -- */
struct birth {
  const ia_sms_config *c;
  bool fresh;
};

static bool fixed(ia_db *db, const char *key, ia_span want, bool fresh, ia_code code, bool skip,
                  ia_err *e)
{
  IA_AUTOV(ia_buf) got = {0};

  if (fresh)
    return ia_sms_meta_set_bytes(db, key, want, e);
  if (!ia_sms_meta_bytes(db, key, &got, NULL, e))
    return false;
  return skip || ia_span_eq(ia_buf_view(&got), want) ||
         ia_fail(e, code, "the store was made for another %s, which never changes", key);
}

static bool unit_birth(void *ctx, ia_db *db, ia_err *e)
{
  const struct birth *b = ctx;
  IA_AUTOV(ia_buf) chain = {0}, registries = {0};

  ia_buf_u64be(&chain, b->c->chain_id);
  ia_buf_span(&registries, IA_SPAN_ARR(b->c->app_registry.b));
  ia_buf_span(&registries, IA_SPAN_ARR(b->c->dataset_registry.b));
  ia_buf_span(&registries, IA_SPAN_ARR(b->c->workerpool_registry.b));
  ia_buf_span(&registries, IA_SPAN_ARR(b->c->proxy_code_hash.b));
  return ia_buf_ok(&chain, e) && ia_buf_ok(&registries, e) &&
         fixed(db, "domain", ia_span_str(ia_domain_name(b->c->domain)), b->fresh,
               IA_E_DOMAIN_MISMATCH, skipped(b->c) & IA_SMS_SKIP_DOMAIN, e) &&
         fixed(db, "chain", ia_buf_view(&chain), b->fresh, IA_E_INVALID, false, e) &&
         fixed(db, "hub", IA_SPAN_ARR(b->c->hub.b), b->fresh, IA_E_INVALID, false, e) &&
         fixed(db, "registries", ia_buf_view(&registries), b->fresh, IA_E_INVALID, false, e);
}

/* -- the info document -- */
static json_t *hashes(const uint8_t *first, size_t stride, size_t n)
{
  json_t *list = json_array();

  for (size_t i = 0; i < n; i++)
    (void)!json_array_append_new(list, ia_json_hex(ia_span_of(first + i * stride, stride)));
  return list;
}

static bool make_info(ia_sms *s, const ia_h256 *roots, size_t n_roots, ia_buf *text,
                      uint8_t sig[64], ia_err *e)
{
  const ia_release_pins *p = &s->pins;
  IA_AUTO_JSON *v =
      json_pack("{s:i, s:s, s:o, s:I, s:o, s:{s:o, s:o, s:o}, s:o, s:o, s:o, s:b}", "v", 1,
                "domain", ia_domain_name(s->domain), "smsKey", ia_json_h256(&s->keys.sms_key),
                "chainId", (json_int_t)p->chain_id, "hub", ia_json_addr(&p->hub), "registries",
                "app", ia_json_addr(&p->registry[IA_ASSET_APP]), "dataset",
                ia_json_addr(&p->registry[IA_ASSET_DATASET]), "workerpool",
                ia_json_addr(&p->registry[IA_ASSET_WORKERPOOL]), "proxyCodeHash",
                ia_json_h256(&p->proxy_code_hash), "guests",
                hashes((const uint8_t *)s->guests, sizeof(ia_h384), s->n_guests), "simRoots",
                hashes((const uint8_t *)roots, sizeof(ia_h256), n_roots), "remoteSimulation",
                s->remote_simulation);

  return v ? ia_json_canonical(text, v, e) &&
                 ia_text_sign(sig, s->domain, "sms-info", ia_buf_view(text), &s->keys.seed, e)
           : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

/* -- life -- */
static bool copy_list(void **out, const void *from, size_t n, size_t size, ia_err *e)
{
  *out = calloc(n ? n : 1, size);
  if (!*out)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  if (n > 0)
    memcpy(*out, from, n * size);
  return true;
}

static bool copy_config(ia_sms *s, const ia_sms_config *c, ia_err *e)
{
  const char *rules = c->rules ? c->rules : "6.2";

  s->domain = c->domain;
  s->remote_simulation = c->allow_remote_simulation && c->domain == IA_DOMAIN_SIM;
  s->first_block = c->first_block;
  s->reorg_depth = c->reorg_depth;
  s->gather_ms = gather_ms(c);
  s->n_guests = c->n_guests;
  s->n_sim_roots = c->n_sim_roots;
  s->pins =
      (ia_release_pins){.domain = c->domain,
                        .chain_id = c->chain_id,
                        .hub = c->hub,
                        .registry = {c->app_registry, c->dataset_registry, c->workerpool_registry},
                        .proxy_code_hash = c->proxy_code_hash,
                        .sms_key = s->keys.sms_key,
                        .rules = ia_poco_rules_named(ia_span_str(rules)),
                        .depth = c->depth};
  if (!s->pins.rules)
    return ia_fail(e, IA_E_INVALID, "there are no PoCo rules %s", rules);
  s->rpc_url = strdup(c->rpc_url ? c->rpc_url : "");
  if (!ia_agree_of(&s->agree, c->rpc_url ? c->rpc_url : "", c->agree, e))
    return false;
  s->market_url = c->market_url ? strdup(c->market_url) : NULL;
  s->ipfs_url = c->ipfs_url ? strdup(c->ipfs_url) : NULL;
  return ((s->rpc_url && (s->market_url || !c->market_url) && (s->ipfs_url || !c->ipfs_url)) ||
          ia_fail(e, IA_E_MEMORY, "sms: no memory")) &&
         copy_list((void **)&s->guests, c->guests, c->n_guests, sizeof(*s->guests), e) &&
         copy_list((void **)&s->sim_roots, c->sim_roots, c->n_sim_roots, sizeof(*s->sim_roots), e);
}

static bool on_commit(void *ctx, const ia_journal_tip *tip, ia_err *e)
{
  return ia_sms_head_set(ctx, tip, e);
}

/* The journal holds the entry that the head names (0: none). It may have more: the head follows. */
static bool holds(ia_sms_store *store, const ia_sms_head *h, const ia_journal_tip *tip,
                  const char *dir, ia_err *e)
{
  uint8_t mac[32] = {0};
  bool has = false;

  if (!h->any)
    return tip->seq == 0 ||
           ia_fail(e, IA_E_CORRUPT,
                   "%s/head: missing or damaged, so nobody can tell whether the store beside it is "
                   "the newest",
                   dir);
  if (h->tip.seq > tip->seq)
    return ia_fail(e, IA_E_CORRUPT,
                   "the store in %s is an older copy (entry %llu of %llu): nothing is released",
                   dir, (unsigned long long)tip->seq, (unsigned long long)h->tip.seq);
  if (h->tip.seq == 0)
    return true;
  return ia_sms_store_mac_of(store, h->tip.seq, &has, mac, e) &&
         ((has && ia_ct_eq(mac, h->tip.mac, sizeof(mac))) ||
          ia_fail(e, IA_E_CORRUPT, "the store in %s is not the one that %s/head is of", dir, dir));
}

bool ia_sms_store_verified(ia_sms_store *store, ia_sms_head *head, const char *dir,
                           const ia_sms_keys *k, bool skip, ia_err *e)
{
  ia_journal_tip tip;

  if (!ia_sms_head_open(head, dir, &k->head, e) ||
      !ia_sms_store_load(store, &k->journal, !skip, &tip, e) ||
      (!skip && !holds(store, head, &tip, dir, e)))
    return false;
  /* so that a kill between the first entry and its head does not look like a head that was lost */
  if (!head->any && tip.seq == 0 && !ia_sms_head_set(head, &tip, e))
    return false;
  ia_sms_store_on_commit(store, on_commit, head);
  return true;
}

/* The domain first: a store of another one is not touched. */
static bool same_domain(ia_sms_store *store, const ia_sms_config *c, ia_err *e)
{
  IA_AUTOV(ia_buf) got = {0};

  if (ia_sms_store_fresh(store) || (skipped(c) & IA_SMS_SKIP_DOMAIN))
    return true;
  return ia_sms_store_peek(store, "domain", &got, e) &&
         (ia_span_is(ia_buf_view(&got), ia_domain_name(c->domain)) ||
          ia_fail(e, IA_E_DOMAIN_MISMATCH,
                  "the store was made for another domain, which never changes"));
}

static bool open_store(ia_sms *s, const ia_sms_config *c, ia_err *e)
{
  unsigned skip = skipped(c);
  ia_domain other = c->domain == IA_DOMAIN_HW ? IA_DOMAIN_SIM : IA_DOMAIN_HW;
  struct birth b = {.c = c};

  if (!ia_mkdirs(c->dir, 0700, e) || !ia_owned_folder(c->dir, e) ||
      !ia_sms_store_open(&s->store, c->dir, e) || !same_domain(s->store, c, e) ||
      !ia_sms_keys_open(&s->keys, c->dir, c->passphrase, c->random_passphrase, c->domain,
                        skip & IA_SMS_SKIP_KEK ? other : c->domain, e) ||
      !ia_sms_store_verified(s->store, &s->head, c->dir, &s->keys, skip & IA_SMS_SKIP_HEAD, e))
    return false;
  b.fresh = ia_sms_store_fresh(s->store);
  return ia_sms_store_run(s->store, unit_birth, &b, e);
}

bool ia_sms_open_over(ia_sms **out, const ia_sms_config *c, ia_sms_ledger_maker *make,
                      void *make_ctx, ia_err *e)
{
  IA_AUTO(ia_sms) *s = NULL;

  if (c->domain != IA_DOMAIN_HW && c->domain != IA_DOMAIN_SIM)
    return ia_fail(e, IA_E_INVALID, "sms: the domain is hw or sim");
  if (!chain_gate(c, e) || !loopback_rule(c, e))
    return false;
  s = calloc(1, sizeof(*s));
  if (!s)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  s->head.fd = -1;
  pthread_mutex_init(&s->lock, NULL);
  pthread_mutex_init(&s->follow_lock, NULL);
  s->make_ledger = make;
  s->make_ctx = make_ctx;
  if (!ia_sms_nonces_open(s, e) || !open_store(s, c, e) || !copy_config(s, c, e) ||
      !ia_sms_push_open(&s->push, e))
    return false;
  if (s->domain == IA_DOMAIN_SIM)
    ia_log(IA_LOG_WARN, "sms.simulated",
           "note=\"SIMULATED: proves nothing, put no real personal data here\" remote=%d",
           s->remote_simulation);
  else
    ia_log(IA_LOG_WARN, "sms.hardware",
           "note=\"this version does not verify hardware evidence: nothing is released\"");
  *out = ia_steal(&s);
  return true;
}

bool ia_sms_open(ia_sms **out, const ia_sms_config *c, ia_loop *l, ia_err *e)
{
  (void)l; /* every handler is a job of the server */
  return ia_sms_open_over(out, c, NULL, NULL, e);
}

void ia_sms_close(ia_sms *s)
{
  if (!s)
    return;
  for (size_t i = 0; i < s->n_idle; i++) {
    s->idle[i]->close(s->idle[i]->ctx);
    free(s->idle[i]);
  }
  ia_sms_nonces_close(s);
  ia_sms_push_close(s->push);
  ia_sms_store_close(s->store);
  ia_sms_head_close(&s->head);
  ia_sms_keys_free(&s->keys);
  pthread_mutex_destroy(&s->lock);
  pthread_mutex_destroy(&s->follow_lock);
  free(s->guests);
  free(s->sim_roots);
  free(s->rpc_url);
  free(s->market_url);
  free(s->ipfs_url);
  free(s);
}

ia_h256 ia_sms_key(const ia_sms *s)
{
  return s->keys.sms_key;
}

/* -- connections to the ledger -- */
static bool begin(ia_sms_ledger *l, uint64_t deadline, ia_err *e)
{
  l->deadline = deadline;
  if (l->until)
    l->until(l->ctx, deadline);
  return !l->begin || l->begin(l->ctx, e);
}

bool ia_sms_in_time(const ia_sms_ledger *l, ia_err *e)
{
  return ia_mono_ms() < l->deadline ||
         ia_fail(e, IA_E_TIMEOUT, "the ledger took more than %d s to answer what a decision needs",
                 IA_SMS_GATHER_MS / 1000);
}

bool ia_sms_take_ledger(ia_sms *s, ia_sms_ledger **out, ia_err *e)
{
  uint64_t deadline = ia_mono_ms() + s->gather_ms;
  const ia_sms_urls urls = {s->rpc_url, s->agree, s->market_url, s->ipfs_url, deadline};
  ia_sms_ledger *l = NULL;
  bool ok;

  pthread_mutex_lock(&s->lock);
  if (s->n_idle > 0)
    l = s->idle[--s->n_idle];
  pthread_mutex_unlock(&s->lock);
  if (l && begin(l, deadline, e)) {
    *out = l;
    return true;
  }
  if (l) {
    ia_sms_give_ledger(s, l, true);
    return ia_wrap(e, "ledger");
  }
  l = calloc(1, sizeof(*l));
  if (!l)
    return ia_fail(e, IA_E_MEMORY, "sms: no memory");
  ok = s->make_ledger ? s->make_ledger(s->make_ctx, l, &s->pins, e)
                      : ia_sms_ledger_open(l, &urls, &s->pins, e);
  if (ok && !begin(l, deadline, e)) {
    l->close(l->ctx);
    ok = false;
  }
  if (!ok) {
    free(l);
    return ia_wrap(e, "ledger");
  }
  *out = l;
  return true;
}

void ia_sms_give_ledger(ia_sms *s, ia_sms_ledger *l, bool broken)
{
  bool kept = false;

  pthread_mutex_lock(&s->lock);
  if (!broken && s->n_idle < IA_SMS_LEDGERS) {
    s->idle[s->n_idle++] = l;
    kept = true;
  }
  pthread_mutex_unlock(&s->lock);
  if (kept)
    return;
  l->close(l->ctx);
  free(l);
}

/* -- simulation roots -- */
struct roots {
  ia_h256 *list;
  size_t n;
};

static bool unit_roots(void *ctx, ia_db *db, ia_err *e)
{
  struct roots *r = ctx;
  bool row = false, ok = true;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "SELECT digest FROM sim_root", e))
    return false;
  while (ok && (ok = ia_stmt_step(st, &row, e)) && row) {
    ia_h256 *more = reallocarray(r->list, r->n + 1, sizeof(*more));

    if (!more) {
      ok = ia_fail(e, IA_E_MEMORY, "sms: no memory");
      break;
    }
    r->list = more;
    ok = ia_col_h256(st, 0, &r->list[r->n], e);
    r->n += ok;
  }
  ia_stmt_reset(st);
  return ok;
}

bool ia_sms_all_roots(ia_sms *s, ia_h256 **out, size_t *n, ia_err *e)
{
  struct roots r = {.n = s->n_sim_roots};

  if (!copy_list((void **)&r.list, s->sim_roots, s->n_sim_roots, sizeof(*r.list), e))
    return false;
  if (!ia_sms_store_run(s->store, unit_roots, &r, e)) {
    free(r.list);
    return false;
  }
  *out = r.list;
  *n = r.n;
  return true;
}

/* -- routes -- */
static bool get_info(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_sms *s = ctx;
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = NULL;
  ia_h256 *roots = NULL;
  uint8_t sig[64];
  size_t n = 0;
  bool ok;

  (void)rq;
  if (!ia_sms_all_roots(s, &roots, &n, e))
    return false;
  ok = make_info(s, roots, n, &text, sig, e);
  free(roots);
  if (!ok)
    return false;
  v = json_pack("{s:o, s:o}", "text", ia_json_bytes(ia_buf_view(&text)), "sig",
                ia_json_hex(IA_SPAN_ARR(sig)));
  if (v && s->pins.depth > 0)
    json_object_set_new(v, "confirmations", json_integer((json_int_t)s->pins.depth));
  return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

static bool get_up(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  const ia_sms *s = ctx;
  IA_AUTO_JSON *v = json_pack("{s:s, s:s, s:s, s:b, s:b}", "status", "UP", "version", IA_VERSION,
                              "domain", ia_domain_name(s->domain), "simulated",
                              s->domain == IA_DOMAIN_SIM, "remoteSimulation", s->remote_simulation);

  (void)rq;
  return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

/* -- what monitors of iExec services ask -- */
static bool get_version(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx;
  (void)rq;
  ia_reply_type(rp, "text/plain");
  ia_buf_str(ia_reply_body(rp), IA_VERSION);
  return ia_buf_ok(ia_reply_body(rp), e);
}

static bool get_health(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:s}", "status", "UP");

  (void)ctx;
  (void)rq;
  return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "sms: no memory");
}

struct count {
  const char *name, *sql;
  uint64_t n;
};

static bool unit_counts(void *ctx, ia_db *db, ia_err *e)
{
  for (struct count *c = ctx; c->name; c++) {
    bool row = false;
    ia_stmt *st;

    if (!ia_db_stmt(&st, db, c->sql, e) || !ia_stmt_step(st, &row, e))
      return false;
    c->n = row ? ia_col_u64(st, 0) : 0;
    ia_stmt_reset(st);
  }
  return true;
}

/* Prometheus text. */
static bool get_metrics(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  struct count c[] = {
      {"iapp_sms_releases_total", "SELECT count(*) FROM release", 0},
      {"iapp_sms_refusals_total", "SELECT count(*) FROM audit WHERE refused = 1", 0},
      {"iapp_sms_secrets", "SELECT count(*) FROM secret", 0},
      {NULL, NULL, 0}};
  ia_sms *s = ctx;

  (void)rq;
  if (!ia_sms_store_run(s->store, unit_counts, c, e))
    return false;
  ia_reply_type(rp, "text/plain; version=0.0.4");
  for (size_t i = 0; c[i].name; i++)
    ia_buf_printf(ia_reply_body(rp), "%s %llu\n", c[i].name, (unsigned long long)c[i].n);
  ia_buf_printf(ia_reply_body(rp), "iapp_sms_simulated %d\n", s->domain == IA_DOMAIN_SIM);
  return ia_buf_ok(ia_reply_body(rp), e);
}

enum { SMALL_BODY = 16 << 10, MESSAGE_BODY = 128 << 10 };

static const ia_route own_rows[] = {
    {"GET", "/info", IA_ROUTE_JOB, 0, false, get_info, IA_MARK_PUBLIC},
    {"GET", "/up", IA_ROUTE_INLINE, 0, false, get_up, IA_MARK_PUBLIC},
    {"GET", "/version", IA_ROUTE_INLINE, 0, false, get_version, IA_MARK_PUBLIC},
    {"GET", "/metrics", IA_ROUTE_JOB, 0, false, get_metrics, IA_MARK_PRIVATE},
    {"GET", "/actuator/health", IA_ROUTE_INLINE, 0, false, get_health, IA_MARK_PUBLIC},
    {"POST", "/attest/v1/challenge", IA_ROUTE_JOB, SMALL_BODY, false, ia_sms_h_challenge,
     IA_MARK_COSTLY},
    {"POST", "/attest/v1/release", IA_ROUTE_JOB, IA_SMS_BODY_MAX, false, ia_sms_h_release,
     IA_MARK_COSTLY},
    {"POST", "/attest/v1/ended", IA_ROUTE_JOB, IA_SMS_BODY_MAX, false, ia_sms_h_ended,
     IA_MARK_COSTLY},
    {"POST", "/push/v1/challenge", IA_ROUTE_JOB, SMALL_BODY, false, ia_sms_h_push_challenge,
     IA_MARK_COSTLY},
    {"POST", "/push/v1/secret", IA_ROUTE_JOB, SMALL_BODY, false, ia_sms_h_push_secret,
     IA_MARK_COSTLY},
    {"POST", "/owner/v1/messages", IA_ROUTE_JOB, MESSAGE_BODY, false, ia_sms_h_message,
     IA_MARK_COSTLY},
    {"GET", "/owner/v1/log", IA_ROUTE_JOB, 0, false, ia_sms_h_log, IA_MARK_PRIVATE},
    {"GET", "/owner/v1/version", IA_ROUTE_JOB, 0, false, ia_sms_h_version, IA_MARK_PRIVATE},
    {"GET", "/owner/v1/limits", IA_ROUTE_JOB, 0, false, ia_sms_h_limits, IA_MARK_PRIVATE},
    {"POST", "/owner/v1/test", IA_ROUTE_JOB, MESSAGE_BODY, false, ia_sms_h_test, IA_MARK_PRIVATE},
    {"POST", "/why/v1", IA_ROUTE_JOB, MESSAGE_BODY, false, ia_sms_h_why, IA_MARK_PRIVATE},
};

/* {"error":{..,"id"}}: the log line of the same id has the whole story. */
static void format_own(ia_reply *rp, const ia_err *err)
{
  IA_AUTO_JSON *v = NULL;
  uint8_t raw[8] = {0};
  char id[17];

  (void)!ia_random(raw, sizeof(raw), NULL);
  ia_hex(id, raw, sizeof(raw));
  ia_log(IA_LOG_WARN, "sms.refused", "id=%s code=%s message=\"%s\"", id, ia_code_name(err->code),
         err->msg);
  const ia_err said = ia_err_utf8(err);
  v = json_pack("{s:{s:s, s:s, s:s, s:s}}", "error", "code", ia_code_name(err->code), "message",
                said.msg, "hint", said.hint, "id", id);
  if (!v || !ia_reply_json(rp, ia_code_http(err->code), v, NULL))
    ia_reply_error(rp, err);
}

/* {"data":null,"error":code}: what iExec clients read at these routes. */
static void format_data(ia_reply *rp, const ia_err *err)
{
  const ia_err said = ia_err_utf8(err);
  IA_AUTO_JSON *v =
      json_pack("{s:n, s:s, s:s}", "data", "error", ia_code_name(err->code), "message", said.msg);

  if (!v || !ia_reply_json(rp, ia_code_http(err->code), v, NULL))
    ia_reply_error(rp, err);
}

bool ia_sms_mount(ia_sms *s, ia_server *server, ia_err *e)
{
  s->tables[0] = (ia_routes){ia_sms_secret_rows, ia_sms_n_secret_rows, s, NULL, true};
  s->tables[1] = (ia_routes){ia_sms_named_rows, ia_sms_n_named_rows, s, format_data, true};
  s->tables[2] = (ia_routes){ia_sms_tee_rows, ia_sms_n_tee_rows, s, format_data, false};
  s->tables[3] = (ia_routes){own_rows, IA_COUNT(own_rows), s, format_own, false};
  for (size_t i = 0; i < IA_COUNT(s->tables); i++)
    if (!ia_server_mount(server, &s->tables[i], e))
      return false;
  return true;
}
