/* Bulk requests: the params of a deal name a list of slices, a slice is a list of signed dataset
 * orders; task idx runs on slice idx. Both are files of the blob store; every byte is checked
 * against its CID. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "crypto/unixfs.h"
#include "poco/ids.h"
#include "poco/orders.h"
#include "poco/params.h"
#include "service/graph/graph_int.h"

enum {
  FILE_MAX = 4 << 20,
  SLICES_MAX = 10000,
  ORDERS_MAX = 1000, /* of a slice */
  AT_ONCE = 256,     /* files in one go */
  FETCH_MS = 3000,
  AGAIN_S = 60 /* before what was unreadable is asked for again */
};

/* A file that is wanted. idx -1: the list of slices. */
typedef struct wanted {
  char cid[80];
  ia_h256 deal;
  int64_t idx;
  uint64_t block;
} wanted;

static bool note(graph_store *s, const char *cid, const ia_h256 *deal, int64_t idx, uint64_t block,
                 ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, graph_store_db(s),
                  "INSERT INTO missing (cid, deal, idx, since, tried) VALUES ($1, $2, $3, $4, 0)"
                  " ON CONFLICT DO NOTHING",
                  e))
    return false;
  ia_bind_text(st, 1, cid);
  ia_bind_h256(st, 2, deal);
  ia_bind_i64(st, 3, idx);
  ia_bind_u64(st, 4, block);
  return ia_stmt_run(st, e);
}

bool graph_bulk_note(graph_writer *w, const ia_h256 *dealid, const ia_deal *d, ia_err *e)
{
  IA_AUTOV(ia_params) p = {0};
  ia_cid cid;

  if (!ia_params_parse(&p, d->params, NULL) || !p.bulk_cid || !*p.bulk_cid ||
      !ia_cid_parse(&cid, ia_span_str(p.bulk_cid), NULL))
    return true;
  return note(w->s, ia_cid_format(&cid).s, dealid, -1, w->block, e);
}

/* -- reading -- */
static bool is_of(const ia_cid *want, ia_span data)
{
  const ia_dag_options v1 = {1, false}, v1_raw = {1, true};
  ia_cid got;

  return (ia_cid_of(&got, data, NULL, NULL) && ia_h256_eq(&got.hash, &want->hash)) ||
         (want->version == 1 &&
          ((ia_cid_of(&got, data, &v1_raw, NULL) && ia_h256_eq(&got.hash, &want->hash)) ||
           (ia_cid_of(&got, data, &v1, NULL) && ia_h256_eq(&got.hash, &want->hash))));
}

/* False when it cannot be read, is not what its CID says, or is no JSON array. */
static bool fetch(ia_graph *g, const wanted *f, ia_buf *text, json_t **out)
{
  IA_AUTOV(ia_http_answer) a = {0};
  IA_AUTOV(ia_buf) url = {0};
  ia_cid cid;

  ia_buf_printf(&url, "%s/ipfs/%s", g->ipfs_url, f->cid);
  ia_buf_u8(&url, 0);
  ia_http_call c = {
      .url = (const char *)url.ptr, .cap = FILE_MAX, .total_ms = FETCH_MS, .cancel = &g->cancel};
  if (!ia_buf_ok(&url, NULL) || !ia_cid_parse(&cid, ia_span_str(f->cid), NULL) ||
      !ia_http_do(g->http, &a, &c, NULL) || a.status != 200 || !is_of(&cid, ia_buf_view(&a.body)))
    return false;
  ia_buf_clear(text);
  ia_buf_span(text, ia_buf_view(&a.body));
  ia_buf_u8(text, 0);
  *out = ia_json_parse(ia_buf_view(&a.body), 0, NULL);
  return json_is_array(*out) && !text->bad;
}

/* -- writing -- */
/* Bulk and slices are of the deal's block, and written only while the deal stands. */
static bool take(graph_store *s, const wanted *f, bool *still, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, graph_store_db(s), "DELETE FROM missing WHERE deal = $1 AND idx = $2", e))
    return false;
  ia_bind_h256(st, 1, &f->deal);
  ia_bind_i64(st, 2, f->idx);
  bool ok = ia_stmt_run(st, e);
  *still = ok && ia_db_changes(graph_store_db(s)) == 1;
  return ok;
}

static bool put_list(graph_writer *w, const wanted *f, const json_t *list, const char *text,
                     ia_err *e)
{
  json_t *item;
  size_t i;

  if (!GRAPH_PUT(w, "bulk", ia_h256_text(&f->deal).s, e, GRAPH_TEXT("hash", f->cid),
                 GRAPH_TEXT("content", text), GRAPH_HEX("deal", IA_SPAN_ARR(f->deal.b))))
    return false;
  json_array_foreach ((json_t *)list, i, item) {
    const char *cid = json_string_value(item);
    ia_cid c;

    if (i >= SLICES_MAX)
      break;
    if (cid && ia_cid_parse(&c, ia_span_str(cid), NULL) &&
        !note(w->s, ia_cid_format(&c).s, &f->deal, (int64_t)i, f->block, e))
      return false;
  }
  return true;
}

