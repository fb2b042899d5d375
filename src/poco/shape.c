/* ABI coding (Solidity contract ABI specification) and EIP-712 hashing by shapes. */
#include "poco/shape.h"

#include "crypto/keccak.h"

enum { WORD = 32 };

static const struct type_info {
  const char *text;
  bool dynamic;
} types[] = {
    [IA_SH_U256] = {"uint256", false},   [IA_SH_U64] = {"uint256", false},
    [IA_SH_U8] = {"uint8", false},       [IA_SH_BOOL] = {"bool", false},
    [IA_SH_B32] = {"bytes32", false},    [IA_SH_B4] = {"bytes4", false},
    [IA_SH_ADDR] = {"address", false},   [IA_SH_STR] = {"string", true},
    [IA_SH_BYTES] = {"bytes", true},     [IA_SH_TUPLE] = {"", false},
    [IA_SH_ADDRS] = {"address[]", true}, [IA_SH_B32S] = {"bytes32[]", true},
    [IA_SH_U256S] = {"uint256[]", true},
};

static bool shape_dynamic(const ia_shape *s);

static bool field_dynamic(const ia_shape_field *f)
{
  return f->type == IA_SH_TUPLE ? shape_dynamic(f->sub) : types[f->type].dynamic;
}

static bool shape_dynamic(const ia_shape *s)
{
  for (size_t i = 0; i < s->n_fields; i++)
    if (field_dynamic(&s->fields[i]))
      return true;
  return false;
}

static size_t head_size(const ia_shape *s)
{
  size_t n = 0;

  for (size_t i = 0; i < s->n_fields; i++) {
    const ia_shape_field *f = &s->fields[i];

    if (f->type == IA_SH_TUPLE && !shape_dynamic(f->sub))
      n += head_size(f->sub);
    else
      n += WORD;
  }
  return n;
}

/* --- words ---------------------------------------------------------------------------------------
 */

static void word_u64(uint8_t w[WORD], uint64_t v)
{
  memset(w, 0, WORD);
  for (int i = 0; i < 8; i++)
    w[WORD - 1 - i] = (uint8_t)(v >> (8 * i));
}

/* A static field as its 32-byte word. */
static void word_put(uint8_t w[WORD], const ia_shape_field *f, const void *value)
{
  const uint8_t *p = (const uint8_t *)value + f->offset;

  memset(w, 0, WORD);
  switch (f->type) {
  case IA_SH_U256: ia_u256_to_be(w, (const void *)p); break;
  case IA_SH_U64: word_u64(w, *(const uint64_t *)(const void *)p); break;
  case IA_SH_U8: w[WORD - 1] = *p; break;
  case IA_SH_BOOL: w[WORD - 1] = *(const bool *)p; break;
  case IA_SH_B32: memcpy(w, p, WORD); break;
  case IA_SH_B4: memcpy(w, p, 4); break;
  case IA_SH_ADDR: memcpy(w + 12, p, 20); break;
  default: break;
  }
}

static bool zero_bytes(const uint8_t *p, size_t n)
{
  for (size_t i = 0; i < n; i++)
    if (p[i] != 0)
      return false;
  return true;
}

static bool word_u64_get(const uint8_t w[WORD], uint64_t *v)
{
  if (!zero_bytes(w, WORD - 8))
    return false;
  *v = 0;
  for (int i = WORD - 8; i < WORD; i++)
    *v = *v << 8 | w[i];
  return true;
}

/* The reverse of word_put; false when bits are set that the type has not. */
static bool word_get(void *value, const ia_shape_field *f, const uint8_t w[WORD])
{
  uint8_t *p = (uint8_t *)value + f->offset;

  switch (f->type) {
  case IA_SH_U256: *(ia_u256 *)(void *)p = ia_u256_from_be(w); return true;
  case IA_SH_U64: return word_u64_get(w, (uint64_t *)(void *)p);
  case IA_SH_U8: *p = w[WORD - 1]; return zero_bytes(w, WORD - 1);
  case IA_SH_BOOL:
    *(bool *)p = w[WORD - 1] == 1;
    return zero_bytes(w, WORD - 1) && w[WORD - 1] <= 1;
  case IA_SH_B32: memcpy(p, w, WORD); return true;
  case IA_SH_B4: memcpy(p, w, 4); return zero_bytes(w + 4, WORD - 4);
  case IA_SH_ADDR: memcpy(p, w + 12, 20); return zero_bytes(w, 12);
  default: return false;
  }
}

