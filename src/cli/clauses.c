#include "cli/clauses.h"

void ia_cli_clauses_say(ia_cli *c, const json_t *answer)
{
  const json_t *one;
  size_t i;

  json_array_foreach (json_object_get(answer, "clauses"), i, one) {
    const char *code = json_string_value(json_object_get(one, "code"));
    const char *clause = json_string_value(json_object_get(one, "clause"));
    const char *message = json_string_value(json_object_get(one, "message"));
    bool ok = json_is_true(json_object_get(one, "ok"));

    ia_cli_out(c, "%s  %-18s %s%s%s%s", ok ? "yes" : "NO ", clause ? clause : "?",
               message ? message : "", ok ? "" : " [", ok || !code ? "" : code, ok ? "" : "]");
  }
}
