#!/usr/bin/env python3
"""Grants with terms of their own: they bind the order that they name and no other, they are there
before it is, and doing the same twice does nothing."""
import datetime
import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import lab  # noqa: E402
import tap  # noqa: E402
from proxy import Proxy  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab.Lab("grants")
ZERO = "0x" + "00" * 20


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


def row(data, order):
    found, = [g for g in LAB.good(Run.owner, "grants", data)["grants"] if g["orderHash"] == order]
    return found


def log_of(data):
    return LAB.good(Run.owner, "audit", data)["entries"]


def when(seconds):
    at = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@case
def an_installation_starts():
    Run.config = LAB.up("--test")
    Run.owner, Run.developer, Run.one, Run.two = (LAB.wallet() for _ in range(4))
    Run.app = LAB.deploy(Run.developer, LAB.project("probe"))


@case
def terms_of_one_grant_leave_the_others_alone():
    data = protect("others")
    grant(data, Run.one, "--times", "9")
    grant(data, Run.two, "--times", "9", "--purpose", "research", "--until", when(40))
    equal(why(Run.one, data), [], "a grant without terms, beside one with")
    while not why(Run.two, data, "--purpose", "research"):
        time.sleep(0.2)
    equal(why(Run.two, data, "--purpose", "research"), [("grant.expires", "POLICY_EXPIRED")],
          "the grant that expired")
    equal(why(Run.one, data), [], "the other one goes on")
    LAB.refused(Run.two, "run", Run.app, "--data", data, "--purpose", "research",
                code="POLICY_EXPIRED")
    LAB.good(Run.one, "run", Run.app, "--data", data, "--out", "others")
    equal(LAB.good(Run.owner, "policy", "show", data)["policy"], {"v": 1}, "no policy was made")


@case
def a_time_in_the_past_is_refused():
    data = protect("past")
    past = ("2020-01-01", when(-60), "1600000000", "0d")
    for at in past:
        error = LAB.refused(Run.owner, "grant", data, Run.app, "any", "--until", at, code="USAGE",
                            status=2)
        check("is in the past" in error["message"], f"{at}: {error}")
        for option in ("--until", "--from"):
            LAB.refused(Run.owner, "policy", "set", data, option, at, code="USAGE", status=2)
        LAB.refused(Run.owner, "policy", "test", data, "--app", Run.app, "--user", Run.one, "--at",
                    at, code="USAGE", status=2)
    path = LAB.write("past.json", json.dumps({"v": 1, "expires": 1600000000}))
    LAB.refused(Run.owner, "policy", "set", data, "--file", path, code="USAGE", status=2)
    LAB.refused(Run.owner, "policy", "set", data, "--from", "9d", "--until", "8d", code="USAGE",
                status=2)
    equal(LAB.good(Run.owner, "grants", data)["grants"], [], "nothing was granted")
    equal(log_of(data), [], "and nothing said")


@case
def the_zero_address_is_nobody():
    data = protect("nobody")
    for args in (("grant", data, Run.app, ZERO), ("revoke", data, Run.app, ZERO),
                 ("revoke", data, ZERO), ("publish", Run.app, "--only", ZERO)):
        error = LAB.refused(Run.owner, *args, code="USAGE", status=2)
        check("`any`" in error["hint"], f"{args}: {error}")
    for args in (("policy", "set", data, "--requester", ZERO),
                 ("policy", "test", data, "--app", Run.app, "--user", ZERO),
                 ("policy", "test", data, "--app", ZERO, "--user", Run.one),
                 ("orders", "--requester", ZERO), ("transfer", data, ZERO),
                 ("grant", ZERO, Run.app, "any")):
        LAB.refused(Run.owner, *args, code="USAGE", status=2)
    LAB.refused(Run.developer, "deploy", "--only", ZERO, code="USAGE", status=2,
                cwd=LAB.path("probe"))
    equal(LAB.good(Run.owner, "grants", data)["grants"], [], "nothing was granted")
    equal(grant(data, "any")["requester"], ZERO, "any is the word")


