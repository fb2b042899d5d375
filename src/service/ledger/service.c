/* JSON-RPC over HTTP: POST / on the loop. A reply that speaks of a block which is not yet on disk
 * is held until it is; iapp_waitBlock is held until there is a newer one; the reads of a task that
 * runs until it has ended, for a while (rpc_hold.c). */
#include "service/ledger/service.h"

#include <stdatomic.h>
#include <string.h>

#include "base/crash.h"
#include "base/log.h"

/* TASK_MS: below the five seconds after which clients ask again, with room for slow networks.
 * CACHE_MS: so long ethers gives what it has read before without asking. WATCHED_MAX: of more, the
 * rest is answered at once. */
enum { BODY_CAP = 16 << 20, TASK_MS = 4000, CACHE_MS = 250, WATCHED_MAX = 256 };

/* Our own parts never wait for anything but what they ask for. */
static const char at_once[] = "x-iapp-at-once";

/* What a held request waits for. Those that wait for a task are looked at when that task has ended,
 * not at every block; a transaction's reply waits for its time alone. A batch, and what may look at
 * many blocks, has its turn in slices: one slice of one request, then everybody else. */
enum { FOR_DISK, FOR_TASK, FOR_TIME, FOR_TURN, REASONS };

/* A request that is not answered yet. */
typedef struct held {
  struct held *next;
  struct held **at; /* what points here */
  ia_ledger_service *s;
  ia_request *rq;
  ia_ledger_reply reply;
  ia_buf request;       /* of a reply that watches: made anew when the task has ended */
  ia_ledger_rest *rest; /* of a reply that is not whole */
  uint64_t reverts;     /* blocks had been taken back so often when it began to wait */
} held;

/* A wake-up on its way to the loop may outlive the service: it holds this, not the service. */
typedef struct bell {
  ia_ledger_service *s; /* loop's thread; NULL once the service is closed */
  ia_loop *loop;
  atomic_bool posted;
  bool turn_posted; /* loop's thread */
  atomic_int refs;
} bell;

struct ia_ledger_service {
  ia_ledger *ledger;
  ia_ledger_config config; /* its texts but the path are the caller's and stay */
  char *path;
  held *held[REASONS];
  size_t n_watched;
  ia_ledger_wakes wakes;
  bool hold;
  bell *bell;
  ia_loop_fn *on_blocks;
  void *on_blocks_ctx;
  ia_routes routes;
};

/* --- held requests
 * ----------------------------------------------------------------------------------- */

static void unlink_held(held *h)
{
  *h->at = h->next;
  if (h->next)
    h->next->at = h->at;
}

static void link_held(held *h, int reason)
{
  h->at = &h->s->held[reason];
  h->next = *h->at;
  if (h->next)
    h->next->at = &h->next;
  *h->at = h;
}

static void answer(held *h, const ia_err *failure)
{
  ia_reply *rp = ia_request_reply(h->rq);
  ia_err e;

  unlink_held(h);
  h->s->n_watched -= h->reply.watches;
  ia_reply_type(rp, "application/json");
  if (failure && !ia_ledger_failed_reply(failure, &h->reply.text, &e)) {
    ia_request_finish(h->rq, &e);
  } else {
    ia_buf_span(ia_reply_body(rp), ia_buf_view(&h->reply.text));
    ia_crash_point("ledger.reply");
    ia_request_finish(h->rq, NULL);
  }
  ia_ledger_reply_free(&h->reply);
  ia_ledger_rest_free(h->rest);
  ia_buf_free(&h->request);
  free(h);
}

static bool durable(const ia_ledger_service *s, uint64_t height)
{
  uint64_t d = ia_ledger_durable(s->ledger);

  return d != UINT64_MAX && d >= height;
}

/* A wait that is over becomes a reply; it may still have to become durable. */
static bool end_wait(held *h)
{
  ia_err e;

  if (ia_ledger_wait_reply(h->s->ledger, &h->reply, &e))
    return true;
  answer(h, &e);
  return false;
}

/* The watched task has ended, or was watched long enough: what is asked is asked again. Another
 * task of the same request that still runs is watched for the rest of the time. */
static bool end_watch(held *h, bool last)
{
  ia_err e;

  ia_ledger_reply_free(&h->reply);
  h->reply = (ia_ledger_reply){.from_page = h->reply.from_page};
  bool ok = ia_ledger_rpc(h->s->ledger, ia_buf_view(&h->request), &h->reply, &e);
  h->reply.watches = h->reply.watches && ok && !last;
  h->s->n_watched -= !h->reply.watches;
  if (!ok)
    answer(h, &e);
  return ok && !h->reply.watches;
}

