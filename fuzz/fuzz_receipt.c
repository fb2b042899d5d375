/* Receipts, DSSE envelopes, run statements, release records, settlements, trust files. */
#include "base/json.h"
#include "receipt/receipt.h"
#include "receipt/record.h"
#include "receipt/run.h"
#include "receipt/settlement.h"

int ia_fuzz_receipt(const uint8_t *data, size_t size);

int ia_fuzz_receipt(const uint8_t *data, size_t size)
{
  ia_span in = ia_span_of(data, size);
  IA_AUTO(ia_trust) *empty = NULL;
  IA_AUTO(ia_trust) *trust = NULL;
  IA_AUTOV(ia_run) run = {0}, opened = {0};
  IA_AUTOV(ia_record) record = {0};
  IA_AUTOV(ia_settlement) settlement = {0}, part = {0};
  ia_verdict v;
  ia_addr signer;

  if (!ia_trust_new(&empty, NULL))
    return 0;
  /* nothing is proven to someone who trusts nobody */
  if (ia_receipt_verify(&v, in, NULL, empty, NULL) && (v.outcome == IA_PROVEN || v.completed))
    abort();
  (void)!ia_trust_parse(&trust, in, NULL);
  (void)!ia_run_parse(&run, in, NULL);
  (void)!ia_record_parse(&record, in, NULL);
  (void)!ia_settlement_parse(&settlement, in, NULL);
  IA_AUTO_JSON *json = ia_json_parse(in, 0, NULL);
  if (!json)
    return 0;
  (void)!ia_run_open(&opened, &signer, json, NULL);
  (void)!ia_settlement_open(&part, &signer, json, NULL);
  return 0;
}
