#!/usr/bin/env python3
"""Every text that a stranger can write to the ledger, with every kind of bytes: the market, the index,
the scheduler, receipts and pages of results show it and go on, and honest work is done beside it."""
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import abi  # noqa: E402
import eth  # noqa: E402
import lab  # noqa: E402
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("foreign")
HELPERS = os.path.join(lab.BUILD, "tests/end-to-end")
SLOW = eth.keccak
NOBODY, ZERO = "0x" + "00" * 20, bytes(32)
TAG = bytes(31) + b"\x09"
KINDS = {
    "empty": b"",
    "plain": b"plain",
    "NUL alone": b"\0",
    "NUL first": b"\0name",
    "NUL inside": b"na\0me",
    "NUL last": b"name\0",
    "byte ff": b"a\xffb",
    "continuation": b"a\x80b",
    "overlong": b"a\xc0\x80b",
    "surrogate": b"a\xed\xa0\x80b",
    "cut short": b"a\xf0\x9f\x98",
    "above Unicode": b"\xf4\x90\x80\x80",
    "U+FFFF": "\uffff".encode(),
    "turned": "a\u202eb\u2028c".encode(),
    "line": b"a\nb\r\nc\t",
    "escape": b"\x1b[31m\x1b]0;x\x07\x7f",
    "quotes": b'"\\"\'`\\u0000</script>{{',
    "600 bytes": b"n" * 600,
    "3,000 bytes": b"n" * 3000,
    "100 kB": b"\xff\0n" * 33333,
}
ORDERS = {
    "AppOrder": "address app,uint256 appprice,uint256 volume,bytes32 tag,address datasetrestrict,"
                "address workerpoolrestrict,address requesterrestrict,bytes32 salt",
    "DatasetOrder": "address dataset,uint256 datasetprice,uint256 volume,bytes32 tag,"
                    "address apprestrict,address workerpoolrestrict,address requesterrestrict,"
                    "bytes32 salt",
    "WorkerpoolOrder": "address workerpool,uint256 workerpoolprice,uint256 volume,bytes32 tag,"
                       "uint256 category,uint256 trust,address apprestrict,address datasetrestrict,"
                       "address requesterrestrict,bytes32 salt",
    "RequestOrder": "address app,uint256 appmaxprice,address dataset,uint256 datasetmaxprice,"
                    "address workerpool,uint256 workerpoolmaxprice,address requester,uint256 volume,"
                    "bytes32 tag,uint256 category,uint256 trust,address beneficiary,address callback,"
                    "string params,bytes32 salt",
}
TUPLES = {kind: "(" + ",".join(f.split()[0] for f in text.split(",")) + ",bytes)"
          for kind, text in ORDERS.items()}
MATCH = "matchOrders(" + ",".join(TUPLES.values()) + ")"


def keccak(data):
    """Long texts through a helper in C."""
    if len(data) < 4000:
        return SLOW(data)
    return subprocess.run([os.path.join(HELPERS, "keccak")], input=data, capture_output=True,
                          timeout=60, check=True).stdout


eth.keccak = abi.keccak = keccak


class Run:
    """What the cases share."""
    who = eth.Account(0x5717)
    salt = 0
    apps, datasets, pools, protected, deals, tasks = {}, {}, {}, {}, {}, {}


def send(to, data, gas=29000000):
    return send_all([(to, data)], gas)[0]


def send_all(calls, gas=29000000):
    """The receipts of these calls by the stranger, which must all have been done."""
    url, out = LAB.config["rpcUrl"], []
    raw = [Run.who.transaction(Run.chain, to, data, gas=gas) for to, data in calls]
    names = [eth.rpc(url, "eth_sendRawTransaction", x) for x in raw]
    for name in names:
        out.append(eth.receipt(url, name))
        equal(out[-1]["status"], "0x1", "a call of the stranger")
    return out


def view(to, data):
    return bytes.fromhex(LAB.rpc("eth_call", {"to": to, "data": "0x" + data.hex()}, "latest")[2:])


