/* A process tree by /proc. */
#include "sandbox/watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/attr.h"
#include "base/file.h"

enum { PROCESSES = 8192 };

struct row {
  pid_t pid, parent;
  uint64_t ticks;
  int in;
};

static bool read_row(struct row *r, const char *name)
{
  char path[64], text[1024];
  unsigned long long user, sys;
  int parent;

  (void)snprintf(path, sizeof(path), "/proc/%.20s/stat", name);
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
  if (n <= 0)
    return false;
  text[n] = '\0';
  const char *after = strrchr(text, ')');
  /* proc(5): fields 4, 14 and 15 */
  if (!after || sscanf(after + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu", &parent,
                       &user, &sys) != 3)
    return false;
  *r = (struct row){.pid = (pid_t)strtol(name, NULL, 10), .parent = parent, .ticks = user + sys};
  return true;
}

static size_t read_all(struct row *rows)
{
  DIR *d = opendir("/proc");
  size_t n = 0;

  if (!d)
    return 0;
  for (struct dirent *x; n < PROCESSES && (x = readdir(d));)
    if (x->d_name[0] >= '1' && x->d_name[0] <= '9' && read_row(&rows[n], x->d_name))
      n++;
  closedir(d);
  return n;
}

/* Marks children of what is marked until nothing changes. */
static void mark(struct row *rows, size_t n, pid_t root)
{
  bool more = true;

  for (size_t i = 0; i < n; i++)
    rows[i].in = rows[i].pid == root;
  while (more) {
    more = false;
    for (size_t i = 0; i < n; i++)
      for (size_t k = 0; !rows[i].in && k < n; k++)
        if (rows[k].in && rows[k].pid == rows[i].parent)
          rows[i].in = more = true;
  }
}

/* A number in kB after `name` in a status file; 0 when it is not there. */
static uint64_t status_kib(const char *text, const char *name)
{
  const char *at = strstr(text, name);

  return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static uint64_t bytes_of(pid_t pid)
{
  char path[64], text[4096];

  (void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
  if (n <= 0)
    return 0;
  text[n] = '\0';
  return (status_kib(text, "\nRssAnon:") + status_kib(text, "\nVmPTE:")) * 1024;
}

void ia_tree_use_get(ia_tree_use *out, pid_t root)
{
  ia_autofree struct row *rows = calloc(PROCESSES, sizeof(*rows));

  *out = (ia_tree_use){0};
  if (!rows)
    return;
  size_t n = read_all(rows);
  mark(rows, n, root);
  for (size_t i = 0; i < n; i++) {
    if (!rows[i].in)
      continue;
    out->processes++;
    out->bytes += bytes_of(rows[i].pid);
    out->cpu_ms += rows[i].ticks * 1000 / (uint64_t)sysconf(_SC_CLK_TCK);
  }
}

bool ia_swap_listed(ia_span text)
{
  size_t lines = 0;

  for (size_t i = 0; i < text.len; i++)
    lines += text.ptr[i] == '\n';
  return lines > 1; /* the first is the heading */
}

static const char *swaps(void)
{
#ifdef IA_TEST_HOOKS
  const char *instead = getenv("IAPP_TEST_SWAPS");

  if (instead)
    return instead;
#endif
  return "/proc/swaps";
}

bool ia_swap_active(void)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_autoclose int fd = open(swaps(), O_RDONLY | O_CLOEXEC);

  return fd < 0 || !ia_fd_read_all(&b, fd, 65536, NULL) || ia_swap_listed(ia_buf_view(&b));
}
