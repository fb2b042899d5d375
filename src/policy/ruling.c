#include "policy/ruling.h"

#include <stdarg.h>
#include <stdio.h>

static ia_clause *next_line(ia_ruling *v, const char *clause, bool ok, ia_code code)
{
  ia_clause *c;

  if (v->n == IA_RULING_LINES) {
    /* too many lines to tell: refuse in the last one, whatever it said */
    c = &v->line[IA_RULING_LINES - 1];
    ok = false;
    code = code == IA_OK ? IA_E_TOO_LARGE : code;
  } else {
    c = &v->line[v->n++];
  }
  c->clause = clause;
  c->ok = ok;
  c->code = code;
  if (!ok && !v->refused) {
    v->refused = true;
    v->first = (size_t)(c - v->line);
  }
  return c;
}

void ia_ruling_ok(ia_ruling *v, const char *clause, const char *fmt, ...)
{
  ia_clause *c = next_line(v, clause, true, IA_OK);
  va_list ap;

  va_start(ap, fmt);
  (void)!vsnprintf(c->message, sizeof(c->message), fmt, ap);
  va_end(ap);
}

bool ia_ruling_no(ia_ruling *v, const char *clause, ia_code code, const char *fmt, ...)
{
  ia_clause *c = next_line(v, clause, false, code);
  va_list ap;

  va_start(ap, fmt);
  (void)!vsnprintf(c->message, sizeof(c->message), fmt, ap);
  va_end(ap);
  return false;
}

bool ia_ruling_err(ia_ruling *v, const char *clause, const ia_err *err)
{
  return ia_ruling_no(v, clause, err->code == IA_OK ? IA_E_INTERNAL : err->code, "%s", err->msg);
}

bool ia_ruling_check(const ia_ruling *v, ia_err *e)
{
  if (!v->refused)
    return true;
  return ia_fail(e, v->line[v->first].code, "%s", v->line[v->first].message);
}

json_t *ia_ruling_json(const ia_ruling *v)
{
  IA_AUTO_JSON *lines = json_array();

  for (size_t i = 0; i < v->n; i++)
    if (json_array_append_new(lines,
                              json_pack("{s:s, s:b, s:s, s:s}", "clause", v->line[i].clause, "ok",
                                        v->line[i].ok, "code", ia_code_name(v->line[i].code),
                                        "message", v->line[i].message)) != 0)
      return NULL;
  return json_pack("{s:s, s:O}", "verdict", v->refused ? "refuse" : "release", "clauses", lines);
}
