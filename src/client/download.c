/* One GET into a sink with a cap. */
#include "client/download.h"

#include <string.h>

enum { DOWNLOAD_MS = 600000 };

typedef struct capped {
  ia_http_sink *write;
  void *ctx;
  uint64_t left;
} capped;

static bool take(void *ctx, ia_span data, ia_err *e)
{
  capped *c = ctx;

  if (data.len > c->left)
    return ia_fail(e, IA_E_TOO_LARGE, "the file is larger than is taken");
  c->left -= data.len;
  return c->write(c->ctx, data, e);
}

bool ia_download(ia_http *http, const char *url, uint64_t max, ia_http_sink *write, void *ctx,
                 ia_err *e)
{
  IA_AUTOV(ia_http_answer) a = {0};
  capped c = {write, ctx, max};
  ia_http_call call = {.url = url, .sink = take, .sink_ctx = &c, .total_ms = DOWNLOAD_MS};

  if (strncmp(url, "https://", 8) != 0 && !ia_http_secure_url(url)) {
    (void)ia_fail(e, IA_E_UNSUPPORTED, "input files come over https: %.80s", url);
    return ia_hint(e, "a real run fetches https:// and /ipfs/ only");
  }
  if (!ia_http_do(http, &a, &call, e))
    return ia_wrap(e, "%.80s", url);
  if (a.status != 200)
    return ia_fail(e, IA_E_UNAVAILABLE, "%.80s: status %d", url, a.status);
  return true;
}
