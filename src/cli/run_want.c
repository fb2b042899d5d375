/* A run as the options describe it. */
#include "cli/run_want.h"

#include <string.h>

#include "base/hex.h"
#include "base/random.h"
#include "cli/net.h"
#include "cli/older.h"
#include "cli/trust_file.h"
#include "cli/wallet.h"
#include "client/grant.h"
#include "client/result_keys.h"
#include "client/to_sms.h"
#include "eth/address.h"
#include "poco/appenv.h"

enum { TASKS_MAX = 1000, SECRET_CAP = 4096, PARAMS_CAP = 256 << 10 };

void ia_run_ask_free(ia_run_ask *a)
{
  if (!a)
    return;
  ia_net_close(&a->net);
  ia_wallet_free(a->w);
  ia_run_orders_free(&a->orders);
  ia_buf_free(&a->params);
  json_decref(a->secrets);
  ia_run_bulk_free(&a->bulk);
  *a = (ia_run_ask){0};
}

/* -- options -- */
static bool read_category(int64_t *out, const char *text, ia_err *e)
{
  static const char *const names[] = {"XS", "S", "M", "L", "XL"};

  *out = IA_RUN_ANY_CATEGORY;
  if (!text)
    return true;
  for (unsigned i = 0; i < IA_COUNT(names); i++)
    if (strcasecmp(text, names[i]) == 0 || (text[0] == (char)('0' + i) && !text[1])) {
      *out = i;
      return true;
    }
  return ia_fail(e, IA_E_USAGE, "--category: XS, S, M, L or XL");
}

static bool read_data(void *bulk, const char *data, ia_err *e)
{
  return ia_run_bulk_add(bulk, data, e);
}

/* One dataset is the run's own; more make it a bulk request of as many tasks as there are slices.
 */
static bool read_all_data(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  ia_run_bulk *b = &a->bulk;

  if (!ia_cli_each(c, "data", read_data, b, e) ||
      !ia_cli_opt_u64(c, "per-task", IA_BULK_DATASETS_MAX, &b->per_task, e))
    return false;
  if (b->per_task == 0 || b->per_task > IA_BULK_DATASETS_MAX)
    return ia_fail(e, IA_E_USAGE, "--per-task: 1 to %d", IA_BULK_DATASETS_MAX);
  if (b->n == 0 && ia_cli_given(c, "data"))
    return ia_fail(e, IA_E_USAGE, "--data: the list is empty");
  if (b->n == 1) {
    a->want.dataset = b->data[0];
    b->n = 0;
  }
  if (b->n == 0)
    return true;
  if (ia_cli_given(c, "tasks"))
    return ia_fail(e, IA_E_USAGE, "--tasks: many data make as many tasks as --per-task says");
  a->want.tasks = ia_run_bulk_tasks(b);
  return true;
}

static bool read_want(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  ia_run_want *want = &a->want;

  want->requester = a->w->address;
  if (!ia_cli_addr(&want->app, ia_cli_arg(c, 0), "APP", e) ||
      !ia_cli_addr_or_any(&want->workerpool, ia_cli_opt(c, "pool"), "--pool", e) ||
      !ia_cli_addr_or_any(&want->callback, ia_cli_opt(c, "callback"), "--callback", e) ||
      !read_category(&want->category, ia_cli_opt(c, "category"), e) ||
      !ia_cli_opt_u64(c, "tasks", 1, &want->tasks, e) || !read_all_data(a, c, e))
    return false;
  if (want->tasks == 0 || want->tasks > TASKS_MAX)
    return ia_fail(e, IA_E_USAGE, "--tasks: 1 to %d", TASKS_MAX);
  bool plain = ia_cli_flag(c, "plain"), callback = !ia_addr_zero(&want->callback);
  if (ia_cli_flag(c, "encrypt") && (plain || callback))
    return ia_fail(e, IA_E_USAGE, "--encrypt does not go with --plain or --callback");
  a->encrypt =
      ia_cli_flag(c, "encrypt") ||
      (!plain && !callback &&
       (!ia_addr_zero(&want->dataset) || a->bulk.n > 0 || ia_cli_given(c, "requester-secret")));
  return true;
}

