/* Release records. */
#include "receipt/record.h"

#include <stddef.h>

#include "base/json.h"
#include "receipt/fields.h"

static const ia_field fields[] = {
    {"v", IA_FIELD_OTHER, 0, 0},
    {"tee", IA_FIELD_TEXT, offsetof(ia_record, tee), sizeof(((ia_record *)0)->tee)},
    {"domain", IA_FIELD_DOMAIN, offsetof(ia_record, domain), 0},
    {"remoteSimulation", IA_FIELD_BOOL, offsetof(ia_record, remote_simulation), 0},
    {"time", IA_FIELD_U64, offsetof(ia_record, time), 0},
    {"seq", IA_FIELD_U64, offsetof(ia_record, seq), 0},
    {"nonce", IA_FIELD_H256, offsetof(ia_record, nonce), 0},
    {"reportData", IA_FIELD_H512, offsetof(ia_record, report_data), 0},
    {"evidenceHash", IA_FIELD_H256, offsetof(ia_record, evidence_hash), 0},
    {"collateralHash", IA_FIELD_H256, offsetof(ia_record, collateral_hash), 0},
    {"taskId", IA_FIELD_H256, offsetof(ia_record, task_id), 0},
    {"worker", IA_FIELD_ADDR, offsetof(ia_record, worker), 0},
    {"fencing", IA_FIELD_U64, offsetof(ia_record, fencing), 0},
    {"attempt", IA_FIELD_U64, offsetof(ia_record, attempt), 0},
    {"enclaveAddress", IA_FIELD_ADDR, offsetof(ia_record, enclave), 0},
    {"descHash", IA_FIELD_H256, offsetof(ia_record, desc_hash), 0},
    {"appOwner", IA_FIELD_ADDR, offsetof(ia_record, app_owner), 0},
    {"poolOwner", IA_FIELD_ADDR, offsetof(ia_record, pool_owner), 0},
    {"poolProven", IA_FIELD_BOOL, offsetof(ia_record, pool_proven), 0},
    {"resultKeyHash", IA_FIELD_H256, offsetof(ia_record, result_key_hash), 0},
    {"taskHash", IA_FIELD_H256, offsetof(ia_record, task_hash), 0},
    {"orderHashes", IA_FIELD_OTHER, 0, 0},
    {"signatures", IA_FIELD_OTHER, 0, 0},
    {"datasets", IA_FIELD_OTHER, 0, 0},
    {"byLedger", IA_FIELD_OTHER, 0, 0},
};

static const ia_field hashes[] = {
    {"app", IA_FIELD_H256, offsetof(ia_record, order_hash[0]), 0},
    {"dataset", IA_FIELD_H256, offsetof(ia_record, order_hash[1]), 0},
    {"workerpool", IA_FIELD_H256, offsetof(ia_record, order_hash[2]), 0},
    {"request", IA_FIELD_H256, offsetof(ia_record, order_hash[3]), 0},
};

static const ia_field signatures[] = {
    {"app", IA_FIELD_SIGNING, offsetof(ia_record, signing[IA_ORDER_APP]), 0},
    {"workerpool", IA_FIELD_SIGNING, offsetof(ia_record, signing[IA_ORDER_WORKERPOOL]), 0},
    {"request", IA_FIELD_SIGNING, offsetof(ia_record, signing[IA_ORDER_REQUEST]), 0},
};

static const ia_field dataset[] = {
    {"address", IA_FIELD_ADDR, offsetof(ia_record_dataset, address), 0},
    {"owner", IA_FIELD_ADDR, offsetof(ia_record_dataset, owner), 0},
    {"orderHash", IA_FIELD_H256, offsetof(ia_record_dataset, order_hash), 0},
    {"signature", IA_FIELD_SIGNING, offsetof(ia_record_dataset, signing), 0},
    {"policyHash", IA_FIELD_H256, offsetof(ia_record_dataset, policy_hash), 0},
    {"epoch", IA_FIELD_U64, offsetof(ia_record_dataset, epoch), 0},
    {"termsHash", IA_FIELD_H256, offsetof(ia_record_dataset, terms_hash), 0},
    {"termsVersion", IA_FIELD_U64, offsetof(ia_record_dataset, terms_version), 0},
};