static bool still_waits(held *h)
{
  if (h->reply.wait)
    return !durable(h->s, h->reply.wait_above + 1) && ia_ledger_reverts(h->s->ledger) == h->reverts;
  if (!h->reply.watches)
    return false;
  h->s->wakes.task_looks++;
  return ia_ledger_task_runs(h->s->ledger, &h->reply.task);
}

/* Answers one that need not wait longer, once it is on disk. failure: of the disk, else NULL. */
static void wake_held(held *h, const ia_err *failure)
{
  bool watched = h->reply.watches;

  if (h->rest) {
    if (failure)
      answer(h, failure);
    return;
  }
  if (!failure && still_waits(h))
    return;
  if ((h->reply.wait && !end_wait(h)) || (watched && !end_watch(h, failure != NULL)))
    return;
  if (durable(h->s, h->reply.height)) {
    answer(h, NULL);
  } else if (failure) {
    answer(h, failure);
  } else if (watched) {
    unlink_held(h);
    link_held(h, FOR_DISK);
  }
}

static void wake_all(ia_ledger_service *s, int reason, const ia_err *failure)
{
  for (held *h = s->held[reason], *next; h; h = next) {
    next = h->next;
    wake_held(h, failure);
  }
}

/* Those that wait for one of these tasks. */
static void wake_watchers(ia_ledger_service *s, const ia_h256 *tasks, size_t n)
{
  for (held *h = s->held[FOR_TASK], *next; h && n > 0; h = next) {
    next = h->next;
    for (size_t i = 0; i < n; i++) {
      if (!ia_h256_eq(&tasks[i], &h->reply.task))
        continue;
      wake_held(h, NULL);
      break;
    }
  }
}

/* On the loop, after a commit: answers whatever may be answered. */
static void wake_service(ia_ledger_service *s)
{
  const ia_h256 *tasks;
  ia_err failure;
  bool any;

  s->wakes.commits++;
  size_t n = ia_ledger_take_ended(s->ledger, &tasks, &any);
  if (!ia_ledger_healthy(s->ledger, &failure)) {
    for (int reason = 0; reason < REASONS; reason++)
      wake_all(s, reason, &failure);
  } else {
    if (any)
      wake_all(s, FOR_TASK, NULL);
    else
      wake_watchers(s, tasks, n);
    wake_all(s, FOR_DISK, NULL);
  }
  ia_ledger_trim(s->ledger);
  if (s->on_blocks)
    s->on_blocks(s->on_blocks_ctx);
}

static void bell_free(bell *b)
{
  if (atomic_fetch_sub(&b->refs, 1) == 1)
    free(b);
}

static void wake(void *ctx)
{
  bell *b = ctx;

  atomic_store(&b->posted, false);
  if (b->s)
    wake_service(b->s);
  bell_free(b);
}

/* On the writer's thread. One post is enough for many commits. */
static void committed(void *ctx)
{
  bell *b = ctx;

  if (atomic_exchange(&b->posted, true))
    return;
  atomic_fetch_add(&b->refs, 1);
  if (!ia_loop_post(b->loop, wake, b, NULL)) {
    atomic_store(&b->posted, false);
    bell_free(b);
  }
}

/* The long poll's time is over, or the server closes. */
static void hold_ended(void *ctx, ia_request *rq)
{
  held *h = ctx;
  ia_err e = {0};

  h->rq = rq;
  if (h->rest) {
    (void)ia_fail(&e, IA_E_UNAVAILABLE, "no turn for this request");
    answer(h, &e);
    return;
  }
  if ((h->reply.wait && !end_wait(h)) || (h->reply.watches && !end_watch(h, true)))
    return;
  if (durable(h->s, h->reply.height) || ia_ledger_wait(h->s->ledger, h->reply.height, &e))
    answer(h, NULL);
  else
    answer(h, &e);
}

/* --- requests
 * ---------------------------------------------------------------------------------------- */

static uint64_t hold_ms(const ia_ledger_reply *reply)
{
  return reply->wait ? reply->wait_ms : reply->watches ? TASK_MS : reply->sent ? CACHE_MS : 0;
}

