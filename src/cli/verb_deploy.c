/* iapp deploy: image into the blob store, app onto the ledger, its order onto the market, its
 * secret into the SMS. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/show.h"
#include "base/size.h"
#include "cli/net.h"
#include "cli/parse.h"
#include "cli/pool_limits.h"
#include "cli/pool_room.h"
#include "cli/project.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/deploy.h"
#include "client/grant.h"
#include "client/to_blobs.h"
#include "client/to_sms.h"
#include "eth/address.h"

enum { APP_SECRET_MAX = 4096, LIST_MAX = 1000 };
static const uint64_t EVERY_RUN =
    9007199254740991; /* 2^53 - 1: what JavaScript clients can count */

typedef struct deploying {
  ia_project project;
  ia_net net;
  ia_wallet *wallet;
  ia_h256 image, order, tx;
  ia_secret secret;
  bool has_secret;
  char name[200];
  char multiaddr[96];
  ia_deployed app;
} deploying;

static void deploying_free(deploying *d)
{
  ia_project_close(&d->project);
  ia_net_close(&d->net);
  ia_wallet_free(d->wallet);
  ia_secret_free(&d->secret);
}
IA_DEFINE_AUTO_VALUE(deploying, deploying_free)

/* "name-1.2.3"; the version as image tags may be written. */
static bool full_name(deploying *d, ia_cli *c, ia_err *e)
{
  const char *version = ia_cli_opt(c, "version");

  if (!version)
    version = "0.0.1";
  size_t n = strspn(version, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-");
  if (n == 0 || n > 100 || version[n] || version[0] == '.' || version[0] == '-')
    return ia_fail(e, IA_E_USAGE, "--version wants letters, digits, . _ - (1.2.3)");
  if (snprintf(d->name, sizeof(d->name), "%s-%s", d->project.name, version) >= (int)sizeof(d->name))
    return ia_fail(e, IA_E_USAGE, "the project's name is too long");
  if (!ia_is_plain_text(ia_span_str(d->name)))
    return ia_fail(e, IA_E_USAGE, "the name \"%.100s\" holds a control or hidden character",
                   d->name);
  return true;
}

static bool read_secret(deploying *d, ia_cli *c, ia_err *e)
{
  const char *file = ia_cli_opt(c, "app-secret-file");
  IA_AUTOV(ia_buf) text = {.secret = true};

  const char *clear = json_string_value(json_object_get(d->project.config, "appSecret"));
  if (file) {
    /* the file as it is, lines and all: so does `iapp test` */
    if (!ia_file_read(&text, file, APP_SECRET_MAX, e) ||
        !ia_secret_copy(&d->secret, ia_buf_view(&text), e))
      return ia_wrap(e, "app secret");
  } else if (clear) {
    ia_cli_warn(c, "the app secret stands in clear in iapp.config.json: use --app-secret-file");
    if (!ia_secret_copy(&d->secret, ia_span_str(clear), e))
      return false;
  } else {
    return true;
  }
  d->has_secret = true;
  if (d->secret.len == 0 || d->secret.len > APP_SECRET_MAX)
    return ia_fail(e, IA_E_INVALID, "the app secret has %zu bytes, at most %d are kept",
                   d->secret.len, APP_SECRET_MAX);
  return true;
}

/* An app is deployed for other pools, too: what this one lacks is a warning. */
static bool memory_there(deploying *d, ia_cli *c, ia_err *e)
{
  ia_autofree ia_oci_manifest *m = malloc(sizeof(*m));
  IA_AUTO(ia_oci_config) *config = NULL;
  ia_h256 manifest;
  ia_err why = {0};

  if (!m)
    return ia_fail(e, IA_E_MEMORY, "image");
  if (!ia_oci_resolve(m, &config, &manifest, &d->image, ia_images_open_blob, d->project.images, e))
    return false;
  if (config->memory == 0)
    return true;
  ia_cli_say(c, "the app asks for %s of memory", ia_size_show(config->memory).s);
  if (d->net.scheduler && !ia_pool_memory_check(c, &d->net, config->memory, NULL, NULL, &why))
    ia_cli_warn(c, "%s: its runs will be refused there", why.msg);
  return true;
}

static void warn_large(deploying *d, ia_cli *c)
{
  const ia_oci_limits limits = ia_oci_limits_default();
  ia_oci_usage use;

  if (!ia_oci_image_measure(&use, &d->image, ia_images_open_blob, d->project.images, &limits, NULL))
    return;
  ia_pool_room_warn_image(c, &d->net, use.unpacked);
}

static bool store_image(deploying *d, ia_cli *c, ia_err *e)
{
  ia_cid_text cid;
  ia_path archive;
  uint64_t size;

  if (!ia_project_archive(&d->project, &d->image, &archive, &size, e))
    return false;
  warn_large(d, c);
  ia_cli_step(c, "store the image (%llu bytes)", (unsigned long long)size);
  if (!ia_to_blobs_add_file(&d->net, &cid, archive.s, e))
    return false;
  (void)snprintf(d->multiaddr, sizeof(d->multiaddr), "/ipfs/%s", cid.s);
  return true;
}

static bool register_app(deploying *d, ia_cli *c, ia_err *e)
{
  ia_deploy what = {.name = d->name, .multiaddr = d->multiaddr, .checksum = d->image};

  ia_cli_step(c, "register the app");
  if (!ia_deploy_app(&d->net, d->wallet, &what, &d->app, e))
    return false;
  d->tx = d->app.tx;
  if (!d->app.fresh)
    ia_cli_say(c, "unchanged since the last deploy: the same app is used");
  return true;
}

/* Kept once for an app: another value needs another version. */
static bool push_secret(deploying *d, ia_cli *c, ia_err *e)
{
  ia_err why = {0};

  if (!d->has_secret)
    return true;
  ia_cli_step(c, "push the app secret");
  if (!ia_cli_trust_sms(c, &d->net, e))
    return false;
  if (ia_to_sms_push_app_secret(&d->net, d->wallet, &d->app.address, ia_secret_view(&d->secret),
                                &why))
    return true;
  if (why.code == IA_E_EXISTS) {
    ia_cli_warn(c, "this app has another secret already; a new one needs a new --version");
    return true;
  }
  *e = why;
  return false;
}

/* Is it an order with these very terms? */
static bool has_terms(const ia_app_order *o, const ia_app_terms *t)
{
  const ia_u256 price = ia_u256_of(t->price_nrlc), volume = ia_u256_of(t->volume);

  return ia_addr_eq(&o->app, &t->app) && ia_u256_cmp(&o->appprice, &price) == 0 &&
         ia_u256_cmp(&o->volume, &volume) == 0 && ia_addr_eq(&o->datasetrestrict, &t->dataset) &&
         ia_addr_eq(&o->workerpoolrestrict, &t->workerpool) &&
         ia_addr_eq(&o->requesterrestrict, &t->requester);
}

/* *found: an order with these terms is open already, and d->order is its hash. */
static bool find_order(deploying *d, ia_cli *c, const ia_app_terms *terms, bool *found, ia_err *e)
{
  IA_AUTOV(ia_offers) open = {0};
  size_t others = 0;
  char query[160];

  *found = false;
  if (d->app.fresh)
    return true;
  (void)snprintf(query, sizeof(query), "app=%s&dataset=any&workerpool=any&requester=any",
                 ia_addr_text(&d->app.address).s);
  if (!ia_to_market_list(&d->net, &open, IA_ORDER_APP, query, LIST_MAX, e))
    return false;
  for (size_t i = 0; i < open.n; i++) {
    bool same = has_terms(&open.list[i].box.order.app, terms);

    others += !same;
    if (!same || *found)
      continue;
    *found = true;
    d->order = open.list[i].hash;
    ia_cli_say(c,
               "an order with these terms is open already (%s, %llu runs left): no second one is "
               "published",
               ia_h256_text(&d->order).s, (unsigned long long)open.list[i].remaining);
  }
  if (others > 0)
    ia_cli_warn(c, "%zu open %s of this app with other terms: iapp orders --app %s", others,
                others == 1 ? "order" : "orders", ia_addr_text(&d->app.address).s);
  return true;
}

static bool publish(deploying *d, ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_order_box) order = {0};
  ia_app_terms terms = {.app = d->app.address};
  bool found;

  if (ia_cli_flag(c, "no-order"))
    return true;
  ia_cli_step(c, "publish the app order");
  if (!ia_cli_opt_u64(c, "times", EVERY_RUN, &terms.volume, e) ||
      (ia_cli_opt(c, "price") && !ia_parse_amount(&terms.price_nrlc, ia_cli_opt(c, "price"), e)) ||
      !ia_cli_addr_or_any(&terms.requester, ia_cli_opt(c, "only"), "--only", e) ||
      !find_order(d, c, &terms, &found, e))
    return false;
  if (found)
    return true;
  if (!ia_app_order_sign(&d->net, d->wallet, &terms, &order, &d->order, e))
    return false;
  return ia_to_market_publish(&d->net, d->wallet, &order.order, &d->order, e);
}

