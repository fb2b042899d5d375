/* A program that misbehaves in the way its first argument names. */
#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void said(const char *name, long rc)
{
  printf("%s=%s\n", name, rc < 0 ? strerrorname_np(errno) : "0");
}

static int do_hello(void)
{
  puts("hello");
  fputs("to stderr\n", stderr);
  return 0;
}

static int do_exit(void)
{
  return 42;
}

static int do_abort(void)
{
  return kill(getpid(), SIGKILL);
}

/* 1: doubles until refused, keeps the children alive, then fails. */
static int do_fork_bomb(void)
{
  unsigned n = 0;

  while (fork() >= 0)
    if (++n > 100000)
      return 0;
  if (errno == EAGAIN)
    (void)!write(1, "EAGAIN\n", 7);
  usleep(20000);
  return 1;
}

/* 2 */
static int do_memory(void)
{
  for (size_t mib = 0; mib < 800; mib++) {
    char *p = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
      return 3;
    memset(p, 1, 1 << 20);
  }
  return 0;
}

/* 2: memory that belongs to no process's size */
static int do_hidden_memory(void)
{
  static char block[1 << 20];

  signal(SIGXFSZ, SIG_IGN);
  for (unsigned n = 0; n < 24; n++) {
    int fd = memfd_create("hog", 0);

    if (fd < 0) {
      said("memfd", -1);
      break;
    }
    for (unsigned mib = 0; mib < 32; mib++)
      (void)!write(fd, block, sizeof(block));
  }
  for (unsigned n = 0; n < 24; n++) {
    int id = shmget(IPC_PRIVATE, 32 << 20, IPC_CREAT | 0600);
    char *p = id < 0 ? NULL : shmat(id, NULL, 0);

    if (id < 0) {
      said("shmget", -1);
      break;
    }
    memset(p, 1, 32 << 20);
    shmdt(p);
  }
  return 0;
}

/* 2: sets of semaphores and queues of messages: kernel memory of no process */
static int do_ipc_memory(void)
{
  static struct {
    long type;
    char text[8192];
  } message = {.type = 1};
  unsigned sets = 0, queues = 0;

  while (sets < 1000 && semget(IPC_PRIVATE, 32000, IPC_CREAT | 0600) >= 0)
    sets++;
  if (sets == 0)
    said("semget", -1);
  for (int id; queues < 1000 && (id = msgget(IPC_PRIVATE, IPC_CREAT | 0600)) >= 0; queues++)
    while (msgsnd(id, &message, sizeof(message.text), IPC_NOWAIT) == 0)
      continue;
  if (queues == 0)
    said("msgget", -1);
  said("mq_open", (int)syscall(SYS_mq_open, "q", O_CREAT | O_RDWR, 0600, NULL));
  return 0;
}

