/* Persisted queries, as Apollo's clients and others ask: extensions.persistedQuery {version: 1,
 * sha256Hash} without a query; who is told PersistedQueryNotFound sends the text too, once. */
#include <pthread.h>
#include <string.h>

#include "base/hex.h"
#include "crypto/sha.h"
#include "service/graph/query.h"

enum { KEPT = 256, TEXT_MAX = 16 << 10 };

typedef struct kept {
  ia_h256 hash;
  char *text; /* NULL: none */
  size_t len;
  uint64_t used; /* when it was asked last */
} kept;

struct graph_persisted {
  pthread_mutex_t lock;
  uint64_t clock;
  kept rows[KEPT];
};

bool graph_persisted_new(graph_persisted **out, ia_err *e)
{
  *out = calloc(1, sizeof(**out));
  if (!*out)
    return ia_fail(e, IA_E_MEMORY, "no memory for the index");
  pthread_mutex_init(&(*out)->lock, NULL);
  return true;
}

void graph_persisted_free(graph_persisted *p)
{
  if (!p)
    return;
  for (size_t i = 0; i < KEPT; i++)
    free(p->rows[i].text);
  pthread_mutex_destroy(&p->lock);
  free(p);
}

/* Locked. */
static kept *find(graph_persisted *p, const ia_h256 *hash)
{
  for (size_t i = 0; i < KEPT; i++)
    if (p->rows[i].text && ia_h256_eq(&p->rows[i].hash, hash))
      return &p->rows[i];
  return NULL;
}

void graph_persisted_keep(graph_persisted *p, ia_span text)
{
  kept *k = &p->rows[0];
  ia_h256 hash;

  if (text.len > TEXT_MAX)
    return;
  ia_sha256(&hash, text);
  char *copy = strndup((const char *)text.ptr, text.len);
  pthread_mutex_lock(&p->lock);
  if (copy && !find(p, &hash)) {
    for (size_t i = 1; i < KEPT; i++)
      if (p->rows[i].used < k->used)
        k = &p->rows[i];
    free(k->text);
    *k = (kept){hash, copy, text.len, ++p->clock};
    copy = NULL;
  }
  pthread_mutex_unlock(&p->lock);
  free(copy);
}

static json_t *text_of(graph_persisted *p, const ia_h256 *hash)
{
  json_t *text = NULL;

  pthread_mutex_lock(&p->lock);
  kept *k = find(p, hash);
  if (k) {
    k->used = ++p->clock;
    text = json_stringn(k->text, k->len);
  }
  pthread_mutex_unlock(&p->lock);
  return text;
}

static bool refuse(graph_query *q, const char *message, const char *code, ia_err *e)
{
  q->code = code;
  return ia_fail(e, IA_E_NOT_FOUND, "%s", message);
}

bool graph_persisted_find(graph_persisted *p, graph_query *q, const json_t *request, json_t **text,
                          bool *by_hash, ia_err *e)
{
  const json_t *extensions = json_object_get(request, "extensions");
  const json_t *asked = json_object_get(extensions, "persistedQuery");
  const char *hex = json_string_value(json_object_get(asked, "sha256Hash"));
  ia_h256 hash, own;

  *text = json_incref(json_object_get(request, "query"));
  *by_hash = false;
  if (extensions && !json_is_object(extensions) && !json_is_null(extensions))
    return ia_fail(e, IA_E_INVALID, "\"extensions\" is not an object");
  if (!asked || json_is_null(asked))
    return true;
  /* other versions and forms are not of this protocol */
  if (json_integer_value(json_object_get(asked, "version")) != 1 || !hex ||
      !ia_unhex(hash.b, sizeof(hash.b), ia_span_str(hex)))
    return refuse(q, "PersistedQueryNotSupported", "PERSISTED_QUERY_NOT_SUPPORTED", e);
  if (!*text || json_is_null(*text)) {
    json_decref(*text);
    *text = text_of(p, &hash);
    return *text || refuse(q, "PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND", e);
  }
  if (!json_is_string(*text))
    return true; /* judged where it is read */
  ia_sha256(&own, ia_span_of(json_string_value(*text), json_string_length(*text)));
  *by_hash = ia_h256_eq(&own, &hash);
  return *by_hash || ia_fail(e, IA_E_INVALID,
                             "extensions.persistedQuery: sha256Hash is not the hash of \"query\"");
}
