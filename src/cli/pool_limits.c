/* Limits of a pool, and whether a run is within them. */
#include "cli/pool_limits.h"

#include "base/size.h"
#include "cli/image_head.h"
#include "client/to_scheduler.h"

bool ia_pool_ask(const ia_net *net, json_t **out, ia_err *e)
{
  return ia_to_scheduler_pool(net, out, e);
}

bool ia_pool_limit(uint64_t *out, const json_t *pool, const char *name)
{
  const json_t *v = json_object_get(json_object_get(pool, "limits"), name);

  if (!json_is_integer(v) || json_integer_value(v) < 0)
    return false;
  *out = (uint64_t)json_integer_value(v);
  return true;
}

/* What the image asks for; 0 where that cannot be known here. */
static uint64_t app_memory(const ia_net *net, const ia_h256 *digest, const char *multiaddr)
{
  IA_AUTO(ia_oci_config) *config = NULL;

  return multiaddr && ia_image_head(&config, net, digest, multiaddr, NULL) ? config->memory : 0;
}

bool ia_pool_memory_check(ia_cli *c, const ia_net *net, uint64_t run_memory, const ia_h256 *digest,
                          const char *multiaddr, ia_err *e)
{
  uint64_t own = app_memory(net, digest, multiaddr), most;
  uint64_t need = own > run_memory ? own : run_memory;
  IA_AUTO_JSON *pool = NULL;
  ia_err why = {0};

  if (need == 0)
    return true;
  if (!ia_pool_ask(net, &pool, &why)) {
    ia_cli_warn(c, "cannot ask the pool how much memory it offers: %s", why.msg);
    return true;
  }
  if (!ia_pool_limit(&most, pool, "memoryMax")) {
    ia_cli_warn(c, "no worker is connected to the pool: how much memory it offers is not known");
    return true;
  }
  if (need <= most)
    return true;
  (void)ia_fail(e, IA_E_NO_RESOURCES, "%s asks for %s of memory; the pool's workers offer %s",
                own > run_memory ? "the app" : "the run", ia_size_show(need).s,
                ia_size_show(most).s);
  return own > run_memory
             ? ia_hint(e, "use a pool whose workers offer more: --pool; its operator can raise "
                          "it: iappd run --app-memory")
             : ia_hint(e, "--memory with at most %lluM, or another pool: --pool",
                       (unsigned long long)(most >> 20));
}
