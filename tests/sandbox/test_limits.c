/* Limits that take time to meet: wall clock, memory, endless output, polite ends, two at once. */
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/resource.h>

#include <cmocka.h>

#include "base/clock.h"
#include "help.h"

static box_help box;

/* 14: drained and capped; our own memory does not grow with it. */
static void test_endless_output(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  struct rusage before, after;

  assert_int_equal(getrusage(RUSAGE_SELF, &before), 0);
  box_run(&r, &box, "endless-output", &(ia_sandbox_spec){.limits = {.wall_ms = 1000}});
  assert_int_equal(getrusage(RUSAGE_SELF, &after), 0);
  assert_int_equal(r.end, IA_END_TIMEOUT);
  assert_true(r.out.total > 8 << 20);
  assert_int_equal(r.out.head.len, 512 << 10);
  assert_int_equal(r.out.tail.len, 512 << 10);
  assert_true(after.ru_maxrss - before.ru_maxrss < 16 << 10);
}

/* 15, 21 */
static void test_wall(void **state IA_UNUSED)
{
  static const char *const deeds[] = {"never-ends", "stop-self", "busy"};

  for (size_t i = 0; i < IA_COUNT(deeds); i++) {
    IA_AUTOV(ia_sandbox_result) r = {0};

    box_run(&r, &box, deeds[i], &(ia_sandbox_spec){.limits = {.wall_ms = 1000}});
    assert_int_equal(r.end, IA_END_TIMEOUT);
    assert_int_equal(r.exit_code, 124);
    assert_true(r.wall_ms >= 1000 && r.wall_ms < 15000);
  }
}

/* 2: by the memory controller, and by the watch where there is none */
static void test_memory(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  IA_AUTOV(ia_buf) words = {0};
  static const ia_sandbox_limits l = {.memory_bytes = 128 << 20};

  box_run(&r, &box, "memory", &(ia_sandbox_spec){.limits = l});
  assert_true(r.end == IA_END_OOM);
  assert_int_equal(r.exit_code, 137);
  assert_true(r.memory_peak > 0);
  ia_sandbox_describe(&words, &r, &l);
  assert_true(ia_span_is(ia_buf_view(&words), "killed: memory 128 of 128 MiB"));
}

/* 2: where no controller counts it, there is none of it. */
static void test_hidden_memory(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};

  box_run(&r, &box, "hidden-memory", &(ia_sandbox_spec){.limits = {.memory_bytes = 128 << 20}});
  if (r.memory_by_cgroup) {
    assert_int_equal(r.end, IA_END_OOM);
    return;
  }
  box_said(&r, "memfd=ENOSYS");
  box_said(&r, "shmget=ENOSYS");
}

static void test_ipc_memory(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};

  box_run(&r, &box, "ipc-memory", &(ia_sandbox_spec){.limits = {.memory_bytes = 128 << 20}});
  if (r.memory_by_cgroup)
    return; /* counted, or the kernel's own limits hold */
  box_said(&r, "semget=ENOSYS");
  box_said(&r, "msgget=ENOSYS");
  box_said(&r, "mq_open=ENOSYS");
}

/* Counted when it is made: hiding its pages does not help. */
static void test_shared_memory(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};

  box_run(&r, &box, "shared-memory", &(ia_sandbox_spec){.limits = {.memory_bytes = 128 << 20}});
  if (r.memory_by_cgroup) {
    assert_int_equal(r.end, IA_END_OOM);
    return;
  }
  if (r.end == IA_END_OOM)
    return; /* all of it was shared, and the little beside it was too much */
  box_said(&r, "parts=16");
  box_said(&r, "zero=ENODEV");
  box_said(&r, "zeros=1");
}

static void test_shared_use(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};

  box_run(&r, &box, "shared-use", &(ia_sandbox_spec){.limits = {.memory_bytes = 128 << 20}});
  assert_int_equal(r.end, IA_END_EXIT);
  box_said(&r, "seen=1");
  box_said(&r, "shm=1");
}

static void test_page_tables(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};

  box_run(&r, &box, "page-tables", &(ia_sandbox_spec){.limits = {.memory_bytes = 64 << 20}});
  assert_int_equal(r.end, IA_END_OOM);
}

