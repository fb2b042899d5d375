/* The table of verbs and the options that several of them share. */
#include "cli/verbs.h"

#include <string.h>

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

/* Levenshtein distance, for words of at most 31 bytes; longer ones are far. */
static unsigned distance(const char *a, const char *b)
{
  unsigned row[32];
  size_t m = strlen(a), n = strlen(b);

  if (m > 31 || n > 31)
    return 99;
  for (unsigned j = 0; j <= n; j++)
    row[j] = j;
  for (unsigned i = 1; i <= m; i++) {
    unsigned diagonal = row[0];

    row[0] = i;
    for (unsigned j = 1; j <= n; j++) {
      unsigned up = row[j], best = diagonal + (a[i - 1] != b[j - 1]);

      best = up + 1 < best ? up + 1 : best;
      best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
      diagonal = up;
      row[j] = best;
    }
  }
  return row[n];
}

const char *ia_verb_near(const char *word)
{
  const char *best = NULL;
  unsigned least = 3;

  for (unsigned i = 0; ia_verbs[i]; i++) {
    unsigned d = distance(word, ia_verbs[i]->name);

    if (d < least) {
      least = d;
      best = ia_verbs[i]->name;
    }
  }
  return best;
}
