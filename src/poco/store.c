/* Reading and writing the hub's state: keys, numbers, structs as their ABI encoding. */
#include "poco/internal.h"
#include "poco/state.h"

typedef struct key {
  uint8_t b[IA_POCO_KEY_MAX];
  size_t len;
} key;

static key make_key(ia_poco_key tag, ia_span a, ia_span b)
{
  key k = {.len = 1 + a.len + b.len};

  k.b[0] = (uint8_t)tag;
  if (a.len > 0)
    memcpy(k.b + 1, a.ptr, a.len);
  if (b.len > 0)
    memcpy(k.b + 1 + a.len, b.ptr, b.len);
  return k;
}

static bool fault(ia_poco *p)
{
  return ia_revert_set(&p->why, IA_REVERT_FAULT);
}

bool ia_poco_get(ia_poco *p, ia_span *out, ia_poco_key tag, ia_span a, ia_span b)
{
  key k = make_key(tag, a, b);

  return p->store->get(p->store->ctx, ia_span_of(k.b, k.len), out) || fault(p);
}

bool ia_poco_put(ia_poco *p, ia_poco_key tag, ia_span a, ia_span b, ia_span value)
{
  key k = make_key(tag, a, b);

  return p->store->put(p->store->ctx, ia_span_of(k.b, k.len), value) || fault(p);
}

bool ia_poco_get_u256(ia_poco *p, ia_u256 *out, ia_poco_key tag, ia_span a, ia_span b)
{
  ia_span v;

  if (!ia_poco_get(p, &v, tag, a, b))
    return false;
  if (v.len != 0 && v.len != 32)
    return fault(p);
  *out = v.len ? ia_u256_from_be(v.ptr) : ia_u256_of(0);
  return true;
}

bool ia_poco_put_u256(ia_poco *p, ia_poco_key tag, ia_span a, ia_span b, const ia_u256 *v)
{
  uint8_t word[32];

  ia_u256_to_be(word, v);
  return ia_poco_put(p, tag, a, b, ia_span_of(word, ia_u256_zero(v) ? 0 : 32));
}

bool ia_poco_get_addr(ia_poco *p, ia_addr *out, ia_poco_key tag, ia_span a)
{
  ia_span v;

  memset(out, 0, sizeof(*out));
  if (!ia_poco_get(p, &v, tag, a, IA_NOTHING))
    return false;
  if (v.len != 0 && v.len != 20)
    return fault(p);
  if (v.len)
    memcpy(out->b, v.ptr, 20);
  return true;
}

bool ia_poco_put_addr(ia_poco *p, ia_poco_key tag, ia_span a, const ia_addr *v)
{
  return ia_poco_put(p, tag, a, IA_NOTHING, ia_span_of(v->b, ia_addr_zero(v) ? 0 : 20));
}

/* --- structs -------------------------------------------------------------------------------------
 */

static bool get_struct(ia_poco *p, void *out, const ia_shape *shape, ia_poco_key tag, ia_span a,
                       ia_span b)
{
  ia_span v;

  memset(out, 0, shape->size);
  if (!ia_poco_get(p, &v, tag, a, b))
    return false;
  return v.len == 0 || ia_shape_decode(out, shape, v, NULL) || fault(p);
}

static bool put_struct(ia_poco *p, const void *value, const ia_shape *shape, ia_poco_key tag,
                       ia_span a, ia_span b)
{
  IA_AUTOV(ia_buf) out = {0};

  ia_shape_encode(&out, shape, value);
  return ia_buf_ok(&out, NULL) ? ia_poco_put(p, tag, a, b, ia_buf_view(&out)) : fault(p);
}

bool ia_poco_deal(ia_poco *p, ia_deal *out, const ia_h256 *dealid)
{
  return get_struct(p, out, &ia_shape_deal, IA_KEY_DEAL, IA_SPAN_ARR(dealid->b), IA_NOTHING);
}

bool ia_poco_put_deal(ia_poco *p, const ia_h256 *dealid, const ia_deal *d)
{
  return put_struct(p, d, &ia_shape_deal, IA_KEY_DEAL, IA_SPAN_ARR(dealid->b), IA_NOTHING);
}

