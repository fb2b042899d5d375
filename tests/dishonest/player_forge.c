/* What a pool can sign by itself: an authorisation for an enclave key of its own, and a receipt. */
#include <stdio.h>

#include "eth/eip191.h"
#include "eth/tx.h"
#include "player.h"
#include "poco/ids.h"
#include "receipt/dsse.h"
#include "receipt/run.h"
#include "receipt/settlement.h"

static bool sign(player *p, ia_sig *sig, const ia_h256 *h, const ia_secret *key, ia_err *e)
{
  return ia_eip191_sign(p->secp, sig, IA_SPAN_ARR(h->b), key, e);
}

static bool worker_key(player *p, ia_secret *key, const json_t *command, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  IA_AUTOV(ia_buf) words = {.secret = true};
  const char *keystore, *passphrase;

  if (!ia_json_get_str(command, "keystore", &keystore, e) ||
      !ia_json_get_str(command, "passphraseFile", &passphrase, e) ||
      !ia_file_read(&text, keystore, 1 << 16, e) || !ia_file_read(&words, passphrase, 1024, e))
    return false;
  while (words.len > 0 && words.ptr[words.len - 1] == '\n')
    words.len--;
  return ia_keystore_open(key, p->secp, ia_buf_view(&text), ia_buf_view(&words), e);
}

bool player_settle(player *p, json_t **out, const json_t *command, ia_err *e)
{
  IA_AUTOV(ia_chain_sent) sent = {0};
  IA_AUTOV(ia_secret) key = {0};
  ia_args a = {.addr = {p->enclave}, .id = {{{0}}, {{0x44}}}};
  ia_chain_account_key k = {p->secp, &key};
  ia_h256 result, seal, message, allowed;
  ia_sig enclave, pool;
  ia_addr worker;

  if (!ia_json_get_h256(command, "task", &a.id[0], e) || !worker_key(p, &key, command, e) ||
      !ia_secp_address(p->secp, &worker, &key, e))
    return false;
  ia_result_hash(&result, &a.id[0], &a.id[1]);
  ia_result_seal(&seal, &worker, &a.id[0], &a.id[1]);
  ia_enclave_message(&message, &result, &seal);
  ia_authorization_message(&allowed, &worker, &a.id[0], &p->enclave);
  if (!sign(p, &enclave, &message, &p->own, e) || !sign(p, &pool, &allowed, &p->pool, e))
    return false;
  a.bytes[0] = ia_span_str("{ \"storage\": \"ipfs\", \"location\": \"/ipfs/forged\" }");
  a.bytes[2] = IA_SPAN_ARR(enclave.b);
  a.bytes[3] = IA_SPAN_ARR(pool.b);
  if (!ia_chain_call(p->chain, &sent, &k, NULL, IA_CALL_CONTRIBUTE_AND_FINALIZE, &a, e))
    return false;
  *out = json_pack("{s:o}", "tx", ia_json_hex(ia_buf_view(&sent.raw)));
  return *out || ia_fail(e, IA_E_MEMORY, "no memory");
}

bool player_initialize(player *p, json_t **out, const json_t *command, ia_err *e)
{
  ia_chain_account_key k = {p->secp, &p->own};
  ia_args a = {0};
  uint64_t n;

  if (!ia_json_get_h256(command, "deal", &a.id[0], e) || !ia_json_get_u64(command, "count", &n, e))
    return false;
  for (uint64_t i = 0; i < n; i++) {
    IA_AUTOV(ia_chain_sent) sent = {0};

    a.value[0] = ia_u256_of(i);
    if (!ia_chain_call(p->chain, &sent, &k, NULL, IA_CALL_INITIALIZE, &a, e))
      return ia_wrap(e, "task %llu", (unsigned long long)i);
  }
  *out = json_object();
  return *out || ia_fail(e, IA_E_MEMORY, "no memory");
}

bool player_policy(player *p, json_t **out, const json_t *command, ia_err *e)
{
  ia_owner_message m = {.domain = IA_DOMAIN_SIM,
                        .kind = "policy",
                        .chain_id = ia_chain_id(p->chain),
                        .hub = *ia_chain_hub(p->chain)};
  const char *body;
  ia_h256 h;
  ia_sig sig;

  if (!ia_json_get_str(command, "body", &body, e) ||
      !ia_json_get_addr(command, "object", &m.object, e) ||
      !ia_json_get_h256(command, "smsKey", &m.sms_key, e) ||
      !ia_json_get_u64(command, "version", &m.version, e))
    return false;
  m.body = ia_span_str(body);
  if (!ia_owner_message_hash(&h, &m, e) || !sign(p, &sig, &h, &p->own, e))
    return false;
  *out = json_pack("{s:o, s:o}", "signer", ia_json_addr(&p->enclave), "sig",
                   ia_json_hex(IA_SPAN_ARR(sig.b)));
  return *out || ia_fail(e, IA_E_MEMORY, "no memory");
}

