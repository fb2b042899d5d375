/* One role's process: spawning, its control channel, starting again. */
#include "daemon/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "daemon/control.h"

enum { BACKOFF_MS = 100, BACKOFF_MOST_MS = 10000, HEALTHY_MS = 30000, GRACE_MS = 10000 };

struct ia_process {
  const char *name;
  ia_loop *loop;
  ia_process_events on;
  json_t *config;
  const ia_secret *passphrase;
  pid_t pid; /* 0 = none */
  int control;
  int listener; /* held from one start to the next; -1 = serves nothing */
  ia_watch *watch;
  ia_timer *timer; /* next start, or the end of the grace after SIGTERM */
  ia_buf in;
  bool told; /* has its configuration */
  bool ready, was_ready, stopping;
  uint64_t started_ms;
  uint64_t pause_ms;
  ia_err reason; /* what the role said before it ended */
};

static void on_timer(void *ctx);

bool ia_process_new(ia_process **out, ia_loop *l, const char *name, const ia_process_events *events,
                    ia_err *e)
{
  ia_process *p = calloc(1, sizeof(*p));

  if (!p)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  p->name = name;
  p->loop = l;
  p->on = *events;
  p->control = p->listener = -1;
  p->pause_ms = BACKOFF_MS;
  if (!ia_timer_new(&p->timer, l, on_timer, p, e)) {
    free(p);
    return false;
  }
  *out = p;
  return true;
}

static void hang_up(ia_process *p)
{
  ia_watch_free(p->watch);
  p->watch = NULL;
  if (p->control >= 0)
    close(p->control);
  p->control = -1;
  ia_buf_clear(&p->in);
}

void ia_process_free(ia_process *p)
{
  if (!p)
    return;
  if (p->pid > 0) {
    (void)kill(p->pid, SIGKILL);
    (void)waitpid(p->pid, NULL, 0);
  }
  hang_up(p);
  if (p->listener >= 0)
    close(p->listener);
  ia_timer_free(p->timer);
  ia_buf_free(&p->in);
  json_decref(p->config);
  free(p);
}

const char *ia_process_name(const ia_process *p)
{
  return p->name;
}

bool ia_process_is_ready(const ia_process *p)
{
  return p->ready;
}

bool ia_process_is_running(const ia_process *p)
{
  return p->pid > 0;
}

bool ia_process_is_started(const ia_process *p)
{
  return p->pid > 0 && p->told;
}

static void on_exit_of(void *ctx, pid_t pid, int status)
{
  ia_process *p = ctx;

  (void)pid;
  p->pid = 0;
  p->told = p->ready = false;
  ia_timer_stop(p->timer);
  hang_up(p);
  if (p->stopping) {
    p->on.stopped(p->on.ctx, p);
    return;
  }
  if (!p->was_ready) {
    if (p->reason.code == IA_OK)
      ia_fail(&p->reason, IA_E_INTERNAL, "%s ended with %s %d before it was ready", p->name,
              WIFSIGNALED(status) ? "signal" : "status",
              WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    p->on.failed(p->on.ctx, p, &p->reason);
    return;
  }
  if (ia_mono_ms() - p->started_ms > HEALTHY_MS)
    p->pause_ms = BACKOFF_MS;
  ia_log(IA_LOG_WARN, "role.ended", "role=%s status=%d again_ms=%llu", p->name, status,
         (unsigned long long)p->pause_ms);
  ia_timer_start(p->timer, p->pause_ms, 0);
  p->pause_ms = p->pause_ms * 2 < BACKOFF_MOST_MS ? p->pause_ms * 2 : BACKOFF_MOST_MS;
}

static void take_reason(ia_process *p, const json_t *error)
{
  const char *code = "INTERNAL", *message = "", *hint = "";

  if (ia_json_get_str(error, "code", &code, NULL) &&
      ia_json_get_str(error, "message", &message, NULL) &&
      ia_json_get_str(error, "hint", &hint, NULL)) {
    ia_fail(&p->reason, ia_code_from_name(code), "%s", message);
    ia_hint(&p->reason, "%s", hint);
  }
}

static void on_control(void *ctx, unsigned events)
{
  ia_process *p = ctx;
  IA_AUTO_JSON *line = NULL;
  json_t *fields;
  ia_err e = {0};

  (void)events;
  if (!ia_control_take(p->control, &p->in, &line, &e)) {
    hang_up(p); /* its exit follows */
    return;
  }
  if (line && ia_json_get_obj(line, "ready", &fields, NULL) && !p->ready) {
    p->ready = true;
    p->was_ready = true;
    p->on.ready(p->on.ctx, p, fields);
  } else if (line && ia_json_get_obj(line, "error", &fields, NULL)) {
    take_reason(p, fields);
  }
}

/* stdin from nowhere, stdout to stderr (our own stdout carries one line and no more), 3 to 5 as
 * control.h says, signals as at the start of a program, a process group of its own. */
static bool spawn(ia_process *p, int control, int passphrase, ia_err *e)
{
  char *argv[] = {(char *)"iappd", (char *)"role", (char *)p->name, NULL};
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attr;
  sigset_t none, all;

  sigemptyset(&none);
  sigfillset(&all);
  if (posix_spawn_file_actions_init(&files) != 0 || posix_spawnattr_init(&attr) != 0)
    return ia_fail(e, IA_E_MEMORY, "out of memory");
  int rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
  rc |= posix_spawn_file_actions_adddup2(&files, 2, 1);
  rc |= posix_spawn_file_actions_adddup2(&files, control, IA_CONTROL_FD);
  rc |= posix_spawn_file_actions_adddup2(&files, passphrase, IA_PASSPHRASE_FD);
  if (p->listener >= 0)
    rc |= posix_spawn_file_actions_adddup2(&files, p->listener, IA_LISTEN_FD);
  rc |= posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                            POSIX_SPAWN_SETPGROUP);
  rc |= posix_spawnattr_setsigmask(&attr, &none);
  rc |= posix_spawnattr_setsigdefault(&attr, &all);
  rc |= posix_spawnattr_setpgroup(&attr, 0);
  if (rc == 0)
    rc = posix_spawn(&p->pid, "/proc/self/exe", &files, &attr, argv, environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attr);
  if (rc == 0)
    return true;
  p->pid = 0;
  errno = rc;
  return ia_fail_errno(e, "starting %s", p->name);
}