bool ia_run_ask_open(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  return ia_cli_opt_memory(c, "memory", &a->memory, e) && ia_cli_net(c, &a->net, e) &&
         ia_cli_wallet(c, &a->w, e) && read_want(a, c, e);
}

/* -- secrets -- */
static bool push_secret(void *ctx, const char *text, ia_err *e)
{
  ia_run_ask *a = ctx;
  const char *eq = strchr(text, '=');
  IA_AUTOV(ia_buf) value = {.secret = true};
  uint8_t raw[16];
  ia_buf name = {0};
  char n[12];

  if (!eq || eq - text >= (ptrdiff_t)sizeof(n) || eq == text || eq[1] != '@') {
    ia_fail(e, IA_E_USAGE, "--requester-secret wants N=@FILE");
    return ia_hint(e, "a secret in the command line could be read by others on this machine");
  }
  (void)snprintf(n, sizeof(n), "%.*s", (int)(eq - text), text);
  if (n[0] == '0' || strspn(n, "0123456789") != strlen(n))
    return ia_fail(e, IA_E_USAGE, "invalid secret index %.20s: want a number from 1", n);
  if (!ia_file_read(&value, eq + 2, SECRET_CAP, e) || !ia_random(raw, sizeof(raw), e))
    return false;
  ia_buf_hex0x(&name, IA_SPAN_ARR(raw));
  ia_buf_u8(&name, 0);
  bool ok = ia_buf_ok(&name, e) &&
            ia_to_sms_push_requester_secret(&a->net, a->w, (const char *)name.ptr,
                                            ia_buf_view(&value), e) &&
            ia_json_set(a->secrets, n, json_string((const char *)name.ptr), e);
  ia_buf_free(&name);
  return ok;
}

static bool result_key(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_buf) pem = {0};
  ia_err why = {0};
  bool there;

  if (!ia_to_sms_has_result_key(&a->net, &there, &a->w->address, e))
    return false;
  bool own = ia_result_key_newest(&pem, ia_cli_home(c), &a->w->address, &why);
  if (!own && why.code != IA_E_NOT_FOUND) {
    *e = why;
    return false;
  }
  if (!own) {
    ia_cli_step(c, "make a result key");
    if (there)
      ia_cli_warn(c, "the SMS has a result key of yours that is not in %s/keys: it is replaced",
                  ia_cli_home(c));
    if (!ia_result_key_make(&pem, ia_cli_home(c), a->w, e))
      return false;
  }
  /* The iExec packages push a key of their own with every run of this wallet: ours is the one in
   * force from here on. */
  return ia_to_sms_push_result_key(&a->net, a->w, ia_buf_view(&pem), e);
}

bool ia_run_ask_secrets(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  a->secrets = json_object();
  if (!a->secrets)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!a->encrypt && !ia_cli_given(c, "requester-secret"))
    return true;
  if (!ia_cli_trust_sms(c, &a->net, e))
    return false;
  return ia_cli_each(c, "requester-secret", push_secret, a, e) &&
         (!a->encrypt || result_key(a, c, e));
}

/* -- params -- */
/* So that the one tokenizer (poco/appenv.h) gives the value back as it is. */
static bool quote(ia_buf *out, const char *value, ia_err *e)
{
  const char *mark = "";

  if (value[0] == '\0' || strpbrk(value, " '\""))
    mark = strchr(value, '"') ? "'" : "\"";
  if (mark[0] == '\'' && strchr(value, '\''))
    return ia_fail(e, IA_E_USAGE, "--arg: a value with both kinds of quotes cannot be passed on");
  ia_buf_printf(out, "%s%s%s%s", out->len > 0 ? " " : "", mark, value, mark);
  return true;
}

