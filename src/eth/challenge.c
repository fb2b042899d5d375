/* Challenges without memory of those that were asked for. */
#include "eth/challenge.h"

#include <pthread.h>
#include <string.h>

#include "base/hex.h"
#include "base/random.h"
#include "crypto/keccak.h"
#include "eth/eip712.h"

/* A challenge is one of EACH in its slot of time, so that a wallet may have several in flight. */
enum { SLOTS = 32, EACH = 64, TEXT = 16, BUCKETS = 1024, USED_FIRST = 1024, USED_MAX = 1 << 18 };

static const char type[] = "Challenge(string challenge)";

typedef struct used {
  ia_h256 digest;
  uint64_t until; /* 0: free */
} used;

struct ia_challenges {
  const char *domain, *intro;
  uint64_t slot_s;
  uint8_t key[32];
  pthread_mutex_t lock;
  uint8_t next[BUCKETS]; /* of the wallets of a bucket */
  used *used;            /* open addressing, n of cap */
  size_t n, cap;
};

bool ia_challenges_new(ia_challenges **out, const char *domain, const char *intro, uint64_t seconds,
                       ia_err *e)
{
  ia_challenges *c = calloc(1, sizeof(*c));

  if (!c)
    return ia_fail(e, IA_E_MEMORY, "no memory for challenges");
  c->domain = domain;
  c->intro = intro;
  c->slot_s = (seconds + SLOTS - 1) / SLOTS;
  pthread_mutex_init(&c->lock, NULL);
  c->cap = USED_FIRST;
  c->used = calloc(c->cap, sizeof(*c->used));
  if (!c->used || !ia_random(c->key, sizeof(c->key), e)) {
    ia_challenges_free(c);
    return ia_fail(e, IA_E_MEMORY, "no memory for challenges");
  }
  *out = c;
  return true;
}

void ia_challenges_free(ia_challenges *c)
{
  if (!c)
    return;
  pthread_mutex_destroy(&c->lock);
  explicit_bzero(c->key, sizeof(c->key));
  free(c->used);
  free(c);
}

/* A keyed hash of fields of fixed sizes. */
static void text_of(const ia_challenges *c, ia_buf *text, const ia_addr *who, uint64_t slot,
                    uint8_t i)
{
  IA_AUTOV(ia_buf) in = {.secret = true};
  char hex[2 * TEXT + 1];
  ia_h256 mac;

  ia_buf_put(&in, c->key, sizeof(c->key));
  ia_buf_put(&in, who->b, sizeof(who->b));
  ia_buf_u64be(&in, slot);
  ia_buf_u8(&in, i);
  ia_keccak256(&mac, ia_buf_view(&in));
  ia_hex(hex, mac.b, TEXT);
  ia_buf_printf(text, "%s%s", c->intro, hex);
  text->bad = text->bad || in.bad;
}

bool ia_challenge_make(ia_challenges *c, ia_buf *text, const ia_addr *who, uint64_t now, ia_err *e)
{
  size_t bucket = ((size_t)who->b[0] << 8 | who->b[1]) % BUCKETS;

  pthread_mutex_lock(&c->lock);
  uint8_t i = c->next[bucket]++ % EACH;
  pthread_mutex_unlock(&c->lock);
  text_of(c, text, who, now / c->slot_s, i);
  return ia_buf_ok(text, e);
}

static bool digest_of(ia_h256 *out, const ia_h256 *separator, ia_buf *text, ia_err *e)
{
  ia_h256 hash;

  ia_buf_u8(text, 0);
  ia_abi_val v = ia_abi_str((const char *)text->ptr);
  if (!ia_buf_ok(text, e) || !ia_eip712_struct(&hash, type, &v, 1, e))
    return false;
  ia_eip712_digest(out, separator, &hash);
  return true;
}

/* *found: the slot in which it was made, newest first; false without memory. */
static bool search(const ia_challenges *c, const ia_h256 *separator, const ia_addr *who,
                   const ia_h256 *digest, uint64_t now, bool *found, uint64_t *slot, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_h256 one;

  *found = false;
  for (uint64_t back = 0; back < SLOTS && back <= now / c->slot_s && !*found; back++)
    for (unsigned i = 0; i < EACH && !*found; i++) {
      *slot = now / c->slot_s - back;
      ia_buf_clear(&text);
      text_of(c, &text, who, *slot, (uint8_t)i);
      if (!digest_of(&one, separator, &text, e))
        return false;
      *found = ia_h256_eq(&one, digest);
    }
  return true;
}

static used *place_of(used *table, size_t cap, const ia_h256 *digest)
{
  uint64_t at;

  memcpy(&at, digest->b, sizeof(at));
  for (at %= cap; table[at].until != 0 && !ia_h256_eq(&table[at].digest, digest);)
    at = (at + 1) % cap;
  return &table[at];
}

/* What has expired is left behind; what is left has room. */
static bool grow(ia_challenges *c, uint64_t now, ia_err *e)
{
  size_t kept = 0, cap = USED_FIRST;

  if (c->n < c->cap / 2)
    return true;
  for (size_t i = 0; i < c->cap; i++)
    kept += c->used[i].until > now;
  if (kept >= USED_MAX)
    return ia_fail(e, IA_E_BUSY, "too many log-ins at this time");
  while (cap < 4 * (kept + 1))
    cap *= 2;
  used *next = calloc(cap, sizeof(*next));
  if (!next)
    return ia_fail(e, IA_E_MEMORY, "no memory for challenges");
  for (size_t i = 0; i < c->cap; i++)
    if (c->used[i].until > now)
      *place_of(next, cap, &c->used[i].digest) = c->used[i];
  free(c->used);
  c->used = next;
  c->cap = cap;
  c->n = kept;
  return true;
}

static bool use(ia_challenges *c, const ia_h256 *digest, uint64_t until, uint64_t now, ia_err *e)
{
  if (!grow(c, now, e))
    return false;
  used *u = place_of(c->used, c->cap, digest);
  if (u->until != 0)
    return ia_fail(e, IA_E_FORBIDDEN, "this challenge was used");
  *u = (used){*digest, until};
  c->n++;
  return true;
}

bool ia_challenge_take(ia_challenges *c, uint64_t chain_id, const ia_addr *who,
                       const ia_h256 *digest, uint64_t now, ia_err *e)
{
  ia_eip712_domain d = {.name = c->domain, .version = "1", .chain_id = chain_id};
  ia_h256 separator;
  uint64_t slot;
  bool found;

  if (!ia_eip712_separator(&separator, &d, e) ||
      !search(c, &separator, who, digest, now, &found, &slot, e))
    return false;
  if (!found)
    return ia_fail(e, IA_E_FORBIDDEN, "no challenge of ours, or too old");
  pthread_mutex_lock(&c->lock);
  bool ok = use(c, digest, (slot + SLOTS + 1) * c->slot_s, now, e);
  pthread_mutex_unlock(&c->lock);
  return ok;
}
