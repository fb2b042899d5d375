/* Hosts, origins, and what they make of a caller. */
#include "http/origin.h"

#include <arpa/inet.h>
#include <string.h>

static bool take_port(ia_span text, uint16_t *port)
{
  unsigned v = 0;

  for (size_t i = 0; i < text.len; i++) {
    if (text.ptr[i] < '0' || text.ptr[i] > '9')
      return false;
    v = v * 10 + (unsigned)(text.ptr[i] - '0');
    if (v > UINT16_MAX)
      return false;
  }
  *port = (uint16_t)v;
  return v > 0;
}

static bool is_name(ia_span name)
{
  for (size_t i = 0; i < name.len; i++) {
    uint8_t c = name.ptr[i];
    bool alnum = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');

    if (!alnum && (c == 0 || !strchr("-._", c)))
      return false;
  }
  return name.len > 0;
}

static bool address(ia_span name, int family, void *out)
{
  char text[INET6_ADDRSTRLEN];

  if (name.len == 0 || name.len >= sizeof(text))
    return false;
  memcpy(text, name.ptr, name.len);
  text[name.len] = '\0';
  return strlen(text) == name.len && inet_pton(family, text, out) == 1;
}

bool ia_host_split(ia_span host, ia_span *name, uint16_t *port)
{
  bool v6 = host.len > 0 && host.ptr[0] == '[';
  const uint8_t *end = host.len > 0 ? memchr(host.ptr, v6 ? ']' : ':', host.len) : NULL;
  size_t n = end ? (size_t)(end - host.ptr) + v6 : host.len;
  struct in6_addr a;

  *port = 0;
  if ((v6 && !end) || !ia_span_take(&host, n, name))
    return false;
  if (v6 ? !address(ia_span_of(name->ptr + 1, n - 2), AF_INET6, &a) : !is_name(*name))
    return false;
  return host.len == 0 ||
         (host.ptr[0] == ':' && take_port(ia_span_of(host.ptr + 1, host.len - 1), port));
}

bool ia_host_is_loopback(ia_span name)
{
  struct in6_addr v6;
  struct in_addr v4;

  if (name.len > 2 && name.ptr[0] == '[')
    return address(ia_span_of(name.ptr + 1, name.len - 2), AF_INET6, &v6) &&
           IN6_IS_ADDR_LOOPBACK(&v6);
  if (address(name, AF_INET, &v4))
    return ntohl(v4.s_addr) >> 24 == 127;
  return ia_span_is_nocase(name, "localhost");
}

/* Behind the scheme of a page. */
static bool page_host(ia_span origin, ia_span *host)
{
  static const char *const schemes[] = {"http://", "https://"};

  for (size_t i = 0; i < IA_COUNT(schemes); i++) {
    size_t n = strlen(schemes[i]);

    if (origin.len > n && ia_span_is_nocase(ia_span_of(origin.ptr, n), schemes[i])) {
      *host = ia_span_of(origin.ptr + n, origin.len - n);
      return true;
    }
  }
  return false;
}

bool ia_origin_is_loopback(ia_span origin)
{
  static const char below[] = ".localhost";
  const size_t n = sizeof(below) - 1;
  ia_span host, name;
  uint16_t port;

  if (!page_host(origin, &host) || !ia_host_split(host, &name, &port))
    return false;
  return ia_host_is_loopback(name) ||
         (name.len > n && ia_span_is_nocase(ia_span_of(name.ptr + name.len - n, n), below));
}

/* Extensions of browsers have schemes of their own: scheme "://" name [":" port]. */
bool ia_origin_valid(ia_span word)
{
  const uint8_t *colon = word.len > 0 ? memchr(word.ptr, ':', word.len) : NULL;
  ia_span scheme, rest = word, slashes, name;
  uint16_t port;

  if (ia_span_is(word, "*"))
    return true;
  if (!colon || !ia_span_take(&rest, (size_t)(colon - word.ptr), &scheme) ||
      !ia_span_take(&rest, 3, &slashes) || !ia_span_is(slashes, "://"))
    return false;
  return is_name(scheme) && ia_host_split(rest, &name, &port);
}

static bool same(ia_span a, ia_span b)
{
  if (a.len != b.len)
    return false;
  for (size_t i = 0; i < a.len; i++) {
    uint8_t x = a.ptr[i], y = b.ptr[i];

    x = x >= 'A' && x <= 'Z' ? (uint8_t)(x + 32) : x;
    y = y >= 'A' && y <= 'Z' ? (uint8_t)(y + 32) : y;
    if (x != y)
      return false;
  }
  return true;
}

bool ia_list_has(const char *list, ia_span word)
{
  while (list && *list) {
    size_t n = strcspn(list, ",");

    if (n > 0 && same(ia_span_trim(ia_span_of(list, n)), word))
      return true;
    list += n;
    list += *list == ',';
  }
  return false;
}

static bool is_own(const ia_head *h, const char *scheme, ia_span origin)
{
  ia_span host = ia_head_field(h, "host"), start;
  size_t n = strlen(scheme);

  return host.len > 0 && ia_span_take(&origin, n, &start) && ia_span_is_nocase(start, scheme) &&
         origin.len > 3 && memcmp(origin.ptr, "://", 3) == 0 &&
         same(ia_span_of(origin.ptr + 3, origin.len - 3), host);
}

static ia_caller of_page(const ia_head *h, const char *scheme, const char *listed, ia_span origin)
{
  if (is_own(h, scheme, origin))
    return IA_CALLER_PROGRAM;
  if (ia_origin_is_loopback(origin))
    return IA_CALLER_LOCAL;
  if (!ia_origin_valid(origin) || ia_span_is(origin, "*"))
    return IA_CALLER_FOREIGN;
  return ia_list_has(listed, origin) || ia_list_has(listed, ia_span_str("*")) ? IA_CALLER_LISTED
                                                                              : IA_CALLER_FOREIGN;
}

/* scheme://host of a URL. */
static ia_span origin_of(ia_span url)
{
  size_t slashes = 0;

  for (size_t i = 0; i < url.len; i++)
    if ((url.ptr[i] == '/' && ++slashes == 3) || url.ptr[i] == '?' || url.ptr[i] == '#')
      return ia_span_of(url.ptr, i);
  return url;
}

ia_caller ia_caller_of(const ia_head *h, const char *scheme, const char *listed)
{
  ia_span origin = ia_head_field(h, "origin"), site = ia_head_field(h, "sec-fetch-site");
  ia_span from = ia_head_field(h, "referer");

  if (origin.len > 0)
    return of_page(h, scheme, listed, origin);
  /* images, scripts and links bear no Origin; only their page's address may tell where they are */
  if (from.len > 0)
    return of_page(h, scheme, listed, origin_of(from));
  return site.len == 0 || ia_span_is_nocase(site, "none") || ia_span_is_nocase(site, "same-origin")
             ? IA_CALLER_PROGRAM
             : IA_CALLER_FOREIGN;
}
