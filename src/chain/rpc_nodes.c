/* One question to the nodes of a chain: who is asked, and when the next. A node that takes its time
 * keeps nobody waiting as long as another is left. */
#include "base/clock.h"
#include "base/log.h"
#include "chain/internal.h"

enum { ANSWER_CAP = 64 << 20, LOOK_MS = 250 };

typedef struct asking {
  ia_rpc *r;
  const ia_asking *q;
  ia_buf body, probe;
  json_int_t probe_id;
  uint32_t tried, probing; /* bits of nodes */
  size_t running;
  uint64_t patient_until;
} asking;

/* Nodes answer errors of a call with status 400 as well as 200. */
static bool parse_answer(json_t **answer, const ia_http_answer *a, ia_err *e)
{
  *answer = ia_json_parse(ia_buf_view(&a->body), IA_JSON_ANY, e);
  if (a->status >= 200 && a->status < 300)
    return *answer || ia_wrap(e, "rpc");
  if (json_is_integer(json_object_get(json_object_get(*answer, "error"), "code")))
    return true;
  json_decref(*answer);
  *answer = NULL;
  (void)ia_http_refused(a, "rpc", e);
  /* NOT_FOUND is what the chain does not have, not a path that the server does not know */
  if (e && e->code == IA_E_NOT_FOUND)
    e->code = IA_E_UNAVAILABLE;
  return false;
}

static bool send(asking *a, size_t at, ia_err *e)
{
  /* our own ledger holds some answers for clients that would otherwise poll; we follow its blocks
   */
  static const char *const headers[] = {"X-Iapp-At-Once: 1", "Accept: application/json",
                                        "Content-Type: application/json", NULL};
  uint32_t own = a->q->timeout_ms;
  const ia_http_call c = {.method = "POST",
                          .url = a->r->ends.v[at].url,
                          .headers = headers,
                          .body = ia_buf_view(a->probing & 1u << at ? &a->probe : &a->body),
                          .cap = ANSWER_CAP,
                          .total_ms = own ? own : a->r->timeout_ms,
                          .cancel = a->r->cancel};

  return ia_http_many_start(a->r->http, at, &c, e);
}

static bool node_failed(ia_rpc *r, size_t at, ia_err *e)
{
  ia_endpoints_failed(&r->ends, at, ia_mono_ms());
  return r->ends.n > 1 ? ia_wrap(e, "ledger at %s", r->ends.v[at].name) : ia_wrap(e, "ledger");
}

/* A node of another chain would answer as readily as ours. */
static bool right_chain(asking *a, size_t at, const json_t *answer, ia_err *e)
{
  ia_endpoint *p = &a->r->ends.v[at];
  IA_AUTO_JSON *v = NULL;
  uint64_t id;

  if (!ia_rpc_settle_one(a->r, &v, "eth_chainId", a->probe_id, answer, e) || !ia_rpc_u64(&id, v, e))
    return false;
  p->known = true;
  p->barred = id != a->r->chain_id;
  if (!p->barred)
    return true;
  ia_log(IA_LOG_ERROR, "ledger.chain", "node=%s chain=%llu want=%llu", p->name,
         (unsigned long long)id, (unsigned long long)a->r->chain_id);
  return ia_fail(e, IA_E_UNAVAILABLE, "%s is of chain %llu", p->name, (unsigned long long)id);
}

static ia_hearing tell(asking *a, size_t at, const json_t *answer, const ia_err *why)
{
  return a->q->heard(a->q->ctx, at, answer, why, a->running);
}

/* What became of the request to this node. */
static ia_hearing hear(asking *a, size_t at)
{
  const ia_http_answer *got;
  IA_AUTO_JSON *answer = NULL;
  ia_err why = {0};

  a->running--;
  if (!ia_http_many_result(a->r->http, at, &got, &why) || !parse_answer(&answer, got, &why)) {
    (void)node_failed(a->r, at, &why);
    return tell(a, at, NULL, &why);
  }
  if (!(a->probing & 1u << at))
    return tell(a, at, answer, NULL);
  a->probing &= ~(1u << at);
  if (!right_chain(a, at, answer, &why) || !send(a, at, &why))
    return tell(a, at, NULL, &why);
  a->running++;
  return IA_HEARD_WAIT;
}

