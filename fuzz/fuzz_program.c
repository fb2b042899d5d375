/* A file of an image as its program, and as its passwd and group: ELF headers, "#!" lines, records.
 */
#include <string.h>

#include "image/run.h"

int ia_fuzz_program(const uint8_t *data, size_t size);

static ia_at look(void *arg IA_UNUSED, const char *path, char link[IA_TAR_PATH + 1])
{
  if (strcmp(path, "l") == 0) {
    memcpy(link, "../x/app", 9);
    return IA_AT_LINK;
  }
  return strcmp(path, "x") == 0 ? IA_AT_FOLDER : IA_AT_PROGRAM;
}

static bool read_part(void *arg, const char *path IA_UNUSED, uint64_t offset, void *buf,
                      size_t room, size_t *n, ia_err *e IA_UNUSED)
{
  const ia_span *in = arg;

  *n = 0;
  if (offset < in->len) {
    *n = in->len - (size_t)offset < room ? in->len - (size_t)offset : room;
    memcpy(buf, in->ptr + offset, *n);
  }
  return true;
}

int ia_fuzz_program(const uint8_t *data, size_t size)
{
  ia_span in = ia_span_of(data, size);
  char program[] = "/l", workdir[] = "/l/..", user[] = "app:app";
  char *words[] = {program};
  ia_oci_config config = {.entrypoint = {words, 1}, .workdir = workdir, .user = user};
  const ia_image_view view = {.look = look, .read = read_part, .arg = &in};
  static ia_image_run run;
  ia_err e;

  (void)!ia_image_run_of(&run, &view, &config, &e);
  (void)!ia_image_check_program(&view, &config, &run, &e);
  return 0;
}
