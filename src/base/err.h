/* The one error convention. A function that can fail returns bool, false after filling its last
 * parameter `ia_err *e` (which may be NULL). Messages name the thing and never hold a secret. */
#ifndef IA_BASE_ERR_H
#define IA_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>

#include "base/attr.h"

typedef enum ia_code {
  IA_OK = 0,
#define IA_CODE(name, exit_status, http, hint) IA_E_##name,
#include "base/codes.def"
#undef IA_CODE
  IA_E_COUNT
} ia_code;

typedef struct ia_err {
  ia_code code;
  char msg[192];  /* what failed; UTF-8, one line */
  char hint[192]; /* what to do next; may be "" */
} ia_err;

/* Always returns false, so that a failing path reads `return ia_fail(e, IA_E_PARSE, "...")`. */
bool ia_fail(ia_err *e, ia_code code, const char *fmt, ...) IA_PRINTF(3, 4);
/* ia_fail with the text of errno after the message; ENOSPC and EDQUOT become DISK_FULL. */
bool ia_fail_errno(ia_err *e, const char *fmt, ...) IA_PRINTF(2, 3);
/* Puts "context: " before a message already there; keeps the code. Always returns false. */
bool ia_wrap(ia_err *e, const char *fmt, ...) IA_PRINTF(2, 3);
/* Replaces the hint. Always returns false. */
bool ia_hint(ia_err *e, const char *fmt, ...) IA_PRINTF(2, 3);

/* The same for JSON: names of other people's files in a message may not be UTF-8; U+FFFD stands for
 * what is not. */
ia_err ia_err_utf8(const ia_err *e);

const char *ia_code_name(ia_code code);      /* "BAD_ZIP"; "OK" for IA_OK */
int ia_code_exit(ia_code code);              /* process exit status */
int ia_code_http(ia_code code);              /* HTTP status */
ia_code ia_code_from_name(const char *name); /* IA_E_INTERNAL when unknown */

#endif
