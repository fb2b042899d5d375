#!/usr/bin/env python3
"""docs/compatibility.md is read and held against an installation that runs: every request, method, query and
command of its tables is made; and nothing that our servers offer is missing in them."""
import glob
import json
import os
import re
import sys
import urllib.error
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

ROOT = os.path.join(os.environ["IA_TESTS"], "..")
LAB = lab.Lab("compatibility")
STATES = ("works", "differs", "refused", "ours", "the same")
BOUNDARY = "a-form-of-one-file"


def tables(name):
    """{heading: rows} of a page, a row is its cells."""
    found, heading = {}, ""
    with open(os.path.join(ROOT, "docs", name), encoding="utf-8") as f:
        for line in f:
            if line.startswith("#"):
                heading = line.strip("# \n")
            elif line.startswith("| ") and not line.startswith("| ---"):
                found.setdefault(heading, []).append([c.strip() for c in line.strip("|\n ").split(" | ")])
    return {h: rows[1:] for h, rows in found.items()}


TABLES = tables("compatibility.md")


def spans(cell):
    return re.findall(r"`([^`]*)`", cell)


def filled(text):
    return re.sub(r"\{(\w+)\}", lambda m: World.names.get(m[1], m[0]), text)


class World:
    names = {}


# -- what the sources offer --
def sources(folder):
    for path in sorted(glob.glob(os.path.join(ROOT, "src/service", folder, "*.c"))):
        with open(path, encoding="utf-8") as f:
            yield f.read()


ROUTE = re.compile(r'\{[\s\\]*"(GET|HEAD|POST|PUT|DELETE|PATCH)",\s*"(/[^"]*)"( name(?: "([^"]*)")?)?')


def routes(folder):
    """Rows of the route tables of a service; COLLECTION(x) stands for one row a method."""
    found = set()
    for text in sources(folder):
        names = re.findall(r'COLLECTION\("(\w+)"\)', text)
        for method, path, is_name, rest in ROUTE.findall(text):
            for name in names if is_name else [""]:
                found.add(f"{method} {path}{name}{rest if is_name else ''}")
    return found


def documented(*headings):
    return {spans(row[0])[0] for h in headings for row in TABLES[h]}


# -- asking --
def answer_of(url, method, target, body):
    headers = {}
    if body == "(file)":
        headers["Content-Type"] = f"multipart/form-data; boundary={BOUNDARY}"
        body = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename=""\r\n\r\n'
                f"hello world\n\r\n--{BOUNDARY}--\r\n")
    elif body:
        headers["Content-Type"] = "application/json" if body[0] in "{[" else "text/plain"
    rq = urllib.request.Request(url + target, body.encode() if body else None, headers, method=method)
    try:
        with urllib.request.urlopen(rq, timeout=60) as got:
            return got.status, got.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode("utf-8", "replace")


def has(value, dotted):
    for name in dotted.split("."):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


def wants(text):
    """Members, and texts in quotes."""
    return re.findall(r'"([^"]*)"', text), re.sub(r'"[^"]*"', "", text).split()


def ask(base, cell):
    request, *names = spans(cell)
    status = int(re.search(r"` (\d{3})", cell)[1])
    method, target, *body = filled(request).split(" ", 2)
    got, text = answer_of(base, method, target, body[0] if body else "")
    if got != status:
        return f"{request}: {got} {text[:200]}, want {status}"
    texts, members = wants(names[0]) if names else ([], [])
    answer = json.loads(text) if members else None
    missing = [m for m in members if not has(answer, m)] + [t for t in texts if t not in text]
    return f"{request}: {text[:200]} lacks {missing}" if missing else None


def all_of(heading, make):
    check(TABLES.get(heading), f"no table under {heading}")
    wrong = []
    for row in TABLES[heading]:
        if not row[1].startswith(STATES):
            wrong.append(f"{row[0]}: a state that is none: {row[1]}")
        wrong.append(make(row))
    equal([w for w in wrong if w], [], heading)


@case
def an_installation_starts():
    up = LAB.up("--test")
    front = up["rpcUrl"]
    World.names = {"chain": str(up["chainId"]), "pool": up["workerpool"], "hub": up["hubAddress"],
                   "app": "0x" + "00" * 19 + "aa", "hash": "0x" + "00" * 32}
    url = json.loads(answer_of(front, "GET", filled("/{chain}/workerpools/{pool}"), "")[1])["apiUrl"]
    World.bases = {"front": front, "sms": up["smsUrl"], "scheduler": url}
    World.names["cid"] = json.loads(answer_of(front, "POST", "/api/v0/add", "(file)")[1])["Hash"]


@case
def every_route_of_ours_stands_in_a_table():
    for folder, heading in (("market", "Market (front)"), ("ipfs", "Blobs (front)"),
                            ("compass", "Compass (front)"), ("graph", "Index (front)"),
                            ("ledger", "Ledger (front)"), ("sms", "Secrets (sms)"),
                            ("scheduler", "Scheduler (scheduler)")):
        ours = routes(folder)
        check(ours, f"no route found in {folder}")
        equal(sorted(ours - documented(heading)), [], f"routes of {folder} that no table names")
        told = {spans(r[0])[0] for r in TABLES[heading] if not r[1].startswith("refused")}
        equal(sorted(told - ours), [], f"routes of {folder} that are told and are not there")


