/* Decryption of results on the requester's side. */
#include "cli/result_open.h"

#include <sys/mman.h>

#include "base/owned.h"
#include "base/show.h"
#include "cli/log_view.h"
#include "cli/wallet.h"
#include "client/result_keys.h"
#include "client/results.h"
#include "data/result.h"

enum { PEM_CAP = 64 << 10 };

static bool with_pem(int plain, const ia_blob *sealed, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) pem = {.secret = true, .cap = 2 * PEM_CAP};
  IA_AUTO(ia_rsa) *key = NULL;

  return ia_file_read_private(&pem, path, PEM_CAP, e) &&
         (ia_rsa_private_pem(&key, ia_buf_view(&pem), e) || ia_wrap(e, "%s", path)) &&
         ia_result_decrypt(ia_sink_fd(&plain), sealed, key, e);
}

static bool decrypt(ia_cli *c, const ia_wallet *w, int plain, const ia_blob *sealed,
                    ia_sealed_kind kind, const char *pem, ia_err *e)
{
  IA_AUTO(ia_wallet) *own = NULL;

  if (pem)
    return with_pem(plain, sealed, pem, e);
  if (!w && !ia_cli_wallet(c, &own, e))
    return false;
  return ia_result_keys_open(plain, sealed, kind, ia_cli_home(c), w ? w : own, e);
}

bool ia_cli_result_open(ia_cli *c, const ia_wallet *w, ia_zip **out, int plain, int file,
                        const char *pem, const ia_result_claim *known, ia_err *e)
{
  ia_result_claim claim = *known;
  ia_blob blob;

  if (!ia_blob_fd(&blob, file, e))
    return false;
  claim.sealed = ia_result_is_encrypted(&blob);
  if (claim.sealed &&
      (!decrypt(c, w, plain, &blob, IA_SEALED_ARCHIVE, pem, e) || !ia_blob_fd(&blob, plain, e)))
    return false;
  return ia_result_open(out, blob, &claim, e);
}

void ia_cli_names_warn(ia_cli *c, const ia_zip *zip)
{
  for (size_t i = 0; i < ia_zip_count(zip); i++) {
    const char *name = ia_zip_at(zip, i)->name;

    if (ia_is_plain_text(ia_span_str(name)))
      continue;
    ia_cli_warn(c, "the app named a file \"%s\": hidden characters of names are written as \\uNNNN",
                name);
    return;
  }
}

json_t *ia_cli_files_json(const ia_zip *zip)
{
  json_t *list = json_array();
  IA_AUTOV(ia_buf) shown = {0};

  for (size_t i = 0; i < ia_zip_count(zip); i++) {
    const ia_zip_entry *t = ia_zip_at(zip, i);

    if (t->folder)
      continue;
    if (!ia_zip_shown_name(&shown, t, NULL) ||
        json_array_append_new(
            list, json_pack("{s:s,s:I}", "path", shown.ptr, "size", (json_int_t)t->size)) != 0)
      break;
  }
  return list;
}

bool ia_cli_logs_open(ia_cli *c, const ia_net *net, const ia_wallet *w, json_t **texts,
                      ia_span receipt, const char *pem, ia_err *e)
{
  ia_autoclose int file = memfd_create("logs", MFD_CLOEXEC);
  ia_autoclose int plain = memfd_create("plain", MFD_CLOEXEC);
  IA_AUTOV(ia_buf) text = {.secret = true};
  bool sealed;
  ia_blob blob;

  if (file < 0 || plain < 0)
    return ia_fail_errno(e, "memory for the logs");
  if (!ia_result_logs(net, file, &sealed, receipt, e) || !ia_blob_fd(&blob, file, e) ||
      (sealed && !decrypt(c, w, plain, &blob, IA_SEALED_LOGS, pem, e)))
    return false;
  int fd = sealed ? plain : file;
  if (lseek(fd, 0, SEEK_SET) != 0)
    return ia_fail_errno(e, "logs");
  if (!ia_fd_read_all(&text, fd, IA_LOGS_MAX, e))
    return false;
  IA_AUTO_JSON *logs = ia_json_parse(ia_buf_view(&text), 0, e);
  return logs && ia_log_texts(texts, logs, e);
}
