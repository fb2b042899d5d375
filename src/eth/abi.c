/* ABI coding over flat value lists. */
#include "eth/abi.h"

#include <stdio.h>

#include "crypto/keccak.h"
#include "eth/abi_type.h"

/* The members of one frame: those of a tuple, or `repeat` times the same type. */
typedef struct frame {
  ia_span list;
  size_t repeat; /* 0: list is a member list */
} frame;

static bool frame_next(frame *f, ia_span *member)
{
  if (f->repeat == 0)
    return ia_abi_member(&f->list, member);
  *member = f->list;
  if (--f->repeat == 0)
    f->list.len = 0;
  return true;
}

/* One past the last frame member would be repeat 0 again, so an empty array is an empty list. */
static frame frame_of(ia_span type, size_t count)
{
  return count == 0 ? (frame){0} : (frame){type, count};
}

static bool measure(ia_span type, unsigned depth, bool *dynamic, size_t *head, ia_err *e)
{
  ia_abi_shape s;
  ia_span member;
  bool inner_dynamic = false;
  size_t inner = 0;

  if (depth > IA_ABI_DEPTH)
    return ia_fail(e, IA_E_INVALID, "abi: type nested too deep");
  if (!ia_abi_shape_of(&s, type, e))
    return false;
  *dynamic = s.form == IA_ABI_F_BYTES || s.form == IA_ABI_F_VECTOR;
  *head = 32;
  if (s.form == IA_ABI_F_NAME)
    return ia_fail(e, IA_E_INVALID, "abi: unknown type `%.*s`", (int)type.len,
                   (const char *)type.ptr);
  if (s.form == IA_ABI_F_ARRAY) {
    if (!measure(s.inner, depth + 1, dynamic, &inner, e) || !ia_mul(inner, s.count, head))
      return ia_fail(e, IA_E_INVALID, "abi: array too large");
    if (*dynamic)
      *head = 32;
  } else if (s.form == IA_ABI_F_TUPLE) {
    *head = 0;
    while (ia_abi_member(&s.inner, &member)) {
      if (!measure(member, depth + 1, &inner_dynamic, &inner, e) || !ia_add(*head, inner, head))
        return false;
      *dynamic |= inner_dynamic;
    }
    if (*dynamic)
      *head = 32;
  }
  return true;
}

/* Sum of the members' head sizes. */
static bool frame_head(frame f, unsigned depth, size_t *out, ia_err *e)
{
  ia_span member;
  bool dynamic;
  size_t head;

  *out = 0;
  if (f.repeat > 0) {
    if (!measure(f.list, depth, &dynamic, &head, e))
      return false;
    return ia_mul(head, f.repeat, out) || ia_fail(e, IA_E_PARSE, "abi: too many elements");
  }
  while (frame_next(&f, &member)) {
    if (!measure(member, depth, &dynamic, &head, e) || !ia_add(*out, head, out))
      return false;
  }
  return true;
}

/* -- values -- */

ia_abi_val ia_abi_addr(const ia_addr *a)
{
  ia_abi_val v = {.kind = IA_ABI_WORD};

  memcpy(v.word + 12, a->b, 20);
  return v;
}

ia_abi_val ia_abi_u64(uint64_t n)
{
  ia_u256 v = ia_u256_of(n);

  return ia_abi_u256(&v);
}

ia_abi_val ia_abi_u256(const ia_u256 *n)
{
  ia_abi_val v = {.kind = IA_ABI_WORD};

  ia_u256_to_be(v.word, n);
  return v;
}

ia_abi_val ia_abi_bool(bool b)
{
  return ia_abi_u64(b);
}

ia_abi_val ia_abi_h256(const ia_h256 *h)
{
  ia_abi_val v = {.kind = IA_ABI_WORD};

  memcpy(v.word, h->b, 32);
  return v;
}

ia_abi_val ia_abi_bytes(ia_span bytes)
{
  return (ia_abi_val){.kind = IA_ABI_BYTES, .bytes = bytes};
}

