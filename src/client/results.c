/* Receipts and results of tasks. */
#include "client/results.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/date.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/json.h"
#include "chain/poco.h"
#include "client/to_blobs.h"
#include "client/to_scheduler.h"
#include "receipt/run.h"

enum { RECEIPT_ROOM = IA_RECEIPT_MAX + 1 };

static bool open_chain(ia_chain **out, const char *url, uint64_t chain_id, const ia_addr *hub,
                       ia_err *e)
{
  const ia_chain_options o = {.url = url, .hub = *hub, .chain_id = chain_id};

  return ia_chain_open(out, &o, e);
}

bool ia_result_location(const ia_net *net, ia_buf *out, ia_h256 *digest, const ia_h256 *task,
                        ia_err *e)
{
  IA_AUTO(ia_chain) *chain = NULL;
  IA_AUTOV(ia_buf) store = {0};
  const char *location;
  ia_task t;

  if (!open_chain(&chain, net->rpc, net->chain_id, &net->hub, e) ||
      !ia_chain_task(chain, &t, &store, task, e))
    return false;
  if (t.status != IA_TASK_COMPLETED)
    return ia_fail(e, IA_E_NOT_FOUND, "the task is not completed");
  IA_AUTO_JSON *v = ia_json_parse(t.results, 0, NULL);
  if (!v || !ia_json_get_str(v, "location", &location, NULL) || strncmp(location, "/ipfs/", 6) != 0)
    return ia_fail(e, IA_E_NOT_FOUND, "the task left no result file");
  if (digest)
    *digest = t.result_digest;
  ia_buf_str(out, location);
  return ia_buf_ok(out, e);
}

static bool contradicts(ia_err *e, const char *why)
{
  return ia_fail(e, IA_E_TASK_MISMATCH, "the ledger does not hold this end of the task: %s", why);
}

/* The settling transaction in its block, and the result that the ledger keeps. */
static bool check_settled(ia_chain *chain, const ia_verdict *v, const ia_task *t, ia_err *e)
{
  IA_AUTOV(ia_chain_receipt) r = {0};

  if (t->status != IA_TASK_COMPLETED)
    return contradicts(e, t->status == IA_TASK_FAILED ? "the task failed there"
                                                      : "the task is not completed there");
  if (!ia_h256_eq(&t->result_digest, &v->result_digest))
    return contradicts(e, "the task was settled with another result");
  if (!ia_chain_receipt_get(chain, &r, &v->tx, e))
    return e && e->code == IA_E_NOT_FOUND ? contradicts(e, "no such transaction") : false;
  if (!r.ok || r.block != v->block_number || !ia_h256_eq(&r.block_hash, &v->block_hash))
    return contradicts(e, "the transaction failed or stands in another block");
  return true;
}

/* Nothing was settled, and where the receipt names no more than a pool, the task is of that pool.
 */
static bool check_failed(ia_chain *chain, ia_verdict *v, const ia_task *t, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_deal d;

  if (t->status == IA_TASK_COMPLETED)
    return contradicts(e, "the task was completed");
  if (!ia_addr_zero(&v->pool)) {
    if (!ia_chain_deal(chain, &d, &store, &t->dealid, e))
      return false;
    if (!ia_addr_eq(&d.workerpool.pointer, &v->pool))
      return contradicts(e, "the task is another pool's");
  }
  if (t->status != IA_TASK_FAILED)
    ia_verdict_unproven(v,
                        "That the task has ended on the ledger: it is open there until its "
                        "requester claims it, from %s on.",
                        ia_rfc3339(t->final_deadline).s);
  return true;
}

static bool check_ledger(ia_verdict *v, const char *rpc, ia_err *e)
{
  IA_AUTO(ia_chain) *chain = NULL;
  IA_AUTOV(ia_buf) store = {0};
  ia_task t;

  if (!open_chain(&chain, rpc, v->chain_id, &v->hub, e) ||
      !ia_chain_task(chain, &t, &store, &v->task_id, e))
    return false;
  if (t.status == IA_TASK_UNSET)
    return contradicts(e, "it knows no such task");
  return ia_h256_zero(&v->tx) ? check_failed(chain, v, &t, e) : check_settled(chain, v, &t, e);
}

