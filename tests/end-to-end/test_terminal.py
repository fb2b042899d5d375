#!/usr/bin/env python3
"""Every verb before a service that lies, and files with hostile names: no byte of theirs acts on the
terminal, makes a line, or hides what stands beside it."""
import http.server
import json
import os
import re
import sys
import threading
import zipfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("terminal")
EVIL = "x\n\rok    PROVEN\x1b[2J\x07\x7f\u009b31m\u202etxt\u2066\u200b\ufeff\u2028y"
# what no output may hold: controls but the line end, DEL, C1, separators, format characters
BAD = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f"
                 "\ufeff\U000e0000-\U000e0fff]")
APP, DATA, TASK = "0x" + "aa" * 20, "0x" + "bb" * 20, "0x" + "cc" * 32


class Liar(http.server.BaseHTTPRequestHandler):
    """Refuses everything in hostile words; a task and the owner's log it tells at length."""
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def reply(self, status, value):
        body = json.dumps(value, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def answer(self):
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            asked = json.loads(raw)
        except ValueError:
            asked = None
        if isinstance(asked, dict) and "method" in asked:
            # a chain id, so that the ledger is asked for more; the rest are errors
            if asked["method"] == "eth_chainId":
                self.reply(200, {"jsonrpc": "2.0", "id": asked["id"], "result": "0x66eee"})
            else:
                self.reply(200, {"jsonrpc": "2.0", "id": asked["id"],
                                 "error": {"code": -32000, "message": EVIL, "data": EVIL}})
        elif self.path.startswith("/tasks/"):
            failed = {"index": 1, "address": EVIL, "code": EVIL, "reason": EVIL}
            self.reply(200, {"currentStatus": "FAILED" if "cc" in self.path else EVIL, "iapp": {
                "state": EVIL, "cause": EVIL, "code": EVIL, "message": EVIL, "refused": [failed],
                "attempts": [{"worker": EVIL, "state": EVIL, "cause": EVIL}]}})
        else:
            self.reply(400, {"error": {"code": EVIL, "message": EVIL, "hint": EVIL}})

    do_GET = do_POST = do_PUT = do_HEAD = answer


def clean(what, *args, status=None):
    """Runs the verb, as text and as JSON; returns the texts."""
    said = []
    for form in ((), ("--json",)):
        done = LAB.command(None, *args, *form)
        run = __import__("subprocess").run(done, env=LAB.env(), cwd=LAB.top, capture_output=True,
                                           timeout=120, stdin=-3, check=False)
        for stream in (run.stdout, run.stderr):
            text = stream.decode("utf-8")
            hit = BAD.search(text)
            check(not hit, f"{what} {form}: {hit and hit[0]!r} in {text[:600]!r}")
            check("\nok    PROVEN" not in text, f"{what}: a line of its own: {text!r}")
            said.append(text)
        check(status is None or run.returncode == status, f"{what}: {run.returncode} {said}")
    return "".join(said)


@case
def verbs_before_a_service_that_lies():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    ends = ("--rpc", url, "--market", url, "--sms", url, "--ipfs", url)
    LAB.good(None, "wallet", "new", "--keystore", LAB.keys)
    os.makedirs(LAB.home, mode=0o700, exist_ok=True)
    with open(os.path.join(LAB.home, "user.json"), "w", encoding="ascii") as f:
        json.dump({"schedulerUrl": url, "chainId": "421614", "hubAddress": APP,
                   "dataprotectorContractAddress": DATA, "rpcUrl": url, "smsUrl": url,
                   "marketUrl": url, "ipfsNodeUrl": url, "workerpool": APP}, f)
    verbs = [("balance",), ("grants",), ("grant", DATA, APP, "any"), ("revoke", DATA, "--yes"),
             ("orders",), ("audit", DATA), ("why", TASK), ("why", APP, "--data", DATA),
             ("task", TASK), ("debug", TASK), ("result", TASK), ("run", APP, "--data", DATA),
             ("protect", "a=b"), ("chain",), ("chain", "use", url), ("config", "sdk"),
             ("config", "list"), ("doctor",)]
    said = "".join(clean(verb[0], *verb, *(ends if verb[0] not in
                                           ("config", "doctor", "chain") else ()))
                   for verb in verbs)
    check("PROVEN\\x1b[2J" in said or "PROVEN\\u001b" in said, f"it was shown, escaped: {said[:3000]}")
    server.shutdown()


@case
def names_in_files_and_arguments():
    path = LAB.path("hostile.zip")
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("computed.json", "{}")
        z.writestr("gpj.\u202etxt", "one")
        z.writestr("a\u200db/c.txt", "two")
    said = clean("get", "get", path, status=0)
    check("gpj.\\u202etxt" in said, said)
    for name in ("gpj.\\u202etxt", "gpj.\u202etxt"):
        done = LAB.said(None, "get", path, name)
        equal(done[1], "one", f"read as {name!r}")
    for args in (("get", EVIL), ("verify", EVIL), ("help", EVIL), (EVIL,), ("task", EVIL),
                 ("config", "set", EVIL, EVIL), ("protect", "a=b", "--name", EVIL),
                 ("get", path, EVIL), ("init", EVIL), ("wallet", "export", "--wallet", EVIL)):
        clean(args[0], *args)


@case
def receipts_that_are_hostile():
    for text in ("{" + json.dumps(EVIL) + ":1}", json.dumps({"settlement": {"text": EVIL, "sig": EVIL}}),
                 json.dumps({"v": EVIL, "run": EVIL}), EVIL):
        receipt = LAB.write("receipt.json", text)
        clean("verify", "verify", receipt)


try:
    tap.main()
finally:
    LAB.close()
