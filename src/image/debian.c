/* apt-get and dpkg-deb as tools; everything they give is checked against the lock. */
#include "image/debian.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"
#include "crypto/sha.h"
#include "image/tool.h"

enum { OUTPUT_CAP = 8 << 20, ARGS = IA_LOCK_PACKAGES + 32 };

/* Only Debian's own main section, whatever else this machine has configured. */
static const char preferences[] = "Package: *\nPin: release o=Debian,c=main\nPin-Priority: 500\n\n"
                                  "Package: *\nPin: release a=*\nPin-Priority: -1\n";

typedef struct apt_args {
  const char *v[ARGS];
  size_t n;
  ia_path status, preferences, archives;
} apt_args;

static void arg(apt_args *a, const char *text)
{
  if (a->n + 1 < ARGS)
    a->v[a->n++] = text;
}

/* An apt that believes nothing is installed. */
static bool apt_begin(apt_args *a, const char *program, const char *scratch, ia_err *e)
{
  ia_path p;

  a->n = 0;
  if (!ia_path_join(&p, e, "%s/status", scratch) ||
      !ia_file_write_exact(p.s, ia_span_str(""), 0644, e) ||
      !ia_path_join(&a->status, e, "Dir::State::status=%s", p.s) ||
      !ia_path_join(&p, e, "%s/preferences", scratch) ||
      !ia_file_write_exact(p.s, ia_span_str(preferences), 0644, e) ||
      !ia_path_join(&a->preferences, e, "Dir::Etc::preferences=%s", p.s) ||
      !ia_path_join(&a->archives, e, "Dir::Cache::archives=%s", scratch))
    return false;
  const char *const fixed[] = {program,
                               "-o",
                               a->status.s,
                               "-o",
                               a->preferences.s,
                               "-o",
                               "Dir::Etc::preferencesparts=/nonexistent",
                               "-o",
                               a->archives.s,
                               "-o",
                               "APT::Architecture=amd64",
                               "-o",
                               "APT::Architectures::=amd64",
                               "-o",
                               "APT::Install-Recommends=0",
                               "-o",
                               "APT::Sandbox::User=root",
                               "-o",
                               "Debug::NoLocking=1",
                               "-qq"};
  for (size_t i = 0; i < IA_COUNT(fixed); i++)
    arg(a, fixed[i]);
  return true;
}

/* "%3a" of an epoch is ':' in apt's file names. */
static void unescape(char *s)
{
  char *to = s;

  for (; *s; s++, to++) {
    bool colon = s[0] == '%' && s[1] == '3' && (s[2] == 'a' || s[2] == 'A');

    *to = colon ? ':' : *s;
    s += colon ? 2 : 0;
  }
  *to = '\0';
}

/* A line of --print-uris: 'URI' name_version_arch.deb size hash */
static bool parse_uri_line(ia_lock_package *p, char *line)
{
  char *file = strstr(line, "' "), *version, *arch, *end;

  if (line[0] != '\'' || !file)
    return false;
  file += 2;
  end = strchr(file, ' ');
  if (!end)
    return false;
  *end = '\0';
  version = strchr(file, '_');
  arch = version ? strchr(version + 1, '_') : NULL;
  end = arch ? strstr(arch, ".deb") : NULL;
  if (!end)
    return false;
  *version++ = '\0';
  *arch++ = '\0';
  *end = '\0';
  unescape(version);
  return snprintf(p->name, sizeof(p->name), "%s", file) < (int)sizeof(p->name) &&
         snprintf(p->version, sizeof(p->version), "%s", version) < (int)sizeof(p->version) &&
         snprintf(p->arch, sizeof(p->arch), "%s", arch) < (int)sizeof(p->arch);
}

static bool parse_uris(ia_lock *lock, char *text, ia_err *e)
{
  lock->packages = calloc(IA_LOCK_PACKAGES, sizeof(*lock->packages));
  if (!lock->packages)
    return ia_fail(e, IA_E_MEMORY, "lock");
  for (char *line; (line = strsep(&text, "\n"));) {
    if (line[0] == '\0')
      continue;
    if (lock->n_packages == IA_LOCK_PACKAGES)
      return ia_fail(e, IA_E_TOO_LARGE, "more than %d packages", IA_LOCK_PACKAGES);
    if (!parse_uri_line(&lock->packages[lock->n_packages], line))
      return ia_fail(e, IA_E_PARSE, "apt-get: unexpected output");
    lock->n_packages++;
  }
  return lock->n_packages > 0 || ia_fail(e, IA_E_NOT_FOUND, "apt-get: no packages");
}