@case
def the_same_grant_again_does_nothing():
    data = protect("again")
    terms = ("--times", "5", "--purpose", "a", "--purpose", "b", "--until", "30d", "--runs", "3")
    first = grant(data, Run.one, *terms)
    check(not first["already"] and first["termsVersion"] == 1, f"{first}")
    second = grant(data, Run.one, *terms)
    equal((second["orderHash"], second["already"], second["terms"]),
          (first["orderHash"], True, first["terms"]), "the same")
    said = LAB.said(Run.owner, "grant", data, Run.app, Run.one, *terms)
    check(said[0] == 0 and "nothing was signed" in said[1], f"{said}")
    for other in (("--times", "5"), ("--times", "6", *terms[2:]), ("--times", "5", "--purpose", "a")):
        error = LAB.refused(Run.owner, "grant", data, Run.app, Run.one, *other, code="EXISTS")
        check("--add" in error["hint"], f"{other}: {error}")
    equal(len(LAB.good(Run.owner, "grants", data)["grants"]), 1, "one order")
    added = grant(data, Run.one, "--add", "5", *terms[2:])
    check(added["orderHash"] != first["orderHash"], "--add signs a second one")
    # from another home of hers, which has no notes: the SMS knows the terms
    plain = protect("elsewhere")
    once = grant(plain, "any", "--runs", "2")
    os.rename(LAB.path("home", "grants"), LAB.path("home", "grants.away"))
    equal(grant(plain, "any", "--runs", "2")["orderHash"], once["orderHash"], "found at the SMS")
    LAB.refused(Run.owner, "grant", plain, Run.app, "any", "--runs", "3", code="EXISTS")
    for name in os.listdir(LAB.path("home", "grants.away")):
        os.rename(LAB.path("home", "grants.away", name), LAB.path("home", "grants", name))


@case
def terms_that_an_sms_lost_are_sent_again():
    """The grant's note says other terms than the SMS has, as after its store was replaced."""
    data = protect("lost")
    made = grant(data, Run.one, "--runs", "2")
    path = LAB.path("home", "grants", data + ".json")
    with open(path, encoding="utf-8") as f:
        notes = json.load(f)
    notes[0]["terms"]["purposes"] = ["research"]
    with open(path, "w", encoding="utf-8") as f:
        json.dump(notes, f)
    again = grant(data, Run.one, "--runs", "2")
    equal((again["orderHash"], again["already"], again["termsVersion"]), (made["orderHash"], True, 2),
          "the same order, its terms once more")
    equal(row(data, made["orderHash"])["terms"]["purposes"], ["research"], "as noted")
    equal("termsVersion" in grant(data, Run.one, "--runs", "2"), False, "and then nothing")


@case
def grants_are_listed_with_their_terms():
    data = protect("named \u00e4")
    made = grant(data, Run.one, "--times", "4", "--purpose", "research", "--until", "30d", "--runs",
                 "3")
    other = grant(data, Run.two, "--times", "2")
    before = row(data, made["orderHash"])
    equal((before["name"], before["termsKnown"], before["runs"], before["revoked"]),
          ("named \u00e4", True, 0, False), "before")
    equal((before["terms"]["purposes"], before["terms"]["runs"], before["terms"]["expires"]),
          (["research"], 3, made["terms"]["expires"]), "terms")
    LAB.good(Run.one, "run", Run.app, "--data", data, "--purpose", "research", "--out", "listed")
    after = row(data, made["orderHash"])
    equal((after["runs"], after["remaining"]), (1, 3), "counts used")
    equal((row(data, other["orderHash"])["terms"], row(data, other["orderHash"])["runs"]), (None, 0),
          "the other one")
    status, out, _ = LAB.said(Run.owner, "grants", data)
    for word in ("named", "for the purpose research", "valid until", "used 1 of 4",
                 "keys released for 1 of 3 runs"):
        check(status == 0 and word in out, f"<{word}>: {out}")
    stranger, = [g for g in LAB.good(Run.one, "grants", data)["grants"]
                 if g["orderHash"] == made["orderHash"]]
    equal((stranger["termsKnown"], stranger["terms"], stranger["runs"]), (False, None, None),
          "terms are the owner's")


