/* printf with shown strings: the format is walked, each number is left to libc, each string goes
 * through the escapes of show.c. */
#include <stddef.h>
#include <string.h>

#include "base/show.h"

enum { NUMBER_MAX = 128, SPEC_MAX = 32 };

typedef struct spec {
  char text[SPEC_MAX]; /* "%-08.3ll" without the letter; no stars */
  size_t len;
  int width, precision; /* -1 = none */
  bool left, given;     /* given: the precision is a star, the length of bytes without a NUL */
  char size;            /* 0, 'l', 'q' (ll), 'z', 'j', 't', 'h' */
  char letter;
} spec;

/* How a string is set into the text around it. */
typedef enum place { PLAIN, IN_QUOTES, PAIR, IN_PAIR } place;

static void add(spec *s, char c)
{
  if (s->len + 1 < sizeof(s->text))
    s->text[s->len++] = c;
}

/* A number of the format, or of the arguments for a star. */
static const char *read_number(spec *s, const char *at, int *out, va_list *ap)
{
  char digits[16];

  if (*at == '*') {
    *out = va_arg(*ap, int);
    at++;
    int n = snprintf(digits, sizeof(digits), "%d", *out);
    for (int i = 0; i < n; i++)
      add(s, digits[i]);
    return at;
  }
  for (*out = 0; *at >= '0' && *at <= '9'; at++) {
    *out = *out < 100000 ? *out * 10 + (*at - '0') : *out;
    add(s, *at);
  }
  return at;
}

/* From behind the '%' to behind the letter. */
static const char *read_spec(spec *s, const char *at, va_list *ap)
{
  *s = (spec){.width = -1, .precision = -1};
  add(s, '%');
  for (; *at && strchr("-+ #0", *at); at++) {
    s->left |= *at == '-';
    add(s, *at);
  }
  if (*at == '*' || (*at >= '0' && *at <= '9'))
    at = read_number(s, at, &s->width, ap);
  if (*at == '.') {
    add(s, *at);
    s->given = at[1] == '*';
    at = read_number(s, at + 1, &s->precision, ap);
  }
  for (; *at && strchr("hlzjt", *at); at++) {
    s->size = s->size == 'l' && *at == 'l' ? 'q' : *at;
    add(s, *at);
  }
  s->letter = *at;
  add(s, *at);
  s->text[s->len] = '\0';
  return *at ? at + 1 : at;
}

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"

