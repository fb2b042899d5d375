/* A server whose loop runs on a thread of its own, for tests with real sockets. */
#ifndef IA_TESTS_HTTP_FIXTURE_H
#define IA_TESTS_HTTP_FIXTURE_H

#include <pthread.h>
#include <stdio.h>

#include "http/client.h"
#include "http/server.h"

typedef struct fixture {
  ia_loop *loop;
  ia_server *server;
  ia_http *http;
  pthread_t thread;
  char url[512];
} fixture;

static inline void *fixture_run(void *ctx)
{
  ia_loop_run(ctx);
  return NULL;
}

/* Loop and server; mount what is to be served, then fixture_run_on. at NULL: loopback. */
static inline bool fixture_start(fixture *f, const ia_listen *at, ia_err *e)
{
  static const ia_listen loopback;
  ia_http_options o = {.unix_socket = at ? at->unix_path : NULL};

  *f = (fixture){0};
  return ia_loop_new(&f->loop, e) && ia_server_open(&f->server, f->loop, at ? at : &loopback, e) &&
         ia_http_new(&f->http, &o, e);
}

static inline bool fixture_run_on(fixture *f)
{
  return pthread_create(&f->thread, NULL, fixture_run, f->loop) == 0;
}

/* tables: NULL-terminated */
static inline bool fixture_open(fixture *f, const ia_listen *at, const ia_routes *const *tables,
                                ia_err *e)
{
  if (!fixture_start(f, at, e))
    return false;
  for (; *tables; tables++)
    if (!ia_server_mount(f->server, *tables, e))
      return false;
  return fixture_run_on(f);
}

static inline void fixture_close(fixture *f)
{
  ia_loop_stop(f->loop);
  pthread_join(f->thread, NULL);
  ia_server_close(f->server);
  ia_loop_free(f->loop);
  ia_http_free(f->http);
}

/* Full URL of a path; lives until the next call. */
static inline const char *fixture_url(fixture *f, const char *path)
{
  const char *base = ia_server_url(f->server);

  (void)snprintf(f->url, sizeof(f->url), "%s%s", *base ? base : "http://unix", path);
  return f->url;
}

static inline bool fixture_get(fixture *f, ia_http_answer *a, const char *method, const char *path,
                               ia_err *e)
{
  ia_http_call c = {.method = method, .url = fixture_url(f, path)};

  return ia_http_do(f->http, a, &c, e);
}

#endif
