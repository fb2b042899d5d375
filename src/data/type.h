/* Types of protected values: names in schemas, and the type of bytes by their first bytes. */
#ifndef IA_DATA_TYPE_H
#define IA_DATA_TYPE_H

#include "base/span.h"

typedef enum ia_type {
  IA_TYPE_BOOL,
  IA_TYPE_STRING,
  IA_TYPE_F64,
  IA_TYPE_I128,
  IA_TYPE_BOOLEAN, /* first format (v0): one byte */
  IA_TYPE_NUMBER,  /* first format (v0): decimal text */
  IA_TYPE_OCTETS,  /* application/octet-stream; the media types follow */
  IA_TYPE_PDF,
  IA_TYPE_XML,
  IA_TYPE_ZIP,
  IA_TYPE_MIDI,
  IA_TYPE_MPEG_AUDIO,
  IA_TYPE_WAV,
  IA_TYPE_BMP,
  IA_TYPE_GIF,
  IA_TYPE_JPEG,
  IA_TYPE_PNG,
  IA_TYPE_WEBP,
  IA_TYPE_MP4,
  IA_TYPE_MPEG_VIDEO,
  IA_TYPE_AVI,
  IA_TYPE_FOLDER, /* an object in the schema; not a name */
  IA_TYPE_COUNT
} ia_type;

enum { IA_MIME_HEAD = 16 }; /* first bytes that decide */

const char *ia_type_name(ia_type t); /* "f64", "image/png"; "" for a folder */
IA_MUST bool ia_type_parse(ia_type *out, const char *name);

static inline bool ia_type_is_bytes(ia_type t)
{
  return t >= IA_TYPE_OCTETS && t < IA_TYPE_FOLDER;
}

/* Type of a byte value from its first IA_MIME_HEAD bytes (or all, when shorter); the table of the
 * npm writer, quirks included. Never fails: octets when nothing matches. */
ia_type ia_mime_detect(ia_span head);

#endif
