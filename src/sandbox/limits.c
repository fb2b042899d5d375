/* Defaults of the limits. */
#include "sandbox/limits.h"

#define DEFAULT(field, value)                                                                      \
  do {                                                                                             \
    if (l->field == 0)                                                                             \
      l->field = (value);                                                                          \
  } while (0)

void ia_sandbox_limits_fill(ia_sandbox_limits *l)
{
  DEFAULT(memory_bytes, 512 * IA_MIB);
  DEFAULT(pids, 128);
  DEFAULT(cpu_percent, 200);
  DEFAULT(wall_ms, 60000);
  DEFAULT(tmp_bytes, 64 * IA_MIB);
  DEFAULT(out_bytes, 64 * IA_MIB);
  DEFAULT(inodes, 16384);
  DEFAULT(file_bytes, 64 * IA_MIB);
  DEFAULT(open_files, 1024);
  DEFAULT(log_bytes, 512 * 1024);
  DEFAULT(grace_ms, 5000);
}
