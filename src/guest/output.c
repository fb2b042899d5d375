/* Results and logs. */
#include "guest/output.h"

#include <fcntl.h>
#include <sys/fsuid.h>
#include <sys/stat.h>

#include "data/result.h"
#include "guest/upload.h"
#include "sandbox/harvest.h"

void ia_output_free(ia_output *o)
{
  ia_buf_free(&o->callback);
  json_decref(o->skipped);
  o->skipped = NULL;
}

enum { SKIPPED_MAX = 100 };

static bool because(const char **cause, const char *text)
{
  *cause = text;
  return false;
}

/* Limits and names, before anything is read. */
static bool judge(ia_harvest *h, int out_fd, const char **cause, ia_err *e)
{
  static const ia_harvest_limits limits = {.depth = 32, .entries = 10000, .bytes = IA_OUTPUT_BYTES};

  if (!ia_harvest_walk(h, out_fd, &limits, e))
    return because(cause, e->code == IA_E_TOO_LARGE ? "POST_COMPUTE_OUTPUT_TOO_LARGE"
                                                    : "POST_COMPUTE_FAILED_UNKNOWN_ISSUE");
  for (size_t i = 0; i < h->n; i++) {
    const char *slash = strrchr(h->entries[i].path, '/');

    if (ia_result_reserved(h->entries[i].path)) {
      (void)ia_fail(e, IA_E_BAD_OUTPUT, "the name %s in the output is reserved", IA_BLIND_FILE);
      (void)ia_hint(e, "give that file another name");
      return because(cause, "POST_COMPUTE_RESERVED_FILE_NAME");
    }
    const char *name = slash ? slash + 1 : h->entries[i].path;

    if (h->entries[i].kind == IA_HARVEST_FILE && strlen(name) > IA_OUTPUT_NAME) {
      (void)ia_fail(e, IA_E_BAD_OUTPUT, "a file name in the output is longer than %d bytes",
                    IA_OUTPUT_NAME);
      (void)ia_hint(e, "use names of at most %d bytes: %.40s.. has %zu", IA_OUTPUT_NAME, name,
                    strlen(name));
      return because(cause, "POST_COMPUTE_TOO_LONG_RESULT_FILE_NAME");
    }
  }
  return true;
}

/* Links, fifos, sockets and devices are no part of a result; the requester is told. */
static bool list_skipped(ia_output *o, const ia_harvest *h, ia_err *e)
{
  o->skipped = json_array();
  for (size_t i = 0; i < h->n && json_array_size(o->skipped) < SKIPPED_MAX; i++) {
    IA_AUTOV(ia_buf) name = {0};

    if (h->entries[i].kind == IA_HARVEST_FILE || h->entries[i].kind == IA_HARVEST_DIR)
      continue;
    ia_result_entry_name(&name, h->entries[i].path);
    if (!ia_buf_ok(&name, e))
      return false;
    json_t *row = json_pack("{s:o,s:s}", "path", ia_json_bytes(ia_buf_view(&name)), "kind",
                            ia_harvest_kind_name(h->entries[i].kind));
    if (json_array_append_new(o->skipped, row) != 0)
      return ia_fail(e, IA_E_MEMORY, "output");
  }
  return o->skipped || ia_fail(e, IA_E_MEMORY, "output");
}

/* The folder belongs to the app's uid, and its file system knows only that namespace's uids: a file
 * of ours is made under the app's. */
