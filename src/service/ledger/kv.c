/* Cached state with a journal: a chained hash table, a list by last use, and the old value of every
 * change until the transaction ends. */
#include "service/ledger/kv.h"

#include "base/random.h"

typedef struct value {
  size_t len;
  uint8_t b[];
} value;

typedef struct entry {
  struct entry *chain;
  struct entry *newer, *older; /* list by last use */
  value *v;                    /* NULL = no such key */
  uint64_t hash;
  uint64_t height; /* block of the last change */
  bool listed;     /* in the journal of this transaction */
  size_t key_len;
  uint8_t key[];
} entry;

typedef struct change {
  entry *e;
  value *old;
  bool first; /* of this key in this transaction */
} change;

struct ia_kv {
  entry **bucket;
  size_t n_buckets; /* a power of two */
  size_t n_entries;
  size_t bytes, cap;
  entry *newest, *oldest;
  change *journal;
  size_t n_journal, room_journal;
  value **dead; /* replaced by undo: freed at the end, spans may point there */
  size_t n_dead, room_dead;
  ia_kv_load *load;
  void *ctx;
  uint64_t seed[2];
  ia_err err;
  bool failed;
};

/* --- hashing: SipHash-1-3, keyed, because keys hold addresses that strangers choose
 * --------------- */

static uint64_t rotl(uint64_t x, int n)
{
  return x << n | x >> (64 - n);
}

static void sip_round(uint64_t v[4])
{
  v[0] += v[1];
  v[1] = rotl(v[1], 13) ^ v[0];
  v[0] = rotl(v[0], 32);
  v[2] += v[3];
  v[3] = rotl(v[3], 16) ^ v[2];
  v[0] += v[3];
  v[3] = rotl(v[3], 21) ^ v[0];
  v[2] += v[1];
  v[1] = rotl(v[1], 17) ^ v[2];
  v[2] = rotl(v[2], 32);
}

static uint64_t sip(const ia_kv *kv, ia_span in)
{
  uint64_t v[4] = {kv->seed[0] ^ 0x736f6d6570736575u, kv->seed[1] ^ 0x646f72616e646f6du,
                   kv->seed[0] ^ 0x6c7967656e657261u, kv->seed[1] ^ 0x7465646279746573u};
  size_t n = in.len;
  uint64_t last = (uint64_t)n << 56, m;

  for (; n >= 8; n -= 8, in.ptr += 8) {
    memcpy(&m, in.ptr, 8);
    v[3] ^= m;
    sip_round(v);
    v[0] ^= m;
  }
  for (size_t i = 0; i < n; i++)
    last |= (uint64_t)in.ptr[i] << (8 * i);
  v[3] ^= last;
  sip_round(v);
  v[0] ^= last;
  v[2] ^= 0xff;
  sip_round(v);
  sip_round(v);
  sip_round(v);
  return v[0] ^ v[1] ^ v[2] ^ v[3];
}

/* --- table and list
 * -------------------------------------------------------------------------------- */

static bool fail(ia_kv *kv, ia_code code, const char *what)
{
  if (!kv->failed)
    (void)ia_fail(&kv->err, code, "ledger state: %s", what);
  kv->failed = true;
  return false;
}

static size_t weight(const entry *e)
{
  return sizeof(*e) + e->key_len + (e->v ? sizeof(value) + e->v->len : 0);
}

static void unlink_entry(ia_kv *kv, entry *e)
{
  *(e->newer ? &e->newer->older : &kv->newest) = e->older;
  *(e->older ? &e->older->newer : &kv->oldest) = e->newer;
}

static void link_newest(ia_kv *kv, entry *e)
{
  e->newer = NULL;
  e->older = kv->newest;
  *(kv->newest ? &kv->newest->newer : &kv->oldest) = e;
  kv->newest = e;
}

static void grow(ia_kv *kv)
{
  size_t n = kv->n_buckets * 2;
  entry **bucket = calloc(n, sizeof(entry *));

  if (!bucket)
    return; /* longer chains, nothing worse */
  for (size_t i = 0; i < kv->n_buckets; i++)
    for (entry *e = kv->bucket[i], *next; e; e = next) {
      next = e->chain;
      e->chain = bucket[e->hash & (n - 1)];
      bucket[e->hash & (n - 1)] = e;
    }
  free(kv->bucket);
  kv->bucket = bucket;
  kv->n_buckets = n;
}

