#!/usr/bin/env python3
"""Fifty tasks while worker, scheduler, SMS and ledger are killed, at named points and at any time.

$IAPP_FAULT_SEED replays the choices of a run: which points, at which passage, who dies when."""
import glob
import os
import random
import re
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # noqa: E402
from lab import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

SEED = lab.seed()
RNG = random.Random(SEED)
ROUNDS, TASKS = 5, 10
APP_PRICE, DATA_PRICE = 7, 5
MARKER = f"marker-{RNG.getrandbits(64):016x}"
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../src")
MATCHED, INITIALIZE, FINALIZE, CLAIMED = (
    "0x" + t for t in ("d811b592ed0899225773e8933d8df64bd0b62761a9d7aad4ed5b22735f4610a4",
                       "252992fb0468d68d6a5784ec03214f0d0a362083f2d7ebd157af43b017a22e06",
                       "78ce8a8bc0fcb704e8ba3b3dbb36aa88002df8038128b4af2f27ef65db665044",
                       "cbc308b5f91040d2659a5201858344b0b583cd2f9e18e8470c2fa052c5b21ff8"))
# what only happens when time passes or something else fails
FIRST = "scheduler-order-kept"  # passed when a home is new
RARE = {"scheduler-lease-over", "scheduler-heartbeat-reply", "scheduler-failed"}


# what may end a task whose deadline was made to pass, and nothing else
RULES = {"CONTRIBUTION_TIMEOUT", "TEE_SESSION_GENERATION_DEADLINE_PASSED"}


class Run:
    lab = lab.Lab()
    early = set()  # tasks that had all the time they needed
    ends = {}


def points():
    """The named points of the services, as they stand in the source."""
    names = set()
    for path in glob.glob(os.path.join(SOURCE, "s*/**/*.c"), recursive=True):
        with open(path, encoding="utf-8") as f:
            names |= set(re.findall(r'ia_crash_point\("([^"]+)"\)', f.read()))
    return sorted(names)


def fired():
    return set(os.listdir(Run.crash))


def share(n):
    """The points of round n: at passages drawn from the seed first, what is left at its first."""
    seeded = ROUNDS - 2
    if n < seeded:
        once = [FIRST] if n == 0 else []
        return [p for i, p in enumerate(Run.order) if i % seeded == n] + once, {"IAPP_CRASH_SEED": SEED}
    left = [p for p in Run.order if p not in fired()]
    return left[::2] if n == seeded else left, {}


def start(n):
    """Up, though roles may be killed before they are ready: then it ends and is started again."""
    names, more = share(n)
    for _ in range(len(names) + 1):
        Run.lab.spawn(IAPP_CRASH_DIR=Run.crash, IAPP_CRASH_ONLY=",".join(names), **more)
        line = Run.lab.daemon.stdout.readline()
        value = lab.json.loads(line or "{}")
        if "rpcUrl" in value:
            Run.lab.config = value
            return
        Run.lab.daemon.wait(timeout=lab.PATIENCE)
        Run.lab.daemon.stdout.close()
        check("signal 9" in value.get("error", {}).get("message", ""), f"start: {value}")
    check(False, "it never came up")