static ia_lock_package *find(ia_lock *lock, const char *name, const char *version)
{
  for (size_t i = 0; i < lock->n_packages; i++) {
    if (strcmp(lock->packages[i].name, name) == 0 &&
        strcmp(lock->packages[i].version, version) == 0)
      return &lock->packages[i];
  }
  return NULL;
}

/* Value of a field line of a control stanza, or NULL. */
static const char *field(const char *line, const char *name)
{
  size_t n = strlen(name);

  return strncmp(line, name, n) == 0 && line[n] == ':' && line[n + 1] == ' ' ? line + n + 2 : NULL;
}

/* apt-cache show: one stanza a package, in any order of fields. */
static void take_stanza(ia_lock *lock, char *stanza)
{
  const char *name = "", *version = "", *sha = "", *size = "0", *v;

  for (char *line; (line = strsep(&stanza, "\n"));) {
    if ((v = field(line, "Package")))
      name = v;
    else if ((v = field(line, "Version")))
      version = v;
    else if ((v = field(line, "SHA256")))
      sha = v;
    else if ((v = field(line, "Size")))
      size = v;
  }
  ia_lock_package *p = find(lock, name, version);
  if (p && ia_unhex(p->sha256.b, sizeof(p->sha256.b), ia_span_str(sha)))
    p->size = strtoull(size, NULL, 10);
}

static bool take_digests(ia_lock *lock, char *text, ia_err *e)
{
  for (char *at = text, *next; at && *at; at = next) {
    next = strstr(at, "\n\n");
    if (next) {
      *next = '\0';
      next += 2;
    }
    take_stanza(lock, at);
  }
  for (size_t i = 0; i < lock->n_packages; i++) {
    if (lock->packages[i].size == 0)
      return ia_fail(e, IA_E_NOT_FOUND, "apt has no digest of %s %s", lock->packages[i].name,
                     lock->packages[i].version);
  }
  return true;
}

static bool output(const apt_args *a, char **text, ia_err *e)
{
  IA_AUTOV(ia_buf) out = {0};

  if (!ia_tool_run(a->v, NULL, &out, OUTPUT_CAP, e))
    return false;
  *text = ia_buf_text(&out);
  return *text || ia_fail(e, IA_E_MEMORY, "apt");
}

/* "name=version" of every package behind the fixed arguments. */
static bool add_pins(apt_args *a, const ia_lock *lock, const bool *wanted,
                     char (**pins)[2 * IA_LOCK_NAME], ia_err *e)
{
  *pins = calloc(lock->n_packages + 1, sizeof(**pins));
  if (!*pins)
    return ia_fail(e, IA_E_MEMORY, "packages");
  for (size_t i = 0; i < lock->n_packages; i++) {
    (void)snprintf((*pins)[i], sizeof((*pins)[i]), "%s=%s", lock->packages[i].name,
                   lock->packages[i].version);
    if (!wanted || wanted[i])
      arg(a, (*pins)[i]);
  }
  return true;
}

static int by_name(const void *a, const void *b)
{
  return strcmp(((const ia_lock_package *)a)->name, ((const ia_lock_package *)b)->name);
}

bool ia_debian_resolve(ia_lock *lock, const char *const *names, const char *scratch, ia_err *e)
{
  ia_autofree apt_args *a = calloc(1, sizeof(*a));
  ia_autofree char *text = NULL, *shown = NULL;
  ia_autofree char(*pins)[2 * IA_LOCK_NAME] = NULL;

  if (!a)
    return ia_fail(e, IA_E_MEMORY, "apt");
  if (!apt_begin(a, "apt-get", scratch, e))
    return false;
  arg(a, "--print-uris");
  arg(a, "install");
  for (; *names; names++)
    arg(a, *names);
  if (!output(a, &text, e)) {
    if (e)
      e->code = e->code == IA_E_NOT_FOUND ? IA_E_NOT_FOUND : IA_E_UNAVAILABLE;
    return ia_hint(e, "has this machine Debian's lists? try `apt-get update`");
  }
  if (!parse_uris(lock, text, e))
    return false;
  qsort(lock->packages, lock->n_packages, sizeof(lock->packages[0]), by_name);
  if (!apt_begin(a, "apt-cache", scratch, e))
    return false;
  arg(a, "show");
  return add_pins(a, lock, NULL, &pins, e) && output(a, &shown, e) && take_digests(lock, shown, e);
}

