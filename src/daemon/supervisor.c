/* The supervisor: what runs here, in which order, and what is said when it is ready. */
#include "daemon/supervisor.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ending.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/loop.h"
#include "daemon/announce.h"
#include "daemon/on_chain.h"
#include "daemon/process.h"
#include "daemon/stores.h"
#include "eth/u256.h"
#include "http/server.h"

/* Processes in the order in which they need each other. */
static const struct plan {
  const char *name;
  unsigned roles;
  unsigned needs; /* roles that must be ready before, where they run here */
} plans[] = {
    {"front", IA_ROLE_FRONT, 0},
    {"sms", IA_ROLE_SMS, IA_ROLE_FRONT},
    {"scheduler", IA_ROLE_SCHEDULER, IA_ROLE_FRONT | IA_ROLE_SMS},
    {"worker", IA_ROLE_WORKER, IA_ROLE_FRONT | IA_ROLE_SMS | IA_ROLE_SCHEDULER},
};
enum { N_PLANS = IA_COUNT(plans), WORKER = N_PLANS - 1 };
enum { DRAIN_S = 15, DRAIN_MOST_S = 86400 };

typedef struct supervisor {
  const ia_daemon_options *o;
  ia_home home;
  ia_ports ports;
  unsigned roles;
  ia_secret passphrase;
  ia_loop *loop;
  ia_process *processes[N_PLANS]; /* NULL = does not run here */
  json_t *fields;                 /* what the roles said, and what every role is told */
  uint64_t started_ms;
  uint64_t drain_ms; /* for the tasks that run when we stop */
  bool announced, stopping;
  ia_err failure;
} supervisor;

/* The worker ends first: it settles and returns what it has, which it needs the others for. */
static bool stop_worker(supervisor *s)
{
  ia_process *worker = s->processes[WORKER];

  if (!worker || !ia_process_is_running(worker))
    return true;
  ia_process_stop(worker, s->drain_ms);
  if (s->failure.code != IA_OK)
    ia_process_hurry(worker);
  return !ia_process_is_running(worker);
}

static void stop_all(supervisor *s)
{
  bool left = false;

  s->stopping = true;
  if (!stop_worker(s))
    return; /* on_stopped goes on */
  for (unsigned i = 0; i < N_PLANS; i++)
    if (s->processes[i])
      ia_process_stop(s->processes[i], 0);
  for (unsigned i = 0; i < N_PLANS; i++)
    left |= s->processes[i] && ia_process_is_running(s->processes[i]);
  if (!left)
    ia_loop_stop(s->loop);
}

static void fail_all(supervisor *s, const ia_err *e)
{
  if (s->failure.code == IA_OK)
    s->failure = *e;
  stop_all(s);
}

/* Packages take one node, the first; our own commands take all of them. */
static bool name_nodes(supervisor *s, ia_err *e)
{
  const char *all = json_string_value(json_object_get(s->fields, "rpcUrl"));

  return !all || !strchr(all, ',') ||
         (ia_json_set(s->fields, "rpcUrls", json_string(all), e) &&
          ia_json_set(s->fields, "rpcUrl", json_stringn(all, strcspn(all, ",")), e));
}

static void start_what_can(supervisor *s)
{
  unsigned ready = 0, running = 0;
  ia_err e = {0};

  for (unsigned i = 0; i < N_PLANS; i++) {
    if (s->processes[i])
      running |= plans[i].roles;
    if (s->processes[i] && ia_process_is_ready(s->processes[i]))
      ready |= plans[i].roles;
  }
  for (unsigned i = 0; i < N_PLANS && !s->announced; i++) {
    ia_process *p = s->processes[i];

    if (!p || ia_process_is_started(p) || (plans[i].needs & running & ~ready))
      continue;
    IA_AUTO_JSON *config = json_deep_copy(s->fields);
    if (!config)
      ia_fail(&e, IA_E_MEMORY, "out of memory");
    if (!config || !ia_process_start(p, config, &e)) {
      fail_all(s, &e);
      return;
    }
  }
  if (running != ready || s->announced)
    return;
  s->announced = true;
  if (!name_nodes(s, &e)) {
    fail_all(s, &e);
    return;
  }
  if (!ia_stores_keep(&s->home, s->roles, &e) ||
      !ia_announce(&s->home, s->o, s->fields, ia_mono_ms() - s->started_ms, &e))
    fail_all(s, &e);
}

