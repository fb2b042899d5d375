/* iapp pool: the workerpool of this installation, and what its workers offer to one task. */
#include <inttypes.h>
#include <string.h>

#include "base/size.h"
#include "cli/net.h"
#include "cli/pool_limits.h"
#include "client/to_scheduler.h"
#include "eth/address.h"

static const char *text_of(const json_t *pool, const char *key)
{
  const char *text = json_string_value(json_object_get(pool, key));

  return text ? text : "";
}

/* Limits in bytes end in "Max"; a newer pool may state others, by their names. */
static void say_limits(ia_cli *c, const json_t *pool)
{
  json_t *limits = json_object_get(pool, "limits"), *v;
  const char *name;

  json_object_foreach (limits, name, v) {
    size_t n = strlen(name);
    uint64_t value = (uint64_t)json_integer_value(v);

    if (strcmp(name, "memoryMax") == 0)
      ia_cli_out(c, "memory for an app: up to %s (--memory; %s without it)", ia_size_show(value).s,
                 ia_size_show(IA_APP_MEMORY).s);
    else if (n > 3 && strcmp(name + n - 3, "Max") == 0)
      ia_cli_out(c, "%s: %s", name, ia_size_show(value).s);
    else
      ia_cli_out(c, "%s: %" PRIu64, name, value);
  }
}

/* Each worker that the pool admits, and why one takes no tasks. */
static void say_workers(ia_cli *c, const json_t *list)
{
  const json_t *one;
  size_t i;

  json_array_foreach (list, i, one) {
    const char *message = text_of(one, "message");
    size_t running = json_array_size(json_object_get(one, "tasks"));

    ia_cli_out(c, "worker %s: %s, %zu task%s%s%s", text_of(one, "address"), text_of(one, "state"),
               running, running == 1 ? "" : "s", message[0] ? ": " : "", message);
  }
}

static bool pool(ia_cli *c, ia_err *e)
{
  IA_AUTOV(ia_net) net = {0};
  IA_AUTO_JSON *answer = NULL, *listing = NULL;
  json_t *list;
  ia_addr at;

  if (!ia_cli_net(c, &net, e) || !ia_pool_ask(&net, &answer, e) ||
      !ia_to_scheduler_workers(&net, &listing, e) || !ia_json_get_addr(answer, "pool", &at, e) ||
      !ia_json_get_arr(listing, "workers", &list, e) ||
      !ia_json_set(answer, "workerList", json_incref(list), e))
    return false;
  json_int_t workers = json_integer_value(json_object_get(answer, "workers"));
  ia_cli_out(c, "workerpool %s", ia_addr_text(&at).s);
  ia_cli_out(c, "%lld worker%s connected, %lld task%s at a time, TEE %s (%s domain)",
             (long long)workers, workers == 1 ? "" : "s",
             (long long)json_integer_value(json_object_get(answer, "slots")),
             json_integer_value(json_object_get(answer, "slots")) == 1 ? "" : "s",
             text_of(answer, "tee"), text_of(answer, "domain"));
  say_limits(c, answer);
  say_workers(c, list);
  if (workers == 0)
    ia_cli_warn(c, "no worker is connected: tasks wait until one is");
  return ia_cli_json(c, json_incref(answer), e);
}

const ia_verb ia_verb_pool = {
    .name = "pool",
    .args = "",
    .brief = "the workerpool here: its workers, and the memory and sizes that they offer to a task",
    .example = "pool",
    .uses = IA_USES_NET,
    .run = pool,
};
