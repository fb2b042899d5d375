/* Live updates as server-sent events. What happens goes into a ring with growing numbers; a client
 * is held until there is something after the number that it saw last, gets that, and comes again
 * with Last-Event-ID, as every EventSource does by itself. So a client costs no thread, and one
 * that was away misses nothing as long as the ring remembers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "service/market/market_int.h"

enum { KEPT = 4096, KEPT_BYTES = 16 << 20, AT_ONCE = 256, BYTES_AT_ONCE = 4 << 20 };
enum { HOLD_MS = 25000, BUSY_SYNC_MS = 200, RETRY_MS = 20 };

typedef struct event {
  uint64_t seq;
  unsigned topic;
  char name[32];
  char *data; /* one line of JSON; owned */
  size_t len;
} event;

typedef struct waiter {
  struct waiter *next;
  ia_market *m;
  ia_request *rq;
  uint64_t after;
  unsigned topics;
} waiter;

struct market_events {
  pthread_mutex_t lock; /* of what follows */
  event ring[KEPT];
  uint64_t first, next; /* numbers of the oldest kept, of the one to come */
  size_t bytes;         /* of all that are kept */
  bool posted;          /* the loop was told to look */
  /* the loop's thread alone */
  waiter *waiters;
};

bool ia_market_events_new(ia_market *m, ia_err *e)
{
  market_events *x = calloc(1, sizeof(*x));

  if (!x)
    return ia_fail(e, IA_E_MEMORY, "no memory for events");
  pthread_mutex_init(&x->lock, NULL);
  /* numbers of an earlier process are below, so that its clients are told to list anew */
  x->first = x->next = ia_now_ms() * 1000;
  m->events = x;
  return true;
}

void ia_market_events_free(ia_market *m)
{
  market_events *x = m->events;

  if (!x)
    return;
  for (;;) {
    pthread_mutex_lock(&x->lock);
    bool posted = x->posted;
    pthread_mutex_unlock(&x->lock);
    if (!posted)
      break;
    ia_loop_wait_posted(m->loop);
  }
  for (size_t i = 0; i < KEPT; i++)
    free(x->ring[i].data);
  pthread_mutex_destroy(&x->lock);
  free(x);
  m->events = NULL;
}

/* -- what a client gets -- */
static void put_event(ia_buf *out, uint64_t seq, const char *name, const char *data)
{
  ia_buf_printf(out, "id: %llu\nevent: %s\ndata: %s\n\n", (unsigned long long)seq, name, data);
}

/* Locked. Everything after the number, or word that it is too old; false: nothing. */
static bool collect(market_events *x, ia_buf *out, uint64_t after, unsigned topics)
{
  uint64_t seq = after + 1;
  size_t n = 0;

  if (after + 1 < x->first || after >= x->next) {
    put_event(out, x->next - 1, "reset", "{}");
    return true;
  }
  for (; seq < x->next && n < AT_ONCE && out->len < BYTES_AT_ONCE; seq++) {
    const event *ev = &x->ring[seq % KEPT];

    if (ev->topic & topics) {
      put_event(out, seq, ev->name, ev->data);
      n++;
    }
  }
  return n > 0;
}

static void head(ia_reply *rp)
{
  ia_reply_type(rp, "text/event-stream");
  ia_reply_header(rp, "Cache-Control", "no-cache");
  ia_buf_printf(ia_reply_body(rp), "retry: %d\n\n", RETRY_MS);
}

/* -- waiting -- */
static void sync_often(ia_market *m, bool often)
{
  ia_soon_pace(m->follower, often ? BUSY_SYNC_MS : IDLE_SYNC_MS);
}

static void forget(waiter *w)
{
  for (waiter **at = &w->m->events->waiters; *at; at = &(*at)->next)
    if (*at == w) {
      *at = w->next;
      break;
    }
  if (!w->m->events->waiters)
    sync_often(w->m, false);
  free(w);
}

/* Nothing came: the number alone, so that the next request goes on from here. */
static void on_end(void *ctx, ia_request *rq)
{
  waiter *w = ctx;
  market_events *x = w->m->events;
  ia_reply *rp = ia_request_reply(rq);

  head(rp);
  pthread_mutex_lock(&x->lock);
  ia_buf_printf(ia_reply_body(rp), "id: %llu\n\n", (unsigned long long)x->next - 1);
  pthread_mutex_unlock(&x->lock);
  forget(w);
  ia_request_finish(rq, NULL);
}

static void look(void *ctx)
{
  ia_market *m = ctx;
  market_events *x = m->events;

  pthread_mutex_lock(&x->lock);
  x->posted = false;
  pthread_mutex_unlock(&x->lock);
  for (waiter *w = x->waiters, *next; w; w = next) {
    IA_AUTOV(ia_buf) text = {0};
    ia_request *rq = w->rq;
    bool some;

    next = w->next;
    pthread_mutex_lock(&x->lock);
    some = collect(x, &text, w->after, w->topics);
    pthread_mutex_unlock(&x->lock);
    if (!some)
      continue;
    head(ia_request_reply(rq));
    ia_buf_span(ia_reply_body(ia_request_reply(rq)), ia_buf_view(&text));
    forget(w);
    ia_request_finish(rq, NULL);
  }
}

