#!/usr/bin/env python3
"""Everything between worker, scheduler and SMS passes through a liar: each field of leases, hints,
requests and answers is changed, one a task, and messages of other tasks are replayed. A task fails
with a named cause, or ends with the result of its requester and nobody else's. Then the pool itself
settles with an enclave key of its own."""
import collections
import json
import os
import shutil
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab as lab_module  # noqa: E402
import mutate  # noqa: E402
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

LAB = lab_module.Lab("worker")
PLAIN = lab_module.PLAIN.encode()
POLL, CHALLENGE, RELEASE = "/worker/v1/poll", "/attest/v1/challenge", "/attest/v1/release"
AUTHORIZE, BEAT = "/worker/v1/authorize", "/worker/v1/heartbeat"
WINDOW = 31


class World:
    """What the cases share."""
    lock = threading.Lock()
    plans = []  # lies that no task has yet: (what, path, where, change)
    plan = {}  # task: its lie
    told = set()
    first = {}  # path: JSON of an earlier task's exchange
    asked, answered = {}, {}  # changed requests under way; task: status of the answer to one
    caught = []


def task_in(x):
    """The task that a message speaks of."""
    for raw in (x["request"], x.get("reply", b"")):
        try:
            v = json.loads(raw)
        except ValueError:
            continue
        v = v.get("lease", v) if isinstance(v.get("lease"), dict) else v
        if "taskId" in v:
            return v["taskId"]
    return None


def tell(x, where):
    """The bytes to hand on."""
    raw, path = x[where], x["path"].split("?")[0]
    if PLAIN in raw:
        World.caught.append(path)
    if not raw:
        return raw
    v = json.loads(raw)
    with World.lock:
        task = task_in(x)
        if where == "reply" and x["request"] in World.asked:
            World.answered[World.asked.pop(x["request"])] = x["status"]
        if where == "reply" and x["status"] != 200:
            return raw
        if path == "/worker/v1/hello" and where == "reply":
            v["smsUrl"] = World.sms.url
            return mutate.dump(v)
        if path == POLL and where == "reply" and World.plans and task not in World.plan:
            World.plan[task] = World.plans.pop(0)
        World.first.setdefault((path, where), v)
        plan = World.plan.get(task)
        if not plan or task in World.told or plan[1:3] != (path, where):
            return raw
        World.told.add(task)
        changed = mutate.dump(plan[3](v))
        if where == "request":
            World.asked[changed] = task
        return changed


def relay(target):
    return LAB.proxy(target, change=lambda x: tell(x, "reply"),
                     before=lambda x: tell(x, "request"))


def get(path):
    with urllib.request.urlopen(LAB.pool.ready["schedulerUrl"] + path, timeout=60) as answer:
        return json.load(answer)


ENDS = ("COMPLETED", "RUNNING_FAILED", "FAILED")


def end_of(task):
    until = time.monotonic() + 240
    while time.monotonic() < until:
        try:
            v = get(f"/tasks/{task}")
        except OSError:
            v = {}
        if v.get("currentStatus") in ENDS:
            return v
        time.sleep(0.1)
    raise AssertionError(f"{task} does not end: {v}")


