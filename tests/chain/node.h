/* A scripted node of a chain: blocks whose hashes hang together, one log in each, and a past that
 * the test rewrites, between two questions or in the middle of them. */
#ifndef IA_TESTS_CHAIN_NODE_H
#define IA_TESTS_CHAIN_NODE_H

#include "../crypto/support.h"
#include "../http/fixture.h"
#include "base/hex.h"
#include "chain/follow.h"

#define MUST(call)                                                                                 \
  do {                                                                                             \
    ia_err e = {0};                                                                                \
    if (!(call)) {                                                                                 \
      print_error("%s: %s\n", #call, e.msg);                                                       \
      fail();                                                                                      \
    }                                                                                              \
  } while (0)

enum { NODE_BLOCKS = 2048 };

typedef struct node {
  fixture f;
  ia_routes table;
  uint64_t chain_id, height;
  uint8_t branch[NODE_BLOCKS]; /* another one is another block, and all after it are others */
  uint64_t most;               /* blocks that it looks for logs in at once; 0 = any number */
  const char *words;           /* in which it says so */
  size_t addresses_most;       /* that it takes in one filter; 0 = any number, or none */
  const char *sick;            /* this address has more logs than it gives at once */
  const char *raw;             /* this instead of an answer */
  int status;                  /* of its errors; 0 = 200 */
  const char *word;            /* what eth_call answers */
  const char *raw_tx;          /* what eth_getRawTransactionByHash answers */
  const char *refusal;         /* of the last filter's addresses */
  bool hangs;                  /* it takes requests and never answers */
  bool is_behind;              /* it knows of no transaction */
  size_t posts;                /* requests so far */
  size_t asked;                /* questions so far */
  size_t change_at;            /* at this one: */
  void (*change)(struct node *n);
  char last_block[80]; /* the block parameter of the last eth_call */
} node;

/* Of the number, and of all branches up to it. */
static inline ia_h256 node_hash(const node *n, uint64_t number)
{
  uint64_t sum = 0;
  ia_h256 h = {{(uint8_t)n->chain_id}};

  for (uint64_t i = 0; i <= number; i++)
    sum += n->branch[i] * (i + 1);
  memcpy(h.b + 8, &number, sizeof(number));
  memcpy(h.b + 16, &sum, sizeof(sum));
  return h;
}

static inline json_t *node_block(const node *n, uint64_t number)
{
  ia_h256 hash = node_hash(n, number), parent = {{0}};

  if (number > 0)
    parent = node_hash(n, number - 1);
  return json_pack("{s:o, s:o, s:o, s:s}", "number", ia_rpc_quantity(number), "hash",
                   ia_json_h256(&hash), "parentHash", ia_json_h256(&parent), "timestamp", "0x1");
}

/* NULL: refused. *given: the filter admits the address of our logs. */
static inline const char *node_addresses(const node *n, const json_t *filter, bool *given)
{
  const json_t *list = json_object_get(filter, "address");
  size_t i;
  json_t *v;

  *given = !list;
  if (n->addresses_most && (!list || json_array_size(list) > n->addresses_most))
    return "exceeds max addresses";
  json_array_foreach (list, i, v) {
    if (n->sick && strcmp(json_string_value(v), n->sick) == 0)
      return "query returned more than 10000 results";
    *given |= strcmp(json_string_value(v), "0x0100000000000000000000000000000000000000") == 0;
  }
  return NULL;
}

static inline json_t *node_logs(node *n, const json_t *filter)
{
  json_t *list = json_array();
  uint64_t from, to;
  bool given;

  MUST(ia_rpc_get_u64(filter, "fromBlock", &from, &e));
  MUST(ia_rpc_get_u64(filter, "toBlock", &to, &e));
  n->refusal = node_addresses(n, filter, &given);
  if (n->refusal || (n->most && to - from >= n->most)) {
    json_decref(list);
    return NULL;
  }
  if (!given)
    return list;
  for (uint64_t i = from; i <= to && i <= n->height; i++) {
    ia_h256 hash = node_hash(n, i);

    json_array_append_new(list, json_pack("{s:s, s:[o], s:o, s:o, s:o, s:s, s:s}", "address",
                                          "0x0100000000000000000000000000000000000000", "topics",
                                          ia_json_h256(&hash), "blockNumber", ia_rpc_quantity(i),
                                          "blockHash", ia_json_h256(&hash), "transactionHash",
                                          ia_json_h256(&hash), "logIndex", "0x0", "data", "0x"));
  }
  return list;
}

static inline json_t *node_result(node *n, const char *method, const json_t *params)
{
  const json_t *which = json_array_get(params, 0);
  uint64_t number = n->height, id = n->chain_id;

  if (strcmp(method, "eth_chainId") == 0)
    return ia_rpc_quantity(id);
  if (strcmp(method, "eth_blockNumber") == 0)
    return ia_rpc_quantity(n->height);
  if (strcmp(method, "eth_getLogs") == 0)
    return node_logs(n, which);
  if (strcmp(method, "eth_call") == 0 && n->word) {
    const json_t *at = json_array_get(params, 1);

    (void)snprintf(n->last_block, sizeof(n->last_block), "%s",
                   json_is_string(at) ? json_string_value(at)
                                      : json_string_value(json_object_get(at, "blockHash")));
    return json_string(n->word);
  }
  if (strcmp(method, "eth_getTransactionReceipt") == 0)
    return n->is_behind
               ? json_null()
               : json_pack("{s:s, s:s, s:[]}", "status", "0x1", "blockNumber", "0x5", "logs");
  if (strcmp(method, "eth_getRawTransactionByHash") == 0)
    return n->raw_tx ? json_string(n->raw_tx) : json_null();
  if (strcmp(method, "eth_getBlockByNumber") != 0)
    return NULL;
  if (strcmp(json_string_value(which), "latest") != 0)
    MUST(ia_rpc_u64(&number, which, &e));
  return number > n->height ? json_null() : node_block(n, number);
}

static inline json_t *node_answer(node *n, const json_t *question)
{
  const char *method = json_string_value(json_object_get(question, "method"));
  json_t *result, *answer;

  if (n->change && n->asked++ == n->change_at)
    n->change(n);
  result = node_result(n, method, json_object_get(question, "params"));
  answer = json_pack("{s:s, s:O}", "jsonrpc", "2.0", "id", json_object_get(question, "id"));
  if (result)
    json_object_set_new(answer, "result", result);
  else if (strcmp(method, "eth_getLogs") == 0)
    json_object_set_new(answer, "error",
                        json_pack("{s:i, s:s}", "code", -32000, "message",
                                  n->refusal ? n->refusal
                                  : n->words ? n->words
                                             : "query returned more than 10000 results"));
  else
    json_object_set_new(answer, "error",
                        json_pack("{s:i, s:s}", "code", -32601, "message", "no such method"));
  return answer;
}

static inline void node_hung(void *ctx, ia_request *rq)
{
  const ia_err e = {.code = IA_E_UNAVAILABLE};

  (void)ctx;
  ia_request_finish(rq, &e);
}

static inline bool node_post(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  node *n = ctx;

  __atomic_add_fetch(&n->posts, 1, __ATOMIC_SEQ_CST);
  if (n->hangs)
    return ia_request_hold(rq, 0, node_hung, n, e);

  IA_AUTO_JSON *body = ia_request_json(rq, e);
  IA_AUTO_JSON *answer = NULL;

  if (!body)
    return false;
  if (n->raw) {
    if (n->status)
      ia_reply_status(rp, n->status);
    ia_buf_str(ia_reply_body(rp), n->raw);
    return true;
  }
  if (json_is_array(body)) {
    answer = json_array();
    for (size_t i = 0; i < json_array_size(body); i++)
      json_array_append_new(answer, node_answer(n, json_array_get(body, i)));
  } else {
    answer = node_answer(n, body);
  }
  return ia_reply_json(rp, n->status && json_object_get(answer, "error") ? n->status : 200, answer,
                       e);
}

static inline void node_start(node *n)
{
  static const ia_route rows[] = {
      {"POST", "/", IA_ROUTE_INLINE, 1 << 20, false, node_post, IA_MARK_PUBLIC}};
  const ia_routes *tables[] = {&n->table, NULL};

  n->table = (ia_routes){.rows = rows, .n = 1, .ctx = n};
  if (n->chain_id == 0)
    n->chain_id = 1;
  MUST(fixture_open(&n->f, NULL, tables, &e));
}

static inline void node_end(node *n)
{
  fixture_close(&n->f);
}

#endif
