/* multipart/form-data, streaming. What is held back is at most the length of a delimiter, or one
 * part header. */
#include "http/multipart.h"

#include "http/fields.h"

enum { BOUNDARY_MAX = 70, HEADER_MAX = 4096, DELIM_MAX = BOUNDARY_MAX + 4 };

typedef enum state {
  ST_START,  /* before the first delimiter */
  ST_AFTER,  /* after a delimiter: "--" or CRLF */
  ST_HEADER, /* part header, up to an empty line */
  ST_DATA,
  ST_END, /* after the closing delimiter: the epilogue is dropped */
} state;

struct ia_multipart {
  ia_multipart_sink sink;
  size_t parts_left;
  char delim[DELIM_MAX + 1]; /* CRLF "--" boundary */
  size_t delim_len;
  state st;
  ia_buf held; /* bytes not decided yet */
};

/* RFC 2046 5.1.1 bchars without the blank */
static bool boundary_ok(ia_span b)
{
  for (size_t i = 0; i < b.len; i++) {
    uint8_t c = b.ptr[i];
    bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    if (!alnum && (c == 0 || !strchr("'()+_,-./:=?", c)))
      return false;
  }
  return b.len > 0 && b.len <= BOUNDARY_MAX;
}

/* Next "; name=value" or "; name="value"" of a field; false when there is none or it is malformed.
 */
static bool next_param(ia_span *in, ia_span *name, ia_span *value)
{
  ia_span skip;

  *in = ia_span_trim(*in);
  if (in->len == 0 || in->ptr[0] != ';' || !ia_span_take(in, 1, &skip))
    return false;
  *in = ia_span_trim(*in);
  size_t n = 0;
  while (n < in->len && in->ptr[n] != '=' && in->ptr[n] != ';')
    n++;
  if (n == in->len || in->ptr[n] != '=' || !ia_span_take(in, n, name) ||
      !ia_span_take(in, 1, &skip))
    return false;
  if (in->len > 0 && in->ptr[0] == '"') {
    const uint8_t *close = in->len > 1 ? memchr(in->ptr + 1, '"', in->len - 1) : NULL;

    if (!close)
      return false;
    *value = ia_span_of(in->ptr + 1, (size_t)(close - in->ptr) - 1);
    return ia_span_take(in, value->len + 2, &skip);
  }
  for (n = 0; n < in->len && in->ptr[n] != ';'; n++)
    continue;
  if (!ia_span_take(in, n, value))
    return false;
  *value = ia_span_trim(*value);
  return true;
}

static bool read_boundary(ia_multipart *m, ia_span type, ia_err *e)
{
  static const char want[] = "multipart/form-data";
  ia_span head, name, value, boundary = {0};

  type = ia_span_trim(type);
  if (!ia_span_take(&type, sizeof(want) - 1, &head) || !ia_span_is_nocase(head, want))
    return ia_fail(e, IA_E_INVALID, "want a body of type multipart/form-data");
  while (next_param(&type, &name, &value))
    if (ia_span_is_nocase(name, "boundary"))
      boundary = value;
  if (!boundary_ok(boundary))
    return ia_fail(e, IA_E_INVALID, "multipart/form-data without a usable boundary");
  m->delim_len = boundary.len + 4;
  memcpy(m->delim, "\r\n--", 4);
  memcpy(m->delim + 4, boundary.ptr, boundary.len);
  return true;
}

bool ia_multipart_new(ia_multipart **out, ia_span content_type, size_t max_parts,
                      const ia_multipart_sink *sink, ia_err *e)
{
  ia_multipart *m = calloc(1, sizeof(*m));

  if (!m)
    return ia_fail(e, IA_E_MEMORY, "no memory for multipart");
  m->sink = *sink;
  m->parts_left = max_parts;
  m->held.cap = HEADER_MAX + DELIM_MAX + 128;
  /* so that the first delimiter, which needs no CRLF before it, looks like every other */
  ia_buf_put(&m->held, "\r\n", 2);
  if (!read_boundary(m, content_type, e)) {
    ia_multipart_free(m);
    return false;
  }
  *out = m;
  return true;
}

