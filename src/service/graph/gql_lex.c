/* Tokens of GraphQL documents (October 2021, section 2.1). */
#include "service/graph/gql_lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int ia_gql_shown(ia_span s)
{
  size_t n = s.len < 40 ? s.len : 40;

  while (n > 0 && n < s.len && (s.ptr[n] & 0xc0) == 0x80)
    n--;
  return (int)n;
}

void ia_gql_place(ia_span text, size_t at, unsigned *line, unsigned *column)
{
  *line = *column = 1;
  for (size_t i = 0; i < at && i < text.len; i++) {
    bool feed = text.ptr[i] == '\n';
    /* "\r\n" is one line end */
    bool alone = text.ptr[i] == '\r' && !(i + 1 < text.len && text.ptr[i + 1] == '\n');

    *column += (text.ptr[i] & 0xc0) != 0x80; /* characters, not bytes */
    if (feed || alone) {
      ++*line;
      *column = 1;
    }
  }
}

bool gql_fail(gql_lexer *l, size_t at, ia_err *e, const char *fmt, ...)
{
  unsigned line, column;
  char what[120];
  va_list ap;

  va_start(ap, fmt);
  if (vsnprintf(what, sizeof(what), fmt, ap) < 0)
    what[0] = '\0';
  va_end(ap);
  l->failed = at;
  ia_gql_place(l->text, at, &line, &column);
  return ia_fail(e, IA_E_PARSE, "line %u, column %u: %s", line, column, what);
}

static int peek(const gql_lexer *l, size_t ahead)
{
  return l->at + ahead < l->text.len ? l->text.ptr[l->at + ahead] : -1;
}

static bool is_name_start(int c)
{
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(int c)
{
  return c >= '0' && c <= '9';
}

/* White space, line ends, commas, comments, and the mark of byte order. */
static void skip_ignored(gql_lexer *l)
{
  for (int c; (c = peek(l, 0)) >= 0;) {
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',')
      l->at++;
    else if (c == '#')
      while (peek(l, 0) >= 0 && peek(l, 0) != '\n' && peek(l, 0) != '\r')
        l->at++;
    else if (c == 0xef && peek(l, 1) == 0xbb && peek(l, 2) == 0xbf)
      l->at += 3;
    else
      return;
  }
}

static void take(gql_lexer *l, gql_token *out, gql_token_kind kind, size_t n)
{
  *out = (gql_token){kind, ia_span_of(l->text.ptr + l->at, n), l->at};
  l->at += n;
}

/* One digit at least from `n` on; a leading zero stands alone. */
static bool digits(gql_lexer *l, size_t *n, bool zero_alone, ia_err *e)
{
  if (!is_digit(peek(l, *n)))
    return gql_fail(l, l->at + *n, e, "a digit is wanted here");
  if (zero_alone && peek(l, *n) == '0') {
    ++*n;
    return !is_digit(peek(l, *n)) ||
           gql_fail(l, l->at + *n, e, "a number begins with a needless 0");
  }
  while (is_digit(peek(l, *n)))
    ++*n;
  return true;
}

static bool number(gql_lexer *l, gql_token *out, ia_err *e)
{
  gql_token_kind kind = GQL_NUMBER_INT;
  size_t n = peek(l, 0) == '-';

  if (!digits(l, &n, true, e))
    return false;
  if (peek(l, n) == '.') {
    kind = GQL_NUMBER_FLOAT;
    n++;
    if (!digits(l, &n, false, e))
      return false;
  }
  if (peek(l, n) == 'e' || peek(l, n) == 'E') {
    kind = GQL_NUMBER_FLOAT;
    n++;
    n += peek(l, n) == '+' || peek(l, n) == '-';
    if (!digits(l, &n, false, e))
      return false;
  }
  if (peek(l, n) == '.' || is_name_start(peek(l, n)))
    return gql_fail(l, l->at + n, e, "a number ends here");
  take(l, out, kind, n);
  return true;
}

static bool block_string(gql_lexer *l, gql_token *out, ia_err *e)
{
  size_t start = l->at, n = 3;

  for (;;) {
    if (peek(l, n) < 0)
      return gql_fail(l, start, e, "a block string does not end");
    if (peek(l, n) == '\\' && peek(l, n + 1) == '"' && peek(l, n + 2) == '"' &&
        peek(l, n + 3) == '"')
      n += 4;
    else if (peek(l, n) == '"' && peek(l, n + 1) == '"' && peek(l, n + 2) == '"')
      break;
    else
      n++;
  }
  *out = (gql_token){GQL_TEXT_BLOCK, ia_span_of(l->text.ptr + start + 3, n - 3), start};
  l->at = start + n + 3;
  return true;
}

static bool string(gql_lexer *l, gql_token *out, ia_err *e)
{
  size_t start = l->at, n = 1;

  if (peek(l, 1) == '"' && peek(l, 2) == '"')
    return block_string(l, out, e);
  while (peek(l, n) != '"') {
    int c = peek(l, n);

    if (c < 0 || c == '\n' || c == '\r')
      return gql_fail(l, start, e, "a string does not end on its line");
    n += c == '\\' && peek(l, n + 1) >= 0 ? 2 : 1;
  }
  *out = (gql_token){GQL_TEXT, ia_span_of(l->text.ptr + start + 1, n - 1), start};
  l->at = start + n + 1;
  return true;
}

