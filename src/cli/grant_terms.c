#include "cli/grant_terms.h"

#include <string.h>

#include "base/clock.h"
#include "base/date.h"
#include "base/hex.h"
#include "cli/parse.h"

enum { PURPOSE_MAX = 128, LIST_MAX = 256 }; /* as the SMS reads them */

static bool has_text(const json_t *list, const char *text)
{
  const json_t *one;
  size_t i;

  json_array_foreach (list, i, one)
    if (strcmp(json_string_value(one), text) == 0)
      return true;
  return false;
}

bool ia_cli_purposes(ia_cli *c, json_t **out, ia_err *e)
{
  IA_AUTO_JSON *list = json_array();
  const char *text;

  for (unsigned i = 0; (text = ia_cli_opt_at(c, "purpose", i)); i++) {
    if (!*text || strlen(text) > PURPOSE_MAX)
      return ia_fail(e, IA_E_USAGE, "--purpose: a purpose has 1 to %d bytes", PURPOSE_MAX);
    if (!has_text(list, text) && json_array_append_new(list, json_string(text)) != 0)
      return ia_fail(e, IA_E_USAGE, "--purpose: not valid UTF-8");
  }
  if (json_array_size(list) > LIST_MAX)
    return ia_fail(e, IA_E_USAGE, "--purpose: %zu purposes; the limit is %d", json_array_size(list),
                   LIST_MAX);
  *out = json_incref(list);
  return true;
}

bool ia_cli_terms_asked(ia_cli *c, json_t **out, ia_err *e)
{
  IA_AUTO_JSON *asked = json_object(), *purposes = NULL;
  const char *until = ia_cli_opt(c, "until");
  uint64_t at, runs;

  *out = NULL;
  if (until && (!ia_parse_until(&at, until, ia_now(), e) ||
                !ia_json_set(asked, "until", json_string(until), e)))
    return ia_wrap(e, "--until");
  if (ia_cli_flag(c, "purpose") && (!ia_cli_purposes(c, &purposes, e) ||
                                    !ia_json_set(asked, "purposes", json_incref(purposes), e)))
    return false;
  if (ia_cli_flag(c, "runs")) {
    if (!ia_cli_opt_u64(c, "runs", 0, &runs, e))
      return false;
    if (runs == 0 || runs > INT64_MAX)
      return ia_fail(e, IA_E_USAGE, "--runs: wants a number of at least 1");
    if (!ia_json_set(asked, "runs", json_integer((json_int_t)runs), e))
      return false;
  }
  if (json_object_size(asked) > 0)
    *out = json_incref(asked);
  return true;
}

bool ia_cli_terms_body(json_t **out, const json_t *asked, const ia_h256 *order, ia_err *e)
{
  const char *until = json_string_value(json_object_get(asked, "until"));
  json_t *purposes = json_object_get(asked, "purposes"), *runs = json_object_get(asked, "runs");
  IA_AUTO_JSON *body = json_pack("{s:i, s:o}", "v", 1, "order", ia_json_h256(order));
  uint64_t at;

  *out = NULL;
  if (!asked || json_is_null(asked))
    return true;
  if (!body)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  if (until && (!ia_parse_until(&at, until, ia_now(), e) ||
                !ia_json_set(body, "expires", json_integer((json_int_t)at), e)))
    return ia_wrap(e, "--until");
  if ((purposes && !ia_json_set(body, "purposes", json_incref(purposes), e)) ||
      (runs && !ia_json_set(body, "runs", json_incref(runs), e)))
    return false;
  *out = json_incref(body);
  return true;
}

void ia_cli_terms_text(ia_buf *out, const json_t *terms, json_int_t runs)
{
  const json_t *purposes = json_object_get(terms, "purposes"), *one;
  json_int_t expires = json_integer_value(json_object_get(terms, "expires"));
  const json_t *most = json_object_get(terms, "runs");
  size_t i;

  json_array_foreach (purposes, i, one)
    ia_buf_printf(out, "%s%s", i == 0 ? "; for the purpose " : ", ", json_string_value(one));
  if (json_is_array(purposes) && json_array_size(purposes) == 0)
    ia_buf_str(out, "; for no purpose");
  if (expires > 0)
    ia_buf_printf(out, "; %s %s", (uint64_t)expires > ia_now() ? "valid until" : "EXPIRED on",
                  ia_rfc3339((uint64_t)expires).s);
  if (most && runs < 0)
    ia_buf_printf(out, "; at most %" JSON_INTEGER_FORMAT " runs", json_integer_value(most));
  else if (most)
    ia_buf_printf(out,
                  "; keys released for %" JSON_INTEGER_FORMAT " of %" JSON_INTEGER_FORMAT " runs",
                  runs, json_integer_value(most));
  else if (runs >= 0)
    ia_buf_printf(out, "; keys released for %" JSON_INTEGER_FORMAT " runs", runs);
}