class Killer(threading.Thread):
    """Kills a role now and then."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()
        self.plan = [(RNG.uniform(0.3, 2), RNG.choice(lab.ROLES)) for _ in range(3)]

    def run(self):
        for pause, role in self.plan:
            if self.over.wait(pause):
                return
            Run.lab.kill_role(role)

    def end(self):
        self.over.set()
        self.join()


def people():
    Run.owner, Run.developer, Run.requester = (Run.lab.wallet() for _ in range(3))
    Run.folder = Run.lab.project()


def deal(n):
    """A dataset, an app and a deal of this round, made while services die."""
    box = Run.lab
    path = os.path.join(Run.folder, "src/app.c")
    with open(path, "w", encoding="ascii") as f:
        f.write(lab.APP.replace("no data", f"no data {n}"))
    app = box.stubborn("deploy", "--version", f"1.0.{n}", "--price", f"{APP_PRICE}nRLC",
                       who=Run.developer, cwd=Run.folder)["address"]
    data = box.stubborn("protect", f"text={MARKER}", who=Run.owner)["address"]
    box.stubborn("grant", data, app, Run.requester, "--times", "100", "--price",
                 f"{DATA_PRICE}nRLC", "--purpose", "tests", who=Run.owner)
    box.stubborn("run", app, "--data", data, "--tasks", str(TASKS), "--no-wait", "--no-check",
                 "--purpose", "tests", who=Run.requester)


def ledger(fn, *args):
    """An answer of the ledger, whenever it is up again."""
    def ask():
        try:
            return [fn(*args)]
        except OSError:
            return None
    return lab.until("the ledger", ask)[0]


def head_time():
    return int(ledger(Run.lab.rpc, "eth_getBlockByNumber", "latest", False)["timestamp"], 16)


def pass_deadlines(seconds):
    """Until a block says so: a ledger that dies before the next block forgets what it was told."""
    target = head_time() + seconds
    while (left := target - head_time()) > 0:
        ledger(Run.lab.rpc, "evm_increaseTime", left)
        ledger(Run.lab.rpc, "evm_mine")


def volume():
    """Tasks sold so far."""
    return sum(int(x["data"][-64:], 16) for x in Run.lab.logs(MATCHED))


def ended():
    """{task: how the ledger says it ended, once for each time}."""
    ends = {x["topics"][1]: [] for x in Run.lab.logs(INITIALIZE)}
    for topic, word in ((FINALIZE, "COMPLETED"), (CLAIMED, "FAILED")):
        for x in Run.lab.logs(topic):
            ends.setdefault(x["topics"][1], []).append(word)
    return ends


def all_ended():
    ends = ended()
    return len(ends) == volume() and all(ends.values())


def work(seconds):
    """Until everything has ended, or for a while: what is left goes on in the next round."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and not ledger(all_ended):
        time.sleep(0.1)


def early_ended():
    """All have completed, or the pool has given them up (which is looked at in the end)."""
    ends = ledger(ended)
    return len(ends) == ledger(volume) and all(
        e or Run.lab.iapp("task", t)[1][-1].get("iapp", {}).get("state") == "RUNNING_FAILED"
        for t, e in ends.items())


def late_deal():
    """One whose deadlines pass while it runs: the money goes back. What was there before ends first."""
    lab.until("the end of the early tasks", early_ended, 240)
    Run.early = set(ledger(ended))
    deal(ROUNDS)
    pass_deadlines(4000)
    work(5)


def rule(task):
    """What the scheduler says ended a task that did not complete."""
    ours = task["iapp"]
    late = any(x["status"] == "CONTRIBUTION_TIMEOUT" for x in task["dateStatusList"])
    return "CONTRIBUTION_TIMEOUT" if late else ours["cause"]


@case
def fifty_tasks_while_services_die():
    Run.crash = os.path.join(Run.lab.top, "crash")
    os.mkdir(Run.crash)
    Run.order = points()
    RNG.shuffle(Run.order)
    for n in range(ROUNDS):
        start(n)
        if n == 0:
            people()
            Run.lab.stubborn("balance", "--faucet", "1RLC", "--deposit", "0.001RLC",
                             who=Run.requester)
            # more than once where an answer was lost
            Run.deposit = Run.lab.stubborn("balance", Run.requester)["stake"]
        killer = Killer()
        killer.start()
        deal(n)
        work(5)
        killer.end()
        if n == ROUNDS - 1:
            late_deal()
        Run.lab.kill()
        print(f"# round {n}: {sorted(fired())}", flush=True)


