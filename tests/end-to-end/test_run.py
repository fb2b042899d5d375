#!/usr/bin/env python3
"""One private task from end to end: who gets the key and who does not, what each of them is told, and
what can be proven afterwards."""
import base64
import datetime
import hashlib
import json
import os
import shutil
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import eth  # noqa: E402
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("run")
VALUE = "a-value-that-the-owner-keeps"


class Run:
    """What the cases share."""


def protect(name="data"):
    source = LAB.write("value.json", json.dumps({"text": VALUE, "age": 7}))
    return LAB.good(Run.owner, "protect", source, "--name", name)["address"]


def grant(data, *args):
    return LAB.good(Run.owner, "grant", data, Run.app, *args)


def run(who, data, *args, **more):
    return LAB.good(who, "run", Run.app, "--data", data, *args, **more)


def refusals(answer):
    return [c["code"] for c in answer["clauses"] if not c["ok"]]


def why(who, *args):
    """Codes of the clauses that refuse."""
    status, answer = LAB.one(who, "why", *args)
    check("verdict" in answer, f"why {args}: {answer}")
    equal(status, 0 if answer["verdict"] == "release" else 1, "exit status")
    equal(answer["verdict"] == "release", not refusals(answer), f"verdict of {answer}")
    return refusals(answer)


def why_run(who, data, *args):
    return why(who, Run.app, "--data", data, *args)


def verify(receipt, *args):
    status, answer = LAB.one(None, "verify", LAB.path(receipt), *args)
    equal(status == 0, answer["verdict"] == "proven", f"exit {status}: {answer}")
    return answer


@case
def an_installation_starts():
    config = Run.config = LAB.up("--test")
    check(config["rpcUrl"] and config["smsUrl"] and config["workerpool"], f"ready: {config}")
    Run.owner, Run.developer, Run.requester, Run.stranger = (LAB.wallet() for _ in range(4))
    Run.app = LAB.deploy(Run.developer, LAB.project("probe"))
    Run.data = protect()


@case
def one_private_task_end_to_end():
    grant(Run.data, Run.requester, "--times", "20")
    equal(why_run(Run.requester, Run.data), [], "the SMS would release")
    got = run(Run.requester, Run.data, "--args", "show", "--out", "out")
    task, = got["tasks"]
    equal((task["status"], task["cause"], task["resultPath"], task["receiptPath"],
           task["simulated"]), ("COMPLETED", "", "out", "out.receipt.json", True), "the task")
    Run.task = task["taskId"]
    equal(got["taskIds"], [Run.task], "tasks of the deal")
    _, env, files = lab.shown(LAB.path("out"))
    equal((files["/iexec_in/protected/text"], files["/iexec_in/protected/age"]), (VALUE, "7"),
          "the app read the values")
    equal((env["IEXEC_TASK_ID"], env["IEXEC_DATASET_ADDRESS"]), (Run.task, Run.data.lower()),
          "the app's environment")
    with open(LAB.path("out.result.zip"), "rb") as f:
        check(VALUE.encode() not in f.read(), "what the network carries is sealed")


@case
def the_times_are_in_order():
    got = LAB.good(Run.requester, "task", Run.task)
    times = got["iapp"]["timeline"]
    order = [times[k] for k in ("seenMs", "leasedMs", "guestMs", "releasedMs", "startedMs",
                                "exitedMs", "resultMs", "settledMs")]
    equal(order, sorted(order), "timeline")
    equal(got["status"], "COMPLETED", "status")


@case
def its_receipt_is_proven():
    answer = verify("out.receipt.json", "--result", LAB.path("out.result.zip"))
    equal((answer["verdict"], answer["simulated"]), ("proven", True), "verdict")
    check(all(c["ok"] for c in answer["checks"]), f"checks: {answer['checks']}")
    check(answer["notProven"], "what is not proven is said")
    asked = verify("out.receipt.json", "--rpc", Run.config["rpcUrl"])
    ledger, = [c for c in asked["checks"] if c["name"] == "ledger"]
    equal((asked["verdict"], ledger["ok"]), ("proven", True), "and the ledger knows it")
    equal(verify("out.receipt.json", "--result", LAB.path("out.receipt.json"))["verdict"],
          "refused", "another file is not the result")


