/* Documents of GraphQL. What parses has every offset inside the text. */
#include <stdlib.h>

#include "service/graph/gql.h"

int ia_fuzz_gql(const uint8_t *p, size_t n);

static void inside(const ia_gql_selection *s, size_t n)
{
  for (; s; s = s->next) {
    if (s->at >= n)
      abort();
    inside(s->selections, n);
  }
}

int ia_fuzz_gql(const uint8_t *p, size_t n)
{
  IA_AUTO(ia_gql_document) *d = NULL;
  unsigned line, column;
  size_t at;

  if (!ia_gql_parse(&d, ia_span_of(p, n), &at, NULL)) {
    if (at > n)
      abort();
    ia_gql_place(ia_span_of(p, n), at, &line, &column);
    if (line == 0 || column == 0)
      abort();
    return 0;
  }
  for (const ia_gql_definition *f = ia_gql_definitions(d); f; f = f->next)
    inside(f->selections, n);
  return 0;
}