/* --- encoding ------------------------------------------------------------------------------------
 */

static void put_tail(ia_buf *out, const ia_shape_field *f, const void *value)
{
  const void *p = (const uint8_t *)value + f->offset;
  uint8_t w[WORD];

  if (f->type == IA_SH_STR || f->type == IA_SH_BYTES) {
    const ia_span *s = p;

    word_u64(w, s->len);
    ia_buf_put(out, w, WORD);
    ia_buf_span(out, *s);
    ia_buf_zero(out, (WORD - s->len % WORD) % WORD);
  } else {
    const ia_words *a = p;

    word_u64(w, a->n);
    ia_buf_put(out, w, WORD);
    if (a->n > 0)
      ia_buf_put(out, a->ptr, a->n * WORD);
  }
}

/* Fills a head word with the distance from the tuple's start to the end of what is written. */
static void set_offset(ia_buf *out, size_t head_at, size_t base)
{
  if (!out->bad)
    word_u64(out->ptr + head_at, out->len - base);
}

void ia_shape_encode(ia_buf *out, const ia_shape *s, const void *value)
{
  size_t base = out->len, at = base;
  uint8_t w[WORD];

  ia_buf_zero(out, head_size(s));
  for (size_t i = 0; i < s->n_fields && !out->bad; i++) {
    const ia_shape_field *f = &s->fields[i];

    if (field_dynamic(f)) {
      set_offset(out, at, base);
      if (f->type == IA_SH_TUPLE)
        ia_shape_encode(out, f->sub, (const uint8_t *)value + f->offset);
      else
        put_tail(out, f, value);
      at += WORD;
    } else if (f->type == IA_SH_TUPLE) {
      IA_AUTOV(ia_buf) part = {0};

      ia_shape_encode(&part, f->sub, (const uint8_t *)value + f->offset);
      out->bad |= part.bad;
      if (!out->bad)
        memcpy(out->ptr + at, part.ptr, part.len);
      at += part.len;
    } else {
      word_put(w, f, value);
      memcpy(out->ptr + at, w, WORD);
      at += WORD;
    }
  }
}

/* --- decoding ------------------------------------------------------------------------------------
 */

static bool bad(const ia_shape *s, const ia_shape_field *f, const char *why, ia_err *e)
{
  return ia_fail(e, IA_E_PARSE, "ABI %s.%s: %s", s->name ? s->name : "arguments",
                 f->name ? f->name : "?", why);
}

/* Contents of a bytes, string or array that starts at `in`; the elements of arrays unseen. */
static bool get_tail(void *value, const ia_shape *s, const ia_shape_field *f, ia_span in, ia_err *e)
{
  void *p = (uint8_t *)value + f->offset;
  ia_span word, body;
  uint64_t n;

  if (!ia_span_take(&in, WORD, &word) || !word_u64_get(word.ptr, &n))
    return bad(s, f, "length missing", e);
  if (f->type == IA_SH_STR || f->type == IA_SH_BYTES) {
    if (n > in.len)
      return bad(s, f, "longer than the input", e);
    *(ia_span *)p = ia_span_of(in.ptr, (size_t)n);
    return true;
  }
  if (n > in.len / WORD || !ia_span_take(&in, (size_t)n * WORD, &body))
    return bad(s, f, "longer than the input", e);
  *(ia_words *)p = (ia_words){body.ptr, (size_t)n};
  return true;
}

static bool addresses(const void *value, const ia_shape *s, const ia_shape_field *f, ia_err *e)
{
  const ia_words *w = (const void *)((const uint8_t *)value + f->offset);

  for (size_t i = 0; f->type == IA_SH_ADDRS && i < w->n; i++)
    if (!zero_bytes(w->ptr + i * WORD, 12))
      return bad(s, f, "not an address", e);
  return true;
}

