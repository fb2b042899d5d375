/* Where a command runs: its home, its project, the services it speaks to. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/owned.h"
#include "cli/frame.h"

enum { CONFIG_CAP = 1 << 20 };

bool ia_cli_set_home(ia_cli *c, const char *dir, ia_err *e)
{
  const char *env = getenv("IAPP_HOME"), *user = getenv("HOME");
  ia_path p = {0};
  char cwd[IA_PATH_MAX];

  if (!dir && env && env[0])
    dir = env;
  if (!dir && !(user && user[0]))
    return ia_fail(e, IA_E_USAGE, "no home: neither --home nor $IAPP_HOME nor $HOME is set");
  if (!dir) {
    if (!ia_path_join(&p, e, "%s/.iapp", user))
      return false;
  } else if (dir[0] == '/') {
    if (!ia_path_join(&p, e, "%s", dir))
      return false;
  } else if (!getcwd(cwd, sizeof(cwd))) {
    return ia_fail_errno(e, "current folder");
  } else if (!ia_path_join(&p, e, "%s/%s", cwd, dir)) {
    return false;
  }
  if (access(p.s, F_OK) == 0 ? !ia_owned_folder(p.s, e) : !ia_owned_place(p.s, e))
    return false;
  c->home = strdup(p.s);
  return c->home || ia_fail(e, IA_E_MEMORY, "out of memory");
}

void ia_cli_context_free(ia_cli *c)
{
  free(c->home);
  free(c->outbox);
  free(c->project);
  free(c->line);
  json_decref(c->project_config);
  json_decref(c->settings);
  json_decref(c->running);
  json_decref(c->short_ids);
}

const char *ia_cli_home(const ia_cli *c)
{
  return c->home;
}

const char *ia_cli_outbox(ia_cli *c, ia_err *e)
{
  if (!c->outbox && asprintf(&c->outbox, "%s/outbox", c->home) < 0) {
    c->outbox = NULL;
    ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  return c->outbox;
}

/* A missing file leaves *out NULL and is fine. */
static bool read_object(json_t **out, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  if (access(path, F_OK) != 0 && errno == ENOENT)
    return true;
  if (!ia_file_read(&text, path, CONFIG_CAP, e))
    return false;
  *out = ia_json_parse(ia_buf_view(&text), 0, e);
  if (!*out)
    return ia_wrap(e, "%s", path);
  if (!json_is_object(*out))
    return ia_fail(e, IA_E_PARSE, "%s: not a JSON object", path);
  return true;
}

bool ia_cli_project(ia_cli *c, const char **dir, ia_err *e)
{
  char at[IA_PATH_MAX];
  ia_path p;

  if (!c->project) {
    if (!getcwd(at, sizeof(at)))
      return ia_fail_errno(e, "current folder");
    for (;;) {
      if (!ia_path_join(&p, e, "%s/iapp.config.json", at))
        return false;
      if (access(p.s, R_OK) == 0)
        break;
      char *slash = strrchr(at, '/');
      if (!slash || slash == at) {
        ia_fail(e, IA_E_NOT_FOUND,
                "Failed to locate iApp project root, are you in an iApp project?");
        return ia_hint(e, "iapp init");
      }
      *slash = '\0';
    }
    c->project = strdup(at);
    if (!c->project)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  *dir = c->project;
  return true;
}

bool ia_cli_project_config(ia_cli *c, json_t **out, ia_err *e)
{
  const char *dir;
  ia_path p;

  if (!ia_cli_project(c, &dir, e))
    return false;
  if (!c->project_config) {
    if (!ia_path_join(&p, e, "%s/iapp.config.json", dir))
      return false;
    if (!read_object(&c->project_config, p.s, e) || !c->project_config)
      return ia_wrap(e, "Failed to read `iapp.config.json` file, JSON seems to be invalid.");
  }
  *out = c->project_config;
  return true;
}

/* Which flag overrides which field. */
static const struct {
  const char *field, *flag;
} overrides[] = {
    {"rpcUrl", "rpc"},       {"marketUrl", "market"},    {"smsUrl", "sms"},
    {"ipfsNodeUrl", "ipfs"}, {"ipfsGatewayUrl", "ipfs"},
};

static const char *text_of(ia_cli *c, const json_t *from, const char *field)
{
  const json_t *v = json_object_get(from, field);

  if (json_is_string(v))
    return json_string_value(v);
  if (!json_is_integer(v))
    return NULL;
  if (snprintf(c->number, sizeof(c->number), "%" JSON_INTEGER_FORMAT, json_integer_value(v)) < 0)
    return NULL;
  return c->number;
}

/* Does a daemon hold this home? Where none does, its file of addresses is one that a killed daemon
 * left, and whoever took its ports since would be spoken to. */
static bool is_held(const ia_cli *c, bool *held, ia_err *e)
{
  ia_path p;

  *held = false;
  if (!ia_path_join(&p, e, "%s/lock", c->home))
    return false;
  ia_autoclose int fd = open(p.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return errno == ENOENT || ia_fail_errno(e, "%s", p.s);
  *held = flock(fd, LOCK_SH | LOCK_NB) != 0;
  return !*held || errno == EWOULDBLOCK || ia_fail_errno(e, "%s", p.s);
}

/* What runs in this home; an empty object where nothing does. */
static bool read_running(ia_cli *c, ia_err *e)
{
  bool held;
  ia_path p;

  if (c->running)
    return true;
  if (!is_held(c, &held, e))
    return false;
  if (held)
    return ia_path_join(&p, e, "%s/ready.json", c->home) && read_object(&c->running, p.s, e);
  c->running = json_object();
  return c->running || ia_fail(e, IA_E_MEMORY, "out of memory");
}

bool ia_cli_endpoint(ia_cli *c, const char *field, const char **out, ia_err *e)
{
  ia_path p;

  *out = NULL;
  for (unsigned i = 0; i < IA_COUNT(overrides) && !*out; i++)
    if (strcmp(overrides[i].field, field) == 0)
      *out = ia_cli_opt(c, overrides[i].flag);
  if (!*out && !c->settings &&
      (!ia_path_join(&p, e, "%s/user.json", c->home) || !read_object(&c->settings, p.s, e)))
    return false;
  if (!*out)
    *out = text_of(c, c->settings, field);
  if (!*out && !read_running(c, e))
    return false;
  if (!*out)
    *out = text_of(c, c->running, field);
  if (*out)
    return true;
  ia_fail(e, IA_E_UNAVAILABLE, "%s is not known: nothing runs in %s", field, c->home);
  return ia_hint(e, "iapp up, or: iapp config set %s VALUE", field);
}

const char *ia_cli_endpoint_or_null(ia_cli *c, const char *field)
{
  const char *out;

  return ia_cli_endpoint(c, field, &out, NULL) ? out : NULL;
}

bool ia_cli_setting_put(ia_cli *c, const char *name, const char *value, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  const char *old;
  ia_path p;

  if (!ia_cli_endpoint(c, name, &old, e) && e->code != IA_E_UNAVAILABLE)
    return false; /* a settings file that cannot be read is not written over */
  json_t *all = c->settings ? c->settings : (c->settings = json_object());
  if (value && !ia_json_set(all, name, json_string(value), e))
    return false;
  if (!value)
    json_object_del(all, name);
  return ia_mkdirs(c->home, 0700, e) && ia_json_write(&text, all, e) &&
         ia_path_join(&p, e, "%s/user.json", c->home) &&
         ia_file_write(p.s, ia_buf_view(&text), 0600, e);
}