/* 2: pages of shared memory that are mapped nowhere any more are still there. */
static int do_shared_memory(void)
{
  enum { PART = 8 << 20 };
  unsigned parts = 0;

  for (; parts < 128; parts++) {
    char *p = mmap(NULL, PART, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
      break;
    memset(p, 1, PART);
    if (parts % 2)
      (void)madvise(p, PART, MADV_DONTNEED);
    else
      (void)munmap(p + 4096, PART - 4096);
  }
  printf("parts=%u\n", parts);
  int zero = open("/dev/zero", O_RDWR);
  void *z = mmap(NULL, PART, PROT_READ | PROT_WRITE, MAP_SHARED, zero, 0);
  said("zero", z == MAP_FAILED ? -1 : 0);
  char byte = 1;
  printf("zeros=%d\n", read(zero, &byte, 1) == 1 && byte == 0);
  return 0;
}

/* What honest programs share: below the limit it works, between processes. */
static int do_shared_use(void)
{
  enum { SIZE = 32 << 20 };
  char *p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  int status = 0;

  if (p == MAP_FAILED)
    return said("shared", -1), 1;
  pid_t child = fork();
  if (child == 0) {
    memset(p, 7, SIZE);
    _exit(0);
  }
  waitpid(child, &status, 0);
  printf("seen=%d\n", p[0] == 7 && p[SIZE - 1] == 7);
  int fd = open("/dev/shm/x", O_CREAT | O_RDWR, 0600);
  char *q = ftruncate(fd, 1 << 20) == 0
                ? mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                : MAP_FAILED;
  printf("shm=%d\n", q != MAP_FAILED && (q[5] = 1) == 1);
  return 0;
}

/* 2: page tables: one page touched in each stretch that needs a table of its own */
static int do_page_tables(void)
{
  const size_t step = 2 << 20, size = (size_t)96 << 30;
  char *p = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  volatile char sum = 0;

  if (p == MAP_FAILED)
    return 1;
  (void)madvise(p, size, MADV_NOHUGEPAGE);
  for (size_t at = 0; at < size; at += step)
    sum = (char)(sum + p[at]);
  sleep(10);
  return 0;
}

static bool there(const char *path)
{
  return access(path, F_OK) == 0;
}

/* 32: leaves marks wherever another task could find them, waits until the other has left its own,
 * and looks for those. argv cannot tell two of us apart: the host's folder does. */
static int do_neighbour(void)
{
  static const char *const marks[] = {"/tmp/mark", "/dev/shm/mark", "/iexec_out/mark"};
  struct sockaddr_un un = {.sun_family = AF_UNIX, .sun_path = "\0neighbour"};
  socklen_t len = sizeof(sa_family_t) + 10;
  int s = socket(AF_UNIX, SOCK_STREAM, 0);
  unsigned processes = 0;

  for (unsigned i = 0; i < 3; i++)
    said("mark", open(marks[i], O_CREAT | O_EXCL | O_WRONLY, 0666));
  said("socket", bind(s, (struct sockaddr *)&un, len));
  said("listen", listen(s, 1));
  puts("ready");
  fflush(stdout);
  for (unsigned i = 0; i < 3000 && !there("/iexec_in/go"); i++)
    usleep(10000);
  DIR *d = opendir("/proc");
  for (struct dirent *x; d && (x = readdir(d));)
    processes += x->d_name[0] >= '1' && x->d_name[0] <= '9';
  printf("processes=%u\n", processes);
  printf("go=%d\n", there("/iexec_in/go"));
  return 0;
}

/* Calls of another architecture are no way around the filter: both kill. */
static int do_x32(void)
{
  puts("before");
  fflush(stdout);
  (void)syscall(0x40000000L | SYS_getpid);
  puts("after");
  return 0;
}

static int do_int80(void)
{
  long rc = 20; /* getpid of i386 */

  puts("before");
  fflush(stdout);
  __asm__ volatile("int $0x80" : "+a"(rc) : : "memory", "r8", "r9", "r10", "r11");
  puts("after");
  return 0;
}

/* 14 */
static int do_endless_output(void)
{
  static char block[65536];

  memset(block, 'x', sizeof(block));
  for (;;)
    if (write(1, block, sizeof(block)) < 0 && errno != EINTR)
      return 1;
}

/* 15 */
static int do_never_ends(void)
{
  for (int s = 1; s < 65; s++)
    (void)signal(s, SIG_IGN);
  while (pause() < 0)
    continue;
  return 0;
}

/* 16: a daemon that holds stdout */
static int do_daemon(void)
{
  if (fork() == 0) {
    setsid();
    if (fork() == 0)
      for (;;)
        pause();
    _exit(0);
  }
  puts("leader leaves");
  return 7;
}

/* 17: orphans by the hundred; init must reap them or the limit is met */
static int do_orphans(void)
{
  for (unsigned i = 0; i < 500; i++) {
    pid_t p = fork();

    if (p < 0)
      return 1;
    if (p == 0) {
      if (fork() < 0)
        _exit(2);
      _exit(0);
    }
    int status;
    if (waitpid(p, &status, 0) != p || status != 0)
      return 2;
    usleep(1000);
  }
  puts("500 orphans");
  return 0;
}

/* 17: zombies of a living parent count as processes */
static int do_zombies(void)
{
  unsigned n = 0;
  pid_t p;

  while ((p = fork()) > 0)
    n++;
  if (p == 0)
    _exit(0);
  printf("zombies<=128 %d %s\n", n <= 128, strerrorname_np(errno));
  return 1;
}

/* 18 */
static int do_descriptors(void)
{
  DIR *d = opendir("/proc/self/fd");

  if (!d)
    return 1;
  for (struct dirent *x; (x = readdir(d));)
    if (x->d_name[0] != '.' && atoi(x->d_name) != dirfd(d))
      printf("fd %s\n", x->d_name);
  closedir(d);
  return 0;
}

/* 19 */
static int do_environment(void)
{
  for (char **e = environ; *e; e++)
    puts(*e);
  return 0;
}

/* Who and where: ids, groups, working folder, and where this program can write. */
static int do_who(void)
{
  static const char *const places[] = {"x", "/iexec_out/x", "/tmp/x", "/dev/shm/x", "/x"};
  gid_t groups[64];
  char cwd[4096];
  int n = getgroups(64, groups);

  printf("uid %d %d gid %d %d\n", (int)getuid(), (int)geteuid(), (int)getgid(), (int)getegid());
  printf("groups");
  for (int i = 0; i < n; i++)
    printf(" %d", (int)groups[i]);
  printf("\ncwd %s\n", getcwd(cwd, sizeof(cwd)) ? cwd : "?");
  for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
    int fd = open(places[i], O_WRONLY | O_CREAT, 0600);

    said(places[i], fd);
    if (fd >= 0)
      close(fd);
  }
  said("setuid0", setuid(0));
  return 0;
}

