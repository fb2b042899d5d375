#!/usr/bin/env python3
"""An installation that settles on an EVM chain without fees: one private task, end to end, and what
it refuses at the start."""
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import lab  # noqa: E402
from evmlab import chain, where  # noqa: E402
from tap import case, check, equal, main  # noqa: E402

CHAIN = chain()
LAB = lab.Lab("evm-run")
VALUE = "only-the-app-reads-this"


class Run:
    """What the cases share."""


def refused(code, *args):
    error = LAB.refused(None, "up", "--port", "0", *args, code=code,
                        status=2 if code == "USAGE" else 1)
    return error["message"]


@case
def an_installation_starts_and_has_a_pool_of_its_own():
    Run.config = LAB.up(*where(CHAIN))
    equal((Run.config["rpcUrl"], Run.config["chainId"], Run.config["hubAddress"].lower()),
          (CHAIN.url, CHAIN.chain_id, CHAIN.hub), "the chain that was named")
    owner = CHAIN.call("owner()", to=Run.config["workerpool"])
    with open(os.path.join(LAB.home, "scheduler/wallet.json"), encoding="ascii") as f:
        equal(owner[12:].hex(), json.load(f)["address"].removeprefix("0x").lower(), "its owner")
    check(not os.path.exists(os.path.join(LAB.home, "front/ledger.db")), "no ledger of its own")


@case
def one_private_task_end_to_end():
    Run.owner, Run.developer, Run.requester = (LAB.wallet() for _ in range(3))
    Run.app = LAB.deploy(Run.developer, LAB.project("probe"))
    source = LAB.write("value.json", json.dumps({"text": VALUE}))
    data = LAB.good(Run.owner, "protect", source, "--name", "data")["address"]
    LAB.good(Run.owner, "grant", data, Run.app, Run.requester)
    got = LAB.good(Run.requester, "run", Run.app, "--data", data, "--args", "show", "--out", "out")
    task, = got["tasks"]
    equal((task["status"], task["cause"], task["simulated"]), ("COMPLETED", "", True), "the task")
    equal(lab.shown(LAB.path("out"))[2]["/iexec_in/protected/text"], VALUE, "what the app read")
    view = CHAIN.call("viewTask(bytes32)", bytes.fromhex(task["taskId"][2:]))
    equal(int.from_bytes(view[32:64], "big"), 3, "completed, says the hub")


@case
def its_receipt_is_proven():
    status, answer = LAB.one(None, "verify", LAB.path("out.receipt.json"), "--result",
                             LAB.path("out.result.zip"), "--rpc", CHAIN.url)
    equal((status, answer["verdict"]), (0, "proven"), f"{answer}")


@case
def data_change_hands():
    """safeTransferFrom of the published registry; the SMS follows its signed transaction."""
    data = LAB.good(Run.owner, "protect", LAB.path("value.json"), "--name", "sold")["address"]
    done = LAB.good(Run.owner, "transfer", data, Run.requester, "--yes")
    equal((done["kind"], done["already"], done["owner"]), ("data", False, Run.requester), f"{done}")
    owner = CHAIN.call("ownerOf(uint256)", int(data, 16), to=CHAIN.registries["dataset"])
    equal("0x" + owner[12:].hex(), Run.requester.lower(), "on the ledger")
    again = LAB.good(Run.owner, "transfer", data, Run.requester, "--yes")
    equal((again["already"], again["transactionHash"]), (True, None), "a second time")
    LAB.good(Run.requester, "grant", data, Run.app, Run.developer, "--purpose", "research")
    got = LAB.good(Run.developer, "run", Run.app, "--data", data, "--purpose", "research", "--out",
                   "sold")
    equal(got["tasks"][0]["status"], "COMPLETED", "on the new owner's grant")


@case
def a_task_that_reached_no_enclave_is_proven_by_its_pool():
    data = LAB.good(Run.owner, "protect", LAB.path("value.json"), "--name", "bound")["address"]
    LAB.good(Run.owner, "grant", data, Run.app, Run.requester, "--purpose", "research")
    _, got = LAB.one(Run.requester, "run", Run.app, "--data", data, "--no-check", "--purpose",
                     "marketing", "--out", "refused")
    task, = got["tasks"]
    equal((task["status"], task["receiptPath"]), ("FAILED", "refused.receipt.json"), f"{task}")
    with open(LAB.path("refused.receipt.json"), encoding="utf-8") as f:
        receipt = json.load(f)
    equal(sorted(receipt), ["settlement", "workerpool"], "its parts")
    with open(os.path.join(LAB.home, "trust.json"), encoding="utf-8") as f:
        trust = json.load(f)
    pools = trust["sms"][0].pop("pools")
    equal([p.lower() for p in pools], [Run.config["workerpool"].lower()], "our own pool is listed")
    for more in ((), ("--rpc", CHAIN.url)):
        status, answer = LAB.one(None, "verify", "refused.receipt.json", *more)
        equal((status, answer["verdict"], answer["simulated"]), (0, "proven", True), f"{answer}")
    strange = LAB.write("trust.json", json.dumps(trust))
    status, answer = LAB.one(None, "verify", "refused.receipt.json", "--trust", strange)
    equal((status, answer["verdict"], answer["code"]), (1, "not proven", "UNKNOWN_POOL"), "unlisted")
    completed = json.load(open(LAB.path("out.receipt.json"), encoding="utf-8"))
    completed = json.loads(completed["settlement"]["text"])["taskId"]
    receipt["settlement"]["text"] = receipt["settlement"]["text"].replace(task["taskId"], completed)
    LAB.write("moved.json", json.dumps(receipt))
    status, answer = LAB.one(None, "verify", "moved.json", "--rpc", CHAIN.url)
    equal((status, answer["verdict"], answer["code"]), (1, "refused", "ORDER_SIGNATURE"), "moved")


@case
def it_comes_back_with_the_same_pool():
    equal(LAB.stop(), 0, "exit status")
    equal(LAB.up(*where(CHAIN))["workerpool"], Run.config["workerpool"], "the pool")
    equal(LAB.stop(), 0, "exit status")


@case
def what_cannot_be_meant_is_refused():
    home, LAB.home = LAB.home, LAB.path("another")
    at = ("--chain", CHAIN.url, "--hub")
    refused("CHAIN_ID", *at, CHAIN.hub, "--chain-id", "5")
    check("no contract" in refused("NOT_FOUND", *at, "0x" + "12" * 20), "what is missing")
    check("no PoCo hub" in refused("INVALID", *at, CHAIN.token), "what it is not")
    refused("USAGE", "--chain", CHAIN.url)
    LAB.home = home
    check("EVM chain" in refused("USAGE"), "a home of an EVM chain needs one")
    with chain(chain_id=31337) as other:
        check("421614" in refused("CHAIN_ID", *where(other)), "the chain of this home")


if __name__ == "__main__":
    try:
        main()
    finally:
        LAB.close()
        CHAIN.close()
