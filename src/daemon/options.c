/* The command line of iappd, read from one table. */
#include "daemon/options.h"

#include <getopt.h>
#include <stddef.h>
#include <string.h>

#include "base/near.h"

enum kind { FLAG, TEXT, LIST };
enum { FIRST = 256 }; /* of what getopt_long returns for a row, above all letters */

static const struct row {
  const char *name;
  enum kind kind;
  size_t at;
  const char *value;
  const char *doc;
} rows[] = {
#define ROW_TEXT(name, field, value, doc)                                                          \
  {                                                                                                \
    name, TEXT, offsetof(ia_daemon_options, field), value, doc                                     \
  }
#define ROW_LIST(name, field, value, doc)                                                          \
  {                                                                                                \
    name, LIST, offsetof(ia_daemon_options, field), value, doc                                     \
  }
#define ROW_FLAG(name, field, doc)                                                                 \
  {                                                                                                \
    name, FLAG, offsetof(ia_daemon_options, field), NULL, doc                                      \
  }
    ROW_TEXT("home", home, "DIR", "everything this installation keeps ($IAPP_HOME, ~/.iapp)"),
    ROW_TEXT("role", role, "LIST", "of ledger,market,ipfs,graph,sms,scheduler,worker (all)"),
    ROW_TEXT("host", host, "ADDRESS", "listen there instead of 127.0.0.1; needs TLS"),
    ROW_TEXT("port", port, "N", "front at N, sms N+1, scheduler N+2 (7400); 0 = free ones, kept"),
    ROW_TEXT("chain-id", chain_id, "N",
             "of a new ledger (421614); with --chain: the one it must be"),
    ROW_TEXT("rules", rules, "6.1|6.2", "PoCo rules of a new ledger (6.2)"),
    ROW_TEXT("genesis-seed", genesis_seed, "HEX", "32 bytes for a new ledger; with --test"),
    ROW_TEXT("passphrase-file", passphrase_file, "FILE", "seals the roles' keys (HOME/passphrase)"),
    ROW_TEXT("tls-cert", tls_cert, "PEM", "certificate of the listeners"),
    ROW_TEXT("tls-key", tls_key, "PEM", "its key"),
    ROW_LIST("host-name", host_name, "NAME",
             "a name of the services in Host, NAME or NAME:PORT; may be repeated"),
    ROW_LIST("allow-origin", allow_origin, "ORIGIN",
             "pages that may use private and costly routes (those of loopback names); may be "
             "repeated"),
    ROW_TEXT("guest", guest, "FILE", "the iapp-guest to start (beside iappd)"),
    ROW_TEXT("slots", slots, "N", "tasks at a time of this worker (2)"),
    ROW_TEXT("drain", drain, "SECONDS", "a worker that stops lets tasks end for so long (15)"),
    ROW_TEXT("app-memory", app_memory, "SIZE",
             "most memory that this worker gives to one app (what fits, at least 1G)"),
    ROW_TEXT("task-room", task_room, "SIZE",
             "memory for the image and the inputs of a task of this worker (1G)"),
    ROW_TEXT("pool", pool, "ADDRESS", "workerpool of this scheduler or worker"),
    ROW_TEXT("deal-tasks", deal_tasks, "N", "tasks that the pool takes in one deal (10000)"),
    ROW_TEXT("admit", worker, "LIST", "addresses of workers elsewhere that the pool admits"),
    ROW_TEXT("iapp", iapp, "LIST", "NAME=ADDRESS of apps that packages look up by name"),
    ROW_TEXT("rpc", rpc, "URL", "ledger of an installation elsewhere"),
    ROW_TEXT("chain", chain, "URLS", "settle on an EVM chain, by nodes with commas between"),
    ROW_TEXT("hub", hub, "ADDRESS", "PoCo hub on that chain"),
    ROW_TEXT("dataprotector", dataprotector, "ADDRESS", "DataProtector contract on that chain"),
    ROW_TEXT("first-block", first_block, "N", "where the hub's events begin (looked for)"),
    ROW_TEXT("confirmations", confirmations, "N", "blocks that make a transaction final (1)"),
    ROW_TEXT("replace-after", replace_after, "SECONDS", "a waiting transaction offers more (30)"),
    ROW_TEXT("max-fee", max_fee, "GWEI", "never offer more for a unit of gas"),
    ROW_TEXT("reorg-depth", reorg_depth, "N", "blocks that a chain may rewrite (64)"),
    ROW_TEXT("release-confirmations", release_confirmations, "N",
             "blocks above a deal before keys are released, on a chain (1)"),
    ROW_TEXT("agree", agree, "K", "of several nodes, for the SMS (more than half)"),
    ROW_TEXT("market", market, "URL", "market, when it does not run here"),
    ROW_TEXT("ipfs", ipfs, "URL", "blob store, when it does not run here"),
    ROW_TEXT("sms", sms, "URL", "SMS, when it does not run here"),
    ROW_TEXT("scheduler", scheduler, "URL", "scheduler, when it does not run here"),
    ROW_TEXT("domain", domain, "hw|sim", "of a new SMS (sim); hw releases nothing to simulations"),
    ROW_TEXT("log", log, "LEVEL", "error, warn, info, debug (warn)"),
    ROW_FLAG("json", json, "one line of JSON when ready; errors as JSON"),
    ROW_FLAG("quiet", quiet, "say nothing when ready"),
    ROW_FLAG("test", test, "test ledger: time by hand, development accounts"),
    ROW_FLAG("allow-fees", allow_fees, "take transactions that offer fees"),
    ROW_FLAG("no-hold", no_hold, "answer reads of a running task at once, instead of when it ends"),
    ROW_FLAG("behind-tls-proxy", behind_tls_proxy, "TLS ends before us"),
    ROW_FLAG("allow-swap", allow_swap, "run tasks although this machine may swap them out"),
    ROW_FLAG("allow-remote-simulation", allow_remote_simulation,
             "let a simulated SMS be reached from elsewhere"),
    ROW_FLAG("version", version, "the version"),
    ROW_FLAG("help", help, "this text"),
};

