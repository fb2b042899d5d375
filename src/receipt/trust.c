/* Trust files and info documents. */
#include "receipt/trust.h"

#include <stddef.h>

#include "base/hex.h"
#include "base/json.h"
#include "crypto/ed25519.h"
#include "eth/address.h"
#include "receipt/fields.h"
#include "tee/release.h"

static const ia_field fields[] = {
    {"smsKey", IA_FIELD_H256, offsetof(ia_trust_sms, key), 0},
    {"domain", IA_FIELD_DOMAIN, offsetof(ia_trust_sms, domain), 0},
    {"chainId", IA_FIELD_U64, offsetof(ia_trust_sms, chain_id), 0},
    {"hub", IA_FIELD_ADDR, offsetof(ia_trust_sms, hub), 0},
    {"proxyCodeHash", IA_FIELD_H256, offsetof(ia_trust_sms, proxy_code_hash), 0},
    {"remoteSimulation", IA_FIELD_BOOL, offsetof(ia_trust_sms, remote_simulation), 0},
    {"v", IA_FIELD_OTHER, 0, 0},
    {"registries", IA_FIELD_OTHER, 0, 0},
    {"guests", IA_FIELD_OTHER, 0, 0},
    {"simRoots", IA_FIELD_OTHER, 0, 0},
};

static const ia_field registries[] = {
    {"app", IA_FIELD_ADDR, offsetof(ia_trust_sms, app_registry), 0},
    {"dataset", IA_FIELD_ADDR, offsetof(ia_trust_sms, dataset_registry), 0},
    {"workerpool", IA_FIELD_ADDR, offsetof(ia_trust_sms, workerpool_registry), 0},
};

void ia_trust_sms_free(ia_trust_sms *s)
{
  if (!s)
    return;
  free(s->guests);
  free(s->sim_roots);
  free(s->pools);
  s->guests = NULL;
  s->sim_roots = NULL;
  s->pools = NULL;
  s->n_guests = s->n_sim_roots = s->n_pools = 0;
}

void ia_trust_free(ia_trust *t)
{
  if (!t)
    return;
  for (size_t i = 0; i < t->n; i++)
    ia_trust_sms_free(&t->sms[i]);
  free(t);
}

/* A list of hashes of `size` bytes each. */
static bool read_hashes(void **out, size_t *n, size_t size, const json_t *list, const char *name,
                        ia_err *e)
{
  size_t count = json_array_size(list);

  if (!json_is_array(list) || count > IA_TRUST_LIST_MAX)
    return ia_fail(e, IA_E_PARSE, "\"%s\": want a list of at most %d", name, IA_TRUST_LIST_MAX);
  uint8_t *all = calloc(count + 1, size);
  if (!all)
    return ia_fail(e, IA_E_MEMORY, "no memory for \"%s\"", name);
  *out = all;
  for (; *n < count; ++*n) {
    const json_t *v = json_array_get(list, *n);

    if (!json_is_string(v) || strncmp(json_string_value(v), "0x", 2) != 0 ||
        !ia_unhex(all + *n * size, size, ia_span_str(json_string_value(v))))
      return ia_fail(e, IA_E_PARSE, "\"%s\": want 0x and %zu hex digits", name, 2 * size);
  }
  return true;
}

static bool read_sms(ia_trust_sms *out, const json_t *v, ia_err *e)
{
  void *guests = NULL, *roots = NULL;

  *out = (ia_trust_sms){0};
  if (!ia_fields_read(out, fields, IA_COUNT(fields), v, e) ||
      !ia_fields_read(out, registries, IA_COUNT(registries), json_object_get(v, "registries"), e))
    return false;
  if (!ia_ed25519_key_check(out->key.b, e))
    return ia_wrap(e, "\"smsKey\"");
  if (json_integer_value(json_object_get(v, "v")) != 1)
    return ia_fail(e, IA_E_UNSUPPORTED, "an info document of another version");
  bool ok = read_hashes(&guests, &out->n_guests, sizeof(ia_h384), json_object_get(v, "guests"),
                        "guests", e);
  out->guests = guests;
  ok = ok && read_hashes(&roots, &out->n_sim_roots, sizeof(ia_h256), json_object_get(v, "simRoots"),
                         "simRoots", e);
  out->sim_roots = roots;
  return ok;
}

bool ia_trust_new(ia_trust **out, ia_err *e)
{
  *out = calloc(1, sizeof(**out));
  return *out || ia_fail(e, IA_E_MEMORY, "no memory for trust anchors");
}

/* An entry of a trust file: an info document's members, and the pools, which are taken out. */
static bool read_entry(ia_trust_sms *out, json_t *v, ia_err *e)
{
  IA_AUTO_JSON *list = json_incref(json_object_get(v, "pools"));
  void *pools = NULL;

  *out = (ia_trust_sms){0};
  if (!list)
    return read_sms(out, v, e);
  if (json_object_del(v, "pools") != 0)
    return ia_fail(e, IA_E_INTERNAL, "trust file: \"pools\"");
  bool ok =
      read_sms(out, v, e) && read_hashes(&pools, &out->n_pools, sizeof(ia_addr), list, "pools", e);
  out->pools = pools;
  return ok;
}

static bool read_list(ia_trust *t, json_t *list, ia_err *e)
{
  json_t *v;
  size_t i;

  json_array_foreach (list, i, v) {
    if (t->n == IA_TRUST_SMS_MAX)
      return ia_fail(e, IA_E_TOO_LARGE, "more than %d SMS", IA_TRUST_SMS_MAX);
    /* counted first, so that what a failing read made is freed */
    if (!read_entry(&t->sms[t->n++], v, e))
      return false;
    for (size_t k = 0; k + 1 < t->n; k++)
      if (ia_h256_eq(&t->sms[k].key, &t->sms[t->n - 1].key))
        return ia_fail(e, IA_E_PARSE, "an SMS key twice");
  }
  return true;
}

