/* HTTP client over libcurl's easy interface. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "http/client_int.h"
#include "http/fields.h"

enum {
  CONNECT_MS = 5000,
  TOTAL_MS = 30000,
  ANSWER_MAX = 16 << 20,
  HEADERS_MAX = 64 << 10,
  SLOW_SECONDS = 30,
};

static char *copy(const char *s, bool *ok)
{
  char *out = s ? strdup(s) : NULL;

  *ok = *ok && (!s || out);
  return out;
}

bool ia_http_new(ia_http **out, const ia_http_options *o, ia_err *e)
{
  static const ia_http_options defaults;
  ia_http *h = calloc(1, sizeof(*h));
  bool ok = h != NULL;

  if (!ok || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    free(h);
    return ia_fail(e, IA_E_MEMORY, "no memory for an HTTP client");
  }
  o = o ? o : &defaults;
  h->connect_ms = o->connect_ms ? o->connect_ms : CONNECT_MS;
  h->total_ms = o->total_ms ? o->total_ms : TOTAL_MS;
  h->only_secure = o->only_secure;
  h->unix_socket = copy(o->unix_socket, &ok);
  h->proxy = copy(o->proxy, &ok);
  h->ca_file = copy(o->ca_file, &ok);
  h->curl = curl_easy_init();
  if (!ok || !h->curl) {
    ia_http_free(h);
    return ia_fail(e, IA_E_MEMORY, "no memory for an HTTP client");
  }
  *out = h;
  return true;
}

void ia_http_free(ia_http *h)
{
  if (!h)
    return;
  if (h->curl)
    curl_easy_cleanup(h->curl);
  curl_global_cleanup();
  free(h->unix_socket);
  free(h->proxy);
  free(h->ca_file);
  free(h);
}

void ia_http_answer_free(ia_http_answer *a)
{
  ia_buf_free(&a->body);
  ia_buf_free(&a->headers);
  a->status = 0;
}

ia_span ia_http_field(const ia_http_answer *a, const char *name)
{
  ia_span in = ia_buf_view(&a->headers), line, skip;

  while (in.len > 0) {
    const uint8_t *nl = memchr(in.ptr, '\n', in.len);

    if (!nl || !ia_span_take(&in, (size_t)(nl - in.ptr), &line) || !ia_span_take(&in, 1, &skip))
      break;
    const uint8_t *colon = memchr(line.ptr, ':', line.len);
    if (colon && ia_span_is(ia_span_of(line.ptr, (size_t)(colon - line.ptr)), name))
      return ia_span_trim(ia_span_of(colon + 1, (size_t)(line.ptr + line.len - colon) - 1));
  }
  return ia_span_of("", 0);
}

/* What another reader would take for something else is no answer. */
static bool header_ok(const char *p, size_t len)
{
  for (size_t i = 0; i < len; i++)
    if (((unsigned char)p[i] < 0x20 && p[i] != '\t') || p[i] == 0x7f)
      return false;
  return len == 0 || (p[0] != ' ' && p[0] != '\t');
}

static size_t on_header(char *p, size_t size, size_t n, void *ctx)
{
  ia_exchange *x = ctx;
  ia_buf *b = &x->a->headers;
  size_t len = size * n;

  while (len > 0 && (p[len - 1] == '\n' || p[len - 1] == '\r'))
    len--;
  if (!header_ok(p, len)) {
    x->failed = true;
    (void)ia_fail(&x->err, IA_E_IO, "an answer with a folded header line or a control byte in it");
    return 0;
  }
  if (len >= 5 && memcmp(p, "HTTP/", 5) == 0) { /* of the last answer, after any 100 Continue */
    ia_buf_clear(b);
    return size * n;
  }
  const char *colon = len > 0 ? memchr(p, ':', len) : NULL;
  if (colon) {
    for (const char *c = p; c < colon; c++)
      ia_buf_u8(b, (uint8_t)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c));
    ia_buf_put(b, colon, len - (size_t)(colon - p));
    ia_buf_u8(b, '\n');
  }
  return b->bad ? 0 : size * n;
}

