/* Filters of lists of orders, as iExec's clients send them, and the SQL that they become: only what
 * is asked for stands in it, so that an index can serve it. */
#include "service/market/filter.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"
#include "eth/address.h"

/* A restriction: absent = only orders without one; an address = without one, or that, or a group
 * that it is a member of; strict = exactly that; "any" = whatever. */
static bool restriction(ia_request *rq, const char *name, const char *strict_name,
                        ia_market_pick *p, ia_err *e)
{
  bool strict, given;

  *p = (ia_market_pick){0};
  if (!ia_market_query_flag(rq, strict_name, &strict, e) ||
      !ia_market_query_any(rq, name, &p->b, &given, &p->free, e))
    return false;
  p->groups = given && !p->free && !strict;
  if (given && strict)
    p->a = p->b;
  return true;
}

/* What the order is about: absent or "any" = whatever. */
static bool subject(ia_request *rq, const char *name, ia_market_pick *p, bool *given, ia_err *e)
{
  bool any;

  *p = (ia_market_pick){0};
  if (!ia_market_query_any(rq, name, &p->a, given, &any, e))
    return false;
  p->b = p->a;
  p->free = any || !*given;
  return true;
}

static bool owner(ia_request *rq, const char *name, ia_market_pick *p, bool *given, ia_err *e)
{
  *p = (ia_market_pick){0};
  if (!ia_market_query_addr(rq, name, &p->a, given, e))
    return false;
  p->b = p->a;
  p->free = !*given;
  return true;
}

static bool tag(ia_request *rq, const char *name, ia_h256 *out, uint8_t without, ia_err *e)
{
  bool given;

  memset(out->b, without, sizeof(out->b));
  return ia_market_query_h256(rq, name, out, &given, e);
}

static bool read_subject(ia_request *rq, ia_order_kind kind, ia_market_filter *f, ia_err *e)
{
  static const char *const assets[] = {"app", "dataset", "workerpool", "requester"};
  static const char *const owners[] = {"appOwner", "datasetOwner", "workerpoolOwner", NULL};
  bool by_asset, by_owner = false;

  f->signer.free = true;
  if (!subject(rq, assets[kind], &f->asset, &by_asset, e) ||
      (owners[kind] && !owner(rq, owners[kind], &f->signer, &by_owner, e)))
    return false;
  if ((kind == IA_ORDER_APP || kind == IA_ORDER_DATASET) && !by_asset && !by_owner)
    return ia_fail(e, IA_E_INVALID, "%s or %s is required", assets[kind], owners[kind]);
  return true;
}

/* Restrictions, and of request orders what they name. */
static bool read_picks(ia_request *rq, ia_order_kind kind, ia_market_filter *f, ia_err *e)
{
  bool request = kind == IA_ORDER_REQUEST, given;

  f->beneficiary.free = true;
  if (!(request ? subject(rq, "app", &f->app, &given, e)
                : restriction(rq, "app", "isAppStrict", &f->app, e)) ||
      !(request ? subject(rq, "dataset", &f->dataset, &given, e)
                : restriction(rq, "dataset", "isDatasetStrict", &f->dataset, e)) ||
      !restriction(rq, "workerpool", "isWorkerpoolStrict", &f->workerpool, e) ||
      !restriction(rq, "requester", "isRequesterStrict", &f->requester, e) ||
      (request && !subject(rq, "beneficiary", &f->beneficiary, &given, e)))
    return false;
  /* the order's own subject is no restriction of it */
  ia_market_pick *own[] = {&f->app, &f->dataset, &f->workerpool, &f->requester};
  own[kind]->free = true;
  return true;
}

/* Numbers that the orders of this kind have; those of other kinds are ignored, as by the public
 * market. */
static bool read_numbers(ia_request *rq, ia_order_kind kind, ia_market_filter *f, ia_err *e)
{
  bool request = kind == IA_ORDER_REQUEST, pool = kind == IA_ORDER_WORKERPOOL, given;

  f->any_category = true;
  f->max_trust = NUMBER_MAX;
  if (!ia_market_query_number(rq, "minVolume", 1, NUMBER_MAX, &f->min_volume, &given, e))
    return false;
  if (pool || request) {
    if (!ia_market_query_number(rq, "category", 0, NUMBER_MAX, &f->category, &given, e))
      return false;
    f->any_category = !given;
  }
  return (!pool ||
          ia_market_query_number(rq, "minTrust", 0, NUMBER_MAX, &f->min_trust, &given, e)) &&
         (!request ||
          ia_market_query_number(rq, "maxTrust", 0, NUMBER_MAX, &f->max_trust, &given, e)) &&
         (kind != IA_ORDER_DATASET || ia_market_query_flag(rq, "bulkOnly", &f->bulk, e));
}

bool ia_market_filter_read(ia_request *rq, ia_order_kind kind, ia_market_filter *f, ia_err *e)
{
  *f = (ia_market_filter){.kind = kind};
  return ia_market_query_known(rq, e) && read_subject(rq, kind, f, e) &&
         read_picks(rq, kind, f, e) && read_numbers(rq, kind, f, e) &&
         tag(rq, "minTag", &f->min_tag, 0, e) && tag(rq, "maxTag", &f->max_tag, 0xff, e);
}

