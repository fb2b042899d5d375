/* A settlement without a run: a task that reached no enclave. There is the word of who signed it,
 * which is worth something where the user's own trust file lists that signer's pool. */
#include <stddef.h>

#include "base/hex.h"
#include "base/json.h"
#include "poco/ids.h"
#include "receipt/fields.h"
#include "receipt/verify.h"

/* The part `workerpool`. */
struct pool {
  ia_addr address;
  ia_addr owner; /* the first */
};

static const ia_field pool_fields[] = {
    {"address", IA_FIELD_ADDR, offsetof(struct pool, address), 0},
    {"owner", IA_FIELD_ADDR, offsetof(struct pool, owner), 0},
    {"description", IA_FIELD_OTHER, 0, 0},
};

/* The settlement is of a task that nothing ran of. */
static void verify_no_run(ia_case *c)
{
  const ia_settlement *s = &c->settled;
  bool none = ia_h256_zero(&s->run_hash) && s->tx.len == 0;

  c->out->task_id = s->task_id;
  ia_case_check(c, "settlement-run", none, IA_E_RECEIPT_FIELD,
                none ? "The task reached no enclave, as its pool says."
                     : "The settlement speaks of a run that this receipt leaves out.");
  ia_case_note(c, "settlement-cause", "The task ended with: %s.", s->cause);
}

/* The fields give the pool's address, so its first owner too: that is the signer. at: an entry of
 * the same chain and hub, for its registry; NULL: there is none. */
static bool verify_fields(ia_case *c, struct pool *p, const ia_trust_sms *at)
{
  IA_AUTOV(ia_buf) description = {0};
  ia_addr made;
  ia_err e = {0};
  bool ok = ia_fields_read(p, pool_fields, IA_COUNT(pool_fields), c->workerpool, &e) &&
            ia_json_get_hex(c->workerpool, "description", &description, &e);

  if (!ok)
    return ia_case_check(c, "asset-workerpool", false, e.code,
                         "The fields of the workerpool do not stand: %.180s.", e.msg);
  ok = ia_addr_eq(&p->owner, &c->settler);
  if (!ia_case_check(c, "settlement-pool", ok, IA_E_ORDER_SIGNATURE,
                     ok ? "That is %s, the owner of the pool."
                        : "The end of the task is not signed by %s, the owner of the pool.",
                     ia_addr_lower(&p->owner).s))
    return false;
  if (!at)
    return true; /* no registry to compare with; the pool is not listed either */
  ia_workerpool_address(&made, &at->workerpool_registry, &at->proxy_code_hash, &p->owner,
                        ia_buf_view(&description));
  ok = ia_addr_eq(&made, &p->address);
  return ia_case_check(c, "asset-workerpool", ok, IA_E_ASSET_MISMATCH,
                       ok ? "The address of the workerpool %s proves its owner."
                          : "The address of the workerpool %s is not that of these fields.",
                       ia_addr_lower(&p->address).s);
}

/* The entry that lists the pool, of the domain that the settlement names. */
static void verify_listed(ia_case *c, const struct pool *p)
{
  const ia_settlement *s = &c->settled;
  const ia_trust_sms *any =
      ia_trust_ledger(c->trust, s->chain_id, &s->hub, &p->address, IA_DOMAIN_NONE);
  const ia_trust_sms *same =
      ia_trust_ledger(c->trust, s->chain_id, &s->hub, &p->address, s->domain);

  if (!any) {
    ia_case_missing(c, "pool-known", IA_E_UNKNOWN_POOL,
                    "The workerpool %s is not in your trust file.", ia_addr_lower(&p->address).s);
    return;
  }
  /* a pool that is listed in both domains is believed in the lesser one */
  const ia_trust_sms *sim =
      ia_trust_ledger(c->trust, s->chain_id, &s->hub, &p->address, IA_DOMAIN_SIM);
  c->sms = sim ? sim : any;
  c->out->pool = p->address;
  ia_case_check(c, "pool-known", true, IA_OK, "The workerpool %s is in your trust file.",
                ia_addr_lower(&p->address).s);
  ia_case_check(c, "sms-chain", same != NULL, IA_E_DOMAIN_MISMATCH,
                same ? "The settlement is of the domain, chain and hub of that entry."
                     : "The settlement names another domain than that entry's.");
}

void ia_verify_alone(ia_case *c)
{
  const ia_settlement *s = &c->settled;
  struct pool p = {0};

  verify_no_run(c);
  if (!c->workerpool)
    ia_case_missing(c, "pool-known", IA_E_UNKNOWN_POOL,
                    "The receipt shows no fields of a workerpool whose address would prove that %s "
                    "owns it.",
                    ia_addr_lower(&c->settler).s);
  else if (verify_fields(c, &p,
                         ia_trust_ledger(c->trust, s->chain_id, &s->hub, NULL, IA_DOMAIN_NONE)))
    verify_listed(c, &p);
  ia_case_unproven(c,
                   "That %s says the truth, and that the task is its pool's: ask a node with "
                   "--rpc.",
                   ia_addr_lower(&c->settler).s);
}
