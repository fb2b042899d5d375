"""An EVM chain for a test: anvil with PoCo 6.1.0 deployed, no fees, on a free port of loopback. What
it needs of npm is installed once, the state after deployment is saved once, both in the build folder."""
import json
import os
import re
import signal
import subprocess
import sys
import threading

import npm
from eth import receipt, rpc

_EVM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../evm")
sys.path.insert(0, _EVM)
import deploy  # noqa: E402

POCO = ("@iexec/poco", "6.1.0",
        "sha512-BPbDtf2fgQuotr6rf74ACVdwlKqkErEZ8qLbTWM+2CIBj2EX3+6KBGWsFoudoOGjgT7vUJ3jeNX8SWvHzSHg6A"
        "==")
CHAIN_ID = 421614
READY_S = 60
# a chain that asks for no coins: what is offered may be nothing
_FREE = ("--gas-price", "0", "--base-fee", "0", "--disable-min-priority-fee", "--gas-limit",
         "30000000", "--order", "fifo")


def _program(packages):
    top = os.path.join(packages, "node_modules/@foundry-rs")
    for name in os.listdir(top) if os.path.isdir(top) else ():
        path = os.path.join(top, name, "bin/anvil")
        if os.path.exists(path) and name != "anvil":
            return path
    raise npm.Unreachable("npm has no anvil for this machine")


def _inputs():
    names = ["package.json", "package-lock.json", "deploy.py"]
    names += sorted("contracts/" + x for x in os.listdir(os.path.join(_EVM, "contracts")))
    own = os.path.abspath(__file__)
    return npm.digest(own, *(os.path.join(_EVM, name) for name in names))


def _spawn(program, *words):
    """The process and the port that it took."""
    p = subprocess.Popen([program, "--host", "127.0.0.1", *words], stdin=subprocess.DEVNULL,
                         stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    timer = threading.Timer(READY_S, p.kill)
    timer.start()
    said = ""
    for line in p.stdout:
        said += line
        found = re.search(r"Listening on 127\.0\.0\.1:(\d+)", line)
        if found:
            timer.cancel()
            # nobody reads on: a full pipe would stop it
            threading.Thread(target=lambda: [None for _ in p.stdout], daemon=True).start()
            return p, int(found[1])
    timer.cancel()
    p.wait()
    raise RuntimeError(f"anvil ended: {said[-2000:]}")


def _prepared():
    """Program, saved state, addresses, folder of the packages."""
    top = os.path.join(os.environ["IA_BUILD"], "evm")
    packages = os.path.join(top, "packages")
    with npm.Locked(top):
        npm.locked(_EVM, packages)
        program = _program(packages)
        state = os.path.join(top, f"poco-{POCO[1]}-{_inputs()[:16]}.json")
        names = state[:-len("json")] + "names.json"
        if not os.path.exists(names):
            _save(program, packages, state, names)
        with open(names, encoding="ascii") as f:
            return program, state, json.load(f), packages


def _save(program, packages, state, names):
    poco = os.path.join(packages, "package")
    if not os.path.isdir(poco):
        npm.packed(*POCO, packages)
    contracts = deploy.compiled(packages, npm.node())
    p, port = _spawn(program, *_FREE, "--port", "0", "--chain-id", str(CHAIN_ID), "--dump-state",
                     state, "--timestamp", "1700000000")
    try:
        found = deploy.deploy(f"http://127.0.0.1:{port}", poco, contracts)
    finally:
        p.send_signal(signal.SIGINT)
        p.wait(timeout=60)
    with open(names + ".new", "w", encoding="ascii") as f:
        json.dump(found, f)
    os.rename(names + ".new", names)


class Anvil:
    """url, hub, token, registries, data_protector, group_factory, wallet, callbacks, owner."""

    def __init__(self, *options, chain_id=CHAIN_ID, port=0):
        program, state, names, self.packages = _prepared()
        self.names = names
        self.hub, self.token, self.registries = names["hub"], names["token"], names["registries"]
        self.data_protector, self.group_factory = names["dataProtector"], names["groupFactory"]
        self.wallet, self.callbacks, self.owner = names["wallet"], names["callbacks"], names["owner"]
        self.chain_id = chain_id
        self._arguments = (program, *_FREE, "--chain-id", str(chain_id), "--load-state", state,
                           *options)
        self.begin(port)
        if chain_id != CHAIN_ID:  # the hub's domain was made under the other
            self.send("0x" + deploy.abi.call("updateDomainSeparator()").hex(), self.hub)

    def begin(self, port):
        """The state is that after deployment, each time."""
        self.process, self.port = _spawn(*self._arguments, "--port", str(port))
        self.url = f"http://127.0.0.1:{self.port}"

    def rpc(self, method, *params):
        return rpc(self.url, method, *params)

    def call(self, signature, *values, to=None):
        """Bytes of what the hub, or another contract, answers."""
        data = "0x" + deploy.abi.call(signature, *values).hex()
        return bytes.fromhex(self.rpc("eth_call", {"to": to or self.hub, "data": data},
                                      "latest")[2:])

    def send(self, data, to, sender=None):
        """A transaction of an unlocked development account; its receipt."""
        name = self.rpc("eth_sendTransaction", {"from": sender or self.owner, "to": to,
                                                "data": data, "gas": hex(8000000),
                                                "gasPrice": "0x0"})
        return receipt(self.url, name)

    def now(self):
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    def height(self):
        return int(self.rpc("eth_blockNumber"), 16)

    def mine(self, blocks=1):
        self.rpc("anvil_mine", hex(blocks))

    def later(self, seconds):
        """The clock goes on by that much."""
        self.rpc("evm_increaseTime", seconds)
        self.mine()

    def snapshot(self):
        return self.rpc("evm_snapshot")

    def revert(self, snapshot):
        return self.rpc("evm_revert", snapshot)

    def reorganise(self, depth, transactions=()):
        """The last `depth` blocks are mined anew without what stood in them; `transactions` are
        (raw or a request, which of the new blocks)."""
        self.rpc("anvil_reorg", depth, [list(x) for x in transactions])

    def roll_back(self, depth):
        self.rpc("anvil_rollback", depth)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=60)
        self.process.stdout.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
