/* The lock file's JSON. */
#include "image/lock.h"

#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "image/oci.h"

enum { LOCK_CAP = 1 << 20, LOCK_VERSION = 2, REQUESTED_MAX = 500 };

void ia_lock_free(ia_lock *l)
{
  for (size_t i = 0; i < l->n_requested; i++)
    free(l->requested[i]);
  for (size_t i = 0; i < l->n_wheels; i++)
    free(l->wheels[i].tools);
  free(l->requested);
  free(l->wheels);
  free(l->packages);
  free(l->files);
  *l = (ia_lock){0};
}

/* Names and versions go into command lines: Debian's own alphabet, not beginning with '-'. */
static bool plain(const char *s)
{
  size_t n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.+-~:");

  return n > 0 && n < IA_LOCK_NAME && s[n] == '\0' && s[0] != '-';
}

static bool get_digest(const json_t *v, const char *key, ia_h256 *out, ia_err *e)
{
  const char *text;

  return ia_json_get_str(v, key, &text, e) && ia_oci_digest_parse(out, text, e);
}

static bool get_package(ia_lock_package *p, const json_t *v, ia_err *e)
{
  const char *name, *version, *arch;

  if (!ia_json_get_str(v, "name", &name, e) || !ia_json_get_str(v, "version", &version, e) ||
      !ia_json_get_str(v, "arch", &arch, e) || !get_digest(v, "sha256", &p->sha256, e) ||
      !ia_json_get_u64(v, "size", &p->size, e))
    return false;
  if (!plain(name) || !plain(version) || !plain(arch) || strlen(arch) >= sizeof(p->arch))
    return ia_fail(e, IA_E_PARSE, "package name or version out of form");
  (void)snprintf(p->name, sizeof(p->name), "%s", name);
  (void)snprintf(p->version, sizeof(p->version), "%s", version);
  (void)snprintf(p->arch, sizeof(p->arch), "%s", arch);
  return true;
}

static bool get_packages(ia_lock *l, const json_t *list, ia_err *e)
{
  size_t n = json_array_size(list);

  if (n > IA_LOCK_PACKAGES)
    return ia_fail(e, IA_E_TOO_LARGE, "%zu packages", n);
  l->packages = calloc(n + 1, sizeof(*l->packages));
  if (!l->packages)
    return ia_fail(e, IA_E_MEMORY, "lock");
  for (; l->n_packages < n; l->n_packages++) {
    if (!get_package(&l->packages[l->n_packages], json_array_get(list, l->n_packages), e))
      return ia_wrap(e, "packages[%zu]", l->n_packages);
  }
  return true;
}

bool ia_lock_add_file(ia_lock *l, const ia_lock_file *f, ia_err *e)
{
  ia_lock_file *bigger = reallocarray(l->files, l->n_files + 1, sizeof(*bigger));

  if (!bigger)
    return ia_fail(e, IA_E_MEMORY, "lock");
  l->files = bigger;
  l->files[l->n_files++] = *f;
  return true;
}

static bool get_files(ia_lock *l, const json_t *list, ia_err *e)
{
  const json_t *v;
  size_t i;

  if (json_array_size(list) > IA_LOCK_PACKAGES)
    return ia_fail(e, IA_E_TOO_LARGE, "%zu files", json_array_size(list));
  json_array_foreach (list, i, v) {
    const char *path, *package;
    ia_lock_file f = {0};

    if (!ia_json_get_str(v, "path", &path, e) || !ia_json_get_str(v, "package", &package, e) ||
        !get_digest(v, "sha256", &f.sha256, e))
      return ia_wrap(e, "files[%zu]", i);
    if (path[0] != '/' || strlen(path) >= sizeof(f.path) || strlen(package) >= sizeof(f.package))
      return ia_fail(e, IA_E_PARSE, "files[%zu]: path or package out of form", i);
    (void)snprintf(f.path, sizeof(f.path), "%s", path);
    (void)snprintf(f.package, sizeof(f.package), "%s", package);
    if (!ia_lock_add_file(l, &f, e))
      return false;
  }
  return true;
}