void ia_multipart_free(ia_multipart *m)
{
  if (!m)
    return;
  ia_buf_free(&m->held);
  free(m);
}

/* Where the delimiter begins in s, or where a beginning of it stands at the end; s.len when
 * neither.
 */
static size_t find(const ia_multipart *m, ia_span s, bool *whole)
{
  for (size_t at = 0; at < s.len; at++) {
    const uint8_t *p = memchr(s.ptr + at, '\r', s.len - at);

    if (!p)
      break;
    at = (size_t)(p - s.ptr);
    size_t n = s.len - at < m->delim_len ? s.len - at : m->delim_len;
    if (memcmp(p, m->delim, n) == 0) {
      *whole = n == m->delim_len;
      return at;
    }
  }
  *whole = false;
  return s.len;
}

static void copy_text(char *dst, size_t size, ia_span v)
{
  size_t n = v.len < size - 1 ? v.len : size - 1;

  if (n > 0)
    memcpy(dst, v.ptr, n);
  dst[n] = '\0';
}

static bool disposition(ia_part *p, ia_span v, ia_err *e)
{
  IA_AUTOV(ia_buf) plain = {.cap = HEADER_MAX};
  ia_span head, name, value;

  if (!ia_span_take(&v, 9, &head) || !ia_span_is_nocase(head, "form-data"))
    return ia_fail(e, IA_E_PARSE, "multipart: a part that is not form-data");
  while (next_param(&v, &name, &value)) {
    if (ia_span_is_nocase(name, "name"))
      copy_text(p->name, sizeof(p->name), value);
    if (!ia_span_is_nocase(name, "filename"))
      continue;
    ia_buf_clear(&plain);
    if (!ia_percent_decode(&plain, value, false) || !ia_utf8_valid(ia_buf_view(&plain)) ||
        (plain.len > 0 && memchr(plain.ptr, 0, plain.len)))
      return ia_fail(e, IA_E_PARSE, "multipart: a file name that is not text");
    if (plain.len >= sizeof(p->filename))
      return ia_fail(e, IA_E_TOO_LARGE, "multipart: a file name of %zu bytes; the limit is %zu",
                     plain.len, sizeof(p->filename) - 1);
    copy_text(p->filename, sizeof(p->filename), ia_buf_view(&plain));
  }
  return ia_span_trim(v).len == 0 || ia_fail(e, IA_E_PARSE, "multipart: odd Content-Disposition");
}

/* head: lines that each end in CRLF, without the empty one. */
static bool read_header(ia_part *p, ia_span head, ia_err *e)
{
  ia_span line, skip;

  *p = (ia_part){"", "", ""};
  while (head.len > 0) {
    const uint8_t *cr = memchr(head.ptr, '\r', head.len);

    if (!cr || !ia_span_take(&head, (size_t)(cr - head.ptr), &line) ||
        !ia_span_take(&head, 2, &skip) || skip.ptr[1] != '\n')
      return ia_fail(e, IA_E_PARSE, "multipart: a part header line without CRLF");
    const uint8_t *colon = line.len > 0 ? memchr(line.ptr, ':', line.len) : NULL;
    if (!colon)
      return ia_fail(e, IA_E_PARSE, "multipart: a part header line without a colon");
    ia_span name = ia_span_of(line.ptr, (size_t)(colon - line.ptr));
    ia_span value = ia_span_trim(ia_span_of(colon + 1, line.len - name.len - 1));
    if (memchr(line.ptr, 0, line.len) || memchr(line.ptr, '\n', line.len))
      return ia_fail(e, IA_E_PARSE, "multipart: a control byte in a part header");
    if (ia_span_is_nocase(name, "content-disposition") && !disposition(p, value, e))
      return false;
    if (ia_span_is_nocase(name, "content-type"))
      copy_text(p->type, sizeof(p->type), value);
  }
  return true;
}

