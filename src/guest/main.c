/* iapp-guest: the agent inside the TEE, and `get` for the apps that it runs. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/secret.h"
#include "base/show.h"
#include "base/size.h"
#include "guest/agent.h"
#include "guest/get.h"
#include "sandbox/guestbox.h"

static int usage(void)
{
  fputs("usage: iapp-guest [--memory BYTES] [--local]\n"
        "                                    serve one task on descriptor 3\n"
        "       iapp-guest get PATH [N]      print a protected value (of dataset N of a slice)\n"
        "       iapp-guest --version\n",
        stderr);
  return 2;
}

static int fail(const ia_err *e)
{
  ia_print(stderr, "iapp-guest: %s\n", e->msg);
  return ia_code_exit(e->code) ? ia_code_exit(e->code) : 1;
}

static int get(int argc, char **argv)
{
  IA_AUTOV(ia_buf) value = {0};
  ia_err e = {0};

  if (argc != 3 && argc != 4)
    return usage();
  if (!ia_guest_get(&value, argv[2], argc == 4 ? argv[3] : NULL, &e) ||
      !ia_fd_write_all(STDOUT_FILENO, ia_buf_view(&value), &e))
    return fail(&e);
  return 0;
}

/* memory: most that the app may have, bytes. */
static int serve(bool local, uint64_t memory)
{
  const ia_agent_spec spec = {.stream_fd = IA_GUESTBOX_STREAM_FD,
                              .local = local,
                              .memory_max = memory,
                              .images = "/image",
                              .data = IA_GUESTBOX_DATA,
                              .cgroup = IA_GUESTBOX_CGROUP};
  ia_err e = {0};

  (void)signal(SIGPIPE, SIG_IGN);
  if (!ia_process_harden(&e) || !ia_agent_run(&spec, &e))
    return fail(&e);
  return 0;
}

int main(int argc, char **argv)
{
  uint64_t memory = IA_APP_MEMORY;
  ia_err e = {0};

  if (argc > 2 && strcmp(argv[1], "--memory") == 0) {
    if (!ia_app_memory_parse(&memory, argv[2], &e))
      return fail(&e);
    argc -= 2;
    argv += 2;
  }
  if (argc == 1)
    return serve(false, memory);
  if (argc == 2 && strcmp(argv[1], "--local") == 0)
    return serve(true, memory);
  if (argc == 2 && strcmp(argv[1], "--version") == 0)
    return printf("iapp-guest %s\n", IA_VERSION) > 0 ? 0 : 1;
  if (strcmp(argv[1], "get") == 0)
    return get(argc, argv);
  return usage();
}
