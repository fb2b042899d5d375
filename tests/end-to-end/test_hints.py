#!/usr/bin/env python3
"""Every wall that an app can meet, and every way to leave a bad result, comes with what to do about
this very one: in `iapp test`, in `iapp debug`, and in the answer of a run."""
import os
import stat
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("hints")
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "app/walls.c")
NETWORK, WRITE = "apps have no network", "an app can write only below $IEXEC_OUT"
# the reason, and words of its fix
BAD = {
    "nothing": "computed.json",
    "json": "write it as JSON",
    "number": "one path as a string",
    "outside": "a path in $IEXEC_OUT",
    "members": "name the result",
    "absent": "before the app ends",
    "empty": "must not be empty",
    "folder": "directly into the folder",
    "callback": "--callback",
    "callback-digits": "two digits a byte",
    "long-name": "at most 31 bytes",
    "reserved": "another name",
}


class Run:
    """What the cases share."""


@case
def a_test_says_what_to_do_about_a_wall():
    Run.project = LAB.project("walls", source=SOURCE, features="args")
    for wall, words in (("network", NETWORK), ("write", WRITE), ("fill", "64 MiB")):
        error = LAB.refused(None, "test", "--args", wall, cwd=Run.project, code="APP_FAILED",
                            status=4)
        check(words in error["hint"], f"{wall}: {error}")
    _, _, err = LAB.said(None, "test", "--args", "network", cwd=Run.project)
    check(NETWORK in err, f"for people: {err}")


@case
def an_app_that_went_on_without_it_is_told_too():
    status, out, err = LAB.said(None, "test", "--args", "caught-network", cwd=Run.project)
    equal(status, 0, err)
    check(f"hint: {NETWORK}" in out + err, f"told: {out}{err}")
    _, out, err = LAB.said(None, "test", "--args", "fine", cwd=Run.project)
    check("hint:" not in out + err, f"nothing to tell: {out}{err}")


@case
def every_bad_output_has_its_own_fix():
    fixes = {}
    for reason, words in BAD.items():
        error = LAB.refused(None, "test", "--args", reason, cwd=Run.project, code="BAD_OUTPUT",
                            status=3)
        check(words in error["hint"], f"{reason}: {error}")
        fixes.setdefault(error["hint"], []).append(reason)
    equal([r for r in fixes.values() if len(r) > 1], [], "reasons with one fix")


@case
def a_callback_that_is_wanted_is_told():
    error = LAB.refused(None, "test", "--args", "fine", "--callback", cwd=Run.project,
                        code="BAD_OUTPUT", status=3)
    check("callback-data" in error["hint"], f"told: {error}")


@case
def runs_say_it_to_who_may_read_the_logs():
    LAB.up("--test")
    Run.user = LAB.wallet()
    app = LAB.deploy(Run.user, Run.project)
    for wall, words in (("network", NETWORK), ("write", WRITE)):
        status, out, err = LAB.said(Run.user, "run", app, "--encrypt", "--args", wall, "--out",
                                    f"out-{wall}")
        equal(status, 4, f"{out}{err}")
        check(f"hint: {words}" in out + err, f"{wall}: {out}{err}")
    _, answer = LAB.one(Run.user, "run", app, "--encrypt", "--args", "network", "--out", "again")
    task = answer["tasks"][0]["taskId"]
    answer = LAB.good(Run.user, "debug", task)
    check(any(NETWORK in h for h in answer["hints"]), f"debug: {answer}")
    _, out, err = LAB.said(Run.user, "debug", task)
    check(f"hint: {NETWORK}" in out + err, f"for people: {out}{err}")
    # what the network is told has a fix for each reason, too
    status, answer = LAB.one(Run.user, "run", app, "--args", "empty", "--out", "bad")
    equal((status, answer["tasks"][0]["code"]), (3, "BAD_OUTPUT"), f"{answer}")
    answer = LAB.good(Run.user, "debug", answer["tasks"][0]["taskId"])
    check(answer["fix"] and "iapp test" in answer["fix"], f"fix: {answer}")
    equal(LAB.stop(), 0, "exit status")


def tool(name, text):
    path = LAB.path("bin", name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"#!/bin/sh\n{text}\n")
    os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)


@case
def doctor_looks_for_the_tools_of_builds_and_fails_for_no_clock():
    os.mkdir(LAB.path("bin"))
    Run.user = Run.user if hasattr(Run, "user") else LAB.wallet()

    def looked(path, cwd=None):
        _, answer = LAB.one(Run.user, "doctor", cwd=cwd, PATH=path)
        return {c["name"]: c for c in answer["checks"]}

    there = looked(os.environ["PATH"])
    equal([there[n]["ok"] for n in ("cc", "pip", "npm", "clock")], [True] * 4, f"{there}")
    # outside a project nothing of it is needed: told, and no failure
    without = looked(LAB.path("bin"))
    for name, package in (("cc", "gcc"), ("pip", "python3-pip"), ("npm", "npm")):
        check(without[name]["ok"] and package in without[name]["fix"], f"{name}: {without[name]}")
    # in a C project its compiler is
    missing = looked(LAB.path("bin"), cwd=Run.project)
    check(not missing["cc"]["ok"] and "gcc" in missing["cc"]["fix"], f"cc: {missing['cc']}")
    check(missing["npm"]["ok"] and missing["pip"]["ok"], f"the others: {missing}")
    tool("cc", "echo cc 1.0")
    tool("python3", "echo 'No module named pip' >&2; exit 1")
    tool("npm", "echo 9.2.0")
    found = looked(LAB.path("bin"), cwd=Run.project)
    check(found["cc"]["ok"] and found["npm"]["fix"] == "", f"found: {found}")
    check("pip" in found["pip"]["text"] and found["pip"]["fix"], f"a Python without: {found}")


try:
    tap.main()
finally:
    LAB.close()
