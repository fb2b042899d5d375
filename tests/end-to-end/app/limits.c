/* An app that goes up to its limits and beyond: the first argument says which. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void say(const char *text)
{
  FILE *f = fopen("/iexec_out/result.txt", "w");

  if (f) {
    fputs(text, f);
    fclose(f);
  }
  f = fopen("/iexec_out/computed.json", "w");
  if (f) {
    fputs("{\"deterministic-output-path\":\"/iexec_out/result.txt\"}", f);
    fclose(f);
  }
}

/* MiB that could be written, up to `most`, and why not more. */
static int fill(const char *path, int most)
{
  static char mib[1 << 20];
  int fd = open(path, O_WRONLY | O_CREAT, 0644), n = 0;

  for (size_t at = 0; n < most;) {
    ssize_t k = write(fd, mib + at, sizeof(mib) - at);

    if (k <= 0)
      break;
    at += (size_t)k;
    if (at == sizeof(mib))
      at = 0, n++;
  }
  if (fd >= 0)
    close(fd);
  return n;
}

static int processes(int most)
{
  int n = 0;

  while (n < most) {
    pid_t p = fork();

    if (p < 0)
      break;
    if (p == 0) {
      pause();
      _exit(0);
    }
    n++;
  }
  return n;
}

static void deep(int levels)
{
  char path[4096] = "/iexec_out";

  for (int i = 0; i < levels; i++) {
    strcat(path, "/d");
    mkdir(path, 0755);
  }
}

static void many(int files)
{
  char path[64];

  for (int i = 0; i < files; i++) {
    snprintf(path, sizeof(path), "/iexec_out/%d", i);
    fclose(fopen(path, "w"));
  }
}

static int values(void)
{
  DIR *d = opendir("/iexec_in/protected");
  int n = 0;

  for (struct dirent *e; d && (e = readdir(d));)
    n += e->d_name[0] != '.';
  return n;
}

int main(int argc, char **argv)
{
  const char *act = argc > 1 ? argv[1] : "";
  int n = argc > 2 ? atoi(argv[2]) : 0, got = 0;
  char text[64], path[256];

  (void)signal(SIGXFSZ, SIG_IGN);
  if (strcmp(act, "tmp") == 0) {
    got = fill("/tmp/full", n);
  } else if (strcmp(act, "out") == 0) {
    got = fill("/iexec_out/full", n);
  } else if (strcmp(act, "fork") == 0) {
    got = processes(n);
  } else if (strcmp(act, "deep") == 0) {
    deep(n);
  } else if (strcmp(act, "many") == 0) {
    many(n);
  } else if (strcmp(act, "values") == 0) {
    got = values();
  } else if (strcmp(act, "args") == 0) {
    got = argc;
  } else if (strcmp(act, "name") == 0) {
    snprintf(path, sizeof(path), "/iexec_out/%0*d", n, 0);
    fclose(fopen(path, "w"));
  } else if (strcmp(act, "sleep") == 0) {
    sleep((unsigned)n);
  }
  snprintf(text, sizeof(text), "%d", got);
  say(text);
  return 0;
}
