#include "chain/endpoints.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* "https://user:secret@host:8545/v3/KEY?x" -> "https://host:8545" */
static void name_of(char *out, size_t size, const char *url)
{
  const char *slashes = strstr(url, "://"), *from = slashes ? slashes + 3 : url;
  size_t len = strcspn(from, "/?#");
  const char *at = memrchr(from, '@', len);

  if (at) {
    len -= (size_t)(at + 1 - from);
    from = at + 1;
  }
  (void)!snprintf(out, size, "%.*s%.*s", (int)(slashes ? slashes + 3 - url : 0), url, (int)len,
                  from);
}

bool ia_endpoints_parse(ia_endpoints *s, const char *list, ia_err *e)
{
  *s = (ia_endpoints){0};
  while (list && *list) {
    size_t len = strcspn(list, ",");
    ia_endpoint *p = &s->v[s->n];

    if (s->n == IA_ENDPOINTS_MAX || len == 0)
      return ia_fail(e, IA_E_INVALID, "ledger: want 1 to %d URLs with commas between",
                     IA_ENDPOINTS_MAX);
    p->url = strndup(list, len);
    if (!p->url)
      return ia_fail(e, IA_E_MEMORY, "ledger: out of memory");
    name_of(p->name, sizeof(p->name), p->url);
    for (size_t i = 0; i < s->n; i++)
      if (strcmp(s->v[i].url, p->url) == 0)
        return s->n++, ia_fail(e, IA_E_INVALID, "ledger: %s is named twice", p->name);
    s->n++;
    list += len;
    list += *list == ',';
  }
  return s->n > 0 || ia_fail(e, IA_E_INVALID, "ledger: no URL");
}

void ia_endpoints_free(ia_endpoints *s)
{
  for (size_t i = 0; i < s->n; i++)
    free(s->v[i].url);
  *s = (ia_endpoints){0};
}

bool ia_endpoints_next(const ia_endpoints *s, uint32_t tried, uint64_t now_ms, size_t *out)
{
  for (int resting = 0; resting < 2; resting++) {
    for (size_t k = 0; k < s->n; k++) {
      size_t i = (s->at + k) % s->n;
      const ia_endpoint *p = &s->v[i];

      if (!(tried & 1u << i) && !p->barred && (p->rest_until > now_ms) == (resting == 1)) {
        *out = i;
        return true;
      }
    }
  }
  return false;
}

void ia_endpoints_failed(ia_endpoints *s, size_t i, uint64_t now_ms)
{
  s->v[i].rest_until = now_ms + IA_ENDPOINT_REST_MS;
}

void ia_endpoints_worked(ia_endpoints *s, size_t i)
{
  s->v[i].rest_until = 0;
  s->at = i;
}

static int newest_first(const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

  return (x < y) - (x > y);
}

bool ia_endpoints_leave_laggard(ia_endpoints *s, uint64_t lag)
{
  uint64_t heads[IA_ENDPOINTS_MAX] = {0};
  size_t n = 0, best = s->at;

  for (size_t i = 0; i < s->n; i++)
    if (s->v[i].has_head && !s->v[i].barred)
      heads[n++] = s->v[i].head;
  if (n < 2 || !s->v[s->at].has_head)
    return false;
  qsort(heads, n, sizeof(heads[0]), newest_first);
  uint64_t middle = heads[(n - 1) / 2];
  if (middle <= lag || s->v[s->at].head >= middle - lag)
    return false;
  for (size_t i = 0; i < s->n; i++)
    if (s->v[i].has_head && !s->v[i].barred && s->v[i].head >= middle && best == s->at)
      best = i;
  s->at = best;
  return true;
}
