/* The grammar of executable documents (October 2021, section 2). */
#include <stdlib.h>
#include <string.h>

#include "service/graph/gql_lex.h"

/* Nodes live until the document goes; chunks double. */
typedef struct chunk {
  struct chunk *next;
  size_t used, size;
} chunk;

struct ia_gql_document {
  ia_gql_definition *first;
  chunk *chunks;
};

typedef struct parser {
  ia_gql_document *d;
  gql_lexer lex;
  gql_token token; /* the one that is looked at */
  unsigned depth;
  bool constant; /* no variables here */
  ia_err *e;
} parser;

void ia_gql_free(ia_gql_document *d)
{
  if (!d)
    return;
  for (chunk *c = d->chunks, *next; c; c = next) {
    next = c->next;
    free(c);
  }
  free(d);
}

const ia_gql_definition *ia_gql_definitions(const ia_gql_document *d)
{
  return d->first;
}

enum { CHUNK = 16 << 10, ALIGN = 16 };

static void *node(parser *p, size_t n)
{
  chunk *c = p->d->chunks;

  n = (n + ALIGN - 1) / ALIGN * ALIGN;
  if (!c || c->size - c->used < n) {
    size_t size = n > CHUNK ? n : CHUNK;

    c = malloc(sizeof(chunk) + ALIGN + size);
    if (!c) {
      ia_fail(p->e, IA_E_MEMORY, "no memory for a document");
      return NULL;
    }
    *c = (chunk){p->d->chunks, 0, size};
    p->d->chunks = c;
  }
  char *base = (char *)c + (sizeof(chunk) + ALIGN - 1) / ALIGN * ALIGN;
  void *at = base + c->used;
  c->used += n;
  memset(at, 0, n);
  return at;
}

static bool next(parser *p)
{
  return gql_next(&p->lex, &p->token, p->e);
}

static bool is(const parser *p, const char *punctuator)
{
  return p->token.kind == GQL_PUNCTUATOR && ia_span_is(p->token.text, punctuator);
}

static bool is_word(const parser *p, const char *word)
{
  return p->token.kind == GQL_NAME && ia_span_is(p->token.text, word);
}

static bool unexpected(parser *p, const char *want)
{
  const gql_token *t = &p->token;

  if (t->kind == GQL_END)
    return gql_fail(&p->lex, t->at, p->e, "the document ends where %s is wanted", want);
  return gql_fail(&p->lex, t->at, p->e, "%s is wanted, not \"%.*s\"", want, ia_gql_shown(t->text),
                  (const char *)t->text.ptr);
}

static bool expect(parser *p, const char *punctuator)
{
  return is(p, punctuator) ? next(p) : unexpected(p, punctuator);
}

static bool name(parser *p, ia_span *out)
{
  if (p->token.kind != GQL_NAME)
    return unexpected(p, "a name");
  *out = p->token.text;
  return next(p);
}

static bool deeper(parser *p)
{
  return ++p->depth <= IA_GQL_DEPTH_MAX ||
         ia_fail(p->e, IA_E_TOO_LARGE, "a document deeper than %d levels", IA_GQL_DEPTH_MAX);
}

/* -- values -- */
static bool value(parser *p, ia_gql_value **out);

static bool list_value(parser *p, ia_gql_value *v)
{
  ia_gql_value **last = &v->first;

  v->kind = IA_GQL_LIST;
  if (!next(p))
    return false;
  while (!is(p, "]")) {
    if (!value(p, last))
      return false;
    last = &(*last)->next;
  }
  return next(p);
}

/* name : value, for objects and arguments */
static bool named_value(parser *p, ia_gql_value **out)
{
  size_t at = p->token.at;
  ia_span key;

  if (!name(p, &key) || !expect(p, ":") || !value(p, out))
    return false;
  (*out)->name = key;
  (*out)->at = at;
  return true;
}

static bool object_value(parser *p, ia_gql_value *v)
{
  ia_gql_value **last = &v->first;

  v->kind = IA_GQL_OBJECT;
  if (!next(p))
    return false;
  while (!is(p, "}")) {
    if (!named_value(p, last))
      return false;
    last = &(*last)->next;
  }
  return next(p);
}

static bool string_value(parser *p, ia_gql_value *v)
{
  IA_AUTOV(ia_buf) text = {.cap = IA_GQL_MAX};

  v->kind = IA_GQL_STRING;
  v->block = p->token.kind == GQL_TEXT_BLOCK;
  if (!gql_string(&text, &p->lex, &p->token, p->e))
    return false;
  void *kept = node(p, text.len + 1);
  if (!kept)
    return false;
  if (text.len > 0)
    memcpy(kept, text.ptr, text.len);
  v->text = ia_span_of(kept, text.len);
  return next(p);
}

