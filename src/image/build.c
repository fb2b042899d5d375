/* From a project's folder to an image. */
#include "image/build.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/size.h"
#include "image/base.h"
#include "image/needs.h"
#include "image/private.h"
#include "image/python.h"
#include "image/tool.h"

static const struct lang_row {
  const char *name;
  const char *templates[3]; /* words of iapp.config.json */
  const char *main;         /* below the project */
  const char *entrypoint[4];
  const char *workdir;
} langs[IA_LANG_COUNT] = {
    [IA_LANG_C] = {"c", {"C"}, "src/app.c", {"/app/app"}, "/"},
    [IA_LANG_SH] = {"sh", {"Shell", "sh"}, "src/app.sh", {"/bin/sh", "/app/src/app.sh"}, "/app"},
    [IA_LANG_PYTHON] = {"python",
                        {"Python", "Python3.13"},
                        "src/app.py",
                        {"/usr/bin/python3", "/app/src/app.py"},
                        "/app"},
    [IA_LANG_JS] =
        {"js", {"JavaScript"}, "src/app.js", {"/usr/bin/node", "/app/src/app.js"}, "/app"},
};

static const char *const image_env[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", NULL};
static const char *const python_env[] = {
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
    "PYTHONPATH=/app/lib", "PYTHONDONTWRITEBYTECODE=1", NULL};

bool ia_lang_parse(ia_lang *out, const char *text)
{
  for (unsigned i = 0; i < IA_LANG_COUNT; i++) {
    bool hit = strcmp(text, langs[i].name) == 0;

    for (size_t k = 0; k < IA_COUNT(langs[i].templates) && langs[i].templates[k]; k++)
      hit = hit || strcmp(text, langs[i].templates[k]) == 0;
    if (hit) {
      *out = (ia_lang)i;
      return true;
    }
  }
  return false;
}

const char *ia_lang_name(ia_lang lang)
{
  return langs[lang].name;
}

/* Names that editors and interpreters leave in sources. */
static bool skip_source(const char *path, bool folder)
{
  const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
  size_t n = strlen(name);

  if (folder)
    return strcmp(name, "__pycache__") == 0 || strcmp(name, ".git") == 0 ||
           strcmp(name, ".iapp") == 0;
  return (n > 0 && name[n - 1] == '~') || (n > 4 && strcmp(name + n - 4, ".pyc") == 0) ||
         (n > 4 && strcmp(name + n - 4, ".swp") == 0);
}

/* -- C -- */
enum { C_FILES = 256 };
#define LIBRARY_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+.-"

typedef struct c_sources {
  char *v[C_FILES];
  size_t n;
} c_sources;

static int by_text(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool find_sources(c_sources *c, const char *project, ia_err *e)
{
  ia_path p;

  if (!ia_path_join(&p, e, "%s/src", project))
    return false;
  DIR *d = opendir(p.s);
  if (!d)
    return ia_fail_errno(e, "%s", p.s);
  for (struct dirent *en; (en = readdir(d)) && c->n < C_FILES;) {
    size_t n = strlen(en->d_name);

    if (en->d_name[0] != '.' && n > 2 && strcmp(en->d_name + n - 2, ".c") == 0 &&
        asprintf(&c->v[c->n], "src/%s", en->d_name) > 0)
      c->n++;
  }
  closedir(d);
  qsort(c->v, c->n, sizeof(c->v[0]), by_text);
  return c->n > 0 || ia_fail(e, IA_E_NOT_FOUND, "%s: no .c files", p.s);
}

/* Static libraries of the host by the compiler's own search, each with its content in the lock. */
static bool c_libraries(ia_lock *lock, bool fresh, const ia_build *b, ia_err *e)
{
  size_t known = lock->n_files;
  char option[96];

  for (const char *const *l = b->libraries; l && *l; l++) {
    const char *const argv[] = {"cc", option, NULL};
    IA_AUTOV(ia_buf) out = {0};

    if (strlen(*l) > 60 || (*l)[strspn(*l, LIBRARY_CHARS)] != '\0' || !(*l)[0])
      return ia_fail(e, IA_E_INVALID, "not the name of a library: %.60s", *l);
    (void)snprintf(option, sizeof(option), "-print-file-name=lib%s.a", *l);
    if (!ia_tool_run(argv, NULL, &out, 4096, e))
      return false;
    ia_autofree char *path = ia_buf_text(&out);
    path[strcspn(path, "\n")] = '\0';
    if (path[0] != '/') /* the compiler repeats the name where it finds nothing */
      return ia_fail(e, IA_E_NOT_FOUND, "no static library %s on this host", path);
    if (!ia_base_lock_file(lock, path, e))
      return false;
  }
  if (!fresh && lock->n_files != known) {
    (void)ia_fail(e, IA_E_BAD_CHECKSUM, "iapp.lock does not name every library");
    return ia_hint(e, "iapp build --update-lock");
  }
  if (fresh)
    return lock->n_files == 0 || ia_debian_owners(lock, e);
  for (size_t i = 0; i < lock->n_files; i++)
    if (!ia_base_check_file(&lock->files[i], e))
      return false;
  return true;
}

/* A static program whose bytes do not depend on where or when it was built. */
static bool compile(const ia_build *b, const char *program, ia_err *e)
{
  const char *argv[C_FILES + 16] = {"cc",
                                    "-std=gnu11",
                                    "-O2",
                                    "-Wall",
                                    "-static",
                                    "-s",
                                    "-ffile-prefix-map=.=/app",
                                    "-Wl,--build-id=none",
                                    "-o",
                                    program};
  c_sources c = {0};
  size_t n = 10;

  bool ok = find_sources(&c, b->project, e);
  for (size_t i = 0; i < c.n; i++)
    argv[n++] = c.v[i];
  for (size_t i = 0; ok && b->libraries && b->libraries[i]; i++) {
    ok = c.n < C_FILES && asprintf(&c.v[c.n], "-l%s", b->libraries[i]) > 0;
    if (!ok)
      (void)ia_fail(e, IA_E_INVALID, "more than %d sources and libraries", C_FILES);
    else
      argv[n++] = c.v[c.n++];
  }
  argv[n++] = "-lm";
  argv[n] = NULL;
  ok = ok && ia_tool_run(argv, b->project, NULL, 0, e);
  for (size_t i = 0; i < c.n; i++)
    free(c.v[i]);
  return ok;
}

static bool toolchain(ia_lock *lock, ia_err *e)
{
  const char *const argv[] = {"cc", "--version", NULL};
  IA_AUTOV(ia_buf) out = {0};
  size_t n = 0;

  if (!ia_tool_run(argv, NULL, &out, 4096, e))
    return ia_hint(e, "apt-get install gcc libc6-dev");
  while (n < out.len && out.ptr[n] != '\n')
    n++;
  (void)snprintf(lock->toolchain, sizeof(lock->toolchain), "%.*s", (int)n, (const char *)out.ptr);
  return true;
}

static bool c_layer(ia_images *s, ia_image_layer *out, ia_lock *lock, bool fresh, const ia_build *b,
                    ia_err *e)
{
  IA_AUTOV(ia_scratch) scratch = {0};
  IA_AUTO(ia_maker) *m = NULL;
  ia_path program;

  return c_libraries(lock, fresh, b, e) && ia_scratch_make(&scratch, b->cache, e) &&
         ia_path_join(&program, e, "%s/app", scratch.dir.s) && compile(b, program.s, e) &&
         ia_maker_new(&m, e) && ia_maker_file(m, "app/app", 0755, program.s, e) &&
         ia_maker_write(m, s, &out->desc, &out->diff_id, e);
}

/* -- dependencies by pip and npm: wheels and packages only, no scripts are run -- */
static bool pip_tree(ia_maker *m, const ia_python *p, ia_err *e)
{
  ia_path lib;
  bool any;

  if (!ia_python_modules(p, &lib, &any, e))
    return false;
  return !any || (ia_needs_check(p->b, p->s, p->base, lib.s, e) &&
                  ia_maker_tree(m, "app/lib", lib.s, skip_source, e));
}

static bool copy_into(const char *project, const char *name, const char *dir, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_path from, to;

  return ia_path_join(&from, e, "%s/%s", project, name) && ia_file_read(&b, from.s, 16 << 20, e) &&
         ia_path_join(&to, e, "%s/%s", dir, name) &&
         ia_file_write_exact(to.s, ia_buf_view(&b), 0644, e);
}

static bool has_node_dependencies(const char *project, bool *any, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_path p;

  *any = false;
  if (!ia_path_join(&p, e, "%s/package.json", project))
    return false;
  if (access(p.s, F_OK) != 0)
    return true;
  if (!ia_file_read(&b, p.s, 1 << 20, e))
    return false;
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&b), 0, e);
  if (!v)
    return ia_wrap(e, "package.json");
  *any = json_object_size(json_object_get(v, "dependencies")) > 0;
  return true;
}