static const ia_field refused[] = {
    {"index", IA_FIELD_U64, offsetof(ia_record_refused, index), 0},
    {"address", IA_FIELD_ADDR, offsetof(ia_record_refused, address), 0},
    {"orderHash", IA_FIELD_H256, offsetof(ia_record_refused, order_hash), 0},
    {"code", IA_FIELD_TEXT, offsetof(ia_record_refused, code),
     sizeof(((ia_record_refused *)0)->code)},
    {"reason", IA_FIELD_TEXT, offsetof(ia_record_refused, reason),
     sizeof(((ia_record_refused *)0)->reason)},
};

void ia_record_free(ia_record *r)
{
  if (!r)
    return;
  free(r->datasets);
  free(r->refused);
  free(r->by_ledger);
  r->refused = NULL;
  r->n_refused = 0;
  r->datasets = NULL;
  r->by_ledger = NULL;
  r->n_datasets = r->n_by_ledger = 0;
}

static bool write_refused(json_t *v, const ia_record *r, ia_err *e)
{
  json_t *list = json_array();
  bool ok = true;

  if (r->n_refused == 0) {
    json_decref(list);
    return true;
  }
  for (size_t i = 0; ok && i < r->n_refused; i++)
    ok = json_array_append_new(list,
                               ia_fields_write(refused, IA_COUNT(refused), &r->refused[i], e)) == 0;
  return json_object_set_new(v, "refused", list) == 0 && ok;
}

bool ia_record_text(ia_buf *out, const ia_record *r, ia_err *e)
{
  IA_AUTO_JSON *v = ia_fields_write(fields, IA_COUNT(fields), r, e);
  json_t *orders = ia_fields_write(hashes, IA_COUNT(hashes), r, e);
  json_t *signs = ia_fields_write(signatures, IA_COUNT(signatures), r, e);
  json_t *datasets = json_array(), *words = json_array();
  bool ok = v && json_object_set_new(v, "v", json_integer(IA_RECORD_VERSION)) == 0 &&
            json_object_set_new(v, "orderHashes", orders) == 0 &&
            json_object_set_new(v, "signatures", signs) == 0 &&
            json_object_set_new(v, "datasets", datasets) == 0 &&
            json_object_set_new(v, "byLedger", words) == 0;

  for (size_t i = 0; ok && i < r->n_datasets; i++)
    ok = json_array_append_new(
             datasets, ia_fields_write(dataset, IA_COUNT(dataset), &r->datasets[i], e)) == 0;
  ok = ok && write_refused(v, r, e);
  for (size_t i = 0; ok && i < r->n_by_ledger; i++)
    ok = json_array_append_new(words, json_string(r->by_ledger[i])) == 0;
  if (!ok)
    return ia_fail(e, IA_E_INVALID, "the release record cannot be written");
  return ia_json_canonical(out, v, e);
}

/* A document has a hash and a version, or there is none. */
static bool is_whole(const ia_record_dataset *d, ia_err *e)
{
  return (ia_h256_zero(&d->policy_hash) == (d->epoch == 0) &&
          ia_h256_zero(&d->terms_hash) == (d->terms_version == 0)) ||
         ia_fail(e, IA_E_PARSE, "\"datasets\": a hash and its version belong together");
}

