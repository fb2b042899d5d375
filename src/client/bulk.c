#include "client/bulk.h"

#include "base/json.h"
#include "client/to_blobs.h"

/* What is malformed will not mend: the request's fault, not the store's. */
static bool is_fault_of_text(const ia_err *e)
{
  return e->code == IA_E_PARSE || e->code == IA_E_TOO_LARGE || e->code == IA_E_INVALID;
}

static bool get(const ia_net *net, json_t **out, const char *cid, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_err why = {0};

  *out = NULL;
  if (ia_to_blobs_read(net, &text, cid, IA_BULK_BYTES_MAX, &why))
    *out = ia_json_parse(ia_buf_view(&text), IA_JSON_ANY, &why);
  if (*out)
    return true;
  if (is_fault_of_text(&why))
    why.code = IA_E_PARAMS_INVALID;
  if (e)
    *e = why;
  return ia_wrap(e, "bulk %.64s", cid);
}

bool ia_bulk_root_get(const ia_net *net, json_t **root, const char *cid, ia_err *e)
{
  const char *first;

  if (!get(net, root, cid, e))
    return false;
  if (ia_bulk_slice_of(&first, *root, 0, e))
    return true;
  json_decref(*root);
  *root = NULL;
  return false;
}

bool ia_bulk_slice_get(const ia_net *net, json_t **slice, const json_t *root, uint64_t index,
                       ia_err *e)
{
  const char *cid;

  *slice = NULL;
  if (!ia_bulk_slice_of(&cid, root, index, e) || !get(net, slice, cid, e))
    return false;
  if (ia_bulk_slice_check(*slice, e))
    return true;
  json_decref(*slice);
  *slice = NULL;
  return false;
}

bool ia_bulk_put(const ia_net *net, ia_cid_text *cid, const json_t *v, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  return ia_json_write(&text, v, e) && ia_to_blobs_add(net, cid, ia_buf_view(&text), e);
}
