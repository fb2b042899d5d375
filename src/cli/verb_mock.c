/* iapp mock data: protected data for `iapp test`, in the project. */
#include <string.h>
#include <unistd.h>

#include "cli/value_input.h"

static bool name_ok(const char *name)
{
  return *name && !name[strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_")];
}

/* Values that are given say that they take the place of what is there; without any, nobody said. */
static bool may_write(ia_cli *c, const char *path, const char *name, ia_err *e)
{
  if (ia_cli_n_args(c) > 0 || ia_cli_opt(c, "json-string") || access(path, F_OK) != 0)
    return true;
  (void)ia_fail(e, IA_E_EXISTS, "the mock \"%s\" is there already: %s", name, path);
  return ia_hint(e, "give the values that replace it (KEY=VALUE), or another name: --name NAME");
}

static bool mock(ia_cli *c, ia_err *e)
{
  IA_AUTO(ia_node) *top = NULL;
  IA_AUTOV(ia_buf) schema = {0};
  uint64_t size;
  const char *name = ia_cli_opt(c, "name"), *project;
  ia_path dir, path;

  if (!name)
    name = "default";
  if (!name_ok(name))
    return ia_fail(e, IA_E_USAGE, "--name wants letters, digits, - and _");
  bool replaced = false;
  if (!ia_cli_project(c, &project, e) || !ia_path_join(&dir, e, "%s/mock/protectedData", project) ||
      !ia_path_join(&path, e, "%s/%s", dir.s, name) || !may_write(c, path.s, name, e) ||
      !ia_value_input(c, &top, e) || !ia_node_schema(&schema, top, e) ||
      !ia_mkdirs(dir.s, 0700, e) ||
      ((replaced = access(path.s, F_OK) == 0), !ia_value_write(top, path.s, &size, e)))
    return false;
  ia_cli_out(c, "%s", path.s);
  if (replaced)
    ia_cli_say(c, "the mock \"%s\" that was there is replaced", name);
  ia_cli_say(c, "schema: %.*s\ntry it: iapp test --data %s", (int)schema.len,
             (const char *)schema.ptr, name);
  return ia_cli_json(c,
                     json_pack("{s:s,s:s,s:o}", "name", name, "path", path.s, "schema",
                               ia_json_bytes(ia_buf_view(&schema))),
                     e);
}

static const ia_option options[] = {
    {"name", "NAME", false, "which mock (default)",
     "mock data --name alice email=alice@example.com"},
    IA_VALUE_INPUT_OPTIONS("mock data"),
    {0},
};

const ia_verb ia_verb_mock_data = {
    .name = "mock data",
    .older = "mock protectedData",
    .args = "KEY=VALUE|KEY=@FILE|FILE.json ..",
    .min_args = 0,
    .max_args = 1000,
    .brief = "make protected data for `iapp test` (plain, in the project)",
    .example = "mock data email=alice@example.com",
    .options = options,
    .run = mock,
};
