/* Programs see their limits: by control groups of their own where there are any, else by variables.
 * As root, as a plain uid without groups, and as a plain uid with groups that were given to it. */
#include <glob.h>
#include <grp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "help.h"
#include "sandbox/cgroup.h"

#define LIMIT ((uint64_t)1 << 30)

static box_help box;
static const char *java, *node; /* "" where this machine has none */
static ia_path empty;           /* a folder without hierarchies: the fallbacks */
static const char *given;       /* a folder of hierarchies that the plain uid may use, or NULL */

static char *run_limits(ia_sandbox_result *r, const char *root, const char *const *env)
{
  box_run(r, &box, "limits",
          &(ia_sandbox_spec){.limits = {.memory_bytes = LIMIT}, .cgroup_root = root, .env = env});
  assert_int_equal(r->end, IA_END_EXIT);
  return box_out(r);
}

static bool says(const char *out, const char *line)
{
  size_t n = strlen(line);

  for (const char *p = out; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
    if (strncmp(p, line, n) == 0 && (p[n] == '\n' || p[n] == '\0'))
      return true;
  return false;
}

/* Every file below the mount either is one of an app's own numbers or says nothing. */
static void assert_quiet(const char *out)
{
  static const char *const own[] = {"/memory.",        "/cpu.",         "/cpuacct.usage=",
                                    "/cpuset.cpus=",   "/cpuset.mems=", "/pids.",
                                    "/cgroup.procs=",  "/tasks=",       "/cgroup.controllers=",
                                    "/cgroup.events=", "/cgroup.type="};
  static const char *const never[] = {"pressure", "io.stat", "numa", "release_agent", "percpu"};

  for (const char *p = out; p && *p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
    size_t n = strcspn(p, "\n");
    ia_autofree char *line = strndup(p, n);
    bool known = false;

    if (strncmp(line, "/sys/", 5) != 0 || strstr(line, "=covered"))
      continue;
    for (size_t i = 0; i < IA_COUNT(own); i++)
      known |= strstr(line, own[i]) != NULL;
    for (size_t i = 0; i < IA_COUNT(never); i++)
      known &= strstr(line, never[i]) == NULL;
    if (!known)
      fail_msg("shown to an app: %s", line);
  }
}

/* Files of root's are EACCES, the app's own EROFS. */
static void assert_refused(const char *out, const char *path)
{
  static const char *const words[] = {"EACCES", "EROFS"};
  bool refused = false;

  for (size_t i = 0; i < IA_COUNT(words); i++) {
    char line[160];

    (void)snprintf(line, sizeof(line), "write %s=%s", path, words[i]);
    refused |= says(out, line);
  }
  if (!refused)
    fail_msg("%s can be written:\n%s", path, out);
}

static void assert_view(const char *root)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  ia_autofree char *out = run_limits(&r, root, NULL);

  assert_true(r.memory_by_cgroup);
  bool v2 = says(out, "/sys/fs/cgroup/memory.max=1073741824");
  if (!v2 && !says(out, "/sys/fs/cgroup/memory/memory.limit_in_bytes=1073741824"))
    fail_msg("no limit in:\n%s", out);
  assert_refused(out,
                 v2 ? "/sys/fs/cgroup/memory.max" : "/sys/fs/cgroup/memory/memory.limit_in_bytes");
  assert_refused(out, v2 ? "/sys/fs/cgroup/cgroup.procs" : "/sys/fs/cgroup/memory/cgroup.procs");
  assert_false(says(out, "mkdir=0"));
  if (r.cpu_by_cgroup)
    assert_true(says(out, "/sys/fs/cgroup/cpu.max=200000 100000") ||
                strstr(out, "/cpu.cfs_quota_us=200000\n") != NULL);
  /* groups of others, and even their names */
  assert_null(strstr(out, "=folder"));
  assert_quiet(out);
  assert_true(says(out, "JAVA_TOOL_OPTIONS=unset") && says(out, "GOMEMLIMIT=unset") &&
              says(out, "GOMAXPROCS=unset") && says(out, "NODE_OPTIONS=unset"));
}

