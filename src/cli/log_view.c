/* An app's outputs, for people's eyes. */
#include "cli/log_view.h"

#include <inttypes.h>
#include <string.h>

/* Bytes of the UTF-8 character that stands at s, 0 when none does. */
static size_t character(ia_span s)
{
  for (size_t n = 1; n <= 4 && n <= s.len; n++)
    if (ia_utf8_valid(ia_span_of(s.ptr, n)))
      return n;
  return 0;
}

/* C0 but new line and tab, DEL, and C1, which terminals take for commands too. */
static bool is_control(ia_span c)
{
  return (c.len == 1 &&
          ((c.ptr[0] < 0x20 && c.ptr[0] != '\n' && c.ptr[0] != '\t') || c.ptr[0] == 0x7f)) ||
         (c.len == 2 && c.ptr[0] == 0xc2 && c.ptr[1] < 0xa0);
}

void ia_log_escape(ia_buf *out, ia_span text)
{
  while (text.len > 0) {
    size_t n = character(text);
    ia_span c = ia_span_of(text.ptr, n > 0 ? n : 1);

    for (size_t i = 0; (n == 0 || is_control(c)) && i < c.len; i++)
      ia_buf_printf(out, "\\x%02x", c.ptr[i]);
    if (n > 0 && !is_control(c))
      ia_buf_span(out, c);
    text = ia_span_of(text.ptr + c.len, text.len - c.len);
  }
}

static bool stream(json_t *texts, const json_t *logs, const char *name, ia_err *e)
{
  IA_AUTOV(ia_buf) head = {0}, tail = {0}, out = {0};
  uint64_t total;
  json_t *v;

  if (!ia_json_get_obj(logs, name, &v, e) || !ia_json_get_base64(v, "head", &head, e) ||
      !ia_json_get_base64(v, "tail", &tail, e) || !ia_json_get_u64(v, "total", &total, e))
    return ia_wrap(e, "logs");
  ia_log_escape(&out, ia_buf_view(&head));
  if (total > head.len + tail.len)
    ia_buf_printf(&out, "\n.. %" PRIu64 " bytes left out ..\n", total - head.len - tail.len);
  ia_log_escape(&out, ia_buf_view(&tail));
  return ia_buf_ok(&out, e) && ia_json_set(texts, name, ia_json_bytes(ia_buf_view(&out)), e);
}

bool ia_log_texts(json_t **out, const json_t *logs, ia_err *e)
{
  IA_AUTO_JSON *texts = json_object();

  json_t *skipped = json_object_get(logs, "skipped");

  if (!stream(texts, logs, "stdout", e) || !stream(texts, logs, "stderr", e) ||
      (json_is_array(skipped) && !ia_json_set(texts, "skipped", json_incref(skipped), e)))
    return false;
  *out = json_incref(texts);
  return true;
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
    ia_cli_say(c, "%s\n%.*s", streams[i][1], (int)n, text);
  }
  if (!any)
    ia_cli_say(c, "App didn't log anything");
  json_array_foreach (json_object_get(texts, "skipped"), at, row)
    ia_cli_say(c, "not in the result: %s (%s)", json_string_value(json_object_get(row, "path")),
               json_string_value(json_object_get(row, "kind")));
}
