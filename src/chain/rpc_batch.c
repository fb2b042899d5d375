/* Questions that one node answers, whichever of them does: single ones and batches. */
#include "base/clock.h"
#include "base/log.h"
#include "chain/internal.h"

enum { PATIENCE_MS = 3000, COMPARE_MS = 10000, HEADS_MS = 3000, HEADS_PATIENCE_MS = 1000 };

/* A question of n requests with ids from `first` on. */
typedef struct choice {
  ia_rpc *r;
  const ia_rpc_item *items;
  size_t n, asked;
  json_int_t first;
  bool is_batch;
  json_t *answer; /* the best so far */
  size_t unknown; /* results in it that only say that the node does not know */
  ia_err why;     /* without an answer */
  bool refused;   /* why is a node's own word, which says more than that another is away */
} choice;

/* Answers may come in any order. */
static const json_t *answer_of(const json_t *answers, json_int_t id)
{
  size_t i;
  json_t *a;

  json_array_foreach (answers, i, a) {
    if (json_integer_value(json_object_get(a, "id")) == id)
      return a;
  }
  return NULL;
}

static const json_t *part_of(const choice *c, const json_t *answer, size_t i)
{
  return c->is_batch ? answer_of(answer, c->first + (json_int_t)i) : answer;
}

/* A block's number stays with the node that was asked: a follower tells by it how far this very
 * node is, whose logs it reads. */
static size_t unknown_in(const choice *c, const json_t *answer)
{
  size_t n = 0;

  for (size_t i = 0; i < c->n; i++)
    n += ia_rpc_null_is_ignorance(c->items[i].method) &&
         strcmp(c->items[i].method, "eth_getBlockByNumber") != 0 &&
         json_is_null(json_object_get(part_of(c, answer, i), "result"));
  return n;
}

/* False: it is no answer, for the reason in e. */
static bool is_answer(choice *c, const json_t *answer, ia_err *e)
{
  IA_AUTO_JSON *unused = NULL;

  if (!c->is_batch)
    return ia_rpc_settle_one(c->r, &unused, c->items[0].method, c->first, answer, e);
  if (json_is_array(answer))
    return true;
  if (!json_is_object(json_object_get(answer, "error")))
    return ia_fail(e, IA_E_PARSE, "batch: the answer is no array");
  return ia_rpc_settle(c->r, &unused, "batch", answer, e);
}

/* The first node asked may have taken the transaction without saying so; then the refusal of the
 * second means ours. */
static void keep_doubt(const choice *c, ia_err *why)
{
  const ia_err was = *why;

  if (c->asked > 1 && was.code == IA_E_NONCE_LOW &&
      strcmp(c->items[0].method, "eth_sendRawTransaction") == 0)
    (void)ia_fail(why, IA_E_UNAVAILABLE,
                  "ledger: a node did not answer; another knows this nonce: %.100s", was.msg);
}

static ia_hearing refuse(choice *c, bool answered, ia_err *why)
{
  keep_doubt(c, why);
  if (answered || !c->refused)
    c->why = *why;
  c->refused |= answered;
  if (answered && why->code == IA_E_UNSUPPORTED)
    return IA_HEARD_AWAKE;
  return ia_rpc_of_node(why->code) ? IA_HEARD_MORE : IA_HEARD_ENOUGH;
}

static ia_hearing any_heard(void *ctx, size_t at, const json_t *answer, const ia_err *why,
                            size_t running)
{
  choice *c = ctx;
  ia_err mine = {0};

  (void)running;
  c->asked++;
  if (!answer)
    mine = *why;
  if (!answer || !is_answer(c, answer, &mine))
    return refuse(c, answer != NULL, &mine);
  size_t unknown = unknown_in(c, answer);
  if (!c->answer || unknown < c->unknown) {
    json_decref(c->answer);
    c->answer = json_incref((json_t *)(uintptr_t)answer);
    c->unknown = unknown;
    ia_endpoints_worked(&c->r->ends, at);
  }
  return unknown ? IA_HEARD_AWAKE : IA_HEARD_ENOUGH;
}

static bool any_content(void *ctx)
{
  const choice *c = ctx;

  return c->answer || c->refused;
}

static bool ask(choice *c, const json_t *body, uint32_t timeout_ms, ia_err *e)
{
  const ia_asking q = {.body = body,
                       .timeout_ms = timeout_ms,
                       .patience_ms = PATIENCE_MS,
                       .heard = any_heard,
                       .content = any_content,
                       .ctx = c};

  (void)ia_fail(&c->why, IA_E_UNAVAILABLE, "ledger: no node of this chain");
  if (!ia_rpc_ask_nodes(c->r, &q, e))
    return false;
  return c->answer || (e && (*e = c->why, false));
}

bool ia_rpc_ask_any(ia_rpc *r, json_t **result, const char *method, json_t *params,
                    uint32_t timeout_ms, ia_err *e)
{
  const ia_rpc_item item = {.method = method};
  choice c = {.r = r, .items = &item, .n = 1, .first = (json_int_t)r->next_id};
  IA_AUTO_JSON *body = ia_rpc_request(r, method, json_incref(params));

  bool ok =
      ask(&c, body, timeout_ms, e) && ia_rpc_settle_one(r, result, method, c.first, c.answer, e);
  json_decref(c.answer);
  return ok;
}