static void on_ready(void *ctx, ia_process *p, const json_t *fields)
{
  supervisor *s = ctx;
  ia_err e = {0};

  ia_log(IA_LOG_INFO, "role.ready", "role=%s", ia_process_name(p));
  if (s->stopping)
    return; /* what has ended is not to be started again */
  if (json_object_update(s->fields, (json_t *)(uintptr_t)fields) != 0) {
    ia_fail(&e, IA_E_MEMORY, "out of memory");
    fail_all(s, &e);
    return;
  }
  start_what_can(s);
}

static void on_failed(void *ctx, ia_process *p, const ia_err *e)
{
  ia_err mine = *e;

  ia_wrap(&mine, "%s", ia_process_name(p));
  fail_all(ctx, &mine);
}

static void on_stopped(void *ctx, ia_process *p)
{
  (void)p;
  stop_all(ctx);
}

static void on_signal(void *ctx, int signo)
{
  supervisor *s = ctx;

  (void)signo;
  if (s->stopping && s->processes[WORKER])
    ia_process_hurry(s->processes[WORKER]); /* asked twice */
  stop_all(s);
}

static bool put_text(supervisor *s, const char *key, const char *value, ia_err *e)
{
  return !value || ia_json_set(s->fields, key, json_string(value), e);
}

/* With commas between. */
static bool put_list(supervisor *s, const char *key, const ia_daemon_list *list, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  for (unsigned i = 0; i < list->n; i++)
    ia_buf_printf(&text, "%s%s", i > 0 ? "," : "", list->v[i]);
  return list->n == 0 ||
         (ia_buf_ok(&text, e) && ia_json_set(s->fields, key, ia_json_bytes(ia_buf_view(&text)), e));
}

static bool put_flag(supervisor *s, const char *key, bool value, ia_err *e)
{
  return ia_json_set(s->fields, key, json_boolean(value), e);
}

static bool read_drain(supervisor *s, ia_err *e)
{
  const char *text = s->o->drain;
  ia_u256 wide;
  uint64_t seconds = DRAIN_S;

  if (text && (!ia_u256_parse(&wide, ia_span_str(text), NULL) || !ia_u256_u64(&seconds, &wide) ||
               seconds > DRAIN_MOST_S))
    return ia_fail(e, IA_E_USAGE, "--drain: %s is not a number of seconds up to %d", text,
                   DRAIN_MOST_S);
  s->drain_ms = seconds * 1000;
  return ia_json_set(s->fields, "drainMs", json_integer((json_int_t)s->drain_ms), e);
}

