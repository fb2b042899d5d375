/* What 32 secret bytes do for a sealed result: its digest and its manifest hash stand in public,
 * and without the blind contents of few possibilities could be tried against them. */
#include "crypto/keccak.h"
#include "data/result_internal.h"

bool ia_manifest_begin(ia_sha *sha, const ia_secret *blind, bool simulated, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {.secret = true};

  ia_buf_lp_str(&b, blind       ? simulated ? "iapp-manifest-SIM/v2" : "iapp-manifest/v2"
                    : simulated ? "iapp-manifest-SIM/v1"
                                : "iapp-manifest/v1");
  if (blind)
    ia_buf_lp(&b, ia_secret_view(blind));
  ia_sha_update(sha, ia_buf_view(&b));
  return ia_buf_ok(&b, e);
}

bool ia_manifest_add(ia_sha *sha, ia_span path, uint64_t size, const ia_h256 *content, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_lp(&b, path);
  ia_buf_u64be(&b, size);
  ia_buf_put(&b, content->b, sizeof(content->b));
  ia_sha_update(sha, ia_buf_view(&b));
  return ia_buf_ok(&b, e);
}

bool ia_blinded_digest(ia_h256 *out, const ia_h256 *poco, const ia_secret *blind, bool simulated,
                       ia_err *e)
{
  IA_AUTOV(ia_buf) b = {.secret = true};

  ia_buf_lp_str(&b, simulated ? "iapp-result-digest-SIM/v2" : "iapp-result-digest/v2");
  ia_buf_lp(&b, ia_secret_view(blind));
  ia_buf_lp(&b, IA_SPAN_ARR(poco->b));
  ia_sha256(out, ia_buf_view(&b));
  return ia_buf_ok(&b, e);
}

