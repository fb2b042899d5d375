#!/usr/bin/env python3
"""The embedded ledger as iappd serves it: what no block may hold, test time, the options of a new
ledger, kill -9 under load, `iappd ledger verify`, `iappd reindex`."""
import http.client
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import eth  # noqa: E402
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

IAPPD = os.path.join(os.environ["IA_BUILD"], "iappd")
TOP = tempfile.mkdtemp(prefix="iapp-ledger-")
SEED = os.environ.get("IAPP_TEST_SEED", str(random.randrange(1 << 32)))
GENESIS = "0x" + "5e" * 32
GONE = (OSError, http.client.HTTPException)
LOG = open(os.path.join(TOP, "log"), "wb")  # of all daemons; the folder goes at the end
DAEMONS = []


class Daemon:
    """`iappd run` of the front's roles; .ready is what it said."""

    def __init__(self, name, *options, roles="ledger", **environment):
        self.home = os.path.join(TOP, name)
        self.process = subprocess.Popen(
            [IAPPD, "run", "--home", self.home, "--role", roles, "--port", "0", "--json", *options],
            env=dict(os.environ, **environment), stdout=subprocess.PIPE, stderr=LOG,
            stdin=subprocess.DEVNULL)
        DAEMONS.append(self)
        self.ready = json.loads(self.process.stdout.readline())

    def rpc(self, method, *params):
        return eth.rpc(self.ready["rpcUrl"], method, *params)

    def info(self):
        return self.rpc("iapp_info")

    def stop(self):
        self.process.terminate()
        equal(self.process.wait(timeout=60), 0, "exit status")

    def kill(self):
        if self.process.poll() is None:
            for pid in reversed(proc.children(self.process.pid)):
                os.kill(pid, signal.SIGKILL)
            self.process.wait(timeout=60)

    def front(self):
        """pid of the process that holds the ledger; None while there is none."""
        for pid in proc.children(self.process.pid)[1:]:
            try:
                with open(f"/proc/{pid}/cmdline", "rb") as f:
                    if f.read().split(b"\0")[1:3] == [b"role", b"front"]:
                        return pid
            except OSError:
                pass
        return None


