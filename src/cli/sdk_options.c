/* A package asks the public service for whatever is left out, so every option that has such a
 * default stands in these tables. */
#include "cli/sdk_options.h"

#include <string.h>

typedef struct row {
  const char *option;
  const char *field; /* "whitelist.web3mail": a member of an object */
} row;

static const row iexec_rows[] = {{"hubAddress", "hubAddress"},
                                 {"iexecGatewayURL", "marketUrl"},
                                 {"smsURL", "smsUrl"},
                                 {"ipfsNodeURL", "ipfsNodeUrl"},
                                 {"ipfsGatewayURL", "ipfsGatewayUrl"},
                                 {"compassURL", "compassUrl"},
                                 {"pocoSubgraphURL", "pocoSubgraphUrl"},
                                 {0}};

/* A login at a result proxy is of the past and serves nothing here: it shall not leave for the
 * public one. */
static const row iexec8_rows[] = {{"resultProxyURL", "marketUrl"}, {0}};

static const row chain_rows[] = {{"id", "chainId"},
                                 {"host", "rpcUrl"},
                                 {"hub", "hubAddress"},
                                 {"iexecGateway", "marketUrl"},
                                 {"sms", "smsUrl"},
                                 {"ipfsGateway", "ipfsGatewayUrl"},
                                 {"compass", "compassUrl"},
                                 {"pocoSubgraph", "pocoSubgraphUrl"},
                                 {0}};

static const row dataprotector_rows[] = {
    {"ipfsNode", "ipfsNodeUrl"},
    {"ipfsGateway", "ipfsGatewayUrl"},
    {"subgraphUrl", "subgraphUrl"},
    {"dataprotectorContractAddress", "dataprotectorContractAddress"},
    {0}};

static const row web3mail_rows[] = {{"ipfsNode", "ipfsNodeUrl"},
                                    {"ipfsGateway", "ipfsGatewayUrl"},
                                    {"dataProtectorSubgraph", "subgraphUrl"},
                                    {"dappWhitelistAddress", "whitelist.web3mail"},
                                    {0}};

static const row web3telegram_rows[] = {{"ipfsNode", "ipfsNodeUrl"},
                                        {"ipfsGateway", "ipfsGatewayUrl"},
                                        {"dataProtectorSubgraph", "subgraphUrl"},
                                        {"dappWhitelistAddress", "whitelist.web3telegram"},
                                        {0}};

static const row no_rows[] = {{0}};

static const struct package {
  const char *name;
  const char *use;
  const row *rows;
  bool iexec;       /* takes iexec's options at the top */
  const char *nest; /* takes iexec's options, or the rows, in this member */
} packages[] = {
    {"iexec", "iexec 9: new IExec({ ethProvider }, options)", no_rows, true, NULL},
    {"iexec8", "iexec 8: new IExec({ ethProvider }, options)", iexec8_rows, true, NULL},
    {"chain.json", "the command line of iexec 9: chain.json", chain_rows, false, "chains"},
    {"dataprotector", "@iexec/dataprotector: new IExecDataProtector(ethProvider, options)",
     dataprotector_rows, false, "iexecOptions"},
    {"web3mail", "@iexec/web3mail: new IExecWeb3mail(ethProvider, options)", web3mail_rows, false,
     "iexecOptions"},
    {"web3telegram", "@iexec/web3telegram: new IExecWeb3telegram(ethProvider, options)",
     web3telegram_rows, false, "iexecOptions"},
};

static json_t *field_of(const json_t *fields, const char *name)
{
  const char *dot = strchr(name, '.');

  if (!dot)
    return json_object_get(fields, name);
  return json_object_get(json_object_getn(fields, name, (size_t)(dot - name)), dot + 1);
}

static bool put_rows(json_t *to, const row *rows, const json_t *fields, ia_err *e)
{
  for (; rows->option; rows++) {
    json_t *v = field_of(fields, rows->field);

    if (v && !ia_json_set(to, rows->option, json_incref(v), e))
      return false;
  }
  return true;
}

/* {"default":"iapp","chains":{"iapp":{..}}}, as the file chain.json has it; ids are texts there. */
static json_t *chain_file(const json_t *fields, ia_err *e)
{
  IA_AUTO_JSON *chain = json_object();
  char id[24];

  if (!put_rows(chain, chain_rows, fields, e))
    return NULL;
  (void)snprintf(id, sizeof(id), "%" JSON_INTEGER_FORMAT,
                 json_integer_value(json_object_get(fields, "chainId")));
  if (!ia_json_set(chain, "id", json_string(id), e))
    return NULL;
  return json_pack("{s:s,s:{s:O}}", "default", "iapp", "chains", "iapp", chain);
}

static json_t *package_options(const struct package *p, const json_t *fields, ia_err *e)
{
  IA_AUTO_JSON *options = json_object();

  if (p->rows == chain_rows)
    return chain_file(fields, e);
  if (p->nest) {
    IA_AUTO_JSON *iexec = json_object();

    if (!put_rows(iexec, iexec_rows, fields, e) ||
        !ia_json_set(options, p->nest, json_incref(iexec), e))
      return NULL;
  }
  if ((p->iexec && !put_rows(options, iexec_rows, fields, e)) ||
      !put_rows(options, p->rows, fields, e))
    return NULL;
  return json_incref(options);
}

json_t *ia_sdk_packages(const json_t *fields, ia_err *e)
{
  IA_AUTO_JSON *all = json_object();

  for (unsigned i = 0; i < IA_COUNT(packages); i++) {
    json_t *options = package_options(&packages[i], fields, e);

    if (!options || !ia_json_set(all, packages[i].name, options, e))
      return NULL;
  }
  return json_incref(all);
}

const char *ia_sdk_package_use(const char *package)
{
  for (unsigned i = 0; i < IA_COUNT(packages); i++)
    if (strcmp(packages[i].name, package) == 0)
      return packages[i].use;
  return "";
}

const char *ia_sdk_missing(const json_t *fields, unsigned at)
{
  static const row *const tables[] = {iexec_rows, dataprotector_rows};
  const char *seen[16] = {0};
  unsigned n = 0;

  for (unsigned t = 0; t < IA_COUNT(tables); t++)
    for (const row *r = tables[t]; r->option; r++) {
      bool known = field_of(fields, r->field) != NULL;

      for (unsigned k = 0; k < n; k++)
        known |= strcmp(seen[k], r->field) == 0;
      if (!known && n < IA_COUNT(seen))
        seen[n++] = r->field;
    }
  return at < n ? seen[at] : NULL;
}
