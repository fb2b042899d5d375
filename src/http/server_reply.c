/* Replies: bytes, file ranges, streams, errors. */
#include <stdio.h>
#include <string.h>

#include "http/server_int.h"

void ia_reply_free(ia_reply *rp)
{
  ia_buf_free(&rp->headers);
  ia_buf_free(&rp->body);
  if (rp->fd >= 0)
    close(rp->fd);
  rp->fd = -1;
  if (rp->kind == REPLY_STREAM && rp->done)
    rp->done(rp->stream_ctx);
  rp->kind = REPLY_BYTES;
}

void ia_reply_status(ia_reply *rp, int status)
{
  rp->status = status;
}

static bool value_ok(const char *v)
{
  for (; *v; v++)
    if (((unsigned char)*v < 0x20 && *v != '\t') || *v == 0x7f)
      return false;
  return true;
}

bool ia_reply_next(ia_span *in, const char **name, const char **value)
{
  if (in->len == 0)
    return false;
  *name = (const char *)in->ptr;
  *value = *name + strlen(*name) + 1;
  size_t n = strlen(*name) + strlen(*value) + 2;
  in->ptr += n;
  in->len -= n;
  return true;
}

void ia_reply_header(ia_reply *rp, const char *name, const char *value)
{
  ia_buf left = {0};
  ia_span in = ia_buf_view(&rp->headers);
  const char *n, *v;

  while (ia_reply_next(&in, &n, &v))
    if (!ia_span_is_nocase(ia_span_str(n), name)) {
      ia_buf_put(&left, n, strlen(n) + 1);
      ia_buf_put(&left, v, strlen(v) + 1);
    }
  ia_buf_put(&left, name, strlen(name) + 1);
  ia_buf_put(&left, value, strlen(value) + 1);
  ia_buf_free(&rp->headers);
  rp->headers = left;
  rp->bad = rp->bad || left.bad || !value_ok(name) || !value_ok(value);
}

ia_buf *ia_reply_body(ia_reply *rp)
{
  return &rp->body;
}

void ia_reply_type(ia_reply *rp, const char *content_type)
{
  ia_reply_header(rp, "Content-Type", content_type);
}

bool ia_reply_json(ia_reply *rp, int status, const json_t *v, ia_err *e)
{
  rp->status = status;
  ia_reply_type(rp, "application/json");
  ia_buf_clear(&rp->body);
  return ia_json_write(&rp->body, v, e);
}

void ia_reply_file(ia_reply *rp, int fd, uint64_t from, uint64_t n)
{
  rp->kind = REPLY_FILE;
  rp->fd = fd;
  rp->from = from;
  rp->size = n;
}

void ia_reply_stream(ia_reply *rp, uint64_t size, ia_body_fill *fill, ia_loop_fn *done, void *ctx)
{
  rp->kind = REPLY_STREAM;
  rp->size = size;
  rp->fill = fill;
  rp->done = done;
  rp->stream_ctx = ctx;
}

void ia_reply_error(ia_reply *rp, const ia_err *err)
{
  const ia_err said = ia_err_utf8(err);
  IA_AUTO_JSON *v = json_pack("{s:{s:s,s:s,s:s}}", "error", "code", ia_code_name(err->code),
                              "message", said.msg, "hint", said.hint);

  if (!v || !ia_json_write(&rp->body, v, NULL))
    ia_buf_str(&rp->body, "{\"error\":{\"code\":\"INTERNAL\",\"message\":\"\",\"hint\":\"\"}}");
}

void ia_reply_refuse(ia_request *rq, const ia_err *err)
{
  ia_reply *rp = &rq->reply;
  ia_err none = {.code = IA_E_INTERNAL, .msg = "failed without a reason"};
  char allow[80] = "";
  ia_span in = ia_buf_view(&rp->headers);
  const char *name, *value;

  while (ia_reply_next(&in, &name, &value))
    if (strcmp(name, "Allow") == 0)
      (void)snprintf(allow, sizeof(allow), "%s", value);
  ia_reply_free(rp);
  *rp = (ia_reply){.fd = -1};
  err = err && err->code != IA_OK ? err : &none;
  rp->status = ia_code_http(err->code);
  ia_reply_type(rp, "application/json");
  if (allow[0])
    ia_reply_header(rp, "Allow", allow);
  (rq->table && rq->table->error ? rq->table->error : ia_reply_error)(rp, err);
}
