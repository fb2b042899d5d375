#!/usr/bin/env python3
"""Runs that cost something: what is asked, what moves, to whom, and that it comes back when no worker
does the work."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("money")
RLC = 10 ** 9
APP_PRICE, DATA_PRICE = RLC // 10, RLC // 4
COST = APP_PRICE + DATA_PRICE
FINAL = 10 * 300  # seconds: the final deadline of a task of category XS


class Run:
    """What the cases share."""


def run(*args):
    return LAB.good(Run.user, "run", Run.app, "--data", Run.data, *args)


def books():
    """Money of everyone together, of user, developer and owner each."""
    return {who: sum(LAB.money(getattr(Run, who))) for who in ("user", "developer", "owner")}


def moved(before):
    return {who: money - before[who] for who, money in books().items()}


@case
def an_installation_starts():
    LAB.up("--test")
    Run.owner, Run.developer, Run.user = (LAB.wallet() for _ in range(3))
    Run.app = LAB.deploy(Run.developer, LAB.project("probe"), "--price", "0.1RLC")
    Run.data = LAB.good(Run.owner, "protect", "text=priced")["address"]
    granted = LAB.good(Run.owner, "grant", Run.data, Run.app, Run.user, "--price", "0.25RLC",
                       "--times", "20")
    equal((granted["price"], granted["volume"]), (DATA_PRICE, 20), "grant")


@case
def an_empty_wallet_is_told_what_is_missing():
    error = LAB.refused(Run.user, "run", Run.app, "--data", Run.data, "--yes", code="INVALID")
    check(error["message"].startswith("Balance is insufficient"), f"message: {error}")
    check("0.35 RLC are missing" in error["message"], f"how much: {error}")
    equal(error["hint"].split(" (")[0], f"iapp balance --faucet {COST}nRLC", "the command")
    LAB.good(Run.user, "balance", "--faucet", f"{COST - 1}nRLC")
    error = LAB.refused(Run.user, "run", Run.app, "--data", Run.data, "--yes", code="INVALID")
    check("--faucet 1nRLC" in error["hint"], f"the rest: {error}")


@case
def nothing_is_spent_without_a_yes():
    LAB.good(Run.user, "balance", "--faucet", "5RLC")
    before = LAB.money(Run.user)
    LAB.refused(Run.user, "run", Run.app, "--data", Run.data, code="USAGE", status=2)
    error = LAB.refused(Run.user, "run", Run.app, "--data", Run.data, "--max", "0.3RLC",
                        code="INVALID")
    check("costs 0.35 RLC" in error["message"] and f"--max {COST}nRLC" in error["hint"],
          f"price and flag: {error}")
    equal(LAB.money(Run.user), before, "money")


@case
def money_moves_exactly():
    before, (wallet, stake, locked) = books(), LAB.money(Run.user)
    equal((stake, locked), (0, 0), "nothing is deposited yet")
    task, = run("--max", "0.35RLC", "--out", "paid")["tasks"]
    equal(task["status"], "COMPLETED", "the task")
    equal(LAB.money(Run.user), (wallet - COST, 0, 0), "the deposit is folded in, to the nRLC")
    equal(moved(before), {"user": -COST, "developer": APP_PRICE, "owner": DATA_PRICE}, "money")


@case
def each_task_is_paid():
    LAB.good(Run.user, "balance", "--deposit", "0.5RLC")
    wallet, stake, _ = LAB.money(Run.user)
    before = books()
    got = run("--yes", "--tasks", "2", "--out", "both")
    equal([t["status"] for t in got["tasks"]], ["COMPLETED"] * 2, "both")
    equal(LAB.money(Run.user), (wallet - (2 * COST - stake), 0, 0), "the stake first")
    equal(moved(before), {"user": -2 * COST, "developer": 2 * APP_PRICE, "owner": 2 * DATA_PRICE},
          "money")


@case
def money_goes_out_again():
    wallet, stake, _ = LAB.money(Run.developer)
    equal(stake, 3 * APP_PRICE, "earned")
    LAB.good(Run.developer, "balance", "--withdraw", "0.3RLC")
    equal(LAB.money(Run.developer), (wallet + 3 * APP_PRICE, 0, 0), "withdrawn")
    status, answer = LAB.one(Run.developer, "balance", "--withdraw", "1RLC")
    equal((status, answer["error"]["code"]), (1, "REVERT"), f"more than there is: {answer}")


@case
def a_failed_app_is_paid_back_at_the_final_deadline():
    before = books()
    status, got = LAB.one(Run.user, "run", Run.app, "--data", Run.data, "--yes", "--args", "exit=1")
    task, = got["tasks"]
    equal((status, task["status"]), (4, "FAILED"), "the task")
    equal(LAB.money(Run.user)[2], COST, "locked until then")
    error = LAB.refused(Run.user, "task", task["taskId"], "--claim", code="REVERT")
    check("final deadline" in error["hint"], f"not yet: {error}")
    LAB.later(FINAL)
    equal(ended(task["taskId"])["currentStatus"], "FAILED", "claimed by the scheduler")
    equal(moved(before), {"user": 0, "developer": 0, "owner": 0}, "everything is back")
    equal(LAB.money(Run.user)[2], 0, "nothing is locked")


def ended(task):
    """The task once the scheduler says FAILED."""
    until = time.monotonic() + 120
    while time.monotonic() < until:
        seen = LAB.good(Run.user, "task", task)
        if seen["currentStatus"] == "FAILED":
            return seen
        time.sleep(0.1)
    raise AssertionError(f"never claimed: {seen}")


def waiting_task():
    """A run that no worker takes, once its scheduler has initialised it."""
    task, = run("--yes", "--no-wait")["taskIds"]
    while LAB.good(Run.user, "task", task)["status"] != "INITIALIZED":
        time.sleep(0.05)
    equal(LAB.money(Run.user)[2], COST, "locked")
    return task


@case
def without_a_worker_the_money_comes_back():
    LAB.only("ledger,market,ipfs,sms,scheduler")
    before, task = books(), waiting_task()
    LAB.later(FINAL)
    equal(ended(task)["status"], "FAILED", "claimed by the scheduler")
    equal((moved(before), LAB.money(Run.user)[2]), ({"user": 0, "developer": 0, "owner": 0}, 0),
          "everything is back")
    status, answer = LAB.one(Run.user, "task", task, "--follow")
    equal((status, answer["status"], answer["iapp"]["cause"]), (1, "FAILED", "CONTRIBUTION_TIMEOUT"),
          "told")


@case
def without_a_scheduler_its_user_claims():
    before, task = books(), waiting_task()
    LAB.only("ledger,market,ipfs,sms")
    equal(LAB.good(Run.user, "task", task)["status"], "ACTIVE", "by the ledger's word")
    LAB.refused(Run.user, "task", task, "--claim", code="REVERT")
    LAB.later(FINAL)
    equal(LAB.good(Run.user, "task", task, "--claim")["status"], "FAILED", "claimed")
    equal((moved(before), LAB.money(Run.user)[2]), ({"user": 0, "developer": 0, "owner": 0}, 0),
          "everything is back")
    LAB.refused(Run.user, "task", task, "--claim", code="REVERT")
    equal(LAB.stop(), 0, "exit status")


try:
    tap.main()
finally:
    LAB.close()
