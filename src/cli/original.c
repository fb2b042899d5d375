/* Projects of iExec's own command line. */
#include "cli/original.h"

#include <string.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "cli/chains.h"
#include "cli/frame.h"
#include "cli/wallet.h"
#include "eth/address.h"

const json_t *ia_original_config(ia_cli *c)
{
  json_t *config = NULL;

  if (!(c->verb->uses & IA_USES_PROJECT) || !ia_cli_project_config(c, &config, NULL))
    return NULL;
  return config;
}

static const char *member(ia_cli *c, const char *name)
{
  const char *text = json_string_value(json_object_get(ia_original_config(c), name));

  return text && text[0] ? text : NULL;
}

/* Whose wallet signs is not for another user of this machine to say, who may have put the file into
 * a folder above. */
static bool is_ours(ia_cli *c, ia_err *e)
{
  const char *dir;
  struct stat st;
  ia_path p;

  if (!ia_cli_project(c, &dir, e) || !ia_path_join(&p, e, "%s/iapp.config.json", dir))
    return false;
  if (stat(p.s, &st) != 0)
    return ia_fail_errno(e, "%s", p.s);
  if (st.st_uid == geteuid() && !(st.st_mode & S_IWOTH))
    return true;
  (void)ia_fail(e, IA_E_FORBIDDEN, "%s can be written by others: its wallet is not used", p.s);
  return ia_hint(e, "--wallet ADDRESS, or make the file your own: chown, chmod o-w");
}

bool ia_original_wallet_file(ia_cli *c, ia_wallet_file *out, bool *found, ia_err *e)
{
  const char *name = member(c, "walletFileName");
  ia_path dir, p;

  *found = name != NULL;
  if (!name)
    return true;
  if (!is_ours(c, e))
    return false;
  if (strchr(name, '/') || name[0] == '.')
    return ia_fail(e, IA_E_INVALID, "iapp.config.json: walletFileName wants a file's name");
  if (!ia_keystore_folder(&dir, ia_cli_keystore(c), e) ||
      !ia_path_join(&p, e, "%s/%s", dir.s, name))
    return false;
  if (ia_wallet_find(out, NULL, p.s, e))
    return true;
  (void)ia_wrap(e, "iapp.config.json names the wallet %s", name);
  return ia_hint(e, "iapp wallet list, or --wallet ADDRESS");
}

static bool key_of(ia_secret *key, const char *digits, ia_err *e)
{
  if (!ia_secret_new(key, 32, e))
    return false;
  /* ia_unhex takes them with or without 0x */
  return ia_unhex(key->ptr, 32, ia_span_str(digits)) ||
         ia_fail(e, IA_E_BAD_KEY, "iapp.config.json: walletPrivateKey is no private key");
}

bool ia_original_wallet(ia_cli *c, ia_wallet **out, ia_err *e)
{
  const char *digits = member(c, "walletPrivateKey");
  IA_AUTOV(ia_secret) key = {0};

  *out = NULL;
  if (!digits)
    return true;
  if (!is_ours(c, e) || !key_of(&key, digits, e) || !ia_wallet_of_key(out, &key, e))
    return false;
  ia_cli_warn(c,
              "signing as %s, whose private key stands in clear in iapp.config.json: "
              "iapp wallet import --from-project",
              ia_addr_text(&(*out)->address).s);
  return true;
}

bool ia_original_key(ia_cli *c, ia_secret *key, ia_err *e)
{
  json_t *config = NULL;

  if (ia_cli_project_config(c, &config, NULL) &&
      json_is_string(json_object_get(config, "walletPrivateKey")))
    return key_of(key, json_string_value(json_object_get(config, "walletPrivateKey")), e);
  return ia_fail(e, IA_E_NOT_FOUND, "there is no iapp.config.json with a walletPrivateKey here");
}

bool ia_original_key_moved(ia_cli *c, const ia_wallet_file *file, ia_err *e)
{
  const char *name = strrchr(file->path.s, '/'), *dir;
  json_t *config = NULL;
  struct stat st;
  ia_path p;

  if (!ia_cli_project(c, &dir, e) || !ia_cli_project_config(c, &config, e) ||
      !ia_path_join(&p, e, "%s/iapp.config.json", dir))
    return false;
  if (stat(p.s, &st) != 0)
    return ia_fail_errno(e, "%s", p.s);
  json_object_del(config, "walletPrivateKey");
  if (!ia_json_set(config, "walletFileName", json_string(name ? name + 1 : file->path.s), e))
    return false;
  ia_autofree char *text = json_dumps(config, JSON_INDENT(2));
  IA_AUTOV(ia_buf) out = {.secret = true}; /* other secrets may stand beside */
  if (!text)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  ia_buf_printf(&out, "%s\n", text);
  explicit_bzero(text, strlen(text));
  return ia_buf_ok(&out, e) && ia_file_write_exact(p.s, ia_buf_view(&out), st.st_mode & 0777, e);
}

static bool is_hub(const ia_known_chain *k, const ia_net *net)
{
  ia_addr hub;

  return ia_addr_parse(&hub, ia_span_str(k->hub), NULL) && ia_addr_eq(&hub, &net->hub);
}

bool ia_original_chain(ia_cli *c, const ia_net *net, ia_err *e)
{
  const char *want = ia_cli_opt(c, "chain"), *usual = member(c, "defaultChain");
  const ia_known_chain *k = want ? ia_chain_known(want) : NULL;

  if (want && !k) {
    (void)ia_fail(e, IA_E_USAGE, "no chain \"%.40s\"", want);
    return ia_hint(e, "arbitrum-mainnet, arbitrum-sepolia-testnet; without --chain: %s", net->rpc);
  }
  if (want && !is_hub(k, net)) {
    (void)ia_fail(e, IA_E_USAGE, "--chain %s, but commands speak to %s", want, net->rpc);
    return ia_hint(e, "iapp chain use %s --rpc URL", want);
  }
  k = usual ? ia_chain_known(usual) : NULL;
  if (usual && !want && !(k && is_hub(k, net)))
    ia_cli_say(c, "iapp.config.json names the chain %s; this speaks to %s (iapp chain use)", usual,
               net->rpc);
  return true;
}

void ia_original_build(ia_cli *c, const char *project)
{
  ia_path p;

  if (ia_path_join(&p, NULL, "%s/Dockerfile", project) && access(p.s, F_OK) == 0)
    ia_cli_say(c, "the Dockerfile is not used: the template decides what the image holds; an image"
                  " made by it is taken with --image FILE (docker save)");
}
