/* Warm, one task, end. */
#include "guest/agent.h"

#include <stdio.h>

#include "base/causes.h"
#include "base/hex.h"
#include "data/result.h"
#include "guest/agent_internal.h"
#include "sandbox/filter.h"

static void agent_close(ia_agent *a)
{
  ia_output_free(&a->output);
  ia_run_free(&a->run);
  ia_agent_task_free(&a->task);
  ia_released_free(&a->released);
  ia_agent_keys_free(&a->keys);
  ia_hints_free(&a->hints);
  ia_oci_config_free(a->config);
  ia_secp_free(a->secp);
  ia_buf_free(&a->filter);
  ia_link_free(&a->link);
}
IA_DEFINE_AUTO_VALUE(ia_agent, agent_close)

static bool hello(ia_agent *a, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:i,s:s}", "v", 1, "build", IA_VERSION);

  return ia_link_say(&a->link, IA_FRAME_HELLO, v, e);
}

/* What may be told of a failure after data was released: what the inputs need, the sentence of its
 * cause, or how the app ended in numbers of ours. Nothing in it is the app's; of the data it is the
 * size at most. */
static const char *safe_text(const ia_agent *a, const ia_err *why)
{
  if (a->told[0])
    return a->told;
  if (why->code == IA_E_APP_FAILED)
    return ia_agent_is_quiet(a) ? "the app failed; its logs say how it ended" : why->msg;
  return ia_cause_is_known(a->cause) ? ia_cause_of(a->cause)->meaning
                                     : "the task failed inside the enclave";
}

/* hint: "" for tasks of the network, whose causes have theirs. */
static bool end(ia_agent *a, const char *message, const char *hint, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:s,s:s}", "cause", a->cause, "message", message);

  if (hint[0] && !ia_json_set(v, "hint", json_string(hint), e))
    return false;
  return ia_link_say(&a->link, IA_FRAME_END, v, e);
}

/* Inputs to output, the statement, END. What failed is told by its cause, and in words only where
 * the words are ours (everything, on the user's own machine). */
static bool work(ia_agent *a, ia_err *e)
{
  ia_err why = {0};
  bool ok = ia_agent_compute(a, &why);

  if (!ok && (why.code == IA_E_CANCELLED || why.code == IA_E_UNAVAILABLE) && a->cause[0] == '\0')
    a->cause = "ABORTED_BY_WORKER";
  if (why.code == IA_E_CANCELLED)
    a->no_run = true;
  if (!a->no_run && !ia_agent_state(a, e))
    return false;
  if (ok)
    return end(a, "", "", e);
  return a->spec->local ? end(a, why.msg, why.hint, e) : end(a, safe_text(a, &why), "", e);
}

/* Before anything is released, reasons may be told as they are. */
static bool refuse(ia_agent *a, const char *cause, const ia_err *why, ia_err *e)
{
  a->cause = cause;
  bool ok = end(a, why->msg, "", e);
  a->cause = "";
  return ok;
}

/* An image that is not here, one that this machine has no room for, and one that is not right. */
static bool refuse_image(ia_agent *a, const ia_err *why, ia_err *e)
{
  switch (why->code) {
  case IA_E_NOT_FOUND: return refuse(a, "APP_NOT_FOUND_LOCALLY", why, e);
  case IA_E_TOO_LARGE: return refuse(a, "APP_IMAGE_TOO_LARGE", why, e);
  case IA_E_DISK_FULL:
  case IA_E_MEMORY:
  case IA_E_IO: return refuse(a, "WORKER_OUT_OF_RESOURCES", why, e);
  default: return refuse(a, "APP_IMAGE_REFUSED", why, e);
  }
}

/* The SMS's own word for it stands in the cause. */
static bool refuse_release(ia_agent *a, const ia_err *why, ia_err *e)
{
  char cause[96];

  if (why->code == IA_E_TASK_MISMATCH)
    return refuse(a, "TASK_MISMATCH", why, e);
  (void)snprintf(cause, sizeof(cause), "TEE_SESSION_GENERATION_%s", ia_code_name(why->code));
  return refuse(a, cause, why, e);
}

