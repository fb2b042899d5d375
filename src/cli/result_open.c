/* Decryption of results on the requester's side. */
#include "cli/result_open.h"

#include "cli/wallet.h"
#include "client/result_keys.h"
#include "data/result.h"

enum { PEM_CAP = 64 << 10 };

static bool with_pem(int plain, const ia_blob *sealed, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) pem = {.secret = true, .cap = 2 * PEM_CAP};
  IA_AUTO(ia_rsa) *key = NULL;

  return ia_file_read(&pem, path, PEM_CAP, e) &&
         (ia_rsa_private_pem(&key, ia_buf_view(&pem), e) || ia_wrap(e, "%s", path)) &&
         ia_result_decrypt(ia_sink_fd(&plain), sealed, key, e);
}

bool ia_cli_result_open(ia_cli *c, ia_blob *out, int plain, int file, const char *pem, ia_err *e)
{
  IA_AUTO(ia_wallet) *w = NULL;
  ia_blob sealed;

  if (!ia_blob_fd(&sealed, file, e))
    return false;
  *out = sealed;
  if (!ia_result_is_encrypted(&sealed))
    return true;
  if (!(pem ? with_pem(plain, &sealed, pem, e)
            : ia_cli_wallet(c, &w, e) && ia_result_keys_open(plain, &sealed, ia_cli_home(c), w, e)))
    return false;
  return ia_blob_fd(out, plain, e);
}
