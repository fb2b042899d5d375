/* JSON-RPC: eth_getLogs. Candidate blocks come from the index of the most telling condition; every
 * one of them is then looked at whole. */
#include <stdlib.h>

#include "service/ledger/rpc_int.h"

enum { BLOCKS_MAX = 10000, ALTERNATIVES_MAX = 100, BYTES_MAX = 16 << 20, LOG_COST = 800 };

typedef struct alternatives {
  bool any; /* no condition */
  size_t n;
  ia_h256 v[ALTERNATIVES_MAX]; /* an address stands in the last 20 bytes */
} alternatives;

typedef struct filter {
  uint64_t from, to;
  alternatives address;
  alternatives topic[IA_TOPICS_MAX];
  size_t n_topics; /* a log needs at least so many */
} filter;

/* --- reading the filter
 * ------------------------------------------------------------------------------ */

static bool one_value(ia_lrpc *r, const json_t *v, bool address, ia_h256 *out)
{
  ia_addr a;

  if (!address)
    return ia_lrpc_hash(r, v, "topic", out);
  if (!ia_lrpc_address(r, v, "address", &a))
    return false;
  memset(out, 0, sizeof(*out));
  memcpy(out->b + 12, a.b, 20);
  return true;
}

static bool read_values(ia_lrpc *r, const json_t *v, bool address, alternatives *out)
{
  const json_t *item;
  size_t i;

  out->n = 0;
  out->any = !v || json_is_null(v) || (json_is_array(v) && json_array_size(v) == 0);
  if (out->any)
    return true;
  if (!json_is_array(v)) {
    out->n = 1;
    return one_value(r, v, address, &out->v[0]);
  }
  if (json_array_size(v) > ALTERNATIVES_MAX)
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "at most %d alternatives", ALTERNATIVES_MAX);
  json_array_foreach (v, i, item)
    if (!one_value(r, item, address, &out->v[out->n++]))
      return false;
  return true;
}

static bool read_range(ia_lrpc *r, const json_t *v, filter *f)
{
  const json_t *hash = json_object_get(v, "blockHash");

  if (hash && !json_is_null(hash)) {
    IA_AUTO_JSON *tag = json_pack("{s:O}", "blockHash", (json_t *)hash);

    if (!ia_lrpc_block_tag(r, tag, &f->from))
      return false;
    f->to = f->from;
    return true;
  }
  return ia_lrpc_block_tag(r, json_object_get(v, "fromBlock"), &f->from) &&
         ia_lrpc_block_tag(r, json_object_get(v, "toBlock"), &f->to);
}

static bool read_filter(ia_lrpc *r, filter *f)
{
  const json_t *v = ia_lrpc_param(r, 0), *topics = json_object_get(v, "topics");

  if (!json_is_object(v))
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "want a filter object");
  if (topics && !json_is_null(topics) &&
      (!json_is_array(topics) || json_array_size(topics) > IA_TOPICS_MAX))
    return ia_lrpc_fail(r, IA_RPC_PARAMS, "topics: want an array of at most 4");
  f->n_topics = json_array_size(topics);
  if (!read_range(r, v, f) || !read_values(r, json_object_get(v, "address"), true, &f->address))
    return false;
  for (size_t i = 0; i < IA_TOPICS_MAX; i++)
    if (!read_values(r, json_array_get(topics, i), false, &f->topic[i]))
      return false;
  if (f->to > r->l->head)
    f->to = r->l->head;
  return true;
}

/* --- matching
 * ---------------------------------------------------------------------------------------- */

static bool admits(const alternatives *a, const ia_h256 *value)
{
  for (size_t i = 0; i < a->n; i++)
    if (ia_h256_eq(&a->v[i], value))
      return true;
  return a->any;
}

static bool matches(const filter *f, const ia_log_entry *log)
{
  ia_h256 address = {{0}};

  memcpy(address.b + 12, log->address.b, 20);
  if (log->n_topics < f->n_topics || !admits(&f->address, &address))
    return false;
  for (size_t i = 0; i < f->n_topics; i++)
    if (!admits(&f->topic[i], &log->topics[i]))
      return false;
  return true;
}

