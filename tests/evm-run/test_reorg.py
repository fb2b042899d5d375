#!/usr/bin/env python3
"""Reorganisations of six blocks under an installation that settles on an EVM chain: a deal that comes
again is done once, one that does not costs nothing, a settlement that was lost is made again, and what
derives from the chain is what a new reading derives."""
import os
import sqlite3
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import eth  # noqa: E402
import lab  # noqa: E402
import npm  # noqa: E402
from anvil import Anvil  # noqa: E402
from tap import case, check, equal, main  # noqa: E402

LAB = lab.Lab("evm-reorg")
try:
    CHAIN = Anvil()
except npm.Unreachable as why:
    LAB.close()
    print(f"1..0 # SKIP {why}")
    sys.exit(0)
WHERE = ("--chain", CHAIN.url, "--hub", CHAIN.hub, "--dataprotector", CHAIN.data_protector)
PRICE = 7
WAIT_S = 60


class Run:
    """What the cases share."""


def wait(what, look):
    """What `look` returns once it is true."""
    end = time.monotonic() + WAIT_S
    while True:
        found = look()
        if found:
            return found
        check(time.monotonic() < end, f"{what}: {LAB.log()[-3000:]}")
        time.sleep(0.05)


def task(deal):
    return LAB.one(None, "task", deal["taskIds"][0])[1]


def until(deal, state, cause=None):
    def look():
        now = task(deal)
        ours = now.get("iapp", {})
        return now if now.get("currentStatus") == state and cause in (None, ours["cause"]) else None
    return wait(f"{state} {cause}", look)


def on_hub(deal):
    """Status of the task: 0 unset, 1 active, 3 completed, 4 failed."""
    view = CHAIN.call("viewTask(bytes32)", bytes.fromhex(deal["taskIds"][0][2:]))
    return int.from_bytes(view[32:64], "big")


def start(words):
    """A deal in one of the last blocks, below which six others lie; its raw transaction."""
    CHAIN.mine(6)
    deal = LAB.good(Run.requester, "run", Run.app, "--data", Run.data, "--args", words, "--max",
                    "1RLC", "--no-wait")
    return deal, CHAIN.rpc("eth_getRawTransactionByHash", deal["transactionHash"])


def stakes():
    """Free and locked, of the requester and of the data's owner."""
    def of(who):
        view = CHAIN.call("viewAccount(address)", who)
        return int.from_bytes(view[:32], "big"), int.from_bytes(view[32:64], "big")
    return of(Run.requester), of(Run.owner)


def derived():
    """Rows of market and index that come from the chain."""
    out = {}
    for name, tables in (("market", None), ("graph", None)):
        db = sqlite3.connect(f"file:{LAB.home}/front/{name}.db?mode=ro", uri=True)
        if name == "market":
            out["orders"] = sorted(db.execute("SELECT hash, status, remaining FROM orders"))
            out["deals"] = sorted(db.execute("SELECT dealid, block, body FROM deals"))
        else:
            tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'"
                                               " AND name NOT IN ('meta', 'missing')"
                                               " AND name NOT LIKE 'sqlite%'")]
            for table in tables:
                out["graph." + table] = sorted(db.execute(f"SELECT * FROM {table}"), key=repr)
        db.close()
    return out


def catch_up():
    """Both follow up to the head when they are asked."""
    LAB.run(None, "orders", "--data", Run.data)
    lab.urllib.request.urlopen(lab.urllib.request.Request(
        Run.config["pocoSubgraphUrl"], b'{"query":"{ _meta { block { number } } }"}',
        {"Content-Type": "application/json"}), timeout=30).read()


@case
def people_settle_in():
    Run.config = LAB.up(*WHERE)
    Run.owner, Run.developer, Run.requester = (LAB.wallet() for _ in range(3))
    Run.app = LAB.deploy(Run.developer, LAB.project("probe"))
    Run.data = LAB.good(Run.owner, "protect", "text=what the app reads")["address"]
    LAB.good(Run.owner, "grant", Run.data, Run.app, Run.requester, "--price", f"{PRICE} nRLC",
             "--times", "50")
    CHAIN.send("0x" + eth.call("transfer(address,uint256)", Run.requester, 1000).hex(), CHAIN.token)
    LAB.good(Run.requester, "balance", "--deposit", "1000 nRLC")
    Run.before = stakes()
    equal(Run.before, ((1000, 0), (0, 0)), "stakes")


