/* Blocking HTTP client over libcurl, for jobs, the command line and tests: only http and https, no
 * redirects, no proxy but the one given, time and size limits always. One handle belongs to one
 * thread at a time and keeps its connections open between calls. */
#ifndef IA_HTTP_CLIENT_H
#define IA_HTTP_CLIENT_H

#include "base/buf.h"
#include "base/json.h"

typedef struct ia_http ia_http;

typedef struct ia_http_options {
  uint32_t connect_ms;     /* 0 = 5000 */
  uint32_t total_ms;       /* 0 = 30000; a call may set its own */
  const char *unix_socket; /* connect here whatever the URL's host says */
  const char *proxy;       /* NULL = none, whatever the environment says */
  const char *ca_file;     /* NULL = the system's */
  /* refuse http:// to anything but loopback and unix sockets: set where a secret is sent */
  bool only_secure;
} ia_http_options;

IA_MUST bool ia_http_new(ia_http **out, const ia_http_options *o, ia_err *e); /* o may be NULL */
void ia_http_free(ia_http *h);                                                /* NULL is fine */
IA_DEFINE_AUTO(ia_http, ia_http_free)

/* From here on every call ends by then (ia_mono_ms; TIMEOUT), whatever its own limits allow; 0 =
 * none but those. */
void ia_http_until(ia_http *h, uint64_t mono_ms);

/* Gives the next bytes of an upload: *n = 0 at the end. */
typedef bool ia_http_source(void *ctx, uint8_t *buf, size_t cap, size_t *n, ia_err *e);
/* Takes the next bytes of an answer with status 2xx; other bodies go to ia_http_answer.body. */
typedef bool ia_http_sink(void *ctx, ia_span data, ia_err *e);

typedef struct ia_http_call {
  const char *method; /* NULL = GET */
  const char *url;
  const char *const *headers; /* "Name: value", NULL-terminated; NULL = none */
  ia_span body;               /* sent when method is POST or PUT and no source is given */
  ia_http_source *source;
  void *source_ctx;
  uint64_t source_size; /* UINT64_MAX = unknown: chunked */
  ia_http_sink *sink;
  void *sink_ctx;
  size_t cap;                  /* most bytes of answer; 0 = 16 MiB, for a sink 0 = no cap */
  uint32_t total_ms;           /* 0 = the handle's; with source or sink also no total limit when
                                  IA_HTTP_NO_TOTAL: then fewer than 1 byte/s for 30 s ends it */
  const volatile bool *cancel; /* set by another thread: the call ends with CANCELLED within 1 s */
} ia_http_call;
#define IA_HTTP_NO_TOTAL UINT32_MAX

typedef struct ia_http_answer {
  int status;
  ia_buf body;
  ia_buf headers; /* "name: value\n" lines, names in lower case */
} ia_http_answer;
void ia_http_answer_free(ia_http_answer *a);
IA_DEFINE_AUTO_VALUE(ia_http_answer, ia_http_answer_free)
/* First field of that (lower-case) name, or "". */
ia_span ia_http_field(const ia_http_answer *a, const char *name);

/* Any status is success here. UNAVAILABLE without a connection, TIMEOUT, TOO_LARGE, CANCELLED, IO.
 * a is emptied first. */
IA_MUST bool ia_http_do(ia_http *h, ia_http_answer *a, const ia_http_call *c, ia_err *e);

/* JSON in (body NULL = none), JSON out. A status of 400 and more becomes an error of the class that
 * the answer names ({"error":{"code","message","hint"}}), else of the one that fits the status,
 * with the answer's own words. *out may be NULL; it is NULL after an answer without body. */
IA_MUST bool ia_http_json(ia_http *h, json_t **out, const char *method, const char *url,
                          const json_t *body, ia_err *e);
/* The same with extra fields and a time limit; what c says of body is replaced. */
IA_MUST bool ia_http_json_call(ia_http *h, json_t **out, const ia_http_call *c, const json_t *body,
                               ia_err *e);
/* Fills e from an answer with status >= 400, in the words of the service. Always false. */
bool ia_http_refused(const ia_http_answer *a, const char *what, ia_err *e);

/* Percent-encodes everything but RFC 3986 unreserved bytes. */
void ia_http_escape(ia_buf *out, ia_span text);
/* True for https, for http to 127.0.0.0/8, ::1 or localhost, and when a unix socket is used. */
bool ia_http_secure_url(const char *url);

#endif
