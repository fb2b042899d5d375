/* What web3mail gives an app: the requester's secret, the developer's secret, the content. */
#ifndef MESSAGE_REQUEST_H
#define MESSAGE_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  REQUEST_TEXT = 512,      /* bytes of one text, its end included: 78 characters of 4 bytes fit */
  REQUEST_KEY = 32,        /* bytes of a content key */
  CONTENT_UNITS = 512000,  /* UTF-16 units, web3mail's limit */
  CONTENT_BYTES = 2 << 20, /* encrypted: more than the limit can be in UTF-8 */
  WHY = 160,               /* bytes of a sentence for the requester */
};

typedef struct request {
  char subject[REQUEST_TEXT], sender[REQUEST_TEXT]; /* sender "" when none is named */
  char address[REQUEST_TEXT];                       /* of the content, for sentences only */
  uint8_t key[REQUEST_KEY];
  bool html, callback;
} request;

/* why: web3mail's own words where it has some. Nothing of the secret stands in them. */
bool request_parse(request *r, const char *secret, char why[WHY]);
/* MJ_SENDER of the developer's secret, or the default when there is none (NULL). */
bool request_sender(char out[REQUEST_TEXT], const char *secret, char why[WHY]);

/* An address that can be written to, by its form. ascii: it will stand in a header. */
bool request_is_email(const char *text, bool ascii);

/* IV || AES-256-CBC, as web3mail encrypts; the text in out is malloc'd, n bytes of UTF-8 without
 * NUL. */
bool request_decrypt(char **out, size_t *n, const request *r, const uint8_t *sealed, size_t len,
                     char why[WHY]);

#endif
