#include "client/to_index.h"

#include "base/owned.h"
#include "http/client.h"

bool ia_to_index_ask(json_t **data, const char *url, const json_t *question, ia_err *e)
{
  ia_http_options o = {0};
  IA_AUTO(ia_http) *http = NULL;
  IA_AUTO_JSON *answer = NULL;

  if (!ia_http_new(&http, &o, e))
    return false;
  if (!ia_http_json(http, &answer, "POST", url, question, e))
    return ia_wrap(e, "the index");
  *data = json_incref(json_object_get(answer, "data"));
  return json_is_object(*data) ||
         ia_fail(e, IA_E_UNAVAILABLE, "the index at %s does not answer this question", url);
}
