#include "chain/agree.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

size_t ia_agree_default(size_t n)
{
  return n / 2 + 1;
}

bool ia_agree_of(size_t *out, const char *urls, uint64_t want, ia_err *e)
{
  size_t n = 1;

  for (const char *p = urls; *p; p++)
    n += *p == ',';
  if (want > n)
    return ia_fail(e, IA_E_USAGE, "%llu nodes cannot agree: there are %zu",
                   (unsigned long long)want, n);
  *out = n == 1 ? 0 : want ? (size_t)want : ia_agree_default(n);
  return true;
}

static const char *const of_block[] = {"number", "hash", "parentHash", "timestamp", NULL};
static const char *const of_log[] = {"address",   "topics",          "data",     "blockNumber",
                                     "blockHash", "transactionHash", "logIndex", NULL};
static const char *const of_tx[] = {"hash",        "from",      "to", "input",
                                    "blockNumber", "blockHash", NULL};
static const char *const of_receipt[] = {"status", "blockNumber", "blockHash",
                                         "from",   "logs",        NULL};

static const struct {
  const char *method;
  const char *const *fields;
} views[] = {
    {"eth_getBlockByNumber", of_block},
    {"eth_getBlockByHash", of_block},
    {"eth_getLogs", of_log},
    {"eth_getTransactionByHash", of_tx},
    {"eth_getTransactionReceipt", of_receipt},
};

static json_t *lower(const char *text)
{
  json_t *v = NULL;
  char *copy = strdup(text);

  for (char *p = copy; p && *p; p++)
    *p = (char)tolower((unsigned char)*p);
  if (copy)
    v = json_string(copy);
  free(copy);
  return v;
}

/* fields: of objects on the top; what lies below them is taken whole, logs by their own fields. */
static json_t *project(const json_t *v, const char *const *fields)
{
  json_t *out;
  size_t i;

  if (json_is_string(v))
    return lower(json_string_value(v));
  if (json_is_array(v)) {
    out = json_array();
    for (i = 0; i < json_array_size(v); i++)
      json_array_append_new(out, project(json_array_get(v, i), fields));
    return out;
  }
  if (!json_is_object(v) || !fields)
    return json_deep_copy(v);
  out = json_object();
  for (i = 0; fields[i]; i++) {
    const json_t *field = json_object_get(v, fields[i]);

    if (field)
      json_object_set_new(out, fields[i],
                          project(field, strcmp(fields[i], "logs") == 0 ? of_log : NULL));
  }
  return out;
}

json_t *ia_agree_view(const char *method, const json_t *result)
{
  for (size_t i = 0; i < IA_COUNT(views); i++)
    if (strcmp(views[i].method, method) == 0)
      return project(result, views[i].fields);
  return project(result, NULL);
}

static size_t votes_for(const ia_agree_answer *a, size_t n, size_t i)
{
  size_t votes = 0;

  for (size_t k = 0; k < n; k++)
    votes += a[k].view && json_equal(a[k].view, a[i].view);
  return votes;
}

ia_agreement ia_agree(const ia_agree_answer *a, size_t n, size_t k)
{
  ia_agreement out = {0};

  for (size_t i = 0; i < n; i++) {
    size_t votes = a[i].view ? votes_for(a, n, i) : 0;

    if (votes > out.votes) {
      out.votes = votes;
      out.which = i;
    }
  }
  for (size_t i = 0; i < n; i++) {
    if (!a[i].view)
      out.silent |= 1u << i;
    else if (!json_equal(a[i].view, a[out.which].view))
      out.differ |= 1u << i;
  }
  out.found = out.votes >= k && out.votes > 0;
  return out;
}

bool ia_agree_head(uint64_t *out, const uint64_t *heads, size_t n, size_t k)
{
  bool found = false;

  for (size_t i = 0; i < n; i++) {
    size_t reached = 0;

    if (heads[i] == UINT64_MAX)
      continue;
    for (size_t j = 0; j < n; j++)
      reached += heads[j] != UINT64_MAX && heads[j] >= heads[i];
    if (reached >= k && (!found || heads[i] > *out)) {
      *out = heads[i];
      found = true;
    }
  }
  return found;
}

static void name_bits(char *out, size_t size, const ia_endpoints *s, uint32_t bits)
{
  size_t len = 0;

  out[0] = '\0';
  for (size_t i = 0; i < s->n; i++) {
    int more;

    if (!(bits & 1u << i))
      continue;
    more = snprintf(out + len, size - len, "%s%s", len ? ", " : "", s->v[i].name);
    if (more < 0 || (size_t)more >= size - len)
      return;
    len += (size_t)more;
  }
}

bool ia_agree_refuse(const ia_agreement *a, const ia_endpoints *s, size_t k, const char *method,
                     ia_err *e)
{
  char differ[160], silent[160];

  /* of two that contradict each other neither is known to be the liar */
  name_bits(differ, sizeof(differ), s, a->votes == 1 ? ~a->silent : a->differ);
  name_bits(silent, sizeof(silent), s, a->silent);
  if (a->differ)
    return ia_fail(e, IA_E_LEDGER_DISAGREES, "%s: %zu of %zu agree, want %zu; they differ: %s%s%s",
                   method, a->votes, s->n, k, differ, a->silent ? "; no answer: " : "", silent);
  return ia_fail(e, IA_E_UNAVAILABLE, "%s: %zu of %zu answer, want %zu; no answer: %s", method,
                 a->votes, s->n, k, silent);
}