/* Names of files become parts of paths and of command lines. */
static bool get_part(ia_lock_part *p, const json_t *v, ia_err *e)
{
  const char *file;

  if (!ia_json_get_str(v, "file", &file, e) || !get_digest(v, "sha256", &p->sha256, e))
    return false;
  if (!ia_lock_file_name_ok(file))
    return ia_fail(e, IA_E_PARSE, "not the name of a file: %.60s", file);
  (void)snprintf(p->file, sizeof(p->file), "%s", file);
  return true;
}

static bool get_wheel(ia_lock_wheel *w, const json_t *v, ia_err *e)
{
  const json_t *source = json_object_get(v, "source"), *tool;
  size_t i;

  if (!get_part(&w->wheel, v, e) || (source && !get_part(&w->source, source, e)))
    return false;
  json_array_foreach (json_object_get(source, "tools"), i, tool) {
    ia_lock_part part = {0};

    if (i == IA_LOCK_PACKAGES || !get_part(&part, tool, e) || !ia_lock_add_tool(w, &part, e))
      return ia_wrap(e, "tools[%zu]", i);
  }
  return true;
}

static bool get_wheels(ia_lock *l, const json_t *root, ia_err *e)
{
  const json_t *v;
  size_t i;

  l->has_requirements = json_is_string(json_object_get(root, "requirements"));
  if (l->has_requirements && !get_digest(root, "requirements", &l->requirements, e))
    return false;
  json_array_foreach (json_object_get(root, "wheels"), i, v) {
    ia_lock_wheel *w = i < IA_LOCK_PACKAGES ? ia_lock_add_wheel(l, e) : NULL;

    if (!w || !get_wheel(w, v, e))
      return ia_wrap(e, "wheels[%zu]", i);
  }
  return true;
}

static bool get_requested(ia_lock *l, const json_t *root, ia_err *e)
{
  const json_t *list = json_object_get(root, "requested"), *v;
  const char *names[REQUESTED_MAX + 1];
  size_t i, n = json_array_size(list);

  if (!json_is_array(list) || n > REQUESTED_MAX)
    return ia_fail(e, IA_E_PARSE, "requested: want a list of at most %d names", REQUESTED_MAX);
  json_array_foreach (list, i, v) {
    names[i] = json_string_value(v);
    if (!names[i])
      return ia_fail(e, IA_E_PARSE, "requested[%zu]: want a text", i);
  }
  names[n] = NULL;
  return ia_lock_request(l, names, NULL, e);
}

bool ia_lock_parse(ia_lock *out, ia_span text, ia_err *e)
{
  static const char *const keys[] = {
      "v",         "base",         "toolchain", "packages",     "files",
      "requested", "requirements", "wheels",    "dependencies", NULL};
  IA_AUTO_JSON *v = ia_json_parse(text, 0, e);
  IA_AUTOV(ia_lock) l = {0};
  const char *base, *toolchain;
  json_t *packages, *files;
  uint64_t version;

  *out = (ia_lock){0};
  if (!v || !ia_json_get_u64(v, "v", &version, e))
    return false;
  if (version != LOCK_VERSION)
    return ia_fail(e, IA_E_UNSUPPORTED, "version %llu of the lock; this program writes version %d",
                   (unsigned long long)version, LOCK_VERSION);
  if (!ia_json_only(v, keys, e) || !ia_json_get_str(v, "base", &base, e) ||
      !ia_json_get_str(v, "toolchain", &toolchain, e) ||
      !ia_json_get_arr(v, "packages", &packages, e) || !ia_json_get_arr(v, "files", &files, e))
    return false;
  if (strlen(base) >= sizeof(l.base) || strlen(toolchain) >= sizeof(l.toolchain))
    return ia_fail(e, IA_E_PARSE, "base or toolchain too long");
  (void)snprintf(l.base, sizeof(l.base), "%s", base);
  (void)snprintf(l.toolchain, sizeof(l.toolchain), "%s", toolchain);
  l.has_dependencies = json_is_string(json_object_get(v, "dependencies"));
  if (l.has_dependencies && !get_digest(v, "dependencies", &l.dependencies, e))
    return false;
  if (!get_packages(&l, packages, e) || !get_files(&l, files, e) || !get_requested(&l, v, e) ||
      !get_wheels(&l, v, e))
    return false;
  *out = l;
  l = (ia_lock){0};
  return true;
}