bool gql_next(gql_lexer *l, gql_token *out, ia_err *e)
{
  skip_ignored(l);
  if (++l->tokens > IA_GQL_TOKENS_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "a document of more than %d tokens", IA_GQL_TOKENS_MAX);
  int c = peek(l, 0);
  if (c < 0) {
    *out = (gql_token){GQL_END, {0}, l->text.len};
    return true;
  }
  if (is_name_start(c)) {
    size_t n = 1;

    while (is_name_start(peek(l, n)) || is_digit(peek(l, n)))
      n++;
    take(l, out, GQL_NAME, n);
    return true;
  }
  if (is_digit(c) || c == '-')
    return number(l, out, e);
  if (c == '"')
    return string(l, out, e);
  if (c == '.' && peek(l, 1) == '.' && peek(l, 2) == '.') {
    take(l, out, GQL_PUNCTUATOR, 3);
    return true;
  }
  if (c != 0 && strchr("!$&()=:@[]{|}", c)) {
    take(l, out, GQL_PUNCTUATOR, 1);
    return true;
  }
  return gql_fail(
      l, l->at, e,
      c > 0x20 && c < 0x7f ? "\"%c\" means nothing here" : "byte %02x means nothing here", c);
}

/* -- values of strings -- */
/* Hex digits from i on: exactly `want`, or up to '}' when want is 0. */
static bool hex(ia_span s, size_t *i, unsigned want, uint32_t *out)
{
  unsigned n = 0;

  *out = 0;
  for (; *i < s.len && (want == 0 || n < want); ++*i, n++) {
    uint8_t c = s.ptr[*i];
    uint32_t digit = c >= '0' && c <= '9'   ? c - (uint32_t)'0'
                     : c >= 'a' && c <= 'f' ? c - (uint32_t)'a' + 10
                     : c >= 'A' && c <= 'F' ? c - (uint32_t)'A' + 10
                                            : 16;
    if (want == 0 && c == '}')
      break;
    if (digit == 16 || n == 8 || *out > 0x10ffff)
      return false;
    *out = *out << 4 | digit;
  }
  return want == 0 ? n > 0 && *i < s.len && s.ptr[(*i)++] == '}' : n == want;
}

/* What follows "\u": four digits (two such make a surrogate pair), or {digits}. */
static bool unicode(ia_buf *out, ia_span s, size_t *i)
{
  bool braces = *i < s.len && s.ptr[*i] == '{';
  uint32_t c, low;

  *i += braces;
  if (!hex(s, i, braces ? 0 : 4, &c))
    return false;
  if (!braces && c >= 0xd800 && c < 0xdc00) {
    if (*i + 1 >= s.len || s.ptr[*i] != '\\' || s.ptr[*i + 1] != 'u')
      return false;
    *i += 2;
    if (!hex(s, i, 4, &low) || low < 0xdc00 || low > 0xdfff)
      return false;
    c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
  }
  if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
    return false;
  ia_buf_utf8(out, c);
  return true;
}

static bool quoted(ia_buf *out, gql_lexer *l, const gql_token *t, ia_err *e)
{
  static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
  ia_span s = t->text;

  for (size_t i = 0; i < s.len;) {
    size_t at = t->at + 1 + i;
    uint8_t c = s.ptr[i++];

    if (c != '\\') {
      ia_buf_u8(out, c);
      continue;
    }
    c = i < s.len ? s.ptr[i++] : 0;
    const char *known = c ? strchr(from, c) : NULL;
    if (known)
      ia_buf_u8(out, (uint8_t)to[known - from]);
    else if (c != 'u' || !unicode(out, s, &i))
      return gql_fail(l, at, e, "an escape that does not exist");
  }
  return true;
}

/* The next line of a raw block string, without its end; false after the last. */
static bool line_of(ia_span *rest, ia_span *line, bool *more)
{
  size_t n = 0;

  if (!*more)
    return false;
  while (n < rest->len && rest->ptr[n] != '\n' && rest->ptr[n] != '\r')
    n++;
  *line = ia_span_of(rest->ptr, n);
  *more = n < rest->len;
  if (*more)
    n += rest->ptr[n] == '\r' && n + 1 < rest->len && rest->ptr[n + 1] == '\n' ? 2 : 1;
  *rest = ia_span_of(rest->ptr + n, rest->len - n);
  return true;
}

static size_t indent_of(ia_span line)
{
  size_t n = 0;

  while (n < line.len && (line.ptr[n] == ' ' || line.ptr[n] == '\t'))
    n++;
  return n;
}

/* A line of a block string, where \""" stands for three quotes. */
static void put_line(ia_buf *out, ia_span line)
{
  for (size_t i = 0; i < line.len; i++) {
    if (line.len - i >= 4 && memcmp(line.ptr + i, "\\\"\"\"", 4) == 0)
      continue;
    ia_buf_u8(out, line.ptr[i]);
  }
}

/* BlockStringValue(): the common indent goes, and blank lines at both ends. */
static void block(ia_buf *out, ia_span s)
{
  size_t common = SIZE_MAX, i = 0, first = SIZE_MAX, last = 0;
  ia_span rest = s, line;
  bool more = true;

  for (; line_of(&rest, &line, &more); i++) {
    size_t indent = indent_of(line);

    if (indent == line.len)
      continue;
    if (i > 0 && indent < common)
      common = indent;
    first = first == SIZE_MAX ? i : first;
    last = i;
  }
  rest = s;
  more = first != SIZE_MAX;
  for (i = 0; line_of(&rest, &line, &more) && i <= last; i++) {
    size_t cut = i == 0 || common == SIZE_MAX ? 0 : common < line.len ? common : line.len;

    if (i < first)
      continue;
    if (i > first)
      ia_buf_u8(out, '\n');
    put_line(out, ia_span_of(line.ptr + cut, line.len - cut));
  }
}

bool gql_string(ia_buf *out, gql_lexer *l, const gql_token *t, ia_err *e)
{
  if (t->kind == GQL_TEXT_BLOCK)
    block(out, t->text);
  else if (!quoted(out, l, t, e))
    return false;
  return ia_buf_ok(out, e);
}
