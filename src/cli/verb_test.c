/* iapp test: the project's app on this machine, by the real guest and sandbox. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "base/random.h"
#include "cli/net.h"
#include "cli/older.h"
#include "cli/project.h"
#include "cli/test_view.h"
#include "client/download.h"
#include "client/to_blobs.h"
#include "crypto/sha.h"
#include "poco/appenv.h"
#include "runtime/local.h"

enum { DATA_MAX = 100, TIME_LIMIT_S = 300 };

typedef struct testing {
  ia_cli *c;
  ia_project project;
  ia_http *http;
  json_t *argv, *urls, *secrets;
  ia_local_data data[DATA_MAX];
  ia_path *paths; /* of data */
  size_t n_data;
  uint64_t time_limit, memory;
  ia_path tmp;
} testing;

static void testing_free(testing *t)
{
  ia_project_close(&t->project);
  ia_http_free(t->http);
  json_decref(t->argv);
  json_decref(t->urls);
  json_decref(t->secrets);
  free(t->paths);
}
IA_DEFINE_AUTO_VALUE(testing, testing_free)

/* -- data -- */
/* A mock of the project by its name, or a file by its path. */
static bool find_data(testing *t, ia_path *p, const char *name, ia_err *e)
{
  if (strchr(name, '/')) {
    if (access(name, R_OK) != 0)
      return ia_fail_errno(e, "%s", name);
    return ia_path_join(p, e, "%s", name);
  }
  if (!t->project.config) {
    (void)ia_fail(e, IA_E_USAGE, "--data %s: outside a project there are no mocks", name);
    return ia_hint(e, "--data ./%s", name);
  }
  if (!ia_path_join(p, e, "%s/mock/protectedData/%s", t->project.dir, name))
    return false;
  if (access(p->s, R_OK) != 0) {
    (void)ia_fail(e, IA_E_NOT_FOUND,
                  "No protectedData mock \"%s\" found in mock/protectedData, run iapp mock data",
                  name);
    return ia_hint(e, "iapp mock data --name %s KEY=VALUE", name);
  }
  return true;
}

/* Stands for the address that a real dataset would have: the same for the same name. */
static void pretend_address(ia_addr *a, const char *name)
{
  ia_h256 h;

  ia_sha256(&h, ia_span_str(name));
  memcpy(a->b, h.b + 12, sizeof(a->b));
}

static bool add_data(void *ctx, const char *list, ia_err *e)
{
  testing *t = ctx;
  ia_autofree char *copy = strdup(list);
  char *at = copy;

  for (char *name; at && (name = strsep(&at, ", "));) {
    if (!name[0])
      continue;
    if (t->n_data == DATA_MAX)
      return ia_fail(e, IA_E_USAGE, "at most %d data", DATA_MAX);
    ia_path *p = &t->paths[t->n_data];
    if (!find_data(t, p, name, e))
      return false;
    t->data[t->n_data].path = p->s;
    pretend_address(&t->data[t->n_data].address, name);
    t->n_data++;
  }
  return true;
}

/* -- input files, arguments, secrets -- */
static bool add_url(void *ctx, const char *url, ia_err *e)
{
  testing *t = ctx;
  return json_array_append_new(t->urls, json_string(url)) == 0 ||
         ia_fail(e, IA_E_INVALID, "input file: no UTF-8");
}

static bool read_args(testing *t, ia_err *e)
{
  const char *text = ia_cli_opt(t->c, "args"), *v;

  if (!ia_args_split(&t->argv, ia_span_str(text ? text : ""), e))
    return false;
  for (unsigned i = 0; (v = ia_cli_opt_at(t->c, "arg", i)); i++) {
    if (json_array_append_new(t->argv, json_string(v)) != 0)
      return ia_fail(e, IA_E_INVALID, "--arg: no UTF-8");
  }
  return true;
}

static json_t *requester_secrets(testing *t)
{
  json_t *v = json_object_get(t->secrets, "requester");

  if (!v) {
    v = json_object();
    (void)json_object_set_new(t->secrets, "requester", v);
  }
  return v;
}

static bool set_secret(testing *t, const char *n, ia_span value, ia_err *e)
{
  size_t len = strlen(n);

  if (len == 0 || len > 9 || n[0] == '0' || strspn(n, "0123456789") != len)
    return ia_fail(e, IA_E_USAGE, "invalid secret index %.20s: want a number from 1", n);
  json_t *text = json_stringn((const char *)value.ptr, value.len);
  return (text && json_object_set_new(requester_secrets(t), n, text) == 0) ||
         ia_fail(e, IA_E_INVALID, "requester secret %s: no UTF-8", n);
}