/* What was deployed where, newest first, as other tools of iExec read it. */
static bool remember(const deploying *d, ia_err *e)
{
  IA_AUTOV(ia_buf) old = {0}, text = {0};
  IA_AUTO_JSON *list = NULL;
  ia_path dir, p;

  if (!ia_path_join(&dir, e, "%s/.iapp", d->project.dir) || !ia_mkdirs(dir.s, 0755, e) ||
      !ia_path_join(&p, e, "%s/deployments.json", dir.s))
    return false;
  if (access(p.s, R_OK) == 0 && ia_file_read(&old, p.s, 16 << 20, NULL))
    list = ia_json_parse(ia_buf_view(&old), 0, NULL);
  if (!json_is_array(list)) {
    json_decref(list);
    list = json_array();
  }
  json_t *row =
      json_pack("{s:s, s:s, s:s, s:s, s:I, s:s}", "image", d->multiaddr, "app",
                ia_addr_text(&d->app.address).s, "owner", ia_addr_text(&d->wallet->address).s,
                "digest", ia_oci_digest_format(&d->image).s, "chainId", (json_int_t)d->net.chain_id,
                "date", ia_rfc3339(ia_now()).s);
  if (!list || !row || json_array_insert_new(list, 0, row) != 0)
    return ia_fail(e, IA_E_MEMORY, "deployments");
  return ia_json_write(&text, list, e) && ia_file_write(p.s, ia_buf_view(&text), 0644, e);
}

