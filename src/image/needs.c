/* ELF's dynamic section, read without trust; names compared with those of the base layer. */
#include "image/needs.h"

#include <fts.h>
#include <search.h>
#include <stdio.h>

#include "base/file.h"
#include "image/survey.h"
#include "image/tool.h"

enum { FILE_CAP = 1 << 30, HEADERS = 64, DYNAMIC = 4096, PT_LOAD = 1, PT_DYNAMIC = 2 };
enum { DT_NEEDED = 1, DT_STRTAB = 5 };

static uint64_t le(ia_span s, uint64_t at, size_t n)
{
  uint64_t v = 0;

  for (size_t i = n; i-- > 0;)
    v = v << 8 | s.ptr[at + i];
  return v;
}

/* n bytes at `at` lie inside. */
static bool inside(ia_span s, uint64_t at, uint64_t n)
{
  return at <= s.len && n <= s.len - at;
}

typedef struct elf {
  ia_span file;
  uint64_t headers, count;
} elf;

/* Where a virtual address stands in the file. */
static bool file_offset(const elf *x, uint64_t address, uint64_t *at)
{
  for (uint64_t i = 0; i < x->count; i++) {
    uint64_t h = x->headers + i * 56, start = le(x->file, h + 16, 8), size = le(x->file, h + 32, 8);

    if (le(x->file, h, 4) != PT_LOAD || address < start || address - start >= size)
      continue;
    *at = le(x->file, h + 8, 8) + (address - start);
    return inside(x->file, *at, 1);
  }
  return false;
}

static bool take_needed(ia_buf *out, const elf *x, uint64_t at, uint64_t size, ia_err *e)
{
  uint64_t n = size / 16 < DYNAMIC ? size / 16 : DYNAMIC, strings = 0, address = 0;

  for (uint64_t i = 0; i < n; i++)
    if (le(x->file, at + i * 16, 8) == DT_STRTAB)
      address = le(x->file, at + i * 16 + 8, 8);
  for (uint64_t i = 0; i < n && le(x->file, at + i * 16, 8) != 0; i++) {
    uint64_t name = le(x->file, at + i * 16 + 8, 8);

    if (le(x->file, at + i * 16, 8) != DT_NEEDED)
      continue;
    if (!file_offset(x, address, &strings) || !inside(x->file, strings, name) ||
        !inside(x->file, strings + name, 1) ||
        !memchr(x->file.ptr + strings + name, 0, x->file.len - strings - name))
      return ia_fail(e, IA_E_PARSE, "its table of libraries is damaged");
    ia_buf_printf(out, "%.200s\n", (const char *)x->file.ptr + strings + name);
  }
  return ia_buf_ok(out, e);
}

bool ia_needs_of(ia_buf *out, ia_span file, ia_err *e)
{
  elf x = {.file = file};

  if (file.len < 64 || memcmp(file.ptr, "\177ELF\2\1", 6) != 0 || le(file, 18, 2) != 62)
    return true;
  x.headers = le(file, 32, 8);
  x.count = le(file, 56, 2);
  if (x.count == 0)
    return true; /* an object file */
  if (le(file, 54, 2) != 56 || x.count > HEADERS || !inside(file, x.headers, x.count * 56))
    return ia_fail(e, IA_E_PARSE, "its program headers are damaged");
  for (uint64_t i = 0; i < x.count; i++) {
    uint64_t h = x.headers + i * 56, at = le(file, h + 8, 8), size = le(file, h + 32, 8);

    if (le(file, h, 4) != PT_DYNAMIC)
      continue;
    if (!inside(file, at, size))
      return ia_fail(e, IA_E_PARSE, "its dynamic section is damaged");
    return take_needed(out, &x, at, size, e);
  }
  return true;
}

/* -- a set of names -- */
typedef struct names {
  void *tree;
  bool bad;
} names;

static int by_text(const void *a, const void *b)
{
  return strcmp(a, b);
}

static void put(names *n, const char *name)
{
  if (tfind(name, &n->tree, by_text))
    return;
  char *copy = strdup(name);
  if (!copy || !tsearch(copy, &n->tree, by_text)) {
    free(copy);
    n->bad = true;
  }
}

static const char *base_of(const char *path)
{
  const char *slash = strrchr(path, '/');

  return slash ? slash + 1 : path;
}

/* Folders where the dynamic linker looks by itself. */
static bool add_library(void *arg, const char *path, bool program IA_UNUSED)
{
  static const char *const folders[] = {"usr/lib/x86_64-linux-gnu/",
                                        "usr/lib/",
                                        "usr/lib64/",
                                        "lib/x86_64-linux-gnu/",
                                        "lib/",
                                        "lib64/",
                                        "usr/local/lib/",
                                        "usr/local/lib/x86_64-linux-gnu/"};

  for (size_t i = 0; i < IA_COUNT(folders); i++)
    if (strncmp(path, folders[i], strlen(folders[i])) == 0 &&
        !strchr(path + strlen(folders[i]), '/'))
      put(arg, base_of(path));
  return true;
}

