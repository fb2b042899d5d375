/* What programs print about the walls of their sandbox, word for word as runtimes do in one, and
 * what is told about it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "cli/app_hints.h"

#define NETWORK "no network"
#define WRITE   "/tmp"

static const char *const rows[][2] = {
    /* Python, Node, a JVM, Go, curl: a name, then an address */
    {"urllib.error.URLError: <urlopen error [Errno -3] Temporary failure in name resolution>\n",
     NETWORK},
    {"urllib.error.URLError: <urlopen error [Errno 13] Permission denied>\n", NETWORK},
    {"TypeError: fetch failed\n  [cause]: Error: getaddrinfo EAI_AGAIN example.com\n", NETWORK},
    {"Error: connect EACCES 93.184.216.34:80 - Local (0.0.0.0:0)\n", NETWORK},
    {"Exception in thread \"main\" java.net.UnknownHostException: example.com\n", NETWORK},
    {"Exception in thread \"main\" java.net.BindException: Permission denied\n", NETWORK},
    {"Exception in thread \"main\" java.net.SocketException: Network is unreachable\n", NETWORK},
    {"Get \"https://example.com\": dial tcp: lookup example.com on [::1]:53: dial udp [::1]:53:"
     " connect: cannot assign requested address\n",
     NETWORK},
    {"Get \"http://93.184.216.34\": dial tcp 93.184.216.34:80: connect: permission denied\n",
     NETWORK},
    {"curl: (6) Could not resolve host: example.com\n", NETWORK},
    {"curl: (7) Failed to connect to 93.184.216.34 port 80 after 0 ms: Couldn't connect to"
     " server\n",
     NETWORK},
    /* writing outside */
    {"OSError: [Errno 30] Read-only file system: '/usr/x'\n", WRITE},
    {"Error: EROFS: read-only file system, open '/x'\n", WRITE},
    {"touch: cannot touch '/y': Read-only file system\n", WRITE},
    {"/bin/sh: 1: cannot create /z: Read-only file system\n", WRITE},
    /* limits */
    {"OSError: [Errno 28] No space left on device\n", "64 MiB"},
    {"OSError: [Errno 27] File too large\n", "64 MiB"},
    {"java.lang.OutOfMemoryError: Java heap space\n", "--memory"},
    {"FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory\n",
     "--memory"},
    {"MemoryError\n", "--memory"},
    {"RuntimeError: can't start new thread\n", "128"},
    {"sh: 1: Cannot fork\n", "128"},
    {"./app: error while loading shared libraries: libpq.so.5: cannot open shared object file\n",
     "debianPackages"},
    {"ModuleNotFoundError: No module named 'numpy'\n", "requirements.txt"},
    {"Error: Cannot find module 'ethers'\n", "package.json"},
};

static void test_words(void **state IA_UNUSED)
{
  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    IA_AUTO_JSON *err = ia_app_hints("", rows[i][0]), *out = ia_app_hints(rows[i][0], NULL);

    if (json_array_size(err) != 1 || json_array_size(out) != 1 ||
        !strstr(json_string_value(json_array_get(err, 0)), rows[i][1]))
      fail_msg("%s: %zu hints, %s", rows[i][0], json_array_size(err),
               json_string_value(json_array_get(err, 0)));
  }
}

/* Words of the day's work say nothing; two walls are two hints, each once. */
static void test_others(void **state IA_UNUSED)
{
  IA_AUTO_JSON *none =
      ia_app_hints("done: 12 rows\nZEROFS_ ENOSPCX\n", "warning: low confidence, fileNotFound\n");
  IA_AUTO_JSON *nothing = ia_app_hints(NULL, NULL);
  IA_AUTO_JSON *two = ia_app_hints("ENETUNREACH\nEAI_AGAIN\n", "EROFS ENETUNREACH\n");

  assert_int_equal(json_array_size(none), 0);
  assert_int_equal(json_array_size(nothing), 0);
  assert_int_equal(json_array_size(two), 2);
}

int main(void)
{
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_words), cmocka_unit_test(test_others)};

  return cmocka_run_group_tests(tests, NULL, NULL);
}
