/* evm_snapshot and evm_revert of test ledgers. While snapshots stand, the values that every block
 * replaces are kept in memory; a revert puts them back, newest first, and drops the blocks. What
 * hangs on the ledger sees blocks replaced, as on a chain that was reorganised. */
#include "service/ledger/rpc_int.h"

enum { SNAPSHOTS_MAX = 1024 };

typedef struct snapshot {
  uint64_t id;
  uint64_t head, head_time, offset_s, next_time;
  ia_h256 head_hash;
  size_t n_undo; /* changes that were kept before it */
} snapshot;

struct ia_snapshots {
  snapshot v[SNAPSHOTS_MAX];
  size_t n;
  uint64_t next_id, reverts;
  ia_buf undo; /* LP(key) LP(value before), of every change since the first of v */
  size_t *at;  /* where each begins */
  size_t n_at, room_at;
  bool bad; /* no memory for a change: the snapshots cannot be taken */
};

void ia_snapshots_free(ia_snapshots *s)
{
  if (!s)
    return;
  ia_buf_free(&s->undo);
  free(s->at);
  free(s);
}

uint64_t ia_ledger_reverts(const ia_ledger *l)
{
  return l->snapshots ? l->snapshots->reverts : 0;
}

static void keep(void *ctx, ia_span key, ia_span value)
{
  ia_snapshots *s = ctx;

  if (s->n_at == s->room_at) {
    size_t room = s->room_at ? 2 * s->room_at : 1024;
    size_t *wide = reallocarray(s->at, room, sizeof(*wide));

    s->bad |= !wide;
    if (!wide)
      return;
    s->at = wide;
    s->room_at = room;
  }
  s->at[s->n_at++] = s->undo.len;
  ia_buf_lp(&s->undo, key);
  ia_buf_lp(&s->undo, value);
}

bool ia_snapshots_keep(ia_ledger *l, ia_err *e)
{
  ia_snapshots *s = l->snapshots;

  if (!s || s->n == 0)
    return true;
  ia_kv_changed_from(l->kv, keep, s);
  s->bad |= s->undo.bad;
  return !s->bad || ia_fail(e, IA_E_MEMORY, "no memory for what the snapshots need");
}

static ia_snapshots *snapshots_of(ia_ledger *l)
{
  if (!l->snapshots) {
    l->snapshots = calloc(1, sizeof(*l->snapshots));
    if (l->snapshots)
      l->snapshots->next_id = 1;
  }
  return l->snapshots;
}

bool ia_lrpc_snapshot(ia_lrpc *r)
{
  ia_ledger *l = r->l;
  ia_snapshots *s = snapshots_of(l);

  if (!s || s->n == SNAPSHOTS_MAX)
    return ia_lrpc_fail(r, IA_RPC_SERVER, "no more than %d snapshots", SNAPSHOTS_MAX);
  s->v[s->n++] = (snapshot){s->next_id,   l->head,      l->head_time, l->offset_s,
                            l->next_time, l->head_hash, s->n_at};
  return ia_lrpc_result(r, ia_lrpc_hex(s->next_id++));
}

static void put_state(void *ctx, ia_span key, ia_span value)
{
  ia_disk_put_state(ctx, key, value);
}

/* The state as it was when n changes had been kept. */
static bool put_back(ia_ledger *l, size_t n, ia_err *e)
{
  ia_snapshots *s = l->snapshots;

  while (s->n_at > n) {
    size_t at = s->at[s->n_at - 1];
    ia_span record = ia_span_of(s->undo.ptr + at, s->undo.len - at), key, value;

    if (!ia_span_lp(&record, &key) || !ia_span_lp(&record, &value) ||
        !ia_kv_put(l->kv, key, value)) {
      const ia_err *why = ia_kv_error(l->kv);

      if (why && e)
        *e = *why;
      return why ? false : ia_fail(e, IA_E_INTERNAL, "a snapshot is damaged");
    }
    s->undo.len = at;
    s->n_at--;
  }
  ia_kv_changes(l->kv, put_state, l->disk);
  return true;
}

static bool take_back(ia_ledger *l, const snapshot *to, ia_err *e)
{
  bool blocks = l->head > to->head;

  if (blocks && (!ia_disk_wait(l->disk, l->head, e) || !put_back(l, to->n_undo, e) ||
                 !ia_disk_rewind(l->disk, to->head, e)))
    return false;
  ia_kv_end(l->kv, to->head);
  l->head = to->head;
  l->head_time = to->head_time;
  l->head_hash = to->head_hash;
  l->offset_s = to->offset_s;
  l->next_time = to->next_time;
  if (l->first_recent > l->head + 1)
    l->first_recent = l->head + 1;
  l->snapshots->reverts += blocks;
  return true;
}

bool ia_lrpc_revert(ia_lrpc *r)
{
  ia_snapshots *s = r->l->snapshots;
  uint64_t id;
  ia_err e;

  if (!ia_lrpc_quantity(r, ia_lrpc_param(r, 0), "snapshot", &id))
    return false;
  for (size_t i = s ? s->n : 0; i-- > 0;)
    if (s->v[i].id == id) {
      const snapshot to = s->v[i];

      if (!take_back(r->l, &to, &e))
        return ia_lrpc_failed(r, &e);
      s->n = i; /* later ones, and itself, are of a past that is no more */
      return ia_lrpc_result(r, json_true());
    }
  return ia_lrpc_result(r, json_false());
}
