/* JSON-RPC requests, batches, and what a node's errors mean. */
#include "chain/rpc.h"

#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "chain/internal.h"
#include "eth/abi.h"

enum { RPC_TIMEOUT_MS = 30000, RPC_REVERT_CAP = 65536, RPC_ANSWER_CAP = 64 << 20 };

bool ia_rpc_new(ia_rpc **out, const ia_rpc_options *o, ia_err *e)
{
  IA_AUTO(ia_rpc) *r = calloc(1, sizeof(*r));
  ia_http_options http = {.unix_socket = o->unix_socket};

  if (!r)
    return ia_fail(e, IA_E_MEMORY, "rpc: out of memory");
  if (!ia_endpoints_parse(&r->ends, o->url, e))
    return false;
  r->agree = o->agree;
  r->timeout_ms = o->timeout_ms ? o->timeout_ms : RPC_TIMEOUT_MS;
  r->cancel = o->cancel;
  r->next_id = 1;
  r->revert.cap = RPC_REVERT_CAP;
  if (!ia_http_new(&r->http, &http, e))
    return false;
  ia_rpc_until(r, o->until);
  *out = ia_steal(&r);
  return true;
}

void ia_rpc_until(ia_rpc *r, uint64_t mono_ms)
{
  ia_http_until(r->http, mono_ms);
}

void ia_rpc_free(ia_rpc *r)
{
  if (!r)
    return;
  ia_http_free(r->http);
  ia_buf_free(&r->revert);
  ia_endpoints_free(&r->ends);
  free(r);
}

ia_span ia_rpc_revert_data(const ia_rpc *r)
{
  return ia_buf_view(&r->revert);
}

static bool contains(const char *text, const char *part)
{
  return strcasestr(text, part) != NULL;
}

void ia_rpc_want_chain(ia_rpc *r, uint64_t chain_id)
{
  r->chain_id = chain_id;
}

const char *ia_rpc_name(const ia_rpc *r)
{
  return r->ends.v[r->ends.at].name;
}

/* Nodes say most things in words; these are the ones that callers act on. */
static const struct {
  const char *words;
  ia_code code;
} known_words[] = {
    {"nonce too low", IA_E_NONCE_LOW},
    {"already known", IA_E_NONCE_LOW},
    {"replacement transaction", IA_E_NONCE_LOW},
    {"chain id", IA_E_CHAIN_ID},
    {"chainid", IA_E_CHAIN_ID},
    {"fee", IA_E_FEE_REFUSED},
    {"gas price", IA_E_FEE_REFUSED},
    {"disk is full", IA_E_DISK_FULL},
    {"execution reverted", IA_E_REVERT},
    /* too many addresses in one filter: how nodes of different make say it */
    {"max addresses", IA_E_INVALID},
    {"maximum addresses", IA_E_INVALID},
    {"too many addresses", IA_E_INVALID},
    {"addresses limit", IA_E_INVALID},
    /* too many requests in one batch */
    {"batch too large", IA_E_TOO_LARGE},
    {"batch limit", IA_E_TOO_LARGE},
    {"batch size", IA_E_TOO_LARGE},
    {"too many calls in batch", IA_E_TOO_LARGE},
    /* how nodes of different make say that a range of logs is too wide */
    {"block range", IA_E_TOO_LARGE},
    {"range limit", IA_E_TOO_LARGE},
    {"max range", IA_E_TOO_LARGE},
    {"more than 10000 results", IA_E_TOO_LARGE},
    {"max results", IA_E_TOO_LARGE},
    {"too many results", IA_E_TOO_LARGE},
    {"response size", IA_E_TOO_LARGE},
    {"range is too", IA_E_TOO_LARGE},
    {"limited to a", IA_E_TOO_LARGE},
    {"query timeout", IA_E_TOO_LARGE},
    /* amid a rewrite, or behind a balancer: not the caller's fault */
    {"blockoutofrange", IA_E_UNAVAILABLE},
    {"unknown block", IA_E_UNAVAILABLE},
    {"block not found", IA_E_UNAVAILABLE},
    {"header not found", IA_E_UNAVAILABLE},
    {"rate limit", IA_E_BUSY},
    {"request count exceeded", IA_E_BUSY},
    {"too many requests", IA_E_BUSY},
};

