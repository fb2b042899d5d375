/* Finished results on disk, until they are settled: HOME/worker/done, a file a lease. A file holds
 * what nobody could make again (run statement, release, evidence), what settles it, and every form
 * of the settling transaction that may be in a block. It is whole or absent. */
#include "service/worker/kept.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/log.h"

enum { KEPT_CAP = 8 << 20, DAY_S = 86400 };

void worker_kept_name(char out[WORKER_KEPT_NAME], const ia_h256 *task, uint64_t fencing)
{
  (void)snprintf(out, WORKER_KEPT_NAME, "%s-%llu.json", ia_h256_text(task).s,
                 (unsigned long long)fencing);
}

static bool path_of(ia_path *p, const ia_worker *w, const char *name, ia_err *e)
{
  return ia_path_join(p, e, "%s/%s", w->done.s, name);
}

static bool load(json_t **out, const ia_worker *w, const char *name, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path p;

  *out = NULL;
  if (!path_of(&p, w, name, e) || !ia_file_read(&text, p.s, KEPT_CAP, e))
    return false;
  *out = ia_json_parse(ia_buf_view(&text), 0, e);
  return *out || ia_wrap(e, "%s", name);
}

static bool save(const ia_worker *w, const char *name, const json_t *v, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path p;

  return ia_json_write(&text, v, e) && path_of(&p, w, name, e) &&
         ia_file_write(p.s, ia_buf_view(&text), 0600, e);
}

bool worker_kept_load(json_t **out, ia_worker *w, const char *name, ia_err *e)
{
  pthread_mutex_lock(&w->kept_mutex);
  bool ok = load(out, w, name, e);
  pthread_mutex_unlock(&w->kept_mutex);
  return ok;
}

bool worker_kept_save(ia_worker *w, const char *name, const json_t *v, ia_err *e)
{
  pthread_mutex_lock(&w->kept_mutex);
  bool ok = save(w, name, v, e);
  pthread_mutex_unlock(&w->kept_mutex);
  return ok;
}

bool worker_kept_form(ia_worker *w, const char *name, ia_span raw, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;

  pthread_mutex_lock(&w->kept_mutex);
  bool ok = load(&v, w, name, e);
  json_t *forms = ok ? json_object_get(v, "forms") : NULL;
  if (ok && !forms) {
    forms = json_array();
    ok = ia_json_set(v, "forms", forms, e);
  }
  if (ok)
    ok = (json_array_append_new(forms, ia_json_hex(raw)) == 0 ||
          ia_fail(e, IA_E_MEMORY, "kept result")) &&
         save(w, name, v, e);
  pthread_mutex_unlock(&w->kept_mutex);
  return ok;
}

bool worker_kept_is_there(const ia_worker *w, const char *name)
{
  ia_path p;

  return path_of(&p, w, name, NULL) && access(p.s, F_OK) == 0;
}

void worker_kept_drop(ia_worker *w, const char *name)
{
  ia_path p;

  pthread_mutex_lock(&w->kept_mutex);
  if (path_of(&p, w, name, NULL))
    (void)unlink(p.s);
  pthread_mutex_unlock(&w->kept_mutex);
}

worker_kept_step worker_kept_step_of(const json_t *v)
{
  if (json_is_true(json_object_get(v, "reported")))
    return WORKER_KEPT_REPORTED;
  /* files of older versions hold a report and nothing else */
  return json_object_get(v, "deadline") && !json_is_true(json_object_get(v, "settled"))
             ? WORKER_KEPT_FINISHED
             : WORKER_KEPT_SETTLED;
}

json_t *worker_kept_list(ia_worker *w)
{
  json_t *list = json_array();
  DIR *d = opendir(w->done.s);

  if (!d)
    return list;
  for (struct dirent *en; (en = readdir(d));) {
    size_t n = strlen(en->d_name);

    if (n > 5 && n < WORKER_KEPT_NAME && strcmp(en->d_name + n - 5, ".json") == 0)
      (void)json_array_append_new(list, json_string(en->d_name));
  }
  closedir(d);
  return list;
}

bool worker_kept_find(char name[WORKER_KEPT_NAME], json_t **out, ia_worker *w, const ia_h256 *task)
{
  IA_AUTO_JSON *list = worker_kept_list(w);
  const ia_text67 text = ia_h256_text(task);
  const json_t *v;
  size_t i;

  *out = NULL;
  json_array_foreach (list, i, v) {
    const char *have = json_string_value(v);
    json_t *one;

    if (strncmp(have, text.s, strlen(text.s)) != 0 || !worker_kept_load(&one, w, have, NULL))
      continue;
    if (json_object_get(one, "deadline")) {
      (void)snprintf(name, WORKER_KEPT_NAME, "%s", have);
      json_decref(*out);
      *out = one;
      if (worker_kept_step_of(one) == WORKER_KEPT_FINISHED)
        return true;
    } else {
      json_decref(one);
    }
  }
  return *out != NULL;
}

/* What is settled and reported is kept only for a reorganisation, which has no say after the
 * deadline. A day more: the chain's clock may be behind ours. */
static bool is_stale(const json_t *v)
{
  uint64_t deadline;

  return worker_kept_step_of(v) == WORKER_KEPT_REPORTED &&
         (!ia_json_get_u64(v, "deadline", &deadline, NULL) || deadline + DAY_S <= ia_now());
}

void worker_kept_sweep(ia_worker *w)
{
  IA_AUTO_JSON *list = worker_kept_list(w);
  const json_t *v;
  size_t i;

  json_array_foreach (list, i, v) {
    IA_AUTO_JSON *one = NULL;

    if (worker_kept_load(&one, w, json_string_value(v), NULL) && is_stale(one))
      worker_kept_drop(w, json_string_value(v));
  }
}
