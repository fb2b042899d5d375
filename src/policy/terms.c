/* The terms of one grant, and what owners' documents have in common. */
#include <stdio.h>
#include <stdlib.h>

#include "base/date.h"
#include "base/hex.h"
#include "policy/internal.h"

bool ia_body_is_canonical(const json_t *v, ia_span text, ia_err *e)
{
  IA_AUTOV(ia_buf) b = {0};

  if (!ia_json_canonical(&b, v, e))
    return false;
  return ia_span_eq(ia_buf_view(&b), text) ||
         ia_fail(e, IA_E_PARSE, "not canonical JSON (RFC 8785)");
}

/* -- purposes -- */
void ia_purposes_free(char **list, size_t n)
{
  for (size_t i = 0; i < n; i++)
    free(list[i]);
  free(list);
}

bool ia_purposes_read(char ***out, size_t *n, const json_t *v, const char *what, ia_err *e)
{
  size_t want = json_array_size(v);

  if (!json_is_array(v) || want > IA_POLICY_LIST_MAX)
    return ia_fail(e, IA_E_POLICY_UNKNOWN, "%s: purposes: wants a list of at most %d texts", what,
                   IA_POLICY_LIST_MAX);
  *out = calloc(want ? want : 1, sizeof(**out));
  if (!*out)
    return ia_fail(e, IA_E_MEMORY, "%s: no memory", what);
  for (size_t i = 0; i < want; i++) {
    const char *s = json_string_value(json_array_get(v, i));

    if (!s || !*s || strlen(s) > IA_PURPOSE_MAX)
      return ia_fail(e, IA_E_POLICY_UNKNOWN,
                     "%s: purposes: holds something that is not a text of 1 to %d bytes", what,
                     IA_PURPOSE_MAX);
    (*out)[i] = strdup(s);
    if (!(*out)[i])
      return ia_fail(e, IA_E_MEMORY, "%s: no memory", what);
    ++*n;
  }
  return true;
}

bool ia_purpose_admitted(char *const *list, size_t n, const char *purpose)
{
  for (size_t i = 0; i < n; i++)
    if (strcmp(list[i], purpose) == 0)
      return true;
  return false;
}

/* -- reading the terms -- */
void ia_terms_free(ia_terms *t)
{
  if (!t)
    return;
  ia_purposes_free(t->purposes, t->n_purposes);
  *t = (ia_terms){0};
}

static bool unknown(ia_err *e, const char *clause, const char *why)
{
  return ia_fail(e, IA_E_POLICY_UNKNOWN, "grant: %.64s: %s", clause, why);
}

static bool t_version(ia_terms *t, const json_t *v, ia_err *e)
{
  (void)t;
  return (json_is_integer(v) && json_integer_value(v) == 1) || unknown(e, "v", "is not 1");
}

static bool t_order(ia_terms *t, const json_t *v, ia_err *e)
{
  const char *s = json_string_value(v);

  return (s && ia_h256_parse(&t->order, ia_span_str(s)) && !ia_h256_zero(&t->order)) ||
         unknown(e, "order", "is not the hash of a dataset order");
}

static bool t_expires(ia_terms *t, const json_t *v, ia_err *e)
{
  if (!json_is_integer(v) || json_integer_value(v) <= 0)
    return unknown(e, "expires", "wants a time in Unix seconds");
  t->expires = (uint64_t)json_integer_value(v);
  return true;
}

static bool t_purposes(ia_terms *t, const json_t *v, ia_err *e)
{
  t->has_purposes = true;
  return ia_purposes_read(&t->purposes, &t->n_purposes, v, "grant", e);
}

static bool t_runs(ia_terms *t, const json_t *v, ia_err *e)
{
  if (!json_is_integer(v) || json_integer_value(v) < 0)
    return unknown(e, "runs", "wants a number of runs");
  t->has_runs = true;
  t->runs = (uint64_t)json_integer_value(v);
  return true;
}

static const struct {
  const char *key;
  bool (*set)(ia_terms *t, const json_t *v, ia_err *e);
} clauses[] = {
    {"v", t_version},         {"order", t_order}, {"expires", t_expires},
    {"purposes", t_purposes}, {"runs", t_runs},
};

static bool set_clause(ia_terms *t, const char *key, const json_t *v, ia_err *e)
{
  for (size_t i = 0; i < IA_COUNT(clauses); i++)
    if (strcmp(key, clauses[i].key) == 0)
      return clauses[i].set(t, v, e);
  return unknown(e, key, "is not a clause that this SMS enforces");
}

bool ia_terms_parse(ia_terms *out, ia_span text, ia_err *e)
{
  IA_AUTO_JSON *v = NULL;
  const char *key;
  json_t *member;

  *out = (ia_terms){0};
  if (text.len > IA_POLICY_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "grant: %zu bytes; the limit is %d", text.len, IA_POLICY_MAX);
  v = ia_json_parse(text, 0, e);
  if (!v || !ia_body_is_canonical(v, text, e))
    return ia_wrap(e, "grant");
  if (!json_is_object(v) || !json_object_get(v, "v"))
    return unknown(e, "v", "is missing");
  if (!json_object_get(v, "order"))
    return unknown(e, "order", "is missing");
  json_object_foreach (v, key, member)
    if (!set_clause(out, key, member, e)) {
      ia_terms_free(out);
      return false;
    }
  return true;
}

/* -- judging -- */
static bool d_expires(ia_ruling *v, const ia_terms *t, uint64_t now)
{
  if (t->expires == 0)
    return true;
  if (now >= t->expires)
    return ia_ruling_no(v, "grant.expires", IA_E_POLICY_EXPIRED, "the grant expired on %s",
                        ia_rfc3339(t->expires).s);
  ia_ruling_ok(v, "grant.expires", "the grant is valid until %s", ia_rfc3339(t->expires).s);
  return true;
}

static bool d_purposes(ia_ruling *v, const ia_terms *t, const char *purpose)
{
  if (!t->has_purposes)
    return true;
  if (ia_purpose_admitted(t->purposes, t->n_purposes, purpose)) {
    ia_ruling_ok(v, "grant.purposes", "the grant admits the purpose \"%.100s\"", purpose);
    return true;
  }
  if (!*purpose)
    return ia_ruling_no(v, "grant.purposes", IA_E_POLICY_PURPOSE,
                        "the grant requires a purpose and the request states none");
  return ia_ruling_no(v, "grant.purposes", IA_E_POLICY_PURPOSE,
                      "the grant does not admit the purpose \"%.100s\"", purpose);
}

static bool d_runs(ia_ruling *v, const ia_terms *t, uint64_t used)
{
  if (!t->has_runs)
    return true;
  if (used >= t->runs)
    return ia_ruling_no(v, "grant.runs", IA_E_POLICY_BUDGET,
                        "%llu of %llu runs of the grant are used", (unsigned long long)used,
                        (unsigned long long)t->runs);
  ia_ruling_ok(v, "grant.runs", "%llu of %llu runs of the grant are used", (unsigned long long)used,
               (unsigned long long)t->runs);
  return true;
}

bool ia_terms_decide(ia_ruling *v, const ia_terms *t, const ia_policy_facts *f)
{
  bool ok = true;

  ok &= d_expires(v, t, f->now);
  ok &= d_purposes(v, t, f->purpose);
  ok &= d_runs(v, t, f->order_runs);
  return ok;
}
