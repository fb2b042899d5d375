/* Tokens of GraphQL documents; for the parser alone. */
#ifndef IA_SERVICE_GRAPH_GQL_LEX_H
#define IA_SERVICE_GRAPH_GQL_LEX_H

#include "base/buf.h"
#include "service/graph/gql.h"

typedef enum gql_token_kind {
  GQL_END,
  GQL_PUNCTUATOR, /* text: "!", "$", "...", .. */
  GQL_NAME,
  GQL_NUMBER_INT,
  GQL_NUMBER_FLOAT,
  GQL_TEXT,      /* a string; its value is read by gql_string */
  GQL_TEXT_BLOCK /* the same between three quotes */
} gql_token_kind;

typedef struct gql_token {
  gql_token_kind kind;
  ia_span text; /* as written; of strings what stands between the quotes */
  size_t at;
} gql_token;

typedef struct gql_lexer {
  ia_span text;
  size_t at;
  size_t failed; /* where gql_fail was */
  unsigned tokens;
} gql_lexer;

/* False with PARSE, naming line and column. */
IA_MUST bool gql_next(gql_lexer *l, gql_token *out, ia_err *e);
/* Appends the value of a string token (2.9.4 String Value). */
IA_MUST bool gql_string(ia_buf *out, gql_lexer *l, const gql_token *t, ia_err *e);
/* "line L, column C: " before the message; always false. */
bool gql_fail(gql_lexer *l, size_t at, ia_err *e, const char *fmt, ...) IA_PRINTF(4, 5);

#endif
