/* Walking a tree of names, and the judgement of program and working folder. */
#include "image/run.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "image/tree.h"

enum { HOPS = 40, PASSWD_CAP = 1 << 20 };

/* What stands at the root of every box, whatever the image has there (sandbox/root.c). */
static const char *const covered[] = {"proc", "dev", "tmp", "iexec_in", "iexec_out"};

/* The covered folder that the path is or lies below, or NULL. */
static const char *covered_by(const char *path)
{
  for (size_t i = 0; i < IA_COUNT(covered); i++) {
    size_t n = strlen(covered[i]);

    if (strncmp(path, covered[i], n) == 0 && (path[n] == '\0' || path[n] == '/'))
      return covered[i];
  }
  return NULL;
}

static ia_at look(const ia_image_view *v, const char *path, char link[IA_TAR_PATH + 1])
{
  const char *cover = covered_by(path);

  if (!path[0])
    return IA_AT_FOLDER;
  if (v->bare)
    return v->look(v->arg, path, link);
  if (strcmp(path, "dev/shm") == 0)
    return IA_AT_FOLDER;
  if (cover)
    return strcmp(cover, path) == 0 ? IA_AT_FOLDER : IA_AT_NOTHING;
  return v->look(v->arg, path, link);
}

typedef struct walk {
  char *out; /* canonical so far, IA_TAR_PATH + 1 bytes */
  size_t n;
  char rest[2 * IA_TAR_PATH + 2];
  char link[IA_TAR_PATH + 1];
  unsigned hops;
} walk;

static void up(walk *w)
{
  while (w->n > 0 && w->out[w->n - 1] != '/')
    w->n--;
  w->n -= w->n > 0;
  w->out[w->n] = '\0';
}

/* The next component goes onto out; false when it does not fit. */
static bool down(walk *w, const char *name, size_t len)
{
  if (w->n + len + 2 > IA_TAR_PATH)
    return false;
  if (w->n > 0)
    w->out[w->n++] = '/';
  memcpy(w->out + w->n, name, len);
  w->n += len;
  w->out[w->n] = '\0';
  return true;
}

/* The link at out is replaced by what it names. */
static bool follow(walk *w, const char *rest)
{
  size_t len = strlen(w->link), left = strlen(rest);

  if (++w->hops > HOPS || len + left + 2 > sizeof(w->rest))
    return false;
  memmove(w->rest + len + 1, rest, left + 1);
  memcpy(w->rest, w->link, len);
  w->rest[len] = '/';
  if (w->link[0] == '/')
    w->n = 0;
  else
    up(w);
  w->out[w->n] = '\0';
  return true;
}

bool ia_image_walk(const ia_image_view *v, const char *path, char out[IA_TAR_PATH + 1], ia_at *what,
                   ia_err *e)
{
  ia_autofree walk *w = calloc(1, sizeof(*w));
  const char *at;

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "image path");
  if (strlen(path) > IA_TAR_PATH)
    return ia_fail(e, IA_E_IMAGE_REFUSED, "image: path too long: %.60s", path);
  w->out = out;
  out[0] = '\0';
  memcpy(w->rest, path, strlen(path) + 1);
  *what = IA_AT_FOLDER;
  for (at = w->rest; *at;) {
    size_t len = strcspn(at, "/");
    const char *next = at + len + strspn(at + len, "/");

    if (len == 2 && at[0] == '.' && at[1] == '.') {
      up(w);
      *what = *what == IA_AT_NOTHING ? look(v, out, w->link) : IA_AT_FOLDER;
    } else if (len > 0 && !(len == 1 && at[0] == '.')) {
      if (!down(w, at, len))
        return ia_fail(e, IA_E_IMAGE_REFUSED, "image: path too long: %.60s", path);
      *what = *what == IA_AT_FOLDER ? look(v, out, w->link) : IA_AT_NOTHING;
    }
    if (*what == IA_AT_LINK) {
      if (!follow(w, next))
        return ia_fail(e, IA_E_IMAGE_REFUSED, "image: %.80s: its links lead round in a circle",
                       path);
      *what = IA_AT_FOLDER;
      next = w->rest;
    }
    if (*next && (*what == IA_AT_FILE || *what == IA_AT_PROGRAM))
      return ia_fail(e, IA_E_IMAGE_REFUSED, "image: /%.80s is a file, not a folder", out);
    at = next;
  }
  return true;
}