def get(url):
    with urllib.request.urlopen(url, timeout=60) as answer:
        equal(answer.status, 200, url)
        return json.loads(answer.read().decode("utf-8"))


def market(path, **query):
    text = "".join(f"&{k}={v}" for k, v in query.items())
    return get(f"{LAB.config['marketUrl']}{path}?chainId={Run.chain}{text}")


def graph(name, query):
    """Rows of the first page of 1000."""
    answer = eth.post(LAB.config[name], {"query": "{ x: " + query + " }"})
    equal(list(answer), ["data"], f"{query}: {str(answer)[:500]}")
    return answer["data"]["x"]


def salted():
    Run.salt += 1
    return Run.salt.to_bytes(32, "big")


def hashed(kind, values):
    """Struct hash of an order, as EIP-712 has it."""
    words = b""
    for field, value in zip(ORDERS[kind].split(","), values, strict=True):
        of = field.split()[0]
        words += keccak(value) if of == "string" else abi.encode([of], [value])
    return keccak(b"\x19\x01" + Run.separator +
                  keccak(keccak(f"{kind}({ORDERS[kind]})".encode()) + words))


def signed(kind, *values):
    parity, r, s = Run.who.sign(hashed(kind, values))
    return [*values, r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + parity])]


def as_tuple(kind, order):
    """An order of the market as the call takes it."""
    out = []
    for field in [*ORDERS[kind].split(","), "bytes sign"]:
        of, name = field.split()
        value = order[name]
        out.append(bytes.fromhex(value[2:]) if of.startswith("bytes") else value)
    return out


def own_app_order(app, tag=ZERO):
    return signed("AppOrder", app, 0, 1000, tag, NOBODY, NOBODY, NOBODY, salted())


def own_pool_order(pool, tag=ZERO):
    return signed("WorkerpoolOrder", pool, 0, 1000, tag, 0, 1, NOBODY, NOBODY, NOBODY, salted())


def matching(app_order, params, dataset_order=None, pool_order=None, callback=NOBODY, tag=TAG):
    """The call, and the id of the deal that it makes."""
    no_data = [NOBODY, 0, 0, ZERO, NOBODY, NOBODY, NOBODY, ZERO, b""]
    pool_order = pool_order or Run.pool_order
    request = signed("RequestOrder", app_order[0], 0, (dataset_order or no_data)[0], 0,
                     pool_order[0], 0, Run.who.address, 1, tag, 0, 1, Run.who.address, callback,
                     params, salted())
    deal = keccak(hashed("RequestOrder", request[:-1]) + ZERO)
    data = abi.call(MATCH, app_order, dataset_order or no_data, pool_order, request)
    return (LAB.config["hubAddress"], data), deal


def task_of(deal):
    return "0x" + keccak(deal + ZERO).hex()


def state(task):
    answer = get(f"{Run.scheduler}/tasks/{task}")
    return answer["currentStatus"], answer["iapp"]


def ended(tasks):
    """Name -> cause; "" where it was completed and its receipt is proven."""
    out, end, waiting = {}, time.monotonic() + 120, dict(tasks)
    while waiting:
        check(time.monotonic() < end, f"still waiting for {list(waiting)}")
        for name, task in list(waiting.items()):
            try:
                status, more = state(task)
            except urllib.error.HTTPError as e:
                equal(e.code, 404, f"{name}: not there yet")
                continue
            if status == "COMPLETED" and more["receipt"]:
                out[name] = ""
                del waiting[name]
            elif status.endswith("FAILED"):
                out[name] = more["cause"]
                check(more["cause"], f"{name}: {status}, a failure has a name: {more}")
                del waiting[name]
        time.sleep(0.05)
    return out


def proven(name, task):
    path = LAB.path("receipt.json")
    with urllib.request.urlopen(f"{Run.scheduler}/tasks/{task}/receipt", timeout=60) as answer, \
         open(path, "wb") as f:
        f.write(answer.read())
    status, verdict = LAB.one(None, "verify", path)
    equal((status, verdict["verdict"]), (0, "proven"), f"{name}: {verdict}")


