/* Taking what a task left into the user's folder. */
#include "cli/task_result.h"

#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "cli/result_open.h"
#include "cli/trust_file.h"
#include "client/results.h"
#include "client/to_blobs.h"

enum { PREVIEW_CAP = 1 << 20, PREVIEW_LINES = 20, RECEIPT_WAIT_MS = 5000, PAUSE_US = 20000 };

static bool is_new(const ia_path *p, ia_err *e)
{
  if (access(p->s, F_OK) != 0)
    return true;
  ia_fail(e, IA_E_EXISTS, "%s is there already", p->s);
  return ia_hint(e, "choose another folder: --out DIR");
}

bool ia_cli_task_room(const char *dir, ia_err *e)
{
  ia_path at, receipt, kept;

  return ia_path_join(&at, e, "%s", dir) && ia_path_join(&receipt, e, "%s.receipt.json", dir) &&
         ia_path_join(&kept, e, "%s.result.zip", dir) && is_new(&at, e) && is_new(&receipt, e) &&
         is_new(&kept, e);
}

static bool make_parent(const char *dir, ia_err *e)
{
  const char *slash = strrchr(dir, '/');
  ia_path parent;

  return !slash || slash == dir ||
         (ia_path_join(&parent, e, "%.*s", (int)(slash - dir), dir) &&
          ia_mkdirs(parent.s, 0700, e));
}

/* The scheduler completes a receipt just after the task's end. */
static bool receipt_of(const ia_net *net, ia_verdict *v, ia_buf *text, const ia_h256 *task,
                       const ia_trust *trust, ia_err *e)
{
  uint64_t until = ia_mono_ms() + RECEIPT_WAIT_MS;
  ia_err why = {0};

  while (!ia_receipt_fetch(net, v, text, task, trust, &why)) {
    if (why.code != IA_E_NOT_FOUND || ia_mono_ms() > until) {
      *e = why;
      return false;
    }
    (void)usleep(PAUSE_US);
  }
  return true;
}

static bool result_of(ia_cli *c, const ia_net *net, const ia_wallet *w, const ia_verdict *v,
                      const ia_trust *trust, ia_span receipt, const char *dir, ia_err *e)
{
  ia_autoclose int plain = memfd_create("plain", MFD_CLOEXEC);
  IA_AUTO(ia_zip) *zip = NULL;
  ia_autofree ia_verdict *again = calloc(1, sizeof(*again));
  IA_AUTOV(ia_buf) sealed = {.cap = (size_t)1 << 31};
  ia_autoclose int file = memfd_create("result", MFD_CLOEXEC);
  ia_blob blob;
  ia_path kept;

  if (!again || plain < 0 || file < 0)
    return ia_fail_errno(e, "memory for the result");
  if (!ia_path_join(&kept, e, "%s.result.zip", dir) ||
      !ia_to_blobs_get(net, file, v->result_cid, e) || !ia_blob_fd(&blob, file, e) ||
      !ia_receipt_verify(again, receipt, &blob, trust, e))
    return false;
  if (again->outcome != IA_PROVEN)
    return ia_fail(e, again->code, "the result is not the one that the enclave made");
  const ia_result_claim claim = ia_verdict_claim(again);
  if (!ia_cli_result_open(c, w, &zip, plain, file, NULL, &claim, e) ||
      !ia_result_unpack(dir, zip, e))
    return false;
  ia_cli_names_warn(c, zip);
  if (lseek(file, 0, SEEK_SET) != 0)
    return ia_fail_errno(e, "result");
  return ia_fd_read_all(&sealed, file, sealed.cap, e) &&
         ia_file_write(kept.s, ia_buf_view(&sealed), 0600, e);
}

/* The pool's word of a task that reached no enclave: worth keeping, though nothing proves it. */
static bool is_word_of_pool(const ia_verdict *v, const ia_buf *text, const ia_h256 *task)
{
  return text->len > 0 && v->alone && v->outcome == IA_NOT_PROVEN && ia_h256_eq(&v->task_id, task);
}

static bool write_receipt(ia_cli *c, const ia_path *path, const ia_verdict *v, const ia_buf *text,
                          const char *dir, ia_err *e)
{
  if (v->outcome != IA_PROVEN)
    ia_cli_warn(c, "the receipt is NOT PROVEN: %s", ia_verdict_reason(v)->text);
  return make_parent(dir, e) && ia_file_write(path->s, ia_buf_view(text), 0600, e);
}

bool ia_cli_task_take(ia_cli *c, const ia_net *net, const ia_wallet *w, const ia_h256 *task,
                      const char *dir, ia_task_files *out, ia_err *e)
{
  ia_autofree ia_verdict *v = calloc(1, sizeof(*v));
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO(ia_trust) *trust = NULL;
  ia_path at, receipt;
  ia_err why = {0};

  *out = (ia_task_files){0};
  if (!v)
    return ia_fail(e, IA_E_MEMORY, "no memory for a verdict");
  if (!ia_path_join(&at, e, "%s", dir) || !ia_path_join(&receipt, e, "%s.receipt.json", dir) ||
      !ia_cli_task_room(dir, e) || !ia_cli_trust(c, &trust, NULL, e))
    return false;
  if (!receipt_of(net, v, &text, task, trust, &why) && !is_word_of_pool(v, &text, task)) {
    *e = why;
    return false;
  }
  if (!write_receipt(c, &receipt, v, &text, dir, e))
    return false;
  out->receipt = receipt;
  out->simulated = v->simulated;
  if (!v->result_cid[0])
    return true;
  if (!result_of(c, net, w, v, trust, ia_buf_view(&text), dir, e))
    return false;
  out->result = at;
  return true;
}

void ia_cli_task_preview(ia_cli *c, const char *dir)
{
  static const char *const names[] = {"result.txt", "result.json"};

  for (unsigned i = 0; i < IA_COUNT(names); i++) {
    IA_AUTOV(ia_buf) text = {0};
    ia_path p;
    size_t lines = 0, n = 0;

    if (!ia_path_join(&p, NULL, "%s/%s", dir, names[i]) ||
        !ia_file_read(&text, p.s, PREVIEW_CAP, NULL) || !ia_utf8_valid(ia_buf_view(&text)))
      continue;
    while (n < text.len && lines < PREVIEW_LINES)
      lines += text.ptr[n++] == '\n';
    ia_cli_say(c, "-- %s --", names[i]);
    ia_cli_say_text(c, "| ", ia_span_of(text.ptr, n));
    if (n < text.len)
      ia_cli_say(c, ".. (%s goes on)", p.s);
    return;
  }
}
