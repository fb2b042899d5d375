/* Names of zip entries: safe, distinct, or (lenient) cleaned. */
#include <stdio.h>

#include "base/show.h"
#include "data/zip_internal.h"

static bool word_byte(unsigned char c)
{
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' ||
         c == '-';
}

/* One part between slashes. */
static bool part_ok(const ia_zip *z, const char *p, size_t n)
{
  if (n == 0 || (n == 1 && p[0] == '.') || (n == 2 && p[0] == '.' && p[1] == '.'))
    return false;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)p[i];

    if (z->flags & IA_ZIP_PROTECTED ? !word_byte(c) : c < 0x20 || c == 0x7f || c == '\\')
      return false;
  }
  return true;
}

static bool strict_ok(const ia_zip *z, const char *name, size_t len)
{
  if (len > 0 && name[len - 1] == '/')
    len--;
  if (len == 0 || !ia_utf8_valid(ia_span_of(name, len)))
    return false;
  for (size_t from = 0; from <= len;) {
    size_t to = from;

    while (to < len && name[to] != '/')
      to++;
    if (!part_ok(z, name + from, to - from))
      return false;
    from = to + 1;
  }
  return true;
}

/* The rule of the npm reader: "." and inner empty parts go, ".." takes the part before it. The
 * result is never longer than the name. */
static void clean(char *name)
{
  size_t len = strlen(name), out = 0, n_parts = 0;

  for (size_t from = 0; from <= len;) {
    size_t to = from;

    while (to < len && name[to] != '/')
      to++;
    bool empty = to == from, edge = from == 0 || to == len;
    bool dot = to - from == 1 && name[from] == '.';
    bool up = to - from == 2 && name[from] == '.' && name[from + 1] == '.';

    if (up) {
      while (out > 0 && name[out - 1] != '/')
        out--;
      if (out > 0)
        out--;
      n_parts -= n_parts > 0;
    } else if (!dot && !(empty && !edge)) {
      if (n_parts++ > 0)
        name[out++] = '/';
      memmove(name + out, name + from, to - from);
      out += to - from;
    }
    from = to + 1;
  }
  name[out] = '\0';
}

bool ia_zip_name_ok(const ia_zip *z, char *name, size_t len, ia_err *e)
{
  if (z->flags & IA_ZIP_LENIENT) {
    clean(name);
    return true;
  }
  if (strlen(name) != len || !strict_ok(z, name, len))
    return ia_fail(e, IA_E_ZIP_UNSAFE_NAME, "the archive holds an entry with an unsafe name");
  return true;
}

bool ia_zip_shown_name(ia_buf *out, const ia_zip_entry *entry, ia_err *e)
{
  ia_span at = ia_span_str(entry->name);
  uint32_t c = 0;

  ia_buf_clear(out);
  for (size_t n; at.len > 0; at = ia_span_of(at.ptr + n, at.len - n)) {
    size_t valid = ia_utf8_char(at, &c);

    n = valid > 0 ? valid : 1;
    if (valid == 0)
      ia_buf_printf(out, "\\x%02x", at.ptr[0]);
    else if (ia_hidden_char(c))
      ia_buf_printf(out, c > 0xffff ? "\\U%08x" : "\\u%04x", c);
    else
      ia_buf_put(out, at.ptr, n);
  }
  ia_buf_u8(out, 0);
  return ia_buf_ok(out, e);
}

const ia_zip_entry *ia_zip_find_shown(const ia_zip *z, const char *name)
{
  const ia_zip_entry *exact = ia_zip_find(z, name);

  for (size_t i = 0; !exact && i < z->count; i++) {
    IA_AUTOV(ia_buf) shown = {0};

    if (ia_zip_shown_name(&shown, &z->entry[i], NULL) && strcmp((const char *)shown.ptr, name) == 0)
      exact = &z->entry[i];
  }
  return exact;
}

static int by_name(const void *a, const void *b)
{
  return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* `sorted` holds the names without the slash of folders, with a mark behind their end. A file
 * "a" with "a/b" elsewhere is found by looking up every parent of every name. */
static bool parents_are_folders(const ia_zip *z, char **sorted, char *scratch, ia_err *e)
{
  for (size_t i = 0; i < z->count; i++) {
    const char *name = z->entry[i].name;

    for (const char *p = strchr(name, '/'); p && p[1]; p = strchr(p + 1, '/')) {
      size_t n = (size_t)(p - name);

      memcpy(scratch, name, n);
      scratch[n] = '\0';
      char **hit = bsearch(&scratch, sorted, z->count, sizeof(*sorted), by_name);
      if (hit && (*hit)[n + 1] == 'f')
        return ia_fail(e, IA_E_ZIP_CORRUPT, "the archive has a file that is also a folder");
    }
  }
  return true;
}

bool ia_zip_names_distinct(const ia_zip *z, ia_err *e)
{
  size_t total = 0, longest = 0;

  for (size_t i = 0; i < z->count; i++) {
    size_t n = strlen(z->entry[i].name);

    total += n + 2;
    longest = n > longest ? n : longest;
  }
  ia_autofree char *text = malloc(total + 1);
  ia_autofree char *scratch = malloc(longest + 1);
  ia_autofree char **sorted = calloc(z->count + 1, sizeof(*sorted));
  if (!text || !scratch || !sorted)
    return ia_fail(e, IA_E_MEMORY, "no memory for %zu names", z->count);
  char *at = text;
  for (size_t i = 0; i < z->count; i++) {
    size_t n = strlen(z->entry[i].name) - (z->entry[i].folder ? 1 : 0);

    sorted[i] = at;
    memcpy(at, z->entry[i].name, n);
    at[n] = '\0';
    at[n + 1] = z->entry[i].folder ? 'd' : 'f';
    at += n + 2;
  }
  qsort(sorted, z->count, sizeof(*sorted), by_name);
  for (size_t i = 1; i < z->count; i++)
    if (strcmp(sorted[i - 1], sorted[i]) == 0)
      return ia_fail(e, IA_E_ZIP_CORRUPT, "the archive has two entries of one name");
  return parents_are_folders(z, sorted, scratch, e);
}
