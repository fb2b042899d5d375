/* Task, guest, and files from this machine's disk. */
#include "runtime/local.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hex.h"
#include "crypto/unixfs.h"
#include "poco/appenv.h"
#include "runtime/offer.h"

enum { PUT_MAX = 256 << 20, CHUNK = 256 << 10, MARGIN_S = 60 };

void ia_local_result_free(ia_local_result *r)
{
  ia_guest_outcome_free(&r->outcome);
  if (r->result_fd >= 0)
    close(r->result_fd);
  if (r->logs_fd >= 0)
    close(r->logs_fd);
  r->result_fd = r->logs_fd = -1;
}

typedef struct session {
  const ia_local_run *r;
  ia_local_result *out;
} session;

static bool give_file(const char *path, ia_guest_file *file, ia_guest_sink write, void *sink,
                      ia_err *e)
{
  ia_autofree uint8_t *buf = malloc(CHUNK);
  ia_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
  struct stat st;

  if (!buf)
    return ia_fail(e, IA_E_MEMORY, "%s", path);
  if (fd < 0)
    return ia_fail_errno(e, "%s", path);
  if (fstat(fd, &st) != 0)
    return ia_fail_errno(e, "%s", path);
  if ((uint64_t)st.st_size > file->max) {
    file->size = (uint64_t)st.st_size;
    return ia_fail(e, IA_E_TOO_LARGE, "%s: %llu bytes; the limit is %llu", path,
                   (unsigned long long)file->size, (unsigned long long)file->max);
  }
  for (;;) {
    ssize_t n = read(fd, buf, CHUNK);

    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return ia_fail_errno(e, "%s", path);
    if (n == 0)
      return true;
    if (!write(sink, ia_span_of(buf, (size_t)n), e))
      return false;
  }
}

/* The guest asks for a dataset by its place in our list, for an input by its URL. */
static bool on_fetch(void *ctx, ia_guest_file *file, ia_guest_sink write, void *sink, ia_err *e)
{
  const session *s = ctx;

  if (strcmp(file->kind, "dataset") == 0) {
    for (size_t i = 0; i < s->r->n_data; i++) {
      if (strcmp(file->uri, s->r->data[i].path) == 0)
        return give_file(s->r->data[i].path, file, write, sink, e);
    }
    return ia_fail(e, IA_E_NOT_FOUND, "no such data");
  }
  return s->r->fetch ? s->r->fetch(s->r->ctx, file->uri, file->max, write, sink, e)
                     : ia_fail(e, IA_E_UNSUPPORTED, "no input files here");
}

static bool cid_of_fd(ia_cid_text *out, int fd, ia_err *e)
{
  ia_autofree uint8_t *buf = malloc(CHUNK);
  IA_AUTO(ia_dag) *dag = NULL;
  ia_cid cid;

  if (!buf)
    return ia_fail(e, IA_E_MEMORY, "result");
  if (!ia_dag_new(&dag, NULL, e))
    return false;
  for (;;) {
    ssize_t n = read(fd, buf, CHUNK);

    if (n < 0)
      return ia_fail_errno(e, "result");
    if (n == 0)
      break;
    if (!ia_dag_add(dag, ia_span_of(buf, (size_t)n), e))
      return false;
  }
  if (!ia_dag_finish(dag, &cid, NULL, NULL, e))
    return false;
  *out = ia_cid_format(&cid);
  return lseek(fd, 0, SEEK_SET) == 0 || ia_fail_errno(e, "result");
}

static bool on_put(void *ctx, const char *name, int fd, uint64_t size IA_UNUSED, char *cid,
                   ia_err *e)
{
  const session *s = ctx;
  int *to = strcmp(name, "result") == 0 ? &s->out->result_fd : &s->out->logs_fd;
  ia_cid_text text;

  if (!cid_of_fd(&text, fd, e))
    return false;
  if (*to >= 0)
    close(*to);
  *to = fcntl(fd, F_DUPFD_CLOEXEC, 0);
  if (*to < 0)
    return ia_fail_errno(e, "%s", name);
  (void)snprintf(cid, 64, "%s", text.s);
  return true;
}