static const struct {
  const char *sign; /* in what npm said */
  ia_code code;
  const char *fix;
} npm_reasons[] = {
    {"are in sync", IA_E_BAD_CHECKSUM, "npm install --package-lock-only"},
    {"EINTEGRITY", IA_E_BAD_CHECKSUM,
     "the registry offers other bytes than package-lock.json names"},
    {"E404", IA_E_NOT_FOUND, "correct name or version in package.json"},
    {"ETARGET", IA_E_NOT_FOUND, "correct the version in package.json"},
    {"ENOTFOUND", IA_E_UNAVAILABLE, "the registry cannot be reached: check the network"},
    {"ECONNREFUSED", IA_E_UNAVAILABLE, "the registry cannot be reached: check the network"},
    {"ETIMEDOUT", IA_E_UNAVAILABLE, "the registry cannot be reached: check the network"},
    {"EAI_AGAIN", IA_E_UNAVAILABLE, "the registry cannot be reached: check the network"},
};

/* npm's first line that says what is wrong; the last ones only name a log file. */
static void npm_error(char out[150], const char *words)
{
  static const char *const marks[] = {"npm ERR! ", "npm error "};

  out[0] = '\0';
  for (const char *p = words; p && !out[0]; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
    for (size_t i = 0; i < IA_COUNT(marks); i++) {
      size_t n = strlen(marks[i]);

      if (strncmp(p, marks[i], n) == 0 && strncmp(p + n, "code ", 5) != 0)
        (void)snprintf(out, 150, "%.*s", (int)strcspn(p + n, "\n"), p + n);
    }
}

static bool run_npm(const ia_build *b, const char *const *argv, const char *cwd, ia_err *e)
{
  IA_AUTOV(ia_buf) words = {0};
  char error[150];
  int status;

  if (!ia_tool_words(argv, cwd, &words, 256 << 10, &status, e))
    return ia_hint(e, "apt-get install npm");
  if (status == 0)
    return true;
  ia_autofree char *text = ia_buf_text(&words);
  if (text && b->words)
    b->words(b->ctx, text);
  npm_error(error, text ? text : "");
  for (size_t i = 0; text && i < IA_COUNT(npm_reasons); i++)
    if (strstr(text, npm_reasons[i].sign)) {
      (void)ia_fail(e, npm_reasons[i].code, "npm: %s", error);
      return ia_hint(e, "%s", npm_reasons[i].fix);
    }
  (void)ia_fail(e, IA_E_INVALID, "npm failed: %s", error[0] ? error : "it gave no reason");
  return ia_hint(e, "its whole output is above");
}

static bool npm_tree(ia_maker *m, const ia_build *b, const char *scratch, ia_err *e)
{
  static const char *const argv[] = {"npm",        "ci",        "--omit=dev", "--ignore-scripts",
                                     "--no-audit", "--no-fund", NULL};
  ia_path work, modules;
  bool any;

  if (!has_node_dependencies(b->project, &any, e))
    return false;
  if (!any)
    return true;
  if (!ia_path_join(&work, e, "%s/npm", scratch) || !ia_mkdirs(work.s, 0755, e) ||
      !copy_into(b->project, "package.json", work.s, e))
    return false;
  if (!copy_into(b->project, "package-lock.json", work.s, e))
    return ia_hint(e, "npm install --package-lock-only");
  return run_npm(b, argv, work.s, e) && ia_path_join(&modules, e, "%s/node_modules", work.s) &&
         ia_maker_tree(m, "app/node_modules", modules.s, NULL, e);
}

/* *any false when the project has none. A locked build must give the locked layer. */
static bool dependencies(ia_images *s, ia_image_layer *out, const ia_image_layer *base, bool *any,
                         ia_lock *lock, bool fresh, const ia_build *b, ia_err *e)
{
  IA_AUTOV(ia_scratch) scratch = {0};
  IA_AUTO(ia_maker) *m = NULL;
  bool python = b->lang == IA_LANG_PYTHON, js = b->lang == IA_LANG_JS;

  *any = false;
  if (!python && !js)
    return true;
  if (!ia_scratch_make(&scratch, b->cache, e) || !ia_maker_new(&m, e))
    return false;
  const ia_python p = {b, s, base, scratch.dir.s, lock, fresh};
  if (!(python ? pip_tree(m, &p, e) : npm_tree(m, b, scratch.dir.s, e)))
    return false;
  *any = ia_maker_count(m) > 0;
  if (*any && !ia_maker_write(m, s, &out->desc, &out->diff_id, e))
    return false;
  if (fresh) {
    lock->has_dependencies = *any;
    lock->dependencies = out->diff_id;
  } else if (*any != lock->has_dependencies ||
             (*any && !ia_h256_eq(&out->diff_id, &lock->dependencies))) {
    (void)ia_fail(e, IA_E_BAD_CHECKSUM, "the dependencies are not those of iapp.lock");
    return ia_hint(e, "iapp build --update-lock");
  }
  return true;
}

/* -- the app's own files -- */
static bool app_layer(ia_images *s, ia_image_layer *out, const ia_build *b, ia_err *e)
{
  IA_AUTO(ia_maker) *m = NULL;
  ia_path src, package;

  if (!ia_maker_new(&m, e) || !ia_path_join(&src, e, "%s/src", b->project) ||
      !ia_maker_tree(m, "app/src", src.s, skip_source, e) ||
      !ia_path_join(&package, e, "%s/package.json", b->project))
    return false;
  if (b->lang == IA_LANG_JS && access(package.s, F_OK) == 0 &&
      !ia_maker_file(m, "app/package.json", 0644, package.s, e))
    return false;
  return ia_maker_write(m, s, &out->desc, &out->diff_id, e);
}

static bool layers(ia_images *s, ia_image_plan *plan, ia_lock *lock, bool fresh, const ia_build *b,
                   ia_err *e)
{
  bool any;

  if (b->lang == IA_LANG_C) {
    plan->n_layers = 1;
    return (!fresh || toolchain(lock, e)) && c_layer(s, &plan->layers[0], lock, fresh, b, e);
  }
  if (!ia_base_layer(s, &plan->layers[0], lock, fresh, b, e) ||
      !dependencies(s, &plan->layers[1], &plan->layers[0], &any, lock, fresh, b, e))
    return false;
  plan->n_layers = any ? 3 : 2;
  return app_layer(s, &plan->layers[plan->n_layers - 1], b, e);
}

/* "dev.iapp.content.1": which member of which requester's secret holds an address of content. */
static bool content_labels(json_t *labels, const json_t *content, ia_err *e)
{
  json_t *v = (json_t *)(uintptr_t)content; /* jansson iterates through a plain pointer */
  const char *secret;
  json_t *member;
  char name[64];

  json_object_foreach (v, secret, member) {
    size_t len = strlen(secret);

    if (len == 0 || len > 9 || secret[0] == '0' || strspn(secret, "0123456789") != len ||
        !json_is_string(member))
      return ia_fail(e, IA_E_INVALID, "contentInputs wants {\"1\": \"member of the secret\"}");
    (void)snprintf(name, sizeof(name), IA_OCI_CONTENT_LABEL "%s", secret);
    if (json_object_set(labels, name, member) != 0)
      return ia_fail(e, IA_E_MEMORY, "labels");
  }
  return true;
}

static json_t *labels_of(const ia_lock *lock, const ia_build *b, ia_err *e)
{
  IA_AUTOV(ia_buf) packages = {0};

  if (!ia_lock_label(lock, &packages, e))
    return NULL;
  ia_autofree char *text = ia_buf_text(&packages);
  json_t *v = json_pack("{s:s, s:s, s:s}", "dev.iapp.base", lock->base, "dev.iapp.packages",
                        text ? text : "", "dev.iapp.toolchain", lock->toolchain);
  if (v && b->name)
    (void)json_object_set_new(v, "org.opencontainers.image.title", json_string(b->name));
  if (v && b->memory > 0)
    (void)json_object_set_new(v, IA_OCI_MEMORY_LABEL, json_string(ia_size_show(b->memory).s));
  if (!v)
    (void)ia_fail(e, IA_E_MEMORY, "labels");
  if (v && !content_labels(v, b->content, e)) {
    json_decref(v);
    return NULL;
  }
  return v;
}

static bool open_lock(ia_lock *lock, bool *fresh, const char *path, const ia_build *b, ia_err *e)
{
  bool found = false;

  if (!b->update_lock && !ia_lock_read(lock, &found, path, e))
    return false;
  if (found && strcmp(lock->base, langs[b->lang].name) != 0) {
    (void)ia_fail(e, IA_E_INVALID, "iapp.lock is for %s, the project for %s", lock->base,
                  langs[b->lang].name);
    return ia_hint(e, "iapp build --update-lock");
  }
  *fresh = !found;
  (void)snprintf(lock->base, sizeof(lock->base), "%s", langs[b->lang].name);
  return true;
}

/* What iapp.config.json asks for: into a new lock, or the same as in the one that is there. */
static bool check_request(ia_lock *lock, bool fresh, const ia_build *b, ia_err *e)
{
  IA_AUTOV(ia_lock) now = {0};
  bool c = b->lang == IA_LANG_C;
  const char *const *asked = c ? b->libraries : b->lang == IA_LANG_SH ? NULL : b->debian;

  if (!ia_lock_request(fresh ? lock : &now, ia_base_packages(b->lang), asked, e))
    return false;
  return fresh || ia_lock_same_request(lock, &now, c ? "libraries" : "debianPackages", e);
}

bool ia_build_image(ia_images *s, ia_h256 *image, const ia_build *b, ia_err *e)
{
  const struct lang_row *row = &langs[b->lang];
  ia_image_plan plan = {.entrypoint = row->entrypoint,
                        .env = b->lang == IA_LANG_PYTHON ? python_env : image_env,
                        .workdir = row->workdir};
  IA_AUTOV(ia_lock) lock = {0};
  ia_path path, main;
  bool fresh = true;

  if (!ia_path_join(&main, e, "%s/%s", b->project, row->main))
    return false;
  if (access(main.s, R_OK) != 0)
    return ia_fail(e, IA_E_NOT_FOUND, "no %s in %s", row->main, b->project);
  if (!ia_path_join(&path, e, "%s/iapp.lock", b->project) ||
      !open_lock(&lock, &fresh, path.s, b, e) || !check_request(&lock, fresh, b, e) ||
      !layers(s, &plan, &lock, fresh, b, e) || (fresh && !ia_lock_write(&lock, path.s, e)))
    return false;
  IA_AUTO_JSON *labels = labels_of(&lock, b, e);
  plan.labels = labels;
  return labels && ia_image_assemble(s, image, &plan, e);
}