ia_abi_val ia_abi_str(const char *text)
{
  return ia_abi_bytes(ia_span_str(text));
}

ia_abi_val ia_abi_count(size_t n)
{
  return (ia_abi_val){.kind = IA_ABI_COUNT, .count = n};
}

ia_addr ia_abi_as_addr(const ia_abi_val *v)
{
  ia_addr a;

  memcpy(a.b, v->word + 12, 20);
  return a;
}

ia_u256 ia_abi_as_u256(const ia_abi_val *v)
{
  return ia_u256_from_be(v->word);
}

ia_h256 ia_abi_as_h256(const ia_abi_val *v)
{
  ia_h256 h;

  memcpy(h.b, v->word, 32);
  return h;
}

bool ia_abi_as_bool(const ia_abi_val *v)
{
  return v->word[31] != 0;
}

bool ia_abi_as_u64(uint64_t *out, const ia_abi_val *v, ia_err *e)
{
  ia_u256 n = ia_abi_as_u256(v);

  return ia_u256_u64(out, &n) || ia_fail(e, IA_E_PARSE, "abi: number above 2^64");
}

void ia_abi_list_free(ia_abi_list *l)
{
  if (!l)
    return;
  free(l->v);
  *l = (ia_abi_list){0};
}

static bool list_push(ia_abi_list *l, ia_abi_val v, ia_err *e)
{
  if (l->n == l->room) {
    size_t room = l->room ? 2 * l->room : 32;
    ia_abi_val *p = reallocarray(l->v, room, sizeof(*p));

    if (!p)
      return ia_fail(e, IA_E_MEMORY, "abi: out of memory");
    l->v = p;
    l->room = room;
  }
  l->v[l->n++] = v;
  return true;
}

/* -- encoding -- */

typedef struct values {
  const ia_abi_val *v;
  size_t n;
} values;

static bool take_value(values *in, ia_abi_kind kind, ia_abi_val *out, ia_err *e)
{
  if (in->n == 0)
    return ia_fail(e, IA_E_INVALID, "abi: too few values for the type");
  if (in->v->kind != kind)
    return ia_fail(e, IA_E_INVALID, "abi: a value is of another kind than its type");
  *out = *in->v++;
  in->n--;
  return true;
}

static void put_number(ia_buf *out, uint64_t v)
{
  ia_buf_zero(out, 24);
  ia_buf_u64be(out, v);
}

static bool encode_frame(ia_buf *out, frame f, values *in, unsigned depth, ia_err *e);

static bool encode_value(ia_buf *out, ia_span type, values *in, unsigned depth, ia_err *e)
{
  ia_abi_shape s;
  ia_abi_val v;

  if (!ia_abi_shape_of(&s, type, e))
    return false;
  switch (s.form) {
  case IA_ABI_F_TUPLE: return encode_frame(out, (frame){s.inner, 0}, in, depth + 1, e);
  case IA_ABI_F_ARRAY: return encode_frame(out, frame_of(s.inner, s.count), in, depth + 1, e);
  case IA_ABI_F_VECTOR:
    if (!take_value(in, IA_ABI_COUNT, &v, e))
      return false;
    put_number(out, v.count);
    return encode_frame(out, frame_of(s.inner, v.count), in, depth + 1, e);
  case IA_ABI_F_BYTES:
    if (!take_value(in, IA_ABI_BYTES, &v, e))
      return false;
    put_number(out, v.bytes.len);
    ia_buf_span(out, v.bytes);
    ia_buf_zero(out, (32 - v.bytes.len % 32) % 32);
    return true;
  default:
    if (!take_value(in, IA_ABI_WORD, &v, e))
      return false;
    if (!ia_abi_word_fits(&s, v.word))
      return ia_fail(e, IA_E_INVALID, "abi: a value is out of range of `%.*s`", (int)type.len,
                     (const char *)type.ptr);
    ia_buf_put(out, v.word, 32);
    return true;
  }
}

