/* Building projects without a network: the same sources give the same image, and it runs. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "image/build.h"

typedef struct box {
  char dir[64];
  ia_images *s;
} box;

static int setup(void **state)
{
  box *b = calloc(1, sizeof(*b));
  ia_path p;
  ia_err e;

  (void)snprintf(b->dir, sizeof(b->dir), "/tmp/ia-build-XXXXXX");
  *state = b;
  return mkdtemp(b->dir) && ia_path_join(&p, &e, "%s/images", b->dir) &&
                 ia_images_open(&b->s, p.s, &e)
             ? 0
             : -1;
}

static int teardown(void **state)
{
  box *b = *state;
  ia_err e;

  ia_images_close(b->s);
  bool ok = ia_remove_tree(b->dir, &e);
  free(b);
  return ok ? 0 : -1;
}

static void write_file(const box *b, const char *project, const char *name, const char *text)
{
  ia_path p;
  ia_err e = {0};

  assert_true(ia_path_join(&p, &e, "%s/%s/src", b->dir, project) && ia_mkdirs(p.s, 0755, &e));
  assert_true(ia_path_join(&p, &e, "%s/%s/%s", b->dir, project, name));
  assert_true(ia_file_write(p.s, ia_span_str(text), 0644, &e));
}

static bool build(const box *b, const char *project, ia_lang lang, bool no_cache, ia_h256 *image,
                  ia_err *e)
{
  ia_path p;
  ia_build o = {.lang = lang, .cache = b->dir, .no_cache = no_cache, .name = "test"};

  o.project = ia_path_join(&p, e, "%s/%s", b->dir, project) ? p.s : "";
  return ia_build_image(b->s, image, &o, e);
}

static void must_build(const box *b, const char *project, ia_lang lang, bool no_cache,
                       ia_h256 *image)
{
  ia_err e = {0};

  if (!build(b, project, lang, no_cache, image, &e))
    fail_msg("%s: %s (%s)", ia_code_name(e.code), e.msg, e.hint);
}

/* Runs a command in a chroot of the unpacked image and compares its output. */
static void want_output(const box *b, const ia_h256 *image, const char *command, const char *want)
{
  IA_AUTO(ia_oci_config) *c = NULL;
  IA_AUTOV(ia_buf) out = {0};
  ia_oci_limits l = ia_oci_limits_default();
  ia_path root, cmd;
  ia_err e = {0};

  assert_true(ia_path_join(&root, &e, "%s/root", b->dir) && ia_mkdirs(root.s, 0755, &e));
  int fd = open(root.s, O_RDONLY | O_DIRECTORY);
  if (!ia_oci_image_load(&c, image, fd, ia_images_open_blob, b->s, &l, &e))
    fail_msg("%s", e.msg);
  close(fd);
  assert_true(ia_path_join(&cmd, &e, "unshare -r chroot %s %s 2>&1", root.s, command));
  FILE *p = popen(cmd.s, "re");
  assert_non_null(p);
  assert_true(ia_fd_read_all(&out, fileno(p), 1 << 16, &e));
  (void)pclose(p);
  ia_autofree char *text = ia_buf_text(&out);
  assert_string_equal(text ? text : "", want);
}

static void c_project(void **state)
{
  const box *b = *state;
  ia_h256 one, two, other, lib;

  write_file(b, "a", "src/app.c",
             "#include <stdio.h>\nint main(void)\n{\n  puts(__FILE__);\n  return 0;\n}\n");
  write_file(b, "b", "src/app.c",
             "#include <stdio.h>\nint main(void)\n{\n  puts(__FILE__);\n  return 0;\n}\n");
  must_build(b, "a", IA_LANG_C, false, &one);
  must_build(b, "a", IA_LANG_C, true, &two);
  must_build(b, "b", IA_LANG_C, false, &other); /* another folder, the same bytes */
  assert_true(ia_h256_eq(&one, &two) && ia_h256_eq(&one, &other));
  write_file(b, "a", "src/lib.c", "int unused;\n");
  must_build(b, "a", IA_LANG_C, false, &lib);
  want_output(b, &one, "/app/app", "src/app.c\n");
}

static void c_errors_are_shown(void **state)
{
  const box *b = *state;
  ia_h256 image;
  ia_err e = {0};

  write_file(b, "bad", "src/app.c", "int main(void) { return undeclared; }\n");
  assert_false(build(b, "bad", IA_LANG_C, false, &image, &e));
  assert_non_null(strstr(e.msg, "cc"));
  assert_false(build(b, "bad", IA_LANG_SH, false, &image, &e));
  assert_int_equal(e.code, IA_E_NOT_FOUND);
}