bool ia_lock_read(ia_lock *out, bool *found, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  *out = (ia_lock){0};
  *found = access(path, F_OK) == 0;
  if (!*found)
    return true;
  if (!ia_file_read(&text, path, LOCK_CAP, e) || !ia_lock_parse(out, ia_buf_view(&text), e)) {
    (void)ia_wrap(e, "%s", path);
    return ia_hint(e, "iapp build --update-lock");
  }
  return true;
}

static json_t *packages_json(const ia_lock *l)
{
  json_t *list = json_array();

  for (size_t i = 0; list && i < l->n_packages; i++) {
    const ia_lock_package *p = &l->packages[i];

    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s, s:s, s:I}", "name", p->name,
                                                "version", p->version, "arch", p->arch, "sha256",
                                                ia_oci_digest_format(&p->sha256).s, "size",
                                                (json_int_t)p->size));
  }
  return list;
}

static json_t *files_json(const ia_lock *l)
{
  json_t *list = json_array();

  for (size_t i = 0; list && i < l->n_files; i++)
    (void)json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "path", l->files[i].path,
                                                "package", l->files[i].package, "sha256",
                                                ia_oci_digest_format(&l->files[i].sha256).s));
  return list;
}

static json_t *part_json(const ia_lock_part *p)
{
  return json_pack("{s:s, s:s}", "file", p->file, "sha256", ia_oci_digest_format(&p->sha256).s);
}

static json_t *wheels_json(const ia_lock *l)
{
  json_t *list = json_array();

  for (size_t i = 0; list && i < l->n_wheels; i++) {
    const ia_lock_wheel *w = &l->wheels[i];
    json_t *v = part_json(&w->wheel);

    if (v && w->source.file[0]) {
      json_t *source = part_json(&w->source), *tools = json_array();

      for (size_t k = 0; tools && k < w->n_tools; k++)
        (void)json_array_append_new(tools, part_json(&w->tools[k]));
      (void)json_object_set_new(source, "tools", tools);
      (void)json_object_set_new(v, "source", source);
    }
    (void)json_array_append_new(list, v);
  }
  return list;
}

static json_t *requested_json(const ia_lock *l)
{
  json_t *list = json_array();

  for (size_t i = 0; list && i < l->n_requested; i++)
    (void)json_array_append_new(list, json_string(l->requested[i]));
  return list;
}

bool ia_lock_write(const ia_lock *l, const char *path, ia_err *e)
{
  json_t *packages = packages_json(l), *files = files_json(l);
  bool whole = json_array_size(packages) == l->n_packages && json_array_size(files) == l->n_files;
  json_t *requested = requested_json(l), *wheels = wheels_json(l);
  IA_AUTO_JSON *v = json_pack("{s:i, s:s, s:s, s:o, s:o, s:o, s:o}", "v", LOCK_VERSION, "base",
                              l->base, "toolchain", l->toolchain, "packages", packages, "files",
                              files, "requested", requested, "wheels", wheels);

  whole = whole && json_array_size(requested) == l->n_requested &&
          json_array_size(wheels) == l->n_wheels;

  if (!v || !whole)
    return ia_fail(e, IA_E_MEMORY, "lock");
  if (l->has_requirements &&
      !ia_json_set(v, "requirements", json_string(ia_oci_digest_format(&l->requirements).s), e))
    return false;
  if (l->has_dependencies &&
      !ia_json_set(v, "dependencies", json_string(ia_oci_digest_format(&l->dependencies).s), e))
    return false;
  ia_autofree char *text = json_dumps(v, JSON_INDENT(2));
  IA_AUTOV(ia_buf) b = {0};
  if (!text)
    return ia_fail(e, IA_E_MEMORY, "lock");
  ia_buf_str(&b, text);
  ia_buf_u8(&b, '\n');
  return ia_buf_ok(&b, e) && ia_file_write(path, ia_buf_view(&b), 0644, e);
}

