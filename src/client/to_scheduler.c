/* Tasks, receipts and logs of a scheduler. */
#include "client/to_scheduler.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/hex.h"
#include "client/login.h"
#include "eth/address.h"

enum { WAIT_MS = 35000, RECEIPT_CAP = 4 << 20 };

bool ia_to_scheduler_task(const ia_net *net, json_t **out, const ia_h256 *task, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};

  return ia_net_url(&url, net->scheduler, "scheduler", e, "/tasks/%s", ia_h256_text(task).s) &&
         (ia_http_json(net->http, out, "GET", (const char *)url.ptr, NULL, e) ||
          ia_wrap(e, "scheduler"));
}

static bool get_path(const ia_net *net, json_t **out, const char *path, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};

  return ia_net_url(&url, net->scheduler, "scheduler", e, "%s", path) &&
         (ia_http_json(net->http, out, "GET", (const char *)url.ptr, NULL, e) ||
          ia_wrap(e, "scheduler"));
}

bool ia_to_scheduler_pool(const ia_net *net, json_t **out, ia_err *e)
{
  return get_path(net, out, "/pool", e);
}

bool ia_to_scheduler_workers(const ia_net *net, json_t **out, ia_err *e)
{
  return get_path(net, out, "/workers", e);
}

bool ia_to_scheduler_wait(const ia_net *net, json_t **out, const ia_h256 *task, const char *state,
                          size_t attempts, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTOV(ia_buf) escaped = {0};
  char more[40] = "";

  ia_http_escape(&escaped, ia_span_str(state));
  ia_buf_u8(&escaped, 0);
  if (attempts != SIZE_MAX)
    (void)snprintf(more, sizeof(more), "&attempts=%zu", attempts);
  if (!ia_buf_ok(&escaped, e) ||
      !ia_net_url(&url, net->scheduler, "scheduler", e, "/tasks/%s/wait?state=%s%s",
                  ia_h256_text(task).s, (const char *)escaped.ptr, more))
    return false;
  ia_http_call call = {.method = "GET", .url = (const char *)url.ptr, .total_ms = WAIT_MS};
  return ia_http_json_call(net->http, out, &call, NULL, e) || ia_wrap(e, "scheduler");
}

bool ia_to_scheduler_receipt(const ia_net *net, ia_buf *out, const ia_h256 *task, ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTOV(ia_http_answer) a = {0};

  if (!ia_net_url(&url, net->scheduler, "scheduler", e, "/tasks/%s/receipt", ia_h256_text(task).s))
    return false;
  ia_http_call call = {.method = "GET", .url = (const char *)url.ptr, .cap = RECEIPT_CAP};
  if (!ia_http_do(net->http, &a, &call, e))
    return ia_wrap(e, "scheduler");
  if (a.status / 100 != 2)
    return ia_http_refused(&a, "receipt", e);
  ia_buf_span(out, ia_buf_view(&a.body));
  return ia_buf_ok(out, e);
}

bool ia_to_scheduler_logs(const ia_net *net, const ia_wallet *w, json_t **out, const ia_h256 *task,
                          ia_err *e)
{
  IA_AUTOV(ia_buf) url = {0};
  IA_AUTOV(ia_buf) login = {0};
  IA_AUTOV(ia_buf) header = {0};

  if (!ia_net_url(&url, net->scheduler, "scheduler", e,
                  "/tasks/logs/challenge?address=%s&chainId=%" PRIu64, ia_addr_text(&w->address).s,
                  net->chain_id) ||
      !ia_login(&login, net, w, IA_LOGIN_SCHEDULER, (const char *)url.ptr, e))
    return ia_wrap(e, "scheduler");
  ia_buf_printf(&header, "Authorization: %s", (const char *)login.ptr);
  ia_buf_u8(&header, 0);
  if (!ia_buf_ok(&header, e) ||
      !ia_net_url(&url, net->scheduler, "scheduler", e, "/tasks/%s/logs", ia_h256_text(task).s))
    return false;
  const char *headers[] = {(const char *)header.ptr, NULL};
  ia_http_call call = {.method = "GET", .url = (const char *)url.ptr, .headers = headers};
  return ia_http_json_call(net->http, out, &call, NULL, e) || ia_wrap(e, "scheduler");
}
