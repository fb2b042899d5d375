/* Memory that a process does not need goes back to the system: an allocator keeps it otherwise, and
 * one large answer would mark a service for as long as it runs. */
#ifndef IA_BASE_HEAP_H
#define IA_BASE_HEAP_H

/* Once, at the start of a service: large blocks are mapped by themselves, so that freeing them
 * unmaps them. */
void ia_heap_init(void);
/* After something large was freed; some milliseconds. */
void ia_heap_trim(void);

#endif