/* -- SQL -- */

static const struct {
  const char *column;
  size_t at;
} picks[] = {
    {"asset", offsetof(ia_market_filter, asset)},
    {"signer", offsetof(ia_market_filter, signer)},
    {"app", offsetof(ia_market_filter, app)},
    {"dataset", offsetof(ia_market_filter, dataset)},
    {"workerpool", offsetof(ia_market_filter, workerpool)},
    {"requester", offsetof(ia_market_filter, requester)},
    {"beneficiary", offsetof(ia_market_filter, beneficiary)},
};

static const ia_market_pick *pick_at(const ia_market_filter *f, size_t i)
{
  return (const ia_market_pick *)(const void *)((const char *)f + picks[i].at);
}

static void put_pick(ia_buf *out, const char *column, const ia_market_pick *p)
{
  if (p->free)
    return;
  if (ia_addr_eq(&p->a, &p->b))
    ia_buf_printf(out, " AND %s = $%s_a", column, column);
  else if (!p->groups)
    ia_buf_printf(out, " AND %s IN ($%s_a, $%s_b)", column, column, column);
  else
    ia_buf_printf(out,
                  " AND %s IN (SELECT $%s_a UNION ALL SELECT $%s_b"
                  " UNION ALL SELECT grp FROM members WHERE account = $%s_b)",
                  column, column, column, column);
}

static void put_tags(ia_buf *out, const ia_market_filter *f)
{
  for (size_t i = 0; i < 4; i++) {
    if (ia_market_tag_part(&f->min_tag, i) != 0)
      ia_buf_printf(out, " AND (tag%zu & $min%zu) = $min%zu", i, i, i);
    if (ia_market_tag_part(&f->max_tag, i) != -1)
      ia_buf_printf(out, " AND (tag%zu & ~$max%zu) = 0", i, i);
  }
}

void ia_market_filter_where(ia_buf *out, const ia_market_filter *f)
{
  ia_buf_str(out, " FROM orders WHERE kind = $kind AND status = 'open'");
  for (size_t i = 0; i < IA_COUNT(picks); i++)
    put_pick(out, picks[i].column, pick_at(f, i));
  if (!f->any_category)
    ia_buf_str(out, " AND category = $category");
  if (f->min_trust > 1) /* an order of trust 0 is one of trust 1 */
    ia_buf_str(out, " AND trust >= $min_trust");
  if (f->max_trust < NUMBER_MAX)
    ia_buf_str(out, " AND trust <= $max_trust");
  if (f->min_volume > 0)
    ia_buf_str(out, " AND remaining >= $min_volume");
  if (f->bulk)
    ia_buf_str(out, " AND volume >= $bulk AND price = 0");
  put_tags(out, f);
}

bool ia_market_filter_selects(const ia_market_filter *f)
{
  const ia_market_pick *indexed[] = {&f->asset, &f->signer, &f->app, &f->requester};

  for (size_t i = 0; i < IA_COUNT(indexed); i++)
    if (!indexed[i]->free && ia_addr_eq(&indexed[i]->a, &indexed[i]->b) &&
        !ia_addr_zero(&indexed[i]->a))
      return true;
  return false;
}

/* A value that stands in no clause of this filter is not in the text either. */
static void bind_u64(ia_stmt *s, const char *name, uint64_t v)
{
  int at = ia_bind_name(s, name);

  if (at > 0)
    ia_bind_u64(s, at, v);
}

static void bind_addr(ia_stmt *s, const char *column, char which, const ia_addr *a)
{
  char name[24];

  (void)snprintf(name, sizeof(name), "$%s_%c", column, which);
  int at = ia_bind_name(s, name);
  if (at > 0)
    ia_bind_addr(s, at, a);
}

static void bind_tag(ia_stmt *s, const char *prefix, const ia_h256 *t)
{
  char name[8];

  for (size_t i = 0; i < 4; i++) {
    (void)snprintf(name, sizeof(name), "$%s%zu", prefix, i);
    int at = ia_bind_name(s, name);
    if (at > 0)
      ia_bind_i64(s, at, ia_market_tag_part(t, i));
  }
}

void ia_market_filter_bind(ia_stmt *s, const ia_market_filter *f)
{
  bind_u64(s, "$kind", f->kind);
  for (size_t i = 0; i < IA_COUNT(picks); i++) {
    bind_addr(s, picks[i].column, 'a', &pick_at(f, i)->a);
    bind_addr(s, picks[i].column, 'b', &pick_at(f, i)->b);
  }
  bind_u64(s, "$category", f->category);
  bind_u64(s, "$min_trust", f->min_trust);
  bind_u64(s, "$max_trust", f->max_trust);
  bind_u64(s, "$min_volume", f->min_volume);
  /* a bulk grant: volume 2^53 - 2 or more, and free */
  bind_u64(s, "$bulk", NUMBER_MAX - 1);
  bind_tag(s, "min", &f->min_tag);
  bind_tag(s, "max", &f->max_tag);
}
