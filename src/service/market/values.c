/* Values of queries and orders as the public market takes them, and refused in its words: clients
 * show these texts, and programs compare them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "service/market/market_int.h"

enum { SHOWN = 60 };

/* What came, printable and short enough for a message. */
typedef struct shown {
  char s[SHOWN + 1];
} shown;

static shown show(ia_span v)
{
  shown out = {""};

  for (size_t i = 0; i < v.len && i < SHOWN; i++)
    out.s[i] = (char)(v.ptr[i] >= 0x20 && v.ptr[i] < 0x7f ? v.ptr[i] : '?');
  return out;
}

bool ia_market_address(ia_span v, const char *name, ia_addr *out, ia_err *e)
{
  /* in any case: the public market does not look at checksums either */
  if (v.len == 42 && v.ptr[0] == '0' && (v.ptr[1] == 'x' || v.ptr[1] == 'X') &&
      ia_unhex(out->b, sizeof(out->b), ia_span_of(v.ptr + 2, 40)))
    return true;
  return ia_fail(e, IA_E_INVALID, "%s is not a valid ethereum address", name);
}

bool ia_market_bytes32(ia_span v, const char *name, ia_h256 *out, ia_err *e)
{
  if (v.len == 66 && v.ptr[0] == '0' && (v.ptr[1] == 'x' || v.ptr[1] == 'X') &&
      ia_unhex(out->b, sizeof(out->b), ia_span_of(v.ptr + 2, 64)))
    return true;
  return ia_fail(e, IA_E_INVALID, "%s must be a bytes32 hexstring", name);
}

/* JavaScript's Number() of a text without blanks, as far as whole numbers go; NaN otherwise. More
 * digits than a double has, so that a fraction above 2^52 is seen and not rounded away. */
static long double number_of(ia_span v)
{
  char text[SHOWN + 1] = "", *end = text;
  size_t n = 0;

  for (size_t i = 0; i < v.len; i++) {
    if (v.ptr[i] == ' ')
      continue;
    if (n == SHOWN || !v.ptr[i])
      return NAN;
    text[n++] = (char)v.ptr[i];
  }
  if (n > 2 && text[0] == '0' && (text[1] == 'x' || text[1] == 'X') &&
      strspn(text + 2, "0123456789abcdefABCDEF") == n - 2)
    return (long double)strtoull(text, NULL, 16);
  if (n == 0 || strspn(text, "0123456789+-.eE") != n)
    return NAN;
  long double d = strtold(text, &end);
  return *end ? NAN : d;
}

bool ia_market_number(ia_span v, const char *name, uint64_t least, uint64_t most, uint64_t *out,
                      ia_err *e)
{
  long double d = number_of(v);

  if (isnan(d))
    return ia_fail(e, IA_E_INVALID,
                   "%s must be a `number` type, but the final value was: `NaN` (cast from the"
                   " value `\"%s\"`).",
                   name, show(v).s);
  if (d != floorl(d) || isinf((double)d))
    return ia_fail(e, IA_E_INVALID, "%s must be an integer", name);
  if (d < (long double)least)
    return ia_fail(e, IA_E_INVALID, "%s must be greater than or equal to %llu", name,
                   (unsigned long long)least);
  if (d > (long double)most)
    return ia_fail(e, IA_E_INVALID, "%s must be less than or equal to %llu", name,
                   (unsigned long long)most);
  *out = (uint64_t)d;
  return true;
}

bool ia_market_required(const char *name, ia_err *e)
{
  return ia_fail(e, IA_E_INVALID, "%s is a required field", name);
}

bool ia_market_query_addr(ia_request *rq, const char *name, ia_addr *out, bool *given, ia_err *e)
{
  ia_span v;

  *given = ia_request_query(rq, name, &v);
  return !*given || ia_market_address(v, name, out, e);
}

bool ia_market_query_any(ia_request *rq, const char *name, ia_addr *out, bool *given, bool *any,
                         ia_err *e)
{
  ia_span v;

  *given = ia_request_query(rq, name, &v);
  *any = *given && ia_span_is(v, "any");
  return !*given || *any || ia_market_address(v, name, out, NULL) ||
         ia_fail(e, IA_E_INVALID, "%s is neither \"any\" nor a valid ethereum address", name);
}

bool ia_market_query_number(ia_request *rq, const char *name, uint64_t least, uint64_t most,
                            uint64_t *out, bool *given, ia_err *e)
{
  ia_span v;

  *given = ia_request_query(rq, name, &v);
  return !*given || ia_market_number(v, name, least, most, out, e);
}

bool ia_market_query_h256(ia_request *rq, const char *name, ia_h256 *out, bool *given, ia_err *e)
{
  ia_span v;

  *given = ia_request_query(rq, name, &v);
  return !*given || ia_market_bytes32(v, name, out, e);
}

static bool is_nocase(ia_span v, const char *word)
{
  return v.len == strlen(word) && strncasecmp((const char *)v.ptr, word, v.len) == 0;
}

bool ia_market_query_flag(ia_request *rq, const char *name, bool *out, ia_err *e)
{
  ia_span v;

  *out = false;
  if (!ia_request_query(rq, name, &v) || is_nocase(v, "false") || ia_span_is(v, "0"))
    return true;
  *out = true;
  return is_nocase(v, "true") || ia_span_is(v, "1") ||
         ia_fail(e, IA_E_INVALID, "%s must be a `boolean` type, but the final value was: `\"%s\"`.",
                 name, show(v).s);
}

/* What any list takes. */
static const char *const names[] = {"chainId",
                                    "pageIndex",
                                    "pageSize",
                                    "page",
                                    "app",
                                    "appOwner",
                                    "dataset",
                                    "datasetOwner",
                                    "workerpool",
                                    "workerpoolOwner",
                                    "requester",
                                    "beneficiary",
                                    "category",
                                    "isAppStrict",
                                    "isDatasetStrict",
                                    "isWorkerpoolStrict",
                                    "isRequesterStrict",
                                    "minTag",
                                    "maxTag",
                                    "minVolume",
                                    "minTrust",
                                    "maxTrust",
                                    "bulkOnly",
                                    "apporderHash",
                                    "datasetorderHash",
                                    "workerpoolorderHash",
                                    "requestorderHash"};

bool ia_market_query_known(ia_request *rq, ia_err *e)
{
  ia_span name, value;

  for (size_t i = 0; ia_request_query_at(rq, i, &name, &value); i++) {
    size_t k = 0;

    while (k < IA_COUNT(names) && !ia_span_is(name, names[k]))
      k++;
    if (k == IA_COUNT(names))
      return ia_fail(e, IA_E_INVALID, "%s: no such filter", show(name).s);
    if (ia_request_query_count(rq, names[k]) > 1)
      return ia_fail(e, IA_E_INVALID, "%s: given twice", names[k]);
  }
  return true;
}

bool ia_market_chain(const ia_market *m, ia_request *rq, ia_err *e)
{
  ia_span v;
  ia_u256 id;
  uint64_t n;

  if (!ia_request_query(rq, "chainId", &v))
    return ia_market_required("chainId", e);
  if (ia_u256_parse(&id, v, NULL) && ia_u256_u64(&n, &id) && n == m->chain_id)
    return true;
  (void)ia_fail(e, IA_E_INVALID, "chainId %s is not supported", show(v).s);
  return ia_hint(e, "this market serves %llu", (unsigned long long)m->chain_id);
}
