/* Compiler attributes and cleanup by scope. A cleanup variable is initialised in its declaration.
 */
#ifndef IA_BASE_ATTR_H
#define IA_BASE_ATTR_H

#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#define IA_MUST         __attribute__((warn_unused_result))
#define IA_PRINTF(f, a) __attribute__((format(printf, f, a)))
#define IA_UNUSED       __attribute__((unused))
#define IA_COUNT(a)     (sizeof(a) / sizeof((a)[0]))

#define IA_CAT_(a, b) a##b
#define IA_CAT(a, b)  IA_CAT_(a, b)

/* IA_DEFINE_AUTO(ia_db, ia_db_close) lets `IA_AUTO(ia_db) *db = NULL;` close by scope. fn takes
 * NULL. */
#define IA_DEFINE_AUTO(type, fn)                                                                   \
  static inline void ia_auto_##type(type **p)                                                      \
  {                                                                                                \
    if (*p)                                                                                        \
      fn(*p);                                                                                      \
  }
#define IA_AUTO(type) __attribute__((cleanup(ia_auto_##type))) type

/* IA_DEFINE_AUTO_VALUE(ia_buf, ia_buf_free): the same for a struct held by value. */
#define IA_DEFINE_AUTO_VALUE(type, fn)                                                             \
  static inline void ia_autov_##type(type *p)                                                      \
  {                                                                                                \
    fn(p);                                                                                         \
  }
#define IA_AUTOV(type) __attribute__((cleanup(ia_autov_##type))) type

static inline void ia_autofree_(void *p)
{
  free(*(void **)p);
}
#define ia_autofree __attribute__((cleanup(ia_autofree_)))

static inline void ia_autoclose_(int *fd)
{
  if (*fd >= 0)
    close(*fd);
}
#define ia_autoclose __attribute__((cleanup(ia_autoclose_)))

static inline void *ia_steal_(void *pp)
{
  void *p = *(void **)pp;

  *(void **)pp = NULL;
  return p;
}
/* Hands ownership out of a cleanup variable. */
#define ia_steal(pp) ((__typeof__(*(pp)))ia_steal_(pp))

static inline int ia_steal_fd(int *fd)
{
  int v = *fd;

  *fd = -1;
  return v;
}

#endif
