/* An app for tests of the guest: reads its protected value and does with it what argv says. Static;
 * everything it touches is below /iexec_in, /iexec_out and /tmp. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char marker[4096];

static void put(const char *name, const char *text)
{
  char path[512];

  snprintf(path, sizeof(path), "/iexec_out/%s", name);
  FILE *f = fopen(path, "w");
  if (f) {
    fputs(text, f);
    fclose(f);
  }
}

static void load(void)
{
  const char *in = getenv("IEXEC_IN");
  char path[512];
  size_t n = 0;

  snprintf(path, sizeof(path), "%s/protected/secretText", in ? in : "");
  FILE *f = fopen(path, "r");
  if (f) {
    n = fread(marker, 1, sizeof(marker) - 1, f);
    fclose(f);
  }
  marker[n] = '\0';
}

/* Everywhere an app can put a secret: outputs, a file, a file's name, computed.json. */
static void leak(void)
{
  char computed[8192], name[64];

  load();
  printf("%s\n", marker);
  fprintf(stderr, "%s\n", marker);
  fflush(stdout);
  put("result.txt", marker);
  snprintf(name, sizeof(name), "%.31s", marker);
  put(name, "x");
  snprintf(computed, sizeof(computed),
           "{\"deterministic-output-path\":\"/iexec_out/result.txt\",\"note\":\"%s\"}", marker);
  put("computed.json", computed);
}

static int do_env(void)
{
  FILE *f = fopen("/iexec_out/result.txt", "w");

  if (!f)
    return 1;
  for (char **e = environ; *e; e++)
    fprintf(f, "%s\n", *e);
  fclose(f);
  return 0;
}

static int do_get(void)
{
  char name[] = "iapp-guest", verb[] = "get", path[] = "secretText";
  char *const argv[] = {name, verb, path, NULL};
  int fd = open("/iexec_out/result.txt", O_WRONLY | O_CREAT, 0644);

  if (fd < 0 || dup2(fd, 1) < 0)
    return 1;
  execve("/usr/bin/iapp-guest", argv, environ);
  return 2;
}

static int do_files(void)
{
  char path[512], text[1024] = "";
  const char *name = getenv("IEXEC_INPUT_FILE_NAME_1");
  FILE *f;

  snprintf(path, sizeof(path), "/iexec_in/%s", name ? name : "");
  f = fopen(path, "r");
  if (f) {
    (void)!fgets(text, sizeof(text), f);
    fclose(f);
  }
  put("result.txt", text);
  return f ? 0 : 1;
}

/* What the requester's first secret names. */
static int do_content(void)
{
  char text[1024] = "none";
  FILE *f = fopen("/iexec_in/content/1", "r");

  if (f) {
    (void)!fgets(text, sizeof(text), f);
    fclose(f);
  }
  put("result.txt", text);
  return 0;
}

/* What there is of a slice of two. */
static int do_slice(void)
{
  char text[512];
  char one[64] = "";
  FILE *f = fopen("/iexec_in/protected/1/secretText", "r");
  const char *second = getenv("IEXEC_DATASET_2_FILENAME");

  if (f) {
    (void)!fgets(one, sizeof(one), f);
    fclose(f);
  }
  char path[128];
  snprintf(path, sizeof(path), "/iexec_in/%s", second ? second : "absent");
  snprintf(text, sizeof(text), "%s %d %d %d", one, access("/iexec_in/protected/2", F_OK),
           access("/iexec_in/protected/2/secretText", F_OK), access(path, F_OK));
  put("result.txt", text);
  return 0;
}

static int do_links(void)
{
  put("result.txt", "x");
  put("computed.json", "{\"deterministic-output-path\":\"/iexec_out/result.txt\"}");
  return symlink("/etc/shadow", "/iexec_out/sh\033adow") == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "cmd";

  if (strcmp(what, "leak") == 0 || strcmp(what, "leak-fail") == 0) {
    leak();
    return strcmp(what, "leak") == 0 ? 0 : 5;
  }
  if (strcmp(what, "cmd") == 0)
    put("result.txt", "by cmd");
  if (strcmp(what, "bad-json") == 0) {
    load();
    put("computed.json", marker);
  }
  if (strcmp(what, "escape") == 0)
    put("computed.json", "{\"deterministic-output-path\":\"/iexec_out/../../etc/passwd\"}");
  if (strcmp(what, "long-name") == 0)
    put("a-name-of-more-than-thirty-one-bytes", "x");
  if (strcmp(what, "callback") == 0)
    put("computed.json", "{\"callback-data\":\"0x1234\"}");
  if (strcmp(what, "diagnosis") == 0) {
    put("result.txt", "F32.0");
    put("computed.json", "{\"deterministic-output-path\":\"/iexec_out/result.txt\"}");
  }
  if (strcmp(what, "reserved") == 0) {
    put("computed.json", "{\"deterministic-output-path\":\"/iexec_out\"}");
    put(".iapp-blind", "00000000000000000000000000000000");
  }
  if (strcmp(what, "reserved-folder") == 0) {
    put("result.txt", "x");
    return mkdir("/iexec_out/.iapp-blind", 0755) == 0 ? 0 : 1;
  }
  if (strcmp(what, "two") == 0) {
    put("a", "1");
    put("b", "2");
  }
  if (strcmp(what, "links") == 0)
    return do_links();
  if (strcmp(what, "slice") == 0)
    return do_slice();
  if (strcmp(what, "content") == 0)
    return do_content();
  if (strcmp(what, "env") == 0)
    return do_env();
  if (strcmp(what, "get") == 0)
    return do_get();
  if (strcmp(what, "files") == 0)
    return do_files();
  if (strcmp(what, "sleep") == 0)
    for (;;)
      pause();
  return 0;
}
