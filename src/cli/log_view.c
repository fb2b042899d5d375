/* An app's outputs, for people's eyes. */
#include "cli/log_view.h"

#include <inttypes.h>
#include <string.h>

#include "base/show.h"
#include "cli/app_hints.h"

static bool stream(json_t *texts, const json_t *logs, const char *name, ia_err *e)
{
  IA_AUTOV(ia_buf) head = {0}, tail = {0}, out = {0};
  uint64_t total;
  json_t *v;

  if (!ia_json_get_obj(logs, name, &v, e) || !ia_json_get_base64(v, "head", &head, e) ||
      !ia_json_get_base64(v, "tail", &tail, e) || !ia_json_get_u64(v, "total", &total, e))
    return ia_wrap(e, "logs");
  ia_show_text(&out, ia_buf_view(&head));
  if (total > head.len + tail.len)
    ia_buf_printf(&out, "\n.. %" PRIu64 " bytes left out ..\n", total - head.len - tail.len);
  ia_show_text(&out, ia_buf_view(&tail));
  return ia_buf_ok(&out, e) && ia_json_set(texts, name, ia_json_bytes(ia_buf_view(&out)), e);
}

/* Who may read the logs may know how the app ended; older logs do not say. */
static bool ending(json_t *texts, const json_t *logs, ia_err *e)
{
  const json_t *code = json_object_get(logs, "exitCode"), *words = json_object_get(logs, "ending");
  json_t *cause = json_object_get(logs, "cause");

  if (!json_is_integer(code) || !json_is_string(words))
    return true;
  return ia_json_set(texts, "exitCode", json_integer(json_integer_value(code)), e) &&
         ia_json_set(texts, "ending", json_string(json_string_value(words)), e) &&
         (!json_is_string(cause) || ia_json_set(texts, "cause", json_incref(cause), e));
}

bool ia_log_texts(json_t **out, const json_t *logs, ia_err *e)
{
  IA_AUTO_JSON *texts = json_object();

  json_t *skipped = json_object_get(logs, "skipped");

  if (!stream(texts, logs, "stdout", e) || !stream(texts, logs, "stderr", e) ||
      !ending(texts, logs, e) ||
      (json_is_array(skipped) && !ia_json_set(texts, "skipped", json_incref(skipped), e)))
    return false;
  json_t *hints = ia_app_hints(json_string_value(json_object_get(texts, "stdout")),
                               json_string_value(json_object_get(texts, "stderr")));
  if (!ia_json_set(texts, "hints", hints, e))
    return false;
  *out = json_incref(texts);
  return true;
}

void ia_log_say_hints(ia_cli *c, const json_t *texts)
{
  size_t i;
  json_t *hint;

  json_array_foreach (json_object_get(texts, "hints"), i, hint)
    ia_cli_say(c, "hint: %s", json_string_value(hint));
}

void ia_log_say(ia_cli *c, const json_t *texts)
{
  static const char *const streams[][2] = {{"stdout", "[STDOUT]"}, {"stderr", "[STDERR]"}};
  bool any = false;
  size_t at;
  json_t *row;

  for (unsigned i = 0; i < IA_COUNT(streams); i++) {
    const char *text = json_string_value(json_object_get(texts, streams[i][0]));
    size_t n = text ? strlen(text) : 0;

    if (n == 0)
      continue;
    any = true;
    while (n > 0 && text[n - 1] == '\n')
      n--;
    ia_cli_say(c, "%s", streams[i][1]);
    ia_cli_say_text(c, "| ", ia_span_of(text, n));
  }
  if (!any)
    ia_cli_say(c, "App didn't log anything");
  const char *ending = json_string_value(json_object_get(texts, "ending"));
  if (ending && ending[0])
    ia_cli_say(c, "The app ended: %s", ending);
  json_array_foreach (json_object_get(texts, "skipped"), at, row)
    ia_cli_say(c, "not in the result: %s (%s)", json_string_value(json_object_get(row, "path")),
               json_string_value(json_object_get(row, "kind")));
  ia_log_say_hints(c, texts);
}
