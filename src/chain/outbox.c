/* The folder of transactions under way: one file a nonce. */
#include "chain/outbox.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/json.h"

enum { FILE_CAP = 8 << 20 };

void ia_outgoing_free(ia_outgoing *t)
{
  for (size_t i = 0; i < t->n; i++)
    ia_buf_free(&t->raw[i]);
  t->n = 0;
}

bool ia_outgoing_tx(const ia_outgoing *t, ia_tx *out, ia_err *e)
{
  if (t->n == 0)
    return ia_fail(e, IA_E_CORRUPT, "outbox: no form of nonce %" PRIu64, t->nonce);
  return ia_tx_decode(out, ia_buf_view(&t->raw[t->n - 1]), e);
}

bool ia_outgoing_add(ia_outgoing *t, ia_span raw, uint64_t block, ia_err *e)
{
  if (t->n == IA_OUTGOING_FORMS)
    return ia_fail(e, IA_E_TOO_LARGE, "nonce %" PRIu64 " was replaced too often", t->nonce);
  t->raw[t->n] = (ia_buf){0};
  ia_buf_span(&t->raw[t->n], raw);
  t->block = block;
  t->ms = ia_now_ms();
  return ia_buf_ok(&t->raw[t->n++], e);
}

bool ia_outbox_open(ia_outbox *o, const char *top, uint64_t chain_id, const ia_addr *account,
                    ia_err *e)
{
  *o = (ia_outbox){.kept = top != NULL, .lock = -1};
  return !top ||
         (ia_path_join(&o->dir, e, "%s/%" PRIu64 "-%s", top, chain_id, ia_addr_lower(account).s) &&
          ia_mkdirs(o->dir.s, 0700, e));
}

bool ia_outbox_lock(ia_outbox *o, ia_err *e)
{
  ia_path p;
  int got;

  if (!o->kept)
    return true;
  if (!ia_path_join(&p, e, "%s/lock", o->dir.s))
    return false;
  ia_autoclose int fd = open(p.s, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0)
    return ia_fail_errno(e, "%s", p.s);
  do
    got = flock(fd, LOCK_EX);
  while (got != 0 && errno == EINTR);
  if (got != 0)
    return ia_fail_errno(e, "%s", p.s);
  o->lock = ia_steal_fd(&fd);
  return true;
}

void ia_outbox_unlock(ia_outbox *o)
{
  if (!o || o->lock < 0)
    return;
  close(o->lock);
  o->lock = -1;
}

static bool path_of(const ia_outbox *o, ia_path *p, uint64_t nonce, ia_err *e)
{
  return ia_path_join(p, e, "%s/%" PRIu64 ".json", o->dir.s, nonce);
}

static int by_number(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

  return x < y ? -1 : x > y;
}

bool ia_outbox_list(const ia_outbox *o, uint64_t *nonces, size_t max, size_t *n, ia_err *e)
{
  *n = 0;
  if (!o->kept)
    return true;
  DIR *d = opendir(o->dir.s);
  if (!d)
    return ia_fail_errno(e, "%s", o->dir.s);
  for (struct dirent *en; (en = readdir(d)) && *n < max;) {
    char *end;
    uint64_t v = strtoull(en->d_name, &end, 10);

    if (end != en->d_name && strcmp(end, ".json") == 0)
      nonces[(*n)++] = v;
  }
  closedir(d);
  qsort(nonces, *n, sizeof(*nonces), by_number);
  return true;
}

bool ia_outbox_load(const ia_outbox *o, ia_outgoing *out, uint64_t nonce, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = NULL;
  json_t *raws, *one;
  ia_path p;
  size_t i;

  if (!o->kept)
    return true;
  if (!path_of(o, &p, nonce, e))
    return false;
  if (access(p.s, F_OK) != 0)
    return ia_fail(e, IA_E_NOT_FOUND, "nonce %" PRIu64 " is no longer under way", nonce);
  ia_outgoing_free(out);
  out->nonce = nonce;
  if (!ia_file_read(&text, p.s, FILE_CAP, e) || !(v = ia_json_parse(ia_buf_view(&text), 0, e)) ||
      !ia_json_get_arr(v, "raw", &raws, e) || !ia_json_get_u64(v, "block", &out->block, e) ||
      !ia_json_get_u64(v, "ms", &out->ms, e))
    return ia_wrap(e, "%s", p.s);
  json_array_foreach (raws, i, one) {
    const char *hex = json_string_value(one);

    if (out->n == IA_OUTGOING_FORMS || !hex)
      return ia_fail(e, IA_E_CORRUPT, "%s: forms", p.s);
    out->raw[out->n] = (ia_buf){0};
    if (!ia_unhex_buf(&out->raw[out->n++], ia_span_str(hex)))
      return ia_fail(e, IA_E_CORRUPT, "%s: no hex", p.s);
  }
  return out->n > 0 || ia_fail(e, IA_E_CORRUPT, "%s: no form", p.s);
}

bool ia_outbox_save(const ia_outbox *o, const ia_outgoing *t, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO_JSON *v = NULL;
  ia_path p;

  if (!o->kept)
    return true;
  json_t *raws = json_array();
  for (size_t i = 0; i < t->n; i++)
    json_array_append_new(raws, ia_json_hex(ia_buf_view(&t->raw[i])));
  v = json_pack("{s:I, s:I, s:o}", "block", (json_int_t)t->block, "ms", (json_int_t)t->ms, "raw",
                raws);
  return path_of(o, &p, t->nonce, e) && ia_json_write(&text, v, e) &&
         ia_file_write(p.s, ia_buf_view(&text), 0600, e);
}

void ia_outbox_drop(const ia_outbox *o, uint64_t nonce)
{
  ia_path p;

  if (o->kept && path_of(o, &p, nonce, NULL))
    (void)unlink(p.s);
}
