/* iapp app line ..: lines of app versions, to which data are granted once. */
#include "base/hex.h"
#include "cli/net.h"
#include "cli/wallet.h"
#include "client/line.h"
#include "eth/address.h"

enum { APPS_MAX = 8 };

static bool add_all(ia_cli *c, ia_net *net, const ia_wallet *w, const ia_addr *line, json_t *apps,
                    ia_err *e)
{
  const char *text;
  ia_addr app;
  ia_h256 tx;

  for (unsigned i = 0; (text = ia_cli_arg(c, i)); i++)
    if (!ia_cli_addr(&app, text, "APP", e) || !ia_line_put(net, w, line, &app, true, &tx, e) ||
        json_array_append_new(apps, ia_json_addr(&app)) != 0)
      return ia_wrap(e, "the line %s was made", ia_addr_text(line).s);
  return true;
}

static bool line_new(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  IA_AUTO_JSON *apps = json_array();
  ia_addr line;
  ia_h256 tx;

  if (!ia_cli_net(c, &net, e) || !ia_cli_wallet(c, &w, e) ||
      !ia_line_make(&net, w, &line, &tx, e) || !add_all(c, &net, w, &line, apps, e))
    return false;
  ia_cli_out(c, "%s", ia_addr_text(&line).s);
  ia_cli_say(c, "data are granted to every app of the line, those added later too:");
  ia_cli_say(c, "  iapp grant DATA %s USER", ia_addr_text(&line).s);
  return ia_cli_json(c,
                     json_pack("{s:o, s:O, s:o}", "line", ia_json_addr(&line), "apps", apps,
                               "transactionHash", ia_json_h256(&tx)),
                     e);
}

static bool edit(ia_cli *c, bool member, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  ia_addr line, app;
  ia_h256 tx;

  if (!ia_cli_addr(&line, ia_cli_arg(c, 0), "LINE", e) ||
      !ia_cli_addr(&app, ia_cli_arg(c, 1), "APP", e) || !ia_cli_net(c, &net, e) ||
      !ia_cli_wallet(c, &w, e) || !ia_line_put(&net, w, &line, &app, member, &tx, e))
    return false;
  ia_cli_say(c,
             member ? "%s may be run wherever the line %s is granted"
                    : "%s is out of the line %s; what is running goes on",
             ia_addr_text(&app).s, ia_addr_text(&line).s);
  return ia_cli_json(c,
                     json_pack("{s:o, s:o, s:o}", "line", ia_json_addr(&line), "app",
                               ia_json_addr(&app), "transactionHash", ia_json_h256(&tx)),
                     e);
}

static bool line_add(ia_cli *c, ia_err *e)
{
  return edit(c, true, e);
}

static bool line_remove(ia_cli *c, ia_err *e)
{
  return edit(c, false, e);
}

static bool line_show(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  ia_autofree ia_addr *apps = NULL;
  IA_AUTO_JSON *list = json_array();
  ia_addr line, owner;
  size_t n;

  if (!ia_cli_addr(&line, ia_cli_arg(c, 0), "LINE", e) || !ia_cli_net(c, &net, e) ||
      !ia_line_get(&net, &line, &owner, &apps, &n, e))
    return false;
  ia_cli_say(c, "line %s of %s", ia_addr_text(&line).s, ia_addr_text(&owner).s);
  for (size_t i = 0; i < n; i++) {
    ia_cli_out(c, "%s", ia_addr_text(&apps[i]).s);
    if (json_array_append_new(list, ia_json_addr(&apps[i])) != 0)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  return ia_cli_json(c,
                     json_pack("{s:o, s:o, s:O}", "line", ia_json_addr(&line), "owner",
                               ia_json_addr(&owner), "apps", list),
                     e);
}

const ia_verb ia_verb_app_line_new = {
    .name = "app line new",
    .args = "[APP ..]",
    .max_args = APPS_MAX,
    .brief = "make a line of app versions: data are granted to it once, for all of them",
    .example = "app line new 0xApp",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = line_new,
};

const ia_verb ia_verb_app_line_add = {
    .name = "app line add",
    .args = "LINE APP",
    .min_args = 2,
    .max_args = 2,
    .brief = "take a version of the app into the line",
    .example = "app line add 0xLine 0xApp",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = line_add,
};

const ia_verb ia_verb_app_line_remove = {
    .name = "app line remove",
    .args = "LINE APP",
    .min_args = 2,
    .max_args = 2,
    .brief = "take a version out of the line",
    .example = "app line remove 0xLine 0xApp",
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = line_remove,
};

const ia_verb ia_verb_app_line_show = {
    .name = "app line show",
    .args = "LINE",
    .min_args = 1,
    .max_args = 1,
    .brief = "the apps of a line, and whose it is",
    .example = "app line show 0xLine",
    .uses = IA_USES_NET,
    .run = line_show,
};
