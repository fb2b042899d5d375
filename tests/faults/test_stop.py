#!/usr/bin/env python3
"""SIGTERM of `iapp up` at any moment: everything ends by itself, exit 0, and nobody is left."""
import os
import signal
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # noqa: E402
from lab import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

MARKER = "marker-of-a-run-that-was-stopped"
# where a task stands when the order to stop comes
PHASES = ("worker-image-imported",  # once only: the image is kept
          "scheduler-deal", "scheduler-initialize-sent", "scheduler-leased", "worker-task-leased",
          "sms.challenge.reply", "sms.release.reply",
          "worker-release-relayed", "worker-result-stored", "worker-authorized",
          "worker-done-written", "worker-settled", "scheduler-done", "ledger.executed")


class Run:
    lab = lab.Lab()


def stopped_well():
    """After an end: no role had to be killed, none crashed."""
    text = Run.lab.log_text()
    for word in ("role.killed", "role.ended", "ERROR: ", "runtime error"):
        check(word not in text, f"{word}: {Run.lab.log_tail()}")
    check(not os.path.exists(os.path.join(Run.lab.home, "ready.json")), "ready.json is gone")


def has_lock(pid):
    """Whether the lock names that process, which may have ended."""
    try:
        with open(os.path.join(Run.lab.home, "lock"), encoding="ascii") as f:
            return f.read().split()[:1] == [str(pid)]
    except FileNotFoundError:
        return False


@case
def it_stops_while_it_starts():
    for n in range(12):
        Run.lab.spawn()
        time.sleep(0.04 * n)
        sig = signal.SIGINT if n % 3 == 2 else signal.SIGTERM
        Run.lab.daemon.send_signal(sig)
        Run.lab.daemon.wait(timeout=lab.PATIENCE)
        # before it has the lock there is nothing to tidy up: its loader may die of the signal
        Run.lab.ended((0,) if has_lock(Run.lab.daemon.pid) else (0, -sig))
        stopped_well()


@case
def two_orders_to_stop_are_one():
    Run.lab.start()
    Run.lab.daemon.send_signal(signal.SIGTERM)
    Run.lab.stop(signal.SIGINT)
    stopped_well()


@case
def down_waits_for_the_end():
    Run.lab.start()
    equal(Run.lab.good("down"), {"stopped": True}, "answer")
    Run.lab.ended()
    stopped_well()
    equal(Run.lab.good("down"), {"stopped": False}, "again")


@case
def people_and_their_things():
    box = Run.lab
    box.start()
    Run.owner, Run.developer, Run.requester = (box.wallet() for _ in range(3))
    folder = box.project()
    Run.app = box.good("deploy", who=Run.developer, cwd=folder)["address"]
    Run.data = box.good("protect", f"text={MARKER}", who=Run.owner)["address"]
    box.good("grant", Run.data, Run.app, "any", "--times", "1000", who=Run.owner)
    box.stop()
    stopped_well()


def run(*more):
    return Run.lab.iapp("run", Run.app, "--data", Run.data, "--no-wait", "--no-check", *more,
                        who=Run.requester)


def settle(task, patience=lab.PATIENCE):
    """Brings a task that was stopped on its way to its end."""
    def completed():
        return Run.lab.iapp("task", task)[1][-1].get("status") == "COMPLETED"
    try:
        lab.until(f"the end of {task}", completed, patience)
    except AssertionError as why:
        raise AssertionError(f"{why}: {Run.lab.iapp('task', task)[1][-1]['iapp']}") from None


@case
def it_stops_in_every_phase_of_a_task():
    if not hooks():
        raise tap.Skip("this build has no crash points")
    for point in PHASES:
        crash = os.path.join(Run.lab.top, "at", point)
        os.makedirs(crash)
        Run.lab.start(IAPP_CRASH_DIR=crash, IAPP_CRASH_ONLY=point, IAPP_CRASH_TERM="1")
        status, lines = run()
        lab.until(point, lambda: os.listdir(crash))
        Run.lab.ended()
        stopped_well()
        Run.lab.start()
        if status == 0:
            settle(lines[-1]["taskIds"][0])
        Run.lab.stop()
        stopped_well()


def hooks():
    with open(lab.IAPPD, "rb") as f:
        return b"IAPP_CRASH_TERM" in f.read()


