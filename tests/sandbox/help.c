/* A sandbox with the hostile program in it. */
#include "help.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/stat.h>

#include <cmocka.h>

static void put(const box_help *h, const char *path, ia_span bytes, mode_t mode)
{
  ia_path p;
  ia_err e = {0};

  assert_true(ia_path_join(&p, &e, "%s/%s", h->top.s, path));
  if (!ia_file_write(p.s, bytes, mode, &e))
    fail_msg("%s", e.msg);
}

static void folder(const box_help *h, const char *path)
{
  ia_path p;

  assert_true(ia_path_join(&p, NULL, "%s/%s", h->top.s, path));
  assert_true(ia_mkdirs(p.s, 0755, NULL));
}

/* exit 77 tells meson that a test was skipped */
static void become_plain(void)
{
  if (geteuid() != 0)
    return;
  if (setgid(65534) != 0 || setuid(65534) != 0)
    exit(77);
}

void box_open(box_help *h, int argc, char **argv)
{
  IA_AUTOV(ia_buf) program = {0};
  ia_err e = {0};

  *h = (box_help){0};
  if (argc < 3 || !ia_file_read(&program, argv[2], 32 << 20, &e)) {
    fprintf(stderr, "usage: self|plain PROGRAM %s\n", e.msg);
    exit(2);
  }
  h->plain = strcmp(argv[1], "plain") == 0;
  if (h->plain)
    become_plain();
  (void)umask(022);
  (void)snprintf(h->top.s, sizeof(h->top.s), "/tmp/iapp-box-XXXXXX");
  if (!mkdtemp(h->top.s) || chmod(h->top.s, 0755) != 0)
    exit(77);
  static const char *const folders[] = {"root/bin", "root/etc", "root/usr", "in"};
  for (size_t i = 0; i < IA_COUNT(folders); i++)
    folder(h, folders[i]);
  put(h, "root/bin/hostile", ia_buf_view(&program), 0755);
  put(h, "root/etc/passwd", ia_span_str("root:x:0:0::/:/bin/sh\n"), 0644);
  put(h, "in/data", ia_span_str("input"), 0644);
  assert_true(ia_path_join(&h->root, NULL, "%s/root", h->top.s));
  assert_true(ia_path_join(&h->in, NULL, "%s/in", h->top.s));
}

void box_close(box_help *h)
{
  (void)!ia_remove_tree(h->top.s, NULL);
}

void box_run(ia_sandbox_result *r, const box_help *h, const char *deed, const ia_sandbox_spec *spec)
{
  const char *layers[] = {h->root.s};
  const char *argv[] = {"/bin/hostile", deed, NULL};
  const ia_sandbox_bind binds[] = {{.source = h->in.s, .target = "/iexec_in"}};
  ia_sandbox_spec s = spec ? *spec : (ia_sandbox_spec){0};
  ia_err e = {0};

  s.layers = layers;
  s.n_layers = 1;
  s.argv = s.argv ? s.argv : argv;
  if (!s.binds) {
    s.binds = binds;
    s.n_binds = 1;
  }
  if (s.limits.wall_ms == 0)
    s.limits.wall_ms = 60000;
  s.allow_swap = true;
  if (!ia_sandbox_run(r, &s, &e))
    fail_msg("%s: %s", ia_code_name(e.code), e.msg);
  if (r->end == IA_END_LAUNCH)
    fail_msg("%s: %s", deed, r->launch_error);
}

char *box_out(const ia_sandbox_result *r)
{
  IA_AUTOV(ia_buf) b = {0};

  ia_buf_span(&b, ia_buf_view(&r->out.head));
  ia_buf_str(&b, "");
  return ia_buf_text(&b);
}

char *box_environment(const ia_sandbox_result *r)
{
  static const char *const stand_ins[] = {
      "JAVA_TOOL_OPTIONS=", "GOMEMLIMIT=", "GOMAXPROCS=", "NODE_OPTIONS="};
  char *out = box_out(r), *to = out;

  for (char *p = out; p && *p;) {
    size_t n = strcspn(p, "\n") + (strchr(p, '\n') != NULL);
    bool drop = false;

    for (size_t i = 0; i < IA_COUNT(stand_ins) && !r->memory_by_cgroup; i++)
      drop |= strncmp(p, stand_ins[i], strlen(stand_ins[i])) == 0;
    if (!drop) {
      memmove(to, p, n);
      to += n;
    }
    p += n;
  }
  if (to)
    *to = '\0';
  return out;
}

void box_said(const ia_sandbox_result *r, const char *line)
{
  ia_autofree char *out = box_out(r);
  size_t n = strlen(line);

  for (const char *p = out; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL)
    if (strncmp(p, line, n) == 0 && (p[n] == '\n' || p[n] == '\0'))
      return;
  fail_msg("wanted the line \"%s\" in:\n%s", line, out);
}
