#!/usr/bin/env python3
"""A ledger that lies to the SMS: every field of every answer, one at a time; facts rewritten
everywhere at once; answers that are missing; a past that changed. A key leaves on the facts that
were signed, or not at all."""
import collections
import json
import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as lab_module  # noqa: E402
import mutate  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab_module.Lab("ledger")
# what a release says of itself and of its one task, and what stays the ledger's word (docs/sms.md)
OWN = {"time", "seq", "nonce", "reportData", "evidenceHash", "taskId", "descHash", "taskHash",
       "attempt", "byLedger"}
OWN_TASK = {"taskId", "taskIndex", "descHash", "attempt"}


class World:
    """What the cases share."""
    target = None  # (key, change of the answer's JSON)
    everywhere = None  # change of the reply's text
    seen, counts, hit = [], collections.Counter(), False


def key_of(request, counts):
    """The question, whatever task it is about, and how often it was asked in this conversation."""
    params = request.get("params") or [None]
    what = params[0]
    if isinstance(what, dict):
        what = what.get("data", "")[:10] or str(what.get("topics", [""])[0])[:12]
    elif request["method"] == "eth_getBlockByNumber":
        what = "latest" if what == "latest" else "number"
    else:
        what = ""
    name = f"{request['method']} {what}"
    counts[name] += 1
    return f"{name} #{counts[name]}"


def lie(exchange):
    reply = exchange["reply"]
    if World.everywhere:
        changed = World.everywhere(reply)
        World.hit |= changed != reply
        return changed
    request = json.loads(exchange["request"])
    check(isinstance(request, dict), "the SMS asks one thing at a time")
    key, answer = key_of(request, World.counts), json.loads(reply)
    World.seen.append((key, answer))
    if not World.target or World.target[0] != key:
        return reply
    World.hit = True
    return mutate.dump(World.target[1](answer))


def ask(target=None, everywhere=None):
    """One challenge and release, with one lie in it."""
    World.target, World.everywhere = target, everywhere
    World.seen, World.counts, World.hit = [], collections.Counter(), False
    answer = World.player.ask(World.tasks[0])
    World.target = World.everywhere = None
    if answer["code"] == "OK":
        World.uses += 1
        if World.uses == 3:  # no task gets a fourth release
            World.tasks.pop(0)
            World.uses = 0
    return answer


def facts(answer):
    """What was released, on which signed facts."""
    record = json.loads(answer["record"])
    task = json.loads(answer["opened"]["task"])
    env = {k: v for k, v in task.pop("env").items()
           if k not in ("IEXEC_TASK_ID", "IEXEC_TASK_INDEX", "IEXEC_BOT_TASK_INDEX")}
    secrets = {k: v for k, v in answer["opened"].items() if k not in ("task", "result-blind")}
    return {**{"record." + k: v for k, v in record.items() if k not in OWN},
            **{"task." + k: v for k, v in task.items() if k not in OWN_TASK},
            **{"env." + k: v for k, v in env.items()}, "secrets": secrets}


def control(what):
    answer = ask()
    equal(answer["code"], "OK", f"the honest ledger, {what}: {answer.get('message')}")
    equal(facts(answer), World.facts, f"the same facts, {what}")


def judge(answer, what):
    """The code of a refusal; a release must be the honest one but for the ledger's own word."""
    check(World.hit, f"{what}: the lie was told")
    if answer["code"] != "OK":
        check(answer["code"] not in ("INTERNAL", "MEMORY"), f"{what}: {answer}")
        World.codes[answer["code"]] += 1
        return answer["code"]
    got = facts(answer)
    differing = {k for k in World.facts.keys() | got.keys() if got.get(k) != World.facts.get(k)}
    check(differing <= {"task.timeLimit"}, f"{what}: released on other facts: {differing}")
    World.codes["the same facts"] += 1
    return "OK"


def restore():
    """The SMS as it was before the lies: what it remembers of them is gone."""
    LAB.sms.stop()
    shutil.rmtree(LAB.sms.home + "/sms")
    shutil.copytree(World.snapshot, LAB.sms.home + "/sms")
    LAB.sms.start()


