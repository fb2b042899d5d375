/* What an import accepts can run, and what cannot run is refused with the way out: links of every
 * kind, interpreters, users, working folders, names and platforms. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/file.h"
#include "image/run.h"
#include "image/store.h"
#include "tars.h"

/* rows give what matters and leave the rest zero */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

enum { ENTRIES = 8, LAYERS = 3 };

/* type 'p': a program; content: of a file, or a link's text. */
typedef struct entry {
  char type;
  const char *path, *content;
  unsigned mode;
} entry;

typedef struct row {
  const char *config; /* members of the configuration's "config" */
  entry layers[LAYERS][ENTRIES];
  const char *refused; /* part of the error; NULL: accepted, then: */
  const char *cwd;
  uint32_t uid, gid;
} row;

typedef struct box {
  char dir[64];
  ia_images *s;
} box;

static int setup(void **state)
{
  box *b = calloc(1, sizeof(*b));
  ia_path p;
  ia_err e;

  (void)snprintf(b->dir, sizeof(b->dir), "/tmp/ia-runs-XXXXXX");
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

static void layer_of(ia_buf *tar, const entry *v)
{
  for (size_t i = 0; i < ENTRIES && v[i].type; i++) {
    const char *content = v[i].content ? v[i].content : "";

    if (v[i].type == 'p')
      tar_program(tar, v[i].path);
    else if (v[i].type == '0')
      tar_entry(tar, '0', v[i].path, "", v[i].mode ? v[i].mode : 0644, ia_span_str(content));
    else
      tar_entry(tar, v[i].type, v[i].path, content, 0755, ia_span_str(""));
  }
  tar_end(tar);
}

/* A docker archive; platform: members before "config", with a comma behind them. */
static void archive_of(ia_buf *tar, const row *r, const char *platform)
{
  IA_AUTOV(ia_buf) config = {0}, manifest = {0};

  ia_buf_printf(&config, "{%s\"config\":{%s},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[",
                platform, r->config);
  ia_buf_str(&manifest, "[{\"Config\":\"c.json\",\"RepoTags\":[\"a:1\"],\"Layers\":[");
  for (size_t i = 0; i < LAYERS && (i == 0 || r->layers[i][0].type); i++) {
    IA_AUTOV(ia_buf) layer = {0};
    char name[16];
    ia_h256 id;

    layer_of(&layer, r->layers[i]);
    ia_sha256(&id, ia_buf_view(&layer));
    (void)snprintf(name, sizeof(name), "l%zu", i);
    tar_entry(tar, '0', name, "", 0644, ia_buf_view(&layer));
    ia_buf_printf(&config, "%s\"%s\"", i ? "," : "", ia_oci_digest_format(&id).s);
    ia_buf_printf(&manifest, "%s\"%s\"", i ? "," : "", name);
  }
  ia_buf_str(&config, "]}}");
  ia_buf_str(&manifest, "]}]");
  tar_entry(tar, '0', "c.json", "", 0644, ia_buf_view(&config));
  tar_entry(tar, '0', "manifest.json", "", 0644, ia_buf_view(&manifest));
  tar_end(tar);
}

static bool import_bytes(const box *b, ia_span bytes, const char *ref, ia_h256 *id, ia_err *e)
{
  ia_import what = {.ref = ref, .limits = ia_oci_limits_default()};
  ia_path p;

  if (!ia_path_join(&p, e, "%s/archive", b->dir) || !ia_file_write(p.s, bytes, 0600, e))
    return false;
  what.path = p.s;
  return ia_images_import(b->s, id, &what, e);
}

/* The guest's side: the same answer over the unpacked image. */
static void check_unpacked(const box *b, const ia_h256 *id, const row *r)
{
  const ia_oci_limits limits = ia_oci_limits_default();
  IA_AUTO(ia_oci_config) *c = NULL;
  ia_autofree ia_image_run *run = malloc(sizeof(*run));
  ia_path root;
  ia_err e = {0};

  assert_true(ia_path_join(&root, &e, "%s/root", b->dir) && ia_mkdirs(root.s, 0755, &e));
  int fd = open(root.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ia_image_view view = ia_image_view_folder(&fd);
  if (!ia_oci_image_load(&c, id, fd, ia_images_open_blob, b->s, &limits, &e) ||
      !ia_image_run_of(run, &view, c, &e) || !ia_image_check_program(&view, c, run, &e))
    fail_msg("unpacked: %s", e.msg);
  assert_string_equal(run->cwd, r->cwd ? r->cwd : "/");
  assert_int_equal(run->uid, r->uid);
  assert_int_equal(run->gid, r->gid);
  close(fd);
  assert_true(ia_remove_tree(root.s, &e));
}

static void check_rows(const box *b, const row *rows, size_t n)
{
  for (size_t i = 0; i < n; i++) {
    IA_AUTOV(ia_buf) tar = {0};
    ia_h256 id;
    ia_err e = {0};

    archive_of(&tar, &rows[i], "\"os\":\"linux\",\"architecture\":\"amd64\",");
    bool ok = import_bytes(b, ia_buf_view(&tar), NULL, &id, &e);
    if (!rows[i].refused) {
      if (!ok)
        fail_msg("row %zu (%s): %s", i, rows[i].config, e.msg);
      check_unpacked(b, &id, &rows[i]);
      continue;
    }
    if (ok || e.code != IA_E_IMAGE_REFUSED || !strstr(e.msg, rows[i].refused))
      fail_msg("row %zu (%s): want \"%s\": %s (%s)", i, rows[i].config, rows[i].refused,
               ok ? "accepted" : e.msg, ia_code_name(e.code));
  }
}

#define RUN(path) "\"Entrypoint\":[\"" path "\"]"

static const row links_of_every_kind_rows[] = {
    {RUN("/app"), {{{'p', "bin/app"}, {'2', "app", "/bin/app"}}}},
    {RUN("/app"), {{{'p', "bin/app"}, {'2', "app", "bin/app"}}}},
    {RUN("/x/app"), {{{'p', "bin/app"}, {'2', "x", "bin"}}}},
    {RUN("/x/y/app"), {{{'p', "a/b/app"}, {'2', "x", "/a"}, {'2', "a/y", "../a/b/"}}}},
    {RUN("/app"), {{{'p', "real"}, {'1', "app", "real"}}}},
    {RUN("/app"), {{{'p', "real"}, {'2', "l", "real"}, {'1', "app", "l"}}}},
    {RUN("/app"), {{{'p', "real"}, {'2', "l", "real"}}, {{'1', "app", "l"}}}},
    {RUN("/app"), {{{'p', "real"}}, {{'1', "app", "real"}}}},
    {RUN("/a"),
     {{{'2', "a", "b"}, {'2', "b", "c"}, {'2', "c", "/d/../e"}, {'5', "d"}, {'p', "e"}}}},
    {RUN("/a"), {{{'2', "a", "../../../e"}, {'p', "e"}}}},
    {RUN("app"), {{{'p', "opt/app"}, {'2', "usr/bin", "/opt"}}}},
    {RUN("/lib/app"), {{{'2', "lib", "usr/lib"}, {'p', "lib/app"}}}},
    {RUN("/lib/app"), {{{'5', "usr/lib"}, {'2', "lib", "usr/lib"}}, {{'p', "lib/app"}}}},
    {RUN("/run"),
     {{{'0', "run", "#!/i -x\n", 0755}, {'2', "i", "bin/j"}, {'2', "bin/j", "k"}, {'p', "bin/k"}}}},
    {RUN("/run"),
     {{{'0', "run", "#! /usr/bin/env  tool\n", 0755}, {'p', "usr/bin/env"}, {'p', "bin/tool"}}}},
    {RUN("/run"),
     {{{'0', "run", "#!/two\n", 0755}, {'0', "two", "#!/three\n", 0700}, {'p', "three"}}}},
    {RUN("/a"), {{{'2', "a", "b"}, {'2', "b", "a"}}}, "not in the image"},
    {RUN("/a"), {{{'2', "a", "gone"}}}, "not in the image"},
    {RUN("/app"), {{{'1', "app", "gone"}}}, "hardlink to what is no file"},
    {RUN("/app"), {{{'5', "d"}, {'1', "app", "d"}}}, "hardlink to what is no file"},
    {RUN("/app"), {{{'2', "app", "/tmp/app"}, {'p', "tmp/app"}}}, "not in the image"},
    {RUN("/app"), {{{'p', "app"}}, {{'0', ".wh.app"}}}, "not in the image"},
    {RUN("/d/app"),
     {{{'p', "d/app"}}, {{'0', "d/.wh..wh..opq"}, {'p', "d/b"}}},
     "not in the image"},
    {RUN("/d/app"), {{{'0', "d/x", "x"}}, {{'p', "d/app"}, {'0', "d/.wh..wh..opq"}}}},
};

static void links_of_every_kind(void **state)
{
  check_rows(*state, links_of_every_kind_rows, IA_COUNT(links_of_every_kind_rows));
}

static const row programs_that_cannot_run_rows[] = {
    {"", {{{'p', "app"}}}, "names no program"},
    {"\"Entrypoint\":[],\"Cmd\":null", {{{'p', "app"}}}, "names no program"},
    {"\"Entrypoint\":[\"\"]", {{{'p', "app"}}}, "names no program"},
    {"\"Cmd\":[\"/app\",\"x\"]", {{{'p', "app"}}}},
    {RUN("/app"), {{{'0', "other", "x"}}}, "/app is not in the image"},
    {RUN("app"), {{{'p', "opt/app"}}}, "PATH was searched"},
    {RUN("app") ",\"Env\":[\"PATH=/nope:/opt\"]", {{{'p', "opt/app"}}}},
    {RUN("./app") ",\"WorkingDir\":\"/opt\"", {{{'p', "opt/app"}}}, NULL, "/opt"},
    {RUN("./app"), {{{'p', "opt/app"}}}, "not in the image"},
    {RUN("/app"), {{{'0', "app", "#!/bin/sh\n"}, {'p', "bin/sh"}}}, "not executable"},
    {RUN("/app"), {{{'5', "app"}}}, "is a folder"},
    {RUN("/app"), {{{'0', "app", "echo\n", 0755}}}, "neither an ELF program"},
    {RUN("/app"), {{{'0', "app", "\177ELF\2\1\1", 0755}}}, "another processor"},
    {RUN("/app"), {{{'0', "app", "#!/bin/sh\n", 0755}}}, "needs /bin/sh is not in the image"},
    {RUN("/app"), {{{'0', "app", "#!/bin/sh\r\n", 0755}, {'p', "bin/sh"}}}, "carriage return"},
    {RUN("/app"), {{{'0', "app", "#!\n", 0755}}}, "names no interpreter"},
    {RUN("/app"), {{{'0', "app", "#!/app\n", 0755}}}, "more than 5 interpreters"},
    {RUN("/app"),
     {{{'0', "app", "#!/usr/bin/env python3\n", 0755}, {'p', "usr/bin/env"}}},
     "needs python3"},
    {RUN("/app"), {{{'0', "app", "#!/i\n", 0755}, {'0', "i", "x"}}}, "/i is not executable"},
    {RUN("/dev/app"), {{{'p', "dev/app"}}}, "not in the image"},
    {RUN("/iexec_out/app"), {{{'p', "iexec_out/app"}}}, "not in the image"},
};

static void programs_that_cannot_run(void **state)
{
  check_rows(*state, programs_that_cannot_run_rows, IA_COUNT(programs_that_cannot_run_rows));
}

/* ELF headers: another processor, 32 bits, a loader that is there or not, damage. */
static const struct {
  size_t at;
  uint8_t byte;
  const char *loader, *refused;
} elf_rows[] = {{18, 183, NULL, "another processor"},
                {4, 1, NULL, "another processor"},
                {56, 0, NULL, "can be executed"},
                {16, 1, NULL, "can be executed"},
                {33, 99, NULL, "cut off"},
                {16, 3, NULL, NULL},
                {64, 3, "/lib64/ld.so", "needs /lib64/ld.so"},
                {64, 3, "/ld.so", NULL}};

static void elf_programs(void **state)
{
  const box *b = *state;

  for (size_t i = 0; i < IA_COUNT(elf_rows); i++) {
    IA_AUTOV(ia_buf) layer = {0}, tar = {0}, config = {0};
    uint8_t bytes[TAR_PROGRAM_LEN + 16] = {0};
    ia_h256 id;
    ia_err e = {0};

    program_bytes(bytes);
    bytes[elf_rows[i].at] = elf_rows[i].byte;
    if (elf_rows[i].loader) {
      bytes[64 + 8] = TAR_PROGRAM_LEN; /* where the name stands, how long it is */
      bytes[64 + 32] = (uint8_t)(strlen(elf_rows[i].loader) + 1);
      memcpy(bytes + TAR_PROGRAM_LEN, elf_rows[i].loader, strlen(elf_rows[i].loader));
    }
    tar_entry(&layer, '0', "app", "", 0755, ia_span_of(bytes, sizeof(bytes)));
    tar_program(&layer, "ld.so");
    tar_end(&layer);
    ia_sha256(&id, ia_buf_view(&layer));
    ia_buf_printf(&config,
                  "{\"config\":{\"Cmd\":[\"/app\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":"
                  "[\"%s\"]}}",
                  ia_oci_digest_format(&id).s);
    tar_entry(&tar, '0', "l", "", 0644, ia_buf_view(&layer));
    tar_entry(&tar, '0', "c", "", 0644, ia_buf_view(&config));
    tar_file(&tar, "manifest.json", "[{\"Config\":\"c\",\"Layers\":[\"l\"]}]");
    tar_end(&tar);
    bool ok = import_bytes(b, ia_buf_view(&tar), NULL, &id, &e);
    if (ok != !elf_rows[i].refused || (!ok && !strstr(e.msg, elf_rows[i].refused)))
      fail_msg("row %zu: %s", i, ok ? "accepted" : e.msg);
  }
}

#define PASSWD                                                                                     \
  "root:x:0:0:root:/root:/bin/sh\nbroken\n1001:x:7:8::/:/\napp:x:1000:1001:App:/:/bin/sh\n"
#define GROUP      "root:x:0:\nwheel:x:10:other,app\nusers:x:100:apple\nstaff:x:50:app\n"
#define USER(text) RUN("/app") ",\"User\":\"" text "\""
#define NAMES                                                                                      \
  {'p', "app"}, {'0', "etc/passwd", PASSWD},                                                       \
  {                                                                                                \
    '0', "etc/group", GROUP                                                                        \
  }

static const row users_rows[] = {
    {USER(""), {{NAMES}}},
    {USER("root"), {{{'p', "app"}}}},
    {USER("app"), {{NAMES}}, NULL, NULL, 1000, 1001},
    {USER("app:users"), {{NAMES}}, NULL, NULL, 1000, 100},
    {USER("app:77"), {{NAMES}}, NULL, NULL, 1000, 77},
    {USER("1000"), {{NAMES}}, NULL, NULL, 1000, 1001},
    {USER("1001"), {{NAMES}}, NULL, NULL, 7, 8},
    {USER("4242"), {{NAMES}}, NULL, NULL, 4242, 0},
    {USER("4242"), {{{'p', "app"}}}, NULL, NULL, 4242, 0},
    {USER("65532:65532"), {{{'p', "app"}}}, NULL, NULL, 65532, 65532},
    {USER("12:staff"), {{NAMES}}, NULL, NULL, 12, 50},
    {USER(":staff"), {{NAMES}}, NULL, NULL, 0, 50},
    {USER("app:"), {{NAMES}}, NULL, NULL, 1000, 1001},
    {USER("app"),
     {{{'p', "app"}, {'0', "usr/share/passwd", PASSWD}, {'2', "etc/passwd", "/usr/share/passwd"}}},
     NULL,
     NULL,
     1000,
     1001},
    {USER("app"), {{NAMES}, {{'0', "etc/passwd", "app:x:5:6::/:/\n"}}}, NULL, NULL, 5, 6},
    {USER("ghost"), {{NAMES}}, "ghost: not in /etc/passwd"},
    {USER("app"), {{{'p', "app"}}}, "not in /etc/passwd"},
    {USER("app"), {{NAMES}, {{'0', "etc/.wh.passwd"}}}, "not in /etc/passwd"},
    {USER("app:ghosts"), {{NAMES}}, "not in /etc/group"},
    {USER("4294967295"), {{NAMES}}, "not in /etc/passwd"},
    {USER("-1"), {{NAMES}}, "not in /etc/passwd"},
};

static void users(void **state)
{
  ia_autofree ia_image_run *run = malloc(sizeof(*run));
  ia_err e = {0};

  check_rows(*state, users_rows, IA_COUNT(users_rows));
  assert_true(ia_image_user(run, "app", PASSWD, GROUP, &e));
  assert_int_equal(run->n_groups, 2);
  assert_int_equal(run->groups[0], 10);
  assert_int_equal(run->groups[1], 50);
  assert_true(ia_image_user(run, "app:users", PASSWD, GROUP, &e));
  assert_int_equal(run->n_groups, 0);
}

#define IN(dir) RUN("/app") ",\"WorkingDir\":\"" dir "\""

static const row working_folders_rows[] = {
    {IN(""), {{{'p', "app"}}}, NULL, "/"},
    {IN("/"), {{{'p', "app"}}}, NULL, "/"},
    {IN("/srv//x/./y/"), {{{'p', "app"}}}, NULL, "/srv/x/y"},
    {IN("/srv/../etc"), {{{'p', "app"}, {'5', "srv"}}}, NULL, "/etc"},
    {IN("/job"), {{{'p', "app"}, {'2', "job", "srv/data"}, {'5', "srv/data"}}}, NULL, "/srv/data"},
    {IN("/job/new"), {{{'p', "app"}, {'2', "job", "/srv"}, {'5', "srv"}}}, NULL, "/srv/new"},
    {IN("/job"), {{{'p', "app"}, {'2', "job", "/tmp/w"}}}, NULL, "/tmp/w"},
    {IN("/job"), {{{'p', "app"}, {'2', "job", "gone/deep"}}}, NULL, "/gone/deep"},
    {IN("/tmp/a/b"), {{{'p', "app"}, {'2', "tmp/a", "/etc"}}}, NULL, "/tmp/a/b"},
    {IN("/tmp"), {{{'p', "app"}, {'2', "tmp", "/etc"}}}, NULL, "/tmp"},
    {IN("/iexec_out"), {{{'p', "app"}}}, NULL, "/iexec_out"},
    {IN("/iexec_out/sub"), {{{'p', "app"}}}, NULL, "/iexec_out/sub"},
    {IN("/iexec_in"), {{{'p', "app"}}}, NULL, "/iexec_in"},
    {IN("/dev/shm/x"), {{{'p', "app"}}}, NULL, "/dev/shm/x"},
    {IN("/proc"), {{{'p', "app"}}}, NULL, "/proc"},
    {IN("/iexec_in/sub"), {{{'p', "app"}}}, "lies below /iexec_in"},
    {IN("/dev/sub"), {{{'p', "app"}}}, "lies below /dev"},
    {IN("/proc/1"), {{{'p', "app"}}}, "lies below /proc"},
    {IN("/job"), {{{'p', "app"}, {'2', "job", "/proc/self"}}}, "lies below /proc"},
    {IN("/app"), {{{'p', "app"}}}, "not a folder"},
    {IN("/app/x"), {{{'p', "app"}}}, "not a folder"},
    {IN("/l"), {{{'p', "app"}, {'2', "l", "l"}}}, "not a folder"},
    {IN("work"), {{{'p', "app"}}}, "WorkingDir"},
};

static void working_folders(void **state)
{
  check_rows(*state, working_folders_rows, IA_COUNT(working_folders_rows));
}

static void platforms(void **state)
{
  static const row plain = {RUN("/app"), {{{'p', "app"}}}};
  static const struct {
    const char *members;
    bool ok;
  } rows[] = {{"", true},
              {"\"os\":\"linux\",", true},
              {"\"architecture\":\"amd64\",", true},
              {"\"os\":\"\",\"architecture\":\"\",", true},
              {"\"os\":null,\"architecture\":null,", true},
              {"\"os\":\"Linux\",\"architecture\":\"x86_64\",", true},
              {"\"architecture\":\"arm64\",", false},
              {"\"os\":\"windows\",", false},
              {"\"os\":\"linux\",\"architecture\":\"386\",", false},
              {"\"os\":7,", false}};
  const box *b = *state;

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_buf) tar = {0};
    ia_h256 id;
    ia_err e = {0};

    archive_of(&tar, &plain, rows[i].members);
    if (import_bytes(b, ia_buf_view(&tar), NULL, &id, &e) != rows[i].ok)
      fail_msg("%s: %s", rows[i].members, e.msg);
    if (!rows[i].ok)
      assert_int_equal(e.code, IA_E_IMAGE_REFUSED);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(links_of_every_kind, setup, teardown),
      cmocka_unit_test_setup_teardown(programs_that_cannot_run, setup, teardown),
      cmocka_unit_test_setup_teardown(elf_programs, setup, teardown),
      cmocka_unit_test_setup_teardown(users, setup, teardown),
      cmocka_unit_test_setup_teardown(working_folders, setup, teardown),
      cmocka_unit_test_setup_teardown(platforms, setup, teardown),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