@case
def a_deal_that_comes_again_is_done_once():
    deal, raw = start("hold=3 show")
    until(deal, "RUNNING")
    CHAIN.reorganise(6, [(raw, 2)])
    until(deal, "COMPLETED")  # perhaps by a second attempt, where the rewrite met the first release
    equal(on_hub(deal), 3, "the hub's word")
    equal(stakes(), ((1000 - PRICE, 0), (PRICE, 0)), "paid once")


@case
def a_deal_that_stays_away_costs_nothing():
    before = stakes()
    left = LAB.run(None, "orders", "--data", Run.data)
    deal, _ = start("show")
    until(deal, "COMPLETED")
    CHAIN.reorganise(6)
    told = wait("the requester is told",
                lambda: (t := task(deal))["iapp"]["cause"] == "DEAL_REORGANISED" and t)
    check("nothing is paid" in told["iapp"]["message"], f"{told}")
    equal((stakes(), on_hub(deal)), (before, 0), "no payment, no task")
    equal(LAB.run(None, "orders", "--data", Run.data), left, "the order has its runs back")
    Run.lost = deal


@case
def a_settlement_that_was_lost_is_made_again():
    before = stakes()
    deal, _ = start("hold=2 show")
    until(deal, "RUNNING")
    CHAIN.mine(6)
    first = until(deal, "COMPLETED")
    CHAIN.reorganise(6)
    equal(on_hub(deal), 1, "active again")
    wait("settled again", lambda: on_hub(deal) == 3)
    got = until(deal, "COMPLETED")
    equal(len(got["iapp"]["attempts"]), len(first["iapp"]["attempts"]), "nobody ran it again")
    (free, locked), (earned, _) = stakes()
    equal((free, locked, earned), (before[0][0] - PRICE, 0, before[1][0] + PRICE), "paid once")
    status, receipt = LAB.one(Run.requester, "result", deal["taskIds"][0], "--out", "again")
    equal(status, 0, f"{receipt}")


def releases(deal):
    """How often the SMS let the keys of its task go, by the owner's log."""
    return sum(1 for x in LAB.good(Run.owner, "audit", Run.data)["entries"]
               if x["taskId"] == deal["taskIds"][0] and x["verdict"] == "release")


def released(deal):
    until(deal, "RUNNING")
    wait("the keys are released", lambda: releases(deal) == 1)


def run_once(deal):
    got = until(deal, "COMPLETED")
    equal((releases(deal), len(got["iapp"]["attempts"])), (1, 1), "releases and attempts")


@case
def a_deal_that_is_away_while_its_result_is_finished():
    before = stakes()
    deal, raw = start("hold=2 show")
    released(deal)
    CHAIN.reorganise(6)
    wait("the worker has a result and no task", lambda: "task.waits" in of(deal, LAB.log()))
    until(deal, "RUNNING", "DEAL_REORGANISED")
    CHAIN.rpc("eth_sendRawTransaction", raw)
    run_once(deal)
    (free, locked), (earned, _) = stakes()
    equal((free, locked, earned), (before[0][0] - PRICE, 0, before[1][0] + PRICE), "paid once")
    equal(LAB.one(Run.requester, "result", deal["taskIds"][0], "--out", "away")[0], 0, "result")


def of(deal, log):
    return "\n".join(x for x in log.splitlines() if deal["taskIds"][0] in x)


@case
def a_deal_that_is_away_over_a_restart_of_everything():
    deal, raw = start("hold=2 show")
    released(deal)
    CHAIN.reorganise(6)
    wait("the worker has a result and no task", lambda: "task.waits" in of(deal, LAB.log()))
    equal(LAB.stop(), 0, "exit status")
    Run.config = LAB.up(*WHERE)
    until(deal, "RUNNING", "DEAL_REORGANISED")
    CHAIN.rpc("eth_sendRawTransaction", raw)
    run_once(deal)


