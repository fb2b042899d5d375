/* One question to several nodes, none of which is believed alone. */
#include "base/hex.h"
#include "chain/agree.h"
#include "chain/internal.h"
#include "crypto/keccak.h"

enum { ONE_NODE_MS = 10000, PATIENCE_MS = 500, HEADS_PATIENCE_MS = 1000 };

typedef struct round {
  ia_rpc *r;
  const char *method;
  json_t *params; /* borrowed */
  json_int_t id;
  json_t *result[IA_ENDPOINTS_MAX];
  json_t *view[IA_ENDPOINTS_MAX];
  bool ignorant[IA_ENDPOINTS_MAX]; /* it said that it does not know */
  ia_err why[IA_ENDPOINTS_MAX];
  ia_agreement a;
  size_t proven; /* this one's answer proves itself; IA_ENDPOINTS_MAX = none does */
} round;

static void round_free(round *q)
{
  for (size_t i = 0; i < IA_ENDPOINTS_MAX; i++) {
    json_decref(q->result[i]);
    json_decref(q->view[i]);
  }
}

bool ia_rpc_null_is_ignorance(const char *method)
{
  static const char *const methods[] = {"eth_getBlockByNumber", "eth_getBlockByHash",
                                        "eth_getTransactionByHash", "eth_getTransactionReceipt",
                                        "eth_getRawTransactionByHash"};

  for (size_t i = 0; i < IA_COUNT(methods); i++)
    if (strcmp(methods[i], method) == 0)
      return true;
  return false;
}

/* The bytes of a transaction prove that they are those of its hash. */
static bool proves_itself(const char *method, const json_t *params, const json_t *result)
{
  IA_AUTOV(ia_buf) raw = {0};
  const char *want = json_string_value(json_array_get(params, 0));
  const char *hex = json_string_value(result);
  ia_h256 asked, is;

  if (strcmp(method, "eth_getRawTransactionByHash") != 0 || !hex || !want ||
      !ia_h256_parse(&asked, ia_span_str(want)) || !ia_unhex_buf(&raw, ia_span_str(hex)))
    return false;
  ia_keccak256(&is, ia_buf_view(&raw));
  return ia_h256_eq(&is, &asked);
}

/* A call that the contract refuses is an answer too. */
static json_t *view_of(ia_rpc *r, const char *method, const json_t *result, const ia_err *why)
{
  if (result)
    return ia_agree_view(method, result);
  if (why->code == IA_E_REVERT)
    return json_pack("{s:o}", "revert", ia_json_hex(ia_rpc_revert_data(r)));
  return NULL;
}

static ia_agreement tally(const ia_rpc *r, const round *q)
{
  ia_agree_answer answers[IA_ENDPOINTS_MAX];

  for (size_t i = 0; i < r->ends.n; i++)
    answers[i].view = q->view[i];
  return ia_agree(answers, r->ends.n, r->agree);
}

static size_t count(const bool *of, size_t n)
{
  size_t out = 0;

  for (size_t i = 0; i < n; i++)
    out += of[i];
  return out;
}

static void note(round *q, size_t at, const json_t *answer, const ia_err *why)
{
  if (!answer)
    q->why[at] = *why;
  else if (ia_rpc_settle_one(q->r, &q->result[at], q->method, q->id, answer, &q->why[at]))
    q->ignorant[at] = json_is_null(q->result[at]) && ia_rpc_null_is_ignorance(q->method);
  if (!q->ignorant[at])
    q->view[at] = view_of(q->r, q->method, q->result[at], &q->why[at]);
  if (q->result[at] && proves_itself(q->method, q->params, q->result[at]))
    q->proven = at;
}

static ia_hearing all_heard(void *ctx, size_t at, const json_t *answer, const ia_err *why,
                            size_t running)
{
  round *q = ctx;

  note(q, at, answer, why);
  q->a = tally(q->r, q);
  if (q->proven < IA_ENDPOINTS_MAX || q->a.found)
    return IA_HEARD_ENOUGH;
  return q->a.votes + running < q->r->agree ? IA_HEARD_MORE : IA_HEARD_WAIT;
}

/* That enough nodes do not know it is believed as long as none does. */
static bool nobody_knows(void *ctx)
{
  const round *q = ctx;

  return q->a.votes == 0 && count(q->ignorant, q->r->ends.n) >= q->r->agree;
}

static bool take(round *q, size_t which, json_t **result, ia_err *e)
{
  ia_rpc *r = q->r;

  if (q->result[which]) {
    *result = json_incref(q->result[which]);
    return true;
  }
  ia_buf_clear(&r->revert);
  (void)!ia_json_get_hex(q->view[which], "revert", &r->revert, NULL);
  if (e)
    *e = q->why[which];
  return false;
}

