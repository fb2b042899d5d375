#!/usr/bin/env python3
"""Trouble while a finished result is settled: fees above what is allowed, an account without coin, a
connection that drops, a worker that dies. The result is kept and settled when the trouble is over; the
app runs once, and keys are released once."""
import json
import os
import signal
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import eth  # noqa: E402
import lab  # noqa: E402
import proxy  # noqa: E402
from evmlab import GWEI, Chain, Miner, role_pid, until  # noqa: E402
from tap import case, check, equal, main  # noqa: E402

LAB = lab.Lab("evm-settle")
PLACE = Chain(LAB, True, "--no-mining")
NODE = PLACE.node
MINER = Miner(NODE, GWEI)
MAX_FEE, SPIKE = "20", 50  # gwei
SETTLES = eth.keccak(b"contributeAndFinalize(bytes32,bytes32,bytes,bytes,address,bytes,bytes)")[:4]


class Dropped(Exception):
    """The connection ends without an answer."""


class Wire:
    """Between the installation and the node; loses what is told to be lost."""

    def __init__(self):
        self.when, self.lost, self.down = None, 0, 0.0
        self.proxy = proxy.Proxy(NODE.url, before=self.before, change=self.after)
        self.proxy.server.handle_error = lambda *_: None

    def drop(self, when):
        """Once, `before` or `after` the node has the settling transaction; then nothing for 3 s."""
        self.when, self.lost = when, 0

    def lose(self):
        self.when, self.lost, self.down = None, 1, time.monotonic() + 3
        raise Dropped

    def before(self, x):
        if time.monotonic() < self.down:
            raise Dropped
        if self.when == "before" and is_settling(x["request"]):
            self.lose()
        return x["request"]

    def after(self, x):
        if self.when == "after" and is_settling(x["request"]):
            self.lose()
        return x["reply"]


def is_settling(request):
    return b"eth_sendRawTransaction" in request and SETTLES.hex().encode() in request


class Behind:
    """The node as the installation is told of it."""

    def __init__(self, node, wire):
        self.url, self.hub, self.data_protector = wire.proxy.url, node.hub, node.data_protector


WIRE = Wire()


class Run:
    """What the cases share."""


def where():
    node = Behind(NODE, WIRE)
    return ("--chain", node.url, "--hub", node.hub, "--dataprotector", node.data_protector, "--log",
            "info", "--replace-after", "2", "--max-fee", MAX_FEE)


def account(role):
    with open(os.path.join(LAB.home, role, "wallet.json"), encoding="ascii") as f:
        return "0x" + json.load(f)["address"].removeprefix("0x")


def task(name):
    status, seen = LAB.one(Run.user, "task", name)
    return seen if status == 0 else {"status": "", "iapp": {}}


def releases(name):
    """How often the SMS let the keys of this task go, by the owner's log."""
    return sum(1 for x in LAB.good(Run.owner, "audit", Run.data)["entries"]
               if x["taskId"] == name and x["verdict"] == "release")


def begin(words="hold=4 show"):
    answer = LAB.good(Run.user, "run", Run.app, "--data", Run.data, "--args", words, "--no-wait")
    return answer["taskIds"][0]


def running(name):
    """Its app has the keys."""
    until("the keys are released", lambda: releases(name) == 1)
    return name


def waits(name, cause):
    """The requester reads why."""
    def said():
        ours = task(name).get("iapp", {})
        return ours.get("cause") == cause and ours
    until(f"{name} waits for {cause}: {LAB.log()[-3000:]}", said)
    return said()


def completed(name):
    until(f"{name} ends: {LAB.log()[-4000:]}", lambda: task(name)["status"] == "COMPLETED", 120)
    equal((releases(name), len(task(name)["iapp"]["attempts"])), (1, 1), "releases and attempts")
    until("its receipt", lambda: LAB.one(Run.user, "result", name, "--out",
                                         f"r{time.monotonic_ns()}")[0] == 0)


@case
def people_settle_in():
    PLACE.home.refused(None, "up", "--port", "0", *where(), code="INSUFFICIENT_FUNDS")
    for role in ("scheduler", "worker"):
        PLACE.fund(account(role))
    PLACE.home.up(*where())
    Run.owner, Run.developer, Run.user = (PLACE.wallet() for _ in range(3))
    Run.app = LAB.deploy(Run.developer, LAB.project("probe"))
    Run.data = LAB.good(Run.owner, "protect", "text=secret")["address"]
    LAB.good(Run.owner, "grant", Run.data, Run.app, Run.user, "--times", "30")


@case
def a_fee_spike_of_twenty_seconds():
    name = running(begin())
    MINER.resume(SPIKE * GWEI)
    end = time.monotonic() + 20
    ours = waits(name, "FEE_REFUSED")
    check("gwei for a unit of gas" in ours["message"], f"{ours}")
    while time.monotonic() < end:
        equal(task(name)["status"], "RUNNING", "nobody gives up")
        time.sleep(1)
    MINER.resume(GWEI)
    completed(name)


@case
def a_worker_that_dies_and_an_installation_that_restarts_in_a_spike():
    name = running(begin())
    MINER.resume(SPIKE * GWEI)
    waits(name, "FEE_REFUSED")
    pid = role_pid(LAB, "worker")
    os.kill(pid, signal.SIGKILL)
    until("it runs again", lambda: role_pid(LAB, "worker") not in (0, pid))
    waits(name, "FEE_REFUSED")
    equal(LAB.stop(), 0, "exit status")
    PLACE.home.up(*where())
    waits(name, "FEE_REFUSED")
    MINER.resume(GWEI)
    completed(name)


@case
def an_account_that_is_empty_for_twelve_seconds():
    poor = account("worker")
    name = running(begin())
    PLACE.fund(poor, 0)
    end = time.monotonic() + 12
    ours = waits(name, "INSUFFICIENT_FUNDS")
    check(poor in ours["message"].lower() and "ETH" in ours["message"], f"{ours}")
    second = begin("show")
    until("the second waits for a worker",
          lambda: task(second)["iapp"].get("waitsFor", {}).get("workers"))
    waiting = task(second)["iapp"]["waitsFor"]
    told, = waiting["workers"]
    equal((told["worker"], told["cause"]), (poor, "INSUFFICIENT_FUNDS"), "who waits for what")
    check("ETH" in waiting["text"], f"{waiting}")
    until("it is in the log", lambda: "worker.waits" in LAB.log())
    said = LAB.said(Run.user, "task", second)[1]
    check("ETH" in said, said)
    said = LAB.said(Run.user, "task", name)[1]
    check("the result is finished" in said and "INSUFFICIENT_FUNDS" in said, said)
    while time.monotonic() < end:
        equal(releases(second), 0, "no worker takes it")
        time.sleep(1)
    PLACE.fund(poor)
    completed(name)
    completed(second)


@case
def a_connection_that_drops_at_the_settling_moment():
    for when in ("before", "after"):
        name = running(begin("hold=2 show"))
        WIRE.drop(when)
        until("the transaction is on its way", lambda: WIRE.lost)
        completed(name)


@case
def what_is_settled_leaves_nothing_to_settle():
    def unsettled():
        out = []
        for file in os.listdir(os.path.join(LAB.home, "worker/done")):
            with open(os.path.join(LAB.home, "worker/done", file), encoding="ascii") as f:
                out += [] if json.load(f).get("reported") else [file]
        return out
    until("every kept result is reported", lambda: unsettled() == [])


if __name__ == "__main__":
    try:
        main()
    finally:
        MINER.close()
        PLACE.close()
        WIRE.proxy.close()