/* N=VALUE or N=@FILE. */
static bool add_secret(void *ctx, const char *text, ia_err *e)
{
  testing *t = ctx;
  const char *eq = strchr(text, '=');
  IA_AUTOV(ia_buf) file = {.secret = true};
  char n[12];

  if (!eq || eq - text >= (ptrdiff_t)sizeof(n))
    return ia_fail(e, IA_E_USAGE, "--requester-secret wants N=VALUE or N=@FILE");
  (void)snprintf(n, sizeof(n), "%.*s", (int)(eq - text), text);
  if (eq[1] != '@')
    return set_secret(t, n, ia_span_str(eq + 1), e);
  return ia_file_read(&file, eq + 2, 1 << 20, e) && set_secret(t, n, ia_buf_view(&file), e);
}

static bool set_app_secret(testing *t, ia_span value, ia_err *e)
{
  return json_object_set_new(t->secrets, "app", json_stringn((const char *)value.ptr, value.len)) ==
             0 ||
         ia_fail(e, IA_E_INVALID, "app secret: no UTF-8");
}

/* IEXEC_APP_DEVELOPER_SECRET and IEXEC_REQUESTER_SECRET_1 .. 99 of our own environment. */
static bool secrets_from_env(testing *t, ia_err *e)
{
  const char *app = getenv("IEXEC_APP_DEVELOPER_SECRET");
  char name[40], n[12];

  if (!ia_cli_flag(t->c, "secrets-from-env"))
    return true;
  if (app && !set_app_secret(t, ia_span_str(app), e))
    return false;
  for (int i = 1; i < 100; i++) {
    (void)snprintf(name, sizeof(name), "IEXEC_REQUESTER_SECRET_%d", i);
    (void)snprintf(n, sizeof(n), "%d", i);
    const char *value = getenv(name);
    if (value && !set_secret(t, n, ia_span_str(value), e))
      return false;
  }
  return true;
}

static bool app_secret(testing *t, ia_err *e)
{
  const char *file = ia_cli_opt(t->c, "app-secret-file");
  IA_AUTOV(ia_buf) text = {.secret = true};

  const char *clear = json_string_value(json_object_get(t->project.config, "appSecret"));
  if (clear && !set_app_secret(t, ia_span_str(clear), e))
    return false;
  return !file || (ia_file_read(&text, file, 4096, e) && set_app_secret(t, ia_buf_view(&text), e));
}

static bool read_options(testing *t, ia_err *e)
{
  t->urls = json_array();
  t->secrets = json_object();
  t->paths = calloc(DATA_MAX, sizeof(*t->paths));
  if (!t->urls || !t->secrets || !t->paths)
    return ia_fail(e, IA_E_MEMORY, "test");
  return read_args(t, e) && ia_cli_each(t->c, "data", add_data, t, e) &&
         ia_cli_each(t->c, "input-file", add_url, t, e) && app_secret(t, e) &&
         secrets_from_env(t, e) && ia_cli_each(t->c, "requester-secret", add_secret, t, e) &&
         ia_cli_opt_memory(t->c, "memory", &t->memory, e) &&
         ia_cli_opt_u64(t->c, "time-limit", TIME_LIMIT_S, &t->time_limit, e) &&
         (t->time_limit > 0 || ia_fail(e, IA_E_USAGE, "--time-limit wants seconds"));
}

/* -- running -- */
typedef struct fetching {
  ia_guest_sink write;
  void *sink;
} fetching;

static bool pass_on(void *ctx, ia_span data, ia_err *e)
{
  fetching *f = ctx;

  return f->write(f->sink, data, e);
}

static bool fetch(void *ctx, const char *url, uint64_t max, ia_guest_sink write, void *sink,
                  ia_err *e)
{
  fetching f = {write, sink};
  testing *t = ctx;

  if (strncmp(url, "/ipfs/", 6) == 0) {
    IA_AUTOV(ia_net) net = {0};
    IA_AUTOV(ia_buf) bytes = {0};

    /* only here does a test need services: content that a secret names lies with them */
    return ia_cli_net(t->c, &net, e) && ia_to_blobs_read(&net, &bytes, url, max, e) &&
           write(sink, ia_buf_view(&bytes), e);
  }
  return ia_download(t->http, url, max, pass_on, &f, e);
}