static entry *find(ia_kv *kv, ia_span key, uint64_t hash)
{
  for (entry *e = kv->bucket[hash & (kv->n_buckets - 1)]; e; e = e->chain)
    if (e->hash == hash && e->key_len == key.len && memcmp(e->key, key.ptr, key.len) == 0)
      return e;
  return NULL;
}

static value *new_value(ia_kv *kv, ia_span bytes)
{
  value *v = malloc(sizeof(*v) + bytes.len);

  if (!v) {
    (void)fail(kv, IA_E_MEMORY, "out of memory");
    return NULL;
  }
  v->len = bytes.len;
  memcpy(v->b, bytes.ptr, bytes.len);
  return v;
}

static entry *load(ia_kv *kv, ia_span key, uint64_t hash)
{
  IA_AUTOV(ia_buf) bytes = {0};
  ia_err err;

  if (!kv->load(kv->ctx, key, &bytes, &err) || !ia_buf_ok(&bytes, &err)) {
    (void)fail(kv, err.code, err.msg);
    return NULL;
  }
  ia_autofree entry *e = calloc(1, sizeof(*e) + key.len);
  if (!e) {
    (void)fail(kv, IA_E_MEMORY, "out of memory");
    return NULL;
  }
  if (bytes.len > 0) {
    e->v = new_value(kv, ia_buf_view(&bytes));
    if (!e->v)
      return NULL;
  }
  e->hash = hash;
  e->key_len = key.len;
  memcpy(e->key, key.ptr, key.len);
  if (kv->n_entries >= kv->n_buckets)
    grow(kv);
  e->chain = kv->bucket[hash & (kv->n_buckets - 1)];
  kv->bucket[hash & (kv->n_buckets - 1)] = e;
  kv->n_entries++;
  kv->bytes += weight(e);
  link_newest(kv, e);
  return ia_steal(&e);
}

static entry *entry_of(ia_kv *kv, ia_span key)
{
  uint64_t hash = sip(kv, key);
  entry *e = kv->failed ? NULL : find(kv, key, hash);

  if (kv->failed)
    return NULL;
  if (!e)
    return load(kv, key, hash);
  if (kv->newest != e) {
    unlink_entry(kv, e);
    link_newest(kv, e);
  }
  return e;
}

/* --- interface
 * ------------------------------------------------------------------------------------- */

bool ia_kv_new(ia_kv **out, size_t cap, ia_kv_load *load_fn, void *ctx, ia_err *e)
{
  IA_AUTO(ia_kv) *kv = calloc(1, sizeof(*kv));

  if (!kv)
    return ia_fail(e, IA_E_MEMORY, "no memory for the ledger's state");
  kv->n_buckets = 1024;
  kv->bucket = calloc(kv->n_buckets, sizeof(entry *));
  if (!kv->bucket)
    return ia_fail(e, IA_E_MEMORY, "no memory for the ledger's state");
  if (!ia_random(kv->seed, sizeof(kv->seed), e))
    return false;
  kv->cap = cap;
  kv->load = load_fn;
  kv->ctx = ctx;
  *out = ia_steal(&kv);
  return true;
}

void ia_kv_free(ia_kv *kv)
{
  if (!kv)
    return;
  for (entry *e = kv->newest, *next; e; e = next) {
    next = e->older;
    free(e->v);
    free(e);
  }
  for (size_t i = 0; i < kv->n_journal; i++)
    free(kv->journal[i].old);
  for (size_t i = 0; i < kv->n_dead; i++)
    free(kv->dead[i]);
  free(kv->journal);
  free(kv->dead);
  free(kv->bucket);
  free(kv);
}

bool ia_kv_get(ia_kv *kv, ia_span key, ia_span *out)
{
  entry *e = entry_of(kv, key);

  if (!e)
    return false;
  *out = e->v ? ia_span_of(e->v->b, e->v->len) : ia_span_of(NULL, 0);
  return true;
}

