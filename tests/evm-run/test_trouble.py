#!/usr/bin/env python3
"""What goes wrong with transactions on a chain: fees that rise, nodes that forget, nonces that others
take, processes that die, accounts without coin. Each task ends all the same, and nothing is done
twice."""
import json
import os
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import abi  # noqa: E402
import eth  # noqa: E402
import lab  # noqa: E402
from evmlab import GWEI, Chain, Miner, pending, restart, role_pid, until, where  # noqa: E402
from tap import case, check, equal, main  # noqa: E402

LAB = lab.Lab("evm-trouble")
PLACE = Chain(LAB, True, "--no-mining")
NODE = PLACE.node
MINER = Miner(NODE, GWEI)
INITIALIZED = "0x" + eth.keccak(b"TaskInitialize(bytes32,address)").hex()
FINALIZED = "0x" + eth.keccak(b"TaskFinalize(bytes32,bytes)").hex()


class Run:
    """What the cases share."""


def events(topic, task):
    return NODE.rpc("eth_getLogs", {"fromBlock": "0x0", "address": NODE.hub,
                                    "topics": [topic, task]})


def nonce(account):
    return int(NODE.rpc("eth_getTransactionCount", account, "latest"), 16)


def deal():
    """A deal whose initialisation waits for a block; the pause holds. Its task."""
    MINER.pause()
    p = subprocess.Popen([*LAB.command(Run.user, "run", Run.app, "--data", Run.data, "--no-wait"),
                          "--json"], env=LAB.env(), cwd=LAB.top, stdout=subprocess.PIPE, text=True)
    until("the match waits", lambda: pending(NODE, Run.user))
    MINER.block()
    answer = p.communicate(timeout=60)[0]
    equal(p.returncode, 0, answer)
    until("the initialisation waits", lambda: pending(NODE, Run.pool))
    return json.loads(answer.splitlines()[-1])["taskIds"][0]


def completed(task):
    def over():
        status, seen = LAB.one(Run.user, "task", task)  # its scheduler may just start anew
        return status == 0 and seen["status"] == "COMPLETED"
    until(f"{task} ends: {LAB.log()[-3000:]}", over, 120)
    equal((len(events(INITIALIZED, task)), len(events(FINALIZED, task))), (1, 1), "done once each")
    until("nothing is under way any more", lambda: not left("scheduler") and not left("worker"))


def left(role):
    """Files of transactions under way."""
    return [f for _, _, files in os.walk(os.path.join(LAB.home, role, "outbox")) for f in files
            if f.endswith(".json")]


def waiting(account):
    """The one transaction of the account that waits."""
    transaction, = pending(NODE, account).values()
    return transaction


@case
def roles_without_coin_are_named_and_what_they_need():
    error = PLACE.fund_roles("--replace-after", "2")
    check("ETH" in error["hint"], f"{error}")
    config = PLACE.home.up(*where(NODE), "--log", "info", "--replace-after", "2")
    Run.pool = "0x" + NODE.call("owner()", to=config["workerpool"])[12:].hex()
    Run.owner, Run.developer, Run.user = (PLACE.wallet() for _ in range(3))
    Run.app = LAB.deploy(Run.developer, LAB.project("probe"))
    Run.data = LAB.good(Run.owner, "protect", "text=secret")["address"]
    LAB.good(Run.owner, "grant", Run.data, Run.app, Run.user, "--times", "30")


@case
def a_wallet_without_coin_is_told_what_is_missing():
    poor = LAB.wallet()
    error = LAB.refused(poor, "protect", "text=poor", code="INSUFFICIENT_FUNDS")
    check(f"{poor} has 0 ETH" in error["message"] and "are missing" in error["message"], f"{error}")
    equal(int(LAB.good(Run.user, "balance")["coinWei"]), int(NODE.rpc("eth_getBalance", Run.user,
                                                                       "latest"), 16), "coin")


@case
def fees_above_the_limit_are_refused():
    LAB.good(None, "config", "set", "maxFee", "0.5")
    try:
        error = LAB.refused(Run.owner, "protect", "text=dear", code="FEE_REFUSED")
    finally:
        LAB.good(None, "config", "set", "maxFee", "--unset")
    check("gwei for a unit of gas, allowed are 0.5" in error["message"], f"{error}")


@case
def a_stuck_transaction_is_replaced():
    task = deal()
    first = waiting(Run.pool)
    MINER.resume(50 * GWEI)  # more than it offers
    completed(task)
    event, = events(INITIALIZED, task)
    mined = NODE.rpc("eth_getTransactionByHash", event["transactionHash"])
    check(mined["hash"] != first["hash"], "another form")
    equal((mined["nonce"], mined["input"]), (first["nonce"], first["input"]), "of the same call")
    check(int(mined["maxFeePerGas"], 16) * 8 >= int(first["maxFeePerGas"], 16) * 9, "offers more")
    MINER.resume(GWEI)


