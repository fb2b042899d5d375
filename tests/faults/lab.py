"""One installation that is meant to be hurt: started, killed, stopped and started again, with people
in it; and everything that must not be left behind."""
import ctypes
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import proc  # noqa: E402
from tap import check  # noqa: E402

BUILD = os.environ["IA_BUILD"]
IAPP, IAPPD = os.path.join(BUILD, "iapp"), os.path.join(BUILD, "iappd")
ROLES = ("front", "sms", "scheduler", "worker")
PASSWORD = "correct horse battery"
# names that gcc gives to its temporary files
COMPILERS = re.compile(r"cc\w{6}\.(s|o|res|c|i|ld|le)")
PR_SET_CHILD_SUBREAPER = 36
# what a sleepy machine may take; nothing is measured by it
PATIENCE = 60

# Copies what it was given, and says it aloud: all of it must stay sealed.
APP = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
  char path[4096], text[4096] = "no data";
  snprintf(path, sizeof(path), "%s/protected/text", getenv("IEXEC_IN"));
  FILE *f = fopen(path, "r");
  if (f && fgets(text, sizeof(text), f) == NULL)
    text[0] = '\0';
  if (f)
    fclose(f);
  fprintf(stderr, "%s\n", text);
  printf("%s\n", text);
  if (argc > 1)
    sleep((unsigned)atoi(argv[1]));
  snprintf(path, sizeof(path), "%s/out.txt", getenv("IEXEC_OUT"));
  f = fopen(path, "w");
  fprintf(f, "%s\n", text);
  fclose(f);
  snprintf(path, sizeof(path), "%s/computed.json", getenv("IEXEC_OUT"));
  f = fopen(path, "w");
  fprintf(f, "{\"deterministic-output-path\":\"%s/out.txt\"}", getenv("IEXEC_OUT"));
  fclose(f);
  return 0;
}
"""


def seed():
    """The seed of this run: $IAPP_FAULT_SEED or a new one; printed so that it can be given."""
    value = os.environ.get("IAPP_FAULT_SEED") or str(random.SystemRandom().randrange(1 << 32))
    print(f"# IAPP_FAULT_SEED={value}", flush=True)
    return value


def adopt_orphans():
    """Processes whose parent was killed become ours, so that none can hide."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap():
    """Collects ended processes that we adopted."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def living():
    """Our descendants that still run: {pid: name}."""
    found = {}
    for pid in proc.children(os.getpid())[1:]:
        try:
            with open(f"/proc/{pid}/stat") as f:
                state = f.read().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if state not in "ZX":
            found[pid] = proc.name(pid)
    return found


def until(what, fn, patience=PATIENCE):
    """fn's first true answer; a failure that says what was waited for."""
    end = time.monotonic() + patience
    while True:
        got = fn()
        if got:
            return got
        check(time.monotonic() < end, f"waited in vain for {what}")
        time.sleep(0.02)


def cgroups(workers):
    """Groups of the guests of these workers (the pid in their name), below the groups we are in."""
    found = []
    with open("/proc/self/cgroup") as f:
        bases = [line.rstrip("\n").split(":", 2)[1:] for line in f]
    for controllers, path in bases:
        for name in controllers.split(",") or [""]:
            base = os.path.join("/sys/fs/cgroup", name.removeprefix("name="), path.lstrip("/"))
            if os.path.isdir(base):
                found += [os.path.join(base, n) for n in os.listdir(base) if n.startswith("iapp-")]
    return sorted(p for p in found if os.path.basename(p).split("-")[1] in map(str, workers))


def mounts():
    with open("/proc/self/mountinfo") as f:
        return sorted(line.split()[4] for line in f)


def is_whole_journal(path):
    """A journal between its two names, with all of its text; false when it is gone or cut."""
    if not re.fullmatch(r"\d+-\d+\.json\.\d+-\d+\.tmp", os.path.basename(path)):
        return False
    try:
        with open(path, encoding="utf-8") as f:
            return isinstance(json.load(f), dict)
    except (OSError, ValueError):
        return False


