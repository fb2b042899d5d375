/* Open addressing, at most half full. */
#include "image/inodes.h"

#include <stdint.h>

static size_t slot_of(const ia_inodes *s, ino_t ino)
{
  size_t i = (size_t)((uint64_t)ino * 0x9e3779b97f4a7c15u >> 20) & (s->room - 1);

  while (s->slots[i] != 0 && s->slots[i] != ino)
    i = (i + 1) & (s->room - 1);
  return i;
}

static bool grow(ia_inodes *s, ia_err *e)
{
  ia_inodes bigger = {.room = s->room ? s->room * 2 : 256};

  bigger.slots = calloc(bigger.room, sizeof(*bigger.slots));
  if (!bigger.slots)
    return ia_fail(e, IA_E_MEMORY, "inode set");
  for (size_t i = 0; i < s->room; i++) {
    if (s->slots[i] != 0)
      bigger.slots[slot_of(&bigger, s->slots[i])] = s->slots[i];
  }
  bigger.n = s->n;
  free(s->slots);
  *s = bigger;
  return true;
}

bool ia_inodes_add(ia_inodes *s, ino_t ino, ia_err *e)
{
  if (s->n * 2 >= s->room && !grow(s, e))
    return false;
  size_t i = slot_of(s, ino);
  if (s->slots[i] == 0)
    s->n++;
  s->slots[i] = ino;
  return true;
}

bool ia_inodes_has(const ia_inodes *s, ino_t ino)
{
  return s->room > 0 && s->slots[slot_of(s, ino)] == ino;
}

void ia_inodes_free(ia_inodes *s)
{
  free(s->slots);
  *s = (ia_inodes){0};
}