/* -- a folder as a view -- */
static ia_at folder_look(void *arg, const char *path, char link[IA_TAR_PATH + 1])
{
  struct stat st;

  if (fstatat(*(int *)arg, path, &st, AT_SYMLINK_NOFOLLOW) != 0)
    return IA_AT_NOTHING;
  if (S_ISDIR(st.st_mode))
    return IA_AT_FOLDER;
  if (S_ISREG(st.st_mode))
    return st.st_mode & 0111 ? IA_AT_PROGRAM : IA_AT_FILE;
  ssize_t n = S_ISLNK(st.st_mode) ? readlinkat(*(int *)arg, path, link, IA_TAR_PATH) : -1;
  if (n < 0)
    return IA_AT_NOTHING;
  link[n] = '\0';
  return IA_AT_LINK;
}

static bool folder_read(void *arg, const char *path, uint64_t offset, void *buf, size_t room,
                        size_t *n, ia_err *e)
{
  ia_autoclose int fd = -1;
  size_t got = 0;

  if (!ia_tree_open_file(*(int *)arg, path, &fd, e))
    return false;
  while (got < room) {
    ssize_t k = pread(fd, (uint8_t *)buf + got, room - got, (off_t)(offset + got));

    if (k < 0)
      return ia_fail_errno(e, "image path %.100s", path);
    if (k == 0)
      break;
    got += (size_t)k;
  }
  *n = got;
  return true;
}

ia_image_view ia_image_view_folder(int *root_fd)
{
  return (ia_image_view){.look = folder_look, .read = folder_read, .arg = root_fd};
}

/* -- user and working folder -- */
/* The text of a file of the image; "" when there is none. */
static bool text_of(char **out, const ia_image_view *v, const char *path, ia_err *e)
{
  char canonical[IA_TAR_PATH + 1];
  size_t n = 0;
  ia_at what;

  *out = calloc(PASSWD_CAP + 1, 1);
  if (!*out)
    return ia_fail(e, IA_E_MEMORY, "image");
  if (!ia_image_walk(v, path, canonical, &what, NULL) ||
      (what != IA_AT_FILE && what != IA_AT_PROGRAM))
    return true;
  return v->read(v->arg, canonical, 0, *out, PASSWD_CAP, &n, e);
}

static bool place(ia_image_run *out, const ia_image_view *v, const char *workdir, ia_err *e)
{
  char *path = out->cwd + 1;
  const char *cover;
  ia_at what;

  out->cwd[0] = '/';
  if (!ia_image_walk(v, workdir, path, &what, e) || what == IA_AT_FILE || what == IA_AT_PROGRAM) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED, "working folder %.100s: not a folder in this image",
                  workdir);
    return ia_hint(e, "set WORKDIR to a folder");
  }
  cover = covered_by(path);
  if (what == IA_AT_NOTHING && cover && strcmp(cover, "tmp") != 0 &&
      strcmp(cover, "iexec_out") != 0 && strncmp(path, "dev/shm/", 8) != 0) {
    (void)ia_fail(e, IA_E_IMAGE_REFUSED,
                  "working folder %.80s: lies below /%s, which the sandbox mounts read-only",
                  workdir, cover);
    return ia_hint(e, "set WORKDIR to a folder of the image, or below /tmp or /iexec_out");
  }
  return true;
}

bool ia_image_run_of(ia_image_run *out, const ia_image_view *v, const ia_oci_config *c, ia_err *e)
{
  ia_autofree char *passwd = NULL, *group = NULL;

  memset(out, 0, sizeof(*out));
  if (!place(out, v, c->workdir, e))
    return false;
  if (!c->user[0])
    return true;
  return text_of(&passwd, v, "etc/passwd", e) && text_of(&group, v, "etc/group", e) &&
         ia_image_user(out, c->user, passwd, group, e);
}
