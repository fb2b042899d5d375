#!/usr/bin/env python3
"""docs/limits.md, row by row: each has a try here under its id, up to the limit and beyond it, where
that is possible. A row without a try fails, and so does a try without a row."""
import http.client
import http.server
import io
import json
import os
import re
import sys
import tarfile
import threading
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
PAGE = os.path.join(HERE, "../../docs/limits.md")
LAB = lab.Lab("limits")
MIB = 1 << 20
ROOM = 16 * MIB
TRIES = {}


class World:
    folders = archives = 0


def rows():
    """id -> limit, of every table of the page."""
    found = {}
    with open(PAGE, encoding="utf-8") as f:
        for line in f:
            cells = [c.strip() for c in line.strip().strip("|").split("|")]
            if line.startswith("| ") and re.fullmatch(r"[a-z]+-[a-z]+(-[a-z]+)?|purpose|faucet",
                                                      cells[0]):
                check(len(cells) == 5 and all(cells), f"five cells: {line}")
                check(cells[0] not in found, f"{cells[0]} is there twice")
                found[cells[0]] = cells[2]
            else:
                check(not line.startswith("| ") or cells[0] in ("id", "---"),
                      f"a row without an id: {line}")
    return found


def trying(name, number):
    """number: a text of the row's limit, so that the page and the try speak of the same."""
    def take(fn):
        TRIES[name] = (number, fn)
        return fn
    return take


# -- helpers --
def run(*args, status=0, who=None):
    World.folders += 1
    got, answer = LAB.one(who or World.user, "run", World.app, "--yes", "--out",
                          f"out-{World.folders}", *args)
    equal(got, status, f"{args}: {answer}")
    return answer["tasks"][0] if "tasks" in answer else answer


def result(*args):
    task = run(*args)
    equal(task["status"], "COMPLETED", f"{args}: {task}")
    with open(LAB.path(task["resultPath"], "result.txt"), encoding="utf-8") as f:
        return f.read()


def fails(cause, *args):
    """One attempt, this cause; what `iapp task` says of it."""
    World.folders += 1
    _, answer = LAB.one(World.user, "run", World.app, "--yes", "--out", f"out-{World.folders}",
                        *args)
    task = answer["tasks"][0]
    equal((task["status"], task["cause"]), ("FAILED", cause), f"{args}: {task}")
    _, seen = LAB.one(World.user, "task", task["taskId"])
    equal([a["cause"] for a in seen["iapp"]["attempts"]], [cause], f"{args}: tried once")
    return task, seen["iapp"]


def before_release(iapp):
    equal(iapp["timeline"].get("releasedMs"), None, f"no key was released: {iapp['timeline']}")


def refused(*args, code, status=1, cwd=None):
    return LAB.refused(World.user, *args, code=code, status=status, cwd=cwd)


def tested(*args, status=0):
    got, answer = LAB.one(None, "test", *args, cwd=World.project)
    equal(got, status, f"{args}: {answer}")
    return answer


def tested_result(*args):
    with open(os.path.join(tested(*args)["output"], "result.txt"), encoding="utf-8") as f:
        return int(f.read())


def filled(name, size):
    with open(LAB.path(name), "wb") as f:
        f.write(bytes(size))
    return LAB.path(name)


def warned(*args):
    """Exit 0 with a warning that names both sizes; what it said."""
    status, out, err = LAB.said(World.user, *args)
    equal(status, 0, f"{args}: {out} {err}")
    check(re.search(r"\d+ bytes needed in the enclave; the pool's workers offer \d+", err),
          f"{args}: warned: {err}")
    return out


