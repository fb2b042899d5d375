/* An Internet message (RFC 5322, MIME) as it would be handed to a submission server, which adds
 * date and identifier (RFC 6409, 8): so the same request gives the same bytes on every machine.
 * The recipient is a matter of the envelope: the message holds no address of hers, since who reads
 * the result is not meant to learn it. */
#ifndef MESSAGE_MAIL_H
#define MESSAGE_MAIL_H

#include <stdbool.h>
#include <stddef.h>

typedef struct mail {
  const char *from;           /* an address in ASCII */
  const char *name, *subject; /* one line each; name "" for none */
  const char *protected_data; /* whose owner it is for; she revokes the grant to end the messages */
  const char *content;        /* UTF-8, a NUL behind it and none inside */
  size_t n;
  bool html;
} mail;

/* malloc'd, *n bytes; NULL without memory or when protected_data is not made of letters, digits, -
 * and _. */
char *mail_compose(const mail *m, size_t *n);

#endif
