/* Downloads: /api/v0/cat and the gateway. */
#include <stdio.h>

#include "http/fields.h"
#include "service/ipfs/ipfs_int.h"

/* A blob on its way out. */
typedef struct sending {
  ia_blob *blob;
  uint64_t at, end;
} sending;

static bool fill(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  sending *s = ctx;
  uint64_t left = s->end - s->at;

  if (!ia_blob_read_at(s->blob, s->at, buf, left < cap ? (size_t)left : cap, n, e))
    return false;
  s->at += *n;
  return true;
}

static void sent(void *ctx)
{
  sending *s = ctx;

  ia_blob_close(s->blob);
  free(s);
}

/* blob is taken over. */
static bool send_part(ia_reply *rp, ia_blob **blob, uint64_t from, uint64_t n, ia_err *e)
{
  sending *s = calloc(1, sizeof(*s));

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "no memory for a download");
  *s = (sending){ia_steal(blob), from, from + n};
  ia_reply_stream(rp, n, fill, sent, s);
  return true;
}

/* Only what the iApp packages expect: zips are zips, the rest is bytes. One origin serves
 * everybody's uploads, so a browser must neither sniff nor run nor show them. */
static void describe(ia_reply *rp, const ia_cid *cid, bool zip)
{
  char etag[80];

  (void)snprintf(etag, sizeof(etag), "\"%s\"", ia_cid_format(cid).s);
  ia_reply_header(rp, "ETag", etag);
  ia_reply_type(rp, zip ? "application/zip" : "application/octet-stream");
  ia_reply_header(rp, "Content-Security-Policy", "sandbox; default-src 'none'");
  ia_reply_header(rp, "X-Content-Type-Options", "nosniff");
  ia_reply_header(rp, "Content-Disposition", "attachment");
  ia_reply_header(rp, "Cache-Control", "public, max-age=29030400, immutable");
  ia_reply_header(rp, "Accept-Ranges", "bytes");
}

static bool is_known_to_client(ia_request *rq, const ia_cid *cid)
{
  char etag[80];

  (void)snprintf(etag, sizeof(etag), "\"%s\"", ia_cid_format(cid).s);
  return ia_span_is(ia_request_header(rq, "if-none-match"), etag);
}

/* The bytes that were asked for; false: there are none, and that is the answer. */
static bool choose_part(ia_request *rq, ia_reply *rp, uint64_t size, uint64_t *from, uint64_t *n)
{
  char text[80];

  *from = 0;
  *n = size;
  ia_range range = ia_range_parse(ia_request_header(rq, "range"), size, from, n);
  if (range == IA_RANGE_WHOLE)
    return true;
  if (range == IA_RANGE_BAD)
    (void)snprintf(text, sizeof(text), "bytes */%llu", (unsigned long long)size);
  else
    (void)snprintf(text, sizeof(text), "bytes %llu-%llu/%llu", (unsigned long long)*from,
                   (unsigned long long)(*from + *n - 1), (unsigned long long)size);
  ia_reply_status(rp, range == IA_RANGE_BAD ? 416 : 206);
  ia_reply_header(rp, "Content-Range", text);
  return range == IA_RANGE_PART;
}

static bool no_bytes(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  (void)ctx;
  (void)buf;
  (void)cap;
  *n = 0;
  return ia_fail(e, IA_E_INTERNAL, "HEAD has no body");
}

/* Clients ask this after every upload: opening the file is all it costs. */
static bool gateway_head(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_ipfs *s = ctx;
  uint64_t size, from, n;
  ia_cid cid;
  bool zip;

  if (!ia_cid_parse(&cid, ia_request_param(rq, "cid"), e) ||
      !ia_blob_peek(s->blobs, &cid, &size, &zip, e))
    return false;
  describe(rp, &cid, zip);
  if (is_known_to_client(rq, &cid))
    ia_reply_status(rp, 304);
  else if (choose_part(rq, rp, size, &from, &n))
    ia_reply_stream(rp, n, no_bytes, NULL, NULL);
  return true;
}

static bool gateway(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO(ia_blob) *blob = NULL;
  ia_ipfs *s = ctx;
  ia_cid cid;
  uint64_t peeked;
  bool zip;

  if (!ia_cid_parse(&cid, ia_request_param(rq, "cid"), e) ||
      !ia_blob_peek(s->blobs, &cid, &peeked, &zip, e) || !ia_blob_open(&blob, s->blobs, &cid, e))
    return false;
  describe(rp, &cid, zip);
  if (is_known_to_client(rq, &cid)) {
    ia_reply_status(rp, 304);
    return true;
  }
  uint64_t from, n;
  return !choose_part(rq, rp, ia_blob_size(blob), &from, &n) || send_part(rp, &blob, from, n, e);
}

/* Nothing lies below a file. */
static bool below(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  (void)ctx;
  (void)rq;
  (void)rp;
  return ia_fail(e, IA_E_NOT_FOUND, "a file has no paths below it");
}

