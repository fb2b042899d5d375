/* POST /api/v0/add: a multipart stream in, one JSON line a file out. A CID is served before its
 * line is sent. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/crash.h"
#include "http/multipart.h"
#include "service/ipfs/ipfs_int.h"

enum { PARTS_MAX = 100, PIECE = 64 << 10 };

typedef struct adding {
  ia_ipfs *s;
  ia_dag_options o;
  ia_blob_writer *w;
  ia_part part;
  uint64_t left; /* of the request */
  ia_buf *answer;
  size_t n_files;
} adding;

static bool refuse_part(ia_err *e, const char *what, const ia_part *p)
{
  (void)ia_fail(e, IA_E_UNSUPPORTED, "%s not offered: \"%.200s\"", what, p->filename);
  return ia_hint(e, "add each file under a name without a folder, or add an archive");
}

/* Folders, links, and times of files would be blocks of their own kinds, whose CIDs are others. */
static bool judge_part(const ia_part *p, ia_err *e)
{
  static const struct {
    const char *type, *what;
  } rows[] = {{"application/x-directory", "folders are"}, {"application/symlink", "links are"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++)
    if (strncasecmp(p->type, rows[i].type, strlen(rows[i].type)) == 0)
      return refuse_part(e, rows[i].what, p);
  if (strchr(p->filename, '/'))
    return refuse_part(e, "folders are", p);
  /* as kubo-rpc-client writes them: name="file-0?mode=0644&mtime=.." */
  if (strstr(p->name, "mode=") || strstr(p->name, "mtime="))
    return refuse_part(e, "modes and times of files are", p);
  return true;
}

static bool begin(void *ctx, const ia_part *p, ia_err *e)
{
  adding *a = ctx;

  a->part = *p;
  if (!judge_part(p, e))
    return false;
  return ia_blob_begin(&a->w, a->s->blobs, &a->o, a->s->blob_max, e);
}

static bool data(void *ctx, ia_span bytes, ia_err *e)
{
  return ia_blob_write(((adding *)ctx)->w, bytes, e);
}

static bool end(void *ctx, ia_err *e)
{
  adding *a = ctx;
  uint64_t dag_size;
  ia_cid cid;

  if (!ia_blob_commit(&a->w, &cid, NULL, &dag_size, e))
    return false;
  ia_cid_text t = ia_cid_format(&cid);
  char size[24];
  (void)snprintf(size, sizeof(size), "%llu", (unsigned long long)dag_size);
  IA_AUTO_JSON *line =
      json_pack("{s:s,s:s,s:s}", "Name", a->part.filename[0] ? a->part.filename : t.s, "Hash", t.s,
                "Size", size);
  if (!line || !ia_json_write(a->answer, line, e))
    return line ? false : ia_fail(e, IA_E_PARSE, "a file name that is not text");
  ia_buf_u8(a->answer, '\n');
  a->n_files++;
  return ia_buf_ok(a->answer, e);
}

static bool flag(ia_request *rq, const char *name, bool otherwise)
{
  ia_span v;

  if (!ia_request_query(rq, name, &v))
    return otherwise;
  return v.len == 0 || ia_span_is(v, "true") || ia_span_is(v, "1");
}

/* Options that would change the CID are taken or refused, never ignored. */
static bool read_options(ia_request *rq, ia_dag_options *o, ia_err *e)
{
  static const char *const refused[] = {
      "wrap-with-directory", "trickle",       "only-hash", "nocopy", "inline",
      "preserve-mode",       "preserve-mtime"};
  static const char *const valued[] = {"to-files", "mode", "mtime", "max-file-links"};
  ia_span v;

  *o = (ia_dag_options){0};
  if (ia_request_query(rq, "cid-version", &v)) {
    if (!ia_span_is(v, "0") && !ia_span_is(v, "1"))
      return ia_fail(e, IA_E_INVALID, "cid-version: want 0 or 1");
    o->version = ia_span_is(v, "1");
  }
  o->raw_leaves = flag(rq, "raw-leaves", o->version == 1);
  if (ia_request_query(rq, "chunker", &v) && !ia_span_is(v, "size-262144"))
    return ia_fail(e, IA_E_UNSUPPORTED, "chunker: only size-262144 is offered");
  if (ia_request_query(rq, "hash", &v) && !ia_span_is(v, "sha2-256"))
    return ia_fail(e, IA_E_UNSUPPORTED, "hash: only sha2-256 is offered");
  for (size_t i = 0; i < IA_COUNT(valued); i++)
    if (ia_request_query(rq, valued[i], &v))
      return ia_fail(e, IA_E_UNSUPPORTED, "%s is not offered", valued[i]);
  for (size_t i = 0; i < IA_COUNT(refused); i++)
    if (flag(rq, refused[i], false))
      return ia_fail(e, IA_E_UNSUPPORTED, "%s is not offered", refused[i]);
  return true;
}

static bool pump(ia_request *rq, adding *a, ia_multipart *m, ia_err *e)
{
  ia_autofree uint8_t *buf = malloc(PIECE);
  size_t n;

  if (!buf)
    return ia_fail(e, IA_E_MEMORY, "no memory for an upload");
  do {
    if (!ia_request_read(rq, buf, PIECE, &n, e) || !ia_ipfs_charge(a->s, rq, n, e) ||
        !ia_multipart_feed(m, ia_span_of(buf, n), e))
      return false;
  } while (n > 0);
  return ia_multipart_finish(m, e);
}

bool ia_ipfs_add(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  IA_AUTO(ia_multipart) *m = NULL;
  adding a = {.s = ctx, .answer = ia_reply_body(rp)};
  ia_multipart_sink sink = {begin, data, end, &a};

  if (!read_options(rq, &a.o, e) ||
      !ia_multipart_new(&m, ia_request_header(rq, "content-type"), PARTS_MAX, &sink, e))
    return false;
  bool ok = pump(rq, &a, m, e);
  ia_blob_abort(a.w);
  if (!ok)
    return false;
  if (a.n_files == 0)
    return ia_fail(e, IA_E_INVALID, "no file in the request");
  ia_reply_type(rp, "application/json");
  ia_crash_point("ipfs.add.reply");
  return true;
}
