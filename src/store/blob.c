/* Blobs on disk: DIR/ab/<hash> the bytes, DIR/ab/<hash>.leaves their leaf hashes when there is more
 * than one leaf, DIR/ab/<hash>.raw the bytes of a block of codec raw, DIR/tmp what is being
 * written. A raw block has a name of its own: its bytes may be the node of a file, whose hash it
 * then has, and who adds them must not take the file's place. */
#include "store/blob.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/crash.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/random.h"
#include "crypto/sha.h"

/* Head of a .leaves file: magic, u8 1 when leaves are raw, u8 version, u64be size; then 32 bytes a
 * leaf. It is not trusted: the root is recomputed from it at every opening. */
static const char magic[6] = "IALV1";
enum { HEAD = 16, LEAVES_MAX = 1 << 26 }; /* 64 MiB of hashes: files up to 512 GiB */

struct ia_blobs {
  char dir[IA_PATH_MAX - 128];
};

struct ia_blob_writer {
  ia_blobs *b;
  ia_dag *dag;
  ia_dag_options o;
  int fd;
  uint64_t size, cap;
  ia_buf leaves; /* hashes */
  ia_path tmp;
};

struct ia_blob {
  int fd;
  uint64_t size, root_block;
  bool raw;
  ia_buf leaves;
};

static const char *const suffix_raw = ".raw";

static bool path_of(const ia_blobs *b, ia_path *p, const ia_h256 *hash, const char *suffix,
                    ia_err *e)
{
  char hex[65];

  ia_hex(hex, hash->b, sizeof(hash->b));
  return ia_path_join(p, e, "%s/%.2s/%s%s", b->dir, hex, hex, suffix);
}

static bool clean_tmp(const char *dir, ia_err *e)
{
  return ia_remove_tree(dir, e) && ia_mkdirs(dir, 0700, e);
}

bool ia_blobs_open(ia_blobs **out, const char *dir, ia_err *e)
{
  ia_blobs *b = calloc(1, sizeof(*b));
  ia_path tmp;

  if (!b)
    return ia_fail(e, IA_E_MEMORY, "no memory for a blob store");
  int n = snprintf(b->dir, sizeof(b->dir), "%s", dir);
  bool ok = (n > 0 && (size_t)n < sizeof(b->dir)) || ia_fail(e, IA_E_INVALID, "path too long");
  ok = ok && ia_mkdirs(dir, 0700, e) && ia_path_join(&tmp, e, "%s/tmp", dir) && clean_tmp(tmp.s, e);
  if (!ok) {
    free(b);
    return false;
  }
  *out = b;
  return true;
}

void ia_blobs_close(ia_blobs *b)
{
  free(b);
}

static bool keep_leaf(void *ctx, const ia_h256 *leaf, uint64_t bytes, ia_err *e)
{
  ia_blob_writer *w = ctx;

  (void)bytes;
  ia_buf_put(&w->leaves, leaf->b, sizeof(leaf->b));
  return ia_buf_ok(&w->leaves, e);
}

bool ia_blob_begin(ia_blob_writer **out, ia_blobs *b, const ia_dag_options *o, uint64_t cap,
                   ia_err *e)
{
  IA_AUTO(ia_blob_writer) *w = calloc(1, sizeof(*w));
  uint8_t name[16];
  char hex[33];

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "no memory for a blob");
  w->b = b;
  w->fd = -1;
  w->cap = cap ? cap : UINT64_MAX;
  w->leaves.cap = LEAVES_MAX;
  if (o)
    w->o = *o;
  if (!ia_random(name, sizeof(name), e) || !ia_dag_new(&w->dag, o, e))
    return false;
  ia_hex(hex, name, sizeof(name));
  ia_dag_on_leaf(w->dag, keep_leaf, w);
  if (!ia_path_join(&w->tmp, e, "%s/tmp/%s", b->dir, hex))
    return false;
  w->fd = open(w->tmp.s, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (w->fd < 0)
    return ia_fail_errno(e, "blob");
  *out = ia_steal(&w);
  return true;
}

