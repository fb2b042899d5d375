/* What a guest does in its box, without being one: looks around, runs a program in a sandbox of its
 * own, writes what it saw to descriptor 3. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "sandbox/guestbox.h"

static void list_fds(void)
{
  DIR *d = opendir("/proc/self/fd");

  for (struct dirent *x; d && (x = readdir(d));)
    if (x->d_name[0] != '.' && strtol(x->d_name, NULL, 10) != dirfd(d))
      dprintf(3, "fd %s\n", x->d_name);
  if (d)
    closedir(d);
}

int main(int argc, char **argv)
{
  const char *layers[] = {"/layer"};
  const char *app[] = {"/bin/hostile", argc > 1 ? argv[1] : "hello", NULL};
  const ia_sandbox_bind binds[] = {{.source = IA_GUESTBOX_DATA, .target = "/iexec_in"}};
  ia_sandbox_spec s = {.layers = layers,
                       .n_layers = 1,
                       .argv = app,
                       .binds = binds,
                       .n_binds = 1,
                       .cgroup_root = IA_GUESTBOX_CGROUP,
                       .allow_swap = true};
  IA_AUTOV(ia_sandbox_result) r = {0};
  ia_err e = {0};
  struct statvfs data;

  list_fds();
  dprintf(3, "write-root %d\n", open("/x", O_WRONLY | O_CREAT, 0600) >= 0);
  dprintf(3, "write-layer %d\n", open("/layer/x", O_WRONLY | O_CREAT, 0600) >= 0);
  dprintf(3, "write-data %d\n", open(IA_GUESTBOX_DATA "/data", O_WRONLY | O_CREAT, 0600) >= 0);
  dprintf(3, "home %d\n", access("/home", F_OK) == 0);
  if (statvfs(IA_GUESTBOX_DATA, &data) == 0)
    dprintf(3, "data-size %llu\n", (unsigned long long)data.f_blocks * data.f_frsize);
  (void)chmod(IA_GUESTBOX_DATA, 0755);
  if (!ia_sandbox_run(&r, &s, &e)) {
    dprintf(3, "failed %s\n", e.msg);
    return 1;
  }
  dprintf(3, "end %s %d %s\n", ia_sandbox_end_name(r.end), r.exit_code, r.launch_error);
  dprintf(3, "cgroups %d%d%d\n", r.memory_by_cgroup, r.pids_by_cgroup, r.cpu_by_cgroup);
  (void)!write(3, r.out.head.ptr ? (const void *)r.out.head.ptr : "", r.out.head.len);
  return 5;
}
