#!/usr/bin/env python3
"""An SMS on an EVM chain that asks three nodes, one of which lies: every field of every answer, alone,
and facts forged everywhere at once. A key leaves on the honest facts, or not at all; when two lie
differently, nothing leaves."""
import collections
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as lab_module  # noqa: E402
import eth  # noqa: E402
import mutate  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab_module.Lab("nodes", on_chain=True)
NODES = 3
POINTS_EACH = 1  # fields of one answer that are changed, each for the other nodes too


class World:
    """What the cases share."""
    liars = {}  # index of the node -> change(request, text of the reply)
    told = 0
    down = set()
    hanging = {}  # index of the node -> threading.Event that lets it answer
    hung = 0
    heard = set()  # what a liar has answered
    unasked = False  # this question did not go to the liar, nor will the next
    lock = threading.Condition()


def liars_first(index, request):
    """The nodes are asked at once, and enough answers are enough: the lie shall be among them."""
    with World.lock:
        if not World.liars or index in World.liars or World.unasked:
            return
        World.unasked = not World.lock.wait_for(lambda: request in World.heard or not World.liars,
                                                timeout=1)
    time.sleep(0.01)  # for the liar's words to leave


def speak(index):
    def change(exchange):
        reply = exchange["reply"]
        if index in World.down:
            exchange["status"] = 503
            return b"down"
        if index in World.hanging:
            World.hung += 1
            World.hanging[index].wait()
        liars_first(index, exchange["request"])
        World.seen.append((index, json.loads(exchange["request"]), json.loads(reply)))
        try:
            return spoken(exchange, reply)
        finally:
            if index in World.liars:
                with World.lock:
                    World.heard.add(exchange["request"])
                    World.lock.notify_all()

    def spoken(exchange, reply):
        lie = World.liars.get(index)
        changed = lie(json.loads(exchange["request"]), reply) if lie else reply
        World.told += changed != reply
        return changed
    return change


def ask(liars=None, down=()):
    """One challenge and release."""
    World.told, World.seen, World.heard, World.down = 0, [], set(), set(down)
    World.unasked = False
    World.liars = liars or {}
    answer = World.player.ask(World.tasks[0])
    World.down = set()
    with World.lock:
        World.liars = {}
        World.lock.notify_all()
    if answer["code"] == "OK":
        World.uses += 1
        if World.uses == 3:  # no task gets a fourth release
            World.tasks.pop(0)
            World.uses = 0
    return answer


def facts(answer):
    record, task = json.loads(answer["record"]), json.loads(answer["opened"]["task"])
    return {"owner": record["datasets"][0]["owner"], "app": task["app"],
            "checksum": task["datasets"][0]["checksum"], "order": task["datasets"][0]["orderHash"],
            "requester": task["requester"], "deal": task["dealId"], "limit": task["timeLimit"],
            "byLedger": record["byLedger"],
            "secrets": {k: v for k, v in answer["opened"].items() if k not in ("task", "result-blind")}}


def honest(answer, what):
    equal(answer["code"], "OK", f"{what}: {answer.get('message')}")
    equal(facts(answer), World.facts, what)


@case
def three_honest_nodes_agree():
    LAB.start_front()
    World.proxies = [LAB.proxy(LAB.chain.url, change=speak(i)) for i in range(NODES)]
    World.seen = []
    LAB.start_sms(",".join(p.url for p in World.proxies))
    LAB.start_scheduler("--sms", LAB.sms.ready["smsUrl"])
    LAB.settle_in(schedulerUrl=LAB.pool.ready["schedulerUrl"])
    World.player = LAB.player()
    LAB.trust_sim(LAB.top + "/quoting/sim-root.pem")
    LAB.make_grant()
    LAB.deal(1)
    World.tasks, World.uses = LAB.deal_for(World.player, 36), 0
    answer = ask()
    equal(answer["code"], "OK", answer.get("message"))
    World.facts = facts(answer)
    equal(list(World.facts["secrets"]), ["dataset-key/" + LAB.data.lower()], "items")
    World.conversation = {}
    for _, request, reply in World.seen:
        what = request["params"][0] if request.get("params") else ""
        key = (request["method"], json.dumps(what)[:80] if isinstance(what, dict) else "")
        World.conversation.setdefault(key, reply)
    asked = collections.Counter(r["method"] for _, r, _ in World.seen)
    for method in ("eth_call", "eth_getLogs", "eth_getBlockByNumber"):
        check(asked[method] > 0, f"{method} among {asked}")
    for _, request, _ in World.seen:
        if request["method"] == "eth_call":
            check("blockHash" in request["params"][1], f"of one block: {request}")


@case
def one_liar_among_three_changes_nothing():
    told = 0
    for liar in range(NODES):
        for (method, what), reply in World.conversation.items():
            points = list(mutate.points(reply))
            for path, word in points[:POINTS_EACH]:
                def lie(request, text, m=method, w=what, p=path, k=word):
                    given = request["params"][0] if request.get("params") else ""
                    given = json.dumps(given)[:80] if isinstance(given, dict) else ""
                    if request["method"] != m or given != w:
                        return text
                    try:
                        return mutate.dump(mutate.change(json.loads(text), p, k))
                    except (KeyError, IndexError, TypeError):
                        return text
                if World.uses == 2 and len(World.tasks) == 1:
                    return
                honest(ask({liar: lie}), f"node {liar} lies in {method} {what} {path}")
                told += World.told > 0
    check(told > 15, f"lies: {told}")


