/* What an installation has made, so that a file that is missing later is never taken for one that
 * was not made yet. */
#include "daemon/stores.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/show.h"

typedef enum store_kind {
  STORE_ALL,     /* with it everything of this installation is lost */
  STORE_OWN,     /* it is lost, the rest can go on without it */
  STORE_DERIVED, /* it is read again from the ledger */
} store_kind;

static const struct store {
  unsigned roles;
  store_kind kind;
  const char *name; /* below the home */
  const char *lost; /* what it holds */
} stores[] = {
    {IA_ROLE_LEDGER, STORE_ALL, "front/ledger.db",
     "the ledger: accounts, orders, deals and tasks of this installation"},
    {IA_ROLE_MARKET, STORE_OWN, "front/market.db", "the orders that were posted to the market"},
    {IA_ROLE_GRAPH, STORE_DERIVED, "front/graph.db", "the index"},
    {IA_ROLE_IPFS, STORE_OWN, "front/blobs", "images, encrypted data and results"},
    {IA_ROLE_SMS, STORE_ALL, "sms/root", "the key that opens all secrets"},
    {IA_ROLE_SMS, STORE_ALL, "sms/sms.db", "all secrets, and what was released"},
    {IA_ROLE_SCHEDULER | IA_ROLE_LEDGER, STORE_ALL, "scheduler/wallet.json",
     "the key of the pool's owner"},
    {IA_ROLE_SCHEDULER, STORE_OWN, "scheduler/scheduler.db",
     "attempts, numbers of leases, and receipts of tasks"},
    {IA_ROLE_WORKER, STORE_OWN, "worker/wallet.json",
     "the worker's key: another one is another worker, which the pool has to admit"},
    {IA_ROLE_WORKER, STORE_OWN, "worker/sim-root.pem",
     "the root of its simulated enclaves, which the SMS trusts"},
    {IA_ROLE_WORKER, STORE_OWN, "worker/sim-root.key", "the key of its simulated enclaves"},
    {IA_ROLE_ALL, STORE_ALL, "passphrase", "what opens the keys of all roles"},
};

/* A folder counts as it is; a file of no bytes holds nothing. */
static bool holds_something(const char *path, bool *there)
{
  struct stat st;

  *there = stat(path, &st) == 0;
  return *there && (S_ISDIR(st.st_mode) || st.st_size > 0);
}

/* HOME/made/front.ledger.db */
static bool mark_of(ia_path *out, const ia_home *h, const struct store *s, ia_err *e)
{
  if (!ia_path_join(out, e, "%s/made/%s", h->dir.s, s->name))
    return false;
  char *name = out->s + strlen(h->dir.s) + strlen("/made/");
  for (char *p = name; *p; p++)
    if (*p == '/')
      *p = '.';
  return true;
}

/* Homes of before have no marks at all: stores that follow the ledger show that there was one. */
static bool has_followers(const ia_home *h)
{
  static const char *const names[] = {"front/market.db", "front/graph.db", "sms/sms.db",
                                      "scheduler/scheduler.db"};
  ia_path p;
  bool there;

  if (ia_path_join(&p, NULL, "%s/made", h->dir.s) && access(p.s, F_OK) == 0)
    return false;
  for (unsigned i = 0; i < IA_COUNT(names); i++)
    if (ia_path_join(&p, NULL, "%s/%s", h->dir.s, names[i]) && holds_something(p.s, &there))
      return true;
  return false;
}

static bool was_made(bool *made, const ia_home *h, const struct store *s, ia_err *e)
{
  ia_path mark;

  if (!mark_of(&mark, h, s, e))
    return false;
  *made =
      access(mark.s, F_OK) == 0 || (strcmp(s->name, "front/ledger.db") == 0 && has_followers(h));
  return true;
}

static bool refuse(const ia_home *h, const struct store *s, const char *path, bool there, ia_err *e)
{
  ia_path mark;

  (void)ia_fail(e, IA_E_CORRUPT, "%s is %s, and this installation has made it: it held %s", path,
                there ? "empty" : "missing", s->lost);
  if (s->kind == STORE_ALL || !mark_of(&mark, h, s, NULL))
    return ia_hint(e,
                   "put the file back from a backup, or start a new installation: --home FOLDER");
  return ia_hint(e, "put it back from a backup; to go on without it: rm %s", mark.s);
}

bool ia_stores_check(const ia_home *h, unsigned roles, bool own_ledger, bool own_passphrase,
                     ia_err *e)
{
  for (unsigned i = 0; i < IA_COUNT(stores); i++) {
    const struct store *s = &stores[i];
    bool made, there;
    ia_path path;

    if (!(roles & s->roles) || (i == 0 && !own_ledger) ||
        (strcmp(s->name, "passphrase") == 0 && !own_passphrase))
      continue;
    if (!ia_path_join(&path, e, "%s/%s", h->dir.s, s->name) || !was_made(&made, h, s, e))
      return false;
    if (!made || holds_something(path.s, &there))
      continue;
    if (s->kind != STORE_DERIVED)
      return refuse(h, s, path.s, there, e);
    ia_print(stderr, "%s is %s: it is read again from the ledger\n", path.s,
             there ? "empty" : "missing");
  }
  return true;
}

bool ia_stores_keep(const ia_home *h, unsigned roles, ia_err *e)
{
  ia_path folder;

  if (!ia_path_join(&folder, e, "%s/made", h->dir.s) || !ia_mkdirs(folder.s, 0700, e))
    return false;
  for (unsigned i = 0; i < IA_COUNT(stores); i++) {
    IA_AUTOV(ia_buf) text = {0};
    ia_path path, mark;
    bool there;

    if (!(roles & stores[i].roles))
      continue;
    if (!ia_path_join(&path, e, "%s/%s", h->dir.s, stores[i].name) ||
        !mark_of(&mark, h, &stores[i], e))
      return false;
    if (access(mark.s, F_OK) == 0 || !holds_something(path.s, &there))
      continue;
    ia_buf_printf(&text,
                  "%s was made here. While this file is there, a start without it is refused.\n",
                  stores[i].name);
    if (!ia_buf_ok(&text, e) || !ia_file_write(mark.s, ia_buf_view(&text), 0600, e))
      return false;
  }
  return true;
}