# before a key leaves, or by the app's own doing
REFUSED = ("TEE_SESSION_GENERATION_PARAMS_INVALID", "TEE_SESSION_GENERATION_UNPROVABLE",
           "TASK_DESCRIPTION_INVALID", "POST_COMPUTE_COMPUTED_FILE_NOT_FOUND", "APP_IMAGE_REFUSED")


def judged(tasks):
    """All ended well: completed and proven, or by one of these names."""
    causes = ended(tasks)
    for name, cause in causes.items():
        if cause == "":
            proven(name, tasks[name])
        else:
            check(cause in REFUSED, f"{name}: {cause}")
    return causes


@case
def an_installation_and_honest_work():
    config = LAB.up("--test")
    with open(os.path.join(LAB.home, "ready.json"), encoding="utf-8") as f:
        Run.scheduler = json.load(f)["schedulerUrl"]
    Run.chain, info = config["chainId"], LAB.rpc("iapp_info")
    Run.registry, Run.groups = info["registries"], info["groupFactory"]
    Run.separator = view(config["hubAddress"], abi.call("eip712domain_separator()"))
    Run.pids = {p: roles(p) for p in proc.children(LAB.daemon.pid) if roles(p)}
    Run.honest = LAB.wallet()
    Run.app = LAB.deploy(Run.honest, LAB.project("honest"))
    Run.data = LAB.good(Run.honest, "protect", "a=b", "--name", "honest")["address"]
    LAB.good(Run.honest, "grant", Run.data, Run.app, "any", "--bulk")
    key = LAB.write("stranger-key", f"{0x5717:064x}")
    LAB.good(None, "wallet", "import", "--key-file", key, "--keystore", LAB.keys)
    Run.app_order = as_tuple("AppOrder", market("/apporders", app=Run.app)["orders"][0]["order"])
    pools = market("/workerpoolorders", workerpool=config["workerpool"], category=0)["orders"]
    Run.pool_order = as_tuple("WorkerpoolOrder", pools[0]["order"])
    honest_run()


def roles(pid):
    """The role of a process that the daemon itself started, "" of others."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as f, open(f"/proc/{pid}/stat", "rb") as g:
            words, parent = f.read().split(b"\0"), int(g.read().rsplit(b")", 1)[1].split()[1])
    except OSError:
        return ""
    return words[2].decode() if words[1:2] == [b"role"] and parent == LAB.daemon.pid else ""


def honest_run():
    run = LAB.good(Run.honest, "run", Run.app, "--data", Run.data, "--out", f"out{Run.salt}")
    equal(run["tasks"][0]["status"], "COMPLETED", str(run))
    proven("honest", run["taskIds"][0])
    Run.honest_deal = run["dealId"]


def made(receipt):
    """The address of the asset in the registry's event of its making."""
    for log in receipt["logs"]:
        if log["topics"][0] == "0x" + keccak(b"Transfer(address,address,uint256)").hex():
            return "0x" + log["topics"][3][-40:]
    raise AssertionError(f"no asset in {receipt}")


@case
def a_stranger_registers_every_kind():
    r, me, names = Run.registry, Run.who.address, list(KINDS)
    new_app = "createApp(address,string,string,bytes,bytes32,bytes)"
    new_data = "createDataset(address,string,bytes,bytes32)"
    protect = "createDatasetWithSchema(address,string,string,bytes,bytes32)"
    to = LAB.config["dataprotectorContractAddress"]
    for i, (kind, b) in enumerate(KINDS.items()):
        digest = (i + 1).to_bytes(32, "big")
        schema = b if kind != "plain" else b'{"a\\u0000\\ud800\\"":"string","":{"b":[]},"a":"x"}'
        got = send_all([
            (r["app"], abi.call(new_app, me, b, b, b, digest, b)),
            (r["dataset"], abi.call(new_data, me, b, b, digest)),
            (r["workerpool"], abi.call("createWorkerpool(address,string)", me, b)),
            (to, abi.call(protect, me, b, schema, b, bytes([1]) + digest[1:]))])
        for where, receipt in zip((Run.apps, Run.datasets, Run.pools, Run.protected), got):
            where[kind] = made(receipt)
    deep = b'{"a":' * 20000
    send(to, abi.call(protect, me, "deep", deep + b'"string"' + b"}" * 20000, b"x", salted()))
    send(to, abi.call(protect, me, "wide", json.dumps(
        {f"k{i}\0\n": "string" for i in range(3000)}), b"x", salted()))
    group = "0x" + send(Run.groups, abi.call("createGroup(bytes32)", ZERO))["logs"][0]["address"][2:]
    send_all([(group, abi.call("addKey(bytes32,uint256,uint256)", key, purpose, 1))
              for key in (b"\xff" * 32, b"\0" * 32, b'"\n\0\x1b' * 8) for purpose in (1, 4, 2**256 - 1)])
    Run.group = group
    equal(len(set(Run.apps.values())), len(names), "apps")


