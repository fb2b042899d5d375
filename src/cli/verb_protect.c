/* iapp protect: encrypt, store, register, hand the key to the SMS; or only show what would be. */
#include <string.h>

#include "base/hex.h"
#include "base/show.h"
#include "cli/net.h"
#include "cli/pool_room.h"
#include "cli/trust_file.h"
#include "cli/value_input.h"
#include "cli/wallet.h"
#include "client/protect.h"
#include "client/to_sms.h"
#include "eth/address.h"

static bool add_name(void *ctx, const char *name, ia_err *e)
{
  return json_array_append_new(ctx, json_string(name)) == 0 ||
         ia_fail(e, IA_E_MEMORY, "no memory for the names");
}

static bool count(void *ctx, ia_span data, ia_err *e IA_UNUSED)
{
  *(uint64_t *)ctx += data.len;
  return true;
}

/* Schema and entries; the plain archive with --out. Nothing leaves the machine. */
static bool dry_run(ia_cli *c, const ia_node *top, ia_err *e)
{
  IA_AUTOV(ia_buf) schema = {0};
  IA_AUTO_JSON *names = json_array();
  const char *out = ia_cli_opt(c, "out");
  uint64_t size = 0;

  if (!ia_node_schema(&schema, top, e) || !ia_node_entries(top, add_name, names, e))
    return false;
  if (!(out ? ia_value_write(top, out, &size, e) : ia_node_zip(top, (ia_sink){count, &size}, e)))
    return false;
  ia_cli_out(c, "%.*s", (int)schema.len, (const char *)schema.ptr);
  ia_cli_say(c, "%llu bytes in the archive, %llu encrypted; nothing was sent",
             (unsigned long long)size, (unsigned long long)(16 + 16 * (size / 16 + 1)));
  return ia_cli_json(
      c, json_pack("{s:o,s:O}", "schema", ia_json_bytes(ia_buf_view(&schema)), "entries", names),
      e);
}

/* A project keeps its journal in .iapp/, everyone else in the home. */
static bool journal_dir(ia_cli *c, ia_path *out, ia_err *e)
{
  const char *project;

  if (ia_cli_project(c, &project, NULL))
    return ia_path_join(out, e, "%s/.iapp/protect", project);
  return ia_path_join(out, e, "%s/protect", ia_cli_home(c));
}

static void say_step(void *ctx, const char *title)
{
  ia_cli_step(ctx, "%s", title);
}

static bool report(ia_cli *c, const ia_protect *p, const ia_protected *d, ia_err *e)
{
  IA_AUTOV(ia_buf) multiaddr = {0};
  bool fresh = !ia_h256_zero(&d->tx);
  ia_cid cid;

  if (!ia_cid_parse(&cid, ia_span_str(d->cid.s), e))
    return false;
  ia_cid_multiaddr(&multiaddr, &cid);
  ia_cli_out(c, "%s", ia_addr_text(&d->address).s);
  ia_cli_say(c, "schema %s\nchecksum %s\ngrant it: iapp grant %s APP USER", ia_protect_schema(p),
             ia_h256_text(&d->checksum).s, ia_addr_text(&d->address).s);
  return ia_cli_json(c,
                     json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:o}", "address",
                               ia_addr_text(&d->address).s, "name", ia_protect_name(p), "owner",
                               ia_addr_text(&d->owner).s, "schema", ia_protect_schema(p),
                               "checksum", ia_json_h256(&d->checksum), "multiaddr",
                               ia_json_hex(ia_buf_view(&multiaddr)), "cid", d->cid.s,
                               "transactionHash", fresh ? ia_json_h256(&d->tx) : json_null()),
                     e);
}

/* Takes p. A failure leaves the journal, and says so. */
static bool finish(ia_cli *c, ia_protect *taken, const ia_protect_config *cfg, ia_err *e)
{
  IA_AUTO(ia_protect) *p = taken;
  ia_protected d;

  if (ia_protect_run(p, &d, cfg, e))
    return report(c, p, &d, e);
  return ia_hint(e, "what is done is kept: iapp protect --resume");
}

