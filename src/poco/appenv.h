/* What an app is given beside its data: arguments and environment, by one tokenizer and one builder
 * for the SMS (real runs) and the command line (`iapp test`). */
#ifndef IA_POCO_APPENV_H
#define IA_POCO_APPENV_H

#include "base/hex.h"
#include "base/json.h"
#include "base/types.h"

enum { IA_ARGS_MAX = 1000 };

/* Splits `iexec_args` as the workers do: only the blank 0x20 separates; quotes of either kind group
 * and are removed wherever they stand; a quote that is never closed is an ordinary character; no
 * escapes, no expansion, numbers stay text; "" is an empty argument. A new array of strings.
 * PARAMS_INVALID for NUL, invalid UTF-8 or more than IA_ARGS_MAX arguments. */
IA_MUST bool ia_args_split(json_t **argv, ia_span text, ia_err *e);

/* A dataset of a slice. */
typedef struct ia_appenv_item {
  ia_addr dataset;
  const char *refused; /* NULL, or why its file is not there: a code */
} ia_appenv_item;

typedef struct ia_appenv {
  ia_h256 deal_id, task_id;
  uint64_t task_index, bot_first, bot_size;
  ia_addr dataset; /* zero when none or bulk */
  bool bulk;
  const ia_appenv_item *slice; /* when bulk */
  size_t n_slice;
  const json_t *files; /* input file URLs: array of strings, or NULL */
} ia_appenv;

/* A new object of strings: every IEXEC_* variable that is no secret. */
IA_MUST bool ia_appenv_build(json_t **env, const ia_appenv *in, ia_err *e);

/* Name of the file that holds the content of a URL: 0x + SHA-256 of the URL's text. */
ia_text67 ia_input_file_name(ia_span url);
/* Name of a dataset's file: the address, lower case alone, checksummed in a slice. */
ia_text43 ia_dataset_file_name(const ia_addr *dataset, bool bulk);

#endif
