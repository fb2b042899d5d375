/* Reading type text. */
#include "eth/abi_type.h"

#include <ctype.h>

static bool starts(ia_span s, const char *text, ia_span *rest)
{
  size_t n = strlen(text);

  if (s.len < n || memcmp(s.ptr, text, n) != 0)
    return false;
  *rest = ia_span_of(s.ptr + n, s.len - n);
  return true;
}

/* A decimal number without leading zeros, at most 7 digits. */
static bool number(ia_span s, size_t *out)
{
  size_t v = 0;

  if (s.len == 0 || s.len > 7 || s.ptr[0] == '0')
    return false;
  for (size_t i = 0; i < s.len; i++) {
    if (!isdigit(s.ptr[i]))
      return false;
    v = 10 * v + (size_t)(s.ptr[i] - '0');
  }
  *out = v;
  return true;
}

static bool integer_type(ia_abi_shape *out, ia_abi_form form, ia_span digits)
{
  size_t bits;

  if (!number(digits, &bits) || bits > 256 || bits % 8 != 0)
    return false;
  out->form = form;
  out->size = (unsigned)bits;
  return true;
}

static bool is_name(ia_span s)
{
  if (s.len == 0 || isdigit(s.ptr[0]))
    return false;
  for (size_t i = 0; i < s.len; i++) {
    if (!isalnum(s.ptr[i]) && s.ptr[i] != '_' && s.ptr[i] != '$')
      return false;
  }
  return true;
}

static bool elementary(ia_abi_shape *out, ia_span t)
{
  size_t n;
  ia_span rest;

  if (ia_span_is(t, "address"))
    out->form = IA_ABI_F_ADDRESS;
  else if (ia_span_is(t, "bool"))
    out->form = IA_ABI_F_BOOL;
  else if (ia_span_is(t, "bytes") || ia_span_is(t, "string"))
    out->form = IA_ABI_F_BYTES;
  else if (starts(t, "uint", &rest) && integer_type(out, IA_ABI_F_UINT, rest))
    return true;
  else if (starts(t, "int", &rest) && integer_type(out, IA_ABI_F_INT, rest))
    return true;
  else if (starts(t, "bytes", &rest) && number(rest, &n) && n <= 32)
    *out = (ia_abi_shape){.form = IA_ABI_F_FIXED_BYTES, .size = (unsigned)n};
  else if (is_name(t))
    *out = (ia_abi_shape){.form = IA_ABI_F_NAME, .inner = t};
  else
    return false;
  return true;
}

/* "T[]" or "T[k]": the last bracket is the outermost layer. */
static bool array_type(ia_abi_shape *out, ia_span t)
{
  size_t open = t.len - 1;
  ia_span count;

  while (open > 0 && t.ptr[open] != '[')
    open--;
  if (open == 0)
    return false;
  out->inner = ia_span_of(t.ptr, open);
  count = ia_span_of(t.ptr + open + 1, t.len - open - 2);
  out->form = count.len == 0 ? IA_ABI_F_VECTOR : IA_ABI_F_ARRAY;
  return count.len == 0 || (number(count, &out->count) && out->count <= IA_ABI_ARRAY_MAX);
}

bool ia_abi_shape_of(ia_abi_shape *out, ia_span t, ia_err *e)
{
  bool ok;

  *out = (ia_abi_shape){0};
  if (t.len == 0)
    return ia_fail(e, IA_E_INVALID, "abi: empty type");
  if (t.ptr[t.len - 1] == ']') {
    ok = array_type(out, t);
  } else if (t.ptr[0] == '(') {
    ok = t.len > 2 && t.ptr[t.len - 1] == ')' && t.ptr[t.len - 2] != ',';
    if (ok)
      *out = (ia_abi_shape){.form = IA_ABI_F_TUPLE, .inner = ia_span_of(t.ptr + 1, t.len - 2)};
  } else {
    ok = elementary(out, t);
  }
  return ok || ia_fail(e, IA_E_INVALID, "abi: `%.*s` is no type", (int)(t.len < 60 ? t.len : 60),
                       (const char *)t.ptr);
}

bool ia_abi_member(ia_span *list, ia_span *member)
{
  size_t depth = 0, i = 0;

  if (list->len == 0)
    return false;
  for (; i < list->len; i++) {
    if (list->ptr[i] == '(')
      depth++;
    else if (list->ptr[i] == ')' && depth > 0)
      depth--;
    else if (list->ptr[i] == ',' && depth == 0)
      break;
  }
  *member = ia_span_of(list->ptr, i);
  if (i < list->len)
    i++;
  *list = ia_span_of(list->ptr + i, list->len - i);
  return true;
}

static bool all_are(const uint8_t *p, size_t n, uint8_t v)
{
  uint8_t d = 0;

  for (size_t i = 0; i < n; i++)
    d |= (uint8_t)(p[i] ^ v);
  return d == 0;
}

bool ia_abi_word_fits(const ia_abi_shape *s, const uint8_t word[32])
{
  size_t free_bytes = 32 - s->size / 8;

  switch (s->form) {
  case IA_ABI_F_UINT: return all_are(word, free_bytes, 0);
  case IA_ABI_F_INT: return all_are(word, free_bytes, word[free_bytes] & 0x80 ? 0xff : 0);
  case IA_ABI_F_ADDRESS: return all_are(word, 12, 0);
  case IA_ABI_F_BOOL: return all_are(word, 31, 0) && word[31] <= 1;
  case IA_ABI_F_FIXED_BYTES: return all_are(word + s->size, 32 - s->size, 0);
  default: return false;
  }
}