static bool encode_frame(ia_buf *out, frame f, values *in, unsigned depth, ia_err *e)
{
  IA_AUTOV(ia_buf) tail = {0};
  ia_span member;
  size_t head_all, head;
  bool dynamic;

  if (!frame_head(f, depth, &head_all, e))
    return false;
  while (frame_next(&f, &member)) {
    if (!measure(member, depth, &dynamic, &head, e))
      return false;
    if (dynamic)
      put_number(out, head_all + tail.len);
    if (!encode_value(dynamic ? &tail : out, member, in, depth, e))
      return false;
  }
  if (!ia_buf_ok(&tail, e))
    return false;
  ia_buf_span(out, ia_buf_view(&tail));
  return ia_buf_ok(out, e);
}

/* "(a,b)" -> "a,b"; "()" has no members */
static bool argument_list(frame *f, const char *types, ia_err *e)
{
  ia_span t = ia_span_str(types);

  if (t.len < 2 || t.ptr[0] != '(' || t.ptr[t.len - 1] != ')' || t.ptr[t.len - 2] == ',')
    return ia_fail(e, IA_E_INVALID, "abi: want a list of types in parentheses");
  *f = (frame){ia_span_of(t.ptr + 1, t.len - 2), 0};
  return true;
}

bool ia_abi_encode(ia_buf *out, const char *types, const ia_abi_val *v, size_t n, ia_err *e)
{
  values in = {v, n};
  frame f;

  if (!argument_list(&f, types, e) || !encode_frame(out, f, &in, 0, e))
    return false;
  return in.n == 0 || ia_fail(e, IA_E_INVALID, "abi: %zu values too many", in.n);
}

/* -- decoding -- */

static bool take_number(ia_span *in, size_t *out, ia_err *e)
{
  ia_span zero;
  uint64_t v;
  uint8_t any = 0;

  if (!ia_span_take(in, 24, &zero) || !ia_span_u64be(in, &v))
    return ia_fail(e, IA_E_PARSE, "abi: data too short");
  for (size_t i = 0; i < 24; i++)
    any |= zero.ptr[i];
  if (any != 0 || v > SIZE_MAX / 2)
    return ia_fail(e, IA_E_PARSE, "abi: length or offset too large");
  *out = (size_t)v;
  return true;
}

static bool decode_frame(ia_abi_list *out, frame f, ia_span *in, unsigned depth, ia_err *e);

static bool decode_bytes(ia_abi_list *out, ia_span *in, ia_err *e)
{
  ia_span bytes, pad;
  size_t n;
  uint8_t any = 0;

  if (!take_number(in, &n, e))
    return false;
  if (!ia_span_take(in, n, &bytes) || !ia_span_take(in, (32 - n % 32) % 32, &pad))
    return ia_fail(e, IA_E_PARSE, "abi: bytes run past the end");
  for (size_t i = 0; i < pad.len; i++)
    any |= pad.ptr[i];
  if (any != 0)
    return ia_fail(e, IA_E_PARSE, "abi: padding is not zero");
  return list_push(out, ia_abi_bytes(bytes), e);
}

static bool decode_value(ia_abi_list *out, ia_span type, ia_span *in, unsigned depth, ia_err *e)
{
  ia_abi_val v = {.kind = IA_ABI_WORD};
  ia_abi_shape s;
  size_t n;

  if (!ia_abi_shape_of(&s, type, e))
    return false;
  switch (s.form) {
  case IA_ABI_F_TUPLE: return decode_frame(out, (frame){s.inner, 0}, in, depth + 1, e);
  case IA_ABI_F_ARRAY: return decode_frame(out, frame_of(s.inner, s.count), in, depth + 1, e);
  case IA_ABI_F_VECTOR:
    if (!take_number(in, &n, e))
      return false;
    if (n > in->len / 32)
      return ia_fail(e, IA_E_PARSE, "abi: array runs past the end");
    return list_push(out, ia_abi_count(n), e) &&
           decode_frame(out, frame_of(s.inner, n), in, depth + 1, e);
  case IA_ABI_F_BYTES: return decode_bytes(out, in, e);
  default:
    if (!ia_span_copy(in, v.word, 32))
      return ia_fail(e, IA_E_PARSE, "abi: data too short");
    if (!ia_abi_word_fits(&s, v.word))
      return ia_fail(e, IA_E_PARSE, "abi: a word is out of range of `%.*s`", (int)type.len,
                     (const char *)type.ptr);
    return list_push(out, v, e);
  }
}

