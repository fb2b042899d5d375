/* The settlement part of a receipt: what the pool says about the end of a task, signed by the pool
 * key: EIP-191 over keccak256(LP("iapp-settlement/v1") || LP(text)), text = canonical JSON. */
#ifndef IA_RECEIPT_SETTLEMENT_H
#define IA_RECEIPT_SETTLEMENT_H

#include <jansson.h>

#include "base/buf.h"
#include "crypto/secp.h"
#include "tee/domain.h"

typedef struct ia_settlement {
  ia_domain
      domain; /* IA_DOMAIN_NONE is refused: a task without an enclave takes the pool's domain */
  uint64_t chain_id;
  ia_addr hub;
  ia_h256 task_id;
  ia_h256 run_hash;      /* ia_dsse_hash of the run envelope; zero: no enclave ran */
  ia_buf tx;             /* raw signed contributeAndFinalize; empty: not settled */
  uint64_t block_number; /* of tx; 0 without */
  ia_h256 block_hash;    /* of tx; zero without */
  char cause[48];        /* of a failure; "" for a completed task */
} ia_settlement;

void ia_settlement_free(ia_settlement *s);
IA_DEFINE_AUTO_VALUE(ia_settlement, ia_settlement_free)

IA_MUST bool ia_settlement_text(ia_buf *out, const ia_settlement *s, ia_err *e);
IA_MUST bool ia_settlement_parse(ia_settlement *out, ia_span text, ia_err *e);
/* {"text":..,"sig":"0x.."}: the part as it stands in a receipt. */
IA_MUST bool ia_settlement_sign(json_t **part, const ia_settlement *s, const ia_secp *secp,
                                const ia_secret *pool_key, ia_err *e);
/* Parses the part; signer = whose signature it is. */
IA_MUST bool ia_settlement_open(ia_settlement *out, ia_addr *signer, const json_t *part, ia_err *e);

#endif
