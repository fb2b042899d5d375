/* Orders, assets and inputs: everything that the task was about, by hash and by address. */
#include <stddef.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"
#include "crypto/secp.h"
#include "crypto/sha.h"
#include "poco/ids.h"
#include "receipt/fields.h"
#include "receipt/verify.h"

static const char *const kinds[IA_ORDER_KINDS] = {
    [IA_ORDER_APP] = "app",
    [IA_ORDER_DATASET] = "dataset",
    [IA_ORDER_WORKERPOOL] = "workerpool",
    [IA_ORDER_REQUEST] = "request",
};
static const char *const order_checks[IA_ORDER_KINDS] = {
    [IA_ORDER_APP] = "order-app",
    [IA_ORDER_DATASET] = "order-dataset",
    [IA_ORDER_WORKERPOOL] = "order-workerpool",
    [IA_ORDER_REQUEST] = "order-request",
};

/* The order as given is the one whose hash the record holds. */
static void verify_order(ia_case *c, ia_order_kind kind, const ia_h256 *separator)
{
  const json_t *v = json_object_get(c->orders, kinds[kind]);
  const ia_h256 *want = &c->record.order_hash[kind];
  ia_err e = {0};

  if (kind == IA_ORDER_DATASET && json_is_null(v)) {
    ia_case_check(c, order_checks[kind], ia_h256_zero(want), IA_E_DEAL_MISMATCH,
                  "The task has no dataset order of its own.");
    return;
  }
  bool ok =
      json_is_string(json_object_get(v, "sign")) && ia_order_parse(&c->order[kind], kind, v, &e);
  if (ok) {
    ia_order_hash(&c->order_hash[kind], separator, kind, &c->order[kind].order.app);
    ok = ia_h256_eq(&c->order_hash[kind], want);
  }
  c->has_order[kind] = ok;
  ia_case_check(c, order_checks[kind], ok, e.code ? e.code : IA_E_DEAL_MISMATCH,
                ok ? "The %s order is the one that the service checked."
                   : "The %s order is not the one that the service checked.",
                kinds[kind]);
}

static void verify_subjects(ia_case *c)
{
  const ia_descriptor *d = &c->stated.desc;
  const ia_addr none = {{0}};
  const ia_order_box *o = c->order;
  const ia_addr *data =
      c->has_order[IA_ORDER_DATASET] ? &o[IA_ORDER_DATASET].order.dataset.dataset : &none;
  bool ok = c->has_order[IA_ORDER_APP] && c->has_order[IA_ORDER_REQUEST] &&
            ia_addr_eq(&o[IA_ORDER_APP].order.app.app, &d->app) && ia_addr_eq(data, &d->dataset) &&
            ia_addr_eq(&o[IA_ORDER_REQUEST].order.request.requester, &d->requester) &&
            ia_h256_eq(&c->order_hash[IA_ORDER_REQUEST], &d->request_hash);

  ia_case_check(c, "orders-run", ok, IA_E_DEAL_MISMATCH,
                ok ? "App, data and requester of the run are those of the orders."
                   : "App, data or requester of the run are not those of the orders.");
}

void ia_verify_signing(ia_case *c, const char *check, const char *what, ia_order_signing signing,
                       ia_span sign, const ia_h256 *hash, const ia_addr *owner, const char *who)
{
  ia_text43 name = ia_addr_lower(owner);

  if (signing == IA_SIGNING_KEY) {
    bool ok = sign.len > 0 && ia_sig_verify(owner, hash, sign, NULL);

    ia_case_check(c, check, ok, IA_E_ORDER_SIGNATURE,
                  ok ? "The %s is signed by %s, %s." : "The %s is not signed by %s, %s.", what,
                  name.s, who);
    return;
  }
  /* nobody could check what stood there */
  if (!ia_case_check(c, check, sign.len == 0, IA_E_ORDER_SIGNATURE,
                     sign.len == 0 ? "The %s bears no signature, as the service recorded."
                                   : "The %s bears a signature, against the service's record.",
                     what))
    return;
  if (signing == IA_SIGNING_TX)
    ia_case_unproven(c, "That %s signed the %s by a transaction: the service saw it.", name.s,
                     what);
  else
    ia_case_unproven(c, "That the contract wallet %s signed the %s: the service asked the ledger.",
                     name.s, what);
}