@case
def what_is_left_ends_by_itself_after_a_restart():
    Run.lab.start()
    equal(lab.cgroups(Run.lab.workers), [], "groups of guests of killed workers")
    check(volume() >= ROUNDS * TASKS, "fifty tasks")
    lab.until("the end of all tasks", all_ended, 120)
    Run.ends = ended()
    for task, ends in Run.ends.items():
        check(len(ends) == 1, f"{task} ended {ends}")
    early = [Run.ends[t] for t in Run.early]
    print(f"# {early.count(['COMPLETED'])} of {len(early)} completed, and "
          f"{[e for (e,) in Run.ends.values()].count('COMPLETED') - early.count(['COMPLETED'])} of "
          f"{len(Run.ends) - len(early)} whose deadline passed")


@case
def every_point_was_met():
    if not fired():
        raise tap.Skip("this build has no crash points")
    equal(set(Run.order) - fired() - RARE, set(), "points that nobody died at")


@case
def every_task_says_how_it_ended():
    failed = {}
    for task, (end,) in Run.ends.items():
        got = lab.until("the scheduler", lambda: Run.lab.iapp("task", task)[1][-1])
        equal((got["status"], got["iapp"]["state"]), (end, end), f"{task}")
        # a worker that died after the settlement reports what it did when it is back
        lab.until(f"the receipt of {task}",
                  lambda: Run.lab.iapp("task", task)[1][-1]["iapp"]["receipt"])
        check((got["iapp"]["cause"] != "") == (end == "FAILED"), f"{task}: a cause: {got}")
        if end == "FAILED":
            attempts = [(a["cause"], a["message"]) for a in got["iapp"]["attempts"]]
            failed[task] = (rule(got), got["iapp"]["message"], attempts)
            print(f"# {task} was ended by {rule(got)}, after {len(attempts)} attempts")
    bad = {t: why for t, why in failed.items() if t in Run.early or why[0] not in RULES}
    equal(bad, {}, "tasks that another rule ended than a deadline that passed")


@case
def nothing_is_paid_twice():
    done = [e for (e,) in Run.ends.values()].count("COMPLETED")
    money = Run.lab.balances(Run.requester, Run.developer, Run.owner)
    equal(money[Run.requester]["stake"], Run.deposit - done * (APP_PRICE + DATA_PRICE), "requester")
    equal(money[Run.developer]["stake"], done * APP_PRICE, "developer")
    equal(money[Run.owner]["stake"], done * DATA_PRICE, "owner")
    equal([m["locked"] for m in money.values()], [0, 0, 0], "locked")
    equal(sum(m["stake"] for m in money.values()), Run.deposit, "sum")


@case
def results_are_there_and_proven():
    done = [t for t, (e,) in Run.ends.items() if e == "COMPLETED"]
    for task in RNG.sample(done, 3):
        out = os.path.join(Run.lab.top, "results", task)
        Run.lab.good("result", task, "--out", out, who=Run.requester)
        with open(os.path.join(out, "out.txt"), encoding="ascii") as f:
            equal(f.read().strip(), MARKER, "the result")
    lab.shutil.rmtree(os.path.join(Run.lab.top, "results"))


@case
def nothing_begun_stays_with_the_owner():
    while Run.lab.iapp("protect", "--resume", who=Run.owner)[0] == 0:
        pass
    journal = os.path.join(Run.lab.home, "protect")
    equal(os.listdir(journal) if os.path.isdir(journal) else [], [], "journal")


@case
def the_ledger_is_whole():
    Run.lab.stop()
    got = Run.lab.verify_ledger()
    check(got["blocks"] > len(Run.ends), f"{got}")


@case
def nothing_is_left_behind():
    equal(Run.lab.litter(), [], "temporary files")
    equal(Run.lab.left_over(), [], "processes, cgroups, mounts")
    with open(os.path.join(Run.lab.home, "passphrase"), "rb") as f:
        passphrase = f.read().strip()
    hits = proc.files_hold(Run.lab.top, [MARKER.encode(), passphrase, lab.PASSWORD.encode()])
    hits = [(os.path.relpath(path, Run.lab.top), what) for path, what in hits]
    equal(sorted(p for p, _ in hits), ["home/passphrase", "password"], "files that hold secrets")


try:
    tap.main()
finally:
    Run.lab.close()
