/* Documents of GraphQL (October 2021): the whole grammar of executable documents, as a tree. Type
 * system definitions are refused by name. Nothing is judged here but form; values are constant
 * where the grammar wants them constant. */
#ifndef IA_SERVICE_GRAPH_GQL_H
#define IA_SERVICE_GRAPH_GQL_H

#include "base/attr.h"
#include "base/err.h"
#include "base/span.h"

enum {
  IA_GQL_MAX = 256 << 10,   /* bytes of a document */
  IA_GQL_DEPTH_MAX = 64,    /* of selections, of values, of types */
  IA_GQL_TOKENS_MAX = 20000 /* what any honest query stays far below */
};

typedef enum ia_gql_kind {
  IA_GQL_VARIABLE, /* text: its name, without $ */
  IA_GQL_INT,      /* text: as written */
  IA_GQL_FLOAT,
  IA_GQL_STRING, /* text: decoded, UTF-8 */
  IA_GQL_BOOLEAN,
  IA_GQL_NULL,
  IA_GQL_ENUM,
  IA_GQL_LIST,  /* first: items */
  IA_GQL_OBJECT /* first: fields, each with its name */
} ia_gql_kind;

typedef struct ia_gql_value {
  ia_gql_kind kind;
  ia_span name; /* of an object's field, of an argument */
  ia_span text;
  bool boolean;
  bool block; /* STRING: written with three quotes */
  size_t at;  /* offset in the document, for errors */
  struct ia_gql_value *first, *next;
} ia_gql_value;

typedef struct ia_gql_directive {
  ia_span name;
  ia_gql_value *arguments; /* values with their names */
  size_t at;
  struct ia_gql_directive *next;
} ia_gql_directive;

typedef enum ia_gql_selection_kind {
  IA_GQL_FIELD,  /* name, alias (empty: none), arguments, selections */
  IA_GQL_SPREAD, /* name: of the fragment */
  IA_GQL_INLINE  /* name: the type condition, empty: none */
} ia_gql_selection_kind;

typedef struct ia_gql_selection {
  ia_gql_selection_kind kind;
  ia_span name, alias;
  ia_gql_value *arguments;
  ia_gql_directive *directives;
  struct ia_gql_selection *selections, *next;
  size_t at;
} ia_gql_selection;

typedef struct ia_gql_type {
  ia_span name; /* empty: a list of `of` */
  struct ia_gql_type *of;
  bool non_null;
} ia_gql_type;

typedef struct ia_gql_variable {
  ia_span name;
  ia_gql_type *type;
  ia_gql_value *value; /* default; NULL = none */
  ia_gql_directive *directives;
  size_t at;
  struct ia_gql_variable *next;
} ia_gql_variable;

typedef enum ia_gql_operation {
  IA_GQL_QUERY,
  IA_GQL_MUTATION,
  IA_GQL_SUBSCRIPTION,
  IA_GQL_FRAGMENT
} ia_gql_operation;

typedef struct ia_gql_definition {
  ia_gql_operation operation;
  ia_span name;      /* empty: anonymous */
  ia_span condition; /* of a fragment: its type */
  ia_gql_variable *variables;
  ia_gql_directive *directives;
  ia_gql_selection *selections;
  size_t at;
  struct ia_gql_definition *next;
} ia_gql_definition;

typedef struct ia_gql_document ia_gql_document;

/* The text must outlive the document. PARSE with line and column, TOO_LARGE, UNSUPPORTED for type
 * system definitions and extensions; *at (may be NULL) is then the offset of the fault. */
IA_MUST bool ia_gql_parse(ia_gql_document **out, ia_span text, size_t *at, ia_err *e);
void ia_gql_free(ia_gql_document *d); /* NULL is fine */
IA_DEFINE_AUTO(ia_gql_document, ia_gql_free)
const ia_gql_definition *ia_gql_definitions(const ia_gql_document *d);
/* How many bytes of a text a message shows: at most 40, whole characters. */
int ia_gql_shown(ia_span s);
/* Line and column (from 1) of an offset. */
void ia_gql_place(ia_span text, size_t at, unsigned *line, unsigned *column);

#endif