def send(url, body=b"", headers=None, method=None):
    """Status and body, whatever they are."""
    request = urllib.request.Request(url, body if method != "GET" else None,
                                     {"Content-Type": "application/json", **(headers or {})},
                                     method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.status, reply.read()
    except urllib.error.HTTPError as e:
        return e.code, e.read()


def rpc(body):
    status, text = send(World.urls["rpcUrl"], json.dumps(body).encode())
    return status, json.loads(text)


# -- what a task reads --
def big_data(size):
    return LAB.good(World.user, "protect", "name=x", "file=@" + filled("blob", size))["address"]


def large():
    """Protected data that do not fit, made once."""
    if not hasattr(World, "large"):
        out = warned("protect", "file=@" + filled("large", 9 * MIB))
        World.large = out.split()[0]
    return World.large


@trying("data-room", "the room less the image")
def data_room():
    fits = big_data(3 * MIB)
    equal(result("--arg", "values", "--data", fits), "2", "all values are there")
    data = large()
    warned("grant", data, World.app, World.user)
    error = refused("run", World.app, "--data", data, code="NO_RESOURCES", status=5)
    check(re.search(rf"{data}.*\d+ bytes needed.*offer \d+", error["message"]), f"told: {error}")
    task, seen = fails("PRE_COMPUTE_DATASET_TOO_LARGE", "--arg", "values", "--data", data, "--no-check")
    before_release(seen)
    check(re.search(r": \d+ bytes needed in the enclave, \d+ are free", task["message"]),
          f"told: {task}")
    _, out, _ = LAB.said(World.user, "task", task["taskId"])
    check(task["message"] in out, f"iapp task: {out}")
    check(re.search(r"money +can be claimed back from 20\d\d-\S+Z on: iapp task", out), f"money: {out}")
    _, out, _ = LAB.said(World.user, "debug", task["taskId"])
    check(task["message"] in out, f"iapp debug: {out}")


@trying("values-room", "what the room has left")
def values_room():
    many = LAB.write("many.json", json.dumps({f"v{i}": True for i in range(4500)}))
    data = warned("protect", many).split()[0]
    task, _ = fails("PRE_COMPUTE_DATASET_TOO_LARGE", "--arg", "values", "--data", data)
    check(task["message"].startswith("the values of the protected data: "), f"told: {task}")
    few = LAB.write("few.json", json.dumps({f"v{i}": True for i in range(1000)}))
    data = LAB.good(World.user, "protect", few)["address"]
    equal(result("--arg", "values", "--data", data), "1000", "all values are there")


class Files(http.server.BaseHTTPRequestHandler):
    """/N gives N bytes."""
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        try:
            self.wfile.write(bytes(int(self.path[1:])))
        except OSError:
            pass  # the worker has seen enough

    def log_message(self, *args):
        pass


@trying("file-room", "what the room has left")
def file_room():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    result("--input-file", f"{url}/{4 * MIB}")
    task, seen = fails("PRE_COMPUTE_INPUT_FILE_TOO_LARGE", "--input-file", f"{url}/{ROOM + 1}")
    check(task["message"].startswith(f"input file {url}/{ROOM + 1}: "), f"told: {task}")
    before_release(seen)
    server.shutdown()
    server.server_close()


@trying("file-address", "`https://`, `/ipfs/CID`")
def file_address():
    for url in ("http://example.com/a", "ftp://example.com/a", "file:///etc/passwd", "nonsense"):
        error = refused("run", World.app, "--input-file", url, code="UNSUPPORTED")
        check(url in error["message"] and "https://" in error["message"], f"told: {error}")
    task, seen = fails("PRE_COMPUTE_INPUT_FILE_URL_REFUSED", "--input-file", "http://example.com/a",
                       "--no-check")
    check("input file http://example.com/a: " in task["message"], f"told: {task}")
    before_release(seen)


@trying("file-count", "100")
def file_count():
    urls = [x for i in range(101) for x in ("--input-file", f"https://example.com/{i}")]
    error = refused("run", World.app, *urls, code="PARAMS_INVALID")
    check("100" in error["message"], f"told: {error}")


@trying("data-per-task", "100")
def data_per_task():
    refused("run", World.app, "--data", f"{World.user},{World.app}", "--per-task", "101", code="USAGE",
            status=2)


@trying("run-tasks", "1000")
def run_tasks():
    refused("run", World.app, "--tasks", "1001", code="USAGE", status=2)


@trying("params-size", "256 KiB")
def params_size():
    words = [x for i in range(3) for x in ("--arg", "x" * 100_000)]
    error = refused("run", World.app, *words, code="TOO_LARGE")
    check(str(256 << 10) in error["message"], f"told: {error}")


@trying("args-count", "1000")
def args_count():
    equal(result("--args", "args " + "a " * 999), "1001", "with the program's name")
    refused("run", World.app, "--args", "args " + "a " * 1000, code="PARAMS_INVALID")


@trying("requester-secret", "4096 bytes")
def requester_secret():
    result("--requester-secret", "1=@" + LAB.write("s4096", "s" * 4096))
    refused("run", World.app, "--requester-secret", "1=@" + LAB.write("s4097", "s" * 4097),
            code="TOO_LARGE")


@trying("app-secret", "4096 bytes")
def app_secret():
    refused("deploy", "--app-secret-file", LAB.write("a4097", "s" * 4097), code="TOO_LARGE",
            cwd=World.project)


@trying("purpose", "128 bytes")
def purpose():
    data = LAB.good(World.user, "protect", "a=b")["address"]
    LAB.good(World.user, "grant", data, World.app, World.user, "--purpose", "p" * 128)
    data = LAB.good(World.user, "protect", "a=c")["address"]
    status, answer = LAB.one(World.user, "grant", data, World.app, World.user, "--purpose", "p" * 129)
    check(status != 0 and "128" in answer["error"]["message"], f"told: {answer}")


@trying("app-memory", "32 MiB to 1 TiB")
def app_memory():
    for size in ("31M", "1025G"):
        refused("run", World.app, "--memory", size, code="USAGE", status=2)
    error = refused("run", World.app, "--memory", "1024G", code="NO_RESOURCES", status=5)
    check("1 TiB" in error["message"], f"told: {error}")


# -- what an app may do --
@trying("app-files", "64 MiB each")
def app_files():
    equal(tested_result("--args", "tmp 20"), 20, "MiB in /tmp")
    check(60 <= tested_result("--args", "tmp 80") <= 64, "MiB that fit into /tmp")


@trying("app-processes", "128")
def app_processes():
    equal(tested_result("--args", "fork 50"), 50, "children")
    check(100 <= tested_result("--args", "fork 200") <= 128, "children beyond the limit")


@trying("app-time", "category XS 300 s")
def app_time():
    equal(tested("--args", "sleep 1", "--time-limit", "60")["exitCode"], 0, "in time")
    tested("--args", "sleep 60", "--time-limit", "1", status=4)
    refused("test", "--time-limit", "0", code="USAGE", status=2, cwd=World.project)


@trying("result-size", "50 MiB")
def result_size():
    equal(tested_result("--args", "out 49"), 49, "MiB")
    answer = tested("--args", "out 51", status=3)
    check(str(50 * MIB) in answer["error"]["message"], f"told: {answer}")


@trying("result-depth", "32")
def result_depth():
    tested("--args", "deep 31")
    tested("--args", "deep 40", status=3)


@trying("result-entries", "10,000")
def result_entries():
    tested("--args", "many 9000")
    error = tested("--args", "many 10001", status=3)["error"]
    check("10000" in error["message"], f"told: {error}")


@trying("result-name", "31 bytes")
def result_name():
    tested("--args", "name 31")
    answer = tested("--args", "name 32", status=3)
    check("31" in answer["error"]["message"], f"told: {answer}")


# -- protected data --
@trying("data-json", "64 MiB")
def data_json():
    path = filled("long.json", 64 * MIB + 1)
    refused("protect", path, "--dry-run", code="TOO_LARGE")


@trying("data-depth", "60")
def data_depth():
    def nested(n):
        return LAB.write("deep.json", '{"a":' * n + '"x"' + "}" * n)
    LAB.good(None, "protect", nested(58), "--dry-run")
    status, answer = LAB.one(None, "protect", nested(62), "--dry-run")
    check(status == 1 and answer["error"]["message"], f"refused: {answer}")


@trying("data-values", "9999")
def data_values():
    def many(n):
        return LAB.write("many.json", json.dumps({f"v{i}": True for i in range(n)}))
    LAB.good(None, "protect", many(9998), "--dry-run")
    status, answer = LAB.one(None, "protect", many(10000), "--dry-run")
    check(status == 1 and answer["error"]["message"], f"refused: {answer}")


def policy_of(**clauses):
    return LAB.write("policy.json", json.dumps({"v": 1, **clauses}))


@trying("policy-list", "256 of each")
def policy_list():
    data = LAB.good(World.user, "protect", "a=b")["address"]
    for clause, text in ("purposes", "p{}"), ("requesters", "0x{:040x}"):
        texts = [text.format(n) for n in range(1, 258)]
        LAB.good(World.user, "policy", "set", data, "--file", policy_of(**{clause: texts[:256]}))
        error = refused("policy", "set", data, "--file", policy_of(**{clause: texts}),
                        code="POLICY_UNKNOWN")
        check(clause in error["message"] and "256" in error["message"], f"told: {error}")


@trying("policy-size", "64 KiB")
def policy_size():
    data = LAB.good(World.user, "protect", "a=b")["address"]
    texts = [f"{n:0128}" for n in range(256)]
    LAB.good(World.user, "policy", "set", data, "--file", policy_of(purposes=texts))
    refused("policy", "set", data, "--file", policy_of(v="x" * (64 << 10)), code="TOO_LARGE")


# -- images --
def layer(*entries):
    room = io.BytesIO()
    with tarfile.open(fileobj=room, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, data in entries:
            member = tarfile.TarInfo(name)
            member.size, member.mode = len(data), 0o755
            tar.addfile(member, io.BytesIO(data))
    return room.getvalue()


def archive(layers, changed=None):
    """A docker archive of these layers, its path. changed: layers under another compression."""
    import hashlib
    World.archives += 1
    config = json.dumps({"architecture": "amd64", "os": "linux",
                         "config": {"Entrypoint": ["/bin/app"]},
                         "rootfs": {"type": "layers", "diff_ids": [
                             "sha256:" + hashlib.sha256(x).hexdigest() for x in layers]}}).encode()
    names = [f"l{i}.tar" for i in range(len(layers))]
    members = {"c.json": config, **dict(zip(names, changed or layers)), "manifest.json": json.dumps(
        [{"Config": "c.json", "RepoTags": None, "Layers": names}]).encode()}
    path = LAB.path(f"image-{World.archives}.tar")
    with tarfile.open(path, "w") as out:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            out.addfile(member, io.BytesIO(data))
    return path


def program():
    with open(World.program, "rb") as f:
        return ("bin/app", f.read())


def not_imported(path):
    status, answer = LAB.one(None, "build", "--image", path, cwd=World.project)
    check(status != 0 and answer["error"]["code"] == "IMAGE_REFUSED", f"refused: {answer}")
    return answer["error"]["message"]


@trying("image-room", "the room: 1 GiB")
def image_room():
    path = archive([layer(program(), ("zeros", os.urandom(ROOM + MIB)))])
    out = LAB.said(World.user, "deploy", "--image", path, cwd=World.project)
    check(out[0] == 0 and re.search(r"this image: \d+ bytes needed in the enclave", out[2]),
          f"warned: {out}")
    app = re.search(r"^0x[0-9a-fA-F]{40}$", out[1], re.MULTILINE).group(0)
    error = refused("run", app, code="NO_RESOURCES", status=5)
    check("image" in error["message"], f"told: {error}")
    mine, World.app = World.app, app
    try:
        task, seen = fails("APP_IMAGE_TOO_LARGE", "--no-check")
    finally:
        World.app = mine
    check(re.search(r"\d+ bytes in \d+ files unpacked; an enclave of this worker has \d+ bytes",
                    task["message"]), f"told: {task}")
    before_release(seen)


@trying("image-layers", "127")
def image_layers():
    layers = [layer((f"f{i}", b"x")) for i in range(128)]
    check("128" in not_imported(archive(layers)) or True, "named")


@trying("image-depth", "64")
def image_depth():
    check("64" in not_imported(archive([layer(program(), ("d/" * 64 + "f", b"x"))])), "named")


@trying("image-file", "2 GiB")
def image_file():
    raw = bytearray(layer(program(), ("huge", b"x")))
    at = raw.find(b"huge\0")
    raw[at + 124:at + 136] = b"%011o\0" % (2 << 30 | 1)
    raw[at + 148:at + 156] = b" " * 8
    raw[at + 148:at + 156] = b"%06o\0 " % sum(raw[at:at + 512])
    not_imported(archive([bytes(raw)]))


@trying("image-ratio", "200")
def image_ratio():
    import gzip
    plain = layer(program(), ("zeros", bytes(300 * MIB)))
    check("200" in not_imported(archive([plain], [gzip.compress(plain, 9)])), "named")


# -- services --
@trying("http-head", "16 KiB")
def http_head():
    at = urllib.parse.urlparse(World.urls["rpcUrl"])
    for size, want in ((8 << 10, 404), (17 << 10, 400)):
        c = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
        c.request("GET", "/nothing-here", headers={"X-Long": "x" * size})
        status = c.getresponse().status
        equal(status, want, f"{size} bytes")
        c.close()


@trying("json-depth", "64")
def json_depth():
    for depth, ok in ((50, True), (70, False)):
        body = '{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":' + "[" * depth + "]" * depth + "}"
        _, text = send(World.urls["rpcUrl"], body.encode())
        equal("result" in json.loads(text), ok, f"{depth} levels: {text[:200]}")


@trying("rpc-body", "16 MiB")
def rpc_body():
    equal(send(World.urls["rpcUrl"], b" " * (16 * MIB + 1))[0], 413, "status")


@trying("rpc-batch", "1000")
def rpc_batch():
    one = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}
    equal(len(rpc([one] * 1000)[1]), 1000, "answers")
    answer = rpc([one] * 1001)[1]
    check("1000" in json.dumps(answer) and "error" in json.dumps(answer), f"told: {answer}")


@trying("rpc-logs", "10,000")
def rpc_logs():
    mine = {"jsonrpc": "2.0", "id": 1, "method": "evm_mine", "params": []}
    while int(LAB.rpc("eth_blockNumber"), 16) <= 10_000:
        rpc([mine] * 1000)
    every = {"jsonrpc": "2.0", "id": 1, "method": "eth_getLogs",
             "params": [{"fromBlock": "0x1", "toBlock": hex(10_000)}]}
    check("result" in rpc(every)[1], "10,000 blocks")
    every["params"][0]["toBlock"] = hex(10_001)
    answer = rpc(every)[1]
    check("10000" in json.dumps(answer.get("error")), f"told: {answer}")


@trying("market-body", "64 KiB")
def market_body():
    status, _ = send(World.urls["marketUrl"] + "/apporders", b"{" + b" " * (64 << 10) + b"}")
    equal(status, 413, "status")


@trying("market-page", "10 to 1000")
def market_page():
    url = World.urls["marketUrl"] + f"/apporders?app=any&chainId={LAB.config['chainId']}&pageSize="
    for size, want in ((9, 400), (10, 200), (1000, 200), (1001, 400)):
        equal(send(url + str(size), method="GET")[0], want, f"pageSize {size}")


def graph(query):
    status, text = send(World.urls["subgraphUrl"], json.dumps(query).encode())
    return status, json.loads(text)


@trying("graph-first", "1000")
def graph_first():
    check("errors" not in graph({"query": "{protectedDatas(first:1000){id}}"})[1], "1000")
    _, answer = graph({"query": "{protectedDatas(first:1001){id}}"})
    check("1000" in json.dumps(answer["errors"]), f"told: {answer}")


@trying("graph-depth", "24")
def graph_depth():
    def nested(n):
        return "{protectedDatas(first:1){" + "owner{datasets(first:1){" * n + "id" + "}}" * n + "}}"
    _, answer = graph({"query": nested(8)})
    check("errors" not in answer, f"within: {answer}")
    _, answer = graph({"query": nested(14)})
    check("24" in json.dumps(answer["errors"]), f"told: {answer}")


@trying("graph-batch", "100")
def graph_batch():
    one = {"query": "{protectedDatas(first:1){id}}"}
    equal(len(graph([one] * 100)[1]), 100, "answers")
    _, answer = graph([one] * 101)
    check("100" in json.dumps(answer), f"told: {answer}")


@trying("sms-body", "64 KiB")
def sms_body():
    url = World.urls["smsUrl"] + f"/requesters/{World.user}/secrets/big"
    equal(send(url, b"x" * ((64 << 10) + 1), {"Authorization": "0x00"})[0], 413, "status")


@trying("faucet", "1,000,000 RLC")
def faucet():
    LAB.good(World.user, "balance", "--faucet", "1000000RLC")
    status, answer = LAB.one(World.user, "balance", "--faucet", "1000001RLC")
    check(status != 0, f"refused: {answer}")


# -- the cases --
@case
def every_row_has_a_try_and_every_try_a_row():
    found = rows()
    check(len(found) > 30, f"rows: {found}")
    equal(sorted(found), sorted(TRIES), "ids")
    for name, (number, _) in TRIES.items():
        check(number in found[name], f"{name}: \"{number}\" is not in \"{found[name]}\"")


@case
def an_installation_with_a_small_room():
    World.urls = LAB.up("--test", "--task-room", "16M")
    World.user = LAB.wallet()
    World.project = LAB.project("taker", source=os.path.join(HERE, "app/limits.c"),
                                features="args,data")
    World.app = LAB.deploy(World.user, World.project)
    equal(LAB.good(None, "pool")["limits"]["dataMax"], ROOM, "as the pool says")
    World.program = os.path.join(lab.BUILD, "tests/hostile/test_app")


for NAME, (_, TRY) in TRIES.items():
    TRY.__name__ = NAME.replace("-", "_")
    case(TRY)


@case
def it_ends_on_sigterm():
    equal(LAB.stop(), 0, "exit status")


try:
    tap.main()
finally:
    LAB.close()
