/* The frame of a role's process. */
#include "daemon/role.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/ending.h"
#include "base/heap.h"
#include "base/hex.h"
#include "base/log.h"
#include "base/show.h"
#include "chain/follow.h"
#include "daemon/control.h"
#include "daemon/roles.h"

enum { PASSPHRASE_CAP = 1024, AGAIN_MS = 200, SAY_AGAIN_MS = 30000 };

const char *ia_role_text(const ia_role_ctx *r, const char *key)
{
  return json_string_value(json_object_get(r->config, key));
}

bool ia_role_flag(const ia_role_ctx *r, const char *key)
{
  return json_is_true(json_object_get(r->config, key));
}

uint64_t ia_role_number(const ia_role_ctx *r, const char *key, uint64_t without)
{
  uint64_t out;

  return ia_json_get_u64(r->config, key, &out, NULL) ? out : without;
}

bool ia_role_addr(const ia_role_ctx *r, const char *key, ia_addr *out, ia_err *e)
{
  return ia_json_get_addr(r->config, key, out, e);
}

bool ia_role_sending(const ia_role_ctx *r, ia_chain_sending *out, ia_path *outbox, ia_err *e)
{
  uint64_t seconds = ia_role_number(r, "replaceAfter", 0);

  if (seconds > UINT32_MAX / 1000)
    return ia_fail(e, IA_E_USAGE, "--replace-after: too long");
  *out = (ia_chain_sending){.outbox = outbox->s,
                            .confirmations = ia_role_number(r, "confirmations", 0),
                            .max_fee = ia_role_text(r, "maxFee"),
                            .stuck_ms = (uint32_t)seconds * 1000};
  return ia_path_join(outbox, e, "%s/outbox", r->dir.s);
}

bool ia_role_count(const ia_role_ctx *r, const char *key, const char *option, uint64_t most,
                   uint64_t without, uint64_t *out, ia_err *e)
{
  *out = without;
  if (!json_object_get(r->config, key))
    return true;
  return (ia_json_get_u64(r->config, key, out, NULL) && *out <= most) ||
         ia_fail(e, IA_E_USAGE, "%s: want a whole number, at most %llu", option,
                 (unsigned long long)most);
}

bool ia_role_reorg_depth(const ia_role_ctx *r, uint64_t *out, ia_err *e)
{
  return ia_role_count(r, "reorgDepth", "--reorg-depth", IA_PAST_MAX, IA_REORG_DEPTH, out, e);
}

bool ia_role_foreign(const json_t *info)
{
  return !json_object_get(info, "genesisHash");
}

bool ia_role_listen(const ia_role_ctx *r, ia_server **out, const char *port_key, ia_err *e)
{
  const ia_listen at = {.host = ia_role_text(r, "host"),
                        .port = (uint16_t)ia_role_number(r, port_key, 0),
                        .held = IA_LISTEN_FD,
                        .tls_cert = ia_role_text(r, "tlsCert"),
                        .tls_key = ia_role_text(r, "tlsKey"),
                        .behind_tls_proxy = ia_role_flag(r, "behindTlsProxy"),
                        .names = ia_role_text(r, "hostNames"),
                        .origins = ia_role_text(r, "allowOrigins")};

  if (ia_server_open(out, r->loop, &at, e))
    return true;
  if (e && e->code == IA_E_IO)
    ia_hint(e, "is port %u taken? --port 0 takes free ones", at.port);
  return false;
}

/* A ledger that cannot be reached yet is waited for, and said. */
static bool await_info(json_t **info, const ia_role_ctx *r, const char *url, ia_err *e)
{
  const ia_rpc_options o = {.url = url};
  IA_AUTO(ia_rpc) *rpc = NULL;
  uint64_t said = 0;

  if (!ia_rpc_new(&rpc, &o, e))
    return false;
  for (;;) {
    ia_err why = {0};

    if (ia_rpc_call(rpc, info, "iapp_info", NULL, &why))
      return true;
    if (ia_role_ending() || (why.code != IA_E_UNAVAILABLE && why.code != IA_E_TIMEOUT &&
                             why.code != IA_E_BUSY && why.code != IA_E_IO))
      return e && (*e = why, false);
    if (said == 0 || ia_mono_ms() - said >= SAY_AGAIN_MS) {
      ia_print(stderr, "%s: waiting for the ledger: %s\n", r->name, why.msg);
      said = ia_mono_ms();
    }
    (void)usleep(AGAIN_MS * 1000);
  }
}

json_t *ia_role_ledger_info(const ia_role_ctx *r, ia_err *e)
{
  const char *url = ia_role_text(r, "rpcUrl");
  json_t *info = json_object_get(r->config, "ledgerInfo");

  if (info)
    return json_incref(info);
  if (!url) {
    ia_fail(e, IA_E_USAGE, "no ledger here: give --rpc URL or --chain URL");
    return NULL;
  }
  if (!await_info(&info, r, url, e)) {
    ia_wrap(e, "ledger at %s", url);
    return NULL;
  }
  return info;
}

uint64_t ia_role_first_block(const json_t *info)
{
  uint64_t out;

  return ia_json_get_u64(info, "firstBlock", &out, NULL) ? out : 0;
}

