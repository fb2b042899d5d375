/* Two lookups in what the configuration says. */
#include "service/compass/compass.h"

#include "eth/address.h"

enum { NAME_MAX_LEN = 64 };

typedef struct app {
  char name[NAME_MAX_LEN + 1];
  ia_addr address;
} app;

struct ia_compass {
  char chain[24];
  ia_addr pools[IA_COMPASS_POOLS];
  size_t n_pools;
  char *api_url;
  app apps[IA_COMPASS_APPS];
  size_t n_apps;
  ia_routes table;
};

static bool this_chain(const ia_compass *c, ia_request *rq, ia_err *e)
{
  return ia_span_is(ia_request_param(rq, "chain"), c->chain) ||
         ia_fail(e, IA_E_NOT_FOUND, "this is chain %s", c->chain);
}

static bool workerpool(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  const ia_compass *c = ctx;
  ia_addr pool;

  if (!this_chain(c, rq, e))
    return false;
  if (!ia_addr_parse(&pool, ia_request_param(rq, "address"), NULL))
    return ia_fail(e, IA_E_INVALID, "workerpools: want an address");
  for (size_t i = 0; c->api_url && i < c->n_pools; i++)
    if (ia_addr_eq(&c->pools[i], &pool)) {
      IA_AUTO_JSON *v = json_pack("{s:s}", "apiUrl", c->api_url);

      return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "out of memory");
    }
  return ia_fail(e, IA_E_NOT_FOUND, "no scheduler of workerpool %s is known here",
                 ia_addr_text(&pool).s);
}

static bool iapp(void *ctx, ia_request *rq, ia_reply *rp, ia_err *e)
{
  const ia_compass *c = ctx;
  ia_span name = ia_request_param(rq, "name");

  if (!this_chain(c, rq, e))
    return false;
  for (size_t i = 0; i < c->n_apps; i++)
    if (ia_span_is(name, c->apps[i].name)) {
      IA_AUTO_JSON *v = json_pack("{s:s}", "address", ia_addr_text(&c->apps[i].address).s);

      return v ? ia_reply_json(rp, 200, v, e) : ia_fail(e, IA_E_MEMORY, "out of memory");
    }
  (void)ia_fail(e, IA_E_NOT_FOUND, "no app is known here under this name");
  return ia_hint(e, "start with --iapp NAME=ADDRESS");
}

static const ia_route rows[] = {
    {"GET", "/:chain/workerpools/:address", IA_ROUTE_INLINE, 0, false, workerpool, IA_MARK_PUBLIC},
    {"GET", "/:chain/iapps/:name", IA_ROUTE_INLINE, 0, false, iapp, IA_MARK_PUBLIC},
};

static bool add_app(ia_compass *c, ia_span item, ia_err *e)
{
  const uint8_t *sign = item.len ? memchr(item.ptr, '=', item.len) : NULL;
  size_t n = sign ? (size_t)(sign - item.ptr) : 0;
  app *a = &c->apps[c->n_apps];

  if (n == 0 || n > NAME_MAX_LEN)
    return ia_fail(e, IA_E_INVALID, "want NAME=ADDRESS[,NAME=ADDRESS..], names of at most %d bytes",
                   NAME_MAX_LEN);
  memcpy(a->name, item.ptr, n);
  a->name[n] = '\0';
  return ia_addr_parse(&a->address, ia_span_of(sign + 1, item.len - n - 1), e);
}

static bool add_apps(ia_compass *c, const char *text, ia_err *e)
{
  while (text && *text) {
    size_t n = strcspn(text, ",");

    if (c->n_apps == IA_COMPASS_APPS)
      return ia_fail(e, IA_E_TOO_LARGE, "at most %d named apps", IA_COMPASS_APPS);
    if (!add_app(c, ia_span_of(text, n), e))
      return false;
    c->n_apps++;
    text += n;
    text += *text == ',';
  }
  return true;
}

bool ia_compass_open(ia_compass **out, const ia_compass_config *config, ia_err *e)
{
  IA_AUTO(ia_compass) *c = calloc(1, sizeof(*c));

  if (!c)
    return ia_fail(e, IA_E_MEMORY, "no memory for the compass");
  (void)snprintf(c->chain, sizeof(c->chain), "%llu", (unsigned long long)config->chain_id);
  if (config->n_pools > IA_COMPASS_POOLS)
    return ia_fail(e, IA_E_TOO_LARGE, "at most %d pools", IA_COMPASS_POOLS);
  for (size_t i = 0; i < config->n_pools; i++)
    c->pools[c->n_pools++] = config->pools[i];
  if (config->api_url && !(c->api_url = strdup(config->api_url)))
    return ia_fail(e, IA_E_MEMORY, "no memory for the compass");
  c->table = (ia_routes){rows, IA_COUNT(rows), c, NULL, true};
  if (!add_apps(c, config->apps, e))
    return false;
  *out = ia_steal(&c);
  return true;
}

void ia_compass_close(ia_compass *c)
{
  if (!c)
    return;
  free(c->api_url);
  free(c);
}

bool ia_compass_mount(ia_compass *c, ia_server *server, ia_err *e)
{
  return ia_server_mount(server, &c->table, e);
}
