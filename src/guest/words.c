/* Arguments and environment of the app. */
#include "guest/words.h"

#include <stdio.h>

void ia_words_free(ia_words *w)
{
  if (!w)
    return;
  for (size_t i = 0; i < w->n; i++) {
    ia_wipe(w->v[i], strlen(w->v[i]));
    free(w->v[i]);
  }
  free(w);
}

/* name NULL: a word alone. Secrets may not hold NUL: an environment cannot. */
static bool add(ia_words *w, const char *name, ia_span value, ia_err *e)
{
  size_t head = name ? strlen(name) + 1 : 0, len;

  if (w->n >= IA_WORDS_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "more than %d words for the app", IA_WORDS_MAX);
  if (value.len > 0 && memchr(value.ptr, 0, value.len))
    return ia_fail(e, IA_E_INVALID, "%s holds a NUL byte", name ? name : "an argument");
  if (!ia_add(head + 1, value.len, &len))
    return ia_fail(e, IA_E_TOO_LARGE, "word");
  char *p = malloc(len);
  if (!p)
    return ia_fail(e, IA_E_MEMORY, "words of the app");
  if (name) {
    memcpy(p, name, head - 1);
    p[head - 1] = '=';
  }
  if (value.len > 0)
    memcpy(p + head, value.ptr, value.len);
  p[len - 1] = '\0';
  w->v[w->n++] = p;
  return true;
}

static bool add_list(ia_words *w, const ia_oci_words *list, ia_err *e)
{
  for (size_t i = 0; i < list->n; i++)
    if (!add(w, NULL, ia_span_str(list->v[i]), e))
      return false;
  return true;
}

bool ia_words_argv(ia_words **out, const ia_oci_config *image, const ia_agent_task *t, ia_err *e)
{
  IA_AUTO(ia_words) *w = calloc(1, sizeof(*w));
  size_t n = json_array_size(t->argv);

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "words of the app");
  if (!add_list(w, &image->entrypoint, e) || (n == 0 && !add_list(w, &image->cmd, e)))
    return false;
  for (size_t i = 0; i < n; i++) {
    const json_t *v = json_array_get(t->argv, i);

    if (!add(w, NULL, ia_span_of(json_string_value(v), json_string_length(v)), e))
      return false;
  }
  if (w->n == 0 || w->v[0][0] == '\0')
    return ia_fail(e, IA_E_IMAGE_REFUSED, "the image names no program");
  *out = ia_steal(&w);
  return true;
}

static bool has(const ia_words *w, const char *name)
{
  size_t n = strlen(name);

  for (size_t i = 0; i < w->n; i++)
    if (strncmp(w->v[i], name, n) == 0 && w->v[i][n] == '=')
      return true;
  return false;
}

static bool image_env(ia_words *w, const ia_oci_config *image, ia_err *e)
{
  static const char *const defaults[][2] = {
      {"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
      {"HOME", "/tmp"},
      {"LANG", "C.UTF-8"},
      {"TZ", "UTC"},
  };

  for (size_t i = 0; i < image->env.n; i++)
    if (strncmp(image->env.v[i], "IEXEC_", 6) != 0 && strchr(image->env.v[i], '=') &&
        !add(w, NULL, ia_span_str(image->env.v[i]), e))
      return false;
  for (size_t i = 0; i < IA_COUNT(defaults); i++)
    if (!has(w, defaults[i][0]) && !add(w, defaults[i][0], ia_span_str(defaults[i][1]), e))
      return false;
  return true;
}

static bool app_secret(ia_words *w, ia_span value, ia_err *e)
{
  return add(w, "IEXEC_APP_DEVELOPER_SECRET", value, e) &&
         add(w, "IEXEC_APP_DEVELOPER_SECRET_1", value, e);
}

/* n: the key of iexec_secrets, a number from 1. */
static bool requester_secret(ia_words *w, const char *n, ia_span value, ia_err *e)
{
  char name[64];
  size_t len = strlen(n);

  if (len == 0 || len > 9 || n[0] == '0' || strspn(n, "0123456789") != len)
    return ia_fail(e, IA_E_INVALID, "number of a requester secret");
  (void)snprintf(name, sizeof(name), "IEXEC_REQUESTER_SECRET_%s", n);
  return add(w, name, value, e);
}

static bool released_secrets(ia_words *w, const ia_released *r, ia_err *e)
{
  static const char prefix[] = "requester-secret/";
  const ia_secret *app = ia_released_find(r, "app-secret");

  if (app && !app_secret(w, ia_secret_view(app), e))
    return false;
  for (size_t i = 0; i < r->n; i++)
    if (strncmp(r->names[i], prefix, sizeof(prefix) - 1) == 0 &&
        !requester_secret(w, r->names[i] + sizeof(prefix) - 1, ia_secret_view(&r->plains[i]), e))
      return false;
  return true;
}

static ia_span text_of(const json_t *v)
{
  return ia_span_of(json_string_value(v), json_string_length(v));
}

static bool local_secrets(ia_words *w, const json_t *secrets, ia_err *e)
{
  const json_t *app = json_object_get(secrets, "app");
  const char *n;
  json_t *v;

  if (json_is_string(app) && !app_secret(w, text_of(app), e))
    return false;
  json_object_foreach (json_object_get(secrets, "requester"), n, v) {
    if (!json_is_string(v))
      return ia_fail(e, IA_E_PARSE, "task: secrets");
    if (!requester_secret(w, n, text_of(v), e))
      return false;
  }
  return true;
}

bool ia_words_env(ia_words **out, const ia_oci_config *image, const ia_agent_task *t,
                  const ia_released *released, const ia_run *run, ia_err *e)
{
  IA_AUTO(ia_words) *w = calloc(1, sizeof(*w));
  json_t *env = (json_t *)(uintptr_t)t->env; /* jansson iterates through a plain pointer */
  const char *key;
  json_t *v;

  if (!w)
    return ia_fail(e, IA_E_MEMORY, "words of the app");
  if (!image_env(w, image, e))
    return false;
  json_object_foreach (env, key, v) {
    if (!add(w, key, text_of(v), e))
      return false;
  }
  for (size_t i = 0; i < run->n_failed; i++) {
    char name[48];

    (void)snprintf(name, sizeof(name), "IEXEC_DATASET_%llu_FAILED",
                   (unsigned long long)run->failed[i].index);
    if (!add(w, name, ia_span_str(run->failed[i].code), e))
      return false;
  }
  if (!(released ? released_secrets(w, released, e) : local_secrets(w, t->secrets, e)))
    return false;
  *out = ia_steal(&w);
  return true;
}
