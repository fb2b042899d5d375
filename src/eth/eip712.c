/* EIP-712 hashing by the encodeType text. */
#include "eth/eip712.h"

#include "crypto/keccak.h"
#include "eth/abi_type.h"

enum { TYPES_MAX = 16 };

/* One "Name(members)" of the text. */
typedef struct def {
  ia_span name;
  ia_span members;
  ia_span whole;
} def;

typedef struct schema {
  def defs[TYPES_MAX];
  size_t n;
} schema;

typedef struct values {
  const ia_abi_val *v;
  size_t n;
} values;

static bool schema_parse(schema *s, const char *text, ia_err *e)
{
  s->n = 0;
  while (*text) {
    const char *open = strchr(text, '('), *close = open ? strchr(open, ')') : NULL;

    if (!close || s->n == TYPES_MAX)
      return ia_fail(e, IA_E_INVALID, "eip712: bad type text");
    s->defs[s->n++] = (def){
        .name = ia_span_of(text, (size_t)(open - text)),
        .members = ia_span_of(open + 1, (size_t)(close - open - 1)),
        .whole = ia_span_of(text, (size_t)(close + 1 - text)),
    };
    text = close + 1;
  }
  return s->n > 0 || ia_fail(e, IA_E_INVALID, "eip712: empty type text");
}

static size_t schema_find(const schema *s, ia_span name)
{
  size_t i = 0;

  while (i < s->n && !ia_span_eq(s->defs[i].name, name))
    i++;
  return i;
}

/* "type name" -> type */
static ia_span member_type(ia_span member)
{
  size_t i = 0;

  while (i < member.len && member.ptr[i] != ' ')
    i++;
  return ia_span_of(member.ptr, i);
}

/* Marks every type that `at` refers to, itself included. */
static bool mark(const schema *s, size_t at, bool used[TYPES_MAX], ia_err *e)
{
  ia_span list = s->defs[at].members, member;
  ia_abi_shape shape;

  if (used[at])
    return true;
  used[at] = true;
  while (ia_abi_member(&list, &member)) {
    ia_span type = member_type(member);

    while (type.len > 0 && type.ptr[type.len - 1] == ']') {
      if (!ia_abi_shape_of(&shape, type, e))
        return false;
      type = shape.inner;
    }
    if (!ia_abi_shape_of(&shape, type, e))
      return false;
    if (shape.form != IA_ABI_F_NAME)
      continue;
    if (schema_find(s, type) == s->n)
      return ia_fail(e, IA_E_INVALID, "eip712: type `%.*s` is not defined", (int)type.len,
                     (const char *)type.ptr);
    if (!mark(s, schema_find(s, type), used, e))
      return false;
  }
  return true;
}

static bool name_before(ia_span a, ia_span b)
{
  size_t n = a.len < b.len ? a.len : b.len;
  int c = memcmp(a.ptr, b.ptr, n);

  return c != 0 ? c < 0 : a.len < b.len;
}

/* encodeType: the type, then all it refers to in the order of their names */
static bool type_hash(ia_h256 *out, const schema *s, size_t at, ia_err *e)
{
  bool used[TYPES_MAX] = {false};
  ia_keccak k;

  if (!mark(s, at, used, e))
    return false;
  ia_keccak_init(&k);
  ia_keccak_update(&k, s->defs[at].whole);
  used[at] = false;
  for (;;) {
    size_t first = s->n;

    for (size_t i = 0; i < s->n; i++) {
      if (used[i] && (first == s->n || name_before(s->defs[i].name, s->defs[first].name)))
        first = i;
    }
    if (first == s->n)
      break;
    ia_keccak_update(&k, s->defs[first].whole);
    used[first] = false;
  }
  ia_keccak_final(&k, out);
  return true;
}

static bool take_value(values *in, ia_abi_kind kind, ia_abi_val *out, ia_err *e)
{
  if (in->n == 0 || in->v->kind != kind)
    return ia_fail(e, IA_E_INVALID, "eip712: the values do not fit the type");
  *out = *in->v++;
  in->n--;
  return true;
}

static bool struct_hash(ia_h256 *out, const schema *s, size_t at, values *in, unsigned depth,
                        ia_err *e);
static bool member_word(ia_h256 *out, const schema *s, ia_span type, values *in, unsigned depth,
                        ia_err *e);

static bool array_word(ia_h256 *out, const schema *s, const ia_abi_shape *shape, values *in,
                       unsigned depth, ia_err *e)
{
  size_t count = shape->count;
  ia_abi_val v = {0};
  ia_keccak k;

  if (shape->form == IA_ABI_F_VECTOR) {
    if (!take_value(in, IA_ABI_COUNT, &v, e))
      return false;
    count = v.count;
  }
  ia_keccak_init(&k);
  for (size_t i = 0; i < count; i++) {
    ia_h256 word;

    if (!member_word(&word, s, shape->inner, in, depth, e))
      return false;
    ia_keccak_update(&k, IA_SPAN_ARR(word.b));
  }
  ia_keccak_final(&k, out);
  return true;
}

