/* iapp up, iapp down: the daemon of this home. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>

#include "base/clock.h"
#include "base/ending.h"
#include "base/file.h"
#include "cli/cli.h"

enum { DOWN_MS = 30000, NOTE_MS = 200, NOTE_CAP = 1 << 16, MAX_WORDS = 128 };

/* Options of `iapp up` that go on to `iappd run` as they are. */
static const ia_option up_options[] = {
    {"port", "N", false, "ports N, N+1, N+2 (7400); 0 = free ones, kept in the home",
     "up --port 0"},
    {"test", NULL, false, "test ledger: time by hand, development accounts", "up --test"},
    {"chain", "URLS", false, "settle on an EVM chain, by nodes with commas between",
     "up --chain http://127.0.0.1:8545 --hub 0xHub"},
    {"hub", "ADDRESS", false, "PoCo hub on that chain",
     "up --chain http://127.0.0.1:8545 --hub 0xHub"},
    {"pool", "ADDRESS", false, "workerpool on that chain (one is made)",
     "up --chain http://127.0.0.1:8545 --hub 0xHub --pool 0xPool"},
    {"dataprotector", "ADDRESS", false, "DataProtector contract on that chain",
     "up --chain http://127.0.0.1:8545 --hub 0xHub --dataprotector 0xContract"},
    {"first-block", "N", false, "where the hub's events begin (looked for)",
     "up --chain http://127.0.0.1:8545 --hub 0xHub --first-block 17"},
    {"confirmations", "N", false, "blocks that make a transaction final (1)",
     "up --chain http://127.0.0.1:8545 --hub 0xHub --confirmations 3"},
    {"replace-after", "SECONDS", false, "a waiting transaction offers more after that (30)",
     "up --chain http://127.0.0.1:8545 --hub 0xHub --replace-after 60"},
    {"reorg-depth", "N", false, "blocks that the chain may rewrite (64)",
     "up --chain http://127.0.0.1:8545 --hub 0xHub --reorg-depth 128"},
    {"release-confirmations", "N", false, "blocks above a deal before keys are released (1)",
     "up --chain http://127.0.0.1:8545 --hub 0xHub --release-confirmations 12"},
    {"agree", "K", false, "nodes that must say the same to the SMS (more than half)",
     "up --chain http://a:8545,http://b:8545 --hub 0xHub --agree 2"},
    {"max-fee", "GWEI", false, "never offer more for a unit of gas",
     "up --chain http://127.0.0.1:8545 --hub 0xHub --max-fee 5"},
    {"chain-id", "N", false, "chain id of a new ledger (421614); with --chain: what it must be",
     "up --chain-id 421614"},
    {"rules", "6.1|6.2", false, "PoCo rules of a new ledger (6.2)", "up --rules 6.1"},
    {"allow-fees", NULL, false, "take transactions that offer fees", "up --allow-fees"},
    {"no-hold", NULL, false, "answer reads of a running task at once, instead of when it ends",
     "up --no-hold"},
    {"iapp", "LIST", false, "NAME=ADDRESS of apps that packages look up by name",
     "up --iapp web3mail-tdx=0x1a642f0E3c3aF545E7AcBD38b07251B3990914F1"},
    {"passphrase-file", "FILE", false, "seals the roles' keys (default HOME/passphrase)",
     "up --passphrase-file ./secret"},
    {"deal-tasks", "N", false, "tasks that the pool takes in one deal (10000)",
     "up --deal-tasks 100"},
    {"slots", "N", false, "tasks at a time (2)", "up --slots 4"},
    {"drain", "SECONDS", false, "when it stops, tasks that run may end for so long (15)",
     "up --drain 300"},
    {"app-memory", "SIZE", false, "most memory that the worker gives to one app (what fits)",
     "up --app-memory 4G"},
    {"task-room", "SIZE", false, "memory for the image and the inputs of a task (1G)",
     "up --task-room 2G"},
    {"allow-swap", NULL, false, "run tasks although this machine may swap them out",
     "up --allow-swap"},
    {"allow-origin", "ORIGIN", true,
     "pages that may use private and costly routes (those of loopback names)",
     "up --allow-origin https://page.example"},
    {"host-name", "NAME", true, "a name of the services in Host, NAME or NAME:PORT",
     "up --host-name iapp.example"},
    {"log", "LEVEL", false, "error, warn, info or debug", "up --log info"},
    {0},
};