/* Reads one frame off the front of `in`: heads, then each dynamic member where the one before it
 * ended. */
static bool decode_frame(ia_abi_list *out, frame f, ia_span *in, unsigned depth, ia_err *e)
{
  ia_span head, tail = *in, member;
  size_t head_all, head_size, offset;
  bool dynamic;

  if (!frame_head(f, depth, &head_all, e))
    return false;
  if (!ia_span_take(&tail, head_all, &head))
    return ia_fail(e, IA_E_PARSE, "abi: data too short");
  while (frame_next(&f, &member)) {
    if (!measure(member, depth, &dynamic, &head_size, e))
      return false;
    if (dynamic) {
      if (!take_number(&head, &offset, e))
        return false;
      if (offset != in->len - tail.len)
        return ia_fail(e, IA_E_PARSE, "abi: an offset is not where the value begins");
    }
    if (!decode_value(out, member, dynamic ? &tail : &head, depth, e))
      return false;
  }
  *in = tail;
  return true;
}

bool ia_abi_decode(ia_abi_list *out, const char *types, ia_span data, ia_err *e)
{
  frame f;

  out->n = 0;
  if (!argument_list(&f, types, e) || !decode_frame(out, f, &data, 0, e))
    return false;
  return data.len == 0 || ia_fail(e, IA_E_PARSE, "abi: %zu bytes too many", data.len);
}

/* -- calls -- */

void ia_abi_topic(ia_h256 *out, const char *signature)
{
  ia_keccak256(out, ia_span_str(signature));
}

void ia_abi_selector(uint8_t out[4], const char *signature)
{
  ia_h256 h;

  ia_abi_topic(&h, signature);
  memcpy(out, h.b, 4);
}

static const char *types_of(const char *signature)
{
  const char *p = strchr(signature, '(');

  return p ? p : "";
}

bool ia_abi_encode_call(ia_buf *out, const char *signature, const ia_abi_val *v, size_t n,
                        ia_err *e)
{
  uint8_t selector[4];

  ia_abi_selector(selector, signature);
  ia_buf_put(out, selector, 4);
  return ia_abi_encode(out, types_of(signature), v, n, e);
}

bool ia_abi_is_call(const char *signature, ia_span data)
{
  uint8_t selector[4];

  ia_abi_selector(selector, signature);
  return data.len >= 4 && memcmp(data.ptr, selector, 4) == 0;
}

bool ia_abi_decode_call(ia_abi_list *out, const char *signature, ia_span data, ia_err *e)
{
  if (!ia_abi_is_call(signature, data))
    return ia_fail(e, IA_E_PARSE, "abi: not a call of %.60s", signature);
  return ia_abi_decode(out, types_of(signature), ia_span_of(data.ptr + 4, data.len - 4), e);
}

bool ia_abi_revert_text(char *out, size_t size, ia_span data)
{
  IA_AUTOV(ia_abi_list) l = {0};
  uint64_t code;
  size_t n;

  if (size == 0)
    return false;
  if (ia_abi_decode_call(&l, "Panic(uint256)", data, NULL) && ia_abi_as_u64(&code, &l.v[0], NULL))
    return snprintf(out, size, "panic 0x%llx", (unsigned long long)code) > 0;
  if (!ia_abi_decode_call(&l, "Error(string)", data, NULL) || !ia_utf8_valid(l.v[0].bytes))
    return false;
  n = l.v[0].bytes.len < size - 1 ? l.v[0].bytes.len : size - 1;
  for (size_t i = 0; i < n; i++) {
    uint8_t c = l.v[0].bytes.ptr[i];

    out[i] = (char)(c < 0x20 || c == 0x7f ? ' ' : c);
  }
  out[n] = '\0';
  return true;
}
