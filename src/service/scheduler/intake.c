/* Deals of our pool: what the ledger says of them, into rows. */
#include <stdio.h>

#include "base/hex.h"
#include "base/log.h"
#include "crypto/cid.h"
#include "poco/appenv.h"
#include "poco/params.h"
#include "poco/rules.h"
#include "poco/tag.h"
#include "service/scheduler/internal.h"

void sch_deal_free(sch_deal *d)
{
  if (!d)
    return;
  ia_buf_free(&d->deal_store);
  ia_buf_free(&d->category_store);
  ia_buf_free(&d->app_store);
  ia_buf_free(&d->dataset_store);
  ia_buf_free(&d->pool_store);
  json_decref(d->orders);
  json_decref(d->assets);
  json_decref(d->image);
  json_decref(d->inputs);
  json_decref(d->reads);
  json_decref(d->slices);
  *d = (sch_deal){0};
}

static void refuse(sch_deal *d, const char *cause, const char *message)
{
  if (d->cause[0])
    return;
  sch_copy(d->cause, sizeof(d->cause), cause);
  sch_copy(d->message, sizeof(d->message), message);
}

/* A CID in whatever form becomes /ipfs/CID; bytes that are no text become hex. */
static json_t *multiaddr_json(ia_span multiaddr)
{
  ia_cid cid;
  char text[80];

  if (ia_cid_from_multiaddr(&cid, multiaddr, NULL)) {
    (void)snprintf(text, sizeof(text), "/ipfs/%s", ia_cid_format(&cid).s);
    return json_string(text);
  }
  return ia_text_is_plain(multiaddr) ? ia_json_bytes(multiaddr) : ia_json_hex(multiaddr);
}

/* What every task of the deal reads, as far as the ledger tells: of a bulk deal its data are not
 * among it. */
static void reads_of(sch_deal *d, const ia_params *params)
{
  json_t *data = json_array(),
         *files = params->files ? json_deep_copy(params->files) : json_array();

  if (!ia_addr_zero(&d->deal.dataset.pointer) && params->bulk_cid[0] == '\0')
    json_array_append_new(data, multiaddr_json(d->dataset.multiaddr));
  d->reads = json_pack("{s:o, s:o}", "files", files, "data", data);
}

/* What we can see beforehand that no enclave would get a key for. */
static void judge(sch_deal *d)
{
  ia_u256 one = ia_u256_of(1);
  IA_AUTOV(ia_params) params = {0};
  IA_AUTO_JSON *words = NULL;
  ia_err why = {0};

  if (!ia_tag_one_framework(&d->deal.tag))
    refuse(d, "TEE_NOT_SUPPORTED", "the deal's tag does not name exactly one TEE framework");
  else if (!(ia_tag_low(&d->deal.tag) & IA_TAG_TDX))
    refuse(
        d, "TEE_NOT_SUPPORTED",
        ia_tag_low(&d->deal.tag) & IA_TAG_SCONE
            ? "the deal's tag asks for SCONE, and this pool runs TDX only: the tag is tee,tdx"
            : "the deal's tag asks for Gramine, and this pool runs TDX only: the tag is tee,tdx");
  if (ia_u256_cmp(&d->deal.trust, &one) > 0)
    refuse(d, "TRUST_NOT_1", "a task in an enclave is done once: trust must be 0 or 1");
  if (!ia_params_parse(&params, d->deal.params, &why))
    refuse(d, "TASK_DESCRIPTION_INVALID", why.msg);
  else if (!ia_args_split(&words, ia_span_str(params.args), &why))
    refuse(d, "TASK_DESCRIPTION_INVALID", why.msg);
  else
    reads_of(d, &params);
  d->memory = params.memory;
  if (d->app.mrenclave.len > 0)
    refuse(d, "TEE_NOT_SUPPORTED", "the app names an enclave of another framework");
}

/* {"type","multiaddr","checksum"} */
static bool image_of(sch_deal *d, ia_err *e)
{
  d->image = json_pack("{s:o, s:o, s:o}", "type",
                       ia_text_is_plain(d->app.type) ? ia_json_bytes(d->app.type) : json_string(""),
                       "multiaddr", multiaddr_json(d->app.multiaddr), "checksum",
                       ia_json_h256(&d->app.checksum));
  return d->image || ia_fail(e, IA_E_MEMORY, "scheduler: out of memory");
}

/* Orders and assets go into the receipt; a deal without them still runs. */
static void receipt_parts(ia_scheduler *s, ia_chain *c, sch_deal *d, const ia_event *matched)
{
  ia_err why = {0};

  if (!sch_orders(s, c, matched, &d->tx, &d->orders, &why))
    ia_log(IA_LOG_WARN, "deal.orders", "deal=%s reason=\"%s\"", ia_h256_text(&d->id).s, why.msg);
  if (!sch_assets(c, d, &d->assets, &why))
    ia_log(IA_LOG_WARN, "deal.assets", "deal=%s reason=\"%s\"", ia_h256_text(&d->id).s, why.msg);
  if (!sch_pool_asset(s, c, d, &why))
    ia_log(IA_LOG_WARN, "deal.pool", "deal=%s reason=\"%s\"", ia_h256_text(&d->id).s, why.msg);
}

