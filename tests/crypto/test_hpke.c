/* The vectors of docs/release.md 11 that are cryptography alone: HPKE, release signature, lease,
 * owner's message, renewal, certificate. */
#include "crypto/ed25519.h"
#include "crypto/hkdf.h"
#include "crypto/hpke.h"
#include "crypto/keccak.h"
#include "crypto/secp.h"
#include "crypto/sha.h"
#include "crypto/x25519.h"
#include "support.h"

typedef struct fixture {
  ia_secret guest, ephemeral, seed;
  uint8_t pk_guest[32], sms_key[32];
  uint8_t nonce[32], task[32], report_data[64];
  ia_h256 evidence;
} fixture;

static const char report_hex[] = "ce2c9d43913069862c9e22c5f2119dcd545b8d49c92441b3d0e4f2135e01c39e"
                                 "b3ad69c875573dee4eca2f8489090ee38f85e06ee31bfcca660cfe4b284309a8";
static const char ct0_hex[] = "f1e228783b07e193da18bfbc21bbb096aa3892ba2736acdb8b6c000580c6baa4"
                              "5ab251bbc0208402471bcf9aae00c126";

static int setup(void **state)
{
  static fixture f;
  uint8_t raw[32];

  counting(raw, 32, 0x01);
  f.guest = secret_of(raw, 32);
  counting(raw, 32, 0x21);
  f.ephemeral = secret_of(raw, 32);
  counting(raw, 32, 0x41);
  f.seed = secret_of(raw, 32);
  counting(f.nonce, 32, 0xa0);
  memset(f.task, 0x11, 32);
  from_hex(f.report_data, 64, report_hex);
  ia_sha256(&f.evidence, ia_span_str("evidence"));
  assert_true(ia_x25519_public(f.pk_guest, &f.guest, NULL));
  assert_true(ia_ed25519_public(f.sms_key, &f.seed, NULL));
  *state = &f;
  return 0;
}

static int teardown(void **state)
{
  fixture *f = *state;

  ia_secret_free(&f->guest);
  ia_secret_free(&f->ephemeral);
  ia_secret_free(&f->seed);
  return 0;
}

static void put_info(ia_buf *b, const fixture *f)
{
  ia_buf_lp_str(b, "iapp-release/v1");
  ia_buf_lp_str(b, "tdx");
  ia_buf_lp(b, IA_SPAN_ARR(f->nonce));
  ia_buf_lp(b, IA_SPAN_ARR(f->report_data));
  ia_buf_lp(b, IA_SPAN_ARR(f->evidence.b));
}

static void put_aad(ia_buf *b, const fixture *f)
{
  ia_buf_lp_str(b, "iapp-secret/v1");
  ia_buf_lp_str(b, "hw");
  ia_buf_lp(b, IA_SPAN_ARR(f->task));
  ia_buf_lp_str(b, "app");
  ia_buf_lp_str(b, "dataset-key");
  ia_buf_u32be(b, 0);
  ia_buf_u32be(b, 2);
}

static void sender(ia_hpke *h, uint8_t enc[32], const fixture *f)
{
  IA_AUTOV(ia_buf) info = {0};

  put_info(&info, f);
  assert_true(ia_hpke_send_with(h, enc, &f->ephemeral, f->pk_guest, ia_buf_view(&info), NULL));
}

static void schedule_and_first_item(void **state)
{
  const fixture *f = *state;
  IA_AUTOV(ia_hpke) h = {0};
  IA_AUTOV(ia_buf) aad = {0};
  IA_AUTOV(ia_buf) ct = {0};
  uint8_t enc[32], plain[32];

  assert_hex(f->pk_guest, "07a37cbc142093c8b755dc1b10e86cb426374ad16aa853ed0bdfc0b2b86d1c7c");
  assert_hex(f->sms_key, "adc14011f82d1c56d956aa4f9d73d8858361a606048525e0d08c638dc75dd8c7");
  sender(&h, enc, f);
  assert_hex(enc, "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b");
  assert_hex(h.key, "98645aa58b8b0f46c42382000002bb6e255860ea41d06fd9b9c5499432d4f01f");
  assert_hex(h.base_nonce, "fe75e4add62b70954555bc16");
  assert_hex(h.exporter, "55835b43a6b1d883eb21d68f134b594313cf3c9d6c54c1526abf0c9843cbc35b");
  memset(plain, 'K', 32);
  put_aad(&aad, f);
  assert_true(ia_hpke_seal(&h, &ct, ia_buf_view(&aad), IA_SPAN_ARR(plain), NULL));
  assert_hex(ct.ptr, ct0_hex);
}