static bool build_more(const box *b, const char *const *libraries, const char *content,
                       ia_h256 *image, ia_err *e)
{
  IA_AUTO_JSON *inputs = content ? json_loads(content, 0, NULL) : NULL;
  ia_path p;
  ia_build o = {.lang = IA_LANG_C, .cache = b->dir, .libraries = libraries, .content = inputs};

  o.project = ia_path_join(&p, e, "%s/l", b->dir) ? p.s : "";
  return ia_build_image(b->s, image, &o, e);
}

/* Static libraries by name, their bytes in the lock; content that secrets name, in the labels. */
static void c_libraries_and_content(void **state)
{
  const box *b = *state;
  static const char *const z[] = {"z", NULL}, *const two[] = {"z", "m", NULL};
  static const char *const none[] = {"nothing-there", NULL}, *const odd[] = {"z -Wl,-T", NULL};
  static const char *const bad[] = {"{\"0\":\"a\"}", "{\"x\":\"a\"}", "{\"1\":2}",
                                    "{\"01\":\"a\"}"};
  ia_h256 one, again;
  ia_err e = {0};

  write_file(b, "l", "src/app.c",
             "#include <stdio.h>\nconst char *zlibVersion(void);\n"
             "int main(void)\n{\n  return puts(zlibVersion()) < 0;\n}\n");
  assert_false(build_more(b, none, NULL, &one, &e));
  assert_int_equal(e.code, IA_E_NOT_FOUND);
  assert_false(build_more(b, odd, NULL, &one, &e));
  assert_int_equal(e.code, IA_E_INVALID);
  for (size_t i = 0; i < IA_COUNT(bad); i++)
    assert_false(build_more(b, z, bad[i], &one, &e));
  assert_true(build_more(b, z, "{\"1\":\"where\"}", &one, &e));
  assert_true(build_more(b, z, "{\"1\":\"where\"}", &again, &e));
  assert_true(ia_h256_eq(&one, &again));
  assert_true(build_more(b, z, NULL, &again, &e));
  assert_false(ia_h256_eq(&one, &again));
  assert_false(build_more(b, two, NULL, &again, &e)); /* a library that the lock does not know */
  assert_int_equal(e.code, IA_E_BAD_CHECKSUM);
}

static void sh_project(void **state)
{
  const box *b = *state;
  ia_h256 one, two;
  ia_err e = {0};
  ia_path lock;

  write_file(b, "s", "src/app.sh",
             "printf '%s\\n' b a | sort | awk '{print NR $1}' | sed s/a/x/\n");
  must_build(b, "s", IA_LANG_SH, false, &one);
  must_build(b, "s", IA_LANG_SH, true, &two); /* from the lock, without the cached layer */
  assert_true(ia_h256_eq(&one, &two));
  want_output(b, &one, "/bin/sh /app/src/app.sh", "1x\n2b\n");
  /* a lock that names other bytes is not built from */
  IA_AUTOV(ia_buf) text = {0};
  assert_true(ia_path_join(&lock, &e, "%s/s/iapp.lock", b->dir));
  assert_true(ia_file_read(&text, lock.s, 1 << 20, &e));
  ia_buf_u8(&text, 0);
  char *digest = strstr((char *)text.ptr, "sha256:");
  assert_non_null(digest);
  digest[7] = digest[7] == '0' ? '1' : '0';
  assert_true(ia_file_write(lock.s, ia_span_of(text.ptr, text.len - 1), 0644, &e));
  assert_false(build(b, "s", IA_LANG_SH, false, &one, &e));
  assert_int_equal(e.code, IA_E_BAD_CHECKSUM);
}

static void languages(void **state IA_UNUSED)
{
  static const struct {
    const char *text;
    ia_lang want;
  } rows[] = {{"c", IA_LANG_C},           {"sh", IA_LANG_SH},
              {"Shell", IA_LANG_SH},      {"python", IA_LANG_PYTHON},
              {"Python", IA_LANG_PYTHON}, {"Python3.13", IA_LANG_PYTHON},
              {"js", IA_LANG_JS},         {"JavaScript", IA_LANG_JS}};
  ia_lang lang;

  for (size_t i = 0; i < IA_COUNT(rows); i++)
    assert_true(ia_lang_parse(&lang, rows[i].text) && lang == rows[i].want);
  assert_false(ia_lang_parse(&lang, "cobol"));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {T(c_project), T(c_errors_are_shown),
                                     T(c_libraries_and_content), T(sh_project), T(languages)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