bool ia_poco_task(ia_poco *p, ia_task *out, const ia_h256 *taskid)
{
  return get_struct(p, out, &ia_shape_task, IA_KEY_TASK, IA_SPAN_ARR(taskid->b), IA_NOTHING);
}

bool ia_poco_put_task(ia_poco *p, const ia_h256 *taskid, const ia_task *t)
{
  return put_struct(p, t, &ia_shape_task, IA_KEY_TASK, IA_SPAN_ARR(taskid->b), IA_NOTHING);
}

bool ia_poco_contribution(ia_poco *p, ia_contribution *out, const ia_h256 *taskid,
                          const ia_addr *worker)
{
  return get_struct(p, out, &ia_shape_contribution, IA_KEY_CONTRIBUTION, IA_SPAN_ARR(taskid->b),
                    IA_SPAN_ARR(worker->b));
}

bool ia_poco_put_contribution(ia_poco *p, const ia_h256 *taskid, const ia_addr *worker,
                              const ia_contribution *c)
{
  return put_struct(p, c, &ia_shape_contribution, IA_KEY_CONTRIBUTION, IA_SPAN_ARR(taskid->b),
                    IA_SPAN_ARR(worker->b));
}

bool ia_poco_category(ia_poco *p, ia_category *out, const ia_u256 *index, bool *there)
{
  uint8_t word[32];
  ia_u256 n;

  memset(out, 0, sizeof(*out));
  if (!ia_poco_get_u256(p, &n, IA_KEY_CATEGORIES, IA_NOTHING, IA_NOTHING))
    return false;
  *there = ia_u256_cmp(index, &n) < 0;
  if (!*there)
    return true;
  ia_u256_to_be(word, index);
  return get_struct(p, out, &ia_shape_category, IA_KEY_CATEGORY, IA_SPAN_ARR(word), IA_NOTHING);
}

bool ia_poco_category_add(ia_poco *p, const ia_category *c, ia_u256 *index)
{
  ia_u256 one = ia_u256_of(1), next;
  uint8_t word[32];

  if (!ia_poco_get_u256(p, index, IA_KEY_CATEGORIES, IA_NOTHING, IA_NOTHING))
    return false;
  ia_u256_to_be(word, index);
  return ia_poco_sum(p, &next, index, &one) &&
         put_struct(p, c, &ia_shape_category, IA_KEY_CATEGORY, IA_SPAN_ARR(word), IA_NOTHING) &&
         ia_poco_put_u256(p, IA_KEY_CATEGORIES, IA_NOTHING, IA_NOTHING, &next);
}

/* --- arithmetic, events
 * --------------------------------------------------------------------------- */

bool ia_poco_sum(ia_poco *p, ia_u256 *out, const ia_u256 *a, const ia_u256 *b)
{
  return ia_u256_add(out, a, b) || ia_revert_set(&p->why, IA_REVERT_ARITHMETIC);
}

bool ia_poco_difference(ia_poco *p, ia_u256 *out, const ia_u256 *a, const ia_u256 *b)
{
  return ia_u256_sub(out, a, b) || ia_revert_set(&p->why, IA_REVERT_ARITHMETIC);
}

bool ia_poco_product(ia_poco *p, ia_u256 *out, const ia_u256 *a, const ia_u256 *b)
{
  return ia_u256_mul(out, a, b) || ia_revert_set(&p->why, IA_REVERT_ARITHMETIC);
}

bool ia_poco_percent(ia_poco *p, ia_u256 *out, const ia_u256 *amount, const ia_u256 *percent)
{
  ia_u256 hundred = ia_u256_of(100), product;

  return ia_poco_product(p, &product, amount, percent) &&
         (ia_u256_div(out, NULL, &product, &hundred) || fault(p));
}

bool ia_poco_emit(ia_poco *p, ia_event_id id, const ia_event *ev)
{
  return p->store->emit(p->store->ctx, id, ev) || fault(p);
}
