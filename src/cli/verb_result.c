/* iapp result: fetch, compare with the receipt, decrypt, unpack. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/hex.h"
#include "cli/net.h"
#include "cli/result_open.h"
#include "cli/trust_file.h"
#include "client/results.h"

/* One file of the result: to --out, or as it is to stdout. */
static bool give_file(ia_cli *c, const ia_zip *zip, const char *path, const char *out, ia_err *e)
{
  const ia_zip_entry *t = ia_zip_find_shown(zip, path);
  IA_AUTOV(ia_buf) bytes = {.cap = (size_t)1 << 30, .secret = true};

  if (!t || t->folder)
    return ia_fail(e, IA_E_NO_ENTRY, "No \"%.100s\" file found in the result", path);
  if (!ia_zip_read(zip, t, &bytes, e))
    return false;
  if (out)
    return ia_file_write(out, ia_buf_view(&bytes), 0600, e);
  ia_cli_out_bytes(c, ia_buf_view(&bytes));
  return true;
}

static bool give(ia_cli *c, const ia_zip *zip, const ia_h256 *task, bool verified, ia_err *e)
{
  const char *path = ia_cli_opt(c, "path"), *out = ia_cli_opt(c, "out");
  ia_path dir;

  if (!ia_path_join(&dir, e, out ? "%s" : "result-%.18s", out ? out : ia_h256_text(task).s))
    return false;
  if (path && !give_file(c, zip, path, out, e))
    return false;
  if (!path && !ia_result_unpack(dir.s, zip, e))
    return false;
  if (!path) {
    ia_cli_names_warn(c, zip);
    ia_cli_out(c, "%s", dir.s);
  }
  if (!verified)
    ia_cli_warn(c, "not verified: taken on the word of the pool and the ledger");
  json_t *where = path && !out ? json_null() : json_string(dir.s);
  return ia_cli_json(c,
                     json_pack("{s:o,s:o,s:o,s:b}", "taskId", ia_json_h256(task), "path", where,
                               "files", ia_cli_files_json(zip), "verified", verified),
                     e);
}

/* Fills v with what is known of the result: all of the receipt, or the ledger's digest alone. */
static bool fetch(ia_cli *c, const ia_net *net, int fd, ia_verdict *v, const ia_h256 *task,
                  ia_err *e)
{
  IA_AUTO(ia_trust) *trust = NULL;

  if (ia_cli_flag(c, "unsigned")) {
    ia_cli_warn_simulated(c, net);
    return ia_result_fetch_unsigned(net, fd, &v->result_digest, task, e);
  }
  if (!ia_cli_trust(c, &trust, ia_cli_opt(c, "trust"), e))
    return false;
  if (ia_result_fetch(net, fd, v, NULL, task, trust, e)) {
    if (v->simulated)
      ia_cli_say(c, "SIMULATED enclave");
    return true;
  }
  if (e->hint[0] == '\0')
    return ia_hint(e, "`iapp verify` says more; --unsigned takes results without a receipt");
  return false;
}

static bool result(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_zip) *zip = NULL;
  ia_autoclose int file = memfd_create("result", MFD_CLOEXEC);
  ia_autoclose int plain = memfd_create("plain", MFD_CLOEXEC);
  ia_autofree ia_verdict *v = calloc(1, sizeof(*v));
  bool stated = !ia_cli_flag(c, "unsigned");
  ia_h256 task;

  if (file < 0 || plain < 0 || !v)
    return ia_fail_errno(e, "memory for the result");
  if (!ia_cli_h256(&task, ia_cli_arg(c, 0), "TASK", e))
    return false;
  if (!ia_cli_net(c, &net, e) || !fetch(c, &net, file, v, &task, e))
    return false;
  const ia_result_claim claim = {
      .stated = stated, .digest = &v->result_digest, .manifest = stated ? &v->manifest_hash : NULL};
  return ia_cli_result_open(c, NULL, &zip, plain, file, ia_cli_opt(c, "key"), &claim, e) &&
         give(c, zip, &task, stated, e);
}

static const ia_option options[] = {
    {"key", "PEM", false, "private key of the result (else those in HOME/keys)",
     "result 0x1f.. --key ./private.pem"},
    {"path", "FILE", false, "one file of the result, on stdout or to --out",
     "result 0x1f.. --path computed.json"},
    {"out", "DIR", false, "where to unpack (result-TASK); with --path the file",
     "result 0x1f.. --out ./mine"},
    {"unsigned", NULL, false, "take it without a receipt, on the ledger's word",
     "result 0x1f.. --unsigned"},
    {"trust", "FILE", false, "trust anchors (HOME/trust.json)",
     "result 0x1f.. --trust ./trust.json"},
    {"raw", NULL, false,
     "write bytes as they are to a terminal too (to a file or pipe they always are)",
     "result 0x1f.. --path picture.png --raw"},
    {0},
};

const ia_verb ia_verb_result = {
    .name = "result",
    .args = "TASK",
    .min_args = 1,
    .max_args = 1,
    .brief = "fetch the result of a task, check it against its receipt, decrypt and unpack it",
    .example = "result 0x1f2e..",
    .options = options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = result,
};
