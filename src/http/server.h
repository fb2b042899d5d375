/* HTTP/1.1 server inside the loop of the process. Route tables of several services mount on one
 * server. A request that two readers could understand differently is refused with 400 before
 * routing, and its connection ends (http/head.h). A request for another name than ours is refused
 * (http/origin.h); what a page of a browser may ask depends on the mark of the route.
 * Clients that send or take nothing end, and when there is no room those who do least give way.
 * Every error is JSON. Functions are for the loop's thread unless they say otherwise. */
#ifndef IA_HTTP_SERVER_H
#define IA_HTTP_SERVER_H

#include "base/buf.h"
#include "base/json.h"
#include "base/loop.h"

typedef struct ia_server ia_server;
typedef struct ia_request ia_request;
typedef struct ia_reply ia_reply;

/* Fills rp and returns true, or fills e and returns false (the table's error format answers with
 * ia_code_http). A reply that was not touched is 200 with no body.
 * inline: runs on the loop's thread and never waits; it may hold the request (ia_request_hold).
 * job: runs on a thread of the pool IA_POOL_JOBS; rq and rp are its own until it returns. */
typedef bool ia_handler(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e);

typedef enum ia_route_kind { IA_ROUTE_INLINE, IA_ROUTE_JOB } ia_route_kind;

/* What a page of an origin that is not listed may do: to ask a public route, as long as a browser
 * asks first or it is a plain read; nothing else. Every row bears a mark. */
typedef enum ia_mark {
  IA_MARK_NONE,    /* refused when the table is mounted */
  IA_MARK_PUBLIC,  /* tells what everybody may know, or takes what is signed for everybody */
  IA_MARK_PRIVATE, /* tells what is not for everybody */
  IA_MARK_COSTLY,  /* changes something, or takes room and time */
  IA_MARK_TEST     /* for tests on this machine: not even for listed origins */
} ia_mark;

typedef struct ia_route {
  const char *method; /* "GET" answers HEAD too unless the table has its own HEAD row */
  const char *path;   /* "/tasks/:id/logs"; a last part "*rest" takes one or more parts */
  ia_route_kind kind;
  size_t body_cap;  /* most bytes of body, 413 beyond; 0 = no body */
  bool stream_body; /* job only: the body is read by ia_request_read, not held in memory */
  ia_handler *handler;
  ia_mark mark;
} ia_route;

/* Renders an error; status and content type are the formatter's to set (defaults stand already). */
typedef void ia_error_format(ia_reply *rp, const ia_err *err);

typedef struct ia_routes {
  const ia_route *rows;
  size_t n;
  void *ctx;              /* first argument of every handler of this table */
  ia_error_format *error; /* NULL: {"error":{"code","message","hint"}} */
  bool cors;              /* for browsers too: answers say who may read them, OPTIONS gets 204 */
} ia_routes;

typedef struct ia_listen {
  const char *host; /* NULL = 127.0.0.1; a literal address */
  uint16_t port;    /* 0 = any free one */
  int held; /* a socket of ia_listen_hold at that host and port, of which a copy is taken; 0 = none
             */
  const char *unix_path; /* instead of TCP: a socket of mode 0600, replaced when stale */
  const char *tls_cert;  /* PEM files; both or none */
  const char *tls_key;
  bool behind_tls_proxy; /* the operator says that TLS ends before us */
  const char *names;     /* comma-separated, in Host: NAME with any port, NAME:PORT */
  const char *origins;   /* comma-separated: pages that may use private and costly routes */
  unsigned connections;  /* at most; 0 = 1024, and fewer where the process may open fewer files */
  unsigned per_ip;       /* at most from one address; 0 = unlimited on loopback, else 256 */
  unsigned idle_s;       /* a silent connection ends; 0 = 60 */
} ia_listen;

/* A listening socket for whoever serves later, and again after it was killed: as long as it is
 * open, no other process can take the port, and who connects meanwhile waits. host NULL =
 * 127.0.0.1. */
IA_MUST bool ia_listen_hold(int *fd, const char *host, uint16_t port, ia_err *e);

/* INVALID when host is not loopback and neither TLS files nor behind_tls_proxy are given. */
IA_MUST bool ia_server_open(ia_server **out, ia_loop *l, const ia_listen *at, ia_err *e);
/* Ends held requests (their on_end is called) and waits for running jobs. NULL is fine. */
void ia_server_close(ia_server *s);
IA_DEFINE_AUTO(ia_server, ia_server_close)
/* The table must outlive the server. Earlier tables win. */
IA_MUST bool ia_server_mount(ia_server *s, const ia_routes *table, ia_err *e);
uint16_t ia_server_port(const ia_server *s); /* 0 for a unix socket */
/* "http://127.0.0.1:PORT" (https with TLS); lives as long as the server. "" for a unix socket. */
const char *ia_server_url(const ia_server *s);

