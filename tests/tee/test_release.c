/* Values of docs/release.md 11: descriptor, transcript, sealed items, certificate, renewal, lease,
 * owner message. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/hex.h"
#include "crypto/ed25519.h"
#include "crypto/sha.h"
#include "crypto/x25519.h"
#include "tee/descriptor.h"
#include "tee/release.h"

static void from_hex(void *out, size_t n, const char *hex)
{
  assert_true(ia_unhex(out, n, ia_span_str(hex)));
}

#define ASSERT_HEX(p, n, hex)                                                                      \
  do {                                                                                             \
    char got_[2 * (n) + 1];                                                                        \
    ia_hex(got_, (p), (n));                                                                        \
    assert_string_equal(got_, (hex));                                                              \
  } while (0)

static void counted(ia_secret *s, uint8_t first)
{
  assert_true(ia_secret_new(s, 32, NULL));
  for (uint8_t i = 0; i < 32; i++)
    s->ptr[i] = (uint8_t)(first + i);
}

static void seed_key(ia_secret *seed, ia_h256 *sms_key)
{
  counted(seed, 0x41);
  assert_true(ia_ed25519_public(sms_key->b, seed, NULL));
}

static ia_transcript transcript(void)
{
  ia_transcript t = {.domain = IA_DOMAIN_HW, .tee = IA_TEE_TDX, .stage = IA_STAGE_APP};

  for (uint8_t i = 0; i < 32; i++)
    t.nonce.b[i] = (uint8_t)(0xa0 + i);
  from_hex(t.sms_key.b, 32, "adc14011f82d1c56d956aa4f9d73d8858361a606048525e0d08c638dc75dd8c7");
  ia_sha256(&t.desc_hash, ia_span_str("descriptor"));
  from_hex(t.pk_guest.b, 32, "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c");
  from_hex(t.enclave.b, 20, "3325a78425f17a7e487eb5666b2bfd93abb06c70");
  return t;
}

static ia_release_bind binding(void)
{
  ia_transcript t = transcript();
  ia_release_bind b = {.domain = IA_DOMAIN_HW, .tee = t.tee, .stage = t.stage, .nonce = t.nonce};

  assert_true(ia_report_data(&b.report_data, &t, NULL));
  ia_sha256(&b.evidence_hash, ia_span_str("evidence"));
  memset(b.task_id.b, 0x11, 32);
  return b;
}

static ia_descriptor descriptor(void)
{
  ia_descriptor d = {
      .domain = IA_DOMAIN_HW, .chain_id = 421614, .stage = IA_STAGE_APP, .tee = IA_TEE_TDX};
  ia_task_input in;

  memset(d.hub.b, 0x22, 20);
  memset(d.deal_id.b, 0x33, 32);
  memset(d.task_id.b, 0x11, 32);
  memset(d.app.b, 0x44, 20);
  memset(d.app_digest.b, 0x55, 32);
  memset(d.dataset.b, 0x66, 20);
  memset(d.requester.b, 0x77, 20);
  memset(d.request_hash.b, 0x88, 32);
  in.dataset = d.dataset;
  memset(in.checksum.b, 0x99, 32);
  memset(in.order_hash.b, 0xaa, 32);
  assert_true(ia_inputs_hash(&d.inputs_hash, &in, 1, NULL));
  ia_sha256(&d.rules_hash, ia_span_str(IA_RULES_NONE));
  return d;
}

static void test_descriptor(void **state)
{
  ia_descriptor d = descriptor();
  IA_AUTOV(ia_buf) b = {0};
  ia_h256 h, sim;

  (void)state;
  ia_descriptor_put(&b, &d);
  assert_int_equal(b.len, 321);
  assert_true(ia_descriptor_hash(&h, &d, NULL));
  ASSERT_HEX(h.b, 32, "bc080b7f95eb5f0d96fa33ab4414bc7bea2573b5aebe18f00d25d19afdd0266c");
  d.domain = IA_DOMAIN_SIM;
  assert_true(ia_descriptor_hash(&sim, &d, NULL));
  assert_false(ia_h256_eq(&h, &sim));
}

static void test_transcript(void **state)
{
  ia_transcript t = transcript();
  IA_AUTOV(ia_buf) b = {0};
  ia_h512 rd, sim;

  (void)state;
  ia_transcript_put(&b, &t);
  assert_int_equal(b.len, 236);
  assert_true(ia_report_data(&rd, &t, NULL));
  ASSERT_HEX(rd.b, 64,
             "ce2c9d43913069862c9e22c5f2119dcd545b8d49c92441b3d0e4f2135e01c39eb3ad69c875573dee4eca2"
             "f8489090ee38f85e06ee31bfcca660cfe4b284309a8");
  t.domain = IA_DOMAIN_SIM;
  assert_true(ia_report_data(&sim, &t, NULL));
  assert_memory_not_equal(rd.b, sim.b, 64);
}

/* The vector seals item 0 of count 2 and signs that one alone, so its AAD is made by hand. */
static void test_info_and_aad(void **state)
{
  ia_release_bind b = binding();
  IA_AUTOV(ia_buf) aad = {0}, want = {0};

  (void)state;
  ia_release_aad_put(&aad, &b, "dataset-key", 0, 2);
  ia_buf_lp_str(&want, "iapp-secret/v1");
  ia_buf_lp_str(&want, "hw");
  ia_buf_lp(&want, IA_SPAN_ARR(b.task_id.b));
  ia_buf_lp_str(&want, "app");
  ia_buf_lp_str(&want, "dataset-key");
  ia_buf_u32be(&want, 0);
  ia_buf_u32be(&want, 2);
  assert_true(ia_span_eq(ia_buf_view(&aad), ia_buf_view(&want)));
}