static void assert_variables(const char *root)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  ia_autofree char *out = run_limits(&r, root, NULL);

  assert_false(r.memory_by_cgroup);
  assert_true(strncmp(out, "/sys/fs/cgroup", 14) != 0 && !strstr(out, "\n/sys/fs/cgroup"));
  assert_non_null(strstr(out, "JAVA_TOOL_OPTIONS=-XX:MaxRAM=1073741824 -XX:ActiveProcessorCount="));
  assert_true(says(out, "GOMEMLIMIT=966367638") &&
              says(out, "NODE_OPTIONS=--max-old-space-size=512"));
  assert_non_null(strstr(out, "GOMAXPROCS="));
}

static void test_variables(void **state IA_UNUSED)
{
  assert_variables(empty.s);
}

/* A machine may give root no groups either. */
static void test_groups(void **state IA_UNUSED)
{
  IA_AUTOV(ia_sandbox_result) r = {0};
  const char *root = box.plain ? given : NULL;

  free(run_limits(&r, root, NULL));
  assert_true(!given || r.memory_by_cgroup);
  if (r.memory_by_cgroup)
    assert_view(root);
  else
    assert_variables(root);
}

/* What the image sets stays, be it empty. */
static void test_variables_of_the_image(void **state IA_UNUSED)
{
  static const char *const env[] = {"JAVA_TOOL_OPTIONS=-Xmx64m", "NODE_OPTIONS=", "A=B", NULL};
  IA_AUTOV(ia_sandbox_result) r = {0};
  ia_autofree char *out = run_limits(&r, empty.s, env);

  assert_true(says(out, "JAVA_TOOL_OPTIONS=-Xmx64m") && says(out, "NODE_OPTIONS=") &&
              says(out, "GOMEMLIMIT=966367638"));
}

/* -- real runtimes -- */
enum { BINDS = 8 };

/* The machine's programs below /usr, their settings, and nothing else. */
static char *run_real(ia_sandbox_result *r, const char *root, const char *const *argv,
                      const char *program, const char *at)
{
  static const char *const env[] = {"PATH=/usr/bin", "HOME=/tmp", NULL};
  ia_sandbox_bind binds[BINDS] = {{.source = "/usr", .target = "/usr", .exec = true},
                                  {.source = program, .target = at, .exec = true}};
  size_t n = 2;
  glob_t found = {0};

  (void)glob("/etc/java-*", 0, NULL, &found);
  for (size_t i = 0; i < found.gl_pathc && n < BINDS; i++)
    binds[n++] = (ia_sandbox_bind){.source = found.gl_pathv[i], .target = found.gl_pathv[i]};
  box_run(r, &box, NULL,
          &(ia_sandbox_spec){.argv = argv,
                             .env = env,
                             .binds = binds,
                             .n_binds = n,
                             .cgroup_root = root,
                             .limits = {.memory_bytes = LIMIT, .file_bytes = 256 << 20}});
  globfree(&found);
  if (r->end != IA_END_EXIT || r->code != 0)
    fail_msg("%s: %s %d: %.*s", argv[0], ia_sandbox_end_name(r->end), r->code, (int)r->err.head.len,
             (const char *)r->err.head.ptr);
  return box_out(r);
}

static uint64_t number_behind(const char *out, const char *word)
{
  const char *at = strstr(out, word);

  if (!at)
    fail_msg("no %s in:\n%s", word, out);
  return strtoull(at + strlen(word) + strspn(at + strlen(word), " ="), NULL, 10);
}

/* A JVM that knows 1 GiB takes a quarter for its heap; it took one of the machine's memory. */
static void assert_java(const char *root)
{
  static const char *const argv[] = {"/opt/java/bin/java", "-XX:+PrintFlagsFinal", "-version",
                                     NULL};
  IA_AUTOV(ia_sandbox_result) r = {0};
  char home[IA_PATH_MAX];

  (void)snprintf(home, sizeof(home), "%.*s", (int)(strlen(java) - strlen("/bin/java")), java);
  ia_autofree char *out = run_real(&r, root, argv, home, "/opt/java");
  assert_int_equal(number_behind(out, " MaxHeapSize"), LIMIT / 4);
}

static void assert_node(const char *root)
{
  static const char *const argv[] = {
      "/opt/node", "-e", "console.log('heap='+require('v8').getHeapStatistics().heap_size_limit)",
      NULL};
  IA_AUTOV(ia_sandbox_result) r = {0};
  ia_autofree char *out = run_real(&r, root, argv, node, "/opt/node");
  uint64_t heap = number_behind(out, "heap");

  /* half of the limit, and a little for young objects */
  assert_true(heap >= LIMIT / 4 && heap < LIMIT);
}

