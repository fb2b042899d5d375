"""The embedded ledger with rules 6.1 and anvil with the contracts of PoCo 6.1.0, in the same state."""
import json
import os
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import abi  # noqa: E402
import anvil  # noqa: E402
import eth  # noqa: E402
import npm  # noqa: E402
import proc  # noqa: E402

# of "test test .. junk", m/44'/60'/0'/0/0 to 9: everybody knows them
DEVELOPMENT = """
ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80
59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d
5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a
7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6
47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a
8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba
92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e
4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356
dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97
2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6
""".split()
KITTY = "0x99c2268479b93fdE36232351229815DF80837e23"
# every operation lies in the future, so that no clock matters
AHEAD_S = 10**6
# of the pools that the packages have built in
POOLS = ("iapp pool", "iapp pool (web3mail)")


def keys(owner):
    own = dict(zip((f"u{i}" for i in range(10)), DEVELOPMENT))
    own.update(u10="1a" * 32, u11="1b" * 32, e0="e0" * 32, e1="e1" * 32, owner=owner)
    return {name: "0x" + key for name, key in own.items()}


class Embedded:
    """iappd with the role ledger alone."""

    def __init__(self, rules="6.1"):
        self.top = tempfile.TemporaryDirectory(prefix="iapp-differential-")
        self.log = open(os.path.join(self.top.name, "log"), "wb")
        home = os.path.join(self.top.name, "home")
        self.process = subprocess.Popen(
            [os.path.join(os.environ["IA_BUILD"], "iappd"), "run", "--home", home, "--role",
             "ledger", "--port", "0", "--json", "--test", "--rules", rules],
            stdout=subprocess.PIPE, stderr=self.log, stdin=subprocess.DEVNULL)
        ready = json.loads(self.process.stdout.readline())
        self.url = ready["rpcUrl"]
        self.info = eth.rpc(self.url, "iapp_info")
        self.wallet = os.path.join(home, "scheduler/wallet.json")
        self.passphrase = os.path.join(home, "passphrase")

    def owner(self, node):
        """The key that owns hub and registries, as 64 hex digits."""
        program = """const c = require('crypto'); const fs = require('fs');
            const [w, p] = process.argv.slice(1).map((x) => fs.readFileSync(x, 'utf8'));
            const k = JSON.parse(w).crypto; const { n, r, p: par, salt } = k.kdfparams;
            const hex = (x) => Buffer.from(x, 'hex');
            const key = c.scryptSync(p.trim(), hex(salt), 32, { N: n, r, p: par, maxmem: 1 << 30 });
            const d = c.createDecipheriv('aes-128-ctr', key.subarray(0, 16), hex(k.cipherparams.iv));
            console.log(d.update(hex(k.ciphertext)).toString('hex'))"""
        done = subprocess.run([node, "-e", program, self.wallet, self.passphrase],
                              capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def bases(self):
        """Where the registries say that metadata are: below this ledger's own URL."""
        found = {}
        for kind, at in self.info["registries"].items():
            call = {"to": at, "data": "0x" + abi.call("baseURI()").hex()}
            raw = bytes.fromhex(eth.rpc(self.url, "eth_call", call, "latest")[2:])
            found[kind] = raw[64:64 + int.from_bytes(raw[32:64], "big")].decode()
            if not found[kind].startswith(self.url + "/nfts-metadata/" + kind + "/"):
                raise RuntimeError(f"{kind}: base URI {found[kind]}")
        return found

    def contract_wallet(self):
        """One of the second development account, as the chain has it."""
        maker = eth.Account(int(DEVELOPMENT[1], 16))
        call = abi.call("createWallet(bytes32)", bytes(32))
        where = {"from": maker.address, "to": self.info["walletFactory"], "data": "0x" + call.hex()}
        made = eth.rpc(self.url, "eth_call", where, "latest")
        raw = maker.transaction(self.info["chainId"], where["to"], call, nonce=0)
        eth.rpc(self.url, "eth_sendRawTransaction", raw)
        return "0x" + made[-40:]

    def world(self):
        i = self.info
        fixed = {f"{kind}registry": at for kind, at in i["registries"].items()}
        return {"title": "embedded", "url": self.url, "chainId": i["chainId"], "hub": i["hub"],
                "fixed": {"hub": i["hub"], "token": i["token"],
                          "dataprotector": i["dataProtector"], "groupfactory": i["groupFactory"],
                          "wallet": self.contract_wallet(),
                          **{f"pool{n}": at for n, at in enumerate(i["pools"])}, **fixed}}

    def close(self):
        for pid in reversed(proc.children(self.process.pid)):
            try:
                os.kill(pid, 9)
            except ProcessLookupError:
                pass
        self.process.wait(timeout=60)
        self.process.stdout.close()
        self.log.close()
        self.top.cleanup()


def _anvil_world(chain, owner, bases):
    """The same state as a new embedded ledger: owners, base URIs, and the two pools."""
    for kind, base in bases.items():
        chain.send("0x" + abi.call("setBaseURI(string)", base).hex(), chain.registries[kind])
    for at in (chain.hub, *chain.registries.values()):
        chain.send("0x" + abi.call("transferOwnership(address)", owner).hex(), at)
    pools = {}
    for n, name in enumerate(POOLS):
        done = chain.send("0x" + abi.call("createWorkerpool(address,string)", owner, name).hex(),
                          chain.registries["workerpool"])
        made = next(x for x in done["logs"] if len(x["topics"]) == 4)
        pools[f"pool{n}"] = "0x" + made["topics"][3][-40:]
    fixed = {f"{kind}registry": at for kind, at in chain.registries.items()}
    return {"title": "anvil", "url": chain.url, "chainId": chain.chain_id, "hub": chain.hub,
            "fixed": {"hub": chain.hub, "token": chain.token,
                      "dataprotector": chain.data_protector, "groupfactory": chain.group_factory, "wallet": chain.wallet,
                      **pools, **fixed}}


def run(seed=None, operations=None, scripts=None, save=None, rules="6.1", shrink=True,
        every=False, mangles=None, told=subprocess.PIPE, timeout=3600):
    """What main.mjs says in the end, and what it told meanwhile (to the file `told`, if given)."""
    node = npm.node()
    with anvil.Anvil("--prune-history") as chain:
        ours = Embedded(rules)
        try:
            owner = ours.owner(node)
            theirs = _anvil_world(chain, eth.Account(int(owner, 16)).address, ours.bases())
            start = int(time.time()) + AHEAD_S
            worlds = [dict(w, start=start) for w in (ours.world(), theirs)]
            config = {"worlds": worlds, "keys": keys(owner), "seed": seed, "scripts": scripts,
                      "operations": operations, "save": save, "shrink": shrink, "all": every, "mangles": mangles,
                      "fixed": {"kitty": KITTY, **chain.callbacks}}
            path = os.path.join(ours.top.name, "config.json")
            with open(path, "w", encoding="utf-8") as f:
                json.dump(config, f)
            done = subprocess.run([node, os.path.join(HERE, "main.mjs"), path],
                                  env=dict(os.environ, IA_PACKAGES=chain.packages),
                                  stdout=subprocess.PIPE, stderr=told, text=True,
                                  timeout=timeout, check=False)
            if done.returncode != 0:
                raise RuntimeError(f"main.mjs: {(done.stderr or str())[-4000:]}")
            return json.loads(done.stdout), done.stderr
        finally:
            ours.close()
