/* The command line's frame: one row a verb (verbs.c), one file a verb (verb_X.c). A verb reads its
 * options and arguments here, says what it does here, and returns false with an error to fail; the
 * frame prints that and picks the exit status (base/codes.def). No verb prints or asks by itself.
 */
#ifndef IA_CLI_CLI_H
#define IA_CLI_CLI_H

#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "base/secret.h"

typedef struct ia_cli ia_cli;

typedef struct ia_option {
  const char *name;    /* "price" for --price; NULL ends a table */
  const char *value;   /* what stands for the value in help ("RLC"); NULL = a flag */
  bool many;           /* may be given again and again */
  const char *doc;     /* one line, no capital, no full stop */
  const char *example; /* a command line that uses it, without "iapp " */
} ia_option;

/* Groups of options that many verbs share. */
enum ia_verb_uses {
  IA_USES_WALLET = 1, /* --wallet --keystore --password-file --password-fd */
  IA_USES_NET = 2,    /* --rpc --market --sms --ipfs */
  IA_USES_PROJECT =
      4, /* --chain; the wallet that iapp.config.json names, where the user named none */
};

typedef struct ia_verb {
  const char *name;  /* one word or two: "grant", "wallet new" */
  const char *older; /* what iExec's own command line calls it; NULL = the same, or nothing */
  const char *args;  /* as shown in help: "FILE [PATH [TYPE]]"; "" = none */
  unsigned min_args;
  unsigned max_args; /* UINT_MAX = any number */
  const char *brief; /* what it does, one line */
  const char *example;
  const ia_option *options; /* NULL = none of its own; --json --yes --quiet --home always stand */
  unsigned uses;
  bool (*run)(ia_cli *c, ia_err *e);
} ia_verb;

/* Where the frame reads and writes; the real program gives stdin, stdout, stderr. */
typedef struct ia_cli_io {
  FILE *in;
  FILE *out;
  FILE *err;
} ia_cli_io;
/* Returns the exit status. */
int ia_cli_main(int argc, char **argv, const ia_cli_io *io);

/* -- options and arguments; names must stand in the verb's table -- */
unsigned ia_cli_n_args(const ia_cli *c);
const char *ia_cli_arg(const ia_cli *c, unsigned i); /* NULL beyond the last */
bool ia_cli_flag(const ia_cli *c, const char *name);
const char *ia_cli_opt(const ia_cli *c, const char *name); /* the last one given, or NULL */
/* The i-th value of an option that may be repeated; NULL beyond the last. */
const char *ia_cli_opt_at(const ia_cli *c, const char *name, unsigned i);
/* A decimal number; `without` when the option is absent. */
IA_MUST bool ia_cli_opt_u64(const ia_cli *c, const char *name, uint64_t without, uint64_t *out,
                            ia_err *e);
/* A size that an app's memory may have (base/size.h), bytes; 0 when the option is absent. USAGE. */
IA_MUST bool ia_cli_opt_memory(const ia_cli *c, const char *name, uint64_t *out, ia_err *e);
bool ia_cli_is_json(const ia_cli *c);
bool ia_cli_is_yes(const ia_cli *c);
bool ia_cli_is_quiet(const ia_cli *c);

/* -- saying: in all of these the strings that fill the format are escaped (base/show.h), so they
 * need no care; --json escapes them as JSON does -- */
/* The answer itself: text on stdout, nothing with --json. A new line is added. */
void ia_cli_out(ia_cli *c, const char *fmt, ...) IA_PRINTF(2, 3);
/* The same without a new line, for bytes as they are; on a terminal as text, control bytes and what
 * is not UTF-8 escaped, unless the verb's option --raw is given. In as many parts as one likes. */
void ia_cli_out_bytes(ia_cli *c, ia_span bytes);
/* What surrounds the answer: stdout, nothing with --json or --quiet. */
void ia_cli_say(ia_cli *c, const char *fmt, ...) IA_PRINTF(2, 3);
/* Text of several lines that is not ours, like an app's output: `before` begins each line, so that
 * none passes for one of ours. */
void ia_cli_say_text(ia_cli *c, const char *before, ia_span text);
/* Warnings: stderr, always. */
void ia_cli_warn(ia_cli *c, const char *fmt, ...) IA_PRINTF(2, 3);
/* Progress: on a terminal one line that is overwritten, at most 10 times a second; else one line a
 * step; on stderr; nothing with --json or --quiet. */
void ia_cli_step(ia_cli *c, const char *fmt, ...) IA_PRINTF(2, 3);
/* With --json: one line of JSON on stdout; else nothing. Steals v (NULL: MEMORY). */
IA_MUST bool ia_cli_json(ia_cli *c, json_t *v, ia_err *e);
/* A failure that has printed its --json object already (a verdict, for instance): the verb returns
 * true and the process ends with this status. */
void ia_cli_exit_status(ia_cli *c, int status);

/* -- asking: only on a terminal, never with --json or --yes -- */
/* --yes answers yes. Without a terminal: USAGE with the hint --yes. No: CANCELLED. */
IA_MUST bool ia_cli_confirm(ia_cli *c, ia_err *e, const char *fmt, ...) IA_PRINTF(3, 4);
/* *out (free it) is `without` when not asked; USAGE naming `flag` when that is NULL. */
IA_MUST bool ia_cli_ask(ia_cli *c, char **out, const char *question, const char *without,
                        const char *flag, ia_err *e);
/* From --password-file, --password-fd, $IAPP_PASSWORD_FILE, or the terminal without echo; twice
 * when `fresh`, and then at least 8 characters. One line, without its end. */
IA_MUST bool ia_cli_password(ia_cli *c, ia_secret *out, const char *what, bool fresh, ia_err *e);
/* Any secret: from the file, or asked for on the terminal without echo when path is NULL. */
IA_MUST bool ia_cli_secret(ia_cli *c, ia_secret *out, const char *what, const char *path,
                           const char *flag, ia_err *e);

/* -- where we are -- */
const char *ia_cli_home(const ia_cli *c); /* absolute; may not exist yet */
/* HOME/outbox: transactions of this home's commands that are under way. NULL without memory.
 */
const char *ia_cli_outbox(ia_cli *c, ia_err *e);
/* The folder with iapp.config.json, here or above; NOT_FOUND with the words users know. */
IA_MUST bool ia_cli_project(ia_cli *c, const char **dir, ia_err *e);
/* The project's iapp.config.json (borrowed, parsed once). */
IA_MUST bool ia_cli_project_config(ia_cli *c, json_t **out, ia_err *e);
/* A field by its name in `iapp config sdk --json` ("rpcUrl"): from the verb's flags, then
 * HOME/user.json, then what a running `iapp up` of this home says. Numbers come as text. */
IA_MUST bool ia_cli_endpoint(ia_cli *c, const char *field, const char **out, ia_err *e);
/* The same, but NULL when it is not known. */
const char *ia_cli_endpoint_or_null(ia_cli *c, const char *field);

#endif
