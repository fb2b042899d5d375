/* Ustar and pax headers (POSIX.1-2001). */
#include "image/tarwrite.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"

enum { BLOCK = 512, NAME = 100 };

static bool put(ia_tar_writer *w, const void *buf, size_t n, ia_err *e)
{
  return n == 0 || w->write(w->arg, buf, n, e);
}

static bool header(ia_tar_writer *w, char type, const char *name, const char *link, unsigned mode,
                   uint64_t size, int64_t mtime, ia_err *e)
{
  uint8_t h[BLOCK] = {0};
  unsigned sum = 0;

  if (size >> 33 || mtime < 0 || mtime >> 33)
    return ia_fail(e, IA_E_INVALID, "tar: number too large for a header");
  memcpy(h, name, strnlen(name, NAME));
  (void)snprintf((char *)h + 100, 8, "%07o", mode & 07777);
  (void)snprintf((char *)h + 108, 8, "%07o", 0u);
  (void)snprintf((char *)h + 116, 8, "%07o", 0u);
  (void)snprintf((char *)h + 124, 12, "%011llo", (unsigned long long)size);
  (void)snprintf((char *)h + 136, 12, "%011llo", (unsigned long long)mtime);
  memset(h + 148, ' ', 8);
  h[156] = (uint8_t)type;
  memcpy(h + 157, link, strnlen(link, NAME));
  memcpy(h + 257,
         "ustar\0"
         "00",
         8);
  for (size_t i = 0; i < BLOCK; i++)
    sum += h[i];
  (void)snprintf((char *)h + 148, 7, "%06o", sum);
  return put(w, h, sizeof(h), e);
}

/* "LENGTH KEY=VALUE\n", LENGTH counting itself. */
static void record(ia_buf *b, const char *key, const char *value)
{
  size_t rest = strlen(key) + strlen(value) + 3, total = rest + 1;
  char digits[24];

  while ((size_t)snprintf(digits, sizeof(digits), "%zu", total) + rest != total)
    total++;
  ia_buf_printf(b, "%zu %s=%s\n", total, key, value);
}

static bool padding(ia_tar_writer *w, size_t n, ia_err *e)
{
  static const uint8_t zero[BLOCK];

  return put(w, zero, n, e);
}

static bool extended(ia_tar_writer *w, const ia_tar_entry *en, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  if (strlen(en->path) > NAME)
    record(&b, "path", en->path);
  if (strlen(en->link) > NAME)
    record(&b, "linkpath", en->link);
  if (b.len == 0)
    return ia_buf_ok(&b, e);
  return ia_buf_ok(&b, e) && header(w, 'x', "././@PaxHeader", "", 0644, b.len, 0, e) &&
         put(w, b.ptr, b.len, e) && padding(w, -b.len & (BLOCK - 1), e);
}

bool ia_tar_write_entry(ia_tar_writer *w, const ia_tar_entry *en, ia_err *e)
{
  static const char types[] = {
      [IA_TAR_FILE] = '0', [IA_TAR_DIR] = '5', [IA_TAR_SYMLINK] = '2', [IA_TAR_HARDLINK] = '1'};
  uint64_t size = en->type == IA_TAR_FILE ? en->size : 0;

  if (w->left > 0 || (size_t)en->type >= sizeof(types))
    return ia_fail(e, IA_E_INVALID, "tar: entry out of place");
  w->left = size;
  w->pad = (unsigned)(-size & (BLOCK - 1));
  return extended(w, en, e) &&
         header(w, types[en->type], en->path, en->link, en->mode, size, en->mtime, e);
}

bool ia_tar_write_data(ia_tar_writer *w, const void *buf, size_t n, ia_err *e)
{
  if (n > w->left)
    return ia_fail(e, IA_E_INVALID, "tar: more content than said");
  w->left -= n;
  return put(w, buf, n, e) && (w->left > 0 || n == 0 || padding(w, w->pad, e));
}

bool ia_tar_write_end(ia_tar_writer *w, ia_err *e)
{
  if (w->left > 0)
    return ia_fail(e, IA_E_INVALID, "tar: content is missing");
  return padding(w, BLOCK, e) && padding(w, BLOCK, e);
}
