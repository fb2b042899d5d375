#!/usr/bin/env python3
"""What a command line owes to whoever types it: help at every depth, suggestions, the cause of a typo, ids cut
short, keystores of other tools, nothing overwritten that nobody said, lines in their order."""
import http.server
import json
import os
import re
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("line")
# key 4, "foo": as go-ethereum wrote a key of 31 bytes, without its address
SHORT_KEY = {
    "crypto": {"cipher": "aes-128-ctr", "cipherparams": {"iv": "e0c41130a323adc1446fc82f724bca2f"},
               "ciphertext": "9517cd5bdbe69076f9bf5057248c6c050141e970efa36ce53692d5d59a3984",
               "kdf": "scrypt", "kdfparams": {
                   "dklen": 32, "n": 2, "r": 8, "p": 1,
                   "salt": "711f816911c92d649fb4c84b047915679933555030b3552c1212609b38208c63"},
               "mac": "d5e116151c6aa71470e67a7d42c9620c75c4d23229847dcc127794f0732b0db5"},
    "id": "fecfc4ce-e956-48fd-953b-30f8b52ed66c", "version": 3}
CHECKSUMMED = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


class Run:
    """What the cases share."""


def usage(*args, says, fix):
    status, out, err = LAB.said(None, *args)
    equal((status, out), (2, ""), f"{args}: {err}")
    check(says in err, f"{args}: {says!r} is not in {err!r}")
    check("fix: " + fix in err, f"{args}: {fix!r} is not in {err!r}")


def daemon(*args):
    done = subprocess.run([lab.IAPPD, *args], env=LAB.env(), cwd=LAB.top, capture_output=True, timeout=60,
                          stdin=subprocess.DEVNULL, check=False, encoding="utf-8")
    return done.returncode, done.stdout, done.stderr


@case
def help_at_every_depth():
    _, out, _ = LAB.said(None, "help")
    verbs = [line.split("  ")[1].strip() for line in out.splitlines() if line.startswith("  ")]
    check("app line new" in verbs and "run" in verbs, f"verbs: {verbs}")
    for verb in verbs:
        words = verb.split()
        status, told, err = LAB.said(None, "help", *words)
        equal(status, 0, f"help {verb}: {err}")
        check(told.startswith(f"usage: iapp {verb}"), f"help {verb}: {told[:80]}")
        equal(LAB.said(None, *words, "--help")[1], told, f"{verb} --help")
        for n in range(1, len(words)):
            status, told, _ = LAB.said(None, "help", *words[:n])
            check(status == 0 and f"  iapp {verb}" in told, f"help {words[:n]}: {told}")
    usage("help", "app", "line", "nwe", says='unknown subcommand "nwe"', fix="did you mean: iapp help app line new")
    usage("help", "run", "now", says="now", fix="iapp help run")


@case
def a_mistyped_verb_has_a_suggestion():
    for words, meant in ((("deploi",), "deploy"), (("resutl", "0x12"), "result"), (("walet", "new"), "wallet new"),
                         (("wallet", "nwe"), "wallet new"), (("app", "lne", "new", "x"), "app line new"),
                         (("app", "line", "shwo", "x"), "app line show"), (("gran",), "grant")):
        usage(*words, says="unknown", fix=f"did you mean: iapp {meant}\n")
    usage("wallet", says="wallet: missing subcommand", fix="iapp help wallet")
    usage("app", "line", says="app line: missing subcommand", fix="iapp help app line")
    usage("xyzzy", says='unknown verb "xyzzy"', fix="iapp help\n")