/* That the ledger was not asked is not to be said once it was. */
static void drop_advice(ia_verdict *v)
{
  size_t kept = 0;

  for (size_t i = 0; i < v->n_unproven; i++)
    if (!strstr(v->unproven[i], "--rpc"))
      memmove(v->unproven[kept++], v->unproven[i], sizeof(v->unproven[0]));
  v->n_unproven = kept;
}

void ia_verdict_ask_ledger(ia_verdict *v, const char *rpc)
{
  ia_err why = {0};

  if (v->outcome == IA_REFUSED) {
    ia_verdict_add(v, "ledger", IA_CHECK_NOTE, IA_OK,
                   "The ledger was not asked: the receipt is refused.");
    return;
  }
  if (!v->has_ledger) {
    ia_verdict_add(v, "ledger", IA_CHECK_MISSING, IA_E_UNKNOWN_SMS,
                   "The ledger was not asked: your trust file has no entry of the receipt's chain "
                   "and hub.");
    return;
  }
  if (check_ledger(v, rpc, &why)) {
    drop_advice(v);
    ia_verdict_add(v, "ledger", IA_CHECK_PASS, IA_OK,
                   ia_h256_zero(&v->tx) ? "The ledger holds the task, and nothing was settled."
                                        : "The ledger holds this end of the task.");
    return;
  }
  if (why.code == IA_E_TASK_MISMATCH)
    ia_verdict_add(v, "ledger", IA_CHECK_FAIL, why.code, "%s", why.msg);
  else
    ia_verdict_add(v, "ledger", IA_CHECK_MISSING, why.code, "The ledger could not be asked: %.200s",
                   why.msg);
}

/* The code of the check that decided, with its sentence. */
static bool refused(const ia_verdict *v, ia_err *e)
{
  const ia_check *why = ia_verdict_reason(v);

  return why ? ia_fail(e, why->code, "%.180s", why->text)
             : ia_fail(e, IA_E_NOT_PROVEN, "the receipt proves nothing");
}

bool ia_receipt_fetch(const ia_net *net, ia_verdict *v, ia_buf *text, const ia_h256 *task,
                      const ia_trust *trust, ia_err *e)
{
  IA_AUTOV(ia_buf) got = {.cap = RECEIPT_ROOM};

  if (!ia_to_scheduler_receipt(net, &got, task, e) ||
      !ia_receipt_verify(v, ia_buf_view(&got), NULL, trust, e))
    return ia_wrap(e, "receipt");
  ia_buf_span(text, ia_buf_view(&got));
  if (!ia_buf_ok(text, e))
    return false;
  if (v->outcome != IA_PROVEN)
    return refused(v, e);
  return ia_h256_eq(&v->task_id, task) ||
         ia_fail(e, IA_E_TASK_MISMATCH, "the receipt is of another task");
}

bool ia_result_logs(const ia_net *net, int fd, bool *sealed, ia_span receipt, ia_err *e)
{
  IA_AUTO_JSON *whole = ia_json_parse(receipt, 0, e);
  IA_AUTOV(ia_run) run = {0};
  const json_t *envelope = json_object_get(whole, "run");
  ia_addr signer;

  if (!whole)
    return false;
  if (!json_is_object(envelope))
    return ia_fail(e, IA_E_NOT_FOUND, "the task never ran in an enclave: there are no logs");
  if (!ia_run_open(&run, &signer, envelope, e))
    return false;
  if (!run.logs.there)
    return ia_fail(e, IA_E_NOT_FOUND, "the task left no logs");
  *sealed = run.logs.encrypted;
  return ia_to_blobs_get(net, fd, run.logs.cid, e);
}