static void with_groups(const char *program, void (*check)(const char *root))
{
  if (program[0] == '\0')
    skip();
  check(box.plain ? given : NULL);
}

static void without_groups(const char *program, void (*check)(const char *root))
{
  if (program[0] == '\0')
    skip();
  check(empty.s);
}

static void test_java_by_groups(void **state IA_UNUSED)
{
  with_groups(java, assert_java);
}

static void test_java_by_variables(void **state IA_UNUSED)
{
  without_groups(java, assert_java);
}

static void test_node_by_groups(void **state IA_UNUSED)
{
  with_groups(node, assert_node);
}

static void test_node_by_variables(void **state IA_UNUSED)
{
  without_groups(node, assert_node);
}

static void links(void)
{
  static const char *const names[] = {"lib", "lib64", "opt"};
  ia_path p;

  for (size_t i = 0; i < IA_COUNT(names); i++) {
    char to[32];

    (void)snprintf(to, sizeof(to), "usr/%s", names[i]);
    assert_true(ia_path_join(&p, NULL, "%s/%s", box.root.s, names[i]));
    if (strcmp(names[i], "opt") == 0)
      assert_int_equal(mkdir(p.s, 0755), 0);
    else
      assert_int_equal(symlink(to, p.s), 0);
  }
}

static int run_all(int argc, char **argv)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_groups),
      cmocka_unit_test(test_variables),
      cmocka_unit_test(test_variables_of_the_image),
      cmocka_unit_test(test_java_by_groups),
      cmocka_unit_test(test_java_by_variables),
      cmocka_unit_test(test_node_by_groups),
      cmocka_unit_test(test_node_by_variables),
  };
  char java_path[IA_PATH_MAX] = "", node_path[IA_PATH_MAX] = "";

  box_open(&box, argc, argv);
  java = argc > 4 && argv[4][0] && realpath(argv[4], java_path) ? java_path : "";
  node = argc > 5 && argv[5][0] && realpath(argv[5], node_path) ? node_path : "";
  links();
  assert_true(ia_path_join(&empty, NULL, "%s/no-groups", box.top.s));
  assert_true(ia_mkdirs(empty.s, 0755, NULL));
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  box_close(&box);
  return failed;
}

/* Groups of root's that the plain uid may use, as a service manager gives them: the folder of
 * hierarchies at `top`, and this process in them. */
static ia_cgroup *give_groups(const char *top)
{
  static const ia_cgroup_limits l = {(uint64_t)4 << 30, 512, 400};
  IA_AUTO(ia_cgroup) *g = NULL;

  if (!ia_cgroup_make(&g, NULL, "given", &l, NULL) ||
      !ia_cgroup_delegate(g, "runner", 65534, 65534, NULL) || !ia_cgroup_has(g, IA_CG_MEMORY))
    return NULL;
  for (unsigned c = 0; c < IA_CG_COUNT; c++) {
    const char *dir = ia_cgroup_dir(g, (ia_cgroup_control)c);
    ia_path p;

    if (dir &&
        (!ia_path_join(&p, NULL, "%s/%s", top, ia_cgroup_control_name((ia_cgroup_control)c)) ||
         symlink(dir, p.s) != 0))
      return NULL;
  }
  return ia_steal(&g);
}

int main(int argc, char **argv)
{
  char top[] = "/tmp/iapp-given-XXXXXX";
  bool plain = argc > 1 && strcmp(argv[1], "plain") == 0;
  int status = 1;

  if (!plain || geteuid() != 0)
    return run_all(argc, argv);
  if (!mkdtemp(top) || chmod(top, 0755) != 0)
    return 1;
  IA_AUTO(ia_cgroup) *g = give_groups(top);
  pid_t child = fork();
  if (child == 0) {
    if (g && ia_cgroup_add(g, "runner", getpid(), NULL) && setgroups(0, NULL) == 0)
      given = top;
    exit(run_all(argc, argv));
  }
  if (child < 0 || waitpid(child, &status, 0) != child)
    status = 1;
  (void)!ia_remove_tree(top, NULL);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
