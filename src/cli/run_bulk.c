#include "cli/run_bulk.h"

#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/hex.h"
#include "cli/task_view.h"
#include "client/grant.h"
#include "eth/address.h"
#include "poco/orders.h"

enum { LIST_CAP = 8 << 20, QUERY_CAP = 512, NAMED = 5 };

void ia_run_bulk_free(ia_run_bulk *b)
{
  free(b->data);
  json_decref(b->slices);
  *b = (ia_run_bulk){0};
}

uint64_t ia_run_bulk_tasks(const ia_run_bulk *b)
{
  return (b->n + b->per_task - 1) / b->per_task;
}

/* -- the list -- */
static bool add_one(ia_run_bulk *b, ia_span text, ia_err *e)
{
  ia_addr *more, at;

  while (text.len > 0 && strchr(" \t\r", text.ptr[0]))
    text = ia_span_of(text.ptr + 1, text.len - 1);
  while (text.len > 0 && strchr(" \t\r", text.ptr[text.len - 1]))
    text.len--;
  if (text.len == 0 || text.ptr[0] == '#')
    return true;
  if (!ia_addr_parse(&at, text, e))
    return ia_wrap(e, "--data");
  for (size_t i = 0; i < b->n; i++)
    if (ia_addr_eq(&b->data[i], &at))
      return ia_fail(e, IA_E_USAGE, "--data: %s stands there twice", ia_addr_text(&at).s);
  if (b->n == IA_RUN_DATA_MAX)
    return ia_fail(e, IA_E_USAGE, "--data: at most %d", IA_RUN_DATA_MAX);
  more = reallocarray(b->data, b->n + 1, sizeof(*more));
  if (!more)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  b->data = more;
  b->data[b->n++] = at;
  return true;
}

static bool add_all(ia_run_bulk *b, ia_span text, char between, ia_err *e)
{
  while (text.len > 0) {
    const uint8_t *end = memchr(text.ptr, between, text.len);
    size_t n = end ? (size_t)(end - text.ptr) : text.len;

    if (!add_one(b, ia_span_of(text.ptr, n), e))
      return false;
    n += end != NULL;
    text = ia_span_of(text.ptr + n, text.len - n);
  }
  return true;
}

bool ia_run_bulk_add(ia_run_bulk *b, const char *text, ia_err *e)
{
  IA_AUTOV(ia_buf) file = {0};

  if (text[0] != '@')
    return add_all(b, ia_span_str(text), ',', e);
  return ia_file_read(&file, text + 1, LIST_CAP, e) && add_all(b, ia_buf_view(&file), '\n', e);
}

/* -- grants -- */
struct finding {
  ia_cli *c;
  ia_net *net;
  const ia_wallet *w;
  ia_run_want *want;
  bool asked; /* whether she grants her own data */
  size_t missing;
  ia_buf names; /* of the first that are missing */
};

static bool market_grant(struct finding *f, const ia_addr *data, ia_order_box *box, bool *found,
                         ia_err *e)
{
  IA_AUTOV(ia_offers) offers = {0};
  char query[QUERY_CAP];
  bool any = ia_addr_zero(&f->want->workerpool);
  int n = snprintf(
      query, sizeof(query), "dataset=%s&app=%s&workerpool=%s&requester=%s&bulkOnly=true",
      ia_addr_text(data).s, ia_addr_text(&f->want->app).s,
      any ? "any" : ia_addr_text(&f->want->workerpool).s, ia_addr_text(&f->want->requester).s);

  *found = false;
  if (n < 0 || n >= QUERY_CAP)
    return ia_fail(e, IA_E_INTERNAL, "query of the market");
  if (!ia_to_market_list(f->net, &offers, IA_ORDER_DATASET, query, 10, e))
    return false;
  if (offers.n == 0)
    return true;
  *box = offers.list[0].box;
  offers.list[0].box = (ia_order_box){0};
  return *found = true;
}

static bool own_grant(struct finding *f, const ia_addr *data, ia_order_box *box, bool *found,
                      ia_err *e)
{
  ia_grant g = {.dataset = *data,
                .app = f->want->app,
                .requester = f->want->requester,
                .volume = IA_BULK_VOLUME};
  ia_chain *chain;
  ia_addr owner;
  ia_h256 hash;

  *found = false;
  if (!ia_net_chain(f->net, &chain, e))
    return false;
  if (!ia_chain_owner(chain, &owner, data, NULL) || !ia_addr_eq(&owner, &f->w->address))
    return true;
  if (!f->asked &&
      !ia_cli_confirm(f->c, e, "Some of the data are yours. Grant yourself runs of %s on them?",
                      ia_addr_text(&f->want->app).s))
    return false;
  f->asked = true;
  *found = ia_grant_sign(f->net, f->w, &g, box, &hash, e);
  return *found;
}

