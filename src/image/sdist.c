/* pip in the sandbox, with everything at hand and nothing to reach. */
#include "image/sdist.h"

#include <stdio.h>

#include "sandbox/harvest.h"
#include "sandbox/run.h"

enum { WHEEL_CAP = 256 << 20 };

static const char *const environment[] = {
    "PATH=/usr/local/bin:/usr/bin:/bin", "PYTHONPATH=/tools", "HOME=/tmp", "LANG=C.UTF-8", "TZ=UTC",
    "PYTHONDONTWRITEBYTECODE=1", "PYTHONHASHSEED=0", "PIP_CONFIG_FILE=/dev/null",
    /* the earliest time that a wheel, a zip, can hold: the same wheel whenever it is built */
    "SOURCE_DATE_EPOCH=315532800", NULL};

static bool ends_with(const char *text, const char *end)
{
  size_t n = strlen(text), k = strlen(end);

  return n > k && strcmp(text + n - k, end) == 0;
}

/* The one wheel that was left in the output folder. */
static bool take_wheel(int out_fd, const char *dir, ia_path *wheel, ia_err *e)
{
  static const ia_harvest_limits limits = {.depth = 2, .entries = 16, .bytes = WHEEL_CAP};
  IA_AUTOV(ia_harvest) found = {0};
  IA_AUTOV(ia_buf) bytes = {0};

  if (!ia_harvest_walk(&found, out_fd, &limits, e))
    return false;
  for (size_t i = 0; i < found.n; i++) {
    const ia_harvest_entry *en = &found.entries[i];

    if (en->kind != IA_HARVEST_FILE || !ends_with(en->path, ".whl") ||
        !ia_lock_file_name_ok(en->path))
      continue;
    return ia_harvest_read(&bytes, out_fd, en->path, WHEEL_CAP, e) &&
           ia_path_join(wheel, e, "%s/%s", dir, en->path) &&
           ia_file_write_exact(wheel->s, ia_buf_view(&bytes), 0644, e);
  }
  return ia_fail(e, IA_E_INVALID, "its builder left no wheel");
}

/* The last line with such a sign; those in which pip only counts its steps do not say why. */
static const char *last_with(const char *text, const char *sign)
{
  static const char *const empty[] = {"subprocess-exited-with-error", "metadata-generation-failed",
                                      "Failed to build", "failed-wheel-build"};
  const char *best = NULL;

  for (const char *p = text; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
    const char *hit = strstr(p, sign), *end = p + strcspn(p, "\n");
    bool says = hit && hit < end;

    for (size_t i = 0; says && i < IA_COUNT(empty); i++) {
      const char *found = strstr(p, empty[i]);
      says = !found || found > end;
    }
    if (says)
      best = p + strspn(p, " \t");
  }
  return best;
}

static void reason_of(char out[120], const char *text)
{
  static const char *const signs[] = {"Error: ", "error: ", "ERROR: "};
  const char *best = NULL;

  for (size_t i = 0; i < IA_COUNT(signs) && !best; i++)
    best = last_with(text, signs[i]);
  (void)snprintf(out, 120, "%.*s", best ? (int)strcspn(best, "\n") : 0, best ? best : "");
}

static bool failed(const ia_build *b, const ia_sdist *s, const ia_sandbox_result *r, ia_err *e)
{
  const char *slash = strrchr(s->source, '/'), *name = slash ? slash + 1 : s->source;
  IA_AUTOV(ia_buf) all = {0};
  char reason[120];

  ia_buf_span(&all, ia_buf_view(&r->out.head));
  ia_buf_span(&all, ia_buf_view(&r->out.tail));
  ia_buf_span(&all, ia_buf_view(&r->err.head));
  ia_buf_span(&all, ia_buf_view(&r->err.tail));
  ia_autofree char *text = ia_buf_text(&all);
  if (text && b->words)
    b->words(b->ctx, text);
  reason_of(reason, text ? text : "");
  if (r->end != IA_END_EXIT)
    (void)snprintf(reason, sizeof(reason), "it was ended: %.12s%s%.80s",
                   ia_sandbox_end_name(r->end), r->launch_error[0] ? ": " : "", r->launch_error);
  (void)ia_fail(e, IA_E_INVALID, "%.60s has no wheel and could not be built: %s", name,
                reason[0] ? reason : "its builder gave no reason");
  if (text && (strstr(text, "gcc") || strstr(text, "compiler") || strstr(text, "cargo")))
    return ia_hint(e,
                   "it needs a compiler: take a version that has a wheel, or a python3-.. package "
                   "in debianPackages of iapp.config.json");
  return ia_hint(e, "take a version that has a wheel, or a python3-.. package in debianPackages of "
                    "iapp.config.json");
}

bool ia_sdist_build(const ia_build *b, const ia_sdist *s, ia_path *wheel, ia_err *e)
{
  const char *slash = strrchr(s->source, '/');
  const char *layers[] = {s->root};
  IA_AUTOV(ia_sandbox_result) r = {.out_fd = -1};
  ia_path source, say;

  if (!ia_path_join(&source, e, "/source/%s", slash ? slash + 1 : s->source) ||
      !ia_path_join(&say, e, "Building %s in the sandbox", slash ? slash + 1 : s->source))
    return false;
  const char *argv[] = {"/usr/bin/python3",
                        "-m",
                        "pip",
                        "wheel",
                        "--no-deps",
                        "--no-build-isolation",
                        "--no-index",
                        "--no-cache-dir",
                        "--no-input",
                        "--disable-pip-version-check",
                        "-w",
                        "/iexec_out",
                        source.s,
                        NULL};
  const ia_sandbox_bind binds[] = {{.source = s->tools, .target = "/tools", .exec = true},
                                   {.source = s->source, .target = source.s}};
  const ia_sandbox_spec spec = {.name = "wheel",
                                .layers = layers,
                                .n_layers = 1,
                                .argv = argv,
                                .env = environment,
                                .cwd = "/tmp",
                                .binds = binds,
                                .n_binds = IA_COUNT(binds),
                                .limits = {.memory_bytes = (uint64_t)2 << 30,
                                           .wall_ms = 900000,
                                           .tmp_bytes = (uint64_t)1 << 30,
                                           .out_bytes = WHEEL_CAP,
                                           .file_bytes = WHEEL_CAP,
                                           .inodes = 100000},
                                .allow_swap = true /* nothing here is secret */};

  if (b->say)
    b->say(b->ctx, say.s);
  if (!ia_sandbox_run(&r, &spec, e))
    return ia_wrap(e, "building %.60s", source.s + 8);
  if (r.end != IA_END_EXIT || r.code != 0)
    return failed(b, s, &r, e);
  return take_wheel(r.out_fd, s->dir, wheel, e) || ia_wrap(e, "%.60s", source.s + 8);
}
