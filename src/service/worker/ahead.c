/* What a task reads, fetched before its guest asks for a key: what is refused, missing or too large
 * costs no release, and its requester reads which file and why. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "service/worker/inside.h"

int worker_held_fd(const worker_task *t, const char *uri)
{
  for (size_t i = 0; i < t->n_held; i++)
    if (worker_same_uri(t->held[i].uri, uri))
      return t->held[i].fd;
  return -1;
}

void worker_held_free(worker_task *t)
{
  for (size_t i = 0; i < t->n_held; i++) {
    free(t->held[i].uri);
    close(t->held[i].fd);
  }
  free(t->held);
  t->held = NULL;
  t->n_held = 0;
}

/* fd is taken over. */
static bool hold(worker_task *t, const char *uri, int fd, ia_err *e)
{
  worker_held *more = realloc(t->held, (t->n_held + 1) * sizeof(*more));
  char *own = strdup(uri);

  if (more)
    t->held = more;
  if (!more || !own) {
    free(own);
    close(fd);
    return ia_fail(e, IA_E_MEMORY, "%.80s", uri);
  }
  more[t->n_held++] = (worker_held){own, fd};
  return true;
}

/* The same words as the guest's. */
static bool too_large(const char *what, uint64_t need, uint64_t room, ia_err *e)
{
  if (need > room)
    return ia_fail(e, IA_E_TOO_LARGE, "%.90s: %llu bytes needed in the enclave, %llu are free",
                   what, (unsigned long long)need, (unsigned long long)room);
  return ia_fail(e, IA_E_TOO_LARGE, "%.90s: more bytes needed in the enclave than the %llu free",
                 what, (unsigned long long)room);
}

static bool of_data(const char **cause, uint64_t size, uint64_t room, ia_err *e)
{
  if (e->code != IA_E_TOO_LARGE) {
    *cause = "PRE_COMPUTE_DATASET_DOWNLOAD_FAILED";
    return ia_wrap(e, "protected data");
  }
  *cause = "PRE_COMPUTE_DATASET_TOO_LARGE";
  return too_large("the protected data and its encrypted copy", 2 * size, room, e);
}

static bool of_file(const char **cause, const char *url, uint64_t size, uint64_t room, ia_err *e)
{
  char what[100];

  (void)snprintf(what, sizeof(what), "input file %.80s", url);
  switch (e->code) {
  case IA_E_TOO_LARGE: *cause = "PRE_COMPUTE_INPUT_FILE_TOO_LARGE"; break;
  case IA_E_UNSUPPORTED: *cause = "PRE_COMPUTE_INPUT_FILE_URL_REFUSED"; break;
  case IA_E_NOT_FOUND: /* blobs come and go */
    *cause = strstr(url, "://") ? "PRE_COMPUTE_INPUT_FILE_NOT_FOUND"
                                : "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED";
    break;
  default: *cause = "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED";
  }
  return e->code == IA_E_TOO_LARGE ? too_large(what, size, room, e) : ia_wrap(e, "%s", what);
}

/* What is left of the room that the enclave will have. */
static uint64_t room_left(const worker_task *t)
{
  uint64_t room = t->w->room;

  for (size_t i = 0; i < t->n_held; i++) {
    off_t n = lseek(t->held[i].fd, 0, SEEK_END);

    room -= n > 0 && (uint64_t)n < room ? (uint64_t)n : n > 0 ? room : 0;
  }
  return room;
}

/* One file of the task. The encrypted copy of data is in the enclave beside the data. */
static bool take(worker_task *t, const char *uri, bool data, const char **cause, ia_err *e)
{
  uint64_t room = room_left(t), size;
  int fd;

  if (worker_held_fd(t, uri) >= 0)
    return true;
  *cause = "WORKER_OUT_OF_RESOURCES";
  fd = worker_temp(t->w, e);
  if (fd < 0)
    return false;
  if (worker_get(t, fd, uri, data ? room / 2 : room, &size, e))
    return hold(t, uri, fd, e);
  close(fd);
  if (e->code == IA_E_DISK_FULL || e->code == IA_E_MEMORY)
    return false;
  return data ? of_data(cause, size, room, e) : of_file(cause, uri, size, room, e);
}

static bool take_all(worker_task *t, const char *key, bool data, const char **cause, ia_err *e)
{
  const json_t *v;
  size_t i;

  json_array_foreach (json_object_get(t->reads, key), i, v) {
    const char *uri = json_string_value(v);

    if (t->stopped)
      return ia_fail(e, IA_E_CANCELLED, "the lease was taken away");
    if (uri && !take(t, uri, data, cause, e))
      return false;
  }
  return true;
}

bool worker_ahead(worker_task *t, const char **cause, ia_err *e)
{
  *cause = "ABORTED_BY_WORKER";
  return take_all(t, "files", false, cause, e) && take_all(t, "data", true, cause, e);
}
