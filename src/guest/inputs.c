/* Inputs of an app. */
#include "guest/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/hex.h"
#include "crypto/sha.h"
#include "crypto/unixfs.h"
#include "data/cipher.h"
#include "data/plain.h"
#include "guest/content.h"
#include "poco/appenv.h"

typedef struct work {
  const ia_inputs_spec *s;
  ia_link *l;
  ia_run *run;
  const char **cause;
} work;

enum { PAGE = 4096 }; /* of the memory file system: what the smallest file takes */

static bool because(work *w, const char *cause)
{
  *w->cause = cause;
  return false;
}

/* Why, in words that everybody may read: sizes, public addresses, and what the host said itself. */
static bool because_of(work *w, const char *cause, const ia_err *e)
{
  (void)snprintf(w->s->told, IA_INPUTS_TOLD, "%s", e->msg);
  return because(w, cause);
}

/* Bytes that the task's folder can still take. */
static uint64_t free_bytes(const work *w)
{
  struct statvfs v;

  return fstatvfs(w->s->in_fd, &v) == 0 ? (uint64_t)v.f_bavail * v.f_frsize : 0;
}

/* need 0: not known, but more than is free. */
static bool too_large(work *w, const char *what, uint64_t need, uint64_t room, const char *cause,
                      ia_err *e)
{
  if (need > room)
    (void)ia_fail(e, IA_E_TOO_LARGE, "%.90s: %llu bytes needed in the enclave, %llu are free", what,
                  (unsigned long long)need, (unsigned long long)room);
  else
    (void)ia_fail(e, IA_E_TOO_LARGE, "%.90s: more bytes needed in the enclave than the %llu free",
                  what, (unsigned long long)room);
  return because_of(w, cause, e);
}

static bool has_no_room(const ia_err *e)
{
  return e->code == IA_E_TOO_LARGE || e->code == IA_E_DISK_FULL;
}

/* A file without a name in our memory-backed folder. */
static int scratch(const work *w, ia_err *e)
{
  int fd = openat(w->s->scratch_fd, ".", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);

  if (fd < 0)
    (void)ia_fail_errno(e, "scratch file");
  return fd;
}

