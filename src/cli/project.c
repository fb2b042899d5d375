/* iapp.config.json as builds read it, and the archive in .iapp/. */
#include "cli/project.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/size.h"
#include "cli/original.h"
#include "image/oci.h"

static char *file_name_of(const char *name)
{
  char *s = strdup(name);

  for (char *p = s; p && *p; p++) {
    bool plain = (*p >= 'a' && *p <= 'z') || (*p >= '0' && *p <= '9');

    if (*p >= 'A' && *p <= 'Z')
      *p = (char)(*p + ('a' - 'A'));
    else if (!plain)
      *p = '-';
  }
  return s;
}

/* A list of texts, NULL-ended; it points into the configuration. */
static bool get_list(const char ***out, const json_t *config, const char *name, ia_err *e)
{
  const json_t *list = json_object_get(config, name);
  size_t n = json_array_size(list);

  *out = calloc(n + 1, sizeof(**out));
  if (!*out)
    return ia_fail(e, IA_E_MEMORY, "project");
  for (size_t i = 0; i < n; i++) {
    (*out)[i] = json_string_value(json_array_get(list, i));
    if (!(*out)[i])
      return ia_fail(e, IA_E_PARSE, "iapp.config.json: %s wants texts", name);
  }
  return true;
}

/* Projects of before templates were named: by the program that is there. */
static bool lang_of_sources(ia_project *p)
{
  static const char *const mains[IA_LANG_COUNT] = {[IA_LANG_C] = "app.c",
                                                   [IA_LANG_SH] = "app.sh",
                                                   [IA_LANG_PYTHON] = "app.py",
                                                   [IA_LANG_JS] = "app.js"};
  ia_path path;

  for (unsigned i = 0; i < IA_LANG_COUNT; i++)
    if (ia_path_join(&path, NULL, "%s/src/%s", p->dir, mains[i]) && access(path.s, R_OK) == 0) {
      p->lang = (ia_lang)i;
      return true;
    }
  return false;
}

static bool get_lang(ia_project *p, const json_t *config, ia_err *e)
{
  const char *text = json_string_value(json_object_get(config, "template"));

  if (text ? ia_lang_parse(&p->lang, text) : lang_of_sources(p))
    return true;
  if (text)
    (void)ia_fail(e, IA_E_UNSUPPORTED, "iapp.config.json: template \"%.40s\" is not known", text);
  else
    (void)ia_fail(e, IA_E_PARSE,
                  "iapp.config.json: template is missing, and there is no src/app.*");
  return ia_hint(e, "C, Shell, JavaScript or Python");
}

/* "memory" of the configuration: a size as people write it, or bytes. */
static bool get_memory(uint64_t *out, const json_t *config, ia_err *e)
{
  const json_t *v = json_object_get(config, "memory");
  ia_err why = {0};

  *out = 0;
  if (!v || json_is_null(v))
    return true;
  if (json_is_string(v) && ia_app_memory_parse(out, json_string_value(v), &why))
    return true;
  if (json_is_integer(v) && json_integer_value(v) >= 0) {
    *out = (uint64_t)json_integer_value(v);
    if (ia_app_memory_check(*out, &why))
      return true;
  }
  (void)ia_fail(e, IA_E_PARSE, "iapp.config.json: memory: %s",
                why.msg[0] ? why.msg : "want a size");
  return ia_hint(e, "\"memory\": \"2G\"");
}

static bool set_name(ia_project *p, const char *name, ia_err *e)
{
  p->name = strdup(name);
  p->file_name = file_name_of(name);
  return (p->name && p->file_name) || ia_fail(e, IA_E_MEMORY, "project");
}

static bool open_config(ia_project *p, ia_cli *c, ia_err *e)
{
  json_t *config;
  const char *name;

  if (!ia_cli_project_config(c, &config, e) || !ia_json_get_str(config, "projectName", &name, e) ||
      (!ia_cli_opt(c, "image") && !get_lang(p, config, e)) ||
      !get_list(&p->debian, config, "debianPackages", e) ||
      !get_list(&p->libraries, config, "libraries", e) ||
      !get_list(&p->absent, config, "absentLibraries", e) || !get_memory(&p->memory, config, e))
    return false;
  p->config = config;
  p->content = json_object_get(config, "contentInputs");
  ia_cli_say(c, "Running in iApp project directory \"%s\"", p->dir);
  return set_name(p, name, e);
}

/* "app" of "/tmp/app.oci.tar.gz" or of the folder "app/". */
static bool name_of_archive(ia_project *p, const char *path, ia_err *e)
{
  ia_autofree char *copy = strdup(path);

  if (!copy)
    return ia_fail(e, IA_E_MEMORY, "project");
  for (size_t n = strlen(copy); n > 1 && copy[n - 1] == '/';)
    copy[--n] = '\0';
  char *slash = strrchr(copy, '/'), *name = slash ? slash + 1 : copy;
  char *dot = strchr(name[0] == '.' ? name + strspn(name, ".") : name, '.');
  if (dot)
    *dot = '\0';
  return set_name(p, name[0] ? name : "image", e);
}

/* No project: what the verbs write lies below HOME/images/NAME. */
static bool open_outside(ia_project *p, ia_cli *c, ia_err *e)
{
  if (!name_of_archive(p, ia_cli_opt(c, "image"), e) ||
      !ia_path_join(&p->outside, e, "%s/images/%s", ia_cli_home(c), p->file_name) ||
      !ia_mkdirs(ia_cli_home(c), 0700, e) || !ia_mkdirs(p->outside.s, 0755, e))
    return false;
  p->dir = p->outside.s;
  return true;
}

