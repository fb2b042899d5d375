/* Trees of values to protect. */
#include "data/node.h"

#include "data/zip.h"

struct ia_node {
  char *key; /* "" at the top */
  ia_type type;
  ia_buf bytes; /* of a leaf that is in memory, as in the archive */
  int fd;       /* of a leaf that streams, else -1 */
  ia_node **child;
  size_t n_children;
  size_t room;
  unsigned depth;
  unsigned *total; /* nodes of the whole tree; owned by the top */
};

static bool node_new(ia_node **out, const char *key, ia_type type, ia_err *e)
{
  ia_node *n = calloc(1, sizeof(*n));

  if (!n || !(n->key = strdup(key))) {
    free(n);
    return ia_fail(e, IA_E_MEMORY, "no memory for a value");
  }
  n->type = type;
  n->fd = -1;
  n->bytes.secret = true;
  n->bytes.cap = (size_t)1 << 30;
  *out = n;
  return true;
}

bool ia_node_new(ia_node **out, ia_err *e)
{
  if (!node_new(out, "", IA_TYPE_FOLDER, e))
    return false;
  (*out)->total = calloc(1, sizeof(unsigned));
  if (!(*out)->total) {
    ia_node_free(*out);
    *out = NULL;
    return ia_fail(e, IA_E_MEMORY, "no memory for a value");
  }
  return true;
}

void ia_node_free(ia_node *n)
{
  if (!n)
    return;
  for (size_t i = 0; i < n->n_children; i++)
    ia_node_free(n->child[i]); /* at most IA_NODE_DEPTH_MAX deep */
  if (n->depth == 0)
    free(n->total);
  if (n->fd >= 0)
    close(n->fd);
  ia_buf_free(&n->bytes);
  free(n->child);
  free(n->key);
  free(n);
}

