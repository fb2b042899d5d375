#include "daemon/cmd_sms.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/show.h"
#include "daemon/home.h"
#include "service/sms/sms.h"
#include "tee/quote.h"

/* Who changes what the service decides by holds the passphrase of its root. */
struct store {
  ia_path dir;
  ia_secret passphrase;
  ia_sms_operator o;
};

static bool store_of(struct store *s, const ia_daemon_options *o, ia_err *e)
{
  ia_home home = {.lock = -1};
  ia_path root;

  if (!ia_home_find(&home, o->home, e) || !ia_path_join(&s->dir, e, "%s/sms", home.dir.s) ||
      !ia_path_join(&root, e, "%s/root", s->dir.s))
    return false;
  if (access(root.s, F_OK) != 0)
    return ia_fail(e, IA_E_NOT_FOUND, "%s holds no store of an SMS", s->dir.s);
  if (!ia_home_passphrase(&s->passphrase, &s->o.random_passphrase, &home, o->passphrase_file, e))
    return false;
  s->o.dir = s->dir.s;
  s->o.passphrase = &s->passphrase;
  return true;
}

bool ia_cmd_confirm_ledger(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  struct store s = {0};
  bool ok;

  if (n != 2)
    return ia_fail(e, IA_E_USAGE, "sms confirm-ledger: unexpected argument \"%s\"", words[2]);
  ok = store_of(&s, o, e) && ia_sms_confirm_ledger(&s.o, e);
  ia_secret_free(&s.passphrase);
  if (!ok)
    return false;
  ia_print(stdout, o->json ? "{\"confirmed\":true}\n"
                           : "The ledger as it is now is taken as right; releases go on.\n");
  return true;
}

bool ia_cmd_trust_sim(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  IA_AUTOV(ia_buf) pem = {0};
  struct store s = {0};
  ia_h256 digest;
  bool ok;

  if (n != 3)
    return ia_fail(e, IA_E_USAGE, "sms trust-sim ROOT.pem");
  ok = store_of(&s, o, e) && ia_file_read(&pem, words[2], IA_QUOTE_PEM_MAX, e) &&
       ia_sms_trust_sim(&s.o, ia_buf_view(&pem), &digest, e);
  ia_secret_free(&s.passphrase);
  if (!ok)
    return false;
  ia_print(stdout,
           o->json ? "{\"simRoot\":\"%s\"}\n"
                   : "SIMULATED workers under the root %s are believed from now on.\n",
           ia_h256_text(&digest).s);
  return true;
}