static json_t *datasets(const ia_local_run *r, ia_err *e)
{
  static const ia_h256 zero;
  IA_AUTO_JSON *list = json_array();

  for (size_t i = 0; list && i < r->n_data; i++) {
    const ia_addr *a = &r->data[i].address;

    if (json_array_append_new(list, json_pack("{s:o, s:o, s:s, s:s, s:o, s:o, s:i, s:b}", "address",
                                              ia_json_addr(a), "checksum", ia_json_h256(&zero),
                                              "multiaddr", r->data[i].path, "filename",
                                              ia_dataset_file_name(a, r->n_data > 1).s, "orderHash",
                                              ia_json_h256(&zero), "policyHash",
                                              ia_json_h256(&zero), "epoch", 0, "plain", 1)) != 0) {
      (void)ia_fail(e, IA_E_INVALID, "not a name in UTF-8: data %zu", i + 1);
      return NULL;
    }
  }
  return json_incref(list);
}

static bool environment(json_t **env, const ia_local_run *r, ia_err *e)
{
  ia_autofree ia_appenv_item *slice = calloc(r->n_data + 1, sizeof(*slice));
  ia_appenv in = {.deal_id = r->task_id, .task_id = r->task_id, .bot_size = 1, .files = r->urls};

  if (!slice)
    return ia_fail(e, IA_E_MEMORY, "environment");
  for (size_t i = 0; i < r->n_data; i++)
    slice[i].dataset = r->data[i].address;
  in.bulk = r->n_data > 1;
  if (in.bulk) {
    in.slice = slice;
    in.n_slice = r->n_data;
  } else if (r->n_data == 1) {
    in.dataset = slice[0].dataset;
  }
  return ia_appenv_build(env, &in, e);
}

static json_t *task_of(const ia_local_run *r, ia_err *e)
{
  static const ia_addr none, us = {{[19] = 1}};
  static const ia_h256 zero;
  json_t *env = NULL, *data = datasets(r, e);

  if (!data || !environment(&env, r, e)) {
    json_decref(data);
    return NULL;
  }
  json_t *task = json_pack(
      "{s:i, s:o, s:o, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:O, s:o, s:o}", "v", 1, "dealId",
      ia_json_h256(&r->task_id), "taskId", ia_json_h256(&r->task_id), "taskIndex", 0, "botFirst", 0,
      "botSize", 1, "chainId", 0, "hub", ia_json_addr(&none), "app", ia_json_addr(&none),
      "appDigest", ia_json_h256(&r->image), "argv", r->argv, "env", env, "datasets", data);
  json_t *rest = json_pack(
      "{s:o, s:o, s:n, s:b, s:o, s:s, s:[], s:{}, s:I, s:n, s:s, s:o, s:i, s:i, s:I, s:o, s:o, s:o}",
      "requester", ia_json_addr(&none), "beneficiary", ia_json_addr(&none), "resultKey", "encrypt",
      0, "callback", ia_json_addr(r->callback ? &us : &none), "logs", "clear", "egress", "limits",
      "memory", (json_int_t)r->memory, "gate", "purpose", "", "worker", ia_json_addr(&none),
      "fencing", 1, "attempt", 1, "timeLimit", (json_int_t)r->time_limit, "descHash",
      ia_json_h256(&zero), "inputFiles", r->urls ? json_deep_copy(r->urls) : json_array(),
      "secrets", r->secrets ? json_deep_copy(r->secrets) : json_object());
  if (!task || !rest || json_object_update(task, rest) != 0) {
    (void)ia_fail(e, IA_E_INVALID, "task: not all of it is text in UTF-8");
    json_decref(task);
    task = NULL;
  }
  json_decref(rest);
  return task;
}

bool ia_local_run_app(ia_local_result *out, const ia_local_run *r, ia_err *e)
{
  IA_AUTO_JSON *task = NULL, *payload = NULL;
  IA_AUTO(ia_guest) *g = NULL;
  session s = {r, out};
  const ia_guest_calls calls = {.ctx = &s, .fetch = on_fetch, .put = on_put};
  const ia_guest_spec spec = {.exe = r->guest,
                              .images = r->images,
                              .local = true,
                              .app_memory = ia_memory_offer(1),
                              .allow_swap = r->allow_swap};

  *out = (ia_local_result){.result_fd = -1, .logs_fd = -1};
  task = task_of(r, e);
  if (!task)
    return false;
  payload = json_pack("{s:i, s:b, s:O}", "v", 1, "local", 1, "task", task);
  if (!payload)
    return ia_fail(e, IA_E_MEMORY, "task");
  if (!ia_guest_start(&g, &spec, e))
    return false;
  ia_guest_run_options o = {.task = payload,
                            .tmp = r->tmp,
                            .put_max = PUT_MAX,
                            .wall_ms = (r->time_limit + MARGIN_S) * 1000};
  return ia_guest_run(g, &out->outcome, &o, &calls, e);
}
