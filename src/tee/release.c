#include "tee/release.h"

#include "crypto/ed25519.h"
#include "crypto/hkdf.h"
#include "crypto/hpke.h"
#include "crypto/keccak.h"
#include "crypto/sha.h"

bool ia_evidence_hash(ia_h256 *out, ia_span quote, ia_span event_log, ia_span aux, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_lp(&b, quote);
  ia_buf_lp(&b, event_log);
  ia_buf_lp(&b, aux);
  if (!ia_buf_ok(&b, e))
    return false;
  ia_sha256(out, ia_buf_view(&b));
  return true;
}

void ia_sealed_release_free(ia_sealed_release *r)
{
  if (!r)
    return;
  for (size_t i = 0; r->items && i < r->n; i++)
    ia_buf_free(&r->items[i].ct);
  free(r->items);
  *r = (ia_sealed_release){0};
}

void ia_release_info_put(ia_buf *b, const ia_release_bind *bind)
{
  ia_buf_label(b, bind->domain, "release");
  ia_buf_lp_str(b, bind->tee);
  ia_buf_lp(b, IA_SPAN_ARR(bind->nonce.b));
  ia_buf_lp(b, IA_SPAN_ARR(bind->report_data.b));
  ia_buf_lp(b, IA_SPAN_ARR(bind->evidence_hash.b));
}

void ia_release_aad_put(ia_buf *b, const ia_release_bind *bind, const char *name, uint32_t i,
                        uint32_t count)
{
  ia_buf_label(b, bind->domain, "secret");
  ia_buf_lp_str(b, ia_domain_name(bind->domain));
  ia_buf_lp(b, IA_SPAN_ARR(bind->task_id.b));
  ia_buf_lp_str(b, bind->stage);
  ia_buf_lp_str(b, name);
  ia_buf_u32be(b, i);
  ia_buf_u32be(b, count);
}

bool ia_release_cts_hash(ia_h256 *out, const ia_sealed_release *r, ia_err *e)
{
  IA_AUTO(ia_sha) *h = NULL;

  if (!ia_sha_new(&h, IA_SHA256, e))
    return false;
  for (size_t i = 0; i < r->n; i++) {
    uint32_t n = (uint32_t)r->items[i].ct.len;
    uint8_t len[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};

    ia_sha_update(h, IA_SPAN_ARR(len));
    ia_sha_update(h, ia_buf_view(&r->items[i].ct));
  }
  return ia_sha_final(h, out->b, e);
}

static void sig_message(ia_buf *b, const ia_release_bind *bind, const ia_h256 *enc,
                        const ia_h256 *cts_hash)
{
  ia_buf_label(b, bind->domain, "release-sig");
  ia_buf_lp_str(b, bind->tee);
  ia_buf_lp(b, IA_SPAN_ARR(bind->nonce.b));
  ia_buf_lp(b, IA_SPAN_ARR(bind->report_data.b));
  ia_buf_lp(b, IA_SPAN_ARR(bind->evidence_hash.b));
  ia_buf_lp(b, IA_SPAN_ARR(enc->b));
  ia_buf_lp(b, IA_SPAN_ARR(cts_hash->b));
}

bool ia_release_sig_verify(const ia_release_bind *bind, const ia_h256 *enc, const ia_h256 *cts_hash,
                           const uint8_t sig[64], const ia_h256 *sms_key, ia_err *e)
{
  IA_AUTOV(ia_buf) m = {0};

  sig_message(&m, bind, enc, cts_hash);
  if (!ia_buf_ok(&m, e))
    return false;
  if (!ia_ed25519_verify(sms_key->b, ia_buf_view(&m), ia_span_of(sig, 64), NULL))
    return ia_fail(e, IA_E_SMS_SIGNATURE, "release: not signed by the expected SMS");
  return true;
}

static bool seal_items(ia_sealed_release *out, ia_hpke *h, const ia_release_bind *bind,
                       const ia_release_item *items, size_t n, ia_err *e)
{
  for (size_t i = 0; i < n; i++) {
    IA_AUTOV(ia_buf) aad = {0};
    ia_sealed_item *it = &out->items[i];

    memcpy(it->name, items[i].name, sizeof(it->name));
    it->name[sizeof(it->name) - 1] = 0;
    ia_release_aad_put(&aad, bind, it->name, (uint32_t)i, (uint32_t)n);
    if (!ia_buf_ok(&aad, e) || !ia_hpke_seal(h, &it->ct, ia_buf_view(&aad), items[i].plain, e))
      return false;
  }
  return true;
}

