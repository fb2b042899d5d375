/* Deeds on files. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "hostile.h"

static void fill_one(const char *path)
{
  static char block[1 << 20];
  char name[128];
  int fd = open(path, O_WRONLY | O_CREAT, 0644);

  snprintf(name, sizeof(name), "%s", path);
  for (unsigned i = 0; fd >= 0 && i < 1000; i++)
    if (write(fd, block, sizeof(block)) < 0) {
      said(name, -1);
      close(fd);
      return;
    }
  said(name, fd < 0 ? -1 : 0);
}

/* 3 */
int do_fill(void)
{
  signal(SIGXFSZ, SIG_IGN);
  fill_one("/tmp/a");
  fill_one("/tmp/b");
  fill_one("/iexec_out/a");
  fill_one("/iexec_out/b");
  fill_one("/dev/shm/a");
  fill_one("/dev/shm/b");
  return 1;
}

/* 4 */
int do_many_files(void)
{
  char name[64];

  for (unsigned i = 0; i < 1000000; i++) {
    snprintf(name, sizeof(name), "/iexec_out/f%u", i);
    int fd = open(name, O_WRONLY | O_CREAT, 0644);

    if (fd < 0) {
      said("create", -1);
      return 1;
    }
    close(fd);
  }
  return 0;
}

static void put_file(const char *path, const char *text)
{
  int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

  if (fd >= 0) {
    (void)!write(fd, text, strlen(text));
    close(fd);
  }
}

/* 5 */
int do_odd_output(void)
{
  struct sockaddr_un a = {.sun_family = AF_UNIX, .sun_path = "/iexec_out/sock"};
  int s = socket(AF_UNIX, SOCK_STREAM, 0);

  said("symlink", symlink("/etc/shadow", "/iexec_out/shadow"));
  said("symlink2", symlink("/proc/self/environ", "/iexec_out/env"));
  said("symlinkdir", symlink("/", "/iexec_out/rootdir"));
  said("fifo", mkfifo("/iexec_out/fifo", 0644));
  said("socket", bind(s, (struct sockaddr *)&a, sizeof(a)));
  said("char", mknod("/iexec_out/null", S_IFCHR | 0666, 0x103));
  said("block", mknod("/iexec_out/disk", S_IFBLK | 0666, 0x800));
  put_file("/iexec_out/real", "real");
  said("hardlink", link("/iexec_out/real", "/iexec_out/hard"));
  said("hardout", link("/bin/hostile", "/iexec_out/outside"));
  put_file("/iexec_out/computed.json", "{\"deterministic-output-path\":\"/iexec_out/real\"}");
  return 0;
}

/* 6 */
int do_odd_names(void)
{
  char name[512] = "/iexec_out/";

  put_file("/iexec_out/\xff\xfe", "bytes");
  put_file("/iexec_out/esc\033[31m", "escape");
  put_file("/iexec_out/line\nbreak", "newline");
  memset(name + 11, 'n', 255);
  put_file(name, "long");
  mkdir("/iexec_out/closed", 0755);
  put_file("/iexec_out/closed/in", "inside");
  put_file("/iexec_out/unreadable", "unreadable");
  chmod("/iexec_out/unreadable", 0);
  chmod("/iexec_out/closed", 0);
  return 0;
}

int do_deep(void)
{
  if (chdir("/iexec_out") != 0)
    return 1;
  for (unsigned i = 0; i < 500; i++)
    if (mkdir("d", 0755) != 0 || chdir("d") != 0)
      return 2;
  puts("deep");
  return 0;
}

/* 22 */
int do_sparse(void)
{
  signal(SIGXFSZ, SIG_IGN);
  int fd = open("/iexec_out/huge", O_WRONLY | O_CREAT, 0644);

  said("truncate1T", ftruncate(fd, (off_t)1 << 40));
  said("seekwrite", pwrite(fd, "x", 1, (off_t)1 << 40));
  said("truncate60M", ftruncate(fd, 60 << 20));
  int two = open("/iexec_out/huge2", O_WRONLY | O_CREAT, 0644);
  said("truncate60Mtwo", ftruncate(two, 60 << 20));
  return 0;
}

/* 20 */
int do_read_only(void)
{
  static const char *const paths[] = {"/x", "/etc/x", "/iexec_in/x", "/dev/x", "/proc/x", "/usr/x"};

  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
    said(paths[i], open(paths[i], O_WRONLY | O_CREAT, 0644));
  said("chmod", chmod("/bin/hostile", 0777));
  said("unlink", unlink("/iexec_in/data"));
  said("append", open("/iexec_in/data", O_WRONLY | O_APPEND));
  said("tmp", open("/tmp/x", O_WRONLY | O_CREAT, 0644));
  return 0;
}

/* 11: exec of a set-uid copy of itself */
int do_setuid(void)
{
  char name[] = "suid", deed[] = "ids";
  char *const argv[] = {name, deed, NULL};
  char buf[65536];
  ssize_t n;
  int in = open("/bin/hostile", O_RDONLY), out = open("/tmp/suid", O_WRONLY | O_CREAT, 0755);

  while ((n = read(in, buf, sizeof(buf))) > 0)
    if (write(out, buf, (size_t)n) != n)
      return 1;
  close(out);
  said("chmod6755", chmod("/tmp/suid", 06755));
  said("setuid1000", setuid(1000));
  said("setgid1000", setgid(1000));
  fflush(stdout);
  execve("/tmp/suid", argv, environ);
  said("exec", -1);
  return 1;
}

/* 24 */
int do_computed_link(void)
{
  return symlink("/etc/passwd", "/iexec_out/computed.json");
}

int do_computed_large(void)
{
  signal(SIGXFSZ, SIG_IGN);
  int fd = open("/iexec_out/computed.json", O_WRONLY | O_CREAT, 0644);

  return ftruncate(fd, 32 << 20);
}
