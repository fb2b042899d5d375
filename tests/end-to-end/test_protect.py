#!/usr/bin/env python3
"""protect against real services: killed after each step and resumed, without a second dataset, with
nothing secret on disk; what the owner reads of her data."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("protect")
JOURNAL = os.path.join(LAB.home, "protect")
MARKER = "a-secret-that-nobody-may-find"


class Run:
    """What the cases share."""


def iapp(*args, **more):
    return LAB.run(Run.owner, *args, **more)


def good(*args):
    return LAB.good(Run.owner, *args)


def crash_folder(name):
    path = LAB.path(name)
    os.mkdir(path)
    return path


def journals():
    return sorted(os.listdir(JOURNAL)) if os.path.isdir(JOURNAL) else []


@case
def an_installation_starts():
    LAB.up("--test")
    Run.owner = LAB.wallet()


@case
def data_are_protected_in_one_go():
    got = good("protect", f"text={MARKER}", "--name", "one")
    equal(sorted(got), ["address", "checksum", "cid", "multiaddr", "name", "owner", "schema",
                        "transactionHash"], "members")
    equal((got["owner"], got["name"], got["schema"]),
          (Run.owner, "one", '{"text":"string"}'), "answer")
    equal(journals(), [], "nothing is left in the journal")


@case
def a_killed_protection_resumes_at_its_step():
    for point in ("protect.uploaded", "protect.registered", "protect.pushed"):
        crash = crash_folder(point)
        status, _ = iapp("protect", f"text={MARKER}{point}", IAPP_CRASH_DIR=crash,
                         IAPP_CRASH_ONLY=point)
        if status == 0:
            raise tap.Skip("this build has no crash points")
        equal(status, -9, f"killed at {point}")
        names = journals()
        equal([os.path.splitext(n)[1] for n in names], [".enc", ".json"], "journal")
        for name in names:
            path = os.path.join(JOURNAL, name)
            equal(os.stat(path).st_mode & 0o777, 0o600, "mode")
            with open(path, "rb") as f:
                check(MARKER.encode() not in f.read(), "no plain text on disk")
        before = dataset_count()
        got = good("protect", "--resume")
        # the dataset of a mined transaction is found, not made again
        equal(dataset_count() - before, 1 if point == "protect.uploaded" else 0, f"new at {point}")
        equal(got["transactionHash"] is None, point == "protect.registered", "transaction told")
        equal(journals(), [], "nothing is left in the journal")


def dataset_count():
    """Lines of `audit` that name a dataset; text mode."""
    status, out, err = LAB.said(Run.owner, "audit")
    equal(status, 0, f"audit: {err}")
    return out.count("data 0x")


@case
def nothing_left_is_told_as_such():
    status, lines = iapp("protect", "--resume")
    equal((status, lines[-1]["error"]["code"]), (1, "NOT_FOUND"), "answer")


@case
def what_killed_processes_left_is_swept():
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)  # its number belongs to nobody now
    dead = [f"17-{child}.enc", f"17-1.json.{child}-3.tmp"]
    kept = [f"18-{os.getpid()}.enc", f"18-1.json.{os.getpid()}-0.tmp", "19-1.enc.old", "x-1.enc"]
    for name in dead + kept:
        with open(os.path.join(JOURNAL, name), "w", encoding="ascii") as f:
            f.write("{}")
    good("protect", "a=b")
    equal(journals(), sorted(kept), "what living processes write, and what is none of ours, stays")
    for name in kept:
        os.unlink(os.path.join(JOURNAL, name))


@case
def another_wallet_cannot_resume():
    crash = crash_folder("other")
    status, _ = iapp("protect", "a=b", IAPP_CRASH_DIR=crash, IAPP_CRASH_ONLY="protect.uploaded")
    if status == 0:
        raise tap.Skip("this build has no crash points")
    owner = Run.owner
    Run.owner = LAB.wallet()
    status, lines = iapp("protect", "--resume")
    equal((status, lines[-1]["error"]["code"]), (1, "FORBIDDEN"), "answer")
    Run.owner = owner
    good("protect", "--resume")


@case
def an_unknown_key_service_gets_no_key():
    trust = os.path.join(LAB.home, "trust.json")
    os.rename(trust, trust + ".away")
    status, lines = iapp("protect", "a=b")
    equal((status, lines[-1]["error"]["code"]), (2, "USAGE"), "asks, and has no terminal")
    check("--yes" in lines[-1]["error"]["hint"], "names the way")
    equal(journals(), [], "nothing was begun")
    os.rename(trust + ".away", trust)


@case
def the_log_is_the_owners_alone():
    address = good("protect", "a=b")["address"]
    equal(good("audit", address)["entries"], [], "nobody asked yet")
    owner = Run.owner
    Run.owner = LAB.wallet()
    status, lines = iapp("audit", address)
    check(status == 1 and lines[-1]["error"]["code"] in ("FORBIDDEN", "UNAUTHORIZED"),
          f"a stranger reads nothing: {lines}")
    Run.owner = owner


@case
def it_ends_on_sigterm():
    equal(LAB.stop(), 0, "exit status")


try:
    tap.main()
finally:
    LAB.close()
