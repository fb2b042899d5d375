/* Deeds on the kernel: calls, sockets, namespaces, devices, clocks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "hostile.h"

/* Reads at most a little; says how many bytes, or why not. */
static void peek(const char *path)
{
  char buf[256];
  int fd = open(path, O_RDONLY | O_NONBLOCK);
  ssize_t n = fd < 0 ? -1 : read(fd, buf, sizeof(buf));

  if (n < 0)
    said(path, -1);
  else
    printf("%s=%s\n", path, n == 0 ? "empty" : "READ");
  if (fd >= 0)
    close(fd);
}

/* 7 */
static size_t read_some(const char *path, char *out, size_t cap)
{
  int fd = open(path, O_RDONLY);
  ssize_t n = fd < 0 ? -1 : read(fd, out, cap - 1);

  if (fd >= 0)
    close(fd);
  out[n > 0 ? n : 0] = '\0';
  return n > 0 ? (size_t)n : 0;
}

/* 7: what tells one machine from another: each line names what could be learnt. */
static const char *const silent[] = {
    "/proc/partitions",
    "/proc/diskstats",
    "/proc/mdstat",
    "/proc/locks",
    "/proc/cmdline",
    "/proc/version",
    "/proc/swaps",
    "/proc/modules",
    "/proc/vmstat",
    "/proc/zoneinfo",
    "/proc/softirqs",
    "/proc/interrupts",
    "/proc/tty/drivers",
    "/proc/sys/kernel/random/boot_id",
    "/proc/sys/kernel/modprobe",
    "/proc/sys/kernel/core_pattern",
    "/proc/sys/kernel/version",
    "/proc/sys/dev/cdrom/info",
    "/etc/machine-id",
    "/sys/class/dmi/id/product_uuid",
};
static const char *const empty[] = {"/proc/fs",     "/proc/bus",     "/proc/irq",
                                    "/proc/driver", "/proc/sys/dev", "/proc/scsi"};

static void list_names(const char *path)
{
  DIR *d = opendir(path);

  for (struct dirent *x; d && (x = readdir(d));)
    if (x->d_name[0] != '.')
      printf("learnt=%s/%s\n", path, x->d_name);
  if (d)
    closedir(d);
}

int do_machine(void)
{
  static char text[1 << 16];

  for (size_t i = 0; i < sizeof(silent) / sizeof(silent[0]); i++)
    if (read_some(silent[i], text, sizeof(text)) > 0)
      printf("learnt=%s\n", silent[i]);
  for (size_t i = 0; i < sizeof(empty) / sizeof(empty[0]); i++)
    list_names(empty[i]);
  if (read_some("/proc/self/cgroup", text, sizeof(text)) > 0 && strstr(text, "iapp-"))
    printf("learnt=group %s\n", text);
  (void)read_some("/proc/self/mountinfo", text, sizeof(text));
  for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
    const char *source = strstr(line, " - ");

    if (strstr(line, "iapp-box") || (source && strstr(source, " /dev/")))
      printf("learnt=mount %s\n", line);
  }
  printf("done=1\n");
  return 0;
}

int do_proc(void)
{
  static const char *const paths[] = {
      "/proc/1/environ", "/proc/1/maps",        "/proc/1/cmdline",  "/proc/1/mem",
      "/proc/kcore",     "/proc/keys",          "/proc/kmsg",       "/proc/kallsyms",
      "/proc/version",   "/proc/cmdline",       "/proc/timer_list", "/proc/acpi/wakeup",
      "/sys/kernel",     "/proc/sysrq-trigger",
  };

  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
    peek(paths[i]);
  said("root1", open("/proc/1/root", O_RDONLY | O_DIRECTORY));
  said("fd1", open("/proc/1/fd", O_RDONLY | O_DIRECTORY));
  said("core_pattern", open("/proc/sys/kernel/core_pattern", O_WRONLY));
  said("sysrq", open("/proc/sys/kernel/sysrq", O_WRONLY));
  said("oom", open("/proc/1/oom_score_adj", O_WRONLY));
  return 0;
}

static const struct {
  const char *name;
  long nr;
} calls[] = {
    {"process_vm_readv", SYS_process_vm_readv},
    {"process_vm_writev", SYS_process_vm_writev},
    {"pidfd_getfd", SYS_pidfd_getfd},
    {"mount", SYS_mount},
    {"umount2", SYS_umount2},
    {"fsopen", SYS_fsopen},
    {"open_tree", SYS_open_tree},
    {"move_mount", SYS_move_mount},
    {"mount_setattr", SYS_mount_setattr},
    {"pivot_root", SYS_pivot_root},
    {"chroot", SYS_chroot},
    {"setns", SYS_setns},
    {"bpf", SYS_bpf},
    {"perf_event_open", SYS_perf_event_open},
    {"keyctl", SYS_keyctl},
    {"add_key", SYS_add_key},
    {"request_key", SYS_request_key},
    {"kexec_load", SYS_kexec_load},
    {"init_module", SYS_init_module},
    {"swapon", SYS_swapon},
    {"reboot", SYS_reboot},
    {"open_by_handle_at", SYS_open_by_handle_at},
    {"userfaultfd", SYS_userfaultfd},
    {"io_uring_setup", SYS_io_uring_setup},
    {"io_uring_enter", SYS_io_uring_enter},
    {"quotactl", SYS_quotactl},
    {"acct", SYS_acct},
    {"clock_settime", SYS_clock_settime},
    {"syslog", SYS_syslog},
    {"iopl", SYS_iopl},
    {"ioperm", SYS_ioperm},
    {"modify_ldt", SYS_modify_ldt},
    {"kcmp", SYS_kcmp},
};