static bool put_bulk_order(graph_writer *w, const char *task, size_t place, const json_t *v,
                           ia_err *e)
{
  IA_AUTOV(ia_order_box) box = {0};
  graph_id id;

  /* what is no order is no part of the slice, as for the guest */
  if (!ia_order_parse(&box, IA_ORDER_DATASET, v, NULL))
    return true;
  (void)snprintf(id.s, sizeof(id.s), "%s-%zu", task, place);
  return graph_put_dataset_order(w, &box.order.dataset, id.s, e) &&
         graph_link(w->s, "bulk_datasets", task, place, ia_addr_lower(&box.order.dataset.dataset).s,
                    w->block, e) &&
         graph_link(w->s, "bulk_orders", task, place, id.s, w->block, e);
}

static bool put_slice(graph_writer *w, const wanted *f, const json_t *list, const char *text,
                      ia_err *e)
{
  ia_u256 idx = ia_u256_of((uint64_t)f->idx);
  ia_h256 taskid;
  json_t *item;
  size_t i;

  ia_task_id(&taskid, &f->deal, &idx);
  ia_text67 task = ia_h256_text(&taskid);
  if (!GRAPH_PUT(w, "bulk_slice", task.s, e, GRAPH_TEXT("task", task.s), GRAPH_TEXT("hash", f->cid),
                 GRAPH_HEX("bulk", IA_SPAN_ARR(f->deal.b)), GRAPH_TEXT("idx", graph_big_of(&idx).s),
                 GRAPH_TEXT("content", text)))
    return false;
  json_array_foreach ((json_t *)list, i, item)
    if (i < ORDERS_MAX && !put_bulk_order(w, task.s, i, item, e))
      return false;
  return true;
}

static bool tried(graph_store *s, const wanted *f, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, graph_store_db(s),
                  "UPDATE missing SET tried = $3 WHERE deal = $1 AND idx = $2", e))
    return false;
  ia_bind_h256(st, 1, &f->deal);
  ia_bind_i64(st, 2, f->idx);
  ia_bind_u64(st, 3, ia_now());
  return ia_stmt_run(st, e);
}

static bool read_one(ia_graph *g, ia_chain *chain, const wanted *f, ia_err *e)
{
  IA_AUTO_JSON *list = NULL;
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO(ia_tx) *tx = NULL;
  graph_writer w = {.g = g, .s = g->bulk_store, .chain = chain, .block = f->block};
  bool still;

  if (!fetch(g, f, &text, &list))
    return tried(g->bulk_store, f, e);
  if (!ia_tx_begin(&tx, graph_store_db(g->bulk_store), e) || !take(g->bulk_store, f, &still, e))
    return false;
  if (!still)
    return true;
  return (f->idx < 0 ? put_list(&w, f, list, (const char *)text.ptr, e)
                     : put_slice(&w, f, list, (const char *)text.ptr, e)) &&
         ia_tx_commit(&tx, e);
}

static bool next_wanted(graph_store *s, uint64_t before, wanted *f, bool *found, ia_err *e)
{
  ia_stmt *st;

  if (!ia_db_stmt(&st, graph_store_db(s),
                  "SELECT cid, deal, idx, since FROM missing WHERE tried < $1"
                  " ORDER BY tried, since, idx LIMIT 1",
                  e))
    return false;
  ia_bind_u64(st, 1, before);
  if (!ia_stmt_step(st, found, e))
    return false;
  if (!*found)
    return true;
  (void)snprintf(f->cid, sizeof(f->cid), "%s", ia_col_text(st, 0));
  f->idx = ia_col_i64(st, 2);
  f->block = ia_col_u64(st, 3);
  bool ok = ia_col_h256(st, 1, &f->deal, e);
  ia_stmt_reset(st);
  return ok;
}

static bool prepare(ia_graph *g, ia_chain **chain, ia_err *e)
{
  ia_chain_options o = {
      .url = g->rpc_url, .hub = g->hub, .chain_id = g->chain_id, .cancel = &g->cancel};

  return (g->bulk_store || graph_store_open(&g->bulk_store, g->db, e)) &&
         (g->http || ia_http_new(&g->http, NULL, e)) && ia_chain_open(chain, &o, e);
}

static bool read_all(ia_graph *g, bool again, ia_err *e)
{
  IA_AUTO(ia_chain) *chain = NULL;
  /* what failed in this very run is not asked for twice */
  uint64_t before = again ? ia_now() - AGAIN_S : 1;
  bool found = true;

  if (!prepare(g, &chain, e))
    return false;
  for (unsigned n = 0; found && n < AT_ONCE && !g->cancel; n++) {
    wanted f = {0};

    if (!next_wanted(g->bulk_store, before, &f, &found, e) || (found && !read_one(g, chain, &f, e)))
      return false;
  }
  return true;
}

bool graph_bulk_read(ia_graph *g, bool again, ia_err *e)
{
  if (!g->ipfs_url)
    return true;
  pthread_mutex_lock(&g->bulk_lock);
  bool ok = read_all(g, again, e) || ia_wrap(e, "bulk requests");
  pthread_mutex_unlock(&g->bulk_lock);
  return ok;
}

void graph_bulk_close(ia_graph *g)
{
  graph_store_close(g->bulk_store);
  ia_http_free(g->http);
}
