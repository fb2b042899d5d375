/* iapp config sdk | show | set: endpoints for the SDKs, and the user's settings in HOME/user.json.
 */
#include <string.h>

#include "cli/frame.h"
#include "cli/sdk_options.h"

/* Settings and, where `sdk` is set, fields of `iapp config sdk` and of `iapp up --json`. */
static const struct setting {
  const char *name;
  bool sdk;
  const char *doc;
} settings[] = {
    {"rpcUrl", true, "ledger, Ethereum JSON-RPC"},
    {"chainId", true, "chain id of the ledger"},
    {"hubAddress", true, "PoCo hub contract"},
    {"marketUrl", true, "market (iexecGatewayURL)"},
    {"smsUrl", true, "secret management service (smsURL)"},
    {"ipfsNodeUrl", true, "uploads (ipfsNodeURL)"},
    {"ipfsGatewayUrl", true, "downloads (ipfsGatewayURL)"},
    {"subgraphUrl", true, "graph of protected data"},
    {"pocoSubgraphUrl", true, "graph of PoCo"},
    {"compassUrl", true, "compass"},
    {"dataprotectorContractAddress", true, "DataProtector contract"},
    {"workerpool", true, "workerpool that runs are given to"},
    {"whitelist", true, "whitelist contracts"},
    {"schedulerUrl", false, "scheduler of the workerpool"},
    {"confirmations", false, "blocks that make a transaction final on an EVM chain"},
    {"maxFee", false, "most for a unit of gas on an EVM chain, in gwei"},
    {"wallet", false, "address of the wallet to sign with"},
    {"keystore", false, "folder of keystores"},
};

static const struct setting *find(const char *name)
{
  for (unsigned i = 0; i < IA_COUNT(settings); i++)
    if (strcmp(settings[i].name, name) == 0)
      return &settings[i];
  return NULL;
}

/* The value of a field wherever it comes from; objects come as they are. */
static json_t *value_of(ia_cli *c, const char *field)
{
  const char *text = ia_cli_endpoint_or_null(c, field);
  json_t *v = json_object_get(c->settings, field);

  if (!v)
    v = json_object_get(c->running, field);
  if (v && (!text || json_is_integer(v)))
    return json_incref(v);
  return text ? json_string(text) : NULL;
}

/* Packages take one node of those that the setting may name. Takes v over. */
static json_t *one_node(json_t *v)
{
  IA_AUTO_JSON *held = v;
  const char *text = json_string_value(v);

  return text && strchr(text, ',') ? json_stringn(text, strcspn(text, ",")) : json_incref(held);
}

static json_t *sdk_fields(ia_cli *c, ia_err *e)
{
  IA_AUTO_JSON *all = json_object();

  for (unsigned i = 0; i < IA_COUNT(settings); i++) {
    json_t *v = settings[i].sdk ? value_of(c, settings[i].name) : NULL;

    if (v && !ia_json_set(all, settings[i].name, one_node(v), e))
      return NULL;
  }
  return json_incref(all);
}

/* Objects to paste, one a package; each line of its text goes out alone. */
static bool print_packages(ia_cli *c, const json_t *packages, ia_err *e)
{
  const char *name;
  json_t *options;

  json_object_foreach ((json_t *)(uintptr_t)packages, name, options) {
    ia_autofree char *text = json_dumps(options, JSON_INDENT(2));

    if (!text)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
    ia_cli_out(c, "// %s", ia_sdk_package_use(name));
    for (char *line = text, *next; line; line = next) {
      next = strchr(line, '\n');
      if (next)
        *next++ = '\0';
      ia_cli_out(c, "%s", line);
    }
  }
  return true;
}

static bool sdk(ia_cli *c, ia_err *e)
{
  IA_AUTO_JSON *all = NULL;
  IA_AUTO_JSON *packages = NULL;
  const char *first, *domain, *missing;

  if (!ia_cli_endpoint(c, "rpcUrl", &first, e) || !(all = sdk_fields(c, e)) ||
      !(packages = ia_sdk_packages(all, e)))
    return false;
  ia_cli_out(c, "// ethProvider: a wallet at %.*s", (int)strcspn(first, ","), first);
  if (!print_packages(c, packages, e))
    return false;
  for (unsigned i = 0; (missing = ia_sdk_missing(all, i)); i++)
    ia_cli_say(c, "%s: nothing serves it here, so a package asks iExec's public service", missing);
  domain = ia_cli_endpoint_or_null(c, "domain");
  if (domain && strcmp(domain, "sim") == 0)
    ia_cli_say(c, "\nSIMULATED: no hardware protects this; put no real personal data here.");
  return ia_json_set(all, "packages", json_incref(packages), e) &&
         ia_cli_json(c, json_incref(all), e);
}

const ia_verb ia_verb_config_sdk = {
    .name = "config sdk",
    .args = "",
    .brief = "the options that iExec's packages need to use this installation",
    .example = "config sdk --json",
    .uses = IA_USES_NET,
    .run = sdk,
};

static bool show(ia_cli *c, ia_err *e)
{
  IA_AUTO_JSON *all = json_object();

  for (unsigned i = 0; i < IA_COUNT(settings); i++) {
    json_t *v = value_of(c, settings[i].name);

    if (!v)
      continue;
    bool own = json_object_get(c->settings, settings[i].name) != NULL;
    IA_AUTOV(ia_buf) text = {0};
    IA_AUTO_JSON *box = json_pack("[O]", v);
    if (!ia_json_set(all, settings[i].name, v, e) || !box || !ia_json_write(&text, box, e))
      return false;
    ia_cli_out(c, "%-30s %.*s  (%s%s)", settings[i].name, (int)text.len - 2, text.ptr + 1,
               settings[i].doc, own ? "; set by you" : "");
  }
  ia_cli_say(c, "home: %s", ia_cli_home(c));
  return ia_json_set(all, "home", json_string(ia_cli_home(c)), e) &&
         ia_cli_json(c, json_incref(all), e);
}

const ia_verb ia_verb_config_show = {
    .name = "config show",
    .args = "",
    .brief = "all settings and where the services are",
    .example = "config show",
    .run = show,
};

static bool set(ia_cli *c, ia_err *e)
{
  const char *name = ia_cli_arg(c, 0), *value = ia_cli_arg(c, 1);
  const struct setting *s = find(name);

  if (!s) {
    ia_fail(e, IA_E_USAGE, "no setting \"%s\"", name);
    return ia_hint(e, "iapp config show");
  }
  if ((value != NULL) == ia_cli_flag(c, "unset"))
    return ia_fail(e, IA_E_USAGE, "give a value, or --unset");
  if (!ia_cli_setting_put(c, name, value, e))
    return false;
  ia_cli_say(c, "%s %s", name, value ? value : "unset");
  return ia_cli_json(c, json_pack("{s:s, s:s?}", "name", name, "value", value), e);
}

static const ia_option set_options[] = {
    {"unset", NULL, false, "forget the setting", "config set smsUrl --unset"},
    {0},
};

const ia_verb ia_verb_config_set = {
    .name = "config set",
    .args = "NAME [VALUE]",
    .min_args = 1,
    .max_args = 2,
    .brief = "keep a setting in HOME/user.json",
    .example = "config set wallet 0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1",
    .options = set_options,
    .run = set,
};