/* K of docs/release.md 6: the secret that proves later renewals. */
static bool renewal_key(ia_secret *out, const ia_hpke *h, const ia_release_bind *bind, ia_err *e)
{
  IA_AUTOV(ia_buf) ctx = {0};

  ia_buf_label(&ctx, bind->domain, "renew");
  ia_buf_lp(&ctx, IA_SPAN_ARR(bind->task_id.b));
  return ia_buf_ok(&ctx, e) && ia_secret_new(out, 32, e) &&
         ia_hpke_export(h, out->ptr, 32, ia_buf_view(&ctx), e);
}

bool ia_release_seal(ia_sealed_release *out, const ia_release_bind *bind, const ia_h256 *pk_guest,
                     const ia_release_item *items, size_t n, const ia_secret *sms_seed,
                     const ia_secret *sk_e, ia_secret *renew_key, ia_err *e)
{
  IA_AUTOV(ia_buf) info = {0}, m = {0};
  IA_AUTOV(ia_hpke) h = {0};
  ia_h256 cts;

  *out = (ia_sealed_release){0};
  if (n == 0 || n > IA_RELEASE_ITEMS_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "release: %zu items", n);
  ia_release_info_put(&info, bind);
  out->items = calloc(n, sizeof(*out->items));
  if (!out->items)
    return ia_fail(e, IA_E_MEMORY, "release: no memory");
  out->n = n;
  if (!ia_buf_ok(&info, e))
    return false;
  if (sk_e ? !ia_hpke_send_with(&h, out->enc.b, sk_e, pk_guest->b, ia_buf_view(&info), e)
           : !ia_hpke_send(&h, out->enc.b, pk_guest->b, ia_buf_view(&info), e))
    return false;
  if (renew_key && !renewal_key(renew_key, &h, bind, e))
    return false;
  if (!seal_items(out, &h, bind, items, n, e) || !ia_release_cts_hash(&cts, out, e))
    return false;
  sig_message(&m, bind, &out->enc, &cts);
  return ia_buf_ok(&m, e) && ia_ed25519_sign(out->sig, sms_seed, ia_buf_view(&m), e);
}

bool ia_release_open(ia_secret *plains, const ia_sealed_release *r, const ia_release_bind *bind,
                     const ia_h256 *sms_key, const ia_secret *sk_guest, ia_err *e)
{
  IA_AUTOV(ia_buf) info = {0};
  IA_AUTOV(ia_hpke) h = {0};
  ia_h256 cts;

  if (r->n == 0 || r->n > IA_RELEASE_ITEMS_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "release: %zu items", r->n);
  if (!ia_release_cts_hash(&cts, r, e) ||
      !ia_release_sig_verify(bind, &r->enc, &cts, r->sig, sms_key, e))
    return false;
  ia_release_info_put(&info, bind);
  if (!ia_buf_ok(&info, e) || !ia_hpke_receive(&h, r->enc.b, sk_guest, ia_buf_view(&info), e))
    return false;
  for (size_t i = 0; i < r->n; i++) {
    IA_AUTOV(ia_buf) aad = {0};
    IA_AUTOV(ia_buf) plain = {.secret = true};

    ia_release_aad_put(&aad, bind, r->items[i].name, (uint32_t)i, (uint32_t)r->n);
    if (!ia_buf_ok(&aad, e) ||
        !ia_hpke_open(&h, &plain, ia_buf_view(&aad), ia_buf_view(&r->items[i].ct), e) ||
        !ia_secret_copy(&plains[i], ia_buf_view(&plain), e))
      return ia_wrap(e, "release item %zu", i);
  }
  return true;
}

static void cert_message(ia_buf *b, const ia_enclave_cert *c)
{
  ia_buf_label(b, c->domain, "enclave-cert");
  ia_buf_lp_str(b, c->tee);
  ia_buf_lp(b, IA_SPAN_ARR(c->task_id.b));
  ia_buf_lp(b, IA_SPAN_ARR(c->worker.b));
  ia_buf_lp(b, IA_SPAN_ARR(c->enclave.b));
  ia_buf_lp(b, IA_SPAN_ARR(c->evidence_hash.b));
  ia_buf_u64be(b, c->expires);
}

