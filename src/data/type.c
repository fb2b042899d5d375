/* Type names and magic bytes. */
#include "data/type.h"

static const char *const names[IA_TYPE_COUNT] = {
    [IA_TYPE_BOOL] = "bool",
    [IA_TYPE_STRING] = "string",
    [IA_TYPE_F64] = "f64",
    [IA_TYPE_I128] = "i128",
    [IA_TYPE_BOOLEAN] = "boolean",
    [IA_TYPE_NUMBER] = "number",
    [IA_TYPE_OCTETS] = "application/octet-stream",
    [IA_TYPE_PDF] = "application/pdf",
    [IA_TYPE_XML] = "application/xml",
    [IA_TYPE_ZIP] = "application/zip",
    [IA_TYPE_MIDI] = "audio/midi",
    [IA_TYPE_MPEG_AUDIO] = "audio/mpeg",
    [IA_TYPE_WAV] = "audio/x-wav",
    [IA_TYPE_BMP] = "image/bmp",
    [IA_TYPE_GIF] = "image/gif",
    [IA_TYPE_JPEG] = "image/jpeg",
    [IA_TYPE_PNG] = "image/png",
    [IA_TYPE_WEBP] = "image/webp",
    [IA_TYPE_MP4] = "video/mp4",
    [IA_TYPE_MPEG_VIDEO] = "video/mpeg",
    [IA_TYPE_AVI] = "video/x-msvideo",
    [IA_TYPE_FOLDER] = "",
};

const char *ia_type_name(ia_type t)
{
  return names[t];
}

bool ia_type_parse(ia_type *out, const char *name)
{
  for (int t = 0; t < IA_TYPE_FOLDER; t++) {
    if (strcmp(names[t], name) != 0)
      continue;
    *out = (ia_type)t;
    return true;
  }
  return false;
}

/* Longest match at offset 0 wins; a second pattern at offset 8 belongs to RIFF. Lengths are given
 * because patterns hold NUL bytes. */
static const struct magic {
  uint8_t len;
  const char *bytes;
  const char *at8; /* four bytes at offset 8, or NULL */
  ia_type type;
} magics[] = {
    {6, "GIF87a", NULL, IA_TYPE_GIF},
    {6, "GIF89a", NULL, IA_TYPE_GIF},
    {1, "G", NULL, IA_TYPE_MPEG_VIDEO}, /* a quirk of the npm table: a transport stream sync byte */
    {3, "\xff\xd8\xff", NULL, IA_TYPE_JPEG},
    {2, "\xff\xfb", NULL, IA_TYPE_MPEG_AUDIO},
    {2, "\xff\xf3", NULL, IA_TYPE_MPEG_AUDIO},
    {2, "\xff\xf2", NULL, IA_TYPE_MPEG_AUDIO},
    {3, "ID3", NULL, IA_TYPE_MPEG_AUDIO},
    {4, "RIFF", "WEBP", IA_TYPE_WEBP},
    {4, "RIFF", "WAVE", IA_TYPE_WAV},
    {4, "RIFF", "AVI ", IA_TYPE_AVI},
    {4, "\x00\x00\x01\xba", NULL, IA_TYPE_MPEG_VIDEO},
    {4, "\x00\x00\x01\xb3", NULL, IA_TYPE_MPEG_VIDEO},
    {4, "PK\x03\x04", NULL, IA_TYPE_ZIP},
    {4, "PK\x05\x06", NULL, IA_TYPE_ZIP},
    {4, "PK\x07\x08", NULL, IA_TYPE_ZIP},
    {2, "BM", NULL, IA_TYPE_BMP},
    {4, "MThd", NULL, IA_TYPE_MIDI},
    {8, "\x89PNG\r\n\x1a\n", NULL, IA_TYPE_PNG},
    {4, "%PDF", NULL, IA_TYPE_PDF},
    {7, "\xef\xbb\xbf%PDF", NULL, IA_TYPE_PDF},
    {6, "<?xml ", NULL, IA_TYPE_XML},
};

static bool at(ia_span head, size_t offset, const char *bytes, size_t n)
{
  return head.len >= offset + n && memcmp(head.ptr + offset, bytes, n) == 0;
}

/* ISO media: brands that the npm table knows under other names give nothing. */
static bool mp4(ia_span head)
{
  static const char *const others[] = {"mif1", "heic", "qt", "avif"};

  if (!at(head, 4, "ftyp", 4))
    return false;
  for (size_t i = 0; i < IA_COUNT(others); i++)
    if (at(head, 8, others[i], strlen(others[i])))
      return false;
  return true;
}

ia_type ia_mime_detect(ia_span head)
{
  ia_type best = IA_TYPE_OCTETS;
  size_t longest = 0;

  if (mp4(head))
    return IA_TYPE_MP4;
  for (size_t i = 0; i < IA_COUNT(magics); i++) {
    const struct magic *m = &magics[i];

    if (m->len <= longest || !at(head, 0, m->bytes, m->len) || (m->at8 && !at(head, 8, m->at8, 4)))
      continue;
    longest = m->len;
    best = m->type;
  }
  return best;
}
