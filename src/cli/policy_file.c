/* What this home remembers of the owner's policies and grants. */
#include "cli/policy_file.h"

#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "cli/parse.h"
#include "eth/address.h"

enum { FILE_CAP = 16 << 20 };

static bool path_of(ia_cli *c, ia_path *out, const char *folder, const ia_addr *dataset, ia_err *e)
{
  ia_path dir;

  return ia_path_join(&dir, e, "%s/%s", ia_cli_home(c), folder) && ia_mkdirs(dir.s, 0700, e) &&
         ia_path_join(out, e, "%s/%s.json", dir.s, ia_addr_text(dataset).s);
}

/* `otherwise` (stolen) when there is no file. */
static json_t *load(const char *path, json_t *otherwise, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *without = otherwise;

  if (access(path, F_OK) != 0)
    return json_incref(without);
  if (!ia_file_read(&text, path, FILE_CAP, e))
    return NULL;
  return ia_json_parse(ia_buf_view(&text), 0, e);
}

static bool save(const char *path, const json_t *v, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  return ia_json_write(&text, v, e) && ia_file_write(path, ia_buf_view(&text), 0600, e);
}

static bool set_purposes(ia_cli *c, json_t *policy, ia_err *e)
{
  json_t *list = json_array();

  for (unsigned i = 0; ia_cli_opt_at(c, "purpose", i); i++)
    if (json_array_append_new(list, json_string(ia_cli_opt_at(c, "purpose", i))) != 0) {
      json_decref(list);
      return ia_fail(e, IA_E_USAGE, "--purpose: not text");
    }
  return ia_json_set(policy, "purposes", list, e);
}

static bool set_runs(ia_cli *c, json_t *policy, const char *flag, const char *clause, ia_err *e)
{
  json_t *runs = json_object_get(policy, "runs");
  uint64_t n;

  if (!ia_cli_flag(c, flag))
    return true;
  if (!ia_cli_opt_u64(c, flag, 0, &n, e))
    return false;
  if (!runs && !ia_json_set(policy, "runs", runs = json_object(), e))
    return false;
  return ia_json_set(runs, clause, json_integer((json_int_t)n), e);
}

bool ia_cli_policy(ia_cli *c, json_t **out, const ia_addr *dataset, ia_err *e)
{
  static const char *const flags[] = {"until", "purpose", "runs", "daily", "clear-logs"};
  IA_AUTO_JSON *policy = NULL;
  bool any = false;
  uint64_t until;
  ia_path path;

  *out = NULL;
  for (unsigned i = 0; i < IA_COUNT(flags); i++)
    any |= ia_cli_flag(c, flags[i]);
  if (!any)
    return true;
  if (!path_of(c, &path, "policies", dataset, e) ||
      !(policy = load(path.s, json_pack("{s:i}", "v", 1), e)))
    return false;
  if (ia_cli_flag(c, "until") &&
      (!ia_parse_until(&until, ia_cli_opt(c, "until"), ia_now(), e) ||
       !ia_json_set(policy, "expires", json_integer((json_int_t)until), e)))
    return false;
  if (ia_cli_flag(c, "purpose") && !set_purposes(c, policy, e))
    return false;
  if (!set_runs(c, policy, "runs", "total", e) || !set_runs(c, policy, "daily", "daily", e))
    return false;
  if (ia_cli_flag(c, "clear-logs") && !ia_json_set(policy, "logs", json_string("clear"), e))
    return false;
  *out = json_incref(policy);
  return true;
}

bool ia_cli_policy_push(ia_cli *c, const ia_net *net, const ia_wallet *w, const ia_addr *dataset,
                        const json_t *policy, uint64_t *version, ia_err *e)
{
  ia_path path;

  return path_of(c, &path, "policies", dataset, e) &&
         ia_to_sms_owner_message(net, w, "policy", dataset, policy, version, e) &&
         save(path.s, policy, e);
}

json_t *ia_cli_grants_noted(ia_cli *c, const ia_addr *dataset, ia_err *e)
{
  ia_path path;

  return path_of(c, &path, "grants", dataset, e) ? load(path.s, json_array(), e) : NULL;
}

bool ia_cli_grant_note(ia_cli *c, const ia_addr *dataset, const json_t *order, ia_err *e)
{
  IA_AUTO_JSON *all = ia_cli_grants_noted(c, dataset, e);
  ia_path path;

  if (!all || !path_of(c, &path, "grants", dataset, e))
    return false;
  if (json_array_append(all, (json_t *)(uintptr_t)order) != 0)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  return save(path.s, all, e);
}
