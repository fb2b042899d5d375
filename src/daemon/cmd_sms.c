#include "daemon/cmd_sms.h"

#include "base/file.h"
#include "base/hex.h"
#include "base/show.h"
#include "daemon/home.h"
#include "service/sms/sms.h"
#include "tee/quote.h"

static bool sms_dir(ia_path *dir, const ia_daemon_options *o, ia_err *e)
{
  ia_home home = {.lock = -1};

  return ia_home_find(&home, o->home, e) && ia_path_join(dir, e, "%s/sms", home.dir.s);
}

bool ia_cmd_confirm_ledger(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  ia_path dir;

  if (n != 2)
    return ia_fail(e, IA_E_USAGE, "sms confirm-ledger: unexpected argument \"%s\"", words[2]);
  if (!sms_dir(&dir, o, e) || !ia_sms_confirm_ledger(dir.s, e))
    return false;
  ia_print(stdout, o->json ? "{\"confirmed\":true}\n"
                           : "The ledger as it is now is taken as right; releases go on.\n");
  return true;
}

bool ia_cmd_trust_sim(const ia_daemon_options *o, int n, char **words, ia_err *e)
{
  IA_AUTOV(ia_buf) pem = {0};
  ia_h256 digest;
  ia_path dir;

  if (n != 3)
    return ia_fail(e, IA_E_USAGE, "sms trust-sim ROOT.pem");
  if (!sms_dir(&dir, o, e) || !ia_file_read(&pem, words[2], IA_QUOTE_PEM_MAX, e) ||
      !ia_sms_trust_sim(dir.s, ia_buf_view(&pem), &digest, e))
    return false;
  ia_print(stdout,
           o->json ? "{\"simRoot\":\"%s\"}\n"
                   : "SIMULATED workers under the root %s are believed from now on.\n",
           ia_h256_text(&digest).s);
  return true;
}
