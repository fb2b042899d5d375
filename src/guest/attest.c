/* Keys, evidence, release. */
#include "guest/attest.h"

#include <stdio.h>

#include "base/hex.h"
#include "crypto/sha.h"
#include "crypto/x25519.h"
#include "tee/eventlog.h"

bool ia_agent_keys_new(ia_agent_keys *k, const ia_secp *secp, ia_err *e)
{
  return ia_secret_random(&k->x25519, 32, e) && ia_x25519_public(k->pk.b, &k->x25519, e) &&
         ia_secp_key_new(&k->enclave, e) && ia_secp_address(secp, &k->address, &k->enclave, e);
}

void ia_agent_keys_free(ia_agent_keys *k)
{
  ia_secret_free(&k->x25519);
  ia_secret_free(&k->enclave);
}

void ia_released_free(ia_released *r)
{
  for (size_t i = 0; r->plains && i < r->n; i++)
    ia_secret_free(&r->plains[i]);
  free(r->plains);
  free(r->names);
  *r = (ia_released){0};
}

const ia_secret *ia_released_find(const ia_released *r, const char *name)
{
  for (size_t i = 0; i < r->n; i++)
    if (strcmp(r->names[i], name) == 0)
      return &r->plains[i];
  return NULL;
}

/* Evidence under way. */
typedef struct evidence {
  ia_release_bind bind;
  ia_h256 desc_hash;
  ia_buf log, quote, aux;
} evidence;

static void evidence_free(evidence *v)
{
  ia_buf_free(&v->log);
  ia_buf_free(&v->quote);
  ia_buf_free(&v->aux);
}
IA_DEFINE_AUTO_VALUE(evidence, evidence_free)

/* {"error":{"code","message"}} of an answer that is no 200. The SMS's words for the requester are
 * its code; the message stays with the host, which saw it in clear anyway. */
static bool refused(const json_t *answer, unsigned status, ia_err *e)
{
  const json_t *error = json_object_get(answer, "error");
  const char *name = json_string_value(json_object_get(error, "code"));
  const char *message = json_string_value(json_object_get(error, "message"));
  ia_code code = name ? ia_code_from_name(name) : IA_E_UNAVAILABLE;

  return ia_fail(e, code == IA_OK ? IA_E_UNAVAILABLE : code, "SMS: %.150s (status %u)",
                 message ? message : "refused", status);
}

static bool challenge(evidence *v, ia_link *l, const ia_hints *h, ia_err *e)
{
  IA_AUTO_JSON *body = json_pack("{s:s,s:s,s:s,s:O}", "taskId", ia_h256_text(&h->desc.task_id).s,
                                 "stage", h->desc.stage, "tee", h->desc.tee, "lease", h->lease);
  IA_AUTO_JSON *answer = NULL;
  unsigned status;
  ia_h256 key;

  if (!ia_link_post(l, "/attest/v1/challenge", body, &status, &answer, e))
    return false;
  if (status != 200)
    return refused(answer, status, e);
  if (!ia_json_get_h256(answer, "nonce", &v->bind.nonce, e) ||
      !ia_json_get_h256(answer, "smsKey", &key, e))
    return false;
  return ia_h256_eq(&key, &h->sms_key) ||
         ia_fail(e, IA_E_SMS_SIGNATURE, "the SMS has another key than the hints say");
}

/* The event goes into our log and, by the platform, into its register. */
static bool event(evidence *v, ia_h384 *rtmr, ia_link *l, const char *name, ia_span payload,
                  ia_err *e)
{
  IA_AUTOV(ia_buf) answer = {0};
  size_t before = v->log.len;
  ia_tee_event ev;

  if (!ia_event_append(&v->log, rtmr, v->bind.domain, name, payload, e))
    return false;
  ia_span record = ia_span_of(v->log.ptr + before, v->log.len - before);
  return ia_event_next(&ev, &record, v->bind.domain, e) &&
         ia_link_ask(l, IA_FRAME_EXTEND, IA_SPAN_ARR(ev.digest.b), &answer, e);
}

static bool events(evidence *v, ia_link *l, const ia_hints *h, ia_err *e)
{
  IA_AUTOV(ia_buf) d = {0};
  ia_h384 rtmr = {{0}};

  ia_descriptor_put(&d, &h->desc);
  return ia_buf_ok(&d, e) && ia_descriptor_hash(&v->desc_hash, &h->desc, e) &&
         event(v, &rtmr, l, IA_EVENT_DESCRIPTOR, ia_buf_view(&d), e) &&
         event(v, &rtmr, l, IA_EVENT_ROOTFS, IA_SPAN_ARR(h->desc.app_digest.b), e);
}

