/* Frames between guest and host (docs/protocol.md 1): u32 length | u8 type | u32 stream | payload,
 * big-endian, length = payload bytes. Codec, and blocking reads and writes on one descriptor. */
#ifndef IA_BASE_FRAME_H
#define IA_BASE_FRAME_H

#include "base/buf.h"

enum ia_frame_type {
  IA_FRAME_HELLO = 1,
  IA_FRAME_TASK = 2,
  IA_FRAME_QUOTE = 3,
  IA_FRAME_POST = 4,
  IA_FRAME_FETCH = 5,
  IA_FRAME_PUT = 6,
  IA_FRAME_EXTEND = 7,
  IA_FRAME_LOG = 8,
  IA_FRAME_USAGE = 9,
  IA_FRAME_RUN = 10,
  IA_FRAME_END = 11,
  IA_FRAME_PREPARE = 12,
  IA_FRAME_STARTED = 13,
  IA_FRAME_LAST = IA_FRAME_STARTED,
};

/* First byte of FETCH answers and PUT frames. */
enum ia_frame_part { IA_PART_CHUNK = 0, IA_PART_END = 1, IA_PART_ERROR = 2 };

enum {
  IA_FRAME_HEAD = 9,
  IA_FRAME_MAX = 1 << 20,     /* payload */
  IA_FRAME_CHUNK = 256 << 10, /* most bytes of a file in one frame */
};

typedef struct ia_frame {
  uint8_t type;
  uint32_t stream;
  ia_span payload; /* borrowed from what was decoded */
} ia_frame;

const char *ia_frame_name(uint8_t type); /* "TASK"; "?" when unknown */

/* Takes one frame off the head of `in`. Short input: true with *whole = false and nothing taken.
 * PARSE: unknown type or more than IA_FRAME_MAX bytes. */
IA_MUST bool ia_frame_take(ia_span *in, ia_frame *out, bool *whole, ia_err *e);
/* Appends one frame. The payload is at most IA_FRAME_MAX bytes (else the buffer turns bad). */
void ia_frame_put(ia_buf *out, uint8_t type, uint32_t stream, ia_span payload);

/* Writes one frame whole, waiting where the descriptor does not block. UNAVAILABLE when the other
 * side is gone. */
IA_MUST bool ia_frame_write(int fd, uint8_t type, uint32_t stream, ia_span payload, ia_err *e);
/* The payload is head then body, without joining them first. */
IA_MUST bool ia_frame_write2(int fd, uint8_t type, uint32_t stream, ia_span head, ia_span body,
                             ia_err *e);

typedef struct ia_frame_reader {
  int fd; /* borrowed */
  ia_buf in;
  size_t taken; /* bytes of `in` already handed out */
} ia_frame_reader;

void ia_frame_reader_init(ia_frame_reader *r, int fd);
void ia_frame_reader_free(ia_frame_reader *r); /* wipes; the descriptor stays open */
/* Waits for one frame, at most timeout_ms (-1 = for ever). The payload lives until the next read.
 * UNAVAILABLE: the stream ended. TIMEOUT. PARSE as above. */
IA_MUST bool ia_frame_read(ia_frame_reader *r, ia_frame *out, int timeout_ms, ia_err *e);

#endif