/* The contract's own words out of revert data; for a custom error its selector. */
static bool reverted(ia_rpc *r, const char *message, const char *hex, ia_err *e)
{
  static const char head[] = "execution reverted";
  char text[160];

  ia_buf_clear(&r->revert);
  if (hex && !ia_unhex_buf(&r->revert, ia_span_str(hex)))
    ia_buf_clear(&r->revert);
  if (ia_abi_revert_text(text, sizeof(text), ia_buf_view(&r->revert)))
    return ia_fail(e, IA_E_REVERT, "%s", text);
  if (strncmp(message, head, sizeof(head) - 1) == 0 && message[sizeof(head) - 1] == ':')
    return ia_fail(e, IA_E_REVERT, "%.150s", message + sizeof(head) + 1);
  if (r->revert.len >= 4)
    return ia_fail(e, IA_E_REVERT, "reverted with error 0x%02x%02x%02x%02x", r->revert.ptr[0],
                   r->revert.ptr[1], r->revert.ptr[2], r->revert.ptr[3]);
  return ia_fail(e, IA_E_REVERT, "reverted without a reason");
}

static bool node_error(ia_rpc *r, const char *method, const json_t *error, ia_err *e)
{
  const char *message = json_string_value(json_object_get(error, "message"));
  const json_t *data = json_object_get(error, "data");
  json_int_t code = json_integer_value(json_object_get(error, "code"));

  /* some nodes put the bytes one level deeper */
  if (json_is_object(data))
    data = json_object_get(data, "data");
  if (!message)
    message = "no message";
  if (code == 3 || contains(message, "revert"))
    return reverted(r, message, json_string_value(data), e);
  if (code == -32601)
    return ia_fail(e, IA_E_UNSUPPORTED, "%s: the node has no such method", method);
  for (size_t i = 0; i < IA_COUNT(known_words); i++) {
    if (contains(message, known_words[i].words))
      return ia_fail(e, known_words[i].code, "%s: %.120s", method, message);
  }
  return ia_fail(e,
                 code == -32602   ? IA_E_INVALID
                 : code == -32005 ? IA_E_TOO_LARGE
                                  : IA_E_UNAVAILABLE,
                 "%s: %.120s", method, message);
}

static json_t *request(ia_rpc *r, const char *method, json_t *params)
{
  return json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", (json_int_t)r->next_id++,
                   "method", method, "params", params ? params : json_array());
}

/* One answer object -> result. id: the one that was asked. */
static bool settle(ia_rpc *r, json_t **result, const char *method, const json_t *answer, ia_err *e)
{
  json_t *error = json_object_get(answer, "error"), *v = json_object_get(answer, "result");

  if (json_is_object(error))
    return node_error(r, method, error, e);
  if (!v)
    return ia_fail(e, IA_E_PARSE, "%s: the answer has neither result nor error", method);
  *result = json_incref(v);
  return true;
}

/* Nodes answer errors of a call with status 400 as well as 200. */
static bool answer_of_post(json_t **answer, const ia_http_answer *a, ia_err *e)
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

static bool post(ia_rpc *r, size_t at, json_t **answer, const json_t *body, uint32_t timeout_ms,
                 ia_err *e)
{
  /* our own ledger holds some answers for clients that would otherwise poll; we follow its blocks
   */
  static const char *const headers[] = {"X-Iapp-At-Once: 1", "Accept: application/json",
                                        "Content-Type: application/json", NULL};
  ia_http_call c = {.method = "POST",
                    .url = r->ends.v[at].url,
                    .headers = headers,
                    .cap = RPC_ANSWER_CAP,
                    .total_ms = timeout_ms ? timeout_ms : r->timeout_ms,
                    .cancel = r->cancel};
  IA_AUTOV(ia_http_answer) a = {0};
  IA_AUTOV(ia_buf) text = {0};

  if (!body)
    return ia_fail(e, IA_E_MEMORY, "rpc: out of memory");
  if (!ia_json_write(&text, body, e))
    return false;
  c.body = ia_buf_view(&text);
  if (ia_http_do(r->http, &a, &c, e) && answer_of_post(answer, &a, e))
    return true;
  ia_endpoints_failed(&r->ends, at, ia_mono_ms());
  return r->ends.n > 1 ? ia_wrap(e, "ledger at %s", r->ends.v[at].name) : ia_wrap(e, "ledger");
}