static bool read_datasets(ia_record *r, const json_t *list, ia_err *e)
{
  size_t n = json_array_size(list);

  if (!json_is_array(list) || n > IA_RECORD_DATASETS_MAX)
    return ia_fail(e, IA_E_PARSE, "\"datasets\": want a list");
  r->datasets = calloc(n + 1, sizeof(*r->datasets));
  if (!r->datasets)
    return ia_fail(e, IA_E_MEMORY, "no memory for a record");
  for (; r->n_datasets < n; r->n_datasets++)
    if (!ia_fields_read(&r->datasets[r->n_datasets], dataset, IA_COUNT(dataset),
                        json_array_get(list, r->n_datasets), e) ||
        !is_whole(&r->datasets[r->n_datasets], e))
      return false;
  return true;
}

/* Takes the member out of v. */
static bool read_refused(ia_record *r, json_t *v, ia_err *e)
{
  IA_AUTO_JSON *list = json_incref(json_object_get(v, "refused"));
  size_t n = json_array_size(list);

  if (!list)
    return true;
  (void)json_object_del(v, "refused");
  if (!json_is_array(list) || n > IA_RECORD_DATASETS_MAX)
    return ia_fail(e, IA_E_PARSE, "\"refused\": want a list");
  r->refused = calloc(n + 1, sizeof(*r->refused));
  if (!r->refused)
    return ia_fail(e, IA_E_MEMORY, "no memory for a record");
  for (; r->n_refused < n; r->n_refused++) {
    ia_record_refused *one = &r->refused[r->n_refused];

    if (!ia_fields_read(one, refused, IA_COUNT(refused), json_array_get(list, r->n_refused), e))
      return false;
    if (one->index == 0 || (r->n_refused > 0 && one->index <= one[-1].index))
      return ia_fail(e, IA_E_PARSE, "\"refused\": want growing numbers from 1");
  }
  return true;
}

static bool read_words(ia_record *r, const json_t *list, ia_err *e)
{
  size_t n = json_array_size(list);

  if (!json_is_array(list) || n > IA_RECORD_BY_LEDGER_MAX)
    return ia_fail(e, IA_E_PARSE, "\"byLedger\": want a list");
  r->by_ledger = calloc(n + 1, sizeof(*r->by_ledger));
  if (!r->by_ledger)
    return ia_fail(e, IA_E_MEMORY, "no memory for a record");
  for (; r->n_by_ledger < n; r->n_by_ledger++) {
    const json_t *w = json_array_get(list, r->n_by_ledger);

    if (!json_is_string(w) || json_string_length(w) >= IA_RECORD_WORD)
      return ia_fail(e, IA_E_PARSE, "\"byLedger\": want short texts");
    memcpy(r->by_ledger[r->n_by_ledger], json_string_value(w), json_string_length(w));
  }
  return true;
}

/* Another version is named, whatever its members are. */
static bool check_version(const json_t *v, ia_err *e)
{
  const json_t *version = json_object_get(v, "v");

  if (json_is_integer(version) && json_integer_value(version) == IA_RECORD_VERSION)
    return true;
  return ia_fail(e, IA_E_UNSUPPORTED, "it is of version %lld; this iapp reads version %d only",
                 json_is_integer(version) ? (long long)json_integer_value(version) : 1LL,
                 IA_RECORD_VERSION);
}

bool ia_record_parse(ia_record *out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(text, 0, e);
  IA_AUTOV(ia_buf) again = {0};

  *out = (ia_record){0};
  if (!v || !check_version(v, e) || !read_refused(out, v, e) ||
      !ia_fields_read(out, fields, IA_COUNT(fields), v, e) ||
      !ia_fields_read(out, hashes, IA_COUNT(hashes), json_object_get(v, "orderHashes"), e) ||
      !ia_fields_read(out, signatures, IA_COUNT(signatures), json_object_get(v, "signatures"), e) ||
      !read_datasets(out, json_object_get(v, "datasets"), e) ||
      !read_words(out, json_object_get(v, "byLedger"), e) || !ia_record_text(&again, out, e))
    return ia_wrap(e, "release record");
  if (!ia_span_eq(ia_buf_view(&again), text))
    return ia_fail(e, IA_E_PARSE, "release record: not canonical");
  return true;
}