/* What every role is told: where, which ports, which options, where the others are. */
static bool tell(supervisor *s, ia_err *e)
{
  const ia_daemon_options *o = s->o;

  return put_text(s, "home", s->home.dir.s, e) && put_text(s, "host", o->host, e) &&
         ia_json_set(s->fields, "roles", json_integer(s->roles), e) &&
         ia_json_set(s->fields, "frontPort", json_integer(s->ports.front), e) &&
         ia_json_set(s->fields, "smsPort", json_integer(s->ports.sms), e) &&
         ia_json_set(s->fields, "schedulerPort", json_integer(s->ports.scheduler), e) &&
         put_text(s, "wantChainId", o->chain_id, e) && put_text(s, "rules", o->rules, e) &&
         put_text(s, "wantDomain", o->domain, e) &&
         put_text(s, "genesisSeed", o->genesis_seed, e) && put_text(s, "tlsCert", o->tls_cert, e) &&
         put_text(s, "tlsKey", o->tls_key, e) && put_text(s, "guest", o->guest, e) &&
         put_text(s, "slots", o->slots, e) && put_text(s, "appMemory", o->app_memory, e) &&
         put_text(s, "taskRoom", o->task_room, e) && put_text(s, "dealTasks", o->deal_tasks, e) &&
         put_text(s, "workerpool", o->pool, e) && put_text(s, "wantPool", o->pool, e) &&
         put_text(s, "admit", o->worker, e) && put_text(s, "iapps", o->iapp, e) &&
         put_text(s, "rpcUrl", o->chain ? o->chain : o->rpc, e) &&
         put_text(s, "reorgDepth", o->reorg_depth, e) &&
         put_text(s, "releaseConfirmations", o->release_confirmations, e) &&
         put_text(s, "agree", o->agree, e) && put_text(s, "marketUrl", o->market, e) &&
         put_text(s, "ipfsNodeUrl", o->ipfs, e) && put_text(s, "ipfsGatewayUrl", o->ipfs, e) &&
         put_text(s, "smsUrl", o->sms, e) && put_text(s, "schedulerUrl", o->scheduler, e) &&
         put_list(s, "hostNames", &o->host_name, e) &&
         put_list(s, "allowOrigins", &o->allow_origin, e) && put_text(s, "log", o->log, e) &&
         put_text(s, "confirmations", o->confirmations, e) &&
         put_text(s, "maxFee", o->max_fee, e) && put_text(s, "replaceAfter", o->replace_after, e) &&
         put_flag(s, "test", o->test, e) && put_flag(s, "allowFees", o->allow_fees, e) &&
         put_flag(s, "noHold", o->no_hold, e) &&
         put_flag(s, "behindTlsProxy", o->behind_tls_proxy, e) &&
         put_flag(s, "allowSwap", o->allow_swap, e) &&
         put_flag(s, "allowRemoteSimulation", o->allow_remote_simulation, e);
}

/* Keys of the roles that run here; their addresses stand in the genesis and in the pool's list. */
static bool make_keys(supervisor *s, bool random, ia_err *e)
{
  ia_addr pool, worker;
  ia_h256 root;

  if ((s->roles & (IA_ROLE_SCHEDULER | IA_ROLE_LEDGER)) &&
      (!ia_home_wallet(&pool, &s->home, "scheduler", &s->passphrase, random, e) ||
       !ia_json_set(s->fields, "poolOwner", ia_json_addr(&pool), e)))
    return false;
  if (!(s->roles & IA_ROLE_WORKER))
    return true;
  return ia_home_wallet(&worker, &s->home, "worker", &s->passphrase, random, e) &&
         ia_json_set(s->fields, "ownWorker", ia_json_addr(&worker), e) &&
         ia_home_sim_root(&root, &s->home, e) &&
         ia_json_set(s->fields, "ownSimRoot", ia_json_h256(&root), e);
}

/* What roles on an EVM chain cannot ask a ledger of ours. */
static bool know_chain(supervisor *s, ia_err *e)
{
  IA_AUTO_JSON *info = NULL;
  json_t *pool;
  ia_addr us[2];
  bool owned = ia_json_get_addr(s->fields, "poolOwner", &us[0], NULL);
  size_t n = owned;

  if (!ia_on_chain(&info, &s->home, s->o, owned ? &us[0] : NULL, e))
    return false;
  if (!info)
    return true;
  n += ia_json_get_addr(s->fields, "ownWorker", &us[n], NULL);
  if (!ia_on_chain_funds(s->o, us, n, e))
    return false;
  pool = json_object_get(info, "pool");
  return (!pool || (ia_json_set(s->fields, "wantPool", json_incref(pool), e) &&
                    ia_json_set(s->fields, "workerpool", json_incref(pool), e))) &&
         put_flag(s, "ownPool", owned && !s->o->pool, e) &&
         ia_json_set(s->fields, "hubAddress", json_incref(json_object_get(info, "hub")), e) &&
         ia_json_set(s->fields, "chainId", json_incref(json_object_get(info, "chainId")), e) &&
         ia_json_set(s->fields, "ledgerInfo", json_incref(info), e);
}