bool ia_shape_decode(void *value, const ia_shape *s, ia_span in, ia_err *e)
{
  ia_span head = in;

  for (size_t i = 0; i < s->n_fields; i++) {
    const ia_shape_field *f = &s->fields[i];
    void *p = (uint8_t *)value + f->offset;
    ia_span word;

    if (f->type == IA_SH_TUPLE && !shape_dynamic(f->sub)) {
      if (!ia_span_take(&head, head_size(f->sub), &word))
        return bad(s, f, "input too short", e);
      if (!ia_shape_decode(p, f->sub, word, e))
        return false;
      continue;
    }
    if (!ia_span_take(&head, WORD, &word))
      return bad(s, f, "input too short", e);
    if (field_dynamic(f)) {
      uint64_t at;

      if (!word_u64_get(word.ptr, &at) || at > in.len)
        return bad(s, f, "offset outside the input", e);
      ia_span rest = ia_span_of(in.ptr + at, in.len - (size_t)at);
      if (f->type == IA_SH_TUPLE ? !ia_shape_decode(p, f->sub, rest, e)
                                 : !get_tail(value, s, f, rest, e) || !addresses(value, s, f, e))
        return false;
    } else if (!word_get(value, f, word.ptr)) {
      return bad(s, f, "bits set beyond the type", e);
    }
  }
  return true;
}

static bool field_lazily(void *value, const ia_shape *s, const ia_shape_field *f, ia_span in,
                         const uint8_t word[WORD], bool *endless)
{
  uint64_t at, length;
  ia_span tail;

  *endless = false;
  if (!field_dynamic(f))
    return word_get(value, f, word);
  if (!word_u64_get(word, &at) || at > in.len)
    return false;
  tail = ia_span_of(in.ptr + at, in.len - (size_t)at);
  *endless = tail.len >= WORD && !word_u64_get(tail.ptr, &length);
  return get_tail(value, s, f, tail, NULL);
}

bool ia_shape_decode_fields(void *value, const ia_shape *s, ia_span in, ia_shape_bad *bad_fields)
{
  ia_span head = in;

  if (in.len < head_size(s))
    return false;
  for (size_t i = 0; i < s->n_fields; i++) {
    const ia_shape_field *f = &s->fields[i];
    void *p = (uint8_t *)value + f->offset;
    ia_span word;
    uint64_t at;
    bool endless;

    if (!ia_span_take(&head, WORD, &word))
      return false;
    if (f->type == IA_SH_TUPLE) {
      if (!word_u64_get(word.ptr, &at) || at > in.len ||
          !ia_shape_decode_fields(p, f->sub, ia_span_of(in.ptr + at, in.len - (size_t)at),
                                  bad_fields))
        return false;
    } else if (!field_lazily(value, s, f, in, word.ptr, &endless)) {
      if (bad_fields->n == IA_COUNT(bad_fields->field))
        return false;
      memset(p, 0, field_dynamic(f) ? sizeof(ia_span) : f->type == IA_SH_ADDR ? 20 : 1);
      bad_fields->endless[bad_fields->n] = endless;
      bad_fields->field[bad_fields->n++] = p;
    }
  }
  return true;
}

void ia_shape_clean(uint8_t *in, size_t len, const ia_shape *s)
{
  for (size_t i = 0; i < s->n_fields && (i + 1) * WORD <= len; i++) {
    uint8_t *w = in + i * WORD;

    switch (s->fields[i].type) {
    case IA_SH_ADDR: memset(w, 0, 12); break;
    case IA_SH_B4: memset(w + 4, 0, WORD - 4); break;
    case IA_SH_BOOL:
      w[WORD - 1] = !zero_bytes(w, WORD);
      memset(w, 0, WORD - 1);
      break;
    default: break;
    }
  }
}

/* --- names and hashes ----------------------------------------------------------------------------
 */