static json_t *parse_file(ia_span text, ia_err *e)
{
  static const char *const members[] = {"v", "sms", NULL};
  IA_AUTO_JSON *v = ia_json_parse(text, 0, e);

  if (!v || !ia_json_only(v, members, e))
    return NULL;
  if (json_integer_value(json_object_get(v, "v")) != 1 ||
      !json_is_array(json_object_get(v, "sms"))) {
    (void)ia_fail(e, IA_E_PARSE, "want {\"v\":1,\"sms\":[..]}");
    return NULL;
  }
  return json_incref(v);
}

bool ia_trust_parse(ia_trust **out, ia_span text, ia_err *e)
{
  IA_AUTO(ia_trust) *t = NULL;
  IA_AUTO_JSON *v = parse_file(text, e);

  if (!v || !ia_trust_new(&t, e) || !read_list(t, json_object_get(v, "sms"), e))
    return ia_wrap(e, "trust file");
  *out = ia_steal(&t);
  return true;
}

const ia_trust_sms *ia_trust_find(const ia_trust *t, const ia_h256 *sms_key)
{
  for (size_t i = 0; i < t->n; i++)
    if (ia_h256_eq(&t->sms[i].key, sms_key))
      return &t->sms[i];
  return NULL;
}

static bool lists_pool(const ia_trust_sms *s, const ia_addr *pool)
{
  for (size_t i = 0; i < s->n_pools; i++)
    if (ia_addr_eq(&s->pools[i], pool))
      return true;
  return false;
}

const ia_trust_sms *ia_trust_ledger(const ia_trust *t, uint64_t chain_id, const ia_addr *hub,
                                    const ia_addr *pool, ia_domain domain)
{
  for (size_t i = 0; i < t->n; i++) {
    const ia_trust_sms *s = &t->sms[i];

    if (s->chain_id == chain_id && ia_addr_eq(&s->hub, hub) && (!pool || lists_pool(s, pool)) &&
        (domain == IA_DOMAIN_NONE || s->domain == domain))
      return s;
  }
  return NULL;
}

bool ia_info_open(ia_trust_sms *out, json_t **members, const json_t *answer, ia_err *e)
{
  IA_AUTOV(ia_buf) sig = {.cap = 128};
  const char *text;

  *out = (ia_trust_sms){0};
  if (!ia_json_get_str(answer, "text", &text, e) || !ia_json_get_hex(answer, "sig", &sig, e))
    return ia_wrap(e, "info document of the SMS");
  IA_AUTO_JSON *v = ia_json_parse(ia_span_str(text), 0, e);
  if (!v || !read_sms(out, v, e))
    return ia_wrap(e, "info document of the SMS");
  if (sig.len != 64 ||
      !ia_text_verify(out->domain, "sms-info", ia_span_str(text), sig.ptr, &out->key, NULL))
    return ia_fail(e, IA_E_SMS_SIGNATURE, "the SMS did not sign its info document");
  if (members)
    *members = json_incref(v);
  return true;
}

/* Takes the entries of this key out of the list; *pools: those that they listed, a new reference,
 * or NULL. */
static bool drop_entries(json_t *list, const char *key, json_t **pools, ia_err *e)
{
  for (size_t i = json_array_size(list); i-- > 0;) {
    const json_t *entry = json_array_get(list, i);
    const char *other = json_string_value(json_object_get(entry, "smsKey"));

    if (!other || strcmp(other, key) != 0)
      continue;
    if (!*pools)
      *pools = json_incref(json_object_get(entry, "pools"));
    if (json_array_remove(list, i) != 0)
      return ia_fail(e, IA_E_MEMORY, "no memory for trust anchors");
  }
  return true;
}

/* The list with the pool in it, once. */
static bool add_pool(json_t **pools, const ia_addr *pool, ia_err *e)
{
  const json_t *v;
  size_t i;

  if (!*pools)
    *pools = json_array();
  json_array_foreach (*pools, i, v) {
    ia_addr other;

    if (json_is_string(v) && ia_addr_parse(&other, ia_span_str(json_string_value(v)), NULL) &&
        ia_addr_eq(&other, pool))
      return true;
  }
  return json_array_append_new(*pools, ia_json_addr(pool)) == 0 ||
         ia_fail(e, IA_E_PARSE, "\"pools\": want a list");
}

bool ia_trust_add(ia_buf *out, ia_span old, const json_t *info, const ia_addr *pool, ia_err *e)
{
  IA_AUTO_JSON *v = old.len > 0 ? parse_file(old, e) : json_pack("{s:i,s:[]}", "v", 1, "sms");
  IA_AUTO_JSON *entry = json_copy((json_t *)info), *pools = NULL;
  json_t *list = json_object_get(v, "sms");
  const char *key;

  if (!v || !entry || !ia_json_get_str(info, "smsKey", &key, e))
    return ia_wrap(e, "trust file");
  if (json_object_get(info, "pools"))
    return ia_fail(e, IA_E_PARSE, "an SMS names no pools that its users trust");
  if (!drop_entries(list, key, &pools, e) || (pool && !add_pool(&pools, pool, e)) ||
      (pools && !ia_json_set(entry, "pools", json_incref(pools), e)))
    return ia_wrap(e, "trust file");
  if (json_array_append(list, entry) != 0)
    return ia_fail(e, IA_E_MEMORY, "no memory for trust anchors");
  return ia_json_write(out, v, e);
}