/* Pool and worker of this version know simulated guests alone: with an SMS of the other domain they
 * would wait for ever. */
static bool one_domain(const supervisor *s, ia_err *e)
{
  bool hardware = s->o->domain && strcmp(s->o->domain, "hw") == 0 && (s->roles & IA_ROLE_SMS);

  if (!hardware || !(s->roles & (IA_ROLE_SCHEDULER | IA_ROLE_WORKER)))
    return true;
  (void)ia_fail(e, IA_E_DOMAIN_MISMATCH, "an SMS of domain hw serves no simulated pool");
  return ia_hint(e, "give --role ledger,market,ipfs,sms: it keeps secrets, and releases none yet");
}

/* The port is ours from here to our own end: who kills a role does not get it. */
static bool hold_port(supervisor *s, ia_process *p, ia_err *e)
{
  const struct {
    const char *name;
    uint16_t port;
  } ports[] = {{"front", s->ports.front}, {"sms", s->ports.sms}, {"scheduler", s->ports.scheduler}};
  int fd;

  for (unsigned i = 0; i < IA_COUNT(ports); i++) {
    if (strcmp(ports[i].name, ia_process_name(p)) != 0)
      continue;
    if (ia_listen_hold(&fd, s->o->host, ports[i].port, e))
      return ia_process_hold(p, fd, e);
    if (e && e->code == IA_E_IO)
      ia_hint(e, "is port %u taken? --port 0 takes free ones", ports[i].port);
    return ia_wrap(e, "%s", ports[i].name);
  }
  return true;
}

static bool launch_all(supervisor *s, ia_err *e)
{
  const ia_process_events events = {on_ready, on_failed, on_stopped, s};

  for (unsigned i = 0; i < N_PLANS; i++)
    if ((plans[i].roles & s->roles) &&
        (!ia_process_new(&s->processes[i], s->loop, plans[i].name, &events, e) ||
         !hold_port(s, s->processes[i], e) ||
         !ia_process_launch(s->processes[i], &s->passphrase, e)))
      return false;
  return true;
}

/* The processes load while their keys are made. */
static bool prepare(supervisor *s, ia_err *e)
{
  bool random = false;

  s->fields = json_object();
  if (!s->fields)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!ia_roles_parse(&s->roles, s->o->role, e))
    return false;
  if (s->o->chain && !s->o->role)
    s->roles &= ~(unsigned)IA_ROLE_LEDGER;
  if (!one_domain(s, e) || !ia_home_find(&s->home, s->o->home, e) ||
      !ia_home_open(&s->home, s->roles | IA_ROLE_SCHEDULER, e) ||
      !ia_stores_check(&s->home, s->roles, !s->o->chain, !s->o->passphrase_file, e) ||
      !ia_home_ports(&s->ports, &s->home, s->o->port, e) || !tell(s, e) || !read_drain(s, e) ||
      !ia_home_passphrase(&s->passphrase, &random, &s->home, s->o->passphrase_file, e) ||
      !put_flag(s, "randomPassphrase", random, e))
    return false;
  return ia_loop_new(&s->loop, e) && ia_loop_signal(s->loop, SIGTERM, on_signal, s, e) &&
         ia_loop_signal(s->loop, SIGINT, on_signal, s, e) && launch_all(s, e) &&
         make_keys(s, random, e) && know_chain(s, e);
}

bool ia_supervise(const ia_daemon_options *o, ia_err *e)
{
  supervisor s = {.o = o, .home = {.lock = -1}, .started_ms = ia_mono_ms()};

  ia_ending_hold();
  bool ok = prepare(&s, e);
  if (ok) {
    ia_ending_let();
    start_what_can(&s);
    ia_loop_run(s.loop);
    ok = s.failure.code == IA_OK;
    if (!ok && e)
      *e = s.failure;
  }
  for (unsigned i = 0; i < N_PLANS; i++)
    ia_process_free(s.processes[i]);
  ia_loop_free(s.loop);
  ia_secret_free(&s.passphrase);
  json_decref(s.fields);
  ia_home_close(&s.home);
  return ok;
}
