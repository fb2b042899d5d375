#!/usr/bin/env python3
"""Two installations of the same chain id: everything that people sign for the one, each order,
secret, policy and transaction, is replayed at the other and refused there."""
import collections
import http.client
import json
import os
import sys
from urllib.parse import urlsplit

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as lab_module  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

ONE, TWO = lab_module.Lab("one"), lab_module.Lab("two")
SENDS = ("eth_sendRawTransaction",)


class World:
    """What the cases share."""
    said = []  # (which service, exchange)


def start(lab):
    lab.start_front()
    lab.start_sms(lab.front.ready["rpcUrl"])
    lab.start_scheduler("--sms", lab.sms.ready["smsUrl"])


def is_signed(x):
    """What changes something at the service; questions do not."""
    if x["method"] == "GET" or x["method"] == "HEAD":
        return False
    if x["path"] == "/":
        requests = json.loads(x["request"])
        requests = requests if isinstance(requests, list) else [requests]
        return any(r["method"] in SENDS for r in requests)
    return not x["path"].startswith(("/why", "/api/v0", "/push/v1/challenge"))


def replay(base, x):
    url = urlsplit(base)
    conn = http.client.HTTPConnection(url.hostname, url.port, timeout=60)
    keep = ("authorization", "content-type", "origin")
    conn.request(x["method"], x["path"], x["request"],
                 {k: v for k, v in x["headers"].items() if k.lower() in keep})
    answer = conn.getresponse()
    status, text = answer.status, answer.read()
    conn.close()
    return status, text


def code_of(text):
    error = json.loads(text).get("error") if text.startswith(b"{") else None
    if isinstance(error, dict):
        return str(error.get("code")) + " " + str(error.get("message"))
    return str(error) if error else ""


def kind_of(x):
    return "transaction" if x["path"] == "/" else x["method"] + " " + x["path"].split("?")[0]


@case
def people_work_with_the_first():
    start(ONE)
    start(TWO)
    equal(ONE.front.ready["chainId"], TWO.front.ready["chainId"], "chain ids")
    check(ONE.front.ready["hubAddress"] != TWO.front.ready["hubAddress"], "two hubs")
    front, sms = ONE.proxy(ONE.front.ready["rpcUrl"]), ONE.proxy(ONE.sms.ready["smsUrl"])
    World.services = [(front, TWO.front.ready["rpcUrl"]), (sms, TWO.sms.ready["smsUrl"])]
    ONE.settle_in(schedulerUrl=ONE.pool.ready["schedulerUrl"], rpcUrl=front.url,
                  marketUrl=front.url, smsUrl=sms.url)
    ONE.make_grant()
    ONE.good("grant", ONE.data, ONE.app, "any", "--purpose", "research", "--add", "1",
             wallet=ONE.owner)
    World.player = ONE.player()
    ONE.trust_sim(ONE.top + "/quoting/sim-root.pem")
    TWO.trust_sim(ONE.top + "/quoting/sim-root.pem")
    World.task = ONE.deal_for(World.player, 1, "--purpose", "research")[0]
    ONE.good("balance", "--faucet", "5nRLC", wallet=ONE.user)
    check(ONE.iapp("why", World.task)[0] == 0, "the first would release")
    released = World.player.ask(World.task)
    equal(released["code"], "OK", released.get("message"))
    ONE.good("revoke", ONE.data, wallet=ONE.owner)
    World.said = [(to, x) for proxy, to in World.services for x in proxy.seen if is_signed(x)]
    for _, x in World.said:
        check(x["status"] < 300, f"taken by the first: {kind_of(x)} {x['status']}")
    kinds = collections.Counter(kind_of(x) for _, x in World.said)
    print("# " + ", ".join(f"{k} {n}" for k, n in kinds.items()))
    for kind in ("transaction", "POST /push/v1/secret", "POST /owner/v1/messages"):
        check(kinds[kind] > 0, f"{kind} among {kinds}")
    check(sum("order" in k for k in kinds) >= 2, f"orders among {kinds}")


@case
def the_second_refuses_every_one_of_them():
    for to, x in World.said:
        status, text = replay(to, x)
        code = code_of(text)
        print(f"# {kind_of(x)}: {status} {code[:100]}")
        refused = status >= 400 or (x["path"] == "/" and code)
        check(refused, f"taken by the second: {kind_of(x)} {x['request'][:300]} {text[:300]}")


@case
def orders_of_the_first_are_no_orders_under_a_login_of_the_second():
    """Logins are per market; so that the order itself is judged, somebody logs in at the second and
    hands in the first's order instead of her own."""
    taken = {x["path"].split("?")[0]: x["request"] for _, x in World.said if "order" in x["path"]}

    def swap(x):
        path = x["path"].split("?")[0]
        return taken.get(path, x["request"]) if World.swaps else x["request"]

    World.swaps = False
    market = TWO.proxy(TWO.front.ready["marketUrl"], before=swap)
    TWO.settle_in(schedulerUrl=TWO.pool.ready["schedulerUrl"], marketUrl=market.url)
    TWO.make_grant()  # the control: honest orders go the same way
    World.swaps = True
    for args, who in ((("publish", TWO.app), TWO.developer),
                      (("grant", TWO.data, TWO.app, "any", "--add", "1"), TWO.owner)):
        status, answer = TWO.iapp(*args, wallet=who)
        print(f"# {args[0]}: {answer}")
        check(status != 0 and "error" in answer, f"{args[0]} with the first's order: {answer}")
        check(market.seen[-1]["status"] >= 400, f"the market refused: {market.seen[-1]['reply']}")


@case
def the_first_takes_nothing_twice():
    """A control of the replay itself: what the first had taken it knows, by another word."""
    firsts = {TWO.front.ready["rpcUrl"]: ONE.front.ready["rpcUrl"],
              TWO.sms.ready["smsUrl"]: ONE.sms.ready["smsUrl"]}
    words = collections.Counter()
    for to, x in World.said:
        status, text = replay(firsts[to], x)
        words[f"{kind_of(x)} {status} {code_of(text)[:60]}"] += 1
    print("# " + "; ".join(words))
    check(any(" 20" in w for w in words), "messages that are known are no error")


@case
def leases_and_releases_of_the_first():
    """The second's SMS knows neither the task nor the pool; the first's guests ask it in vain."""
    equal(World.player.ask(World.task, fencing=2)["code"], "REVOKED", "the first knows the task")
    answer = World.player.ask(World.task, sms=TWO.sms.ready["smsUrl"])
    check(answer["code"] in ("TASK_NOT_ACTIVE", "LEASE_INVALID", "NOT_FOUND"), f"{answer}")
    print(f"# {answer['code']}")


try:
    tap.main()
finally:
    ONE.close()
    TWO.close()
