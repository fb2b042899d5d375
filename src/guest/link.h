/* The guest's end of its one stream: questions to the host and what it says without being asked
 * (docs/protocol.md 1). Every answer is hostile: it is checked by whoever asked. */
#ifndef IA_GUEST_LINK_H
#define IA_GUEST_LINK_H

#include "base/frame.h"
#include "base/json.h"
#include "data/stream.h"

typedef struct ia_link {
  ia_frame_reader in;
  uint32_t next; /* stream of the next question */
  bool lost;     /* the stream broke, or the host keeps no order: nothing can be asked any more */
} ia_link;

void ia_link_init(ia_link *l, int fd);
void ia_link_free(ia_link *l);

/* A JSON object on stream 0 or without an answer: HELLO, USAGE, RUN, END, STARTED. */
IA_MUST bool ia_link_say(ia_link *l, uint8_t type, const json_t *v, ia_err *e);
/* A line of our own words; never a byte that the app or its data chose. Best effort. */
void ia_link_log(ia_link *l, const char *line);
/* What the host says by itself: TASK, PREPARE, END. CANCELLED for END. */
IA_MUST bool ia_link_hear(ia_link *l, ia_frame *f, ia_err *e);

/* One question, one answer (QUOTE, EXTEND). The answer is appended. */
IA_MUST bool ia_link_ask(ia_link *l, uint8_t type, ia_span question, ia_buf *answer, ia_err *e);
/* POST to the SMS by way of the host. */
IA_MUST bool ia_link_post(ia_link *l, const char *path, const json_t *body, unsigned *status,
                          json_t **answer, ia_err *e);
/* At most max bytes into `to`: TOO_LARGE when there are more (*size: how many, 0 = not known); what
 * the host reports as a failure becomes UNAVAILABLE, NOT_FOUND, UNSUPPORTED or TOO_LARGE with its
 * own sentence. After a failure the next question can be asked unless l->lost. */
IA_MUST bool ia_link_fetch(ia_link *l, const char *kind, const char *uri, uint64_t max, ia_sink to,
                           uint64_t *size, ia_err *e);
/* cid has room for 96 bytes and is what the host says. */
IA_MUST bool ia_link_put(ia_link *l, const char *name, const ia_blob *bytes, char cid[96],
                         ia_err *e);

#endif
