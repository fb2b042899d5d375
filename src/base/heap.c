#include "base/heap.h"

#include <malloc.h>

enum { MAPPED_FROM = 128 << 10 };

void ia_heap_init(void)
{
  /* set by hand, the threshold does not grow with what is freed */
  (void)mallopt(M_MMAP_THRESHOLD, MAPPED_FROM);
  (void)mallopt(M_TRIM_THRESHOLD, MAPPED_FROM);
}

void ia_heap_trim(void)
{
  (void)malloc_trim(0);
}