@case
def its_receipt_names_the_terms():
    status, answer = LAB.one(None, "verify", "listed.receipt.json")
    text, = [c["text"] for c in answer["checks"] if c["name"] == "terms"]
    check(status == 0 and "the grant's terms version" in text and "no policy" in text, text)


@case
def runs_of_a_grant_are_its_own():
    data = protect("runs")
    grant(data, Run.one, "--times", "9", "--runs", "1")
    grant(data, Run.two, "--times", "9")
    LAB.good(Run.two, "run", Run.app, "--data", data, "--out", "uncounted")
    equal(why(Run.one, data), [], "runs of others do not count")
    LAB.good(Run.one, "run", Run.app, "--data", data, "--out", "counted")
    equal(why(Run.one, data), [("grant.runs", "POLICY_BUDGET")], "the second")
    LAB.refused(Run.one, "run", Run.app, "--data", data, code="POLICY_BUDGET")
    equal(why(Run.two, data), [], "the others go on")


@case
def a_run_takes_the_grant_that_admits_it():
    data = protect("choice")
    first = grant(data, Run.one, "--times", "3", "--purpose", "research")
    second = grant(data, Run.one, "--add", "3", "--purpose", "teaching")
    for purpose in ("research", "teaching"):
        equal(why(Run.one, data, "--purpose", purpose), [], purpose)
        LAB.good(Run.one, "run", Run.app, "--data", data, "--purpose", purpose, "--out", purpose)
    equal([row(data, x["orderHash"])["runs"] for x in (first, second)], [1, 1], "one on each")
    equal(why(Run.one, data, "--purpose", "sale"), [("grant.purposes", "POLICY_PURPOSE")], "neither")
    LAB.refused(Run.one, "run", Run.app, "--data", data, "--purpose", "sale", code="POLICY_PURPOSE")


def through_market(data, args, **hooks):
    """A grant over a market that fails at the publication; the error."""
    proxy = Proxy(Run.config["marketUrl"], **hooks)
    try:
        status, answer = LAB.one(Run.owner, "grant", data, Run.app, *args, "--market", proxy.url)
        check(status != 0 and "error" in answer, f"it must fail: {answer}")
        return answer["error"]
    finally:
        proxy.close()


def is_publication(x):
    return x["method"] == "POST" and x["path"].startswith("/datasetorders")


@case
def a_grant_that_broke_off_goes_on():
    args = (Run.one, "--times", "3", "--purpose", "research", "--until", "30d")
    data = protect("broken off")
    error = through_market(data, args,
                           before=lambda x: b"{}" if is_publication(x) else x["request"])
    check("not published" in error["message"], f"{error}")
    equal(LAB.good(Run.owner, "grants", data)["grants"], [], "nothing is granted")
    said, = log_of(data)
    equal((said["verdict"], said["code"]), ("message", "grant"), "the terms are there")
    made = grant(data, *args)
    check(made["orderHash"] in said["message"] and not made["already"], "the same order goes out")
    equal(len(LAB.good(Run.owner, "grants", data)["grants"]), 1, "one order")
    equal(why(Run.one, data, "--purpose", "research"), [], "granted")
    equal(why(Run.one, data), [("grant.purposes", "POLICY_PURPOSE")], "on its terms")

    def lose(x):
        if is_publication(x):
            x["status"] = 503
            return b'{"error":"gone"}'
        return x["reply"]

    data = protect("answer lost")
    through_market(data, args, change=lose)
    order, = LAB.good(Run.owner, "grants", data)["grants"]
    equal(order["terms"]["purposes"], ["research"], "it is out, and never without its terms")
    again = grant(data, *args)
    equal((again["orderHash"], again["already"]), (order["orderHash"], True), "found")
    # revoked before it went on: never that order again
    data = protect("revoked between")
    through_market(data, args, before=lambda x: b"{}" if is_publication(x) else x["request"])
    gone, = LAB.good(Run.owner, "revoke", data, "--yes")["revoked"]
    check(grant(data, *args)["orderHash"] != gone, "a new order")


try:
    tap.main()
finally:
    LAB.close()