/* rest may be NULL; it and the reply are taken over. */
static bool hold(ia_ledger_service *s, ia_request *rq, ia_ledger_reply *reply,
                 ia_ledger_rest **rest, ia_err *e)
{
  held *h = calloc(1, sizeof(*h));
  ia_buf request = {0};

  if (!h)
    return ia_fail(e, IA_E_MEMORY, "no memory to hold a request");
  if (reply->watches)
    ia_buf_span(&request, ia_request_body(rq));
  if (!ia_buf_ok(&request, e) || !ia_request_hold(rq, hold_ms(reply), hold_ended, h, e)) {
    ia_buf_free(&request);
    free(h);
    return false;
  }
  *h = (held){.s = s,
              .rq = rq,
              .reply = *reply,
              .request = request,
              .rest = ia_steal(rest),
              .reverts = ia_ledger_reverts(s->ledger)};
  s->n_watched += reply->watches;
  *reply = (ia_ledger_reply){0};
  link_held(h, h->rest            ? FOR_TURN
               : h->reply.wait    ? FOR_DISK
               : h->reply.watches ? FOR_TASK
               : h->reply.sent    ? FOR_TIME
                                  : FOR_DISK);
  return true;
}

/* After a failure of the disk the memory is ahead of it, and only the disk counts: the ledger is
 * opened anew, once everybody who waited has been told. */
static void revive(ia_ledger_service *s)
{
  IA_AUTO(ia_ledger) *fresh = NULL;
  ia_err e;

  for (int reason = 0; reason < REASONS; reason++)
    if (s->held[reason])
      return;
  if (!s->config.path || ia_ledger_healthy(s->ledger, &e))
    return;
  if (!ia_ledger_open(&fresh, &s->config, &e)) {
    ia_log(IA_LOG_WARN, "ledger.reopen", "code=%s reason=\"%s\"", ia_code_name(e.code), e.msg);
    return;
  }
  ia_ledger_on_durable(s->ledger, NULL, NULL);
  ia_ledger_close(s->ledger);
  s->ledger = ia_steal(&fresh);
  ia_ledger_on_durable(s->ledger, committed, s->bell);
}

/* Holding helps, and harms nobody. */
static void decide_to_hold(const ia_ledger_service *s, ia_request *rq, ia_ledger_reply *reply)
{
  bool may = s->hold && ia_request_header(rq, at_once).len == 0;

  reply->sent = reply->sent && may;
  reply->watches =
      reply->watches && may && !reply->wrote && !reply->wait && s->n_watched < WATCHED_MAX;
}

/* Whoever had least, and of those who waited longest. */
static held *whose_turn(const ia_ledger_service *s)
{
  held *out = NULL;

  for (held *h = s->held[FOR_TURN]; h; h = h->next) /* the newest first */
    if (!out || ia_ledger_rest_spent(h->rest) <= ia_ledger_rest_spent(out->rest))
      out = h;
  return out;
}

static void run_turn(ia_ledger_service *s)
{
  held *h = whose_turn(s);
  bool whole = false;
  ia_err e = {0};

  if (!h)
    return;
  if (!ia_ledger_rpc_go_on(s->ledger, h->rest, &h->reply, &whole, &e)) {
    answer(h, &e);
    return;
  }
  ia_ledger_trim(s->ledger);
  if (!whole)
    return;
  ia_ledger_rest_free(h->rest);
  h->rest = NULL;
  h->reply.watches = h->reply.sent = false; /* it waited already */
  if (durable(s, h->reply.height)) {
    answer(h, NULL);
  } else {
    unlink_held(h);
    link_held(h, FOR_DISK);
  }
}

static void turn(void *ctx);

static void turn_soon(ia_ledger_service *s)
{
  bell *b = s->bell;

  if (!s->held[FOR_TURN] || b->turn_posted)
    return;
  atomic_fetch_add(&b->refs, 1);
  b->turn_posted = ia_loop_post(b->loop, turn, b, NULL);
  if (!b->turn_posted)
    bell_free(b);
}

static void turn(void *ctx)
{
  bell *b = ctx;

  b->turn_posted = false;
  if (b->s) {
    run_turn(b->s);
    turn_soon(b->s);
  }
  bell_free(b);
}

/* The reply is not whole yet. */
static bool in_turns(ia_ledger_service *s, ia_request *rq, ia_ledger_reply *reply,
                     ia_ledger_rest **rest, ia_err *e)
{
  reply->watches = reply->sent = reply->wait = false;
  if (!hold(s, rq, reply, rest, e))
    return false;
  turn_soon(s);
  return true;
}

