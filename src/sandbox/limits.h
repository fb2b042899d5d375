/* Limits of one sandbox. A zero takes the default. */
#ifndef IA_SANDBOX_LIMITS_H
#define IA_SANDBOX_LIMITS_H

#include <stdint.h>

#define IA_MIB ((uint64_t)1 << 20)

enum {
  IA_SANDBOX_UID_BASE = 100000,
  IA_SANDBOX_UID_COUNT = 1000,
};

typedef struct ia_sandbox_limits {
  uint64_t memory_bytes; /* 512 MiB: heap, /tmp and /iexec_out together */
  uint32_t pids;         /* 128 */
  uint32_t cpu_percent;  /* 200 = two processors */
  uint64_t wall_ms;      /* 60 000 */
  uint64_t tmp_bytes;    /* 64 MiB, also the size of /dev/shm */
  uint64_t out_bytes;    /* 64 MiB */
  uint32_t inodes;       /* 16 384 in each tmpfs */
  uint64_t file_bytes;   /* 64 MiB: RLIMIT_FSIZE */
  uint32_t open_files;   /* 1024 */
  uint32_t log_bytes;    /* 512 KiB kept at each end of each output */
  uint32_t grace_ms;     /* 5000 between SIGTERM and SIGKILL after a cancel */
} ia_sandbox_limits;

/* Fills the zeroes. */
void ia_sandbox_limits_fill(ia_sandbox_limits *l);

#endif
