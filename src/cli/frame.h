/* Inside of ia_cli, shared by the files of the frame alone (cli.c, say.c, ask.c, context.c). */
#ifndef IA_CLI_FRAME_H
#define IA_CLI_FRAME_H

#include "cli/cli.h"
#include "cli/verbs.h"

struct ia_cli {
  ia_cli_io io;
  const ia_verb *verb;
  struct given { /* options in the order of the line */
    const ia_option *option;
    const char *value;
  } * given;
  unsigned n_given;
  char **line; /* the words after the verb, where ours differ from argv; owned, its words not */
  char **args; /* borrowed from argv */
  unsigned n_args;
  bool json, yes, quiet;
  int exit_status;
  char *home;
  char *outbox;           /* once asked for */
  char *project;          /* folder, once found */
  json_t *project_config; /* iapp.config.json, once read */
  json_t *settings;       /* HOME/user.json, once read */
  json_t *running;        /* HOME/ready.json, once read */
  json_t *short_ids;      /* whole forms of what was given short */
  char number[32];        /* text of a numeric endpoint */
  uint64_t last_step_ms;
  uint8_t tail[4]; /* bytes of a character whose end has not come (say.c) */
  size_t n_tail;
  bool step_open; /* a progress line stands on the terminal without its end */
};

/* Ends an open progress line before anything else is written. */
void ia_cli_settle(ia_cli *c);
/* Shows what ia_cli_out_bytes still holds. */
void ia_cli_end_bytes(ia_cli *c);
/* $IAPP_HOME or ~/.iapp when dir is NULL; made absolute. */
IA_MUST bool ia_cli_set_home(ia_cli *c, const char *dir, ia_err *e);
void ia_cli_context_free(ia_cli *c);
/* Writes a setting to HOME/user.json; value NULL forgets it. */
IA_MUST bool ia_cli_setting_put(ia_cli *c, const char *name, const char *value, ia_err *e);

#endif