@case
def every_route_answers_as_its_table_says():
    headings = [h for h in TABLES if re.search(r"\((front|sms|scheduler)\)$", h)]
    equal(len(headings), 7, "tables of routes")
    for heading in headings:
        base = World.bases[re.search(r"\((\w+)\)$", heading)[1]]
        all_of(heading, lambda row, base=base: ask(base, row[2]))


@case
def every_method_of_the_ledger():
    ours = {m for text in sources("ledger") for m in re.findall(r'\{"((?:eth|net|web3|evm|iapp)_\w+)", ', text)}
    rows = TABLES["Methods of the ledger"]
    told = {spans(r[0])[0] for r in rows if not r[1].startswith("refused")}
    equal(ours, told, "methods in the table and in the server")

    kinds = {"text": str, "number": int, "object": dict, "list": list, "true": bool, "false": bool, "null": type(None)}

    def call(row):
        method, (params, *_), want = spans(row[0])[0], spans(row[2]), row[2].rsplit(" ", 1)[1]
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method,
                           "params": json.loads(filled(params))})
        got = json.loads(answer_of(World.bases["front"], "POST", "/", body)[1])
        if "error" in got:
            return None if str(got["error"]["code"]) == want else f"{method}: {got['error']}, want {want}"
        fits = want in kinds and isinstance(got["result"], kinds[want])
        return None if fits else f"{method}: {got['result']!r}, want {want}"

    all_of("Methods of the ledger", call)


@case
def every_field_of_the_index():
    headings = [h for h in TABLES if re.search(r"\(/graphql/\w+\)$", h)]
    equal(len(headings), 2, "tables of fields")
    for heading in headings:
        path = re.search(r"\((/\S+)\)$", heading)[1]

        def query(row, path=path):
            body = json.dumps({"query": spans(row[2])[0]})
            got = json.loads(answer_of(World.bases["front"], "POST", path, body)[1])
            return f"{row[0]}: {got['errors']}" if "errors" in got else None

        all_of(heading, query)
        body = json.dumps({"query": "{__schema{queryType{fields{name}}}}"})
        schema = json.loads(answer_of(World.bases["front"], "POST", path, body)[1])
        ours = [f["name"] for f in schema["data"]["__schema"]["queryType"]["fields"]]
        told = [name for row in TABLES[heading] for name in spans(row[0])]
        equal(sorted(told), sorted(ours), f"fields of {path}")


@case
def every_verb_and_option_of_the_first_command_line():
    def run(row):
        command, text = spans(row[2])
        status = int(re.search(r"` (\d+) `", row[2])[1])
        got, out, err = LAB.said(None, *command.split(" ")[1:])
        if got == status and text in out + err:
            return None
        return f"{command}: {got} {out[:300]} {err[:300]}, want {status} {text}"

    all_of("Verbs and options", run)
    told = {name for row in TABLES["Verbs and options"] for name in spans(row[0])}
    original = {"init", "test", "deploy", "run", "debug", "mock protectedData", "wallet import",
                "wallet select", "chain select", "completion", "--help", "-h", "--version", "-v"}
    original |= {f"{v} --{o}" for v in ("test", "run")
                 for o in ("args", "protectedData", "inputFile", "requesterSecret")}
    original |= {f"{v} --chain" for v in ("deploy", "run", "debug")}
    equal(told, original, "verbs and options")


@case
def every_member_of_its_configuration():
    told = {spans(row[0])[0]: spans(row[2])[0] for row in TABLES["Members of iapp.config.json"]}
    equal(set(told), {"defaultChain", "projectName", "template", "dockerhubUsername",
                      "dockerhubAccessToken", "walletPrivateKey", "walletFileName", "appSecret"}, "members")
    equal(set(told.values()), {"e2e/original"}, "the test that shows them")
    with open(os.path.join(ROOT, "tests/end-to-end/test_original.py"), encoding="utf-8") as f:
        test = f.read()
    equal([m for m in told if m not in test], [], "members that the test does not set")


def test_files():
    """Names of tests as meson has them, without those that take a package."""
    found = set()
    for folder, suite in (("end-to-end", "e2e"), ("clients", "clients"), ("service", "service")):
        for name in os.listdir(os.path.join(os.environ["IA_TESTS"], folder)):
            match = re.fullmatch(r"test_(\w+)\.(?:py|mjs|c)", name)
            if match:
                found.add(f"{suite}/{match[1]}")
    return found


@case
def the_page_for_users_names_tests_that_are():
    page = tables("iexec-users.md")
    equal(sorted(page), ["What differs", "What is better", "What to set"], "tables")
    known = test_files()
    named = [t for rows in page.values() for row in rows for t in spans(row[-1])]
    check(all(spans(row[-1]) for rows in page.values() for row in rows), "every row names a test")
    # a test of both versions is told by its package: clients/run-iexec8
    equal([t for t in named if re.sub(r"(?<=^clients/)evm-|-iexec8?$", "", t) not in known], [],
          "tests that are not there")
    packages = " ".join(row[0] for row in page["What to set"])
    equal([p for p in ("iexec", "@iexec/dataprotector", "@iexec/web3mail") if f"`{p}`" not in packages], [],
          "packages")


@case
def it_ends_on_sigterm():
    equal(LAB.stop(), 0, "exit status")


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        LAB.close()