def deal_on(name, call, deal, run=False):
    Run.deals[name] = "0x" + deal.hex()
    if run:
        Run.tasks[name] = task_of(deal)
    return call


@case
def deals_of_every_kind():
    calls = []
    for kind, b in KINDS.items():
        order = own_app_order(Run.apps[kind])
        data = signed("DatasetOrder", Run.datasets[kind], 0, 1000, ZERO, NOBODY, NOBODY, NOBODY,
                      salted())
        pool = own_pool_order(Run.pools[kind])
        calls.append(deal_on(f"own {kind}", *matching(order, b, data, pool, tag=ZERO)))
        if kind not in ("NUL first", "NUL last", "overlong", "600 bytes"):
            calls.append(deal_on(f"params {kind}", *matching(Run.app_order, b), run=True))
    send_all(calls)


@case
def results_of_every_kind():
    """The stranger's own pool settles with any bytes."""
    hub, pool = LAB.config["hubAddress"], own_pool_order(Run.pools["plain"])
    order, calls = own_app_order(Run.apps["plain"]), []
    settle = "contributeAndFinalize(bytes32,bytes32,bytes,bytes,address,bytes,bytes)"
    for kind, b in KINDS.items():
        back = Run.who.address if len(b) and kind != "plain" else NOBODY
        call, deal = matching(order, b"{}", None, pool, callback=back, tag=ZERO)
        task = bytes.fromhex(task_of(deal)[2:])
        prefix = b"\x19Ethereum Signed Message:\n32"
        word = keccak(bytes.fromhex(Run.who.address[2:]) + task + bytes(20))
        parity, r, s = Run.who.sign(keccak(prefix + word))
        allowed = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([27 + parity])
        calls += [deal_on(f"settled {kind}", call, deal),
                  (hub, abi.call("initialize(bytes32,uint256)", deal, 0)),
                  (hub, abi.call(settle, task, keccak(b) if back != NOBODY else b"\1" * 32, b,
                                 b if back != NOBODY else b"", NOBODY, b"", allowed))]
    send_all(calls)


@case
def params_of_every_kind_end_by_name():
    causes = judged(Run.tasks)
    equal(set(causes), set(Run.tasks), "every task ended")
    equal(causes["params empty"], "", "no params are params")