@case
def a_mistyped_option_has_one_too():
    usage("grant", "--tiems", "5", says="unknown option --tiems", fix="did you mean: --times")
    usage("run", "--jsno", says="unknown option --jsno", fix="did you mean: --json")
    usage("run", "--prupose=x", says="unknown option --prupose", fix="did you mean: --purpose")
    usage("wallet", "list", "--pas", "x", says="--pas is ambiguous", fix="one of --password-file, --password-fd")
    usage("version", "--json=5", says="--json takes no value", fix="iapp help version")
    usage("version", "--lenient", says="unknown option --lenient", fix="--lenient is an option of `iapp get`")
    usage("version", "--home", says="--home needs a value", fix="iapp help version")
    usage("version", "-x", says="unknown option -x", fix="iapp help version")


@case
def the_daemon_names_its_own_help():
    for args in ((), ("rnu",), ("sms",), ("sms", "trsut"), ("run", "more"), ("version", "more"), ("run", "--homme", "x"),
                 ("run", "--port"), ("run", "--test=1"), ("run", "--re", "5"), ("run", "--slots", "x"),
                 ("run", "--port", "99999"), ("run", "--role", "none"), ("run", "--hub", "0x12"), ("run", "-x")):
        status, out, err = daemon(*args)
        equal((status, out), (2, ""), f"{args}: {err}")
        check("iappd help" in err or "did you mean: iappd run" in err, f"{args}: {err}")
    for args in (("--version",), ("-v",), ("version",)):
        equal(daemon(*args), (0, daemon("version")[1], ""), f"{args}")
    check(re.fullmatch(r"iappd \d+\.\d+\.\d+\n", daemon("version")[1]), "its version")
    equal(json.loads(daemon("--version", "--json")[1])["version"], LAB.good(None, "version")["version"], "in JSON")
    check(daemon("help")[1].startswith("usage: iappd run"), "its help")
    equal(daemon("help"), daemon("--help"), "both forms of help")


@case
def bytes_that_are_not_text_do_not_empty_an_error():
    for args in ((b"protect", b"--name", b"\xff", b"a=b"), (b"balance", b"0x\xff"),
                 (b"get", b"\xff.zip"), (b"\xffverb",), (b"run", b"--\xff")):
        done = subprocess.run([lab.IAPP.encode(), *args, b"--json"], env=LAB.env(), cwd=LAB.top, capture_output=True,
                              timeout=60, stdin=subprocess.DEVNULL, check=False)
        error = json.loads(done.stdout)["error"]
        check(done.returncode and error["message"] and "\ufffd" in error["message"], f"{args}: {error}")


@case
def typos_of_addresses_are_called_so():
    wrong = CHECKSUMMED.replace("F39F", "f39F").replace("0xf", "0xe")
    for verb in (("revoke", wrong), ("audit", wrong), ("balance", wrong)):
        error = LAB.refused(None, *verb, code="USAGE", status=2)
        check("the checksum of the address" in error["message"] and "mistyped" in error["hint"], f"{verb}: {error}")
    for text, says in ((CHECKSUMMED[:-1], "has 39 digits after 0x"), (CHECKSUMMED + "0", "has 41 digits"),
                       (CHECKSUMMED[2:], "lacks 0x"), ("bob.eth", "not an address")):
        error = LAB.refused(None, "balance", text, code="USAGE", status=2)
        check(says in error["message"], f"{text}: {error}")
    error = LAB.refused(None, "task", "0x" + "ab" * 31, code="USAGE", status=2)
    check("has 62 digits after 0x; it should have 64" in error["message"], f"task: {error}")


