#!/usr/bin/env python3
"""Every verb with --json: one object on one line, with the members that docs/protocol.md 6 names;
failures as one object on standard output; and nothing that needs a terminal."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("verbs")
NOBODY, NOTHING = "0x" + "ab" * 20, "0x" + "cd" * 32


class Run:
    """What the cases share."""
    seen = set()


def members(who, names, *args, status=0, **more):
    """The answer, which has these members and no others ("?" at the end: may be absent)."""
    got, answer = LAB.one(who, *args, **more)
    equal(got, status, f"{args}: {answer}")
    wanted = names.split()
    must = {n for n in wanted if not n.endswith("?")}
    may = {n.rstrip("?") for n in wanted}
    check(must <= set(answer) <= may, f"{args}: members {sorted(answer)}, want {wanted}")
    Run.seen.add(" ".join(args[:2]) if " ".join(args[:2]) in verbs() else args[0])
    return answer


def verbs():
    if not hasattr(Run, "verbs"):
        _, out, _ = LAB.said(None, "help")
        Run.verbs = re.findall(r"^  ([a-z]+(?: [a-z]+)?)  +[A-Za-z]", out, re.M)
    return Run.verbs


@case
def an_installation_starts():
    config = LAB.up("--test")
    check(len(verbs()) > 30, f"verbs: {verbs()}")
    shown = members(None, "rpcUrl chainId hubAddress marketUrl smsUrl ipfsNodeUrl ipfsGatewayUrl "
                    "subgraphUrl pocoSubgraphUrl compassUrl dataprotectorContractAddress workerpool "
                    "whitelist packages", "config", "sdk")
    shown.pop("packages")
    equal(shown, config, "what up printed")
    Run.seen.add("up")


@case
def wallets():
    keys = ("--keystore", LAB.keys)
    made = [members(None, "address file", "wallet", "new", *keys)["address"] for _ in range(3)]
    Run.owner, Run.developer, Run.user = made
    listed = members(None, "wallets", "wallet", "list", *keys)["wallets"]
    equal(sorted(w["address"] for w in listed), sorted(made), "list")
    members(None, "address file", "wallet", "show", Run.owner, *keys)
    members(None, "address file", "wallet", "select", Run.owner, *keys)
    key = LAB.write("private-key", "11" * 32)
    members(None, "address file", "wallet", "import", "--key-file", key, *keys)
    equal(members(Run.user, "address wallet stake locked", "balance", "--faucet", "2RLC")["wallet"],
          2 * 10 ** 9, "balance")


@case
def projects():
    project = LAB.project("probe")
    Run.seen.add("init")
    members(None, "digest archive size", "build", cwd=project)
    members(None, "exitCode output files", "test", cwd=project)
    got = members(Run.developer, "address name owner digest multiaddr orderHash transactionHash",
                  "deploy", "--price", "0.5RLC", cwd=project)
    Run.app = got["address"]
    members(None, "name path schema", "mock", "data", "a=b", cwd=project)
    again = LAB.good(Run.developer, "deploy", cwd=project)
    equal((again["address"], again["transactionHash"]), (Run.app, None), "unchanged: the same app")
    Run.order = members(Run.developer, "orderHash", "publish", Run.app)["orderHash"]


@case
def data_and_grants():
    members(None, "schema entries", "protect", "--dry-run", "a=b", "--out", LAB.path("a.zip"))
    members(None, "entries", "get", LAB.path("a.zip"))
    equal(members(None, "value", "get", LAB.path("a.zip"), "a"), {"value": "b"}, "get")
    Run.data = members(Run.owner, "address name owner schema checksum multiaddr cid "
                       "transactionHash", "protect", "a=b")["address"]
    order = "orderHash dataset app requester price volume already"
    members(Run.owner, order, "grant", Run.data, Run.app, Run.user, "--times", "5")
    members(Run.owner, order + " terms termsVersion", "grant", Run.data, Run.app, "any", "--runs",
            "9")
    rows = members(Run.owner, "grants", "grants")["grants"]
    equal([sorted(x) for x in rows], [sorted("orderHash dataset name app requester price volume "
                                             "remaining termsKnown terms runs revoked".split())] * 2,
          "grants")
    policy = "dataset policy version runs changed"
    members(Run.owner, policy, "policy", "set", Run.data, "--daily", "9")
    members(Run.owner, policy, "policy", "show", Run.data)
    members(Run.owner, policy, "policy", "clear", Run.data)
    members(Run.owner, "verdict clauses orderHash", "policy", "test", Run.data, "--app", Run.app,
            "--user", Run.user)
    members(None, "pool chainId tee domain served workers slots limits workerList", "pool")
    row = members(Run.owner, "orders", "orders")["orders"][0]
    equal(sorted(row), ["kind", "order", "orderHash", "remaining", "signer"], "an order")


@case
def runs():
    members(Run.user, "verdict clauses", "why", Run.app, "--data", Run.data)
    got = members(Run.user, "dealId transactionHash taskIds tasks", "run", Run.app, "--data",
                  Run.data, "--out", "out")
    task, = got["tasks"]
    equal(sorted(task), sorted("taskId status cause code message resultPath receiptPath simulated "
                               "timeline".split()), "a task of a run")
    times = "leasedMs guestMs releasedMs startedMs exitedMs resultMs settledMs seenMs matchedMs"
    equal(sorted(task["timeline"]), sorted(times.split()), "its times")
    Run.task = task["taskId"]
    seen = LAB.good(Run.user, "task", Run.task)
    check({"taskId", "status", "currentStatus", "chainTaskId", "iapp"} <= set(seen), f"task: {seen}")
    members(Run.user, "taskId path files verified", "result", Run.task, "--out", LAB.path("again"))
    members(Run.user, "taskId status stdout stderr cause message meaning fix hints ending exitCode",
            "debug", Run.task)
    answer = members(None, "verdict code? taskId completed simulated checks notProven", "verify",
                     LAB.path("out.receipt.json"))
    check(all({"name", "ok", "text"} <= set(c) for c in answer["checks"]), f"checks: {answer}")
    members(Run.user, "verdict clauses past", "why", Run.task, status=1)
    members(Run.owner, "entries simulated", "audit", Run.data)
    Run.seen.add("task")


@case
def ends_and_settings():
    members(Run.developer, "orderHash transactionHash already", "cancel", Run.order)
    members(Run.owner, "revoked already", "revoke", Run.data, "--yes")
    sold = LAB.good(Run.owner, "protect", "c=d")["address"]
    members(Run.owner, "asset kind owner transactionHash already", "transfer", sold, Run.user,
            "--yes")
    check(LAB.good(None, "config", "show"), "config show")
    check(LAB.good(None, "config", "set", "wallet", Run.user), "config set")
    check(LAB.good(None, "chain", "show"), "chain show")
    status, answer = LAB.one(None, "doctor")
    check(all({"name", "ok", "text", "fix"} == set(c) for c in answer["checks"]), f"doctor: {answer}")
    check(status in (0, 1), f"doctor: {status}")
    check(LAB.good(None, "version"), "version")
    check(LAB.good(None, "help"), "help")
    Run.seen |= {"config show", "config set", "chain show", "doctor", "version", "help"}


@case
def every_verb_fails_in_the_same_form():
    for verb in verbs():
        if verb == "version":
            continue
        error = LAB.refused(None, *verb.split(), "--no-such-option", code="USAGE", status=2)
        check(error["message"] and error["hint"], f"{verb}: {error}")
    LAB.refused(None, "runn", code="USAGE", status=2)
    LAB.refused(None, "run", "a", "b", code="USAGE", status=2)


@case
def failures_name_the_next_step():
    user = Run.user
    for code, args in (
            ("NOT_FOUND", ("run", NOBODY)), ("NOT_FOUND", ("task", NOTHING)),
            ("NOT_FOUND", ("cancel", NOTHING)), ("NOT_FOUND", ("publish", NOBODY)),
            ("NOT_FOUND", ("verify", "none.json")), ("NOT_FOUND", ("get", "none.zip")),
            ("EXISTS", ("init", "probe", "--lang", "c")), ("NOT_FOUND", ("deploy",)),
            ("GRANT_MISSING", ("run", Run.app, "--data", Run.data))):
        error = LAB.refused(user if args[0] not in ("verify", "get", "init") else None, *args,
                            code=code)
        check(error["message"], f"{args}: {error}")


@case
def text_for_people_is_no_json_and_says_simulated():
    LAB.good(Run.owner, "grant", Run.data, Run.app, Run.user, "--times", "2")
    status, out, err = LAB.said(Run.user, "run", Run.app, "--data", Run.data, "--out", "text",
                                "--max", "1RLC")
    equal(status, 0, f"{out} {err}")
    check("Task finalized" in out and "SIMULATED" in out + err, f"said: {out} {err}")
    check("undefined" not in out, "no broken link")
    status, out, err = LAB.said(Run.user, "task", Run.task)
    check("COMPLETED" in out and "times" in out, f"task: {out}")
    status, out, err = LAB.said(Run.owner, "audit", Run.data)
    check("SIMULATED" in out + err and "release" in out, f"audit: {out} {err}")
    # escapes are for what others wrote; our own words need none
    for words in (["verify", LAB.path("out.receipt.json")], ["task", Run.task], ["debug", Run.task], ["grants", Run.data], ["doctor"],
                  ["audit", Run.data], ["why", Run.task], ["balance"], ["wallet", "list"], ["config", "show"],
                  ["help"], ["help", "run"]):
        _, out, err = LAB.said(Run.owner, *words)
        check("\\x" not in out + err and "\\u" not in out + err, f"{words}: {out} {err}")


@case
def nothing_of_the_wallet_is_in_the_project():
    for folder, _, names in os.walk(LAB.path("probe")):
        for name in names:
            with open(os.path.join(folder, name), "rb") as f:
                text = f.read()
            check(b"walletPrivateKey" not in text and b"dockerhubAccessToken" not in text,
                  f"{name} of the project")


@case
def down_ends_up():
    equal(members(None, "stopped", "down"), {"stopped": True}, "down")
    equal(LAB.daemon.wait(timeout=60), 0, "exit status of up")
    equal(LAB.good(None, "down"), {"stopped": False}, "again")


@case
def no_verb_was_left_out():
    equal(sorted(set(verbs()) - Run.seen - {"chain use"}), [], "verbs without a call here")
    done = subprocess.run([lab.IAPP, "version", "--json"], capture_output=True, check=True,
                          stdin=subprocess.DEVNULL, timeout=60)
    check(json.loads(done.stdout), "version")


try:
    tap.main()
finally:
    LAB.close()