/* -- files -- */
static bool deb_path(ia_path *p, const ia_lock_package *pkg, const char *cache, ia_err *e)
{
  return ia_path_join(p, e, "%s/%s.deb", cache, ia_oci_digest_format(&pkg->sha256).s + 7);
}

static bool sha256_file(ia_h256 *out, const char *path, ia_err *e)
{
  IA_AUTO(ia_sha) *sha = NULL;
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  uint8_t buf[16384];

  if (fd < 0)
    return ia_fail_errno(e, "%s", path);
  if (!ia_sha_new(&sha, IA_SHA256, e))
    return false;
  for (size_t n = 1; n > 0;) {
    if (!ia_oci_read_fd(&fd, buf, sizeof(buf), &n, e))
      return false;
    ia_sha_update(sha, ia_span_of(buf, n));
  }
  return ia_sha_final(sha, out->b, e);
}

/* apt names what it fetched name_version_arch.deb, with the colon of an epoch escaped. */
static bool fetched_path(ia_path *p, const ia_lock_package *pkg, const char *dir, ia_err *e)
{
  const char *colon = strchr(pkg->version, ':');

  if (!colon)
    return ia_path_join(p, e, "%s/%s_%s_%s.deb", dir, pkg->name, pkg->version, pkg->arch);
  return ia_path_join(p, e, "%s/%s_%.*s%%3a%s_%s.deb", dir, pkg->name, (int)(colon - pkg->version),
                      pkg->version, colon + 1, pkg->arch);
}

static bool keep_fetched(const ia_lock_package *pkg, const char *dir, const char *cache, ia_err *e)
{
  ia_path from, to;
  ia_h256 have;

  if (!fetched_path(&from, pkg, dir, e) || !deb_path(&to, pkg, cache, e) ||
      !sha256_file(&have, from.s, e))
    return false;
  if (!ia_h256_eq(&have, &pkg->sha256))
    return ia_fail(e, IA_E_BAD_CHECKSUM, "%s %s is not the one in the lock", pkg->name,
                   pkg->version);
  return rename(from.s, to.s) == 0 || ia_fail_errno(e, "%s", to.s);
}

static bool fetch(const ia_lock *lock, const char *cache, const char *scratch, ia_err *e)
{
  ia_autofree apt_args *a = calloc(1, sizeof(*a));
  ia_autofree bool *wanted = calloc(lock->n_packages + 1, sizeof(*wanted));
  ia_autofree char(*pins)[2 * IA_LOCK_NAME] = NULL;
  size_t n = 0;
  ia_path p;

  if (!a || !wanted)
    return ia_fail(e, IA_E_MEMORY, "packages");
  for (size_t i = 0; i < lock->n_packages; i++) {
    if (!deb_path(&p, &lock->packages[i], cache, e))
      return false;
    wanted[i] = access(p.s, R_OK) != 0;
    n += wanted[i];
  }
  if (n == 0)
    return true;
  if (!apt_begin(a, "apt-get", scratch, e))
    return false;
  arg(a, "download");
  if (!add_pins(a, lock, wanted, &pins, e))
    return false;
  if (!ia_tool_run(a->v, scratch, NULL, 0, e))
    return ia_hint(e, "are the locked versions still offered? iapp build --update-lock");
  for (size_t i = 0; i < lock->n_packages; i++) {
    if (wanted[i] && !keep_fetched(&lock->packages[i], scratch, cache, e))
      return false;
  }
  return true;
}

typedef struct into {
  int root;
  ia_oci_limits limits;
  ia_oci_usage usage;
} into;

static bool unpack_stream(void *arg, ia_read_fn read, void *source, ia_err *e)
{
  into *t = arg;

  return ia_oci_tar_unpack(t->root, read, source, &t->limits, &t->usage, e);
}

