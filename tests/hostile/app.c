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
  const char *failed = getenv("IEXEC_DATASET_2_FAILED");
  char path[128];
  snprintf(path, sizeof(path), "/iexec_in/%s", second ? second : "absent");
  snprintf(text, sizeof(text), "%s %d %d %d %s", one, access("/iexec_in/protected/2", F_OK),
           access("/iexec_in/protected/2/secretText", F_OK), access(path, F_OK),
           failed ? failed : "-");
  put("result.txt", text);
  return 0;
}

static int do_links(void)
{
  put("result.txt", "x");
  put("computed.json", "{\"deterministic-output-path\":\"/iexec_out/result.txt\"}");
  return symlink("/etc/shadow", "/iexec_out/sh\033adow") == 0 ? 0 : 1;
}

static int do_bad_json(void)
{
  load();
  put("computed.json", marker);
  return 0;
}

static int do_reserved_folder(void)
{
  put("result.txt", "x");
  return mkdir("/iexec_out/.iapp-blind", 0755) == 0 ? 0 : 1;
}

static int do_leak(void)
{
  leak();
  return 0;
}

static int do_leak_fail(void)
{
  leak();
  return 5;
}

static int do_sleep(void)
{
  pause();
  return 0;
}

/* More memory than any app of a guest has. */
static int do_hog(void)
{
  leak();
  for (int i = 0; i < 1024; i++) {
    volatile char *p = malloc(1 << 24);

    for (size_t k = 0; p && k < (1 << 24); k += 4096)
      p[k] = 1;
  }
  return 0;
}

#define RESULT_TXT "{\"deterministic-output-path\":\"/iexec_out/result.txt\"}"

/* What a word makes of the output: up to two files, or a function. */
static const struct act {
  const char *word;
  const char *file[2][2];
  int (*run)(void);
} acts[] = {
    {"cmd", {{"result.txt", "by cmd"}}, NULL},
    {"escape",
     {{"computed.json", "{\"deterministic-output-path\":\"/iexec_out/../../etc/passwd\"}"}},
     NULL},
    {"long-name", {{"a-name-of-more-than-thirty-one-bytes", "x"}}, NULL},
    {"callback", {{"computed.json", "{\"callback-data\":\"0x1234\"}"}}, NULL},
    {"diagnosis", {{"result.txt", "F32.0"}, {"computed.json", RESULT_TXT}}, NULL},
    {"reserved",
     {{"computed.json", "{\"deterministic-output-path\":\"/iexec_out\"}"},
      {".iapp-blind", "00000000000000000000000000000000"}},
     NULL},
    {"two", {{"a", "1"}, {"b", "2"}}, NULL},
    {"bad-json", {{NULL}}, do_bad_json},
    {"reserved-folder", {{NULL}}, do_reserved_folder},
    {"leak", {{NULL}}, do_leak},
    {"leak-fail", {{NULL}}, do_leak_fail},
    {"links", {{NULL}}, do_links},
    {"slice", {{NULL}}, do_slice},
    {"content", {{NULL}}, do_content},
    {"env", {{NULL}}, do_env},
    {"get", {{NULL}}, do_get},
    {"files", {{NULL}}, do_files},
    {"sleep", {{NULL}}, do_sleep},
    {"hog", {{NULL}}, do_hog},
};

int main(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "cmd";

  for (size_t i = 0; i < sizeof(acts) / sizeof(acts[0]); i++) {
    const struct act *a = &acts[i];

    if (strcmp(what, a->word) != 0)
      continue;
    for (int k = 0; k < 2 && a->file[k][0]; k++)
      put(a->file[k][0], a->file[k][1]);
    return a->run ? a->run() : 0;
  }
  return 0;
}
