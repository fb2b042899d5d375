/* RUN: the statement under the task's enclave key, and what settlement needs. */
#include <stdio.h>

#include "base/clock.h"
#include "base/hex.h"
#include "eth/eip191.h"
#include "guest/agent_internal.h"
#include "poco/ids.h"

static void fill(ia_agent *a)
{
  ia_run *r = &a->run;

  r->desc = a->hints.desc;
  r->bot_first = a->task.bot_first;
  r->nonce = a->released.nonce;
  r->pk_guest = a->keys.pk;
  r->sms_key = a->hints.sms_key;
  r->task_hash = a->task.hash;
  r->has_result = a->output.has_digest;
  r->result_digest = a->output.digest;
  r->manifest_hash = a->output.manifest;
  r->result = a->output.result;
  r->logs = a->output.logs;
  if (r->ended == 0)
    r->ended = ia_now();
  (void)snprintf(r->cause, sizeof(r->cause), "%s", a->cause);
}

/* PoCo: the enclave key over keccak256(resultHash || resultSeal), for the worker of the task. */
static bool enclave_sign(const ia_agent *a, ia_sig *sig, ia_err *e)
{
  ia_h256 hash, seal, message;

  ia_result_hash(&hash, &a->task.task_id, &a->output.digest);
  ia_result_seal(&seal, &a->task.worker, &a->task.task_id, &a->output.digest);
  ia_enclave_message(&message, &hash, &seal);
  return ia_eip191_sign(a->secp, sig, IA_SPAN_ARR(message.b), &a->keys.enclave, e);
}

static json_t *object(const ia_run_object *o, bool with_encrypted)
{
  if (!o->there)
    return json_null();
  json_t *v = json_pack("{s:s,s:s,s:I}", "cid", o->cid, "sha256", ia_h256_text(&o->sha256).s,
                        "size", (json_int_t)o->size);
  if (v && with_encrypted && json_object_set_new(v, "encrypted", json_boolean(o->encrypted)) != 0) {
    json_decref(v);
    return NULL;
  }
  return v;
}

/* [{"index","dataset","code"}]: data of a slice that could not be used. */
static json_t *failed_list(const ia_run *r)
{
  json_t *list = json_array();

  for (size_t i = 0; list && i < r->n_failed; i++)
    if (json_array_append_new(
            list, json_pack("{s:I,s:o,s:s}", "index", (json_int_t)r->failed[i].index, "dataset",
                            ia_json_addr(&r->failed[i].dataset), "code", r->failed[i].code)) != 0) {
      json_decref(list);
      return NULL;
    }
  return list;
}

/* Members of every RUN, the local one too. */
static json_t *common(const ia_agent *a)
{
  json_t *v =
      json_pack("{s:o,s:o,s:i,s:s}", "result", object(&a->output.result, true), "logs",
                object(&a->output.logs, false), "exitCode", a->run.exit_code, "cause", a->cause);
  bool ok = v != NULL;

  if (ok && a->run.n_failed > 0)
    ok = json_object_set_new(v, "failed", failed_list(&a->run)) == 0;
  if (ok && a->output.has_digest)
    ok = json_object_set_new(v, "resultDigest", ia_json_h256(&a->output.digest)) == 0;
  if (ok && a->output.has_callback)
    ok = json_object_set_new(v, "callbackData", ia_json_hex(ia_buf_view(&a->output.callback))) == 0;
  if (ok)
    return v;
  json_decref(v);
  return NULL;
}

static bool add_signed(ia_agent *a, json_t *v, ia_err *e)
{
  json_t *envelope = NULL;
  ia_sig sig;

  fill(a);
  if (!ia_run_sign(&envelope, &a->run, a->secp, &a->keys.enclave, e) ||
      !ia_json_set(v, "run", envelope, e) ||
      !ia_json_set(v, "enclaveAddress", ia_json_addr(&a->keys.address), e) ||
      !ia_json_set(v, "worker", ia_json_addr(&a->task.worker), e))
    return false;
  if (!a->output.has_digest)
    return true; /* nothing to settle */
  return enclave_sign(a, &sig, e) &&
         ia_json_set(v, "enclaveSign", ia_json_hex(IA_SPAN_ARR(sig.b)), e);
}

bool ia_agent_state(ia_agent *a, ia_err *e)
{
  IA_AUTO_JSON *v = common(a);

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "statement");
  if (!a->spec->local && !add_signed(a, v, e))
    return false;
  return ia_link_say(&a->link, IA_FRAME_RUN, v, e);
}
