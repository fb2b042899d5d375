"""A chain and an installation upon it, for the tests of this folder."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import eth  # noqa: E402
from anvil import Anvil  # noqa: E402
from tap import Skip  # noqa: E402
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
        self.node = chain(*(("--block-time", "1") if fees else ()), *options)
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