@case
def a_result_whose_deal_never_comes_back():
    before = stakes()
    deal, _ = start("hold=2 show")
    released(deal)
    CHAIN.reorganise(6)
    wait("the worker has a result and no task", lambda: "task.waits" in of(deal, LAB.log()))
    until(deal, "RUNNING", "DEAL_REORGANISED")
    equal((stakes(), releases(deal)), (before, 1), "no payment, one release")
    Run.never = deal


@case
def a_lost_settlement_whose_nonce_another_took():
    before = stakes()
    deal, raw = start("hold=2 show")
    released(deal)
    CHAIN.mine(6)
    until(deal, "COMPLETED")
    settled = CHAIN.rpc("eth_getTransactionByHash", settlement(deal))
    CHAIN.rpc("anvil_impersonateAccount", settled["from"])
    CHAIN.reorganise(6, [({"from": settled["from"], "to": settled["from"], "gas": hex(21000),
                           "gasPrice": "0x0", "nonce": settled["nonce"]}, 1)])
    equal(on_hub(deal), 1, "active again")
    wait("settled again", lambda: on_hub(deal) == 3)
    until(deal, "COMPLETED")
    equal(releases(deal), 1, "the app did not run again")
    (free, locked), (earned, _) = stakes()
    equal((free, locked, earned), (before[0][0] - PRICE, 0, before[1][0] + PRICE), "paid once")
    wait("its receipt", lambda: LAB.one(Run.requester, "result", deal["taskIds"][0], "--out",
                                        f"nonce{time.monotonic_ns()}")[0] == 0)
    check(raw, "its deal stands")


def settlement(deal):
    topic = "0x" + eth.keccak(b"TaskFinalize(bytes32,bytes)").hex()
    log, = CHAIN.rpc("eth_getLogs", {"fromBlock": "0x0", "address": CHAIN.hub,
                                     "topics": [topic, deal["taskIds"][0]]})
    return log["transactionHash"]


@case
def it_is_noticed_after_a_restart():
    before = stakes()
    deal, raw = start("show")
    until(deal, "COMPLETED")
    catch_up()
    equal(LAB.stop(), 0, "exit status")
    CHAIN.reorganise(6, [(raw, 1)])
    CHAIN.mine(2)
    Run.config = LAB.up(*WHERE)
    wait("done", lambda: on_hub(deal) == 3)
    until(deal, "COMPLETED")
    (free, locked), _ = stakes()
    equal((free, locked), (before[0][0] - PRICE, 0), "paid once")


@case
def what_is_derived_is_what_a_rebuild_derives():
    catch_up()
    equal(LAB.stop(), 0, "exit status")
    kept = derived()
    check(len(kept["deals"]) == 6, f"deals: {len(kept['deals'])}")
    done = subprocess.run([lab.IAPPD, "reindex", "--home", LAB.home, *WHERE, "--json"],
                          env=LAB.env(), capture_output=True, timeout=120, check=False,
                          stdin=subprocess.DEVNULL)
    equal(done.returncode, 0, f"{done.stdout} {done.stderr}")
    again = derived()
    equal(sorted(kept), sorted(again), "tables")
    for table, rows in kept.items():
        equal(rows, again[table], table)


@case
def a_deal_that_never_came_ends_without_a_claim():
    Run.config = LAB.up(*WHERE)
    before = stakes()
    CHAIN.later(7 * 300 + 60)
    until(Run.never, "CONTRIBUTION_TIMEOUT", "DEAL_REORGANISED")
    equal((releases(Run.never), on_hub(Run.never)), (1, 0), "nothing more was released")
    over = until(Run.lost, "CONTRIBUTION_TIMEOUT", "DEAL_REORGANISED")
    check(over["iapp"]["message"], f"{over}")
    equal((stakes(), on_hub(Run.lost)), (before, 0), "nothing was paid")
    check("ledger.deep" not in LAB.log(), "no rewrite was deeper than what is remembered")


if __name__ == "__main__":
    try:
        main()
    finally:
        LAB.close()
        CHAIN.close()
