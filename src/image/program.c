/* Can the kernel execute it? ELF headers, "#!" lines, and what they name. */
#include <stdio.h>
#include <stdlib.h>

#include "image/run.h"

enum { CHAIN = 5 /* the kernel's own limit of interpreters */, HEAD = 4096, LINE = 256 };

#define DEFAULT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

typedef struct search {
  const ia_image_view *v;
  const ia_image_run *run;
  const char *path; /* PATH of the image */
} search;

static bool check_file(const search *s, const char *path, const char *named, int depth, ia_err *e);

/* A path as execve sees it: relative ones begin at the working folder. */
static bool resolve(const search *s, const char *name, char out[IA_TAR_PATH + 1], ia_at *what)
{
  ia_autofree char *joined = NULL;

  if (asprintf(&joined, "%s/%s", name[0] == '/' ? "" : s->run->cwd, name) < 0)
    return false;
  return ia_image_walk(s->v, joined, out, what, NULL);
}

/* Folders of PATH in order; the first file with an execute bit, else the first file. */
static bool find_in_path(const search *s, const char *name, char out[IA_TAR_PATH + 1], ia_at *what)
{
  char best[IA_TAR_PATH + 1] = "";

  for (const char *p = s->path; *p;) {
    size_t n = strcspn(p, ":");
    ia_autofree char *one = NULL;

    if (n > 0 && asprintf(&one, "%.*s/%s", (int)n, p, name) > 0 && resolve(s, one, out, what)) {
      if (*what == IA_AT_PROGRAM)
        return true;
      if (*what == IA_AT_FILE && !best[0])
        memcpy(best, out, sizeof(best));
    }
    p += n + (p[n] == ':');
  }
  memcpy(out, best, sizeof(best));
  *what = best[0] ? IA_AT_FILE : IA_AT_NOTHING;
  return best[0] != '\0';
}

/* The file behind the name of a program or interpreter, which must be executable. */
static bool find(const search *s, const char *name, char out[IA_TAR_PATH + 1], ia_err *e)
{
  ia_at what = IA_AT_NOTHING;
  bool bare = !strchr(name, '/');
  bool there = bare ? find_in_path(s, name, out, &what) : resolve(s, name, out, &what);

  if (there && what == IA_AT_PROGRAM)
    return true;
  if (there && what == IA_AT_FILE) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "/%.100s is not executable", out);
    return ia_hint(e, "chmod +x it in the image");
  }
  if (there && what == IA_AT_FOLDER)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "/%.100s is a folder, not a program", out);
  return ia_fail(e, IA_E_NOT_FOUND, "%.100s is not in the image%s", name,
                 bare ? " (PATH was searched)" : "");
}

/* What a program needs to start (its loader, the interpreter of its "#!" line). */
static bool check_needed(const search *s, const char *path, const char *name, int depth, ia_err *e)
{
  char found[IA_TAR_PATH + 1];
  ia_err why = {0};

  if (depth > CHAIN)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "/%.80s: more than %d interpreters behind each other",
                   path, CHAIN);
  if (find(s, name, found, &why))
    return check_file(s, found, name, depth, e);
  if (name[0] && name[strlen(name) - 1] == '\r') {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "/%.80s: its first line ends in a carriage return", path);
    return ia_hint(e, "save the file with Unix line ends (dos2unix)");
  }
  (void)ia_fail(e, IA_E_IMAGE_REFUSED, "/%.60s needs %.100s", path, why.msg);
  return ia_hint(e, "%s",
                 why.hint[0] ? why.hint
                             : "install the interpreter in the image, or link the program "
                               "statically");
}

static uint64_t le(const uint8_t *p, size_t n)
{
  uint64_t v = 0;

  for (size_t i = n; i-- > 0;)
    v = v << 8 | p[i];
  return v;
}

static bool read_at(const search *s, const char *path, uint64_t at, void *buf, size_t n, ia_err *e)
{
  size_t got = 0;

  if (!s->v->read(s->v->arg, path, at, buf, n, &got, e))
    return false;
  return got == n || ia_fail(e, IA_E_IMAGE_REFUSED, "/%.100s: the ELF program is cut off", path);
}

