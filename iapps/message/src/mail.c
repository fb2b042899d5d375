/* Headers, body, the text of an HTML body. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "mail.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "text.h"

enum {
  WORD = 39,    /* bytes of text in one encoded word: no line is longer than 76 (RFC 2047 2) */
  COLUMNS = 76, /* characters of base64 in a line (RFC 2045 6.8) */
  PLAIN = 60,   /* longest text that stands in a header as it is */
};

#define BOUNDARY "=_message" /* no line of base64 begins with two hyphens */

/* -- headers -- */
static bool is_plain(const char *s)
{
  for (const char *p = s; *p; p++)
    if ((unsigned char)*p < 0x20 || (unsigned char)*p > 0x7e)
      return false;
  return strlen(s) <= PLAIN && !strstr(s, "=?");
}

static void put_words(FILE *out, const char *s)
{
  size_t left = strlen(s);

  for (bool first = true; left > 0; first = false) {
    size_t n = 0;
    uint32_t point;

    for (size_t len; n < left; n += len) {
      len = text_char(&point, s + n, left - n);
      if (len == 0 || n + len > WORD)
        break;
    }
    if (n == 0)
      return;
    fputs(first ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?", out);
    text_put_base64(out, s, n, 0);
    fputs("?=", out);
    s += n;
    left -= n;
  }
}

static void put_subject(FILE *out, const char *s)
{
  fputs("Subject: ", out);
  if (is_plain(s))
    fputs(s, out);
  else
    put_words(out, s);
  fputs("\r\n", out);
}

static void put_from(FILE *out, const mail *m)
{
  char name[600];

  (void)snprintf(name, sizeof(name), "%s%sWeb3mail", m->name, m->name[0] ? " via " : "");
  fputs("From: ", out);
  if (is_plain(name)) {
    putc('"', out);
    for (const char *p = name; *p; p++) {
      if (*p == '"' || *p == '\\')
        putc('\\', out);
      putc(*p, out);
    }
    putc('"', out);
  } else {
    put_words(out, name);
  }
  fprintf(out, "\r\n <%s>\r\n", m->from);
}

/* -- the text of HTML -- */
/* After the end of the element that begins at p, when its content is no text; else p. */
static const char *skip_element(const char *p, const char *end)
{
  static const char *const names[] = {"script", "style", "title"};

  if (end - p > 4 && strncmp(p, "<!--", 4) == 0) {
    const char *stop = memmem(p + 4, (size_t)(end - p) - 4, "-->", 3);
    return stop ? stop + 3 : end;
  }
  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    size_t n = strlen(names[i]);

    if (strncasecmp(p + 1, names[i], n) != 0 || isalnum((unsigned char)p[1 + n]))
      continue;
    for (const char *q = p + 1; (q = memmem(q, (size_t)(end - q), "</", 2)); q += 2)
      if (strncasecmp(q + 2, names[i], n) == 0)
        return q;
    return end;
  }
  return p;
}

static bool breaks_line(const char *tag)
{
  static const char *const names[] = {"br",  "/p",  "/div", "/li", "/tr", "/h1", "/h2",
                                      "/h3", "/h4", "/h5",  "/h6", "hr",  "/ul", "/ol"};

  for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
    size_t n = strlen(names[i]);

    if (strncasecmp(tag, names[i], n) == 0 && !isalnum((unsigned char)tag[n]))
      return true;
  }
  return false;
}

/* Writes what the reference at p stands for; its length, or 0 when it is none. */
static size_t put_reference(FILE *out, const char *p)
{
  static const struct {
    const char *name;
    uint32_t point;
  } known[] = {{"&amp;", '&'},  {"&lt;", '<'},    {"&gt;", '>'},
               {"&quot;", '"'}, {"&apos;", '\''}, {"&nbsp;", ' '}};
  char *stop;

  for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
    if (strncmp(p, known[i].name, strlen(known[i].name)) == 0) {
      text_put_char(out, known[i].point);
      return strlen(known[i].name);
    }
  bool hex = p[1] == '#' && (p[2] == 'x' || p[2] == 'X');
  const char *digits = p + (hex ? 3 : 2);
  if (p[1] != '#' || !isxdigit((unsigned char)*digits))
    return 0;
  unsigned long v = strtoul(digits, &stop, hex ? 16 : 10);
  bool text = (v >= 0x20 || v == '\n') && v != 0x7f && v <= 0x10ffff && (v < 0xd800 || v > 0xdfff);
  if (*stop != ';' || !text)
    return 0;
  text_put_char(out, (uint32_t)v);
  return (size_t)(stop - p) + 1;
}

