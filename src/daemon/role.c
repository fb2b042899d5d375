/* The frame of a role's process. */
#include "daemon/role.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/log.h"
#include "daemon/control.h"
#include "daemon/roles.h"

enum { PASSPHRASE_CAP = 1024 };

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
  IA_AUTO_JSON *line = json_pack("{s:{s:s, s:s, s:s}}", "error", "code", ia_code_name(err->code),
                                 "message", err->msg, "hint", err->hint);

  if (!line || !ia_control_send(IA_CONTROL_FD, line, NULL))
    fprintf(stderr, "iappd: %s\n", err->msg);
}

static bool serve(ia_role_ctx *r, const ia_role_def *def, ia_err *e)
{
  void *state = NULL;
  json_t *ready = NULL;
  ia_watch *watch = NULL;

  if (!listen_to_supervisor(r, e) || !ia_process_harden(e) || !ia_loop_new(&r->loop, e) ||
      !ia_loop_signal(r->loop, SIGTERM, on_signal, r, e))
    return false;
  (void)signal(SIGPIPE, SIG_IGN);
  bool ok = def->open(r, &state, &ready, e);
  IA_AUTO_JSON *line = ok ? json_pack("{s:o}", "ready", ready) : NULL;
  ok = ok && ia_control_send(IA_CONTROL_FD, line, e) &&
       ia_watch_new(&watch, r->loop, IA_CONTROL_FD, IA_WATCH_READ, on_control, r, e);
  if (ok)
    ia_loop_run(r->loop);
  ia_watch_free(watch);
  if (state)
    def->close(state);
  return ok;
}

int ia_role_main(const char *name)
{
  ia_role_ctx r = {.name = name};
  const ia_role_def *def = NULL;
  ia_err e = {0};

  for (unsigned i = 0; ia_role_defs[i]; i++)
    if (strcmp(ia_role_defs[i]->name, name) == 0)
      def = ia_role_defs[i];
  bool ok = def ? serve(&r, def, &e) : ia_fail(&e, IA_E_USAGE, "no role \"%s\"", name);
  if (!ok)
    say_error(&e);
  ia_loop_free(r.loop);
  ia_secret_free(&r.passphrase);
  json_decref(r.config);
  return ok ? 0 : ia_code_exit(e.code);
}
