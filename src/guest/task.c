/* The item `task`. */
#include "guest/task.h"

#include "base/size.h"
#include "crypto/sha.h"

static const char *const keys[] = {
    "v",
    "dealId",
    "taskId",
    "taskIndex",
    "botFirst",
    "botSize",
    "chainId",
    "hub",
    "app",
    "appDigest",
    "argv",
    "env",
    "datasets",
    "inputFiles",
    "requester",
    "beneficiary",
    "resultKey",
    "encrypt",
    "callback",
    "logs",
    "egress",
    "limits",
    "gate",
    "purpose",
    "worker",
    "fencing",
    "attempt",
    "timeLimit",
    "memory",
    "descHash",
    NULL,
    /* local: */ "secrets",
    NULL,
};
enum { KEYS_REMOTE_END = 30 };

static const char *const dataset_keys[] = {
    "address",
    "checksum",
    "multiaddr",
    "filename",
    "orderHash",
    "policyHash",
    "epoch",
    "refused",
    NULL,
    /* local: */ "plain",
    NULL,
};
enum { DATASET_REMOTE_END = 8, TIME_LIMIT_MAX = 86400 * 7 };

/* Keys of the list up to its first NULL; the local list joins the two parts. */
static bool only(const json_t *v, const char *const *list, size_t remote_end, bool local, ia_err *e)
{
  const char *all[40];
  size_t n = 0;

  for (size_t i = 0; i < remote_end; i++)
    all[n++] = list[i];
  if (local)
    all[n++] = list[remote_end + 1];
  all[n] = NULL;
  return ia_json_only(v, all, e);
}

static bool get_numbers(ia_agent_task *t, ia_err *e)
{
  const struct {
    const char *key;
    uint64_t *out;
  } rows[] = {{"chainId", &t->chain_id},     {"taskIndex", &t->task_index},
              {"botFirst", &t->bot_first},   {"botSize", &t->bot_size},
              {"fencing", &t->fencing},      {"attempt", &t->attempt},
              {"timeLimit", &t->time_limit}, {"memory", &t->memory}};
  uint64_t v;

  if (!ia_json_get_u64(t->doc, "v", &v, e))
    return false;
  if (v != 1)
    return ia_fail(e, IA_E_UNSUPPORTED, "task: version %llu", (unsigned long long)v);
  for (size_t i = 0; i < IA_COUNT(rows); i++)
    if (!ia_json_get_u64(t->doc, rows[i].key, rows[i].out, e))
      return false;
  if (t->time_limit == 0 || t->time_limit > TIME_LIMIT_MAX)
    return ia_fail(e, IA_E_PARSE, "task: timeLimit");
  if (t->memory > 0 && !ia_app_memory_check(t->memory, e))
    return ia_wrap(e, "task");
  return true;
}

static bool get_fixed(ia_agent_task *t, ia_err *e)
{
  const struct {
    const char *key;
    ia_addr *out;
  } addresses[] = {{"hub", &t->hub},
                   {"app", &t->app},
                   {"requester", &t->requester},
                   {"beneficiary", &t->beneficiary},
                   {"callback", &t->callback},
                   {"worker", &t->worker}};
  const struct {
    const char *key;
    ia_h256 *out;
  } hashes[] = {{"dealId", &t->deal_id},
                {"taskId", &t->task_id},
                {"appDigest", &t->app_digest},
                {"descHash", &t->desc_hash}};

  for (size_t i = 0; i < IA_COUNT(addresses); i++)
    if (!ia_json_get_addr(t->doc, addresses[i].key, addresses[i].out, e))
      return false;
  for (size_t i = 0; i < IA_COUNT(hashes); i++)
    if (!ia_json_get_h256(t->doc, hashes[i].key, hashes[i].out, e))
      return false;
  return true;
}

