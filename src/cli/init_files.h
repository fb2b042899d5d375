/* Templates of `iapp init`: files of src/cli/templates, embedded, with blocks that stand or fall by
 * what the app is to use. */
#ifndef IA_CLI_INIT_FILES_H
#define IA_CLI_INIT_FILES_H

#include "base/buf.h"

typedef struct ia_template {
  const char *name; /* "c", "js", "python", "sh", "readme"; NULL ends the table */
  const char *text;
} ia_template;
extern const ia_template ia_templates[];

/* What an app uses; bits. */
enum ia_feature {
  IA_WITH_ARGS = 1,
  IA_WITH_FILES = 2,
  IA_WITH_SECRET = 4,
  IA_WITH_DATA = 8,
  IA_WITH_BULK = 16,
  IA_WITH_APPSECRET = 32,
  IA_WITH_CALLBACK = 64,
};
/* "args,data"; USAGE naming the unknown word. */
IA_MUST bool ia_features_parse(unsigned *out, const char *list, ia_err *e);

typedef struct ia_template_words {
  const char *name;  /* @NAME@ */
  const char *main;  /* @MAIN@ */
  const char *flags; /* @FLAGS@ */
} ia_template_words;
/* Fills in a template: lines "@if A B" (any of), "@else", "@end" choose blocks. */
IA_MUST bool ia_template_fill(ia_buf *out, const char *text, unsigned features,
                              const ia_template_words *words, ia_err *e);

#endif