/* Descriptors above those of control.h, so that the child's dup2 never meets itself. */
static int high(int *fd)
{
  int up = fcntl(*fd, F_DUPFD_CLOEXEC, 10);

  close(*fd);
  *fd = -1;
  return up;
}

bool ia_process_hold(ia_process *p, int fd, ia_err *e)
{
  p->listener = high(&fd);
  return p->listener >= 0 || ia_fail_errno(e, "socket of %s", p->name);
}

static bool launch(ia_process *p, ia_err *e)
{
  int pair[2] = {-1, -1}, pipes[2] = {-1, -1};

  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0 ||
      pipe2(pipes, O_CLOEXEC) != 0) {
    ia_fail_errno(e, "control channel of %s", p->name);
    if (pair[0] >= 0) {
      close(pair[0]);
      close(pair[1]);
    }
    return false;
  }
  ia_autoclose int theirs = high(&pair[1]);
  ia_autoclose int reads = high(&pipes[0]);
  ia_autoclose int writes = high(&pipes[1]);
  p->control = high(&pair[0]);
  p->reason = (ia_err){0};
  p->started_ms = ia_mono_ms();
  bool ok = theirs >= 0 && reads >= 0 && writes >= 0 && p->control >= 0;
  if (!ok)
    (void)ia_fail_errno(e, "control channel of %s", p->name);
  ok = ok && ia_fd_write_all(writes, ia_secret_view(p->passphrase), e) &&
       spawn(p, theirs, reads, e) && ia_loop_child(p->loop, p->pid, on_exit_of, p, e) &&
       ia_watch_new(&p->watch, p->loop, p->control, IA_WATCH_READ, on_control, p, e);
  if (!ok)
    hang_up(p);
  return ok;
}

static bool start(ia_process *p, ia_err *e)
{
  if (p->pid == 0 && !launch(p, e))
    return false;
  p->told = ia_control_send(p->control, p->config, e);
  return p->told;
}

bool ia_process_launch(ia_process *p, const ia_secret *passphrase, ia_err *e)
{
  p->passphrase = passphrase;
  return launch(p, e);
}

bool ia_process_start(ia_process *p, json_t *config, ia_err *e)
{
  json_decref(p->config);
  p->config = json_incref(config);
  return start(p, e);
}

static void on_timer(void *ctx)
{
  ia_process *p = ctx;
  ia_err e = {0};

  if (p->stopping) {
    ia_log(IA_LOG_WARN, "role.killed", "role=%s", p->name);
    if (p->pid > 0)
      (void)kill(p->pid, SIGKILL);
    return;
  }
  if (start(p, &e))
    return;
  ia_log(IA_LOG_ERROR, "role.start", "role=%s error=%s", p->name, e.msg);
  if (p->pid == 0)
    ia_timer_start(p->timer, p->pause_ms, 0);
}

void ia_process_hurry(ia_process *p)
{
  if (p->control >= 0)
    (void)shutdown(p->control, SHUT_WR);
}

void ia_process_stop(ia_process *p, uint64_t more_ms)
{
  if (p->stopping)
    return;
  p->stopping = true;
  ia_timer_stop(p->timer);
  /* it does not come back: who connects is refused when it has ended, instead of waiting for it */
  if (p->listener >= 0)
    close(p->listener);
  p->listener = -1;
  if (p->pid == 0) {
    p->on.stopped(p->on.ctx, p);
    return;
  }
  /* one that was told nothing yet holds nothing and waits for us alone, deaf to SIGTERM */
  (void)kill(p->pid, p->told ? SIGTERM : SIGKILL);
  ia_timer_start(p->timer, GRACE_MS + more_ms, 0);
}
