/* Help and completion, from the same tables that read the line. */
#include <string.h>

#include "cli/verbs.h"

void ia_cli_help_all(FILE *out)
{
  fprintf(out, "usage: iapp VERB [ARGUMENTS] [--OPTIONS]\n\n");
  for (unsigned i = 0; ia_verbs[i]; i++)
    fprintf(out, "  %-18s %s\n", ia_verbs[i]->name, ia_verbs[i]->brief);
  fprintf(out, "\n`iapp help VERB` shows its options, each with an example.\n");
}

static void options(FILE *out, const ia_option *rows)
{
  for (const ia_option *o = rows; o && o->name; o++) {
    char head[64];

    if (snprintf(head, sizeof(head), "--%s%s%s", o->name, o->value ? " " : "",
                 o->value ? o->value : "") < 0)
      return;
    fprintf(out, "  %-20s %s%s\n  %-20s   iapp %s\n", head, o->doc,
            o->many ? " (may be repeated)" : "", "", o->example);
  }
}

void ia_cli_help_verb(FILE *out, const ia_verb *v)
{
  fprintf(out, "usage: iapp %s%s%s [--OPTIONS]\n\n%s\n\nexample: iapp %s\n", v->name,
          v->args[0] ? " " : "", v->args, v->brief, v->example);
  fprintf(out, "\noptions, each with an example:\n");
  options(out, v->options);
  if (v->uses & IA_USES_WALLET)
    options(out, ia_options_wallet);
  if (v->uses & IA_USES_NET)
    options(out, ia_options_net);
  if (v->uses & IA_USES_PROJECT)
    options(out, ia_options_project);
  options(out, ia_options_global);
}

/* The word of a verb's name that follows the words before it; false when the name does not begin
 * with them. */
static bool next_word(const char *name, int n, char *const *words, const char **at, size_t *len)
{
  for (int i = 0; i < n; i++) {
    size_t w = strlen(words[i]);

    if (strncmp(name, words[i], w) != 0 || name[w] != ' ')
      return false;
    name += w + 1;
  }
  *at = name;
  *len = strcspn(name, " ");
  return true;
}

bool ia_cli_help_group(FILE *out, int n, char *const *words)
{
  bool found = false;

  for (unsigned i = 0; ia_verbs[i]; i++) {
    const char *word;
    size_t len;

    if (!next_word(ia_verbs[i]->name, n, words, &word, &len))
      continue;
    if (!found)
      fprintf(out, "usage:\n");
    found = true;
    fprintf(out, "  iapp %s%s%s\n      %s\n", ia_verbs[i]->name, ia_verbs[i]->args[0] ? " " : "",
            ia_verbs[i]->args, ia_verbs[i]->brief);
  }
  if (found)
    fprintf(out, "\n`iapp help` with all words of one shows its options, each with an example.\n");
  return found;
}

static void complete_options(FILE *out, const ia_option *rows, const char *prefix)
{
  for (const ia_option *o = rows; o && o->name; o++)
    if (strncmp(o->name, prefix, strlen(prefix)) == 0)
      fprintf(out, "--%s\n", o->name);
}

static void complete_verbs(FILE *out, int n, char *const *words, const char *last)
{
  const char *before = "";
  size_t before_len = 0;

  for (unsigned i = 0; ia_verbs[i]; i++) {
    const char *word;
    size_t len;

    if (!next_word(ia_verbs[i]->name, n, words, &word, &len) || strncmp(word, last, strlen(last)))
      continue;
    /* verbs of one first word stand together in the table */
    if (len == before_len && memcmp(word, before, len) == 0)
      continue;
    fprintf(out, "%.*s\n", (int)len, word);
    before = word;
    before_len = len;
  }
}

void ia_cli_complete(FILE *out, int n, char *const *words)
{
  int used = 0;

  if (n < 1)
    return;
  const char *last = words[n - 1];
  const ia_verb *v = ia_verb_find(n - 1, words, &used);

  if (strncmp(last, "--", 2) == 0) {
    complete_options(out, v ? v->options : NULL, last + 2);
    if (v && (v->uses & IA_USES_WALLET))
      complete_options(out, ia_options_wallet, last + 2);
    if (v && (v->uses & IA_USES_NET))
      complete_options(out, ia_options_net, last + 2);
    complete_options(out, ia_options_global, last + 2);
    return;
  }
  complete_verbs(out, n - 1, words, last);
}
