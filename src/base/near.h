/* "Did you mean": the known word that is nearest to a mistyped one. */
#ifndef IA_BASE_NEAR_H
#define IA_BASE_NEAR_H

/* Starts as {.word = mistyped}. */
typedef struct ia_near {
  const char *word;
  const char *best; /* NULL: nothing is near enough */
  unsigned distance;
} ia_near;

/* Takes the candidate when it is nearer than the best so far: at most a third of its letters are
 * missing, added, changed or swapped with their neighbour. */
void ia_near_try(ia_near *n, const char *candidate);

#endif