def public_hashes(receipt, task):
    """What everybody has: PoCo digest and manifest hash of the receipt, the digest on the ledger."""
    with open(LAB.path(receipt), encoding="utf-8") as f:
        statement = json.loads(base64.b64decode(json.load(f)["run"]["payload"]))
    digest, = [s["digest"] for s in statement["subject"] if s["name"] == "output"]
    call = {"to": LAB.config["hubAddress"], "data": "0xadccf0d5" + task[2:]}
    words = eth.rpc(LAB.config["rpcUrl"], "eth_call", call, "latest")[2:]
    return statement, {digest["poco"], digest["manifest"], words[12 * 64:13 * 64]}


def lp(data):
    return len(data).to_bytes(4, "big") + data


def guesses(folder):
    """The same hashes of an output that an attacker guessed right, every byte."""
    names = sorted(os.listdir(folder))
    content = {n: open(os.path.join(folder, n), "rb").read() for n in names}
    path = json.loads(content["computed.json"])["deterministic-output-path"]
    manifest = lp(b"iapp-manifest-SIM/v1")
    for name in names:
        manifest += (lp(name.encode()) + len(content[name]).to_bytes(8, "big") +
                     hashlib.sha256(content[name]).digest())
    named = content[os.path.relpath(path, "/iexec_out")]
    return {hashlib.sha256(named).hexdigest(), hashlib.sha256(manifest).hexdigest()}


@case
def a_sealed_result_cannot_be_guessed():
    statement, public = public_hashes("out.receipt.json", Run.task)
    equal(guesses(LAB.path("out")) & public, set(), "hashes of a sealed result that a guess finds")
    equal({s["annotations"]["size"] for s in statement["subject"] if "annotations" in s} -
          {4096, 8192, 16384}, set(), "sizes of result and logs")
    # the same of a result that nobody asked to seal: both hashes are found, on the ledger too
    task, = LAB.good(Run.requester, "run", Run.app, "--args", "show", "--out", "clear")["tasks"]
    _, public = public_hashes("clear.receipt.json", task["taskId"])
    equal(guesses(LAB.path("clear")), public, "hashes of a result in clear")


@case
def the_blind_is_checked_and_hidden():
    got = LAB.good(Run.requester, "result", Run.task, "--out", LAB.path("opened"))
    equal(sorted(f["path"] for f in got["files"]), sorted(os.listdir(LAB.path("out"))), "listed")
    equal(sorted(os.listdir(LAB.path("opened"))), ["computed.json", "result.txt"], "unpacked")
    LAB.refused(Run.requester, "result", Run.task, "--path", ".iapp-blind", code="NO_ENTRY")
    got = LAB.good(Run.requester, "result", Run.task, "--unsigned", "--out", LAB.path("unsigned"))
    equal(len(got["files"]), 2, "by the ledger's digest alone")


@case
def a_changed_receipt_is_not_proven():
    with open(LAB.path("out.receipt.json"), encoding="utf-8") as f:
        receipt = json.load(f)
    receipt["orders"]["request"]["category"] = "1"
    LAB.write("forged.json", json.dumps(receipt))
    equal(verify("forged.json")["verdict"], "refused", "a forged order")


def open_paths(*tops):
    """What others than its owner may read or enter of what was written."""
    found = []
    for top in tops:
        paths = [top] + [os.path.join(at, n) for at, folders, files in os.walk(top)
                         for n in folders + files]
        found += [(p, oct(os.stat(p).st_mode & 0o777)) for p in paths if os.stat(p).st_mode & 0o077]
    return found


@case
def what_was_written_is_for_its_owner_alone():
    equal(open_paths(LAB.path("out"), LAB.path("out.result.zip"), LAB.path("out.receipt.json")), [],
          "modes of a run's files")


@case
def the_result_is_fetched_again_by_its_requester_alone():
    got = LAB.good(Run.requester, "result", Run.task, "--out", LAB.path("again"))
    check(got["verified"] and [f["path"] for f in got["files"]], f"result: {got}")
    equal(lab.shown(LAB.path("again"))[2]["/iexec_in/protected/text"], VALUE, "the same values")
    LAB.good(Run.requester, "result", Run.task, "--path", "result.txt", "--out", LAB.path("f.txt"))
    with open(LAB.path("f.txt"), encoding="utf-8", errors="replace") as f:
        check(VALUE in f.read(), "one file of it")
    equal(open_paths(LAB.path("again"), LAB.path("f.txt")), [], "modes of a result's files")
    LAB.refused(Run.requester, "result", Run.task, "--path", "none.txt", code="NO_ENTRY")
    os.rename(LAB.path("home", "keys"), LAB.path("home", "keys.away"))
    error = LAB.refused(Run.stranger, "result", Run.task, "--out", LAB.path("stolen"),
                        code="NOT_FOUND")
    os.rename(LAB.path("home", "keys.away"), LAB.path("home", "keys"))
    check("result key" in error["message"], f"what is missing: {error}")
    check(not os.path.exists(LAB.path("stolen")), "nothing half-written")