@case
def apps_of_every_kind_run_or_are_refused_by_name():
    """The honest image under names of a stranger; params that are JSON with odd texts."""
    kinds = ["string", "string", "bytes", "bytes32", "bytes"]
    raw = LAB.rpc("eth_call", {"to": LAB.config["hubAddress"], "data": "0x" + abi.call(
        "viewApp(address)", Run.app).hex()}, "latest")
    _, kind, multiaddr, checksum, mrenclave = viewed(bytes.fromhex(raw[2:]), kinds)
    calls, tasks = [], {}
    foreign = {"NUL inside", "byte ff", "escape", "turned", "600 bytes", "3,000 bytes"}
    for name in sorted(foreign) + ["type NUL inside", "type byte ff", "type 600 bytes"]:
        b = KINDS[name.removeprefix("type ")]
        app = made(send(Run.registry["app"], abi.call(
            "createApp(address,string,string,bytes,bytes32,bytes)", Run.who.address, b,
            kind if name in foreign else b, multiaddr, checksum, mrenclave)))
        call, deal = matching(own_app_order(app, TAG), b'{"iexec_args":"show"}')
        calls.append(call)
        tasks[name] = task_of(deal)
        Run.deals["run " + name] = "0x" + deal.hex()
    for args in (b'show "\\u202e\\u001b[31m\\uffff"', b"\\u0000", b"\\ud800", b"show \xff",
                 b"\\n\\t'\\\"", b"x" * 5000):
        call, deal = matching(Run.app_order, b'{"iexec_args":"' + args + b'"}')
        calls.append(call)
        tasks[f"args {args[:40]}"] = task_of(deal)
    send_all(calls)
    causes = judged(tasks)
    equal(causes["3,000 bytes"], "TEE_SESSION_GENERATION_UNPROVABLE", "too long to prove")
    for name in ("NUL inside", "byte ff", "escape", "600 bytes"):
        equal(causes[name], "", f"{name}: it runs")
    for name in filter(lambda n: n.startswith("type "), tasks):
        equal(causes[name], "APP_IMAGE_REFUSED", f"{name}: of no kind that runs")


def viewed(data, kinds):
    """Values of (owner, ..) that viewApp answers, after the owner."""
    at = int.from_bytes(data[:32], "big")
    out = []
    for i, kind in enumerate(kinds, 1):
        word = data[at + 32 * i:at + 32 * i + 32]
        if kind == "bytes32":
            out.append(word)
            continue
        start = at + int.from_bytes(word, "big")
        size = int.from_bytes(data[start:start + 32], "big")
        out.append(data[start + 32:start + 32 + size])
    return out


def uploaded(value):
    body = (b'--x\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
            b'Content-Type: application/octet-stream\r\n\r\n' + json.dumps(value).encode() +
            b"\r\n--x--\r\n")
    ask = urllib.request.Request(LAB.config["ipfsNodeUrl"] + "/api/v0/add", body,
                                 {"content-type": "multipart/form-data; boundary=x"})
    with urllib.request.urlopen(ask, timeout=30) as answer:
        return json.loads(answer.read().splitlines()[-1])["Hash"]


def as_json(kind, order):
    out = {}
    for field, value in zip([*ORDERS[kind].split(","), "bytes sign"], order):
        out[field.split()[1]] = "0x" + value.hex() if isinstance(value, bytes) else value
    return out


@case
def a_slice_goes_on_without_what_cannot_be_proven():
    honest = [o["order"] for o in market("/datasetorders", dataset=Run.data, app=Run.app,
                                         bulkOnly="true")["orders"]][0]
    slice_, odd = [honest], ("3,000 bytes", "NUL inside", "byte ff", "escape", "quotes", "100 kB")
    for kind in odd:
        slice_.append(as_json("DatasetOrder", signed(
            "DatasetOrder", Run.datasets[kind], 0, 2**53 - 1, ZERO, NOBODY, NOBODY, NOBODY, salted())))
    root = uploaded([uploaded(slice_)])
    call, deal = matching(Run.app_order, json.dumps(
        {"bulk_cid": root, "iexec_args": "show", "iexec_result_storage_provider": "ipfs"}).encode())
    send_all([call])
    task = task_of(deal)
    equal(judged({"slice": task}), {"slice": ""}, "it is done and proven")
    refused = {r["index"]: r["code"] for r in LAB.good(None, "task", task)["iapp"]["refused"]}
    equal(sorted(refused), [2, 3, 4, 5, 6, 7], "the honest one alone is used")
    equal((refused[2], refused[7]), ("UNPROVABLE", "UNPROVABLE"), "too long to prove")


