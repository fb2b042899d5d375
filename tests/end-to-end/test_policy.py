#!/usr/bin/env python3
"""Limits of data as a whole, what the SMS would answer, what it was told, and who owns what: each does
what it says to the object that it names and to no other, and doing it twice does nothing."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("policy")


class Run:
    """What the cases share."""


def protect(name="data"):
    return LAB.good(Run.owner, "protect", "a=b", "--name", name)["address"]


def grant(data, *args, **more):
    return LAB.good(Run.owner, "grant", data, Run.app, *args, **more)


def refusals(answer):
    return [(c["clause"], c["code"]) for c in answer["clauses"] if not c["ok"]]


def why(who, data, *args):
    """Clause and code of what refuses."""
    _, answer = LAB.one(who, "why", Run.app, "--data", data, *args)
    check("verdict" in answer, f"why {args}: {answer}")
    return refusals(answer)


def tried(data, *args, status=0):
    got, answer = LAB.one(Run.owner, "policy", "test", data, "--app", Run.app, *args)
    check("verdict" in answer, f"policy test {args}: {answer}")
    equal(got, status, f"exit status: {answer}")
    return answer


def row(data, order):
    found, = [g for g in LAB.good(Run.owner, "grants", data)["grants"] if g["orderHash"] == order]
    return found


def log_of(data):
    return LAB.good(Run.owner, "audit", data)["entries"]


@case
def an_installation_starts():
    Run.config = LAB.up("--test")
    Run.owner, Run.developer, Run.one, Run.two = (LAB.wallet() for _ in range(4))
    Run.app = LAB.deploy(Run.developer, LAB.project("probe"))


@case
def a_policy_is_for_the_data_as_a_whole():
    data = protect("policy")
    grant(data, Run.one, "--times", "9", "--purpose", "research")
    grant(data, Run.two, "--times", "9")
    LAB.refused(Run.owner, "policy", "set", data, code="USAGE", status=2)
    first = LAB.good(Run.owner, "policy", "set", data, "--requester", Run.two, "--daily", "1")
    equal((first["version"], first["changed"]), (1, True), "set")
    equal(why(Run.one, data, "--purpose", "research"), [("policy.requesters", "POLICY_REQUESTER")],
          "an earlier grant")
    again = LAB.good(Run.owner, "policy", "set", data, "--daily", "1")
    equal((again["version"], again["changed"]), (1, False), "the same again")
    more = LAB.good(Run.owner, "policy", "set", data, "--requester", Run.one, "--requester",
                    Run.two, "--hours", "00:00-24:00", "--logs", "clear")
    equal((more["policy"]["runs"], more["policy"]["logs"], len(more["policy"]["requesters"])),
          ({"daily": 1}, "clear", 2), "what was not named stays")
    equal(why(Run.one, data, "--purpose", "research"), [], "the grant's own terms still stand")
    equal(why(Run.one, data), [("grant.purposes", "POLICY_PURPOSE")], "as they were")
    LAB.good(Run.two, "run", Run.app, "--data", data, "--out", "daily")
    equal(LAB.good(Run.owner, "policy", "show", data)["runs"], {"total": 1, "today": 1}, "counts")
    equal(why(Run.one, data, "--purpose", "research"), [("policy.runs.daily", "POLICY_BUDGET")],
          "everyone together")
    status, out, _ = LAB.said(Run.owner, "policy", "show", data)
    for word in ("requesters", "1 of 1 used of the day (UTC)", "00:00 to 24:00 UTC", "clear"):
        check(status == 0 and word in out, f"<{word}>: {out}")
    some = LAB.good(Run.owner, "policy", "clear", data, "runs")
    check("runs" not in some["policy"] and some["changed"], f"one clause: {some}")
    LAB.refused(Run.owner, "policy", "clear", data, "nonsense", code="USAGE", status=2)
    equal(LAB.good(Run.owner, "policy", "clear", data)["policy"], {"v": 1}, "all")
    equal(LAB.good(Run.owner, "policy", "clear", data)["changed"], False, "a second clear")
    equal(why(Run.one, data), [("grant.purposes", "POLICY_PURPOSE")], "grants keep their terms")
    check("error" in LAB.one(Run.one, "policy", "show", data)[1], "it is the owner's")


@case
def an_owner_tests_before_anybody_pays():
    data = protect("test")
    answer = tried(data, "--user", Run.one, status=1)
    equal((refusals(answer), answer["orderHash"]), ([("grant", "GRANT_MISSING")], None), "no grant")
    made = grant(data, Run.one, "--times", "2", "--purpose", "research", "--until", "2d", "--runs",
                 "1")
    equal(refusals(tried(data, "--user", Run.one, status=1)), [("grant.purposes", "POLICY_PURPOSE")],
          "states no purpose")
    for _ in range(3):
        answer = tried(data, "--user", Run.one, "--purpose", "research")
        equal((answer["verdict"], answer["orderHash"]), ("release", made["orderHash"]), "released")
    later = tried(data, "--user", Run.one, "--purpose", "research", "--at", "3d", status=1)
    equal(refusals(later), [("grant.expires", "POLICY_EXPIRED")], "later")
    equal(refusals(tried(data, "--user", Run.two, "--purpose", "research", status=1)),
          [("grant", "GRANT_MISSING")], "another user")
    LAB.good(Run.owner, "policy", "set", data, "--plain-result", "no")
    equal(refusals(tried(data, "--user", Run.one, "--purpose", "research", "--plain", status=1)),
          [("policy.plainResult", "POLICY_RESULT")], "a plain result")
    equal(row(data, made["orderHash"])["runs"], 0, "nothing was used up")
    LAB.good(Run.one, "run", Run.app, "--data", data, "--purpose", "research", "--out", "tested")
    equal(refusals(tried(data, "--user", Run.one, "--purpose", "research", status=1)),
          [("grant.runs", "POLICY_BUDGET")], "used up by a run")
    LAB.refused(Run.one, "policy", "test", data, "--app", Run.app, "--user", Run.one,
                code="UNAUTHORIZED")


@case
def the_log_shows_what_was_said():
    data = protect("log")
    grant(data, Run.one, "--purpose", "research")
    LAB.good(Run.owner, "policy", "set", data, "--daily", "5")
    LAB.good(Run.owner, "revoke", data, "--yes")
    entries = log_of(data)
    equal([(x["verdict"], x["code"], x["requester"].lower()) for x in entries],
          [("message", kind, Run.owner.lower()) for kind in ("grant", "policy", "revoke")], "log")
    check('"purposes":["research"]' in entries[0]["message"], f"{entries[0]}")
    status, out, _ = LAB.said(Run.owner, "audit", data)
    check(status == 0 and "message grant" in out and "signed by" in out, out)


@case
def a_second_revoke_does_nothing():
    data = protect("revoke")
    made = grant(data, Run.one, "--times", "3")
    LAB.refused(Run.owner, "revoke", data, Run.app, Run.two, "--yes", code="NOT_FOUND")
    equal(LAB.good(Run.owner, "revoke", data, "--yes"),
          {"revoked": [made["orderHash"]], "already": []}, "the first")
    block = LAB.rpc("eth_blockNumber")
    for _ in range(2):
        equal(LAB.good(Run.owner, "revoke", data),  # nothing is asked either
              {"revoked": [], "already": [made["orderHash"]]}, "again")
    equal(LAB.rpc("eth_blockNumber"), block, "no transaction")
    equal(len([x for x in log_of(data) if x["code"] == "revoke"]), 1, "one message")
    status, out, _ = LAB.said(Run.owner, "revoke", data)
    check(status == 0 and "revoked already" in out, out)
    order = LAB.good(Run.developer, "publish", Run.app, "--times", "7")["orderHash"]
    equal(LAB.good(Run.developer, "cancel", order)["already"], False, "cancel")
    check(LAB.one(Run.developer, "cancel", order)[1].get("already", True), "cancel again")


@case
def data_change_hands():
    data = protect("sold")
    grant(data, Run.one, "--times", "9", "--purpose", "research")
    LAB.good(Run.owner, "policy", "set", data, "--daily", "9")
    LAB.refused(Run.two, "transfer", data, Run.one, "--yes", code="FORBIDDEN")
    LAB.refused(Run.owner, "transfer", Run.one, Run.two, "--yes", code="NOT_FOUND")
    LAB.refused(Run.owner, "transfer", data, Run.two, code="USAGE", status=2)  # asks for a yes
    done = LAB.good(Run.owner, "transfer", data, Run.two, "--yes")
    equal((done["kind"], done["already"], done["owner"]), ("data", False, Run.two), "sold")
    check(done["transactionHash"], f"{done}")
    block = LAB.rpc("eth_blockNumber")
    for who in (Run.owner, Run.two, Run.one):
        again = LAB.good(who, "transfer", data, Run.two, "--yes")
        equal((again["already"], again["transactionHash"]), (True, None), f"{who}: a second time")
    equal(LAB.rpc("eth_blockNumber"), block, "no transaction")
    check("error" in LAB.one(Run.owner, "policy", "show", data)[1], "the seller reads no limits")
    equal(LAB.good(Run.two, "policy", "show", data)["policy"], {"v": 1}, "the buyer begins without")
    LAB.refused(Run.owner, "grant", data, Run.app, "any", "--add", "1", code="FORBIDDEN")
    LAB.good(Run.two, "grant", data, Run.app, Run.one, "--add", "2")
    got = LAB.good(Run.one, "run", Run.app, "--data", data, "--out", "bought")
    equal(got["tasks"][0]["status"], "COMPLETED", "on the buyer's grant, without the seller's terms")
    equal(LAB.one(None, "verify", "bought.receipt.json")[1]["verdict"], "proven", "its receipt")


@case
def apps_and_pools_change_hands():
    app = LAB.deploy(Run.developer, LAB.project("second"))
    done = LAB.good(Run.developer, "transfer", app, Run.two, "--yes")
    equal((done["kind"], done["already"]), ("app", False), "an app")
    equal(LAB.good(Run.developer, "transfer", app, Run.two, "--yes")["already"], True, "again")
    LAB.refused(Run.developer, "publish", app, code="FORBIDDEN")
    check(LAB.good(Run.two, "publish", app)["orderHash"], "the new owner's order")
    pool = Run.config["workerpool"]
    LAB.refused(Run.one, "transfer", pool, Run.two, "--yes", code="FORBIDDEN")
    wallet, password = (LAB.path("home", *x) for x in (("scheduler", "wallet.json"), ("passphrase",)))
    done = LAB.good(None, "transfer", pool, Run.two, "--yes", "--wallet", wallet, "--password-file",
                    password)
    equal((done["kind"], done["already"]), ("workerpool", False), "a pool")
    equal(LAB.good(Run.two, "transfer", pool, Run.two)["already"], True, "again")


try:
    tap.main()
finally:
    LAB.close()
