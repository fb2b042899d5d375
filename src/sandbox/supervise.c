/* Draining, limits and the verdict on how a program ended. */
#include "sandbox/supervise.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "sandbox/logcap.h"
#include "sandbox/watch.h"

enum {
  TICK_MS = 100,         /* between looks at a tree without a memory cgroup */
  LAUNCH_MS = 30000,     /* mounts and execve on a busy machine */
  DRAIN_BYTES = 1 << 20, /* a pipe holds less */
};

/* Reads what is there, at most `most` bytes, so that neither output starves the other. */
static void drain(ia_supervise *sv, int i, size_t most)
{
  uint8_t chunk[65536];
  size_t sum = 0;

  while (sv->ends[i] >= 0 && sum < most) {
    ssize_t n = read(sv->ends[i], chunk, sizeof(chunk));

    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0) {
      if (n == 0)
        sv->ends[i] = -1; /* closed by all writers; the number stays the caller's */
      return;
    }
    ia_span got = ia_span_of(chunk, (size_t)n);
    ia_logcap_add(i == 0 ? &sv->out->out : &sv->out->err, got, sv->limits->log_bytes);
    if (sv->spec->output)
      sv->spec->output(sv->spec->arg, i + 1, got);
    sum += (size_t)n;
  }
}

static void on_message(ia_supervise *sv, const ia_box_message *m, int fd)
{
  ia_sandbox_result *r = sv->out;

  if (fd >= 0 && (m->what != IA_BOX_FOLDER || r->out_fd >= 0))
    close(fd);
  switch (m->what) {
  case IA_BOX_FOLDER: r->out_fd = r->out_fd >= 0 ? r->out_fd : fd; break;
  case IA_BOX_STARTED:
    sv->started = sv->launched = true;
    sv->start_ms = ia_mono_ms();
    if (sv->spec->started)
      sv->spec->started(sv->spec->arg);
    break;
  case IA_BOX_SHARED: sv->shared_bytes = (uint64_t)m->value * IA_MIB; break;
  case IA_BOX_EXITED:
    sv->exited = true;
    sv->status = m->value;
    break;
  default:
    sv->launched = true;
    ia_box_explain(r->launch_error, sizeof(r->launch_error), sv->plan, m);
    r->end = m->what != IA_BOX_EXEC             ? IA_END_LAUNCH
             : m->value == ENOENT && !m->exists ? IA_END_NOTFOUND
                                                : IA_END_NOEXEC;
  }
}

static void messages(ia_supervise *sv)
{
  ia_box_message m;
  int fd, got;

  while ((got = ia_box_receive(sv->box, false, &m, &fd)) == 1)
    on_message(sv, &m, fd);
  sv->hung_up |= got == 0;
}

static void check_memory(ia_supervise *sv)
{
  uint64_t now = ia_mono_ms();
  ia_tree_use use;

  /* woken for every piece of output, too: a look at all of /proc keeps to its pace */
  if (now < sv->look_ms)
    return;
  sv->look_ms = now + TICK_MS;
  ia_tree_use_get(&use, sv->box->pid);
  use.bytes += sv->shared_bytes;
  if (use.bytes > sv->out->memory_peak)
    sv->out->memory_peak = use.bytes;
  if (use.cpu_ms > sv->out->cpu_ms)
    sv->out->cpu_ms = use.cpu_ms;
  if (use.bytes > sv->limits->memory_bytes) {
    sv->over_memory = true;
    ia_box_kill(sv->box, sv->group);
  }
}

/* Milliseconds until something is due; kills what is overdue. */
static int due(ia_supervise *sv, bool polled_memory)
{
  uint64_t now = ia_mono_ms();
  uint64_t end = sv->start_ms + (sv->started ? sv->limits->wall_ms : LAUNCH_MS);

  if (sv->asked && sv->ask_ms + sv->limits->grace_ms < end)
    end = sv->ask_ms + sv->limits->grace_ms;
  if (now >= end) {
    sv->over_time = !sv->cancelled;
    ia_box_kill(sv->box, sv->group);
    end = now + 1000; /* dying takes a moment; asked again then */
  }
  uint64_t left = end - now;
  if (polled_memory && left > TICK_MS)
    left = TICK_MS;
  return left > INT32_MAX ? INT32_MAX : (int)left;
}

