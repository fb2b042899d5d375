#include "cli/short_id.h"

#include <ctype.h>
#include <string.h>

#include "client/to_index.h"

enum { DIGITS_MIN = 4, DIGITS_MAX = 64, SHOWN_MAX = 5 };

/* Words of a verb's arguments and of options' values, and what the index calls them. */
static const struct kind {
  const char *word, *entities, *what;
} kinds[] = {
    {"TASK", "tasks", "task"},
    {"APP", "apps", "app"},
    {"DATA", "datasets", "protected data"},
    {"POOL", "workerpools", "workerpool"},
};

typedef struct cut {
  char begin[DIGITS_MAX + 3]; /* 0x and digits, lower case */
  char end[DIGITS_MAX + 1];
} cut;

static size_t digits(char *out, const char *text)
{
  size_t n = strspn(text, "0123456789abcdefABCDEF");

  for (size_t i = 0; i < n && i < DIGITS_MAX; i++)
    out[i] = (char)tolower((unsigned char)text[i]);
  out[n < DIGITS_MAX ? n : DIGITS_MAX] = '\0';
  return n;
}

/* 0x, digits, two or three dots (or the one character of three), and digits of the end or none. */
static bool read_cut(cut *out, const char *text)
{
  static const char ellipsis[] = "\xe2\x80\xa6";

  if (strncmp(text, "0x", 2) != 0)
    return false;
  memcpy(out->begin, "0x", 2);
  size_t n = digits(out->begin + 2, text + 2);
  const char *dots = text + 2 + n;
  size_t n_dots = strncmp(dots, ellipsis, 3) == 0 ? 3 : strspn(dots, ".");
  if (n < DIGITS_MIN || n >= DIGITS_MAX || n_dots < 2 || n_dots > 3)
    return false;
  size_t rest = digits(out->end, dots + n_dots);
  return dots[n_dots + rest] == '\0' && rest < DIGITS_MAX;
}

/* Does the word stand in the text by itself? */
static bool has_word(const char *text, size_t len, const char *word)
{
  size_t n = strlen(word);

  for (size_t i = 0; i + n <= len; i++)
    if (strncmp(text + i, word, n) == 0 && (i == 0 || !isupper((unsigned char)text[i - 1])) &&
        (i + n == len || !isupper((unsigned char)text[i + n])))
      return true;
  return false;
}

/* The words for the i-th argument: "DATA APP|LINE", "TASK | APP", "[APP ..]". */
static const char *words_of(const char *args, unsigned i, size_t *len)
{
  if (strchr(args, ' ') && strstr(args, " | ")) {
    *len = i == 0 ? strlen(args) : 0;
    return args;
  }
  for (;; args += *len + 1, i--) {
    *len = strcspn(args, " ");
    if (i == 0 || !args[*len])
      return args;
    if (strncmp(args + *len, " ..", 3) == 0)
      return args;
  }
}

static json_t *question(const struct kind *k, const cut *id)
{
  IA_AUTO_JSON *where = json_pack("{s:s}", "id_starts_with", id->begin);
  IA_AUTOV(ia_buf) query = {0};

  if (where && id->end[0])
    (void)json_object_set_new(where, "id_ends_with", json_string(id->end));
  char first = (char)toupper((unsigned char)k->entities[0]);
  ia_buf_printf(&query, "query($where:%c%.*s_filter){%s(where:$where,first:%d){id}}", first,
                (int)strlen(k->entities) - 2, k->entities + 1, k->entities, SHOWN_MAX);
  ia_buf_u8(&query, 0);
  return query.bad ? NULL
                   : json_pack("{s:s,s:{s:O}}", "query", (const char *)query.ptr, "variables",
                               "where", where);
}

/* Adds the ids that fit. */
static bool look(const char *url, const struct kind *k, const cut *id, json_t *found, ia_err *e)
{
  IA_AUTO_JSON *asked = question(k, id);
  IA_AUTO_JSON *data = NULL;
  json_t *row;
  size_t i;

  if (!asked)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (!ia_to_index_ask(&data, url, asked, e))
    return false;
  const json_t *rows = json_object_get(data, k->entities);
  json_array_foreach (rows, i, row) {
    const char *text = json_string_value(json_object_get(row, "id"));

    /* its word is not taken for another id than the one that was meant */
    if (text && strncmp(text, id->begin, strlen(id->begin)) == 0 &&
        json_array_append_new(found, json_string(text)) != 0)
      return ia_fail(e, IA_E_MEMORY, "out of memory");
  }
  return true;
}

static bool ambiguous(ia_cli *c, const char *text, const char *what, const json_t *found, ia_err *e)
{
  const json_t *id;
  size_t i;

  json_array_foreach (found, i, id)
    ia_cli_say(c, "  %s", json_string_value(id));
  (void)ia_fail(e, IA_E_USAGE, "%s: %s is ambiguous: %zu%s are known", what, text,
                json_array_size(found), json_array_size(found) >= SHOWN_MAX ? " or more" : "");
  return ia_hint(e, "give more digits: %s, or %s", json_string_value(json_array_get(found, 0)),
                 json_string_value(json_array_get(found, 1)));
}

/* *whole stays NULL where the words name nothing that has a short form. */
static bool resolve(ia_cli *c, const char **whole, const char *text, const cut *id,
                    const char *words, size_t len, ia_err *e)
{
  IA_AUTO_JSON *found = json_array();
  const char *what = NULL;
  const char *url = ia_cli_endpoint_or_null(c, "pocoSubgraphUrl");

  if (!found)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  for (size_t i = 0; i < IA_COUNT(kinds); i++) {
    if (!has_word(words, len, kinds[i].word))
      continue;
    if (!url) {
      (void)ia_fail(e, IA_E_UNAVAILABLE, "%s is short, and no index is known that has the whole",
                    text);
      return ia_hint(e, "give all its digits, or: iapp config set pocoSubgraphUrl URL");
    }
    what = what ? "TASK or APP" : kinds[i].word;
    if (!look(url, &kinds[i], id, found, e))
      return false;
  }
  if (!what)
    return true;
  if (json_array_size(found) > 1)
    return ambiguous(c, text, what, found, e);
  if (json_array_size(found) == 0) {
    (void)ia_fail(e, IA_E_NOT_FOUND, "%s: nothing is known that fits %s", what, text);
    return ia_hint(e, "give all its digits");
  }
  if (!c->short_ids)
    c->short_ids = json_array();
  if (json_array_append(c->short_ids, json_array_get(found, 0)) != 0)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  *whole = json_string_value(json_array_get(found, 0));
  ia_cli_step(c, "%s is %s", text, *whole); /* stdout may be the bytes of a file */
  return true;
}

bool ia_cli_short_ids(ia_cli *c, ia_err *e)
{
  cut id;

  for (unsigned i = 0; i < c->n_args; i++) {
    const char *whole = NULL;
    size_t len;

    if (!read_cut(&id, c->args[i]))
      continue;
    const char *words = words_of(c->verb->args, i, &len);
    if (!resolve(c, &whole, c->args[i], &id, words, len, e))
      return false;
    if (whole)
      c->args[i] = (char *)(uintptr_t)whole;
  }
  for (unsigned i = 0; i < c->n_given; i++) {
    const char *whole = NULL, *words = c->given[i].option->value;

    if (!words || !c->given[i].value || !read_cut(&id, c->given[i].value))
      continue;
    if (!resolve(c, &whole, c->given[i].value, &id, words, strlen(words), e))
      return false;
    if (whole)
      c->given[i].value = whole;
  }
  return true;
}
