/* Without a network: forms of requirements.txt, libraries that a module needs, the lock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "image/needs.h"
#include "image/pip.h"

static const struct {
  const char *text, *want; /* want NULL: refused */
} requirement_rows[] = {
    {"", ""},
    {"# c\n\n  \r\n", ""},
    {"a==1", "a==1\n"},
    {"a==1.0\r\nB.c_d-e==2!1.0+x\n", "a==1.0\nB.c_d-e==2!1.0+x\n"},
    {"a == 1 # why\n", "a == 1\n"},
    {"a[x,y]==1 ; python_version>'3'\n", "a[x,y]==1 ; python_version>'3'\n"},
    {"a==1 \\\n  --hash=sha256:00\nb==2\n", "a==1     --hash=sha256:00\nb==2\n"},
    {"a==1#2\n", "a==1#2\n"},
    {"a\n", NULL},
    {"a>=1\n", NULL},
    {"a===1\n", NULL},
    {"a==1.*\n", NULL},
    {"a==1,<2\n", NULL},
    {"a==\n", NULL},
    {"-r b==1\n", NULL},
    {"--index-url x==1\n", NULL},
    {"-e .#==1\n", NULL},
    {"a @ file:///x==1\n", NULL},
    {"git+https://x/y==1\n", NULL},
    {"./a==1\n", NULL},
    {"b==2\n \\\n-e .==1\n", NULL},
};

static void requirements(void **state IA_UNUSED)
{
  char path[] = "/tmp/ia-requirements-XXXXXX";
  int fd = mkstemp(path);

  assert_true(fd >= 0);
  close(fd);
  for (size_t i = 0; i < IA_COUNT(requirement_rows); i++) {
    IA_AUTOV(ia_buf) out = {0};
    ia_err e = {0};

    assert_true(ia_file_write(path, ia_span_str(requirement_rows[i].text), 0600, &e));
    bool ok = ia_pip_requirements(&out, path, &e);
    if (ok != (requirement_rows[i].want != NULL))
      fail_msg("%s: %s", requirement_rows[i].text, ok ? "taken" : e.msg);
    if (!ok) {
      assert_int_equal(e.code, IA_E_INVALID);
      assert_true(e.hint[0] != '\0');
      continue;
    }
    ia_buf_u8(&out, 0);
    assert_string_equal((const char *)out.ptr, requirement_rows[i].want);
  }
  (void)unlink(path);
}

/* This very program is a module like any other; damaged copies are refused or say less. */
static void libraries_of_a_module(void **state IA_UNUSED)
{
  IA_AUTOV(ia_buf) bytes = {0}, needs = {0};
  ia_err e = {0};

  assert_true(ia_file_read(&bytes, "/proc/self/exe", 64 << 20, &e));
  assert_true(ia_needs_of(&needs, ia_buf_view(&bytes), &e));
  ia_autofree char *text = ia_buf_text(&needs);
  assert_non_null(strstr(text, "libcmocka.so.0\n"));
  ia_span head = ia_span_of(bytes.ptr, bytes.len);
  for (size_t at = 0; at < 64 + 56 * 14; at++) {
    IA_AUTOV(ia_buf) out = {0};

    for (int bit = 0; bit < 8; bit += 7) {
      bytes.ptr[at] ^= (uint8_t)(1 << bit);
      (void)!ia_needs_of(&out, head, &e);
      bytes.ptr[at] ^= (uint8_t)(1 << bit);
    }
  }
  for (size_t len = 0; len < 4096; len += 7) {
    IA_AUTOV(ia_buf) out = {0};
    ia_autofree uint8_t *cut = malloc(len + 1); /* so that reading on is seen */

    memcpy(cut, bytes.ptr, len);
    (void)!ia_needs_of(&out, ia_span_of(cut, len), &e);
  }
  IA_AUTOV(ia_buf) none = {0};
  assert_true(ia_needs_of(&none, ia_span_str("#!/bin/sh\n"), &e) && none.len == 0);
}

static const char lock_text[] =
    "{\"v\":2,\"base\":\"python\",\"toolchain\":\"\",\"packages\":[],\"files\":[],\"requested\":"
    "[\"dash\",\"python3\"],\"wheels\":[{\"file\":\"a-1-py3-none-any.whl\",\"sha256\":\"sha256:"
    "0000000000000000000000000000000000000000000000000000000000000001\",\"source\":{\"file\":"
    "\"%s\",\"sha256\":\"sha256:"
    "0000000000000000000000000000000000000000000000000000000000000002\",\"tools\":[{\"file\":"
    "\"pip-1-py3-none-any.whl\",\"sha256\":\"sha256:"
    "0000000000000000000000000000000000000000000000000000000000000003\"}]}}]}";

static bool parse_lock(ia_lock *out, const char *source, ia_err *e)
{
  IA_AUTOV(ia_buf) text = {0};
  char whole[sizeof(lock_text) + 300];

  (void)snprintf(whole, sizeof(whole), lock_text, source);
  ia_buf_str(&text, whole);
  return ia_lock_parse(out, ia_buf_view(&text), e);
}

static void lock_of_wheels(void **state IA_UNUSED)
{
  static const char *const bad[] = {"../a.tar.gz", "", ".hidden", "-option", "a b", "a/b"};
  static const char *const more[] = {"python3", "dash", "zlib1g", NULL};
  char path[] = "/tmp/ia-lock-XXXXXX";
  IA_AUTOV(ia_lock) l = {0}, again = {0}, now = {0};
  bool found;
  ia_err e = {0};
  int fd = mkstemp(path);

  assert_true(fd >= 0);
  close(fd);
  assert_true(parse_lock(&l, "a-1.tar.gz", &e));
  assert_int_equal(l.n_wheels, 1);
  assert_string_equal(l.wheels[0].source.file, "a-1.tar.gz");
  assert_int_equal(l.wheels[0].n_tools, 1);
  assert_true(ia_lock_write(&l, path, &e) && ia_lock_read(&again, &found, path, &e) && found);
  assert_memory_equal(&again.wheels[0].tools[0], &l.wheels[0].tools[0], sizeof(ia_lock_part));
  assert_true(ia_lock_same_request(&l, &again, "x", &e));
  assert_true(ia_lock_request(&now, more, NULL, &e));
  assert_false(ia_lock_same_request(&l, &now, "debianPackages", &e));
  assert_non_null(strstr(e.msg, "zlib1g was added"));
  assert_false(ia_lock_same_request(&now, &l, "debianPackages", &e));
  assert_non_null(strstr(e.msg, "zlib1g was removed"));
  for (size_t i = 0; i < IA_COUNT(bad); i++) {
    IA_AUTOV(ia_lock) none = {0};

    assert_false(parse_lock(&none, bad[i], &e));
  }
  (void)unlink(path);
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(requirements),
      cmocka_unit_test(libraries_of_a_module),
      cmocka_unit_test(lock_of_wheels),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
