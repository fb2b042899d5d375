/* The data key out of the journal of a protection that is under way, as only its owner's wallet can
 * read it: journal_key JOURNAL WALLET PASSWORD-FILE. The wire shows it to nobody. */
#include <stdio.h>

#include "base/file.h"
#include "base/json.h"
#include "client/protect_journal.h"
#include "client/sealed.h"

enum { CAP = 1 << 16 };

static bool tell(char **argv, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0}, box = {0};
  IA_AUTOV(ia_buf) password = {.secret = true}, key = {.secret = true};
  IA_AUTO(ia_wallet) *w = NULL;
  ia_wallet_file file;

  if (!ia_file_read(&text, argv[1], CAP, e) || !ia_file_read(&password, argv[3], CAP, e) ||
      !ia_wallet_find(&file, NULL, argv[2], e))
    return false;
  while (password.len > 0 && password.ptr[password.len - 1] == '\n')
    password.len--;
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&text), 0, e);
  if (!v || !ia_json_get_base64(v, "sealedKey", &box, e) ||
      !ia_wallet_open(&w, &file, ia_buf_view(&password), e) ||
      !ia_wallet_unseal(&key, w, IA_PROTECT_LABEL, ia_buf_view(&box), e))
    return false;
  return printf("%.*s\n", (int)key.len, key.ptr) > 0 || ia_fail_errno(e, "stdout");
}

int main(int argc, char **argv)
{
  ia_err e = {0};

  if (argc == 4 && tell(argv, &e))
    return 0;
  (void)fprintf(stderr, "journal_key: %s\n", e.msg);
  return 1;
}