static bool add_block(ia_lrpc *r, const filter *f, uint64_t number, json_t *out)
{
  IA_AUTOV(ia_buf) record = {0};
  size_t at = json_array_size(out); /* entries of blocks before */
  ia_log_entry log;
  ia_h256 hash;
  ia_block b;
  bool found;
  ia_err e;

  if (!ia_ledger_record(r->l, number, &record, &found, &e) ||
      (found && !ia_block_decode(&b, ia_buf_view(&record), &e)))
    return ia_lrpc_failed(r, &e);
  if (!found || b.n_logs == 0)
    return true;
  ia_block_hash(&hash, ia_buf_view(&record));
  for (uint32_t i = 0; i < b.n_logs; i++) {
    if (!ia_block_take_log(&b.logs, &log, &e))
      return ia_lrpc_failed(r, &e);
    if (!matches(f, &log))
      continue;
    if (json_array_size(out) >= IA_LOGS_MAX)
      return ia_lrpc_fail(r, IA_RPC_LIMIT, "query returned more than %d results", IA_LOGS_MAX);
    /* one block is always told, so that a follower can go on */
    r->bytes += LOG_COST + 2 * log.data.len;
    if (r->bytes > BYTES_MAX && at > 0)
      return ia_lrpc_fail(r, IA_RPC_LIMIT, "query returned more than %d MiB", BYTES_MAX >> 20);
    if (json_array_append_new(out, ia_lrpc_log(&b, &hash, &log, i)) != 0)
      return ia_lrpc_fail(r, IA_RPC_INTERNAL, "out of memory");
  }
  return true;
}

/* --- candidates
 * -------------------------------------------------------------------------------------- */

static int by_number(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

  return x < y ? -1 : x > y;
}

static uint64_t term_of(size_t place, const ia_h256 *v)
{
  ia_addr a;

  memcpy(a.b, v->b + 12, 20);
  return place == IA_TOPICS_MAX ? ia_term_address(&a) : ia_term_topic(place, v);
}

static bool too_wide(ia_lrpc *r)
{
  return ia_lrpc_fail(r, IA_RPC_LIMIT,
                      "the filter concerns more than %d blocks: narrow the block range",
                      BLOCKS_MAX);
}

/* Blocks that the index has for one condition, ascending, each once; *wide: more than we look at.
 * place = IA_TOPICS_MAX: address. */
static bool from_index(ia_lrpc *r, const filter *f, uint64_t to, size_t place, uint64_t *out,
                       size_t *n, bool *wide)
{
  const alternatives *c = place == IA_TOPICS_MAX ? &f->address : &f->topic[place];
  size_t found, kept = 0;
  ia_err e;

  *n = 0;
  for (size_t i = 0; i < c->n && *n <= BLOCKS_MAX; i++) {
    if (!ia_disk_find(r->l->disk, term_of(place, &c->v[i]), f->from, to, out + *n,
                      BLOCKS_MAX + 1 - *n, &found, &e))
      return ia_lrpc_failed(r, &e);
    *n += found;
  }
  *wide = *n > BLOCKS_MAX;
  qsort(out, *n, sizeof(*out), by_number);
  for (size_t i = 0; i < *n; i++)
    if (kept == 0 || out[kept - 1] != out[i])
      out[kept++] = out[i];
  *n = kept;
  return true;
}

/* Durable blocks that may match. Indexed topics tell most, then the event's own, then the address;
 * the first condition that leaves few enough blocks is taken. */
static bool candidates(ia_lrpc *r, const filter *f, uint64_t to, uint64_t *out, size_t *n)
{
  static const size_t order[] = {1, 2, 3, 0, IA_TOPICS_MAX};

  for (size_t i = 0; i < IA_COUNT(order); i++) {
    bool wide;

    if (order[i] == IA_TOPICS_MAX ? f->address.any : f->topic[order[i]].any)
      continue;
    if (!from_index(r, f, to, order[i], out, n, &wide))
      return false;
    if (!wide)
      return true;
  }
  if (to - f->from >= BLOCKS_MAX)
    return too_wide(r);
  *n = 0;
  for (uint64_t i = f->from; i <= to; i++)
    out[(*n)++] = i;
  return true;
}

bool ia_lrpc_logs(ia_lrpc *r)
{
  ia_autofree filter *f = calloc(1, sizeof(*f));
  ia_autofree uint64_t *numbers = calloc(BLOCKS_MAX + 1, sizeof(*numbers));
  IA_AUTO_JSON *out = json_array();
  uint64_t durable = ia_disk_durable(r->l->disk), next;
  size_t n = 0;

  if (!f || !numbers || !out)
    return ia_lrpc_fail(r, IA_RPC_INTERNAL, "out of memory");
  if (!read_filter(r, f))
    return false;
  next = f->from;
  if (f->from <= f->to && f->from <= durable) {
    uint64_t to = f->to < durable ? f->to : durable;

    if (!candidates(r, f, to, numbers, &n))
      return false;
    next = to + 1;
  }
  for (size_t i = 0; i < n; i++)
    if (!add_block(r, f, numbers[i], out))
      return false;
  for (uint64_t i = next; i <= f->to; i++) /* executed, not yet durable */
    if (!add_block(r, f, i, out))
      return false;
  return ia_lrpc_result(r, ia_steal(&out));
}