/* A new file of the app's folder, not to be seen under its name before it is whole. */
static int create(const work *w, const char *temp, ia_err *e)
{
  int fd = openat(w->s->in_fd, temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

  if (fd < 0)
    (void)ia_fail_errno(e, "input file");
  return fd;
}

static bool publish(const work *w, int fd, const char *temp, const char *name, ia_err *e)
{
  if (fchmod(fd, 0444) != 0 ||
      renameat2(w->s->in_fd, temp, w->s->in_fd, name, RENAME_NOREPLACE) != 0)
    return ia_fail_errno(e, "input file");
  return true;
}

/* Every input stands in the statement; in is taken over. */
static bool note(work *w, ia_run_input in, ia_err *e)
{
  ia_run_input *more = realloc(w->run->inputs, (w->run->n_inputs + 1) * sizeof(*more));

  if (!more) {
    free(in.uri);
    return ia_fail(e, IA_E_MEMORY, "inputs");
  }
  w->run->inputs = more;
  more[w->run->n_inputs++] = in;
  return true;
}

static const char temp_name[] = ".incoming";
static const char data_text[] = "the protected data and its encrypted copy";

/* Checksum first, then the bytes: a file that is not the registered one is never decrypted. */
static bool decrypt_to(work *w, int sealed_fd, const ia_task_dataset *d, const ia_secret *key_text,
                       ia_err *e)
{
  IA_AUTOV(ia_secret) key = {0};
  ia_blob blob;

  if (!ia_blob_fd(&blob, sealed_fd, e))
    return because(w, "PRE_COMPUTE_FAILED_UNKNOWN_ISSUE");
  /* the secret as its owner pushed it: base64 text */
  if (!ia_data_key_parse(&key, ia_secret_view(key_text), e))
    return because(w, "PRE_COMPUTE_DATASET_DECRYPTION_FAILED");
  ia_autoclose int fd = create(w, temp_name, e);
  if (fd < 0)
    return because(w, "PRE_COMPUTE_SAVING_PLAIN_DATASET_FAILED");
  if (ia_data_decrypt(ia_sink_fd(&fd), &blob, &key, &d->checksum, e) &&
      publish(w, fd, temp_name, d->filename, e))
    return true;
  (void)unlinkat(w->s->in_fd, temp_name, 0);
  switch (e->code) {
  case IA_E_BAD_CHECKSUM: return because(w, "PRE_COMPUTE_INVALID_DATASET_CHECKSUM");
  case IA_E_DISK_FULL:
    return too_large(w, data_text, 0, free_bytes(w), "PRE_COMPUTE_DATASET_TOO_LARGE", e);
  case IA_E_IO: return because(w, "PRE_COMPUTE_SAVING_PLAIN_DATASET_FAILED");
  case IA_E_MEMORY: return because(w, "WORKER_OUT_OF_RESOURCES");
  default: return because(w, "PRE_COMPUTE_DATASET_DECRYPTION_FAILED");
  }
}

/* What the host says of a download that failed: it has no room, or the host cannot. */
static bool not_fetched(work *w, uint64_t need, uint64_t room, ia_err *e)
{
  if (has_no_room(e))
    return too_large(w, data_text, need, room, "PRE_COMPUTE_DATASET_TOO_LARGE", e);
  (void)ia_wrap(e, "protected data");
  return because_of(w, "PRE_COMPUTE_DATASET_DOWNLOAD_FAILED", e);
}

/* The encrypted copy is here as long as the data are decrypted: there must be room for both. */
static bool fetch_protected(work *w, const ia_task_dataset *d, const ia_secret *key, ia_err *e)
{
  ia_autoclose int sealed = scratch(w, e);
  uint64_t room = free_bytes(w), size;

  if (sealed < 0)
    return because(w, "PRE_COMPUTE_FAILED_UNKNOWN_ISSUE");
  if (!ia_link_fetch(w->l, "dataset", d->multiaddr, room / 2, ia_sink_fd(&sealed), &size, e))
    return not_fetched(w, size * 2, room, e);
  return decrypt_to(w, sealed, d, key, e);
}

/* Local runs: the archive itself, from the user's own disk. */
static bool fetch_plain(work *w, const ia_task_dataset *d, ia_err *e)
{
  ia_autoclose int fd = create(w, temp_name, e);
  uint64_t room = free_bytes(w), size = 0;

  if (fd >= 0 && ia_link_fetch(w->l, "dataset", d->multiaddr, room, ia_sink_fd(&fd), &size, e) &&
      publish(w, fd, temp_name, d->filename, e))
    return true;
  (void)unlinkat(w->s->in_fd, temp_name, 0);
  return not_fetched(w, size, room, e);
}

/* Folder for the plain values of dataset i (from 1): protected, or protected/<i> of a slice. */
static int values_dir(work *w, size_t i, ia_err *e)
{
  char path[48];

  if (mkdirat(w->s->in_fd, "protected", 0755) != 0 && !w->s->task->bulk) {
    (void)ia_fail_errno(e, "values");
    return -1;
  }
  (void)snprintf(path, sizeof(path), w->s->task->bulk ? "protected/%zu" : "protected", i);
  if (w->s->task->bulk && mkdirat(w->s->in_fd, path, 0755) != 0) {
    (void)ia_fail_errno(e, "values");
    return -1;
  }
  int fd = openat(w->s->in_fd, path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0)
    (void)ia_fail_errno(e, "values");
  return fd;
}

/* What the values take as files. */
static uint64_t bytes_of_values(const ia_zip *zip)
{
  uint64_t n = 0;

  for (size_t i = 0; i < ia_zip_count(zip); i++)
    n += (ia_zip_at(zip, i)->size / PAGE + 1) * PAGE;
  return n;
}

/* All values, or the failure of the dataset: what is written in part would be taken for all. */
static bool write_all_values(work *w, const ia_zip *zip, int dir, ia_err *e)
{
  uint64_t need = bytes_of_values(zip), room = free_bytes(w);

  if (need > room)
    return too_large(w, "the values of the protected data", need, room,
                     "PRE_COMPUTE_DATASET_TOO_LARGE", e);
  if (ia_plain_write(dir, zip, NULL, room, e))
    return true;
  if (has_no_room(e))
    return too_large(w, "the values of the protected data", need, room,
                     "PRE_COMPUTE_DATASET_TOO_LARGE", e);
  return because(w, e->code == IA_E_MEMORY ? "WORKER_OUT_OF_RESOURCES"
                    : e->code == IA_E_IO   ? "PRE_COMPUTE_SAVING_PLAIN_DATASET_FAILED"
                                           : "PRE_COMPUTE_DATASET_INVALID");
}

/* A protected file need not be an archive: then there are no values. In a slice it must: what a
 * wrong key makes of it would else be taken for data. */
static bool write_values(work *w, const ia_task_dataset *d, int dir, ia_err *e)
{
  ia_autoclose int fd = openat(w->s->in_fd, d->filename, O_RDONLY | O_CLOEXEC);
  IA_AUTO(ia_zip) *zip = NULL;
  ia_blob blob;
  ia_err why = {0};

  if (fd < 0 || !ia_blob_fd(&blob, fd, e))
    return because(w, "PRE_COMPUTE_FAILED_UNKNOWN_ISSUE");
  if (ia_zip_open(&zip, blob, IA_ZIP_PROTECTED, &why))
    return write_all_values(w, zip, dir, e);
  if (why.code != IA_E_MEMORY && why.code != IA_E_IO && !w->s->task->bulk) {
    ia_link_log(w->l, "the protected file is not an archive of values: it has no protected/");
    return true;
  }
  *e = why;
  return because(w, why.code == IA_E_MEMORY || why.code == IA_E_IO
                        ? "WORKER_OUT_OF_RESOURCES"
                        : "PRE_COMPUTE_DATASET_DECRYPTION_FAILED");
}

static bool fetch_dataset(work *w, const ia_task_dataset *d, const ia_secret *key, int dir,
                          ia_err *e)
{
  const ia_run_input in = {.dataset = d->address, .sha256 = d->checksum};

  return (key ? fetch_protected(w, d, key, e) : fetch_plain(w, d, e)) &&
         write_values(w, d, dir, e) && (!key || note(w, in, e));
}

/* Is it the dataset that is bad, and not our memory or the host's order? Downloads fail on the
 * host's word, and without room for one dataset there may be room for the others. */
static bool is_its_own(const work *w, const ia_err *e)
{
  static const char *const causes[] = {
      "PRE_COMPUTE_DATASET_DOWNLOAD_FAILED",   "PRE_COMPUTE_DATASET_TOO_LARGE",
      "PRE_COMPUTE_INVALID_DATASET_CHECKSUM",  "PRE_COMPUTE_DATASET_INVALID",
      "PRE_COMPUTE_DATASET_DECRYPTION_FAILED", "PRE_COMPUTE_SAVING_PLAIN_DATASET_FAILED"};

  if (!w->s->task->bulk || w->l->lost || e->code == IA_E_MEMORY || e->code == IA_E_INTERNAL)
    return false;
  for (size_t i = 0; i < IA_COUNT(causes); i++)
    if (strcmp(*w->cause, causes[i]) == 0)
      return true;
  return false;
}

/* What people and programs are told of it: the decryption of a wrong key ends in a bad padding. */
static const char *code_of(const ia_err *e)
{
  switch (e->code) {
  case IA_E_BAD_PADDING: return "BAD_KEY";
  case IA_E_DISK_FULL:
  case IA_E_IO: return "TOO_LARGE";
  default: return ia_code_name(e->code);
  }
}

/* i from 0. Nothing of the dataset stays where the app looks. */
static bool leave_out(work *w, size_t i, ia_err *e)
{
  const ia_task_dataset *d = &w->s->task->datasets[i];
  ia_run *r = w->run;
  ia_run_failed *more = realloc(r->failed, (r->n_failed + 1) * sizeof(*more));

  if (!more)
    return ia_fail(e, IA_E_MEMORY, "inputs");
  r->failed = more;
  more += r->n_failed++;
  *more = (ia_run_failed){.index = i + 1, .dataset = d->address};
  (void)snprintf(more->code, sizeof(more->code), "%s", code_of(e));
  if (unlinkat(w->s->in_fd, d->filename, 0) != 0 && errno != ENOENT)
    return ia_fail_errno(e, "input file");
  return true;
}

static bool one_dataset(work *w, size_t i, ia_err *e)
{
  const ia_task_dataset *d = &w->s->task->datasets[i];
  const ia_secret *key = NULL;
  char name[64];

  ia_autoclose int dir = values_dir(w, i + 1, e);
  if (dir < 0)
    return because(w, "PRE_COMPUTE_SAVING_PLAIN_DATASET_FAILED");
  if (d->refused)
    return true; /* the app is told why in IEXEC_DATASET_<i>_REFUSED */
  if (w->s->released) {
    (void)snprintf(name, sizeof(name), "dataset-key/%s", ia_addr_lower(&d->address).s);
    key = ia_released_find(w->s->released, name);
    if (!key) {
      (void)ia_fail(e, IA_E_SECRET_MISSING, "the release holds no key of the dataset");
      return because(w, "PRE_COMPUTE_DATASET_KEY_MISSING");
    }
  }
  return fetch_dataset(w, d, key, dir, e);
}

/* One that is bad is left out; the first of those speaks for the task when none is left. */
static bool all_datasets(work *w, ia_err *e)
{
  const char *first_cause = NULL;
  ia_err first = {0};
  bool any = false;

  for (size_t i = 0; i < w->s->task->n_datasets; i++) {
    ia_err why = {0};

    if (one_dataset(w, i, &why)) {
      any = any || !w->s->task->datasets[i].refused;
      continue;
    }
    bool own = is_its_own(w, &why);
    if (!first_cause) {
      first = why;
      first_cause = *w->cause;
    }
    *e = why;
    if (!own || !leave_out(w, i, e))
      return false;
    ia_link_log(w->l, "a dataset of the slice cannot be used and is left out");
  }
  if (!first_cause || any)
    return true;
  *e = first;
  return because(w, first_cause);
}

/* "#sha256=<hex>" at the end of a URL binds its content. */
static bool fragment_ok(const char *url, const ia_h256 *got, ia_err *e)
{
  const char *mark = strstr(url, "#sha256=");
  ia_h256 want;

  if (!mark)
    return true;
  if (!ia_unhex(want.b, sizeof(want.b), ia_span_str(mark + 8)) || !ia_h256_eq(&want, got))
    return ia_fail(e, IA_E_BAD_CHECKSUM, "its SHA-256 is %s", ia_h256_text(got).s);
  return true;
}

/* The URL is the requester's and public; so is what its server answered. */
static bool file_failed(work *w, const char *url, uint64_t size, uint64_t room, ia_err *e)
{
  char what[100];

  (void)snprintf(what, sizeof(what), "input file %.80s", url);
  if (has_no_room(e))
    return too_large(w, what, size, room, "PRE_COMPUTE_INPUT_FILE_TOO_LARGE", e);
  (void)ia_wrap(e, "%s", what);
  switch (e->code) {
  case IA_E_UNSUPPORTED: return because_of(w, "PRE_COMPUTE_INPUT_FILE_URL_REFUSED", e);
  case IA_E_NOT_FOUND: /* blobs come and go */
    return because_of(w,
                      strstr(url, "://") ? "PRE_COMPUTE_INPUT_FILE_NOT_FOUND"
                                         : "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED",
                      e);
  case IA_E_BAD_CHECKSUM: return because_of(w, "PRE_COMPUTE_INPUT_FILE_CHECKSUM_FAILED", e);
  case IA_E_MEMORY: return because(w, "WORKER_OUT_OF_RESOURCES");
  default: return because_of(w, "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED", e);
  }
}

static bool one_file(work *w, const char *url, ia_err *e)
{
  ia_text67 name = ia_input_file_name(ia_span_str(url));
  ia_run_input in = {.is_file = true};
  uint64_t room = free_bytes(w), size = 0;
  ia_blob blob;

  if (faccessat(w->s->in_fd, name.s, F_OK, 0) == 0)
    return true; /* the same URL twice is one file */
  ia_autoclose int fd = create(w, temp_name, e);
  if (fd < 0 || !ia_link_fetch(w->l, "input", url, room, ia_sink_fd(&fd), &size, e) ||
      !ia_blob_fd(&blob, fd, e) || !ia_blob_sha256(&in.sha256, &blob, e) ||
      !fragment_ok(url, &in.sha256, e) || !publish(w, fd, temp_name, name.s, e)) {
    (void)unlinkat(w->s->in_fd, temp_name, 0);
    return file_failed(w, url, size, room, e);
  }
  in.uri = strdup(url);
  if (!in.uri)
    return ia_fail(e, IA_E_MEMORY, "input");
  return note(w, in, e);
}

/* -- content that a secret names -- */
static bool secret_of(const work *w, const char *n, ia_span *out)
{
  char name[64];

  if (!w->s->released) {
    const json_t *all = json_object_get(w->s->task->secrets, "requester");
    const json_t *v = json_object_get(all, n);

    *out = ia_span_of(json_string_value(v), json_string_length(v));
    return json_is_string(v);
  }
  (void)snprintf(name, sizeof(name), "requester-secret/%s", n);
  const ia_secret *secret = ia_released_find(w->s->released, name);
  if (secret)
    *out = ia_secret_view(secret);
  return secret != NULL;
}

static bool dag_write(void *ctx, ia_span data, ia_err *e)
{
  return ia_dag_add(ctx, data, e);
}

/* The host is not trusted with the bytes: they are the ones of the address, or nothing. */
static bool is_content(const ia_blob *blob, const ia_cid *want, ia_err *e)
{
  IA_AUTO(ia_dag) *dag = NULL;
  ia_cid got;

  if (!ia_dag_new(&dag, NULL, e) ||
      !ia_blob_copy(blob, (ia_sink){.write = dag_write, .ctx = dag}, e) ||
      !ia_dag_finish(dag, &got, NULL, NULL, e))
    return false;
  return ia_h256_eq(&got.hash, &want->hash) ||
         ia_fail(e, IA_E_BAD_CHECKSUM, "content is not what its address names");
}

/* A secret that is absent or holds no address leaves no file: the app says so in its own words. */
static bool one_content(work *w, const char *n, const char *member, ia_err *e)
{
  ia_run_input in = {.is_file = true};
  ia_span secret;
  ia_cid cid;
  ia_blob blob;
  uint64_t room = free_bytes(w), size = 0;
  char uri[80], name[32];

  if (!secret_of(w, n, &secret) || !ia_content_address(&cid, secret, member))
    return true;
  (void)snprintf(uri, sizeof(uri), "/ipfs/%s", ia_cid_format(&cid).s);
  (void)snprintf(name, sizeof(name), "content/%s", n);
  if (mkdirat(w->s->in_fd, "content", 0755) != 0 && errno != EEXIST)
    return ia_fail_errno(e, "content");
  ia_autoclose int fd = create(w, temp_name, e);
  if (fd < 0 || !ia_link_fetch(w->l, "input", uri, room, ia_sink_fd(&fd), &size, e) ||
      !ia_blob_fd(&blob, fd, e) || !is_content(&blob, &cid, e) ||
      !ia_blob_sha256(&in.sha256, &blob, e) || !publish(w, fd, temp_name, name, e)) {
    (void)unlinkat(w->s->in_fd, temp_name, 0);
    /* the address is in a secret: it is not told */
    return has_no_room(e) ? too_large(w, "content that a requester secret names", size, room,
                                      "PRE_COMPUTE_INPUT_FILE_TOO_LARGE", e)
                          : because(w, "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED");
  }
  in.uri = strdup(uri);
  if (!in.uri)
    return ia_fail(e, IA_E_MEMORY, "content");
  return note(w, in, e);
}

static bool all_content(work *w, ia_err *e)
{
  json_t *labels = w->s->labels, *member;
  const char *label;
  size_t n = 0;

  json_object_foreach (labels, label, member) {
    const char *secret = ia_content_secret(label);

    if (!secret)
      continue;
    if (++n > IA_CONTENT_MAX)
      return ia_fail(e, IA_E_IMAGE_REFUSED, "more than %d labels for content", IA_CONTENT_MAX);
    if (!one_content(w, secret, json_string_value(member), e))
      return false;
  }
  return true;
}

bool ia_inputs_fetch(const ia_inputs_spec *s, ia_link *l, ia_run *run, const char **cause,
                     ia_err *e)
{
  work w = {.s = s, .l = l, .run = run, .cause = cause};
  ia_err own = {0};

  e = e ? e : &own;
  *cause = "PRE_COMPUTE_FAILED_UNKNOWN_ISSUE";
  if (!all_datasets(&w, e))
    return false;
  *cause = "PRE_COMPUTE_FAILED_UNKNOWN_ISSUE";
  for (size_t i = 0; i < json_array_size(s->task->files); i++)
    if (!one_file(&w, json_string_value(json_array_get(s->task->files, i)), e))
      return false;
  if (!all_content(&w, e))
    return false;
  *cause = "";
  return true;
}
