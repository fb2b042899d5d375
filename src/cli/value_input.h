/* Values to protect as people give them: key=value, key=@file, file.json, --json-string, --type. */
#ifndef IA_CLI_VALUE_INPUT_H
#define IA_CLI_VALUE_INPUT_H

#include "cli/cli.h"
#include "data/node.h"

/* Rows for the option table of a verb that takes values. */
#define IA_VALUE_INPUT_OPTIONS(verb)                                                               \
  {"json-string", "KEY=FILE", true, "the text of a JSON file as one string (arrays, null)",        \
   verb " --json-string answers=./answers.json"},                                                  \
  {                                                                                                \
    "type", "KEY=TYPE", true, "media type of a file, where its first bytes say another",           \
        verb " cv=@./cv.txt --type cv=application/octet-stream"                                    \
  }

/* Reads every argument of the verb: `a.b=text` (a string, dots nest), `a.b=@FILE` (its bytes),
 * `FILE` (a JSON object, see ia_node_from_json; "-" is stdin). Files stay open in the tree. */
IA_MUST bool ia_value_input(ia_cli *c, ia_node **out, ia_err *e);

/* Streams the archive into a file: the whole or nothing. *size: its bytes. */
IA_MUST bool ia_value_write(const ia_node *value, const char *path, uint64_t *size, ia_err *e);

#endif
