/* Ids of requests up to 2^64 - 1. The parser holds integers of 64 bits with a sign; a greater one
 * is set aside in a form that no request may have, and put back in the reply digit by digit. */
#include "base/json.h"
#include "service/ledger/rpc_int.h"

static const char aside[] = "id above 2^63";

enum { DIGITS_MAX = 20 };

static size_t string_end(ia_span in, size_t at)
{
  for (at++; at < in.len && in.ptr[at] != '"'; at++)
    at += in.ptr[at] == '\\';
  return at < in.len ? at + 1 : in.len;
}

static size_t skip_blank(ia_span in, size_t at)
{
  while (at < in.len &&
         (in.ptr[at] == ' ' || in.ptr[at] == '\t' || in.ptr[at] == '\n' || in.ptr[at] == '\r'))
    at++;
  return at;
}

/* Digits from `at` on that are more than 2^63 - 1 and at most 2^64 - 1; 0 = none. */
static size_t great_number(ia_span in, size_t at)
{
  size_t n = 0;
  uint64_t v = 0;

  while (at + n < in.len && in.ptr[at + n] >= '0' && in.ptr[at + n] <= '9') {
    if (n == DIGITS_MAX || __builtin_mul_overflow(v, 10U, &v) ||
        __builtin_add_overflow(v, (uint64_t)(in.ptr[at + n] - '0'), &v))
      return 0;
    n++;
  }
  if (v <= INT64_MAX || (at + n < in.len &&
                         (in.ptr[at + n] == '.' || in.ptr[at + n] == 'e' || in.ptr[at + n] == 'E')))
    return 0;
  return n;
}

/* After the member name "id" of a request: where its great number stands; 0 digits = it has none.
 */
static size_t great_id(ia_span in, size_t name, size_t after, size_t *at)
{
  if (after - name != 4 || memcmp(in.ptr + name, "\"id\"", 4) != 0)
    return 0;
  *at = skip_blank(in, after);
  if (*at >= in.len || in.ptr[*at] != ':')
    return 0;
  *at = skip_blank(in, *at + 1);
  return great_number(in, *at);
}

bool ia_lrpc_set_ids_aside(ia_buf *out, ia_span in)
{
  size_t copied = 0, id = 0;
  int depth = 0, requests = 1;
  bool found = false;

  for (size_t i = skip_blank(in, 0); i < in.len;) {
    uint8_t c = in.ptr[i];

    if (depth == 0 && c == '[')
      requests = 2; /* a batch */
    if (c == '"') {
      size_t end = string_end(in, i);
      size_t digits = depth == requests ? great_id(in, i, end, &id) : 0;

      if (digits > 0) {
        ia_buf_span(out, ia_span_of(in.ptr + copied, id - copied));
        ia_buf_printf(out, "{\"%s\":\"%.*s\"}", aside, (int)digits, (const char *)in.ptr + id);
        copied = end = id + digits;
        found = true;
      }
      i = end;
      continue;
    }
    depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    i++;
  }
  if (found)
    ia_buf_span(out, ia_span_of(in.ptr + copied, in.len - copied));
  return found && ia_buf_ok(out, NULL);
}

static const char *great_of(const json_t *id)
{
  return json_object_size(id) == 1 ? json_string_value(json_object_get(id, aside)) : NULL;
}

bool ia_lrpc_is_id(const json_t *id)
{
  const char *digits = great_of(id);
  size_t n = digits ? strlen(digits) : 0;

  if (digits)
    return n > 0 && great_number(ia_span_of(digits, n), 0) == n;
  return !json_is_object(id) && !json_is_array(id);
}

bool ia_lrpc_put_id(ia_buf *out, const json_t *id, ia_err *e)
{
  const char *digits = great_of(id);

  if (id && !digits)
    return ia_json_write(out, id, e);
  ia_buf_str(out, digits ? digits : "null");
  return ia_buf_ok(out, e);
}
