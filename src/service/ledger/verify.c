/* Replaying a ledger's log: every block hash, then the whole state, against what is stored; or in
 * the place of what is stored. */
#include <stdio.h>

#include "base/file.h"
#include "service/ledger/ledger_int.h"

enum { PAUSE_BLOCKS = 1024 };

typedef struct folder {
  char path[IA_PATH_MAX];
} folder;

static void folder_remove(folder *f)
{
  if (f->path[0])
    (void)!ia_remove_tree(f->path, NULL);
}
IA_DEFINE_AUTO_VALUE(folder, folder_remove)

/* One name, so that what a killed run left is removed by the next. */
static bool folder_make(folder *f, const char *beside, ia_err *e)
{
  ia_path p;

  if (!ia_path_join(&p, e, "%s.replay", beside) || !ia_remove_tree(p.s, e) ||
      !ia_mkdirs(p.s, 0700, e))
    return false;
  memcpy(f->path, p.s, sizeof(f->path));
  return true;
}

static bool differs(uint64_t number, const char *what, ia_err *e)
{
  return ia_fail(e, IA_E_CORRUPT, "block %llu: %s", (unsigned long long)number, what);
}

static bool genesis(ia_ledger *replica, const ia_block *b, ia_err *e)
{
  uint64_t time;

  if (!ia_genesis_world(&replica->world, b->raw, &time, e))
    return false;
  return ia_ledger_make_genesis(replica, b->raw, b->timestamp, e);
}

static bool replay(ia_ledger *replica, ia_disk *log, uint64_t number, ia_err *e)
{
  IA_AUTOV(ia_buf) record = {0};
  ia_h256 hash;
  ia_block b;
  bool found, ok;

  if (!ia_disk_get_block(log, number, &record, &found, e))
    return false;
  if (!found)
    return differs(number, "missing from the log", e);
  if (!ia_block_decode(&b, ia_buf_view(&record), e))
    return ia_wrap(e, "block %llu", (unsigned long long)number);
  if (b.number != number || b.timestamp < replica->head_time)
    return differs(number, "number or time out of order", e);
  if (number == 0)
    ok = genesis(replica, &b, e);
  else
    ok = b.has_tx ? ia_ledger_apply(replica, b.raw, b.timestamp, e)
                  : ia_ledger_apply_empty(replica, b.timestamp, e);
  if (!ok)
    return ia_wrap(e, "block %llu does not replay", (unsigned long long)number);
  ia_block_hash(&hash, ia_buf_view(&record));
  return ia_h256_eq(&hash, &replica->head_hash) ||
         differs(number, "the replay gives another hash", e);
}

static bool same_state(ia_disk *a, ia_disk *b, ia_err *e)
{
  IA_AUTO(ia_disk_cursor) *ca = NULL;
  IA_AUTO(ia_disk_cursor) *cb = NULL;
  ia_span ka, kb, va, vb;
  bool ma, mb;

  if (!ia_disk_scan(&ca, a, e) || !ia_disk_scan(&cb, b, e))
    return false;
  do {
    if (!ia_disk_next(ca, &ka, &va, &ma, e) || !ia_disk_next(cb, &kb, &vb, &mb, e))
      return false;
    if (ma != mb || (ma && (!ia_span_eq(ka, kb) || !ia_span_eq(va, vb))))
      return ia_fail(e, IA_E_CORRUPT, "the stored state is not what the log gives");
  } while (ma);
  return true;
}

/* Replays the whole log into `replica`; every hash must come out as it stands there. */
static bool replay_all(ia_ledger *replica, ia_disk *log, ia_ledger_verified *out, ia_err *e)
{
  uint64_t last = ia_disk_durable(log);

  for (uint64_t n = 0; n <= last; n++) {
    if (!replay(replica, log, n, e))
      return false;
    if (n % PAUSE_BLOCKS == 0 && !ia_disk_wait(replica->disk, n, e))
      return false;
    ia_ledger_trim(replica);
  }
  *out = (ia_ledger_verified){last + 1, replica->head_hash};
  return ia_disk_wait(replica->disk, last, e);
}

static bool run(ia_ledger_verified *out, const char *path, bool replace, ia_err *e)
{
  IA_AUTOV(folder) tmp = {{0}};
  IA_AUTO(ia_ledger) *replica = NULL;
  IA_AUTO(ia_disk) *log = NULL;
  ia_path copy;

  if (access(path, R_OK) != 0)
    return ia_fail_errno(e, "%s", path);
  if (!folder_make(&tmp, path, e) || !ia_path_join(&copy, e, "%s/ledger.db", tmp.path) ||
      !ia_disk_open(&log, path, 0, e) || !ia_ledger_new(&replica, copy.s, IA_DISK_FAST, 0, e))
    return false;
  if (ia_disk_durable(log) == UINT64_MAX)
    return ia_fail(e, IA_E_CORRUPT, "%s holds no ledger", path);
  return replay_all(replica, log, out, e) &&
         (replace ? ia_disk_replace_derived(log, copy.s, e) : same_state(log, replica->disk, e));
}

bool ia_ledger_verify(ia_ledger_verified *out, const char *path, ia_err *e)
{
  return run(out, path, false, e);
}

bool ia_ledger_reindex(ia_ledger_verified *out, const char *path, ia_err *e)
{
  return run(out, path, true, e);
}