static bool word_value(parser *p, ia_gql_value *v)
{
  bool yes = is_word(p, "true");

  v->text = p->token.text;
  v->boolean = yes;
  v->kind = yes || is_word(p, "false") ? IA_GQL_BOOLEAN
            : is_word(p, "null")       ? IA_GQL_NULL
                                       : IA_GQL_ENUM;
  return next(p);
}

static bool variable_value(parser *p, ia_gql_value *v)
{
  if (p->constant)
    return gql_fail(&p->lex, p->token.at, p->e, "a variable cannot stand in a constant value");
  v->kind = IA_GQL_VARIABLE;
  return next(p) && name(p, &v->text);
}

static bool value_of(parser *p, ia_gql_value *v)
{
  switch (p->token.kind) {
  case GQL_NUMBER_INT:
  case GQL_NUMBER_FLOAT:
    v->kind = p->token.kind == GQL_NUMBER_INT ? IA_GQL_INT : IA_GQL_FLOAT;
    v->text = p->token.text;
    return next(p);
  case GQL_TEXT:
  case GQL_TEXT_BLOCK: return string_value(p, v);
  case GQL_NAME: return word_value(p, v);
  default: break;
  }
  if (is(p, "$"))
    return variable_value(p, v);
  if (is(p, "["))
    return list_value(p, v);
  return is(p, "{") ? object_value(p, v) : unexpected(p, "a value");
}

static bool value(parser *p, ia_gql_value **out)
{
  ia_gql_value *v = node(p, sizeof(*v));

  if (!v || !deeper(p))
    return false;
  v->at = p->token.at;
  bool ok = value_of(p, v);
  p->depth--;
  *out = v;
  return ok;
}

static bool arguments(parser *p, ia_gql_value **out)
{
  if (!is(p, "("))
    return true;
  if (!next(p))
    return false;
  do {
    if (!named_value(p, out))
      return false;
    out = &(*out)->next;
  } while (!is(p, ")"));
  return next(p);
}

static bool directives(parser *p, ia_gql_directive **out, bool constant)
{
  bool before = p->constant;

  p->constant = constant;
  while (is(p, "@")) {
    ia_gql_directive *d = node(p, sizeof(*d));

    if (!d)
      return false;
    d->at = p->token.at;
    if (!next(p) || !name(p, &d->name) || !arguments(p, &d->arguments))
      return false;
    *out = d;
    out = &d->next;
  }
  p->constant = before;
  return true;
}

/* -- selections -- */
static bool selection(parser *p, ia_gql_selection **out);

static bool selection_set(parser *p, ia_gql_selection **out)
{
  if (!deeper(p) || !expect(p, "{"))
    return false;
  do {
    if (!selection(p, out))
      return false;
    out = &(*out)->next;
  } while (!is(p, "}"));
  p->depth--;
  return next(p);
}

static bool field(parser *p, ia_gql_selection *s)
{
  s->kind = IA_GQL_FIELD;
  if (!name(p, &s->name))
    return false;
  if (is(p, ":")) {
    s->alias = s->name;
    if (!next(p) || !name(p, &s->name))
      return false;
  }
  return arguments(p, &s->arguments) && directives(p, &s->directives, false) &&
         (!is(p, "{") || selection_set(p, &s->selections));
}

static bool fragment(parser *p, ia_gql_selection *s)
{
  if (!next(p))
    return false;
  if (p->token.kind == GQL_NAME && !is_word(p, "on")) {
    s->kind = IA_GQL_SPREAD;
    return name(p, &s->name) && directives(p, &s->directives, false);
  }
  s->kind = IA_GQL_INLINE;
  if (is_word(p, "on") && (!next(p) || !name(p, &s->name)))
    return false;
  return directives(p, &s->directives, false) && selection_set(p, &s->selections);
}

static bool selection(parser *p, ia_gql_selection **out)
{
  ia_gql_selection *s = node(p, sizeof(*s));

  if (!s)
    return false;
  *out = s;
  s->at = p->token.at;
  return is(p, "...") ? fragment(p, s) : field(p, s);
}

