/* Settlements: what the pool signs at the end of a task. */
#include "receipt/settlement.h"

#include <stddef.h>

#include "base/causes.h"
#include "base/hex.h"
#include "base/json.h"
#include "crypto/keccak.h"
#include "eth/eip191.h"
#include "receipt/fields.h"

enum { TX_MAX = 32 << 10 };

static const ia_field fields[] = {
    {"domain", IA_FIELD_DOMAIN, offsetof(ia_settlement, domain), 0},
    {"chainId", IA_FIELD_U64, offsetof(ia_settlement, chain_id), 0},
    {"hub", IA_FIELD_ADDR, offsetof(ia_settlement, hub), 0},
    {"taskId", IA_FIELD_H256, offsetof(ia_settlement, task_id), 0},
    {"runHash", IA_FIELD_H256, offsetof(ia_settlement, run_hash), 0},
    {"blockNumber", IA_FIELD_U64, offsetof(ia_settlement, block_number), 0},
    {"blockHash", IA_FIELD_H256, offsetof(ia_settlement, block_hash), 0},
    {"cause", IA_FIELD_TEXT, offsetof(ia_settlement, cause), sizeof(((ia_settlement *)0)->cause)},
    {"tx", IA_FIELD_OTHER, 0, 0},
};

void ia_settlement_free(ia_settlement *s)
{
  if (s)
    ia_buf_free(&s->tx);
}

/* Either a transaction in a block settled a run, or nothing was settled and a cause says why. */
static bool check_whole(const ia_settlement *s, ia_err *e)
{
  bool settled = s->tx.len > 0;

  if (s->domain != IA_DOMAIN_HW && s->domain != IA_DOMAIN_SIM)
    return ia_fail(e, IA_E_INVALID, "a settlement without a domain");
  if (settled && (s->cause[0] || ia_h256_zero(&s->run_hash)))
    return ia_fail(e, IA_E_INVALID, "a settled task has a run and no cause");
  if (!settled && (!s->cause[0] || s->block_number != 0 || !ia_h256_zero(&s->block_hash)))
    return ia_fail(e, IA_E_INVALID, "a task that was not settled has a cause and no block");
  return true;
}

bool ia_settlement_text(ia_buf *out, const ia_settlement *s, ia_err *e)
{
  IA_AUTO_JSON *v = ia_fields_write(fields, IA_COUNT(fields), s, e);

  return v && check_whole(s, e) && ia_cause_check(s->cause, e) &&
         ia_json_set(v, "tx", ia_json_hex(ia_buf_view(&s->tx)), e) && ia_json_canonical(out, v, e);
}

bool ia_settlement_parse(ia_settlement *out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = ia_json_parse(text, 0, e);
  IA_AUTOV(ia_buf) again = {0};

  *out = (ia_settlement){.tx = {.cap = TX_MAX}};
  if (!v || !ia_fields_read(out, fields, IA_COUNT(fields), v, e) ||
      !ia_json_get_hex(v, "tx", &out->tx, e) || !ia_settlement_text(&again, out, e))
    return ia_wrap(e, "settlement");
  if (!ia_span_eq(ia_buf_view(&again), text))
    return ia_fail(e, IA_E_PARSE, "settlement: not canonical");
  return true;
}

/* keccak256(LP("iapp-settlement/v1") || LP(text)) */
static bool hash_of(ia_h256 *out, ia_domain d, ia_span text, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_label(&b, d, "settlement");
  ia_buf_lp(&b, text);
  if (!ia_buf_ok(&b, e))
    return false;
  ia_keccak256(out, ia_buf_view(&b));
  return true;
}

bool ia_settlement_sign(json_t **part, const ia_settlement *s, const ia_secp *secp,
                        const ia_secret *pool_key, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_h256 hash;
  ia_sig sig;

  if (!ia_settlement_text(&text, s, e) || !hash_of(&hash, s->domain, ia_buf_view(&text), e) ||
      !ia_eip191_sign(secp, &sig, IA_SPAN_ARR(hash.b), pool_key, e))
    return false;
  *part = json_pack("{s:o,s:o}", "text", ia_json_bytes(ia_buf_view(&text)), "sig",
                    ia_json_hex(IA_SPAN_ARR(sig.b)));
  return *part || ia_fail(e, IA_E_MEMORY, "no memory for a settlement");
}

bool ia_settlement_open(ia_settlement *out, ia_addr *signer, const json_t *part, ia_err *e)
{
  static const char *const members[] = {"text", "sig", NULL};
  IA_AUTOV(ia_buf) sig = {.cap = 128};
  const char *text;
  ia_h256 hash;

  *out = (ia_settlement){0};
  if (!json_is_object(part) || !ia_json_only(part, members, NULL))
    return ia_fail(e, IA_E_RECEIPT_FIELD, "settlement: a member that nothing covers");
  if (!ia_json_get_str(part, "text", &text, e) || !ia_json_get_hex(part, "sig", &sig, e) ||
      !ia_settlement_parse(out, ia_span_str(text), e) ||
      !hash_of(&hash, out->domain, ia_span_str(text), e))
    return false;
  if (sig.len != 65 || sig.ptr[64] < 27)
    return ia_fail(e, IA_E_PARSE, "settlement: want a signature of 65 bytes r, s, v");
  return ia_eip191_recover(signer, IA_SPAN_ARR(hash.b), ia_buf_view(&sig), e) ||
         ia_wrap(e, "settlement");
}
