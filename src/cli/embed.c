/* Build tool: prints files as one C table {name, bytes, length}.
 * usage: embed TABLE NAME FILE [NAME FILE ..] */
#include <stdio.h>

static int print_bytes(const char *path, unsigned n)
{
  FILE *f = fopen(path, "rb");
  unsigned count = 0;
  int c;

  if (!f) {
    perror(path);
    return -1;
  }
  printf("static const char file_%u[] = {", n);
  while ((c = getc(f)) != EOF)
    printf("%s%d,", count++ % 20 == 0 ? "\n  " : "", c < 128 ? c : c - 256);
  printf("\n  0};\n");
  return fclose(f);
}

int main(int argc, char **argv)
{
  if (argc < 4 || argc % 2 != 0) {
    fprintf(stderr, "usage: embed TABLE NAME FILE [NAME FILE ..]\n");
    return 2;
  }
  printf("#include \"cli/init_files.h\"\n\n");
  for (int i = 2; i < argc; i += 2) {
    if (print_bytes(argv[i + 1], (unsigned)i / 2) != 0)
      return 1;
  }
  printf("const ia_template %s[] = {\n", argv[1]);
  for (int i = 2; i < argc; i += 2)
    printf("  {\"%s\", file_%d},\n", argv[i], i / 2);
  printf("  {0}};\n");
  return 0;
}
