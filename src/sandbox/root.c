/* What the root of a box looks like. The stage is a tmpfs over /tmp of the private mount
 * namespace; it goes away with the old root. */
#include "sandbox/root.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/file.h"
#include "sandbox/cgroup.h"
#include "sandbox/view.h"

#define STAGE "/tmp"
#define ROOT  STAGE "/root"
#define SKEL  STAGE "/skel"

static const unsigned long locked = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
static const unsigned long plain = MS_NOSUID | MS_NODEV;

static bool is_dir(const char *path, bool *dir, ia_err *e)
{
  struct stat st;

  if (stat(path, &st) != 0)
    return ia_fail_errno(e, "%s", path);
  *dir = S_ISDIR(st.st_mode);
  if (!*dir && !S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
    return ia_fail(e, IA_E_INVALID, "%s: neither file nor folder", path);
  return true;
}

static void bind(ia_plan *p, const char *source, unsigned long attributes, const char *target)
{
  int from = ia_plan_source(p, source, IA_SOURCE_PATH);
  ia_step *s = ia_plan_step(p, IA_STEP_BIND, "%s", target);

  s->source = from;
  s->flags = attributes;
}

/* The nodes of the caller's binds, made in the folder `base` before it is covered or shown. */
static bool bind_nodes(ia_plan *p, const char *base, const ia_sandbox_bind *binds, size_t n,
                       ia_err *e)
{
  for (size_t i = 0; i < n; i++) {
    bool dir;

    if (!is_dir(binds[i].source, &dir, e) || !ia_plan_node(p, base, binds[i].target, !dir, e))
      return false;
  }
  return true;
}

/* Targets are relative to the working folder, which is the new root by then. */
static void bind_all(ia_plan *p, const ia_sandbox_bind *binds, size_t n)
{
  for (size_t i = 0; i < n; i++)
    bind(p, binds[i].source,
         locked | (binds[i].writable ? 0 : MOUNT_ATTR_RDONLY) |
             (binds[i].exec ? 0 : MOUNT_ATTR_NOEXEC),
         binds[i].target + 1);
}

static void stage(ia_plan *p)
{
  ia_plan_step(p, IA_STEP_PRIVATE, "/");
  ia_plan_mount(p, "tmpfs", STAGE, plain, "mode=0755,size=4m,nr_inodes=4096");
  ia_plan_step(p, IA_STEP_MKDIR, "%s", ROOT)->mode = 0755;
}

/* Devices that carry nothing: no terminal, no quoting device, no fuse. */
static void dev(ia_plan *p, uint64_t shm_bytes, uint32_t inodes, bool counted)
{
  static const char *const nodes[] = {"null", "zero", "full", "random", "urandom"};
  static const struct {
    const char *name, *to;
  } links[] = {{"fd", "/proc/self/fd"},
               {"stdin", "/proc/self/fd/0"},
               {"stdout", "/proc/self/fd/1"},
               {"stderr", "/proc/self/fd/2"}};
  char from[32];

  ia_plan_mount(p, "tmpfs", "dev", MS_NOSUID | MS_NOEXEC, "mode=0755,size=64k,nr_inodes=64");
  for (size_t i = 0; i < IA_COUNT(nodes); i++) {
    ia_plan_step(p, IA_STEP_FILE, "dev/%s", nodes[i]);
    /* a shared mapping of "zero" is memory of no process's size; "full" reads as zeros, too, and
     * cannot be mapped */
    bool instead = !counted && strcmp(nodes[i], "zero") == 0;
    (void)snprintf(from, sizeof(from), "/dev/%s", instead ? "full" : nodes[i]);
    int source = ia_plan_source(p, from, IA_SOURCE_PATH);
    ia_plan_step(p, IA_STEP_BIND, "dev/%s", nodes[i])->source = source;
  }
  for (size_t i = 0; i < IA_COUNT(links); i++) {
    ia_step *s = ia_plan_step(p, IA_STEP_SYMLINK, "dev/%s", links[i].name);

    s->data = strdup(links[i].to);
    p->bad |= !s->data;
  }
  ia_plan_step(p, IA_STEP_MKDIR, "dev/shm")->mode = 0755;
  ia_plan_mount(p, "tmpfs", "dev/shm", plain | MS_NOEXEC, "mode=1777,size=%llu,nr_inodes=%u",
                (unsigned long long)shm_bytes, inodes);
  ia_plan_step(p, IA_STEP_ATTR, "dev")->flags = MOUNT_ATTR_RDONLY;
}

/* What /proc says about the machine. Files are covered by /dev/null, folders by an empty tmpfs. */
static const char *const masked_files[] = {
    "kcore",
    "keys",
    "kallsyms",
    "kmsg",
    "sysrq-trigger",
    "timer_list",
    "config.gz",
    "cmdline",
    "version",
    "interrupts",
    "sched_debug",
    "latency_stats",
    "key-users",
    "kpagecount",
    "kpageflags",
    "kpagecgroup",
    "mtrr",
    "swaps",
    "modules",
    "iomem",
    "ioports",
    "slabinfo",
    "vmallocinfo",
    /* disks and their use */
    "partitions",
    "diskstats",
    "mdstat",
    "locks",
    /* what else runs here, and since when */
    "softirqs",
    "schedstat",
    "buddyinfo",
    "pagetypeinfo",
    "zoneinfo",
    "vmstat",
    "consoles",
    "devices",
    "misc",
    "fb",
    "dma",
    "execdomains",
    "crypto",
};
static const char *const masked_folders[] = {"acpi", "scsi", "asound", "driver",   "tty",
                                             "fs",   "bus",  "irq",    "pressure", "dynamic_debug",
                                             "mpt"};
/* below a folder that was made read-only as a whole: after it */
static const char *const masked_of_sys[] = {
    "kernel/random/boot_id", "kernel/core_pattern", "kernel/modprobe",  "kernel/hotplug",
    "kernel/poweroff_cmd",   "kernel/version",      "kernel/domainname"};

/* A file that says something is covered by /dev/null, which says nothing. */
static void mask_file(ia_plan *p, int null, const char *below, const char *name)
{
  ia_step *s = ia_plan_step(p, IA_STEP_BIND, "%s/%s", below, name);

  s->source = null;
  s->flags = MOUNT_ATTR_RDONLY;
  s->optional = true;
}

static void mask_folder(ia_plan *p, const char *name)
{
  char target[40];

  (void)snprintf(target, sizeof(target), "proc/%s", name);
  ia_plan_mount(p, "tmpfs", target, plain | MS_NOEXEC | MS_RDONLY, "size=4k,nr_inodes=1");
  p->steps[p->n_steps - 1].optional = true;
}

static void mask_proc(ia_plan *p)
{
  int null = ia_plan_source(p, "/dev/null", IA_SOURCE_PATH);

  for (size_t i = 0; i < IA_COUNT(masked_files); i++)
    mask_file(p, null, "proc", masked_files[i]);
  for (size_t i = 0; i < IA_COUNT(masked_folders); i++)
    mask_folder(p, masked_folders[i]);
  ia_step *sys = ia_plan_step(p, IA_STEP_PROTECT, "proc/sys");
  sys->flags = MOUNT_ATTR_RDONLY | locked | MOUNT_ATTR_NOEXEC;
  sys->optional = true;
  for (size_t i = 0; i < IA_COUNT(masked_of_sys); i++)
    mask_file(p, null, "proc/sys", masked_of_sys[i]);
  mask_folder(p, "sys/dev");
}

static bool overlay(ia_plan *p, const ia_sandbox_spec *spec, ia_err *e)
{
  if (spec->n_layers == 0 || spec->n_layers > IA_SANDBOX_LAYERS)
    return ia_fail(e, IA_E_INVALID, "%zu layers: from 1 to %d", spec->n_layers, IA_SANDBOX_LAYERS);
  if (!spec->upper != !spec->work)
    return ia_fail(e, IA_E_INVALID, "a writable overlay needs upper and work folders");
  for (size_t i = 0; i < spec->n_layers; i++)
    (void)ia_plan_source(p, spec->layers[i], IA_SOURCE_LAYER);
  if (spec->upper) {
    (void)ia_plan_source(p, spec->upper, IA_SOURCE_UPPER);
    (void)ia_plan_source(p, spec->work, IA_SOURCE_WORK);
  }
  ia_step *s = ia_plan_step(p, IA_STEP_OVERLAY, ROOT);
  s->flags = plain | (spec->upper ? 0 : MS_RDONLY);
  s->data = strdup(SKEL); /* topmost: its folders hide links that an image put in their place */
  p->bad |= !s->data;
  return true;
}

/* Folders that a program can write to; a working folder below them is made after they are mounted.
 */
static bool is_scratch(const char *path)
{
  static const char *const roots[] = {"/tmp/", "/dev/shm/", "/iexec_out/"};

  for (size_t i = 0; i < IA_COUNT(roots); i++)
    if (strncmp(path, roots[i], strlen(roots[i])) == 0)
      return true;
  return false;
}

/* The working folder: part of the skeleton, as the layers cannot be written, or made on its mount.
 */
static bool working_folder(ia_plan *p, const ia_sandbox_spec *spec, bool mounted, ia_err *e)
{
  const char *cwd = spec->cwd;

  if (!cwd || !cwd[1] || is_scratch(cwd) != mounted)
    return true;
  if (!ia_plan_node(p, mounted ? "." : SKEL, cwd, false, e))
    return false;
  if (mounted) {
    ia_step *s = ia_plan_step(p, IA_STEP_OWN, ".%s", cwd);

    s->uid = spec->uid;
    s->gid = spec->gid;
  }
  return true;
}

bool ia_root_app(ia_plan *p, const ia_sandbox_spec *spec, const ia_sandbox_limits *l,
                 const ia_cgroup *group, ia_err *e)
{
  static const char *const folders[] = {"/proc", "/dev", "/tmp", "/iexec_in", "/iexec_out"};

  stage(p);
  ia_plan_step(p, IA_STEP_MKDIR, "%s", SKEL)->mode = 0755;
  for (size_t i = 0; i < IA_COUNT(folders); i++)
    if (!(spec->no_out && strncmp(folders[i], "/iexec", 6) == 0) &&
        !ia_plan_node(p, SKEL, folders[i], false, e))
      return false;
  if (!working_folder(p, spec, false, e) || !bind_nodes(p, SKEL, spec->binds, spec->n_binds, e) ||
      !ia_view_nodes(p, SKEL, group, e) || !overlay(p, spec, e))
    return false;
  ia_plan_step(p, IA_STEP_CHDIR, ROOT);
  ia_plan_mount(p, "proc", "proc", plain | MS_NOEXEC, "hidepid=2");
  if (!ia_view_mounts(p, group, e))
    return false;
  ia_plan_mount(p, "tmpfs", "tmp", plain, "mode=1777,size=%llu,nr_inodes=%u",
                (unsigned long long)l->tmp_bytes, l->inodes);
  if (!spec->no_out) {
    ia_plan_mount(p, "tmpfs", "iexec_out", plain | MS_NOEXEC,
                  "mode=0755,uid=%u,gid=%u,size=%llu,nr_inodes=%u", spec->uid, spec->gid,
                  (unsigned long long)l->out_bytes, l->inodes);
    ia_plan_step(p, IA_STEP_SEND, "iexec_out");
  }
  dev(p, l->tmp_bytes, l->inodes, ia_cgroup_has(group, IA_CG_MEMORY));
  if (!working_folder(p, spec, true, e))
    return false;
  bind_all(p, spec->binds, spec->n_binds);
  mask_proc(p);
  ia_plan_step(p, IA_STEP_PIVOT, "/");
  if (!spec->upper)
    ia_plan_step(p, IA_STEP_ATTR, "/")->flags = MOUNT_ATTR_RDONLY;
  return ia_plan_ok(p, e);
}

/* ELF program headers: does it name an interpreter? */
static bool is_dynamic(const char *exe, bool *dynamic, ia_err *e)
{
  uint8_t first[4096]; /* the program headers follow the file header */
  uint16_t size, count;
  uint64_t at;
  ia_autoclose int fd = open(exe, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : pread(fd, first, sizeof(first), 0);

  if (n < 0)
    return ia_fail_errno(e, "%s", exe);
  ia_span head = ia_span_of(first, (size_t)n), skip;
  if (head.len < 64 || memcmp(head.ptr, "\177ELF\2\1", 6) != 0)
    return ia_fail(e, IA_E_INVALID, "%s: not a 64-bit ELF program", exe);
  if (!ia_span_take(&head, 32, &skip) || !ia_span_u64le(&head, &at) ||
      !ia_span_take(&head, 14, &skip) || !ia_span_u16le(&head, &size) ||
      !ia_span_u16le(&head, &count))
    return ia_fail(e, IA_E_INVALID, "%s: short", exe);
  *dynamic = false;
  for (uint16_t i = 0; i < count; i++) {
    ia_span rest = ia_span_of(first, (size_t)n);
    uint32_t type;

    if (at > sizeof(first) || !ia_span_take(&rest, (size_t)at + (size_t)i * size, &skip) ||
        !ia_span_u32le(&rest, &type))
      return ia_fail(e, IA_E_INVALID, "%s: broken program headers", exe);
    *dynamic |= type == 3; /* PT_INTERP */
  }
  return true;
}

static bool libraries(ia_plan *p, bool nodes, ia_err *e)
{
  static const char *const folders[] = {"/lib", "/lib64", "/usr/lib"};

  for (size_t i = 0; i < IA_COUNT(folders); i++) {
    struct stat st;

    if (stat(folders[i], &st) != 0)
      continue;
    if (nodes && !ia_plan_node(p, ROOT, folders[i], false, e))
      return false;
    if (!nodes)
      bind(p, folders[i], MOUNT_ATTR_RDONLY | locked, folders[i] + 1);
  }
  return true;
}

bool ia_root_guest(ia_plan *p, const ia_guestbox_spec *spec, const char *const *cgroup_dirs,
                   uint64_t data_bytes, ia_err *e)
{
  static const char *const folders[] = {"/proc", "/dev", "/tmp", IA_GUESTBOX_DATA,
                                        IA_GUESTBOX_CGROUP};
  bool dynamic = false;

  if (!is_dynamic(spec->exe, &dynamic, e))
    return false;
  stage(p);
  ia_plan_mount(p, "tmpfs", ROOT, plain, "mode=0755,size=1m,nr_inodes=2048");
  for (size_t i = 0; i < IA_COUNT(folders); i++)
    if (!ia_plan_node(p, ROOT, folders[i], false, e))
      return false;
  if (!ia_plan_node(p, ROOT, IA_GUESTBOX_EXE, true, e) ||
      !bind_nodes(p, ROOT, spec->binds, spec->n_binds, e) || (dynamic && !libraries(p, true, e)))
    return false;
  for (unsigned c = 0; c < IA_CG_COUNT; c++)
    if (cgroup_dirs[c])
      ia_plan_step(p, IA_STEP_MKDIR, "%s%s/%s", ROOT, IA_GUESTBOX_CGROUP,
                   ia_cgroup_control_name((ia_cgroup_control)c))
          ->mode = 0755;
  ia_plan_step(p, IA_STEP_CHDIR, ROOT);
  ia_plan_mount(p, "proc", "proc", plain | MS_NOEXEC, "hidepid=0");
  ia_plan_mount(p, "tmpfs", "tmp", plain, "mode=0700,size=4m,nr_inodes=1024");
  ia_plan_mount(p, "tmpfs", &IA_GUESTBOX_DATA[1], plain, "mode=0700,size=%llu",
                (unsigned long long)data_bytes);
  dev(p, 1 << 20, 64, true);
  bind(p, spec->exe, MOUNT_ATTR_RDONLY | locked, &IA_GUESTBOX_EXE[1]);
  bind_all(p, spec->binds, spec->n_binds);
  if (dynamic && !libraries(p, false, e))
    return false;
  for (unsigned c = 0; c < IA_CG_COUNT; c++)
    if (cgroup_dirs[c]) {
      ia_path target;

      if (!ia_path_join(&target, e, "%s/%s", &IA_GUESTBOX_CGROUP[1],
                        ia_cgroup_control_name((ia_cgroup_control)c)))
        return false;
      bind(p, cgroup_dirs[c], locked | MOUNT_ATTR_NOEXEC, target.s);
    }
  ia_plan_step(p, IA_STEP_PIVOT, "/");
  ia_plan_step(p, IA_STEP_ATTR, "/")->flags = MOUNT_ATTR_RDONLY;
  return ia_plan_ok(p, e);
}