bool ia_blob_write(ia_blob_writer *w, ia_span data, ia_err *e)
{
  if (data.len > w->cap - w->size)
    return ia_fail(e, IA_E_TOO_LARGE, "blob above %llu bytes", (unsigned long long)w->cap);
  w->size += data.len;
  return ia_fd_write_all(w->fd, data, e) && ia_dag_add(w->dag, data, e);
}

void ia_blob_abort(ia_blob_writer *w)
{
  if (!w)
    return;
  if (w->fd >= 0) {
    close(w->fd);
    (void)unlink(w->tmp.s);
  }
  ia_dag_free(w->dag);
  ia_buf_free(&w->leaves);
  free(w);
}

static bool write_leaves(ia_blob_writer *w, const ia_h256 *root, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {.cap = LEAVES_MAX + HEAD};
  ia_path p;

  ia_buf_put(&text, magic, sizeof(magic));
  ia_buf_u8(&text, w->o.raw_leaves);
  ia_buf_u8(&text, (uint8_t)w->o.version);
  ia_buf_u64be(&text, w->size);
  ia_buf_span(&text, ia_buf_view(&w->leaves));
  return ia_buf_ok(&text, e) && path_of(w->b, &p, root, ".leaves", e) &&
         ia_file_write(p.s, ia_buf_view(&text), 0600, e);
}

/* The leaves first, then the bytes: a blob is there when its bytes are. One that is known already
 * is written again: what lies there may have been damaged. */
static bool publish(ia_blob_writer *w, const ia_cid *cid, ia_err *e)
{
  bool raw = cid->codec == IA_CODEC_RAW;
  ia_path p, dir;
  char hex[65];

  ia_hex(hex, cid->hash.b, sizeof(cid->hash.b));
  if (!ia_path_join(&dir, e, "%s/%.2s", w->b->dir, hex) || !ia_mkdirs(dir.s, 0700, e) ||
      !path_of(w->b, &p, &cid->hash, raw ? suffix_raw : "", e))
    return false;
  if (fsync(w->fd) != 0)
    return ia_fail_errno(e, "blob");
  if (!raw && w->leaves.len > 32 && !write_leaves(w, &cid->hash, e))
    return false;
  if (rename(w->tmp.s, p.s) != 0)
    return ia_fail_errno(e, "blob");
  ia_crash_point("blob.renamed");
  return ia_fsync_dir(dir.s, e) && ia_fsync_dir(w->b->dir, e);
}

bool ia_blob_commit(ia_blob_writer **pw, ia_cid *cid, uint64_t *size, uint64_t *dag_size, ia_err *e)
{
  IA_AUTO(ia_blob_writer) *w = ia_steal(pw);

  if (!ia_dag_finish(w->dag, cid, size, dag_size, e) || !publish(w, cid, e))
    return false;
  close(w->fd);
  w->fd = -1; /* nothing left to remove */
  return true;
}

bool ia_blob_put(ia_cid *out, ia_blobs *b, ia_span data, ia_err *e)
{
  IA_AUTO(ia_blob_writer) *w = NULL;

  return ia_blob_begin(&w, b, NULL, 0, e) && ia_blob_write(w, data, e) &&
         ia_blob_commit(&w, out, NULL, NULL, e);
}

static bool read_leaves(ia_blob *blob, ia_dag_options *o, ia_buf *file, ia_err *e)
{
  ia_span in = ia_buf_view(file), head;
  uint8_t raw, version;
  uint64_t size;

  if (!ia_span_take(&in, sizeof(magic), &head) || memcmp(head.ptr, magic, sizeof(magic)) != 0 ||
      !ia_span_u8(&in, &raw) || !ia_span_u8(&in, &version) || !ia_span_u64be(&in, &size) ||
      raw > 1 || size != blob->size)
    return ia_fail(e, IA_E_CORRUPT, "blob: leaf list malformed");
  o->raw_leaves = raw == 1;
  o->version = version;
  blob->raw = o->raw_leaves;
  ia_buf_span(&blob->leaves, in);
  return ia_buf_ok(&blob->leaves, e);
}

