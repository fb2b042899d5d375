/* Says what limit it sees, or takes so many MiB and says so. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_limit(char *out, size_t cap)
{
  static const char *const files[] = {"/sys/fs/cgroup/memory.max",
                                      "/sys/fs/cgroup/memory/memory.limit_in_bytes"};

  for (size_t i = 0; i < 2; i++) {
    FILE *f = fopen(files[i], "r");

    if (!f)
      continue;
    char *got = fgets(out, (int)cap, f);
    fclose(f);
    out[strcspn(out, "\n")] = '\0';
    return got != NULL;
  }
  return 0;
}

int main(int argc, char **argv)
{
  char limit[64] = "none";
  const char *java = getenv("JAVA_TOOL_OPTIONS");
  unsigned long mib = argc > 2 && strcmp(argv[1], "take") == 0 ? strtoul(argv[2], NULL, 10) : 0;

  (void)read_limit(limit, sizeof(limit));
  for (unsigned long i = 0; i < mib; i++) {
    char *p = malloc(1 << 20);

    if (!p)
      return 3;
    memset(p, 0x5a, 1 << 20);
  }
  FILE *f = fopen("/iexec_out/result.txt", "w");
  if (!f)
    return 2;
  fprintf(f, "limit=%s\njava=%s\ntook=%lu\n", limit, java ? java : "", mib);
  return fclose(f) == 0 ? 0 : 2;
}