/* Locked: room for one more, of so many bytes. */
static void drop_oldest(market_events *x, size_t len)
{
  while (x->first < x->next && (x->next - x->first == KEPT || x->bytes + len > KEPT_BYTES)) {
    event *ev = &x->ring[x->first++ % KEPT];

    x->bytes -= ev->len;
    free(ev->data);
    *ev = (event){0};
  }
}

void ia_market_tell(ia_market *m, unsigned topic, const char *kind, const char *what,
                    const json_t *data)
{
  market_events *x = m->events;
  char *text = x ? json_dumps(data, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

  if (!text)
    return;
  pthread_mutex_lock(&x->lock);
  size_t len = strlen(text);
  drop_oldest(x, len);
  event *ev = &x->ring[x->next % KEPT];
  *ev = (event){.seq = x->next++, .topic = topic, .data = text, .len = len};
  x->bytes += len;
  (void)snprintf(ev->name, sizeof(ev->name), "%s_%s", kind, what);
  if (!x->posted)
    x->posted = ia_loop_post(m->loop, look, m, NULL);
  pthread_mutex_unlock(&x->lock);
}

/* -- the route -- */
static bool read_topics(ia_request *rq, unsigned *out, ia_err *e)
{
  ia_span v;

  *out = TOPIC_ORDERS | TOPIC_DEALS;
  if (!ia_request_query(rq, "topic", &v))
    return true;
  *out = ia_span_is(v, "orders") ? TOPIC_ORDERS : ia_span_is(v, "deals") ? TOPIC_DEALS : 0;
  return *out || ia_fail(e, IA_E_INVALID, "topic: want orders or deals");
}

static bool last_seen(ia_request *rq, uint64_t *out, bool *given, ia_err *e)
{
  ia_span v = ia_request_header(rq, "Last-Event-ID");
  ia_u256 wide;

  *given = v.len > 0 || ia_request_query(rq, "lastEventId", &v);
  if (!*given)
    return true;
  return (ia_u256_parse(&wide, v, NULL) && ia_u256_u64(out, &wide)) ||
         ia_fail(e, IA_E_INVALID, "Last-Event-ID: want a number that came with an event");
}

bool ia_market_events_get(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  ia_market *m = ctx;
  market_events *x = m->events;
  waiter w = {.m = m, .rq = rq}, *held;
  IA_AUTOV(ia_buf) text = {0};
  bool given, some;

  if (!ia_market_chain(m, rq, e) || !read_topics(rq, &w.topics, e) ||
      !last_seen(rq, &w.after, &given, e))
    return false;
  pthread_mutex_lock(&x->lock);
  /* who names no number begins now, and is told where that is */
  some = given ? collect(x, &text, w.after, w.topics) : true;
  if (!given)
    ia_buf_printf(&text, "id: %llu\n\n", (unsigned long long)x->next - 1);
  pthread_mutex_unlock(&x->lock);
  if (some) {
    head(rp);
    ia_buf_span(ia_reply_body(rp), ia_buf_view(&text));
    return true;
  }
  held = malloc(sizeof(*held));
  if (!held)
    return ia_fail(e, IA_E_MEMORY, "no memory for a request");
  *held = w;
  if (!ia_request_hold(rq, HOLD_MS, on_end, held, e)) {
    free(held);
    return false;
  }
  if (!x->waiters)
    sync_often(m, true);
  held->next = x->waiters;
  x->waiters = held;
  return true;
}

/* -- what the ledger changed -- */
static bool tell_orders(ia_market *m, ia_db *db, uint64_t after, uint64_t to, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db,
                  "SELECT " ITEM_COLUMNS ", kind FROM orders WHERE changed > $1 AND changed <= $2"
                  " ORDER BY changed, hash",
                  e))
    return false;
  ia_bind_u64(s, 1, after);
  ia_bind_u64(s, 2, to);
  for (;;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      return true;
    IA_AUTO_JSON *item = ia_market_item(m, db, s, e);
    if (!item) {
      ia_stmt_reset(s);
      return false;
    }
    bool open = strcmp(ia_col_text(s, 3), "open") == 0;
    ia_market_tell(m, TOPIC_ORDERS, ia_order_kind_name((ia_order_kind)ia_col_u64(s, 6)),
                   open ? "updated" : "unpublished",
                   open ? item : json_object_get(item, "orderHash"));
  }
}

static bool tell_deals(ia_market *m, ia_db *db, uint64_t after, uint64_t to, ia_err *e)
{
  ia_stmt *s;
  bool row;

  if (!ia_db_stmt(&s, db,
                  "SELECT body FROM deals WHERE block > $1 AND block <= $2 ORDER BY block, place",
                  e))
    return false;
  ia_bind_u64(s, 1, after);
  ia_bind_u64(s, 2, to);
  for (;;) {
    if (!ia_stmt_step(s, &row, e))
      return false;
    if (!row)
      return true;
    IA_AUTO_JSON *deal = ia_json_parse(ia_col_bytes(s, 0), IA_JSON_ALLOW_NUL, NULL);
    if (deal)
      ia_market_tell(m, TOPIC_DEALS, "deal", "created", deal);
  }
}

bool ia_market_tell_blocks(ia_market *m, ia_db *db, uint64_t after, uint64_t to, ia_err *e)
{
  return !m->events || (tell_deals(m, db, after, to, e) && tell_orders(m, db, after, to, e));
}
