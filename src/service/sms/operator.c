/* What the operator does to a store from the command line. */
#include "service/sms/internal.h"

static bool unit_confirm(void *ctx, ia_db *db, ia_err *e)
{
  ia_stmt *st;

  (void)ctx;
  return ia_db_stmt(&st, db, "DELETE FROM meta WHERE key IN ('rolledBack', 'block', 'blockHash')",
                    e) &&
         ia_stmt_run(st, e);
}

static bool unit_trust(void *ctx, ia_db *db, ia_err *e)
{
  const ia_h256 *digest = ctx;
  ia_stmt *st;

  if (!ia_db_stmt(&st, db, "INSERT INTO sim_root (digest) VALUES ($1) ON CONFLICT DO NOTHING", e))
    return false;
  ia_bind_h256(st, 1, digest);
  return ia_stmt_run(st, e);
}

/* These writes count no generation: the running service keeps the head file, and whoever may run
 * this owns the folder. */
static bool run(const char *dir, ia_sms_unit *fn, void *ctx, ia_err *e)
{
  IA_AUTO(ia_sms_store) *store = NULL;

  if (!ia_sms_store_open(&store, dir, e))
    return false;
  if (ia_sms_store_fresh(store))
    return ia_fail(e, IA_E_NOT_FOUND, "%s holds no store of an SMS", dir);
  return ia_sms_store_run(store, false, fn, ctx, e);
}

bool ia_sms_confirm_ledger(const char *dir, ia_err *e)
{
  return run(dir, unit_confirm, NULL, e);
}

bool ia_sms_trust_sim(const char *dir, ia_span pem, ia_h256 *digest, ia_err *e)
{
  return ia_sim_root_digest_pem(digest, pem, e) && run(dir, unit_trust, digest, e);
}
