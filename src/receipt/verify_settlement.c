/* The end of a task: the pool's statement, and the transaction that the worker signed. */
#include <stdio.h>

#include "base/hex.h"
#include "crypto/keccak.h"
#include "eth/eip191.h"
#include "eth/tx.h"
#include "poco/abi.h"
#include "poco/ids.h"
#include "receipt/verify.h"

static bool signed_by(const ia_addr *who, const ia_h256 *message, ia_span sig)
{
  ia_addr signer;

  return ia_eip191_recover(&signer, IA_SPAN_ARR(message->b), sig, NULL) && ia_addr_eq(&signer, who);
}

/* {"storage":"ipfs","location":"/ipfs/<cid>"} in the spelling of the reference, with single spaces.
 */
static bool names_result(const ia_run *r, ia_span results)
{
  char want[IA_CID_TEXT + 64];

  if (!r->result.there)
    return true;
  int n = snprintf(want, sizeof(want), "{ \"storage\": \"ipfs\", \"location\": \"/ipfs/%s\" }",
                   r->result.cid);
  return n > 0 && (size_t)n < sizeof(want) && ia_span_is(results, want);
}

/* PoCo: what is delivered to a contract is what was digested. */
static bool callback_fits(const ia_run *r, ia_span callback)
{
  ia_h256 h;

  if (callback.len == 0)
    return true;
  ia_keccak256(&h, callback);
  return ia_h256_eq(&h, &r->result_digest);
}

static void verify_tx(ia_case *c)
{
  const ia_run *r = &c->stated;
  const ia_h256 *task = &r->desc.task_id;
  ia_h256 result_hash, seal, message, authorization;
  ia_call_value v = {0};
  ia_addr sender;
  ia_tx tx;
  ia_err e = {0};
  bool ok = ia_tx_decode(&tx, ia_buf_view(&c->settled.tx), &e) && ia_tx_sender(&sender, &tx, &e) &&
            ia_call_decode(&v, IA_CALL_CONTRIBUTE_AND_FINALIZE, tx.data, &e);

  ok = ok && tx.chain_id == r->desc.chain_id && !tx.creates && ia_addr_eq(&tx.to, &r->desc.hub) &&
       ia_addr_eq(&sender, &c->record.worker);
  if (!ia_case_check(c, "settlement-tx", ok, IA_E_RECEIPT_FIELD,
                     ok ? "The worker %s signed the settling transaction to the hub."
                        : "The settling transaction is not the worker %s's to the hub.",
                     ia_addr_lower(&c->record.worker).s))
    return;
  /* taskid, resultDigest; results, resultsCallback, enclaveSign, authorizationSign */
  ok = ia_h256_eq(&v.a.id[0], task) && r->has_result && ia_h256_eq(&v.a.id[1], &r->result_digest) &&
       ia_addr_eq(&v.a.addr[0], &c->enclave) && names_result(r, v.a.bytes[0]) &&
       callback_fits(r, v.a.bytes[1]);
  ia_case_check(c, "settlement-result", ok, IA_E_RESULT_MISMATCH,
                ok ? "What was settled is the result of this run."
                   : "What was settled is not the result of this run.");
  ia_result_hash(&result_hash, task, &v.a.id[1]);
  ia_result_seal(&seal, &sender, task, &v.a.id[1]);
  ia_enclave_message(&message, &result_hash, &seal);
  ia_authorization_message(&authorization, &sender, task, &c->enclave);
  ok = signed_by(&c->enclave, &message, v.a.bytes[2]) &&
       signed_by(&c->record.pool_owner, &authorization, v.a.bytes[3]);
  ia_case_check(c, "settlement-seals", ok, IA_E_ORDER_SIGNATURE,
                ok ? "Enclave and pool signed this worker's contribution."
                   : "Enclave or pool did not sign this worker's contribution.");
}

void ia_verify_settlement(ia_case *c)
{
  const ia_settlement *s = &c->settled;
  const ia_run *r = &c->stated;
  const ia_addr *owner = &c->record.pool_owner;
  ia_h256 run;
  bool ours = ia_addr_eq(&c->settler, owner);
  bool ok = ia_dsse_hash(&run, c->run, NULL) && ia_h256_eq(&run, &s->run_hash) &&
            s->domain == r->desc.domain && s->chain_id == r->desc.chain_id &&
            ia_addr_eq(&s->hub, &r->desc.hub) && ia_h256_eq(&s->task_id, &r->desc.task_id);

  ia_case_check(c, "settlement-pool", ours, IA_E_ORDER_SIGNATURE,
                ours ? "That is %s, the owner of the pool."
                     : "The end of the task is not signed by %s, the owner of the pool.",
                ia_addr_lower(owner).s);
  ia_case_check(c, "settlement-run", ok, IA_E_TASK_MISMATCH,
                ok ? "The pool speaks of exactly this run." : "The pool speaks of another run.");
  if (s->tx.len > 0)
    verify_tx(c);
  else
    ia_case_note(c, "settlement-cause", "Nothing was settled; the pool gives the cause: %s.",
                 s->cause);
}