@case
def an_honest_relay_changes_nothing():
    LAB.start_front()
    LAB.start_sms(LAB.front.ready["rpcUrl"])
    World.sms = relay(LAB.sms.ready["smsUrl"])
    # the first start of the worker makes its wallet and its root
    home = os.path.join(LAB.top, "worker")
    first = LAB.role("worker", "worker", "--scheduler", "http://127.0.0.1:1", "--rpc",
                     LAB.front.ready["rpcUrl"], wait=False)
    wanted = [home + "/worker/wallet.json", home + "/worker/sim-root.pem"]
    while not all(map(os.path.exists, wanted)):
        time.sleep(0.05)
    first.kill()
    LAB.roles.remove(first)
    World.worker = lab_module.load(wanted[0])["address"]
    LAB.trust_sim(wanted[1])
    LAB.start_scheduler("--sms", LAB.sms.ready["smsUrl"], "--admit",
                        "0x" + World.worker.removeprefix("0x"))
    World.pool = relay(LAB.pool.ready["schedulerUrl"])
    LAB.worker = LAB.role("worker", "worker", "--scheduler", World.pool.url, "--rpc",
                          LAB.front.ready["rpcUrl"], "--pool", LAB.front.ready["workerpool"],
                          "--guest", lab_module.GUEST, "--slots", "2")
    LAB.settle_in(schedulerUrl=LAB.pool.ready["schedulerUrl"])
    LAB.make_grant()
    done = LAB.good("run", LAB.app, "--data", LAB.data, "--args", "honest", "--out",
                    LAB.user_home + "/honest", wallet=LAB.user)
    with open(LAB.user_home + "/honest/result.txt", encoding="utf-8") as f:
        equal(f.read(), f"read: {lab_module.PLAIN}\nargument: honest\n", "result")
    World.receipt = done["tasks"][0]["receiptPath"]
    equal(LAB.good("verify", World.receipt)["verdict"], "proven", "receipt")
    for path, where in ((POLL, "reply"), (CHALLENGE, "reply"), (RELEASE, "reply"),
                        (RELEASE, "request"), (AUTHORIZE, "request")):
        check((path, where) in World.first, f"{where} of {path} passes the relay")


def flip(text):
    """Another text of the same form: base64 stays base64."""
    return ("B" if text[0] == "A" else "A") + text[1:] if text else "AAAA"


def flipped(v, path):
    changed = json.loads(json.dumps(v))
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = flip(at[path[-1]])
    return changed


def point_plans(path, where):
    """One lie for every point of a message."""
    sample = World.first[(path, where)]
    for at, word in mutate.points(sample):
        what = f"{path} {where} {'.'.join(map(str, at))}[{word}]"
        leaf = sample
        for key in at:
            leaf = leaf[key]
        text = isinstance(leaf, str) and not leaf.startswith("0x")
        yield (what, path, where, (lambda v, p=at: flipped(v, p)) if text
               else (lambda v, p=at, w=word: mutate.change(v, p, w)))


def replay_plans():
    """Messages, and parts of them, of the first task in those of another."""
    def first(path):
        return World.first[(path, "reply")]

    yield "replay: challenge", CHALLENGE, "reply", lambda v: first(CHALLENGE)
    yield "replay: release", RELEASE, "reply", lambda v: first(RELEASE)
    yield ("replay: hints", POLL, "reply", lambda v: {**v, "hints": first(POLL)["hints"]})
    yield ("replay: certificate", RELEASE, "reply",
           lambda v: {**v, "certificate": first(RELEASE)["certificate"]})
    yield ("replay: items", RELEASE, "reply", lambda v: {**v, "items": first(RELEASE)["items"]})
    yield ("replay: request", RELEASE, "request",
           lambda v: World.first[(RELEASE, "request")])
    yield ("replay: lease of the request", RELEASE, "request",
           lambda v: {**v, "lease": World.first[(RELEASE, "request")]["lease"]})
    yield ("items: without the first", RELEASE, "reply", lambda v: {**v, "items": v["items"][1:]})
    yield ("items: without the task", RELEASE, "reply", lambda v: {**v, "items": v["items"][:-1]})


def outcome(task, what):
    """The cause of a failure; a task that completed at once is one that its requester can read.
    After a failure that another attempt may heal, the liar is silent."""
    end = end_of(task)
    if end["currentStatus"] != "COMPLETED":
        cause = end["iapp"]["cause"] or end["iapp"]["code"]
        check(cause, f"{what}: a named cause: {end}")
        return cause
    first = end["iapp"]["attempts"][0]
    if len(end["iapp"]["attempts"]) > 1:
        print(f"# {what}: {first}")
        return (first["cause"] or first["code"] or first["state"]) + ", then COMPLETED"
    folder = os.path.join(LAB.user_home, task)
    status, answer = LAB.iapp("result", task, "--out", folder, wallet=LAB.user)
    if status != 0:  # a spoilt receipt is noticed; the file is the requester's all the same
        return "COMPLETED, and " + answer["error"]["code"]
    with open(folder + "/result.txt", encoding="utf-8") as f:
        check(lab_module.PLAIN in f.read(), f"{what}: the result of this data")
    return "COMPLETED"


