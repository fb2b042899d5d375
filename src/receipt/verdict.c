/* A verdict as JSON, for programs. */
#include "base/hex.h"
#include "base/json.h"
#include "receipt/receipt.h"

static json_t *checks_json(const ia_verdict *v)
{
  json_t *list = json_array();

  for (size_t i = 0; i < v->n; i++) {
    const ia_check *k = &v->check[i];
    json_t *one = json_pack("{s:s,s:b,s:s}", "name", k->name, "ok", k->state != IA_CHECK_FAIL,
                            "text", k->text);

    if (one && k->state == IA_CHECK_NOTE)
      (void)json_object_set_new(one, "note", json_true());
    if (json_array_append_new(list, one) != 0)
      break;
  }
  return list;
}

json_t *ia_verdict_json(const ia_verdict *v, ia_err *e)
{
  json_t *unproven = json_array();

  for (size_t i = 0; i < v->n_unproven; i++)
    (void)json_array_append_new(unproven, json_string(v->unproven[i]));
  json_t *out =
      json_pack("{s:s,s:b,s:b,s:o,s:o,s:o}", "verdict", v->ok ? "proven" : "not proven",
                "simulated", v->simulated, "completed", v->completed, "taskId",
                ia_json_h256(&v->task_id), "checks", checks_json(v), "notProven", unproven);
  if (!out)
    ia_fail(e, IA_E_MEMORY, "out of memory");
  else if (!v->ok && !ia_json_set(out, "code", json_string(ia_code_name(v->code)), e)) {
    json_decref(out);
    return NULL;
  }
  return out;
}
