"""A chain and an installation upon it, for the tests of this folder."""
import os
import re
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import eth  # noqa: E402
import proc  # noqa: E402
from anvil import Anvil  # noqa: E402
from tap import Skip, check  # noqa: E402
import abi  # noqa: E402


def chain(*options, **more):
    """The node; without one the whole test is skipped."""
    try:
        return Anvil(*options, **more)
    except Skip as why:
        print(f"1..0 # SKIP {why}")
        sys.exit(0)


def where(node):
    """Options of `iapp up` for that node."""
    return "--chain", node.url, "--hub", node.hub, "--dataprotector", node.data_protector


GWEI = 10**9


class Chain:
    """An installation upon a node; `fees`: blocks of a second, and gas that costs something."""

    def __init__(self, home, fees=False, *options):
        self.fees = fees
        self.node = chain(*(options or (("--block-time", "1") if fees else ())))
        if fees:
            self.node.rpc("anvil_setNextBlockBaseFeePerGas", hex(3 * GWEI))
            self.node.mine()
        self.home = home

    def start(self, *more):
        if self.fees:
            self.fund_roles(*more)
        return self.home.up(*where(self.node), "--log", "info", *more)

    def fund_roles(self, *more):
        """What the first start says is missing."""
        error = self.home.refused(None, "up", "--port", "0", *where(self.node), *more,
                                  code="INSUFFICIENT_FUNDS")
        for account in re.findall("0x[0-9a-fA-F]{40}", error["message"]):
            self.fund(account)
        return error

    def fund(self, account, wei=10**18):
        self.node.rpc("anvil_setBalance", account, hex(wei))

    def wallet(self):
        account = self.home.wallet()
        if self.fees:
            self.fund(account)
        return account

    def give(self, account, nrlc):
        data = abi.call("transfer(address,uint256)", account, nrlc)
        price = int(self.node.rpc("eth_gasPrice"), 16)
        eth.receipt(self.node.url, self.node.rpc(
            "eth_sendTransaction", {"from": self.node.owner, "to": self.node.token,
                                    "data": "0x" + data.hex(), "gas": hex(200000),
                                    "gasPrice": hex(2 * price)}))

    def later(self, seconds):
        self.node.later(seconds)

    def close(self):
        self.home.close()
        self.node.close()


class Embedded:
    """The same upon a ledger of its own, with the rules of the published contracts."""

    def __init__(self, home):
        self.home, self.later = home, home.later

    def start(self):
        return self.home.up("--test", "--rules", "6.1")

    def wallet(self):
        return self.home.wallet()

    def give(self, account, nrlc):
        self.home.good(account, "balance", "--faucet", f"{nrlc}nRLC")

    def close(self):
        self.home.close()


class Miner:
    """Makes the blocks of a node that makes none itself, while it is told to."""

    def __init__(self, node, base=0):
        self.node, self.base, self.on, self.over = node, base, True, False
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def block(self):
        if self.base:
            self.node.rpc("anvil_setNextBlockBaseFeePerGas", hex(self.base))
        self.node.rpc("evm_mine")

    def _run(self):
        while not self.over:
            with self.lock:
                if self.on:
                    try:
                        self.block()
                    except OSError:
                        pass  # the node starts anew
            time.sleep(0.3)

    def pause(self):
        with self.lock:
            self.on = False

    def resume(self, base=None):
        with self.lock:
            self.on, self.base = True, self.base if base is None else base

    def close(self):
        self.over = True
        self.thread.join()


def pending(node, account=None):
    """Transactions that wait for a block: of one account, with its nonces as keys."""
    waits = {a.lower(): txs for a, txs in node.rpc("txpool_content")["pending"].items()}
    return waits if account is None else waits.get(account.lower(), {})


def until(what, condition, seconds=90):
    end = time.monotonic() + seconds
    while not condition():
        check(time.monotonic() < end, what() if callable(what) else what)
        time.sleep(0.05)


def role_pid(home, name):
    for pid in proc.children(home.daemon.pid):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if f.read().split(b"\0")[1:3] == [b"role", name.encode()]:
                    return pid
        except OSError:
            continue
    return 0


def restart(node):
    """The node ends and comes back at the same port, with its blocks and without what waited."""
    state = node.rpc("anvil_dumpState")
    node.close()
    time.sleep(1)
    node.begin(node.port)
    node.rpc("anvil_loadState", state)


CALLS = ("createApp(address,string,string,bytes,bytes32,bytes)", "createWorkerpool(address,string)",
         "createDatasetWithSchema(address,string,string,bytes,bytes32)", "approve(address,uint256)",
         "deposit(uint256)", "withdraw(uint256)", "initialize(bytes32,uint256)", "claim(bytes32)",
         "contributeAndFinalize(bytes32,bytes32,bytes,bytes,address,bytes,bytes)")
# their arguments are structures
OTHERS = {"0x156194d4": "matchOrders", "0x4b747106": "manageDatasetOrder"}


def gas_of(node):
    """The most that a call of each kind used in the blocks of the node."""
    names = {"0x" + eth.keccak(x.encode())[:4].hex(): x.partition("(")[0] for x in CALLS} | OTHERS
    most = {}
    for number in range(node.height() + 1):
        block = node.rpc("eth_getBlockByNumber", hex(number), True)
        for transaction in block["transactions"] if block else ():
            name = names.get(transaction["input"][:10])
            if name:
                used = node.rpc("eth_getTransactionReceipt", transaction["hash"])["gasUsed"]
                most[name] = max(most.get(name, 0), int(used, 16))
    return most
