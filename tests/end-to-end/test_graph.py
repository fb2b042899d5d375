#!/usr/bin/env python3
"""The index through the real programs: the documents that the npm packages send, ownership, the same
answers after `iappd reindex` and from nothing, and the tools of npm's graphql."""
import glob
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "../lib"))
import eth  # noqa: E402
import npm  # noqa: E402
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

IAPP, IAPPD = (os.path.join(os.environ["IA_BUILD"], n) for n in ("iapp", "iappd"))
TOP = tempfile.mkdtemp(prefix="iapp-graph-")
HOME, KEYS, PASSWORD = (os.path.join(TOP, n) for n in ("home", "keystore", "password"))
ENV = dict(os.environ, IAPP_HOME=HOME, IAPP_PASSWORD_FILE=PASSWORD)
KEY = 0x1234567
# what the packages send: getProtectedData, GetValidContacts, inspectBulkRequest
PROTECTED_DATAS = """
    query($start: Int!, $range: Int!, $where: ProtectedData_filter) {
      protectedDatas(
        where: $where
        skip: $start
        first: $range
        orderBy: creationTimestamp
        orderDirection: desc
      ) {
        id
        name
        owner {
          id
        }
        schema {
          id
        }
        creationTimestamp
        multiaddr
      }
    }
"""
VALID_CONTACTS = """
      query GetValidContacts($requiredSchema: [String!]!, $id: [String!]!, $start: Int!, $range: Int!) {
        protectedDatas(
          where: {
            transactionHash_not: "0x",
            schema_contains: $requiredSchema,
            id_in: $id
          }
          skip: $start
          first: $range
          orderBy: creationTimestamp
          orderDirection: desc
        ) {
          id
          name
        }
      }
"""
BULK_DEALS = """
    query ($where: Deal_filter) {
      deals(where: $where) {
        tasks {
          taskId: id
          bulkSlice {
            datasets {
              id
            }
          }
        }
      }
    }
"""


class Run:
    """What the cases share."""
    up = None
    account = eth.Account(KEY)
    data = []


