/* Landlock rules by ABI version (kernel: Documentation/userspace-api/landlock.rst). */
#include "sandbox/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/attr.h"

/* Rights by bit, as the kernel numbers them; headers of older systems lack the later ones. */
enum {
  FS_EXECUTE = 1 << 0,
  FS_WRITE = 1 << 1,
  FS_READ = 1 << 2,
  FS_READ_DIR = 1 << 3,
  FS_REMOVE_DIR = 1 << 4,
  FS_REMOVE_FILE = 1 << 5,
  FS_MAKE_CHAR = 1 << 6,
  FS_MAKE_DIR = 1 << 7,
  FS_MAKE_REG = 1 << 8,
  FS_MAKE_SOCK = 1 << 9,
  FS_MAKE_FIFO = 1 << 10,
  FS_MAKE_BLOCK = 1 << 11,
  FS_MAKE_SYM = 1 << 12,
  FS_REFER = 1 << 13,     /* ABI 2 */
  FS_TRUNCATE = 1 << 14,  /* ABI 3 */
  FS_IOCTL_DEV = 1 << 15, /* ABI 5 */
  NET_BIND = 1 << 0,      /* ABI 4 */
  NET_CONNECT = 1 << 1,
  SCOPE_UNIX = 1 << 0, /* ABI 6 */
  SCOPE_SIGNAL = 1 << 1,

  READ_EXEC = FS_EXECUTE | FS_READ | FS_READ_DIR,
  WRITE = FS_WRITE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SYM |
          FS_REFER | FS_TRUNCATE,
  MAKE_PIPES = FS_MAKE_SOCK | FS_MAKE_FIFO,
};

struct ruleset_attr {
  uint64_t fs, net, scoped;
};

struct path_attr {
  uint64_t rights;
  int32_t fd;
} __attribute__((packed));

static const struct rule {
  const char *path;
  uint64_t rights;
} rules[] = {
    {"/", READ_EXEC},
    {"/tmp", READ_EXEC | WRITE | MAKE_PIPES},
    {"/dev/shm", READ_EXEC | WRITE | MAKE_PIPES},
    {"/iexec_out", FS_READ | FS_READ_DIR | WRITE},
    {"/dev", FS_READ | FS_READ_DIR | FS_WRITE | FS_TRUNCATE | FS_IOCTL_DEV},
};

int ia_landlock_abi(void)
{
  long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* version */);

  return abi < 0 ? 0 : (int)abi;
}

/* All rights that this ABI knows: what no rule grants is then refused, devices above all. */
static uint64_t handled(int abi)
{
  uint64_t all = (FS_MAKE_SYM << 1) - 1;

  if (abi >= 2)
    all |= FS_REFER;
  if (abi >= 3)
    all |= FS_TRUNCATE;
  if (abi >= 5)
    all |= FS_IOCTL_DEV;
  return all;
}

static bool allow(int set, const char *path, uint64_t rights, uint64_t known)
{
  int fd = open(path, O_PATH | O_CLOEXEC);

  if (fd < 0)
    return errno == ENOENT; /* /iexec_out is absent in image builds */
  struct path_attr a = {rights & known, fd};
  long rc = syscall(SYS_landlock_add_rule, set, 1 /* path beneath */, &a, 0);
  close(fd);
  return rc == 0;
}

bool ia_landlock_enter(int abi, bool writable)
{
  uint64_t known = handled(abi);
  struct ruleset_attr a = {.fs = known};
  /* the size tells the kernel which fields there are */
  size_t size = abi >= 6 ? sizeof(a) : abi >= 4 ? 16 : 8;

  if (abi < 1)
    return true;
  if (abi >= 4)
    a.net = NET_CONNECT; /* nothing to connect to: there is no egress relay in this namespace */
  if (abi >= 6)
    a.scoped = SCOPE_UNIX | SCOPE_SIGNAL;
  int set = (int)syscall(SYS_landlock_create_ruleset, &a, size, 0);
  if (set < 0)
    return false;
  bool ok = true;
  for (size_t i = 0; ok && i < IA_COUNT(rules); i++)
    ok = allow(set, rules[i].path, rules[i].rights | (writable && i == 0 ? WRITE | MAKE_PIPES : 0),
               known);
  ok = ok && syscall(SYS_landlock_restrict_self, set, 0) == 0;
  close(set);
  return ok;
}