static bool post_rpc(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_ledger_service *s = ctx;
  IA_AUTOV(ia_ledger_reply) reply = {.from_page = ia_request_from_page(rq)};
  ia_ledger_rest *rest = NULL;
  ia_err failure;

  revive(s);
  if (!ia_ledger_rpc_begin(s->ledger, ia_request_body(rq), &reply, &rest, e))
    return false;
  ia_ledger_trim(s->ledger);
  if (rest) {
    bool ok = in_turns(s, rq, &reply, &rest, e);

    ia_ledger_rest_free(rest);
    return ok;
  }
  decide_to_hold(s, rq, &reply);
  if (hold_ms(&reply) > 0 || !durable(s, reply.height)) {
    if (ia_ledger_healthy(s->ledger, &failure))
      return hold(s, rq, &reply, &rest, e);
    if (!ia_ledger_failed_reply(&failure, &reply.text, e))
      return false;
  }
  ia_reply_type(rp, "application/json");
  ia_buf_span(ia_reply_body(rp), ia_buf_view(&reply.text));
  return ia_buf_ok(ia_reply_body(rp), e);
}

/* What tokenURI of a registry names. */
static bool metadata(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_ledger_service *s = ctx;
  ia_err why = {0};
  IA_AUTO_JSON *v =
      ia_ledger_metadata(s->ledger, ia_request_param(rq, "kind"), ia_request_param(rq, "chain"),
                         ia_request_param(rq, "token"), &why);

  if (v)
    return ia_reply_json(rp, 200, v, e);
  v = json_pack("{s:{s:s, s:s, s:s}}", "error", "code", ia_code_name(why.code), "message", why.msg,
                "hint", why.hint);
  return v ? ia_reply_json(rp, ia_code_http(why.code), v, e)
           : ia_fail(e, IA_E_MEMORY, "no memory for a reply");
}

static const ia_route rows[] = {
    {"POST", "/", IA_ROUTE_INLINE, BODY_CAP, false, post_rpc, IA_MARK_PUBLIC},
    {"GET", "/nfts-metadata/:kind/:chain/:token", IA_ROUTE_INLINE, 0, false, metadata,
     IA_MARK_PUBLIC}};

/* An error before JSON-RPC is reached (too large, no memory) in its form. */
static void error_format(ia_reply *rp, const ia_err *err)
{
  ia_buf *body = ia_reply_body(rp);

  ia_reply_type(rp, "application/json");
  ia_buf_clear(body);
  if (!ia_ledger_failed_reply(err, body, NULL))
    ia_buf_clear(body);
}

bool ia_ledger_service_open(ia_ledger_service **out, const ia_ledger_config *c, ia_loop *l,
                            ia_err *e)
{
  IA_AUTO(ia_ledger_service) *s = calloc(1, sizeof(*s));

  if (!s)
    return ia_fail(e, IA_E_MEMORY, "no memory for the ledger");
  s->bell = calloc(1, sizeof(*s->bell));
  if (!s->bell)
    return ia_fail(e, IA_E_MEMORY, "no memory for the ledger");
  s->bell->s = s;
  s->bell->loop = l;
  atomic_init(&s->bell->refs, 1);
  s->hold = !c->no_hold;
  s->routes = (ia_routes){rows, IA_COUNT(rows), s, error_format, true};
  s->config = *c;
  if (c->path && !(s->path = strdup(c->path)))
    return ia_fail(e, IA_E_MEMORY, "no memory for the ledger");
  s->config.path = s->path;
  if (!ia_ledger_open(&s->ledger, &s->config, e))
    return false;
  ia_ledger_on_durable(s->ledger, committed, s->bell);
  *out = ia_steal(&s);
  return true;
}

void ia_ledger_service_close(ia_ledger_service *s)
{
  if (!s)
    return;
  if (s->ledger)
    ia_ledger_on_durable(s->ledger, NULL, NULL);
  ia_ledger_close(s->ledger);
  if (s->bell) {
    s->bell->s = NULL;
    bell_free(s->bell);
  }
  free(s->path);
  free(s);
}

void ia_ledger_service_on_blocks(ia_ledger_service *s, ia_loop_fn *fn, void *ctx)
{
  s->on_blocks = fn;
  s->on_blocks_ctx = ctx;
}

const ia_ledger_wakes *ia_ledger_service_wakes(const ia_ledger_service *s)
{
  return &s->wakes;
}

const ia_routes *ia_ledger_service_routes(const ia_ledger_service *s)
{
  return &s->routes;
}

ia_ledger *ia_ledger_service_ledger(ia_ledger_service *s)
{
  return s->ledger;
}
