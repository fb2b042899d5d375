#!/usr/bin/env python3
"""One scenario on three ledgers: the embedded one, the published contracts on a chain without fees, and
on one with fees and a block a second. Who has what after each step is the same on all of them."""
import os
import re
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import lab  # noqa: E402
from evmlab import Chain, Embedded, gas_of  # noqa: E402
from tap import case, check, equal, main  # noqa: E402

RLC = 10**9
FINAL = 10 * 300  # seconds: the final deadline of a task of category XS
PEOPLE = ("owner", "developer", "user")


class Scenario:
    def __init__(self, place):
        self.place, self.home, self.steps = place, place.home, []

    def books(self, name):
        self.steps.append((name, [self.home.money(getattr(self, who)) for who in PEOPLE]))

    def good(self, who, *args, **more):
        return self.home.good(who, *args, **more)

    def run_tasks(self, *args):
        return self.home.run(self.user, "run", self.app, "--data", self.data, "--yes", *args)

    def whole(self):
        self.place.start()
        self.owner, self.developer, self.user = (self.place.wallet() for _ in PEOPLE)
        self.place.give(self.user, 5 * RLC)
        self.app = self.home.deploy(self.developer, self.home.project("probe"), "--price", "0.1RLC")
        self.data = self.good(self.owner, "protect", "text=priced")["address"]
        grant = self.good(self.owner, "grant", self.data, self.app, self.user, "--price", "0.25RLC",
                          "--times", "20")
        self.good(self.user, "balance", "--deposit", "2RLC")
        self.books("deposited")
        status, (got,) = self.run_tasks("--tasks", "2", "--out", "both")
        equal((status, [t["status"] for t in got["tasks"]]), (0, ["COMPLETED"] * 2), f"{got}")
        self.receipts = got["tasks"]
        self.books("two tasks")
        self.good(self.developer, "balance", "--withdraw", "0.15RLC")
        self.books("withdrawn")
        status, (got,) = self.run_tasks("--args", "exit=1")
        equal((status, got["tasks"][0]["status"]), (4, "FAILED"), f"{got}")
        self.books("failed")
        self.good(self.owner, "cancel", grant["orderHash"])
        self.refused_after_cancel()
        self.claimed(got["tasks"][0]["taskId"])
        self.books("claimed")

    def refused_after_cancel(self):
        status, (answer,) = self.run_tasks("--no-wait")
        equal((status, answer["error"]["code"]), (1, "GRANT_MISSING"), f"cancelled: {answer}")

    def claimed(self, task):
        self.place.later(FINAL)
        until = time.monotonic() + 120
        while self.good(self.user, "task", task)["currentStatus"] != "FAILED":
            check(time.monotonic() < until, "the scheduler claims it")
            time.sleep(0.2)


class Shared:
    steps = gas = None


def told(place):
    s = Scenario(place)
    try:
        s.whole()
        for task in s.receipts:
            status, answer = s.home.one(None, "verify", s.home.path(task["receiptPath"]))
            equal((status, answer["verdict"]), (0, "proven"), f"{answer}")
        if isinstance(place, Chain):
            Shared.gas = gas_of(place.node)
    except AssertionError:
        print("# " + s.home.log()[-3000:].replace("\n", "\n# "))
        raise
    finally:
        place.close()
    return s.steps


@case
def on_the_embedded_ledger():
    Shared.steps = told(Embedded(lab.Lab("money-embedded")))


@case
def on_a_chain_without_fees():
    equal(told(Chain(lab.Lab("money-free"))), Shared.steps, "money")


@case
def on_a_chain_with_fees_and_blocks_of_a_second():
    equal(told(Chain(lab.Lab("money-fees"), True)), Shared.steps, "money")


@case
def the_page_for_operators_says_what_it_costs():
    """The table of docs/evm.md: thousands of gas, a tenth of room."""
    with open(os.path.join(HERE, "../../docs/evm.md"), encoding="utf-8") as f:
        said = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| (\d+) \|$", f.read(), re.MULTILINE))
    for name, used in sorted(Shared.gas.items()):
        print(f"# {name} {used}")
        check(name in said, f"{name} is missing")
        check(0.9 * used <= 1000 * int(said[name]) <= 1.1 * used, f"{name}: {said[name]}, {used}")
    equal(sorted(said), sorted(Shared.gas), "calls")


if __name__ == "__main__":
    main()