/* Do the leaf hashes make this root? */
static bool check_root(ia_blob *blob, const ia_dag_options *o, const ia_h256 *root, ia_err *e)
{
  IA_AUTO(ia_dag) *d = NULL;
  uint64_t left = blob->size;
  ia_span in = ia_buf_view(&blob->leaves);
  ia_h256 leaf;
  ia_cid cid;

  if (!ia_dag_new(&d, o, e))
    return false;
  do {
    uint64_t n = left < IA_DAG_CHUNK ? left : IA_DAG_CHUNK;

    if (!ia_span_copy(&in, leaf.b, sizeof(leaf.b)))
      return ia_fail(e, IA_E_CORRUPT, "blob: leaf list too short");
    if (!ia_dag_add_leaf(d, &leaf, n, e))
      return false;
    left -= n;
  } while (left > 0);
  if (!ia_dag_finish(d, &cid, NULL, NULL, e))
    return false;
  if (in.len != 0 || !ia_h256_eq(&cid.hash, root))
    return ia_fail(e, IA_E_CORRUPT, "blob: leaf list of another blob");
  blob->root_block = ia_dag_root_block(d);
  return true;
}

/* The block of that codec; of the other one when there is none, for a multiaddr on the ledger keeps
 * the hash alone. *raw says which it is. */
