/* From argv to a verb: finds it, reads its options by getopt_long from its table, runs it, prints
 * its error. */
#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/near.h"
#include "base/show.h"
#include "base/size.h"
#include "cli/frame.h"
#include "cli/older.h"
#include "cli/short_id.h"

enum { MAX_OPTIONS = 64, FIRST = 256 }; /* FIRST: of what getopt_long returns for a row */

/* The tables that stand for a verb, in order; returns how many. */
static unsigned tables_of(const ia_verb *v, const ia_option *out[5])
{
  unsigned n = 0;

  if (v && v->options)
    out[n++] = v->options;
  if (v && (v->uses & IA_USES_WALLET))
    out[n++] = ia_options_wallet;
  if (v && (v->uses & IA_USES_NET))
    out[n++] = ia_options_net;
  if (v && (v->uses & IA_USES_PROJECT))
    out[n++] = ia_options_project;
  out[n++] = ia_options_global;
  return n;
}

static unsigned rows_of(const ia_verb *v, const ia_option *rows[MAX_OPTIONS])
{
  const ia_option *tables[5];
  unsigned n_tables = tables_of(v, tables), n = 0;

  for (unsigned t = 0; t < n_tables; t++)
    for (const ia_option *o = tables[t]; o->name && n < MAX_OPTIONS; o++)
      rows[n++] = o;
  return n;
}

static void take(ia_cli *c, const ia_option *o, const char *value)
{
  c->given[c->n_given++] = (struct given){o, value};
  c->json |= strcmp(o->name, "json") == 0;
  c->yes |= strcmp(o->name, "yes") == 0;
  c->quiet |= strcmp(o->name, "quiet") == 0;
}

static bool hint_help(const ia_verb *v, ia_err *e)
{
  return ia_hint(e, v ? "iapp help %s" : "iapp help", v ? v->name : "");
}

/* An option that the verb lacks and another one has. */
static const char *verb_with(const char *option)
{
  for (unsigned i = 0; ia_verbs[i]; i++)
    for (const ia_option *o = ia_verbs[i]->options; o && o->name; o++)
      if (strcmp(o->name, option) == 0)
        return ia_verbs[i]->name;
  return NULL;
}

static bool ambiguous(const ia_option *const *rows, unsigned n, const char *name, ia_err *e)
{
  IA_AUTOV(ia_buf) all = {0};
  unsigned found = 0;

  for (unsigned i = 0; i < n && *name; i++)
    if (strncmp(rows[i]->name, name, strlen(name)) == 0)
      ia_buf_printf(&all, "%s--%s", found++ > 0 ? ", " : "", rows[i]->name);
  if (found < 2)
    return false;
  (void)ia_fail(e, IA_E_USAGE, "--%s is ambiguous", name);
  (void)ia_hint(e, "one of %.*s", (int)all.len, (const char *)all.ptr);
  return true;
}

/* What getopt_long did not take: a name that the verb lacks, a beginning of several, or a value
 * where none goes. */
static bool refuse_option(const ia_verb *v, const ia_option *const *rows, unsigned n,
                          const char *given, ia_err *e)
{
  size_t start = strspn(given, "-"), len = strcspn(given, "=");
  char name[64];
  ia_near near = {.word = name};

  if (start != 2 || len < start || len - start >= sizeof(name))
    return ia_fail(e, IA_E_USAGE, "unknown option %s", given) || hint_help(v, e);
  memcpy(name, given + start, len - start);
  name[len - start] = '\0';
  for (unsigned i = 0; i < n; i++) {
    if (strcmp(rows[i]->name, name) == 0)
      return ia_fail(e, IA_E_USAGE, "--%s takes no value", name) || hint_help(v, e);
    ia_near_try(&near, rows[i]->name);
  }
  if (ambiguous(rows, n, name, e))
    return false;
  (void)ia_fail(e, IA_E_USAGE, "unknown option --%s", name);
  if (near.best)
    return ia_hint(e, "did you mean: --%s", near.best);
  if (v && verb_with(name))
    return ia_hint(e, "--%s is an option of `iapp %s`; iapp help %s", name, verb_with(name),
                   v->name);
  return hint_help(v, e);
}

