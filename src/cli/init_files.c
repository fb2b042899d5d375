/* Blocks and words of templates. */
#include "cli/init_files.h"

#include <string.h>

static const struct feature_row {
  const char *name;
  unsigned bit;
} features_table[] = {
    {"args", IA_WITH_ARGS},         {"files", IA_WITH_FILES}, {"secret", IA_WITH_SECRET},
    {"data", IA_WITH_DATA},         {"bulk", IA_WITH_BULK},   {"appsecret", IA_WITH_APPSECRET},
    {"callback", IA_WITH_CALLBACK},
};

static unsigned bit_of(ia_span word)
{
  for (size_t i = 0; i < IA_COUNT(features_table); i++) {
    if (ia_span_is(word, features_table[i].name))
      return features_table[i].bit;
  }
  return 0;
}

bool ia_features_parse(unsigned *out, const char *list, ia_err *e)
{
  *out = 0;
  while (*list) {
    size_t n = strcspn(list, ", ");
    unsigned bit = bit_of(ia_span_of(list, n));

    if (n > 0 && bit == 0)
      return ia_fail(e, IA_E_USAGE,
                     "--with %.*s: want args, files, secret, data, bulk, appsecret, callback",
                     (int)n, list);
    *out |= bit;
    list += n + (list[n] != '\0');
  }
  return true;
}

/* Any of the features named on an @if line. */
static bool wanted(const char *line, size_t len, unsigned features)
{
  for (size_t at = 3; at < len;) {
    size_t n = 0;

    while (at < len && line[at] == ' ')
      at++;
    while (at + n < len && line[at + n] != ' ')
      n++;
    if (features & bit_of(ia_span_of(line + at, n)))
      return true;
    at += n;
  }
  return false;
}

static void put_line(ia_buf *out, const char *line, size_t len, const ia_template_words *words)
{
  const struct {
    const char *mark, *text;
  } marks[] = {{"@NAME@", words->name}, {"@MAIN@", words->main}, {"@FLAGS@", words->flags}};

  for (size_t at = 0; at < len;) {
    bool hit = false;

    for (size_t i = 0; i < IA_COUNT(marks) && !hit; i++) {
      size_t n = strlen(marks[i].mark);

      hit = len - at >= n && memcmp(line + at, marks[i].mark, n) == 0;
      if (hit) {
        ia_buf_str(out, marks[i].text);
        at += n;
      }
    }
    if (!hit)
      ia_buf_u8(out, (uint8_t)line[at++]);
  }
}

static bool starts(const char *line, size_t len, const char *word)
{
  size_t n = strlen(word);

  return len >= n && memcmp(line, word, n) == 0;
}

bool ia_template_fill(ia_buf *out, const char *text, unsigned features,
                      const ia_template_words *words, ia_err *e)
{
  bool on = true, inside = false;

  while (*text) {
    size_t len = strcspn(text, "\n");

    if (starts(text, len, "@if ")) {
      on = wanted(text, len, features);
      inside = true;
    } else if (inside && starts(text, len, "@else")) {
      on = !on;
    } else if (inside && starts(text, len, "@end")) {
      on = true;
      inside = false;
    } else if (on) {
      put_line(out, text, len, words);
      ia_buf_u8(out, '\n');
    }
    text += len + (text[len] == '\n');
  }
  return ia_buf_ok(out, e);
}