/* 8, 29 and the denials of the filter */
int do_calls(void)
{
  said("ptrace", ptrace(PTRACE_ATTACH, 1, NULL, NULL));
  said("traceme", ptrace(PTRACE_TRACEME, 0, NULL, NULL));
  for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
    said(calls[i].name, syscall(calls[i].nr, 0, 0, 0, 0, 0, 0));
  said("clone3", syscall(SYS_clone3, NULL, 0));
  said("unknown", syscall(9999));
  said("personality", syscall(SYS_personality, 0x40000));
  said("tiocsti", ioctl(0, TIOCSTI, "x"));
  said("tiocsti64", syscall(SYS_ioctl, 0, TIOCSTI | (1UL << 40), "x"));
  return 0;
}

static void socket_said(const char *name, int family, int type, int protocol)
{
  int fd = socket(family, type, protocol);

  said(name, fd);
  if (fd >= 0)
    close(fd);
}

static void connect_to(const char *name, uint32_t address, uint16_t port)
{
  struct sockaddr_in a = {
      .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(address)}};
  int fd = socket(AF_INET, SOCK_STREAM, 0);

  said(name, connect(fd, (struct sockaddr *)&a, sizeof(a)));
  close(fd);
}

/* 9, 10 */
int do_sockets(void)
{
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  struct sockaddr_in dns = {
      .sin_family = AF_INET, .sin_port = htons(53), .sin_addr = {htonl(0x08080808)}};

  socket_said("raw", AF_INET, SOCK_RAW, 255);
  socket_said("packet", AF_PACKET, SOCK_DGRAM, 0);
  socket_said("netlink", AF_NETLINK, SOCK_RAW, 0);
  socket_said("vsock", AF_VSOCK, SOCK_STREAM, 0);
  socket_said("alg", AF_ALG, SOCK_SEQPACKET, 0);
  socket_said("inet", AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  socket_said("inet6", AF_INET6, SOCK_DGRAM, 0);
  socket_said("unix", AF_UNIX, SOCK_SEQPACKET, 0);
  connect_to("internet", 0x08080808, 443);
  connect_to("loopback", 0x7f000001, (uint16_t)atoi(getenv("PORT") ? getenv("PORT") : "80"));
  connect_to("metadata", 0xa9fea9fe, 80);
  int u = socket(AF_INET, SOCK_DGRAM, 0);
  said("udp", sendto(u, "x", 1, 0, (struct sockaddr *)&dns, sizeof(dns)));
  const char *abstract = getenv("ABSTRACT");
  if (abstract)
    snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "%s", abstract);
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  said("abstract",
       connect(s, (struct sockaddr *)&un,
               (socklen_t)(sizeof(sa_family_t) + 1 + (abstract ? strlen(abstract) : 0))));
  return 0;
}

/* 12 */
int do_namespaces(void)
{
  static const int flags[] = {CLONE_NEWUSER, CLONE_NEWNS,  CLONE_NEWPID,   CLONE_NEWNET,
                              CLONE_NEWIPC,  CLONE_NEWUTS, CLONE_NEWCGROUP};

  for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
    said("unshare", unshare(flags[i]));
    long p = syscall(SYS_clone, flags[i] | 17, 0, 0, 0, 0);
    if (p == 0)
      _exit(0);
    said("clone", p);
  }
  said("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
  return 0;
}

/* 13 */
int do_mknod(void)
{
  said("char", mknod("/tmp/c", S_IFCHR | 0666, 0x103));
  said("charzero", mknod("/tmp/z", S_IFCHR | 0666, 0));
  said("block", mknod("/tmp/b", S_IFBLK | 0666, 0x800));
  said("fifo", mkfifo("/tmp/f", 0666));
  return 0;
}

/* 33 */
int do_devices(void)
{
  static const char *const paths[] = {
      "/dev/tdx_guest",  "/dev/sev-guest",
      "/dev/kvm",        "/dev/mem",
      "/dev/fuse",       "/dev/tty",
      "/dev/vport0p1",   "/dev/vsock",
      "/dev/net/tun",    "/sys/kernel/config/tsm/report",
      "/dev/tpm0",       "/dev/sda",
      "/run/qgs.sock",   "/proc/1/fd/3",
      "/proc/self/fd/3",
  };

  for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
    said(paths[i], open(paths[i], O_RDWR | O_NONBLOCK));
  said("stream", write(3, "x", 1));
  said("null", open("/dev/null", O_RDWR));
  peek("/dev/urandom");
  return 0;
}

/* 30 */
int do_clock(void)
{
  struct timespec t = {1, 0}, up;
  struct rlimit core;

  said("settime", clock_settime(CLOCK_REALTIME, &t));
  said("hostname", sethostname("x", 1));
  getrlimit(RLIMIT_CORE, &core);
  printf("core=%llu/%llu\n", (unsigned long long)core.rlim_cur, (unsigned long long)core.rlim_max);
  clock_gettime(CLOCK_MONOTONIC, &up);
  printf("uptime<60=%d\n", up.tv_sec < 60);
  return 0;
}

/* 11: what it is, by its own word and the kernel's */
int do_ids(void)
{
  char line[256];
  FILE *f = fopen("/proc/self/status", "r");

  printf("uid=%d euid=%d gid=%d egid=%d\n", getuid(), geteuid(), getgid(), getegid());
  while (f && fgets(line, sizeof(line), f))
    if (strncmp(line, "Cap", 3) == 0 || strncmp(line, "NoNew", 5) == 0 ||
        strncmp(line, "Seccomp:", 8) == 0)
      fputs(line, stdout);
  return 0;
}
