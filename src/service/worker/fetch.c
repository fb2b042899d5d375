/* Downloads for a task: image archives, datasets, input files; and uploads of what is sealed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crash.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/log.h"
#include "client/to_blobs.h"
#include "service/worker/inside.h"

enum { CHUNK = 256 << 10, INPUT_MS = 600000 };

static ia_net net_of(const worker_task *t, const char *ipfs)
{
  return (ia_net){.http = t->slot->http, .secure = t->slot->secure, .ipfs = ipfs};
}

/* A file without a name: whatever ends us leaves nothing behind. */
int worker_temp(const ia_worker *w, ia_err *e)
{
  int fd = open(w->tmp.s, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

  if (fd < 0)
    (void)ia_fail_errno(e, "%s", w->tmp.s);
  return fd;
}

/* The CID text of "/ipfs/CID", "/p2p/CID", or of multiaddr bytes in hex; false when it is none. */
static bool cid_of(ia_cid_text *out, const char *uri)
{
  IA_AUTOV(ia_buf) bytes = {0};
  ia_cid cid;

  if (strncmp(uri, "0x", 2) == 0) {
    if (!ia_unhex_buf(&bytes, ia_span_str(uri)) ||
        !ia_cid_from_multiaddr(&cid, ia_buf_view(&bytes), NULL))
      return false;
  } else if (strncmp(uri, "/ipfs/", 6) == 0 || strncmp(uri, "/p2p/", 5) == 0) {
    if (!ia_cid_from_multiaddr(&cid, ia_span_str(uri), NULL))
      return false;
  } else if (!ia_cid_parse(&cid, ia_span_str(uri), NULL)) {
    return false;
  }
  *out = ia_cid_format(&cid);
  return true;
}

bool worker_same_uri(const char *a, const char *b)
{
  ia_cid_text x, y;

  if (!cid_of(&x, a) || !cid_of(&y, b))
    return strcmp(a, b) == 0;
  return strcmp(x.s, y.s) == 0;
}

/* From our own store, then from the gateways; every byte is checked against the CID. */
static bool blob_to(worker_task *t, int fd, const char *cid, ia_err *e)
{
  ia_net net = net_of(t, t->w->ipfs);
  unsigned tries = 0;
  ia_err first = {0};

  do {
    if (lseek(fd, 0, SEEK_SET) != 0 || ftruncate(fd, 0) != 0)
      return ia_fail_errno(e, "download");
    if (ia_to_blobs_get(&net, fd, cid, &first))
      return true;
  } while (worker_again(t, &tries, &first));
  for (size_t i = 0; i < t->w->n_gateways; i++) {
    net.ipfs = t->w->gateways[i];
    if (lseek(fd, 0, SEEK_SET) != 0 || ftruncate(fd, 0) != 0)
      return ia_fail_errno(e, "download");
    if (ia_to_blobs_get(&net, fd, cid, NULL))
      return true;
  }
  if (e)
    *e = first;
  return false;
}

static bool allowed_url(const ia_worker *w, const char *url)
{
  return strncmp(url, "https://", 8) == 0 ||
         (w->local_inputs && strncmp(url, "http://", 7) == 0 && ia_http_secure_url(url));
}

typedef struct url_sink {
  ia_guest_sink write; /* NULL: into fd */
  void *sink;
  int fd;
  uint64_t left;
} url_sink;

static bool url_write(void *ctx, ia_span data, ia_err *e)
{
  url_sink *s = ctx;

  if (data.len > s->left)
    return ia_fail(e, IA_E_TOO_LARGE, "the file is larger than the limit");
  s->left -= data.len;
  return s->write ? s->write(s->sink, data, e) : ia_fd_write_all(s->fd, data, e);
}

/* A server that does not have the file, or does not give it away, rather than one in trouble. */
static bool is_refusal(int status)
{
  return status >= 400 && status < 500 && status != 408 && status != 425 && status != 429;
}

static bool url_to(worker_task *t, url_sink *s, const char *url, ia_err *e)
{
  IA_AUTOV(ia_http_answer) a = {0};
  ia_http_call call = {
      .url = url, .sink = url_write, .sink_ctx = s, .total_ms = INPUT_MS, .cancel = &t->stopped};

  if (!allowed_url(t->w, url)) {
    (void)ia_fail(e, IA_E_UNSUPPORTED, "workers fetch https:// and /ipfs/ only");
    return ia_hint(e, "offer the file over https");
  }
  if (!ia_http_do(t->slot->http, &a, &call, e))
    return false;
  if (a.status != 200)
    return ia_fail(e, is_refusal(a.status) ? IA_E_NOT_FOUND : IA_E_UNAVAILABLE,
                   "its server answered with status %d", a.status);
  return true;
}

static bool from_fd(int fd, ia_guest_file *file, ia_guest_sink write, void *sink, ia_err *e)
{
  ia_autofree uint8_t *buf = malloc(CHUNK);
  off_t size = lseek(fd, 0, SEEK_END);

  if (!buf)
    return ia_fail(e, IA_E_MEMORY, "download");
  if (size < 0 || lseek(fd, 0, SEEK_SET) != 0)
    return ia_fail_errno(e, "download");
  if ((uint64_t)size > file->max) {
    file->size = (uint64_t)size;
    return ia_fail(e, IA_E_TOO_LARGE, "the file has %lld bytes; the limit is %llu", (long long)size,
                   (unsigned long long)file->max);
  }
  for (size_t n = 1; n > 0;) {
    if (!ia_oci_read_fd(&fd, buf, CHUNK, &n, e) || (n > 0 && !write(sink, ia_span_of(buf, n), e)))
      return false;
  }
  return true;
}

bool worker_fetch(void *ctx, ia_guest_file *file, ia_guest_sink write, void *sink, ia_err *e)
{
  worker_task *t = ctx;
  ia_cid_text cid;

  worker_state(t, "INPUTS");
  if (strcmp(file->kind, "dataset") != 0 && strcmp(file->kind, "input") != 0)
    return ia_fail(e, IA_E_INVALID, "unknown kind of file");
  int held = worker_held_fd(t, file->uri);
  if (held >= 0)
    return from_fd(held, file, write, sink, e);
  if (!cid_of(&cid, file->uri)) {
    url_sink s = {write, sink, -1, file->max};

    return url_to(t, &s, file->uri, e);
  }
  ia_autoclose int fd = worker_temp(t->w, e);
  return fd >= 0 && blob_to(t, fd, cid.s, e) && from_fd(fd, file, write, sink, e);
}

bool worker_get(worker_task *t, int fd, const char *uri, uint64_t max, uint64_t *size, ia_err *e)
{
  ia_net net = net_of(t, t->w->ipfs);
  ia_cid_text cid;

  *size = 0;
  if (!cid_of(&cid, uri)) {
    url_sink s = {.fd = fd, .left = max};

    return url_to(t, &s, uri, e);
  }
  if (ia_to_blobs_size(&net, size, cid.s, NULL) && *size > max)
    return ia_fail(e, IA_E_TOO_LARGE, "the file has %llu bytes; the limit is %llu",
                   (unsigned long long)*size, (unsigned long long)max);
  return blob_to(t, fd, cid.s, e);
}

bool worker_put(void *ctx, const char *name, int fd, uint64_t size IA_UNUSED, char *cid, ia_err *e)
{
  worker_task *t = ctx;
  ia_net net = net_of(t, t->w->ipfs);
  ia_cid_text text;
  char path[64];

  if (t->times.exited == 0)
    t->times.exited = ia_now_ms();
  worker_state(t, "RESULT");
  (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  ia_err why = {0};
  for (unsigned tries = 0; !ia_to_blobs_add_file(&net, &text, path, &why);) {
    if (worker_again(t, &tries, &why))
      continue;
    if (e)
      *e = why;
    return false;
  }
  (void)snprintf(cid, 64, "%s", text.s);
  ia_log(IA_LOG_INFO, "task.stored", "task=%s name=%s cid=%s", ia_h256_text(&t->task_id).s, name,
         cid);
  ia_crash_point("worker-result-stored");
  return true;
}

/* The archive of an image into an unnamed file. */
static bool archive(worker_task *t, int fd, ia_err *e)
{
  ia_cid_text cid;

  if (cid_of(&cid, t->multiaddr))
    return blob_to(t, fd, cid.s, e);
  if (strstr(t->multiaddr, "://")) {
    url_sink s = {.fd = fd, .left = ia_oci_limits_default().packed};

    return url_to(t, &s, t->multiaddr, e);
  }
  (void)ia_fail(e, IA_E_REGISTRY_UNREACHABLE, "the image is in a registry: %.80s", t->multiaddr);
  return ia_hint(e, "deploy it with `iapp deploy`, which keeps the image in the blob store");
}

/* Why an image is not here: it could not be fetched, this worker has no room for it, or it is not
 * one that can be run. */
static bool image_cause(const char **cause, const ia_err *e, bool fetched)
{
  switch (e->code) {
  case IA_E_DISK_FULL:
  case IA_E_MEMORY:
  case IA_E_IO: *cause = "WORKER_OUT_OF_RESOURCES"; break;
  case IA_E_TOO_LARGE: *cause = "APP_IMAGE_TOO_LARGE"; break;
  case IA_E_UNSUPPORTED:
  case IA_E_REGISTRY_UNREACHABLE: *cause = "APP_IMAGE_REFUSED"; break;
  default: *cause = fetched ? "APP_IMAGE_REFUSED" : "APP_IMAGE_DOWNLOAD_FAILED";
  }
  return false;
}

static bool import(worker_task *t, const char **cause, ia_err *e)
{
  ia_import what = {.want = &t->app_digest, .limits = ia_oci_limits_default()};
  ia_autoclose int fd = worker_temp(t->w, e);
  ia_h256 image;
  char path[64];

  if (fd < 0 || !archive(t, fd, e))
    return image_cause(cause, e, false);
  (void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
  what.path = path;
  if (!ia_images_import(t->w->images, &image, &what, e))
    return image_cause(cause, e, true);
  ia_crash_point("worker-image-imported");
  return true;
}

bool worker_image(worker_task *t, const char **cause, ia_err *e)
{
  ia_worker *w = t->w;
  bool ok;

  *cause = "APP_IMAGE_REFUSED";
  if (strcmp(t->image_type, "DOCKER") != 0)
    return ia_fail(e, IA_E_UNSUPPORTED, "app type %s, want DOCKER", t->image_type);
  if (!ia_images_get(w->images, NULL, &t->app_digest, NULL)) {
    pthread_mutex_lock(&w->images_mutex);
    /* the one before us may have brought it */
    ok = ia_images_get(w->images, NULL, &t->app_digest, NULL) || import(t, cause, e);
    pthread_mutex_unlock(&w->images_mutex);
    if (!ok)
      return ia_wrap(e, "image");
  }
  return true;
}
