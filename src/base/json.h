/* JSON: strict parsing, table-driven reading of objects, canonical writing (RFC 8785).
 * Values are jansson's json_t; make them with json_pack and friends, and free by IA_AUTO_JSON. */
#ifndef IA_BASE_JSON_H
#define IA_BASE_JSON_H

#include <jansson.h>

#include "base/buf.h"

static inline void ia_json_auto_(json_t **p)
{
  json_decref(*p);
}
#define IA_AUTO_JSON __attribute__((cleanup(ia_json_auto_))) json_t

enum ia_json_flags {
  IA_JSON_ANY = 1,       /* top level may be any value, not only object or array */
  IA_JSON_ALLOW_NUL = 2, /* "\u0000" in strings */
};

/* New reference, NULL with PARSE on: duplicate keys, invalid UTF-8, trailing bytes, depth > 64,
 * integers outside int64. */
IA_MUST json_t *ia_json_parse(ia_span text, unsigned flags, ia_err *e);
/* Compact text in insertion order, as for HTTP answers. */
IA_MUST bool ia_json_write(ia_buf *out, const json_t *v, ia_err *e);
/* RFC 8785. Reals are refused: nothing hashed or signed holds a double. */
IA_MUST bool ia_json_canonical(ia_buf *out, const json_t *v, ia_err *e);

/* Setting with one must-check: false with MEMORY when value is NULL. Steals value. */
IA_MUST bool ia_json_set(json_t *obj, const char *key, json_t *value, ia_err *e);
json_t *ia_json_hex(ia_span bytes);     /* "0x.." */
json_t *ia_json_addr(const ia_addr *a); /* lower case */
json_t *ia_json_h256(const ia_h256 *h);
json_t *ia_json_base64(ia_span bytes);
json_t *ia_json_bytes(ia_span utf8); /* text that is known to be valid UTF-8 */
/* Bytes of which anybody chose what they are, without loss and in one way only: plain text
 * (ia_text_is_plain) as a string, everything else as {"hex":"0x.."}. */
json_t *ia_json_foreign(ia_span bytes);
/* The same for formats that others read as a string: what is no UTF-8 is replaced by U+FFFD. */
json_t *ia_json_lossy(ia_span bytes);

/* Reading members. `what` of the message is the key. Missing or of another kind: PARSE. */
IA_MUST bool ia_json_get_str(const json_t *obj, const char *key, const char **out, ia_err *e);
IA_MUST bool ia_json_get_bool(const json_t *obj, const char *key, bool *out, ia_err *e);
/* An integer >= 0, or a decimal string of one. */
IA_MUST bool ia_json_get_u64(const json_t *obj, const char *key, uint64_t *out, ia_err *e);
IA_MUST bool ia_json_get_addr(const json_t *obj, const char *key, ia_addr *out, ia_err *e);
IA_MUST bool ia_json_get_h256(const json_t *obj, const char *key, ia_h256 *out, ia_err *e);
/* "0x" hex of any length up to cap bytes. */
IA_MUST bool ia_json_get_hex(const json_t *obj, const char *key, ia_buf *out, ia_err *e);
/* What ia_json_foreign wrote; another form of the same bytes is refused. */
IA_MUST bool ia_json_get_foreign(const json_t *obj, const char *key, ia_buf *out, ia_err *e);
IA_MUST bool ia_json_get_base64(const json_t *obj, const char *key, ia_buf *out, ia_err *e);
IA_MUST bool ia_json_get_obj(const json_t *obj, const char *key, json_t **out, ia_err *e);
IA_MUST bool ia_json_get_arr(const json_t *obj, const char *key, json_t **out, ia_err *e);

/* Refuses keys outside the list (NULL-terminated). The walker of every object from outside whose
 * grammar is closed. */
IA_MUST bool ia_json_only(const json_t *obj, const char *const *keys, ia_err *e);

#endif
