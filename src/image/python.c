/* Wheels, fetched or built, each by its SHA-256; a cache of them by content. */
#include "image/python.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/hex.h"
#include "crypto/sha.h"
#include "image/pip.h"
#include "image/sdist.h"

enum { ROUNDS = 64, FILE_CAP = 1 << 30 };

typedef struct work {
  const ia_python *p;
  ia_path wheels, built, sources, root; /* below scratch */
  bool has_root;
} work;

/* -- files by content -- */
static bool sha256_file(ia_h256 *out, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) bytes = {0};

  if (!ia_file_read(&bytes, path, FILE_CAP, e))
    return false;
  ia_sha256(out, ia_buf_view(&bytes));
  return true;
}

static bool cache_path(ia_path *p, const work *w, const ia_lock_part *part, ia_err *e)
{
  return ia_path_join(p, e, "%s/wheels/%s", w->p->b->cache,
                      ia_oci_digest_format(&part->sha256).s + 7) &&
         ia_mkdirs(p->s, 0755, e) &&
         ia_path_join(p, e, "%s/wheels/%s/%s", w->p->b->cache,
                      ia_oci_digest_format(&part->sha256).s + 7, part->file);
}

static bool is_cached(const work *w, const ia_lock_part *part)
{
  ia_path p;
  ia_h256 have;

  return cache_path(&p, w, part, NULL) && access(p.s, R_OK) == 0 && sha256_file(&have, p.s, NULL) &&
         ia_h256_eq(&have, &part->sha256);
}

/* The file moves into the cache when its content is the part's. */
static bool keep(const work *w, const ia_lock_part *part, const char *dir, ia_err *e)
{
  ia_path from, to;
  ia_h256 have;

  if (!ia_path_join(&from, e, "%s/%s", dir, part->file) || !sha256_file(&have, from.s, e) ||
      !cache_path(&to, w, part, e))
    return false;
  if (!ia_h256_eq(&have, &part->sha256)) {
    (void)ia_fail(e, IA_E_BAD_CHECKSUM, "%s is not the one of iapp.lock", part->file);
    return ia_hint(e, "iapp build --update-lock");
  }
  return rename(from.s, to.s) == 0 || ia_fail_errno(e, "%s", to.s);
}

/* Each file of a folder as a part. */
typedef bool (*visit_part)(void *arg, const ia_lock_part *part, ia_err *e);

static bool each_file(const char *dir, visit_part visit, void *arg, ia_err *e)
{
  DIR *d = opendir(dir);
  bool ok = true;

  if (!d)
    return ia_fail_errno(e, "%s", dir);
  for (struct dirent *en; ok && (en = readdir(d));) {
    ia_lock_part part = {0};
    ia_path p;

    if (en->d_name[0] == '.')
      continue;
    ok = ia_lock_file_name_ok(en->d_name) ||
         ia_fail(e, IA_E_INVALID, "pip left a file of an odd name: %.60s", en->d_name);
    ok = ok && snprintf(part.file, sizeof(part.file), "%s", en->d_name) > 0 &&
         ia_path_join(&p, e, "%s/%s", dir, en->d_name) && sha256_file(&part.sha256, p.s, e) &&
         visit(arg, &part, e);
  }
  closedir(d);
  return ok;
}

/* "name==version" of a wheel's or source's file name; false when it has another form. */
static bool pin_of(char out[2 * IA_LOCK_FILE], const char *file)
{
  size_t name = strcspn(file, "-"), version = file[name] ? strcspn(file + name + 1, "-") : 0;

  return version > 0 && snprintf(out, 2 * IA_LOCK_FILE, "%.*s==%.*s", (int)name, file, (int)version,
                                 file + name + 1) > 0;
}

