/* Inputs, the app in its sandbox, its output. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/causes.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/size.h"
#include "guest/agent_internal.h"
#include "guest/inputs.h"
#include "guest/words.h"
#include "sandbox/guestbox.h"

typedef struct folders {
  ia_path in, scratch;
  int in_fd, scratch_fd;
} folders;

static void folders_close(folders *f)
{
  if (f->in_fd >= 0)
    close(f->in_fd);
  if (f->scratch_fd >= 0)
    close(f->scratch_fd);
}
IA_DEFINE_AUTO_VALUE(folders, folders_close)

static bool make_folder(int *fd, const char *path, mode_t mode, ia_err *e)
{
  if (mkdir(path, mode) != 0)
    return ia_fail_errno(e, "folder of the task");
  *fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return *fd >= 0 || ia_fail_errno(e, "folder of the task");
}

static bool folders_make(folders *f, const ia_agent *a, ia_err *e)
{
  return ia_path_join(&f->in, e, "%s/in", a->spec->data) &&
         ia_path_join(&f->scratch, e, "%s/scratch", a->spec->data) &&
         make_folder(&f->in_fd, f->in.s, 0755, e) &&
         make_folder(&f->scratch_fd, f->scratch.s, 0700, e);
}

static void on_started(void *arg)
{
  ia_agent *a = arg;
  IA_AUTO_JSON *v = json_object();

  (void)!ia_link_say(&a->link, IA_FRAME_STARTED, v, NULL);
}

/* Numbers that the app steers leave a machine of the network in no form. */
static void say_usage(ia_agent *a, const ia_sandbox_result *r)
{
  if (!a->spec->local)
    return;
  IA_AUTO_JSON *v = json_pack("{s:I,s:I,s:I,s:I}", "cpuMs", (json_int_t)r->cpu_ms, "memoryPeak",
                              (json_int_t)r->memory_peak, "wallMs", (json_int_t)r->wall_ms,
                              "outBytes", (json_int_t)a->output.bytes);

  (void)!ia_link_say(&a->link, IA_FRAME_USAGE, v, NULL);
}

static bool run_app(ia_agent *a, const folders *f, ia_sandbox_result *r, ia_err *e)
{
  const ia_released *released = a->spec->local ? NULL : &a->released;
  IA_AUTO(ia_words) *argv = NULL, *env = NULL;
  const char *layers[] = {a->root};
  const ia_sandbox_bind binds[] = {
      {.source = f->in.s, .target = "/iexec_in"},
      {.source = IA_GUESTBOX_EXE, .target = IA_GUESTBOX_EXE, .exec = true},
  };

  if (!ia_words_argv(&argv, a->config, &a->task, e) ||
      !ia_words_env(&env, a->config, &a->task, released, &a->run, e))
    return false;
  const ia_sandbox_spec s = {
      .layers = layers,
      .n_layers = 1,
      .argv = (const char *const *)argv->v,
      .env = (const char *const *)env->v,
      .cwd = a->place.cwd,
      .uid = a->place.uid,
      .gid = a->place.gid,
      .groups = a->place.groups,
      .n_groups = a->place.n_groups,
      .binds = binds,
      .n_binds = IA_COUNT(binds),
      .limits = {.memory_bytes = a->memory, .wall_ms = a->task.time_limit * 1000},
      .cgroup_root = a->spec->cgroup,
      .counted_filter = ia_buf_view(&a->filter),
      .allow_swap = true, /* judged for all of the guest's box by who started it */
      .cancel_fd = a->link.in.fd,
      .started = on_started,
      .arg = a,
  };
  return ia_sandbox_run(r, &s, e);
}

enum { ENDING_MAX = 160 };

/* How the app ended, in words of ours. */
static void describe(char out[ENDING_MAX], const ia_agent *a, const ia_sandbox_result *r)
{
  const ia_sandbox_limits l = {.memory_bytes = a->memory, .wall_ms = a->task.time_limit * 1000};
  IA_AUTOV(ia_buf) text = {0};

  ia_sandbox_describe(&text, r, &l);
  (void)snprintf(out, ENDING_MAX, "%.*s", (int)text.len, (const char *)text.ptr);
}

/* The cause of an app that did not end well, for who may read its logs. */
static const char *cause_inside(const ia_sandbox_result *r)
{
  switch (r->end) {
  case IA_END_TIMEOUT: return "APP_COMPUTE_TIMEOUT";
  case IA_END_CANCEL: return "ABORTED_BY_WORKER";
  case IA_END_OOM: return "APP_COMPUTE_OUT_OF_MEMORY";
  default: return "APP_COMPUTE_FAILED";
  }
}

/* The cause that everybody is told; the app's words stay inside, and so does what the app can
 * choose to end by. */
static bool app_failed(ia_agent *a, const ia_sandbox_result *r, const char *ending, ia_err *e)
{
  a->cause = r->end == IA_END_OOM && ia_agent_is_quiet(a) ? "APP_COMPUTE_FAILED" : cause_inside(r);
  a->no_run = r->end == IA_END_CANCEL;
  return ia_fail(e, IA_E_APP_FAILED, "%s", ending);
}

static bool finish(ia_agent *a, const folders *f, const ia_sandbox_result *r, ia_err *e)
{
  bool clean = r->end == IA_END_EXIT && r->code == 0;
  char ending[ENDING_MAX] = "";
  const ia_output_spec s = {.task = &a->task,
                            .scratch_fd = f->scratch_fd,
                            .simulated = a->spec->local || a->hints.desc.domain == IA_DOMAIN_SIM,
                            .blind = a->blind,
                            .ending = ending,
                            .cause = clean ? "" : cause_inside(r)};

  if (!clean)
    describe(ending, a, r);
  bool ok = clean ? ia_output_result(&a->output, &s, &a->link, r->out_fd, &a->cause, e)
                  : app_failed(a, r, ending, e);
  /* which number the app chose is for who may read its logs */
  a->run.exit_code = ia_agent_is_quiet(a) ? r->exit_code != 0 : r->exit_code;
  say_usage(a, r);
  if (a->no_run)
    return false;
  /* a log that cannot be stored does not change what the app did */
  if (!ia_output_logs(&a->output, &s, &a->link, r, NULL))
    ia_link_log(&a->link, "the logs could not be stored");
  return ok;
}

bool ia_agent_compute(ia_agent *a, ia_err *e)
{
  IA_AUTOV(folders) f = {.in_fd = -1, .scratch_fd = -1};
  IA_AUTOV(ia_sandbox_result) r = {.out_fd = -1};
  ia_inputs_spec in = {.task = &a->task,
                       .released = a->spec->local ? NULL : &a->released,
                       .labels = a->config->labels,
                       .told = a->told};

  if (!ia_agent_memory(a, a->task.memory, e)) {
    a->cause = IA_CAUSE_MEMORY;
    (void)snprintf(a->told, sizeof(a->told), "%s", e ? e->msg : "");
    a->no_run = true; /* another worker may offer more: nothing is stated about the app */
    return false;
  }
  a->cause = "PRE_COMPUTE_FAILED_UNKNOWN_ISSUE";
  a->run.started = ia_now();
  if (!folders_make(&f, a, e))
    return false;
  in.in_fd = f.in_fd;
  in.scratch_fd = f.scratch_fd;
  if (!ia_inputs_fetch(&in, &a->link, &a->run, &a->cause, e))
    return false;
  a->cause = "APP_COMPUTE_FAILED";
  a->run.started = ia_now();
  if (!run_app(a, &f, &r, e))
    return false;
  a->run.ended = ia_now();
  a->cause = "";
  return finish(a, &f, &r, e);
}