/* iappd beside this program, else the one in PATH. */
static bool daemon_path(ia_path *out, ia_err *e)
{
  char self[IA_PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

  if (n > 0) {
    self[n] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
      *slash = '\0';
    if (ia_path_join(out, NULL, "%s/iappd", self) && access(out->s, X_OK) == 0)
      return true;
  }
  return ia_path_join(out, e, "iappd");
}

static bool up(ia_cli *c, ia_err *e)
{
  const char *words[MAX_WORDS] = {"iappd", "run", "--home", ia_cli_home(c)};
  char flags[IA_COUNT(up_options)][32];
  unsigned n = 4;
  ia_path path;

  ia_ending_hold(); /* let through by the daemon, when it can end in order */
  if (ia_cli_is_json(c))
    words[n++] = "--json";
  if (ia_cli_is_quiet(c))
    words[n++] = "--quiet";
  for (unsigned i = 0; up_options[i].name; i++) {
    if (!ia_cli_flag(c, up_options[i].name))
      continue;
    if (snprintf(flags[i], sizeof(flags[i]), "--%s", up_options[i].name) < 0)
      return ia_fail(e, IA_E_INTERNAL, "option");
    const char *value;
    for (unsigned k = 0; k == 0 || (value = ia_cli_opt_at(c, up_options[i].name, k)); k++) {
      if (n + 3 > MAX_WORDS)
        return ia_fail(e, IA_E_USAGE, "--%s: too often", up_options[i].name);
      words[n++] = flags[i];
      if (!up_options[i].value)
        break;
      words[n++] = ia_cli_opt_at(c, up_options[i].name, k);
    }
  }
  if (!daemon_path(&path, e))
    return false;
  char *argv[MAX_WORDS] = {0};
  for (unsigned i = 0; i < n; i++)
    argv[i] = (char *)(uintptr_t)words[i];
  (void)execvp(path.s, argv);
  ia_fail_errno(e, "%s", path.s);
  return ia_hint(e, "build it: ./build");
}

const ia_verb ia_verb_up = {
    .name = "up",
    .args = "",
    .brief = "start everything on loopback with a ledger of its own; stays until SIGTERM or Ctrl-C",
    .example = "up",
    .options = up_options,
    .run = up,
};

/* The pid in the lock file of a daemon that runs; 0 when none does. */
static bool running_pid(ia_cli *c, pid_t *pid, ia_err *e)
{
  char text[32] = "";
  ia_path p;

  *pid = 0;
  if (!ia_path_join(&p, e, "%s/lock", ia_cli_home(c)))
    return false;
  ia_autoclose int fd = open(p.s, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0)
    return errno == ENOENT || ia_fail_errno(e, "%s", p.s);
  if (flock(fd, LOCK_SH | LOCK_NB) == 0)
    return true; /* nobody holds it: what stands in it is old */
  ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
  long value = n > 0 ? strtol(text, NULL, 10) : 0;
  if (value <= 1 || value > INT_MAX)
    return ia_fail(e, IA_E_CORRUPT, "%s does not name a process", p.s);
  *pid = (pid_t)value;
  return true;
}

/* HOME/worker/stopping.json: what the worker waits for, and what it did not finish; NULL: no such
 * thing. */
static json_t *stopping_note(ia_cli *c)
{
  IA_AUTOV(ia_buf) text = {0};
  ia_path p;

  if (!ia_path_join(&p, NULL, "%s/worker/stopping.json", ia_cli_home(c)) ||
      !ia_file_read(&text, p.s, NOTE_CAP, NULL))
    return NULL;
  return ia_json_parse(ia_buf_view(&text), 0, NULL);
}

static void say_tasks(ia_cli *c, const char *what, const json_t *tasks)
{
  const json_t *one;
  size_t i;

  ia_cli_say(c, "%s:", what);
  json_array_foreach (tasks, i, one)
    ia_cli_say(c, "  %s", json_string_value(one));
}

/* Until the process has ended: the worker lets the tasks that run end, for as long as it says. */
static bool wait_end(ia_cli *c, int fd, ia_err *e)
{
  uint64_t until = ia_mono_ms() + DOWN_MS;
  bool told = false;

  for (;;) {
    struct pollfd end = {.fd = fd, .events = POLLIN};
    IA_AUTO_JSON *note = NULL;
    uint64_t seconds;

    if (poll(&end, 1, told ? DOWN_MS : NOTE_MS) == 1)
      return true;
    note = told ? NULL : stopping_note(c);
    if (ia_json_get_u64(note, "seconds", &seconds, NULL)) {
      told = true;
      until += seconds * 1000;
      ia_cli_step(c, "tasks may end for %" PRIu64 " s; `iapp down --now` hands them back at once",
                  seconds);
      say_tasks(c, "waiting for tasks that run", json_object_get(note, "tasks"));
    }
    if (ia_mono_ms() > until)
      return ia_fail(e, IA_E_TIMEOUT, "the daemon of %s has not ended in time", ia_cli_home(c));
  }
}

static bool send_signal(int fd, int number, ia_err *e)
{
  return syscall(SYS_pidfd_send_signal, fd, number, NULL, 0U) == 0 ||
         ia_fail_errno(e, "stopping the daemon");
}

static bool down(ia_cli *c, ia_err *e)
{
  IA_AUTO_JSON *note = NULL;
  const json_t *returned;
  pid_t pid, again;

  if (!running_pid(c, &pid, e))
    return false;
  if (pid == 0) {
    ia_cli_say(c, "nothing runs in %s", ia_cli_home(c));
    return ia_cli_json(c, json_pack("{s:b}", "stopped", 0), e);
  }
  ia_autoclose int fd = (int)syscall(SYS_pidfd_open, pid, 0U);
  /* the lock is looked at again: the pid is then that of the holder, and the descriptor its */
  if (fd < 0 || !running_pid(c, &again, NULL) || again != pid)
    return ia_fail(e, IA_E_BUSY, "the daemon of %s is just ending", ia_cli_home(c));
  /* the second of the two is the order to wait for nothing */
  if (!send_signal(fd, SIGTERM, e) || (ia_cli_flag(c, "now") && !send_signal(fd, SIGINT, e)))
    return false;
  ia_cli_step(c, "stopping %d", (int)pid);
  if (!wait_end(c, fd, e))
    return false;
  note = stopping_note(c);
  returned = json_object_get(note, "returned");
  ia_cli_say(c, "stopped");
  if (json_array_size(returned) > 0)
    say_tasks(c, "tasks that did not end; they start again with the next `iapp up`", returned);
  return ia_cli_json(c,
                     json_pack("{s:b, s:O*}", "stopped", 1, "returned",
                               json_array_size(returned) > 0 ? returned : NULL),
                     e);
}

static const ia_option down_options[] = {
    {"now", NULL, false, "do not wait for tasks that run: they start again with the next `iapp up`",
     "down --now"},
    {0},
};

const ia_verb ia_verb_down = {
    .name = "down",
    .args = "",
    .brief =
        "end the `iapp up` of this home, when the tasks that run have ended or --drain is over",
    .example = "down",
    .options = down_options,
    .run = down,
};
