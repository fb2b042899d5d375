/* Reading a request's head and finding its route. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "http/server_int.h"

ia_request *ia_request_new(ia_server *s, const char *target)
{
  ia_request *rq = calloc(1, sizeof(*rq));

  if (!rq)
    return NULL;
  rq->server = s;
  rq->reply.fd = -1;
  rq->reply.status = 200;
  rq->body.secret = true; /* secrets are pushed as bodies */
  ia_buf_str(&rq->memory, target);
  if (rq->memory.bad) {
    free(rq);
    return NULL;
  }
  rq->target = ia_buf_view(&rq->memory);
  rq->next = s->requests;
  rq->link = &s->requests;
  if (rq->next)
    rq->next->link = &rq->next;
  s->requests = rq;
  return rq;
}

static enum MHD_Result on_field(void *cls, enum MHD_ValueKind kind, const char *name,
                                size_t name_len, const char *value, size_t value_len)
{
  ia_request *rq = cls;

  (void)kind;
  if (rq->n_fields == FIELDS_MAX) {
    rq->refused = true;
    return MHD_NO;
  }
  rq->fields[rq->n_fields++] =
      (ia_field){ia_span_of(name, name_len), ia_span_of(value, value ? value_len : 0)};
  return MHD_YES;
}

static ia_span keep(ia_request *rq, ia_span s)
{
  ia_span at = ia_span_of(rq->memory.ptr + rq->memory.len, s.len);

  ia_buf_span(&rq->memory, s);
  return at;
}

/* The library's own memory is gone when a client leaves while a job runs, so everything is copied.
 */
static bool copy_head(ia_request *rq, ia_span method, ia_err *e)
{
  size_t need = method.len + rq->target.len * 2 + 64;

  for (size_t i = 0; i < rq->n_fields; i++)
    need += rq->fields[i].name.len + rq->fields[i].value.len;
  if (!ia_buf_reserve(&rq->memory, need))
    return ia_fail(e, IA_E_MEMORY, "no memory for a request");
  rq->target = ia_span_of(rq->memory.ptr, rq->target.len);
  rq->method = keep(rq, method);
  for (size_t i = 0; i < rq->n_fields; i++) {
    rq->fields[i].name = keep(rq, rq->fields[i].name);
    rq->fields[i].value = keep(rq, ia_span_trim(rq->fields[i].value));
  }
  return true;
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

static void read_peer(ia_request *rq)
{
  const union MHD_ConnectionInfo *info =
      MHD_get_connection_info(rq->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
  const struct sockaddr *sa = info ? info->client_addr : NULL;
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;

  (void)snprintf(rq->peer, sizeof(rq->peer), "unix");
  rq->local = rq->server->unix_path != NULL;
  if (rq->local || !sa)
    return;
  if (sa->sa_family == AF_INET) {
    memcpy(&v4, sa, sizeof(v4));
    (void)inet_ntop(AF_INET, &v4.sin_addr, rq->peer, sizeof(rq->peer));
    rq->local = ntohl(v4.sin_addr.s_addr) >> 24 == 127;
  } else if (sa->sa_family == AF_INET6) {
    memcpy(&v6, sa, sizeof(v6));
    (void)inet_ntop(AF_INET6, &v6.sin6_addr, rq->peer, sizeof(rq->peer));
    rq->local = IN6_IS_ADDR_LOOPBACK(&v6.sin6_addr);
  }
}

bool ia_request_begin(ia_request *rq, const char *method, ia_err *e)
{
  (void)MHD_get_connection_values_n(rq->conn, MHD_HEADER_KIND, on_field, rq);
  if (rq->refused)
    return ia_fail(e, IA_E_INVALID, "more than %d header fields", FIELDS_MAX);
  read_peer(rq);
  if (!copy_head(rq, ia_span_str(method), e) ||
      !ia_front_check(rq->target, rq->fields, rq->n_fields, e))
    return false;
  const uint8_t *q = memchr(rq->target.ptr, '?', rq->target.len);
  size_t n = q ? (size_t)(q - rq->target.ptr) : rq->target.len;
  rq->path = ia_span_of(rq->target.ptr, n);
  return split_path(rq, e) && (!q || split_query(rq, ia_span_of(q + 1, rq->target.len - n - 1), e));
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
    if (ia_span_is(rq->method, r->method)) {
      rq->route = r;
      rq->table = t;
      return true;
    }
    if (!get && ia_span_is(rq->method, "HEAD") && strcmp(r->method, "GET") == 0)
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
  return rq->method;
}

ia_span ia_request_path(const ia_request *rq)
{
  return rq->path;
}

ia_span ia_request_target(const ia_request *rq)
{
  return rq->target;
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
  for (size_t i = 0; i < rq->n_fields; i++)
    if (ia_span_is_nocase(rq->fields[i].name, name))
      return rq->fields[i].value;
  return ia_span_of("", 0);
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
