/* Allow-list filter: default ENOSYS (interpreters probe), a wrong architecture or x32 kills. */
#include "sandbox/filter.h"

#include <errno.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <seccomp.h>

#include "base/file.h"

#define IA_EPERM SCMP_ACT_ERRNO(EPERM)

static const struct call_rule {
  const char *name;
  bool allow;
  bool hidden;
} calls[] = {
/* clang-format off */
#define IA_ALLOW(name) {#name, true, false},
#define IA_DENY(name) {#name, false, false},
#define IA_HIDDEN(name) {#name, true, true},
#include "sandbox/syscalls.def"
#undef IA_ALLOW
#undef IA_DENY
#undef IA_HIDDEN
    /* clang-format on */
};

static bool add(scmp_filter_ctx f, uint32_t action, const char *name, unsigned n,
                const struct scmp_arg_cmp *args, ia_err *e)
{
  int nr = seccomp_syscall_resolve_name(name);

  if (nr == __NR_SCMP_ERROR || nr < 0)
    return ia_fail(e, IA_E_INTERNAL, "system call %s is unknown here", name);
  int rc = seccomp_rule_add_array(f, action, nr, n, args);
  if (rc != 0)
    return ia_fail(e, IA_E_SANDBOX, "filter rule for %s: %s", name, strerror(-rc));
  return true;
}

static bool add_cmp(scmp_filter_ctx f, uint32_t action, const char *name, struct scmp_arg_cmp arg,
                    ia_err *e)
{
  return add(f, action, name, 1, &arg, e);
}

/* clone without a new namespace. clone3 hides its flags in memory: it stays with the default, so C
 * libraries are told that it does not exist and fall back to clone. */
static bool rules_clone(scmp_filter_ctx f, ia_err *e)
{
  static const unsigned long spaces = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |
                                      CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP;

  for (unsigned bit = 0; bit < 32; bit++) {
    unsigned long flag = 1UL << bit;

    if ((spaces & flag) &&
        !add_cmp(f, IA_EPERM, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, flag, flag), e))
      return false;
  }
  return add_cmp(f, SCMP_ACT_ALLOW, "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, spaces, 0), e);
}

/* unix, inet and inet6, stream and datagram. The type carries flags above its low four bits. */
static bool rules_socket(scmp_filter_ctx f, ia_err *e)
{
  static const uint64_t families[] = {AF_UNIX, AF_INET, AF_INET6};
  static const uint64_t types[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET};
  static const uint64_t refused[] = {0, 3, 4, 6, 7, 8, 9}; /* other families up to AF_INET6 */

  for (size_t i = 0; i < IA_COUNT(families); i++)
    for (size_t t = 0; t < 16; t++) {
      bool ok = false;

      for (size_t k = 0; k < IA_COUNT(types); k++)
        ok |= types[k] == t && (t != SOCK_SEQPACKET || families[i] == AF_UNIX);
      struct scmp_arg_cmp a[] = {SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, families[i]),
                                 SCMP_A1(SCMP_CMP_MASKED_EQ, 0xf, t)};
      if (!add(f, ok ? SCMP_ACT_ALLOW : IA_EPERM, "socket", IA_COUNT(a), a, e))
        return false;
    }
  for (size_t i = 0; i < IA_COUNT(refused); i++)
    if (!add_cmp(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket",
                 SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, refused[i]), e))
      return false;
  return add_cmp(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", SCMP_A0(SCMP_CMP_GT, AF_INET6, 0), e);
}

