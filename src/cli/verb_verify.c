/* iapp verify: a receipt against the user's own trust anchors, offline but for --rpc. */
#include <fcntl.h>

#include "base/hex.h"
#include "cli/trust_file.h"
#include "client/results.h"

static const char *word(ia_check_state s)
{
  return s == IA_CHECK_PASS ? "ok  " : s == IA_CHECK_FAIL ? "FAIL" : "note";
}

static bool report(ia_cli *c, const ia_verdict *v, ia_err *e)
{
  if (v->simulated)
    ia_cli_out(c, "SIMULATED: no hardware stands behind this receipt");
  for (size_t i = 0; i < v->n; i++)
    ia_cli_out(c, "%s  %s", word(v->check[i].state), v->check[i].text);
  if (v->n_unproven > 0)
    ia_cli_out(c, "Not proven by this receipt:");
  for (size_t i = 0; i < v->n_unproven; i++)
    ia_cli_out(c, "  - %s", v->unproven[i]);
  if (v->ok)
    ia_cli_out(c, "%s", v->completed ? "PROVEN" : "PROVEN: the task failed as said");
  else
    ia_cli_out(c, "NOT PROVEN (%s)", ia_code_name(v->code));
  IA_AUTO_JSON *out = ia_verdict_json(v, e);
  ia_cli_exit_status(c, v->ok ? 0 : 1);
  return out && ia_cli_json(c, json_incref(out), e);
}

/* The ledger's word, as one check more; the sentence that it was not asked goes. */
static bool ask_ledger(ia_cli *c, ia_verdict *v, ia_err *e)
{
  const char *rpc = ia_cli_opt(c, "rpc");
  ia_err why = {0};

  if (!rpc || !v->ok)
    return true;
  bool ok = ia_settled_check(v, rpc, &why);
  if (!ok && why.code != IA_E_NOT_PROVEN) {
    *e = why;
    return ia_wrap(e, "--rpc");
  }
  if (v->n < IA_COUNT(v->check)) {
    ia_check *k = &v->check[v->n++];

    *k = (ia_check){.state = ok ? IA_CHECK_PASS : IA_CHECK_FAIL,
                    .code = ok ? IA_OK : IA_E_NOT_PROVEN,
                    .name = "ledger"};
    (void)snprintf(k->text, sizeof(k->text), "%s",
                   ok ? "The ledger holds this end of the task." : why.msg);
  }
  for (size_t i = 0; i < v->n_unproven; i++)
    if (strstr(v->unproven[i], "--rpc"))
      memmove(v->unproven[i], v->unproven[i + 1], (--v->n_unproven - i) * sizeof(v->unproven[0]));
  if (!ok) {
    v->ok = v->completed = false;
    v->code = IA_E_NOT_PROVEN;
  }
  return true;
}

static bool verify(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO(ia_trust) *trust = NULL;
  const char *result = ia_cli_opt(c, "result");
  ia_autofree ia_verdict *v = calloc(1, sizeof(*v));
  ia_blob blob;

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "no memory for a verdict");
  if (!ia_file_read(&text, ia_cli_arg(c, 0), IA_RECEIPT_MAX, e) ||
      !ia_cli_trust(c, &trust, ia_cli_opt(c, "trust"), e))
    return false;
  ia_autoclose int fd = result ? open(result, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
  if (result && fd < 0)
    return ia_fail_errno(e, "%s", result);
  if (result && !ia_blob_fd(&blob, fd, e))
    return ia_wrap(e, "%s", result);
  return ia_receipt_verify(v, ia_buf_view(&text), result ? &blob : NULL, trust, e) &&
         ask_ledger(c, v, e) && report(c, v, e);
}

static const ia_option options[] = {
    {"result", "FILE", false, "the result as downloaded: is it what the enclave uploaded?",
     "verify ./receipt.json --result ./result.zip"},
    {"trust", "FILE", false, "trust anchors (HOME/trust.json)",
     "verify ./receipt.json --trust ./trust.json"},
    {"rpc", "URL", false, "ask this node whether the ledger holds the settlement",
     "verify ./receipt.json --rpc http://127.0.0.1:7400"},
    {0},
};

const ia_verb ia_verb_verify = {
    .name = "verify",
    .args = "RECEIPT",
    .min_args = 1,
    .max_args = 1,
    .brief = "check a receipt offline, every claim as a sentence",
    .example = "verify ./receipt.json",
    .options = options,
    .run = verify,
};