def try_plans(plans):
    """Each lie in a task of its own; {what: outcome}."""
    plans, outcomes = list(plans), {}
    while plans:
        chunk, plans = plans[:WINDOW], plans[WINDOW:]
        with World.lock:
            World.plan, World.told, World.plans = {}, set(), list(chunk)
        tasks = LAB.deal(len(chunk))
        for task in tasks:
            end_of(task)
        for task, plan in World.plan.items():
            check(task in World.told, f"{plan[0]}: the lie was told")
            outcomes[plan[0]] = outcome(task, plan[0])
            if plan[2] == "request":
                status = World.answered[task]
                outcomes[plan[0]] = f"{status}, {outcomes[plan[0]]}"
        equal(len(World.plan), len(chunk), "lies told")
    for what, how in outcomes.items():
        print(f"# {what}: {how}")
    equal(World.caught, [], "plain text that passed the relay")
    return outcomes


def all_refused(outcomes, *pieces):
    """Lies about these never end in a completed task."""
    for what, how in outcomes.items():
        if any(p in what for p in pieces):
            check(not how.startswith(("COMPLETED", "200")), f"{what}: {how}")


@case
def every_field_of_leases_and_hints_is_changed():
    old = World.first[(POLL, "reply")]["lease"]
    replayed = ("replay: lease", POLL, "reply", lambda v: {**v, "lease": old})
    got = try_plans([*point_plans(POLL, "reply"), replayed])
    got.pop(f"{POLL} reply hints.v[0]")  # a version of the form; the worker writes its own
    all_refused(got, " hints.", " lease.", "image.checksum", "replay: lease")


@case
def every_field_of_the_challenge_is_changed():
    got = try_plans(point_plans(CHALLENGE, "reply"))
    all_refused(got, "nonce", "smsKey")


@case
def every_field_of_the_guests_request_is_changed():
    got = try_plans(point_plans(RELEASE, "request"))
    # `aux` is free bytes beside a simulated quote: the SMS seals for other evidence, in vain
    aux = got.pop(f"{RELEASE} request aux[0]")
    equal(aux, "200, TEE_SESSION_GENERATION_SMS_SIGNATURE", "aux")
    all_refused(got, "request")


@case
def every_field_of_the_release_is_changed():
    got = try_plans(point_plans(RELEASE, "reply"))
    all_refused(got, "enc[", ".ct", ".name", "reply sig", "certificate")
    for what, how in got.items():
        if "certificate" in what:
            equal(how, "WORKERPOOL_AUTHORIZATION_NOT_FOUND, then COMPLETED", what)
        if "record" in what:  # the worker spoils its own receipt, and the reader is told
            check(how.startswith("COMPLETED, and "), f"{what}: {how}")


@case
def messages_of_another_task_are_replayed():
    got = try_plans(replay_plans())
    all_refused(got, "replay:", "items:")
    equal(got["replay: certificate"], "WORKERPOOL_AUTHORIZATION_NOT_FOUND, then COMPLETED",
          "certificate of another task")


@case
def authorisations_are_changed():
    """A changed request is none of the worker's; it signs its own once more, and that is taken."""
    asked = try_plans(point_plans(AUTHORIZE, "request"))
    equal(set(asked.values()), {"401, COMPLETED"}, "changed requests")
    all_refused(try_plans(point_plans(AUTHORIZE, "reply")), "reply")


@case
def nothing_in_clear_lies_about():
    equal([p for p, _ in proc.files_hold(LAB.top, [PLAIN])
           if not p.startswith(LAB.user_home + "/")], [], "files with the plain text")


def refused(receipt, name, *more, verdict="refused"):
    path = lab_module.save(os.path.join(LAB.top, name + ".json"), receipt)
    status, answer = LAB.iapp("verify", path, *more)
    equal((status, answer.get("verdict")), (1, verdict), f"{name}: {answer}")
    check(answer["simulated"], f"{name}: no receipt takes that word away")
    failed = [c["name"] for c in answer["checks"] if not c["ok"]]
    print(f"# {name}: {answer['code']} {failed}")
    return answer["code"], failed


