/* Opening, mounting, running and closing of the server. */
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/log.h"
#include "http/server_int.h"

static void run(ia_server *s);

static void run_posted(void *ctx)
{
  ia_server *s = ctx;

  s->run_posted = false;
  run(s);
}

void ia_server_kick(ia_server *s)
{
  if (s->run_posted || s->closing)
    return;
  /* without memory for a post the timer still wakes the daemon */
  if (ia_loop_post(s->loop, run_posted, s, NULL))
    s->run_posted = true;
  else
    ia_timer_start(s->timer, 1, 0);
}

static void run(ia_server *s)
{
  MHD_UNSIGNED_LONG_LONG ms = 0;

  if (s->closing)
    return;
  (void)MHD_run(s->daemon);
  if (MHD_get_timeout(s->daemon, &ms) != MHD_YES)
    ia_timer_stop(s->timer);
  else if (ms == 0)
    ia_server_kick(s);
  else
    ia_timer_start(s->timer, ms, 0);
}

static void on_events(void *ctx, unsigned events)
{
  (void)events;
  run(ctx);
}

static void on_time(void *ctx)
{
  run(ctx);
}

/* Paths and fields are decoded by us, once, after routing. */
static size_t leave_as_is(void *cls, struct MHD_Connection *c, char *text)
{
  (void)cls;
  (void)c;
  return strlen(text);
}

static void *on_target(void *cls, const char *target, struct MHD_Connection *c)
{
  (void)c;
  return ia_request_new(cls, target);
}

IA_PRINTF(2, 0) static void on_log(void *cls, const char *fmt, va_list ap)
{
  char text[256];

  (void)cls;
  if (vsnprintf(text, sizeof(text), fmt, ap) > 0)
    ia_log(IA_LOG_DEBUG, "http.library", "text=%s", text);
}

static char *load_pem(const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {.secret = true};

  if (!ia_file_read(&b, path, 1 << 20, e)) {
    (void)ia_wrap(e, "TLS");
    return NULL;
  }
  char *text = ia_buf_text(&b);
  if (!text)
    (void)ia_fail(e, IA_E_MEMORY, "no memory for %s", path);
  return text;
}

static bool start_daemon(ia_server *s, const ia_listen *at, ia_err *e)
{
  unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;
  struct MHD_OptionItem tls[] = {
      {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}, {MHD_OPTION_END, 0, NULL}};

  if (at->tls_cert) {
    flags |= MHD_USE_TLS;
    if (!(s->cert = load_pem(at->tls_cert, e)) || !(s->key = load_pem(at->tls_key, e)))
      return false;
    tls[0] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, s->cert};
    tls[1] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, s->key};
  }
  unsigned per_ip = at->per_ip ? at->per_ip : s->loopback ? 0 : 256;
  s->daemon = MHD_start_daemon(
      flags, 0, NULL, NULL, ia_server_access, s, MHD_OPTION_EXTERNAL_LOGGER, on_log, s,
      MHD_OPTION_LISTEN_SOCKET, s->listen_fd, MHD_OPTION_STRICT_FOR_CLIENT, 1,
      MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)(16 << 10), MHD_OPTION_CONNECTION_TIMEOUT,
      at->idle_s ? at->idle_s : 60U, MHD_OPTION_CONNECTION_LIMIT,
      at->connections ? at->connections : 1024U, MHD_OPTION_PER_IP_CONNECTION_LIMIT, per_ip,
      MHD_OPTION_UNESCAPE_CALLBACK, leave_as_is, NULL, MHD_OPTION_URI_LOG_CALLBACK, on_target, s,
      MHD_OPTION_NOTIFY_COMPLETED, ia_server_completed, s, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
  if (!s->daemon)
    return ia_fail(e, at->tls_cert ? IA_E_INVALID : IA_E_IO, "HTTP server does not start%s",
                   at->tls_cert ? " (are the TLS files a PEM certificate and its key?)" : "");
  s->listen_fd = -1; /* the daemon's now */
  return true;
}

static bool join_loop(ia_server *s, ia_err *e)
{
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);

  if (!info)
    return ia_fail(e, IA_E_INTERNAL, "HTTP library without epoll");
  return ia_timer_new(&s->timer, s->loop, on_time, s, e) &&
         ia_watch_new(&s->watch, s->loop, info->epoll_fd, IA_WATCH_READ, on_events, s, e);
}

bool ia_server_open(ia_server **out, ia_loop *l, const ia_listen *at, ia_err *e)
{
  if (!at->tls_cert != !at->tls_key)
    return ia_fail(e, IA_E_INVALID, "TLS needs both a certificate and a key");
  ia_server *s = calloc(1, sizeof(*s));
  if (!s)
    return ia_fail(e, IA_E_MEMORY, "no memory for a server");
  s->loop = l;
  s->listen_fd = -1;
  if (!ia_listen_open(&s->listen_fd, s, at, e) || !start_daemon(s, at, e) || !join_loop(s, e)) {
    ia_server_close(s);
    return false;
  }
  *out = s;
  return true;
}

/* Every request is brought to its reply, then the daemon sends what it can and stops. */
static void wind_down(ia_server *s)
{
  ia_request *next;

  for (ia_request *rq = s->requests; rq; rq = next) {
    next = rq->next;
    rq->queued = false;
    if (rq->held)
      ia_request_end_hold(rq);
    else if (rq->in.made)
      ia_ring_end(&rq->in, true);
  }
  while (s->busy > 0 || s->run_posted)
    ia_loop_wait_posted(s->loop);
  for (ia_request *rq = s->requests; rq; rq = rq->next)
    ia_request_resume(rq);
  for (int i = 0; i < 3; i++)
    (void)MHD_run(s->daemon);
}

void ia_server_close(ia_server *s)
{
  if (!s)
    return;
  s->closing = true;
  if (s->daemon) {
    wind_down(s);
    ia_watch_free(s->watch);
    ia_timer_free(s->timer);
    MHD_stop_daemon(s->daemon);
  }
  if (s->listen_fd >= 0)
    close(s->listen_fd);
  if (s->unix_path)
    (void)unlink(s->unix_path);
  if (s->key)
    explicit_bzero(s->key, strlen(s->key));
  free(s->unix_path);
  free(s->cert);
  free(s->key);
  free(s);
}

bool ia_server_mount(ia_server *s, const ia_routes *table, ia_err *e)
{
  if (s->n_tables == TABLES_MAX)
    return ia_fail(e, IA_E_INTERNAL, "more than %d route tables", TABLES_MAX);
  for (size_t i = 0; i < table->n; i++)
    if (table->rows[i].stream_body && table->rows[i].kind != IA_ROUTE_JOB)
      return ia_fail(e, IA_E_INTERNAL, "route %s: only a job can stream", table->rows[i].path);
  s->tables[s->n_tables++] = table;
  s->cors = s->cors || table->cors;
  return true;
}

uint16_t ia_server_port(const ia_server *s)
{
  return s->port;
}

const char *ia_server_url(const ia_server *s)
{
  return s->url;
}
