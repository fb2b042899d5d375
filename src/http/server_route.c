/* Reading a request's head and finding its route. */
#include <stdio.h>
#include <string.h>

#include "http/server_int.h"

ia_request *ia_request_new(ia_conn *c, ia_span head)
{
  ia_request *rq = calloc(1, sizeof(*rq));
  ia_server *s = c->server;

  if (!rq)
    return NULL;
  rq->server = s;
  rq->conn = c;
  rq->reply.fd = -1;
  rq->reply.status = 200;
  rq->body.secret = true; /* secrets are pushed as bodies */
  rq->local = c->local;
  memcpy(rq->peer, c->peer, sizeof(rq->peer));
  /* the head, and its target decoded in parts */
  if (!ia_buf_reserve(&rq->memory, head.len * 2 + 64)) {
    free(rq);
    return NULL;
  }
  rq->next = s->requests;
  rq->link = &s->requests;
  if (rq->next)
    rq->next->link = &rq->next;
  s->requests = rq;
  return rq;
}

static bool decode(ia_request *rq, ia_span *out, ia_span raw, bool plus, ia_err *e)
{
  const uint8_t *at = rq->memory.ptr + rq->memory.len;
  size_t before = rq->memory.len;

  if (!ia_percent_decode(&rq->memory, raw, plus))
    return ia_fail(e, IA_E_INVALID, "a broken percent escape in the request target");
  *out = ia_span_of(at, rq->memory.len - before);
  return true;
}

static bool split_path(ia_request *rq, ia_err *e)
{
  ia_span rest = ia_span_of(rq->path.ptr + 1, rq->path.len - 1), part, skip;

  for (;;) {
    const uint8_t *slash = rest.len > 0 ? memchr(rest.ptr, '/', rest.len) : NULL;

    if (rq->n_segments == SEGMENTS_MAX)
      return ia_fail(e, IA_E_NOT_FOUND, "no such path");
    if (!ia_span_take(&rest, slash ? (size_t)(slash - rest.ptr) : rest.len, &part) ||
        !decode(rq, &rq->segments[rq->n_segments++], part, false, e))
      return false;
    if (!slash)
      return true;
    ia_buf_u8(&rq->memory, '/'); /* so that "*rest" is one span */
    if (!ia_span_take(&rest, 1, &skip))
      return false;
  }
}

static bool split_query(ia_request *rq, ia_span q, ia_err *e)
{
  while (q.len > 0) {
    const uint8_t *amp = memchr(q.ptr, '&', q.len);
    ia_span part, skip;

    if (!ia_span_take(&q, amp ? (size_t)(amp - q.ptr) : q.len, &part))
      return false;
    if (amp && !ia_span_take(&q, 1, &skip))
      return false;
    if (part.len == 0)
      continue;
    if (rq->n_query == QUERY_MAX)
      return ia_fail(e, IA_E_INVALID, "more than %d query parameters", QUERY_MAX);
    const uint8_t *eq = memchr(part.ptr, '=', part.len);
    size_t n = eq ? (size_t)(eq - part.ptr) : part.len;
    pair *p = &rq->query[rq->n_query++];
    if (!decode(rq, &p->name, ia_span_of(part.ptr, n), true, e) ||
        !decode(rq, &p->value, ia_span_of(part.ptr + n + (eq ? 1 : 0), part.len - n - (eq ? 1 : 0)),
                true, e))
      return false;
  }
  return true;
}

bool ia_request_begin(ia_request *rq, ia_span head, ia_err *e)
{
  if (head.len == 0)
    return ia_fail(e, IA_E_INVALID,
                   "bytes that are no request: lines end with CRLF, at most %d"
                   " bytes, none of them a control byte",
                   IA_HEAD_MAX);
  /* the connection's own bytes are gone when a client leaves while a job runs */
  ia_buf_span(&rq->memory, head);
  if (!ia_head_parse(&rq->head, ia_buf_view(&rq->memory), e))
    return false;
  ia_span target = rq->head.target;
  const uint8_t *q = memchr(target.ptr, '?', target.len);
  size_t n = q ? (size_t)(q - target.ptr) : target.len;
  rq->path = ia_span_of(target.ptr, n);
  return split_path(rq, e) && (!q || split_query(rq, ia_span_of(q + 1, target.len - n - 1), e));
}

