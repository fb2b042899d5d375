/* Nodes by name; each folder's children in a balanced tree (tsearch), so that hostile names cost no
 * more than others. The rules are those of unpack.c, entry for entry. */
#include "image/model.h"

#include <search.h>
#include <stdio.h>

#include "base/file.h"

enum { DEPTH = 512, NOTHING_STAYS = -2 };

typedef struct node {
  char *name;
  struct node *parent;
  void *children; /* of a folder */
  ia_at kind;     /* IA_AT_FOLDER, .. */
  int owner;      /* the layer that put it here, if only by an entry below it */
  int layer;      /* of a file: whose content it is, */
  uint64_t entry; /* and which entry of that layer */
  char *link;     /* text of a link */
} node;

struct ia_model {
  node root;
  int layer;
  uint64_t entry; /* of this layer */
};

static int by_name(const void *a, const void *b)
{
  return strcmp(((const node *)a)->name, ((const node *)b)->name);
}

bool ia_model_new(ia_model **out, ia_err *e)
{
  *out = calloc(1, sizeof(**out));
  if (!*out)
    return ia_fail(e, IA_E_MEMORY, "image");
  (*out)->root.kind = IA_AT_FOLDER;
  (*out)->layer = -1;
  return true;
}

static void free_node(void *p)
{
  node *n = p;

  tdestroy(n->children, free_node);
  free(n->name);
  free(n->link);
  free(n);
}

void ia_model_free(ia_model *m)
{
  if (!m)
    return;
  tdestroy(m->root.children, free_node);
  free(m);
}

void ia_model_layer(ia_model *m)
{
  m->layer++;
  m->entry = 0;
}

static node *child(const node *dir, const char *name)
{
  node key = {.name = (char *)(uintptr_t)name};
  void *const *found = tfind(&key, &dir->children, by_name);

  return found ? *found : NULL;
}

static node *add(node *dir, const char *name, ia_at kind, int owner, ia_err *e)
{
  node *n = calloc(1, sizeof(*n));

  if (n)
    *n = (node){.name = strdup(name), .parent = dir, .kind = kind, .owner = owner};
  if (n && n->name && tsearch(n, &dir->children, by_name))
    return n;
  if (n)
    free_node(n);
  (void)ia_fail(e, IA_E_MEMORY, "image");
  return NULL;
}

typedef struct list {
  node **v;
  size_t n, room;
  bool bad;
} list;

static void gather(const void *p, VISIT order, void *arg)
{
  list *l = arg;

  if (order != postorder && order != leaf)
    return;
  if (l->n == l->room) {
    size_t room = l->room ? l->room * 2 : 16;
    node **bigger = reallocarray(l->v, room, sizeof(node *));

    l->bad |= !bigger;
    if (!bigger)
      return;
    l->v = bigger;
    l->room = room;
  }
  l->v[l->n++] = *(node *const *)p;
}

static bool children(list *l, const node *dir, ia_err *e)
{
  *l = (list){0};
  twalk_r(dir->children, gather, l);
  if (!l->bad)
    return true;
  free(l->v);
  return ia_fail(e, IA_E_MEMORY, "image");
}

static bool empty(node *dir, int keep, bool *kept, ia_err *e);

/* keep: what this layer put here stays, with the folders above it (NOTHING_STAYS: nothing does). */
static bool removed(node *n, int keep, bool *kept, ia_err *e)
{
  bool inside = false;

  if (n->kind == IA_AT_FOLDER && !empty(n, keep, &inside, e))
    return false;
  if (n->owner == keep || inside) {
    *kept = true;
    return true;
  }
  (void)tdelete(n, &n->parent->children, by_name);
  free_node(n);
  return true;
}

static bool empty(node *dir, int keep, bool *kept, ia_err *e)
{
  list l;
  bool ok = children(&l, dir, e);

  if (!ok)
    return false;
  for (size_t i = 0; ok && i < l.n; i++)
    ok = removed(l.v[i], keep, kept, e);
  free(l.v);
  return ok;
}

static bool remove_node(node *n, int keep, ia_err *e)
{
  bool kept = false;

  return !n || removed(n, keep, &kept, e);
}

