#include "chain/past.h"

bool ia_past_new(ia_past *p, size_t most, ia_err *e)
{
  *p = (ia_past){.most = most < 1 ? 1 : most > IA_PAST_MAX ? IA_PAST_MAX : most};
  p->v = calloc(p->most, sizeof(*p->v));
  return p->v || ia_fail(e, IA_E_MEMORY, "follower: out of memory");
}

void ia_past_free(ia_past *p)
{
  free(p->v);
  *p = (ia_past){0};
}

bool ia_past_copy(ia_past *out, const ia_past *p, ia_err *e)
{
  if (!ia_past_new(out, p->most, e))
    return false;
  memcpy(out->v, p->v, p->n * sizeof(*p->v));
  out->n = p->n;
  return true;
}

void ia_past_add(ia_past *p, const ia_cursor *c)
{
  if (p->n == p->most)
    memmove(p->v, p->v + 1, --p->n * sizeof(*p->v));
  p->v[p->n++] = *c;
}

void ia_past_cut(ia_past *p, uint64_t above)
{
  while (p->n > 0 && p->v[p->n - 1].number > above)
    p->n--;
}

const ia_cursor *ia_past_at(const ia_past *p, uint64_t number)
{
  for (size_t i = p->n; i > 0 && p->v[i - 1].number >= number; i--)
    if (p->v[i - 1].number == number)
      return &p->v[i - 1];
  return NULL;
}

bool ia_past_load(ia_past *p, ia_span bytes, ia_err *e)
{
  ia_cursor c;

  p->n = 0;
  while (bytes.len > 0) {
    if (!ia_span_u64be(&bytes, &c.number) || !ia_span_copy(&bytes, c.hash.b, sizeof(c.hash.b)) ||
        (p->n > 0 && c.number <= p->v[p->n - 1].number))
      return ia_fail(e, IA_E_CORRUPT, "follower: the remembered blocks are damaged");
    ia_past_add(p, &c);
  }
  return true;
}

void ia_past_save(const ia_past *p, ia_buf *out)
{
  for (size_t i = 0; i < p->n; i++) {
    ia_buf_u64be(out, p->v[i].number);
    ia_buf_put(out, p->v[i].hash.b, sizeof(p->v[i].hash.b));
  }
}
