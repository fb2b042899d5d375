/* Words of libraries and runtimes, and what they mean in a sandbox. */
#include "cli/app_hints.h"

#include <string.h>

typedef enum hint { MEMORY, NETWORK, READ_ONLY, SPACE, FILE_SIZE, PROCESSES, LIBRARY, MODULE } hint;

static const char *const hints[] = {
    [MEMORY] = "the app ran out of memory: give it more with --memory SIZE (iapp pool shows what a "
               "pool offers)",
    [NETWORK] = "apps have no network: give the app its input with --input-file URL, --data or "
                "secrets",
    [READ_ONLY] = "an app can write only below $IEXEC_OUT (/iexec_out, the result) and /tmp",
    [SPACE] = "$IEXEC_OUT, /tmp and /dev/shm hold 64 MiB and 16384 files each: write less",
    [FILE_SIZE] = "a file that an app writes can have at most 64 MiB: write several",
    [PROCESSES] = "an app can have at most 128 processes and threads: start fewer",
    [LIBRARY] = "the image lacks that library: add its package to debianPackages in "
                "iapp.config.json, then build again",
    [MODULE] = "the image lacks that module: add it to requirements.txt (Python) or package.json "
               "(JavaScript), then build again",
};

/* Names of errors ("EROFS") are compared as words, all others without regard to case. What a
 * sandbox answers to a connection is EACCES (Landlock) or ENETUNREACH; to a name EAI_AGAIN. */
static const struct row {
  const char *words;
  hint hint;
} rows[] = {
    {"JavaScript heap out of memory", MEMORY},
    {"OutOfMemoryError", MEMORY},
    {"MemoryError", MEMORY},
    {"std::bad_alloc", MEMORY},
    {"Cannot allocate memory", MEMORY},
    {"ENOMEM", MEMORY},
    {"runtime: out of memory", MEMORY},
    {"memory allocation of ", MEMORY}, /* Rust */
    /* names */
    {"EAI_AGAIN", NETWORK},
    {"ENOTFOUND", NETWORK},
    {"name resolution", NETWORK},
    {"Name or service not known", NETWORK},
    {"nodename nor servname", NETWORK},
    {"failed to lookup address", NETWORK},
    {"UnknownHostException", NETWORK},
    {"no such host", NETWORK},
    {"Could not resolve host", NETWORK},
    {"unable to resolve host", NETWORK},
    {"wget: bad address", NETWORK},
    {"dial udp", NETWORK},
    /* addresses */
    {"ENETUNREACH", NETWORK},
    {"EHOSTUNREACH", NETWORK},
    {"Network is unreachable", NETWORK},
    {"No route to host", NETWORK},
    {"connect EACCES", NETWORK},
    {"connect: Permission denied", NETWORK},
    {"urlopen error", NETWORK},
    {"NewConnectionError", NETWORK},
    {"ClientConnectorError", NETWORK},
    {"httpx.ConnectError", NETWORK},
    {"Failed to connect to", NETWORK},
    {"BindException", NETWORK},
    {"SocketException", NETWORK},
    {"ConnectException", NETWORK},
    {"dial tcp", NETWORK},
    /* files */
    {"Read-only file system", READ_ONLY},
    {"EROFS", READ_ONLY},
    {"ReadOnlyFileSystemException", READ_ONLY},
    {"No space left on device", SPACE},
    {"ENOSPC", SPACE},
    {"File too large", FILE_SIZE},
    {"EFBIG", FILE_SIZE},
    {"File size limit exceeded", FILE_SIZE},
    /* processes */
    {"Cannot fork", PROCESSES},
    {"fork: Resource temporarily unavailable", PROCESSES},
    {"fork: retry", PROCESSES},
    {"can't start new thread", PROCESSES},
    {"unable to create native thread", PROCESSES},
    {"pthread_create failed", PROCESSES},
    {"BlockingIOError: [Errno 11]", PROCESSES},
    {"spawn EAGAIN", PROCESSES},
    /* what the image lacks */
    {"error while loading shared libraries", LIBRARY},
    {"cannot open shared object file", LIBRARY},
    {"ModuleNotFoundError", MODULE},
    {"No module named", MODULE},
    {"Cannot find module", MODULE},
    {"ERR_MODULE_NOT_FOUND", MODULE},
};

static bool is_name(const char *words)
{
  return words[strspn(words, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")] == '\0';
}

static bool is_letter(char c)
{
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static bool says(const char *text, const char *words)
{
  size_t n = strlen(words);

  if (!text)
    return false;
  if (!is_name(words))
    return strcasestr(text, words) != NULL;
  for (const char *p = strstr(text, words); p; p = strstr(p + 1, words))
    if ((p == text || !is_letter(p[-1])) && !is_letter(p[n]))
      return true;
  return false;
}

json_t *ia_app_hints(const char *out, const char *err)
{
  json_t *list = json_array();
  unsigned seen = 0;

  for (size_t i = 0; i < IA_COUNT(rows); i++) {
    const struct row *r = &rows[i];

    if (seen >> r->hint & 1)
      continue;
    if (says(err, r->words) || says(out, r->words)) {
      seen |= 1U << r->hint;
      (void)json_array_append_new(list, json_string(hints[r->hint]));
    }
  }
  return list;
}