/* One part of a pattern, up to "/" or the end. */
static ia_span next_part(const char **pattern)
{
  const char *at = *pattern, *end = strchr(at, '/');
  size_t n = end ? (size_t)(end - at) : strlen(at);

  *pattern = end ? end + 1 : NULL;
  return ia_span_of(at, n);
}

static bool match(ia_request *rq, const char *pattern)
{
  size_t i = 0;

  rq->n_params = 0;
  for (const char *p = pattern + 1; p; i++) {
    ia_span part = next_part(&p);
    bool named = part.len > 0 && (part.ptr[0] == ':' || part.ptr[0] == '*');

    if (i >= rq->n_segments || (named && rq->segments[i].len == 0))
      return false;
    if (!named) {
      if (!ia_span_eq(part, rq->segments[i]))
        return false;
      continue;
    }
    if (rq->n_params == PARAMS_MAX)
      return false;
    pair *out = &rq->params[rq->n_params++];
    *out = (pair){ia_span_of(part.ptr + 1, part.len - 1), rq->segments[i]};
    if (part.ptr[0] == '*') {
      const ia_span *last = &rq->segments[rq->n_segments - 1];

      out->value.len = (size_t)(last->ptr + last->len - out->value.ptr);
      return true;
    }
  }
  return i == rq->n_segments;
}

/* The row for a method among the rows of one table that fit the path: its own, or GET for HEAD. */
static bool route_in(ia_request *rq, const ia_routes *t, char *allow, size_t size)
{
  const ia_route *get = NULL;

  for (size_t i = 0; i < t->n; i++) {
    const ia_route *r = &t->rows[i];
    size_t used = strlen(allow);

    if (!match(rq, r->path))
      continue;
    rq->table = rq->table ? rq->table : t;
    rq->nearest = rq->nearest ? rq->nearest : r;
    if (ia_span_is(rq->head.method, r->method)) {
      rq->route = r;
      rq->table = t;
      return true;
    }
    if (!get && ia_span_is(rq->head.method, "HEAD") && strcmp(r->method, "GET") == 0)
      get = r;
    (void)snprintf(allow + used, size - used, "%s%s", used ? ", " : "", r->method);
  }
  if (!get || !match(rq, get->path))
    return false;
  rq->route = get;
  rq->table = t;
  return true;
}

bool ia_request_route(ia_request *rq, char *allow, size_t size, ia_err *e)
{
  allow[0] = '\0';
  for (size_t i = 0; i < rq->server->n_tables; i++)
    if (route_in(rq, rq->server->tables[i], allow, size))
      return true;
  if (rq->table)
    return ia_fail(e, IA_E_METHOD, "this path takes %s", allow);
  return ia_fail(e, IA_E_NOT_FOUND, "no such path");
}

ia_span ia_request_method(const ia_request *rq)
{
  return rq->head.method;
}

ia_span ia_request_path(const ia_request *rq)
{
  return rq->path;
}

ia_span ia_request_target(const ia_request *rq)
{
  return rq->head.target;
}

ia_span ia_request_param(const ia_request *rq, const char *name)
{
  for (size_t i = 0; i < rq->n_params; i++)
    if (ia_span_is(rq->params[i].name, name))
      return rq->params[i].value;
  return ia_span_of("", 0);
}

bool ia_request_query(const ia_request *rq, const char *name, ia_span *out)
{
  for (size_t i = 0; i < rq->n_query; i++)
    if (ia_span_is(rq->query[i].name, name)) {
      *out = rq->query[i].value;
      return true;
    }
  return false;
}

size_t ia_request_query_count(const ia_request *rq, const char *name)
{
  size_t n = 0;

  for (size_t i = 0; i < rq->n_query; i++)
    n += ia_span_is(rq->query[i].name, name);
  return n;
}

bool ia_request_query_at(const ia_request *rq, size_t i, ia_span *name, ia_span *value)
{
  if (i >= rq->n_query)
    return false;
  *name = rq->query[i].name;
  *value = rq->query[i].value;
  return true;
}

ia_span ia_request_header(const ia_request *rq, const char *name)
{
  return ia_head_field(&rq->head, name);
}

ia_span ia_request_body(const ia_request *rq)
{
  return ia_buf_view(&rq->body);
}

json_t *ia_request_json(const ia_request *rq, ia_err *e)
{
  return ia_json_parse(ia_buf_view(&rq->body), 0, e);
}

bool ia_request_local(const ia_request *rq)
{
  return rq->local;
}

const char *ia_request_peer(const ia_request *rq)
{
  return rq->peer;
}