@case
def data_with_names_that_nobody_types_is_used():
    c = LAB.config
    with urllib.request.urlopen(c["smsUrl"] + "/info", timeout=30) as answer:
        sms_key = json.loads(json.load(answer)["text"])["smsKey"]
    used = {}
    for kind in ("escape", "line", "quotes", "turned", "byte ff"):
        done = subprocess.run(
            [os.path.join(HELPERS, "owners"), c["rpcUrl"], c["marketUrl"], c["smsUrl"],
             c["ipfsNodeUrl"], str(c["chainId"]), c["hubAddress"], c["dataprotectorContractAddress"],
             sms_key, LAB.path("work"), Run.app, Run.who.address, "name", KINDS[kind]],
            capture_output=True, timeout=120, check=False)
        if done.returncode != 0:
            check(b"protect: " in done.stderr, f"refused with a word: {done}")
            used[kind] = "refused"
            continue
        run = LAB.good(Run.who.address, "run", Run.app, "--data", done.stdout.decode().strip(),
                       "--out", f"named-{kind}")
        equal(run["tasks"][0]["status"], "COMPLETED", f"{kind}: {run}")
        proven(kind, run["taskIds"][0])
        used[kind] = "proven"
    check("proven" in used.values(), f"some are taken: {used}")
    send_nonce()


def send_nonce():
    """After the programs sent for the stranger."""
    Run.who.nonce = int(LAB.rpc("eth_getTransactionCount", Run.who.address, "latest"), 16)


@case
def the_market_lists_them_and_the_honest_beside():
    listed, skip = {}, 0
    while True:
        page = market("/deals", pageIndex=skip, pageSize=50)
        listed.update({d["dealid"].lower(): d for d in page["deals"]})
        if "nextPage" not in page:
            break
        skip += 1
    check(set(Run.deals.values()) <= set(listed), "all deals of the stranger")
    check(Run.honest_deal.lower() in listed, "and the honest one")
    for kind, b in KINDS.items():
        for name in (f"own {kind}", f"params {kind}"):
            if name not in Run.deals:
                continue
            one = market("/deals/" + Run.deals[name])
            if "paramsHex" in one:
                equal(one["paramsHex"], "0x" + b.hex(), f"{name}: its bytes")
            else:
                equal(one["params"].encode(), b, f"{name}: its text")
    orders_of = (("app", Run.apps), ("dataset", Run.datasets), ("workerpool", Run.pools))
    for kind in ("NUL inside", "byte ff", "100 kB", "turned"):
        LAB.good(Run.who.address, "publish", Run.apps[kind])
        for what, assets in orders_of:
            equal(market(f"/{what}orders", **{what: assets[kind]})["count"], what == "app", kind)
            market("/deals", **{what: assets[kind]})
    check(market("/apporders", app=Run.app)["count"] >= 1, "the honest order")
    market("/apporders", app=Run.app, requester=Run.group, isRequesterStrict="true")
    market("/apporders", app=Run.app, requester=Run.who.address)
    send_nonce()


@case
def the_index_lists_them_and_the_honest_beside():
    for what, fields, assets in (
            ("apps", "id name type multiaddr mrenclave checksum owner { id }", Run.apps),
            ("datasets", "id name multiaddr checksum owner { id }", Run.datasets),
            ("workerpools", "id description owner { id }", Run.pools)):
        rows = {r["id"] for r in graph("pocoSubgraphUrl", f"{what}(first: 1000) {{ {fields} }}")}
        check(set(assets.values()) <= rows, f"all {what}")
    rows = {r["id"] for r in graph("pocoSubgraphUrl", "apps(first: 1000) { id name type }")}
    check(Run.app.lower() in rows, "the honest app")
    rows = {r["id"] for r in graph("pocoSubgraphUrl", "deals(first: 1000) { id params app { name type }"
                                   " dataset { name } workerpool { description } requestorder"
                                   " { params } tasks { id results resultsCallback resultDigest } }")}
    check(set(Run.deals.values()) | {Run.honest_deal.lower()} <= rows, "all deals")
    rows = graph("pocoSubgraphUrl", "tasks(first: 1000) { id results resultsCallback resultDigest"
                 " status }")
    done = {r["id"] for r in rows if r["status"] == "COMPLETED"}
    check({task_of(bytes.fromhex(d[2:])) for n, d in Run.deals.items() if n.startswith("settled")} <= done,
          "all tasks of the stranger's pool")
    rows = {r["id"]: r for r in graph("subgraphUrl", "protectedDatas(first: 1000) { id name jsonSchema"
                                      " schema { id path type } multiaddr checksum owner { id } }")}
    check(set(Run.protected.values()) | {Run.data.lower()} <= set(rows), "all protected data")
    equal(rows[Run.data.lower()]["name"], "honest", "its name")
    graph("subgraphUrl", "schemaEntries(first: 1000) { id path type }")
    graph("subgraphUrl", 'protectedDatas(where: {name_contains: "\\u0000"}) { id name }')
    status, out, err = LAB.said(Run.who.address, "orders")
    equal(status, 0, f"{out} {err}")
    check("\x1b" not in out + err and "\u202e" not in out + err, "nothing that a terminal obeys")