/* Reads options of v (NULL: the global ones) from argv[1..]; with `stop` up to the first word. The
 * index of the first argument goes to *next. */
static bool read_options(ia_cli *c, const ia_verb *v, int argc, char **argv, bool stop, int *next,
                         ia_err *e)
{
  const ia_option *rows[MAX_OPTIONS];
  struct option longs[MAX_OPTIONS + 1] = {0};
  unsigned n = rows_of(v, rows);
  int at = 0, got;

  for (unsigned i = 0; i < n; i++)
    /* different values: else a beginning that several share is taken as the first of them */
    longs[i] = (struct option){rows[i]->name, rows[i]->value ? required_argument : no_argument,
                               NULL, FIRST + (int)i};
  optind = 0;
  opterr = 0;
  while ((got = getopt_long(argc, argv, stop ? "+:h" : ":h", longs, &at)) != -1) {
    if (got == 'h')
      take(c, &ia_options_global[4], NULL);
    else if (got >= FIRST)
      take(c, rows[at], optarg);
    else if (got == ':')
      return ia_fail(e, IA_E_USAGE, "%s needs a value", argv[optind - 1]) || hint_help(v, e);
    else
      return refuse_option(v, rows, n, argv[optind - 1], e);
  }
  *next = optind;
  return true;
}

static bool find_verb(ia_cli *c, int argc, char **argv, int *used, ia_err *e)
{
  c->verb = ia_verb_find(argc, argv, used);
  if (c->verb)
    return true;
  return ia_verb_unknown(argc, argv, "iapp", e);
}

static bool check_args(const ia_cli *c, ia_err *e)
{
  const ia_verb *v = c->verb;

  if (c->n_args >= v->min_args && c->n_args <= v->max_args)
    return true;
  if (c->n_args > v->max_args)
    ia_fail(e, IA_E_USAGE, "%s: unexpected argument \"%s\"", v->name, c->args[v->max_args]);
  else
    ia_fail(e, IA_E_USAGE, "%s: missing argument: %s", v->name, v->args);
  return ia_hint(e, "iapp %s", v->example);
}