def iapp(*args):
    done = subprocess.run([IAPP, *args, "--json", "--keystore", KEYS], env=ENV, cwd=TOP,
                          capture_output=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
    check(done.returncode == 0, f"{args}: {done.stdout!r} {done.stderr!r}")
    return json.loads(done.stdout.splitlines()[-1])


def start():
    with open(os.path.join(TOP, "log"), "ab") as log:
        Run.up = subprocess.Popen([IAPP, "up", "--port", "0", "--test", "--json"], env=ENV, stderr=log,
                                  stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    Run.config = json.loads(Run.up.stdout.readline())
    check("rpcUrl" in Run.config, f"ready: {Run.config}")


def stop():
    Run.up.terminate()
    equal(Run.up.wait(timeout=60), 0, "exit status")


def post(url, query, variables=None, **more):
    body = {"query": query, **more}
    if variables is not None:
        body["variables"] = variables
    ask = urllib.request.Request(url, json.dumps(body).encode(),
                                 {"content-type": "application/json", "origin": "http://a.example"})
    with urllib.request.urlopen(ask, timeout=60) as answer:
        equal(answer.status, 200, "status")
        equal(answer.headers["content-type"], "application/json", "type")
        check(answer.headers["access-control-allow-origin"], "browsers may read it")
        return json.load(answer)


def data(query, variables=None):
    """Of the dataprotector subgraph."""
    answer = post(Run.config["subgraphUrl"], query, variables)
    equal(list(answer), ["data"], f"answer {answer}")
    return answer["data"]


def rows(where=None, start_at=0, count=1000):
    variables = {"start": start_at, "range": count}
    if where is not None:
        variables["where"] = {"and": where}
    return data(PROTECTED_DATAS, variables)["protectedDatas"]


def ids(found):
    return [r["id"] for r in found]


@case
def the_ready_line_names_both_endpoints():
    with open(PASSWORD, "w", encoding="ascii") as f:
        f.write("correct horse\n")
        os.fchmod(f.fileno(), 0o600)
    start()
    front = Run.config["rpcUrl"]
    equal((Run.config["subgraphUrl"], Run.config["pocoSubgraphUrl"]),
          (front + "/graphql/dataprotector", front + "/graphql/poco"), "URLs")
    for url in (Run.config["subgraphUrl"], Run.config["pocoSubgraphUrl"]):
        with urllib.request.urlopen(url, timeout=60) as answer:
            check(b"GraphQL" in answer.read(), "GET says what it is")
    equal(rows(), [], "nothing yet")


@case
def protected_data_are_found_as_the_packages_ask():
    key = os.path.join(TOP, "key")
    with open(key, "w", encoding="ascii") as f:
        os.fchmod(f.fileno(), 0o600)
        f.write(f"0x{KEY:064x}\n")
    iapp("wallet", "import", "--key-file", key)
    for i, inputs in enumerate((["email=a@b.example"], ["email=c@d.example", "age=x"], ["note=n"])):
        Run.data.append(iapp("protect", *inputs, "--name", f"data {i}", "--wallet",
                             Run.account.address)["address"])
    found = rows()
    equal(ids(found), [a.lower() for a in reversed(Run.data)], "newest first, lower case")
    row = found[1]
    equal(list(row), ["id", "name", "owner", "schema", "creationTimestamp", "multiaddr"], "members")
    equal((row["name"], row["owner"]["id"]), ("data 1", Run.account.address), "name and owner")
    equal(sorted(s["id"] for s in row["schema"]), ["age:string", "email:string"], "schema")
    check(re.fullmatch(r"0xa503221220[0-9a-f]{64}", row["multiaddr"]), row["multiaddr"])
    check(int(row["creationTimestamp"]) > 1700000000, row["creationTimestamp"])


@case
def every_filter_of_the_packages():
    first, second, third = (a.lower() for a in Run.data)
    equal(ids(rows([{"id": Run.data[0]}])), [first], "id in any case")
    equal(ids(rows([{"owner": Run.account.address}])), [third, second, first], "owner")
    equal(ids(rows([{"owner": "0x" + "11" * 20}])), [], "another owner")
    equal(ids(rows([{"creationTimestamp_gte": 4102444800}])), [], "newer than all")
    equal(ids(rows([{"schema_contains": ["email:string", "age:string"]}])), [second], "all of")
    equal(ids(rows([{"schema_contains": ["email:string"]},
                    {"or": [{"schema_contains": ["age:string"]},
                            {"schema_contains": ["nothing:bool"]}]}])), [second], "one of")
    equal(ids(rows(count=1, start_at=1)), [second], "a page")
    contacts = {"requiredSchema": ["email:string"], "start": 0, "range": 1000,
                "id": [first, second, third, first] + [f"0x{i:040x}" for i in range(5000)]}
    equal(ids(data(VALID_CONTACTS, contacts)["protectedDatas"]), [second, first], "contacts")
    contacts.update(range=1, id=[first])
    equal(data(VALID_CONTACTS, contacts)["protectedDatas"], [{"id": first, "name": "data 0"}], "one")
    equal(post(Run.config["pocoSubgraphUrl"], BULK_DEALS,
               {"where": {"requestorder": "0x" + "12" * 32}}), {"data": {"deals": []}}, "bulk")


@case
def the_owner_follows_a_transfer_at_once():
    other = eth.Account(KEY + 1).address
    poco = Run.config["pocoSubgraphUrl"]
    url, chain = Run.config["rpcUrl"], Run.config["chainId"]
    registry = eth.rpc(url, "eth_call", {"to": Run.config["hubAddress"],
                                         "data": "0x" + eth.call("datasetregistry()").hex()}, "latest")
    move = eth.call("safeTransferFrom(address,address,uint256)", Run.account.address, other,
                    int(Run.data[0], 16))
    nonce = int(eth.rpc(url, "eth_getTransactionCount", Run.account.address, "latest"), 16)
    head = int(eth.rpc(url, "eth_blockNumber"), 16)
    sent = eth.rpc(url, "eth_sendRawTransaction",
                   Run.account.transaction(chain, "0x" + registry[-40:], move, nonce))
    equal([r["owner"]["id"] for r in rows([{"id": Run.data[0]}])], [other], "owner")
    equal(ids(rows([{"owner": other}])), [Run.data[0].lower()], "by owner")
    query = "query($id: ID!, $n: Int) {dataset(id: $id, block: {number: $n}) {owner {id} transfers" \
            " (first: 1, where: {from_not: \"0x0000000000000000000000000000000000000000\"})" \
            " {transaction {id from {id}}}}}"
    answer = post(poco, query, {"id": Run.data[0]})
    equal(answer["data"]["dataset"],
          {"owner": {"id": other}, "transfers": [{"transaction": {
              "id": sent, "from": {"id": Run.account.address}}}]}, "in PoCo's index too")
    answer = post(poco, query, {"id": Run.data[0], "n": head})
    equal(answer["data"]["dataset"], {"owner": {"id": Run.account.address}, "transfers": []}, "before")


@case
def what_is_refused_has_a_place():
    answer = post(Run.config["pocoSubgraphUrl"], "{\n  deals {\n    nothing\n  }\n}")
    equal(answer, {"errors": [{"message": 'type Deal has no field "nothing"',
                               "locations": [{"line": 3, "column": 5}]}]}, "answer")
    answer = post(Run.config["subgraphUrl"], "mutation { a }")
    equal(list(answer), ["errors"], "mutations")
    answer = post(Run.config["subgraphUrl"], "query A {__typename} query B {b: __typename}",
                  operationName="B")
    equal(answer, {"data": {"b": "Query"}}, "operationName")


# -- npm's graphql --
def types_of(url):
    query = "{__schema{types{name kind fields{name args{name type{...T}} type{...T}}}}}" \
            " fragment T on __Type{kind name ofType{kind name ofType{kind name ofType{name kind}}}}"
    found = post(url, query)["data"]["__schema"]["types"]
    return {t["name"]: t for t in found}


def core(t):
    while t["kind"] in ("LIST", "NON_NULL"):
        t = t["ofType"]
    return t


def selection(rng, types, name, depth):
    parts = ["__typename"] if rng.random() < 0.2 else []
    for field in rng.sample(types[name]["fields"], min(4, len(types[name]["fields"]))):
        inner, text = core(field["type"]), field["name"]
        composite = inner["kind"] in ("OBJECT", "INTERFACE")
        if composite and depth == 0:
            continue
        if rng.random() < 0.2:
            text = f"a{rng.randint(0, 9)}: {text}"
        args = [a["name"] for a in field["args"]]
        if "id" in args:
            text += '(id: "0x00")'
        elif "first" in args and rng.random() < 0.5:
            text += f"(first: {rng.randint(0, 3)}, where: {{}}, orderDirection: desc)"
        if composite:
            text += selection(rng, types, inner["name"], depth - 1)
        parts.append(text)
    return "{" + " ".join(parts or ["__typename"]) + "}"


def spoiled(rng, query):
    """One word of the query is another one."""
    words = list(re.finditer(r"[a-zA-Z_]+", query))
    word = rng.choice(words)
    return query[:word.start()] + rng.choice(["id", "name", "first", "Nothing", "5", "asc", "x{id}"]) \
        + query[word.end():]


@case
def tools_of_npm_know_the_schemas():
    node, package = npm.node(), npm.installed("graphql", "16.11.0")
    rng = random.Random(int(os.environ.get("IA_SEED", "7")))
    urls = [Run.config["subgraphUrl"], Run.config["pocoSubgraphUrl"]]
    asked = [{"url": urls[0], "query": PROTECTED_DATAS}, {"url": urls[1], "query": BULK_DEALS}]
    for url in urls:
        types = types_of(url)
        for _ in range(120):
            query = selection(rng, types, "Query", 3)
            asked.append({"url": url, "query": query})
            asked.append({"url": url, "query": spoiled(rng, query)})
    done = subprocess.run([node, os.path.join(HERE, "graph_schema.mjs"), package, *urls],
                          input=json.dumps(asked).encode(), capture_output=True, timeout=120,
                          check=False)
    check(done.returncode == 0, done.stderr.decode()[-600:])
    lines = [json.loads(x) for x in done.stdout.splitlines()]
    check("type ProtectedData" in lines[0] and "interface TaskEvent" in lines[1], "printed schemas")
    both = [0, 0]
    for ask, messages in zip(asked, lines[2:]):
        variables = {"start": 0, "range": 10} if "$start" in ask["query"] else None
        answer = post(ask["url"], ask["query"], variables)
        equal("errors" in answer, bool(messages), f"{ask['query']}: {answer} {messages}: refused")
        both[bool(messages)] += 1
    check(min(both) > 50, f"taken and refused: {both}")


# -- again from nothing --
def everything():
    poco = "{accounts(first:1000){id balance frozen} datasets(first:1000){id owner{id} timestamp" \
           " transfers{id}} workerpools{id owner{id} description} categories{id name}" \
           " transactions(first:1000){id from{id} blockNumber} protocol(id:\"iExec\"){tvl appsCount" \
           " datasetsCount} _meta{block{number hash}}}"
    return [rows(), post(Run.config["pocoSubgraphUrl"], poco)["data"]]


@case
def an_index_that_is_lost_is_made_again():
    before = everything()
    check(before[1]["datasets"] and before[1]["transactions"], "there is something")
    stop()
    with open(os.path.join(HOME, "config.json"), encoding="utf-8") as f:
        check(f.read(), "the home stays")
    for name in glob.glob(os.path.join(HOME, "front/graph.db*")):
        os.remove(name)
    start()
    equal(everything(), before, "after the file was removed")
    stop()
    done = subprocess.run([IAPPD, "reindex", "--home", HOME, "--test", "--json"],
                          capture_output=True, timeout=120, stdin=subprocess.DEVNULL, check=False)
    check(done.returncode == 0, f"reindex: {done.stdout!r} {done.stderr!r}")
    start()
    equal(everything(), before, "after iappd reindex")


try:
    tap.main()
finally:
    if Run.up and Run.up.poll() is None:
        for pid in reversed(proc.children(Run.up.pid)):
            os.kill(pid, signal.SIGKILL)
        Run.up.wait(timeout=60)
    shutil.rmtree(TOP, ignore_errors=True)