static bool quote(evidence *v, ia_link *l, const ia_hints *h, const ia_agent_keys *keys, ia_err *e)
{
  const ia_transcript t = {.domain = v->bind.domain,
                           .tee = h->desc.tee,
                           .stage = h->desc.stage,
                           .nonce = v->bind.nonce,
                           .sms_key = h->sms_key,
                           .desc_hash = v->desc_hash,
                           .event_log = ia_buf_view(&v->log),
                           .pk_guest = keys->pk,
                           .enclave = keys->address};
  IA_AUTOV(ia_buf) answer = {0};
  ia_span q, aux;

  if (!ia_report_data(&v->bind.report_data, &t, e) ||
      !ia_link_ask(l, IA_FRAME_QUOTE, IA_SPAN_ARR(v->bind.report_data.b), &answer, e))
    return false;
  ia_span in = ia_buf_view(&answer);
  if (!ia_span_lp(&in, &q) || !ia_span_lp(&in, &aux) || in.len != 0)
    return ia_fail(e, IA_E_PARSE, "host: answer to QUOTE");
  ia_buf_span(&v->quote, q);
  ia_buf_span(&v->aux, aux);
  return ia_buf_ok(&v->quote, e) && ia_buf_ok(&v->aux, e) &&
         ia_evidence_hash(&v->bind.evidence_hash, q, ia_buf_view(&v->log), aux, e);
}

static json_t *release_body(const evidence *v, const ia_hints *h, const ia_agent_keys *keys)
{
  return json_pack(
      "{s:s,s:s,s:s,s:s,s:O,s:s,s:s,s:o,s:o,s:o}", "nonce", ia_h256_text(&v->bind.nonce).s,
      "taskId", ia_h256_text(&h->desc.task_id).s, "stage", h->desc.stage, "tee", h->desc.tee,
      "lease", h->lease, "pk", ia_h256_text(&keys->pk).s, "enclaveAddress",
      ia_addr_lower(&keys->address).s, "quote", ia_json_base64(ia_buf_view(&v->quote)), "eventLog",
      ia_json_base64(ia_buf_view(&v->log)), "aux", ia_json_base64(ia_buf_view(&v->aux)));
}

static bool item_name_ok(const char *name, bool last)
{
  size_t n = strlen(name);

  return n > 0 && n < IA_RELEASE_NAME_MAX && (strcmp(name, "task") == 0) == last;
}

static bool sealed_parse(ia_sealed_release *out, const json_t *answer, ia_err *e)
{
  IA_AUTOV(ia_buf) sig = {0};
  json_t *items;

  if (!ia_json_get_h256(answer, "enc", &out->enc, e) || !ia_json_get_hex(answer, "sig", &sig, e) ||
      !ia_json_get_arr(answer, "items", &items, e))
    return false;
  size_t n = json_array_size(items);
  if (sig.len != sizeof(out->sig) || n == 0 || n > IA_RELEASE_ITEMS_MAX)
    return ia_fail(e, IA_E_PARSE, "SMS: release out of form");
  memcpy(out->sig, sig.ptr, sizeof(out->sig));
  out->items = calloc(n, sizeof(*out->items));
  if (!out->items)
    return ia_fail(e, IA_E_MEMORY, "release");
  out->n = n;
  for (size_t i = 0; i < n; i++) {
    const json_t *item = json_array_get(items, i);
    const char *name;

    if (!ia_json_get_str(item, "name", &name, e) ||
        !ia_json_get_base64(item, "ct", &out->items[i].ct, e))
      return false;
    if (!item_name_ok(name, i + 1 == n))
      return ia_fail(e, IA_E_PARSE, "SMS: item %zu of the release", i);
    for (size_t k = 0; k < i; k++)
      if (strcmp(out->items[k].name, name) == 0)
        return ia_fail(e, IA_E_PARSE, "SMS: two items of one name");
    (void)snprintf(out->items[i].name, sizeof(out->items[i].name), "%s", name);
  }
  return true;
}

static bool open_items(ia_released *out, const evidence *v, const ia_sealed_release *sealed,
                       const ia_hints *h, const ia_agent_keys *keys, ia_err *e)
{
  out->names = calloc(sealed->n, sizeof(*out->names));
  out->plains = calloc(sealed->n, sizeof(*out->plains));
  if (!out->names || !out->plains)
    return ia_fail(e, IA_E_MEMORY, "release");
  out->n = sealed->n;
  out->desc_hash = v->desc_hash;
  out->nonce = v->bind.nonce;
  for (size_t i = 0; i < sealed->n; i++)
    memcpy(out->names[i], sealed->items[i].name, IA_RELEASE_NAME_MAX);
  return ia_release_open(out->plains, sealed, &v->bind, &h->sms_key, &keys->x25519, e);
}

bool ia_agent_attest(ia_released *out, ia_link *l, const ia_hints *h, const ia_agent_keys *keys,
                     ia_err *e)
{
  IA_AUTOV(evidence)
  v = {.bind = {.domain = h->desc.domain,
                .tee = h->desc.tee,
                .stage = h->desc.stage,
                .task_id = h->desc.task_id}};
  IA_AUTOV(ia_sealed_release) sealed = {0};
  IA_AUTO_JSON *body = NULL, *answer = NULL;
  unsigned status;

  if (!challenge(&v, l, h, e) || !events(&v, l, h, e) || !quote(&v, l, h, keys, e))
    return false;
  body = release_body(&v, h, keys);
  if (!ia_link_post(l, "/attest/v1/release", body, &status, &answer, e))
    return false;
  if (status != 200)
    return refused(answer, status, e);
  return sealed_parse(&sealed, answer, e) && open_items(out, &v, &sealed, h, keys, e);
}
