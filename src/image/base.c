/* Debian packages, or files of this host with the libraries that they load. */
#include "image/base.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/hex.h"
#include "crypto/sha.h"
#include "image/private.h"
#include "image/tool.h"

/* dash: for os.system, subprocess with shell=True and child_process.exec; libstdc++6: wheels and
 * native modules count on it. */
static const char *const python_packages[] = {"python3", "base-files",      "libc6", "libstdc++6",
                                              "dash",    "ca-certificates", NULL};
static const char *const js_packages[] = {"nodejs", "base-files",      "libc6", "libstdc++6",
                                          "dash",   "ca-certificates", NULL};

const char *const *ia_base_packages(ia_lang lang)
{
  return lang == IA_LANG_PYTHON ? python_packages : lang == IA_LANG_JS ? js_packages : NULL;
}

/* What a shell app may count on, all of it from Debian's essential packages. */
static const char *const sh_tools[] = {
    "dash",     "cat",     "cp",        "mv",     "rm",    "mkdir",  "ls",    "ln",
    "touch",    "head",    "tail",      "wc",     "sort",  "uniq",   "cut",   "tr",
    "tee",      "date",    "env",       "seq",    "expr",  "test",   "true",  "false",
    "basename", "dirname", "sha256sum", "base64", "od",    "printf", "echo",  "sleep",
    "grep",     "sed",     "awk",       "find",   "xargs", "gzip",   "paste", "join",
};

