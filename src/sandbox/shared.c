/* Counting shared anonymous memory where no memory cgroup does. Its pages outlive what a process's
 * size shows of them: MADV_DONTNEED and munmap of a part leave them in the object. So every mapping
 * is counted when it is made, by its length: the system call waits for the first process of the box
 * (seccomp user notification). The length is in a register and cannot be changed meanwhile.
 * Async-signal-safe, as all of the first process. */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "sandbox/box.h"

enum { KIND = MAP_TYPE | MAP_ANONYMOUS, SHARED = MAP_SHARED | MAP_ANONYMOUS, PAGE = 4096 };

/* Other tables of system calls are the app's own filter's matter: it kills. */
static int install(uint32_t action, unsigned flags)
{
  struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, 5),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, KIND),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SHARED, 1, 0),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET | BPF_K, action),
  };
  struct sock_fprog program = {IA_COUNT(code), code};

  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

bool ia_shared_count(int *listener)
{
  *listener = install(SECCOMP_RET_USER_NOTIF, SECCOMP_FILTER_FLAG_NEW_LISTENER);
  return *listener >= 0 || install(SECCOMP_RET_ERRNO | ENOMEM, 0) == 0;
}

void ia_shared_answer(int listener, uint64_t *left)
{
  struct seccomp_notif ask = {0};
  struct seccomp_notif_resp answer = {0};

  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &ask) != 0)
    return; /* it was killed meanwhile */
  uint64_t bytes = ask.data.args[1];
  answer.id = ask.id;
  if (bytes > UINT64_MAX - PAGE || (bytes + PAGE - 1) / PAGE * PAGE > *left) {
    answer.error = -ENOMEM;
  } else {
    *left -= (bytes + PAGE - 1) / PAGE * PAGE;
    answer.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  }
  (void)ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer);
}
