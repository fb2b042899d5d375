/* URLs of an installation's services. */
#include "client/net.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { URL_CAP = 4096 };

bool ia_net_url(ia_buf *out, const char *base, const char *what, ia_err *e, const char *path, ...)
{
  char text[URL_CAP];
  va_list ap;

  if (!base)
    return ia_fail(e, IA_E_UNAVAILABLE, "no address of the %s is known", what);
  va_start(ap, path);
  int n = vsnprintf(text, sizeof(text), path, ap);
  va_end(ap);
  if (n < 0 || (size_t)n >= sizeof(text))
    return ia_fail(e, IA_E_TOO_LARGE, "address of the %s is too long", what);
  size_t len = strlen(base);
  while (len > 0 && base[len - 1] == '/')
    len--;
  ia_buf_clear(out);
  ia_buf_put(out, base, len);
  ia_buf_str(out, text);
  ia_buf_u8(out, 0);
  return ia_buf_ok(out, e);
}

bool ia_net_open(ia_net *net, ia_err *e)
{
  const ia_http_options secure = {.only_secure = true};

  if (ia_http_new(&net->http, NULL, e) && ia_http_new(&net->secure, &secure, e))
    return true;
  ia_net_close(net);
  return false;
}

void ia_net_close(ia_net *net)
{
  ia_chain_close(net->chain);
  ia_http_free(net->http);
  ia_http_free(net->secure);
  *net = (ia_net){0};
}

bool ia_net_chain(ia_net *net, ia_chain **out, ia_err *e)
{
  const ia_chain_options o = {
      .url = net->rpc, .hub = net->hub, .chain_id = net->chain_id, .sending = net->sending};

  if (!net->chain && !net->rpc)
    return ia_fail(e, IA_E_UNAVAILABLE, "no address of the ledger is known");
  if (!net->chain && !ia_chain_open(&net->chain, &o, e))
    return ia_wrap(e, "ledger");
  *out = net->chain;
  return true;
}

bool ia_net_call(ia_net *net, const ia_wallet *w, const ia_addr *to, ia_call_id id,
                 const void *args, ia_chain_sent *out, ia_err *e)
{
  const ia_chain_account_key k = {.secp = w->secp, .key = &w->key};
  ia_chain *chain;

  if (!ia_net_chain(net, &chain, e))
    return false;
  return ia_chain_call(chain, out, &k, to, id, args, e) || ia_wrap(e, "%s", ia_call_of(id)->name);
}
