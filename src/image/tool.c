/* Children by fork and exec; stderr goes to an unnamed file, so that no pipe can fill up. */
#include "image/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "base/file.h"
#include "image/unpack.h"

enum { ENV_MAX = 64 };

/* What a tool may see of our environment; passwords and keys are not among it. */
static const char *const passed[] = {
    "PATH",
    "HOME",
    "TMPDIR",
    "http_proxy",
    "https_proxy",
    "no_proxy",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "PIP_INDEX_URL",
    "PIP_CONFIG_FILE",
    "PIP_CERT",
    "PIP_EXTRA_INDEX_URL",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
    "PIP_TRUSTED_HOST",
    "PIP_DEFAULT_TIMEOUT",
    "PIP_RETRIES",
    "npm_config_registry",
    "NPM_CONFIG_REGISTRY",
    "npm_config_cafile",
    "NODE_EXTRA_CA_CERTS",
    "APT_CONFIG",
};

typedef struct tool_env {
  char *v[ENV_MAX];
  size_t n;
} tool_env;

static void env_add(tool_env *env, const char *name, const char *value)
{
  char *text = NULL;

  if (env->n + 1 < ENV_MAX && asprintf(&text, "%s=%s", name, value) > 0)
    env->v[env->n++] = text;
}

static void env_make(tool_env *env)
{
  for (size_t i = 0; i < IA_COUNT(passed); i++) {
    const char *value = getenv(passed[i]);

    if (value)
      env_add(env, passed[i], value);
  }
  env_add(env, "LC_ALL", "C.UTF-8");
  env_add(env, "TZ", "UTC");
  env_add(env, "DEBIAN_FRONTEND", "noninteractive");
}

static void env_free(tool_env *env)
{
  for (size_t i = 0; i < env->n; i++)
    free(env->v[i]);
}

/* Only async-signal-safe calls: the caller may have threads. */
static _Noreturn void child(const char *const *argv, char *const *env, const char *cwd, int out,
                            int err)
{
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);

  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (null < 0 || dup2(null, 0) < 0 || dup2(out >= 0 ? out : null, 1) < 0 || dup2(err, 2) < 0 ||
      (cwd && chdir(cwd) != 0))
    _exit(126);
  execvpe(argv[0], (char *const *)(uintptr_t)argv, env);
  _exit(errno == ENOENT ? 127 : 126);
}

/* The last line that says something. */
static void last_words(int err, char *line, size_t room)
{
  char buf[2048];
  off_t end = lseek(err, 0, SEEK_END);
  ssize_t n = pread(err, buf, sizeof(buf) - 1, end > 2047 ? end - 2047 : 0);
  char *start;

  line[0] = '\0';
  if (n <= 0)
    return;
  buf[n] = '\0';
  while (n > 0 && (buf[n - 1] == '\n' || buf[n - 1] == ' '))
    buf[--n] = '\0';
  start = strrchr(buf, '\n');
  (void)snprintf(line, room, "%.*s", (int)(room - 1), start ? start + 1 : buf);
}

static bool finish(pid_t pid, const char *name, int err, ia_err *e)
{
  char line[120];
  int status;

  while (waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR)
      return ia_fail_errno(e, "%s", name);
  }
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return true;
  if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
    return ia_fail(e, IA_E_NOT_FOUND, "%s is not installed", name);
  last_words(err, line, sizeof(line));
  return ia_fail(e, IA_E_INVALID, "%s failed: %s", name, line);
}

typedef struct run_state {
  ia_buf *out;
  size_t cap;
  ia_tool_reader reader;
  void *arg;
} run_state;

static bool drain(run_state *s, int fd, ia_err *e)
{
  if (s->reader)
    return s->reader(s->arg, ia_oci_read_fd, &fd, e);
  return ia_fd_read_all(s->out, fd, s->cap, e);
}

static bool run(const char *const *argv, const char *cwd, run_state *s, ia_err *e)
{
  ia_autoclose int err = memfd_create("stderr", MFD_CLOEXEC);
  ia_autoclose int from = -1, to = -1;
  bool want = s->out || s->reader;
  tool_env env = {0};
  int pipefd[2];

  if (err < 0 || (want && pipe2(pipefd, O_CLOEXEC) != 0))
    return ia_fail_errno(e, "%s", argv[0]);
  if (want) {
    from = pipefd[0];
    to = pipefd[1];
  }
  env_make(&env);
  pid_t pid = fork();
  if (pid == 0)
    child(argv, env.v, cwd, to, err);
  env_free(&env);
  if (pid < 0)
    return ia_fail_errno(e, "%s", argv[0]);
  if (to >= 0)
    close(ia_steal_fd(&to));
  bool ok = !want || drain(s, from, e);
  if (!ok)
    (void)kill(pid, SIGKILL);
  return finish(pid, argv[0], err, ok ? e : NULL) && ok;
}

bool ia_tool_run(const char *const *argv, const char *cwd, ia_buf *out, size_t cap, ia_err *e)
{
  run_state s = {.out = out, .cap = cap};

  return run(argv, cwd, &s, e);
}

bool ia_tool_pipe(const char *const *argv, ia_tool_reader reader, void *arg, ia_err *e)
{
  run_state s = {.reader = reader, .arg = arg};

  return run(argv, NULL, &s, e);
}

static bool wait_for(pid_t pid, const char *name, int *status, ia_err *e)
{
  int got;

  while (waitpid(pid, &got, 0) < 0) {
    if (errno != EINTR)
      return ia_fail_errno(e, "%s", name);
  }
  *status = WIFEXITED(got) ? WEXITSTATUS(got) : 128 + WTERMSIG(got);
  return *status != 127 || ia_fail(e, IA_E_NOT_FOUND, "%s is not installed", name);
}

bool ia_tool_words(const char *const *argv, const char *cwd, ia_buf *words, size_t cap, int *status,
                   ia_err *e)
{
  ia_autoclose int both = memfd_create("words", MFD_CLOEXEC);
  tool_env env = {0};

  if (both < 0)
    return ia_fail_errno(e, "%s", argv[0]);
  env_make(&env);
  pid_t pid = fork();
  if (pid == 0)
    child(argv, env.v, cwd, both, both);
  env_free(&env);
  if (pid < 0)
    return ia_fail_errno(e, "%s", argv[0]);
  if (!wait_for(pid, argv[0], status, e))
    return false;
  off_t end = lseek(both, 0, SEEK_END);
  if (end < 0 || lseek(both, end > (off_t)cap ? end - (off_t)cap : 0, SEEK_SET) < 0)
    return ia_fail_errno(e, "%s", argv[0]);
  return ia_fd_read_all(words, both, cap, e);
}