static void put_integer(ia_buf *out, const spec *s, va_list *ap)
{
  char text[NUMBER_MAX];
  int n;

  if (s->size == 'l')
    n = snprintf(text, sizeof(text), s->text, va_arg(*ap, long));
  else if (s->size == 'q')
    n = snprintf(text, sizeof(text), s->text, va_arg(*ap, long long));
  else if (s->size == 'z')
    n = snprintf(text, sizeof(text), s->text, va_arg(*ap, size_t));
  else if (s->size == 'j')
    n = snprintf(text, sizeof(text), s->text, va_arg(*ap, intmax_t));
  else if (s->size == 't')
    n = snprintf(text, sizeof(text), s->text, va_arg(*ap, ptrdiff_t));
  else
    n = snprintf(text, sizeof(text), s->text, va_arg(*ap, int));
  if (n > 0)
    ia_buf_put(out, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void put_double(ia_buf *out, const spec *s, va_list *ap)
{
  char text[NUMBER_MAX * 4];
  int n = snprintf(text, sizeof(text), s->text, va_arg(*ap, double));

  if (n > 0)
    ia_buf_put(out, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static void put_pointer(ia_buf *out, const spec *s, va_list *ap)
{
  char text[NUMBER_MAX];
  int n = snprintf(text, sizeof(text), s->text, va_arg(*ap, void *));

  if (n > 0)
    ia_buf_put(out, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

#pragma GCC diagnostic pop

/* Bytes of the character that begins with b; 1 for what begins none. */
static size_t whole(uint8_t b)
{
  return b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : b >= 0xc0 ? 2 : 1;
}

/* A text that was cut, without the part of a character at its end. */
static ia_span drop_part(ia_span text)
{
  for (size_t back = 1; back <= 3 && back <= text.len; back++) {
    uint8_t b = text.ptr[text.len - back];

    if ((b & 0xc0) != 0x80)
      return ia_span_of(text.ptr, whole(b) > back ? text.len - back : text.len);
  }
  return text;
}

static size_t columns(ia_span text)
{
  size_t n = 0;

  for (size_t i = 0; i < text.len; i++)
    n += (text.ptr[i] & 0xc0) != 0x80;
  return n;
}

/* Escapes once more what would end the quotes or the pair around a shown value. */
static void put_guarded(ia_buf *out, ia_span shown, bool blanks)
{
  for (size_t i = 0; i < shown.len; i++) {
    uint8_t c = shown.ptr[i];

    if (c == '"')
      ia_buf_str(out, "\\\"");
    else if (blanks && c == ' ')
      ia_buf_str(out, "\\x20");
    else
      ia_buf_u8(out, c);
  }
}

static bool needs_quotes(ia_span raw)
{
  for (size_t i = 0; i < raw.len; i++)
    if (raw.ptr[i] <= 0x20 || raw.ptr[i] >= 0x7f || strchr("\"=\\", raw.ptr[i]))
      return true;
  return raw.len == 0;
}

/* The bytes to show; *more: some were left out. */
static ia_span bytes_of(const spec *s, place where, const char *text, bool *more)
{
  if (!text)
    return ia_span_str("-");
  size_t max = s->precision >= 0 ? (size_t)s->precision : SIZE_MAX;
  ia_span raw = ia_span_of(text, max == SIZE_MAX ? strlen(text) : strnlen(text, max));

  if (raw.len == max && !s->given)
    raw = drop_part(raw);
  *more = (where == PAIR || where == IN_PAIR) && raw.len > IA_SHOW_PAIR_MAX;
  return *more ? drop_part(ia_span_of(raw.ptr, IA_SHOW_PAIR_MAX)) : raw;
}

static void pad(ia_buf *out, const spec *s, size_t used)
{
  for (size_t i = used; s->width > 0 && i < (size_t)s->width; i++)
    ia_buf_u8(out, ' ');
}

static void put_string(ia_buf *out, const spec *s, place where, const char *text)
{
  IA_AUTOV(ia_buf) shown = {0};
  bool more = false;
  ia_span raw = bytes_of(s, where, text, &more);
  bool quotes = where == PAIR && needs_quotes(raw);

  ia_show_value(&shown, raw);
  size_t used = columns(ia_buf_view(&shown));
  out->bad |= shown.bad;
  if (!s->left)
    pad(out, s, used);
  if (quotes)
    ia_buf_u8(out, '"');
  if (where == PLAIN)
    ia_buf_span(out, ia_buf_view(&shown));
  else
    put_guarded(out, ia_buf_view(&shown), where == IN_PAIR);
  ia_buf_str(out, more ? ".." : "");
  if (quotes)
    ia_buf_u8(out, '"');
  if (s->left)
    pad(out, s, used);
}

static place place_of(bool pairs, const char *fmt, const char *percent)
{
  char before = percent > fmt ? percent[-1] : ' ';

  if (before == '"')
    return IN_QUOTES;
  return !pairs ? PLAIN : before == '=' || before == ' ' ? PAIR : IN_PAIR;
}

static void put_char(ia_buf *out, int c)
{
  char text[2] = {(char)c, '\0'};

  ia_show_value(out, ia_span_str(text));
}

IA_PRINTF(3, 0) static void walk(ia_buf *out, bool pairs, const char *fmt, va_list *ap)
{
  const char *at = fmt;
  spec s;

  while (*at) {
    const char *percent = strchrnul(at, '%');

    ia_buf_put(out, at, (size_t)(percent - at));
    if (!*percent)
      return;
    at = read_spec(&s, percent + 1, ap);
    switch (s.letter) {
    case '%': ia_buf_u8(out, '%'); break;
    case 's': put_string(out, &s, place_of(pairs, fmt, percent), va_arg(*ap, const char *)); break;
    case 'c': put_char(out, va_arg(*ap, int)); break;
    case 'p': put_pointer(out, &s, ap); break;
    case 'f':
    case 'g':
    case 'e': put_double(out, &s, ap); break;
    case 'd':
    case 'i':
    case 'u':
    case 'x':
    case 'X':
    case 'o': put_integer(out, &s, ap); break;
    default: return; /* what follows would be misread */
    }
  }
}

void ia_show_vprintf(ia_buf *out, const char *fmt, va_list ap)
{
  va_list own;

  va_copy(own, ap);
  walk(out, false, fmt, &own);
  va_end(own);
}

void ia_show_vpairs(ia_buf *out, const char *fmt, va_list ap)
{
  va_list own;

  va_copy(own, ap);
  walk(out, true, fmt, &own);
  va_end(own);
}

void ia_show_printf(ia_buf *out, const char *fmt, ...)
{
  va_list ap;

  va_start(ap, fmt);
  ia_show_vprintf(out, fmt, ap);
  va_end(ap);
}

void ia_vprint(FILE *f, const char *fmt, va_list ap)
{
  IA_AUTOV(ia_buf) text = {0};

  ia_show_vprintf(&text, fmt, ap);
  if (!text.bad && text.len > 0)
    (void)fwrite(text.ptr, 1, text.len, f);
}

void ia_print(FILE *f, const char *fmt, ...)
{
  va_list ap;

  va_start(ap, fmt);
  ia_vprint(f, fmt, ap);
  va_end(ap);
}
