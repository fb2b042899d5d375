/* The gate before every handler: names of ours in Host, and what a page of elsewhere may ask. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "http/server_int.h"

/* What a page that is not listed gets of each kind of route. */
static const struct {
  ia_caller most; /* the strangest caller that is served */
  const char *what;
} marks[] = {
    [IA_MARK_PUBLIC] = {IA_CALLER_FOREIGN, NULL},
    [IA_MARK_PRIVATE] = {IA_CALLER_LISTED, "a page of this origin may not read it"},
    [IA_MARK_COSTLY] = {IA_CALLER_LISTED, "a page of this origin may not do it"},
    [IA_MARK_TEST] = {IA_CALLER_LOCAL, "a page of this origin may not drive a test"},
};

/* An address cannot be pointed elsewhere, as names can: that of the connection itself is ours. */
static bool is_own_address(const ia_conn *c, ia_span name)
{
  struct sockaddr_storage any = {0};
  socklen_t len = sizeof(any);
  struct sockaddr_in v4;
  struct sockaddr_in6 v6;
  char text[INET6_ADDRSTRLEN] = "";

  if (getsockname(c->fd, (struct sockaddr *)&any, &len) != 0)
    return false;
  if (any.ss_family == AF_INET) {
    memcpy(&v4, &any, sizeof(v4));
    (void)inet_ntop(AF_INET, &v4.sin_addr, text, sizeof(text));
  } else if (any.ss_family == AF_INET6) {
    memcpy(&v6, &any, sizeof(v6));
    if (name.len < 3 || name.ptr[0] != '[')
      return false;
    name = ia_span_of(name.ptr + 1, name.len - 2);
    (void)inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof(text));
  }
  return text[0] && ia_span_is_nocase(name, text);
}

static bool host_ok(const ia_request *rq, ia_err *e)
{
  const ia_server *s = rq->server;
  ia_span host = ia_head_field(&rq->head, "host"), name;
  uint16_t port;

  if (s->unix_path)
    return true; /* no browser comes here */
  if (host.len == 0)
    return ia_fail(e, IA_E_INVALID, "the field host is missing");
  if (!ia_host_split(host, &name, &port))
    return ia_fail(e, IA_E_INVALID, "the field host names no host");
  if (ia_list_has(s->names, host) || ia_list_has(s->names, name))
    return true;
  if (port == 0)
    port = s->tls ? 443 : 80;
  /* nobody else can point a loopback name here, so a forwarded port may differ */
  if (ia_host_is_loopback(name) || (port == s->port && is_own_address(rq->conn, name)))
    return true;
  (void)ia_fail(e, IA_E_FORBIDDEN, "host %.*s is no name of this service",
                (int)(host.len < 80 ? host.len : 80), (const char *)host.ptr);
  return ia_hint(e, "the operator gives its names: --host-name NAME");
}

bool ia_gate_host(ia_request *rq, ia_err *e)
{
  if (!host_ok(rq, e))
    return false;
  rq->caller = ia_caller_of(&rq->head, rq->server->tls ? "https" : "http", rq->server->origins);
  return true;
}

static bool is_json(ia_span type)
{
  const uint8_t *semicolon = type.len > 0 ? memchr(type.ptr, ';', type.len) : NULL;

  if (semicolon)
    type = ia_span_trim(ia_span_of(type.ptr, (size_t)(semicolon - type.ptr)));
  return ia_span_is_nocase(type, "application/json");
}

bool ia_gate_route(ia_request *rq, const ia_route *r, ia_err *e)
{
  ia_conn *c = rq->conn;

  if (rq->caller > marks[r->mark].most) {
    rq->barred = true;
    (void)ia_fail(e, IA_E_FORBIDDEN, "%s", marks[r->mark].what);
    return ia_hint(e, r->mark == IA_MARK_TEST ? "test verbs are for pages of this machine"
                                              : "the operator lists it: --allow-origin ORIGIN");
  }
  /* other types are sent without asking first */
  if (rq->caller != IA_CALLER_FOREIGN || c->whole ||
      is_json(ia_head_field(&rq->head, "content-type")))
    return true;
  rq->barred = true;
  return ia_fail(e, IA_E_FORBIDDEN, "want content-type: application/json of a page");
}

void ia_gate_answer(ia_request *rq)
{
  const ia_route *r = rq->route ? rq->route : rq->nearest;
  bool cors = rq->table ? rq->table->cors : rq->server->cors;
  ia_span origin = ia_head_field(&rq->head, "origin");
  char text[256];

  if (!cors || rq->barred)
    return;
  /* a path that no table knows is answered in the way of the server's tables */
  if (!r || r->mark == IA_MARK_PUBLIC) {
    ia_reply_header(&rq->reply, "Access-Control-Allow-Origin", "*");
    return;
  }
  ia_reply_header(&rq->reply, "Vary", "Origin");
  if (origin.len == 0 || origin.len >= sizeof(text))
    return;
  memcpy(text, origin.ptr, origin.len);
  text[origin.len] = '\0';
  ia_reply_header(&rq->reply, "Access-Control-Allow-Origin", text);
}

bool ia_request_from_page(const ia_request *rq)
{
  return rq->caller > marks[IA_MARK_TEST].most;
}
