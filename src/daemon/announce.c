/* What is said and kept when everything is ready. */
#include "daemon/announce.h"

#include <stdio.h>
#include <string.h>

#include "base/show.h"
#include "http/client.h"
#include "receipt/trust.h"

enum { TRUST_CAP = 1 << 20 };

/* Fields of the line of readiness, in its order; docs/protocol.md 6. */
static const char *const sdk_fields[] = {
    "rpcUrl",
    "chainId",
    "hubAddress",
    "marketUrl",
    "smsUrl",
    "ipfsNodeUrl",
    "ipfsGatewayUrl",
    "subgraphUrl",
    "pocoSubgraphUrl",
    "compassUrl",
    "dataprotectorContractAddress",
    "workerpool",
    "whitelist",
};

/* The pool whose scheduler runs here. */
static bool own_pool(ia_addr *out, const json_t *fields)
{
  uint64_t roles;

  return ia_json_get_u64(fields, "roles", &roles, NULL) && (roles & IA_ROLE_SCHEDULER) &&
         ia_json_get_addr(fields, "workerpool", out, NULL);
}

/* The SMS that we run is ours: its description goes into the trust file of this home, and our own
 * pool beside it. */
static bool trust_own(const ia_home *h, const json_t *fields, const char *sms, ia_err *e)
{
  IA_AUTO(ia_http) *http = NULL;
  IA_AUTO_JSON *answer = NULL;
  IA_AUTO_JSON *members = NULL;
  IA_AUTOV(ia_trust_sms) own = {0};
  IA_AUTOV(ia_buf) old = {0};
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTOV(ia_buf) url = {0};
  ia_addr pool;
  ia_path path;

  ia_buf_printf(&url, "%s/info", sms);
  ia_buf_u8(&url, 0);
  if (!ia_buf_ok(&url, e) || !ia_http_new(&http, NULL, e) ||
      !ia_http_json(http, &answer, "GET", (const char *)url.ptr, NULL, e) ||
      !ia_info_open(&own, &members, answer, e) ||
      !ia_path_join(&path, e, "%s/trust.json", h->dir.s))
    return ia_wrap(e, "trust file");
  if (access(path.s, F_OK) == 0) {
    if (!ia_file_read(&old, path.s, TRUST_CAP, e))
      return false;
    if (old.len == 0)
      return ia_fail(e, IA_E_PARSE, "%s is empty", path.s);
  }
  return (ia_trust_add(&text, ia_buf_view(&old), members, own_pool(&pool, fields) ? &pool : NULL,
                       e) ||
          ia_wrap(e, "%s", path.s)) &&
         ia_file_write(path.s, ia_buf_view(&text), 0600, e);
}

static const char *text_of(const json_t *fields, const char *key)
{
  const char *text = json_string_value(json_object_get(fields, key));

  return text ? text : "-";
}

static void say(const ia_home *h, const json_t *fields, uint64_t ms)
{
  const char *what = text_of(json_object_get(fields, "ledgerInfo"), "what");

  ia_print(stdout, "ledger    %s  (%s)\n", text_of(fields, "rpcUrl"), what);
  ia_print(stdout, "market    %s\nblobs     %s\nsms       %s\nscheduler %s\n",
           text_of(fields, "marketUrl"), text_of(fields, "ipfsNodeUrl"), text_of(fields, "smsUrl"),
           text_of(fields, "schedulerUrl"));
  ia_print(stdout,
           "ready after %llu ms; home %s; options for the iExec packages: iapp config sdk\n",
           (unsigned long long)ms, h->dir.s);
}

bool ia_announce(const ia_home *h, const ia_daemon_options *o, const json_t *fields, uint64_t ms,
                 ia_err *e)
{
  IA_AUTO_JSON *line = json_object();
  IA_AUTOV(ia_buf) text = {0}, shown = {0};
  const char *sms = json_string_value(json_object_get(fields, "smsUrl"));
  bool own_sms = json_object_get(fields, "domain") != NULL;

  for (unsigned i = 0; i < IA_COUNT(sdk_fields); i++) {
    json_t *v = json_object_get(fields, sdk_fields[i]);

    if (v && !ia_json_set(line, sdk_fields[i], json_incref(v), e))
      return false;
  }
  if ((own_sms && !trust_own(h, fields, sms, e)) || !ia_home_ready(h, fields, e) ||
      !ia_json_write(&text, line, e))
    return false;
  ia_show_json(&shown, ia_buf_view(&text));
  ia_buf_u8(&shown, '\n');
  if (!ia_buf_ok(&shown, e))
    return false;
  if (o->json)
    (void)fwrite(shown.ptr, 1, shown.len, stdout);
  else if (!o->quiet)
    say(h, fields, ms);
  if (strcmp(text_of(fields, "domain"), "sim") == 0)
    ia_print(o->json ? stderr : stdout,
             "SIMULATED: no hardware protects anything here; put no real personal data here.\n");
  return fflush(stdout) == 0 || ia_fail_errno(e, "stdout");
}