/* 21 */
static int do_kill_init(void)
{
  said("kill1", kill(1, SIGKILL));
  said("term1", kill(1, SIGTERM));
  said("stop1", kill(1, SIGSTOP));
  said("killall", kill(-1, SIGKILL));
  printf("alive\n");
  return 0;
}

static int do_stop_self(void)
{
  kill(getpid(), SIGSTOP);
  while (pause() < 0)
    continue;
  return 0;
}

/* 23: a daemon that writes for ever */
static int do_writer(void)
{
  int fd = open("/iexec_out/tick", O_WRONLY | O_CREAT | O_APPEND, 0644);

  if (fork() == 0)
    while (write(fd, "tick", 4) == 4)
      usleep(100);
  usleep(50000);
  return 0;
}

/* ends politely when asked */
static volatile sig_atomic_t asked;
static void on_term(int s)
{
  (void)s;
  asked = 1;
}
static int do_polite(void)
{
  signal(SIGTERM, on_term);
  (void)!write(1, "ready\n", 6);
  while (!asked)
    usleep(10000);
  (void)!write(1, "asked\n", 6);
  return 9;
}

static int do_busy(void)
{
  for (volatile unsigned long i = 0; i + 1 > 0; i++)
    continue;
  return 0;
}

static const struct {
  const char *name;
  int (*run)(void);
} deeds[] = {
    {"hello", do_hello},
    {"exit", do_exit},
    {"abort", do_abort},
    {"fork-bomb", do_fork_bomb},
    {"memory", do_memory},
    {"hidden-memory", do_hidden_memory},
    {"ipc-memory", do_ipc_memory},
    {"shared-memory", do_shared_memory},
    {"shared-use", do_shared_use},
    {"page-tables", do_page_tables},
    {"machine", do_machine},
    {"neighbour", do_neighbour},
    {"x32", do_x32},
    {"int80", do_int80},
    {"endless-output", do_endless_output},
    {"never-ends", do_never_ends},
    {"daemon", do_daemon},
    {"orphans", do_orphans},
    {"zombies", do_zombies},
    {"descriptors", do_descriptors},
    {"environment", do_environment},
    {"who", do_who},
    {"kill-init", do_kill_init},
    {"stop-self", do_stop_self},
    {"polite", do_polite},
    {"writer", do_writer},
    {"busy", do_busy},
    {"fill", do_fill},
    {"many-files", do_many_files},
    {"odd-output", do_odd_output},
    {"odd-names", do_odd_names},
    {"deep", do_deep},
    {"sparse", do_sparse},
    {"read-only", do_read_only},
    {"setuid", do_setuid},
    {"computed-link", do_computed_link},
    {"computed-large", do_computed_large},
    {"proc", do_proc},
    {"calls", do_calls},
    {"sockets", do_sockets},
    {"namespaces", do_namespaces},
    {"mknod", do_mknod},
    {"devices", do_devices},
    {"clock", do_clock},
    {"ids", do_ids},
    {"limits", do_limits},
};

int main(int argc, char **argv)
{
  for (size_t i = 0; argc > 1 && i < sizeof(deeds) / sizeof(deeds[0]); i++)
    if (strcmp(argv[1], deeds[i].name) == 0) {
      int rc = deeds[i].run();

      fflush(stdout);
      return rc;
    }
  return 99;
}