def forged(old, new):
    return lambda request, text: text.replace(old, new)


@case
def a_forged_fact_of_one_changes_nothing():
    other = "77" * 20
    for what, value in (("owner of the data", LAB.owner), ("requester", LAB.user),
                        ("app", LAB.app), ("pool", LAB.front.ready["workerpool"]),
                        ("deal", World.facts["deal"])):
        old = value.lower()[2:].encode()
        new = other.encode() if len(old) == 40 else b"88" * 32
        for _ in range(5):  # a liar that answers late is not asked again
            honest(ask({1: forged(old, new)}), f"another {what}")
            if World.told > 0:
                break
        check(World.told > 0, f"{what}: the lie was told")


@case
def two_nodes_that_lie_alike_are_no_ledger_of_their_own():
    """Signatures and addresses stand against the majority, too."""
    old = LAB.owner.lower()[2:].encode()
    lie = forged(old, b"77" * 20)
    answer = ask({0: lie, 1: lie})
    check(answer["code"] != "OK" or facts(answer) == World.facts, f"{answer}")


@case
def a_forged_task_is_one_nodes_word():
    """What two of three would be believed about: that a task is there at all."""
    ids = LAB.deal(2)
    check(World.player.say(do="initialize", deal=LAB.deal_id, count=1)["code"] == "OK", "one of two")
    view = "0x" + eth.call("viewTask(bytes32)", ids[0]).hex()
    real = LAB.chain.rpc("eth_call", {"to": LAB.chain.hub, "data": view}, "latest")
    words = [real[2:][i:i + 64] for i in range(0, len(real) - 2, 64)]
    equal((int(words[1], 16), int(words[3], 16)), (1, 0), "active, the first of its deal")
    words[3] = f"{1:064x}"

    def lie(request, text):
        data = request["params"][0].get("data", "") if request["method"] == "eth_call" else ""
        if ids[1][2:] not in data:
            return text
        v = json.loads(text)
        v["result"] = "0x" + "".join(words)
        return mutate.dump(v)

    World.liars = {0: lie}
    forger = LAB.player("forger", rpc=World.proxies[0].url)
    LAB.trust_sim(LAB.top + "/forger/sim-root.pem")
    answer = forger.ask(ids[1])
    equal(answer["code"], "UNAVAILABLE", f"{answer}")
    check("does not show the task" in answer["message"], answer["message"])
    World.liars = {0: lie, 1: lie}
    equal(forger.ask(ids[1])["code"], "OK", "what the majority protects from")
    World.liars = {}
    honest(ask(), "after that")


@case
def where_no_two_agree_nothing_leaves():
    def stands_apart(n):
        def lie(request, text):
            if request["method"] != "eth_call":
                return text
            v = json.loads(text)
            v["result"] = "0x" + f"{n:02x}" * 32
            return mutate.dump(v)
        return lie

    answer = ask({0: stands_apart(1), 1: stands_apart(2)})
    equal(answer["code"], "LEDGER_DISAGREES", answer.get("message"))
    for proxy in World.proxies:
        check(proxy.url in answer["message"], f"{proxy.url} in {answer['message']}")
    honest(ask(), "after that")


@case
def a_dead_node_is_not_missed_and_two_are():
    honest(ask(down={0}), "without the first")
    equal(ask(down={0, 2})["code"], "UNAVAILABLE", "one alone is not believed")
    honest(ask(), "after that")


@case
def a_node_that_never_answers_delays_nobody():
    """Keys leave while it is still being waited for by nobody; a dead one beside it is too much."""
    for slow in range(NODES):
        World.hanging, World.hung = {slow: threading.Event()}, 0
        try:
            honest(ask(), f"node {slow} hangs")
            check(World.hung > 0, "it was asked")
            check(not World.hanging[slow].is_set(), "it hangs still")
            asked = World.hung
            honest(ask(), f"node {slow} hangs still")
            # each release asks it afresh, at once with the others; after that it comes last
            check(World.hung - asked <= 4, f"asked {World.hung - asked} times in one release")
        finally:
            World.hanging.pop(slow).set()
    honest(ask(), "after that")


@case
def a_head_that_nobody_else_has_is_not_believed():
    def boast(request, text):
        v = json.loads(text)
        if request["method"] == "eth_blockNumber":
            v["result"] = hex(int(v["result"], 16) + 1000000)
        return mutate.dump(v)

    def lag(request, text):
        v = json.loads(text)
        if request["method"] == "eth_blockNumber":
            v["result"] = "0x1"
        return mutate.dump(v)

    honest(ask({0: boast}), "one is far ahead")
    honest(ask({0: lag}), "one is far behind")
    honest(ask({0: boast, 2: lag}), "both")


if __name__ == "__main__":
    try:
        tap.main()
    finally:
        LAB.close()
