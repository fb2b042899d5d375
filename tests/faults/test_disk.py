#!/usr/bin/env python3
"""A full disk: every service says DISK_FULL, writes nothing by halves, and works again when there is
room, without a restart and after one."""
import ctypes
import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

CLONE_NEWNS = 0x20000
SIZE = 96 << 20


class Run:
    top = tempfile.mkdtemp(prefix="iapp-disk-")
    lab = None
    lock = None  # of the user's home


def small_disk():
    """A file system of our own at Run.top, which nobody else sees and which goes with us."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) != 0:
        return False
    for command in (["mount", "--make-rprivate", "/"],
                    ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", Run.top]):
        if subprocess.run(command, capture_output=True, check=False).returncode != 0:
            return False
    return True


def worker_disk():
    """Another one for the worker: the other services keep their room when it is full."""
    folder = os.path.join(Run.lab.home, "worker")
    for path in (Run.lab.home, folder):
        os.mkdir(path, 0o700)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "tmpfs", folder],
                   check=True)
    Run.lab.before.append(folder)


def filler(folder=None):
    return os.path.join(folder or Run.top, "filler")


def fill(folder=None):
    """Not one page is left."""
    with open(filler(folder), "ab", 0) as f:
        for size in (1 << 20, 4096):
            try:
                while True:
                    f.write(b"\0" * size)
            except OSError:
                pass


def make_room(folder=None):
    os.unlink(filler(folder))


def here(fn):
    def go():
        if not Run.lab:
            raise tap.Skip("no file system can be mounted here")
        fn()
    go.__name__ = fn.__name__
    return case(go)


@case
def a_small_disk():
    if not small_disk():
        raise tap.Skip("no file system can be mounted here")
    Run.lab = lab.Lab(top=Run.top)
    # what people need stands elsewhere: only the services meet the full disk
    Run.people = tempfile.mkdtemp(prefix="iapp-disk-people-")
    Run.lab.keys = os.path.join(Run.people, "keystore")
    worker_disk()
    Run.lab.start()
    Run.owner = Run.lab.wallet()
    Run.data = Run.lab.good("protect", "text=one", who=Run.owner)["address"]
    Run.money = Run.lab.good("balance", "--faucet", "5nRLC", who=Run.owner)["wallet"]


def full(*args):
    """A command that fails for want of room, and says so."""
    status, lines = Run.lab.iapp(*args, who=Run.owner)
    check(status != 0, f"{args}: {lines}")
    equal(lines[-1]["error"]["code"], "DISK_FULL", f"{args}: {lines[-1]}")


def head():
    return Run.lab.rpc("eth_blockNumber")


def user_home():
    """A home of the user's beside the daemon's, where there is room."""
    home = os.path.join(Run.people, "home")
    os.makedirs(home, mode=0o700, exist_ok=True)
    for name in ("ready.json", "trust.json"):
        shutil.copy(os.path.join(Run.lab.home, name), home)
    # what stands in ready.json counts while the lock beside it is held
    if Run.lock is None:
        Run.lock = open(os.path.join(home, "lock"), "w", encoding="ascii")
        os.fchmod(Run.lock.fileno(), 0o600)
        fcntl.flock(Run.lock, fcntl.LOCK_EX)
    return home


def money():
    return Run.lab.good("balance", Run.owner)["wallet"]


@here
def the_ledger_says_so():
    before = head()
    fill()
    for _ in range(2):
        full("balance", "--faucet", "7nRLC")
    equal((head(), money()), (before, Run.money), "what it shows is what it has")
    make_room()
    Run.money += 11
    equal(Run.lab.good("balance", "--faucet", "11nRLC", who=Run.owner)["wallet"], Run.money,
          "with room")
    equal(int(head(), 16), int(before, 16) + 1, "one block")


@here
def the_blob_store_says_so():
    path = os.path.join(Run.people, "large")
    with open(path, "wb") as f:
        f.write(os.urandom(3 << 20))
    home = user_home()
    blobs = os.path.join(Run.lab.home, "front/blobs")
    before = sorted(n for _, _, f in os.walk(blobs) for n in f)
    fill()
    status, lines = Run.lab.iapp("protect", f"file=@{path}", "--home", home, "--ipfs",
                                 Run.lab.config["ipfsNodeUrl"], who=Run.owner)
    check(status != 0, f"{lines}")
    equal(lines[-1]["error"]["code"], "DISK_FULL", f"{lines[-1]}")
    equal(sorted(n for _, _, f in os.walk(blobs) for n in f), before, "nothing half-written")
    make_room()
    Run.lab.good("protect", "--resume", "--home", home, who=Run.owner)


@here
def the_sms_says_so():
    import base64
    text = os.path.join(Run.people, "secret")
    with open(text, "wb") as f:
        f.write(base64.b64encode(os.urandom(2000)))
    sms = os.path.join(Run.lab.home, "sms")
    home = user_home()
    folder = Run.lab.project()
    app = Run.lab.good("deploy", "--version", "1.0.0", who=Run.owner, cwd=folder)["address"]
    size = sum(os.path.getsize(os.path.join(sms, n)) for n in os.listdir(sms))
    fill()
    status = 0
    for n in range(40):
        status, lines = Run.lab.iapp("grant", Run.data, app, "any", "--purpose", f"p{n}", "--home",
                                     home, who=Run.owner)
        if status != 0:
            break
    check(status != 0, f"{size} bytes of {sms} take any number of policies")
    equal(lines[-1]["error"]["code"], "DISK_FULL", f"{lines[-1]}")
    make_room()
    Run.lab.good("grant", Run.data, app, "any", "--purpose", "again", who=Run.owner)


def worker():
    """What the pool's listing says of the one worker."""
    with open(os.path.join(Run.lab.home, "ready.json"), encoding="utf-8") as f:
        url = json.load(f)["schedulerUrl"] + "/workers"
    with urllib.request.urlopen(url, timeout=lab.PATIENCE) as answer:
        return json.load(answer)["workers"][0]