bool ia_lock_label(const ia_lock *l, ia_buf *out, ia_err *e)
{
  for (size_t i = 0; i < l->n_packages; i++)
    ia_buf_printf(out, "%s%s=%s %s", i ? "; " : "", l->packages[i].name, l->packages[i].version,
                  ia_oci_digest_format(&l->packages[i].sha256).s);
  for (size_t i = 0; i < l->n_files; i++)
    ia_buf_printf(out, "%s%s (%s) %s", out->len ? "; " : "", l->files[i].path, l->files[i].package,
                  ia_oci_digest_format(&l->files[i].sha256).s);
  return ia_buf_ok(out, e);
}

/* -- lists -- */
bool ia_lock_file_name_ok(const char *name)
{
  size_t n = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-!");

  return n > 0 && n < IA_LOCK_FILE && name[n] == '\0' && name[0] != '.' && name[0] != '-';
}

static int by_text(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

bool ia_lock_request(ia_lock *l, const char *const *a, const char *const *b, ia_err *e)
{
  for (int round = 0; round < 2; round++) {
    for (const char *const *p = round ? b : a; p && *p; p++) {
      char **bigger = reallocarray(l->requested, l->n_requested + 1, sizeof(*bigger));
      char *name = strdup(*p);

      if (bigger)
        l->requested = bigger;
      if (!bigger || !name) {
        free(name);
        return ia_fail(e, IA_E_MEMORY, "lock");
      }
      l->requested[l->n_requested++] = name;
    }
  }
  if (l->n_requested > 0)
    qsort(l->requested, l->n_requested, sizeof(*l->requested), by_text);
  return true;
}

bool ia_lock_same_request(const ia_lock *l, const ia_lock *now, const char *what, ia_err *e)
{
  size_t i = 0, k = 0;

  for (; i < l->n_requested || k < now->n_requested; i++, k++) {
    int order = i == l->n_requested     ? 1
                : k == now->n_requested ? -1
                                        : strcmp(l->requested[i], now->requested[k]);
    if (order == 0)
      continue;
    (void)ia_fail(e, IA_E_BAD_CHECKSUM, "%s changed since iapp.lock was written: %s was %s", what,
                  order < 0 ? l->requested[i] : now->requested[k], order < 0 ? "removed" : "added");
    return ia_hint(e, "iapp build --update-lock");
  }
  return true;
}

ia_lock_wheel *ia_lock_add_wheel(ia_lock *l, ia_err *e)
{
  ia_lock_wheel *bigger = reallocarray(l->wheels, l->n_wheels + 1, sizeof(*bigger));

  if (!bigger) {
    (void)ia_fail(e, IA_E_MEMORY, "lock");
    return NULL;
  }
  l->wheels = bigger;
  l->wheels[l->n_wheels] = (ia_lock_wheel){0};
  return &l->wheels[l->n_wheels++];
}

bool ia_lock_add_tool(ia_lock_wheel *w, const ia_lock_part *tool, ia_err *e)
{
  ia_lock_part *bigger = reallocarray(w->tools, w->n_tools + 1, sizeof(*bigger));

  if (!bigger)
    return ia_fail(e, IA_E_MEMORY, "lock");
  w->tools = bigger;
  w->tools[w->n_tools++] = *tool;
  return true;
}

static int by_file(const void *a, const void *b)
{
  return strcmp(((const ia_lock_wheel *)a)->wheel.file, ((const ia_lock_wheel *)b)->wheel.file);
}

static int by_part(const void *a, const void *b)
{
  return strcmp(((const ia_lock_part *)a)->file, ((const ia_lock_part *)b)->file);
}

void ia_lock_sort_wheels(ia_lock *l)
{
  for (size_t i = 0; i < l->n_wheels; i++)
    if (l->wheels[i].n_tools > 0)
      qsort(l->wheels[i].tools, l->wheels[i].n_tools, sizeof(ia_lock_part), by_part);
  if (l->n_wheels > 0)
    qsort(l->wheels, l->n_wheels, sizeof(*l->wheels), by_file);
}
