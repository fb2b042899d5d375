/* Questions and answers on one stream. */
#include "guest/link.h"

#include <stdio.h>
#include <string.h>

#include "base/show.h"

enum { ANSWER_MAX = 1 << 20 };

void ia_link_init(ia_link *l, int fd)
{
  ia_frame_reader_init(&l->in, fd);
  l->next = 1;
}

void ia_link_free(ia_link *l)
{
  ia_frame_reader_free(&l->in);
}

bool ia_link_say(ia_link *l, uint8_t type, const json_t *v, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};

  if (!v)
    return ia_fail(e, IA_E_MEMORY, "frame");
  return ia_json_write(&text, v, e) &&
         ia_frame_write(l->in.fd, type, l->next++, ia_buf_view(&text), e);
}

void ia_link_log(ia_link *l, const char *line)
{
  (void)!ia_frame_write(l->in.fd, IA_FRAME_LOG, l->next++, ia_span_str(line), NULL);
}

bool ia_link_hear(ia_link *l, ia_frame *f, ia_err *e)
{
  if (!ia_frame_read(&l->in, f, -1, e))
    return false;
  if (f->type == IA_FRAME_END)
    return ia_fail(e, IA_E_CANCELLED, "the host ended the task");
  return true;
}

/* The next frame must be an answer to this question. */
static bool answer_of(ia_link *l, uint8_t type, uint32_t stream, ia_frame *f, ia_err *e)
{
  if (!ia_link_hear(l, f, e))
    return false;
  if (f->type != type || f->stream != stream)
    return ia_fail(e, IA_E_PARSE, "host: %s where an answer to %s was due", ia_frame_name(f->type),
                   ia_frame_name(type));
  return true;
}

bool ia_link_ask(ia_link *l, uint8_t type, ia_span question, ia_buf *answer, ia_err *e)
{
  uint32_t stream = l->next++;
  ia_frame f;

  if (!ia_frame_write(l->in.fd, type, stream, question, e) || !answer_of(l, type, stream, &f, e))
    return false;
  ia_buf_span(answer, f.payload);
  return ia_buf_ok(answer, e);
}

bool ia_link_post(ia_link *l, const char *path, const json_t *body, unsigned *status,
                  json_t **answer, ia_err *e)
{
  IA_AUTOV(ia_buf) question = {0}, got = {.cap = ANSWER_MAX};
  uint16_t code;

  ia_buf_lp_str(&question, path);
  if (!body)
    return ia_fail(e, IA_E_MEMORY, "message to the SMS");
  if (!ia_json_write(&question, body, e) || !ia_buf_ok(&question, e) ||
      !ia_link_ask(l, IA_FRAME_POST, ia_buf_view(&question), &got, e))
    return false;
  ia_span in = ia_buf_view(&got);
  if (!ia_span_u16be(&in, &code))
    return ia_fail(e, IA_E_PARSE, "host: short answer to POST");
  *status = code;
  *answer = ia_json_parse(in, 0, e);
  return *answer || ia_wrap(e, "answer of the SMS");
}

/* The host's word for a failed download: a code that we know, and its own sentence. */
static bool fetch_failed(ia_span text, uint64_t *size, ia_err *e)
{
  static const ia_code known[] = {IA_E_NOT_FOUND, IA_E_TOO_LARGE, IA_E_UNSUPPORTED};
  IA_AUTO_JSON *v = ia_json_parse(text, 0, NULL);
  const char *name = json_string_value(json_object_get(v, "code"));
  const char *words = json_string_value(json_object_get(v, "message"));
  json_int_t bytes = json_integer_value(json_object_get(v, "size"));
  ia_code said = name ? ia_code_from_name(name) : IA_E_UNAVAILABLE, code = IA_E_UNAVAILABLE;

  for (size_t i = 0; i < IA_COUNT(known); i++)
    code = said == known[i] ? said : code;
  *size = bytes > 0 ? (uint64_t)bytes : 0;
  if (!words || !words[0] || !ia_is_plain_text(ia_span_str(words)))
    words = "the host could not fetch it";
  return ia_fail(e, code, "%.180s", words);
}

static bool lose(ia_link *l)
{
  l->lost = true;
  return false;
}