bool ia_role_guest(const ia_role_ctx *r, ia_path *out, ia_err *e)
{
  static const char *const places[] = {"iapp-guest", "src/guest/iapp-guest",
                                       "../libexec/iapp/iapp-guest"};
  const char *given = ia_role_text(r, "guest");
  char self[IA_PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

  if (given)
    return ia_path_join(out, e, "%s", given);
  self[n > 0 ? n : 0] = '\0';
  char *slash = strrchr(self, '/');
  if (slash)
    *slash = '\0';
  for (unsigned i = 0; i < IA_COUNT(places); i++)
    if (ia_path_join(out, NULL, "%s/%s", self, places[i]) && access(out->s, X_OK) == 0)
      return true;
  ia_fail(e, IA_E_NOT_FOUND, "no iapp-guest beside %s", self);
  return ia_hint(e, "--guest FILE");
}

static void on_signal(void *ctx, int signo)
{
  (void)signo;
  ia_loop_stop(((ia_role_ctx *)ctx)->loop);
}

/* The supervisor says nothing more: readable means that it has ended, and so do we. */
static void on_control(void *ctx, unsigned events)
{
  (void)events;
  ia_loop_stop(((ia_role_ctx *)ctx)->loop);
}

bool ia_role_hurried(void)
{
  struct pollfd supervisor = {.fd = IA_CONTROL_FD, .events = POLLIN};

  return poll(&supervisor, 1, 0) != 0;
}

bool ia_role_ending(void)
{
  struct pollfd supervisor = {.fd = IA_CONTROL_FD, .events = POLLIN};

  return ia_ending_pending() || poll(&supervisor, 1, 0) != 0;
}

static ia_level level_of(const char *word)
{
  static const struct {
    const char *word;
    ia_level level;
  } levels[] = {{"error", IA_LOG_ERROR},
                {"warn", IA_LOG_WARN},
                {"info", IA_LOG_INFO},
                {"debug", IA_LOG_DEBUG}};

  for (unsigned i = 0; word && i < IA_COUNT(levels); i++)
    if (strcmp(levels[i].word, word) == 0)
      return levels[i].level;
  return IA_LOG_WARN;
}

static bool listen_to_supervisor(ia_role_ctx *r, ia_err *e)
{
  IA_AUTOV(ia_buf) passphrase = {.secret = true};
  const char *home;

  if (fcntl(IA_CONTROL_FD, F_SETFD, FD_CLOEXEC) != 0 ||
      fcntl(IA_PASSPHRASE_FD, F_SETFD, FD_CLOEXEC) != 0)
    return ia_fail(e, IA_E_USAGE, "`iappd role` is started by `iappd run` alone");
  (void)fcntl(IA_LISTEN_FD, F_SETFD, FD_CLOEXEC); /* a role that serves nothing has none */
  if (!ia_control_receive(IA_CONTROL_FD, &r->config, e) ||
      !ia_fd_read_all(&passphrase, IA_PASSPHRASE_FD, PASSPHRASE_CAP, e))
    return false;
  close(IA_PASSPHRASE_FD);
  ia_log_init(r->name, level_of(ia_role_text(r, "log")));
  return ia_secret_copy(&r->passphrase, ia_buf_view(&passphrase), e) &&
         ia_json_get_str(r->config, "home", &home, e) &&
         ia_path_join(&r->dir, e, "%s/%s", home, r->name);
}

static void say_error(const ia_err *err)
{
  const ia_err said = ia_err_utf8(err);
  IA_AUTO_JSON *line = json_pack("{s:{s:s, s:s, s:s}}", "error", "code", ia_code_name(err->code),
                                 "message", said.msg, "hint", said.hint);

  if (!line || !ia_control_send(IA_CONTROL_FD, line, NULL))
    ia_print(stderr, "iappd: %s\n", err->msg);
}

static bool serve(ia_role_ctx *r, const ia_role_def *def, ia_err *e)
{
  void *state = NULL;
  json_t *ready = NULL;
  ia_watch *watch = NULL;

  /* a worker that is not root writes the id maps of its guests, which a process that cannot be read
   * may not; its guests harden themselves */
  ia_ending_hold();
  bool harden = geteuid() == 0 || strcmp(r->name, "worker") != 0;
  if (!listen_to_supervisor(r, e) || (harden && !ia_process_harden(e)) ||
      !ia_loop_new(&r->loop, e) || !ia_loop_signal(r->loop, SIGTERM, on_signal, r, e))
    return false;
  (void)signal(SIGPIPE, SIG_IGN);
  bool ok = def->open(r, &state, &ready, e);
  IA_AUTO_JSON *line = json_pack("{s:o*}", "ready", ready);
  ok = ok && ia_control_send(IA_CONTROL_FD, line, e) &&
       ia_watch_new(&watch, r->loop, IA_CONTROL_FD, IA_WATCH_READ, on_control, r, e);
  ia_ending_let();
  if (ok)
    ia_loop_run(r->loop);
  ia_watch_free(watch);
  if (state)
    def->close(state);
  return ok;
}

int ia_role_main(const char *name)
{
  static const ia_role_def *const defs[] = {&ia_role_front, &ia_role_sms, &ia_role_scheduler,
                                            &ia_role_worker};
  ia_role_ctx r = {.name = name};
  const ia_role_def *def = NULL;
  ia_err e = {0};

  for (unsigned i = 0; i < IA_COUNT(defs); i++)
    if (strcmp(defs[i]->name, name) == 0)
      def = defs[i];
  ia_heap_init();
  bool ok = def ? serve(&r, def, &e) : ia_fail(&e, IA_E_USAGE, "no role \"%s\"", name);
  if (!ok)
    say_error(&e);
  ia_loop_free(r.loop);
  ia_secret_free(&r.passphrase);
  json_decref(r.config);
  return ok ? 0 : ia_code_exit(e.code);
}