@here
def the_worker_pauses_until_there_is_room():
    folder, home = os.path.join(Run.lab.home, "worker"), user_home()
    app = Run.lab.good("deploy", who=Run.owner, cwd=Run.lab.project("work"))["address"]
    Run.lab.good("grant", Run.data, app, "any", "--purpose", "tests", "--home", home, who=Run.owner)
    equal(worker()["state"], "ready", "at first")
    fill(folder)
    task = Run.lab.good("run", app, "--data", Run.data, "--no-wait", "--no-check", "--purpose",
                        "tests", "--home", home, who=Run.owner)["taskIds"][0]
    lab.until("the pause", lambda: worker()["state"] == "paused")
    equal(worker()["cause"], "WORKER_OUT_OF_RESOURCES", f"{worker()}")
    check("no room for 64 MiB" in worker()["message"], f"{worker()}")
    said = Run.lab.words("pool")[1]
    check(": paused, " in said and "no room for 64 MiB" in said, said)
    waits = lab.until("the end of the attempt",
                      lambda: Run.lab.good("task", task)["iapp"].get("waitsFor"))
    check(waits["text"].startswith("attempt 1 failed: ")
          and " is paused: " in waits["text"], f"{waits}")
    said = Run.lab.words("task", task)[1]
    check("  now      " + waits["text"] in said, said)
    follow = subprocess.Popen(Run.lab.command(("task", task, "--follow"), None, json_out=False),
                              env=Run.lab.env(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL)
    first = follow.stdout.readline().decode()
    check(waits["text"] in first, first)
    make_room(folder)
    check("COMPLETED" in follow.communicate(timeout=120)[0].decode(), "who waits")
    got = lab.until("the end of the task", lambda: completed(task), 120)
    equal([a["cause"] for a in got["iapp"]["attempts"]], ["WORKER_OUT_OF_RESOURCES", ""],
          "one try in vain, however long the disk was full")
    equal((worker()["state"], worker()["message"]), ("ready", ""), "in the end")


def completed(task):
    got = Run.lab.iapp("task", task)[1][-1]
    return got if got.get("status") == "COMPLETED" else None


@here
def commands_say_so():
    fill()
    full("protect", "text=two")
    make_room()
    Run.lab.iapp("protect", "--resume", who=Run.owner)
    Run.lab.good("protect", "text=two", who=Run.owner)


@here
def it_starts_again_and_is_whole():
    Run.lab.stop()
    fill()
    error = Run.lab.fails()
    equal(error["code"], "DISK_FULL", f"{error}")
    make_room()
    Run.lab.start()
    equal(money(), Run.money, "money")
    Run.lab.good("protect", "text=three", who=Run.owner)
    Run.lab.stop()
    Run.lab.verify_ledger()
    equal(Run.lab.litter(), [], "temporary files")
    equal(Run.lab.left_over(), [], "processes, cgroups, mounts")


try:
    tap.main()
finally:
    if Run.lab:
        Run.lab.close()
        subprocess.run(["umount", "-R", os.path.join(Run.lab.home, "worker")], capture_output=True,
                       check=False)
        shutil.rmtree(Run.people, ignore_errors=True)
        subprocess.run(["umount", Run.top], check=False)
    os.rmdir(Run.top)
