/* What a release holds, opened as the guest opens it; result keys. */
#ifndef IA_TESTS_SERVICE_SMS_ITEMS_H
#define IA_TESTS_SERVICE_SMS_ITEMS_H

#include "crypto/rsa.h"
#include "sms_lab.h"

static inline void lab_read_sealed(ia_sealed_release *r, const json_t *v)
{
  json_t *items = json_object_get(v, "items"), *it;
  IA_AUTOV(ia_buf) sig = {0};
  size_t i;

  r->n = json_array_size(items);
  r->items = calloc(r->n, sizeof(*r->items));
  assert_non_null(r->items);
  assert_true(ia_json_get_h256(v, "enc", &r->enc, NULL));
  assert_true(ia_json_get_hex(v, "sig", &sig, NULL));
  memcpy(r->sig, sig.ptr, 64);
  json_array_foreach (items, i, it) {
    const char *name;

    assert_true(ia_json_get_str(it, "name", &name, NULL));
    (void)!snprintf(r->items[i].name, sizeof(r->items[i].name), "%s", name);
    assert_true(ia_json_get_base64(it, "ct", &r->items[i].ct, NULL));
  }
}

/* Opens every item of a release; plains: at least as many. */
static inline void lab_open_items(struct lab *b, const struct evidence *ev, const json_t *v,
                                  ia_secret plains[4], ia_sealed_release *r)
{
  ia_release_bind bind = {.domain = IA_DOMAIN_SIM,
                          .tee = "sim",
                          .stage = "app",
                          .nonce = ev->nonce,
                          .report_data = ev->report_data,
                          .evidence_hash = ev->hash,
                          .task_id = b->w->f.task_id};
  ia_err e = {0};

  lab_read_sealed(r, v);
  if (!ia_release_open(plains, r, &bind, &b->w->pins.sms_key, &b->sk, &e))
    fail_msg("%s", e.msg);
}

static inline ia_buf lab_result_key(void)
{
  IA_AUTO(ia_rsa) *rsa = NULL;
  ia_buf pem = {0};

  assert_true(ia_rsa_generate(&rsa, 2048, NULL) && ia_rsa_write_public(&pem, rsa, NULL));
  return pem;
}

static inline int lab_push_result_key(struct lab *b, const char *method, ia_span value)
{
  char auth[140], path[256];
  ia_h256 h;

  ia_secret_auth_named(&h, &b->w->who[W_USER].addr, ia_span_str(IA_RESULT_KEY_SECRET), value);
  (void)!snprintf(path, sizeof(path), "/secrets/web2?ownerAddress=%s&secretName=%s",
                  ia_addr_lower(&b->w->who[W_USER].addr).s, IA_RESULT_KEY_SECRET);
  return lab_raw(b, method, path, lab_auth(b, auth, W_USER, &h), value);
}

#endif
