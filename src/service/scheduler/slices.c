/* Bulk deals: what the tasks read, slice by slice, and what their receipts show of it. An entry
 * that nobody can read counts as zeroes; the SMS says of each why it is refused. */
#include "base/clock.h"
#include "base/hex.h"
#include "client/bulk.h"
#include "poco/orders.h"
#include "receipt/record.h"
#include "service/scheduler/internal.h"
#include "tee/descriptor.h"

enum { DEAL_SLICES_MAX = 1000, DEAL_SLICES_MS = 60000 };

struct slice {
  ia_h256 hash;
  json_t *orders, *datasets; /* owned */
};

/* One entry; both lists grow by one in any case. */
static bool take_entry(ia_chain *c, const ia_chain_info *info, const json_t *v, ia_task_input *in,
                       struct slice *s, ia_err *e)
{
  IA_AUTOV(ia_order_box) box = {0};
  IA_AUTOV(ia_buf) store = {0};
  const ia_addr *at = &box.order.dataset.dataset;
  ia_dataset_info shown = {0};
  json_t *order = NULL, *dataset = NULL;
  ia_err why = {0};

  *in = (ia_task_input){0};
  if (ia_order_parse(&box, IA_ORDER_DATASET, v, NULL) && !ia_addr_zero(at)) {
    in->dataset = *at;
    ia_order_hash(&in->order_hash, ia_chain_separator(c), IA_ORDER_DATASET, &box.order.dataset);
    order = ia_order_json(IA_ORDER_DATASET, &box.order.dataset, 0, &why);
    if (ia_chain_dataset(c, &shown, &store, at, &why)) {
      in->checksum = shown.checksum;
      dataset = sch_dataset_json(c, info, at, &shown, &why);
    }
    if (why.code == IA_E_UNAVAILABLE || why.code == IA_E_TIMEOUT || why.code == IA_E_CANCELLED) {
      *e = why;
      json_decref(order);
      json_decref(dataset);
      return false;
    }
  }
  if (!dataset)
    dataset = json_pack("{s:o, s:o}", "address", ia_json_addr(&in->dataset), "checksum",
                        ia_json_h256(&in->checksum));
  return json_array_append_new(s->orders, order ? order : json_null()) == 0 &&
         json_array_append_new(s->datasets, dataset) == 0;
}

static bool take_slice(ia_chain *c, const ia_chain_info *info, const json_t *list, struct slice *s,
                       ia_err *e)
{
  ia_task_input in[IA_BULK_DATASETS_MAX];
  size_t n = json_array_size(list);

  for (size_t i = 0; i < n; i++)
    if (!take_entry(c, info, json_array_get(list, i), &in[i], s, e))
      return false;
  return ia_inputs_hash(&s->hash, in, n, e);
}

/* A slice that is no slice leaves the task without inputs: the SMS refuses it and says why. */
static bool one_slice(const ia_net *net, ia_chain *c, const ia_chain_info *info, sch_deal *d,
                      const json_t *root, uint64_t idx, json_t *hashes, ia_err *e)
{
  IA_AUTO_JSON *list = NULL;
  struct slice s = {.orders = json_array(), .datasets = json_array()};
  ia_err why = {0};
  char key[24];
  bool ok = true;

  if (ia_bulk_slice_get(net, &list, root, idx, &why))
    ok = take_slice(c, info, list, &s, e);
  else if (why.code == IA_E_PARAMS_INVALID || why.code == IA_E_NOT_FOUND)
    ok = ia_inputs_hash(&s.hash, NULL, 0, e);
  else if ((ok = false) || e)
    *e = why;
  (void)snprintf(key, sizeof(key), "%llu", (unsigned long long)idx);
  ok = ok && ia_json_set(hashes, key, ia_json_h256(&s.hash), e);
  json_t *row = json_pack("{s:I, s:o, s:o}", "idx", (json_int_t)idx, "orders", s.orders, "datasets",
                          s.datasets);
  return json_array_append_new(d->slices, row) == 0 && ok;
}

