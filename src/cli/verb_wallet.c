/* iapp wallet new | import | show | list | result-key; and the wallet of every other verb. */
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "cli/frame.h"
#include "cli/original.h"
#include "cli/wallet.h"
#include "client/result_keys.h"
#include "eth/address.h"

enum { IMPORT_CAP = 1 << 16 };

const char *ia_cli_keystore(ia_cli *c)
{
  const char *dir = ia_cli_opt(c, "keystore");

  return dir ? dir : ia_cli_endpoint_or_null(c, "keystore");
}

static bool is_named(const ia_wallet_file *f, ia_err *e)
{
  if (f->named)
    return true;
  (void)ia_fail(e, IA_E_INVALID, "the keystore %s does not say its address", f->path.s);
  return ia_hint(e, "iapp wallet import %s", f->path.s);
}

bool ia_cli_wallet_file(ia_cli *c, ia_wallet_file *out, ia_err *e)
{
  const char *which = ia_cli_opt(c, "wallet");

  bool found = false;

  if (!which)
    which = ia_cli_endpoint_or_null(c, "wallet");
  if (!which && !ia_original_wallet_file(c, out, &found, e))
    return false;
  if (!found && !ia_wallet_find(out, ia_cli_keystore(c), which, e))
    return false;
  return is_named(out, e);
}

/* The same, where it is opened: then its key says the address. */
static bool wallet_to_open(ia_cli *c, ia_wallet_file *out, ia_err *e)
{
  const char *which = ia_cli_opt(c, "wallet");

  if (which && strchr(which, '/'))
    return ia_wallet_find(out, ia_cli_keystore(c), which, e);
  return ia_cli_wallet_file(c, out, e);
}

static const char *label(const ia_wallet_file *f, ia_text43 *text)
{
  *text = ia_addr_text(&f->address);
  return f->named ? text->s : f->path.s;
}

bool ia_cli_wallet(ia_cli *c, ia_wallet **out, ia_err *e)
{
  IA_AUTOV(ia_secret) password = {0};
  ia_wallet_file file;
  ia_text43 text;

  *out = NULL;
  if (!ia_cli_opt(c, "wallet") && !ia_cli_endpoint_or_null(c, "wallet") &&
      !ia_original_wallet(c, out, e))
    return false;
  if (*out)
    return true;
  return wallet_to_open(c, &file, e) &&
         ia_cli_password(c, &password, label(&file, &text), false, e) &&
         ia_wallet_open(out, &file, ia_secret_view(&password), e);
}

static json_t *as_json(const ia_wallet_file *f)
{
  return json_pack("{s:s?, s:s}", "address", f->named ? ia_addr_text(&f->address).s : NULL, "file",
                   f->path.s);
}

static bool made(ia_cli *c, const ia_wallet_file *f, ia_err *e)
{
  ia_cli_out(c, "%s", ia_addr_text(&f->address).s);
  ia_cli_say(c, "keystore file: %s\nkeep it and its password: without both the wallet is lost",
             f->path.s);
  return ia_cli_json(c, as_json(f), e);
}

static bool wallet_new(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_secret) password = {0};
  ia_wallet_file f;

  return ia_cli_password(c, &password, "the new wallet", true, e) &&
         ia_wallet_create(&f, ia_cli_keystore(c), NULL, ia_secret_view(&password), 0, e) &&
         made(c, &f, e);
}

const ia_verb ia_verb_wallet_new = {
    .name = "wallet new",
    .args = "",
    .brief = "make a wallet in the keystore",
    .example = "wallet new",
    .uses = IA_USES_WALLET,
    .run = wallet_new,
};

/* The key in a keystore of another place, or in a file with its 64 digits. */
static bool imported_key(ia_cli *c, ia_secret *key, ia_secret *password, ia_err *e)
{
  IA_AUTO(ia_wallet) *w = NULL;
  IA_AUTOV(ia_secret) digits = {0};
  ia_wallet_file f;

  if (ia_cli_flag(c, "from-project"))
    return ia_original_key(c, key, e) && ia_cli_password(c, password, "the wallet", true, e);
  if (ia_cli_arg(c, 0)) {
    ia_path p;

    if (!ia_path_join(&p, e, "%s%s", strchr(ia_cli_arg(c, 0), '/') ? "" : "./", ia_cli_arg(c, 0)))
      return false;
    return ia_wallet_find(&f, NULL, p.s, e) &&
           ia_cli_password(c, password, "the keystore file", false, e) &&
           ia_wallet_open(&w, &f, ia_secret_view(password), e) &&
           ia_secret_copy(key, ia_secret_view(&w->key), e);
  }
  if (!ia_cli_secret(c, &digits, "the private key (64 digits)", ia_cli_opt(c, "key-file"),
                     "key-file", e) ||
      !ia_secret_new(key, 32, e))
    return false;
  if (!ia_unhex(key->ptr, 32, ia_secret_view(&digits)))
    return ia_fail(e, IA_E_BAD_KEY, "a private key is 64 hexadecimal digits");
  return ia_cli_password(c, password, "the wallet", true, e);
}

