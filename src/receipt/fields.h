/* Tables of JSON members that mirror a struct: one walker writes them, one reads them and refuses
 * what is missing, of another kind or unknown. */
#ifndef IA_RECEIPT_FIELDS_H
#define IA_RECEIPT_FIELDS_H

#include <jansson.h>

#include "base/err.h"

typedef enum ia_field_kind {
  IA_FIELD_ADDR,    /* ia_addr */
  IA_FIELD_H256,    /* ia_h256 */
  IA_FIELD_H512,    /* ia_h512 */
  IA_FIELD_SIG64,   /* uint8_t[64] */
  IA_FIELD_U64,     /* uint64_t, a JSON integer up to 2^53 - 1 */
  IA_FIELD_U32,     /* uint32_t */
  IA_FIELD_INT,     /* int */
  IA_FIELD_BOOL,    /* bool */
  IA_FIELD_TEXT,    /* char[size] */
  IA_FIELD_DOMAIN,  /* ia_domain, "hw" or "sim" */
  IA_FIELD_SIGNING, /* ia_order_signing, "signed", "presigned", .. */
  IA_FIELD_OTHER,   /* a member that the caller handles: only its presence is checked */
} ia_field_kind;

typedef struct ia_field {
  const char *name;
  ia_field_kind kind;
  size_t offset;
  size_t size; /* of a TEXT */
} ia_field;

/* A new object without the OTHER members; NULL on failure. */
json_t *ia_fields_write(const ia_field *fields, size_t n, const void *from, ia_err *e);
/* Exactly these members. RECEIPT_FIELD for a missing or unknown one, PARSE for a bad value. */
IA_MUST bool ia_fields_read(void *to, const ia_field *fields, size_t n, const json_t *obj,
                            ia_err *e);

#endif