/* Terminal injection is refused; the request is compared in its low 32 bits, as the kernel does. */
static bool rules_ioctl(scmp_filter_ctx f, ia_err *e)
{
  static const uint64_t wanted[] = {TCGETS,   FIONREAD,   FIONBIO,   FIOCLEX, FIONCLEX,
                                    FIOASYNC, TIOCGWINSZ, TIOCGPGRP, FIOQSIZE};

  for (size_t i = 0; i < IA_COUNT(wanted); i++)
    if (!add_cmp(f, SCMP_ACT_ALLOW, "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, wanted[i]), e))
      return false;
  static const uint64_t refused[] = {TIOCSTI, TIOCLINUX};
  for (size_t i = 0; i < IA_COUNT(refused); i++)
    if (!add_cmp(f, IA_EPERM, "ioctl", SCMP_A1(SCMP_CMP_MASKED_EQ, 0xffffffff, refused[i]), e))
      return false;
  return true;
}

/* mkfifo uses the same call as mknod, so only devices are refused. */
static bool rules_mknod(scmp_filter_ctx f, ia_err *e)
{
  static const uint64_t allowed[] = {0, S_IFREG, S_IFIFO, S_IFSOCK};
  static const uint64_t refused[] = {S_IFCHR, S_IFBLK};

  for (size_t i = 0; i < IA_COUNT(allowed); i++)
    if (!add_cmp(f, SCMP_ACT_ALLOW, "mknod", SCMP_A1(SCMP_CMP_MASKED_EQ, S_IFMT, allowed[i]), e) ||
        !add_cmp(f, SCMP_ACT_ALLOW, "mknodat", SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, allowed[i]), e))
      return false;
  for (size_t i = 0; i < IA_COUNT(refused); i++)
    if (!add_cmp(f, IA_EPERM, "mknod", SCMP_A1(SCMP_CMP_MASKED_EQ, S_IFMT, refused[i]), e) ||
        !add_cmp(f, IA_EPERM, "mknodat", SCMP_A2(SCMP_CMP_MASKED_EQ, S_IFMT, refused[i]), e))
      return false;
  return true;
}

static bool rules_prctl(scmp_filter_ctx f, ia_err *e)
{
  static const uint64_t allowed[] = {
      PR_SET_PDEATHSIG,
      PR_GET_PDEATHSIG,
      PR_GET_DUMPABLE,
      PR_SET_DUMPABLE,
      PR_SET_NAME,
      PR_GET_NAME,
      PR_SET_NO_NEW_PRIVS,
      PR_GET_NO_NEW_PRIVS,
      PR_GET_SECCOMP,
      PR_SET_SECCOMP,
      PR_CAPBSET_READ,
      PR_SET_TIMERSLACK,
      PR_GET_TIMERSLACK,
      PR_SET_VMA,
      PR_GET_KEEPCAPS,
      PR_CAP_AMBIENT,
      PR_GET_SECUREBITS,
      PR_SET_CHILD_SUBREAPER,
      PR_GET_CHILD_SUBREAPER,
      PR_GET_TID_ADDRESS,
      PR_GET_THP_DISABLE,
      PR_SET_THP_DISABLE,
      PR_GET_SPECULATION_CTRL,
      PR_SET_SPECULATION_CTRL,
      PR_SET_KEEPCAPS,
  };

  for (size_t i = 0; i < IA_COUNT(allowed); i++)
    if (!add_cmp(f, SCMP_ACT_ALLOW, "prctl", SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, allowed[i]),
                 e))
      return false;
  /* 0 sets, 0xffffffff asks: both leave the Linux personality */
  return add_cmp(f, SCMP_ACT_ALLOW, "personality", SCMP_A0(SCMP_CMP_EQ, 0, 0), e) &&
         add_cmp(f, SCMP_ACT_ALLOW, "personality", SCMP_A0(SCMP_CMP_EQ, 0xffffffff, 0), e);
}

static bool fill(scmp_filter_ctx f, bool counted, ia_err *e)
{
  int rc = seccomp_attr_set(f, SCMP_FLTATR_CTL_OPTIMIZE, 2);

  if (rc == 0)
    rc = seccomp_attr_set(f, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
  if (rc != 0)
    return ia_fail(e, IA_E_SANDBOX, "filter attributes: %s", strerror(-rc));
  for (size_t i = 0; i < IA_COUNT(calls); i++)
    if ((counted || !calls[i].hidden) &&
        !add(f, calls[i].allow ? SCMP_ACT_ALLOW : IA_EPERM, calls[i].name, 0, NULL, e))
      return false;
  return rules_clone(f, e) && rules_socket(f, e) && rules_ioctl(f, e) && rules_mknod(f, e) &&
         rules_prctl(f, e);
}

bool ia_filter_build(ia_buf *out, bool counted, ia_err *e)
{
  if (seccomp_arch_native() != SCMP_ARCH_X86_64)
    return ia_fail(e, IA_E_UNSUPPORTED, "the sandbox filter is for x86-64");
  scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
  ia_autoclose int fd = memfd_create("filter", MFD_CLOEXEC);

  if (!f || fd < 0) {
    seccomp_release(f);
    return ia_fail_errno(e, "filter");
  }
  bool ok = fill(f, counted, e);
  int rc = ok ? seccomp_export_bpf(f, fd) : 0;
  seccomp_release(f);
  if (!ok)
    return false;
  if (rc != 0)
    return ia_fail(e, IA_E_SANDBOX, "filter: %s", strerror(-rc));
  if (lseek(fd, 0, SEEK_SET) != 0)
    return ia_fail_errno(e, "filter");
  return ia_fd_read_all(out, fd, 1 << 16, e);
}