/* Each step takes what it can from the front of s. *more is false when it needs more bytes. */
static bool step_delimiter(ia_multipart *m, ia_span *s, bool *more, ia_err *e)
{
  bool whole;
  size_t at = find(m, *s, &whole);
  ia_span part;

  if (m->st == ST_START && at > 0)
    return ia_fail(e, IA_E_PARSE, "multipart: bytes before the first delimiter");
  if (!ia_span_take(s, at, &part))
    return false;
  if (m->st == ST_DATA && part.len > 0 && !m->sink.data(m->sink.ctx, part, e))
    return false;
  *more = whole;
  if (!whole)
    return true;
  if (m->st == ST_DATA && !m->sink.end(m->sink.ctx, e))
    return false;
  m->st = ST_AFTER;
  return ia_span_take(s, m->delim_len, &part);
}

static bool step_after(ia_multipart *m, ia_span *s, bool *more, ia_err *e)
{
  ia_span two;

  *more = ia_span_take(s, 2, &two);
  if (!*more)
    return true;
  if (ia_span_is(two, "--"))
    m->st = ST_END;
  else if (ia_span_is(two, "\r\n"))
    m->st = ST_HEADER;
  else
    return ia_fail(e, IA_E_PARSE, "multipart: a delimiter must end its line");
  return true;
}

static bool step_header(ia_multipart *m, ia_span *s, bool *more, ia_err *e)
{
  ia_part p;
  ia_span head, end;
  const uint8_t *at = NULL;

  if (s->len >= 2 && memcmp(s->ptr, "\r\n", 2) == 0)
    at = s->ptr;
  else if (s->len >= 4 && (at = memmem(s->ptr, s->len, "\r\n\r\n", 4)))
    at += 2;
  *more = at != NULL;
  if ((at ? (size_t)(at - s->ptr) : s->len) > HEADER_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "multipart: part header above %d bytes", HEADER_MAX);
  if (!at)
    return true;
  if (m->parts_left-- == 0)
    return ia_fail(e, IA_E_TOO_LARGE, "multipart: too many parts");
  if (!ia_span_take(s, (size_t)(at - s->ptr), &head) || !read_header(&p, head, e) ||
      !m->sink.begin(m->sink.ctx, &p, e))
    return false;
  m->st = ST_DATA;
  /* the CRLF of the empty line is not data; a delimiter of an empty part begins with its own */
  return ia_span_take(s, 2, &end);
}

static bool advance(ia_multipart *m, ia_span *s, ia_err *e)
{
  bool more = true, ok = true;

  while (more && ok && m->st != ST_END)
    switch (m->st) {
    case ST_START:
    case ST_DATA: ok = step_delimiter(m, s, &more, e); break;
    case ST_AFTER: ok = step_after(m, s, &more, e); break;
    case ST_HEADER: ok = step_header(m, s, &more, e); break;
    case ST_END: break;
    }
  return ok;
}

/* New bytes join what is held only as far as needed to decide it; the rest is read in place. */
static bool join_held(ia_multipart *m, ia_span *bytes, ia_err *e)
{
  while (m->held.len > 0 && bytes->len > 0 && m->st != ST_END) {
    ia_span part;
    size_t n = bytes->len < 128 ? bytes->len : 128;

    if (!ia_span_take(bytes, n, &part))
      return false;
    ia_buf_span(&m->held, part);
    if (!ia_buf_ok(&m->held, e))
      return ia_fail(e, IA_E_TOO_LARGE, "multipart: part header above %d bytes", HEADER_MAX);
    ia_span s = ia_buf_view(&m->held);
    if (!advance(m, &s, e))
      return false;
    memmove(m->held.ptr, s.ptr, s.len);
    m->held.len = s.len;
  }
  return true;
}

bool ia_multipart_feed(ia_multipart *m, ia_span bytes, ia_err *e)
{
  if (!join_held(m, &bytes, e))
    return false;
  if (m->st == ST_END || bytes.len == 0)
    return true;
  if (!advance(m, &bytes, e))
    return false;
  if (m->st != ST_END)
    ia_buf_span(&m->held, bytes);
  return ia_buf_ok(&m->held, e);
}

bool ia_multipart_finish(ia_multipart *m, ia_err *e)
{
  return m->st == ST_END || ia_fail(e, IA_E_PARSE, "multipart: cut short");
}