static ia_release_item item(const char *name, const char *plain)
{
  ia_release_item it = {.plain = ia_span_str(plain)};

  assert_true(snprintf(it.name, sizeof(it.name), "%s", name) < (int)sizeof(it.name));
  return it;
}

static void test_sealed_items(void **state)
{
  ia_release_bind b = binding();
  IA_AUTOV(ia_secret) seed = {0}, sk_e = {0}, renew = {0};
  IA_AUTOV(ia_sealed_release) r = {0};
  ia_release_item items[2] = {item("dataset-key", "KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK"),
                              item("task", "{}")};
  ia_h256 key;
  ia_transcript t = transcript();

  (void)state;
  seed_key(&seed, &key);
  ASSERT_HEX(key.b, 32, "adc14011f82d1c56d956aa4f9d73d8858361a606048525e0d08c638dc75dd8c7");
  counted(&sk_e, 0x21);
  assert_true(ia_release_seal(&r, &b, &t.pk_guest, items, 2, &seed, &sk_e, &renew, NULL));
  ASSERT_HEX(r.enc.b, 32, "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b");
  assert_int_equal(r.items[0].ct.len, 48);
  ASSERT_HEX(
      r.items[0].ct.ptr, 48,
      "f1e228783b07e193da18bfbc21bbb096aa3892ba2736acdb8b6c000580c6baa45ab251bbc0208402471bcf"
      "9aae00c126");
  ASSERT_HEX(renew.ptr, 32, "25608d8700a0f338f6c4f64654368540ba187bcfc974b61c1ae661051cf3ace4");
}

static void test_release_signature(void **state)
{
  ia_release_bind b = binding();
  ia_h256 enc, cts, key;
  IA_AUTOV(ia_secret) seed = {0};
  IA_AUTOV(ia_buf) ct = {0};
  uint8_t sig[64], raw[48];

  (void)state;
  seed_key(&seed, &key);
  from_hex(enc.b, 32, "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b");
  from_hex(
      raw, 48,
      "f1e228783b07e193da18bfbc21bbb096aa3892ba2736acdb8b6c000580c6baa45ab251bbc0208402471bcf9a"
      "ae00c126");
  from_hex(
      sig, 64,
      "0395a085b81523904247933c290ddc76bfc42daa73d25ac98137d94056a56b6dc18dbd4005f0c951eefa956b"
      "0be18e1b206d5bd56b25d527ab9d6dcde5b8b307");
  ia_buf_lp(&ct, IA_SPAN_ARR(raw));
  ia_sha256(&cts, ia_buf_view(&ct));
  assert_true(ia_release_sig_verify(&b, &enc, &cts, sig, &key, NULL));
  b.domain = IA_DOMAIN_SIM;
  assert_false(ia_release_sig_verify(&b, &enc, &cts, sig, &key, NULL));
}