static size_t on_body(char *p, size_t size, size_t n, void *ctx)
{
  ia_exchange *x = ctx;
  size_t len = size * n;
  long status = 0;

  (void)curl_easy_getinfo(x->h->curl, CURLINFO_RESPONSE_CODE, &status);
  bool to_sink = x->c->sink && status >= 200 && status < 300;
  uint64_t cap = x->c->cap ? x->c->cap : to_sink ? UINT64_MAX : ANSWER_MAX;
  x->got += len;
  if (x->got > cap) {
    x->failed = true;
    (void)ia_fail(&x->err, IA_E_TOO_LARGE, "answer above %llu bytes", (unsigned long long)cap);
    return 0;
  }
  if (to_sink) {
    x->failed = !x->c->sink(x->c->sink_ctx, ia_span_of(p, len), &x->err);
    return x->failed ? 0 : len;
  }
  ia_buf_put(&x->a->body, p, len);
  return x->a->body.bad ? 0 : len;
}

static size_t on_upload(char *p, size_t size, size_t n, void *ctx)
{
  ia_exchange *x = ctx;
  size_t got = 0;

  if (x->c->source(x->c->source_ctx, (uint8_t *)p, size * n, &got, &x->err))
    return got;
  x->failed = true;
  return CURL_READFUNC_ABORT;
}

static int on_progress(void *ctx, curl_off_t dt, curl_off_t dn, curl_off_t ut, curl_off_t un)
{
  ia_exchange *x = ctx;

  (void)dt;
  (void)dn;
  (void)ut;
  (void)un;
  if (!x->c->cancel || !*x->c->cancel)
    return 0;
  x->failed = true;
  (void)ia_fail(&x->err, IA_E_CANCELLED, "cancelled");
  return 1;
}

/* Host of a URL as curl reads it, lower-case digits and names alike; "" when it is no URL. */
static void url_parts(const char *url, char *scheme, char *host, size_t size)
{
  CURLU *u = curl_url();
  char *s = NULL, *h = NULL;

  scheme[0] = host[0] = '\0';
  if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
      curl_url_get(u, CURLUPART_SCHEME, &s, 0) == CURLUE_OK &&
      curl_url_get(u, CURLUPART_HOST, &h, 0) == CURLUE_OK) {
    (void)snprintf(scheme, size, "%s", s);
    (void)snprintf(host, size, "%s", h);
  }
  curl_free(s);
  curl_free(h);
  curl_url_cleanup(u);
}

bool ia_http_secure_url(const char *url)
{
  char scheme[256], host[256];
  struct in_addr v4;

  url_parts(url, scheme, host, sizeof(host));
  if (strcmp(scheme, "https") == 0)
    return true;
  if (strcmp(scheme, "http") != 0)
    return false;
  if (inet_pton(AF_INET, host, &v4) == 1)
    return ntohl(v4.s_addr) >> 24 == 127;
  return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0;
}

void ia_http_until(ia_http *h, uint64_t mono_ms)
{
  h->until = mono_ms;
}

static bool time_left(const ia_http *h, uint32_t *ms, ia_err *e)
{
  uint64_t now = ia_mono_ms();

  *ms = UINT32_MAX - 1;
  if (h->until == 0)
    return true;
  if (now >= h->until)
    return ia_fail(e, IA_E_TIMEOUT, "the time for all questions together is over");
  if (h->until - now < *ms)
    *ms = (uint32_t)(h->until - now);
  return true;
}