/* Room for one more element of a growing array. */
static bool room_for(ia_kv *kv, void *array, size_t n, size_t *room, size_t size)
{
  void **p = array;

  if (n < *room)
    return true;
  size_t want = *room ? *room * 2 : 64;
  void *grown = reallocarray(*p, want, size);
  if (!grown)
    return fail(kv, IA_E_MEMORY, "out of memory");
  *p = grown;
  *room = want;
  return true;
}

bool ia_kv_put(ia_kv *kv, ia_span key, ia_span bytes)
{
  entry *e = entry_of(kv, key);
  value *v = NULL;

  if (!e || !room_for(kv, &kv->journal, kv->n_journal, &kv->room_journal, sizeof(change)))
    return false;
  if (bytes.len > 0) {
    v = new_value(kv, bytes);
    if (!v)
      return false;
  }
  kv->journal[kv->n_journal++] = (change){e, e->v, !e->listed};
  e->listed = true;
  kv->bytes -= weight(e);
  e->v = v;
  kv->bytes += weight(e);
  return true;
}

size_t ia_kv_mark(const ia_kv *kv)
{
  return kv->n_journal;
}

void ia_kv_undo(ia_kv *kv, size_t mark)
{
  while (kv->n_journal > mark) {
    change *c = &kv->journal[--kv->n_journal];

    if (c->e->v && room_for(kv, &kv->dead, kv->n_dead, &kv->room_dead, sizeof(value *)))
      kv->dead[kv->n_dead++] = c->e->v;
    kv->bytes -= weight(c->e);
    c->e->v = c->old;
    kv->bytes += weight(c->e);
    if (c->first)
      c->e->listed = false;
  }
}

void ia_kv_changes(ia_kv *kv, ia_kv_visit *visit, void *ctx)
{
  for (size_t i = 0; i < kv->n_journal; i++) {
    const entry *e = kv->journal[i].e;

    if (kv->journal[i].first)
      visit(ctx, ia_span_of(e->key, e->key_len),
            e->v ? ia_span_of(e->v->b, e->v->len) : ia_span_of(NULL, 0));
  }
}

void ia_kv_changed_from(ia_kv *kv, ia_kv_visit *visit, void *ctx)
{
  for (size_t i = 0; i < kv->n_journal; i++) {
    const change *c = &kv->journal[i];

    if (c->first)
      visit(ctx, ia_span_of(c->e->key, c->e->key_len),
            c->old ? ia_span_of(c->old->b, c->old->len) : ia_span_of(NULL, 0));
  }
}

size_t ia_kv_n_changes(const ia_kv *kv)
{
  size_t n = 0;

  for (size_t i = 0; i < kv->n_journal; i++)
    n += kv->journal[i].first;
  return n;
}

void ia_kv_end(ia_kv *kv, uint64_t height)
{
  for (size_t i = 0; i < kv->n_journal; i++) {
    kv->journal[i].e->listed = false;
    kv->journal[i].e->height = height;
    free(kv->journal[i].old);
  }
  kv->n_journal = 0;
  for (size_t i = 0; i < kv->n_dead; i++)
    free(kv->dead[i]);
  kv->n_dead = 0;
}

static void evict(ia_kv *kv, entry *e)
{
  entry **at = &kv->bucket[e->hash & (kv->n_buckets - 1)];

  while (*at != e)
    at = &(*at)->chain;
  *at = e->chain;
  unlink_entry(kv, e);
  kv->bytes -= weight(e);
  kv->n_entries--;
  free(e->v);
  free(e);
}

void ia_kv_trim(ia_kv *kv, uint64_t durable)
{
  entry *e = kv->oldest;

  while (e && kv->bytes > kv->cap) {
    entry *next = e->newer;

    /* changed entries behind the durable block are on disk; of the others the disk knows nothing */
    if (e->height <= durable && !e->listed)
      evict(kv, e);
    e = next;
  }
}

const ia_err *ia_kv_error(const ia_kv *kv)
{
  return kv->failed ? &kv->err : NULL;
}

size_t ia_kv_bytes(const ia_kv *kv)
{
  return kv->bytes;
}