/* -- definitions -- */
static bool type(parser *p, ia_gql_type **out)
{
  ia_gql_type *t = node(p, sizeof(*t));

  if (!t || !deeper(p))
    return false;
  *out = t;
  bool ok = is(p, "[") ? next(p) && type(p, &t->of) && expect(p, "]") : name(p, &t->name);
  p->depth--;
  if (!ok || !is(p, "!"))
    return ok;
  t->non_null = true;
  return next(p);
}

static bool variable(parser *p, ia_gql_variable **out)
{
  ia_gql_variable *v = node(p, sizeof(*v));

  if (!v)
    return false;
  *out = v;
  v->at = p->token.at;
  if (!expect(p, "$") || !name(p, &v->name) || !expect(p, ":") || !type(p, &v->type))
    return false;
  p->constant = true;
  bool ok = !is(p, "=") || (next(p) && value(p, &v->value));
  p->constant = false;
  return ok && directives(p, &v->directives, true);
}

static bool variables(parser *p, ia_gql_variable **out)
{
  if (!is(p, "("))
    return true;
  if (!next(p))
    return false;
  do {
    if (!variable(p, out))
      return false;
    out = &(*out)->next;
  } while (!is(p, ")"));
  return next(p);
}

static bool operation(parser *p, ia_gql_definition *d)
{
  static const char *const words[] = {"query", "mutation", "subscription"};
  int kind = 0;

  if (is(p, "{"))
    return selection_set(p, &d->selections);
  while (kind < 3 && !is_word(p, words[kind]))
    kind++;
  d->operation = (ia_gql_operation)kind;
  if (!next(p) || (p->token.kind == GQL_NAME && !name(p, &d->name)))
    return false;
  return variables(p, &d->variables) && directives(p, &d->directives, false) &&
         selection_set(p, &d->selections);
}

static bool fragment_definition(parser *p, ia_gql_definition *d)
{
  d->operation = IA_GQL_FRAGMENT;
  if (!next(p))
    return false;
  if (is_word(p, "on"))
    return unexpected(p, "the fragment's name");
  if (!name(p, &d->name))
    return false;
  if (!is_word(p, "on"))
    return unexpected(p, "\"on\"");
  return next(p) && name(p, &d->condition) && directives(p, &d->directives, false) &&
         selection_set(p, &d->selections);
}

static bool is_operation(const parser *p)
{
  return is(p, "{") || is_word(p, "query") || is_word(p, "mutation") || is_word(p, "subscription");
}

/* What belongs to schemas, not to queries; a description may stand before it. */
static bool is_type_system(const parser *p)
{
  static const char *const words[] = {"schema", "scalar", "type",   "interface", "union",
                                      "enum",   "input",  "extend", "directive"};

  for (size_t i = 0; i < IA_COUNT(words); i++)
    if (is_word(p, words[i]))
      return true;
  return p->token.kind == GQL_TEXT || p->token.kind == GQL_TEXT_BLOCK;
}

static bool definition(parser *p, ia_gql_definition **out)
{
  ia_gql_definition *d = node(p, sizeof(*d));

  if (!d)
    return false;
  *out = d;
  d->at = p->token.at;
  if (is_operation(p))
    return operation(p, d);
  if (is_word(p, "fragment"))
    return fragment_definition(p, d);
  if (is_type_system(p))
    return ia_fail(p->e, IA_E_UNSUPPORTED,
                   "definitions of a schema are not taken here, only queries and fragments");
  return unexpected(p, "a query or a fragment");
}

static bool document(parser *p)
{
  ia_gql_definition **last = &p->d->first;

  if (!next(p))
    return false;
  do {
    if (!definition(p, last))
      return false;
    last = &(*last)->next;
  } while (p->token.kind != GQL_END);
  return true;
}

bool ia_gql_parse(ia_gql_document **out, ia_span text, size_t *at, ia_err *e)
{
  IA_AUTO(ia_gql_document) *d = NULL;

  if (at)
    *at = 0;
  if (text.len > IA_GQL_MAX)
    return ia_fail(e, IA_E_TOO_LARGE, "a document of more than %d bytes", IA_GQL_MAX);
  if (!ia_utf8_valid(text))
    return ia_fail(e, IA_E_PARSE, "a document is UTF-8");
  d = calloc(1, sizeof(*d));
  if (!d)
    return ia_fail(e, IA_E_MEMORY, "no memory for a document");
  parser p = {.d = d, .lex = {.text = text}, .e = e};
  if (!document(&p)) {
    if (at)
      *at = p.lex.failed ? p.lex.failed : p.token.at;
    return false;
  }
  *out = ia_steal(&d);
  return true;
}