static void set_limits(const ia_http *h, const ia_http_call *c, uint32_t left)
{
  uint32_t total = c->total_ms ? c->total_ms : h->total_ms;

  (void)curl_easy_setopt(h->curl, CURLOPT_CONNECTTIMEOUT_MS, (long)h->connect_ms);
  if (h->until != 0 && left < total)
    total = left;
  if (total != IA_HTTP_NO_TOTAL) {
    (void)curl_easy_setopt(h->curl, CURLOPT_TIMEOUT_MS, (long)total);
  } else {
    (void)curl_easy_setopt(h->curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    (void)curl_easy_setopt(h->curl, CURLOPT_LOW_SPEED_TIME, (long)SLOW_SECONDS);
  }
}

static void set_transport(const ia_http *h, ia_exchange *x)
{
  CURL *k = h->curl;

  (void)curl_easy_setopt(k, CURLOPT_PROTOCOLS_STR, "http,https");
  (void)curl_easy_setopt(k, CURLOPT_FOLLOWLOCATION, 0L);
  (void)curl_easy_setopt(k, CURLOPT_NOSIGNAL, 1L);
  (void)curl_easy_setopt(k, CURLOPT_PROXY, h->proxy ? h->proxy : "");
  (void)curl_easy_setopt(k, CURLOPT_TCP_NODELAY, 1L);
  (void)curl_easy_setopt(k, CURLOPT_USERAGENT, "iapp/" IA_VERSION);
  (void)curl_easy_setopt(k, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
  (void)curl_easy_setopt(k, CURLOPT_BUFFERSIZE, 128L << 10);
  (void)curl_easy_setopt(k, CURLOPT_UPLOAD_BUFFERSIZE, 128L << 10);
  if (h->unix_socket)
    (void)curl_easy_setopt(k, CURLOPT_UNIX_SOCKET_PATH, h->unix_socket);
  if (h->ca_file)
    (void)curl_easy_setopt(k, CURLOPT_CAINFO, h->ca_file);
  (void)curl_easy_setopt(k, CURLOPT_HEADERFUNCTION, on_header);
  (void)curl_easy_setopt(k, CURLOPT_HEADERDATA, x);
  (void)curl_easy_setopt(k, CURLOPT_WRITEFUNCTION, on_body);
  (void)curl_easy_setopt(k, CURLOPT_WRITEDATA, x);
  if (x->c->cancel) {
    (void)curl_easy_setopt(k, CURLOPT_NOPROGRESS, 0L);
    (void)curl_easy_setopt(k, CURLOPT_XFERINFOFUNCTION, on_progress);
    (void)curl_easy_setopt(k, CURLOPT_XFERINFODATA, x);
  }
}

/* false without memory for the fields */
static bool set_request(ia_exchange *x)
{
  CURL *k = x->h->curl;
  const ia_http_call *c = x->c;
  const char *method = c->method ? c->method : "GET";
  bool sends = strcmp(method, "POST") == 0 || strcmp(method, "PUT") == 0;
  bool ok = curl_easy_setopt(k, CURLOPT_URL, c->url) == CURLE_OK;

  /* curl waits a second for 100 Continue from servers that never send it */
  struct curl_slist *l = curl_slist_append(NULL, "Expect:");
  for (size_t i = 0; c->headers && c->headers[i]; i++) {
    struct curl_slist *more = curl_slist_append(l, c->headers[i]);

    ok = ok && more;
    l = more ? more : l;
  }
  x->fields = l;
  if (strcmp(method, "HEAD") == 0)
    (void)curl_easy_setopt(k, CURLOPT_NOBODY, 1L);
  else if (sends && c->source) {
    (void)curl_easy_setopt(k, CURLOPT_UPLOAD, 1L);
    (void)curl_easy_setopt(k, CURLOPT_READFUNCTION, on_upload);
    (void)curl_easy_setopt(k, CURLOPT_READDATA, x);
    (void)curl_easy_setopt(k, CURLOPT_INFILESIZE_LARGE,
                           c->source_size == UINT64_MAX ? (curl_off_t)-1
                                                        : (curl_off_t)c->source_size);
    (void)curl_easy_setopt(k, CURLOPT_CUSTOMREQUEST, method);
  } else if (sends) {
    (void)curl_easy_setopt(k, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)c->body.len);
    (void)curl_easy_setopt(k, CURLOPT_POSTFIELDS, c->body.len ? (const char *)c->body.ptr : "");
    (void)curl_easy_setopt(k, CURLOPT_CUSTOMREQUEST, method);
  } else {
    (void)curl_easy_setopt(k, CURLOPT_HTTPGET, 1L);
    (void)curl_easy_setopt(k, CURLOPT_CUSTOMREQUEST, method);
  }
  return ok && l && curl_easy_setopt(k, CURLOPT_HTTPHEADER, l) == CURLE_OK;
}

/* scheme://host:port of a URL, for messages: the rest may hold what is nobody's business. */
static void origin_of(char *out, size_t size, const char *url)
{
  const char *host = strstr(url, "://");
  size_t n = strcspn(host ? host + 3 : url, "/?#") + (host ? (size_t)(host - url) + 3 : 0);

  (void)snprintf(out, size, "%.*s", (int)(n < 120 ? n : 120), url);
}

static bool explain(const ia_exchange *x, CURLcode rc, ia_err *e)
{
  char where[128];
  ia_code code = IA_E_IO;

  if (x->failed) {
    if (e)
      *e = x->err;
    return false;
  }
  origin_of(where, sizeof(where), x->c->url);
  switch (rc) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
  case CURLE_COULDNT_CONNECT:
  case CURLE_GOT_NOTHING:
  case CURLE_SSL_CONNECT_ERROR: code = IA_E_UNAVAILABLE; break;
  case CURLE_OPERATION_TIMEDOUT: code = IA_E_TIMEOUT; break;
  case CURLE_URL_MALFORMAT:
  case CURLE_UNSUPPORTED_PROTOCOL: code = IA_E_INVALID; break;
  case CURLE_OUT_OF_MEMORY: code = IA_E_MEMORY; break;
  default: break;
  }
  return ia_fail(e, code, "%s: %s", where, curl_easy_strerror(rc));
}