/* -- building from source -- */
static bool unpack_base(work *w, ia_err *e)
{
  const ia_oci_limits limits = ia_oci_limits_default();
  const ia_image_layer *l = w->p->base;
  ia_oci_usage usage = {0};

  if (w->has_root)
    return true;
  if (!ia_mkdirs(w->root.s, 0755, e))
    return false;
  ia_autoclose int dir = open(w->root.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ia_autoclose int fd = -1;
  if (dir < 0)
    return ia_fail_errno(e, "%s", w->root.s);
  w->has_root = true;
  return ia_images_open_blob(w->p->s, &l->desc.digest, &fd, e) &&
         ia_oci_layer_apply(dir, &l->desc, &l->diff_id, ia_oci_read_fd, &fd, &limits, &usage, NULL,
                            e);
}

/* Arguments for pip: the parts by name, and where each lies in the cache. */
typedef struct wheels {
  struct wheel_words {
    char pin[2 * IA_LOCK_FILE];
    ia_path folder;
  } * v;
  const char **names, **folders; /* NULL-terminated; they point into v */
  size_t n;
} wheels;

static void wheels_free(wheels *t)
{
  free(t->v);
  free(t->names);
  free(t->folders);
}
IA_DEFINE_AUTO_VALUE(wheels, wheels_free)

static bool wheels_new(wheels *t, size_t room, ia_err *e)
{
  *t = (wheels){.v = calloc(room + 1, sizeof(*t->v)),
                .names = calloc(room + 1, sizeof(*t->names)),
                .folders = calloc(room + 1, sizeof(*t->folders))};
  return (t->v && t->names && t->folders) || ia_fail(e, IA_E_MEMORY, "wheels");
}

/* The cache is a convenience: what is used is checked each time. */
static bool wheels_add(wheels *t, const work *w, const ia_lock_part *part, ia_err *e)
{
  struct wheel_words *one = &t->v[t->n];

  if (!cache_path(&one->folder, w, part, e))
    return false;
  if (!is_cached(w, part))
    return ia_fail(e, IA_E_BAD_CHECKSUM, "%s was changed", one->folder.s);
  if (!pin_of(one->pin, part->file))
    return ia_fail(e, IA_E_INVALID, "not the name of a wheel: %.80s", part->file);
  *strrchr(one->folder.s, '/') = '\0';
  t->names[t->n] = one->pin;
  t->folders[t->n++] = one->folder.s;
  return true;
}

/* The tools' wheels, unpacked: a folder for PYTHONPATH. */
static bool install_tools(const work *w, const ia_lock_wheel *wheel, const char *dir, ia_err *e)
{
  IA_AUTOV(wheels) t = {0};

  if (!wheels_new(&t, wheel->n_tools, e))
    return false;
  for (size_t i = 0; i < wheel->n_tools; i++)
    if (!wheels_add(&t, w, &wheel->tools[i], e))
      return false;
  return ia_pip_install(w->p->b, t.names, t.folders, dir, e);
}

typedef struct keeping {
  const work *w;
  ia_lock_wheel *wheel;
  const char *dir;
} keeping;

static bool keep_tool(void *arg, const ia_lock_part *part, ia_err *e)
{
  keeping *k = arg;

  return ia_lock_add_tool(k->wheel, part, e) && keep(k->w, part, k->dir, e);
}

/* pip itself and what the source says that it is built with: wheels only. */
static bool fetch_tools(const work *w, const ia_pip_source *source, ia_lock_wheel *wheel,
                        const char *dir, ia_err *e)
{
  const char *names[IA_COUNT(source->requires) + 2] = {"pip"};
  keeping k = {w, wheel, dir};

  for (size_t i = 0; i < source->n_requires; i++)
  names[i + 1] = source->requires[i];
  return ia_mkdirs(dir, 0755, e) && ia_pip_download_names(w->p->b, names, true, dir, e) &&
         each_file(dir, keep_tool, &k, e);
}

/* Builds wheel->source with wheel->tools; the wheel lies in w->built, and wheel->wheel names it. */
static bool build_source(work *w, ia_lock_wheel *wheel, ia_lock_part *made, ia_err *e)
{
  ia_path tools, source, path;
  const char *slash;

  if (!unpack_base(w, e) || !ia_path_join(&tools, e, "%s/tools-%s", w->p->scratch,
                                          ia_oci_digest_format(&wheel->source.sha256).s + 7))
    return false;
  if (!install_tools(w, wheel, tools.s, e) || !cache_path(&source, w, &wheel->source, e))
    return ia_wrap(e, "tools that build %.60s", wheel->source.file);
  const ia_sdist s = {.root = w->root.s, .tools = tools.s, .source = source.s, .dir = w->built.s};
  if (!ia_sdist_build(w->p->b, &s, &path, e))
    return false;
  slash = strrchr(path.s, '/');
  (void)snprintf(made->file, sizeof(made->file), "%s", slash + 1);
  return sha256_file(&made->sha256, path.s, e);
}

/* One source that pip's explanation names is fetched and built; *found false when it names none. */
static bool build_missing(work *w, ia_lock *built, const char *missing, bool *found, ia_err *e)
{
  IA_AUTOV(ia_pip_source) source = {0};
  ia_path tools;

  if (!ia_pip_source_fetch(&source, found, missing, w->sources.s, w->built.s, e) || !*found)
    return !*found && (!e || e->code == IA_OK);
  ia_lock_wheel *wheel = ia_lock_add_wheel(built, e);
  if (!wheel)
    return false;
  wheel->source = source.part;
  return keep(w, &source.part, w->sources.s, e) &&
         ia_path_join(&tools, e, "%s/wheels-of-tools-%zu", w->p->scratch, built->n_wheels) &&
         fetch_tools(w, &source, wheel, tools.s, e) && build_source(w, wheel, &wheel->wheel, e);
}

/* -- resolving -- */
typedef struct taking {
  const work *w;
  ia_lock *built;
} taking;

static bool take_wheel(void *arg, const ia_lock_part *part, ia_err *e)
{
  taking *t = arg;
  ia_lock_wheel *wheel = ia_lock_add_wheel(t->w->p->lock, e);

  if (!wheel)
    return false;
  wheel->wheel = *part;
  for (size_t i = 0; i < t->built->n_wheels; i++) {
    ia_lock_wheel *from = &t->built->wheels[i];

    if (strcmp(from->wheel.file, part->file) != 0 ||
        !ia_h256_eq(&from->wheel.sha256, &part->sha256))
      continue;
    wheel->source = from->source;
    for (size_t k = 0; k < from->n_tools; k++)
      if (!ia_lock_add_tool(wheel, &from->tools[k], e))
        return false;
  }
  return keep(t->w, part, t->w->wheels.s, e);
}

static bool resolve(work *w, ia_err *e)
{
  IA_AUTOV(ia_lock) built = {0};
  const ia_build *b = w->p->b;
  bool done = false;

  for (unsigned i = 0; !done; i++) {
    IA_AUTOV(ia_buf) missing = {0};
    ia_err why = {0}, none = {0};
    bool found = false;

    done = ia_pip_download(b, w->p->scratch, w->wheels.s, w->built.s, &missing, &why);
    if (done)
      break;
    ia_autofree char *names = ia_buf_text(&missing);
    if (i < ROUNDS && names && names[0] && !build_missing(w, &built, names, &found, &none)) {
      *e = none;
      return false;
    }
    if (!found) /* once more, so that its own explanation is shown */
      return ia_pip_download(b, w->p->scratch, w->wheels.s, w->built.s, NULL, e);
  }
  taking t = {w, &built};
  if (!each_file(w->wheels.s, take_wheel, &t, e))
    return false;
  ia_lock_sort_wheels(w->p->lock);
  return true;
}

/* -- from the lock -- */
static bool fetch_part(work *w, const ia_lock_part *part, ia_err *e)
{
  char pin[2 * IA_LOCK_FILE];
  const char *const names[] = {pin, NULL};

  if (is_cached(w, part))
    return true;
  if (!pin_of(pin, part->file))
    return ia_fail(e, IA_E_INVALID, "iapp.lock: not the name of a wheel: %.80s", part->file);
  return ia_pip_download_names(w->p->b, names, false, w->wheels.s, e) &&
         (keep(w, part, w->wheels.s, e) || ia_hint(e, "iapp build --update-lock"));
}

static bool fetch_source(work *w, const ia_lock_part *part, ia_err *e)
{
  IA_AUTOV(ia_pip_source) source = {0};
  char pin[2 * IA_LOCK_FILE], *version;
  bool found = false;

  if (is_cached(w, part))
    return true;
  (void)snprintf(pin, sizeof(pin), "%s", part->file);
  version = strrchr(pin, '-');
  char *end = strstr(pin, ".tar.") ? strstr(pin, ".tar.") : strstr(pin, ".zip");
  if (!version || !end || end < version)
    return ia_fail(e, IA_E_INVALID, "iapp.lock: not the name of a source: %.80s", part->file);
  *end = '\0';
  ia_autofree char *want = NULL;
  if (asprintf(&want, "%.*s==%s", (int)(version - pin), pin, version + 1) < 0)
    return ia_fail(e, IA_E_MEMORY, "source");
  if (!ia_pip_source_fetch(&source, &found, want, w->sources.s, w->built.s, e))
    return false;
  if (!found) {
    (void)ia_fail(e, IA_E_NOT_FOUND, "%.80s is not offered any more", part->file);
    return ia_hint(e, "iapp build --update-lock");
  }
  return keep(w, part, w->sources.s, e);
}

static bool locked_wheel(work *w, ia_lock_wheel *wheel, ia_err *e)
{
  ia_lock_part made = {0};

  if (!wheel->source.file[0])
    return fetch_part(w, &wheel->wheel, e);
  if (is_cached(w, &wheel->wheel))
    return true;
  for (size_t i = 0; i < wheel->n_tools; i++)
    if (!fetch_part(w, &wheel->tools[i], e))
      return false;
  return fetch_source(w, &wheel->source, e) && build_source(w, wheel, &made, e) &&
         keep(w, &wheel->wheel, w->built.s, e);
}

static bool install(const work *w, const char *dir, ia_err *e)
{
  const ia_lock *lock = w->p->lock;
  IA_AUTOV(wheels) t = {0};

  if (!wheels_new(&t, lock->n_wheels, e))
    return false;
  for (size_t i = 0; i < lock->n_wheels; i++)
    if (!wheels_add(&t, w, &lock->wheels[i].wheel, e))
      return false;
  return ia_pip_install(w->p->b, t.names, t.folders, dir, e);
}

static bool prepare(work *w, const ia_buf *text, ia_err *e)
{
  const char *at = w->p->scratch;
  ia_path list;

  return ia_path_join(&w->wheels, e, "%s/wheels", at) && ia_mkdirs(w->wheels.s, 0755, e) &&
         ia_path_join(&w->built, e, "%s/built", at) && ia_mkdirs(w->built.s, 0755, e) &&
         ia_path_join(&w->sources, e, "%s/sources", at) && ia_mkdirs(w->sources.s, 0755, e) &&
         ia_path_join(&w->root, e, "%s/base", at) &&
         ia_path_join(&list, e, "%s/requirements.txt", at) &&
         ia_file_write(list.s, ia_buf_view(text), 0644, e);
}

/* What requirements.txt says must be what the lock was made from. */
static bool same_requirements(const ia_python *p, const ia_buf *text, ia_err *e)
{
  ia_h256 now;

  ia_sha256(&now, ia_buf_view(text));
  if (p->fresh) {
    p->lock->has_requirements = text->len > 0;
    p->lock->requirements = now;
    return true;
  }
  if (p->lock->has_requirements == (text->len > 0) &&
      (text->len == 0 || ia_h256_eq(&now, &p->lock->requirements)))
    return true;
  (void)ia_fail(e, IA_E_BAD_CHECKSUM, "requirements.txt changed since iapp.lock was written");
  return ia_hint(e, "iapp build --update-lock");
}

bool ia_python_modules(const ia_python *p, ia_path *lib, bool *any, ia_err *e)
{
  ia_autofree work *w = calloc(1, sizeof(*w));
  IA_AUTOV(ia_buf) text = {0};
  ia_path list;

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "requirements");
  w->p = p;
  if (!ia_path_join(&list, e, "%s/requirements.txt", p->b->project) ||
      !ia_pip_requirements(&text, list.s, e) || !same_requirements(p, &text, e))
    return false;
  *any = text.len > 0;
  if (!*any)
    return true;
  if (!prepare(w, &text, e) || (p->fresh && !resolve(w, e)))
    return false;
  for (size_t i = 0; !p->fresh && i < p->lock->n_wheels; i++)
    if (!locked_wheel(w, &p->lock->wheels[i], e))
      return false;
  return ia_path_join(lib, e, "%s/lib", p->scratch) && install(w, lib->s, e);
}