bool ia_enclave_cert_sign(ia_enclave_cert *c, const ia_secret *sms_seed, ia_err *e)
{
  IA_AUTOV(ia_buf) m = {0};

  cert_message(&m, c);
  return ia_buf_ok(&m, e) && ia_ed25519_sign(c->sig, sms_seed, ia_buf_view(&m), e);
}

bool ia_enclave_cert_verify(const ia_enclave_cert *c, const ia_h256 *sms_key, ia_err *e)
{
  IA_AUTOV(ia_buf) m = {0};

  cert_message(&m, c);
  if (!ia_buf_ok(&m, e))
    return false;
  if (!ia_ed25519_verify(sms_key->b, ia_buf_view(&m), IA_SPAN_ARR(c->sig), NULL))
    return ia_fail(e, IA_E_SMS_SIGNATURE, "enclave certificate: not signed by the expected SMS");
  return true;
}

static bool keccak_of(ia_h256 *out, const ia_buf *b, ia_err *e)
{
  if (!ia_buf_ok(b, e))
    return false;
  ia_keccak256(out, ia_buf_view(b));
  return true;
}

bool ia_lease_hash(ia_h256 *out, ia_domain d, const ia_lease *lease, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_label(&b, d, "lease");
  ia_buf_lp(&b, IA_SPAN_ARR(lease->task_id.b));
  ia_buf_lp(&b, IA_SPAN_ARR(lease->worker.b));
  ia_buf_u64be(&b, lease->fencing);
  ia_buf_u64be(&b, lease->expires);
  return keccak_of(out, &b, e);
}

bool ia_owner_message_hash(ia_h256 *out, const ia_owner_message *m, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_label(&b, m->domain, "owner");
  ia_buf_lp_str(&b, m->kind);
  ia_buf_u64be(&b, m->chain_id);
  ia_buf_lp(&b, IA_SPAN_ARR(m->hub.b));
  ia_buf_lp(&b, IA_SPAN_ARR(m->sms_key.b));
  ia_buf_lp(&b, IA_SPAN_ARR(m->object.b));
  ia_buf_u64be(&b, m->version);
  ia_buf_lp(&b, m->body);
  return keccak_of(out, &b, e);
}

bool ia_text_sign(uint8_t sig[64], ia_domain d, const char *label, ia_span text,
                  const ia_secret *sms_seed, ia_err *e)
{
  IA_AUTOV(ia_buf) m = {0};

  ia_buf_label(&m, d, label);
  ia_buf_lp(&m, text);
  return ia_buf_ok(&m, e) && ia_ed25519_sign(sig, sms_seed, ia_buf_view(&m), e);
}

bool ia_text_verify(ia_domain d, const char *label, ia_span text, const uint8_t sig[64],
                    const ia_h256 *sms_key, ia_err *e)
{
  IA_AUTOV(ia_buf) m = {0};

  ia_buf_label(&m, d, label);
  ia_buf_lp(&m, text);
  if (!ia_buf_ok(&m, e))
    return false;
  if (!ia_ed25519_verify(sms_key->b, ia_buf_view(&m), ia_span_of(sig, 64), NULL))
    return ia_fail(e, IA_E_SMS_SIGNATURE, "%s: not signed by the expected SMS", label);
  return true;
}

bool ia_renewal_mac(uint8_t mac[32], const ia_renewal *r, ia_span key, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_label(&b, r->domain, "renew");
  ia_buf_lp_str(&b, r->tee);
  ia_buf_lp(&b, IA_SPAN_ARR(r->nonce.b));
  ia_buf_lp(&b, IA_SPAN_ARR(r->task_id.b));
  ia_buf_u64be(&b, r->fencing);
  ia_buf_u64be(&b, r->counter);
  return ia_buf_ok(&b, e) && ia_hmac_sha256(mac, key, ia_buf_view(&b), e);
}

bool ia_renewal_ok_put(ia_buf *b, const ia_renewal *r, uint64_t seconds, ia_err *e)
{
  ia_buf_label(b, r->domain, "renew-ok");
  ia_buf_lp_str(b, r->tee);
  ia_buf_lp(b, IA_SPAN_ARR(r->nonce.b));
  ia_buf_lp(b, IA_SPAN_ARR(r->task_id.b));
  ia_buf_u64be(b, r->counter);
  ia_buf_u64be(b, seconds);
  return ia_buf_ok(b, e);
}