static bool run(testing *t, ia_local_result *out, const ia_h256 *image, ia_err *e)
{
  ia_path guest;
  ia_local_run r = {.images = ia_images_dir(t->project.images),
                    .image = *image,
                    .argv = t->argv,
                    .data = t->data,
                    .n_data = t->n_data,
                    .urls = t->urls,
                    .secrets = t->secrets,
                    .callback = ia_cli_flag(t->c, "callback"),
                    .allow_swap = ia_cli_flag(t->c, "allow-swap"),
                    .time_limit = t->time_limit,
                    .memory = t->memory,
                    .tmp = t->tmp.s,
                    .fetch = fetch,
                    .ctx = t};

  if (!ia_guest_path(&guest, e) || !ia_random(r.task_id.b, sizeof(r.task_id.b), e) ||
      !ia_http_new(&t->http, NULL, e) || !ia_path_join(&t->tmp, e, "%s/.iapp", t->project.dir) ||
      !ia_mkdirs(t->tmp.s, 0755, e))
    return false;
  r.guest = guest.s;
  ia_cli_step(t->c, "run the app (at most %llu s)", (unsigned long long)t->time_limit);
  if (ia_local_run_app(out, &r, e))
    return true;
  if (e->code == IA_E_SANDBOX)
    e->code = IA_E_NO_RESOURCES;
  return false;
}

/* Our own folder is emptied; one that the user names must be empty already. */
static bool output_folder(const testing *t, ia_path *dir, ia_err *e)
{
  const char *out = ia_cli_opt(t->c, "out");

  if (!out)
    return ia_path_join(dir, e, "%s/.iapp/output", t->project.dir) && ia_remove_tree(dir->s, e);
  if (rmdir(out) != 0 && errno != ENOENT)
    return ia_fail_errno(e, "--out %s: want an empty or a new folder", out);
  return ia_path_join(dir, e, "%s", out);
}

static bool test(ia_cli *c, ia_err *e)
{
  IA_AUTOV(testing) t = {.c = c};
  IA_AUTOV(ia_local_result) r = {.result_fd = -1, .logs_fd = -1};
  ia_h256 image;
  ia_path dir;

  return ia_project_open(&t.project, c, e) && read_options(&t, e) && output_folder(&t, &dir, e) &&
         ia_project_build(c, &t.project, &image, e) && run(&t, &r, &image, e) &&
         ia_test_view(c, &r, dir.s, e);
}

static const ia_option options[] = {
    {"args", "TEXT", false, "arguments, split at blanks as in a real run", "test --args \"a b\""},
    {"arg", "VALUE", true, "one more argument, not split", "test --arg \"one two\""},
    {"data", "NAME,..", true, "mocks of mock/protectedData, or files by a path with a /",
     "test --data default"},
    {"input-file", "URL", true, "a file for the app, by its URL",
     "test --input-file https://example.com/a.csv"},
    {"requester-secret", "N=VALUE", true, "secret number N of the user (or N=@FILE)",
     "test --requester-secret 1=@./key.txt"},
    {"secrets-from-env", NULL, false,
     "take IEXEC_REQUESTER_SECRET_n and IEXEC_APP_DEVELOPER_SECRET as they stand in the environment",
     "test --secrets-from-env"},
    {"app-secret-file", "FILE", false, "the app's secret", "test --app-secret-file ./secret.txt"},
    {"callback", NULL, false, "as in a deal with a callback: callback-data is wanted",
     "test --callback"},
    {"allow-swap", NULL, false, "run the app although this machine may swap its memory out",
     "test --allow-swap"},
    {"time-limit", "SECONDS", false, "how long the app may run (300)", "test --time-limit 60"},
    {"memory", "SIZE", false, "memory for the app (1G, or what it states)", "test --memory 2G"},
    {"out", "FOLDER", false, "an empty or new folder for the result (.iapp/output)",
     "test --out ./out"},
    IA_BUILD_OPTIONS("test"),
    IA_OLDER_OPTIONS("test"),
    {0},
};

const ia_verb ia_verb_test = {
    .name = "test",
    .args = "",
    .min_args = 0,
    .max_args = 0,
    .brief = "run the app on this machine with mock or real local data (real guest and sandbox)",
    .example = "test --data default",
    .options = options,
    .run = test,
};
