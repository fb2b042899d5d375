/* Inputs of an app. */
#include "guest/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

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
  uint64_t plain_left;
} work;

static bool because(work *w, const char *cause)
{
  *w->cause = cause;
  return false;
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
  return because(w, e->code == IA_E_BAD_CHECKSUM ? "PRE_COMPUTE_INVALID_DATASET_CHECKSUM"
                    : e->code == IA_E_DISK_FULL  ? "PRE_COMPUTE_SAVING_PLAIN_DATASET_FAILED"
                                                 : "PRE_COMPUTE_DATASET_DECRYPTION_FAILED");
}

static bool fetch_protected(work *w, const ia_task_dataset *d, const ia_secret *key, ia_err *e)
{
  ia_autoclose int sealed = scratch(w, e);

  if (sealed < 0)
    return because(w, "PRE_COMPUTE_FAILED_UNKNOWN_ISSUE");
  if (!ia_link_fetch(w->l, "dataset", d->multiaddr, w->s->data_max, ia_sink_fd(&sealed), e))
    return because(w, "PRE_COMPUTE_DATASET_DOWNLOAD_FAILED");
  return decrypt_to(w, sealed, d, key, e);
}

/* Local runs: the archive itself, from the user's own disk. */
static bool fetch_plain(work *w, const ia_task_dataset *d, ia_err *e)
{
  ia_autoclose int fd = create(w, temp_name, e);

  if (fd >= 0 && ia_link_fetch(w->l, "dataset", d->multiaddr, w->s->data_max, ia_sink_fd(&fd), e) &&
      publish(w, fd, temp_name, d->filename, e))
    return true;
  (void)unlinkat(w->s->in_fd, temp_name, 0);
  return because(w, "PRE_COMPUTE_DATASET_DOWNLOAD_FAILED");
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

/* A protected file need not be an archive: then there are no values. In a slice it must: what a
 * wrong key makes of it would else be taken for data. One that is too large for the budget stays an
 * archive only. */
static bool write_values(work *w, const ia_task_dataset *d, int dir, ia_err *e)
{
  ia_autoclose int fd = openat(w->s->in_fd, d->filename, O_RDONLY | O_CLOEXEC);
  IA_AUTO(ia_zip) *zip = NULL;
  uint64_t need = 0;
  ia_blob blob;
  ia_err why = {0};

  if (fd < 0 || !ia_blob_fd(&blob, fd, e))
    return because(w, "PRE_COMPUTE_FAILED_UNKNOWN_ISSUE");
  if (!ia_zip_open(&zip, blob, IA_ZIP_PROTECTED, &why)) {
    if (!w->s->task->bulk)
      return true;
    *e = why;
    return because(w, "PRE_COMPUTE_DATASET_DECRYPTION_FAILED");
  }
  for (size_t i = 0; i < ia_zip_count(zip); i++)
    need += ia_zip_at(zip, i)->size;
  if (need > w->plain_left)
    return true;
  if (ia_plain_write(dir, zip, NULL, w->plain_left, &why)) {
    w->plain_left -= need;
    return true;
  }
  if (why.code == IA_E_TOO_LARGE)
    return true;
  *e = why;
  return because(w, "PRE_COMPUTE_SAVING_PLAIN_DATASET_FAILED");
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
      "PRE_COMPUTE_DATASET_DOWNLOAD_FAILED", "PRE_COMPUTE_INVALID_DATASET_CHECKSUM",
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
    return ia_fail(e, IA_E_BAD_CHECKSUM, "an input file is not the one its URL names");
  return true;
}

static bool one_file(work *w, const char *url, ia_err *e)
{
  ia_text67 name = ia_input_file_name(ia_span_str(url));
  ia_run_input in = {.is_file = true};
  ia_blob blob;

  if (faccessat(w->s->in_fd, name.s, F_OK, 0) == 0)
    return true; /* the same URL twice is one file */
  ia_autoclose int fd = create(w, temp_name, e);
  if (fd < 0 || !ia_link_fetch(w->l, "input", url, w->s->data_max, ia_sink_fd(&fd), e) ||
      !ia_blob_fd(&blob, fd, e) || !ia_blob_sha256(&in.sha256, &blob, e) ||
      !fragment_ok(url, &in.sha256, e) || !publish(w, fd, temp_name, name.s, e)) {
    (void)unlinkat(w->s->in_fd, temp_name, 0);
    return because(w, "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED");
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
  char uri[80], name[32];

  if (!secret_of(w, n, &secret) || !ia_content_address(&cid, secret, member))
    return true;
  (void)snprintf(uri, sizeof(uri), "/ipfs/%s", ia_cid_format(&cid).s);
  (void)snprintf(name, sizeof(name), "content/%s", n);
  if (mkdirat(w->s->in_fd, "content", 0755) != 0 && errno != EEXIST)
    return ia_fail_errno(e, "content");
  ia_autoclose int fd = create(w, temp_name, e);
  if (fd < 0 || !ia_link_fetch(w->l, "input", uri, w->s->data_max, ia_sink_fd(&fd), e) ||
      !ia_blob_fd(&blob, fd, e) || !is_content(&blob, &cid, e) ||
      !ia_blob_sha256(&in.sha256, &blob, e) || !publish(w, fd, temp_name, name, e)) {
    (void)unlinkat(w->s->in_fd, temp_name, 0);
    return because(w, "PRE_COMPUTE_INPUT_FILE_DOWNLOAD_FAILED");
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
  work w = {.s = s, .l = l, .run = run, .cause = cause, .plain_left = s->plain_budget};
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