@case
def an_existing_folder_is_left_alone():
    before = sorted(os.listdir(LAB.path("out")))
    deals = LAB.rpc("eth_blockNumber")
    LAB.refused(Run.requester, "result", Run.task, "--out", LAB.path("out"), code="EXISTS")
    LAB.refused(Run.requester, "run", Run.app, "--data", Run.data, "--out", "out", code="EXISTS")
    equal(LAB.rpc("eth_blockNumber"), deals, "nothing was paid for")
    equal(sorted(os.listdir(LAB.path("out"))), before, "untouched")


@case
def the_owner_sees_who_got_the_key():
    entry, = LAB.good(Run.owner, "audit", Run.data)["entries"]
    equal((entry["verdict"], entry["taskId"], entry["requester"].lower(), entry["app"].lower()),
          ("release", Run.task, Run.requester.lower(), Run.app.lower()), "entry")
    LAB.refused(Run.stranger, "audit", Run.data, code="UNAUTHORIZED")
    equal(LAB.good(Run.stranger, "audit")["entries"], [], "a stranger owns nothing")


@case
def a_stranger_is_refused_with_the_clause():
    error = LAB.refused(Run.stranger, "run", Run.app, "--data", Run.data, code="GRANT_MISSING")
    check("requesterrestrict" in error["message"] and "iapp grant" in error["hint"],
          f"clause and next step: {error}")
    LAB.refused(Run.stranger, "why", Run.app, "--data", Run.data, code="GRANT_MISSING")
    status, out, err = LAB.said(Run.stranger, "run", Run.app, "--data", Run.data)
    equal((status, out), (1, ""), "as text")
    check("fix: its owner: iapp grant" in err, f"as text: {err}")


@case
def the_owner_is_offered_her_own_grant():
    LAB.refused(Run.owner, "run", Run.app, "--data", Run.data, code="USAGE", status=2)
    got = run(Run.owner, Run.data, "--yes", "--args", "show", "--out", "mine")
    equal(got["tasks"][0]["status"], "COMPLETED", "her own run")


@case
def purposes_bind():
    data = protect("purposes")
    grant(data, Run.requester, "--times", "9", "--purpose", "research", "--purpose", "teaching")
    error = LAB.refused(Run.requester, "run", Run.app, "--data", data, code="POLICY_PURPOSE")
    check("purpose" in error["message"] and error["hint"], f"clause and next step: {error}")
    LAB.refused(Run.requester, "run", Run.app, "--data", data, "--purpose", "Research",
                code="POLICY_PURPOSE")
    got = run(Run.requester, data, "--purpose", "teaching", "--out", "taught")
    equal(got["tasks"][0]["status"], "COMPLETED", "the admitted purpose")
    equal(LAB.good(Run.owner, "audit", data)["entries"][-1]["purpose"], "teaching", "audit")
    Run.bound = data


@case
def a_task_that_was_refused_says_why():
    status, got = LAB.one(Run.requester, "run", Run.app, "--data", Run.bound, "--no-check",
                          "--purpose", "marketing", "--out", "refused")
    task, = got["tasks"]
    equal((status, task["status"], task["resultPath"]), (1, "FAILED", None), "the run")
    check(task["cause"].startswith("TEE_SESSION_GENERATION_"), f"cause: {task}")
    equal(why(Run.requester, task["taskId"]), ["POLICY_PURPOSE"], "why it was refused")
    past = LAB.run(Run.requester, "why", task["taskId"])[1][0]["past"]
    check(any(p["code"] == "POLICY_PURPOSE" for p in past), f"what was decided: {past}")
    entry = LAB.good(Run.owner, "audit", Run.bound)["entries"][-1]
    equal((entry["verdict"], entry["code"], entry["purpose"]),
          ("refuse", "POLICY_PURPOSE", "marketing"), "audit")
    told = LAB.good(Run.requester, "debug", task["taskId"])
    check(told["status"] == "FAILED" and told["meaning"] and told["fix"], f"debug: {told}")
    check(not os.path.exists(LAB.path("refused")), "no result")
    equal(task["receiptPath"], "refused.receipt.json", "the pool's word is kept")
    for more in ((), ("--rpc", Run.config["rpcUrl"])):
        answer = verify(task["receiptPath"], *more)
        equal((answer["verdict"], answer["code"]), ("not proven", "UNKNOWN_POOL"), f"{answer}")
    answer = verify(task["receiptPath"], "--result", LAB.path("out.result.zip"))
    equal((answer["verdict"], answer["code"]), ("refused", "RESULT_MISMATCH"), "a file of another")
    LAB.refused(Run.requester, "result", task["taskId"], code="UNKNOWN_POOL")