static bool wallet_import(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_secret) password = {0};
  IA_AUTOV(ia_secret) key = {0};
  ia_wallet_file f;

  return imported_key(c, &key, &password, e) &&
         ia_wallet_create(&f, ia_cli_keystore(c), &key, ia_secret_view(&password), 0, e) &&
         (!ia_cli_flag(c, "from-project") || ia_original_key_moved(c, &f, e)) && made(c, &f, e);
}

static const ia_option import_options[] = {
    {"from-project", NULL, false,
     "the key in clear of iapp.config.json, which then names the keystore file instead",
     "wallet import --from-project"},
    {"key-file", "FILE", false, "file with the private key (asked for otherwise)",
     "wallet import --key-file ./key.txt"},
    {0},
};

const ia_verb ia_verb_wallet_import = {
    .name = "wallet import",
    .args = "[KEYSTORE-FILE]",
    .max_args = 1,
    .brief = "take a private key or a keystore file into the keystore",
    .example = "wallet import ./UTC--2026-01-01--key.json",
    .options = import_options,
    .uses = IA_USES_WALLET,
    .run = wallet_import,
};

static bool wallet_show(ia_cli *c, ia_err *e)
{
  ia_wallet_file f;
  bool ok = ia_cli_arg(c, 0) ? ia_wallet_find(&f, ia_cli_keystore(c), ia_cli_arg(c, 0), e)
                             : ia_cli_wallet_file(c, &f, e);

  if (!ok)
    return false;
  if (f.named)
    ia_cli_out(c, "%s", ia_addr_text(&f.address).s);
  else
    ia_cli_out(c, "%s", "address unknown");
  ia_cli_say(c, "keystore file: %s", f.path.s);
  return ia_cli_json(c, as_json(&f), e);
}

const ia_verb ia_verb_wallet_show = {
    .name = "wallet show",
    .args = "[WALLET]",
    .max_args = 1,
    .brief = "the wallet that commands sign with, or the one named",
    .example = "wallet show",
    .uses = IA_USES_WALLET,
    .run = wallet_show,
};

static bool wallet_select(ia_cli *c, ia_err *e)
{
  ia_wallet_file f;

  return ia_wallet_find(&f, ia_cli_keystore(c), ia_cli_arg(c, 0), e) && is_named(&f, e) &&
         ia_cli_setting_put(c, "wallet", ia_addr_text(&f.address).s, e) && made(c, &f, e);
}

const ia_verb ia_verb_wallet_select = {
    .name = "wallet select",
    .args = "WALLET",
    .min_args = 1,
    .max_args = 1,
    .brief = "keep which wallet commands sign with",
    .example = "wallet select 0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1",
    .uses = IA_USES_WALLET,
    .run = wallet_select,
};

static bool wallet_list(ia_cli *c, ia_err *e)
{
  ia_autofree ia_wallet_file *list = NULL;
  IA_AUTO_JSON *all = json_array();
  size_t n;

  if (!ia_wallet_list(&list, &n, ia_cli_keystore(c), e))
    return false;
  for (size_t i = 0; i < n; i++) {
    if (list[i].named)
      ia_cli_out(c, "%s  %s", ia_addr_text(&list[i].address).s, list[i].path.s);
    else
      ia_cli_out(c, "%-42s  %s", "address unknown: iapp wallet import", list[i].path.s);
    if (json_array_append_new(all, as_json(&list[i])) != 0)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  if (n == 0)
    ia_cli_say(c, "no wallet yet: iapp wallet new");
  return ia_cli_json(c, json_pack("{s:O}", "wallets", all), e);
}

const ia_verb ia_verb_wallet_list = {
    .name = "wallet list",
    .args = "",
    .brief = "the wallets of the keystore",
    .example = "wallet list",
    .uses = IA_USES_WALLET,
    .run = wallet_list,
};

/* For programs that open results themselves, as the iExec packages do. */
static bool wallet_result_key(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_buf) pem = {.secret = true};
  const char *out = ia_cli_opt(c, "out");
  IA_AUTO(ia_wallet) *w = NULL;

  if (!out)
    return ia_fail(e, IA_E_USAGE, "--out wants the file that the key goes to");
  if (!ia_cli_wallet(c, &w, e) || !ia_result_key_private(&pem, ia_cli_home(c), w, e) ||
      !ia_file_create(out, ia_buf_view(&pem), 0600, e))
    return false;
  ia_cli_say(c, "the private result key of %s is in %s, readable by you alone",
             ia_addr_text(&w->address).s, out);
  return ia_cli_json(c, json_pack("{s:o, s:s}", "address", ia_json_addr(&w->address), "file", out),
                     e);
}

static const ia_option result_key_options[] = {
    {"out", "FILE", false, "a new file for the key, PEM in the clear",
     "wallet result-key --out ./private.pem"},
    {0},
};

const ia_verb ia_verb_wallet_result_key = {
    .name = "wallet result-key",
    .args = "",
    .brief = "give out the private key that results are sealed to, for other programs",
    .example = "wallet result-key --out ./private.pem",
    .options = result_key_options,
    .uses = IA_USES_WALLET,
    .run = wallet_result_key,
};
