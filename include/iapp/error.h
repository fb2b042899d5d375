/* Errors and texts of libiapp. Every function that can fail returns false after filling its last
 * parameter, which may be NULL. Nothing is printed, nothing is global; an object belongs to one
 * thread at a time, and functions without an object may run in any number of threads. */
#ifndef IAPP_ERROR_H
#define IAPP_ERROR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define IAPP_MUST __attribute__((warn_unused_result))
#else
#define IAPP_MUST
#endif

#ifdef __cplusplus
extern "C" {
#endif

typedef struct iapp_error {
  char code[32];     /* stable: "BAD_CHECKSUM", "GRANT_MISSING", ..; ERRORS in iapp(1) */
  char message[192]; /* what failed; UTF-8, one line, never a secret */
  char hint[192];    /* what to do next; may be "" */
} iapp_error;

const char *iapp_version(void);
/* Frees a text that the library handed out, wiping it first. NULL is fine. */
void iapp_free(char *text);

#ifdef __cplusplus
}
#endif

#endif