def in_seconds(n):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=n)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@case
def a_grant_ends_at_its_time():
    data = protect("until")
    grant(data, Run.requester, "--times", "9", "--until", in_seconds(40))
    equal(why_run(Run.requester, data), [], "before")
    while not why_run(Run.requester, data):
        time.sleep(0.2)
    equal(why_run(Run.requester, data), ["POLICY_EXPIRED"], "after")
    LAB.refused(Run.requester, "run", Run.app, "--data", data, code="POLICY_EXPIRED")


@case
def a_budget_is_spent_once():
    data = protect("budget")
    grant(data, Run.requester, "--times", "9", "--runs", "2")
    got = run(Run.requester, data, "--tasks", "2", "--out", "two")
    equal([t["status"] for t in got["tasks"]], ["COMPLETED"] * 2, "both")
    equal([t["resultPath"] for t in got["tasks"]], ["two/0", "two/1"], "each in its folder")
    equal(why_run(Run.requester, data), ["POLICY_BUDGET"], "the third")
    LAB.refused(Run.requester, "run", Run.app, "--data", data, code="POLICY_BUDGET")


@case
def a_used_up_grant_says_so():
    data = protect("volume")
    grant(data, Run.requester)
    error = LAB.refused(Run.requester, "run", Run.app, "--data", data, "--tasks", "2",
                        code="GRANT_MISSING")
    check("1 runs left, 2 are asked for" in error["message"], f"what is left: {error}")
    run(Run.requester, data, "--out", "last")
    error = LAB.refused(Run.requester, "run", Run.app, "--data", data, code="GRANT_MISSING")
    check("used up" in error["message"], str(error))
    check(f"iapp grant {data}" in error["hint"], f"the owner's command: {error}")
    LAB.refused(Run.owner, "grant", data, Run.app, Run.requester, "--times", "0", code="USAGE",
                status=2)
    grant(data, Run.requester, "--times", "2")
    equal(LAB.refused(Run.owner, "grant", data, Run.app, Run.requester, code="EXISTS")["hint"][:7],
          "--add N", "a second grant is meant or not")
    grant(data, Run.requester, "--add", "3")
    rows = LAB.good(Run.owner, "grants", data)["grants"]
    equal(sorted(r["remaining"] for r in rows), [2, 3], "grants")


@case
def a_revoked_grant_is_over():
    data = protect("revoked")
    granted = grant(data, Run.requester, "--times", "9")["orderHash"]
    equal(why_run(Run.requester, data), [], "before")
    LAB.refused(Run.owner, "revoke", data, code="USAGE", status=2)
    equal(LAB.good(Run.owner, "revoke", data, Run.app, Run.requester, "--yes"),
          {"revoked": [granted], "already": []}, "answer")
    LAB.refused(Run.requester, "run", Run.app, "--data", data, code="GRANT_MISSING")
    equal(LAB.good(Run.owner, "grants", data)["grants"], [], "grants")
    equal(LAB.good(Run.owner, "revoke", data, "--yes"), {"revoked": [], "already": [granted]},
          "again")
    status, answer = LAB.one(Run.stranger, "revoke", data, "--yes")
    equal((status, "error" in answer), (1, True), f"somebody else: {answer}")


@case
def a_cancelled_order_is_closed():
    data = protect("cancelled")
    order = grant(data, Run.requester, "--times", "9")["orderHash"]
    status, answer = LAB.one(Run.stranger, "cancel", order)
    equal((status, "error" in answer), (1, True), f"somebody else's order: {answer}")
    equal(LAB.good(Run.owner, "cancel", order)["orderHash"], order, "answer")
    LAB.refused(Run.requester, "run", Run.app, "--data", data, code="GRANT_MISSING")
    LAB.refused(Run.owner, "cancel", "0x" + "12" * 32, code="NOT_FOUND")


