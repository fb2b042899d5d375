#include "policy/ruling.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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

/* Rules whose own sentence tells a number or a time of the owner's. */
static const struct {
  const char *clause, *told;
} discreet[] = {
    {"policy.notBefore", "the owner's policy has not begun"},
    {"policy.expires", "the owner's policy has expired"},
    {"policy.hours", "outside the hours that the owner admits"},
    {"policy.runs.total", "the owner's budget of runs is used up"},
    {"policy.runs.daily", "the owner's budget of runs of this day (UTC) is used up"},
    {"grant.expires", "the grant has expired"},
    {"grant.runs", "the runs of the grant are used up"},
};

static const char *told_to_requester(const ia_clause *c)
{
  for (size_t i = 0; i < IA_COUNT(discreet); i++)
    if (strcmp(c->clause, discreet[i].clause) == 0)
      return discreet[i].told;
  return c->message;
}

static bool is_term(const char *clause)
{
  return strncmp(clause, "grant.", 6) == 0;
}

/* A rule of an owner's own: of her policy or of the terms of a grant. */
static bool is_policy(const char *clause)
{
  return strcmp(clause, "policy") == 0 || strncmp(clause, "policy.", 7) == 0 || is_term(clause);
}

const char *ia_refusal_of_owner(const char *clause)
{
  if (!is_policy(clause))
    return NULL;
  return is_term(clause) ? "refused by the terms of the grant" : "refused by the owner's policy";
}

static json_t *line_json(const ia_clause *c, ia_ruling_reader reader)
{
  const char *clause = c->clause;
  const char *message = reader == IA_READER_OWNER       ? c->message
                        : reader == IA_READER_REQUESTER ? told_to_requester(c)
                                                        : NULL;

  /* which rules a policy has is told by the lines that hold, too */
  if (reader != IA_READER_OWNER && is_policy(clause) && (c->ok || reader == IA_READER_ANYONE))
    clause = "policy";
  if (message && reader == IA_READER_REQUESTER && is_policy(clause) && c->ok)
    message = "the owner admits this run";
  json_t *line =
      json_pack("{s:s, s:b, s:s}", "clause", clause, "ok", c->ok, "code", ia_code_name(c->code));
  if (line && message && json_object_set_new(line, "message", json_string(message)) != 0) {
    json_decref(line);
    return NULL;
  }
  return line;
}

/* Lines that the reader does not get: of a policy, those that hold beside one that refuses, and all
 * but the first of those that hold. */
static bool is_left_out(const ia_ruling *v, size_t at, ia_ruling_reader reader)
{
  const ia_clause *c = &v->line[at];

  if (reader == IA_READER_OWNER || !is_policy(c->clause) || !c->ok)
    return false;
  for (size_t i = 0; i < v->n; i++)
    if (is_policy(v->line[i].clause) && (!v->line[i].ok || i < at))
      return true;
  return false;
}

json_t *ia_ruling_json(const ia_ruling *v, ia_ruling_reader reader)
{
  IA_AUTO_JSON *lines = json_array();

  for (size_t i = 0; i < v->n; i++)
    if (!is_left_out(v, i, reader) &&
        json_array_append_new(lines, line_json(&v->line[i], reader)) != 0)
      return NULL;
  return json_pack("{s:s, s:O}", "verdict", v->refused ? "refuse" : "release", "clauses", lines);
}
