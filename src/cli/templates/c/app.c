/* @NAME@: this runs inside the enclave.
 *
 * Read from IEXEC_IN, write to IEXEC_OUT. What is printed is a log: who may read it is decided by
 * the owners of the data. The result is what computed.json names. */
#define _GNU_SOURCE
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static FILE *create(const char *name)
{
  char path[4096];

  snprintf(path, sizeof(path), "%s/%s", getenv("IEXEC_OUT"), name);
  FILE *f = fopen(path, "w");
  if (!f) {
    perror(path);
    exit(1);
  }
  return f;
}

@if data bulk
/* Every protected value is a plain file; folders nest as the data does. */
static void show(FILE *out, const char *folder, const char *below)
{
  char path[4096], name[4096];
  struct dirent **list;
  struct stat st;

  snprintf(path, sizeof(path), "%s/%s", folder, below);
  int n = scandir(path, &list, NULL, alphasort);
  if (n < 0) {
    fprintf(out, "no protected data\n");
    return;
  }
  for (int i = 0; i < n; i++) {
    const char *base = list[i]->d_name;

    if (base[0] != '.' && snprintf(name, sizeof(name), "%s%s%s", below, below[0] ? "/" : "", base) > 0 &&
        snprintf(path, sizeof(path), "%s/%s", folder, name) > 0 && stat(path, &st) == 0) {
      if (S_ISDIR(st.st_mode))
        show(out, folder, name);
      else
        fprintf(out, "%s: %lld bytes\n", name, (long long)st.st_size);
    }
    free(list[i]);
  }
  free(list);
}

@end
@if files
static void show_files(FILE *out)
{
  int n = atoi(getenv("IEXEC_INPUT_FILES_NUMBER"));

  for (int i = 1; i <= n; i++) {
    char variable[64], path[4096];
    struct stat st;

    snprintf(variable, sizeof(variable), "IEXEC_INPUT_FILE_NAME_%d", i);
    snprintf(path, sizeof(path), "%s/%s", getenv("IEXEC_IN"), getenv(variable));
    if (stat(path, &st) == 0)
      fprintf(out, "input file %d: %lld bytes\n", i, (long long)st.st_size);
  }
}

@end
@if secret appsecret
static void show_secret(FILE *out, const char *what, const char *variable)
{
  const char *value = getenv(variable);

  fprintf(out, "%s: %zu characters\n", what, value ? strlen(value) : 0);
}

@end
int main(int argc, char **argv)
{
  FILE *out = create("result.txt");

  fprintf(out, "Hello from @NAME@\n");
@if args
  for (int i = 1; i < argc; i++)
    fprintf(out, "argument %d: %s\n", i, argv[i]);
@else
  (void)argc;
  (void)argv;
@end
@if data
  char protected[4096];
  snprintf(protected, sizeof(protected), "%s/protected", getenv("IEXEC_IN"));
  show(out, protected, "");
@end
@if bulk
  const char *size = getenv("IEXEC_BULK_SLICE_SIZE");
  for (int i = 1; i <= (size ? atoi(size) : 0); i++) {
    char folder[4096];

    fprintf(out, "data %d:\n", i);
    snprintf(folder, sizeof(folder), "%s/protected/%d", getenv("IEXEC_IN"), i);
    show(out, folder, "");
  }
@end
@if files
  show_files(out);
@end
@if secret
  show_secret(out, "requester secret 1", "IEXEC_REQUESTER_SECRET_1");
@end
@if appsecret
  show_secret(out, "app secret", "IEXEC_APP_DEVELOPER_SECRET");
@end
  fclose(out);

  FILE *computed = create("computed.json");
@if callback
  /* what the contract receives: ABI-encoded bytes; here one uint256 */
  fprintf(computed, "{\"callback-data\":\"0x%064x\"}", 42);
@else
  fprintf(computed, "{\"deterministic-output-path\":\"%s/result.txt\"}", getenv("IEXEC_OUT"));
@end
  fclose(computed);
  fprintf(stderr, "done\n");
  return 0;
}