bool ia_result_fetch(const ia_net *net, int fd, ia_verdict *v, ia_buf *receipt, const ia_h256 *task,
                     const ia_trust *trust, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {.cap = RECEIPT_ROOM};
  ia_blob file;

  if (!ia_receipt_fetch(net, v, &text, task, trust, e))
    return false;
  if (receipt)
    ia_buf_span(receipt, ia_buf_view(&text));
  if (!v->result_cid[0]) {
    (void)ia_fail(e, IA_E_NOT_FOUND, v->cause[0] ? "the task failed: %s" : "no result file%s",
                  v->cause);
    return ia_hint(e, "iapp debug %s", ia_h256_text(task).s);
  }
  if (!ia_to_blobs_get(net, fd, v->result_cid, e) || !ia_blob_fd(&file, fd, e) ||
      !ia_receipt_verify(v, ia_buf_view(&text), &file, trust, e))
    return false;
  return v->outcome == IA_PROVEN || refused(v, e);
}

ia_result_claim ia_verdict_claim(const ia_verdict *v)
{
  return (ia_result_claim){.sealed = v->result_encrypted,
                           .stated = true,
                           .digest = &v->result_digest,
                           .manifest = &v->manifest_hash};
}

bool ia_result_fetch_unsigned(const ia_net *net, int fd, ia_h256 *digest, const ia_h256 *task,
                              ia_err *e)
{
  IA_AUTOV(ia_buf) where = {0};

  if (!ia_result_location(net, &where, digest, task, e))
    return false;
  ia_buf_u8(&where, 0);
  return ia_buf_ok(&where, e) && ia_to_blobs_get(net, fd, (const char *)where.ptr, e);
}

static bool parents(int dir, const char *name, ia_err *e)
{
  ia_path path;

  for (const char *p = strchr(name, '/'); p; p = strchr(p + 1, '/')) {
    if (!ia_path_join(&path, e, "%.*s", (int)(p - name), name))
      return false;
    if (mkdirat(dir, path.s, 0700) != 0 && errno != EEXIST)
      return ia_fail_errno(e, "%s", path.s);
  }
  return true;
}

/* Under its shown name: a file must not look like another one. */
static bool unpack(int dir, const ia_zip *zip, ia_err *e)
{
  for (size_t i = 0; i < ia_zip_count(zip); i++) {
    const ia_zip_entry *t = ia_zip_at(zip, i);
    IA_AUTOV(ia_buf) shown = {0};

    if (!ia_zip_shown_name(&shown, t, e))
      return false;
    const char *name = (const char *)shown.ptr;
    if (!parents(dir, name, e))
      return false;
    if (t->folder)
      continue;
    ia_autoclose int fd =
        openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
      return ia_fail_errno(e, "%s", name);
    if (!ia_zip_extract(zip, t, ia_sink_fd(&fd), e))
      return ia_wrap(e, "%s", name);
  }
  return true;
}

bool ia_result_unpack(const char *dir, const ia_zip *zip, ia_err *e)
{
  ia_path temp, parent;
  const char *slash = strrchr(dir, '/');

  if (!ia_path_join(&temp, e, "%s.%d.part", dir, (int)getpid()) ||
      !ia_path_join(&parent, e, "%.*s", slash && slash != dir ? (int)(slash - dir) : 1,
                    slash && slash != dir ? dir : "."))
    return false;
  if (access(dir, F_OK) == 0)
    return ia_fail(e, IA_E_EXISTS, "%s is there already", dir);
  if (!ia_mkdirs(parent.s, 0700, e) || !ia_mkdirs(temp.s, 0700, e))
    return false;
  ia_autoclose int fd = open(temp.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  bool ok = fd >= 0 ? unpack(fd, zip, e) : ia_fail_errno(e, "%s", temp.s);
  if (ok && rename(temp.s, dir) != 0)
    ok = ia_fail_errno(e, "%s", dir);
  if (!ok && !ia_remove_tree(temp.s, NULL))
    return ia_wrap(e, "and %s could not be removed", temp.s);
  return ok;
}