/* Debian's merged /usr: packages still name /bin, /lib, .. (one link each). */
static bool merged_usr(int root, ia_err *e)
{
  static const char *const names[] = {"bin", "sbin", "lib", "lib32", "lib64", "libx32"};
  char target[16];

  if (mkdirat(root, "usr", 0755) != 0)
    return ia_fail_errno(e, "usr");
  for (size_t i = 0; i < IA_COUNT(names); i++) {
    (void)snprintf(target, sizeof(target), "usr/%s", names[i]);
    if (mkdirat(root, target, 0755) != 0 || symlinkat(target, root, names[i]) != 0)
      return ia_fail_errno(e, "%s", target);
  }
  return true;
}

bool ia_debian_unpack(const ia_lock *lock, const char *root, const char *cache, const char *scratch,
                      ia_err *e)
{
  ia_autoclose int fd = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  into t = {.root = fd, .limits = ia_oci_limits_default()};

  if (fd < 0)
    return ia_fail_errno(e, "%s", root);
  if (!ia_mkdirs(cache, 0755, e) || !fetch(lock, cache, scratch, e) || !merged_usr(fd, e))
    return false;
  for (size_t i = 0; i < lock->n_packages; i++) {
    ia_path deb;
    ia_h256 have;

    /* the cache is a convenience: what is used is checked each time */
    if (!deb_path(&deb, &lock->packages[i], cache, e) || !sha256_file(&have, deb.s, e))
      return false;
    if (!ia_h256_eq(&have, &lock->packages[i].sha256))
      return ia_fail(e, IA_E_BAD_CHECKSUM, "%s was changed", deb.s);
    const char *const argv[] = {"dpkg-deb", "--fsys-tarfile", deb.s, NULL};
    if (!ia_tool_pipe(argv, unpack_stream, &t, e))
      return ia_wrap(e, "%s", lock->packages[i].name);
  }
  return true;
}

/* Takes "package: path" lines (packages may be several, and may carry ":arch"). */
static void take_owners(ia_lock *lock, char *text)
{
  for (char *line; text && (line = strsep(&text, "\n"));) {
    char *path = strstr(line, ": /");

    if (!path)
      continue;
    size_t n = strcspn(line, ":,");
    /* packages name the place before the merge of /usr */
    for (size_t i = 0; i < lock->n_files; i++) {
      ia_lock_file *f = &lock->files[i];

      if (n < sizeof(f->package) &&
          (strcmp(f->path, path + 2) == 0 || strcmp(f->path + 4, path + 2) == 0))
        (void)snprintf(f->package, sizeof(f->package), "%.*s", (int)n, line);
    }
  }
}

/* Takes "package=version" lines. */
static void take_versions(ia_lock *lock, char *text)
{
  for (char *line; text && (line = strsep(&text, "\n"));) {
    size_t n = strcspn(line, "=");

    for (size_t i = 0; i < lock->n_files && n > 0; i++) {
      ia_lock_file *f = &lock->files[i];

      if (strncmp(f->package, line, n) == 0 && f->package[n] == '\0')
        (void)snprintf(f->package, sizeof(f->package), "%.*s", (int)sizeof(f->package) - 1, line);
    }
  }
}

bool ia_debian_owners(ia_lock *lock, ia_err *e)
{
  ia_autofree const char **argv = calloc(2 * lock->n_files + 5, sizeof(*argv));
  IA_AUTOV(ia_buf) owners = {0}, versions = {0};
  size_t n = 0;

  if (!argv)
    return ia_fail(e, IA_E_MEMORY, "packages");
  argv[n++] = "dpkg-query";
  argv[n++] = "-S";
  for (size_t i = 0; i < lock->n_files; i++) {
    argv[n++] = lock->files[i].path;
    if (strncmp(lock->files[i].path, "/usr/", 5) == 0)
      argv[n++] = lock->files[i].path + 4;
  }
  /* it fails when one of the paths is unknown, and half of them are: what it printed counts */
  (void)!ia_tool_run(argv, NULL, &owners, OUTPUT_CAP, NULL);
  ia_autofree char *text = ia_buf_text(&owners);
  take_owners(lock, text);
  n = 1;
  argv[n++] = "-W";
  argv[n++] = "-f";
  argv[n++] = "${Package}=${Version}\n";
  for (size_t i = 0; i < lock->n_files; i++) {
    if (lock->files[i].package[0])
      argv[n++] = lock->files[i].package;
  }
  argv[n] = NULL;
  (void)!ia_tool_run(argv, NULL, &versions, OUTPUT_CAP, NULL);
  ia_autofree char *shown = ia_buf_text(&versions);
  take_versions(lock, shown);
  return true;
}