static bool run(ia_cli *c, int argc, char **argv, ia_err *e)
{
  int next = 1, used = 0;

  if (argc == 2 && (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-v") == 0))
    return ia_verb_version.run(c, e);
  if (!read_options(c, NULL, argc, argv, true, &next, e))
    return false;
  if (next >= argc || (next == argc - 1 && ia_cli_flag(c, "help"))) {
    ia_cli_help_all(c->io.out);
    return next < argc || ia_cli_flag(c, "help") ? true : ia_fail(e, IA_E_USAGE, "missing verb");
  }
  if (strcmp(argv[next], "__manual") == 0) {
    ia_cli_manual(c->io.out);
    return true;
  }
  if (strcmp(argv[next], "__complete") == 0) {
    ia_cli_complete(c->io.out, argc - next - 2, argv + next + 2);
    return true;
  }
  if (!find_verb(c, argc - next, argv + next, &used, e))
    return false;
  /* getopt wants a word before the options: the last of the verb stands there */
  argv += next + used - 1;
  argc -= next + used - 1;
  if (!ia_cli_older_line(c, &argc, &argv, e))
    return false;
  if (!read_options(c, c->verb, argc, argv, false, &next, e))
    return false;
  if (ia_cli_flag(c, "help")) {
    ia_cli_help_verb(c->io.out, c->verb);
    return true;
  }
  c->args = argv + next;
  c->n_args = (unsigned)(argc - next);
  return check_args(c, e) && ia_cli_set_home(c, ia_cli_opt(c, "home"), e) &&
         ia_cli_short_ids(c, e) && c->verb->run(c, e);
}

static void print_error(ia_cli *c, const ia_err *e)
{
  if (!c->json) {
    ia_cli_settle(c);
    ia_print(c->io.err, "error: %s [%s]\n", e->msg, ia_code_name(e->code));
    if (e->hint[0])
      ia_print(c->io.err, "fix: %s\n", e->hint);
    return;
  }
  const ia_err said = ia_err_utf8(e);
  IA_AUTO_JSON *o = json_pack("{s:{s:s, s:s, s:s}}", "error", "code", ia_code_name(e->code),
                              "message", said.msg, "hint", said.hint);
  if (!ia_cli_json(c, json_incref(o), NULL))
    ia_print(c->io.out, "{\"error\":{\"code\":\"%s\",\"message\":\"\",\"hint\":\"\"}}\n",
             ia_code_name(e->code));
}

/* Before options are read an error must already know in which form it is wanted. */
static bool wants_json(int argc, char **argv)
{
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    if (strcmp(argv[i], "--json") == 0)
      return true;
  return false;
}

int ia_cli_main(int argc, char **argv, const ia_cli_io *io)
{
  ia_err e = {0};
  ia_cli c = {.io = *io, .given = calloc((size_t)argc * 2 + 1, sizeof(*c.given))};
  int status = 1;

  if (c.given && argc > 0) {
    c.json = wants_json(argc, argv);
    if (run(&c, argc, argv, &e)) {
      status = c.exit_status;
    } else {
      print_error(&c, &e);
      status = ia_code_exit(e.code);
    }
  }
  ia_cli_end_bytes(&c);
  ia_cli_settle(&c);
  if (fflush(c.io.out) != 0 && status == 0)
    status = ia_code_exit(IA_E_IO);
  ia_cli_context_free(&c);
  free(c.given);
  return status;
}

unsigned ia_cli_n_args(const ia_cli *c)
{
  return c->n_args;
}

const char *ia_cli_arg(const ia_cli *c, unsigned i)
{
  return i < c->n_args ? c->args[i] : NULL;
}

static const struct given *given(const ia_cli *c, const char *name, unsigned nth)
{
  for (unsigned i = 0; i < c->n_given; i++)
    if (strcmp(c->given[i].option->name, name) == 0 && nth-- == 0)
      return &c->given[i];
  return NULL;
}

bool ia_cli_flag(const ia_cli *c, const char *name)
{
  return given(c, name, 0) != NULL;
}

const char *ia_cli_opt_at(const ia_cli *c, const char *name, unsigned i)
{
  const struct given *g = given(c, name, i);

  return g ? g->value : NULL;
}

const char *ia_cli_opt(const ia_cli *c, const char *name)
{
  const char *last = NULL;

  for (unsigned i = 0; i < c->n_given; i++)
    if (strcmp(c->given[i].option->name, name) == 0)
      last = c->given[i].value;
  return last;
}

bool ia_cli_opt_u64(const ia_cli *c, const char *name, uint64_t without, uint64_t *out, ia_err *e)
{
  const char *text = ia_cli_opt(c, name);
  char *end = NULL;

  *out = without;
  if (!text)
    return true;
  errno = 0;
  *out = strtoull(text, &end, 10);
  if (errno != 0 || *end != '\0' || text[0] < '0' || text[0] > '9')
    return ia_fail(e, IA_E_USAGE, "--%s: \"%s\" is not a number", name, text);
  return true;
}

bool ia_cli_opt_memory(const ia_cli *c, const char *name, uint64_t *out, ia_err *e)
{
  const char *text = ia_cli_opt(c, name);
  ia_err why = {0};

  *out = 0;
  return !text || ia_app_memory_parse(out, text, &why) ||
         ia_fail(e, IA_E_USAGE, "--%s: %s", name, why.msg);
}

bool ia_cli_is_json(const ia_cli *c)
{
  return c->json;
}

bool ia_cli_is_yes(const ia_cli *c)
{
  return c->yes;
}

bool ia_cli_is_quiet(const ia_cli *c)
{
  return c->quiet;
}

void ia_cli_exit_status(ia_cli *c, int status)
{
  c->exit_status = status;
}
