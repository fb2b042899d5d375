/* iapp verify: a receipt against the user's own trust anchors, offline but for --rpc. */
#include <fcntl.h>
#include <unistd.h>

#include "base/hex.h"
#include "cli/trust_file.h"
#include "client/results.h"

static const char *word(ia_check_state s)
{
  static const char *const words[] = {[IA_CHECK_PASS] = "ok",
                                      [IA_CHECK_FAIL] = "FAIL",
                                      [IA_CHECK_MISSING] = "MISS",
                                      [IA_CHECK_NOTE] = "note"};

  return words[s];
}

/* The last line: one of three words, and the reason. */
static void say_outcome(ia_cli *c, const ia_verdict *v)
{
  if (v->outcome == IA_PROVEN)
    ia_cli_out(c, "%s",
               v->completed ? "PROVEN" : "PROVEN: the receipt shows that this task failed");
  else
    ia_cli_out(c, "%s (%s)", v->outcome == IA_REFUSED ? "REFUSED" : "NOT PROVEN",
               ia_code_name(v->code));
}

/* Without anchors nothing can be proven, whatever the receipt says. */
static bool needs_anchors(ia_cli *c, const ia_verdict *v, ia_path *path)
{
  return v->outcome == IA_NOT_PROVEN && !ia_cli_opt(c, "trust") &&
         ia_path_join(path, NULL, "%s/trust.json", ia_cli_home(c)) && access(path->s, F_OK) != 0;
}

static const char anchors_fix[] =
    "get the trust file of somebody whom you trust and give it with --trust FILE; `iapp run`, "
    "`grant` and `protect` write your own when you confirm the key service";

static bool report(ia_cli *c, const ia_verdict *v, ia_err *e)
{
  ia_path path;

  if (!v->domain_known)
    ia_cli_out(c,
               "SIMULATED or unknown: nothing in your trust file says that hardware stands behind "
               "this receipt");
  else if (v->simulated)
    ia_cli_out(c, "SIMULATED: no hardware stands behind this receipt");
  for (size_t i = 0; i < v->n; i++)
    ia_cli_out(c, "%-4s  %s", word(v->check[i].state), v->check[i].text);
  if (v->n_unproven > 0)
    ia_cli_out(c, "Not proven by this receipt:");
  for (size_t i = 0; i < v->n_unproven; i++)
    ia_cli_out(c, "  - %s", v->unproven[i]);
  IA_AUTO_JSON *out = ia_verdict_json(v, e);
  if (needs_anchors(c, v, &path)) {
    ia_cli_out(c, "There are no trust anchors: %s is missing.", path.s);
    ia_cli_out(c, "fix: %s", anchors_fix);
    if (out && !ia_json_set(out, "hint", json_string(anchors_fix), e))
      return false;
  }
  say_outcome(c, v); /* the last line */
  ia_cli_exit_status(c, v->outcome == IA_PROVEN ? 0 : 1);
  return out && ia_cli_json(c, json_incref(out), e);
}

static bool verify(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTO(ia_trust) *trust = NULL;
  const char *result = ia_cli_opt(c, "result"), *rpc = ia_cli_opt(c, "rpc");
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
  if (!ia_receipt_verify(v, ia_buf_view(&text), result ? &blob : NULL, trust, e))
    return false;
  if (rpc)
    ia_verdict_ask_ledger(v, rpc);
  return report(c, v, e);
}

static const ia_option options[] = {
    {"result", "FILE", false, "the result as downloaded: is it what the enclave uploaded?",
     "verify ./receipt.json --result ./result.zip"},
    {"trust", "FILE", false, "trust anchors (HOME/trust.json)",
     "verify ./receipt.json --trust ./trust.json"},
    {"rpc", "URL", false, "ask this node whether the ledger knows the task in that state",
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
