/* Locked memory for secrets. */
#include "base/secret.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "base/random.h"

static size_t pages_of(size_t len)
{
  size_t page = (size_t)sysconf(_SC_PAGESIZE);

  return (len + page - 1) / page * page;
}

bool ia_secret_new(ia_secret *s, size_t len, ia_err *e)
{
  size_t room = pages_of(len ? len : 1);
  void *p = mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

  if (p == MAP_FAILED)
    return ia_fail(e, IA_E_MEMORY, "no memory for a secret of %zu bytes", len);
  /* A low RLIMIT_MEMLOCK is common; swap is then kept out by the other two and by policy. */
  (void)mlock(p, room);
  (void)madvise(p, room, MADV_DONTDUMP);
  (void)madvise(p, room, MADV_WIPEONFORK);
  *s = (ia_secret){p, len};
  return true;
}

bool ia_secret_copy(ia_secret *s, ia_span from, ia_err *e)
{
  if (!ia_secret_new(s, from.len, e))
    return false;
  if (from.len > 0)
    memcpy(s->ptr, from.ptr, from.len);
  return true;
}

bool ia_secret_random(ia_secret *s, size_t len, ia_err *e)
{
  return ia_secret_new(s, len, e) && ia_random(s->ptr, len, e);
}

void ia_secret_free(ia_secret *s)
{
  if (!s || !s->ptr)
    return;
  explicit_bzero(s->ptr, s->len);
  munmap(s->ptr, pages_of(s->len ? s->len : 1));
  *s = (ia_secret){0};
}

bool ia_process_harden(ia_err *e)
{
  static const struct rlimit none = {0, 0};

  if (setrlimit(RLIMIT_CORE, &none) != 0)
    return ia_fail_errno(e, "core limit");
  if (prctl(PR_SET_DUMPABLE, 0L, 0L, 0L, 0L) != 0)
    return ia_fail_errno(e, "PR_SET_DUMPABLE");
  return true;
}
