/* iapp audit: what the SMS released or refused of one's data, from its own log. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "cli/net.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/owned.h"
#include "client/to_sms.h"
#include "eth/address.h"

enum { PAGES_MAX = 1000 };

/* To which key the result went, by the record that the SMS signed. */
static void say_key(ia_cli *c, const json_t *v)
{
  const char *text = json_string_value(json_object_get(v, "record"));
  IA_AUTO_JSON *record = text ? ia_json_parse(ia_span_str(text), 0, NULL) : NULL;
  const char *key = json_string_value(json_object_get(record, "resultKeyHash"));
  ia_h256 hash;

  if (key && ia_h256_parse(&hash, ia_span_str(key)) && !ia_h256_zero(&hash))
    ia_cli_out(c, "    result sealed to the key with SHA-256 %s", key);
}

static void say_entry(ia_cli *c, const json_t *v)
{
  const char *verdict = json_string_value(json_object_get(v, "verdict"));
  const char *code = json_string_value(json_object_get(v, "code"));
  const char *who = json_string_value(json_object_get(v, "requester"));
  const char *app = json_string_value(json_object_get(v, "app"));
  const char *purpose = json_string_value(json_object_get(v, "purpose"));
  const char *message = json_string_value(json_object_get(v, "message"));
  json_int_t time = json_integer_value(json_object_get(v, "time"));
  ia_text32 at = ia_rfc3339(time > 0 ? (uint64_t)time : 0);

  if (verdict && strcmp(verdict, "message") == 0)
    ia_cli_out(c, "%s  %-7s %-18s signed by %s", at.s, verdict, code ? code : "", who ? who : "-");
  else
    ia_cli_out(c, "%s  %-7s %-18s requester %s  app %s", at.s, verdict ? verdict : "?",
               code ? code : "", who ? who : "-", app ? app : "-");
  if (purpose && *purpose)
    ia_cli_out(c, "    purpose \"%s\"", purpose);
  if (message && *message)
    ia_cli_out(c, "    %s", message);
  say_key(c, v);
}

/* Appends one page; *more says where the next begins. */
static bool page(ia_cli *c, json_t *all, const ia_net *net, const ia_wallet *w,
                 const ia_addr *object, uint64_t *after, bool *more, ia_err *e)
{
  IA_AUTO_JSON *answer = NULL;
  json_t *list, *v;
  size_t i;

  if (!ia_to_sms_log(net, w, object, *after, &answer, e) ||
      !ia_json_get_arr(answer, "entries", &list, e))
    return false;
  json_array_foreach (list, i, v) {
    say_entry(c, v);
    if (!ia_json_set(v, "object", ia_json_addr(object), e))
      return false;
    if (json_array_append(all, v) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for the log");
  }
  *more = json_object_get(answer, "next") != NULL;
  return !*more || ia_json_get_u64(answer, "next", after, e);
}

static bool one_object(ia_cli *c, json_t *all, const ia_net *net, const ia_wallet *w,
                       const ia_addr *object, ia_err *e)
{
  uint64_t after = 0;
  bool more = true;

  for (int i = 0; more && i < PAGES_MAX; i++)
    if (!page(c, all, net, w, object, &after, &more, e))
      return false;
  return true;
}

static bool every_object(ia_cli *c, json_t *all, const ia_net *net, const ia_wallet *w, ia_err *e)
{
  ia_autofree ia_addr *mine = NULL;
  size_t n;

  if (!ia_owned_datasets(net, &mine, &n, &w->address, e))
    return false;
  for (size_t i = 0; i < n; i++) {
    ia_cli_out(c, "data %s", ia_addr_text(&mine[i]).s);
    if (!one_object(c, all, net, w, &mine[i], e))
      return false;
  }
  if (n == 0)
    ia_cli_say(c, "this wallet owns no protected data");
  return true;
}

static bool audit(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  IA_AUTO_JSON *all = json_array();
  const char *which = ia_cli_arg(c, 0);
  ia_addr object;

  if ((which && !ia_cli_addr(&object, which, "DATA", e)) || !ia_cli_net(c, &net, e) ||
      !ia_cli_wallet(c, &w, e) || !ia_cli_trust_sms(c, &net, e) ||
      !(which ? one_object(c, all, &net, w, &object, e) : every_object(c, all, &net, w, e)))
    return false;
  if (which && json_array_size(all) == 0)
    ia_cli_say(c, "nothing was asked for yet");
  return ia_cli_json(
      c, json_pack("{s:O,s:b}", "entries", all, "simulated", net.sms_domain == IA_DOMAIN_SIM), e);
}

const ia_verb ia_verb_audit = {
    .name = "audit",
    .args = "[DATA]",
    .max_args = 1,
    .brief = "who asked for the key of your data (of all that you own), and what the SMS answered",
    .example = "audit 0x5f3e..",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = audit,
};
