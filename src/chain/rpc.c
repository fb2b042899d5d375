/* JSON-RPC requests, and what a node's errors mean. */
#include "chain/rpc.h"

#include <stdio.h>
#include <strings.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"
#include "chain/internal.h"
#include "eth/abi.h"

enum { RPC_TIMEOUT_MS = 30000, RPC_REVERT_CAP = 65536 };

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
  if (!ia_http_many_new(&r->http, r->ends.n, &http, e))
    return false;
  ia_rpc_until(r, o->until);
  *out = ia_steal(&r);
  return true;
}

void ia_rpc_until(ia_rpc *r, uint64_t mono_ms)
{
  ia_http_many_until(r->http, mono_ms);
}

void ia_rpc_free(ia_rpc *r)
{
  if (!r)
    return;
  ia_http_many_free(r->http);
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

json_t *ia_rpc_request(ia_rpc *r, const char *method, json_t *params)
{
  return json_pack("{s:s, s:I, s:s, s:o}", "jsonrpc", "2.0", "id", (json_int_t)r->next_id++,
                   "method", method, "params", params ? params : json_array());
}

bool ia_rpc_settle(ia_rpc *r, json_t **result, const char *method, const json_t *answer, ia_err *e)
{
  json_t *error = json_object_get(answer, "error"), *v = json_object_get(answer, "result");

  if (json_is_object(error))
    return node_error(r, method, error, e);
  if (!v)
    return ia_fail(e, IA_E_PARSE, "%s: the answer has neither result nor error", method);
  *result = json_incref(v);
  return true;
}

bool ia_rpc_settle_one(ia_rpc *r, json_t **result, const char *method, json_int_t id,
                       const json_t *answer, ia_err *e)
{
  const json_t *error = json_object_get(answer, "error");

  if (json_is_object(answer) && json_integer_value(json_object_get(answer, "id")) == id)
    return ia_rpc_settle(r, result, method, answer, e);
  return json_is_object(error) ? node_error(r, method, error, e)
                               : ia_fail(e, IA_E_PARSE, "%s: not an answer to our request", method);
}

bool ia_rpc_of_node(ia_code code)
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

  *result = NULL;
  return r->agree > 0 ? ia_rpc_ask_all(r, result, method, asked, e)
                      : ia_rpc_ask_any(r, result, method, asked, timeout_ms, e);
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
