/* Bytes on their way to the host. */
#include "guest/upload.h"

#include <fcntl.h>
#include <stdio.h>

bool ia_upload_open(ia_upload *u, int scratch_fd, ia_err *e)
{
  *u = (ia_upload){.fd = openat(scratch_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600)};
  if (u->fd < 0)
    return ia_fail_errno(e, "upload");
  return ia_sha_new(&u->sha, IA_SHA256, e) && ia_dag_new(&u->dag, NULL, e);
}

void ia_upload_close(ia_upload *u)
{
  if (u->fd > 0)
    close(u->fd);
  ia_sha_free(u->sha);
  ia_dag_free(u->dag);
  *u = (ia_upload){.fd = -1};
}

static bool take(void *ctx, ia_span data, ia_err *e)
{
  ia_upload *u = ctx;

  ia_sha_update(u->sha, data);
  u->size += data.len;
  return ia_dag_add(u->dag, data, e) && ia_sink_write(ia_sink_fd(&u->fd), data, e);
}

ia_sink ia_upload_sink(ia_upload *u)
{
  return (ia_sink){take, u};
}

bool ia_upload_send(ia_upload *u, ia_run_object *out, ia_link *l, const char *name, ia_err *e)
{
  char theirs[96];
  ia_blob blob;
  ia_cid cid;

  if (!ia_sha_final(u->sha, out->sha256.b, e) || !ia_dag_finish(u->dag, &cid, NULL, NULL, e) ||
      !ia_blob_fd(&blob, u->fd, e) || !ia_link_put(l, name, &blob, theirs, e))
    return false;
  ia_cid_text ours = ia_cid_format(&cid);
  if (strcmp(ours.s, theirs) != 0)
    return ia_fail(e, IA_E_CORRUPT, "the host stored the %s under another name", name);
  (void)snprintf(out->cid, sizeof(out->cid), "%s", ours.s);
  out->size = u->size;
  out->there = true;
  return true;
}
