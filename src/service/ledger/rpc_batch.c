/* JSON-RPC: batches, in slices. Nothing holds a batch together but its reply: between two of its
 * requests others may change the ledger, as they may between two requests of one client. */
#include <string.h>
#include <time.h>

#include "service/ledger/rpc_int.h"

/* A slice; all slices of a batch, beyond which the rest of it is refused. */
enum { BATCH_MAX = 1000, BATCH_BYTES = 16 << 20, SLICE_US = 4000, BUDGET_US = 10000000 };

struct ia_ledger_rest {
  json_t *batch;    /* an array, or one request that takes long */
  size_t at, empty; /* empty: length of a reply without replies */
  uint64_t spent_us;
};

static uint64_t now_us(void)
{
  struct timespec t;

  (void)clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t ia_ledger_rest_spent(const ia_ledger_rest *rest)
{
  return rest->spent_us;
}

void ia_ledger_rest_free(ia_ledger_rest *rest)
{
  if (!rest)
    return;
  json_decref(rest->batch);
  free(rest);
}

static bool refuse(const json_t *request, const char *why, ia_ledger_reply *out, ia_err *e)
{
  const json_t *id = json_object_get(request, "id");

  return !id || !ia_lrpc_is_id(id) || ia_lrpc_put_error(&out->text, id, IA_RPC_LIMIT, why, e);
}

/* Why no more of it is answered; NULL: go on. */
static const char *enough(const ia_ledger_rest *r, const ia_ledger_reply *out)
{
  if (out->text.len > BATCH_BYTES)
    return "the answers before this one in the batch have more than 16 MiB";
  return r->spent_us > BUDGET_US ? "the batch takes too long: ask in smaller ones" : NULL;
}

/* The next of the batch. */
static bool next(ia_ledger *l, ia_ledger_rest *r, ia_ledger_reply *out, ia_err *e)
{
  const json_t *request = json_array_get(r->batch, r->at++);
  size_t before = out->text.len;

  if (before > r->empty)
    ia_buf_u8(&out->text, ',');
  size_t start = out->text.len;
  const char *why = enough(r, out);
  if (why ? !refuse(request, why, out, e) : !ia_lrpc_one(l, request, true, out, e))
    return false;
  if (out->text.len == start)
    out->text.len = before; /* a notification has no reply */
  return true;
}

static bool slice(ia_ledger *l, ia_ledger_rest *r, ia_ledger_reply *out, bool *whole, ia_err *e)
{
  uint64_t begin = now_us(), spent = r->spent_us;

  while (r->at < json_array_size(r->batch) && r->spent_us - spent < SLICE_US) {
    if (!next(l, r, out, e))
      return false;
    r->spent_us = spent + (now_us() - begin);
  }
  *whole = r->at == json_array_size(r->batch);
  if (*whole && out->text.len == r->empty)
    out->text.len = 0;
  else if (*whole)
    ia_buf_u8(&out->text, ']');
  out->height = l->head;
  return ia_buf_ok(&out->text, e);
}

bool ia_ledger_rpc_go_on(ia_ledger *l, ia_ledger_rest *rest, ia_ledger_reply *out, bool *whole,
                         ia_err *e)
{
  if (json_is_array(rest->batch))
    return slice(l, rest, out, whole, e);
  *whole = true;
  bool ok = ia_lrpc_one(l, rest->batch, false, out, e);
  out->height = l->head;
  return ok;
}

/* batch is taken over. */
static bool begin(ia_ledger *l, json_t *batch, ia_ledger_reply *out, ia_ledger_rest **rest,
                  ia_err *e)
{
  ia_ledger_rest *r = calloc(1, sizeof(*r));
  bool whole = false;

  if (!r) {
    json_decref(batch);
    return ia_fail(e, IA_E_MEMORY, "no memory for a batch");
  }
  r->batch = batch;
  if (json_is_array(batch))
    ia_buf_u8(&out->text, '[');
  r->empty = out->text.len;
  bool ok = !json_is_array(batch) || slice(l, r, out, &whole, e);
  if (ok && !whole) {
    *rest = r;
    return true;
  }
  ia_ledger_rest_free(r);
  return ok;
}

/* Reads that may look at thousands of blocks wait in line, also when they come alone. */
static bool takes_long(const json_t *request)
{
  const char *name = json_string_value(json_object_get(request, "method"));

  return name && (strcmp(name, "eth_getLogs") == 0 || strcmp(name, "eth_getBlockReceipts") == 0);
}

bool ia_ledger_rpc_begin(ia_ledger *l, ia_span request, ia_ledger_reply *out, ia_ledger_rest **rest,
                         ia_err *e)
{
  ia_err why;
  IA_AUTOV(ia_buf) other = {0};
  bool great = ia_lrpc_set_ids_aside(&other, request);
  IA_AUTO_JSON *v = ia_json_parse(great ? ia_buf_view(&other) : request, IA_JSON_ANY, &why);
  size_t n = json_array_size(v);
  bool ok;

  *rest = NULL;
  if (!v)
    ok = ia_lrpc_put_error(&out->text, NULL, IA_RPC_PARSE, why.msg, e);
  else if (json_is_array(v) && (n == 0 || n > BATCH_MAX))
    ok = ia_lrpc_put_error(&out->text, NULL, IA_RPC_REQUEST, "a batch holds 1 to 1000 requests", e);
  else if (json_is_array(v) || takes_long(v))
    ok = begin(l, json_incref(v), out, rest, e);
  else if (json_is_object(v))
    ok = ia_lrpc_one(l, v, false, out, e);
  else
    ok = ia_lrpc_put_error(&out->text, NULL, IA_RPC_REQUEST, "not a JSON-RPC request", e);
  out->height = l->head;
  return ok;
}

bool ia_ledger_rpc(ia_ledger *l, ia_span request, ia_ledger_reply *out, ia_err *e)
{
  ia_ledger_rest *rest = NULL;
  bool ok = ia_ledger_rpc_begin(l, request, out, &rest, e), whole = !rest;

  while (ok && !whole)
    ok = ia_ledger_rpc_go_on(l, rest, out, &whole, e);
  ia_ledger_rest_free(rest);
  return ok;
}
