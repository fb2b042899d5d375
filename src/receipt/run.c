/* Run statements. */
#include "receipt/run.h"

#include <stdio.h>

#include "base/causes.h"
#include "base/hex.h"
#include "base/json.h"
#include "receipt/run_fields.h"

void ia_run_free(ia_run *r)
{
  if (!r)
    return;
  for (size_t i = 0; i < r->n_inputs; i++)
    free(r->inputs[i].uri);
  for (size_t i = 0; i < r->n_egress; i++)
    free(r->egress[i].host);
  free(r->inputs);
  free(r->egress);
  free(r->failed);
  r->failed = NULL;
  r->n_failed = 0;
  r->inputs = NULL;
  r->egress = NULL;
  r->n_inputs = r->n_egress = 0;
}

/* in-toto digests are hex without 0x. */
static json_t *hex_of(const ia_h256 *h)
{
  return json_string(ia_h256_text(h).s + 2);
}

static bool put_object(json_t *subject, const char *name, const ia_run_object *o, ia_err *e)
{
  char uri[IA_CID_TEXT + 8];

  if (!o->there)
    return true;
  if (snprintf(uri, sizeof(uri), "ipfs://%s", o->cid) >= (int)sizeof(uri))
    return ia_fail(e, IA_E_INVALID, "%s: CID too long", name);
  json_t *notes = ia_fields_write(ia_run_object_fields, ia_run_n_object, o, e);
  if (!notes)
    return false;
  json_t *v = json_pack("{s:s,s:s,s:{s:o},s:o}", "name", name, "uri", uri, "digest", "sha256",
                        hex_of(&o->sha256), "annotations", notes);
  return json_array_append_new(subject, v) == 0 || ia_fail(e, IA_E_MEMORY, "no memory: %s", name);
}

static bool put_subject(json_t *subject, const ia_run *r, ia_err *e)
{
  json_t *task =
      json_pack("{s:s,s:{s:o}}", "name", "task", "digest", "sha256", hex_of(&r->task_hash));

  if (json_array_append_new(subject, task) != 0)
    return ia_fail(e, IA_E_MEMORY, "no memory for a statement");
  if (r->has_result) {
    json_t *out = json_pack("{s:s,s:{s:o,s:o}}", "name", "output", "digest", "poco",
                            hex_of(&r->result_digest), "manifest", hex_of(&r->manifest_hash));

    if (json_array_append_new(subject, out) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for a statement");
  }
  return put_object(subject, "result", &r->result, e) && put_object(subject, "logs", &r->logs, e);
}

static json_t *input_json(const ia_run_input *in)
{
  if (in->is_file)
    return json_pack("{s:s,s:o}", "uri", in->uri, "sha256", ia_json_h256(&in->sha256));
  return json_pack("{s:o,s:o}", "dataset", ia_json_addr(&in->dataset), "sha256",
                   ia_json_h256(&in->sha256));
}

static bool put_lists(json_t *pred, const ia_run *r, ia_err *e)
{
  json_t *inputs = json_array(), *egress = json_array(), *failed = json_array();
  bool ok = json_object_set_new(pred, "inputs", inputs) == 0 &&
            json_object_set_new(pred, "egress", egress) == 0 &&
            json_object_set_new(pred, "failed", failed) == 0;

  for (size_t i = 0; ok && i < r->n_inputs; i++)
    ok = json_array_append_new(inputs, input_json(&r->inputs[i])) == 0;
  for (size_t i = 0; ok && i < r->n_failed; i++)
    ok = json_array_append_new(
             failed, ia_fields_write(ia_run_failed_fields, ia_run_n_failed, &r->failed[i], e)) == 0;
  for (size_t i = 0; ok && i < r->n_egress; i++) {
    json_t *v = ia_fields_write(ia_run_egress_fields, ia_run_n_egress, &r->egress[i], e);

    ok = v && json_object_set_new(v, "host", json_string(r->egress[i].host)) == 0 &&
         json_array_append(egress, v) == 0;
    json_decref(v);
  }
  return ok || ia_fail(e, IA_E_INVALID, "an input or egress entry cannot be written");
}

bool ia_run_text(ia_buf *out, const ia_run *r, ia_err *e)
{
  ia_run copy = *r; /* the texts of the descriptor stand in arrays of ours */

  if (!r->desc.tee || !r->desc.stage || strlen(r->desc.tee) >= sizeof(copy.tee) ||
      strlen(r->desc.stage) >= sizeof(copy.stage))
    return ia_fail(e, IA_E_INVALID, "run statement without tee and stage");
  if (!ia_cause_check(r->cause, e))
    return ia_wrap(e, "run statement");
  (void)snprintf(copy.tee, sizeof(copy.tee), "%s", r->desc.tee);
  (void)snprintf(copy.stage, sizeof(copy.stage), "%s", r->desc.stage);
  IA_AUTO_JSON *pred = ia_fields_write(ia_run_predicate, ia_run_n_predicate, &copy, e);
  IA_AUTO_JSON *subject = json_array();
  if (!pred || !put_subject(subject, r, e) || !put_lists(pred, r, e))
    return false;
  IA_AUTO_JSON *v = json_pack("{s:s,s:O,s:s,s:O}", "_type", IA_STATEMENT_TYPE, "subject", subject,
                              "predicateType", IA_RUN_PREDICATE, "predicate", pred);
  return ia_json_canonical(out, v, e);
}

bool ia_run_sign(json_t **envelope, const ia_run *r, const ia_secp *secp,
                 const ia_secret *enclave_key, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  return ia_run_text(&text, r, e) &&
         ia_dsse_sign(envelope, IA_DSSE_INTOTO, ia_buf_view(&text), secp, enclave_key, e);
}