/* A sealed result, and the files behind a callback, are blinded or not made at all. */
static bool take_blind(ia_agent *a, ia_err *e)
{
  const ia_secret *blind = ia_released_find(&a->released, IA_RELEASE_BLIND);

  if (!a->task.encrypt && ia_addr_zero(&a->task.callback))
    return true;
  if (!blind || blind->len != IA_BLIND_BYTES)
    return ia_fail(e, IA_E_SECRET_MISSING, "the release holds no blind for the result");
  a->blind = blind;
  return true;
}

static bool release(ia_agent *a, ia_err *e)
{
  return ia_agent_keys_new(&a->keys, a->secp, e) &&
         ia_agent_attest(&a->released, &a->link, &a->hints, &a->keys, e) &&
         ia_agent_task_parse(&a->task, ia_secret_view(&a->released.plains[a->released.n - 1]),
                             false, e) &&
         ia_agent_task_match(&a->task, &a->hints.desc, &a->released.desc_hash, &a->hints.worker,
                             e) &&
         take_blind(a, e);
}

static bool network_task(ia_agent *a, const json_t *doc, ia_err *e)
{
  ia_err why = {0};

  if (json_object_get(doc, "local") || !ia_hints_parse(&a->hints, doc, &why)) {
    if (why.code == IA_OK)
      (void)ia_fail(&why, IA_E_PARSE, "a guest of the network takes no local task");
    return refuse(a, "TASK_DESCRIPTION_INVALID", &why, e);
  }
  if (!ia_agent_image(a, &a->hints.desc.app_digest, &why))
    return refuse_image(a, &why, e);
  /* where the image itself asks for more than there is, no key is asked for */
  if (!ia_agent_memory(a, 0, &why))
    return refuse(a, IA_CAUSE_MEMORY, &why, e);
  if (!release(a, &why))
    return refuse_release(a, &why, e);
  return work(a, e);
}

static bool local_task(ia_agent *a, const json_t *doc, ia_err *e)
{
  static const char *const keys[] = {"v", "local", "task", NULL};
  IA_AUTOV(ia_buf) text = {0};
  json_t *task;
  ia_err why = {0};

  if (!ia_json_only(doc, keys, &why) || !json_is_true(json_object_get(doc, "local")) ||
      !ia_json_get_obj(doc, "task", &task, &why) || !ia_json_canonical(&text, task, &why) ||
      !ia_agent_task_parse(&a->task, ia_buf_view(&text), true, &why)) {
    if (why.code == IA_OK)
      (void)ia_fail(&why, IA_E_PARSE, "not a local task");
    return refuse(a, "TASK_DESCRIPTION_INVALID", &why, e);
  }
  if (!ia_agent_image(a, &a->task.app_digest, &why))
    return refuse_image(a, &why, e);
  return work(a, e);
}

/* An image that cannot be unpacked now is judged again when a task wants it. */
static bool prepare(ia_agent *a, ia_span payload, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(payload, 0, e);
  ia_h256 image;

  if (!v || !ia_json_get_h256(v, "appDigest", &image, e))
    return false;
  if (!ia_agent_image(a, &image, NULL))
    ia_link_log(&a->link, "the image could not be prepared");
  return true;
}

/* Until the one task of this life, or the end. */
static bool serve(ia_agent *a, ia_err *e)
{
  for (;;) {
    IA_AUTO_JSON *doc = NULL;
    ia_frame f;
    ia_err why = {0};

    if (!ia_link_hear(&a->link, &f, &why)) {
      if (why.code == IA_E_CANCELLED || why.code == IA_E_UNAVAILABLE)
        return true;
      *e = why;
      return false;
    }
    if (f.type == IA_FRAME_PREPARE) {
      if (!prepare(a, f.payload, e))
        return false;
      continue;
    }
    if (f.type != IA_FRAME_TASK)
      return ia_fail(e, IA_E_PARSE, "host: %s before a task", ia_frame_name(f.type));
    doc = ia_json_parse(f.payload, 0, e);
    if (!doc)
      return ia_wrap(e, "TASK");
    return a->spec->local ? local_task(a, doc, e) : network_task(a, doc, e);
  }
}

bool ia_agent_run(const ia_agent_spec *spec, ia_err *e)
{
  IA_AUTOV(ia_agent) a = {.spec = spec, .cause = ""};

  ia_link_init(&a.link, spec->stream_fd);
  /* the filter is the same for every app: made while nobody waits for it */
  return ia_secp_new(&a.secp, e) && hello(&a, e) && ia_filter_build(&a.filter, true, e) &&
         serve(&a, e);
}
