"""Puts PoCo 6.1.0 as it is published in npm's @iexec/poco, and the small contracts beside this file,
on a chain whose development account 0 is unlocked. Its addresses are the same each time."""
import json
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import abi  # noqa: E402
from eth import receipt, rpc  # noqa: E402

NOBODY = "0x" + "00" * 20
EACH_NRLC = 10**13  # of each development account, as on the embedded ledger
CATEGORIES = (("XS", 300), ("S", 1200), ("M", 3600), ("L", 10800), ("XL", 36000))
FACETS = ("AccessorsABILegacy", "CategoryManager", "ConfigurationExtra", "Configuration", "ERC20",
          "EscrowToken", "OrderManagement", "Poco1", "Poco2", "PocoAccessors", "Relay",
          "PocoBoost", "PocoBoostAccessors")


def compiled(packages, node):
    """{name: creation code} of our contracts."""
    folder = os.path.join(HERE, "contracts")
    sources = {}
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as f:
            sources[name] = {"content": f.read()}
    wanted = {"*": {"*": ["evm.bytecode.object"]}}
    ask = {"language": "Solidity", "sources": sources,
           "settings": {"outputSelection": wanted, "optimizer": {"enabled": True}}}
    done = subprocess.run(
        [node, os.path.join(packages, "node_modules/solc/solc.js"), "--standard-json",
         "--base-path", folder, "--include-path", os.path.join(packages, "node_modules")],
        input=json.dumps(ask), capture_output=True, text=True, check=True, timeout=120)
    # its first line may name the SMT solver that it has not
    answer = json.loads(done.stdout[done.stdout.index("{"):])
    faults = [x["formattedMessage"] for x in answer.get("errors", []) if x["severity"] == "error"]
    if faults:
        raise RuntimeError("\n".join(faults))
    return {name: bytes.fromhex(contract["evm"]["bytecode"]["object"])
            for source in sources for name, contract in answer["contracts"][source].items()}


class Deployer:
    def __init__(self, url, poco, contracts):
        self.url, self.poco, self.contracts = url, poco, contracts
        self.me = rpc(url, "eth_accounts")[0]

    def send(self, data, to=None):
        """The receipt; the transaction must succeed."""
        ask = {"from": self.me, "data": "0x" + data.hex(), "gas": hex(16000000), "gasPrice": "0x0"}
        name = rpc(self.url, "eth_sendTransaction", {**ask, "to": to} if to else ask)
        done = receipt(self.url, name)
        if done["status"] != "0x1":
            raise RuntimeError(f"refused: {done}")
        return done

    def create(self, code, kinds=(), values=()):
        return self.send(code + abi.encode(kinds, values))["contractAddress"]

    def ours(self, name, *arguments):
        return self.create(self.contracts[name], *arguments)

    def artifact(self, path, **libraries):
        """Creation code and ABI of a contract compiled by upstream."""
        with open(os.path.join(self.poco, path), encoding="utf-8") as f:
            found = json.load(f)
        code = found["bytecode"][2:]
        for places in found.get("linkReferences", {}).values():
            for library, spots in places.items():
                for spot in spots:
                    at = 2 * spot["start"]
                    code = code[:at] + libraries[library][2:] + code[at + 40:]
        return bytes.fromhex(code), found["abi"]

    def generic(self, name):
        """Parts of the diamond that are in no artifact stand in the records of a deployment."""
        code, functions = self.artifact(f"deployments/arbitrum/{name}.json")
        return self.create(code), functions

    def facet(self, name, **libraries):
        code, functions = self.artifact(
            f"artifacts/contracts/facets/Iexec{name}Facet.sol/Iexec{name}Facet.json", **libraries)
        return self.create(code), functions


def cuts(facets):
    """[(facet, add, selectors)]; the first to bring a selector has it."""
    taken, out = set(), []
    special = {"receive": bytes(4), "fallback": b"\xff" * 4}
    for address, functions in facets:
        mine = []
        for entry in functions:
            kind = entry["type"]
            if kind != "function" and kind not in special:
                continue
            what = special.get(kind) or abi.selector(abi.signature_of(entry))
            if what not in taken:
                taken.add(what)
                mine.append(what)
        out.append((address, 0, mine))
    return out


def diamond(d):
    generic = [d.generic(x) for x in ("DiamondCutFacet", "DiamondLoupeFacet", "OwnershipFacet")]
    start = d.generic("DiamondInit")[0]
    code, _ = d.artifact("artifacts/contracts/Diamond.sol/Diamond.json")
    hub = d.create(code, ("(address,uint8,bytes4[])[]", "(address,address,bytes)"),
                   (cuts(generic), (d.me, start, abi.call("init()"))))
    # the library's ABI names Solidity's own types; nothing calls it by that
    library = "artifacts/contracts/libs/IexecLibOrders_v5.sol/IexecLibOrders_v5.json"
    orders = d.create(d.artifact(library)[0])
    more = [d.facet(x, IexecLibOrders_v5=orders) for x in FACETS]
    added = cuts(generic + more)[len(generic):]
    d.send(abi.call("diamondCut((address,uint8,bytes4[])[],address,bytes)", added, NOBODY, b""),
           hub)
    return hub


def registry(d, kind):
    name = f"{kind}Registry"
    code, _ = d.artifact(
        f"artifacts/contracts/registries/{kind.lower()}s/{name}.sol/{name}.json")
    at = d.create(code)
    d.send(abi.call("initialize(address)", NOBODY), at)
    base = f"https://nfts-metadata.iex.ec/{kind.lower()}/{int(rpc(d.url, 'eth_chainId'), 16)}/"
    d.send(abi.call("setBaseURI(string)", base), at)
    return at


def deploy(url, poco, contracts):
    """{name: address}"""
    d = Deployer(url, poco, contracts)
    accounts = rpc(url, "eth_accounts")
    token = d.ours("Token", ("address[]", "uint256"), (accounts, EACH_NRLC))
    hub = diamond(d)
    registries = {kind.lower(): registry(d, kind) for kind in ("App", "Dataset", "Workerpool")}
    d.send(abi.call("configure(address,string,string,uint8,address,address,address,address)", token,
                    "Staked RLC", "SRLC", 9, *registries.values(), NOBODY), hub)
    for name, seconds in CATEGORIES:
        d.send(abi.call("createCategory(string,string,uint256)", name, "", seconds), hub)
    return {
        "hub": hub, "token": token, "registries": registries, "owner": d.me,
        "dataProtector": d.ours("DataProtector", ("address",), (registries["dataset"],)),
        "groupFactory": d.ours("GroupFactory"),
        # belongs to development account 1
        "wallet": d.ours("Wallet", ("address",), (accounts[1],)),
        "callbacks": {name.lower(): d.ours(name) for name in ("Keeper", "Burner", "Refuser")},
    }