static bool is_resting(const asking *a, size_t at)
{
  return a->r->ends.v[at].rest_until > ia_mono_ms();
}

/* The next one that was not asked yet. False: none is left. A node that cannot be asked is heard at
 * once. */
static bool ask_next(asking *a, bool resting_too, ia_hearing *h)
{
  ia_rpc *r = a->r;
  ia_err why = {0};
  size_t at;

  *h = IA_HEARD_WAIT;
  if (!ia_endpoints_next(&r->ends, a->tried, ia_mono_ms(), &at) ||
      (!resting_too && is_resting(a, at)))
    return false;
  a->tried |= 1u << at;
  if (r->chain_id != 0 && !r->ends.v[at].known)
    a->probing |= 1u << at;
  a->patient_until = ia_mono_ms() + a->q->patience_ms;
  if (send(a, at, &why)) {
    a->running++;
    return true;
  }
  (void)node_failed(r, at, &why);
  *h = tell(a, at, NULL, &why);
  return true;
}

/* True: enough was heard. */
static bool follow_up(asking *a, ia_hearing h)
{
  while (h == IA_HEARD_MORE || h == IA_HEARD_AWAKE)
    if (!ask_next(a, h == IA_HEARD_MORE, &h))
      return false;
  return h == IA_HEARD_ENOUGH;
}

static bool begin(asking *a)
{
  ia_hearing h;
  size_t most = a->q->at_once ? a->r->ends.n : 1, least = a->q->at_once ? a->q->at_once : 1;

  for (size_t n = 0; n < most && ask_next(a, n < least, &h); n++)
    if (follow_up(a, h))
      return true;
  return false;
}

/* Time is up for those who are asked now. */
static bool lose_patience(asking *a)
{
  a->patient_until = ia_mono_ms() + a->q->patience_ms;
  return (a->q->content && a->q->content(a->q->ctx)) || follow_up(a, IA_HEARD_MORE);
}

static bool listen(asking *a, ia_err *e)
{
  bool enough = begin(a);

  while (!enough && a->running > 0) {
    uint64_t now = ia_mono_ms();
    uint64_t left = a->patient_until > now ? a->patient_until - now : 0;
    size_t at;

    if (a->r->cancel && *a->r->cancel)
      return ia_fail(e, IA_E_CANCELLED, "ledger: stopped");
    if (ia_http_many_wait(a->r->http, left < LOOK_MS ? (uint32_t)left : LOOK_MS, &at))
      enough = follow_up(a, hear(a, at));
    else if (ia_mono_ms() >= a->patient_until)
      enough = lose_patience(a);
  }
  return true;
}

static void leave_the_slow(asking *a)
{
  ia_rpc *r = a->r;

  for (size_t i = 0; i < r->ends.n; i++) {
    if (ia_http_many_is_running(r->http, i))
      ia_endpoints_failed(&r->ends, i, ia_mono_ms());
    ia_http_many_stop(r->http, i); /* also what has come and is not needed any more */
  }
}

static bool write_bodies(asking *a, ia_err *e)
{
  IA_AUTO_JSON *probe = NULL;

  a->probe_id = (json_int_t)a->r->next_id;
  probe = ia_rpc_request(a->r, "eth_chainId", NULL);
  if (!a->q->body || !probe)
    return ia_fail(e, IA_E_MEMORY, "rpc: out of memory");
  return ia_json_write(&a->body, a->q->body, e) && ia_json_write(&a->probe, probe, e);
}

bool ia_rpc_ask_nodes(ia_rpc *r, const ia_asking *q, ia_err *e)
{
  asking a = {.r = r, .q = q};
  bool ok = write_bodies(&a, e) && listen(&a, e);

  leave_the_slow(&a);
  ia_buf_free(&a.body);
  ia_buf_free(&a.probe);
  return ok;
}