static void cancel(ia_supervise *sv)
{
  static const char term = IA_BOX_TERM;

  if (sv->cancelled)
    return;
  sv->cancelled = sv->asked = true;
  sv->ask_ms = ia_mono_ms();
  (void)send(sv->box->control, &term, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void loop(ia_supervise *sv)
{
  bool polled = !ia_cgroup_has(sv->group, IA_CG_MEMORY);

  sv->start_ms = ia_mono_ms();
  for (;;) {
    bool hear = sv->spec->cancel_fd > 0 && !sv->cancelled;
    struct pollfd p[] = {{.fd = sv->box->pidfd, .events = POLLIN},
                         /* a closed socket is readable for ever: nothing more is asked of it */
                         {.fd = sv->hung_up ? -1 : sv->box->control, .events = POLLIN},
                         {.fd = sv->ends[0], .events = POLLIN},
                         {.fd = sv->ends[1], .events = POLLIN},
                         {.fd = hear ? sv->spec->cancel_fd : -1, .events = POLLIN}};

    if (poll(p, IA_COUNT(p), due(sv, polled)) < 0 && errno != EINTR)
      return;
    sv->out->wakes++;
    if (p[1].revents)
      messages(sv);
    for (int i = 0; i < 2; i++)
      if (p[2 + i].revents)
        drain(sv, i, DRAIN_BYTES);
    if (p[4].revents)
      cancel(sv);
    if (p[0].revents)
      return;
    if (polled)
      check_memory(sv);
  }
}

static bool out_full(const ia_sandbox_result *r)
{
  struct statvfs s;

  return r->out_fd >= 0 && fstatvfs(r->out_fd, &s) == 0 && (s.f_bfree == 0 || s.f_ffree == 0);
}

/* The reason, from the most particular to the plain exit status. */
static void judge(ia_supervise *sv, const ia_cgroup_stat *stat)
{
  ia_sandbox_result *r = sv->out;
  bool clean = sv->exited && WIFEXITED(sv->status) && WEXITSTATUS(sv->status) == 0;

  if (sv->exited && WIFSIGNALED(sv->status)) {
    r->end = IA_END_SIGNAL;
    r->code = WTERMSIG(sv->status);
    r->exit_code = 128 + r->code;
  } else if (sv->exited) {
    r->end = IA_END_EXIT;
    r->exit_code = r->code = WEXITSTATUS(sv->status);
  } else {
    r->end = IA_END_SIGNAL;
    r->code = SIGKILL;
    r->exit_code = 137;
  }
  if (sv->over_time) {
    r->end = IA_END_TIMEOUT;
    r->exit_code = 124;
  } else if (sv->cancelled && !clean) {
    r->end = IA_END_CANCEL;
  } else if (!clean && (sv->over_memory || stat->oom_kills > 0)) {
    r->end = IA_END_OOM;
    r->exit_code = 137;
  } else if (!clean && stat->pids_max_hits > 0) {
    r->end = IA_END_PIDS;
  } else if (!clean && out_full(r)) {
    r->end = IA_END_OUTPUT;
  }
}

static void usage(ia_supervise *sv, ia_cgroup_stat *stat)
{
  ia_cgroup_stat_get(sv->group, stat);
  if (stat->memory_peak > 0)
    sv->out->memory_peak = stat->memory_peak;
  if (stat->cpu_us > 0)
    sv->out->cpu_ms = stat->cpu_us / 1000;
  sv->out->wall_ms = ia_mono_ms() - sv->start_ms;
}

void ia_supervise_run(ia_supervise *sv)
{
  ia_cgroup_stat stat;
  ia_sandbox_result *r = sv->out;

  loop(sv);
  messages(sv);
  for (int i = 0; i < 2; i++)
    drain(sv, i, DRAIN_BYTES);
  ia_logcap_end(&r->out, sv->limits->log_bytes);
  ia_logcap_end(&r->err, sv->limits->log_bytes);
  usage(sv, &stat);
  if (sv->started) {
    judge(sv, &stat);
    return;
  }
  r->exit_code = r->code = r->end == IA_END_NOTFOUND ? 127 : r->end == IA_END_NOEXEC ? 126 : 125;
  if (r->end == IA_END_LAUNCH && r->launch_error[0] == '\0')
    (void)snprintf(r->launch_error, sizeof(r->launch_error), "%s",
                   sv->over_time ? "the sandbox was not ready in time"
                                 : "the sandbox died at its start");
}