/* -- the request; spans live until the request is answered -- */
ia_span ia_request_method(const ia_request *rq);
ia_span ia_request_path(const ia_request *rq);   /* raw, without the query */
ia_span ia_request_target(const ia_request *rq); /* raw path and query, as sent */
/* Percent-decoded path parameter ("id", or "rest" without a leading slash); "" when not in the
 * pattern. */
ia_span ia_request_param(const ia_request *rq, const char *name);
/* Percent-decoded first value of a query parameter; false when absent. */
bool ia_request_query(const ia_request *rq, const char *name, ia_span *out);
/* How many times the parameter was given. */
size_t ia_request_query_count(const ia_request *rq, const char *name);
/* Every query parameter in order, for closed grammars: false beyond the last. */
bool ia_request_query_at(const ia_request *rq, size_t i, ia_span *name, ia_span *value);
/* First field of that name (any case), blanks around cut off; "" when absent. */
ia_span ia_request_header(const ia_request *rq, const char *name);
ia_span ia_request_body(const ia_request *rq); /* the whole body, unless the route streams it */
/* PARSE when the body is not one JSON object or array. */
IA_MUST json_t *ia_request_json(const ia_request *rq, ia_err *e);
/* True for a unix socket or a loopback peer. */
bool ia_request_local(const ia_request *rq);
/* A page that is neither ours nor of a loopback name: it may drive no test. */
bool ia_request_from_page(const ia_request *rq);
const char *ia_request_peer(const ia_request *rq); /* address as text without the port; "unix" */
/* Streamed body, in the job: *n = 0 at the end. TOO_LARGE beyond the route's cap, CANCELLED when
 * the client left, TIMEOUT when it sends nothing for 30 s. Blocks. At most 24 such jobs run at a
 * time, each from the first 64 KiB of its body on (or all of it); further senders wait, and the
 * slowest of those who have their turn gives way. */
IA_MUST bool ia_request_read(ia_request *rq, void *buf, size_t cap, size_t *n, ia_err *e);

/* -- holding: an inline handler answers later (long poll, group commit) -- */
/* Called at most once: when ms have passed, or the server closes. It must finish the request. */
typedef void ia_hold_fn(void *ctx, ia_request *rq);
/* Then the handler returns true and does not touch rq again but through ia_request_reply and
 * ia_request_finish. ms 0 = no limit. */
IA_MUST bool ia_request_hold(ia_request *rq, uint64_t ms, ia_hold_fn *on_end, void *ctx, ia_err *e);
ia_reply *ia_request_reply(ia_request *rq);
/* Sends the reply, or the error when err is not NULL. Once for each held request; rq is gone
 * after. */
void ia_request_finish(ia_request *rq, const ia_err *err);

/* -- the reply; bytes are copied -- */
void ia_reply_status(ia_reply *rp, int status);
/* Replaces a field of that name. Refused values (control bytes) turn the reply into a 500. */
void ia_reply_header(ia_reply *rp, const char *name, const char *value);
ia_buf *ia_reply_body(ia_reply *rp); /* write here; cap IA_BUF_CAP */
void ia_reply_type(ia_reply *rp, const char *content_type);
/* status, application/json and the text of v. */
IA_MUST bool ia_reply_json(ia_reply *rp, int status, const json_t *v, ia_err *e);
/* The body is bytes [from, from + n) of fd, which the reply takes over. */
void ia_reply_file(ia_reply *rp, int fd, uint64_t from, uint64_t n);

/* Streamed body: fill runs on a thread of IA_POOL_JOBS, one call at a time and only when the client
 * has taken what came before. *n = 0 ends a body of unknown size; false breaks the connection (the
 * client sees a cut body). size: bytes in all, or IA_SIZE_UNKNOWN (chunked). done is called once,
 * at the end of everything, on the loop's thread, and frees ctx. */
#define IA_SIZE_UNKNOWN UINT64_MAX
typedef bool ia_body_fill(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e);
void ia_reply_stream(ia_reply *rp, uint64_t size, ia_body_fill *fill, ia_loop_fn *done, void *ctx);

/* The default error format: {"error":{"code","message","hint"}}. */
void ia_reply_error(ia_reply *rp, const ia_err *err);

#endif