static void close_one(void *arg)
{
  close(*(int *)arg);
}

static void on_output(void *arg, int fd, ia_span bytes)
{
  if (fd == 1 && bytes.len >= 5 && memcmp(bytes.ptr, "ready", 5) == 0)
    close_one(arg);
}

/* A cancel asks first: the app may end by itself within the grace. */
static void test_polite(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  int fds[2];

  assert_int_equal(pipe(fds), 0);
  box_run(&r, &box, "polite",
          &(ia_sandbox_spec){.cancel_fd = fds[0], .output = on_output, .arg = &fds[1]});
  close(fds[0]);
  box_said(&r, "asked");
  assert_int_equal(r.end, IA_END_CANCEL);
  assert_int_equal(r.code, 9);
  assert_true(r.wall_ms < 15000);
}

typedef struct neighbour {
  uint32_t uid_base;
  atomic_uint *ready;
  char out[512];
  bool ok;
} neighbour;

static void on_ready(void *arg, int fd, ia_span bytes)
{
  const neighbour *n = arg;
  ia_path go;

  if (fd != 1 || bytes.len < 6 || memcmp(bytes.ptr + bytes.len - 6, "ready\n", 6) != 0)
    return;
  if (atomic_fetch_add(n->ready, 1) == 1 && ia_path_join(&go, NULL, "%s/go", box.in.s))
    (void)!ia_file_write(go.s, ia_span_str(""), 0644, NULL);
}

static void *run_neighbour(void *arg)
{
  neighbour *n = arg;
  const char *layers[] = {box.root.s};
  const char *argv[] = {"/bin/hostile", "neighbour", NULL};
  const ia_sandbox_bind binds[] = {{.source = box.in.s, .target = "/iexec_in"}};
  const ia_sandbox_spec s = {.layers = layers,
                             .n_layers = 1,
                             .argv = argv,
                             .binds = binds,
                             .n_binds = 1,
                             .uid_base = n->uid_base,
                             .uid_count = 1000,
                             .output = on_ready,
                             .arg = n,
                             .allow_swap = true};
  ia_autofree ia_sandbox_result *r = calloc(1, sizeof(*r));

  n->ok = r && ia_sandbox_run(r, &s, NULL) && r->end == IA_END_EXIT && r->code == 0;
  if (n->ok)
    (void)snprintf(n->out, sizeof(n->out), "%.*s", (int)r->out.head.len,
                   (const char *)r->out.head.ptr);
  if (r)
    ia_sandbox_result_free(r);
  return NULL;
}

/* 32: two at once, from two threads of one process, each with its marks in place before the other
 * looks: every mark could be made, so nobody else's was there, and each sees its own process.
 */
static void test_parallel(void **state IA_UNUSED)
{
  atomic_uint ready = 0;
  neighbour n[2] = {{.uid_base = 100000, .ready = &ready}, {.uid_base = 101000, .ready = &ready}};
  pthread_t t[2];

  for (size_t i = 0; i < 2; i++)
    assert_int_equal(pthread_create(&t[i], NULL, run_neighbour, &n[i]), 0);
  for (size_t i = 0; i < 2; i++)
    assert_int_equal(pthread_join(t[i], NULL), 0);
  for (size_t i = 0; i < 2; i++) {
    assert_true(n[i].ok);
    assert_string_equal(n[i].out, "mark=0\nmark=0\nmark=0\nsocket=0\nlisten=0\nready\n"
                                  "processes=1\ngo=1\n");
  }
}

int main(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_endless_output), cmocka_unit_test(test_wall),
      cmocka_unit_test(test_memory),         cmocka_unit_test(test_polite),
      cmocka_unit_test(test_hidden_memory),  cmocka_unit_test(test_ipc_memory),
      cmocka_unit_test(test_shared_memory),  cmocka_unit_test(test_shared_use),
      cmocka_unit_test(test_page_tables),    cmocka_unit_test(test_parallel),
  };

  box_open(&box, argc, argv);
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  box_close(&box);
  return failed;
}
