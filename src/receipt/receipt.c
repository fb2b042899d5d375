/* Building receipts, and the table of what covers each of their fields. */
#include "receipt/receipt.h"

#include "base/json.h"

/* Copies the named members; missing ones are an error. */
static json_t *pick(const json_t *from, const char *const *names, const char *what, ia_err *e)
{
  IA_AUTO_JSON *out = json_object();

  for (; *names; names++) {
    json_t *v = json_object_get(from, *names);

    if (!v || json_object_set(out, *names, v) != 0) {
      (void)ia_fail(e, IA_E_RECEIPT_FIELD, "%s: \"%s\" is missing", what, *names);
      return NULL;
    }
  }
  return json_incref(out);
}

static bool put_release(json_t *out, const json_t *release, ia_err *e)
{
  static const char *const members[] = {"record", "recordSig",   "enc", "itemsHash",
                                        "sig",    "certificate", NULL};
  static const char *const cert[] = {"tee",          "taskId",  "worker", "enclaveAddress",
                                     "evidenceHash", "expires", "sig",    NULL};
  json_t *v = pick(release, members, "release", e);
  json_t *c = v ? pick(json_object_get(release, "certificate"), cert, "certificate", e) : NULL;

  if (!c || json_object_set_new(v, "certificate", c) != 0) {
    json_decref(v);
    return c ? ia_fail(e, IA_E_MEMORY, "no memory for a receipt") : false;
  }
  return ia_json_set(out, "release", v, e);
}

static bool put_evidence(json_t *out, const json_t *evidence, ia_err *e)
{
  static const char *const members[] = {"quote", "eventLog", "aux", NULL};
  json_t *v = pick(evidence, members, "evidence", e);
  json_t *collateral = json_object_get(evidence, "collateral");

  if (!v)
    return false;
  bool ok = collateral ? json_object_set(v, "collateral", collateral) == 0
                       : json_object_set_new(v, "collateral", json_string("")) == 0;
  if (!ok) {
    json_decref(v);
    return ia_fail(e, IA_E_MEMORY, "no memory for a receipt");
  }
  return ia_json_set(out, "evidence", v, e);
}

static bool put(json_t *out, const char *name, const json_t *v, ia_err *e)
{
  return !v || ia_json_set(out, name, json_incref((json_t *)v), e);
}

bool ia_receipt_build(ia_buf *out, const ia_receipt_parts *p, ia_err *e)
{
  IA_AUTO_JSON *v = json_object();
  size_t before = out->len;

  if (!p->settlement)
    return ia_fail(e, IA_E_RECEIPT_FIELD, "a receipt needs a settlement");
  if (!put(v, "run", p->run, e) || (p->release && !put_release(v, p->release, e)) ||
      !put(v, "settlement", p->settlement, e) || !put(v, "orders", p->orders, e) ||
      !put(v, "assets", p->assets, e) || (p->evidence && !put_evidence(v, p->evidence, e)) ||
      !put(v, "workerpool", p->workerpool, e) || !ia_json_write(out, v, e))
    return false;
  if (out->len - before > IA_RECEIPT_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "the receipt has more than %d bytes", IA_RECEIPT_MAX);
  return true;
}

#define RUN_SIGNED "signed by the enclave's key (DSSE)"
#define RECORD     "signed by the release service (Ed25519)"
#define POOL       "signed by the pool (EIP-191)"
#define BY_RECORD  "EIP-712 hash, in the signed release record"
#define BY_OWNER(who)                                                                              \
  "recovers to " who " whom the signed release record names; 0x where it says presigned"
#define BY_ADDRESS "CREATE2 address of the asset, under the registry of the trust file"

const ia_cover ia_receipt_covers[] = {
    {"run.payloadType", "run-signature", "part of what the enclave signed (DSSE PAE)"},
    {"run.payload", "run-signature", RUN_SIGNED},
    {"run.signatures[].keyid", "run-signature", "recovered from the signature"},
    {"run.signatures[].sig", "run-signature", "recovers to the enclave's address"},
    {"release.record", "release-record", RECORD},
    {"release.recordSig", "release-record", "the signature itself"},
    {"release.enc", "release-signature", RECORD},
    {"release.itemsHash", "release-signature", RECORD},
    {"release.sig", "release-signature", "the signature itself"},
    {"release.certificate.tee", "certificate", RECORD},
    {"release.certificate.taskId", "certificate", RECORD},
    {"release.certificate.worker", "certificate", RECORD},
    {"release.certificate.enclaveAddress", "certificate", RECORD},
    {"release.certificate.evidenceHash", "certificate", RECORD},
    {"release.certificate.expires", "certificate", RECORD},
    {"release.certificate.sig", "certificate", "the signature itself"},
    {"settlement.text", "settlement-pool", POOL},
    {"settlement.sig", "settlement-pool", "recovers to the pool's owner"},
    {"workerpool.owner", "settlement-pool", "the signer of the settlement"},
    {"workerpool.*", "asset-workerpool", BY_ADDRESS},
    {"orders.app.sign", "sign-app", BY_OWNER("the app's owner")},
    {"orders.app.*", "order-app", BY_RECORD},
    {"orders.dataset.sign", "sign-dataset", BY_OWNER("the data's owner")},
    {"orders.dataset.*", "order-dataset", BY_RECORD},
    {"orders.dataset", "order-dataset", "null where the record has no hash of one"},
    {"orders.workerpool.sign", "sign-workerpool", BY_OWNER("the pool's owner")},
    {"orders.workerpool.*", "order-workerpool", BY_RECORD},
    {"orders.request.sign", "sign-request", BY_OWNER("the requester")},
    {"orders.request.*", "order-request", BY_RECORD},
    {"orders.slice[].sign", "sign-slice", BY_OWNER("the data's owner")},
    {"orders.slice[].*", "orders-slice", BY_RECORD},
    {"orders.slice[]", "orders-slice", "the release record names it as refused"},
    {"assets.app.*", "asset-app", BY_ADDRESS},
    {"assets.datasets[].*", "asset-datasets", BY_ADDRESS},
    {"evidence.*", "evidence-hash", "hashes in the signed release record"},
};
const size_t ia_receipt_n_covers = IA_COUNT(ia_receipt_covers);