@case
def a_pool_settles_with_an_enclave_key_of_its_own():
    LAB.worker.stop()
    World.player = player = LAB.player("worker/worker")
    tasks = LAB.deal_for(player, 2)
    settled = player.say(do="settle", task=tasks[0],
                         keystore=LAB.worker.home + "/worker/wallet.json",
                         passphraseFile=LAB.worker.home + "/passphrase")
    equal(settled["code"], "OK", f"the ledger cannot tell: {settled}")
    genuine = lab_module.load(World.receipt)
    forged = player.say(do="forge", receipt=genuine)
    equal(forged["code"], "OK", f"{forged}")
    _, failed = refused(forged["receipt"], "another result under the pool's own key")
    check("release-run" in failed, f"the release names another enclave: {failed}")
    settlement_only = {"settlement": forged["receipt"]["settlement"]}
    refused(settlement_only, "a settlement and nothing of an enclave")
    kept = {**genuine, "settlement": forged["receipt"]["settlement"]}
    refused(kept, "a settlement of another run")
    equal(LAB.good("verify", World.receipt)["verdict"], "proven", "control")
    strange = os.path.join(LAB.top, "strange.json")
    trust = lab_module.load(LAB.user_home + "/trust.json")
    trust["sms"] = []
    lab_module.save(strange, trust)
    status, answer = LAB.iapp("verify", World.receipt, "--trust", strange)
    equal((status, answer["code"]), (1, "UNKNOWN_SMS"), "a reader who trusts another SMS")


def ended(name, **how):
    """Another end of the genuine receipt's task."""
    said = World.player.say(do="end", receipt=lab_module.load(World.receipt), **how)
    equal(said["code"], "OK", f"{name}: {said}")
    return said["settlement"]


@case
def a_worker_alone_forges_the_word_of_the_pool():
    """An order without a signature names no signer: the release record does."""
    blank = lab_module.load(World.receipt)
    blank["orders"]["workerpool"]["sign"] = "0x"
    worker = {"keystore": LAB.worker.home + "/worker/wallet.json",
              "passphraseFile": LAB.worker.home + "/passphrase"}
    for name, how, wrong in (
            ("a completed run said to have failed", {"cause": "APP_COMPUTE_FAILED"},
             {"settlement-pool", "sign-workerpool"}),
            ("its own seal for the pool's", worker,
             {"settlement-pool", "sign-workerpool", "settlement-seals"})):
        end = ended(name, signer="own", **how)
        _, failed = refused({**blank, "settlement": end}, name)
        equal(set(failed), wrong, name)
        kept = {**lab_module.load(World.receipt), "settlement": end}
        _, failed = refused(kept, name + ", the order as it was")
        equal(set(failed), wrong - {"sign-workerpool"}, name)
    _, failed = refused(blank, "an order without its signature")
    equal(failed, ["sign-workerpool"], "the order alone")


@case
def a_settlement_by_any_key_proves_nothing():
    rpc, never = ("--rpc", LAB.front.ready["rpcUrl"]), "0x" + "5a" * 32
    end = {"alone": True, "cause": "APP_COMPUTE_FAILED", "signer": "own"}
    alone = {"settlement": ended("anybody", **end)}
    code, _ = refused(alone, "a settlement by anybody", verdict="not proven")
    equal(code, "UNKNOWN_POOL", "what is missing")
    code, failed = refused(alone, "of a task that was completed", *rpc)
    equal((code, failed[-1]), ("TASK_MISMATCH", "ledger"), "the ledger's word")
    nothing = {"settlement": ended("never", task=never, **end)}
    refused(nothing, "of a task that never was", verdict="not proven")
    code, failed = refused(nothing, "of a task that never was, asked", *rpc)
    equal((code, failed[-1]), ("TASK_MISMATCH", "ledger"), "the ledger's word")
    hardware = {"settlement": ended("hw", domain="hw", **end)}
    refused(hardware, "said to be of hardware", verdict="not proven")
    pool = {"address": LAB.front.ready["workerpool"].lower(), "description": "0x",
            "owner": World.player.enclave}
    refused({**alone, "workerpool": pool}, "with the pool's address")
    code, _ = refused(alone, "with a result", "--result", World.receipt)
    equal(code, "RESULT_MISMATCH", "nothing states a result")


try:
    tap.main()
finally:
    LAB.close()