def app():
    """The pids of apps that run."""
    return [p for p in proc.children(Run.lab.daemon.pid) if proc.name(p) == "app"]


def attempts(task):
    return [a["cause"] for a in Run.lab.good("task", task)["iapp"]["attempts"]]


@case
def a_task_may_end_before_it_stops():
    Run.lab.start("--drain", "120")
    task = run("--args", "2")[1][-1]["taskIds"][0]
    lab.until("the app", app)
    equal(Run.lab.good("down"), {"stopped": True}, "answer")
    Run.lab.ended()
    stopped_well()
    Run.lab.start()
    settle(task)
    equal(attempts(task), [""], "one attempt, which went well")
    Run.lab.stop()


@case
def down_says_what_it_ends():
    Run.lab.start("--drain", "600")
    task = run("--args", "600")[1][-1]["taskIds"][0]
    lab.until("the app", app)
    status, said = Run.lab.words("down", "--now")
    equal(status, 0, "status")
    check("start again with the next `iapp up`:\n  " + task in said, said)
    Run.lab.ended()
    stopped_well()
    Run.lab.start("--drain", "600")
    lab.until("the app", app)
    equal(attempts(task)[:1], ["LEASE_RETURNED"], "attempts")
    equal(Run.lab.good("down", "--now"), {"stopped": True, "returned": [task]}, "answer")
    Run.lab.ended()
    # it is not to take part in what follows
    Run.lab.start()
    lab.until("the app", app)
    Run.lab.rpc("evm_increaseTime", 4000)
    Run.lab.rpc("evm_mine")
    lab.until("its end", lambda: Run.lab.good("task", task)["status"] == "FAILED")
    Run.lab.stop()


@case
def three_restarts_destroy_no_task():
    """Each of them hands the task back while its app runs: no try, no fault, and a result."""
    Run.lab.start("--drain", "0")
    task = run("--args", "3")[1][-1]["taskIds"][0]
    for n in range(3):
        lab.until("the app", app)
        Run.lab.stop()
        stopped_well()
        Run.lab.start("--drain", "0")
        seen = Run.lab.good("task", task)
        check(seen["status"] not in ("COMPLETED", "FAILED"), f"restart {n}: {seen}")
    settle(task, 240)  # after three releases of its key the SMS makes the next one wait
    causes = attempts(task)
    equal((causes[:3], causes[-1]), (["LEASE_RETURNED"] * 3, ""), "attempts")
    Run.lab.stop()


@case
def it_stops_while_an_app_runs():
    Run.lab.start("--drain", "1", log="info")
    task = run("--args", "1000")[1][-1]["taskIds"][0]
    lab.until("the app", app)
    Run.lab.stop()
    stopped_well()
    equal(proc.files_hold(Run.lab.home, [MARKER.encode()]), [], "in clear on disk")
    Run.lab.start()
    got = Run.lab.good("task", task)
    check(got["status"] not in ("COMPLETED", "FAILED"), f"{got['status']}: it goes on")
    Run.lab.stop()


@case
def it_stops_under_load():
    config = Run.lab.start()
    over = threading.Event()
    paths = (config["marketUrl"] + f"/apporders?chainId={config['chainId']}&app={Run.app}",
             config["smsUrl"] + "/info", config["rpcUrl"] + "/nothing")

    def ask(url):
        while not over.is_set():
            try:
                urllib.request.urlopen(url, timeout=10).read()
            except OSError:
                time.sleep(0.005)
    askers = [threading.Thread(target=ask, args=(u,), daemon=True) for u in paths * 4]
    for t in askers:
        t.start()
    time.sleep(0.5)
    Run.lab.stop()
    over.set()
    for t in askers:
        t.join()
    stopped_well()


@case
def a_killed_supervisor_takes_its_roles_along():
    for n in range(3):
        Run.lab.spawn()
        if n:
            Run.lab.daemon.stdout.readline()
        else:
            time.sleep(0.2)
        Run.lab.kill()


@case
def nothing_is_left_behind():
    Run.lab.start()
    Run.lab.stop()
    equal(Run.lab.litter(), [], "temporary files")
    equal(Run.lab.left_over(), [], "processes, cgroups, mounts")


try:
    tap.main()
finally:
    Run.lab.close()