/* By a canonical path; NULL when there is none. */
static node *at_path(const ia_model *m, const char *path)
{
  char name[IA_TAR_PATH + 1];
  node *n = (node *)(uintptr_t)&m->root;

  while (n && *path) {
    size_t len = strcspn(path, "/");

    memcpy(name, path, len);
    name[len] = '\0';
    n = n->kind == IA_AT_FOLDER ? child(n, name) : NULL;
    path += len + (path[len] == '/');
  }
  return n;
}

ia_at ia_model_look(void *arg, const char *path, char link[IA_TAR_PATH + 1])
{
  const node *n = at_path(arg, path);

  if (n && n->kind == IA_AT_LINK)
    (void)snprintf(link, IA_TAR_PATH + 1, "%s", n->link);
  return n ? n->kind : IA_AT_NOTHING;
}

/* The layers' own tree: without what the sandbox covers. */
static bool walk_layers(const ia_model *m, const char *path, char out[IA_TAR_PATH + 1], ia_at *what)
{
  ia_image_view v = {.look = ia_model_look, .arg = (void *)(uintptr_t)m, .bare = true};

  return ia_image_walk(&v, path, out, what, NULL);
}

/* The folder at `path`, or NULL: links are followed. */
static node *folder_at(ia_model *m, const char *path)
{
  char canonical[IA_TAR_PATH + 1];
  node *n = at_path(m, path);
  ia_at what;

  if (n && n->kind == IA_AT_FOLDER)
    return n;
  if (!walk_layers(m, path, canonical, &what) || what != IA_AT_FOLDER)
    return NULL;
  return at_path(m, canonical);
}

/* The folder above the path's last component, made when missing; as ia_tree_parent does it. */
static node *parent_of(ia_model *m, const char *path, const char **last, ia_err *e)
{
  const char *slash = strrchr(path, '/');
  char prefix[IA_TAR_PATH + 1];
  node *dir = &m->root;

  *last = slash ? slash + 1 : path;
  if (!slash)
    return dir;
  memcpy(prefix, path, (size_t)(slash - path));
  prefix[slash - path] = '\0';
  node *whole = folder_at(m, prefix);
  if (whole)
    return whole;
  for (char *p = prefix, *end; dir && p; p = end ? end + 1 : NULL) {
    end = strchr(p, '/');
    if (end)
      *end = '\0';
    node *next = folder_at(m, prefix);
    if (!next && remove_node(child(dir, p), NOTHING_STAYS, e))
      next = add(dir, p, IA_AT_FOLDER, m->layer, e);
    if (end)
      *end = '/';
    dir = next;
  }
  return dir;
}

/* A node of this layer at that name, in place of whatever is there. */
static node *replace(ia_model *m, node *dir, const char *name, ia_at kind, ia_err *e)
{
  return remove_node(child(dir, name), NOTHING_STAYS, e) ? add(dir, name, kind, m->layer, e) : NULL;
}

static bool put_folder(ia_model *m, node *dir, const char *name, ia_err *e)
{
  node *n = child(dir, name);

  if (!n || n->kind != IA_AT_FOLDER)
    n = replace(m, dir, name, IA_AT_FOLDER, e);
  if (n)
    n->owner = m->layer;
  return n != NULL;
}

static bool put_link(ia_model *m, node *dir, const char *name, const char *text, ia_err *e)
{
  node *n = replace(m, dir, name, IA_AT_LINK, e);

  if (!n)
    return false;
  n->link = strdup(text);
  return n->link || ia_fail(e, IA_E_MEMORY, "image");
}

static bool put_file(ia_model *m, node *dir, const char *name, const ia_tar_entry *en, ia_err *e)
{
  node *n = replace(m, dir, name, en->mode & 0111 ? IA_AT_PROGRAM : IA_AT_FILE, e);

  if (!n)
    return false;
  n->layer = m->layer;
  n->entry = m->entry;
  return true;
}

/* Would removing `n` remove `other` with it? */
static bool holds(const node *n, const node *other)
{
  while (other && other != n)
    other = other->parent;
  return n && other == n;
}

