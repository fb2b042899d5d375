/* Shapes: one table per struct of PoCo {name, Solidity type, offset}. The same table drives ABI
 * coding, EIP-712 hashing and JSON, so that the four cannot disagree. */
#ifndef IA_POCO_SHAPE_H
#define IA_POCO_SHAPE_H

#include "base/buf.h"
#include "eth/u256.h"
#include "poco/types.h"

typedef enum ia_shape_type {
  IA_SH_U256,  /* ia_u256 */
  IA_SH_U64,   /* uint64_t; uint256 on the wire, refused beyond 64 bits */
  IA_SH_U8,    /* uint8_t; uint8 (enumerations) */
  IA_SH_BOOL,  /* bool */
  IA_SH_B32,   /* ia_h256; bytes32 */
  IA_SH_B4,    /* uint8_t[4]; bytes4 */
  IA_SH_ADDR,  /* ia_addr */
  IA_SH_STR,   /* ia_span; string */
  IA_SH_BYTES, /* ia_span; bytes */
  IA_SH_TUPLE, /* a struct by `sub` */
  IA_SH_ADDRS, /* ia_words; address[] */
  IA_SH_B32S,  /* ia_words; bytes32[] */
  IA_SH_U256S  /* ia_words; uint256[] */
} ia_shape_type;

enum ia_shape_flag {
  IA_SH_INDEXED = 1,  /* of an event: a topic */
  IA_SH_UNSIGNED = 2, /* not part of the EIP-712 type (the signature itself) */
};

typedef struct ia_shape ia_shape;

typedef struct ia_shape_field {
  const char *name;
  ia_shape_type type;
  unsigned flags;
  size_t offset; /* into the C struct */
  const ia_shape *sub;
} ia_shape_field;

struct ia_shape {
  const char *name; /* Solidity struct name; NULL for argument lists */
  const ia_shape_field *fields;
  size_t n_fields;
  size_t size; /* of the C struct */
};

/* A log entry as a contract emits it. Topics and data are owned by who made it. */
enum { IA_TOPICS_MAX = 4 };

/* Appends the ABI encoding of the struct as a tuple (an argument list: no leading offset). */
void ia_shape_encode(ia_buf *out, const ia_shape *shape, const void *value);
/* Strict: offsets inside the input, no dirty high bytes, lengths within bounds; spans borrow from
 * `in`. Bytes that nothing refers to are tolerated, as Solidity does. PARSE names the field. */
IA_MUST bool ia_shape_decode(void *value, const ia_shape *shape, ia_span in, ia_err *e);
/* Clears in a copy of an argument list what the types have not, as Solidity's first ABI decoder
 * does where the strict one refuses. */
void ia_shape_clean(uint8_t *in, size_t len, const ia_shape *shape);
/* As Solidity reads a struct of an order in call data: a field is looked at when it is used, so one
 * that is malformed is left zero and its place put into `bad`. False when a struct lies outside. */
typedef struct ia_shape_bad {
  const void *field[32];
  bool endless[32]; /* its length has more than 64 bits */
  size_t n;
} ia_shape_bad;
IA_MUST bool ia_shape_decode_fields(void *value, const ia_shape *shape, ia_span in,
                                    ia_shape_bad *bad);
/* "(address,uint256,(bytes32,string))" */
void ia_shape_types(ia_buf *out, const ia_shape *shape);
/* EIP-712 hashStruct, with the type hash given. Nested structs must hold their hash in `nested`. */
ia_h256 ia_shape_hash(const ia_shape *shape, const ia_h256 *type_hash, const void *value,
                      const ia_h256 *nested);
/* EIP-712 encodeType of one struct: "AppOrder(address app,...)". */
void ia_shape_type_text(ia_buf *out, const ia_shape *shape);
/* Topics after topic0 and the data of an event; returns the number of topics written. */
size_t ia_shape_event(ia_h256 topics[IA_TOPICS_MAX - 1], ia_buf *data, const ia_shape *shape,
                      const void *value);
/* The reverse. */
IA_MUST bool ia_shape_event_decode(void *value, const ia_shape *shape, const ia_h256 *topics,
                                   size_t n_topics, ia_span data, ia_err *e);

#endif