bool ia_exchange_begin(ia_exchange *x, ia_err *e)
{
  ia_http *h = x->h;
  const ia_http_call *c = x->c;
  uint32_t left;

  ia_http_answer_free(x->a);
  x->a->headers.cap = HEADERS_MAX;
  x->a->body.cap = c->cap && !c->sink ? c->cap : ANSWER_MAX;
  if (h->only_secure && !h->unix_socket && !ia_http_secure_url(c->url)) {
    char where[128];

    origin_of(where, sizeof(where), c->url);
    (void)ia_fail(e, IA_E_FORBIDDEN, "%s: refusing to send a secret over plain http", where);
    return ia_hint(e, "use https, or a service on this machine");
  }
  if (!time_left(h, &left, e))
    return false;
  curl_easy_reset(h->curl); /* keeps the connections */
  set_transport(h, x);
  set_limits(h, c, left);
  return set_request(x) || ia_exchange_end(x, CURLE_OUT_OF_MEMORY, e);
}

bool ia_exchange_end(ia_exchange *x, CURLcode rc, ia_err *e)
{
  long status = 0;

  curl_slist_free_all(x->fields);
  x->fields = NULL;
  (void)curl_easy_getinfo(x->h->curl, CURLINFO_RESPONSE_CODE, &status);
  x->a->status = (int)status;
  return rc == CURLE_OK || explain(x, rc, e);
}

bool ia_http_do(ia_http *h, ia_http_answer *a, const ia_http_call *c, ia_err *e)
{
  ia_exchange x = {.h = h, .c = c, .a = a};

  return ia_exchange_begin(&x, e) && ia_exchange_end(&x, curl_easy_perform(h->curl), e);
}

void ia_http_escape(ia_buf *out, ia_span text)
{
  for (size_t i = 0; i < text.len; i++) {
    uint8_t c = text.ptr[i];
    bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    if (alnum || (c && strchr("-._~", c)))
      ia_buf_u8(out, c);
    else
      ia_buf_printf(out, "%%%02X", c);
  }
}
