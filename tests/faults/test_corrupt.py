#!/usr/bin/env python3
"""Files that somebody broke: an error that names the file, nothing made worse, and all is well again
with the file as it was."""
import os
import shutil
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402


class Run:
    lab = lab.Lab()


GARBAGE = b"\x00\xffthis is not what belongs here\n" * 40


def cut(data):
    return data[:len(data) * 2 // 5]


def garbage(_):
    return GARBAGE


def empty(_):
    return b""


# files that `iapp up` needs, and how they break
OF_DAEMON = {
    "front/ledger.db": (cut, garbage, empty),
    "front/market.db": (cut, garbage, empty),
    "sms/sms.db": (cut, garbage, empty),
    "scheduler/scheduler.db": (cut, garbage, empty),
    "config.json": (cut, garbage, empty),
    "trust.json": (cut, garbage, empty),
    "passphrase": (empty,),
    "scheduler/wallet.json": (cut, garbage, empty),
    "worker/wallet.json": (cut, garbage, empty),
    "worker/sim-root.pem": (cut, garbage, empty),
    "worker/sim-root.key": (cut, garbage, empty),
    "sms/root": (cut, garbage, empty),
}


class Broken:
    """A file that is broken for a while."""

    def __init__(self, path, how):
        self.path, self.how = path, how

    def __enter__(self):
        with open(self.path, "rb") as f:
            self.data = f.read()
        self.mode = os.stat(self.path).st_mode & 0o777
        with open(self.path, "wb") as f:
            f.write(self.how(self.data))
        return self

    def untouched(self):
        with open(self.path, "rb") as f:
            return f.read() == self.how(self.data)

    def __exit__(self, *_):
        with open(self.path, "wb") as f:
            f.write(self.data)
        os.chmod(self.path, self.mode)


def in_home(name):
    return os.path.join(Run.lab.home, name)


def names(error, name):
    """The error says which file, in its message or its hint."""
    text = error["message"] + " " + error["hint"]
    check(name in text, f"{name} is not named: {error}")
    check(error["code"] not in ("INTERNAL", "OK"), f"{name}: {error}")


@case
def a_home_to_break():
    box = Run.lab
    box.start()
    Run.owner = box.wallet()
    Run.data = box.good("protect", "text=a value", who=Run.owner)["address"]
    box.good("balance", "--faucet", "1RLC", who=Run.owner)
    box.stop()
    for name in OF_DAEMON:
        check(os.path.exists(in_home(name)), f"{name} is there")
    # what was in a log beside a database is in it once nothing runs
    equal([n for t, _, f in os.walk(box.home) for n in f if n.endswith(("-wal", "-shm"))], [],
          "journals")


@case
def a_broken_file_of_the_daemon_is_named():
    wrong = []
    for name, ways in OF_DAEMON.items():
        for how in ways:
            with Broken(in_home(name), how) as broken:
                try:
                    names(Run.lab.fails(), name)
                    if name.endswith((".json", ".pem", ".key", "root", "passphrase")):
                        check(broken.untouched(), f"{name} was overwritten")
                except AssertionError as why:
                    wrong.append(f"{name} {how.__name__}: {why}")
            for left in ("-wal", "-shm"):
                if os.path.exists(in_home(name) + left):
                    os.unlink(in_home(name) + left)
    check(not wrong, "\n".join(wrong))


class Missing:
    """A file or folder that is away for a while."""

    def __init__(self, name):
        self.path = in_home(name)

    def __enter__(self):
        os.rename(self.path, self.path + ".away")
        return self

    def __exit__(self, *_):
        if os.path.isdir(self.path):
            shutil.rmtree(self.path)
        elif os.path.exists(self.path):
            os.unlink(self.path)
        os.rename(self.path + ".away", self.path)


@case
def a_missing_file_is_refused_and_nothing_is_made_in_its_place():
    wrong = []
    for name in (*OF_DAEMON, "front/blobs"):
        if name in ("config.json", "trust.json"):
            continue  # ports, and what this home trusts: made again
        with Missing(name) as missing:
            try:
                error = Run.lab.fails()
                names(error, name)
                equal(error["code"], "CORRUPT", f"{error}")
                check("backup" in error["hint"], f"{error}")
                check(not os.path.exists(missing.path), "it was made")
            except AssertionError as why:
                wrong.append(f"{name}: {why}")
    check(not wrong, "\n".join(wrong))


@case
def a_home_of_before_that_lost_its_ledger_is_refused():
    with Missing("made"), Missing("front/ledger.db"):
        names(Run.lab.fails(), "front/ledger.db")


@case
def an_index_is_read_again_and_a_market_only_when_told():
    with Missing("front/graph.db"):
        Run.lab.start()
        Run.lab.stop()
    check("front/graph.db is missing: it is read again from the ledger" in Run.lab.log_text(),
          "it is said")
    with Missing("front/market.db"):
        error = Run.lab.fails()
        mark = error["hint"].rsplit("rm ", 1)[1]
        os.unlink(mark)
        Run.lab.start()
        Run.lab.stop()
        check(os.path.exists(mark), "what was made again is marked again")


@case
def all_is_well_with_the_files_as_they_were():
    Run.lab.start()
    equal(Run.lab.good("balance", Run.owner)["wallet"], 1000000000, "money")
    equal(Run.lab.good("audit", Run.data, who=Run.owner)["entries"], [], "audit")


# files that the commands need while the daemon runs
OF_PEOPLE = {
    "ready.json": ("balance", (cut, garbage, empty)),
    "trust.json": ("protect", (cut, garbage, empty)),
}


def command(verb):
    if verb == "balance":
        return Run.lab.iapp("balance", Run.owner)
    return Run.lab.iapp("protect", "text=another", who=Run.owner)


@case
def a_broken_file_of_people_is_named():
    for name, (verb, ways) in OF_PEOPLE.items():
        for how in ways:
            with Broken(in_home(name), how) as broken:
                status, lines = command(verb)
                check(status != 0, f"{name} {how.__name__}: {lines}")
                names(lines[-1]["error"], name)
                check(broken.untouched(), f"{name} was overwritten")
        equal(command(verb)[0], 0, f"{verb} with {name} as it was")


@case
def a_broken_keystore_is_named():
    (name,) = os.listdir(Run.lab.keys)
    path = os.path.join(Run.lab.keys, name)
    for how in (cut, garbage, empty):
        with Broken(path, how) as broken:
            status, lines = Run.lab.iapp("balance", "--faucet", "1RLC", who=path)
            check(status != 0, f"{how.__name__}: {lines}")
            names(lines[-1]["error"], name)
            check(broken.untouched(), "it was overwritten")
    with open(Run.lab.password, "w", encoding="ascii") as f:
        f.write("another password\n")
    status, lines = Run.lab.iapp("balance", "--faucet", "1RLC", who=Run.owner)
    with open(Run.lab.password, "w", encoding="ascii") as f:
        f.write(lab.PASSWORD + "\n")
    check(status != 0, "a wrong password")
    names(lines[-1]["error"], name)


@case
def nothing_is_left_behind():
    Run.lab.stop()
    equal(Run.lab.litter(), [], "temporary files")
    equal(Run.lab.left_over(), [], "processes, cgroups, mounts")
    shutil.rmtree(Run.lab.home)
    Run.lab.start()
    Run.lab.stop()


try:
    tap.main()
finally:
    Run.lab.close()