/* -- batches -- */

static bool batch_of_one(ia_rpc *r, ia_rpc_item *items, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    IA_AUTO_JSON *params = items[i].params ? items[i].params : json_array();

    items[i].params = NULL;
    items[i].ok = ia_rpc_ask_all(r, &items[i].result, items[i].method, params, &items[i].err);
  }
  return true;
}

/* One HTTP request; the items keep their params. */
static bool batch_part(ia_rpc *r, ia_rpc_item *items, size_t n, ia_err *e)
{
  choice c = {.r = r, .items = items, .n = n, .first = (json_int_t)r->next_id, .is_batch = true};
  IA_AUTO_JSON *body = json_array();
  bool made = body != NULL;

  for (size_t i = 0; i < n; i++)
    made = json_array_append_new(
               body, ia_rpc_request(r, items[i].method, json_incref(items[i].params))) == 0 &&
           made;
  if (!made)
    return ia_fail(e, IA_E_MEMORY, "rpc: cannot make a batch of %zu", n);
  if (!ask(&c, body, 0, e))
    return false;
  for (size_t i = 0; i < n; i++) {
    const json_t *a = part_of(&c, c.answer, i);

    items[i].ok = a ? ia_rpc_settle(r, &items[i].result, items[i].method, a, &items[i].err)
                    : ia_fail(&items[i].err, IA_E_PARSE, "%s: no answer", items[i].method);
  }
  json_decref(c.answer);
  return true;
}

/* Parts of what the node takes at once, which is learned where it refuses. */
static bool batch_parts(ia_rpc *r, ia_rpc_item *items, size_t n, ia_err *e)
{
  size_t width;

  for (size_t at = 0; at < n; at += width) {
    ia_err why = {0};

    width = r->batch_most && r->batch_most < n - at ? r->batch_most : n - at;
    width = width < IA_RPC_BATCH_MAX ? width : IA_RPC_BATCH_MAX;
    while (!batch_part(r, items + at, width, &why)) {
      if (width <= 1 || (why.code != IA_E_TOO_LARGE && why.code != IA_E_INVALID)) {
        if (e)
          *e = why;
        return false;
      }
      width /= 2;
      r->batch_most = width;
    }
  }
  return true;
}

bool ia_rpc_batch(ia_rpc *r, ia_rpc_item *items, size_t n, ia_err *e)
{
  if (r->agree > 0)
    return batch_of_one(r, items, n);
  for (size_t i = 0; i < n; i++) {
    items[i].ok = false;
    items[i].result = NULL;
  }
  bool ok = batch_parts(r, items, n, e);
  for (size_t i = 0; i < n; i++) {
    json_decref(items[i].params);
    items[i].params = NULL;
    if (!ok) {
      json_decref(items[i].result);
      items[i].result = NULL;
      items[i].ok = false;
    }
  }
  return ok;
}

void ia_rpc_items_free(ia_rpc_item *items, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    json_decref(items[i].result);
    items[i].result = NULL;
  }
}

/* -- which node ordinary questions go to -- */

typedef struct comparison {
  ia_rpc *r;
  json_int_t id;
} comparison;

static ia_hearing compared(void *ctx, size_t at, const json_t *answer, const ia_err *why,
                           size_t running)
{
  const comparison *c = ctx;
  ia_endpoint *p = &c->r->ends.v[at];
  IA_AUTO_JSON *v = NULL;

  (void)why;
  (void)running;
  p->has_head = answer && ia_rpc_settle_one(c->r, &v, "eth_blockNumber", c->id, answer, NULL) &&
                ia_rpc_u64(&p->head, v, NULL);
  return IA_HEARD_WAIT;
}

static bool compared_enough(void *ctx)
{
  (void)ctx;
  return true;
}

void ia_rpc_leave_laggard(ia_rpc *r, uint64_t lag)
{
  uint64_t now = ia_mono_ms();
  ia_endpoints *s = &r->ends;
  comparison c = {.r = r, .id = (json_int_t)r->next_id};
  IA_AUTO_JSON *body = NULL;

  if (s->n < 2 || r->agree > 0 || (r->compared_ms != 0 && now - r->compared_ms < COMPARE_MS))
    return;
  r->compared_ms = now;
  body = ia_rpc_request(r, "eth_blockNumber", NULL);
  const ia_asking q = {.body = body,
                       .timeout_ms = HEADS_MS,
                       .patience_ms = HEADS_PATIENCE_MS,
                       .at_once = 1,
                       .heard = compared,
                       .content = compared_enough,
                       .ctx = &c};
  for (size_t i = 0; i < s->n; i++)
    s->v[i].has_head = false;
  if (ia_rpc_ask_nodes(r, &q, NULL) && ia_endpoints_leave_laggard(s, lag))
    ia_log(IA_LOG_WARN, "ledger.laggard", "now=%s", ia_rpc_name(r));
}
