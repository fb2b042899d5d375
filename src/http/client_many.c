/* Several calls at once over libcurl's multi interface. */
#include "http/client_many.h"

#include "base/clock.h"
#include "http/client_int.h"

typedef struct place {
  ia_http *http;
  ia_http_call call;
  ia_http_answer answer;
  ia_exchange x;
  bool running, ended;
  CURLcode rc;
} place;

struct ia_http_many {
  CURLM *multi;
  size_t n;
  place *places;
};

bool ia_http_many_new(ia_http_many **out, size_t n, const ia_http_options *o, ia_err *e)
{
  IA_AUTO(ia_http_many) *m = calloc(1, sizeof(*m));

  if (m)
    m->places = calloc(n, sizeof(*m->places));
  if (!m || !m->places)
    return ia_fail(e, IA_E_MEMORY, "no memory for an HTTP client");
  for (; m->n < n; m->n++)
    if (!ia_http_new(&m->places[m->n].http, o, e))
      return false;
  m->multi = curl_multi_init();
  if (!m->multi)
    return ia_fail(e, IA_E_MEMORY, "no memory for an HTTP client");
  *out = ia_steal(&m);
  return true;
}

void ia_http_many_free(ia_http_many *m)
{
  if (!m)
    return;
  for (size_t i = 0; i < m->n; i++) {
    ia_http_many_stop(m, i);
    ia_http_answer_free(&m->places[i].answer);
  }
  if (m->multi)
    (void)curl_multi_cleanup(m->multi);
  for (size_t i = 0; i < m->n; i++)
    ia_http_free(m->places[i].http);
  free(m->places);
  free(m);
}

void ia_http_many_until(ia_http_many *m, uint64_t mono_ms)
{
  for (size_t i = 0; i < m->n; i++)
    ia_http_until(m->places[i].http, mono_ms);
}

bool ia_http_many_start(ia_http_many *m, size_t at, const ia_http_call *c, ia_err *e)
{
  place *p = &m->places[at];

  ia_http_many_stop(m, at);
  p->call = *c;
  p->x = (ia_exchange){.h = p->http, .c = &p->call, .a = &p->answer};
  if (!ia_exchange_begin(&p->x, e))
    return false;
  if (curl_multi_add_handle(m->multi, p->http->curl) != CURLM_OK)
    return ia_exchange_end(&p->x, CURLE_OUT_OF_MEMORY, e);
  p->running = true;
  return true;
}

static void end_at(ia_http_many *m, place *p, CURLcode rc)
{
  (void)curl_multi_remove_handle(m->multi, p->http->curl);
  p->running = false;
  p->ended = true;
  p->rc = rc;
}

/* Marks the calls that curl has brought to their end. */
static void collect(ia_http_many *m)
{
  const CURLMsg *msg;
  int left;

  while ((msg = curl_multi_info_read(m->multi, &left))) {
    CURLcode rc = msg->data.result;

    if (msg->msg != CURLMSG_DONE)
      continue;
    for (size_t i = 0; i < m->n; i++)
      if (m->places[i].running && m->places[i].http->curl == msg->easy_handle) {
        end_at(m, &m->places[i], rc);
        break;
      }
  }
}

static bool next_ended(ia_http_many *m, size_t *at)
{
  for (size_t i = 0; i < m->n; i++)
    if (m->places[i].ended) {
      m->places[i].ended = false;
      *at = i;
      return true;
    }
  return false;
}

bool ia_http_many_wait(ia_http_many *m, uint32_t ms, size_t *at)
{
  uint64_t end = ia_mono_ms() + ms;

  for (;;) {
    int running = 0;
    uint64_t now;

    if (next_ended(m, at))
      return true;
    (void)curl_multi_perform(m->multi, &running);
    collect(m);
    if (next_ended(m, at))
      return true;
    now = ia_mono_ms();
    if (running == 0 || now >= end ||
        curl_multi_poll(m->multi, NULL, 0, (int)(end - now), NULL) != CURLM_OK)
      return false;
  }
}

bool ia_http_many_result(ia_http_many *m, size_t at, const ia_http_answer **a, ia_err *e)
{
  place *p = &m->places[at];

  *a = &p->answer;
  return ia_exchange_end(&p->x, p->rc, e);
}

void ia_http_many_stop(ia_http_many *m, size_t at)
{
  place *p = &m->places[at];

  if (p->running)
    end_at(m, p, CURLE_ABORTED_BY_CALLBACK);
  p->ended = false;
  if (p->x.fields)
    (void)!ia_exchange_end(&p->x, CURLE_ABORTED_BY_CALLBACK, NULL);
}

bool ia_http_many_is_running(const ia_http_many *m, size_t at)
{
  return m->places[at].running;
}