/* The settlement of another run. */
static bool settle_anew(player *p, json_t **part, const json_t *old, const json_t *run, ia_err *e)
{
  IA_AUTOV(ia_settlement) s = {0};
  ia_addr signer;

  return ia_settlement_open(&s, &signer, old, e) && ia_dsse_hash(&s.run_hash, run, e) &&
         ia_settlement_sign(part, &s, p->secp, &p->pool, e);
}

bool player_forge(player *p, json_t **out, const json_t *command, ia_err *e)
{
  IA_AUTOV(ia_run) stated = {0};
  json_t *receipt, *run = NULL, *settlement = NULL;
  ia_addr signer;

  if (!ia_json_get_obj(command, "receipt", &receipt, e) ||
      !ia_run_open(&stated, &signer, json_object_get(receipt, "run"), e))
    return false;
  stated.result_digest.b[0] ^= 1;
  if (!ia_run_sign(&run, &stated, p->secp, &p->own, e) ||
      !settle_anew(p, &settlement, json_object_get(receipt, "settlement"), run, e)) {
    json_decref(run);
    return false;
  }
  *out = json_object();
  return ia_json_set(receipt, "run", run, e) && ia_json_set(receipt, "settlement", settlement, e) &&
         ia_json_set(*out, "receipt", json_incref(receipt), e);
}

/* The worker's transaction once more, with an authorisation by `key` in the place of the pool's. */
static bool authorise_again(player *p, ia_settlement *s, const ia_secret *key,
                            const json_t *command, ia_err *e)
{
  IA_AUTOV(ia_secret) worker = {0};
  IA_AUTOV(ia_buf) data = {0}, raw = {0};
  ia_addr who;
  ia_call_value v = {0};
  ia_h256 allowed;
  ia_sig sig;
  ia_tx tx;

  if (!worker_key(p, &worker, command, e) || !ia_secp_address(p->secp, &who, &worker, e) ||
      !ia_tx_decode(&tx, ia_buf_view(&s->tx), e) ||
      !ia_call_decode(&v, IA_CALL_CONTRIBUTE_AND_FINALIZE, tx.data, e))
    return false;
  ia_authorization_message(&allowed, &who, &v.a.id[0], &v.a.addr[0]);
  if (!sign(p, &sig, &allowed, key, e))
    return false;
  v.a.bytes[3] = IA_SPAN_ARR(sig.b);
  ia_call_encode(&data, IA_CALL_CONTRIBUTE_AND_FINALIZE, &v.a);
  tx.data = ia_buf_view(&data);
  if (!ia_tx_sign(&raw, &tx, p->secp, &worker, e))
    return false;
  ia_buf_clear(&s->tx);
  ia_buf_span(&s->tx, ia_buf_view(&raw));
  return ia_buf_ok(&s->tx, e);
}

/* What the command changes in the settlement. */
static bool change_end(player *p, ia_settlement *s, const ia_secret *key, const json_t *command,
                       ia_err *e)
{
  const char *cause = json_string_value(json_object_get(command, "cause"));
  const char *domain = json_string_value(json_object_get(command, "domain"));

  if (domain && !ia_domain_parse(&s->domain, domain))
    return ia_fail(e, IA_E_USAGE, "no such domain");
  if (json_object_get(command, "task") && !ia_json_get_h256(command, "task", &s->task_id, e))
    return false;
  if (json_is_true(json_object_get(command, "alone")))
    s->run_hash = (ia_h256){{0}};
  if (!cause)
    return authorise_again(p, s, key, command, e);
  ia_buf_clear(&s->tx);
  s->block_number = 0;
  s->block_hash = (ia_h256){{0}};
  (void)!snprintf(s->cause, sizeof(s->cause), "%s", cause);
  return true;
}

bool player_end(player *p, json_t **out, const json_t *command, ia_err *e)
{
  bool own = json_object_get(command, "signer") != NULL;
  const ia_secret *key = own ? &p->own : &p->pool;
  IA_AUTOV(ia_settlement) s = {0};
  json_t *receipt, *part = NULL;
  ia_addr signer;

  if (!ia_json_get_obj(command, "receipt", &receipt, e) ||
      !ia_settlement_open(&s, &signer, json_object_get(receipt, "settlement"), e) ||
      !change_end(p, &s, key, command, e) || !ia_settlement_sign(&part, &s, p->secp, key, e))
    return false;
  *out = json_pack("{s:o}", "settlement", part);
  return *out || ia_fail(e, IA_E_MEMORY, "no memory");
}