static bool base_names(names *n, ia_images *s, const ia_image_layer *base, ia_err *e)
{
  const ia_oci_limits limits = ia_oci_limits_default();
  IA_AUTO(ia_survey) *survey = NULL;
  ia_oci_usage usage = {0};
  ia_autoclose int fd = -1;

  if (!ia_survey_new(&survey, s, &limits, e) || !ia_survey_next(survey, &base->desc.digest, e) ||
      !ia_images_open_blob(s, &base->desc.digest, &fd, e) ||
      !ia_oci_layer_survey(ia_model_entry, ia_survey_model(survey), &base->desc, &base->diff_id,
                           ia_oci_read_fd, &fd, &limits, &usage, e))
    return false;
  return (ia_model_each(ia_survey_model(survey), add_library, n) && !n->bad) ||
         ia_fail(e, IA_E_MEMORY, "libraries");
}

/* -- the modules -- */
typedef struct files {
  char **v;
  size_t n;
} files;

static bool add_file(files *f, const char *path)
{
  char **bigger = reallocarray(f->v, f->n + 1, sizeof(*bigger));
  char *copy = strdup(path);

  if (bigger)
    f->v = bigger;
  if (!bigger || !copy) {
    free(copy);
    return false;
  }
  f->v[f->n++] = copy;
  return true;
}

static int by_path(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool list_files(files *f, const char *dir, ia_err *e)
{
  char *const roots[] = {(char *)(uintptr_t)dir, NULL};
  FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
  bool ok = walk != NULL;

  for (FTSENT *en; ok && (en = fts_read(walk));)
    if (en->fts_info == FTS_F)
      ok = add_file(f, en->fts_path);
  if (walk)
    (void)fts_close(walk);
  if (!ok)
    return ia_fail(e, IA_E_MEMORY, "modules");
  if (f->n > 0)
    qsort(f->v, f->n, sizeof(f->v[0]), by_path);
  return true;
}

/* "libgl1" of dpkg's "libgl1:amd64: /usr/lib/..", or "" where this machine does not know. */
static void package_of(char out[IA_LOCK_NAME], const char *library)
{
  ia_autofree char *pattern = NULL;
  IA_AUTOV(ia_buf) words = {0};

  out[0] = '\0';
  if (asprintf(&pattern, "*/%s", library) < 0)
    return;
  const char *const argv[] = {"dpkg-query", "-S", pattern, NULL};
  if (!ia_tool_run(argv, NULL, &words, 1 << 20, NULL))
    return;
  ia_autofree char *text = ia_buf_text(&words);
  size_t n = text ? strcspn(text, ":,\n") : 0;
  if (n > 0 && n < IA_LOCK_NAME)
    (void)snprintf(out, IA_LOCK_NAME, "%.*s", (int)n, text);
}

static bool report(const char *library, const char *module, ia_err *e)
{
  char package[IA_LOCK_NAME];

  package_of(package, library);
  (void)ia_fail(e, IA_E_NOT_FOUND, "%.80s needs %.60s, which is not in the image", module, library);
  if (package[0])
    return ia_hint(e,
                   "add \"%.60s\" to debianPackages in iapp.config.json, then iapp build "
                   "--update-lock",
                   package);
  return ia_hint(e,
                 "add the Debian package with %.60s to debianPackages in iapp.config.json, or, if "
                 "it is not used, the name to absentLibraries",
                 library);
}

static bool check_file(const char *path, size_t skip, const names *there, ia_err *e)
{
  IA_AUTOV(ia_buf) bytes = {0}, needs = {0};

  if (!ia_file_read(&bytes, path, FILE_CAP, e) || !ia_needs_of(&needs, ia_buf_view(&bytes), e))
    return ia_wrap(e, "%.100s", path + skip);
  ia_autofree char *text = ia_buf_text(&needs);
  char *at = text;
  for (char *one; at && (one = strsep(&at, "\n"));)
    if (one[0] && !tfind(base_of(one), &there->tree, by_text))
      return report(one, path + skip, e);
  return true;
}

bool ia_needs_check(const ia_build *b, ia_images *s, const ia_image_layer *base, const char *lib,
                    ia_err *e)
{
  names there = {0};
  files f = {0};

  bool ok = list_files(&f, lib, e) && base_names(&there, s, base, e);
  for (const char *const *p = b->absent; p && *p; p++)
    put(&there, *p);
  for (size_t i = 0; i < f.n; i++)
    if (strstr(base_of(f.v[i]), ".so"))
      put(&there, base_of(f.v[i]));
  if (ok && there.bad)
    ok = ia_fail(e, IA_E_MEMORY, "libraries");
  for (size_t i = 0; ok && i < f.n; i++)
    ok = check_file(f.v[i], strlen(lib) + 1, &there, e);
  for (size_t i = 0; i < f.n; i++)
    free(f.v[i]);
  free(f.v);
  tdestroy(there.tree, free);
  return ok;
}