static bool load_chain(ia_chain *c, sch_deal *d, ia_err *e)
{
  const ia_args category = {.value = {d->deal.category}}, app = {.addr = {d->deal.app.pointer}},
                pool = {.addr = {d->deal.workerpool.pointer}},
                dataset = {.addr = {d->deal.dataset.pointer}};
  ia_chain_query q[4] = {
      {.id = IA_CALL_VIEW_CATEGORY,
       .args = &category,
       .result = &d->category,
       .store = &d->category_store},
      {.id = IA_CALL_VIEW_APP, .args = &app, .result = &d->app, .store = &d->app_store},
      {.id = IA_CALL_VIEW_WORKERPOOL, .args = &pool, .result = &d->pool, .store = &d->pool_store},
      {.id = IA_CALL_VIEW_DATASET,
       .args = &dataset,
       .result = &d->dataset,
       .store = &d->dataset_store},
  };
  size_t n = ia_addr_zero(&d->deal.dataset.pointer) ? 3 : 4;

  if (!ia_chain_read_many(c, q, n, e))
    return false;
  for (size_t i = 0; i < n; i++) {
    if (!q[i].ok) {
      if (e)
        *e = q[i].err;
      return false;
    }
  }
  return true;
}

bool sch_deal_load(ia_scheduler *s, ia_chain *c, sch_deal *out, const ia_event *matched,
                   const ia_chain_log *log, ia_err *e)
{
  ia_err why = {0};

  out->id = matched->id[0];
  out->dataset_hash = matched->id[2];
  out->request_hash = matched->more[1];
  out->tx = log->tx;
  out->block = log->block;
  if (!ia_chain_deal(c, &out->deal, &out->deal_store, &out->id, e) || !load_chain(c, out, e) ||
      !image_of(out, e))
    return false;
  judge(out);
  if (!out->cause[0] && !sch_inputs(out, &out->inputs, &why))
    refuse(out, "TASK_DESCRIPTION_INVALID", why.msg);
  receipt_parts(s, c, out, matched);
  return true;
}

static void bind_json(ia_stmt *st, int at, const json_t *v)
{
  IA_AUTOV(ia_buf) text = {0};

  if (v && ia_json_write(&text, v, NULL))
    ia_bind_textn(st, at, ia_buf_view(&text));
  else
    ia_bind_null(st, at);
}

bool sch_deal_put(ia_scheduler *s, const sch_deal *d, ia_err *e)
{
  uint64_t first, size, category;
  ia_stmt *st;

  if (!ia_u256_u64(&first, &d->deal.bot_first) || !ia_u256_u64(&size, &d->deal.bot_size) ||
      !ia_u256_u64(&category, &d->deal.category) || first > INT64_MAX || size > INT64_MAX - first)
    return ia_fail(e, IA_E_INVALID, "deal of too many tasks");
  if (!ia_db_stmt(
          &st, s->db,
          "INSERT INTO deals (deal_id, tx, block, requester, app, app_digest, dataset,"
          " request_hash, start, timeref, first, size, made, category, orders, assets,"
          " image, inputs, cause, message, pending, memory, reads, pool)"
          " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10,"
          " $11, $12, (SELECT count(*) FROM tasks WHERE deal_id = $1), $13, $14, $15, $16, $17,"
          " $18, $19, $20, $21, $22, $23)"
          " ON CONFLICT (deal_id) DO UPDATE SET tx = excluded.tx, block = excluded.block,"
          " app_digest = excluded.app_digest, start = excluded.start, timeref = excluded.timeref,"
          " orders = excluded.orders, assets = excluded.assets, image = excluded.image,"
          " inputs = excluded.inputs, cause = excluded.cause, message = excluded.message,"
          " gone = 0, pending = excluded.pending, loads = 0, next_load = 0,"
          " memory = excluded.memory, reads = excluded.reads, pool = excluded.pool",
          e))
    return false;
  ia_bind_h256(st, 1, &d->id);
  ia_bind_h256(st, 2, &d->tx);
  ia_bind_u64(st, 3, d->block);
  ia_bind_addr(st, 4, &d->deal.requester);
  ia_bind_addr(st, 5, &d->deal.app.pointer);
  ia_bind_h256(st, 6, &d->app.checksum);
  ia_bind_addr(st, 7, &d->deal.dataset.pointer);
  ia_bind_h256(st, 8, &d->request_hash);
  ia_bind_u64(st, 9, d->deal.start_time);
  ia_bind_u64(st, 10, d->category.work_clock_time_ref);
  ia_bind_u64(st, 11, first);
  ia_bind_u64(st, 12, size);
  ia_bind_u64(st, 13, category);
  bind_json(st, 14, d->orders);
  bind_json(st, 15, d->assets);
  bind_json(st, 16, d->image);
  bind_json(st, 17, d->inputs);
  ia_bind_text(st, 18, d->cause);
  ia_bind_text(st, 19, d->message);
  ia_bind_i64(st, 20, d->pending);
  ia_bind_u64(st, 21, d->memory);
  bind_json(st, 22, d->reads);
  ia_bind_addr(st, 23, &d->deal.workerpool.pointer);
  return ia_stmt_run(st, e) &&
         sch_deal_back(
             s, &d->id,
             d->deal.start_time + d->category.work_clock_time_ref * IA_CONTRIBUTION_DEADLINE_RATIO,
             d->deal.start_time + d->category.work_clock_time_ref * IA_FINAL_DEADLINE_RATIO, e) &&
         sch_slices_put(s, d, e) && sch_tasks_make(s, &d->id, e);
}
