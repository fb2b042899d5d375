/* Harvest of folders made by the test itself: fifos, sockets, limits, order. What apps do to it is
 * in test_hostile.c. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/file.h"
#include "sandbox/harvest.h"

typedef struct place {
  ia_path top;
  int fd;
} place;

static void put(const place *p, const char *name, const char *text)
{
  ia_path path;

  assert_true(ia_path_join(&path, NULL, "%s/%s", p->top.s, name));
  assert_true(ia_file_write(path.s, ia_span_str(text), 0644, NULL));
}

static int make(void **state)
{
  place *p = calloc(1, sizeof(*p));

  assert_non_null(p);
  (void)snprintf(p->top.s, sizeof(p->top.s), "/tmp/iapp-harvest-XXXXXX");
  assert_non_null(mkdtemp(p->top.s));
  p->fd = open(p->top.s, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  assert_true(p->fd >= 0);
  *state = p;
  return 0;
}

static int drop(void **state)
{
  place *p = *state;

  close(p->fd);
  (void)!ia_remove_tree(p->top.s, NULL);
  free(p);
  return 0;
}

/* A fifo without writer would block an open; it is listed and never opened. */
static void test_kinds(void **state)
{
  place *p = *state;
  IA_AUTOV(ia_harvest) h = {0};
  IA_AUTOV(ia_buf) b = {0};
  ia_err e = {0};

  put(p, "b", "two");
  put(p, "a-file", "one");
  assert_int_equal(mkdirat(p->fd, "a", 0755), 0);
  put(p, "a/inner", "three");
  assert_int_equal(mkfifoat(p->fd, "fifo", 0644), 0);
  ia_autoclose int s = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_un un = {.sun_family = AF_UNIX};
  (void)snprintf(un.sun_path, sizeof(un.sun_path), "%.80s/sock", p->top.s);
  assert_int_equal(bind(s, (struct sockaddr *)&un, sizeof(un)), 0);
  assert_true(ia_harvest_walk(&h, p->fd, &(ia_harvest_limits){0}, &e));
  static const char *const order[] = {"a", "a-file", "a/inner", "b", "fifo", "sock"};
  static const ia_harvest_kind kinds[] = {IA_HARVEST_DIR,  IA_HARVEST_FILE, IA_HARVEST_FILE,
                                          IA_HARVEST_FILE, IA_HARVEST_FIFO, IA_HARVEST_SOCKET};
  assert_int_equal(h.n, IA_COUNT(order));
  for (size_t i = 0; i < h.n; i++) {
    assert_string_equal(h.entries[i].path, order[i]);
    assert_int_equal(h.entries[i].kind, kinds[i]);
  }
  assert_int_equal(h.bytes, 11);
  assert_int_equal(h.n_skipped, 2);
  assert_false(ia_harvest_read(&b, p->fd, "fifo", 100, &e));
  assert_int_equal(e.code, IA_E_INVALID);
  assert_false(ia_harvest_read(&b, p->fd, "a", 100, &e));
  assert_false(ia_harvest_read(&b, p->fd, "absent", 100, &e));
  assert_int_equal(e.code, IA_E_NOT_FOUND);
  assert_false(ia_harvest_read(&b, p->fd, "a/../../etc/passwd", 100, &e));
  assert_int_equal(e.code, IA_E_INVALID);
}

static void test_limits(void **state)
{
  place *p = *state;
  static const ia_harvest_limits rows[] = {{.bytes = 5}, {.entries = 2}, {.depth = 1}, {.name = 4}};

  put(p, "b", "two");
  put(p, "c", "one");
  assert_int_equal(mkdirat(p->fd, "dddddd", 0755), 0);
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTOV(ia_harvest) h = {0};
    ia_err e = {0};

    assert_false(ia_harvest_walk(&h, p->fd, &rows[i], &e));
    assert_int_equal(e.code, IA_E_TOO_LARGE);
  }
}

int main(void)
{
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_kinds, make, drop),
      cmocka_unit_test_setup_teardown(test_limits, make, drop),
  };

  return cmocka_run_group_tests(tests, NULL, NULL);
}