/* One component, no hidden name: it becomes a file below /iexec_in. */
static bool filename_ok(const char *name)
{
  size_t n = strlen(name);

  return n > 0 && n <= 255 && name[0] != '.' && strcmp(name, "protected") != 0 &&
         strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static bool get_dataset(ia_task_dataset *out, const json_t *v, bool local, ia_err *e)
{
  if (!json_is_object(v))
    return ia_fail(e, IA_E_PARSE, "task: datasets");
  if (!only(v, dataset_keys, DATASET_REMOTE_END, local, e) ||
      !ia_json_get_addr(v, "address", &out->address, e) ||
      !ia_json_get_h256(v, "checksum", &out->checksum, e) ||
      !ia_json_get_h256(v, "orderHash", &out->order_hash, e) ||
      !ia_json_get_str(v, "multiaddr", &out->multiaddr, e) ||
      !ia_json_get_str(v, "filename", &out->filename, e))
    return false;
  out->refused = json_string_value(json_object_get(v, "refused"));
  if (json_object_get(v, "refused") && (!out->refused || local))
    return ia_fail(e, IA_E_PARSE, "task: refused");
  out->plain = json_is_true(json_object_get(v, "plain"));
  if (local != out->plain)
    return ia_fail(e, IA_E_PARSE, "task: a plain dataset belongs to local runs, and only to them");
  return filename_ok(out->filename) || ia_fail(e, IA_E_PARSE, "task: name of a dataset's file");
}

static bool get_datasets(ia_agent_task *t, bool local, ia_err *e)
{
  json_t *list;

  if (!ia_json_get_arr(t->doc, "datasets", &list, e))
    return false;
  size_t n = json_array_size(list);
  if (n > IA_TASK_DATASETS_MAX)
    return ia_fail(e, IA_E_PARSE, "task: %zu datasets", n);
  t->datasets = calloc(n ? n : 1, sizeof(*t->datasets));
  if (!t->datasets)
    return ia_fail(e, IA_E_MEMORY, "task");
  t->n_datasets = n;
  for (size_t i = 0; i < n; i++) {
    if (!get_dataset(&t->datasets[i], json_array_get(list, i), local, e))
      return false;
    for (size_t k = 0; k < i; k++)
      if (!t->datasets[i].refused && !t->datasets[k].refused &&
          strcmp(t->datasets[i].filename, t->datasets[k].filename) == 0)
        return ia_fail(e, IA_E_PARSE, "task: two datasets of one name");
  }
  return true;
}

static bool texts_ok(const json_t *list, size_t most)
{
  for (size_t i = 0; i < json_array_size(list); i++)
    if (!json_is_string(json_array_get(list, i)))
      return false;
  return json_array_size(list) <= most;
}

static bool get_words(ia_agent_task *t, ia_err *e)
{
  json_t *argv, *env, *files, *v;
  const char *key;

  if (!ia_json_get_arr(t->doc, "argv", &argv, e) || !ia_json_get_obj(t->doc, "env", &env, e) ||
      !ia_json_get_arr(t->doc, "inputFiles", &files, e))
    return false;
  if (!texts_ok(argv, 1000) || !texts_ok(files, IA_TASK_FILES_MAX))
    return ia_fail(e, IA_E_PARSE, "task: argv or inputFiles");
  json_object_foreach (env, key, v) {
    size_t n = strlen(key);

    if (strncmp(key, "IEXEC_", 6) != 0 || !json_is_string(v) ||
        strspn(key, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != n || strstr(key, "_SECRET") != NULL)
      return ia_fail(e, IA_E_PARSE, "task: env");
  }
  t->argv = argv;
  t->env = env;
  t->files = files;
  t->bulk = json_object_get(env, "IEXEC_BULK_SLICE_SIZE") != NULL;
  if (!t->bulk && (t->n_datasets > 1 || (t->n_datasets == 1 && t->datasets[0].refused)))
    return ia_fail(e, IA_E_PARSE, "task: %zu datasets without a slice", t->n_datasets);
  return true;
}

static bool get_result(ia_agent_task *t, ia_err *e)
{
  static const char *const words[] = {"sealed", "clear", "none"};
  const json_t *key = json_object_get(t->doc, "resultKey");
  const char *logs;

  if (!json_is_null(key) && !json_is_string(key))
    return ia_fail(e, IA_E_PARSE, "task: resultKey");
  t->result_key = json_string_value(key);
  if (!ia_json_get_bool(t->doc, "encrypt", &t->encrypt, e) ||
      !ia_json_get_str(t->doc, "logs", &logs, e))
    return false;
  for (size_t i = 0; i < IA_COUNT(words); i++)
    if (strcmp(logs, words[i]) == 0) {
      t->logs = (ia_task_logs)i;
      return true;
    }
  return ia_fail(e, IA_E_PARSE, "task: logs");
}

/* What this build cannot keep it must not run: egress, limits of the owner's, a result gate. */
static bool get_rules(ia_agent_task *t, ia_err *e)
{
  json_t *egress, *limits;

  if (!ia_json_get_arr(t->doc, "egress", &egress, e) ||
      !ia_json_get_obj(t->doc, "limits", &limits, e))
    return false;
  t->egress = egress;
  t->limits = limits;
  if (json_array_size(egress) > 0 || json_object_size(limits) > 0)
    return ia_fail(e, IA_E_UNSUPPORTED, "task: this guest keeps no egress rules and no limits");
  if (!json_is_null(json_object_get(t->doc, "gate")))
    return ia_fail(e, IA_E_UNSUPPORTED, "task: this guest keeps no result gate");
  const json_t *purpose = json_object_get(t->doc, "purpose");
  return json_is_string(purpose) || ia_fail(e, IA_E_PARSE, "task: purpose");
}

bool ia_agent_task_parse(ia_agent_task *out, ia_span text, bool local, ia_err *e)
{
  *out = (ia_agent_task){.doc = ia_json_parse(text, 0, e)};
  if (!out->doc)
    return ia_wrap(e, "task");
  ia_sha256(&out->hash, text);
  if (!only(out->doc, keys, KEYS_REMOTE_END, local, e) || !get_numbers(out, e) ||
      !get_fixed(out, e) || !get_datasets(out, local, e) || !get_words(out, e) ||
      !get_result(out, e) || !get_rules(out, e))
    return false;
  out->secrets = json_object_get(out->doc, "secrets");
  if (out->encrypt && !out->result_key)
    return ia_fail(e, IA_E_RESULT_KEY_MISSING, "task: encryption without a key");
  return true;
}

void ia_agent_task_free(ia_agent_task *t)
{
  json_decref(t->doc);
  free(t->datasets);
  *t = (ia_agent_task){0};
}
