/* Type text of the ABI, shared by abi.c and eip712.c. Not for other layers. */
#ifndef IA_ETH_ABI_TYPE_H
#define IA_ETH_ABI_TYPE_H

#include "base/err.h"
#include "base/span.h"

typedef enum ia_abi_form {
  IA_ABI_F_UINT,
  IA_ABI_F_INT,
  IA_ABI_F_ADDRESS,
  IA_ABI_F_BOOL,
  IA_ABI_F_FIXED_BYTES,
  IA_ABI_F_BYTES,  /* bytes and string */
  IA_ABI_F_TUPLE,  /* inner: the text between the parentheses */
  IA_ABI_F_ARRAY,  /* T[k], inner: T */
  IA_ABI_F_VECTOR, /* T[], inner: T */
  IA_ABI_F_NAME,   /* none of these: a struct of EIP-712 */
} ia_abi_form;

typedef struct ia_abi_shape {
  ia_abi_form form;
  unsigned size; /* UINT, INT: bits; FIXED_BYTES: bytes */
  size_t count;  /* ARRAY */
  ia_span inner;
} ia_abi_shape;

enum { IA_ABI_DEPTH = 16, IA_ABI_ARRAY_MAX = 1 << 20 };

/* Looks at the outermost layer only. INVALID for text that is no type. */
IA_MUST bool ia_abi_shape_of(ia_abi_shape *out, ia_span type, ia_err *e);
/* Takes the next member off "a,b(c,d),e"; false at the end. */
bool ia_abi_member(ia_span *list, ia_span *member);
/* Is this word in the range of its type? */
bool ia_abi_word_fits(const ia_abi_shape *s, const uint8_t word[32]);
static inline bool ia_abi_is_word(const ia_abi_shape *s)
{
  return s->form <= IA_ABI_F_FIXED_BYTES;
}

#endif