bool sch_bulk(ia_scheduler *s, ia_chain *c, sch_deal *d, const char *cid, json_t **out, ia_err *e)
{
  IA_AUTO_JSON *root = NULL;
  IA_AUTO_JSON *hashes = json_object();
  IA_AUTO(ia_http) *http = NULL;
  ia_net net = {.ipfs = s->ipfs};
  uint64_t first, size, until = ia_mono_ms() + DEAL_SLICES_MS;
  ia_chain_info info;

  if (!ia_u256_u64(&first, &d->deal.bot_first) || !ia_u256_u64(&size, &d->deal.bot_size) ||
      size > DEAL_SLICES_MAX || first > IA_BULK_SLICES_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "bulk: at most %d slices a deal", DEAL_SLICES_MAX);
  if (!ia_http_new(&http, NULL, e) || !ia_chain_info_get(c, &info, e))
    return false;
  net.http = http;
  if (!ia_bulk_root_get(&net, &root, cid, e))
    return false;
  json_decref(d->slices);
  d->slices = json_array();
  for (uint64_t i = 0; i < size; i++) {
    if (s->stop)
      return ia_fail(e, IA_E_CANCELLED, "scheduler: stopped");
    if (ia_mono_ms() > until)
      return ia_fail(e, IA_E_TIMEOUT, "bulk: %zu slices take longer than %d s to read",
                     (size_t)size, DEAL_SLICES_MS / 1000);
    if (!one_slice(&net, c, &info, d, root, first + i, hashes, e))
      return false;
  }
  *out = json_incref(hashes);
  return true;
}

bool sch_slices_put(ia_scheduler *s, const sch_deal *d, ia_err *e)
{
  const json_t *row;
  size_t i;

  json_array_foreach (d->slices, i, row) {
    IA_AUTOV(ia_buf) orders = {0}, datasets = {0};
    ia_stmt *st;

    if (!ia_json_write(&orders, json_object_get(row, "orders"), e) ||
        !ia_json_write(&datasets, json_object_get(row, "datasets"), e) ||
        !ia_db_stmt(&st, s->db,
                    "INSERT INTO slices (deal_id, idx, orders, datasets) VALUES ($1, $2, $3, $4)"
                    " ON CONFLICT (deal_id, idx) DO UPDATE SET orders = excluded.orders,"
                    " datasets = excluded.datasets",
                    e))
      return false;
    ia_bind_h256(st, 1, &d->id);
    ia_bind_i64(st, 2, json_integer_value(json_object_get(row, "idx")));
    ia_bind_textn(st, 3, ia_buf_view(&orders));
    ia_bind_textn(st, 4, ia_buf_view(&datasets));
    if (!ia_stmt_run(st, e))
      return false;
  }
  return true;
}

static bool slice_row(ia_scheduler *s, const sch_task *t, json_t **orders, json_t **datasets,
                      ia_err *e)
{
  ia_stmt *st;
  bool row;

  *orders = *datasets = NULL;
  if (!ia_db_stmt(&st, s->db, "SELECT orders, datasets FROM slices WHERE deal_id = $1 AND idx = $2",
                  e))
    return false;
  ia_bind_h256(st, 1, &t->deal);
  ia_bind_u64(st, 2, t->idx);
  if (!ia_stmt_step(st, &row, e))
    return false;
  if (!row)
    return true;
  *orders = ia_json_parse(ia_col_bytes(st, 0), IA_JSON_ANY, e);
  *datasets = ia_json_parse(ia_col_bytes(st, 1), IA_JSON_ANY, e);
  ia_stmt_reset(st);
  return *orders && *datasets;
}

/* Of what was refused stays what the inputs' hash covers. */
static void blank(json_t *orders, json_t *datasets, size_t at)
{
  const json_t *d = json_array_get(datasets, at);
  json_t *bare = json_pack("{s:O, s:O}", "address", json_object_get(d, "address"), "checksum",
                           json_object_get(d, "checksum"));

  (void)json_array_set_new(orders, at, json_null());
  (void)json_array_set_new(datasets, at, bare);
}

bool sch_slice_parts(ia_scheduler *s, const sch_task *t, const json_t *release, json_t *orders,
                     json_t *assets, ia_err *e)
{
  const char *text = json_string_value(json_object_get(release, "record"));
  IA_AUTO_JSON *slice = NULL, *datasets = NULL;
  IA_AUTOV(ia_record) record = {0};

  if (!slice_row(s, t, &slice, &datasets, e))
    return false;
  if (!slice || !text || !orders || !assets)
    return true;
  if (!ia_record_parse(&record, ia_span_str(text), NULL))
    return true; /* the receipt will be refused for it */
  for (size_t i = 0; i < record.n_refused; i++)
    if (record.refused[i].index <= json_array_size(slice))
      blank(slice, datasets, (size_t)record.refused[i].index - 1);
  return ia_json_set(orders, "slice", json_incref(slice), e) &&
         ia_json_set(assets, "datasets", json_incref(datasets), e);
}
