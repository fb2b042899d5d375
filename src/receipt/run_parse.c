/* Reading run statements: strict, since a member that nobody looks at proves nothing. Text that is
 * not what ia_run_text would write is refused, so that one statement has one text. */
#include <stddef.h>

#include "base/hex.h"
#include "base/json.h"
#include "receipt/run.h"
#include "receipt/run_fields.h"

static bool field(const char *what, ia_err *e)
{
  return ia_fail(e, IA_E_RECEIPT_FIELD, "run statement: %s is not as it must be", what);
}

static bool hash_of(ia_h256 *out, const json_t *digest, const char *name)
{
  const json_t *v = json_object_get(digest, name);

  return json_is_string(v) && json_string_length(v) == 64 &&
         ia_unhex(out->b, 32, ia_span_of(json_string_value(v), 64));
}

static bool read_object(ia_run_object *o, const json_t *v, ia_err *e)
{
  const json_t *digest = json_object_get(v, "digest");
  const char *uri = json_string_value(json_object_get(v, "uri"));

  if (o->there || !uri || strncmp(uri, "ipfs://", 7) != 0 || strlen(uri + 7) >= sizeof(o->cid) ||
      !hash_of(&o->sha256, digest, "sha256"))
    return field("an uploaded object", e);
  memcpy(o->cid, uri + 7, strlen(uri + 7));
  o->there = true;
  return ia_fields_read(o, ia_run_object_fields, ia_run_n_object, json_object_get(v, "annotations"),
                        e);
}

static bool read_subject(ia_run *r, const json_t *list, ia_err *e)
{
  const json_t *v;
  ia_h256 task;
  size_t i;

  if (json_array_size(list) < 1 || json_array_size(list) > 4)
    return field("subject", e);
  json_array_foreach ((json_t *)list, i, v) {
    const char *name = json_string_value(json_object_get(v, "name"));
    const json_t *digest = json_object_get(v, "digest");

    if (!name)
      return field("subject", e);
    if (strcmp(name, "task") == 0 && hash_of(&task, digest, "sha256") &&
        ia_h256_eq(&task, &r->task_hash))
      continue;
    if (strcmp(name, "output") == 0 && hash_of(&r->result_digest, digest, "poco") &&
        hash_of(&r->manifest_hash, digest, "manifest")) {
      r->has_result = true;
      continue;
    }
    ia_run_object *o = strcmp(name, "result") == 0 ? &r->result : &r->logs;
    if ((o == &r->logs && strcmp(name, "logs") != 0) || !read_object(o, v, e))
      return field("subject", e);
  }
  return true;
}

static bool read_inputs(ia_run *r, const json_t *list, ia_err *e)
{
  const json_t *v;
  size_t i;

  if (!json_is_array(list) || json_array_size(list) > IA_RUN_INPUTS_MAX)
    return field("inputs", e);
  r->inputs = calloc(json_array_size(list) + 1, sizeof(*r->inputs));
  if (!r->inputs)
    return ia_fail(e, IA_E_MEMORY, "no memory for inputs");
  json_array_foreach ((json_t *)list, i, v) {
    ia_run_input *in = &r->inputs[r->n_inputs++];
    const char *uri = json_string_value(json_object_get(v, "uri"));

    in->is_file = uri != NULL;
    if (in->is_file && !(in->uri = strdup(uri)))
      return ia_fail(e, IA_E_MEMORY, "no memory for inputs");
    if (!in->is_file && !ia_json_get_addr(v, "dataset", &in->dataset, e))
      return false;
    if (!ia_json_get_h256(v, "sha256", &in->sha256, e))
      return false;
  }
  return true;
}

/* In the order of the slice, each entry once. */
static bool read_failed(ia_run *r, const json_t *list, ia_err *e)
{
  uint64_t last = 0;
  const json_t *v;
  size_t i;

  if (!json_is_array(list) || json_array_size(list) > IA_RUN_INPUTS_MAX)
    return field("failed", e);
  r->failed = calloc(json_array_size(list) + 1, sizeof(*r->failed));
  if (!r->failed)
    return ia_fail(e, IA_E_MEMORY, "no memory for failed data");
  json_array_foreach ((json_t *)list, i, v) {
    ia_run_failed *f = &r->failed[r->n_failed++];

    if (!ia_fields_read(f, ia_run_failed_fields, ia_run_n_failed, v, e))
      return false;
    if (f->index <= last || strcmp(ia_code_name(ia_code_from_name(f->code)), f->code) != 0)
      return field("failed", e);
    last = f->index;
  }
  return true;
}

static bool read_egress(ia_run *r, const json_t *list, ia_err *e)
{
  const json_t *v;
  size_t i;

  if (!json_is_array(list) || json_array_size(list) > IA_RUN_EGRESS_MAX)
    return field("egress", e);
  r->egress = calloc(json_array_size(list) + 1, sizeof(*r->egress));
  if (!r->egress)
    return ia_fail(e, IA_E_MEMORY, "no memory for egress");
  json_array_foreach ((json_t *)list, i, v) {
    ia_run_egress *eg = &r->egress[r->n_egress++];
    const char *host;

    if (!ia_fields_read(eg, ia_run_egress_fields, ia_run_n_egress, v, e) ||
        !ia_json_get_str(v, "host", &host, e))
      return false;
    eg->host = strdup(host);
    if (!eg->host)
      return ia_fail(e, IA_E_MEMORY, "no memory for egress");
  }
  return true;
}

static bool read_all(ia_run *r, const json_t *v, ia_err *e)
{
  const json_t *pred = json_object_get(v, "predicate");
  const char *type = json_string_value(json_object_get(v, "predicateType"));

  if (type && strcmp(type, IA_RUN_PREDICATE_V1) == 0)
    return ia_fail(e, IA_E_UNSUPPORTED,
                   "run statement of version 1: not supported; the supported version is 2");

  if (!ia_fields_read(r, ia_run_predicate, ia_run_n_predicate, pred, e))
    return ia_wrap(e, "run statement");
  r->desc.tee = r->tee;
  r->desc.stage = r->stage;
  return read_subject(r, json_object_get(v, "subject"), e) &&
         read_inputs(r, json_object_get(pred, "inputs"), e) &&
         read_failed(r, json_object_get(pred, "failed"), e) &&
         read_egress(r, json_object_get(pred, "egress"), e);
}

bool ia_run_parse(ia_run *out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(text, 0, e);
  IA_AUTOV(ia_buf) again = {0};

  *out = (ia_run){0};
  if (!v)
    return ia_wrap(e, "run statement");
  if (!read_all(out, v, e) || !ia_run_text(&again, out, e))
    return false;
  if (!ia_span_eq(ia_buf_view(&again), text))
    return field("its text", e);
  return true;
}

bool ia_run_open(ia_run *out, ia_addr *signer, const json_t *envelope, ia_err *e)
{
  IA_AUTOV(ia_buf) payload = {0};

  *out = (ia_run){0};
  return ia_dsse_open(&payload, signer, envelope, IA_DSSE_INTOTO, e) &&
         ia_run_parse(out, ia_buf_view(&payload), e);
}