static bool conclude(round *q, json_t **result, ia_err *e)
{
  const ia_endpoints *s = &q->r->ends;

  if (q->proven < IA_ENDPOINTS_MAX)
    return take(q, q->proven, result, e);
  if (q->a.found)
    return take(q, q->a.which, result, e);
  if (nobody_knows(q))
    return *result = json_null(), true;
  for (size_t i = 0; i < s->n; i++)
    if (q->why[i].code == IA_E_MEMORY)
      return ia_fail(e, IA_E_MEMORY, "ledger: out of memory");
  /* a range that is too wide for one is asked again, narrower, of all */
  for (size_t i = 0; i < s->n; i++)
    if (q->why[i].code == IA_E_TOO_LARGE)
      return ia_fail(e, IA_E_TOO_LARGE, "%s: %s", s->v[i].name, q->why[i].msg);
  return ia_agree_refuse(&q->a, s, q->r->agree, q->method, e);
}

bool ia_rpc_ask_all(ia_rpc *r, json_t **result, const char *method, json_t *params, ia_err *e)
{
  round q = {.r = r,
             .method = method,
             .params = params,
             .id = (json_int_t)r->next_id,
             .proven = IA_ENDPOINTS_MAX};
  IA_AUTO_JSON *body = ia_rpc_request(r, method, json_incref(params));
  const ia_asking asking = {.body = body,
                            .timeout_ms = ONE_NODE_MS,
                            .patience_ms = PATIENCE_MS,
                            .at_once = r->agree,
                            .heard = all_heard,
                            .content = nobody_knows,
                            .ctx = &q};

  *result = NULL;
  bool ok = ia_rpc_ask_nodes(r, &asking, e) && (q.a = tally(r, &q), conclude(&q, result, e));
  round_free(&q);
  return ok;
}

/* -- the head -- */

typedef struct heads {
  ia_rpc *r;
  json_int_t id;
  uint64_t of[IA_ENDPOINTS_MAX]; /* UINT64_MAX: no answer */
} heads;

/* Enough have it, and nobody so far has a newer one. */
static bool agreed_on_newest(const heads *h)
{
  uint64_t head;

  if (!ia_agree_head(&head, h->of, h->r->ends.n, h->r->agree))
    return false;
  for (size_t i = 0; i < h->r->ends.n; i++)
    if (h->of[i] != UINT64_MAX && h->of[i] > head)
      return false;
  return true;
}

static ia_hearing head_heard(void *ctx, size_t at, const json_t *answer, const ia_err *why,
                             size_t running)
{
  heads *h = ctx;
  IA_AUTO_JSON *v = NULL;
  size_t answered = 0;

  (void)why;
  if (!answer || !ia_rpc_settle_one(h->r, &v, "eth_blockNumber", h->id, answer, NULL) ||
      !ia_rpc_u64(&h->of[at], v, NULL))
    h->of[at] = UINT64_MAX;
  if (agreed_on_newest(h))
    return IA_HEARD_ENOUGH;
  for (size_t i = 0; i < h->r->ends.n; i++)
    answered += h->of[i] != UINT64_MAX;
  return answered + running <= h->r->agree ? IA_HEARD_MORE : IA_HEARD_WAIT;
}

static bool head_content(void *ctx)
{
  const heads *h = ctx;
  uint64_t head;

  return ia_agree_head(&head, h->of, h->r->ends.n, h->r->agree);
}

bool ia_rpc_agreed_head(ia_rpc *r, uint64_t *out, ia_err *e)
{
  heads h = {.r = r, .id = (json_int_t)r->next_id};
  IA_AUTO_JSON *body = ia_rpc_request(r, "eth_blockNumber", NULL);
  const ia_asking q = {.body = body,
                       .timeout_ms = ONE_NODE_MS,
                       .patience_ms = HEADS_PATIENCE_MS,
                       .at_once = r->agree,
                       .heard = head_heard,
                       .content = head_content,
                       .ctx = &h};
  ia_agreement a = {0};

  for (size_t i = 0; i < IA_ENDPOINTS_MAX; i++)
    h.of[i] = UINT64_MAX;
  if (!ia_rpc_ask_nodes(r, &q, e))
    return false;
  if (ia_agree_head(out, h.of, r->ends.n, r->agree))
    return true;
  for (size_t i = 0; i < r->ends.n; i++) {
    if (h.of[i] == UINT64_MAX)
      a.silent |= 1u << i;
    else
      a.votes++;
  }
  return ia_agree_refuse(&a, &r->ends, r->agree, "eth_blockNumber", e);
}