/* The words of --args. Where --arg follows they are split here: a quote that --args leaves open
 * would else swallow what follows. */
static bool put_words(ia_buf *line, ia_cli *c, ia_err *e)
{
  const char *text = ia_cli_opt(c, "args");
  IA_AUTO_JSON *words = NULL;
  const json_t *word;
  size_t i;

  if (!text)
    return true;
  if (!ia_cli_given(c, "arg")) {
    ia_buf_str(line, text);
    return true;
  }
  if (!ia_args_split(&words, ia_span_str(text), e))
    return ia_wrap(e, "--args");
  json_array_foreach (words, i, word)
    if (!quote(line, json_string_value(word), e))
      return false;
  return true;
}

static bool put_args(json_t *params, ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_buf) line = {.cap = PARAMS_CAP};
  const char *value;

  if (!put_words(&line, c, e))
    return false;
  for (unsigned i = 0; (value = ia_cli_opt_at(c, "arg", i)); i++)
    if (!quote(&line, value, e))
      return false;
  if (!ia_buf_ok(&line, e))
    return false;
  if (line.len == 0)
    return true;
  IA_AUTO_JSON *words = NULL;
  if (!ia_args_split(&words, ia_buf_view(&line), e)) /* what the enclave would refuse */
    return ia_wrap(e, "--args");
  json_t *v = json_stringn((const char *)line.ptr, line.len);
  if (!v)
    return ia_fail(e, IA_E_USAGE, "--args: no UTF-8");
  return ia_json_set(params, "iexec_args", v, e);
}

static bool add_url(void *files, const char *url, ia_err *e)
{
  return json_array_append_new(files, json_string(url)) == 0 ||
         ia_fail(e, IA_E_USAGE, "--input-file: no UTF-8");
}

static bool put_files(json_t *params, ia_cli *c, ia_err *e)
{
  IA_AUTO_JSON *files = json_array();

  if (!ia_cli_each(c, "input-file", add_url, files, e))
    return false;
  return json_array_size(files) == 0 ||
         ia_json_set(params, "iexec_input_files", json_incref(files), e);
}

static bool make_params(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  const char *purpose = ia_cli_opt(c, "purpose");
  IA_AUTO_JSON *params = json_object();

  if (!put_args(params, c, e) || !put_files(params, c, e) ||
      (a->encrypt && !ia_json_set(params, "iexec_result_encryption", json_true(), e)) ||
      !ia_json_set(params, "iexec_result_storage_provider", json_string("ipfs"), e) ||
      (json_object_size(a->secrets) > 0 &&
       !ia_json_set(params, "iexec_secrets", json_incref(a->secrets), e)) ||
      (a->bulk.n > 0 && !ia_json_set(params, "bulk_cid", json_string(a->bulk.cid.s), e)) ||
      (a->memory > 0 &&
       !ia_json_set(params, "iapp_memory", json_integer((json_int_t)a->memory), e)) ||
      (purpose && !ia_json_set(params, "iapp_purpose", json_string(purpose), e)))
    return false;
  ia_buf_clear(&a->params);
  if (!ia_json_write(&a->params, params, e))
    return false;
  ia_buf_u8(&a->params, 0);
  a->want.params = (const char *)a->params.ptr;
  return ia_buf_ok(&a->params, e);
}

/* -- orders that are the user's own to sign -- */
static bool owns(ia_run_ask *a, const ia_addr *asset)
{
  ia_chain *chain;
  ia_addr owner;

  return ia_net_chain(&a->net, &chain, NULL) && ia_chain_owner(chain, &owner, asset, NULL) &&
         ia_addr_eq(&owner, &a->w->address);
}