static bool open_bytes(ia_blob *blob, const ia_blobs *b, const ia_cid *cid, bool *raw, ia_err *e)
{
  bool first = cid->codec == IA_CODEC_RAW;
  ia_cid_text t = ia_cid_format(cid);
  struct stat st;
  ia_path p;

  for (int i = 0; i < 2; i++) {
    *raw = i == 0 ? first : !first;
    if (!path_of(b, &p, &cid->hash, *raw ? suffix_raw : "", e))
      return false;
    blob->fd = open(p.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (blob->fd >= 0)
      break;
    if (errno != ENOENT)
      return ia_fail_errno(e, "blob %s", t.s);
  }
  if (blob->fd < 0)
    return ia_fail(e, IA_E_NOT_FOUND, "no blob %s", t.s);
  if (fstat(blob->fd, &st) != 0)
    return ia_fail_errno(e, "blob");
  blob->size = (uint64_t)st.st_size;
  return true;
}

static bool load(ia_blob *blob, const ia_blobs *b, const ia_cid *cid, ia_err *e)
{
  IA_AUTOV(ia_buf) file = {.cap = LEAVES_MAX + HEAD};
  ia_dag_options o = {0};
  ia_path p;
  bool raw;
  ia_err none;

  if (!open_bytes(blob, b, cid, &raw, e) || !path_of(b, &p, &cid->hash, ".leaves", e))
    return false;
  if (!raw && ia_file_read(&file, p.s, LEAVES_MAX + HEAD, &none))
    return read_leaves(blob, &o, &file, e) && check_root(blob, &o, &cid->hash, e);
  if ((!raw && none.code != IA_E_NOT_FOUND) || blob->size > IA_DAG_CHUNK)
    return ia_fail(e, IA_E_CORRUPT, "blob: leaf list missing");
  /* the one leaf is the root */
  blob->raw = o.raw_leaves = raw;
  ia_buf_put(&blob->leaves, cid->hash.b, sizeof(cid->hash.b));
  return ia_buf_ok(&blob->leaves, e) && check_root(blob, &o, &cid->hash, e);
}

bool ia_blob_open(ia_blob **out, ia_blobs *b, const ia_cid *cid, ia_err *e)
{
  IA_AUTO(ia_blob) *blob = calloc(1, sizeof(*blob));

  if (!blob)
    return ia_fail(e, IA_E_MEMORY, "no memory for a blob");
  blob->fd = -1;
  blob->leaves.cap = LEAVES_MAX;
  if (!load(blob, b, cid, e))
    return false;
  *out = ia_steal(&blob);
  return true;
}

void ia_blob_close(ia_blob *b)
{
  if (!b)
    return;
  if (b->fd >= 0)
    close(b->fd);
  ia_buf_free(&b->leaves);
  free(b);
}

uint64_t ia_blob_size(const ia_blob *b)
{
  return b->size;
}

uint64_t ia_blob_root_block(const ia_blob *b)
{
  return b->root_block;
}

bool ia_blob_peek(ia_blobs *b, const ia_cid *cid, uint64_t *size, bool *zip, ia_err *e)
{
  ia_blob blob = {.fd = -1};
  uint8_t head[4];
  bool raw;

  bool ok = open_bytes(&blob, b, cid, &raw, e);
  *size = blob.size;
  *zip = ok && pread(blob.fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) &&
         (memcmp(head, "PK\x03\x04", 4) == 0 || memcmp(head, "PK\x05\x06", 4) == 0);
  if (blob.fd >= 0)
    close(blob.fd);
  return ok;
}

static bool read_chunk(ia_blob *b, uint64_t index, uint8_t *buf, size_t n, ia_err *e)
{
  ia_h256 hash;
  size_t done = 0;

  while (done < n) {
    ssize_t k = pread(b->fd, buf + done, n - done, (off_t)(index * IA_DAG_CHUNK + done));

    if (k < 0 && errno == EINTR)
      continue;
    if (k < 0)
      return ia_fail_errno(e, "blob");
    if (k == 0)
      return ia_fail(e, IA_E_CORRUPT, "blob: cut short on disk");
    done += (size_t)k;
  }
  ia_dag_leaf_hash(&hash, ia_span_of(buf, n), b->raw);
  if (memcmp(hash.b, b->leaves.ptr + index * 32, 32) != 0)
    return ia_fail(e, IA_E_CORRUPT, "blob: bytes on disk are not those of its CID");
  return true;
}

bool ia_blob_read_at(ia_blob *b, uint64_t from, uint8_t *buf, size_t cap, size_t *n, ia_err *e)
{
  *n = 0;
  if (from >= b->size || cap == 0)
    return true;
  uint64_t index = from / IA_DAG_CHUNK, start = index * IA_DAG_CHUNK;
  size_t chunk = b->size - start < IA_DAG_CHUNK ? (size_t)(b->size - start) : IA_DAG_CHUNK;
  if (from == start && cap >= chunk) {
    *n = chunk;
    return read_chunk(b, index, buf, chunk, e);
  }
  ia_autofree uint8_t *all = malloc(chunk);
  if (!all)
    return ia_fail(e, IA_E_MEMORY, "no memory for a chunk");
  if (!read_chunk(b, index, all, chunk, e))
    return false;
  size_t skip = (size_t)(from - start);
  *n = chunk - skip < cap ? chunk - skip : cap;
  memcpy(buf, all + skip, *n);
  return true;
}

bool ia_blob_load(ia_buf *out, ia_blobs *b, const ia_cid *cid, size_t cap, ia_err *e)
{
  IA_AUTO(ia_blob) *blob = NULL;
  uint64_t at = 0;
  size_t n;

  if (!ia_blob_open(&blob, b, cid, e))
    return false;
  if (blob->size > cap)
    return ia_fail(e, IA_E_TOO_LARGE, "blob above %zu bytes", cap);
  for (; at < blob->size; at += n) {
    size_t want = blob->size - at < IA_DAG_CHUNK ? (size_t)(blob->size - at) : IA_DAG_CHUNK;
    uint8_t *p = ia_buf_reserve(out, want);

    if (!p)
      return ia_buf_ok(out, e);
    if (!ia_blob_read_at(blob, at, p, want, &n, e))
      return false;
    out->len += n;
  }
  return true;
}