def command(home, *words):
    """Exit status and JSON of a command of the operator."""
    done = subprocess.run([IAPPD, *words, "--home", os.path.join(TOP, home), "--json"],
                          capture_output=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
    equal(done.stdout.count(b"\n"), 1, f"one line from {words}: {done.stderr!r}")
    return done.returncode, json.loads(done.stdout)


def refused(code, home, *words):
    status, answer = command(home, *words)
    equal((status, answer.get("error", {}).get("code")), (2 if code == "USAGE" else 1, code),
          f"{words}: {answer}")
    equal(sorted(answer["error"]), ["code", "hint", "message"], "members of an error")


def rpc_error(fn, code, begins):
    try:
        got = fn()
    except eth.RpcError as e:
        equal(e.args[0], code, f"code of {e.args[1]}")
        check(e.args[1].startswith(begins), f"{e.args[1]!r}, want {begins!r}")
        return
    raise AssertionError(f"no error but {got!r}, want {begins!r}")


@case
def a_new_ledger_has_the_addresses_of_its_seed():
    d = Run.main = Daemon("main", "--test", "--genesis-seed", GENESIS, roles="ledger,market,ipfs")
    info = d.info()

    def derived(name):
        parts = (b"iapp-genesis/v1", bytes.fromhex(GENESIS[2:]), name.encode())
        return "0x" + eth.keccak(b"".join(len(x).to_bytes(4, "big") + x for x in parts))[12:].hex()

    equal(info["hub"].lower(), derived("hub"), "hub")
    equal(info["token"].lower(), derived("token"), "token")
    equal(info["registries"]["app"].lower(), derived("app-registry"), "registry")
    equal((info["chainId"], info["rules"], info["test"]), (421614, "6.2", True), "info")
    equal(d.rpc("eth_chainId"), hex(421614), "chain id")
    equal(info["pool"].lower(), "0xb967057a21dc6a66a29721d96b8aa7454b7c383f", "built-in pool")
    Run.token, Run.chain = info["token"], info["chainId"]


class Run:
    """What the cases share."""
    main = token = chain = None
    who = eth.Account(0xa11ce)


def faucet(n=1):
    return eth.call("faucet(uint256)", n)


def send(raw):
    return Run.main.rpc("eth_sendRawTransaction", raw)


@case
def what_no_block_may_hold_is_refused_with_its_reason():
    w, to, chain = Run.who, Run.token, Run.chain
    head = Run.main.rpc("eth_blockNumber")
    for begins, raw in (
            ("invalid chain id", w.transaction(1, to, faucet(), 0)),
            ("this ledger takes no fees", w.transaction(chain, to, faucet(), 0, fee=1)),
            ("this ledger takes no fees", w.legacy(chain, to, faucet(), 0, price=1)),
            ("nonce too high", w.transaction(chain, to, faucet(), 1)),
            ("intrinsic gas too low", w.transaction(chain, to, faucet(), 0, gas=21000)),
            ("Insufficient funds", w.transaction(chain, to, faucet(), 0, value=1)),
            ("", w.transaction(chain, to, faucet(), 0, high=True)),
            ("", w.legacy(chain, to, faucet(), 0, protected=False)),
            ("", "0x01" + w.transaction(chain, to, faucet(), 0)[4:]),
            ("", "0x03" + w.transaction(chain, to, faucet(), 0)[4:]),
            ("", w.transaction(chain, to, faucet(), 0) + "00"),
            ("", "0x")):
        rpc_error(lambda raw=raw: send(raw), -32003, begins)
    equal(Run.main.rpc("eth_blockNumber"), head, "no block was made")
    raw = w.transaction(chain, to, faucet(7), 0)
    hashed = send(raw)
    equal(hashed, "0x" + eth.keccak(bytes.fromhex(raw[2:])).hex(), "hash of the transaction")
    receipt = Run.main.rpc("eth_getTransactionReceipt", hashed)
    equal((receipt["status"], receipt["from"], receipt["type"]), ("0x1", w.address, "0x2"),
          "receipt")
    rpc_error(lambda: send(raw), -32003, "nonce too low")
    equal(send(w.legacy(chain, to, faucet(), 1))[:2], "0x", "type 0 with EIP-155")
    w.nonce = 2
    balance = Run.main.rpc("eth_call", {"to": to, "data": "0x" + eth.call(
        "balanceOf(address)", w.address).hex()}, "latest")
    equal(int(balance, 16), 8, "what the faucet gave")


@case
def calls_and_estimates_answer_as_clients_expect():
    def tell(method, call):
        return Run.main.rpc(method, call, "latest")

    nowhere = {"to": "0x" + "77" * 20, "data": "0x01020304"}
    equal(tell("eth_call", nowhere), "0x", "an address without code")
    wrong = {"to": Run.token, "data": "0x" + eth.call("faucet(uint256)", 1 << 200).hex()}
    rpc_error(lambda: tell("eth_call", wrong), 3, "execution reverted: faucet-limit")
    rpc_error(lambda: tell("eth_estimateGas", wrong), 3, "execution reverted: faucet-limit")
    reply = eth.post(Run.main.ready["rpcUrl"], {"id": 1, "method": "eth_call", "params": [wrong]})
    check(reply["error"]["data"].startswith("0x08c379a0"), f"revert data: {reply}")
    check(reply["error"]["detail"].startswith("FAUCET_LIMIT: "), f"row of the table: {reply}")
    bare = {"to": Run.token, "data": "0xdeadbeef"}
    reply = eth.post(Run.main.ready["rpcUrl"], {"id": 1, "method": "eth_call", "params": [bare]})
    equal((reply["error"]["message"], reply["error"]["data"]), ("execution reverted", "0x"), "bare")


@case
def a_batch_of_transactions_is_a_block_each():
    w, first = Run.who, int(Run.main.rpc("eth_blockNumber"), 16)
    batch = [{"jsonrpc": "2.0", "id": i, "method": "eth_sendRawTransaction",
              "params": [w.transaction(Run.chain, Run.token, faucet())]} for i in range(200)]
    replies = {r["id"]: r["result"] for r in eth.post(Run.main.ready["rpcUrl"], batch)}
    equal(len(replies), 200, "answers")
    blocks = [{"id": i, "method": "eth_getTransactionReceipt", "params": [h]}
              for i, h in replies.items()]
    for r in eth.post(Run.main.ready["rpcUrl"], blocks):
        equal(int(r["result"]["blockNumber"], 16), first + 1 + r["id"], "block of a transaction")
    parent = None
    for n in range(first, first + 5):
        b = Run.main.rpc("eth_getBlockByNumber", hex(n), False)
        check(parent in (None, b["parentHash"]), f"block {n} stands on its parent")
        parent = b["hash"]


@case
def time_moves_by_hand_on_a_test_ledger_alone():
    def now():
        return int(Run.main.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    Run.main.rpc("evm_mine")
    before = now()
    Run.main.rpc("evm_increaseTime", 3000)
    Run.main.rpc("evm_mine")
    check(now() >= before + 3000, "a later time")
    far = now() + 100000
    Run.main.rpc("evm_setNextBlockTimestamp", far)
    Run.main.rpc("evm_mine")
    equal(now(), far, "the time that was set")
    Run.main.rpc("evm_increaseTime", 500)
    Run.main.rpc("evm_mine")
    check(now() >= far + 500, "and goes on from there")
    Run.reached = now()
    d = Daemon("plain")
    for method in ("evm_increaseTime", "evm_setNextBlockTimestamp", "evm_mine"):
        rpc_error(lambda m=method: d.rpc(m, 2 ** 33), -32601, "the method " + method)
    equal(d.info()["test"], False, "no test ledger")
    d.stop()


@case
def options_of_a_ledger_are_judged():
    for options, code in ((["--chain-id", "42161"], "CHAIN_ID"), (["--chain-id", "1"], "CHAIN_ID"),
                          (["--chain-id", "134"], "CHAIN_ID"), (["--chain-id", "abc"], "USAGE"),
                          (["--chain-id", "0"], "USAGE"), (["--rules", "7.0"], "INVALID"),
                          (["--genesis-seed", GENESIS], "USAGE"),
                          (["--test", "--genesis-seed", "0x12"], "USAGE")):
        refused(code, "refused", "run", "--role", "ledger", "--port", "0", *options)
    d = Daemon("arbitrum", "--test", "--chain-id", "42161", "--rules", "6.1")
    equal((d.info()["chainId"], d.info()["rules"]), (42161, "6.1"), "a test ledger may")
    d.stop()
    for options, code in ((["--test", "--chain-id", "5"], "INVALID"), ([], "CHAIN_ID"),
                          (["--test", "--rules", "6.2"], "INVALID")):
        refused(code, "arbitrum", "run", "--role", "ledger", "--port", "0", *options)


@case
def fees_are_taken_by_nobody():
    w = eth.Account(0xfee)
    d = Daemon("fees", "--allow-fees")
    info = d.info()
    raw = w.transaction(info["chainId"], info["token"], faucet(), fee=10 ** 9)
    receipt = d.rpc("eth_getTransactionReceipt", d.rpc("eth_sendRawTransaction", raw))
    equal((receipt["status"], receipt["effectiveGasPrice"]), ("0x1", "0x0"), "accepted, not taken")
    d.stop()


@case
def nothing_is_given_away_beyond_loopback():
    w = eth.Account(0xbad)
    d = Daemon("world", "--behind-tls-proxy")
    info = d.info()
    raw = w.transaction(info["chainId"], info["token"], faucet(), 0)
    rpc_error(lambda: d.rpc("eth_sendRawTransaction", raw), 3, "execution reverted: faucet-off")
    rich = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"  # whose key everybody knows
    equal(d.rpc("eth_getBalance", rich, "latest"), "0x0", "development account")
    d.stop()
    check(int(Run.main.rpc("eth_getBalance", rich, "latest"), 16) > 0, "on a test ledger it has")
    refused("INVALID", "plain", "run", "--role", "ledger", "--port", "0", "--behind-tls-proxy")


class Sender(threading.Thread):
    """Sends transactions of its own account until told to stop; keeps what was acknowledged."""

    def __init__(self, url, chain, token, key):
        super().__init__()
        self.who, self.args = eth.Account(key), (chain, token)
        self.url, self.stopped, self.acknowledged, self.fault = url, False, [], None

    def resume(self):
        """After the ledger went away: the next nonce is the ledger's word."""
        while not self.stopped:
            try:
                told = int(eth.rpc(self.url, "eth_getTransactionCount", self.who.address,
                                   "pending"), 16)
            except GONE:
                time.sleep(0.01)
                continue
            check(told >= len(self.acknowledged), f"lost: {told} < {len(self.acknowledged)}")
            self.who.nonce = told
            return

    def run(self):
        try:
            while not self.stopped:
                raw = self.who.transaction(*self.args, faucet())
                try:
                    self.acknowledged.append(eth.rpc(self.url, "eth_sendRawTransaction", raw))
                except GONE:
                    self.resume()
        except Exception as e:  # shown by the case, which runs in another thread
            self.fault = e


def until(what, fn, seconds=60):
    end = time.monotonic() + seconds
    while not fn():
        check(time.monotonic() < end, f"never: {what}")
        time.sleep(0.005)


@case
def kill_9_under_load_loses_nothing_that_was_acknowledged():
    print(f"# IAPP_TEST_SEED={SEED}", flush=True)
    dice = random.Random(SEED)
    info = Run.main.info()
    url = Run.main.ready["rpcUrl"]
    senders = [Sender(url, info["chainId"], info["token"], 0x1000 + i) for i in range(4)]

    def acknowledged():
        return sum(len(s.acknowledged) for s in senders)

    for s in senders:
        s.start()
    try:
        for _ in range(6):
            before, more = acknowledged(), dice.randrange(5, 60)
            until("progress", lambda b=before, m=more: acknowledged() >= b + m or
                  any(s.fault for s in senders))
            time.sleep(dice.random() / 50)
            pid = Run.main.front()
            os.kill(pid, signal.SIGKILL)
            until("a new front", lambda p=pid: Run.main.front() not in (None, p))
        before = acknowledged()
        until("progress", lambda: acknowledged() > before + 20 or any(s.fault for s in senders))
    finally:
        for s in senders:
            s.stopped = True
        for s in senders:
            s.join(timeout=60)
    for s in senders:
        check(s.fault is None, f"a sender: {s.fault!r}")
        sent = int(Run.main.rpc("eth_getTransactionCount", s.who.address, "latest"), 16)
        check(sent >= len(s.acknowledged), "every acknowledged nonce is used")
        balance = Run.main.rpc("eth_call", {"to": info["token"], "data": "0x" + eth.call(
            "balanceOf(address)", s.who.address).hex()}, "latest")
        equal(int(balance, 16), sent, "each transaction had its effect once")
        for h in s.acknowledged:
            equal(Run.main.rpc("eth_getTransactionReceipt", h)["status"], "0x1", f"receipt of {h}")


@case
def operators_commands_wait_for_the_daemon_to_end():
    refused("BUSY", "main", "ledger", "verify")
    refused("BUSY", "main", "reindex")
    equal(Run.main.rpc("eth_chainId"), hex(421614), "it still serves")
    Run.head = Run.main.rpc("eth_getBlockByNumber", "latest", False)
    Run.main.stop()
    refused("NOT_FOUND", "nowhere", "ledger", "verify")
    refused("NOT_FOUND", "nowhere", "reindex")
    check(not os.path.exists(os.path.join(TOP, "nowhere")), "nothing was made")
    refused("USAGE", "main", "ledger", "verify", "twice")


@case
def verify_replays_the_whole_log():
    want = {"blocks": int(Run.head["number"], 16) + 1, "head": Run.head["hash"]}
    equal(command("main", "ledger", "verify"), (0, want), "verify")
    left = sorted(os.listdir(os.path.join(TOP, "main", "front")))
    check(not [n for n in left if "replay" in n], f"nothing is left: {left}")


def store(name, sql):
    with sqlite3.connect(os.path.join(TOP, "main", "front", name)) as db:
        db.executescript(sql)
    db.close()


@case
def a_damaged_state_is_noticed_and_made_again():
    want = {"blocks": int(Run.head["number"], 16) + 1, "head": Run.head["hash"]}
    store("ledger.db", "DELETE FROM state WHERE k IN (SELECT k FROM state ORDER BY k DESC LIMIT 9);"
                       "DELETE FROM term;")
    refused("CORRUPT", "main", "ledger", "verify")
    equal(command("main", "reindex"), (0, want), "reindex")
    equal(command("main", "ledger", "verify"), (0, want), "verify")
    Run.main = Daemon("main", "--test")
    equal(Run.main.rpc("eth_getBlockByNumber", "latest", False), Run.head, "the same head")
    Run.main.rpc("evm_mine")
    now = int(Run.main.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
    check(now >= Run.reached, "time that was moved stays moved")
    Run.main.stop()


@case
def a_forged_log_is_never_made_right():
    store("ledger.db", "UPDATE block SET body = CAST(substr(body, 1, 60) || x'ff' ||"
                       " substr(body, 62) AS BLOB) WHERE n = 5")
    refused("CORRUPT", "main", "ledger", "verify")
    refused("CORRUPT", "main", "reindex")


@case
def a_crash_before_a_reply_leaves_a_whole_ledger():
    home = "points"
    Daemon(home, "--test").stop()
    for point in ("ledger.executed", "ledger.committed", "ledger.reply"):
        crash = os.path.join(TOP, point)
        os.mkdir(crash)
        d = Daemon(home, "--test", IAPP_CRASH_DIR=crash, IAPP_CRASH_ONLY=point)
        info = d.info()
        s = Sender(d.ready["rpcUrl"], info["chainId"], info["token"], 0x2000 + len(point))
        first = d.front()
        s.start()
        until("progress", lambda: len(s.acknowledged) > 10 or s.fault)
        s.stopped = True
        s.join(timeout=60)
        check(s.fault is None, f"{point}: {s.fault!r}")
        if not os.listdir(crash):
            d.stop()
            raise tap.Skip("this build has no crash points")
        check(d.front() != first, f"{point}: it died")
        for h in s.acknowledged:
            equal(d.rpc("eth_getTransactionReceipt", h)["status"], "0x1", f"{point}: {h}")
        d.stop()
        equal(command(home, "ledger", "verify")[0], 0, f"{point}: verify")


try:
    tap.main()
finally:
    for daemon in DAEMONS:
        daemon.kill()
    LOG.close()
    shutil.rmtree(TOP, ignore_errors=True)