/* By the owner and in the way that the record names. */
static void verify_signer(ia_case *c, ia_order_kind kind, const ia_addr *owner, const char *who)
{
  static const char *const checks[IA_ORDER_KINDS] = {"sign-app", "sign-dataset", "sign-workerpool",
                                                     "sign-request"};
  const ia_record *r = &c->record;
  char what[32];

  if (!c->has_order[kind])
    return;
  (void)snprintf(what, sizeof(what), "%s order", kinds[kind]);
  ia_verify_signing(
      c, checks[kind], what, kind == IA_ORDER_DATASET ? r->datasets[0].signing : r->signing[kind],
      *ia_order_signature(kind, &c->order[kind].order.app), &c->order_hash[kind], owner, who);
}

/* By the owner whom the service proved: the first one, whom the address names, or one of those
 * after her, which stays the service's finding. */
static void verify_owner(ia_case *c, ia_order_kind kind, const ia_addr *first, const ia_addr *owner,
                         const char *whose)
{
  char who[64];

  (void)snprintf(who, sizeof(who), "%s owner", whose);
  verify_signer(c, kind, owner, who);
  if (!ia_addr_eq(first, owner))
    ia_case_unproven(c, "That %s owner %s handed it on to %s: the service followed the transfers.",
                     whose, ia_addr_lower(first).s, ia_addr_lower(owner).s);
}

void ia_verify_orders(ia_case *c)
{
  static const char *const members[] = {"app", "dataset", "workerpool", "request", "slice", NULL};
  const json_t *slice = json_object_get(c->orders, "slice");
  ia_h256 separator;

  if (!ia_case_check(c, "orders",
                     json_is_object(c->orders) && json_object_size(c->orders) == (slice ? 5 : 4) &&
                         ia_json_only(c->orders, members, NULL),
                     IA_E_RECEIPT_FIELD, "The four orders are here, and nothing else."))
    return;
  if (slice && !ia_case_check(c, "orders-slice", ia_verify_is_slice(c), IA_E_RECEIPT_FIELD,
                              "The orders of the slice are those that the service checked."))
    return;
  ia_order_separator(&separator, c->sms->chain_id, &c->sms->hub);
  for (int k = 0; k < IA_ORDER_KINDS; k++)
    verify_order(c, (ia_order_kind)k, &separator);
  verify_subjects(c);
  verify_signer(c, IA_ORDER_REQUEST, &c->stated.desc.requester, "the requester");
  verify_signer(c, IA_ORDER_WORKERPOOL, &c->record.pool_owner, "the pool's owner");
}

/* An asset of either kind as the receipt holds it. */
typedef struct asset {
  ia_addr address; /* given for datasets, that of the run for the app */
  ia_addr owner;   /* the first */
  ia_h256 checksum;
  ia_buf name, type, multiaddr, mrenclave; /* whatever bytes were registered */
} asset;

static void asset_free(asset *a)
{
  ia_buf_free(&a->name);
  ia_buf_free(&a->type);
  ia_buf_free(&a->multiaddr);
  ia_buf_free(&a->mrenclave);
}
IA_DEFINE_AUTO_VALUE(asset, asset_free)

static const ia_field app_fields[] = {
    {"owner", IA_FIELD_ADDR, offsetof(asset, owner), 0},
    {"name", IA_FIELD_OTHER, 0, 0},
    {"type", IA_FIELD_OTHER, 0, 0},
    {"checksum", IA_FIELD_H256, offsetof(asset, checksum), 0},
    {"multiaddr", IA_FIELD_OTHER, 0, 0},
    {"mrenclave", IA_FIELD_OTHER, 0, 0},
};

static const ia_field dataset_fields[] = {
    {"address", IA_FIELD_ADDR, offsetof(asset, address), 0},
    {"owner", IA_FIELD_ADDR, offsetof(asset, owner), 0},
    {"name", IA_FIELD_OTHER, 0, 0},
    {"checksum", IA_FIELD_H256, offsetof(asset, checksum), 0},
    {"multiaddr", IA_FIELD_OTHER, 0, 0},
};

