#!/usr/bin/env python3
"""Each database is read from outside while people work: what `sqlite3 FILE` or a back-up does. Then
everything is killed and started again: nothing that was acknowledged may be gone."""
import json
import os
import sqlite3
import sys
import threading
import urllib.request

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import lab  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

DATABASES = ("front/ledger.db", "front/market.db", "front/graph.db", "sms/sms.db",
             "scheduler/scheduler.db")
ROUNDS = 1  # of each person's work


class Run:
    lab = lab.Lab()
    seen = {}  # database: how often it was read
    acknowledged = {"order": [], "data": [], "run": []}
    faults = []


def path_of(name):
    return os.path.join(Run.lab.home, name)


def read(name):
    """One connection from outside, closed as the last one of its process."""
    db = sqlite3.connect(path_of(name), timeout=30)
    try:
        tables = [t for (t,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in tables}
    finally:
        db.close()


class Reader(threading.Thread):
    """Reads all databases, over and over."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over = threading.Event()

    def run(self):
        while not self.over.wait(0.02):
            for name in DATABASES:
                try:
                    check(read(name), f"{name} has tables")
                    Run.seen[name] = Run.seen.get(name, 0) + 1
                except Exception as why:  # told by the case
                    Run.faults.append(f"{name}: {why}")

    def end(self):
        self.over.set()
        self.join()


def ask(url, body=None):
    rq = urllib.request.Request(url, json.dumps(body).encode() if body else None,
                                {"Content-Type": "application/json"})
    with urllib.request.urlopen(rq, timeout=lab.PATIENCE) as answer:
        return json.load(answer)


def market(path):
    return ask(f"{Run.lab.config['marketUrl']}{path}?chainId={Run.lab.config['chainId']}")


def key_is_kept(address):
    rq = urllib.request.Request(f"{Run.lab.config['smsUrl']}/secrets/web3?secretAddress={address}",
                                method="HEAD")
    with urllib.request.urlopen(rq, timeout=lab.PATIENCE) as answer:
        return answer.status == 204


def indexed(address):
    """Owner and name of protected data, as the index has them."""
    got = ask(Run.lab.config["subgraphUrl"],
              {"query": '{protectedData(id: "%s") {name owner {id}}}' % address.lower()})
    return got["data"]["protectedData"]


def unread():
    """Blocks that market and index have not read yet."""
    left = {}
    for name in ("front/market.db", "front/graph.db"):
        db = sqlite3.connect(path_of(name), timeout=30)
        left[name] = Run.head - db.execute("SELECT block FROM meta").fetchone()[0]
        db.close()
    return left


def work(n):
    """Data with a key, a grant of it, a deal: noted once the services have said yes."""
    try:
        for turn in range(ROUNDS):
            data = Run.lab.good("protect", f"text=word {n} {turn}", "--name", f"data {n} {turn}",
                                who=Run.owners[n])["address"]
            Run.acknowledged["data"].append((data, f"data {n} {turn}", Run.owners[n]))
            got = Run.lab.good("grant", data, Run.app, Run.requester, "--purpose", "tests",
                               who=Run.owners[n])
            Run.acknowledged["order"].append(got["orderHash"])
            run = Run.lab.good("run", Run.app, "--data", data, "--no-wait", "--no-check",
                               "--purpose", "tests", who=Run.requester)
            Run.acknowledged["run"].append(run)
    except Exception as why:  # told by the case
        Run.faults.append(f"person {n}: {why}")


@case
def people_work_while_databases_are_read():
    Run.lab.start()
    Run.owners = [Run.lab.wallet() for _ in range(3)]
    developer, Run.requester = Run.lab.wallet(), Run.lab.wallet()
    Run.app = Run.lab.good("deploy", "--version", "1.0.0", who=developer,
                           cwd=Run.lab.project())["address"]
    reader = Reader()
    reader.start()
    people = [threading.Thread(target=work, args=(n,)) for n in range(len(Run.owners))]
    for p in people:
        p.start()
    for p in people:
        p.join()
    for data, name, _ in Run.acknowledged["data"]:
        equal(indexed(data)["name"], name, "before the end")
    Run.head = int(Run.lab.rpc("eth_blockNumber"), 16)
    reader.end()
    equal(Run.faults, [], "faults")
    for name in DATABASES:
        check(Run.seen.get(name, 0) > 2, f"{name} was read {Run.seen}")


@case
def nobody_else_took_the_log_away():
    for name in DATABASES:
        check(os.path.exists(path_of(name + "-wal")), f"{name}-wal is there")
    for role in lab.ROLES:
        for fd in os.listdir(folder := f"/proc/{Run.lab.role(role)}/fd"):
            try:
                to = os.readlink(os.path.join(folder, fd))
            except OSError:
                continue
            check(not (".db" in to and to.endswith(" (deleted)")), f"{role} holds {to}")


@case
def the_indexes_follow_while_nobody_asks():
    Run.lab.good("balance", "--faucet", "1RLC", who=Run.requester)
    Run.head = int(Run.lab.rpc("eth_blockNumber"), 16)
    # by the clock alone it may be 30 s
    lab.until(f"the indexes: {unread()} blocks", lambda: not any(unread().values()), 15)


@case
def nothing_acknowledged_is_lost():
    Run.lab.kill()
    equal(unread(), {"front/market.db": 0, "front/graph.db": 0}, "blocks for the start to read")
    Run.lab.start()
    check(int(Run.lab.rpc("eth_blockNumber"), 16) >= Run.head, "blocks")
    for order_hash in Run.acknowledged["order"]:
        equal(market(f"/datasetorders/{order_hash}")["orderHash"], order_hash, "an order")
    for data, name, owner in Run.acknowledged["data"]:
        equal(indexed(data), {"name": name, "owner": {"id": owner.lower()}}, "an entry of the index")
        check(key_is_kept(data), f"the key of {data}")
    equal(len(Run.acknowledged["run"]), len(Run.owners) * ROUNDS, "runs")
    for run in Run.acknowledged["run"]:
        equal(market(f"/deals/{run['dealId']}")["dealid"], run["dealId"], "a deal")
        for task in run["taskIds"]:
            lab.until(f"the end of {task}",
                      lambda: Run.lab.good("task", task)["status"] == "COMPLETED")


@case
def the_ledger_is_whole():
    Run.lab.stop()
    Run.lab.verify_ledger()
    for name in DATABASES:
        db = sqlite3.connect(path_of(name))
        equal(db.execute("PRAGMA integrity_check").fetchall(), [("ok",)], name)
        db.close()


try:
    tap.main()
finally:
    Run.lab.close()