class Lab:
    def __init__(self, top=None, slots=4):
        self.top = tempfile.mkdtemp(prefix="iapp-faults-", dir=top)
        os.chmod(self.top, 0o755)
        self.home = os.path.join(self.top, "home")
        self.keys = os.path.join(self.top, "keystore")
        self.tmp = os.path.join(self.top, "tmp")
        os.mkdir(self.tmp)
        self.password = os.path.join(self.top, "password")
        with open(self.password, "w", encoding="ascii") as f:
            f.write(PASSWORD + "\n")
        os.chmod(self.password, 0o600)
        self.log = os.path.join(self.top, "log")
        self.slots = slots
        self.daemon = None
        self.config = None
        self.workers = set()  # pids, dead and alive
        self.before = mounts()
        adopt_orphans()

    # -- the daemon --

    def env(self, **more):
        return dict(os.environ, IAPP_HOME=self.home, IAPP_PASSWORD_FILE=self.password,
                    TMPDIR=self.tmp, **more)

    def spawn(self, *args, log="warn", **more):
        """`iapp up` without waiting for it."""
        reap()
        with open(self.log, "ab") as log_file:
            self.daemon = subprocess.Popen(
                [IAPP, "up", "--port", "0", "--test", "--json", "--slots", str(self.slots), "--log", log,
                 "--drain", "1",
                 *args], env=self.env(**more), stdout=subprocess.PIPE, stderr=log_file,
                stdin=subprocess.DEVNULL)
        return self.daemon

    def start(self, *args, **more):
        self.spawn(*args, **more)
        line = self.daemon.stdout.readline()
        check(line, f"`iapp up` ended without a line: {self.log_tail()}")
        self.config = json.loads(line)
        return self.config

    def fails(self, *args, **more):
        """`iapp up` that must not come up: its error object."""
        self.spawn(*args, **more)
        value = json.loads(self.daemon.stdout.readline() or "{}")
        if "rpcUrl" in value:
            self.stop()
            check(False, "`iapp up` came up")
        status = self.daemon.wait(timeout=PATIENCE)
        self.daemon.stdout.close()
        self.daemon = None
        self.alone()
        check(status not in (0, None) and "error" in value, f"ended with {status}: {value}")
        return value["error"]

    def role(self, name):
        """The pid of a role of the running daemon; None while it is being started again."""
        for pid in proc.children(self.daemon.pid)[1:]:
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    words = f.read().split(b"\0")
            except OSError:
                continue
            if words[1:3] == [b"role", name.encode()]:
                if name == "worker":
                    self.workers.add(pid)
                return pid
        return None

    def kill_role(self, name):
        pid = self.role(name)
        if pid:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                return False
        return pid is not None

    def kill(self):
        """kill -9 of the supervisor; its roles end by themselves."""
        self.role("worker")
        self.daemon.kill()
        self.daemon.wait()
        self.daemon.stdout.close()
        self.daemon = None
        self.alone()

    def stop(self, sig=signal.SIGTERM):
        """An orderly end: exit 0, in time, nobody left. Roles that had to be killed say so."""
        self.role("worker")
        self.daemon.send_signal(sig)
        return self.ended()

    def ended(self, allowed=(0,)):
        status = self.daemon.wait(timeout=PATIENCE)
        self.daemon.stdout.close()
        self.daemon = None
        check(status in allowed, f"`iapp up` ended with {status}: {self.log_tail()}")
        self.alone()
        return status

    def alone(self):
        def nobody():
            reap()
            return not living()
        try:
            until("the end of all processes", nobody)
        except AssertionError as why:
            raise AssertionError(f"{why}: {living()}") from None

    def log_text(self):
        with open(self.log, "rb") as f:
            return f.read().decode(errors="replace")

    def log_tail(self):
        return self.log_text()[-1500:]

    # -- people --

    def command(self, args, who, json_out=True):
        command = [IAPP, *args]
        if json_out:
            command += ["--json", "--yes"]
        if who:
            command += ["--keystore", self.keys, "--wallet", who]
        return command

    def iapp(self, *args, who=None, cwd=None, **more):
        """(exit status, objects on stdout)."""
        done = subprocess.run(self.command(args, who), env=self.env(**more), cwd=cwd or self.top,
                              capture_output=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
        text = done.stdout.decode(errors="replace")
        try:
            return done.returncode, [json.loads(x) for x in text.splitlines()]
        except ValueError:
            raise AssertionError(f"{args}: not JSON: {text!r}; {done.stderr!r}") from None

    def words(self, *args, who=None):
        """(exit status, what people read)."""
        done = subprocess.run(self.command(args, who, json_out=False), env=self.env(), cwd=self.top,
                              capture_output=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def good(self, *args, **kwargs):
        status, lines = self.iapp(*args, **kwargs)
        check(status == 0 and lines, f"{args}: {status} {lines}")
        return lines[-1]

    def stubborn(self, *args, **kwargs):
        """The same, tried again while services are being killed."""
        end = time.monotonic() + PATIENCE
        while True:
            status, lines = self.iapp(*args, **kwargs)
            if status == 0:
                return lines[-1]
            # the answer to an earlier try was lost, the grant was not
            if args[0] == "grant" and lines and lines[-1].get("error", {}).get("code") == "EXISTS":
                return lines[-1]
            check(time.monotonic() < end, f"{args}: {status} {lines}")
            time.sleep(0.2)

    def wallet(self):
        return self.good("wallet", "new", "--keystore", self.keys)["address"]

    def project(self, name="copy"):
        folder = os.path.join(self.top, name)
        self.good("init", name, "--lang", "c", "--with", "args,data")
        with open(os.path.join(folder, "src/app.c"), "w", encoding="ascii") as f:
            f.write(APP)
        return folder

    def balances(self, *who):
        return {w: self.good("balance", w) for w in who}

    # -- the ledger --

    def rpc(self, method, *params):
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        rq = urllib.request.Request(self.config["rpcUrl"], body.encode(),
                                    {"Content-Type": "application/json"})
        with urllib.request.urlopen(rq, timeout=PATIENCE) as answer:
            got = json.load(answer)
        check("error" not in got, f"{method}: {got}")
        return got["result"]

    def logs(self, topic):
        """Every event of the hub with this topic."""
        return self.rpc("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest",
                                        "address": self.config["hubAddress"], "topics": [topic]})

    def verify_ledger(self):
        """Every block replayed, while nothing runs."""
        done = subprocess.run([IAPPD, "ledger", "verify", "--home", self.home, "--json"],
                              capture_output=True, env=self.env(), check=False)
        check(done.returncode == 0, f"ledger verify: {done.stdout!r} {done.stderr!r}")
        return json.loads(done.stdout)

    # -- the end --

    def litter(self):
        """Files that only live while something is being written. Not the next text of a journal of
        protect that a kill left under its first name: it must be whole. Nor what a compiler that was
        killed with the build left of its own."""
        found = []
        for top, _, names in os.walk(self.top):
            if top == os.path.join(self.home, "protect"):
                names = [n for n in names if not is_whole_journal(os.path.join(top, n))]
            found += [os.path.join(top, n) for n in names if ".tmp" in n or n.endswith(".part")]
            if os.path.basename(top) == "tmp":
                found += [os.path.join(top, n) for n in names if not COMPILERS.fullmatch(n)]
        return found

    def left_over(self):
        """What is there that was not before, once nothing runs."""
        check(self.daemon is None, "the daemon still runs")
        new_mounts = [m for m in mounts() if m not in self.before]
        return cgroups(self.workers) + new_mounts + list(living().values())

    def close(self):
        for pid in reversed(proc.children(os.getpid())[1:]):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        time.sleep(0.05)
        reap()
        shutil.rmtree(self.top, ignore_errors=True)
