/* Opening, mounting, running and closing of the server. */
#include <string.h>
#include <sys/resource.h>

#include "http/server_int.h"

enum { TICK_MS = 250, SPARE_FILES = 128 };

static void run_posted(void *ctx)
{
  ia_server *s = ctx;

  s->run_posted = false;
  ia_conn_run_ready(s);
}

void ia_server_kick(ia_server *s)
{
  /* without memory for a post the timer still comes */
  if (!s->run_posted)
    s->run_posted = ia_loop_post(s->loop, run_posted, s, NULL);
}

static void on_time(void *ctx)
{
  ia_limits_tick(ctx);
  if (((ia_server *)ctx)->ready)
    ia_server_kick(ctx);
}

static char *copy(const char *text, bool *ok)
{
  char *out = text ? strdup(text) : NULL;

  *ok = *ok && (!text || out);
  return out;
}

static bool origins_ok(const char *list, ia_err *e)
{
  while (list && *list) {
    size_t n = strcspn(list, ",");

    if (!ia_origin_valid(ia_span_trim(ia_span_of(list, n)))) {
      (void)ia_fail(e, IA_E_INVALID, "\"%.*s\" is no origin", (int)(n < 80 ? n : 80), list);
      return ia_hint(e, "as browsers send it: https://name, https://name:port");
    }
    list += n;
    list += *list == ',';
  }
  return true;
}

/* Files that a process may open are connections, and what its handlers open. */
static unsigned most(unsigned wanted)
{
  struct rlimit files;

  if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < wanted + 2u * SPARE_FILES) {
    rlim_t want = wanted + 2u * SPARE_FILES;

    files.rlim_cur = files.rlim_max < want ? files.rlim_max : want;
    (void)setrlimit(RLIMIT_NOFILE, &files);
  }
  if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur > wanted + SPARE_FILES)
    return wanted;
  return files.rlim_cur > 2u * SPARE_FILES ? (unsigned)files.rlim_cur - SPARE_FILES : SPARE_FILES;
}

static bool configure(ia_server *s, const ia_listen *at, ia_err *e)
{
  bool ok = true;

  s->scratch = malloc(SCRATCH);
  s->names = copy(at->names, &ok);
  s->origins = copy(at->origins, &ok);
  if (!ok || !s->scratch)
    return ia_fail(e, IA_E_MEMORY, "no memory for a server");
  s->max = most(at->connections ? at->connections : 1024U);
  s->per_ip = at->per_ip ? at->per_ip : s->loopback ? 0 : 256;
  s->idle_s = at->idle_s ? at->idle_s : 60U;
  return origins_ok(at->origins, e) && ia_tls_open(s, at, e);
}

static bool join_loop(ia_server *s, ia_err *e)
{
  if (!ia_timer_new(&s->timer, s->loop, on_time, s, e) ||
      !ia_watch_new(&s->watch, s->loop, s->listen_fd, IA_WATCH_READ, ia_conn_accept, s, e))
    return false;
  ia_timer_start(s->timer, TICK_MS, TICK_MS);
  return true;
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
  s->ready_end = &s->ready;
  if (!ia_listen_open(&s->listen_fd, s, at, e) || !configure(s, at, e) || !join_loop(s, e)) {
    ia_server_close(s);
    return false;
  }
  *out = s;
  return true;
}

/* Every request is brought to its reply, and what the clients' sockets take of it is sent. */
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
  while (s->conns)
    ia_conn_kill(s->conns);
}

void ia_server_close(ia_server *s)
{
  if (!s)
    return;
  s->closing = true;
  ia_watch_free(s->watch);
  ia_timer_free(s->timer);
  wind_down(s);
  if (s->listen_fd >= 0)
    close(s->listen_fd);
  if (s->unix_path)
    (void)unlink(s->unix_path);
  ia_tls_close(s);
  free(s->unix_path);
  free(s->names);
  free(s->origins);
  free(s->scratch);
  free(s);
}

bool ia_server_mount(ia_server *s, const ia_routes *table, ia_err *e)
{
  if (s->n_tables == TABLES_MAX)
    return ia_fail(e, IA_E_INTERNAL, "more than %d route tables", TABLES_MAX);
  for (size_t i = 0; i < table->n; i++)
    if (table->rows[i].mark <= IA_MARK_NONE || table->rows[i].mark > IA_MARK_TEST)
      return ia_fail(e, IA_E_INTERNAL, "route %s: without a mark", table->rows[i].path);
    else if (table->rows[i].stream_body && table->rows[i].kind != IA_ROUTE_JOB)
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
