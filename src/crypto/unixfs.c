/* UnixFS file DAGs: dag-pb writing and reading, balanced layout. */
#include "crypto/unixfs.h"

#include "crypto/sha.h"

/* 174^7 chunks of 256 KiB are more than 2^64 bytes. */
enum { LEVELS = 8, NODE_HEAD = 32 };

typedef struct level {
  ia_dag_link links[IA_DAG_LINKS];
  size_t n;
} level;

struct ia_dag {
  ia_dag_options o;
  uint8_t *chunk; /* IA_DAG_CHUNK bytes, made at the first ia_dag_add */
  size_t used;
  bool ended; /* a short leaf was given: nothing may follow */
  level *levels[LEVELS];
  size_t n_levels;
  ia_dag_leaf_fn *on_leaf;
  void *on_leaf_ctx;
  uint64_t last_block; /* bytes of the block made last */
};

static void put_varint(ia_buf *b, uint64_t v)
{
  for (; v >= 0x80; v >>= 7)
    ia_buf_u8(b, (uint8_t)(v | 0x80));
  ia_buf_u8(b, (uint8_t)v);
}

static size_t varint_len(uint64_t v)
{
  size_t n = 1;

  for (; v >= 0x80; v >>= 7)
    n++;
  return n;
}

/* What stands before and after the bytes in a leaf block: PBNode.Data { Type File, Data, filesize
 * }.
 */
static void leaf_frame(ia_buf *head, ia_buf *tail, size_t n)
{
  size_t inner = 2 + (n > 0 ? 1 + varint_len(n) + n : 0) + 1 + varint_len(n);

  ia_buf_u8(head, 0x0a);
  put_varint(head, inner);
  ia_buf_put(head, "\x08\x02", 2);
  if (n > 0) {
    ia_buf_u8(head, 0x12);
    put_varint(head, n);
  }
  ia_buf_u8(tail, 0x18);
  put_varint(tail, n);
}

static size_t leaf_block_size(size_t n, bool raw)
{
  size_t inner = 2 + (n > 0 ? 1 + varint_len(n) + n : 0) + 1 + varint_len(n);

  return raw ? n : 1 + varint_len(inner) + inner;
}

void ia_dag_leaf_hash(ia_h256 *out, ia_span data, bool raw)
{
  IA_AUTOV(ia_buf) block = {0};
  IA_AUTOV(ia_buf) tail = {0};

  if (raw) {
    ia_sha256(out, data);
    return;
  }
  if (ia_buf_reserve(&block, data.len + NODE_HEAD)) {
    leaf_frame(&block, &tail, data.len);
    ia_buf_span(&block, data);
    ia_buf_span(&block, ia_buf_view(&tail));
  }
  if (block.bad || tail.bad)
    abort(); /* no memory for 256 KiB: a wrong hash would be worse */
  ia_sha256(out, ia_buf_view(&block));
}

/* Inner node: links first, then Data { Type File, filesize, blocksizes } (dag-pb canonical order).
 */
static bool node_hash(ia_dag_link *out, ia_dag *d, const level *l, ia_err *e)
{
  const ia_dag_options *o = &d->o;
  IA_AUTOV(ia_buf) block = {0};
  IA_AUTOV(ia_buf) part = {0};

  *out = (ia_dag_link){.cid = {.version = o->version, .codec = IA_CODEC_DAG_PB}};
  for (size_t i = 0; i < l->n; i++) {
    const ia_dag_link *k = &l->links[i];

    ia_buf_clear(&part);
    ia_buf_u8(&part, 0x0a);
    ia_buf_u8(&part, k->cid.version == 0 ? 34 : 36);
    ia_cid_bytes(&part, &k->cid);
    ia_buf_put(&part, "\x12\x00\x18", 3);
    put_varint(&part, k->tsize);
    ia_buf_u8(&block, 0x12);
    put_varint(&block, part.len);
    ia_buf_span(&block, ia_buf_view(&part));
    out->tsize += k->tsize;
    out->fsize += k->fsize;
  }
  ia_buf_clear(&part);
  ia_buf_put(&part, "\x08\x02\x18", 3);
  put_varint(&part, out->fsize);
  for (size_t i = 0; i < l->n; i++) {
    ia_buf_u8(&part, 0x20);
    put_varint(&part, l->links[i].fsize);
  }
  ia_buf_u8(&block, 0x0a);
  put_varint(&block, part.len);
  ia_buf_span(&block, ia_buf_view(&part));
  if (!ia_buf_ok(&part, e) || !ia_buf_ok(&block, e))
    return false;
  out->tsize += block.len;
  d->last_block = block.len;
  ia_sha256(&out->cid.hash, ia_buf_view(&block));
  return true;
}

bool ia_dag_new(ia_dag **out, const ia_dag_options *o, ia_err *e)
{
  if (o && o->version > 1)
    return ia_fail(e, IA_E_INVALID, "CID version %u: want 0 or 1", o->version);
  ia_dag *d = calloc(1, sizeof(*d));
  if (!d)
    return ia_fail(e, IA_E_MEMORY, "no memory for a DAG");
  if (o)
    d->o = *o;
  *out = d;
  return true;
}