static void verify_app(ia_case *c)
{
  const json_t *v = json_object_get(c->assets, "app");
  IA_AUTOV(asset) a = {0};
  ia_addr address = {{0}};
  bool ok = ia_fields_read(&a, app_fields, IA_COUNT(app_fields), v, NULL) &&
            ia_json_get_foreign(v, "name", &a.name, NULL) &&
            ia_json_get_foreign(v, "type", &a.type, NULL) &&
            ia_json_get_hex(v, "multiaddr", &a.multiaddr, NULL) &&
            ia_json_get_hex(v, "mrenclave", &a.mrenclave, NULL);

  if (ok) {
    ia_app_info info = {.owner = a.owner,
                        .name = ia_buf_view(&a.name),
                        .type = ia_buf_view(&a.type),
                        .multiaddr = ia_buf_view(&a.multiaddr),
                        .checksum = a.checksum,
                        .mrenclave = ia_buf_view(&a.mrenclave)};

    ia_app_address(&address, &c->sms->app_registry, &c->sms->proxy_code_hash, &info);
    ok = ia_addr_eq(&address, &c->stated.desc.app) &&
         ia_h256_eq(&a.checksum, &c->stated.desc.app_digest);
  }
  ia_case_check(c, "asset-app", ok, IA_E_ASSET_MISMATCH,
                ok ? "The app's address %s is its image %s." : "The app %s is not the image %s.",
                ia_addr_lower(&c->stated.desc.app).s, ia_h256_text(&c->stated.desc.app_digest).s);
  if (ok)
    verify_owner(c, IA_ORDER_APP, &a.owner, &c->record.app_owner, "the app's");
}

static bool dataset_of(asset *a, const ia_case *c, const json_t *v)
{
  ia_addr address;

  if (!ia_fields_read(a, dataset_fields, IA_COUNT(dataset_fields), v, NULL) ||
      !ia_json_get_foreign(v, "name", &a->name, NULL) ||
      !ia_json_get_hex(v, "multiaddr", &a->multiaddr, NULL))
    return false;
  ia_dataset_info info = {.owner = a->owner,
                          .name = ia_buf_view(&a->name),
                          .multiaddr = ia_buf_view(&a->multiaddr),
                          .checksum = a->checksum};
  ia_dataset_address(&address, &c->sms->dataset_registry, &c->sms->proxy_code_hash, &info);
  return ia_addr_eq(&address, &a->address);
}

/* The entry of the slice (from 1) as the enclave left it out, or NULL. */
static const ia_run_failed *failed_at(const ia_run *r, uint64_t index)
{
  for (size_t i = 0; i < r->n_failed; i++)
    if (r->failed[i].index == index)
      return &r->failed[i];
  return NULL;
}

/* Did the enclave say that it received exactly the bytes with this checksum, or that it left them
 * out? One or the other. */
static bool received(const ia_run *r, const asset *a, uint64_t index)
{
  const ia_run_failed *failed = failed_at(r, index);

  if (failed)
    for (size_t i = 0; i < r->n_inputs; i++)
      if (!r->inputs[i].is_file && ia_addr_eq(&r->inputs[i].dataset, &a->address))
        return false;
  if (failed)
    return ia_addr_eq(&failed->dataset, &a->address);
  for (size_t i = 0; i < r->n_inputs; i++)
    if (!r->inputs[i].is_file && ia_addr_eq(&r->inputs[i].dataset, &a->address))
      return ia_h256_eq(&r->inputs[i].sha256, &a->checksum);
  return r->cause[0] != '\0'; /* a run that failed may have stopped before it fetched */
}

/* Inputs of the run in their order: the datasets whose keys left, and between them the refused
 * ones, of which the receipt holds address and checksum alone. */
struct inputs {
  ia_task_input in[IA_RECORD_DATASETS_MAX];
  size_t n, released, refused, failed;
  bool got; /* the enclave received the bytes of all that were released */
};

static bool refused_input(struct inputs *x, const ia_record_refused *r, const json_t *v)
{
  static const char *const members[] = {"address", "checksum", NULL};
  ia_task_input *in = &x->in[x->n];

  in->order_hash = r->order_hash;
  x->refused++;
  return json_object_size(v) == 2 && ia_json_only(v, members, NULL) &&
         ia_json_get_addr(v, "address", &in->dataset, NULL) &&
         ia_json_get_h256(v, "checksum", &in->checksum, NULL) &&
         ia_addr_eq(&in->dataset, &r->address);
}

