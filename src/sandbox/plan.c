/* Lists of steps. */
#include "sandbox/plan.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

void ia_plan_free(ia_plan *p)
{
  if (!p)
    return;
  for (size_t i = 0; i < p->n_steps; i++) {
    free(p->steps[i].target);
    free(p->steps[i].type);
    free(p->steps[i].data);
  }
  for (size_t i = 0; i < p->n_sources; i++)
    free(p->sources[i].path);
  free(p);
}

int ia_plan_source(ia_plan *p, const char *path, ia_source_role role)
{
  if (p->n_sources >= IA_PLAN_SOURCES) {
    p->bad = true;
    return -1;
  }
  ia_source *s = &p->sources[p->n_sources];
  *s = (ia_source){strdup(path), role};
  p->bad |= !s->path;
  return (int)p->n_sources++;
}

static ia_step *push(ia_plan *p, ia_step_kind kind)
{
  if (p->n_steps >= IA_PLAN_STEPS) {
    p->bad = true;
    p->n_steps--; /* the last one is lost; ia_plan_ok refuses the whole */
    free(p->steps[p->n_steps].target);
    free(p->steps[p->n_steps].type);
    free(p->steps[p->n_steps].data);
  }
  ia_step *s = &p->steps[p->n_steps++];
  *s = (ia_step){.kind = kind, .source = -1};
  return s;
}

ia_step *ia_plan_step(ia_plan *p, ia_step_kind kind, const char *fmt, ...)
{
  ia_step *s = push(p, kind);
  va_list ap;

  va_start(ap, fmt);
  if (vasprintf(&s->target, fmt, ap) < 0) {
    s->target = NULL;
    p->bad = true;
  }
  va_end(ap);
  return s;
}

void ia_plan_mount(ia_plan *p, const char *type, const char *target, unsigned long flags,
                   const char *fmt, ...)
{
  ia_step *s = ia_plan_step(p, IA_STEP_MOUNT, "%s", target);
  va_list ap;

  s->flags = flags;
  s->type = strdup(type);
  va_start(ap, fmt);
  if (!s->type || vasprintf(&s->data, fmt, ap) < 0) {
    s->data = NULL;
    p->bad = true;
  }
  va_end(ap);
}

bool ia_plan_node(ia_plan *p, const char *base, const char *path, bool file, ia_err *e)
{
  if (path[0] != '/' || path[1] == '\0')
    return ia_fail(e, IA_E_INVALID, "%s: not an absolute path inside", path);
  for (const char *at = path + 1;;) {
    const char *slash = strchr(at, '/');
    size_t n = slash ? (size_t)(slash - at) : strlen(at);
    size_t whole = (size_t)(at - path) + n;

    if (n == 0 || (n == 1 && at[0] == '.') || (n == 2 && at[0] == '.' && at[1] == '.'))
      return ia_fail(e, IA_E_INVALID, "%s: not a plain path", path);
    if (!slash && file) {
      (void)ia_plan_step(p, IA_STEP_FILE, "%s%.*s", base, (int)whole, path);
      return true;
    }
    ia_plan_step(p, IA_STEP_MKDIR, "%s%.*s", base, (int)whole, path)->mode = 0755;
    if (!slash)
      return true;
    at = slash + 1;
  }
}

bool ia_plan_ok(const ia_plan *p, ia_err *e)
{
  if (p->bad)
    return ia_fail(e, IA_E_SANDBOX, "too many mounts for one sandbox");
  return true;
}
