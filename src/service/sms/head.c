#include "service/sms/head.h"

#include <fcntl.h>

#include "base/file.h"
#include "crypto/hkdf.h"

/* Two slots, written in turn, so that a torn write leaves the other. */
enum { SLOT = 512, MAC = 32, RECORD = 8 + MAC + MAC };

static bool text(uint8_t raw[RECORD], const ia_secret *key, const ia_journal_tip *tip, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_u64be(&b, tip->seq);
  ia_buf_span(&b, IA_SPAN_ARR(tip->mac));
  if (!ia_buf_ok(&b, e))
    return false;
  memcpy(raw, b.ptr, 8 + MAC);
  ia_buf_clear(&b);
  ia_buf_lp_str(&b, "iapp-head/v2");
  ia_buf_u64be(&b, tip->seq);
  ia_buf_span(&b, IA_SPAN_ARR(tip->mac));
  return ia_buf_ok(&b, e) && ia_hmac_sha256(raw + 8 + MAC, ia_secret_view(key), ia_buf_view(&b), e);
}

/* False when the slot holds nothing that we wrote. */
static bool read_slot(int fd, unsigned slot, const ia_secret *key, ia_journal_tip *tip)
{
  uint8_t raw[RECORD] = {0}, want[RECORD];
  ia_span in = IA_SPAN_ARR(raw);

  return pread(fd, raw, sizeof(raw), (off_t)slot * SLOT) == (ssize_t)sizeof(raw) &&
         ia_span_u64be(&in, &tip->seq) && ia_span_copy(&in, tip->mac, sizeof(tip->mac)) &&
         text(want, key, tip, NULL) && ia_ct_eq(want, raw, sizeof(want));
}

bool ia_sms_head_open(ia_sms_head *h, const char *dir, const ia_secret *key, ia_err *e)
{
  ia_path p;

  *h = (ia_sms_head){.fd = -1, .key = key};
  if (!ia_path_join(&p, e, "%s/head", dir))
    return false;
  h->fd = open(p.s, O_RDWR | O_CLOEXEC | O_CREAT | O_NOFOLLOW, 0600);
  if (h->fd < 0)
    return ia_fail_errno(e, "%s", p.s);
  for (unsigned slot = 0; slot < 2; slot++) {
    ia_journal_tip t;

    if (!read_slot(h->fd, slot, key, &t) || (h->any && t.seq <= h->tip.seq))
      continue;
    h->tip = t;
    h->slot = slot == 1;
    h->any = true;
  }
  return ia_fsync_dir(dir, e);
}

void ia_sms_head_close(ia_sms_head *h)
{
  if (h->fd >= 0)
    close(h->fd);
  h->fd = -1;
}

bool ia_sms_head_set(ia_sms_head *h, const ia_journal_tip *tip, ia_err *e)
{
  uint8_t raw[RECORD];
  off_t at;

  if (!text(raw, h->key, tip, e))
    return false;
  /* never over the one that is valid now */
  h->slot = !h->slot;
  at = h->slot ? SLOT : 0;
  if (pwrite(h->fd, raw, sizeof(raw), at) != (ssize_t)sizeof(raw) || fdatasync(h->fd) != 0)
    return ia_fail_errno(e, "head of the store");
  h->tip = *tip;
  h->any = true;
  return true;
}