/* EIP-712: encodeData of one member */
static bool member_word(ia_h256 *out, const schema *s, ia_span type, values *in, unsigned depth,
                        ia_err *e)
{
  ia_abi_shape shape;
  ia_abi_val v;
  size_t at;

  if (depth > IA_ABI_DEPTH)
    return ia_fail(e, IA_E_INVALID, "eip712: type nested too deep");
  if (!ia_abi_shape_of(&shape, type, e))
    return false;
  switch (shape.form) {
  case IA_ABI_F_ARRAY:
  case IA_ABI_F_VECTOR: return array_word(out, s, &shape, in, depth + 1, e);
  case IA_ABI_F_NAME:
    at = schema_find(s, type);
    if (at == s->n)
      return ia_fail(e, IA_E_INVALID, "eip712: undefined type");
    return struct_hash(out, s, at, in, depth + 1, e);
  case IA_ABI_F_BYTES:
    if (!take_value(in, IA_ABI_BYTES, &v, e))
      return false;
    ia_keccak256(out, v.bytes);
    return true;
  case IA_ABI_F_TUPLE: return ia_fail(e, IA_E_INVALID, "eip712: a tuple is no member");
  default:
    if (!take_value(in, IA_ABI_WORD, &v, e))
      return false;
    if (!ia_abi_word_fits(&shape, v.word))
      return ia_fail(e, IA_E_INVALID, "eip712: a value is out of range of `%.*s`", (int)type.len,
                     (const char *)type.ptr);
    memcpy(out->b, v.word, 32);
    return true;
  }
}

static bool struct_hash(ia_h256 *out, const schema *s, size_t at, values *in, unsigned depth,
                        ia_err *e)
{
  ia_span list = s->defs[at].members, member;
  ia_h256 word;
  ia_keccak k;

  if (!type_hash(&word, s, at, e))
    return false;
  ia_keccak_init(&k);
  ia_keccak_update(&k, IA_SPAN_ARR(word.b));
  while (ia_abi_member(&list, &member)) {
    if (!member_word(&word, s, member_type(member), in, depth, e))
      return false;
    ia_keccak_update(&k, IA_SPAN_ARR(word.b));
  }
  ia_keccak_final(&k, out);
  return true;
}

void ia_eip712_type_hash(ia_h256 *out, const char *encode_type)
{
  ia_keccak256(out, ia_span_str(encode_type));
}

bool ia_eip712_struct(ia_h256 *out, const char *encode_type, const ia_abi_val *v, size_t n,
                      ia_err *e)
{
  values in = {v, n};
  schema s;

  if (!schema_parse(&s, encode_type, e) || !struct_hash(out, &s, 0, &in, 0, e))
    return false;
  return in.n == 0 || ia_fail(e, IA_E_INVALID, "eip712: %zu values too many", in.n);
}

bool ia_eip712_separator(ia_h256 *out, const ia_eip712_domain *d, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_autofree char *type = NULL;
  ia_abi_val v[4];
  size_t n = 0;

  ia_buf_str(&text, "EIP712Domain(");
  if (d->name) {
    ia_buf_str(&text, "string name,");
    v[n++] = ia_abi_str(d->name);
  }
  if (d->version) {
    ia_buf_str(&text, "string version,");
    v[n++] = ia_abi_str(d->version);
  }
  ia_buf_str(&text, "uint256 chainId");
  v[n++] = ia_abi_u64(d->chain_id);
  if (!ia_addr_zero(&d->contract)) {
    ia_buf_str(&text, ",address verifyingContract");
    v[n++] = ia_abi_addr(&d->contract);
  }
  ia_buf_str(&text, ")");
  type = ia_buf_text(&text);
  if (!type)
    return ia_fail(e, IA_E_MEMORY, "eip712: out of memory");
  return ia_eip712_struct(out, type, v, n, e);
}

void ia_eip712_digest(ia_h256 *out, const ia_h256 *separator, const ia_h256 *struct_hash_)
{
  uint8_t in[66] = {0x19, 0x01};

  memcpy(in + 2, separator->b, 32);
  memcpy(in + 34, struct_hash_->b, 32);
  ia_keccak256(out, IA_SPAN_ARR(in));
}

bool ia_eip712_hash(ia_h256 *out, const ia_eip712_domain *d, const char *encode_type,
                    const ia_abi_val *v, size_t n, ia_err *e)
{
  ia_h256 separator, hash;

  if (!ia_eip712_separator(&separator, d, e) || !ia_eip712_struct(&hash, encode_type, v, n, e))
    return false;
  ia_eip712_digest(out, &separator, &hash);
  return true;
}