@case
def keystores_of_other_tools():
    folder = LAB.path("theirs")
    os.mkdir(folder, 0o700)
    for name, value in (("nameless.json", SHORT_KEY), ("not.json", {"version": 3}), ("README", "text")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
            json.dump(value, f)
            os.fchmod(f.fileno(), 0o600)
    keys = ("--keystore", folder)
    one, = LAB.good(None, "wallet", "list", *keys)["wallets"]
    equal((one["address"], os.path.basename(one["file"])), (None, "nameless.json"), "listed, address unknown")
    error = LAB.refused(None, "wallet", "show", *keys, code="NOT_FOUND")
    check("iapp wallet import" in error["hint"], f"show: {error}")
    LAB.write("foo", "foo\n")
    made = LAB.good(None, "wallet", "import", one["file"], *keys, "--password-file", LAB.path("foo"))
    # the same file under geth's name: its address is known, and is that of the key or is refused
    digits = made["address"][2:].lower()
    geth, wrong = (os.path.join(folder, f"UTC--2026-01-01T00-00-00.0Z--{x}") for x in (digits, "12" * 20))
    os.remove(made["file"])
    os.rename(one["file"], geth)
    listed, = LAB.good(None, "wallet", "list", *keys)["wallets"]
    equal(listed, {"address": made["address"], "file": geth}, "found by the file's name")
    equal(LAB.good(None, "wallet", "show", "0x" + digits[:6] + "..", *keys)["address"], made["address"], "cut short")
    os.rename(geth, wrong)
    error = LAB.refused(None, "wallet", "import", wrong, "--keystore", LAB.path("other"), "--password-file",
                        LAB.path("foo"), code="CORRUPT")
    check(made["address"] in error["message"], f"import: {error}")


@case
def a_mock_is_not_overwritten_unasked():
    LAB.good(None, "init", "mocked", "--lang", "sh", "--with", "data")
    project = LAB.path("mocked")
    path = LAB.good(None, "mock", "data", "email=a@example.org", cwd=project)["path"]
    with open(path, "rb") as f:
        before = f.read()
    for args in ((), ("--name", "default")):
        error = LAB.refused(None, "mock", "data", *args, code="EXISTS", cwd=project)
        check("--name" in error["hint"], f"mock data {args}: {error}")
    with open(path, "rb") as f:
        equal(f.read(), before, "the mock")
    _, _, err = LAB.said(None, "mock", "data", "email=b@example.org", cwd=project)
    with open(path, "rb") as f:
        check(f.read() != before, "values that are given replace it")


class Index(http.server.BaseHTTPRequestHandler):
    """An index that knows what it is told to know."""
    known = {}

    def log_message(self, *args):
        pass

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        where = asked["variables"]["where"]
        kind = re.search(r"\{(\w+)\(", asked["query"])[1]
        fits = [{"id": x} for x in self.known.get(kind, ()) if x.startswith(where["id_starts_with"])
                and x.endswith(where.get("id_ends_with", "")) or "lie" in x]
        body = json.dumps({"data": {kind: fits}}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@case
def an_id_cut_short_is_found_where_it_is_unique():
    error = LAB.refused(None, "balance", "0x12345678..", code="USAGE", status=2)
    check("not an address" in error["message"], f"a person: {error}")
    error = LAB.refused(None, "task", "0x12345678..", code="UNAVAILABLE")
    check("pocoSubgraphUrl" in error["hint"], f"without an index: {error}")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Index)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        LAB.good(None, "config", "set", "pocoSubgraphUrl", f"http://127.0.0.1:{server.server_port}/")
        Index.known = {"datasets": ["0x1234" + "aa" * 18, "0x1234" + "bb" * 18, "0x5678" + "cc" * 18, "lie"]}
        error = LAB.refused(None, "revoke", "0x1234..", code="USAGE", status=2)
        check("ambiguous: 2 are known" in error["message"], f"two: {error}")
        check(all(x in error["hint"] for x in Index.known["datasets"][:2]), f"both are listed: {error}")
        error = LAB.refused(None, "revoke", "0x9999..", code="NOT_FOUND")
        check("nothing is known that fits 0x9999.." in error["message"], f"none: {error}")
        for form in ("0x5678..", "0x5678...", "0x5678\u2026", "0x5678..cccc", "0x5678CC..", "0x1234..bb"):
            status, out, err = LAB.said(None, "revoke", form)
            check(status != 0 and f"{form} is 0x" in (out + err).replace("\\u2026", "\u2026"), f"{form}: {err}")
        for form in ("0x567..", "0x5678.", "0x5678", "0x5678..x"):
            error = LAB.refused(None, "revoke", form, code="USAGE", status=2)
            check("DATA" in error["message"], f"{form}: {error}")
    finally:
        LAB.good(None, "config", "set", "pocoSubgraphUrl", "--unset")
        server.shutdown()
        thread.join()
        server.server_close()


@case
def an_installation_with_a_task_that_fails():
    LAB.up("--test")
    Run.owner, Run.user = LAB.wallet(), LAB.wallet()
    Run.app = LAB.deploy(Run.owner, LAB.project("probe"))
    Run.data = LAB.good(Run.owner, "protect", "a=b")["address"]
    LAB.refused(Run.owner, "run", "0xe" + CHECKSUMMED[3:], code="USAGE", status=2)
    error = LAB.refused(Run.owner, "grant", "0xe" + CHECKSUMMED[3:], Run.app, "any", code="USAGE", status=2)
    check("the checksum of the address" in error["message"], f"grant: {error}")
    LAB.good(Run.owner, "grant", Run.data[:10] + "..", Run.app[:10] + "..", Run.user)
    status, got = LAB.one(Run.user, "run", Run.app[:12] + "..", "--args", "exit=3", "--out", "failed")
    task, = got["tasks"]
    check(status and task["status"] == "FAILED", f"the run: {status} {task}")
    Run.failed = task["taskId"]


@case
def the_result_of_a_failed_task_names_debug():
    error = LAB.refused(Run.user, "result", Run.failed[:10] + "..", code="NOT_FOUND")
    check("the task failed" in error["message"] and error["hint"] == f"iapp debug {Run.failed}", f"result: {error}")
    equal(LAB.good(Run.user, "debug", Run.failed[:14] + "..")["taskId"], Run.failed, "debug")
    equal(LAB.good(Run.user, "task", Run.failed[:8] + ".." + Run.failed[-4:])["taskId"], Run.failed, "task")


@case
def a_sealed_archive_says_that_it_is_sealed():
    got = LAB.good(Run.user, "run", Run.app, "--data", Run.data, "--args", "show", "--out", "out")
    equal(got["tasks"][0]["status"], "COMPLETED", "the run")
    for args in ((), ("result.txt",), ("--lenient",)):
        error = LAB.refused(None, "get", LAB.path("out.result.zip"), *args, code="BAD_KEY")
        check("sealed result" in error["message"] and "iapp result" in error["hint"], f"get {args}: {error}")
    with open(LAB.path("data.enc"), "wb") as f:
        f.write(os.urandom(200))
    error = LAB.refused(None, "get", LAB.path("data.enc"), code="BAD_ZIP")
    check("--key-file" in error["hint"], f"encrypted data: {error}")


@case
def lines_of_both_streams_keep_their_order_in_a_pipe():
    task = LAB.good(Run.user, "run", Run.app, "--args", "show", "--out", "again")["tasks"][0]["taskId"]
    done = subprocess.run(LAB.command(Run.user, "result", task, "--unsigned", "--out", "taken"), env=LAB.env(),
                          cwd=LAB.top, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=True,
                          encoding="utf-8")
    lines = done.stdout.splitlines()
    at = [i for i, line in enumerate(lines) if line.endswith("taken")]
    warned = [i for i, line in enumerate(lines) if "not verified" in line]
    check(at and warned and at[0] < warned[0], f"the folder, then the warning: {lines}")


@case
def without_anchors_verify_says_where_they_come_from():
    receipt = LAB.path("out.receipt.json")
    status, answer = LAB.one(None, "verify", receipt, "--home", LAB.path("empty"))
    check(status == 1 and "--trust FILE" in answer["hint"], f"verify: {status} {answer}")
    _, out, _ = LAB.said(None, "verify", receipt, "--home", LAB.path("empty"))
    check("trust.json is missing" in out and "fix: " in out, f"as text: {out}")
    check("hint" not in LAB.good(None, "verify", receipt), "with anchors")


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        LAB.close()
