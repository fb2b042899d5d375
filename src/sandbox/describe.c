/* Words for how a run ended. */
#include "sandbox/run.h"

static const char *const names[] = {
    [IA_END_EXIT] = "exit",
    [IA_END_SIGNAL] = "signal",
    [IA_END_TIMEOUT] = "timeout",
    [IA_END_OOM] = "oom",
    [IA_END_PIDS] = "pids",
    [IA_END_OUTPUT] = "output_quota",
    [IA_END_CANCEL] = "cancel",
    [IA_END_LAUNCH] = "launch",
    [IA_END_NOEXEC] = "not_executable",
    [IA_END_NOTFOUND] = "not_found",
};

const char *ia_sandbox_end_name(ia_sandbox_end end)
{
  return (unsigned)end < IA_COUNT(names) ? names[end] : "?";
}

void ia_sandbox_describe(ia_buf *out, const ia_sandbox_result *r, const ia_sandbox_limits *limits)
{
  ia_sandbox_limits l = *limits;

  ia_sandbox_limits_fill(&l);
  unsigned long long mib = l.memory_bytes / IA_MIB;
  switch (r->end) {
  case IA_END_EXIT: ia_buf_printf(out, "exit status %d", r->code); break;
  case IA_END_SIGNAL: ia_buf_printf(out, "killed by signal %d", r->code); break;
  case IA_END_TIMEOUT:
    ia_buf_printf(out, "killed: time %llu of %llu s", (unsigned long long)r->wall_ms / 1000,
                  (unsigned long long)l.wall_ms / 1000);
    break;
  case IA_END_OOM: ia_buf_printf(out, "killed: memory %llu of %llu MiB", mib, mib); break;
  case IA_END_PIDS: ia_buf_printf(out, "failed: %u of %u processes", l.pids, l.pids); break;
  case IA_END_OUTPUT:
    ia_buf_printf(out, "failed: /iexec_out is full (%llu MiB)",
                  (unsigned long long)(l.out_bytes / IA_MIB));
    break;
  case IA_END_CANCEL: ia_buf_str(out, "stopped on request"); break;
  case IA_END_LAUNCH:
  case IA_END_NOEXEC:
  case IA_END_NOTFOUND: ia_buf_str(out, r->launch_error); break;
  }
}