/* Grants for one pool alone bind the whole deal. */
static bool bind_pool(struct finding *f, const ia_dataset_order *o, ia_err *e)
{
  if (ia_addr_zero(&o->workerpoolrestrict))
    return true;
  if (ia_addr_zero(&f->want->workerpool))
    f->want->workerpool = o->workerpoolrestrict;
  return ia_addr_eq(&f->want->workerpool, &o->workerpoolrestrict) ||
         ia_fail(e, IA_E_GRANT_MISSING, "the grant of %s wants the pool %s, others %s",
                 ia_addr_text(&o->dataset).s, ia_addr_text(&o->workerpoolrestrict).s,
                 ia_addr_text(&f->want->workerpool).s);
}

static bool find_grant(struct finding *f, const ia_addr *data, json_t *slice, ia_err *e)
{
  IA_AUTOV(ia_order_box) box = {0};
  bool found;

  if (!market_grant(f, data, &box, &found, e) || (!found && !own_grant(f, data, &box, &found, e)))
    return false;
  if (!found) {
    if (f->missing++ < NAMED)
      ia_buf_printf(&f->names, " %s", ia_addr_text(data).s);
    return true;
  }
  if (!bind_pool(f, &box.order.dataset, e))
    return false;
  return json_array_append_new(slice, ia_order_json(IA_ORDER_DATASET, &box.order.dataset,
                                                    IA_ORDER_DECIMAL, e)) == 0 ||
         ia_fail(e, IA_E_MEMORY, "out of memory");
}

static bool find_all(ia_run_bulk *b, struct finding *f, ia_err *e)
{
  json_t *slice = NULL;

  json_decref(b->slices);
  b->slices = json_array();
  for (size_t i = 0; i < b->n; i++) {
    if (i % b->per_task == 0) {
      slice = json_array();
      if (json_array_append_new(b->slices, slice) != 0)
        return ia_fail(e, IA_E_MEMORY, "out of memory");
    }
    if (!find_grant(f, &b->data[i], slice, e))
      return false;
  }
  if (f->missing == 0)
    return true;
  ia_fail(e, IA_E_GRANT_MISSING, "no grant for bulk of %zu of %zu data:%.*s%s", f->missing, b->n,
          (int)f->names.len, (const char *)f->names.ptr, f->missing > NAMED ? " .." : "");
  return ia_hint(e, "their owners: iapp grant DATA %s %s --bulk", ia_addr_text(&f->want->app).s,
                 ia_addr_text(&f->want->requester).s);
}

static bool upload(ia_run_bulk *b, const ia_net *net, ia_err *e)
{
  IA_AUTO_JSON *root = json_array();
  const json_t *slice;
  ia_cid_text cid;
  size_t i;

  json_array_foreach (b->slices, i, slice)
    if (!ia_bulk_put(net, &cid, slice, e) || json_array_append_new(root, json_string(cid.s)) != 0)
      return false;
  return ia_bulk_put(net, &b->cid, root, e);
}

bool ia_run_bulk_prepare(ia_run_bulk *b, ia_cli *c, ia_net *net, const ia_wallet *w,
                         ia_run_want *want, ia_err *e)
{
  struct finding f = {.c = c, .net = net, .w = w, .want = want};
  bool ok;

  ia_cli_step(c, "find the grants of %zu data", b->n);
  ok = find_all(b, &f, e);
  ia_buf_free(&f.names);
  if (!ok)
    return false;
  ia_cli_step(c, "upload %zu slices", json_array_size(b->slices));
  return upload(b, net, e);
}

/* -- what became of them -- */
static const char *code_in(const json_t *task, const char *which, uint64_t index)
{
  const json_t *list = json_object_get(json_object_get(task, "iapp"), which), *one;
  size_t i;

  json_array_foreach (list, i, one)
    if (json_integer_value(json_object_get(one, "index")) == (json_int_t)index)
      return json_string_value(json_object_get(one, "code"));
  return NULL;
}

json_t *ia_run_bulk_states(const ia_run_bulk *b, uint64_t i, const json_t *task)
{
  json_t *list = json_array();
  size_t first = (size_t)(i * b->per_task);
  bool done = task && strcmp(ia_task_ending(task), "COMPLETED") == 0;

  for (size_t k = 0; k < b->per_task && first + k < b->n; k++) {
    const char *refused = code_in(task, "refused", k + 1);
    const char *code = refused ? refused : code_in(task, "failed", k + 1);
    json_t *row = json_pack("{s:o, s:s}", "dataset", ia_json_addr(&b->data[first + k]), "state",
                            !task           ? "open"
                            : refused       ? "refused"
                            : done && !code ? "processed"
                                            : "failed");

    if (code)
      json_object_set_new(row, "code", json_string(code));
    json_array_append_new(list, row);
  }
  return list;
}

void ia_run_bulk_say(ia_cli *c, const char *task, const json_t *states)
{
  const json_t *one;
  size_t i;

  json_array_foreach (states, i, one) {
    const char *code = json_string_value(json_object_get(one, "code"));

    ia_cli_out(c, "%s  %s  %s%s%s", json_string_value(json_object_get(one, "dataset")), task,
               json_string_value(json_object_get(one, "state")), code ? ": " : "",
               code ? code : "");
  }
}
