/* What a program can learn of its limits, and of the machine while it looks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hostile.h"

#define TOP "/sys/fs/cgroup"

/* "path=first line", "path=covered" where nothing can be read. */
static void tell(const char *path)
{
  char text[4096];
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

  if (fd >= 0)
    close(fd);
  if (n < 0) {
    said(path, -1);
    return;
  }
  text[n] = '\0';
  text[strcspn(text, "\n")] = '\0';
  printf("%s=%s\n", path, n == 0 ? "covered" : text);
}

static void walk(const char *dir, int depth)
{
  DIR *d = opendir(dir);

  for (struct dirent *x; d && (x = readdir(d));) {
    char path[1024];
    struct stat st;

    if (strcmp(x->d_name, ".") == 0 || strcmp(x->d_name, "..") == 0)
      continue;
    (void)snprintf(path, sizeof(path), "%s/%s", dir, x->d_name);
    if (lstat(path, &st) != 0)
      said(path, -1);
    else if (S_ISDIR(st.st_mode) && depth > 0)
      walk(path, depth - 1);
    else if (S_ISDIR(st.st_mode))
      printf("%s=folder\n", path);
    else if (!S_ISLNK(st.st_mode))
      tell(path);
  }
  if (d)
    closedir(d);
}

static void try_write(const char *path)
{
  int fd = open(path, O_WRONLY);
  char name[128];

  (void)snprintf(name, sizeof(name), "write %s", path);
  said(name, fd < 0 ? -1 : write(fd, "1", 1));
  if (fd >= 0)
    close(fd);
}

int do_limits(void)
{
  static const char *const names[] = {"JAVA_TOOL_OPTIONS", "GOMEMLIMIT", "GOMAXPROCS",
                                      "NODE_OPTIONS"};

  walk(TOP, 1);
  try_write(TOP "/memory.max");
  try_write(TOP "/memory/memory.limit_in_bytes");
  try_write(TOP "/memory/cgroup.procs");
  try_write(TOP "/cgroup.procs");
  said("mkdir", mkdir(TOP "/memory/more", 0755));
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
    printf("%s=%s\n", names[i], getenv(names[i]) ? getenv(names[i]) : "unset");
  tell("/proc/self/cgroup");
  return 0;
}