static bool put_hardlink(ia_model *m, node *dir, const char *name, const char *path,
                         const char *target, ia_err *e)
{
  const char *last;
  node *above, *from, *have;

  if (strcmp(path, target) == 0)
    return true;
  above = parent_of(m, target, &last, e);
  if (!above)
    return false;
  from = last[0] ? child(above, last) : NULL;
  if (!from || from->kind == IA_AT_FOLDER)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: hardlink to what is no file of the image: %.100s",
                   path);
  /* folders made for the one may have replaced those of the other */
  dir = parent_of(m, path, &last, e);
  if (!dir)
    return false;
  above = parent_of(m, target, &last, e);
  if (!above || child(above, last) != from || parent_of(m, path, &last, e) != dir)
    return ia_fail(e, IA_E_IMAGE_REFUSED,
                   "layer: hardlink between folders that exclude each other: %.80s", path);
  have = child(dir, name);
  if (have == from) {
    have->owner = m->layer;
    return true;
  }
  if (have && holds(have, from))
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: hardlink in the place of its own target: %.100s",
                   path);
  node copy = *from;
  if (copy.kind == IA_AT_LINK)
    return put_link(m, dir, name, copy.link, e);
  node *n = replace(m, dir, name, copy.kind, e);
  if (!n)
    return false;
  n->layer = copy.layer;
  n->entry = copy.entry;
  return true;
}

static bool whiteout(ia_model *m, node *dir, const char *name, ia_err *e)
{
  bool kept = false;

  if (strcmp(name, ".wh..wh..opq") == 0)
    return empty(dir, m->layer, &kept, e);
  if (strncmp(name, ".wh..wh.", 8) == 0)
    return true;
  name += 4;
  if (!name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "layer: whiteout without a name");
  return remove_node(child(dir, name), m->layer, e);
}

static bool put(ia_model *m, const ia_tar_entry *en, const char *path, const char *target,
                ia_err *e)
{
  const char *name;
  node *dir = parent_of(m, path, &name, e);

  if (!dir)
    return false;
  if (strncmp(name, ".wh.", 4) == 0)
    return whiteout(m, dir, name, e);
  switch (en->type) {
  case IA_TAR_FILE: return put_file(m, dir, name, en, e);
  case IA_TAR_DIR: return put_folder(m, dir, name, e);
  case IA_TAR_SYMLINK: return put_link(m, dir, name, en->link, e);
  case IA_TAR_HARDLINK: return put_hardlink(m, dir, name, path, target, e);
  case IA_TAR_CHAR:
  case IA_TAR_BLOCK:
  case IA_TAR_FIFO: break;
  }
  return true;
}

bool ia_model_entry(void *arg, const ia_tar_entry *en, const char *path, const char *target,
                    ia_err *e)
{
  ia_model *m = arg;
  bool ok = !path[0] || put(m, en, path, target, e);

  m->entry++;
  return ok;
}

bool ia_model_content(const ia_model *m, const char *path, size_t *layer, uint64_t *entry,
                      ia_err *e)
{
  const node *n = at_path(m, path);

  if (!n || (n->kind != IA_AT_FILE && n->kind != IA_AT_PROGRAM))
    return ia_fail(e, IA_E_NOT_FOUND, "no file /%.100s in the image", path);
  *layer = (size_t)n->layer;
  *entry = n->entry;
  return true;
}

static bool each(const node *dir, const char *above, ia_model_visit visit, void *arg,
                 unsigned depth)
{
  ia_path path;
  bool ok = true;
  list l;

  if (depth > DEPTH || !children(&l, dir, NULL))
    return false;
  for (size_t i = 0; ok && i < l.n; i++) {
    const node *n = l.v[i];

    ok = ia_path_join(&path, NULL, "%s%s%s", above, above[0] ? "/" : "", n->name) &&
         (n->kind == IA_AT_FOLDER ? each(n, path.s, visit, arg, depth + 1)
                                  : visit(arg, path.s, n->kind == IA_AT_PROGRAM));
  }
  free(l.v);
  return ok;
}

bool ia_model_each(const ia_model *m, ia_model_visit visit, void *arg)
{
  return each(&m->root, "", visit, arg, 0);
}
