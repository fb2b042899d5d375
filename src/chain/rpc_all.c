/* One question to several nodes, none of which is believed alone. */
#include "base/hex.h"
#include "chain/agree.h"
#include "chain/internal.h"
#include "crypto/keccak.h"

enum { ONE_NODE_MS = 10000 };

typedef struct round {
  json_t *result[IA_ENDPOINTS_MAX];
  json_t *view[IA_ENDPOINTS_MAX];
  ia_err why[IA_ENDPOINTS_MAX];
} round;

static void round_free(round *q)
{
  for (size_t i = 0; i < IA_ENDPOINTS_MAX; i++) {
    json_decref(q->result[i]);
    json_decref(q->view[i]);
  }
}

/* The bytes of a transaction prove that they are those of its hash. */
static bool proves_itself(const char *method, const json_t *params, const json_t *result)
{
  IA_AUTOV(ia_buf) raw = {0};
  const char *want = json_string_value(json_array_get(params, 0));
  const char *hex = json_string_value(result);
  ia_h256 asked, is;

  if (strcmp(method, "eth_getRawTransactionByHash") != 0 || !hex || !want ||
      !ia_h256_parse(&asked, ia_span_str(want)) || !ia_unhex_buf(&raw, ia_span_str(hex)))
    return false;
  ia_keccak256(&is, ia_buf_view(&raw));
  return ia_h256_eq(&is, &asked);
}

/* A call that the contract refuses is an answer too. */
static json_t *view_of(ia_rpc *r, const char *method, const json_t *result, const ia_err *why)
{
  if (result)
    return ia_agree_view(method, result);
  if (why->code == IA_E_REVERT)
    return json_pack("{s:o}", "revert", ia_json_hex(ia_rpc_revert_data(r)));
  return NULL;
}

static ia_agreement tally(const ia_rpc *r, const round *q)
{
  ia_agree_answer answers[IA_ENDPOINTS_MAX];

  for (size_t i = 0; i < r->ends.n; i++)
    answers[i].view = q->view[i];
  return ia_agree(answers, r->ends.n, r->agree);
}

static bool agreed(ia_rpc *r, round *q, size_t which, json_t **result, ia_err *e)
{
  if (q->result[which]) {
    *result = json_incref(q->result[which]);
    return true;
  }
  ia_buf_clear(&r->revert);
  (void)!ia_json_get_hex(q->view[which], "revert", &r->revert, NULL);
  if (e)
    *e = q->why[which];
  return false;
}

static bool ask_until_agreed(ia_rpc *r, round *q, json_t **result, const char *method,
                             json_t *params, ia_err *e)
{
  ia_agreement a = {0};

  for (size_t i = 0; i < r->ends.n; i++) {
    if (r->cancel && *r->cancel)
      return ia_fail(e, IA_E_CANCELLED, "ledger: stopped");
    if (!ia_rpc_ask(r, i, &q->result[i], method, params, ONE_NODE_MS, &q->why[i]) &&
        q->why[i].code == IA_E_MEMORY)
      return ia_fail(e, IA_E_MEMORY, "ledger: out of memory");
    if (q->result[i] && proves_itself(method, params, q->result[i]))
      return *result = json_incref(q->result[i]), true;
    q->view[i] = view_of(r, method, q->result[i], &q->why[i]);
    a = tally(r, q);
    if (a.found)
      return agreed(r, q, a.which, result, e);
  }
  /* a range that is too wide for one is asked again, narrower, of all */
  for (size_t i = 0; i < r->ends.n; i++)
    if (q->why[i].code == IA_E_TOO_LARGE)
      return ia_fail(e, IA_E_TOO_LARGE, "%s: %s", r->ends.v[i].name, q->why[i].msg);
  return ia_agree_refuse(&a, &r->ends, r->agree, method, e);
}

bool ia_rpc_ask_all(ia_rpc *r, json_t **result, const char *method, json_t *params, ia_err *e)
{
  round q = {0};

  *result = NULL;
  bool ok = ask_until_agreed(r, &q, result, method, params, e);
  round_free(&q);
  return ok;
}

bool ia_rpc_agreed_head(ia_rpc *r, uint64_t *out, ia_err *e)
{
  uint64_t heads[IA_ENDPOINTS_MAX];
  IA_AUTO_JSON *none = json_array();
  ia_agreement a = {0};

  for (size_t i = 0; i < r->ends.n; i++) {
    IA_AUTO_JSON *v = NULL;

    if (!ia_rpc_ask(r, i, &v, "eth_blockNumber", none, ONE_NODE_MS, NULL) ||
        !ia_rpc_u64(&heads[i], v, NULL)) {
      heads[i] = UINT64_MAX;
      a.silent |= 1u << i;
    }
    a.votes += heads[i] != UINT64_MAX;
  }
  return ia_agree_head(out, heads, r->ends.n, r->agree) ||
         ia_agree_refuse(&a, &r->ends, r->agree, "eth_blockNumber", e);
}
