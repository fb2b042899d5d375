#include "service/sms/head.h"

#include <fcntl.h>

#include "base/file.h"
#include "crypto/hkdf.h"

/* Two slots, written in turn, so that a torn write leaves the other. */
enum { SLOT = 512, RECORD = 8 + 32 };

static bool mac(uint8_t out[32], const ia_secret *key, uint64_t generation, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_lp_str(&b, "iapp-head/v1");
  ia_buf_u64be(&b, generation);
  return ia_buf_ok(&b, e) && ia_hmac_sha256(out, ia_secret_view(key), ia_buf_view(&b), e);
}

/* False when the slot holds nothing that we wrote. */
static bool read_slot(int fd, unsigned slot, const ia_secret *key, uint64_t *generation)
{
  uint8_t raw[RECORD] = {0}, want[32];
  ia_span in = IA_SPAN_ARR(raw);

  return pread(fd, raw, sizeof(raw), (off_t)slot * SLOT) == (ssize_t)sizeof(raw) &&
         ia_span_u64be(&in, generation) && mac(want, key, *generation, NULL) &&
         ia_ct_eq(want, in.ptr, sizeof(want));
}

static bool highest(ia_sms_head *h)
{
  bool any = false;

  for (unsigned slot = 0; slot < 2; slot++) {
    uint64_t g = 0;

    if (read_slot(h->fd, slot, h->key, &g) && (!any || g > h->generation)) {
      h->generation = g;
      any = true;
    }
  }
  return any;
}

bool ia_sms_head_open(ia_sms_head *h, const char *dir, const ia_secret *key, bool fresh,
                      uint64_t generation, bool ignore, ia_err *e)
{
  ia_path p;

  *h = (ia_sms_head){.fd = -1, .key = key};
  if (!ia_path_join(&p, e, "%s/head", dir))
    return false;
  h->fd = open(p.s, O_RDWR | O_CLOEXEC | O_CREAT, 0600);
  if (h->fd < 0)
    return ia_fail_errno(e, "%s", p.s);
  if (!highest(h)) {
    if (!fresh && !ignore)
      return ia_fail(e, IA_E_CORRUPT,
                     "%s: missing or damaged, so nobody can tell whether the "
                     "store beside it is the newest",
                     p.s);
    return ia_sms_head_set(h, generation, e) && ia_fsync_dir(dir, e);
  }
  if (h->generation > generation && !ignore)
    return ia_fail(e, IA_E_CORRUPT,
                   "the store in %s is an older copy (write %llu of %llu): nothing is released",
                   dir, (unsigned long long)generation, (unsigned long long)h->generation);
  return true;
}

void ia_sms_head_close(ia_sms_head *h)
{
  if (h->fd >= 0)
    close(h->fd);
  h->fd = -1;
}

bool ia_sms_head_set(ia_sms_head *h, uint64_t generation, ia_err *e)
{
  uint8_t raw[RECORD];

  for (int i = 0; i < 8; i++)
    raw[i] = (uint8_t)(generation >> (56 - 8 * i));
  if (!mac(raw + 8, h->key, generation, e))
    return false;
  if (pwrite(h->fd, raw, sizeof(raw), (off_t)(generation % 2) * SLOT) != (ssize_t)sizeof(raw) ||
      fdatasync(h->fd) != 0)
    return ia_fail_errno(e, "head of the store");
  h->generation = generation;
  return true;
}
