/* What the operator does to a store from the command line: entries of the journal like all others,
 * which the running service reads with its next transaction. */
#include "service/sms/internal.h"

static bool unit_confirm(void *ctx, ia_db *db, ia_err *e)
{
  static const char *const keys[] = {"rolledBack", "block"};

  (void)ctx;
  for (size_t i = 0; i < IA_COUNT(keys); i++) {
    IA_AUTOV(ia_entry) x = {0};

    ia_entry_begin(&x, IA_J_UNSET);
    ia_entry_text(&x, ia_span_str(keys[i]));
    if (!ia_journal_put(db, &x, NULL, e))
      return false;
  }
  return true;
}

static bool unit_trust(void *ctx, ia_db *db, ia_err *e)
{
  IA_AUTOV(ia_entry) x = {0};

  ia_entry_begin(&x, IA_J_SIM_ROOT);
  ia_entry_h256(&x, ctx);
  return ia_journal_put(db, &x, NULL, e);
}

struct opened {
  ia_sms_store *store;
  ia_sms_keys keys;
  ia_sms_head head;
};

static bool domain_of(ia_domain *out, ia_sms_store *store, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  if (!ia_sms_store_peek(store, "domain", &text, e))
    return false;
  ia_buf_u8(&text, 0);
  return ia_buf_ok(&text, e) && (ia_domain_parse(out, (const char *)text.ptr) ||
                                 ia_fail(e, IA_E_CORRUPT, "store: no domain is written"));
}

static bool run(const ia_sms_operator *o, ia_sms_unit *fn, void *ctx, ia_err *e)
{
  struct opened s = {.head = {.fd = -1}};
  ia_domain domain;
  bool ok;

  ok = ia_sms_store_open(&s.store, o->dir, e) &&
       (!ia_sms_store_fresh(s.store) ||
        ia_fail(e, IA_E_NOT_FOUND, "%s holds no store of an SMS", o->dir)) &&
       domain_of(&domain, s.store, e) &&
       ia_sms_keys_open(&s.keys, o->dir, o->passphrase, o->random_passphrase, domain, domain, e) &&
       ia_sms_store_verified(s.store, &s.head, o->dir, &s.keys, false, e) &&
       ia_sms_store_run(s.store, fn, ctx, e);
  ia_sms_store_close(s.store);
  ia_sms_head_close(&s.head);
  ia_sms_keys_free(&s.keys);
  return ok;
}

bool ia_sms_confirm_ledger(const ia_sms_operator *o, ia_err *e)
{
  return run(o, unit_confirm, NULL, e);
}

bool ia_sms_trust_sim(const ia_sms_operator *o, ia_span pem, ia_h256 *digest, ia_err *e)
{
  return ia_sim_root_digest_pem(digest, pem, e) && run(o, unit_trust, digest, e);
}
