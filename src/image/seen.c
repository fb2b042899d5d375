/* Files that were imported before: DIR/imports/<digest of file and name> -> the image. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "crypto/sha.h"
#include "image/private.h"

static bool digest_file(ia_h256 *out, bool *regular, const char *path, ia_err *e)
{
  IA_AUTO(ia_sha) *sha = NULL;
  ia_autofree uint8_t *buf = malloc(256 << 10);
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;

  if (fd < 0 || fstat(fd, &st) != 0)
    return ia_fail_errno(e, "%s", path);
  *regular = S_ISREG(st.st_mode);
  if (!*regular)
    return true;
  if (!buf)
    return ia_fail(e, IA_E_MEMORY, "archive");
  if (!ia_sha_new(&sha, IA_SHA256, e))
    return false;
  for (size_t n = 1; n > 0;) {
    if (!ia_oci_read_fd(&fd, buf, 256 << 10, &n, e))
      return false;
    ia_sha_update(sha, ia_span_of(buf, n));
  }
  return ia_sha_final(sha, out->b, e);
}

static bool record_path(ia_path *p, const ia_images *s, const ia_import *what, const ia_h256 *file,
                        ia_err *e)
{
  IA_AUTOV(ia_buf) key = {0};
  ia_h256 h;

  ia_buf_lp_str(&key, "iapp-import/v1");
  ia_buf_put(&key, file->b, sizeof(file->b));
  ia_buf_lp_str(&key, what->ref ? what->ref : "");
  if (!ia_buf_ok(&key, e))
    return false;
  ia_sha256(&h, ia_buf_view(&key));
  return ia_path_join(p, e, "%s/imports/%s", s->dir, ia_oci_digest_format(&h).s + 7);
}

bool ia_images_seen(ia_images *s, const ia_import *what, ia_h256 *file, bool *known, ia_h256 *image,
                    ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  bool regular = false;
  ia_path p;

  *known = false;
  memset(file, 0, sizeof(*file));
  if (what->want) /* the caller knows the image, and asks the store for it first */
    return true;
  if (!digest_file(file, &regular, what->path, e))
    return false;
  if (!regular)
    return true;
  if (!record_path(&p, s, what, file, e))
    return false;
  if (access(p.s, R_OK) != 0 || !ia_file_read(&text, p.s, 100, NULL))
    return true;
  ia_buf_u8(&text, 0);
  *known = ia_buf_ok(&text, NULL) && ia_oci_digest_parse(image, (const char *)text.ptr, NULL) &&
           ia_images_get(s, NULL, image, NULL);
  return true;
}

bool ia_images_note(ia_images *s, const ia_import *what, const ia_source *src, const ia_h256 *file,
                    const ia_h256 *image, ia_err *e)
{
  ia_h256 read;
  ia_path p;

  /* a file that changed between the two readings says nothing about either content */
  if (what->want || !ia_source_digest(src, &read) || !ia_h256_eq(&read, file))
    return true;
  return ia_path_join(&p, e, "%s/imports", s->dir) && ia_mkdirs(p.s, 0755, e) &&
         record_path(&p, s, what, file, e) &&
         ia_file_write_exact(p.s, ia_span_str(ia_oci_digest_format(image).s), 0644, e);
}