void ia_shape_types(ia_buf *out, const ia_shape *s)
{
  ia_buf_u8(out, '(');
  for (size_t i = 0; i < s->n_fields; i++) {
    const ia_shape_field *f = &s->fields[i];

    if (i > 0)
      ia_buf_u8(out, ',');
    if (f->type == IA_SH_TUPLE)
      ia_shape_types(out, f->sub);
    else
      ia_buf_str(out, types[f->type].text);
  }
  ia_buf_u8(out, ')');
}

void ia_shape_type_text(ia_buf *out, const ia_shape *s)
{
  bool first = true;

  ia_buf_printf(out, "%s(", s->name);
  for (size_t i = 0; i < s->n_fields; i++) {
    const ia_shape_field *f = &s->fields[i];

    if (f->flags & IA_SH_UNSIGNED)
      continue;
    ia_buf_printf(out, "%s%s %s", first ? "" : ",",
                  f->type == IA_SH_TUPLE ? f->sub->name : types[f->type].text, f->name);
    first = false;
  }
  ia_buf_u8(out, ')');
}

ia_h256 ia_shape_hash(const ia_shape *s, const ia_h256 *type_hash, const void *value,
                      const ia_h256 *nested)
{
  ia_keccak k;
  ia_h256 out, word;

  ia_keccak_init(&k);
  ia_keccak_update(&k, IA_SPAN_ARR(type_hash->b));
  for (size_t i = 0; i < s->n_fields; i++) {
    const ia_shape_field *f = &s->fields[i];

    if (f->flags & IA_SH_UNSIGNED)
      continue;
    if (f->type == IA_SH_TUPLE)
      word = *nested;
    else if (f->type == IA_SH_STR || f->type == IA_SH_BYTES)
      ia_keccak256(&word, *(const ia_span *)(const void *)((const uint8_t *)value + f->offset));
    else
      word_put(word.b, f, value);
    ia_keccak_update(&k, IA_SPAN_ARR(word.b));
  }
  ia_keccak_final(&k, &out);
  return out;
}

/* --- events --------------------------------------------------------------------------------------
 */

/* The fields of an event that are not indexed, as a shape of its own. */
static ia_shape data_shape(const ia_shape *s, ia_shape_field *room, size_t cap)
{
  ia_shape d = {s->name, room, 0, s->size};

  for (size_t i = 0; i < s->n_fields && d.n_fields < cap; i++)
    if (!(s->fields[i].flags & IA_SH_INDEXED))
      room[d.n_fields++] = s->fields[i];
  return d;
}

enum { EVENT_FIELDS_MAX = 8 };

size_t ia_shape_event(ia_h256 topics[IA_TOPICS_MAX - 1], ia_buf *data, const ia_shape *s,
                      const void *value)
{
  ia_shape_field room[EVENT_FIELDS_MAX];
  ia_shape d = data_shape(s, room, EVENT_FIELDS_MAX);
  size_t n = 0;

  for (size_t i = 0; i < s->n_fields; i++)
    if ((s->fields[i].flags & IA_SH_INDEXED) && n < IA_TOPICS_MAX - 1)
      word_put(topics[n++].b, &s->fields[i], value);
  ia_shape_encode(data, &d, value);
  return n;
}

bool ia_shape_event_decode(void *value, const ia_shape *s, const ia_h256 *topics, size_t n_topics,
                           ia_span data, ia_err *e)
{
  ia_shape_field room[EVENT_FIELDS_MAX];
  ia_shape d = data_shape(s, room, EVENT_FIELDS_MAX);
  size_t n = 0;

  for (size_t i = 0; i < s->n_fields; i++) {
    const ia_shape_field *f = &s->fields[i];

    if (!(f->flags & IA_SH_INDEXED))
      continue;
    if (n == n_topics)
      return bad(s, f, "topic missing", e);
    if (!word_get(value, f, topics[n++].b))
      return bad(s, f, "bits set beyond the type", e);
  }
  if (n != n_topics)
    return ia_fail(e, IA_E_PARSE, "event %s: too many topics", s->name ? s->name : "?");
  return ia_shape_decode(value, &d, data, e);
}
