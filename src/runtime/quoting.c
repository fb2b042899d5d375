/* Keys of the simulation on disk, and quotes by them. */
#include "runtime/quoting.h"

#include <fcntl.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/owned.h"
#include "crypto/sha.h"
#include "tee/sim.h"

struct ia_quoting {
  ia_simpki *pki;
  ia_h256 root;
};

enum { KEY_CAP = 64 << 10 };

/* The key first: a certificate file means that the pair is whole. */
static bool make(ia_quoting *q, const char *certs_path, const char *key_path, ia_err *e)
{
  IA_AUTOV(ia_buf) certs = {0}, keys = {.secret = true};

  return ia_simpki_new(&q->pki, ia_now(), e) && ia_simpki_export(q->pki, &certs, &keys, e) &&
         ia_file_write(key_path, ia_buf_view(&keys), 0600, e) &&
         ia_file_write(certs_path, ia_buf_view(&certs), 0644, e);
}

static bool load(ia_quoting *q, const char *certs_path, const char *key_path, ia_err *e)
{
  IA_AUTOV(ia_buf) certs = {0}, keys = {.secret = true};

  return ia_file_read_trusted(&certs, certs_path, KEY_CAP, e) &&
         ia_file_read_private(&keys, key_path, KEY_CAP, e) &&
         (ia_simpki_import(&q->pki, ia_buf_view(&certs), ia_buf_view(&keys), e) ||
          ia_wrap(e, "%s, %s", certs_path, key_path));
}

bool ia_quoting_open(ia_quoting **out, const char *dir, ia_err *e)
{
  IA_AUTO(ia_quoting) *q = calloc(1, sizeof(*q));
  ia_path certs, key;

  *out = NULL;
  if (!q)
    return ia_fail(e, IA_E_MEMORY, "quoting");
  if (!ia_path_join(&certs, e, "%s/sim-root.pem", dir) ||
      !ia_path_join(&key, e, "%s/sim-root.key", dir))
    return false;
  bool there = access(certs.s, F_OK) == 0;
  if (!(there ? load(q, certs.s, key.s, e) : make(q, certs.s, key.s, e)))
    return ia_wrap(e, "simulated quoting");
  if (!ia_simpki_root_digest(&q->root, q->pki, e))
    return false;
  *out = ia_steal(&q);
  return true;
}

void ia_quoting_close(ia_quoting *q)
{
  if (!q)
    return;
  ia_simpki_free(q->pki);
  free(q);
}

void ia_quoting_root(const ia_quoting *q, ia_h256 *root)
{
  *root = q->root;
}

bool ia_quoting_measure(ia_h384 *mr_td, const char *guest_exe, ia_err *e)
{
  IA_AUTO(ia_sha) *sha = NULL;
  uint8_t buf[16384];
  ia_autoclose int fd = open(guest_exe, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return ia_fail_errno(e, "%s", guest_exe);
  if (!ia_sha_new(&sha, IA_SHA384, e))
    return false;
  for (;;) {
    ssize_t n = read(fd, buf, sizeof(buf));

    if (n < 0)
      return ia_fail_errno(e, "%s", guest_exe);
    if (n == 0)
      return ia_sha_final(sha, mr_td->b, e);
    ia_sha_update(sha, ia_span_of(buf, (size_t)n));
  }
}

bool ia_quoting_extend(ia_h384 *rtmr3, ia_span digest, ia_err *e)
{
  uint8_t both[96];

  if (digest.len != 48)
    return ia_fail(e, IA_E_INVALID, "register: want 48 bytes");
  memcpy(both, rtmr3->b, 48);
  memcpy(both + 48, digest.ptr, 48);
  ia_sha384(rtmr3->b, IA_SPAN_ARR(both));
  return true;
}

bool ia_quoting_quote(const ia_quoting *q, ia_buf *quote, const ia_h384 *mr_td,
                      const ia_h384 *rtmr3, ia_span report_data, ia_err *e)
{
  ia_sim_claims claims = {.mr_td = *mr_td, .rtmr3 = *rtmr3};

  if (report_data.len != sizeof(claims.report_data.b))
    return ia_fail(e, IA_E_INVALID, "report data: want 64 bytes");
  memcpy(claims.report_data.b, report_data.ptr, report_data.len);
  return ia_sim_quote(quote, q->pki, &claims, e);
}