/* The bytes of one chunk; over: that was the end. False: the host could not fetch it (size: what it
 * says of a file that is too large), or l->lost. */
static bool next_part(ia_link *l, uint32_t stream, ia_span *bytes, bool *over, uint64_t *size,
                      ia_err *e)
{
  uint8_t part;
  ia_frame f;

  *bytes = ia_span_of(NULL, 0);
  if (!answer_of(l, IA_FRAME_FETCH, stream, &f, e))
    return lose(l);
  if (!ia_span_u8(&f.payload, &part)) {
    (void)ia_fail(e, IA_E_PARSE, "host: empty part of a file");
    return lose(l);
  }
  if (part == IA_PART_ERROR)
    return fetch_failed(f.payload, size, e);
  *over = part == IA_PART_END;
  if ((part != IA_PART_CHUNK && !*over) || (*over && f.payload.len > 0)) {
    (void)ia_fail(e, IA_E_PARSE, "host: part %u of a file", part);
    return lose(l);
  }
  *bytes = f.payload;
  return true;
}

bool ia_link_fetch(ia_link *l, const char *kind, const char *uri, uint64_t max, ia_sink to,
                   uint64_t *size, ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:s,s:s,s:I}", "kind", kind, "uri", uri, "max", (json_int_t)max);
  uint32_t stream = l->next;
  uint64_t got = 0;
  bool over = false, kept = true; /* a file that is not kept is still read to its end */
  ia_span bytes;

  *size = 0;
  if (!ia_link_say(l, IA_FRAME_FETCH, v, e))
    return lose(l);
  while (!over) {
    if (!next_part(l, stream, &bytes, &over, size, e))
      return false;
    got += bytes.len;
    if (kept && got > max)
      kept = ia_fail(e, IA_E_TOO_LARGE, "more than %llu bytes", (unsigned long long)max);
    else if (kept)
      kept = ia_sink_write(to, bytes, e);
  }
  if (!kept)
    *size = got;
  return kept;
}

static bool put_bytes(ia_link *l, uint32_t stream, const ia_blob *bytes, ia_err *e)
{
  static const uint8_t chunk = IA_PART_CHUNK, end = IA_PART_END;
  IA_AUTOV(ia_buf) piece = {0};
  uint8_t *room = ia_buf_reserve(&piece, IA_FRAME_CHUNK);

  if (!room)
    return ia_buf_ok(&piece, e);
  for (uint64_t at = 0; at < bytes->size;) {
    uint64_t left = bytes->size - at;
    size_t n = left < IA_FRAME_CHUNK ? (size_t)left : IA_FRAME_CHUNK;

    if (!ia_blob_read(bytes, at, room, n, e) ||
        !ia_frame_write2(l->in.fd, IA_FRAME_PUT, stream, ia_span_of(&chunk, 1), ia_span_of(room, n),
                         e))
      return false;
    at += n;
  }
  return ia_frame_write(l->in.fd, IA_FRAME_PUT, stream, ia_span_of(&end, 1), e);
}

bool ia_link_put(ia_link *l, const char *name, const ia_blob *bytes, char cid[96], ia_err *e)
{
  IA_AUTO_JSON *v = json_pack("{s:s,s:I}", "name", name, "size", (json_int_t)bytes->size);
  IA_AUTO_JSON *answer = NULL;
  uint32_t stream = l->next;
  const char *text;
  ia_frame f;

  if (!ia_link_say(l, IA_FRAME_PUT, v, e) || !put_bytes(l, stream, bytes, e) ||
      !answer_of(l, IA_FRAME_PUT, stream, &f, e))
    return false;
  answer = ia_json_parse(f.payload, 0, e);
  if (!answer)
    return ia_wrap(e, "host: answer to PUT");
  if (json_object_get(answer, "error"))
    return ia_fail(e, IA_E_UNAVAILABLE, "the host could not store the %s", name);
  if (!ia_json_get_str(answer, "cid", &text, e))
    return false;
  int n = snprintf(cid, 96, "%s", text);
  return (n > 0 && n < 96) || ia_fail(e, IA_E_PARSE, "host: cid out of form");
}
