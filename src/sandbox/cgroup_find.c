/* Where our own groups live: by a folder of delegated hierarchies, or by /proc/self. */
#include "sandbox/cgroup_find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"

static const char *const names[IA_CG_COUNT] = {
    [IA_CG_MEMORY] = "memory",   [IA_CG_PIDS] = "pids",     [IA_CG_CPU] = "cpu",
    [IA_CG_CPUACCT] = "cpuacct", [IA_CG_CPUSET] = "cpuset", [IA_CG_UNIFIED] = "unified",
};

const char *ia_cgroup_control_name(ia_cgroup_control c)
{
  return names[c];
}

/* One word of a separated list. */
static bool has_word(const char *list, const char *word, char sep)
{
  size_t n = strlen(word);

  for (const char *p = list; p && *p; p = strchr(p, sep) ? strchr(p, sep) + 1 : NULL)
    if (strncmp(p, word, n) == 0 && (p[n] == sep || p[n] == '\0' || p[n] == '\n'))
      return true;
  return false;
}

/* Our own group of a hierarchy: "N:list:path". version 2 is "0::path". */
static bool own_group(ia_path *out, const char *text, ia_cgroup_control c)
{
  for (const char *line = text; *line;) {
    const char *end = strchr(line, '\n');
    int len = end ? (int)(end - line) : (int)strlen(line);
    char list[256], path[2048] = "";

    if (sscanf(line, "%*u:%255[^:]:%2047[^\n]", list, path) == 2) {
      if (c != IA_CG_UNIFIED && has_word(list, names[c], ','))
        return ia_path_join(out, NULL, "%s", path);
    } else if (c == IA_CG_UNIFIED && strncmp(line, "0::", 3) == 0) {
      return ia_path_join(out, NULL, "%.*s", len - 3, line + 3);
    }
    line += len + (end ? 1 : 0);
  }
  return false;
}

/* Where a hierarchy is mounted, and the group that is its root there. Space and other bytes that
 * the kernel escapes as \NNN do not occur in the mount points that we accept. */
static bool mounted_at(ia_path *point, ia_path *root, const char *mounts, ia_cgroup_control c)
{
  for (const char *line = mounts; *line;) {
    const char *end = strchr(line, '\n');
    const char *dash = strstr(line, " - ");
    char type[32], options[512], mroot[1024], mpoint[1024];

    if (dash && (!end || dash < end) &&
        sscanf(line, "%*s %*s %*s %1023s %1023s", mroot, mpoint) == 2 &&
        sscanf(dash, " - %31s %*s %511s", type, options) == 2) {
      bool hit = c == IA_CG_UNIFIED
                     ? strcmp(type, "cgroup2") == 0
                     : strcmp(type, "cgroup") == 0 && has_word(options, names[c], ',');
      if (hit && !strchr(mpoint, '\\'))
        return ia_path_join(point, NULL, "%s", mpoint) && ia_path_join(root, NULL, "%s", mroot);
    }
    if (!end)
      return false;
    line = end + 1;
  }
  return false;
}

static bool find_own(ia_path *out, const char *groups, const char *mounts, ia_cgroup_control c)
{
  ia_path own, point, root;

  if (!own_group(&own, groups, c) || !mounted_at(&point, &root, mounts, c))
    return false;
  const char *below = own.s;
  size_t n = strcmp(root.s, "/") == 0 ? 0 : strlen(root.s);
  /* a bind mount shows only what is below its root */
  if (n > 0 && strncmp(below, root.s, n) == 0 && (below[n] == '/' || below[n] == '\0'))
    below += n;
  else if (n > 0)
    return false;
  return ia_path_join(out, NULL, "%s%s", point.s, strcmp(below, "/") == 0 ? "" : below);
}

/* /proc files say size 0, so they are read to the end. */
static char *read_proc(const char *path)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

  if (fd < 0 || !ia_fd_read_all(&b, fd, 1 << 20, NULL))
    return NULL;
  return ia_buf_text(&b);
}

bool ia_cgroup_hierarchy(char out[IA_CGROUP_NAME], ia_cgroup_control c)
{
  ia_autofree char *groups = read_proc("/proc/self/cgroup");

  for (const char *line = groups; line && *line;) {
    const char *end = strchr(line, '\n');
    char list[IA_CGROUP_NAME] = "";

    /* a longer list stops before its colon */
    if (sscanf(line, "%*u:%63[^:]:", list) == 1 &&
        line[strcspn(line, ":") + 1 + strlen(list)] == ':' && has_word(list, names[c], ',')) {
      (void)snprintf(out, IA_CGROUP_NAME, "%s", list);
      return true;
    }
    line = end ? end + 1 : NULL;
  }
  return false;
}

static bool is_dir(const char *path)
{
  struct stat st;

  return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

void ia_cgroup_find(ia_cgroup_bases *out, const char *root)
{
  ia_autofree char *groups = root ? NULL : read_proc("/proc/self/cgroup");
  ia_autofree char *mounts = root ? NULL : read_proc("/proc/self/mountinfo");

  *out = (ia_cgroup_bases){0};
  for (unsigned c = 0; c < IA_CG_COUNT; c++) {
    ia_path p;
    bool ok = root ? ia_path_join(&p, NULL, "%s/%s", root, names[c])
                   : groups && mounts && find_own(&p, groups, mounts, (ia_cgroup_control)c);

    if (ok && is_dir(p.s))
      out->dir[c] = strdup(p.s);
  }
}

void ia_cgroup_bases_free(ia_cgroup_bases *b)
{
  for (unsigned c = 0; c < IA_CG_COUNT; c++)
    free(b->dir[c]);
  *b = (ia_cgroup_bases){0};
}

/* "max" and the number that version 1 has for no limit are large enough for a minimum. */
static bool read_limit(const char *dir, uint64_t *least)
{
  static const char *const files[] = {"memory.max", "memory.limit_in_bytes"};

  for (size_t i = 0; i < IA_COUNT(files); i++) {
    ia_autofree char *text = ia_cgroup_read(dir, files[i]);
    uint64_t n = text && text[0] >= '0' && text[0] <= '9' ? strtoull(text, NULL, 10) : UINT64_MAX;

    *least = n < *least ? n : *least;
    if (text)
      return true;
  }
  return false;
}

uint64_t ia_cgroup_own_memory(void)
{
  IA_AUTOV(ia_cgroup_bases) bases = {0};
  uint64_t least = UINT64_MAX;

  ia_cgroup_find(&bases, NULL);
  char *dir = bases.dir[IA_CG_MEMORY] ? bases.dir[IA_CG_MEMORY] : bases.dir[IA_CG_UNIFIED];
  /* the root group of version 2 has no such file, and neither has what the groups are mounted in */
  while (dir && read_limit(dir, &least)) {
    char *slash = strrchr(dir, '/');

    if (!slash || slash == dir)
      break;
    *slash = '\0';
  }
  return least;
}

bool ia_cgroup_write(const char *dir, const char *file, const char *text)
{
  ia_path p;

  if (!ia_path_join(&p, NULL, "%s/%s", dir, file))
    return false;
  ia_autoclose int fd = open(p.s, O_WRONLY | O_CLOEXEC);
  return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

char *ia_cgroup_read(const char *dir, const char *file)
{
  ia_path p;

  return ia_path_join(&p, NULL, "%s/%s", dir, file) ? read_proc(p.s) : NULL;
}
