/* The result of a local run: logs, files, and the words that users know. */
#include "cli/test_view.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/causes.h"
#include "cli/log_view.h"
#include "cli/result_open.h"
#include "cli/task_result.h"
#include "data/zip.h"

enum { LOGS_CAP = 8 << 20 };

/* *texts: new reference; stays NULL where the app left nothing. */
static bool show_logs(ia_cli *c, const ia_local_result *r, json_t **texts, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {.cap = LOGS_CAP};

  if (r->logs_fd < 0)
    return true;
  if (lseek(r->logs_fd, 0, SEEK_SET) != 0 || !ia_fd_read_all(&text, r->logs_fd, LOGS_CAP, e))
    return false;
  IA_AUTO_JSON *logs = ia_json_parse(ia_buf_view(&text), 0, e);
  if (!logs || !ia_log_texts(texts, logs, e))
    return false;
  ia_log_say(c, *texts);
  return true;
}

static bool put_file(const ia_zip *zip, const ia_zip_entry *entry, const char *dir, ia_err *e)
{
  IA_AUTOV(ia_buf) shown = {0};
  ia_path p, parent;

  if (!ia_zip_shown_name(&shown, entry, e) ||
      !ia_path_join(&p, e, "%s/%s", dir, (const char *)shown.ptr) ||
      !ia_path_join(&parent, e, "%s", p.s))
    return false;
  if (entry->folder)
    return ia_mkdirs(p.s, 0700, e);
  *strrchr(parent.s, '/') = '\0';
  if (!ia_mkdirs(parent.s, 0700, e))
    return false;
  ia_autoclose int fd = open(p.s, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0)
    return ia_fail_errno(e, "%s", p.s);
  return ia_zip_extract(zip, entry, ia_sink_fd(&fd), e);
}

static bool unpack(ia_cli *c, const ia_local_result *r, const char *dir, json_t *files, ia_err *e)
{
  IA_AUTO(ia_zip) *zip = NULL;
  ia_blob blob;

  if (!ia_mkdirs(dir, 0700, e))
    return false;
  if (r->result_fd < 0)
    return true;
  if (!ia_blob_fd(&blob, r->result_fd, e) || !ia_zip_open(&zip, blob, 0, e))
    return ia_wrap(e, "result");
  for (size_t i = 0; i < ia_zip_count(zip); i++) {
    const ia_zip_entry *entry = ia_zip_at(zip, i);

    if (!put_file(zip, entry, dir, e))
      return false;
  }
  ia_cli_names_warn(c, zip);
  IA_AUTO_JSON *all = ia_cli_files_json(zip);
  return json_array_extend(files, all) == 0 || ia_fail(e, IA_E_MEMORY, "result");
}

/* What to do: the guest's own word for this reason, what the app's output shows, or the cause's. */
static const char *fix_of(const ia_local_result *r, const json_t *texts)
{
  static const char shown[] =
      "the app's output is shown above: correct the app, then run `iapp test` again";
  const char *hint = json_string_value(json_array_get(json_object_get(texts, "hints"), 0));
  bool app = ia_cause_class(r->outcome.cause) == IA_E_APP_FAILED;

  if (r->outcome.hint[0] && ia_cause_class(r->outcome.cause) == IA_E_BAD_OUTPUT)
    return r->outcome.hint;
  return app ? hint ? hint : shown : ia_cause_of(r->outcome.cause)->fix;
}

/* The error of a run that did not go well; the guest's own words are in its message. */
static bool failed(ia_cli *c, const ia_local_result *r, uint64_t exit_code, const json_t *texts,
                   ia_err *e)
{
  const char *cause = r->outcome.cause;
  ia_code class = ia_cause_class(cause);

  if (strncmp(cause, "APP_COMPUTE", 11) == 0) {
    if (class == IA_E_NO_RESOURCES)
      ia_cli_say(c, "App docker image container ran out of memory.");
    else
      ia_cli_say(c, "App docker image ran but exited with error (Exit code: %llu)",
                 (unsigned long long)exit_code);
  }
  (void)ia_fail(e, class, "%s", r->outcome.message);
  return ia_hint(e, "%s", fix_of(r, texts));
}

bool ia_test_view(ia_cli *c, const ia_local_result *r, const char *dir, ia_err *e)
{
  IA_AUTO_JSON *files = json_array(), *texts = NULL;
  uint64_t exit_code = 0;
  size_t i;
  json_t *v;

  if (r->outcome.run && json_object_get(r->outcome.run, "exitCode") &&
      !ia_json_get_u64(r->outcome.run, "exitCode", &exit_code, e))
    return false;
  if (!show_logs(c, r, &texts, e))
    return false;
  if (r->outcome.cause[0])
    return failed(c, r, exit_code, texts, e);
  json_array_foreach (json_object_get(r->outcome.run, "failed"), i, v)
    ia_cli_warn(c, "data %lld of the slice could not be used: %s",
                (long long)json_integer_value(json_object_get(v, "index")),
                json_string_value(json_object_get(v, "code")));
  ia_cli_say(c, "App docker image ran and exited successfully.");
  if (!files || !unpack(c, r, dir, files, e))
    return false;
  ia_cli_say(c, "Checked app output");
  ia_cli_out(c, "%s", dir);
  json_array_foreach (files, i, v)
    ia_cli_say(c, "  %s (%lld bytes)", json_string_value(json_object_get(v, "path")),
               (long long)json_integer_value(json_object_get(v, "size")));
  ia_cli_task_preview(c, dir);
  return ia_cli_json(c,
                     json_pack("{s:I, s:s, s:O}", "exitCode", (json_int_t)exit_code, "output", dir,
                               "files", files),
                     e);
}