void ia_dag_free(ia_dag *d)
{
  if (!d)
    return;
  for (size_t i = 0; i < LEVELS; i++)
    free(d->levels[i]);
  free(d->chunk);
  free(d);
}

void ia_dag_on_leaf(ia_dag *d, ia_dag_leaf_fn *fn, void *ctx)
{
  d->on_leaf = fn;
  d->on_leaf_ctx = ctx;
}

/* A level that is full becomes one node of the level above before it takes another link. */
static bool push(ia_dag *d, size_t at, const ia_dag_link *link, ia_err *e)
{
  ia_dag_link carry = *link;

  for (size_t i = at; i < LEVELS; i++) {
    if (!d->levels[i] && !(d->levels[i] = calloc(1, sizeof(level))))
      return ia_fail(e, IA_E_MEMORY, "no memory for a DAG");
    if (i >= d->n_levels)
      d->n_levels = i + 1;
    level *l = d->levels[i];
    if (l->n < IA_DAG_LINKS) {
      l->links[l->n++] = carry;
      return true;
    }
    ia_dag_link up;
    if (!node_hash(&up, d, l, e))
      return false;
    l->links[0] = carry;
    l->n = 1;
    carry = up;
  }
  return ia_fail(e, IA_E_TOO_LARGE, "file too large for a DAG");
}

bool ia_dag_add_leaf(ia_dag *d, const ia_h256 *leaf, uint64_t bytes, ia_err *e)
{
  if (d->ended || d->used > 0 || bytes > IA_DAG_CHUNK)
    return ia_fail(e, IA_E_INVALID, "a leaf after a short one");
  d->ended = bytes < IA_DAG_CHUNK;
  /* only version 1 can name a raw block; Kubo writes such links as v1 in a v0 node */
  ia_dag_link link = {.cid = {.version = d->o.raw_leaves ? 1 : d->o.version,
                              .codec = d->o.raw_leaves ? IA_CODEC_RAW : IA_CODEC_DAG_PB,
                              .hash = *leaf},
                      .tsize = leaf_block_size((size_t)bytes, d->o.raw_leaves),
                      .fsize = bytes};
  d->last_block = link.tsize;
  if (d->on_leaf && !d->on_leaf(d->on_leaf_ctx, leaf, bytes, e))
    return false;
  return push(d, 0, &link, e);
}

static bool flush(ia_dag *d, ia_err *e)
{
  ia_h256 hash;
  size_t n = d->used;

  ia_dag_leaf_hash(&hash, ia_span_of(d->chunk, n), d->o.raw_leaves);
  d->used = 0;
  return ia_dag_add_leaf(d, &hash, n, e);
}

bool ia_dag_add(ia_dag *d, ia_span data, ia_err *e)
{
  if (d->ended)
    return ia_fail(e, IA_E_INVALID, "bytes after a short leaf");
  if (!d->chunk && !(d->chunk = malloc(IA_DAG_CHUNK)))
    return ia_fail(e, IA_E_MEMORY, "no memory for a chunk");
  while (data.len > 0) {
    ia_span part;
    size_t n = IA_DAG_CHUNK - d->used;

    if (n > data.len)
      n = data.len;
    if (!ia_span_take(&data, n, &part))
      return false;
    memcpy(d->chunk + d->used, part.ptr, n);
    d->used += n;
    if (d->used == IA_DAG_CHUNK && !flush(d, e))
      return false;
  }
  return true;
}

bool ia_dag_finish(ia_dag *d, ia_cid *cid, uint64_t *size, uint64_t *dag_size, ia_err *e)
{
  if ((d->used > 0 || d->n_levels == 0) && !flush(d, e))
    return false;
  /* the top level with one link is the root; every level below becomes one more node above */
  for (size_t i = 0; i < LEVELS; i++) {
    level *l = d->levels[i];

    if (i + 1 == d->n_levels && l->n == 1) {
      *cid = l->links[0].cid;
      if (size)
        *size = l->links[0].fsize;
      if (dag_size)
        *dag_size = l->links[0].tsize;
      return true;
    }
    ia_dag_link up;
    if (!node_hash(&up, d, l, e))
      return false;
    l->n = 0;
    if (!push(d, i + 1, &up, e))
      return false;
  }
  return ia_fail(e, IA_E_TOO_LARGE, "file too large for a DAG");
}

uint64_t ia_dag_root_block(const ia_dag *d)
{
  return d->last_block;
}

bool ia_cid_of(ia_cid *out, ia_span data, const ia_dag_options *o, ia_err *e)
{
  IA_AUTO(ia_dag) *d = NULL;

  return ia_dag_new(&d, o, e) && ia_dag_add(d, data, e) && ia_dag_finish(d, out, NULL, NULL, e);
}
