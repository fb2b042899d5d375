#!/usr/bin/env python3
"""The memory of an app: stated by its manifest and by a run, up to what the worker offers, seen by
the program; too much is refused before anything is signed, and every refusal names the option."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("memory")
SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "app/memory.c")
MIB, GIB = 1 << 20, 1 << 30


class Run:
    """What the cases share."""
    folders = 0


def seen(folder):
    """The limit that the program saw, in bytes: of its group, else of the variables."""
    with open(os.path.join(folder, "result.txt"), encoding="utf-8") as f:
        rows = dict(line.rstrip("\n").partition("=")[::2] for line in f)
    if rows["limit"] != "none":
        equal(rows["java"], "", "no variable where a group is shown")
        return int(rows["limit"])
    return int(rows["java"].partition("-XX:MaxRAM=")[2].partition(" ")[0])


def tested(*args, cwd=None):
    answer = LAB.good(None, "test", *args, cwd=cwd or Run.project)
    return seen(answer["output"])


def run(*args, app=None, status=0):
    Run.folders += 1
    out = f"out-{Run.folders}"
    got, answer = LAB.one(Run.user, "run", app or Run.app, "--out", out, *args)
    equal(got, status, f"{args}: {answer}")
    return answer["tasks"][0], LAB.path(out)



def state(project, value):
    path = os.path.join(project, "iapp.config.json")
    with open(path, encoding="utf-8") as f:
        config = json.load(f)
    config["memory"] = value
    with open(path, "w", encoding="utf-8") as f:
        json.dump(config, f)


@case
def an_installation_offers_what_it_was_told():
    LAB.up("--test", "--app-memory", "2G")
    Run.user = LAB.wallet()
    answer = LAB.good(None, "pool")
    equal(answer["limits"]["memoryMax"], 2 * GIB, f"the pool: {answer}")
    check(answer["workers"] == 1 and answer["slots"] > 0, f"its worker: {answer}")
    _, out, _ = LAB.said(None, "pool")
    check("up to 2 GiB" in out and "--memory" in out, f"for people: {out}")


@case
def a_test_on_this_machine_sees_its_limit():
    Run.project = LAB.project("taker", source=SOURCE, features="args")
    equal(tested(), GIB, "an app that states nothing")
    equal(tested("--memory", "256M"), 256 * MIB, "of --memory")
    state(Run.project, "1536M")
    equal(tested(), 1536 * MIB, "of iapp.config.json")
    equal(tested("--memory", "1G"), 1536 * MIB, "the app's need is not undercut")


@case
def memory_that_runs_out_names_the_option():
    state(Run.project, None)
    error = LAB.refused(None, "test", "--memory", "64M", "--args", "take 200", cwd=Run.project,
                        code="NO_RESOURCES", status=5)
    check("64 MiB" in error["message"] and "--memory" in error["hint"], f"told: {error}")
    equal(tested("--memory", "512M", "--args", "take 200"), 512 * MIB, "with more of it")


@case
def more_than_this_machine_has_is_refused():
    error = LAB.refused(None, "test", "--memory", "900G", cwd=Run.project, code="NO_RESOURCES",
                        status=5)
    check("900 GiB" in error["message"] and "this machine" in error["message"], f"told: {error}")
    check("--memory" in error["hint"], f"the option: {error}")


@case
def sizes_that_are_none_are_refused_with_both_ends():
    for bad in ("much", "1M", "9999T", "-1"):
        error = LAB.refused(Run.user, "run", Run.user, f"--memory={bad}", code="USAGE", status=2)
        check("--memory" in error["message"], f"told: {error}")
    error = LAB.refused(Run.user, "run", Run.user, "--memory", "1M", code="USAGE", status=2)
    check("32 MiB" in error["message"] and "1 TiB" in error["message"], f"both ends: {error}")
    state(Run.project, "lots")
    error = LAB.refused(None, "build", cwd=Run.project, code="PARSE")
    check("memory" in error["message"], f"the member: {error}")
    state(Run.project, None)
    LAB.refused(None, "build", "--memory", "2G", "--image", "x.tar", cwd=Run.project, code="USAGE",
                status=2)


@case
def a_run_gets_what_it_asks_for():
    Run.app = LAB.deploy(Run.user, Run.project)
    _, out = run("--memory", "1792M")
    equal(seen(out), 1792 * MIB, "of the run")
    _, out = run()
    equal(seen(out), GIB, "without it")


@case
def a_run_gets_what_its_app_states():
    larger = LAB.deploy(Run.user, Run.project, "--memory", "1280M", "--version", "2.0.0")
    check(larger != Run.app, "the need is part of the image")
    _, out = run(app=larger)
    equal(seen(out), 1280 * MIB, "of the app")
    _, out = run("--memory", "512M", app=larger)
    equal(seen(out), 1280 * MIB, "the larger one counts")


@case
def more_than_the_pool_has_is_refused_before_it_is_paid():
    before = LAB.rpc("eth_getTransactionCount", Run.user, "latest")
    error = LAB.refused(Run.user, "run", Run.app, "--memory", "64G", code="NO_RESOURCES", status=5)
    check("64 GiB" in error["message"] and "2 GiB" in error["message"], f"both sizes: {error}")
    check("--memory" in error["hint"], f"the option: {error}")
    equal(LAB.rpc("eth_getTransactionCount", Run.user, "latest"), before, "transactions")


@case
def an_app_that_no_worker_can_hold_is_told_when_deployed_and_refused_when_run():
    status, out, err = LAB.said(Run.user, "deploy", "--memory", "48G", "--version", "3.0.0",
                                cwd=Run.project)
    equal(status, 0, err)
    check("48 GiB" in err and "2 GiB" in err, f"warned: {err}")
    large, = re.findall(r"^0x[0-9a-fA-F]{40}$", out, re.M)
    before = LAB.rpc("eth_getTransactionCount", Run.user, "latest")
    error = LAB.refused(Run.user, "run", large, code="NO_RESOURCES", status=5)
    check("the app asks for 48 GiB" in error["message"], f"told: {error}")
    equal(LAB.rpc("eth_getTransactionCount", Run.user, "latest"), before, "transactions")
    # a client that does not ask pays, and learns it from the task: before a key was released
    task, _ = run("--no-check", app=large, status=5)
    equal(task["cause"], "APP_MEMORY_NOT_OFFERED", f"cause: {task}")
    check("48 GiB" in task["message"] and "2 GiB" in task["message"], f"words: {task}")
    check("releasedMs" not in task["timeline"], f"no key was released: {task}")


@case
def what_packages_sign_fails_at_its_first_lease_with_both_sizes():
    task, _ = run("--no-check", "--memory", "64G", status=5)
    equal(task["cause"], "APP_MEMORY_NOT_OFFERED", f"cause: {task}")
    check("64 GiB" in task["message"] and "2 GiB" in task["message"], f"words: {task}")
    check("releasedMs" not in task["timeline"], f"no key was released: {task}")
    _, answer = LAB.one(Run.user, "debug", task["taskId"])
    check("--memory" in answer["fix"], f"the option: {answer}")
    task, _ = run("--memory", "64M", "--args", "take 200", status=5)
    equal(task["cause"], "APP_COMPUTE_OUT_OF_MEMORY", f"cause: {task}")
    _, answer = LAB.one(Run.user, "debug", task["taskId"])
    check("--memory" in answer["fix"], f"the option: {answer}")


@case
def doctor_tells_the_memory():
    _, answer = LAB.one(Run.user, "doctor")
    memory, = [c for c in answer["checks"] if c["name"] == "memory"]
    check(memory["ok"] and "--memory" in memory["text"] and "2 GiB" in memory["text"],
          f"told: {memory}")


@case
def it_ends_on_sigterm():
    equal(LAB.stop(), 0, "exit status")


try:
    tap.main()
finally:
    LAB.close()
