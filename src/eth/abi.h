/* Contract ABI coding, driven by type text: "address", "(uint256,bytes)[]",
 * "name(address,bytes32)".
 *
 * Values travel as one flat list, depth first: a tuple or T[k] puts its members one after the
 * other, T[] puts one count and then the elements' values. So `f((address,uint256[]),string)` with
 * two numbers is the list: address, count 2, number, number, string.
 *
 * Types: uintN, intN, address, bool, bytesN, bytes, string, tuples, T[], T[k]; no names, no spaces.
 * Decoding is strict: only the one canonical layout is taken (every offset where an encoder puts
 * it, zero padding, no trailing bytes, words in range of their type): anything else is PARSE. */
#ifndef IA_ETH_ABI_H
#define IA_ETH_ABI_H

#include "base/buf.h"
#include "base/types.h"
#include "eth/u256.h"

typedef enum ia_abi_kind { IA_ABI_WORD, IA_ABI_BYTES, IA_ABI_COUNT } ia_abi_kind;

typedef struct ia_abi_val {
  ia_abi_kind kind;
  uint8_t word[32]; /* WORD: as on the wire */
  ia_span bytes;    /* BYTES: of bytes or string, borrowed */
  size_t count;     /* COUNT: elements of the T[] that follow */
} ia_abi_val;

ia_abi_val ia_abi_addr(const ia_addr *a);
ia_abi_val ia_abi_u64(uint64_t v);
ia_abi_val ia_abi_u256(const ia_u256 *v);
ia_abi_val ia_abi_bool(bool v);
ia_abi_val ia_abi_h256(const ia_h256 *v); /* bytes32 */
ia_abi_val ia_abi_bytes(ia_span v);       /* bytes, string */
ia_abi_val ia_abi_str(const char *text);
ia_abi_val ia_abi_count(size_t n); /* before the elements of a T[] */

/* Of a decoded value of that type; the decoder has checked the range. */
ia_addr ia_abi_as_addr(const ia_abi_val *v);
ia_u256 ia_abi_as_u256(const ia_abi_val *v);
ia_h256 ia_abi_as_h256(const ia_abi_val *v);
bool ia_abi_as_bool(const ia_abi_val *v);
/* PARSE when a uint256 does not fit. */
IA_MUST bool ia_abi_as_u64(uint64_t *out, const ia_abi_val *v, ia_err *e);

/* Owned list of values whose spans borrow from the decoded bytes. Zeroed = empty. */
typedef struct ia_abi_list {
  ia_abi_val *v;
  size_t n;
  size_t room;
} ia_abi_list;
void ia_abi_list_free(ia_abi_list *l);
IA_DEFINE_AUTO_VALUE(ia_abi_list, ia_abi_list_free)

/* First 4 bytes, or all, of keccak256 of the signature text "name(types)". */
void ia_abi_selector(uint8_t out[4], const char *signature);
void ia_abi_topic(ia_h256 *out, const char *signature);

/* types: "(address,uint256)": a tuple's members as function arguments or results. Appends. INVALID
 * when the values do not fit the types. */
IA_MUST bool ia_abi_encode(ia_buf *out, const char *types, const ia_abi_val *v, size_t n,
                           ia_err *e);
/* Selector and arguments. */
IA_MUST bool ia_abi_encode_call(ia_buf *out, const char *signature, const ia_abi_val *v, size_t n,
                                ia_err *e);
/* Replaces the list. */
IA_MUST bool ia_abi_decode(ia_abi_list *out, const char *types, ia_span data, ia_err *e);
/* Data of a call: PARSE also when the selector is another one. */
IA_MUST bool ia_abi_decode_call(ia_abi_list *out, const char *signature, ia_span data, ia_err *e);
bool ia_abi_is_call(const char *signature, ia_span data);
/* Text of revert data: Error(string) gives the string, Panic(uint256) "panic 0x11"; false for
 * others. out is cut to its size and cleaned of control bytes. */
bool ia_abi_revert_text(char *out, size_t size, ia_span data);

#endif