static bool key_ok(const char *key, ia_err *e)
{
  static const char bytes[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

  if (!*key)
    return ia_fail(e, IA_E_BAD_INPUT_KEY, "data is not valid: Unsupported empty key");
  if (key[strspn(key, bytes)] != '\0')
    return ia_fail(e, IA_E_BAD_INPUT_KEY,
                   "data is not valid: Unsupported special character in key");
  /* the npm writer loses this member from the schema but not from the archive */
  if (strcmp(key, "__proto__") == 0)
    return ia_fail(e, IA_E_BAD_INPUT_KEY, "data is not valid: Unsupported key __proto__");
  return true;
}

/* ECMA-262 array index: canonical decimal of 0 .. 2^32 - 2. */
static bool index_key(const char *key, uint64_t *out)
{
  uint64_t v = 0;
  size_t n = strlen(key);

  if (n == 0 || n > 10 || (key[0] == '0' && n > 1))
    return false;
  for (size_t i = 0; i < n; i++) {
    if (key[i] < '0' || key[i] > '9')
      return false;
    v = v * 10 + (uint64_t)(key[i] - '0');
  }
  *out = v;
  return v < UINT32_MAX;
}

/* Where a new key stands among its siblings. */
static size_t position(const ia_node *folder, const char *key)
{
  uint64_t mine, other;
  size_t i = 0;

  if (!index_key(key, &mine))
    return folder->n_children;
  while (i < folder->n_children && index_key(folder->child[i]->key, &other) && other < mine)
    i++;
  return i;
}

static ia_node *find(const ia_node *folder, const char *key)
{
  for (size_t i = 0; i < folder->n_children; i++)
    if (strcmp(folder->child[i]->key, key) == 0)
      return folder->child[i];
  return NULL;
}

/* Takes child, also when it fails. */
static bool attach(ia_node *folder, ia_node *child, ia_err *e)
{
  IA_AUTO(ia_node) *owned = child;

  child->depth = folder->depth + 1;
  child->total = folder->total;
  if (!key_ok(child->key, e))
    return false;
  if (child->depth > IA_NODE_DEPTH_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "values nested deeper than %d", IA_NODE_DEPTH_MAX);
  if (*folder->total >= IA_NODES_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "more than %d values", IA_NODES_MAX);
  if (find(folder, child->key))
    return ia_fail(e, IA_E_EXISTS, "key \"%.64s\" twice", child->key);
  if (folder->n_children == folder->room) {
    size_t room = folder->room ? folder->room * 2 : 8;
    ia_node **grown = realloc(folder->child, room * sizeof(*grown));

    if (!grown)
      return ia_fail(e, IA_E_MEMORY, "no memory for a value");
    folder->child = grown;
    folder->room = room;
  }
  size_t at = position(folder, child->key);
  memmove(folder->child + at + 1, folder->child + at,
          (folder->n_children - at) * sizeof(*folder->child));
  folder->child[at] = ia_steal(&owned);
  folder->n_children++;
  ++*folder->total;
  return true;
}

bool ia_node_add_folder(ia_node *folder, ia_node **child, const char *key, ia_err *e)
{
  ia_node *n = NULL;

  if (!node_new(&n, key, IA_TYPE_FOLDER, e) || !attach(folder, n, e))
    return false;
  *child = n;
  return true;
}

bool ia_node_folder(ia_node *folder, ia_node **child, const char *key, ia_err *e)
{
  *child = find(folder, key);
  if (!*child)
    return ia_node_add_folder(folder, child, key, e);
  if ((*child)->type != IA_TYPE_FOLDER)
    return ia_fail(e, IA_E_EXISTS, "\"%.64s\" is a value already", key);
  return true;
}

bool ia_node_add_bool(ia_node *folder, const char *key, bool v, ia_err *e)
{
  ia_node *n = NULL;

  if (!node_new(&n, key, IA_TYPE_BOOL, e))
    return false;
  ia_borsh_put_bool(&n->bytes, v);
  return attach(folder, n, e);
}

bool ia_node_add_f64(ia_node *folder, const char *key, double v, ia_err *e)
{
  IA_AUTO(ia_node) *n = NULL;

  return node_new(&n, key, IA_TYPE_F64, e) && ia_borsh_put_f64(&n->bytes, v, e) &&
         attach(folder, ia_steal(&n), e);
}

bool ia_node_add_i128(ia_node *folder, const char *key, const ia_i128 *v, ia_err *e)
{
  ia_node *n = NULL;

  if (!node_new(&n, key, IA_TYPE_I128, e))
    return false;
  ia_borsh_put_i128(&n->bytes, v);
  return attach(folder, n, e);
}

bool ia_node_add_string(ia_node *folder, const char *key, ia_span utf8, ia_err *e)
{
  IA_AUTO(ia_node) *n = NULL;

  return node_new(&n, key, IA_TYPE_STRING, e) && ia_borsh_put_string(&n->bytes, utf8, e) &&
         attach(folder, ia_steal(&n), e);
}

static ia_span head_of(ia_span bytes)
{
  return ia_span_of(bytes.ptr, bytes.len < IA_MIME_HEAD ? bytes.len : IA_MIME_HEAD);
}

bool ia_node_add_bytes(ia_node *folder, const char *key, ia_span bytes, ia_err *e)
{
  IA_AUTO(ia_node) *n = NULL;

  if (!node_new(&n, key, ia_mime_detect(head_of(bytes)), e))
    return false;
  ia_buf_span(&n->bytes, bytes);
  return ia_buf_ok(&n->bytes, e) && attach(folder, ia_steal(&n), e);
}

bool ia_node_add_file(ia_node *folder, const char *key, int fd, ia_err *e)
{
  ia_autoclose int owned = fd;
  uint8_t head[IA_MIME_HEAD];
  ia_blob blob;
  ia_node *n = NULL;

  if (!ia_blob_fd(&blob, fd, e))
    return false;
  size_t len = blob.size < sizeof(head) ? (size_t)blob.size : sizeof(head);
  if (!ia_blob_read(&blob, 0, head, len, e) ||
      !node_new(&n, key, ia_mime_detect(ia_span_of(head, len)), e))
    return false;
  n->fd = ia_steal_fd(&owned);
  return attach(folder, n, e);
}

bool ia_node_set_type(ia_node *folder, const char *key, ia_type type, ia_err *e)
{
  ia_node *n = find(folder, key);

  if (!n)
    return ia_fail(e, IA_E_NO_ENTRY, "no value \"%.64s\"", key);
  if (!ia_type_is_bytes(n->type) || !ia_type_is_bytes(type))
    return ia_fail(e, IA_E_UNKNOWN_TYPE, "%s: only files have a media type", n->key);
  n->type = type;
  return true;
}

bool ia_node_empty(const ia_node *folder)
{
  return folder->n_children == 0;
}

static void schema(ia_buf *out, const ia_node *n)
{
  if (n->type != IA_TYPE_FOLDER) {
    ia_buf_printf(out, "\"%s\"", ia_type_name(n->type));
    return;
  }
  ia_buf_u8(out, '{');
  for (size_t i = 0; i < n->n_children; i++) {
    ia_buf_printf(out, "%s\"%s\":", i ? "," : "", n->child[i]->key);
    schema(out, n->child[i]);
  }
  ia_buf_u8(out, '}');
}

bool ia_node_schema(ia_buf *out, const ia_node *top, ia_err *e)
{
  schema(out, top);
  return ia_buf_ok(out, e);
}

typedef bool visit(void *ctx, const char *name, const ia_node *n, ia_err *e);

/* Names grow and shrink in one buffer, "a/b/" for folders. */
static bool walk(const ia_node *n, ia_buf *name, visit *each, void *ctx, ia_err *e)
{
  for (size_t i = 0; i < n->n_children; i++) {
    const ia_node *c = n->child[i];
    size_t before = name->len;

    ia_buf_printf(name, "%s%s", c->key, c->type == IA_TYPE_FOLDER ? "/" : "");
    ia_buf_u8(name, 0);
    if (!ia_buf_ok(name, e) || !each(ctx, (const char *)name->ptr, c, e))
      return false;
    name->len--;
    if (c->type == IA_TYPE_FOLDER && !walk(c, name, each, ctx, e))
      return false;
    name->len = before;
  }
  return true;
}

static bool zip_one(void *ctx, const char *name, const ia_node *n, ia_err *e)
{
  ia_blob blob = ia_blob_mem(ia_buf_view(&n->bytes));

  if (n->type == IA_TYPE_FOLDER)
    return ia_zip_add_folder(ctx, name, e);
  if (n->fd >= 0 && !ia_blob_fd(&blob, n->fd, e))
    return ia_wrap(e, "%s", name);
  return ia_zip_add_stored(ctx, name, blob, e);
}

bool ia_node_zip(const ia_node *top, ia_sink to, ia_err *e)
{
  IA_AUTO(ia_zip_writer) *w = NULL;
  IA_AUTOV(ia_buf) name = {.cap = UINT16_MAX};

  return ia_zip_writer_new(&w, to, e) && walk(top, &name, zip_one, w, e) && ia_zip_finish(w, e);
}

struct lister {
  bool (*each)(void *ctx, const char *name, ia_err *e);
  void *ctx;
};

static bool list_one(void *ctx, const char *name, const ia_node *n IA_UNUSED, ia_err *e)
{
  struct lister *l = ctx;

  return l->each(l->ctx, name, e);
}

bool ia_node_entries(const ia_node *top, bool (*each)(void *ctx, const char *name, ia_err *e),
                     void *ctx, ia_err *e)
{
  struct lister l = {each, ctx};
  IA_AUTOV(ia_buf) name = {.cap = UINT16_MAX};

  return walk(top, &name, list_one, &l, e);
}