bool ia_project_open(ia_project *p, ia_cli *c, ia_err *e)
{
  bool image = ia_cli_opt(c, "image") != NULL;
  ia_err none = {0};

  *p = (ia_project){0};
  if (ia_cli_opt(c, "tag") && !image)
    return ia_fail(e, IA_E_USAGE, "--tag chooses among the images of --image FILE");
  bool inside = ia_cli_project(c, &p->dir, &none);
  if (!inside && (!image || none.code != IA_E_NOT_FOUND)) {
    *e = none;
    return false;
  }
  if (!(inside ? open_config(p, c, e) : open_outside(p, c, e)))
    return false;
  return ia_path_join(&p->cache, e, "%s/bases", ia_cli_home(c)) &&
         ia_mkdirs(ia_cli_home(c), 0700, e) && ia_images_open(&p->images, p->cache.s, e);
}

void ia_project_close(ia_project *p)
{
  ia_images_close(p->images);
  free(p->debian);
  free(p->libraries);
  free(p->absent);
  free(p->name);
  free(p->file_name);
  *p = (ia_project){0};
}

static void say_step(void *ctx, const char *text)
{
  ia_cli_step(ctx, "%s", text);
}

/* What a tool said before it failed. */
static void say_words(void *ctx, const char *text)
{
  ia_cli_say_text(ctx, "  | ", ia_span_str(text));
}

static bool import(ia_cli *c, ia_project *p, const char *path, ia_h256 *image, ia_err *e)
{
  ia_import what = {.path = path, .ref = ia_cli_opt(c, "tag"), .limits = ia_oci_limits_default()};

  ia_cli_step(c, "Importing the image");
  if (!ia_images_import(p->images, image, &what, e))
    return ia_wrap(e, "%s", path);
  ia_cli_say(c, "image imported (%s)", ia_oci_digest_format(image).s);
  return ia_images_tag(p->images, p->file_name, image, e);
}

bool ia_project_memory(ia_cli *c, ia_project *p, ia_err *e)
{
  uint64_t given;

  if (!ia_cli_opt_memory(c, "memory", &given, e))
    return false;
  if (given == 0)
    return true;
  p->memory = given;
  if (!ia_cli_opt(c, "image"))
    return true;
  (void)ia_fail(
      e, IA_E_USAGE,
      "--memory goes into an image that is built here, and --image names one that is there");
  return ia_hint(e, "its maker states it in the label " IA_OCI_MEMORY_LABEL
                    " (docker build --label); a run in iapp run --memory");
}

bool ia_project_build(ia_cli *c, ia_project *p, ia_h256 *image, ia_err *e)
{
  const char *given = ia_cli_opt(c, "image");
  ia_build b = {.project = p->dir,
                .lang = p->lang,
                .name = p->name,
                .debian = p->debian,
                .libraries = p->libraries,
                .absent = p->absent,
                .content = p->content,
                .memory = p->memory,
                .cache = p->cache.s,
                .update_lock = ia_cli_flag(c, "update-lock"),
                .no_cache = ia_cli_flag(c, "no-cache"),
                .say = say_step,
                .words = say_words,
                .ctx = c};

  if (given)
    return import(c, p, given, image, e);
  ia_original_build(c, p->dir);
  ia_cli_step(c, "build the image");
  if (!ia_build_image(p->images, image, &b, e) || !ia_images_tag(p->images, p->file_name, image, e))
    return false;
  ia_cli_say(c, "App docker image built (%s)", ia_oci_digest_format(image).s);
  return true;
}

bool ia_project_archive(ia_project *p, const ia_h256 *image, ia_path *path, uint64_t *size,
                        ia_err *e)
{
  IA_AUTOV(ia_draft) d = {.fd = -1};
  ia_path dir;
  struct stat st;

  if (!ia_path_join(&dir, e, "%s/.iapp", p->dir) || !ia_mkdirs(dir.s, 0755, e) ||
      !ia_path_join(path, e, "%s/%s.oci.tar", dir.s, p->file_name) ||
      !ia_draft_open(&d, dir.s, 0644, e) ||
      !ia_images_export(p->images, image, p->file_name, d.fd, e))
    return false;
  if (fstat(d.fd, &st) != 0)
    return ia_fail_errno(e, "%s", path->s);
  *size = (uint64_t)st.st_size;
  return ia_draft_place(&d, path->s, true, e);
}

bool ia_guest_path(ia_path *out, ia_err *e)
{
  static const char *const places[] = {"iapp-guest", "../guest/iapp-guest", "src/guest/iapp-guest",
                                       "../libexec/iapp/iapp-guest"};
  const char *given = getenv("IAPP_GUEST");
  char self[IA_PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

  if (given && given[0])
    return ia_path_join(out, e, "%s", given);
  if (n < 0)
    return ia_fail_errno(e, "own path");
  self[n] = '\0';
  char *slash = strrchr(self, '/');
  if (slash)
    *slash = '\0';
  for (size_t i = 0; i < IA_COUNT(places); i++) {
    if (!ia_path_join(out, e, "%s/%s", self, places[i]))
      return false;
    if (access(out->s, X_OK) == 0)
      return true;
  }
  (void)ia_fail(e, IA_E_NOT_FOUND, "no iapp-guest beside %s", self);
  return ia_hint(e, "set IAPP_GUEST to its path");
}