static bool report(deploying *d, ia_cli *c, ia_err *e)
{
  bool ordered = !ia_cli_flag(c, "no-order");

  ia_cli_say(c, "Deployment of your iApp completed successfully:");
  ia_cli_out(c, "%s", ia_addr_text(&d->app.address).s);
  ia_cli_say(c, "image %s\ndigest %s", d->multiaddr, ia_oci_digest_format(&d->image).s);
  return ia_cli_json(
      c,
      json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o}", "address", ia_addr_text(&d->app.address).s,
                "name", d->name, "owner", ia_addr_text(&d->wallet->address).s, "digest",
                ia_oci_digest_format(&d->image).s, "multiaddr", d->multiaddr, "orderHash",
                ordered ? ia_json_h256(&d->order) : json_null(), "transactionHash",
                d->app.fresh ? ia_json_h256(&d->tx) : json_null()),
      e);
}

static bool deploy(ia_cli *c, ia_err *e)
{
  IA_AUTOV(deploying) d = {0};

  return ia_project_open(&d.project, c, e) && ia_project_memory(c, &d.project, e) &&
         full_name(&d, c, e) && read_secret(&d, c, e) && ia_cli_net(c, &d.net, e) &&
         ia_cli_wallet(c, &d.wallet, e) && ia_project_build(c, &d.project, &d.image, e) &&
         memory_there(&d, c, e) && store_image(&d, c, e) && register_app(&d, c, e) &&
         push_secret(&d, c, e) && publish(&d, c, e) && remember(&d, e) && report(&d, c, e);
}

static const ia_option options[] = {
    {"version", "V", false, "version in the app's name (0.0.1)", "deploy --version 1.2.0"},
    {"app-secret-file", "FILE", false, "secret that every run of the app gets",
     "deploy --app-secret-file ./secret.txt"},
    {"price", "RLC", false, "price of a run (0)", "deploy --price 0.5RLC"},
    {"times", "N", false, "how many runs the order allows (all)", "deploy --times 100"},
    {"only", "ADDRESS", false, "the only user that may run it (anyone)",
     "deploy --only 0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"},
    {"no-order", NULL, false, "publish no app order", "deploy --no-order"},
    IA_MEMORY_OPTION("deploy"),
    IA_BUILD_OPTIONS("deploy"),
    {0},
};

const ia_verb ia_verb_deploy = {
    .name = "deploy",
    .args = "",
    .min_args = 0,
    .max_args = 0,
    .brief = "build the app, store its image, register it and publish its order",
    .example = "deploy",
    .options = options,
    .uses = IA_USES_WALLET | IA_USES_NET | IA_USES_PROJECT,
    .run = deploy,
};