static bool resume(ia_cli *c, const char *dir, const ia_protect_config *cfg, ia_err *e)
{
  ia_protect *p;
  size_t n;

  if (!ia_protect_count(&n, dir, e))
    return false;
  if (n == 0)
    return ia_fail(e, IA_E_NOT_FOUND, "nothing is left to resume in %s", dir);
  /* a finished one is gone from the folder, so the first is always the next */
  for (; n > 0; n--)
    if (!ia_protect_open(&p, dir, 0, e) || !finish(c, p, cfg, e))
      return false;
  return true;
}

static bool count_name(void *ctx, const char *name IA_UNUSED, ia_err *e IA_UNUSED)
{
  ++*(uint64_t *)ctx;
  return true;
}

static uint64_t entries_of(const ia_node *top)
{
  uint64_t n = 0;

  return ia_node_entries(top, count_name, &n, NULL) ? n : 0;
}

static bool protect_all(ia_cli *c, const ia_node *top, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO(ia_wallet) *w = NULL;
  const char *contract = NULL, *name = ia_cli_opt(c, "name");
  ia_protect *p;
  ia_path dir;

  if (name && !ia_is_plain_text(ia_span_str(name)))
    return ia_fail(e, IA_E_USAGE, "--name \"%.100s\" holds a control or hidden character", name);
  if (!ia_cli_net(c, &net, e) || !journal_dir(c, &dir, e) ||
      !ia_cli_endpoint(c, "dataprotectorContractAddress", &contract, e) || !ia_cli_wallet(c, &w, e))
    return false;
  ia_protect_config cfg = {.net = &net, .wallet = w, .step = say_step, .ctx = c};
  if (!ia_addr_parse(&cfg.contract, ia_span_str(contract), e) || !ia_cli_trust_sms(c, &net, e))
    return false;
  if (!top)
    return resume(c, dir.s, &cfg, e);
  ia_cli_step(c, "encrypt");
  if (!ia_protect_begin(&p, dir.s, name ? name : "", top, w, e))
    return false;
  ia_pool_room_warn_data(c, &net, ia_protect_size(p), entries_of(top));
  return finish(c, p, &cfg, e);
}

static bool protect(ia_cli *c, ia_err *e)
{
  IA_AUTO(ia_node) *top = NULL;
  bool given = ia_cli_n_args(c) > 0 || ia_cli_opt(c, "json-string");

  if (ia_cli_flag(c, "resume"))
    return given ? ia_fail(e, IA_E_USAGE, "--resume takes no values: they are encrypted already")
                 : protect_all(c, NULL, e);
  if (!given)
    return ia_fail(e, IA_E_USAGE, "nothing to protect: give KEY=VALUE, KEY=@FILE or FILE.json");
  if (ia_cli_opt(c, "out") && !ia_cli_flag(c, "dry-run"))
    return ia_fail(e, IA_E_USAGE, "--out writes the plain archive and goes with --dry-run alone");
  if (!ia_value_input(c, &top, e))
    return false;
  return ia_cli_flag(c, "dry-run") ? dry_run(c, top, e) : protect_all(c, top, e);
}

static const ia_option options[] = {
    {"name", "NAME", false, "name on the ledger (public)",
     "protect email=alice@example.com --name mail"},
    {"dry-run", NULL, false, "show schema and entries; send nothing",
     "protect ./me.json --dry-run"},
    {"out", "ZIP", false, "with --dry-run: write the plain archive there",
     "protect ./me.json --dry-run --out ./me.zip"},
    {"resume", NULL, false, "finish what an earlier run had to leave", "protect --resume"},
    IA_VALUE_INPUT_OPTIONS("protect"),
    {0},
};

const ia_verb ia_verb_protect = {
    .name = "protect",
    .args = "KEY=VALUE|KEY=@FILE|FILE.json ..",
    .min_args = 0,
    .max_args = 1000,
    .brief = "encrypt data, register it and hand its key to the SMS",
    .example = "protect email=alice@example.com cv=@./cv.pdf",
    .options = options,
    .uses = IA_USES_WALLET | IA_USES_NET,
    .run = protect,
};
