#!/usr/bin/env python3
"""Tasks through all roles: how they end for those who ask GET /tasks/<id>, what of an app's words is
told, and a second worker in a home of its own that takes its share."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

BUILD = os.environ["IA_BUILD"]
TOP = tempfile.mkdtemp(prefix="iapp-tasks-")
HOME = os.path.join(TOP, "home")
OTHER = os.path.join(TOP, "other")
GUEST = os.path.join(BUILD, "src/guest/iapp-guest")
MARKER = "words-that-only-the-app-knows"
APP = """#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void put(const char *name, const char *text)
{
  char path[200];
  snprintf(path, sizeof(path), "/iexec_out/%s", name);
  FILE *f = fopen(path, "w");
  if (f) { fputs(text, f); fclose(f); }
}

int main(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "";
  puts("MARKER");
  fflush(stdout);
  if (!strcmp(what, "fail")) return 9;
  if (!strcmp(what, "crash")) abort();
  if (!strcmp(what, "memory")) for (;;) { char *p = malloc(1 << 24); if (p) memset(p, 1, 1 << 24); }
  if (!strcmp(what, "slow")) sleep(3);
  put(!strcmp(what, "long") ? "a-name-of-more-than-thirty-one-bytes" : "r.txt", "MARKER");
  if (!strcmp(what, "json")) put("computed.json", "{");
  if (!strcmp(what, "outside"))
    put("computed.json", "{\\"deterministic-output-path\\":\\"/iexec_out/../../etc/passwd\\"}");
  if (!strcmp(what, "absent"))
    put("computed.json", "{\\"deterministic-output-path\\":\\"/iexec_out/nothing\\"}");
  return 0;
}
""".replace("MARKER", MARKER)


def variables():
    env = {k: v for k, v in os.environ.items() if not k.startswith("IAPP_")}
    env.update(HOME=TOP, IAPP_HOME=HOME, IAPP_GUEST=GUEST,
               IAPP_PASSWORD_FILE=os.path.join(TOP, "password"))
    return env


class Daemon:
    """One iappd; ready once it has printed its line."""

    def __init__(self, home, *args):
        self.errors = open(os.path.join(TOP, os.path.basename(home) + ".log"), "ab")
        self.child = subprocess.Popen(
            [os.path.join(BUILD, "iappd"), "run", "--home", home, "--guest", GUEST, "--json", *args],
            stdout=subprocess.PIPE, stderr=self.errors, stdin=subprocess.DEVNULL, env=variables())

    def ready(self):
        line = self.child.stdout.readline()
        check(line, "iappd printed nothing")
        return json.loads(line)

    def end(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        self.child.communicate(timeout=60)
        self.errors.close()
        return self.child.returncode


class World:
    daemon = other = urls = app = None


def iapp(*args, status=0):
    done = subprocess.run([os.path.join(BUILD, "iapp"), *args, "--json", "--yes"], timeout=120,
                          capture_output=True, stdin=subprocess.DEVNULL, env=variables(), check=False,
                          cwd=os.path.join(TOP, "app") if os.path.isdir(os.path.join(TOP, "app"))
                          else TOP)
    equal(done.returncode, status, f"{args}: {done.stdout} {done.stderr}")
    return json.loads(done.stdout)


def scheduler():
    with open(os.path.join(HOME, "ready.json"), encoding="utf-8") as f:
        return f"http://127.0.0.1:{json.load(f)['schedulerPort']}"


def get(path):
    try:
        with urllib.request.urlopen(scheduler() + path, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def task(task_id):
    status, text = get("/tasks/" + task_id)
    equal(status, 200, f"GET /tasks/{task_id}")
    return json.loads(text)


@case
def everything_starts_and_an_app_runs():
    with open(os.path.join(TOP, "password"), "w", encoding="utf-8") as f:
        f.write("correct horse battery\n")
        os.fchmod(f.fileno(), 0o600)
    World.daemon = Daemon(HOME, "--port", "0", "--slots", "1")
    World.urls = World.daemon.ready()
    iapp("wallet", "new")
    iapp("init", "app", "--lang", "c")
    with open(os.path.join(TOP, "app/src/app.c"), "w", encoding="utf-8") as f:
        f.write(APP)
    World.app = iapp("deploy")["address"]
    done = iapp("run", World.app)
    equal(done["tasks"][0]["status"], "COMPLETED", str(done))


@case
def causes_reach_the_requester():
    for what, cause, status in (
            ("fail", "APP_COMPUTE_FAILED", 4), ("crash", "APP_COMPUTE_FAILED", 4),
            ("memory", "APP_COMPUTE_OUT_OF_MEMORY", 5),
            ("long", "POST_COMPUTE_TOO_LONG_RESULT_FILE_NAME", 3),
            ("json", "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND", 3),
            ("outside", "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND", 3),
            ("absent", "POST_COMPUTE_RESULT_DIGEST_COMPUTATION_FAILED", 3)):
        run = iapp("run", World.app, "--arg", what, "--encrypt", status=status)
        task_id = run["tasks"][0]["taskId"]
        seen = task(task_id)
        equal(seen["currentStatus"], "RUNNING_FAILED", what)
        equal(seen["iapp"]["cause"], cause, what)
        equal([a["cause"] for a in seen["iapp"]["attempts"]], [cause], f"{what}: tried once")
        check(seen["iapp"]["receipt"], f"{what}: no receipt")
        for path in ("", "/receipt"):
            _, text = get(f"/tasks/{task_id}{path}")
            check(MARKER.encode() not in text, f"{what}: the app's words in {path or 'the task'}")
        status, _ = get(f"/tasks/{task_id}/logs")
        equal(status, 401, "logs for nobody in particular")
        debug = iapp("debug", task_id)
        check(MARKER in debug["stdout"], f"{what}: the requester reads the logs: {debug}")


@case
def a_second_worker_takes_its_share():
    """It makes its wallet and its simulation root, is admitted and trusted, and connects out."""
    start = ("--role", "worker", "--scheduler", scheduler(), "--slots", "1",
             "--pool", World.urls["workerpool"])
    first = Daemon(OTHER, *start)
    wallet = os.path.join(OTHER, "worker/wallet.json")
    root = os.path.join(OTHER, "worker/sim-root.pem")
    until = time.monotonic() + 60
    while not (os.path.exists(wallet) and os.path.exists(root)) and time.monotonic() < until:
        time.sleep(0.05)
    first.end()
    with open(wallet, encoding="utf-8") as f:
        address = "0x" + json.load(f)["address"].lower().removeprefix("0x")
    equal(World.daemon.end(), 0, "iappd ended by SIGTERM")
    subprocess.run([os.path.join(BUILD, "iappd"), "sms", "trust-sim", root, "--home", HOME],
                   check=True, env=variables(), stdout=subprocess.DEVNULL)
    World.daemon = Daemon(HOME, "--port", "0", "--slots", "1", "--admit", address)
    World.daemon.ready()
    World.other = Daemon(OTHER, *start)
    answer = World.other.ready()
    check("error" not in answer, f"the second worker: {answer}")
    run = iapp("run", World.app, "--arg", "slow", "--tasks", "4")
    equal([t["status"] for t in run["tasks"]], ["COMPLETED"] * 4, str(run))
    attempts = [task(t["taskId"])["iapp"]["attempts"] for t in run["tasks"]]
    equal([len(a) for a in attempts], [1] * 4, "each done once")
    workers = {a[0]["worker"].lower() for a in attempts}
    check(address in workers and len(workers) == 2, f"workers {workers}, the second is {address}")


def wait_for(what, condition):
    until = time.monotonic() + 90
    while time.monotonic() < until:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited in vain: {what}")


@case
def a_killed_worker_costs_one_attempt():
    """kill -9 of the worker and all of its family while an app runs: nothing of it lives on, it comes
    back under the same wallet, and the task is done by a second attempt."""
    with open(os.path.join(OTHER, "worker/wallet.json"), encoding="utf-8") as f:
        address = "0x" + json.load(f)["address"].lower().removeprefix("0x")
    tasks = iapp("run", World.app, "--arg", "slow", "--tasks", "2", "--no-wait")["taskIds"]

    def under_way():
        for task_id in tasks:
            attempts = task(task_id)["iapp"]["attempts"]
            if attempts and attempts[-1]["worker"].lower() == address:
                return task_id
        return None

    mine = wait_for("a task of the second worker", under_way)
    wait_for("its app", lambda: any(proc.name(p) == "app" for p in
                                    proc.children(World.other.child.pid)))
    family = proc.children(World.other.child.pid)
    for pid in family:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # went with its parent
    World.other.end()
    wait_for("the end of the family", lambda: not any(
        proc.name(p) in ("app", "iapp-guest") for p in family))
    World.other = Daemon(OTHER, "--role", "worker", "--scheduler", scheduler(), "--slots", "1",
                         "--pool", World.urls["workerpool"])
    check("error" not in World.other.ready(), "the second worker again")
    wait_for("both tasks", lambda: all(task(t)["currentStatus"] == "COMPLETED" for t in tasks))
    attempts = task(mine)["iapp"]["attempts"]
    equal([a["cause"] for a in attempts], ["ABORTED_BY_WORKER", ""], str(attempts))
    check(attempts[0]["fencing"] < attempts[1]["fencing"], str(attempts))


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        for one in (World.other, World.daemon):
            if one:
                one.end()
        shutil.rmtree(TOP, ignore_errors=True)