@case
def an_honest_ledger_gets_a_release():
    LAB.start_front()
    World.proxy = LAB.proxy(LAB.front.ready["rpcUrl"], change=lie)
    LAB.start_sms(World.proxy.url)
    LAB.start_scheduler("--sms", LAB.sms.ready["smsUrl"])
    LAB.settle_in(schedulerUrl=LAB.pool.ready["schedulerUrl"])
    World.player = LAB.player()
    LAB.trust_sim(LAB.top + "/quoting/sim-root.pem")
    LAB.make_grant()
    LAB.deal(1)  # the first run hands in the requester's result key
    LAB.sms.stop()
    World.before = os.path.join(LAB.top, "before")
    shutil.copytree(LAB.sms.home + "/sms", World.before)
    LAB.sms.start()
    World.tasks, World.uses = LAB.deal_for(World.player, 300), 0
    World.codes = collections.Counter()
    answer = ask()
    equal(answer["code"], "OK", answer.get("message"))
    World.facts = facts(answer)
    equal(list(World.facts["secrets"]), ["dataset-key/" + LAB.data.lower()], "items")
    LAB.sms.stop()
    World.snapshot = os.path.join(LAB.top, "snapshot")
    shutil.copytree(LAB.sms.home + "/sms", World.snapshot)
    LAB.sms.start()


def point_lies(key, answer):
    """Every point of one answer, alone. A block's bloom filter is one field."""
    for path, word in mutate.points(answer):
        if "logsBloom" not in path or word == 0:
            yield (path, word), (f"{key} {'.'.join(map(str, path))}[{word}]", key,
                                 lambda a, p=path, w=word: mutate.change(a, p, w))


def missing_lies(key):
    for name, other in (("null", None), ("nothing", []), ("no bytes", "0x")):
        yield f"{key} = {name}", key, lambda a, o=other: {**a, "result": o}


def lies(seen):
    for key, answer in seen:
        yield from (what for _, what in point_lies(key, answer))
        yield from missing_lies(key)


def later_lies(key, answer, harmless):
    """A question that was asked before: what was harmless then is changed together."""
    together = []
    for point, what in point_lies(key, answer):
        if point in harmless:
            together.append(point)
        else:
            yield what
    yield (f"{key}: {len(together)} fields", key, lambda a: _change_all(a, together))
    yield from missing_lies(key)


def _change_all(answer, points):
    for path, word in points:
        answer = mutate.change(answer, path, word)
    return answer


def try_group(group, careful=False):
    codes = []
    for what, key, change in group:
        codes.append(judge(ask((key, change)), what))
        if careful and codes[-1] != "OK":
            answer = ask()
            if answer["code"] != "OK":
                World.sticky[answer["code"]] += 1
                restore()
            control("after " + what)
    return codes


def try_answer(key, group):
    codes = try_group(group)
    if ask()["code"] == "OK":
        return codes
    # one of these lies is remembered, and may have stood in the way of the next: one by one
    restore()
    control("before " + key)
    return try_group(group, careful=True)


@case
def every_field_of_every_answer_is_changed():
    World.sticky, harmless = collections.Counter(), {}
    ask()
    ask()
    conversation = World.seen
    check(len(conversation) > 15, f"questions: {[k for k, _ in conversation]}")
    for key, answer in conversation:
        question = key.split(" #")[0]
        if question in harmless:
            try_answer(key, list(later_lies(key, answer, harmless[question])))
            continue
        points = list(point_lies(key, answer))
        codes = try_answer(key, [what for _, what in points] + list(missing_lies(key)))
        harmless[question] = {p[0] for p, code in zip(points, codes) if code == "OK"}
    print("# " + ", ".join(f"{k} {n}" for k, n in World.codes.most_common()))
    print("# remembered: " + ", ".join(f"{k} {n}" for k, n in World.sticky.most_common()))
    for code in ("LEDGER_ROLLBACK", "ORDERS_NOT_FOUND", "ASSET_MISMATCH", "DEAL_MISMATCH",
                 "ORDER_SIGNATURE", "LEASE_INVALID"):
        check(World.codes[code] > 0, f"{code} among {World.codes}")
    control("at the end")