static bool write_as_owner(int out_fd, ia_span text, ia_err *e)
{
  struct stat st;

  if (fstat(out_fd, &st) != 0)
    return ia_fail_errno(e, "computed.json");
  uid_t uid = (uid_t)setfsuid(st.st_uid);
  gid_t gid = (gid_t)setfsgid(st.st_gid);
  ia_autoclose int fd =
      openat(out_fd, "computed.json", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
  bool ok = fd >= 0 ? ia_sink_write(ia_sink_fd(&fd), text, e) : ia_fail_errno(e, "computed.json");
  (void)setfsgid(gid);
  (void)setfsuid(uid);
  return ok;
}

/* Exactly one file and no computed.json: that file is what the app meant. */
static bool write_computed(const ia_harvest *h, int out_fd, ia_err *e)
{
  const ia_harvest_entry *only = NULL;
  IA_AUTOV(ia_buf) path = {0}, text = {0};
  IA_AUTO_JSON *v = NULL;

  for (size_t i = 0; i < h->n; i++) {
    if (h->entries[i].kind == IA_HARVEST_DIR)
      continue;
    if (only || h->entries[i].kind != IA_HARVEST_FILE)
      return true;
    only = &h->entries[i];
  }
  if (!only || strcmp(only->path, "computed.json") == 0 || !ia_utf8_valid(ia_span_str(only->path)))
    return true;
  ia_buf_str(&path, "/iexec_out/");
  ia_buf_str(&path, only->path);
  v = json_pack("{s:o}", "deterministic-output-path", ia_json_bytes(ia_buf_view(&path)));
  if (!v || !ia_buf_ok(&path, e))
    return ia_fail(e, IA_E_MEMORY, "computed.json");
  return ia_json_write(&text, v, e) && write_as_owner(out_fd, ia_buf_view(&text), e);
}

static bool send_archive(ia_output *o, const ia_output_spec *s, ia_link *l, ia_tree *t,
                         const char **cause, ia_err *e)
{
  IA_AUTOV(ia_upload) u = {.fd = -1};
  IA_AUTO(ia_rsa) *key = NULL;

  if (!ia_upload_open(&u, s->scratch_fd, e))
    return because(cause, "POST_COMPUTE_FAILED_UNKNOWN_ISSUE");
  if (s->task->encrypt) {
    if (!ia_rsa_public_pem(&key, ia_span_str(s->task->result_key), e) ||
        !ia_rsa_public_check(key, e))
      return because(cause, "POST_COMPUTE_MALFORMED_ENCRYPTION_PUBLIC_KEY");
    if (!ia_result_seal_tree(key, t, s->blind, ia_upload_sink(&u), e))
      return because(cause, "POST_COMPUTE_ENCRYPTION_FAILED");
    o->result.encrypted = true;
  } else if (!ia_result_zip(t, ia_upload_sink(&u), e)) {
    return because(cause, "POST_COMPUTE_OUT_FOLDER_ZIP_FAILED");
  }
  return ia_upload_send(&u, &o->result, l, "result", e) ||
         because(cause, "POST_COMPUTE_IPFS_UPLOAD_FAILED");
}

/* The deal asks for callback data exactly when it names a callback. */
static bool take_callback(ia_output *o, const ia_agent_task *t, ia_computed *c, ia_err *e)
{
  if (ia_addr_zero(&t->callback))
    return true;
  if (!c->has_callback)
    return ia_fail(e, IA_E_BAD_OUTPUT,
                   "Invalid computed.json: the deal has a callback and wants callback-data") ||
           ia_hint(e, "write it beside the path: \"callback-data\": \"0x..\"");
  o->callback = c->callback;
  o->has_callback = true;
  c->callback = (ia_buf){0};
  return true;
}

/* Callback data count only where somebody is called back; else the path does. */
static bool fit_deal(ia_computed *c, const ia_agent_task *t, ia_err *e)
{
  if (!ia_addr_zero(&t->callback))
    return true;
  c->has_callback = false;
  return c->path ||
         ia_fail(e, IA_E_BAD_OUTPUT,
                 "Invalid computed.json: callback-data, and the deal has no callback") ||
         ia_hint(e,
                 "name a result: \"deterministic-output-path\", or run with --callback CONTRACT");
}

/* Callback data are public, and their digest is PoCo's; every other blinded result is settled by a
 * digest that nobody can guess contents from. The manifest of a callback's files is blinded too:
 * the files go nowhere. */
static bool digests(ia_output *o, const ia_output_spec *s, const ia_tree *t, ia_err *e)
{
  if (s->blind && !o->has_callback &&
      !ia_blinded_digest(&o->digest, &o->digest, s->blind, s->simulated, e))
    return false;
  return ia_manifest_hash(&o->manifest, t, s->blind, s->simulated, e);
}

bool ia_output_result(ia_output *o, const ia_output_spec *s, ia_link *l, int out_fd,
                      const char **cause, ia_err *e)
{
  IA_AUTOV(ia_harvest) h = {0};
  IA_AUTOV(ia_computed) c = {0};
  IA_AUTO(ia_tree) *t = NULL;
  const ia_tree_limits limits = {.bytes = IA_OUTPUT_BYTES + IA_COMPUTED_MAX};
  ia_err own = {0};

  e = e ? e : &own;
  if (!judge(&h, out_fd, cause, e))
    return false;
  o->bytes = h.bytes;
  if (!list_skipped(o, &h, e))
    return because(cause, "POST_COMPUTE_FAILED_UNKNOWN_ISSUE");
  if (!write_computed(&h, out_fd, e) || !ia_computed_read(&c, out_fd, "/iexec_out", e) ||
      !fit_deal(&c, s->task, e))
    return because(cause, "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND");
  if (!ia_result_digest(&o->digest, out_fd, &c, e) || !take_callback(o, s->task, &c, e))
    return because(cause, "POST_COMPUTE_RESULT_DIGEST_COMPUTATION_FAILED");
  if (!ia_tree_open(&t, out_fd, &limits, e) || !digests(o, s, t, e))
    return because(cause, "POST_COMPUTE_RESULT_DIGEST_COMPUTATION_FAILED");
  if (!o->has_callback && !send_archive(o, s, l, t, cause, e))
    return false;
  o->has_digest = true;
  return true;
}

static json_t *one_log(const ia_sandbox_log *log)
{
  return json_pack("{s:o,s:o,s:I}", "head", ia_json_base64(ia_buf_view(&log->head)), "tail",
                   ia_json_base64(ia_buf_view(&log->tail)), "total", (json_int_t)log->total);
}

bool ia_output_logs(ia_output *o, const ia_output_spec *s, ia_link *l, const ia_sandbox_result *r,
                    ia_err *e)
{
  bool sealed = s->task->logs == IA_LOGS_SEALED;
  IA_AUTO_JSON *v = NULL;
  IA_AUTOV(ia_buf) text = {.secret = true};
  IA_AUTOV(ia_upload) u = {.fd = -1};
  IA_AUTO(ia_rsa) *key = NULL;

  if (s->task->logs == IA_LOGS_NONE || (sealed && !s->task->result_key))
    return true; /* nobody may read them: dropped */
  v = json_pack("{s:i,s:o,s:o,s:o,s:i,s:s,s:s}", "v", 1, "stdout", one_log(&r->out), "stderr",
                one_log(&r->err), "skipped", o->skipped ? json_incref(o->skipped) : json_array(),
                "exitCode", r->exit_code, "ending", s->ending, "cause", s->cause);
  if (!v)
    return ia_fail(e, IA_E_MEMORY, "logs");
  if (!ia_json_write(&text, v, e) || !ia_upload_open(&u, s->scratch_fd, e))
    return false;
  if (sealed && (!ia_rsa_public_pem(&key, ia_span_str(s->task->result_key), e) ||
                 !ia_rsa_public_check(key, e) ||
                 !ia_result_seal_json(key, ia_buf_view(&text), ia_upload_sink(&u), e)))
    return false;
  if (!sealed && !ia_sink_write(ia_upload_sink(&u), ia_buf_view(&text), e))
    return false;
  o->logs.encrypted = sealed;
  return ia_upload_send(&u, &o->logs, l, "logs", e);
}
