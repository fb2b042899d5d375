/* Verdicts: how checks add up, and JSON for programs. */
#include <stdarg.h>
#include <stdio.h>

#include "base/hex.h"
#include "base/json.h"
#include "receipt/receipt.h"

/* Cut or foreign bytes must not keep the verdict from being JSON. */
static void make_utf8(char *text)
{
  if (ia_utf8_valid(ia_span_str(text)))
    return;
  for (; *text; text++)
    if ((unsigned char)*text >= 0x80)
      *text = '?';
}

void ia_verdict_add(ia_verdict *v, const char *name, ia_check_state state, ia_code code,
                    const char *fmt, ...)
{
  /* the list is fixed and fits; a flood of datasets ends in the last place */
  ia_check *k = &v->check[v->n < IA_COUNT(v->check) ? v->n++ : IA_COUNT(v->check) - 1];
  bool fails = state == IA_CHECK_FAIL, missing = state == IA_CHECK_MISSING;
  va_list ap;

  *k = (ia_check){.name = name, .state = state, .code = fails || missing ? code : IA_OK};
  va_start(ap, fmt);
  (void)vsnprintf(k->text, sizeof(k->text), fmt, ap);
  va_end(ap);
  make_utf8(k->text);
  if ((fails && v->outcome != IA_REFUSED) || (missing && v->outcome == IA_PROVEN)) {
    v->outcome = fails ? IA_REFUSED : IA_NOT_PROVEN;
    v->code = code;
  }
  v->completed = v->completed && v->outcome == IA_PROVEN;
}

void ia_verdict_unproven(ia_verdict *v, const char *fmt, ...)
{
  va_list ap;

  if (v->n_unproven == IA_COUNT(v->unproven)) {
    (void)snprintf(v->unproven[IA_COUNT(v->unproven) - 1], sizeof(v->unproven[0]),
                   "And more than this list holds.");
    return;
  }
  va_start(ap, fmt);
  (void)vsnprintf(v->unproven[v->n_unproven], sizeof(v->unproven[0]), fmt, ap);
  va_end(ap);
  make_utf8(v->unproven[v->n_unproven]);
  v->n_unproven++;
}

const ia_check *ia_verdict_reason(const ia_verdict *v)
{
  ia_check_state want = v->outcome == IA_REFUSED ? IA_CHECK_FAIL : IA_CHECK_MISSING;

  for (size_t i = 0; i < v->n; i++)
    if (v->check[i].state == want)
      return &v->check[i];
  return NULL;
}

const char *ia_outcome_name(ia_outcome o)
{
  return o == IA_PROVEN ? "proven" : o == IA_NOT_PROVEN ? "not proven" : "refused";
}

static json_t *check_json(const ia_check *k)
{
  bool bad = k->state == IA_CHECK_FAIL || k->state == IA_CHECK_MISSING;
  json_t *one = json_pack("{s:s,s:b,s:s}", "name", k->name, "ok", !bad, "text", k->text);

  if (one && bad)
    (void)json_object_set_new(one, "code", json_string(ia_code_name(k->code)));
  if (one && k->state == IA_CHECK_MISSING)
    (void)json_object_set_new(one, "missing", json_true());
  if (one && k->state == IA_CHECK_NOTE)
    (void)json_object_set_new(one, "note", json_true());
  return one;
}

static json_t *checks_json(const ia_verdict *v)
{
  json_t *list = json_array();

  for (size_t i = 0; i < v->n; i++)
    if (json_array_append_new(list, check_json(&v->check[i])) != 0)
      break;
  return list;
}

json_t *ia_verdict_json(const ia_verdict *v, ia_err *e)
{
  json_t *unproven = json_array();

  for (size_t i = 0; i < v->n_unproven; i++)
    (void)json_array_append_new(unproven, json_string(v->unproven[i]));
  json_t *out =
      json_pack("{s:s,s:b,s:b,s:o,s:o,s:o}", "verdict", ia_outcome_name(v->outcome), "simulated",
                v->simulated, "completed", v->completed, "taskId", ia_json_h256(&v->task_id),
                "checks", checks_json(v), "notProven", unproven);
  if (!out)
    (void)ia_fail(e, IA_E_MEMORY, "out of memory");
  else if (v->outcome != IA_PROVEN &&
           !ia_json_set(out, "code", json_string(ia_code_name(v->code)), e)) {
    json_decref(out);
    return NULL;
  }
  return out;
}
