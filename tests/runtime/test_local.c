/* The real guest and sandbox, from a built image to its result; and what the host sees of apps that
 * fail. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "image/build.h"
#include "runtime/local.h"
#include "runtime/warm.h"

typedef struct box {
  char dir[64];
  ia_images *s;
  ia_h256 image;
} box;

static const char *guest(void)
{
  const char *path = getenv("IA_GUEST");

  assert_non_null(path);
  return path;
}

/* One app for all: its first argument says what it does. */
static const char app[] =
    "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n"
    "static void copy(const char *from)\n{\n  FILE *in = fopen(from, \"r\"), *out;\n  int c;\n"
    "  out = fopen(\"/iexec_out/copy\", \"w\");\n"
    "  while (in && (c = getc(in)) != EOF) putc(c, out);\n  fclose(out);\n}\n"
    "int main(int argc, char **argv)\n{\n  const char *deed = argc > 1 ? argv[1] : \"hello\";\n  char p[300];\n"
    "  printf(\"deed %s\\n\", deed);\n  fprintf(stderr, \"to stderr\\n\");\n"
    "  if (!strcmp(deed, \"fail\")) return 7;\n  if (!strcmp(deed, \"nothing\")) return 0;\n"
    "  if (!strcmp(deed, \"data\")) {\n"
    "    snprintf(p, sizeof(p), \"%s/%s\", getenv(\"IEXEC_IN\"), getenv(\"IEXEC_DATASET_FILENAME\"));\n"
    "    copy(p);\n  } else {\n    FILE *f = fopen(\"/iexec_out/result.txt\", \"w\");\n"
    "    fprintf(f, \"%s\", getenv(\"IEXEC_REQUESTER_SECRET_1\") ? getenv(\"IEXEC_REQUESTER_SECRET_1\") : \"-\");\n"
    "    fclose(f);\n  }\n  return 0;\n}\n";

static int setup(void **state)
{
  box *b = calloc(1, sizeof(*b));
  ia_build o = {.lang = IA_LANG_C};
  ia_path p, src;
  ia_err e = {0};

  (void)snprintf(b->dir, sizeof(b->dir), "/tmp/ia-local-XXXXXX");
  *state = b;
  bool ok = mkdtemp(b->dir) && ia_path_join(&p, &e, "%s/images", b->dir) &&
            ia_images_open(&b->s, p.s, &e) && ia_path_join(&src, &e, "%s/src", b->dir) &&
            ia_mkdirs(src.s, 0755, &e) && ia_path_join(&src, &e, "%s/src/app.c", b->dir) &&
            ia_file_write(src.s, ia_span_str(app), 0644, &e);
  o.project = o.cache = b->dir;
  ok = ok && ia_build_image(b->s, &b->image, &o, &e);
  if (!ok)
    fprintf(stderr, "%s\n", e.msg);
  return ok ? 0 : -1;
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

static void run(const box *b, ia_local_result *out, const char *deed, const char *data,
                const json_t *secrets)
{
  IA_AUTO_JSON *argv = json_pack("[s]", deed);
  ia_local_data d = {.path = data, .address = {{1, 2, 3}}};
  ia_local_run r = {.guest = guest(),
                    .images = ia_images_dir(b->s),
                    .image = b->image,
                    .task_id = {{9}},
                    .argv = argv,
                    .data = &d,
                    .n_data = data ? 1 : 0,
                    .secrets = secrets,
                    .time_limit = 20,
                    .tmp = b->dir};
  ia_err e = {0};

  if (!ia_local_run_app(out, &r, &e))
    fail_msg("%s: %s", ia_code_name(e.code), e.msg);
}

/* Bytes of a file descriptor contain a text (archives of small files hold them deflated or not). */
static void want_in(int fd, const char *text)
{
  IA_AUTOV(ia_buf) b = {0};
  ia_err e = {0};

  assert_true(fd >= 0);
  assert_true(ia_fd_read_all(&b, fd, 1 << 20, &e));
  assert_non_null(memmem(b.ptr, b.len, text, strlen(text)));
}

static void hello(void **state)
{
  IA_AUTOV(ia_local_result) r = {.result_fd = -1, .logs_fd = -1};
  IA_AUTO_JSON *secrets = json_pack("{s:{s:s}}", "requester", "1", "seasame");

  run(*state, &r, "hello", NULL, secrets);
  if (r.outcome.cause[0])
    fail_msg("%s: %s", r.outcome.cause, r.outcome.message);
  want_in(r.result_fd, "result.txt");
  want_in(r.logs_fd, "\"stdout\"");
  assert_non_null(r.outcome.run);
  assert_non_null(r.outcome.usage);
  assert_int_equal(json_integer_value(json_object_get(r.outcome.run, "exitCode")), 0);
}

static void reads_its_data(void **state)
{
  IA_AUTOV(ia_local_result) r = {.result_fd = -1, .logs_fd = -1};
  const box *b = *state;
  ia_path p;
  ia_err e;

  assert_true(ia_path_join(&p, &e, "%s/data", b->dir));
  assert_true(ia_file_write(p.s, ia_span_str("plain"), 0644, &e));
  run(b, &r, "data", p.s, NULL);
  if (r.outcome.cause[0])
    fail_msg("%s: %s", r.outcome.cause, r.outcome.message);
  want_in(r.result_fd, "copy");
}

static void failures_have_causes(void **state)
{
  static const char *const rows[][2] = {{"fail", "APP_COMPUTE_FAILED"},
                                        {"nothing", "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND"}};

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_local_result) r = {.result_fd = -1, .logs_fd = -1};

    run(*state, &r, rows[i][0], NULL, NULL);
    assert_string_equal(r.outcome.cause, rows[i][1]);
    assert_int_equal(r.result_fd, -1);
    want_in(r.logs_fd, "stderr");
  }
}

static void image_is_checked(void **state)
{
  IA_AUTOV(ia_local_result) r = {.result_fd = -1, .logs_fd = -1};
  box b = *(const box *)*state;

  b.image.b[5] ^= 1; /* a digest that the store does not have */
  run(&b, &r, "hello", NULL, NULL);
  assert_string_equal(r.outcome.cause, "APP_NOT_FOUND_LOCALLY");
}

static void warm_guests(void **state)
{
  const box *b = *state;
  ia_guest_spec spec = {.exe = guest(), .images = ia_images_dir(b->s), .local = true};
  IA_AUTO(ia_warm) *w = NULL;
  ia_guest *one, *two, *three;
  ia_err e = {0};

  if (!ia_warm_open(&w, &spec, 0, 2, &e))
    fail_msg("%s", e.msg);
  assert_true(ia_warm_take(w, &one, &b->image, &e));
  assert_true(ia_warm_take(w, &two, &b->image, &e));
  assert_ptr_not_equal(one, two);
  assert_false(ia_warm_take(w, &three, &b->image, &e));
  assert_int_equal(e.code, IA_E_BUSY);
  ia_warm_give(w, one);
  assert_true(ia_warm_take(w, &three, &b->image, &e));
  ia_warm_give(w, two);
  ia_warm_give(w, three);
  ia_warm_close(w);
  /* kept ready, and told of its image before it is asked for */
  assert_true(ia_warm_open(&w, &spec, 1, 2, &e));
  ia_warm_hint(w, &b->image);
  assert_true(ia_warm_take(w, &one, &b->image, &e));
  ia_warm_give(w, one);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
  const struct CMUnitTest tests[] = {T(hello), T(reads_its_data), T(failures_have_causes),
                                     T(image_is_checked), T(warm_guests)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