static bool own_data(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  ia_grant g = {.dataset = a->want.dataset,
                .app = a->want.app,
                .requester = a->want.requester,
                .volume = a->want.tasks};

  return ia_cli_confirm(c, e, "The data are yours. Grant yourself this run of %s?",
                        ia_addr_text(&a->want.app).s) &&
         ia_grant_sign(&a->net, a->w, &g, &a->orders.box[IA_ORDER_DATASET],
                       &a->orders.hash[IA_ORDER_DATASET], e) &&
         (a->own_grant = a->orders.has[IA_ORDER_DATASET] = true);
}

static bool own_app(ia_run_ask *a, ia_err *e)
{
  ia_app_terms t = {.app = a->want.app, .requester = a->want.requester, .volume = a->want.tasks};

  return ia_app_order_sign(&a->net, a->w, &t, &a->orders.box[IA_ORDER_APP],
                           &a->orders.hash[IA_ORDER_APP], e) &&
         (a->orders.has[IA_ORDER_APP] = true);
}

/* After GRANT_MISSING: the next order that the user may sign for herself. */
static bool sign_own(ia_run_ask *a, ia_cli *c, const ia_err *missing, ia_err *e)
{
  bool data = !ia_addr_zero(&a->want.dataset) && !a->orders.has[IA_ORDER_DATASET];

  if (data && owns(a, &a->want.dataset))
    return own_data(a, c, e);
  if (!data && !a->orders.has[IA_ORDER_APP] && owns(a, &a->want.app))
    return own_app(a, e);
  *e = *missing;
  return false;
}

static bool assets_there(ia_run_ask *a, ia_err *e)
{
  ia_chain *chain;
  bool app, data = true;

  if (!ia_net_chain(&a->net, &chain, e) || !ia_chain_has_code(chain, &app, &a->want.app, e))
    return false;
  if (!app)
    return ia_fail(e, IA_E_NOT_FOUND, "No iApp found at the specified address. (%s)",
                   ia_addr_text(&a->want.app).s);
  if (!ia_addr_zero(&a->want.dataset) && !ia_chain_has_code(chain, &data, &a->want.dataset, e))
    return false;
  return data || ia_fail(e, IA_E_NOT_FOUND, "No protectedData found at %s.",
                         ia_addr_text(&a->want.dataset).s);
}

bool ia_run_ask_orders(ia_run_ask *a, ia_cli *c, ia_err *e)
{
  ia_err missing = {0};

  if (!assets_there(a, e))
    return false;
  if (a->bulk.n > 0 && !ia_run_bulk_prepare(&a->bulk, c, &a->net, a->w, &a->want, e))
    return false;
  ia_cli_step(c, "find the orders");
  while (!ia_run_pick(&a->net, &a->orders, &a->want, &missing)) {
    if (missing.code != IA_E_GRANT_MISSING || a->want.n_skip > 0) {
      *e = missing;
      return false;
    }
    if (!sign_own(a, c, &missing, e))
      return false;
  }
  return make_params(a, c, e) && ia_run_request(&a->net, a->w, &a->orders, &a->want, e);
}

bool ia_run_is_of_grant(const char *clause)
{
  return strcmp(clause, "grant") == 0 || strncmp(clause, "grant.", 6) == 0 ||
         strcmp(clause, "volume") == 0;
}

bool ia_run_ask_next(ia_run_ask *a, ia_cli *c, bool *more, ia_err *e)
{
  ia_h256 last = a->orders.hash[IA_ORDER_DATASET];
  bool market = a->orders.has[IA_ORDER_DATASET] && !a->own_grant;
  ia_err missing = {0};

  *more = false;
  if (!market || a->want.n_skip == IA_COUNT(a->want.skip))
    return true;
  a->want.skip[a->want.n_skip++] = last;
  ia_run_orders_free(&a->orders);
  *more = ia_run_ask_orders(a, c, &missing);
  if (*more || missing.code == IA_E_GRANT_MISSING)
    return true;
  *e = missing;
  return false;
}