/* What getopt_long did not take: a name that is not there, a beginning of several, or a value where
 * none goes. */
static bool refuse_option(const char *given, ia_err *e)
{
  char name[64];
  size_t len = strcspn(given, "="), start = strspn(given, "-");
  const char *several = NULL;
  ia_near near = {.word = name};

  if (start != 2 || len - start >= sizeof(name)) {
    ia_fail(e, IA_E_USAGE, "unknown option %s", given);
    return ia_hint(e, "iappd help");
  }
  (void)snprintf(name, sizeof(name), "%.*s", (int)(len - start), given + start);
  for (unsigned i = 0; i < IA_COUNT(rows); i++) {
    if (strcmp(rows[i].name, name) == 0) {
      ia_fail(e, IA_E_USAGE, "--%s takes no value", name);
      return ia_hint(e, "iappd help");
    }
    if (*name && strncmp(rows[i].name, name, strlen(name)) == 0) {
      if (several) {
        ia_fail(e, IA_E_USAGE, "--%s is ambiguous", name);
        return ia_hint(e, "--%s or --%s; iappd help", several, rows[i].name);
      }
      several = rows[i].name;
    }
    ia_near_try(&near, rows[i].name);
  }
  ia_fail(e, IA_E_USAGE, "unknown option --%s", name);
  return near.best ? ia_hint(e, "did you mean: --%s (iappd help)", near.best)
                   : ia_hint(e, "iappd help");
}

static bool value_ok(const struct row *r, const char *value, ia_err *e)
{
  bool number = r->value && (strcmp(r->value, "N") == 0 || strcmp(r->value, "K") == 0 ||
                             strcmp(r->value, "SECONDS") == 0);

  if (!number || (*value && strlen(value) < 20 && !value[strspn(value, "0123456789")]))
    return true;
  ia_fail(e, IA_E_USAGE, "--%s: \"%s\" is not a number", r->name, value);
  return ia_hint(e, "iappd help");
}

/* So that the complaint about an option before it is JSON, too. */
static bool wants_json(int argc, char **argv)
{
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--json") == 0)
      return true;
  return false;
}