static bool ask(ia_rpc *r, size_t at, json_t **result, const char *method, json_t *params,
                uint32_t timeout_ms, ia_err *e)
{
  IA_AUTO_JSON *body = NULL;
  IA_AUTO_JSON *answer = NULL;
  json_int_t id = (json_int_t)r->next_id;

  body = request(r, method, json_incref(params));
  if (!post(r, at, &answer, body, timeout_ms, e))
    return false;
  if (!json_is_object(answer) || json_integer_value(json_object_get(answer, "id")) != id)
    return json_is_object(json_object_get(answer, "error"))
               ? node_error(r, method, json_object_get(answer, "error"), e)
               : ia_fail(e, IA_E_PARSE, "%s: not an answer to our request", method);
  return settle(r, result, method, answer, e);
}

/* A node of another chain would answer as readily as ours. */
static bool right_chain(ia_rpc *r, size_t at, ia_err *e)
{
  ia_endpoint *p = &r->ends.v[at];
  IA_AUTO_JSON *none = json_array();
  IA_AUTO_JSON *v = NULL;
  uint64_t id;

  if (r->chain_id == 0 || p->known)
    return true;
  if (!ask(r, at, &v, "eth_chainId", none, 0, e) || !ia_rpc_u64(&id, v, e))
    return false;
  p->known = true;
  p->barred = id != r->chain_id;
  if (!p->barred)
    return true;
  ia_log(IA_LOG_ERROR, "ledger.chain", "node=%s chain=%llu want=%llu", p->name,
         (unsigned long long)id, (unsigned long long)r->chain_id);
  return ia_fail(e, IA_E_UNAVAILABLE, "%s is of chain %llu", p->name, (unsigned long long)id);
}

bool ia_rpc_ask(ia_rpc *r, size_t at, json_t **result, const char *method, json_t *params,
                uint32_t timeout_ms, ia_err *e)
{
  *result = NULL;
  return right_chain(r, at, e) && ask(r, at, result, method, params, timeout_ms, e);
}

/* Would another node perhaps answer? */
static bool of_this_node(ia_code code)
{
  static const ia_code codes[] = {
      IA_E_UNAVAILABLE,  IA_E_TIMEOUT,   IA_E_PARSE,       IA_E_BUSY,   IA_E_IO,
      IA_E_UNAUTHORIZED, IA_E_FORBIDDEN, IA_E_UNSUPPORTED, IA_E_METHOD, IA_E_DISK_FULL};

  for (size_t i = 0; i < IA_COUNT(codes); i++)
    if (codes[i] == code)
      return true;
  return false;
}

bool ia_rpc_call(ia_rpc *r, json_t **result, const char *method, json_t *params, ia_err *e)
{
  return ia_rpc_call_within(r, result, method, params, 0, e);
}

bool ia_rpc_call_within(ia_rpc *r, json_t **result, const char *method, json_t *params,
                        uint32_t timeout_ms, ia_err *e)
{
  IA_AUTO_JSON *asked = params ? params : json_array();
  ia_err why = {0};
  uint32_t tried = 0;
  size_t at;

  *result = NULL;
  if (r->agree > 0)
    return ia_rpc_ask_all(r, result, method, asked, e);
  (void)ia_fail(&why, IA_E_UNAVAILABLE, "ledger: no node of this chain");
  while (ia_endpoints_next(&r->ends, tried, ia_mono_ms(), &at)) {
    if (ia_rpc_ask(r, at, result, method, asked, timeout_ms, &why)) {
      ia_endpoints_worked(&r->ends, at);
      return true;
    }
    tried |= 1u << at;
    if (!of_this_node(why.code))
      break;
  }
  if (e)
    *e = why;
  return false;
}

void ia_rpc_leave_laggard(ia_rpc *r, uint64_t lag)
{
  enum { EVERY_MS = 10000, ANSWER_MS = 3000 };
  uint64_t now = ia_mono_ms();
  IA_AUTO_JSON *none = json_array();
  ia_endpoints *s = &r->ends;

  if (s->n < 2 || r->agree > 0 || (r->compared_ms != 0 && now - r->compared_ms < EVERY_MS))
    return;
  r->compared_ms = now;
  for (size_t i = 0; i < s->n; i++) {
    IA_AUTO_JSON *v = NULL;

    s->v[i].has_head = s->v[i].rest_until <= now && !s->v[i].barred &&
                       ia_rpc_ask(r, i, &v, "eth_blockNumber", none, ANSWER_MS, NULL) &&
                       ia_rpc_u64(&s->v[i].head, v, NULL);
  }
  if (ia_endpoints_leave_laggard(s, lag))
    ia_log(IA_LOG_WARN, "ledger.laggard", "now=%s", ia_rpc_name(r));
}

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