bool ia_result_reserved(const char *path)
{
  size_t n = sizeof(IA_BLIND_FILE) - 1;

  return strncmp(path, IA_BLIND_FILE, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

/* -- reading it back -- */

/* A file of the archive under the name that it had in the enclave. */
struct file {
  ia_buf path;
  uint64_t size;
  ia_h256 content;
};

struct files {
  struct file *v;
  size_t n;
};

static void files_free(struct files *l)
{
  for (size_t i = 0; i < l->n; i++)
    ia_buf_free(&l->v[i].path);
  free(l->v);
}

static int hex_value(char c)
{
  return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undoes ia_result_entry_name. */
static void raw_name(ia_buf *out, const char *name)
{
  for (const char *p = name; *p; p++) {
    int high = *p == '%' ? hex_value(p[1]) : -1, low = high >= 0 ? hex_value(p[2]) : -1;

    ia_buf_u8(out, low >= 0 ? (uint8_t)(high * 16 + low) : (uint8_t)*p);
    p += low >= 0 ? 2 : 0;
  }
}

static bool hash_entry(void *ctx, ia_span data, ia_err *e IA_UNUSED)
{
  ia_sha_update(ctx, data);
  return true;
}

static bool add_file(struct files *l, const ia_zip *z, const ia_zip_entry *t, ia_err *e)
{
  struct file *f = &l->v[l->n];
  IA_AUTO(ia_sha) *sha = NULL;

  raw_name(&f->path, t->name);
  f->size = t->size;
  l->n++;
  return ia_buf_ok(&f->path, e) && ia_sha_new(&sha, IA_SHA256, e) &&
         ia_zip_extract(z, t, (ia_sink){hash_entry, sha}, e) && ia_sha_final(sha, f->content.b, e);
}

static int by_path(const void *a, const void *b)
{
  const ia_buf *x = &((const struct file *)a)->path, *y = &((const struct file *)b)->path;
  size_t n = x->len < y->len ? x->len : y->len;
  int d = n > 0 ? memcmp(x->ptr, y->ptr, n) : 0;

  return d != 0 ? d : x->len < y->len ? -1 : x->len > y->len;
}

static bool load_files(struct files *l, const ia_zip *z, ia_err *e)
{
  l->v = calloc(ia_zip_count(z) + 1, sizeof(*l->v));
  if (!l->v)
    return ia_fail(e, IA_E_MEMORY, "no memory for the files of a result");
  for (size_t i = 0; i < ia_zip_count(z); i++)
    if (!ia_zip_at(z, i)->folder && !add_file(l, z, ia_zip_at(z, i), e))
      return false;
  qsort(l->v, l->n, sizeof(*l->v), by_path);
  return true;
}

static bool manifest_of(ia_h256 *out, const struct files *l, const ia_secret *blind, bool simulated,
                        ia_err *e)
{
  IA_AUTO(ia_sha) *sha = NULL;

  if (!ia_sha_new(&sha, IA_SHA256, e) || !ia_manifest_begin(sha, blind, simulated, e))
    return false;
  for (size_t i = 0; i < l->n; i++)
    if (!ia_manifest_add(sha, ia_buf_view(&l->v[i].path), l->v[i].size, &l->v[i].content, e))
      return false;
  return ia_sha_final(sha, out->b, e);
}

/* The parts of a path without empty ones and ".", joined by '/', as the kernel walks it. */
static void plain_path(ia_buf *out, const char *path)
{
  while (*path) {
    size_t n = strcspn(path, "/");

    if (n > 0 && !(n == 1 && path[0] == '.')) {
      if (out->len > 0)
        ia_buf_u8(out, '/');
      ia_buf_put(out, path, n);
    }
    path += n + (path[n] == '/');
  }
}

/* The name of a file directly in the folder; empty when it is not there. "" is the top. */
static ia_span direct_name(const struct file *f, ia_span folder)
{
  ia_span path = ia_buf_view(&f->path);
  size_t skip = folder.len > 0 ? folder.len + 1 : 0;

  if (path.len <= skip ||
      (skip > 0 && (memcmp(path.ptr, folder.ptr, folder.len) != 0 || path.ptr[skip - 1] != '/')))
    return ia_span_of(NULL, 0);
  path = ia_span_of(path.ptr + skip, path.len - skip);
  return memchr(path.ptr, '/', path.len) ? ia_span_of(NULL, 0) : path;
}

/* The PoCo digest of what computed.json names, by the rule of ia_result_digest. False: it names
 * nothing. */
static bool poco_of(ia_h256 *out, const struct files *l, ia_span path)
{
  ia_keccak k;
  size_t used = 0;

  ia_keccak_init(&k);
  for (size_t i = 0; i < l->n; i++) {
    const struct file *f = &l->v[i];

    if (path.len > 0 && ia_span_eq(ia_buf_view(&f->path), path)) {
      *out = f->content;
      return f->size > 0;
    }
    if (direct_name(f, path).len == 0 || f->size == 0)
      continue;
    ia_keccak_update(&k, IA_SPAN_ARR(f->content.b));
    used++;
  }
  ia_keccak_final(&k, out);
  return used > 0;
}

static bool computed_path(ia_buf *out, const ia_zip *z)
{
  IA_AUTOV(ia_computed) c = {0};
  IA_AUTOV(ia_buf) text = {.cap = IA_COMPUTED_MAX};
  const ia_zip_entry *t = ia_zip_find(z, "computed.json");

  if (!t || t->folder || !ia_zip_read(z, t, &text, NULL) ||
      !ia_computed_parse(&c, ia_buf_view(&text), "/iexec_out", NULL) || !c.path)
    return false;
  plain_path(out, c.path);
  return ia_buf_ok(out, NULL);
}

static bool mismatch(ia_err *e, const char *why)
{
  return ia_fail(e, IA_E_RESULT_MISMATCH, "the result %s", why);
}

/* Under either domain's label: a hash of one is never one of the other. */
static bool is_manifest(const struct files *l, const ia_secret *blind, const ia_h256 *want)
{
  ia_h256 hw, sim;

  return manifest_of(&hw, l, blind, false, NULL) && manifest_of(&sim, l, blind, true, NULL) &&
         (ia_h256_eq(&hw, want) || ia_h256_eq(&sim, want));
}

static bool is_digest(const struct files *l, const ia_zip *z, const ia_secret *blind,
                      const ia_h256 *want)
{
  IA_AUTOV(ia_buf) path = {0};
  ia_h256 poco, hw, sim;

  return computed_path(&path, z) && poco_of(&poco, l, ia_buf_view(&path)) &&
         ia_blinded_digest(&hw, &poco, blind, false, NULL) &&
         ia_blinded_digest(&sim, &poco, blind, true, NULL) &&
         (ia_h256_eq(&hw, want) || ia_h256_eq(&sim, want));
}

/* z without the blind. */
static bool check_files(const ia_zip *z, const ia_secret *blind, const ia_result_claim *c,
                        ia_err *e)
{
  struct files l = {0};
  bool ok = load_files(&l, z, e);

  if (ok && c->manifest && !is_manifest(&l, blind, c->manifest))
    ok = mismatch(e, "holds other files than the run statement says");
  if (ok && c->digest && !is_digest(&l, z, blind, c->digest))
    ok = mismatch(e, "does not have the digest that was settled");
  files_free(&l);
  return ok;
}

struct reading {
  uint8_t blind[IA_BLIND_BYTES];
  uint64_t at;
  bool padded; /* nothing but zeroes behind the blind */
};

static bool read_blind(void *ctx, ia_span data, ia_err *e IA_UNUSED)
{
  struct reading *r = ctx;

  for (size_t i = 0; i < data.len; i++, r->at++) {
    if (r->at < IA_BLIND_BYTES)
      r->blind[r->at] = data.ptr[i];
    else if (data.ptr[i] != 0)
      r->padded = false;
  }
  return true;
}

static bool take_blind(ia_secret *out, const ia_zip *z, const ia_zip_entry *t, ia_err *e)
{
  struct reading r = {.padded = true};
  bool ok = !t->folder && ia_zip_extract(z, t, (ia_sink){read_blind, &r}, NULL) && r.padded &&
            r.at >= IA_BLIND_BYTES && ia_secret_copy(out, IA_SPAN_ARR(r.blind), NULL);

  ia_wipe(r.blind, sizeof(r.blind));
  return ok || mismatch(e, "has no usable " IA_BLIND_FILE);
}

static bool check(ia_zip *z, const ia_result_claim *c, ia_err *e)
{
  const ia_zip_entry *t = ia_zip_find(z, IA_BLIND_FILE);
  IA_AUTOV(ia_secret) blind = {0};

  if (!t)
    return !c->sealed || !c->stated || mismatch(e, "was sealed without " IA_BLIND_FILE);
  if (!c->sealed)
    return mismatch(e, "is not encrypted and yet holds " IA_BLIND_FILE);
  if (!take_blind(&blind, z, t, e))
    return false;
  ia_zip_hide(z, t);
  return check_files(z, &blind, c, e);
}

bool ia_result_open(ia_zip **out, ia_blob plain, const ia_result_claim *claim, ia_err *e)
{
  IA_AUTO(ia_zip) *z = NULL;

  if (!ia_zip_open(&z, plain, 0, e) || !check(z, claim, e))
    return false;
  *out = ia_steal(&z);
  return true;
}

void ia_result_hide_blind(ia_zip *z)
{
  const ia_zip_entry *t = ia_zip_find(z, IA_BLIND_FILE);
  IA_AUTOV(ia_secret) blind = {0};

  if (t && take_blind(&blind, z, t, NULL))
    ia_zip_hide(z, t);
}