bool ia_daemon_options_read(ia_daemon_options *o, int argc, char **argv, int *n_words,
                            char ***words, ia_err *e)
{
  struct option longs[IA_COUNT(rows) + 1] = {0};
  int got, at = 0;

  *o = (ia_daemon_options){.json = wants_json(argc, argv)};
  for (unsigned i = 0; i < IA_COUNT(rows); i++)
    /* different values: else a beginning that several share is taken as the first of them */
    longs[i] = (struct option){rows[i].name, rows[i].kind != FLAG, NULL, FIRST + (int)i};
  optind = 0;
  opterr = 0;
  while ((got = getopt_long(argc, argv, ":hv", longs, &at)) != -1) {
    if (got == ':') {
      ia_fail(e, IA_E_USAGE, "%s needs a value", argv[optind - 1]);
      return ia_hint(e, "iappd help");
    }
    if (got == '?')
      return refuse_option(argv[optind - 1], e);
    if (got >= FIRST && !value_ok(&rows[at], optarg, e))
      return false;
    if (got == 'h')
      o->help = true;
    else if (got == 'v')
      o->version = true;
    else if (rows[at].kind == LIST) {
      ia_daemon_list *list = (ia_daemon_list *)(void *)((char *)o + rows[at].at);

      if (list->n == IA_DAEMON_LIST_MAX)
        return ia_fail(e, IA_E_USAGE, "--%s: at most %d times", rows[at].name, IA_DAEMON_LIST_MAX);
      list->v[list->n++] = optarg;
    } else if (rows[at].kind == FLAG)
      *(bool *)((char *)o + rows[at].at) = true;
    else
      *(const char **)(void *)((char *)o + rows[at].at) = optarg;
  }
  *words = argv + optind;
  *n_words = argc - optind;
  return true;
}

void ia_daemon_options_help(FILE *out)
{
  fputs("usage: iappd run [OPTIONS]\n"
        "       iappd ledger verify | reindex | sms trust-sim ROOT.pem | sms confirm-ledger\n"
        "       iappd help | version\n\n",
        out);
  for (unsigned i = 0; i < IA_COUNT(rows); i++)
    fprintf(out, "  --%-24s %-8s %s\n", rows[i].name, rows[i].value ? rows[i].value : "",
            rows[i].doc);
}

void ia_daemon_options_manual(FILE *out)
{
  fputs(
      "iappd(1)\n\n# NAME\n\niappd - the services of iapp: ledger, market, blobs, index, SMS, "
      "scheduler, worker\n\n# SYNOPSIS\n\n*iappd run* [*--OPTIONS*]++\n*iappd ledger verify* | *reindex* | *sms "
      "trust-sim* ROOT.pem | *sms confirm-ledger*++\n*iappd help* | *version*\n\n# DESCRIPTION\n\nRuns the roles of an "
      "installation, each as a process of its own; `iapp up` is *iappd run* with its defaults. "
      "Stops on SIGTERM. Without a hardware TEE everything is SIMULATED: put no real personal data "
      "there.\n\n# OPTIONS\n\n",
      out);
  for (unsigned i = 0; i < IA_COUNT(rows); i++)
    fprintf(out, "*--%s* %s\n\t%s\n\n", rows[i].name, rows[i].value ? rows[i].value : "",
            rows[i].doc);
  fputs("# SEE ALSO\n\n*iapp*(1)\n", out);
}

static const struct {
  const char *name;
  unsigned bits;
} roles_by_name[] = {
    {"ledger", IA_ROLE_LEDGER}, {"market", IA_ROLE_MARKET},       {"ipfs", IA_ROLE_IPFS},
    {"sms", IA_ROLE_SMS},       {"scheduler", IA_ROLE_SCHEDULER}, {"worker", IA_ROLE_WORKER},
    {"graph", IA_ROLE_GRAPH},   {"front", IA_ROLE_FRONT},
};

bool ia_roles_parse(unsigned *roles, const char *text, ia_err *e)
{
  *roles = text ? 0 : IA_ROLE_ALL;
  while (text && *text) {
    size_t len = strcspn(text, ",");
    unsigned bits = 0;

    for (unsigned i = 0; i < IA_COUNT(roles_by_name); i++)
      if (strlen(roles_by_name[i].name) == len && !memcmp(roles_by_name[i].name, text, len))
        bits = roles_by_name[i].bits;
    if (bits == 0)
      return ia_fail(e, IA_E_USAGE, "--role: unknown role \"%.*s\"", (int)len, text);
    *roles |= bits;
    text += len;
    text += *text == ',';
  }
  return *roles != 0 || ia_fail(e, IA_E_USAGE, "--role: no role");
}

const char *ia_role_name(unsigned role)
{
  for (unsigned i = 0; i < IA_COUNT(roles_by_name); i++)
    if (roles_by_name[i].bits & role)
      return roles_by_name[i].name;
  return "none";
}
