#include "service/sms/keys.h"

#include "base/file.h"
#include "base/owned.h"
#include "base/random.h"
#include "crypto/ed25519.h"
#include "crypto/gcm.h"
#include "crypto/hkdf.h"
#include "eth/keystore.h"
#include "tee/release.h"

enum { EPOCH = 1, ROOT_FILE_MAX = 8192 };

void ia_sms_keys_free(ia_sms_keys *k)
{
  if (!k)
    return;
  ia_secret_free(&k->seed);
  ia_secret_free(&k->kek);
  ia_secret_free(&k->head);
  ia_secret_free(&k->blind);
  ia_secret_free(&k->journal);
}

static bool make_root(ia_secret *root, const char *path, const ia_secp *secp,
                      const ia_secret *passphrase, bool random_passphrase, ia_err *e)
{
  IA_AUTOV(ia_buf) json = {0};
  uint64_t n = random_passphrase ? IA_KEYSTORE_N_RANDOM : IA_KEYSTORE_N;

  return ia_secp_key_new(root, e) &&
         ia_keystore_write(&json, secp, root, ia_secret_view(passphrase), n, e) &&
         ia_file_create(path, ia_buf_view(&json), 0600, e);
}

static bool open_root(ia_secret *root, const char *dir, const ia_secret *passphrase,
                      bool random_passphrase, ia_err *e)
{
  IA_AUTO(ia_secp) *secp = NULL;
  IA_AUTOV(ia_buf) json = {0};
  ia_err why = {0};
  ia_path p;

  if (!ia_path_join(&p, e, "%s/root", dir) || !ia_secp_new(&secp, e))
    return false;
  if (!ia_file_read_private(&json, p.s, ROOT_FILE_MAX, &why)) {
    if (why.code != IA_E_NOT_FOUND) {
      if (e)
        *e = why;
      return false;
    }
    return make_root(root, p.s, secp, passphrase, random_passphrase, e);
  }
  return ia_keystore_open(root, secp, ia_buf_view(&json), ia_secret_view(passphrase), e) ||
         ia_wrap(e, "%s", p.s);
}

static bool derive(ia_secret *out, const ia_secret *root, const char *what, ia_domain d, ia_err *e)
{
  IA_AUTOV(ia_buf) info = {0};

  ia_buf_printf(&info, "iapp-%s-%s/v1", what, ia_domain_name(d));
  return ia_buf_ok(&info, e) && ia_secret_new(out, 32, e) &&
         ia_hkdf(out->ptr, 32, ia_span_of(NULL, 0), ia_secret_view(root), ia_buf_view(&info), e);
}

bool ia_sms_keys_open(ia_sms_keys *out, const char *dir, const ia_secret *passphrase,
                      bool random_passphrase, ia_domain domain, ia_domain kek_of, ia_err *e)
{
  IA_AUTOV(ia_secret) root = {0};

  *out = (ia_sms_keys){.domain = domain};
  return open_root(&root, dir, passphrase, random_passphrase, e) &&
         derive(&out->seed, &root, "sign", domain, e) &&
         derive(&out->kek, &root, "kek", kek_of, e) &&
         derive(&out->head, &root, "head", domain, e) &&
         derive(&out->blind, &root, "blind", domain, e) &&
         derive(&out->journal, &root, "journal", domain, e) &&
         ia_ed25519_public(out->sms_key.b, &out->seed, e);
}

bool ia_sms_result_blind(ia_secret *out, const ia_sms_keys *k, const ia_h256 *task, ia_err *e)
{
  IA_AUTOV(ia_buf) info = {0};

  ia_buf_label(&info, k->domain, IA_RELEASE_BLIND);
  ia_buf_lp(&info, IA_SPAN_ARR(task->b));
  return ia_buf_ok(&info, e) && ia_secret_new(out, 32, e) &&
         ia_hkdf_expand(out->ptr, 32, k->blind.ptr, ia_buf_view(&info), e);
}

static void put_place(ia_buf *b, const ia_sms_keys *k, const ia_sms_place *at)
{
  ia_buf_lp_str(b, ia_domain_name(k->domain));
  ia_buf_u64be(b, EPOCH);
  ia_buf_lp_str(b, at->table);
  ia_buf_lp(b, IA_SPAN_ARR(at->address.b));
  ia_buf_lp_str(b, at->name);
}

/* One key for each place, so that no two values share a key and nonces cannot meet. */
static bool place_key(uint8_t key[32], const ia_sms_keys *k, const ia_sms_place *at, ia_err *e)
{
  IA_AUTOV(ia_buf) info = {0};

  ia_buf_lp_str(&info, "iapp-stored/v1");
  put_place(&info, k, at);
  return ia_buf_ok(&info, e) && ia_hkdf_expand(key, 32, k->kek.ptr, ia_buf_view(&info), e);
}

static bool place_aad(ia_buf *aad, const ia_sms_keys *k, const ia_sms_place *at, ia_err *e)
{
  put_place(aad, k, at);
  ia_buf_u64be(aad, at->version);
  ia_buf_lp(aad, IA_SPAN_ARR(at->pusher.b));
  ia_buf_u64be(aad, at->time);
  return ia_buf_ok(aad, e);
}

bool ia_sms_seal(ia_buf *out, const ia_sms_keys *k, const ia_sms_place *at, ia_span value,
                 ia_err *e)
{
  IA_WIPED(32) uint8_t key[32];
  IA_AUTOV(ia_buf) aad = {0};
  uint8_t nonce[IA_GCM_NONCE];

  if (!place_key(key, k, at, e) || !place_aad(&aad, k, at, e) ||
      !ia_random(nonce, sizeof(nonce), e))
    return false;
  ia_buf_span(out, IA_SPAN_ARR(nonce));
  return ia_gcm_seal(out, IA_SPAN_ARR(key), nonce, ia_buf_view(&aad), value, e);
}

bool ia_sms_unseal(ia_secret *out, const ia_sms_keys *k, const ia_sms_place *at, ia_span sealed,
                   ia_err *e)
{
  IA_WIPED(32) uint8_t key[32];
  IA_AUTOV(ia_buf) aad = {0}, plain = {.secret = true};
  uint8_t nonce[IA_GCM_NONCE];

  if (!place_key(key, k, at, e) || !place_aad(&aad, k, at, e))
    return false;
  if (!ia_span_copy(&sealed, nonce, sizeof(nonce)) ||
      !ia_gcm_open(&plain, IA_SPAN_ARR(key), nonce, ia_buf_view(&aad), sealed, NULL))
    return ia_fail(e, IA_E_CORRUPT, "store: a value of %s is not what was put there", at->table);
  return ia_secret_copy(out, ia_buf_view(&plain), e);
}