@case
def many_large_deals_stop_no_page():
    """Params that JSON makes five times as long: one alone has more than a page's share of whole
    deals, all together more than a page may have."""
    pool, order, calls = own_pool_order(Run.pools["plain"]), own_app_order(Run.apps["plain"]), []
    bodies = [b"\xff" * 900000] + [b"\xff" * 300000] * 10
    large = []
    for b in bodies:
        call, deal = matching(order, b, None, pool, tag=ZERO)
        calls.append(call)
        large.append("0x" + deal.hex())
    send_all(calls)
    page = market("/deals")
    check(set(large) <= {d["dealid"].lower() for d in page["deals"]}, "all on the first page")
    check(any(d.get("paramsOmitted") for d in page["deals"]), "some are cut short")
    for deal, b in zip(large[:2], bodies):
        one = market("/deals/" + deal)
        check("paramsOmitted" not in one, "alone it is whole")
        equal(one["paramsHex"], "0x" + b.hex(), "its bytes")
    rows = {r["id"] for r in graph("pocoSubgraphUrl", "deals(first: 1000) { id app { id } }")}
    check(set(large) <= rows, "the index has them")
    rows = graph("pocoSubgraphUrl", 'deals(where: {id: "' + large[2] + '"}) { id params }')
    equal(rows[0]["params"], "\ufffd" * 300000, "the index has its text")


def memory(pid, field):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith(field + ":"))


@case
def many_aliases_of_large_rows_leave_the_front_small():
    """A thousand aliases of the large deals; it once took 1.9 GB, and kept them."""
    front = next(p for p, role in Run.pids.items() if role == "front")
    with open(f"/proc/{front}/clear_refs", "w", encoding="ascii") as f:
        f.write("5")  # the peak begins anew
    before = memory(front, "VmRSS")
    query = "{" + " ".join(f"a{i}: deals(first: 20) {{ id params app {{ id }} }}"
                           for i in range(1000)) + "}"
    answer = eth.post(LAB.config["pocoSubgraphUrl"], {"query": query})
    check("errors" in answer, f"refused by name: {str(answer)[:200]}")
    check("bytes" in str(answer["errors"]) or "MiB" in str(answer["errors"]), str(answer["errors"]))
    grown = memory(front, "VmHWM") - before
    check(grown < 700 << 20, f"the front grew by {grown >> 20} MiB")


@case
def honest_work_goes_on_and_nobody_was_restarted():
    honest_run()
    deals = market("/deals", requester=Run.honest)["deals"]
    check(Run.honest_deal.lower() in {d["dealid"].lower() for d in deals}, "the market went on")
    rows = graph("pocoSubgraphUrl", 'deals(where: {id: "' + Run.honest_deal.lower() + '"}) { id }')
    equal(len(rows), 1, "the index went on")
    equal({p: roles(p) for p in Run.pids}, Run.pids, "the processes of the start are there")
    check({"front", "sms", "scheduler", "worker"} <= set(Run.pids.values()), "of every role")


try:
    tap.main()
finally:
    LAB.close()
