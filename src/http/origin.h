/* Who asks, as browsers say it: names in Host, pages in Origin, Sec-Fetch-Site and Referer. A page
 * of anywhere can make a browser send requests to services on this machine; what the browser adds
 * tells them from those of programs. Pure. */
#ifndef IA_HTTP_ORIGIN_H
#define IA_HTTP_ORIGIN_H

#include "http/head.h"

/* "name", "name:port", "[v6]:port"; port 0 = none given. False when it is nothing of that. */
bool ia_host_split(ia_span host, ia_span *name, uint16_t *port);
/* localhost, 127.0.0.0/8, [::1] */
bool ia_host_is_loopback(ia_span name);
/* "http://name", "https://name:port"; a page of a loopback name, *.localhost too (RFC 6761). */
bool ia_origin_is_loopback(ia_span origin);
/* Whether a word of a comma-separated list is an origin, or "*". */
bool ia_origin_valid(ia_span word);
/* Whether that comma-separated list (may be NULL) has the word, in any case. */
bool ia_list_has(const char *list, ia_span word);

typedef enum ia_caller {
  IA_CALLER_PROGRAM, /* no page, or a page of ours */
  IA_CALLER_LOCAL,   /* a page of a loopback name */
  IA_CALLER_LISTED,  /* a page of a listed origin */
  IA_CALLER_FOREIGN, /* any other page, and pages that do not say which */
} ia_caller;
/* scheme: of the server; listed: comma-separated origins, "*" = all but "null"; may be NULL. */
ia_caller ia_caller_of(const ia_head *h, const char *scheme, const char *listed);

#endif
