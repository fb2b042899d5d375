/* The app of the end-to-end tests. Every argument up to "--" is an act, done in this order (without
 * any: show):
 *   show          arguments, environment and every input file, into result.txt
 *   leak          each protected value to both outputs and into texts.txt; the first also becomes a
 *                 file's name and a member of computed.json
 *   hold=SECONDS  keeps running with what it has read
 *   callback=HEX  computed.json with callback-data
 *   bad           computed.json that names nothing
 *   two           two files and no computed.json
 *   long          a file name of 32 bytes
 *   exit=N        ends with N at once */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;
static char computed[8192];
static char held[1 << 16];

static FILE *create(const char *name)
{
  char path[4096];

  snprintf(path, sizeof(path), "%s/%s", getenv("IEXEC_OUT"), name);
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    exit(70);
  }
  return f;
}

typedef void visit(void *ctx, const char *path, const char *text, size_t len);

static void each_file(const char *folder, visit *fn, void *ctx)
{
  static char text[1 << 16];
  struct dirent **list;
  char path[4096];
  struct stat st;

  int n = scandir(folder, &list, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    if (list[i]->d_name[0] == '.')
      continue;
    snprintf(path, sizeof(path), "%s/%s", folder, list[i]->d_name);
    if (stat(path, &st) != 0)
      continue;
    if (S_ISDIR(st.st_mode)) {
      each_file(path, fn, ctx);
      continue;
    }
    FILE *f = fopen(path, "r");
    size_t len = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
    if (f)
      fclose(f);
    text[len] = '\0';
    fn(ctx, path, text, len);
  }
}

static void show_file(void *ctx, const char *path, const char *text, size_t len)
{
  fprintf(ctx, "file\t%s\t", path);
  fwrite(text, 1, len, ctx);
  fputc('\n', ctx);
}

static void show(int argc, char **argv)
{
  FILE *f = create("result.txt");

  for (int i = 1; i < argc; i++)
    fprintf(f, "arg\t%s\n", argv[i]);
  for (char **e = environ; *e; e++)
    fprintf(f, "env\t%s\n", *e);
  each_file(getenv("IEXEC_IN"), show_file, f);
  fclose(f);
}

static void leak_value(void *ctx, const char *path, const char *text, size_t len)
{
  (void)path;
  fwrite(text, 1, len, ctx);
  printf("value %s\n", text);
  fprintf(stderr, "value %s\n", text);
  if (held[0] == '\0')
    snprintf(held, sizeof(held), "%s", text);
}

static void leak(void)
{
  char folder[4096], name[64];
  FILE *f = create("texts.txt");

  snprintf(folder, sizeof(folder), "%s/protected", getenv("IEXEC_IN"));
  each_file(folder, leak_value, f);
  fclose(f);
  snprintf(name, sizeof(name), "%.31s", held);
  fclose(create(name));
  snprintf(computed, sizeof(computed), "{\"deterministic-output-path\":\"%s\",\"said\":\"%.999s\"}",
           getenv("IEXEC_OUT"), held);
  fflush(stdout);
}

static void act(const char *word, int argc, char **argv)
{
  if (strcmp(word, "show") == 0)
    show(argc, argv);
  else if (strcmp(word, "leak") == 0)
    leak();
  else if (strncmp(word, "hold=", 5) == 0)
    sleep((unsigned)atoi(word + 5));
  else if (strncmp(word, "callback=", 9) == 0)
    snprintf(computed, sizeof(computed), "{\"callback-data\":\"%.2000s\"}", word + 9);
  else if (strcmp(word, "bad") == 0)
    snprintf(computed, sizeof(computed), "{\"deterministic-output-path\":\"/iexec_out/none\"}");
  else if (strcmp(word, "two") == 0)
    fclose(create("second.txt"));
  else if (strcmp(word, "long") == 0)
    fclose(create("a-name-of-thirty-two-bytes-12345"));
  else if (strncmp(word, "exit=", 5) == 0)
    exit(atoi(word + 5));
}

int main(int argc, char **argv)
{
  printf("this is standard output\n");
  fprintf(stderr, "this is standard error\n");
  fflush(stdout);
  for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
    act(argv[i], argc, argv);
  if (argc == 1)
    show(argc, argv);
  if (computed[0]) {
    FILE *f = create("computed.json");

    fputs(computed, f);
    fclose(f);
  }
  return 0;
}