static bool released_input(struct inputs *x, ia_case *c, const json_t *v)
{
  const ia_record_dataset *d = &c->record.datasets[x->released++];
  IA_AUTOV(asset) a = {0};

  if (!dataset_of(&a, c, v) || !ia_addr_eq(&a.address, &d->address))
    return false;
  x->in[x->n] = (ia_task_input){a.address, a.checksum, d->order_hash};
  x->got = x->got && received(&c->stated, &a, x->n + 1);
  x->failed += failed_at(&c->stated, x->n + 1) != NULL;
  if (c->has_order[IA_ORDER_DATASET] && c->record.n_datasets == 1 && c->record.n_refused == 0)
    c->data_first_owner = a.owner;
  else
    ia_verify_slice_owner(c, d, &a.owner);
  return true;
}

static bool read_inputs(struct inputs *x, ia_case *c, const json_t *list)
{
  const ia_record *r = &c->record;
  size_t total = r->n_datasets + r->n_refused;
  bool ok = json_is_array(list) && json_array_size(list) == total && total <= IA_COUNT(x->in);

  for (x->n = 0; ok && x->n < total; x->n++) {
    const json_t *v = json_array_get(list, x->n);
    bool refused = x->refused < r->n_refused && r->refused[x->refused].index == x->n + 1;

    if (!refused && x->released == r->n_datasets)
      return false;
    ok = refused ? refused_input(x, &r->refused[x->refused], v) : released_input(x, c, v);
  }
  return ok;
}

static void verify_datasets(ia_case *c)
{
  const ia_record *r = &c->record;
  struct inputs x = {.got = true};
  ia_h256 hash;
  bool ok = read_inputs(&x, c, json_object_get(c->assets, "datasets")) &&
            ia_inputs_hash(&hash, x.in, x.n, NULL) &&
            ia_h256_eq(&hash, &c->stated.desc.inputs_hash);

  ia_case_check(c, "asset-datasets", ok, IA_E_ASSET_MISMATCH,
                ok ? "The data of the run (%zu) are by their addresses the registered bytes."
                   : "The data of the run (%zu) are not those registered.",
                r->n_datasets);
  /* a lone dataset, a refused one or none cannot have been left out of a slice */
  x.got = x.got && x.failed == c->stated.n_failed &&
          (x.failed == 0 || json_object_get(c->orders, "slice"));
  ia_case_check(c, "inputs", x.got, IA_E_BAD_CHECKSUM,
                !x.got         ? "The enclave received other bytes than those registered."
                : x.failed > 0 ? "The enclave received exactly those bytes, but for what it names."
                               : "The enclave received exactly those bytes.");
  for (size_t i = 0; i < c->stated.n_failed; i++)
    ia_case_note(c, "failed", "Data %llu of the slice, %s, could not be used and was left out: %s.",
                 (unsigned long long)c->stated.failed[i].index,
                 ia_addr_lower(&c->stated.failed[i].dataset).s, c->stated.failed[i].code);
  if (ok && c->has_order[IA_ORDER_DATASET] && r->n_datasets == 1)
    verify_owner(c, IA_ORDER_DATASET, &c->data_first_owner, &r->datasets[0].owner, "the data's");
  for (size_t i = 0; i < r->n_refused; i++)
    ia_case_note(c, "refused", "Data %llu of the slice, %s, stayed closed to the run: %s, %s.",
                 (unsigned long long)r->refused[i].index, ia_addr_lower(&r->refused[i].address).s,
                 r->refused[i].code, r->refused[i].reason);
  if (json_object_get(c->orders, "slice"))
    ia_case_unproven(c,
                     "That these are the data of task %u in the request's bulk_cid: the service "
                     "fetched the list.",
                     c->stated.desc.task_index);
}

void ia_verify_assets(ia_case *c)
{
  static const char *const members[] = {"app", "datasets", NULL};

  if (!ia_case_check(c, "assets",
                     json_is_object(c->assets) && ia_json_only(c->assets, members, NULL),
                     IA_E_RECEIPT_FIELD, "The assets are here, and nothing else."))
    return;
  verify_app(c);
  verify_datasets(c);
}
