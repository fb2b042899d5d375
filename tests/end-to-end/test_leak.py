#!/usr/bin/env python3
"""The plaintext and the data key appear nowhere outside the enclave, whatever the app does with them:
every file, log, command line, environment, open file and memory of other processes is searched while
the app holds the data, and afterwards."""
import base64
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import proc  # noqa: E402
import proxy  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("leak")
MARKER = "leak" + secrets.token_hex(12)  # at most 31 bytes: it becomes a file's name
START = time.time()


class Run:
    """What the cases share."""


def forms(text):
    """A text as it is, and inside base64 at each of the three places where it can begin."""
    found = {text}
    for shift in range(3):
        whole = base64.b64encode(b"x" * shift + text)
        found.add(whole[4 if shift else 0:len(whole) // 4 * 4 - 4])
    return found


def needles():
    return forms(MARKER.encode()) | {Run.key64, Run.key, Run.key.hex().encode()}


class Wire:
    """What the owner's client and the SMS say to each other, and the client's journal meanwhile."""

    def __init__(self, sms):
        self.proxy = proxy.Proxy(sms, before=self.look)
        self.url = self.proxy.url
        self.journal = None

    def look(self, x):
        if x["path"] == "/push/v1/secret":
            folder = os.path.join(LAB.home, "protect")
            self.journal = LAB.path("journal")
            name = [n for n in os.listdir(folder) if n.endswith(".json")][0]
            shutil.copy(os.path.join(folder, name), self.journal)
        return x["request"]

    def key(self, owner):
        wallet = [os.path.join(LAB.keys, n) for n in os.listdir(LAB.keys)
                  if owner[2:].lower() in n.lower()][0]
        done = subprocess.run([os.path.join(lab.BUILD, "tests/end-to-end/journal_key"), self.journal,
                               wallet, LAB.password], capture_output=True, timeout=60, check=False)
        equal(done.returncode, 0, done.stderr.decode())
        os.unlink(self.journal)
        return done.stdout.strip()


@case
def data_are_protected():
    LAB.up("--test")
    Run.owner, Run.developer, Run.user = (LAB.wallet() for _ in range(3))
    Run.app = LAB.deploy(Run.developer, LAB.project("probe"))
    source = LAB.write("value.json", json.dumps({"text": MARKER}))
    between = Wire(LAB.config["smsUrl"])
    got = LAB.good(Run.owner, "protect", source, "--sms", between.url)
    between.proxy.close()
    os.unlink(source)
    Run.data = got["address"]
    Run.key64 = between.key(Run.owner)
    Run.key = base64.b64decode(Run.key64)
    Run.said = between.proxy.seen
    LAB.good(Run.owner, "grant", Run.data, Run.app, Run.user, "--times", "9")


@case
def the_wire_shows_no_key():
    equal(len(Run.key), 32, "the key")
    paths = [x["path"] for x in Run.said]
    check("/push/v1/secret" in paths, f"the key was pushed: {paths}")
    for x in Run.said:
        for needle in needles():
            check(needle not in x["request"] + x["reply"], f"{x['method']} {x['path']}")


@case
def the_search_finds_what_is_there():
    equal(proc.memory_holds(os.getpid(), needles()) & {MARKER.encode(), Run.key, Run.key64},
          {MARKER.encode(), Run.key, Run.key64}, "memory of this test")
    path = LAB.path("found.zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", MARKER * 9)
    equal(len(proc.files_hold(LAB.top, {MARKER.encode()})), 1, "a compressed file")
    with open(path, "rb") as held:
        os.unlink(path)
        equal(proc.open_files_hold(os.getpid(), {MARKER.encode()}), {MARKER.encode()}, "no name")
        held.read(1)


def new_files(top):
    """Files of shared folders that changed since this test began."""
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            try:
                if os.stat(path).st_mtime >= START - 1 and os.path.isfile(path):
                    yield path
            except OSError:
                continue


def in_files(wanted):
    hits = proc.files_hold(LAB.top, wanted)
    for top in ("/dev/shm", "/var/tmp"):
        for path in new_files(top):
            hits += [(path, n) for n in proc.file_holds(path, wanted)]
    return hits


def in_processes(pids, wanted):
    hits = []
    for pid in pids:
        found = (proc.memory_holds(pid, wanted) | proc.arguments_hold(pid, wanted) |
                 proc.open_files_hold(pid, wanted))
        hits += [(proc.name(pid), pid, n) for n in found]
    return hits


def look(more=()):
    """One search: what stands outside, and whether an enclave held the marker."""
    family = proc.children(LAB.daemon.pid) + list(more)
    inside = proc.enclaves(family)
    hits = in_processes([p for p in family if p not in inside], needles()) + in_files(needles())
    for pid in inside:
        hits += [("arguments", pid, n) for n in proc.arguments_hold(pid, needles())]
    held = any(proc.memory_holds(pid, {MARKER.encode()}) for pid in inside)
    return hits, held


def watch(task):
    """Searches until the task is over; it must have been seen while the app held the data."""
    follow = subprocess.Popen([lab.IAPP, "task", task, "--follow", "--json"], env=LAB.env(),
                              cwd=LAB.top, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    held = False
    while follow.poll() is None:
        hits, now = look([follow.pid])
        equal(hits, [], "outside, while it runs")
        held = held or now
    answer = json.loads(follow.stdout.read())
    follow.stdout.close()
    check(held, "the enclave was searched while it held the data")
    return answer


def leaking_run(*acts):
    got = LAB.good(Run.user, "run", Run.app, "--data", Run.data, "--no-wait", "--args",
                   " ".join(acts))
    return got["taskIds"][0]


@case
def nothing_leaks_from_a_run_that_succeeds():
    Run.good = leaking_run("leak", "hold=8")
    equal(watch(Run.good)["status"], "COMPLETED", "the task")
    equal(look()[0], [], "afterwards")


@case
def nothing_leaks_from_a_run_that_fails():
    Run.bad = leaking_run("leak", "hold=8", "exit=9")
    seen = watch(Run.bad)
    equal((seen["status"], seen["iapp"]["cause"]), ("FAILED", "APP_COMPUTE_FAILED"), "the task")
    equal(look()[0], [], "afterwards")


@case
def what_others_are_given_holds_nothing():
    LAB.good(Run.owner, "audit", Run.data)
    for task in (Run.good, Run.bad):
        for verb in ("task", "why"):
            answer = json.dumps(LAB.run(Run.developer, verb, task)[1])
            check(MARKER not in answer and Run.key64.decode() not in answer, f"{verb}: {answer}")
    equal(look()[0], [], "afterwards")


@case
def what_the_requester_decrypts_holds_it():
    LAB.good(Run.user, "result", Run.good, "--out", LAB.path("result"))
    found = [os.path.basename(p) for p, _ in proc.files_hold(LAB.path("result"), {MARKER.encode()})]
    equal(sorted(set(found)), sorted(["computed.json", "texts.txt", MARKER]), "its result")
    told = LAB.good(Run.user, "debug", Run.bad)
    check(MARKER in json.dumps(told["stdout"]) and MARKER in json.dumps(told["stderr"]), "its logs")


@case
def the_key_that_was_searched_for_is_the_key():
    blobs = os.path.join(LAB.home, "front", "blobs")
    key = LAB.write("key", Run.key64.decode())
    opened = 0
    for folder, _, names in os.walk(blobs):
        for name in names:
            status, answer = LAB.one(None, "get", os.path.join(folder, name), "text", "--key-file",
                                     key)
            opened += status == 0 and answer["value"] == MARKER
    equal(opened, 1, "one stored file opens with it")


@case
def nothing_is_left_when_everything_is_stopped():
    os.unlink(LAB.path("key"))
    for name in os.listdir(LAB.path("result")):
        os.unlink(LAB.path("result", name))
    equal(LAB.stop(), 0, "exit status")
    equal(in_files(needles()), [], "files")


try:
    tap.main()
finally:
    LAB.close()
