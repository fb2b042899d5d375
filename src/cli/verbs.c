/* The table of verbs and the options that several of them share. */
#include "cli/verbs.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/near.h"

const ia_verb *const ia_verbs[] = {
#define IA_VERB(name) &ia_verb_##name,
#include "cli/verbs.def"
#undef IA_VERB
    NULL,
};

const ia_option ia_options_global[] = {
    {"json", NULL, false, "one JSON object a line on stdout, errors too", "wallet list --json"},
    {"yes", NULL, false, "answer yes, ask nothing", "run 0xApp --yes"},
    {"quiet", NULL, false, "only the answer, no progress", "deploy --quiet"},
    {"home", "DIR", false, "settings and keys (default $IAPP_HOME or ~/.iapp)", "up --home ./lab"},
    {"help", NULL, false, "help for this verb", "run --help"},
    {0},
};

const ia_option ia_options_wallet[] = {
    {"wallet", "WALLET", false,
     "address or keystore file to sign with (default: the setting wallet)",
     "grant 0xData 0xApp any --wallet 0xMe"},
    {"keystore", "DIR", false, "folder of keystores (default ~/.ethereum/keystore)",
     "wallet list --keystore ./keys"},
    {"password-file", "FILE", false, "file with the wallet's password ($IAPP_PASSWORD_FILE)",
     "wallet new --password-file ./pw"},
    {"password-fd", "N", false, "descriptor with the wallet's password",
     "wallet new --password-fd 3 3<pw"},
    {0},
};

const ia_option ia_options_net[] = {
    {"rpc", "URL", false, "ledger (JSON-RPC)", "balance --rpc http://127.0.0.1:7400"},
    {"market", "URL", false, "market", "orders --market http://127.0.0.1:7400"},
    {"sms", "URL", false, "secret management service", "why 0xTask --sms http://127.0.0.1:7401"},
    {"ipfs", "URL", false, "blob store", "result 0xTask --ipfs http://127.0.0.1:7400"},
    {0},
};

const ia_option ia_options_project[] = {
    {"chain", "NAME", false, "refuse unless this chain is spoken to (see chain use)",
     "deploy --chain arbitrum-sepolia-testnet"},
    {0},
};

/* Words of the name that stand in the line, 0 when it is another verb. */
static int match(const char *rest, int n, char *const *words)
{
  int i = 0;

  for (; *rest; i++) {
    size_t len = strcspn(rest, " ");

    if (i >= n || strlen(words[i]) != len || memcmp(words[i], rest, len) != 0)
      return 0;
    rest += len;
    rest += strspn(rest, " ");
  }
  return i;
}

const ia_verb *ia_verb_find(int n, char *const *words, int *used)
{
  const ia_verb *best = NULL;

  *used = 0;
  for (unsigned i = 0; ia_verbs[i]; i++) {
    int took = match(ia_verbs[i]->name, n, words);

    if (took == 0 && ia_verbs[i]->older)
      took = match(ia_verbs[i]->older, n, words);

    if (took > *used) {
      best = ia_verbs[i];
      *used = took;
    }
  }
  return best;
}

/* How many words of the line are the first words of some verb; *name: of which. */
static int group_words(int n, char *const *words, const char **name)
{
  int most = 0;

  for (unsigned i = 0; ia_verbs[i]; i++) {
    const char *rest = ia_verbs[i]->name;
    int k = 0;

    while (k < n) {
      size_t len = strcspn(rest, " ");

      if (strlen(words[k]) != len || memcmp(words[k], rest, len) != 0 || rest[len] == '\0')
        break;
      rest += len + 1;
      k++;
    }
    if (k > most) {
      most = k;
      *name = ia_verbs[i]->name;
    }
  }
  return most;
}

typedef struct line {
  char s[64];
} line;

/* The first k words, separated by blanks; empty when that is too long for a verb. */
static line first_words(int k, char *const *words)
{
  line l = {""};
  size_t len = 0;

  for (int i = 0; i < k; i++) {
    int n = snprintf(l.s + len, sizeof(l.s) - len, "%s%s", i ? " " : "", words[i]);

    if (n < 0 || len + (size_t)n >= sizeof(l.s))
      return (line){""};
    len += (size_t)n;
  }
  return l;
}

/* Compares the line's beginning with every verb and every group of verbs of as many words, and more
 * than are known already; of those that are equally near, the one of most words. */
static void nearest(int n, int known_words, char *const *words, line *out)
{
  unsigned least = UINT_MAX;

  for (unsigned i = 0; ia_verbs[i]; i++) {
    const char *name = ia_verbs[i]->name;
    int k = 1;

    for (size_t len = strcspn(name, " ");; len += 1 + strcspn(name + len + 1, " "), k++) {
      line asked = first_words(k, words), known;
      ia_near near = {.word = asked.s};

      (void)snprintf(known.s, sizeof(known.s), "%.*s", (int)len, name);
      ia_near_try(&near, known.s);
      if (k > known_words && near.best &&
          (near.distance < least ||
           (near.distance == least && strncmp(known.s, out->s, strlen(out->s)) == 0))) {
        least = near.distance;
        *out = known;
      }
      if (!name[len] || k == n)
        break;
    }
  }
}

bool ia_verb_unknown(int n, char *const *words, const char *command, ia_err *e)
{
  const char *name = NULL;
  int k = group_words(n, words, &name);
  line near = {""}, group = first_words(k, words);

  if (k > 0 && k == n) {
    ia_fail(e, IA_E_USAGE, "%s: missing subcommand", group.s);
    return ia_hint(e, "iapp help %s", group.s);
  }
  nearest(n, k, words, &near);
  if (k > 0)
    ia_fail(e, IA_E_USAGE, "%s: unknown subcommand \"%s\"", group.s, words[k]);
  else
    ia_fail(e, IA_E_USAGE, "unknown verb \"%s\"", words[0]);
  if (near.s[0])
    return ia_hint(e, "did you mean: %s %s", command, near.s);
  return ia_hint(e, k > 0 ? "iapp help %s" : "iapp help", group.s);
}