/* What builds that were cut off left behind: a living one holds its folder's lock. */
static void sweep(const char *parent)
{
  DIR *d = opendir(parent);

  if (!d)
    return;
  for (struct dirent *en; (en = readdir(d));) {
    ia_path p;

    if (strncmp(en->d_name, "build-", 6) != 0 ||
        !ia_path_join(&p, NULL, "%s/%s", parent, en->d_name))
      continue;
    ia_autoclose int fd = open(p.s, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
      (void)!ia_remove_tree(p.s, NULL);
  }
  closedir(d);
}

/* In the cache's own file system, so that what was fetched can be renamed into place. */
bool ia_scratch_make(ia_scratch *s, const char *cache, ia_err *e)
{
  ia_path parent;

  s->fd = -1;
  s->dir.s[0] = '\0';
  if (!ia_path_join(&parent, e, "%s/scratch", cache) || !ia_mkdirs(parent.s, 0700, e))
    return false;
  /* nobody sweeps between the making of a folder and the taking of its lock */
  ia_autoclose int all = open(parent.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (all < 0 || flock(all, LOCK_EX) != 0)
    return ia_fail_errno(e, "%s", parent.s);
  sweep(parent.s);
  if (!ia_path_join(&s->dir, e, "%s/build-XXXXXX", parent.s))
    return false;
  if (!mkdtemp(s->dir.s)) {
    (void)ia_fail_errno(e, "%s", s->dir.s);
    s->dir.s[0] = '\0';
    return false;
  }
  s->fd = open(s->dir.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return (s->fd >= 0 && flock(s->fd, LOCK_EX | LOCK_NB) == 0) || ia_fail_errno(e, "%s", s->dir.s);
}

void ia_scratch_free(ia_scratch *s)
{
  if (s->dir.s[0])
    (void)!ia_remove_tree(s->dir.s, NULL);
  if (s->dir.s[0] && s->fd >= 0)
    close(s->fd);
  s->dir.s[0] = '\0';
}

/* -- Debian -- */
/* Documentation, translations and caches have no use at run time; copyright notices stay. */
static bool skip_debian(const char *path, bool folder)
{
  static const char *const dropped[] = {
      "usr/share/man",     "usr/share/info",        "usr/share/locale",
      "usr/share/lintian", "usr/share/bug",         "usr/share/menu",
      "var/cache",         "usr/include",           "usr/share/doc-base",
      "usr/share/gdb",     "usr/share/applications"};

  for (size_t i = 0; i < IA_COUNT(dropped); i++) {
    if (strcmp(path, dropped[i]) == 0)
      return true;
  }
  if (strncmp(path, "usr/share/doc/", 14) == 0) {
    const char *base = strrchr(path, '/');
    return !folder && strcmp(base, "/copyright") != 0;
  }
  return false;
}

static int by_text(const void *a, const void *b)
{
  return strcmp(*(char *const *)a, *(char *const *)b);
}

typedef struct cert_list {
  char **v;
  size_t n;
} cert_list;

static bool list_certs(cert_list *l, const char *dir, ia_err *e)
{
  const char *const argv[] = {"find", dir, "-name", "*.crt", "-type", "f", NULL};
  IA_AUTOV(ia_buf) out = {0};

  if (access(dir, F_OK) != 0)
    return true;
  if (!ia_tool_run(argv, NULL, &out, 1 << 20, e))
    return false;
  ia_autofree char *text = ia_buf_text(&out);
  char *at = text;
  for (char *line; at && (line = strsep(&at, "\n"));) {
    char **bigger = line[0] ? reallocarray(l->v, l->n + 1, sizeof(*bigger)) : NULL;

    if (!bigger)
      continue;
    l->v = bigger;
    l->v[l->n++] = strdup(line);
  }
  if (l->n > 0)
    qsort(l->v, l->n, sizeof(l->v[0]), by_text);
  return true;
}

/* The bundle that the package's script would have made. */
static bool add_bundle(ia_maker *m, const char *root, ia_err *e)
{
  IA_AUTOV(ia_buf) bundle = {0};
  cert_list l = {0};
  bool ok;
  ia_path dir;

  ok = ia_path_join(&dir, e, "%s/usr/share/ca-certificates", root) && list_certs(&l, dir.s, e);
  for (size_t i = 0; i < l.n; i++) {
    IA_AUTOV(ia_buf) one = {0};

    ok = ok && l.v[i] && ia_file_read(&one, l.v[i], 1 << 20, e);
    ia_buf_span(&bundle, ia_buf_view(&one));
    free(l.v[i]);
  }
  free(l.v);
  return ok && ia_buf_ok(&bundle, e) &&
         (bundle.len == 0 ||
          ia_maker_bytes(m, "etc/ssl/certs/ca-certificates.crt", 0644, ia_buf_view(&bundle), e));
}

/* Files that installation scripts, not packages, would write. */
static const struct extra {
  const char *path, *text;
} extras[] = {
    {"etc/passwd",
     "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/false\n"},
    {"etc/group", "root:x:0:\nnogroup:x:65534:\n"},
    {"etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"},
    {"etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n"},
};

static bool add_extras(ia_maker *m, ia_err *e)
{
  for (size_t i = 0; i < IA_COUNT(extras); i++) {
    if (!ia_maker_bytes(m, extras[i].path, 0644, ia_span_str(extras[i].text), e))
      return false;
  }
  return true;
}

static bool debian_tree(ia_maker *m, const ia_lock *lock, const ia_build *b,
                        const ia_scratch *scratch, ia_err *e)
{
  ia_path root, debs, work;

  return ia_path_join(&root, e, "%s/root", scratch->dir.s) && ia_mkdirs(root.s, 0755, e) &&
         ia_path_join(&work, e, "%s/apt", scratch->dir.s) && ia_mkdirs(work.s, 0755, e) &&
         ia_path_join(&debs, e, "%s/debs", b->cache) &&
         ia_debian_unpack(lock, root.s, debs.s, work.s, e) &&
         ia_maker_tree(m, "", root.s, skip_debian, e) && add_extras(m, e) &&
         add_bundle(m, root.s, e) && ia_maker_link(m, "usr/bin/sh", "dash", e) &&
         (b->lang != IA_LANG_PYTHON || ia_maker_link(m, "usr/bin/python", "python3", e));
}

static bool debian_resolve(ia_lock *lock, const ia_build *b, const ia_scratch *scratch, ia_err *e)
{
  const char *const *own = ia_base_packages(b->lang);
  const char *names[64];
  size_t n = 0;
  ia_path work;

  for (; *own; own++)
    names[n++] = *own;
  for (const char *const *p = b->debian; p && *p; p++) {
    if (n + 1 == IA_COUNT(names) || (*p)[0] == '-')
      return ia_fail(e, IA_E_INVALID, "too many Debian packages, or no name: %.60s", *p);
    names[n++] = *p;
  }
  names[n] = NULL;
  return ia_path_join(&work, e, "%s/resolve", scratch->dir.s) && ia_mkdirs(work.s, 0755, e) &&
         ia_debian_resolve(lock, names, work.s, e);
}

/* -- files of the host -- */
static bool sha256_path(ia_h256 *out, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) bytes = {0};

  if (!ia_file_read(&bytes, path, 64 << 20, e))
    return false;
  ia_sha256(out, ia_buf_view(&bytes));
  return true;
}

bool ia_base_lock_file(ia_lock *lock, const char *path, ia_err *e)
{
  ia_autofree char *real = realpath(path, NULL);
  ia_lock_file f = {0};

  if (!real || strlen(real) >= sizeof(f.path))
    return ia_fail_errno(e, "%s", path);
  for (size_t i = 0; i < lock->n_files; i++) {
    if (strcmp(lock->files[i].path, real) == 0)
      return true;
  }
  (void)snprintf(f.path, sizeof(f.path), "%s", real);
  return sha256_path(&f.sha256, real, e) && ia_lock_add_file(lock, &f, e);
}

/* Paths in ldd's output: "lib => /path (0x..)" and "/path (0x..)". */
static bool lock_libraries(ia_lock *lock, const char *program, ia_err *e)
{
  const char *const argv[] = {"ldd", program, NULL};
  IA_AUTOV(ia_buf) out = {0};

  if (!ia_tool_run(argv, NULL, &out, 1 << 20, NULL))
    return true; /* linked statically */
  ia_autofree char *text = ia_buf_text(&out);
  char *at = text;
  for (char *line; at && (line = strsep(&at, "\n"));) {
    char *path = strchr(line, '/'), *end = path ? strstr(path, " (") : NULL;

    if (!end)
      continue;
    *end = '\0';
    if (!ia_base_lock_file(lock, path, e))
      return false;
  }
  return true;
}

static bool host_resolve(ia_lock *lock, ia_err *e)
{
  ia_path p;

  for (size_t i = 0; i < IA_COUNT(sh_tools); i++) {
    if (!ia_path_join(&p, e, "/usr/bin/%s", sh_tools[i]))
      return false;
    if (access(p.s, X_OK) != 0)
      return ia_fail(e, IA_E_NOT_FOUND, "%s is not installed on this host", p.s);
    if (!ia_base_lock_file(lock, p.s, e) || !lock_libraries(lock, p.s, e))
      return false;
  }
  return ia_debian_owners(lock, e);
}

/* Links by which a program or library is looked for: the name asked for -> the file it stands for.
 */
static bool host_links(ia_maker *m, ia_err *e)
{
  static const char *const merged[] = {"bin", "sbin", "lib", "lib64"};
  char target[16];
  ia_path name, real;

  for (size_t i = 0; i < IA_COUNT(merged); i++) {
    (void)snprintf(target, sizeof(target), "usr/%s", merged[i]);
    if (!ia_maker_link(m, merged[i], target, e))
      return false;
  }
  for (size_t i = 0; i < IA_COUNT(sh_tools); i++) {
    if (!ia_path_join(&name, e, "/usr/bin/%s", sh_tools[i]))
      return false;
    if (realpath(name.s, real.s) && strcmp(real.s, name.s) != 0 &&
        !ia_maker_link(m, name.s + 1, real.s, e))
      return false;
  }
  return ia_maker_link(m, "usr/bin/sh", "dash", e) &&
         ia_maker_link(m, "usr/lib64/ld-linux-x86-64.so.2",
                       "/usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2", e);
}

/* Libraries are asked for by their soname, a link beside the file. */
static bool soname_link(ia_maker *m, const char *path, ia_err *e)
{
  const char *so = strstr(path, ".so."), *base = strrchr(path, '/');
  ia_path name, real;

  if (!so)
    return true;
  size_t major = strspn(so + 4, "0123456789");
  if (so[4 + major] == '\0')
    return true;
  if (!ia_path_join(&name, e, "%.*s", (int)(so + 4 + major - path), path))
    return false;
  return !realpath(name.s, real.s) || strcmp(real.s, path) != 0 ||
         ia_maker_link(m, name.s + 1, base + 1, e);
}

bool ia_base_check_file(const ia_lock_file *f, ia_err *e)
{
  ia_h256 have;

  if (!sha256_path(&have, f->path, e))
    return false;
  if (ia_h256_eq(&have, &f->sha256))
    return true;
  (void)ia_fail(e, IA_E_BAD_CHECKSUM, "%s is not the file of the lock (%s)", f->path, f->package);
  return ia_hint(e, "iapp build --update-lock");
}

static bool host_tree(ia_maker *m, const ia_lock *lock, ia_err *e)
{
  for (size_t i = 0; i < lock->n_files; i++) {
    const ia_lock_file *f = &lock->files[i];

    if (!ia_base_check_file(f, e) || !ia_maker_file(m, f->path + 1, 0755, f->path, e) ||
        !soname_link(m, f->path, e))
      return false;
  }
  return host_links(m, e) && add_extras(m, e);
}

/* -- the cache: a name made of all that the layer is made of -> {desc, diff_id} -- */
static bool cache_name(char out[80], const ia_lock *lock, ia_err *e)
{
  IA_AUTOV(ia_buf) key = {0};
  ia_h256 h;

  ia_buf_lp_str(&key, "iapp-base/v1");
  ia_buf_lp_str(&key, lock->base);
  if (!ia_lock_label(lock, &key, e))
    return false;
  ia_sha256(&h, ia_buf_view(&key));
  (void)snprintf(out, 80, "base-%s", ia_oci_digest_format(&h).s + 7);
  return true;
}

static bool cached(ia_images *s, ia_image_layer *out, const char *name)
{
  IA_AUTOV(ia_buf) text = {0};
  const char *digest, *diff;
  ia_h256 record;

  if (!ia_images_find(s, name, &record, NULL) ||
      !ia_oci_read_document(&text, &record, ia_images_open_blob, s, NULL))
    return false;
  IA_AUTO_JSON *v = ia_json_parse(ia_buf_view(&text), 0, NULL);
  out->desc.kind = IA_OCI_LAYER;
  return v && ia_json_get_str(v, "digest", &digest, NULL) &&
         ia_json_get_str(v, "diffId", &diff, NULL) &&
         ia_json_get_u64(v, "size", &out->desc.size, NULL) &&
         ia_oci_digest_parse(&out->desc.digest, digest, NULL) &&
         ia_oci_digest_parse(&out->diff_id, diff, NULL) && ia_images_has_blob(s, &out->desc.digest);
}

static bool remember(ia_images *s, const ia_image_layer *l, const char *name, ia_err *e)
{
  IA_AUTO_JSON *v =
      json_pack("{s:s, s:s, s:I}", "digest", ia_oci_digest_format(&l->desc.digest).s, "diffId",
                ia_oci_digest_format(&l->diff_id).s, "size", (json_int_t)l->desc.size);
  IA_AUTOV(ia_buf) text = {0};
  ia_h256 record;

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "cache");
  return ia_json_canonical(&text, v, e) && ia_images_put(s, &record, ia_buf_view(&text), e) &&
         ia_images_tag(s, name, &record, e);
}

bool ia_base_layer(ia_images *s, ia_image_layer *out, ia_lock *lock, bool fresh, const ia_build *b,
                   ia_err *e)
{
  IA_AUTOV(ia_scratch) scratch = {0};
  IA_AUTO(ia_maker) *m = NULL;
  bool host = b->lang == IA_LANG_SH;
  char name[80];

  if (!ia_scratch_make(&scratch, b->cache, e))
    return false;
  if (fresh && !(host ? host_resolve(lock, e) : debian_resolve(lock, b, &scratch, e)))
    return false;
  if (!cache_name(name, lock, e))
    return false;
  if (!b->no_cache && cached(s, out, name))
    return true;
  if (b->say)
    b->say(b->ctx, host ? "base layer from this host's shell and tools"
                        : "base layer from Debian packages");
  return ia_maker_new(&m, e) &&
         (host ? host_tree(m, lock, e) : debian_tree(m, lock, b, &scratch, e)) &&
         ia_maker_write(m, s, &out->desc, &out->diff_id, e) && remember(s, out, name, e);
}
