#!/usr/bin/env python3
"""The test chain itself: what is deployed is PoCo 6.1.0, whole, and the tools of tests/lib/anvil.py do
what they say."""
import json
import os
import signal
import subprocess
import sys
import urllib.error

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import abi  # noqa: E402
import eth  # noqa: E402
from anvil import CHAIN_ID, Anvil  # noqa: E402
from tap import case, check, equal, main  # noqa: E402

RICH = eth.Account(0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80)
POOR = eth.Account(0x77)


def word(data, i=0):
    return int.from_bytes(data[32 * i:32 * i + 32], "big")


def separator(hub, chain_id):
    kinds = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
    return eth.keccak(abi.encode(["bytes32"] * 3 + ["uint256", "address"], [
        eth.keccak(kinds.encode()), eth.keccak(b"iExecODB"), eth.keccak(b"5.0.0"), chain_id, hub]))


@case
def the_hub_is_poco_whole():
    with Anvil() as chain:
        equal(chain.call("eip712domain_separator()"), separator(chain.hub, CHAIN_ID), "separator")
        facets = chain.call("facets()")
        count, table = word(facets, 1), facets[64:]
        total = sum(word(table[word(table, i) + word(table[word(table, i):], 1):])
                    for i in range(count))
        equal((count, total), (16, 103), "facets, selectors")
        seconds = []
        for i in range(word(chain.call("countCategory()"))):
            view = chain.call("viewCategory(uint256)", i)
            seconds.append(word(view[word(view):], 2))
        equal(seconds, [300, 1200, 3600, 10800, 36000], "categories")
        equal(chain.call("token()")[12:].hex(), chain.token[2:], "token")
        for kind, at in chain.registries.items():
            equal(chain.call(f"{kind}registry()")[12:].hex(), at[2:], kind)
        equal(word(chain.call("callbackgas()")), 100000, "callback gas")
        equal(word(chain.call("balanceOf(address)", RICH.address, to=chain.token)), 10**13, "RLC")


@case
def another_chain_id_has_its_own_separator():
    with Anvil(chain_id=31337) as chain:
        equal(int(chain.rpc("eth_chainId"), 16), 31337, "chain id")
        equal(chain.call("eip712domain_separator()"), separator(chain.hub, 31337), "separator")


@case
def who_has_no_coins_deposits_and_protects():
    with Anvil() as chain:
        def send(who, to, signature, *values):
            nonce = int(chain.rpc("eth_getTransactionCount", who.address, "latest"), 16)
            raw = who.transaction(chain.chain_id, to, abi.call(signature, *values), nonce=nonce)
            done = eth.receipt(chain.url, chain.rpc("eth_sendRawTransaction", raw))
            equal(done["status"], "0x1", signature)
            return done

        equal(int(chain.rpc("eth_getBalance", POOR.address, "latest"), 16), 0, "coins")
        send(POOR, chain.token, "faucet(uint256)", 500)
        send(POOR, chain.token, "approveAndCall(address,uint256,bytes)", chain.hub, 400, b"")
        equal(word(chain.call("viewAccount(address)", POOR.address)), 400, "stake")
        done = send(POOR, chain.data_protector,
                    "createDatasetWithSchema(address,string,string,bytes,bytes32)", POOR.address,
                    "n", '{"a":"string"}', b"/ipfs/x", b"\x01")
        event = eth.keccak(b"DatasetSchema(address,string)").hex()
        log = next(x for x in done["logs"] if x["topics"][0] == "0x" + event)
        owner = chain.call("owner()", to="0x" + log["topics"][1][26:])
        equal(owner[12:].hex(), POOR.address[2:], "owner of the dataset")
        made = send(POOR, chain.group_factory, "createGroup(bytes32)", b"\x07")
        group = made["logs"][0]["address"]
        check(word(chain.call("keyHasPurpose(bytes32,uint256)",
                              bytes(12) + bytes.fromhex(group[2:]), 4, to=group)), "holds itself")


@case
def time_snapshots_and_reorganisations():
    with Anvil() as chain:
        def approved():
            return word(chain.call("allowance(address,address)", RICH.address, chain.hub))

        approve = "0x" + abi.call("approve(address,uint256)", chain.hub, 5).hex()
        start, kept = chain.now(), chain.snapshot()
        chain.later(1000)
        check(chain.now() >= start + 1000, "the clock went on")
        chain.send(approve, chain.hub)
        equal(approved(), 5, "allowance")
        check(chain.revert(kept), "taken back")
        equal(approved(), 0, "allowance of the snapshot")
        chain.mine(5)
        chain.send(approve, chain.hub)
        height = chain.height()
        before = chain.rpc("eth_getBlockByNumber", hex(height), False)["hash"]
        chain.reorganise(3)
        equal((chain.height(), approved()), (height, 0), "after a reorganisation")
        check(chain.rpc("eth_getBlockByNumber", hex(height), False)["hash"] != before, "hash")
        chain.roll_back(2)
        equal(chain.height(), height - 2, "after a roll-back")


@case
def the_command_says_where_and_ends_when_told():
    with subprocess.Popen([sys.executable, os.path.join(HERE, "run.py")],
                          stdout=subprocess.PIPE) as p:
        said = json.loads(p.stdout.readline())
        equal(int(eth.rpc(said["rpcUrl"], "eth_chainId"), 16), said["chainId"], "chain id")
        check(eth.rpc(said["rpcUrl"], "eth_getCode", said["hub"], "latest") != "0x", "a hub")
        p.send_signal(signal.SIGTERM)
        equal(p.wait(timeout=60), 0, "exit status")
    try:
        eth.rpc(said["rpcUrl"], "eth_chainId")
    except urllib.error.URLError:
        return
    raise AssertionError("the chain outlived the command")


if __name__ == "__main__":
    main()