@case
def what_the_node_forgets_is_sent_again():
    task = deal()
    first = waiting(Run.pool)["hash"]
    NODE.rpc("anvil_dropTransaction", first)
    equal(pending(NODE, Run.pool), {}, "it is forgotten")
    MINER.resume()
    completed(task)
    equal(events(INITIALIZED, task)[0]["transactionHash"], first, "the very same transaction")


@case
def a_nonce_that_another_took_is_renewed():
    task = deal()
    first = waiting(Run.pool)
    NODE.rpc("anvil_dropTransaction", first["hash"])
    NODE.rpc("anvil_impersonateAccount", Run.pool)
    NODE.rpc("eth_sendTransaction", {"from": Run.pool, "to": Run.pool, "nonce": first["nonce"],
                                     "gasPrice": hex(5 * GWEI)})
    MINER.block()
    MINER.resume()
    completed(task)
    event, = events(INITIALIZED, task)
    mined = NODE.rpc("eth_getTransactionByHash", event["transactionHash"])
    check(int(mined["nonce"], 16) > int(first["nonce"], 16), "a new nonce")


def killed(role):
    pid = role_pid(LAB, role)
    check(pid, f"{role} runs")
    os.kill(pid, signal.SIGKILL)
    until("it runs again", lambda: role_pid(LAB, role) not in (0, pid))


@case
def a_scheduler_that_dies_between_sending_and_receipt():
    task, before = deal(), nonce(Run.pool)
    killed("scheduler")
    MINER.resume()
    completed(task)
    equal(nonce(Run.pool), before + 1, "one transaction")


@case
def a_worker_that_dies_between_sending_and_receipt():
    task = deal()
    MINER.block()
    until("the settlement waits", lambda: pending(NODE, worker()))
    killed("worker")
    MINER.resume()
    completed(task)
    until("its receipt", lambda: receipt(task))


def receipt(task):
    status, _ = LAB.one(Run.user, "result", task, "--out", f"r{time.monotonic_ns()}")
    return status == 0


def worker():
    with open(os.path.join(LAB.home, "worker/wallet.json"), encoding="ascii") as f:
        return "0x" + json.load(f)["address"].removeprefix("0x")


def dies_at(point):
    """Every role with that point dies there once."""
    folder = LAB.path(point)
    os.mkdir(folder)
    equal(LAB.stop(), 0, "exit status")
    PLACE.home.up(*where(NODE), "--log", "info", "--replace-after", "2", IAPP_CRASH_DIR=folder,
                  IAPP_CRASH_ONLY=point)
    _, got = LAB.one(Run.user, "run", Run.app, "--data", Run.data, "--no-wait")
    completed(got["taskIds"][0])
    check(os.listdir(folder), f"{point} was passed")


@case
def processes_that_die_before_and_after_they_note_and_send():
    for point in ("chain-signed", "chain-kept", "chain-sent", "worker-done-written"):
        dies_at(point)


@case
def a_node_that_starts_anew_with_a_transaction_waiting():
    task = deal()
    restart(NODE)
    equal(pending(NODE, Run.pool), {}, "it is forgotten")
    MINER.resume()
    completed(task)


@case
def a_node_that_starts_anew_under_load():
    answer = LAB.good(Run.user, "run", Run.app, "--data", Run.data, "--tasks", "8", "--no-wait")
    tasks = answer["taskIds"]
    until("the first is settled", lambda: any(events(FINALIZED, task) for task in tasks))
    MINER.pause()
    open_ones = [task for task in tasks if not events(FINALIZED, task)]
    check(open_ones, "some are under way")
    restart(NODE)
    MINER.resume()
    for task in tasks:
        completed(task)


@case
def two_commands_of_one_wallet_at_once():
    before = nonce(Run.owner)
    words = [[*LAB.command(Run.owner, "protect", f"text=t{i}"), "--json"] for i in range(3)]
    started = [subprocess.Popen(w, env=LAB.env(), cwd=LAB.top, stdout=subprocess.PIPE, text=True)
               for w in words]
    for p in started:
        said = p.communicate(timeout=120)[0]
        equal(p.returncode, 0, said)
    equal(nonce(Run.owner), before + 3, "three transactions")


if __name__ == "__main__":
    try:
        main()
    finally:
        MINER.close()
        PLACE.close()