static void put_text_of_html(FILE *out, const char *p, const char *end)
{
  while (p < end) {
    size_t n;

    if (*p == '<') {
      const char *after = skip_element(p, end);

      if (after != p) {
        p = after;
        continue;
      }
      const char *stop = strchr(p, '>');
      if (stop && breaks_line(p + 1))
        putc('\n', out);
      p = stop ? stop + 1 : end;
    } else if (*p == '&' && (n = put_reference(out, p)) > 0) {
      p += n;
    } else {
      n = 1 + strcspn(p + 1, "<&");
      (void)fwrite(p, 1, n, out);
      p += n;
    }
  }
}

/* -- bodies -- */
/* Every line ends in CRLF before it is encoded (RFC 2045 6.8). A NUL stands behind the n bytes. */
static void put_body(FILE *out, const char *type, const char *p, size_t n)
{
  char *lines = NULL;
  size_t len = 0;
  FILE *canonical = open_memstream(&lines, &len);

  if (!canonical)
    return;
  for (const char *at = p, *end = p + n; at < end;) {
    size_t run = strcspn(at, "\r\n");

    (void)fwrite(at, 1, run, canonical);
    at += run;
    if (at < end) {
      (void)fputs("\r\n", canonical);
      at += at[0] == '\r' && at[1] == '\n' ? 2 : 1;
    }
  }
  if (fclose(canonical) == 0) {
    fprintf(out,
            "Content-Type: %s; charset=utf-8\r\n"
            "Content-Transfer-Encoding: base64\r\n\r\n",
            type);
    text_put_base64(out, lines, len, COLUMNS);
    fputs("\r\n", out);
  }
  free(lines);
}

/* HTML never alone: who does not want it, or is not shown it, reads the text. */
static bool put_both(FILE *out, const mail *m)
{
  char *text = NULL;
  size_t len = 0;
  FILE *plain = open_memstream(&text, &len);

  if (!plain)
    return false;
  put_text_of_html(plain, m->content, m->content + m->n);
  bool ok = fclose(plain) == 0;
  fputs("Content-Type: multipart/alternative; boundary=\"" BOUNDARY "\"\r\n\r\n--" BOUNDARY "\r\n",
        out);
  put_body(out, "text/plain", text, ok ? len : 0);
  fputs("--" BOUNDARY "\r\n", out);
  put_body(out, "text/html", m->content, m->n);
  fputs("--" BOUNDARY "--\r\n", out);
  free(text);
  return ok;
}

static bool is_word(const char *s)
{
  for (const char *p = s; *p; p++)
    if (!isalnum((unsigned char)*p) && *p != '-' && *p != '_')
      return false;
  return strlen(s) <= 80;
}

char *mail_compose(const mail *m, size_t *n)
{
  char *text = NULL;
  bool ok = true;

  if (!is_word(m->protected_data))
    return NULL;
  FILE *out = open_memstream(&text, n);
  if (!out)
    return NULL;
  put_from(out, m);
  fputs("To: undisclosed-recipients:;\r\n", out);
  put_subject(out, m->subject);
  fprintf(out, "X-Protected-Data: %s\r\nMIME-Version: 1.0\r\n", m->protected_data);
  if (m->html)
    ok = put_both(out, m);
  else
    put_body(out, "text/plain", m->content, m->n);
  ok = !ferror(out) && ok;
  if (fclose(out) != 0 || !ok) {
    free(text);
    return NULL;
  }
  return text;
}