static void test_guest_opens_what_was_sealed_to_it(void **state)
{
  ia_release_bind b = binding(), other = b;
  IA_AUTOV(ia_secret) seed = {0}, sk = {0};
  IA_AUTOV(ia_sealed_release) r = {0};
  ia_release_item items[2] = {item("app-secret", "s3cret"), item("task", "{\"v\":1}")};
  ia_secret plains[2] = {{0}, {0}};
  ia_h256 key, pk;
  ia_err e = {0};

  (void)state;
  seed_key(&seed, &key);
  counted(&sk, 1);
  assert_true(ia_x25519_public(pk.b, &sk, NULL));
  assert_true(ia_release_seal(&r, &b, &pk, items, 2, &seed, NULL, NULL, NULL));
  assert_true(ia_release_open(plains, &r, &b, &key, &sk, &e));
  assert_true(ia_span_is(ia_secret_view(&plains[0]), "s3cret"));
  assert_true(ia_span_is(ia_secret_view(&plains[1]), "{\"v\":1}"));
  ia_secret_free(&plains[0]);
  ia_secret_free(&plains[1]);
  other.nonce.b[0] ^= 1;
  assert_false(ia_release_open(plains, &r, &other, &key, &sk, &e));
  assert_int_equal(e.code, IA_E_SMS_SIGNATURE);
  r.items[0].ct.ptr[0] ^= 1;
  assert_false(ia_release_open(plains, &r, &b, &key, &sk, &e));
  assert_int_equal(e.code, IA_E_SMS_SIGNATURE);
}

static void test_certificate(void **state)
{
  IA_AUTOV(ia_secret) seed = {0};
  ia_release_bind b = binding();
  ia_enclave_cert c = {
      .domain = IA_DOMAIN_HW, .tee = "tdx", .task_id = b.task_id, .expires = 1780272000};
  ia_h256 key;

  (void)state;
  seed_key(&seed, &key);
  c.evidence_hash = b.evidence_hash;
  from_hex(c.worker.b, 20, "1a642f0e3c3af545e7acbd38b07251b3990914f1");
  from_hex(c.enclave.b, 20, "3325a78425f17a7e487eb5666b2bfd93abb06c70");
  assert_true(ia_enclave_cert_sign(&c, &seed, NULL));
  ASSERT_HEX(
      c.sig, 64,
      "5eb964efe3c1674cf788ada8413edeaefaa2c8838eac63d7eb48b676925205a943c1ec6d13190b85082728"
      "29e6769310f16841c3e381b8bc1793774904251e00");
  assert_true(ia_enclave_cert_verify(&c, &key, NULL));
  c.domain = IA_DOMAIN_SIM;
  assert_false(ia_enclave_cert_verify(&c, &key, NULL));
  c.domain = IA_DOMAIN_HW;
  c.expires++;
  assert_false(ia_enclave_cert_verify(&c, &key, NULL));
}

static void test_renewal(void **state)
{
  ia_release_bind b = binding();
  ia_renewal r = {
      .domain = IA_DOMAIN_HW, .tee = "tdx", .nonce = b.nonce, .fencing = 1, .counter = 1};
  uint8_t key[32], mac[32];

  (void)state;
  r.task_id = b.task_id;
  from_hex(key, 32, "25608d8700a0f338f6c4f64654368540ba187bcfc974b61c1ae661051cf3ace4");
  assert_true(ia_renewal_mac(mac, &r, IA_SPAN_ARR(key), NULL));
  ASSERT_HEX(mac, 32, "e4c98ffafb1c7509a9d7306df2d2f018403a756beeeff06c9cff8f4139d4a4fa");
}

static void test_lease(void **state)
{
  ia_lease l = {.fencing = 1, .expires = 1780272000};
  ia_h256 h;

  (void)state;
  memset(l.task_id.b, 0x11, 32);
  from_hex(l.worker.b, 20, "1a642f0e3c3af545e7acbd38b07251b3990914f1");
  assert_true(ia_lease_hash(&h, IA_DOMAIN_HW, &l, NULL));
  ASSERT_HEX(h.b, 32, "7cdf4d572c37c6e79db14e6de4e1c61c680a198d720d6209d8b4a3f46eddc729");
  assert_true(ia_lease_hash(&h, IA_DOMAIN_SIM, &l, NULL));
  ASSERT_HEX(h.b, 32, "4492ffa1f56dd58048ee9197faf7a8613826ecfbece47c8b91be8b9530d68b38");
}

static void test_owner_message(void **state)
{
  ia_owner_message m = {.domain = IA_DOMAIN_HW,
                        .kind = "revoke",
                        .chain_id = 421614,
                        .version = 1,
                        .body = ia_span_str("{\"all\":true}")};
  ia_h256 h;

  (void)state;
  memset(m.hub.b, 0x22, 20);
  memset(m.object.b, 0x66, 20);
  from_hex(m.sms_key.b, 32, "adc14011f82d1c56d956aa4f9d73d8858361a606048525e0d08c638dc75dd8c7");
  assert_true(ia_owner_message_hash(&h, &m, NULL));
  ASSERT_HEX(h.b, 32, "e2a14e86a364d5dca8f1647848926f19295e5ef35d76e26b53d641fa9f1a8661");
}

