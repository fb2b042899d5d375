#!/usr/bin/env python3
"""`iappd reindex` of a whole installation: what derives from the ledger is made again, what people
published stays, and everything works on."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../lib"))
import eth  # noqa: E402
import proc  # noqa: E402
import tap  # noqa: E402
from tap import case, check, equal  # noqa: E402

IAPP, IAPPD = (os.path.join(os.environ["IA_BUILD"], n) for n in ("iapp", "iappd"))
TOP = tempfile.mkdtemp(prefix="iapp-reindex-")
HOME, KEYS, PASSWORD = (os.path.join(TOP, n) for n in ("home", "keystore", "password"))
ENV = dict(os.environ, IAPP_HOME=HOME, IAPP_PASSWORD_FILE=PASSWORD)


class Run:
    """What the cases share."""
    up = owner = None
    data = []


def iapp(*args, wallet=True):
    command = [IAPP, *args, "--json"]
    if wallet:
        command += ["--keystore", KEYS, "--wallet", Run.owner]
    done = subprocess.run(command, env=ENV, cwd=TOP, capture_output=True, timeout=120,
                          stdin=subprocess.DEVNULL, check=False)
    check(done.returncode == 0, f"{args}: {done.stdout!r} {done.stderr!r}")
    return json.loads(done.stdout.splitlines()[-1])


def reindex():
    done = subprocess.run([IAPPD, "reindex", "--home", HOME, "--json"], capture_output=True,
                          timeout=120, stdin=subprocess.DEVNULL, check=False)
    return done.returncode, json.loads(done.stdout)


def start():
    with open(os.path.join(TOP, "log"), "ab") as log:
        Run.up = subprocess.Popen([IAPP, "up", "--port", "0", "--json"], env=ENV, stderr=log,
                                  stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    Run.config = json.loads(Run.up.stdout.readline())
    check("rpcUrl" in Run.config, f"ready: {Run.config}")


def stop():
    Run.up.terminate()
    equal(Run.up.wait(timeout=60), 0, "exit status")


def market(path):
    with urllib.request.urlopen(f"{Run.config['marketUrl']}/{path}&chainId="
                                f"{Run.config['chainId']}", timeout=60) as answer:
        return json.load(answer)


def listed():
    """All open orders of the market, as it lists them."""
    any_of = "requester=any&pageSize=100"
    return {"datasetorder": market(f"datasetorders?datasetOwner={Run.owner}&app=any&{any_of}"
                                   "&workerpool=any")["orders"],
            "workerpoolorder": market(f"workerpoolorders?workerpool={Run.config['workerpool']}"
                                      f"&app=any&dataset=any&{any_of}")["orders"]}


@case
def orders_are_published_and_one_is_closed():
    with open(PASSWORD, "w", encoding="ascii") as f:
        f.write("correct horse\n")
        os.fchmod(f.fileno(), 0o600)
    start()
    Run.owner = iapp("wallet", "new", "--keystore", KEYS, wallet=False)["address"]
    for i in range(3):
        Run.data.append(iapp("protect", f"text=number {i}")["address"])
        iapp("grant", Run.data[-1], Run.config["whitelist"]["web3mail"], "any")
    iapp("revoke", Run.data[0], "--yes")
    Run.before = listed()
    equal(len(Run.before["datasetorder"]), 2, "grants that stand")
    equal(len(Run.before["workerpoolorder"]), 5, "offers of the pool")
    Run.head = eth.rpc(Run.config["rpcUrl"], "eth_getBlockByNumber", "latest", False)


@case
def nothing_is_done_while_it_runs():
    status, answer = reindex()
    equal((status, answer["error"]["code"]), (1, "BUSY"), "answer")
    equal(listed(), Run.before, "the market")


@case
def what_was_published_outlives_a_damaged_store():
    stop()
    with sqlite3.connect(os.path.join(HOME, "front/market.db")) as db:
        db.execute("UPDATE orders SET status = 'dead', remaining = 0, changed = 0")
        db.execute("UPDATE meta SET block = 0")
    db.close()
    with sqlite3.connect(os.path.join(HOME, "front/ledger.db")) as db:
        db.execute("DELETE FROM state")
        db.execute("DELETE FROM ref")
    db.close()
    equal(reindex(), (0, {"blocks": int(Run.head["number"], 16) + 1, "head": Run.head["hash"]}),
          "reindex")
    start()
    equal(listed(), Run.before, "the market")
    with sqlite3.connect(os.path.join(HOME, "front/market.db")) as db:
        equal(db.execute("SELECT count(*) FROM orders WHERE status = 'canceled'").fetchone(), (1,),
              "the grant that was revoked")
    db.close()


@case
def work_goes_on():
    equal(eth.rpc(Run.config["rpcUrl"], "eth_getBlockByHash", Run.head["hash"], False), Run.head,
          "a block by its hash")
    Run.data.append(iapp("protect", "text=after")["address"])
    iapp("grant", Run.data[-1], Run.config["whitelist"]["web3mail"], "any")
    equal(len(listed()["datasetorder"]), 3, "grants")
    stop()
    done = subprocess.run([IAPPD, "ledger", "verify", "--home", HOME], capture_output=True,
                          timeout=120, stdin=subprocess.DEVNULL, check=True)
    check(b"every hash and the whole state agree" in done.stdout, f"verify: {done.stdout!r}")


try:
    tap.main()
finally:
    if Run.up and Run.up.poll() is None:
        for pid in reversed(proc.children(Run.up.pid)):
            os.kill(pid, signal.SIGKILL)
        Run.up.wait(timeout=60)
    shutil.rmtree(TOP, ignore_errors=True)