static bool batch_of_one(ia_rpc *r, ia_rpc_item *items, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    IA_AUTO_JSON *params = items[i].params ? items[i].params : json_array();

    items[i].params = NULL;
    items[i].ok = ia_rpc_ask_all(r, &items[i].result, items[i].method, params, &items[i].err);
  }
  return true;
}

static bool batch_at(ia_rpc *r, size_t at, json_t **answer, const json_t *body, ia_err *e)
{
  if (!right_chain(r, at, e) || !post(r, at, answer, body, 0, e))
    return false;
  if (json_is_array(*answer))
    return true;
  if (json_is_object(json_object_get(*answer, "error")))
    (void)node_error(r, "batch", json_object_get(*answer, "error"), e);
  else
    (void)ia_fail(e, IA_E_PARSE, "batch: the answer is no array");
  json_decref(*answer);
  *answer = NULL;
  return false;
}

static bool batch_anywhere(ia_rpc *r, json_t **answer, const json_t *body, ia_err *e)
{
  ia_err why = {0};
  uint32_t tried = 0;
  size_t at;

  (void)ia_fail(&why, IA_E_UNAVAILABLE, "ledger: no node of this chain");
  while (ia_endpoints_next(&r->ends, tried, ia_mono_ms(), &at)) {
    if (batch_at(r, at, answer, body, &why)) {
      ia_endpoints_worked(&r->ends, at);
      return true;
    }
    tried |= 1u << at;
    if (!of_this_node(why.code))
      break;
  }
  if (e)
    *e = why;
  return false;
}

/* One HTTP request; the items keep their params. */
static bool batch_part(ia_rpc *r, ia_rpc_item *items, size_t n, ia_err *e)
{
  IA_AUTO_JSON *body = json_array();
  IA_AUTO_JSON *answer = NULL;
  json_int_t first = (json_int_t)r->next_id;
  bool made = body != NULL;

  for (size_t i = 0; i < n; i++)
    made = json_array_append_new(body, request(r, items[i].method, json_incref(items[i].params))) ==
               0 &&
           made;
  if (!made)
    return ia_fail(e, IA_E_MEMORY, "rpc: cannot make a batch of %zu", n);
  /* a look at another node's chain takes an id of its own: those of the batch are taken already */
  if (!batch_anywhere(r, &answer, body, e))
    return false;
  for (size_t i = 0; i < n; i++) {
    const json_t *a = answer_of(answer, first + (json_int_t)i);

    items[i].ok = a ? settle(r, &items[i].result, items[i].method, a, &items[i].err)
                    : ia_fail(&items[i].err, IA_E_PARSE, "%s: no answer", items[i].method);
  }
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

bool ia_rpc_u256(ia_u256 *out, const json_t *v, ia_err *e)
{
  const char *text = json_string_value(v);

  if (json_is_integer(v) && json_integer_value(v) >= 0) {
    *out = ia_u256_of((uint64_t)json_integer_value(v));
    return true;
  }
  if (!text || text[0] != '0' || text[1] != 'x')
    return ia_fail(e, IA_E_PARSE, "rpc: want a quantity");
  return ia_u256_parse(out, ia_span_str(text), e);
}

bool ia_rpc_u64(uint64_t *out, const json_t *v, ia_err *e)
{
  ia_u256 wide;

  if (!ia_rpc_u256(&wide, v, e))
    return false;
  return ia_u256_u64(out, &wide) || ia_fail(e, IA_E_PARSE, "rpc: quantity above 2^64");
}

bool ia_rpc_get_u64(const json_t *obj, const char *key, uint64_t *out, ia_err *e)
{
  return ia_rpc_u64(out, json_object_get(obj, key), e) || ia_wrap(e, "%s", key);
}

json_t *ia_rpc_quantity(uint64_t v)
{
  char text[24];
  int n = snprintf(text, sizeof(text), "0x%llx", (unsigned long long)v);

  return n > 0 ? json_string(text) : NULL;
}
