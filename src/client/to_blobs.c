/* The blob store in IPFS's dialect: every CID is computed here too. */
#include "client/to_blobs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"
#include "crypto/unixfs.h"

enum { HEAD_MS = 10000 };

/* A multipart body with one part, read from memory or from a descriptor. */
typedef struct upload {
  ia_buf head, tail;
  ia_span bytes; /* fd < 0 */
  int fd;
  size_t head_at, tail_at;
  bool file_end;
  ia_dag *dag;
} upload;

static size_t take_part(const ia_buf *from, size_t *at, uint8_t *buf, size_t cap)
{
  size_t n = from->len - *at < cap ? from->len - *at : cap;

  memcpy(buf, from->ptr + *at, n);
  *at += n;
  return n;
}

static bool take_file(upload *u, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  if (u->fd < 0) {
    *n = u->bytes.len < cap ? u->bytes.len : cap;
    if (*n > 0)
      memcpy(buf, u->bytes.ptr, *n);
    u->bytes = ia_span_of(u->bytes.ptr + *n, u->bytes.len - *n);
  } else {
    ssize_t got;

    do
      got = read(u->fd, buf, cap);
    while (got < 0 && errno == EINTR);
    if (got < 0)
      return ia_fail_errno(e, "reading the file");
    *n = (size_t)got;
  }
  u->file_end = *n == 0;
  return *n == 0 || ia_dag_add(u->dag, ia_span_of(buf, *n), e);
}

static bool source(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  upload *u = ctx;

  *n = take_part(&u->head, &u->head_at, buf, cap);
  if (*n == 0 && !u->file_end && !take_file(u, buf, cap, n, e))
    return false;
  if (*n == 0)
    *n = take_part(&u->tail, &u->tail_at, buf, cap);
  return true;
}

static bool prepare(upload *u, ia_buf *type, ia_err *e)
{
  uint8_t raw[16];
  char boundary[2 * sizeof(raw) + 1];

  if (!ia_random(raw, sizeof(raw), e) || !ia_dag_new(&u->dag, NULL, e))
    return false;
  ia_hex(boundary, raw, sizeof(raw));
  ia_buf_printf(&u->head,
                "--%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"\"\r\n"
                "Content-Type: application/octet-stream\r\n\r\n",
                boundary);
  ia_buf_printf(&u->tail, "\r\n--%s--\r\n", boundary);
  ia_buf_printf(type, "Content-Type: multipart/form-data; boundary=%s", boundary);
  ia_buf_u8(type, 0);
  return ia_buf_ok(&u->head, e) && ia_buf_ok(&u->tail, e) && ia_buf_ok(type, e);
}

static bool send(const ia_net *net, upload *u, ia_cid_text *cid, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTOV(ia_buf) type = {0};
  IA_AUTOV(ia_http_answer) a = {0};
  const char *hash;
  ia_cid own;

  if (!prepare(u, &type, e) || !ia_net_url(&url, net->ipfs, "blob store", e,
                                           "/api/v0/add?stream-channels=true&progress=false"))
    return false;
  const char *headers[] = {(const char *)type.ptr, NULL};
  ia_http_call call = {.method = "POST",
                       .url = (const char *)url.ptr,
                       .headers = headers,
                       .source = source,
                       .source_ctx = u,
                       .source_size = UINT64_MAX,
                       .total_ms = IA_HTTP_NO_TOTAL};
  if (!ia_http_do(net->http, &a, &call, e))
    return ia_wrap(e, "blob store");
  if (a.status / 100 != 2)
    return ia_http_refused(&a, "blob store", e);
  IA_AUTO_JSON *answer = ia_json_parse(ia_buf_view(&a.body), 0, e);
  if (!answer || !ia_json_get_str(answer, "Hash", &hash, e) ||
      !ia_dag_finish(u->dag, &own, NULL, NULL, e))
    return ia_wrap(e, "blob store");
  *cid = ia_cid_format(&own);
  return strcmp(cid->s, hash) == 0 ||
         ia_fail(e, IA_E_CORRUPT, "the blob store kept other bytes than ours: %.64s", hash);
}

static bool add(const ia_net *net, ia_cid_text *cid, int fd, ia_span bytes, ia_err *e)
{
  upload u = {.fd = fd, .bytes = bytes};
  bool ok = send(net, &u, cid, e);

  ia_dag_free(u.dag);
  ia_buf_free(&u.head);
  ia_buf_free(&u.tail);
  return ok;
}

bool ia_to_blobs_add_file(const ia_net *net, ia_cid_text *cid, const char *path, ia_err *e)
{
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return ia_fail_errno(e, "%s", path);
  return add(net, cid, fd, (ia_span){0}, e) || ia_wrap(e, "%s", path);
}

bool ia_to_blobs_add(const ia_net *net, ia_cid_text *cid, ia_span bytes, ia_err *e)
{
  return add(net, cid, -1, bytes, e);
}

typedef struct download {
  int fd; /* < 0: into `text` */
  ia_buf *text;
  ia_dag *dag;
} download;