/* Barrier of labels: the same value in either domain is other bytes under another label, so that
 * nothing that one domain signs, seals or hashes verifies in the other. */
static void test_no_value_fits_both_domains(void **state)
{
  static const ia_domain domains[] = {IA_DOMAIN_HW, IA_DOMAIN_SIM};
  ia_buf info[2] = {{0}, {0}}, aad[2] = {{0}, {0}}, renewal[2] = {{0}, {0}};
  ia_h256 lease[2], owner[2], desc[2];
  ia_h512 report[2];
  uint8_t mac[2][32];

  (void)state;
  for (int i = 0; i < 2; i++) {
    ia_release_bind b = binding();
    ia_transcript t = transcript();
    ia_descriptor d = {.domain = domains[i], .stage = "app", .tee = "tdx"};
    ia_lease l = {.fencing = 1};
    ia_owner_message m = {.domain = domains[i], .kind = "policy", .body = ia_span_str("{}")};
    ia_renewal r = {.domain = domains[i], .tee = "tdx", .fencing = 1, .counter = 1};

    b.domain = t.domain = domains[i];
    ia_release_info_put(&info[i], &b);
    ia_release_aad_put(&aad[i], &b, "task", 0, 1);
    assert_true(ia_report_data(&report[i], &t, NULL) && ia_descriptor_hash(&desc[i], &d, NULL));
    assert_true(ia_lease_hash(&lease[i], domains[i], &l, NULL));
    assert_true(ia_owner_message_hash(&owner[i], &m, NULL));
    assert_true(ia_renewal_mac(mac[i], &r, ia_span_str("key"), NULL));
    assert_true(ia_renewal_ok_put(&renewal[i], &r, 60, NULL));
  }
  assert_false(ia_span_eq(ia_buf_view(&info[0]), ia_buf_view(&info[1])));
  assert_false(ia_span_eq(ia_buf_view(&aad[0]), ia_buf_view(&aad[1])));
  assert_false(ia_span_eq(ia_buf_view(&renewal[0]), ia_buf_view(&renewal[1])));
  assert_memory_not_equal(&report[0], &report[1], sizeof(report[0]));
  assert_memory_not_equal(&desc[0], &desc[1], sizeof(desc[0]));
  assert_memory_not_equal(&lease[0], &lease[1], sizeof(lease[0]));
  assert_memory_not_equal(&owner[0], &owner[1], sizeof(owner[0]));
  assert_memory_not_equal(mac[0], mac[1], sizeof(mac[0]));
  for (int i = 0; i < 2; i++) {
    ia_buf_free(&info[i]);
    ia_buf_free(&aad[i]);
    ia_buf_free(&renewal[i]);
  }
}

/* Records and information documents of one domain are no such texts in the other. */
static void test_signed_texts_belong_to_their_domain(void **state)
{
  static const char *const labels[] = {"release-record", "sms-info"};
  IA_AUTOV(ia_secret) seed = {0};
  uint8_t sig[64];
  ia_h256 key;

  (void)state;
  seed_key(&seed, &key);
  for (size_t i = 0; i < IA_COUNT(labels); i++) {
    ia_span text = ia_span_str("{}");

    assert_true(ia_text_sign(sig, IA_DOMAIN_SIM, labels[i], text, &seed, NULL));
    assert_true(ia_text_verify(IA_DOMAIN_SIM, labels[i], text, sig, &key, NULL));
    assert_false(ia_text_verify(IA_DOMAIN_HW, labels[i], text, sig, &key, NULL));
    assert_false(ia_text_verify(IA_DOMAIN_SIM, labels[1 - i], text, sig, &key, NULL));
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_descriptor),
      cmocka_unit_test(test_transcript),
      cmocka_unit_test(test_info_and_aad),
      cmocka_unit_test(test_sealed_items),
      cmocka_unit_test(test_release_signature),
      cmocka_unit_test(test_guest_opens_what_was_sealed_to_it),
      cmocka_unit_test(test_certificate),
      cmocka_unit_test(test_renewal),
      cmocka_unit_test(test_lease),
      cmocka_unit_test(test_owner_message),
      cmocka_unit_test(test_no_value_fits_both_domains),
      cmocka_unit_test(test_signed_texts_belong_to_their_domain),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