static bool check_elf(const search *s, const char *path, const uint8_t *head, size_t n, int depth,
                      ia_err *e)
{
  uint8_t table[64 * 56];
  char loader[LINE];

  if (n < 64 || head[4] != 2 || head[5] != 1 || le(head + 18, 2) != 62) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED,
                  "/%.100s is an ELF program for another processor than x86-64", path);
    return ia_hint(e, "build the image for linux/amd64");
  }
  uint64_t type = le(head + 16, 2), at = le(head + 32, 8), size = le(head + 54, 2);
  uint64_t count = le(head + 56, 2);
  if ((type != 2 && type != 3) || size != 56 || count == 0 || count > 64)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "/%.100s is not an ELF program that can be executed",
                   path);
  if (at > UINT32_MAX || !read_at(s, path, at, table, count * 56, e))
    return false;
  for (uint64_t i = 0; i < count; i++) {
    const uint8_t *h = table + i * 56;
    uint64_t len = le(h + 32, 8), from = le(h + 8, 8);

    if (le(h, 4) != 3) /* PT_INTERP */
      continue;
    if (len < 2 || len > sizeof(loader) || from > (uint64_t)1 << 40 ||
        !read_at(s, path, from, loader, len, e) || loader[len - 1] != '\0')
      return ia_fail(e, IA_E_IMAGE_REFUSED, "/%.100s: its ELF headers are damaged", path);
    return check_needed(s, path, loader, depth + 1, e);
  }
  return true;
}

/* "#!/usr/bin/env NAME": the program that env will look for. */
static bool check_env(const search *s, const char *path, const char *program, char *rest, int depth,
                      ia_err *e)
{
  const char *slash = strrchr(program, '/');

  rest[strcspn(rest, " \t")] = '\0';
  if (!slash || strcmp(slash, "/env") != 0 || !rest[0] || rest[0] == '-' || strchr(rest, '='))
    return true;
  return check_needed(s, path, rest, depth + 1, e);
}

static bool check_script(const search *s, const char *path, const uint8_t *head, size_t n,
                         int depth, ia_err *e)
{
  char line[LINE] = "", *name;
  size_t len = 0;

  while (len + 2 < n && len + 1 < sizeof(line) && head[len + 2] != '\n' && head[len + 2] != '\0')
    len++;
  memcpy(line, head + 2, len);
  line[len] = '\0';
  name = line + strspn(line, " \t");
  size_t end = strcspn(name, " \t");
  char *rest = name + end + strspn(name + end, " \t");
  name[end] = '\0';
  if (!name[0])
    return ia_fail(e, IA_E_IMAGE_REFUSED, "/%.100s: its #! line names no interpreter", path);
  return check_needed(s, path, name, depth + 1, e) && check_env(s, path, name, rest, depth, e);
}

static bool check_file(const search *s, const char *path, const char *named, int depth, ia_err *e)
{
  uint8_t head[HEAD];
  size_t n = 0;

  if (!s->v->read(s->v->arg, path, 0, head, sizeof(head), &n, e))
    return ia_wrap(e, "%.60s", named);
  if (n >= 4 && memcmp(head, "\177ELF", 4) == 0)
    return check_elf(s, path, head, n, depth, e);
  if (n >= 2 && memcmp(head, "#!", 2) == 0)
    return check_script(s, path, head, n, depth, e);
  (void)ia_fail(e, IA_E_IMAGE_REFUSED,
                "/%.80s is neither an ELF program nor a script with a #! line", path);
  return ia_hint(e, "begin the script with #!/bin/sh, or name its interpreter in ENTRYPOINT");
}

bool ia_image_check_program(const ia_image_view *v, const ia_oci_config *c, const ia_image_run *run,
                            ia_err *e)
{
  const ia_oci_words *words = c->entrypoint.n > 0 ? &c->entrypoint : &c->cmd;
  search s = {.v = v, .run = run, .path = DEFAULT_PATH};
  char path[IA_TAR_PATH + 1];

  if (words->n == 0 || !words->v[0][0]) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "the image names no program to run");
    return ia_hint(e, "set ENTRYPOINT in the Dockerfile");
  }
  for (size_t i = 0; i < c->env.n; i++)
    if (strncmp(c->env.v[i], "PATH=", 5) == 0)
      s.path = c->env.v[i] + 5;
  if (find(&s, words->v[0], path, e))
    return check_file(&s, path, words->v[0], 0, e) || ia_wrap(e, "the program cannot run");
  if (e)
    e->code = IA_E_IMAGE_REFUSED;
  (void)ia_wrap(e, "the program cannot run");
  if (e && !e->hint[0])
    return ia_hint(e, "put it into the image, or correct ENTRYPOINT; /tmp, /dev, /iexec_in and "
                      "/iexec_out of an image are not used");
  return false;
}