static bool sink(void *ctx, ia_span data, ia_err *e)
{
  download *d = ctx;

  if (!ia_dag_add(d->dag, data, e))
    return false;
  if (d->fd >= 0)
    return ia_fd_write_all(d->fd, data, e);
  ia_buf_span(d->text, data);
  return ia_buf_ok(d->text, e);
}

/* cap 0: any size */
static bool get(const ia_net *net, download *d, const char *where, size_t cap, ia_err *e)
{
  const char *name = strncmp(where, "/ipfs/", 6) == 0 ? where + 6 : where;
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTOV(ia_http_answer) a = {0};
  IA_AUTO(ia_dag) *dag = NULL;
  ia_cid wanted, got;

  if (!ia_cid_parse(&wanted, ia_span_str(name), e))
    return ia_wrap(e, "%.100s", where);
  ia_dag_options o = {.version = wanted.version, .raw_leaves = wanted.version == 1};
  if (!ia_dag_new(&dag, &o, e) || !ia_net_url(&url, net->ipfs, "blob store", e, "/ipfs/%s", name))
    return false;
  d->dag = dag;
  ia_http_call call = {.method = "GET",
                       .url = (const char *)url.ptr,
                       .sink = sink,
                       .sink_ctx = d,
                       .cap = cap,
                       .total_ms = IA_HTTP_NO_TOTAL};
  if (!ia_http_do(net->http, &a, &call, e))
    return ia_wrap(e, "blob store");
  if (a.status / 100 != 2)
    return ia_http_refused(&a, "blob store", e);
  if (!ia_dag_finish(dag, &got, NULL, NULL, e))
    return false;
  return ia_h256_eq(&got.hash, &wanted.hash) ||
         ia_fail(e, IA_E_CORRUPT, "the blob store answered with other bytes than %s", name);
}

bool ia_to_blobs_get(const ia_net *net, int fd, const char *where, ia_err *e)
{
  return get(net, &(download){.fd = fd}, where, 0, e);
}

bool ia_to_blobs_read(const ia_net *net, ia_buf *out, const char *where, size_t cap, ia_err *e)
{
  return get(net, &(download){.fd = -1, .text = out}, where, cap, e);
}

typedef struct first_bytes {
  ia_buf *out;
  size_t left;
} first_bytes;

static bool take_first(void *ctx, ia_span data, ia_err *e)
{
  first_bytes *f = ctx;
  size_t n = data.len < f->left ? data.len : f->left;

  ia_buf_put(f->out, data.ptr, n);
  f->left -= n;
  return ia_buf_ok(f->out, e) && (n == data.len || ia_fail(e, IA_E_CANCELLED, "enough"));
}

bool ia_to_blobs_head(const ia_net *net, ia_buf *out, const char *where, size_t max, ia_err *e)
{
  const char *name = strncmp(where, "/ipfs/", 6) == 0 ? where + 6 : where;
  first_bytes f = {out, max};
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTOV(ia_http_answer) a = {0};
  char range[48];
  const char *const headers[] = {range, NULL};
  ia_cid cid;
  ia_err why = {0};

  if (!ia_cid_parse(&cid, ia_span_str(name), e))
    return ia_wrap(e, "%.100s", where);
  (void)snprintf(range, sizeof(range), "Range: bytes=0-%zu", max - 1);
  if (!ia_net_url(&url, net->ipfs, "blob store", e, "/ipfs/%s", name))
    return false;
  ia_http_call call = {.method = "GET",
                       .url = (const char *)url.ptr,
                       .headers = headers,
                       .sink = take_first,
                       .sink_ctx = &f,
                       .total_ms = HEAD_MS};
  /* a store that knows no ranges sends all of it until it is cut off */
  if (!ia_http_do(net->http, &a, &call, &why) && f.left > 0) {
    if (e)
      *e = why;
    return ia_wrap(e, "blob store");
  }
  return f.left == 0 || a.status / 100 == 2 || ia_http_refused(&a, "blob store", e);
}

bool ia_to_blobs_size(const ia_net *net, uint64_t *size, const char *where, ia_err *e)
{
  const char *name = strncmp(where, "/ipfs/", 6) == 0 ? where + 6 : where;
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTOV(ia_http_answer) a = {0};
  ia_cid cid;

  *size = 0;
  if (!ia_cid_parse(&cid, ia_span_str(name), e) ||
      !ia_net_url(&url, net->ipfs, "blob store", e, "/ipfs/%s", name))
    return false;
  ia_http_call call = {.method = "HEAD", .url = (const char *)url.ptr};
  if (!ia_http_do(net->http, &a, &call, e))
    return ia_wrap(e, "blob store");
  if (a.status / 100 != 2)
    return ia_fail(e, a.status == 404 ? IA_E_NOT_FOUND : IA_E_UNAVAILABLE,
                   "blob store: status %d for %s", a.status, name);
  ia_span text = ia_http_field(&a, "content-length");
  for (size_t i = 0; i < text.len && i < 18; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9')
      return ia_fail(e, IA_E_PARSE, "blob store: content-length");
    *size = *size * 10 + (uint64_t)(text.ptr[i] - '0');
  }
  return text.len > 0 || ia_fail(e, IA_E_UNAVAILABLE, "the blob store does not tell a size");
}
