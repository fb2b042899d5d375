/* Runs a fuzz target over every file of its corpus folder. */
#include <dirent.h>
#include <stdio.h>

#include "base/file.h"

int IA_FUZZ(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
  DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
  unsigned n = 0;

  if (!dir) {
    fprintf(stderr, "usage: %s CORPUS\n", argv[0]);
    return 2;
  }
  for (struct dirent *d; (d = readdir(dir));) {
    IA_AUTOV(ia_buf) b = {0};
    ia_path p;
    ia_err e = {0};

    if (d->d_name[0] == '.')
      continue;
    if (!ia_path_join(&p, &e, "%s/%s", argv[1], d->d_name) ||
        !ia_file_read(&b, p.s, 16 << 20, &e)) {
      fprintf(stderr, "%s\n", e.msg);
      return 1;
    }
    /* an exact-size copy, so that reading past the end meets the sanitizer */
    uint8_t *copy = malloc(b.len ? b.len : 1);
    if (!copy)
      return 1;
    if (b.len > 0)
      memcpy(copy, b.ptr, b.len);
    (void)IA_FUZZ(copy, b.len);
    free(copy);
    n++;
  }
  closedir(dir);
  printf("%u inputs\n", n);
  return n > 0 ? 0 : 1;
}