static bool number(ia_request *rq, const char *name, uint64_t *out, ia_err *e)
{
  ia_span v;
  uint64_t r = 0;

  if (!ia_request_query(rq, name, &v))
    return true;
  for (size_t i = 0; i < v.len; i++)
    if (v.ptr[i] < '0' || v.ptr[i] > '9' || __builtin_mul_overflow(r, 10U, &r) ||
        __builtin_add_overflow(r, (uint64_t)(v.ptr[i] - '0'), &r))
      return ia_fail(e, IA_E_INVALID, "%s: want a number", name);
  *out = r;
  return true;
}

static bool cat(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO(ia_blob) *blob = NULL;
  ia_ipfs *s = ctx;
  uint64_t offset = 0, length = UINT64_MAX;
  ia_cid cid;

  if (!ia_ipfs_argument(rq, &cid, e) || !number(rq, "offset", &offset, e) ||
      !number(rq, "length", &length, e) || !ia_blob_open(&blob, s->blobs, &cid, e))
    return false;
  uint64_t size = ia_blob_size(blob);
  offset = offset < size ? offset : size;
  length = length < size - offset ? length : size - offset;
  ia_reply_type(rp, "text/plain"); /* as Kubo */
  ia_reply_header(rp, "X-Content-Type-Options", "nosniff");
  ia_reply_header(rp, "Content-Security-Policy", "sandbox; default-src 'none'");
  return send_part(rp, &blob, offset, length, e);
}

/* The form of IPFS nodes, with ours beside it. */
static void ipfs_error(ia_reply *rp, const ia_err *err)
{
  const ia_err said = ia_err_utf8(err);
  IA_AUTO_JSON *v =
      json_pack("{s:s,s:i,s:s,s:{s:s,s:s,s:s}}", "Message", said.msg, "Code", 0, "Type", "error",
                "error", "code", ia_code_name(err->code), "message", said.msg, "hint", said.hint);

  if (!v || !ia_json_write(ia_reply_body(rp), v, NULL))
    ia_reply_error(rp, err);
}

static const ia_route rows[] = {
    {"POST", "/api/v0/add", IA_ROUTE_JOB, SIZE_MAX / 2, true, ia_ipfs_add, IA_MARK_COSTLY},
    {"POST", "/api/v0/cat", IA_ROUTE_JOB, 0, false, cat, IA_MARK_PRIVATE},
    {"POST", "/api/v0/version", IA_ROUTE_INLINE, 0, false, ia_ipfs_version, IA_MARK_PUBLIC},
    {"POST", "/api/v0/block/stat", IA_ROUTE_JOB, 0, false, ia_ipfs_block_stat, IA_MARK_PRIVATE},
    {"POST", "/api/v0/pin/add", IA_ROUTE_INLINE, 0, false, ia_ipfs_pin_add, IA_MARK_PRIVATE},
    {"POST", "/api/v0/pin/ls", IA_ROUTE_INLINE, 0, false, ia_ipfs_pin_ls, IA_MARK_PRIVATE},
    {"POST", "/api/v0/*command", IA_ROUTE_INLINE, 64 << 10, false, ia_ipfs_other, IA_MARK_PUBLIC},
    {"HEAD", "/ipfs/:cid", IA_ROUTE_INLINE, 0, false, gateway_head, IA_MARK_PRIVATE},
    {"GET", "/ipfs/:cid", IA_ROUTE_JOB, 0, false, gateway, IA_MARK_PRIVATE},
    {"GET", "/ipfs/:cid/*path", IA_ROUTE_INLINE, 0, false, below, IA_MARK_PUBLIC},
};

bool ia_ipfs_open(ia_ipfs **out, const ia_ipfs_config *c, ia_loop *l, ia_err *e)
{
  ia_ipfs *s = calloc(1, sizeof(*s));

  (void)l;
  if (!s)
    return ia_fail(e, IA_E_MEMORY, "no memory for the ipfs service");
  s->blob_max = c->blob_max ? c->blob_max : 8ULL << 30;
  s->day_quota = c->day_quota ? c->day_quota : 1ULL << 30;
  s->local_quota = c->local_quota ? c->local_quota : 64ULL << 30;
  s->table = (ia_routes){rows, IA_COUNT(rows), s, ipfs_error, true};
  pthread_mutex_init(&s->lock, NULL);
  if (!ia_blobs_open(&s->blobs, c->dir, e)) {
    ia_ipfs_close(s);
    return false;
  }
  *out = s;
  return true;
}

void ia_ipfs_close(ia_ipfs *s)
{
  if (!s)
    return;
  ia_blobs_close(s->blobs);
  pthread_mutex_destroy(&s->lock);
  free(s);
}

bool ia_ipfs_mount(ia_ipfs *s, ia_server *server, ia_err *e)
{
  return ia_server_mount(server, &s->table, e);
}

ia_blobs *ia_ipfs_blobs(ia_ipfs *s)
{
  return s->blobs;
}
