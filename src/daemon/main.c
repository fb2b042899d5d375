/* The program iappd. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/near.h"
#include "base/show.h"
#include "daemon/cmd_ledger.h"
#include "daemon/cmd_sms.h"
#include "daemon/role.h"
#include "daemon/supervisor.h"

static bool run(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  if (n != 1)
    return ia_fail(e, IA_E_USAGE, "run: unexpected argument \"%s\"", words[1]);
  return ia_supervise(o, e);
}

static bool version(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  if (n > 1)
    return ia_fail(e, IA_E_USAGE, "version: unexpected argument \"%s\"", words[1]);
  ia_print(stdout, o->json ? "{\"version\":\"%s\"}\n" : "iappd %s\n", IA_VERSION);
  return true;
}

static bool help(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  (void)o;
  (void)n;
  (void)words;
  (void)e;
  ia_daemon_options_help(stdout);
  return true;
}

static const struct command {
  const char *word, *second; /* second NULL = one word */
  bool (*run)(const ia_daemon_options *o, int n, char **words, ia_err *e);
} commands[] = {
    {"help", NULL, help},
    {"ledger", "verify", ia_cmd_ledger_verify},
    {"reindex", NULL, ia_cmd_reindex},
    {"run", NULL, run},
    {"sms", "confirm-ledger", ia_cmd_confirm_ledger},
    {"sms", "trust-sim", ia_cmd_trust_sim},
    {"version", NULL, version},
};

static const char *near_command(const char *word)
{
  ia_near n = {.word = word};

  for (unsigned i = 0; i < IA_COUNT(commands); i++)
    ia_near_try(&n, commands[i].word);
  return n.best;
}

static bool dispatch(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  for (unsigned i = 0; n > 0 && i < IA_COUNT(commands); i++)
    if (strcmp(words[0], commands[i].word) == 0 &&
        (!commands[i].second || (n > 1 && strcmp(words[1], commands[i].second) == 0)))
      return commands[i].run(o, n, words, e);
  for (unsigned i = 0; n > 0 && i < IA_COUNT(commands); i++)
    if (strcmp(words[0], commands[i].word) == 0) {
      ia_fail(e, IA_E_USAGE, n > 1 ? "%s: unknown subcommand \"%s\"" : "%s: missing subcommand",
              words[0], n > 1 ? words[1] : "");
      return ia_hint(e, "iappd help");
    }
  ia_fail(e, IA_E_USAGE, n > 0 ? "unknown command \"%s\"" : "missing command",
          n > 0 ? words[0] : "");
  return n > 0 && near_command(words[0])
             ? ia_hint(e, "did you mean: iappd %s", near_command(words[0]))
             : ia_hint(e, "iappd help");
}

static void print_error(const ia_daemon_options *o, const ia_err *e)
{
  const ia_err said = ia_err_utf8(e);
  IA_AUTO_JSON *v = json_pack("{s:{s:s, s:s, s:s}}", "error", "code", ia_code_name(e->code),
                              "message", said.msg, "hint", said.hint);
  IA_AUTOV(ia_buf) text = {0}, shown = {0};

  if (o->json && v && ia_json_write(&text, v, NULL)) {
    ia_show_json(&shown, ia_buf_view(&text));
    ia_buf_u8(&shown, '\n');
    (void)fwrite(shown.ptr, 1, shown.len, stdout);
    return;
  }
  ia_print(stderr, "error: %s [%s]\n", e->msg, ia_code_name(e->code));
  if (e->hint[0])
    ia_print(stderr, "fix: %s\n", e->hint);
}

int main(int argc, char **argv)
{
  ia_daemon_options o = {0};
  char **words = NULL;
  ia_err e = {0};
  int n = 0;

  (void)umask(077);
  /* lines of both streams come in the order in which they were said, in a pipe too */
  (void)setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
  (void)signal(SIGPIPE, SIG_IGN);
  if (argc == 3 && strcmp(argv[1], "role") == 0)
    return ia_role_main(argv[2]);
  if (argc == 2 && strcmp(argv[1], "__manual") == 0) {
    ia_daemon_options_manual(stdout);
    return 0;
  }
  ia_log_init("iappd", IA_LOG_WARN);
  bool ok = ia_daemon_options_read(&o, argc, argv, &n, &words, &e);
  if (ok && o.help)
    ia_daemon_options_help(stdout);
  else if (ok && o.version)
    ok = version(&o, 0, NULL, &e);
  else if (ok)
    ok = dispatch(&o, n, words, &e);
  if (!ok && e.code == IA_E_USAGE && (!e.hint[0] || strstr(e.hint, "`iapp help`")))
    (void)ia_hint(&e, "iappd help"); /* the class's own hint is that of the command line */
  if (!ok)
    print_error(&o, &e);
  return ok ? 0 : ia_code_exit(e.code);
}
