/* Why a call is refused: one row of reverts.def and, for custom errors, their arguments. */
#ifndef IA_POCO_REVERT_H
#define IA_POCO_REVERT_H

#include "base/buf.h"
#include "poco/rules.h"
#include "poco/types.h"

typedef enum ia_revert_id {
  IA_REVERT_NONE = 0,
#define IA_REVERT(id, calls, condition, form, text)                     IA_REVERT_##id,
#define IA_REVERT_OLD(id, calls, condition, form, text, form61, text61) IA_REVERT_##id,
#include "poco/reverts.def"
#undef IA_REVERT
#undef IA_REVERT_OLD
  IA_REVERT_FAULT, /* no verdict: a look-up or the store failed */
  IA_REVERT_COUNT
} ia_revert_id;

typedef enum ia_revert_form {
  IA_REVERT_FORM_TEXT,
  IA_REVERT_FORM_BARE,
  IA_REVERT_FORM_PANIC,
  IA_REVERT_FORM_CUSTOM
} ia_revert_form;

typedef struct ia_revert_row {
  const char *id;
  const char *calls;
  const char *condition;
  ia_revert_form form;
  const char *text;
  ia_revert_form old_form; /* under rules 6.1 */
  const char *old_text;
} ia_revert_row;

enum { IA_REVERT_WORDS = 3 };

typedef struct ia_revert {
  ia_revert_id id;
  size_t n_words;
  ia_h256 word[IA_REVERT_WORDS]; /* arguments of a custom error, as ABI words */
} ia_revert;

/* Always false, so that a check reads `return ia_revert_set(why, IA_REVERT_MATCH_00)`. */
bool ia_revert_set(ia_revert *why, ia_revert_id id);
/* Adds arguments in order. Always false. */
bool ia_revert_addr(ia_revert *why, const ia_addr *a);
bool ia_revert_u256(ia_revert *why, const ia_u256 *v);

const ia_revert_row *ia_revert_row_of(ia_revert_id id); /* not of NONE or FAULT */
/* The revert data as the EVM returns it. */
void ia_revert_data(ia_buf *out, const ia_poco_rules *rules, const ia_revert *why);
/* The reason that a JSON-RPC error message carries: the text of TEXT, "" for the others. */
const char *ia_revert_reason(const ia_poco_rules *rules, const ia_revert *why);
/* Fills e with REVERT: the reason, and for a person the condition. Always false. */
bool ia_revert_error(const ia_poco_rules *rules, const ia_revert *why, ia_err *e);

#endif