/* What is sealed opens in order at the other side, and only there, only so. */
static void both_sides_agree(void **state)
{
  const fixture *f = *state;
  IA_AUTOV(ia_hpke) tx = {0};
  IA_AUTOV(ia_hpke) rx = {0};
  IA_AUTOV(ia_hpke) other = {0};
  IA_AUTOV(ia_buf) info = {0};
  uint8_t enc[32];

  put_info(&info, f);
  assert_true(ia_hpke_send(&tx, enc, f->pk_guest, ia_buf_view(&info), NULL));
  assert_true(ia_hpke_receive(&rx, enc, &f->guest, ia_buf_view(&info), NULL));
  assert_true(ia_hpke_receive(&other, enc, &f->ephemeral, ia_buf_view(&info), NULL));
  for (uint8_t i = 0; i < 3; i++) {
    IA_AUTOV(ia_buf) ct = {0};
    IA_AUTOV(ia_buf) back = {0};

    assert_true(ia_hpke_seal(&tx, &ct, ia_span_of(&i, 1), ia_span_str("item"), NULL));
    assert_false(ia_hpke_open(&other, &back, ia_span_of(&i, 1), ia_buf_view(&ct), NULL));
    assert_false(ia_hpke_open(&rx, &back, ia_span_of(NULL, 0), ia_buf_view(&ct), NULL));
    assert_true(ia_hpke_open(&rx, &back, ia_span_of(&i, 1), ia_buf_view(&ct), NULL));
    assert_true(ia_span_is(ia_buf_view(&back), "item"));
    /* a second time it stands under a sequence number that is gone */
    assert_false(ia_hpke_open(&rx, &back, ia_span_of(&i, 1), ia_buf_view(&ct), NULL));
  }
}

static void release_signature(void **state)
{
  const fixture *f = *state;
  IA_AUTOV(ia_buf) cts = {0};
  IA_AUTOV(ia_buf) m = {0};
  uint8_t ct[48], enc[32], sig[64];
  ia_h256 sum;

  from_hex(ct, 48, ct0_hex);
  from_hex(enc, 32, "5869aff450549732cbaaed5e5df9b30a6da31cb0e5742bad5ad4a1a768f1a67b");
  ia_buf_lp(&cts, IA_SPAN_ARR(ct));
  ia_sha256(&sum, ia_buf_view(&cts));
  ia_buf_lp_str(&m, "iapp-release-sig/v1");
  ia_buf_lp_str(&m, "tdx");
  ia_buf_lp(&m, IA_SPAN_ARR(f->nonce));
  ia_buf_lp(&m, IA_SPAN_ARR(f->report_data));
  ia_buf_lp(&m, IA_SPAN_ARR(f->evidence.b));
  ia_buf_lp(&m, IA_SPAN_ARR(enc));
  ia_buf_lp(&m, IA_SPAN_ARR(sum.b));
  assert_true(ia_ed25519_sign(sig, &f->seed, ia_buf_view(&m), NULL));
  assert_hex(sig, "0395a085b81523904247933c290ddc76bfc42daa73d25ac98137d94056a56b6d"
                  "c18dbd4005f0c951eefa956b0be18e1b206d5bd56b25d527ab9d6dcde5b8b307");
}

static void renewal_key_and_mac(void **state)
{
  const fixture *f = *state;
  IA_AUTOV(ia_hpke) h = {0};
  IA_AUTOV(ia_buf) m = {0};
  IA_AUTOV(ia_buf) context = {0};
  uint8_t enc[32], key[32], mac[32];

  sender(&h, enc, f);
  ia_buf_lp_str(&context, "iapp-renew/v1");
  ia_buf_lp(&context, IA_SPAN_ARR(f->task));
  assert_true(ia_hpke_export(&h, key, 32, ia_buf_view(&context), NULL));
  assert_hex(key, "25608d8700a0f338f6c4f64654368540ba187bcfc974b61c1ae661051cf3ace4");
  ia_buf_lp_str(&m, "iapp-renew/v1");
  ia_buf_lp_str(&m, "tdx");
  ia_buf_lp(&m, IA_SPAN_ARR(f->nonce));
  ia_buf_lp(&m, IA_SPAN_ARR(f->task));
  ia_buf_u64be(&m, 1);
  ia_buf_u64be(&m, 1);
  assert_true(ia_hmac_sha256(mac, IA_SPAN_ARR(key), ia_buf_view(&m), NULL));
  assert_hex(mac, "e4c98ffafb1c7509a9d7306df2d2f018403a756beeeff06c9cff8f4139d4a4fa");
}

static void certificate_signature(void **state)
{
  const fixture *f = *state;
  IA_AUTOV(ia_buf) m = {0};
  uint8_t worker[20], enclave[20], sig[64];

  from_hex(worker, 20, "1a642f0E3c3aF545E7AcBD38b07251B3990914F1");
  from_hex(enclave, 20, "3325a78425F17a7E487Eb5666b2bFd93aBb06c70");
  ia_buf_lp_str(&m, "iapp-enclave-cert/v1");
  ia_buf_lp_str(&m, "tdx");
  ia_buf_lp(&m, IA_SPAN_ARR(f->task));
  ia_buf_lp(&m, IA_SPAN_ARR(worker));
  ia_buf_lp(&m, IA_SPAN_ARR(enclave));
  ia_buf_lp(&m, IA_SPAN_ARR(f->evidence.b));
  ia_buf_u64be(&m, 1780272000);
  assert_true(ia_ed25519_sign(sig, &f->seed, ia_buf_view(&m), NULL));
  assert_hex(sig, "5eb964efe3c1674cf788ada8413edeaefaa2c8838eac63d7eb48b676925205a9"
                  "43c1ec6d13190b8508272829e6769310f16841c3e381b8bc1793774904251e00");
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(schedule_and_first_item), cmocka_unit_test(both_sides_agree),
      cmocka_unit_test(release_signature),       cmocka_unit_test(renewal_key_and_mac),
      cmocka_unit_test(certificate_signature),
  };

  return cmocka_run_group_tests(tests, setup, teardown);
}
