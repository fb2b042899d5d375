/* What a hub is: its contracts, its rules, its first block. */
#include "chain/about.h"

#include "base/hex.h"
#include "chain/internal.h"
#include "eth/address.h"

enum { SHORT_CHAIN = 100000 }; /* blocks that are soon read from the first on */

/* Do both answers mean the same hub? */
static bool bound_here(ia_chain *c, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args r = {0};

  if (!ia_chain_read(c, &r, &store, NULL, IA_CALL_EIP712_DOMAIN_SEPARATOR, NULL, e))
    return false;
  return ia_h256_eq(&r.id[0], &c->separator) ||
         ia_fail(e, IA_E_INVALID, "the hub's signatures are bound to another chain or address");
}

/* receiveApproval(hub, 0, token, data) as the token calls it: 6.1 takes any data and moves nothing,
 * 6.2 reads an order match in it. */
static bool approval_taken(ia_chain *c, bool *taken, const ia_addr *token, ia_span data, ia_err *e)
{
  const ia_args args = {.addr = {c->hub, *token}, .bytes = {data}};
  IA_AUTOV(ia_buf) call = {0};
  IA_AUTO_JSON *answer = NULL;
  ia_err why = {0};
  json_t *object;

  ia_call_encode(&call, IA_CALL_RECEIVE_APPROVAL, &args);
  if (!ia_buf_ok(&call, e))
    return false;
  object = ia_chain_call_object(&c->hub, ia_buf_view(&call));
  json_object_set_new(object, "from", ia_json_addr(token));
  *taken = ia_rpc_call(c->rpc, &answer, "eth_call", json_pack("[o, s]", object, "latest"), &why);
  return *taken || why.code == IA_E_REVERT || (e && (*e = why, false));
}

static bool rules_of(ia_chain *c, const char **out, const ia_addr *token, ia_err *e)
{
  static const uint8_t no_match[4] = {0xff, 0xff, 0xff, 0xff};
  bool plain, with_data;

  if (!approval_taken(c, &plain, token, (ia_span){0}, e) ||
      !approval_taken(c, &with_data, token, IA_SPAN_ARR(no_match), e))
    return false;
  if (!plain)
    return ia_fail(e, IA_E_INVALID, "the hub takes no deposits by approveAndCall");
  *out = with_data ? "6.1" : "6.2";
  return true;
}

bool ia_chain_about_get(ia_chain *c, ia_chain_about *out, ia_err *e)
{
  IA_AUTOV(ia_buf) store = {0};
  ia_args gas = {0};
  ia_err why = {0};
  bool code;

  *out = (ia_chain_about){0};
  if (!ia_chain_has_code(c, &code, &c->hub, e))
    return false;
  if (!code)
    return ia_fail(e, IA_E_NOT_FOUND, "no contract at the hub's address %s",
                   ia_addr_text(&c->hub).s);
  if (!ia_chain_info_get(c, &out->info, &why) ||
      !ia_chain_read(c, &gas, &store, NULL, IA_CALL_CALLBACK_GAS, NULL, &why)) {
    if (why.code == IA_E_UNAVAILABLE || why.code == IA_E_TIMEOUT || why.code == IA_E_CANCELLED)
      return e && (*e = why, false);
    return ia_fail(e, IA_E_INVALID, "%s is no PoCo hub: %.100s", ia_addr_text(&c->hub).s, why.msg);
  }
  return (ia_u256_u64(&out->callback_gas, &gas.value[0]) ||
          ia_fail(e, IA_E_INVALID, "the hub's callback gas")) &&
         bound_here(c, e) && rules_of(c, &out->rules, &out->info.token, e);
}

static bool code_then(ia_chain *c, bool *out, const ia_addr *at, uint64_t block, ia_err *e)
{
  IA_AUTO_JSON *code = NULL;
  json_t *params = json_pack("[o, o]", ia_json_addr(at), ia_rpc_quantity(block));

  if (!ia_rpc_call(c->rpc, &code, "eth_getCode", params, e))
    return false;
  *out = json_string_length(code) > 2;
  return json_is_string(code) || ia_fail(e, IA_E_PARSE, "eth_getCode: the answer is no text");
}

bool ia_chain_first_block(ia_chain *c, uint64_t *out, const ia_addr *at, ia_err *e)
{
  uint64_t low = 0, high;
  ia_block head;

  if (!ia_chain_head(c, &head, e))
    return false;
  high = head.number;
  while (low < high) {
    uint64_t mid = low + (high - low) / 2;
    ia_err why = {0};
    bool there;

    if (!code_then(c, &there, at, mid, &why)) {
      if (why.code == IA_E_CANCELLED || why.code == IA_E_TIMEOUT)
        return e && (*e = why, false);
      if (head.number <= SHORT_CHAIN) {
        *out = 0;
        return true;
      }
      ia_fail(e, IA_E_UNSUPPORTED, "the node does not keep its past: %.120s", why.msg);
      return ia_hint(e, "--first-block N: the block in which the hub was made");
    }
    if (there)
      high = mid;
    else
      low = mid + 1;
  }
  *out = low;
  return true;
}

bool ia_chain_coin(ia_chain *c, ia_u256 *out, const ia_addr *who, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  json_t *params = json_pack("[o, s]", ia_json_addr(who), "latest");

  return ia_rpc_call(c->rpc, &v, "eth_getBalance", params, e) && ia_rpc_u256(out, v, e);
}

bool ia_chain_time(ia_chain *c, const ia_block *head, uint64_t *out, ia_err *e)
{
  IA_AUTO_JSON *next = NULL;
  uint64_t time;
  ia_err why = {0};

  *out = head->timestamp;
  if (!ia_rpc_call(c->rpc, &next, "eth_getBlockByNumber", json_pack("[s, b]", "pending", 0),
                   &why)) {
    /* not every node makes one ahead */
    return (why.code != IA_E_CANCELLED && why.code != IA_E_TIMEOUT) || (e && (*e = why, false));
  }
  if (json_is_object(next) && ia_rpc_get_u64(next, "timestamp", &time, NULL) && time > *out)
    *out = time;
  return true;
}