@case
def an_app_order_can_be_cancelled_and_published():
    app = LAB.deploy(Run.developer, LAB.path("probe"), "--version", "2.0.0", "--no-order")
    LAB.refused(Run.requester, "run", app, code="GRANT_MISSING")
    order = LAB.good(Run.developer, "publish", app, "--only", Run.requester, "--times", "5")
    LAB.refused(Run.stranger, "run", app, code="GRANT_MISSING")
    LAB.good(Run.requester, "run", app, "--out", "only")
    rows = LAB.good(None, "orders", "--app", app)["orders"]
    equal([(r["kind"], r["orderHash"], r["remaining"]) for r in rows],
          [("apporder", order["orderHash"], 4)], "orders")
    LAB.good(Run.developer, "cancel", order["orderHash"])
    LAB.refused(Run.requester, "run", app, code="GRANT_MISSING")
    LAB.refused(Run.stranger, "publish", app, code="FORBIDDEN")


@case
def a_run_need_not_be_waited_for():
    got = run(Run.requester, Run.data, "--no-wait", "--args", "hold=1 show", "--tasks", "2")
    equal((got["tasks"], len(got["taskIds"])), ([], 2), "the deal alone")
    for task in got["taskIds"]:
        seen = LAB.good(Run.requester, "task", task, "--follow")
        equal((seen["taskId"], seen["status"]), (task, "COMPLETED"), "followed to its end")
    LAB.good(Run.requester, "result", got["taskIds"][1], "--out", LAB.path("later"))
    equal(lab.shown(LAB.path("later"))[1]["IEXEC_TASK_INDEX"], "1", "the second task's result")


@case
def what_does_not_exist_is_told_as_such():
    nobody, nothing = "0x" + "ab" * 20, "0x" + "cd" * 32
    error = LAB.refused(Run.requester, "run", nobody, code="NOT_FOUND")
    check("No iApp found at the specified address." in error["message"], f"app: {error}")
    LAB.refused(Run.requester, "run", Run.app, "--data", nobody, code="NOT_FOUND")
    LAB.refused(Run.requester, "task", nothing, code="NOT_FOUND")
    LAB.refused(Run.requester, "debug", nothing, code="NOT_FOUND")
    LAB.refused(Run.requester, "result", nothing, code="NOT_FOUND")
    equal(why(Run.requester, nothing), ["TASK_NOT_ACTIVE"], "why")
    error = LAB.refused(Run.requester, "debug", "0x12", code="USAGE", status=2)
    check("Invalid task ID" in error["message"], f"task: {error}")


@case
def a_revoke_bars_what_was_matched_before():
    data = protect("late")
    grant(data, Run.requester, "--times", "9")
    LAB.only("ledger,market,ipfs,sms,scheduler")
    task, = run(Run.requester, data, "--no-wait")["taskIds"]
    LAB.good(Run.owner, "revoke", data, "--yes")
    equal(why(Run.requester, task), ["REVOKED"], "before any worker asks")
    equal(LAB.stop(), 0, "exit status")
    LAB.up("--test")
    status, seen = LAB.one(Run.requester, "task", task, "--follow")
    equal((status, seen["status"], seen["iapp"]["code"]), (1, "FAILED", "REVOKED"), "its end")
    entry = LAB.good(Run.owner, "audit", data)["entries"][-1]
    equal((entry["verdict"], entry["code"], entry["taskId"]), ("refuse", "REVOKED", task), "audit")


@case
def receipts_verify_when_everything_is_stopped():
    equal(LAB.stop(), 0, "exit status of up")
    shutil.copyfile(LAB.path("home", "trust.json"), LAB.path("trust.json"))
    answer = verify("out.receipt.json", "--result", LAB.path("out.result.zip"), "--trust",
                    LAB.path("trust.json"))
    equal(answer["verdict"], "proven", "offline")
    empty = LAB.write("empty.json", '{"v":1,"sms":[]}')
    answer = verify("out.receipt.json", "--trust", empty)
    equal((answer["verdict"], answer["code"]), ("not proven", "UNKNOWN_SMS"), "without an anchor")
    error = LAB.refused(Run.requester, "run", Run.app, code="UNAVAILABLE")
    check("iapp up" in error["hint"] or "iapp doctor" in error["hint"], f"next step: {error}")


try:
    tap.main()
finally:
    LAB.close()