@case
def what_is_asked_of_a_new_connection_is_changed():
    def fresh(*target):
        restore()
        return ask(*target)

    equal(fresh()["code"], "OK", "control")
    opening = [(k, a) for k, a in World.seen if "eth_chainId" in k or "iapp_info" in k]
    check(opening, f"the opening is seen: {[k for k, _ in World.seen]}")
    for what, key, change in lies(opening):
        judge(fresh((key, change)), what)
    control("after the openings")


@case
def what_is_remembered_of_events_is_changed():
    kept, World.snapshot = World.snapshot, World.before
    restore()
    control("the deal is seen first")
    logs = [(k, a) for k, a in World.seen if k.startswith("eth_getLogs") and a["result"]][:1]
    for what, key, change in lies(logs):
        restore()
        judge(ask((key, change)), what)
    World.snapshot = kept
    restore()
    control("after the events")


@case
def a_fact_is_changed_everywhere():
    task = World.facts
    net = LAB.front.ready
    control("before")
    viewed = [a["result"] for k, a in World.seen if k == "eth_call 0x1e143ef7 #1"][0]
    multiaddr = re.search("1220[0-9a-f]{64}", viewed)[0]
    facts_told = {
        "owner of the data": LAB.owner, "owner of the app": LAB.developer,
        "requester": LAB.user, "app": LAB.app, "dataset": LAB.data,
        "pool": net["workerpool"], "hub": net["hubAddress"],
        "checksum of the app": task["task.appDigest"],
        "checksum of the data": task["task.datasets"][0]["checksum"],
        "multiaddr of the data": "0x" + multiaddr,
        "deal": task["task.dealId"],
        "hash of the dataset order": task["task.datasets"][0]["orderHash"],
    }
    for what, value in facts_told.items():
        old = value.lower()[2:].encode()
        new = old[:-2] + (b"%02x" % (int(old[-2:], 16) ^ 1))
        code = judge(ask(everywhere=lambda reply, o=old, n=new: reply.replace(o, n)), what)
        # hashes of orders are computed here, never believed
        equal(code == "OK", what == "hash of the dataset order", f"{what} is another: {code}")
        print(f"# {what}: {code}")
        if ask()["code"] != "OK":
            restore()
        control("after another " + what)


@case
def another_pool_owner_gives_no_leases():
    owner = lab_module.load(LAB.front.home + "/scheduler/wallet.json")["address"].lower()
    old, new = owner[-40:].encode(), World.player.enclave.lower()[2:].encode()
    World.everywhere, World.hit = lambda reply: reply.replace(old, new), False
    answer = World.player.ask(World.tasks[0], signer="own")
    World.everywhere = None
    equal(judge(answer, "a pool of the liar's"), "ORDER_SIGNATURE", answer.get("message"))
    control("after another pool")


@case
def an_older_head_stops_every_release():
    answer = ask()
    newest = [a["result"] for k, a in World.seen if "latest" in k][0]
    older = dict(newest, number="0x1")

    def shorter(reply):
        v = json.loads(reply)
        if isinstance(v["result"], dict) and v["result"].get("hash") == newest["hash"]:
            v["result"] = older
        return mutate.dump(v)

    equal(ask(everywhere=shorter)["code"], "ORDERS_NOT_FOUND", "a chain before the deal")
    check(World.hit, "the lie was told")
    equal(ask()["code"], "LEDGER_ROLLBACK", "the honest ledger, after a shorter chain was seen")
    subprocess.run([os.path.join(lab_module.BUILD, "iappd"), "sms", "confirm-ledger", "--home",
                    LAB.sms.home], check=True, capture_output=True, timeout=60)
    control("once the operator has confirmed")
    equal(answer["code"], "OK", "and before")


try:
    tap.main()
finally:
    LAB.close()
